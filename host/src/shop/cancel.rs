//! Cancels whole orders and removes units from them.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant as Clock;

use super::Shop;
use super::errors::{self, OrderCancelUserError, Refusal, UserError, refusals};
use super::orders::LineItemId;
use super::types::{Word, schema};
use super::variants::LocationId;
use crate::model::{CancelOrder, Fault, Instant, RemoveUnits, Side};
use crate::trace;

/// How long the job of a cancellation is watched.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pause before the first look at it; it doubles up to the longest.
const FIRST_LOOK: Duration = Duration::from_millis(500);
/// The longest pause.
const LONGEST_LOOK: Duration = Duration::from_secs(5);
/// Longest note, in characters.
const NOTE: usize = 255;
/// Fulfillment orders read to find where units lie.
const FULFILLMENT_ORDERS: i32 = 50;
/// Lines of each.
const FULFILLMENT_ORDER_LINES: i32 = 250;

#[derive(cynic::QueryVariables)]
pub(super) struct OrderCancelVariables {
    order_id: cynic::Id,
    reason: Word<schema::OrderCancelReason>,
    restock: bool,
    staff_note: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "OrderCancelVariables")]
pub(super) struct OrderCancel {
    #[arguments(orderId: $order_id, reason: $reason, restock: $restock, notifyCustomer: false, staffNote: $staff_note)]
    order_cancel: Option<OrderCancelPayload>,
}

#[derive(cynic::QueryFragment)]
struct OrderCancelPayload {
    job: Option<Job>,
    order_cancel_user_errors: Vec<OrderCancelUserError>,
}

#[derive(cynic::QueryFragment)]
struct Job {
    id: cynic::Id,
    done: bool,
}

#[derive(cynic::QueryVariables)]
pub(super) struct CancelPollVariables {
    job: cynic::Id,
    order: cynic::Id,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "QueryRoot", variables = "CancelPollVariables")]
pub(super) struct CancelPoll {
    #[arguments(id: $job)]
    job: Option<Job>,
    #[arguments(id: $order)]
    order: Option<CancelledOrder>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Order")]
struct CancelledOrder {
    cancelled_at: Option<Instant>,
}

#[derive(cynic::QueryVariables)]
pub(super) struct OrderPlacesVariables {
    id: cynic::Id,
    first: i32,
    lines: i32,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "QueryRoot", variables = "OrderPlacesVariables")]
pub(super) struct OrderPlaces {
    #[arguments(id: $id)]
    order: Option<PlacedOrder>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Order", variables = "OrderPlacesVariables")]
struct PlacedOrder {
    #[arguments(first: $first)]
    fulfillment_orders: FulfillmentOrderConnection,
}

#[derive(cynic::QueryFragment)]
#[cynic(variables = "OrderPlacesVariables")]
struct FulfillmentOrderConnection {
    nodes: Vec<FulfillmentOrder>,
}

#[derive(cynic::QueryFragment)]
#[cynic(variables = "OrderPlacesVariables")]
struct FulfillmentOrder {
    status: Word<schema::FulfillmentOrderStatus>,
    assigned_location: FulfillmentOrderAssignedLocation,
    #[arguments(first: $lines)]
    line_items: FulfillmentOrderLineItemConnection,
}

#[derive(cynic::QueryFragment)]
struct FulfillmentOrderAssignedLocation {
    location: Option<LocationId>,
}

#[derive(cynic::QueryFragment)]
struct FulfillmentOrderLineItemConnection {
    nodes: Vec<FulfillmentOrderLineItem>,
}

#[derive(cynic::QueryFragment)]
struct FulfillmentOrderLineItem {
    remaining_quantity: i32,
    line_item: LineItemId,
}

#[derive(cynic::QueryVariables)]
pub(super) struct RefundCreateVariables {
    input: RefundInput,
    key: String,
}

#[derive(cynic::InputObject)]
struct RefundInput {
    order_id: cynic::Id,
    note: String,
    notify: bool,
    refund_line_items: Vec<RefundLineItemInput>,
}

#[derive(Debug, PartialEq, Eq)]
struct Removal {
    line: String,
    quantity: u32,
    /// Where the units go back on the shelf; none: they do not.
    location: Option<String>,
}

#[derive(cynic::InputObject)]
struct RefundLineItemInput {
    line_item_id: cynic::Id,
    quantity: i32,
    restock_type: Word<schema::RefundLineItemRestockType>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    location_id: Option<cynic::Id>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "RefundCreateVariables")]
