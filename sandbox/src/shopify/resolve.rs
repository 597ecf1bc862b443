//! Fields of the query root and of the objects that are neither catalog nor order.

use serde_json::{Map, Value, json};

use super::engine::{Connection, Obj, Out, Refusal};
use super::state::{State, gid, iso, number_of, parse_gid};
use super::{VERSION, VERSIONS, catalog_fields, lists, order_fields};
use std::sync::Arc;

/// Arguments of a field.
pub(super) type Arguments = Map<String, Value>;

/// Resolves a field of an object.
pub(super) fn field(
    state: &mut State,
    object: &Obj,
    name: &str,
    arguments: &Arguments,
    bulk: bool,
) -> Result<Out, Refusal> {
    let found = match object {
        Obj::Query => query(state, name, arguments)?,
        Obj::Variant(id) => catalog_fields::variant(state, *id, name),
        Obj::Item(id) => catalog_fields::item(state, *id, name, arguments, bulk)?,
        Obj::Product(id) => catalog_fields::product(state, *id, name),
        Obj::Level(variant, location) => {
            catalog_fields::level(state, *variant, *location, name, arguments)?
        }
        Obj::Quantity(variant, location, which) => {
            catalog_fields::quantity(state, *variant, *location, which, name)
        }
        Obj::Location(id) => catalog_fields::location(state, *id, name, arguments, bulk)?,
        Obj::Order(id) => order_fields::order(state, *id, name, arguments, bulk)?,
        Obj::Line(order, at) => order_fields::line(state, *order, *at, name),
        Obj::Fulfillment(order, at) => {
            order_fields::fulfillment(state, *order, *at, name, arguments, bulk)?
        }
        Obj::FulfillmentOrder(order, at) => {
            order_fields::fulfillment_order(state, *order, *at, name, arguments, bulk)?
        }
        Obj::Refund(order, at) => order_fields::refund(state, *order, *at, name, arguments, bulk)?,
        Obj::Customer(id) => customer(state, *id, name),
        Obj::Bulk(id) => state.bulk.get(id).and_then(|b| b.field(*id, name)),
        Obj::Connection(page) => connection(page, name),
        Obj::Edge(_, node) => (name == "node").then(|| Out::Obj((**node).clone())),
        Obj::Made(made) => {
            if made.kind == "FulfillmentHold" && name == "heldByApp" {
                require(state, "heldByApp", "read_apps")?;
            }
            made.fields
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, value)| value.clone())
        }
    };
    found.ok_or_else(|| {
        Refusal::new(
            "INTERNAL_SERVER_ERROR",
            format!("the sandbox has no value for the field {name}"),
        )
    })
}

/// The global id of an object.
pub(super) fn id_of(state: &mut State, object: &Obj) -> Option<String> {
    match field(state, object, "id", &Arguments::new(), true) {
        Ok(Out::Json(Value::String(id))) => Some(id),
        _ => None,
    }
}

/// Refuses a field whose scope the app does not have.
pub(super) fn require(state: &State, field: &str, scope: &str) -> Result<(), Refusal> {
    let scopes = &state.config.switches.scopes;
    let implied = scope.replace("read_", "write_");
    if scopes.iter().any(|s| s == scope || *s == implied) {
        return Ok(());
    }
    Err(Refusal::new(
        "ACCESS_DENIED",
        format!("Access denied for {field} field. Required access: `{scope}` access scope."),
    ))
}

/// The page of a short list whose rows do not move.
pub(super) fn page(of: &'static str, all: Vec<Obj>, arguments: &Arguments, bulk: bool) -> Out {
    let skip = arguments
        .get("after")
        .and_then(Value::as_str)
        .and_then(lists::read_cursor)
        .map_or(0, |c| usize::try_from(c.value).unwrap_or(0));
    let first = if bulk { usize::MAX } else { first(arguments) };
    let total = all.len();
    let nodes: Vec<Obj> = all.into_iter().skip(skip).take(first).collect();
    let end = skip + nodes.len();
    Out::Obj(Obj::Connection(Arc::new(Connection {
        of,
        has_next: end < total,
        end: (!nodes.is_empty()).then(|| lists::write_cursor(end as i64, 0, end)),
        nodes,
    })))
}

/// The `first` of a list, all of it when not given.
pub(super) fn first(arguments: &Arguments) -> usize {
    arguments
        .get("first")
        .and_then(Value::as_u64)
        .map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX))
}

