//! Is everything in step, what needs a person, and how long until it costs money.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::cycle::Report;
use crate::db::{ChannelRow, ChannelState, CycleRow, Error, Fate, Store, Tx};
use crate::model::{Instant, Key, Money, ShopInfo};

/// Cycles shown of each channel.
const CYCLES: u32 = 40;
/// Units shown of all channels.
const UNITS: u32 = 50;

/// How everything stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Overview {
    /// When this was read.
    pub at: Timestamp,
    /// The channels, by shop and name.
    pub channels: Vec<ChannelOverview>,
    /// Units to be dispatched, the least time left first.
    pub urgent: Vec<Urgent>,
    /// What needs a person.
    pub needs: Vec<Need>,
}

/// How one channel stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ChannelOverview {
    /// SHOP/CHANNEL.
    pub channel: String,
    /// Shown.
    pub title: String,
    /// The plugin's id.
    pub plugin: String,
    /// The seller's account at the marketplace.
    pub account: Option<String>,
    /// `active`, `parked` or `paused`.
    #[schema(value_type = String)]
    pub state: ChannelState,
    /// Why it is parked, or why its last cycle stopped early.
    pub reason: Option<String>,
    /// What of it waits for approval.
    pub awaits_approval: Option<String>,
    /// When its next cycle is due; none when it is not worked.
    pub due_at: Option<Timestamp>,
    /// Seconds since its last cycle ended well; none: none ever did.
    pub lag_s: Option<i64>,
    /// Listings whose number was not what the host had written, at the last whole read-back.
    pub drift: u32,
    /// Linked SKUs.
    pub linked: u32,
    /// SKUs that are not in step.
    pub not_in_step: u32,
    /// Linked listings whose number at the channel is not known for sure.
    pub unsure: u32,
    /// Orders placed today, in the shop's time zone.
    pub orders_today: u32,
    /// Units to be dispatched.
    pub open_units: u32,
    /// Of them, past their deadline.
    pub late_units: u32,
    /// The next deadline.
    pub next_deadline: Option<Timestamp>,
    /// Orders, parcels and numbers that need a person.
    pub needs: u32,
    /// The newest cycles, the oldest of them first.
    pub cycles: Vec<CycleMark>,
}

/// One cycle, in short.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CycleMark {
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took, in milliseconds; none while it runs or when it was killed.
    pub ms: Option<i64>,
    /// `done`, `waits`, or the fault's case.
    pub outcome: Option<String>,
    /// What it did, in a few words.
    pub summary: String,
    /// It changed something outside.
    pub acted: bool,
}

/// A unit that waits for dispatch.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Urgent {
    /// SHOP/CHANNEL.
    pub channel: String,
    /// The channel's order id.
    pub order: String,
    /// The channel's order number.
    pub number: String,
    /// SKU as sold.
    pub sku: Option<String>,
    /// Deadline.
    pub ship_by: Option<Timestamp>,
    /// How far the order is.
    pub state: String,
    /// Why.
    pub reason: Option<String>,
    /// What the marketplace charges when the order is late, where that is set; once for each order.
    pub fee: Option<Money>,
}

/// What kind of thing needs a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NeedKind {
    /// The channel itself.
    Channel,
    /// A plan waits for approval.
    Approval,
    /// An order.
    Order,
    /// A parcel of an order.
    Parcel,
    /// A number that the channel does not take.
    Number,
}

/// Something that needs a person.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Need {
    /// SHOP/CHANNEL.
    pub channel: String,
    /// What kind of thing.
    pub kind: NeedKind,
    /// The order's id, the SKU, or nothing.
    pub subject: String,
    /// What to call it.
    pub label: String,
    /// Why, and what to do.
    pub why: String,
}

/// Reads how everything stands; of one channel when it is named.
pub async fn overview(store: &Store, one: Option<&Key>) -> Result<Overview, Error> {
    let one = one.cloned();
    store.read(move |tx| read(tx, one.as_ref())).await
}

