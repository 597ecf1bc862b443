//! What people do at a Mirakl marketplace.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Refusal, SHOWN, Shared, Stage, Wanted, pairs, parse, told};
use crate::mirakl::{Mirakl, Purchase, Wish};
use crate::seller_center::Buyer;

/// The longest step of the clock, in seconds: a year.
const LONGEST: i64 = 366 * 24 * 3_600;

pub(super) fn router() -> Router<Arc<Stage>> {
    Router::new()
        .route("/control/mirakl/buy", post(buy))
        .route("/control/mirakl/release", post(release))
        .route("/control/mirakl/debit", post(debit))
        .route("/control/mirakl/refuse-debit", post(refuse_debit))
        .route("/control/mirakl/cancel", post(cancel))
        .route(
            "/control/mirakl/request-cancellation",
            post(request_cancellation),
        )
        .route("/control/mirakl/receive", post(receive))
        .route("/control/mirakl/settle", post(settle))
        .route("/control/mirakl/advance", post(advance))
}

/// Counts, and the newest orders.
pub(super) fn state(market: &Mirakl) -> Value {
    let (orders, stats) = (market.orders(), market.stats());
    let newest: Vec<_> = orders.iter().rev().take(SHOWN).collect();
    json!({
        "url": market.url(), "name": market.platform_name(), "offers": market.offers().len(),
        "orders": orders.len(), "newest_orders": newest, "imports": market.imports().len(),
        "stock_writes": market.stock_writes(), "requests": stats.requests,
        "throttled": stats.throttled, "mistakes": stats.mistakes,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Buy {
    lines: Vec<Wanted>,
    #[serde(default)]
    staging: bool,
    #[serde(default)]
    force: bool,
    placed_at: Option<Timestamp>,
    #[serde(default)]
    shipping_per_line: Decimal,
    #[serde(default)]
    discount_per_unit: Decimal,
    shipping_type: Option<String>,
    /// Which customer; another one each time when absent.
    buyer: Option<u64>,
}

async fn buy(State(stage): Shared, body: Bytes) -> Answer {
    let buy: Buy = parse(
        &body,
        r#"{"lines": [{"sku": "KS-TIDE-NVY-32", "quantity": 2}]}"#,
    )?;
    let market = stage.mirakl()?;
    let purchase = Purchase {
        staging: buy.staging,
        placed_at: buy.placed_at,
        force: buy.force,
        shipping_per_line: buy.shipping_per_line,
        discount_per_unit: buy.discount_per_unit,
        shipping_type: buy.shipping_type.unwrap_or_else(|| "STD".to_owned()),
    };
    let seed = buy.buyer.unwrap_or(market.orders().len() as u64);
    let buyer = Buyer::random(seed);
    let name = format!("{} {}", buyer.first_name, buyer.last_name);
    let wanted = pairs(buy.lines);
    let lines: Vec<(&str, u32)> = wanted.iter().map(|(s, n)| (s.as_str(), *n)).collect();
    let title = market.platform_name();
    let order = market
        .buy(&lines, buyer, &purchase)
        .map_err(|why| Refusal::Conflict(format!("{title} does not sell it: {why}")))?;
    let text = format!("{name} buys on {title}, order {}", order.id);
    Ok(axum::Json(json!({"text": text, "order": order})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    order: String,
    #[serde(default)]
    lines: Vec<String>,
}

/// The order a body names, which has to be there.
fn named(market: &Mirakl, body: &[u8]) -> Result<Order, Refusal> {
    let given: Order = parse(body, r#"{"order": "TP-4411902-A"}"#)?;
    match market.order(&given.order) {
        Some(_) => Ok(given),
        None => Err(Refusal::Conflict(format!(
            "{} has no order {}",
            market.platform_name(),
            given.order
        ))),
    }
}

async fn release(State(stage): Shared, body: Bytes) -> Answer {
    let market = stage.mirakl()?;
    let order = named(market, &body)?.order;
    market.release(&order);
    told(format!("{} releases order {order}", market.platform_name()))
}

async fn debit(State(stage): Shared, body: Bytes) -> Answer {
    let market = stage.mirakl()?;
    let order = named(market, &body)?.order;
    match market.debit(&order) {
        true => told(format!("The money of order {order} is there")),
        false => Err(nothing_waits(&order)),
    }
}

async fn refuse_debit(State(stage): Shared, body: Bytes) -> Answer {
    let market = stage.mirakl()?;
    let order = named(market, &body)?.order;
    match market.refuse_debit(&order) {
        true => told(format!("The payment of order {order} fails")),
        false => Err(nothing_waits(&order)),
    }
}

fn nothing_waits(order: &str) -> Refusal {
    Refusal::Conflict(format!(
        "nothing of order {order} waits for money; accept it first"
    ))
}

async fn cancel(State(stage): Shared, body: Bytes) -> Answer {
    let market = stage.mirakl()?;
    let given = named(market, &body)?;
    let lines: Vec<&str> = given.lines.iter().map(String::as_str).collect();
    told(cancel_lines(market, &given.order, &lines)?)
}

/// The operator cancels lines of an order, or all of it.
pub(super) fn cancel_lines(
    market: &Mirakl,
    order: &str,
    lines: &[&str],
) -> Result<String, Refusal> {
    match market.cancel(order, lines) {
        0 => Err(Refusal::Conflict(format!(
            "nothing of order {order} can be cancelled at {}",
            market.platform_name()
        ))),
        n => Ok(format!(
            "{} cancels {n} lines of order {order}",
            market.platform_name()
        )),
    }
}

async fn request_cancellation(State(stage): Shared, body: Bytes) -> Answer {
    let market = stage.mirakl()?;
    let order = named(market, &body)?.order;
    let wish = market
        .request_cancellation(&order)
        .map_err(Refusal::Conflict)?;
    told(match wish {
        Wish::Canceled => format!("The customer cancels order {order}"),
        Wish::Incident => {
            format!("The customer opens an incident on order {order}: it should not be sent")
        }
    })
}

async fn receive(State(stage): Shared, body: Bytes) -> Answer {
    let market = stage.mirakl()?;
    let order = named(market, &body)?.order;
    market.receive(&order);
    told(format!("What was shipped of order {order} arrives"))
}

async fn settle(State(stage): Shared) -> Answer {
    let ended = stage.mirakl()?.settle_imports();
    told(format!("{ended} imports end"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: i64,
}

async fn advance(State(stage): Shared, body: Bytes) -> Answer {
    let market = stage.mirakl()?;
    let Advance { seconds } = parse(&body, r#"{"seconds": 600}"#)?;
    if !(0..=LONGEST).contains(&seconds) {
        return Err(Refusal::Request(format!(
            "\"seconds\" is {seconds}; it has to be 0 to {LONGEST}"
        )));
    }
    market.advance(SignedDuration::from_secs(seconds));
    told(format!("{} is {seconds} s further", market.platform_name()))
}
