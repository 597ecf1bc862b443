//! Two SKUs that nearly agree, side by side: where they differ, and what cannot be seen.

use serde::Serialize;
use similar::{ChangeTag, TextDiff};
use utoipa::ToSchema;

/// A SKU of the shop and one of the channel that nearly agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct NearMiss {
    /// The shop's SKU, in pieces.
    pub shop: Vec<Piece>,
    /// The channel's SKU, in pieces.
    pub channel: Vec<Piece>,
    /// What differs, in words.
    pub differences: Vec<String>,
}

/// A part of a SKU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Piece {
    /// Its characters.
    pub text: String,
    /// The other side does not have them here.
    pub differs: bool,
    /// What it is, where its characters cannot be seen or told apart.
    pub name: Option<String>,
}

/// Marks where the two differ.
pub fn near(shop: &str, channel: &str) -> NearMiss {
    let mut found = NearMiss {
        shop: Vec::new(),
        channel: Vec::new(),
        differences: Vec::new(),
    };
    let diff = TextDiff::from_chars(shop, channel);
    let (mut ours, mut theirs) = (Differing::default(), Differing::default());
    let mut at = 0;
    for change in diff.iter_all_changes() {
        let c = change.value().chars().next().unwrap_or_default();
        match change.tag() {
            ChangeTag::Equal => {
                found.differences.extend(words(&mut ours, &mut theirs));
                push(&mut found.shop, c, false, shop, at);
                push(
                    &mut found.channel,
                    c,
                    false,
                    channel,
                    change.new_index().unwrap_or(0),
                );
                at += 1;
            }
            ChangeTag::Delete => {
                ours.add(c, place(shop, at));
                push(&mut found.shop, c, true, shop, at);
                at += 1;
            }
            ChangeTag::Insert => {
                let at = change.new_index().unwrap_or(0);
                theirs.add(c, place(channel, at));
                push(&mut found.channel, c, true, channel, at);
            }
        }
    }
    found.differences.extend(words(&mut ours, &mut theirs));
    found
}

impl Piece {
    /// A SKU by itself, in pieces: what cannot be seen in it, or is easily taken for another character, is marked and
    /// named.
    pub fn of(sku: &str) -> Vec<Self> {
        let mut pieces = Vec::new();
        for (at, c) in sku.chars().enumerate() {
            let usual = match c {
                '-' | '_' => true,
                ' ' => place(sku, at) == Place::Within,
                c => name(c, Place::Within).is_none(),
            };
            push(&mut pieces, c, !usual, sku, at);
        }
        pieces
    }
}

/// Characters that only one side has, between two that both have.
#[derive(Default)]
struct Differing {
    text: String,
    names: Vec<String>,
}

impl Differing {
    fn add(&mut self, c: char, place: Place) {
        self.text.push(c);
        self.names
            .push(name(c, place).unwrap_or_else(|| format!("\"{c}\"")));
    }

    fn told(&self) -> String {
        match self.names.as_slice() {
            [one] => one.clone(),
            _ if self.text.chars().all(|c| name(c, Place::Within).is_none()) => {
                format!("\"{}\"", self.text)
            }
            several => several.join(", "),
        }
    }
}

/// One difference in words, if there is one; both sides begin anew.
fn words(ours: &mut Differing, theirs: &mut Differing) -> Option<String> {
    let (ours, theirs) = (std::mem::take(ours), std::mem::take(theirs));
    let same_letters = ours.text.to_lowercase() == theirs.text.to_lowercase();
    Some(match (ours.text.as_str(), theirs.text.as_str()) {
        ("", "") => return None,
        (_, "") => format!("only the shop has {}", ours.told()),
        ("", _) => format!("only the channel has {}", theirs.told()),
        (shop, channel) if same_letters => format!(
            "\"{shop}\" in the shop, \"{channel}\" at the channel: capital and small letters"
        ),
        _ => format!(
            "{} in the shop, {} at the channel",
            ours.told(),
            theirs.told()
        ),
    })
}

fn push(pieces: &mut Vec<Piece>, c: char, differs: bool, whole: &str, at: usize) {
    let name = differs.then(|| name(c, place(whole, at))).flatten();
    match pieces.last_mut() {
        Some(last) if last.differs == differs && last.name.is_none() && name.is_none() => {
            last.text.push(c);
        }
        _ => pieces.push(Piece {
            text: c.to_string(),
            differs,
            name,
        }),
    }
}

/// Where in a SKU a blank is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Leading,
    Within,
    Trailing,
}

fn place(whole: &str, at: usize) -> Place {
    let blank = |c: char| c.is_whitespace();
    if whole.chars().take(at + 1).all(blank) {
        Place::Leading
    } else if whole.chars().skip(at).all(blank) {
        Place::Trailing
    } else {
        Place::Within
    }
}

