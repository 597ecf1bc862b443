//! Cancellations before the debit, refunds after it, and customers who change their minds.

use super::*;

async fn accepted(w: &World, lines: &[(&str, u32)]) -> PlacedOrder {
    w.mirakl.switches(|s| s.automatic_acceptance = true);
    w.buy(lines)
}

fn part(line: &str, quantity: u32, amount: &str) -> Value {
    let amount: Value = serde_json::from_str(amount).expect("a number");
    json!({
        "order_line_id": line, "quantity": quantity, "amount": amount, "shipping_amount": 0,
        "reason_code": "34", "currency_iso_code": "AUD",
    })
}

#[tokio::test]
async fn a_whole_order() {
    let w = world().await;
    let order = accepted(&w, &[("TIDE-32", 2)]).await;
    let path = format!("/api/orders/{}/cancel", order.id);
    w.done(&path).await;
    assert_eq!(w.state(&order.id), "CANCELED");
    let read = w.read(&order.id).await;
    assert_eq!(read["order_lines"][0]["cancelations"][0]["quantity"], 2);
    assert_eq!(read["price"], 0);
    assert_eq!(w.call("PUT", &path, None).await.0, 400);
    let paid = accepted(&w, &[("TIDE-34", 1)]).await;
    w.mirakl.debit(&paid.id);
    let path = format!("/api/orders/{}/cancel", paid.id);
    assert_eq!(w.call("PUT", &path, None).await.0, 400);
    w.no_mistakes();
}

#[tokio::test]
async fn part_of_a_line_before_the_debit() {
    let w = world().await;
    let order = accepted(&w, &[("TIDE-32", 3)]).await;
    let line = order.line_ids[0].as_str();
    let body = |entry: Value| json!({"order_tax_mode": "TAX_INCLUDED", "cancelations": [entry]});
    let (status, answer) = w
        .put("/api/orders/cancel", body(part(line, 1, "89.95")))
        .await;
    assert_eq!(status, 200, "{answer}");
    assert!(answer["cancelations"][0]["cancelation_id"].is_string());
    let read = w.read(&order.id).await;
    let row = &read["order_lines"][0];
    assert_eq!(
        (&row["quantity"], row["price"].to_string()),
        (&json!(3), "179.9".to_owned())
    );
    w.mirakl.switches(|s| s.cancellation_lowers_quantity = true);
    assert_eq!(w.read(&order.id).await["order_lines"][0]["quantity"], 2);
    assert_eq!(
        w.put("/api/orders/cancel", body(part(line, 3, "1")))
            .await
            .0,
        400
    );
    w.no_mistakes();
    let mut wrong = part(line, 1, "89.95");
    wrong["reason_code"] = json!("36");
    assert_eq!(w.put("/api/orders/cancel", body(wrong)).await.0, 400);
    let mut wrong = part(line, 1, "89.95");
    wrong["shipping_amount"] = Value::Null;
    assert_eq!(w.put("/api/orders/cancel", body(wrong)).await.0, 400);
    assert_eq!(w.mistakes().len(), 2);
    // The rest without its taxes.
    let net = json!({"order_tax_mode": "TAX_EXCLUDED", "cancelations": [part(line, 2, "163.55")]});
    assert_eq!(w.put("/api/orders/cancel", net).await.0, 200);
    assert_eq!(w.state(&order.id), "CANCELED");
    w.no_mistakes();
}

#[tokio::test]
async fn all_or_nothing() {
    let w = world().await;
    let order = accepted(&w, &[("TIDE-32", 2), ("TIDE-34", 1)]).await;
    let entries = json!({"cancelations": [
        part(&order.line_ids[0], 1, "89.95"), part(&order.line_ids[1], 1, "500"),
    ]});
    assert_eq!(w.put("/api/orders/cancel", entries).await.0, 400);
    let read = w.read(&order.id).await;
    assert_eq!(read["order_lines"][0]["cancelations"], json!([]));
}

