//! What a test puts in and what it sees: plain values, detached from the server's state.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::account::carrier_name;
use super::state::{Line, Listing, Order, Parcel, id_of};
use crate::seller_center::Buyer;

/// Something to be listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NewListing {
    /// The seller's SKU.
    pub sku: String,
    /// What buyers read.
    pub title: String,
    /// Price of one piece, tax included.
    pub price: Decimal,
    /// Pieces for sale.
    pub quantity: u32,
    /// It can be bought.
    pub active: bool,
}

impl Default for NewListing {
    /// An active listing without a SKU, a price and stock.
    fn default() -> Self {
        Self {
            sku: String::new(),
            title: String::new(),
            price: Decimal::ZERO,
            quantity: 0,
            active: true,
        }
    }
}

/// How something is bought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Purchase {
    /// When; now when absent.
    pub placed_at: Option<Timestamp>,
    /// Sell even what is not there.
    pub force: bool,
    /// Shipping that the buyer pays for the order, tax included.
    pub shipping: Decimal,
}

impl Default for Purchase {
    /// Bought now, with 9.95 for shipping.
    fn default() -> Self {
        Self {
            placed_at: None,
            force: false,
            shipping: Decimal::new(995, 2),
        }
    }
}

/// A sale that came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedOrder {
    /// Key of order calls.
    pub id: String,
    /// What buyer and seller see.
    pub number: String,
    /// One id for each SKU that was bought, in that order.
    pub line_ids: Vec<String>,
}

/// An order as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OrderView {
    /// Key of order calls.
    pub id: String,
    /// What buyer and seller see.
    pub number: String,
    /// `open`, `shipped` or `cancelled`.
    pub status: &'static str,
    /// When it was bought.
    pub placed_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The end customer.
    pub buyer: Buyer,
    /// Shipping that the buyer paid, tax included.
    pub shipping: Decimal,
    /// What was bought.
    pub lines: Vec<LineView>,
    /// What was told of parcels.
    pub parcels: Vec<ParcelView>,
}

impl OrderView {
    pub(super) fn of(order: &Order) -> Self {
        Self {
            id: id_of('O', order.id),
            number: order.number.clone(),
            status: order.status(),
            placed_at: order.placed_at,
            updated_at: order.updated_at,
            buyer: order.buyer.clone(),
            shipping: order.shipping,
            lines: order.lines.iter().map(LineView::of).collect(),
            parcels: order.parcels.iter().map(ParcelView::of).collect(),
        }
    }
}

/// A line as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LineView {
    /// Unique within the order.
    pub id: String,
    /// The seller's SKU when it was sold.
    pub sku: String,
    /// Pieces ordered.
    pub quantity: u32,
    /// Pieces that will not be sent.
    pub cancelled: u32,
    /// Pieces in parcels.
    pub shipped: u32,
    /// Of one piece, tax included.
    pub price: Decimal,
}

impl LineView {
    fn of(line: &Line) -> Self {
        Self {
            id: line.id.clone(),
            sku: line.sku.clone(),
            quantity: line.quantity,
            cancelled: line.cancelled,
            shipped: line.shipped,
            price: line.price,
        }
    }
}

/// A parcel as the seller told it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ParcelView {
    /// The marketplace's id.
    pub id: String,
    /// The seller's key.
    pub key: String,
    /// Code of the carrier.
    pub carrier: String,
    /// Its name.
    pub carrier_name: String,
    /// Tracking code.
    pub tracking: String,
    /// Pieces by line id.
    pub lines: Vec<(String, u32)>,
}

impl ParcelView {
    fn of(parcel: &Parcel) -> Self {
        let told = &parcel.told;
        let lines = told.units.iter();
        Self {
            id: id_of('P', parcel.id),
            key: told.key.clone(),
            carrier: told.carrier.clone(),
            carrier_name: carrier_name(&told.carrier).unwrap_or_default().to_owned(),
            tracking: told.tracking.clone(),
            lines: lines.map(|(line, n)| (line.clone(), *n)).collect(),
        }
    }
}

/// A listing as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListingView {
    /// Key of stock writes.
    pub id: String,
    /// The seller's SKU.
    pub sku: String,
    /// What buyers can still buy.
    pub quantity: u32,
    /// It can be bought.
    pub active: bool,
    /// Of one piece, tax included.
    pub price: Decimal,
    /// Numbers written to it so far through the API.
    pub stock_writes: u64,
}

impl ListingView {
    pub(super) fn of(listing: &Listing) -> Self {
        Self {
            id: id_of('L', listing.id),
            sku: listing.sku.clone(),
            quantity: listing.quantity,
            active: listing.active,
            price: listing.price,
            stock_writes: listing.writes,
        }
    }
}

/// What the server saw since it started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Requests by call, as `GET orders`; `(unknown)` for calls that do not exist.
    pub requests: BTreeMap<String, u64>,
    /// Requests answered with 429 by the limiter.
    pub throttled: u64,
    /// What clients did wrong, with the reason; at most the first ten thousand.
    pub mistakes: Vec<String>,
    /// Calls refused because of the state things were in, which no client can always foresee.
    pub conflicts: Vec<String>,
    /// Purchases that came about.
    pub sales: u64,
    /// Purchases refused because too little was left.
    pub refused_sales: u64,
    /// Purchases that came about only because they were forced.
    pub forced_sales: u64,
}
