//! Reads orders as far as fulfillment and cancellation need them. No address is ever read.

use cynic::queries::VariableMatch;

use super::types::{Link, PageInfo, Word, count, schema};
use super::walk::Walk;
use super::{Shop, ShopOrderPage, search_time};
use crate::model::{Fault, Fulfillment, Instant, ShopOrder, ShopOrderLine, Tracking};

/// Orders of one page.
const ORDERS_PER_PAGE: u32 = 100;
/// Orders of one call by id.
const IDS_PER_CALL: usize = 50;
/// Lines read with each order at first.
const LINES: i32 = 50;
/// Fulfillments read with each order at first.
const FULFILLMENTS: i32 = 20;
/// Parcels of a fulfillment. One that has more is as good as unheard of.
const TRACKINGS: i32 = 25;
/// Lines read with each fulfillment at first.
const FULFILLMENT_LINES: i32 = 50;
/// The most of each, for an order that is read by itself.
const WHOLE: i32 = 250;

/// The variables that fragments of several operations read; never sent by itself.
#[derive(cynic::QueryVariables)]
#[expect(dead_code, reason = "only its fields' names and types are used")]
pub(super) struct SizesVariables {
    lines: i32,
    fulfillments: i32,
    trackings: i32,
    fulfillment_lines: i32,
}

#[derive(cynic::QueryVariables)]
pub(super) struct OrdersChangedVariables {
    first: i32,
    after: Option<String>,
    query: String,
    lines: i32,
    fulfillments: i32,
    trackings: i32,
    fulfillment_lines: i32,
}

impl VariableMatch<SizesVariablesFields> for OrdersChangedVariablesFields {}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "QueryRoot", variables = "OrdersChangedVariables")]
pub(super) struct OrdersChanged {
    #[arguments(first: $first, after: $after, query: $query, sortKey: UPDATED_AT)]
    orders: OrderConnection,
}

#[derive(cynic::QueryFragment)]
#[cynic(variables = "SizesVariables")]
struct OrderConnection {
    page_info: PageInfo,
    nodes: Vec<Order>,
}

#[derive(cynic::QueryFragment)]
#[cynic(variables = "SizesVariables")]
struct Order {
    id: cynic::Id,
    name: String,
    updated_at: Instant,
    cancelled_at: Option<Instant>,
    cancel_reason: Option<Word<schema::OrderCancelReason>>,
    #[arguments(first: $lines)]
    line_items: LineItemConnection,
    #[arguments(first: $fulfillments)]
    fulfillments: Vec<FulfillmentNode>,
}

#[derive(cynic::QueryFragment)]
struct LineItemConnection {
    page_info: PageInfo,
    nodes: Vec<LineItem>,
}

#[derive(cynic::QueryFragment)]
struct LineItem {
    id: cynic::Id,
    quantity: i32,
    current_quantity: i32,
    unfulfilled_quantity: i32,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Fulfillment", variables = "SizesVariables")]
struct FulfillmentNode {
    id: cynic::Id,
    status: Word<schema::FulfillmentStatus>,
    created_at: Instant,
    updated_at: Instant,
    #[arguments(first: $trackings)]
    tracking_info: Vec<FulfillmentTrackingInfo>,
    #[arguments(first: $fulfillment_lines)]
    fulfillment_line_items: FulfillmentLineItemConnection,
}

#[derive(cynic::QueryFragment)]
struct FulfillmentTrackingInfo {
    company: Option<String>,
    number: Option<String>,
    url: Option<Link>,
}

#[derive(cynic::QueryFragment)]
struct FulfillmentLineItemConnection {
    page_info: PageInfo,
    nodes: Vec<FulfillmentLineItem>,
}

#[derive(cynic::QueryFragment)]
struct FulfillmentLineItem {
    quantity: Option<i32>,
    line_item: LineItemId,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "LineItem")]
pub(super) struct LineItemId {
    pub(super) id: cynic::Id,
}

#[derive(cynic::QueryVariables)]
pub(super) struct OrdersByIdVariables {
    ids: Vec<cynic::Id>,
    lines: i32,
    fulfillments: i32,
    trackings: i32,
    fulfillment_lines: i32,
}

impl VariableMatch<SizesVariablesFields> for OrdersByIdVariablesFields {}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "QueryRoot", variables = "OrdersByIdVariables")]
pub(super) struct OrdersById {
    #[arguments(ids: $ids)]
    nodes: Vec<Option<OrderOrOther>>,
}

#[derive(cynic::InlineFragments)]
#[cynic(graphql_type = "Node", variables = "SizesVariables")]
enum OrderOrOther {
    Order(Order),
    #[cynic(fallback)]
    Other,
}

#[derive(cynic::QueryVariables)]
pub(super) struct OrderWholeVariables {
    id: cynic::Id,
    lines: i32,
    fulfillments: i32,
    trackings: i32,
    fulfillment_lines: i32,
}

impl VariableMatch<SizesVariablesFields> for OrderWholeVariablesFields {}

