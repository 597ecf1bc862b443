//! The connector against a scripted host. Natively, so `cargo test` needs no WebAssembly.

use lockstep_sdk::cancellations::Drop;
use lockstep_sdk::fulfillments::Parcel;
use lockstep_sdk::http::Error;
use lockstep_sdk::prelude::*;
use lockstep_sdk::stock::{Level, Outcome};
use lockstep_sdk::testing::Fake;
use serde_json::json;

use crate::Template;

/// A host whose next requests are to be these.
fn market() -> Fake {
    Fake::new("api").set("tax-name", "GST")
}

fn level(listing: &str, quantity: u32) -> Level {
    Level {
        listing: listing.to_owned(),
        parent: None,
        sku: None,
        quantity,
        places: Vec::new(),
        facts: Vec::new(),
    }
}

#[test]
fn the_account_is_told() {
    let fake = market().on(
        "GET /v1/account",
        200,
        r#"{"id":"PM-1001","name":"Kestrel Outfitters","country":"AU","currency":"AUD"}"#,
    );
    let account = Template::identify(fake.cx()).unwrap();
    assert_eq!(
        (account.id.as_str(), account.name.as_str()),
        ("PM-1001", "Kestrel Outfitters")
    );
    assert_eq!(account.facts, [Fact::new("country", "AU")]);
}

#[test]
fn what_the_marketplace_says_becomes_the_fault_that_the_host_acts_upon() {
    let said = r#"{"error":{"code":"maintenance","message":"closed"}}"#;
    let fake = market()
        .on(
            "GET /v1/account",
            401,
            r#"{"error":{"code":"unauthorized","message":"no key"}}"#,
        )
        .with("GET /v1/account", 429, &[("retry-after", "7")], "")
        .on(
            "GET /v1/account",
            200,
            "<html><title>Gateway</title></html>",
        )
        .on("PUT /v1/stock", 503, said)
        .fails("PUT /v1/stock", Error::OutcomeUnknown("reset".into()));
    let identify = || Template::identify(fake.cx()).unwrap_err();
    assert_eq!(
        identify(),
        Fault::Auth("GET /v1/account: 401 no key".into())
    );
    let Fault::Throttled(backoff) = identify() else {
        panic!("not throttled")
    };
    assert_eq!(backoff.retry_after_ms, Some(7_000));
    assert!(matches!(identify(), Fault::Protocol(_)));
    let push = || Template::push(fake.cx(), vec![level("L1", 3)]).unwrap_err();
    // Maintenance: surely not written. A lost answer: nobody knows.
    assert!(matches!(push(), Fault::Unavailable(_)));
    assert!(matches!(push(), Fault::UnknownOutcome(_)));
    fake.finish();
}

