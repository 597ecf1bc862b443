//! What one call of a plugin may ask of the host while it runs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::Instrument;

use super::bindings::{http, session, types};
use super::egress::{Egress, Who};
use super::limits::{Exceeded, Limits, Meter, Space, size};
use super::record::{LogLevel, Record};
use super::tap::Tap;
use super::wasi::Wasi;
use crate::model::Instant;
use crate::trace;
use crate::vault::Scrubber;

/// Requests of one `send-all` on their way at the same time.
const AT_ONCE: usize = 8;
const MOST_RANDOM_BYTES: u32 = 65_536;
const LONGEST_LOG_LINE: usize = 4_096;
const LONGEST_LAST_WORDS: usize = 500;

/// What the calls of one connector share.
pub(super) struct Surroundings {
    /// Where its log is kept.
    pub record: Arc<Record>,
    /// The channel, for messages.
    pub channel: String,
    /// Blanks secrets in what the plugin logs and says.
    pub scrubber: Scrubber,
    /// The way out; an extra has none.
    pub egress: Option<Arc<Egress>>,
    /// The operator's values, else the manifest's defaults.
    pub settings: BTreeMap<String, String>,
}

impl Surroundings {
    fn tap(&self) -> Option<&dyn Tap> {
        self.egress.as_ref()?.tap.as_deref()
    }
}

/// The host's side of one call.
pub(super) struct State {
    pub who: Who,
    pub limits: Limits,
    pub meter: Arc<Meter>,
    pub space: Space,
    /// A limit that was passed, kept here since the plugin dies of it in other words.
    pub exceeded: Option<Exceeded>,
    /// A write was sent whose outcome is not known.
    pub doubt: bool,
    /// None while a plugin is only tried out: it may compute, but not ask for anything.
    around: Option<Arc<Surroundings>>,
    session_calls: u32,
    http: Arc<HttpCount>,
    log_lines: u32,
    log_bytes: usize,
    log_dropped: u32,
    /// There once the plugin asks for anything of it.
    wasi: Option<Box<Wasi>>,
}

#[derive(Default)]
struct HttpCount {
    calls: AtomicU32,
    received: AtomicUsize,
}

impl State {
    pub(super) fn new(who: Who, limits: Limits, around: Option<Arc<Surroundings>>) -> Self {
        Self {
            who,
            limits,
            meter: Meter::new(limits.cpu),
            space: Space::new(limits),
            exceeded: None,
            doubt: false,
            around,
            session_calls: 0,
            http: Arc::default(),
            log_lines: 0,
            log_bytes: 0,
            log_dropped: 0,
            wasi: None,
        }
    }

    /// HTTP requests that the plugin has made.
    pub(super) fn http_calls(&self) -> u32 {
        self.http.calls.load(Ordering::Relaxed)
    }

    pub(super) fn wasi(&mut self) -> &mut Wasi {
        let kept = self.limits.log_bytes;
        self.wasi.get_or_insert_with(|| Box::new(Wasi::new(kept)))
    }

    /// The last line that the plugin wrote to standard error: of an exception that nobody caught, its words.
    pub(super) fn last_words(&self) -> Option<String> {
        let text = self.wasi.as_ref()?.errors.text();
        let line = text.lines().rfind(|line| !line.trim().is_empty())?;
        Some(one_line(line.trim(), LONGEST_LAST_WORDS))
    }

    /// Writes what the plugin printed into its log, and says how many log lines were dropped, once the call is over.
    pub(super) fn close_log(&mut self) {
        if let (Some(wasi), Some(around)) = (self.wasi.take(), self.around.clone()) {
            for (level, printed) in [
                (session::Level::Info, &wasi.output),
                (session::Level::Warn, &wasi.errors),
            ] {
                let text = printed.text();
                for line in text.lines().filter(|line| !line.trim().is_empty()) {
                    self.write_log(&around, level, line);
                }
            }
        }
        if self.log_dropped > 0 {
            let text = format!(
                "{} log lines over the limit of {} lines and {} were dropped",
                self.log_dropped,
                self.limits.log_lines,
                size(self.limits.log_bytes)
            );
            tracing::warn!(
                target: "plugin",
                plugin = &*self.who.plugin,
                channel = self.channel_name(),
                call = self.who.call,
                "{text}"
            );
            if let Some(around) = &self.around {
                let (channel, call) = (&around.channel, self.who.call);
                around.record.log(LogLevel::Warn, channel, call, text);
            }
        }
    }

