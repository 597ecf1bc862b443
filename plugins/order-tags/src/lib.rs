//! Adds tags, note lines and attributes to orders, from templates.

use lockstep_sdk::order_edits::{Draft, Edit};
use lockstep_sdk::prelude::*;

/// Longest tag that Shopify takes, in characters.
const LONGEST_TAG: usize = 40;

/// The extra.
pub struct OrderTags;

impl OrderEdits for OrderTags {
    fn edits(cx: ExtraCx<'_>, draft: Draft) -> Result<Vec<Edit>, String> {
        let parts = |key: &str, separator: char| -> Vec<String> {
            let text = cx.setting(key).unwrap_or_default();
            text.split(separator)
                .map(|part| part.trim().to_owned())
                .filter(|part| !part.is_empty())
                .collect()
        };
        let mut edits = Vec::new();
        for template in parts("tags", ',') {
            // What is filled in may hold a comma, which would make two tags of one.
            let tag = fill(&template, &draft).replace(',', " ");
            let tag: String = tag.trim().chars().take(LONGEST_TAG).collect();
            if !tag.is_empty() {
                edits.push(Edit::AddTag(tag));
            }
        }
        for template in parts("note", '|') {
            let line = fill(&template, &draft);
            if !line.trim().is_empty() {
                edits.push(Edit::AddNote(line.trim().to_owned()));
            }
        }
        for pair in parts("attributes", ';') {
            let Some((name, template)) = pair.split_once('=') else {
                return Err(format!(
                    "the setting attributes holds \"{pair}\", which is not NAME=VALUE"
                ));
            };
            let value = fill(template.trim(), &draft);
            if !value.trim().is_empty() {
                edits.push(Edit::SetAttribute(Fact::new(name.trim(), value.trim())));
            }
        }
        Ok(edits)
    }
}

extra!(OrderTags: order_edits);

#[cfg(test)]
mod tests {
    use lockstep_sdk::testing::{Fake, draft};

    use super::*;

    #[test]
    fn templates_are_filled_and_what_is_empty_is_left_out() {
        let fake = Fake::closed()
            .set("tags", "{channel-key}-{country}, {fact:none} ,{service}")
            .set("note", "Pack for {channel} | {fact:none}")
            .set("attributes", "Site={country}; Nothing={fact:none}");
        let edits = OrderTags::edits(fake.extra_cx(), draft()).unwrap();
        assert_eq!(
            edits,
            [
                Edit::AddTag("the-iconic-AU".into()),
                Edit::AddTag("express".into()),
                Edit::AddNote("Pack for THE ICONIC".into()),
                Edit::SetAttribute(Fact::new("Site", "AU")),
            ]
        );
    }

    #[test]
    fn an_attribute_without_value_is_told() {
        let fake = Fake::closed().set("attributes", "Warehouse");
        let error = OrderTags::edits(fake.extra_cx(), draft()).unwrap_err();
        assert!(error.contains("\"Warehouse\""));
    }
}
