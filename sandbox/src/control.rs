//! The control API: the people, the faults and the auditor over HTTP, for a terminal beside the demo and for tests
//! in other languages. It listens on 127.0.0.1 only and asks for no credentials.
//!
//! Bodies are JSON; an absent body counts as `{}`. Answers are JSON. What cannot be understood is answered with 400
//! and `{"error": "..."}`, a text that names the field and the fix; what is understood but impossible as things stand
//! with 409.
//!
//! ```text
//! export C=http://127.0.0.1:4010
//!
//! # Counts, and the newest orders of both sides.
//! curl $C/control/state
//!
//! # Somebody buys at the marketplace: exactly this, or any two pieces.
//! curl $C/control/buy -d '{"items": [{"sku": "KS-TIDE-NVY-32", "quantity": 2}], "payment_pending": true}'
//! curl $C/control/buy -d '{"pieces": 2}'
//!
//! # The marketplace releases the payment it has held the longest.
//! curl -X POST $C/control/release
//!
//! # Somebody buys in the shop: exactly this, or anything.
//! curl $C/control/sell -d '{"sku": "KS-TIDE-NVY-32", "quantity": 1}'
//! curl -X POST $C/control/sell
//!
//! # The merchant packs: "whole" (the default), "two-parcels", "partial" or "tracking-later"; then the missing code.
//! curl $C/control/pack -d '{"order": "914002771", "packing": "two-parcels"}'
//! curl -X POST $C/control/tracking
//!
//! # One unit is cancelled: by the customer at the marketplace, or by the merchant in Shopify.
//! curl $C/control/cancel -d '{"order": "914002771", "side": "seller-center"}'
//! curl $C/control/cancel -d '{"order": "914002771", "side": "shopify"}'
//!
//! # Stock in Shopify, set or changed; the location is an id or a name, the first one when absent.
//! curl $C/control/stock -d '{"sku": "KS-TIDE-NVY-32", "location": "Melbourne store", "available": 4}'
//! curl $C/control/stock -d '{"sku": "KS-TIDE-NVY-32", "change": -1}'
//!
//! # A SKU is edited on one side; without a body the merchant corrects one that nearly agrees.
//! curl $C/control/sku -d '{"side": "shopify", "from": "ks-tide-nvy-32", "to": "KS-TIDE-NVY-32"}'
//! curl -X POST $C/control/sku
//!
//! # Things happen at random.
//! curl $C/control/step -d '{"times": 10}'
//!
//! # Faults of either side, as rules of `faults`; GET lists them, DELETE clears them.
//! curl $C/control/faults/seller-center -d '{"matching": {"path_prefix": "/v2/orders"}, "times": 3, "fault": {"kind": "reset_before"}}'
//! curl $C/control/faults/shopify
//! curl -X DELETE $C/control/faults/shopify
//!
//! # Switches of either side: what is named is changed, the rest stays; GET shows all.
//! curl $C/control/switches/seller-center -d '{"packed_required": true}'
//! curl $C/control/switches/shopify
//!
//! # The verdict; `converged=false` while the host is still working, `channel=mirakl` or `channel=practice` for another marketplace.
//! curl "$C/control/audit?since=2026-11-24T00:00:00Z&buffer=0&converged=true"
//! ```
//!
//! When a Mirakl marketplace runs, `mirakl` is a third side of `cancel`, `sku`, `faults` and `switches`, and has acts
//! of its own:
//!
//! ```text
//! # Somebody buys; the operator may review the order first ("staging") and then releases it.
//! curl $C/control/mirakl/buy -d '{"lines": [{"sku": "KS-TIDE-NVY-32", "quantity": 2}], "staging": true}'
//! curl $C/control/mirakl/release -d '{"order": "TP-4411902-A"}'
//!
//! # The customer's money arrives, or never will.
//! curl $C/control/mirakl/debit -d '{"order": "TP-4411902-A"}'
//! curl $C/control/mirakl/refuse-debit -d '{"order": "TP-4411902-A"}'
//!
//! # The operator cancels, all or the named lines; the customer wants to cancel; the parcel arrives.
//! curl $C/control/mirakl/cancel -d '{"order": "TP-4411902-A", "lines": ["TP-4411902-A-1"]}'
//! curl $C/control/mirakl/request-cancellation -d '{"order": "TP-4411902-A"}'
//! curl $C/control/mirakl/receive -d '{"order": "TP-4411902-A"}'
//!
//! # Imports end now; the marketplace's clock goes forward.
//! curl -X POST $C/control/mirakl/settle
//! curl $C/control/mirakl/advance -d '{"seconds": 600}'
//! ```
//!
//! Likewise `practice`, when the marketplace to learn with runs:
//!
//! ```text
//! # Somebody buys, somebody cancels (all that is open, or the named pieces), and what there is.
//! curl $C/control/practice/buy -d '{"lines": [{"sku": "KS-TIDE-NVY-32", "quantity": 2}]}'
//! curl $C/control/practice/cancel -d '{"order": "PM-20001", "lines": [{"line": "1", "quantity": 1}]}'
//! curl $C/control/practice/state
//!
//! # The next two writes of stock are carried out, and their answers are lost; pages have five rows at most.
//! curl $C/control/faults/practice -d '{"matching": {"method": "PUT", "path_prefix": "/v1/stock"}, "times": 2, "fault": {"kind": "reset_after"}}'
//! curl $C/control/switches/practice -d '{"page_cap": 5}'
//! ```

