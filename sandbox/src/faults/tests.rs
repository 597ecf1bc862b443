//! Each fault over a real socket.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::routing::{get, post};

use super::*;

/// A server whose `/work` counts its effects.
struct Server {
    faults: Faults,
    url: String,
    done: Arc<AtomicU64>,
    client: reqwest::Client,
}

async fn server() -> Server {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let done = Arc::new(AtomicU64::new(0));
    let count = done.clone();
    let work = move || {
        let count = count.clone();
        async move {
            count.fetch_add(1, Ordering::SeqCst);
            Json(json!({"items": [{"status": "pending"}, {"status": "shipped"}], "total": 2}))
        }
    };
    let faults = Faults::default();
    let router = Router::new()
        .route("/work", post(work.clone()))
        .route("/other", get(work));
    let router = wrap(router, faults.clone()).merge(control(faults.clone()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client");
    Server {
        faults,
        url,
        done,
        client,
    }
}

impl Server {
    fn arm(&self, fault: Fault) {
        self.faults.clear();
        self.faults.add(Rule::always(Match::path("/work"), fault));
    }

    async fn send(&self) -> reqwest::Result<reqwest::Response> {
        self.client
            .post(format!("{}/work", self.url))
            .body("query Catalog { x }")
            .send()
            .await
    }

    fn done(&self) -> u64 {
        self.done.swap(0, Ordering::SeqCst)
    }
}

#[tokio::test]
async fn made_up_answers_have_no_effect() {
    let s = server().await;
    s.arm(Fault::Status {
        status: 418,
        headers: vec![("x-kettle".into(), "on".into())],
        body: "short".into(),
        content_type: "text/plain".into(),
    });
    let got = s.send().await.expect("an answer");
    assert_eq!(got.status(), 418);
    assert_eq!(got.headers()["x-kettle"], "on");
    assert_eq!(got.headers()["content-type"], "text/plain");
    assert_eq!(got.text().await.expect("a body"), "short");

    s.arm(Fault::Html { status: 502 });
    let got = s.send().await.expect("an answer");
    assert_eq!(got.status(), 502);
    assert!(got.text().await.expect("a body").starts_with("<html>"));

    s.arm(Fault::Empty { status: 200 });
    let got = s.send().await.expect("an answer");
    assert_eq!(
        (got.status().as_u16(), got.content_length()),
        (200, Some(0))
    );

    s.arm(Fault::TooManyRequests {
        retry_after: Some("7".into()),
    });
    let got = s.send().await.expect("an answer");
    assert_eq!(got.status(), 429);
    assert_eq!(got.headers()["retry-after"], "7");

    s.arm(Fault::Maintenance { retry_after: None });
    let got = s.send().await.expect("an answer");
    assert_eq!(got.status(), 503);
    assert!(!got.headers().contains_key("retry-after"));
    let body: Value = got.json().await.expect("JSON");
    assert_eq!(body["caused_by"], "maintenance_mode");

    s.arm(Fault::Unauthorized);
    assert_eq!(s.send().await.expect("an answer").status(), 401);

    s.arm(Fault::Redirect {
        location: "http://127.0.0.1:1/elsewhere".into(),
    });
    let got = s.send().await.expect("an answer");
    assert_eq!(got.status(), 302);
    assert_eq!(got.headers()["location"], "http://127.0.0.1:1/elsewhere");

    for (shape, status) in [
        (Shape::General, 422),
        (Shape::Violation, 400),
        (Shape::PerItem, 422),
        (Shape::Auth, 401),
        (Shape::Empty, 400),
        (Shape::Html, 500),
    ] {
        s.arm(Fault::ErrorShape { shape });
        assert_eq!(s.send().await.expect("an answer").status(), status);
    }
    assert_eq!(s.done(), 0);
}

#[tokio::test]
async fn broken_connections() {
    let s = server().await;
    s.arm(Fault::ResetBefore);
    assert!(s.send().await.is_err());
    assert_eq!(s.done(), 0);

    s.arm(Fault::ResetAfter);
    assert!(s.send().await.is_err());
    assert_eq!(s.done(), 1);

    s.arm(Fault::Truncated);
    let got = s.send().await.expect("a head");
    assert_eq!(got.status(), 200);
    assert!(got.content_length().is_some_and(|n| n > 20));
    let mut got = got;
    let half = got
        .chunk()
        .await
        .expect("the first half")
        .expect("some bytes");
    assert!(half.starts_with(b"{\"items\""));
    assert!(got.chunk().await.is_err());
    assert_eq!(s.done(), 1);

    s.arm(Fault::AnswerLost { status: 504 });
    let got = s.send().await.expect("an answer");
    assert_eq!(got.status(), 504);
    assert_eq!(got.text().await.expect("a body"), "");
    assert_eq!(s.done(), 1);
}

#[tokio::test]
async fn slow_answers() {
    let s = server().await;
    s.arm(Fault::SlowDrip { byte_delay_ms: 2 });
    let start = Instant::now();
    let got = s.send().await.expect("a head");
    let body: Value = got.json().await.expect("the whole JSON");
    assert_eq!(body["total"], 2);
    assert!(start.elapsed() > Duration::from_millis(100));
    assert_eq!(s.done(), 1);

    // The effect of a delayed request happens although the client has given up.
    s.arm(Fault::Delay { ms: 150 });
    let early = tokio::time::timeout(Duration::from_millis(50), s.send()).await;
    assert!(early.is_err());
    assert_eq!(s.done(), 0);
    tokio::time::sleep(Duration::from_millis(250)).await;
    assert_eq!(s.done(), 1);

    s.arm(Fault::DelayAfter { ms: 150 });
    let early = tokio::time::timeout(Duration::from_millis(60), s.send()).await;
    assert!(early.is_err());
    assert_eq!(s.done(), 1);
}

#[tokio::test]
async fn edited_and_huge_bodies() {
    let s = server().await;
    s.arm(Fault::Replace {
        values: BTreeMap::from([
            ("/items/*/status".to_owned(), json!("teleported")),
            ("/total".to_owned(), Value::Null),
            ("/extra".to_owned(), json!(1)),
            ("/absent/deep".to_owned(), json!(1)),
        ]),
    });
    let body: Value = s
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    assert_eq!(
        body,
        json!({"items": [{"status": "teleported"}, {"status": "teleported"}], "total": null, "extra": 1})
    );

    s.arm(Fault::HugeBody { bytes: 3_000_000 });
    let got = s.send().await.expect("a head");
    assert_eq!(got.content_length(), None);
    let body = got.bytes().await.expect("the whole body");
    assert_eq!(body.len(), 3_000_000);
    assert_eq!(
        serde_json::from_slice::<Value>(&body).expect("JSON"),
        json!([])
    );
}

#[tokio::test]
async fn rules_count_and_choose() {
    let s = server().await;
    s.faults.set_labeler(|_, body| {
        let text = std::str::from_utf8(body).ok()?;
        text.split_whitespace().nth(1).map(str::to_owned)
    });
    s.faults.add(
        Rule::once(Match::label("Catalog"), Fault::Empty { status: 500 })
            .after(1)
            .times(2)
            .named("third and fourth"),
    );
    s.faults.add(Rule::once(
        Match::route("GET", "/work"),
        Fault::Empty { status: 501 },
    ));
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(s.send().await.expect("an answer").status().as_u16());
    }
    assert_eq!(seen, [200, 500, 500, 200]);
    assert_eq!(
        s.faults.hits(),
        [("third and fourth".to_owned(), 2), ("empty".to_owned(), 0)]
    );
}

#[tokio::test]
async fn rules_over_http() {
    let s = server().await;
    let control = format!("{}{CONTROL_PATH}", s.url);
    let rule = json!({"matching": {"path_prefix": "/work"}, "times": 1, "fault": {"kind": "html", "status": 500}});
    let got = s
        .client
        .post(&control)
        .json(&rule)
        .send()
        .await
        .expect("an answer");
    assert_eq!(got.status(), 204);
    assert_eq!(s.send().await.expect("an answer").status(), 500);
    assert_eq!(s.send().await.expect("an answer").status(), 200);
    let rows: Value = s
        .client
        .get(&control)
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    assert_eq!(rows[0]["hits"], 1);
    let wrong = json!({"fault": {"kind": "gremlin"}});
    let got = s
        .client
        .post(&control)
        .json(&wrong)
        .send()
        .await
        .expect("an answer");
    assert_eq!(got.status(), 400);
    assert!(got.text().await.expect("a body").contains("gremlin"));
    s.client.delete(&control).send().await.expect("an answer");
    assert!(s.faults.hits().is_empty());
}
