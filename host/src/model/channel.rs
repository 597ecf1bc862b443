//! What a channel sells, and how its stock is written.

use serde::{Deserialize, Serialize};

use super::{Fact, Fault, Instant, Money};

/// Who the credentials of a channel belong to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Pinned: the channel parks when it changes.
    pub id: String,
    /// Shown.
    pub name: String,
    /// The marketplace's word for its state.
    pub native_state: Option<String>,
    /// Whether buyers can buy now.
    pub selling: Option<bool>,
    /// ISO 4217 code.
    pub currency: Option<String>,
}

/// What the number written to a channel means. Declared in the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StockSemantics {
    /// The number is what buyers can buy; the marketplace lowers it with each order.
    Sellable,
    /// The marketplace subtracts its own open orders from the number by itself.
    GrossOfReservations,
}

/// Whether a listing can be bought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ListingState {
    /// Buyers can buy it.
    Buyable,
    /// Not now.
    Unbuyable,
    /// For good.
    Ended,
    /// Not yet.
    Pending,
    /// The marketplace's own word.
    Other(String),
}

/// One thing that a channel sells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// The key of stock writes.
    pub id: String,
    /// What it is a variation of.
    pub parent: Option<String>,
    /// The seller's SKU.
    pub sku: Option<String>,
    /// Shown.
    pub title: String,
    /// Whether it can be bought.
    pub state: ListingState,
    /// Why not.
    pub reasons: Vec<String>,
    /// The number that stock writes set; none when this read did not tell it.
    pub quantity: Option<u32>,
    /// What the marketplace holds back for its own open orders; none when not told.
    pub reserved: Option<u32>,
    /// What buyers can buy. May be negative. For display.
    pub buyable: Option<i32>,
    /// Whether the seller ships it (else its stock is not ours to write).
    pub sellers: bool,
    /// Shown.
    pub price: Option<Money>,
    /// Given back to the connector with each write.
    pub facts: Vec<Fact>,
}

/// A page of listings.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ListingPage {
    /// In the connector's order.
    pub listings: Vec<Listing>,
    /// Where to go on.
    pub next: Option<String>,
    /// Not before this many milliseconds.
    pub wait_ms: Option<u32>,
}

/// What a listing's number is to become.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockWrite {
    /// [`Listing::id`].
    pub listing: String,
    /// [`Listing::parent`].
    pub parent: Option<String>,
    /// [`Listing::sku`].
    pub sku: Option<String>,
    /// Absolute.
    pub quantity: u32,
    /// [`Listing::facts`].
    pub facts: Vec<Fact>,
}

/// What became of a stock write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StockOutcome {
    /// Written.
    Applied,
    /// Accepted for later, under this ticket.
    Queued(String),
    /// Not written.
    Failed(Fault),
}

/// What a ticket's answer says of writes that it does not list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rest {
    /// They were applied.
    Applied,
    /// They failed.
    Failed,
    /// Nothing is known.
    Unknown,
}

/// What became of a ticket.
#[derive(Clone, Debug, Serialize)]
pub struct Settlement {
    /// None while it is being worked on; else outcomes by listing id and what holds for the rest.
    pub done: Option<(Vec<(String, StockOutcome)>, Rest)>,
    /// When to ask again.
    pub poll_after_ms: Option<u32>,
}

/// A carrier that a channel's account may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Carrier {
    /// The marketplace's code.
    pub code: Option<String>,
    /// The marketplace's name, byte for byte.
    pub name: Option<String>,
    /// Whether a parcel needs a tracking code.
    pub tracking_required: Option<bool>,
    /// A regular expression for its codes.
    pub tracking_pattern: Option<String>,
    /// The marketplace books the parcel itself.
    pub books_itself: Option<bool>,
    /// Switched on for the account.
    pub usable: bool,
}

/// A reason that a channel takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Reason {
    /// What a cancellation must carry.
    pub code: String,
    /// Shown.
    pub label: String,
    /// `cancel`, `refuse`, `refund`, `reject-return` or the marketplace's own kind.
    pub kind: String,
    /// Says that stock ran out.
    pub out_of_stock: Option<bool>,
    /// May be used.
    pub usable: bool,
}

/// Units of one line.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LineQuantity {
    /// [`super::Line::id`].
    pub line: String,
    /// At least 1.
    pub quantity: u32,
}

/// A parcel to tell a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParcelOut {
    /// Our stable key.
    pub id: String,
    /// Counts from 1 within the order.
    pub number: u32,
    /// No open unit is left after it.
    pub last: bool,
    /// The channel's order id.
    pub order: String,
    /// What is in it.
    pub lines: Vec<LineQuantity>,
    /// From the channel's own list.
    pub carrier: Carrier,
    /// Trimmed.
    pub tracking: Option<String>,
    /// Where it is tracked.
    pub tracking_url: Option<String>,
    /// When it left.
    pub shipped_at: Instant,
}

/// How far a parcel came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sent {
    /// `created`, `packed`, `ready`, `shipped`, `delivered`, `cancelled` or the marketplace's word.
    pub reached: String,
    /// The marketplace's id of the parcel.
    pub marketplace_id: Option<String>,
    /// The second half is still to be called.
    pub more: bool,
}

/// Units of one order that cannot be supplied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drop {
    /// Our stable key.
    pub id: String,
    /// The channel's order id.
    pub order: String,
    /// The channel's line id.
    pub line: String,
    /// At least 1.
    pub quantity: u32,
    /// The buyer has paid.
    pub paid: bool,
    /// A [`Reason::code`] of kind `cancel`.
    pub reason: String,
    /// One of kind `refund`, where the channel has such.
    #[serde(default)]
    pub refund_reason: Option<String>,
    /// For people.
    pub note: Option<String>,
}

/// A subscription to a marketplace's messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Subscription {
    /// The marketplace's id.
    pub id: String,
    /// Where messages go.
    pub url: String,
    /// Which.
    pub events: Vec<String>,
    /// Whether it is on.
    pub enabled: bool,
}

/// What a marketplace's message is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hint {
    /// Read this order.
    Order(String),
    /// Read the listing with this SKU.
    ListingSku(String),
    /// Run a cycle.
    Channel,
    /// Nothing to do.
    Nothing,
}

/// The seller's word on one line of an order that asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineDecision {
    /// [`super::Line::id`].
    pub line: String,
    /// Or refused.
    pub accepted: bool,
    /// Units.
    pub quantity: u32,
    /// Why it is refused, as the channel wants it.
    pub reason: Option<String>,
}
