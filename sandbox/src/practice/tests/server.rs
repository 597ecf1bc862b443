//! Key, limits, switches, and requests that are wrong.

use super::*;
use crate::faults::{Fault, Match, Rule};
use crate::seller_center::SWITCHES_PATH;

#[tokio::test]
async fn only_the_key_opens() {
    let w = world().await;
    let url = format!("{}/v1/account", w.market.url());
    for key in [None, Some("wrong")] {
        let mut request = w.http.get(&url);
        if let Some(key) = key {
            request = request.header("x-api-key", key);
        }
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 401);
        let body: Value = answer.json().await.expect("JSON");
        assert_eq!(body["error"]["code"], "unauthorized");
    }
    assert_eq!(w.mistakes().len(), 2);
    assert_eq!(
        w.get("/v1/account").await,
        json!({
            "id": "PM-1001", "name": "Kestrel Outfitters", "country": "AU", "currency": "AUD",
        })
    );
    w.no_mistakes();
}

#[tokio::test]
async fn lists_that_the_marketplace_keeps() {
    let w = world().await;
    let carriers = w.get("/v1/carriers").await;
    let first = json!({"code": "auspost", "name": "Australia Post"});
    assert_eq!(carriers["carriers"][0], first);
    let reasons = w.get("/v1/cancel-reasons").await;
    let first = json!({"code": "out-of-stock", "label": "Out of stock"});
    assert_eq!(reasons["reasons"][0], first);
    w.no_mistakes();
}

#[tokio::test]
async fn what_is_not_there_is_said_to_be_so() {
    let w = world().await;
    let gone = (404, "not-found");
    w.refused("GET", "/v1/nothing", None, gone).await;
    w.refused("POST", "/v1/account", Some(json!({})), gone)
        .await;
    assert_eq!(w.mistakes().len(), 2, "wrong paths are mistakes");
    let parcel = json!({
        "key": "a", "carrier": "auspost", "tracking": "ABCD", "shipped_at": "2026-03-09T00:00:00Z",
        "lines": [{"line": "1", "quantity": 1}],
    });
    w.refused("POST", "/v1/orders/O9/parcels", Some(parcel), gone)
        .await;
    w.no_mistakes();
}

#[tokio::test]
async fn unknown_parameters_are_ignored_and_noted() {
    let w = world().await;
    w.get("/v1/listings?page=2").await;
    let stock = json!({"levels": [{"listing": "L1", "quantity": 4, "sku": "x"}], "mode": 1});
    assert_eq!(w.call("PUT", "/v1/stock", Some(stock)).await.0, 200);
    let mistakes = w.mistakes().join("\n");
    for name in ["`page`", "`mode`", "`sku`"] {
        assert!(mistakes.contains(name), "{mistakes}");
    }
}

#[tokio::test]
async fn switches_change_its_behavior() {
    let w = world().await;
    w.market.switches(|s| s.requests_per_second = 2);
    w.get("/v1/account").await;
    w.get("/v1/account").await;
    let request = w.http.get(format!("{}/v1/account", w.market.url()));
    let request = request.header("x-api-key", w.market.api_key());
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["retry-after"], "1");
    assert_eq!(w.market.stats().throttled, 1);
    w.market.switches(|s| *s = Switches::default());
    let url = format!("{}{SWITCHES_PATH}", w.market.url());
    let change = w.http.patch(&url).body(r#"{"maintenance": true}"#).send();
    assert_eq!(change.await.expect("an answer").status(), 204);
    w.refused("GET", "/v1/account", None, (503, "maintenance"))
        .await;
    w.market.switches(|s| {
        *s = Switches {
            forbidden: vec!["PUT stock".into()],
            ..Switches::default()
        }
    });
    let stock = json!({"levels": [{"listing": "L1", "quantity": 4}]});
    w.refused("PUT", "/v1/stock", Some(stock), (403, "forbidden"))
        .await;
    w.get("/v1/listings").await;
    w.no_mistakes();
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_has_happened() {
    let w = world().await;
    let route = Match::route("PUT", "/v1/stock");
    w.market.faults().add(Rule::once(route, Fault::ResetAfter));
    let body = json!({"levels": [{"listing": "L1", "quantity": 4}]});
    let request = w.http.put(format!("{}/v1/stock", w.market.url()));
    let request = request.header("x-api-key", w.market.api_key()).json(&body);
    assert!(request.send().await.is_err());
    assert_eq!(w.quantity("TIDE-30"), 4);
}
