//! The connector for THE ICONIC: Seller Center's v2 API, with the pitfalls that its sellers have met.
//!
//! One order item of Seller Center is one piece. Each becomes a line of quantity 1 whose id is the item's; lines of the
//! same SKU and price carry the same `fold`, so that the host shows them as one line.

#![allow(missing_docs)] // The contract documents what the macro generates.

mod api;
mod cancellations;
mod json;
mod listings;
mod orders;
mod parcels;
mod stock;
#[cfg(test)]
mod tests;
mod webhooks;

wit_bindgen::generate!({
    path: "../../wit",
    world: "marketplace",
    additional_derives: [PartialEq],
});

use exports::lockstep::plugin as exported;
use lockstep::plugin::http::Header;
use lockstep::plugin::types::{Account, Fact, Fault, Listing, Order};

use api::{Api, Wire};

/// The connector. It has no state.
struct TheIconic;

fn api() -> Api<Wire> {
    Api::new(Wire)
}

impl exported::about::Guest for TheIconic {
    fn identify() -> Result<Account, Fault> {
        let seller = api().get("/v2/seller")?;
        let Some(id) = json::text(&seller, "id") else {
            return Err(Fault::Protocol("GET /v2/seller: the answer names no seller id".into()));
        };
        let name = json::text(&seller, "name").or_else(|| json::text(&seller, "companyName")).unwrap_or_default();
        let status = json::text(&seller, "status");
        let delisted: Vec<String> =
            json::list(&seller, "delistReasons").iter().filter_map(|r| json::text(r, "message").or_else(|| json::text(r, "reason"))).collect();
        let listed = json::flag(&seller, "listed");
        Ok(Account {
            id,
            name,
            selling: Some(status.as_deref() == Some("active") && listed != Some(false) && delisted.is_empty()),
            native_state: status,
            currency: None,
            facts: delisted.into_iter().map(|value| Fact { key: "delisted".into(), value }).collect(),
        })
    }
}

impl exported::listings::Guest for TheIconic {
    fn page(cursor: Option<String>, stock: bool) -> Result<exported::listings::ListingPage, Fault> {
        let (listings, next) = listings::page(&api(), cursor.as_deref(), stock)?;
        Ok(exported::listings::ListingPage { listings, next })
    }

    fn by_id(ids: Vec<String>) -> Result<Vec<Listing>, Fault> {
        listings::by_id(&api(), &ids)
    }

    fn by_sku(skus: Vec<String>) -> Result<Vec<Listing>, Fault> {
        listings::by_sku(&api(), &skus)
    }
}

impl exported::stock::Guest for TheIconic {
    fn push(levels: Vec<exported::stock::Level>) -> Result<Vec<exported::stock::Outcome>, Fault> {
        stock::push(&api(), &levels)
    }

    fn settle(ticket: String) -> Result<exported::stock::Settlement, Fault> {
        // Stock is written at once here: there are no tickets.
        Err(Fault::Missing(format!("ticket {ticket}")))
    }
}

impl exported::orders::Guest for TheIconic {
    fn changed(since: String, cursor: Option<String>) -> Result<exported::orders::OrderPage, Fault> {
        let (orders, next) = orders::changed(&api(), &since, cursor.as_deref())?;
        Ok(exported::orders::OrderPage { orders, next })
    }

    fn by_id(ids: Vec<String>) -> Result<Vec<Order>, Fault> {
        orders::by_id(&api(), &ids)
    }
}

impl exported::fulfillments::Guest for TheIconic {
    fn carriers() -> Result<Vec<exported::fulfillments::CarrierEntry>, Fault> {
        parcels::carriers(&api())
    }

    fn prepare(parcel: exported::fulfillments::Parcel) -> Result<exported::fulfillments::Sent, Fault> {
        let delivery = lockstep::plugin::session::setting("delivery-type").unwrap_or_else(|| "dropship".into());
        parcels::prepare(&api(), &parcel, &delivery)
    }

    fn ship(parcel: exported::fulfillments::Parcel) -> Result<exported::fulfillments::Sent, Fault> {
        parcels::ship(&api(), &parcel)
    }
}

impl exported::cancellations::Guest for TheIconic {
    fn reasons() -> Result<Vec<exported::cancellations::ReasonEntry>, Fault> {
        cancellations::reasons(&api())
    }

    fn cancel(drops: Vec<exported::cancellations::Drop>) -> Result<exported::cancellations::Dropped, Fault> {
        cancellations::cancel(&api(), &drops).map(|lines| exported::cancellations::Dropped { lines })
    }
}

impl exported::webhooks::Guest for TheIconic {
    fn list() -> Result<Vec<exported::webhooks::Subscription>, Fault> {
        webhooks::list(&api())
    }

    fn ensure(url: String) -> Result<exported::webhooks::Subscription, Fault> {
        webhooks::ensure(&api(), &url)
    }

    fn remove(id: String) -> Result<(), Fault> {
        webhooks::remove(&api(), &id)
    }

    fn parse(_headers: Vec<Header>, body: Vec<u8>) -> Result<Vec<exported::webhooks::Hint>, Fault> {
        webhooks::parse(&body)
    }
}

// The names of exports are those of a component; a native linker takes none of them.
#[cfg(target_arch = "wasm32")]
export!(TheIconic);
