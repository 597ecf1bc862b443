//! Webhook subscriptions, payloads and their delivery.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::engine::{Obj, Out};
use super::lock;
use super::mutations::{UserError, payload};
use super::order_fields::{fulfillment_name, strings};
use super::resolve::{Arguments, api_version, text, time};
use super::state::{State, gid, iso, money_text, now, number_of};

/// A delivery fails after this long.
const PATIENCE: Duration = Duration::from_secs(5);
/// Retries of a delivery, and failures in a row that end a subscription.
const RETRIES: u32 = 8;
/// The pause before the first retry, in seconds. Doubling, eight of them make up four hours.
const FIRST_PAUSE_S: f64 = 4.0 * 3600.0 / 255.0;

/// A subscription made through the API.
#[derive(Clone)]
pub(super) struct Subscription {
    id: u64,
    topic: String,
    uri: String,
    format: String,
    filter: Option<String>,
    include: Vec<String>,
    version: String,
    created_at: i64,
    failures: u32,
}

/// Something that happened, on its way to one subscriber.
pub(super) struct Event {
    subscription: u64,
    event_id: String,
    body: String,
}

impl Subscription {
    pub(super) fn object(&self) -> Obj {
        Obj::made(
            "WebhookSubscription",
            vec![
                ("id", gid("WebhookSubscription", self.id).into()),
                ("topic", self.topic.as_str().into()),
                ("uri", self.uri.as_str().into()),
                ("format", self.format.as_str().into()),
                ("filter", Out::Json(self.filter.clone().into())),
                ("includeFields", Out::Json(json!(self.include))),
                ("createdAt", time(self.created_at)),
                ("updatedAt", time(self.created_at)),
                ("apiVersion", Out::Obj(api_version(&self.version))),
            ],
        )
    }
}

/// `webhookSubscriptionCreate`.
pub(super) fn create(state: &mut State, arguments: &Arguments) -> Out {
    let input = arguments
        .get("webhookSubscription")
        .and_then(Value::as_object);
    let member = |name: &str| input.and_then(|i| i.get(name));
    let topic = text(arguments, "topic").unwrap_or_default().to_owned();
    let uri = member("uri")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let answer = |subscription: Out, errors: &[UserError]| {
        payload(
            "WebhookSubscriptionCreatePayload",
            vec![("webhookSubscription", subscription)],
            errors,
        )
    };
    let field = ["webhookSubscription", "callbackUrl"];
    if let Err(message) = check_address(&uri, state.config.switches.local_webhooks) {
        state.mistake("webhookSubscriptionCreate", &message);
        return answer(Out::NULL, &[UserError::plain(&field, message)]);
    }
    if state
        .subscriptions
        .iter()
        .any(|s| s.topic == topic && s.uri == uri)
    {
        let message = "Address for this topic has already been taken";
        return answer(Out::NULL, &[UserError::plain(&field, message)]);
    }
    let made = Subscription {
        id: state.id(),
        topic,
        uri,
        format: member("format")
            .and_then(Value::as_str)
            .unwrap_or("JSON")
            .to_owned(),
        filter: member("filter").and_then(Value::as_str).map(str::to_owned),
        include: strings(member("includeFields")),
        version: state.config.switches.webhook_version.clone(),
        created_at: now(),
        failures: 0,
    };
    let object = made.object();
    state.subscriptions.push(made);
    answer(Out::Obj(object), &[])
}

fn check_address(uri: &str, local: bool) -> Result<(), String> {
    if uri.starts_with("pubsub://") || uri.starts_with("arn:aws:events:") {
        return Ok(());
    }
    let Ok(url) = url::Url::parse(uri) else {
        return Err("Address is invalid".to_owned());
    };
    let host = url.host_str().unwrap_or_default();
    let on_this_machine = matches!(host, "127.0.0.1" | "localhost" | "[::1]");
    match url.scheme() {
        "http" if local && on_this_machine => Ok(()),
        "https" if local && on_this_machine => Ok(()),
        "https"
            if on_this_machine
                || host.ends_with(".myshopify.com")
                || host.ends_with(".internal") =>
        {
            Err(format!("Address cannot be an internal domain: {host}"))
        }
        "https" => Ok(()),
        scheme => Err(format!("Address protocol {scheme}:// is not supported")),
    }
}

