//! How values are written on pages.

use crate::model::Instant;

/// Date and time, UTC, without fractions.
pub(super) fn clock(at: &Instant) -> String {
    crate::view::clock(*at)
}

/// "in 3 h 12 min", "now" or "5 min ago".
pub(super) fn relative(at: &Instant) -> String {
    crate::view::relative(*at, Instant::now())
}

/// What can be counted. Templates hand over references.
pub(super) trait Number {
    /// Its value; the largest there is for what is larger.
    fn value(&self) -> i64;
}

macro_rules! numbers {
    ($($kind:ty),*) => {$(
        impl Number for $kind {
            fn value(&self) -> i64 {
                (*self).try_into().unwrap_or(i64::MAX)
            }
        }
    )*};
}
numbers!(u32, u64, usize, i32);

impl Number for i64 {
    fn value(&self) -> i64 {
        *self
    }
}

impl<N: Number> Number for &N {
    fn value(&self) -> i64 {
        (**self).value()
    }
}

/// A text in parts, each with whether it is a command: what stands between backticks is.
pub(super) fn words(text: &str) -> impl Iterator<Item = (&str, bool)> {
    text.split('`')
        .enumerate()
        .map(|(i, part)| (part, i % 2 == 1))
}

/// A number with thin groups: 12 345.
pub(super) fn number(n: impl Number) -> String {
    let n = n.value();
    let digits = n.unsigned_abs().to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(c);
    }
    if n < 0 { format!("\u{2212}{out}") } else { out }
}

/// "1 order", "12 orders".
pub(super) fn count(n: impl Number, one: &str, many: &str) -> String {
    let n = n.value();
    format!("{} {}", number(n), if n == 1 { one } else { many })
}

/// The last part of a Shopify id.
pub(super) fn short_id(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// One segment of a path.
pub(super) fn segment(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(byte.into());
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// One value of a query.
pub(super) fn query(text: &str) -> String {
    super::failure::urlencode(text)
}

/// How a state is coloured: `ok`, `warn`, `bad` or `idle`.
pub(super) fn tone(word: &str) -> &'static str {
    match word {
        "active" | "created" | "closed" | "done" | "applied" | "shipped" | "fulfilled"
        | "in step" | "at work" | "resolved" | "sent" => "ok",
        "held" | "waiting" | "waits" | "waits for grant" | "doubt" | "gathered" | "preparing"
        | "prepared" | "shipping" | "creating" | "queued" | "unsure" | "warning" | "open" => "warn",
        "parked" | "blocked" | "refused" | "not in step" | "broken" | "failed" | "urgent" => "bad",
        _ => "idle",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(number(7), "7");
        assert_eq!(number(1_234), "1\u{202f}234");
        assert_eq!(number(-1_234_567), "\u{2212}1\u{202f}234\u{202f}567");
        assert_eq!(count(1, "order", "orders"), "1 order");
    }

    #[test]
    fn commands_stand_out() {
        let parts: Vec<_> = words("look at `lockstep plan`, then go on").collect();
        let expected = [
            ("look at ", false),
            ("lockstep plan", true),
            (", then go on", false),
        ];
        assert_eq!(parts, expected);
        assert_eq!(words("plain").collect::<Vec<_>>(), [("plain", false)]);
    }

    #[test]
    fn odd_names_fit_into_a_path() {
        assert_eq!(segment("A/B ü"), "A%2FB%20%C3%BC");
    }
}
