//! The paged lists: variants, inventory levels, orders, fulfillment orders, locations.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::engine::{Connection, Obj, Out, Refusal};
use super::resolve::{Arguments, first, page, text};
use super::search::{self, Expr, How, Term};
use super::state::{Order, State, Variant, now};

/// The most objects that one walk of pages reaches.
const WALK: usize = 25_000;

/// Where a page ended: the sort value and id of its last row, and how many rows came so far.
pub(super) struct Cursor {
    pub(super) value: i64,
    id: u64,
    so_far: usize,
}

pub(super) fn write_cursor(value: i64, id: u64, so_far: usize) -> String {
    BASE64.encode(json!({"last_value": value, "last_id": id.to_string(), "n": so_far}).to_string())
}

pub(super) fn read_cursor(text: &str) -> Option<Cursor> {
    let json: Value = serde_json::from_slice(&BASE64.decode(text).ok()?).ok()?;
    Some(Cursor {
        value: json["last_value"].as_i64()?,
        id: json["last_id"].as_str()?.parse().ok()?,
        so_far: usize::try_from(json["n"].as_u64()?).ok()?,
    })
}

fn cursor(arguments: &Arguments) -> Result<Option<Cursor>, Refusal> {
    let Some(given) = text(arguments, "after") else {
        return Ok(None);
    };
    let cursor = read_cursor(given)
        .ok_or_else(|| Refusal::new("BAD_REQUEST", format!("Invalid cursor '{given}'.")))?;
    if cursor.so_far >= WALK {
        return Err(Refusal::new(
            "BAD_REQUEST",
            format!(
                "Pagination is limited to {WALK} objects. Narrow the query, or use a bulk operation."
            ),
        ));
    }
    Ok(Some(cursor))
}

/// Takes a page from rows that come in their order, already past the cursor.
fn take(
    of: &'static str,
    rows: impl Iterator<Item = (i64, u64, Obj)>,
    from: Option<&Cursor>,
    limit: usize,
) -> Out {
    let so_far = from.map_or(0, |c| c.so_far);
    let limit = limit.min(WALK - so_far.min(WALK));
    let mut nodes = Vec::new();
    let mut last = None;
    let mut has_next = false;
    for (value, id, object) in rows {
        if nodes.len() == limit {
            has_next = true;
            break;
        }
        nodes.push(object);
        last = Some((value, id));
    }
    let end = last.map(|(value, id)| write_cursor(value, id, so_far + nodes.len()));
    Out::Obj(Obj::Connection(Arc::new(Connection {
        of,
        nodes,
        has_next,
        end,
    })))
}

/// Parses `query` and notes fields that the list cannot be searched by.
fn parse(state: &mut State, list: &str, arguments: &Arguments, known: &[&str]) -> Expr {
    let Some(query) = text(arguments, "query") else {
        return Expr::All;
    };
    let parsed = search::parse(query);
    let unknown: Vec<&str> = parsed
        .terms()
        .into_iter()
        .filter_map(|t| t.field.as_deref())
        .filter(|f| !known.contains(f) && !f.starts_with("metafields."))
        .collect();
    for field in unknown {
        state.mistake(
            list,
            &format!("\"{field}\" is not a search field of this list; Shopify ignores the term"),
        );
    }
    parsed
}

/// The lower bound in seconds that a query puts on `updated_at`.
fn updated_since(query: &Expr) -> Option<i64> {
    query
        .required()
        .into_iter()
        .filter(|t| t.field.as_deref() == Some("updated_at"))
        .filter_map(|t| match t.how {
            How::AtLeast | How::Is => t.instant(),
            How::More => t.instant().map(|at| at + 1),
            _ => None,
        })
        .max()
}

fn instant(term: &Term, have: i64) -> bool {
    term.instant().is_some_and(|at| term.compares(&have, &at))
}

fn number(term: &Term, have: i128) -> bool {
    term.number().is_some_and(|n| term.compares(&have, &n))
}

const VARIANT_FIELDS: &[&str] = &[
    "sku",
    "barcode",
    "id",
    "product_id",
    "product_ids",
    "product_status",
    "location_id",
    "inventory_quantity",
    "updated_at",
    "title",
    "tag",
    "vendor",
];

