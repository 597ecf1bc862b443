use super::*;
use crate::api::api;
use crate::marketplace;
use lockstep_sdk::http::Error;
use lockstep_sdk::types::{Carrier, Packed};

const LIST: &str = "GET /api/shipments?shop_id=2043&limit=100&order_id=TP-1-A";
const MAKE: &str = "POST /api/shipments?shop_id=2043";
const SHIP: &str = "PUT /api/shipments/ship?shop_id=2043";
const LOOK: &str = "GET /api/orders?shop_id=2043&order_tax_mode=TAX_INCLUDED&order_ids=TP-1-A";
const NONE: &str = r#"{"data":[]}"#;

pub(crate) fn parcel(lines: &[(&str, u32)], tracking: Option<&str>) -> Parcel {
    Parcel {
        id: "gid://shopify/Fulfillment/1".into(),
        number: 1,
        last: false,
        order: "TP-1-A".into(),
        lines: (lines.iter())
            .map(|(line, quantity)| Packed {
                line: (*line).to_owned(),
                quantity: *quantity,
                marks: Vec::new(),
            })
            .collect(),
        carrier: Carrier {
            code: Some("AUSPOST".into()),
            name: Some("Australia Post".into()),
            url: None,
        },
        tracking: tracking.map(str::to_owned),
        tracking_url: Some("https://track.example/KSP1".into()),
        shipped_at: "2026-03-09T00:00:00Z".into(),
        ship_from: None,
        facts: Vec::new(),
    }
}

fn shipment(status: &str, units: u32, number: Option<&str>) -> Value {
    json!({"id": "f1", "order_id": "TP-1-A", "status": status,
        "shipment_lines": [{"order_line_id": "1", "quantity": units}],
        "tracking": {"carrier_code": "AUSPOST", "tracking_number": number}})
}

fn listed(shipments: &[Value]) -> String {
    json!({"data": shipments}).to_string()
}

fn success(shipment: Value) -> String {
    json!({"shipment_success": [shipment], "shipment_errors": []}).to_string()
}

fn failure(message: &str) -> String {
    json!({"shipment_success": [], "shipment_errors": [{"order_id": "TP-1-A", "message": message}]})
        .to_string()
}

fn order(state: &str, quantity: u32) -> String {
    json!({"orders": [{"order_id": "TP-1-A", "order_state": state, "currency_iso_code": "AUD",
        "created_date": "2026-03-08T00:00:00Z",
        "order_lines": [{"order_line_id": "1", "order_line_state": state, "quantity": quantity, "price_unit": 5}]}]})
    .to_string()
}

#[test]
fn a_parcel_is_made_and_then_shipped() {
    let fake = marketplace()
        .on(LIST, 200, NONE)
        .on(MAKE, 201, &success(shipment("SHIPPING", 2, Some("KSP1"))))
        .on(LIST, 200, &listed(&[shipment("SHIPPING", 2, Some("KSP1"))]))
        .on(SHIP, 200, &success(shipment("SHIPPED", 2, Some("KSP1"))));
    let parcel = parcel(&[("1", 1), ("1", 1)], Some(" KSP1 "));
    let made = prepare(api(fake.cx()), &parcel).expect("made");
    assert_eq!(
        (made.reached, made.more, made.marketplace_id.as_deref()),
        (Stage::Ready, true, Some("f1"))
    );
    assert_eq!(
        fake.body(1),
        json!({"shipments": [{"order_id": "TP-1-A", "shipped": false,
            "shipment_lines": [{"order_line_id": "1", "quantity": 2}],
            "tracking": {"carrier_code": "AUSPOST", "carrier_name": "Australia Post", "tracking_number": "KSP1"}}]})
    );
    let shipped = ship(api(fake.cx()), &parcel).expect("shipped");
    assert_eq!((shipped.reached, shipped.more), (Stage::Shipped, false));
    assert_eq!(fake.body(3), json!({"shipments": [{"id": "f1"}]}));
    fake.finish();
}

#[test]
fn what_is_there_is_not_made_again() {
    let wanted = parcel(&[("1", 2)], Some("KSP1"));
    for (status, reached, more) in [
        ("SHIPPING", Stage::Ready, true),
        ("READY_FOR_PICK_UP", Stage::Ready, false),
        ("SHIPMENT_PREPARED", Stage::Ready, false),
        ("SHIPPED", Stage::Shipped, false),
        ("RECEIVED", Stage::Delivered, false),
        ("LOST", Stage::Other("LOST".into()), false),
    ] {
        let there = listed(&[
            shipment("CANCELED", 2, Some("KSP1")),
            shipment(status, 2, Some("KSP1")),
        ]);
        let fake = marketplace().on(LIST, 200, &there);
        let seen = prepare(api(fake.cx()), &wanted).expect("it is there");
        assert_eq!((seen.reached, seen.more), (reached, more), "{status}");
    }
    let shipped = listed(&[shipment("SHIPPED", 2, Some("KSP1"))]);
    let fake = marketplace().on(LIST, 200, &shipped);
    assert_eq!(
        ship(api(fake.cx()), &wanted).expect("a repeat").reached,
        Stage::Shipped
    );
    // The same number with other units.
    let fake = marketplace().on(LIST, 200, &listed(&[shipment("SHIPPING", 1, Some("KSP1"))]));
    assert!(matches!(
        prepare(api(fake.cx()), &wanted),
        Err(Fault::Conflict(_))
    ));
}

