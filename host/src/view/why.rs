//! Why a SKU has its number on a channel, in one sentence.

use crate::sync::stock::StockChange;

/// Where a number stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stand<'a> {
    /// The channel has it.
    There,
    /// The channel has another one, which will be replaced.
    Other(u32),
    /// Nobody knows what the channel has.
    Unknown,
    /// It was sent, and the channel has not said that it is there.
    OnItsWay,
    /// The channel does not take it, in these words.
    Refused(&'a str),
}

/// What makes a number.
pub(super) struct Sum<'a> {
    /// The channel's title.
    pub channel: &'a str,
    /// The number with its inputs.
    pub number: &'a StockChange,
    /// Of a bundle: the part that allows the least, and how many of it make one.
    pub pieces: Option<(&'a str, u32)>,
    /// Names of the locations that count.
    pub places: &'a [&'a str],
}

/// The number of a linked listing; `when` it is written if it is to be.
pub(super) fn number(sum: &Sum<'_>, stand: Stand<'_>, when: &str) -> String {
    let (channel, to) = (sum.channel, sum.number.to);
    let begin = match stand {
        Stand::There => format!("{channel} has {to}, as it should"),
        Stand::Other(from) => format!("{channel} has {from} and gets {to} {when}"),
        Stand::Unknown => {
            format!("what {channel} has is not known for sure, so {to} is written {when}")
        }
        Stand::OnItsWay => {
            format!("{to} is on its way to {channel}, which has not said yet that it is there")
        }
        Stand::Refused(why) => format!("{channel} does not take {to} ({why})"),
    };
    format!("{}: {}.", capital(&begin), terms(sum))
}

/// The sum behind a number.
fn terms(sum: &Sum<'_>) -> String {
    let (channel, number) = (sum.channel, sum.number);
    let of = (sum.pieces).map_or(String::new(), |(part, _)| format!(" of {part}"));
    let mut terms = vec![format!(
        "{}{of} available {}",
        number.available,
        at(sum.places)
    )];
    let mut left = number.available;
    if number.unseen > 0 {
        terms.push(format!(
            "less {} sold that this does not contain yet",
            number.unseen
        ));
        left -= number.unseen;
    }
    if number.buffer > 0 {
        terms.push(format!("less your buffer of {}", number.buffer));
        left -= i64::from(number.buffer);
    }
    if left < 0 {
        terms.push("which is less than nothing and counts as 0".to_owned());
    }
    if let Some((_, pieces)) = sum.pieces.filter(|(_, pieces)| *pieces > 1) {
        let made = left.max(0) / i64::from(pieces);
        terms.push(format!(
            "of which {pieces} make one, so that there are {made}"
        ));
    }
    if number.withheld > 0 {
        terms.push(format!("less {} held back by extras", number.withheld));
    }
    if number.reserved > 0 {
        terms.push(format!(
            "plus {} that {channel} holds back by itself for its open orders",
            number.reserved
        ));
    }
    terms.join(", ")
}

fn at(places: &[&str]) -> String {
    match places {
        [] => "in the shop".to_owned(),
        [one] => format!("in the shop at {one}"),
        [one, other] => format!("in the shop at {one} and {other}"),
        many => format!("in the shop over {} locations", many.len()),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change() -> StockChange {
        StockChange {
            listing: "1".into(),
            sku: "A".into(),
            from: Some(5),
            to: 7,
            part: None,
            available: 7,
            unseen: 0,
            buffer: 0,
            withheld: 0,
            reserved: 0,
        }
    }

    fn told(
        channel: &str,
        number: &StockChange,
        pieces: Option<(&str, u32)>,
        places: &[&str],
        stand: Stand<'_>,
    ) -> String {
        let sum = Sum {
            channel,
            number,
            pieces,
            places,
        };
        super::number(&sum, stand, "in the next cycle")
    }

    #[test]
    fn what_takes_no_part_in_the_sum_is_not_named() {
        let text = told("THE ICONIC", &change(), None, &["Sydney"], Stand::There);
        assert_eq!(
            text,
            "THE ICONIC has 7, as it should: 7 available in the shop at Sydney."
        );
    }

    #[test]
    fn every_term_of_the_sum_is_named() {
        let full = StockChange {
            available: 9,
            unseen: 2,
            buffer: 1,
            withheld: 3,
            reserved: 4,
            ..change()
        };
        let text = told("M", &full, None, &["Sydney", "Perth"], Stand::Other(5));
        assert_eq!(
            text,
            "M has 5 and gets 7 in the next cycle: 9 available in the shop at Sydney and Perth, less 2 sold that this does not \
             contain yet, less your buffer of 1, less 3 held back by extras, plus 4 that M holds back by itself for its open orders."
        );
    }

    #[test]
    fn a_shortage_and_a_bundle_are_explained() {
        let short = StockChange {
            to: 0,
            available: 1,
            unseen: 3,
            ..change()
        };
        let text = told("M", &short, None, &[], Stand::Unknown);
        assert!(
            text.starts_with("What M has is not known for sure, so 0 is written"),
            "{text}"
        );
        assert!(text.contains("less than nothing and counts as 0"), "{text}");
        let set = StockChange {
            to: 2,
            available: 8,
            part: Some("3 x B".into()),
            ..change()
        };
        let text = told(
            "M",
            &set,
            Some(("B", 3)),
            &[],
            Stand::Refused("no such offer"),
        );
        assert_eq!(
            text,
            "M does not take 2 (no such offer): 8 of B available in the shop, of which 3 make one, so that there are 2."
        );
    }
}
