use serde_json::json;

use super::*;
use lockstep_sdk::types::{Action, Cover, LineKind};

/// An order of two equal pieces, as it comes.
fn sample() -> Value {
    let item = |id: u64| {
        json!({
            "id": id, "orderId": 601774, "uuid": "u", "status": "pending", "isProcessable": true,
            "failureReason": {"type": null, "name": null, "description": null, "details": ""},
            "shipment": {"type": "dropshipping", "method": "home", "preProvider": null, "provider": null,
                "providerPreselected": false, "providerType": "express", "trackingCode": "", "weight": 0.4},
            "targetToShipAt": "2026-03-09T23:41:07.000000Z",
            "product": {"name": "Tidepool Board Shorts", "sku": "KS-1", "variation": "30", "sellerSku": "KS-TIDE-30"},
            "unitPrice": 89.95, "taxAmount": 7.72, "taxPercent": 10, "paidPrice": 84.95, "paidCommission": null,
            "shippingFee": 0, "shippingVoucherAmount": 0, "discountAmount": 5, "extraAttributes": {"gst_free": "0"},
            "createdAt": "2026-03-08T23:41:07.000000Z", "updatedAt": "2026-03-08T23:52:18.000000Z",
            "actions": ["status_set_to_ready_to_ship", "status_set_to_canceled", "levitate"], "vouchers": [],
        })
    };
    json!({
        "id": 601774, "uuid": "b27f", "number": "914002771", "customer": {"firstName": "Marlo", "lastName": "Quill"},
        "address": {
            "billing": {"firstName": "Marlo", "lastName": "Quill", "phone": ["#####"], "email": "#####",
                "address": ["8 Lantern Rd", "", "", "", ""], "city": "Fremantle", "postCode": "6160", "country": "Australia"},
            "shipping": {"firstName": "Marlo", "lastName": "Quill", "phone": ["+61400000000"], "email": "#####",
                "address": ["Unit 2", "8 Lantern Rd", "", "", ""], "city": "Auckland", "postCode": "1010",
                "country": "New Zealand"}},
        "gift": {"option": false, "message": ""}, "voucher": {"code": "WELCOME", "type": "x"}, "deliveryInfo": "gate 4",
        "paymentMethod": "CreditCard", "currency": "AUD", "remarks": "", "invoiceRequired": false,
        "createdAt": "2026-03-08T23:41:07.000000Z", "updatedAt": "2026-03-20T00:00:00.000000Z",
        "exchangeByOrderId": null, "exchangeForOrderId": "600001", "extraAttributes": null,
        "statusList": {"pending": 2}, "grandTotal": 169.9, "targetToShip": null, "shipmentProviderType": "express",
        "orderItemIds": [88001, 88002], "items": [item(88001), item(88002)],
    })
}

fn parse(value: &Value) -> Order {
    parse_text(&value.to_string()).expect("an order")
}

fn parse_text(text: &str) -> Result<Order, String> {
    let raw: &RawValue = serde_json::from_str(text).expect("a value");
    read(raw, "AUD")
}

fn amount_of(money: &Option<lockstep_sdk::types::Money>) -> &str {
    money.as_ref().map_or("", |money| money.amount.as_str())
}

