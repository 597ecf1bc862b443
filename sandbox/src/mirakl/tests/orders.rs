//! Orders as they are read, accepted and paid.

use super::*;

async fn accept(w: &World, order: &PlacedOrder, decisions: &[bool]) -> (u16, Value) {
    let lines: Vec<Value> = order
        .line_ids
        .iter()
        .zip(decisions)
        .map(|(id, accepted)| json!({"id": id, "accepted": accepted}))
        .collect();
    let path = format!("/api/orders/{}/accept", order.id);
    w.put(&path, json!({"order_lines": lines})).await
}

#[tokio::test]
async fn from_the_basket_to_the_parcel() {
    let w = world().await;
    let order = w
        .mirakl
        .buy(
            &[("TIDE-32", 2)],
            Buyer::random(7),
            &Purchase {
                staging: true,
                shipping_per_line: "9.95".parse().expect("a price"),
                ..Purchase::default()
            },
        )
        .expect("a sale");
    let read = w.read(&order.id).await;
    assert_eq!(read["order_state"], "STAGING");
    w.mirakl.switches(|s| s.staging_visible = false);
    assert_eq!(w.get("/api/orders").await["total_count"], 0);
    w.mirakl.release(&order.id);
    let read = w.read(&order.id).await;
    assert_eq!(read["order_state"], "WAITING_ACCEPTANCE");
    assert_eq!(read["customer"]["shipping_address"], Value::Null);
    assert!(read["customer"]["lastname"].is_string());
    assert_eq!(read["price"].to_string(), "179.9");
    assert_eq!(read["total_price"].to_string(), "189.85");
    assert_eq!(
        read["order_lines"][0]["order_line_id"],
        json!(order.line_ids[0])
    );
    assert_eq!(
        read["order_lines"][0]["taxes"][0]["amount"].to_string(),
        "16.35"
    );
    assert_eq!(accept(&w, &order, &[true]).await.0, 204);
    let read = w.read(&order.id).await;
    assert_eq!(
        (&read["order_state"], &read["can_cancel"]),
        (&json!("WAITING_DEBIT"), &json!(true))
    );
    assert!(read["acceptance_decision_date"].is_string());
    w.mirakl.advance(seconds(300));
    assert_eq!(w.state(&order.id), "WAITING_DEBIT_PAYMENT");
    w.mirakl.advance(seconds(300));
    let read = w.read(&order.id).await;
    assert_eq!(
        (&read["order_state"], &read["can_shop_ship"]),
        (&json!("SHIPPING"), &json!(true))
    );
    assert!(read["customer_debited_date"].is_string() && read["shipping_deadline"].is_string());
    let address = &read["customer"]["shipping_address"];
    assert_eq!(address["country_iso_code"].as_str().map(str::len), Some(3));
    w.no_mistakes();
}

#[tokio::test]
async fn amounts_without_taxes() {
    let w = world().await;
    let order = w.buy(&[("TIDE-32", 2)]);
    let path = format!(
        "/api/orders?order_ids={}&order_tax_mode=TAX_EXCLUDED",
        order.id
    );
    let body = w.get(&path).await;
    let line = &body["orders"][0]["order_lines"][0];
    assert_eq!(body["orders"][0]["order_tax_mode"], "TAX_EXCLUDED");
    assert_eq!(line["price"].to_string(), "163.55");
    assert_eq!(line["taxes"][0]["amount"].to_string(), "16.35");
    w.mirakl.switches(|s| s.amounts_as_strings = true);
    assert_eq!(w.read(&order.id).await["price"], "179.9");
    let edits = [("/order_lines/*/quantity".to_owned(), Value::Null)];
    w.mirakl
        .switches(|s| s.order_edits = edits.into_iter().collect());
    assert_eq!(
        w.read(&order.id).await["order_lines"][0]["quantity"],
        Value::Null
    );
}

