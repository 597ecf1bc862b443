//! An order of Seller Center as an order of the contract.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::address;
use crate::item::{self, Item, Shipment, Status};
use crate::line::{self, amount, money};
use crate::listings::VENTURE;
use lockstep_sdk::json::{Node, shorten};
use lockstep_sdk::types::{
    Address, Buyer, Carrier, Delivery, DeliveryMode, EmailKind, Fact, Fulfiller, Gift, Hold,
    Kinship, Line, Order, Packed, ParcelSeen, Payment, PaymentState, Relation, Side, Stage, State,
    Totals, Window,
};

/// Begins the id of an order whose own id cannot be read; its number follows.
pub const BY_NUMBER: &str = "number:";
/// Longest fact, in characters.
const FACT: usize = 500;
/// Members of an item that the order as a whole is made from; its line has the others.
const KEPT: [&str; 8] = [
    "createdAt",
    "updatedAt",
    "lastStatusChangedAt",
    "targetToShipAt",
    "paidPrice",
    "shippingFee",
    "taxAmount",
    "shipment",
];
/// The same of an item's shipment.
const KEPT_OF_SHIPMENT: [&str; 5] = [
    "method",
    "providerType",
    "providerPreselected",
    "preProvider",
    "provider",
];
/// The placing of an order that tells no time at all.
const EPOCH: &str = "1970-01-01T00:00:00Z";

/// Reads one row. A row that cannot be read is still told when it has an id or a number, with a state that
/// says why, so that people see it and its page goes on. The error is for rows with neither.
pub fn read(raw: &RawValue, currency: &str) -> Result<Order, String> {
    let why = match order(raw, currency) {
        Ok(order) => return Ok(order),
        Err(why) => why,
    };
    let (id, number) = keys(raw);
    match (id, number) {
        (Some(id), number) => {
            let number = number.unwrap_or_else(|| id.clone());
            Ok(unreadable(id, number, &why))
        }
        (None, Some(number)) => Ok(unreadable(format!("{BY_NUMBER}{number}"), number, &why)),
        (None, None) => Err(format!("{why}: {}", shorten(raw.get(), 200))),
    }
}

/// Id and number of a row that may hold anything else.
fn keys(raw: &RawValue) -> (Option<String>, Option<String>) {
    #[derive(Deserialize)]
    struct Keys<'a> {
        #[serde(borrow)]
        id: Option<&'a RawValue>,
        #[serde(borrow)]
        number: Option<&'a RawValue>,
    }
    let Ok(keys) = serde_json::from_str::<Keys<'_>>(raw.get()) else {
        return (None, None);
    };
    let value = |raw: Option<&RawValue>| serde_json::from_str::<Value>(raw?.get()).ok();
    let id = value(keys.id).and_then(|value| Node::new(&value).id());
    let number = value(keys.number).and_then(|value| Node::new(&value).text());
    (id.map(|id| id.to_string()), number)
}

/// An order of which nothing but id and number is known.
fn unreadable(id: String, number: String, why: &str) -> Order {
    Order {
        state: State::Other(format!("unreadable: {why}")),
        native_state: String::new(),
        placed_at: EPOCH.to_owned(),
        ..blank(id, number)
    }
}

fn blank(id: String, number: String) -> Order {
    Order {
        id,
        number,
        basket: None,
        aliases: Vec::new(),
        seller_reference: None,
        site: None,
        related: Vec::new(),
        state: State::Open,
        native_state: String::new(),
        reason: None,
        holds: Vec::new(),
        allowed: None,
        fulfilled_by: Fulfiller::Seller,
        placed_at: String::new(),
        updated_at: None,
        closed_at: None,
        ship_by: None,
        deliver_by: None,
        currency: String::new(),
        totals: Totals {
            goods: None,
            shipping: None,
            tax: None,
            discount: None,
            charges: None,
            grand: None,
            tax_included: None,
        },
        taxes: Vec::new(),
        discounts: Vec::new(),
        charges: Vec::new(),
        costs: Vec::new(),
        payment: Payment {
            state: PaymentState::Pending,
            method: None,
            reference: None,
            paid_at: None,
        },
        buyer: Buyer {
            id: None,
            name: None,
            company: None,
            email: None,
            email_kind: EmailKind::None,
            phone: None,
            locale: None,
            purchase_order: None,
            tax_ids: Vec::new(),
        },
        bill_to: None,
        delivery: Delivery {
            mode: DeliveryMode::Home,
            service: None,
            service_label: None,
            preset: None,
            tracking_required: Some(true),
            label_by: Side::Seller,
            ship_to: None,
            final_to: None,
            label_reference: None,
            demands: Vec::new(),
        },
        gift: None,
        buyer_note: None,
        marketplace_note: None,
        invoice_required: None,
        lines: Vec::new(),
        parcels: Vec::new(),
        adjustments: Vec::new(),
        cancel_asks: Vec::new(),
        facts: Vec::new(),
    }
}

