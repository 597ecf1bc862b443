//! Orders as records. Every member may be missing or null: an order that cannot be read keeps its number and says why.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::api::{Api, Http, array, encode};
use crate::json;
use crate::listings::next;
use crate::lockstep::plugin::types::{
    Action, Address, Buyer, Carrier, Cost, Cover, Delivery, DeliveryMode, Discount, EmailKind, Fact, Fault, Fulfiller, Gift, Hold, Kinship, Line, LineKind,
    Order, Packed, ParcelSeen, Part, Payment, PaymentState, Relation, Side, Stage, State, Tax, Totals, Window,
};

/// Orders of one page. The most that is taken is not stated; this is what works everywhere.
const PAGE: usize = 50;

/// Orders with an item that changed since then, and the cursor of the next page.
pub fn changed<H: Http>(api: &Api<H>, since: &str, cursor: Option<&str>) -> Result<(Vec<Order>, Option<String>), Fault> {
    let offset: usize = cursor.unwrap_or("0").parse().map_err(|_| Fault::Other(format!("\"{}\" is no cursor of this plugin", cursor.unwrap_or(""))))?;
    let since = json::moment(since).ok_or_else(|| Fault::Other(format!("\"{since}\" is no instant")))?;
    let start = encode(&since.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string());
    let answer = api.get(&format!("/v2/orders?limit={PAGE}&offset={offset}&updateDateStart={start}&sort=updatedAt&sortDir=asc"))?;
    if !answer.is_null() && !answer.is_array() && answer.get("items").is_none() {
        return Err(Fault::Protocol("GET /v2/orders: the answer has no items".into()));
    }
    Ok((json::rows(&answer).iter().filter_map(order).collect(), next(&answer, offset)))
}

/// Whole orders by id.
pub fn by_id<H: Http>(api: &Api<H>, ids: &[String]) -> Result<Vec<Order>, Fault> {
    let mut orders = Vec::new();
    for chunk in ids.chunks(PAGE) {
        let answer = api.get(&format!("/v2/orders?{}&limit={PAGE}&offset=0", array("orderIds", chunk.iter().map(String::as_str))))?;
        // A name that the server does not know is ignored there, and the list comes unfiltered.
        orders.extend(json::rows(&answer).iter().filter_map(order).filter(|o| chunk.contains(&o.id)));
    }
    Ok(orders)
}

/// One order as Seller Center has it, read for the sake of its items.
pub fn read<H: Http>(api: &Api<H>, id: &str) -> Result<Value, Fault> {
    let order = api.get(&format!("/v2/orders/{}", encode(id)))?;
    if json::text(&order, "id").as_deref() != Some(id) {
        return Err(Fault::Protocol(format!("GET /v2/orders/{id}: the answer is not that order")));
    }
    Ok(order)
}

