//! Telling Seller Center what was shipped.
//!
//! Status calls are not idempotent and tracking codes cannot be changed, so every step first reads the items and
//! does only what is left. What is left follows the `actions` that the platform lists for each item: some sellers
//! have to mark items as packed before they can be ready to ship, others not.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use lockstep_sdk::http::Path;

use crate::api::Api;
use crate::item::{Item, Shipment, Status};
use lockstep_sdk::fulfillments::{CarrierEntry, Parcel, Sent};
use lockstep_sdk::http::Method;
use lockstep_sdk::json::{Node, shorten};
use lockstep_sdk::types::{Carrier, Fault, Packed, Stage};

const PACK: &str = "status_set_to_packed_by_marketplace";
const READY: &str = "status_set_to_ready_to_ship";
const SHIP: &str = "status_set_to_shipped";

/// Names that say no carrier; THE ICONIC refuses them.
const GENERIC: [&str; 6] = [
    "other",
    "others",
    "other carrier",
    "generic",
    "unknown",
    "n/a",
];

/// The account's carriers.
pub fn carriers(api: Api<'_>) -> Result<Vec<CarrierEntry>, Fault> {
    let answer = api.read(Path::new("/v2/orders-shipment-providers"))?;
    let node = Node::new(&answer);
    let rows = node.rows().ok_or_else(|| {
        Fault::Protocol(format!(
            "GET /v2/orders-shipment-providers: the answer is no list: {}",
            node.shortened(200)
        ))
    })?;
    Ok(rows.into_iter().filter_map(carrier).collect())
}

/// A carrier. One without a name cannot be used in any call.
fn carrier(row: Node<'_>) -> Option<CarrierEntry> {
    let name = row.get("name").exact()?;
    let generic = GENERIC.contains(&name.trim().to_ascii_lowercase().as_str());
    let integrated = row.get("apiIntegrationAvailable").flag();
    Some(CarrierEntry {
        carrier: Carrier {
            code: row.get("id").text(),
            name: Some(name),
            url: row.get("url").text(),
        },
        tracking_required: Some(!integrated.unwrap_or(false)),
        tracking_pattern: None,
        books_itself: integrated,
        usable: row.get("status").flag().unwrap_or(true) && !generic,
    })
}

/// A parcel in Seller Center's terms.
struct Wanted {
    order: u64,
    items: Vec<u64>,
    carrier: String,
    tracking: String,
}

impl Wanted {
    fn read(parcel: &Parcel) -> Result<Self, Fault> {
        let tracking = parcel.tracking.as_deref().unwrap_or_default().trim();
        if tracking.is_empty() {
            return Err(Fault::reject(
                "THE ICONIC takes no parcel without a tracking code; add one to the fulfillment",
            ));
        }
        let carrier = parcel.carrier.name.clone().filter(|name| !name.is_empty());
        Ok(Self {
            order: order_id(&parcel.order)?,
            items: item_ids(&parcel.lines)?,
            carrier: carrier.ok_or_else(|| {
                Fault::reject(
                    "the parcel names no carrier; map it to one of the channel's carriers",
                )
            })?,
            tracking: tracking.to_owned(),
        })
    }

    /// The parcel's items among the order's.
    fn find<'a>(&self, items: &'a [Item]) -> Result<Vec<&'a Item>, Fault> {
        find(self.order, &self.items, items)
    }
}

/// An order's id in a path.
pub fn order_id(text: &str) -> Result<u64, Fault> {
    text.parse().map_err(|_| {
        Fault::reject(format!(
            "\"{text}\" is no order id of Seller Center (a whole number)"
        ))
    })
}

fn item_ids(lines: &[Packed]) -> Result<Vec<u64>, Fault> {
    let mut ids = Vec::with_capacity(lines.len());
    for line in lines {
        let id = item_id(&line.line, line.quantity)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    if ids.is_empty() {
        return Err(Fault::reject("the parcel has no lines"));
    }
    Ok(ids)
}

/// A line's id as an item id. A line is one piece.
pub fn item_id(line: &str, quantity: u32) -> Result<u64, Fault> {
    if quantity != 1 {
        return Err(Fault::reject(format!(
            "line {line}: an order item of THE ICONIC is one piece, not {quantity}"
        )));
    }
    line.parse().map_err(|_| {
        Fault::reject(format!(
            "\"{line}\" is no order item id of Seller Center (a whole number)"
        ))
    })
}

/// Items by id.
pub fn find<'a>(order: u64, ids: &[u64], items: &'a [Item]) -> Result<Vec<&'a Item>, Fault> {
    ids.iter()
        .map(|id| {
            items.iter().find(|item| item.id == *id).ok_or_else(|| {
                Fault::Missing(format!("order {order} has no item {id} in Seller Center"))
            })
        })
        .collect()
}

