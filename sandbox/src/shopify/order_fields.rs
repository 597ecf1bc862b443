//! Fields of orders, lines, fulfillments, fulfillment orders and refunds.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::engine::{Obj, Out, Refusal};
use super::resolve::{Arguments, first, hold, page, require, text, time, time_option};
use super::state::{Metafield, Order, State, gid, money_text};
use super::views::{AddressView, TaxView};

/// An amount in the shop's currency as a `MoneyBag`.
pub(super) fn money(amount: Decimal, currency: &str) -> Out {
    let money = || {
        Out::Obj(Obj::made(
            "MoneyV2",
            vec![
                ("amount", money_text(amount).into()),
                ("currencyCode", currency.into()),
            ],
        ))
    };
    Out::Obj(Obj::made(
        "MoneyBag",
        vec![("shopMoney", money()), ("presentmentMoney", money())],
    ))
}

fn optional(text: &Option<String>) -> Out {
    Out::Json(text.clone().into())
}

fn attributes(pairs: &[(String, String)]) -> Out {
    Out::list(pairs.iter().map(|(key, value)| {
        Obj::made(
            "Attribute",
            vec![
                ("key", key.as_str().into()),
                ("value", value.as_str().into()),
            ],
        )
    }))
}

fn taxes(lines: &[TaxView], currency: &str) -> Out {
    Out::list(lines.iter().map(|t| {
        let rate: f64 = t.rate.try_into().unwrap_or(0.0);
        Obj::made(
            "TaxLine",
            vec![
                ("title", t.title.as_str().into()),
                ("rate", Out::Json(json!(rate))),
                ("priceSet", money(t.amount, currency)),
            ],
        )
    }))
}

fn address(address: &Option<(u64, AddressView)>) -> Out {
    let Some((id, a)) = address else {
        return Out::NULL;
    };
    let names: Vec<&str> = [&a.first_name, &a.last_name]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    let name = (!names.is_empty()).then(|| names.join(" "));
    Out::Obj(Obj::made(
        "MailingAddress",
        vec![
            (
                "id",
                format!("gid://shopify/MailingAddress/{id}?model_name=Address").into(),
            ),
            ("firstName", optional(&a.first_name)),
            ("lastName", optional(&a.last_name)),
            ("name", Out::Json(name.into())),
            ("company", optional(&a.company)),
            ("address1", optional(&a.address1)),
            ("address2", optional(&a.address2)),
            ("city", optional(&a.city)),
            ("provinceCode", optional(&a.province_code)),
            ("countryCodeV2", optional(&a.country_code)),
            ("zip", optional(&a.zip)),
            ("phone", optional(&a.phone)),
        ],
    ))
}

fn metafield(m: &Metafield) -> Obj {
    Obj::made(
        "Metafield",
        vec![
            ("id", gid("Metafield", m.id).into()),
            ("namespace", m.namespace.as_str().into()),
            ("key", m.key.as_str().into()),
            ("type", m.kind.as_str().into()),
            ("value", m.value.as_str().into()),
        ],
    )
}

/// `#1001-F2` for the second fulfillment of order `#1001`.
pub(super) fn fulfillment_name(order: &Order, number: usize) -> String {
    format!("{}-F{number}", order.name)
}

