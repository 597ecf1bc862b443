//! Catalog and order reads.

use super::*;

#[tokio::test]
async fn paging_of_orders() {
    let w = world().await;
    for _ in 0..5 {
        w.buy("TIDE-32", 1);
    }
    let page = w.get("/v2/orders?limit=2&offset=0").await;
    assert_eq!(
        page["pagination"],
        json!({"limit": 2, "offset": 0, "hasNext": true})
    );
    let page = w.get("/v2/orders?limit=2&offset=4").await;
    assert_eq!(
        page["pagination"],
        json!({"limit": 2, "offset": 4, "hasNext": false})
    );
    assert_eq!(page["items"].as_array().map(Vec::len), Some(1));
    w.center
        .switches(|s| s.orders_paging = OrdersPaging::TotalCount);
    let page = w.get("/v2/orders?limit=2&offset=2").await;
    assert_eq!(
        page["pagination"],
        json!({"limit": 2, "offset": 2, "totalCount": 5})
    );
    let page = w.get("/v2/orders?limit=500&offset=9").await;
    assert_eq!(
        page["pagination"],
        json!({"limit": 100, "offset": 9, "totalCount": 5})
    );
    let ids = |page: &Value| -> Vec<u64> {
        let rows = page["items"].as_array().expect("rows");
        rows.iter().filter_map(|r| r["id"].as_u64()).collect()
    };
    let up = ids(&w
        .get("/v2/orders?limit=9&offset=0&sort=createdAt&sortDir=asc")
        .await);
    let mut down = ids(&w
        .get("/v2/orders?limit=9&offset=0&sort=updatedAt&sortDir=desc")
        .await);
    down.reverse();
    assert_eq!(up, down);
    for wrong in [
        "limit=2",
        "offset=0",
        "limit=0&offset=0",
        "limit=2&offset=0&sort=price",
        "limit=2&offset=0&section=x",
    ] {
        let (status, body) = w.call("GET", &format!("/v2/orders?{wrong}"), None).await;
        assert_eq!(status, 400, "{wrong}");
        assert!(body["violations"].is_array());
    }
    let page = w.get("/v2/order-items?limit=3&offset=3").await;
    assert_eq!(
        page["pagination"],
        json!({"limit": 3, "offset": 3, "totalCount": 5})
    );
    assert!(w.center.stats().requests["GET /v2/orders"] >= 10);
}

