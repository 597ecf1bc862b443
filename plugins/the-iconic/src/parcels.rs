//! Telling Seller Center what was shipped.
//!
//! A tracking code is taken once and never changed, and no status call may be repeated. So both halves first read what
//! the items say, do only the rest, and read again when an answer leaves doubt.

use serde_json::{Value, json};

use crate::api::{Api, Http};
use crate::exports::lockstep::plugin::fulfillments::{CarrierEntry, Parcel, Sent};
use crate::json;
use crate::lockstep::plugin::http::Method;
use crate::lockstep::plugin::types::{Carrier, Fault, Rejection, Stage};
use crate::orders;

/// Names that stand for no carrier; Seller Center refuses them.
const GENERIC: [&str; 5] = ["other", "others", "generic", "various", "unknown"];

pub fn carriers<H: Http>(api: &Api<H>) -> Result<Vec<CarrierEntry>, Fault> {
    let answer = api.get("/v2/orders-shipment-providers")?;
    Ok(json::rows(&answer)
        .iter()
        .filter_map(|p| {
            // The name is compared byte for byte there: it is passed on as it is.
            let name = json::exact(p, "name")?;
            let integrated = json::flag(p, "apiIntegrationAvailable");
            let generic = GENERIC.contains(&name.trim().to_ascii_lowercase().as_str());
            Some(CarrierEntry {
                carrier: Carrier { code: json::text(p, "uuid").or_else(|| json::text(p, "id")), name: Some(name), url: json::text(p, "url") },
                tracking_required: integrated.map(|i| !i),
                tracking_pattern: None,
                books_itself: integrated,
                usable: json::flag(p, "status") != Some(false) && !generic,
            })
        })
        .collect())
}

/// An item of the parcel as it stands.
struct Item {
    id: i64,
    status: String,
    tracking: Option<String>,
    actions: Option<Vec<String>>,
}

impl Item {
    /// Whether the next step may be this one. Where the API does not say, the status decides.
    fn offers(&self, action: &str) -> bool {
        self.actions.as_ref().is_none_or(|a| a.iter().any(|x| x == action))
    }

    /// On its way, or further.
    fn gone(&self) -> bool {
        matches!(self.status.as_str(), "shipped" | "delivered")
    }
}

/// The parcel's items, read now. One that is not there any more, or was dropped, is a conflict.
fn items<H: Http>(api: &Api<H>, parcel: &Parcel) -> Result<Vec<Item>, Fault> {
    let order = orders::read(api, &parcel.order)?;
    let all = json::list(&order, "items");
    let mut found = Vec::new();
    for line in &parcel.lines {
        let item = all
            .iter()
            .find(|i| json::text(i, "id").as_deref() == Some(&line.line))
            .ok_or_else(|| Fault::Conflict(format!("order {} has no item {} any more", parcel.order, line.line)))?;
        let status = json::text(item, "status").unwrap_or_default();
        if !matches!(status.as_str(), "pending" | "ready_to_ship" | "shipped" | "delivered") {
            return Err(Fault::Conflict(format!("item {} is {status} at Seller Center", line.line)));
        }
        found.push(Item {
            id: json::int(item, "id").ok_or_else(|| Fault::Protocol(format!("item id {} is no number", line.line)))?,
            tracking: item.get("shipment").and_then(|s| json::text(s, "trackingCode")),
            actions: item.get("actions").and_then(Value::as_array).map(|a| a.iter().filter_map(json::plain).collect()),
            status,
        });
    }
    Ok(found)
}

/// A code on an item that is not the parcel's can never be replaced: a person has to look.
fn same_code(items: &[Item], tracking: &str) -> Result<(), Fault> {
    for item in items {
        match item.tracking.as_deref() {
            Some(code) if code != tracking => {
                return Err(Fault::Conflict(format!("item {} carries the tracking code \"{code}\" already, not \"{tracking}\"", item.id)));
            }
            None if item.status != "pending" => {
                return Err(Fault::Conflict(format!("item {} is {} without a tracking code", item.id, item.status)));
            }
            _ => {}
        }
    }
    Ok(())
}

fn sent(items: &[Item]) -> Sent {
    let all_gone = items.iter().all(Item::gone);
    let more = items.iter().any(|i| i.status == "ready_to_ship" && i.offers("status_set_to_shipped"));
    Sent { reached: if all_gone { Stage::Shipped } else { Stage::Ready }, marketplace_id: None, more }
}

