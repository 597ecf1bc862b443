//! The list of orders, acceptance, and the seller's own number.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::call::{Call, elements, expect_members, required};
use super::offers::descending;
use super::orders::{Order, Stage};
use super::reply::{Answer, Refusal, Reply};
use super::state::State;
use super::switches::TaxMode;

/// The basis of amounts that a client asks for.
pub(super) fn tax_mode(state: &State, text: Option<&str>) -> Result<TaxMode, Refusal> {
    match text {
        None => Ok(state.switches.tax_mode),
        Some("TAX_INCLUDED") => Ok(TaxMode::TaxIncluded),
        Some("TAX_EXCLUDED") => Ok(TaxMode::TaxExcluded),
        Some(other) => Err(Refusal::invalid(format!(
            "order_tax_mode: `{other}` is no mode"
        ))),
    }
}

/// `GET /api/orders`.
pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    call.expect(
        state,
        &[
            "order_ids",
            "order_references_for_customer",
            "order_references_for_seller",
            "order_state_codes",
            "start_update_date",
            "end_update_date",
            "start_date",
            "end_date",
            "customer_debited",
            "payment_workflow",
            "has_incident",
            "channel_codes",
            "only_null_channel",
            "fulfillment_center_code",
            "order_tax_mode",
            "max",
            "offset",
            "order",
            "sort",
        ],
    );
    let page = call.page(state)?;
    let mode = tax_mode(state, call.one("order_tax_mode"))?;
    if let Some(sort) = call.one("sort").filter(|s| *s != "dateCreated") {
        return Err(Refusal::invalid(format!("sort: `{sort}` is no sort key")));
    }
    let backwards = descending(call)?;
    let ids = call.list("order_ids")?;
    let references = call.list("order_references_for_seller")?;
    let customers = call.list("order_references_for_customer")?;
    let channels = call.list("channel_codes")?;
    let states = call.list("order_state_codes")?;
    let known = |code: &&&str| !Stage::known(code);
    if let Some(wrong) = states.iter().flatten().find(known) {
        return Err(Refusal::invalid(format!(
            "order_state_codes: `{wrong}` is no state"
        )));
    }
    // The platform goes back a little, so that nothing is missed at the edge.
    let overlap = i64::try_from(state.switches.update_overlap_s).unwrap_or(0);
    let updated_from = call
        .time("start_update_date")?
        .map(|at| at - SignedDuration::from_secs(overlap));
    let updated_to = call.time("end_update_date")?;
    let created_from = call.time("start_date")?;
    let created_to = call.time("end_date")?;
    let debited = call.flag("customer_debited")?;
    let incident = call.flag("has_incident")?;
    let no_channel = call.flag("only_null_channel")?.unwrap_or(false);
    let workflow = call.one("payment_workflow");
    let centers = call.many("fulfillment_center_code");
    let among = |list: &Option<Vec<&str>>, value: Option<&str>| {
        list.as_ref()
            .is_none_or(|l| value.is_some_and(|v| l.contains(&v)))
    };
    let wanted = |o: &Order| {
        (state.switches.staging_visible || o.stage() != Stage::Staging)
            && among(&ids, Some(&o.id))
            && among(&references, o.seller_reference.as_deref())
            && among(&customers, None)
            && among(&channels, Some("AU"))
            && among(&states, Some(o.stage().as_str()))
            && !no_channel
            && updated_from.is_none_or(|at| o.updated_at >= at)
            && updated_to.is_none_or(|at| o.updated_at <= at)
            && created_from.is_none_or(|at| o.created_at >= at)
            && created_to.is_none_or(|at| o.created_at <= at)
            && debited.is_none_or(|d| o.debited_at.is_some() == d)
            && incident.is_none_or(|i| o.lines.iter().any(|l| l.incident) == i)
            && workflow.is_none_or(|w| w == "PAY_ON_ACCEPTANCE")
            && (centers.is_empty() || o.lines.iter().any(|l| centers.contains(&l.center.as_str())))
    };
    let mut found: Vec<&Order> = state
        .listed
        .keys()
        .filter_map(|(_, id)| state.orders.get(id))
        .filter(|o| wanted(o))
        .collect();
    if backwards {
        found.reverse();
    }
    let total = found.len();
    let rows = found.into_iter().skip(page.offset).take(page.max);
    let rows = rows.map(|o| state.order_json(o, mode)).collect();
    call.paged(&state.url, "orders", rows, page, total)
}

