//! Reads which stock changed at a location.

use jiff::ToSpan;

use super::types::{PageInfo, schema};
use super::variants::{Quantity, available};
use super::walk::MOST;
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
    /// Stock that changed at a location (id) since a time. One call when little did.
    pub async fn levels_changed_since(
        &self,
        location: &str,
        since: Instant,
    ) -> Result<Vec<LevelChange>, Fault> {
        let mut found = Vec::new();
        let mut windows = vec![(since, None)];
        while let Some((from, to)) = windows.pop() {
            if self.levels_within(location, from, to, &mut found).await? {
                continue;
            }
            // More than Shopify pages through: read both halves of the window by themselves.
            let end = to.unwrap_or_else(Instant::now);
            let half = end.duration_since(from).as_secs() / 2;
            if half < 1 {
                return Err(Fault::Other {
                    detail: format!(
                        "more than {MOST} stock levels at {location} changed within two seconds of {from}; the next whole read of the catalogue catches them"
                    ),
                });
            }
            let middle = from.checked_add(half.seconds()).unwrap_or(end);
            windows.push((middle, to));
            windows.push((from, Some(middle)));
        }
        Ok(found)
    }

    /// Reads one window of time; false when it holds more than Shopify pages through.
    async fn levels_within(
        &self,
        location: &str,
        from: Instant,
        to: Option<Instant>,
        found: &mut Vec<LevelChange>,
    ) -> Result<bool, Fault> {
        let mut query = format!("updated_at:>='{}'", search_time(from));
        if let Some(to) = to {
            query = format!("{query} AND updated_at:<'{}'", search_time(to));
        }
        let before = found.len();
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
                return Ok(true);
            }
            if found.len() - before + CHANGES_PER_PAGE as usize > MOST as usize {
                found.truncate(before);
                return Ok(false);
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
