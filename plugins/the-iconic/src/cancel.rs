//! Cancelling items.

use serde_json::{Value, json};

use lockstep_sdk::http::Path;

use crate::api::Api;
use crate::item::{Item, Status};
use crate::status;
use lockstep_sdk::cancellations::{Drop, Dropped, ReasonEntry, ReasonKind};
use lockstep_sdk::json::{Node, shorten};
use lockstep_sdk::types::{Fault, Packed};

const CANCEL: &str = "status_set_to_canceled";
/// Longest note that is sent, in characters.
const NOTE: usize = 250;

/// The account's reasons for cancelling.
pub fn reasons(api: Api<'_>) -> Result<Vec<ReasonEntry>, Fault> {
    let answer = api.read(Path::new("/v2/orders-failure-reasons"))?;
    let node = Node::new(&answer);
    let rows = node.rows().ok_or_else(|| {
        Fault::Protocol(format!(
            "GET /v2/orders-failure-reasons: the answer is no list: {}",
            node.shortened(200)
        ))
    })?;
    let entry = |row: Node<'_>| {
        // Reasons of other types are for failed deliveries and returns, or not for sellers.
        if row.get("type").text().as_deref() != Some("canceled") {
            return None;
        }
        let name = row.get("name").exact()?;
        Some(ReasonEntry {
            label: name.clone(),
            code: name,
            kind: ReasonKind::Cancel,
            out_of_stock: row.get("outOfStock").flag(),
            usable: true,
        })
    };
    Ok(rows.into_iter().filter_map(entry).collect())
}

/// Items that are cancelled together.
struct Group {
    reason: String,
    notes: Vec<String>,
    ids: Vec<u64>,
}

/// Cancels items of one order, one call for each reason, and answers every item that went: cancelling one can
/// take its whole package along. Items that are cancelled already count. Where only some of the items can be
/// cancelled, those are, and the answer leaves the others out; where none can, the answer is a fault.
pub fn cancel(api: Api<'_>, drops: &[Drop]) -> Result<Dropped, Fault> {
    let Some(first) = drops.first() else {
        return Ok(Dropped { lines: Vec::new() });
    };
    if let Some(other) = drops.iter().find(|drop| drop.order != first.order) {
        return Err(Fault::reject(format!(
            "items of one call must belong to one order, not to {} and {}",
            first.order, other.order
        )));
    }
    let order = status::order_id(&first.order)?;
    let mut wanted = Vec::with_capacity(drops.len());
    for drop in drops {
        wanted.push((status::item_id(&drop.line, drop.quantity)?, drop));
    }
    let ids: Vec<u64> = wanted.iter().map(|(id, _)| *id).collect();

    let before = status::items(api, order)?;
    status::find(order, &ids, &before)?;
    let mut groups: Vec<Group> = Vec::new();
    let mut refusal: Option<Fault> = None;
    for (id, drop) in wanted {
        let Some(item) = before.iter().find(|item| item.id == id) else {
            continue;
        };
        match allowed(item) {
            Ok(true) => {
                let note = drop
                    .note
                    .as_deref()
                    .map(str::trim)
                    .filter(|n| !n.is_empty());
                let group = match groups.iter_mut().find(|g| g.reason == drop.reason) {
                    Some(group) => group,
                    None => groups.push_mut(Group {
                        reason: drop.reason.clone(),
                        notes: Vec::new(),
                        ids: Vec::new(),
                    }),
                };
                if !group.ids.contains(&id) {
                    group.ids.push(id);
                }
                if let Some(note) = note
                    && !group.notes.iter().any(|n| n == note)
                {
                    group.notes.push(note.to_owned());
                }
            }
            Ok(false) => {}
            Err(fault) => {
                refusal.get_or_insert(fault);
            }
        }
    }

    let mut called = false;
    for group in &groups {
        let note = shorten(&group.notes.join("; "), NOTE);
        let mut body = json!({"orderItemIds": group.ids, "reason": group.reason});
        if !note.is_empty() {
            body["reasonDetail"] = Value::String(note);
        }
        match status::set(api, "cancelled", &body) {
            Ok(_) => called = true,
            Err(fault @ (Fault::Rejected(_) | Fault::Conflict(_))) => {
                // The reading below tells whether it is cancelled all the same, by somebody else or by
                // the call before, which can take more than it was told to.
                refusal.get_or_insert(fault);
            }
            Err(fault) if called => {
                return Err(Fault::UnknownOutcome(format!(
                    "order {order}: some items are cancelled, the next call failed: {}",
                    fault.detail()
                )));
            }
            Err(fault) => return Err(fault),
        }
    }

    let after = if groups.is_empty() {
        before.clone()
    } else {
        status::items(api, order).map_err(|fault| match refusal.take() {
            Some(refused) if !called => refused,
            _ => Fault::UnknownOutcome(format!(
                "order {order}: items were cancelled, but the order could not be read afterwards: {}",
                fault.detail()
            )),
        })?
    };
    let was = |id: u64| {
        before
            .iter()
            .any(|item| item.id == id && item.status == Status::Canceled)
    };
    let gone: Vec<&Item> = after
        .iter()
        .filter(|item| item.status == Status::Canceled)
        .filter(|item| ids.contains(&item.id) || !was(item.id))
        .collect();
    let left: Vec<u64> = ids
        .iter()
        .copied()
        .filter(|id| !gone.iter().any(|item| item.id == *id))
        .collect();
    if gone.is_empty() {
        return Err(refusal.unwrap_or_else(|| {
            Fault::Conflict(format!(
                "Seller Center took the call, but items {} are not cancelled",
                status::list(&left)
            ))
        }));
    }
    if !left.is_empty() {
        let why = refusal.as_ref().map_or("no reason given", Fault::detail);
        api.warn(&format!(
            "order {order}: items {} could not be cancelled: {why}",
            status::list(&left)
        ));
    }
    Ok(Dropped {
        lines: gone
            .into_iter()
            .map(|item| Packed {
                line: item.id.to_string(),
                quantity: 1,
                marks: Vec::new(),
            })
            .collect(),
    })
}

/// Whether an item is to be cancelled; false when it is already.
fn allowed(item: &Item) -> Result<bool, Fault> {
    let id = item.id;
    if item.status == Status::Canceled {
        return Ok(false);
    }
    if !item.sellers() {
        return Err(Fault::reject(format!(
            "item {id} ships from THE ICONIC's warehouse; it is not the seller's to cancel"
        )));
    }
    if !matches!(item.status, Status::Pending | Status::ReadyToShip) {
        return Err(Fault::Conflict(format!(
            "item {id} is {} at THE ICONIC; only pending items can be cancelled",
            item.native
        )));
    }
    if !item.offers(CANCEL) {
        return Err(Fault::reject(format!(
            "Seller Center does not offer cancelling item {id}, which is {}; ask THE ICONIC's help desk",
            item.native
        )));
    }
    Ok(true)
}

#[cfg(test)]
#[path = "cancel_tests.rs"]
mod tests;
