//! The only place that uses `wasmtime`: manifests, admission, limits, calls, and the plugins' one way out.

mod admit;
mod bindings;
mod cache;
mod connector;
mod convert;
mod credential;
mod egress;
mod limits;
mod manifest;
mod session;

pub use connector::{Connector, ConnectorConfig, Credential, Stats};
pub use limits::Limits;
pub use manifest::{CredentialSlot, Endpoint, Manifest, Setting, SettingType};

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use sha2::{Digest, Sha256};
use wasmtime::component::Linker;
use wasmtime::{Config, Engine};

use bindings::Worlds;
use session::State;

/// Length of an epoch: how finely the processor time of guests is measured.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// The engine that runs every plugin of a host.
#[derive(Clone)]
pub struct Runtime {
    engine: Engine,
    linker: Arc<Linker<State>>,
    cache: Option<Arc<PathBuf>>,
}

impl Runtime {
    /// An engine. Compiled code is kept in `cache`, a folder that only this user may write.
    pub fn new(cache: Option<PathBuf>) -> anyhow::Result<Self> {
        let mut config = Config::new();
        config.epoch_interruption(true);
        config.max_wasm_stack(512 * 1024);
        config.async_stack_size(1024 * 1024);
        config.memory_reservation(256 * 1024 * 1024);
        config.concurrency_support(false);
        let engine = Engine::new(&config).map_err(|e| anyhow::anyhow!("cannot start the WebAssembly engine: {e:#}"))?;
        let ticking = engine.weak();
        std::thread::Builder::new()
            .name("plugin-clock".into())
            .spawn(move || {
                while let Some(engine) = ticking.upgrade() {
                    engine.increment_epoch();
                    drop(engine);
                    std::thread::sleep(TICK);
                }
            })
            .context("cannot start the plugins' clock")?;
        let mut linker = Linker::new(&engine);
        bindings::link(&mut linker).map_err(|e| anyhow::anyhow!("cannot link the contract: {e:#}"))?;
        let cache = cache.map(cache::prepare).transpose()?.map(Arc::new);
        Ok(Self { engine, linker: Arc::new(linker), cache })
    }

    /// Admits a plugin: reads its manifest, checks what it imports and exports, compiles it. An error names what is
    /// wrong and how its author mends it.
    pub fn load(&self, bytes: &[u8]) -> anyhow::Result<Plugin> {
        let manifest = admit::manifest(bytes)?;
        let digest = hex::encode(Sha256::digest(bytes));
        let component = cache::component(&self.engine, self.cache.as_deref().map(|p| p.as_path()), bytes, &digest)?;
        admit::imports(&self.engine, &component)?;
        let worlds = Worlds::of(&self.linker, &component).with_context(|| format!("plugin {}", manifest.plugin.id))?;
        Ok(Plugin { inner: Arc::new(Inner { engine: self.engine.clone(), manifest, digest, worlds }) })
    }
}

/// An admitted plugin. Cheap to clone.
#[derive(Clone)]
pub struct Plugin {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    manifest: Manifest,
    digest: String,
    worlds: Worlds,
}

impl Plugin {
    /// What the plugin says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.inner.manifest
    }

    /// SHA-256 of the component, in hex.
    pub fn digest(&self) -> &str {
        &self.inner.digest
    }

    /// The interfaces of the contract that it exports.
    pub fn capabilities(&self) -> Vec<&'static str> {
        self.inner.worlds.names()
    }

    /// A connector for one account. Fails when settings or credentials do not fit the manifest.
    pub fn connector(&self, config: ConnectorConfig) -> anyhow::Result<Connector> {
        Connector::new(self.clone(), config)
    }

    /// The settings as the plugin will see them: defaults filled in, types checked.
    fn settings(&self, given: &BTreeMap<String, String>) -> anyhow::Result<BTreeMap<String, String>> {
        self.inner.manifest.settings(given)
    }
}
