//! Plain snapshots of what the store holds, and the input of its fill functions.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;
use std::collections::BTreeMap;

/// A product to add.
#[derive(Clone, Debug, Default)]
pub struct NewProduct {
    /// Title.
    pub title: String,
    /// `ACTIVE`, `DRAFT`, `ARCHIVED` or `UNLISTED`; empty means `ACTIVE`.
    pub status: String,
    /// How many days ago it, its variants and their stock changed last; 0: now.
    pub days_unchanged: u32,
    /// Its variants.
    pub variants: Vec<NewVariant>,
}

/// A variant of a product to add.
#[derive(Clone, Debug, Default)]
pub struct NewVariant {
    /// SKU, if any.
    pub sku: Option<String>,
    /// Title, as in "Navy / M".
    pub title: String,
    /// Price in the shop's currency.
    pub price: Decimal,
    /// Barcode, if any.
    pub barcode: Option<String>,
    /// Shopify counts its stock.
    pub tracked: bool,
    /// Where it is stocked (location gid) with the available quantity.
    pub available: Vec<(String, i64)>,
}

/// A variant.
#[derive(Clone, Debug, Default, Serialize)]
pub struct VariantView {
    /// Id of the variant.
    pub gid: String,
    /// Id of its product.
    pub product: String,
    /// Status of its product.
    pub product_status: String,
    /// Id of its inventory item.
    pub item: String,
    /// SKU.
    pub sku: Option<String>,
    /// Product title and variant title.
    pub title: String,
    /// Price in the shop's currency.
    pub price: Decimal,
    /// Barcode.
    pub barcode: Option<String>,
    /// Shopify counts its stock.
    pub tracked: bool,
    /// Stock by location.
    pub levels: Vec<LevelView>,
}

/// Stock of a variant at a location.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LevelView {
    /// Id of the location.
    pub location: String,
    /// Can be sold; below zero after an oversell.
    pub available: i64,
    /// Sold and not shipped.
    pub committed: i64,
    /// Physically there.
    pub on_hand: i64,
}

/// An order.
#[derive(Clone, Debug, Default, Serialize)]
pub struct OrderView {
    /// Id.
    pub gid: String,
    /// Name, as in "#1001".
    pub name: String,
    /// Note.
    pub note: Option<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Id of the customer.
    pub customer: Option<String>,
    /// First and last name of the customer, as they are now.
    pub customer_name: Option<String>,
    /// E-mail of the order.
    pub email: Option<String>,
    /// Billing address.
    pub billing_address: Option<AddressView>,
    /// Shipping address.
    pub shipping_address: Option<AddressView>,
    /// Line items.
    pub lines: Vec<LineView>,
    /// Shipping lines.
    pub shipping_lines: Vec<ShippingLineView>,
    /// Fulfillments, cancelled ones included.
    pub fulfillments: Vec<FulfillmentView>,
    /// Refunds and removals.
    pub refunds: Vec<RefundView>,
    /// Creation.
    pub created_at: Option<Timestamp>,
    /// Last change.
    pub updated_at: Option<Timestamp>,
    /// Time of the sale.
    pub processed_at: Option<Timestamp>,
    /// Cancellation.
    pub cancelled_at: Option<Timestamp>,
    /// `CUSTOMER`, `INVENTORY`, ...
    pub cancel_reason: Option<String>,
    /// `displayFinancialStatus`.
    pub financial_status: Option<String>,
    /// `displayFulfillmentStatus`.
    pub fulfillment_status: String,
    /// Metafields as (namespace, key, value).
    pub metafields: Vec<(String, String, String)>,
    /// Custom attributes of the order.
    pub attributes: BTreeMap<String, String>,
    /// What the client called the source, whatever reads back.
    pub source_name: Option<String>,
    /// `sourceIdentifier`.
    pub source_identifier: Option<String>,
    /// Currency.
    pub currency: String,
    /// Prices include tax.
    pub taxes_included: bool,
    /// Tax in total.
    pub total_tax: Decimal,
    /// Worth of the order as placed, shipping and tax included.
    pub total: Decimal,
    /// Received in successful sale and capture transactions.
    pub paid: Decimal,
    /// Given back.
    pub refunded: Decimal,
}

/// A line item.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LineView {
    /// Id.
    pub id: String,
    /// SKU at the time of the order.
    pub sku: Option<String>,
    /// Title.
    pub title: String,
    /// Id of the variant, while it exists.
    pub variant: Option<String>,
    /// Pieces ordered.
    pub quantity: u32,
    /// Pieces ordered and not removed.
    pub current: u32,
    /// Pieces in successful fulfillments.
    pub fulfilled: u32,
    /// Price of one piece.
    pub unit_price: Decimal,
    /// Properties of the line.
    pub properties: BTreeMap<String, String>,
    /// Taxes.
    pub taxes: Vec<TaxView>,
    /// There is something to ship.
    pub requires_shipping: bool,
    /// Id of the location whose stock was claimed.
    pub claimed_at: Option<String>,
}

/// A tax of a line.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TaxView {
    /// Title, as in "GST".
    pub title: String,
    /// Share of the price: 0.1 is ten percent.
    pub rate: Decimal,
    /// Amount for the whole line.
    pub amount: Decimal,
}

/// A shipping line.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ShippingLineView {
    /// Title.
    pub title: String,
    /// Code.
    pub code: Option<String>,
    /// Source.
    pub source: Option<String>,
    /// Price.
    pub price: Decimal,
}

/// A fulfillment.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FulfillmentView {
    /// Id.
    pub id: String,
    /// `SUCCESS` or `CANCELLED`.
    pub status: String,
    /// Parcels.
    pub tracking: Vec<TrackingView>,
    /// Pieces by line id.
    pub lines: Vec<(String, u32)>,
    /// Last change.
    pub updated_at: Option<Timestamp>,
}

/// Tracking of a parcel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TrackingView {
    /// Carrier, free text.
    pub company: Option<String>,
    /// Tracking number, as entered.
    pub number: Option<String>,
    /// Link.
    pub url: Option<String>,
}

/// A refund or a removal of pieces.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RefundView {
    /// Id.
    pub id: String,
    /// Note.
    pub note: Option<String>,
    /// Pieces as (line id, quantity, restock type).
    pub lines: Vec<(String, u32, String)>,
    /// Money given back.
    pub amount: Decimal,
}

/// An address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AddressView {
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Company.
    pub company: Option<String>,
    /// Street.
    pub address1: Option<String>,
    /// Second line.
    pub address2: Option<String>,
    /// City.
    pub city: Option<String>,
    /// State code.
    pub province_code: Option<String>,
    /// Country, ISO 3166.
    pub country_code: Option<String>,
    /// Post code.
    pub zip: Option<String>,
    /// Phone.
    pub phone: Option<String>,
}

/// A customer.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CustomerView {
    /// Id.
    pub gid: String,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// E-mail.
    pub email: Option<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Address of the last order.
    pub default_address: Option<AddressView>,
    /// Orders so far.
    pub orders: u64,
}

/// What the server was asked.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Stats {
    /// Requests by operation name; `oauth` and `bulk-file` are the two that are not GraphQL.
    pub requests: BTreeMap<String, u64>,
    /// Query points spent, refunds deducted.
    pub points: f64,
    /// Requests answered `THROTTLED`.
    pub throttled: u64,
    /// Every request refused for a mistake of the client, with operation and reason.
    pub mistakes: Vec<String>,
    /// Webhooks answered with a 2xx.
    pub webhooks_delivered: u64,
    /// Webhook attempts that failed.
    pub webhooks_failed: u64,
}
