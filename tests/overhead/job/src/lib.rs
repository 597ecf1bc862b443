//! The job that is measured: stock rows in, the numbers to offer out. The same code runs natively, in a component, and
//! in an Extism plugin.

use serde::{Deserialize, Serialize};

/// A row of stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Listing id.
    pub listing: String,
    /// SKU.
    pub sku: String,
    /// Shown.
    pub title: String,
    /// Pieces that can be sold.
    pub sellable: u32,
}

/// Keeps two pieces of every SKU back, and offers half of those on sale.
pub fn offer(sku: &str, sellable: u32) -> u32 {
    let shared = if sku.starts_with("SALE-") {
        sellable / 2
    } else {
        sellable
    };
    shared.saturating_sub(2)
}
