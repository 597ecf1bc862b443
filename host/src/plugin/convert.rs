//! Between the contract's records and the host's own types. What a plugin tells is checked here, field by field.

use rust_decimal::Decimal;

use super::bindings::{self, http, types as wit};
use crate::model::{
    Account, Address, Carrier, Drop, Fact, Fault, Hint, Instant, Line, LineQuantity, Listing, ListingState, Money, Order, ParcelOut, ParcelSeen, Reason, Rest,
    Sent, Settlement, State, StockOutcome, StockWrite, Subscription, Tax,
};

/// A value that breaks the contract's rules: the field, and what is wrong with it.
pub(super) type Broken = String;

pub(super) fn instant(text: &str, field: &str) -> Result<Instant, Broken> {
    text.parse().map_err(|_| format!("{field} \"{}\" is not RFC 3339 in UTC", short(text)))
}

fn maybe_instant(text: Option<String>, field: &str) -> Result<Option<Instant>, Broken> {
    text.map(|t| instant(&t, field)).transpose()
}

pub(super) fn instant_out(at: Instant) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

fn money(money: wit::Money, field: &str) -> Result<Money, Broken> {
    let plain = money.amount.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
    let amount: Decimal = money
        .amount
        .parse()
        .ok()
        .filter(|_| plain)
        .ok_or_else(|| format!("{field} \"{}\" is not a decimal amount", short(&money.amount)))?;
    if money.currency.len() != 3 || !money.currency.bytes().all(|b| b.is_ascii_uppercase()) {
        return Err(format!("currency \"{}\" of {field} is not an ISO 4217 code", short(&money.currency)));
    }
    Ok(Money { amount, currency: money.currency })
}

fn maybe_money(value: Option<wit::Money>, field: &str) -> Result<Option<Money>, Broken> {
    value.map(|m| money(m, field)).transpose()
}

fn short(text: &str) -> String {
    text.chars().take(60).collect()
}

fn facts(facts: Vec<wit::Fact>) -> Vec<Fact> {
    facts.into_iter().map(|f| Fact { key: f.key, value: f.value }).collect()
}

fn facts_out(facts: &[Fact]) -> Vec<wit::Fact> {
    facts.iter().map(|f| wit::Fact { key: f.key.clone(), value: f.value.clone() }).collect()
}

pub(super) fn fault(fault: wit::Fault) -> Fault {
    match fault {
        wit::Fault::Auth(detail) => Fault::Auth { detail },
        wit::Fault::Throttled(b) => Fault::Throttled { retry_after_ms: b.retry_after_ms, detail: b.detail },
        wit::Fault::Unavailable(b) => Fault::Unavailable { retry_after_ms: b.retry_after_ms, detail: b.detail },
        wit::Fault::UnknownOutcome(detail) => Fault::UnknownOutcome { detail },
        wit::Fault::Rejected(r) => Fault::Rejected { code: r.code, detail: r.detail },
        wit::Fault::Missing(detail) => Fault::Missing { detail },
        wit::Fault::Conflict(detail) => Fault::Conflict { detail },
        wit::Fault::Protocol(detail) => Fault::Protocol { detail },
        wit::Fault::Denied(detail) => Fault::Denied { detail },
        wit::Fault::Other(detail) => Fault::Other { detail },
    }
}

pub(super) fn account(a: wit::Account) -> Account {
    Account { id: a.id, name: a.name, native_state: a.native_state, selling: a.selling, currency: a.currency }
}

pub(super) fn listing(l: wit::Listing) -> Result<Listing, Broken> {
    Ok(Listing {
        price: maybe_money(l.price, "listing.price")?,
        id: l.id,
        parent: l.parent,
        sku: l.sku,
        title: l.title,
        state: match l.state {
            wit::ListingState::Buyable => ListingState::Buyable,
            wit::ListingState::Unbuyable => ListingState::Unbuyable,
            wit::ListingState::Ended => ListingState::Ended,
            wit::ListingState::Pending => ListingState::Pending,
            wit::ListingState::Other(word) => ListingState::Other(word),
        },
        reasons: l.reasons,
        quantity: l.quantity,
        reserved: l.reserved,
        buyable: l.buyable,
        sellers: sellers(&l.fulfilled_by),
        facts: facts(l.facts),
    })
}

fn sellers(fulfiller: &wit::Fulfiller) -> bool {
    matches!(fulfiller, wit::Fulfiller::Seller | wit::Fulfiller::SellerToHub(_))
}

