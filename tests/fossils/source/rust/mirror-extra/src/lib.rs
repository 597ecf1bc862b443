//! An extra that shows the host what reached it. Its twins in the other languages answer exactly the same.

use lockstep_sdk::bundles::{Candidate, Part};
use lockstep_sdk::order_edits::{Draft, DraftLine, Edit, NewLine, NewShipping, Shipping};
use lockstep_sdk::prelude::*;
use lockstep_sdk::stock_edits::Position;

struct Mirror;

extra!(Mirror: order_edits, stock_edits, bundles);

/// What is not there is a dash.
fn or_dash(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or("-")
}

fn told(facts: &[Fact]) -> String {
    let pairs: Vec<_> = facts
        .iter()
        .map(|f| format!("{}={}", f.key, f.value))
        .collect();
    pairs.join(",")
}

fn of_address(a: &Address) -> String {
    let fields = [
        &a.name,
        &a.first_name,
        &a.last_name,
        &a.company,
        &a.suburb,
        &a.city,
        &a.region,
        &a.postcode,
    ];
    let more = [&a.country, &a.country_as_given, &a.email, &a.instructions];
    let texts: Vec<_> = fields.into_iter().chain(more).map(or_dash).collect();
    format!(
        "{}|{}|{}|{}",
        texts.join("|"),
        a.lines.join("/"),
        a.phones.join("/"),
        a.masked
    )
}

fn of_line(l: &DraftLine) -> String {
    format!(
        "{}|{}|{}|{} {}|{}|{}",
        or_dash(&l.sku),
        l.title,
        l.quantity,
        l.price.amount,
        l.price.currency,
        l.matched,
        told(&l.properties)
    )
}

impl OrderEdits for Mirror {
    fn edits(cx: ExtraCx<'_>, draft: Draft) -> Result<Vec<Edit>, String> {
        if cx.flag("fail") {
            return Err(format!("no edits of {}", draft.number));
        }
        let head = [
            draft.channel.as_str(),
            &draft.channel_title,
            &draft.number,
            &draft.placed_at,
            or_dash(&draft.country),
            or_dash(&draft.service),
            or_dash(&draft.service_label),
            or_dash(&draft.buyer_note),
            or_dash(&draft.gift_message),
            &draft.currency,
            &draft.tags.join("/"),
        ];
        let price = Money {
            amount: "1.50".into(),
            currency: draft.currency.clone(),
        };
        let with = NewLine {
            title: head.join("|"),
            quantity: draft.lines.len() as u32,
            price: price.clone(),
            taxable: draft.tax_included,
            properties: draft.attributes,
        };
        let without = NewLine {
            title: "bare".into(),
            quantity: 1,
            price,
            taxable: !draft.tax_included,
            properties: Vec::new(),
        };
        let shipping = match draft.shipping {
            Some(Shipping { title, code, price }) => NewShipping {
                title: Some(title),
                code,
                price: Some(price),
            },
            None => NewShipping {
                title: None,
                code: None,
                price: None,
            },
        };
        let lines: Vec<_> = draft.lines.iter().map(of_line).collect();
        let to = draft.ship_to.as_ref().map_or("-".to_owned(), of_address);
        Ok(vec![
            Edit::AddLine(with),
            Edit::AddLine(without),
            Edit::SetShipping(shipping),
            Edit::AddTag(lines.join("; ")),
            Edit::AddNote(format!("{}; {to}", draft.note)),
            Edit::SetAttribute(Fact::new("facts", told(&draft.facts))),
        ])
    }
}

impl StockEdits for Mirror {
    fn adjust(cx: ExtraCx<'_>, positions: Vec<Position>) -> Result<Vec<u32>, String> {
        if cx.flag("fail") {
            let echo: Vec<_> = (positions.iter())
                .map(|p| {
                    format!(
                        "{}|{}|{}|{}|{}",
                        p.listing,
                        p.sku,
                        p.title,
                        p.sellable,
                        told(&p.facts)
                    )
                })
                .collect();
            return Err(echo.join("; "));
        }
        Ok(positions.iter().map(|p| p.sellable / 2).collect())
    }
}

impl Bundles for Mirror {
    fn parts(cx: ExtraCx<'_>, candidates: Vec<Candidate>) -> Result<Vec<Vec<Part>>, String> {
        if cx.flag("fail") {
            return Err(format!("no parts of {}", candidates.len()));
        }
        let parts = |c: &Candidate| match c.facts.is_empty() {
            true => Vec::new(),
            false => vec![
                Part {
                    sku: c.sku.clone(),
                    quantity: 2,
                    price_weight: i32::MAX as u32,
                },
                Part {
                    sku: format!("{}|{}|{}", c.listing, c.title, told(&c.facts)),
                    quantity: 1,
                    price_weight: 0,
                },
            ],
        };
        Ok(candidates.iter().map(parts).collect())
    }
}
