//! The catalogue: products (sizes), their sets (styles), and their stock.
//!
//! Seller Center has no bulk read of stock: it costs one request for each set. The rows tell SKUs but no product
//! ids, so the products are looked up by SKU, a hundred at a time, which is far cheaper than a second request for
//! each set. A walk with stock thus costs sets / 100 + sets + products / 100 requests, one without sets / 100 + sets.

use std::collections::HashMap;

use serde_json::Value;

use lockstep_sdk::http::{Path, encoded_length};

use crate::api::Api;
use crate::page::Pagination;
use lockstep_sdk::json::Node;
use lockstep_sdk::listings::ListingPage;
use lockstep_sdk::types::{Fact, Fault, Fulfiller, Listing, ListingState};

/// Sets of one page; the platform cuts more silently.
const SETS: u64 = 100;
/// Products of one look-up.
const LOOKUP: usize = 100;
/// Most bytes of a look-up's query.
const QUERY_BYTES: usize = 6_000;
/// The name under which THE ICONIC fulfills.
pub const VENTURE: &str = "THE ICONIC";
/// The `shipmentTypeId` of products in the venture's warehouse.
const VENTURE_SHIPMENT: i64 = 1;

/// Reads a page of sets with their products. The cursor is the offset of the next set.
pub fn page(api: Api<'_>, cursor: Option<&str>, stock: bool) -> Result<ListingPage, Fault> {
    let offset: u64 = match cursor {
        None => 0,
        Some(text) => text.parse().map_err(|_| {
            Fault::Other(format!(
                "the cursor \"{text}\" is none of this connector; start the walk anew"
            ))
        })?,
    };
    let path = Path::new("/v2/product-sets")
        .with("limit", SETS)
        .with("offset", offset)
        .with("status", "all")
        .with("orderBy", "createdAt")
        .with("orderDirection", "ASC");
    let answer = api.read(path)?;
    let node = Node::new(&answer);
    let rows = node
        .rows()
        .ok_or_else(|| no_list("GET /v2/product-sets", node))?;
    let ended = Pagination::read(node.get("pagination")).ends(offset, rows.len() as u64);
    let next = (!ended).then(|| (offset + rows.len() as u64).to_string());

    let mut sets: Vec<(u64, Node<'_>)> = Vec::new();
    for row in rows {
        // Nothing in a deleted set can be sold or written.
        if row.get("status").text().as_deref() == Some("deleted") {
            continue;
        }
        match row.get("id").id() {
            Some(id) => sets.push((id, row)),
            None => api.error(&format!(
                "a product set without id is left out: {}",
                row.shortened(200)
            )),
        }
    }

    let listings = if stock {
        with_stock_of_sets(api, &sets)?
    } else {
        let ids: Vec<u64> = sets.iter().map(|(id, _)| *id).collect();
        let mut listings = Vec::new();
        for ((id, set), products) in sets.iter().zip(products_of_sets(api, &ids)?) {
            for product in products.iter().map(Node::new) {
                listings.extend(listing_of_set(api, product, *id, *set, None));
            }
        }
        listings
    };
    Ok(ListingPage {
        listings,
        next,
        wait_ms: None,
    })
}

/// The products of sets with their stock.
fn with_stock_of_sets(api: Api<'_>, sets: &[(u64, Node<'_>)]) -> Result<Vec<Listing>, Fault> {
    let paths = sets.iter().map(|(id, _)| stock_of_set(*id)).collect();
    let mut stocks: Vec<Value> = Vec::with_capacity(sets.len());
    for answer in api.read_all(paths) {
        // A set can vanish between the list and the read. Any other failure fails the page: a walk that
        // leaves products out would look as if they were gone.
        stocks.push(found(answer)?);
    }
    let mut rows_of_sets = Vec::with_capacity(sets.len());
    let mut skus: Vec<String> = Vec::new();
    for ((id, _), stock) in sets.iter().zip(&stocks) {
        let rows = list(&format!("GET /v2/stock/product-set/{id}"), Node::new(stock))?;
        skus.extend(rows.iter().filter_map(|row| row.get("sellerSku").exact()));
        rows_of_sets.push(rows);
    }
    let mut products: HashMap<u64, Vec<Value>> = HashMap::new();
    for product in products_by_sku(api, &skus)? {
        if let Some(set) = Node::new(&product).get("productSetId").id() {
            products.entry(set).or_default().push(product);
        }
    }
    // Where a product was not found by its SKU (it has none, or the look-up compares otherwise), its set is read.
    let short: Vec<u64> = sets
        .iter()
        .zip(&rows_of_sets)
        .filter(|((id, _), rows)| products.get(id).map_or(0, Vec::len) < rows.len())
        .map(|((id, _), _)| *id)
        .collect();
    for (id, all) in short.iter().zip(products_of_sets(api, &short)?) {
        products.insert(*id, all);
    }
    let mut listings = Vec::new();
    for ((id, set), rows) in sets.iter().zip(&rows_of_sets) {
        for product in products.get(id).into_iter().flatten().map(Node::new) {
            let stock = find_stock(product, rows);
            listings.extend(listing_of_set(api, product, *id, *set, stock));
        }
    }
    Ok(listings)
}

