//! Cancellations before the debit and refunds after it. The seller computes the amounts.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::account::REASONS;
use super::call::{Call, elements, expect_members, required, text};
use super::order_json::can_cancel;
use super::order_reads::{of_path, tax_mode};
use super::orders::{Line, Returned, Stage};
use super::reply::{Answer, Refusal, Reply};
use super::state::{State, cents};
use super::switches::TaxMode;

/// What a call tells of an entry.
const ENTRY: [&str; 9] = [
    "order_line_id",
    "quantity",
    "amount",
    "shipping_amount",
    "reason_code",
    "currency_iso_code",
    "taxes",
    "shipping_taxes",
    "fees",
];

const FIRST_REFUND: u64 = 7_001;

/// Entries of one call.
const MOST: usize = 100;

/// `PUT /api/orders/{order}/cancel`: the whole order, accepted and not paid.
pub(super) fn cancel_order(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &[]);
    let order = of_path(state, call)?;
    if !can_cancel(order) {
        let text = format!("Order cannot be canceled, it is {}", order.stage().as_str());
        return Err(Refusal::state(text));
    }
    let id = order.id.clone();
    state.cancel(&id, |_| true, "seller");
    Reply::done()
}

/// One entry of a list, read and found possible.
struct Entry {
    order: String,
    line: String,
    quantity: u32,
    amount: Decimal,
    shipping: Decimal,
    reason: String,
    unsent: bool,
}

/// A number of a JSON object, given as a number or a text.
fn number(given: &Value, name: &str) -> Result<Decimal, Refusal> {
    let value = match &given[name] {
        Value::Number(n) => n.to_string().parse().ok(),
        Value::String(text) => text.parse().ok(),
        Value::Null => return Err(Refusal::invalid(format!("{name} is required"))),
        _ => None,
    };
    value
        .filter(|n: &Decimal| *n >= Decimal::ZERO)
        .ok_or_else(|| Refusal::invalid(format!("{name} must be an amount")))
}

/// Adds the tax to an amount that comes without; rounding may not carry it above what is left.
fn gross(amount: Decimal, mode: TaxMode, left: Decimal) -> Decimal {
    match mode {
        TaxMode::TaxIncluded => amount,
        TaxMode::TaxExcluded => {
            let gross = cents(amount * Decimal::new(11, 1));
            match (gross - left).abs() <= Decimal::new(1, 2) {
                true => left,
                false => gross,
            }
        }
    }
}

/// What both lists have in common.
fn entry(
    state: &State,
    given: &Value,
    mode: TaxMode,
    kind: &str,
    left: impl Fn(&Line) -> (Decimal, Decimal),
) -> Result<Entry, Refusal> {
    let id = required(given, "order_line_id")?;
    let order = state.orders.values().find(|o| o.line(id).is_some());
    let order = order.ok_or_else(|| Refusal::missing(format!("Line {id}")))?;
    let line = order
        .line(id)
        .ok_or_else(|| Refusal::missing(format!("Line {id}")))?;
    let reason = required(given, "reason_code")?;
    let known = REASONS
        .iter()
        .find(|(code, _, of, _)| *code == reason && *of == kind);
    match known {
        None => {
            return Err(Refusal::invalid(format!(
                "reason_code: `{reason}` is no reason of the type {kind}"
            )));
        }
        Some((_, _, _, false)) => {
            return Err(Refusal::invalid(format!(
                "reason_code: `{reason}` is not for sellers"
            )));
        }
        Some(_) => {}
    }
    if let Some(currency) = text(given, "currency_iso_code")?
        && currency != state.config.currency
    {
        return Err(Refusal::invalid(format!(
            "currency_iso_code: the order is not in {currency}"
        )));
    }
    let taxed = |name: &str| given[name].as_array().is_some_and(|t| !t.is_empty());
    if state.switches.proportional_taxes_refused && (taxed("taxes") || taxed("shipping_taxes")) {
        return Err(Refusal::invalid("taxes: the platform computes them"));
    }
    let quantity = match &given["quantity"] {
        Value::Null => 0,
        value => value
            .as_u64()
            .and_then(|n| u32::try_from(n).ok())
            .ok_or_else(|| Refusal::invalid("quantity must be a whole number"))?,
    };
    let (price_left, shipping_left) = left(line);
    let amount = gross(number(given, "amount")?, mode, price_left);
    let shipping = gross(number(given, "shipping_amount")?, mode, shipping_left);
    for (name, given, left) in [
        ("amount", amount, price_left),
        ("shipping_amount", shipping, shipping_left),
    ] {
        if given > left {
            return Err(Refusal::state(format!(
                "{name}: {given} of line {id}, only {left} is left"
            )));
        }
    }
    Ok(Entry {
        order: order.id.clone(),
        line: id.to_owned(),
        quantity,
        amount,
        shipping,
        reason: reason.to_owned(),
        unsent: given["excluded_from_shipment"] == true,
    })
}