pub(super) fn level_out(w: &StockWrite) -> bindings::stock::exports::lockstep::plugin::stock::Level {
    bindings::stock::exports::lockstep::plugin::stock::Level {
        listing: w.listing.clone(),
        parent: w.parent.clone(),
        sku: w.sku.clone(),
        quantity: w.quantity,
        places: vec![],
        facts: facts_out(&w.facts),
    }
}

pub(super) fn outcome(outcome: bindings::stock::exports::lockstep::plugin::stock::Outcome) -> StockOutcome {
    use bindings::stock::exports::lockstep::plugin::stock::Outcome;
    match outcome {
        Outcome::Applied => StockOutcome::Applied,
        Outcome::Queued(ticket) => StockOutcome::Queued(ticket),
        Outcome::Failed(f) => StockOutcome::Failed(fault(f)),
    }
}

pub(super) fn settlement(s: bindings::stock::exports::lockstep::plugin::stock::Settlement) -> Settlement {
    use bindings::stock::exports::lockstep::plugin::stock::Rest as WitRest;
    Settlement {
        done: s.done.map(|d| {
            let rest = match d.rest {
                WitRest::Applied => Rest::Applied,
                WitRest::Failed => Rest::Failed,
                WitRest::Unknown => Rest::Unknown,
            };
            (d.listed.into_iter().map(|(listing, o)| (listing, outcome(o))).collect(), rest)
        }),
        poll_after_ms: s.poll_after_ms,
    }
}

fn state(state: wit::State) -> State {
    match state {
        wit::State::Held => State::Held,
        wit::State::Open => State::Open,
        wit::State::Shipped => State::Shipped,
        wit::State::Delivered => State::Delivered,
        wit::State::Closed => State::Closed,
        wit::State::Cancelled => State::Cancelled,
        wit::State::Refused => State::Refused,
        wit::State::DeliveryFailed => State::DeliveryFailed,
        wit::State::Returned => State::Returned,
        wit::State::Other(word) => State::Other(word),
    }
}

/// An order. One that breaks the contract's rules keeps id and number, so that it is shown, and stalls no other.
pub(super) fn order(o: wit::Order) -> Order {
    let (id, number, native) = (o.id.clone(), o.number.clone(), o.native_state.clone());
    whole_order(o).unwrap_or_else(|broken| Order {
        id,
        number,
        state: State::Other(broken),
        native_state: native,
        holds: vec![],
        awaits_acceptance: None,
        sellers: true,
        placed_at: Instant::UNIX_EPOCH,
        updated_at: None,
        ship_by: None,
        currency: String::new(),
        grand_total: None,
        shipping_total: None,
        tax_included: None,
        paid: false,
        buyer_name: None,
        site: None,
        ship_to: None,
        service: None,
        service_label: None,
        gift_message: None,
        buyer_note: None,
        lines: vec![],
        parcels: vec![],
        facts: vec![],
    })
}

fn whole_order(o: wit::Order) -> Result<Order, Broken> {
    let mut holds = Vec::new();
    let mut awaits_acceptance = None;
    for hold in o.holds {
        match hold {
            wit::Hold::Payment => holds.push("payment".into()),
            wit::Hold::Fraud => holds.push("a fraud check".into()),
            wit::Hold::Acceptance(by) => awaits_acceptance = Some(maybe_instant(by, "order.holds.acceptance")?),
            wit::Hold::Address => holds.push("the address is withheld".into()),
            wit::Hold::Preorder(until) => {
                let until = maybe_instant(until, "order.holds.preorder")?;
                holds.push(until.map_or("sold ahead of its release".into(), |t| format!("sold ahead of its release on {t}")));
            }
            wit::Hold::CancellationAsked => holds.push("a cancellation was asked for".into()),
            wit::Hold::Other(word) => holds.push(word),
        }
    }
    let window = |w: Option<wit::Window>, field: &str| maybe_instant(w.and_then(|w| w.latest), field);
    let lines = o.lines.into_iter().map(line).collect::<Result<Vec<_>, _>>()?;
    let mut ids: Vec<&str> = lines.iter().map(|l| l.id.as_str()).collect();
    ids.sort_unstable();
    if let Some(twice) = ids.windows(2).find(|w| w[0] == w[1]) {
        return Err(format!("line id \"{}\" occurs twice", short(twice[0])));
    }
    Ok(Order {
        id: o.id,
        number: o.number,
        state: state(o.state),
        native_state: o.native_state,
        holds,
        awaits_acceptance,
        sellers: sellers(&o.fulfilled_by),
        placed_at: instant(&o.placed_at, "order.placed-at")?,
        updated_at: maybe_instant(o.updated_at, "order.updated-at")?,
        ship_by: window(o.ship_by, "order.ship-by")?,
        currency: o.currency,
        grand_total: maybe_money(o.totals.grand, "order.totals.grand")?,
        shipping_total: maybe_money(o.totals.shipping, "order.totals.shipping")?,
        tax_included: o.totals.tax_included,
        paid: matches!(o.payment.state, wit::PaymentState::Paid | wit::PaymentState::Authorized | wit::PaymentState::NotNeeded),
        buyer_name: o.buyer.name.or(o.buyer.company),
        site: o.site,
        ship_to: o.delivery.ship_to.map(address),
        service: o.delivery.service,
        service_label: o.delivery.service_label,
        gift_message: o.gift.and_then(|g| g.message),
        buyer_note: o.buyer_note,
        lines,
        parcels: o.parcels.into_iter().map(parcel_seen).collect(),
        facts: facts(o.facts),
    })
}

