//! Reading orders, page by page or by id.

use std::collections::HashSet;

use serde_json::Value;

use crate::api::{Api, MOST, path, rows};
use crate::order::{self, Terms};
use crate::shipments;
use lockstep_sdk::http::Path;
use lockstep_sdk::json::{Node, shorten};
use lockstep_sdk::orders::OrderPage;
use lockstep_sdk::types::{Fault, Order};

/// States in which an order may have shipments that matter.
const WITH_PARCELS: [&str; 4] = ["SHIPPING", "SHIPPED", "TO_COLLECT", "RECEIVED"];

/// Orders with a change at or after `since`. The marketplace sorts by creation; without an end to the window rows can
/// only enter it while one walks, which repeats rows and hides none.
pub fn changed(api: Api<'_>, since: &str, cursor: Option<&str>) -> Result<OrderPage, Fault> {
    let since = lockstep_sdk::time::parse(since)
        .ok_or_else(|| Fault::reject(format!("\"{since}\" is no point in time (RFC 3339)")))?;
    let offset: usize = match cursor {
        None => 0,
        Some(text) => text.parse().map_err(|_| {
            Fault::Other(format!(
                "the cursor \"{}\" is none of this connector; start the walk anew",
                shorten(text, 60)
            ))
        })?,
    };
    let terms = Terms::of(api);
    // Whole seconds, rounded down.
    let start = since.as_second();
    let start = jiff::Timestamp::from_second(start).unwrap_or(since);
    let request = list(api, &terms)
        .with("start_update_date", start)
        .with("max", MOST)
        .with("offset", offset)
        .with("order", "asc");
    let answer = api.read(request)?;
    let (rows, total) = rows(&answer, "orders")?;
    let end = offset + rows.len();
    let more = match total {
        Some(total) => end < total && !rows.is_empty(),
        None => rows.len() >= MOST,
    };
    Ok(OrderPage {
        orders: read(api, &rows, &terms)?,
        next: more.then(|| end.to_string()),
        wait_ms: None,
    })
}

/// Whole orders by id; unknown ids are left out.
pub fn by_id(api: Api<'_>, ids: &[String]) -> Result<Vec<Order>, Fault> {
    let terms = Terms::of(api);
    let mut orders = Vec::new();
    for chunk in select(api, ids, &terms)? {
        orders.extend(read(api, &rows_of(&chunk, ids)?, &terms)?);
    }
    Ok(orders)
}

/// An order as the marketplace writes it; none where it does not exist.
pub fn raw(api: Api<'_>, id: &str, terms: &Terms) -> Result<Option<Value>, Fault> {
    let ids = [id.to_owned()];
    for answer in select(api, &ids, terms)? {
        if let Some(row) = rows_of(&answer, &ids)?.first() {
            return Ok(Some(row.value().clone()));
        }
    }
    Ok(None)
}

/// The answers that hold the orders of these ids.
fn select(api: Api<'_>, ids: &[String], terms: &Terms) -> Result<Vec<Value>, Fault> {
    let mut seen = HashSet::new();
    // A comma parts ids, so that none can hold one.
    let ids: Vec<&str> = (ids.iter().map(String::as_str))
        .filter(|id| !id.trim().is_empty() && !id.contains(',') && seen.insert(*id))
        .collect();
    let paths = ids.chunks(MOST).map(|chunk| {
        list(api, terms)
            .with("order_ids", chunk.join(","))
            .with("max", MOST)
    });
    api.read_all(paths.collect()).into_iter().collect()
}

fn rows_of<'a>(answer: &'a Value, ids: &[String]) -> Result<Vec<Node<'a>>, Fault> {
    let (mut rows, _) = rows(answer, "orders")?;
    let mut seen = HashSet::new();
    // A filter that is not understood brings others.
    rows.retain(|row| {
        let id = row.get("order_id").exact();
        id.is_some_and(|id| ids.contains(&id) && seen.insert(id))
    });
    Ok(rows)
}

/// The list of orders. The basis of amounts is always asked for, so that a change of the operator's changes none.
fn list(api: Api<'_>, terms: &Terms) -> Path {
    path(api, &["orders"]).with("order_tax_mode", terms.tax_mode())
}

fn read(api: Api<'_>, rows: &[Node<'_>], terms: &Terms) -> Result<Vec<Order>, Fault> {
    let with_parcels: Vec<String> = (rows.iter())
        .filter(|row| {
            let state = row.get("order_state").text().unwrap_or_default();
            WITH_PARCELS.contains(&state.as_str())
        })
        .filter_map(|row| row.get("order_id").exact())
        .collect();
    let ids: Vec<&str> = with_parcels.iter().map(String::as_str).collect();
    let parcels = match ids.is_empty() {
        true => None,
        false => shipments::of(api, &ids)?,
    };
    let parcels = parcels.unwrap_or_default();
    let mut orders = Vec::with_capacity(rows.len());
    for row in rows {
        match order::read(*row, terms, &parcels) {
            Ok(order) => orders.push(order),
            Err(why) => api.error(&format!("GET /api/orders: an order is left out: {why}")),
        }
    }
    Ok(orders)
}

#[cfg(test)]
#[path = "orders_tests.rs"]
mod tests;
