//! Reading orders.

use std::fmt;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::call::Call;
use super::order_json;
use super::reply::{Answer, Refusal, ok};
use super::state::{Order, State, number_of};

/// Values of `id` in one call.
const AT_ONCE: usize = 50;

/// The order of a list of changes: by time, and by id within one millisecond.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Changed(Timestamp, u64);

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0.as_millisecond(), self.1)
    }
}

impl Changed {
    fn of(order: &Order) -> Self {
        Self(order.updated_at, order.id)
    }

    fn read(text: &str) -> Option<Self> {
        let (at, id) = text.split_once(' ')?;
        let at = Timestamp::from_millisecond(at.parse().ok()?).ok()?;
        Some(Self(at, id.parse().ok()?))
    }
}

/// `GET /v1/orders`.
pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &["id", "changed_since", "limit", "cursor"]);
    let ids = call.many("id", AT_ONCE)?;
    let since = call.time("changed_since")?;
    let currency = &state.config.currency;
    if !ids.is_empty() {
        if since.is_some() {
            return Err(Refusal::invalid(
                "id and changed_since are not asked together",
            ));
        }
        let ids: Vec<u64> = ids
            .into_iter()
            .filter_map(|id| number_of('O', id))
            .collect();
        let named = state.orders.values().filter(|o| ids.contains(&o.id));
        let rows: Vec<Value> = named.map(|o| order_json::order(o, currency)).collect();
        return ok(json!({"orders": rows, "next": null}));
    }
    let mut found: Vec<&Order> = (state.orders.values())
        .filter(|o| since.is_none_or(|since| o.updated_at >= since))
        .collect();
    found.sort_by_key(|o| Changed::of(o));
    let all = (found.into_iter()).map(|o| (Changed::of(o), order_json::order(o, currency)));
    call.page(state, "orders", all, Changed::read)
}
