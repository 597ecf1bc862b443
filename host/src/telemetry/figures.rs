//! The names of all figures, with what each means.

/// How a figure behaves.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Only rises, until the process ends.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Values sorted into buckets; these are their upper bounds.
    Histogram(&'static [f64]),
}

impl Kind {
    /// As Prometheus calls it.
    pub fn text(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        }
    }
}

/// One figure, as served and documented.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// Its name, with its unit.
    pub name: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it means.
    pub help: &'static str,
    /// Counted from the database when somebody asks.
    pub scraped: bool,
}

/// The names by themselves.
#[expect(missing_docs, reason = "each is explained in FIGURES")]
pub mod names {
    pub const BUILD: &str = "lockstep_build_info";
    pub const PROCESS_START: &str = "process_start_time_seconds";
    pub const DATABASE: &str = "lockstep_database_bytes";
    pub const UP: &str = "lockstep_channel_up";
    pub const STATE: &str = "lockstep_channel_state";
    pub const FAILURES: &str = "lockstep_channel_failures";
    pub const LAG: &str = "lockstep_channel_lag_seconds";
    pub const OVERDUE: &str = "lockstep_channel_overdue_seconds";
    pub const LINKED: &str = "lockstep_linked_skus";
    pub const UNLINKED: &str = "lockstep_unlinked_skus";
    pub const UNSURE: &str = "lockstep_unsure_numbers";
    pub const ORDERS: &str = "lockstep_orders";
    pub const OPEN_UNITS: &str = "lockstep_open_units";
    pub const LATE_UNITS: &str = "lockstep_late_units";
    pub const DEADLINE: &str = "lockstep_next_deadline_seconds";
    pub const ATTENTION: &str = "lockstep_needs_attention";
    pub const WAITING: &str = "lockstep_stock_changes_waiting";
    pub const OLDEST: &str = "lockstep_stock_oldest_change_seconds";
    pub const CYCLE: &str = "lockstep_cycle_duration_seconds";
    pub const DRIFT: &str = "lockstep_drift_total";
    pub const NUMBERS: &str = "lockstep_stock_numbers_total";
    pub const PROPAGATION: &str = "lockstep_stock_propagation_seconds";
    pub const ORDER_LATENCY: &str = "lockstep_order_latency_seconds";
    pub const REQUESTS: &str = "lockstep_api_requests_total";
    pub const REQUEST_DURATION: &str = "lockstep_api_request_duration_seconds";
    pub const WAIT: &str = "lockstep_rate_limit_wait_seconds";
    pub const POINTS: &str = "lockstep_shopify_points_total";
    pub const POINTS_AVAILABLE: &str = "lockstep_shopify_points_available";
    pub const POINTS_MOST: &str = "lockstep_shopify_points_max";
    pub const POINTS_RESTORED: &str = "lockstep_shopify_points_restored_per_second";
    pub const TURNED_AWAY: &str = "lockstep_shopify_throttled_total";
    pub const PLUGIN_CALLS: &str = "lockstep_plugin_calls_total";
    pub const PLUGIN_WALL: &str = "lockstep_plugin_call_duration_seconds";
    pub const PLUGIN_CPU: &str = "lockstep_plugin_cpu_seconds";
    pub const PLUGIN_MEMORY: &str = "lockstep_plugin_memory_peak_bytes";
    pub const WEBHOOKS: &str = "lockstep_webhooks_received_total";
    pub const WEBHOOKS_REFUSED: &str = "lockstep_webhooks_refused_total";
}

use Kind::{Counter, Gauge, Histogram};
use names as n;

#[rustfmt::skip]
const SHORT: &[f64] = &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
#[rustfmt::skip]
const FINE: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];
#[rustfmt::skip]
const CYCLES: &[f64] = &[0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0];
#[rustfmt::skip]
const CHANGES: &[f64] = &[1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 90.0, 120.0, 300.0, 900.0, 3600.0, 21600.0];
#[rustfmt::skip]
const ORDERS: &[f64] = &[5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 1800.0, 3600.0, 14400.0, 86400.0];

const CHANNEL: &[&str] = &["shop", "channel"];

const fn happens(
    name: &'static str,
    kind: Kind,
    labels: &'static [&'static str],
    help: &'static str,
) -> Figure {
    Figure {
        name,
        kind,
        labels,
        help,
        scraped: false,
    }
}

