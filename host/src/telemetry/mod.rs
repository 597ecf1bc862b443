//! What the host tells about itself: figures for Prometheus, and spans of its work.
//!
//! Every name of a figure stands here once. What happens is counted by the functions below, where it happens; what stands
//! in the database is set when somebody asks ([`render`]). Nothing is kept unless somebody called [`start`].

mod figures;
pub mod spans;

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{
    Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};

pub use figures::{FIGURES, Figure, Kind, names};

use crate::model::{Instant, Key, Side};

/// A side as figures call it.
fn label(side: Side) -> &'static str {
    match side {
        Side::Shop => "shopify",
        Side::Channel => "channel",
    }
}

static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Begins to keep what is counted. One for the whole process: later calls change nothing.
pub fn start() {
    RECORDER.get_or_init(|| {
        let recorder = recorder();
        let handle = recorder.handle();
        match metrics::set_global_recorder(recorder) {
            Ok(()) => {
                describe(|figure| !figure.scraped);
                process_started();
                Some(handle)
            }
            Err(_) => {
                tracing::error!("another library counts in this process already: /metrics will lack what happens");
                None
            }
        }
    });
}

/// Sorts what was counted into its histograms. To be called every few seconds: until then each value takes memory.
pub fn upkeep() {
    if let Some(Some(handle)) = RECORDER.get() {
        handle.run_upkeep();
    }
}

/// Everything in Prometheus' text format: what was counted since [`start`], then what `stands` sets now.
pub fn render(stands: impl FnOnce()) -> String {
    let counted = match RECORDER.get() {
        Some(Some(handle)) => handle.render(),
        _ => String::new(),
    };
    // Its own each time, so that a channel that is gone leaves nothing behind.
    let recorder = recorder();
    metrics::with_local_recorder(&recorder, || {
        describe(|figure| figure.scraped);
        stands();
    });
    counted + &recorder.handle().render()
}

fn recorder() -> PrometheusRecorder {
    let builder = FIGURES.iter().fold(PrometheusBuilder::new(), |builder, f| {
        let Kind::Histogram(buckets) = f.kind else {
            return builder;
        };
        builder
            .set_buckets_for_metric(Matcher::Full(f.name.to_owned()), buckets)
            .expect("every histogram has buckets")
    });
    builder.build_recorder()
}

fn describe(which: impl Fn(&Figure) -> bool) {
    for f in FIGURES.iter().filter(|f| which(f)) {
        match f.kind {
            Kind::Counter => metrics::describe_counter!(f.name, f.help),
            Kind::Gauge => metrics::describe_gauge!(f.name, f.help),
            Kind::Histogram(_) => metrics::describe_histogram!(f.name, f.help),
        }
    }
}

/// What runs, and since when: since it began to count, which is as good as its start.
pub(crate) fn process_started() {
    gauge!(names::PROCESS_START).set(Instant::now().as_millisecond() as f64 / 1_000.0);
    gauge!(names::BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1);
}

/// Seconds from one moment to another; negative when that is before it.
pub fn seconds(from: Instant, to: Instant) -> f64 {
    to.duration_since(from).as_secs_f64()
}

/// The labels of a channel.
pub fn of(key: &Key) -> [(&'static str, String); 2] {
    [("shop", key.shop.clone()), ("channel", key.channel.clone())]
}

/// What a cycle did to the channel's stock numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Numbers {
    /// Written.
    pub applied: u32,
    /// Taken, to be written later.
    pub queued: u32,
    /// Refused.
    pub refused: u32,
    /// Found changed by somebody else.
    pub drifted: u32,
}

/// A cycle ended.
pub fn cycle_ended(key: &Key, outcome: &str, took: Duration, numbers: Numbers) {
    let [shop, channel] = of(key);
    histogram!(
        names::CYCLE,
        &[shop, channel, ("outcome", outcome.to_owned())]
    )
    .record(took);
    counter!(names::DRIFT, &of(key)).increment(numbers.drifted.into());
    for (outcome, count) in [
        ("applied", numbers.applied),
        ("queued", numbers.queued),
        ("refused", numbers.refused),
    ] {
        let [shop, channel] = of(key);
        counter!(
            names::NUMBERS,
            &[shop, channel, ("outcome", outcome.to_owned())]
        )
        .increment(count.into());
    }
}

/// The channel applied a number that follows from a change in the shop.
pub fn change_applied(key: &Key, since: Instant, now: Instant) {
    histogram!(names::PROPAGATION, &of(key)).record(seconds(since, now).max(0.0));
}

/// An order was created in Shopify.
pub fn order_created(key: &Key, placed: Instant, now: Instant) {
    histogram!(names::ORDER_LATENCY, &of(key)).record(seconds(placed, now).max(0.0));
}