#[test]
fn listings_are_walked_with_the_cursor_of_the_page_before() {
    let fake = market()
        .on(
            "GET /v1/listings?limit=200",
            200,
            r#"{"listings":[{"id":"L1","sku":" A ","title":"Tee","quantity":5,"active":true},{"sku":"B"}],"next":"c/1"}"#,
        )
        .on("GET /v1/listings?limit=200&cursor=c%2F1", 200, r#"{"listings":[],"next":null}"#)
        .on("GET /v1/listings?limit=200", 200, r#"{"rows":[]}"#);
    let page = Template::page(fake.cx(), None, true).unwrap();
    let [one] = page.listings.as_slice() else {
        panic!("one listing, not {:?}", page.listings)
    };
    assert_eq!((one.sku.as_deref(), one.quantity), (Some(" A "), Some(5)));
    assert!(fake.logged().contains("without id"));
    assert_eq!(
        Template::page(fake.cx(), page.next, true).unwrap().next,
        None
    );
    assert!(matches!(
        Template::page(fake.cx(), None, true),
        Err(Fault::Protocol(_))
    ));
}

#[test]
fn skus_are_looked_up_to_the_letter_and_a_hundred_at_once() {
    let fake = market()
        .on(
            "GET /v1/listings?sku=S0&sku=S1&",
            200,
            r#"{"listings":[{"id":"L1","sku":"S0"},{"id":"L2","sku":"s1"}]}"#,
        )
        .on("GET /v1/listings?sku=S100", 200, r#"{"listings":[]}"#);
    let skus = (0..101).map(|n| format!("S{n}")).collect();
    let found = <Template as Listings>::by_sku(fake.cx(), skus).unwrap();
    assert_eq!(found.len(), 1);
    fake.finish();
}

#[test]
fn each_level_gets_its_own_outcome() {
    let fake = market().on(
        "PUT /v1/stock",
        200,
        r#"{"results":[{"listing":"L2","ok":false,"error":{"code":"not-found","message":"gone"}},{"listing":"L1","ok":true}]}"#,
    );
    let levels = vec![level("L1", 3), level("L2", 0), level("L3", 1)];
    let outcomes = Template::push(fake.cx(), levels).unwrap();
    assert_eq!(outcomes[0], Outcome::Applied);
    assert_eq!(outcomes[1], Outcome::Failed(Fault::Missing("gone".into())));
    assert!(matches!(
        outcomes[2],
        Outcome::Failed(Fault::UnknownOutcome(_))
    ));
    assert_eq!(
        fake.body(0)["levels"][0],
        json!({"listing": "L1", "quantity": 3})
    );
}

const ORDER: &str = r#"{"orders":[{"id":"O1","number":"PM-20001","status":"open",
    "placed_at":"2026-03-09T10:41:07.250+11:00","updated_at":"2026-03-09T00:00:00.000Z",
    "ship_by":"2026-03-11T00:00:00.000Z","currency":"AUD","total":"109.85",
    "shipping":{"method":"standard","label":"Standard","price":"9.95","tax":"0.90"},
    "buyer":{"name":"Marlo Quill","email":null,"phone":"+61400000000"},
    "ship_to":{"name":"Marlo Quill","company":null,"line1":"1 Cuba Street","line2":null,
        "city":"Newtown","region":"NSW","postcode":"2042","country":"AU"},
    "lines":[{"id":"1","listing":"L1","sku":"A","title":"Tee","quantity":2,"cancelled":1,
        "shipped":1,"price":"49.95","tax":"9.08"}],
    "parcels":[{"id":"P1","key":"k","carrier":"auspost","tracking":"33KS01",
        "lines":[{"line":"1","quantity":1}],"shipped_at":"2026-03-09T01:00:00.000Z"}]}],
    "next":null}"#;

#[test]
fn an_order_is_told_whole() {
    let since = "GET /v1/orders?changed_since=2026-03-09T00:00:00Z&limit=200";
    let fake = market().on(since, 200, ORDER);
    let page = Template::changed(fake.cx(), "2026-03-09T00:00:00Z".into(), None).unwrap();
    let order = &page.orders[0];
    assert_eq!(
        (order.number.as_str(), &order.state),
        ("PM-20001", &State::Open)
    );
    assert_eq!(order.placed_at, "2026-03-08T23:41:07.25Z");
    let money = |minor| Some(Money::from_minor(minor, 2, "AUD"));
    assert_eq!(
        (&order.totals.grand, &order.totals.shipping),
        (&money(10_985), &money(995))
    );
    let line = &order.lines[0];
    assert_eq!((&line.state, line.cancelled), (&State::Shipped, 1));
    assert_eq!(line.paid_unit, money(4_995));
    assert_eq!(
        (line.taxes[0].code.as_str(), line.taxes[0].included),
        ("GST", Some(true))
    );
    let to = order.delivery.ship_to.as_ref().unwrap();
    assert_eq!((to.lines.len(), to.country.as_deref()), (1, Some("AU")));
    assert_eq!(order.parcels[0].tracking.as_deref(), Some("33KS01"));
}

#[test]
fn a_word_that_is_new_is_never_taken_for_open() {
    let changed = ORDER
        .replace("\"open\"", "\"frozen\"")
        .replace("\"shipped\":1", "\"shipped\":0");
    let fake = market().on("GET /v1/orders?id=O1", 200, &changed);
    let order = <Template as Orders>::by_id(fake.cx(), vec!["O1".into()])
        .unwrap()
        .remove(0);
    assert_eq!(order.state, State::Other("frozen".into()));
    assert_eq!(order.lines[0].state, State::Other("frozen".into()));
}