fn variant_matches(state: &State, id: u64, variant: &Variant, term: &Term) -> bool {
    let product = state.products.get(&variant.product);
    let sku = variant.indexed_sku.as_deref().unwrap_or_default();
    match term.field.as_deref() {
        None => {
            let title = product.map_or("", |p| p.title.as_str());
            term.matches_words(sku)
                || term.matches_words(title)
                || term.matches_words(&variant.title)
                || variant
                    .barcode
                    .as_deref()
                    .is_some_and(|b| term.matches_whole(b))
        }
        Some("sku") => term.matches_words(sku),
        Some("barcode") => variant
            .barcode
            .as_deref()
            .is_some_and(|b| term.matches_whole(b)),
        Some("id") => number(term, id.into()),
        Some("product_id") => number(term, variant.product.into()),
        Some("product_ids") => term
            .value
            .split(',')
            .any(|n| n.trim().parse() == Ok(variant.product)),
        Some("product_status") => term
            .value
            .split(',')
            .any(|s| product.is_some_and(|p| p.status.eq_ignore_ascii_case(s.trim()))),
        Some("location_id") => variant
            .levels
            .iter()
            .any(|l| number(term, l.location.into())),
        Some("inventory_quantity") => number(
            term,
            variant.levels.iter().map(|l| i128::from(l.available)).sum(),
        ),
        Some("updated_at") => instant(term, variant.indexed_at),
        Some("title") => term.matches_words(&variant.title),
        Some("tag" | "vendor") => false,
        Some(_) => true,
    }
}

/// Ids that can match at all, when an index can tell.
fn candidates(state: &State, query: &Expr) -> Option<BTreeSet<u64>> {
    match query {
        Expr::All | Expr::Not(_) => None,
        Expr::And(parts) => parts
            .iter()
            .filter_map(|p| candidates(state, p))
            .min_by_key(BTreeSet::len),
        Expr::Or(parts) => parts.iter().try_fold(BTreeSet::new(), |mut all, part| {
            all.append(&mut candidates(state, part)?);
            Some(all)
        }),
        Expr::Term(term) => match (term.field.as_deref(), term.how) {
            (Some("sku"), How::Is) if !term.prefix => {
                let words = search::words(&term.value);
                let sets = words.iter().map(|w| state.by_word.get(w));
                let rarest = sets.min_by_key(|s| s.map_or(0, BTreeSet::len))?;
                Some(rarest.cloned().unwrap_or_default())
            }
            (Some("id"), How::Is) => Some(
                term.number()
                    .and_then(|n| u64::try_from(n).ok())
                    .into_iter()
                    .collect(),
            ),
            (Some("updated_at"), How::AtLeast | How::More) => {
                let since = term.instant()?;
                let range = state.by_updated.range((since, 0)..);
                Some(range.map(|(_, id)| *id).collect())
            }
            _ => None,
        },
    }
}

/// The lowest id that a query lets through.
fn least_id(query: &Expr) -> u64 {
    query
        .required()
        .into_iter()
        .filter(|t| t.field.as_deref() == Some("id"))
        .filter_map(|t| match t.how {
            How::More => t.number().map(|n| n + 1),
            How::AtLeast | How::Is => t.number(),
            _ => None,
        })
        .filter_map(|n| u64::try_from(n).ok())
        .max()
        .unwrap_or(0)
}

pub(super) fn variants(state: &mut State, arguments: &Arguments) -> Result<Out, Refusal> {
    let query = parse(state, "productVariants", arguments, VARIANT_FIELDS);
    let from = cursor(arguments)?;
    let start = from.as_ref().map_or(0, |c| c.id + 1).max(least_id(&query));
    let state = &*state;
    let fits = |id: u64| {
        state
            .variants
            .get(&id)
            .is_some_and(|v| query.matches(&|t| variant_matches(state, id, v, t)))
    };
    let row = |id: u64| (0, id, Obj::Variant(id));
    let limit = first(arguments);
    Ok(match candidates(state, &query) {
        Some(few) => {
            let rows = few.range(start..).copied().filter(|id| fits(*id)).map(row);
            take("ProductVariant", rows, from.as_ref(), limit)
        }
        None => {
            let ids = state.variants.range(start..).map(|(id, _)| *id);
            let rows = ids.filter(|id| fits(*id)).map(row);
            take("ProductVariant", rows, from.as_ref(), limit)
        }
    })
}