fn order(raw: &RawValue, default_currency: &str) -> Result<Order, String> {
    let (head, raws) = item::apart(raw)?;
    let node = Node::new(&head);
    let id = node.get("id").id().ok_or("it has no id")?;
    let currency = node
        .get("currency")
        .text()
        .unwrap_or_else(|| default_currency.to_owned())
        .to_ascii_uppercase();
    let voucher = node.get("voucher").get("code").text();
    let (mut lines, mut items, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    let mut discount = Decimal::ZERO;
    lines.reserve_exact(raws.len());
    for raw in raws {
        let mut row: Value = serde_json::from_str(raw.get()).map_err(|e| e.to_string())?;
        let read = line::read(Node::new(&row), &currency, voucher.as_deref())?;
        keep(&mut row, &KEPT);
        if let Some(shipment) = row.get_mut("shipment") {
            keep(shipment, &KEPT_OF_SHIPMENT);
        }
        lines.push(read.line);
        items.push(read.item);
        discount += read.discount;
        rows.push(row);
    }
    let rows: Vec<Node<'_>> = rows.iter().map(Node::new).collect();
    let told = node.get("orderItemIds").list().len();
    if rows.is_empty() {
        return Err("it has no items".to_owned());
    }
    if told > rows.len() {
        return Err(format!("it tells {} of its {told} items", rows.len()));
    }
    if currency.len() != 3 || !currency.bytes().all(|b| b.is_ascii_uppercase()) {
        return Err(format!("its currency \"{currency}\" is no ISO 4217 code"));
    }
    let items: Vec<&Item> = items.iter().collect();

    let shipping_address = node.get("address").get("shipping");
    let billing_address = node.get("address").get("billing");
    let ship_to = address::read(shipping_address, node.get("deliveryInfo").shown());
    let bill_to = address::read(billing_address, None);
    let country = |address: &Option<Address>| address.as_ref()?.country.clone();
    let site = country(&ship_to).or_else(|| country(&bill_to));
    let totals = totals(node, &rows, discount, &currency)?;
    let state = state(&items);

    let order = Order {
        aliases: fact("uuid", node.get("uuid").text()).collect(),
        site,
        related: related(node),
        native_state: native_state(&items),
        reason: match state {
            State::Cancelled | State::DeliveryFailed | State::Returned => {
                lines.iter().find_map(|line: &Line| line.reason.clone())
            }
            _ => None,
        },
        state,
        holds: holds(&items),
        fulfilled_by: fulfiller(&items),
        placed_at: placed_at(node, &rows)?.to_string(),
        // The order's own time may lag behind its items'.
        updated_at: rows
            .iter()
            .filter_map(|row| line::updated_at(*row))
            .max()
            .or_else(|| read_time(node.get("updatedAt")))
            .map(|at| at.to_string()),
        ship_by: ship_by(node, &rows, &items),
        totals,
        payment: payment(node, &items),
        buyer: buyer(node, bill_to.as_ref(), ship_to.as_ref()),
        delivery: delivery(node, &rows, ship_to),
        bill_to,
        gift: node
            .get("gift")
            .get("option")
            .flag()
            .filter(|gift| *gift)
            .map(|_| Gift {
                message: node.get("gift").get("message").text(),
                sender: None,
                wrap: None,
            }),
        buyer_note: node.get("remarks").shown(),
        invoice_required: node.get("invoiceRequired").flag(),
        parcels: parcels(&rows, &items),
        facts: facts(node),
        currency,
        ..blank(
            id.to_string(),
            node.get("number").text().unwrap_or_else(|| id.to_string()),
        )
    };
    Ok(Order { lines, ..order })
}

/// Forgets all other members.
fn keep(value: &mut Value, names: &[&str]) {
    if let Value::Object(members) = value {
        members.retain(|name, _| names.contains(&name.as_str()));
    }
}

fn read_time(node: Node<'_>) -> Option<Timestamp> {
    node.text()
        .and_then(|text| lockstep_sdk::time::parse(&text))
}

fn placed_at(node: Node<'_>, rows: &[Node<'_>]) -> Result<Timestamp, String> {
    let of_items = || {
        rows.iter()
            .filter_map(|row| read_time(row.get("createdAt")))
            .min()
    };
    read_time(node.get("createdAt"))
        .or_else(of_items)
        .or_else(|| read_time(node.get("updatedAt")))
        .ok_or_else(|| "it does not tell when it was placed".to_owned())
}

