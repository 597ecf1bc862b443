//! Turns a file into a plugin: admits it, compiles it, tries it out.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use sha2::{Digest, Sha256};
use wasmtime::component::{Component, HasSelf, Instance, InstancePre, Linker};
use wasmtime::{Config, Engine, Store};

use super::admit::admit;
use super::bindings;
use super::cache::Cache;
use super::call::with_last_words;
use super::connector::{Connector, ConnectorConfig};
use super::egress::Who;
use super::extra::{Extra, ExtraConfig};
use super::limits::{Limits, Meter, span};
use super::manifest::Manifest;
use super::record::{FaultLine, LogLine, Record, Records, record_of};
use super::state::State;
use super::stats::Stats;
use super::tap::Tap;
use super::wasi;
use crate::model::Rights;

/// How often a computing plugin is looked at.
const TICK: Duration = Duration::from_millis(10);
/// Time for starting a plugin when it is loaded.
const START: Duration = Duration::from_secs(5);

/// Compiles and runs plugins.
#[derive(Clone)]
pub struct Runtime {
    engine: Engine,
    linker: Arc<Linker<State>>,
    /// The same with WASI, for components that import it.
    wasi_linker: Arc<Linker<State>>,
    cache: Option<Arc<Cache>>,
    clock: Arc<Clock>,
    records: Records,
}

/// An admitted and compiled plugin. Clones share it.
#[derive(Clone)]
pub struct Plugin {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub engine: Engine,
    pub clock: Arc<Clock>,
    pub id: Arc<str>,
    pub manifest: Manifest,
    pub digest: String,
    pub capabilities: Vec<&'static str>,
    pub ready: Ready,
    pub record: Arc<Record>,
}

/// Everything about the component that can be prepared before a call; none where it lacks the capability.
pub(super) struct Ready {
    pub about: Option<bindings::about::WithAboutPre<State>>,
    pub listings: Option<bindings::listings::WithListingsPre<State>>,
    pub stock: Option<bindings::stock::WithStockPre<State>>,
    pub orders: Option<bindings::orders::WithOrdersPre<State>>,
    pub acceptance: Option<bindings::acceptance::WithAcceptancePre<State>>,
    pub fulfillments: Option<bindings::fulfillments::WithFulfillmentsPre<State>>,
    pub cancellations: Option<bindings::cancellations::WithCancellationsPre<State>>,
    pub webhooks: Option<bindings::webhooks::WithWebhooksPre<State>>,
    pub order_edits: Option<bindings::order_edits::WithOrderEditsPre<State>>,
    pub stock_edits: Option<bindings::stock_edits::WithStockEditsPre<State>>,
    pub bundles: Option<bindings::bundles::WithBundlesPre<State>>,
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin")
            .field("id", &self.inner.id)
            .field("digest", &self.inner.digest)
            .finish()
    }
}

