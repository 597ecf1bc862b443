//! Fulfillment orders, fulfillments and tracking.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::engine::{Obj, Out};
use super::mutations::{UserError, payload};
use super::resolve::{Arguments, text};
use super::state::{
    Due, Fulfillment, FulfillmentOrder, FulfillmentOrderLine, State, gid, now, number_of,
};
use super::views::TrackingView;

/// Pieces to ship: fulfillment order, its line, how many.
pub(super) type Pick = (usize, usize, u32);

pub(super) fn create(state: &mut State, arguments: &Arguments) -> Out {
    let input = arguments.get("fulfillment").and_then(Value::as_object);
    let answer = |fulfillment: Out, errors: &[UserError]| {
        payload(
            "FulfillmentCreatePayload",
            vec![("fulfillment", fulfillment)],
            errors,
        )
    };
    let picked = input
        .and_then(|i| i.get("lineItemsByFulfillmentOrder"))
        .and_then(Value::as_array)
        .map_or_else(
            || Err("Line items are missing".to_owned()),
            |l| picks(state, l),
        );
    let (order, picks) = match picked {
        Ok(picked) => picked,
        Err(message) => {
            let field = ["fulfillment", "lineItemsByFulfillmentOrder"];
            return answer(Out::NULL, &[UserError::plain(&field, message)]);
        }
    };
    let tracking = input
        .and_then(|i| i.get("trackingInfo"))
        .and_then(Value::as_object);
    let tracking = tracking.map(tracking_of).unwrap_or_default();
    match state.ship(order, &picks, tracking) {
        Ok(at) => answer(Out::Obj(Obj::Fulfillment(order, at)), &[]),
        Err(message) => answer(Out::NULL, &[UserError::plain(&["fulfillment"], message)]),
    }
}

/// Reads which pieces of which fulfillment orders are meant; they have to be of one order.
fn picks(state: &State, list: &[Value]) -> Result<(u64, Vec<Pick>), String> {
    let mut of = None;
    let mut picks = Vec::new();
    for entry in list {
        let given = entry
            .get("fulfillmentOrderId")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let (order, at) = number_of(given, "FulfillmentOrder")
            .and_then(|n| state.parts.get(&n))
            .copied()
            .ok_or_else(|| format!("Fulfillment order {given} does not exist."))?;
        if of.is_some_and(|o| o != order) {
            return Err("All fulfillment orders must belong to the same order.".to_owned());
        }
        of = Some(order);
        let f = &state.orders[&order].fulfillment_orders[at];
        match entry
            .get("fulfillmentOrderLineItems")
            .and_then(Value::as_array)
        {
            None => picks.extend(
                (0..f.lines.len())
                    .filter(|i| f.lines[*i].remaining > 0)
                    .map(|i| (at, i, f.lines[i].remaining)),
            ),
            Some(lines) => {
                for line in lines {
                    let id = line.get("id").and_then(Value::as_str).unwrap_or_default();
                    let number = number_of(id, "FulfillmentOrderLineItem");
                    let i = f
                        .lines
                        .iter()
                        .position(|l| Some(l.id) == number)
                        .ok_or_else(|| {
                            format!("Fulfillment order line item {id} does not exist.")
                        })?;
                    let quantity = line.get("quantity").and_then(Value::as_u64).unwrap_or(0);
                    let quantity = u32::try_from(quantity).unwrap_or(u32::MAX);
                    picks.push((at, i, quantity));
                }
            }
        }
    }
    let of = of.ok_or_else(|| "Line items are missing".to_owned())?;
    Ok((of, picks))
}

fn tracking_of(input: &Map<String, Value>) -> Vec<TrackingView> {
    let one = |name: &str| input.get(name).and_then(Value::as_str).map(str::to_owned);
    let many = |name: &str| -> Vec<String> {
        let list = super::order_fields::strings(input.get(name));
        if list.is_empty() {
            one(name.trim_end_matches('s')).into_iter().collect()
        } else {
            list
        }
    };
    let (numbers, urls) = (many("numbers"), many("urls"));
    let company = one("company");
    let parcels = numbers
        .len()
        .max(urls.len())
        .max(usize::from(company.is_some()));
    (0..parcels)
        .map(|i| TrackingView {
            company: company.clone(),
            number: numbers.get(i).cloned(),
            url: urls.get(i).cloned(),
        })
        .collect()
}