/// The products of each set; none for a set that vanished.
fn products_of_sets(api: Api<'_>, sets: &[u64]) -> Result<Vec<Vec<Value>>, Fault> {
    let path = |id: &u64| Path::new(format!("/v2/product-set/{id}/products"));
    let answers = api.read_all(sets.iter().map(path).collect());
    sets.iter()
        .zip(answers)
        .map(|(id, answer)| {
            let answer = found(answer)?;
            let rows = list(
                &format!("GET /v2/product-set/{id}/products"),
                Node::new(&answer),
            )?;
            Ok(rows.into_iter().map(|row| row.value().clone()).collect())
        })
        .collect()
}

/// A product of a set as a listing; one without id cannot be written to and is only logged.
fn listing_of_set(
    api: Api<'_>,
    product: Node<'_>,
    id: u64,
    set: Node<'_>,
    stock: Option<Node<'_>>,
) -> Option<Listing> {
    let Some(mut listing) = listing(product, Some(set), stock) else {
        api.error(&format!(
            "a product without id in set {id} is left out: {}",
            product.shortened(200)
        ));
        return None;
    };
    listing.parent.get_or_insert_with(|| id.to_string());
    Some(listing)
}

/// Reads listings by product id, with stock.
pub fn by_id(api: Api<'_>, ids: &[String]) -> Result<Vec<Listing>, Fault> {
    let mut wanted: Vec<u64> = ids.iter().filter_map(|id| id.parse().ok()).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let mut products = Vec::new();
    for chunk in wanted.chunks(LOOKUP) {
        products.extend(products_by_id(api, chunk)?);
    }
    with_stock(api, &products)
}

/// The products with these ids; unknown ones are left out.
pub fn products_by_id(api: Api<'_>, ids: &[u64]) -> Result<Vec<Value>, Fault> {
    let mut missing = ids.to_vec();
    let mut products: Vec<Value> = Vec::new();
    // The answer may be cut to a page that nobody describes: ask again for the rest while that helps.
    while !missing.is_empty() {
        let path = Path::new("/v2/products").with_each("productIds[]", &missing);
        let answer = api.read(path)?;
        let rows = list("GET /v2/products", Node::new(&answer))?;
        let before = missing.len();
        for row in rows {
            // Should the filter be ignored, strangers come too.
            if let Some(id) = row.get("id").id()
                && let Some(index) = missing.iter().position(|m| *m == id)
            {
                missing.swap_remove(index);
                products.push(row.value().clone());
            }
        }
        if missing.len() == before {
            break;
        }
    }
    Ok(products)
}

/// Reads listings by SKU, byte-equal, with stock.
pub fn by_sku(api: Api<'_>, skus: &[String]) -> Result<Vec<Listing>, Fault> {
    with_stock(api, &products_by_sku(api, skus)?)
}

