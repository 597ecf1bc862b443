//! The status calls.

use super::*;

#[tokio::test]
async fn statuses_and_their_guards() {
    let w = world().await;
    let a = w.buy("TIDE-32", 3);
    let b = w.buy("TIDE-32", 1);
    let ids = &a.item_ids;

    w.refused("ready-to-ship", ready(&[1], "Sendle", "X1"), "E023")
        .await;
    w.refused(
        "ready-to-ship",
        ready(&[ids[0], b.item_ids[0]], "Sendle", "X1"),
        "E029",
    )
    .await;
    w.refused("ready-to-ship", ready(ids, "sendle", "X1"), "E025")
        .await;
    w.refused("ready-to-ship", ready(ids, "Toll IPEC", "X1"), "E025")
        .await;
    w.refused("ready-to-ship", ready(ids, "Other", "X1"), "E025")
        .await;
    w.refused("ready-to-ship", ready(ids, "Sendle", " X1"), "E026")
        .await;
    w.refused("ready-to-ship", ready(ids, "Sendle", ""), "E026")
        .await;
    w.refused("ready-to-ship", ready(ids, "Sendle", "X\u{e9}"), "E031")
        .await;
    let mut wrong = ready(ids, "Sendle", "X1");
    wrong["deliveryType"] = json!("catapult");
    w.refused("ready-to-ship", wrong, "E024").await;
    w.refused("shipped", json!({"orderItemIds": ids}), "E073")
        .await;
    let serials = json!({
        "orderItems": [{"id": ids[0], "serialNumber": "A1"}, {"id": ids[1], "serialNumber": "A1"}],
        "trackingNumber": "X1", "shippingProvider": "Sendle",
    });
    w.refused("ready-to-ship", serials, "E096").await;
    assert_eq!(w.statuses(a.id), ["pending"; 3]);

    let moved = w
        .done("ready-to-ship", ready(&ids[..2], "AusPost", "X1"))
        .await;
    assert_eq!(moved, json!(ids[..2]));
    w.refused("ready-to-ship", ready(&ids[..2], "AusPost", "X1"), "E073")
        .await;
    w.refused("ready-to-ship", ready(&ids[2..], "AusPost", "X1"), "E063")
        .await;
    w.refused("ready-to-ship", ready(&b.item_ids, "AusPost", "X1"), "E063")
        .await;
    w.refused(
        "cancelled",
        json!({"orderItemIds": [ids[0]], "reason": "Out of Stock"}),
        "E073",
    )
    .await;
    let (status, _) = w
        .post(
            &format!("/v2/order-item/{}/tracking-code", ids[0]),
            json!({"trackingCode": "X2"}),
        )
        .await;
    assert_eq!(status, 422);

    // A reason has to be one of the seller's.
    let path = "/v2/orders/statuses/set-to-cancelled";
    for reason in [json!(null), json!("Bored"), json!("Fraud Check")] {
        let (status, answer) = w
            .post(path, json!({"orderItemIds": [ids[2]], "reason": reason}))
            .await;
        assert_eq!(status, 400);
        assert_eq!(answer["violations"][0]["propertyPath"], "reason");
    }
    w.done(
        "cancelled",
        json!({"orderItemIds": [ids[2]], "reason": "Out of Stock", "reasonDetail": null}),
    )
    .await;
    w.done("shipped", json!({"orderItemIds": ids[..2]})).await;
    w.done("delivered", json!({"orderItemIds": [ids[0]]})).await;
    w.done("delivered", json!({"orderItemIds": [ids[0]]})).await;
    w.done(
        "delivery-failed",
        json!({"orderItemIds": [ids[1]], "reason": "Address not found"}),
    )
    .await;
    assert_eq!(w.statuses(a.id), ["delivered", "failed", "canceled"]);
    w.center.send_back(&ids[..1]);
    w.done("return-received", json!({"orderItemIds": [ids[0]]}))
        .await;
    w.done("return-approved", json!({"orderItemIds": [ids[0]]}))
        .await;
    assert_eq!(w.statuses(a.id)[0], "returned");

    let packages = w
        .get(&format!(
            "/v2/order-items/packages?orderItemIds[]={}",
            ids[1]
        ))
        .await;
    assert_eq!(packages[0]["orderItemIds"], json!(ids[..2]));
    let history = w
        .get(&format!(
            "/v2/order/{}/history?orderItemIds[]={}",
            a.id, ids[1]
        ))
        .await;
    let words: Vec<_> = history
        .as_array()
        .expect("rows")
        .iter()
        .map(|r| r["status"].clone())
        .collect();
    assert_eq!(words, ["pending", "ready_to_ship", "shipped", "failed"]);
    // A string is no id.
    let (status, answer) = w
        .post(
            "/v2/orders/statuses/set-to-shipped",
            json!({"orderItemIds": ["1"]}),
        )
        .await;
    assert_eq!(
        (status, &answer["violations"][0]["propertyPath"]),
        (400, &json!("orderItemIds[0]"))
    );
    counters_agree(&w.center);
}

