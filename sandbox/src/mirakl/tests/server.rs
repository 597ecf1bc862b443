//! Key, roles, limits, switches, and requests that are wrong.

use super::*;
use crate::faults::{Fault, Match, Rule};
use crate::seller_center::SWITCHES_PATH;

#[tokio::test]
async fn only_the_bare_key_opens() {
    let w = world().await;
    let url = format!("{}/api/account", w.mirakl.url());
    for key in [
        None,
        Some("wrong".to_owned()),
        Some(format!("Bearer {}", w.key)),
    ] {
        let mut request = w.http.get(&url);
        if let Some(key) = key {
            request = request.header("Authorization", key);
        }
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 401);
        let body: Value = answer.json().await.expect("JSON");
        assert_eq!(body, json!({"status": 401, "message": "Unauthorized"}));
    }
    assert_eq!(w.mistakes().len(), 3);
    let account = w.get("/api/account").await;
    assert_eq!(account["shop_id"], 2043);
    assert_eq!(account["currency_iso_code"], "AUD");
    assert_eq!(
        w.get("/api/account?shop_id=2043").await["shop_state"],
        "OPEN"
    );
    assert_eq!(w.mirakl.stats().without_shop, 1);
    w.no_mistakes();
    assert_eq!(w.call("GET", "/api/account?shop_id=9", None).await.0, 403);
    assert_eq!(w.mistakes().len(), 1);
}

#[tokio::test]
async fn set_up_calls() {
    let w = world().await;
    let configuration = w.get("/api/platform/configuration").await;
    let features = &configuration["features"];
    assert_eq!(features["order_tax_mode"], "TAX_INCLUDED");
    assert_eq!(features["shipment"]["multi_shipment"], true);
    let carriers = w.get("/api/shipping/carriers").await;
    assert_eq!(carriers["carriers"][0]["code"], "AUSPOST");
    let methods = w.get("/api/shipping/types").await;
    assert_eq!(methods["shipping_types"][0]["mandatory_tracking"], false);
    assert_eq!(methods["shipping_types"][1]["mandatory_tracking"], true);
    let reasons = w.get("/api/reasons").await;
    assert_eq!(reasons["total_count"], 8);
    assert!(w.get("/api/version").await["version"].is_string());
    w.no_mistakes();
    w.mirakl
        .switches(|s| s.missing_roles = vec!["ADMIN".into()]);
    let path = "/api/platform/configuration";
    assert_eq!(w.call("GET", path, None).await.0, 403);
    w.no_mistakes();
}

#[tokio::test]
async fn budgets_by_the_hour() {
    let w = world().await;
    w.mirakl
        .switches(|s| _ = s.budgets.insert("OR11".into(), 2));
    for _ in 0..2 {
        w.get("/api/orders").await;
    }
    let request = w.http.get(format!("{}/api/orders", w.mirakl.url()));
    let answer = request.header("Authorization", &w.key).send().await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status(), 429);
    let wait: i64 = answer.headers()["retry-after"]
        .to_str()
        .expect("a text")
        .parse()
        .expect("seconds");
    assert!((3590..=3600).contains(&wait), "{wait}");
    assert_eq!(w.mirakl.stats().throttled, 1);
    // Another call has a budget of its own.
    w.get("/api/offers").await;
    w.mirakl.advance(seconds(3600));
    w.get("/api/orders").await;
    w.mirakl.switches(|s| {
        s.retry_after = false;
        s.budget_window_s = 60;
    });
    w.get("/api/orders").await;
    let request = w.http.get(format!("{}/api/orders", w.mirakl.url()));
    let answer = request.header("Authorization", &w.key).send().await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status(), 429);
    assert!(answer.headers().get("retry-after").is_none());
    w.no_mistakes();
}

