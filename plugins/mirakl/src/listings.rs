//! Offers as listings. The seller's SKU is the key of every write and of every report, so it is the listing's id.

use std::collections::{HashMap, HashSet};

use crate::amount::{self, money};
use crate::api::{Api, MOST, path, rows};
use lockstep_sdk::http::Path;
use lockstep_sdk::json::{Node, shorten};
use lockstep_sdk::listings::ListingPage;
use lockstep_sdk::types::{Fact, Fault, Fulfiller, Listing, ListingState, Place};

/// Fact of an offer that has a number for each warehouse: their codes.
pub const WAREHOUSES: &str = "warehouses";
/// Who holds goods that the seller ships.
const OWN_CENTER: &str = "DEFAULT";
/// Rows that a page repeats of the one before: rows move while one walks, and none may fall between two pages.
const OVERLAP: usize = 5;

/// A page of offers.
pub fn page(api: Api<'_>, cursor: Option<&str>) -> Result<ListingPage, Fault> {
    let offset: usize = match cursor {
        None => 0,
        Some(text) => text.parse().map_err(|_| {
            Fault::Other(format!(
                "the cursor \"{}\" is none of this connector; start the walk anew",
                shorten(text, 60)
            ))
        })?,
    };
    let answer = api.read(walk(api, offset))?;
    let (rows, total) = rows(&answer, "offers")?;
    let end = offset + rows.len();
    let more = match total {
        Some(total) => end < total && !rows.is_empty(),
        None => rows.len() >= MOST,
    };
    // A page that is not longer than what pages repeat would never end.
    let next = if rows.len() > OVERLAP {
        end - OVERLAP
    } else {
        end
    };
    Ok(ListingPage {
        listings: rows.iter().filter_map(|row| told(api, *row)).collect(),
        next: more.then(|| next.to_string()),
        wait_ms: None,
    })
}

/// The listings of these ids, which are SKUs.
pub fn by_id(api: Api<'_>, ids: &[String]) -> Result<Vec<Listing>, Fault> {
    let mut seen = HashSet::new();
    let wanted: Vec<&str> = (ids.iter().map(String::as_str))
        .filter(|id| !id.is_empty() && seen.insert(*id))
        .collect();
    let mut found: HashMap<String, Listing> = HashMap::new();
    // One request for each SKU, or for each page of all: whichever is less.
    if wanted.len() > 10 {
        let first = api.read(walk(api, 0))?;
        let total = rows(&first, "offers")?.1;
        if total.is_some_and(|total| total.div_ceil(MOST) < wanted.len()) {
            let offsets = (MOST..total.unwrap_or(0)).step_by(MOST);
            let rest = api.read_all(offsets.map(|offset| walk(api, offset)).collect());
            for answer in std::iter::once(Ok(first)).chain(rest) {
                for row in rows(&answer?, "offers")?.0 {
                    if let Some(listing) = told(api, row).filter(|l| seen.contains(l.id.as_str())) {
                        found.insert(listing.id.clone(), listing);
                    }
                }
            }
        }
    }
    let left: Vec<&str> = (wanted.iter().copied())
        .filter(|sku| !found.contains_key(*sku))
        .collect();
    let paths = left
        .iter()
        .map(|sku| path(api, &["offers"]).with("sku", sku).with("max", MOST));
    for (sku, answer) in left.iter().zip(api.read_all(paths.collect())) {
        let answer = match answer {
            Err(Fault::Missing(_)) => continue,
            answer => answer?,
        };
        // A filter that is not understood, or that folds case, brings others.
        let listing = (rows(&answer, "offers")?.0.into_iter())
            .filter_map(|row| told(api, row))
            .find(|listing| listing.id == *sku);
        if let Some(listing) = listing {
            found.insert(listing.id.clone(), listing);
        }
    }
    Ok(wanted.iter().filter_map(|sku| found.remove(*sku)).collect())
}

