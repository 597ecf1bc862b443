//! Telling parcels, in both forms.

use super::*;

#[tokio::test]
async fn tracking_then_ship() {
    let w = world().await;
    let waiting = w.buy(&[("TIDE-34", 1)]);
    let order = w.paid(&[("TIDE-32", 2)]).await;
    let (tracking, ship) = (
        format!("/api/orders/{}/tracking", order.id),
        format!("/api/orders/{}/ship", order.id),
    );
    let told = json!({"carrier_code": "AUSPOST", "tracking_number": "KSP1"});
    assert_eq!(w.put(&tracking, told.clone()).await.0, 204);
    let read = w.read(&order.id).await;
    assert_eq!(
        (&read["order_state"], &read["shipping_tracking"]),
        (&json!("SHIPPING"), &json!("KSP1"))
    );
    assert_eq!(read["shipping_company"], "Australia Post");
    w.done(&ship).await;
    let read = w.read(&order.id).await;
    assert_eq!(read["order_state"], "SHIPPED");
    assert!(read["order_lines"][0]["shipped_date"].is_string());
    // Again, and after the fact: the state does not allow it.
    assert_eq!(w.call("PUT", &ship, None).await.0, 400);
    assert_eq!(w.put(&tracking, told.clone()).await.0, 400);
    let path = format!("/api/orders/{}/ship", waiting.id);
    assert_eq!(w.call("PUT", &path, None).await.0, 400);
    w.no_mistakes();
    w.mirakl.switches(|s| s.tracking_after_shipping = true);
    assert_eq!(w.put(&tracking, told).await.0, 204);
    w.mirakl.receive(&order.id);
    assert_eq!(w.state(&order.id), "RECEIVED");
    w.mirakl.close(&order.id);
    assert_eq!(w.state(&order.id), "CLOSED");
    w.mirakl
        .switches(|s| s.received_delay_ms = Some(7 * 24 * 3_600_000));
    let order = w.paid(&[("TIDE-32", 1)]).await;
    w.done(&format!("/api/orders/{}/ship", order.id)).await;
    w.mirakl.advance(hours(7 * 24));
    assert_eq!(w.state(&order.id), "RECEIVED");
}

#[tokio::test]
async fn carriers_are_checked() {
    let w = world().await;
    let order = w.paid(&[("TIDE-32", 2)]).await;
    let path = format!("/api/orders/{}/tracking", order.id);
    for body in [
        json!({"carrier_code": "PIGEON", "tracking_number": "1"}),
        json!({"carrier_code": "AUSPOST"}),
        json!({"tracking_number": "1"}),
        json!({"carrier_code": 7}),
    ] {
        assert_eq!(w.put(&path, body).await.0, 400);
        assert_eq!(w.mistakes().len(), 1);
    }
    let own = json!({"carrier_name": "Pigeon", "tracking_number": " P1 ", "carrier_url": "https://p.example/1"});
    assert_eq!(w.put(&path, own.clone()).await.0, 204);
    // Blanks stay as they were sent.
    assert_eq!(w.read(&order.id).await["shipping_tracking"], " P1 ");
    assert_eq!(w.put(&path, json!({"carrier_code": "OWN"})).await.0, 204);
    w.no_mistakes();
    // In calls for parcels the same thing has another name.
    let other = json!({"carrier_name": "Pigeon", "tracking_url": "https://p.example/1"});
    assert_eq!(w.put(&path, other).await.0, 204);
    assert!(w.mistakes()[0].contains("`tracking_url` is unknown here"));
    w.mirakl.switches(|s| s.alternative_carriers = false);
    assert_eq!(w.put(&path, own).await.0, 400);
}

#[tokio::test]
async fn express_needs_tracking() {
    let w = world().await;
    w.mirakl.switches(|s| s.automatic_acceptance = true);
    let express = Purchase {
        shipping_type: "EXP".into(),
        ..Purchase::default()
    };
    let order = w.mirakl.buy(&[("TIDE-32", 1)], Buyer::random(3), &express);
    let order = order.expect("a sale");
    w.mirakl.debit(&order.id);
    let ship = format!("/api/orders/{}/ship", order.id);
    assert_eq!(w.call("PUT", &ship, None).await.0, 400);
    assert_eq!(w.mistakes().len(), 1);
    let told = json!({"carrier_code": "SENDLE", "tracking_number": "S1"});
    w.put(&format!("/api/orders/{}/tracking", order.id), told)
        .await;
    w.done(&ship).await;
}