/// A request was answered with a status, or its answer is missing. `channel` is `shop/channel`, for Shopify the shop alone.
pub fn requested(side: Side, channel: &str, call: &str, status: Option<u16>, took: Duration) {
    let (shop, channel) = split(channel);
    let status = status.map_or_else(|| "none".to_owned(), |s| s.to_string());
    let [side, shop, channel] = [("side", label(side)), ("shop", shop), ("channel", channel)];
    histogram!(names::REQUEST_DURATION, &owned(&[side, shop, channel])).record(took);
    let labels = [side, shop, channel, ("call", call), ("status", &status)];
    counter!(names::REQUESTS, &owned(&labels)).increment(1);
}

/// A request waited for a rate limit of ours before it was sent.
pub fn waited(side: Side, channel: &str, took: Duration) {
    // Passing a gate takes a moment too.
    if took < Duration::from_millis(1) {
        return;
    }
    let (shop, channel) = split(channel);
    let labels = [("side", label(side)), ("shop", shop), ("channel", channel)];
    histogram!(names::WAIT, &owned(&labels)).record(took);
}

/// What an answer of Shopify tells about its points.
#[derive(Clone, Copy, Debug, Default)]
pub struct Points {
    /// Spent by the call.
    pub spent: Option<f64>,
    /// In the bucket, and the most that it holds, and what comes back each second.
    pub bucket: Option<(f64, f64, f64)>,
    /// The call was turned away for want of them.
    pub turned_away: bool,
}

/// Shopify told what a call cost.
pub fn points(shop: &str, points: Points) {
    let labels = owned(&[("shop", shop)]);
    if let Some(spent) = points.spent {
        counter!(names::POINTS, &labels).increment(spent.max(0.0).round() as u64);
    }
    if let Some((available, most, restored)) = points.bucket {
        gauge!(names::POINTS_AVAILABLE, &labels).set(available);
        gauge!(names::POINTS_MOST, &labels).set(most);
        gauge!(names::POINTS_RESTORED, &labels).set(restored);
    }
    counter!(names::TURNED_AWAY, &labels).increment(points.turned_away.into());
}

/// What one call of a plugin used, and how it ended.
#[derive(Clone, Copy, Debug)]
pub struct PluginCall<'a> {
    /// The plugin's id.
    pub plugin: &'a str,
    /// `shop/channel`.
    pub channel: &'a str,
    /// As in `orders.changed`.
    pub call: &'a str,
    /// It ended in a fault, whoever's.
    pub fault: bool,
    /// It trapped, broke a limit or the contract.
    pub broken: bool,
    /// Processor time.
    pub cpu: Duration,
    /// From start to end.
    pub wall: Duration,
    /// Bytes of memory that it had at its end, which is the most that it had.
    pub memory: usize,
}

/// A plugin was called.
pub fn plugin_called(call: PluginCall<'_>) {
    static PEAKS: Mutex<Option<HashMap<String, usize>>> = Mutex::new(None);
    let (shop, channel) = split(call.channel);
    let whose = [
        ("plugin", call.plugin),
        ("shop", shop),
        ("channel", channel),
    ];
    histogram!(names::PLUGIN_WALL, &owned(&whose)).record(call.wall);
    histogram!(names::PLUGIN_CPU, &owned(&whose)).record(call.cpu);
    let outcome = match (call.broken, call.fault) {
        (true, _) => "broken",
        (false, true) => "fault",
        (false, false) => "ok",
    };
    let [plugin, shop, channel] = whose;
    let labels = [
        plugin,
        shop,
        channel,
        ("call", call.call),
        ("outcome", outcome),
    ];
    counter!(names::PLUGIN_CALLS, &owned(&labels)).increment(1);
    let mut peaks = PEAKS.lock().unwrap_or_else(|p| p.into_inner());
    let peak = (peaks.get_or_insert_default())
        .entry(call.plugin.to_owned())
        .or_default();
    *peak = (*peak).max(call.memory);
    gauge!(names::PLUGIN_MEMORY, &owned(&[("plugin", call.plugin)])).set(*peak as f64);
}

/// A message from outside was taken. `topic` must be of a small set.
pub fn webhook_received(key: &Key, topic: &'static str, repeated: bool) {
    let outcome = if repeated { "repeated" } else { "new" };
    let labels = [
        ("shop", &*key.shop),
        ("channel", &key.channel),
        ("topic", topic),
        ("outcome", outcome),
    ];
    counter!(names::WEBHOOKS, &owned(&labels)).increment(1);
}

/// A message from outside was refused. Nothing that the sender chose becomes a label.
pub fn webhook_refused(side: Side, reason: &'static str) {
    let labels = [("side", label(side)), ("reason", reason)];
    counter!(names::WEBHOOKS_REFUSED, &owned(&labels)).increment(1);
}

fn split(channel: &str) -> (&str, &str) {
    channel.split_once('/').unwrap_or((channel, ""))
}

fn owned(labels: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    labels
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect()
}

/// What would be served of what happens while `work` runs, apart from the rest of the process.
#[cfg(test)]
pub fn counted(work: impl FnOnce()) -> String {
    let recorder = recorder();
    metrics::with_local_recorder(&recorder, || {
        describe(|figure| !figure.scraped);
        work();
    });
    recorder.handle().render()
}