pub(super) struct RefundCreate {
    #[directives(idempotent(key: $key))]
    #[arguments(input: $input)]
    refund_create: Option<RefundCreatePayload>,
}

#[derive(cynic::QueryFragment)]
struct RefundCreatePayload {
    refund: Option<Refund>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryFragment)]
struct Refund {
    #[allow(dead_code)]
    id: cynic::Id,
}

/// Units of an order's lines that are not shipped yet, by the location they are to be shipped from.
type Shelves = HashMap<String, Vec<(String, u32)>>;

fn shelves(order: PlacedOrder) -> Shelves {
    let mut shelves = Shelves::new();
    for fo in order.fulfillment_orders.nodes {
        if matches!(fo.status.text(), "CLOSED" | "CANCELLED") {
            continue;
        }
        let Some(location) = fo.assigned_location.location else {
            continue;
        };
        for line in fo.line_items.nodes {
            let left = super::types::count(line.remaining_quantity);
            if left > 0 {
                shelves
                    .entry(line.line_item.id.into_inner())
                    .or_default()
                    .push((location.id.inner().to_owned(), left));
            }
        }
    }
    shelves
}

/// Spreads the units to remove over the locations they are assigned to. Units that no location has are put where the
/// line's other units are, or at `fallback`; an error names the line when there is neither.
fn spread(
    lines: &[(String, u32)],
    shelves: &Shelves,
    fallback: Option<&str>,
) -> Result<Vec<Removal>, String> {
    let mut removals = Vec::new();
    for (line, quantity) in lines {
        let mut left = *quantity;
        let places = shelves.get(line).map_or(&[][..], Vec::as_slice);
        let first = removals.len();
        for (location, here) in places {
            let take = left.min(*here);
            if take > 0 {
                removals.push(Removal {
                    line: line.clone(),
                    quantity: take,
                    location: Some(location.clone()),
                });
                left -= take;
            }
        }
        if left == 0 {
            continue;
        }
        if let Some(removal) = removals.get_mut(first) {
            removal.quantity += left;
        } else if let Some(location) = fallback {
            removals.push(Removal {
                line: line.clone(),
                quantity: left,
                location: Some(location.to_owned()),
            });
        } else {
            return Err(line.clone());
        }
    }
    Ok(removals)
}

impl Shop {
    /// Cancels a whole order without moving money or writing to anyone, and waits until Shopify has. An order that is
    /// cancelled already is a success.
    pub async fn cancel_order(&self, cancel: &CancelOrder) -> Result<(), Fault> {
        trace::concluding(Side::Shop, "OrderCancel", self.send_cancellation(cancel)).await
    }

    async fn send_cancellation(&self, cancel: &CancelOrder) -> Result<(), Fault> {
        let note: String = cancel.note.chars().take(NOTE).collect();
        let variables = OrderCancelVariables {
            order_id: cynic::Id::new(&cancel.order),
            reason: Word::new(&cancel.reason),
            restock: cancel.restock,
            staff_note: (!note.is_empty()).then_some(note),
        };
        let answer: OrderCancel = self.endpoint.ask(&variables).await?;
        let Some(payload) = answer.order_cancel else {
            return Err(Fault::UnknownOutcome {
                detail: "OrderCancel: Shopify answers without a payload".into(),
            });
        };
        let refused: Vec<Refusal> = refusals(payload.order_cancel_user_errors);
        if refused.iter().any(already_cancelled) {
            return Ok(());
        }
        if let Some(first) = refused.first() {
            let detail = format!("OrderCancel: {}", first.message);
            return Err(match first.code.as_deref() {
                Some("NOT_FOUND") => Fault::Missing { detail },
                Some("INTERNAL_ERROR") => Fault::UnknownOutcome { detail },
                _ => errors::of_user(&refused, "OrderCancel").unwrap_or(Fault::Other { detail }),
            });
        }
        let Some(job) = payload.job else {
            return Err(Fault::UnknownOutcome {
                detail: "OrderCancel: Shopify gives neither a job nor an error".into(),
            });
        };
        self.watch_cancellation(job.id, &cancel.order).await
    }

