//! One call of a plugin: started in a fresh instance, held to its limits, billed, and its answer read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant as Clock;

use anyhow::{Context, ensure};
use tokio::time::error::Elapsed;
use wasmtime::Store;

use super::bindings::types as wit;
use super::convert::{self, Broken};
use super::egress::Who;
use super::limits::{Limits, size, span};
use super::manifest::Manifest;
use super::runtime::{Plugin, Running, new_store, reason};
use super::state::{State, Surroundings};
use super::stats::{Counters, Used};
use crate::model::{Fault, Side};
use crate::telemetry::{self, PluginCall, spans};
use crate::trace::{self, Mark};
use crate::vault::Scrubber;

/// What a plugin says when a call fails.
pub(super) trait Said {
    /// As the host understands it, without secrets.
    fn fault(self, scrubber: &Scrubber) -> Fault;
}

impl Said for wit::Fault {
    fn fault(self, scrubber: &Scrubber) -> Fault {
        convert::fault(self, scrubber)
    }
}

/// An extra's own words.
impl Said for String {
    fn fault(self, scrubber: &Scrubber) -> Fault {
        convert::fault(wit::Fault::Other(self), scrubber)
    }
}

/// Why a plugin ended, with its own last words.
pub(super) fn with_last_words(why: String, last_words: Option<String>) -> String {
    match last_words {
        Some(words) => format!("{why}; it said: {words}"),
        None => why,
    }
}

/// What the calls of one plugin for one channel share.
pub(super) struct Shared {
    pub plugin: Plugin,
    pub limits: Limits,
    pub around: Arc<Surroundings>,
    pub counters: Counters,
}

/// One call that is running.
pub(super) struct Call {
    pub shared: Arc<Shared>,
    pub store: Store<State>,
    writes: bool,
    start: Clock,
    mark: Mark,
    pub span: tracing::Span,
    _running: Running,
}

impl Shared {
    pub(super) fn begin(self: &Arc<Self>, call: &'static str, writes: bool) -> Call {
        let plugin = &self.plugin.inner;
        let who = Who {
            plugin: plugin.id.clone(),
            call,
        };
        let state = State::new(who, self.limits, Some(self.around.clone()));
        let running = plugin.clock.running();
        let store = new_store(&plugin.engine, state, true);
        store.data().meter.resume();
        Call {
            shared: self.clone(),
            store,
            writes,
            start: Clock::now(),
            mark: trace::mark(),
            span: spans::plugin_call(&plugin.id, &self.around.channel, call),
            _running: running,
        }
    }

    pub(super) fn cannot(&self, call: &str, capability: &str) -> Fault {
        Fault::Other {
            detail: format!(
                "plugin {} cannot {call}: it does not export {capability}",
                self.plugin.inner.id
            ),
        }
    }
}

impl Call {
    /// Bills the call and turns however it ended into its answer.
    pub(super) fn end<T, E: Said>(
        mut self,
        answer: Result<wasmtime::Result<Result<T, E>>, Elapsed>,
    ) -> Answered<T> {
        let state = self.store.data_mut();
        // After a timeout the plugin was waiting, or had just given way: nothing more to bill.
        if answer.is_ok() {
            state.meter.pause();
        }
        let last_words = state.last_words();
        state.close_log();
        let exceeded = state.exceeded.take().or_else(|| state.space.refused.take());
        let scrubber = &self.shared.around.scrubber;
        let result = match answer {
            Ok(Ok(Ok(value))) => Ok(value),
            Ok(Ok(Err(fault))) => Err(self.doubted(fault.fault(scrubber))),
            Ok(Err(error)) => {
                let why = match exceeded {
                    Some(limit) => limit.to_string(),
                    None => match reason(&error) {
                        // wasmtime tells it without a type of its own.
                        text if text.contains("fuel allocated for hostcalls") => {
                            format!(
                                "passed more than {} to the host at once",
                                size(self.shared.limits.crossing)
                            )
                        }
                        text => with_last_words(text, last_words),
                    },
                };
                Err(self.broken(&scrubber.scrub(&why)))
            }
            Err(_) => Err(self.broken(&format!(
                "took longer than {} in all",
                span(self.shared.limits.wall)
            ))),
        };
        Answered { call: self, result }
    }

    pub(super) fn broken(&self, why: &str) -> Fault {
        let who = &self.store.data().who;
        tracing::warn!(target: "plugin", plugin = &*who.plugin, channel = self.shared.around.channel, call = who.call, "broken off: {why}");
        Fault::Plugin {
            detail: format!("{who}: {why}"),
        }
    }

    /// A plugin may not know better than to call a lost write "unavailable", which would have it repeated blindly.
    fn doubted(&self, fault: Fault) -> Fault {
        match fault {
            Fault::Throttled { detail, .. } | Fault::Unavailable { detail, .. }
                if self.writes && self.store.data().doubt =>
            {
                Fault::UnknownOutcome { detail }
            }
            other => other,
        }
    }

