use serde_json::json;

use super::*;
use crate::api::api;
use crate::seller_center;
use lockstep_sdk::http::Error;

const ORDER: &str = "GET /v2/orders/601774";
const TO_PACKED: &str = "POST /v2/orders/statuses/set-to-packed-by-marketplace";
const TO_READY: &str = "POST /v2/orders/statuses/set-to-ready-to-ship";
const TO_SHIPPED: &str = "POST /v2/orders/statuses/set-to-shipped";

fn item(id: u64, status: &str, tracking: &str, actions: &[&str]) -> Value {
    json!({"id": id, "status": status, "isProcessable": true, "actions": actions,
        "shipment": {"type": "dropshipping", "trackingCode": tracking}})
}

fn order(items: &[Value]) -> String {
    json!({"id": 601774, "number": "914", "items": items}).to_string()
}

fn parcel(lines: &[&str]) -> Parcel {
    Parcel {
        id: "p1".into(),
        number: 1,
        last: true,
        order: "601774".into(),
        lines: lines
            .iter()
            .map(|line| Packed {
                line: (*line).into(),
                quantity: 1,
                marks: Vec::new(),
            })
            .collect(),
        carrier: Carrier {
            code: Some("42".into()),
            name: Some("Australia Post".into()),
            url: None,
        },
        tracking: Some(" KSP1 ".into()),
        tracking_url: None,
        shipped_at: "2026-03-09T00:00:00Z".into(),
        ship_from: None,
        facts: Vec::new(),
    }
}

fn refusal(detail: &str) -> String {
    json!({"title": "Status Transition is not allowed", "status": 422, "detail": detail})
        .to_string()
}

fn sent(stage: Stage, more: bool) -> Sent {
    Sent {
        reached: stage,
        marketplace_id: None,
        more,
    }
}

#[test]
fn carriers_tell_what_may_be_used() {
    let fake = seller_center().on(
        "GET /v2/orders-shipment-providers",
        200,
        r#"[{"id":42,"name":"Australia Post","apiIntegrationAvailable":false,"status":true,"url":"https://c.example"},
            {"id":43,"name":"StarTrack","apiIntegrationAvailable":true,"status":0},
            {"id":44,"name":" Other","status":true},{"id":45,"name":null},{"id":46,"name":"DHL","status":null}]"#,
    );
    let carriers = carriers(api(fake.cx())).expect("carriers");
    let seen: Vec<_> = carriers
        .iter()
        .map(|c| {
            (
                c.carrier.name.as_deref().unwrap_or(""),
                c.usable,
                c.tracking_required,
                c.books_itself,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("Australia Post", true, Some(true), Some(false)),
            ("StarTrack", false, Some(false), Some(true)),
            (" Other", false, Some(true), None),
            ("DHL", true, Some(true), None),
        ]
    );
}