/// `webhookSubscriptionDelete`.
pub(super) fn delete(state: &mut State, arguments: &Arguments) -> Out {
    let given = text(arguments, "id").unwrap_or_default();
    let answer = |id: Out, errors: &[UserError]| {
        payload(
            "WebhookSubscriptionDeletePayload",
            vec![("deletedWebhookSubscriptionId", id)],
            errors,
        )
    };
    let number = number_of(given, "WebhookSubscription");
    match state
        .subscriptions
        .iter()
        .position(|s| Some(s.id) == number)
    {
        Some(at) => {
            state.subscriptions.remove(at);
            answer(given.into(), &[])
        }
        None => {
            let error = UserError::plain(&["id"], "Webhook subscription does not exist");
            answer(Out::NULL, &[error])
        }
    }
}

/// A JSON text with slashes escaped, as Shopify writes it.
pub(super) fn escaped(value: &Value) -> String {
    value.to_string().replace('/', "\\/")
}

/// `X-Shopify-Hmac-Sha256` of a body.
pub(super) fn signature(secret: &str, body: &[u8]) -> String {
    // HMAC takes a key of any length, so there is no error to handle.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(body);
    BASE64.encode(mac.finalize().into_bytes())
}

impl State {
    /// Sends an event to the subscribers of a topic. The payload is built only if there are any.
    fn announce(&mut self, topic: &str, payload: impl FnOnce(&Self) -> Option<Value>) {
        let wanted: Vec<(u64, Vec<String>)> = self
            .subscriptions
            .iter()
            .filter(|s| s.topic == topic)
            .map(|s| (s.id, s.include.clone()))
            .collect();
        if wanted.is_empty() {
            return;
        }
        let Some(value) = payload(self) else {
            return;
        };
        let Some(sender) = &self.events else {
            return;
        };
        let event_id = uuid::Uuid::new_v4().to_string();
        for (subscription, include) in wanted {
            let body = if include.is_empty() {
                value.clone()
            } else {
                let all = value.as_object().cloned().unwrap_or_default();
                let kept: Map<String, Value> = all
                    .into_iter()
                    .filter(|(k, _)| include.contains(k))
                    .collect();
                Value::Object(kept)
            };
            // Nobody listens after the server has stopped.
            let _ = sender.send(Event {
                subscription,
                event_id: event_id.clone(),
                body: escaped(&body),
            });
        }
    }

    pub(super) fn announce_level(&mut self, variant: u64, location: u64, topic: &str) {
        self.announce(topic, |state| {
            let item = state.variants.get(&variant)?.item;
            let tracked = state.variants.get(&variant)?.tracked;
            let level = state.level(variant, location)?;
            let id = level.id;
            Some(json!({
                "inventory_item_id": item, "location_id": location,
                "available": tracked.then_some(level.available), "updated_at": iso(level.updated_at),
                "admin_graphql_api_id": format!("gid://shopify/InventoryLevel/{id}?inventory_item_id={item}"),
            }))
        });
    }

    pub(super) fn announce_item(&mut self, variant: u64) {
        self.announce("INVENTORY_ITEMS_UPDATE", |state| {
            let v = state.variants.get(&variant)?;
            Some(json!({
                "id": v.item, "sku": v.sku, "tracked": v.tracked, "updated_at": iso(v.updated_at),
                "requires_shipping": true, "admin_graphql_api_id": gid("InventoryItem", v.item),
            }))
        });
    }

