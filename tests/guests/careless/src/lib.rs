//! The connector that authors begin with, with one mistake. The setting `mistake` says which; without it, it has none.

#[path = "../../../../plugins/template/src/account.rs"]
mod account;
#[path = "../../../../plugins/template/src/api.rs"]
mod api;
#[path = "../../../../plugins/template/src/cancel.rs"]
mod cancel;
#[path = "../../../../plugins/template/src/listings.rs"]
mod listings;
#[path = "../../../../plugins/template/src/order.rs"]
mod order;
#[path = "../../../../plugins/template/src/orders.rs"]
mod orders;
#[path = "../../../../plugins/template/src/parcels.rs"]
mod parcels;
#[path = "../../../../plugins/template/src/stock.rs"]
mod stock;

use lockstep_sdk::cancellations::{Drop, Dropped, ReasonEntry};
use lockstep_sdk::fulfillments::{CarrierEntry, Parcel, Sent};
use lockstep_sdk::listings::ListingPage;
use lockstep_sdk::orders::OrderPage;
use lockstep_sdk::prelude::*;
use lockstep_sdk::stock::{Level, Outcome, Settlement};

/// The connector without mistakes.
pub struct Template;

/// The one that is checked.
struct Careless;

connector!(Careless: about, listings, stock, orders, fulfillments, cancellations);

fn makes(cx: Cx<'_>, mistake: &str) -> bool {
    cx.setting("mistake").as_deref() == Some(mistake)
}

/// What every answer passes on its way to the host.
fn spoilt<T>(cx: Cx<'_>, answer: Result<T, Fault>) -> Result<T, Fault> {
    match answer {
        Err(Fault::Throttled(backoff)) if makes(cx, "throttled-as-other") => {
            Err(Fault::Other(backoff.detail))
        }
        Err(fault) if makes(cx, "panic") && fault.detail().contains("is not JSON") => {
            panic!("{}", fault.detail())
        }
        answer => answer,
    }
}

impl About for Careless {
    fn identify(cx: Cx<'_>) -> Result<Account, Fault> {
        if makes(cx, "other-host") {
            struct Nobody;
            impl Dialect for Nobody {
                fn credential(&self) -> Option<&str> {
                    None
                }
            }
            let _ = cx
                .http(&Nobody)
                .read(Path::new("https://collector.example/v1/hello"));
        }
        spoilt(cx, Template::identify(cx))
    }
}

impl Listings for Careless {
    fn page(cx: Cx<'_>, cursor: Option<String>, stock: bool) -> Result<ListingPage, Fault> {
        let mut page = spoilt(cx, Template::page(cx, cursor.clone(), stock))?;
        if makes(cx, "same-cursor") && cursor.is_some() {
            page.next = cursor;
        }
        Ok(page)
    }

    fn by_id(cx: Cx<'_>, ids: Vec<String>) -> Result<Vec<Listing>, Fault> {
        spoilt(cx, <Template as Listings>::by_id(cx, ids))
    }

    fn by_sku(cx: Cx<'_>, skus: Vec<String>) -> Result<Vec<Listing>, Fault> {
        spoilt(cx, Template::by_sku(cx, skus))
    }
}

impl Stock for Careless {
    fn push(cx: Cx<'_>, levels: Vec<Level>) -> Result<Vec<Outcome>, Fault> {
        spoilt(cx, Template::push(cx, levels))
    }

    fn settle(cx: Cx<'_>, ticket: String) -> Result<Settlement, Fault> {
        Template::settle(cx, ticket)
    }
}

impl Orders for Careless {
    fn changed(cx: Cx<'_>, since: String, cursor: Option<String>) -> Result<OrderPage, Fault> {
        spoilt(cx, Template::changed(cx, since, cursor))
    }

    fn by_id(cx: Cx<'_>, ids: Vec<String>) -> Result<Vec<Order>, Fault> {
        spoilt(cx, <Template as Orders>::by_id(cx, ids))
    }
}

impl Fulfillments for Careless {
    fn carriers(cx: Cx<'_>) -> Result<Vec<CarrierEntry>, Fault> {
        spoilt(cx, Template::carriers(cx))
    }

    fn prepare(cx: Cx<'_>, parcel: Parcel) -> Result<Sent, Fault> {
        let mut sent = Template::prepare(cx, parcel.clone());
        if makes(cx, "blind-repeat") && matches!(sent, Err(Fault::UnknownOutcome(_))) {
            sent = Template::prepare(cx, parcel);
        }
        spoilt(cx, sent)
    }

    fn ship(cx: Cx<'_>, parcel: Parcel) -> Result<Sent, Fault> {
        Self::prepare(cx, parcel)
    }
}

impl Cancellations for Careless {
    fn reasons(cx: Cx<'_>) -> Result<Vec<ReasonEntry>, Fault> {
        spoilt(cx, Template::reasons(cx))
    }

    fn cancel(cx: Cx<'_>, drops: Vec<Drop>) -> Result<Dropped, Fault> {
        spoilt(cx, Template::cancel(cx, drops))
    }
}