#[test]
fn ready_at_once_where_it_is_offered() {
    let fake = seller_center()
        .on(
            ORDER,
            200,
            &order(&[
                item(88001, "pending", "", &[PACK, READY]),
                item(88002, "pending", "", &[PACK, READY]),
                item(88003, "pending", "", &[PACK, READY]),
            ]),
        )
        .on(TO_READY, 200, r#"{"orderItemIds":[88002,"88001"]}"#);
    let result = prepare(api(fake.cx()), &parcel(&["88001", "88002"]));
    fake.finish();
    assert_eq!(result, Ok(sent(Stage::Ready, true)));
    assert_eq!(
        fake.body(1),
        json!({"orderItems": [{"id": 88001}, {"id": 88002}], "trackingNumber": "KSP1",
            "deliveryType": "dropship", "shippingProvider": "Australia Post"})
    );
}

#[test]
fn packed_first_where_only_that_is_offered() {
    let fake = seller_center()
        .on(ORDER, 200, &order(&[item(88001, "pending", "", &[PACK])]))
        .on(TO_PACKED, 200, r#"{"orderItemIds":[88001]}"#)
        .on(
            ORDER,
            200,
            &order(&[item(88001, "pending", "KSP1", &[READY])]),
        )
        .on(TO_READY, 200, r#"{"orderItemIds":[88001]}"#);
    let result = prepare(api(fake.cx()), &parcel(&["88001"]));
    fake.finish();
    assert_eq!(result, Ok(sent(Stage::Ready, true)));
    assert_eq!(
        fake.body(1),
        json!({"orderItems": [{"orderItemId": 88001}], "trackingNumber": "KSP1",
            "deliveryType": "dropship", "shippingProvider": "Australia Post"})
    );
    assert_eq!(fake.body(3)["orderItems"], json!([{"id": 88001}]));
}

#[test]
fn a_repeat_finds_its_work_done() {
    for (status, actions, expected) in [
        ("ready_to_ship", &[SHIP][..], sent(Stage::Ready, true)),
        ("ready_to_ship", &[][..], sent(Stage::Ready, false)),
        ("shipped", &[][..], sent(Stage::Shipped, false)),
        ("delivered", &[][..], sent(Stage::Delivered, false)),
    ] {
        let fake = seller_center().on(ORDER, 200, &order(&[item(88001, status, "KSP1", actions)]));
        assert_eq!(
            prepare(api(fake.cx()), &parcel(&["88001"])),
            Ok(expected),
            "{status}"
        );
        assert_eq!(fake.count(), 1);
    }
}

#[test]
fn half_done_work_is_finished() {
    let fake = seller_center()
        .on(
            ORDER,
            200,
            &order(&[
                item(88001, "ready_to_ship", "KSP1", &[SHIP]),
                item(88002, "pending", "", &[READY]),
            ]),
        )
        .on(TO_READY, 200, r#"{"orderItemIds":[88002]}"#);
    let result = prepare(api(fake.cx()), &parcel(&["88001", "88002"]));
    assert_eq!(result, Ok(sent(Stage::Ready, true)));
    assert_eq!(fake.body(1)["orderItems"], json!([{"id": 88002}]));
}

#[test]
fn another_code_is_a_conflict_and_nothing_is_sent() {
    for status in ["pending", "ready_to_ship", "shipped"] {
        let fake = seller_center().on(
            ORDER,
            200,
            &order(&[item(88001, status, "KSP9", &[READY, SHIP])]),
        );
        let result = prepare(api(fake.cx()), &parcel(&["88001"]));
        assert!(
            matches!(result, Err(Fault::Conflict(text)) if text.contains("KSP9")),
            "{status}"
        );
    }
    for (status, tracking) in [
        ("ready_to_ship", ""),
        ("canceled", ""),
        ("payment_pending", ""),
        ("odd", ""),
    ] {
        let fake = seller_center().on(ORDER, 200, &order(&[item(88001, status, tracking, &[])]));
        let result = prepare(api(fake.cx()), &parcel(&["88001"]));
        assert!(
            matches!(result, Err(Fault::Conflict(_))),
            "{status}: {result:?}"
        );
    }
    let fake = seller_center().on(
        ORDER,
        200,
        &order(&[item(88001, "pending", "", &["levitate"])]),
    );
    let result = prepare(api(fake.cx()), &parcel(&["88001"]));
    assert!(matches!(result, Err(Fault::Conflict(text)) if text.contains("levitate")));
}

#[test]
fn fewer_ids_in_the_answer_are_looked_up() {
    let pending = order(&[item(88001, "pending", "", &[READY])]);
    for answer in ["", "{}", r#"{"orderItemIds":[]}"#] {
        let fake = seller_center()
            .on(ORDER, 200, &pending)
            .on(TO_READY, 200, answer)
            .on(ORDER, 200, &pending);
        let result = prepare(api(fake.cx()), &parcel(&["88001"]));
        fake.finish();
        assert!(
            matches!(result, Err(Fault::UnknownOutcome(text)) if text.contains("not ready")),
            "{answer}"
        );
    }
    let fake = seller_center()
        .on(ORDER, 200, &pending)
        .on(TO_READY, 200, "")
        .on(
            ORDER,
            200,
            &order(&[item(88001, "ready_to_ship", "KSP1", &[SHIP])]),
        );
    assert_eq!(
        prepare(api(fake.cx()), &parcel(&["88001"])),
        Ok(sent(Stage::Ready, true))
    );
}

#[test]
fn a_refusal_by_state_is_looked_up() {
    let pending = order(&[item(88001, "pending", "", &[READY])]);
    for detail in [
        "E073: All order items must have status Pending",
        "not allowed",
    ] {
        let start = || {
            seller_center()
                .on(ORDER, 200, &pending)
                .on(TO_READY, 422, &refusal(detail))
        };
        // Somebody else did it.
        let fake = start().on(
            ORDER,
            200,
            &order(&[item(88001, "ready_to_ship", "KSP1", &[SHIP])]),
        );
        assert_eq!(
            prepare(api(fake.cx()), &parcel(&["88001"])),
            Ok(sent(Stage::Ready, true))
        );
        // It was cancelled meanwhile.
        let fake = start().on(ORDER, 200, &order(&[item(88001, "canceled", "", &[])]));
        assert!(matches!(
            prepare(api(fake.cx()), &parcel(&["88001"])),
            Err(Fault::Conflict(_))
        ));
        // Nothing changed.
        let fake = start().on(ORDER, 200, &pending);
        assert!(matches!(
            prepare(api(fake.cx()), &parcel(&["88001"])),
            Err(Fault::Rejected(_))
        ));
    }
}

#[test]
fn a_refusal_of_the_input_is_final() {
    for code in ["E063", "E031", "E026", "E025"] {
        let fake = seller_center()
            .on(ORDER, 200, &order(&[item(88001, "pending", "", &[READY])]))
            .on(TO_READY, 422, &refusal(&format!("{code}: no")));
        let result = prepare(api(fake.cx()), &parcel(&["88001"]));
        fake.finish();
        assert!(
            matches!(&result, Err(Fault::Rejected(r)) if r.code.as_deref() == Some(code)),
            "{result:?}"
        );
    }
    let fake = seller_center()
        .on(ORDER, 200, &order(&[item(88001, "pending", "", &[READY])]))
        .on(TO_READY, 422, &refusal("E021: OMS"));
    assert!(matches!(
        prepare(api(fake.cx()), &parcel(&["88001"])),
        Err(Fault::Other(_))
    ));
}

#[test]
fn a_lost_answer_is_left_to_the_host() {
    let fake = seller_center()
        .on(ORDER, 200, &order(&[item(88001, "pending", "", &[READY])]))
        .fails(TO_READY, Error::OutcomeUnknown("reset".into()));
    let result = prepare(api(fake.cx()), &parcel(&["88001"]));
    fake.finish();
    assert!(matches!(result, Err(Fault::UnknownOutcome(_))));
}

#[test]
fn parcels_that_cannot_be_told_are_refused_unsent() {
    let fake = seller_center();
    let mut bare = parcel(&["88001"]);
    bare.tracking = Some("  ".into());
    let mut nobody = parcel(&["88001"]);
    nobody.carrier.name = None;
    let mut two = parcel(&["88001"]);
    two.lines[0].quantity = 2;
    for parcel in [bare, nobody, two, parcel(&["x"]), parcel(&[])] {
        assert!(matches!(
            prepare(api(fake.cx()), &parcel),
            Err(Fault::Rejected(_))
        ));
    }
    let fake = seller_center().on(ORDER, 200, &order(&[item(1, "pending", "", &[READY])]));
    assert!(matches!(
        prepare(api(fake.cx()), &parcel(&["2"])),
        Err(Fault::Missing(_))
    ));
    let fake = seller_center().on(ORDER, 404, "");
    assert!(matches!(
        prepare(api(fake.cx()), &parcel(&["2"])),
        Err(Fault::Missing(_))
    ));
}

#[test]
fn cross_docking_goes_to_the_hub_and_is_not_shipped_by_the_seller() {
    let mut crossdock = item(88001, "pending", "", &[READY]);
    crossdock["shipment"]["type"] = json!("crossdocking");
    let fake = seller_center().on(ORDER, 200, &order(&[crossdock])).on(
        TO_READY,
        200,
        r#"{"orderItemIds":[88001]}"#,
    );
    let result = prepare(api(fake.cx()), &parcel(&["88001"]));
    assert_eq!(result, Ok(sent(Stage::Ready, false)));
    assert_eq!(fake.body(1)["deliveryType"], json!("send_to_warehouse"));
}

#[test]
fn shipping_names_only_what_is_ready() {
    let fake = seller_center()
        .on(
            ORDER,
            200,
            &order(&[
                item(88001, "ready_to_ship", "KSP1", &[SHIP]),
                item(88002, "shipped", "KSP1", &[]),
                item(88003, "canceled", "KSP1", &[]),
            ]),
        )
        .on(TO_SHIPPED, 200, r#"{"orderItemIds":[88001]}"#);
    let result = ship(api(fake.cx()), &parcel(&["88001", "88002", "88003"]));
    fake.finish();
    assert_eq!(result, Ok(sent(Stage::Shipped, false)));
    assert_eq!(fake.body(1), json!({"orderItemIds": [88001]}));
}

#[test]
fn what_is_shipped_already_is_a_success() {
    let fake = seller_center().on(ORDER, 200, &order(&[item(88001, "shipped", "KSP1", &[])]));
    assert_eq!(
        ship(api(fake.cx()), &parcel(&["88001"])),
        Ok(sent(Stage::Shipped, false))
    );
    let fake = seller_center()
        .on(
            ORDER,
            200,
            &order(&[item(88001, "ready_to_ship", "KSP1", &[SHIP])]),
        )
        .on(
            TO_SHIPPED,
            422,
            &refusal("E073: All order items must have status Ready To Ship"),
        )
        .on(ORDER, 200, &order(&[item(88001, "shipped", "KSP1", &[])]));
    assert_eq!(
        ship(api(fake.cx()), &parcel(&["88001"])),
        Ok(sent(Stage::Shipped, false))
    );
}

#[test]
fn where_the_platform_ships_by_itself_ready_is_enough() {
    let fake = seller_center().on(
        ORDER,
        200,
        &order(&[item(88001, "ready_to_ship", "KSP1", &["x"])]),
    );
    assert_eq!(
        ship(api(fake.cx()), &parcel(&["88001"])),
        Ok(sent(Stage::Ready, false))
    );
    let ready = order(&[item(88001, "ready_to_ship", "KSP1", &[SHIP])]);
    let fake = seller_center()
        .on(ORDER, 200, &ready)
        .on(TO_SHIPPED, 422, &refusal("E028: blocked"))
        .on(ORDER, 200, &ready);
    assert_eq!(
        ship(api(fake.cx()), &parcel(&["88001"])),
        Ok(sent(Stage::Ready, false))
    );
    assert!(fake.logged().contains("by itself"));
}

#[test]
fn shipping_what_is_not_ready_is_a_conflict() {
    for items in [
        item(88001, "pending", "", &[READY]),
        item(88001, "canceled", "KSP1", &[]),
        item(88001, "ready_to_ship", "KSP2", &[SHIP]),
    ] {
        let fake = seller_center().on(ORDER, 200, &order(&[items]));
        assert!(matches!(
            ship(api(fake.cx()), &parcel(&["88001"])),
            Err(Fault::Conflict(_))
        ));
    }
}
