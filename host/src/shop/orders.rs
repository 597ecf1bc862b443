//! Orders: created exactly once, followed, cancelled.

use std::collections::BTreeMap;
use std::time::Duration;

use cynic::{MutationBuilder, QueryBuilder};

use super::client::user_errors;
use super::{Shop, ShopOrderPage, address, call, id, instant, mutation, next, op, query, second, unsigned};
use crate::model::{
    CancelOrder, CreatedLine, CreatedOrder, Fact, Fault, Fulfillment, Instant, Money, NewOrder, RemoveUnits, ShopOrder, ShopOrderLine, Tracking,
};

/// Namespace of everything that Lockstep writes into a shop. A plain one, so that it outlives a change of the app.
const NAMESPACE: &str = "lockstep";
/// Metafield of an order that carries its unique reference.
const ORDER_KEY: &str = "order_ref";
/// Metafield of the customer that stands for a channel.
const CHANNEL_KEY: &str = "channel";
/// Longest note of a cancellation, in characters.
const STAFF_NOTE: usize = 255;
/// Recent orders that are looked through when a search finds nothing.
const RECENT: i32 = 100;
/// How long a cancellation is waited for.
const CANCEL_POLLS: u32 = 30;

fn bag(money: &Money) -> op::MoneyBagInput {
    op::MoneyBagInput { shop_money: op::MoneyInput { amount: op::Decimal(money.amount.to_string()), currency_code: op::Currency(money.currency.clone()) } }
}

fn words(field: Option<Vec<op::Step>>) -> Option<Vec<String>> {
    field.map(|f| f.into_iter().map(|s| s.0).collect())
}

fn input(order: &NewOrder) -> op::OrderInput {
    let lines = order
        .lines
        .iter()
        .map(|l| op::LineInput {
            variant_id: l.variant.as_deref().map(id),
            // Title and SKU of a linked line are the variant's own.
            title: l.variant.is_none().then(|| l.title.clone()),
            sku: if l.variant.is_none() { l.sku.clone() } else { None },
            quantity: i32::try_from(l.quantity).unwrap_or(i32::MAX),
            price_set: Some(bag(&l.unit_price)),
            tax_lines: Some(
                l.taxes
                    .iter()
                    .map(|(title, rate, amount)| op::TaxLineInput { title: title.clone(), rate: op::Decimal(rate.clone()), price_set: Some(bag(amount)) })
                    .collect(),
            ),
            taxable: Some(l.taxable),
            requires_shipping: Some(l.requires_shipping),
            properties: Some(l.properties.iter().map(|p| op::PropertyInput { name: p.key.clone(), value: p.value.clone() }).collect()),
        })
        .collect();
    op::OrderInput {
        name: Some(order.name.clone()),
        source_name: Some(order.source.clone()),
        source_identifier: Some(order.reference.clone()),
        note: Some(order.note.clone()),
        tags: Some(order.tags.clone()),
        custom_attributes: Some(order.attributes.iter().map(|a| op::CustomAttribute { key: a.key.clone(), value: a.value.clone() }).collect()),
        metafields: Some(vec![op::MetafieldInput {
            namespace: Some(NAMESPACE.into()),
            key: Some(ORDER_KEY.into()),
            kind: Some("id".into()),
            value: Some(order.reference.clone()),
        }]),
        customer: order.customer.as_deref().map(|c| op::CustomerInput::ToAssociate(op::AssociateCustomer { id: Some(id(c)) })),
        currency: Some(op::Currency(order.currency.clone())),
        processed_at: Some(op::DateTime(second(order.processed_at))),
        financial_status: Some(op::FinancialStatus::from("PAID")),
        taxes_included: Some(order.taxes_included),
        test: Some(order.test),
        billing_address: Some(address::input(&order.billing)),
        shipping_address: order.shipping.as_ref().map(address::input),
        line_items: Some(lines),
        shipping_lines: order.shipping_line.as_ref().map(|(title, code, price)| {
            vec![op::ShippingLineInput { title: title.clone(), code: code.clone(), source: Some(order.source.clone()), price_set: bag(price) }]
        }),
        transactions: Some(vec![op::TransactionInput {
            kind: Some(op::TransactionKind::from("SALE")),
            status: Some(op::TransactionStatus::from("SUCCESS")),
            gateway: Some(order.gateway.clone()),
            amount_set: bag(&order.paid),
        }]),
    }
}

