//! What a test puts in and what it sees: plain values, detached from the server's state.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::seller_center::Buyer;

/// An offer to be listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NewOffer {
    /// The seller's SKU.
    pub sku: String,
    /// Title of the operator's product.
    pub title: String,
    /// Price of one unit, tax included.
    pub price: Decimal,
    /// Units for sale; the sum of `warehouses` when there are any.
    pub quantity: u32,
    /// Units by warehouse code. Codes have to be among [`Config::warehouses`](super::Config::warehouses).
    pub warehouses: BTreeMap<String, u32>,
    /// Least units of an order.
    pub min_order_quantity: Option<u32>,
    /// Most units of an order.
    pub max_order_quantity: Option<u32>,
    /// Units are sold in packs of this size.
    pub package_quantity: Option<u32>,
    /// Days to ship.
    pub leadtime_to_ship: u32,
    /// Who holds the goods: `DEFAULT` is the seller.
    pub center: String,
}

impl Default for NewOffer {
    /// An offer of the seller's own goods without a SKU, a price and stock.
    fn default() -> Self {
        Self {
            sku: String::new(),
            title: String::new(),
            price: Decimal::ZERO,
            quantity: 0,
            warehouses: BTreeMap::new(),
            min_order_quantity: None,
            max_order_quantity: None,
            package_quantity: None,
            leadtime_to_ship: 1,
            center: "DEFAULT".to_owned(),
        }
    }
}

/// How something is bought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Purchase {
    /// The operator reviews the order first: it waits in `STAGING` until it is released.
    pub staging: bool,
    /// When the customer bought; now when absent.
    pub placed_at: Option<Timestamp>,
    /// Sell even what is not available.
    pub force: bool,
    /// Shipping the customer pays for each line.
    pub shipping_per_line: Decimal,
    /// The seller's promotion on each unit, at most its price.
    pub discount_per_unit: Decimal,
    /// Code of the shipping method.
    pub shipping_type: String,
}

impl Default for Purchase {
    /// Bought now, with the standard shipping method, free of charge.
    fn default() -> Self {
        Self {
            staging: false,
            placed_at: None,
            force: false,
            shipping_per_line: Decimal::ZERO,
            discount_per_unit: Decimal::ZERO,
            shipping_type: "STD".to_owned(),
        }
    }
}

/// A sale that came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedOrder {
    /// Key of order calls.
    pub id: String,
    /// One id for each SKU that was bought, in that order.
    pub line_ids: Vec<String>,
}

/// What became of a customer's wish to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// Nothing was paid yet: the operator canceled.
    Canceled,
    /// It is paid: an incident was opened, and the seller has to act.
    Incident,
}

/// An order as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OrderView {
    /// Key of order calls.
    pub id: String,
    /// State of its least advanced line that is still alive.
    pub state: String,
    /// When the customer bought.
    pub created_at: Timestamp,
    /// When it was last touched.
    pub updated_at: Timestamp,
    /// When the seller has to have decided.
    pub accept_by: Timestamp,
    /// When it has to be on its way.
    pub ship_by: Option<Timestamp>,
    /// The end customer.
    pub buyer: Buyer,
    /// The seller's number for it.
    pub seller_reference: Option<String>,
    /// Told with the calls for whole orders.
    pub tracking: TrackingView,
    /// What was bought.
    pub lines: Vec<LineView>,
    /// Its parcels, when they are told one by one.
    pub shipments: Vec<ShipmentView>,
}

/// A line as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LineView {
    /// Key of line calls.
    pub id: String,
    /// The seller's SKU when it was sold.
    pub sku: String,
    /// Who holds the goods: `DEFAULT` is the seller.
    pub center: String,
    /// State word of the platform.
    pub state: String,
    /// Units ordered.
    pub quantity: u32,
    /// Units refused, canceled, or refunded and not to be shipped.
    pub canceled: u32,
    /// Units in shipped parcels, or all that live when the whole order was shipped.
    pub shipped: u32,
    /// Unit price the customer was charged, tax included.
    pub unit_price: Decimal,
    /// Shipping the customer was charged for the line, tax included.
    pub shipping_price: Decimal,
    /// Money given back, shipping included.
    pub refunded: Decimal,
    /// An incident is open.
    pub incident: bool,
    /// Every state it had, oldest first.
    pub history: Vec<StateChange>,
}

/// One line of a line's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StateChange {
    /// The state it went into.
    pub state: String,
    /// When.
    pub at: Timestamp,
    /// Who did it: `seller`, `customer` or `operator`.
    pub by: String,
}

/// A parcel told by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShipmentView {
    /// Key of shipment calls.
    pub id: String,
    /// State word of the platform.
    pub state: String,
    /// Units by line id.
    pub lines: Vec<(String, u32)>,
    /// How it travels.
    pub tracking: TrackingView,
}

/// Carrier and number of a parcel or an order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TrackingView {
    /// Code of a carrier in the list.
    pub carrier_code: Option<String>,
    /// Name: the carrier's in the list, or the seller's own word.
    pub carrier_name: Option<String>,
    /// Number, as sent.
    pub number: Option<String>,
    /// Where it can be followed.
    pub url: Option<String>,
}

/// An offer as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OfferView {
    /// Offer id.
    pub id: u64,
    /// The seller's SKU.
    pub sku: String,
    /// What can still be bought; sales are off it already.
    pub quantity: i64,
    /// The same by warehouse.
    pub warehouses: BTreeMap<String, i64>,
    /// Price of one unit, tax included.
    pub price: Decimal,
    /// Who holds the goods: `DEFAULT` is the seller.
    pub center: String,
    /// It can be bought.
    pub active: bool,
    /// It is gone.
    pub deleted: bool,
    /// Free text that a careless write resets.
    pub description: String,
    /// Figures written to it so far.
    pub stock_writes: u64,
}

/// An import as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImportView {
    /// Key of import calls.
    pub id: String,
    /// State word of the platform.
    pub status: String,
    /// Lines that were applied.
    pub lines_in_success: usize,
    /// Lines that were not, with the reason of each.
    pub errors: Vec<(usize, String)>,
}

/// What the server saw since it started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Requests by the code of the call, as `OR11`; `(unknown)` for paths that do not exist.
    pub requests: BTreeMap<String, u64>,
    /// Requests answered with 429 by the limiter.
    pub throttled: u64,
    /// What clients did wrong, with the reason; at most the first ten thousand.
    pub mistakes: Vec<String>,
    /// Calls refused because of the state things were in, which no client can always foresee.
    pub conflicts: Vec<String>,
    /// Requests that left the choice of the shop to the user's default.
    pub without_shop: u64,
    /// Purchases that came about.
    pub sales: u64,
    /// Purchases refused because too little was available.
    pub refused_sales: u64,
    /// Purchases that came about only because they were forced.
    pub forced_sales: u64,
}
