//! Reads of orders, items, packages and history.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::call::{Call, Page};
use super::catalog::wrapped;
use super::clock;
use super::orders::{Item, Order, Status};
use super::reply::{Answer, Refusal, Reply};
use super::state::State;
use super::switches::OrdersPaging;
use super::views::ShipmentType;

const NOT_A_CHOICE: &str = "The value you selected is not a valid choice.";

/// Parameters the platform takes and this stand-in does not act on.
const IGNORED: [&str; 15] = [
    "shipmentProviders[]",
    "paymentMethods[]",
    "customers[]",
    "tags[]",
    "cancelationReasons[]",
    "cancelationReasonIds",
    "orderSources[]",
    "sellerNames[]",
    "warehouses[]",
    "delivery",
    "printedStatus",
    "outlet",
    "invoiceRequired",
    "returnedBy",
    "srcIds[]",
];

/// Sections that are no status of an item.
const GROUPS: [&str; 14] = [
    "status_pending_all",
    "status_shipment_information_pending",
    "group_economy",
    "group_express",
    "group_standard",
    "group_digital",
    "group_sameday",
    "group_air",
    "group_surface",
    "group_missing_external_invoice_access_key",
    "group_kpi_rejection_rate",
    "group_kpi_return_rate",
    "group_ready_to_ship_manifested",
    "group_ready_to_ship_nonmanifested",
];

/// A range of times; `inclusive` says whether its ends belong to it.
#[derive(Clone, Copy)]
struct Range {
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    inclusive: bool,
}

impl Range {
    fn read(call: &Call, state: &State, start: &str, end: &str) -> Result<Self, Refusal> {
        Ok(Self {
            start: call.bound(state, start, false)?,
            end: call.bound(state, end, true)?,
            inclusive: state.switches.ranges_inclusive,
        })
    }

    fn is_open(self) -> bool {
        self.start.is_none() && self.end.is_none()
    }

    fn holds(self, at: Timestamp) -> bool {
        let after = self
            .start
            .is_none_or(|s| at > s || (self.inclusive && at == s));
        let before = self
            .end
            .is_none_or(|e| at < e || (self.inclusive && at == e));
        after && before
    }

    /// The ids of an index within the range, in its order.
    fn of(self, index: &BTreeSet<(Timestamp, u64)>) -> impl Iterator<Item = u64> {
        let from = (self.start.unwrap_or(Timestamp::MIN), 0);
        let to = (self.end.unwrap_or(Timestamp::MAX), u64::MAX);
        let from = from.min(to);
        index
            .range(from..=to)
            .filter(move |(at, _)| self.holds(*at))
            .map(|(_, id)| *id)
    }
}

fn ignored(state: &mut State, call: &Call) {
    for name in IGNORED {
        if call.one(name).is_some() {
            state.mistake(format!(
                "{} {}: the stand-in does not filter by `{name}`",
                call.method, call.path
            ));
        }
    }
}

/// How a list is sorted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    Id,
    Created,
    Updated,
}

fn sorting(state: &State, call: &Call, choices: &[&str]) -> Result<(Key, bool), Refusal> {
    let key = match call.one("sort") {
        None => Key::Id,
        Some(sort) if !choices.contains(&sort) => {
            return Err(Refusal::invalid("sort", NOT_A_CHOICE, sort));
        }
        Some("createdAt") => Key::Created,
        Some(_) => Key::Updated,
    };
    let descending = match call.one("sortDir") {
        None => key == Key::Id && state.switches.newest_first,
        Some("asc" | "ASC") => false,
        Some("desc" | "DESC") => true,
        Some(other) => return Err(Refusal::invalid("sortDir", NOT_A_CHOICE, other)),
    };
    Ok((key, descending))
}

fn shipment_type(call: &Call) -> Result<Option<ShipmentType>, Refusal> {
    match call.one("shipmentType") {
        None => Ok(None),
        Some("warehouse") => Ok(Some(ShipmentType::Warehouse)),
        Some("dropshipping") => Ok(Some(ShipmentType::Dropshipping)),
        Some("crossdocking") => Ok(Some(ShipmentType::Crossdocking)),
        Some(other) => Err(Refusal::invalid("shipmentType", NOT_A_CHOICE, other)),
    }
}

