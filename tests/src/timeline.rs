//! What happened to an order can be told request by request: each with its answer, its retry and why.

use std::time::Duration;

use lockstep::db::Store;
use lockstep::model::Key;
use lockstep_sandbox::faults::{Fault, Match, Rule};
use lockstep_sandbox::story::Packing;
use serde_json::{Value, json};

use crate::world::{KEY, World};

/// The timeline that `lockstep explain --json` has of an order.
async fn timeline(world: &World, order: &str) -> Vec<Value> {
    let ran = world.run(&["explain", order, "--json"]).await.code(0);
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    told[0]["timeline"].as_array().unwrap().clone()
}

/// One line for each row: kind, what, whether it went well, why, and how.
fn lines(timeline: &[Value]) -> Vec<String> {
    timeline
        .iter()
        .map(|r| {
            let well = match r["well"].as_bool() {
                Some(true) => "well",
                Some(false) => "badly",
                None => "-",
            };
            let text = |field: &str| r[field].as_str().unwrap_or("").to_owned();
            let (kind, what, why) = (text("kind"), text("what"), text("cause"));
            format!("{kind} {what} {well} <{why}> {}", text("text"))
        })
        .collect()
}

/// Fails the test unless these are found in this order, each in a line of its own: the beginning of the line, and words
/// in it.
#[track_caller]
fn assert_in_order(lines: &[String], wanted: &[(&str, &str)]) {
    let mut rest = lines.iter();
    for (begins, holds) in wanted {
        assert!(
            rest.any(|line| line.starts_with(begins) && line.contains(holds)),
            "\"{begins} ... {holds}\" is not where it belongs in\n{}",
            lines.join("\n")
        );
    }
}