/// Variants that a bulk query exports, in the order of their ids.
pub(super) fn bulk_variants(state: &mut State, arguments: &Arguments) -> Vec<u64> {
    let query = parse(state, "productVariants", arguments, VARIANT_FIELDS);
    let state = &*state;
    state
        .variants
        .iter()
        .filter(|(id, v)| query.matches(&|t| variant_matches(state, **id, v, t)))
        .map(|(id, _)| *id)
        .collect()
}

/// Levels of a location.
pub(super) fn levels(
    state: &mut State,
    location: u64,
    arguments: &Arguments,
    bulk: bool,
) -> Result<Out, Refusal> {
    let fields = &[
        "updated_at",
        "id",
        "inventory_item_id",
        "item_id",
        "created_at",
    ];
    let query = parse(state, "inventoryLevels", arguments, fields);
    let Some(place) = state.locations.get(&location) else {
        return Ok(page("InventoryLevel", Vec::new(), arguments, bulk));
    };
    let from = cursor(arguments)?;
    let after = from.as_ref().map(|c| (c.value, c.id));
    let lower = match (updated_since(&query), after) {
        (_, Some(after)) => Bound::Excluded(after),
        (Some(since), None) => Bound::Included((since, 0)),
        (None, None) => Bound::Unbounded,
    };
    let matches = |term: &Term, at: i64, variant: u64| match term.field.as_deref() {
        Some("updated_at") => instant(term, at),
        Some("inventory_item_id" | "item_id") => state
            .variants
            .get(&variant)
            .is_some_and(|v| number(term, v.item.into())),
        Some("id") => state
            .level(variant, location)
            .is_some_and(|l| number(term, l.id.into())),
        _ => true,
    };
    let rows = place
        .by_updated
        .range((lower, Bound::Unbounded))
        .filter(|(at, variant)| query.matches(&|t| matches(t, *at, *variant)))
        .filter(|(_, variant)| state.level(*variant, location).is_some_and(|l| l.active))
        .map(|(at, variant)| (*at, *variant, Obj::Level(*variant, location)));
    let limit = if bulk { usize::MAX } else { first(arguments) };
    Ok(take("InventoryLevel", rows, from.as_ref(), limit))
}

/// Orders that a bulk query exports, in the order of their ids.
pub(super) fn bulk_orders(state: &mut State, arguments: &Arguments) -> Vec<u64> {
    let query = parse(state, "orders", arguments, ORDER_FIELDS);
    let state = &*state;
    state
        .orders
        .iter()
        .filter(|(id, o)| visible(state, **id) && order_fits(state, **id, o, &query))
        .map(|(id, _)| *id)
        .collect()
}

const ORDER_FIELDS: &[&str] = &[
    "id",
    "name",
    "source_identifier",
    "source_name",
    "tag",
    "tag_not",
    "created_at",
    "updated_at",
    "processed_at",
    "cancelled_at",
    "status",
    "financial_status",
    "fulfillment_status",
    "po_number",
    "email",
    "customer_id",
    "sku",
    "test",
];

/// Without `read_all_orders` old orders are not there.
pub(super) fn visible(state: &State, id: u64) -> bool {
    let switches = &state.config.switches;
    let all = switches.scopes.iter().any(|s| s == "read_all_orders");
    state.orders.get(&id).is_some_and(|order| {
        all || order.created_at >= now() - i64::from(switches.order_days) * 86_400
    })
}

fn order_fits(state: &State, id: u64, order: &Order, query: &Expr) -> bool {
    *query == Expr::All || query.matches(&|t| order_matches(state, id, order, t))
}

