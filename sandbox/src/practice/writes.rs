//! Telling parcels and cancelling: writes with a key, which have one effect however often they are sent.

use jiff::Timestamp;
use serde::Deserialize;

use super::account::{REASONS, carrier_name};
use super::call::{Call, Rest};
use super::order_json;
use super::reply::{Answer, Refusal};
use super::state::{Cancellation, Order, ParcelTold, State, Units, number_of};

/// Longest key, in bytes.
const KEY_MAX: usize = 100;

#[derive(Deserialize)]
struct ParcelBody {
    key: String,
    carrier: String,
    tracking: Option<String>,
    shipped_at: Timestamp,
    lines: Vec<Pieces>,
    #[serde(flatten)]
    rest: Rest,
}

#[derive(Deserialize)]
struct CancelBody {
    key: String,
    reason: String,
    lines: Vec<Pieces>,
    #[serde(flatten)]
    rest: Rest,
}

#[derive(Deserialize)]
struct Pieces {
    line: String,
    quantity: u32,
    #[serde(flatten)]
    rest: Rest,
}

/// `POST /v1/orders/{id}/parcels`.
pub(super) fn parcel(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &[]);
    let body: ParcelBody = call.body()?;
    call.ignore(state, &body.rest);
    let key = checked_key(body.key)?;
    let units = pieces(state, call, body.lines)?;
    let order = order(state, call)?;
    let told = ParcelTold {
        key,
        carrier: body.carrier,
        tracking: body.tracking.unwrap_or_default(),
        shipped_at: body.shipped_at,
        units,
    };
    // What was told first stands, before anything else is looked at: the order has changed since.
    if let Some(known) = order.parcels.iter().find(|p| p.told.key == told.key) {
        return match known.told == told {
            true => Ok((200, order_json::parcel(known))),
            false => Err(reused(&told.key)),
        };
    }
    if carrier_name(&told.carrier).is_none() {
        return Err(Refusal::never(format!(
            "there is no carrier \"{}\"; GET /v1/carriers lists them",
            told.carrier
        )));
    }
    if !is_code(&told.tracking) {
        return Err(Refusal::never(format!(
            "\"{}\" is no tracking code: 4 to 40 letters, digits and dashes",
            told.tracking
        )));
    }
    order.check_open(&told.units).map_err(Refusal::refused)?;
    let id = order.id;
    let place = state.ship_units(id, told);
    let made = place.and_then(|place| state.orders.get(&id)?.parcels.get(place));
    let made = made.ok_or_else(|| Refusal::missing("the order is gone"))?;
    Ok((201, order_json::parcel(made)))
}

/// `POST /v1/orders/{id}/cancellations`.
pub(super) fn cancellation(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &[]);
    let body: CancelBody = call.body()?;
    call.ignore(state, &body.rest);
    let key = checked_key(body.key)?;
    let units = pieces(state, call, body.lines)?;
    let order = order(state, call)?;
    let id = order.id;
    let told = Cancellation {
        key,
        reason: body.reason,
        units,
    };
    let known = order.cancellations.iter().find(|c| c.key == told.key);
    let status = match known {
        Some(known) if *known != told => return Err(reused(&told.key)),
        Some(_) => 200,
        None => {
            if !REASONS.iter().any(|(code, _)| *code == told.reason) {
                return Err(Refusal::never(format!(
                    "there is no reason \"{}\"; GET /v1/cancel-reasons lists them",
                    told.reason
                )));
            }
            order.check_open(&told.units).map_err(Refusal::refused)?;
            state.drop_units(id, &told.units);
            if let Some(order) = state.orders.get_mut(&id) {
                order.cancellations.push(told);
            }
            201
        }
    };
    let order = state
        .orders
        .get(&id)
        .ok_or_else(|| Refusal::missing("the order is gone"))?;
    Ok((status, order_json::order(order, &state.config.currency)))
}

/// The order that the path names.
fn order<'a>(state: &'a State, call: &Call) -> Result<&'a Order, Refusal> {
    let id = call.param("order");
    let order = number_of('O', id).and_then(|n| state.orders.get(&n));
    order.ok_or_else(|| Refusal::missing(format!("there is no order \"{id}\"")))
}

fn checked_key(key: String) -> Result<String, Refusal> {
    match (1..=KEY_MAX).contains(&key.len()) {
        true => Ok(key),
        false => Err(Refusal::invalid(format!(
            "key has {} bytes; it has to have 1 to {KEY_MAX}",
            key.len()
        ))),
    }
}

fn reused(key: &str) -> Refusal {
    Refusal::conflict(format!("the key \"{key}\" was used with another body"))
}

fn pieces(state: &mut State, call: &Call, lines: Vec<Pieces>) -> Result<Units, Refusal> {
    let mut units = Units::new();
    for piece in lines {
        call.ignore(state, &piece.rest);
        if piece.quantity == 0 {
            return Err(Refusal::invalid(format!(
                "line {} has the quantity 0",
                piece.line
            )));
        }
        let n = units.entry(piece.line).or_insert(0u32);
        *n = n.saturating_add(piece.quantity);
    }
    match units.is_empty() {
        true => Err(Refusal::invalid("lines is empty")),
        false => Ok(units),
    }
}

fn is_code(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    (4..=40).contains(&text.len()) && text.bytes().all(fits)
}
