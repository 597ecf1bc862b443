//! The status calls and their guards.

use serde_json::{Value, json};

use super::call::{self, Call};
use super::orders::{Package, Status};
use super::reply::{Answer, Refusal, Reply};
use super::state::{Due, State};
use super::switches::Tolerance;
use super::views::ShipmentType;

const FIRST_PACKAGE: u64 = 33_190;
const FIRST_PURCHASE: u64 = 5_120_400;

/// Items of a packed or ready-to-ship call with their serial numbers.
type Serials = Vec<(u64, Option<String>)>;

/// Reads `orderItems`, whose id goes by another name in each call.
fn order_items(
    state: &mut State,
    call: &Call,
    body: &Value,
    key: &str,
) -> Result<Serials, Refusal> {
    let Some(Value::Array(rows)) = body.get("orderItems") else {
        let given = body.get("orderItems").unwrap_or(&Value::Null);
        return Err(Refusal::invalid(
            "orderItems",
            "This value should be of type array.",
            given,
        ));
    };
    let mut items: Serials = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let path = format!("orderItems[{index}].{key}");
        let serial = match row.get("serialNumber") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => return Err(Refusal::coded(94, "The serial number is not valid")),
        };
        match row.get(key) {
            Some(Value::Number(number)) if number.is_u64() => {
                let id = number.as_u64().unwrap_or_default();
                if !items.iter().any(|(known, _)| *known == id) {
                    items.push((id, serial));
                }
            }
            Some(other) => {
                return Err(Refusal::invalid(
                    path,
                    "This value should be of type integer.",
                    other,
                ));
            }
            None if state.switches.wrong_item_key == Tolerance::Refused => {
                return Err(Refusal::invalid(
                    path,
                    "This value should not be blank.",
                    "null",
                ));
            }
            // Reported of the platform: the entry counts for nothing.
            None => state.mistake(format!(
                "{} {}: `{path}` is missing, the entry is ignored",
                call.method, call.path
            )),
        }
    }
    Ok(items)
}

impl State {
    /// Items exist and belong to one order.
    fn together(&self, ids: &[u64]) -> Result<(), Refusal> {
        let mut order = None;
        for id in ids {
            let Some(item) = self.items.get(id) else {
                return Err(Refusal::coded(23, format!("Order item {id} is not valid")));
            };
            if *order.get_or_insert(item.order) != item.order {
                return Err(Refusal::coded(
                    29,
                    "Order items must be from the same order",
                ));
            }
        }
        for id in ids {
            if !self.items[id].processable() {
                return Err(Refusal::coded(
                    23,
                    format!("Order item {id} cannot be processed by the seller"),
                ));
            }
        }
        Ok(())
    }

    /// Ids in one of `from`. By default all of them have to be; with partial calls those that are not are left out.
    fn eligible(&self, ids: &[u64], from: &[Status], to: Status) -> Result<Vec<u64>, Refusal> {
        let fits = |id: &u64| {
            let status = self.items[id].status;
            from.contains(&status) || (!self.switches.repeats_refused && status == to)
        };
        if self.switches.partial_status_calls {
            return Ok(ids.iter().copied().filter(fits).collect());
        }
        let wrong: Vec<u64> = ids.iter().copied().filter(|id| !fits(id)).collect();
        if wrong.is_empty() {
            return Ok(ids.to_vec());
        }
        let words: Vec<String> = from.iter().map(|s| title(*s)).collect();
        let text = format!("All order items must have status {}", words.join(" or "));
        if self.switches.per_item_errors {
            let rows = wrong.into_iter().map(|id| (id, format!("E073: {text}")));
            return Err(Refusal::PerItem(rows.collect()));
        }
        Err(Refusal::coded(73, text))
    }

