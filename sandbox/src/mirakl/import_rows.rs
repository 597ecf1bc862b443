//! What the rows of an import do to the offers, and why some of them fail.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde_json::Value;

use super::imports::STOCK_COLUMNS;
use super::state::State;
use super::switches::TotalOnWarehouses;
use super::views::NewOffer;

/// The largest quantity.
pub(super) const STOCK_MAX: i64 = 1_000_000_000;

/// The longest SKU, in characters.
const SKU_MAX: usize = 40;

/// A row that failed: the reason, and whether a careful client could have known.
pub(super) type Failed = (String, bool);

impl State {
    /// The rows of a stock file, each by itself.
    pub(super) fn apply_stock(&mut self, index: usize, rows: Vec<Vec<String>>) {
        let field = |row: &[String], n: usize| row.get(n).cloned().unwrap_or_default();
        // What a row can only be judged by together with the others.
        let mut totals = BTreeSet::new();
        let mut housed = BTreeSet::new();
        let mut scattered = BTreeSet::new();
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut last = BTreeMap::new();
        let mut before = String::new();
        for (n, row) in rows.iter().enumerate() {
            let (sku, house) = (field(row, 0), field(row, 2));
            match house.is_empty() {
                true => totals.insert(sku.clone()),
                false => housed.insert(sku.clone()),
            };
            if sku != before && !seen.insert(sku.clone()) {
                scattered.insert(sku.clone());
            }
            if last.insert((sku.clone(), house), n).is_some() {
                let id = &self.imports[index].id;
                let text = format!("import {id}, row {}: {sku} is in the file twice", n + 1);
                self.mistake(text);
            }
            before = sku;
        }
        for (n, row) in rows.iter().enumerate() {
            let (sku, house) = (field(row, 0), field(row, 2));
            let result = if row.len() != STOCK_COLUMNS.len() {
                let text = format!("{} columns instead of 4", row.len());
                Err((text, true))
            } else if totals.contains(&sku) && housed.contains(&sku) {
                let text = "a total and a warehouse for the same offer";
                Err((text.to_owned(), true))
            } else if scattered.contains(&sku) && housed.contains(&sku) {
                Err(("the rows of an offer must stand together".to_owned(), true))
            } else if last.get(&(sku.clone(), house.clone())) != Some(&n) {
                // A later row for the same place counts.
                Ok(())
            } else {
                self.write_stock(&sku, &field(row, 1), &house, &field(row, 3))
            };
            self.note_row(index, n, row, result);
        }
    }

    /// Writes one figure, or says why not.
    fn write_stock(
        &mut self,
        sku: &str,
        quantity: &str,
        house: &str,
        action: &str,
    ) -> Result<(), Failed> {
        check_sku(sku)?;
        if !matches!(action, "" | "update") {
            return Err((format!("`{action}` is no action"), true));
        }
        let quantity = parse_quantity(quantity)?;
        if !house.is_empty() && !self.config.warehouses.iter().any(|w| w == house) {
            return Err((format!("the warehouse `{house}` does not exist"), true));
        }
        let rule = self.switches.total_on_warehouses;
        let offer = self
            .offer_mut(sku)
            .ok_or_else(|| ("The offer does not exist".to_owned(), false))?;
        if house.is_empty() {
            if !offer.warehouses.is_empty() {
                if rule == TotalOnWarehouses::Refused {
                    let text = "the offer has a figure for each warehouse";
                    return Err((text.to_owned(), true));
                }
                offer.empty();
            }
            offer.quantity = quantity;
        } else {
            offer.warehouses.insert(house.to_owned(), quantity);
            offer.quantity = offer.warehouses.values().sum();
        }
        offer.writes += 1;
        let id = offer.id;
        self.stock_writes += 1;
        self.touch_offer(id);
        Ok(())
    }

    /// The rows of a file of offers; with `replace`, what is not in it goes.
    pub(super) fn apply_offers(
        &mut self,
        index: usize,
        columns: &[String],
        rows: Vec<Vec<String>>,
        replace: bool,
    ) {
        let mut named = BTreeSet::new();
        for (n, row) in rows.iter().enumerate() {
            let field = |name: &str| {
                let place = columns.iter().position(|c| c == name)?;
                row.get(place).map(String::as_str)
            };
            let sku = field("sku").unwrap_or_default().to_owned();
            named.insert(sku.clone());
            let result = match row.len() == columns.len() {
                true => self.offer_row(index, &sku, field),
                false => Err((
                    format!("{} columns instead of {}", row.len(), columns.len()),
                    true,
                )),
            };
            self.note_row(index, n, row, result);
        }
        if replace {
            let gone: Vec<u64> = self
                .by_sku
                .iter()
                .filter(|(sku, _)| !named.contains(*sku))
                .map(|(_, id)| *id)
                .collect();
            self.imports[index].deleted += gone.len();
            gone.into_iter().for_each(|id| self.delete_offer(id));
        }
    }