impl Runtime {
    /// A runtime that keeps compiled code in the folder, if one is given and only the host's user can write there.
    pub fn new(cache: Option<PathBuf>) -> anyhow::Result<Self> {
        let mut config = Config::new();
        config
            .epoch_interruption(true)
            .max_wasm_stack(512 << 10)
            .async_stack_size(1 << 20)
            .memory_reservation(256 << 20);
        // Functions of the contract are synchronous, which this makes several times cheaper to call.
        config.concurrency_support(false);
        let engine = Engine::new(&config)
            .map_err(chain)
            .context("the plugin engine cannot be set up")?;
        let mut linker = Linker::new(&engine);
        bindings::base::Imports::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)
            .map_err(chain)?;
        let mut wasi_linker = linker.clone();
        wasi::add_to_linker(&mut wasi_linker).map_err(chain)?;
        let cache = cache.and_then(|folder| match Cache::open(folder) {
            Ok(cache) => Some(Arc::new(cache)),
            Err(e) => {
                tracing::warn!("plugins are compiled at every start: {e:#}");
                None
            }
        });
        let clock = Arc::new(Clock::start(&engine)?);
        Ok(Self {
            engine,
            linker: Arc::new(linker),
            wasi_linker: Arc::new(wasi_linker),
            cache,
            clock,
            records: Records::default(),
        })
    }

    /// Admits and compiles a component. Blocks for as long as it compiles: a fraction of a second for a small one, many
    /// seconds for one with an interpreter inside. Errors say what is wrong with it and how to build it right.
    pub fn load(&self, component: &[u8]) -> anyhow::Result<Plugin> {
        let admission = admit(component)?;
        let digest = hex::encode(Sha256::digest(component));
        let compiled = match &self.cache {
            Some(cache) => cache.component(&self.engine, &digest, component),
            None => Component::from_binary(&self.engine, component).map_err(chain),
        };
        let id: Arc<str> = admission.manifest.plugin.id.as_str().into();
        let linker = if admission.wasi {
            &self.wasi_linker
        } else {
            &self.linker
        };
        let prepare = || {
            let pre = linker
                .instantiate_pre(&compiled?)
                .map_err(chain)
                .context("its imports do not fit the contract")?;
            self.try_out(&id, &pre)?;
            Ready::new(&pre, &admission.capabilities)
        };
        let ready = prepare()
            .with_context(|| format!("plugin {id} {}", admission.manifest.plugin.version))?;
        let record = record_of(&self.records, &id);
        Ok(Plugin {
            inner: Arc::new(Inner {
                engine: self.engine.clone(),
                clock: self.clock.clone(),
                id,
                manifest: admission.manifest,
                digest,
                capabilities: admission.capabilities,
                ready,
                record,
            }),
        })
    }

    /// Starts the component once and compares the types of its exports with the contract.
    fn try_out(&self, id: &Arc<str>, pre: &InstancePre<State>) -> anyhow::Result<()> {
        let limits = Limits {
            cpu: START,
            ..Limits::default()
        };
        let who = Who {
            plugin: id.clone(),
            call: "start",
        };
        let mut store = new_store(&self.engine, State::new(who, limits, None), false);
        let running = self.clock.running();
        store.data().meter.resume();
        let instance = start(pre, &mut store);
        drop(running);
        let instance = instance
            .map_err(|e| {
                let state = store.data();
                match &state.space.refused {
                    Some(limit) => limit.to_string(),
                    None => with_last_words(reason(&e), state.last_words()),
                }
            })
            .map_err(|why| anyhow!("it cannot be started: {why}"))?;
        macro_rules! compare {
            ($($name:literal $module:ident $indices:ident;)*) => {
                $(
                    // An export that is missing here is a capability that it does not have.
                    if let Ok(indices) = bindings::$module::$indices::new(pre) {
                        indices.load(&mut store, &instance).map_err(|e| anyhow!("its {} do not fit the contract: {e:#}; build it with the SDK of this generation", $name))?;
                    }
                )*
            };
        }
        compare! {
            "about functions" about WithAboutIndices;
            "listings functions" listings WithListingsIndices;
            "stock functions" stock WithStockIndices;
            "orders functions" orders WithOrdersIndices;
            "acceptance functions" acceptance WithAcceptanceIndices;
            "fulfillments functions" fulfillments WithFulfillmentsIndices;
            "cancellations functions" cancellations WithCancellationsIndices;
            "webhooks functions" webhooks WithWebhooksIndices;
            "order-edits functions" order_edits WithOrderEditsIndices;
            "stock-edits functions" stock_edits WithStockEditsIndices;
            "bundles functions" bundles WithBundlesIndices;
        }
        Ok(())
    }
}

impl Ready {
    fn new(pre: &InstancePre<State>, capabilities: &[&str]) -> anyhow::Result<Self> {
        macro_rules! pre {
            ($name:literal, $module:ident, $pre:ident) => {
                if capabilities.contains(&$name) {
                    let ready = bindings::$module::$pre::new(pre.clone()).map_err(|e| {
                        anyhow!("its {} functions do not fit the contract: {e:#}", $name)
                    })?;
                    Some(ready)
                } else {
                    None
                }
            };
        }
        Ok(Self {
            about: pre!("about", about, WithAboutPre),
            listings: pre!("listings", listings, WithListingsPre),
            stock: pre!("stock", stock, WithStockPre),
            orders: pre!("orders", orders, WithOrdersPre),
            acceptance: pre!("acceptance", acceptance, WithAcceptancePre),
            fulfillments: pre!("fulfillments", fulfillments, WithFulfillmentsPre),
            cancellations: pre!("cancellations", cancellations, WithCancellationsPre),
            webhooks: pre!("webhooks", webhooks, WithWebhooksPre),
            order_edits: pre!("order-edits", order_edits, WithOrderEditsPre),
            stock_edits: pre!("stock-edits", stock_edits, WithStockEditsPre),
            bundles: pre!("bundles", bundles, WithBundlesPre),
        })
    }
}

impl Plugin {
    /// What it says about itself.
    pub fn manifest(&self) -> &Manifest {
        &self.inner.manifest
    }