#[test]
fn pieces_become_lines_that_fold() {
    let order = parse(&sample());
    assert_eq!(
        (order.id.as_str(), order.number.as_str()),
        ("601774", "914002771")
    );
    assert_eq!(order.state, State::Open);
    assert!(order.holds.is_empty());
    assert_eq!(order.native_state, "pending");
    assert_eq!(order.lines.len(), 2);
    let line = &order.lines[0];
    assert_eq!(line.id, "88001");
    assert_eq!(line.quantity, 1);
    assert_eq!(line.fold.as_deref(), Some("KS-TIDE-30|84.95|89.95"));
    assert_eq!(line.fold, order.lines[1].fold);
    assert_eq!(amount_of(&line.paid_unit), "84.95");
    assert_eq!(amount_of(&line.list_unit), "89.95");
    assert_eq!(line.kind, LineKind::Goods);
    assert_eq!(line.cover, Cover::Ordered);
    assert_eq!(
        line.allowed.as_deref(),
        Some(
            [
                Action::Ready,
                Action::Cancel,
                Action::Other("levitate".into())
            ]
            .as_slice()
        )
    );
    let tax = &line.taxes[0];
    assert_eq!(
        (tax.code.as_str(), tax.rate.as_deref()),
        ("GST", Some("0.1"))
    );
    assert_eq!(
        (tax.amount.amount.as_str(), tax.included),
        ("7.72", Some(true))
    );
    let discount = &line.discounts[0];
    assert_eq!(
        (discount.amount.amount.as_str(), discount.code.as_deref()),
        ("5", Some("WELCOME"))
    );
    assert_eq!(discount.seller_share, None);
}

#[test]
fn the_order_around_them() {
    let order = parse(&sample());
    assert_eq!(order.placed_at, "2026-03-08T23:41:07Z");
    // The order's own time is newer here, and is not trusted.
    assert_eq!(order.updated_at.as_deref(), Some("2026-03-08T23:52:18Z"));
    assert_eq!(
        order.ship_by.and_then(|w| w.latest).as_deref(),
        Some("2026-03-09T23:41:07Z")
    );
    assert_eq!(order.site.as_deref(), Some("NZ"));
    assert_eq!(order.currency, "AUD");
    assert_eq!(amount_of(&order.totals.grand), "169.9");
    assert_eq!(amount_of(&order.totals.goods), "169.90");
    assert_eq!(amount_of(&order.totals.tax), "15.44");
    assert_eq!(amount_of(&order.totals.discount), "10");
    assert_eq!(order.payment.state, PaymentState::Paid);
    assert_eq!(order.buyer.name.as_deref(), Some("Marlo Quill"));
    assert_eq!(order.buyer.email, None);
    assert_eq!(order.buyer.email_kind, EmailKind::Masked);
    assert_eq!(order.buyer.phone.as_deref(), Some("+61400000000"));
    let ship_to = order.delivery.ship_to.expect("an address");
    assert!(ship_to.masked);
    assert_eq!(ship_to.instructions.as_deref(), Some("gate 4"));
    assert_eq!(order.delivery.service.as_deref(), Some("express"));
    assert_eq!(order.delivery.service_label.as_deref(), Some("Express"));
    assert_eq!(order.related[0].order, "600001");
    assert_eq!(order.related[0].kind, Kinship::Replaces);
    assert!(order.gift.is_none());
    assert!(order.parcels.is_empty());
}

#[test]
fn nulls_everywhere_are_survived() {
    let text = r#"{"id":"601774","number":null,"address":null,"currency":null,"createdAt":null,"statusList":null,
        "gift":[],"voucher":null,"items":[{"id":"88001","status":"pending","isProcessable":null,"product":null,"shipment":null,
        "unitPrice":null,"paidPrice":"84.95","taxPercent":null,"vouchers":null,"failureReason":null,"actions":null,
        "purchase":null,"createdAt":"2026-03-08T23:41:07+00:00","extraAttributes":[]}]}"#;
    let order = parse_text(text).expect("an order");
    assert_eq!(order.state, State::Open);
    assert_eq!(
        (order.number.as_str(), order.currency.as_str()),
        ("601774", "AUD")
    );
    assert_eq!(order.placed_at, "2026-03-08T23:41:07Z");
    assert_eq!(order.delivery.ship_to, None);
    let line = &order.lines[0];
    assert_eq!((line.sku.as_deref(), line.fold.as_deref()), (None, None));
    assert_eq!(line.title, "Item 88001");
    assert_eq!(line.allowed, None);
    assert_eq!(amount_of(&line.goods), "84.95");
    assert!(line.taxes.is_empty());
}