#[test]
fn one_order_that_cannot_be_read_does_not_take_its_page_along() {
    let broken = ORDER.replace("\"quantity\":2", "\"quantity\":null");
    let both = ORDER.replace(
        "],\n    \"next\"",
        &format!(",{}],\"next\"", element(&broken)),
    );
    let fake = market().on("GET /v1/orders?id=O1", 200, &both);
    let orders = <Template as Orders>::by_id(fake.cx(), vec!["O1".into()]).unwrap();
    assert_eq!(orders[0].state, State::Open);
    let State::Other(why) = &orders[1].state else {
        panic!("{:?}", orders[1].state)
    };
    assert!(
        why.contains("line 1 of order PM-20001 has no `quantity`"),
        "{why}"
    );
}

/// The one order of an answer.
fn element(answer: &str) -> String {
    let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
    answer["orders"][0].to_string()
}

fn parcel(tracking: Option<&str>) -> Parcel {
    Parcel {
        id: "key-1".into(),
        number: 1,
        last: true,
        order: "O1".into(),
        lines: vec![Packed {
            line: "1".into(),
            quantity: 2,
            marks: Vec::new(),
        }],
        carrier: Carrier {
            code: Some("auspost".into()),
            ..Carrier::default()
        },
        tracking: tracking.map(str::to_owned),
        tracking_url: None,
        shipped_at: "2026-03-09T01:00:00Z".into(),
        ship_from: None,
        facts: Vec::new(),
    }
}

#[test]
fn a_parcel_is_told_with_its_key() {
    let fake = market().on("POST /v1/orders/O1/parcels", 200, r#"{"id":"P1"}"#);
    let sent = Template::prepare(fake.cx(), parcel(Some("33KS01"))).unwrap();
    assert_eq!(
        (sent.marketplace_id.as_deref(), sent.more),
        (Some("P1"), false)
    );
    assert_eq!(
        fake.body(0),
        json!({
            "key": "key-1", "carrier": "auspost", "tracking": "33KS01",
            "shipped_at": "2026-03-09T01:00:00Z", "lines": [{"line": "1", "quantity": 2}],
        })
    );
    for code in [None, Some("33"), Some("33 KS")] {
        let refused = Template::prepare(fake.cx(), parcel(code));
        assert!(matches!(refused, Err(Fault::Rejected(_))), "{code:?}");
    }
    assert_eq!(fake.count(), 1, "nothing was sent for them");
}

fn drop(line: &str) -> Drop {
    Drop {
        id: format!("key-{line}"),
        order: "O1".into(),
        line: line.into(),
        quantity: 1,
        paid: true,
        goods: None,
        shipping: None,
        taxes: Vec::new(),
        charges: Vec::new(),
        reason: "out-of-stock".into(),
        refund_reason: None,
        note: None,
        answers: None,
    }
}

#[test]
fn what_cannot_be_cancelled_is_left_out() {
    let path = "POST /v1/orders/O1/cancellations";
    let no = r#"{"error":{"code":"refused","message":"line 1 has 0 open pieces, not 1"}}"#;
    let fake = market()
        .on(path, 422, no)
        .on(path, 201, "{}")
        .on(path, 422, no)
        .on(path, 201, "{}")
        .fails(path, Error::Unavailable("refused".into()));
    let dropped = Template::cancel(fake.cx(), vec![drop("1"), drop("2")]).unwrap();
    assert_eq!(dropped.lines.len(), 1);
    assert_eq!(fake.body(1)["key"], "key-2");
    let refused = Template::cancel(fake.cx(), vec![drop("1")]);
    assert!(matches!(refused, Err(Fault::Rejected(_))));
    let half = Template::cancel(fake.cx(), vec![drop("1"), drop("2")]);
    assert!(
        matches!(half, Err(Fault::UnknownOutcome(_))),
        "one is cancelled, so not \"unavailable\""
    );
    fake.finish();
}
