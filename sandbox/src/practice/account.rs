//! Who the seller is, and the lists that the marketplace keeps.

use serde_json::{Value, json};

use super::call::Call;
use super::reply::{Answer, ok};
use super::state::State;

/// Code and name of the carriers.
pub(super) const CARRIERS: [(&str, &str); 5] = [
    ("auspost", "Australia Post"),
    ("startrack", "StarTrack"),
    ("sendle", "Sendle"),
    ("couriers-please", "Couriers Please"),
    ("aramex", "Aramex Australia"),
];

/// Code and label of the reasons a seller may give.
pub(super) const REASONS: [(&str, &str); 3] = [
    ("out-of-stock", "Out of stock"),
    ("damaged", "Damaged in the warehouse"),
    ("buyer-asked", "The buyer asked for it"),
];

/// A carrier's name.
pub(super) fn carrier_name(code: &str) -> Option<&'static str> {
    let found = CARRIERS.iter().find(|(c, _)| *c == code);
    found.map(|(_, name)| *name)
}

/// `GET /v1/account`.
pub(super) fn account(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &[]);
    let c = &state.config;
    ok(json!({
        "id": c.seller_id, "name": c.seller_name, "country": c.country, "currency": c.currency,
    }))
}

/// `GET /v1/carriers`.
pub(super) fn carriers(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &[]);
    let rows = CARRIERS
        .iter()
        .map(|(code, name)| json!({"code": code, "name": name}));
    ok(json!({"carriers": rows.collect::<Vec<Value>>()}))
}

/// `GET /v1/cancel-reasons`.
pub(super) fn reasons(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &[]);
    let rows = REASONS
        .iter()
        .map(|(code, label)| json!({"code": code, "label": label}));
    ok(json!({"reasons": rows.collect::<Vec<Value>>()}))
}
