//! Webhooks: subscriptions, deliveries with the retry schedule, and their administration.

use std::sync::Weak;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use uuid::Uuid;

use super::call::Call;
use super::catalog::wrapped;
use super::clock;
use super::reply::{Answer, Refusal, Reply};
use super::state::State;
use super::switches::Tolerance;
use super::{SellerCenter, Shared};

/// Minutes before each retry; the last repeats.
const RETRY_MINUTES: [u64; 9] = [1, 5, 10, 30, 60, 120, 300, 600, 1440];
/// After this many minutes a delivery is dropped.
const GIVE_UP_MINUTES: u64 = 30 * 1440;

/// Entity, event, alias.
const EVENTS: [(&str, &str, &str); 9] = [
    ("Feed", "Created", "onFeedCreated"),
    ("Feed", "Completed", "onFeedCompleted"),
    ("Product", "Created", "onProductCreated"),
    ("Product", "Updated", "onProductUpdated"),
    ("Product", "QcStatusChanged", "onProductQcStatusChanged"),
    ("Order", "Created", "onOrderCreated"),
    ("Order", "ItemsStatusChanged", "onOrderItemsStatusChanged"),
    ("Return", "StatusChanged", "onReturnStatusChanged"),
    ("Statistics", "Updated", "onStatisticsUpdated"),
];

/// Something that happened.
pub(super) struct Event {
    pub(super) alias: &'static str,
    pub(super) payload: Value,
}

/// A callback URL with the events it wants.
pub(super) struct Subscription {
    id: Uuid,
    url: String,
    events: Vec<&'static str>,
    enabled: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// One event on its way to one URL.
pub(super) struct Delivery {
    id: u64,
    url: String,
    alias: &'static str,
    body: String,
    status: &'static str,
    created_at: Timestamp,
    last_call: Option<Timestamp>,
}

/// Takes events off the queue until the server is gone.
pub(super) async fn dispatch(
    shared: Weak<Shared>,
    client: reqwest::Client,
    mut events: UnboundedReceiver<Event>,
) {
    while let Some(event) = events.recv().await {
        let Some(shared) = shared.upgrade() else {
            return;
        };
        let center = SellerCenter(shared);
        let mut state = center.lock();
        let wanting: Vec<String> = state
            .subscriptions
            .values()
            .filter(|s| s.enabled && s.events.contains(&event.alias))
            .map(|s| s.url.clone())
            .collect();
        for url in wanting {
            let id = state.queue_delivery(url, &event);
            let copies = if state.switches.duplicate_webhooks {
                2
            } else {
                1
            };
            for copy in 0..copies {
                // Later events overtake earlier ones when the pauses shrink.
                let pause = match copies {
                    1 => 0,
                    _ => 40 * ((id + copy * 2) % 4),
                };
                let work = deliver(
                    std::sync::Arc::downgrade(&center.0),
                    client.clone(),
                    id,
                    pause,
                );
                center.0.tasks.spawn_on(work);
            }
        }
    }
}

/// Tries one delivery until it succeeds, is given up, or the server is gone.
async fn deliver(shared: Weak<Shared>, client: reqwest::Client, id: u64, pause_ms: u64) {
    tokio::time::sleep(Duration::from_millis(pause_ms)).await;
    let mut waited = 0;
    for attempt in 0.. {
        let Some(center) = shared.upgrade().map(SellerCenter) else {
            return;
        };
        let (url, body, timeout) = {
            let mut state = center.lock();
            let now = state.now();
            let timeout = state.switches.webhook_timeout_ms;
            let Some(delivery) = state.deliveries.get_mut(&id) else {
                return;
            };
            delivery.last_call = Some(now);
            (delivery.url.clone(), delivery.body.clone(), timeout)
        };
        drop(center);
        let sent = client
            .post(&url)
            .header("content-type", "application/json")
            .timeout(Duration::from_millis(timeout))
            .body(body)
            .send()
            .await;
        // Nothing but 200 counts.
        let arrived = sent.is_ok_and(|answer| answer.status() == 200);
        let Some(center) = shared.upgrade().map(SellerCenter) else {
            return;
        };
        let wait = RETRY_MINUTES[attempt.min(RETRY_MINUTES.len() - 1)];
        waited += wait;
        let factor = {
            let mut state = center.lock();
            match arrived {
                true => state.stats.webhooks_delivered += 1,
                false => state.stats.webhooks_failed += 1,
            }
            let over = arrived || waited > GIVE_UP_MINUTES;
            if let Some(delivery) = state.deliveries.get_mut(&id) {
                delivery.status = match (arrived, over) {
                    (true, _) => "success",
                    (false, true) => "fail",
                    (false, false) => "inprogress",
                };
            }
            if over {
                return;
            }
            state.switches.clock_factor.max(f64::MIN_POSITIVE)
        };
        drop(center);
        let minutes = Duration::from_secs(60 * wait).as_secs_f64() / factor;
        tokio::time::sleep(Duration::try_from_secs_f64(minutes).unwrap_or(Duration::MAX)).await;
    }
}

impl State {
    fn queue_delivery(&mut self, url: String, event: &Event) -> u64 {
        let id = self.next_id("delivery", 1);
        let created_at = self.now();
        self.deliveries.insert(
            id,
            Delivery {
                id,
                url,
                alias: event.alias,
                body: json!({"event": event.alias, "payload": event.payload}).to_string(),
                status: "inprogress",
                created_at,
                last_call: None,
            },
        );
        id
    }