/// A required id argument of one kind: the number, or none for an id of something else.
pub(super) fn id(arguments: &Arguments, name: &str, kind: &str) -> Result<Option<u64>, Refusal> {
    let Some(text) = text(arguments, name) else {
        return Ok(None);
    };
    if parse_gid(text).is_none() {
        return Err(Refusal::new(
            "INVALID_FIELD_ARGUMENTS",
            format!("Invalid global id '{text}'"),
        ));
    }
    Ok(number_of(text, kind))
}

pub(super) fn text<'a>(arguments: &'a Arguments, name: &str) -> Option<&'a str> {
    arguments.get(name).and_then(Value::as_str)
}

fn connection(page: &Arc<Connection>, name: &str) -> Option<Out> {
    Some(match name {
        "nodes" => Out::list(page.nodes.iter().cloned()),
        "edges" => Out::list(
            page.nodes
                .iter()
                .map(|n| Obj::Edge(page.of, Box::new(n.clone()))),
        ),
        "pageInfo" => Out::Obj(Obj::made(
            "PageInfo",
            vec![
                ("hasNextPage", page.has_next.into()),
                ("endCursor", Out::Json(page.end.clone().into())),
            ],
        )),
        _ => return None,
    })
}

fn query(state: &mut State, name: &str, arguments: &Arguments) -> Result<Option<Out>, Refusal> {
    let scope = match name {
        "productVariants" | "productVariantsCount" => Some("read_products"),
        "inventoryItem" => Some("read_inventory"),
        "location" | "locations" => Some("read_locations"),
        "order" | "orders" | "orderByIdentifier" | "fulfillment" => Some("read_orders"),
        "fulfillmentOrders" => Some("read_merchant_managed_fulfillment_orders"),
        "customerByIdentifier" => Some("read_customers"),
        _ => None,
    };
    if let Some(scope) = scope {
        require(state, name, scope)?;
    }
    let part = |state: &State, kind: &str, make: fn(u64, usize) -> Obj| {
        Ok::<_, Refusal>(Out::option(
            id(arguments, "id", kind)?
                .and_then(|n| state.parts.get(&n))
                .map(|(order, at)| make(*order, *at)),
        ))
    };
    Ok(Some(match name {
        "shop" => Out::Obj(shop(state)),
        "currentAppInstallation" => Out::Obj(installation(state)),
        "publicApiVersions" => Out::list(VERSIONS.into_iter().map(api_version)),
        "nodes" => Out::List(
            arguments
                .get("ids")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .map(|id| node(state, id.as_str().unwrap_or_default()))
                .collect::<Result<_, _>>()?,
        ),
        "productVariants" => lists::variants(state, arguments)?,
        "productVariantsCount" => {
            let limit = arguments.get("limit").and_then(Value::as_u64);
            let all = state.variants.len() as u64;
            let count = limit.map_or(all, |l| all.min(l));
            let precision = if count < all { "AT_LEAST" } else { "EXACT" };
            Out::Obj(Obj::made(
                "Count",
                vec![("count", count.into()), ("precision", precision.into())],
            ))
        }
        "inventoryItem" => Out::option(
            id(arguments, "id", "InventoryItem")?
                .and_then(|n| state.by_item.get(&n))
                .map(|variant| Obj::Item(*variant)),
        ),
        "locations" => lists::locations(state, arguments),
        "location" => Out::option(match text(arguments, "id") {
            None => state.main_location().map(Obj::Location),
            Some(_) => id(arguments, "id", "Location")?
                .filter(|n| state.locations.contains_key(n))
                .map(Obj::Location),
        }),
        "orders" => lists::orders(state, arguments)?,
        "order" => Out::option(
            id(arguments, "id", "Order")?
                .filter(|n| lists::visible(state, *n))
                .map(Obj::Order),
        ),
        "orderByIdentifier" => {
            let found = by_identifier(state, "ORDER", "Order", arguments)?;
            Out::option(found.filter(|n| lists::visible(state, *n)).map(Obj::Order))
        }
        "fulfillment" => part(state, "Fulfillment", Obj::Fulfillment)?,
        "fulfillmentOrders" => lists::fulfillment_orders(state, arguments)?,
        "customerByIdentifier" => {
            let found = by_identifier(state, "CUSTOMER", "Customer", arguments)?;
            Out::option(found.map(Obj::Customer))
        }
        "job" => {
            let id = text(arguments, "id").unwrap_or_default();
            Out::option(state.jobs.get(id).map(|done| job(id, *done)))
        }
        "bulkOperation" => Out::option(
            id(arguments, "id", "BulkOperation")?
                .filter(|n| state.bulk.contains_key(n))
                .map(Obj::Bulk),
        ),
        "bulkOperations" => {
            let mut all: Vec<Obj> = state.bulk.keys().map(|id| Obj::Bulk(*id)).collect();
            if arguments.get("reverse") == Some(&Value::Bool(true)) {
                all.reverse();
            }
            page("BulkOperation", all, arguments, false)
        }
        "metafieldDefinitions" => {
            let wanted = |argument: &str, have: &str| {
                text(arguments, argument).is_none_or(|wanted| wanted == have)
            };
            let namespace = text(arguments, "namespace").map(|n| state.namespace(Some(n)));
            let all = state
                .definitions
                .iter()
                .filter(|d| {
                    wanted("ownerType", &d.owner)
                        && wanted("key", &d.key)
                        && namespace.as_ref().is_none_or(|n| *n == d.namespace)
                })
                .map(definition)
                .collect();
            page("MetafieldDefinition", all, arguments, false)
        }
        "webhookSubscriptions" => {
            let all = state.subscriptions.iter().map(|s| s.object()).collect();
            page("WebhookSubscription", all, arguments, false)
        }
        _ => return Ok(None),
    }))
}