#[tokio::test]
async fn wrong_requests_are_refused_and_counted() {
    let w = world().await;
    let order = w.buy(&[("TIDE-32", 1)]);
    let accept = format!("/api/orders/{}/accept", order.id);
    for (method, path, body, status) in [
        ("GET", "/api/nothing", None, 404),
        // Gone from the description: no integration is allowed.
        ("GET", "/api/orders/TP-4411902-A", None, 404),
        ("DELETE", "/api/orders", None, 405),
        ("GET", "/api/orders?max=101", None, 400),
        ("GET", "/api/orders?max=x", None, 400),
        ("GET", "/api/orders?offset=-1", None, 400),
        ("GET", "/api/orders?sort=price", None, 400),
        ("GET", "/api/orders?order=up", None, 400),
        ("GET", "/api/orders?start_update_date=2026-03-09", None, 400),
        // The plus of an offset that was not encoded.
        (
            "GET",
            "/api/orders?start_update_date=2026-03-09T00:00:00+11:00",
            None,
            400,
        ),
        (
            "GET",
            "/api/orders?order_state_codes=SHIPPED,LOST",
            None,
            400,
        ),
        ("GET", "/api/orders?order_ids=a&order_ids=b", None, 400),
        ("GET", "/api/orders?order_tax_mode=NET", None, 400),
        ("GET", "/api/orders?has_incident=1", None, 400),
        ("PUT", accept.as_str(), Some(json!({})), 400),
        ("PUT", "/api/orders", Some(json!({"orders": []})), 400),
        (
            "POST",
            "/api/shipments",
            Some(json!({"shipments": {}})),
            400,
        ),
        ("POST", "/api/offers/stock/imports", Some(json!({})), 415),
        ("PUT", "/api/orders/cancel", None, 415),
        ("GET", "/api/shipments?page_token=x", None, 400),
    ] {
        let (is, answer) = w.call(method, path, body).await;
        assert_eq!(is, status, "{method} {path}: {answer}");
        assert_eq!(w.mistakes().len(), 1, "{method} {path}");
    }
    w.get("/api/orders?paginate=false").await;
    assert!(w.mistakes()[0].contains("`paginate` is unknown here"));
    let request = w.http.get(format!("{}/api/orders", w.mirakl.url()));
    let request = request.header("Authorization", &w.key);
    let answer = request.header("Accept", "application/xml").send().await;
    assert_eq!(answer.expect("an answer").status(), 406);
    // An honest question about what is not there is no mistake.
    w.mirakl.reset_stats();
    assert_eq!(w.call("PUT", "/api/orders/TP-1-A/ship", None).await.0, 404);
    assert_eq!(w.mirakl.stats().conflicts.len(), 1);
    w.no_mistakes();
    w.mirakl.switches(|s| s.page_above = Above::Cut);
    w.get("/api/orders?max=500").await;
    assert_eq!(w.mistakes().len(), 1);
}

#[tokio::test]
async fn switches_and_faults_over_http() {
    let w = world().await;
    let url = format!("{}{SWITCHES_PATH}", w.mirakl.url());
    let change = w
        .http
        .patch(&url)
        .body(r#"{"error_body": "empty", "lowered": "never"}"#);
    assert_eq!(change.send().await.expect("an answer").status(), 204);
    let change = w.http.patch(&url).body(r#"{"tea": 1}"#);
    assert_eq!(change.send().await.expect("an answer").status(), 400);
    assert_eq!(
        w.call("GET", "/api/orders?max=0", None).await,
        (400, json!(""))
    );
    w.buy(&[("TIDE-32", 4)]);
    assert_eq!(w.quantity("TIDE-32"), 10);
    w.mirakl.switches(|s| s.error_body = ErrorBody::BadRequest);
    let (_, body) = w.call("GET", "/api/orders?max=0", None).await;
    assert_eq!(body, json!({"status": 400, "message": "Bad Request"}));
    w.mirakl.switches(|s| s.maintenance = true);
    assert_eq!(w.call("GET", "/api/account", None).await.0, 503);
    w.mirakl.switches(|s| s.maintenance = false);
    let order = w.buy(&[("TIDE-34", 1)]);
    let lost = Rule::once(
        Match::path("/api/orders"),
        Fault::AnswerLost { status: 502 },
    );
    w.mirakl.faults().add(lost);
    let path = format!("/api/orders/{}/accept", order.id);
    let body = json!({"order_lines": [{"id": order.line_ids[0], "accepted": true}]});
    assert_eq!(w.put(&path, body).await.0, 502);
    assert_eq!(w.state(&order.id), "WAITING_DEBIT");
    w.mirakl.stop();
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let fresh = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    assert!(fresh.get(&url).send().await.is_err());
}
