//! What a cycle decides: pure planning over plain values, one file per flow. No I/O, no clock.

pub mod acceptance;
pub mod cancellations;
pub mod carriers;
pub mod extras;
pub mod fulfillments;
pub mod link;
pub mod orders;
pub mod stock;

use std::collections::BTreeMap;

use crate::db::UnitRow;
use crate::model::LineQuantity;

/// Counts units by the channel's order line, as the channel is told of them.
fn by_line<'a>(units: impl Iterator<Item = &'a UnitRow>) -> Vec<LineQuantity> {
    let mut lines: BTreeMap<&str, u32> = BTreeMap::new();
    for u in units {
        *lines.entry(&u.line).or_default() += 1;
    }
    lines
        .into_iter()
        .map(|(line, quantity)| LineQuantity {
            line: line.to_owned(),
            quantity,
        })
        .collect()
}