/// Any object by its id.
fn node(state: &State, text: &str) -> Result<Option<Obj>, Refusal> {
    let Some((kind, n)) = parse_gid(text) else {
        return Err(Refusal::new(
            "INVALID_FIELD_ARGUMENTS",
            format!("Invalid global id '{text}'"),
        ));
    };
    let part = |make: fn(u64, usize) -> Obj| state.parts.get(&n).map(|(o, at)| make(*o, *at));
    Ok(match kind {
        "ProductVariant" => state.variants.contains_key(&n).then_some(Obj::Variant(n)),
        "InventoryItem" => state.by_item.get(&n).map(|v| Obj::Item(*v)),
        "InventoryLevel" => catalog_fields::level_by_id(state, text),
        "Product" => state.products.contains_key(&n).then_some(Obj::Product(n)),
        "Location" => state.locations.contains_key(&n).then_some(Obj::Location(n)),
        "Order" => lists::visible(state, n).then_some(Obj::Order(n)),
        "LineItem" => part(Obj::Line),
        "Fulfillment" => part(Obj::Fulfillment),
        "FulfillmentOrder" => part(Obj::FulfillmentOrder),
        "Refund" => part(Obj::Refund),
        "Customer" => state.customers.contains_key(&n).then_some(Obj::Customer(n)),
        "BulkOperation" => state.bulk.contains_key(&n).then_some(Obj::Bulk(n)),
        _ => None,
    })
}

/// Looks an order or a customer up by id or by a unique metafield value.
fn by_identifier(
    state: &State,
    owner: &'static str,
    kind: &str,
    arguments: &Arguments,
) -> Result<Option<u64>, Refusal> {
    let identifier = arguments.get("identifier").and_then(Value::as_object);
    let Some((which, value)) = identifier.and_then(one_of) else {
        return Err(one_of_refusal("identifier"));
    };
    match which {
        "customId" => {
            let given = |name: &str| value.get(name).and_then(Value::as_str);
            let namespace = state.namespace(given("namespace"));
            let key = given("key").unwrap_or_default();
            if !state.is_defined(owner, &namespace, key) {
                return Err(Refusal::new(
                    "NOT_FOUND",
                    "Metafield definition of type 'id' is required when using custom ids.",
                ));
            }
            let value = given("value").unwrap_or_default();
            let found = state
                .custom_ids
                .get(&(owner, namespace, key.to_owned(), value.to_owned()));
            Ok(found.and_then(|ids| ids.first().copied()))
        }
        "emailAddress" => Ok(state
            .customers
            .iter()
            .find(|(_, c)| c.email.as_deref() == value.as_str())
            .map(|(id, _)| *id)),
        "phoneNumber" => Ok(state
            .customers
            .iter()
            .find(|(_, c)| c.phone.as_deref() == value.as_str())
            .map(|(id, _)| *id)),
        _ => {
            let found = value.as_str().and_then(|text| number_of(text, kind));
            Ok(found.filter(|n| match owner {
                "ORDER" => state.orders.contains_key(n),
                _ => state.customers.contains_key(n),
            }))
        }
    }
}

/// The member of a `@oneOf` input that is set, when it is exactly one.
pub(super) fn one_of(input: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut set = input.iter().filter(|(_, v)| !v.is_null());
    let (name, value) = set.next()?;
    (set.next().is_none() && input.len() == 1).then_some((name.as_str(), value))
}

pub(super) fn one_of_refusal(what: &str) -> Refusal {
    Refusal::new(
        "INVALID_VARIABLE",
        format!(
            "'{what}' is a OneOf input: exactly one of its members has to be given, and not null"
        ),
    )
}