/// Cuts a page out of a lazily filtered list. The total is counted only when somebody will see it.
fn cut<T>(mut rows: impl Iterator<Item = T>, page: Page, count: bool) -> (Vec<T>, bool, usize) {
    let mut skipped = 0;
    while skipped < page.offset && rows.next().is_some() {
        skipped += 1;
    }
    let taken: Vec<T> = rows.by_ref().take(page.limit).collect();
    let more = rows.next().is_some();
    let rest = match count && more {
        true => 1 + rows.count(),
        false => usize::from(more),
    };
    let total = skipped + taken.len() + rest;
    (taken, more, total)
}

fn orders_page(state: &State, page: Page, rows: Vec<Value>, more: bool, total: usize) -> Value {
    let mut pagination = json!({"limit": page.limit, "offset": page.offset});
    let style = state.switches.orders_paging;
    if matches!(style, OrdersPaging::HasNext | OrdersPaging::Both) {
        pagination["hasNext"] = json!(more);
    }
    if matches!(style, OrdersPaging::TotalCount | OrdersPaging::Both) {
        pagination["totalCount"] = json!(total);
    }
    json!({"items": rows, "pagination": pagination})
}

/// `GET /v2/orders`.
pub(super) fn orders(state: &mut State, call: &Call) -> Answer {
    let own = [
        "limit",
        "offset",
        "section",
        "dateStart",
        "dateEnd",
        "updateDateStart",
        "updateDateEnd",
        "sort",
        "sortDir",
        "orderIds[]",
        "orderNumbers[]",
        "shipmentType",
        "fulfilmentType[]",
        "packed",
        "productSku[]",
        "includeVoucherDetails",
    ];
    call.expect(state, &[&own[..], &IGNORED[..]].concat());
    ignored(state, call);
    let page = call.page(
        state,
        state.switches.orders_limit_max,
        state.switches.orders_limit_above,
    )?;
    let created = Range::read(call, state, "dateStart", "dateEnd")?;
    let updated = Range::read(call, state, "updateDateStart", "updateDateEnd")?;
    let (key, descending) = sorting(state, call, &["createdAt", "updatedAt"])?;
    let section = match call.one("section") {
        None => None,
        Some(section) => {
            let status = section.strip_prefix("status_").and_then(Status::parse);
            if status.is_none() && !GROUPS.contains(&section) {
                return Err(Refusal::invalid("section", NOT_A_CHOICE, section));
            }
            Some(status.unwrap_or(Status::Pending))
        }
    };
    let wanted_type = shipment_type(call)?;
    let fulfillment = call.many("fulfilmentType");
    if let Some(wrong) = fulfillment
        .iter()
        .find(|f| !["merchant", "venture"].contains(f))
    {
        return Err(Refusal::invalid("fulfilmentType", NOT_A_CHOICE, wrong));
    }
    let packed = call.one("packed");
    if let Some(wrong) =
        packed.filter(|p| !["fully_packed", "partially_packed", "not_packed"].contains(p))
    {
        return Err(Refusal::invalid("packed", NOT_A_CHOICE, wrong));
    }
    let skus = call.many("productSku");
    let ids = call.ids("orderIds")?;
    let numbers = call.many("orderNumbers");
    let vouchers = call.flag("includeVoucherDetails").unwrap_or(false);

    let state: &State = state;
    let wanted = |order: &&Order| {
        let items: Vec<&Item> = state.visible_items(order).collect();
        let packs = items.iter().filter(|i| i.package.is_some()).count();
        !items.is_empty()
            && created.holds(order.created_at)
            && section.is_none_or(|status| items.iter().any(|i| i.status == status))
            && wanted_type.is_none_or(|kind| items.iter().any(|i| i.shipment_type == kind))
            && (fulfillment.is_empty()
                || items.iter().any(|i| match i.shipment_type {
                    ShipmentType::Warehouse => fulfillment.contains(&"venture"),
                    _ => fulfillment.contains(&"merchant"),
                }))
            && packed.is_none_or(|packed| match packed {
                "fully_packed" => packs == items.len(),
                "not_packed" => packs == 0,
                _ => packs > 0 && packs < items.len(),
            })
            && (skus.is_empty()
                || items.iter().any(|i| {
                    skus.contains(&i.seller_sku.as_str()) || skus.contains(&i.shop_sku.as_str())
                }))
    };
    // The narrowest index first; whatever it yields is sorted only when it did not come from the sort's own index.
    let mut chosen: Option<BTreeSet<u64>> = ids.map(|ids| ids.into_iter().collect());
    if !numbers.is_empty() {
        let found: BTreeSet<u64> = numbers
            .iter()
            .filter_map(|&n| state.by_number.get(n).copied())
            .collect();
        chosen = Some(match chosen {
            Some(ids) => ids.intersection(&found).copied().collect(),
            None => found,
        });
    }
    if !updated.is_open() {
        let items = updated
            .of(&state.item_updates)
            .filter_map(|id| state.items.get(&id));
        let shown = items.filter(|i| {
            state.switches.venture_items_visible || i.shipment_type != ShipmentType::Warehouse
        });
        let found: BTreeSet<u64> = shown.map(|i| i.order).collect();
        chosen = Some(match chosen {
            Some(ids) => ids.intersection(&found).copied().collect(),
            None => found,
        });
    }
    if chosen.is_none() && !created.is_open() && key != Key::Created {
        chosen = Some(created.of(&state.orders_created).collect());
    }
    let candidates: Box<dyn Iterator<Item = u64> + '_> = match (chosen, key) {
        (Some(chosen), _) => {
            let mut keyed: Vec<(Timestamp, u64)> = chosen
                .into_iter()
                .filter_map(|id| state.orders.get(&id))
                .map(|o| match key {
                    Key::Id => (Timestamp::UNIX_EPOCH, o.id),
                    Key::Created => (o.created_at, o.id),
                    Key::Updated => (o.updated_at, o.id),
                })
                .collect();
            keyed.sort_unstable();
            if descending {
                keyed.reverse();
            }
            Box::new(keyed.into_iter().map(|(_, id)| id))
        }
        (None, Key::Id) if descending => Box::new(state.orders.keys().rev().copied()),
        (None, Key::Id) => Box::new(state.orders.keys().copied()),
        (None, key) => {
            let index = match key {
                Key::Created => &state.orders_created,
                _ => &state.orders_updated,
            };
            match descending {
                true => Box::new(index.iter().rev().map(|(_, id)| *id)),
                false => Box::new(index.iter().map(|(_, id)| *id)),
            }
        }
    };
    let rows = candidates
        .filter_map(|id| state.orders.get(&id))
        .filter(wanted);
    let count = matches!(
        state.switches.orders_paging,
        OrdersPaging::TotalCount | OrdersPaging::Both
    );
    let (rows, more, total) = cut(rows, page, count);
    let rows = rows
        .into_iter()
        .map(|o| state.order_json(o, vouchers))
        .collect();
    Reply::ok(orders_page(state, page, rows, more, total))
}