/// First half: carrier and code, so that every item is ready to ship.
pub fn prepare<H: Http>(api: &Api<H>, parcel: &Parcel, delivery: &str) -> Result<Sent, Fault> {
    let tracking = parcel.tracking.as_deref().map(str::trim).unwrap_or_default();
    let provider = parcel.carrier.name.as_deref().unwrap_or_default();
    let mut now = items(api, parcel)?;
    same_code(&now, tracking)?;
    // Pack first, where the account's settings ask for it.
    let to_pack: Vec<i64> = now
        .iter()
        .filter(|i| i.status == "pending" && !i.offers("status_set_to_ready_to_ship") && i.offers("status_set_to_packed_by_marketplace"))
        .map(|i| i.id)
        .collect();
    if !to_pack.is_empty() {
        let rows: Vec<Value> = to_pack.iter().map(|id| json!({"orderItemId": id})).collect();
        let body = json!({"orderItems": rows, "deliveryType": delivery, "shippingProvider": provider, "trackingNumber": tracking});
        let path = "/v2/orders/statuses/set-to-packed-by-marketplace";
        let result = moved(api.write(Method::Post, path, &body), path, &to_pack);
        now = items(api, parcel)?;
        same_code(&now, tracking)?;
        let packed = now.iter().all(|i| !to_pack.contains(&i.id) || i.status != "pending" || i.offers("status_set_to_ready_to_ship"));
        if !packed {
            result?;
        }
    }
    let to_ready: Vec<i64> = now.iter().filter(|i| i.status == "pending").map(|i| i.id).collect();
    if to_ready.is_empty() {
        return Ok(sent(&now));
    }
    if let Some(stuck) = now.iter().find(|i| i.status == "pending" && !i.offers("status_set_to_ready_to_ship")) {
        return Err(Fault::Conflict(format!("item {} is pending and may not be made ready to ship now", stuck.id)));
    }
    let rows: Vec<Value> = to_ready.iter().map(|id| json!({"id": id})).collect();
    let mut body = json!({"orderItems": rows, "deliveryType": delivery, "shippingProvider": provider});
    if !tracking.is_empty() {
        body["trackingNumber"] = tracking.into();
    }
    let path = "/v2/orders/statuses/set-to-ready-to-ship";
    let result = moved(api.write(Method::Post, path, &body), path, &to_ready);
    settle(api, parcel, result, |items| {
        same_code(items, tracking)?;
        Ok(items.iter().all(|i| i.status != "pending"))
    })
}

/// Second half: every item is shipped, unless Seller Center ships by itself (it then offers no such action).
pub fn ship<H: Http>(api: &Api<H>, parcel: &Parcel) -> Result<Sent, Fault> {
    let now = items(api, parcel)?;
    if let Some(early) = now.iter().find(|i| i.status == "pending") {
        return Err(Fault::Conflict(format!("item {} is not ready to ship yet", early.id)));
    }
    let to_ship: Vec<i64> = now.iter().filter(|i| i.status == "ready_to_ship" && i.offers("status_set_to_shipped")).map(|i| i.id).collect();
    if to_ship.is_empty() {
        return Ok(sent(&now));
    }
    let path = "/v2/orders/statuses/set-to-shipped";
    let result = moved(api.write(Method::Post, path, &json!({"orderItemIds": to_ship})), path, &to_ship);
    settle(api, parcel, result, |items| Ok(items.iter().all(|i| i.gone() || !to_ship.contains(&i.id))))
}

/// Reads the items after a write. What they say decides; a fault of the write counts only when it was not done.
fn settle<H: Http>(api: &Api<H>, parcel: &Parcel, result: Result<(), Fault>, done: impl Fn(&[Item]) -> Result<bool, Fault>) -> Result<Sent, Fault> {
    let after = match (items(api, parcel), &result) {
        (Ok(items), _) => items,
        // The write went well or its fault says enough; that it could not be read back is the next call's matter.
        (Err(_), Err(fault)) => return Err(fault.clone()),
        (Err(unread), Ok(())) => return Err(Fault::UnknownOutcome(format!("it was accepted, but could not be read back: {unread:?}"))),
    };
    if done(&after)? {
        return Ok(sent(&after));
    }
    match result {
        Err(fault) => Err(fault),
        Ok(()) => Err(Fault::UnknownOutcome("Seller Center accepted the call, but the items do not show it yet".into())),
    }
}

/// A call of which only a part was carried out has failed, whatever its status says.
fn moved(answer: Result<Value, Fault>, path: &str, wanted: &[i64]) -> Result<(), Fault> {
    let answer = answer?;
    if answer.is_null() {
        return Ok(());
    }
    let done: Vec<i64> = json::list(&answer, "orderItemIds").iter().filter_map(|v| json::plain(v)?.parse().ok()).collect();
    let missing: Vec<String> = wanted.iter().filter(|id| !done.contains(id)).map(i64::to_string).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Fault::Rejected(Rejection { code: None, detail: format!("POST {path}: accepted, but without the items {}", missing.join(", ")) }))
}