#[test]
fn parcels_without_a_number_are_told_apart_only_by_what_has_not_left() {
    let wanted = parcel(&[("1", 1)], None);
    let fake = marketplace().on(LIST, 200, &listed(&[shipment("SHIPPING", 1, None)]));
    assert!(prepare(api(fake.cx()), &wanted).expect("it is there").more);
    let fake = marketplace().on(LIST, 200, &listed(&[shipment("SHIPPED", 1, None)]));
    assert!(matches!(
        prepare(api(fake.cx()), &wanted),
        Err(Fault::Conflict(_))
    ));
    let only = Parcel {
        last: true,
        ..wanted
    };
    let fake = marketplace().on(LIST, 200, &listed(&[shipment("SHIPPED", 1, None)]));
    assert!(!prepare(api(fake.cx()), &only).expect("it is there").more);
}

#[test]
fn why_a_parcel_is_not_made_is_looked_up() {
    let wanted = parcel(&[("1", 2)], Some("KSP2"));
    let make = |state: &str, quantity: u32, known: &str| {
        let fake = marketplace()
            .on(LIST, 200, known)
            .on(MAKE, 201, &failure("Bad Request"))
            .on(LOOK, 200, &order(state, quantity));
        prepare(api(fake.cx()), &wanted).expect_err("a fault")
    };
    // Its units are in a parcel with another number.
    let other = listed(&[shipment("SHIPPED", 1, Some("KSP1"))]);
    assert!(matches!(make("SHIPPING", 2, &other), Fault::Conflict(_)));
    assert!(matches!(make("CANCELED", 2, NONE), Fault::Conflict(_)));
    assert!(matches!(make("WAITING_DEBIT", 2, NONE), Fault::Conflict(_)));
    // Everything is open: carrier or number are at fault.
    assert!(matches!(make("SHIPPING", 2, NONE), Fault::Rejected(_)));
}

#[test]
fn a_lost_answer_is_unknown_and_the_repeat_finds_the_shipment() {
    let fake = marketplace()
        .on(LIST, 200, NONE)
        .fails(MAKE, Error::OutcomeUnknown("reset".into()))
        .on(LIST, 200, &listed(&[shipment("SHIPPING", 1, Some("KSP1"))]))
        .on(LIST, 200, NONE)
        .on(MAKE, 201, "{}");
    let wanted = parcel(&[("1", 1)], Some("KSP1"));
    let api = api(fake.cx());
    assert!(matches!(
        prepare(api, &wanted),
        Err(Fault::UnknownOutcome(_))
    ));
    assert!(prepare(api, &wanted).expect("it is there").more);
    assert!(matches!(
        prepare(api, &wanted),
        Err(Fault::UnknownOutcome(_))
    ));
    fake.finish();
}

#[test]
fn a_refused_ship_is_looked_up() {
    let wanted = parcel(&[("1", 1)], Some("KSP1"));
    let run = |after: &str| {
        let fake = marketplace()
            .on(LIST, 200, &listed(&[shipment("SHIPPING", 1, Some("KSP1"))]))
            .on(SHIP, 200, &failure("no"))
            .on(LIST, 200, after);
        ship(api(fake.cx()), &wanted)
    };
    let after = |status: &str| listed(&[shipment(status, 1, Some("KSP1"))]);
    assert_eq!(
        run(&after("SHIPPED")).expect("shipped").reached,
        Stage::Shipped
    );
    assert!(matches!(run(&after("SHIPPING")), Err(Fault::Rejected(_))));
    assert!(matches!(run(&after("CANCELED")), Err(Fault::Conflict(_))));
    assert!(matches!(run(NONE), Err(Fault::Conflict(_))));
    let fake = marketplace().on(LIST, 200, NONE);
    assert!(matches!(
        ship(api(fake.cx()), &wanted),
        Err(Fault::Conflict(_))
    ));
}

#[test]
fn free_names_carry_their_own_address() {
    let fake =
        marketplace()
            .on(LIST, 200, NONE)
            .on(MAKE, 201, &success(shipment("SHIPPING", 1, None)));
    let mut wanted = parcel(&[("1", 1)], Some("KSP1"));
    wanted.carrier = Carrier::named("Pigeon");
    prepare(api(fake.cx()), &wanted).expect("made");
    assert_eq!(
        fake.body(1)["shipments"][0]["tracking"],
        json!({"carrier_name": "Pigeon", "tracking_url": "https://track.example/KSP1", "tracking_number": "KSP1"})
    );
    wanted.carrier = Carrier::default();
    assert!(matches!(
        prepare(api(fake.cx()), &wanted),
        Err(Fault::Rejected(_))
    ));
    let empty = parcel(&[], Some("KSP1"));
    assert!(matches!(
        prepare(api(fake.cx()), &empty),
        Err(Fault::Rejected(_))
    ));
}
