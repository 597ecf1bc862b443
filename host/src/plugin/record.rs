//! What a plugin did since the program started, for whoever looks after it: counts, its log, how its calls failed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::state::one_line;
use super::stats::Counters;
use crate::model::{Fault, Instant};
use crate::vault::Scrubber;

/// Newest log lines that are kept of a plugin.
pub const LOG_LINES: usize = 200;
/// Newest faults that are kept of a plugin.
pub const FAULTS: usize = 50;
/// Longest text kept, in bytes.
const LONGEST: usize = 4_096;

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevel {
    /// For the plugin's author.
    Debug,
    /// What it does.
    Info,
    /// Something odd, and what the host dropped of its log.
    Warn,
    /// Something that failed.
    Error,
    /// A request that the host did not let out, and why.
    Refused,
}

impl LogLevel {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Debug,
        Self::Info,
        Self::Warn,
        Self::Error,
        Self::Refused,
    ];

    /// As shown.
    pub fn text(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Refused => "refused",
        }
    }
}

/// A line of a plugin's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LogLine {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Instant,
    /// How much it matters.
    pub level: LogLevel,
    /// SHOP/CHANNEL that the call was made for.
    pub channel: String,
    /// The call, as in `orders.changed`.
    pub call: String,
    /// One line, without secrets.
    pub text: String,
}

/// A call of a plugin that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FaultLine {
    /// When it ended.
    #[schema(value_type = String, format = DateTime)]
    pub at: Instant,
    /// SHOP/CHANNEL that the call was made for.
    pub channel: String,
    /// The call, as in `orders.changed`.
    pub call: String,
    /// The fault's case, as in `throttled`; `plugin` is the plugin's own.
    pub case: String,
    /// One line, without secrets.
    pub text: String,
}

/// See the module. All versions of a plugin that one runtime loads share it.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub counters: Counters,
    log: Mutex<VecDeque<LogLine>>,
    faults: Mutex<VecDeque<FaultLine>>,
}

impl Record {
    /// Keeps a line, which is one line and free of secrets.
    pub(super) fn log(&self, level: LogLevel, channel: &str, call: &str, text: String) {
        let line = LogLine {
            at: Instant::now(),
            level,
            channel: channel.to_owned(),
            call: call.to_owned(),
            text,
        };
        keep(&self.log, line, LOG_LINES);
    }

    /// Keeps how a call failed.
    pub(super) fn fault(&self, channel: &str, call: &str, fault: &Fault, scrubber: &Scrubber) {
        let line = FaultLine {
            at: Instant::now(),
            channel: channel.to_owned(),
            call: call.to_owned(),
            case: fault.case().to_owned(),
            text: one_line(&scrubber.scrub(&fault.to_string()), LONGEST),
        };
        keep(&self.faults, line, FAULTS);
    }

    /// Keeps why a request was not let out.
    pub(super) fn refused(&self, channel: &str, call: &str, why: &str, scrubber: &Scrubber) {
        let text = one_line(&scrubber.scrub(why), LONGEST);
        self.log(LogLevel::Refused, channel, call, text);
    }

    /// The newest lines, the newest first.
    pub(super) fn lines(&self) -> Vec<LogLine> {
        lock(&self.log).iter().rev().cloned().collect()
    }

    /// The newest faults, the newest first.
    pub(super) fn faults(&self) -> Vec<FaultLine> {
        lock(&self.faults).iter().rev().cloned().collect()
    }
}

/// The records of a runtime's plugins, by id.
pub(super) type Records = Arc<Mutex<std::collections::HashMap<Arc<str>, Arc<Record>>>>;

/// The record of a plugin, begun when there is none.
pub(super) fn record_of(records: &Records, id: &Arc<str>) -> Arc<Record> {
    lock(records).entry(id.clone()).or_default().clone()
}

fn keep<T>(ring: &Mutex<VecDeque<T>>, line: T, most: usize) {
    let mut ring = lock(ring);
    if ring.len() >= most {
        ring.pop_front();
    }
    ring.push_back(line);
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    #[test]
    fn the_newest_lines_are_kept() {
        let record = Record::default();
        for n in 0..LOG_LINES + 5 {
            record.log(LogLevel::Info, "kestrel/m", "orders.changed", n.to_string());
        }
        let lines = record.lines();
        assert_eq!(lines.len(), LOG_LINES);
        assert_eq!(lines[0].text, (LOG_LINES + 4).to_string());
        assert_eq!(lines[LOG_LINES - 1].text, "5");
    }

    #[test]
    fn faults_and_refusals_hold_no_secret_and_are_one_line() {
        let (record, scrubber) = (Record::default(), Scrubber::default());
        scrubber.learn(&SecretString::from("S3cr3t/Kestrel"));
        let fault = Fault::Other {
            detail: "a\nb S3cr3t/Kestrel".into(),
        };
        record.fault("kestrel/m", "stock.push", &fault, &scrubber);
        record.refused(
            "kestrel/m",
            "stock.push",
            "the host \"S3cr3t/Kestrel\"\r\n",
            &scrubber,
        );
        let (fault, refused) = (&record.faults()[0], &record.lines()[0]);
        assert_eq!(
            (fault.case.as_str(), refused.level),
            ("other", LogLevel::Refused)
        );
        for text in [&fault.text, &refused.text] {
            assert!(!text.contains("S3cr3t") && !text.contains('\n'), "{text}");
            assert!(text.contains("[secret]"), "{text}");
        }
    }
}
