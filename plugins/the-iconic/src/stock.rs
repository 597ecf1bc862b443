//! Writing stock: a bare list of product ids and numbers, answered with the rows that were NOT applied.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::api::{Api, Http, array};
use crate::exports::lockstep::plugin::stock::{Level, Outcome};
use crate::json;
use crate::listings::why_not;
use crate::lockstep::plugin::http::Method;
use crate::lockstep::plugin::types::{Fault, Rejection};

/// The most rows of one request.
const ROWS: usize = 100;

/// Writes levels; one outcome each, in order.
pub fn push<H: Http>(api: &Api<H>, levels: &[Level]) -> Result<Vec<Outcome>, Fault> {
    // One product twice in a list has no documented meaning: the last number wins.
    let mut wanted: BTreeMap<i64, u32> = BTreeMap::new();
    for level in levels {
        if let Ok(id) = level.listing.parse() {
            wanted.insert(id, level.quantity);
        }
    }
    let rows: Vec<(i64, u32)> = wanted.into_iter().collect();
    let mut outcomes: BTreeMap<i64, Outcome> = BTreeMap::new();
    for chunk in rows.chunks(ROWS) {
        let result = write(api, chunk, &mut outcomes);
        if let Err(fault) = result {
            if outcomes.is_empty() {
                return Err(fault);
            }
            // What came before is known; only the rest shares the fault.
            for (id, _) in &rows {
                outcomes.entry(*id).or_insert_with(|| Outcome::Failed(fault.clone()));
            }
            break;
        }
    }
    let outcome = |level: &Level| {
        let id: Option<i64> = level.listing.parse().ok();
        id.and_then(|id| outcomes.get(&id).cloned())
            .unwrap_or_else(|| Outcome::Failed(rejected(format!("\"{}\" is no product id", level.listing))))
    };
    Ok(levels.iter().map(outcome).collect())
}

fn rejected(detail: String) -> Fault {
    Fault::Rejected(Rejection { code: None, detail })
}

fn write<H: Http>(api: &Api<H>, rows: &[(i64, u32)], outcomes: &mut BTreeMap<i64, Outcome>) -> Result<(), Fault> {
    let body: Vec<Value> = rows.iter().map(|(id, quantity)| json!({"productId": id, "quantity": quantity})).collect();
    match api.write(Method::Put, "/v2/stock/product", &Value::Array(body)) {
        Ok(answer) => {
            let failed = failed(&answer)?;
            let whys = if failed.is_empty() { BTreeMap::new() } else { reasons(api, &failed) };
            for (id, _) in rows {
                let outcome = if failed.contains(id) {
                    Outcome::Failed(rejected(whys.get(id).cloned().unwrap_or_else(|| "Seller Center ignored the row and gives no reason".into())))
                } else {
                    Outcome::Applied
                };
                outcomes.insert(*id, outcome);
            }
            Ok(())
        }
        // One bad row makes the whole request fail: halving finds it, and the others are written.
        Err(Fault::Rejected(_)) if rows.len() > 1 => {
            let (left, right) = rows.split_at(rows.len() / 2);
            write(api, left, outcomes)?;
            write(api, right, outcomes)
        }
        Err(fault @ Fault::Rejected(_)) => {
            outcomes.extend(rows.iter().map(|(id, _)| (*id, Outcome::Failed(fault.clone()))));
            Ok(())
        }
        Err(fault) => Err(fault),
    }
}

/// Product ids of an answer's rows. Nothing at all means that every row was applied.
fn failed(answer: &Value) -> Result<BTreeSet<i64>, Fault> {
    match answer {
        Value::Null => Ok(BTreeSet::new()),
        Value::Array(rows) => rows
            .iter()
            .map(|r| json::int(r, "productId").ok_or_else(|| Fault::UnknownOutcome("PUT /v2/stock/product: a row of the answer names no product".into())))
            .collect(),
        _ => Err(Fault::UnknownOutcome("PUT /v2/stock/product: the answer is not the list of rows that failed".into())),
    }
}

/// Why rows failed, as far as the products tell. A look-up that fails only costs the reason.
fn reasons<H: Http>(api: &Api<H>, ids: &BTreeSet<i64>) -> BTreeMap<i64, String> {
    let texts: Vec<String> = ids.iter().map(i64::to_string).collect();
    let Ok(answer) = api.get(&format!("/v2/products?{}", array("productIds", texts.iter().map(String::as_str)))) else { return BTreeMap::new() };
    let products: BTreeMap<i64, &Value> = json::rows(&answer).iter().filter_map(|p| Some((json::int(p, "id")?, p))).collect();
    ids.iter().map(|id| (*id, why_not(products.get(id).copied()))).collect()
}
