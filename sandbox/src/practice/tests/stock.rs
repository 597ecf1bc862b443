//! Listings, their pages, and stock.

use super::*;

#[tokio::test]
async fn listings_are_paged_by_cursor() {
    let w = world().await;
    let first = w.get("/v1/listings?limit=2").await;
    assert_eq!(texts(&first["listings"], "sku"), ["TIDE-30", "TIDE-32"]);
    let row = &first["listings"][0];
    assert_eq!(row["id"], "L1");
    assert_eq!(row["price"], "49.95");
    assert_eq!(
        (&row["quantity"], &row["active"]),
        (&json!(1), &json!(true))
    );
    let cursor = first["next"].as_str().expect("a cursor");
    // What is taken down meanwhile shifts nothing.
    assert!(w.market.remove_listing("TIDE-30"));
    let second = w
        .get(&format!("/v1/listings?limit=2&cursor={cursor}"))
        .await;
    assert_eq!(texts(&second["listings"], "sku"), ["TIDE-34"]);
    assert_eq!(second["next"], Value::Null);
    // A full last page has no next.
    assert_eq!(w.get("/v1/listings?limit=2").await["next"], Value::Null);
    w.no_mistakes();
    let wrong = (400, "invalid");
    for query in [
        "limit=0",
        "limit=201",
        "limit=x",
        "cursor=abc",
        "id=L1&sku=A",
    ] {
        w.refused("GET", &format!("/v1/listings?{query}"), None, wrong)
            .await;
    }
    let orders = format!("/v1/orders?cursor={cursor}");
    w.refused("GET", &orders, None, wrong).await;
    assert_eq!(w.mistakes().len(), 6);
}

#[tokio::test]
async fn pages_may_be_shorter_than_asked() {
    let w = world().await;
    w.market.switches(|s| s.page_cap = 1);
    let mut seen = Vec::new();
    let mut path = "/v1/listings?limit=200".to_owned();
    loop {
        let page = w.get(&path).await;
        seen.extend(texts(&page["listings"], "id"));
        let Some(cursor) = page["next"].as_str() else {
            break;
        };
        path = format!("/v1/listings?limit=200&cursor={cursor}");
    }
    assert_eq!(seen, ["L1", "L2", "L3"]);
}

#[tokio::test]
async fn named_listings_leave_out_what_is_unknown() {
    let w = world().await;
    let found = w.get("/v1/listings?id=L3&id=L9&id=l1&id=L01&id=L1").await;
    assert_eq!(texts(&found["listings"], "id"), ["L1", "L3"]);
    let found = w.get("/v1/listings?sku=TIDE-34&sku=tide-30").await;
    assert_eq!(texts(&found["listings"], "id"), ["L3"]);
    let many = "id=L1&".repeat(101);
    w.refused(
        "GET",
        &format!("/v1/listings?{many}"),
        None,
        (400, "invalid"),
    )
    .await;
}

#[tokio::test]
async fn stock_is_absolute_and_answered_level_by_level() {
    let w = world().await;
    let levels = json!({"levels": [
        {"listing": "L2", "quantity": 7}, {"listing": "L9", "quantity": 1},
        {"listing": "L3", "quantity": -1}, {"listing": "L1", "quantity": 0},
    ]});
    let (status, answer) = w.call("PUT", "/v1/stock", Some(levels.clone())).await;
    assert_eq!(status, 200);
    let results = &answer["results"];
    assert_eq!(texts(results, "listing"), ["L2", "L9", "L3", "L1"]);
    let ok: Vec<bool> = (results.as_array().expect("a list").iter())
        .map(|r| r["ok"].as_bool().expect("a flag"))
        .collect();
    assert_eq!(ok, [true, false, false, true]);
    assert_eq!(results[1]["error"]["code"], "not-found");
    assert_eq!(results[2]["error"]["code"], "invalid");
    assert_eq!((w.quantity("TIDE-32"), w.quantity("TIDE-30")), (7, 0));
    assert_eq!(w.quantity("TIDE-34"), 5, "a wrong level changes nothing");
    assert_eq!(w.mistakes().len(), 1, "only the number below 0");
    let wrong = (400, "invalid");
    w.refused("PUT", "/v1/stock", Some(json!({"levels": []})), wrong)
        .await;
    w.refused("PUT", "/v1/stock", Some(json!([])), wrong).await;
    let many: Vec<Value> = (0..101)
        .map(|_| json!({"listing": "L1", "quantity": 1}))
        .collect();
    w.refused("PUT", "/v1/stock", Some(json!({"levels": many})), wrong)
        .await;
}

#[tokio::test]
async fn sales_and_cancellations_move_the_number_by_themselves() {
    let w = world().await;
    let order = w.buy(&[("TIDE-32", 3), ("TIDE-34", 1)]);
    assert_eq!((w.quantity("TIDE-32"), w.quantity("TIDE-34")), (7, 4));
    let sold_out = w
        .market
        .buy(&[("TIDE-30", 2)], Buyer::random(1), &Purchase::default());
    assert!(sold_out.is_err_and(|why| why.contains("1 left")));
    assert_eq!(w.market.cancel(&order.number, &[("1", 2)]), Ok(2));
    assert_eq!(w.quantity("TIDE-32"), 9);
    assert_eq!(w.market.cancel(&order.id, &[]), Ok(2));
    assert_eq!((w.quantity("TIDE-32"), w.quantity("TIDE-34")), (10, 5));
    assert_eq!(
        w.market.order(&order.id).expect("an order").status,
        "cancelled"
    );
    assert!(w.market.cancel(&order.id, &[("1", 1)]).is_err());
    w.market.set_active("TIDE-34", false);
    let hidden = w
        .market
        .buy(&[("TIDE-34", 1)], Buyer::random(1), &Purchase::default());
    assert!(hidden.is_err());
}
