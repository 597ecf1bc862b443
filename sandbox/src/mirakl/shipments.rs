//! Shipping parcel by parcel.

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::call::{Call, elements, expect_members, required, text};
use super::order_json::address;
use super::orders::{Order, Stage};
use super::reply::{Answer, Refusal, Reply};
use super::shipping::{in_shipping, members, needs_tracking, read};
use super::state::{State, stamp};
use super::views::{ShipmentView, TrackingView};

/// Most shipments of one call.
const MOST: usize = 1000;

/// What a call tells of a new parcel.
const SHIPMENT: [&str; 7] = [
    "order_id",
    "shipped",
    "invoice_reference",
    "shipment_lines",
    "tracking",
    "shipping_from",
    "shipment_additional_information",
];

/// One parcel.
pub(super) struct Shipment {
    pub(super) id: String,
    pub(super) order: String,
    /// Units by line.
    lines: Vec<(String, u32)>,
    stage: Stage,
    tracking: TrackingView,
    invoice: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
    shipped_at: Option<Timestamp>,
}

impl Shipment {
    pub(super) fn view(&self) -> ShipmentView {
        ShipmentView {
            id: self.id.clone(),
            state: self.stage.as_str().to_owned(),
            lines: self.lines.clone(),
            tracking: self.tracking.clone(),
        }
    }

    fn json(&self) -> Value {
        let lines: Vec<Value> = self
            .lines
            .iter()
            .map(|(id, n)| json!({"order_line_id": id, "quantity": n, "package_reference": null}))
            .collect();
        let validity = match self.tracking.number {
            Some(_) => "UNVERIFIED",
            None => "MISSING_TRACKING",
        };
        json!({
            "id": self.id, "order_id": self.order, "status": self.stage.as_str(),
            "status_customer_debit": "NO_DEBIT", "created_date": stamp(self.created_at),
            "last_updated_date": stamp(self.updated_at),
            "shipped_date": self.shipped_at.map(stamp), "invoice_reference": self.invoice,
            "shipment_lines": lines,
            "tracking": {
                "carrier_code": self.tracking.carrier_code,
                "carrier_name": self.tracking.carrier_name,
                "tracking_number": self.tracking.number, "tracking_url": self.tracking.url,
                "validity_status": validity,
            },
        })
    }
}

impl State {
    /// Units of a line in parcels: in all of them, or in shipped ones.
    pub(super) fn in_shipments(&self, line: &str, shipped: bool) -> u32 {
        self.shipments
            .iter()
            .filter(|s| !shipped || s.stage == Stage::Shipped)
            .flat_map(|s| &s.lines)
            .filter(|(id, _)| id == line)
            .map(|(_, n)| n)
            .sum()
    }

    /// Marks the lines of an order shipped of which nothing remains.
    pub(super) fn settle_lines(&mut self, order: &str) {
        let done: Vec<String> = self
            .orders
            .get(order)
            .map_or(&[][..], |o| &o.lines)
            .iter()
            .filter(|l| l.stage == Stage::Shipping)
            .filter(|l| {
                let shipped = self.in_shipments(&l.id, true);
                shipped > 0 && shipped + l.gone() >= l.quantity
            })
            .map(|l| l.id.clone())
            .collect();
        if !done.is_empty() {
            self.ship_lines(order, |l| done.contains(&l.id));
        }
        self.touch(order);
    }

    /// Takes a line out of the parcels that have not left.
    pub(super) fn unpack(&mut self, line: &str) {
        let open = |s: &&mut Shipment| s.stage == Stage::Shipping;
        for shipment in self.shipments.iter_mut().filter(open) {
            let packed = shipment.lines.len();
            shipment.lines.retain(|(id, _)| id != line);
            if packed > 0 && shipment.lines.is_empty() {
                shipment.stage = Stage::Canceled;
            }
        }
    }

    fn available(&self) -> Result<(), Refusal> {
        match self.switches.multi_shipment {
            true => Ok(()),
            false => Err(Refusal::missing("The call")),
        }
    }