/// `PUT /api/orders`: the seller's own numbers. Orders that fail are told one by one.
pub(super) fn update(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &[]);
    let body = call.json()?;
    let mut rows = Vec::new();
    for given in elements(&body, "orders", 100)? {
        let id = required(given, "order_id")?;
        let reference = given["references"]["order_reference_for_seller"].as_str();
        let failed = |field: &str, code: &str, message: &str| {
            json!({
                "order_id": id,
                "errors": [{"code": code, "field": field, "message": message}],
            })
        };
        let fits = |r: &&str| (1..=2000).contains(&r.chars().count());
        let Some(reference) = reference.filter(fits) else {
            state.mistake(format!(
                "PUT /api/orders: order {id} gets no usable reference"
            ));
            let field = "references.order_reference_for_seller";
            rows.push(failed(field, "VALIDATION_ERROR", "1 to 2000 characters"));
            continue;
        };
        let Some(order) = state.orders.get_mut(id) else {
            state.conflict(format!("PUT /api/orders: there is no order {id}"));
            rows.push(failed("order_id", "ORDER_NOT_FOUND", "Order not found"));
            continue;
        };
        order.seller_reference = Some(reference.to_owned());
        state.touch(id);
        let updated = json!({"references": {"order_reference_for_seller": reference}});
        rows.push(json!({"order_id": id, "updated": updated}));
    }
    Reply::ok(json!({"updated_orders": rows}))
}

/// The order a path names.
pub(super) fn of_path<'a>(state: &'a State, call: &Call) -> Result<&'a Order, Refusal> {
    let id = call.param("order");
    let seen = |o: &&Order| state.switches.staging_visible || o.stage() != Stage::Staging;
    let found = state.orders.get(id).filter(seen);
    found.ok_or_else(|| Refusal::missing(format!("Order {id}")))
}

/// `PUT /api/orders/{order}/accept`.
pub(super) fn accept(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &[]);
    let body = call.json()?;
    let wrong = |text: &str| Refusal::invalid(text).coded("VALIDATION_ERROR");
    let Some(Value::Array(given)) = body.get("order_lines") else {
        return Err(wrong("order_lines must be a list"));
    };
    expect_members(state, call, &body, &["order_lines"]);
    for line in given {
        expect_members(state, call, line, &["id", "accepted"]);
    }
    let order = of_path(state, call).map_err(|r| r.coded("ORDER_NOT_FOUND"))?;
    let stage = order.stage();
    if stage != Stage::WaitingAcceptance {
        let text = format!(
            "Order must be in state WAITING_ACCEPTANCE, it is {}",
            stage.as_str()
        );
        return Err(Refusal::state(text).coded("ORDER_INVALID_STATE"));
    }
    let mut decisions = BTreeMap::new();
    for line in given {
        if line.is_null() {
            return Err(wrong("a line is null").coded("ORDER_LINE_NULL_ELEMENT"));
        }
        let id = line["id"]
            .as_str()
            .ok_or_else(|| wrong("order_lines.id is required"))?;
        if order.line(id).is_none() {
            let text = format!("Line {id} not found");
            return Err(Refusal::invalid(text).coded("ORDER_LINE_NOT_FOUND"));
        }
        let accepted = line["accepted"].as_bool().ok_or_else(|| {
            Refusal::invalid(format!("Line {id} has no decision"))
                .coded("ORDER_LINE_ACCEPTANCE_DECISION_MISSING")
        })?;
        if decisions.insert(id.to_owned(), accepted).is_some() {
            let text = format!("Line {id} is in the list twice");
            return Err(Refusal::invalid(text).coded("ORDER_LINE_DUPLICATE_ID"));
        }
    }
    if let Some(line) = order
        .lines
        .iter()
        .filter(|l| l.stage == Stage::WaitingAcceptance)
        .find(|l| !decisions.contains_key(&l.id))
    {
        let text = format!("Line {} has no decision", line.id);
        return Err(Refusal::invalid(text).coded("ORDER_LINE_ACCEPTANCE_DECISION_MISSING"));
    }
    let both = decisions.values().any(|d| *d) && decisions.values().any(|d| !*d);
    if both && !state.switches.partial_acceptance {
        let text = "All lines have to be accepted, or all refused";
        return Err(Refusal::state(text).coded("ORDER_PARTIAL_ACCEPTANCE_DISABLED"));
    }
    let id = order.id.clone();
    state.decide(&id, |l| decisions.get(&l.id) == Some(&true), "seller");
    Reply::done()
}
