//! `orderCreate`, with its defaults: stock untouched, nothing to ship, tax on top.

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::engine::{Obj, Out, Refusal};
use super::mutations::{UserError, payload};
use super::order_fields::strings;
use super::resolve::{Arguments, one_of, one_of_refusal};
use super::state::{
    Customer, Due, Line, Metafield, Order, ShippingLine, State, Transaction, decimal, now,
    number_of,
};
use super::views::{AddressView, TaxView};

type Input = Map<String, Value>;

fn text(input: &Input, name: &str) -> Option<String> {
    input.get(name).and_then(Value::as_str).map(str::to_owned)
}

fn flag(input: &Input, name: &str) -> bool {
    input.get(name).and_then(Value::as_bool).unwrap_or(false)
}

fn objects<'a>(input: &'a Input, name: &str) -> impl Iterator<Item = &'a Input> {
    input
        .get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
}

/// The shop money of a `MoneyBagInput`.
fn money(input: &Input, name: &str) -> Option<Decimal> {
    decimal(input.get(name)?.get("shopMoney")?.get("amount")?)
}

fn pairs(input: &Input, list: &str, key: &str) -> Vec<(String, String)> {
    objects(input, list)
        .map(|p| {
            (
                text(p, key).unwrap_or_default(),
                text(p, "value").unwrap_or_default(),
            )
        })
        .collect()
}

fn taxes(input: &Input) -> Vec<TaxView> {
    objects(input, "taxLines")
        .map(|t| TaxView {
            title: text(t, "title").unwrap_or_default(),
            rate: t.get("rate").and_then(decimal).unwrap_or_default(),
            amount: money(t, "priceSet").unwrap_or_default(),
        })
        .collect()
}

fn address(input: &Input, name: &str) -> Option<AddressView> {
    let a = input.get(name)?.as_object()?;
    Some(AddressView {
        first_name: text(a, "firstName"),
        last_name: text(a, "lastName"),
        company: text(a, "company"),
        address1: text(a, "address1"),
        address2: text(a, "address2"),
        city: text(a, "city"),
        province_code: text(a, "provinceCode"),
        country_code: text(a, "countryCode"),
        zip: text(a, "zip"),
        phone: text(a, "phone"),
    })
}

/// Runs `orderCreate`.
pub(super) fn run(state: &mut State, arguments: &Arguments) -> Result<Out, Refusal> {
    let empty = Input::new();
    let input = arguments
        .get("order")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let options = arguments
        .get("options")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let answer = |order: Out, errors: &[UserError]| {
        Ok(payload(
            "OrderCreatePayload",
            vec![("order", order)],
            errors,
        ))
    };
    if let Some(error) = throttle(state) {
        return answer(Out::NULL, &[error]);
    }
    let customer = customer(state, input)?;
    let mut errors = Vec::new();
    let customer = customer.unwrap_or_else(|error| {
        errors.push(error);
        None
    });
    let lines = lines(state, input, &mut errors);
    check_taxes(input, &mut errors);
    let metafields = metafields(state, input, &mut errors);
    let behavior = text(options, "inventoryBehaviour").unwrap_or_else(|| "BYPASS".to_owned());
    if behavior == "DECREMENT_OBEYING_POLICY" {
        claimable(state, &lines, &mut errors);
    }
    if !errors.is_empty() {
        for error in errors.iter().filter(|e| e.code == Some("INVALID")) {
            state.mistake("orderCreate", &error.message);
        }
        return answer(Out::NULL, &errors);
    }
    let id = insert(state, input, customer, lines, metafields);
    if behavior != "BYPASS" {
        claim(state, id);
    }
    place(state, id);
    answer(Out::Obj(Obj::Order(id)), &[])
}

/// The two guards against too many orders.
fn throttle(state: &mut State) -> Option<UserError> {
    let error = |message: &str| UserError {
        code: Some("INVALID"),
        field: Vec::new(),
        message: message.to_owned(),
    };
    if state.config.switches.too_many_attempts > 0 {
        state.config.switches.too_many_attempts -= 1;
        return Some(error("Too many attempts. Please try again later."));
    }
    let limit = state.config.switches.orders_per_minute?;
    let start = now() - 60;
    state.recent_orders.retain(|at| *at > start);
    if state.recent_orders.len() >= limit as usize {
        return Some(error(&format!(
            "Too many attempts. Please try again later. (Development and trial stores take {limit} orders per minute.)"
        )));
    }
    None
}

