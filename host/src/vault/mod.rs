//! Secrets at rest, and blanking them wherever they turn up.

mod scrub;

pub use scrub::Scrubber;

use std::path::{Path, PathBuf};

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// Length of the key in bytes.
const KEY: usize = 32;
/// Length of a nonce in bytes.
const NONCE: usize = 24;

/// Why a secret cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The key file cannot be read or made.
    #[error("the key {}: {detail}", path.display())]
    File {
        /// Where it is.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// The key has the wrong form.
    #[error("the key from {place} is not {KEY} bytes; put the key that sealed this data directory back")]
    Form {
        /// Where it came from.
        place: String,
    },
    /// Another key sealed it, or it was moved or altered.
    #[error("a stored secret ({0}) does not open with this key; put the key that sealed it back, or store the secret again")]
    Sealed(String),
}

/// Seals and opens secrets. Each sealed value is bound to its place, so that it cannot be moved to another.
pub struct Vault {
    cipher: XChaCha20Poly1305,
}

impl Vault {
    /// The key of a data directory: `LOCKSTEP_KEY` (64 hex digits), else systemd's credential `lockstep-key`, else
    /// the file, which is made when it does not exist.
    pub fn load_or_create(path: &Path) -> Result<Self, Error> {
        if let Ok(text) = std::env::var("LOCKSTEP_KEY") {
            let bytes = Zeroizing::new(hex::decode(text.trim()).unwrap_or_default());
            return Self::from_bytes(&bytes, "LOCKSTEP_KEY");
        }
        if let Some(directory) = std::env::var_os("CREDENTIALS_DIRECTORY") {
            let path = Path::new(&directory).join("lockstep-key");
            if path.exists() {
                return Self::from_file(&path);
            }
        }
        match create(path) {
            Ok(()) => {}
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(file(path, e)),
        }
        check_mode(path)?;
        Self::from_file(path)
    }

    fn from_file(path: &Path) -> Result<Self, Error> {
        let bytes = Zeroizing::new(std::fs::read(path).map_err(|e| file(path, e))?);
        Self::from_bytes(&bytes, &path.display().to_string())
    }

    fn from_bytes(bytes: &[u8], place: &str) -> Result<Self, Error> {
        let key: &[u8; KEY] = bytes.try_into().map_err(|_| Error::Form { place: place.to_owned() })?;
        Ok(Self { cipher: XChaCha20Poly1305::new(&Key::from(*key)) })
    }

    /// Seals a secret for its place. The answer is a fresh nonce and the sealed bytes.
    pub fn seal(&self, place: &str, secret: &SecretString) -> Result<Vec<u8>, Error> {
        let nonce: [u8; NONCE] = rand::random();
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: place.as_bytes() };
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| Error::Sealed(place.to_owned()))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what [`Vault::seal`] sealed for the same place.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<SecretString, Error> {
        let fail = || Error::Sealed(place.to_owned());
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>().ok_or_else(fail)?;
        let payload = Payload { msg: sealed, aad: place.as_bytes() };
        let open = Zeroizing::new(self.cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| fail())?);
        let text = std::str::from_utf8(&open).map_err(|_| fail())?;
        Ok(SecretString::from(text))
    }
}

fn file(path: &Path, error: std::io::Error) -> Error {
    Error::File { path: path.to_owned(), detail: error.to_string() }
}

fn create(path: &Path) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let key: Zeroizing<[u8; KEY]> = Zeroizing::new(rand::random());
    file.write_all(key.as_slice())?;
    file.sync_all()
}

#[cfg(unix)]
fn check_mode(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).map_err(|e| file(path, e))?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(Error::File {
        path: path.to_owned(),
        detail: format!("other users may read it (mode {mode:o}); run `chmod 600 {}`", path.display()),
    })
}

#[cfg(not(unix))]
fn check_mode(_: &Path) -> Result<(), Error> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault() -> Vault {
        Vault::from_bytes(&[7; KEY], "test").unwrap()
    }

    #[test]
    fn what_was_sealed_opens_in_its_place_only() {
        let sealed = vault().seal("kestrel/the-iconic/api.secret", &SecretString::from("hush")).unwrap();
        assert_eq!(vault().open("kestrel/the-iconic/api.secret", &sealed).unwrap().expose_secret(), "hush");
        assert!(vault().open("kestrel/other/api.secret", &sealed).is_err());
        let other = Vault::from_bytes(&[8; KEY], "test").unwrap();
        assert!(other.open("kestrel/the-iconic/api.secret", &sealed).is_err());
        assert!(vault().open("kestrel/the-iconic/api.secret", &sealed[..10]).is_err());
    }

    #[test]
    fn sealing_twice_differs() {
        let secret = SecretString::from("hush");
        assert_ne!(vault().seal("a", &secret).unwrap(), vault().seal("a", &secret).unwrap());
    }
}
