//! An order in which its number decides everything. Ten orders in a row have each case of each variant, options with
//! and without a value, and no two fields alike.

use lockstep_sdk::types::*;

pub fn money(amount: &str) -> Money {
    Money {
        amount: amount.into(),
        currency: "AUD".into(),
    }
}

pub fn at(some: bool, instant: &str) -> Option<String> {
    some.then(|| instant.to_owned())
}

pub fn fulfiller(n: u32) -> Fulfiller {
    match n % 4 {
        0 => Fulfiller::Seller,
        1 => Fulfiller::SellerToHub("hub".into()),
        2 => Fulfiller::Marketplace("warehouse".into()),
        _ => Fulfiller::Partner("partner".into()),
    }
}

pub fn stage(n: u32) -> Stage {
    match n % 7 {
        0 => Stage::Created,
        1 => Stage::Packed,
        2 => Stage::Ready,
        3 => Stage::Shipped,
        4 => Stage::Delivered,
        5 => Stage::Cancelled,
        _ => Stage::Other("adrift".into()),
    }
}

fn state(n: u32) -> State {
    match n % 10 {
        0 => State::Held,
        1 => State::Open,
        2 => State::Shipped,
        3 => State::Delivered,
        4 => State::Closed,
        5 => State::Cancelled,
        6 => State::Refused,
        7 => State::DeliveryFailed,
        8 => State::Returned,
        _ => State::Other("limbo".into()),
    }
}

fn side(n: u32) -> Side {
    [Side::Seller, Side::Marketplace, Side::Buyer, Side::Unknown][n as usize % 4]
}

fn part(n: u32) -> Part {
    match n % 6 {
        0 => Part::Goods,
        1 => Part::Shipping,
        2 => Part::Gift,
        3 => Part::PaymentFee,
        4 => Part::ImportDuty,
        _ => Part::Other("deposit".into()),
    }
}

fn actions() -> Vec<Action> {
    use Action::*;
    vec![
        Accept,
        Refuse,
        Pack,
        Ready,
        Ship,
        CorrectTracking,
        Cancel,
        Refund,
        Other("dance".into()),
    ]
}

fn holds(n: u32, when: &str) -> Vec<Hold> {
    let some = n.is_multiple_of(2);
    vec![
        Hold::Payment,
        Hold::Fraud,
        Hold::Acceptance(at(some, when)),
        Hold::Address,
        Hold::Preorder(at(!some, when)),
        Hold::CancellationAsked,
        Hold::Other("a storm".into()),
    ]
}

fn payment_state(n: u32) -> PaymentState {
    match n % 8 {
        0 => PaymentState::Pending,
        1 => PaymentState::Authorized,
        2 => PaymentState::Paid,
        3 => PaymentState::Failed,
        4 => PaymentState::PartRefunded,
        5 => PaymentState::Refunded,
        6 => PaymentState::NotNeeded,
        _ => PaymentState::Other("barter".into()),
    }
}

fn mode(n: u32) -> DeliveryMode {
    match n % 6 {
        0 => DeliveryMode::Home,
        1 => DeliveryMode::PickupPoint("point".into()),
        2 => DeliveryMode::Store("store".into()),
        3 => DeliveryMode::Hub("hub".into()),
        4 => DeliveryMode::Digital,
        _ => DeliveryMode::Other("drone".into()),
    }
}

fn address(who: &str) -> Address {
    let field = |name: &str| Some(format!("{who} {name}"));
    Address {
        name: field("name"),
        first_name: field("first-name"),
        last_name: field("last-name"),
        company: field("company"),
        lines: vec![format!("{who} line 1"), format!("{who} line 2")],
        suburb: field("suburb"),
        city: field("city"),
        region: field("region"),
        postcode: field("postcode"),
        country: Some("AU".into()),
        country_as_given: field("country"),
        phones: vec!["+61 2 5550 0001".into()],
        email: field("email"),
        instructions: field("instructions"),
        masked: true,
    }
}

fn carrier() -> Carrier {
    Carrier {
        code: Some("AP".into()),
        name: Some("Post".into()),
        url: Some("https://post.example".into()),
    }
}

