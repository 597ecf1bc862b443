//! Cancellations and refunds.

use rust_decimal::Decimal;
use serde_json::Value;

use super::engine::{Obj, Out};
use super::mutations::{UserError, job_id, payload};
use super::resolve::{Arguments, job, text};
use super::state::{Due, Refund, RefundLine, State, Transaction, decimal, now, number_of};

/// `orderCancel`: checks, and leaves the rest to a job.
pub(super) fn order(state: &mut State, arguments: &Arguments) -> Out {
    let answer =
        |job: Out, errors: &[UserError]| payload("OrderCancelPayload", vec![("job", job)], errors);
    let flag = |name: &str| {
        arguments
            .get(name)
            .and_then(Value::as_bool)
            .unwrap_or(false)
    };
    let id = text(arguments, "orderId").and_then(|t| number_of(t, "Order"));
    let note = text(arguments, "staffNote").map(str::to_owned);
    if note.as_ref().is_some_and(|n| n.chars().count() > 255) {
        state.mistake(
            "orderCancel",
            "the staff note is longer than 255 characters",
        );
        let error = UserError::new(
            "INVALID",
            &["staffNote"],
            "Staff note is too long (maximum is 255 characters)",
        );
        return answer(Out::NULL, &[error]);
    }
    let Some(id) = id.filter(|n| state.orders.contains_key(n)) else {
        return answer(
            Out::NULL,
            &[UserError::new(
                "NOT_FOUND",
                &["orderId"],
                "Order does not exist",
            )],
        );
    };
    if let Err(message) = state.may_cancel(id) {
        return answer(
            Out::NULL,
            &[UserError::new("INVALID", &["orderId"], message)],
        );
    }
    let name = job_id();
    state.jobs.insert(name.clone(), false);
    let due = Due::Cancel {
        job: name.clone(),
        order: id,
        reason: text(arguments, "reason").unwrap_or("OTHER").to_owned(),
        restock: flag("restock"),
        note,
    };
    let delay = state.config.switches.cancel_ms;
    state.later(delay, due);
    // The answer was decided before the job had a chance to run.
    answer(Out::Obj(job(&name, false)), &[])
}

