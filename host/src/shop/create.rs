//! Creates orders.

use super::Shop;
use super::errors::{self, OrderCreateUserError, Refusal, refusals};
use super::find::{LinesVariablesFields, OrderNode};
use super::order_input::{OrderCreateVariablesFields, order_input};
use super::types::schema;
use crate::model::{CreatedOrder, Fault, NewOrder, Side};
use crate::trace;

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "OrderCreateVariables")]
pub(super) struct OrderCreate {
    #[arguments(order: $order, options: $options)]
    order_create: Option<OrderCreatePayload>,
}

#[derive(cynic::QueryFragment)]
#[cynic(variables = "LinesVariables")]
struct OrderCreatePayload {
    order: Option<OrderNode>,
    user_errors: Vec<OrderCreateUserError>,
}

impl Shop {
    /// Creates an order. It is not repeated here after a lost answer: `UnknownOutcome` must be looked up first.
    /// An order that Shopify refuses (`Rejected`) does not exist.
    pub async fn create_order(&self, order: &NewOrder) -> Result<CreatedOrder, Fault> {
        trace::concluding(Side::Shop, "OrderCreate", self.send_order(order)).await
    }

    async fn send_order(&self, order: &NewOrder) -> Result<CreatedOrder, Fault> {
        let mut with_phone = true;
        loop {
            let mark = trace::mark();
            let answer: OrderCreate = self.endpoint.ask(&order_input(order, with_phone)?).await?;
            let Some(payload) = answer.order_create else {
                return Err(Fault::UnknownOutcome {
                    detail: "OrderCreate: Shopify answers without a payload".into(),
                });
            };
            let refused: Vec<Refusal> = refusals(payload.user_errors);
            if let Some(node) = payload.order {
                for refusal in &refused {
                    tracing::warn!(
                        order = order.name,
                        "created, but Shopify says: {}",
                        refusal.message
                    );
                }
                // The order is there; if its further lines cannot be read, the look-up finds it.
                return self
                    .with_all_lines(node)
                    .await
                    .map_err(|fault| Fault::UnknownOutcome {
                        detail: format!(
                            "the order was created, but its lines could not be read: {fault}"
                        ),
                    });
            }
            // Marketplaces hand out phone numbers that Shopify does not take. Nothing was created: once more without.
            if with_phone && !refused.is_empty() && refused.iter().all(|r| r.concerns("phone")) {
                let why = "the phone number was refused: sent again without it";
                mark.failed(Side::Shop, "OrderCreate", why);
                with_phone = false;
                continue;
            }
            return Err(errors::of_user(&refused, "OrderCreate").unwrap_or_else(|| {
                Fault::UnknownOutcome {
                    detail: "OrderCreate: Shopify gives neither an order nor an error".into(),
                }
            }));
        }
    }
}