fn window(some: bool) -> Option<Window> {
    some.then(|| Window {
        earliest: Some("2026-03-01T00:00:00Z".into()),
        latest: Some("2026-03-09T00:00:00Z".into()),
    })
}

fn tax(n: u32) -> Tax {
    let some = n.is_multiple_of(2);
    Tax {
        code: format!("T{n}"),
        rate: at(some, "0.1"),
        amount: money(&format!("0.1{n}")),
        on: part(n),
        included: some.then_some(n.is_multiple_of(4)),
        collected_by: side(n),
    }
}

fn delivery(n: u32, some: bool) -> Delivery {
    let text = |text: &str| some.then(|| text.to_owned());
    Delivery {
        mode: mode(n),
        service: text("EXP"),
        service_label: text("Express"),
        preset: some.then(carrier),
        tracking_required: some.then_some(true),
        label_by: side(n),
        ship_to: some.then(|| address("ship")),
        final_to: some.then(|| address("final")),
        label_reference: text("label"),
        demands: vec!["signature".into()],
    }
}

fn gift(some: bool) -> Option<Gift> {
    some.then(|| Gift {
        message: Some("for you".into()),
        sender: Some("me".into()),
        wrap: Some("red".into()),
    })
}

fn discounts(some: bool) -> Vec<Discount> {
    vec![Discount {
        code: at(some, "SALE"),
        amount: money("1.5"),
        on: part(0),
        seller_share: some.then(|| money("0.5")),
    }]
}

fn charges(some: bool) -> Vec<Charge> {
    vec![Charge {
        kind: part(2),
        code: at(some, "WRAP"),
        amount: money("2.5"),
    }]
}

fn costs(some: bool) -> Vec<Cost> {
    vec![Cost {
        code: "commission".into(),
        amount: money("3.5"),
        tax: some.then(|| money("0.35")),
    }]
}

fn ask(n: u32, some: bool, when: &str) -> CancelAsk {
    CancelAsk {
        id: at(some, "ask"),
        by: side(n),
        quantity: some.then_some(1),
        reason: at(some, "too late"),
        at: at(some, when),
        answer_by: at(some, when),
    }
}

fn line(n: u32, when: &str) -> Line {
    let some = n.is_multiple_of(2);
    let text = |text: &str| some.then(|| text.to_owned());
    let amount = |amount: &str| some.then(|| money(amount));
    Line {
        id: format!("L{n}"),
        kind: match n % 4 {
            0 => LineKind::Goods,
            1 => LineKind::Digital,
            2 => LineKind::Service,
            _ => LineKind::Other("ticket".into()),
        },
        fold: text("fold"),
        sku: text("SKU-é"),
        listing: text("listing"),
        product: text("product"),
        title: format!("Zoë's tee {n} €"),
        choices: vec![Fact::new("size", "M")],
        quantity: n + 3,
        cancelled: 1,
        shipped: 2,
        delivered: some.then_some(4),
        returned: some.then_some(5),
        state: state(n),
        native_state: "native line".into(),
        reason: text("reason"),
        allowed: some.then(actions),
        fulfilled_by: some.then(|| fulfiller(n / 2)),
        cover: [Cover::Ordered, Cover::Remaining][n as usize % 2],
        list_unit: amount("10.10"),
        paid_unit: amount("9.09"),
        goods: amount("8.08"),
        shipping: amount("7.07"),
        taxes: (0..6).map(tax).collect(),
        discounts: discounts(some),
        charges: charges(some),
        costs: costs(some),
        ship_by: window(some),
        deliver_by: window(some),
        ship_from: text("Botany"),
        marks_required: vec!["serial".into()],
        delivery: some.then(|| delivery(n, some)),
        gift: gift(some),
        cancel_asks: vec![ask(n, some, when)],
        updated_at: at(some, when),
        facts: vec![Fact::new("line", n.to_string())],
    }
}

