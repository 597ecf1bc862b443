use serde_json::json;

use super::*;
use crate::api::api;
use crate::seller_center;
use lockstep_sdk::http::Error;

const PUT: &str = "PUT /v2/stock/product";

fn level(listing: &str, quantity: u32) -> Level {
    Level {
        listing: listing.to_owned(),
        parent: None,
        sku: None,
        quantity,
        places: Vec::new(),
        facts: Vec::new(),
    }
}

#[test]
fn the_answer_lists_the_failures() {
    let fake = seller_center()
        .on(PUT, 200, r#"[{"productId":2,"quantity":0},{"productId":"3","quantity":1},{"productId":4,"quantity":1},{"productId":5,"quantity":1}]"#)
        .on(
            "GET /v2/products?productIds[]=2&productIds[]=3&productIds[]=4&productIds[]=5",
            200,
            r#"[{"id":2,"shipmentTypeId":1,"status":"active"},{"id":3,"status":"deleted"},{"id":5,"status":"active"}]"#,
        )
        .on("GET /v2/products?productIds[]=4", 200, "[]");
    let levels = [
        level("1", 7),
        level("2", 0),
        level("3", 1),
        level("4", 1),
        level("5", 1),
    ];
    let outcomes = push(api(fake.cx()), &levels).expect("outcomes");
    fake.finish();
    assert_eq!(fake.body(0)[0], json!({"productId": 1, "quantity": 7}));
    assert_eq!(outcomes[0], Outcome::Applied);
    let Outcome::Failed(Fault::Rejected(why)) = &outcomes[1] else {
        panic!("{:?}", outcomes[1]);
    };
    assert!(why.detail.contains("warehouse"));
    assert!(
        matches!(&outcomes[2], Outcome::Failed(Fault::Missing(why)) if why.contains("deleted"))
    );
    assert!(matches!(&outcomes[3], Outcome::Failed(Fault::Missing(_))));
    assert!(matches!(&outcomes[4], Outcome::Failed(Fault::Rejected(_))));
}

#[test]
fn the_last_number_of_a_product_counts_and_odd_ids_fail_alone() {
    let fake = seller_center().on(PUT, 200, "");
    let levels = [level("1", 7), level("x", 1), level("1", 3)];
    let outcomes = push(api(fake.cx()), &levels).expect("outcomes");
    assert_eq!(fake.body(0), json!([{"productId": 1, "quantity": 3}]));
    assert_eq!(outcomes[0], Outcome::Applied);
    assert!(matches!(outcomes[1], Outcome::Failed(Fault::Rejected(_))));
    assert_eq!(outcomes[2], Outcome::Applied);
}

#[test]
fn never_more_than_a_hundred_at_once() {
    let fake = seller_center()
        .on(PUT, 200, "[]")
        .on(PUT, 200, "{}")
        .on(PUT, 200, "null");
    let levels: Vec<Level> = (1..=250).map(|n| level(&n.to_string(), n)).collect();
    let outcomes = push(api(fake.cx()), &levels).expect("outcomes");
    fake.finish();
    assert!(outcomes.iter().all(|o| *o == Outcome::Applied));
    let sizes: Vec<usize> = (0..3)
        .map(|n| fake.body(n).as_array().map_or(0, Vec::len))
        .collect();
    assert_eq!(sizes, [100, 100, 50]);
    assert_eq!(fake.body(1)[0]["productId"], json!(101));
}

#[test]
fn a_refused_batch_is_split_until_the_bad_row_is_alone() {
    let refused = r#"{"title":"Unprocessable Entity","detail":"Product 3 takes no stock"}"#;
    let fake = seller_center()
        .on(PUT, 422, refused)
        .on(PUT, 200, "[]")
        .on(PUT, 422, refused)
        .on(PUT, 422, refused)
        .on(PUT, 200, "[]");
    let levels = [level("1", 1), level("2", 1), level("3", 1), level("4", 1)];
    let outcomes = push(api(fake.cx()), &levels).expect("outcomes");
    fake.finish();
    let applied: Vec<bool> = outcomes.iter().map(|o| *o == Outcome::Applied).collect();
    assert_eq!(applied, [true, true, false, true]);
}

#[test]
fn the_search_for_bad_rows_is_bounded() {
    let mut fake = seller_center();
    for _ in 0..CALLS {
        fake = fake.on(PUT, 422, "");
    }
    let levels: Vec<Level> = (1..=100).map(|n| level(&n.to_string(), 1)).collect();
    let outcomes = push(api(fake.cx()), &levels).expect("outcomes");
    assert!(fake.count() <= CALLS);
    assert!(outcomes.iter().all(|o| matches!(o, Outcome::Failed(_))));
    assert!(matches!(outcomes[99], Outcome::Failed(Fault::Other(_))));
}

#[test]
fn an_unreadable_answer_is_of_unknown_outcome() {
    for body in [
        "<html>",
        r#"{"message":"ok"}"#,
        r#"[{"quantity":1}]"#,
        r#"[{"productId":99}]"#,
    ] {
        let fake = seller_center().on(PUT, 200, body);
        let result = push(api(fake.cx()), &[level("1", 1)]);
        assert!(matches!(result, Err(Fault::UnknownOutcome(_))), "{body}");
    }
    let fake = seller_center().fails(PUT, Error::OutcomeUnknown("reset".into()));
    let result = push(api(fake.cx()), &[level("1", 1)]);
    assert!(matches!(result, Err(Fault::UnknownOutcome(_))));
}

#[test]
fn what_was_written_before_a_fault_is_told() {
    let levels: Vec<Level> = (1..=150).map(|n| level(&n.to_string(), n)).collect();
    let fake = seller_center().on(PUT, 200, "[]").on(PUT, 429, "");
    let outcomes = push(api(fake.cx()), &levels).expect("outcomes");
    assert_eq!(outcomes[99], Outcome::Applied);
    assert!(matches!(
        outcomes[100],
        Outcome::Failed(Fault::Throttled(_))
    ));
    let fake = seller_center().on(PUT, 429, "");
    assert!(matches!(
        push(api(fake.cx()), &levels),
        Err(Fault::Throttled(_))
    ));
}

#[test]
fn no_levels_cost_no_request() {
    let fake = seller_center();
    assert!(push(api(fake.cx()), &[]).expect("outcomes").is_empty());
    assert!(matches!(settle("t"), Err(Fault::Missing(_))));
}