#[tokio::test]
async fn packed_first_and_the_key_trap() {
    let w = world_with(Switches {
        packed_required: true,
        ..Switches::default()
    })
    .await;
    let order = w.buy("TIDE-32", 2);
    let ids = &order.item_ids;
    let actions = |json: &Value| json["items"][0]["actions"].clone();
    let path = format!("/v2/orders/{}", order.id);
    let seen = actions(&w.get(&path).await);
    assert_eq!(
        seen,
        json!([
            "status_set_to_packed_by_marketplace",
            "status_set_to_canceled"
        ])
    );
    w.refused("ready-to-ship", ready(ids, "Sendle", "P1"), "E028")
        .await;

    // Each call with the other's key is an empty list.
    assert_eq!(
        w.done("packed-by-marketplace", ready(ids, "Sendle", "P1"))
            .await,
        json!([])
    );
    assert_eq!(
        w.done("ready-to-ship", pack(ids, "Sendle", "P1")).await,
        json!([])
    );
    assert!(
        w.center
            .stats()
            .mistakes
            .iter()
            .any(|m| m.contains("orderItems[0].orderItemId"))
    );

    assert_eq!(
        w.done("packed-by-marketplace", pack(ids, "Sendle", "P1"))
            .await,
        json!(ids)
    );
    w.refused("packed-by-marketplace", pack(ids, "Sendle", "P2"), "E028")
        .await;
    let seen = w.get(&path).await;
    assert_eq!(
        actions(&seen),
        json!(["status_set_to_ready_to_ship", "status_set_to_canceled"])
    );
    assert_eq!(seen["items"][0]["status"], "pending");
    assert_eq!(seen["items"][0]["shipment"]["trackingCode"], "P1");
    assert_eq!(seen["packedItemsCount"], 2);
    w.refused("ready-to-ship", ready(ids, "Sendle", "P2"), "E026")
        .await;
    w.refused("ready-to-ship", ready(ids, "StarTrack", "P1"), "E025")
        .await;
    w.done("ready-to-ship", ready(ids, "Sendle", "P1")).await;
    assert_eq!(w.statuses(order.id), ["ready_to_ship"; 2]);

    w.center.switches(|s| s.wrong_item_key = Tolerance::Refused);
    let (status, _) = w
        .post(
            "/v2/orders/statuses/set-to-ready-to-ship",
            pack(ids, "Sendle", "P9"),
        )
        .await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn cancel_spills_over_when_told_to() {
    let w = world_with(Switches {
        cancel_whole_package: true,
        cancel_in_ready_to_ship: true,
        ships_by_itself_after_ms: Some(60),
        ..Switches::default()
    })
    .await;
    let order = w.buy("TIDE-32", 3);
    w.done("ready-to-ship", ready(&order.item_ids[..2], "Sendle", "C1"))
        .await;
    let gone = w
        .done(
            "cancelled",
            json!({"orderItemIds": [order.item_ids[0]], "reason": "Damaged Item"}),
        )
        .await;
    assert_eq!(gone, json!(order.item_ids[..2]));
    assert_eq!(w.statuses(order.id), ["canceled", "canceled", "pending"]);
    w.done("ready-to-ship", ready(&order.item_ids[2..], "Sendle", "C2"))
        .await;
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!(w.statuses(order.id)[2], "shipped");
}