    /// One row of a file of offers: columns that are absent are left alone.
    fn offer_row<'a>(
        &mut self,
        index: usize,
        sku: &str,
        field: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<(), Failed> {
        check_sku(sku)?;
        let quantity = match field("quantity") {
            None => None,
            // A column that is there and empty clears the value.
            Some("") => Some(0),
            Some(text) => Some(parse_quantity(text)?),
        };
        let price = match field("price") {
            None => None,
            Some(text) => Some(
                text.parse::<Decimal>()
                    .map_err(|_| (format!("`{text}` is no price"), true))?,
            ),
        };
        let known = self.by_sku.get(sku).copied();
        match (field("update-delete").unwrap_or_default(), known) {
            ("delete", Some(id)) => {
                self.delete_offer(id);
                self.imports[index].deleted += 1;
                Ok(())
            }
            ("" | "update" | "delete", None) => {
                let needed = ["product-id", "product-id-type", "state"];
                let complete = needed
                    .iter()
                    .all(|n| field(n).is_some_and(|v| !v.is_empty()));
                let Some(price) = price.filter(|_| complete) else {
                    return Err(("The offer does not exist".to_owned(), false));
                };
                self.add_offer(NewOffer {
                    sku: sku.to_owned(),
                    price,
                    quantity: u32::try_from(quantity.unwrap_or(0)).unwrap_or(0),
                    ..NewOffer::default()
                });
                self.imports[index].inserted += 1;
                Ok(())
            }
            ("" | "update", Some(id)) => {
                if let Some(offer) = self.offers.get_mut(&id) {
                    if let Some(quantity) = quantity {
                        offer.empty();
                        offer.quantity = quantity;
                        offer.writes += 1;
                        self.stock_writes += 1;
                    }
                    offer.price = price.unwrap_or(offer.price);
                    if let Some(text) = field("description") {
                        offer.description = text.to_owned();
                    }
                }
                self.touch_offer(id);
                self.imports[index].updated += 1;
                Ok(())
            }
            (other, _) => Err((format!("`{other}` is no action"), true)),
        }
    }

    /// Offers in JSON: what is not sent is reset.
    pub(super) fn apply_objects(&mut self, index: usize, offers: &[Value]) {
        for (n, given) in offers.iter().enumerate() {
            let sku = given["shop_sku"].as_str().unwrap_or_default().to_owned();
            let number = |name: &str| given[name].as_u64().and_then(|n| u32::try_from(n).ok());
            let price = given["price"].to_string();
            let price: Decimal = price.trim_matches('"').parse().unwrap_or_default();
            let known = self.by_sku.get(&sku).copied();
            let delete = given["update_delete"] == "delete";
            let result = match (known, delete) {
                (None, true) => Err(("The offer does not exist".to_owned(), false)),
                (Some(id), true) => {
                    self.delete_offer(id);
                    self.imports[index].deleted += 1;
                    Ok(())
                }
                (known, false) => {
                    let id = match known {
                        Some(id) => {
                            self.imports[index].updated += 1;
                            id
                        }
                        None => {
                            self.imports[index].inserted += 1;
                            self.add_offer(NewOffer {
                                sku: sku.clone(),
                                ..NewOffer::default()
                            })
                        }
                    };
                    if let Some(offer) = self.offers.get_mut(&id) {
                        offer.empty();
                        offer.quantity = given["quantity"].as_i64().unwrap_or(0);
                        offer.price = price;
                        offer.description =
                            given["description"].as_str().unwrap_or_default().into();
                        offer.leadtime_to_ship = number("leadtime_to_ship").unwrap_or(1);
                        offer.logistic_class = given["logistic_class"].as_str().map(str::to_owned);
                        offer.min_order_quantity = number("min_order_quantity");
                        offer.max_order_quantity = number("max_order_quantity");
                        offer.package_quantity = number("package_quantity");
                        offer.writes += 1;
                        self.stock_writes += 1;
                    }
                    self.touch_offer(id);
                    Ok(())
                }
            };
            self.note_row(index, n, &[sku], result);
        }
    }
}

fn check_sku(sku: &str) -> Result<(), Failed> {
    match sku {
        "" => Err(("the SKU is missing".to_owned(), true)),
        s if s.contains('/') => Err(("the SKU must not contain `/`".to_owned(), true)),
        s if s.chars().count() > SKU_MAX => {
            Err((format!("the SKU has more than {SKU_MAX} characters"), true))
        }
        _ => Ok(()),
    }
}

fn parse_quantity(text: &str) -> Result<i64, Failed> {
    text.parse()
        .ok()
        .filter(|n| (0..=STOCK_MAX).contains(n))
        .ok_or_else(|| (format!("`{text}` is no quantity"), true))
}
