//! The exports of the component.

use crate::api::Api;
use crate::bindings::exports::lockstep::plugin::{
    about, cancellations, fulfillments, listings, orders, stock, webhooks,
};
use crate::bindings::lockstep::plugin::http::Header;
use crate::bindings::lockstep::plugin::types::{Account, Fault, Listing, Order};
use crate::outside::Host;

struct Component;

fn api() -> Api<'static> {
    Api::new(&Host)
}

impl about::Guest for Component {
    fn identify() -> Result<Account, Fault> {
        crate::about::identify(api())
    }
}

impl listings::Guest for Component {
    fn page(cursor: Option<String>, stock: bool) -> Result<listings::ListingPage, Fault> {
        crate::listings::page(api(), cursor.as_deref(), stock)
    }

    fn by_id(ids: Vec<String>) -> Result<Vec<Listing>, Fault> {
        crate::listings::by_id(api(), &ids)
    }

    fn by_sku(skus: Vec<String>) -> Result<Vec<Listing>, Fault> {
        crate::listings::by_sku(api(), &skus)
    }
}

impl stock::Guest for Component {
    fn push(levels: Vec<stock::Level>) -> Result<Vec<stock::Outcome>, Fault> {
        crate::stock::push(api(), &levels)
    }

    fn settle(ticket: String) -> Result<stock::Settlement, Fault> {
        crate::stock::settle(&ticket)
    }
}

impl orders::Guest for Component {
    fn changed(since: String, cursor: Option<String>) -> Result<orders::OrderPage, Fault> {
        crate::orders::changed(api(), &since, cursor.as_deref())
    }

    fn by_id(ids: Vec<String>) -> Result<Vec<Order>, Fault> {
        crate::orders::by_id(api(), &ids)
    }
}

impl fulfillments::Guest for Component {
    fn carriers() -> Result<Vec<fulfillments::CarrierEntry>, Fault> {
        crate::status::carriers(api())
    }

    fn prepare(parcel: fulfillments::Parcel) -> Result<fulfillments::Sent, Fault> {
        crate::status::prepare(api(), &parcel)
    }

    fn ship(parcel: fulfillments::Parcel) -> Result<fulfillments::Sent, Fault> {
        crate::status::ship(api(), &parcel)
    }
}

impl cancellations::Guest for Component {
    fn reasons() -> Result<Vec<cancellations::ReasonEntry>, Fault> {
        crate::cancel::reasons(api())
    }

    fn cancel(drops: Vec<cancellations::Drop>) -> Result<cancellations::Dropped, Fault> {
        crate::cancel::cancel(api(), &drops)
    }
}

impl webhooks::Guest for Component {
    fn list() -> Result<Vec<webhooks::Subscription>, Fault> {
        crate::webhooks::list(api())
    }

    fn ensure(url: String) -> Result<webhooks::Subscription, Fault> {
        crate::webhooks::ensure(api(), &url)
    }

    fn remove(id: String) -> Result<(), Fault> {
        crate::webhooks::remove(api(), &id)
    }

    fn parse(_headers: Vec<Header>, body: Vec<u8>) -> Result<Vec<webhooks::Hint>, Fault> {
        crate::webhooks::parse(&body)
    }
}

#[allow(unsafe_code)]
mod export {
    use super::Component;

    crate::bindings::export!(Component with_types_in crate::bindings);
}