fn created(order: op::CreatedOrder) -> CreatedOrder {
    CreatedOrder {
        id: order.id.into_inner(),
        name: order.name,
        lines: order
            .line_items
            .nodes
            .into_iter()
            .map(|l| CreatedLine {
                id: l.id.into_inner(),
                sku: l.sku,
                quantity: unsigned(l.quantity),
                variant: l.variant.map(|v| v.id.into_inner()),
                properties: l.custom_attributes.into_iter().map(|a| Fact { key: a.key, value: a.value.unwrap_or_default() }).collect(),
            })
            .collect(),
    }
}

impl Shop {
    /// Creates an order. An unknown outcome must be looked up by [`Shop::find_order`] before anything is sent again:
    /// Shopify has no idempotency for this.
    pub async fn create_order(&self, order: &NewOrder) -> Result<CreatedOrder, Fault> {
        let behavior = if order.decrement { "DECREMENT_IGNORING_POLICY" } else { "BYPASS" };
        let variables = op::CreateVariables {
            order: input(order),
            options: op::CreateOptions {
                inventory_behaviour: Some(op::InventoryBehavior::from(behavior)),
                send_receipt: Some(false),
                send_fulfillment_receipt: Some(false),
            },
        };
        let answer: op::OrderCreate = self.run(call("OrderCreate", op::OrderCreate::build(variables), true, true)).await?;
        let payload = answer.order_create.ok_or_else(|| Fault::UnknownOutcome { detail: "OrderCreate: the answer has no payload".into() })?;
        match payload.order {
            Some(order) => Ok(created(order)),
            None if payload.user_errors.is_empty() => Err(Fault::UnknownOutcome { detail: "OrderCreate: the answer has neither order nor errors".into() }),
            None => {
                let errors = payload.user_errors.into_iter().map(|e| (e.code.map(|c| c.0), words(e.field), e.message)).collect();
                Err(user_errors("OrderCreate", errors))
            }
        }
    }

    /// The order with this reference, read directly: no search index lies between.
    pub async fn find_order(&self, reference: &str) -> Result<Option<CreatedOrder>, Fault> {
        let identifier =
            op::OrderIdentifier::CustomId(op::CustomId { namespace: Some(NAMESPACE.into()), key: ORDER_KEY.into(), value: reference.to_owned() });
        let answer: Result<op::OrderByReference, Fault> =
            self.run(query("OrderByReference", op::OrderByReference::build(op::OrderIdentifierVariables { identifier }))).await;
        match answer {
            Ok(found) => Ok(found.order_by_identifier.map(created)),
            // The definition is gone: whether the order exists cannot be told that way, and must not be guessed.
            Err(Fault::Missing { detail }) => Err(Fault::Other { detail: format!("the definition of the metafield {NAMESPACE}.{ORDER_KEY} is missing in Shopify: {detail}") }),
            Err(other) => Err(other),
        }
    }

    /// Orders with this reference by search, and among the newest ones; compared to the letter. A second net: the
    /// index behind it lags.
    pub async fn search_order(&self, reference: &str) -> Result<Vec<CreatedOrder>, Fault> {
        let quoted = reference.replace('\\', "\\\\").replace('"', "\\\"");
        let mut ids: Vec<cynic::Id> = Vec::new();
        for (text, first) in [(Some(format!("source_identifier:\"{quoted}\"")), 5), (None, RECENT)] {
            let variables = op::SearchVariables { query: text, first };
            let found: op::OrdersSearch = self.run(query("OrdersSearch", op::OrdersSearch::build(variables))).await?;
            for order in found.orders.nodes {
                if order.source_identifier.as_deref() == Some(reference) && !ids.iter().any(|i| i.inner() == order.id.inner()) {
                    ids.push(order.id);
                }
            }
        }
        if ids.is_empty() {
            return Ok(vec![]);
        }
        let found: op::CreatedOrdersById = self.run(query("CreatedOrdersById", op::CreatedOrdersById::build(op::OrderIds { ids }))).await?;
        Ok(found
            .nodes
            .into_iter()
            .flatten()
            .filter_map(|n| match n {
                op::CreatedOrderNode::Order(order) => Some(created(order)),
                op::CreatedOrderNode::Other => None,
            })
            .collect())
    }

