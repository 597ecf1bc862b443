use serde_json::json;

use super::*;
use crate::seller_center;
use lockstep_sdk::http::{Error, Method, Path, encoded_length};
use lockstep_sdk::testing::Fake;

fn read(fake: Fake) -> Fault {
    let fault = api(fake.cx())
        .read(Path::new("/v2/seller"))
        .expect_err("a fault");
    fake.finish();
    fault
}

fn write(fake: Fake) -> Fault {
    let body = json!([]);
    let path = Path::new("/v2/stock/product");
    let fault = api(fake.cx())
        .write(Method::Put, path, Some(&body))
        .expect_err("a fault");
    fake.finish();
    fault
}

fn got(status: u16, body: &str) -> Fake {
    seller_center().on("GET /v2/seller", status, body)
}

fn put(status: u16, body: &str) -> Fake {
    seller_center().on("PUT /v2/stock/product", status, body)
}

#[test]
fn queries_are_encoded() {
    let path = Path::new("/v2/x")
        .segment("a/b c")
        .with("updateDateStart", "2026-03-08T13:00:00.000000Z")
        .with_each("sellerSkus[]", ["A+B", "é&=[]"]);
    assert_eq!(
        path.into_text(),
        "/v2/x/a%2Fb%20c?updateDateStart=2026-03-08T13:00:00.000000Z&sellerSkus[]=A%2BB&sellerSkus[]=%C3%A9%26%3D%5B%5D"
    );
    assert_eq!(
        encoded_length("sellerSkus[]", "A+"),
        "&sellerSkus[]=A%2B".len()
    );
}

#[test]
fn a_general_error_keeps_its_code() {
    let body = r#"{"type":"t","title":"Status Transition is not allowed","status":422,"detail":"E073: All order items must have status Pending"}"#;
    let Fault::Rejected(rejection) = write(put(422, body)) else {
        panic!("not rejected");
    };
    assert_eq!(rejection.code.as_deref(), Some("E073"));
    assert!(
        rejection
            .detail
            .contains("PUT /v2/stock/product: 422 E073: All order items")
    );
}

#[test]
fn a_validation_error_names_its_members() {
    let body = r#"{"type":"t","title":"Validation Failed","detail":"x","violations":[{"propertyPath":"orderItems[0].orderItemId","title":"This value should be of type integer.","parameters":{"value":"88001x"},"type":"u"}]}"#;
    let Fault::Rejected(rejection) = write(put(400, body)) else {
        panic!("not rejected");
    };
    assert_eq!(rejection.code, None);
    assert!(
        rejection
            .detail
            .contains("orderItems[0].orderItemId: This value")
    );
    assert!(rejection.detail.contains("88001x"));
}

#[test]
fn a_list_of_errors_names_its_items() {
    let body = r#"{"errors":[{"orderItemId":88001,"detail":"E028: not allowed shipment type"}]}"#;
    let Fault::Rejected(rejection) = write(put(422, body)) else {
        panic!("not rejected");
    };
    assert_eq!(rejection.code.as_deref(), Some("E028"));
    assert!(rejection.detail.contains("item 88001: E028"));
}

#[test]
fn refused_credentials_count_by_status_alone() {
    for body in [
        r#"{"code":401,"message":"Unauthorized"}"#,
        "",
        "<html><title>Login</title></html>",
    ] {
        assert!(matches!(read(got(401, body)), Fault::Auth(_)), "{body}");
    }
    assert!(matches!(read(got(403, "")), Fault::Denied(_)));
    assert!(matches!(read(got(404, "{}")), Fault::Missing(_)));
    assert!(matches!(read(got(400, "")), Fault::Rejected(_)));
}