pub(super) fn cancel(state: &mut State, arguments: &Arguments) -> Out {
    let given = text(arguments, "id").unwrap_or_default();
    let answer = |fulfillment: Out, errors: &[UserError]| {
        payload(
            "FulfillmentCancelPayload",
            vec![("fulfillment", fulfillment)],
            errors,
        )
    };
    let found = number_of(given, "Fulfillment").and_then(|n| state.parts.get(&n).copied());
    let Some((order, at)) = found else {
        return answer(
            Out::NULL,
            &[UserError::plain(&["id"], "Fulfillment not found.")],
        );
    };
    match state.cancel_fulfillment(order, at) {
        Ok(()) => answer(Out::Obj(Obj::Fulfillment(order, at)), &[]),
        Err(message) => answer(Out::NULL, &[UserError::plain(&["id"], message)]),
    }
}

pub(super) fn tracking(state: &mut State, arguments: &Arguments) -> Out {
    let given = text(arguments, "fulfillmentId").unwrap_or_default();
    let answer = |fulfillment: Out, errors: &[UserError]| {
        payload(
            "FulfillmentTrackingInfoUpdatePayload",
            vec![("fulfillment", fulfillment)],
            errors,
        )
    };
    let found = number_of(given, "Fulfillment").and_then(|n| state.parts.get(&n).copied());
    let Some((order, at)) = found else {
        return answer(
            Out::NULL,
            &[UserError::plain(
                &["fulfillmentId"],
                "Fulfillment not found.",
            )],
        );
    };
    let input = arguments
        .get("trackingInfoInput")
        .and_then(Value::as_object);
    state.set_tracking(order, at, input.map(tracking_of).unwrap_or_default());
    answer(Out::Obj(Obj::Fulfillment(order, at)), &[])
}

impl State {
    /// Order routing: one fulfillment order for each location that has claimed stock of the order.
    pub(super) fn route(&mut self, id: u64) {
        let main = self.main_location();
        let Some(order) = self.orders.get(&id) else {
            return;
        };
        if !order.fulfillment_orders.is_empty() || order.cancelled_at.is_some() {
            return;
        }
        let mut by_location: BTreeMap<u64, Vec<(usize, u32)>> = BTreeMap::new();
        for (i, line) in order.lines.iter().enumerate() {
            if let Some(location) = line.claimed.or(main)
                && line.requires_shipping
                && line.current > 0
            {
                by_location
                    .entry(location)
                    .or_default()
                    .push((i, line.current));
            }
        }
        for (location, lines) in by_location {
            let lines = lines
                .into_iter()
                .map(|(line, total)| FulfillmentOrderLine {
                    id: self.id(),
                    line,
                    total,
                    remaining: total,
                })
                .collect();
            let made = FulfillmentOrder {
                id: self.id(),
                location,
                lines,
                cancelled: false,
                hold: None,
                updated_at: now(),
            };
            let number = made.id;
            if let Some(order) = self.orders.get_mut(&id) {
                self.parts
                    .insert(number, (id, order.fulfillment_orders.len()));
                order.fulfillment_orders.push(made);
            }
            self.announce_routing(number);
        }
        let lag = self.config.switches.index_lag_ms;
        self.later(lag, Due::IndexOrder(id));
    }