mod mirakl;
mod practice;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::audit::{AuditOptions, Excuses, Marketplace, audit_marketplace};
use crate::catalogue::LOCATIONS;
use crate::faults::{Faults, Rule};
use crate::mirakl::Mirakl;
use crate::practice::Practice;
use crate::seller_center::Purchase;
use crate::story::{Packing, Story};
use crate::{CHANNEL, Sandbox};

/// Orders of each side that `/control/state` shows.
const SHOWN: usize = 50;

/// Most random acts of one request.
const MOST_STEPS: u32 = 10_000;

/// The running control API.
pub struct Control {
    url: String,
    ended: CancellationToken,
}

impl Control {
    /// Serves the control API of `sandbox` on a port of 127.0.0.1; 0 takes a free one.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn start(sandbox: &Sandbox, port: u16) -> anyhow::Result<Self> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port))
            .await
            .with_context(|| {
                format!("the control API cannot listen on 127.0.0.1:{port}; choose another port, or 0 for any free one")
            })?;
        let url = format!("http://{}", listener.local_addr()?);
        let ended = CancellationToken::new();
        let router = router(sandbox);
        let stop = ended.clone();
        tokio::spawn(async move {
            let served = axum::serve(listener, router)
                .with_graceful_shutdown(stop.cancelled_owned())
                .await;
            if let Err(error) = served {
                tracing::error!(%error, "the control API stopped serving");
            }
        });
        Ok(Self { url, ended })
    }

    /// Base URL, without a slash at the end.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Stops listening.
    pub fn stop(&self) {
        self.ended.cancel();
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Stage {
    sandbox: Sandbox,
    story: Mutex<Story>,
}

impl Stage {
    /// The Mirakl marketplace, if there is one.
    fn mirakl(&self) -> Result<&Mirakl, Refusal> {
        self.sandbox.mirakl.as_ref().ok_or_else(|| {
            Refusal::Conflict("no Mirakl marketplace runs; start the sandbox with one".into())
        })
    }

    /// The marketplace to learn with, if there is one.
    fn practice(&self) -> Result<&Practice, Refusal> {
        self.sandbox.practice.as_ref().ok_or_else(|| {
            Refusal::Conflict(
                "Practice Market does not run; start the sandbox with --practice".into(),
            )
        })
    }
}

type Shared = State<Arc<Stage>>;

fn router(sandbox: &Sandbox) -> Router {
    let stage = Stage {
        sandbox: sandbox.share(),
        // Not the seed of a story that a test tells at the same time.
        story: Mutex::new(Story::new(sandbox, 0xBAC5_7A6E)),
    };
    Router::new()
        .route("/control/state", get(state))
        .route("/control/buy", post(buy))
        .route("/control/release", post(release))
        .route("/control/sell", post(sell))
        .route("/control/pack", post(pack))
        .route("/control/tracking", post(tracking))
        .route("/control/cancel", post(cancel))
        .route("/control/stock", post(stock))
        .route("/control/sku", post(sku))
        .route("/control/step", post(step))
        .route(
            "/control/faults/{side}",
            get(faults).post(add_faults).delete(clear_faults),
        )
        .route(
            "/control/switches/{side}",
            get(switches).post(change_switches),
        )
        .route("/control/audit", get(verdict))
        .merge(mirakl::router())
        .merge(practice::router())
        .layer(DefaultBodyLimit::max(1 << 20))
        .with_state(Arc::new(stage))
}

/// Why a request was not carried out.
enum Refusal {
    /// The request is wrong.
    Request(String),
    /// It is right, but cannot be done now.
    Conflict(String),
}

impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        Self::Conflict(format!("{error:#}"))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::Request(text) => (StatusCode::BAD_REQUEST, text),
            Self::Conflict(text) => (StatusCode::CONFLICT, text),
        };
        (status, axum::Json(json!({ "error": text }))).into_response()
    }
}

