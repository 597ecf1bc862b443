//! Compiled code on disk, so that a component is compiled once. Only what this host wrote is ever loaded.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use wasmtime::Engine;
use wasmtime::component::Component;

use super::trusted;

/// A folder of compiled components.
#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// Uses a folder that only the host's user may enter; makes it when it does not exist.
    pub(super) fn open(folder: PathBuf) -> anyhow::Result<Self> {
        if !folder.exists() {
            let mut builder = fs::DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder
                .create(&folder)
                .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
        }
        let cache = Self { folder };
        cache.check(&cache.folder, true)?;
        Ok(cache)
    }

    /// The component, from the folder where it can be had, else compiled and kept.
    pub(super) fn component(
        &self,
        engine: &Engine,
        digest: &str,
        bytes: &[u8],
    ) -> anyhow::Result<Component> {
        let file = self
            .folder
            .join(format!("{digest}-{}.cwasm", engine_key(engine)));
        match self.read(engine, &file) {
            Ok(Some(component)) => return Ok(component),
            Ok(None) => {}
            Err(e) => {
                tracing::warn!("{}: {e:#}; compiling anew", file.display());
                let _ = fs::remove_file(&file);
            }
        }
        let component = Component::from_binary(engine, bytes).map_err(anyhow::Error::msg)?;
        if let Err(e) = self.write(&file, &component) {
            tracing::warn!("compiled code is not kept, so the next start is slower: {e:#}");
        }
        Ok(component)
    }

    fn read(&self, engine: &Engine, file: &Path) -> anyhow::Result<Option<Component>> {
        if !fs::exists(file)? {
            return Ok(None);
        }
        self.check(&self.folder, true)?;
        self.check(file, false)?;
        trusted::load(engine, file)
            .map(Some)
            .map_err(anyhow::Error::msg)
    }

    fn write(&self, file: &Path, component: &Component) -> anyhow::Result<()> {
        let code = component.serialize().map_err(anyhow::Error::msg)?;
        let aside = self.folder.join(format!("{}.new", uuid::Uuid::new_v4()));
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = (|| {
            let mut out = options.open(&aside)?;
            out.write_all(&code)?;
            out.sync_all()?;
            fs::rename(&aside, file)
        })();
        if written.is_err() {
            let _ = fs::remove_file(&aside);
        }
        written.with_context(|| format!("{} cannot be written", file.display()))
    }

    /// Checks that nobody but the host's user can have written the thing, links included.
    #[cfg(unix)]
    fn check(&self, path: &Path, folder: bool) -> anyhow::Result<()> {
        use std::os::unix::fs::MetadataExt;
        let meta = fs::symlink_metadata(path)?;
        ensure!(
            if folder {
                meta.is_dir()
            } else {
                meta.is_file()
            },
            "{} is a link or of another kind",
            path.display()
        );
        ensure!(
            meta.mode() & 0o077 == 0,
            "{0} is open to others (mode {1:o}), and compiled code in it could be theirs; delete it, or empty it and run `chmod 700 {0}`",
            path.display(),
            meta.mode() & 0o777
        );
        let mine = user()?;
        ensure!(
            meta.uid() == mine,
            "{} belongs to user {}, the host runs as user {mine}; delete it",
            path.display(),
            meta.uid()
        );
        Ok(())
    }

    #[cfg(not(unix))]
    fn check(&self, path: &Path, _: bool) -> anyhow::Result<()> {
        anyhow::bail!(
            "{}: who may write here cannot be told on this system",
            path.display()
        )
    }
}

/// The user that the host runs as: whoever owns a file that it has just made.
#[cfg(unix)]
fn user() -> anyhow::Result<u32> {
    use std::os::unix::fs::MetadataExt;
    static USER: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
    if let Some(user) = USER.get() {
        return Ok(*user);
    }
    let probe = std::env::temp_dir().join(format!("lockstep-{}", uuid::Uuid::new_v4()));
    let user = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&probe)
        .and_then(|f| f.metadata())
        .map(|m| m.uid())
        .with_context(|| format!("{} cannot be made", probe.display()))?;
    let _ = fs::remove_file(&probe);
    Ok(*USER.get_or_init(|| user))
}

/// Changes with the engine's version, settings and processor.
fn engine_key(engine: &Engine) -> String {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY_COMPONENT: [u8; 8] = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];

    fn folder() -> PathBuf {
        std::env::temp_dir().join(format!("lockstep-cache-{}", uuid::Uuid::new_v4()))
    }

    #[test]
    fn compiled_once_then_loaded_and_damage_is_healed() {
        let folder = folder();
        let engine = Engine::default();
        let cache = Cache::open(folder.clone()).unwrap();
        cache.component(&engine, "d1", &EMPTY_COMPONENT).unwrap();
        let file = fs::read_dir(&folder)
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
        // Not even WebAssembly: it can only have come from the file.
        cache.component(&engine, "d1", b"no component").unwrap();
        fs::write(&file, b"damaged").unwrap();
        assert!(cache.component(&engine, "d1", b"no component").is_err());
        cache.component(&engine, "d1", &EMPTY_COMPONENT).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(folder).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn what_others_can_write_is_not_loaded() {
        use std::os::unix::fs::PermissionsExt;
        let folder = folder();
        let engine = Engine::default();
        let cache = Cache::open(folder.clone()).unwrap();
        assert_eq!(
            fs::metadata(&folder).unwrap().permissions().mode() & 0o777,
            0o700
        );
        cache.component(&engine, "d1", &EMPTY_COMPONENT).unwrap();
        let file = fs::read_dir(&folder)
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(
            cache.component(&engine, "d1", b"no component").is_err(),
            "a file that others can write was loaded"
        );
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        let error = format!("{:#}", Cache::open(folder.clone()).unwrap_err());
        assert!(
            error.contains("mode 755") && error.contains("chmod 700"),
            "{error}"
        );
        fs::remove_dir_all(folder).unwrap();
    }
}
