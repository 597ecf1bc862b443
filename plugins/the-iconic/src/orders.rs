//! Reading orders, page by page or by id. Items come embedded: one request is enough for a page.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use lockstep_sdk::http::Path;

use crate::api::Api;
use crate::page::Pagination;
use crate::{order, time};
use lockstep_sdk::json::{Node, shorten};
use lockstep_sdk::orders::OrderPage;
use lockstep_sdk::types::{Fault, Order};

/// Orders of one page. The platform's maximum is not public.
const PAGE: u64 = 50;
/// The currency of orders that name none, unless the setting says otherwise.
const CURRENCY: &str = "AUD";

/// A position in a walk: the offset of the last order of the page before, and its id.
///
/// Rows move while one walks: an order that changes leaves its place for the end, and all behind it move up. So
/// a page begins with the last row of the page before. Where that row is not found again, some were missed, and
/// the page before is read once more.
#[derive(Debug, PartialEq)]
struct Cursor {
    offset: u64,
    last: Option<String>,
}

impl Cursor {
    fn parse(text: Option<&str>) -> Result<Self, Fault> {
        let Some(text) = text else {
            return Ok(Self {
                offset: 0,
                last: None,
            });
        };
        let (offset, last) = text.split_once(' ').unwrap_or((text, ""));
        let offset = offset.parse().map_err(|_| {
            Fault::Other(format!(
                "the cursor \"{}\" is none of this connector; start the walk anew",
                shorten(text, 60)
            ))
        })?;
        Ok(Self {
            offset,
            last: (!last.is_empty()).then(|| last.to_owned()),
        })
    }

    fn text(offset: u64, last: &str) -> String {
        format!("{offset} {last}")
    }
}

/// Orders with an item that changed at or after `since`, oldest first.
pub fn changed(api: Api<'_>, since: &str, cursor: Option<&str>) -> Result<OrderPage, Fault> {
    let from = lockstep_sdk::time::parse(since)
        .ok_or_else(|| Fault::reject(format!("\"{since}\" is no point in time (RFC 3339)")))?;
    let cursor = Cursor::parse(cursor)?;
    let read = |offset: u64| {
        let path = Path::new("/v2/orders")
            .with("limit", PAGE)
            .with("offset", offset)
            .with("updateDateStart", time::filter(from))
            .with("sort", "updatedAt")
            .with("sortDir", "asc")
            .with("includeVoucherDetails", 1);
        page(api, path, offset)
    };
    let answer = read(cursor.offset)?;
    let mut orders = answer.orders;
    let mut earlier = Vec::new();
    let mut known = false;
    if let Some(last) = &cursor.last {
        match orders.iter().position(|order| &order.id == last) {
            Some(index) => {
                known = true;
                orders.drain(..=index);
            }
            None => {
                let offset = cursor.offset.saturating_sub(PAGE);
                if offset < cursor.offset {
                    earlier = read(offset)?.orders;
                }
            }
        }
    }
    // Nothing but the row that was known already: without a better sign that is the end, too.
    let stuck = known && orders.is_empty();
    let ended = answer.ended || (stuck && !answer.goes_on);
    let next = (!ended).then(|| match &answer.last_id {
        Some(last) if !stuck => Cursor::text(cursor.offset + answer.rows - 1, last),
        _ => Cursor::text(cursor.offset + answer.rows, ""),
    });
    let mut seen = HashSet::new();
    let orders = earlier
        .into_iter()
        .chain(orders)
        .filter(|order| seen.insert(order.id.clone()))
        .collect();
    Ok(OrderPage {
        orders,
        next,
        wait_ms: None,
    })
}

/// Whole orders by id; unknown ids are left out.
pub fn by_id(api: Api<'_>, ids: &[String]) -> Result<Vec<Order>, Fault> {
    let mut found = Vec::new();
    let (numbers, ids): (Vec<&String>, Vec<&String>) =
        ids.iter().partition(|id| id.starts_with(order::BY_NUMBER));
    let numbers: Vec<&str> = numbers
        .iter()
        .filter_map(|id| id.strip_prefix(order::BY_NUMBER))
        .collect();
    let ids: Vec<&str> = ids
        .into_iter()
        .map(String::as_str)
        .filter(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()))
        .collect();
    for chunk in ids.chunks(PAGE as usize) {
        found.extend(select(api, "orderIds[]", chunk, |order| order.id.as_str())?);
    }
    // Orders without a readable id: should they have one by now, they are told under the id they were asked by.
    for chunk in numbers.chunks(PAGE as usize) {
        let orders = select(api, "orderNumbers[]", chunk, |order| order.number.as_str())?;
        found.extend(orders.into_iter().map(|order| Order {
            id: format!("{}{}", order::BY_NUMBER, order.number),
            ..order
        }));
    }
    Ok(found)
}