type Answer = Result<axum::Json<Value>, Refusal>;

fn told(text: String) -> Answer {
    Ok(axum::Json(json!({ "text": text })))
}

/// Reads a body; serde's text names the field.
fn parse<T: DeserializeOwned>(body: &[u8], example: &str) -> Result<T, Refusal> {
    let body = if body.trim_ascii().is_empty() {
        b"{}"
    } else {
        body
    };
    serde_json::from_slice(body).map_err(|e| {
        Refusal::Request(format!(
            "the body is not understood: {e}; send JSON as in {example}"
        ))
    })
}

/// One of the stand-ins.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Side {
    Shopify,
    SellerCenter,
    Mirakl,
    Practice,
}

impl Side {
    fn named(name: &str) -> Result<Self, Refusal> {
        match name {
            "shopify" => Ok(Self::Shopify),
            "seller-center" => Ok(Self::SellerCenter),
            "mirakl" => Ok(Self::Mirakl),
            "practice" => Ok(Self::Practice),
            other => Err(Refusal::Request(format!(
                "there is no side \"{other}\"; it is \"shopify\", \"seller-center\", \"mirakl\" or \"practice\""
            ))),
        }
    }

    fn faults(self, stage: &Stage) -> Result<Faults, Refusal> {
        Ok(match self {
            Self::Shopify => stage.sandbox.shopify.faults().clone(),
            Self::SellerCenter => stage.sandbox.seller_center.faults().clone(),
            Self::Mirakl => stage.mirakl()?.faults().clone(),
            Self::Practice => stage.practice()?.faults().clone(),
        })
    }
}