#[test]
fn payment_review_holds_the_order() {
    let mut value = sample();
    for item in value["items"].as_array_mut().expect("items") {
        item["status"] = json!("payment_pending");
        item["isProcessable"] = json!(false);
    }
    let order = parse(&value);
    assert_eq!(order.state, State::Held);
    assert_eq!(order.holds, [Hold::Payment]);
    assert_eq!(order.payment.state, PaymentState::Pending);
    assert_eq!(order.lines[0].state, State::Held);
}

#[test]
fn an_unreleased_item_holds_the_order() {
    let mut value = sample();
    value["items"][1]["isProcessable"] = json!(0);
    let order = parse(&value);
    assert_eq!(order.state, State::Held);
    assert!(matches!(order.holds.as_slice(), [Hold::Other(_)]));
    assert_eq!(order.lines[0].state, State::Open);
    assert_eq!(order.lines[1].state, State::Held);
}

#[test]
fn the_ventures_items_are_not_the_sellers() {
    let mut value = sample();
    value["items"][1]["shipment"]["type"] = json!("warehouse");
    value["items"][1]["isProcessable"] = json!(false);
    let order = parse(&value);
    assert_eq!(order.state, State::Open);
    assert!(order.holds.is_empty());
    assert_eq!(order.fulfilled_by, Fulfiller::Seller);
    assert_eq!(
        order.lines[1].fulfilled_by,
        Some(Fulfiller::Marketplace("THE ICONIC".into()))
    );
    assert_ne!(order.lines[0].fold, order.lines[1].fold);
    value["items"][0]["shipment"]["type"] = json!("warehouse");
    assert!(matches!(
        parse(&value).fulfilled_by,
        Fulfiller::Marketplace(_)
    ));
    for item in value["items"].as_array_mut().expect("items") {
        item["shipment"]["type"] = json!("crossdocking");
        item["isProcessable"] = json!(true);
    }
    assert!(matches!(
        parse(&value).fulfilled_by,
        Fulfiller::SellerToHub(_)
    ));
}

#[test]
fn mixed_states_are_what_is_left_to_do() {
    let state_of = |words: [&str; 2]| {
        let mut value = sample();
        for (index, word) in words.iter().enumerate() {
            value["items"][index]["status"] = json!(word);
        }
        parse(&value)
    };
    assert_eq!(state_of(["canceled", "ready_to_ship"]).state, State::Open);
    assert_eq!(state_of(["shipped", "pending"]).state, State::Open);
    assert_eq!(state_of(["shipped", "delivered"]).state, State::Shipped);
    assert_eq!(state_of(["canceled", "delivered"]).state, State::Delivered);
    assert_eq!(
        state_of(["failed", "canceled"]).state,
        State::DeliveryFailed
    );
    assert_eq!(
        state_of(["return_delivered", "canceled"]).state,
        State::Returned
    );
    assert_eq!(state_of(["canceled", "canceled"]).state, State::Cancelled);
    assert_eq!(
        state_of(["vanished", "canceled"]).state,
        State::Other("vanished".into())
    );
    let mixed = state_of(["canceled", "vanished"]);
    assert_eq!(mixed.native_state, "1 canceled, 1 vanished");
    assert_eq!(mixed.lines[0].cancelled, 1);
    assert_eq!(mixed.lines[1].state, State::Other("vanished".into()));
    assert_eq!(state_of(["shipped", "shipped"]).lines[0].shipped, 1);
}

#[test]
fn reasons_of_cancellation_are_told() {
    let mut value = sample();
    value["items"][0]["status"] = json!("canceled");
    value["items"][0]["failureReason"] =
        json!({"type": "canceled", "name": "Out of Stock", "details": "damaged"});
    let order = parse(&value);
    assert_eq!(
        order.lines[0].reason.as_deref(),
        Some("Out of Stock: damaged")
    );
}

