//! Stock: the reads, and the synchronous write keyed by product id.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::call::Call;
use super::reply::{Answer, Refusal, Reply};
use super::state::{Product, State};
use super::switches::{DuplicateRows, Tolerance};

impl State {
    fn stock_row(&self, product: &Product, with_id: bool) -> Value {
        let consignments = match product.consigned {
            0 => Value::Null,
            n => json!({
                "received": n, "quarantined": 0, "defective": 0, "canceled": 0, "returned": 0, "failed": 0,
            }),
        };
        let unverified = match self.switches.pre_verification_stock {
            true => product.unverified,
            false => 0,
        };
        let mut row = json!({
            "shopSku": product.shop_sku, "sellerSku": product.seller_sku, "name": product.name,
            "quantity": product.quantity, "reservedStock": product.reserved,
            "preVerificationStock": unverified,
            "available": product.available(self.switches.pre_verification_stock),
            "consignments": consignments, "sellableStock": product.consigned,
            "nonSellableStock": 0, "warehouses": [],
        });
        if with_id {
            row["productId"] = json!(product.id);
        }
        if self.switches.nulls_in_required {
            row["shopSku"] = Value::Null;
            row["preVerificationStock"] = Value::Null;
        }
        row
    }

    /// Writes one figure. False when this product takes none.
    pub(super) fn write_stock(&mut self, id: u64, quantity: i64) -> bool {
        match self.products.get_mut(&id) {
            Some(product) if product.status != "deleted" && product.shipment_type.id() != 1 => {
                product.quantity = quantity;
                product.writes += 1;
                self.stock_writes += 1;
                true
            }
            _ => false,
        }
    }
}

/// `GET /v2/stock/product/{product}`.
pub(super) fn of_product(state: &mut State, call: &Call) -> Answer {
    let id = call.id("product")?;
    let product = state.products.get(&id);
    let product = product.ok_or_else(|| Refusal::missing(format!("Product {id}")))?;
    Reply::ok(state.stock_row(product, state.switches.product_id_in_set_stock))
}

/// `GET /v2/stock/product-set/{set}`.
pub(super) fn of_set(state: &mut State, call: &Call) -> Answer {
    let id = call.id("set")?;
    let set = state
        .set(id)
        .ok_or_else(|| Refusal::missing(format!("Product set {id}")))?;
    let rows = set.products.iter().filter_map(|id| state.products.get(id));
    let with_id = state.switches.product_id_in_set_stock;
    Reply::ok(rows.map(|p| state.stock_row(p, with_id)).collect())
}

/// `PUT /v2/stock/product`. The answer lists the rows that failed.
pub(super) fn put(state: &mut State, call: &Call) -> Answer {
    let body = call.json()?;
    let Value::Array(rows) = &body else {
        return Err(Refusal::unprocessable(
            "The body has to be an array of products and quantities",
        ));
    };
    let max = state.switches.stock_rows_max;
    if rows.len() > max {
        return Err(Refusal::unprocessable(format!(
            "At most {max} products can be updated at once, {} given",
            rows.len()
        )));
    }
    let mut wanted = Vec::with_capacity(rows.len());
    let mut failed = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let id = row.get("productId").and_then(Value::as_u64);
        let quantity = row
            .get("quantity")
            .and_then(Value::as_i64)
            .filter(|q| *q >= 0);
        match (id, quantity) {
            (Some(id), Some(quantity)) => wanted.push((id, quantity)),
            _ if state.switches.malformed_stock_rows == Tolerance::Refused => {
                return Err(Refusal::unprocessable(format!(
                    "Row {index} needs an integer productId and an integer quantity of at least 0, not {row}"
                )));
            }
            _ => {
                state.mistake(format!(
                    "PUT /v2/stock/product: row {index} is malformed: {row}"
                ));
                failed.push(row.clone());
            }
        }
    }
    let mut seen = HashSet::new();
    if let Some((twice, _)) = wanted.iter().find(|(id, _)| !seen.insert(*id)) {
        state.mistake(format!(
            "PUT /v2/stock/product: product {twice} is in the list twice"
        ));
        match state.switches.duplicate_stock_rows {
            DuplicateRows::Refused => {
                return Err(Refusal::unprocessable(format!(
                    "Product {twice} is in the list twice"
                )));
            }
            DuplicateRows::LastWins => {}
            DuplicateRows::FirstWins => {
                let mut seen = HashSet::new();
                wanted.retain(|(id, _)| seen.insert(*id));
            }
        }
    }
    if state.switches.unusable_stock_rows == Tolerance::Refused {
        let usable = |id: &u64| {
            let product = state.products.get(id);
            product.is_some_and(|p| p.status != "deleted" && p.shipment_type.id() != 1)
        };
        if let Some((id, _)) = wanted.iter().find(|(id, _)| !usable(id)) {
            return Err(Refusal::unprocessable(format!(
                "Product {id} takes no stock from the seller"
            )));
        }
    }
    for (id, quantity) in wanted {
        if !state.write_stock(id, quantity) {
            state.conflict(format!(
                "PUT /v2/stock/product: product {id} takes no stock from the seller"
            ));
            failed.push(json!({"productId": id, "quantity": quantity}));
        }
    }
    Reply::ok(Value::Array(failed))
}

/// `GET /v2/warehouses`: the seller has none set up.
pub(super) fn warehouses(_: &mut State, _: &Call) -> Answer {
    Reply::ok(json!([]))
}
