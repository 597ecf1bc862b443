use super::*;
use crate::api::api;
use crate::marketplace;
use serde_json::{Value, json};

fn offer(sku: &str) -> Value {
    json!({"offer_id": 50021877, "shop_sku": sku, "product_sku": "9345900221", "product_title": "Board Shorts",
        "product_references": [{"reference_type": "EAN", "reference": "9312345678907"}, {"reference_type": "MPN", "reference": "x"}],
        "quantity": 7, "warehouses": [], "active": true, "inactivity_reasons": [], "price": 89.95,
        "currency_iso_code": "AUD", "min_order_quantity": 1, "max_order_quantity": 5, "package_quantity": 1,
        "channels": ["AU"], "fulfillment": {"center": {"code": "DEFAULT"}}})
}

fn answer(offers: Vec<Value>, total: usize) -> String {
    json!({"offers": offers, "total_count": total}).to_string()
}

#[test]
fn an_offer_is_read() {
    let mut dead = offer("KS-1");
    dead["active"] = json!(false);
    dead["inactivity_reasons"] = json!(["ZERO_QUANTITY", "SHOP_NOT_OPEN"]);
    dead["quantity"] = json!(-1);
    dead["package_quantity"] = json!(4);
    dead["warehouses"] =
        json!([{"code": "PERTH", "quantity": 0}, {"code": "SYDNEY", "quantity": 3}]);
    dead["fulfillment"] = json!({"center": {"code": "FBO"}});
    let fake = marketplace().on(
        "GET /api/offers?shop_id=2043&max=100&offset=0",
        200,
        &answer(vec![offer("KS \"30\""), dead, json!({"shop_sku": null})], 3),
    );
    let page = page(api(fake.cx()), None).expect("a page");
    assert_eq!(page.next, None);
    let [one, two] = page.listings.as_slice() else {
        panic!("{:?}", page.listings)
    };
    assert_eq!(
        (one.id.as_str(), one.sku.as_deref()),
        ("KS \"30\"", Some("KS \"30\""))
    );
    assert_eq!(
        (one.quantity, one.reserved, one.buyable),
        (Some(7), Some(0), Some(7))
    );
    assert_eq!(one.barcodes, ["9312345678907"]);
    assert_eq!((one.most, one.lot), (Some(5), None));
    assert_eq!(one.price.as_ref().map(|p| p.amount.as_str()), Some("89.95"));
    assert_eq!(
        (two.state.clone(), two.quantity, two.buyable),
        (ListingState::Unbuyable, Some(0), Some(0))
    );
    assert_eq!(two.reasons, ["ZERO_QUANTITY", "SHOP_NOT_OPEN"]);
    assert_eq!(two.lot, Some(4));
    assert_eq!(two.fulfilled_by, Fulfiller::Partner("FBO".into()));
    assert!(two.facts.contains(&Fact::new(WAREHOUSES, "PERTH\nSYDNEY")));
    assert!(fake.logged().contains("an offer is left out"));
}

#[test]
fn pages_overlap_and_end() {
    let full: Vec<Value> = (0..100).map(|n| offer(&format!("S{n}"))).collect();
    let fake = marketplace()
        .on(
            "GET /api/offers?shop_id=2043&max=100&offset=0",
            200,
            &answer(full.clone(), 101),
        )
        .on(
            "GET /api/offers?shop_id=2043&max=100&offset=95",
            200,
            &answer(full[..6].to_vec(), 101),
        )
        .on("GET /api/offers", 200, &json!({"offers": full}).to_string())
        .on("GET /api/offers", 200, &answer(Vec::new(), 101));
    let api = api(fake.cx());
    assert_eq!(page(api, None).expect("a page").next.as_deref(), Some("95"));
    assert_eq!(page(api, Some("95")).expect("a page").next, None);
    assert_eq!(
        page(api, Some("0")).expect("a page").next.as_deref(),
        Some("95")
    );
    assert_eq!(page(api, Some("100")).expect("a page").next, None);
    assert!(matches!(page(api, Some("x")), Err(Fault::Other(_))));
}

#[test]
fn one_sku_is_asked_for_by_name_and_must_be_equal() {
    let fake = marketplace()
        .on(
            "GET /api/offers?shop_id=2043&sku=KS%20%2630&max=100",
            200,
            &answer(vec![offer("ks &30"), offer("KS &30")], 2),
        )
        .on(
            "GET /api/offers?shop_id=2043&sku=GONE",
            200,
            &answer(vec![], 0),
        );
    let ids = ["KS &30".to_owned(), "GONE".to_owned(), "KS &30".to_owned()];
    let found = by_id(api(fake.cx()), &ids).expect("listings");
    fake.finish();
    assert_eq!(
        found.iter().map(|l| l.id.as_str()).collect::<Vec<_>>(),
        ["KS &30"]
    );
}

#[test]
fn many_skus_are_found_by_walking_and_what_is_missed_by_name() {
    let ids: Vec<String> = (0..11).map(|n| format!("S{n}")).collect();
    let walked: Vec<Value> = (0..10).map(|n| offer(&format!("S{n}"))).collect();
    let fake = marketplace()
        .on(
            "GET /api/offers?shop_id=2043&max=100&offset=0",
            200,
            &answer(walked, 11),
        )
        .on(
            "GET /api/offers?shop_id=2043&sku=S10",
            200,
            &answer(vec![offer("S10")], 1),
        );
    assert_eq!(by_id(api(fake.cx()), &ids).expect("listings").len(), 11);
    fake.finish();
}
