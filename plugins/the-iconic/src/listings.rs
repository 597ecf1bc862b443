//! What the account sells. A product set is a style; its products are the sizes, and what has SKU and stock.
//!
//! There is no bulk read of stock: it is one request per set, whose rows name SKUs but no product ids. The products of
//! those SKUs are then looked up a hundred at a time, which is far fewer requests than asking each set for them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::api::{Api, Http, array};
use crate::json;
use crate::lockstep::plugin::types::{Fact, Fault, Fulfiller, Listing, ListingState};

/// The most sets of one page; more are cut silently.
const SETS: usize = 100;
/// The most SKUs of one look-up.
const SKUS: usize = 100;
/// The most bytes of a look-up's query: what the server takes is not stated.
const QUERY: usize = 6_000;

/// A page of sets as listings, and the cursor of the next page.
pub fn page<H: Http>(api: &Api<H>, cursor: Option<&str>, stock: bool) -> Result<(Vec<Listing>, Option<String>), Fault> {
    let offset: usize = cursor.unwrap_or("0").parse().map_err(|_| Fault::Other(format!("\"{}\" is no cursor of this plugin", cursor.unwrap_or(""))))?;
    let answer = api.get(&format!("/v2/product-sets?limit={SETS}&offset={offset}&status=all&orderBy=createdAt&orderDirection=ASC"))?;
    let sets: Vec<String> = json::rows(&answer).iter().filter_map(|s| json::text(s, "id")).collect();
    let listings = if stock {
        let stock = stock_of_sets(api, &sets)?;
        let skus: BTreeSet<String> = stock.iter().filter_map(|r| json::exact(r, "sellerSku")).collect();
        let products = products_by_sku(api, skus.iter().map(String::as_str))?;
        join(&products, &stock)
    } else {
        let paths: Vec<String> = sets.iter().map(|id| format!("/v2/product-set/{id}/products")).collect();
        let answers = api.get_all(&paths)?;
        answers.iter().flatten().flat_map(json::rows).filter_map(|p| listing(p, None)).collect()
    };
    Ok((listings, next(&answer, offset)))
}

/// The offset of the page after this one. A short page is no proof of the end: the server may have lowered the limit.
pub fn next(answer: &Value, offset: usize) -> Option<String> {
    let rows = json::rows(answer).len();
    let pagination = answer.get("pagination").unwrap_or(&Value::Null);
    let total = json::int(pagination, "totalCount").and_then(|t| usize::try_from(t).ok());
    let more = rows > 0 && json::flag(pagination, "hasNext") != Some(false) && total.is_none_or(|t| offset + rows < t);
    more.then(|| (offset + rows).to_string())
}

pub fn by_id<H: Http>(api: &Api<H>, ids: &[String]) -> Result<Vec<Listing>, Fault> {
    let mut products = Vec::new();
    for chunk in ids.chunks(SKUS) {
        let answer = api.get(&format!("/v2/products?{}", array("productIds", chunk.iter().map(String::as_str))))?;
        products.extend(json::rows(&answer).iter().filter(|p| json::text(p, "id").is_some_and(|id| chunk.contains(&id))).cloned());
    }
    with_stock(api, &products)
}

pub fn by_sku<H: Http>(api: &Api<H>, skus: &[String]) -> Result<Vec<Listing>, Fault> {
    let products = products_by_sku(api, skus.iter().map(String::as_str))?;
    with_stock(api, &products)
}

/// Products by SKU, compared to the letter.
fn products_by_sku<'a, H: Http>(api: &Api<H>, skus: impl Iterator<Item = &'a str>) -> Result<Vec<Value>, Fault> {
    let mut batches: Vec<Vec<&str>> = Vec::new();
    let mut bytes = QUERY;
    for sku in skus {
        let cost = array("sellerSkus", [sku]).len() + 1;
        if bytes + cost > QUERY || batches.last().is_some_and(|b| b.len() == SKUS) {
            batches.push(Vec::new());
            bytes = 0;
        }
        bytes += cost;
        if let Some(batch) = batches.last_mut() {
            batch.push(sku);
        }
    }
    let paths: Vec<String> =
        batches.iter().map(|b| format!("/v2/product/seller-skus?{}&limit={SKUS}&offset=0", array("sellerSkus", b.iter().copied()))).collect();
    let mut products = Vec::new();
    for (batch, answer) in batches.iter().zip(api.get_all(&paths)?) {
        let found = answer.unwrap_or(Value::Null);
        products.extend(json::rows(&found).iter().filter(|p| json::exact(p, "sellerSku").is_some_and(|s| batch.contains(&s.as_str()))).cloned());
    }
    Ok(products)
}