/// An order as a record; none for one that has neither id nor number, which nothing could name.
fn order(value: &Value) -> Option<Order> {
    let number = json::text(value, "number");
    let id = json::text(value, "id").or_else(|| number.clone())?;
    let currency = json::text(value, "currency").unwrap_or_default();
    let items = json::list(value, "items");
    let lines: Vec<Line> = items.iter().filter_map(|i| line(i, &currency)).collect();
    let placed_at = json::instant(value, "createdAt");
    let broken = if placed_at.is_none() {
        Some("it has no readable time of purchase")
    } else if lines.len() < items.len() {
        Some("one of its items has no id")
    } else if lines.is_empty() {
        Some("it has no items")
    } else if currency.is_empty() {
        Some("it names no currency")
    } else {
        None
    };
    let state = broken.map_or_else(|| state(&lines), |why| State::Other(why.to_owned()));
    let shipping = value.get("address").and_then(|a| json::member(a, "shipping"));
    let billing = value.get("address").and_then(|a| json::member(a, "billing"));
    let instructions = json::text(value, "deliveryInfo");
    let ship_to = shipping.map(|a| address(a, instructions));
    let service = json::text(value, "shipmentProviderType");
    let waits_for_payment = items.iter().any(|i| json::text(i, "status").as_deref() == Some("payment_pending"));
    let unreleased = lines.iter().any(|l| matches!(l.state, State::Held) && l.native_state != "payment_pending");
    let mut holds = Vec::new();
    if waits_for_payment {
        holds.push(Hold::Payment);
    }
    if unreleased {
        holds.push(Hold::Other("not released for fulfillment yet".into()));
    }
    let customer = value.get("customer").unwrap_or(&Value::Null);
    let name = join(&[json::text(customer, "firstName"), json::text(customer, "lastName")]);
    let email = billing.and_then(|b| unmasked(json::text(b, "email")));
    let gift = value.get("gift").filter(|g| json::flag(g, "option") == Some(true)).map(|g| Gift { message: json::text(g, "message"), sender: None, wrap: None });
    let statuses = value.get("statusList").and_then(Value::as_object);
    let native_state = statuses
        .map(|s| s.iter().map(|(k, v)| format!("{k} {}", json::plain(v).unwrap_or_default())).collect::<Vec<_>>().join(", "))
        .filter(|s| !s.is_empty())
        .unwrap_or_else(|| lines.first().map_or_else(|| "unknown".into(), |l| l.native_state.clone()));
    let relation = |key: &str, kind: Kinship| json::text(value, key).map(|order| Relation { order, kind });
    let venture = !lines.is_empty() && lines.iter().all(|l| matches!(l.fulfilled_by, Some(Fulfiller::Marketplace(_))));
    let facts = [("payment method", "paymentMethod"), ("source", "source")]
        .into_iter()
        .filter_map(|(key, from)| json::text(value, from).map(|value| Fact { key: key.into(), value }))
        .collect();
    Some(Order {
        number: number.unwrap_or_else(|| id.clone()),
        basket: None,
        aliases: json::text(value, "uuid").map(|value| Fact { key: "uuid".into(), value }).into_iter().collect(),
        seller_reference: None,
        site: ship_to.as_ref().and_then(|a| a.country.clone()),
        related: relation("exchangeByOrderId", Kinship::ReplacedBy).into_iter().chain(relation("exchangeForOrderId", Kinship::Replaces)).collect(),
        native_state,
        reason: None,
        holds,
        allowed: None,
        fulfilled_by: if venture { Fulfiller::Marketplace("Seller Center's warehouse".into()) } else { Fulfiller::Seller },
        placed_at: placed_at.unwrap_or_else(|| "1970-01-01T00:00:00Z".into()),
        // The order's own time of change says nothing of its items; the newest item does.
        updated_at: lines.iter().filter_map(|l| l.updated_at.clone()).max(),
        closed_at: None,
        ship_by: window(json::instant(value, "targetToShip")),
        deliver_by: None,
        totals: Totals { goods: None, shipping: None, tax: None, discount: None, charges: None, grand: json::money(value, "grandTotal", &currency), tax_included: Some(true) },
        taxes: vec![],
        discounts: vec![],
        charges: vec![],
        costs: vec![],
        payment: Payment {
            state: if waits_for_payment { PaymentState::Pending } else { PaymentState::Paid },
            method: json::text(value, "paymentMethod"),
            reference: None,
            paid_at: None,
        },
        buyer: Buyer {
            id: None,
            name,
            company: None,
            email_kind: if email.is_some() { EmailKind::Unknown } else { EmailKind::Masked },
            email,
            phone: billing.and_then(|b| phones(b).into_iter().next()),
            locale: None,
            purchase_order: None,
            tax_ids: json::text(value, "nationalRegistrationNumber").map(|value| Fact { key: "national registration number".into(), value }).into_iter().collect(),
        },
        bill_to: billing.map(|a| address(a, None)),
        delivery: Delivery {
            mode: DeliveryMode::Home,
            service_label: service.as_deref().map(|s| capitalized(s)),
            service,
            preset: None,
            tracking_required: None,
            label_by: Side::Seller,
            ship_to,
            final_to: None,
            label_reference: None,
            demands: vec![],
        },
        gift,
        buyer_note: json::text(value, "remarks"),
        marketplace_note: None,
        invoice_required: json::flag(value, "invoiceRequired"),
        parcels: parcels(items),
        adjustments: vec![],
        cancel_asks: vec![],
        facts,
        lines: if broken.is_some() { vec![] } else { lines },
        currency,
        state,
        id,
    })
}

/// The state of an order is that of its least finished item.
fn state(lines: &[Line]) -> State {
    let any = |wanted: &State| lines.iter().any(|l| l.state == *wanted);
    for state in [State::Open, State::Held] {
        if any(&state) {
            return state;
        }
    }
    if let Some(unknown) = lines.iter().find(|l| matches!(l.state, State::Other(_))) {
        return unknown.state.clone();
    }
    for state in [State::Shipped, State::Delivered, State::DeliveryFailed, State::Returned] {
        if any(&state) {
            return state;
        }
    }
    State::Cancelled
}

