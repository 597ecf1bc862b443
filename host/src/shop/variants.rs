//! Reads variants with their stock, by page and by id.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU32, Ordering};

use cynic::queries::VariableMatch;

use super::types::{PageInfo, Word, number_of, schema};
use super::walk::Walk;
use super::{Shop, VariantPage, search_time};
use crate::model::{Fault, Instant, Variant};

/// Variants of one page: the most Shopify gives.
pub(super) const VARIANTS_PER_PAGE: u32 = 250;
/// Inventory levels read with each variant at first.
const LEVELS_AT_FIRST: u32 = 5;
/// The most that they grow to when items have more.
const LEVELS_AT_MOST: u32 = 50;
/// Inventory levels of one page when an item's are read by themselves.
const LEVELS_PER_PAGE: u32 = 250;
/// Variants or items of one call by id.
const IDS_PER_CALL: usize = 100;
/// Items of one call when all their levels are read.
const ITEMS_PER_CALL: usize = 25;

/// How many inventory levels are read with each variant: enough for nearly all items of this shop.
#[derive(Debug)]
pub(super) struct LevelHint(AtomicU32);

impl Default for LevelHint {
    fn default() -> Self {
        Self(AtomicU32::new(LEVELS_AT_FIRST))
    }
}

impl LevelHint {
    /// At least `locations`, the number of locations that matter.
    fn get(&self, locations: usize) -> u32 {
        let wanted = u32::try_from(locations)
            .unwrap_or(LEVELS_AT_MOST)
            .min(LEVELS_AT_MOST);
        self.0.load(Ordering::Relaxed).max(wanted)
    }

    /// The number of locations of the shop, or a sign that an item had more levels than were read.
    pub(super) fn raise(&self, to: u32) {
        self.0.fetch_max(to.min(LEVELS_AT_MOST), Ordering::Relaxed);
    }
}

/// The variables that fragments of several operations read; never sent by itself.
#[derive(cynic::QueryVariables)]
#[expect(dead_code, reason = "only its fields' names and types are used")]
pub(super) struct LevelsVariables {
    levels: i32,
}

#[derive(cynic::QueryVariables)]
pub(super) struct VariantsPageVariables {
    first: i32,
    after: Option<String>,
    query: Option<String>,
    levels: i32,
}

impl VariableMatch<LevelsVariablesFields> for VariantsPageVariablesFields {}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "QueryRoot", variables = "VariantsPageVariables")]
pub(super) struct VariantsPage {
    #[arguments(first: $first, after: $after, query: $query, sortKey: ID)]
    product_variants: ProductVariantConnection,
    // A list of changes does not tell what is gone; the count does.
    #[arguments(limit: null)]
    product_variants_count: Option<CountNode>,
}

#[derive(cynic::QueryFragment)]
#[cynic(variables = "LevelsVariables")]
struct ProductVariantConnection {
    page_info: PageInfo,
    nodes: Vec<VariantNode>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "ProductVariant", variables = "LevelsVariables")]
struct VariantNode {
    id: cynic::Id,
    sku: Option<String>,
    title: String,
    updated_at: Instant,
    product: Product,
    inventory_item: InventoryItem,
}

#[derive(cynic::QueryFragment)]
pub(super) struct Product {
    pub(super) id: cynic::Id,
    pub(super) title: String,
    pub(super) status: Word<schema::ProductStatus>,
}

#[derive(cynic::QueryFragment)]
#[cynic(variables = "LevelsVariables")]
struct InventoryItem {
    id: cynic::Id,
    tracked: bool,
    #[arguments(first: $levels)]
    inventory_levels: LevelConnection,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "InventoryLevelConnection")]
struct LevelConnection {
    page_info: PageInfo,
    nodes: Vec<Level>,
}

/// Stock of one item at one location.
#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "InventoryLevel")]
pub(super) struct Level {
    pub(super) location: LocationId,
    #[arguments(names: ["available"])]
    pub(super) quantities: Vec<Quantity>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Location")]
pub(super) struct LocationId {
    pub(super) id: cynic::Id,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "InventoryQuantity")]
pub(super) struct Quantity {
    name: String,
    quantity: i32,
}

/// `available` among an inventory level's numbers.
pub(super) fn available(quantities: &[Quantity]) -> Option<i64> {
    quantities
        .iter()
        .find(|q| q.name == "available")
        .map(|q| i64::from(q.quantity))
}

fn stock(levels: Vec<Level>) -> impl Iterator<Item = (String, i64)> {
    levels
        .into_iter()
        .filter_map(|l| Some((l.location.id.into_inner(), available(&l.quantities)?)))
}

#[derive(cynic::QueryVariables)]
pub(super) struct VariantsByIdVariables {
    ids: Vec<cynic::Id>,
    levels: i32,
}

impl VariableMatch<LevelsVariablesFields> for VariantsByIdVariablesFields {}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "QueryRoot", variables = "VariantsByIdVariables")]
pub(super) struct VariantsById {
    #[arguments(ids: $ids)]
    nodes: Vec<Option<VariantOrOther>>,
}

