use super::*;
use crate::api::api;
use crate::marketplace;
use lockstep_sdk::http::Error;
use lockstep_sdk::testing::Fake;

const LOOK: &str = "GET /api/orders?shop_id=2043&order_tax_mode=TAX_INCLUDED&order_ids=TP-1-A";
const OR29: &str = "PUT /api/orders/TP-1-A/cancel?shop_id=2043";
const OR30: &str = "PUT /api/orders/cancel?shop_id=2043";
const OR28: &str = "PUT /api/orders/refund?shop_id=2043";
const RE01: &str = "GET /api/reasons?shop_id=2043";
const REASONS: &str = r#"{"reasons":[
    {"code":"34","label":"Out of stock","type":"CANCELATION","is_shop_right":true},
    {"code":"36","label":"Suspected fraud","type":"CANCELATION","is_shop_right":false},
    {"code":"15","label":"Item returned","type":"REFUND","is_shop_right":true},
    {"code":"14","label":"Item not available","type":"REFUND","is_shop_right":true},
    {"code":"51","label":"Item not received","type":"INCIDENT_OPEN","is_shop_right":false},{"code":null}]}"#;

fn market() -> Fake {
    marketplace().set("shipments", "per-order")
}

fn line(id: &str, state: &str, quantity: u32, price: &str) -> Value {
    json!({"order_line_id": id, "order_line_state": state, "quantity": quantity, "price_unit": 10.01, "price": price,
        "shipping_price": 9.95, "taxes": [{"code": "GST", "amount": 2, "tax_calculation_rule": "PROPORTIONAL_TO_AMOUNT"}]})
}

fn order(state: &str, can_cancel: bool, lines: Vec<Value>) -> String {
    json!({"orders": [{"order_id": "TP-1-A", "order_state": state, "can_cancel": can_cancel, "currency_iso_code": "AUD",
        "order_tax_mode": "TAX_INCLUDED", "order_lines": lines}]})
    .to_string()
}

fn drop(line: &str, quantity: u32) -> Drop {
    Drop {
        id: format!("d{line}"),
        order: "TP-1-A".into(),
        line: line.into(),
        quantity,
        paid: true,
        goods: None,
        shipping: None,
        taxes: Vec::new(),
        charges: Vec::new(),
        reason: "34".into(),
        refund_reason: Some("14".into()),
        note: None,
        answers: None,
    }
}

#[test]
fn reasons_for_canceling_and_refunding() {
    let fake = market().on(RE01, 200, REASONS).on(RE01, 200, "{}");
    let all = reasons(api(fake.cx())).expect("reasons");
    let seen: Vec<_> = (all.iter())
        .map(|r| (r.code.as_str(), r.kind.clone(), r.out_of_stock, r.usable))
        .collect();
    assert_eq!(
        seen,
        [
            ("34", ReasonKind::Cancel, Some(true), true),
            ("36", ReasonKind::Cancel, None, false),
            ("15", ReasonKind::Refund, None, true),
            ("14", ReasonKind::Refund, Some(true), true),
        ]
    );
    assert!(matches!(reasons(api(fake.cx())), Err(Fault::Protocol(_))));
}

#[test]
fn the_whole_order_before_the_debit() {
    let lines = || {
        vec![
            line("1", "WAITING_DEBIT", 2, "20.02"),
            line("2", "WAITING_DEBIT", 1, "10.01"),
            line("3", "REFUSED", 1, "10.01"),
        ]
    };
    let fake = market()
        .on(LOOK, 200, &order("WAITING_DEBIT", true, lines()))
        .on(OR29, 204, "");
    let dropped = cancel(api(fake.cx()), &[drop("1", 2), drop("2", 1)]).expect("dropped");
    fake.finish();
    assert_eq!(dropped.lines.len(), 2);
    // Not everything, or not as a whole.
    for (can_cancel, drops) in [
        (true, vec![drop("1", 2)]),
        (false, vec![drop("1", 2), drop("2", 1)]),
    ] {
        let fake = market()
            .on(LOOK, 200, &order("WAITING_DEBIT", can_cancel, lines()))
            .on(OR30, 200, "{}");
        cancel(api(fake.cx()), &drops).expect("dropped");
        fake.finish();
    }
}

#[test]
fn a_part_before_the_debit_is_paid_by_its_share_and_the_last_takes_the_rest() {
    let fake = market()
        .on(
            LOOK,
            200,
            &order(
                "WAITING_DEBIT_PAYMENT",
                true,
                vec![line("1", "WAITING_DEBIT_PAYMENT", 3, "30.03")],
            ),
        )
        .on(OR30, 200, "{}");
    cancel(api(fake.cx()), &[drop("1", 1)]).expect("dropped");
    assert_eq!(
        fake.body(1),
        json!({"order_tax_mode": "TAX_INCLUDED", "cancelations": [{"order_line_id": "1", "quantity": 1,
            "amount": 10.01, "shipping_amount": 0, "reason_code": "34", "currency_iso_code": "AUD"}]})
    );
    let mut rest = line("1", "WAITING_DEBIT", 3, "20.02");
    rest["cancelations"] = json!([{"quantity": 1, "amount": 10.01}]);
    rest["taxes"][0]["tax_calculation_rule"] = json!("NONE");
    rest["shipping_taxes"] = json!([{"code": "GST", "amount": 0.9}]);
    let fake = market()
        .on(LOOK, 200, &order("WAITING_DEBIT", false, vec![rest]))
        .on(OR30, 200, "{}");
    cancel(api(fake.cx()), &[drop("1", 2)]).expect("dropped");
    let row = &fake.body(1)["cancelations"][0];
    assert_eq!(
        (
            row["amount"].to_string(),
            row["shipping_amount"].to_string()
        ),
        ("20.02".into(), "9.95".into())
    );
    assert_eq!(row["taxes"], json!([{"code": "GST", "amount": 2}]));
    assert_eq!(
        row["shipping_taxes"].to_string(),
        r#"[{"amount":0.9,"code":"GST"}]"#
    );
}