fn customer(state: &State, input: &Input) -> Result<Result<Option<u64>, UserError>, Refusal> {
    let Some(given) = input.get("customer").and_then(Value::as_object) else {
        return Ok(Ok(None));
    };
    let (which, value) = one_of(given).ok_or_else(|| one_of_refusal("customer"))?;
    if which != "toAssociate" {
        return Err(Refusal::new(
            "INTERNAL_SERVER_ERROR",
            format!("the sandbox does not carry out customer.{which}"),
        ));
    }
    let by_id = value
        .get("id")
        .and_then(Value::as_str)
        .and_then(|t| number_of(t, "Customer"))
        .filter(|id| state.customers.contains_key(id));
    let email = value.get("email").and_then(Value::as_str);
    let by_email = email.and_then(|email| {
        state
            .customers
            .iter()
            .find(|(_, c)| c.email.as_deref() == Some(email))
            .map(|(id, _)| *id)
    });
    Ok(match by_id.or(by_email) {
        Some(id) => Ok(Some(id)),
        None => Err(UserError::new(
            "INVALID",
            &["order", "customer", "toAssociate"],
            "Customer does not exist",
        )),
    })
}

fn lines(state: &State, input: &Input, errors: &mut Vec<UserError>) -> Vec<Line> {
    let mut lines = Vec::new();
    for (i, item) in objects(input, "lineItems").enumerate() {
        let at = i.to_string();
        let mut invalid = |member: &str, message: &str| {
            errors.push(UserError::new(
                "INVALID",
                &["order", "lineItems", &at, member],
                message,
            ));
        };
        let variant = match item.get("variantId").and_then(Value::as_str) {
            None => None,
            Some(given) => match number_of(given, "ProductVariant")
                .and_then(|id| Some((id, state.variants.get(&id)?)))
            {
                Some(found) => Some(found),
                None => {
                    invalid("variantId", "Line items variant does not exist");
                    continue;
                }
            },
        };
        let quantity = item.get("quantity").and_then(Value::as_i64).unwrap_or(0);
        let Ok(quantity @ 1..) = u32::try_from(quantity) else {
            invalid("quantity", "Line items quantity must be greater than 0");
            continue;
        };
        let product = variant.and_then(|(_, v)| state.products.get(&v.product));
        let Some(title) = text(item, "title").or_else(|| product.map(|p| p.title.clone())) else {
            invalid("title", "Line items title can't be blank");
            continue;
        };
        let price = money(item, "priceSet").or(variant.map(|(_, v)| v.price));
        let Some(price) = price else {
            invalid("priceSet", "Line items price can't be blank");
            continue;
        };
        if price.is_sign_negative() && !price.is_zero() {
            invalid(
                "priceSet",
                "Line items price must be greater than or equal to 0",
            );
            continue;
        }
        lines.push(Line {
            id: 0,
            variant: variant.map(|(id, _)| id),
            sku: match variant {
                Some((_, v)) => v.sku.clone(),
                None => text(item, "sku"),
            },
            title,
            quantity,
            current: quantity,
            price,
            requires_shipping: flag(item, "requiresShipping"),
            properties: pairs(item, "properties", "name"),
            taxes: taxes(item),
            claimed: None,
        });
    }
    if lines.is_empty() && errors.is_empty() {
        errors.push(UserError::new(
            "INVALID",
            &["order", "lineItems"],
            "Line items must have at least one line item",
        ));
    }
    lines
}

fn check_taxes(input: &Input, errors: &mut Vec<UserError>) {
    let of_order = objects(input, "taxLines").next().is_some();
    let of_lines = objects(input, "lineItems").any(|l| objects(l, "taxLines").next().is_some());
    if of_order && of_lines {
        errors.push(UserError::new(
            "INVALID",
            &["order", "taxLines"],
            "Tax lines must be specified on either the order or the line items, but not on both",
        ));
    }
}

