//! Reads which stock changed at a location.

use super::types::{PageInfo, schema};
use super::variants::{Quantity, available};
use super::{Shop, search_time};
use crate::model::{Fault, Instant, LevelChange};

/// Levels of one page: the most Shopify gives.
const CHANGES_PER_PAGE: u32 = 250;

#[derive(cynic::QueryVariables)]
pub(super) struct LevelsChangedVariables {
    location: cynic::Id,
    first: i32,
    after: Option<String>,
    query: String,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "QueryRoot", variables = "LevelsChangedVariables")]
pub(super) struct LevelsChanged {
    #[arguments(id: $location)]
    location: Option<Location>,
}

#[derive(cynic::QueryFragment)]
#[cynic(variables = "LevelsChangedVariables")]
struct Location {
    // Inactive levels too: an item that was taken off the location must be seen to go.
    #[arguments(first: $first, after: $after, query: $query, includeInactive: true)]
    inventory_levels: InventoryLevelConnection,
}

#[derive(cynic::QueryFragment)]
struct InventoryLevelConnection {
    page_info: PageInfo,
    nodes: Vec<InventoryLevel>,
}

#[derive(cynic::QueryFragment)]
struct InventoryLevel {
    is_active: bool,
    updated_at: Instant,
    item: ItemId,
    #[arguments(names: ["available"])]
    quantities: Vec<Quantity>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "InventoryItem")]
struct ItemId {
    id: cynic::Id,
}

impl Shop {
    /// Stock that changed at a location (id) since a time, none when that is more than `most`. One call when little did.
    pub async fn levels_changed_since(
        &self,
        location: &str,
        since: Instant,
        most: usize,
    ) -> Result<Option<Vec<LevelChange>>, Fault> {
        let mut found = Vec::new();
        let query = format!("updated_at:>='{}'", search_time(since));
        let mut after = None;
        loop {
            let variables = LevelsChangedVariables {
                location: location.into(),
                first: CHANGES_PER_PAGE as i32,
                after,
                query: query.clone(),
            };
            let answer: LevelsChanged = self.endpoint.ask(&variables).await?;
            let Some(place) = answer.location else {
                return Err(Fault::Missing {
                    detail: format!(
                        "the shop has no location {location} any more; choose the channel's locations again"
                    ),
                });
            };
            let InventoryLevelConnection { page_info, nodes } = place.inventory_levels;
            found.extend(
                nodes
                    .into_iter()
                    .filter_map(|level| change(location, level)),
            );
            after = page_info.next("the changed stock levels")?;
            if after.is_none() {
                return Ok(Some(found));
            }
            if found.len() >= most {
                return Ok(None);
            }
        }
    }
}

fn change(location: &str, level: InventoryLevel) -> Option<LevelChange> {
    let available = if level.is_active {
        available(&level.quantities)?
    } else {
        0
    };
    Some(LevelChange {
        item: level.item.id.into_inner(),
        location: location.to_owned(),
        available,
        updated_at: level.updated_at,
    })
}