    /// SHA-256 of the file, in lower-case hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.inner.digest
    }

    /// The interfaces that it exports: `about` and what else it can do.
    pub fn capabilities(&self) -> &[&'static str] {
        &self.inner.capabilities
    }

    /// What all its calls since the start have used, those of its other versions included.
    pub fn stats(&self) -> Stats {
        self.inner.record.counters.stats()
    }

    /// The newest lines of its log, the newest first, those of its other versions included.
    pub fn log(&self) -> Vec<LogLine> {
        self.inner.record.lines()
    }

    /// How its calls failed lately, the newest first, those of its other versions included.
    pub fn faults(&self) -> Vec<FaultLine> {
        self.inner.record.faults()
    }

    /// What it asks an operator for.
    pub fn rights(&self) -> Rights {
        let manifest = &self.inner.manifest;
        let endpoint = manifest.endpoint.as_ref();
        let base = endpoint.and_then(|e| e.base_url.parse::<url::Url>().ok());
        let base = base.and_then(|u| u.host_str().map(str::to_owned));
        let tokens = manifest.credential.iter().filter_map(|c| {
            let url: url::Url = c.token_url.as_deref()?.parse().ok()?;
            url.host_str().map(str::to_owned)
        });
        Rights {
            hosts: (endpoint.into_iter())
                .flat_map(|e| e.hosts.iter().cloned())
                .chain(base)
                .chain(tokens)
                .collect(),
            credentials: (manifest.credential.iter())
                .map(|c| format!("{} ({})", c.slot, c.kind.text()))
                .collect(),
            capabilities: (self.inner.capabilities.iter())
                .map(|c| (*c).to_owned())
                .collect(),
        }
    }

    /// Whether it is an extra; otherwise it is a connector.
    pub fn is_extra(&self) -> bool {
        self.inner.ready.about.is_none()
    }

    /// It, as an extra of one channel. Errors name the setting that is wrong.
    pub fn extra(&self, config: ExtraConfig) -> anyhow::Result<Extra> {
        let key = config.key.clone();
        Extra::new(self.clone(), config)
            .with_context(|| format!("channel {key}, plugin {}", self.inner.id))
    }

    /// A connector for one channel. Errors name the setting, credential or address that is wrong.
    pub fn connector(&self, config: ConnectorConfig) -> anyhow::Result<Connector> {
        let key = config.key.clone();
        Connector::new(self.clone(), config, None)
            .with_context(|| format!("channel {key}, plugin {}", self.inner.id))
    }

    /// The same for checks and recordings: the tap stands between its requests and the net.
    pub fn tapped(&self, config: ConnectorConfig, tap: Arc<dyn Tap>) -> anyhow::Result<Connector> {
        let key = config.key.clone();
        Connector::new(self.clone(), config, Some(tap))
            .with_context(|| format!("{key}, plugin {}", self.inner.id))
    }
}

/// A store for one call, with its limits.
pub(super) fn new_store(engine: &Engine, state: State, yields: bool) -> Store<State> {
    let transfer = state.limits.crossing;
    let meter: Arc<Meter> = state.meter.clone();
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.space);
    store.set_hostcall_fuel(transfer);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |mut cx| {
        meter.tick(yields).map_err(|exceeded| {
            cx.data_mut().exceeded = Some(exceeded.clone());
            wasmtime::Error::new(exceeded)
        })
    });
    store
}

/// Why a call ended, in the fewest words that tell it.
pub(super) fn reason(error: &wasmtime::Error) -> String {
    match error.downcast_ref::<wasmtime::Trap>() {
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    }
}

pub(super) fn chain(error: wasmtime::Error) -> anyhow::Error {
    anyhow!("{error:#}")
}

/// Starts a component on a thread of its own, since the caller may be inside a runtime or outside of any, and a plugin
/// may sleep.
fn start(pre: &InstancePre<State>, store: &mut Store<State>) -> wasmtime::Result<Instance> {
    let alone = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        let started = async { tokio::time::timeout(START, pre.instantiate_async(store)).await };
        runtime
            .block_on(started)
            .map_err(|_| wasmtime::Error::msg(format!("took longer than {}", span(START))))?
    };
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("plugin-start".into());
        let started = thread.spawn_scoped(scope, alone)?;
        started
            .join()
            .unwrap_or_else(|_| Err(wasmtime::Error::msg("the host's own code failed")))
    })
}

/// The thread whose ticks interrupt computing plugins. Sleeps while none runs.
pub(super) struct Clock {
    running: Arc<AtomicUsize>,
    thread: Thread,
}

impl Clock {
    fn start(engine: &Engine) -> anyhow::Result<Self> {
        let weak = engine.weak();
        let running = Arc::new(AtomicUsize::new(0));
        let seen = running.clone();
        let handle = thread::Builder::new()
            .name("plugin-clock".into())
            .spawn(move || {
                while let Some(engine) = weak.upgrade() {
                    engine.increment_epoch();
                    // An engine held while sleeping would never end.
                    drop(engine);
                    if seen.load(Ordering::Acquire) == 0 {
                        thread::park_timeout(Duration::from_secs(5));
                    } else {
                        thread::sleep(TICK);
                    }
                }
            });
        match handle {
            Ok(handle) => Ok(Self {
                running,
                thread: handle.thread().clone(),
            }),
            Err(e) => bail!(
                "the clock for plugins ({} ticks) cannot be started: {e}",
                span(TICK)
            ),
        }
    }

    /// Ticks until the guard is dropped.
    pub(super) fn running(self: &Arc<Self>) -> Running {
        if self.running.fetch_add(1, Ordering::AcqRel) == 0 {
            self.thread.unpark();
        }
        Running(self.clone())
    }
}

/// See [`Clock::running`].
pub(super) struct Running(Arc<Clock>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}
