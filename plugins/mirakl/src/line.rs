//! Order lines as lines of the contract.

use rust_decimal::Decimal;

use crate::amount::{self, money};
use crate::shipments::Shipment;
use crate::units::{self, Units};
use lockstep_sdk::json::{Node, shorten};
use lockstep_sdk::types::{
    Action, Adjustment, AdjustmentKind, Charge, Cost, Cover, Discount, Fact, Line, Part, Side,
    State, Tax, Window,
};

/// Longest fact, in characters.
const FACT: usize = 500;

/// What the order says that its lines need.
pub struct Within<'a> {
    /// ISO 4217 code.
    pub currency: &'a str,
    /// Prices contain tax.
    pub tax_included: bool,
    /// Who remits taxes.
    pub remits: Side,
    /// The order's state, for lines whose own word hides theirs.
    pub native: &'a str,
    /// The seller may cancel the whole order.
    pub can_cancel: bool,
    /// Not after.
    pub ship_by: Option<String>,
    /// Its shipments.
    pub parcels: &'a [&'a Shipment],
}

/// A line beside what the order needs of it.
pub struct Read {
    /// The line.
    pub line: Line,
    /// Its units.
    pub units: Units,
    /// What was taken off it.
    pub adjustments: Vec<Adjustment>,
    /// The state that counts, in the marketplace's word.
    pub native: String,
}

/// Reads a line.
pub fn read(node: Node<'_>, within: &Within<'_>) -> Result<Read, String> {
    let id = node
        .get("order_line_id")
        .exact()
        .ok_or_else(|| format!("a line has no id: {}", node.shortened(80)))?;
    read_line(node, &id, within).map_err(|why| format!("line {id}: {why}"))
}

fn read_line(node: Node<'_>, id: &str, within: &Within<'_>) -> Result<Read, String> {
    let currency = within.currency;
    let money = |amount: Decimal| money(amount, currency);
    let units = units::read(node, id, within.parcels)?;
    let word = node
        .get("order_line_state")
        .text()
        .unwrap_or_else(|| within.native.to_owned());
    let native = underlying(&word, node, within.native);
    let state = state(&native, node, units);
    let sku = node.get("offer_sku").exact();
    let time = |member: &str| {
        let text = node.get(member).text()?;
        lockstep_sdk::time::instant(&text)
    };
    let gone = matches!(state, State::Cancelled | State::Refused);
    let left = matches!(state, State::Shipped | State::Delivered | State::Closed);
    let alive = units.ordered - units.gone();
    let incident = word
        .starts_with("INCIDENT_")
        .then(|| Fact::new("incident", word.clone()));
    let extra = node.get("order_line_additional_fields").list();
    let list_unit = amount::read(node, "origin_unit_price")?.or(amount::read(node, "price_unit")?);
    let center = node
        .get("shipping_from")
        .get("warehouse")
        .get("code")
        .text();
    Ok(Read {
        line: Line {
            id: id.to_owned(),
            listing: sku.clone(),
            product: node.get("product_sku").text(),
            title: (node.get("product_title").text())
                .or_else(|| sku.clone())
                .unwrap_or_else(|| format!("Line {id}")),
            sku,
            quantity: units.ordered,
            cancelled: if gone { units.ordered } else { units.gone() },
            shipped: match (gone, left) {
                (true, _) => 0,
                (_, true) => alive,
                _ => units.shipped,
            },
            delivered: (state == State::Delivered).then_some(alive),
            native_state: word,
            reason: (node.get("order_line_state_reason_label").text())
                .or_else(|| node.get("order_line_state_reason_code").text()),
            allowed: allowed(&native, within.can_cancel),
            cover: Cover::Ordered,
            list_unit: list_unit.map(money),
            paid_unit: units.unit.map(money),
            goods: units.full.map(money),
            shipping: amount::read(node, "shipping_price")?.map(money),
            taxes: taxes(node, units, within)?,
            discounts: discounts(node, currency)?,
            charges: charges(node, currency)?,
            costs: costs(node, currency)?,
            ship_by: within.ship_by.clone().map(|latest| Window {
                earliest: None,
                latest: Some(latest),
            }),
            ship_from: center,
            updated_at: time("last_updated_date"),
            facts: incident.into_iter().chain(fields(&extra)).collect(),
            state,
            ..Line::default()
        },
        adjustments: adjustments(node, id, currency)?,
        units,
        native,
    })
}

