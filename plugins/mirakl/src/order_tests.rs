use super::*;
use lockstep_sdk::types::{Action, Fulfiller, Line};
use serde_json::{Value, json};

pub(crate) fn sample() -> Value {
    let text = r#"{
        "order_id": "TP-4411902-A", "commercial_id": "TP-4411902", "order_state": "SHIPPING",
        "references": {"order_reference_for_seller": "1047"}, "can_cancel": false, "can_shop_ship": true,
        "channel": {"code": "AU"}, "created_date": "2026-03-08T23:41:07Z", "last_updated_date": "2026-03-09T00:12:55Z",
        "customer_debited_date": "2026-03-09T00:12:51.402Z", "shipping_deadline": "2026-03-10T05:00:00Z",
        "delivery_date": {"earliest": "2026-03-11T00:00:00Z", "latest": null},
        "currency_iso_code": "AUD", "order_tax_mode": "TAX_INCLUDED", "price": 169.9, "shipping_price": 9.95,
        "total_price": 179.85, "payment_type": "CARD", "payment_workflow": "PAY_ON_ACCEPTANCE",
        "customer_notification_email": "c7a90e@notification.example",
        "customer": {"customer_id": "C-1", "firstname": "Marlo", "lastname": "Quill", "locale": "en_AU",
            "billing_address": null,
            "shipping_address": {"firstname": "Marlo", "lastname": "Quill", "street_1": "8 Lantern Rd", "zip_code": "6160",
                "city": "Fremantle", "state": "WA", "country_iso_code": "AUS", "phone": "+61400000000"}},
        "shipping_type_code": "STD", "shipping_type_label": "Standard", "shipping_pudo_id": null,
        "fulfillment": {"center": {"code": "DEFAULT"}}, "has_incident": false,
        "order_additional_fields": [{"code": "gift-text", "type": "STRING", "value": "Enjoy"}],
        "order_lines": [{
            "order_line_id": "TP-4411902-A-1", "order_line_state": "SHIPPING", "offer_sku": "KS-TIDE-NVY-30",
            "product_sku": "9345900221", "product_title": "Board Shorts", "quantity": 2, "price_unit": 84.95,
            "origin_unit_price": 89.95, "price": 169.9, "shipping_price": 9.95,
            "taxes": [{"code": "GST", "amount": 15.45, "rate": 10, "tax_calculation_rule": "PROPORTIONAL_TO_AMOUNT"}],
            "shipping_taxes": [{"code": "GST", "amount": 0.9, "rate": 10}], "fees": [], "commission_fee": 25.49,
            "commission_taxes": [{"code": "GST", "amount": 2.55}], "promotions": [], "cancelations": [], "refunds": [],
            "last_updated_date": "2026-03-09T00:13:00Z", "shipped_date": null, "order_line_additional_fields": []
        }]
    }"#;
    serde_json::from_str(text).expect("JSON")
}

fn terms() -> Terms {
    Terms {
        tax_included: true,
        remits: Side::Seller,
        acceptance: SignedDuration::from_hours(24),
    }
}

fn of(json: &Value) -> Order {
    read(Node::new(json), &terms(), &[]).expect("an order")
}

fn only(order: &Order) -> &Line {
    order.lines.first().expect("a line")
}

