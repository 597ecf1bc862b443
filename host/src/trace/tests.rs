use std::time::Duration;

use secrecy::SecretString;
use tokio::task::JoinSet;

use super::*;
use crate::net::{Method, Request, Response};

/// What a sink was given, piece by piece.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Vec<Exchange>>>>);

impl Kept {
    fn sink(&self) -> Sink {
        let kept = self.0.clone();
        Box::new(move |rows| kept.lock().unwrap().push(rows))
    }

    /// Everything, where it came in one piece.
    fn once(&self) -> Vec<Exchange> {
        let mut all = self.0.lock().unwrap();
        assert_eq!(all.len(), 1, "one piece for a scope: {all:?}");
        all.remove(0)
    }

    fn nothing(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }
}

fn request() -> Request {
    Request {
        method: Method::Post,
        url: "https://api.example.com/v2/orders/77?token=s3cr3t-in-query"
            .parse()
            .unwrap(),
        headers: vec![("authorization".into(), "Bearer s3cr3t-in-header".into())],
        body: Some(b"Jane Doe, 1 Long Street".to_vec()),
        timeout: Duration::from_secs(1),
        max_body: 1,
    }
}

fn answer(status: u16) -> Result<Response, net::Error> {
    Ok(Response {
        status,
        headers: vec![("x-request-id".into(), "r-1".into())],
        body: b"{\"name\":\"Jane Doe\"}".to_vec(),
    })
}

fn exchange(call: &str, status: u16) {
    let mut noting = begin(Side::Channel, call, 1, &request(), &Scrubber::default());
    noting.heard(&answer(status));
}

#[tokio::test]
async fn an_exchange_is_noted_without_body_query_and_headers() {
    let kept = Kept::default();
    Scope::new("create", kept.sink())
        .run(async { exchange("orders.by-id", 200) })
        .await;
    let rows = kept.once();
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    assert_eq!(
        (row.cause.as_str(), row.call.as_str()),
        ("create", "orders.by-id")
    );
    assert_eq!(row.method.as_deref(), Some("POST"));
    assert_eq!(row.path.as_deref(), Some("/v2/orders/77"));
    assert_eq!(row.request_id.as_deref(), Some("r-1"));
    assert_eq!(
        (row.status, row.bytes, row.attempt),
        (Some(200), 19, Some(1))
    );
    assert!(row.well());
    let text = serde_json::to_string(row).unwrap();
    for word in ["s3cr3t", "Jane", "Street"] {
        assert!(!text.contains(word), "{text}");
    }
}

#[tokio::test]
async fn secrets_are_blanked_wherever_they_turn_up() {
    let scrubber = Scrubber::default();
    scrubber.learn(&SecretString::from("hunter2-hunter2"));
    let kept = Kept::default();
    Scope::new("create", kept.sink())
        .run(async {
            let mut request = request();
            request.url.set_path("/v2/hunter2-hunter2");
            let mut noting = begin(Side::Shop, "OrderCreate", 1, &request, &scrubber);
            noting.heard(&Ok(Response {
                status: 422,
                headers: vec![("x-request-id".into(), "hunter2-hunter2".into())],
                body: Vec::new(),
            }));
            noting.why("you sent hunter2-hunter2");
        })
        .await;
    let row = &kept.once()[0];
    assert_eq!(row.path.as_deref(), Some("/v2/[secret]"));
    assert_eq!(row.request_id.as_deref(), Some("[secret]"));
    assert_eq!(row.error.as_deref(), Some("you sent [secret]"));
}

#[tokio::test]
async fn nothing_is_noted_outside_a_scope_and_nothing_written_without_a_note() {
    exchange("orders.changed", 200);
    mark().failed(Side::Channel, "orders.changed", "no");
    let kept = Kept::default();
    Scope::new("create", kept.sink()).run(async {}).await;
    assert!(kept.nothing());
}

#[tokio::test]
async fn a_cause_within_notes_into_the_same_book() {
    let kept = Kept::default();
    Scope::new("create", kept.sink())
        .run(async {
            because("look-up", async { exchange("a", 200) }).await;
            exchange("b", 200);
        })
        .await;
    let causes: Vec<String> = kept.once().into_iter().map(|e| e.cause).collect();
    assert_eq!(causes, ["look-up", "create"]);
}

#[tokio::test]
async fn an_inner_scope_has_a_book_of_its_own() {
    let (outer, inner) = (Kept::default(), Kept::default());
    Scope::sums("orders", outer.sink())
        .run(async {
            Scope::new("create", inner.sink())
                .run(async { exchange("a", 200) })
                .await;
        })
        .await;
    assert_eq!(inner.once().len(), 1);
    assert!(outer.nothing());
}

#[tokio::test]
async fn work_that_is_given_up_is_noted_all_the_same() {
    let kept = Kept::default();
    let work = Scope::new("ship", kept.sink()).run(async {
        exchange("done", 200);
        let _noting = begin(Side::Channel, "ship", 1, &request(), &Scrubber::default());
        std::future::pending::<()>().await;
    });
    let given_up = tokio::time::timeout(Duration::from_millis(5), work).await;
    assert!(given_up.is_err());
    let rows = kept.once();
    assert_eq!(rows.len(), 2);
    assert_eq!(
        rows[1].error.as_deref(),
        Some("given up before an answer came")
    );
    assert!(!rows[1].well());
}