/// The products with these SKUs, byte-equal; unknown ones are left out.
fn products_by_sku(api: Api<'_>, skus: &[String]) -> Result<Vec<Value>, Fault> {
    const NAME: &str = "sellerSkus[]";
    let mut chunks: Vec<Vec<&str>> = Vec::new();
    let mut bytes = 0;
    for sku in skus.iter().filter(|sku| !sku.is_empty()) {
        let more = encoded_length(NAME, sku);
        match chunks.last_mut() {
            Some(chunk) if chunk.len() < LOOKUP && bytes + more <= QUERY_BYTES => {
                bytes += more;
                chunk.push(sku);
            }
            _ => {
                bytes = more;
                chunks.push(vec![sku]);
            }
        }
    }
    let mut products: Vec<Value> = Vec::new();
    for chunk in chunks {
        let mut offset = 0;
        loop {
            let path = Path::new("/v2/product/seller-skus")
                .with_each(NAME, &chunk)
                .with("limit", LOOKUP)
                .with("offset", offset);
            let answer = api.read(path)?;
            let node = Node::new(&answer);
            let rows = list("GET /v2/product/seller-skus", node)?;
            let count = rows.len() as u64;
            for row in rows {
                let sku = row.get("sellerSku").exact();
                if sku.is_some_and(|sku| chunk.contains(&sku.as_str())) {
                    products.push(row.value().clone());
                }
            }
            if Pagination::read(node.get("pagination")).ends(offset, count) {
                break;
            }
            offset += count;
        }
    }
    Ok(products)
}

/// Adds the stock: one read for each set, or for the product where only one of its set is wanted.
fn with_stock(api: Api<'_>, products: &[Value]) -> Result<Vec<Listing>, Fault> {
    /// Products that share one read.
    struct Group<'a> {
        set: Option<u64>,
        products: Vec<Node<'a>>,
    }
    let mut groups: Vec<Group<'_>> = Vec::new();
    for product in products.iter().map(Node::new) {
        let set = product.get("productSetId").id();
        match groups.iter_mut().find(|g| set.is_some() && g.set == set) {
            Some(group) => group.products.push(product),
            None => groups.push(Group {
                set,
                products: vec![product],
            }),
        }
    }
    let paths = groups
        .iter()
        .map(|group| match (group.products.as_slice(), group.set) {
            ([_, _, ..], Some(set)) => stock_of_set(set),
            (products, _) => {
                let id = products.first().and_then(|p| p.get("id").id());
                Path::new(format!("/v2/stock/product/{}", id.unwrap_or_default()))
            }
        })
        .collect();
    let answers = api.read_all(paths);
    let mut listings = Vec::new();
    for (group, answer) in groups.iter().zip(answers) {
        let answer = found(answer)?;
        let node = Node::new(&answer);
        for product in &group.products {
            let stock = if group.products.len() == 1 && node.is_object() {
                Some(node)
            } else {
                find_stock(*product, &list("GET /v2/stock", node)?)
            };
            listings.extend(listing(*product, None, stock));
        }
    }
    Ok(listings)
}

fn stock_of_set(id: u64) -> Path {
    Path::new(format!("/v2/stock/product-set/{id}"))
}

/// An answer; an empty list for what does not exist. Other faults stay.
fn found(answer: Result<Value, Fault>) -> Result<Value, Fault> {
    match answer {
        Err(Fault::Missing(_)) => Ok(Value::Array(Vec::new())),
        answer => answer,
    }
}

fn list<'a>(what: &str, node: Node<'a>) -> Result<Vec<Node<'a>>, Fault> {
    node.rows().ok_or_else(|| no_list(what, node))
}

fn no_list(what: &str, node: Node<'_>) -> Fault {
    Fault::Protocol(format!(
        "{what}: the answer is no list: {}",
        node.shortened(200)
    ))
}