/// The rows of exchanges in the export, all subjects.
async fn exchanges(world: &World) -> Vec<Value> {
    let ran = world.run(&["export"]).await.code(0);
    (ran.out.lines())
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["table"] == "exchange")
        .map(|line| line["row"].clone())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_of_an_order_has_its_answer_its_retry_and_its_cause() {
    let world = World::in_step(60).await;
    let mut story = world.story(21);
    let (order, _) = story.buy_on_channel(2).unwrap();
    // The connection breaks before Shopify looks at the request: only looking it up can tell.
    world
        .sandbox
        .shopify
        .faults()
        .add(Rule::once(Match::label("OrderCreate"), Fault::ResetBefore));
    for _ in 0..4 {
        world.settle().await;
    }
    assert_eq!(world.sandbox.shopify.order_by_name(&order.number).len(), 1);
    let told = lines(&timeline(&world, &order.number).await);
    assert_in_order(
        &told,
        &[
            ("event seen well", ""),
            (
                "exchange OrderByReference well <look-up before it is created>",
                "Shopify: POST /admin/api/",
            ),
            ("intent order-create -", "creating the order in Shopify"),
            ("exchange OrderCreate badly <create>", "no answer, "),
            ("event unknown badly", "outcome unknown"),
            (
                "exchange OrderByReference well <look-up after a lost answer>",
                "HTTP 200",
            ),
            ("event looked-up -", "does not show the order yet"),
            (
                "exchange OrderByReference well <look-up after a lost answer>",
                "HTTP 200",
            ),
            (
                "exchange OrdersBySourceIdentifier well <look-up after a lost answer>",
                "HTTP 200",
            ),
            ("intent order-create -", "tries again"),
            ("event again -", "its answer was lost"),
            ("exchange OrderCreate well <create again>", " points"),
            ("event created well", "created as"),
        ],
    );
    // The channel refuses the code, then takes it.
    story.pack(&order.number, Packing::Whole).unwrap();
    let telling = Match::route("POST", "/v2/orders/statuses/set-to-ready-to-ship");
    let detail = "E063: The tracking number was used before";
    let refusal = Fault::Status {
        status: 422,
        headers: vec![],
        body: json!({"title": "Unprocessable", "status": 422, "detail": detail}).to_string(),
        content_type: "application/json".into(),
    };
    let faults = world.sandbox.seller_center.faults();
    faults.add(Rule::once(telling, refusal));
    world.settle().await;
    world.run(&["retry", &order.number]).await.code(0);
    world.settle().await;
    let rows = timeline(&world, &order.number).await;
    let told = lines(&rows);
    let path = "POST /v2/orders/statuses/set-to-ready-to-ship: HTTP ";
    assert_in_order(
        &told,
        &[
            ("event created well", ""),
            ("event parcel -", "ready"),
            ("intent parcel-prepare -", "settled at"),
            (
                "exchange fulfillments.prepare badly <tell parcel ",
                &format!("{path}422"),
            ),
            ("event refused badly", "the channel refuses it"),
            ("event retry -", "tried again in the next cycle"),
            ("intent parcel-prepare -", "the channel knows the parcel"),
            (
                "exchange fulfillments.prepare well <tell parcel ",
                &format!("{path}200"),
            ),
            ("event prepared well", "the channel knows the parcel"),
            (
                "exchange stock.push well <lower the stock before shipping>",
                "/v2/stock/product: HTTP 20",
            ),
            (
                "exchange fulfillments.ship well <ship parcel ",
                "/v2/orders/statuses/set-to-shipped: HTTP 20",
            ),
            ("event done well", "shipped at the channel"),
        ],
    );
    // The fault as the connector concluded it stands with the answer that it comes from.
    let refused = (rows.iter())
        .find(|r| r["what"] == "fulfillments.prepare" && r["well"] == false)
        .unwrap();
    let exchange = &refused["exchange"];
    assert_eq!(exchange["status"], 422);
    assert_eq!(
        (&exchange["side"], &exchange["try"]),
        (&json!("channel"), &json!(1))
    );
    let error = exchange["error"].as_str().unwrap();
    assert!(error.starts_with("refused (E063)"), "{error}");
    let times: Vec<jiff::Timestamp> = (rows.iter())
        .map(|r| r["at"].as_str().unwrap().parse().unwrap())
        .collect();
    assert!(times.is_sorted(), "{times:?}");
    world
        .run(&["explain", &order.number])
        .await
        .code(0)
        .says("look-up after a lost answer")
        .says("set-to-shipped");
    world.assert_sound("after a lost answer and a refused code");
    // Nobody's name and address is kept with it.
    let buyer = world.sandbox.seller_center.order(order.id).unwrap().buyer;
    let rows = exchanges(&world).await;
    let all = serde_json::to_string(&rows).unwrap();
    let subject = format!("order:{}", order.id);
    assert!(rows.iter().any(|r| r["subject"] == subject.as_str()));
    let private = [
        &buyer.last_name,
        &buyer.lines[0],
        &buyer.phone,
        &buyer.email,
    ];
    for word in private {
        assert!(!all.contains(word.as_str()), "\"{word}\" is kept");
    }
    for word in ["?", "Bearer", "access_token", "client_secret"] {
        assert!(!all.contains(word), "\"{word}\" is kept");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_turned_away_or_needs_a_new_token_is_told_try_by_try() {
    let world = World::in_step(60).await;
    let mut story = world.story(22);
    let throttled = json!({
        "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
        "extensions": {"cost": {"requestedQueryCost": 20, "actualQueryCost": null,
            "throttleStatus": {"maximumAvailable": 2000.0, "currentlyAvailable": 1000.0, "restoreRate": 100.0}}}
    });
    let faults = world.sandbox.shopify.faults();
    faults.add(Rule::once(Match::label("OrderCreate"), Fault::Unauthorized));
    faults.add(Rule::once(
        Match::label("OrderCreate"),
        Fault::Status {
            status: 200,
            headers: vec![("x-request-id".into(), "turned-away-1".into())],
            body: throttled.to_string(),
            content_type: "application/json".into(),
        },
    ));
    let (order, _) = story.buy_on_channel(1).unwrap();
    world.settle().await;
    let told = lines(&timeline(&world, &order.number).await);
    assert_in_order(
        &told,
        &[
            ("exchange OrderCreate badly <create>", "HTTP 401"),
            (
                "exchange token well <create>",
                "POST /admin/oauth/access_token: HTTP 200",
            ),
            (
                "exchange OrderCreate badly <create>",
                "try 2, request turned-away-1: turned away for want of points",
            ),
            ("exchange OrderCreate well <create>", "try 3"),
            ("event created well", ""),
        ],
    );
    // The same at the channel, whose plugin never hears of its token.
    story.pack(&order.number, Packing::Whole).unwrap();
    let telling = Match::route("POST", "/v2/orders/statuses/set-to-ready-to-ship");
    let faults = world.sandbox.seller_center.faults();
    faults.add(Rule::once(telling, Fault::Unauthorized));
    world.settle().await;
    let told = lines(&timeline(&world, &order.number).await);
    assert_in_order(
        &told,
        &[
            (
                "exchange fulfillments.prepare badly <tell parcel ",
                "HTTP 401",
            ),
            ("exchange token well <tell parcel ", "HTTP 200"),
            ("exchange fulfillments.prepare well <tell parcel ", "try 2"),
            ("event done well", ""),
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_is_known_though_the_run_may_write_nothing_more() {
    let world = World::in_step(60).await;
    let mut story = world.story(23);
    let (order, _) = story.buy_on_channel(1).unwrap();
    let faults = world.sandbox.shopify.faults();
    let late = Fault::DelayAfter { ms: 6_000 };
    faults.add(Rule::once(Match::label("OrderCreate"), late));
    let child = world.start(&["sync", "--once"]);
    let reached = async {
        while faults.hits().iter().all(|(_, hits)| *hits == 0) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), reached)
        .await
        .expect("the order was never sent");
    // Another run of the channel takes over while the answer is on its way.
    let store = Store::attach(&world.place).unwrap();
    let key = KEY.parse::<Key>().unwrap();
    store
        .lease(&key, "another", jiff::Timestamp::now())
        .await
        .unwrap();
    let output = child.wait_with_output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("replaced by a newer one"), "{said}");
    let told = lines(&timeline(&world, &order.number).await);
    assert_in_order(
        &told,
        &[
            (
                "intent order-create -",
                "what became of it is not known yet",
            ),
            ("exchange OrderCreate well <create>", "HTTP 200"),
        ],
    );
    assert!(!told.iter().any(|l| l.starts_with("event created")));
    world.settle().await;
    let told = lines(&timeline(&world, &order.number).await);
    assert_in_order(
        &told,
        &[
            (
                "exchange OrderByReference well <look-up after a lost answer>",
                "",
            ),
            ("event created well", "found in Shopify"),
        ],
    );
    assert_eq!(world.sandbox.shopify.order_by_name(&order.number).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channels_requests_are_counted_and_its_failures_told() {
    let world = World::in_step(60).await;
    let faults = world.sandbox.seller_center.faults();
    let down = Fault::Html { status: 502 };
    faults.add(Rule::once(Match::route("GET", "/v2/orders"), down));
    world.run(&["sync", "--once"]).await.code(1);
    world.settle().await;
    let rows = exchanges(&world).await;
    let channel: Vec<&Value> = (rows.iter())
        .filter(|r| r["subject"] == "channel")
        .collect();
    let (sums, single): (Vec<&Value>, Vec<&Value>) =
        channel.into_iter().partition(|r| r["try"].is_null());
    let walked: i64 = (sums.iter())
        .filter(|r| r["call"] == "listings.page")
        .map(|r| r["count"].as_i64().unwrap())
        .sum();
    assert!(walked > 0);
    assert!(sums.iter().all(|r| r["failed"] == 0 && r["path"].is_null()));
    assert_eq!(single.len(), 1, "{single:?}");
    let failed = single[0];
    assert_eq!(
        (&failed["status"], &failed["cause"]),
        (&json!(502), &json!("orders"))
    );
    assert_eq!(failed["call"], "orders.changed");
    assert!(failed["error"].as_str().unwrap().starts_with("unavailable"));
    // When it is tried again is on record, beside why.
    let ran = world.run(&["export"]).await.code(0);
    let state = (ran.out.lines())
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .find(|l| l["table"] == "event" && l["row"]["kind"] == "state")
        .unwrap();
    let text = state["row"]["text"].as_str().unwrap();
    assert!(text.contains("unavailable"), "{text}");
    assert!(text.contains("tried again at 2"), "{text}");
    // One number that is written has its cause on the SKU's timeline.
    let mut story = world.story(24);
    story.recount().unwrap();
    world.settle().await;
    let rows = world.run(&["export"]).await.code(0);
    let pushed = (rows.out.lines())
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .rfind(|l| l["table"] == "push")
        .unwrap();
    let sku = pushed["row"]["sku"].as_str().unwrap();
    let ran = world
        .run(&["explain", sku, "--channel", KEY, "--json"])
        .await;
    let told: Value = serde_json::from_str(&ran.code(0).out).unwrap();
    let told = lines(told[0]["channels"][0]["timeline"].as_array().unwrap());
    let last = told.iter().rfind(|l| l.starts_with("push stock")).unwrap();
    assert!(last.starts_with("push stock well <difference>"), "{last}");
}
