//! What happened, newest first: events of the channels, and what people did.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::db::{AuditRow, Error, Store};
use crate::model::Key;

/// Most rows of one page.
pub const ACTIVITY_MOST: u32 = 200;

/// Something that happened.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EventView {
    /// Row id, rising.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// SHOP/CHANNEL.
    pub channel: String,
    /// `order:<id>`, `sku:<sku>` or `channel`.
    pub subject: String,
    /// The order's number at the channel, where it is about an order that is known.
    pub number: Option<String>,
    /// A stable word for filters.
    pub kind: String,
    /// For people.
    pub text: String,
}

/// Rows of one page, and where the next one begins.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EventPage {
    /// The newest first.
    pub items: Vec<EventView>,
    /// To be given as `after` for the rows that come next; none: these were the last.
    pub next: Option<i64>,
}

/// Rows of one page, and where the next one begins.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AuditPage {
    /// The newest first.
    pub items: Vec<AuditRow>,
    /// To be given as `after` for the rows that come next; none: these were the last.
    pub next: Option<i64>,
}

/// Which events.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// Of one channel.
    pub channel: Option<Key>,
    /// Of one kind.
    pub kind: Option<String>,
    /// Older than this row.
    pub after: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

/// Reads events.
pub async fn events(store: &Store, filter: EventFilter) -> Result<EventPage, Error> {
    let limit = filter.limit.clamp(1, ACTIVITY_MOST);
    let rows = store
        .read(move |tx| {
            tx.events_before(
                filter.channel.as_ref(),
                filter.kind.as_deref(),
                filter.after,
                limit,
            )
        })
        .await?;
    let next = (rows.len() == limit as usize)
        .then(|| rows.last().map(|past| past.id))
        .flatten();
    let items = (rows.into_iter())
        .map(|past| EventView {
            id: past.id,
            at: past.event.at,
            channel: match past.event.channel.as_str() {
                "" => past.shop,
                channel => format!("{}/{channel}", past.shop),
            },
            subject: past.event.subject,
            number: past.number,
            kind: past.event.kind,
            text: past.event.text,
        })
        .collect();
    Ok(EventPage { items, next })
}

/// Reads what people did.
pub async fn audits(store: &Store, after: Option<i64>, limit: u32) -> Result<AuditPage, Error> {
    let limit = limit.clamp(1, ACTIVITY_MOST);
    let items = store.read(move |tx| tx.audits(after, limit)).await?;
    let next = (items.len() == limit as usize)
        .then(|| items.last().map(|a| a.id))
        .flatten();
    Ok(AuditPage { items, next })
}
