//! Reading orders.

use super::*;

#[tokio::test]
async fn an_order_tells_what_was_bought_and_for_how_much() {
    let w = world().await;
    let placed = w.buy(&[("TIDE-32", 2), ("TIDE-34", 1)]);
    assert_eq!(
        (placed.id.as_str(), placed.number.as_str()),
        ("O1", "PM-20001")
    );
    let order = w.read("O1").await;
    assert_eq!(order["number"], "PM-20001");
    assert_eq!(order["status"], "open");
    assert_eq!(order["currency"], "AUD");
    // Three pieces of 49.95 and 9.95 for shipping; a tenth of the net price is tax.
    assert_eq!(order["total"], "159.80");
    let shipping = json!({
        "method": "standard", "label": "Standard", "price": "9.95", "tax": "0.90",
    });
    assert_eq!(order["shipping"], shipping);
    let line = json!({
        "id": "1", "listing": "L2", "sku": "TIDE-32", "title": "Tidepool Board Shorts TIDE-32",
        "quantity": 2, "cancelled": 0, "shipped": 0, "price": "49.95", "tax": "9.08",
    });
    assert_eq!(order["lines"][0], line);
    let buyer = Buyer::random(7);
    assert_eq!(order["ship_to"]["postcode"], json!(buyer.post_code));
    assert_eq!(order["ship_to"]["line1"], json!(buyer.lines[0]));
    let placed_at = order["placed_at"].as_str().expect("a time");
    assert!(
        placed_at.ends_with('Z') && placed_at.len() == 24,
        "{placed_at}"
    );
    assert_eq!(order["parcels"], json!([]));
    w.no_mistakes();
}

#[tokio::test]
async fn changes_come_oldest_first_and_none_is_left_out() {
    let w = world().await;
    for _ in 0..4 {
        w.buy(&[("TIDE-32", 1)]);
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    let since = w.read("O2").await["updated_at"]
        .as_str()
        .expect("a time")
        .to_owned();
    let page = w
        .get(&format!("/v1/orders?changed_since={since}&limit=2"))
        .await;
    assert_eq!(texts(&page["orders"], "id"), ["O2", "O3"]);
    // An order that changes during the walk comes again, at the end.
    assert_eq!(w.market.cancel("O2", &[]), Ok(1));
    let cursor = page["next"].as_str().expect("a cursor");
    let page = w
        .get(&format!(
            "/v1/orders?changed_since={since}&limit=2&cursor={cursor}"
        ))
        .await;
    assert_eq!(texts(&page["orders"], "id"), ["O4", "O2"]);
    assert_eq!(page["orders"][1]["status"], "cancelled");
    assert_eq!(page["next"], Value::Null);
    w.no_mistakes();
    let other = format!("/v1/orders?changed_since=2026-01-01T00:00:00Z&cursor={cursor}");
    w.refused("GET", &other, None, (400, "invalid")).await;
    w.refused(
        "GET",
        "/v1/orders?changed_since=yesterday",
        None,
        (400, "invalid"),
    )
    .await;
}

#[tokio::test]
async fn named_orders_leave_out_what_is_unknown() {
    let w = world().await;
    w.buy(&[("TIDE-32", 1)]);
    let found = w.get("/v1/orders?id=O1&id=O7&id=PM-20001").await;
    assert_eq!(texts(&found["orders"], "id"), ["O1"]);
    w.no_mistakes();
    let many = "id=O1&".repeat(51);
    w.refused("GET", &format!("/v1/orders?{many}"), None, (400, "invalid"))
        .await;
    let both = "/v1/orders?id=O1&changed_since=2026-01-01T00:00:00Z";
    w.refused("GET", both, None, (400, "invalid")).await;
}