    async fn watch_cancellation(&self, job: cynic::Id, order: &str) -> Result<(), Fault> {
        let variables = CancelPollVariables {
            job,
            order: order.into(),
        };
        let started = Clock::now();
        let mut pause = FIRST_LOOK;
        loop {
            let seen = match self.endpoint.ask::<CancelPoll>(&variables).await {
                Ok(answer) => {
                    let cancelled = answer
                        .order
                        .as_ref()
                        .is_some_and(|o| o.cancelled_at.is_some());
                    if cancelled {
                        return Ok(());
                    }
                    // A job that is done, or gone, without its effect has failed.
                    if answer.job.is_none_or(|j| j.done) {
                        return Err(Fault::Rejected {
                            code: None,
                            detail: format!(
                                "OrderCancel: Shopify's job ended, but {order} is not cancelled; cancel it in the admin"
                            ),
                        });
                    }
                    "still running".to_owned()
                }
                Err(fault) => fault.to_string(),
            };
            if started.elapsed() + pause > PATIENCE {
                return Err(Fault::UnknownOutcome {
                    detail: format!(
                        "OrderCancel: not settled within {} s ({seen})",
                        PATIENCE.as_secs()
                    ),
                });
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_LOOK);
        }
    }

    /// Takes units that are not shipped out of an order, without moving money or writing to anyone. The same key within
    /// a day does it once.
    pub async fn remove_units(&self, remove: &RemoveUnits) -> Result<(), Fault> {
        trace::concluding(Side::Shop, "RefundCreate", self.send_removal(remove)).await
    }

    async fn send_removal(&self, remove: &RemoveUnits) -> Result<(), Fault> {
        let removals = if remove.restock {
            self.restocking(remove).await?
        } else {
            let plain = |(line, quantity): &(String, u32)| Removal {
                line: line.clone(),
                quantity: *quantity,
                location: None,
            };
            remove.lines.iter().map(plain).collect()
        };
        let variables = RefundCreateVariables {
            input: RefundInput {
                order_id: cynic::Id::new(&remove.order),
                note: remove.note.clone(),
                notify: false,
                refund_line_items: removals
                    .into_iter()
                    .map(|r| RefundLineItemInput {
                        line_item_id: r.line.into(),
                        quantity: i32::try_from(r.quantity).unwrap_or(i32::MAX),
                        restock_type: Word::new(if r.location.is_some() {
                            "CANCEL"
                        } else {
                            "NO_RESTOCK"
                        }),
                        location_id: r.location.map(Into::into),
                    })
                    .collect(),
            },
            key: remove.key.clone(),
        };
        let answer: RefundCreate = self.endpoint.ask(&variables).await?;
        let Some(payload) = answer.refund_create else {
            return Err(Fault::UnknownOutcome {
                detail: "RefundCreate: Shopify answers without a payload".into(),
            });
        };
        if let Some(fault) = errors::of_user(&refusals(payload.user_errors), "RefundCreate") {
            return Err(fault);
        }
        match payload.refund {
            Some(_) => Ok(()),
            None => Err(Fault::UnknownOutcome {
                detail: "RefundCreate: Shopify gives neither a refund nor an error".into(),
            }),
        }
    }