pub(super) fn order(
    state: &State,
    id: u64,
    name: &str,
    arguments: &Arguments,
    bulk: bool,
) -> Result<Option<Out>, Refusal> {
    let Some(order) = state.orders.get(&id) else {
        return Ok(None);
    };
    let currency = order.currency.as_str();
    Ok(Some(match name {
        "id" => gid("Order", id).into(),
        "legacyResourceId" => id.to_string().into(),
        "name" => order.name.as_str().into(),
        "number" => order.number.into(),
        "createdAt" => time(order.created_at),
        "updatedAt" => time(order.updated_at),
        "processedAt" => time(order.processed_at),
        "cancelledAt" => time_option(order.cancelled_at),
        "closedAt" => time_option(order.closed_at),
        "cancelReason" => optional(&order.cancel_reason),
        "cancellation" => Out::option(order.cancelled_at.map(|_| {
            Obj::made(
                "OrderCancellation",
                vec![("staffNote", optional(&order.staff_note))],
            )
        })),
        "note" => optional(&order.note),
        "tags" => Out::Json(json!(order.tags)),
        "customAttributes" => attributes(&order.attributes),
        "email" => optional(&order.email),
        "poNumber" => optional(&order.po_number),
        "sourceName" => optional(&order.source_name),
        "sourceIdentifier" => optional(&order.source_identifier),
        "app" => {
            let (number, title) = if order.by_app {
                (state.app, "Lockstep")
            } else {
                (580_111, "Online Store")
            };
            Out::Obj(Obj::made(
                "OrderApp",
                vec![("id", gid("App", number).into()), ("name", title.into())],
            ))
        }
        "customer" => Out::option(order.customer.map(Obj::Customer)),
        "billingAddress" => address(&order.billing),
        "shippingAddress" => address(&order.shipping),
        "currencyCode" => currency.into(),
        "taxesIncluded" => order.taxes_included.into(),
        "displayFinancialStatus" => optional(&order.financial),
        "displayFulfillmentStatus" => order.fulfillment_status().into(),
        "returnStatus" => "NO_RETURN".into(),
        "totalPriceSet" => money(order.total(), currency),
        "currentTotalPriceSet" => money(order.current_total(), currency),
        "totalTaxSet" => money(order.total_tax(), currency),
        "totalRefundedSet" => money(order.refunded(), currency),
        "totalReceivedSet" => money(order.paid(), currency),
        "metafield" => {
            let namespace = state.namespace(text(arguments, "namespace"));
            let key = text(arguments, "key").unwrap_or_default();
            let found = order
                .metafields
                .iter()
                .find(|m| m.namespace == namespace && m.key == key);
            Out::option(found.map(metafield))
        }
        "metafields" => {
            let all = order.metafields.iter().map(metafield).collect();
            page("Metafield", all, arguments, bulk)
        }
        "lineItems" => {
            let all = (0..order.lines.len()).map(|i| Obj::Line(id, i)).collect();
            page("LineItem", all, arguments, bulk)
        }
        "shippingLines" => {
            let all = order
                .shipping_lines
                .iter()
                .map(|s| {
                    Obj::made(
                        "ShippingLine",
                        vec![
                            ("title", s.title.as_str().into()),
                            ("code", optional(&s.code)),
                            ("source", optional(&s.source)),
                            ("originalPriceSet", money(s.price, currency)),
                            ("taxLines", taxes(&s.taxes, currency)),
                        ],
                    )
                })
                .collect();
            page("ShippingLine", all, arguments, bulk)
        }
        "transactions" => Out::list(order.transactions.iter().take(first(arguments)).map(|t| {
            Obj::made(
                "OrderTransaction",
                vec![
                    ("id", gid("OrderTransaction", t.id).into()),
                    ("kind", t.kind.as_str().into()),
                    ("status", t.status.as_str().into()),
                    ("gateway", optional(&t.gateway)),
                    ("amountSet", money(t.amount, currency)),
                ],
            )
        })),
        "fulfillments" => Out::list(
            (0..order.fulfillments.len())
                .take(first(arguments))
                .map(|i| Obj::Fulfillment(id, i)),
        ),
        "fulfillmentOrders" => {
            require(state, name, "read_merchant_managed_fulfillment_orders")?;
            let all = (0..order.fulfillment_orders.len())
                .map(|i| Obj::FulfillmentOrder(id, i))
                .collect();
            page("FulfillmentOrder", all, arguments, bulk)
        }
        "refunds" => Out::list(
            (0..order.refunds.len())
                .take(first(arguments))
                .map(|i| Obj::Refund(id, i)),
        ),
        _ => return Ok(None),
    }))
}

pub(super) fn line(state: &State, order_id: u64, at: usize, name: &str) -> Option<Out> {
    let order = state.orders.get(&order_id)?;
    let line = order.lines.get(at)?;
    let unfulfilled = order.unfulfilled(at);
    Some(match name {
        "id" => gid("LineItem", line.id).into(),
        "sku" => optional(&line.sku),
        "title" => line.title.as_str().into(),
        "quantity" => line.quantity.into(),
        "currentQuantity" | "refundableQuantity" => line.current.into(),
        "unfulfilledQuantity" => unfulfilled.into(),
        "nonFulfillableQuantity" => line
            .current
            .saturating_sub(unfulfilled + order.fulfilled(at))
            .into(),
        "requiresShipping" => line.requires_shipping.into(),
        "customAttributes" => attributes(&line.properties),
        "originalUnitPriceSet" => money(line.price, &order.currency),
        "taxLines" => taxes(&line.taxes, &order.currency),
        "variant" => Out::option(
            line.variant
                .filter(|v| state.variants.contains_key(v))
                .map(Obj::Variant),
        ),
        _ => return None,
    })
}