const fn stands(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Figure {
    Figure {
        name,
        kind: Gauge,
        labels,
        help,
        scraped: true,
    }
}

/// All figures, in the order in which they are documented.
#[rustfmt::skip]
pub const FIGURES: &[Figure] = &[
    stands(n::UP, CHANNEL, "1 while the channel is active and its newest cycle did not fail"),
    stands(n::STATE, &["shop", "channel", "state"], "1 for the state that the channel is in, 0 for the others: active, parked, paused"),
    stands(n::FAILURES, CHANNEL, "Failed cycles in a row"),
    stands(n::LAG, CHANNEL, "Seconds since a cycle last ran through all its flows; before the first, since the channel was added"),
    stands(n::OVERDUE, CHANNEL, "Seconds since the next cycle of an active channel was due; a running cycle counts from when it was due"),
    happens(n::CYCLE, Histogram(CYCLES), &["shop", "channel", "outcome"], "How long cycles took: done, waits (for approval), parked, or the kind of fault that ended them"),
    stands(n::LINKED, CHANNEL, "SKUs that are linked"),
    stands(n::UNLINKED, &["shop", "channel", "kind"], "SKUs that are not in step, by why"),
    stands(n::UNSURE, CHANNEL, "Linked listings whose number at the channel is not known for sure"),
    happens(n::NUMBERS, Counter, &["shop", "channel", "outcome"], "Stock numbers sent: applied, queued (taken, to be written later), refused"),
    happens(n::DRIFT, Counter, CHANNEL, "Stock numbers at the channel that somebody else had changed"),
    happens(n::PROPAGATION, Histogram(CHANGES), CHANNEL, "From a change of a number in the shop until the channel applied what follows from it"),
    stands(n::WAITING, CHANNEL, "Listings whose number changed in the shop and is not applied at the channel yet"),
    stands(n::OLDEST, CHANNEL, "Seconds that the oldest such change has waited; 0 when none waits"),
    stands(n::ORDERS, &["shop", "channel", "state"], "Orders known, by state"),
    happens(n::ORDER_LATENCY, Histogram(ORDERS), CHANNEL, "From when an order was placed at the channel until it was created in Shopify"),
    stands(n::OPEN_UNITS, CHANNEL, "Units to be dispatched"),
    stands(n::LATE_UNITS, CHANNEL, "Of them, past their deadline"),
    stands(n::DEADLINE, CHANNEL, "Seconds to the next deadline, negative when it has passed; absent when there is none"),
    stands(n::ATTENTION, &["shop", "channel", "kind"], "Orders and parcels that wait for a person"),
    happens(n::REQUESTS, Counter, &["side", "shop", "channel", "call", "status"], "HTTP requests to Shopify (by operation) and to channels (by the plugin's call); status none: no answer came"),
    happens(n::REQUEST_DURATION, Histogram(SHORT), &["side", "shop", "channel"], "How long their answers took"),
    happens(n::WAIT, Histogram(SHORT), &["side", "shop", "channel"], "How long requests waited for a rate limit before they were sent; those that did not wait are left out"),
    happens(n::POINTS, Counter, &["shop"], "Query cost points that Shopify charged"),
    happens(n::POINTS_AVAILABLE, Gauge, &["shop"], "Points in Shopify's bucket at the newest answer"),
    happens(n::POINTS_MOST, Gauge, &["shop"], "Points that the bucket holds at most"),
    happens(n::POINTS_RESTORED, Gauge, &["shop"], "Points that come back each second"),
    happens(n::TURNED_AWAY, Counter, &["shop"], "Calls that Shopify turned away for want of points; each was sent again"),
    happens(n::PLUGIN_CALLS, Counter, &["plugin", "shop", "channel", "call", "outcome"], "Calls of plugins: ok, fault (the other side's, or refused), broken (trapped, broke a limit or the contract)"),
    happens(n::PLUGIN_WALL, Histogram(FINE), &["plugin", "shop", "channel"], "How long they took, waiting included"),
    happens(n::PLUGIN_CPU, Histogram(FINE), &["plugin", "shop", "channel"], "Processor time that they used"),
    happens(n::PLUGIN_MEMORY, Gauge, &["plugin"], "The most memory that one call had"),
    happens(n::WEBHOOKS, Counter, &["shop", "channel", "topic", "outcome"], "Webhooks taken: new, or repeated (which does nothing); the channel is empty for those from Shopify"),
    happens(n::WEBHOOKS_REFUSED, Counter, &["side", "reason"], "Webhooks refused"),
    stands(n::DATABASE, &["file"], "Size of the database's files: main, wal"),
    happens(n::PROCESS_START, Gauge, &[], "When the process began, in seconds since 1970"),
    happens(n::BUILD, Gauge, &["version"], "1, for the version that runs"),
];
