//! One trait for each thing that a plugin can do. A plugin implements those that it means, and no others.

use crate::cx::{Cx, ExtraCx};
use crate::types::{Account, Fault, Listing, Order};

/// Records of reading listings.
pub mod listings {
    pub use crate::bindings::listings::exports::lockstep::plugin::listings::ListingPage;
}

/// Records of writing stock.
pub mod stock {
    pub use crate::bindings::stock::exports::lockstep::plugin::stock::{
        Level, Outcome, Rest, Settled, Settlement,
    };
}

/// Records of reading orders.
pub mod orders {
    pub use crate::bindings::orders::exports::lockstep::plugin::orders::OrderPage;
}

/// Records of accepting orders.
pub mod acceptance {
    pub use crate::bindings::acceptance::exports::lockstep::plugin::acceptance::Decision;
}

/// Records of telling shipments.
pub mod fulfillments {
    pub use crate::bindings::fulfillments::exports::lockstep::plugin::fulfillments::{
        CarrierEntry, Parcel, Sent,
    };
}

/// Records of cancelling.
pub mod cancellations {
    pub use crate::bindings::cancellations::exports::lockstep::plugin::cancellations::{
        Drop, Dropped, ReasonEntry, ReasonKind,
    };
}

/// Records of messages.
pub mod webhooks {
    pub use crate::bindings::webhooks::exports::lockstep::plugin::webhooks::{Hint, Subscription};
    pub use crate::http::Header;
}

/// Records of editing orders.
pub mod order_edits {
    pub use crate::bindings::order_edits::exports::lockstep::plugin::order_edits::{
        Draft, DraftLine, Edit, NewLine, NewShipping, Shipping,
    };
}

/// Records of editing stock numbers.
pub mod stock_edits {
    pub use crate::bindings::stock_edits::exports::lockstep::plugin::stock_edits::Position;
}

/// Records of naming the parts of bundles.
pub mod bundles {
    pub use crate::bindings::bundles::exports::lockstep::plugin::bundles::{Candidate, Part};
}

/// Who the plugin talks for. Every connector has it.
pub trait About {
    /// Reads the seller account behind the credentials. The host calls it when a channel is added and once a day, and
    /// parks a channel whose account is another than it was.
    fn identify(cx: Cx<'_>) -> Result<Account, Fault>;
}

/// What the channel sells.
pub trait Listings {
    /// A page of the whole catalogue, listings that cannot be bought now included. With `stock` each must tell
    /// `quantity`; without it that may be none where it saves requests. `cursor` is the `next` of the page before.
    fn page(
        cx: Cx<'_>,
        cursor: Option<String>,
        stock: bool,
    ) -> Result<listings::ListingPage, Fault>;

    /// The listings of these ids, with stock; unknown ids are left out.
    fn by_id(cx: Cx<'_>, ids: Vec<String>) -> Result<Vec<Listing>, Fault>;

    /// The listings with these SKUs, equal to the letter.
    fn by_sku(cx: Cx<'_>, skus: Vec<String>) -> Result<Vec<Listing>, Fault>;
}

/// Writing stock.
pub trait Stock {
    /// Writes absolute numbers, at most the manifest's batch. One outcome per level, in their order. A fault means that
    /// nothing is known to be applied; `unknown-outcome` that anything may be.
    fn push(cx: Cx<'_>, levels: Vec<stock::Level>) -> Result<Vec<stock::Outcome>, Fault>;

    /// What became of a ticket that `push` gave. Only asked by those that give tickets.
    fn settle(cx: Cx<'_>, ticket: String) -> Result<stock::Settlement, Fault>;
}

/// Reading orders.
pub trait Orders {
    /// Whole orders with any change at or after `since` (RFC 3339), oldest change first where that can be. Windows
    /// overlap: telling an order twice is harmless, leaving one out is not.
    fn changed(
        cx: Cx<'_>,
        since: String,
        cursor: Option<String>,
    ) -> Result<orders::OrderPage, Fault>;

    /// Whole orders by id; unknown ids are left out. The host reads back with it after every write.
    fn by_id(cx: Cx<'_>, ids: Vec<String>) -> Result<Vec<Order>, Fault>;
}

/// Accepting or refusing orders, for marketplaces that ask.
pub trait Acceptance {
    /// Gives the seller's word on lines of one order. Its look-up is [`Orders::by_id`].
    fn decide(cx: Cx<'_>, order: String, decisions: Vec<acceptance::Decision>)
    -> Result<(), Fault>;
}

/// Telling the channel what was shipped.
pub trait Fulfillments {
    /// The carriers that this account may use.
    fn carriers(cx: Cx<'_>) -> Result<Vec<fulfillments::CarrierEntry>, Fault>;

    /// First half: carrier and tracking code, so that the parcel is ready. Looks first at what is done already and does
    /// the rest, so that a repeat is harmless.
    fn prepare(cx: Cx<'_>, parcel: fulfillments::Parcel) -> Result<fulfillments::Sent, Fault>;

    /// Second half, called when `prepare` said `more`: the units are shipped. A repeat is harmless as well.
    fn ship(cx: Cx<'_>, parcel: fulfillments::Parcel) -> Result<fulfillments::Sent, Fault>;
}

/// Cancelling at the channel.
pub trait Cancellations {
    /// The reasons that the account may give.
    fn reasons(cx: Cx<'_>) -> Result<Vec<cancellations::ReasonEntry>, Fault>;

    /// Cancels units of one order. Answers what was touched, which can be more than was named.
    fn cancel(cx: Cx<'_>, drops: Vec<cancellations::Drop>)
    -> Result<cancellations::Dropped, Fault>;
}

/// Messages from the marketplace. They are hints: the host reads the truth through the other traits.
pub trait Webhooks {
    /// The subscriptions that exist.
    fn list(cx: Cx<'_>) -> Result<Vec<webhooks::Subscription>, Fault>;

    /// Makes exactly one enabled subscription to this URL exist.
    fn ensure(cx: Cx<'_>, url: String) -> Result<webhooks::Subscription, Fault>;

    /// Removes one; removing what does not exist succeeds.
    fn remove(cx: Cx<'_>, id: String) -> Result<(), Fault>;

    /// Reads a message, and never trusts it.
    fn parse(
        cx: Cx<'_>,
        headers: Vec<webhooks::Header>,
        body: Vec<u8>,
    ) -> Result<Vec<webhooks::Hint>, Fault>;
}

/// An extra that edits orders on their way into Shopify.
pub trait OrderEdits {
    /// The changes to this order. The same order and settings must give the same changes. An error is words for a
    /// person.
    fn edits(cx: ExtraCx<'_>, draft: order_edits::Draft) -> Result<Vec<order_edits::Edit>, String>;
}

/// An extra that lowers stock numbers before they are pushed.
pub trait StockEdits {
    /// The number to offer for each position, in their order; the host never offers more than `sellable`.
    fn adjust(cx: ExtraCx<'_>, positions: Vec<stock_edits::Position>) -> Result<Vec<u32>, String>;
}

/// An extra that knows which listings are bundles of several variants of the shop.
pub trait Bundles {
    /// The parts of each listing, in their order; none of a listing that is no bundle.
    fn parts(
        cx: ExtraCx<'_>,
        candidates: Vec<bundles::Candidate>,
    ) -> Result<Vec<Vec<bundles::Part>>, String>;
}