/// What a character is called that cannot be seen, or that looks like another one.
fn name(c: char, place: Place) -> Option<String> {
    let plain = match c {
        ' ' => "blank",
        '\t' => "tab",
        '\n' | '\r' => "line break",
        '\u{a0}' => "no-break space",
        '\u{202f}' => "narrow no-break space",
        '\u{2000}'..='\u{200a}' | '\u{205f}' | '\u{3000}' => "blank of another width",
        '\u{200b}' => "zero-width space",
        '\u{200c}'..='\u{200f}' | '\u{2060}' => "character without width",
        '\u{ad}' => "soft hyphen",
        '\u{feff}' => "byte order mark",
        '-' => "hyphen \"-\"",
        '_' => "underscore \"_\"",
        '\u{2010}' => "Unicode hyphen \"\u{2010}\"",
        '\u{2011}' => "no-break hyphen \"\u{2011}\"",
        '\u{2012}' => "figure dash \"\u{2012}\"",
        '\u{2013}' => "en dash \"\u{2013}\"",
        '\u{2014}' => "em dash \"\u{2014}\"",
        '\u{2015}' => "horizontal bar \"\u{2015}\"",
        '\u{2212}' => "minus sign \"\u{2212}\"",
        '\u{ff0d}' => "full-width hyphen \"\u{ff0d}\"",
        c if c.is_whitespace() => "another kind of blank",
        _ => return None,
    };
    let blank = c.is_whitespace();
    Some(match place {
        Place::Leading if blank => format!("a leading {plain}"),
        Place::Trailing if blank => format!("a trailing {plain}"),
        _ => {
            let article = if plain.starts_with(['a', 'e', 'u']) {
                "an"
            } else {
                "a"
            };
            let article = if plain.starts_with("Unicode") {
                "a"
            } else {
                article
            };
            format!("{article} {plain}")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(pieces: &[Piece]) -> String {
        (pieces.iter())
            .map(|p| match (p.differs, &p.name) {
                (false, _) => p.text.clone(),
                (true, None) => format!("[{}]", p.text),
                (true, Some(name)) => format!("[{name}]"),
            })
            .collect()
    }

    fn check(shop: &str, channel: &str, ours: &str, theirs: &str, words: &[&str]) {
        let found = near(shop, channel);
        assert_eq!(marked(&found.shop), ours);
        assert_eq!(marked(&found.channel), theirs);
        assert_eq!(found.differences, words);
        let whole = |pieces: &[Piece]| pieces.iter().map(|p| p.text.as_str()).collect::<String>();
        assert_eq!(
            (whole(&found.shop).as_str(), whole(&found.channel).as_str()),
            (shop, channel)
        );
    }

    #[test]
    fn what_cannot_be_seen_is_named() {
        check(
            "KS-1 ",
            "KS-1",
            "KS-1[a trailing blank]",
            "KS-1",
            &["only the shop has a trailing blank"],
        );
        check(
            "KS-1",
            "\u{a0}KS-1",
            "KS-1",
            "[a leading no-break space]KS-1",
            &["only the channel has a leading no-break space"],
        );
        check(
            "KS\u{200b}-1",
            "KS-1",
            "KS[a zero-width space]-1",
            "KS-1",
            &["only the shop has a zero-width space"],
        );
    }

    #[test]
    fn dashes_and_letters_that_look_alike_are_told_apart() {
        check(
            "KS-TIDE-1",
            "KS\u{2013}TIDE_1",
            "KS[a hyphen \"-\"]TIDE[a hyphen \"-\"]1",
            "KS[an en dash \"\u{2013}\"]TIDE[an underscore \"_\"]1",
            &[
                "a hyphen \"-\" in the shop, an en dash \"\u{2013}\" at the channel",
                "a hyphen \"-\" in the shop, an underscore \"_\" at the channel",
            ],
        );
        check(
            "ks-1",
            "KS-1",
            "[ks]-1",
            "[KS]-1",
            &["\"ks\" in the shop, \"KS\" at the channel: capital and small letters"],
        );
    }

    #[test]
    fn only_what_deceives_the_eye_is_marked_in_a_sku_by_itself() {
        for (sku, told) in [
            ("KS_1-A b", "KS_1-A b"),
            (" KS-1", "[a leading blank]KS-1"),
            (
                "KS\u{2011}1\u{200b}",
                "KS[a no-break hyphen \"\u{2011}\"]1[a zero-width space]",
            ),
        ] {
            assert_eq!(marked(&Piece::of(sku)), told);
        }
    }

    #[test]
    fn equal_skus_have_no_difference() {
        check("KS-1", "KS-1", "KS-1", "KS-1", &[]);
    }
}
