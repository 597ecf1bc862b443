//! Writing stock: a file that the marketplace works on later.

use std::collections::HashMap;

use serde_json::Value;

use crate::api::{Api, path, setting};
use crate::file;
use crate::listings::WAREHOUSES;
use lockstep_sdk::http::Method;
use lockstep_sdk::json::{Node, shorten};
use lockstep_sdk::stock::{Level, Outcome};
use lockstep_sdk::types::Fault;

/// Begins the ticket of a file of stock.
pub const STOCK: &str = "stock:";
/// Begins the ticket of a file of offers.
pub const OFFERS: &str = "offers:";
/// The longest SKU, in characters.
const SKU: usize = 40;
/// The longest warehouse code, in characters.
const WAREHOUSE: usize = 255;
/// The largest number.
const LARGEST: u32 = 1_000_000_000;

/// One number of a file.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    warehouse: String,
    quantity: u32,
}

/// What one offer's rows are to be.
type Rows = Vec<Row>;

/// Sends levels as one file; a ticket for each that is in it.
pub fn push(api: Api<'_>, levels: &[Level]) -> Result<Vec<Outcome>, Fault> {
    let warehouse = setting(api, "warehouse");
    let read: Vec<Result<(String, Rows), Fault>> = levels
        .iter()
        .map(|level| rows(level, warehouse.as_deref()))
        .collect();
    // What happens to an offer that is named twice is not described: only its last number is sent.
    let mut order: Vec<&str> = Vec::new();
    let mut by_sku: HashMap<&str, &Rows> = HashMap::new();
    for (sku, rows) in read.iter().flatten() {
        if by_sku.insert(sku, rows).is_none() {
            order.push(sku);
        }
    }
    let sent = match order.is_empty() {
        true => None,
        false => Some(send(api, &order, &by_sku)?),
    };
    let outcome = |read: &Result<(String, Rows), Fault>| match (read, &sent) {
        (Err(fault), _) => Outcome::Failed(fault.clone()),
        (Ok((_, rows)), Some(sent)) if !sent.takes(rows) => Outcome::Failed(Fault::reject(
            "the offer has a number for each warehouse, which only files of stock can write",
        )),
        (Ok(_), Some(sent)) => Outcome::Queued(sent.ticket.clone()),
        (Ok(_), None) => Outcome::Failed(Fault::Other("no file was sent".to_owned())),
    };
    Ok(read.iter().map(outcome).collect())
}

/// A file on its way.
struct Sent {
    ticket: String,
    warehouses: bool,
}

impl Sent {
    fn takes(&self, rows: &Rows) -> bool {
        self.warehouses || totals(rows)
    }
}

fn totals(rows: &Rows) -> bool {
    rows.iter().all(|row| row.warehouse.is_empty())
}

/// The rows of a level, or why it has none.
fn rows(level: &Level, warehouse: Option<&str>) -> Result<(String, Rows), Fault> {
    let sku = level.listing.clone();
    let fits = !sku.trim().is_empty()
        && sku.chars().count() <= SKU
        && !sku.contains('/')
        && !sku.chars().any(char::is_control);
    if !fits {
        return Err(Fault::reject(format!(
            "\"{}\" cannot be in a stock file: a SKU has 1 to {SKU} characters and no slash",
            shorten(&sku, 60)
        )));
    }
    let row = |warehouse: &str, quantity: u32| Row {
        warehouse: warehouse.to_owned(),
        quantity: quantity.min(LARGEST),
    };
    if !level.places.is_empty() {
        let mut rows: Rows = Vec::new();
        for place in &level.places {
            if place.location.is_empty() || place.location.chars().count() > WAREHOUSE {
                return Err(Fault::reject(format!(
                    "\"{}\" is no warehouse code",
                    shorten(&place.location, 60)
                )));
            }
            match rows.iter_mut().find(|r| r.warehouse == place.location) {
                Some(known) => known.quantity = place.quantity.min(LARGEST),
                None => rows.push(row(&place.location, place.quantity)),
            }
        }
        return Ok((sku, rows));
    }
    let codes: Vec<&str> = (level.facts.iter())
        .filter(|fact| fact.key == WAREHOUSES)
        .flat_map(|fact| fact.value.split('\n'))
        .collect();
    // What a total does to an offer with warehouses is not described, so it is never sent.
    let rows = match (codes.as_slice(), warehouse) {
        ([], _) => vec![row("", level.quantity)],
        ([one], _) => vec![row(one, level.quantity)],
        (_, Some(chosen)) if codes.contains(&chosen) => codes
            .iter()
            .map(|code| match *code == chosen {
                true => row(code, level.quantity),
                false => row(code, 0),
            })
            .collect(),
        _ => {
            return Err(Fault::reject(format!(
                "the offer has a number for each of the warehouses {}; choose one with the setting `warehouse`",
                codes.join(", ")
            )));
        }
    };
    Ok((sku, rows))
}