    /// Where the units go back to. Nothing is written here, so a failure leaves nothing in doubt.
    async fn restocking(&self, remove: &RemoveUnits) -> Result<Vec<Removal>, Fault> {
        let variables = OrderPlacesVariables {
            id: cynic::Id::new(&remove.order),
            first: FULFILLMENT_ORDERS,
            lines: FULFILLMENT_ORDER_LINES,
        };
        let shelves = match self.endpoint.ask::<OrderPlaces>(&variables).await {
            Ok(answer) => match answer.order {
                Some(order) => shelves(order),
                None => {
                    return Err(Fault::Missing {
                        detail: format!("the shop has no order {}", remove.order),
                    });
                }
            },
            // Without the scope for fulfillment orders a shop with one location is still clear.
            Err(Fault::Denied { .. }) => Shelves::new(),
            Err(Fault::Protocol { detail }) => {
                return Err(Fault::Unavailable {
                    retry_after_ms: None,
                    detail,
                });
            }
            Err(fault) => return Err(fault),
        };
        if let Ok(removals) = spread(&remove.lines, &shelves, None) {
            return Ok(removals);
        }
        let active: Vec<String> = self
            .locations()
            .await?
            .into_iter()
            .filter(|l| l.active)
            .map(|l| l.id)
            .collect();
        let only = match active.as_slice() {
            [one] => Some(one.as_str()),
            _ => None,
        };
        spread(&remove.lines, &shelves, only).map_err(|line| Fault::Rejected {
            code: None,
            detail: format!(
                "RefundCreate: no fulfillment order tells at which location the units of {line} lie; take them out of the order in the admin and restock them there"
            ),
        })
    }
}

fn already_cancelled(refusal: &Refusal) -> bool {
    let text = refusal.message.to_ascii_lowercase();
    text.contains("already been canceled") || text.contains("already been cancelled")
}

#[cfg(test)]
mod tests {
    use super::super::types::enum_values;
    use super::*;

    fn shelf() -> Shelves {
        HashMap::from([(
            "L1".to_owned(),
            vec![("A".to_owned(), 2), ("B".to_owned(), 1)],
        )])
    }

    fn removal(line: &str, quantity: u32, location: &str) -> Removal {
        Removal {
            line: line.into(),
            quantity,
            location: Some(location.into()),
        }
    }

    #[test]
    fn units_go_back_where_they_were_assigned() {
        let lines = [("L1".to_owned(), 3)];
        assert_eq!(
            spread(&lines, &shelf(), None).unwrap(),
            [removal("L1", 2, "A"), removal("L1", 1, "B")]
        );
        let lines = [("L1".to_owned(), 1)];
        assert_eq!(
            spread(&lines, &shelf(), None).unwrap(),
            [removal("L1", 1, "A")]
        );
        let lines = [("L1".to_owned(), 5)];
        assert_eq!(
            spread(&lines, &shelf(), None).unwrap(),
            [removal("L1", 4, "A"), removal("L1", 1, "B")]
        );
    }

    #[test]
    fn a_line_without_a_place_needs_the_only_location() {
        let lines = [("L2".to_owned(), 1)];
        assert_eq!(spread(&lines, &shelf(), None).unwrap_err(), "L2");
        assert_eq!(
            spread(&lines, &shelf(), Some("C")).unwrap(),
            [removal("L2", 1, "C")]
        );
    }

    #[test]
    fn a_repeat_of_a_cancellation_is_a_success() {
        let refusal = |message: &str| Refusal {
            code: None,
            field: vec![],
            message: message.into(),
        };
        assert!(already_cancelled(&refusal(
            "Cannot cancel an order that has already been canceled"
        )));
        assert!(!already_cancelled(&refusal(
            "Cannot cancel an order that has outstanding fulfillments"
        )));
    }

    #[test]
    fn restock_types_exist() {
        for value in ["CANCEL", "NO_RESTOCK"] {
            assert!(enum_values("RefundLineItemRestockType").contains(value));
        }
    }
}
