//! Runs one cycle for one channel: orders in, then fulfillments and cancellations, then stock.
//!
//! Every effect on the outside follows one shape: commit an intent, act, settle. A run that is killed
//! anywhere leaves an open intent, and the next run looks the effect up before it does anything else.

mod acceptance;
mod bundles;
mod cancellations;
mod catalog;
pub mod extras;
mod fulfillments;
pub mod orders;
mod reread;
mod stock;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use jiff::ToSpan;
use serde::Serialize;

use crate::db::{self, ChannelRow, ChannelState, HintKind, Lease, ShopRow, Store};
use crate::model::{Fault, Instant, Key, Side};
use crate::plugin::Connector;
use crate::shop::Shop;
use crate::sync::stock::StockChange;
use crate::telemetry::spans::flow;
use crate::trace::{Scope, Sink, because};

/// What is open on either side is read by id at least this often.
const REREAD_SECONDS: i64 = 1_800;
/// A page that takes longer to be made is asked for all the same.
const LONGEST_PAGE_WAIT: Duration = Duration::from_secs(60);

/// A shop's client with what the channels of the shop share.
pub struct SharedShop {
    /// The client.
    pub shop: Shop,
    /// Its configuration.
    pub row: ShopRow,
    /// The mirror of its catalogue is refreshed by one channel at a time.
    pub mirror: tokio::sync::Mutex<()>,
}

/// Why a cycle ended early. What was done until then stands.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// A call failed.
    #[error("{}: {fault}", match side { Side::Channel => "channel", Side::Shop => "Shopify" })]
    Fault {
        /// Whose.
        side: Side,
        /// What.
        fault: Fault,
    },
    /// The database failed, or another run has taken over.
    #[error(transparent)]
    Db(#[from] db::Error),
    /// The channel needs a person.
    #[error("{0}")]
    Park(String),
}

pub(crate) fn channel(fault: Fault) -> Stop {
    Stop::Fault {
        side: Side::Channel,
        fault,
    }
}

pub(crate) fn shopify(fault: Fault) -> Stop {
    Stop::Fault {
        side: Side::Shop,
        fault,
    }
}

/// Result of a step.
pub type Step<T> = Result<T, Stop>;

/// What a cycle is allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Read, decide and act.
    Act,
    /// Read and decide; change nothing outside.
    Plan,
}

/// What a cycle did, or would do.
#[derive(Clone, Debug, Default, Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Report {
    /// Orders read from the channel that are new or changed.
    pub orders_read: u32,
    /// Orders answered at a channel that asks.
    pub orders_accepted: u32,
    /// Orders to be accepted (plan only), by number.
    pub to_accept: Vec<String>,
    /// Orders created in Shopify.
    pub orders_created: u32,
    /// Orders that wait, with why, by number.
    pub orders_waiting: Vec<(String, String)>,
    /// Orders to be created (plan only): number and lines.
    pub orders_to_create: Vec<(String, String)>,
    /// Parcels told to the channel.
    pub parcels_told: u32,
    /// Parcels to be told (plan only): order number, carrier and code.
    pub parcels_to_tell: Vec<(String, String)>,
    /// Units cancelled in Shopify.
    pub cancelled_in_shop: u32,
    /// Units cancelled at the channel.
    pub cancelled_at_channel: u32,
    /// Cancellations to be made (plan only).
    pub to_cancel: Vec<(String, String)>,
    /// Linked SKUs.
    pub links: u32,
    /// SKUs that are not in step.
    pub mismatches: u32,
    /// Numbers pushed and applied.
    pub pushed: u32,
    /// Numbers that the channel took and works on.
    pub queued: u32,
    /// Numbers that the channel refused.
    pub push_failed: u32,
    /// Numbers to be pushed (plan only).
    pub to_push: Vec<StockChange>,
    /// Listings whose number differed from what the host had pushed, found by a read-back.
    pub drift: u32,
    /// The cycle waits for approval, and why.
    pub awaits_approval: Option<String>,
    /// Per-item problems, for people.
    pub problems: Vec<String>,
}

