//! A channel's order as the host keeps it: what it decides on and what it shows.

use serde::{Deserialize, Serialize};

use super::{Fact, Instant, LineQuantity, Money};

/// Where an order or line stands at the channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Known, not to be worked yet.
    Held,
    /// To be shipped.
    Open,
    /// With the carrier.
    Shipped,
    /// With the buyer.
    Delivered,
    /// Finished.
    Closed,
    /// Cancelled before it shipped.
    Cancelled,
    /// Refused by the seller.
    Refused,
    /// The carrier failed.
    DeliveryFailed,
    /// On its way back or back.
    Returned,
    /// Unknown: nothing is worked on it.
    Other(String),
}

impl State {
    /// The units are sold and not yet handed over: their stock is bound.
    pub fn binds_stock(&self) -> bool {
        matches!(self, State::Held | State::Open | State::Other(_))
    }

    /// The units left the warehouse.
    pub fn gone(&self) -> bool {
        matches!(
            self,
            State::Shipped
                | State::Delivered
                | State::Closed
                | State::DeliveryFailed
                | State::Returned
        )
    }

    /// The units will never leave.
    pub fn dropped(&self) -> bool {
        matches!(self, State::Cancelled | State::Refused)
    }
}

/// A postal address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Address {
    /// The whole name where first and last are not told apart.
    pub name: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Company.
    pub company: Option<String>,
    /// Street lines, none empty.
    pub lines: Vec<String>,
    /// Suburb.
    pub suburb: Option<String>,
    /// City.
    pub city: Option<String>,
    /// State or province as given.
    pub region: Option<String>,
    /// Postcode.
    pub postcode: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// The marketplace's word.
    pub country_as_given: Option<String>,
    /// Phone numbers.
    pub phones: Vec<String>,
    /// For the driver.
    pub instructions: Option<String>,
    /// A part is withheld.
    pub masked: bool,
}

/// Tax on an amount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tax {
    /// What it is called.
    pub code: String,
    /// Fraction as decimal text.
    pub rate: Option<String>,
    /// The tax itself.
    pub amount: Money,
    /// `goods`, `shipping` or another part.
    pub on: String,
    /// Whether the price contains it.
    pub included: Option<bool>,
    /// The marketplace remits it: not booked as the seller's.
    pub by_marketplace: bool,
}

/// The smallest part of an order that the channel addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Unique in the order.
    pub id: String,
    /// Lines with the same text become one Shopify line.
    pub fold: Option<String>,
    /// The seller's SKU.
    pub sku: Option<String>,
    /// The listing that was bought.
    pub listing: Option<String>,
    /// Shown.
    pub title: String,
    /// Size, color ...
    pub choices: Vec<Fact>,
    /// Ordered, cancelled ones included.
    pub quantity: u32,
    /// Cancelled of them.
    pub cancelled: u32,
    /// Shipped of them.
    pub shipped: u32,
    /// Where it stands.
    pub state: State,
    /// The marketplace's word.
    pub native_state: String,
    /// Why it is cancelled or returned.
    pub reason: Option<String>,
    /// What may be done next, by name (`ready`, `ship`, `cancel` ...); none when the channel does not say.
    pub allowed: Option<Vec<String>>,
    /// The seller ships it. Others are shown, never worked.
    pub sellers: bool,
    /// List price of one piece.
    pub list_unit: Option<Money>,
    /// Price of one piece after discounts.
    pub paid_unit: Option<Money>,
    /// How many pieces the line's amounts stand for: those ordered, or those that are left of them.
    pub covers: u32,
    /// Price of the line after discounts.
    pub goods: Option<Money>,
    /// Shipping of the line.
    pub shipping: Option<Money>,
    /// Taxes.
    pub taxes: Vec<Tax>,
    /// Must be dispatched by.
    pub ship_by: Option<Instant>,
    /// When it changed last.
    pub updated_at: Option<Instant>,
    /// Shown.
    pub facts: Vec<Fact>,
}

impl Line {
    /// Units that are sold, not cancelled and not shipped: bound stock.
    pub fn open_units(&self) -> u32 {
        if self.state.binds_stock() {
            self.quantity
                .saturating_sub(self.cancelled)
                .saturating_sub(self.shipped)
        } else {
            0
        }
    }

    /// Units that are cancelled for good.
    pub fn dropped_units(&self) -> u32 {
        if self.state.dropped() {
            self.quantity
        } else {
            self.cancelled.min(self.quantity)
        }
    }
}

/// A parcel that the channel knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ParcelSeen {
    /// The marketplace's id.
    pub id: Option<String>,
    /// What is in it.
    pub lines: Vec<LineQuantity>,
    /// The carrier's name at the marketplace.
    pub carrier: Option<String>,
    /// Its code.
    pub tracking: Option<String>,
    /// How far it is, as in [`super::Sent::reached`].
    pub stage: String,
}

/// The channel waits for the seller's word on whether the order is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptanceDue {
    /// By when, where the channel tells it.
    pub until: Option<Instant>,
}

/// A channel's order, always whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The key of calls.
    pub id: String,
    /// What people see; the Shopify order's name.
    pub number: String,
    /// Where it stands.
    pub state: State,
    /// The marketplace's word.
    pub native_state: String,
    /// Why it may not be shipped yet, in words; empty and `Open`: ship.
    pub holds: Vec<String>,
    /// The seller's acceptance is awaited.
    pub awaits_acceptance: Option<AcceptanceDue>,
    /// The seller ships it.
    pub sellers: bool,
    /// When the buyer bought.
    pub placed_at: Instant,
    /// Newest change of the order or a line.
    pub updated_at: Option<Instant>,
    /// Must be dispatched by.
    pub ship_by: Option<Instant>,
    /// ISO 4217 code.
    pub currency: String,
    /// What the buyer pays in all.
    pub grand_total: Option<Money>,
    /// Shipping of the whole order.
    pub shipping_total: Option<Money>,
    /// Whether prices contain tax.
    pub tax_included: Option<bool>,
    /// Whether the buyer has paid.
    pub paid: bool,
    /// Shown.
    pub buyer_name: Option<String>,
    /// Country of purchase, ISO 3166-1 alpha-2.
    pub site: Option<String>,
    /// Where parcels go.
    pub ship_to: Option<Address>,
    /// The marketplace's code of the service that the buyer chose.
    pub service: Option<String>,
    /// Its name.
    pub service_label: Option<String>,
    /// A gift's message.
    pub gift_message: Option<String>,
    /// The buyer's words.
    pub buyer_note: Option<String>,
    /// Lines in the channel's order.
    pub lines: Vec<Line>,
    /// Parcels the channel knows.
    pub parcels: Vec<ParcelSeen>,
    /// Shown.
    pub facts: Vec<Fact>,
}

/// A page of orders.
#[derive(Clone, Debug, Default, Serialize)]
pub struct OrderPage {
    /// Whole orders.
    pub orders: Vec<Order>,
    /// Where to go on.
    pub next: Option<String>,
    /// Not before this many milliseconds.
    pub wait_ms: Option<u32>,
}
