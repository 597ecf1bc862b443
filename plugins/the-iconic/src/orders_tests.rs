use super::*;
use crate::api::api;
use crate::seller_center;

const SINCE: &str = "2026-03-08T13:00:00Z";
const QUERY: &str = "&updateDateStart=2026-03-08T13:00:00.000000Z&sort=updatedAt&sortDir=asc&includeVoucherDetails=1";

fn row(id: u64) -> String {
    format!(
        r#"{{"id":{id},"number":"N{id}","currency":"AUD","createdAt":"2026-03-08T23:41:07Z","items":[{{"id":{id}1,"status":"pending"}}]}}"#
    )
}

fn rows(ids: impl IntoIterator<Item = u64>, pagination: &str) -> String {
    let rows: Vec<String> = ids.into_iter().map(row).collect();
    format!(
        r#"{{"items":[{}],"pagination":{pagination}}}"#,
        rows.join(",")
    )
}

fn ids(page: &OrderPage) -> Vec<&str> {
    page.orders.iter().map(|order| order.id.as_str()).collect()
}

fn at(offset: u64) -> String {
    format!("GET /v2/orders?limit=50&offset={offset}{QUERY}")
}

#[test]
fn both_pagination_styles_end() {
    for end in [
        r#"{"hasNext":false}"#,
        r#"{"totalCount":2}"#,
        r#"{"hasNext":false,"totalCount":9}"#,
    ] {
        let fake = seller_center().on(&at(0), 200, &rows([1, 2], end));
        let page = changed(api(fake.cx()), SINCE, None).expect("a page");
        assert_eq!(ids(&page), ["1", "2"]);
        assert_eq!(page.next, None, "{end}");
    }
    for more in [r#"{"hasNext":true}"#, r#"{"totalCount":3}"#, "{}", "null"] {
        let fake = seller_center().on(&at(0), 200, &rows([1, 2], more));
        let page = changed(api(fake.cx()), SINCE, None).expect("a page");
        assert_eq!(page.next.as_deref(), Some("1 2"), "{more}");
    }
}

#[test]
fn a_page_begins_with_the_last_row_of_the_one_before() {
    let fake =
        seller_center()
            .on(&at(1), 200, &rows([2, 3], "{}"))
            .on(&at(2), 200, &rows([3], "{}"));
    let page = changed(api(fake.cx()), SINCE, Some("1 2")).expect("a page");
    assert_eq!(ids(&page), ["3"]);
    assert_eq!(page.next.as_deref(), Some("2 3"));
    // Nothing new and no sign: the end.
    let page = changed(api(fake.cx()), SINCE, Some("2 3")).expect("a page");
    assert!(page.orders.is_empty());
    assert_eq!(page.next, None);
    fake.finish();
}

#[test]
fn rows_that_moved_while_walking_are_read() {
    // Order 1 changed and went to the end, so 51 moved to where 50 was expected.
    let fake = seller_center()
        .on(&at(49), 200, &rows([51, 52, 1], r#"{"hasNext":false}"#))
        .on(&at(0), 200, &rows(2..=51, r#"{"hasNext":true}"#));
    let page = changed(api(fake.cx()), SINCE, Some("49 50")).expect("a page");
    fake.finish();
    assert_eq!(page.orders.len(), 52);
    assert_eq!(page.orders[50].id, "52");
    assert_eq!(page.next, None);
}

#[test]
fn a_limit_cut_to_one_row_still_goes_on() {
    let fake = seller_center().on(&at(4), 200, &rows([5], r#"{"hasNext":true}"#));
    let page = changed(api(fake.cx()), SINCE, Some("4 5")).expect("a page");
    assert_eq!(page.next.as_deref(), Some("5 "));
}

#[test]
fn one_unreadable_order_does_not_fail_its_page() {
    let text = format!(
        r#"{{"items":[{},{{"id":2,"number":"N2","items":"\ud800"}},7,{}],"pagination":{{"hasNext":false}}}}"#,
        row(1),
        row(3)
    );
    let fake = seller_center().on(&at(0), 200, &text);
    let page = changed(api(fake.cx()), SINCE, None).expect("a page");
    assert_eq!(ids(&page), ["1", "2", "3"]);
    assert!(page.orders[1].lines.is_empty());
    assert!(fake.logged().contains("row 2 has neither id nor number"));
}

#[test]
fn lists_may_be_bare_or_empty_but_not_something_else() {
    let fake = seller_center()
        .on(&at(0), 200, &format!("[{}]", row(1)))
        .on(&at(0), 200, "")
        .on(&at(0), 200, r#"{"items":{},"pagination":null}"#)
        .on(&at(0), 200, r#"{"message":"hello"}"#)
        .on(&at(0), 200, "<html>");
    let page = || changed(api(fake.cx()), SINCE, None);
    assert_eq!(page().expect("a page").next.as_deref(), Some("0 1"));
    // No body is no empty list: the host would go on as if nothing had changed.
    assert!(matches!(page(), Err(Fault::Protocol(_))));
    assert_eq!(page().expect("a page").next, None);
    assert!(matches!(page(), Err(Fault::Protocol(_))));
    assert!(matches!(page(), Err(Fault::Protocol(_))));
}

#[test]
fn by_id_leaves_unknown_ids_out() {
    let wanted: Vec<String> = ["1", "x", "9"].map(str::to_owned).to_vec();
    let fake = seller_center().on(
        "GET /v2/orders?limit=50&offset=0&orderIds[]=1&orderIds[]=9&includeVoucherDetails=1",
        200,
        &rows([1], r#"{"hasNext":false}"#),
    );
    let orders = by_id(api(fake.cx()), &wanted).expect("orders");
    fake.finish();
    assert_eq!(orders.len(), 1);
    assert_eq!(orders[0].id, "1");
}

#[test]
fn by_id_survives_a_filter_that_is_ignored() {
    let wanted: Vec<String> = ["8", "9"].map(str::to_owned).to_vec();
    let fake = seller_center()
        .on("GET /v2/orders?", 200, &rows([1, 8], r#"{"hasNext":true}"#))
        .on("GET /v2/orders/9", 404, "");
    let orders = by_id(api(fake.cx()), &wanted).expect("orders");
    fake.finish();
    assert_eq!(orders.len(), 1);
}

#[test]
fn an_order_without_id_is_found_by_number() {
    let fake = seller_center().on(
        "GET /v2/orders?limit=50&offset=0&orderNumbers[]=N4",
        200,
        &rows([4], r#"{"hasNext":false}"#),
    );
    let orders = by_id(api(fake.cx()), &["number:N4".to_owned()]).expect("orders");
    assert_eq!(orders[0].id, "number:N4");
    assert_eq!(orders[0].lines.len(), 1);
}

#[test]
fn odd_cursors_and_times_are_refused() {
    let fake = seller_center();
    assert!(matches!(
        changed(api(fake.cx()), "yesterday", None),
        Err(Fault::Rejected(_))
    ));
    assert!(matches!(
        changed(api(fake.cx()), SINCE, Some("x")),
        Err(Fault::Other(_))
    ));
}