    fn delivery_row(&self, delivery: &Delivery) -> Value {
        json!({
            "id": delivery.id, "sellerId": self.config.seller_id, "url": delivery.url,
            "status": delivery.status, "createdAt": clock::with_offset(delivery.created_at),
            "lastCallAt": delivery.last_call.map(clock::with_offset), "event": delivery.alias,
            "payload": delivery.body,
        })
    }

    /// Callback URL and events of a body. The URL has to be free for `own`.
    fn read_subscription(
        &self,
        call: &Call,
        own: Option<Uuid>,
    ) -> Result<(String, Vec<&'static str>), Refusal> {
        let body = call.json()?;
        let url = body
            .get("callbackUrl")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let valid = url::Url::parse(url)
            .is_ok_and(|u| matches!(u.scheme(), "http" | "https") && u.has_host());
        if !valid {
            return Err(Refusal::coded(
                98,
                format!("Webhook callback URL `{url}` is not valid"),
            ));
        }
        let taken = self
            .subscriptions
            .values()
            .any(|s| s.url == url && Some(s.id) != own);
        if taken {
            return Err(Refusal::coded(
                98,
                format!("Webhook callback URL `{url}` is already used"),
            ));
        }
        let Some(Value::Array(names)) = body.get("events") else {
            return Err(Refusal::invalid(
                "events",
                "This value should be of type array.",
                body.get("events").unwrap_or(&Value::Null),
            ));
        };
        let mut events = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let known = EVENTS
                .iter()
                .find(|(_, _, alias)| name.as_str() == Some(alias));
            match known {
                Some((_, _, alias)) => events.push(*alias),
                None => {
                    let path = format!("events[{index}]");
                    return Err(Refusal::invalid(
                        path,
                        "The value you selected is not a valid choice.",
                        name,
                    ));
                }
            }
        }
        if events.is_empty() {
            return Err(Refusal::invalid(
                "events",
                "This collection should contain 1 element or more.",
                "[]",
            ));
        }
        Ok((url.to_owned(), events))
    }

    fn subscription(&self, call: &Call) -> Result<Uuid, Refusal> {
        let text = call.param("webhook");
        let id = text
            .parse::<Uuid>()
            .ok()
            .filter(|id| self.subscriptions.contains_key(id));
        id.ok_or_else(|| Refusal::missing(format!("Webhook {text}")))
    }
}

/// `GET /v2/webhook-entities`.
pub(super) fn entities(_: &mut State, _: &Call) -> Answer {
    let mut rows: Vec<Value> = Vec::new();
    for entity in ["Feed", "Product", "Order", "Return", "Statistics"] {
        let events = EVENTS.iter().filter(|(of, _, _)| *of == entity);
        let events: Vec<Value> = events
            .map(|(_, name, alias)| json!({"name": name, "alias": alias}))
            .collect();
        rows.push(json!({"name": entity, "events": events}));
    }
    Reply::ok(json!({"events": rows}))
}

/// `POST /v2/webhook`.
pub(super) fn create(state: &mut State, call: &Call) -> Answer {
    let (url, events) = state.read_subscription(call, None)?;
    let id = Uuid::new_v4();
    let now = state.now();
    state.subscriptions.insert(
        id,
        Subscription {
            id,
            url,
            events,
            enabled: true,
            created_at: now,
            updated_at: now,
        },
    );
    Reply::created(json!({"webhookId": id, "createdAt": clock::zoneless(now)}))
}

