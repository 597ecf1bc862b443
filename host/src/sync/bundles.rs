//! Listings that are sold as one and kept in the shop as several.

use std::collections::BTreeSet;

use rust_decimal::{Decimal, RoundingStrategy};

use crate::model::{Money, Part};

/// More pieces than this in one bundle are a slip of whoever wrote the recipe.
const MOST_PIECES: u32 = 1_000;

/// Currencies without a smaller unit, ISO 4217.
const WHOLE: [&str; 15] = [
    "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF",
    "XOF", "XPF",
];

/// Why these cannot be the parts of a bundle, if so.
pub fn check(sku: &str, parts: &[Part]) -> Result<(), String> {
    let refuse = |why: String| Err(format!("the bundle \"{sku}\" {why}"));
    let mut seen = BTreeSet::new();
    let mut pieces = 0u32;
    for part in parts {
        if part.sku.trim().is_empty() {
            return refuse("has a part without SKU".into());
        }
        if part.pieces == 0 {
            return refuse(format!("has 0 of \"{}\"", part.sku));
        }
        if !seen.insert(&part.sku) {
            return refuse(format!("names \"{}\" twice", part.sku));
        }
        pieces = pieces.saturating_add(part.pieces);
    }
    if pieces > MOST_PIECES {
        return refuse(format!(
            "has {pieces} pieces, more than the {MOST_PIECES} that are taken for meant"
        ));
    }
    if !parts.is_empty() && parts.iter().all(|p| p.weight == 0) {
        return refuse("gives no part any of its price".into());
    }
    Ok(())
}

/// Pieces of one part that cost the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// Index of the part.
    pub part: usize,
    /// How many, in one bundle.
    pub pieces: u32,
    /// Of one piece.
    pub price: Decimal,
}

/// Splits the price of one bundle over its pieces by weight. The shares add up to the price to the last digit: what
/// cannot be divided falls on the first pieces, one smallest unit each.
pub fn split(price: &Money, parts: &[Part]) -> Vec<Share> {
    let digits = if WHOLE.contains(&price.currency.as_str()) {
        0
    } else {
        2
    };
    let smallest = Decimal::new(1, digits);
    let all: Decimal = (parts.iter())
        .map(|p| Decimal::from(p.weight) * Decimal::from(p.pieces))
        .sum();
    let of = |part: &Part| {
        let share = match all.is_zero() {
            true => Decimal::ZERO,
            false => price.amount * Decimal::from(part.weight) / all,
        };
        share.round_dp_with_strategy(digits, RoundingStrategy::ToZero)
    };
    let mut rest = price.amount
        - (parts.iter())
            .map(|p| of(p) * Decimal::from(p.pieces))
            .sum::<Decimal>();
    let mut shares: Vec<Share> = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        for _ in 0..part.pieces {
            let more = match rest >= smallest {
                true => smallest,
                // The marketplace's own price has more digits than its currency.
                false => rest,
            };
            rest -= more;
            let price = of(part) + more;
            match shares.last_mut() {
                Some(last) if last.part == at && last.price == price => last.pieces += 1,
                _ => shares.push(Share {
                    part: at,
                    pieces: 1,
                    price,
                }),
            }
        }
    }
    shares
}

/// Splits an amount in proportion to others, to the cent; the last one takes what rounding leaves.
pub fn in_proportion(amount: Decimal, to: &[Decimal]) -> Vec<Decimal> {
    let all: Decimal = to.iter().sum();
    let mut left = amount;
    let last = to.len().saturating_sub(1);
    (to.iter().enumerate())
        .map(|(at, one)| {
            let share = match (at == last, all.is_zero()) {
                (true, _) => left,
                (false, true) => Decimal::ZERO,
                (false, false) => (amount * one / all).round_dp(2),
            };
            left -= share;
            share
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(sku: &str, pieces: u32, weight: u32) -> Part {
        Part {
            sku: sku.into(),
            pieces,
            weight,
        }
    }

    fn money(amount: &str, currency: &str) -> Money {
        Money {
            amount: amount.parse().unwrap(),
            currency: currency.into(),
        }
    }

    fn shares(amount: &str, currency: &str, parts: &[Part]) -> Vec<(usize, u32, String)> {
        let shares = split(&money(amount, currency), parts);
        let sum: Decimal = (shares.iter())
            .map(|s| s.price * Decimal::from(s.pieces))
            .sum();
        assert_eq!(sum, amount.parse().unwrap(), "nothing is lost");
        (shares.into_iter())
            .map(|s| (s.part, s.pieces, s.price.normalize().to_string()))
            .collect()
    }

    #[test]
    fn a_price_is_split_by_weight_and_to_the_last_cent() {
        let pair = [part("A", 1, 1), part("B", 2, 1)];
        assert_eq!(
            shares("10.00", "AUD", &pair),
            [(0, 1, "3.34".into()), (1, 2, "3.33".into())]
        );
        assert_eq!(
            shares("10.00", "AUD", &[part("A", 1, 70), part("B", 2, 15)]),
            [(0, 1, "7".into()), (1, 2, "1.5".into())]
        );
        assert_eq!(
            shares("0.02", "AUD", &[part("A", 3, 1)]),
            [(0, 2, "0.01".into()), (0, 1, "0".into())]
        );
        assert_eq!(
            shares("1000", "JPY", &pair),
            [(0, 1, "334".into()), (1, 2, "333".into())]
        );
        assert_eq!(
            shares("3.335", "AUD", &[part("A", 1, 1)]),
            [(0, 1, "3.335".into())]
        );
    }

    #[test]
    fn a_recipe_that_makes_no_sense_is_named() {
        assert!(check("S", &[part("A", 1, 1), part("B", 2, 0)]).is_ok());
        for (parts, why) in [
            (vec![part("A", 0, 1)], "has 0 of \"A\""),
            (vec![part(" ", 1, 1)], "without SKU"),
            (vec![part("A", 1, 1), part("A", 1, 1)], "names \"A\" twice"),
            (vec![part("A", 1, 0)], "gives no part any of its price"),
            (vec![part("A", u32::MAX, 1), part("B", 9, 1)], "pieces"),
        ] {
            let text = check("S", &parts).unwrap_err();
            assert!(text.contains("\"S\"") && text.contains(why), "{text}");
        }
    }

    #[test]
    fn taxes_follow_the_amounts() {
        let tax = |text: &str| text.parse::<Decimal>().unwrap();
        assert_eq!(
            in_proportion(tax("0.91"), &[tax("3.34"), tax("6.66")]),
            [tax("0.30"), tax("0.61")]
        );
        assert_eq!(
            in_proportion(tax("0.91"), &[tax("0"), tax("0")]),
            [tax("0"), tax("0.91")]
        );
    }
}
