//! An order of the marketplace as an order of the contract.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::address;
use crate::amount::{self, money};
use crate::api::{Api, setting};
use crate::line::{self, Within};
use crate::listings;
use crate::shipments::Shipment;
use lockstep_sdk::json::Node;
use lockstep_sdk::types::{
    Address, Buyer, Carrier, Delivery, DeliveryMode, EmailKind, Fact, Hold, Order, Packed,
    ParcelSeen, Payment, PaymentState, Side, Stage, State, Totals, Window,
};

/// The placing of an order that cannot be read.
const EPOCH: &str = "1970-01-01T00:00:00Z";
/// Hours to accept, unless the setting says otherwise.
const ACCEPTANCE_HOURS: i64 = 24;

/// What the settings say that orders need.
pub struct Terms {
    /// Orders are asked for with prices that contain tax.
    pub tax_included: bool,
    /// Who remits taxes.
    pub remits: Side,
    /// How long the seller has to accept.
    pub acceptance: SignedDuration,
}

impl Terms {
    /// Reads them.
    pub fn of(api: Api<'_>) -> Self {
        let hours = setting(api, "acceptance-hours").and_then(|text| text.parse().ok());
        Self {
            tax_included: setting(api, "tax-mode").as_deref() != Some("excluded"),
            remits: match setting(api, "taxes-remitted-by").as_deref() {
                Some("marketplace") => Side::Marketplace,
                _ => Side::Seller,
            },
            acceptance: SignedDuration::from_hours(i64::clamp(
                hours.unwrap_or(ACCEPTANCE_HOURS),
                0,
                24 * 365,
            )),
        }
    }

    /// The basis of amounts, in the marketplace's word.
    pub fn tax_mode(&self) -> &'static str {
        match self.tax_included {
            true => "TAX_INCLUDED",
            false => "TAX_EXCLUDED",
        }
    }
}

/// Reads a row. One that cannot be read is told all the same when it has an id, with a state that says why, so that
/// people see it and its page goes on. The error is for rows without.
pub fn read(node: Node<'_>, terms: &Terms, parcels: &[Shipment]) -> Result<Order, String> {
    let id = node
        .get("order_id")
        .exact()
        .ok_or_else(|| format!("it has no order_id: {}", node.shortened(200)))?;
    Ok(
        whole(node, &id, terms, parcels).unwrap_or_else(|why| Order {
            number: id.clone(),
            id,
            state: State::Other(format!("unreadable: {why}")),
            native_state: node.get("order_state").text().unwrap_or_default(),
            placed_at: time(node, "created_date").unwrap_or_else(|| EPOCH.to_owned()),
            currency: node.get("currency_iso_code").text().unwrap_or_default(),
            ..Order::default()
        }),
    )
}

fn time(node: Node<'_>, member: &str) -> Option<String> {
    lockstep_sdk::time::instant(&node.get(member).text()?)
}

