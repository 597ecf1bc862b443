//! Units that the seller cannot supply. Before the debit one cancels, after it one refunds; the order's own lines tell
//! which, and the seller computes the amounts.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use crate::amount::{self, payable};
use crate::api::{Api, path};
use crate::order::Terms;
use crate::orders;
use crate::shipments::{self, Shipment};
use crate::units::{self, Units};
use lockstep_sdk::cancellations::{Drop, Dropped, ReasonEntry, ReasonKind};
use lockstep_sdk::http::Method;
use lockstep_sdk::json::Node;
use lockstep_sdk::types::{Fault, Packed};

/// The reasons that sellers may give.
pub fn reasons(api: Api<'_>) -> Result<Vec<ReasonEntry>, Fault> {
    let answer = api.read(path(api, &["reasons"]))?;
    let node = Node::new(&answer);
    let rows = node.get("reasons");
    if !rows.value().is_array() {
        return Err(Fault::Protocol(format!(
            "GET /api/reasons: the answer has no list of reasons: {}",
            node.shortened(200)
        )));
    }
    let entry = |row: Node<'_>| {
        let kind = match row.get("type").text()?.as_str() {
            "CANCELATION" => ReasonKind::Cancel,
            "REFUND" => ReasonKind::Refund,
            // Incidents, messages, services.
            _ => return None,
        };
        let code = row.get("code").exact()?;
        let label = row.get("label").text().unwrap_or_else(|| code.clone());
        Some(ReasonEntry {
            out_of_stock: out_of_stock(&label).then_some(true),
            code,
            label,
            kind,
            usable: row.get("is_shop_right").flag().unwrap_or(false),
        })
    };
    Ok(rows.list().into_iter().filter_map(entry).collect())
}

/// The operator words the labels; only these words are looked for.
fn out_of_stock(label: &str) -> bool {
    let label = label.to_lowercase();
    [
        "stock",
        "not available",
        "unavailable",
        "rupture",
        "indisponible",
    ]
    .iter()
    .any(|word| label.contains(word))
}

/// One line's part.
struct Part<'a> {
    drop: &'a Drop,
    line: Node<'a>,
    units: Units,
    quantity: u32,
}

/// What is to be done with a line.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Cancel,
    Refund,
    Done,
}

