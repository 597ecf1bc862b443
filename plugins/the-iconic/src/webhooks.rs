//! Webhooks. Deliveries carry no signature: they are hints, and the truth is read afterwards.

use serde_json::{Value, json};

use crate::api::Api;
use lockstep_sdk::http::Method;
use lockstep_sdk::http::Path;
use lockstep_sdk::json::{Node, shorten};
use lockstep_sdk::types::Fault;
use lockstep_sdk::webhooks::{Hint, Subscription};

/// What is subscribed to.
const EVENTS: [&str; 6] = [
    "onOrderCreated",
    "onOrderItemsStatusChanged",
    "onProductCreated",
    "onProductUpdated",
    "onProductQcStatusChanged",
    "onReturnStatusChanged",
];
/// SKUs of one message beyond which the whole channel is read instead.
const SKUS: usize = 100;

/// The subscriptions that exist.
pub fn list(api: Api<'_>) -> Result<Vec<Subscription>, Fault> {
    let answer = api.read(Path::new("/v2/webhooks"))?;
    let node = Node::new(&answer);
    let rows = node.rows().ok_or_else(|| {
        Fault::Protocol(format!(
            "GET /v2/webhooks: the answer is no list: {}",
            node.shortened(200)
        ))
    })?;
    Ok(rows.into_iter().filter_map(subscription).collect())
}

fn subscription(row: Node<'_>) -> Option<Subscription> {
    let id = ["publicId", "webhookId", "uuid"]
        .iter()
        .find_map(|name| row.get(name).text())?;
    let url = row
        .get("callbackUrl")
        .text()
        .or_else(|| row.get("url").text())?;
    let alias = |event: Node<'_>| event.get("alias").text().or_else(|| event.text());
    Some(Subscription {
        id,
        url,
        events: row
            .get("events")
            .list()
            .into_iter()
            .filter_map(alias)
            .collect(),
        enabled: row.get("isEnabled").flag().unwrap_or(true),
    })
}

/// Makes exactly one enabled subscription to this URL exist.
pub fn ensure(api: Api<'_>, url: &str) -> Result<Subscription, Fault> {
    let mut same = list(api)?.into_iter().filter(|s| s.url == url);
    let kept = same.next();
    for extra in same {
        remove(api, &extra.id)?;
    }
    let covers = |s: &Subscription, events: &[String]| events.iter().all(|e| s.events.contains(e));
    let all: Vec<String> = EVENTS.map(str::to_owned).to_vec();
    if let Some(kept) = kept.as_ref().filter(|kept| covers(kept, &all)) {
        enable(api, kept)?;
        return Ok(Subscription {
            enabled: true,
            ..kept.clone()
        });
    }

    // An event that this venture does not have would make it refuse the whole subscription.
    let events = offered(api)?;
    let body = json!({"callbackUrl": url, "events": events});
    match kept {
        Some(kept) => {
            if !covers(&kept, &events) {
                let path = Path::new("/v2/webhook").segment(&kept.id);
                api.write(Method::Put, path, Some(&body))?;
            }
            enable(api, &kept)?;
            Ok(Subscription {
                events,
                enabled: true,
                ..kept
            })
        }
        None => {
            let answer = api.write(Method::Post, Path::new("/v2/webhook"), Some(&body))?;
            let id = Node::new(&answer).get("webhookId").text();
            let id = id.ok_or_else(|| {
                Fault::UnknownOutcome(format!(
                    "POST /v2/webhook: the answer has no webhookId: {}",
                    Node::new(&answer).shortened(200)
                ))
            })?;
            Ok(Subscription {
                id,
                url: url.to_owned(),
                events,
                enabled: true,
            })
        }
    }
}

fn enable(api: Api<'_>, subscription: &Subscription) -> Result<(), Fault> {
    if !subscription.enabled {
        let path = Path::new("/v2/webhook").segment(&subscription.id);
        let path = Path::new(format!("{}/status", path.into_text()));
        api.write(Method::Post, path, Some(&json!({"isEnabled": true})))?;
    }
    Ok(())
}

/// Our events as far as the venture has them; all of ours where it does not say.
fn offered(api: Api<'_>) -> Result<Vec<String>, Fault> {
    let answer = match api.read(Path::new("/v2/webhook-entities")) {
        Ok(answer) => answer,
        Err(Fault::Missing(_) | Fault::Protocol(_)) => Value::Null,
        Err(fault) => return Err(fault),
    };
    let mut known = Vec::new();
    for entity in Node::new(&answer).get("events").list() {
        for event in entity.get("events").list() {
            known.extend(event.get("alias").text());
        }
    }
    let ours = EVENTS.iter().map(|event| (*event).to_owned());
    Ok(if known.is_empty() {
        ours.collect()
    } else {
        ours.filter(|event| known.contains(event)).collect()
    })
}

/// Removes a subscription. What does not exist is removed.
pub fn remove(api: Api<'_>, id: &str) -> Result<(), Fault> {
    match api.write(Method::Delete, Path::new("/v2/webhook").segment(id), None) {
        Ok(_) | Err(Fault::Missing(_)) => Ok(()),
        Err(fault) => Err(fault),
    }
}

/// Reads a message.
pub fn parse(body: &[u8]) -> Result<Vec<Hint>, Fault> {
    let text = String::from_utf8_lossy(body);
    let message: Value = serde_json::from_str(text.trim()).map_err(|error| {
        Fault::Protocol(format!(
            "the message is not JSON ({error}): {}",
            shorten(&text, 200)
        ))
    })?;
    let message = Node::new(&message);
    let Some(event) = message.get("event").text() else {
        return Err(Fault::Protocol(format!(
            "the message names no event: {}",
            message.shortened(200)
        )));
    };
    // Stored deliveries carry their payload as text.
    let inner = message
        .get("payload")
        .text()
        .and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let payload = inner.as_ref().map_or(message.get("payload"), Node::new);
    Ok(match event.as_str() {
        "onOrderCreated" | "onOrderItemsStatusChanged" | "onReturnStatusChanged" => {
            let id = payload.get("OrderId").id();
            vec![id.map_or(Hint::Channel, |id| Hint::Order(id.to_string()))]
        }
        "onProductCreated" | "onProductUpdated" | "onProductQcStatusChanged" => {
            let rows = payload.get("SellerSkus").list();
            let skus: Vec<String> = rows.into_iter().filter_map(Node::exact).collect();
            if skus.is_empty() || skus.len() > SKUS {
                vec![Hint::Channel]
            } else {
                skus.into_iter().map(Hint::ListingSku).collect()
            }
        }
        _ => vec![Hint::Nothing],
    })
}

#[cfg(test)]
#[path = "webhooks_tests.rs"]
mod tests;
