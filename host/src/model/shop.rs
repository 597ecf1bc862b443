//! What the host knows of a Shopify store.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Address, Fact, Instant, Money};

/// A store, as it presents itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ShopInfo {
    /// `gid://shopify/Shop/...`; pinned.
    pub id: String,
    /// Shown.
    pub name: String,
    /// `....myshopify.com`.
    pub domain: String,
    /// ISO 4217 code.
    pub currency: String,
    /// IANA name.
    pub timezone: String,
    /// Access scopes that the token has.
    pub scopes: Vec<String>,
    /// The API version that answered.
    pub api_version: String,
    /// Its locations, for their names. As of when the shop was connected.
    #[serde(default)]
    pub locations: Vec<Location>,
}

/// A place that holds stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Location {
    /// `gid://shopify/Location/...`.
    pub id: String,
    /// Shown.
    pub name: String,
    /// Switched on.
    pub active: bool,
    /// Ships online orders.
    pub ships_online: bool,
    /// Belongs to a fulfillment service.
    pub fulfillment_service: bool,
}

/// A variant with its stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// `gid://shopify/ProductVariant/...`.
    pub id: String,
    /// `gid://shopify/Product/...`.
    pub product: String,
    /// `gid://shopify/InventoryItem/...`.
    pub item: String,
    /// As the merchant typed it; none or empty: not linked.
    pub sku: Option<String>,
    /// Product and variant title, shown.
    pub title: String,
    /// The product is active (not draft, not archived).
    pub active: bool,
    /// Stock is counted. Untracked items have no meaningful number.
    pub tracked: bool,
    /// `available` by location id; a location that is absent does not stock it. May be negative.
    pub available: BTreeMap<String, i64>,
    /// When the variant changed last.
    pub updated_at: Instant,
}

/// A change of stock that an incremental read found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LevelChange {
    /// Inventory item id.
    pub item: String,
    /// Location id.
    pub location: String,
    /// `available`.
    pub available: i64,
    /// When the level changed.
    pub updated_at: Instant,
}

/// A line of an order to be created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewLine {
    /// The linked variant; none: a custom line that moves no stock.
    pub variant: Option<String>,
    /// Shown on a custom line.
    pub title: String,
    /// Written on a custom line, for people.
    pub sku: Option<String>,
    /// At least 1.
    pub quantity: u32,
    /// Of one piece.
    pub unit_price: Money,
    /// Taxes of the whole line: title, rate as decimal text, amount.
    pub taxes: Vec<(String, String, Money)>,
    /// Whether tax applies.
    pub taxable: bool,
    /// Whether it must be shipped.
    pub requires_shipping: bool,
    /// Shown on the order; names that begin with `_` are hidden from the buyer.
    pub properties: Vec<Fact>,
}

/// An order to be created in Shopify.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewOrder {
    /// Unique in the shop: the marker that makes creation exactly-once ("the-iconic:601774").
    pub reference: String,
    /// The channel's order number.
    pub name: String,
    /// Names the channel.
    pub note: String,
    /// Searchable.
    pub tags: Vec<String>,
    /// The channel's stable name, for the source name.
    pub source: String,
    /// Shown in the admin.
    pub attributes: Vec<Fact>,
    /// ISO 4217 code.
    pub currency: String,
    /// When the buyer bought.
    pub processed_at: Instant,
    /// Whether prices contain tax.
    pub taxes_included: bool,
    /// The channel as customer (`gid://shopify/Customer/...`).
    pub customer: Option<String>,
    /// The channel's own address.
    pub billing: Address,
    /// The end customer's.
    pub shipping: Option<Address>,
    /// Lines.
    pub lines: Vec<NewLine>,
    /// Title, code and price of the shipping line.
    pub shipping_line: Option<(String, Option<String>, Money)>,
    /// What was paid; becomes one successful sale through a gateway named after the channel.
    pub paid: Money,
    /// Name of that gateway.
    pub gateway: String,
    /// Whether Shopify's stock is lowered by it.
    pub decrement: bool,
    /// A test order.
    pub test: bool,
}

/// An order that exists in Shopify.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedOrder {
    /// `gid://shopify/Order/...`.
    pub id: String,
    /// As Shopify shows it.
    pub name: String,
    /// Line ids in the order sent, with SKU and quantity; empty when found by look-up without lines.
    pub lines: Vec<CreatedLine>,
}

/// A line of an order that exists in Shopify.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedLine {
    /// `gid://shopify/LineItem/...`.
    pub id: String,
    /// As Shopify shows it.
    pub sku: Option<String>,
    /// As created.
    pub quantity: u32,
    /// The variant, none on a custom line.
    pub variant: Option<String>,
    /// Properties that the line carries, hidden ones included.
    pub properties: Vec<Fact>,
}

/// State of an order in Shopify, as far as fulfillment and cancellation need it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShopOrder {
    /// `gid://shopify/Order/...`.
    pub id: String,
    /// As Shopify shows it.
    pub name: String,
    /// When it changed last.
    pub updated_at: Instant,
    /// When it was cancelled.
    pub cancelled_at: Option<Instant>,
    /// `CUSTOMER`, `INVENTORY` ... as Shopify says.
    pub cancel_reason: Option<String>,
    /// Line id, ordered quantity, and quantity after removals and refunds.
    pub lines: Vec<ShopOrderLine>,
    /// Shipments, cancelled ones included.
    pub fulfillments: Vec<Fulfillment>,
}

/// A line of a [`ShopOrder`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShopOrderLine {
    /// `gid://shopify/LineItem/...`.
    pub id: String,
    /// As created.
    pub quantity: u32,
    /// After removals and refunds.
    pub current: u32,
    /// Not yet shipped.
    pub unfulfilled: u32,
}

/// A shipment in Shopify.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fulfillment {
    /// `gid://shopify/Fulfillment/...`.
    pub id: String,
    /// `SUCCESS`, `CANCELLED`, `ERROR`, `FAILURE` or a value newer than this program.
    pub status: String,
    /// When the merchant made it.
    pub created_at: Instant,
    /// When it changed last.
    pub updated_at: Instant,
    /// Company, code, URL of each parcel; each may be missing.
    pub tracking: Vec<Tracking>,
    /// Line id and quantity.
    pub lines: Vec<(String, u32)>,
}

/// A parcel's tracking in Shopify.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tracking {
    /// Free text.
    pub company: Option<String>,
    /// The code.
    pub number: Option<String>,
    /// Where it is tracked.
    pub url: Option<String>,
}

/// How a cancellation of a whole order in Shopify is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelOrder {
    /// `gid://shopify/Order/...`.
    pub order: String,
    /// `CUSTOMER`, `DECLINED`, `FRAUD`, `INVENTORY`, `OTHER` or `STAFF`.
    pub reason: String,
    /// Whether units go back on the shelf.
    pub restock: bool,
    /// For people, at most 255 characters.
    pub note: String,
}

/// Removal of units from an order in Shopify (a refund without moving money by default).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveUnits {
    /// `gid://shopify/Order/...`.
    pub order: String,
    /// Line id and quantity.
    pub lines: Vec<(String, u32)>,
    /// Whether units go back on the shelf.
    pub restock: bool,
    /// For people.
    pub note: String,
    /// A UUID that makes it exactly-once for a day.
    pub key: String,
}
