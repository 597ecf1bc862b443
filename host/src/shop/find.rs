//! Finds orders that were created, by the marks they carry.

use cynic::queries::VariableMatch;

use super::types::{PageInfo, count, schema};
use super::{NAMESPACE, ORDER_KEY, Shop};
use crate::model::{CreatedLine, CreatedOrder, Fact, Fault};

/// Lines read with an order at first.
pub(super) const LINES: i32 = 50;
/// Lines of a further page.
const LINES_MORE: i32 = 250;
/// Orders that a search may find: more than one tells of a double.
const SEARCHED: i32 = 10;
/// The newest orders looked through when the search finds nothing.
const RECENT: i32 = 250;

/// The variables that fragments of several operations read; never sent by itself.
#[derive(cynic::QueryVariables)]
#[expect(dead_code, reason = "only its fields' names and types are used")]
pub(super) struct LinesVariables {
    lines: i32,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Order", variables = "LinesVariables")]
pub(super) struct OrderNode {
    id: cynic::Id,
    name: String,
    #[arguments(first: $lines)]
    line_items: LineConnection,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "LineItemConnection")]
struct LineConnection {
    page_info: PageInfo,
    nodes: Vec<LineNode>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "LineItem")]
struct LineNode {
    id: cynic::Id,
    sku: Option<String>,
    quantity: i32,
    variant: Option<VariantId>,
    custom_attributes: Vec<Attribute>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "ProductVariant")]
struct VariantId {
    id: cynic::Id,
}

#[derive(cynic::QueryFragment)]
struct Attribute {
    key: String,
    value: Option<String>,
}

#[derive(cynic::QueryVariables)]
pub(super) struct OrderByReferenceVariables {
    identifier: OrderIdentifierInput,
    lines: i32,
}

impl VariableMatch<LinesVariablesFields> for OrderByReferenceVariablesFields {}

#[derive(cynic::InputObject)]
struct OrderIdentifierInput {
    custom_id: UniqueMetafieldValueInput,
}

/// The value of a metafield that no two objects share.
#[derive(cynic::InputObject)]
pub(super) struct UniqueMetafieldValueInput {
    pub(super) namespace: String,
    pub(super) key: String,
    pub(super) value: String,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "QueryRoot", variables = "OrderByReferenceVariables")]
pub(super) struct OrderByReference {
    #[arguments(identifier: $identifier)]
    order_by_identifier: Option<OrderNode>,
}

#[derive(cynic::QueryVariables)]
pub(super) struct OrderLinesVariables {
    id: cynic::Id,
    first: i32,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "QueryRoot", variables = "OrderLinesVariables")]
pub(super) struct OrderLines {
    #[arguments(id: $id)]
    order: Option<OrderLinePage>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Order", variables = "OrderLinesVariables")]
struct OrderLinePage {
    #[arguments(first: $first, after: $after)]
    line_items: LineConnection,
}

#[derive(cynic::QueryVariables)]
pub(super) struct OrdersBySourceIdentifierVariables {
    first: i32,
    query: String,
    namespace: String,
    key: String,
}

impl VariableMatch<MarkVariablesFields> for OrdersBySourceIdentifierVariablesFields {}

#[derive(cynic::QueryFragment)]
#[cynic(
    graphql_type = "QueryRoot",
    variables = "OrdersBySourceIdentifierVariables"
)]
pub(super) struct OrdersBySourceIdentifier {
    #[arguments(first: $first, query: $query, sortKey: CREATED_AT)]
    orders: MarkedConnection,
}

#[derive(cynic::QueryVariables)]
pub(super) struct RecentOrdersVariables {
    first: i32,
    namespace: String,
    key: String,
}

impl VariableMatch<MarkVariablesFields> for RecentOrdersVariablesFields {}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "QueryRoot", variables = "RecentOrdersVariables")]
pub(super) struct RecentOrders {
    #[arguments(first: $first, sortKey: ID, reverse: true)]
    orders: MarkedConnection,
}

/// The variables that fragments of several operations read; never sent by itself.
#[derive(cynic::QueryVariables)]
#[expect(dead_code, reason = "only its fields' names and types are used")]
pub(super) struct MarkVariables {
    namespace: String,
    key: String,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "OrderConnection", variables = "MarkVariables")]
struct MarkedConnection {
    nodes: Vec<MarkedOrder>,
}

/// An order with both marks that this program leaves.
#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Order", variables = "MarkVariables")]
struct MarkedOrder {
    id: cynic::Id,
    name: String,
    source_identifier: Option<String>,
    #[arguments(namespace: $namespace, key: $key)]
    metafield: Option<Metafield>,
}