async fn state(State(stage): Shared) -> Answer {
    let (shop, channel) = (&stage.sandbox.shopify, &stage.sandbox.seller_center);
    let (shop_orders, channel_orders) = (shop.orders(), channel.orders());
    let shop_rows: Vec<Value> = shop_orders
        .iter()
        .rev()
        .take(SHOWN)
        .map(|o| {
            let lines: Vec<Value> = o
                .lines
                .iter()
                .map(|l| {
                    json!({
                        "sku": l.sku, "quantity": l.quantity, "current": l.current, "fulfilled": l.fulfilled,
                    })
                })
                .collect();
            let parcels: Vec<Value> = o
                .fulfillments
                .iter()
                .map(|f| {
                    let tracking = f.tracking.first();
                    json!({
                        "status": f.status,
                        "company": tracking.and_then(|t| t.company.as_deref()),
                        "number": tracking.and_then(|t| t.number.as_deref()),
                    })
                })
                .collect();
            json!({
                "id": o.gid, "name": o.name, "note": o.note, "customer": o.customer_name,
                "total": o.total.to_string(), "cancelled": o.cancelled_at.is_some(),
                "lines": lines, "fulfillments": parcels,
            })
        })
        .collect();
    let channel_rows: Vec<Value> = channel_orders
        .iter()
        .rev()
        .take(SHOWN)
        .map(|o| {
            let items: Vec<Value> = o
                .items
                .iter()
                .map(|i| {
                    json!({
                        "id": i.id, "sku": i.seller_sku, "status": i.status, "provider": i.provider,
                        "tracking": i.tracking, "shipment_type": i.shipment_type,
                    })
                })
                .collect();
            json!({
                "id": o.id, "number": o.number, "placed_at": o.created_at.to_string(),
                "ship_by": o.ship_by.to_string(),
                "buyer": format!("{} {}", o.buyer.first_name, o.buyer.last_name), "items": items,
            })
        })
        .collect();
    let (shop_stats, channel_stats) = (shop.stats(), channel.stats());
    let locations: Vec<Value> = stage
        .sandbox
        .locations
        .iter()
        .zip(LOCATIONS)
        .map(|(id, name)| json!({"id": id, "name": name}))
        .collect();
    let mut all = json!({
        "shopify": {
            "url": shop.url(), "variants": shop.variants().len(), "locations": locations,
            "orders": shop_orders.len(), "newest_orders": shop_rows,
            "requests": shop_stats.requests, "throttled": shop_stats.throttled, "mistakes": shop_stats.mistakes,
        },
        "seller_center": {
            "url": channel.url(), "products": channel.products().len(),
            "orders": channel_orders.len(), "newest_orders": channel_rows,
            "stock_writes": channel.stock_writes(),
            "requests": channel_stats.requests, "throttled": channel_stats.throttled,
            "mistakes": channel_stats.mistakes,
        },
    });
    if let Some(market) = &stage.sandbox.mirakl {
        all["mirakl"] = mirakl::state(market);
    }
    if let Some(market) = &stage.sandbox.practice {
        all["practice"] = practice::state(market);
    }
    Ok(axum::Json(all))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    sku: String,
    #[serde(default = "one")]
    quantity: u32,
}

fn one() -> u32 {
    1
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Buy {
    items: Vec<Wanted>,
    pieces: u32,
    payment_pending: bool,
    force: bool,
    placed_at: Option<Timestamp>,
    shipping_fee: Decimal,
    discount_per_item: Decimal,
    venture_items: Vec<Wanted>,
}

impl Default for Buy {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            pieces: 1,
            payment_pending: false,
            force: false,
            placed_at: None,
            shipping_fee: Decimal::ZERO,
            discount_per_item: Decimal::ZERO,
            venture_items: Vec::new(),
        }
    }
}

fn pairs(wanted: Vec<Wanted>) -> Vec<(String, u32)> {
    wanted.into_iter().map(|w| (w.sku, w.quantity)).collect()
}

async fn buy(State(stage): Shared, body: Bytes) -> Answer {
    let buy: Buy = parse(
        &body,
        r#"{"items": [{"sku": "KS-TIDE-NVY-32", "quantity": 2}]}"#,
    )?;
    let purchase = Purchase {
        payment_pending: buy.payment_pending,
        placed_at: buy.placed_at,
        force: buy.force,
        shipping_fee: buy.shipping_fee,
        discount_per_item: buy.discount_per_item,
        venture_items: pairs(buy.venture_items),
    };
    let mut story = stage.story.lock().await;
    let items = pairs(buy.items);
    let (order, text) = if items.is_empty() && purchase.venture_items.is_empty() {
        if !(1..=100).contains(&buy.pieces) {
            return Err(Refusal::Request(format!(
                "\"pieces\" is {}; it has to be 1 to 100",
                buy.pieces
            )));
        }
        story.buy_anything(buy.pieces, purchase)?
    } else {
        story.buy(&items, purchase)?
    };
    Ok(axum::Json(json!({ "text": text, "order": order })))
}