fn once_each(entries: &[Entry]) -> Result<(), Refusal> {
    let twice = entries
        .iter()
        .enumerate()
        .find(|(n, e)| entries[..*n].iter().any(|other| other.line == e.line));
    match twice {
        Some((_, e)) => Err(Refusal::invalid(format!(
            "Line {} is in the list twice",
            e.line
        ))),
        None => Ok(()),
    }
}

/// `PUT /api/orders/cancel`: parts of orders that are accepted and not paid; all or nothing.
pub(super) fn cancel(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &[]);
    let body = call.json()?;
    let mode = tax_mode(state, text(&body, "order_tax_mode")?)?;
    let mut entries = Vec::new();
    for given in elements(&body, "cancelations", MOST)? {
        expect_members(state, call, given, &ENTRY);
        let left = |l: &Line| (l.price(), l.shipping_price());
        let entry = entry(state, given, mode, "CANCELATION", left)?;
        let line = state.orders[&entry.order].line(&entry.line);
        let line = line.ok_or_else(|| Refusal::missing("The line"))?;
        if !matches!(line.stage, Stage::WaitingDebit | Stage::WaitingDebitPayment) {
            let text = format!(
                "Line {} cannot be canceled, it is {}",
                line.id,
                line.state()
            );
            return Err(Refusal::state(text));
        }
        let live = line.quantity - line.gone();
        if entry.quantity == 0 {
            return Err(Refusal::invalid("quantity is required"));
        }
        if entry.quantity > live {
            return Err(Refusal::state(format!(
                "quantity: {} of line {}, only {live} are left",
                entry.quantity, line.id
            )));
        }
        entries.push(entry);
    }
    once_each(&entries)?;
    let mut rows = Vec::new();
    for entry in entries {
        let now = state.now();
        let Some(line) = state
            .orders
            .get_mut(&entry.order)
            .and_then(|o| o.lines.iter_mut().find(|l| l.id == entry.line))
        else {
            continue;
        };
        let id = format!("{}-C{}", line.id, line.cancelations.len() + 1);
        line.cancelations.push(Returned {
            id: id.clone(),
            group: String::new(),
            quantity: entry.quantity,
            amount: entry.amount,
            shipping: entry.shipping,
            reason: Some(entry.reason.clone()),
            unsent: true,
            at: now,
        });
        line.updated_at = now;
        let (whole, left, offer) = (line.gone() == line.quantity, line.price(), line.offer);
        if whole && !left.is_zero() {
            state.mistake(format!(
                "PUT {}: line {} has no units left, but {left} of its price",
                call.path, entry.line
            ));
        }
        if whole {
            state.move_lines(
                &entry.order,
                |l| l.id == entry.line,
                Stage::Canceled,
                "seller",
            );
        }
        state.touch(&entry.order);
        state.give_back(offer, entry.quantity);
        rows.push(json!({
            "cancelation_id": id, "order_line_id": entry.line, "quantity": entry.quantity,
            "amount": given_amount(&body, &entry.line, "cancelations", "amount"),
            "shipping_amount": given_amount(&body, &entry.line, "cancelations", "shipping_amount"),
            "reason_code": entry.reason,
        }));
    }
    Reply::ok(json!({"order_tax_mode": mode.as_str(), "cancelations": rows}))
}