#[test]
fn after_the_debit_it_is_a_refund_with_a_reason_of_its_own() {
    let open = order("SHIPPING", false, vec![line("1", "SHIPPING", 3, "30.03")]);
    let fake = market().on(LOOK, 200, &open).on(OR28, 200, "{}");
    cancel(api(fake.cx()), &[drop("1", 2)]).expect("dropped");
    let body = fake.body(1);
    let row = &body["refunds"][0];
    assert_eq!(
        (row["amount"].to_string(), &row["reason_code"]),
        ("20.02".into(), &json!("14"))
    );
    assert_eq!(
        (&row["excluded_from_shipment"], &row["quantity"]),
        (&json!(true), &json!(2))
    );
    let fake = market().on(LOOK, 200, &open).on(OR28, 200, "{}");
    cancel(api(fake.cx()), &[drop("1", 3)]).expect("dropped");
    assert_eq!(
        fake.body(1)["refunds"][0]["shipping_amount"].to_string(),
        "9.95"
    );
    // An incident is open; the money is the same.
    let incident = order(
        "SHIPPING",
        false,
        vec![line("1", "INCIDENT_OPEN", 1, "10.01")],
    );
    let fake = market().on(LOOK, 200, &incident).on(OR28, 200, "{}");
    cancel(api(fake.cx()), &[drop("1", 1)]).expect("dropped");
}

#[test]
fn units_in_parcels_or_gone_are_not_canceled_again() {
    let parcels = json!({"data": [{"id": "f", "order_id": "TP-1-A", "status": "SHIPPED",
        "shipment_lines": [{"order_line_id": "1", "quantity": 2}]}]});
    let fake = marketplace()
        .on(
            LOOK,
            200,
            &order("SHIPPING", false, vec![line("1", "SHIPPING", 3, "30.03")]),
        )
        .on("GET /api/shipments", 200, &parcels.to_string());
    assert!(matches!(
        cancel(api(fake.cx()), &[drop("1", 2)]),
        Err(Fault::Conflict(_))
    ));
    for state in ["CANCELED", "REFUSED", "REFUNDED"] {
        let fake = market().on(
            LOOK,
            200,
            &order("CLOSED", false, vec![line("1", state, 1, "10.01")]),
        );
        assert_eq!(
            cancel(api(fake.cx()), &[drop("1", 1)])
                .expect("a repeat")
                .lines
                .len(),
            1,
            "{state}"
        );
    }
    let mut gone = line("1", "SHIPPING", 1, "10.01");
    gone["refunds"] = json!([{"quantity": 1, "amount": 10.01}]);
    let fake = market().on(LOOK, 200, &order("SHIPPING", false, vec![gone]));
    cancel(api(fake.cx()), &[drop("1", 1)]).expect("a repeat");
    assert_eq!(fake.count(), 1);
}

#[test]
fn other_states_are_conflicts() {
    for state in [
        "STAGING",
        "WAITING_ACCEPTANCE",
        "SHIPPED",
        "RECEIVED",
        "CLOSED",
        "ARCHIVED",
    ] {
        let fake = market().on(
            LOOK,
            200,
            &order(state, false, vec![line("1", state, 1, "10.01")]),
        );
        assert!(
            matches!(
                cancel(api(fake.cx()), &[drop("1", 1)]),
                Err(Fault::Conflict(_))
            ),
            "{state}"
        );
    }
    let fake =
        market()
            .on(LOOK, 200, r#"{"orders":[]}"#)
            .on(LOOK, 200, &order("SHIPPING", false, vec![]));
    for _ in 0..2 {
        assert!(matches!(
            cancel(api(fake.cx()), &[drop("1", 1)]),
            Err(Fault::Missing(_))
        ));
    }
    let other = Drop {
        order: "B".into(),
        ..drop("2", 1)
    };
    assert!(matches!(
        cancel(api(fake.cx()), &[drop("1", 1), other]),
        Err(Fault::Rejected(_))
    ));
    assert!(
        cancel(api(fake.cx()), &[])
            .expect("nothing")
            .lines
            .is_empty()
    );
}

#[test]
fn a_refusal_is_final_and_a_lost_answer_is_not_known() {
    let open = order("SHIPPING", false, vec![line("1", "SHIPPING", 1, "10.01")]);
    let run = |fake: Fake| cancel(api(fake.cx()), &[drop("1", 1)]).expect_err("a fault");
    let set = || market().on(LOOK, 200, &open);
    assert!(
        matches!(run(set().on(OR28, 400, "")), Fault::Rejected(r) if r.detail.contains("does not let"))
    );
    assert!(matches!(
        run(set().fails(OR28, Error::OutcomeUnknown("reset".into()))),
        Fault::UnknownOutcome(_)
    ));
    assert!(matches!(run(set().on(OR28, 429, "")), Fault::Throttled(_)));
    // A part is canceled, the next call fails.
    let mixed = order(
        "WAITING_DEBIT",
        false,
        vec![
            line("1", "WAITING_DEBIT", 1, "10.01"),
            line("2", "SHIPPING", 1, "10.01"),
        ],
    );
    let fake = market()
        .on(LOOK, 200, &mixed)
        .on(OR30, 200, "{}")
        .on(OR28, 429, "");
    let result = cancel(api(fake.cx()), &[drop("1", 1), drop("2", 1)]);
    assert!(matches!(result, Err(Fault::UnknownOutcome(_))));
}