/// The stock row of a product. Rows of a set are described without product id and are joined by seller SKU,
/// but an id is better where it is given.
fn find_stock<'a>(product: Node<'_>, rows: &[Node<'a>]) -> Option<Node<'a>> {
    let id = product.get("id").id()?;
    if let Some(row) = rows
        .iter()
        .find(|row| row.get("productId").id() == Some(id))
    {
        return Some(*row);
    }
    for member in ["sellerSku", "shopSku"] {
        let Some(wanted) = product.get(member).exact() else {
            continue;
        };
        let mut fitting = rows.iter().filter(|row| {
            row.get("productId").is_null() && row.get(member).exact().as_ref() == Some(&wanted)
        });
        if let (Some(row), None) = (fitting.next(), fitting.next()) {
            return Some(*row);
        }
    }
    None
}

/// A product with the set row and stock row that are known of it. None without id.
fn listing(product: Node<'_>, set: Option<Node<'_>>, stock: Option<Node<'_>>) -> Option<Listing> {
    let id = product.get("id").id()?;
    let status = product.get("status").text();
    let approval = product.get("approvalStatus").text();
    let shop_sku = product.get("shopSku").text();
    let set_status = set.and_then(|set| set.get("status").text());
    let variation = product.get("variation").text();
    let sku = product.get("sellerSku").exact();

    let mut reasons = Vec::new();
    let state = match status.as_deref() {
        Some("active") => ListingState::Buyable,
        Some("inactive") => {
            reasons.push("the product is inactive in Seller Center".to_owned());
            ListingState::Unbuyable
        }
        Some("deleted") => {
            reasons.push("the product is deleted in Seller Center".to_owned());
            ListingState::Ended
        }
        Some(word) => ListingState::Other(word.to_owned()),
        None => ListingState::Other("no status told".to_owned()),
    };
    let mut state = match set_status.as_deref() {
        Some("inactive") if state == ListingState::Buyable => {
            reasons.push("the product set is inactive in Seller Center".to_owned());
            ListingState::Unbuyable
        }
        _ => state,
    };
    if state == ListingState::Buyable {
        match approval.as_deref() {
            Some("pending") => {
                reasons.push("awaits approval by THE ICONIC".to_owned());
                state = ListingState::Pending;
            }
            Some("rejected") => {
                reasons.push("rejected by THE ICONIC".to_owned());
                state = ListingState::Unbuyable;
            }
            _ => {}
        }
    }

    let title = product
        .get("name")
        .text()
        .or_else(|| set.and_then(|set| set.get("name").text()))
        .or_else(|| stock.and_then(|stock| stock.get("name").text()))
        .or_else(|| sku.clone())
        .unwrap_or_else(|| format!("Product {id}"));
    let title = match &variation {
        Some(variation) if !title.ends_with(variation.as_str()) => format!("{title}, {variation}"),
        _ => title,
    };

    let mut facts = Vec::new();
    let mut fact = |key: &str, value: Option<String>| {
        facts.extend(value.map(|value| Fact {
            key: key.to_owned(),
            value,
        }));
    };
    fact("shop-sku", shop_sku.clone());
    fact("variation", variation);
    fact("approval", approval);

    let stock = stock.map(Stock::read).unwrap_or_default();
    let venture = product.get("shipmentTypeId").int() == Some(VENTURE_SHIPMENT);
    Some(Listing {
        id: id.to_string(),
        parent: product.get("productSetId").text(),
        sku,
        product: shop_sku,
        barcodes: product
            .get("productIdentifier")
            .text()
            .into_iter()
            .collect(),
        title,
        state,
        native_state: status,
        reasons,
        quantity: stock.quantity,
        reserved: stock.reserved,
        buyable: stock.available,
        places: Vec::new(),
        fulfilled_by: match venture {
            true => Fulfiller::Marketplace(VENTURE.to_owned()),
            false => Fulfiller::Seller,
        },
        price: None,
        lot: None,
        least: None,
        most: None,
        sites: Vec::new(),
        updated_at: product
            .get("updatedAt")
            .text()
            .and_then(|text| lockstep_sdk::time::instant(&text)),
        facts,
    })
}

/// The figures of a stock row.
#[derive(Debug, Default, PartialEq)]
struct Stock {
    quantity: Option<u32>,
    reserved: Option<u32>,
    available: Option<i32>,
}

impl Stock {
    fn read(row: Node<'_>) -> Self {
        let count = |member: &str| {
            let value = row.get(member).int()?;
            u32::try_from(value.max(0)).ok()
        };
        let quantity = count("quantity");
        // The platform subtracts whichever is higher.
        let reserved = match (count("reservedStock"), count("preVerificationStock")) {
            (Some(a), Some(b)) => Some(a.max(b)),
            (a, b) => a.or(b),
        };
        let told = row.get("available").int();
        let available = told.or_else(|| {
            let consigned: i64 = ["received", "canceled", "returned", "failed"]
                .iter()
                .filter_map(|part| row.get("consignments").get(part).int())
                .sum();
            Some(i64::from(quantity?) + consigned - i64::from(reserved?))
        });
        Self {
            quantity,
            reserved,
            available: available.and_then(|value| i32::try_from(value).ok()),
        }
    }
}

#[cfg(test)]
#[path = "listings_tests.rs"]
mod tests;
