//! Tokens, limits, switches and webhooks.

use axum::extract::State as Extract;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use tokio::sync::mpsc;

use super::*;

#[tokio::test]
async fn tokens_limits_and_maintenance() {
    let w = world().await;
    let url = w.center.url();
    let config = Config::default();
    let wrong = w
        .http
        .post(format!("{url}/oauth/client-credentials"))
        .form(&[
            ("grant_type", "client_credentials"),
            ("client_id", &config.client_id),
            ("client_secret", "no"),
        ])
        .send()
        .await
        .expect("an answer");
    assert_eq!(wrong.status(), 401);
    assert_eq!(
        wrong.json::<Value>().await.expect("JSON")["error"],
        "invalid_client"
    );
    for path in ["/v2/orders?limit=1&offset=0", "/v2/nothing", "/v2/health"] {
        let bare = w
            .http
            .get(format!("{url}{path}"))
            .send()
            .await
            .expect("an answer");
        assert_eq!(bare.status(), 401, "{path}");
    }
    assert_eq!(
        w.http.get(&url).send().await.expect("an answer").status(),
        404
    );
    w.get("/v2/seller").await;
    w.center.switches(|s| s.requests_per_second = 3);
    let mut throttled = 0;
    for _ in 0..6 {
        let (status, _) = w.call("GET", "/v2/seller", None).await;
        throttled += u64::from(status == 429);
    }
    assert!(throttled >= 3);
    assert_eq!(w.center.stats().throttled, throttled);
    w.center.switches(|s| s.maintenance = true);
    let (status, body) = w.call("GET", "/v2/seller", None).await;
    assert_eq!(
        (status, &body["caused_by"]),
        (503, &json!("maintenance_mode"))
    );
    w.center.switches(|s| s.maintenance = false);
    w.center.expire_tokens();
    let before = w.center.stats().mistakes.len();
    assert_eq!(
        w.call("GET", "/v2/seller", None).await,
        (401, json!({"code": 401, "message": "Unauthorized"}))
    );
    assert_eq!(w.center.stats().mistakes.len(), before);
    let change = w.http.patch(format!("{url}{SWITCHES_PATH}"));
    let change = change.body("{\"packed_required\": true, \"orders_paging\": \"neither\"}");
    assert_eq!(change.send().await.expect("an answer").status(), 204);
    w.center
        .switches(|s| assert!(s.packed_required && s.orders_paging == OrdersPaging::Neither));
    w.center.stop();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let after = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client")
        .get(&url)
        .send()
        .await;
    assert!(after.is_err());
}

/// A receiver that fails the first `refuse` deliveries and hands all of them on.
async fn receiver(refuse: usize) -> (String, mpsc::UnboundedReceiver<Value>) {
    let (sender, seen) = mpsc::unbounded_channel();
    let left = Arc::new(Mutex::new(refuse));
    let take =
        |Extract((sender, left)): Extract<(mpsc::UnboundedSender<Value>, Arc<Mutex<usize>>)>,
         Json(body): Json<Value>| async move {
            let _ = sender.send(body);
            let mut left = left.lock().expect("a lock");
            if *left > 0 {
                *left -= 1;
                return StatusCode::ACCEPTED;
            }
            StatusCode::OK
        };
    let router = Router::new()
        .route("/hook", post(take))
        .with_state((sender, left));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, seen)
}

#[tokio::test]
async fn webhooks_are_delivered_and_retried() {
    let w = world_with(Switches {
        clock_factor: 1200.0,
        ..Switches::default()
    })
    .await;
    let (url, mut seen) = receiver(2).await;
    let body =
        json!({"callbackUrl": url, "events": ["onOrderCreated", "onOrderItemsStatusChanged"]});
    let (status, made) = w.post("/v2/webhook", body.clone()).await;
    assert_eq!(status, 201);
    assert_eq!(w.post("/v2/webhook", body).await.0, 422);
    let (status, _) = w
        .post(
            "/v2/webhook",
            json!({"callbackUrl": "http://x.example/", "events": ["onMoon"]}),
        )
        .await;
    assert_eq!(status, 400);
    let order = w.buy("TIDE-32", 2);
    let wanted = json!({"event": "onOrderCreated", "payload": {"OrderId": order.id, "OrderNr": order.number}});
    // 202 is no success: the delivery comes again until it is answered with 200.
    for _ in 0..3 {
        let got = tokio::time::timeout(Duration::from_secs(5), seen.recv())
            .await
            .expect("a delivery");
        assert_eq!(got, Some(wanted.clone()));
    }
    w.center.switches(|s| s.webhook_ids_as_strings = true);
    w.center.cancel_items(&order.item_ids[..1], "Overdue");
    let got = tokio::time::timeout(Duration::from_secs(5), seen.recv())
        .await
        .expect("a delivery")
        .expect("a body");
    assert_eq!(
        got["payload"]["OrderItemIds"],
        json!([order.item_ids[0].to_string()])
    );
    assert_eq!(got["payload"]["NewStatus"], "canceled");
    tokio::time::sleep(Duration::from_millis(100)).await;
    let stats = w.center.stats();
    assert_eq!((stats.webhooks_delivered, stats.webhooks_failed), (2, 2));
    let encoded: String = url::form_urlencoded::byte_serialize(url.as_bytes()).collect();
    let rows = w
        .get(&format!(
            "/v2/webhook/callbacks/{encoded}?limit=10&offset=0"
        ))
        .await;
    assert_eq!(rows["items"][0]["status"], "success");
    let id = &rows["items"][0]["id"];
    assert_eq!(
        w.post(&format!("/v2/webhook/callback/{id}/retry/"), json!({}))
            .await
            .0,
        204
    );
    let got = tokio::time::timeout(Duration::from_secs(5), seen.recv())
        .await
        .expect("a delivery");
    assert_eq!(got, Some(wanted));
    let id = made["webhookId"].as_str().expect("an id");
    assert_eq!(w.get("/v2/webhooks").await["items"][0]["publicId"], id);
    assert_eq!(
        w.post(
            &format!("/v2/webhook/{id}/status"),
            json!({"isEnabled": false})
        )
        .await
        .0,
        204
    );
    w.buy("TIDE-32", 1);
    assert_eq!(
        w.call("DELETE", &format!("/v2/webhook/{id}"), None).await.0,
        204
    );
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(seen.try_recv().is_err());
}
