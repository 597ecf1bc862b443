use super::*;
use crate::api::{api, files};
use crate::marketplace;
use lockstep_sdk::testing::Fake;

const STATUS: &str = "GET /api/offers/stock/imports/9b1c/status?shop_id=2043";
const REPORT: &str = "GET /api/offers/stock/imports/9b1c/error_report?shop_id=2043";

fn ask(fake: &Fake, ticket: &str) -> Result<Settlement, Fault> {
    settle(api(fake.cx()), files(fake.cx()), ticket)
}

fn settled(fake: Fake) -> Settled {
    let answer = ask(&fake, "stock:9b1c").expect("an answer");
    fake.finish();
    answer.done.expect("it is done")
}

#[test]
fn words_of_work_are_waited_for() {
    for word in ["WAITING", "RUNNING", "QUEUED", "SOMETHING_NEW"] {
        let body = format!(
            r#"{{"import_id":"9b1c","status":"{word}","date_created":"2026-03-08T12:00:00Z"}}"#
        );
        let fake = marketplace().on(STATUS, 200, &body);
        let answer = ask(&fake, "stock:9b1c").expect("an answer");
        assert_eq!(
            (answer.done.is_none(), answer.poll_after_ms),
            (true, Some(POLL_MS))
        );
    }
}

#[test]
fn complete_without_errors_is_applied_and_failed_is_not_known() {
    let clean =
        r#"{"status":"COMPLETE","lines_in_success":3,"lines_in_error":0,"has_error_report":false}"#;
    let done = settled(marketplace().on(STATUS, 200, clean));
    assert_eq!((done.listed.len(), done.rest), (0, Rest::Applied));
    let done = settled(marketplace().on(STATUS, 200, r#"{"status":"FAILED"}"#));
    assert_eq!((done.listed.len(), done.rest), (0, Rest::Unknown));
}

#[test]
fn rows_of_the_report_failed_and_the_others_are_applied() {
    let status = r#"{"status":"COMPLETE","lines_in_error":2,"has_error_report":true}"#;
    let report = "\"line-number\";\"error-message\";\"offer-sku\";\"quantity\";\"warehouse-code\";\"update-delete\"\n\
        \"2\";\"The offer does not exist\";\"KS \"\"7\"\"; blue\";\"0\";\"\";\"\"\n\
        \"9\";\"x\";\"水着\";\"1\";\"PERTH\";\"\"\n";
    let done = settled(
        marketplace()
            .on(STATUS, 200, status)
            .on(REPORT, 200, report),
    );
    assert_eq!(done.rest, Rest::Applied);
    let skus: Vec<&str> = done.listed.iter().map(|(sku, _)| sku.as_str()).collect();
    assert_eq!(skus, ["KS \"7\"; blue", "水着"]);
    assert!(
        matches!(&done.listed[0].1, Outcome::Failed(Fault::Rejected(r)) if r.detail.contains("does not exist"))
    );
}

#[test]
fn a_report_that_is_short_or_missing_leaves_the_rest_unknown() {
    let status = r#"{"status":"COMPLETE","lines_in_error":2,"has_error_report":true}"#;
    let short = "a;b;offer-sku\n1;x;A\n";
    let done = settled(marketplace().on(STATUS, 200, status).on(REPORT, 200, short));
    assert_eq!((done.listed.len(), done.rest), (1, Rest::Unknown));
    let done = settled(marketplace().on(STATUS, 200, status).on(REPORT, 404, ""));
    assert_eq!(done.rest, Rest::Unknown);
}

#[test]
fn an_import_whose_report_cannot_be_fetched_stays_open() {
    let status = r#"{"status":"COMPLETE","lines_in_error":1,"has_error_report":true}"#;
    for (code, header, wait) in [
        (429, "600", 600_000),
        (429, "1", POLL_MS),
        (503, "1", POLL_MS),
    ] {
        let fake = marketplace().on(STATUS, 200, status).with(
            REPORT,
            code,
            &[("retry-after", header)],
            "",
        );
        let answer = ask(&fake, "stock:9b1c").expect("an answer");
        assert_eq!(
            (answer.done.is_none(), answer.poll_after_ms),
            (true, Some(wait))
        );
    }
}

#[test]
fn offer_files_that_add_or_delete_raise_an_alarm() {
    let body = r#"{"status":"COMPLETE","lines_in_error":0,"offer_deleted":2,"offer_inserted":0,"has_error_report":false}"#;
    let fake = marketplace().on("GET /api/offers/imports/20431?shop_id=2043", 200, body);
    let answer = ask(&fake, "offers:20431").expect("an answer");
    assert_eq!(answer.done.expect("done").rest, Rest::Applied);
    assert!(
        fake.logged()
            .contains("Error: import offers:20431 deleted 2 offers")
    );
    assert!(matches!(ask(&fake, "other"), Err(Fault::Missing(_))));
    let fake = marketplace().on(STATUS, 200, "{}").on(STATUS, 404, "");
    assert!(matches!(ask(&fake, "stock:9b1c"), Err(Fault::Protocol(_))));
    assert!(matches!(ask(&fake, "stock:9b1c"), Err(Fault::Missing(_))));
}
