//! Lockstep connector for THE ICONIC: the Seller Center REST API, version 2.
//!
//! | File | Holds |
//! |---|---|
//! | `api` | what is particular to its HTTP |
//! | `page`, `time`, `address` | how it writes lists, times and addresses |
//! | `listings`, `stock` | the catalogue and writing stock |
//! | `orders`, `order`, `line`, `item` | reading orders |
//! | `status` | packed, ready to ship, shipped |
//! | `cancel`, `webhooks`, `about` | the rest of the contract |
//!
//! Listing ids are product ids, line ids are order item ids (one item is one piece). Facts on listings:
//! `shop-sku`, `variation`, `approval`. Facts on lines: `tracking-code`, `serial-number`, `purchase-order`,
//! `invoice-number`, `manifest`, `wallet-credits`, `store-credits`, `cash-on-delivery`, `gst-free`. Facts on
//! orders: `voucher`, `source`, `region`, `extra-attributes`.

pub mod about;
pub mod address;
pub mod api;
pub mod cancel;
pub mod item;
pub mod line;
pub mod listings;
pub mod order;
pub mod orders;
pub mod page;
pub mod status;
pub mod stock;
pub mod time;
pub mod webhooks;

use lockstep_sdk::prelude::*;
use lockstep_sdk::{cancellations, fulfillments, webhooks as messages};

/// The connector.
pub struct TheIconic;

impl About for TheIconic {
    fn identify(cx: Cx<'_>) -> Result<Account, Fault> {
        about::identify(api::api(cx))
    }
}

impl Listings for TheIconic {
    fn page(
        cx: Cx<'_>,
        cursor: Option<String>,
        stock: bool,
    ) -> Result<lockstep_sdk::listings::ListingPage, Fault> {
        listings::page(api::api(cx), cursor.as_deref(), stock)
    }

    fn by_id(cx: Cx<'_>, ids: Vec<String>) -> Result<Vec<Listing>, Fault> {
        listings::by_id(api::api(cx), &ids)
    }

    fn by_sku(cx: Cx<'_>, skus: Vec<String>) -> Result<Vec<Listing>, Fault> {
        listings::by_sku(api::api(cx), &skus)
    }
}

impl Stock for TheIconic {
    fn push(
        cx: Cx<'_>,
        levels: Vec<lockstep_sdk::stock::Level>,
    ) -> Result<Vec<lockstep_sdk::stock::Outcome>, Fault> {
        stock::push(api::api(cx), &levels)
    }

    fn settle(_: Cx<'_>, ticket: String) -> Result<lockstep_sdk::stock::Settlement, Fault> {
        stock::settle(&ticket)
    }
}

impl Orders for TheIconic {
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

impl Fulfillments for TheIconic {
    fn carriers(cx: Cx<'_>) -> Result<Vec<fulfillments::CarrierEntry>, Fault> {
        status::carriers(api::api(cx))
    }

    fn prepare(cx: Cx<'_>, parcel: fulfillments::Parcel) -> Result<fulfillments::Sent, Fault> {
        status::prepare(api::api(cx), &parcel)
    }

    fn ship(cx: Cx<'_>, parcel: fulfillments::Parcel) -> Result<fulfillments::Sent, Fault> {
        status::ship(api::api(cx), &parcel)
    }
}

impl Cancellations for TheIconic {
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

impl Webhooks for TheIconic {
    fn list(cx: Cx<'_>) -> Result<Vec<messages::Subscription>, Fault> {
        webhooks::list(api::api(cx))
    }

    fn ensure(cx: Cx<'_>, url: String) -> Result<messages::Subscription, Fault> {
        webhooks::ensure(api::api(cx), &url)
    }

    fn remove(cx: Cx<'_>, id: String) -> Result<(), Fault> {
        webhooks::remove(api::api(cx), &id)
    }

    fn parse(
        _: Cx<'_>,
        _headers: Vec<messages::Header>,
        body: Vec<u8>,
    ) -> Result<Vec<messages::Hint>, Fault> {
        webhooks::parse(&body)
    }
}

connector!(TheIconic: about, listings, stock, orders, fulfillments, cancellations, webhooks);

/// A scripted Seller Center.
#[cfg(test)]
fn seller_center() -> lockstep_sdk::testing::Fake {
    lockstep_sdk::testing::Fake::new("api").set("currency", "AUD")
}
