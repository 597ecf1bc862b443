//! What a test puts in and what it sees: plain values, detached from the server's state.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::buyers::Buyer;

/// Who ships a product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShipmentType {
    /// The venture, from its own warehouse.
    Warehouse,
    /// The seller, to the customer.
    #[default]
    Dropshipping,
    /// The seller, to the venture's warehouse.
    Crossdocking,
}

impl ShipmentType {
    /// The number product rows carry.
    pub fn id(self) -> u8 {
        match self {
            Self::Warehouse => 1,
            Self::Dropshipping => 2,
            Self::Crossdocking => 3,
        }
    }

    /// The word order items carry.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warehouse => "warehouse",
            Self::Dropshipping => "dropshipping",
            Self::Crossdocking => "crossdocking",
        }
    }
}

/// A style with its sizes, to be listed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NewSet {
    /// Name of the style.
    pub name: String,
    /// The seller's SKU of the style.
    pub parent_sku: String,
    /// One product for each size.
    pub products: Vec<NewProduct>,
}

/// One size of a style.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NewProduct {
    /// The seller's SKU.
    pub seller_sku: String,
    /// The size.
    pub variation: String,
    /// List price of one piece.
    pub price: Decimal,
    /// Pieces; at the venture for products it ships, else at the seller.
    pub quantity: u32,
    /// `active`, `inactive` or `deleted`.
    pub status: String,
    /// Who ships it.
    pub shipment_type: ShipmentType,
}

impl Default for NewProduct {
    /// An active product without a SKU, a price and stock that the seller ships.
    fn default() -> Self {
        Self {
            seller_sku: String::new(),
            variation: "One Size".to_owned(),
            price: Decimal::ZERO,
            quantity: 0,
            status: "active".to_owned(),
            shipment_type: ShipmentType::Dropshipping,
        }
    }
}

/// How something is bought.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Purchase {
    /// The payment is under review: the items wait in `payment_pending` until it is released.
    pub payment_pending: bool,
    /// When the customer bought; now when absent.
    pub placed_at: Option<Timestamp>,
    /// Sell even what is not available.
    pub force: bool,
    /// Shipping the customer pays for the whole order.
    pub shipping_fee: Decimal,
    /// Voucher discount on each item, at most its price.
    pub discount_per_item: Decimal,
    /// Pieces by SKU that the venture ships in the same order. The SKUs need not be listed.
    pub venture_items: Vec<(String, u32)>,
}

/// A sale that came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedOrder {
    /// Key of order calls.
    pub id: u64,
    /// The number people see.
    pub number: String,
    /// One id for each piece, venture items last.
    pub item_ids: Vec<u64>,
}

/// An order as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OrderView {
    /// Key of order calls.
    pub id: u64,
    /// The number people see.
    pub number: String,
    /// When the customer bought.
    pub created_at: Timestamp,
    /// When the order itself was last touched.
    pub updated_at: Timestamp,
    /// When the parcel has to be on its way.
    pub ship_by: Timestamp,
    /// The end customer.
    pub buyer: Buyer,
    /// ISO 4217.
    pub currency: String,
    /// Shipping the customer paid.
    pub shipping_fee: Decimal,
    /// One for each piece.
    pub items: Vec<ItemView>,
}

/// One piece of an order as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ItemView {
    /// Key of status calls.
    pub id: u64,
    /// The seller's SKU when it was sold.
    pub seller_sku: String,
    /// Product id; absent for venture items that are not listed.
    pub product_id: Option<u64>,
    /// Status word of the platform.
    pub status: String,
    /// A package has been made for it.
    pub packed: bool,
    /// Tracking number, empty before one is set.
    pub tracking: String,
    /// Provider's name.
    pub provider: Option<String>,
    /// Package id; items of one package share provider and tracking number.
    pub package: Option<u64>,
    /// Whether the seller may act on it.
    pub is_processable: bool,
    /// Who ships it.
    pub shipment_type: ShipmentType,
    /// Name of the reason it was canceled, failed or returned for.
    pub reason: Option<String>,
    /// List price.
    pub unit_price: Decimal,
    /// Price after discounts.
    pub paid_price: Decimal,
    /// GST within the paid price.
    pub tax_amount: Decimal,
    /// When it was last touched.
    pub updated_at: Timestamp,
    /// Every status it had, oldest first.
    pub history: Vec<StatusChange>,
}

/// One line of an item's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatusChange {
    /// The status it went into.
    pub status: String,
    /// When.
    pub at: Timestamp,
    /// Who did it: `seller`, `customer` or `platform`.
    pub editor: String,
}

/// A product as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProductView {
    /// Key of stock writes.
    pub id: u64,
    /// Its style.
    pub product_set_id: u64,
    /// The seller's SKU.
    pub seller_sku: String,
    /// The shop's SKU.
    pub shop_sku: String,
    /// Name of the style.
    pub name: String,
    /// The size.
    pub variation: String,
    /// List price.
    pub price: Decimal,
    /// What stock updates write.
    pub quantity: i64,
    /// Units in pending and ready-to-ship items.
    pub reserved: i64,
    /// What buyers can buy; may be negative.
    pub available: i64,
    /// `active`, `inactive` or `deleted`.
    pub status: String,
    /// Who ships it.
    pub shipment_type: ShipmentType,
    /// Stock rows applied to it so far.
    pub stock_writes: u64,
}

/// What the server saw since it started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Requests by `METHOD /path-template`.
    pub requests: BTreeMap<String, u64>,
    /// Requests answered with 429 by the limiter.
    pub throttled: u64,
    /// What clients did wrong, with the reason; at most the first ten thousand.
    pub mistakes: Vec<String>,
    /// Calls refused because of the state things were in, which no client can always foresee.
    pub conflicts: Vec<String>,
    /// Tokens handed out.
    pub tokens: u64,
    /// Purchases that came about.
    pub sales: u64,
    /// Purchases refused because too little was available.
    pub refused_sales: u64,
    /// Purchases that came about only because they were forced.
    pub forced_sales: u64,
    /// Webhook deliveries answered with 200.
    pub webhooks_delivered: u64,
    /// Webhook attempts that failed.
    pub webhooks_failed: u64,
}