/// `refundCreate`.
pub(super) fn refund(state: &mut State, arguments: &Arguments) -> Out {
    let empty = serde_json::Map::new();
    let input = arguments
        .get("input")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let answer = |refund: Out, order: Out, errors: &[UserError]| {
        payload(
            "RefundCreatePayload",
            vec![("refund", refund), ("order", order)],
            errors,
        )
    };
    let id = input
        .get("orderId")
        .and_then(Value::as_str)
        .and_then(|t| number_of(t, "Order"));
    let Some(id) = id.filter(|n| state.orders.contains_key(n)) else {
        return answer(
            Out::NULL,
            Out::NULL,
            &[UserError::plain(&["orderId"], "Order does not exist")],
        );
    };
    let objects = |name: &str| {
        input
            .get(name)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let mut lines = Vec::new();
    let mut errors = Vec::new();
    for (i, entry) in objects("refundLineItems").iter().enumerate() {
        let at = i.to_string();
        let path = |member: &str| ["refundLineItems".to_owned(), at.clone(), member.to_owned()];
        let mut error = |member: &str, message: &str| {
            errors.push(UserError {
                field: path(member).to_vec(),
                ..UserError::plain(&[], message)
            });
        };
        let line = entry
            .get("lineItemId")
            .and_then(Value::as_str)
            .and_then(|t| number_of(t, "LineItem"))
            .and_then(|n| state.parts.get(&n))
            .filter(|(order, _)| *order == id)
            .map(|(_, line)| *line);
        let Some(line) = line else {
            error("lineItemId", "Line item does not exist");
            continue;
        };
        let restock = entry
            .get("restockType")
            .and_then(Value::as_str)
            .unwrap_or("NO_RESTOCK")
            .to_owned();
        let given = entry.get("locationId").and_then(Value::as_str);
        let location = given
            .and_then(|t| number_of(t, "Location"))
            .filter(|l| state.locations.contains_key(l));
        if given.is_some() && location.is_none() {
            error("locationId", "Location does not exist");
        }
        if matches!(restock.as_str(), "CANCEL" | "RETURN") && location.is_none() {
            error("locationId", "Location must be given to restock items");
        }
        if restock == "LEGACY_RESTOCK" {
            error("restockType", "Restock type is not accepted");
        }
        let quantity = entry.get("quantity").and_then(Value::as_u64).unwrap_or(0);
        let quantity = u32::try_from(quantity).unwrap_or(u32::MAX);
        let order = &state.orders[&id];
        let so_far: u32 = lines
            .iter()
            .filter(|l: &&RefundLine| l.line == line)
            .map(|l| l.quantity)
            .sum();
        if quantity == 0 {
            error("quantity", "Quantity must be greater than 0");
        } else if quantity.saturating_add(so_far) > order.lines[line].current {
            error(
                "quantity",
                "Quantity cannot refund more items than were purchased",
            );
        } else if restock == "CANCEL"
            && quantity + so_far > order.lines[line].current - order.fulfilled(line)
        {
            error(
                "quantity",
                "Quantity cannot cancel items that have been fulfilled",
            );
        }
        lines.push(RefundLine {
            id: 0,
            line,
            quantity,
            restock,
            location,
        });
    }
    let moved: Vec<Transaction> = objects("transactions")
        .iter()
        .map(|t| {
            let text = |name: &str| t.get(name).and_then(Value::as_str).map(str::to_owned);
            Transaction {
                id: 0,
                kind: text("kind").unwrap_or_default(),
                status: "SUCCESS".to_owned(),
                gateway: text("gateway"),
                amount: t.get("amount").and_then(decimal).unwrap_or_default(),
            }
        })
        .collect();
    let amount: Decimal = moved.iter().map(|t| t.amount).sum();
    let order = &state.orders[&id];
    let net = order.paid() - order.refunded();
    if amount > net {
        errors.push(UserError::plain(
            &["transactions"],
            format!("Refund amount ${amount} is greater than net payment received ${net}"),
        ));
    }
    if lines.is_empty() && moved.is_empty() {
        errors.push(UserError::plain(
            &[],
            "Refund must have line items or transactions",
        ));
    }
    if !errors.is_empty() {
        return answer(Out::NULL, Out::NULL, &errors);
    }
    let note = input.get("note").and_then(Value::as_str).map(str::to_owned);
    let at = state.give_back(id, lines, moved, note);
    answer(Out::Obj(Obj::Refund(id, at)), Out::Obj(Obj::Order(id)), &[])
}

impl State {
    /// Whether an order can be cancelled, else why not.
    pub(super) fn may_cancel(&self, id: u64) -> Result<(), String> {
        let order = self.orders.get(&id).ok_or("Order does not exist")?;
        if order.cancelled_at.is_some() {
            return Err("Cannot cancel an order that has already been canceled".to_owned());
        }
        if order.fulfillments.iter().any(|f| !f.cancelled) {
            return Err("Cannot cancel an order that has outstanding fulfillments".to_owned());
        }
        Ok(())
    }

    pub(super) fn delete_order(&mut self, id: u64) -> Result<(), String> {
        let order = self.orders.get(&id).ok_or("Order does not exist")?;
        if order.cancelled_at.is_none() {
            return Err("Only a cancelled order can be deleted".to_owned());
        }
        if let Some(ids) = self.orders_by_name.get_mut(&order.name) {
            ids.retain(|other| *other != id);
        }
        self.orders.remove(&id);
        self.orders_by_updated.retain(|(_, other)| *other != id);
        self.parts.retain(|_, (other, _)| *other != id);
        self.custom_ids.retain(|(owner, ..), ids| {
            if *owner == "ORDER" {
                ids.retain(|other| *other != id);
            }
            !ids.is_empty()
        });
        Ok(())
    }

    /// Cancels an order, unless something came in between.
    pub(super) fn finish_cancel(
        &mut self,
        id: u64,
        reason: &str,
        restock: bool,
        note: Option<String>,
    ) {
        if self.may_cancel(id).is_err() {
            return;
        }
        let Some(order) = self.orders.get(&id) else {
            return;
        };
        let open: Vec<(usize, u32, Option<u64>)> = order
            .lines
            .iter()
            .enumerate()
            .filter(|(_, l)| l.current > 0)
            .map(|(i, l)| (i, l.current, l.claimed))
            .collect();
        if restock {
            let main = self.main_location();
            let lines = open
                .iter()
                .map(|(line, quantity, claimed)| RefundLine {
                    id: 0,
                    line: *line,
                    quantity: *quantity,
                    restock: if claimed.is_some() {
                        "CANCEL"
                    } else {
                        "NO_RESTOCK"
                    }
                    .to_owned(),
                    location: claimed.or(main),
                })
                .collect();
            self.give_back(id, lines, Vec::new(), None);
        } else {
            for (line, quantity, _) in open {
                self.release_line(id, line, quantity, None);
            }
        }
        if let Some(order) = self.orders.get_mut(&id) {
            order.cancelled_at = Some(now());
            order.closed_at = order.cancelled_at;
            order.cancel_reason = Some(reason.to_owned());
            order.staff_note = note;
            for f in &mut order.fulfillment_orders {
                f.cancelled = true;
                f.updated_at = now();
                for line in &mut f.lines {
                    line.remaining = 0;
                }
            }
        }
        self.touch_order(id);
        self.announce_order(id, "ORDERS_CANCELLED");
        self.announce_order(id, "ORDERS_UPDATED");
    }

    /// Records a refund and moves its stock. Answers its place in the order.
    pub(super) fn give_back(
        &mut self,
        id: u64,
        mut lines: Vec<RefundLine>,
        moved: Vec<Transaction>,
        note: Option<String>,
    ) -> usize {
        let amount = moved.iter().map(|t| t.amount).sum();
        for line in &mut lines {
            line.id = self.id();
            self.remove_pieces(id, line);
        }
        let refund = Refund {
            id: self.id(),
            note,
            created_at: now(),
            lines,
            amount,
        };
        let moved: Vec<Transaction> = moved
            .into_iter()
            .map(|t| Transaction { id: self.id(), ..t })
            .collect();
        let number = refund.id;
        let Some(order) = self.orders.get_mut(&id) else {
            return 0;
        };
        let at = order.refunds.len();
        order.refunds.push(refund);
        order.transactions.extend(moved);
        if amount > Decimal::ZERO {
            let status = if order.refunded() >= order.paid() {
                "REFUNDED"
            } else {
                "PARTIALLY_REFUNDED"
            };
            order.financial = Some(status.to_owned());
        }
        self.parts.insert(number, (id, at));
        self.touch_order(id);
        self.announce_refund(id, at);
        self.announce_order(id, "ORDERS_UPDATED");
        at
    }

    /// Takes pieces off a line; those that wait to be shipped leave their fulfillment orders first.
    fn remove_pieces(&mut self, id: u64, refund: &RefundLine) {
        let Some(order) = self.orders.get_mut(&id) else {
            return;
        };
        let fulfilled = order.fulfilled(refund.line);
        let line = &mut order.lines[refund.line];
        let waiting = line.current.saturating_sub(fulfilled);
        line.current -= refund.quantity.min(line.current);
        // What has come back is what was sent; everything else was still here.
        let unshipped = match refund.restock.as_str() {
            "RETURN" if fulfilled >= refund.quantity => 0,
            _ => refund.quantity.min(waiting),
        };
        let mut left = unshipped;
        for f in order.fulfillment_orders.iter_mut().filter(|f| !f.cancelled) {
            for l in f.lines.iter_mut().filter(|l| l.line == refund.line) {
                let take = left.min(l.remaining);
                l.remaining -= take;
                l.total -= take;
                left -= take;
                f.updated_at = now();
            }
            f.cancelled = f.total() == 0;
        }
        let shelf = refund
            .location
            .filter(|_| matches!(refund.restock.as_str(), "CANCEL" | "RETURN"));
        if unshipped > 0 {
            self.release_line(id, refund.line, unshipped, shelf);
        }
        let returned = refund.quantity - unshipped;
        if let Some(to) = shelf.filter(|_| returned > 0)
            && let Some(variant) = self.orders[&id].lines[refund.line].variant
        {
            self.adjust(variant, to, "available", i64::from(returned));
        }
    }
}