/// The items that the seller sends; all of them when the seller sends none.
fn relevant<'a>(items: &'a [&'a Item]) -> Vec<&'a Item> {
    let own: Vec<&Item> = items
        .iter()
        .copied()
        .filter(|item| item.sellers())
        .collect();
    if own.is_empty() { items.to_vec() } else { own }
}

/// What is left to do with the order as a whole.
fn state(items: &[&Item]) -> State {
    let items = relevant(items);
    let any = |wanted: fn(&Item) -> bool| items.iter().any(|item| wanted(item));
    if any(Item::withheld) {
        return State::Held;
    }
    if any(|i| matches!(i.status, Status::Pending | Status::ReadyToShip)) {
        return State::Open;
    }
    if any(|i| i.status == Status::Shipped) {
        return State::Shipped;
    }
    let unknown = items.iter().find_map(|item| match &item.status {
        Status::Other(word) => Some(word.clone()),
        _ => None,
    });
    if let Some(word) = unknown {
        return State::Other(word);
    }
    if any(|i| i.status == Status::Delivered) {
        State::Delivered
    } else if any(|i| i.status == Status::Failed) {
        State::DeliveryFailed
    } else if any(|i| i.status == Status::Returned) {
        State::Returned
    } else {
        State::Cancelled
    }
}

/// The items' words with their numbers, in the order of appearance.
fn native_state(items: &[&Item]) -> String {
    let mut words: Vec<(&str, u32)> = Vec::new();
    for item in items {
        match words.iter_mut().find(|(word, _)| *word == item.native) {
            Some((_, count)) => *count += 1,
            None => words.push((&item.native, 1)),
        }
    }
    match words.as_slice() {
        [(word, _)] => (*word).to_owned(),
        _ => words
            .iter()
            .map(|(word, count)| format!("{count} {word}"))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

fn holds(items: &[&Item]) -> Vec<Hold> {
    let items = relevant(items);
    let mut holds = Vec::new();
    if items.iter().any(|i| i.status == Status::PaymentPending) {
        holds.push(Hold::Payment);
    }
    let unreleased = |item: &Item| item.withheld() && item.status != Status::PaymentPending;
    if items.iter().any(|item| unreleased(item)) {
        holds.push(Hold::Other(
            "not yet released for fulfillment by THE ICONIC".to_owned(),
        ));
    }
    holds
}

fn fulfiller(items: &[&Item]) -> Fulfiller {
    let own = relevant(items);
    if own.iter().all(|item| item.shipment == Shipment::Venture) {
        Fulfiller::Marketplace(VENTURE.to_owned())
    } else if own.iter().all(|item| item.shipment == Shipment::Crossdock) {
        Fulfiller::SellerToHub(VENTURE.to_owned())
    } else {
        Fulfiller::Seller
    }
}

/// The promised shipping date of the order, else the earliest of the items that still wait.
fn ship_by(node: Node<'_>, rows: &[Node<'_>], items: &[&Item]) -> Option<Window> {
    let of_items = || {
        rows.iter()
            .zip(items)
            .filter(|(_, item)| item.sellers() && item.status != Status::Canceled)
            .filter_map(|(row, _)| read_time(row.get("targetToShipAt")))
            .min()
    };
    let latest = read_time(node.get("targetToShip")).or_else(of_items)?;
    Some(Window {
        earliest: None,
        latest: Some(latest.to_string()),
    })
}

fn payment(node: Node<'_>, items: &[&Item]) -> Payment {
    let pending = items.iter().any(|i| i.status == Status::PaymentPending);
    Payment {
        state: match pending {
            true => PaymentState::Pending,
            false => PaymentState::Paid,
        },
        method: node.get("paymentMethod").text(),
        reference: None,
        paid_at: None,
    }
}

fn totals(
    node: Node<'_>,
    rows: &[Node<'_>],
    discount: Decimal,
    currency: &str,
) -> Result<Totals, String> {
    /// The sum of what is told; none when nothing is.
    fn sum(rows: &[Node<'_>], member: &str) -> Result<Option<Decimal>, String> {
        let mut total = None;
        for row in rows {
            if let Some(value) = amount(*row, member)? {
                total = Some(total.unwrap_or(Decimal::ZERO) + value);
            }
        }
        Ok(total)
    }
    let money = |amount: Decimal| money(amount, currency);
    Ok(Totals {
        goods: sum(rows, "paidPrice")?.map(money),
        shipping: sum(rows, "shippingFee")?.map(money),
        tax: sum(rows, "taxAmount")?.map(money),
        discount: Some(money(discount)),
        charges: None,
        grand: amount(node, "grandTotal")?.map(money),
        tax_included: Some(true),
    })
}

fn buyer(node: Node<'_>, bill_to: Option<&Address>, ship_to: Option<&Address>) -> Buyer {
    let customer = node.get("customer");
    let name = address::full_name(
        customer.get("firstName").shown().as_deref(),
        customer.get("lastName").shown().as_deref(),
    );
    let addresses = [bill_to, ship_to];
    let mut known = addresses.iter().flatten();
    let email = known.clone().find_map(|address| address.email.clone());
    let phone = known.find_map(|address| address.phones.first().cloned());
    let masked = ["billing", "shipping"]
        .iter()
        .any(|which| node.get("address").get(which).get("email").masked());
    Buyer {
        id: None,
        name: name.or_else(|| {
            addresses.iter().flatten().find_map(|address| {
                address::full_name(address.first_name.as_deref(), address.last_name.as_deref())
            })
        }),
        company: None,
        email_kind: match (&email, masked) {
            (Some(_), _) => EmailKind::Unknown,
            (None, true) => EmailKind::Masked,
            (None, false) => EmailKind::None,
        },
        email,
        phone,
        locale: None,
        purchase_order: None,
        tax_ids: fact(
            "national-registration-number",
            node.get("nationalRegistrationNumber").shown(),
        )
        .collect(),
    }
}

fn delivery(node: Node<'_>, rows: &[Node<'_>], ship_to: Option<Address>) -> Delivery {
    let shipments: Vec<Node<'_>> = rows.iter().map(|row| row.get("shipment")).collect();
    let method = shipments.iter().find_map(|s| s.get("method").text());
    let service = node
        .get("shipmentProviderType")
        .text()
        .or_else(|| shipments.iter().find_map(|s| s.get("providerType").text()));
    let preset = shipments
        .iter()
        .filter(|s| s.get("providerPreselected").flag() == Some(true))
        .find_map(|s| carrier(s.get("preProvider")).or_else(|| carrier(s.get("provider"))));
    Delivery {
        mode: match method.as_deref() {
            None | Some("home" | "address" | "work") => DeliveryMode::Home,
            Some("pickup") => DeliveryMode::PickupPoint(String::new()),
            Some("none") => DeliveryMode::Digital,
            Some(word) => DeliveryMode::Other(word.to_owned()),
        },
        service_label: service.as_deref().map(label),
        service,
        preset,
        ship_to,
        ..blank(String::new(), String::new()).delivery
    }
}

/// "sameday" reads better as "Sameday".
fn label(word: &str) -> String {
    let mut chars = word.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

fn carrier(provider: Node<'_>) -> Option<Carrier> {
    Some(Carrier {
        code: None,
        name: Some(provider.get("name").exact()?),
        url: provider.get("trackingUrl").text(),
    })
}

/// Items that share carrier and tracking code, as the parcels they travel in.
fn parcels(rows: &[Node<'_>], items: &[&Item]) -> Vec<ParcelSeen> {
    struct Group<'a> {
        tracking: &'a str,
        carrier: Option<Carrier>,
        members: Vec<(Node<'a>, &'a Item)>,
    }
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (row, item) in rows.iter().zip(items.iter().copied()) {
        let Some(tracking) = item.tracking.as_deref().filter(|_| item.sellers()) else {
            continue;
        };
        let carrier = carrier(row.get("shipment").get("provider"));
        let name = |carrier: &Option<Carrier>| carrier.as_ref().and_then(|c| c.name.clone());
        match groups
            .iter_mut()
            .find(|g| g.tracking == tracking && name(&g.carrier) == name(&carrier))
        {
            Some(group) => group.members.push((*row, item)),
            None => groups.push(Group {
                tracking,
                carrier,
                members: vec![(*row, item)],
            }),
        }
    }
    groups
        .into_iter()
        .map(|group| {
            let alive = group
                .members
                .iter()
                .any(|(_, i)| i.status != Status::Canceled);
            let members: Vec<_> = group
                .members
                .iter()
                .filter(|(_, item)| !alive || item.status != Status::Canceled)
                .collect();
            // A parcel is as far as its slowest piece.
            let slowest = members
                .iter()
                .min_by_key(|(_, item)| progress(&item.status));
            let shipped_at = members
                .iter()
                .filter(|(_, item)| item.status == Status::Shipped)
                .filter_map(|(row, _)| read_time(row.get("lastStatusChangedAt")))
                .min();
            ParcelSeen {
                id: None,
                lines: members
                    .iter()
                    .map(|(_, item)| Packed {
                        line: item.id.to_string(),
                        quantity: 1,
                        marks: Vec::new(),
                    })
                    .collect(),
                tracking: Some(group.tracking.to_owned()),
                tracking_url: group.carrier.as_ref().and_then(|c| c.url.clone()),
                carrier: group.carrier,
                stage: slowest.map_or(Stage::Created, |(_, item)| stage(item)),
                native_stage: slowest.map(|(_, item)| item.native.clone()),
                shipped_at: shipped_at.map(|at| at.to_string()),
            }
        })
        .collect()
}

fn progress(status: &Status) -> u8 {
    match status {
        Status::PaymentPending | Status::Pending => 0,
        Status::ReadyToShip => 1,
        Status::Other(_) => 2,
        Status::Shipped => 3,
        Status::Failed | Status::Returned | Status::Delivered => 4,
        Status::Canceled => 5,
    }
}

/// How far an item that has a tracking code is.
pub fn stage(item: &Item) -> Stage {
    match &item.status {
        Status::PaymentPending | Status::Pending => Stage::Packed,
        Status::ReadyToShip => Stage::Ready,
        Status::Shipped | Status::Failed => Stage::Shipped,
        Status::Delivered | Status::Returned => Stage::Delivered,
        Status::Canceled => Stage::Cancelled,
        Status::Other(word) => Stage::Other(word.clone()),
    }
}

fn related(node: Node<'_>) -> Vec<Relation> {
    [
        ("exchangeForOrderId", Kinship::Replaces),
        ("exchangeByOrderId", Kinship::ReplacedBy),
    ]
    .into_iter()
    .filter_map(|(member, kind)| {
        let order = node.get(member).text().filter(|id| id != "0")?;
        Some(Relation { order, kind })
    })
    .collect()
}

fn facts(node: Node<'_>) -> Vec<Fact> {
    let extra = node.get("extraAttributes");
    let extra = match extra.text() {
        Some(text) => Some(text),
        None if extra.list().is_empty() => None,
        None => Some(extra.shortened(FACT)),
    };
    fact("voucher", node.get("voucher").get("code").text())
        .chain(fact("source", node.get("source").text()))
        .chain(fact("region", node.get("regionId").text()))
        .chain(fact("extra-attributes", extra))
        .collect()
}

fn fact(key: &str, value: Option<String>) -> impl Iterator<Item = Fact> + use<> {
    let key = key.to_owned();
    value.into_iter().map(move |value| Fact {
        key: key.clone(),
        value: shorten(&value, FACT),
    })
}

#[cfg(test)]
#[path = "order_tests.rs"]
mod tests;
