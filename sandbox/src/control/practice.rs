//! What people do at the marketplace to learn with.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::{get, post};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Refusal, SHOWN, Shared, Stage, Wanted, pairs, parse, told};
use crate::practice::{Practice, Purchase};
use crate::seller_center::Buyer;

pub(super) fn router() -> Router<Arc<Stage>> {
    Router::new()
        .route("/control/practice/buy", post(buy))
        .route("/control/practice/cancel", post(cancel))
        .route("/control/practice/state", get(shown))
}

/// Counts, and the newest orders.
pub(super) fn state(market: &Practice) -> Value {
    let (orders, stats) = (market.orders(), market.stats());
    let newest: Vec<_> = orders.iter().rev().take(SHOWN).collect();
    let listings = market.listings();
    let writes: u64 = listings.iter().map(|l| l.stock_writes).sum();
    json!({
        "url": market.url(), "name": market.name(), "listings": listings.len(),
        "orders": orders.len(), "newest_orders": newest, "stock_writes": writes,
        "requests": stats.requests, "throttled": stats.throttled, "mistakes": stats.mistakes,
    })
}

async fn shown(stage: Shared) -> Answer {
    let State(stage) = stage;
    let market = stage.practice()?;
    let mut all = state(market);
    all["all_listings"] = json!(market.listings());
    Ok(axum::Json(all))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Buy {
    lines: Vec<Wanted>,
    #[serde(default)]
    force: bool,
    placed_at: Option<Timestamp>,
    shipping: Option<Decimal>,
    /// Which buyer; another one each time when absent.
    buyer: Option<u64>,
}

async fn buy(State(stage): Shared, body: Bytes) -> Answer {
    let buy: Buy = parse(
        &body,
        r#"{"lines": [{"sku": "KS-TIDE-NVY-32", "quantity": 2}]}"#,
    )?;
    let market = stage.practice()?;
    let usual = Purchase::default();
    let purchase = Purchase {
        placed_at: buy.placed_at,
        force: buy.force,
        shipping: buy.shipping.unwrap_or(usual.shipping),
    };
    let buyer = Buyer::random(buy.buyer.unwrap_or(market.orders().len() as u64));
    let name = format!("{} {}", buyer.first_name, buyer.last_name);
    let wanted = pairs(buy.lines);
    let lines: Vec<(&str, u32)> = wanted.iter().map(|(s, n)| (s.as_str(), *n)).collect();
    let title = market.name();
    let order = market
        .buy(&lines, buyer, &purchase)
        .map_err(|why| Refusal::Conflict(format!("{title} does not sell it: {why}")))?;
    let text = format!("{name} buys on {title}, order {}", order.number);
    Ok(axum::Json(json!({"text": text, "order": order})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cancel {
    /// Id or number.
    order: String,
    #[serde(default)]
    lines: Vec<Pieces>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pieces {
    line: String,
    #[serde(default = "super::one")]
    quantity: u32,
}

async fn cancel(State(stage): Shared, body: Bytes) -> Answer {
    let given: Cancel = parse(
        &body,
        r#"{"order": "PM-20001", "lines": [{"line": "1", "quantity": 1}]}"#,
    )?;
    let lines: Vec<(&str, u32)> = (given.lines.iter())
        .map(|p| (p.line.as_str(), p.quantity))
        .collect();
    told(cancel_pieces(stage.practice()?, &given.order, &lines)?)
}

/// The buyer cancels pieces of an order, or all that is open.
pub(super) fn cancel_pieces(
    market: &Practice,
    order: &str,
    lines: &[(&str, u32)],
) -> Result<String, Refusal> {
    let refused = |why| Refusal::Conflict(format!("nothing is cancelled: {why}"));
    match market.cancel(order, lines).map_err(refused)? {
        0 => Err(refused(format!("nothing of order {order} is open"))),
        n => Ok(format!("The buyer cancels {n} pieces of order {order}")),
    }
}