async fn release(State(stage): Shared) -> Answer {
    told(stage.story.lock().await.release_payment()?)
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Sell {
    sku: Option<String>,
    quantity: Option<u32>,
}

async fn sell(State(stage): Shared, body: Bytes) -> Answer {
    let sell: Sell = parse(&body, r#"{"sku": "KS-TIDE-NVY-32", "quantity": 1}"#)?;
    let mut story = stage.story.lock().await;
    match (sell.sku, sell.quantity) {
        (None, None) => told(story.buy_in_shop()?),
        (Some(sku), quantity) => told(story.sell(&sku, quantity.unwrap_or(1))?),
        (None, Some(_)) => Err(Refusal::Request(
            "\"quantity\" needs a \"sku\" beside it; send both, or neither to sell anything".into(),
        )),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pack {
    order: String,
    #[serde(default = "whole")]
    packing: Packing,
}

fn whole() -> Packing {
    Packing::Whole
}

async fn pack(State(stage): Shared, body: Bytes) -> Answer {
    let pack: Pack = parse(&body, r#"{"order": "914002771", "packing": "whole"}"#)?;
    let texts = stage.story.lock().await.pack(&pack.order, pack.packing)?;
    Ok(axum::Json(json!({ "texts": texts })))
}

async fn tracking(State(stage): Shared) -> Answer {
    told(stage.story.lock().await.add_tracking()?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cancel {
    order: String,
    side: Side,
}

async fn cancel(State(stage): Shared, body: Bytes) -> Answer {
    let cancel: Cancel = parse(&body, r#"{"order": "914002771", "side": "seller-center"}"#)?;
    let mut story = stage.story.lock().await;
    told(match cancel.side {
        Side::Shopify => story.cancel_in_shop(&cancel.order)?,
        Side::SellerCenter => story.cancel_on_channel(&cancel.order)?,
        Side::Mirakl => mirakl::cancel_lines(stage.mirakl()?, &cancel.order, &[])?,
        Side::Practice => practice::cancel_pieces(stage.practice()?, &cancel.order, &[])?,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stock {
    sku: String,
    location: Option<String>,
    available: Option<i64>,
    change: Option<i64>,
}

async fn stock(State(stage): Shared, body: Bytes) -> Answer {
    let stock: Stock = parse(&body, r#"{"sku": "KS-TIDE-NVY-32", "available": 4}"#)?;
    let locations = &stage.sandbox.locations;
    let place = match &stock.location {
        None => 0,
        Some(wanted) => locations
            .iter()
            .zip(LOCATIONS)
            .position(|(id, name)| id == wanted || name == wanted)
            .ok_or_else(|| {
                Refusal::Request(format!(
                    "\"location\" is \"{wanted}\"; it has to be \"{}\" or \"{}\"",
                    LOCATIONS[0], LOCATIONS[1]
                ))
            })?,
    };
    let shop = &stage.sandbox.shopify;
    let known = shop
        .variants()
        .iter()
        .any(|v| v.sku.as_deref() == Some(&stock.sku));
    if !known {
        return Err(Refusal::Request(format!(
            "\"sku\" is \"{}\", which no variant in Shopify has; name one that exists",
            stock.sku
        )));
    }
    let (sku, at) = (&stock.sku, LOCATIONS[place]);
    match (stock.available, stock.change) {
        (Some(n), None) => {
            shop.set_available(sku, &locations[place], n);
            told(format!("{n} x {sku} are available at the {at}"))
        }
        (None, Some(by)) => {
            shop.adjust(sku, &locations[place], by);
            told(format!("{by:+} x {sku} at the {at}"))
        }
        _ => Err(Refusal::Request(
            "send either \"available\", the new number, or \"change\", what is added".into(),
        )),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rename {
    side: Side,
    from: String,
    to: String,
}

async fn sku(State(stage): Shared, body: Bytes) -> Answer {
    if body.trim_ascii().is_empty() {
        return told(stage.story.lock().await.edit_sku()?);
    }
    let rename: Rename = parse(&body, r#"{"side": "shopify", "from": "old", "to": "new"}"#)?;
    let unknown = |whose: &str| {
        Refusal::Request(format!(
            "\"from\" is \"{}\", which nothing at {whose} has as its SKU",
            rename.from
        ))
    };
    match rename.side {
        Side::Shopify => {
            let shop = &stage.sandbox.shopify;
            let variant = shop
                .variants()
                .into_iter()
                .find(|v| v.sku.as_deref() == Some(&rename.from))
                .ok_or_else(|| unknown("Shopify"))?;
            shop.set_sku(
                &variant.gid,
                Some(&rename.to)
                    .filter(|s| !s.is_empty())
                    .map(String::as_str),
            );
        }
        Side::SellerCenter => {
            let channel = &stage.sandbox.seller_center;
            let product = channel
                .product(&rename.from)
                .into_iter()
                .next()
                .ok_or_else(|| unknown(CHANNEL))?;
            channel.set_seller_sku(product.id, &rename.to);
        }
        Side::Mirakl => {
            let market = stage.mirakl()?;
            if !market.set_sku(&rename.from, &rename.to) {
                return Err(unknown(market.platform_name()));
            }
        }
        Side::Practice => {
            let market = stage.practice()?;
            if !market.set_sku(&rename.from, &rename.to) {
                return Err(unknown(market.name()));
            }
        }
    }
    told(format!("\"{}\" is now \"{}\"", rename.from, rename.to))
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Steps {
    times: u32,
}

impl Default for Steps {
    fn default() -> Self {
        Self { times: 1 }
    }
}

async fn step(State(stage): Shared, body: Bytes) -> Answer {
    let steps: Steps = parse(&body, r#"{"times": 10}"#)?;
    if !(1..=MOST_STEPS).contains(&steps.times) {
        return Err(Refusal::Request(format!(
            "\"times\" is {}; it has to be 1 to {MOST_STEPS}",
            steps.times
        )));
    }
    let mut story = stage.story.lock().await;
    let mut happened = Vec::new();
    for _ in 0..steps.times {
        happened.extend(story.step().await);
        tokio::task::yield_now().await;
    }
    Ok(axum::Json(json!({ "happened": happened })))
}

async fn faults(State(stage): Shared, Path(side): Path<String>) -> Answer {
    let faults = Side::named(&side)?.faults(&stage)?;
    let hits: Vec<Value> = faults
        .hits()
        .into_iter()
        .map(|(rule, hits)| json!({"rule": rule, "hits": hits}))
        .collect();
    Ok(axum::Json(json!({ "rules": faults.rules(), "hits": hits })))
}

/// One rule or a list of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Rules {
    Many(Vec<Value>),
    One(Value),
}

async fn add_faults(State(stage): Shared, Path(side): Path<String>, body: Bytes) -> Answer {
    const EXAMPLE: &str = r#"{"matching": {"path_prefix": "/v2/orders"}, "times": 1, "fault": {"kind": "reset_before"}}"#;
    let faults = Side::named(&side)?.faults(&stage)?;
    let rules = match parse::<Rules>(&body, EXAMPLE)? {
        Rules::Many(all) => all,
        Rules::One(one) => vec![one],
    };
    // All or none: a typing error in the last rule leaves nothing armed.
    let mut read = Vec::new();
    for (i, rule) in rules.into_iter().enumerate() {
        let rule: Rule = serde_json::from_value(rule).map_err(|e| {
            Refusal::Request(format!(
                "rule {} is not understood: {e}; send a rule as in {EXAMPLE}",
                i + 1
            ))
        })?;
        read.push(rule);
    }
    let added = read.len();
    for rule in read {
        faults.add(rule);
    }
    Ok(axum::Json(
        json!({ "added": added, "rules": faults.rules() }),
    ))
}

async fn clear_faults(State(stage): Shared, Path(side): Path<String>) -> Answer {
    Side::named(&side)?.faults(&stage)?.clear();
    told("no faults".into())
}

async fn switches(State(stage): Shared, Path(side): Path<String>) -> Answer {
    Ok(axum::Json(match Side::named(&side)? {
        Side::Shopify => {
            let mut shown = Value::Null;
            stage.sandbox.shopify.switches(|s| shown = json!(s));
            shown
        }
        Side::SellerCenter => {
            let mut shown = Value::Null;
            stage.sandbox.seller_center.switches(|s| shown = json!(s));
            shown
        }
        Side::Mirakl => {
            let mut shown = Value::Null;
            stage.mirakl()?.switches(|s| shown = json!(s));
            shown
        }
        Side::Practice => {
            let mut shown = Value::Null;
            stage.practice()?.switches(|s| shown = json!(s));
            shown
        }
    }))
}

async fn change_switches(State(stage): Shared, Path(side): Path<String>, body: Bytes) -> Answer {
    let change: serde_json::Map<String, Value> = parse(&body, r#"{"maintenance": true}"#)?;
    let mut outcome = Ok(Value::Null);
    match Side::named(&side)? {
        Side::Shopify => stage
            .sandbox
            .shopify
            .switches(|s| outcome = merge(s, change)),
        Side::SellerCenter => stage
            .sandbox
            .seller_center
            .switches(|s| outcome = merge(s, change)),
        Side::Mirakl => stage.mirakl()?.switches(|s| outcome = merge(s, change)),
        Side::Practice => stage.practice()?.switches(|s| outcome = merge(s, change)),
    }
    outcome.map(axum::Json)
}

/// Sets the named members; nothing is set when one of them does not exist or does not fit.
fn merge<T: Serialize + DeserializeOwned>(
    switches: &mut T,
    change: serde_json::Map<String, Value>,
) -> Result<Value, Refusal> {
    let mut all = json!(switches);
    for (name, value) in change {
        let known = all
            .as_object()
            .map(|o| o.keys().cloned().collect::<Vec<_>>())
            .unwrap_or_default();
        let Some(member) = all.get_mut(&name) else {
            return Err(Refusal::Request(format!(
                "there is no switch \"{name}\"; there are {}",
                known.join(", ")
            )));
        };
        let old = std::mem::replace(member, value);
        if let Err(e) = T::deserialize(&all) {
            return Err(Refusal::Request(format!(
                "the switch \"{name}\" cannot be set: {e}; it is now {old}"
            )));
        }
    }
    *switches = T::deserialize(&all)
        .map_err(|e| Refusal::Request(format!("the switches cannot be set: {e}")))?;
    Ok(all)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Verdict {
    channel: Option<String>,
    since: Option<String>,
    buffer: Option<u32>,
    converged: Option<bool>,
}

async fn verdict(
    State(stage): Shared,
    query: Result<Query<Verdict>, axum::extract::rejection::QueryRejection>,
) -> Answer {
    let Query(query) = query.map_err(|e| {
        Refusal::Request(format!(
            "the query is not understood: {e}; use channel, since, buffer and converged, as in ?since=2026-11-24T00:00:00Z&converged=false"
        ))
    })?;
    let mut options = AuditOptions::default();
    if let Some(since) = query.since {
        options.since = since.parse().map_err(|e| {
            Refusal::Request(format!(
                "\"since\" is \"{since}\": {e}; send an RFC 3339 time as in 2026-11-24T00:00:00Z"
            ))
        })?;
    }
    options.buffer = query.buffer.unwrap_or(options.buffer);
    options.converged = query.converged.unwrap_or(options.converged);
    let channel = match query.channel.as_deref() {
        None | Some("seller-center") => Marketplace::SellerCenter(&stage.sandbox.seller_center),
        Some("mirakl") => Marketplace::Mirakl(stage.mirakl()?),
        Some("practice") => Marketplace::Practice(stage.practice()?),
        Some(other) => {
            return Err(Refusal::Request(format!(
                "\"channel\" is \"{other}\"; it has to be \"seller-center\", \"mirakl\" or \"practice\""
            )));
        }
    };
    options.channel_title = channel.title().to_owned();
    let audit = audit_marketplace(&stage.sandbox, channel, &options, &Excuses::default());
    Ok(axum::Json(
        json!({ "ok": audit.ok(), "checks": audit.checks }),
    ))
}
