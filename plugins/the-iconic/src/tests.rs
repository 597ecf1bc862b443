//! Whole flows against a scripted Seller Center.

use std::cell::RefCell;
use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::api::{Api, Http};
use crate::exports::lockstep::plugin::cancellations::Drop;
use crate::exports::lockstep::plugin::fulfillments::Parcel;
use crate::exports::lockstep::plugin::stock::{Level, Outcome};
use crate::lockstep::plugin::http::{Error, Method, Request, Response};
use crate::lockstep::plugin::types::{Carrier, Fault, Packed, Stage};
use crate::{cancellations, listings, orders, parcels, stock};

/// Answers in order: each names what it expects to be asked.
struct Script {
    steps: RefCell<VecDeque<(&'static str, Result<(u16, String), Error>)>>,
    bodies: RefCell<Vec<Value>>,
}

impl Script {
    fn new(steps: Vec<(&'static str, u16, Value)>) -> Self {
        let steps = steps.into_iter().map(|(ask, status, body)| (ask, Ok((status, body.to_string())))).collect();
        Self { steps: RefCell::new(steps), bodies: RefCell::default() }
    }

    fn lost(self, at: usize) -> Self {
        self.steps.borrow_mut()[at].1 = Err(Error::OutcomeUnknown("reset".into()));
        self
    }

    fn raw(self, at: usize, body: &str) -> Self {
        self.steps.borrow_mut()[at].1 = Ok((200, body.into()));
        self
    }

    fn body(&self, at: usize) -> Value {
        self.bodies.borrow()[at].clone()
    }

    fn spent(&self) {
        assert!(self.steps.borrow().is_empty(), "never asked: {:?}", self.steps.borrow());
    }
}

impl Http for &Script {
    fn send(&self, request: &Request) -> Result<Response, Error> {
        let method = match request.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            _ => "OTHER",
        };
        assert_eq!(request.writes, method != "GET");
        assert_eq!(request.credential.as_deref(), Some("api"));
        let asked = format!("{method} {}", request.url);
        let (expected, answer) = self.steps.borrow_mut().pop_front().unwrap_or_else(|| panic!("not expected: {asked}"));
        assert!(asked.starts_with(expected), "asked {asked}, expected {expected}");
        if let Some(body) = &request.body {
            self.bodies.borrow_mut().push(serde_json::from_slice(body).expect("JSON"));
        }
        let (status, body) = answer?;
        Ok(Response { status, headers: vec![], body: if body == "null" { vec![] } else { body.into_bytes() } })
    }