#[tokio::test]
async fn lists_page_filter_and_end() {
    let w = world().await;
    w.mirakl.set_quantity("TIDE-32", 100);
    let orders: Vec<PlacedOrder> = (0..12).map(|_| w.buy(&[("TIDE-32", 1)])).collect();
    let page = w.get("/api/orders").await;
    assert_eq!(page["orders"].as_array().map(Vec::len), Some(10));
    assert_eq!(page["total_count"], 12);
    let page = w.get("/api/orders?max=5&offset=10&order=asc").await;
    assert_eq!(page["orders"].as_array().map(Vec::len), Some(2));
    assert_eq!(page["orders"][1]["order_id"], json!(orders[11].id));
    assert_eq!(
        w.get("/api/orders?order=desc&max=1").await["orders"][0]["order_id"],
        json!(orders[11].id)
    );
    let ids = format!("/api/orders?order_ids={},{}", orders[0].id, orders[3].id);
    assert_eq!(w.get(&ids).await["total_count"], 2);
    // An order that changes comes back under the filter by update, not under the filter by creation.
    w.mirakl.advance(hours(2));
    let since = w.get("/api/account").await["last_updated_date"].clone();
    let since = since.as_str().expect("a time");
    w.mirakl.cancel(&orders[4].id, &[]);
    let changed = w
        .get(&format!("/api/orders?start_update_date={since}"))
        .await;
    assert_eq!(changed["total_count"], 1);
    assert_eq!(changed["orders"][0]["order_state"], "CANCELED");
    assert_eq!(
        w.get(&format!("/api/orders?start_date={since}")).await["total_count"],
        0
    );
    assert_eq!(
        w.get("/api/orders?order_state_codes=CANCELED,SHIPPING")
            .await["total_count"],
        1
    );
    w.no_mistakes();
}

#[tokio::test]
async fn the_seller_leaves_a_number() {
    let w = world().await;
    let order = w.buy(&[("TIDE-32", 1)]);
    let body = json!({"orders": [
        {"order_id": order.id, "references": {"order_reference_for_seller": "1047"}},
        {"order_id": "TP-1-A", "references": {"order_reference_for_seller": "1048"}},
    ]});
    let (status, answer) = w.put("/api/orders", body).await;
    assert_eq!(status, 200);
    assert!(answer["updated_orders"][1]["errors"][0]["code"].is_string());
    let found = w.get("/api/orders?order_references_for_seller=1047").await;
    assert_eq!(found["orders"][0]["order_id"], json!(order.id));
}

#[tokio::test]
async fn acceptance_is_of_whole_lines_and_of_all() {
    let w = world().await;
    let order = w.buy(&[("TIDE-32", 2), ("TIDE-34", 1)]);
    let path = format!("/api/orders/{}/accept", order.id);
    let line = |n: usize, accepted: Value| json!({"id": order.line_ids[n], "accepted": accepted});
    for (lines, code) in [
        (
            json!([line(0, json!(true))]),
            "ORDER_LINE_ACCEPTANCE_DECISION_MISSING",
        ),
        (
            json!([line(0, Value::Null), line(1, json!(true))]),
            "ORDER_LINE_ACCEPTANCE_DECISION_MISSING",
        ),
        (
            json!([line(0, json!(true)), line(0, json!(true))]),
            "ORDER_LINE_DUPLICATE_ID",
        ),
        (json!([null]), "ORDER_LINE_NULL_ELEMENT"),
        (
            json!([{"id": "x", "accepted": true}]),
            "ORDER_LINE_NOT_FOUND",
        ),
    ] {
        let (status, answer) = w.put(&path, json!({"order_lines": lines})).await;
        assert_eq!((status, &answer["code"]), (400, &json!(code)), "{answer}");
        assert_eq!(w.mistakes().len(), 1);
    }
    assert_eq!(accept(&w, &order, &[true, false]).await.0, 204);
    assert_eq!(w.line_states(&order.id), ["WAITING_DEBIT", "REFUSED"]);
    // Refusing empties the offer; the sale had taken its two from the other.
    assert_eq!((w.quantity("TIDE-32"), w.quantity("TIDE-34")), (8, 0));
    let read = w.read(&order.id).await;
    assert_eq!(read["price"].to_string(), "179.9");
    let (status, answer) = accept(&w, &order, &[true, true]).await;
    assert_eq!(
        (status, &answer["code"]),
        (400, &json!("ORDER_INVALID_STATE"))
    );
    w.no_mistakes();
    w.mirakl.switches(|s| s.partial_acceptance = false);
    let order = w.buy(&[("TIDE-32", 1), ("TIDE-30", 1)]);
    let (status, answer) = accept(&w, &order, &[true, false]).await;
    assert_eq!(
        (status, &answer["code"]),
        (400, &json!("ORDER_PARTIAL_ACCEPTANCE_DISABLED"))
    );
    w.mirakl.switches(|s| {
        s.acceptance_codes = false;
        s.refusal = AfterRefusal::GivesBack;
    });
    assert_eq!(accept(&w, &order, &[false, false]).await.0, 204);
    assert_eq!(w.state(&order.id), "REFUSED");
    assert_eq!((w.quantity("TIDE-32"), w.quantity("TIDE-30")), (8, 1));
    assert!(
        accept(&w, &order, &[true, true])
            .await
            .1
            .get("code")
            .is_none()
    );
}