/// Numbers of a plan that are kept.
const PLAN_KEPT: usize = 500;

/// What waits for approval, as it is stored: a person looks at what falls most, not at forty thousand numbers.
#[derive(Clone, Debug, Default, Serialize, serde::Deserialize)]
pub struct Plan {
    /// What the cycle would do. Of the numbers to be pushed those that fall most, these first.
    pub report: Report,
    /// How many numbers are to be pushed.
    pub to_push: usize,
    /// How many of them become zero.
    pub to_zero: usize,
}

impl Plan {
    /// What is kept of a cycle's report.
    pub fn of(report: &Report) -> Self {
        let mut report = report.clone();
        let (to_push, to_zero) = (
            report.to_push.len(),
            report.to_push.iter().filter(|c| c.to == 0).count(),
        );
        report
            .to_push
            .sort_by_key(|c| i64::from(c.to) - c.from.map_or(0, i64::from));
        report.to_push.truncate(PLAN_KEPT);
        Self {
            report,
            to_push,
            to_zero,
        }
    }
}

impl Report {
    /// Whether anything was changed outside.
    pub fn acted(&self) -> bool {
        self.orders_created
            + self.orders_accepted
            + self.parcels_told
            + self.cancelled_in_shop
            + self.cancelled_at_channel
            + self.pushed
            + self.queued
            > 0
    }

    /// What was changed outside, in a few words.
    pub fn summary(&self) -> String {
        let counts = [
            (self.orders_accepted, "order answered", "orders answered"),
            (self.orders_created, "order created", "orders created"),
            (self.parcels_told, "parcel told", "parcels told"),
            (
                self.cancelled_in_shop,
                "unit cancelled in Shopify",
                "units cancelled in Shopify",
            ),
            (
                self.cancelled_at_channel,
                "unit cancelled at the channel",
                "units cancelled at the channel",
            ),
            (self.pushed, "stock number written", "stock numbers written"),
            (
                self.queued,
                "stock number on its way",
                "stock numbers on their way",
            ),
            (
                self.push_failed,
                "stock number refused",
                "stock numbers refused",
            ),
        ];
        let told: Vec<String> = counts
            .iter()
            .filter(|(n, ..)| *n > 0)
            .map(|(n, one, many)| format!("{n} {}", if *n == 1 { one } else { many }))
            .collect();
        if told.is_empty() {
            "nothing to do".into()
        } else {
            told.join(", ")
        }
    }

    /// Adds a later cycle of the same channel: its counts are added, its lists replace the former ones.
    pub fn absorb(&mut self, later: Report) {
        let before = std::mem::replace(self, later);
        self.orders_read += before.orders_read;
        self.orders_accepted += before.orders_accepted;
        self.orders_created += before.orders_created;
        self.parcels_told += before.parcels_told;
        self.cancelled_in_shop += before.cancelled_in_shop;
        self.cancelled_at_channel += before.cancelled_at_channel;
        self.pushed += before.pushed;
        self.queued += before.queued;
        self.push_failed += before.push_failed;
        self.drift += before.drift;
    }
}

/// Told what a run is doing while that takes a while, in words for people.
pub type Progress = Arc<dyn Fn(String) + Send + Sync>;

/// One run of one channel.
pub struct Cycle {
    pub(crate) store: Store,
    pub(crate) shop: Arc<SharedShop>,
    pub(crate) row: ChannelRow,
    pub(crate) connector: Connector,
    pub(crate) lease: Lease,
    pub(crate) mode: Mode,
    pub(crate) report: Report,
    pub(crate) progress: Option<Progress>,
    pub(crate) extras: Vec<extras::Ready>,
}

impl Cycle {
    /// A run that holds the channel's lease.
    pub fn new(
        store: Store,
        shop: Arc<SharedShop>,
        row: ChannelRow,
        connector: Connector,
        lease: Lease,
        mode: Mode,
    ) -> Self {
        Self {
            store,
            shop,
            row,
            connector,
            lease,
            mode,
            report: Report::default(),
            progress: None,
            extras: Vec::new(),
        }
    }