    pub(super) fn announce_product(&mut self, variant: u64, topic: &str) {
        self.announce(topic, |state| {
            let id = state.variants.get(&variant)?.product;
            let product = state.products.get(&id)?;
            let variants: Vec<Value> = product
                .variants
                .iter()
                .filter_map(|v| Some((v, state.variants.get(v)?)))
                .map(|(id, v)| {
                    json!({
                        "id": id, "product_id": v.product, "sku": v.sku, "title": v.title,
                        "price": v.price.to_string(), "barcode": v.barcode,
                        "inventory_item_id": v.item, "updated_at": iso(v.updated_at),
                        "inventory_quantity": v.levels.iter().map(|l| l.available).sum::<i64>(),
                        "admin_graphql_api_id": gid("ProductVariant", *id),
                    })
                })
                .collect();
            Some(json!({
                "id": id, "title": product.title, "status": product.status.to_lowercase(),
                "admin_graphql_api_id": gid("Product", id), "variants": variants,
                "updated_at": iso(now()),
            }))
        });
    }

    pub(super) fn announce_order(&mut self, id: u64, topic: &str) {
        self.announce(topic, |state| {
            let order = state.orders.get(&id)?;
            let lines: Vec<Value> = (0..order.lines.len()).filter_map(|i| state.line_json(id, i)).collect();
            let fulfillments: Vec<Value> = (0..order.fulfillments.len())
                .filter_map(|i| state.fulfillment_json(id, i))
                .collect();
            let refunds: Vec<Value> =
                (0..order.refunds.len()).filter_map(|i| state.refund_json(id, i)).collect();
            let status = match order.fulfillment_status() {
                "FULFILLED" => Some("fulfilled"),
                "PARTIALLY_FULFILLED" => Some("partial"),
                _ => None,
            };
            let address = |a: &Option<(u64, super::views::AddressView)>| {
                a.as_ref().map(|(_, a)| json!({
                    "first_name": a.first_name, "last_name": a.last_name, "company": a.company,
                    "address1": a.address1, "address2": a.address2, "city": a.city, "zip": a.zip,
                    "province_code": a.province_code, "country_code": a.country_code, "phone": a.phone,
                }))
            };
            Some(json!({
                "id": id, "admin_graphql_api_id": gid("Order", id), "name": order.name,
                "order_number": order.number, "source_name": order.source_name,
                "source_identifier": order.source_identifier, "created_at": iso(order.created_at),
                "updated_at": iso(order.updated_at), "cancelled_at": order.cancelled_at.map(iso),
                "cancel_reason": order.cancel_reason.as_deref().map(str::to_lowercase),
                "closed_at": order.closed_at.map(iso), "note": order.note, "tags": order.tags.join(", "),
                "financial_status": order.financial.as_deref().map(str::to_lowercase),
                "fulfillment_status": status, "currency": order.currency,
                "total_price": money_text(order.total()), "shipping_address": address(&order.shipping),
                "billing_address": address(&order.billing), "line_items": lines,
                "fulfillments": fulfillments, "refunds": refunds,
            }))
        });
    }

    fn line_json(&self, id: u64, at: usize) -> Option<Value> {
        let line = self.orders.get(&id)?.lines.get(at)?;
        Some(json!({
            "id": line.id, "admin_graphql_api_id": gid("LineItem", line.id), "variant_id": line.variant,
            "sku": line.sku, "title": line.title, "quantity": line.quantity,
            "current_quantity": line.current, "price": line.price.to_string(),
            "requires_shipping": line.requires_shipping,
        }))
    }

    fn fulfillment_json(&self, id: u64, at: usize) -> Option<Value> {
        let order = self.orders.get(&id)?;
        let f = order.fulfillments.get(at)?;
        let numbers: Vec<&String> = f
            .tracking
            .iter()
            .filter_map(|t| t.number.as_ref())
            .collect();
        let urls: Vec<&String> = f.tracking.iter().filter_map(|t| t.url.as_ref()).collect();
        let lines: Vec<Value> = f
            .lines
            .iter()
            .filter_map(|(_, line, quantity)| {
                let mut json = self.line_json(id, *line)?;
                json["quantity"] = (*quantity).into();
                Some(json)
            })
            .collect();
        Some(json!({
            "id": f.id, "admin_graphql_api_id": gid("Fulfillment", f.id), "order_id": id,
            "status": if f.cancelled { "cancelled" } else { "success" },
            "created_at": iso(f.created_at), "updated_at": iso(f.updated_at), "service": "manual",
            "tracking_company": f.tracking.first().and_then(|t| t.company.as_ref()),
            "tracking_number": numbers.first(), "tracking_numbers": numbers,
            "tracking_url": urls.first(), "tracking_urls": urls, "shipment_status": null,
            "location_id": f.location, "line_items": lines, "receipt": {},
            "name": fulfillment_name(order, f.number),
        }))
    }

