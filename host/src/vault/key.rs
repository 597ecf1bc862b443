//! Where the host's key comes from.

use std::fmt;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::Error;

const KEY_BYTES: usize = 32;
const VARIABLE: &str = "LOCKSTEP_KEY";
const CREDENTIAL: &str = "lockstep-key";

/// Where a key was found, for messages.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Environment,
    File(PathBuf),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Environment => write!(f, "the key in {VARIABLE}"),
            Source::File(path) => write!(f, "the key {}", path.display()),
        }
    }
}

/// Finds the key; makes the file when `create` is set and no other source is given.
pub(super) fn load(
    file: &Path,
    create: bool,
) -> Result<(Zeroizing<[u8; KEY_BYTES]>, Source), Error> {
    if let Some(text) = std::env::var_os(VARIABLE) {
        let text = Zeroizing::new(text.into_encoded_bytes());
        return Ok((parse_hex(&text)?, Source::Environment));
    }
    if let Some(directory) = std::env::var_os("CREDENTIALS_DIRECTORY") {
        let path = Path::new(&directory).join(CREDENTIAL);
        if path.exists() {
            // systemd guards that folder itself; its files are group-readable on some versions.
            return Ok((read(&path)?, Source::File(path)));
        }
    }
    match fs::symlink_metadata(file) {
        Ok(_) => {
            private(file)?;
            Ok((read(file)?, Source::File(file.to_owned())))
        }
        Err(e) if e.kind() == ErrorKind::NotFound && create => {
            Ok((make(file)?, Source::File(file.to_owned())))
        }
        Err(e) if e.kind() == ErrorKind::NotFound => Err(Error::Key(format!(
            "there is no key {}, but secrets are stored that only it can open; restore it from your backup, or set {VARIABLE}. Without it every secret must be entered again",
            file.display()
        ))),
        Err(e) => Err(Error::Key(format!(
            "the key {} cannot be looked at: {e}",
            file.display()
        ))),
    }
}

fn parse_hex(text: &[u8]) -> Result<Zeroizing<[u8; KEY_BYTES]>, Error> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    // The text itself must not be repeated in the message.
    hex::decode_to_slice(text.trim_ascii(), key.as_mut_slice()).map_err(|_| {
        Error::Key(format!("{VARIABLE} must be {} hexadecimal digits ({KEY_BYTES} random bytes), as `openssl rand -hex {KEY_BYTES}` makes them", 2 * KEY_BYTES))
    })?;
    Ok(key)
}

fn read(path: &Path) -> Result<Zeroizing<[u8; KEY_BYTES]>, Error> {
    let fail =
        |e: std::io::Error| Error::Key(format!("the key {} cannot be read: {e}", path.display()));
    let mut text = Zeroizing::new(Vec::with_capacity(4 * KEY_BYTES));
    fs::File::open(path)
        .map_err(fail)?
        .take(4 * KEY_BYTES as u64)
        .read_to_end(&mut text)
        .map_err(fail)?;
    match <[u8; KEY_BYTES]>::try_from(text.as_slice()) {
        Ok(raw) => Ok(Zeroizing::new(raw)),
        // A credential is often kept as text.
        Err(_) => parse_hex(&text).map_err(|_| {
            Error::Key(format!(
                "the key {} holds {} bytes that are no key; it must be {KEY_BYTES} random bytes, or {} hexadecimal digits. Restore it from your backup",
                path.display(),
                text.len(),
                2 * KEY_BYTES
            ))
        }),
    }
}

#[cfg(unix)]
fn private(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    let meta = fs::metadata(path).map_err(|e| {
        Error::Key(format!(
            "the key {} cannot be looked at: {e}",
            path.display()
        ))
    })?;
    let mode = meta.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Error::Key(format!(
            "the key {0} can be read by others (mode {mode:o}); run `chmod 600 {0}`, and replace the secrets if somebody may have read it",
            path.display()
        )));
    }
    Ok(())
}

#[cfg(not(unix))]
fn private(_: &Path) -> Result<(), Error> {
    Ok(())
}

/// Makes the file with its final permissions from the start; loses the race gracefully when another process makes it.
fn make(path: &Path) -> Result<Zeroizing<[u8; KEY_BYTES]>, Error> {
    let fail =
        |e: std::io::Error| Error::Key(format!("the key {} cannot be made: {e}", path.display()));
    let key = Zeroizing::new(rand::random::<[u8; KEY_BYTES]>());
    // Written aside first: a crash in the middle must not leave half a key under the final name.
    let aside = path.with_extension(format!("new-{}", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = (|| {
        let mut file = options.open(&aside)?;
        file.write_all(key.as_slice())?;
        file.sync_all()?;
        // Unlike a rename, a link never replaces a key that appeared meanwhile.
        fs::hard_link(&aside, path)
    })();
    let _ = fs::remove_file(&aside);
    match written {
        Ok(()) => Ok(key),
        Err(e) if e.kind() == ErrorKind::AlreadyExists && path.exists() => {
            private(path)?;
            read(path)
        }
        Err(e) => Err(fail(e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let path =
            std::env::temp_dir().join(format!("lockstep-key-{name}-{}", uuid::Uuid::new_v4()));
        fs::create_dir_all(&path).unwrap();
        path
    }

    #[test]
    fn made_once_then_the_same() {
        let folder = folder("made");
        let file = folder.join("key");
        assert!(
            load(&file, false)
                .unwrap_err()
                .to_string()
                .contains("restore it from your backup")
        );
        let (first, _) = load(&file, true).unwrap();
        let (second, source) = load(&file, false).unwrap();
        assert_eq!(*first, *second);
        assert!(source.to_string().ends_with("/key"));
        assert_eq!(
            fs::read_dir(&folder).unwrap().count(),
            1,
            "nothing is left beside it"
        );
        fs::remove_dir_all(folder).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn open_to_others_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = folder("mode");
        let file = folder.join("key");
        load(&file, true).unwrap();
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let error = load(&file, true).unwrap_err().to_string();
        assert!(
            error.contains("mode 640") && error.contains("chmod 600"),
            "{error}"
        );
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn raw_and_hexadecimal_are_read_and_others_refused() {
        let folder = folder("forms");
        let file = folder.join("key");
        fs::write(&file, [7; 32]).unwrap();
        assert_eq!(*read(&file).unwrap(), [7; 32]);
        fs::write(&file, format!("{}\n", "07".repeat(32))).unwrap();
        assert_eq!(*read(&file).unwrap(), [7; 32]);
        fs::write(&file, "secret-looking").unwrap();
        let error = read(&file).unwrap_err().to_string();
        assert!(
            error.contains("14 bytes") && !error.contains("secret-looking"),
            "{error}"
        );
        fs::remove_dir_all(folder).unwrap();
    }
}