    fn write_log(&mut self, around: &Surroundings, level: session::Level, message: &str) {
        self.log_lines += 1;
        self.log_bytes += message.len();
        if self.log_lines > self.limits.log_lines || self.log_bytes > self.limits.log_bytes {
            self.log_dropped += 1;
            return;
        }
        let text = one_line(&around.scrubber.scrub(message), LONGEST_LOG_LINE);
        let (plugin, call, channel) = (&*self.who.plugin, self.who.call, self.channel_name());
        let kept = match level {
            session::Level::Debug => LogLevel::Debug,
            session::Level::Info => LogLevel::Info,
            session::Level::Warn => LogLevel::Warn,
            session::Level::Error => LogLevel::Error,
        };
        around.record.log(kept, channel, call, text.clone());
        match level {
            session::Level::Debug => {
                tracing::debug!(target: "plugin", plugin, channel, call, "{text}")
            }
            session::Level::Info => {
                tracing::info!(target: "plugin", plugin, channel, call, "{text}")
            }
            session::Level::Warn => {
                tracing::warn!(target: "plugin", plugin, channel, call, "{text}")
            }
            session::Level::Error => {
                tracing::error!(target: "plugin", plugin, channel, call, "{text}")
            }
        }
    }

    fn channel_name(&self) -> &str {
        self.around.as_ref().map_or("", |a| &a.channel)
    }

    fn exceed<T>(&mut self, text: String) -> wasmtime::Result<T> {
        let exceeded = Exceeded(text);
        self.exceeded = Some(exceeded.clone());
        Err(wasmtime::Error::new(exceeded))
    }

    fn around(&self) -> wasmtime::Result<Arc<Surroundings>> {
        self.around.clone().ok_or_else(|| {
            wasmtime::Error::new(Exceeded(
                "asked for something while it was only being started".into(),
            ))
        })
    }

    fn session_call(&mut self) -> wasmtime::Result<Arc<Surroundings>> {
        self.session_calls += 1;
        if self.session_calls > self.limits.session_calls {
            return self.exceed(format!(
                "called the session more than {} times",
                self.limits.session_calls
            ));
        }
        self.around()
    }

    /// Counts requests before any of them is sent.
    fn http_call(&mut self, requests: usize) -> wasmtime::Result<Arc<Surroundings>> {
        let around = self.around()?;
        let before = self.http.calls.fetch_add(
            requests.try_into().unwrap_or(u32::MAX / 2),
            Ordering::Relaxed,
        );
        if before as usize + requests > self.limits.requests as usize {
            return self.exceed(format!(
                "made more than {} HTTP requests",
                self.limits.requests
            ));
        }
        Ok(around)
    }

    /// When a request must have begun, so that its answer comes before the call ends.
    fn latest(&self) -> std::time::Instant {
        self.meter.begun() + self.limits.wall.saturating_sub(self.limits.request)
    }

    fn take_in(&mut self, answers: &[Answer]) -> wasmtime::Result<()> {
        if self.http.received.load(Ordering::Relaxed) > self.limits.received {
            return self.exceed(format!(
                "received more than {} in HTTP answers",
                size(self.limits.received)
            ));
        }
        // The answer of a write that is too long is as lost as one that never came.
        self.doubt |= answers.iter().any(|a| a.doubtful);
        Ok(())
    }
}

struct Answer {
    result: Result<http::Response, http::Error>,
    doubtful: bool,
}

async fn send(
    around: Arc<Surroundings>,
    who: Who,
    limits: Limits,
    latest: std::time::Instant,
    count: Arc<HttpCount>,
    request: http::Request,
) -> Answer {
    let writes = request.writes;
    // One byte more than is left, so that the limit on the sum is noticed as such.
    let left = limits
        .received
        .saturating_sub(count.received.load(Ordering::Relaxed))
        + 1;
    let result = match &around.egress {
        Some(egress) => {
            egress
                .send(&who, request, limits.body.min(left), &limits, latest)
                .await
        }
        None => Err(http::Error::Forbidden(format!(
            "{who}: an extra reaches nothing outside"
        ))),
    };
    if let Ok(answer) = &result {
        count
            .received
            .fetch_add(answer.body.len(), Ordering::Relaxed);
    }
    if let Err(http::Error::Forbidden(why)) = &result {
        let why = why.strip_prefix(&format!("{who}: ")).unwrap_or(why);
        let (channel, scrubber) = (&around.channel, &around.scrubber);
        around.record.refused(channel, who.call, why, scrubber);
    }
    let doubtful = writes
        && matches!(
            result,
            Err(http::Error::OutcomeUnknown(_) | http::Error::TooLarge(_))
        );
    Answer { result, doubtful }
}

