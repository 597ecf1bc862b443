//! Inventory mutations.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::engine::{Obj, Out, Refusal};
use super::mutations::{UserError, payload};
use super::resolve::{Arguments, text, time};
use super::state::{State, gid, now, number_of};

/// The reasons that Shopify knows for a stock change.
const REASONS: [&str; 17] = [
    "correction",
    "cycle_count_available",
    "damaged",
    "movement_canceled",
    "movement_created",
    "movement_received",
    "movement_updated",
    "other",
    "promotion",
    "quality_control",
    "received",
    "reservation_created",
    "reservation_deleted",
    "reservation_updated",
    "restock",
    "safety_stock",
    "shrinkage",
];

/// The largest quantity of a level.
const MOST: i64 = 1_000_000_000;

/// One entry of a call: where, by how much or to what, from what.
struct Change {
    variant: u64,
    location: u64,
    amount: i64,
    from: Option<i64>,
}

/// A change as it is reported: name, delta, variant, location.
type Done = (&'static str, i64, u64, u64);

/// What distinguishes the two mutations.
struct Kind {
    entries: &'static str,
    entry_type: &'static str,
    amount: &'static str,
}

const ADJUST: Kind = Kind {
    entries: "changes",
    entry_type: "InventoryChangeInput",
    amount: "delta",
};

const SET: Kind = Kind {
    entries: "quantities",
    entry_type: "InventoryQuantityInput",
    amount: "quantity",
};

pub(super) fn adjust(state: &mut State, arguments: &Arguments) -> Result<Out, Refusal> {
    let input = input(arguments);
    let answer = |group: Out, errors: &[UserError]| {
        payload(
            "InventoryAdjustQuantitiesPayload",
            vec![("inventoryAdjustmentGroup", group)],
            errors,
        )
    };
    let name = input
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut errors = reason_errors(&input);
    let name = match name {
        "available" => "available",
        "incoming" => "incoming",
        "reserved" => "reserved",
        "damaged" => "damaged",
        "safety_stock" => "safety_stock",
        "quality_control" => "quality_control",
        _ => {
            errors.push(UserError::new(
                "INVALID_QUANTITY_NAME",
                &["input", "name"],
                "The quantity name must be one of available, damaged, incoming, quality_control, reserved, safety_stock.",
            ));
            ""
        }
    };
    for (i, entry) in entries(&input, &ADJUST).enumerate() {
        let has_ledger = entry.get("ledgerDocumentUri").is_some_and(|u| !u.is_null());
        let at = ["input", "changes", &i.to_string(), "ledgerDocumentUri"].map(str::to_owned);
        let at: Vec<&str> = at.iter().map(String::as_str).collect();
        match (name, has_ledger) {
            ("available", true) => errors.push(UserError::new(
                "INVALID_AVAILABLE_DOCUMENT",
                &at,
                "A ledger document URI is not allowed when adjusting available.",
            )),
            ("available" | "", _) | (_, true) => {}
            (_, false) => errors.push(UserError::new(
                "INVALID_QUANTITY_DOCUMENT",
                &at,
                "A ledger document URI is required except when adjusting available.",
            )),
        }
    }
    let changes = changes(state, &input, &ADJUST, name, &mut errors)?;
    for change in &changes {
        let have = quantity(state, change, name);
        if (have + change.amount).abs() > MOST {
            errors.push(UserError::new(
                if change.amount > 0 {
                    "INVALID_QUANTITY_TOO_HIGH"
                } else {
                    "INVALID_QUANTITY_TOO_LOW"
                },
                &["input", "changes"],
                format!("The quantity can't be beyond {MOST}."),
            ));
        }
    }
    if !errors.is_empty() {
        return Ok(answer(Out::NULL, &errors));
    }
    let mut done: Vec<Done> = Vec::new();
    for change in &changes {
        state.adjust(change.variant, change.location, name, change.amount);
        done.push((name, change.amount, change.variant, change.location));
        if name != "incoming" {
            done.push(("on_hand", change.amount, change.variant, change.location));
        }
    }
    let group = group(state, &input, &done);
    Ok(answer(Out::Obj(group), &[]))
}

pub(super) fn set(state: &mut State, arguments: &Arguments) -> Result<Out, Refusal> {
    let input = input(arguments);
    let answer = |group: Out, errors: &[UserError]| {
        payload(
            "InventorySetQuantitiesPayload",
            vec![("inventoryAdjustmentGroup", group)],
            errors,
        )
    };
    let name = input
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut errors = reason_errors(&input);
    if !matches!(name, "available" | "on_hand") {
        errors.push(UserError::new(
            "INVALID_NAME",
            &["input", "name"],
            "The quantity name must be either 'available' or 'on_hand'.",
        ));
    }
    let changes = changes(state, &input, &SET, name, &mut errors)?;
    let mut seen = BTreeSet::new();
    for (i, change) in changes.iter().enumerate() {
        let at = i.to_string();
        let path = ["input", "quantities", &at, "quantity"];
        if change.amount < 0 {
            errors.push(UserError::new(
                "INVALID_QUANTITY_NEGATIVE",
                &path,
                "The quantity can't be negative.",
            ));
        }
        if change.amount > MOST {
            errors.push(UserError::new(
                "INVALID_QUANTITY_TOO_HIGH",
                &path,
                format!("The quantity can't be higher than {MOST}."),
            ));
        }
        if !seen.insert((change.variant, change.location)) {
            errors.push(UserError::new(
                "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR",
                &["input", "quantities", &at],
                "The combination of inventoryItemId and locationId must be unique.",
            ));
        }
    }
    if !errors.is_empty() {
        return Ok(answer(Out::NULL, &errors));
    }
    let mut done: Vec<Done> = Vec::new();
    for change in &changes {
        let delta = change.amount - quantity(state, change, name);
        state.adjust(change.variant, change.location, "available", delta);
        for name in ["available", "on_hand"] {
            done.push((name, delta, change.variant, change.location));
        }
    }
    let group = group(state, &input, &done);
    Ok(answer(Out::Obj(group), &[]))
}

pub(super) fn activate(state: &mut State, arguments: &Arguments) -> Out {
    let item = text(arguments, "inventoryItemId").and_then(|t| number_of(t, "InventoryItem"));
    let variant = item.and_then(|i| state.by_item.get(&i).copied());
    let location = text(arguments, "locationId")
        .and_then(|t| number_of(t, "Location"))
        .filter(|l| state.locations.get(l).is_some_and(|l| l.active));
    let available = arguments.get("available").and_then(Value::as_i64);
    let answer = |level: Out, errors: &[UserError]| {
        payload(
            "InventoryActivatePayload",
            vec![("inventoryLevel", level)],
            errors,
        )
    };
    let Some(variant) = variant else {
        let error = UserError::plain(
            &["inventoryItemId"],
            "The inventory item could not be found.",
        );
        return answer(Out::NULL, &[error]);
    };
    let Some(location) = location else {
        let error = UserError::plain(
            &["locationId"],
            "The location could not be found or is not active.",
        );
        return answer(Out::NULL, &[error]);
    };
    let stocked = state.level(variant, location).is_some_and(|l| l.active);
    if stocked && available.is_some() {
        let error = UserError::plain(
            &["available"],
            "Not allowed to set available quantity when the item is already active at the location.",
        );
        return answer(Out::NULL, &[error]);
    }
    if !stocked {
        state.change_level(variant, location, |level| {
            level.active = true;
            level.available = available.unwrap_or(0);
        });
    }
    answer(Out::Obj(Obj::Level(variant, location)), &[])
}

fn input(arguments: &Arguments) -> Map<String, Value> {
    let input = arguments.get("input").and_then(Value::as_object);
    input.cloned().unwrap_or_default()
}

fn entries<'a>(
    input: &'a Map<String, Value>,
    kind: &Kind,
) -> impl Iterator<Item = &'a Map<String, Value>> {
    input
        .get(kind.entries)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
}

