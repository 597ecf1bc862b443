//! What the channel sells.

use lockstep_sdk::listings::ListingPage;
use lockstep_sdk::prelude::*;
use serde_json::Value;

use crate::Template;
use crate::api::{api, look_up, next, paged, rows};

const PATH: &str = "/v1/listings";
/// Ids or SKUs of one request.
const AT_ONCE: usize = 100;

impl Listings for Template {
    // `stock` is false when the host has no use for quantities. Here they cost nothing; where stock is another request,
    // leave it out then.
    fn page(cx: Cx<'_>, cursor: Option<String>, _stock: bool) -> Result<ListingPage, Fault> {
        let api = api(cx);
        let answer = api.read(paged(api, Path::new(PATH), cursor.as_deref()))?;
        Ok(ListingPage {
            listings: read(cx, &answer)?,
            next: next(&answer),
            // For catalogues that the marketplace writes to a file first: when to come again.
            wait_ms: None,
        })
    }

    fn by_id(cx: Cx<'_>, ids: Vec<String>) -> Result<Vec<Listing>, Fault> {
        find(cx, "id", &ids)
    }

    fn by_sku(cx: Cx<'_>, skus: Vec<String>) -> Result<Vec<Listing>, Fault> {
        let mut found = find(cx, "sku", &skus)?;
        // Equal to the letter. Marketplaces that search without regard to case give more.
        found.retain(|l| l.sku.as_ref().is_some_and(|sku| skus.contains(sku)));
        Ok(found)
    }
}

fn find(cx: Cx<'_>, name: &str, values: &[String]) -> Result<Vec<Listing>, Fault> {
    let mut found = Vec::new();
    for answer in look_up(api(cx), PATH, name, values, AT_ONCE)? {
        found.extend(read(cx, &answer)?);
    }
    Ok(found)
}

fn read(cx: Cx<'_>, answer: &Value) -> Result<Vec<Listing>, Fault> {
    let mut listings = Vec::new();
    for row in rows(answer, "listings")? {
        match listing(row) {
            Some(listing) => listings.push(listing),
            // One bad row stalls nothing else.
            None => cx.warn(&format!("a listing without id: {}", row.shortened(200))),
        }
    }
    Ok(listings)
}

fn listing(row: Node<'_>) -> Option<Listing> {
    let active = row.get("active").flag();
    let quantity = row.get("quantity").int();
    Some(Listing {
        id: row.get("id").exact()?,
        // Byte for byte: blanks and case count when SKUs are matched.
        sku: row.get("sku").exact(),
        title: row.get("title").text().unwrap_or_default(),
        state: match active {
            Some(true) => ListingState::Buyable,
            Some(false) => ListingState::Unbuyable,
            None => ListingState::Other("unknown".to_owned()),
        },
        // The number that stock writes set.
        quantity: quantity.map(|n| u32::try_from(n).unwrap_or(0)),
        // A sale lowers `quantity` by itself: nothing else is held back.
        reserved: Some(0),
        buyable: quantity.and_then(|n| i32::try_from(n).ok()),
        updated_at: (row.get("updated_at").text()).and_then(|t| lockstep_sdk::time::instant(&t)),
        ..Listing::default()
    })
}
