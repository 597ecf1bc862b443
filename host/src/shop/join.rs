//! Joins the lines of a bulk operation's result: variants, and their stock in lines of its own.

use std::collections::HashMap;

use serde::Deserialize;

use super::types::number_of;
use super::variants::{Level, LocationId, Product, Quantity, available, sold, title};
use crate::model::{Fault, Instant, Variant};

/// One line of the result: a variant, or with a `__parentId` one of its levels.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    #[serde(default)]
    id: Option<String>,
    #[serde(rename = "__parentId", default)]
    parent: Option<String>,
    #[serde(default)]
    sku: Option<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    updated_at: Option<Instant>,
    #[serde(default)]
    product: Option<Product>,
    #[serde(default)]
    inventory_item: Option<LineItem>,
    #[serde(default)]
    location: Option<LocationId>,
    #[serde(default)]
    quantities: Vec<Quantity>,
}

/// The inventory item within a variant's line. Its levels are lines of their own.
#[derive(Deserialize)]
struct LineItem {
    id: String,
    tracked: bool,
}

/// Joins the lines of a bulk result, in pieces as they come. Only the variants are held, not the text.
#[derive(Default)]
pub(super) struct Join {
    /// The beginning of a line whose end has not come.
    rest: Vec<u8>,
    line: u64,
    variants: Vec<Variant>,
    /// Places in `variants` by the number of the variant's id.
    by_variant: HashMap<u64, usize>,
    /// The same by the item's: a level's parent is the variant in the results seen, the schema would allow the item.
    by_item: HashMap<u64, Vec<usize>>,
    /// Levels that came before their parent.
    early: Vec<(String, Level)>,
}

impl Join {
    /// Takes the next piece, which may end within a line.
    pub(super) fn push(&mut self, mut bytes: &[u8]) -> Result<(), Fault> {
        while let Some(end) = bytes.iter().position(|b| *b == b'\n') {
            let (line, rest) = bytes.split_at(end);
            bytes = &rest[1..];
            if self.rest.is_empty() {
                self.take(line)?;
            } else {
                let mut whole = std::mem::take(&mut self.rest);
                whole.extend_from_slice(line);
                self.take(&whole)?;
            }
        }
        self.rest.extend_from_slice(bytes);
        Ok(())
    }

    /// Every variant, once all pieces are in.
    pub(super) fn finish(mut self) -> Result<Vec<Variant>, Fault> {
        let last = std::mem::take(&mut self.rest);
        self.take(&last)?;
        for (parent, level) in std::mem::take(&mut self.early) {
            if let Some((parent, _)) = self.attach(parent, level) {
                return Err(broken(
                    self.line,
                    &format!("a stock level belongs to {parent}, which is not in the result"),
                ));
            }
        }
        Ok(self.variants)
    }

    fn take(&mut self, line: &[u8]) -> Result<(), Fault> {
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        self.line += 1;
        let number = self.line;
        let line: Line =
            serde_json::from_slice(line).map_err(|e| broken(number, &e.to_string()))?;
        match line.parent {
            Some(parent) => {
                let location = line
                    .location
                    .ok_or_else(|| broken(number, "a stock level without a location"))?;
                let level = Level {
                    location,
                    quantities: line.quantities,
                };
                let early = self.attach(parent, level);
                self.early.extend(early);
            }
            None => {
                let variant = (|| {
                    let (product, item) = (line.product?, line.inventory_item?);
                    Some(Variant {
                        id: line.id?,
                        title: title(&product.title, &line.title?),
                        active: sold(product.status.text()),
                        product: product.id.into_inner(),
                        item: item.id,
                        sku: line.sku,
                        tracked: item.tracked,
                        available: Default::default(),
                        updated_at: line.updated_at?,
                    })
                })()
                .ok_or_else(|| {
                    broken(
                        number,
                        "a variant without id, title, time, product or inventory item",
                    )
                })?;
                let place = self.variants.len();
                if let Some(n) = number_of(&variant.id) {
                    self.by_variant.insert(n, place);
                }
                if let Some(n) = number_of(&variant.item) {
                    self.by_item.entry(n).or_default().push(place);
                }
                self.variants.push(variant);
            }
        }
        Ok(())
    }

