use super::*;
use crate::api::api;
use crate::marketplace;
use crate::ship;
use crate::ship::tests::parcel as some_parcel;
use lockstep_sdk::testing::Fake;
use serde_json::{Value, json};

const LOOK: &str = "GET /api/orders?shop_id=2043&order_tax_mode=TAX_INCLUDED&order_ids=TP-1-A";
const TRACK: &str = "PUT /api/orders/TP-1-A/tracking?shop_id=2043";
const SHIP: &str = "PUT /api/orders/TP-1-A/ship?shop_id=2043";

fn simple() -> Fake {
    marketplace().set("shipments", "per-order")
}

fn parcel(lines: &[(&str, u32)], tracking: Option<&str>) -> Parcel {
    Parcel {
        last: true,
        ..some_parcel(lines, tracking)
    }
}

fn order(state: &str, number: Value, carrier: Value) -> String {
    json!({"orders": [{"order_id": "TP-1-A", "order_state": state, "currency_iso_code": "AUD",
        "created_date": "2026-03-08T00:00:00Z", "shipping_tracking": number, "shipping_carrier_code": carrier,
        "order_lines": [
            {"order_line_id": "1", "order_line_state": state, "quantity": 2, "price_unit": 5, "price": 5,
                "cancelations": [{"quantity": 1, "amount": 5}]},
            {"order_line_id": "2", "order_line_state": state, "quantity": 1, "price_unit": 5, "price": 5},
            {"order_line_id": "3", "order_line_state": "REFUSED", "quantity": 1, "price_unit": 5}]}]})
    .to_string()
}

fn bare(state: &str) -> String {
    order(state, Value::Null, Value::Null)
}

#[test]
fn tracking_first_then_the_whole_order() {
    let fake = simple()
        .on(LOOK, 200, &bare("SHIPPING"))
        .on(TRACK, 204, "")
        .on(
            LOOK,
            200,
            &order("SHIPPING", json!("KSP1"), json!("AUSPOST")),
        )
        .on(SHIP, 204, "");
    let parcel = parcel(&[("1", 1), ("2", 1)], Some("KSP1 "));
    let ready = ship::prepare(api(fake.cx()), &parcel).expect("ready");
    assert_eq!((ready.reached, ready.more), (Stage::Ready, true));
    assert_eq!(
        fake.body(1),
        json!({"carrier_code": "AUSPOST", "carrier_name": "Australia Post", "tracking_number": "KSP1"})
    );
    let shipped = ship::ship(api(fake.cx()), &parcel).expect("shipped");
    assert_eq!((shipped.reached, shipped.more), (Stage::Shipped, false));
    fake.finish();
}

#[test]
fn a_marketplace_without_shipments_is_noticed() {
    let fake = marketplace().on("GET /api/shipments", 404, "").on(
        LOOK,
        200,
        &order("SHIPPING", json!("KSP1"), json!("AUSPOST")),
    );
    let parcel = parcel(&[("1", 1), ("2", 1)], Some("KSP1"));
    assert!(
        ship::prepare(api(fake.cx()), &parcel)
            .expect("told already")
            .more
    );
    fake.finish();
}

#[test]
fn what_is_done_is_not_done_again_and_another_number_is_a_conflict() {
    let wanted = parcel(&[("1", 1), ("2", 1)], Some("KSP1"));
    let run = |state: &str, number: Value| {
        let fake = simple().on(LOOK, 200, &order(state, number, json!("AUSPOST")));
        ship::prepare(api(fake.cx()), &wanted)
    };
    assert_eq!(
        run("SHIPPED", json!("KSP1")).expect("done").reached,
        Stage::Shipped
    );
    assert_eq!(
        run("RECEIVED", json!("KSP1")).expect("done").reached,
        Stage::Delivered
    );
    for state in ["SHIPPING", "SHIPPED"] {
        assert!(
            matches!(run(state, json!("KSP9")), Err(Fault::Conflict(_))),
            "{state}"
        );
    }
    assert!(matches!(
        run("SHIPPED", Value::Null),
        Err(Fault::Conflict(_))
    ));
    for state in ["WAITING_DEBIT", "CANCELED", "ARCHIVED"] {
        assert!(
            matches!(run(state, Value::Null), Err(Fault::Conflict(_))),
            "{state}"
        );
    }
}

#[test]
fn a_parcel_before_the_last_is_kept_and_the_marketplace_not_asked() {
    let fake = simple();
    let first = some_parcel(&[("1", 1)], Some("KSP1"));
    for half in [ship::prepare, ship::ship] {
        let kept = half(api(fake.cx()), &first).expect("kept");
        assert!(kept.more && matches!(kept.reached, Stage::Other(_)));
    }
    fake.finish();
}

#[test]
fn a_parcel_that_became_the_last_is_told_and_shipped_by_the_second_half() {
    let fake = simple()
        .on(LOOK, 200, &bare("SHIPPING"))
        .on(TRACK, 204, "")
        .on(SHIP, 204, "");
    let parcel = parcel(&[("1", 1)], Some("KSP1"));
    let shipped = ship::ship(api(fake.cx()), &parcel).expect("shipped");
    assert_eq!((shipped.reached, shipped.more), (Stage::Shipped, false));
    fake.finish();
}

#[test]
fn a_line_that_the_order_does_not_have_is_missing() {
    let fake = simple()
        .on(LOOK, 200, &bare("SHIPPING"))
        .on(LOOK, 200, r#"{"orders":[]}"#);
    let stranger = parcel(&[("9", 1)], Some("KSP1"));
    for _ in 0..2 {
        assert!(matches!(
            ship::prepare(api(fake.cx()), &stranger),
            Err(Fault::Missing(_))
        ));
    }
}

#[test]
fn refusals_are_looked_up() {
    let wanted = parcel(&[("1", 1), ("2", 1)], Some("KSP1"));
    let told = |state: &str| order(state, json!("KSP1"), json!("AUSPOST"));
    let run = |after: &str| {
        let fake = simple()
            .on(LOOK, 200, &told("SHIPPING"))
            .on(SHIP, 400, r#"{"status":400,"message":""}"#)
            .on(LOOK, 200, after);
        ship::ship(api(fake.cx()), &wanted)
    };
    assert_eq!(
        run(&told("SHIPPED")).expect("a repeat").reached,
        Stage::Shipped
    );
    assert!(matches!(run(&told("SHIPPING")), Err(Fault::Rejected(_))));
    assert!(matches!(run(&bare("CANCELED")), Err(Fault::Conflict(_))));
    let fake = simple()
        .on(LOOK, 200, &bare("SHIPPING"))
        .on(TRACK, 400, "")
        .on(LOOK, 200, &bare("SHIPPING"));
    assert!(matches!(
        ship::prepare(api(fake.cx()), &wanted),
        Err(Fault::Rejected(_))
    ));
    fake.finish();
}

#[test]
fn without_a_number_the_carrier_tells() {
    let wanted = parcel(&[("1", 1), ("2", 1)], None);
    let fake = simple().on(LOOK, 200, &order("SHIPPING", Value::Null, json!("AUSPOST")));
    assert!(ship::prepare(api(fake.cx()), &wanted).expect("told").more);
    let fake = simple().on(LOOK, 200, &order("SHIPPING", Value::Null, json!("SENDLE")));
    assert!(matches!(
        ship::prepare(api(fake.cx()), &wanted),
        Err(Fault::Conflict(_))
    ));
}
