//! Writing stock.

use std::collections::HashMap;

use serde_json::{Value, json};

use lockstep_sdk::http::Path;

use crate::api::Api;
use crate::listings;
use lockstep_sdk::http::Method;
use lockstep_sdk::json::Node;
use lockstep_sdk::stock::{Level, Outcome, Settlement};
use lockstep_sdk::types::{Fault, Rejection};

/// Most rows of one call.
const BATCH: usize = 100;
/// Most calls of one push. A refused batch is split to find the row at fault; this bounds the search.
const CALLS: usize = 40;

/// A product's new number.
type Row = (u64, u32);

/// Writes levels; one outcome each, in order.
pub fn push(api: Api<'_>, levels: &[Level]) -> Result<Vec<Outcome>, Fault> {
    let ids: Vec<Option<u64>> = levels
        .iter()
        .map(|level| level.listing.parse().ok())
        .collect();
    // What happens to a product that is named twice is not described: only its last number is sent.
    let mut rows: Vec<Row> = Vec::new();
    let mut at: HashMap<u64, usize> = HashMap::new();
    for (id, level) in ids.iter().zip(levels) {
        let Some(id) = *id else { continue };
        match at.get(&id) {
            Some(index) => rows[*index].1 = level.quantity,
            None => {
                at.insert(id, rows.len());
                rows.push((id, level.quantity));
            }
        }
    }

    let mut outcomes: HashMap<u64, Outcome> = HashMap::new();
    let mut pending: Vec<&[Row]> = rows.chunks(BATCH).rev().collect();
    let mut calls = 0;
    let mut applied = false;
    while let Some(chunk) = pending.pop() {
        calls += 1;
        match put(api, chunk) {
            Ok(failed) => {
                applied = true;
                let why = reasons(api, &failed);
                for (id, _) in chunk {
                    let outcome = match why.get(id) {
                        Some(fault) => Outcome::Failed(fault.clone()),
                        None => Outcome::Applied,
                    };
                    outcomes.insert(*id, outcome);
                }
            }
            // The whole call is refused and nothing applied, although one row may be to blame.
            Err(Fault::Rejected(_)) if chunk.len() > 1 && calls + pending.len() + 2 <= CALLS => {
                let (left, right) = chunk.split_at(chunk.len() / 2);
                pending.push(right);
                pending.push(left);
            }
            // The search ends here: which of the rows is to blame stays open, so they may be tried again.
            Err(Fault::Rejected(refused)) if chunk.len() > 1 => {
                let fault = Fault::Other(format!(
                    "Seller Center refused {} stock rows together: {}",
                    chunk.len(),
                    refused.detail
                ));
                for (id, _) in chunk {
                    outcomes.insert(*id, Outcome::Failed(fault.clone()));
                }
            }
            Err(fault @ (Fault::Rejected(_) | Fault::Missing(_) | Fault::Conflict(_))) => {
                for (id, _) in chunk {
                    outcomes.insert(*id, Outcome::Failed(fault.clone()));
                }
            }
            // Nothing of this push was written: the fault speaks for all of it.
            Err(fault) if !applied => return Err(fault),
            Err(fault) => {
                let rest = std::iter::once(chunk).chain(pending.drain(..));
                for (id, _) in rest.flatten() {
                    outcomes.insert(*id, Outcome::Failed(fault.clone()));
                }
            }
        }
    }

    Ok(ids
        .iter()
        .zip(levels)
        .map(|(id, level)| {
            let known = id.and_then(|id| outcomes.get(&id).cloned());
            known.unwrap_or_else(|| {
                Outcome::Failed(Fault::reject(format!(
                    "\"{}\" is no product id of Seller Center (a whole number); read the catalogue again",
                    level.listing
                )))
            })
        })
        .collect())
}

/// Stock is written at once, so there are no tickets.
pub fn settle(ticket: &str) -> Result<Settlement, Fault> {
    Err(Fault::Missing(format!(
        "there is no ticket \"{ticket}\": THE ICONIC writes stock at once"
    )))
}

/// Writes one batch and answers the products that the platform ignored.
fn put(api: Api<'_>, rows: &[Row]) -> Result<Vec<u64>, Fault> {
    let body: Vec<Value> = rows
        .iter()
        .map(|(id, quantity)| json!({"productId": id, "quantity": quantity}))
        .collect();
    let answer = api.write(
        Method::Put,
        Path::new("/v2/stock/product"),
        Some(&Value::Array(body)),
    )?;
    // Without a body: nothing failed.
    if answer.is_null() {
        return Ok(Vec::new());
    }
    let node = Node::new(&answer);
    let unreadable = || {
        Fault::UnknownOutcome(format!(
            "PUT /v2/stock/product: the answer does not tell which rows failed: {}",
            node.shortened(200)
        ))
    };
    let failed = node.rows().ok_or_else(unreadable)?;
    failed
        .into_iter()
        .map(|row| {
            let id = row.get("productId").id();
            id.filter(|id| rows.iter().any(|(known, _)| known == id))
                .ok_or_else(unreadable)
        })
        .collect()
}

/// Why products were ignored. The answer does not say, so they are looked up, all in one read.
fn reasons(api: Api<'_>, failed: &[u64]) -> HashMap<u64, Fault> {
    if failed.is_empty() {
        return HashMap::new();
    }
    let products = listings::products_by_id(api, failed);
    let why = |id: u64| {
        let products = match &products {
            Ok(products) => products,
            Err(fault) => {
                return refused(format!(
                    "Seller Center ignored the new stock of product {id} and gave no reason ({})",
                    fault.detail()
                ));
            }
        };
        let mut nodes = products.iter().map(Node::new);
        let Some(product) = nodes.find(|p| p.get("id").id() == Some(id)) else {
            return Fault::Missing(format!(
                "product {id} does not exist in Seller Center or belongs to another seller"
            ));
        };
        if product.get("status").text().as_deref() == Some("deleted") {
            return Fault::Missing(format!("product {id} is deleted in Seller Center"));
        }
        if product.get("shipmentTypeId").int() == Some(1) {
            return refused(format!(
                "product {id} ships from THE ICONIC's warehouse; its stock is not the seller's to set"
            ));
        }
        refused(format!(
            "Seller Center ignored the new stock of product {id} and gave no reason; look at the product there"
        ))
    };
    failed.iter().map(|id| (*id, why(*id))).collect()
}

fn refused(detail: String) -> Fault {
    Fault::Rejected(Rejection { code: None, detail })
}

#[cfg(test)]
#[path = "stock_tests.rs"]
mod tests;
