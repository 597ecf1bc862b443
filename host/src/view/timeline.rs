//! What happened to a subject, oldest first.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::db::{Effect, Error, EventRow, Tx};
use crate::model::Key;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Happening {
    /// When it happened, or was begun.
    pub at: Timestamp,
    /// Which record it comes from: `event` (what the host decided or noticed) or `intent` (an effect that was noted down
    /// before it was begun).
    pub kind: String,
    /// A stable word for filters: the event's kind (`created`) or the effect's (`order-create`).
    pub what: String,
    /// Why it was done; none where the text says it.
    pub cause: Option<String>,
    /// For people.
    pub text: String,
    /// Whether it went well. None: neither well nor badly, or not known yet.
    pub well: Option<bool>,
}

/// The newest happenings of an order, oldest first.
pub(super) fn of_order(
    tx: &Tx<'_>,
    key: &Key,
    id: &str,
    limit: u32,
) -> Result<Vec<Happening>, Error> {
    let events = tx.events(key, &format!("order:{id}"), limit)?;
    let effects = tx.order_effects(key, id, limit)?;
    let mut all: Vec<Happening> = (effects.into_iter().map(of_effect))
        .chain(events.into_iter().map(of_event))
        .collect();
    // Of one moment, what was meant comes before what was noted of it.
    all.sort_by_key(|h| (h.at, h.kind == "event"));
    all.drain(..all.len().saturating_sub(limit as usize));
    Ok(all)
}

fn of_event(event: EventRow) -> Happening {
    let well = match event.kind.as_str() {
        "alarm"
        | "blocked"
        | "deleted"
        | "doubt"
        | "extra-skipped"
        | "needs-attention"
        | "not-accepted"
        | "not-cancelled"
        | "refused"
        | "shipped-though-cancelled"
        | "total-differs"
        | "unknown"
        | "wants-answer" => Some(false),
        "answered"
        | "cancelled-at-channel"
        | "cancelled-in-shop"
        | "created"
        | "done"
        | "gathered"
        | "prepared"
        | "seen" => Some(true),
        _ => None,
    };
    Happening {
        at: event.at,
        kind: "event".into(),
        what: event.kind,
        cause: None,
        text: event.text,
        well,
    }
}

fn of_effect(effect: Effect) -> Happening {
    let does = match effect.kind.as_str() {
        "accept" => "answering the channel",
        "order-create" => "creating the order in Shopify",
        "order-cancel" => "cancelling the order in Shopify",
        "units-remove" => "removing units in Shopify",
        "channel-cancel" => "cancelling units at the channel",
        "parcel-prepare" => "telling the channel carrier and code",
        "parcel-ship" => "marking units as shipped at the channel",
        other => other,
    };
    let again = effect.attempted_at > effect.made_at;
    let end = match (&effect.outcome, again) {
        (Some(outcome), _) => outcome.clone(),
        (None, true) => format!(
            "tried again at {:.0}, what became of it is not known yet",
            effect.attempted_at
        ),
        (None, false) => "what became of it is not known yet".to_owned(),
    };
    Happening {
        at: effect.made_at,
        kind: "intent".into(),
        what: effect.kind.clone(),
        cause: None,
        text: format!("{does}: {end}"),
        well: None,
    }
}