#[derive(cynic::InlineFragments)]
#[cynic(graphql_type = "Node", variables = "LevelsVariables")]
enum VariantOrOther {
    Variant(Box<VariantNode>),
    #[cynic(fallback)]
    Other,
}

#[derive(cynic::QueryVariables)]
pub(super) struct LevelsOfItemsVariables {
    ids: Vec<cynic::Id>,
    levels: i32,
}

impl VariableMatch<LevelsVariablesFields> for LevelsOfItemsVariablesFields {}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "QueryRoot", variables = "LevelsOfItemsVariables")]
pub(super) struct LevelsOfItems {
    #[arguments(ids: $ids)]
    nodes: Vec<Option<ItemOrOther>>,
}

#[derive(cynic::InlineFragments)]
#[cynic(graphql_type = "Node", variables = "LevelsVariables")]
enum ItemOrOther {
    Item(InventoryItem),
    #[cynic(fallback)]
    Other,
}

#[derive(cynic::QueryVariables)]
pub(super) struct LevelsOfItemVariables {
    id: cynic::Id,
    first: i32,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "QueryRoot", variables = "LevelsOfItemVariables")]
pub(super) struct LevelsOfItem {
    #[arguments(id: $id)]
    inventory_item: Option<ItemPage>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "InventoryItem", variables = "LevelsOfItemVariables")]
struct ItemPage {
    #[arguments(first: $first, after: $after)]
    inventory_levels: LevelConnection,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "QueryRoot")]