fn parcel(n: u32, when: &str) -> ParcelSeen {
    let some = n.is_multiple_of(2);
    ParcelSeen {
        id: at(some, "parcel"),
        lines: vec![Packed {
            line: format!("L{n}"),
            quantity: 2,
            marks: vec![Fact::new("serial", "S1")],
        }],
        carrier: some.then(carrier),
        tracking: at(some, "TRACK1"),
        tracking_url: at(some, "https://post.example/TRACK1"),
        stage: stage(n),
        native_stage: at(some, "native stage"),
        shipped_at: at(some, when),
    }
}

fn adjustment(n: u32, when: &str) -> Adjustment {
    let some = n.is_multiple_of(2);
    Adjustment {
        id: "adjustment".into(),
        line: at(some, "L0"),
        kind: match n % 4 {
            0 => AdjustmentKind::Cancellation,
            1 => AdjustmentKind::Refund,
            2 => AdjustmentKind::Compensation,
            _ => AdjustmentKind::Other("apology".into()),
        },
        quantity: some.then_some(1),
        goods: some.then(|| money("-1.00")),
        shipping: some.then(|| money("-0.50")),
        taxes: vec![tax(n)],
        reason: at(some, "broken"),
        by: side(n),
        at: at(some, when),
        settled: some.then_some(true),
    }
}

fn buyer(n: u32, some: bool) -> Buyer {
    let text = |text: &str| some.then(|| text.to_owned());
    let kinds = [
        EmailKind::None,
        EmailKind::Real,
        EmailKind::Relay,
        EmailKind::Masked,
        EmailKind::Unknown,
    ];
    Buyer {
        id: text("buyer"),
        name: text("Zoë Ng"),
        company: Some("Ng & Co".into()),
        email: text("zoe@mirror.example"),
        email_kind: kinds[n as usize % 5],
        phone: text("+61 2 5550 0002"),
        locale: text("en-AU"),
        purchase_order: text("PO-1"),
        tax_ids: vec![Fact::new("ABN", "51 824 753 556")],
    }
}

fn totals(some: bool) -> Totals {
    let amount = |amount: &str| some.then(|| money(amount));
    Totals {
        goods: amount("1.01"),
        shipping: amount("2.02"),
        tax: amount("3.03"),
        discount: amount("4.04"),
        charges: amount("5.05"),
        grand: amount("6.06"),
        tax_included: some.then_some(true),
    }
}

pub fn order(id: &str, when: &str) -> Order {
    let n: u32 = id.parse().unwrap_or_default();
    let some = n.is_multiple_of(2);
    let text = |text: &str| some.then(|| text.to_owned());
    Order {
        id: id.to_owned(),
        number: format!("N-{id}"),
        basket: text("basket"),
        aliases: vec![Fact::new("alias", id)],
        seller_reference: text("reference"),
        site: text("NZ"),
        related: vec![Relation {
            order: "related".into(),
            kind: match n % 5 {
                0 => Kinship::Replaces,
                1 => Kinship::ReplacedBy,
                2 => Kinship::Exchange,
                3 => Kinship::Service,
                _ => Kinship::Other("cousin".into()),
            },
        }],
        state: state(n),
        native_state: "native order".into(),
        reason: text("reason"),
        holds: holds(n, when),
        allowed: some.then(actions),
        fulfilled_by: fulfiller(n),
        placed_at: when.to_owned(),
        updated_at: at(some, when),
        closed_at: at(some, when),
        ship_by: window(some),
        deliver_by: window(some),
        currency: "AUD".into(),
        totals: totals(some),
        taxes: vec![tax(n)],
        discounts: discounts(some),
        charges: charges(some),
        costs: costs(some),
        payment: Payment {
            state: payment_state(n),
            method: text("card"),
            reference: text("PAY-1"),
            paid_at: at(some, when),
        },
        buyer: buyer(n, some),
        bill_to: some.then(|| address("bill")),
        delivery: delivery(n, some),
        gift: gift(some),
        buyer_note: text("ring twice"),
        marketplace_note: text("fragile"),
        invoice_required: some.then_some(true),
        lines: vec![line(n, when), line(n + 1, when)],
        parcels: vec![parcel(n, when)],
        adjustments: vec![adjustment(n, when)],
        cancel_asks: vec![ask(n, some, when)],
        facts: vec![Fact::new("order", id)],
    }
}
