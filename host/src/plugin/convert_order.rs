//! Orders out of the contract. One bad order never loses its page: it is kept with its id, and worked on by nobody.

use std::collections::HashSet;
use std::fmt::Display;

use super::bindings::orders::exports::lockstep::plugin::orders::OrderPage as WitPage;
use super::bindings::types as wit;
use super::convert::{
    At, Read, broken, currency, decimal, facts, id, instant, money, optional_instant,
    optional_money, packed, sellers, stage,
};
use super::state::one_line;
use crate::model::{
    AcceptanceDue, Address, Instant, Line, Order, OrderPage, ParcelSeen, State, Tax,
};

pub(super) fn page(page: WitPage, who: &dyn Display) -> Read<OrderPage> {
    Ok(OrderPage {
        orders: orders(page.orders, who)?,
        next: page.next,
        wait_ms: page.wait_ms,
    })
}

/// Fails only for an order that cannot even be named.
pub(super) fn orders(list: Vec<wit::Order>, who: &dyn Display) -> Read<Vec<Order>> {
    list.into_iter()
        .enumerate()
        .map(|(at, o)| order_or_what_is_known(o, who).at_index("orders", at))
        .collect()
}

fn order_or_what_is_known(o: wit::Order, who: &dyn Display) -> Read<Order> {
    let known = what_is_known(&o)?;
    Ok(order(o).unwrap_or_else(|why| {
        let text = format!(
            "{who}: order {} breaks the contract, {why}",
            one_line(&known.number, 100)
        );
        tracing::error!("{text}");
        Order {
            state: State::Other(format!("unreadable: {why}")),
            holds: vec![text],
            ..known
        }
    }))
}

/// An order without lines, made of what can be read: so it is shown, and nothing is worked on it.
fn what_is_known(o: &wit::Order) -> Read<Order> {
    let updated_at = optional_instant(o.updated_at.as_ref()).ok().flatten();
    Ok(Order {
        id: id(&o.id).at("id")?,
        number: if o.number.is_empty() {
            o.id.clone()
        } else {
            o.number.clone()
        },
        state: State::Other("unreadable".into()),
        native_state: o.native_state.clone(),
        holds: Vec::new(),
        awaits_acceptance: None,
        sellers: sellers(&o.fulfilled_by),
        placed_at: instant(&o.placed_at)
            .ok()
            .or(updated_at)
            .unwrap_or_else(Instant::now),
        updated_at,
        ship_by: None,
        currency: o.currency.clone(),
        grand_total: None,
        shipping_total: None,
        tax_included: None,
        paid: false,
        buyer_name: o.buyer.name.clone(),
        site: o.site.clone(),
        ship_to: None,
        service: None,
        service_label: None,
        gift_message: None,
        buyer_note: None,
        lines: Vec::new(),
        parcels: Vec::new(),
        facts: facts(o.facts.clone()),
    })
}

fn order(o: wit::Order) -> Read<Order> {
    let order_is_sellers = sellers(&o.fulfilled_by);
    let awaits_acceptance = o
        .holds
        .iter()
        .find_map(|h| match h {
            wit::Hold::Acceptance(until) => Some(optional_instant(until.as_ref())),
            _ => None,
        })
        .transpose()
        .at("holds.acceptance")?
        .map(|until| AcceptanceDue { until });
    let mut seen = HashSet::new();
    let lines = o
        .lines
        .into_iter()
        .enumerate()
        .map(|(at, l)| {
            let line = line(l, order_is_sellers).at_index("lines", at)?;
            if seen.insert(line.id.clone()) {
                Ok(line)
            } else {
                broken(
                    "id",
                    format!("\"{}\" is the id of an earlier line", line.id),
                )
                .at_index("lines", at)
            }
        })
        .collect::<Read<Vec<Line>>>()?;
    let delivery = o.delivery;
    Ok(Order {
        id: id(&o.id).at("id")?,
        number: id(&o.number).at("number")?,
        state: state(o.state),
        native_state: o.native_state,
        holds: o.holds.iter().map(hold).collect(),
        awaits_acceptance,
        sellers: order_is_sellers,
        placed_at: instant(&o.placed_at).at("placed-at")?,
        updated_at: optional_instant(o.updated_at.as_ref()).at("updated-at")?,
        ship_by: latest(o.ship_by.as_ref()).at("ship-by")?,
        currency: currency(&o.currency).at("currency")?,
        grand_total: optional_money(o.totals.grand.as_ref()).at("totals.grand")?,
        shipping_total: optional_money(o.totals.shipping.as_ref()).at("totals.shipping")?,
        tax_included: o.totals.tax_included,
        paid: paid(&o.payment.state),
        buyer_name: o.buyer.name.or(o.buyer.company),
        site: o.site,
        ship_to: delivery.ship_to.map(address),
        service: delivery.service,
        service_label: delivery.service_label,
        gift_message: o.gift.and_then(|g| g.message),
        buyer_note: o.buyer_note,
        lines,
        parcels: o.parcels.into_iter().map(parcel).collect(),
        facts: facts(o.facts),
    })
}