/// What an item's status means. A pending item that may not be processed waits for its release.
fn item_state(status: &str, processable: bool) -> State {
    match status {
        "pending" if processable => State::Open,
        "pending" | "payment_pending" => State::Held,
        "ready_to_ship" => State::Open,
        "shipped" => State::Shipped,
        "delivered" => State::Delivered,
        "canceled" => State::Cancelled,
        "failed" => State::DeliveryFailed,
        "returned" | "return_shipped_by_customer" | "return_waiting_for_approval" | "return_rejected" | "return_delivered" => State::Returned,
        other => State::Other(other.to_owned()),
    }
}

fn line(item: &Value, currency: &str) -> Option<Line> {
    let id = json::text(item, "id")?;
    let status = json::text(item, "status").unwrap_or_else(|| "unknown".into());
    let product = item.get("product").unwrap_or(&Value::Null);
    let shipment = item.get("shipment").unwrap_or(&Value::Null);
    let fulfilled_by = match json::text(shipment, "type").as_deref() {
        Some("warehouse") => Fulfiller::Marketplace("Seller Center's warehouse".into()),
        Some("crossdocking" | "dropshipping_crossdocking" | "crossdocking_dropshipping") => Fulfiller::SellerToHub("Seller Center".into()),
        _ => Fulfiller::Seller,
    };
    let list = json::amount(item, "unitPrice");
    let paid = json::amount(item, "paidPrice").or_else(|| json::amount(item, "priceAfterDiscount")).or_else(|| list.clone());
    let money = |amount: &Option<String>| {
        amount.clone().map(|amount| crate::lockstep::plugin::types::Money { amount, currency: currency.to_owned() })
    };
    let sku = json::exact(product, "sellerSku");
    let name = json::text(product, "name").unwrap_or_default();
    let variation = json::text(product, "variation");
    let title = variation.as_ref().map_or_else(|| name.clone(), |v| format!("{name} ({v})"));
    let dropped = matches!(item_state(&status, true), State::Cancelled);
    let gone = matches!(item_state(&status, true), State::Shipped | State::Delivered | State::DeliveryFailed | State::Returned);
    let tax = json::money(item, "taxAmount", currency).filter(|t| !json::is_zero(&t.amount)).map(|amount| Tax {
        code: if matches!(currency, "AUD" | "NZD") { "GST".into() } else { "Tax".into() },
        rate: json::amount(item, "taxPercent").and_then(|p| percent(&p)),
        amount,
        on: Part::Goods,
        included: Some(true),
        collected_by: Side::Seller,
    });
    let vouchers = json::list(item, "vouchers");
    let discount = json::money(item, "discountAmount", currency).filter(|d| !json::is_zero(&d.amount)).map(|amount| Discount {
        code: vouchers.iter().find_map(|v| json::text(v, "code")),
        amount,
        on: Part::Goods,
        seller_share: vouchers.iter().find_map(|v| json::money(v, "amountFundedBySeller", currency)),
    });
    let failure = item.get("failureReason").unwrap_or(&Value::Null);
    let actions = item.get("actions").and_then(Value::as_array).map(|a| a.iter().filter_map(json::plain).map(action).collect());
    Some(Line {
        kind: if json::text(shipment, "providerType").as_deref() == Some("digital") { LineKind::Digital } else { LineKind::Goods },
        fold: sku.as_ref().map(|s| format!("{s}|{}|{}", paid.as_deref().unwrap_or(""), list.as_deref().unwrap_or(""))),
        listing: None,
        product: json::text(product, "sku"),
        title: if title.is_empty() { sku.clone().unwrap_or_else(|| format!("item {id}")) } else { title },
        choices: variation.map(|value| Fact { key: "variation".into(), value }).into_iter().collect(),
        quantity: 1,
        cancelled: u32::from(dropped),
        shipped: u32::from(gone),
        delivered: None,
        returned: None,
        state: item_state(&status, json::flag(item, "isProcessable") != Some(false)),
        reason: join(&[json::text(failure, "name"), json::text(failure, "details")]),
        allowed: actions,
        fulfilled_by: Some(fulfilled_by),
        cover: Cover::Ordered,
        list_unit: money(&list),
        paid_unit: money(&paid),
        goods: money(&paid),
        shipping: json::money(item, "shippingFee", currency),
        taxes: tax.into_iter().collect(),
        discounts: discount.into_iter().collect(),
        charges: vec![],
        costs: json::money(item, "paidCommission", currency).map(|amount| Cost { code: "commission".into(), amount, tax: None }).into_iter().collect(),
        ship_by: window(json::instant(item, "targetToShipAt")),
        deliver_by: None,
        ship_from: json::text(item, "warehouseName"),
        marks_required: vec![],
        delivery: None,
        gift: None,
        cancel_asks: vec![],
        updated_at: json::instant(item, "updatedAt").max(json::instant(item, "lastStatusChangedAt")).or_else(|| json::instant(item, "createdAt")),
        facts: json::text(shipment, "trackingCode").map(|value| Fact { key: "tracking code".into(), value }).into_iter().collect(),
        native_state: status,
        sku,
        id,
    })
}