    fn refund_json(&self, id: u64, at: usize) -> Option<Value> {
        let order = self.orders.get(&id)?;
        let refund = order.refunds.get(at)?;
        let lines: Vec<Value> = refund
            .lines
            .iter()
            .filter_map(|l| {
                Some(json!({
                    "id": l.id, "line_item_id": order.lines.get(l.line)?.id, "quantity": l.quantity,
                    "restock_type": l.restock.to_lowercase(), "location_id": l.location,
                    "line_item": self.line_json(id, l.line)?,
                }))
            })
            .collect();
        let restocked = refund.lines.iter().any(|l| l.restock != "NO_RESTOCK");
        Some(json!({
            "id": refund.id, "admin_graphql_api_id": gid("Refund", refund.id), "order_id": id,
            "created_at": iso(refund.created_at), "note": refund.note, "restock": restocked,
            "refund_line_items": lines, "transactions": [], "order_adjustments": [],
        }))
    }

    pub(super) fn announce_fulfillment(&mut self, id: u64, at: usize, topic: &str) {
        self.announce(topic, |state| state.fulfillment_json(id, at));
    }

    pub(super) fn announce_refund(&mut self, id: u64, at: usize) {
        self.announce("REFUNDS_CREATE", |state| state.refund_json(id, at));
    }

    pub(super) fn announce_routing(&mut self, fulfillment_order: u64) {
        self.announce("FULFILLMENT_ORDERS_ORDER_ROUTING_COMPLETE", |_| {
            let id = gid("FulfillmentOrder", fulfillment_order);
            Some(json!({"fulfillment_order": {"id": id, "status": "open"}}))
        });
    }

    pub(super) fn announce_hold(&mut self, order: u64, at: usize, topic: &str) {
        self.announce(topic, |state| {
            let f = state.orders.get(&order)?.fulfillment_orders.get(at)?;
            let holds: Vec<Value> = f
                .hold
                .iter()
                .map(|(_, reason)| json!({"reason": reason.to_lowercase()}))
                .collect();
            Some(json!({
                "fulfillment_order": {
                    "id": gid("FulfillmentOrder", f.id), "status": f.status().to_lowercase(),
                    "fulfillment_holds": holds,
                },
                "remaining_fulfillment_order": null, "held_fulfillment_order_line_items": [],
            }))
        });
    }

    pub(super) fn announce_bulk(&mut self, id: u64) {
        self.announce("BULK_OPERATIONS_FINISH", |state| {
            let operation = state.bulk.get(&id)?;
            let text = |name: &str| match operation.field(id, name) {
                Some(Out::Json(value)) => value,
                _ => Value::Null,
            };
            let lower = |value: Value| Value::from(value.as_str().unwrap_or_default().to_lowercase());
            Some(json!({
                "admin_graphql_api_id": text("id"), "status": lower(text("status")), "type": "query",
                "error_code": null, "created_at": text("createdAt"), "completed_at": text("completedAt"),
            }))
        });
    }
}

/// Delivers events until the sender is gone.
pub(super) async fn deliver_all(
    state: Arc<Mutex<State>>,
    mut events: tokio::sync::mpsc::UnboundedReceiver<Event>,
) {
    // A second provider in the same process is refused, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(1))
        .timeout(PATIENCE)
        .build();
    let client = match client {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(%error, "no webhook will be delivered");
            return;
        }
    };
    let mut count: u64 = 0;
    while let Some(event) = events.recv().await {
        count += 1;
        let (loss, twice) = {
            let state = lock(&state);
            let switches = &state.config.switches;
            (switches.webhook_loss, switches.webhook_duplicates)
        };
        if loss > 0 && count.is_multiple_of(loss) {
            continue;
        }
        let event = Arc::new(event);
        for _ in 0..=u32::from(twice) {
            let (state, client, event) = (Arc::clone(&state), client.clone(), Arc::clone(&event));
            tokio::spawn(async move { deliver(&state, &client, &event).await });
        }
    }
}

