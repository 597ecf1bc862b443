//! Reading listings and writing stock.

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Call, Rest};
use super::reply::{Answer, Refusal, ok};
use super::state::{Listing, State, id_of, number_of, stamp};

/// Values of `id` or `sku`, and levels, in one call.
const AT_ONCE: usize = 100;

fn row(listing: &Listing) -> Value {
    json!({
        "id": id_of('L', listing.id), "sku": listing.sku, "title": listing.title,
        "quantity": listing.quantity, "active": listing.active,
        "price": listing.price.to_string(), "updated_at": stamp(listing.updated_at),
    })
}

/// `GET /v1/listings`.
pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &["id", "sku", "limit", "cursor"]);
    let ids = call.many("id", AT_ONCE)?;
    let skus = call.many("sku", AT_ONCE)?;
    if !ids.is_empty() && !skus.is_empty() {
        return Err(Refusal::invalid("id and sku are not asked together"));
    }
    if ids.is_empty() && skus.is_empty() {
        let all = state.listings.values().map(|l| (l.id, row(l)));
        return call.page(state, "listings", all, |text| text.parse().ok());
    }
    let ids: Vec<u64> = ids
        .into_iter()
        .filter_map(|id| number_of('L', id))
        .collect();
    let named = |l: &&Listing| ids.contains(&l.id) || skus.contains(&l.sku.as_str());
    let rows: Vec<Value> = state.listings.values().filter(named).map(row).collect();
    ok(json!({"listings": rows, "next": null}))
}

#[derive(Deserialize)]
struct Levels {
    levels: Vec<Level>,
    #[serde(flatten)]
    rest: Rest,
}

#[derive(Deserialize)]
struct Level {
    listing: String,
    /// Looked at one by one: a wrong number spoils its own level only.
    quantity: Value,
    #[serde(flatten)]
    rest: Rest,
}

/// `PUT /v1/stock`.
pub(super) fn write(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &[]);
    let body: Levels = call.body()?;
    call.ignore(state, &body.rest);
    if body.levels.is_empty() || body.levels.len() > AT_ONCE {
        return Err(Refusal::invalid(format!(
            "there are {} levels; 1 to {AT_ONCE} are taken at once",
            body.levels.len()
        )));
    }
    let now = state.now();
    let mut results = Vec::with_capacity(body.levels.len());
    for level in body.levels {
        call.ignore(state, &level.rest);
        let outcome = set(state, &level).map(|listing| {
            listing.writes += 1;
            listing.updated_at = now;
        });
        results.push(match outcome {
            Ok(()) => json!({"listing": level.listing, "ok": true}),
            Err(why) => {
                if !why.of_state {
                    state.mistake(format!("PUT /v1/stock: {}", why.reason()));
                }
                json!({"listing": level.listing, "ok": false, "error": why.error()})
            }
        });
    }
    ok(json!({ "results": results }))
}

fn set<'a>(state: &'a mut State, level: &Level) -> Result<&'a mut Listing, Refusal> {
    let quantity = (level.quantity.as_u64())
        .and_then(|n| u32::try_from(n).ok())
        .ok_or_else(|| {
            Refusal::invalid(format!(
                "quantity is {}; it has to be 0 or more",
                level.quantity
            ))
        })?;
    let id = number_of('L', &level.listing);
    let listing = id.and_then(|id| state.listings.get_mut(&id));
    let listing = listing
        .ok_or_else(|| Refusal::missing(format!("there is no listing \"{}\"", level.listing)))?;
    listing.quantity = quantity;
    Ok(listing)
}