    fn check_serials(&self, items: &Serials) -> Result<(), Refusal> {
        let mut seen: Vec<&str> = Vec::new();
        for (id, serial) in items {
            let Some(serial) = serial.as_deref() else {
                continue;
            };
            if serial.is_empty()
                || serial.len() > 26
                || !serial.bytes().all(|b| b.is_ascii_alphanumeric())
            {
                return Err(Refusal::coded(
                    95,
                    format!("Serial number `{serial}` has the wrong format"),
                ));
            }
            let order = self.items.get(id).and_then(|i| self.orders.get(&i.order));
            let siblings = order
                .iter()
                .flat_map(|o| &o.items)
                .filter(|other| *other != id);
            let taken = siblings
                .filter_map(|id| self.items.get(id))
                .any(|i| i.serial.as_deref() == Some(serial));
            if taken || seen.contains(&serial) {
                return Err(Refusal::coded(
                    96,
                    format!("Serial number `{serial}` is already used in this order"),
                ));
            }
            seen.push(serial);
        }
        Ok(())
    }

    fn check_delivery(&self, ids: &[u64], delivery: &str) -> Result<(), Refusal> {
        if !["dropship", "pickup", "send_to_warehouse"].contains(&delivery) {
            return Err(Refusal::coded(
                24,
                format!("Delivery type `{delivery}` is not valid"),
            ));
        }
        for id in ids {
            match self.items[id].shipment_type {
                ShipmentType::Crossdocking if delivery == "dropship" => {
                    return Err(Refusal::coded(91, "Use delivery type send_to_warehouse"));
                }
                ShipmentType::Dropshipping if delivery != "dropship" => {
                    return Err(Refusal::coded(
                        24,
                        format!("Delivery type `{delivery}` is for cross-docking only"),
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn pack(&mut self, ids: &[u64], provider: String, tracking: String) {
        let id = self.next_id("package", FIRST_PACKAGE);
        let purchase = self.next_id("purchase", FIRST_PURCHASE);
        if !tracking.is_empty() {
            self.trackings.insert(tracking.clone(), id);
        }
        for item in ids {
            if let Some(item) = self.items.get_mut(item) {
                item.package = Some(id);
            }
        }
        let items = ids.to_vec();
        self.packages.insert(
            id,
            Package {
                id,
                items,
                provider,
                tracking,
                purchase,
            },
        );
    }

    fn set_serials(&mut self, items: Serials) {
        for (id, serial) in items {
            if let (Some(item), Some(serial)) = (self.items.get_mut(&id), serial) {
                item.serial = Some(serial);
            }
        }
    }

    /// A number from the carrier, for providers with an API integration.
    fn carrier_number(&mut self) -> String {
        format!("NZP{:010}", self.next_id("carrier number", 4_000_017))
    }

    /// Reason and detail of a call. `kind` is the type the reason has to have.
    fn reason(
        &self,
        body: &Value,
        kind: &str,
        required: bool,
    ) -> Result<Option<(String, String, String)>, Refusal> {
        let detail = call::text(body, "reasonDetail")?.unwrap_or_default();
        let Some(name) = call::text(body, "reason")?.filter(|n| !n.is_empty()) else {
            return match required {
                true => Err(Refusal::invalid(
                    "reason",
                    "This value should not be blank.",
                    "null",
                )),
                false => Ok(None),
            };
        };
        let known = self
            .reasons
            .iter()
            .any(|r| r.kind == kind && r.name == name);
        if !known && self.switches.reasons_checked {
            return Err(Refusal::invalid(
                "reason",
                "The value you selected is not a valid choice.",
                name,
            ));
        }
        Ok(Some((kind.to_owned(), name.to_owned(), detail.to_owned())))
    }
}

fn title(status: Status) -> String {
    let words = status.as_str().split('_').map(|word| {
        let mut chars = word.chars();
        let first = chars.next().map(|c| c.to_ascii_uppercase());
        first.into_iter().chain(chars).collect::<String>()
    });
    words.collect::<Vec<_>>().join(" ")
}

fn done(ids: &[u64]) -> Answer {
    Reply::ok(json!({"orderItemIds": ids}))
}

/// `POST /v2/orders/statuses/set-to-packed-by-marketplace`.
pub(super) fn packed(state: &mut State, call: &Call) -> Answer {
    let body = call.json()?;
    let items = order_items(state, call, &body, "orderItemId")?;
    let Some(delivery) = call::text(&body, "deliveryType")? else {
        return Err(Refusal::invalid(
            "deliveryType",
            "This value should not be blank.",
            "null",
        ));
    };
    let provider = call::text(&body, "shippingProvider")?;
    let tracking = call::text(&body, "trackingNumber")?;
    if items.is_empty() {
        return done(&[]);
    }
    let ids: Vec<u64> = items.iter().map(|(id, _)| *id).collect();
    state.together(&ids)?;
    let mut ids = state.eligible(&ids, &[Status::Pending], Status::Pending)?;
    if state.switches.partial_status_calls || !state.switches.repeats_refused {
        ids.retain(|id| state.items[id].package.is_none());
    }
    if ids.iter().any(|id| state.items[id].package.is_some()) {
        return Err(Refusal::coded(28, "The order items are packed already"));
    }
    if ids.is_empty() {
        return done(&[]);
    }
    state.check_delivery(&ids, delivery)?;
    let (provider, api) = match (delivery, provider) {
        ("pickup", None) => (String::new(), true),
        (_, provider) => state.provider(provider)?,
    };
    let tracking = match tracking.filter(|t| !t.is_empty()) {
        Some(tracking) => {
            state.check_tracking(tracking)?;
            state.check_unused(tracking, None)?;
            tracking.to_owned()
        }
        None if delivery == "pickup" => String::new(),
        None if api => state.carrier_number(),
        None => {
            return Err(Refusal::coded(
                26,
                "A tracking number is mandatory for this provider",
            ));
        }
    };
    state.check_serials(&items)?;
    state.set_serials(items);
    state.pack(&ids, provider, tracking);
    let now = state.now();
    for id in &ids {
        state.touch(*id, now);
    }
    done(&ids)
}

/// `POST /v2/orders/statuses/set-to-ready-to-ship`.
pub(super) fn ready_to_ship(state: &mut State, call: &Call) -> Answer {
    let body = call.json()?;
    let items = order_items(state, call, &body, "id")?;
    let delivery = call::text(&body, "deliveryType")?.unwrap_or("dropship");
    let provider = call::text(&body, "shippingProvider")?;
    let tracking = call::text(&body, "trackingNumber")?.filter(|t| !t.is_empty());
    if items.is_empty() {
        return done(&[]);
    }
    let ids: Vec<u64> = items.iter().map(|(id, _)| *id).collect();
    state.together(&ids)?;
    let ids = state.eligible(&ids, &[Status::Pending], Status::ReadyToShip)?;
    let repeated = |id: &u64| state.items[id].status == Status::ReadyToShip;
    if ids.iter().all(repeated) {
        return done(&ids);
    }
    if state.switches.packed_required && ids.iter().any(|id| state.items[id].package.is_none()) {
        return Err(Refusal::coded(
            28,
            "The order items have to be packed first",
        ));
    }
    state.check_delivery(&ids, delivery)?;
    state.check_serials(&items)?;

    // Items packed before keep what they were packed with; the others make a package of their own.
    let loose: Vec<u64> = ids
        .iter()
        .copied()
        .filter(|id| state.items[id].package.is_none())
        .collect();
    let mut packages: Vec<u64> = ids
        .iter()
        .filter_map(|id| state.items[id].package)
        .collect();
    packages.sort_unstable();
    packages.dedup();
    if packages.len() + usize::from(!loose.is_empty()) > 1 && tracking.is_some() {
        let number = tracking.unwrap_or_default();
        return Err(Refusal::coded(
            63,
            format!("Tracking number `{number}` cannot be used for several packages"),
        ));
    }
    let (name, api) = match (delivery, provider, loose.is_empty()) {
        ("pickup", None, _) => (String::new(), true),
        (_, None, true) => (String::new(), true),
        (_, provider, _) => state.provider(provider)?,
    };
    if let Some(tracking) = tracking {
        state.check_tracking(tracking)?;
        state.check_unused(tracking, packages.first().copied())?;
    }
    for id in &packages {
        let package = &state.packages[id];
        if !name.is_empty() && name != package.provider {
            return Err(Refusal::coded(
                25,
                format!("The package was made with provider `{}`", package.provider),
            ));
        }
        let other = tracking.is_some_and(|t| !package.tracking.is_empty() && t != package.tracking);
        if other && state.switches.tracking_write_once {
            return Err(Refusal::coded(
                26,
                "A tracking number cannot be changed once it is set",
            ));
        }
        if package.tracking.is_empty() && tracking.is_none() && delivery != "pickup" {
            return Err(Refusal::coded(26, "A tracking number is mandatory"));
        }
    }
    if !loose.is_empty() {
        let number = match tracking {
            Some(tracking) => tracking.to_owned(),
            None if delivery == "pickup" => String::new(),
            None if api => state.carrier_number(),
            None => {
                return Err(Refusal::coded(
                    26,
                    "A tracking number is mandatory for this provider",
                ));
            }
        };
        state.pack(&loose, name, number);
    }
    for id in packages {
        if let (Some(tracking), Some(package)) = (tracking, state.packages.get_mut(&id))
            && package.tracking != tracking
        {
            state.trackings.remove(&package.tracking);
            tracking.clone_into(&mut package.tracking);
            state.trackings.insert(tracking.to_owned(), id);
        }
    }
    state.set_serials(items);
    let moving: Vec<u64> = ids
        .iter()
        .copied()
        .filter(|id| state.items[id].status == Status::Pending)
        .collect();
    state.move_items(&moving, Status::ReadyToShip, "seller", "");
    if let Some(ms) = state.switches.ships_by_itself_after_ms {
        state.later(ms, Due::Ships(moving));
    }
    done(&ids)
}

/// A call that only names items.
fn simple(state: &mut State, call: &Call, from: &[Status], to: Status) -> Answer {
    let ids = call::id_list(&call.json()?, "orderItemIds")?;
    state.together(&ids)?;
    let ids = state.eligible(&ids, from, to)?;
    state.move_where(&ids, from, to, "seller", "");
    done(&ids)
}

/// `POST /v2/orders/statuses/set-to-shipped`.
pub(super) fn shipped(state: &mut State, call: &Call) -> Answer {
    let ids = call::id_list(&call.json()?, "orderItemIds")?;
    state.together(&ids)?;
    for id in &ids {
        let item = &state.items[id];
        if item.shipment_type == ShipmentType::Crossdocking {
            return Err(Refusal::coded(
                28,
                "Cross-docking items cannot be set to shipped by the seller",
            ));
        }
        let package = item.package.and_then(|p| state.packages.get(&p));
        if package.is_some_and(|p| state.switches.ship_blocked_providers.contains(&p.provider)) {
            return Err(Refusal::coded(
                28,
                "Items of this provider are set to shipped by the platform",
            ));
        }
    }
    simple(state, call, &[Status::ReadyToShip], Status::Shipped)
}

/// `POST /v2/orders/statuses/set-to-cancelled`.
pub(super) fn cancelled(state: &mut State, call: &Call) -> Answer {
    let body = call.json()?;
    let mut ids = call::id_list(&body, "orderItemIds")?;
    let reason = state.reason(&body, "canceled", true)?;
    state.together(&ids)?;
    let allowed: &[Status] = match state.switches.cancel_in_ready_to_ship {
        true => &[Status::Pending, Status::ReadyToShip],
        false => &[Status::Pending],
    };
    if state.switches.cancel_whole_package {
        let packages = ids.iter().filter_map(|id| state.items[id].package);
        let mates = packages
            .filter_map(|p| state.packages.get(&p))
            .flat_map(|p| p.items.iter());
        let open = mates.filter(|id| allowed.contains(&state.items[*id].status));
        let mut more: Vec<u64> = open.copied().filter(|id| !ids.contains(id)).collect();
        more.sort_unstable();
        more.dedup();
        ids.extend(more);
    }
    let ids = state.eligible(&ids, allowed, Status::Canceled)?;
    let note = reason
        .as_ref()
        .map(|(_, name, _)| name.clone())
        .unwrap_or_default();
    for id in &ids {
        if let Some(item) = state.items.get_mut(id) {
            item.reason.clone_from(&reason);
        }
    }
    state.move_where(&ids, allowed, Status::Canceled, "seller", &note);
    done(&ids)
}

/// `POST /v2/orders/statuses/set-to-delivered`: the one transition that may be repeated.
pub(super) fn delivered(state: &mut State, call: &Call) -> Answer {
    let ids = call::id_list(&call.json()?, "orderItemIds")?;
    state.together(&ids)?;
    if ids
        .iter()
        .any(|id| state.items[id].shipment_type != ShipmentType::Dropshipping)
    {
        return Err(Refusal::coded(
            28,
            "Only drop-shipping items can be set to delivered by the seller",
        ));
    }
    let ids = state.eligible(
        &ids,
        &[Status::Shipped, Status::Delivered],
        Status::Delivered,
    )?;
    state.move_where(&ids, &[Status::Shipped], Status::Delivered, "seller", "");
    done(&ids)
}

/// A call that names items and a reason.
fn reasoned(
    state: &mut State,
    call: &Call,
    kind: &str,
    required: bool,
    from: &[Status],
    to: Status,
) -> Answer {
    let body = call.json()?;
    let ids = call::id_list(&body, "orderItemIds")?;
    let reason = state.reason(&body, kind, required)?;
    state.together(&ids)?;
    let ids = state.eligible(&ids, from, to)?;
    let note = reason
        .as_ref()
        .map(|(_, name, _)| name.clone())
        .unwrap_or_default();
    for id in &ids {
        if let Some(item) = state.items.get_mut(id).filter(|_| reason.is_some()) {
            item.reason.clone_from(&reason);
        }
    }
    state.move_where(&ids, from, to, "seller", &note);
    done(&ids)
}

/// `POST /v2/orders/statuses/set-to-delivery-failed`.
pub(super) fn delivery_failed(state: &mut State, call: &Call) -> Answer {
    reasoned(
        state,
        call,
        "failed",
        true,
        &[Status::Shipped],
        Status::Failed,
    )
}

/// `POST /v2/orders/statuses/set-to-returned`.
pub(super) fn returned(state: &mut State, call: &Call) -> Answer {
    reasoned(
        state,
        call,
        "returned",
        false,
        &[Status::Delivered],
        Status::Returned,
    )
}

/// `POST /v2/orders/statuses/set-to-return-received`.
pub(super) fn return_received(state: &mut State, call: &Call) -> Answer {
    let from = [Status::ReturnShippedByCustomer, Status::ReturnDelivered];
    simple(state, call, &from, Status::ReturnWaitingForApproval)
}

/// `POST /v2/orders/statuses/set-to-return-approved`.
pub(super) fn return_approved(state: &mut State, call: &Call) -> Answer {
    simple(
        state,
        call,
        &[Status::ReturnWaitingForApproval],
        Status::Returned,
    )
}

/// `POST /v2/orders/statuses/set-to-return-rejected`.
pub(super) fn return_rejected(state: &mut State, call: &Call) -> Answer {
    let from = [Status::ReturnWaitingForApproval];
    reasoned(
        state,
        call,
        "return_rejected",
        true,
        &from,
        Status::ReturnRejected,
    )
}
