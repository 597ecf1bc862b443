use super::*;
use crate::api::api;
use crate::marketplace;
use lockstep_sdk::http::Error;
use serde_json::Value;

const CALL: &str = "PUT /api/orders/TP-1-A/accept?shop_id=2043";
const LOOK: &str = "GET /api/orders?shop_id=2043&order_tax_mode=TAX_INCLUDED&order_ids=TP-1-A";

fn say(words: &[(&str, bool)]) -> Vec<Decision> {
    let decision = |(line, accepted): &(&str, bool)| Decision {
        line: (*line).to_owned(),
        accepted: *accepted,
        quantity: 2,
        reason: None,
    };
    words.iter().map(decision).collect()
}

fn order(states: &[(&str, &str)]) -> String {
    let lines: Vec<Value> = (states.iter())
        .map(|(id, state)| json!({"order_line_id": id, "order_line_state": state}))
        .collect();
    json!({"orders": [{"order_id": "TP-1-A", "order_state": states[0].1, "order_lines": lines}]})
        .to_string()
}

#[test]
fn all_lines_go_in_one_call_and_nothing_is_read() {
    let fake = marketplace().on(CALL, 204, "");
    decide(
        api(fake.cx()),
        "TP-1-A",
        &say(&[("1", true), ("2", false), ("1", true)]),
    )
    .expect("done");
    assert_eq!(
        fake.body(0),
        json!({"order_lines": [{"id": "1", "accepted": true}, {"id": "2", "accepted": false}]})
    );
    assert_eq!(fake.count(), 1);
}

#[test]
fn a_refusal_is_looked_up() {
    let invalid = r#"{"status":400,"message":"x","code":"ORDER_INVALID_STATE"}"#;
    let words = say(&[("1", true), ("2", false)]);
    // The first call worked, whether or not the refusal has a code.
    for body in [invalid, r#"{"status":400,"message":"Bad Request"}"#, ""] {
        let fake = marketplace().on(CALL, 400, body).on(
            LOOK,
            200,
            &order(&[("1", "WAITING_DEBIT"), ("2", "REFUSED")]),
        );
        decide(api(fake.cx()), "TP-1-A", &words).expect("it is done");
    }
    // The time-out was faster.
    let fake = marketplace().on(CALL, 400, invalid).on(
        LOOK,
        200,
        &order(&[("1", "REFUSED"), ("2", "REFUSED")]),
    );
    assert!(matches!(
        decide(api(fake.cx()), "TP-1-A", &words),
        Err(Fault::Conflict(_))
    ));
    // It still waits: the call itself is wrong.
    let partial = r#"{"status":400,"message":"x","code":"ORDER_PARTIAL_ACCEPTANCE_DISABLED"}"#;
    let fake = marketplace().on(CALL, 400, partial).on(
        LOOK,
        200,
        &order(&[("1", "WAITING_ACCEPTANCE"), ("2", "WAITING_ACCEPTANCE")]),
    );
    let refused = decide(api(fake.cx()), "TP-1-A", &words);
    assert!(
        matches!(refused, Err(Fault::Rejected(r)) if r.code.as_deref() == Some("ORDER_PARTIAL_ACCEPTANCE_DISABLED"))
    );
}

#[test]
fn a_lost_answer_stays_unknown_and_two_words_for_a_line_are_refused() {
    let fake = marketplace().fails(CALL, Error::OutcomeUnknown("reset".into()));
    let api = api(fake.cx());
    assert!(matches!(
        decide(api, "TP-1-A", &say(&[("1", true)])),
        Err(Fault::UnknownOutcome(_))
    ));
    assert!(matches!(
        decide(api, "TP-1-A", &say(&[("1", true), ("1", false)])),
        Err(Fault::Rejected(_))
    ));
    decide(api, "TP-1-A", &[]).expect("nothing");
    assert_eq!(fake.count(), 1);
}