fn send(api: Api<'_>, skus: &[&str], rows: &HashMap<&str, &Rows>) -> Result<Sent, Fault> {
    let way = setting(api, "stock-import");
    if way.as_deref() != Some("offer-file") {
        match send_stock(api, skus, rows) {
            Err(fault @ (Fault::Missing(_) | Fault::Denied(_)))
                if way.as_deref() != Some("stock-file") =>
            {
                api.warn(&format!(
                    "the marketplace takes no stock files; offer files are sent instead (set `stock-import` to offer-file): {}",
                    fault.detail()
                ));
            }
            answer => return answer,
        }
    }
    send_offers(api, skus, rows)
}

fn send_stock(api: Api<'_>, skus: &[&str], rows: &HashMap<&str, &Rows>) -> Result<Sent, Fault> {
    let mut text = file::row(&["offer-sku", "quantity", "warehouse-code", "update-delete"]);
    for sku in skus {
        for row in rows.get(sku).into_iter().flat_map(|rows| rows.iter()) {
            text.push_str(&file::row(&[
                sku,
                &row.quantity.to_string(),
                &row.warehouse,
                "",
            ]));
        }
    }
    let body = file::form("stock.csv", &text, &[], &api.cx().random_bytes(12));
    let answer = api.write_as(
        Method::Post,
        path(api, &["offers", "stock", "imports"]),
        Some(body),
    )?;
    Ok(Sent {
        ticket: ticket(STOCK, &answer)?,
        warehouses: true,
    })
}

/// A file of offers, in the mode that leaves columns alone that are not there. The other mode deletes what is not in
/// the file.
fn send_offers(api: Api<'_>, skus: &[&str], rows: &HashMap<&str, &Rows>) -> Result<Sent, Fault> {
    let mut text = file::row(&["sku", "quantity", "update-delete"]);
    let mut count = 0;
    for sku in skus {
        for row in (rows.get(sku).into_iter())
            .filter(|rows| totals(rows))
            .flat_map(|rows| rows.iter())
        {
            text.push_str(&file::row(&[sku, &row.quantity.to_string(), "update"]));
            count += 1;
        }
    }
    if count == 0 {
        return Ok(Sent {
            ticket: String::new(),
            warehouses: false,
        });
    }
    let fields = [("import_mode", "NORMAL"), ("with_products", "false")];
    let body = file::form("offers.csv", &text, &fields, &api.cx().random_bytes(12));
    let answer = api.write_as(Method::Post, path(api, &["offers", "imports"]), Some(body))?;
    Ok(Sent {
        ticket: ticket(OFFERS, &answer)?,
        warehouses: false,
    })
}

fn ticket(kind: &str, answer: &Value) -> Result<String, Fault> {
    let node = Node::new(answer);
    let id = node.get("import_id").text().ok_or_else(|| {
        Fault::UnknownOutcome(format!(
            "the file was taken, but the answer names no import: {}",
            node.shortened(120)
        ))
    })?;
    Ok(format!("{kind}{id}"))
}

#[cfg(test)]
#[path = "stock_tests.rs"]
mod tests;