fn parcel(order: &PlacedOrder, units: u32, code: &str) -> Value {
    json!({
        "order_id": order.id, "shipped": true,
        "shipment_lines": [{"order_line_id": order.line_ids[0], "quantity": units}],
        "tracking": {"carrier_code": "AUSPOST", "tracking_number": code},
    })
}

#[tokio::test]
async fn parcel_by_parcel() {
    let w = world().await;
    let order = w.paid(&[("TIDE-32", 3)]).await;
    let body = json!({"shipments": [parcel(&order, 1, "KSP1")]});
    let (status, answer) = w.post("/api/shipments", body).await;
    assert_eq!(status, 201);
    assert_eq!(answer["shipment_success"][0]["status"], "SHIPPED");
    assert_eq!(w.state(&order.id), "SHIPPING");
    let rest = w
        .get(&format!(
            "/api/shipments/items_to_ship?order_id={}",
            order.id
        ))
        .await;
    assert_eq!(rest["data"][0]["shipment_lines"][0]["quantity"], 2);
    // A repeat of more than remains is told beside what worked, under 201.
    let body = json!({"shipments": [parcel(&order, 3, "KSP2")]});
    let (status, answer) = w.post("/api/shipments", body).await;
    assert_eq!((status, &answer["shipment_success"]), (201, &json!([])));
    assert_eq!(answer["shipment_errors"][0]["order_id"], json!(order.id));
    w.no_mistakes();
    // Two steps: made first, then told its code, then shipped.
    let mut later = parcel(&order, 2, "KSP2");
    later["shipped"] = json!(false);
    later["tracking"] = Value::Null;
    let (_, answer) = w
        .post("/api/shipments", json!({"shipments": [later]}))
        .await;
    let id = answer["shipment_success"][0]["id"].clone();
    assert_eq!(
        answer["shipment_success"][0]["tracking"]["validity_status"],
        "MISSING_TRACKING"
    );
    let told = json!({"shipments": [{"id": id, "tracking": {"carrier_code": "AUSPOST", "tracking_number": "KSP2"}}]});
    assert_eq!(w.post("/api/shipments/tracking", told).await.0, 200);
    let ids = json!({"shipments": [{"id": id}]});
    let (status, answer) = w.put("/api/shipments/ship", ids.clone()).await;
    assert_eq!((status, &answer["shipment_errors"]), (200, &json!([])));
    assert_eq!(w.state(&order.id), "SHIPPED");
    let (_, answer) = w.put("/api/shipments/ship", ids).await;
    assert_eq!(answer["shipment_errors"][0]["id"], id);
    let seen = w.mirakl.order(&order.id).expect("an order");
    assert_eq!((seen.shipments.len(), seen.lines[0].shipped), (2, 3));
    w.no_mistakes();
}

#[tokio::test]
async fn shipments_are_read_on_with_tokens() {
    let w = world().await;
    let order = w.paid(&[("TIDE-32", 5)]).await;
    for n in 0..5 {
        let body = json!({"shipments": [parcel(&order, 1, &format!("KSP{n}"))]});
        w.post("/api/shipments", body).await;
    }
    let mut path = format!(
        "/api/shipments?order_id={}&limit=2&sort=dateCreated,ASC",
        order.id
    );
    let mut codes = Vec::new();
    loop {
        let page = w.get(&path).await;
        let rows = page["data"].as_array().expect("a list");
        codes.extend(
            rows.iter()
                .map(|s| s["tracking"]["tracking_number"].clone()),
        );
        match page["next_page_token"].as_str() {
            Some(token) => path = format!("/api/shipments?page_token={token}"),
            None => break,
        }
    }
    assert_eq!(codes, ["KSP0", "KSP1", "KSP2", "KSP3", "KSP4"]);
    assert_eq!(
        w.get("/api/shipments?order_id=none").await,
        json!({"data": []})
    );
    w.no_mistakes();
    w.mirakl.switches(|s| s.multi_shipment = false);
    assert_eq!(w.call("GET", "/api/shipments", None).await.0, 404);
    let body = json!({"shipments": [parcel(&order, 1, "KSP9")]});
    assert_eq!(w.post("/api/shipments", body).await.0, 404);
    w.no_mistakes();
}
