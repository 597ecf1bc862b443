//! The only place that speaks Shopify.

mod address;
mod bulk;
mod client;
mod operations;
mod orders;
mod throttle;

pub use client::{ShopAuth, ShopConfig};

use std::collections::BTreeMap;

use cynic::{MutationBuilder, QueryBuilder};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::{Fault, Instant, LevelChange, Location, ShopInfo, ShopOrder, Variant};
use crate::net;
use client::{Call, Client};
use operations as op;

/// Access scopes that the app needs. A `write_` scope contains the matching `read_`.
pub const SCOPES: [&str; 9] = [
    "read_products",
    "read_inventory",
    "write_inventory",
    "read_locations",
    "read_orders",
    "write_orders",
    "read_customers",
    "write_customers",
    "read_merchant_managed_fulfillment_orders",
];

/// Pages of one walk before it starts anew behind the last id: Shopify ends a walk at 25,000 objects.
const PAGES: usize = 99;

/// A page of variants.
#[derive(Clone, Debug, Default)]
pub struct VariantPage {
    /// In the order of their ids.
    pub variants: Vec<Variant>,
    /// Where to go on.
    pub next: Option<String>,
}

/// A page of orders.
#[derive(Clone, Debug, Default)]
pub struct ShopOrderPage {
    /// In the order of their last change.
    pub orders: Vec<ShopOrder>,
    /// Where to go on.
    pub next: Option<String>,
}

/// A client of one shop. Everything that is sent to the shop shares its throttle and token.
pub struct Shop {
    client: Client,
}