async fn deliver(state: &Mutex<State>, client: &reqwest::Client, event: &Event) {
    let webhook_id = uuid::Uuid::new_v4().to_string();
    let triggered_at = jiff::Timestamp::now().to_string();
    for attempt in 0..=RETRIES {
        let Some((uri, request)) = prepare(state, event, &webhook_id, &triggered_at) else {
            return;
        };
        let mut builder = client.post(uri).body(event.body.clone());
        for (name, value) in request {
            builder = builder.header(name, value);
        }
        let delivered = builder.send().await.is_ok_and(|r| r.status().is_success());
        let speed = {
            let mut state = lock(state);
            if delivered {
                state.stats.webhooks_delivered += 1;
            } else {
                state.stats.webhooks_failed += 1;
            }
            let subscription = state
                .subscriptions
                .iter_mut()
                .find(|s| s.id == event.subscription);
            if let Some(subscription) = subscription {
                subscription.failures = if delivered {
                    0
                } else {
                    subscription.failures + 1
                };
            }
            state.subscriptions.retain(|s| s.failures < RETRIES);
            state.config.switches.webhook_speed
        };
        if delivered {
            return;
        }
        let pause = FIRST_PAUSE_S * f64::from(1u32 << attempt) / speed.max(0.001);
        tokio::time::sleep(Duration::from_secs_f64(pause)).await;
    }
}

type Headers = Vec<(&'static str, String)>;

/// Address and headers of a delivery; none when the subscription is gone.
fn prepare(
    state: &Mutex<State>,
    event: &Event,
    webhook_id: &str,
    triggered_at: &str,
) -> Option<(String, Headers)> {
    let state = lock(state);
    let subscription = state
        .subscriptions
        .iter()
        .find(|s| s.id == event.subscription)?;
    let secret = &state.config.client_secret;
    // ORDERS_UPDATED is delivered as orders/updated; names of several words stay joined: inventory_levels/update.
    let topic = match subscription.topic.rsplit_once('_') {
        _ if subscription.topic == "ORDERS_PARTIALLY_FULFILLED" => {
            "orders/partially_fulfilled".to_owned()
        }
        _ if subscription.topic == "FULFILLMENT_ORDERS_PLACED_ON_HOLD" => {
            "fulfillment_orders/placed_on_hold".to_owned()
        }
        _ if subscription.topic == "FULFILLMENT_ORDERS_HOLD_RELEASED" => {
            "fulfillment_orders/hold_released".to_owned()
        }
        _ if subscription.topic == "FULFILLMENT_ORDERS_ORDER_ROUTING_COMPLETE" => {
            "fulfillment_orders/order_routing_complete".to_owned()
        }
        Some((subject, verb)) => format!("{}/{}", subject.to_lowercase(), verb.to_lowercase()),
        None => subscription.topic.to_lowercase(),
    };
    let headers = vec![
        ("Content-Type", "application/json".to_owned()),
        ("User-Agent", "Shopify-Captain-Hook".to_owned()),
        ("X-Shopify-Topic", topic),
        (
            "X-Shopify-Hmac-Sha256",
            signature(secret, event.body.as_bytes()),
        ),
        (
            "X-Shopify-Shop-Domain",
            format!("{}.myshopify.com", state.config.shop),
        ),
        ("X-Shopify-API-Version", subscription.version.clone()),
        ("X-Shopify-Webhook-Id", webhook_id.to_owned()),
        ("X-Shopify-Event-Id", event.event_id.clone()),
        ("X-Shopify-Triggered-At", triggered_at.to_owned()),
    ];
    Some((subscription.uri.clone(), headers))
}