/// The state under a word that hides it: an incident or a refund is open beside it.
fn underlying(word: &str, node: Node<'_>, order: &str) -> String {
    let hides = word.starts_with("INCIDENT_") || word.starts_with("WAITING_REFUND");
    let told = |member: &str| node.get(member).text().is_some();
    match hides {
        false => word,
        true if told("received_date") => "RECEIVED",
        true if told("shipped_date") => "SHIPPED",
        true => order,
    }
    .to_owned()
}

/// A state of an order or a line.
pub fn state_of(word: &str) -> State {
    match word {
        "STAGING" | "WAITING_ACCEPTANCE" | "WAITING_DEBIT" | "WAITING_DEBIT_PAYMENT" => State::Held,
        "SHIPPING" => State::Open,
        "SHIPPED" | "TO_COLLECT" => State::Shipped,
        "RECEIVED" => State::Delivered,
        "CLOSED" => State::Closed,
        "REFUSED" => State::Refused,
        "CANCELED" => State::Cancelled,
        word => State::Other(word.to_owned()),
    }
}

fn state(native: &str, node: Node<'_>, units: Units) -> State {
    let left = units.shipped > 0 || node.get("shipped_date").text().is_some();
    match state_of(native) {
        State::Other(_) if native == "REFUNDED" && left => State::Closed,
        State::Other(_) if native == "REFUNDED" => State::Cancelled,
        State::Open if units.gone() >= units.ordered => State::Cancelled,
        State::Open if units.left() == 0 && units.shipped > 0 => State::Shipped,
        state => state,
    }
}

fn allowed(native: &str, can_cancel: bool) -> Option<Vec<Action>> {
    Some(match native {
        "WAITING_ACCEPTANCE" => vec![Action::Accept, Action::Refuse],
        "WAITING_DEBIT" | "WAITING_DEBIT_PAYMENT" if can_cancel => vec![Action::Cancel],
        "SHIPPING" => vec![Action::Ship, Action::Refund],
        "SHIPPED" | "TO_COLLECT" | "RECEIVED" => vec![Action::Refund],
        "STAGING"
        | "WAITING_DEBIT"
        | "WAITING_DEBIT_PAYMENT"
        | "CLOSED"
        | "REFUSED"
        | "CANCELED"
        | "REFUNDED" => Vec::new(),
        _ => return None,
    })
}

/// Taxes of all that was ordered: what a cancellation took is put back, as for the price.
fn taxes(node: Node<'_>, units: Units, within: &Within<'_>) -> Result<Vec<Tax>, String> {
    let canceled = node.get("cancelations").list();
    let mut taxes = Vec::new();
    for (member, on) in [("taxes", Part::Goods), ("shipping_taxes", Part::Shipping)] {
        let goods = on == Part::Goods;
        let taken: Vec<Node<'_>> = (canceled.iter())
            .filter(|_| goods)
            .flat_map(|row| row.get(member).list())
            .collect();
        for row in node.get(member).list() {
            let Some(mut tax) = amount::read(row, "amount")? else {
                continue;
            };
            let code = row.get("code").text().unwrap_or_else(|| "tax".to_owned());
            if goods && !canceled.is_empty() {
                let same: Vec<Node<'_>> = (taken.iter().copied())
                    .filter(|t| t.get("code").text().as_deref() == Some(&code))
                    .collect();
                let price = amount::read(node, "price")?.unwrap_or_default();
                match units.full {
                    _ if !same.is_empty() => tax += amount::sum(&same, "amount")?,
                    Some(full) if !price.is_zero() => tax = (tax * full / price).round_dp(4),
                    _ => {}
                }
            }
            let rate = amount::read(row, "rate")?.filter(|rate| !rate.is_zero());
            if tax.is_zero() && rate.is_none() {
                continue;
            }
            taxes.push(Tax {
                code,
                rate: rate.map(|rate| (rate / Decimal::ONE_HUNDRED).normalize().to_string()),
                amount: money(tax, within.currency),
                on: on.clone(),
                included: Some(within.tax_included),
                collected_by: within.remits,
            });
        }
    }
    Ok(taxes)
}

