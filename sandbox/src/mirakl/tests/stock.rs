//! Writing stock by files that are worked on later, and what sales do to it.

use super::*;

#[tokio::test]
async fn an_import_is_queued_worked_on_and_told_by_its_failures() {
    let w = world().await;
    let id = w
        .send_stock(&[
            ("TIDE-30", "7", ""),
            ("GONE-1", "3", ""),
            ("TIDE-32", "0", ""),
        ])
        .await;
    let status = w.stock_status(&id).await;
    assert_eq!(status["import_id"], json!(id));
    assert!(matches!(
        status["status"].as_str(),
        Some("WAITING" | "RUNNING")
    ));
    assert!(status.get("lines_in_success").is_none());
    let report = format!("/api/offers/stock/imports/{id}/error_report");
    assert_eq!(w.call("GET", &report, None).await.0, 404);
    assert_eq!(w.quantity("TIDE-30"), 1);
    w.mirakl.advance(seconds(5));
    let status = w.stock_status(&id).await;
    assert_eq!(status["status"], "COMPLETE");
    assert_eq!(
        (&status["lines_in_success"], &status["lines_in_error"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(status["has_error_report"], true);
    assert_eq!((w.quantity("TIDE-30"), w.quantity("TIDE-32")), (7, 0));
    let report = w.get(&report).await;
    assert_eq!(
        report,
        "\"line-number\";\"error-message\";\"offer-sku\";\"quantity\";\"warehouse-code\";\"update-delete\"\n\
         \"2\";\"The offer does not exist\";\"GONE-1\";\"3\";\"\";\"\"\n"
    );
    w.no_mistakes();
}

#[tokio::test]
async fn imports_wait_for_each_other() {
    let w = world().await;
    let first = w.send_stock(&[("TIDE-32", "4", "")]).await;
    let second = w.send_stock(&[("TIDE-32", "3", "")]).await;
    w.mirakl.advance(seconds(5));
    assert_eq!(w.stock_status(&first).await["status"], "COMPLETE");
    assert_eq!(w.stock_status(&second).await["status"], "RUNNING");
    assert_eq!(w.quantity("TIDE-32"), 4);
    assert_eq!(w.mirakl.settle_imports(), 1);
    assert_eq!(w.quantity("TIDE-32"), 3);
    let status = w.stock_status(&second).await;
    assert_eq!(
        (&status["status"], &status["has_error_report"]),
        (&json!("COMPLETE"), &json!(false))
    );
    // An upload is worked on later: what was sold meanwhile comes back.
    let third = w.send_stock(&[("TIDE-32", "3", "")]).await;
    w.buy(&[("TIDE-32", 2)]);
    assert_eq!(w.quantity("TIDE-32"), 1);
    w.mirakl.advance(seconds(5));
    assert_eq!(w.stock_status(&third).await["status"], "COMPLETE");
    assert_eq!(w.quantity("TIDE-32"), 3);
    assert_eq!(w.mirakl.imports().len(), 3);
    w.no_mistakes();
}

#[tokio::test]
async fn imports_can_fail_or_get_stuck() {
    let w = world().await;
    w.mirakl.switches(|s| s.import_end = ImportEnd::Failed);
    let id = w.send_stock(&[("TIDE-32", "4", "")]).await;
    w.mirakl.advance(seconds(5));
    assert_eq!(w.stock_status(&id).await["status"], "FAILED");
    assert_eq!(w.quantity("TIDE-32"), 10);
    w.mirakl
        .switches(|s| s.import_end = ImportEnd::FailedApplied);
    let id = w.send_stock(&[("TIDE-32", "4", "")]).await;
    w.mirakl.advance(seconds(5));
    assert_eq!(w.stock_status(&id).await["status"], "FAILED");
    assert_eq!(w.quantity("TIDE-32"), 4);
    w.mirakl.switches(|s| s.import_end = ImportEnd::Stuck);
    let id = w.send_stock(&[("TIDE-32", "6", "")]).await;
    w.mirakl.advance(hours(5));
    assert_eq!(w.stock_status(&id).await["status"], "RUNNING");
    assert_eq!(w.mirakl.settle_imports(), 1);
    assert_eq!(w.quantity("TIDE-32"), 6);
    w.mirakl.switches(|s| {
        s.stock_imports = false;
        s.import_end = ImportEnd::Complete;
    });
    assert_eq!(w.upload("/api/offers/stock/imports", "x", &[]).await.0, 404);
    w.no_mistakes();
}

#[tokio::test]
async fn careless_rows_are_in_error_and_counted() {
    let w = world().await;
    let long = "X".repeat(41);
    let id = w
        .send_stock(&[
            ("TIDE-30", "-1", ""),
            ("TIDE/30", "1", ""),
            (long.as_str(), "1", ""),
            ("TIDE-32", "1.5", ""),
            ("TIDE-34", "2", "PERTH"),
        ])
        .await;
    w.mirakl.settle_imports();
    assert_eq!(w.stock_status(&id).await["lines_in_error"], 5);
    assert_eq!(w.mistakes().len(), 5);
    w.send_stock(&[("TIDE-32", "4", ""), ("TIDE-32", "6", "")])
        .await;
    w.mirakl.settle_imports();
    assert_eq!(w.quantity("TIDE-32"), 6);
    assert_eq!(w.mistakes().len(), 1);
    for file in [
        "sku;quantity\nTIDE-32;9\n",
        "\"offer-sku\",\"quantity\"\n\"TIDE-32\",\"9\"\n",
        "",
    ] {
        let (status, answer) = w.upload("/api/offers/stock/imports", file, &[]).await;
        assert_eq!(status, 201);
        w.mirakl.settle_imports();
        let id = answer["import_id"].as_str().expect("an id");
        assert_eq!(w.stock_status(id).await["status"], "FAILED");
        assert_eq!(w.mistakes().len(), 1);
    }
    w.mirakl.switches(|s| s.lenient_files = true);
    w.upload(
        "/api/offers/stock/imports",
        "sku,quantity\nTIDE-32,9\n",
        &[],
    )
    .await;
    w.mirakl.settle_imports();
    assert_eq!(w.quantity("TIDE-32"), 9);
    w.no_mistakes();
}

#[tokio::test]
async fn warehouses_add_up() {
    let w = world_with(Config {
        warehouses: vec!["PERTH".into(), "SYDNEY".into()],
        ..Config::default()
    })
    .await;
    w.send_stock(&[("TIDE-32", "4", "PERTH"), ("TIDE-32", "2", "SYDNEY")])
        .await;
    w.mirakl.settle_imports();
    assert_eq!(w.quantity("TIDE-32"), 6);
    let found = w.get("/api/offers?sku=TIDE-32").await;
    assert_eq!(
        found["offers"][0]["warehouses"][0],
        json!({"code": "PERTH", "quantity": 4})
    );
    w.buy(&[("TIDE-32", 3)]);
    let offer = w.mirakl.offer("TIDE-32").expect("an offer");
    assert_eq!(offer.warehouses.values().sum::<i64>(), 3);
    w.send_stock(&[("TIDE-32", "8", "")]).await;
    w.mirakl.settle_imports();
    let offer = w.mirakl.offer("TIDE-32").expect("an offer");
    assert_eq!((offer.quantity, offer.warehouses["PERTH"]), (8, 0));
    w.no_mistakes();
    w.send_stock(&[("TIDE-32", "4", ""), ("TIDE-32", "2", "SYDNEY")])
        .await;
    w.mirakl.settle_imports();
    assert_eq!((w.quantity("TIDE-32"), w.mistakes().len()), (8, 2));
}

#[tokio::test]
async fn sales_take_from_the_quantity_once() {
    let w = world().await;
    let order = w.buy(&[("TIDE-32", 3)]);
    assert_eq!(w.quantity("TIDE-32"), 7);
    let refused = w
        .mirakl
        .buy(&[("TIDE-32", 8)], Buyer::random(1), &Purchase::default());
    assert!(refused.is_err());
    let lines = json!({"order_lines": [{"id": order.line_ids[0], "accepted": true}]});
    w.put(&format!("/api/orders/{}/accept", order.id), lines)
        .await;
    w.mirakl.debit(&order.id);
    w.done(&format!("/api/orders/{}/ship", order.id)).await;
    assert_eq!(w.quantity("TIDE-32"), 7);
    // Canceled units do not come back by themselves.
    let order = w.buy(&[("TIDE-34", 2)]);
    assert_eq!(w.mirakl.cancel(&order.id, &[]), 1);
    assert_eq!(w.quantity("TIDE-34"), 3);
    w.mirakl.switches(|s| {
        s.cancellation_gives_back = true;
        s.lowered = Lowered::AtAcceptance;
    });
    let order = w.buy(&[("TIDE-34", 2)]);
    assert_eq!(w.quantity("TIDE-34"), 3);
    let lines = json!({"order_lines": [{"id": order.line_ids[0], "accepted": true}]});
    w.put(&format!("/api/orders/{}/accept", order.id), lines)
        .await;
    assert_eq!(w.quantity("TIDE-34"), 1);
    w.mirakl.cancel(&order.id, &[]);
    assert_eq!(w.quantity("TIDE-34"), 3);
}

#[tokio::test]
async fn files_and_objects_of_offers() {
    let w = world().await;
    let file = "\"sku\";\"quantity\";\"update-delete\"\n\"TIDE-30\";\"7\";\"update\"\n\"NEW-1\";\"1\";\"update\"\n";
    let normal = [("import_mode", "NORMAL"), ("with_products", "false")];
    let (status, answer) = w.upload("/api/offers/imports", file, &normal).await;
    assert_eq!(status, 201);
    let id = answer["import_id"].as_u64().expect("a number");
    w.mirakl.settle_imports();
    let status = w.get(&format!("/api/offers/imports/{id}")).await;
    assert_eq!(
        (&status["offer_updated"], &status["lines_in_error"]),
        (&json!(1), &json!(1))
    );
    let report = w
        .get(&format!("/api/offers/imports/{id}/error_report"))
        .await;
    assert!(report.as_str().expect("a file").contains("NEW-1"));
    let offer = w.mirakl.offer("TIDE-30").expect("an offer");
    assert_eq!(offer.quantity, 7);
    assert!(!offer.description.is_empty() && offer.price == "89.95".parse().expect("a price"));
    w.no_mistakes();
    // What is not sent is reset.
    let offer = json!({
        "shop_sku": "TIDE-30", "product_id": "9345900221", "product_id_type": "SKU",
        "price": 89.95, "state_code": "11", "update_delete": "update",
    });
    assert_eq!(
        w.post("/api/offers", json!({"offers": [offer]})).await.0,
        201
    );
    w.mirakl.settle_imports();
    let offer = w.mirakl.offer("TIDE-30").expect("an offer");
    assert_eq!((offer.quantity, offer.description.as_str()), (0, ""));
    // What is not in the file is deleted.
    let replace = [("import_mode", "REPLACE")];
    w.upload("/api/offers/imports", "sku;quantity\nTIDE-32;3\n", &replace)
        .await;
    w.mirakl.settle_imports();
    assert!(w.mirakl.offer("TIDE-30").is_none() && w.mirakl.offer("TIDE-32").is_some());
    assert_eq!(w.upload("/api/offers/imports", file, &[]).await.0, 400);
}

#[tokio::test]
async fn what_is_not_public_is_a_switch() {
    let w = world_with(Config {
        warehouses: vec!["PERTH".into()],
        ..Config::default()
    })
    .await;
    w.mirakl.switches(|s| {
        s.same_import_reused = true;
        s.unknown_enum_values = true;
        s.report_counts_header = true;
        s.total_on_warehouses = TotalOnWarehouses::Refused;
    });
    w.send_stock(&[("TIDE-34", "2", "PERTH")]).await;
    let first = w.send_stock(&[("TIDE-34", "3", "")]).await;
    assert_eq!(w.send_stock(&[("TIDE-34", "3", "")]).await, first);
    assert_eq!(w.stock_status(&first).await["status"], "QUEUED");
    w.mirakl.settle_imports();
    assert_eq!(w.quantity("TIDE-34"), 2);
    let report = format!("/api/offers/stock/imports/{first}/error_report");
    let report = w.get(&report).await;
    let second = report.as_str().and_then(|r| r.lines().nth(1));
    assert!(second.expect("a row").starts_with("\"2\";"), "{report}");
    w.mirakl.switches(|s| s.import_delay_ms = 0);
    let id = w.send_stock(&[("TIDE-30", "6", "")]).await;
    assert_eq!(w.stock_status(&id).await["status"], "COMPLETE");
}
