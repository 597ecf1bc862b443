//! Compiled code on disk, so that each component is compiled once per machine.

use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::Context;
use wasmtime::Engine;
use wasmtime::component::Component;

/// Makes the folder, for this user alone, and refuses one that others may write.
pub(super) fn prepare(directory: PathBuf) -> anyhow::Result<PathBuf> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&directory)?.permissions().mode() & 0o777;
        if mode & 0o022 != 0 {
            anyhow::bail!("others may write {} (mode {mode:o}), where compiled plugins lie; run `chmod 700 {0}`", directory.display());
        }
    }
    Ok(directory)
}

/// The compiled component, from the folder if it is there.
pub(super) fn component(engine: &Engine, directory: Option<&Path>, bytes: &[u8], digest: &str) -> anyhow::Result<Component> {
    let Some(directory) = directory else { return compile(engine, bytes) };
    let mut hasher = std::hash::DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    let path = directory.join(format!("{digest}-{:016x}.cwasm", hasher.finish()));
    if path.exists() {
        match load(engine, &path) {
            Ok(component) => return Ok(component),
            Err(e) => tracing::warn!("{}: {e:#}; it is compiled again", path.display()),
        }
    }
    let component = compile(engine, bytes)?;
    if let Err(e) = store(&component, directory, &path) {
        tracing::warn!("{}: {e:#}; the plugin works, and is compiled again at the next start", path.display());
    }
    Ok(component)
}

fn compile(engine: &Engine, bytes: &[u8]) -> anyhow::Result<Component> {
    Component::new(engine, bytes).map_err(|e| anyhow::anyhow!("it does not compile: {e:#}"))
}

fn store(component: &Component, directory: &Path, path: &Path) -> anyhow::Result<()> {
    let code = component.serialize().map_err(|e| anyhow::anyhow!("{e:#}"))?;
    let partial = directory.join(format!("{}.partial", uuid::Uuid::now_v7()));
    std::fs::write(&partial, code)?;
    std::fs::rename(&partial, path)?;
    Ok(())
}

/// Machine code is trusted by whoever runs it.
#[allow(unsafe_code)]
fn load(engine: &Engine, path: &Path) -> anyhow::Result<Component> {
    // SAFETY: the file lies in a folder that only this user may write (`prepare` refuses any other), and was
    // written there by `store` from a component that this program compiled itself.
    unsafe { Component::deserialize_file(engine, path) }.map_err(|e| anyhow::anyhow!("{e:#}"))
}