    /// Makes one parcel.
    fn make_shipment(&mut self, given: &Value) -> Result<String, Refusal> {
        let id = required(given, "order_id")?;
        let order = self.orders.get(id);
        let order = order.ok_or_else(|| Refusal::missing(format!("Order {id}")))?;
        if order.stage() != Stage::Shipping {
            return Err(in_shipping(order.stage()));
        }
        let mut lines: Vec<(String, u32)> = Vec::new();
        for line in elements(given, "shipment_lines", MOST)? {
            let (id, units) = (required(line, "order_line_id")?, &line["quantity"]);
            let units = units.as_u64().and_then(|n| u32::try_from(n).ok());
            let units = units
                .filter(|n| *n >= 1)
                .ok_or_else(|| Refusal::invalid(format!("The quantity of line {id} is invalid")))?;
            let known = order.line(id);
            let known = known.ok_or_else(|| Refusal::invalid(format!("Line {id} not found")))?;
            if known.stage != Stage::Shipping {
                return Err(Refusal::state(format!("Line {id} is {}", known.state())));
            }
            let listed: u32 = lines.iter().filter(|(l, _)| l == id).map(|(_, n)| n).sum();
            let taken = self.in_shipments(id, false) + known.gone() + listed;
            if taken + units > known.quantity {
                let left = known.quantity.saturating_sub(taken);
                return Err(Refusal::state(format!(
                    "The quantity of line {id} is invalid: {units} given, {left} left"
                )));
            }
            lines.push((id.to_owned(), units));
        }
        let tracking = match &given["tracking"] {
            Value::Null => TrackingView::default(),
            tracking => read(self, tracking, "tracking_url")?,
        };
        let invoice = text(given, "invoice_reference")?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if invoice.is_some_and(|i| i.len() > 255 || !i.chars().all(plain)) {
            return Err(Refusal::invalid("invoice_reference is not well-formed"));
        }
        let shipped = match &given["shipped"] {
            Value::Null => false,
            Value::Bool(shipped) => *shipped,
            _ => return Err(Refusal::invalid("shipped must be a boolean")),
        };
        if shipped {
            needs_tracking(self, &order.shipping_type, tracking.number.as_deref())?;
        }
        let (order, invoice) = (order.id.clone(), invoice.map(str::to_owned));
        let now = self.now();
        let id = Uuid::new_v4().to_string();
        self.shipments.push(Shipment {
            id: id.clone(),
            order: order.clone(),
            lines,
            stage: match shipped {
                true => Stage::Shipped,
                false => Stage::Shipping,
            },
            tracking,
            invoice,
            created_at: now,
            updated_at: now,
            shipped_at: shipped.then_some(now),
        });
        self.settle_lines(&order);
        Ok(id)
    }

    /// The parcel with an id that still waits to be shipped.
    fn open_shipment(&mut self, id: &str) -> Result<&mut Shipment, Refusal> {
        let found = self.shipments.iter_mut().find(|s| s.id == id);
        let found = found.ok_or_else(|| Refusal::missing(format!("Shipment {id}")))?;
        match found.stage {
            Stage::Shipping => Ok(found),
            other => Err(Refusal::state(format!(
                "Shipment must be in state SHIPPING, it is {}",
                other.as_str()
            ))),
        }
    }

    fn shipment_json(&self, id: &str) -> Value {
        let found = self.shipments.iter().find(|s| s.id == id);
        found.map_or(Value::Null, |s| self.spice(s.json()))
    }
}

/// Does something for each of a list of shipments; what fails is told beside what succeeds.
fn each(
    state: &mut State,
    call: &Call,
    key: &str,
    act: impl Fn(&mut State, &Value) -> Result<String, Refusal>,
) -> Result<Value, Refusal> {
    state.available()?;
    call.expect(state, &[]);
    let body = call.json()?;
    let given = elements(&body, "shipments", MOST)?;
    let (mut success, mut errors) = (Vec::new(), Vec::new());
    let known: &[&str] = match key {
        "order_id" => &SHIPMENT,
        _ => &["id", "tracking"],
    };
    for one in given {
        expect_members(state, call, one, known);
        expect_members(state, call, &one["tracking"], &members("tracking_url"));
        match act(state, one) {
            Ok(id) => success.push(state.shipment_json(&id)),
            Err(refusal) => {
                let text = format!("{} {}: {}", call.method, call.path, refusal.reason());
                match refusal.of_state {
                    true => state.conflict(text),
                    false => state.mistake(text),
                }
                errors.push(json!({key: one[key], "message": refusal.message}));
            }
        }
    }
    Ok(json!({"shipment_success": success, "shipment_errors": errors}))
}

/// `POST /api/shipments`.
pub(super) fn create(state: &mut State, call: &Call) -> Answer {
    Reply::created(each(state, call, "order_id", State::make_shipment)?)
}

/// `POST /api/shipments/tracking`.
pub(super) fn tracking(state: &mut State, call: &Call) -> Answer {
    Reply::ok(each(state, call, "id", |state, given| {
        let id = required(given, "id")?;
        let tracking = read(state, &given["tracking"], "tracking_url")?;
        let now = state.now();
        let shipment = state.open_shipment(id)?;
        shipment.tracking = tracking;
        shipment.updated_at = now;
        let order = shipment.order.clone();
        state.touch(&order);
        Ok(id.to_owned())
    })?)
}