#[tokio::test]
async fn refunds_after_the_debit() {
    let w = world().await;
    let spoilt = accepted(&w, &[("TIDE-32", 1)]).await;
    let order = accepted(&w, &[("TIDE-32", 2)]).await;
    let line = order.line_ids[0].as_str();
    let refund = |quantity: u32, amount: &str, unsent: bool| {
        let mut entry = part(line, quantity, amount);
        entry["reason_code"] = json!("14");
        entry["excluded_from_shipment"] = json!(unsent);
        json!({"refunds": [entry]})
    };
    assert_eq!(
        w.put("/api/orders/refund", refund(1, "89.95", true))
            .await
            .0,
        400
    );
    // What only refunds know is lost on a cancellation.
    let mut entry = part(&spoilt.line_ids[0], 1, "89.95");
    entry["excluded_from_shipment"] = json!(true);
    let body = json!({"cancelations": [entry]});
    assert_eq!(w.put("/api/orders/cancel", body).await.0, 200);
    assert!(w.mistakes()[0].contains("`excluded_from_shipment` is unknown here"));
    w.mirakl.debit(&order.id);
    let (status, answer) = w.put("/api/orders/refund", refund(1, "89.95", true)).await;
    assert_eq!(status, 200, "{answer}");
    assert!(answer["refunds"][0]["order_refund_id"].is_string());
    let rest = w
        .get(&format!(
            "/api/shipments/items_to_ship?order_id={}",
            order.id
        ))
        .await;
    assert_eq!(rest["data"][0]["shipment_lines"][0]["quantity"], 1);
    w.done(&format!("/api/orders/{}/ship", order.id)).await;
    let seen = w.mirakl.order(&order.id).expect("an order");
    assert_eq!((seen.lines[0].canceled, seen.lines[0].shipped), (1, 1));
    // Shipped and sent back: the money goes, the units were sent all the same.
    assert_eq!(
        w.put("/api/orders/refund", refund(1, "89.95", false))
            .await
            .0,
        200
    );
    let seen = w.mirakl.order(&order.id).expect("an order");
    assert_eq!(seen.lines[0].state, "REFUNDED");
    assert_eq!((seen.lines[0].canceled, seen.lines[0].shipped), (1, 1));
    assert_eq!(
        w.put("/api/orders/refund", refund(1, "0.05", false))
            .await
            .0,
        400
    );
    w.no_mistakes();
    let order = accepted(&w, &[("TIDE-34", 1)]).await;
    w.mirakl.debit(&order.id);
    w.mirakl.switches(|s| s.refund_before_shipping = false);
    let mut entry = part(&order.line_ids[0], 1, "89.95");
    entry["reason_code"] = json!("14");
    assert_eq!(
        w.put("/api/orders/refund", json!({"refunds": [entry]}))
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn customers_change_their_minds() {
    let w = world().await;
    let early = w.buy(&[("TIDE-32", 1)]);
    assert_eq!(w.mirakl.request_cancellation(&early.id), Ok(Wish::Canceled));
    assert_eq!(w.state(&early.id), "CANCELED");
    let order = w.paid(&[("TIDE-32", 2)]).await;
    assert_eq!(w.mirakl.request_cancellation(&order.id), Ok(Wish::Incident));
    let found = w.get("/api/orders?has_incident=true").await;
    assert_eq!(
        found["orders"][0]["order_lines"][0]["order_line_state"],
        "INCIDENT_OPEN"
    );
    let mut entry = part(&order.line_ids[0], 0, "179.9");
    entry["reason_code"] = json!("14");
    entry["excluded_from_shipment"] = json!(true);
    assert_eq!(
        w.put("/api/orders/refund", json!({"refunds": [entry]}))
            .await
            .0,
        200
    );
    let seen = w.mirakl.order(&order.id).expect("an order");
    assert_eq!(
        (seen.lines[0].state.as_str(), seen.lines[0].canceled),
        ("REFUNDED", 2)
    );
    assert_eq!(seen.state, "CLOSED");
    w.no_mistakes();
    // The operator's own hand, one line of two.
    let order = w.paid(&[("TIDE-32", 1), ("TIDE-34", 1)]).await;
    assert_eq!(w.mirakl.cancel(&order.id, &[&order.line_ids[0]]), 1);
    assert_eq!(w.line_states(&order.id), ["CANCELED", "SHIPPING"]);
    assert_eq!(w.state(&order.id), "SHIPPING");
    let shipped = w.paid(&[("TIDE-34", 1)]).await;
    w.done(&format!("/api/orders/{}/ship", shipped.id)).await;
    assert!(w.mirakl.request_cancellation(&shipped.id).is_err());
    assert_eq!(w.mirakl.cancel(&shipped.id, &[]), 0);
}

#[tokio::test]
async fn what_has_left_stays_shipped() {
    let w = world().await;
    let order = w.paid(&[("TIDE-32", 3)]).await;
    let parcel = |units: u32, shipped: bool| {
        json!({"shipments": [{
            "order_id": order.id, "shipped": shipped,
            "shipment_lines": [{"order_line_id": order.line_ids[0], "quantity": units}],
        }]})
    };
    assert_eq!(w.post("/api/shipments", parcel(1, true)).await.0, 201);
    assert_eq!(w.post("/api/shipments", parcel(1, false)).await.0, 201);
    assert_eq!(w.mirakl.cancel(&order.id, &[]), 1);
    let seen = w.mirakl.order(&order.id).expect("an order");
    let line = &seen.lines[0];
    assert_eq!(
        (line.state.as_str(), line.canceled, line.shipped),
        ("SHIPPED", 2, 1)
    );
    assert_eq!(seen.shipments[1].state, "CANCELED");
    assert_eq!(w.read(&order.id).await["price"].to_string(), "89.95");
    w.no_mistakes();
}