fn action(word: String) -> Action {
    match word.as_str() {
        "status_set_to_packed_by_marketplace" => Action::Pack,
        "status_set_to_ready_to_ship" => Action::Ready,
        "status_set_to_shipped" => Action::Ship,
        "status_set_to_canceled" => Action::Cancel,
        "set_tracking_code" => Action::CorrectTracking,
        _ => Action::Other(word),
    }
}

/// Items that carry the same tracking code travel together.
fn parcels(items: &[Value]) -> Vec<ParcelSeen> {
    let mut found: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for item in items {
        if let Some(code) = item.get("shipment").and_then(|s| json::text(s, "trackingCode")) {
            found.entry(code).or_default().push(item);
        }
    }
    found
        .into_iter()
        .filter_map(|(code, items)| {
            let first = items.first()?;
            let status = json::text(first, "status").unwrap_or_default();
            let provider = first.get("shipment").and_then(|s| s.get("provider")).and_then(|p| json::text(p, "name"));
            let stage = match status.as_str() {
                "pending" => Stage::Packed,
                "ready_to_ship" => Stage::Ready,
                "shipped" => Stage::Shipped,
                "delivered" => Stage::Delivered,
                "canceled" => Stage::Cancelled,
                other => Stage::Other(other.to_owned()),
            };
            Some(ParcelSeen {
                id: None,
                lines: items.iter().filter_map(|i| json::text(i, "id")).map(|line| Packed { line, quantity: 1, marks: vec![] }).collect(),
                carrier: provider.map(|name| Carrier { code: None, name: Some(name), url: None }),
                tracking: Some(code),
                tracking_url: None,
                stage,
                native_stage: Some(status),
                shipped_at: None,
            })
        })
        .collect()
}

fn window(latest: Option<String>) -> Option<Window> {
    latest.map(|latest| Window { earliest: None, latest: Some(latest) })
}

/// "10" as the fraction "0.1", exactly.
fn percent(text: &str) -> Option<String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.starts_with('-') {
        return None;
    }
    let padded = format!("{whole:0>3}");
    let (units, hundredths) = padded.split_at(padded.len() - 2);
    let rate = format!("{units}.{hundredths}{fraction}");
    let short = rate.trim_end_matches('0').trim_end_matches('.');
    Some(if short.is_empty() { "0".into() } else { short.to_owned() })
}

fn join(parts: &[Option<String>]) -> Option<String> {
    let text = parts.iter().flatten().cloned().collect::<Vec<_>>().join(" ");
    Some(text).filter(|t| !t.is_empty())
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().collect::<String>() + chars.as_str())
}

/// Whether a field is withheld: it comes as a row of `#`.
fn masked(text: &str) -> bool {
    text.len() >= 3 && text.chars().all(|c| c == '#')
}

fn unmasked(text: Option<String>) -> Option<String> {
    text.filter(|t| !masked(t))
}

fn phones(a: &Value) -> Vec<String> {
    let list = json::list(a, "phone");
    let all: Vec<String> = if list.is_empty() { json::text(a, "phone").into_iter().collect() } else { list.iter().filter_map(json::plain).collect() };
    all.into_iter().filter(|p| !masked(p)).collect()
}

fn address(a: &Value, instructions: Option<String>) -> Address {
    let withheld = ["firstName", "lastName", "city", "postCode"].iter().any(|k| json::text(a, k).is_some_and(|t| masked(&t)))
        || json::list(a, "address").iter().filter_map(json::plain).any(|t| masked(&t));
    let field = |key: &str| unmasked(json::text(a, key));
    let given = json::text(a, "country");
    Address {
        name: None,
        first_name: field("firstName"),
        last_name: field("lastName"),
        company: field("company"),
        lines: json::list(a, "address").iter().filter_map(json::plain).filter(|l| !masked(l)).collect(),
        suburb: field("ward"),
        city: field("city"),
        region: field("region"),
        postcode: field("postCode"),
        country: given.as_deref().and_then(country),
        country_as_given: given,
        phones: phones(a),
        email: field("email"),
        instructions,
        masked: withheld,
    }
}