/// `PUT /api/shipments/ship`.
pub(super) fn ship(state: &mut State, call: &Call) -> Answer {
    Reply::ok(each(state, call, "id", |state, given| {
        let id = required(given, "id")?;
        let now = state.now();
        let shipment = state.open_shipment(id)?;
        let (order, number) = (shipment.order.clone(), shipment.tracking.number.clone());
        let method = state.orders.get(&order).map(|o| o.shipping_type.clone());
        needs_tracking(state, &method.unwrap_or_default(), number.as_deref())?;
        let shipment = state.open_shipment(id)?;
        shipment.stage = Stage::Shipped;
        shipment.shipped_at = Some(now);
        shipment.updated_at = now;
        state.settle_lines(&order);
        Ok(id.to_owned())
    })?)
}

/// `GET /api/shipments`.
pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    state.available()?;
    call.expect(
        state,
        &[
            "order_id",
            "shipment_state_code",
            "shipment_customer_debit_state_code",
            "last_updated_from",
            "last_updated_to",
            "limit",
            "sort",
            "page_token",
        ],
    );
    call.sought(state, |state, call| {
        let orders = call.many("order_id");
        let states = call.many("shipment_state_code");
        let (from, to) = (
            call.time("last_updated_from")?,
            call.time("last_updated_to")?,
        );
        let backwards = sorted(call, "dateCreated")?;
        let mut rows: Vec<Value> = state
            .shipments
            .iter()
            .filter(|s| orders.is_empty() || orders.contains(&s.order.as_str()))
            .filter(|s| states.is_empty() || states.contains(&s.stage.as_str()))
            .filter(|s| from.is_none_or(|at| s.updated_at >= at))
            .filter(|s| to.is_none_or(|at| s.updated_at <= at))
            .map(|s| state.spice(s.json()))
            .collect();
        if backwards {
            rows.reverse();
        }
        Ok(rows)
    })
}

/// `GET /api/shipments/items_to_ship`: what remains.
pub(super) fn to_ship(state: &mut State, call: &Call) -> Answer {
    state.available()?;
    call.expect(
        state,
        &[
            "order_id",
            "fulfillment_center_code",
            "shipping_date_from",
            "shipping_date_to",
            "limit",
            "sort",
            "page_token",
        ],
    );
    call.sought(state, |state, call| {
        let orders = call.many("order_id");
        let centers = call.many("fulfillment_center_code");
        let backwards = sorted(call, "shippingDate")?;
        let wanted = |o: &&Order| {
            (orders.is_empty() || orders.contains(&o.id.as_str()))
                && (centers.is_empty()
                    || o.lines.iter().any(|l| centers.contains(&l.center.as_str())))
        };
        let mut found: Vec<&Order> = state.orders.values().filter(wanted).collect();
        found.sort_by(|a, b| (a.ship_by, &a.id).cmp(&(b.ship_by, &b.id)));
        if backwards {
            found.reverse();
        }
        let rows = found.into_iter().filter_map(|order| {
            let lines: Vec<Value> = order
                .lines
                .iter()
                .filter(|l| l.stage == Stage::Shipping)
                .filter_map(|l| {
                    let taken = state.in_shipments(&l.id, false) + l.gone();
                    let left = l.quantity.checked_sub(taken).filter(|n| *n > 0)?;
                    Some(json!({
                        "order_line_id": l.id, "offer_sku": l.sku, "product_title": l.title,
                        "quantity": left, "package_reference": null,
                    }))
                })
                .collect();
            let center = order.lines.first().map_or("DEFAULT", |l| &l.center);
            (!lines.is_empty()).then(|| {
                state.spice(json!({
                    "order_id": order.id,
                    "references": {"order_reference_for_seller": order.seller_reference},
                    "shipping_address": address(order), "shipping_date": null,
                    "shipping_deadline": order.ship_by.map(stamp),
                    "shipping_type_code": order.shipping_type,
                    "fulfillment": {"center": {"code": center}}, "shipment_lines": lines,
                }))
            })
        });
        Ok(rows.collect())
    })
}

/// Whether `sort` goes backwards; it may only name one key.
fn sorted(call: &Call, key: &str) -> Result<bool, Refusal> {
    let Some(sort) = call.one("sort") else {
        return Ok(false);
    };
    match sort.split_once(',').unwrap_or((sort, "ASC")) {
        (name, "ASC") if name == key => Ok(false),
        (name, "DESC") if name == key => Ok(true),
        _ => Err(Refusal::invalid(format!("sort: `{sort}` is no sort"))),
    }
}