/// `PUT /v2/webhook/{webhook}`.
pub(super) fn update(state: &mut State, call: &Call) -> Answer {
    let id = state.subscription(call)?;
    let (url, events) = state.read_subscription(call, Some(id))?;
    let now = state.now();
    if let Some(subscription) = state.subscriptions.get_mut(&id) {
        subscription.url = url;
        subscription.events = events;
        subscription.updated_at = now;
    }
    Reply::ok(json!({"webhookId": id, "updatedAt": clock::zoneless(now)}))
}

/// `DELETE /v2/webhook/{webhook}`.
pub(super) fn delete(state: &mut State, call: &Call) -> Answer {
    let id = state.subscription(call)?;
    state.subscriptions.remove(&id);
    Ok(Reply::Empty(204))
}

/// `POST /v2/webhook/{webhook}/status`.
pub(super) fn set_enabled(state: &mut State, call: &Call) -> Answer {
    let id = state.subscription(call)?;
    let body = call.json()?;
    let Some(enabled) = body.get("isEnabled").and_then(Value::as_bool) else {
        let given = body.get("isEnabled").unwrap_or(&Value::Null);
        return Err(Refusal::invalid(
            "isEnabled",
            "This value should be of type bool.",
            given,
        ));
    };
    if let Some(subscription) = state.subscriptions.get_mut(&id) {
        subscription.enabled = enabled;
    }
    Ok(Reply::Empty(204))
}

/// `GET /v2/webhooks`.
pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &["publicIds[]", "limit", "offset"]);
    let only = call.many("publicIds");
    let rows: Vec<Value> = state
        .subscriptions
        .values()
        .filter(|s| only.is_empty() || only.contains(&s.id.to_string().as_str()))
        .map(|s| {
            let events = EVENTS.iter().filter(|(_, _, alias)| s.events.contains(alias));
            let events: Vec<Value> = events.map(|(_, name, alias)| json!({"name": name, "alias": alias})).collect();
            json!({
                "publicId": s.id, "sellerId": state.config.seller_id, "callbackUrl": s.url,
                "creationSource": "api", "createdAt": clock::zoneless(s.created_at),
                "updatedAt": clock::zoneless(s.updated_at), "isEnabled": s.enabled, "events": events,
            })
        })
        .collect();
    let total = rows.len();
    Reply::ok(json!({
        "items": rows, "pagination": {"limit": total.max(1), "offset": 0, "totalCount": total},
    }))
}

/// `GET /v2/webhook/callbacks/{url}`.
pub(super) fn callbacks(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &["limit", "offset"]);
    let page = call.page(state, 100, Tolerance::Silent)?;
    let url = call.param("url");
    let all: Vec<&Delivery> = state.deliveries.values().filter(|d| d.url == url).collect();
    let rows = all.iter().skip(page.offset).take(page.limit);
    let rows = rows.map(|d| state.delivery_row(d)).collect();
    Reply::ok(wrapped(rows, page, all.len()))
}

/// `GET /v2/webhook/callback/{callback}`.
pub(super) fn callback(state: &mut State, call: &Call) -> Answer {
    let id = call.id("callback")?;
    let delivery = state.deliveries.get(&id);
    let delivery = delivery.ok_or_else(|| Refusal::missing(format!("Callback {id}")))?;
    Reply::ok(state.delivery_row(delivery))
}

/// `POST /v2/webhook/callback/{callback}/retry/`: the same body goes out anew.
pub(super) fn retry(state: &mut State, call: &Call) -> Answer {
    let id = call.id("callback")?;
    match state.deliveries.get_mut(&id) {
        Some(delivery) => delivery.status = "inprogress",
        None => return Err(Refusal::missing(format!("Callback {id}"))),
    }
    state.retries.push(id);
    Ok(Reply::Empty(204))
}

/// Starts the deliveries that somebody asked to have sent again.
pub(super) fn send_again(center: &SellerCenter, client: &reqwest::Client) {
    let ids = std::mem::take(&mut center.lock().retries);
    for id in ids {
        let work = deliver(std::sync::Arc::downgrade(&center.0), client.clone(), id, 0);
        center.0.tasks.spawn_on(work);
    }
}