/// ISO code of a country that comes as a name or a code.
fn country(given: &str) -> Option<String> {
    let plain = given.trim().to_ascii_lowercase();
    if plain.len() == 2 && plain.bytes().all(|b| b.is_ascii_lowercase()) {
        return Some(plain.to_ascii_uppercase());
    }
    let code = match plain.as_str() {
        "australia" | "aus" => "AU",
        "new zealand" | "nzl" | "aotearoa" => "NZ",
        "singapore" | "sgp" => "SG",
        "malaysia" | "mys" => "MY",
        "hong kong" | "hkg" => "HK",
        "taiwan" | "twn" => "TW",
        "indonesia" | "idn" => "ID",
        "philippines" | "phl" => "PH",
        "brazil" | "brasil" | "bra" => "BR",
        "chile" | "chl" => "CL",
        "colombia" | "col" => "CO",
        _ => return None,
    };
    Some(code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn percents_are_exact() {
        for (p, rate) in [("10", "0.1"), ("12.5", "0.125"), ("7", "0.07"), ("0", "0"), ("100", "1"), ("150.5", "1.505")] {
            assert_eq!(percent(p).as_deref(), Some(rate), "{p}");
        }
    }

    #[test]
    fn one_item_is_one_line_and_equal_ones_fold() {
        let item = |id: u64| {
            json!({"id": id, "status": "pending", "isProcessable": true, "product": {"name": "Shorts", "sellerSku": "A ", "variation": "30"},
                "unitPrice": 89.95, "paidPrice": 84.95, "taxAmount": 7.72, "taxPercent": 10, "shipment": {"type": "dropshipping", "trackingCode": ""},
                "updatedAt": "2026-03-08T23:52:18.000000Z", "actions": ["status_set_to_ready_to_ship", "status_set_to_fly"]})
        };
        let text = json!({"id": 1, "number": "9", "currency": "AUD", "createdAt": "2026-03-08T23:41:07.000000Z", "items": [item(5), item(6)],
            "address": {"billing": null, "shipping": {"firstName": "Marlo", "phone": ["#####"], "address": ["8 Lantern Rd", "", ""], "email": "#####",
                "city": "Fremantle", "region": "WA", "postCode": "6160", "country": "Australia"}}});
        let text: Value = serde_json::from_str(&text.to_string()).expect("valid");
        let order = order(&text).expect("an order");
        assert_eq!(order.state, State::Open);
        assert_eq!(order.lines.len(), 2);
        let line = &order.lines[0];
        assert_eq!((line.id.as_str(), line.quantity, line.sku.as_deref()), ("5", 1, Some("A ")));
        assert_eq!(line.fold, order.lines[1].fold);
        assert_eq!(line.paid_unit.as_ref().map(|m| m.amount.as_str()), Some("84.95"));
        assert_eq!(line.taxes[0].rate.as_deref(), Some("0.1"));
        assert_eq!(line.allowed.as_deref(), Some(&[Action::Ready, Action::Other("status_set_to_fly".into())][..]));
        let to = order.delivery.ship_to.expect("an address");
        assert_eq!((to.country.as_deref(), to.lines.as_slice(), to.phones.len(), to.email), (Some("AU"), &["8 Lantern Rd".to_owned()][..], 0, None));
        assert_eq!(order.updated_at.as_deref(), Some("2026-03-08T23:52:18Z"));
    }

    #[test]
    fn an_order_that_cannot_be_read_says_why() {
        let broken = order(&json!({"id": 1, "number": "9", "items": null})).expect("kept");
        assert!(matches!(&broken.state, State::Other(why) if why.contains("time of purchase")));
        assert!(broken.lines.is_empty());
        assert!(order(&json!({"items": []})).is_none());
    }

    #[test]
    fn statuses_map_and_unknown_ones_stay() {
        assert_eq!(item_state("pending", false), State::Held);
        assert_eq!(item_state("payment_pending", true), State::Held);
        assert_eq!(item_state("canceled", true), State::Cancelled);
        assert_eq!(item_state("on_the_moon", true), State::Other("on_the_moon".into()));
    }
}
