//! Telling parcels one by one. Where the marketplace has no shipments, the order is told as a whole (`ship_order`).

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::api::{Api, path};
use crate::order::Terms;
use crate::shipments::{self, Shipment};
use crate::{carriers, order, orders, ship_order};
use lockstep_sdk::fulfillments::{Parcel, Sent};
use lockstep_sdk::http::{Method, excerpt};
use lockstep_sdk::json::Node;
use lockstep_sdk::types::{Fault, Line, Stage, State};

/// First half: makes the shipment, not yet shipped. Making one is not idempotent, so what is there is read first.
pub fn prepare(api: Api<'_>, parcel: &Parcel) -> Result<Sent, Fault> {
    let lines = units(parcel)?;
    let tracking = carriers::told(parcel, "tracking_url")?;
    let Some(known) = shipments::of(api, &[&parcel.order])? else {
        return ship_order::prepare(api, parcel, &lines);
    };
    if let Some(shipment) = find(&known, parcel, &lines)? {
        return sent(shipment);
    }
    let rows: Vec<Value> = (lines.iter())
        .map(|(line, units)| json!({"order_line_id": line, "quantity": units}))
        .collect();
    let body = json!({"shipments": [{
        "order_id": parcel.order, "shipped": false, "shipment_lines": rows, "tracking": tracking,
    }]});
    let answer = match api.write(Method::Post, path(api, &["shipments"]), Some(&body)) {
        Err(fault @ Fault::Rejected(_)) => return Err(why_not(api, parcel, &lines, &known, fault)),
        answer => answer?,
    };
    let node = Node::new(&answer);
    if let Some(refused) = refusal(node) {
        return Err(why_not(api, parcel, &lines, &known, refused));
    }
    let made = node.get("shipment_success").list().first().copied();
    match made.and_then(Shipment::read) {
        Some(shipment) => sent(&shipment),
        None => Err(Fault::UnknownOutcome(format!(
            "POST /api/shipments: the answer names no shipment: {}",
            node.shortened(200)
        ))),
    }
}

/// Second half: marks it as shipped.
pub fn ship(api: Api<'_>, parcel: &Parcel) -> Result<Sent, Fault> {
    let lines = units(parcel)?;
    let Some(known) = shipments::of(api, &[&parcel.order])? else {
        return ship_order::ship(api, parcel, &lines);
    };
    let Some(shipment) = find(&known, parcel, &lines)? else {
        return Err(Fault::Conflict(format!(
            "order {} has no shipment with this parcel any more",
            parcel.order
        )));
    };
    let before = sent(shipment)?;
    if !before.more {
        return Ok(before);
    }
    let body = json!({"shipments": [{"id": shipment.id}]});
    let answer = api.write(Method::Put, path(api, &["shipments", "ship"]), Some(&body));
    let refused = match answer {
        Ok(answer) => match refusal(Node::new(&answer)) {
            None => {
                let list = Node::new(&answer).get("shipment_success").list();
                let now = (list.into_iter())
                    .filter_map(Shipment::read)
                    .find(|s| s.id == shipment.id);
                return Ok(Sent {
                    reached: now.map_or(Stage::Shipped, |s| s.stage()),
                    marketplace_id: Some(shipment.id.clone()),
                    more: false,
                });
            }
            Some(refused) => refused,
        },
        Err(fault @ (Fault::Rejected(_) | Fault::Missing(_) | Fault::Conflict(_))) => fault,
        Err(fault) => return Err(fault),
    };
    // A repeat is refused, and so is what cannot be shipped: the shipment tells which it is.
    let now = shipments::of(api, &[&parcel.order])?.unwrap_or_default();
    match now.iter().find(|s| s.id == shipment.id) {
        Some(now) => match sent(now)? {
            now if now.more => Err(refused),
            now => Ok(now),
        },
        None => Err(Fault::Conflict(format!(
            "shipment {} is gone: {}",
            shipment.id,
            refused.detail()
        ))),
    }
}

/// A parcel's units by line.
fn units(parcel: &Parcel) -> Result<Vec<(String, u32)>, Fault> {
    let mut lines: Vec<(String, u32)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for packed in parcel.lines.iter().filter(|packed| packed.quantity > 0) {
        let place = *places.entry(&packed.line).or_insert(lines.len());
        match lines.get_mut(place) {
            Some((_, units)) => *units += packed.quantity,
            None => lines.push((packed.line.clone(), packed.quantity)),
        }
    }
    match lines.is_empty() {
        true => Err(Fault::reject("the parcel has no lines")),
        false => Ok(lines),
    }
}