#[test]
fn vouchers_tell_the_sellers_share() {
    let mut value = sample();
    value["items"][0]["vouchers"] =
        json!([{"code": "HALF", "amount": 3, "amountFundedBySeller": 1.5}]);
    value["items"][0]["shippingVoucherAmount"] = json!(2.5);
    let order = parse(&value);
    let seen: Vec<_> = order.lines[0]
        .discounts
        .iter()
        .map(|d| {
            (
                d.code.as_deref(),
                d.amount.amount.as_str(),
                amount_of(&d.seller_share),
                d.on.clone(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (Some("HALF"), "3", "1.5", Part::Goods),
            (None, "2", "", Part::Goods),
            (Some("WELCOME"), "2.5", "", Part::Shipping),
        ]
    );
}

use lockstep_sdk::types::Part;

#[test]
fn pieces_of_one_code_are_one_parcel() {
    let mut value = sample();
    for index in 0..2 {
        let item = &mut value["items"][index];
        item["status"] = json!("shipped");
        item["shipment"]["trackingCode"] = json!("KSP1");
        item["shipment"]["provider"] =
            json!({"name": "Australia Post", "trackingUrl": "https://t.example"});
    }
    value["items"][1]["status"] = json!("ready_to_ship");
    let order = parse(&value);
    let [parcel] = order.parcels.as_slice() else {
        panic!("{:?}", order.parcels);
    };
    assert_eq!(parcel.lines.len(), 2);
    assert_eq!(parcel.stage, Stage::Ready);
    assert_eq!(parcel.tracking.as_deref(), Some("KSP1"));
    assert_eq!(
        parcel.carrier.as_ref().and_then(|c| c.name.as_deref()),
        Some("Australia Post")
    );
    value["items"][1]["status"] = json!("canceled");
    let order = parse(&value);
    assert_eq!(order.parcels[0].lines.len(), 1);
    assert_eq!(order.parcels[0].stage, Stage::Shipped);
    value["items"][1]["shipment"]["trackingCode"] = json!("KSP2");
    assert_eq!(parse(&value).parcels[1].stage, Stage::Cancelled);
}

#[test]
fn an_unreadable_order_keeps_id_and_number() {
    let mut broken = sample();
    broken["items"][1]["unitPrice"] = json!("a lot");
    let mut few = sample();
    few["items"] = json!([few["items"][0]]);
    let mut nameless = sample();
    nameless["items"][0]["id"] = Value::Null;
    let mut money = sample();
    money["currency"] = json!("dollars");
    for (value, why) in [
        (&broken, "unitPrice is no amount"),
        (&few, "1 of its 2 items"),
        (&nameless, "an item has no id"),
        (&money, "DOLLARS"),
        (
            &json!({"id": 601774, "number": "914002771", "items": null}),
            "no items",
        ),
    ] {
        let order = parse(value);
        assert_eq!(
            (order.id.as_str(), order.number.as_str()),
            ("601774", "914002771")
        );
        assert!(order.lines.is_empty());
        assert!(
            matches!(&order.state, State::Other(text) if text.contains(why)),
            "{:?}",
            order.state
        );
    }
    let order =
        parse_text(r#"{"id":5,"number":"n","remarks":"\ud83d","items":[]}"#).expect("an order");
    assert!(matches!(&order.state, State::Other(text) if text.contains("no valid JSON")));
    let order = parse(&json!({"id": null, "number": "914"}));
    assert_eq!(order.id, "number:914");
    assert!(parse_text("[1]").is_err());
    assert!(parse_text("{}").is_err());
}

#[test]
fn gst_free_items_carry_no_tax() {
    let mut value = sample();
    value["items"][0]["taxAmount"] = json!(0);
    value["items"][0]["extraAttributes"] = json!({"gst_free": "1"});
    let order = parse(&value);
    assert!(order.lines[0].taxes.is_empty());
    assert!(order.lines[0].facts.iter().any(|f| f.key == "gst-free"));
}
