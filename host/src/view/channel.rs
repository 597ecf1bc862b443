//! One channel: how it stands, how it is set up, what its cycles did, and the plan that waits for approval.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::overview::{ChannelOverview, channel as overview_of};
use crate::cycle::{Plan, Report};
use crate::db::{ChannelRow, Mismatch};
use crate::host::Host;
use crate::model::{
    Instant, Key, Location, MismatchKind, OnFailure, POLICY_SETTINGS, Policy, PolicyKind, Refusal,
};
use crate::plugin::{Plugin, SettingType};
use crate::sync::stock::StockChange;

/// Cycles shown.
const CYCLES: u32 = 60;
/// SKUs of each kind of mismatch shown with a plan.
const MISMATCHES: u32 = 20;

/// One channel.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ChannelView {
    /// How it stands.
    pub overview: ChannelOverview,
    /// Its short name without the shop's.
    pub name: String,
    /// The shop's short name.
    pub shop: String,
    /// The pinned account's id at the marketplace.
    pub account_id: Option<String>,
    /// When its first sync was approved.
    pub approved_at: Option<Timestamp>,
    /// Orders placed before are known, never created.
    pub orders_from: Timestamp,
    /// When both whole catalogues were read last.
    pub read_back_at: Option<Timestamp>,
    /// Failed cycles in a row.
    pub failures: u32,
    /// What a running cycle is doing.
    pub doing: Option<String>,
    /// The shop's locations.
    pub locations: Vec<LocationView>,
    /// Settings of the plugin and of the sync.
    pub settings: Vec<SettingView>,
    /// Its extras in the order in which they run.
    pub extras: Vec<ExtraView>,
    /// Its newest cycles, the newest first.
    pub cycles: Vec<CycleView>,
}

/// A location of the shop.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LocationView {
    /// `gid://shopify/Location/...`.
    pub id: String,
    /// Shown.
    pub name: String,
    /// Its stock counts for the channel.
    pub counts: bool,
    /// Ships online orders and is switched on.
    pub ships: bool,
}

/// A setting.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SettingView {
    /// As it is written.
    pub key: String,
    /// `text`, `integer`, `fraction`, `amount`, `boolean`, `choice` or `json`.
    pub kind: &'static str,
    /// It is the plugin's own, not one of the sync.
    pub of_plugin: bool,
    /// As it is set; empty when it is not.
    pub value: String,
    /// What counts when it is not set.
    pub default: String,
    /// `choice`: the values.
    pub choices: Vec<String>,
    /// What it is, in a few words.
    pub label: String,
    /// What it does, with its unit.
    pub help: String,
}

/// An extra of a channel.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ExtraView {
    /// Its place, 1 is the first.
    pub place: usize,
    /// The operator's name for it.
    pub name: String,
    /// The plugin's id.
    pub plugin: String,
    /// What happens when it fails: `skip` or `hold`.
    #[schema(value_type = String)]
    pub on_failure: OnFailure,
    /// The plugin's settings.
    pub settings: Vec<SettingView>,
    /// Why it cannot run.
    pub error: Option<String>,
}

/// A cycle.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CycleView {
    /// Row id, rising.
    pub id: i64,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took, in milliseconds.
    pub ms: Option<i64>,
    /// `done`, `waits`, or the fault's case; none while it runs or when it was killed.
    pub outcome: Option<String>,
    /// What it did, in a few words.
    pub summary: String,
    /// What was wrong with single items.
    pub problems: Vec<String>,
}

/// Settings that a plugin's manifest asks for.
pub fn settings_of(plugin: &Plugin, set: &BTreeMap<String, String>) -> Vec<SettingView> {
    (plugin.manifest().setting.iter())
        .map(|s| SettingView {
            key: s.key.clone(),
            kind: match s.kind {
                SettingType::Text => "text",
                SettingType::Integer => "integer",
                SettingType::Boolean => "boolean",
                SettingType::Choice => "choice",
            },
            of_plugin: true,
            value: set.get(&s.key).cloned().unwrap_or_default(),
            default: s.default_text().unwrap_or_default(),
            choices: s.choices.clone(),
            label: s.label.clone().unwrap_or_else(|| s.key.clone()),
            help: s.help.clone().unwrap_or_default(),
        })
        .collect()
}