fn line(l: wit::Line) -> Result<Line, Broken> {
    let at = |field: &str| format!("line {}: {field}", short(&l.id));
    let taxes = l
        .taxes
        .into_iter()
        .map(|t| {
            Ok(Tax {
                code: t.code,
                rate: match t.rate {
                    Some(rate) => match rate.parse::<Decimal>() {
                        Ok(_) => Some(rate),
                        Err(_) => return Err(format!("{} \"{}\" is not a decimal fraction", at("taxes.rate"), short(&rate))),
                    },
                    None => None,
                },
                amount: money(t.amount, &at("taxes.amount"))?,
                on: part(t.on),
                included: t.included,
                by_marketplace: t.collected_by == wit::Side::Marketplace,
            })
        })
        .collect::<Result<Vec<_>, Broken>>()?;
    if l.quantity > 100_000 {
        return Err(format!("{} {} is beyond belief", at("quantity"), l.quantity));
    }
    Ok(Line {
        list_unit: maybe_money(l.list_unit, &at("list-unit"))?,
        paid_unit: maybe_money(l.paid_unit, &at("paid-unit"))?,
        goods: maybe_money(l.goods, &at("goods"))?,
        shipping: maybe_money(l.shipping, &at("shipping"))?,
        ship_by: maybe_instant(l.ship_by.and_then(|w| w.latest), &at("ship-by"))?,
        updated_at: maybe_instant(l.updated_at, &at("updated-at"))?,
        taxes,
        fold: l.fold,
        sku: l.sku,
        listing: l.listing,
        title: l.title,
        choices: facts(l.choices),
        quantity: l.quantity,
        cancelled: l.cancelled,
        shipped: l.shipped,
        state: state(l.state),
        native_state: l.native_state,
        reason: l.reason,
        allowed: l.allowed.map(|all| all.into_iter().map(action).collect()),
        sellers: l.fulfilled_by.as_ref().is_none_or(sellers),
        facts: facts(l.facts),
        id: l.id,
    })
}

fn part(part: wit::Part) -> String {
    match part {
        wit::Part::Goods => "goods".into(),
        wit::Part::Shipping => "shipping".into(),
        wit::Part::Gift => "gift".into(),
        wit::Part::PaymentFee => "payment-fee".into(),
        wit::Part::ImportDuty => "import-duty".into(),
        wit::Part::Other(word) => word,
    }
}

fn action(action: wit::Action) -> String {
    match action {
        wit::Action::Accept => "accept".into(),
        wit::Action::Refuse => "refuse".into(),
        wit::Action::Pack => "pack".into(),
        wit::Action::Ready => "ready".into(),
        wit::Action::Ship => "ship".into(),
        wit::Action::CorrectTracking => "correct-tracking".into(),
        wit::Action::Cancel => "cancel".into(),
        wit::Action::Refund => "refund".into(),
        wit::Action::Other(word) => word,
    }
}

fn address(a: wit::Address) -> Address {
    Address {
        name: a.name,
        first_name: a.first_name,
        last_name: a.last_name,
        company: a.company,
        lines: a.lines.into_iter().filter(|l| !l.trim().is_empty()).collect(),
        suburb: a.suburb,
        city: a.city,
        region: a.region,
        postcode: a.postcode,
        country: a.country,
        country_as_given: a.country_as_given,
        phones: a.phones,
        instructions: a.instructions,
        masked: a.masked,
    }
}

