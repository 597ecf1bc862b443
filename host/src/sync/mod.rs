//! What a cycle decides: pure planning over plain values, one file per flow. No I/O, no clock.

pub mod acceptance;
pub mod bundles;
pub mod cancellations;
pub mod carriers;
pub mod extras;
pub mod fulfillments;
pub mod link;
pub mod next;
pub mod offers;
pub mod orders;
pub mod stock;

use std::collections::BTreeMap;

use crate::db::UnitRow;
use crate::model::LineQuantity;

/// The pieces of each sold unit: several of a bundle, one of anything else.
pub(crate) fn by_unit(units: &[UnitRow]) -> Vec<Vec<&UnitRow>> {
    let mut sold: BTreeMap<(&str, u32), Vec<&UnitRow>> = BTreeMap::new();
    for u in units {
        sold.entry((&u.line, u.ordinal)).or_default().push(u);
    }
    sold.into_values().collect()
}

/// The one thing in the shop that has the SKU, or in words why there is not one.
pub(crate) fn lone<'a, T>(sku: &str, variants: &'a [T]) -> Result<&'a T, String> {
    match variants {
        [one] => Ok(one),
        [] => Err(format!("no variant in Shopify has the SKU \"{sku}\"")),
        many => Err(format!(
            "{} variants in Shopify have the SKU \"{sku}\"",
            many.len()
        )),
    }
}

/// "1 unit", "2 units".
pub(crate) fn counted(n: u32, what: &str) -> String {
    match n {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

/// Counts sold units by the channel's order line, as the channel is told of them.
fn by_line<'a>(units: impl Iterator<Item = Vec<&'a UnitRow>>) -> Vec<LineQuantity> {
    let mut lines: BTreeMap<&str, u32> = BTreeMap::new();
    for pieces in units {
        *lines.entry(&pieces[0].line).or_default() += 1;
    }
    lines
        .into_iter()
        .map(|(line, quantity)| LineQuantity {
            line: line.to_owned(),
            quantity,
        })
        .collect()
}
