use serde_json::json;

use super::*;
use crate::api::api;
use crate::seller_center;
use lockstep_sdk::http::Error;

const ORDER: &str = "GET /v2/orders/7";
const CALL: &str = "POST /v2/orders/statuses/set-to-cancelled";

fn order(items: &[(u64, &str)]) -> String {
    let items: Vec<Value> = items
        .iter()
        .map(|(id, status)| {
            json!({"id": id, "status": status, "isProcessable": true, "shipment": {"type": "dropshipping"},
                "actions": if *status == "pending" { vec![CANCEL] } else { vec![] }})
        })
        .collect();
    json!({"id": 7, "items": items}).to_string()
}

fn drop(line: &str, reason: &str, note: Option<&str>) -> Drop {
    Drop {
        id: format!("d{line}"),
        order: "7".into(),
        line: line.into(),
        quantity: 1,
        paid: true,
        goods: None,
        shipping: None,
        taxes: Vec::new(),
        charges: Vec::new(),
        reason: reason.into(),
        refund_reason: None,
        note: note.map(str::to_owned),
        answers: None,
    }
}

fn lines(dropped: &Dropped) -> Vec<&str> {
    dropped.lines.iter().map(|l| l.line.as_str()).collect()
}

#[test]
fn only_reasons_for_cancelling_are_offered() {
    let fake = seller_center().on(
        "GET /v2/orders-failure-reasons",
        200,
        r#"[{"id":99,"type":"canceled","name":"Out of Stock","outOfStock":true},{"id":1,"type":"failed","name":"x"},
            {"id":2,"type":"canceled_system","name":"y"},{"id":3,"type":"canceled","name":null},
            {"id":4,"type":"canceled","name":"Delayed Dispatch","outOfStock":null}]"#,
    );
    let reasons = reasons(api(fake.cx())).expect("reasons");
    let seen: Vec<_> = reasons
        .iter()
        .map(|r| (r.code.as_str(), r.out_of_stock))
        .collect();
    assert_eq!(
        seen,
        [("Out of Stock", Some(true)), ("Delayed Dispatch", None)]
    );
}