fn order_matches(state: &State, id: u64, order: &Order, term: &Term) -> bool {
    let Some(indexed) = &order.indexed else {
        return false;
    };
    match term.field.as_deref() {
        None => {
            term.matches_words(&indexed.name) || indexed.tags.iter().any(|t| term.matches_whole(t))
        }
        Some("id") => number(term, id.into()),
        Some("name") => {
            let bare = |text: &str| text.trim_start_matches('#').to_owned();
            let term = Term {
                value: bare(&term.value),
                ..term.clone()
            };
            term.matches_whole(&bare(&indexed.name))
        }
        Some("source_identifier") => indexed
            .source_identifier
            .as_deref()
            .is_some_and(|s| term.matches_whole(s)),
        Some("source_name") => order
            .source_name
            .as_deref()
            .is_some_and(|s| term.matches_whole(s)),
        Some("tag") => indexed.tags.iter().any(|t| term.matches_whole(t)),
        Some("tag_not") => !indexed.tags.iter().any(|t| term.matches_whole(t)),
        Some("created_at") => instant(term, order.created_at),
        Some("updated_at") => instant(term, indexed.updated_at),
        Some("processed_at") => instant(term, order.processed_at),
        Some("cancelled_at") => order.cancelled_at.is_some_and(|at| instant(term, at)),
        Some("status") => term.value == "any" || term.matches_whole(indexed.status),
        Some("financial_status") => term.matches_whole(&indexed.financial),
        Some("fulfillment_status") => {
            let value = match term.value.as_str() {
                "shipped" => "fulfilled",
                "unshipped" => "unfulfilled",
                "partial" => "partially_fulfilled",
                other => other,
            };
            indexed.fulfillment.eq_ignore_ascii_case(value)
        }
        Some("po_number") => order
            .po_number
            .as_deref()
            .is_some_and(|p| term.matches_whole(p)),
        Some("email") => order
            .email
            .as_deref()
            .is_some_and(|e| term.matches_whole(e)),
        Some("customer_id") => order.customer.is_some_and(|c| number(term, c.into())),
        Some("sku") => order
            .lines
            .iter()
            .any(|l| l.sku.as_deref().is_some_and(|s| term.matches_words(s))),
        Some("test") => true,
        Some(field) => match field
            .strip_prefix("metafields.")
            .and_then(|f| f.rsplit_once('.'))
        {
            Some((namespace, key)) => order.metafields.iter().any(|m| {
                m.namespace.to_lowercase() == state.namespace(Some(namespace)).to_lowercase()
                    && m.key.to_lowercase() == key
                    && m.value == term.value
            }),
            None => true,
        },
    }
}

/// Since 2026-10 a filter on a metafield without a definition is an error.
fn check_metafield_filters(state: &State, query: &Expr) -> Result<(), Refusal> {
    for term in query.terms() {
        let field = term.field.as_deref().unwrap_or_default();
        if let Some((namespace, key)) = field
            .strip_prefix("metafields.")
            .and_then(|f| f.rsplit_once('.'))
            && !state.definitions.iter().any(|d| {
                d.owner == "ORDER"
                    && d.namespace.to_lowercase() == state.namespace(Some(namespace)).to_lowercase()
                    && d.key.to_lowercase() == key
            })
        {
            return Err(Refusal::new(
                "BAD_REQUEST",
                format!(
                    "Invalid search filter: there is no metafield definition for {namespace}.{key}."
                ),
            ));
        }
    }
    Ok(())
}