/// The orders whose key is among the wanted.
fn select(
    api: Api<'_>,
    parameter: &str,
    wanted: &[&str],
    key: impl Fn(&Order) -> &str,
) -> Result<Vec<Order>, Fault> {
    let mut missing: Vec<&str> = wanted.to_vec();
    missing.sort_unstable();
    missing.dedup();
    let mut found = Vec::new();
    let mut offset = 0;
    loop {
        let path = Path::new("/v2/orders")
            .with("limit", PAGE)
            .with("offset", offset)
            .with_each(parameter, wanted)
            .with("includeVoucherDetails", 1);
        let answer = page(api, path, offset)?;
        let rows = answer.rows;
        let mut strangers = false;
        for order in answer.orders {
            match missing.iter().position(|wanted| *wanted == key(&order)) {
                Some(index) => {
                    missing.swap_remove(index);
                    found.push(order);
                }
                None => strangers = true,
            }
        }
        // A filter that the platform does not understand is ignored without a word: all orders come.
        if strangers && !missing.is_empty() && parameter == "orderIds[]" {
            found.extend(one_by_one(api, &missing)?);
            return Ok(found);
        }
        if missing.is_empty() || strangers || answer.ended {
            return Ok(found);
        }
        offset += rows;
    }
}

fn one_by_one(api: Api<'_>, ids: &[&str]) -> Result<Vec<Order>, Fault> {
    let currency = currency(api);
    let mut found = Vec::new();
    for id in ids {
        let text = match api.read_text(Path::new("/v2/orders").segment(id)) {
            Ok(text) => text,
            Err(Fault::Missing(_)) => continue,
            Err(fault) => return Err(fault),
        };
        let raw: &RawValue = serde_json::from_str(text.trim()).map_err(|error| {
            Fault::Protocol(format!(
                "GET /v2/orders/{id}: the answer is not JSON ({error}): {}",
                shorten(&text, 200)
            ))
        })?;
        match order::read(raw, &currency) {
            Ok(order) if order.id == **id => found.push(order),
            Ok(order) => {
                return Err(Fault::Protocol(format!(
                    "GET /v2/orders/{id}: the answer is order {}",
                    order.id
                )));
            }
            Err(why) => return Err(Fault::Protocol(format!("GET /v2/orders/{id}: {why}"))),
        }
    }
    Ok(found)
}

fn currency(api: Api<'_>) -> String {
    let set = api
        .setting("currency")
        .filter(|text| !text.trim().is_empty());
    set.map_or_else(|| CURRENCY.to_owned(), |text| text.trim().to_owned())
}

/// A page as it came.
struct Answer {
    orders: Vec<Order>,
    /// Rows on the wire.
    rows: u64,
    /// The id of the last of them.
    last_id: Option<String>,
    ended: bool,
    /// The answer says that there is more, rather than nothing.
    goes_on: bool,
}

fn page(api: Api<'_>, path: Path, offset: u64) -> Result<Answer, Fault> {
    /// The rows stay text, so that one that cannot be read costs only itself.
    #[derive(Deserialize)]
    struct Wrapped<'a> {
        #[serde(borrow)]
        items: Option<&'a RawValue>,
        pagination: Option<Value>,
    }
    let text = api.read_text(path)?;
    let text = text.trim();
    let broken = |why: &dyn std::fmt::Display| {
        Fault::Protocol(format!(
            "GET /v2/orders: the answer is no list of orders ({why}): {}",
            shorten(text, 200)
        ))
    };
    let (items, pagination) = if text.starts_with('[') {
        (text, Pagination::default())
    } else {
        let wrapped: Wrapped<'_> = serde_json::from_str(text).map_err(|e| broken(&e))?;
        let pagination = wrapped.pagination.unwrap_or_default();
        let items = wrapped.items.map_or("null", RawValue::get);
        (items, Pagination::read(Node::new(&pagination)))
    };
    let rows: Vec<&RawValue> = match items {
        "{}" => Vec::new(),
        "null" if text != "{}" => return Err(broken(&"`items` is missing")),
        "null" => Vec::new(),
        items => serde_json::from_str(items).map_err(|e| broken(&e))?,
    };
    let currency = currency(api);
    let mut orders = Vec::with_capacity(rows.len());
    let mut last_id = None;
    for (index, raw) in rows.iter().enumerate() {
        match order::read(raw, &currency) {
            Ok(order) => {
                last_id = Some(order.id.clone());
                orders.push(order);
            }
            Err(why) => {
                last_id = None;
                api.error(&format!(
                    "GET /v2/orders: row {} has neither id nor number and is left out; {why}",
                    offset + index as u64
                ));
            }
        }
    }
    let count = rows.len() as u64;
    Ok(Answer {
        orders,
        rows: count,
        last_id,
        ended: pagination.ends(offset, count),
        goes_on: pagination.goes_on(offset, count),
    })
}

#[cfg(test)]
#[path = "orders_tests.rs"]
mod tests;