#[tokio::test]
async fn deadlines_and_failed_payments() {
    let w = world().await;
    let late = w.buy(&[("TIDE-32", 1)]);
    w.mirakl.advance(hours(23));
    assert_eq!(w.state(&late.id), "WAITING_ACCEPTANCE");
    w.mirakl.advance(hours(3));
    assert_eq!(w.state(&late.id), "REFUSED");
    // It was refused when its time was over, not when somebody looked.
    let seen = w.mirakl.order(&late.id).expect("an order");
    assert_eq!(seen.updated_at, seen.accept_by);
    assert_eq!(accept(&w, &late, &[true]).await.0, 400);
    w.mirakl.switches(|s| {
        s.automatic_acceptance = true;
        s.debit_refused = true;
    });
    let broke = w.buy(&[("TIDE-34", 1)]);
    assert_eq!(w.state(&broke.id), "WAITING_DEBIT");
    w.mirakl.advance(seconds(600));
    assert_eq!(w.state(&broke.id), "CANCELED");
    w.mirakl.switches(|s| s.debit_delay_ms = None);
    let held = w.buy(&[("TIDE-34", 1)]);
    w.mirakl.advance(hours(72));
    assert_eq!(w.state(&held.id), "WAITING_DEBIT");
    assert!(w.mirakl.debit(&held.id));
    assert!(!w.mirakl.debit(&held.id));
    w.no_mistakes();
}

#[tokio::test]
async fn shapes_differ_between_installations() {
    let w = world().await;
    let order = w.buy(&[("TIDE-32", 2)]);
    w.mirakl.switches(|s| {
        s.addresses = Addresses::Absent;
        s.extra_members = true;
        s.unknown_enum_values = true;
        s.tax_mode = TaxMode::TaxExcluded;
    });
    let read = w.read(&order.id).await;
    assert!(read["customer"].get("shipping_address").is_none());
    assert!(read["added_lately"].is_object());
    assert_eq!(read["order_tax_mode"], "TAX_EXCLUDED");
    assert_ne!(read["payment_workflow"], "PAY_ON_ACCEPTANCE");
    w.mirakl.switches(|s| s.addresses = Addresses::Shown);
    let read = w.read(&order.id).await;
    assert!(read["customer"]["shipping_address"].is_object());
    // A promotion is inside the unit price, or taken off the line's.
    w.mirakl.switches(|s| s.tax_mode = TaxMode::TaxIncluded);
    let cheaper = Purchase {
        discount_per_unit: "5".parse().expect("a price"),
        ..Purchase::default()
    };
    let order = w.mirakl.buy(&[("TIDE-34", 2)], Buyer::random(2), &cheaper);
    let order = order.expect("a sale");
    let prices = |read: Value| {
        let line = &read["order_lines"][0];
        let deduced = &line["promotions"][0]["deduced_amount"];
        [&line["price_unit"], &line["price"], deduced].map(Value::to_string)
    };
    assert_eq!(prices(w.read(&order.id).await), ["84.95", "169.9", "10"]);
    w.mirakl.switches(|s| s.promotion_in_price = true);
    assert_eq!(prices(w.read(&order.id).await), ["89.95", "169.9", "10"]);
    w.no_mistakes();
}
