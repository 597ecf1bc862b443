use super::*;
use crate::api::api;
use crate::seller_center;

const PRODUCTS: &str = r#"[
  {"id":418801,"shopSku":"KS-1","sellerSku":"KS-TIDE-30","productSetId":93012,"approvalStatus":"approved","status":"active",
   "variation":"30","shipmentTypeId":2,"productIdentifier":"9350000418801","updatedAt":"2026-02-27T22:05:10+00:00"},
  {"id":"418802","shopSku":null,"sellerSku":"ks-tide-30","productSetId":93012,"approvalStatus":"pending","status":"active",
   "variation":"32","shipmentTypeId":1},
  {"id":null,"sellerSku":"lost"}]"#;
const STOCK: &str = r#"[
  {"sellerSku":"ks-tide-30","quantity":"4","reservedStock":null,"preVerificationStock":null,"available":4},
  {"sellerSku":"KS-TIDE-30","quantity":0,"reservedStock":1,"preVerificationStock":2,"available":-1,"warehouses":[]}]"#;

#[test]
fn a_page_costs_one_read_a_set_and_one_look_up() {
    let products = PRODUCTS.trim().trim_end_matches(']');
    let found = format!(r#"{{"items":{products}],"pagination":{{"totalCount":3}}}}"#);
    let fake = seller_center()
        .on(
            "GET /v2/product-sets?limit=100&offset=200&status=all&orderBy=createdAt&orderDirection=ASC",
            200,
            r#"{"items":[{"id":93012,"name":"Tidepool Board Shorts","status":"active","attributes":[]},
                {"id":93013,"status":"deleted"},{"id":null,"status":"active"}],
                "pagination":{"limit":100,"offset":200,"totalCount":204}}"#,
        )
        .on("GET /v2/stock/product-set/93012", 200, STOCK)
        .on(
            "GET /v2/product/seller-skus?sellerSkus[]=ks-tide-30&sellerSkus[]=KS-TIDE-30&limit=100&offset=0",
            200,
            &found,
        );
    let page = page(api(fake.cx()), Some("200"), true).expect("a page");
    fake.finish();
    assert_eq!(page.next.as_deref(), Some("203"));
    let [a, b] = page.listings.as_slice() else {
        panic!("{:?}", page.listings);
    };
    assert_eq!(
        (a.id.as_str(), a.parent.as_deref()),
        ("418801", Some("93012"))
    );
    assert_eq!(a.sku.as_deref(), Some("KS-TIDE-30"));
    assert_eq!(a.title, "Tidepool Board Shorts, 30");
    assert_eq!(a.state, ListingState::Buyable);
    assert_eq!(
        (a.quantity, a.reserved, a.buyable),
        (Some(0), Some(2), Some(-1))
    );
    assert_eq!(a.fulfilled_by, Fulfiller::Seller);
    assert_eq!(a.updated_at.as_deref(), Some("2026-02-27T22:05:10Z"));
    assert_eq!(b.id, "418802");
    assert_eq!(b.state, ListingState::Pending);
    assert_eq!((b.quantity, b.reserved), (Some(4), None));
    assert!(matches!(b.fulfilled_by, Fulfiller::Marketplace(_)));
    assert!(fake.logged().contains("a product set without id"));
}

#[test]
fn products_that_the_look_up_misses_are_read_with_their_set() {
    let fake = seller_center()
        .on(
            "GET /v2/product-sets",
            200,
            r#"{"items":[{"id":93012},{"id":5}],"pagination":{"totalCount":2}}"#,
        )
        .on("GET /v2/stock/product-set/93012", 200, STOCK)
        .on("GET /v2/stock/product-set/5", 404, "")
        .on(
            "GET /v2/product/seller-skus",
            200,
            r#"{"items":[],"pagination":{"totalCount":0}}"#,
        )
        .on("GET /v2/product-set/93012/products", 200, PRODUCTS);
    let page = page(api(fake.cx()), None, true).expect("a page");
    fake.finish();
    let seen: Vec<_> = page
        .listings
        .iter()
        .map(|l| (l.id.as_str(), l.quantity))
        .collect();
    assert_eq!(seen, [("418801", Some(0)), ("418802", Some(4))]);
    assert!(fake.logged().contains("a product without id"));
}

#[test]
fn without_stock_it_costs_one_read_a_set() {
    let fake = seller_center()
        .on(
            "GET /v2/product-sets",
            200,
            r#"{"items":[{"id":7}],"pagination":{"totalCount":1}}"#,
        )
        .on("GET /v2/product-set/7/products", 200, PRODUCTS);
    let page = page(api(fake.cx()), None, false).expect("a page");
    fake.finish();
    assert_eq!(page.next, None);
    assert_eq!(page.listings[0].quantity, None);
}