pub(super) fn fulfillment(
    state: &State,
    order_id: u64,
    at: usize,
    name: &str,
    arguments: &Arguments,
    bulk: bool,
) -> Result<Option<Out>, Refusal> {
    let Some(order) = state.orders.get(&order_id) else {
        return Ok(None);
    };
    let Some(f) = order.fulfillments.get(at) else {
        return Ok(None);
    };
    Ok(Some(match name {
        "id" => gid("Fulfillment", f.id).into(),
        "name" => fulfillment_name(order, f.number).into(),
        "status" => if f.cancelled { "CANCELLED" } else { "SUCCESS" }.into(),
        "displayStatus" => if f.cancelled { "CANCELED" } else { "FULFILLED" }.into(),
        "createdAt" => time(f.created_at),
        "updatedAt" => time(f.updated_at),
        "location" => Out::Obj(Obj::Location(f.location)),
        "order" => Out::Obj(Obj::Order(order_id)),
        "totalQuantity" => f.lines.iter().map(|(_, _, n)| n).sum::<u32>().into(),
        "trackingInfo" => Out::list(f.tracking.iter().take(first(arguments)).map(|t| {
            Obj::made(
                "FulfillmentTrackingInfo",
                vec![
                    ("company", optional(&t.company)),
                    ("number", optional(&t.number)),
                    ("url", optional(&t.url)),
                ],
            )
        })),
        "fulfillmentLineItems" => {
            let all = f
                .lines
                .iter()
                .map(|(id, line, quantity)| {
                    Obj::made(
                        "FulfillmentLineItem",
                        vec![
                            ("id", gid("FulfillmentLineItem", *id).into()),
                            ("quantity", (*quantity).into()),
                            ("lineItem", Out::Obj(Obj::Line(order_id, *line))),
                        ],
                    )
                })
                .collect();
            page("FulfillmentLineItem", all, arguments, bulk)
        }
        _ => return Ok(None),
    }))
}

pub(super) fn fulfillment_order(
    state: &State,
    order_id: u64,
    at: usize,
    name: &str,
    arguments: &Arguments,
    bulk: bool,
) -> Result<Option<Out>, Refusal> {
    let Some(order) = state.orders.get(&order_id) else {
        return Ok(None);
    };
    let Some(f) = order.fulfillment_orders.get(at) else {
        return Ok(None);
    };
    let status = f.status();
    Ok(Some(match name {
        "id" => gid("FulfillmentOrder", f.id).into(),
        "orderId" => gid("Order", order_id).into(),
        "orderName" => order.name.as_str().into(),
        "status" => status.into(),
        "requestStatus" => "UNSUBMITTED".into(),
        "updatedAt" => time(f.updated_at),
        "assignedLocation" => {
            let place = state.locations.get(&f.location);
            Out::Obj(Obj::made(
                "FulfillmentOrderAssignedLocation",
                vec![
                    ("name", place.map_or("", |l| l.name.as_str()).into()),
                    (
                        "location",
                        Out::option(place.map(|_| Obj::Location(f.location))),
                    ),
                ],
            ))
        }
        "fulfillmentHolds" => Out::list(f.hold.iter().map(|(id, reason)| hold(state, *id, reason))),
        "supportedActions" => {
            let actions: &[&str] = match status {
                "OPEN" | "IN_PROGRESS" => &["CREATE_FULFILLMENT", "MOVE", "HOLD", "SPLIT"],
                "ON_HOLD" => &["RELEASE_HOLD", "HOLD"],
                _ => &[],
            };
            Out::list(actions.iter().map(|a| {
                Obj::made(
                    "FulfillmentOrderSupportedAction",
                    vec![("action", (*a).into())],
                )
            }))
        }
        "lineItems" => {
            let all = f
                .lines
                .iter()
                .map(|l| {
                    let sku = order.lines.get(l.line).and_then(|line| line.sku.clone());
                    Obj::made(
                        "FulfillmentOrderLineItem",
                        vec![
                            ("id", gid("FulfillmentOrderLineItem", l.id).into()),
                            ("totalQuantity", l.total.into()),
                            ("remainingQuantity", l.remaining.into()),
                            ("sku", Out::Json(sku.into())),
                            ("lineItem", Out::Obj(Obj::Line(order_id, l.line))),
                        ],
                    )
                })
                .collect();
            page("FulfillmentOrderLineItem", all, arguments, bulk)
        }
        _ => return Ok(None),
    }))
}

pub(super) fn refund(
    state: &State,
    order_id: u64,
    at: usize,
    name: &str,
    arguments: &Arguments,
    bulk: bool,
) -> Result<Option<Out>, Refusal> {
    let Some(order) = state.orders.get(&order_id) else {
        return Ok(None);
    };
    let Some(refund) = order.refunds.get(at) else {
        return Ok(None);
    };
    Ok(Some(match name {
        "id" => gid("Refund", refund.id).into(),
        "createdAt" => time(refund.created_at),
        "note" => optional(&refund.note),
        "totalRefundedSet" => money(refund.amount, &order.currency),
        "refundLineItems" => {
            let all = refund
                .lines
                .iter()
                .map(|l| {
                    let restocked = matches!(l.restock.as_str(), "CANCEL" | "RETURN");
                    Obj::made(
                        "RefundLineItem",
                        vec![
                            ("id", gid("RefundLineItem", l.id).into()),
                            ("quantity", l.quantity.into()),
                            ("restockType", l.restock.as_str().into()),
                            ("restocked", restocked.into()),
                            ("location", Out::option(l.location.map(Obj::Location))),
                            ("lineItem", Out::Obj(Obj::Line(order_id, l.line))),
                        ],
                    )
                })
                .collect();
            page("RefundLineItem", all, arguments, bulk)
        }
        _ => return Ok(None),
    }))
}

/// The texts of a JSON list.
pub(super) fn strings(value: Option<&Value>) -> Vec<String> {
    value
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}