pub(super) fn job(id: &str, done: bool) -> Obj {
    Obj::made("Job", vec![("id", id.into()), ("done", done.into())])
}

pub(super) fn api_version(handle: &str) -> Obj {
    let supported = handle != "unstable" && handle <= VERSION;
    Obj::made(
        "ApiVersion",
        vec![("handle", handle.into()), ("supported", supported.into())],
    )
}

pub(super) fn definition(d: &super::state::Definition) -> Obj {
    let kind = Obj::made(
        "MetafieldDefinitionType",
        vec![("name", d.kind.as_str().into())],
    );
    let unique = Obj::made(
        "MetafieldCapabilityUniqueValues",
        vec![("enabled", (d.kind == "id").into())],
    );
    let capabilities = Obj::made(
        "MetafieldCapabilities",
        vec![("uniqueValues", Out::Obj(unique))],
    );
    Obj::made(
        "MetafieldDefinition",
        vec![
            ("id", gid("MetafieldDefinition", d.id).into()),
            ("namespace", d.namespace.as_str().into()),
            ("key", d.key.as_str().into()),
            ("type", Out::Obj(kind)),
            ("capabilities", Out::Obj(capabilities)),
        ],
    )
}

fn app(state: &State) -> Obj {
    Obj::made(
        "App",
        vec![
            ("id", gid("App", state.app).into()),
            ("handle", "lockstep".into()),
            ("title", "Lockstep".into()),
        ],
    )
}

fn installation(state: &State) -> Obj {
    let scopes = state.config.switches.scopes.iter();
    let scopes = scopes.map(|s| Obj::made("AccessScope", vec![("handle", s.as_str().into())]));
    Obj::made(
        "AppInstallation",
        vec![
            ("id", gid("AppInstallation", state.app + 1).into()),
            ("app", Out::Obj(app(state))),
            ("accessScopes", Out::list(scopes)),
        ],
    )
}

fn shop(state: &State) -> Obj {
    let config = &state.config;
    let (plan, plus) = match config.bucket.1 {
        rate if rate >= 1_000.0 => ("Shopify Plus", true),
        rate if rate >= 200.0 => ("Advanced", false),
        _ => ("Basic", false),
    };
    let development = config.switches.orders_per_minute.is_some();
    let plan = Obj::made(
        "ShopPlan",
        vec![
            (
                "publicDisplayName",
                if development { "Development" } else { plan }.into(),
            ),
            ("partnerDevelopment", development.into()),
            ("shopifyPlus", plus.into()),
        ],
    );
    Obj::made(
        "Shop",
        vec![
            ("id", gid("Shop", state.shop).into()),
            ("name", config.name.as_str().into()),
            (
                "myshopifyDomain",
                format!("{}.myshopify.com", config.shop).into(),
            ),
            ("currencyCode", config.currency.as_str().into()),
            ("ianaTimezone", "Australia/Sydney".into()),
            ("taxesIncluded", true.into()),
            ("taxShipping", true.into()),
            ("plan", Out::Obj(plan)),
        ],
    )
}

fn customer(state: &State, id: u64, name: &str) -> Option<Out> {
    let customer = state.customers.get(&id)?;
    let optional = |text: &Option<String>| Out::Json(text.clone().into());
    Some(match name {
        "id" => gid("Customer", id).into(),
        "firstName" => optional(&customer.first_name),
        "lastName" => optional(&customer.last_name),
        "displayName" => {
            let names = [&customer.first_name, &customer.last_name];
            let full: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
            if full.is_empty() {
                optional(&customer.email.clone().or(Some("Customer".to_owned())))
            } else {
                full.join(" ").into()
            }
        }
        "note" => optional(&customer.note),
        "tags" => Out::Json(json!(customer.tags)),
        _ => return None,
    })
}

/// A fulfillment hold; `heldByApp` answers only with the scope for it.
pub(super) fn hold(state: &State, id: u64, reason: &str) -> Obj {
    let words = reason.replace('_', " ").to_lowercase();
    Obj::made(
        "FulfillmentHold",
        vec![
            ("id", gid("FulfillmentHold", id).into()),
            ("reason", reason.into()),
            ("reasonNotes", Out::NULL),
            ("displayReason", words.into()),
            ("heldByApp", Out::Obj(app(state))),
        ],
    )
}

pub(super) fn time(second: i64) -> Out {
    iso(second).into()
}

pub(super) fn time_option(second: Option<i64>) -> Out {
    Out::Json(second.map(iso).into())
}