#[test]
fn one_call_for_each_reason_and_all_that_went_is_told() {
    let fake = seller_center()
        .on(
            ORDER,
            200,
            &order(&[
                (1, "pending"),
                (2, "pending"),
                (3, "pending"),
                (4, "pending"),
                (5, "canceled"),
            ]),
        )
        .on(CALL, 200, r#"{"orderItemIds":[1,2]}"#)
        .on(CALL, 200, r#"{"orderItemIds":[3]}"#)
        .on(
            ORDER,
            200,
            &order(&[
                (1, "canceled"),
                (2, "canceled"),
                (3, "canceled"),
                (4, "canceled"),
                (5, "canceled"),
            ]),
        );
    let drops = [
        drop("1", "Out of Stock", Some("found damaged")),
        drop("2", "Out of Stock", Some("found damaged")),
        drop("3", "Delayed Dispatch", None),
    ];
    let dropped = cancel(api(fake.cx()), &drops).expect("dropped");
    fake.finish();
    // 4 shared a package with one of them; 5 was cancelled before and not asked for.
    assert_eq!(lines(&dropped), ["1", "2", "3", "4"]);
    assert_eq!(
        fake.body(1),
        json!({"orderItemIds": [1, 2], "reason": "Out of Stock", "reasonDetail": "found damaged"})
    );
    assert_eq!(
        fake.body(2),
        json!({"orderItemIds": [3], "reason": "Delayed Dispatch"})
    );
}

#[test]
fn a_repeat_finds_its_work_done() {
    let fake = seller_center().on(ORDER, 200, &order(&[(1, "canceled"), (2, "pending")]));
    let dropped = cancel(api(fake.cx()), &[drop("1", "x", None)]).expect("dropped");
    assert_eq!(lines(&dropped), ["1"]);
    assert_eq!(fake.count(), 1);
}

#[test]
fn what_cannot_be_cancelled_is_refused_and_keeps_nothing_back() {
    let fake = seller_center().on(ORDER, 200, &order(&[(1, "shipped")]));
    assert!(matches!(
        cancel(api(fake.cx()), &[drop("1", "x", None)]),
        Err(Fault::Conflict(_))
    ));
    let fake = seller_center().on(ORDER, 200, &order(&[(1, "ready_to_ship")]));
    assert!(matches!(
        cancel(api(fake.cx()), &[drop("1", "x", None)]),
        Err(Fault::Rejected(_))
    ));
    let fake = seller_center()
        .on(ORDER, 200, &order(&[(1, "shipped"), (2, "pending")]))
        .on(CALL, 200, r#"{"orderItemIds":[2]}"#)
        .on(ORDER, 200, &order(&[(1, "shipped"), (2, "canceled")]));
    let dropped = cancel(
        api(fake.cx()),
        &[drop("1", "x", None), drop("2", "x", None)],
    )
    .expect("dropped");
    assert_eq!(lines(&dropped), ["2"]);
    assert!(fake.logged().contains("items 1 could not be cancelled"));
}

#[test]
fn a_refused_call_is_looked_up() {
    let refused = r#"{"title":"x","detail":"E073: All order items must have status Pending"}"#;
    let pending = order(&[(1, "pending")]);
    let fake = seller_center()
        .on(ORDER, 200, &pending)
        .on(CALL, 422, refused)
        .on(ORDER, 200, &order(&[(1, "canceled")]));
    assert_eq!(
        lines(&cancel(api(fake.cx()), &[drop("1", "x", None)]).expect("dropped")),
        ["1"]
    );
    let reason = r#"{"title":"Validation Failed","violations":[{"propertyPath":"reason","title":"no choice"}]}"#;
    let fake = seller_center()
        .on(ORDER, 200, &pending)
        .on(CALL, 400, reason)
        .on(ORDER, 200, &pending);
    let result = cancel(api(fake.cx()), &[drop("1", "x", None)]);
    assert!(matches!(result, Err(Fault::Rejected(r)) if r.detail.contains("reason: no choice")));
    let fake = seller_center()
        .on(ORDER, 200, &pending)
        .on(CALL, 200, r#"{"orderItemIds":[]}"#)
        .on(ORDER, 200, &pending);
    assert!(matches!(
        cancel(api(fake.cx()), &[drop("1", "x", None)]),
        Err(Fault::Conflict(_))
    ));
}

#[test]
fn a_fault_after_a_success_is_of_unknown_outcome() {
    let two = order(&[(1, "pending"), (2, "pending")]);
    let drops = [drop("1", "a", None), drop("2", "b", None)];
    let fake = seller_center()
        .on(ORDER, 200, &two)
        .on(CALL, 200, "{}")
        .on(CALL, 429, "");
    assert!(matches!(
        cancel(api(fake.cx()), &drops),
        Err(Fault::UnknownOutcome(_))
    ));
    let fake = seller_center().on(ORDER, 200, &two).on(CALL, 429, "");
    assert!(matches!(
        cancel(api(fake.cx()), &drops),
        Err(Fault::Throttled(_))
    ));
    let fake = seller_center()
        .on(ORDER, 200, &order(&[(1, "pending")]))
        .on(CALL, 200, "")
        .fails(ORDER, Error::Unavailable("down".into()));
    assert!(matches!(
        cancel(api(fake.cx()), &drops[..1]),
        Err(Fault::UnknownOutcome(_))
    ));
}

#[test]
fn input_is_checked_before_anything_is_sent() {
    let fake = seller_center();
    let mut other = drop("2", "x", None);
    other.order = "8".into();
    let mut two = drop("1", "x", None);
    two.quantity = 2;
    for drops in [
        vec![drop("1", "x", None), other],
        vec![two],
        vec![drop("x", "x", None)],
    ] {
        assert!(matches!(
            cancel(api(fake.cx()), &drops),
            Err(Fault::Rejected(_))
        ));
    }
    assert!(
        cancel(api(fake.cx()), &[])
            .expect("nothing")
            .lines
            .is_empty()
    );
}