#[derive(cynic::QueryFragment)]
struct Metafield {
    value: String,
}

impl MarkedOrder {
    fn carries(&self, reference: &str) -> bool {
        self.source_identifier.as_deref() == Some(reference)
            || self
                .metafield
                .as_ref()
                .is_some_and(|m| m.value == reference)
    }
}

fn created_line(node: LineNode) -> CreatedLine {
    CreatedLine {
        id: node.id.into_inner(),
        sku: node.sku,
        quantity: count(node.quantity),
        variant: node.variant.map(|v| v.id.into_inner()),
        properties: node
            .custom_attributes
            .into_iter()
            .map(|a| Fact {
                key: a.key,
                value: a.value.unwrap_or_default(),
            })
            .collect(),
    }
}

impl Shop {
    /// The order that carries a reference, with its lines; a direct read, no search. A shop without the definition that
    /// [`Shop::ensure_definitions`] creates answers `Other`, never "no such order".
    pub async fn find_order(&self, reference: &str) -> Result<Option<CreatedOrder>, Fault> {
        let variables = OrderByReferenceVariables {
            identifier: OrderIdentifierInput {
                custom_id: UniqueMetafieldValueInput {
                    namespace: NAMESPACE.into(),
                    key: ORDER_KEY.into(),
                    value: reference.into(),
                },
            },
            lines: LINES,
        };
        let answer: OrderByReference = self.endpoint.ask(&variables).await.map_err(|fault| match fault {
            Fault::Missing { detail } if detail.contains("definition") => Fault::Other {
                detail: format!(
                    "orders cannot be looked up: the metafield definition \"{NAMESPACE}.{ORDER_KEY}\" of type \"id\" is missing in the shop; create it again under Settings > Custom data > Orders ({detail})"
                ),
            },
            other => other,
        })?;
        match answer.order_by_identifier {
            Some(node) => Ok(Some(self.with_all_lines(node).await?)),
            None => Ok(None),
        }
    }

    /// Every order that a search and the list of newest orders show to carry exactly this reference, with lines. The
    /// search lags by seconds to minutes: finding nothing is no proof by itself.
    pub async fn search_order(&self, reference: &str) -> Result<Vec<CreatedOrder>, Fault> {
        let variables = OrdersBySourceIdentifierVariables {
            first: SEARCHED,
            query: format!(
                "source_identifier:\"{}\"",
                reference.replace('\\', "\\\\").replace('"', "\\\"")
            ),
            namespace: NAMESPACE.into(),
            key: ORDER_KEY.into(),
        };
        let searched: OrdersBySourceIdentifier = self.endpoint.ask(&variables).await?;
        let variables = RecentOrdersVariables {
            first: RECENT,
            namespace: NAMESPACE.into(),
            key: ORDER_KEY.into(),
        };
        let recent: RecentOrders = self.endpoint.ask(&variables).await?;
        let mut found: Vec<CreatedOrder> = Vec::new();
        for node in searched.orders.nodes.into_iter().chain(recent.orders.nodes) {
            if !node.carries(reference) || found.iter().any(|f| f.id == node.id.inner()) {
                continue;
            }
            let lines = self.lines_of(&node.id, None).await?;
            found.push(CreatedOrder {
                id: node.id.into_inner(),
                name: node.name,
                lines,
            });
        }
        Ok(found)
    }

    /// An order with the lines that its first page left out.
    pub(super) async fn with_all_lines(&self, node: OrderNode) -> Result<CreatedOrder, Fault> {
        let mut lines: Vec<CreatedLine> = node
            .line_items
            .nodes
            .into_iter()
            .map(created_line)
            .collect();
        if let Some(after) = node.line_items.page_info.next("the order's lines")? {
            lines.extend(self.lines_of(&node.id, Some(after)).await?);
        }
        Ok(CreatedOrder {
            id: node.id.into_inner(),
            name: node.name,
            lines,
        })
    }

    /// The lines of an order from a cursor on.
    async fn lines_of(
        &self,
        id: &cynic::Id,
        mut after: Option<String>,
    ) -> Result<Vec<CreatedLine>, Fault> {
        let mut lines = Vec::new();
        loop {
            let variables = OrderLinesVariables {
                id: id.clone(),
                first: LINES_MORE,
                after,
            };
            let answer: OrderLines = self.endpoint.ask(&variables).await?;
            let Some(order) = answer.order else {
                return Err(Fault::Missing {
                    detail: format!("the order {} is gone from the shop", id.inner()),
                });
            };
            lines.extend(order.line_items.nodes.into_iter().map(created_line));
            after = order.line_items.page_info.next("the order's lines")?;
            if after.is_none() {
                return Ok(lines);
            }
        }
    }
}