/// The shipment that is this parcel. One with its number must have its units.
fn find<'a>(
    known: &'a [Shipment],
    parcel: &Parcel,
    lines: &[(String, u32)],
) -> Result<Option<&'a Shipment>, Fault> {
    let alive = || known.iter().filter(|s| s.stage() != Stage::Cancelled);
    let wanted: HashMap<&str, u32> = (lines.iter())
        .map(|(line, units)| (line.as_str(), *units))
        .collect();
    let equal = |s: &Shipment| {
        let mut there: HashMap<&str, u32> = HashMap::new();
        for (line, units) in &s.lines {
            *there.entry(line).or_default() += units;
        }
        there == wanted
    };
    let number = carriers::number(parcel);
    let same: Vec<&Shipment> = alive()
        .filter(|s| s.tracking.as_deref() == number)
        .collect();
    let fitting: Vec<&Shipment> = same.iter().copied().filter(|s| equal(s)).collect();
    match (number, fitting.as_slice(), same.as_slice()) {
        (Some(_), [one, ..], _) => Ok(Some(one)),
        (Some(number), [], [other, ..]) => Err(Fault::Conflict(format!(
            "shipment {} has the number \"{number}\" already, with other units",
            other.id
        ))),
        // Without a number one parcel looks like the next; the one that has not left is this one's beginning.
        (None, fitting, _) => {
            if let Some(open) = fitting.iter().find(|s| !s.left()) {
                return Ok(Some(open));
            }
            match fitting.first() {
                Some(gone) if parcel.number > 1 || !parcel.last => Err(Fault::Conflict(format!(
                    "shipment {} has the same units and no number either: it cannot be told whether it is this parcel",
                    gone.id
                ))),
                gone => Ok(gone.copied()),
            }
        }
        (Some(_), [], []) => Ok(None),
    }
}

/// How far a shipment is.
fn sent(shipment: &Shipment) -> Result<Sent, Fault> {
    if shipment.stage() == Stage::Cancelled {
        return Err(Fault::Conflict(format!(
            "shipment {} was canceled at the marketplace",
            shipment.id
        )));
    }
    Ok(Sent {
        reached: shipment.stage(),
        marketplace_id: Some(shipment.id.clone()),
        // Others wait for the debit, or for the operator who fetches the parcel.
        more: shipment.status == "SHIPPING",
    })
}

/// What an answer refuses. A status of success says nothing about the single shipment.
fn refusal(answer: Node<'_>) -> Option<Fault> {
    let errors = answer.get("shipment_errors").list();
    if errors.is_empty() {
        return None;
    }
    let words: Vec<String> = (errors.iter())
        .map(|e| e.get("message").text().unwrap_or_else(|| e.shortened(120)))
        .collect();
    Some(Fault::reject(excerpt(&words.join("; "))))
}

/// Why a shipment was not made. The words are free, so the order is looked at: where it could be shipped, the
/// carrier or the number is at fault.
fn why_not(
    api: Api<'_>,
    parcel: &Parcel,
    lines: &[(String, u32)],
    known: &[Shipment],
    refused: Fault,
) -> Fault {
    let terms = Terms::of(api);
    let Ok(raw) = orders::raw(api, &parcel.order, &terms) else {
        return refused;
    };
    let Some(raw) = raw else {
        return Fault::Missing(format!("there is no order {}", parcel.order));
    };
    let Ok(order) = order::read(Node::new(&raw), &terms, &[]) else {
        return refused;
    };
    if !matches!(order.state, State::Open) {
        return Fault::Conflict(format!(
            "order {} is {}: {}",
            order.id,
            order.native_state,
            refused.detail()
        ));
    }
    let by_id: HashMap<&str, &Line> = (order.lines.iter())
        .map(|line| (line.id.as_str(), line))
        .collect();
    for (id, units) in lines {
        let Some(line) = by_id.get(id.as_str()) else {
            return Fault::Missing(format!("order {} has no line {id}", order.id));
        };
        let packed: u32 = (known.iter())
            .filter(|s| s.stage() != Stage::Cancelled)
            .map(|s| s.units(id))
            .sum();
        let left = line.quantity.saturating_sub(line.cancelled + packed);
        if line.state != State::Open || left < *units {
            return Fault::Conflict(format!(
                "line {id} is {}, {left} of {} units are in no other shipment: {}",
                line.native_state,
                line.quantity,
                refused.detail()
            ));
        }
    }
    refused
}

#[cfg(test)]
#[path = "ship_tests.rs"]
pub(crate) mod tests;