/// `GET /v2/orders/{order}`.
pub(super) fn order(state: &mut State, call: &Call) -> Answer {
    let order = state.order_or_404(call)?;
    Reply::ok(state.order_json(order, call.flag("includeVoucherDetails").unwrap_or(false)))
}

impl State {
    fn order_or_404(&self, call: &Call) -> Result<&Order, Refusal> {
        let id = call.id("order")?;
        let order = self
            .orders
            .get(&id)
            .filter(|o| self.visible_items(o).next().is_some());
        order.ok_or_else(|| Refusal::missing(format!("Order {id}")))
    }
}

/// `GET /v2/order-items`.
pub(super) fn order_items(state: &mut State, call: &Call) -> Answer {
    let own = [
        "limit",
        "offset",
        "orderItemIds[]",
        "orderIds[]",
        "orderNumbers[]",
        "createdAtStart",
        "createdAtEnd",
        "updatedAtStart",
        "updatedAtEnd",
        "status[]",
        "sort",
        "sortDir",
        "includeVoucherDetails",
        "shipmentType",
    ];
    call.expect(state, &[&own[..], &["returnedBy", "srcIds[]"]].concat());
    ignored(state, call);
    let page = call.page(
        state,
        state.switches.orders_limit_max,
        state.switches.orders_limit_above,
    )?;
    let created = Range::read(call, state, "createdAtStart", "createdAtEnd")?;
    let updated = Range::read(call, state, "updatedAtStart", "updatedAtEnd")?;
    let (key, descending) = sorting(state, call, &["updatedAt"])?;
    let mut statuses = Vec::new();
    for word in call.many("status") {
        match Status::parse(word).filter(|s| *s != Status::PaymentPending) {
            Some(status) => statuses.push(status),
            None => return Err(Refusal::invalid("status", NOT_A_CHOICE, word)),
        }
    }
    let kind = shipment_type(call)?;
    let ids = call.ids("orderItemIds")?;
    let mut orders = call.ids("orderIds")?;
    let numbers = call.many("orderNumbers");
    if !numbers.is_empty() {
        let found = numbers
            .iter()
            .filter_map(|&n| state.by_number.get(n).copied());
        orders = Some(found.collect());
    }
    let vouchers = call.flag("includeVoucherDetails").unwrap_or(false);

    let state: &State = state;
    let wanted = |item: &&Item| {
        created.holds(item.created_at)
            && updated.holds(item.updated_at)
            && (statuses.is_empty() || statuses.contains(&item.status))
            && kind.is_none_or(|kind| kind == item.shipment_type)
            && orders
                .as_ref()
                .is_none_or(|orders| orders.contains(&item.order))
            && (state.switches.venture_items_visible
                || item.shipment_type != ShipmentType::Warehouse)
    };
    let mut chosen: Option<Vec<u64>> = ids;
    if chosen.is_none() && orders.is_some() {
        let orders = orders
            .iter()
            .flatten()
            .filter_map(|id| state.orders.get(id));
        chosen = Some(orders.flat_map(|o| o.items.iter().copied()).collect());
    }
    let candidates: Box<dyn Iterator<Item = u64> + '_> = match chosen {
        Some(mut ids) => {
            ids.sort_unstable();
            ids.dedup();
            if key == Key::Updated {
                ids.sort_by_key(|id| state.items.get(id).map(|i| i.updated_at));
            }
            if descending {
                ids.reverse();
            }
            Box::new(ids.into_iter())
        }
        None if key == Key::Id && updated.is_open() => match descending {
            true => Box::new(state.items.keys().rev().copied()),
            false => Box::new(state.items.keys().copied()),
        },
        None => {
            let mut ids: Vec<u64> = updated.of(&state.item_updates).collect();
            if key == Key::Id {
                ids.sort_unstable();
            }
            if descending {
                ids.reverse();
            }
            Box::new(ids.into_iter())
        }
    };
    let rows = candidates
        .filter_map(|id| state.items.get(&id))
        .filter(wanted);
    let (rows, _, total) = cut(rows, page, true);
    let rows: Vec<Value> = rows
        .into_iter()
        .map(|i| state.item_json(i, vouchers))
        .collect();
    match state.switches.bare_order_items {
        true => Reply::ok(Value::Array(rows)),
        false => Reply::ok(wrapped(rows, page, total)),
    }
}

