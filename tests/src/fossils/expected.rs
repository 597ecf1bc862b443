//! What the fossils are given, and what they answer: the same in every language.

use lockstep::model::{
    AcceptanceDue, Account, Address, Candidate, Carrier, Drop, Edit, Fact, Fault, Hint, Instant,
    Line, LineDecision, LineQuantity, Listing, ListingState, Money, NewLine, NewOrder, Order,
    ParcelOut, ParcelSeen, Part, Position, Reason, Rest, Sent, State, StockOutcome, StockWrite,
    Subscription, Tax,
};

/// When what is asked for by id was placed.
pub const PLACED: &str = "2026-03-08T23:41:07.123Z";

pub const CAPABILITIES: [&str; 8] = [
    "about",
    "listings",
    "stock",
    "orders",
    "acceptance",
    "fulfillments",
    "cancellations",
    "webhooks",
];

fn instant(text: &str) -> Instant {
    text.parse().unwrap()
}

fn money(amount: &str) -> Money {
    Money {
        amount: amount.parse().unwrap(),
        currency: "AUD".into(),
    }
}

fn fact(key: &str, value: &str) -> Fact {
    Fact {
        key: key.into(),
        value: value.into(),
    }
}

fn owned(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

/// Values of options: there are some for even numbers, and none for odd ones.
fn text(n: u32, text: &str) -> Option<String> {
    n.is_multiple_of(2).then(|| text.to_owned())
}

pub fn account() -> Account {
    let each = [
        "207 POST /v1/post?q=1 (amber Token [secret] Zoë €)",
        "207 GET /v1/rare/1 (amber - )",
        "forbidden",
    ];
    let together = [
        "207 GET /v1/get (amber - )",
        "207 PUT /v1/put (amber Token [secret] put)",
        "207 PATCH /v1/patch (amber Token [secret] patch)",
        "207 DELETE /v1/delete (amber Token [secret] )",
        "forbidden",
        "auth",
        "unavailable",
        "outcome-unknown",
        "too-large 4000",
        "throttled true",
        "7 true -",
    ];
    Account {
        id: "kestrel/amber".into(),
        name: each.join("; "),
        native_state: Some(together.join("; ")),
        selling: Some(true),
        currency: Some("AUD".into()),
    }
}

pub fn listing(n: u32, stock: bool) -> Listing {
    let some = n.is_multiple_of(2);
    Listing {
        id: n.to_string(),
        parent: text(n, "parent"),
        sku: text(n, "SKU-é"),
        title: format!("Zoë's tee {n} €"),
        state: match n {
            0 => ListingState::Buyable,
            1 => ListingState::Unbuyable,
            2 => ListingState::Ended,
            3 => ListingState::Pending,
            _ => ListingState::Other("resting".into()),
        },
        reasons: owned(&["no picture", "no price"]),
        quantity: stock.then_some(i32::MAX as u32 - n),
        reserved: stock.then_some(n),
        buyable: some.then_some(i32::MIN),
        sellers: n % 4 < 2,
        price: some.then(|| money("-12.50")),
        facts: vec![fact("n", &n.to_string())],
    }
}

pub fn stock_writes() -> Vec<StockWrite> {
    let write = |quantity| StockWrite {
        listing: format!("listing {quantity}"),
        parent: text(quantity, "parent"),
        sku: text(quantity ^ 1, "SKU-é"),
        quantity,
        facts: vec![fact("a", "1"), fact("b", "€")],
    };
    [0, 1, 2, u32::MAX].map(write).into()
}

pub fn stock_outcomes() -> Vec<StockOutcome> {
    let refused = Fault::Rejected {
        code: None,
        detail: "listing 4294967295|-|SKU-é|4294967295|0|a=1,b=€".into(),
    };
    vec![
        StockOutcome::Applied,
        StockOutcome::Queued("listing 1|-|SKU-é|1|0|a=1,b=€".into()),
        StockOutcome::Failed(Fault::Missing {
            detail: "listing 2|parent|-|2|0|a=1,b=€".into(),
        }),
        StockOutcome::Failed(refused),
    ]
}

type Settled = (Option<(Vec<(String, StockOutcome)>, Rest)>, Option<u32>);

pub fn settled(ticket: &str) -> Settled {
    let rest = match ticket {
        "wait" => return (None, Some(30_000)),
        "applied" => Rest::Applied,
        "failed" => Rest::Failed,
        _ => Rest::Unknown,
    };
    let never = Fault::Denied {
        detail: "no".into(),
    };
    let listed = vec![
        (ticket.into(), StockOutcome::Applied),
        ("later".into(), StockOutcome::Queued("again".into())),
        ("never".into(), StockOutcome::Failed(never)),
    ];
    (Some((listed, rest)), None)
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

fn stage(n: u32) -> String {
    let stages = [
        "created",
        "packed",
        "ready",
        "shipped",
        "delivered",
        "cancelled",
        "adrift",
    ];
    stages[n as usize % 7].into()
}

fn tax(n: u32) -> Tax {
    let parts = [
        "goods",
        "shipping",
        "gift",
        "payment-fee",
        "import-duty",
        "deposit",
    ];
    Tax {
        code: format!("T{n}"),
        rate: text(n, "0.1"),
        amount: money(&format!("0.1{n}")),
        on: parts[n as usize].into(),
        included: n.is_multiple_of(2).then_some(n.is_multiple_of(4)),
        by_marketplace: n % 4 == 1,
    }
}

fn line(n: u32, when: &str, order_is_sellers: bool) -> Line {
    let some = n.is_multiple_of(2);
    let amount = |amount: &str| some.then(|| money(amount));
    let actions = [
        "accept",
        "refuse",
        "pack",
        "ready",
        "ship",
        "correct-tracking",
        "cancel",
        "refund",
        "dance",
    ];
    Line {
        id: format!("L{n}"),
        fold: text(n, "fold"),
        sku: text(n, "SKU-é"),
        listing: text(n, "listing"),
        title: format!("Zoë's tee {n} €"),
        choices: vec![fact("size", "M")],
        quantity: n + 3,
        cancelled: 1,
        shipped: 2,
        state: state(n),
        native_state: "native line".into(),
        reason: text(n, "reason"),
        allowed: some.then(|| owned(&actions)),
        sellers: if some {
            n / 2 % 4 < 2
        } else {
            order_is_sellers
        },
        list_unit: amount("10.10"),
        paid_unit: amount("9.09"),
        covers: if some { n + 3 } else { n + 2 },
        goods: amount("8.08"),
        shipping: amount("7.07"),
        taxes: (0..6).map(tax).collect(),
        ship_by: some.then(|| instant("2026-03-09T00:00:00Z")),
        updated_at: some.then(|| instant(when)),
        facts: vec![fact("line", &n.to_string())],
    }
}

pub fn address(who: &str) -> Address {
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
        phones: owned(&["+61 2 5550 0001"]),
        instructions: field("instructions"),
        masked: true,
    }
}

pub fn order(n: u32, when: &str) -> Order {
    let some = n.is_multiple_of(2);
    let sellers = n % 4 < 2;
    let until = |some: bool, words: &str| match some {
        true => format!("{words} ({when})"),
        false => words.to_owned(),
    };
    Order {
        id: n.to_string(),
        number: format!("N-{n}"),
        state: state(n),
        native_state: "native order".into(),
        holds: vec![
            "payment is not settled".into(),
            "a fraud check runs".into(),
            until(some, "waits to be accepted"),
            "the address is withheld or incomplete".into(),
            until(!some, "sold ahead of its release"),
            "a cancellation was asked for".into(),
            "a storm".into(),
        ],
        awaits_acceptance: Some(AcceptanceDue {
            until: some.then(|| instant(when)),
        }),
        sellers,
        placed_at: instant(when),
        updated_at: some.then(|| instant(when)),
        ship_by: some.then(|| instant("2026-03-09T00:00:00Z")),
        currency: "AUD".into(),
        grand_total: some.then(|| money("6.06")),
        shipping_total: some.then(|| money("2.02")),
        tax_included: some.then_some(true),
        paid: [2, 4, 5, 6].contains(&(n % 8)),
        buyer_name: Some(if some { "Zoë Ng" } else { "Ng & Co" }.into()),
        site: text(n, "NZ"),
        ship_to: some.then(|| address("ship")),
        service: text(n, "EXP"),
        service_label: text(n, "Express"),
        gift_message: text(n, "for you"),
        buyer_note: text(n, "ring twice"),
        lines: vec![line(n, when, sellers), line(n + 1, when, sellers)],
        parcels: vec![ParcelSeen {
            id: text(n, "parcel"),
            lines: vec![LineQuantity {
                line: format!("L{n}"),
                quantity: 2,
            }],
            carrier: text(n, "Post"),
            tracking: text(n, "TRACK1"),
            stage: stage(n),
        }],
        facts: vec![fact("order", &n.to_string())],
    }
}

pub fn decisions() -> Vec<LineDecision> {
    let decision = |line: &str, accepted, quantity, reason: Option<&str>| LineDecision {
        line: line.into(),
        accepted,
        quantity,
        reason: reason.map(str::to_owned),
    };
    vec![
        decision("L1", true, 3, None),
        decision("L2", false, u32::MAX, Some("sold out")),
    ]
}

pub fn decided() -> Fault {
    Fault::Conflict {
        detail: "Zoë €: L1|true|3|-; L2|false|4294967295|sold out".into(),
    }
}

pub fn carriers() -> Vec<Carrier> {
    vec![
        Carrier {
            code: Some("AP".into()),
            name: Some("Österreichische Post".into()),
            tracking_required: Some(true),
            tracking_pattern: Some("^[A-Z]+$".into()),
            books_itself: Some(false),
            usable: true,
        },
        Carrier {
            code: None,
            name: None,
            tracking_required: None,
            tracking_pattern: None,
            books_itself: None,
            usable: false,
        },
    ]
}

/// With all that a parcel may have for even numbers, and as little as it may have for odd ones.
pub fn parcel(number: u32) -> ParcelOut {
    let quantity = |line: &str, quantity| LineQuantity {
        line: line.into(),
        quantity,
    };
    ParcelOut {
        id: format!("P{number}"),
        number,
        last: number.is_multiple_of(2),
        order: "order €".into(),
        lines: vec![quantity("L1", 2), quantity("L2", u32::MAX)],
        carrier: Carrier {
            code: text(number, "AP"),
            name: text(number, "Österreichische Post"),
            ..carriers().remove(1)
        },
        tracking: text(number, "TRACK1"),
        tracking_url: text(number, "https://post.example/TRACK1"),
        shipped_at: instant(PLACED),
    }
}

pub fn prepared(number: u32) -> Sent {
    let given = match number.is_multiple_of(2) {
        true => (
            "true",
            "AP|Österreichische Post|-|TRACK1|https://post.example/TRACK1",
        ),
        false => ("false", "-|-|-|-|-"),
    };
    let lines = "2 x L1 [], 4294967295 x L2 []";
    Sent {
        reached: stage(number),
        marketplace_id: Some(format!(
            "P{number}|{number}|{}|order €|{lines}|{}|{PLACED}|-|",
            given.0, given.1
        )),
        more: !number.is_multiple_of(2),
    }
}

pub fn reasons() -> Vec<Reason> {
    let kinds = ["cancel", "refuse", "refund", "reject-return", "whim"];
    let reason = |(n, kind): (usize, &str)| Reason {
        code: format!("C{n}"),
        label: format!("Reason {n}"),
        kind: kind.into(),
        out_of_stock: [Some(true), Some(false), None][n % 3],
        usable: n % 2 == 0,
    };
    kinds.into_iter().enumerate().map(reason).collect()
}

pub fn drops() -> Vec<Drop> {
    let cut = |n: u32| Drop {
        id: format!("D{n}"),
        order: "order €".into(),
        line: format!("L{n}"),
        quantity: n + 1,
        paid: n == 0,
        reason: "C0".into(),
        refund_reason: text(n, "C2"),
        note: text(n, "sold out"),
    };
    vec![cut(0), cut(1)]
}

pub fn dropped() -> Vec<LineQuantity> {
    let of = |line: &str, quantity| LineQuantity {
        line: line.into(),
        quantity,
    };
    vec![
        of("D0|order €|L0|true|true|C0|C2|sold out|-", 1),
        of("D1|order €|L1|false|true|C0|-|-|-", 2),
    ]
}

pub fn subscription(id: &str, url: &str, events: &[&str], enabled: bool) -> Subscription {
    Subscription {
        id: id.into(),
        url: url.into(),
        events: owned(events),
        enabled,
    }
}

pub fn subscriptions() -> Vec<Subscription> {
    vec![
        subscription("S0", "https://shop.example/0", &[], false),
        subscription(
            "S2",
            "https://shop.example/2",
            &["event 0", "event 1"],
            true,
        ),
    ]
}

pub fn hints(body: &[u8]) -> Vec<Hint> {
    let order = Hint::Order("x-topic: order €, x-other: ".into());
    vec![
        order,
        Hint::ListingSku(hex::encode(body)),
        Hint::Channel,
        Hint::Nothing,
    ]
}

pub fn no_hints() -> Vec<Hint> {
    let (order, sku) = (Hint::Order(String::new()), Hint::ListingSku(String::new()));
    vec![order, sku, Hint::Channel, Hint::Nothing]
}

/// One of each case.
pub fn faults() -> Vec<Fault> {
    let detail = |case: &str| format!("Zoë was told: {case}");
    vec![
        Fault::Auth {
            detail: detail("auth"),
        },
        Fault::Throttled {
            retry_after_ms: Some(1_500),
            detail: detail("throttled"),
        },
        Fault::Unavailable {
            retry_after_ms: None,
            detail: detail("unavailable"),
        },
        Fault::UnknownOutcome {
            detail: detail("unknown-outcome"),
        },
        Fault::Rejected {
            code: Some("E063".into()),
            detail: detail("rejected"),
        },
        Fault::Missing {
            detail: detail("missing"),
        },
        Fault::Conflict {
            detail: detail("conflict"),
        },
        Fault::Protocol {
            detail: detail("protocol"),
        },
        denied(),
        Fault::Other {
            detail: detail("other"),
        },
    ]
}

pub fn denied() -> Fault {
    Fault::Denied {
        detail: "Zoë was told: denied".into(),
    }
}

/// An order on its way into Shopify, with all that it may have, or as little.
pub fn draft(full: bool) -> (Order, NewOrder) {
    let order = order(if full { 0 } else { 1 }, PLACED);
    let line = |variant: Option<&str>, n: u32| NewLine {
        variant: variant.map(str::to_owned),
        title: format!("Zoë's tee {n} €"),
        sku: text(n, "SKU-é"),
        quantity: n + 1,
        unit_price: money("10.10"),
        taxes: Vec::new(),
        taxable: true,
        requires_shipping: true,
        properties: vec![fact("p", "1"), fact("q", "€")],
    };
    let new = NewOrder {
        reference: "amber:0".into(),
        name: "N-0".into(),
        note: "a note".into(),
        tags: owned(&["one", "two €"]),
        source: "amber".into(),
        attributes: vec![fact("k", "v €")],
        currency: "AUD".into(),
        processed_at: instant(PLACED),
        taxes_included: full,
        customer: None,
        billing: Address::default(),
        shipping: full.then(|| address("ship")),
        lines: if full {
            vec![line(Some("gid"), 0), line(None, 1)]
        } else {
            Vec::new()
        },
        shipping_line: full.then(|| ("Express".to_owned(), Some("EXP".to_owned()), money("2.02"))),
        paid: money("6.06"),
        gateway: "amber".into(),
        decrement: true,
        test: false,
    };
    (order, new)
}

pub fn edits(full: bool) -> Vec<Edit> {
    let (head, lines, to) = match full {
        true => (
            "NZ|EXP|Express|ring twice|for you",
            "SKU-é|Zoë's tee 0 €|1|10.10 AUD|true|p=1,q=€; -|Zoë's tee 1 €|2|10.10 AUD|false|p=1,q=€",
            "ship name|ship first-name|ship last-name|ship company|ship suburb|ship city|ship region|ship postcode\
             |AU|ship country|-|ship instructions|ship line 1/ship line 2|+61 2 5550 0001|true",
        ),
        false => ("-|-|-|-|-", "", "-"),
    };
    let some = |text: &str| full.then(|| text.to_owned());
    vec![
        Edit::AddLine {
            title: format!("amber|Amber €|N-0|{PLACED}|{head}|AUD|one/two €"),
            quantity: if full { 2 } else { 0 },
            price: money("1.50"),
            taxable: full,
            properties: vec![fact("k", "v €")],
        },
        Edit::AddLine {
            title: "bare".into(),
            quantity: 1,
            price: money("1.50"),
            taxable: !full,
            properties: Vec::new(),
        },
        Edit::SetShipping {
            title: some("Express"),
            code: some("EXP"),
            price: full.then(|| money("2.02")),
        },
        Edit::AddTag(lines.into()),
        Edit::AddNote(format!("a note; {to}")),
        Edit::SetAttribute(fact("facts", if full { "order=0" } else { "order=1" })),
    ]
}

pub fn positions() -> Vec<Position> {
    let position = |n: u32, sellable| Position {
        listing: format!("listing {n}"),
        sku: "SKU-é".into(),
        title: format!("Zoë's tee {n} €"),
        sellable,
        facts: vec![fact("n", &n.to_string())],
    };
    vec![position(0, u32::MAX), position(1, 1)]
}

pub fn candidates() -> Vec<Candidate> {
    let candidate = |n: u32, facts| Candidate {
        listing: format!("listing {n}"),
        sku: "SKU-é".into(),
        title: format!("Zoë's tee {n} €"),
        facts,
    };
    vec![
        candidate(0, vec![fact("a", "1"), fact("b", "2")]),
        candidate(1, Vec::new()),
    ]
}

pub fn parts() -> Vec<Vec<Part>> {
    let part = |sku: &str, pieces, weight| Part {
        sku: sku.into(),
        pieces,
        weight,
    };
    let first = vec![
        part("SKU-é", 2, i32::MAX as u32),
        part("listing 0|Zoë's tee 0 €|a=1,b=2", 1, 0),
    ];
    vec![first, Vec::new()]
}

/// Why an extra fails, as it says itself.
pub fn words() -> [String; 3] {
    [
        "no edits of N-0".into(),
        "listing 0|SKU-é|Zoë's tee 0 €|4294967295|n=0; listing 1|SKU-é|Zoë's tee 1 €|1|n=1".into(),
        "no parts of 2".into(),
    ]
}
