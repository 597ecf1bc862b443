//! What calls of a plugin or connector have used.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;

/// Sums since the program started, and the peak of memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Stats {
    /// Calls made.
    pub calls: u64,
    /// Calls that ended in a fault, whoever's.
    pub faults: u64,
    /// Calls that ended since the plugin trapped, broke a limit or the contract.
    pub broken: u64,
    /// Processor time in microseconds.
    pub cpu_us: u64,
    /// Time from start to end of all calls, waiting included, in milliseconds.
    pub wall_ms: u64,
    /// HTTP requests that the plugin made.
    pub http_calls: u64,
    /// The most memory that one call had, in bytes.
    pub memory_peak: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    calls: AtomicU64,
    faults: AtomicU64,
    broken: AtomicU64,
    cpu_us: AtomicU64,
    wall_ms: AtomicU64,
    http_calls: AtomicU64,
    memory_peak: AtomicU64,
}

/// What one call used and how it ended.
#[derive(Clone, Copy)]
pub(super) struct Used {
    pub fault: bool,
    pub broken: bool,
    pub cpu: Duration,
    pub wall: Duration,
    pub http_calls: u32,
    pub memory: usize,
}

impl Counters {
    pub(super) fn add(&self, used: &Used) {
        let add = |to: &AtomicU64, n: u64| to.fetch_add(n, Ordering::Relaxed);
        add(&self.calls, 1);
        add(&self.faults, used.fault.into());
        add(&self.broken, used.broken.into());
        add(&self.cpu_us, used.cpu.as_micros() as u64);
        add(&self.wall_ms, used.wall.as_millis() as u64);
        add(&self.http_calls, used.http_calls.into());
        self.memory_peak
            .fetch_max(used.memory as u64, Ordering::Relaxed);
    }

    pub(super) fn stats(&self) -> Stats {
        let get = |from: &AtomicU64| from.load(Ordering::Relaxed);
        Stats {
            calls: get(&self.calls),
            faults: get(&self.faults),
            broken: get(&self.broken),
            cpu_us: get(&self.cpu_us),
            wall_ms: get(&self.wall_ms),
            http_calls: get(&self.http_calls),
            memory_peak: get(&self.memory_peak),
        }
    }
}