/// Cancels units of one order. Units that are gone already count. No call is idempotent, so each thing is sent once,
/// and only for units that the order still has.
pub fn cancel(api: Api<'_>, drops: &[Drop]) -> Result<Dropped, Fault> {
    let Some(first) = drops.first() else {
        return Ok(Dropped { lines: Vec::new() });
    };
    if let Some(other) = drops.iter().find(|drop| drop.order != first.order) {
        return Err(Fault::reject(format!(
            "units of one call must belong to one order, not to {} and {}",
            first.order, other.order
        )));
    }
    let id = first.order.as_str();
    let terms = Terms::of(api);
    let raw = orders::raw(api, id, &terms)?;
    let raw = raw.ok_or_else(|| Fault::Missing(format!("there is no order {id}")))?;
    let order = Node::new(&raw);
    let parcels = match order.get("order_state").text().as_deref() {
        Some("SHIPPING") => shipments::of(api, &[id])?.unwrap_or_default(),
        _ => Vec::new(),
    };
    let mut cancels = Vec::new();
    let mut refunds = Vec::new();
    let mut lines = Vec::new();
    for drop in drops {
        let (way, part) = judge(order, drop, &parcels)?;
        lines.push(Packed {
            line: drop.line.clone(),
            quantity: drop.quantity,
            marks: Vec::new(),
        });
        let list = match way {
            Way::Cancel => &mut cancels,
            Way::Refund => &mut refunds,
            Way::Done => continue,
        };
        if list
            .iter()
            .any(|other: &Part<'_>| other.drop.line == drop.line)
        {
            return Err(Fault::reject(format!("line {} is named twice", drop.line)));
        }
        list.push(part);
    }
    let mut called = false;
    let mut once = |result: Result<Value, Fault>| match result {
        Ok(_) => {
            called = true;
            Ok(())
        }
        Err(fault) if called => Err(Fault::UnknownOutcome(format!(
            "order {id}: some units are canceled, the next call failed: {}",
            fault.detail()
        ))),
        Err(fault) => Err(fault),
    };
    if !cancels.is_empty() {
        let whole = refunds.is_empty() && everything(order, &cancels)?;
        once(match whole {
            true => api.write(Method::Put, path(api, &["orders", id, "cancel"]), None),
            false => {
                let body = body(order, &terms, "cancelations", &cancels, None)?;
                api.write(Method::Put, path(api, &["orders", "cancel"]), Some(&body))
            }
        })
        .map_err(of_state)?;
    }
    if !refunds.is_empty() {
        let reason = first.refund_reason.as_deref().ok_or_else(|| {
            Fault::reject(
                "the marketplace offers no reason for a refund by the seller; settle it there",
            )
        })?;
        let body = body(order, &terms, "refunds", &refunds, Some(reason))?;
        once(api.write(Method::Put, path(api, &["orders", "refund"]), Some(&body)))
            .map_err(of_state)?;
    }
    Ok(Dropped { lines })
}

/// Operators differ in when they let sellers cancel and refund; the words of a refusal are free.
fn of_state(fault: Fault) -> Fault {
    match fault {
        Fault::Rejected(refused) => Fault::reject(format!(
            "the marketplace does not let the seller cancel or refund these units now: {}",
            refused.detail
        )),
        fault => fault,
    }
}

fn judge<'a>(
    order: Node<'a>,
    drop: &'a Drop,
    parcels: &[Shipment],
) -> Result<(Way, Part<'a>), Fault> {
    let id = drop.line.as_str();
    let line = (order.get("order_lines").list().into_iter())
        .find(|line| line.get("order_line_id").exact().as_deref() == Some(id))
        .ok_or_else(|| Fault::Missing(format!("order {} has no line {id}", drop.order)))?;
    if drop.quantity == 0 {
        return Err(Fault::reject(format!(
            "line {id}: 0 units are to be canceled"
        )));
    }
    let of: Vec<&Shipment> = parcels.iter().collect();
    let units = units::read(line, id, &of)
        .map_err(|why| Fault::Protocol(format!("line {id} cannot be read: {why}")))?;
    let word = line.get("order_line_state").text().unwrap_or_default();
    let order_word = order.get("order_state").text().unwrap_or_default();
    let state = match word.starts_with("INCIDENT_") || word.is_empty() {
        true if line.get("shipped_date").text().is_some() => "SHIPPED",
        true => order_word.as_str(),
        false => word.as_str(),
    };
    let part = Part {
        drop,
        line,
        units,
        quantity: drop.quantity,
    };
    let conflict = |why: &str| Err(Fault::Conflict(format!("line {id} is {state}: {why}")));
    let packed: u32 = (parcels.iter())
        .filter(|s| s.status != "CANCELED")
        .map(|s| s.units(id))
        .sum();
    let free = (units.ordered - units.gone()).saturating_sub(packed);
    match state {
        "CANCELED" | "REFUSED" => Ok((Way::Done, part)),
        "REFUNDED" if units.shipped == 0 && line.get("shipped_date").text().is_none() => {
            Ok((Way::Done, part))
        }
        "WAITING_DEBIT" | "WAITING_DEBIT_PAYMENT" | "SHIPPING" if free == 0 && packed == 0 => {
            Ok((Way::Done, part))
        }
        "WAITING_DEBIT" | "WAITING_DEBIT_PAYMENT" | "SHIPPING" if free < drop.quantity => {
            conflict(&format!(
                "{} units are to be canceled, {free} are neither canceled nor in a parcel",
                drop.quantity
            ))
        }
        "WAITING_DEBIT" | "WAITING_DEBIT_PAYMENT" => Ok((Way::Cancel, part)),
        "SHIPPING" => Ok((Way::Refund, part)),
        "WAITING_ACCEPTANCE" => conflict("it waits to be accepted; refuse it instead"),
        "STAGING" => conflict("the marketplace still checks the order"),
        _ => conflict("what was shipped cannot be canceled"),
    }
}