    /// Puts a level into its variant, or gives it back when that is not there (yet).
    fn attach(&mut self, parent: String, level: Level) -> Option<(String, Level)> {
        let Some(number) = number_of(&parent) else {
            return Some((parent, level));
        };
        let places: &[usize] = if parent.contains("/InventoryItem/") {
            self.by_item.get(&number).map_or(&[], Vec::as_slice)
        } else {
            self.by_variant
                .get(&number)
                .map_or(&[], std::slice::from_ref)
        };
        if places.is_empty() {
            return Some((parent, level));
        }
        if let Some(available) = available(&level.quantities) {
            for place in places {
                self.variants[*place]
                    .available
                    .insert(level.location.id.inner().to_owned(), available);
            }
        }
        None
    }
}

fn broken(line: u64, why: &str) -> Fault {
    Fault::Protocol {
        detail: format!("line {line} of the bulk operation's result: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = concat!(
        r#"{"id":"gid:\/\/shopify\/ProductVariant\/1","sku":"ABC-1","title":"M","updatedAt":"2026-11-23T00:00:00Z","product":{"id":"gid:\/\/shopify\/Product\/7","title":"Tee","status":"ACTIVE"},"inventoryItem":{"id":"gid:\/\/shopify\/InventoryItem\/11","tracked":true}}"#,
        "\n",
        r#"{"id":"gid:\/\/shopify\/ProductVariant\/9007199254740993","sku":null,"title":"Default Title","updatedAt":"2026-11-23T00:00:00Z","product":{"id":"gid:\/\/shopify\/Product\/8","title":"Cap","status":"DRAFT"},"inventoryItem":{"id":"gid:\/\/shopify\/InventoryItem\/12","tracked":false}}"#,
        "\n",
        r#"{"location":{"id":"gid:\/\/shopify\/Location\/31"},"quantities":[{"name":"available","quantity":5}],"__parentId":"gid:\/\/shopify\/ProductVariant\/1"}"#,
        "\n",
        r#"{"location":{"id":"gid:\/\/shopify\/Location\/32"},"quantities":[{"name":"available","quantity":-1}],"__parentId":"gid:\/\/shopify\/ProductVariant\/1"}"#,
        "\n",
        r#"{"id":"gid:\/\/shopify\/InventoryLevel\/2?inventory_item_id=12","location":{"id":"gid:\/\/shopify\/Location\/31"},"quantities":[{"name":"available","quantity":3}],"__parentId":"gid:\/\/shopify\/InventoryItem\/12"}"#,
    );

    fn check(found: &[Variant]) {
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].sku.as_deref(), Some("ABC-1"));
        assert_eq!(found[0].title, "Tee - M");
        let stock: Vec<_> = found[0]
            .available
            .iter()
            .map(|(l, n)| (l.as_str(), *n))
            .collect();
        assert_eq!(
            stock,
            [
                ("gid://shopify/Location/31", 5),
                ("gid://shopify/Location/32", -1)
            ]
        );
        assert_eq!(found[1].id, "gid://shopify/ProductVariant/9007199254740993");
        assert_eq!(
            (found[1].title.as_str(), found[1].active, found[1].tracked),
            ("Cap", false, false)
        );
        assert_eq!(found[1].available.values().collect::<Vec<_>>(), [&3]);
    }

    #[test]
    fn lines_are_joined_whatever_the_pieces() {
        for size in [1, 7, 100, 100_000] {
            let mut join = Join::default();
            for piece in LINES.as_bytes().chunks(size) {
                join.push(piece).unwrap();
            }
            check(&join.finish().unwrap());
        }
    }

    #[test]
    fn levels_may_come_before_their_variant() {
        let lines: Vec<&str> = LINES.lines().collect();
        let mut join = Join::default();
        for line in [lines[2], lines[4], lines[1], lines[3], lines[0]] {
            join.push(line.as_bytes()).unwrap();
            join.push(b"\n").unwrap();
        }
        let mut found = join.finish().unwrap();
        found.reverse();
        check(&found);
    }

    #[test]
    fn what_is_missing_is_named() {
        let mut join = Join::default();
        join.push(LINES.lines().nth(2).unwrap().as_bytes()).unwrap();
        let fault = join.finish().unwrap_err();
        assert_eq!(fault.case(), "protocol");
        assert!(fault.to_string().contains("ProductVariant/1"), "{fault}");
        let mut join = Join::default();
        let fault = join.push(b"{\"id\":\n").unwrap_err();
        assert!(fault.to_string().contains("line 1"), "{fault}");
    }
}
