//! Messages of Seller Center. They carry no signature: they are hints, and the truth is read through the API.

use serde_json::{Value, json};

use crate::api::{Api, Http, encode};
use crate::exports::lockstep::plugin::webhooks::{Hint, Subscription};
use crate::json;
use crate::lockstep::plugin::http::Method;
use crate::lockstep::plugin::types::Fault;

/// The events that mean something here. Stock changes raise none.
const EVENTS: [&str; 4] = ["onOrderCreated", "onOrderItemsStatusChanged", "onProductCreated", "onProductUpdated"];

pub fn list<H: Http>(api: &Api<H>) -> Result<Vec<Subscription>, Fault> {
    let answer = api.get("/v2/webhooks?limit=100&offset=0")?;
    Ok(json::rows(&answer).iter().filter_map(subscription).collect())
}

fn subscription(row: &Value) -> Option<Subscription> {
    Some(Subscription {
        id: json::text(row, "publicId").or_else(|| json::text(row, "webhookId"))?,
        url: json::text(row, "callbackUrl")?,
        events: json::list(row, "events").iter().filter_map(|e| json::text(e, "alias").or_else(|| json::plain(e))).collect(),
        enabled: json::flag(row, "isEnabled") != Some(false),
    })
}

/// Makes exactly one enabled subscription to this URL exist.
pub fn ensure<H: Http>(api: &Api<H>, url: &str) -> Result<Subscription, Fault> {
    let offered = api.get("/v2/webhook-entities")?;
    let known: Vec<String> =
        json::list(&offered, "events").iter().flat_map(|group| json::list(group, "events")).filter_map(|e| json::text(e, "alias")).collect();
    // Where the list cannot be read, all are asked for.
    let events: Vec<String> = EVENTS.iter().map(|e| (*e).to_owned()).filter(|e| known.is_empty() || known.contains(e)).collect();
    let mut mine: Vec<Subscription> = list(api)?.into_iter().filter(|s| s.url == url).collect();
    let body = json!({"callbackUrl": url, "events": events});
    let Some(mut kept) = mine.pop() else {
        let made = api.write(Method::Post, "/v2/webhook", &body)?;
        let id = json::text(&made, "webhookId").ok_or_else(|| Fault::UnknownOutcome("POST /v2/webhook: the answer names no id".into()))?;
        return Ok(Subscription { id, url: url.to_owned(), events, enabled: true });
    };
    for extra in mine {
        remove(api, &extra.id)?;
    }
    let (mut have, mut want) = (kept.events.clone(), events.clone());
    have.sort();
    want.sort();
    let path = format!("/v2/webhook/{}", encode(&kept.id));
    if have != want {
        api.write(Method::Put, &path, &body)?;
        kept.events = events;
    }
    if !kept.enabled {
        api.write(Method::Post, &format!("{path}/status"), &json!({"isEnabled": true}))?;
        kept.enabled = true;
    }
    Ok(kept)
}

/// Removes a subscription. That it is gone already is fine.
pub fn remove<H: Http>(api: &Api<H>, id: &str) -> Result<(), Fault> {
    match api.write(Method::Delete, &format!("/v2/webhook/{}", encode(id)), &Value::Null) {
        Ok(_) | Err(Fault::Missing(_)) => Ok(()),
        Err(fault) => Err(fault),
    }
}

/// What a message is about. Ids come as numbers or as text.
pub fn parse(body: &[u8]) -> Result<Vec<Hint>, Fault> {
    let message: Value = serde_json::from_slice(body).map_err(|e| Fault::Protocol(format!("the message is not JSON: {e}")))?;
    let event = json::text(&message, "event").ok_or_else(|| Fault::Protocol("the message names no event".into()))?;
    let payload = message.get("payload").unwrap_or(&Value::Null);
    let hints: Vec<Hint> = match event.as_str() {
        "onOrderCreated" | "onOrderItemsStatusChanged" => vec![json::text(payload, "OrderId").map_or(Hint::Channel, Hint::Order)],
        "onProductCreated" | "onProductUpdated" | "onProductQcStatusChanged" => {
            json::list(payload, "SellerSkus").iter().filter_map(Value::as_str).map(|s| Hint::ListingSku(s.to_owned())).collect()
        }
        "onReturnStatusChanged" => vec![Hint::Channel],
        _ => vec![Hint::Nothing],
    };
    Ok(hints)
}