/// An operation as a call; the struct's name is the operation's.
fn query<Q, V>(name: &'static str, operation: cynic::Operation<Q, V>) -> Call
where
    V: Serialize,
{
    call(name, operation, false, false)
}

fn mutation<Q, V>(name: &'static str, operation: cynic::Operation<Q, V>) -> Call
where
    V: Serialize,
{
    call(name, operation, true, false)
}

fn call<Q, V: Serialize>(name: &'static str, operation: cynic::Operation<Q, V>, writes: bool, urgent: bool) -> Call {
    let body = serde_json::json!({
        "operationName": name,
        "query": operation.query,
        "variables": operation.variables,
    });
    Call { name, body, writes, urgent }
}

fn id(text: &str) -> cynic::Id {
    cynic::Id::new(text)
}

fn instant(text: &op::DateTime, field: &str) -> Result<Instant, Fault> {
    text.0.parse().map_err(|_| Fault::Protocol { detail: format!("{field} \"{}\" is not a time", text.0) })
}

/// A count that Shopify's schema makes signed.
fn unsigned(n: i32) -> u32 {
    u32::try_from(n).unwrap_or(0)
}

impl Shop {
    /// A client; nothing is sent yet.
    pub fn new(config: ShopConfig, http: net::Client) -> Self {
        Self { client: Client::new(config, http) }
    }

    async fn run<T: DeserializeOwned>(&self, call: Call) -> Result<T, Fault> {
        self.client.run(call).await
    }

    /// Who the shop is, and what the token may do.
    pub async fn probe(&self) -> Result<ShopInfo, Fault> {
        let found: op::ShopProbe = self.run(query("ShopProbe", op::ShopProbe::build(()))).await?;
        Ok(ShopInfo {
            id: found.shop.id.into_inner(),
            name: found.shop.name,
            domain: found.shop.myshopify_domain,
            currency: found.shop.currency_code.0,
            timezone: found.shop.iana_timezone,
            scopes: found.current_app_installation.access_scopes.into_iter().map(|s| s.handle).collect(),
            api_version: crate::shop::API_VERSION.to_owned(),
        })
    }

    /// Scopes that the app needs and does not have.
    pub fn missing_scopes(info: &ShopInfo) -> Vec<&'static str> {
        let has = |scope: &str| info.scopes.iter().any(|s| s == scope || scope.strip_prefix("read_").is_some_and(|r| *s == format!("write_{r}")));
        SCOPES.into_iter().filter(|s| !has(s)).collect()
    }

    /// Where the shop keeps stock, inactive places included.
    pub async fn locations(&self) -> Result<Vec<Location>, Fault> {
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let found: op::Locations = self.run(query("Locations", op::Locations::build(op::After { after }))).await?;
            all.extend(found.locations.nodes.into_iter().map(|l| Location {
                id: l.id.into_inner(),
                name: l.name,
                active: l.is_active,
                ships_online: l.fulfills_online_orders,
                fulfillment_service: l.is_fulfillment_service,
            }));
            match next(&found.locations.page_info) {
                Some(cursor) => after = Some(cursor),
                None => return Ok(all),
            }
        }
    }

    /// How many variants there are.
    pub async fn variant_count(&self) -> Result<u64, Fault> {
        let found: op::VariantCount = self.run(query("VariantCount", op::VariantCount::build(()))).await?;
        Ok(found.product_variants_count.map_or(0, |c| u64::from(unsigned(c.count))))
    }

    /// A page of variants with their stock, in the order of their ids; only those changed since, when given. The
    /// `locations` that count decide how many levels are asked for with each.
    pub async fn variants_page(&self, cursor: Option<&str>, since: Option<Instant>, locations: &[String]) -> Result<VariantPage, Fault> {
        let place = Walk::parse(cursor)?;
        let mut terms = Vec::new();
        if let Some(since) = since {
            terms.push(format!("updated_at:>='{}'", second(since)));
        }
        if let Some(behind) = &place.behind {
            terms.push(format!("id:>{behind}"));
        }
        let levels = i32::try_from(locations.len()).unwrap_or(op::MOST_LEVELS).clamp(op::LEAST_LEVELS, op::MOST_LEVELS);
        let variables = op::VariantsVariables {
            first: op::VARIANTS,
            after: place.after.clone(),
            query: (!terms.is_empty()).then(|| terms.join(" AND ")),
            levels,
        };
        let found: op::VariantsPage = self.run(query("VariantsPage", op::VariantsPage::build(variables))).await?;
        let connection = found.product_variants;
        let next = next(&connection.page_info).and_then(|after| place.next(after, connection.nodes.last().map(|v| v.id.inner())));
        let mut variants = Vec::with_capacity(connection.nodes.len());
        let mut more = Vec::new();
        for v in connection.nodes {
            if v.inventory_item.inventory_levels.page_info.has_next_page {
                more.push(v.id.into_inner());
                continue;
            }
            let levels = v.inventory_item.inventory_levels.nodes;
            variants.push(variant(v.id, v.sku, v.title, &v.updated_at, v.product, v.inventory_item.id, v.inventory_item.tracked, levels)?);
        }
        for chunk in more.chunks(op::IDS) {
            variants.extend(self.variants_by_id(chunk).await?);
        }
        Ok(VariantPage { variants, next })
    }

    /// Variants by id with all their stock. Unknown ids are left out.
    pub async fn variants_by_id(&self, ids: &[String]) -> Result<Vec<Variant>, Fault> {
        let mut variants = Vec::new();
        for chunk in ids.chunks(op::IDS) {
            let variables = op::VariantIds { ids: chunk.iter().map(|i| id(i)).collect(), levels: op::ALL_LEVELS };
            let found: op::VariantsById = self.run(query("VariantsById", op::VariantsById::build(variables))).await?;
            for node in found.nodes.into_iter().flatten() {
                if let op::VariantNode::ProductVariant(v) = node {
                    let levels = v.inventory_item.inventory_levels.nodes;
                    variants.push(variant(v.id, v.sku, v.title, &v.updated_at, v.product, v.inventory_item.id, v.inventory_item.tracked, levels)?);
                }
            }
        }
        Ok(variants)
    }

    /// Stock at a location that changed since then.
    pub async fn levels_changed_since(&self, location: &str, since: Instant) -> Result<Vec<LevelChange>, Fault> {
        let mut changes = Vec::new();
        let mut after = None;
        for _ in 0..PAGES {
            let variables = op::LevelsVariables {
                location: id(location),
                first: op::CHANGED_LEVELS,
                after,
                query: format!("updated_at:>='{}'", second(since)),
            };
            let found: op::LevelsChangedSince = self.run(query("LevelsChangedSince", op::LevelsChangedSince::build(variables))).await?;
            let levels = found
                .location
                .ok_or_else(|| Fault::Missing { detail: format!("the shop has no location {location} any more; choose others with `lockstep channel set`") })?
                .inventory_levels;
            for level in levels.nodes {
                if let Some(available) = available(&level.quantities) {
                    changes.push(LevelChange {
                        item: level.item.id.into_inner(),
                        location: location.to_owned(),
                        available,
                        updated_at: instant(&level.updated_at, "inventoryLevel.updatedAt")?,
                    });
                }
            }
            match next(&levels.page_info) {
                Some(cursor) => after = Some(cursor),
                None => return Ok(changes),
            }
        }
        // More changed than one walk may see: everything is read instead.
        let all = self.variants_bulk(|_| ()).await?;
        Ok(all
            .into_iter()
            .filter_map(|v| Some(LevelChange { available: *v.available.get(location)?, item: v.item, location: location.to_owned(), updated_at: v.updated_at }))
            .collect())
    }
}