/// The settings of the sync.
pub fn policy_settings(policy: &Policy) -> Vec<SettingView> {
    let json = |policy: &Policy| serde_json::to_value(policy).unwrap_or_default();
    let (values, defaults) = (json(policy), json(&Policy::default()));
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    POLICY_SETTINGS
        .iter()
        .map(|s| SettingView {
            key: s.key.into(),
            kind: match s.kind {
                PolicyKind::Integer => "integer",
                PolicyKind::Amount => "amount",
                PolicyKind::Fraction => "fraction",
                PolicyKind::Boolean => "boolean",
                PolicyKind::Choice(_) => "choice",
                PolicyKind::Map | PolicyKind::List | PolicyKind::Address => "json",
            },
            of_plugin: false,
            value: text(&values[s.key]),
            default: text(&defaults[s.key]),
            choices: match s.kind {
                PolicyKind::Choice(of) => of.iter().map(|c| (*c).to_owned()).collect(),
                _ => Vec::new(),
            },
            label: s.label.into(),
            help: s.help.into(),
        })
        .collect()
}

fn locations_of(all: &[Location], row: &ChannelRow) -> Vec<LocationView> {
    all.iter()
        .map(|l| LocationView {
            id: l.id.clone(),
            name: l.name.clone(),
            counts: row.locations.contains(&l.id),
            ships: l.active && l.ships_online && !l.fulfillment_service,
        })
        .collect()
}

/// Reads one channel.
pub async fn channel(host: &Host, key: &Key) -> anyhow::Result<ChannelView> {
    let row = host.channel(key).await?;
    let (overview, places, cycles) = {
        let row = row.clone();
        host.store
            .read(move |tx| {
                let shop = tx.shop(&row.key.shop)?.and_then(|s| s.info);
                Ok((
                    overview_of(tx, &row, shop.as_ref(), Instant::now())?,
                    shop.map_or_else(Vec::new, |i| i.locations),
                    tx.cycles(&row.key, CYCLES)?,
                ))
            })
            .await?
    };
    let mut settings = match host.plugin(&row.plugin) {
        Ok(plugin) => settings_of(&plugin, &row.settings),
        Err(_) => Vec::new(),
    };
    settings.extend(policy_settings(&row.policy));
    let extras = (host.extras(&row).into_iter().enumerate())
        .map(|(at, (setup, ready))| ExtraView {
            place: at + 1,
            settings: host.plugin(&setup.plugin).map_or_else(
                |_| Vec::new(),
                |plugin| settings_of(&plugin, &setup.settings),
            ),
            name: setup.name,
            plugin: setup.plugin,
            on_failure: setup.on_failure,
            error: ready.err(),
        })
        .collect();
    Ok(ChannelView {
        overview,
        name: key.channel.clone(),
        shop: key.shop.clone(),
        account_id: row.account_id.clone(),
        approved_at: row.approved_at,
        orders_from: row.orders_from,
        read_back_at: row.read_back_at,
        failures: row.failures,
        doing: host.doing(key),
        locations: locations_of(&places, &row),
        settings,
        extras,
        cycles: cycles
            .into_iter()
            .map(|c| {
                let report: Report = (c.detail.as_deref())
                    .and_then(|d| serde_json::from_str(d).ok())
                    .unwrap_or_default();
                CycleView {
                    id: c.id,
                    started_at: c.started_at,
                    ms: (c.ended_at).map(|end| end.duration_since(c.started_at).as_millis() as i64),
                    summary: if c.outcome.is_some() {
                        report.summary()
                    } else {
                        String::new()
                    },
                    outcome: c.outcome,
                    problems: report.problems,
                }
            })
            .collect(),
    })
}

/// A plan that waits for approval, or the lack of one.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PlanView {
    /// SHOP/CHANNEL.
    pub channel: String,
    /// Shown.
    pub title: String,
    /// The account that it would change.
    pub account: Option<String>,
    /// Its first sync was never approved.
    pub first: bool,
    /// Why it waits; none: nothing waits.
    pub why: Option<String>,
    /// When it was made.
    pub made_at: Option<Timestamp>,
    /// What a running cycle is doing.
    pub doing: Option<String>,
    /// Why the channel stands still, or why its last cycle stopped early.
    pub reason: Option<String>,
    /// Linked SKUs.
    pub links: u32,
    /// Numbers that would be written, the first of them; those that lose most first.
    pub stock: Vec<ChangeView>,
    /// How many there are in all.
    pub stock_total: usize,
    /// Of them, set to zero.
    pub to_zero: usize,
    /// Orders that would be created: number and lines.
    pub orders: Vec<(String, String)>,
    /// Orders that wait: number and why.
    pub waiting: Vec<(String, String)>,
    /// Parcels that would be told: order and carrier with code.
    pub parcels: Vec<(String, String)>,
    /// Cancellations that would be carried over: order and units.
    pub cancellations: Vec<(String, String)>,
    /// SKUs that are not in step, by kind.
    pub mismatches: Vec<MismatchGroup>,
    /// What was wrong with single items.
    pub problems: Vec<String>,
}

