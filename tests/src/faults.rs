//! Every way in which an answer can go wrong: the cycle goes on or parks with a clear reason, and afterwards
//! both sides are as they should be.

use std::collections::BTreeMap;

use lockstep_sandbox::faults::{Fault, Match, Rule, Shape};
use lockstep_sandbox::story::{Packing, Story};
use serde_json::{Value, json};

use crate::world::{KEY, World};

/// A customer buys, the merchant packs an earlier order and counts anew: every flow has something to do.
async fn everything_to_do(story: &mut Story, waiting: &mut Vec<String>) {
    if let Some(number) = waiting.pop() {
        story.pack(&number, Packing::Whole).unwrap();
    }
    let (order, _) = story.buy_on_channel(2).unwrap();
    waiting.push(order.number);
    story.recount().unwrap();
}

fn replace(pointer: &str, value: Value) -> Fault {
    Fault::Replace {
        values: BTreeMap::from([(pointer.to_owned(), value)]),
    }
}

/// What strikes every kind of request.
fn general() -> Vec<Fault> {
    let retry = |seconds: &str| Some(seconds.to_owned());
    vec![
        Fault::ErrorShape {
            shape: Shape::General,
        },
        Fault::ErrorShape {
            shape: Shape::Violation,
        },
        Fault::ErrorShape {
            shape: Shape::PerItem,
        },
        Fault::ErrorShape { shape: Shape::Auth },
        Fault::ErrorShape {
            shape: Shape::Empty,
        },
        Fault::ErrorShape { shape: Shape::Html },
        Fault::Empty { status: 200 },
        Fault::Html { status: 200 },
        Fault::Html { status: 502 },
        Fault::Truncated,
        Fault::ResetBefore,
        Fault::ResetAfter,
        Fault::AnswerLost { status: 500 },
        Fault::TooManyRequests {
            retry_after: retry("1"),
        },
        Fault::TooManyRequests { retry_after: None },
        Fault::Maintenance {
            retry_after: retry("1"),
        },
        Fault::Unauthorized,
        Fault::Redirect {
            location: "http://169.254.169.254/".to_owned(),
        },
    ]
}

/// After a fault has passed: a parked channel is worked again, as its operator would, and everything is brought over.
async fn recover(world: &World, what: &str) {
    world.run(&["channel", "resume", KEY]).await.code(0);
    world.settle().await;
    // What was refused is tried again, as an operator would.
    let status: Value = serde_json::from_str(&world.run(&["status", "--json"]).await.out).unwrap();
    let refused = (status["needs"].as_array().unwrap().iter())
        .filter(|n| n["kind"] == "order" || n["kind"] == "parcel")
        .map(|n| n["subject"].as_str().unwrap());
    for order in refused {
        world.run(&["retry", order]).await.code(0);
    }
    world.settle().await;
    let last = world.settle().await;
    world.assert_sound(&format!(
        "after {what}; the last sync said:\n{}",
        last.all()
    ));
}