    /// The same run with the channel's extras, in their order.
    pub fn with_extras(mut self, extras: Vec<extras::Ready>) -> Self {
        self.extras = extras;
        self
    }

    /// The same run, which tells what it is doing.
    pub fn telling(mut self, progress: Option<Progress>) -> Self {
        self.progress = progress;
        self
    }

    /// Tells what takes a while.
    pub(crate) fn tell(&self, what: String) {
        tracing::info!(channel = %self.key(), "{what}");
        if let Some(progress) = &self.progress {
            progress(what);
        }
    }

    /// Waits for a page that the channel still makes.
    pub(crate) async fn wait_for_page(&self, ms: Option<u32>) {
        let Some(ms) = ms.filter(|ms| *ms > 0) else {
            return;
        };
        let wait = Duration::from_millis(ms.into()).min(LONGEST_PAGE_WAIT);
        self.tell(format!("waiting {} s for the channel", wait.as_secs()));
        tokio::time::sleep(wait).await;
    }

    pub(crate) fn key(&self) -> &Key {
        &self.row.key
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::now()
    }

    /// Where to read on from so that nothing is missed which a lagging search index showed too late.
    pub(crate) fn overlapping(&self, mark: Instant) -> Instant {
        mark.checked_sub(i64::from(self.row.policy.overlap_s).seconds())
            .unwrap_or(mark)
    }

    /// Seconds between readings by id of everything that is open: a search index, or a list of changes, may leave one out.
    pub(crate) fn reread_s(&self) -> i64 {
        REREAD_SECONDS.min(i64::from(self.row.policy.read_back_s))
    }

    /// What messages named of the channel, which is forgotten: if it cannot be read now, the next reading of all that
    /// changed finds it.
    pub(crate) async fn take_hints(&self, kind: HintKind) -> Step<Vec<String>> {
        let key = self.key().clone();
        let named = {
            let key = key.clone();
            self.store.read(move |tx| tx.hints(&key, kind)).await?
        };
        let ids = named.iter().map(|hint| hint.id.clone()).collect();
        if !named.is_empty() {
            self.store
                .fenced(&self.lease, move |tx| tx.drop_hints(&key, kind, &named))
                .await?;
        }
        Ok(ids)
    }

    /// When the channel is due, as stored.
    pub fn due(&self) -> Instant {
        self.row.due_at
    }

    /// Runs all flows. The report tells what was done even when the run stopped early.
    pub async fn run(mut self) -> (Report, Result<(), Stop>) {
        let scope = Scope::sums("cycle", self.sink("channel".to_owned()));
        let result = scope.run(self.flows()).await;
        // A process that ends with the run must not take along what the writer still has to write.
        let result = result.and(self.store.settled().await.map_err(Stop::from));
        (self.report, result)
    }

    /// Work for one order: what is asked and answered meanwhile is noted under it.
    pub(crate) fn about(&self, order: &str, cause: impl Into<Cow<'static, str>>) -> Scope {
        Scope::new(cause, self.sink(format!("order:{order}")))
    }

    /// Writes exchanges down, also those of a run that has lost its lease: they were made all the same.
    fn sink(&self, subject: String) -> Sink {
        let (store, key) = (self.store.clone(), self.key().clone());
        Box::new(move |rows| {
            let (key, subject) = (key.clone(), subject.clone());
            store.write_later("exchanges", move |tx| {
                tx.put_exchanges(&key, &subject, &rows)
            });
        })
    }

