//! Filling templates of settings with what an order tells.

use crate::order_edits::Draft;

/// Fills in `{channel}`, `{channel-key}`, `{number}`, `{country}`, `{service}` and `{fact:NAME}`. What the order does not
/// tell becomes nothing; braces around anything else stay.
pub fn fill(template: &str, draft: &Draft) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(start) = rest.find('{') {
        filled.push_str(&rest[..start]);
        let after = &rest[start + 1..];
        let Some(end) = after.find('}') else {
            filled.push_str(&rest[start..]);
            return filled;
        };
        match value(&after[..end], draft) {
            Some(value) => filled.push_str(&value),
            None => filled.push_str(&rest[start..start + end + 2]),
        }
        rest = &after[end + 1..];
    }
    filled.push_str(rest);
    filled
}

fn value(name: &str, draft: &Draft) -> Option<String> {
    Some(match name {
        "channel" => draft.channel_title.clone(),
        "channel-key" => draft.channel.clone(),
        "number" => draft.number.clone(),
        "country" => draft.country.clone().unwrap_or_default(),
        "service" => draft.service_label.clone().unwrap_or_default(),
        _ => {
            let key = name.strip_prefix("fact:")?;
            let fact = draft.facts.iter().find(|f| f.key == key);
            fact.map(|f| f.value.clone()).unwrap_or_default()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::draft;

    #[test]
    fn only_what_is_known_is_filled_in() {
        let draft = draft();
        assert_eq!(
            fill("{channel} {number} {country} {fact:voucher}!", &draft),
            "THE ICONIC 914002771 AU SUMMER!"
        );
        assert_eq!(fill("{other} {", &draft), "{other} {");
        assert_eq!(fill("{fact:none}", &draft), "");
    }
}
