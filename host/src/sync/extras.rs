//! Carries out what extras want changed, and refuses what makes no sense.

use rust_decimal::Decimal;

use super::orders::{CHANNEL_ATTRIBUTES, LINE_PROPERTY};
use crate::model::{Edit, Fact, Money, NewLine, NewOrder};

/// Lines that one extra may add.
const MOST_LINES: usize = 20;
/// Tags of an order: the most Shopify takes.
const MOST_TAGS: usize = 250;
/// Characters of a tag: the most Shopify takes.
const LONGEST_TAG: usize = 40;
/// Characters of a title.
const LONGEST_TITLE: usize = 255;
/// Characters of the note: the most Shopify takes.
const LONGEST_NOTE: usize = 5_000;
/// Pieces of an added line.
const MOST_PIECES: u32 = 10_000;

/// Makes all of an extra's edits, or none. Answers what changed, in words; an error says which edit is wrong.
pub fn apply(order: &NewOrder, edits: &[Edit]) -> Result<(NewOrder, Vec<String>), String> {
    let mut edited = order.clone();
    let mut told = Vec::new();
    for edit in edits {
        told.extend(one(&mut edited, edit, &order.lines)?);
    }
    let added = edited.lines.len() - order.lines.len();
    if added > MOST_LINES {
        return Err(format!("it adds {added} lines; the most is {MOST_LINES}"));
    }
    Ok((edited, told))
}

fn one(order: &mut NewOrder, edit: &Edit, goods: &[NewLine]) -> Result<Option<String>, String> {
    match edit {
        Edit::AddLine {
            title,
            quantity,
            price,
            taxable,
            properties,
        } => {
            check_title("the title of an added line", title)?;
            check_price("the price of an added line", price, order)?;
            if !(1..=MOST_PIECES).contains(quantity) {
                return Err(format!(
                    "an added line of {quantity} pieces; it must be 1 to {MOST_PIECES}"
                ));
            }
            if let Some(p) = properties.iter().find(|p| p.key.starts_with(LINE_PROPERTY)) {
                return Err(format!("the property \"{}\" is the host's own", p.key));
            }
            let taxes = if *taxable {
                taxes(goods, price, order.taxes_included)
            } else {
                Vec::new()
            };
            let pieces = Decimal::from(*quantity);
            order.paid.amount += price.amount * pieces;
            if !order.taxes_included {
                order.paid.amount += taxes
                    .iter()
                    .map(|(.., m)| m.amount * pieces)
                    .sum::<Decimal>();
            }
            let taxes = (taxes.into_iter())
                .map(|(title, rate, mut m)| {
                    m.amount *= pieces;
                    (title, rate, m)
                })
                .collect();
            order.lines.push(NewLine {
                variant: None,
                title: title.trim().to_owned(),
                sku: None,
                quantity: *quantity,
                unit_price: price.clone(),
                taxable: *taxable,
                taxes,
                requires_shipping: false,
                properties: properties.clone(),
            });
            Ok(Some(format!(
                "line added: {quantity} x {} at {price}",
                title.trim()
            )))
        }
        Edit::SetShipping { title, code, price } => {
            if let Some(title) = title {
                check_title("the title of the shipping method", title)?;
            }
            if let Some(price) = price {
                check_price("the price of the shipping method", price, order)?;
            }
            let (old_title, old_code, old_price) = order.shipping_line.clone().unwrap_or((
                order.gateway.clone(),
                None,
                Money {
                    amount: Decimal::ZERO,
                    currency: order.currency.clone(),
                },
            ));
            let new = (
                title.as_ref().map_or(old_title, |t| t.trim().to_owned()),
                code.clone().or(old_code),
                price.clone().unwrap_or(old_price.clone()),
            );
            order.paid.amount += new.2.amount - old_price.amount;
            let words = format!("shipping method: {} at {}", new.0, new.2);
            let changed = order.shipping_line.as_ref() != Some(&new);
            order.shipping_line = Some(new);
            Ok(changed.then_some(words))
        }
        Edit::AddTag(tag) => {
            let tag = tag.trim();
            if tag.is_empty() || tag.chars().count() > LONGEST_TAG || tag.contains(',') {
                return Err(format!(
                    "the tag \"{tag}\": a tag has 1 to {LONGEST_TAG} characters and no comma"
                ));
            }
            if order.tags.iter().any(|t| t.eq_ignore_ascii_case(tag)) {
                return Ok(None);
            }
            if order.tags.len() == MOST_TAGS {
                return Err(format!("more than {MOST_TAGS} tags"));
            }
            order.tags.push(tag.to_owned());
            Ok(Some(format!("tag added: {tag}")))
        }
        Edit::AddNote(text) => {
            let text = text.trim();
            if text.is_empty() {
                return Ok(None);
            }
            if order.note.chars().count() + text.chars().count() >= LONGEST_NOTE {
                return Err(format!(
                    "the note becomes longer than {LONGEST_NOTE} characters"
                ));
            }
            order.note = format!("{}\n{text}", order.note);
            Ok(Some(format!("note added: {text}")))
        }
        Edit::SetAttribute(Fact { key, value }) => {
            check_title("the name of an attribute", key)?;
            if CHANNEL_ATTRIBUTES.contains(&key.as_str()) {
                return Err(format!("the attribute \"{key}\" is the host's own"));
            }
            match order.attributes.iter_mut().find(|a| a.key == *key) {
                Some(a) if a.value == *value => return Ok(None),
                Some(a) => a.value.clone_from(value),
                None => order.attributes.push(Fact {
                    key: key.clone(),
                    value: value.clone(),
                }),
            }
            Ok(Some(format!("attribute set: {key} = {value}")))
        }
    }
}