fn whole(node: Node<'_>, id: &str, terms: &Terms, parcels: &[Shipment]) -> Result<Order, String> {
    let native = node.get("order_state").text();
    let native = native.ok_or_else(|| "it has no state".to_owned())?;
    let currency = node.get("currency_iso_code").text();
    let currency = currency.ok_or_else(|| "it has no currency".to_owned())?;
    let placed_at = time(node, "created_date").ok_or("its created_date is no time")?;
    // The answer says which basis it really has.
    let tax_included = match node.get("order_tax_mode").text().as_deref() {
        Some("TAX_INCLUDED") => true,
        Some("TAX_EXCLUDED") => false,
        _ => terms.tax_included,
    };
    let own: Vec<&Shipment> = parcels.iter().filter(|p| p.order == id).collect();
    let ship_by = time(node, "shipping_deadline");
    let within = Within {
        currency: &currency,
        tax_included,
        remits: terms.remits,
        native: &native,
        can_cancel: node.get("can_cancel").flag().unwrap_or(false),
        ship_by: ship_by.clone(),
        parcels: &own,
    };
    let rows = node.get("order_lines").list();
    let mut read = Vec::with_capacity(rows.len());
    for row in &rows {
        read.push(line::read(*row, &within)?);
    }
    if read.is_empty() {
        return Err("it has no lines".to_owned());
    }
    let customer = node.get("customer");
    let ship_to = address::read(customer.get("shipping_address"));
    let bill_to = address::read(customer.get("billing_address"));
    let holds = holds(node, &read, ship_to.is_some(), &placed_at, terms);
    let newest = (rows.iter())
        .filter_map(|row| time(*row, "last_updated_date"))
        .chain(time(node, "last_updated_date"))
        .filter_map(|text| text.parse::<Timestamp>().ok())
        .max();
    let references = node.get("references");
    let channel = node.get("channel").get("code").text();
    let parcels = match own.is_empty() {
        true => simple_parcel(node, &read).into_iter().collect(),
        false => own.iter().map(|parcel| parcel.seen()).collect(),
    };
    let totals = totals(node, &rows, &currency, tax_included)?;
    Ok(Order {
        id: id.to_owned(),
        number: id.to_owned(),
        basket: node.get("commercial_id").text(),
        aliases: (references.get("order_reference_for_customer").text())
            .map(|value| Fact::new("order-reference-for-customer", value))
            .into_iter()
            .collect(),
        seller_reference: references.get("order_reference_for_seller").text(),
        site: channel,
        state: order_state(&native, &read),
        reason: (node.get("order_state_reason_label").text())
            .or_else(|| node.get("order_state_reason_code").text()),
        holds,
        fulfilled_by: listings::fulfiller(node),
        placed_at,
        updated_at: newest.map(|at| at.to_string()),
        ship_by: ship_by.map(|latest| Window {
            earliest: None,
            latest: Some(latest),
        }),
        deliver_by: deliver_by(node.get("delivery_date")),
        totals,
        payment: payment(node, &native),
        buyer: buyer(node, customer, ship_to.as_ref().or(bill_to.as_ref())),
        bill_to,
        delivery: Delivery {
            mode: match node.get("shipping_pudo_id").text() {
                Some(point) => DeliveryMode::PickupPoint(point),
                None => DeliveryMode::Home,
            },
            service: node.get("shipping_type_code").text(),
            service_label: node.get("shipping_type_label").text(),
            ship_to,
            ..Delivery::default()
        },
        adjustments: read.iter().flat_map(|r| r.adjustments.clone()).collect(),
        lines: read.into_iter().map(|r| r.line).collect(),
        parcels,
        facts: facts(node),
        native_state: native,
        currency,
        ..Order::default()
    })
}

/// The order's own state; where every line ended before it was shipped, theirs.
fn order_state(native: &str, read: &[line::Read]) -> State {
    let all = |state: State| read.iter().all(|r| r.line.state == state);
    let over = |r: &line::Read| matches!(r.line.state, State::Cancelled | State::Refused);
    match line::state_of(native) {
        _ if all(State::Refused) => State::Refused,
        _ if read.iter().all(over) => State::Cancelled,
        state => state,
    }
}

/// Why it may not be shipped yet. Lines tell it, since those of one order may differ.
fn holds(
    node: Node<'_>,
    read: &[line::Read],
    address: bool,
    placed_at: &str,
    terms: &Terms,
) -> Vec<Hold> {
    let any = |words: &[&str]| read.iter().any(|r| words.contains(&r.native.as_str()));
    let open = read.iter().any(|r| r.line.state == State::Open);
    let mut holds = Vec::new();
    if any(&["STAGING"]) {
        holds.push(Hold::Fraud);
    }
    if any(&["WAITING_ACCEPTANCE"]) {
        let by = (placed_at.parse::<Timestamp>().ok())
            .and_then(|at| at.checked_add(terms.acceptance).ok());
        holds.push(Hold::Acceptance(by.map(|at| at.to_string())));
    }
    if any(&["WAITING_DEBIT", "WAITING_DEBIT_PAYMENT"]) {
        holds.push(Hold::Payment);
    }
    if open && node.get("can_shop_ship").flag() == Some(false) && holds.is_empty() {
        holds.push(Hold::Other(
            "the marketplace does not let the seller ship it yet".to_owned(),
        ));
    }
    if open && !address && holds.is_empty() {
        holds.push(Hold::Address);
    }
    for r in read.iter().filter(|r| r.units.doubtful) {
        let units = r.units;
        holds.push(Hold::Other(format!(
            "line {}: its price and its cancellations tell different numbers of units ({} of {} canceled by the price)",
            r.line.id, units.canceled, units.ordered
        )));
    }
    holds
}

fn deliver_by(node: Node<'_>) -> Option<Window> {
    let window = Window {
        earliest: time(node, "earliest"),
        latest: time(node, "latest"),
    };
    (window.earliest.is_some() || window.latest.is_some()).then_some(window)
}