fn read(tx: &Tx<'_>, one: Option<&Key>) -> Result<Overview, Error> {
    let now = Instant::now();
    let (mut channels, mut urgent, mut needs) = (Vec::new(), Vec::new(), Vec::new());
    let rows = tx.channels()?;
    for row in rows.iter().filter(|r| one.is_none_or(|k| r.key == *k)) {
        let before = needs.len();
        needs_of(tx, row, &mut needs)?;
        let info = tx.shop(&row.key.shop)?.and_then(|s| s.info);
        let mut channel = channel(tx, row, info.as_ref(), now)?;
        channel.needs = (needs.len() - before) as u32;
        channels.push(channel);
        let fee = row.policy.fee(info.as_ref().map(|i| &*i.currency));
        let mut last = String::new();
        for unit in tx.open_units(&row.key, UNITS)? {
            let first = unit.order != last;
            last.clone_from(&unit.order);
            urgent.push(Urgent {
                channel: row.key.to_string(),
                order: unit.order,
                number: unit.number,
                sku: unit.sku,
                ship_by: unit.ship_by,
                state: unit.state,
                reason: unit.reason,
                fee: fee.clone().filter(|_| first && unit.ship_by.is_some()),
            });
        }
    }
    urgent.sort_by_key(|u| (u.ship_by.is_none(), u.ship_by));
    urgent.truncate(UNITS as usize);
    Ok(Overview {
        at: now,
        channels,
        urgent,
        needs,
    })
}

pub(super) fn channel(
    tx: &Tx<'_>,
    row: &ChannelRow,
    info: Option<&ShopInfo>,
    now: Instant,
) -> Result<ChannelOverview, Error> {
    let key = &row.key;
    let status = tx.status(key, now)?;
    let zone = info
        .and_then(|i| jiff::tz::TimeZone::get(&i.timezone).ok())
        .unwrap_or(jiff::tz::TimeZone::UTC);
    let midnight = now
        .to_zoned_datetime(zone)
        .start_of_day()
        .map_or(now, |z| z.timestamp());
    let cycles = tx.cycles(key, CYCLES)?;
    let well = cycles
        .iter()
        .find(|c| matches!(c.outcome.as_deref(), Some("done" | "waits")))
        .and_then(|c| c.ended_at);
    Ok(ChannelOverview {
        channel: key.to_string(),
        title: row.title.clone(),
        plugin: row.plugin.clone(),
        account: row.account_name.clone(),
        state: row.state,
        reason: row.reason.clone(),
        awaits_approval: match tx.plan_why(key)? {
            Some(why) => Some(why),
            None => row
                .approved_at
                .is_none()
                .then(|| "the first sync is a plan to approve".into()),
        },
        due_at: (row.state == ChannelState::Active).then_some(row.due_at),
        lag_s: well.map(|t| now.duration_since(t).as_secs()),
        drift: tx.last_drift(key)?,
        linked: status.linked,
        not_in_step: status.mismatches.iter().map(|(_, n)| n).sum(),
        unsure: status.unsure,
        orders_today: tx.orders_since(key, midnight)?,
        open_units: status.open_units,
        late_units: status.late_units,
        next_deadline: status.next_deadline,
        needs: 0,
        cycles: cycles.into_iter().rev().map(mark).collect(),
    })
}

fn mark(cycle: CycleRow) -> CycleMark {
    let report: Option<Report> = cycle
        .detail
        .as_deref()
        .and_then(|d| serde_json::from_str(d).ok());
    CycleMark {
        started_at: cycle.started_at,
        ms: cycle
            .ended_at
            .map(|end| end.duration_since(cycle.started_at).as_millis() as i64),
        summary: report.as_ref().map_or_else(String::new, Report::summary),
        acted: report.as_ref().is_some_and(Report::acted),
        outcome: cycle.outcome,
    }
}

fn needs_of(tx: &Tx<'_>, row: &ChannelRow, needs: &mut Vec<Need>) -> Result<(), Error> {
    let key = &row.key;
    let mut need = |kind, subject: String, label: String, why: String| {
        needs.push(Need {
            channel: key.to_string(),
            kind,
            subject,
            label,
            why,
        });
    };
    if let Some(reason) = &row.reason {
        need(
            NeedKind::Channel,
            String::new(),
            "channel".into(),
            reason.clone(),
        );
    }
    if let Some(why) = tx.plan_why(key)? {
        need(NeedKind::Approval, String::new(), "approval".into(), why);
    }
    for o in tx.orders_for_attention(key)? {
        let label = format!("order {}", o.number);
        need(NeedKind::Order, o.id, label, o.reason.unwrap_or_default());
    }
    for p in tx.parcels_for_attention(key)? {
        let (label, why) = (p.label(), p.reason.unwrap_or_default());
        need(NeedKind::Parcel, p.order, label, why);
    }
    for sent in tx.refused_numbers(key)? {
        if let Fate::Refused(why) = &sent.fate {
            let why = format!(
                "the channel does not take its number {}: {why}",
                sent.quantity
            );
            let label = format!("SKU {}", sent.sku);
            need(NeedKind::Number, sent.sku.clone(), label, why);
        }
    }
    Ok(())
}