fn reason_errors(input: &Map<String, Value>) -> Vec<UserError> {
    let mut errors = Vec::new();
    let reason = input
        .get("reason")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !REASONS.contains(&reason) {
        errors.push(UserError::new(
            "INVALID_REASON",
            &["input", "reason"],
            format!(
                "The specified reason is invalid. Valid reasons are: {}.",
                REASONS.join(", ")
            ),
        ));
    }
    if let Some(uri) = input.get("referenceDocumentUri").and_then(Value::as_str)
        && url::Url::parse(uri).is_err()
    {
        errors.push(UserError::new(
            "INVALID_REFERENCE_DOCUMENT",
            &["input", "referenceDocumentUri"],
            "The specified reference document is not a valid URI.",
        ));
    }
    errors
}

/// Reads the entries; those that name nothing, or expect another quantity than there is, become errors.
fn changes(
    state: &State,
    input: &Map<String, Value>,
    kind: &Kind,
    name: &str,
    errors: &mut Vec<UserError>,
) -> Result<Vec<Change>, Refusal> {
    let mut changes = Vec::new();
    for (i, entry) in entries(input, kind).enumerate() {
        let at = i.to_string();
        let Some(from) = entry.get("changeFromQuantity") else {
            return Err(Refusal::new(
                "INVALID_FIELD_ARGUMENTS",
                format!(
                    "{} must include the following argument: changeFromQuantity.",
                    kind.entry_type
                ),
            ));
        };
        let id = |member: &str, kind: &str| {
            entry
                .get(member)
                .and_then(Value::as_str)
                .and_then(|t| number_of(t, kind))
        };
        let variant = id("inventoryItemId", "InventoryItem").and_then(|i| state.by_item.get(&i));
        let Some(variant) = variant else {
            errors.push(UserError::new(
                "INVALID_INVENTORY_ITEM",
                &["input", kind.entries, &at, "inventoryItemId"],
                "The specified inventory item could not be found.",
            ));
            continue;
        };
        let location = id("locationId", "Location").filter(|l| state.locations.contains_key(l));
        let Some(location) = location else {
            errors.push(UserError::new(
                "INVALID_LOCATION",
                &["input", kind.entries, &at, "locationId"],
                "The specified location could not be found.",
            ));
            continue;
        };
        let change = Change {
            variant: *variant,
            location,
            amount: entry.get(kind.amount).and_then(Value::as_i64).unwrap_or(0),
            from: from.as_i64(),
        };
        if change
            .from
            .is_some_and(|from| from != quantity(state, &change, name))
        {
            errors.push(UserError::new(
                "CHANGE_FROM_QUANTITY_STALE",
                &["input", kind.entries, &at, "changeFromQuantity"],
                "The specified change from quantity does not match the current quantity.",
            ));
        }
        changes.push(change);
    }
    Ok(changes)
}

fn quantity(state: &State, change: &Change, name: &str) -> i64 {
    state
        .level(change.variant, change.location)
        .and_then(|l| l.quantity(name))
        .unwrap_or(0)
}

fn group(state: &mut State, input: &Map<String, Value>, done: &[Done]) -> Obj {
    let changes = done.iter().map(|(name, delta, variant, location)| {
        Obj::made(
            "InventoryChange",
            vec![
                ("name", (*name).into()),
                ("delta", (*delta).into()),
                ("item", Out::Obj(Obj::Item(*variant))),
                ("location", Out::Obj(Obj::Location(*location))),
            ],
        )
    });
    let text = |name: &str| Out::Json(input.get(name).cloned().unwrap_or_default());
    let changes = Out::list(changes);
    Obj::made(
        "InventoryAdjustmentGroup",
        vec![
            ("id", gid("InventoryAdjustmentGroup", state.id()).into()),
            ("createdAt", time(now())),
            ("reason", text("reason")),
            ("referenceDocumentUri", text("referenceDocumentUri")),
            ("changes", changes),
        ],
    )
}