    fn send_all(&self, requests: &[Request]) -> Vec<Result<Response, Error>> {
        requests.iter().map(|r| self.send(r)).collect()
    }
}

fn item(id: u64, status: &str, tracking: &str, actions: &[&str]) -> Value {
    json!({"id": id, "status": status, "shipment": {"trackingCode": tracking}, "actions": actions})
}

fn order(items: &[Value]) -> Value {
    json!({"id": 1, "number": "9", "items": items})
}

fn parcel() -> Parcel {
    let packed = |line: &str| Packed { line: line.into(), quantity: 1, marks: vec![] };
    Parcel {
        id: "p".into(),
        number: 1,
        last: true,
        order: "1".into(),
        lines: vec![packed("5"), packed("6")],
        carrier: Carrier { code: None, name: Some("Australia Post".into()), url: None },
        tracking: Some(" KS1 ".into()),
        tracking_url: None,
        shipped_at: "2026-03-09T00:00:00Z".into(),
        ship_from: None,
        facts: vec![],
    }
}

const READY: &str = "status_set_to_ready_to_ship";
const PACK: &str = "status_set_to_packed_by_marketplace";
const SHIP: &str = "status_set_to_shipped";

#[test]
fn a_parcel_is_made_ready_directly_where_that_is_offered() {
    let pending = order(&[item(5, "pending", "", &[READY, PACK]), item(6, "pending", "", &[READY, PACK])]);
    let ready = order(&[item(5, "ready_to_ship", "KS1", &[SHIP]), item(6, "ready_to_ship", "KS1", &[SHIP])]);
    let script = Script::new(vec![
        ("GET /v2/orders/1", 200, pending),
        ("POST /v2/orders/statuses/set-to-ready-to-ship", 200, json!({"orderItemIds": [5, 6]})),
        ("GET /v2/orders/1", 200, ready),
    ]);
    let sent = parcels::prepare(&Api::new(&script), &parcel(), "dropship").expect("sent");
    assert!(sent.more && sent.reached == Stage::Ready);
    assert_eq!(
        script.body(0),
        json!({"orderItems": [{"id": 5}, {"id": 6}], "deliveryType": "dropship", "shippingProvider": "Australia Post", "trackingNumber": "KS1"})
    );
    script.spent();
}

#[test]
fn packing_comes_first_where_it_is_demanded() {
    let pending = order(&[item(5, "pending", "", &[PACK]), item(6, "pending", "", &[PACK])]);
    let packed = order(&[item(5, "pending", "KS1", &[READY]), item(6, "pending", "KS1", &[READY])]);
    let ready = order(&[item(5, "ready_to_ship", "KS1", &[]), item(6, "ready_to_ship", "KS1", &[])]);
    let script = Script::new(vec![
        ("GET /v2/orders/1", 200, pending),
        ("POST /v2/orders/statuses/set-to-packed-by-marketplace", 200, json!({"orderItemIds": [5, 6]})),
        ("GET /v2/orders/1", 200, packed),
        ("POST /v2/orders/statuses/set-to-ready-to-ship", 200, json!({"orderItemIds": [5, 6]})),
        ("GET /v2/orders/1", 200, ready),
    ]);
    let sent = parcels::prepare(&Api::new(&script), &parcel(), "dropship").expect("sent");
    assert!(!sent.more, "the marketplace ships by itself where it offers no such action");
    assert_eq!(script.body(0)["orderItems"], json!([{"orderItemId": 5}, {"orderItemId": 6}]));
    script.spent();
}

#[test]
fn what_is_done_is_not_done_again_and_another_code_is_a_conflict() {
    let ready = order(&[item(5, "ready_to_ship", "KS1", &[SHIP]), item(6, "shipped", "KS1", &[])]);
    let script = Script::new(vec![("GET /v2/orders/1", 200, ready)]);
    assert!(parcels::prepare(&Api::new(&script), &parcel(), "dropship").expect("done").more);
    let other = order(&[item(5, "ready_to_ship", "KS2", &[SHIP]), item(6, "pending", "", &[READY])]);
    let script = Script::new(vec![("GET /v2/orders/1", 200, other)]);
    let fault = parcels::prepare(&Api::new(&script), &parcel(), "dropship").expect_err("a conflict");
    assert!(matches!(fault, Fault::Conflict(text) if text.contains("KS2")));
    let gone = order(&[item(5, "canceled", "", &[]), item(6, "pending", "", &[READY])]);
    let script = Script::new(vec![("GET /v2/orders/1", 200, gone)]);
    assert!(matches!(parcels::prepare(&Api::new(&script), &parcel(), "dropship"), Err(Fault::Conflict(_))));
}

#[test]
fn a_lost_answer_is_settled_by_reading() {
    let pending = || order(&[item(5, "pending", "", &[READY]), item(6, "pending", "", &[READY])]);
    let ready = order(&[item(5, "ready_to_ship", "KS1", &[SHIP]), item(6, "ready_to_ship", "KS1", &[SHIP])]);
    let steps = |after: Value| {
        vec![("GET /v2/orders/1", 200, pending()), ("POST /v2/orders/statuses/set-to-ready-to-ship", 200, Value::Null), ("GET /v2/orders/1", 200, after)]
    };
    let script = Script::new(steps(ready)).lost(1);
    assert!(parcels::prepare(&Api::new(&script), &parcel(), "dropship").expect("it was done").more);
    let script = Script::new(steps(pending())).lost(1);
    assert!(matches!(parcels::prepare(&Api::new(&script), &parcel(), "dropship"), Err(Fault::UnknownOutcome(_))));
}

#[test]
fn an_answer_with_fewer_items_is_a_failure() {
    let pending = || order(&[item(5, "pending", "", &[READY]), item(6, "pending", "", &[READY])]);
    let script = Script::new(vec![
        ("GET /v2/orders/1", 200, pending()),
        ("POST /v2/orders/statuses/set-to-ready-to-ship", 200, json!({"orderItemIds": []})),
        ("GET /v2/orders/1", 200, pending()),
    ]);
    let fault = parcels::prepare(&Api::new(&script), &parcel(), "dropship").expect_err("a refusal");
    assert!(matches!(fault, Fault::Rejected(r) if r.detail.contains("5, 6")));
}

#[test]
fn shipping_moves_only_what_is_ready_and_offered() {
    let ready = order(&[item(5, "ready_to_ship", "KS1", &[SHIP]), item(6, "shipped", "KS1", &[])]);
    let shipped = order(&[item(5, "shipped", "KS1", &[]), item(6, "shipped", "KS1", &[])]);
    let script = Script::new(vec![
        ("GET /v2/orders/1", 200, ready),
        ("POST /v2/orders/statuses/set-to-shipped", 200, json!({"orderItemIds": ["5"]})),
        ("GET /v2/orders/1", 200, shipped),
    ]);
    assert_eq!(parcels::ship(&Api::new(&script), &parcel()).expect("shipped").reached, Stage::Shipped);
    assert_eq!(script.body(0), json!({"orderItemIds": [5]}));
}

fn level(listing: &str, quantity: u32) -> Level {
    Level { listing: listing.into(), parent: None, sku: None, quantity, places: vec![], facts: vec![] }
}

#[test]
fn rows_that_come_back_failed_and_are_told_why() {
    let script = Script::new(vec![
        ("PUT /v2/stock/product", 200, json!([{"productId": 2, "quantity": 0}])),
        ("GET /v2/products?productIds%5B%5D=2", 200, json!([{"id": 2, "status": "deleted"}])),
    ]);
    let outcomes = stock::push(&Api::new(&script), &[level("1", 7), level("2", 0), level("1", 8), level("x", 1)]).expect("outcomes");
    assert!(matches!(outcomes[0], Outcome::Applied));
    assert!(matches!(&outcomes[1], Outcome::Failed(Fault::Rejected(r)) if r.detail.contains("deleted")));
    assert!(matches!(&outcomes[3], Outcome::Failed(Fault::Rejected(_))));
    assert_eq!(script.body(0), json!([{"productId": 1, "quantity": 8}, {"productId": 2, "quantity": 0}]));
}

#[test]
fn one_bad_row_does_not_take_the_others_along() {
    let refuse = json!({"title": "no", "status": 422, "detail": "negative"});
    let script = Script::new(vec![
        ("PUT /v2/stock/product", 422, refuse.clone()),
        ("PUT /v2/stock/product", 200, json!([])),
        ("PUT /v2/stock/product", 422, refuse),
    ]);
    let outcomes = stock::push(&Api::new(&script), &[level("1", 7), level("2", 0)]).expect("outcomes");
    assert!(matches!(outcomes[0], Outcome::Applied) && matches!(outcomes[1], Outcome::Failed(Fault::Rejected(_))));
}

#[test]
fn stock_of_unknown_outcome_is_never_called_written() {
    for body in ["<html>", "{}", "[{}]"] {
        let script = Script::new(vec![("PUT /v2/stock/product", 200, Value::Null)]).raw(0, body);
        assert!(matches!(stock::push(&Api::new(&script), &[level("1", 7)]), Err(Fault::UnknownOutcome(_))), "{body}");
    }
    let script = Script::new(vec![("PUT /v2/stock/product", 200, Value::Null)]);
    assert!(matches!(stock::push(&Api::new(&script), &[level("1", 7)]).expect("an empty answer means applied")[0], Outcome::Applied));
}

fn drops() -> Vec<Drop> {
    let drop = |line: &str| Drop {
        id: line.into(),
        order: "1".into(),
        line: line.into(),
        quantity: 1,
        paid: true,
        goods: None,
        shipping: None,
        taxes: vec![],
        charges: vec![],
        reason: "Out of Stock".into(),
        note: None,
        answers: None,
    };
    vec![drop("5")]
}

#[test]
fn a_cancellation_that_takes_its_package_along_is_told_whole() {
    let script = Script::new(vec![
        ("GET /v2/orders/1", 200, order(&[item(5, "pending", "", &[]), item(6, "pending", "", &[])])),
        ("POST /v2/orders/statuses/set-to-cancelled", 200, json!({"orderItemIds": [5]})),
        ("GET /v2/orders/1", 200, order(&[item(5, "canceled", "", &[]), item(6, "canceled", "", &[])])),
    ]);
    let lines: Vec<String> = cancellations::cancel(&Api::new(&script), &drops()).expect("cancelled").into_iter().map(|p| p.line).collect();
    assert_eq!(lines, ["5", "6"]);
    assert_eq!(script.body(0), json!({"orderItemIds": [5], "reason": "Out of Stock", "reasonDetail": null}));
}

#[test]
fn a_cancellation_that_was_done_already_is_done() {
    let script = Script::new(vec![
        ("GET /v2/orders/1", 200, order(&[item(5, "canceled", "", &[])])),
        ("GET /v2/orders/1", 200, order(&[item(5, "canceled", "", &[])])),
    ]);
    assert_eq!(cancellations::cancel(&Api::new(&script), &drops()).expect("done").len(), 1);
}

#[test]
fn pages_end_by_any_of_the_signs() {
    let rows = json!([{"id": 1, "number": "1"}]);
    for (pagination, more) in [
        (json!({"hasNext": false}), false),
        (json!({"hasNext": true}), true),
        (json!({"totalCount": 1}), false),
        (json!({"totalCount": 2}), true),
        (json!(null), true),
    ] {
        let script = Script::new(vec![("GET /v2/orders?limit=50&offset=0&updateDateStart=2026-03-08T00%3A00%3A00.000000Z&sort=updatedAt&sortDir=asc", 200, json!({"items": rows, "pagination": pagination}))]);
        let (_, next) = orders::changed(&Api::new(&script), "2026-03-08T00:00:00Z", None).expect("a page");
        assert_eq!(next.is_some(), more, "{pagination}");
    }
    let script = Script::new(vec![("GET /v2/orders?limit=50&offset=50", 200, json!({"items": [], "pagination": {"hasNext": true}}))]);
    assert_eq!(orders::changed(&Api::new(&script), "2026-03-08T00:00:00Z", Some("50")).expect("a page").1, None);
    let script = Script::new(vec![("GET /v2/orders?", 200, json!({"oops": 1}))]);
    assert!(matches!(orders::changed(&Api::new(&script), "2026-03-08T00:00:00Z", None), Err(Fault::Protocol(_))));
}

#[test]
fn a_page_of_the_catalogue_takes_one_request_per_set_and_one_per_hundred_skus() {
    let stock = |skus: &[&str]| Value::Array(skus.iter().map(|s| json!({"sellerSku": s, "quantity": 7, "reservedStock": 2, "available": 5, "preVerificationStock": 3})).collect());
    let script = Script::new(vec![
        ("GET /v2/product-sets?limit=100&offset=0&status=all&orderBy=createdAt&orderDirection=ASC", 200, json!({"items": [{"id": 10}, {"id": 11}], "pagination": {"totalCount": 2}})),
        ("GET /v2/stock/product-set/10", 200, stock(&["A", "B "])),
        ("GET /v2/stock/product-set/11", 404, Value::Null),
        ("GET /v2/product/seller-skus?sellerSkus%5B%5D=A&sellerSkus%5B%5D=B%20&limit=100&offset=0", 200,
            json!({"items": [{"id": 1, "sellerSku": "A", "status": "active", "approvalStatus": "approved", "productSetId": 10},
                {"id": 2, "sellerSku": "B ", "status": "deleted", "productSetId": 10}, {"id": 3, "sellerSku": "b ", "status": "active"}]})),
    ]);
    let (found, next) = listings::page(&Api::new(&script), None, true).expect("a page");
    assert_eq!(next, None);
    assert_eq!(found.iter().map(|l| (l.id.as_str(), l.sku.as_deref(), l.quantity, l.reserved, l.buyable)).collect::<Vec<_>>(), [
        ("1", Some("A"), Some(7), Some(3), Some(5)),
        ("2", Some("B "), Some(7), Some(3), Some(5)),
    ]);
    script.spent();
}