fn quantities(lines: Vec<wit::Packed>) -> Vec<LineQuantity> {
    lines.into_iter().map(|p| LineQuantity { line: p.line, quantity: p.quantity }).collect()
}

fn stage(stage: wit::Stage) -> String {
    match stage {
        wit::Stage::Created => "created".into(),
        wit::Stage::Packed => "packed".into(),
        wit::Stage::Ready => "ready".into(),
        wit::Stage::Shipped => "shipped".into(),
        wit::Stage::Delivered => "delivered".into(),
        wit::Stage::Cancelled => "cancelled".into(),
        wit::Stage::Other(word) => word,
    }
}

fn parcel_seen(p: wit::ParcelSeen) -> ParcelSeen {
    ParcelSeen { id: p.id, lines: quantities(p.lines), carrier: p.carrier.and_then(|c| c.name.or(c.code)), tracking: p.tracking, stage: stage(p.stage) }
}

pub(super) fn carrier(c: bindings::fulfillments::exports::lockstep::plugin::fulfillments::CarrierEntry) -> Carrier {
    Carrier {
        code: c.carrier.code,
        name: c.carrier.name,
        tracking_required: c.tracking_required,
        tracking_pattern: c.tracking_pattern,
        books_itself: c.books_itself,
        usable: c.usable,
    }
}

pub(super) fn parcel_out(p: &ParcelOut) -> bindings::fulfillments::exports::lockstep::plugin::fulfillments::Parcel {
    bindings::fulfillments::exports::lockstep::plugin::fulfillments::Parcel {
        id: p.id.clone(),
        number: p.number,
        last: p.last,
        order: p.order.clone(),
        lines: p.lines.iter().map(|l| wit::Packed { line: l.line.clone(), quantity: l.quantity, marks: vec![] }).collect(),
        carrier: wit::Carrier { code: p.carrier.code.clone(), name: p.carrier.name.clone(), url: None },
        tracking: p.tracking.clone(),
        tracking_url: p.tracking_url.clone(),
        shipped_at: instant_out(p.shipped_at),
        ship_from: None,
        facts: vec![],
    }
}

pub(super) fn sent(s: bindings::fulfillments::exports::lockstep::plugin::fulfillments::Sent) -> Sent {
    Sent { reached: stage(s.reached), marketplace_id: s.marketplace_id, more: s.more }
}

pub(super) fn reason(r: bindings::cancellations::exports::lockstep::plugin::cancellations::ReasonEntry) -> Reason {
    use bindings::cancellations::exports::lockstep::plugin::cancellations::ReasonKind;
    Reason {
        code: r.code,
        label: r.label,
        kind: match r.kind {
            ReasonKind::Cancel => "cancel".into(),
            ReasonKind::Refuse => "refuse".into(),
            ReasonKind::Refund => "refund".into(),
            ReasonKind::RejectReturn => "reject-return".into(),
            ReasonKind::Other(word) => word,
        },
        out_of_stock: r.out_of_stock,
        usable: r.usable,
    }
}

pub(super) fn drop_out(d: &Drop) -> bindings::cancellations::exports::lockstep::plugin::cancellations::Drop {
    bindings::cancellations::exports::lockstep::plugin::cancellations::Drop {
        id: d.id.clone(),
        order: d.order.clone(),
        line: d.line.clone(),
        quantity: d.quantity,
        paid: d.paid,
        goods: None,
        shipping: None,
        taxes: vec![],
        charges: vec![],
        reason: d.reason.clone(),
        note: d.note.clone(),
        answers: None,
    }
}

pub(super) fn dropped(d: bindings::cancellations::exports::lockstep::plugin::cancellations::Dropped) -> Vec<LineQuantity> {
    quantities(d.lines)
}

pub(super) fn subscription(s: bindings::webhooks::exports::lockstep::plugin::webhooks::Subscription) -> Subscription {
    Subscription { id: s.id, url: s.url, events: s.events, enabled: s.enabled }
}

pub(super) fn hint(h: bindings::webhooks::exports::lockstep::plugin::webhooks::Hint) -> Hint {
    use bindings::webhooks::exports::lockstep::plugin::webhooks::Hint as Wit;
    match h {
        Wit::Order(id) => Hint::Order(id),
        Wit::ListingSku(sku) => Hint::ListingSku(sku),
        Wit::Channel => Hint::Channel,
        Wit::Nothing => Hint::Nothing,
    }
}

pub(super) fn header_out(name: &str, value: &str) -> http::Header {
    http::Header { name: name.to_owned(), value: value.to_owned() }
}