/// One order with the largest pages there are.
#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "QueryRoot", variables = "OrderWholeVariables")]
pub(super) struct OrderWhole {
    #[arguments(id: $id)]
    order: Option<Order>,
}

#[derive(cynic::QueryVariables)]
pub(super) struct OrderLinesMoreVariables {
    id: cynic::Id,
    first: i32,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "QueryRoot", variables = "OrderLinesMoreVariables")]
pub(super) struct OrderLinesMore {
    #[arguments(id: $id)]
    order: Option<OrderLinePage>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Order", variables = "OrderLinesMoreVariables")]
struct OrderLinePage {
    #[arguments(first: $first, after: $after)]
    line_items: LineItemConnection,
}

#[derive(cynic::QueryVariables)]
pub(super) struct FulfillmentLinesMoreVariables {
    id: cynic::Id,
    first: i32,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(
    graphql_type = "QueryRoot",
    variables = "FulfillmentLinesMoreVariables"
)]
pub(super) struct FulfillmentLinesMore {
    #[arguments(id: $id)]
    fulfillment: Option<FulfillmentLinePage>,
}

#[derive(cynic::QueryFragment)]
#[cynic(
    graphql_type = "Fulfillment",
    variables = "FulfillmentLinesMoreVariables"
)]
struct FulfillmentLinePage {
    #[arguments(first: $first, after: $after)]
    fulfillment_line_items: FulfillmentLineItemConnection,
}

impl Order {
    /// Whether something may have been left out. Fulfillments are a plain list: a full one may be cut.
    fn cut(&self, fulfillments: i32) -> bool {
        self.line_items.page_info.has_next_page
            || self.fulfillments.len() >= fulfillments as usize
            || self
                .fulfillments
                .iter()
                .any(|f| f.fulfillment_line_items.page_info.has_next_page)
    }

    fn into_model(self) -> ShopOrder {
        ShopOrder {
            id: self.id.into_inner(),
            name: self.name,
            updated_at: self.updated_at,
            cancelled_at: self.cancelled_at,
            cancel_reason: self.cancel_reason.map(Word::into_text),
            lines: self.line_items.nodes.into_iter().map(line).collect(),
            fulfillments: self.fulfillments.into_iter().map(fulfillment).collect(),
        }
    }
}

fn line(node: LineItem) -> ShopOrderLine {
    ShopOrderLine {
        id: node.id.into_inner(),
        quantity: count(node.quantity),
        current: count(node.current_quantity),
        unfulfilled: count(node.unfulfilled_quantity),
    }
}

fn fulfillment(node: FulfillmentNode) -> Fulfillment {
    Fulfillment {
        id: node.id.into_inner(),
        status: node.status.into_text(),
        created_at: node.created_at,
        updated_at: node.updated_at,
        tracking: node
            .tracking_info
            .into_iter()
            .map(|t| Tracking {
                company: t.company,
                number: t.number,
                url: t.url.map(|u| u.0),
            })
            .collect(),
        lines: node
            .fulfillment_line_items
            .nodes
            .into_iter()
            .map(fulfillment_line)
            .collect(),
    }
}

fn fulfillment_line(node: FulfillmentLineItem) -> (String, u32) {
    (
        node.line_item.id.into_inner(),
        count(node.quantity.unwrap_or(0)),
    )
}

impl Shop {
    /// A page of the orders that changed since a time, the one changed longest ago first. `cursor` is the `next` of the
    /// page before. Orders move while they are paged: the caller overlaps its windows.
    pub async fn orders_updated_since(
        &self,
        since: Instant,
        cursor: Option<&str>,
    ) -> Result<ShopOrderPage, Fault> {
        let walk = Walk::parse(cursor)?;
        let from = if walk.floor.is_empty() {
            search_time(since)
        } else {
            walk.floor.clone()
        };
        let variables = OrdersChangedVariables {
            first: ORDERS_PER_PAGE as i32,
            after: walk.after.clone(),
            query: format!("updated_at:>='{from}'"),
            lines: LINES,
            fulfillments: FULFILLMENTS,
            trackings: TRACKINGS,
            fulfillment_lines: FULFILLMENT_LINES,
        };
        let answer: OrdersChanged = self.endpoint.ask(&variables).await?;
        let OrderConnection { page_info, nodes } = answer.orders;
        let newest = nodes.iter().map(|o| o.updated_at).max();
        let read = nodes.len();
        let orders = self.whole_orders(nodes).await?;
        let after = page_info.next("the changed orders")?;
        let next = walk.next(read, ORDERS_PER_PAGE, after, || newest.map(search_time));
        Ok(ShopOrderPage { orders, next })
    }