#[test]
fn an_order_to_ship() {
    let order = of(&sample());
    assert_eq!(
        (order.id.as_str(), order.number.as_str()),
        ("TP-4411902-A", "TP-4411902-A")
    );
    assert_eq!(order.basket.as_deref(), Some("TP-4411902"));
    assert_eq!(order.seller_reference.as_deref(), Some("1047"));
    assert_eq!((order.state.clone(), order.holds.len()), (State::Open, 0));
    assert_eq!(order.updated_at.as_deref(), Some("2026-03-09T00:13:00Z"));
    assert_eq!(
        order.ship_by.and_then(|w| w.latest).as_deref(),
        Some("2026-03-10T05:00:00Z")
    );
    assert_eq!(
        order.totals.grand.as_ref().map(|m| m.amount.as_str()),
        Some("179.85")
    );
    assert_eq!(
        (order.payment.state.clone(), order.buyer.email_kind),
        (PaymentState::Paid, EmailKind::Relay)
    );
    assert_eq!(order.buyer.locale.as_deref(), Some("en-AU"));
    let to = order.delivery.ship_to.as_ref().expect("an address");
    assert_eq!(to.country.as_deref(), Some("AU"));
    assert!(order.facts.contains(&Fact::new("field:gift-text", "Enjoy")));
    assert!(order.parcels.is_empty());
    let line = &order.lines[0];
    assert_eq!(
        (line.sku.as_deref(), line.listing.as_deref()),
        (Some("KS-TIDE-NVY-30"), Some("KS-TIDE-NVY-30"))
    );
    assert_eq!((line.quantity, line.cancelled, line.shipped), (2, 0, 0));
    let text = |money: &Option<lockstep_sdk::types::Money>| {
        money.as_ref().map(|m| m.amount.clone()).unwrap_or_default()
    };
    assert_eq!(
        (
            text(&line.paid_unit),
            text(&line.list_unit),
            text(&line.goods)
        ),
        ("84.95".into(), "89.95".into(), "169.9".into())
    );
    assert_eq!(
        (
            line.taxes[0].rate.as_deref(),
            line.taxes[0].amount.amount.as_str()
        ),
        (Some("0.1"), "15.45")
    );
    assert_eq!(
        line.costs[0].tax.as_ref().map(|m| m.amount.as_str()),
        Some("2.55")
    );
    assert_eq!(line.allowed, Some(vec![Action::Ship, Action::Refund]));
}

#[test]
fn each_state_before_shipping_holds() {
    for (word, hold) in [
        ("STAGING", Hold::Fraud),
        (
            "WAITING_ACCEPTANCE",
            Hold::Acceptance(Some("2026-03-09T23:41:07Z".into())),
        ),
        ("WAITING_DEBIT", Hold::Payment),
        ("WAITING_DEBIT_PAYMENT", Hold::Payment),
    ] {
        let mut json = sample();
        json["order_state"] = json!(word);
        json["order_lines"][0]["order_line_state"] = json!(word);
        json["customer"] = json!({"lastname": "Quill"});
        json["customer_debited_date"] = Value::Null;
        let order = of(&json);
        assert_eq!(order.holds, [hold], "{word}");
        assert_eq!(
            (order.state.clone(), only(&order).state.clone()),
            (State::Held, State::Held)
        );
        assert_eq!(order.delivery.ship_to, None);
        assert_eq!(order.payment.state, PaymentState::Pending);
    }
    let mut json = sample();
    json["customer"]["shipping_address"] = Value::Null;
    assert_eq!(of(&json).holds, [Hold::Address]);
    let mut json = sample();
    json["can_shop_ship"] = json!(false);
    assert!(matches!(of(&json).holds.as_slice(), [Hold::Other(_)]));
}

#[test]
fn lines_of_one_order_differ() {
    let mut json = sample();
    let mut refused = json["order_lines"][0].clone();
    refused["order_line_id"] = json!("TP-4411902-A-2");
    refused["order_line_state"] = json!("REFUSED");
    json["order_lines"]
        .as_array_mut()
        .expect("lines")
        .push(refused);
    let order = of(&json);
    assert!(order.holds.is_empty());
    assert_eq!(
        (order.lines[1].state.clone(), order.lines[1].cancelled),
        (State::Refused, 2)
    );
    // Totals leave the refused line out.
    assert_eq!(
        order.totals.tax.as_ref().map(|m| m.amount.as_str()),
        Some("16.35")
    );
    json["order_lines"][0]["order_line_state"] = json!("CANCELED");
    json["order_state"] = json!("CANCELED");
    assert_eq!(of(&json).state, State::Cancelled);
}

#[test]
fn words_that_hide_or_are_unknown() {
    let mut json = sample();
    json["order_lines"][0]["order_line_state"] = json!("INCIDENT_OPEN");
    let order = of(&json);
    assert_eq!(only(&order).state, State::Open);
    assert!(
        only(&order)
            .facts
            .contains(&Fact::new("incident", "INCIDENT_OPEN"))
    );
    json["order_lines"][0]["shipped_date"] = json!("2026-03-09T01:00:00Z");
    let order = of(&json);
    assert_eq!(
        (only(&order).state.clone(), only(&order).shipped),
        (State::Shipped, 2)
    );
    json["order_lines"][0]["order_line_state"] = json!("REFUNDED");
    assert_eq!(only(&of(&json)).state, State::Closed);
    json["order_lines"][0]["shipped_date"] = Value::Null;
    let order = of(&json);
    assert_eq!(
        (only(&order).state.clone(), only(&order).cancelled),
        (State::Cancelled, 2)
    );
    assert_eq!(order.state, State::Cancelled);
    json["order_state"] = json!("ARCHIVED");
    json["order_lines"][0]["order_line_state"] = json!("ARCHIVED");
    let order = of(&json);
    assert_eq!(order.state, State::Other("ARCHIVED".into()));
    assert_eq!(only(&order).allowed, None);
}