    /// Ships pieces of an order as one parcel; the stock leaves. Answers the fulfillment's place in the order.
    pub(super) fn ship(
        &mut self,
        id: u64,
        picks: &[Pick],
        tracking: Vec<TrackingView>,
    ) -> Result<usize, String> {
        let order = self.orders.get(&id).ok_or("Order does not exist.")?;
        if order.cancelled_at.is_some() {
            return Err("A cancelled order cannot be fulfilled.".to_owned());
        }
        let location = picks
            .first()
            .map(|(at, ..)| order.fulfillment_orders[*at].location)
            .ok_or("There is nothing to fulfill.")?;
        let mut wanted: BTreeMap<(usize, usize), u32> = BTreeMap::new();
        for (at, i, quantity) in picks {
            let f = &order.fulfillment_orders[*at];
            if !matches!(f.status(), "OPEN" | "IN_PROGRESS") {
                let id = gid("FulfillmentOrder", f.id);
                return Err(format!(
                    "Fulfillment order {id} has an unfulfillable status= {}.",
                    f.status().to_lowercase()
                ));
            }
            if f.location != location {
                return Err("All fulfillment orders must have the same location.".to_owned());
            }
            let sum = wanted.entry((*at, *i)).or_default();
            *sum = sum.saturating_add(*quantity);
            if *quantity == 0 || *sum > f.lines[*i].remaining {
                return Err("Invalid fulfillment order line item quantity requested.".to_owned());
            }
        }
        let fulfillment = Fulfillment {
            id: self.id(),
            number: order_fulfillments(self, id) + 1,
            cancelled: false,
            created_at: now(),
            updated_at: now(),
            location,
            tracking,
            lines: Vec::new(),
            of: Vec::new(),
        };
        let number = fulfillment.id;
        let ids: Vec<u64> = wanted.iter().map(|_| self.id()).collect();
        let Some(order) = self.orders.get_mut(&id) else {
            return Err("Order does not exist.".to_owned());
        };
        let mut fulfillment = fulfillment;
        let mut leaving = Vec::new();
        for (((at, i), quantity), line_id) in wanted.into_iter().zip(ids) {
            let f = &mut order.fulfillment_orders[at];
            f.updated_at = now();
            f.lines[i].remaining -= quantity;
            let line = f.lines[i].line;
            fulfillment.lines.push((line_id, line, quantity));
            fulfillment.of.push(at);
            leaving.push((line, quantity));
        }
        let at = order.fulfillments.len();
        order.fulfillments.push(fulfillment);
        let done = order.fulfillment_status() == "FULFILLED";
        self.parts.insert(number, (id, at));
        for (line, quantity) in leaving {
            self.release_line(id, line, quantity, None);
        }
        self.touch_order(id);
        self.announce_fulfillment(id, at, "FULFILLMENTS_CREATE");
        self.announce_order(
            id,
            if done {
                "ORDERS_FULFILLED"
            } else {
                "ORDERS_PARTIALLY_FULFILLED"
            },
        );
        self.announce_order(id, "ORDERS_UPDATED");
        Ok(at)
    }

    /// Ends the claim of some pieces of a line. `restock` names where they go back on the shelf.
    pub(super) fn release_line(
        &mut self,
        order: u64,
        line: usize,
        quantity: u32,
        restock: Option<u64>,
    ) {
        let Some(l) = self.orders.get(&order).and_then(|o| o.lines.get(line)) else {
            return;
        };
        let (variant, claimed) = (l.variant, l.claimed);
        let Some(variant) = variant.filter(|v| self.variants.get(v).is_some_and(|v| v.tracked))
        else {
            return;
        };
        let quantity = i64::from(quantity);
        match (claimed, restock) {
            (Some(at), Some(to)) if at == to => self.release(variant, at, quantity, true),
            (claimed, restock) => {
                if let Some(at) = claimed {
                    self.release(variant, at, quantity, false);
                }
                if let Some(to) = restock {
                    self.adjust(variant, to, "available", quantity);
                }
            }
        }
    }

    /// Cancels a fulfillment: its pieces wait again.
    pub(super) fn cancel_fulfillment(&mut self, id: u64, at: usize) -> Result<(), String> {
        let order = self.orders.get_mut(&id).ok_or("Fulfillment not found.")?;
        let f = order
            .fulfillments
            .get_mut(at)
            .ok_or("Fulfillment not found.")?;
        if f.cancelled {
            return Err("Fulfillment is already cancelled.".to_owned());
        }
        f.cancelled = true;
        f.updated_at = now();
        let mut back = Vec::new();
        for ((_, line, quantity), of) in f.lines.iter().zip(&f.of) {
            back.push((*line, *quantity));
            let of = &mut order.fulfillment_orders[*of];
            of.updated_at = now();
            if let Some(l) = of.lines.iter_mut().find(|l| l.line == *line) {
                l.remaining += quantity;
            }
        }
        for (line, quantity) in back {
            let line = &self.orders[&id].lines[line];
            if let (Some(variant), Some(location)) = (line.variant, line.claimed) {
                self.change_level(variant, location, |l| l.committed += i64::from(quantity));
            }
        }
        self.touch_order(id);
        self.announce_fulfillment(id, at, "FULFILLMENTS_UPDATE");
        self.announce_order(id, "ORDERS_UPDATED");
        Ok(())
    }

    pub(super) fn set_tracking(&mut self, id: u64, at: usize, tracking: Vec<TrackingView>) {
        let Some(f) = self
            .orders
            .get_mut(&id)
            .and_then(|o| o.fulfillments.get_mut(at))
        else {
            return;
        };
        f.tracking = tracking;
        f.updated_at = now();
        if self.config.switches.tracking_moves_order {
            self.touch_order(id);
        }
        self.announce_fulfillment(id, at, "FULFILLMENTS_UPDATE");
    }
}

fn order_fulfillments(state: &State, id: u64) -> usize {
    state.orders.get(&id).map_or(0, |o| o.fulfillments.len())
}
