use super::*;
use crate::api::api;
use crate::marketplace;
use crate::order::tests::sample;
use lockstep_sdk::types::State;
use serde_json::json;

fn answer(orders: &[Value], total: usize) -> String {
    json!({"orders": orders, "total_count": total}).to_string()
}

fn named(id: &str, state: &str) -> Value {
    let mut order = sample();
    order["order_id"] = json!(id);
    order["order_state"] = json!(state);
    order["order_lines"][0]["order_line_state"] = json!(state);
    order
}

#[test]
fn a_window_is_walked_page_by_page() {
    let rows: Vec<Value> = (0..100)
        .map(|n| named(&format!("A{n}"), "WAITING_DEBIT"))
        .collect();
    let first = "GET /api/orders?shop_id=2043&order_tax_mode=TAX_INCLUDED&start_update_date=2026-03-08T23:41:07Z&max=100&offset=0&order=asc";
    let fake = marketplace()
        .on(first, 200, &answer(&rows, 101))
        .on("GET /api/orders", 200, &answer(&rows[..1], 101))
        .on("GET /api/orders", 200, &json!({"orders": []}).to_string());
    let api = api(fake.cx());
    let page = changed(api, "2026-03-08T23:41:07.900Z", None).expect("a page");
    assert_eq!(
        (page.orders.len(), page.next.as_deref()),
        (100, Some("100"))
    );
    let page = changed(api, "2026-03-08T23:41:07Z", Some("100")).expect("a page");
    assert_eq!(page.next, None);
    assert!(fake.url(1).contains("offset=100"));
    assert_eq!(
        changed(api, "2026-03-08T23:41:07Z", None)
            .expect("a page")
            .next,
        None
    );
    assert!(matches!(
        changed(api, "soon", None),
        Err(Fault::Rejected(_))
    ));
    assert!(matches!(
        changed(api, "2026-03-08T23:41:07Z", Some("x")),
        Err(Fault::Other(_))
    ));
}

#[test]
fn one_broken_order_costs_only_itself() {
    let mut broken = named("B", "WAITING_DEBIT");
    broken["order_lines"][0]["quantity"] = json!("many");
    let rows = [
        named("A", "WAITING_DEBIT"),
        broken,
        json!({"order_state": "x"}),
        json!(7),
    ];
    let fake = marketplace().set("tax-mode", "excluded").on(
        "GET /api/orders?shop_id=2043&order_tax_mode=TAX_EXCLUDED",
        200,
        &answer(&rows, 4),
    );
    let page = changed(api(fake.cx()), "2026-03-08T00:00:00Z", None).expect("a page");
    assert_eq!(page.orders.len(), 2);
    assert!(matches!(page.orders[1].state, State::Other(_)));
    assert!(fake.logged().contains("an order is left out"));
}

#[test]
fn shipments_are_asked_for_together_where_there_are_any() {
    let shipments = json!({"data": [{"id": "f1", "order_id": "A", "status": "SHIPPED",
        "shipment_lines": [{"order_line_id": "TP-4411902-A-1", "quantity": 1}],
        "tracking": {"carrier_code": "AUSPOST", "tracking_number": " KSP1 "}}], "next_page_token": "t1"});
    let fake = marketplace()
        .on(
            "GET /api/orders",
            200,
            &answer(
                &[
                    named("A", "SHIPPING"),
                    named("B", "SHIPPED"),
                    named("C", "CLOSED"),
                ],
                3,
            ),
        )
        .on(
            "GET /api/shipments?shop_id=2043&limit=100&order_id=A&order_id=B",
            200,
            &shipments.to_string(),
        )
        .on(
            "GET /api/shipments?shop_id=2043&page_token=t1",
            200,
            r#"{"data":[]}"#,
        );
    let page = changed(api(fake.cx()), "2026-03-08T00:00:00Z", None).expect("a page");
    fake.finish();
    assert_eq!(page.orders[0].lines[0].shipped, 1);
    assert_eq!(page.orders[0].parcels[0].tracking.as_deref(), Some("KSP1"));
    assert_eq!(page.orders[1].lines[0].shipped, 2);
    let fake = marketplace()
        .on(
            "GET /api/orders",
            200,
            &answer(&[named("A", "SHIPPING")], 1),
        )
        .on("GET /api/shipments", 404, "");
    assert_eq!(
        changed(api(fake.cx()), "2026-03-08T00:00:00Z", None)
            .expect("a page")
            .orders
            .len(),
        1
    );
}

#[test]
fn orders_by_id_and_no_others() {
    let fake = marketplace().set("shipments", "per-order").on(
        "GET /api/orders?shop_id=2043&order_tax_mode=TAX_INCLUDED&order_ids=A%2CGONE&max=100",
        200,
        &answer(
            &[
                named("A", "SHIPPING"),
                named("STRANGER", "SHIPPING"),
                named("A", "SHIPPING"),
            ],
            3,
        ),
    );
    let ids: Vec<String> = ["A", "GONE", "A", "", "x,y"].map(str::to_owned).into();
    let orders = by_id(api(fake.cx()), &ids).expect("orders");
    fake.finish();
    assert_eq!(
        orders.iter().map(|o| o.id.as_str()).collect::<Vec<_>>(),
        ["A"]
    );
    let fake = marketplace().on("GET /api/orders", 200, "{}");
    assert!(matches!(
        by_id(api(fake.cx()), &ids),
        Err(Fault::Protocol(_))
    ));
    assert!(
        by_id(api(marketplace().cx()), &[])
            .expect("nothing")
            .is_empty()
    );
}
