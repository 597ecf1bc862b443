//! Reading every variant in one bulk operation.

use std::collections::BTreeMap;
use std::time::Duration;

use cynic::{MutationBuilder, QueryBuilder};
use serde::Deserialize;

use super::{Shop, available, id, mutation, op, query};
use crate::model::{Fault, Variant};

/// Between two looks, growing.
const POLLS: [u64; 4] = [1, 2, 3, 5];
/// A bulk operation that takes longer is given up, and pages are read.
const LONGEST: Duration = Duration::from_secs(1_800);

/// Why a bulk operation did not bring the variants.
enum Failure {
    /// It is not to be had: pages will do.
    Unusable(String),
    /// Nothing else would work either.
    Fault(Fault),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Denied { detail } => Failure::Unusable(detail),
            other => Failure::Fault(other),
        }
    }
}

/// A line of the file: a variant, or an inventory level of one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    id: String,
    sku: Option<String>,
    title: Option<String>,
    updated_at: Option<op::DateTime>,
    product: Option<op::Product>,
    inventory_item: Option<Item>,
    location: Option<Id>,
    quantities: Option<Vec<op::InventoryQuantity>>,
    #[serde(rename = "__parentId")]
    parent: Option<String>,
}

#[derive(Deserialize)]
struct Item {
    id: String,
    tracked: bool,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

impl Shop {
    /// Every variant with its stock. `progress` is told how many are done while Shopify works.
    pub async fn variants_bulk(&self, progress: impl Fn(u64) + Send + Sync) -> Result<Vec<Variant>, Fault> {
        match self.bulk(&progress).await {
            Ok(variants) => Ok(variants),
            Err(Failure::Fault(fault)) => Err(fault),
            Err(Failure::Unusable(why)) => {
                tracing::info!("no bulk operation ({why}); reading pages instead");
                self.all_pages(&progress).await
            }
        }
    }

    async fn all_pages(&self, progress: &(impl Fn(u64) + Send + Sync)) -> Result<Vec<Variant>, Fault> {
        let mut all = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let page = self.variants_page(cursor.as_deref(), None, &[]).await?;
            all.extend(page.variants);
            progress(all.len() as u64);
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok(all),
            }
        }
    }

    async fn bulk(&self, progress: &(impl Fn(u64) + Send + Sync)) -> Result<Vec<Variant>, Failure> {
        let variables = op::BulkVariables { query: op::BULK_VARIANTS.to_owned() };
        let begun: op::BulkRunQuery = self.run(mutation("BulkRunQuery", op::BulkRunQuery::build(variables))).await.map_err(|f| match f {
            // A second one does no harm: the first is simply not read.
            Fault::UnknownOutcome { detail } => Failure::Unusable(detail),
            other => other.into(),
        })?;
        let payload = begun.bulk_operation_run_query.ok_or_else(|| Failure::Unusable("Shopify answered without a payload".into()))?;
        let Some(operation) = payload.bulk_operation else {
            let words: Vec<String> = payload.user_errors.into_iter().map(|e| e.message).collect();
            return Err(Failure::Unusable(words.join("; ")));
        };
        let started = tokio::time::Instant::now();
        let mut waits = POLLS.into_iter();
        let mut wait = POLLS[0];
        let url = loop {
            wait = waits.next().unwrap_or(wait);
            tokio::time::sleep(Duration::from_secs(wait)).await;
            let variables = op::ById { id: id(operation.id.inner()) };
            let found: op::BulkPoll = self.run(query("BulkPoll", op::BulkPoll::build(variables))).await?;
            let Some(state) = found.bulk_operation else { return Err(Failure::Unusable("the bulk operation is gone".into())) };
            progress(state.root_object_count.0.parse().unwrap_or(0));
            match state.status.0.as_str() {
                "COMPLETED" => break state.url,
                "CREATED" | "RUNNING" | "CANCELING" if started.elapsed() < LONGEST => {}
                other => {
                    let code = state.error_code.map_or_else(String::new, |c| format!(" ({})", c.0));
                    return Err(Failure::Unusable(format!("the bulk operation is {other}{code}")));
                }
            }
        };
        // Without an address there is nothing in it.
        let Some(url) = url else { return Ok(vec![]) };
        let file = self.client.file(&url.0).await?;
        Ok(join(&file)?)
    }
}

/// Puts the lines of a file together. A level's parent is the variant: the item between them is a plain field.
fn join(file: &[u8]) -> Result<Vec<Variant>, Fault> {
    let broken = |line: usize, why: String| Fault::Protocol { detail: format!("line {} of the bulk operation's file: {why}", line + 1) };
    let mut variants: Vec<Variant> = Vec::new();
    let mut place: BTreeMap<String, usize> = BTreeMap::new();
    let mut levels: Vec<(String, String, i64)> = Vec::new();
    for (n, line) in file.split(|b| *b == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let row: Row = serde_json::from_slice(line).map_err(|e| broken(n, e.to_string()))?;
        if let Some(parent) = row.parent {
            let quantity = row.quantities.as_deref().and_then(available);
            if let (Some(location), Some(quantity)) = (row.location, quantity) {
                levels.push((parent, location.id, quantity));
            }
            continue;
        }
        let (Some(product), Some(item), Some(updated_at)) = (row.product, row.inventory_item, row.updated_at) else {
            return Err(broken(n, "a variant without product, inventory item or time".into()));
        };
        place.insert(row.id.clone(), variants.len());
        let tracked = item.tracked;
        let item = cynic::Id::new(item.id);
        variants.push(super::variant(cynic::Id::new(row.id), row.sku, row.title.unwrap_or_default(), &updated_at, product, item, tracked, vec![])?);
    }
    for (parent, location, quantity) in levels {
        let at = place.get(&parent).ok_or_else(|| Fault::Protocol { detail: format!("the bulk operation's file has stock of {parent}, but not the variant") })?;
        variants[*at].available.insert(location, quantity);
    }
    Ok(variants)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_find_their_variant_wherever_they_stand() {
        let file = br#"{"id":"gid:\/\/shopify\/ProductVariant\/1","sku":"A","title":"S","updatedAt":"2026-11-23T00:00:00Z","product":{"id":"p","title":"Tee","status":"ACTIVE"},"inventoryItem":{"id":"i1","tracked":true}}
{"id":"gid:\/\/shopify\/InventoryLevel\/9?inventory_item_id=2","location":{"id":"L2"},"quantities":[{"name":"available","quantity":-1}],"__parentId":"gid:\/\/shopify\/ProductVariant\/2"}
{"id":"gid:\/\/shopify\/ProductVariant\/2","sku":null,"title":"Default Title","updatedAt":"2026-11-23T00:00:00Z","product":{"id":"p","title":"Cap","status":"DRAFT"},"inventoryItem":{"id":"i2","tracked":false}}
{"id":"x","location":{"id":"L1"},"quantities":[{"name":"available","quantity":5}],"__parentId":"gid:\/\/shopify\/ProductVariant\/1"}
"#;
        let variants = join(file).expect("a file");
        assert_eq!(variants[0].available, BTreeMap::from([("L1".to_owned(), 5)]));
        assert_eq!((variants[0].title.as_str(), variants[1].title.as_str()), ("Tee (S)", "Cap"));
        assert_eq!((variants[1].available["L2"], variants[1].active, variants[1].tracked), (-1, false, false));
        let cut = &file[..file.len() - 40];
        assert!(matches!(join(cut), Err(Fault::Protocol { detail }) if detail.starts_with("line 4")));
    }
}
