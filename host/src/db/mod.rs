//! The only place with SQL: one SQLite file, one writer thread, a few readers.
//!
//! Everything that may run twice is made safe here: unique keys for orders, one open intent per effect,
//! and a fencing epoch per channel that each write of a cycle checks in its own transaction.

mod alert_facts;
mod alerts;
mod bundles;
mod catalog;
mod config;
mod error;
mod exchanges;
mod figures;
mod intents;
mod ledger;
mod order_list;
mod orders;
mod outbox;
mod parcels;
mod people;
mod plugins;
mod products;
mod reports;
mod store;
mod tickets;
mod timeline;
mod webhooks;

pub use alert_facts::{ChannelFacts, Found, NumberFact, OrderFact, ParcelFact, TargetFacts};
pub use alerts::{Alert, AlertFilter, Told};
pub use bundles::Bundles;
pub use catalog::{LinkRow, ListingRow, Mismatch, ShopSku, StockPart, StockRow};
pub use config::{ChannelRow, ChannelState, ShopRow};
pub use error::Error;
pub use exchanges::CallSum;
pub use figures::{ChannelFigures, ChannelStatus, FileSizes};
pub use intents::{Intent, IntentKind};
pub use ledger::{CycleRow, EventRow, PushRow};
pub use order_list::{OrderFilter, OrderMark, OrderSort, OrderSpan};
pub use orders::{CreatedFrom, OrderRow, OrderState, UnitRow};
pub use outbox::{Outgoing, Waiting};
pub use parcels::{ParcelRow, ParcelState};
pub use people::{AuditRow, Invitation, Person, TokenRow};
pub use plugins::{PluginAtWork, PluginVersion};
pub use products::{OrderPieces, ProductFilter, ProductListing, Reread, VariantRow};
pub use reports::OpenUnit;
pub use store::{Lease, Store, Tx, restore};
pub use tickets::{Fate, SentRow, TicketRow, queued_as};
pub use timeline::{Happening, TimelineKind};
pub use webhooks::{Deliveries, Delivery, HintKind, HintRow, SubscriptionRow};

/// Milliseconds since 1970 of an instant, as stored.
pub(crate) fn ms(at: crate::model::Instant) -> i64 {
    at.as_millisecond()
}

/// The instant of stored milliseconds; the epoch for values out of range.
pub(crate) fn at(ms: i64) -> crate::model::Instant {
    crate::model::Instant::from_millisecond(ms).unwrap_or_default()
}

/// JSON text of a value that always serializes.
pub(crate) fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("plain records serialize")
}

/// A value back from the JSON text of a column.
pub(crate) fn unjson<T: serde::de::DeserializeOwned>(
    text: &str,
    column: &'static str,
) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|e| Error::Content {
        column,
        detail: e.to_string(),
    })
}
