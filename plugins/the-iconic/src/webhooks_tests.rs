use serde_json::json;

use super::*;
use crate::api::api;
use crate::seller_center;

const URL: &str = "https://hooks.kestrel.example/ic/9f2c";
const LIST: &str = "GET /v2/webhooks";
const ENTITIES: &str = r#"{"events":[{"name":"Order","events":[{"name":"Created","alias":"onOrderCreated"},
    {"name":"ItemsStatusChanged","alias":"onOrderItemsStatusChanged"}]},{"name":"Feed","events":[]}]}"#;

fn hook(id: &str, url: &str, enabled: bool, events: &[&str]) -> Value {
    let events: Vec<Value> = events
        .iter()
        .map(|alias| json!({"name": "x", "alias": alias}))
        .collect();
    json!({"publicId": id, "callbackUrl": url, "isEnabled": enabled, "events": events, "createdAt": "2026-03-01 10:00:00"})
}

fn list_of(hooks: &[Value]) -> String {
    json!({"items": hooks, "pagination": {"totalCount": hooks.len()}}).to_string()
}

#[test]
fn one_is_made_where_there_is_none() {
    let fake = seller_center()
        .on(
            LIST,
            200,
            &list_of(&[hook("a", "https://other.example", true, &[])]),
        )
        .on("GET /v2/webhook-entities", 200, ENTITIES)
        .on(
            "POST /v2/webhook",
            201,
            r#"{"webhookId":"w1","createdAt":"x"}"#,
        );
    let made = ensure(api(fake.cx()), URL).expect("a subscription");
    fake.finish();
    assert_eq!(made.id, "w1");
    assert_eq!(
        fake.body(2),
        json!({"callbackUrl": URL, "events": ["onOrderCreated", "onOrderItemsStatusChanged"]})
    );
}

#[test]
fn a_complete_one_is_kept_and_switched_on_and_others_go() {
    let fake = seller_center()
        .on(
            LIST,
            200,
            &list_of(&[hook("a", URL, false, &EVENTS), hook("b", URL, true, &[])]),
        )
        .on("DELETE /v2/webhook/b", 204, "")
        .on("POST /v2/webhook/a/status", 204, "");
    let kept = ensure(api(fake.cx()), URL).expect("a subscription");
    fake.finish();
    assert_eq!((kept.id.as_str(), kept.enabled), ("a", true));
    assert_eq!(fake.body(2), json!({"isEnabled": true}));
}

#[test]
fn a_poor_one_is_completed() {
    let fake = seller_center()
        .on(
            LIST,
            200,
            &list_of(&[hook("a", URL, true, &["onOrderCreated"])]),
        )
        .on("GET /v2/webhook-entities", 404, "")
        .on("PUT /v2/webhook/a", 200, r#"{"webhookId":"a"}"#);
    let kept = ensure(api(fake.cx()), URL).expect("a subscription");
    fake.finish();
    assert_eq!(kept.events, EVENTS);
    let fake = seller_center()
        .on(
            LIST,
            200,
            &list_of(&[hook(
                "a",
                URL,
                true,
                &["onOrderCreated", "onOrderItemsStatusChanged"],
            )]),
        )
        .on("GET /v2/webhook-entities", 200, ENTITIES);
    ensure(api(fake.cx()), URL).expect("nothing to do");
    fake.finish();
}

#[test]
fn removing_twice_succeeds() {
    let fake = seller_center()
        .on("DELETE /v2/webhook/a%2Fb", 204, "")
        .on("DELETE /v2/webhook/a%2Fb", 404, "")
        .on("DELETE /v2/webhook/a%2Fb", 403, "");
    assert_eq!(remove(api(fake.cx()), "a/b"), Ok(()));
    assert_eq!(remove(api(fake.cx()), "a/b"), Ok(()));
    assert!(matches!(
        remove(api(fake.cx()), "a/b"),
        Err(Fault::Denied(_))
    ));
}

#[test]
fn messages_become_hints() {
    for (text, hints) in [
        (
            r#"{"event":"onOrderCreated","payload":{"OrderId":601774,"OrderNr":"914"}}"#,
            vec![Hint::Order("601774".into())],
        ),
        (
            r#"{"event":"onOrderItemsStatusChanged","payload":{"OrderId":"601774","OrderItemIds":["1"],"NewStatus":"x"}}"#,
            vec![Hint::Order("601774".into())],
        ),
        (
            r#"{"event":"onOrderCreated","payload":"{\"OrderId\":5}"}"#,
            vec![Hint::Order("5".into())],
        ),
        (
            r#"{"event":"onOrderCreated","payload":null}"#,
            vec![Hint::Channel],
        ),
        (
            r#"{"event":"onReturnStatusChanged","payload":[]}"#,
            vec![Hint::Channel],
        ),
        (
            r#"{"event":"onProductUpdated","payload":{"SellerSkus":["A ","B"]}}"#,
            vec![Hint::ListingSku("A ".into()), Hint::ListingSku("B".into())],
        ),
        (
            r#"{"event":"onProductCreated","payload":{"SellerSkus":[]}}"#,
            vec![Hint::Channel],
        ),
        (
            r#"{"event":"onFeedCompleted","payload":{"Feed":"x"}}"#,
            vec![Hint::Nothing],
        ),
        (
            r#"{"event":"onMoonRise","payload":{}}"#,
            vec![Hint::Nothing],
        ),
    ] {
        assert_eq!(parse(text.as_bytes()), Ok(hints), "{text}");
    }
    for bad in ["", "[]", "{", r#"{"payload":{}}"#, "\u{0}"] {
        assert!(
            matches!(parse(bad.as_bytes()), Err(Fault::Protocol(_))),
            "{bad}"
        );
    }
    assert!(matches!(parse(&[0xff, 0xfe]), Err(Fault::Protocol(_))));
}