    /// Orders by id. Ids that are gone are left out.
    pub async fn orders_by_id(&self, orders: &[String]) -> Result<Vec<ShopOrder>, Fault> {
        let mut found = Vec::with_capacity(orders.len());
        for chunk in orders.chunks(IDS_PER_CALL) {
            let variables = OrdersByIdVariables {
                ids: chunk.iter().map(cynic::Id::new).collect(),
                lines: LINES,
                fulfillments: FULFILLMENTS,
                trackings: TRACKINGS,
                fulfillment_lines: FULFILLMENT_LINES,
            };
            let size = chunk.len().next_power_of_two() as u32;
            let answer: OrdersById = self.endpoint.ask_sized(&variables, size).await?;
            let nodes = answer.nodes.into_iter().flatten().filter_map(|n| match n {
                OrderOrOther::Order(order) => Some(order),
                OrderOrOther::Other => None,
            });
            found.extend(self.whole_orders(nodes.collect()).await?);
        }
        Ok(found)
    }

    /// Reads orders again that did not fit.
    async fn whole_orders(&self, nodes: Vec<Order>) -> Result<Vec<ShopOrder>, Fault> {
        let mut orders = Vec::with_capacity(nodes.len());
        for node in nodes {
            if node.cut(FULFILLMENTS) {
                orders.extend(self.whole_order(node.id).await?);
            } else {
                orders.push(node.into_model());
            }
        }
        Ok(orders)
    }

    async fn whole_order(&self, id: cynic::Id) -> Result<Option<ShopOrder>, Fault> {
        let variables = OrderWholeVariables {
            id: id.clone(),
            lines: WHOLE,
            fulfillments: WHOLE,
            trackings: TRACKINGS,
            fulfillment_lines: WHOLE,
        };
        let answer: OrderWhole = self.endpoint.ask(&variables).await?;
        let Some(mut order) = answer.order else {
            return Ok(None);
        };
        if order.fulfillments.len() >= WHOLE as usize {
            // Shopify has no way to page through them; what is known is still worth having.
            tracing::warn!(
                order = order.name,
                "the order has {WHOLE} fulfillments or more: those beyond are not seen"
            );
        }
        let mut after = order
            .line_items
            .page_info
            .clone()
            .next("an order's lines")?;
        while after.is_some() {
            let variables = OrderLinesMoreVariables {
                id: id.clone(),
                first: WHOLE,
                after,
            };
            let answer: OrderLinesMore = self.endpoint.ask(&variables).await?;
            let Some(page) = answer.order else {
                return Ok(None);
            };
            order.line_items.nodes.extend(page.line_items.nodes);
            after = page.line_items.page_info.next("an order's lines")?;
        }
        for f in &mut order.fulfillments {
            let mut after = f
                .fulfillment_line_items
                .page_info
                .clone()
                .next("a fulfillment's lines")?;
            while after.is_some() {
                let variables = FulfillmentLinesMoreVariables {
                    id: f.id.clone(),
                    first: WHOLE,
                    after,
                };
                let answer: FulfillmentLinesMore = self.endpoint.ask(&variables).await?;
                let Some(page) = answer.fulfillment else {
                    break;
                };
                f.fulfillment_line_items
                    .nodes
                    .extend(page.fulfillment_line_items.nodes);
                after = page
                    .fulfillment_line_items
                    .page_info
                    .next("a fulfillment's lines")?;
            }
        }
        Ok(Some(order.into_model()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(fulfillments: usize, more_lines: bool) -> Order {
        let parcel = serde_json::json!({
            "id": "gid://shopify/Fulfillment/5", "status": "TELEPORTED",
            "createdAt": "2026-11-23T00:00:00Z", "updatedAt": "2026-11-23T01:00:00Z",
            "trackingInfo": [{"company": null, "number": "X1", "url": null}],
            "fulfillmentLineItems": {"pageInfo": {"hasNextPage": false, "endCursor": null},
                "nodes": [{"quantity": null, "lineItem": {"id": "gid://shopify/LineItem/2"}}]},
        });
        serde_json::from_value(serde_json::json!({
            "id": "gid://shopify/Order/1", "name": "ICN-1", "updatedAt": "2026-11-23T00:00:00Z",
            "cancelledAt": null, "cancelReason": null,
            "lineItems": {"pageInfo": {"hasNextPage": more_lines, "endCursor": "c"},
                "nodes": [{"id": "gid://shopify/LineItem/2", "quantity": 2, "currentQuantity": 1, "unfulfilledQuantity": 1}]},
            "fulfillments": vec![parcel; fulfillments],
        }))
        .unwrap()
    }

    #[test]
    fn a_cut_order_is_noticed() {
        assert!(!order(19, false).cut(FULFILLMENTS));
        assert!(order(20, false).cut(FULFILLMENTS));
        assert!(order(1, true).cut(FULFILLMENTS));
    }

    #[test]
    fn unknown_states_and_nulls_are_read() {
        let model = order(1, false).into_model();
        assert_eq!(model.fulfillments[0].status, "TELEPORTED");
        assert_eq!(
            model.fulfillments[0].lines,
            [("gid://shopify/LineItem/2".to_owned(), 0)]
        );
        assert_eq!((model.lines[0].quantity, model.lines[0].current), (2, 1));
    }
}