    /// A page of orders that changed since then, whoever made them.
    pub async fn orders_updated_since(&self, since: Instant, cursor: Option<&str>) -> Result<ShopOrderPage, Fault> {
        let variables = op::UpdatedVariables { query: format!("updated_at:>='{}'", second(since)), after: cursor.map(str::to_owned), first: op::ORDERS };
        let found: op::OrdersUpdatedSince = self.run(query("OrdersUpdatedSince", op::OrdersUpdatedSince::build(variables))).await?;
        let next = next(&found.orders.page_info);
        Ok(ShopOrderPage { orders: self.whole(found.orders.nodes).await?, next })
    }

    /// Orders by id. Unknown ids are left out.
    pub async fn orders_by_id(&self, ids: &[String]) -> Result<Vec<ShopOrder>, Fault> {
        let mut orders = Vec::new();
        for chunk in ids.chunks(op::ORDERS as usize) {
            let variables = op::OrderIds { ids: chunk.iter().map(|i| id(i)).collect() };
            let found: op::OrdersById = self.run(query("OrdersById", op::OrdersById::build(variables))).await?;
            let nodes = found.nodes.into_iter().flatten().filter_map(|n| match n {
                op::OrderNode::Order(order) => Some(order),
                op::OrderNode::Other => None,
            });
            orders.extend(self.whole(nodes.collect()).await?);
        }
        Ok(orders)
    }

    /// Orders as they are; those of which a list shows only a part are read again by themselves.
    async fn whole(&self, orders: Vec<op::UpdatedOrder>) -> Result<Vec<ShopOrder>, Fault> {
        let mut whole = Vec::with_capacity(orders.len());
        for o in orders {
            let cut = o.line_items.page_info.has_next_page
                || o.fulfillments.len() >= op::FULFILLMENTS
                || o.fulfillments.iter().any(|f| f.fulfillment_line_items.page_info.has_next_page);
            if cut {
                let found: op::WholeOrder = self.run(query("WholeOrder", op::WholeOrder::build(op::ById { id: o.id }))).await?;
                if let Some(o) = found.order {
                    let fulfillments = o
                        .fulfillments
                        .into_iter()
                        .map(|f| fulfillment(f.id, f.status, &f.created_at, &f.updated_at, f.tracking_info, f.fulfillment_line_items.nodes))
                        .collect::<Result<_, _>>()?;
                    whole.push(shop_order(o.id, o.name, &o.updated_at, o.cancelled_at, o.cancel_reason, o.line_items.nodes, fulfillments)?);
                }
                continue;
            }
            let fulfillments = o
                .fulfillments
                .into_iter()
                .map(|f| fulfillment(f.id, f.status, &f.created_at, &f.updated_at, f.tracking_info, f.fulfillment_line_items.nodes))
                .collect::<Result<_, _>>()?;
            whole.push(shop_order(o.id, o.name, &o.updated_at, o.cancelled_at, o.cancel_reason, o.line_items.nodes, fulfillments)?);
        }
        Ok(whole)
    }