/// Whether the parts are all that is left of the order, and it may be canceled as a whole.
fn everything(order: Node<'_>, parts: &[Part<'_>]) -> Result<bool, Fault> {
    if order.get("can_cancel").flag() != Some(true) {
        return Ok(false);
    }
    for line in order.get("order_lines").list() {
        let id = line.get("order_line_id").exact().unwrap_or_default();
        let state = line.get("order_line_state").text().unwrap_or_default();
        if matches!(state.as_str(), "CANCELED" | "REFUSED") {
            continue;
        }
        let units = units::read(line, &id, &[]).map_err(Fault::Protocol)?;
        let left = units.ordered - units.gone();
        let part = parts.iter().find(|part| part.drop.line == id);
        if left > 0 && part.is_none_or(|part| part.quantity != left) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn body(
    order: Node<'_>,
    terms: &Terms,
    list: &str,
    parts: &[Part<'_>],
    refund: Option<&str>,
) -> Result<Value, Fault> {
    let currency = order.get("currency_iso_code").text().unwrap_or_default();
    let mode = order.get("order_tax_mode").text();
    let mode = mode.unwrap_or_else(|| terms.tax_mode().to_owned());
    // With taxes of the whole order the lines' must be absent.
    let by_order = mode == "TAX_EXCLUDED" && !order.get("order_taxes").list().is_empty();
    let mut rows = Vec::new();
    for part in parts {
        let row = entry(part, &currency, by_order, refund).map_err(|why| {
            Fault::Protocol(format!("line {} cannot be read: {why}", part.drop.line))
        })?;
        rows.push(row);
    }
    Ok(json!({"order_tax_mode": mode, list: rows}))
}

fn entry(
    part: &Part<'_>,
    currency: &str,
    by_order: bool,
    refund: Option<&str>,
) -> Result<Value, String> {
    let (line, units) = (part.line, part.units);
    let price = amount::read(line, "price")?.ok_or("it has no price")?;
    let shipping = amount::read(line, "shipping_price")?.unwrap_or_default();
    let refunds = line.get("refunds").list();
    let price_left = price - amount::sum(&refunds, "amount")?;
    let shipping_left = shipping - amount::sum(&refunds, "shipping_amount")?;
    let alive = units.ordered - units.canceled;
    // The last part takes the rest, so that the sum is exact.
    let rest = part.quantity == alive - units.unsent && units.shipped == 0;
    let share = |whole: Decimal| {
        payable(
            whole * Decimal::from(part.quantity) / Decimal::from(alive.max(1)),
            currency,
        )
    };
    let goods = match rest {
        true => price_left,
        false => share(price).min(price_left),
    };
    let carriage = if rest { shipping_left } else { Decimal::ZERO };
    let number = |amount: Decimal| -> Result<Value, String> {
        let text = amount.max(Decimal::ZERO).normalize().to_string();
        serde_json::from_str(&text).map_err(|e| format!("{text} is no number ({e})"))
    };
    let taxes = |member: &str, paid: Decimal, whole: Decimal| -> Result<Vec<Value>, String> {
        let mut rows = Vec::new();
        for tax in line.get(member).list() {
            let rule = tax.get("tax_calculation_rule").text();
            if by_order || rule.as_deref() == Some("PROPORTIONAL_TO_AMOUNT") {
                continue;
            }
            let total = amount::read(tax, "amount")?.unwrap_or_default();
            let part = match whole.is_zero() {
                true => Decimal::ZERO,
                false => payable(total * paid / whole, currency),
            };
            rows.push(json!({"code": tax.get("code").text(), "amount": number(part)?}));
        }
        Ok(rows)
    };
    let mut row = Map::new();
    let mut put = |name: &str, value: Value| row.insert(name.to_owned(), value);
    put("order_line_id", json!(part.drop.line));
    put("quantity", json!(part.quantity));
    put("amount", number(goods)?);
    put("shipping_amount", number(carriage)?);
    put("reason_code", json!(refund.unwrap_or(&part.drop.reason)));
    if !currency.is_empty() {
        put("currency_iso_code", json!(currency));
    }
    for (member, paid, whole) in [
        ("taxes", goods, price),
        ("shipping_taxes", carriage, shipping),
    ] {
        let told = taxes(member, paid, whole)?;
        if !told.is_empty() {
            put(member, json!(told));
        }
    }
    if refund.is_some() {
        put("excluded_from_shipment", json!(true));
    }
    Ok(Value::Object(row))
}

#[cfg(test)]
#[path = "cancel_tests.rs"]
mod tests;