pub(super) struct VariantCount {
    #[arguments(limit: null)]
    product_variants_count: Option<CountNode>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Count")]
struct CountNode {
    count: i32,
}

/// What a variant is called in lists: the product, and the variant where there is more than one.
pub(super) fn title(product: &str, variant: &str) -> String {
    match variant {
        "" | "Default Title" => product.to_owned(),
        _ => format!("{product} - {variant}"),
    }
}

/// Whether a product of this status is sold. A status newer than this program counts as sold: stock that is pushed
/// for nothing harms less than stock that is withheld.
pub(super) fn sold(status: &str) -> bool {
    !matches!(status, "ARCHIVED" | "DRAFT")
}

/// The variant, and whether its item has more levels than were read.
fn variant(node: VariantNode) -> (Variant, bool) {
    let levels = node.inventory_item.inventory_levels;
    let variant = Variant {
        id: node.id.into_inner(),
        product: node.product.id.into_inner(),
        item: node.inventory_item.id.into_inner(),
        sku: node.sku,
        title: title(&node.product.title, &node.title),
        active: sold(node.product.status.text()),
        tracked: node.inventory_item.tracked,
        available: stock(levels.nodes).collect(),
        updated_at: node.updated_at,
    };
    (variant, levels.page_info.has_next_page)
}

fn ids(of: &[String]) -> Vec<cynic::Id> {
    of.iter().map(cynic::Id::new).collect()
}

impl Shop {
    /// How many variants the shop has. One call.
    pub async fn variant_count(&self) -> Result<u64, Fault> {
        let answer: VariantCount = self.endpoint.ask(&()).await?;
        let count = answer.product_variants_count.map_or(0, |c| c.count);
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// A page of variants with their stock at every location, in order of id; only those changed since `since`, if
    /// given. `locations` are those that matter (ids): only their number is used, to read enough levels at once.
    /// `cursor` is the `next` of the page before.
    pub async fn variants_page(
        &self,
        cursor: Option<&str>,
        since: Option<Instant>,
        locations: &[String],
    ) -> Result<VariantPage, Fault> {
        let walk = Walk::parse(cursor)?;
        let mut filters = Vec::new();
        if let Some(since) = since {
            filters.push(format!("updated_at:>='{}'", search_time(since)));
        }
        if !walk.floor.is_empty() {
            filters.push(format!("id:>{}", walk.floor));
        }
        let levels = self.level_hint.get(locations.len());
        let variables = VariantsPageVariables {
            first: VARIANTS_PER_PAGE as i32,
            after: walk.after.clone(),
            query: (!filters.is_empty()).then(|| filters.join(" AND ")),
            levels: levels as i32,
        };
        let page: VariantsPage = self.endpoint.ask_sized(&variables, levels).await?;
        let ProductVariantConnection { page_info, nodes } = page.product_variants;
        let newest = nodes.iter().filter_map(|n| number_of(n.id.inner())).max();
        let read = nodes.len();
        let variants = self.complete(nodes).await?;
        let after = page_info.next("the variants")?;
        let more = after.is_some();
        let next = walk.next(read, VARIANTS_PER_PAGE, after, || {
            newest.map(|n| n.to_string())
        });
        if more && next.is_none() {
            return Err(Fault::Protocol {
                detail: "Shopify's variants have no numbers at the end of their ids: the walk cannot go on after 25,000".into(),
            });
        }
        let total = page
            .product_variants_count
            .and_then(|c| u64::try_from(c.count).ok());
        Ok(VariantPage {
            variants,
            next,
            total,
        })
    }

    /// Variants by id, with their stock at every location. Ids that are gone are left out.
    pub async fn variants_by_id(&self, variants: &[String]) -> Result<Vec<Variant>, Fault> {
        let mut found = Vec::with_capacity(variants.len());
        for chunk in variants.chunks(IDS_PER_CALL) {
            let levels = self.level_hint.get(0);
            let variables = VariantsByIdVariables {
                ids: ids(chunk),
                levels: levels as i32,
            };
            let answer: VariantsById = self
                .endpoint
                .ask_sized(&variables, size_of(chunk.len(), levels))
                .await?;
            let nodes = answer.nodes.into_iter().flatten().filter_map(|n| match n {
                VariantOrOther::Variant(v) => Some(*v),
                VariantOrOther::Other => None,
            });
            found.extend(self.complete(nodes.collect()).await?);
        }
        Ok(found)
    }

    /// Reads the levels that did not fit, so that no stock is cut off unseen.
    async fn complete(&self, nodes: Vec<VariantNode>) -> Result<Vec<Variant>, Fault> {
        let mut variants = Vec::with_capacity(nodes.len());
        let mut cut = Vec::new();
        for node in nodes {
            let (variant, more) = variant(node);
            if more {
                cut.push(variant.item.clone());
            }
            variants.push(variant);
        }
        if cut.is_empty() {
            return Ok(variants);
        }
        self.level_hint.raise(self.level_hint.get(0) * 2);
        cut.sort();
        cut.dedup();
        let mut whole: HashMap<String, BTreeMap<String, i64>> = HashMap::new();
        for chunk in cut.chunks(ITEMS_PER_CALL) {
            let variables = LevelsOfItemsVariables {
                ids: ids(chunk),
                levels: LEVELS_PER_PAGE as i32,
            };
            let answer: LevelsOfItems = self
                .endpoint
                .ask_sized(&variables, chunk.len() as u32)
                .await?;
            for node in answer.nodes.into_iter().flatten() {
                let ItemOrOther::Item(item) = node else {
                    continue;
                };
                let InventoryItem {
                    id,
                    inventory_levels: levels,
                    ..
                } = item;
                let mut available: BTreeMap<String, i64> = stock(levels.nodes).collect();
                let mut after = levels.page_info.next("an item's levels")?;
                while after.is_some() {
                    let variables = LevelsOfItemVariables {
                        id: id.clone(),
                        first: LEVELS_PER_PAGE as i32,
                        after,
                    };
                    let answer: LevelsOfItem = self.endpoint.ask(&variables).await?;
                    let Some(page) = answer.inventory_item else {
                        break;
                    };
                    available.extend(stock(page.inventory_levels.nodes));
                    after = page.inventory_levels.page_info.next("an item's levels")?;
                }
                whole.insert(id.into_inner(), available);
            }
        }
        // An item that is gone by now: its variant is too, and the next read says so.
        variants.retain_mut(|v| match whole.get(&v.item) {
            Some(available) => {
                v.available.clone_from(available);
                true
            }
            None => cut.binary_search(&v.item).is_err(),
        });
        Ok(variants)
    }
}

/// Calls by id are told apart by their size in powers of two, as the cost may grow with the number of ids.
fn size_of(ids: usize, levels: u32) -> u32 {
    (ids.next_power_of_two() as u32) << 8 | levels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles() {
        assert_eq!(title("Surf Tee", "Default Title"), "Surf Tee");
        assert_eq!(title("Surf Tee", "M / Blue"), "Surf Tee - M / Blue");
    }

    #[test]
    fn a_page_is_read() {
        let text = r#"{"productVariantsCount":{"count":1},"productVariants":{"pageInfo":{"hasNextPage":true,"endCursor":"c"},"nodes":[
            {"id":"gid://shopify/ProductVariant/1","sku":null,"title":"M","updatedAt":"2026-11-23T00:00:00Z",
             "product":{"id":"gid://shopify/Product/2","title":"Tee","status":"UNLISTED"},
             "inventoryItem":{"id":"gid://shopify/InventoryItem/3","tracked":true,"inventoryLevels":{
               "pageInfo":{"hasNextPage":true,"endCursor":"d"},
               "nodes":[{"location":{"id":"gid://shopify/Location/4"},"quantities":[{"name":"available","quantity":-2}]}]}}}]}}"#;
        let page: VariantsPage = serde_json::from_str(text).unwrap();
        let (variant, cut) = variant(page.product_variants.nodes.into_iter().next().unwrap());
        assert!(cut && variant.active && variant.tracked && variant.sku.is_none());
        assert_eq!(variant.available.get("gid://shopify/Location/4"), Some(&-2));
        assert_eq!(variant.title, "Tee - M");
    }

    #[test]
    fn the_hint_only_grows() {
        let hint = LevelHint::default();
        assert_eq!(hint.get(2), 5);
        assert_eq!(hint.get(8), 8);
        hint.raise(10);
        hint.raise(3);
        assert_eq!(hint.get(0), 10);
        hint.raise(1_000);
        assert_eq!(hint.get(0), LEVELS_AT_MOST);
    }
}
