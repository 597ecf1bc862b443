//! Cancelling items that cannot be supplied.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::api::{Api, Http};
use crate::exports::lockstep::plugin::cancellations::{Drop, ReasonEntry, ReasonKind};
use crate::json;
use crate::lockstep::plugin::http::Method;
use crate::lockstep::plugin::types::{Fault, Packed, Rejection};
use crate::orders;

pub fn reasons<H: Http>(api: &Api<H>) -> Result<Vec<ReasonEntry>, Fault> {
    let answer = api.get("/v2/orders-failure-reasons")?;
    Ok(json::rows(&answer)
        .iter()
        .filter_map(|r| {
            let name = json::exact(r, "name")?;
            let kind = json::text(r, "type").unwrap_or_default();
            Some(ReasonEntry {
                // The name is what a cancellation must carry; the description is announced to disappear.
                code: name.clone(),
                label: name,
                // What the marketplace's own system gives as a reason is not a seller's to give.
                usable: kind != "canceled_system",
                kind: match kind.as_str() {
                    "canceled" => ReasonKind::Cancel,
                    "return_rejected" => ReasonKind::RejectReturn,
                    other => ReasonKind::Other(other.to_owned()),
                },
                out_of_stock: json::flag(r, "outOfStock"),
            })
        })
        .collect())
}

/// Cancels items of one order; answers every item that is cancelled now and was not before, since a whole package may
/// go with one of its items.
pub fn cancel<H: Http>(api: &Api<H>, drops: &[Drop]) -> Result<Vec<Packed>, Fault> {
    let Some(order) = drops.first().map(|d| d.order.clone()) else { return Ok(vec![]) };
    if let Some(other) = drops.iter().find(|d| d.order != order) {
        return Err(Fault::Other(format!("a cancellation names the orders {order} and {}; it may name one", other.order)));
    }
    let before = cancelled(&orders::read(api, &order)?);
    let mut groups: BTreeMap<(&str, Option<&str>), Vec<i64>> = BTreeMap::new();
    for drop in drops.iter().filter(|d| !before.contains(&d.line)) {
        let id = drop
            .line
            .parse()
            .map_err(|_| Fault::Rejected(Rejection { code: None, detail: format!("\"{}\" is no item id", drop.line) }))?;
        groups.entry((&drop.reason, drop.note.as_deref())).or_default().push(id);
    }
    let mut failure = None;
    for ((reason, note), ids) in groups {
        let body = json!({"orderItemIds": ids, "reason": reason, "reasonDetail": note});
        if let Err(fault) = api.write(Method::Post, "/v2/orders/statuses/set-to-cancelled", &body) {
            failure = Some(fault);
            break;
        }
    }
    let after = match (orders::read(api, &order), &failure) {
        (Ok(order), _) => cancelled(&order),
        (Err(_), Some(fault)) => return Err(fault.clone()),
        (Err(unread), None) => return Err(Fault::UnknownOutcome(format!("it was accepted, but could not be read back: {unread:?}"))),
    };
    // What was asked for and is done counts, even when it was done before; so does what went with it.
    let gone: Vec<String> = after.iter().filter(|id| !before.contains(id) || drops.iter().any(|d| d.line == **id)).cloned().collect();
    match failure {
        Some(fault) if drops.iter().any(|d| !after.contains(&d.line)) => Err(fault),
        _ => Ok(gone.into_iter().map(|line| Packed { line, quantity: 1, marks: vec![] }).collect()),
    }
}

fn cancelled(order: &Value) -> Vec<String> {
    json::list(order, "items").iter().filter(|i| json::text(i, "status").as_deref() == Some("canceled")).filter_map(|i| json::text(i, "id")).collect()
}