fn totals(
    node: Node<'_>,
    rows: &[Node<'_>],
    currency: &str,
    tax_included: bool,
) -> Result<Totals, String> {
    let mut tax = Decimal::ZERO;
    for row in rows {
        // The order's totals leave refused lines out.
        if row.get("order_line_state").text().as_deref() == Some("REFUSED") {
            continue;
        }
        tax += amount::sum(&row.get("taxes").list(), "amount")?;
        tax += amount::sum(&row.get("shipping_taxes").list(), "amount")?;
    }
    tax += amount::sum(&node.get("order_taxes").list(), "total_amount")?;
    let total = amount::read(node, "total_price")?;
    let grand = total.map(|total| if tax_included { total } else { total + tax });
    let discount = amount::read(node.get("promotions"), "total_deduced_amount")?;
    let told = |amount: Option<Decimal>| amount.map(|amount| money(amount, currency));
    Ok(Totals {
        goods: told(amount::read(node, "price")?),
        shipping: told(amount::read(node, "shipping_price")?),
        tax: Some(money(tax, currency)),
        discount: told(discount),
        charges: None,
        grand: told(grand),
        tax_included: Some(tax_included),
    })
}

fn payment(node: Node<'_>, native: &str) -> Payment {
    let paid_at = time(node, "customer_debited_date");
    let workflow = node.get("payment_workflow").text();
    let state = if node.get("fully_refunded").flag() == Some(true) {
        PaymentState::Refunded
    } else if paid_at.is_some() {
        PaymentState::Paid
    } else if workflow.as_deref() == Some("NO_CUSTOMER_PAYMENT_CONFIRMATION") {
        PaymentState::NotNeeded
    } else {
        match native {
            "REFUSED" | "CANCELED" => PaymentState::Failed,
            _ => PaymentState::Pending,
        }
    };
    Payment {
        state,
        method: (node.get("payment_type").text()).or_else(|| node.get("paymentType").text()),
        reference: node.get("transaction_number").text(),
        paid_at,
    }
}

fn buyer(node: Node<'_>, customer: Node<'_>, address: Option<&Address>) -> Buyer {
    // The real address is never given.
    let email = node.get("customer_notification_email").text();
    let organization = customer.get("organization");
    let tax_ids = ["identification_number", "tax_identification_number"]
        .into_iter()
        .filter_map(|name| Some(Fact::new(name, organization.get(name).text()?)));
    Buyer {
        id: customer.get("customer_id").text(),
        name: address::full_name(customer),
        company: organization.get("name").text(),
        email_kind: match email {
            Some(_) => EmailKind::Relay,
            None => EmailKind::None,
        },
        email,
        phone: address.and_then(|a| a.phones.first().cloned()),
        locale: (customer.get("locale").text()).map(|locale| locale.replace('_', "-")),
        purchase_order: None,
        tax_ids: tax_ids.collect(),
    }
}

/// The one parcel of an order whose parcels are not told apart.
fn simple_parcel(node: Node<'_>, read: &[line::Read]) -> Option<ParcelSeen> {
    let tracking = node.get("shipping_tracking").text();
    let carrier = Carrier {
        code: node.get("shipping_carrier_code").text(),
        name: node.get("shipping_company").text(),
        url: None,
    };
    let left = read.iter().any(|r| r.line.shipped > 0);
    let named = carrier.code.is_some() || carrier.name.is_some();
    if tracking.is_none() && !named && !left {
        return None;
    }
    let lines = read.iter().map(|r| Packed {
        line: r.line.id.clone(),
        quantity: r.line.quantity.saturating_sub(r.line.cancelled),
        marks: Vec::new(),
    });
    let delivered = read.iter().any(|r| r.line.state == State::Delivered);
    let shipped_at = node.get("order_lines").list().into_iter();
    Some(ParcelSeen {
        id: None,
        lines: lines.filter(|packed| packed.quantity > 0).collect(),
        carrier: named.then_some(carrier),
        tracking,
        tracking_url: node.get("shipping_tracking_url").text(),
        stage: match (delivered, left) {
            (true, _) => Stage::Delivered,
            (_, true) => Stage::Shipped,
            _ => Stage::Ready,
        },
        native_stage: node.get("order_state").text(),
        shipped_at: shipped_at.filter_map(|row| time(row, "shipped_date")).min(),
    })
}

fn facts(node: Node<'_>) -> Vec<Fact> {
    let mut facts = Vec::new();
    for (member, key) in [
        ("payment_workflow", "payment-workflow"),
        ("shipping_zone_label", "shipping-zone"),
        ("quote_id", "quote"),
    ] {
        facts.extend(node.get(member).text().map(|value| Fact::new(key, value)));
    }
    for (member, key) in [
        ("has_incident", "incident"),
        ("has_customer_message", "customer-message"),
        ("customer_directly_pays_seller", "customer-pays-seller"),
    ] {
        if node.get(member).flag() == Some(true) {
            facts.push(Fact::new(key, "yes"));
        }
    }
    facts.extend(line::fields(&node.get("order_additional_fields").list()));
    facts
}

#[cfg(test)]
#[path = "order_tests.rs"]
pub(crate) mod tests;