/// Version of the Admin API that the operations are written for.
pub const API_VERSION: &str = "2026-10";

/// Name and text of every operation that the client can send.
pub fn operations() -> Vec<(&'static str, String)> {
    let ids = || vec![id("gid://shopify/Order/1")];
    let by_id = || op::ById { id: id("gid://shopify/Order/1") };
    let custom = || op::CustomId { namespace: None, key: String::new(), value: String::new() };
    vec![
        ("ShopProbe", op::ShopProbe::build(()).query),
        ("Locations", op::Locations::build(op::After { after: None }).query),
        ("VariantCount", op::VariantCount::build(()).query),
        ("VariantsPage", op::VariantsPage::build(op::VariantsVariables { first: 1, after: None, query: None, levels: 1 }).query),
        ("VariantsById", op::VariantsById::build(op::VariantIds { ids: ids(), levels: 1 }).query),
        (
            "LevelsChangedSince",
            op::LevelsChangedSince::build(op::LevelsVariables { location: id("l"), first: 1, after: None, query: String::new() }).query,
        ),
        ("BulkRunQuery", op::BulkRunQuery::build(op::BulkVariables { query: String::new() }).query),
        ("BulkPoll", op::BulkPoll::build(by_id()).query),
        ("BulkVariants", op::BULK_VARIANTS.to_owned()),
        (
            "OrderCreate",
            op::OrderCreate::build(op::CreateVariables {
                order: op::OrderInput::default(),
                options: op::CreateOptions { inventory_behaviour: None, send_receipt: None, send_fulfillment_receipt: None },
            })
            .query,
        ),
        ("OrderByReference", op::OrderByReference::build(op::OrderIdentifierVariables { identifier: op::OrderIdentifier::CustomId(custom()) }).query),
        ("OrdersSearch", op::OrdersSearch::build(op::SearchVariables { query: None, first: 1 }).query),
        ("CreatedOrdersById", op::CreatedOrdersById::build(op::OrderIds { ids: ids() }).query),
        ("OrdersUpdatedSince", op::OrdersUpdatedSince::build(op::UpdatedVariables { query: String::new(), after: None, first: 1 }).query),
        ("OrdersById", op::OrdersById::build(op::OrderIds { ids: ids() }).query),
        ("WholeOrder", op::WholeOrder::build(by_id()).query),
        (
            "CancelOrder",
            op::CancelOrder::build(op::CancelVariables { order: id("o"), reason: op::CancelReason::from("OTHER"), restock: true, note: String::new() }).query,
        ),
        ("CancelPoll", op::CancelPoll::build(op::JobVariables { job: id("j"), order: id("o") }).query),
        ("OrderLocations", op::OrderLocations::build(by_id()).query),
        (
            "RemoveUnits",
            op::RemoveUnits::build(op::RefundVariables {
                input: op::RefundInput { order_id: id("o"), note: None, notify: None, refund_line_items: None },
                key: String::new(),
            })
            .query,
        ),
        (
            "DefinitionCreate",
            op::DefinitionCreate::build(op::DefinitionVariables {
                definition: op::DefinitionInput { owner_type: op::OwnerType::from("ORDER"), namespace: None, key: String::new(), name: String::new(), kind: String::new() },
            })
            .query,
        ),
        (
            "ChannelCustomer",
            op::ChannelCustomer::build(op::CustomerVariables {
                identifier: op::CustomerIdentifier::CustomId(custom()),
                input: op::CustomerFields { first_name: None, last_name: None, note: None, tags: None },
            })
            .query,
        ),
    ]
}

