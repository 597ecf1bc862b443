//! Stock: reservations, writes, imports.

use super::*;

#[tokio::test]
async fn life_of_one_unit() {
    let w = world().await;
    assert_eq!(w.stock(0).await, (1, 0, 1));
    let order = w.buy("TIDE-30", 1);
    assert_eq!(w.stock(0).await, (1, 1, 0));
    // The shop has deducted the order already and says so.
    assert_eq!(
        w.put_stock(json!([{"productId": w.products[0], "quantity": 0}]))
            .await,
        (200, json!([]))
    );
    assert_eq!(w.stock(0).await, (0, 1, -1));
    let again = w
        .center
        .buy(&[("TIDE-30", 1)], Buyer::random(1), Purchase::default());
    assert!(again.is_err());
    w.done("ready-to-ship", ready(&order.item_ids, "StarTrack", "T1"))
        .await;
    assert_eq!(w.stock(0).await, (0, 1, -1));
    w.done("shipped", json!({"orderItemIds": order.item_ids}))
        .await;
    assert_eq!(w.stock(0).await, (0, 0, 0));

    // Canceling releases too, and a payment under review reserves nothing yet.
    let order = w.buy("TIDE-32", 3);
    assert_eq!(w.stock(1).await, (10, 3, 7));
    w.center
        .cancel_items(&order.item_ids[..1], "Customer Cancellation");
    assert_eq!(w.stock(1).await, (10, 2, 8));
    let held = Purchase {
        payment_pending: true,
        ..Purchase::default()
    };
    let held = w
        .center
        .buy(&[("TIDE-32", 2)], Buyer::random(2), held)
        .expect("a sale");
    assert_eq!(w.stock(1).await, (10, 2, 8));
    w.center.release_payment(held.id);
    assert_eq!(w.stock(1).await, (10, 4, 6));
    let forced = Purchase {
        force: true,
        ..Purchase::default()
    };
    assert!(
        w.center
            .buy(&[("TIDE-32", 7)], Buyer::random(3), Purchase::default())
            .is_err()
    );
    w.center
        .buy(&[("TIDE-32", 7)], Buyer::random(3), forced)
        .expect("a forced sale");
    assert_eq!(w.stock(1).await, (10, 11, -1));
    let stats = w.center.stats();
    assert_eq!(
        (stats.sales, stats.refused_sales, stats.forced_sales),
        (4, 2, 1)
    );
    counters_agree(&w.center);
}

#[tokio::test]
async fn shipping_can_lower_quantity() {
    let w = world_with(Switches {
        shipping_lowers_quantity: true,
        ..Switches::default()
    })
    .await;
    let order = w.buy("TIDE-32", 2);
    w.done("ready-to-ship", ready(&order.item_ids, "Sendle", "S1"))
        .await;
    w.done("shipped", json!({"orderItemIds": order.item_ids}))
        .await;
    assert_eq!(w.stock(1).await, (8, 0, 8));
}

#[tokio::test]
async fn stock_writes() {
    let w = world().await;
    let id = w.products[1];
    let venture = w.center.add_product_set(NewSet {
        name: "Cap".into(),
        parent_sku: "CAP".into(),
        products: vec![NewProduct {
            seller_sku: "CAP-1".into(),
            quantity: 4,
            shipment_type: ShipmentType::Warehouse,
            ..NewProduct::default()
        }],
    });
    // Failed rows come back, the others count; of two for one product the last.
    let (status, failed) = w
        .put_stock(json!([
            {"productId": 1, "quantity": 5}, {"productId": id, "quantity": 3},
            {"productId": venture[0], "quantity": 9}, {"productId": id, "quantity": 4},
        ]))
        .await;
    assert_eq!(status, 200);
    assert_eq!(
        failed,
        json!([{"productId": 1, "quantity": 5}, {"productId": venture[0], "quantity": 9}])
    );
    assert_eq!(w.stock(1).await.0, 4);
    let before = w.center.stock_writes();
    for wrong in [
        json!([{"productId": id, "quantity": -1}]),
        json!([{"productId": id, "quantity": 1.5}]),
        json!([{"productId": id.to_string(), "quantity": 1}]),
        json!([{"productId": id, "quantity": 1}, {"productId": id, "quantity": "2"}]),
        json!({"productId": id, "quantity": 1}),
        Value::Array(vec![json!({"productId": id, "quantity": 1}); 101]),
    ] {
        assert_eq!(w.put_stock(wrong).await.0, 422);
    }
    assert_eq!(w.center.stock_writes(), before);
    assert!(w.center.stats().mistakes.len() >= 6);
}

#[tokio::test]
async fn imports_become_feeds() {
    let w = world().await;
    let send = async |text: &str| {
        let request = w.http.post(format!(
            "{}/v2/import/product-stock-update-xml",
            w.center.url()
        ));
        let request = request
            .bearer_auth(&w.token)
            .header("content-type", "text/xml")
            .body(text.to_owned());
        request
            .send()
            .await
            .expect("an answer")
            .text()
            .await
            .expect("a body")
    };
    let xml = "<?xml version=\"1.0\"?><Request><Product><SellerSku>TIDE-32</SellerSku><Quantity>7</Quantity></Product>\
               <Product><SellerSku>GONE</SellerSku><Quantity>1</Quantity></Product></Request>";
    let answer = send(xml).await;
    let root = xml::parse(&answer).expect("XML");
    assert_eq!(root.name, "SuccessResponse");
    let feed = root.children[0]
        .child_text("RequestId")
        .expect("an id")
        .to_owned();
    assert!(send(xml).await.contains("<ErrorCode>1000</ErrorCode>"));
    assert!(send("<Request/>").await.contains("E030"));
    assert!(
        send(
            "<Request><Product><SellerSku>A</SellerSku><Quantity>x</Quantity></Product></Request>"
        )
        .await
        .contains("not a number")
    );
    let path = format!("/v2/feed/{feed}/status");
    assert_eq!(w.get(&path).await["status"], "Queued");
    assert_eq!(w.stock(1).await.0, 10);
    tokio::time::sleep(Duration::from_millis(450)).await;
    let status = w.get(&path).await;
    assert_eq!(status["status"], "Finished");
    assert_eq!(status["errors"][0]["sellerSku"], "GONE");
    assert_eq!(w.stock(1).await.0, 7);
    let rows = w.get("/v2/feeds?limit=20&offset=0").await;
    assert_eq!(rows["items"][0]["failedRecords"], 1);
    assert_eq!(
        w.call("GET", "/v2/feeds?limit=21&offset=0", None).await.0,
        400
    );
    assert_eq!(
        w.call("DELETE", &format!("/v2/feed/{feed}"), None).await.0,
        404
    );
}
