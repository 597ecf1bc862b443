//! Lockstep connector for marketplaces that run on Mirakl: the seller API that all of them share.
//!
//! | File | Holds |
//! |---|---|
//! | `api` | what is particular to its HTTP |
//! | `amount`, `address`, `file` | how it writes amounts, addresses and files |
//! | `about` | the shop |
//! | `listings` | offers |
//! | `stock`, `settle` | files of stock, and what became of them |
//! | `orders`, `order`, `line`, `units`, `shipments` | reading orders |
//! | `accept` | accepting and refusing |
//! | `carriers`, `ship`, `ship_order` | parcels: one by one, or one for the whole order |
//! | `cancel` | canceling before the debit, refunding after it |
//!
//! Listing ids are the seller's SKUs. Facts on listings: `offer-id`, `condition`, `days-to-ship`, `warehouses`. Facts
//! on lines: `incident`, `field:...`. Facts on orders: `payment-workflow`, `shipping-zone`, `quote`, `incident`,
//! `customer-message`, `customer-pays-seller`, `field:...` (the operator's own fields, by code).

pub mod about;
pub mod accept;
pub mod address;
pub mod amount;
pub mod api;
pub mod cancel;
pub mod carriers;
pub mod file;
pub mod line;
pub mod listings;
pub mod order;
pub mod orders;
pub mod settle;
pub mod ship;
pub mod ship_order;
pub mod shipments;
pub mod stock;
pub mod units;

use lockstep_sdk::prelude::*;
use lockstep_sdk::{acceptance, cancellations, fulfillments};

/// The connector.
pub struct Mirakl;

impl About for Mirakl {
    fn identify(cx: Cx<'_>) -> Result<Account, Fault> {
        about::identify(api::api(cx))
    }
}

impl Listings for Mirakl {
    fn page(
        cx: Cx<'_>,
        cursor: Option<String>,
        _stock: bool,
    ) -> Result<lockstep_sdk::listings::ListingPage, Fault> {
        listings::page(api::api(cx), cursor.as_deref())
    }

    fn by_id(cx: Cx<'_>, ids: Vec<String>) -> Result<Vec<Listing>, Fault> {
        listings::by_id(api::api(cx), &ids)
    }

    // The SKU is the id.
    fn by_sku(cx: Cx<'_>, skus: Vec<String>) -> Result<Vec<Listing>, Fault> {
        listings::by_id(api::api(cx), &skus)
    }
}

impl Stock for Mirakl {
    fn push(
        cx: Cx<'_>,
        levels: Vec<lockstep_sdk::stock::Level>,
    ) -> Result<Vec<lockstep_sdk::stock::Outcome>, Fault> {
        stock::push(api::api(cx), &levels)
    }

    fn settle(cx: Cx<'_>, ticket: String) -> Result<lockstep_sdk::stock::Settlement, Fault> {
        settle::settle(api::api(cx), api::files(cx), &ticket)
    }
}

impl Orders for Mirakl {
    fn changed(
        cx: Cx<'_>,
        since: String,
        cursor: Option<String>,
    ) -> Result<lockstep_sdk::orders::OrderPage, Fault> {
        orders::changed(api::api(cx), &since, cursor.as_deref())
    }

    fn by_id(cx: Cx<'_>, ids: Vec<String>) -> Result<Vec<Order>, Fault> {
        orders::by_id(api::api(cx), &ids)
    }
}

impl Acceptance for Mirakl {
    fn decide(
        cx: Cx<'_>,
        order: String,
        decisions: Vec<acceptance::Decision>,
    ) -> Result<(), Fault> {
        accept::decide(api::api(cx), &order, &decisions)
    }
}

impl Fulfillments for Mirakl {
    fn carriers(cx: Cx<'_>) -> Result<Vec<fulfillments::CarrierEntry>, Fault> {
        carriers::list(api::api(cx))
    }

    fn prepare(cx: Cx<'_>, parcel: fulfillments::Parcel) -> Result<fulfillments::Sent, Fault> {
        ship::prepare(api::api(cx), &parcel)
    }

    fn ship(cx: Cx<'_>, parcel: fulfillments::Parcel) -> Result<fulfillments::Sent, Fault> {
        ship::ship(api::api(cx), &parcel)
    }
}

impl Cancellations for Mirakl {
    fn reasons(cx: Cx<'_>) -> Result<Vec<cancellations::ReasonEntry>, Fault> {
        cancel::reasons(api::api(cx))
    }

    fn cancel(
        cx: Cx<'_>,
        drops: Vec<cancellations::Drop>,
    ) -> Result<cancellations::Dropped, Fault> {
        cancel::cancel(api::api(cx), &drops)
    }
}

connector!(Mirakl: about, listings, stock, orders, acceptance, fulfillments, cancellations);

/// A scripted marketplace.
#[cfg(test)]
fn marketplace() -> lockstep_sdk::testing::Fake {
    lockstep_sdk::testing::Fake::new("api").set("shop-id", "2043")
}