/// `GET /v2/order-items/packages?orderItemIds[]=`.
pub(super) fn packages(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &["orderItemIds[]"]);
    let Some(ids) = call.ids("orderItemIds")? else {
        return Err(Refusal::invalid(
            "orderItemIds",
            "This value should not be blank.",
            "null",
        ));
    };
    let items = ids.iter().filter_map(|id| state.items.get(id));
    let packages: BTreeSet<u64> = items.filter_map(|i| i.package).collect();
    let rows = packages.iter().filter_map(|id| state.packages.get(id));
    Reply::ok(
        rows.map(|p| json!({"id": p.id, "srcId": format!("PK-{}", 43_930 + p.id), "orderItemIds": p.items}))
            .collect(),
    )
}

/// `GET /v2/order/{order}/history`.
pub(super) fn history(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &["orderItemIds[]"]);
    let only = call.ids("orderItemIds")?;
    let order = state.order_or_404(call)?;
    let items = state.visible_items(order);
    let items = items.filter(|i| only.as_ref().is_none_or(|only| only.contains(&i.id)));
    let mut rows: Vec<(Timestamp, Value)> = items
        .flat_map(|item| {
            item.history.iter().map(|entry| {
                let row = json!({
                    "orderItemId": item.id, "shopSku": item.shop_sku, "status": entry.status.as_str(),
                    "note": entry.note, "createdAt": clock::micros(entry.at), "editor": entry.editor,
                });
                (entry.at, row)
            })
        })
        .collect();
    rows.sort_by_key(|(at, _)| *at);
    Reply::ok(rows.into_iter().map(|(_, row)| row).collect())
}

/// `GET /v2/orders-counters`.
pub(super) fn counters(state: &mut State, _: &Call) -> Answer {
    let count = |status| state.items.values().filter(|i| i.status == status).count();
    let pending = count(Status::Pending);
    let ready = count(Status::ReadyToShip);
    Reply::ok(json!({
        "pending": {"pending": pending, "notPrintedPendingCount": pending},
        "readyToShipCount": ready, "notPrintedReadyToShipCount": ready,
        "paymentPendingCount": count(Status::PaymentPending), "shippedCount": count(Status::Shipped),
    }))
}