pub(super) fn orders(state: &mut State, arguments: &Arguments) -> Result<Out, Refusal> {
    let query = parse(state, "orders", arguments, ORDER_FIELDS);
    check_metafield_filters(state, &query)?;
    let state = &*state;
    let from = cursor(arguments)?;
    let sort = text(arguments, "sortKey").unwrap_or("PROCESSED_AT");
    let reverse = arguments.get("reverse") == Some(&Value::Bool(true));
    let through_index = query != Expr::All || state.config.switches.unfiltered_lists_lag;
    let fits = |id: u64, order: &Order| {
        (!through_index || order.indexed.is_some())
            && visible(state, id)
            && order_fits(state, id, order, &query)
    };
    let limit = first(arguments);
    if sort == "UPDATED_AT" && through_index && !reverse {
        // The one list that is read again and again: walk the index instead of sorting.
        let lower = match (from.as_ref(), updated_since(&query)) {
            (Some(c), _) => Bound::Excluded((c.value, c.id)),
            (None, Some(since)) => Bound::Included((since, 0)),
            (None, None) => Bound::Unbounded,
        };
        let rows = state
            .orders_by_updated
            .range((lower, Bound::Unbounded))
            .filter(|(_, id)| state.orders.get(id).is_some_and(|o| fits(*id, o)))
            .map(|(at, id)| (*at, *id, Obj::Order(*id)));
        return Ok(take("Order", rows, from.as_ref(), limit));
    }
    let value = |id: u64, order: &Order| -> i64 {
        match sort {
            "CREATED_AT" => order.created_at,
            "UPDATED_AT" => order.updated_at,
            "PROCESSED_AT" => order.processed_at,
            "ORDER_NUMBER" => i64::try_from(order.number).unwrap_or(i64::MAX),
            "TOTAL_PRICE" | "CURRENT_TOTAL_PRICE" => {
                let cents = order.current_total() * rust_decimal::Decimal::ONE_HUNDRED;
                cents.round().try_into().unwrap_or(i64::MAX)
            }
            // The other keys sort by texts that no client of this store pages by.
            _ => i64::try_from(id).unwrap_or(i64::MAX),
        }
    };
    let mut rows: Vec<(i64, u64, Obj)> = state
        .orders
        .iter()
        .filter(|(id, o)| fits(**id, o))
        .map(|(id, o)| (value(*id, o), *id, Obj::Order(*id)))
        .collect();
    rows.sort_by_key(|(value, id, _)| (*value, *id));
    if reverse {
        rows.reverse();
    }
    let past = |row: &(i64, u64, Obj)| match &from {
        None => true,
        Some(c) if reverse => (row.0, row.1) < (c.value, c.id),
        Some(c) => (row.0, row.1) > (c.value, c.id),
    };
    Ok(take(
        "Order",
        rows.into_iter().filter(past),
        from.as_ref(),
        limit,
    ))
}

pub(super) fn fulfillment_orders(state: &mut State, arguments: &Arguments) -> Result<Out, Refusal> {
    let fields = &["assigned_location_id", "id", "status", "updated_at"];
    let query = parse(state, "fulfillmentOrders", arguments, fields);
    let from = cursor(arguments)?;
    let closed_too = arguments.get("includeClosed") == Some(&Value::Bool(true));
    let by_time = text(arguments, "sortKey") == Some("UPDATED_AT");
    let mut rows = Vec::new();
    for (order_id, order) in &state.orders {
        for (at, f) in order.fulfillment_orders.iter().enumerate() {
            let status = f.status();
            if !closed_too && matches!(status, "CLOSED" | "CANCELLED") {
                continue;
            }
            let matches = |term: &Term| match term.field.as_deref() {
                Some("status") => term.matches_whole(status),
                Some("id") => number(term, f.id.into()),
                Some("assigned_location_id") => number(term, f.location.into()),
                Some("updated_at") => instant(term, f.updated_at),
                _ => true,
            };
            if query.matches(&matches) {
                let value = if by_time { f.updated_at } else { 0 };
                rows.push((value, f.id, Obj::FulfillmentOrder(*order_id, at)));
            }
        }
    }
    rows.sort_by_key(|(value, id, _)| (*value, *id));
    let past = |row: &(i64, u64, Obj)| {
        from.as_ref()
            .is_none_or(|c| (row.0, row.1) > (c.value, c.id))
    };
    let rows = rows.into_iter().filter(past);
    Ok(take(
        "FulfillmentOrder",
        rows,
        from.as_ref(),
        first(arguments),
    ))
}

pub(super) fn locations(state: &State, arguments: &Arguments) -> Out {
    let inactive_too = arguments.get("includeInactive") == Some(&Value::Bool(true));
    let mut all: Vec<(u64, &str)> = state
        .locations
        .iter()
        .filter(|(_, l)| l.active || inactive_too)
        .map(|(id, l)| (*id, l.name.as_str()))
        .collect();
    if text(arguments, "sortKey") != Some("ID") {
        all.sort_by_key(|(_, name)| *name);
    }
    let all = all.into_iter().map(|(id, _)| Obj::Location(id)).collect();
    page("Location", all, arguments, false)
}
