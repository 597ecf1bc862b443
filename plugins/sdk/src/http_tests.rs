use serde_json::json;

use super::*;
use crate::testing::Fake;

struct Plain;

impl Dialect for Plain {
    fn credential(&self) -> Option<&str> {
        Some("key")
    }
}

fn fault(writes: bool, status: u16, headers: &[(&str, &str)], body: &str) -> Fault {
    let fake = Fake::new("key").with(
        if writes { "PUT /x" } else { "GET /x" },
        status,
        headers,
        body,
    );
    let http = fake.cx().http(&Plain);
    let answer = if writes {
        http.write(Method::Put, Path::new("/x"), Some(&json!({"a": 1})))
    } else {
        http.read(Path::new("/x"))
    };
    answer.expect_err("a fault")
}

#[test]
fn each_status_has_its_case() {
    use Fault::{Auth, Conflict, Denied, Missing, Protocol, Rejected, Throttled, Unavailable};
    let read = |status| fault(false, status, &[], "");
    assert!(matches!(read(401), Auth(_)));
    assert!(matches!(read(403), Denied(_)));
    assert!(matches!(read(404), Missing(_)));
    assert!(matches!(read(409), Conflict(_)));
    assert!(matches!(read(422), Rejected(_)));
    assert!(matches!(read(429), Throttled(_)));
    assert!(matches!(read(302), Protocol(_)));
    for status in [408, 500, 502, 503, 504] {
        assert!(matches!(read(status), Unavailable(_)), "{status}");
        assert!(
            matches!(fault(true, status, &[], ""), Fault::UnknownOutcome(_)),
            "{status}"
        );
    }
}

#[test]
fn an_answer_that_is_no_json_is_in_doubt_when_it_was_a_write() {
    let page = "<html><title>Bad gateway</title></html>";
    assert!(matches!(fault(false, 200, &[], page), Fault::Protocol(_)));
    assert!(matches!(
        fault(true, 200, &[], "{\"cut"),
        Fault::UnknownOutcome(_)
    ));
    assert!(
        fault(false, 502, &[], page)
            .detail()
            .contains("Bad gateway")
    );
}

#[test]
fn waiting_is_as_long_as_told() {
    let wait = |headers: &[(&str, &str)]| match fault(false, 429, headers, "") {
        Fault::Throttled(backoff) => backoff.retry_after_ms,
        other => panic!("{other:?}"),
    };
    assert_eq!(wait(&[("Retry-After", "7")]), Some(7_000));
    assert_eq!(wait(&[]), Some(60_000));
}

#[test]
fn refusals_are_read_in_the_usual_shapes() {
    let read = |body: &str| {
        let refusal = Refusal::read(body);
        (refusal.code, refusal.detail)
    };
    let code = |code: &str| Some(code.to_owned());
    assert_eq!(
        read(r#"{"errors":[{"code":"E1","message":"no"},{"detail":"never"}]}"#),
        (code("E1"), "no; never".into())
    );
    assert_eq!(read(r#"{"errors":["plain"]}"#), (None, "plain".into()));
    assert_eq!(
        read(r#"{"code":400,"message":"bad"}"#),
        (code("400"), "bad".into())
    );
    assert_eq!(read("  "), (None, String::new()));
}

#[test]
fn transport_errors_keep_what_is_known() {
    let fails = |writes: bool, error: Error| {
        let fake = Fake::new("key").fails(if writes { "POST" } else { "GET" }, error);
        let http = fake.cx().http(&Plain);
        if writes {
            http.write(Method::Post, Path::new("/x"), None)
        } else {
            http.read(Path::new("/x"))
        }
        .expect_err("a fault")
    };
    assert!(matches!(
        fails(true, Error::OutcomeUnknown("cut".into())),
        Fault::UnknownOutcome(_)
    ));
    assert!(matches!(
        fails(true, Error::TooLarge(9)),
        Fault::UnknownOutcome(_)
    ));
    assert!(matches!(
        fails(false, Error::TooLarge(9)),
        Fault::Protocol(_)
    ));
    assert!(matches!(
        fails(true, Error::Unavailable("refused".into())),
        Fault::Unavailable(_)
    ));
    assert!(matches!(
        fails(true, Error::Throttled(90_000)),
        Fault::Throttled(wait) if wait.retry_after_ms == Some(90_000)
    ));
    assert!(matches!(
        fails(false, Error::Forbidden("host".into())),
        Fault::Denied(_)
    ));
}
