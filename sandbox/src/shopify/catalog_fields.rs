//! Fields of variants, inventory and locations.

use serde_json::Value;

use super::engine::{Obj, Out, Refusal};
use super::lists;
use super::resolve::{Arguments, id, page, time};
use super::state::{State, gid, money_text};
use super::stock::NAMES;

pub(super) fn variant(state: &State, id: u64, name: &str) -> Option<Out> {
    let variant = state.variants.get(&id)?;
    Some(match name {
        "id" => gid("ProductVariant", id).into(),
        "sku" => Out::Json(variant.sku.clone().into()),
        "barcode" => Out::Json(variant.barcode.clone().into()),
        "title" => variant.title.as_str().into(),
        "price" => money_text(variant.price).into(),
        "updatedAt" => time(variant.updated_at),
        "inventoryPolicy" => if variant.oversell { "CONTINUE" } else { "DENY" }.into(),
        "inventoryQuantity" => variant
            .levels
            .iter()
            .map(|l| l.available)
            .sum::<i64>()
            .into(),
        "inventoryItem" => Out::Obj(Obj::Item(id)),
        "product" => Out::Obj(Obj::Product(variant.product)),
        "legacyResourceId" => id.to_string().into(),
        _ => return None,
    })
}

/// An inventory item; the state knows it by its variant.
pub(super) fn item(
    state: &State,
    of: u64,
    name: &str,
    arguments: &Arguments,
    bulk: bool,
) -> Result<Option<Out>, Refusal> {
    let Some(variant) = state.variants.get(&of) else {
        return Ok(None);
    };
    Ok(Some(match name {
        "id" => gid("InventoryItem", variant.item).into(),
        "sku" => Out::Json(variant.sku.clone().into()),
        "tracked" => variant.tracked.into(),
        "duplicateSkuCount" => {
            let same = variant.sku.as_ref().and_then(|s| state.by_sku.get(s));
            same.map_or(0, |s| s.len() - 1).into()
        }
        "inventoryLevel" => {
            let location = id(arguments, "locationId", "Location")?;
            Out::option(
                location
                    .filter(|l| state.level(of, *l).is_some_and(|l| l.active))
                    .map(|l| Obj::Level(of, l)),
            )
        }
        "inventoryLevels" => {
            let levels = variant.levels.iter().filter(|l| l.active);
            let all = levels.map(|l| Obj::Level(of, l.location)).collect();
            page("InventoryLevel", all, arguments, bulk)
        }
        _ => return Ok(None),
    }))
}

pub(super) fn product(state: &State, id: u64, name: &str) -> Option<Out> {
    let product = state.products.get(&id)?;
    Some(match name {
        "id" => gid("Product", id).into(),
        "title" => product.title.as_str().into(),
        "status" => product.status.as_str().into(),
        _ => return None,
    })
}

fn level_id(state: &State, variant: u64, location: u64) -> Option<String> {
    let level = state.level(variant, location)?;
    let item = state.variants.get(&variant)?.item;
    Some(format!(
        "gid://shopify/InventoryLevel/{}?inventory_item_id={item}",
        level.id
    ))
}

/// The level that an id like `gid://shopify/InventoryLevel/1?inventory_item_id=2` names.
pub(super) fn level_by_id(state: &State, text: &str) -> Option<Obj> {
    let (_, item) = text.split_once("?inventory_item_id=")?;
    let variant = *state.by_item.get(&item.parse().ok()?)?;
    let levels = &state.variants.get(&variant)?.levels;
    levels
        .iter()
        .find(|l| level_id(state, variant, l.location).as_deref() == Some(text))
        .map(|l| Obj::Level(variant, l.location))
}

pub(super) fn level(
    state: &State,
    variant: u64,
    location: u64,
    name: &str,
    arguments: &Arguments,
) -> Result<Option<Out>, Refusal> {
    let Some(level) = state.level(variant, location) else {
        return Ok(None);
    };
    Ok(Some(match name {
        "id" => Out::Json(level_id(state, variant, location).into()),
        "isActive" => level.active.into(),
        "item" => Out::Obj(Obj::Item(variant)),
        "location" => Out::Obj(Obj::Location(location)),
        "updatedAt" => time(level.updated_at),
        "quantities" => {
            let names = arguments.get("names").and_then(Value::as_array);
            let mut found = Vec::new();
            for name in names.into_iter().flatten().filter_map(Value::as_str) {
                let Some(known) = NAMES.iter().find(|n| **n == name) else {
                    return Err(Refusal::new(
                        "INVALID_FIELD_ARGUMENTS",
                        format!(
                            "The quantity name '{name}' is not valid: it is one of {}.",
                            NAMES.join(", ")
                        ),
                    ));
                };
                found.push(Some(Obj::Quantity(variant, location, known)));
            }
            Out::List(found)
        }
        _ => return Ok(None),
    }))
}

pub(super) fn quantity(
    state: &State,
    variant: u64,
    location: u64,
    which: &'static str,
    name: &str,
) -> Option<Out> {
    let level = state.level(variant, location)?;
    Some(match name {
        "name" => which.into(),
        "quantity" => level.quantity(which)?.into(),
        "updatedAt" => time(level.updated_at),
        "id" => {
            let item = state.variants.get(&variant)?.item;
            format!(
                "gid://shopify/InventoryQuantity/{}?inventory_item_id={item}&name={which}",
                level.id
            )
            .into()
        }
        _ => return None,
    })
}

pub(super) fn location(
    state: &mut State,
    id: u64,
    name: &str,
    arguments: &Arguments,
    bulk: bool,
) -> Result<Option<Out>, Refusal> {
    if name == "inventoryLevels" {
        return lists::levels(state, id, arguments, bulk).map(Some);
    }
    let Some(location) = state.locations.get(&id) else {
        return Ok(None);
    };
    Ok(Some(match name {
        "id" => gid("Location", id).into(),
        "legacyResourceId" => id.to_string().into(),
        "name" => location.name.as_str().into(),
        "isActive" | "fulfillsOnlineOrders" | "shipsInventory" => location.active.into(),
        "isFulfillmentService" => false.into(),
        "updatedAt" => time(location.updated_at),
        _ => return Ok(None),
    }))
}