#[test]
fn throttling_says_how_long() {
    let wait = |headers: &[(&str, &str)]| match read(seller_center().with("GET", 429, headers, ""))
    {
        Fault::Throttled(backoff) => backoff.retry_after_ms,
        other => panic!("{other:?}"),
    };
    assert_eq!(wait(&[("retry-after", "3")]), Some(3_000));
    assert_eq!(
        wait(&[("Retry-After", "Mon, 09 Mar 2026 00:00:30 GMT")]),
        Some(30_000)
    );
    assert_eq!(wait(&[("retry-after", "soon")]), Some(60_000));
    assert_eq!(wait(&[]), Some(60_000));
}

#[test]
fn maintenance_applies_nothing_but_a_lost_write_may_have() {
    let body = r#"{"message":"Service is unavailable due to maintenance mode","caused_by":"maintenance_mode"}"#;
    let fake = seller_center().with("PUT", 503, &[("retry-after", "120")], body);
    let Fault::Unavailable(backoff) = write(fake) else {
        panic!("not unavailable");
    };
    assert_eq!(backoff.retry_after_ms, Some(120_000));
    assert!(backoff.detail.contains("maintenance mode"));

    for status in [500, 502, 503, 504, 408] {
        let page = "<html><head><title>Bad Gateway</title></head></html>";
        let fault = write(put(status, page));
        assert!(
            matches!(fault, Fault::UnknownOutcome(_)),
            "{status} {fault:?}"
        );
        assert!(fault.detail().contains("Bad Gateway"));
        let fault = read(got(status, page));
        assert!(matches!(fault, Fault::Unavailable(_)), "{status} {fault:?}");
    }
}

#[test]
fn an_answer_that_is_no_json_is_of_unknown_outcome_only_for_writes() {
    for body in ["<html>hello</html>", "{\"items\":[", "null x"] {
        assert!(matches!(write(put(200, body)), Fault::UnknownOutcome(_)));
        assert!(matches!(read(got(200, body)), Fault::Protocol(_)));
    }
    assert!(matches!(read(got(302, "")), Fault::Protocol(_)));
    assert!(matches!(write(put(302, "")), Fault::UnknownOutcome(_)));
}

#[test]
fn empty_bodies_and_byte_order_marks_are_fine() {
    let fake = seller_center()
        .on("GET", 200, " \n")
        .on("GET", 200, "\u{feff}[]");
    let read = || api(fake.cx()).read(Path::new("/v2/x")).expect("an answer");
    assert_eq!(read(), Value::Null);
    assert_eq!(read(), json!([]));
}

#[test]
fn a_passing_refusal_is_not_final() {
    let body = r#"{"title":"x","detail":"E021: OMS Api Error Occurred"}"#;
    assert!(matches!(write(put(422, body)), Fault::Other(_)));
}

#[test]
fn what_the_host_says_is_passed_on() {
    let fails = |error| seller_center().fails("GET", error);
    assert!(matches!(
        read(fails(Error::Auth("no".into()))),
        Fault::Auth(_)
    ));
    assert!(matches!(
        read(fails(Error::Forbidden("no".into()))),
        Fault::Denied(_)
    ));
    assert!(matches!(
        read(fails(Error::Unavailable("no".into()))),
        Fault::Unavailable(_)
    ));
    assert!(matches!(
        read(fails(Error::TooLarge(9))),
        Fault::Protocol(_)
    ));
    let lost = seller_center().fails("PUT", Error::OutcomeUnknown("reset".into()));
    assert!(matches!(write(lost), Fault::UnknownOutcome(_)));
    let large = seller_center().fails("PUT", Error::TooLarge(9));
    assert!(matches!(write(large), Fault::UnknownOutcome(_)));
}

#[test]
fn codes_are_read_only_where_they_begin_a_text() {
    for (text, code) in [
        ("E063: used", Some("E063")),
        (" E1000: internal", Some("E1000")),
        ("Error: no", None),
        ("E: no", None),
        ("see E063: used", None),
        ("E063", None),
    ] {
        assert_eq!(code_of(text).as_deref(), code, "{text}");
    }
}