impl types::Host for State {}

impl http::Host for State {
    async fn send(
        &mut self,
        request: http::Request,
    ) -> wasmtime::Result<Result<http::Response, http::Error>> {
        let around = self.http_call(1)?;
        let answer = {
            let _waiting = self.meter.waiting();
            send(
                around,
                self.who.clone(),
                self.limits,
                self.latest(),
                self.http.clone(),
                request,
            )
            .await
        };
        self.take_in(std::slice::from_ref(&answer))?;
        Ok(answer.result)
    }

    async fn send_all(
        &mut self,
        requests: Vec<http::Request>,
    ) -> wasmtime::Result<Vec<Result<http::Response, http::Error>>> {
        let around = self.http_call(requests.len())?;
        let mut answers: Vec<Option<Answer>> = Vec::new();
        answers.resize_with(requests.len(), || None);
        {
            let _waiting = self.meter.waiting();
            // A tape has one order.
            let at_once = if around.tap().is_some() { 1 } else { AT_ONCE };
            let gate = Arc::new(Semaphore::new(at_once));
            let mut running = JoinSet::new();
            for (at, request) in requests.into_iter().enumerate() {
                let (around, who, limits, latest, count) = (
                    around.clone(),
                    self.who.clone(),
                    self.limits,
                    self.latest(),
                    self.http.clone(),
                );
                let place = gate.clone().acquire_owned().await;
                running.spawn(
                    trace::carry(async move {
                        let _place = place;
                        (at, send(around, who, limits, latest, count, request).await)
                    })
                    .in_current_span(),
                );
            }
            // When the call is given up meanwhile, the set is dropped and with it every request.
            while let Some(done) = running.join_next().await {
                let (at, answer) = done.map_err(|e| {
                    wasmtime::Error::msg(format!("a request could not be run: {e}"))
                })?;
                answers[at] = Some(answer);
            }
        }
        let answers: Vec<Answer> = answers.into_iter().flatten().collect();
        self.take_in(&answers)?;
        Ok(answers.into_iter().map(|a| a.result).collect())
    }
}

impl session::Host for State {
    fn channel(&mut self) -> wasmtime::Result<String> {
        Ok(self.session_call()?.channel.clone())
    }

    fn setting(&mut self, key: String) -> wasmtime::Result<Option<String>> {
        Ok(self.session_call()?.settings.get(&key).cloned())
    }

    fn now(&mut self) -> wasmtime::Result<String> {
        let around = self.session_call()?;
        let real = format!("{:.3}", Instant::now());
        Ok(match around.tap() {
            Some(tap) => tap.now(real),
            None => real,
        })
    }

    fn random_bytes(&mut self, count: u32) -> wasmtime::Result<Vec<u8>> {
        let around = self.session_call()?;
        let mut bytes = vec![0; count.min(MOST_RANDOM_BYTES) as usize];
        rand::fill(&mut bytes[..]);
        Ok(match around.tap() {
            Some(tap) => tap.random(bytes),
            None => bytes,
        })
    }

    fn log(&mut self, level: session::Level, message: String) -> wasmtime::Result<()> {
        let around = self.session_call()?;
        self.write_log(&around, level, &message);
        Ok(())
    }
}

/// A plugin's text on one line: nothing in it can look like a line of the host's own.
pub(super) fn one_line(text: &str, longest: usize) -> String {
    let mut line = String::with_capacity(text.len().min(longest) + 4);
    for c in text.chars() {
        if line.len() >= longest {
            line.push_str(" ...");
            break;
        }
        match c {
            '\n' | '\r' | '\t' => line.push(' '),
            c if c.is_control() => line.extend(c.escape_default()),
            c => line.push(c),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_stays_one_line() {
        assert_eq!(
            one_line("a\nERROR forged\u{1b}[31m", 100),
            "a ERROR forged\\u{1b}[31m"
        );
        assert_eq!(one_line("abcdef", 3), "abc ...");
    }
}
