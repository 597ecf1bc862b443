//! What happened to a subject, oldest first.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::db::{Error, TimelineKind, TimelineRow, Tx};
use crate::model::{Exchange, Key};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Happening {
    /// When it happened, or was begun.
    pub at: Timestamp,
    /// Which record it comes from: `event` (what the host decided or noticed), `intent` (an effect that was noted down
    /// before it was begun), `exchange` (a request and its answer) or `push` (a stock number that was written).
    pub kind: String,
    /// A stable word for filters: the event's kind (`created`), the effect's (`order-create`), the call (`OrderCreate`).
    pub what: String,
    /// Why it was done; none where the text says it.
    pub cause: Option<String>,
    /// For people.
    pub text: String,
    /// Whether it went well. None: neither well nor badly, or not known yet.
    pub well: Option<bool>,
    /// The request and its answer, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Exchange>,
}

/// The newest happenings of a subject (`order:ID`, `sku:SKU` or `channel`), oldest first.
pub(super) fn happenings(
    tx: &Tx<'_>,
    key: &Key,
    subject: &str,
    limit: u32,
) -> Result<Vec<Happening>, Error> {
    let rows = tx.timeline(key, subject, limit)?;
    Ok(rows.into_iter().map(happening).collect())
}

fn happening(row: TimelineRow) -> Happening {
    let kind = match row.kind {
        TimelineKind::Event => "event",
        TimelineKind::Intent => "intent",
        TimelineKind::Exchange => "exchange",
        TimelineKind::Push => "push",
    };
    Happening {
        at: row.at,
        kind: kind.into(),
        what: row.what,
        cause: row.cause,
        text: row.text,
        well: row.well,
        exchange: row.exchange,
    }
}