fn next(page: &op::PageInfo) -> Option<String> {
    page.end_cursor.clone().filter(|_| page.has_next_page)
}

/// To the second: the search takes no more.
fn second(at: Instant) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn available(quantities: &[op::InventoryQuantity]) -> Option<i64> {
    quantities.iter().find(|q| q.name == "available").map(|q| i64::from(q.quantity))
}

#[allow(clippy::too_many_arguments)]
fn variant(
    id: cynic::Id,
    sku: Option<String>,
    title: String,
    updated_at: &op::DateTime,
    product: op::Product,
    item: cynic::Id,
    tracked: bool,
    levels: Vec<op::Level>,
) -> Result<Variant, Fault> {
    let available: BTreeMap<String, i64> = levels.into_iter().filter_map(|l| Some((l.location.id.into_inner(), available(&l.quantities)?))).collect();
    Ok(Variant {
        id: id.into_inner(),
        // Every product without choices has one variant that is called so.
        title: if title == "Default Title" { product.title } else { format!("{} ({title})", product.title) },
        product: product.id.into_inner(),
        item: item.into_inner(),
        sku,
        active: product.status.0 == "ACTIVE",
        tracked,
        available,
        updated_at: instant(updated_at, "productVariant.updatedAt")?,
    })
}

/// Where a walk over variants is: Shopify's cursor, pages so far, and the id behind which it was started anew.
#[derive(Default)]
struct Walk {
    pages: usize,
    behind: Option<String>,
    after: Option<String>,
}

impl Walk {
    fn parse(cursor: Option<&str>) -> Result<Self, Fault> {
        let Some(cursor) = cursor else { return Ok(Self::default()) };
        let mut parts = cursor.splitn(3, ':');
        let broken = || Fault::Other { detail: format!("\"{cursor}\" is no cursor of this client") };
        let pages = parts.next().and_then(|p| p.parse().ok()).ok_or_else(broken)?;
        let behind = parts.next().ok_or_else(broken)?;
        let after = parts.next().ok_or_else(broken)?;
        let some = |t: &str| Some(t.to_owned()).filter(|t| !t.is_empty());
        Ok(Self { pages, behind: some(behind), after: some(after) })
    }

    fn next(&self, after: String, last: Option<&str>) -> Option<String> {
        if self.pages + 1 < PAGES {
            return Some(format!("{}:{}:{after}", self.pages + 1, self.behind.as_deref().unwrap_or("")));
        }
        let number = last?.rsplit('/').next()?;
        Some(format!("0:{number}:"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_walk_starts_anew_behind_the_last_id() {
        let mut cursor = None;
        for page in 0..250u64 {
            let walk = Walk::parse(cursor.as_deref()).expect("a cursor");
            if page == 99 || page == 198 {
                assert_eq!((walk.after, walk.behind), (None, Some((page - 1).to_string())));
            }
            let walk = Walk::parse(cursor.as_deref()).expect("a cursor");
            cursor = walk.next(format!("c:{page}"), Some(&format!("gid://shopify/ProductVariant/{page}")));
        }
        assert!(Walk::parse(Some("x")).is_err());
    }

    #[test]
    fn write_scopes_contain_read_scopes() {
        let mut info = ShopInfo {
            id: String::new(),
            name: String::new(),
            domain: String::new(),
            currency: String::new(),
            timezone: String::new(),
            scopes: ["read_products", "write_inventory", "read_locations", "write_orders", "write_customers"].map(str::to_owned).to_vec(),
            api_version: String::new(),
        };
        assert_eq!(Shop::missing_scopes(&info), ["read_merchant_managed_fulfillment_orders"]);
        info.scopes.clear();
        assert_eq!(Shop::missing_scopes(&info).len(), SCOPES.len());
    }

    #[test]
    fn every_operation_carries_its_own_name() {
        for (name, text) in operations() {
            let head = text.trim_start().split(['(', '{', ' ']).filter(|w| !w.is_empty()).nth(1);
            assert_eq!(head, Some(name), "{text}");
        }
    }
}
