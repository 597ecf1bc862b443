//! How much one call may use, and what counts it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use wasmtime::{ResourceLimiter, UpdateDeadline};

/// How much one call of a plugin may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Processor time of the plugin itself; waiting for the host is not billed.
    pub cpu: Duration,
    /// Time from start to end of the call, waiting included.
    pub wall: Duration,
    /// Bytes of all its memories together.
    pub memory: usize,
    /// Elements of all its tables together.
    pub table: usize,
    /// Core instances inside it. Interpreted languages need some 40.
    pub instances: usize,
    /// Bytes that one crossing from plugin to host may carry: an argument, or the call's own result.
    pub crossing: usize,
    /// Calls of `session` functions.
    pub session_calls: u32,
    /// HTTP requests.
    pub requests: u32,
    /// Time for one HTTP request, first byte sent to last byte read.
    pub request: Duration,
    /// Bytes of one HTTP answer's body, decompressed.
    pub body: usize,
    /// Bytes of all HTTP answers' bodies together.
    pub received: usize,
    /// Log lines; those over it are counted and dropped.
    pub log_lines: u32,
    /// Bytes of log text; lines over it are counted and dropped.
    pub log_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cpu: Duration::from_secs(10),
            wall: Duration::from_secs(120),
            memory: 64 << 20,
            table: 100_000,
            instances: 64,
            crossing: 32 << 20,
            session_calls: 100_000,
            requests: 2_000,
            request: Duration::from_secs(30),
            body: 16 << 20,
            received: 128 << 20,
            log_lines: 1_000,
            log_bytes: 256 << 10,
        }
    }
}

/// A limit that was passed. The text completes "plugin x, call y: ...".
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Exceeded(pub String);

/// Text for a duration in a message ("10 s", "250 ms").
pub(super) fn span(duration: Duration) -> String {
    match duration.as_millis() {
        ms if ms.is_multiple_of(1_000) => format!("{} s", ms / 1_000),
        ms => format!("{ms} ms"),
    }
}

/// Text for a size in a message ("64 MiB").
pub(super) fn size(bytes: usize) -> String {
    const MIB: usize = 1 << 20;
    if bytes >= MIB && bytes.is_multiple_of(MIB) {
        format!("{} MiB", bytes / MIB)
    } else {
        format!("{bytes} bytes")
    }
}

/// Bills a call for the time that its plugin computes.
#[derive(Debug)]
pub(super) struct Meter {
    start: Instant,
    limit: Duration,
    used: AtomicU64,
    /// Nanoseconds after `start` at which the plugin last got the processor.
    since: AtomicU64,
}

impl Meter {
    pub(super) fn new(limit: Duration) -> Arc<Self> {
        Arc::new(Self {
            start: Instant::now(),
            limit,
            used: AtomicU64::new(0),
            since: AtomicU64::new(0),
        })
    }

    /// When the call began.
    pub(super) fn begun(&self) -> Instant {
        self.start
    }

    fn now(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }

    /// The plugin computes from now on.
    pub(super) fn resume(&self) {
        self.since.store(self.now(), Ordering::Relaxed);
    }

    /// The plugin computed until now.
    pub(super) fn pause(&self) {
        let now = self.now();
        let since = self.since.swap(now, Ordering::Relaxed);
        self.used
            .fetch_add(now.saturating_sub(since), Ordering::Relaxed);
    }

    /// Leaves the time until the guard's end out of the bill.
    pub(super) fn waiting(self: &Arc<Self>) -> Waiting {
        self.pause();
        Waiting(self.clone())
    }

    /// Processor time so far.
    pub(super) fn used(&self) -> Duration {
        Duration::from_nanos(self.used.load(Ordering::Relaxed))
    }

    /// Called every few milliseconds while the plugin computes: lets other tasks run, ends what computed too long.
    pub(super) fn tick(self: &Arc<Self>, yields: bool) -> Result<UpdateDeadline, Exceeded> {
        self.pause();
        if self.used() > self.limit {
            return Err(Exceeded(format!(
                "used more than {} of processor time",
                span(self.limit)
            )));
        }
        if !yields {
            return Ok(UpdateDeadline::Continue(1));
        }
        let meter = self.clone();
        Ok(UpdateDeadline::YieldCustom(
            1,
            Box::pin(async move {
                tokio::task::yield_now().await;
                meter.resume();
            }),
        ))
    }
}

/// See [`Meter::waiting`].
pub(super) struct Waiting(Arc<Meter>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.resume();
    }
}

/// Counts memory and tables of one call's instance.
#[derive(Debug)]
pub(super) struct Space {
    limits: Limits,
    memory: usize,
    elements: usize,
    /// What was refused, kept here since the plugin may die of it in words of its own.
    pub refused: Option<Exceeded>,
}

impl Space {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            memory: 0,
            elements: 0,
            refused: None,
        }
    }

    /// Bytes of all memories together, which only grow.
    pub(super) fn memory(&self) -> usize {
        self.memory
    }

    fn refuse(&mut self, text: String) -> wasmtime::Result<bool> {
        let exceeded = Exceeded(text);
        self.refused = Some(exceeded.clone());
        Err(wasmtime::Error::new(exceeded))
    }
}

impl ResourceLimiter for Space {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|m| desired > m) {
            return Ok(false);
        }
        let total = self.memory.saturating_add(desired.saturating_sub(current));
        if total > self.limits.memory {
            return self.refuse(format!(
                "used more than {} of memory",
                size(self.limits.memory)
            ));
        }
        self.memory = total;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|m| desired > m) {
            return Ok(false);
        }
        let total = self
            .elements
            .saturating_add(desired.saturating_sub(current));
        if total > self.limits.table {
            return self.refuse(format!(
                "used more than {} table elements",
                self.limits.table
            ));
        }
        self.elements = total;
        Ok(true)
    }

    fn instances(&self) -> usize {
        self.limits.instances
    }

    fn tables(&self) -> usize {
        self.limits.instances
    }

    fn memories(&self) -> usize {
        self.limits.instances
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_not_billed_and_computing_is() {
        let meter = Meter::new(Duration::from_millis(5));
        meter.resume();
        {
            let _waiting = meter.waiting();
            std::thread::sleep(Duration::from_millis(30));
        }
        assert!(meter.tick(false).is_ok(), "{:?}", meter.used());
        meter.resume();
        std::thread::sleep(Duration::from_millis(10));
        let text = match meter.tick(false) {
            Err(exceeded) => exceeded.to_string(),
            Ok(_) => panic!("not noticed"),
        };
        assert_eq!(text, "used more than 5 ms of processor time");
    }

    #[test]
    fn memories_are_counted_together() {
        let mut space = Space::new(Limits {
            memory: 3 << 20,
            ..Limits::default()
        });
        assert!(space.memory_growing(0, 2 << 20, None).unwrap());
        assert!(!space.memory_growing(0, 2 << 20, Some(1 << 20)).unwrap());
        assert!(space.memory_growing(0, 2 << 20, None).is_err());
        assert_eq!(
            space.refused.unwrap().to_string(),
            "used more than 3 MiB of memory"
        );
    }
}
