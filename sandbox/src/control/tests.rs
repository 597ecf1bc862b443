use super::*;
use crate::Options;

struct Call {
    sandbox: Sandbox,
    http: reqwest::Client,
}

impl Call {
    async fn new() -> Self {
        Self::with(Options::default()).await
    }

    async fn with(options: Options) -> Self {
        let options = Options {
            control_port: Some(0),
            ..options
        };
        // Both stand-ins choose a provider of TLS when they start.
        let sandbox = Sandbox::start(options).await.unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { sandbox, http }
    }

    async fn send(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let url = format!("{}/control/{path}", self.sandbox.control_url().unwrap());
        let method = method.parse().unwrap();
        let request = self.http.request(method, url).body(body.to_owned());
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

#[tokio::test]
async fn people_can_be_played() {
    let call = Call::new().await;
    let (status, bought) = call
        .send("POST", "buy", r#"{"pieces": 2, "payment_pending": true}"#)
        .await;
    assert_eq!(status, 200, "{bought}");
    assert_eq!(bought["order"]["item_ids"].as_array().unwrap().len(), 2);
    assert_eq!(call.send("POST", "release", "").await.0, 200);
    assert_eq!(call.send("POST", "release", "").await.0, 409);
    assert_eq!(call.send("POST", "sell", "").await.0, 200);
    let number = bought["order"]["number"].as_str().unwrap();
    let body = format!(r#"{{"order": "{number}", "side": "seller-center"}}"#);
    assert_eq!(call.send("POST", "cancel", &body).await.0, 200);
    let (_, state) = call.send("GET", "state", "").await;
    assert_eq!(state["seller_center"]["orders"], 1);
    assert_eq!(state["seller_center"]["newest_orders"][0]["number"], number);
    let (_, verdict) = call.send("GET", "audit", "").await;
    assert_eq!(verdict["ok"], false);
    let (status, happened) = call.send("POST", "step", r#"{"times": 3}"#).await;
    assert_eq!(status, 200, "{happened}");
}

#[tokio::test]
async fn stock_and_skus_can_be_edited() {
    let call = Call::new().await;
    let sku = call.sandbox.catalogue.linked()[0].to_owned();
    let body = format!(r#"{{"sku": "{sku}", "location": "Melbourne store", "available": 41}}"#);
    assert_eq!(call.send("POST", "stock", &body).await.0, 200);
    let body = format!(r#"{{"sku": "{sku}", "location": "Melbourne store", "change": -1}}"#);
    assert_eq!(call.send("POST", "stock", &body).await.0, 200);
    let variants = call.sandbox.shopify.variants();
    let variant = variants
        .iter()
        .find(|v| v.sku.as_ref() == Some(&sku))
        .unwrap();
    let store = &call.sandbox.locations[1];
    assert!(
        variant
            .levels
            .iter()
            .any(|l| l.location == *store && l.available == 40)
    );
    for side in ["shopify", "seller-center"] {
        let body = format!(r#"{{"side": "{side}", "from": "{sku}", "to": "NEW-1"}}"#);
        assert_eq!(call.send("POST", "sku", &body).await.0, 200);
    }
    assert_eq!(call.sandbox.seller_center.product("NEW-1").len(), 1);
    assert_eq!(call.send("POST", "sku", "").await.0, 200);
}

#[tokio::test]
async fn wrong_requests_name_field_and_fix() {
    let call = Call::new().await;
    for (path, body, says) in [
        (
            "buy",
            r#"{"items": [{"quantity": 2}]}"#,
            "missing field `sku`",
        ),
        (
            "buy",
            r#"{"pieces": 0}"#,
            "\"pieces\" is 0; it has to be 1 to 100",
        ),
        ("buy", r#"{"piece": 1}"#, "unknown field `piece`"),
        ("sell", r#"{"quantity": 1}"#, "needs a \"sku\""),
        ("pack", "", "missing field `order`"),
        (
            "pack",
            r#"{"order": "1", "packing": "heap"}"#,
            "unknown variant `heap`",
        ),
        (
            "cancel",
            r#"{"order": "1", "side": "left"}"#,
            "unknown variant `left`",
        ),
        (
            "stock",
            r#"{"sku": "NONE", "available": 1}"#,
            "which no variant in Shopify has",
        ),
        (
            "stock",
            r#"{"sku": "NONE", "location": "Perth", "available": 1}"#,
            "\"Melbourne store\"",
        ),
        (
            "sku",
            r#"{"side": "shopify", "from": "NONE", "to": "X"}"#,
            "\"from\" is \"NONE\"",
        ),
        ("step", r#"{"times": 0}"#, "\"times\" is 0"),
        ("faults/left", "{}", "no side \"left\""),
        (
            "faults/shopify",
            r#"{"fault": {"kind": "tea"}}"#,
            "rule 1 is not understood",
        ),
        (
            "switches/seller-center",
            r#"{"tea": 1}"#,
            "no switch \"tea\"; there are",
        ),
        (
            "switches/seller-center",
            r#"{"packed_required": 7}"#,
            "\"packed_required\" cannot be set",
        ),
    ] {
        let (status, answer) = call.send("POST", path, body).await;
        let text = answer["error"].as_str().unwrap_or_default();
        assert!(
            status == 400 && text.contains(says),
            "{path} {body}: {status} {answer}"
        );
    }
    let (status, answer) = call.send("GET", "audit?since=yesterday", "").await;
    assert!(status == 400 && answer["error"].as_str().unwrap().contains("\"since\""));
    let (status, answer) = call.send("POST", "pack", r#"{"order": "1"}"#).await;
    assert!(status == 409 && answer["error"].as_str().unwrap().contains("no order 1"));
}

#[tokio::test]
async fn faults_and_switches_reach_their_side() {
    let call = Call::new().await;
    let rule = r#"{"matching": {"path_prefix": "/v2/health"}, "times": 1, "fault": {"kind": "empty", "status": 502}}"#;
    let (status, answer) = call.send("POST", "faults/seller-center", rule).await;
    assert_eq!((status, &answer["added"]), (200, &json!(1)), "{answer}");
    let url = format!("{}/v2/health", call.sandbox.seller_center.url());
    assert_eq!(call.http.get(url).send().await.unwrap().status(), 502);
    assert_eq!(call.send("DELETE", "faults/seller-center", "").await.0, 200);
    let (_, shown) = call.send("GET", "faults/seller-center", "").await;
    assert_eq!(shown["rules"], json!([]));
    let change = r#"{"packed_required": true}"#;
    let (status, shown) = call.send("POST", "switches/seller-center", change).await;
    assert_eq!((status, &shown["packed_required"]), (200, &json!(true)));
    let (_, shown) = call.send("GET", "switches/shopify", "").await;
    assert!(shown.is_object());
}

#[tokio::test]
async fn a_mirakl_marketplace_can_be_played() {
    let call = Call::new().await;
    let (status, answer) = call.send("POST", "mirakl/settle", "").await;
    assert_eq!(status, 409, "{answer}");
    let (_, state) = call.send("GET", "state", "").await;
    assert!(state.get("mirakl").is_none());
    let call = Call::with(Options {
        mirakl: Some(crate::mirakl::Config::default()),
        ..Options::default()
    })
    .await;
    let sku = call.sandbox.catalogue.linked()[0].to_owned();
    let market = call.sandbox.mirakl.as_ref().unwrap();
    market.set_quantity(&sku, 5);
    let body = format!(r#"{{"lines": [{{"sku": "{sku}", "quantity": 2}}], "staging": true}}"#);
    let (status, bought) = call.send("POST", "mirakl/buy", &body).await;
    assert_eq!(status, 200, "{bought}");
    let order = bought["order"]["id"].as_str().unwrap().to_owned();
    let named = format!(r#"{{"order": "{order}"}}"#);
    let change = r#"{"automatic_acceptance": true, "debit_delay_ms": null}"#;
    assert_eq!(call.send("POST", "switches/mirakl", change).await.0, 200);
    assert_eq!(call.send("POST", "mirakl/debit", &named).await.0, 409);
    assert_eq!(call.send("POST", "mirakl/release", &named).await.0, 200);
    assert_eq!(call.send("POST", "mirakl/debit", &named).await.0, 200);
    let (_, state) = call.send("GET", "state", "").await;
    assert_eq!(state["mirakl"]["newest_orders"][0]["state"], "SHIPPING");
    let (_, verdict) = call.send("GET", "audit?channel=mirakl", "").await;
    let text = verdict["checks"][0]["examples"][0].as_str().unwrap();
    assert!(text.contains(&order), "{verdict}");
    let asked = call
        .send("POST", "mirakl/request-cancellation", &named)
        .await;
    assert_eq!(asked.0, 200, "{}", asked.1);
    let body = format!(r#"{{"order": "{order}", "side": "mirakl"}}"#);
    assert_eq!(call.send("POST", "cancel", &body).await.0, 200);
    assert_eq!(call.send("POST", "cancel", &body).await.0, 409);
    assert_eq!(
        call.send("POST", "mirakl/refuse-debit", &named).await.0,
        409
    );
    assert_eq!(call.send("POST", "mirakl/receive", &named).await.0, 200);
    assert_eq!(call.send("POST", "mirakl/settle", "").await.0, 200);
    let advanced = call
        .send("POST", "mirakl/advance", r#"{"seconds": 600}"#)
        .await;
    assert_eq!(advanced.0, 200);
    let backwards = call
        .send("POST", "mirakl/advance", r#"{"seconds": -1}"#)
        .await;
    assert_eq!(backwards.0, 400);
    let body = format!(r#"{{"side": "mirakl", "from": "{sku}", "to": "NEW-1"}}"#);
    assert_eq!(call.send("POST", "sku", &body).await.0, 200);
    assert!(market.offer("NEW-1").is_some());
    let rule = r#"{"fault": {"kind": "empty", "status": 502}}"#;
    assert_eq!(call.send("POST", "faults/mirakl", rule).await.0, 200);
    let (status, answer) = call.send("GET", "audit?channel=moon", "").await;
    assert!(status == 400 && answer["error"].as_str().unwrap().contains("moon"));
}

#[tokio::test]
async fn a_marketplace_to_learn_with_has_acts_of_its_own() {
    let call = Call::new().await;
    let (status, refusal) = call.send("GET", "practice/state", "").await;
    assert_eq!(status, 409, "{refusal}");
    assert!(refusal["error"].as_str().unwrap().contains("--practice"));
    let call = Call::with(Options {
        practice: Some(crate::practice::Config::default()),
        ..Options::default()
    })
    .await;
    let market = call.sandbox.practice.clone().unwrap();
    let listings = market.listings();
    let sku = &listings.iter().find(|l| l.quantity >= 2).unwrap().sku;
    let body = format!(r#"{{"lines": [{{"sku": "{sku}", "quantity": 2}}]}}"#);
    let (status, bought) = call.send("POST", "practice/buy", &body).await;
    assert_eq!(status, 200, "{bought}");
    assert_eq!(bought["order"]["number"], "PM-20001");
    let body = r#"{"order": "PM-20001", "lines": [{"line": "1"}]}"#;
    assert_eq!(call.send("POST", "practice/cancel", body).await.0, 200);
    let body = r#"{"order": "PM-20001", "side": "practice"}"#;
    assert_eq!(call.send("POST", "cancel", body).await.0, 200);
    assert_eq!(call.send("POST", "cancel", body).await.0, 409);
    let (_, state) = call.send("GET", "practice/state", "").await;
    assert_eq!(state["newest_orders"][0]["status"], "cancelled");
    assert_eq!(
        state["all_listings"].as_array().unwrap().len(),
        listings.len()
    );
    let rule = r#"{"matching": {"path_prefix": "/v1/orders"}, "times": 2, "fault": {"kind": "status", "status": 500}}"#;
    assert_eq!(call.send("POST", "faults/practice", rule).await.0, 200);
    assert_eq!(market.faults().rules().len(), 1);
    let (status, all) = call
        .send("POST", "switches/practice", r#"{"page_cap": 5}"#)
        .await;
    assert_eq!((status, &all["page_cap"]), (200, &json!(5)));
    let body = format!(r#"{{"side": "practice", "from": "{sku}", "to": "NEW-9"}}"#);
    assert_eq!(call.send("POST", "sku", &body).await.0, 200);
    assert_eq!(market.listing("NEW-9").len(), 1);
    let (status, verdict) = call
        .send("GET", "audit?channel=practice&converged=false", "")
        .await;
    assert_eq!(status, 200, "{verdict}");
}