fn metafields(state: &mut State, input: &Input, errors: &mut Vec<UserError>) -> Vec<Metafield> {
    let mut found = Vec::new();
    for (i, m) in objects(input, "metafields").enumerate() {
        let (Some(key), Some(value)) = (text(m, "key"), text(m, "value")) else {
            errors.push(UserError::new(
                "INVALID",
                &["order", "metafields", &i.to_string()],
                "Metafields need a key and a value",
            ));
            continue;
        };
        let namespace = state.namespace(m.get("namespace").and_then(Value::as_str));
        let kind = text(m, "type").unwrap_or_else(|| "single_line_text_field".to_owned());
        let full = ("ORDER", namespace.clone(), key.clone(), value.clone());
        if kind == "id"
            && state.config.switches.unique_order_ids
            && state.is_defined("ORDER", &namespace, &key)
            && state.custom_ids.contains_key(&full)
        {
            // Not the client's mistake: this is what a client relies on that repeats a lost call.
            errors.push(UserError {
                code: None,
                ..UserError::new(
                    "",
                    &["order", "metafields", &i.to_string(), "value"],
                    "Value has already been assigned to another metafield",
                )
            });
        }
        found.push(Metafield {
            id: state.id(),
            namespace,
            key,
            kind,
            value,
        });
    }
    found
}

fn claimable(state: &State, lines: &[Line], errors: &mut Vec<UserError>) {
    for (i, line) in lines.iter().enumerate() {
        let Some(variant) = line.variant.and_then(|v| state.variants.get(&v)) else {
            continue;
        };
        let available: i64 = variant.levels.iter().map(|l| l.available).sum();
        if variant.tracked && !variant.oversell && available < i64::from(line.quantity) {
            errors.push(UserError::new(
                "INVENTORY_CLAIM_FAILED",
                &["order", "lineItems", &i.to_string()],
                "Unable to claim inventory: not enough is available",
            ));
        }
    }
}

fn transactions(state: &mut State, input: &Input) -> Vec<Transaction> {
    objects(input, "transactions")
        .map(|t| Transaction {
            id: 0,
            kind: text(t, "kind").unwrap_or_else(|| "SALE".to_owned()),
            status: text(t, "status").unwrap_or_else(|| "SUCCESS".to_owned()),
            gateway: text(t, "gateway"),
            amount: money(t, "amountSet").unwrap_or_default(),
        })
        .map(|t| Transaction {
            id: state.id(),
            ..t
        })
        .collect()
}

fn insert(
    state: &mut State,
    input: &Input,
    customer: Option<u64>,
    lines: Vec<Line>,
    metafields: Vec<Metafield>,
) -> u64 {
    let id = state.id();
    let at = now();
    let number = 1_001 + state.orders.len() as u64;
    let processed = text(input, "processedAt")
        .and_then(|t| t.parse::<jiff::Timestamp>().ok())
        .map_or(at, |t| t.as_second().min(at));
    let shipping_lines = objects(input, "shippingLines")
        .map(|s| ShippingLine {
            title: text(s, "title").unwrap_or_default(),
            code: text(s, "code"),
            source: text(s, "source"),
            price: money(s, "priceSet").unwrap_or_default(),
            taxes: taxes(s),
        })
        .collect();
    let source_sent = text(input, "sourceName");
    let source_name = if state.config.switches.source_name_is_app || source_sent.is_none() {
        Some(state.app.to_string())
    } else {
        source_sent.clone()
    };
    let with_id = |state: &mut State, a: Option<AddressView>| a.map(|a| (state.id(), a));
    let shipping = with_id(state, address(input, "shippingAddress"));
    let billing = with_id(state, address(input, "billingAddress"));
    let transactions = transactions(state, input);
    for m in metafields.iter().filter(|m| m.kind == "id") {
        let full = ("ORDER", m.namespace.clone(), m.key.clone(), m.value.clone());
        state.custom_ids.entry(full).or_default().push(id);
    }
    let mut order = Order {
        number,
        name: text(input, "name")
            .filter(|n| !n.is_empty())
            .unwrap_or_else(|| format!("#{number}")),
        created_at: at,
        updated_at: at,
        processed_at: processed,
        closed_at: text(input, "closedAt")
            .and_then(|t| t.parse::<jiff::Timestamp>().ok())
            .map(jiff::Timestamp::as_second),
        note: text(input, "note"),
        tags: strings(input.get("tags")),
        attributes: pairs(input, "customAttributes", "key"),
        metafields,
        customer,
        email: text(input, "email"),
        po_number: text(input, "poNumber"),
        billing,
        shipping,
        source_sent,
        source_name,
        source_identifier: text(input, "sourceIdentifier"),
        by_app: true,
        currency: text(input, "currency").unwrap_or_else(|| state.config.currency.clone()),
        taxes_included: flag(input, "taxesIncluded"),
        lines,
        shipping_lines,
        tax_lines: taxes(input),
        transactions,
        ..Order::default()
    };
    order.financial = text(input, "financialStatus").or_else(|| derived_status(&order));
    for line in &mut order.lines {
        line.id = state.id();
    }
    if let Some(customer) = customer {
        overwrite(state, customer, &order);
    }
    state.orders.insert(id, order);
    id
}

