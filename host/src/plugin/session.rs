//! What a running call sees: facts about itself, and the way out.

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmtime::StoreLimits;

use super::bindings::{http, session, types};
use super::egress::{Egress, Outcome};
use super::limits::{Limits, Meter};
use crate::model::Instant;

/// Most random bytes of one answer.
const RANDOM: u32 = 65_536;
/// Requests of one `send-all` that are under way together.
const TOGETHER: usize = 8;

/// The state of one call.
pub(crate) struct State {
    pub(super) store_limits: StoreLimits,
    pub(super) limits: Limits,
    pub(super) meter: Meter,
    pub(super) egress: Arc<Egress>,
    pub(super) settings: Arc<BTreeMap<String, String>>,
    pub(super) requests: u32,
    pub(super) lines: u32,
    pub(super) dropped: u32,
}

/// A limit that ends the call, told in the fault.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct LimitReached(pub String);

impl types::Host for State {}

impl session::Host for State {
    fn channel(&mut self) -> wasmtime::Result<String> {
        Ok(self.egress.key.to_string())
    }

    fn setting(&mut self, key: String) -> wasmtime::Result<Option<String>> {
        Ok(self.settings.get(&key).cloned())
    }

    fn now(&mut self) -> wasmtime::Result<String> {
        Ok(Instant::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
    }

    fn random_bytes(&mut self, count: u32) -> wasmtime::Result<Vec<u8>> {
        let mut bytes = vec![0; count.min(RANDOM) as usize];
        rand::Rng::fill_bytes(&mut rand::rng(), &mut bytes);
        Ok(bytes)
    }

    fn log(&mut self, level: session::Level, message: String) -> wasmtime::Result<()> {
        self.lines += 1;
        if self.lines > self.limits.log_lines {
            self.dropped += 1;
            return Ok(());
        }
        let cut = message.char_indices().map(|(i, _)| i).take_while(|i| *i <= self.limits.log_line).last().unwrap_or(0);
        let short = if message.len() > self.limits.log_line { &message[..cut] } else { &message };
        // Control characters could forge further lines of the log.
        let text: String = self.egress.scrubber.scrub(short).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let (plugin, channel) = (&self.egress.plugin, &self.egress.key);
        match level {
            session::Level::Debug => tracing::debug!(target: "plugin", plugin, %channel, "{text}"),
            session::Level::Info => tracing::info!(target: "plugin", plugin, %channel, "{text}"),
            session::Level::Warn => tracing::warn!(target: "plugin", plugin, %channel, "{text}"),
            session::Level::Error => tracing::error!(target: "plugin", plugin, %channel, "{text}"),
        }
        Ok(())
    }
}

impl State {
    /// Counts requests; beyond the limit the call ends.
    fn count(&mut self, requests: usize) -> wasmtime::Result<()> {
        self.requests = self.requests.saturating_add(u32::try_from(requests).unwrap_or(u32::MAX));
        if self.requests > self.limits.requests {
            return Err(LimitReached(format!("sent more than {} requests", self.limits.requests)).into());
        }
        Ok(())
    }
}

impl http::Host for State {
    async fn send(&mut self, request: http::Request) -> wasmtime::Result<Outcome> {
        self.count(1)?;
        let outcome = self.egress.send(request, &self.limits).await;
        self.meter.waited();
        Ok(outcome)
    }

    async fn send_all(&mut self, requests: Vec<http::Request>) -> wasmtime::Result<Vec<Outcome>> {
        use futures_util::{StreamExt, stream};
        self.count(requests.len())?;
        let (egress, limits) = (&self.egress, &self.limits);
        let outcomes = stream::iter(requests).map(|request| egress.send(request, limits)).buffered(TOGETHER).collect().await;
        self.meter.waited();
        Ok(outcomes)
    }
}