/// A number that would be written.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ChangeView {
    /// SKU.
    pub sku: String,
    /// The number there; none: not known.
    pub from: Option<u32>,
    /// The number to write.
    pub to: u32,
    /// The sum that makes it.
    pub because: String,
}

/// SKUs that are not in step for one kind of reason.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MismatchGroup {
    /// A stable word.
    pub kind: String,
    /// What it means.
    pub meaning: &'static str,
    /// How many.
    pub count: u32,
    /// The first of them: SKU, and what to do.
    pub first: Vec<(String, String)>,
}

/// What a kind of mismatch means.
pub fn meaning(kind: MismatchKind) -> &'static str {
    match kind {
        MismatchKind::DuplicateShop => "Held back: two variants of the shop share the SKU",
        MismatchKind::DuplicateChannel => "Held back: two listings share the SKU",
        MismatchKind::NearMiss => "Nearly equal on both sides (case, blank, dash)",
        MismatchKind::NoListing => "Only in the shop",
        MismatchKind::NoVariant => "Only at the channel",
        MismatchKind::Untracked => "Not counted in the shop",
        MismatchKind::BundlePart => "Bundles whose parts are not all in the shop",
    }
}

/// The sum that makes a number, in words.
pub fn because(c: &StockChange) -> String {
    let mut text = format!("{} available", c.available);
    for (n, what) in [
        (c.unseen, "unseen sales"),
        (i64::from(c.buffer), "buffer"),
        (i64::from(c.withheld), "held back by extras"),
    ] {
        if n != 0 {
            text.push_str(&format!(" \u{2212} {n} {what}"));
        }
    }
    if c.reserved != 0 {
        text.push_str(&format!(" + {} reserved there", c.reserved));
    }
    if let Some(part) = &c.part {
        text.push_str(&format!(" (of {part})"));
    }
    text
}

/// Reads what of a channel waits for approval.
pub async fn plan(host: &Host, key: &Key) -> anyhow::Result<PlanView> {
    let row = host.channel(key).await?;
    let (plan, mismatches) = {
        let key = key.clone();
        host.store
            .read(move |tx| Ok((tx.plan(&key)?, tx.first_mismatches(&key, MISMATCHES)?)))
            .await?
    };
    let (why, made_at, plan) = match plan {
        Some((why, made_at, body)) => {
            let plan: Plan = serde_json::from_str(&body)
                .map_err(|e| Refusal::Conflict(format!("the plan of {key} cannot be read: {e}")))?;
            (Some(why), Some(made_at), plan)
        }
        None => (None, None, Plan::default()),
    };
    let report = plan.report;
    Ok(PlanView {
        channel: key.to_string(),
        title: row.title,
        account: row.account_name,
        first: row.approved_at.is_none(),
        why,
        made_at,
        doing: host.doing(key),
        reason: row.reason,
        links: report.links,
        stock_total: plan.to_push,
        to_zero: plan.to_zero,
        stock: (report.to_push.iter())
            .map(|c| ChangeView {
                sku: c.sku.clone(),
                from: c.from,
                to: c.to,
                because: because(c),
            })
            .collect(),
        orders: report.orders_to_create,
        waiting: report.orders_waiting,
        parcels: report.parcels_to_tell,
        cancellations: report.to_cancel,
        mismatches: by_kind(mismatches),
        problems: report.problems,
    })
}

fn by_kind(mismatches: Vec<(MismatchKind, u32, Vec<Mismatch>)>) -> Vec<MismatchGroup> {
    let mut kinds: Vec<MismatchGroup> = (mismatches.into_iter())
        .map(|(kind, count, first)| MismatchGroup {
            meaning: meaning(kind),
            kind: kind.text().to_owned(),
            count,
            first: (first.into_iter()).map(|m| (m.sku, m.detail)).collect(),
        })
        .collect();
    // Those that a person can mend first.
    kinds.sort_by_key(|k| matches!(k.kind.as_str(), "no-listing" | "no-variant" | "untracked"));
    kinds
}