/// The financial status that transactions imply; none without them.
fn derived_status(order: &Order) -> Option<String> {
    let paid = order.paid();
    let any = |kind: &str| order.transactions.iter().any(|t| t.kind == kind);
    let status = if order.transactions.is_empty() {
        return None;
    } else if paid >= order.total() {
        "PAID"
    } else if paid > Decimal::ZERO {
        "PARTIALLY_PAID"
    } else if any("AUTHORIZATION") {
        "AUTHORIZED"
    } else {
        "PENDING"
    };
    Some(status.to_owned())
}

/// What an order does to the customer it is given to.
fn overwrite(state: &mut State, customer: u64, order: &Order) {
    let Some(customer) = state.customers.get_mut(&customer) else {
        return;
    };
    let shipping = order.shipping.as_ref().map(|(_, a)| a);
    let billing = order.billing.as_ref().map(|(_, a)| a);
    if let Some(address) = shipping.or(billing) {
        customer.default_address = Some(address.clone());
    }
    let Customer {
        first_name,
        last_name,
        ..
    } = customer;
    if customer.orders == 0
        && let Some(billing) = billing
    {
        if billing.first_name.is_some() {
            first_name.clone_from(&billing.first_name);
        }
        if billing.last_name.is_some() {
            last_name.clone_from(&billing.last_name);
        }
    }
    if let Some(shipping) = shipping {
        if first_name.is_none() {
            first_name.clone_from(&shipping.first_name);
        }
        if last_name.is_none() {
            last_name.clone_from(&shipping.last_name);
        }
    }
    if customer.email.is_none() {
        customer.email.clone_from(&order.email);
    }
    customer.orders += 1;
}

/// Takes the stock of an order's lines.
pub(super) fn claim(state: &mut State, id: u64) {
    let Some(order) = state.orders.get(&id) else {
        return;
    };
    let wanted: Vec<(usize, u64, i64)> = order
        .lines
        .iter()
        .enumerate()
        .filter_map(|(i, l)| Some((i, l.variant?, i64::from(l.quantity))))
        .collect();
    for (at, variant, quantity) in wanted {
        let Some(location) = state.source_of(variant, quantity) else {
            continue;
        };
        state.claim(variant, location, quantity);
        if let Some(line) = state.orders.get_mut(&id).and_then(|o| o.lines.get_mut(at)) {
            line.claimed = Some(location);
        }
    }
}

/// Makes a new order known: names, ids, index, routing, webhooks.
pub(super) fn place(state: &mut State, id: u64) {
    let Some(order) = state.orders.get(&id) else {
        return;
    };
    state
        .orders_by_name
        .entry(order.name.clone())
        .or_default()
        .push(id);
    for (at, line) in order.lines.iter().enumerate() {
        state.parts.insert(line.id, (id, at));
    }
    state.recent_orders.push_back(now());
    state.touch_order(id);
    state.announce_order(id, "ORDERS_CREATE");
    let delay = state.config.switches.routing_ms;
    state.later(delay, Due::Route(id));
}