/// Promotions of the shop: the seller pays all of them.
fn discounts(node: Node<'_>, currency: &str) -> Result<Vec<Discount>, String> {
    let mut discounts = Vec::new();
    for row in node.get("promotions").list() {
        if let Some(off) = amount::read(row, "deduced_amount")?.filter(|off| !off.is_zero()) {
            discounts.push(Discount {
                code: row
                    .get("promo_code")
                    .text()
                    .or_else(|| row.get("id").text()),
                amount: money(off, currency),
                on: Part::Goods,
                seller_share: Some(money(off, currency)),
            });
        }
    }
    Ok(discounts)
}

fn charges(node: Node<'_>, currency: &str) -> Result<Vec<Charge>, String> {
    let mut charges = Vec::new();
    for row in node.get("fees").list() {
        if let Some(fee) = amount::read(row, "amount")?.filter(|fee| !fee.is_zero()) {
            let code = row.get("code").text();
            charges.push(Charge {
                kind: Part::Other(code.clone().unwrap_or_else(|| "fee".to_owned())),
                code,
                amount: money(fee, currency),
            });
        }
    }
    Ok(charges)
}

fn costs(node: Node<'_>, currency: &str) -> Result<Vec<Cost>, String> {
    let taxes = node.get("commission_taxes").list();
    let tax = match taxes.is_empty() {
        true => None,
        false => Some(amount::sum(&taxes, "amount")?),
    };
    let fee = amount::read(node, "commission_fee")?.filter(|fee| !fee.is_zero());
    Ok(fee
        .map(|fee| Cost {
            code: "commission".to_owned(),
            amount: money(fee, currency),
            tax: tax.map(|tax| money(tax, currency)),
        })
        .into_iter()
        .collect())
}

fn adjustments(node: Node<'_>, line: &str, currency: &str) -> Result<Vec<Adjustment>, String> {
    let mut all = Vec::new();
    for (member, kind) in [
        ("cancelations", AdjustmentKind::Cancellation),
        ("refunds", AdjustmentKind::Refund),
    ] {
        for row in node.get(member).list() {
            let state = row
                .get("refund_state")
                .text()
                .or_else(|| row.get("state").text());
            all.push(Adjustment {
                id: row.get("id").text().unwrap_or_default(),
                line: Some(line.to_owned()),
                kind: kind.clone(),
                quantity: row.get("quantity").id().and_then(|n| u32::try_from(n).ok()),
                goods: amount::read(row, "amount")?.map(|a| money(a, currency)),
                shipping: amount::read(row, "shipping_amount")?.map(|a| money(a, currency)),
                taxes: Vec::new(),
                reason: row.get("reason_code").text(),
                by: Side::Unknown,
                at: (row.get("created_date").text())
                    .and_then(|text| lockstep_sdk::time::instant(&text)),
                settled: state.map(|state| state == "REFUNDED"),
            });
        }
    }
    Ok(all)
}

/// The operator's own fields.
pub fn fields(rows: &[Node<'_>]) -> Vec<Fact> {
    let fact = |row: &Node<'_>| {
        let value = row.get("value");
        let value = value.text().or_else(|| {
            let empty = value.is_null() || value.list().is_empty() || value.exact().is_none();
            (!empty || value.value().is_array()).then(|| value.shortened(FACT))
        })?;
        let code = row.get("code").text()?;
        Some(Fact::new(&format!("field:{code}"), shorten(&value, FACT)))
    };
    rows.iter().filter_map(fact).collect()
}
