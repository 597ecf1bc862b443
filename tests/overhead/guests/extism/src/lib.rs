//! The job as an Extism plugin: JSON in, JSON out, as its kit does it.

use extism_pdk::{FnResult, Json, plugin_fn};
use job::Row;

#[plugin_fn]
pub fn adjust(Json(rows): Json<Vec<Row>>) -> FnResult<Json<Vec<u32>>> {
    let offer = |row: &Row| job::offer(&row.sku, row.sellable);
    Ok(Json(rows.iter().map(offer).collect()))
}
