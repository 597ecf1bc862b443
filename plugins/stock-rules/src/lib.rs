//! Holds stock back by rules: shares, buffers, ceilings and floors, by SKU pattern.

use lockstep_sdk::prelude::*;
use lockstep_sdk::stock_edits::Position;

/// The extra.
pub struct StockRules;

impl StockEdits for StockRules {
    fn adjust(cx: ExtraCx<'_>, positions: Vec<Position>) -> Result<Vec<u32>, String> {
        let rules = read(&cx.setting("rules").unwrap_or_default())?;
        let offer = |p: &Position| {
            let rule = rules.iter().find(|r| fits(&r.pattern, &p.sku));
            rule.map_or(p.sellable, |r| r.offer(p.sellable))
        };
        Ok(positions.iter().map(offer).collect())
    }
}

extra!(StockRules: stock_edits);

#[derive(Debug, Default, PartialEq)]
struct Rule {
    pattern: String,
    share: Option<u32>,
    buffer: u32,
    ceiling: Option<u32>,
    floor: u32,
}

impl Rule {
    /// In this order: the share of the stock, less the buffer, at most the ceiling, and nothing below the floor.
    fn offer(&self, sellable: u32) -> u32 {
        let shared = match self.share {
            // Rounded down: a piece that is not whole is not offered.
            Some(percent) => u64::from(sellable) * u64::from(percent) / 100,
            None => u64::from(sellable),
        };
        let left = u32::try_from(shared)
            .unwrap_or(u32::MAX)
            .saturating_sub(self.buffer);
        let left = left.min(self.ceiling.unwrap_or(u32::MAX));
        if left < self.floor { 0 } else { left }
    }
}

fn read(text: &str) -> Result<Vec<Rule>, String> {
    let rows = text.split(';').map(str::trim).filter(|r| !r.is_empty());
    rows.map(read_rule).collect()
}

fn read_rule(row: &str) -> Result<Rule, String> {
    let wrong = |why: &str| format!("the rule \"{row}\": {why}");
    // SKUs may hold colons; what holds for them does not.
    let (pattern, terms) = row
        .rsplit_once(':')
        .ok_or_else(|| wrong("it must be PATTERN: TERM, TERM"))?;
    let mut rule = Rule {
        pattern: pattern.trim().to_owned(),
        ..Rule::default()
    };
    if rule.pattern.is_empty() {
        return Err(wrong("it has no pattern; * fits every SKU"));
    }
    for term in terms.split(',').map(str::trim) {
        let (word, number) = term
            .split_once(char::is_whitespace)
            .ok_or_else(|| wrong(&format!("\"{term}\" is not a word and a number")))?;
        let number = number.trim();
        let whole = |text: &str| {
            text.parse::<u32>()
                .map_err(|_| wrong(&format!("\"{number}\" is not a whole number")))
        };
        match word {
            "share" => {
                let percent = whole(number.strip_suffix('%').unwrap_or(number).trim())?;
                if percent > 100 {
                    return Err(wrong("a share is 0 to 100 %"));
                }
                rule.share = Some(percent);
            }
            "buffer" => rule.buffer = whole(number)?,
            "ceiling" => rule.ceiling = Some(whole(number)?),
            "floor" => rule.floor = whole(number)?,
            _ => {
                return Err(wrong(&format!(
                    "\"{word}\" is not one of share, buffer, ceiling and floor"
                )));
            }
        }
    }
    Ok(rule)
}

/// Whether a SKU fits a pattern in which `*` stands for anything.
fn fits(pattern: &str, sku: &str) -> bool {
    let parts: Vec<&str> = pattern.split('*').collect();
    let [first, middle @ .., last] = parts.as_slice() else {
        return pattern == sku;
    };
    let Some(mut rest) = sku.strip_prefix(first) else {
        return false;
    };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use lockstep_sdk::testing::Fake;

    use super::*;

    fn adjust(rules: &str, stock: &[(&str, u32)]) -> Result<Vec<u32>, String> {
        let fake = Fake::closed().set("rules", rules);
        let positions = stock
            .iter()
            .map(|(sku, sellable)| Position {
                listing: (*sku).into(),
                sku: (*sku).into(),
                title: String::new(),
                sellable: *sellable,
                facts: Vec::new(),
            })
            .collect();
        StockRules::adjust(fake.extra_cx(), positions)
    }

    #[test]
    fn the_first_pattern_that_fits_counts() {
        let rules = "SALE-*: share 50%, ceiling 20; *-XXL: buffer 2; *: floor 3";
        let stock = [
            ("SALE-1", 9),
            ("SALE-2", 90),
            ("TEE-XXL", 5),
            ("TEE-M", 2),
            ("TEE-L", 3),
        ];
        assert_eq!(adjust(rules, &stock).unwrap(), [4, 20, 3, 0, 3]);
    }

    #[test]
    fn terms_apply_in_a_fixed_order() {
        let all = "*: floor 3, ceiling 5, buffer 1, share 50";
        assert_eq!(
            adjust(all, &[("A", 20), ("B", 9), ("C", 7)]).unwrap(),
            [5, 3, 0]
        );
    }

    #[test]
    fn without_rules_nothing_is_held_back() {
        assert_eq!(adjust(" ; ", &[("A", 7)]).unwrap(), [7]);
        assert_eq!(
            adjust("B*: share 0", &[("A", u32::MAX)]).unwrap(),
            [u32::MAX]
        );
    }

    #[test]
    fn patterns() {
        for (pattern, sku, wanted) in [
            ("A", "A", true),
            ("A", "AB", false),
            ("*", "", true),
            ("A*B", "AB", true),
            ("A*B", "A-x-B", true),
            ("A*A", "A", false),
            ("*é*", "café-1", true),
            ("A*B*C", "A1C1B1C", true),
            ("K:S-*", "K:S-1", true),
        ] {
            assert_eq!(fits(pattern, sku), wanted, "{pattern} {sku}");
        }
        assert_eq!(adjust("K:S-*: buffer 1", &[("K:S-1", 4)]).unwrap(), [3]);
    }

    #[test]
    fn a_rule_that_makes_no_sense_is_told() {
        for (rules, why) in [
            ("SALE-*", "PATTERN"),
            (": buffer 1", "no pattern"),
            ("*: buffer", "a word and a number"),
            ("*: buffer x", "whole number"),
            ("*: share 101%", "0 to 100"),
            ("*: burn 1", "\"burn\""),
        ] {
            let error = adjust(rules, &[]).unwrap_err();
            assert!(error.contains(why), "{rules}: {error}");
        }
    }
}