/// Stock of products, asked per product or per set, whichever takes fewer requests.
fn with_stock<H: Http>(api: &Api<H>, products: &[Value]) -> Result<Vec<Listing>, Fault> {
    let sets: BTreeSet<String> = products.iter().filter_map(|p| json::text(p, "productSetId")).collect();
    let all_have_sets = products.iter().all(|p| json::text(p, "productSetId").is_some());
    let stock = if all_have_sets && sets.len() < products.len() {
        stock_of_sets(api, &sets.into_iter().collect::<Vec<_>>())?
    } else {
        let ids: Vec<String> = products.iter().filter_map(|p| json::text(p, "id")).collect();
        let paths: Vec<String> = ids.iter().map(|id| format!("/v2/stock/product/{id}")).collect();
        api.get_all(&paths)?.into_iter().flatten().collect()
    };
    Ok(join(products, &stock))
}

fn stock_of_sets<H: Http>(api: &Api<H>, sets: &[String]) -> Result<Vec<Value>, Fault> {
    let paths: Vec<String> = sets.iter().map(|id| format!("/v2/stock/product-set/{id}")).collect();
    Ok(api.get_all(&paths)?.iter().flatten().flat_map(json::rows).cloned().collect())
}

/// Products with their stock rows: by product id where rows tell it, else by SKU.
fn join(products: &[Value], stock: &[Value]) -> Vec<Listing> {
    let mut by_id: BTreeMap<String, &Value> = BTreeMap::new();
    let mut by_sku: BTreeMap<String, &Value> = BTreeMap::new();
    for row in stock {
        if let Some(id) = json::text(row, "productId") {
            by_id.insert(id, row);
        }
        if let Some(sku) = json::exact(row, "sellerSku") {
            by_sku.insert(sku, row);
        }
    }
    let row = |p: &Value| {
        json::text(p, "id").and_then(|id| by_id.get(&id).copied()).or_else(|| json::exact(p, "sellerSku").and_then(|sku| by_sku.get(&sku).copied()))
    };
    products.iter().filter_map(|p| listing(p, row(p))).collect()
}

/// A product as a listing; none for one without id, which nothing could be written to.
fn listing(product: &Value, stock: Option<&Value>) -> Option<Listing> {
    let id = json::text(product, "id")?;
    let status = json::text(product, "status").unwrap_or_default();
    let approval = json::text(product, "approvalStatus");
    let state = match (status.as_str(), approval.as_deref()) {
        ("deleted", _) => ListingState::Ended,
        ("inactive", _) | ("active", Some("rejected")) => ListingState::Unbuyable,
        ("active", Some("pending")) => ListingState::Pending,
        ("active", _) => ListingState::Buyable,
        (other, _) => ListingState::Other(other.to_owned()),
    };
    let mut reasons = Vec::new();
    if status == "inactive" {
        reasons.push("switched off in Seller Center".to_owned());
    }
    if let Some(approval) = approval.filter(|a| a != "approved") {
        reasons.push(format!("approval: {approval}"));
    }
    let count = |key: &str| stock.and_then(|s| json::int(s, key));
    let unsigned = |n: i64| u32::try_from(n.max(0)).unwrap_or(u32::MAX);
    // What waits for payment review is held back as well, and the larger of the two is what counts there.
    let reserved = count("reservedStock").max(count("preVerificationStock"));
    let name = json::text(product, "name").or_else(|| stock.and_then(|s| json::text(s, "name"))).unwrap_or_default();
    let title = match json::text(product, "variation") {
        Some(variation) => format!("{name} ({variation})"),
        None => name,
    };
    let marketplace = json::int(product, "shipmentTypeId") == Some(1);
    Some(Listing {
        id,
        parent: json::text(product, "productSetId"),
        sku: json::exact(product, "sellerSku"),
        product: json::text(product, "shopSku"),
        barcodes: json::text(product, "productIdentifier").into_iter().collect(),
        title,
        state,
        native_state: Some(status).filter(|s| !s.is_empty()),
        reasons,
        quantity: count("quantity").map(unsigned),
        reserved: reserved.map(unsigned),
        buyable: count("available").and_then(|n| i32::try_from(n).ok()),
        places: vec![],
        fulfilled_by: if marketplace { Fulfiller::Marketplace("Seller Center's warehouse".into()) } else { Fulfiller::Seller },
        price: None,
        lot: None,
        least: None,
        most: None,
        sites: vec![],
        updated_at: json::instant(product, "updatedAt"),
        facts: json::text(product, "shopSku").map(|value| Fact { key: "shop SKU".into(), value }).into_iter().collect(),
    })
}

/// Why a product cannot be written, in words.
pub fn why_not(product: Option<&Value>) -> String {
    let Some(product) = product else { return "no such product in this account".into() };
    if json::int(product, "shipmentTypeId") == Some(1) {
        return "it is shipped from the marketplace's warehouse, whose stock a seller cannot write".into();
    }
    match json::text(product, "status").as_deref() {
        Some("deleted") => "it is deleted in Seller Center".into(),
        Some(status) => format!("Seller Center gives no reason; the product is {status}"),
        None => "Seller Center gives no reason".into(),
    }
}