fn line(l: wit::Line, order_is_sellers: bool) -> Read<Line> {
    Ok(Line {
        id: id(&l.id).at("id")?,
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
        allowed: l.allowed.map(|list| list.into_iter().map(action).collect()),
        sellers: l.fulfilled_by.as_ref().map_or(order_is_sellers, sellers),
        list_unit: optional_money(l.list_unit.as_ref()).at("list-unit")?,
        paid_unit: optional_money(l.paid_unit.as_ref()).at("paid-unit")?,
        covers: match l.cover {
            wit::Cover::Ordered => l.quantity,
            wit::Cover::Remaining => l.quantity.saturating_sub(l.cancelled),
        },
        goods: optional_money(l.goods.as_ref()).at("goods")?,
        shipping: optional_money(l.shipping.as_ref()).at("shipping")?,
        taxes: l
            .taxes
            .into_iter()
            .enumerate()
            .map(|(at, t)| tax(t).at_index("taxes", at))
            .collect::<Read<_>>()?,
        ship_by: latest(l.ship_by.as_ref()).at("ship-by")?,
        updated_at: optional_instant(l.updated_at.as_ref()).at("updated-at")?,
        facts: facts(l.facts),
    })
}

fn tax(t: wit::Tax) -> Read<Tax> {
    if let Some(rate) = &t.rate {
        decimal(rate).at("rate")?;
    }
    Ok(Tax {
        code: t.code,
        rate: t.rate,
        amount: money(&t.amount).at("amount")?,
        on: part(t.on),
        included: t.included,
        by_marketplace: t.collected_by == wit::Side::Marketplace,
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

fn hold(hold: &wit::Hold) -> String {
    let until = |at: &Option<String>, text: &str| {
        at.as_ref().map_or_else(
            || text.to_owned(),
            |at| format!("{text} ({})", one_line(at, 60)),
        )
    };
    match hold {
        wit::Hold::Payment => "payment is not settled".into(),
        wit::Hold::Fraud => "a fraud check runs".into(),
        wit::Hold::Acceptance(at) => until(at, "waits to be accepted"),
        wit::Hold::Address => "the address is withheld or incomplete".into(),
        wit::Hold::Preorder(at) => until(at, "sold ahead of its release"),
        wit::Hold::CancellationAsked => "a cancellation was asked for".into(),
        wit::Hold::Other(words) => words.clone(),
    }
}

fn paid(state: &wit::PaymentState) -> bool {
    matches!(
        state,
        wit::PaymentState::Paid
            | wit::PaymentState::PartRefunded
            | wit::PaymentState::Refunded
            | wit::PaymentState::NotNeeded
    )
}

fn latest(window: Option<&wit::Window>) -> Read<Option<Instant>> {
    let Some(window) = window else {
        return Ok(None);
    };
    optional_instant(window.earliest.as_ref()).at("earliest")?;
    optional_instant(window.latest.as_ref()).at("latest")
}

fn address(a: wit::Address) -> Address {
    Address {
        name: a.name,
        first_name: a.first_name,
        last_name: a.last_name,
        company: a.company,
        lines: a
            .lines
            .into_iter()
            .filter(|l| !l.trim().is_empty())
            .collect(),
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

fn parcel(p: wit::ParcelSeen) -> ParcelSeen {
    ParcelSeen {
        id: p.id,
        lines: packed(p.lines),
        carrier: p.carrier.and_then(|c| c.name.or(c.code)),
        tracking: p.tracking,
        stage: stage(p.stage),
    }
}
