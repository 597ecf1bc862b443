//! What extras made of an order, as a difference.

use serde::Serialize;
use similar::{Algorithm, ChangeTag, capture_diff_slices};
use utoipa::ToSchema;

use crate::model::{ExtraStep, NewOrder};

/// What extras made of an order on its way into Shopify.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Edited {
    /// What each extra did, in their order.
    pub steps: Vec<ExtraStep>,
    /// The parts of the order, before and after.
    pub parts: Vec<EditedPart>,
}

/// One part of an order before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EditedPart {
    /// `lines`, `shipping`, `paid`, `tags`, `note` or `attributes`.
    pub name: String,
    /// Its rows.
    pub rows: Vec<EditedRow>,
}

impl EditedPart {
    /// Whether it is another than without extras.
    pub fn changed(&self) -> bool {
        self.rows.iter().any(|r| r.sign != Sign::Same)
    }
}

/// Whether a row is there before, after, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sign {
    /// Before and after.
    Same,
    /// After only.
    Added,
    /// Before only.
    Removed,
}

/// A row of a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EditedRow {
    /// Where it is.
    pub sign: Sign,
    /// What it says.
    pub text: String,
}

/// Compares an order before and after its extras. Without `personal`, what may hold the buyer's words is left out.
pub fn edited(
    before: &NewOrder,
    steps: Vec<ExtraStep>,
    after: &NewOrder,
    personal: bool,
) -> Edited {
    let private = |name: &str| !personal && matches!(name, "note" | "attributes");
    let parts = (look(before).into_iter().zip(look(after)))
        .filter(|((name, was), (_, is))| !(private(name) || was.is_empty() && is.is_empty()))
        .map(|((name, was), (_, is))| EditedPart {
            name: name.to_owned(),
            rows: compared(&was, &is),
        })
        .collect();
    let steps = (steps.into_iter())
        .map(|mut step| {
            for words in step.edits.iter_mut().filter(|_| !personal) {
                if let Some(kept) = ["note added", "attribute set"]
                    .into_iter()
                    .find(|w| words.starts_with(w))
                {
                    words.truncate(kept.len());
                }
            }
            step
        })
        .collect();
    Edited { steps, parts }
}

fn compared(was: &[String], is: &[String]) -> Vec<EditedRow> {
    capture_diff_slices(Algorithm::Myers, was, is)
        .iter()
        .flat_map(|op| op.iter_changes(was, is))
        .map(|change| EditedRow {
            sign: match change.tag() {
                ChangeTag::Equal => Sign::Same,
                ChangeTag::Insert => Sign::Added,
                ChangeTag::Delete => Sign::Removed,
            },
            text: change.value(),
        })
        .collect()
}

/// The parts of an order that extras can change, each as rows.
fn look(order: &NewOrder) -> [(&'static str, Vec<String>); 6] {
    let lines = (order.lines.iter())
        .map(|l| {
            let what = l.sku.as_deref().unwrap_or(&l.title);
            format!("{} x {what} at {}", l.quantity, l.unit_price)
        })
        .collect();
    let shipping = order.shipping_line.iter().map(|(title, code, price)| {
        let code = code.as_deref().map(|c| format!(" ({c})"));
        format!("{title}{} at {price}", code.unwrap_or_default())
    });
    let attributes = order.attributes.iter();
    [
        ("lines", lines),
        ("shipping", shipping.collect()),
        ("paid", vec![order.paid.to_string()]),
        ("tags", order.tags.clone()),
        ("note", order.note.lines().map(str::to_owned).collect()),
        (
            "attributes",
            attributes
                .map(|a| format!("{}: {}", a.key, a.value))
                .collect(),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Address, Edit, Money};
    use crate::sync::extras::apply;

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
            note: "THE ICONIC order 914\nBuyer's note: ring twice".into(),
            tags: vec!["marketplace".into()],
            source: "the-iconic".into(),
            attributes: vec![],
            currency: "AUD".into(),
            processed_at: Default::default(),
            taxes_included: true,
            customer: None,
            billing: Address::default(),
            shipping: None,
            lines: vec![],
            shipping_line: Some(("express".into(), None, aud("8"))),
            paid: aud("30"),
            gateway: "THE ICONIC".into(),
            decrement: true,
            test: false,
        }
    }

    fn made(personal: bool) -> Edited {
        let before = order();
        let edits = [
            Edit::AddTag("west".into()),
            Edit::AddNote("leave with Marlo".into()),
            Edit::SetShipping {
                title: Some("AU express".into()),
                code: None,
                price: None,
            },
        ];
        let (after, told) = apply(&before, &edits).unwrap();
        let step = ExtraStep {
            name: "where".into(),
            plugin: "order-tags 1.0.0".into(),
            digest: String::new(),
            edits: told,
            error: None,
        };
        edited(&before, vec![step], &after, personal)
    }

    #[test]
    fn what_is_another_is_told_row_by_row() {
        let made = made(true);
        let all: Vec<&str> = made.parts.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(all, ["shipping", "paid", "tags", "note"]);
        let changed: Vec<&EditedPart> = made.parts.iter().filter(|p| p.changed()).collect();
        assert_eq!(changed.len(), 3, "nothing is paid for a tag");
        let rows: Vec<(Sign, &str)> = (changed.iter().flat_map(|p| &p.rows))
            .map(|r| (r.sign, r.text.as_str()))
            .collect();
        assert_eq!(
            rows,
            [
                (Sign::Removed, "express at 8.00 AUD"),
                (Sign::Added, "AU express at 8.00 AUD"),
                (Sign::Same, "marketplace"),
                (Sign::Added, "west"),
                (Sign::Same, "THE ICONIC order 914"),
                (Sign::Same, "Buyer's note: ring twice"),
                (Sign::Added, "leave with Marlo"),
            ]
        );
    }

    #[test]
    fn the_buyers_words_are_not_for_everybody() {
        let text = serde_json::to_string(&made(false)).unwrap();
        assert!(
            text.contains("west") && text.contains("\"note added\""),
            "{text}"
        );
        assert!(
            !text.contains("Marlo") && !text.contains("ring twice"),
            "{text}"
        );
    }
}