/// A process that panics or hangs is never an answer; `World::run` sees to the second.
fn orderly(ran: &crate::world::Ran, what: &str) {
    assert!(
        matches!(ran.status.code(), Some(0..=4)),
        "{what}: exit {:?}\n{}",
        ran.status.code(),
        ran.all()
    );
    assert!(!ran.err.contains("panicked"), "{what}:\n{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_marketplace() {
    let requests = [
        Match::route("GET", "/v2/orders"),
        Match::route("POST", "/v2/orders/statuses/set-to-ready-to-ship"),
        Match::route("POST", "/v2/orders/statuses/set-to-shipped"),
        Match::route("PUT", "/v2/stock/product"),
    ];
    let world = World::in_step(60).await;
    let mut story = world.story(5);
    let mut waiting = Vec::new();
    for matching in &requests {
        for fault in general() {
            let what = format!(
                "{} on {}",
                fault.name(),
                matching.path_prefix.as_deref().unwrap_or("")
            );
            everything_to_do(&mut story, &mut waiting).await;
            let faults = world.sandbox.seller_center.faults();
            faults.add(Rule::always(matching.clone(), fault).times(2).named(&what));
            let ran = world.run(&["sync", "--once"]).await;
            orderly(&ran, &what);
            faults.clear();
            recover(&world, &what).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_shopify() {
    let throttled = json!({
        "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
        "extensions": {"cost": {"requestedQueryCost": 20, "actualQueryCost": null,
            "throttleStatus": {"maximumAvailable": 2000.0, "currentlyAvailable": 0.0, "restoreRate": 100.0}}}
    });
    let internal = json!({"errors": [{"message": "Internal error", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]});
    let answer = |body: &Value| Fault::Status {
        status: 200,
        headers: vec![],
        body: body.to_string(),
        content_type: "application/json".into(),
    };
    let mut kinds = general();
    kinds.retain(|f| !matches!(f, Fault::ErrorShape { .. }));
    kinds.push(answer(&throttled));
    kinds.push(answer(&internal));
    let world = World::in_step(60).await;
    let mut story = world.story(6);
    let mut waiting = Vec::new();
    for label in ["OrderCreate", "VariantsPage", "OrdersChanged"] {
        for fault in &kinds {
            let what = format!("{} on {label}", fault.name());
            everything_to_do(&mut story, &mut waiting).await;
            let faults = world.sandbox.shopify.faults();
            faults.add(
                Rule::always(Match::label(label), fault.clone())
                    .times(2)
                    .named(&what),
            );
            let ran = world.run(&["sync", "--once"]).await;
            orderly(&ran, &what);
            faults.clear();
            recover(&world, &what).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_is_renewed_without_anybody_noticing() {
    let world = World::in_step(60).await;
    let mut story = world.story(7);
    let (order, _) = story.buy_on_channel(1).unwrap();
    world.sandbox.seller_center.faults().add(Rule::once(
        Match::route("GET", "/v2/orders"),
        Fault::Unauthorized,
    ));
    world
        .sandbox
        .shopify
        .faults()
        .add(Rule::once(Match::label("OrderCreate"), Fault::Unauthorized));
    world.run(&["sync"]).await.code(0);
    assert_eq!(world.sandbox.shopify.order_by_name(&order.number).len(), 1);
    world.assert_sound("after both tokens expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn nulls_and_unknown_words_are_normal_input() {
    let world = World::in_step(60).await;
    let mut story = world.story(8);
    let faults = world.sandbox.seller_center.faults();
    for (pointer, value) in [
        ("/items/*/customer", Value::Null),
        ("/items/*/address/billing", Value::Null),
        ("/items/*/items/*/shipment/provider", Value::Null),
        ("/items/*/items/*/failureReason", Value::Null),
        (
            "/items/*/items/*/actions",
            json!(["status_set_to_ready_to_ship", "status_set_to_teleported"]),
        ),
        ("/items/*/statusList", Value::Null),
        ("/items/*/extraAttributes", json!({"anything": [1, 2]})),
        ("/items/*/shipmentProviderType", json!("hyperloop")),
        ("/items/*/brandNewField", json!({"a": 1})),
        ("/items/*/items/*/taxPercent", Value::Null),
    ] {
        let (order, _) = story.buy_on_channel(1).unwrap();
        faults.add(
            Rule::always(Match::route("GET", "/v2/orders"), replace(pointer, value)).named(pointer),
        );
        let ran = world.run(&["sync"]).await;
        orderly(&ran, pointer);
        assert_eq!(
            world.sandbox.shopify.order_by_name(&order.number).len(),
            1,
            "with {pointer}:\n{}",
            ran.all()
        );
        faults.clear();
    }
    // An item in a status that nobody has heard of is not worked, and does not stop the others.
    let (strange, _) = story.buy_on_channel(1).unwrap();
    let status = replace("/items/*/items/*/status", json!("on_the_moon"));
    faults.add(Rule::always(
        Match::route("GET", "/v2/orders").with_body(""),
        status,
    ));
    orderly(&world.run(&["sync"]).await, "an unknown status");
    assert!(
        world
            .sandbox
            .shopify
            .order_by_name(&strange.number)
            .is_empty()
    );
    world
        .run(&["explain", &strange.number])
        .await
        .code(0)
        .says("on_the_moon");
    faults.clear();
    story.cancel_on_channel(&strange.number).unwrap();
    recover(&world, "unknown words").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_credentials_park_the_channel_and_new_ones_wake_it() {
    let world = World::in_step(60).await;
    let mut story = world.story(9);
    world
        .sandbox
        .seller_center
        .faults()
        .add(Rule::always(Match::path("/"), Fault::Unauthorized));
    world
        .run(&["sync", "--once"])
        .await
        .code(1)
        .says("credentials rejected");
    world.run(&["status"]).await.code(1).says("parked");
    world.sandbox.seller_center.faults().clear();
    story.buy_on_channel(1).unwrap();
    world
        .run(&["channel", "secret", KEY])
        .await
        .code(0)
        .says("Accepted");
    world.settle().await;
    world.assert_sound("after the credentials were renewed");
}