    /// Cancels a whole order and waits until it is cancelled. One that is cancelled already is fine.
    pub async fn cancel_order(&self, cancel: &CancelOrder) -> Result<(), Fault> {
        let variables = op::CancelVariables {
            order: id(&cancel.order),
            reason: op::CancelReason(cancel.reason.clone()),
            restock: cancel.restock,
            note: cancel.note.chars().take(STAFF_NOTE).collect(),
        };
        let answer: op::CancelOrder = self.run(mutation("CancelOrder", op::CancelOrder::build(variables))).await?;
        let payload = answer.order_cancel.ok_or_else(|| Fault::UnknownOutcome { detail: "CancelOrder: the answer has no payload".into() })?;
        if payload.order_cancel_user_errors.iter().any(|e| e.message.contains("already been cancel")) {
            return Ok(());
        }
        let Some(job) = payload.job else {
            let errors = payload.order_cancel_user_errors.into_iter().map(|e| (e.code.map(|c| c.0), words(e.field), e.message)).collect();
            return Err(user_errors("CancelOrder", errors));
        };
        for n in 0..CANCEL_POLLS {
            let variables = op::JobVariables { job: job.id.clone(), order: id(&cancel.order) };
            let found: op::CancelPoll = self.run(query("CancelPoll", op::CancelPoll::build(variables))).await?;
            if found.order.is_some_and(|o| o.cancelled_at.is_some()) {
                return Ok(());
            }
            if found.job.is_none_or(|j| j.done) && n > 2 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(if n == 0 { 200 } else { 1_000 })).await;
        }
        Err(Fault::UnknownOutcome { detail: "CancelOrder: the cancellation was accepted and has not shown yet".into() })
    }

    /// Removes units from an order; moves no money. Repeating it with the same key within a day has no further effect.
    pub async fn remove_units(&self, remove: &RemoveUnits) -> Result<(), Fault> {
        let places = if remove.restock { self.places(&remove.order).await? } else { BTreeMap::new() };
        let mut lines = Vec::new();
        for (line, quantity) in &remove.lines {
            let place = places.get(line).or_else(|| places.values().next());
            if remove.restock && place.is_none() {
                return Err(Fault::Rejected { code: None, detail: format!("no location is assigned to the order {}, so its units cannot go back on a shelf", remove.order) });
            }
            lines.push(op::RefundLine {
                line_item_id: id(line),
                quantity: i32::try_from(*quantity).unwrap_or(i32::MAX),
                restock_type: Some(op::RestockType::from(if remove.restock { "CANCEL" } else { "NO_RESTOCK" })),
                location_id: place.map(|p| id(p)),
            });
        }
        let input = op::RefundInput { order_id: id(&remove.order), note: Some(remove.note.clone()), notify: Some(false), refund_line_items: Some(lines) };
        let variables = op::RefundVariables { input, key: remove.key.clone() };
        let answer: op::RemoveUnits = self.run(mutation("RemoveUnits", op::RemoveUnits::build(variables))).await?;
        let payload = answer.refund_create.ok_or_else(|| Fault::UnknownOutcome { detail: "RemoveUnits: the answer has no payload".into() })?;
        if payload.refund.is_some() {
            return Ok(());
        }
        Err(user_errors("RemoveUnits", payload.user_errors.into_iter().map(|e| (None, words(e.field), e.message)).collect()))
    }

    /// The location that is to ship each line of an order.
    async fn places(&self, order: &str) -> Result<BTreeMap<String, String>, Fault> {
        let found: op::OrderLocations = self.run(query("OrderLocations", op::OrderLocations::build(op::ById { id: id(order) }))).await?;
        let mut places = BTreeMap::new();
        for f in found.order.into_iter().flat_map(|o| o.fulfillment_orders.nodes) {
            let Some(location) = f.assigned_location.location else { continue };
            for line in f.line_items.nodes {
                let place = places.entry(line.line_item.id.into_inner()).or_insert_with(|| location.id.inner().to_owned());
                if line.remaining_quantity > 0 {
                    location.id.inner().clone_into(place);
                }
            }
        }
        Ok(places)
    }

    /// Makes the definitions exist that let orders and customers be read by a reference of ours.
    pub async fn ensure_definitions(&self) -> Result<(), Fault> {
        for (owner, key, name) in [("ORDER", ORDER_KEY, "Channel order reference"), ("CUSTOMER", CHANNEL_KEY, "Sales channel")] {
            let definition = op::DefinitionInput {
                owner_type: op::OwnerType::from(owner),
                namespace: Some(NAMESPACE.into()),
                key: key.into(),
                name: name.into(),
                kind: "id".into(),
            };
            let answer: op::DefinitionCreate =
                self.run(mutation("DefinitionCreate", op::DefinitionCreate::build(op::DefinitionVariables { definition }))).await?;
            let payload =
                answer.metafield_definition_create.ok_or_else(|| Fault::UnknownOutcome { detail: "DefinitionCreate: the answer has no payload".into() })?;
            let exists = payload.user_errors.iter().any(|e| e.code.as_ref().is_some_and(|c| c.0 == "TAKEN"));
            if payload.created_definition.is_none() && !exists {
                let errors = payload.user_errors.into_iter().map(|e| (e.code.map(|c| c.0), words(e.field), e.message)).collect();
                return Err(user_errors("DefinitionCreate", errors));
            }
        }
        Ok(())
    }

    /// Makes the customer exist that stands for a channel; answers its id. Repeating it has no further effect.
    pub async fn ensure_customer(&self, channel: &str, first: &str, last: &str) -> Result<String, Fault> {
        let identifier = op::CustomerIdentifier::CustomId(op::CustomId { namespace: Some(NAMESPACE.into()), key: CHANNEL_KEY.into(), value: channel.to_owned() });
        let input = op::CustomerFields {
            first_name: Some(first.to_owned()),
            last_name: Some(last.to_owned()),
            note: Some("Stands for a sales channel: its orders are billed to it".into()),
            tags: Some(vec!["marketplace".into()]),
        };
        let answer: op::ChannelCustomer = self.run(mutation("ChannelCustomer", op::ChannelCustomer::build(op::CustomerVariables { identifier, input }))).await?;
        let payload = answer.customer_set.ok_or_else(|| Fault::UnknownOutcome { detail: "ChannelCustomer: the answer has no payload".into() })?;
        match payload.customer {
            Some(customer) => Ok(customer.id.into_inner()),
            None => Err(user_errors("ChannelCustomer", payload.user_errors.into_iter().map(|e| (e.code.map(|c| c.0), words(e.field), e.message)).collect())),
        }
    }
}