#[test]
fn a_set_that_vanished_is_left_out_and_a_broken_read_fails_the_page() {
    let sets = r#"{"items":[{"id":7},{"id":8}],"pagination":{"totalCount":2}}"#;
    let fake = seller_center()
        .on("GET /v2/product-sets", 200, sets)
        .on("GET /v2/product-set/7/products", 404, "")
        .on("GET /v2/product-set/8/products", 200, PRODUCTS);
    assert_eq!(
        page(api(fake.cx()), None, false)
            .expect("a page")
            .listings
            .len(),
        2
    );
    let fake = seller_center()
        .on("GET /v2/product-sets", 200, sets)
        .on("GET /v2/product-set/7/products", 500, "")
        .on("GET /v2/product-set/8/products", 200, PRODUCTS);
    assert!(matches!(
        page(api(fake.cx()), None, false),
        Err(Fault::Unavailable(_))
    ));
    let fake = seller_center().on("GET /v2/product-sets", 200, r#"{"message":"hello"}"#);
    assert!(matches!(
        page(api(fake.cx()), None, false),
        Err(Fault::Protocol(_))
    ));
}

#[test]
fn by_id_asks_again_for_what_a_silent_page_cut_off() {
    let ids: Vec<String> = ["418801", "5", "x", "418802"].map(str::to_owned).to_vec();
    let fake = seller_center()
        .on(
            "GET /v2/products?productIds[]=5&productIds[]=418801&productIds[]=418802",
            200,
            r#"[{"id":418801,"sellerSku":"A","productSetId":1,"status":"active"},{"id":1,"sellerSku":"stranger"}]"#,
        )
        .on(
            "GET /v2/products?productIds[]=5&productIds[]=418802",
            200,
            r#"[{"id":418802,"sellerSku":"B","productSetId":1,"status":"inactive"}]"#,
        )
        .on("GET /v2/products?productIds[]=5", 200, "[]")
        .on(
            "GET /v2/stock/product-set/1",
            200,
            r#"[{"productId":418802,"sellerSku":"A","quantity":2},{"sellerSku":"A","quantity":1}]"#,
        );
    let listings = by_id(api(fake.cx()), &ids).expect("listings");
    fake.finish();
    let seen: Vec<_> = listings
        .iter()
        .map(|l| (l.id.as_str(), l.quantity))
        .collect();
    assert_eq!(seen, [("418801", Some(1)), ("418802", Some(2))]);
    assert_eq!(listings[1].state, ListingState::Unbuyable);
}

#[test]
fn by_sku_is_byte_equal_and_reads_the_fewest_stocks() {
    let skus: Vec<String> = ["A", "B+", "C", "gone"].map(str::to_owned).to_vec();
    let fake = seller_center()
        .on(
            "GET /v2/product/seller-skus?sellerSkus[]=A&sellerSkus[]=B%2B&sellerSkus[]=C&sellerSkus[]=gone&limit=100&offset=0",
            200,
            r#"{"items":[{"id":1,"sellerSku":"A","productSetId":9},{"id":2,"sellerSku":"a","productSetId":9},
                {"id":3,"sellerSku":"B+","productSetId":9},{"id":4,"sellerSku":"C","productSetId":10}],
                "pagination":{"totalCount":4}}"#,
        )
        .on("GET /v2/stock/product-set/9", 200, r#"[{"sellerSku":"A","quantity":1},{"sellerSku":"B+","quantity":2}]"#)
        .on("GET /v2/stock/product/4", 200, r#"{"sellerSku":"C","quantity":3,"reservedStock":1}"#);
    let listings = by_sku(api(fake.cx()), &skus).expect("listings");
    fake.finish();
    let seen: Vec<_> = listings
        .iter()
        .map(|l| (l.id.as_str(), l.quantity, l.buyable))
        .collect();
    assert_eq!(
        seen,
        [
            ("1", Some(1), None),
            ("3", Some(2), None),
            ("4", Some(3), Some(2))
        ]
    );
}

#[test]
fn look_ups_by_sku_stay_short() {
    let skus: Vec<String> = (0..250).map(|n| format!("{n:0>100}")).collect();
    let empty = r#"{"items":[],"pagination":{"totalCount":0}}"#;
    let mut fake = seller_center();
    for _ in 0..5 {
        fake = fake.on("GET /v2/product/seller-skus", 200, empty);
    }
    assert!(by_sku(api(fake.cx()), &skus).expect("listings").is_empty());
    fake.finish();
    for index in 0..fake.count() {
        assert!(fake.url(index).len() < 6_100);
    }
}

#[test]
fn a_walk_with_a_strange_cursor_begins_anew() {
    let fake = seller_center();
    assert!(matches!(
        page(api(fake.cx()), Some("x"), true),
        Err(Fault::Other(_))
    ));
}
