//! What one call of a plugin may use.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use wasmtime::{Store, StoreLimits, StoreLimitsBuilder, UpdateDeadline};

use super::TICK;
use super::session::State;

/// Limits of one call.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Processor time of the guest; waiting for answers is not counted.
    pub cpu: Duration,
    /// The whole call, waiting included.
    pub wall: Duration,
    /// Bytes of linear memory.
    pub memory: usize,
    /// Elements of one table.
    pub table: usize,
    /// Bytes that cross the border in one call or answer.
    pub crossing: usize,
    /// Requests.
    pub requests: u32,
    /// Bytes of one answer's body.
    pub body: usize,
    /// One request, from the first byte sent to the last byte read.
    pub request: Duration,
    /// Log lines.
    pub log_lines: u32,
    /// Bytes of one log line.
    pub log_line: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cpu: Duration::from_secs(10),
            wall: Duration::from_secs(180),
            memory: 64 * 1024 * 1024,
            table: 20_000,
            crossing: 64 * 1024 * 1024,
            requests: 2_000,
            body: 16 * 1024 * 1024,
            request: Duration::from_secs(45),
            log_lines: 200,
            log_line: 4_096,
        }
    }
}

/// How much processor time a call has used, in epochs. Shared with whoever reports it.
#[derive(Clone, Default)]
pub(super) struct Meter(Arc<Inner>);

#[derive(Default)]
struct Inner {
    used: AtomicU64,
    waited: AtomicBool,
}

impl Meter {
    /// Epochs used so far.
    pub(super) fn used(&self) -> u64 {
        self.0.used.load(Ordering::Relaxed)
    }

    /// Notes that the guest comes back from waiting in the host. However many epochs passed meanwhile, the guest meets
    /// the deadline once for them, and that once is not its own doing.
    pub(super) fn waited(&self) {
        self.0.waited.store(true, Ordering::Relaxed);
    }

    /// The deadline was met once more; false when the budget is used up.
    fn tick(&self, budget: u64) -> bool {
        self.0.waited.swap(false, Ordering::Relaxed) || self.0.used.fetch_add(1, Ordering::Relaxed) + 1 < budget
    }
}

/// The marker by which a used-up processor budget is told from other interrupts.
#[derive(Debug, thiserror::Error)]
#[error("processor time used up")]
pub(super) struct CpuUsedUp;

/// Memory and table limits of a store.
pub(super) fn store_limits(limits: &Limits) -> StoreLimits {
    StoreLimitsBuilder::new()
        .memory_size(limits.memory)
        .table_elements(limits.table)
        .instances(64)
        .memories(64)
        .tables(64)
        .trap_on_grow_failure(true)
        .build()
}

/// Puts a store under its limits.
pub(super) fn apply(store: &mut Store<State>, limits: &Limits, meter: &Meter) {
    store.limiter(|state| &mut state.store_limits);
    store.set_hostcall_fuel(limits.crossing);
    let budget = u64::try_from(limits.cpu.as_millis() / TICK.as_millis()).unwrap_or(u64::MAX).max(1);
    let meter = meter.clone();
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| {
        if meter.tick(budget) {
            // Yielding lets other tasks of the same thread run beside a busy guest.
            Ok(UpdateDeadline::Yield(1))
        } else {
            Err(CpuUsedUp.into())
        }
    });
}
