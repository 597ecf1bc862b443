//! Between the contract's records of extras and the host's own types.

use super::bindings::bundles::exports::lockstep::plugin::bundles as wit_bundles;
use super::bindings::order_edits::exports::lockstep::plugin::order_edits as wit_orders;
use super::bindings::stock_edits::exports::lockstep::plugin::stock_edits as wit_stock;
use super::bindings::types as wit;
use super::convert::{At, Read, broken, facts, facts_out, instant_out, money, optional_money};
use crate::model::{Address, Candidate, Edit, Money, NewOrder, Order, Part, Position};

fn money_out(m: &Money) -> wit::Money {
    wit::Money {
        amount: m.amount.to_string(),
        currency: m.currency.clone(),
    }
}

fn address_out(a: &Address) -> wit::Address {
    wit::Address {
        name: a.name.clone(),
        first_name: a.first_name.clone(),
        last_name: a.last_name.clone(),
        company: a.company.clone(),
        lines: a.lines.clone(),
        suburb: a.suburb.clone(),
        city: a.city.clone(),
        region: a.region.clone(),
        postcode: a.postcode.clone(),
        country: a.country.clone(),
        country_as_given: a.country_as_given.clone(),
        phones: a.phones.clone(),
        email: None,
        instructions: a.instructions.clone(),
        masked: a.masked,
    }
}

/// An order as an extra sees it.
pub(super) fn draft(
    channel: &str,
    title: &str,
    order: &Order,
    new: &NewOrder,
) -> wit_orders::Draft {
    let to = new.shipping.as_ref();
    wit_orders::Draft {
        channel: channel.to_owned(),
        channel_title: title.to_owned(),
        number: new.name.clone(),
        placed_at: instant_out(new.processed_at),
        country: order
            .site
            .clone()
            .filter(|site| site.len() == 2 && site.bytes().all(|b| b.is_ascii_uppercase()))
            .or_else(|| to.and_then(|a| a.country.clone())),
        ship_to: to.map(address_out),
        service: order.service.clone(),
        service_label: order.service_label.clone(),
        buyer_note: order.buyer_note.clone(),
        gift_message: order.gift_message.clone(),
        currency: new.currency.clone(),
        tax_included: new.taxes_included,
        lines: new
            .lines
            .iter()
            .map(|l| wit_orders::DraftLine {
                sku: l.sku.clone(),
                title: l.title.clone(),
                quantity: l.quantity,
                price: money_out(&l.unit_price),
                matched: l.variant.is_some(),
                properties: facts_out(&l.properties),
            })
            .collect(),
        shipping: new
            .shipping_line
            .as_ref()
            .map(|(title, code, price)| wit_orders::Shipping {
                title: title.clone(),
                code: code.clone(),
                price: money_out(price),
            }),
        note: new.note.clone(),
        tags: new.tags.clone(),
        attributes: facts_out(&new.attributes),
        facts: facts_out(&order.facts),
    }
}

/// What an extra wants changed.
pub(super) fn edits(given: Vec<wit_orders::Edit>) -> Read<Vec<Edit>> {
    let mut read = Vec::with_capacity(given.len());
    for (at, edit) in given.into_iter().enumerate() {
        read.push(one_edit(edit).at_index("edits", at)?);
    }
    Ok(read)
}

fn one_edit(edit: wit_orders::Edit) -> Read<Edit> {
    Ok(match edit {
        wit_orders::Edit::AddLine(line) => Edit::AddLine {
            price: money(&line.price).at("add-line.price")?,
            title: line.title,
            quantity: line.quantity,
            taxable: line.taxable,
            properties: facts(line.properties),
        },
        wit_orders::Edit::SetShipping(new) => Edit::SetShipping {
            price: optional_money(new.price.as_ref()).at("set-shipping.price")?,
            title: new.title,
            code: new.code,
        },
        wit_orders::Edit::AddTag(tag) => Edit::AddTag(tag),
        wit_orders::Edit::AddNote(text) => Edit::AddNote(text),
        wit_orders::Edit::SetAttribute(fact) => Edit::SetAttribute(crate::model::Fact {
            key: fact.key,
            value: fact.value,
        }),
    })
}

/// A position as an extra sees it.
pub(super) fn position(p: &Position) -> wit_stock::Position {
    wit_stock::Position {
        listing: p.listing.clone(),
        sku: p.sku.clone(),
        title: p.title.clone(),
        sellable: p.sellable,
        facts: facts_out(&p.facts),
    }
}

/// A listing as an extra sees it.
pub(super) fn candidate(c: &Candidate) -> wit_bundles::Candidate {
    wit_bundles::Candidate {
        listing: c.listing.clone(),
        sku: c.sku.clone(),
        title: c.title.clone(),
        facts: facts_out(&c.facts),
    }
}

/// The parts of each candidate.
pub(super) fn parts(lists: Vec<Vec<wit_bundles::Part>>, expected: usize) -> Read<Vec<Vec<Part>>> {
    if lists.len() != expected {
        return broken(
            "parts",
            format!("has {} entries for {expected} candidates", lists.len()),
        );
    }
    let part = |p: wit_bundles::Part| Part {
        sku: p.sku,
        pieces: p.quantity,
        weight: p.price_weight,
    };
    Ok((lists.into_iter())
        .map(|list| list.into_iter().map(part).collect())
        .collect())
}

/// One number per position.
pub(super) fn numbers(numbers: Vec<u32>, expected: usize) -> Read<Vec<u32>> {
    if numbers.len() == expected {
        Ok(numbers)
    } else {
        broken(
            "numbers",
            format!("has {} entries for {expected} positions", numbers.len()),
        )
    }
}
