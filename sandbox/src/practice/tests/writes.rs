//! Parcels and cancellations by the seller: once, however often they are told.

use super::*;

fn parcel(key: &str, tracking: &str, quantity: u32) -> Value {
    json!({
        "key": key, "carrier": "auspost", "tracking": tracking,
        "shipped_at": "2026-03-09T01:00:00Z", "lines": [{"line": "1", "quantity": quantity}],
    })
}

const PARCELS: &str = "/v1/orders/O1/parcels";
const CANCELLATIONS: &str = "/v1/orders/O1/cancellations";

#[tokio::test]
async fn a_parcel_is_told_once() {
    let w = world().await;
    w.buy(&[("TIDE-32", 3)]);
    let (status, made) = w.post(PARCELS, parcel("k1", "33KS0001", 2)).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(made["id"], "P1");
    assert_eq!(made["lines"], json!([{"line": "1", "quantity": 2}]));
    assert_eq!(made["shipped_at"], "2026-03-09T01:00:00.000Z");
    assert_eq!(
        w.post(PARCELS, parcel("k1", "33KS0001", 2)).await,
        (200, made.clone())
    );
    let order = w.read("O1").await;
    assert_eq!(order["status"], "open");
    assert_eq!(order["lines"][0]["shipped"], 2);
    assert_eq!(order["parcels"], json!([made]));
    let clash = (409, "conflict");
    w.refused("POST", PARCELS, Some(parcel("k1", "33KS0002", 2)), clash)
        .await;
    assert_eq!(w.post(PARCELS, parcel("k2", "33KS0002", 1)).await.0, 201);
    let order = w.read("O1").await;
    assert_eq!(order["status"], "shipped");
    // The first key still answers, though nothing is open any more.
    assert_eq!(w.post(PARCELS, parcel("k1", "33KS0001", 2)).await.0, 200);
    w.no_mistakes();
}

#[tokio::test]
async fn parcels_that_cannot_be_are_refused_and_change_nothing() {
    let w = world().await;
    w.buy(&[("TIDE-32", 2)]);
    let no = (422, "refused");
    w.refused("POST", PARCELS, Some(parcel("a", "33KS0001", 3)), no)
        .await;
    let mut other_line = parcel("a", "33KS0001", 1);
    other_line["lines"][0]["line"] = json!("2");
    w.refused("POST", PARCELS, Some(other_line), no).await;
    w.no_mistakes();
    for tracking in ["", "33K", "33 KS 0001", " 33KS0001"] {
        w.refused("POST", PARCELS, Some(parcel("a", tracking, 1)), no)
            .await;
    }
    let mut null = parcel("a", "", 1);
    null["tracking"] = Value::Null;
    w.refused("POST", PARCELS, Some(null), no).await;
    let mut carrier = parcel("a", "33KS0001", 1);
    carrier["carrier"] = json!("Australia Post");
    w.refused("POST", PARCELS, Some(carrier), no).await;
    assert_eq!(w.mistakes().len(), 6);
    let wrong = (400, "invalid");
    w.refused("POST", PARCELS, Some(parcel("", "33KS0001", 1)), wrong)
        .await;
    w.refused("POST", PARCELS, Some(parcel("a", "33KS0001", 0)), wrong)
        .await;
    w.refused("POST", PARCELS, Some(json!({"key": "a"})), wrong)
        .await;
    let order = w.read("O1").await;
    assert_eq!(
        (&order["parcels"], &order["lines"][0]["shipped"]),
        (&json!([]), &json!(0))
    );
}

#[tokio::test]
async fn a_cancellation_is_made_once_and_gives_the_pieces_back() {
    let w = world().await;
    w.buy(&[("TIDE-32", 3)]);
    let body = |key: &str, n: u32| {
        json!({
            "key": key, "reason": "out-of-stock", "lines": [{"line": "1", "quantity": n}],
        })
    };
    let (status, order) = w.post(CANCELLATIONS, body("c1", 1)).await;
    assert_eq!(status, 201, "{order}");
    assert_eq!(order["lines"][0]["cancelled"], 1);
    assert_eq!(w.quantity("TIDE-32"), 8);
    assert_eq!(w.post(CANCELLATIONS, body("c1", 1)).await, (200, order));
    assert_eq!(w.quantity("TIDE-32"), 8);
    w.refused(
        "POST",
        CANCELLATIONS,
        Some(body("c1", 2)),
        (409, "conflict"),
    )
    .await;
    w.refused("POST", CANCELLATIONS, Some(body("c2", 3)), (422, "refused"))
        .await;
    w.no_mistakes();
    let mut reason = body("c3", 1);
    reason["reason"] = json!("bored");
    w.refused("POST", CANCELLATIONS, Some(reason), (422, "refused"))
        .await;
    assert_eq!(w.mistakes().len(), 1);
    assert_eq!(w.post(PARCELS, parcel("k", "33KS0001", 2)).await.0, 201);
    assert_eq!(w.read("O1").await["status"], "shipped");
    w.refused("POST", CANCELLATIONS, Some(body("c4", 1)), (422, "refused"))
        .await;
}