/// The taxes of the order's first taxed line, on another price: of one piece.
fn taxes(goods: &[NewLine], price: &Money, included: bool) -> Vec<(String, String, Money)> {
    let Some(line) = goods.iter().find(|l| !l.taxes.is_empty()) else {
        return Vec::new();
    };
    (line.taxes.iter())
        .filter_map(|(title, rate, _)| {
            let share: Decimal = rate.parse().ok()?;
            let base = if included {
                Decimal::ONE + share
            } else {
                Decimal::ONE
            };
            let amount = (price.amount * share / base).round_dp(2);
            Some((
                title.clone(),
                rate.clone(),
                Money {
                    amount,
                    currency: price.currency.clone(),
                },
            ))
        })
        .collect()
}

fn check_title(what: &str, title: &str) -> Result<(), String> {
    let length = title.trim().chars().count();
    if (1..=LONGEST_TITLE).contains(&length) && !title.chars().any(char::is_control) {
        return Ok(());
    }
    Err(format!(
        "{what} must have 1 to {LONGEST_TITLE} characters on one line; it has {length}"
    ))
}

fn check_price(what: &str, price: &Money, order: &NewOrder) -> Result<(), String> {
    if price.currency != order.currency {
        return Err(format!(
            "{what} is in {}, the order in {}",
            price.currency, order.currency
        ));
    }
    if price.amount < Decimal::ZERO {
        return Err(format!("{what} is negative: {price}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Address;

    fn aud(amount: &str) -> Money {
        Money {
            amount: amount.parse().unwrap(),
            currency: "AUD".into(),
        }
    }

    fn order() -> NewOrder {
        NewOrder {
            reference: "the-iconic:1".into(),
            name: "914".into(),
            note: "THE ICONIC order 914".into(),
            tags: vec!["marketplace".into()],
            source: "the-iconic".into(),
            attributes: vec![],
            currency: "AUD".into(),
            processed_at: Default::default(),
            taxes_included: true,
            customer: None,
            billing: Address::default(),
            shipping: None,
            lines: vec![NewLine {
                variant: Some("v".into()),
                title: "Tee".into(),
                sku: Some("A".into()),
                quantity: 1,
                unit_price: aud("22"),
                taxable: true,
                taxes: vec![("GST".into(), "0.1".into(), aud("2"))],
                requires_shipping: true,
                properties: vec![],
            }],
            shipping_line: Some(("express".into(), None, aud("8"))),
            paid: aud("30"),
            gateway: "THE ICONIC".into(),
            decrement: true,
            test: false,
        }
    }

    fn line(price: Money, quantity: u32) -> Edit {
        Edit::AddLine {
            title: "Sold on THE ICONIC".into(),
            quantity,
            price,
            taxable: true,
            properties: vec![],
        }
    }

    #[test]
    fn what_is_paid_follows_lines_and_shipping() {
        let edits = [
            line(aud("1.10"), 2),
            Edit::SetShipping {
                title: Some("AU express".into()),
                code: None,
                price: Some(aud("5")),
            },
        ];
        let (edited, told) = apply(&order(), &edits).unwrap();
        assert_eq!(edited.paid, aud("29.20"));
        assert_eq!(
            edited.lines[1].taxes,
            [("GST".into(), "0.1".into(), aud("0.20"))]
        );
        assert!(edited.lines[1].variant.is_none() && !edited.lines[1].requires_shipping);
        assert_eq!(
            told,
            [
                "line added: 2 x Sold on THE ICONIC at 1.10 AUD",
                "shipping method: AU express at 5.00 AUD"
            ]
        );
    }

    #[test]
    fn what_is_there_already_is_no_change() {
        let edits = [
            Edit::AddTag("Marketplace".into()),
            Edit::AddNote("  ".into()),
            Edit::SetShipping {
                title: Some("express".into()),
                code: None,
                price: None,
            },
        ];
        assert_eq!(apply(&order(), &edits).unwrap(), (order(), vec![]));
    }

    #[test]
    fn edits_that_make_no_sense_are_refused_and_nothing_is_changed() {
        let forged = Edit::AddLine {
            title: "x".into(),
            quantity: 1,
            price: aud("0"),
            taxable: false,
            properties: vec![Fact {
                key: LINE_PROPERTY.into(),
                value: "1".into(),
            }],
        };
        let foreign = Money {
            amount: Decimal::ONE,
            currency: "NZD".into(),
        };
        for (edit, why) in [
            (line(aud("-1"), 1), "negative"),
            (line(foreign, 1), "NZD"),
            (line(aud("1"), 0), "pieces"),
            (forged, "host's own"),
            (Edit::AddTag("a,b".into()), "comma"),
            (
                Edit::SetAttribute(Fact {
                    key: CHANNEL_ATTRIBUTES[0].into(),
                    value: "x".into(),
                }),
                "host's own",
            ),
            (Edit::AddNote("x".repeat(6_000)), "longer"),
        ] {
            let error = apply(&order(), &[Edit::AddTag("ok".into()), edit]).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        let many = vec![line(aud("0"), 1); MOST_LINES + 1];
        assert!(apply(&order(), &many).is_err());
    }
}