fn walk(api: Api<'_>, offset: usize) -> Path {
    path(api, &["offers"])
        .with("max", MOST)
        .with("offset", offset)
        .with("sort", "productTitle")
}

fn told(api: Api<'_>, row: Node<'_>) -> Option<Listing> {
    match read(row) {
        Ok(listing) => Some(listing),
        Err(why) => {
            api.error(&format!("GET /api/offers: an offer is left out: {why}"));
            None
        }
    }
}

/// Reads an offer.
fn read(node: Node<'_>) -> Result<Listing, String> {
    let sku = node
        .get("shop_sku")
        .exact()
        .ok_or_else(|| format!("it has no shop_sku: {}", node.shortened(120)))?;
    let count = |member: &str| node.get(member).id().and_then(|n| u32::try_from(n).ok());
    let quantity = node.get("quantity").int();
    let active = node.get("active").flag();
    let reasons: Vec<String> = (node.get("inactivity_reasons").list().into_iter())
        .filter_map(Node::text)
        .collect();
    let places: Vec<Place> = (node.get("warehouses").list().into_iter())
        .filter_map(|row| {
            Some(Place {
                location: row.get("code").exact()?,
                quantity: units(row.get("quantity").int().unwrap_or(0)),
            })
        })
        .collect();
    let mut facts = Vec::new();
    for (member, key) in [
        ("offer_id", "offer-id"),
        ("state_code", "condition"),
        ("leadtime_to_ship", "days-to-ship"),
    ] {
        facts.extend(node.get(member).text().map(|value| Fact::new(key, value)));
    }
    if !places.is_empty() {
        let codes: Vec<&str> = places.iter().map(|p| p.location.as_str()).collect();
        // Codes may hold anything but line breaks.
        facts.push(Fact::new(WAREHOUSES, codes.join("\n")));
    }
    let currency = node.get("currency_iso_code").text();
    // A price that cannot be read is only shown: the listing goes on without.
    let price = amount::read(node, "price").ok().flatten();
    Ok(Listing {
        id: sku.clone(),
        product: node.get("product_sku").text(),
        barcodes: (node.get("product_references").list().iter())
            .filter(|row| {
                let kind = row.get("reference_type").text().unwrap_or_default();
                let kind = kind.to_ascii_uppercase();
                ["EAN", "UPC", "GTIN", "ISBN", "JAN"]
                    .iter()
                    .any(|k| kind.starts_with(k))
            })
            .filter_map(|row| row.get("reference").text())
            .collect(),
        title: node
            .get("product_title")
            .text()
            .unwrap_or_else(|| sku.clone()),
        state: match active {
            Some(true) => ListingState::Buyable,
            Some(false) => ListingState::Unbuyable,
            None => ListingState::Other("not told".to_owned()),
        },
        native_state: active.map(|on| if on { "active" } else { "inactive" }.to_owned()),
        reasons,
        quantity: quantity.map(units),
        reserved: Some(0),
        buyable: match active {
            Some(false) => Some(0),
            _ => quantity.and_then(|n| i32::try_from(n).ok()),
        },
        places,
        fulfilled_by: fulfiller(node),
        price: price.zip(currency).map(|(price, code)| money(price, &code)),
        lot: count("package_quantity").filter(|n| *n > 1),
        least: count("min_order_quantity"),
        most: count("max_order_quantity"),
        sites: (node.get("channels").list().into_iter())
            .filter_map(Node::text)
            .collect(),
        sku: Some(sku),
        facts,
        ..Listing::default()
    })
}

/// Who ships an offer or an order.
pub fn fulfiller(node: Node<'_>) -> Fulfiller {
    match node.get("fulfillment").get("center").get("code").text() {
        Some(code) if code != OWN_CENTER => Fulfiller::Partner(code),
        _ => Fulfiller::Seller,
    }
}

fn units(count: i64) -> u32 {
    u32::try_from(count.max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[path = "listings_tests.rs"]
mod tests;