fn fulfillment(
    id: cynic::Id,
    status: op::FulfillmentStatus,
    created_at: &op::DateTime,
    updated_at: &op::DateTime,
    tracking: Vec<op::TrackingInfo>,
    lines: Vec<op::FulfillmentLine>,
) -> Result<Fulfillment, Fault> {
    Ok(Fulfillment {
        id: id.into_inner(),
        status: status.0,
        created_at: instant(created_at, "fulfillment.createdAt")?,
        updated_at: instant(updated_at, "fulfillment.updatedAt")?,
        tracking: tracking.into_iter().map(|t| Tracking { company: t.company, number: t.number, url: t.url.map(|u| u.0) }).collect(),
        lines: lines.into_iter().map(|l| (l.line_item.id.into_inner(), unsigned(l.quantity.unwrap_or(0)))).collect(),
    })
}

fn shop_order(
    id: cynic::Id,
    name: String,
    updated_at: &op::DateTime,
    cancelled_at: Option<op::DateTime>,
    reason: Option<op::CancelReason>,
    lines: Vec<op::OrderLine>,
    fulfillments: Vec<Fulfillment>,
) -> Result<ShopOrder, Fault> {
    Ok(ShopOrder {
        id: id.into_inner(),
        name,
        updated_at: instant(updated_at, "order.updatedAt")?,
        cancelled_at: cancelled_at.map(|t| instant(&t, "order.cancelledAt")).transpose()?,
        cancel_reason: reason.map(|r| r.0),
        lines: lines
            .into_iter()
            .map(|l| ShopOrderLine {
                id: l.id.into_inner(),
                quantity: unsigned(l.quantity),
                current: unsigned(l.current_quantity),
                unfulfilled: unsigned(l.unfulfilled_quantity),
            })
            .collect(),
        fulfillments,
    })
}