#[test]
fn a_partial_cancellation_keeps_the_amounts_of_all_that_was_ordered() {
    let mut json = sample();
    let line = &mut json["order_lines"][0];
    line["price"] = json!("84.95");
    line["taxes"][0]["amount"] = json!("7.72");
    line["cancelations"] = json!([{"id": "C1", "quantity": 1, "amount": 84.95, "reason_code": "34",
        "taxes": [{"code": "GST", "amount": 7.73}]}]);
    let order = of(&json);
    let line = only(&order);
    assert_eq!((line.quantity, line.cancelled), (2, 1));
    assert_eq!(
        line.goods.as_ref().map(|m| m.amount.as_str()),
        Some("169.90")
    );
    assert_eq!(line.taxes[0].amount.amount, "15.45");
    assert_eq!(order.adjustments[0].reason.as_deref(), Some("34"));
    json["order_lines"][0]["cancelations"][0]["quantity"] = json!(2);
    assert!(
        matches!(of(&json).holds.as_slice(), [Hold::Other(why)] if why.contains("different numbers"))
    );
}

#[test]
fn taxes_on_top_are_part_of_the_grand_total() {
    let mut json = sample();
    json["order_tax_mode"] = json!("TAX_EXCLUDED");
    let order = of(&json);
    assert_eq!(
        order.totals.grand.as_ref().map(|m| m.amount.as_str()),
        Some("196.20")
    );
    assert_eq!(
        (order.totals.tax_included, only(&order).taxes[0].included),
        (Some(false), Some(false))
    );
}

#[test]
fn amounts_as_text_and_members_that_are_missing() {
    let json = json!({"order_id": 7, "order_state": "SHIPPED", "currency_iso_code": "AUD",
        "created_date": "2026-03-08T23:41:07+11:00", "shipping_tracking": " KSP1 ", "shipping_company": "Pigeon",
        "order_lines": [{"order_line_id": 1, "quantity": "2", "price": "20", "extra": {"a": [1]}}]});
    let order = of(&json);
    assert_eq!(
        (order.id.as_str(), order.placed_at.as_str()),
        ("7", "2026-03-08T12:41:07Z")
    );
    let line = only(&order);
    assert_eq!((line.state.clone(), line.shipped), (State::Shipped, 2));
    assert_eq!(
        line.paid_unit.as_ref().map(|m| m.amount.as_str()),
        Some("10")
    );
    assert_eq!(order.parcels[0].tracking.as_deref(), Some("KSP1"));
    assert_eq!(
        (order.parcels[0].stage.clone(), order.parcels[0].lines.len()),
        (Stage::Shipped, 1)
    );
}

#[test]
fn what_cannot_be_read_is_told_with_the_reason() {
    let edits: [(&str, Value); 5] = [
        ("/order_lines/0/price", json!({"x": 1})),
        ("/order_lines/0/quantity", json!("many")),
        ("/order_lines", json!([])),
        ("/created_date", json!("soon")),
        ("/currency_iso_code", Value::Null),
    ];
    for (pointer, value) in edits {
        let mut json = sample();
        *json.pointer_mut(pointer).expect("a member") = value;
        let order = of(&json);
        assert_eq!(order.id, "TP-4411902-A");
        assert!(
            matches!(&order.state, State::Other(why) if why.starts_with("unreadable")),
            "{pointer}"
        );
        assert!(order.lines.is_empty());
    }
    assert!(
        read(
            Node::new(&json!({"order_state": "SHIPPING"})),
            &terms(),
            &[]
        )
        .is_err()
    );
}

#[test]
fn goods_of_another_center_are_not_the_sellers() {
    let mut json = sample();
    json["fulfillment"]["center"]["code"] = json!("FBO");
    assert_eq!(of(&json).fulfilled_by, Fulfiller::Partner("FBO".into()));
}