/// Reads the items of an order.
pub fn items(api: Api<'_>, order: u64) -> Result<Vec<Item>, Fault> {
    let broken = |why: String| Fault::Protocol(format!("GET /v2/orders/{order}: {why}"));
    let text = api.read_text(Path::new(format!("/v2/orders/{order}")))?;
    let raw: &RawValue = serde_json::from_str(text.trim()).map_err(|error| {
        broken(format!(
            "the answer is not JSON ({error}): {}",
            shorten(&text, 200)
        ))
    })?;
    Item::read_all(raw).map_err(broken)
}

/// What is to be done next to make a parcel ready.
#[derive(Debug, PartialEq)]
enum Step {
    /// Mark these items as packed, then look again.
    Pack(Vec<u64>, &'static str),
    /// Mark these items as ready to ship.
    Ready(Vec<u64>, &'static str),
    /// All of it is done.
    Done(Sent),
}

fn plan(wanted: &Wanted, items: &[Item]) -> Result<Step, Fault> {
    let mut pack = Vec::new();
    let mut ready = Vec::new();
    let mut delivery = None;
    let items = wanted.find(items)?;
    for item in &items {
        let id = item.id;
        match &item.tracking {
            Some(code) if *code != wanted.tracking => {
                return Err(Fault::Conflict(format!(
                    "item {id} already has the tracking code \"{code}\", which cannot be changed; the parcel's is \"{}\"",
                    wanted.tracking
                )));
            }
            _ => {}
        }
        match &item.status {
            Status::Pending => {}
            Status::ReadyToShip
            | Status::Shipped
            | Status::Delivered
            | Status::Failed
            | Status::Returned
                if item.tracking.is_some() =>
            {
                continue;
            }
            Status::Other(_) if item.tracking.is_some() => continue,
            _ => {
                return Err(Fault::Conflict(format!(
                    "item {id} is {} at THE ICONIC, without this tracking code; only pending items can be made ready to ship",
                    item.native
                )));
            }
        }
        if !item.sellers() {
            return Err(Fault::reject(format!(
                "item {id} ships from THE ICONIC's warehouse; it is not the seller's to send"
            )));
        }
        if !item.processable {
            return Err(Fault::Conflict(format!(
                "item {id} is not released for fulfillment yet"
            )));
        }
        if *delivery.get_or_insert(item.delivery_type) != item.delivery_type {
            return Err(Fault::reject(
                "the parcel mixes items for the buyer with items for THE ICONIC's hub; send them apart",
            ));
        }
        if item.offers(READY) {
            ready.push(id);
        } else if item.offers(PACK) {
            pack.push(id);
        } else {
            return Err(Fault::Conflict(format!(
                "item {id} is pending, but Seller Center offers neither packing nor ready to ship for it, only [{}]",
                item.actions.as_deref().unwrap_or_default().join(", ")
            )));
        }
    }
    let delivery = delivery.unwrap_or("dropship");
    Ok(if !pack.is_empty() {
        Step::Pack(pack, delivery)
    } else if !ready.is_empty() {
        Step::Ready(ready, delivery)
    } else {
        Step::Done(reached(&items))
    })
}

/// How far a parcel is whose items are all beyond pending. More is to be done while an item is ready and the
/// seller may mark it as shipped; where that is not offered the platform does it by itself.
fn reached(items: &[&Item]) -> Sent {
    let more = items.iter().any(|item| may_ship(item));
    let least = |stage: fn(&Item) -> bool| {
        items
            .iter()
            .filter(|item| item.status != Status::Canceled)
            .all(|item| stage(item))
    };
    let delivered = |item: &Item| matches!(item.status, Status::Delivered | Status::Returned);
    Sent {
        reached: if least(delivered) {
            Stage::Delivered
        } else if least(|item| item.status.left()) {
            Stage::Shipped
        } else {
            Stage::Ready
        },
        marketplace_id: None,
        more,
    }
}

/// Ready, and the seller may say that it is shipped. Cross-docking is never the seller's to say.
fn may_ship(item: &Item) -> bool {
    item.status == Status::ReadyToShip && item.shipment == Shipment::Dropship && item.offers(SHIP)
}

/// First half: gives carrier and tracking code.
pub fn prepare(api: Api<'_>, parcel: &Parcel) -> Result<Sent, Fault> {
    let wanted = Wanted::read(parcel)?;
    let mut read = items(api, wanted.order)?;
    let mut step = plan(&wanted, &read)?;
    if let Step::Pack(ids, delivery) = &step {
        let body = json!({
            "orderItems": ids.iter().map(|id| json!({"orderItemId": id})).collect::<Vec<_>>(),
            "deliveryType": delivery,
            "shippingProvider": wanted.carrier,
            "trackingNumber": wanted.tracking,
        });
        let answer = set(api, "packed-by-marketplace", &body);
        read = items_after(api, wanted.order, &answer, ids)?;
        let next = plan(&wanted, &read)?;
        match (&next, answer) {
            (Step::Pack(..), Err(fault)) => return Err(fault),
            (Step::Pack(left, _), Ok(_)) => {
                return Err(Fault::UnknownOutcome(format!(
                    "Seller Center took the call, but items {} are not packed",
                    list(left)
                )));
            }
            _ => step = next,
        }
    }
    let Step::Ready(ids, delivery) = &step else {
        return match step {
            Step::Done(sent) => Ok(sent),
            _ => Err(Fault::Conflict("the items are still not packed".to_owned())),
        };
    };
    let body = json!({
        "orderItems": ids.iter().map(|id| json!({"id": id})).collect::<Vec<_>>(),
        "trackingNumber": wanted.tracking,
        "deliveryType": delivery,
        "shippingProvider": wanted.carrier,
    });
    match set(api, "ready-to-ship", &body) {
        // Every item is named in the answer: no need to look.
        Ok(answer) if missing(&answer, ids).is_empty() => {
            let parcel = wanted.find(&read)?;
            let fresh = |item: &&Item| ids.contains(&item.id);
            Ok(Sent {
                reached: Stage::Ready,
                marketplace_id: None,
                // Whether the platform lets the seller mark them shipped is listed from now on; `ship` looks.
                more: parcel
                    .iter()
                    .any(|i| may_ship(i) || (fresh(i) && i.shipment == Shipment::Dropship)),
            })
        }
        answer => {
            let read = items_after(api, wanted.order, &answer, ids)?;
            match (plan(&wanted, &read)?, answer) {
                (Step::Done(sent), _) => Ok(sent),
                (_, Err(fault)) => Err(fault),
                (Step::Ready(left, _) | Step::Pack(left, _), Ok(_)) => {
                    Err(Fault::UnknownOutcome(format!(
                        "Seller Center took the call, but items {} are not ready to ship",
                        list(&left)
                    )))
                }
            }
        }
    }
}

/// Second half: marks the items as shipped. What left already counts; what the platform ships by itself is left
/// alone, and so is what was cancelled meanwhile.
pub fn ship(api: Api<'_>, parcel: &Parcel) -> Result<Sent, Fault> {
    let wanted = Wanted::read(parcel)?;
    let read = items(api, wanted.order)?;
    let ids = shippable(&wanted, &read)?;
    if ids.is_empty() {
        return Ok(closed(reached(&wanted.find(&read)?)));
    }
    let body = json!({"orderItemIds": ids});
    let answer = set(api, "shipped", &body);
    if answer
        .as_ref()
        .is_ok_and(|answer| missing(answer, &ids).is_empty())
    {
        let moved: Vec<Item> = read
            .into_iter()
            .map(|item| match ids.contains(&item.id) {
                true => Item {
                    status: Status::Shipped,
                    ..item
                },
                false => item,
            })
            .collect();
        return Ok(closed(reached(&wanted.find(&moved)?)));
    }
    let read = items_after(api, wanted.order, &answer, &ids)?;
    let left = shippable(&wanted, &read)?;
    if left.is_empty() {
        return Ok(closed(reached(&wanted.find(&read)?)));
    }
    match answer {
        // Some carriers are reserved: the platform marks their parcels itself, though it offers the action.
        Err(fault) if code(&fault) == Some("E028") => {
            api.warn(&format!(
                "order {}: Seller Center marks items {} as shipped by itself",
                wanted.order,
                list(&left)
            ));
            Ok(closed(reached(&wanted.find(&read)?)))
        }
        Err(fault) => Err(fault),
        Ok(_) => Err(Fault::UnknownOutcome(format!(
            "Seller Center took the call, but items {} are not shipped",
            list(&left)
        ))),
    }
}

fn closed(sent: Sent) -> Sent {
    Sent {
        more: false,
        ..sent
    }
}

/// The items that are to be marked as shipped.
fn shippable(wanted: &Wanted, items: &[Item]) -> Result<Vec<u64>, Fault> {
    let parcel = wanted.find(items)?;
    let mut ids = Vec::new();
    for item in &parcel {
        let id = item.id;
        if let Some(code) = &item.tracking
            && *code != wanted.tracking
            && item.status != Status::Canceled
        {
            return Err(Fault::Conflict(format!(
                "item {id} has the tracking code \"{code}\", not this parcel's \"{}\"",
                wanted.tracking
            )));
        }
        match &item.status {
            Status::ReadyToShip if may_ship(item) => ids.push(id),
            Status::Pending | Status::PaymentPending => {
                return Err(Fault::Conflict(format!(
                    "item {id} is {}; it must be ready to ship first",
                    item.native
                )));
            }
            _ => {}
        }
    }
    if parcel.iter().all(|item| item.status == Status::Canceled) {
        return Err(Fault::Conflict(format!(
            "every item of the parcel was cancelled at THE ICONIC ({})",
            list(&wanted.items)
        )));
    }
    Ok(ids)
}

/// Makes a status call.
pub fn set(api: Api<'_>, status: &str, body: &Value) -> Result<Value, Fault> {
    let path = Path::new(format!("/v2/orders/statuses/set-to-{status}"));
    api.write(Method::Post, path, Some(body))
}

/// The ids that the answer to a status call does not name. A wrong key does not fail such a call, it makes it
/// act on nothing.
pub fn missing(answer: &Value, ids: &[u64]) -> Vec<u64> {
    let named: Vec<u64> = Node::new(answer)
        .get("orderItemIds")
        .list()
        .into_iter()
        .filter_map(Node::id)
        .collect();
    ids.iter()
        .copied()
        .filter(|id| !named.contains(id))
        .collect()
}

/// Reads the items again after a status call, unless its fault leaves nothing to look for.
pub fn items_after(
    api: Api<'_>,
    order: u64,
    answer: &Result<Value, Fault>,
    ids: &[u64],
) -> Result<Vec<Item>, Fault> {
    match answer {
        Err(fault) if !by_state(fault) => return Err(fault.clone()),
        Ok(answer) => {
            let missing = missing(answer, ids);
            if !missing.is_empty() {
                api.warn(&format!(
                    "order {order}: the answer to a status call leaves out items {}",
                    list(&missing)
                ));
            }
        }
        Err(_) => {}
    }
    items(api, order).map_err(|fault| match answer {
        Ok(_) => Fault::UnknownOutcome(format!(
            "order {order}: the status call was taken, but its effect could not be read: {}",
            fault.detail()
        )),
        Err(refused) => refused.clone(),
    })
}

/// Whether a refusal may be about the state of the items: they may have moved on meanwhile, or be where they
/// should be.
fn by_state(fault: &Fault) -> bool {
    match fault {
        Fault::Conflict(_) => true,
        Fault::Rejected(rejection) => matches!(
            rejection.code.as_deref(),
            None | Some("E023" | "E028" | "E073")
        ),
        _ => false,
    }
}

fn code(fault: &Fault) -> Option<&str> {
    match fault {
        Fault::Rejected(rejection) => rejection.code.as_deref(),
        _ => None,
    }
}

/// Ids as text.
pub fn list(ids: &[u64]) -> String {
    ids.iter()
        .map(u64::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