    fn bill<T>(&self, result: &Result<T, Fault>) {
        let state = self.store.data();
        let used = Used {
            fault: result.is_err(),
            broken: matches!(result, Err(Fault::Plugin { .. })),
            cpu: state.meter.used(),
            wall: self.start.elapsed(),
            http_calls: state.http_calls(),
            memory: state.space.memory(),
        };
        self.shared.counters.add(&used);
        let record = &self.shared.plugin.inner.record;
        record.counters.add(&used);
        if let Err(fault) = result {
            let around = &self.shared.around;
            record.fault(&around.channel, state.who.call, fault, &around.scrubber);
        }
        spans::failed(&self.span, result.as_ref().err().map(Fault::case));
        telemetry::plugin_called(PluginCall {
            plugin: &state.who.plugin,
            channel: &self.shared.around.channel,
            call: state.who.call,
            fault: used.fault,
            broken: used.broken,
            cpu: used.cpu,
            wall: used.wall,
            memory: state.space.memory(),
        });
        tracing::debug!(
            target: "plugin",
            plugin = &*state.who.plugin,
            channel = self.shared.around.channel,
            call = state.who.call,
            cpu_us = used.cpu.as_micros() as u64,
            ms = used.wall.as_millis() as u64,
            http_calls = used.http_calls,
            fault = result.as_ref().err().map(Fault::case),
            "call"
        );
    }
}

/// The answer of a call that has ended, not yet in the host's types.
pub(super) struct Answered<T> {
    call: Call,
    result: Result<T, Fault>,
}

impl<T> Answered<T> {
    /// Converts the answer. What breaks the contract is the plugin's fault.
    pub(super) fn read<U>(
        self,
        convert: impl FnOnce(T, &Call) -> Result<U, Broken>,
    ) -> Result<U, Fault> {
        let result = self.result.and_then(|value| {
            convert(value, &self.call)
                .map_err(|why| self.call.broken(&format!("breaks the contract, {why}")))
        });
        self.call.bill(&result);
        if let Err(fault) = &result
            && self.call.shared.around.egress.is_some()
        {
            (self.call.mark).failed(Side::Channel, self.call.who().call, fault);
        }
        result
    }

    pub(super) fn map<U>(self, convert: impl FnOnce(T) -> U) -> Result<U, Fault> {
        self.read(|value, _| Ok(convert(value)))
    }
}

impl Call {
    pub(super) fn who(&self) -> &Who {
        &self.store.data().who
    }

    pub(super) fn scrubber(&self) -> &Scrubber {
        &self.shared.around.scrubber
    }
}

pub(super) const READS: bool = false;
pub(super) const WRITES: bool = true;

/// Runs one function of one capability to its end, inside the limits.
macro_rules! call {
    ($self:ident, $capability:ident . $function:literal, $writes:expr, $guest:ident . $method:ident ( $($argument:expr),* )) => {{
        let name = concat!(stringify!($capability), ".", $function);
        let Some(pre) = $self.shared.plugin.inner.ready.$capability.as_ref() else {
            return Err($self.shared.cannot(name, stringify!($capability)));
        };
        let mut call = $self.shared.begin(name, $writes);
        let (wall, span) = (call.shared.limits.wall, call.span.clone());
        let answer = {
            let store = &mut call.store;
            let work = async {
                let instance = pre.instantiate_async(&mut *store).await?;
                instance.$guest().$method(&mut *store $(, $argument)*).await
            };
            tokio::time::timeout(wall, tracing::Instrument::instrument(work, span)).await
        };
        call.end(answer)
    }};
}
pub(super) use call;

/// The operator's values, checked, with the manifest's defaults for the rest.
pub(super) fn settings(
    manifest: &Manifest,
    mut given: BTreeMap<String, String>,
) -> anyhow::Result<BTreeMap<String, String>> {
    let mut settings = BTreeMap::new();
    for setting in &manifest.setting {
        let Some(value) = given
            .remove(&setting.key)
            .or_else(|| setting.default_text())
        else {
            continue;
        };
        setting
            .check(&value)
            .map_err(anyhow::Error::msg)
            .with_context(|| format!("setting {}", setting.key))?;
        settings.insert(setting.key.clone(), value);
    }
    let known: Vec<&str> = manifest.setting.iter().map(|s| s.key.as_str()).collect();
    ensure!(
        given.is_empty(),
        "the plugin has no setting {}; it has {}",
        given.keys().cloned().collect::<Vec<_>>().join(", "),
        if known.is_empty() {
            "none".into()
        } else {
            known.join(", ")
        }
    );
    Ok(settings)
}