/// An amount as the client gave it.
fn given_amount(body: &Value, line: &str, list: &str, name: &str) -> Value {
    let rows = body[list].as_array().map_or(&[][..], Vec::as_slice);
    let row = rows.iter().find(|r| r["order_line_id"] == line);
    row.map_or(Value::Null, |r| r[name].clone())
}

/// `PUT /api/orders/refund`: parts of orders that are paid; all or nothing.
pub(super) fn refund(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &[]);
    let body = call.json()?;
    let mode = tax_mode(state, text(&body, "order_tax_mode")?)?;
    let mut entries = Vec::new();
    let known = [&ENTRY[..], &["excluded_from_shipment"]].concat();
    for given in elements(&body, "refunds", MOST)? {
        expect_members(state, call, given, &known);
        let mut entry = entry(state, given, mode, "REFUND", Line::refundable)?;
        let line = state.orders[&entry.order].line(&entry.line);
        let line = line.ok_or_else(|| Refusal::missing("The line"))?;
        let unsent_yet = line.stage == Stage::Shipping;
        let open = matches!(line.stage, Stage::Shipped | Stage::Received)
            || (unsent_yet && state.switches.refund_before_shipping);
        if !open {
            let text = format!(
                "Line {} cannot be refunded, it is {}",
                line.id,
                line.state()
            );
            return Err(Refusal::state(text));
        }
        if entry.unsent {
            let taken = line.gone() + state.in_shipments(&line.id, false);
            let left = line.quantity.saturating_sub(taken);
            if !unsent_yet || left == 0 {
                let text = format!("Nothing of line {} is left to be shipped", line.id);
                return Err(Refusal::state(text));
            }
            if entry.quantity == 0 && entry.amount == line.refundable().0 {
                entry.quantity = left;
            }
            if entry.quantity == 0 || entry.quantity > left {
                return Err(Refusal::invalid(format!(
                    "quantity: {} of line {}, {left} are left to be shipped",
                    entry.quantity, line.id
                )));
            }
        }
        entries.push(entry);
    }
    once_each(&entries)?;
    let group = state.next_id("refund-group", FIRST_REFUND).to_string();
    let mut rows = Vec::new();
    for entry in entries {
        let now = state.now();
        let id = state.next_id("refund", FIRST_REFUND).to_string();
        let shipped = state.in_shipments(&entry.line, false);
        let Some(line) = state
            .orders
            .get_mut(&entry.order)
            .and_then(|o| o.lines.iter_mut().find(|l| l.id == entry.line))
        else {
            continue;
        };
        line.refunds.push(Returned {
            id: id.clone(),
            group: group.clone(),
            quantity: entry.quantity,
            amount: entry.amount,
            shipping: entry.shipping,
            reason: Some(entry.reason.clone()),
            unsent: entry.unsent,
            at: now,
        });
        line.incident = false;
        line.updated_at = now;
        let paid_back = line.refundable().0.is_zero();
        let unsent = entry.unsent && line.gone() == line.quantity;
        let (offer, of_sent) = (line.offer, line.stage != Stage::Shipping);
        if (unsent && shipped == 0) || (paid_back && of_sent) {
            let this = |l: &Line| l.id == entry.line;
            state.move_lines(&entry.order, this, Stage::Refunded, "seller");
        }
        state.settle_lines(&entry.order);
        if entry.unsent {
            state.give_back(offer, entry.quantity);
        }
        rows.push(json!({
            "refund_id": id, "order_refund_id": group, "order_line_id": entry.line,
            "quantity": entry.quantity,
            "amount": given_amount(&body, &entry.line, "refunds", "amount"),
            "shipping_amount": given_amount(&body, &entry.line, "refunds", "shipping_amount"),
            "reason_code": entry.reason, "excluded_from_shipment": entry.unsent,
        }));
    }
    Reply::ok(json!({"order_tax_mode": mode.as_str(), "refunds": rows}))
}