#[tokio::test]
async fn spawned_work_notes_into_the_scope_it_was_spawned_in() {
    let kept = Kept::default();
    Scope::new("read", kept.sink())
        .run(async {
            let mut running = JoinSet::new();
            running.spawn(carry(async { exchange("carried", 200) }));
            running.spawn(async { exchange("lost", 200) });
            running.join_all().await;
        })
        .await;
    let calls: Vec<String> = kept.once().into_iter().map(|e| e.call).collect();
    assert_eq!(calls, ["carried"]);
}

#[tokio::test]
async fn a_request_that_ends_after_its_scope_is_not_lost() {
    let kept = Kept::default();
    let mut running = JoinSet::new();
    Scope::new("read", kept.sink())
        .run(async { drop(running.spawn(carry(async { exchange("late", 200) }))) })
        .await;
    running.join_all().await;
    assert_eq!(kept.once()[0].call, "late");
}

/// The call, status and error of each row of a call that fails with `fault` after these answers.
async fn failed(answers: &[(&'static str, u16)], fault: &str) -> Vec<(String, Option<String>)> {
    let kept = Kept::default();
    let refused = Fault::Rejected {
        code: None,
        detail: fault.into(),
    };
    Scope::new("ship", kept.sink())
        .run(async {
            exchange("earlier", 500);
            let work = async {
                for (call, status) in answers {
                    exchange(call, *status);
                }
                Err::<(), _>(refused.clone())
            };
            concluding(Side::Channel, "ship", work).await.unwrap_err();
        })
        .await;
    let rows = kept.once();
    assert_eq!(rows[0].error, None, "an earlier call's exchange is its own");
    (rows.into_iter().skip(1))
        .map(|e| {
            let call = format!("{} {}", e.call, e.status.unwrap_or(0));
            (call, e.error)
        })
        .collect()
}

#[tokio::test]
async fn a_fault_goes_to_the_exchange_it_comes_from() {
    let told = |call: &str| (call.to_owned(), Some("refused: no".to_owned()));
    let plain = |call: &str| (call.to_owned(), None);
    assert_eq!(
        failed(&[("ship", 422), ("ship", 200)], "no").await,
        [told("ship 422"), plain("ship 200")]
    );
    assert_eq!(
        failed(&[("ship", 200), ("ship", 200)], "no").await,
        [plain("ship 200"), told("ship 200")]
    );
    assert_eq!(
        failed(&[(TOKEN, 401)], "no").await,
        [plain("token 401"), told("ship 0")]
    );
}

#[tokio::test]
async fn a_fault_is_told_once_and_a_reason_to_ask_again_stays() {
    let kept = Kept::default();
    Scope::new("create", kept.sink())
        .run(async {
            let work = async {
                let scrubber = Scrubber::default();
                let mut first = begin(Side::Shop, "OrderCreate", 1, &request(), &scrubber);
                first.heard(&answer(401));
                first.why("the token was refused");
                drop(first);
                let mut second = begin(Side::Shop, "OrderCreate", 2, &request(), &scrubber);
                second.heard(&answer(500));
                second.why("unavailable: HTTP 500");
                drop(second);
                Err::<(), _>(Fault::Unavailable {
                    retry_after_ms: None,
                    detail: "HTTP 500".into(),
                })
            };
            let ended = concluding(Side::Shop, "OrderCreate", work).await;
            assert!(ended.is_err());
        })
        .await;
    let rows: Vec<_> = (kept.once().into_iter())
        .map(|e| (e.attempt, e.error.unwrap()))
        .collect();
    assert_eq!(
        rows,
        [
            (Some(1), "the token was refused".to_owned()),
            (Some(2), "unavailable: HTTP 500".to_owned())
        ]
    );
}

#[tokio::test]
async fn many_exchanges_become_one_row_and_failures_keep_theirs() {
    let kept = Kept::default();
    Scope::sums("catalog", kept.sink())
        .run(async {
            for n in 0..1_000 {
                exchange("listings.page", if n % 100 == 7 { 503 } else { 200 });
            }
            because("orders", async { exchange("orders.changed", 200) }).await;
        })
        .await;
    let rows = kept.once();
    let (sums, single): (Vec<_>, Vec<_>) = rows.into_iter().partition(|e| e.attempt.is_none());
    assert_eq!(single.len(), 10);
    assert!(single.iter().all(|e| e.status == Some(503) && !e.well()));
    let counts: Vec<_> = (sums.iter())
        .map(|e| (e.cause.as_str(), e.call.as_str(), e.count, e.failed))
        .collect();
    assert_eq!(
        counts,
        [
            ("catalog", "listings.page", 990, 0),
            ("orders", "orders.changed", 1, 0)
        ]
    );
    assert_eq!(sums[0].bytes, 990 * 19);
}

#[tokio::test]
async fn failures_without_end_do_not_become_rows_without_end() {
    let kept = Kept::default();
    Scope::sums("stock", kept.sink())
        .run(async {
            for _ in 0..500 {
                exchange("stock.push", 500);
            }
        })
        .await;
    let rows = kept.once();
    assert_eq!(rows.len(), MOST_FAILURES + 1);
    let all: u32 = rows.iter().map(|e| e.failed).sum();
    assert_eq!(all, 500);
}