    async fn flows(&mut self) -> Step<()> {
        if self.row.approved_at.is_none() && self.mode == Mode::Act {
            self.mode = Mode::Plan;
            self.report.awaits_approval = Some("the first sync is a plan to approve".into());
        }
        because("account", flow("identify", self.identify())).await?;
        // Sales first: a number pushed later must know of every one of them.
        because("orders", flow("orders in", self.read_orders())).await?;
        because("catalog", flow("catalogues", self.refresh_catalog())).await?;
        because("acceptance", flow("orders accepted", self.accept_orders())).await?;
        because(
            "order creation",
            flow("orders created", self.create_orders()),
        )
        .await?;
        because(
            "stock",
            flow("stock read again", self.refresh_stale_items()),
        )
        .await?;
        because("orders", flow("shop orders in", self.read_shop_orders())).await?;
        self.alarm_shipped_though_dropped().await?;
        because(
            "fulfillments",
            flow("fulfillments out", self.send_parcels()),
        )
        .await?;
        because(
            "cancellations",
            flow("cancellations", self.cross_cancellations()),
        )
        .await?;
        because("stock", flow("stock out", self.push_stock())).await?;
        if self.mode == Mode::Act {
            let key = self.key().clone();
            self.store
                .fenced(&self.lease, move |tx| tx.close_orders(&key))
                .await?;
        }
        Ok(())
    }

    /// Reads whose account it is, once a day and at first. Another account than the pinned one parks the channel:
    /// its stock would be written to a stranger.
    async fn identify(&mut self) -> Step<()> {
        let key = self.key().clone();
        let now = self.now();
        let last = self
            .store
            .read({
                let key = key.clone();
                move |tx| tx.mark(&key, "identified")
            })
            .await?;
        let fresh = last.is_some_and(|t| now.duration_since(t).as_hours() < 24);
        if fresh && self.row.account_id.is_some() {
            return Ok(());
        }
        let account = self.connector.identify().await.map_err(channel)?;
        if let Some(pinned) = self.row.account_id.as_deref().filter(|p| *p != account.id) {
            return Err(Stop::Park(format!(
                "the credentials belong to account {} ({}), but this channel was set up for account {pinned}; nothing was changed there",
                account.id, account.name
            )));
        }
        self.row.account_id = Some(account.id.clone());
        self.store
            .fenced(&self.lease, move |tx| {
                tx.pin_account(&key, &account.id, &account.name)?;
                tx.set_mark(&key, "identified", now)
            })
            .await?;
        Ok(())
    }

    /// Records something that happened to a subject.
    pub(crate) async fn record(
        &self,
        subject: String,
        kind: &'static str,
        text: String,
    ) -> Step<()> {
        let (key, now) = (self.key().clone(), self.now());
        tracing::info!(channel = %key, subject, kind, "{text}");
        self.store
            .fenced(&self.lease, move |tx| {
                tx.record(&key, &subject, kind, &text, now)
            })
            .await?;
        Ok(())
    }

    /// Records something unless it is the newest that is known of the subject: what is tried again in each cycle for the
    /// same reason is told once. Each try is in the exchanges.
    pub(crate) async fn record_news(
        &self,
        subject: String,
        kind: &'static str,
        text: String,
    ) -> Step<()> {
        let (key, now) = (self.key().clone(), self.now());
        tracing::info!(channel = %key, subject, kind, "{text}");
        self.store
            .fenced(&self.lease, move |tx| {
                tx.record_news(&key, &subject, kind, &text, now)
            })
            .await?;
        Ok(())
    }

    /// Notes a problem of one item: the rest goes on.
    pub(crate) async fn problem(
        &mut self,
        subject: String,
        kind: &'static str,
        text: String,
    ) -> Step<()> {
        self.report.problems.push(text.clone());
        self.record(subject, kind, text).await
    }
}

/// Whether a fault concerns the whole channel (so the flow must stop) rather than the one item.
pub(crate) fn stops_flow(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::Auth { .. }
            | Fault::Denied { .. }
            | Fault::Throttled { .. }
            | Fault::Unavailable { .. }
            | Fault::Plugin { .. }
    )
}

/// The state that a channel is to be in after a run.
pub fn state_after(result: &Result<(), Stop>) -> (ChannelState, Option<String>) {
    match result {
        Err(Stop::Park(why)) => (ChannelState::Parked, Some(why.clone())),
        Err(stop @ Stop::Fault { fault, .. }) if fault.parks() => {
            (ChannelState::Parked, Some(stop.to_string()))
        }
        Err(stop) => (ChannelState::Active, Some(stop.to_string())),
        Ok(()) => (ChannelState::Active, None),
    }
}