#[tokio::test]
async fn the_update_range_looks_at_items() {
    let w = world_with(Switches {
        order_updated_at_follows_items: false,
        ..Switches::default()
    })
    .await;
    let first = w.buy("TIDE-32", 2);
    let second = w.buy("TIDE-32", 1);
    w.done("ready-to-ship", ready(&first.item_ids[..1], "Sendle", "R1"))
        .await;
    let view = w.center.order(first.id).expect("an order");
    let at = clock::micros(view.items[0].updated_at);
    // The order's own stamp is older than the range, its item's is exactly at both ends.
    assert!(view.updated_at < view.items[0].updated_at);
    let path = format!(
        "/v2/orders?limit=50&offset=0&updateDateStart={at}&updateDateEnd={at}&sort=updatedAt"
    );
    let page = w.get(&path).await;
    assert_eq!(page["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(page["items"][0]["id"], first.id);
    assert_eq!(
        page["items"][0]["statusList"],
        json!({"pending": 1, "ready_to_ship": 1})
    );
    w.center.switches(|s| s.ranges_inclusive = false);
    assert_eq!(w.get(&path).await["items"], json!([]));
    w.center.switches(|s| s.ranges_inclusive = true);

    let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    let page = w
        .get(&format!(
            "/v2/orders?limit=50&offset=0&dateStart={today}&dateEnd={today}"
        ))
        .await;
    assert_eq!(page["items"].as_array().map(Vec::len), Some(2));
    let page = w
        .get("/v2/orders?limit=50&offset=0&section=status_ready_to_ship")
        .await;
    assert_eq!(page["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(page["items"][0]["items"].as_array().map(Vec::len), Some(2));
    let page = w
        .get(&format!(
            "/v2/orders?limit=1&offset=0&orderNumbers[]={}",
            second.number
        ))
        .await;
    assert_eq!(page["items"][0]["id"], second.id);
    let path = format!(
        "/v2/orders?limit=9&offset=0&orderIds%5B%5D={}&orderIds%5B%5D={}",
        first.id, second.id
    );
    assert_eq!(
        w.get(&path).await["items"].as_array().map(Vec::len),
        Some(2)
    );
    // The wrong name filters nothing, and is noted.
    let page = w
        .get(&format!("/v2/orders?limit=9&offset=0&orderId={}", first.id))
        .await;
    assert_eq!(page["items"].as_array().map(Vec::len), Some(2));
    assert!(
        w.center
            .stats()
            .mistakes
            .iter()
            .any(|m| m.contains("`orderId` is unknown"))
    );
    // A raw plus reads as a blank.
    let (status, _) = w
        .call(
            "GET",
            "/v2/orders?limit=9&offset=0&dateStart=2026-03-09T00:00:00+11:00",
            None,
        )
        .await;
    assert_eq!(status, 400);
    let page = w
        .get(&format!(
            "/v2/order-items?limit=9&offset=0&updatedAtStart={at}&sort=updatedAt"
        ))
        .await;
    assert_eq!(page["pagination"]["totalCount"], 1);
}

#[tokio::test]
async fn what_an_order_looks_like() {
    let w = world().await;
    let options = Purchase {
        shipping_fee: "7.95".parse().expect("a fee"),
        discount_per_item: "5".parse().expect("a discount"),
        placed_at: Some("2026-03-08T23:41:07Z".parse().expect("a time")),
        venture_items: vec![("TOTE-1".into(), 1)],
        ..Purchase::default()
    };
    let order = w
        .center
        .buy(&[("TIDE-32", 2)], Buyer::random(5), options)
        .expect("a sale");
    let json = w.get(&format!("/v2/orders/{}", order.id)).await;
    assert_eq!(json["createdAt"], "2026-03-08T23:41:07.000000Z");
    assert_eq!(json["currency"], "AUD");
    assert_eq!(json["address"]["shipping"]["email"], "#####");
    assert_eq!(
        json["address"]["shipping"]["address"]
            .as_array()
            .map(Vec::len),
        Some(5)
    );
    let item = &json["items"][0];
    assert_eq!(item["unitPrice"].to_string(), "89.95");
    assert_eq!(item["paidPrice"].to_string(), "84.95");
    assert_eq!(item["taxAmount"].to_string(), "7.72");
    assert_eq!(item["shippingFee"].to_string(), "7.95");
    assert_eq!(json["items"][2]["shipment"]["type"], "warehouse");
    assert_eq!(json["items"][2]["isProcessable"], false);
    assert_eq!(json["items"][2]["actions"], json!([]));
    assert_eq!(json["grandTotal"].to_string(), "222.85");
    w.refused(
        "ready-to-ship",
        ready(&order.item_ids[2..], "Sendle", "V1"),
        "E023",
    )
    .await;

    // By number there is nothing, and masks, nulls and novelties come on demand.
    assert_eq!(
        w.call("GET", &format!("/v2/orders/{}", order.number), None)
            .await
            .0,
        404
    );
    w.center.switches(|s| {
        s.nulls_in_required = true;
        s.unknown_enum_values = true;
        s.venture_items_visible = false;
        s.order_edits
            .insert("/items/*/product/name".into(), json!("?"));
    });
    let json = w.get(&format!("/v2/orders/{}", order.id)).await;
    assert!(json["address"]["billing"].is_null() && json["gift"].is_null());
    assert_eq!(json["items"][0]["shipment"]["method"], "locker");
    assert_eq!(json["items"][1]["product"]["name"], "?");
    assert_eq!(json["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(json["orderItemIds"], json!(order.item_ids[..2]));
}

#[tokio::test]
async fn catalog_and_look_ups() {
    let w = world().await;
    for n in 0..130 {
        w.center.add_product_set(NewSet {
            name: format!("Tee {n}"),
            parent_sku: format!("TEE-{n}"),
            products: vec![NewProduct {
                seller_sku: format!("TEE-{n}-M"),
                ..NewProduct::default()
            }],
        });
    }
    let page = w.get("/v2/product-sets?limit=1000&offset=100&status=all&orderBy=createdAt&orderDirection=ASC").await;
    assert_eq!(
        page["pagination"],
        json!({"limit": 100, "offset": 100, "totalCount": 131})
    );
    assert_eq!(page["items"].as_array().map(Vec::len), Some(31));
    // Without stock a set is not active.
    let page = w
        .get("/v2/product-sets?limit=10&offset=0&status=active")
        .await;
    assert_eq!(page["pagination"]["totalCount"], 1);
    let set = page["items"][0]["id"].as_u64().expect("an id");
    let rows = w.get(&format!("/v2/product-set/{set}/products")).await;
    assert_eq!(rows[2]["sellerSku"], "TIDE/34 +");
    assert!(
        rows[0]["updatedAt"]
            .as_str()
            .expect("a time")
            .ends_with("+00:00")
    );
    let rows = w.get(&format!("/v2/stock/product-set/{set}")).await;
    assert_eq!(rows[1]["available"], 10);
    assert!(rows[1].get("productId").is_none());
    let one = w.get("/v2/product/seller-sku/TIDE%2F34%20%2B").await;
    assert_eq!(one["id"], w.products[2]);
    assert_eq!(
        w.call("GET", "/v2/product/seller-sku/none", None).await.0,
        404
    );
    let page = w.get("/v2/product/seller-skus?sellerSkus[]=TIDE-30&sellerSkus[]=gone&sellerSkus[]=TEE-4-M&limit=100&offset=0").await;
    assert_eq!(page["pagination"]["totalCount"], 2);
    w.center.set_seller_sku(w.products[0], "TIDE-30-NEW");
    assert_eq!(
        w.call("GET", "/v2/product/seller-sku/TIDE-30", None)
            .await
            .0,
        404
    );
    assert_eq!(w.center.product("TIDE-30-NEW")[0].id, w.products[0]);
    let rows = w
        .get(&format!("/v2/products?productIds[]={}", w.products[1]))
        .await;
    assert_eq!(rows[0]["sellerSku"], "TIDE-32");
    let page = w
        .get("/v2/product-sets?limit=10&offset=0&keyword[]=tee-12&keyword[]=no")
        .await;
    assert_eq!(page["pagination"]["totalCount"], 11);
}

#[tokio::test]
async fn a_large_catalog_is_served_quickly() {
    let w = world().await;
    for n in 0..25_000 {
        let size = |size: &str| NewProduct {
            seller_sku: format!("BULK-{n}-{size}"),
            quantity: 3,
            ..NewProduct::default()
        };
        w.center.add_product_set(NewSet {
            name: format!("Bulk {n}"),
            parent_sku: format!("BULK-{n}"),
            products: vec![size("S"), size("M"), size("L"), size("XL")],
        });
    }
    let started = std::time::Instant::now();
    for offset in [0, 10_000, 24_900] {
        let page = w
            .get(&format!(
                "/v2/product-sets?limit=100&offset={offset}&status=all"
            ))
            .await;
        assert_eq!(page["items"].as_array().map(Vec::len), Some(100));
    }
    for _ in 0..50 {
        w.buy("BULK-12000-L", 1);
        w.center
            .set_quantity(w.center.product("BULK-12000-L")[0].id, 100);
    }
    w.get("/v2/orders?limit=50&offset=0").await;
    w.get("/v2/product/seller-skus?sellerSkus[]=BULK-24999-XL&limit=100&offset=0")
        .await;
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );
}
