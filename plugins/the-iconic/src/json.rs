//! Reading JSON that keeps no promises: members may be absent, null, or of another type than documented.

use jiff::Timestamp;
use jiff::civil::DateTime;
use serde_json::Value;

use crate::lockstep::plugin::types::Money;

/// The member, if it is there and not null.
pub fn member<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    value.get(key).filter(|v| !v.is_null())
}

/// The text of a member that is a string with something in it, a number or a boolean.
pub fn text(value: &Value, key: &str) -> Option<String> {
    plain(member(value, key)?)
}

/// The text of a value that is a string with something in it, a number or a boolean.
pub fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(s) => Some(s.trim().to_owned()).filter(|s| !s.is_empty()),
        Value::Number(n) => Some(n.to_string()),
        Value::Bool(b) => Some(b.to_string()),
        _ => None,
    }
}

/// The text of a member as it is, blanks included: SKUs are compared to the letter.
pub fn exact(value: &Value, key: &str) -> Option<String> {
    match member(value, key)? {
        Value::String(s) => Some(s.clone()).filter(|s| !s.is_empty()),
        other => plain(other),
    }
}

/// A member that is true, 1, "1" or "true", or their opposites.
pub fn flag(value: &Value, key: &str) -> Option<bool> {
    match text(value, key)?.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// A whole number, whether it comes as number or text, with or without a fraction of zero.
pub fn int(value: &Value, key: &str) -> Option<i64> {
    let text = text(value, key)?;
    let whole = match text.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|b| b == b'0') => whole,
        Some(_) => return None,
        None => &text,
    };
    whole.parse().ok()
}

/// The elements of a member; nothing where there is no list.
pub fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The rows of an answer that is a bare list or a wrapped one.
pub fn rows(answer: &Value) -> &[Value] {
    answer.as_array().map_or_else(|| list(answer, "items"), Vec::as_slice)
}

/// An instant in any of the forms that Seller Center uses, as the contract wants it: RFC 3339 in UTC.
pub fn instant(value: &Value, key: &str) -> Option<String> {
    moment(&text(value, key)?).map(|t| t.to_string())
}

/// Parses an instant. One without zone is taken as UTC.
pub fn moment(text: &str) -> Option<Timestamp> {
    text.parse::<Timestamp>().ok().or_else(|| {
        let civil: DateTime = text.parse().ok()?;
        civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|z| z.timestamp())
    })
}

/// An amount as exact decimal text. Exponents ("1e2") are refused: no amount of money comes so.
pub fn amount(value: &Value, key: &str) -> Option<String> {
    decimal(&text(value, key)?)
}

fn decimal(text: &str) -> Option<String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let ok = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    (ok(whole) && ok(fraction)).then(|| text.to_owned())
}

/// An amount with its currency.
pub fn money(value: &Value, key: &str, currency: &str) -> Option<Money> {
    Some(Money { amount: amount(value, key)?, currency: currency.to_owned() })
}

/// Whether decimal text is zero.
pub fn is_zero(decimal: &str) -> bool {
    decimal.bytes().all(|b| matches!(b, b'0' | b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn all_four_forms_of_time_are_read() {
        for (text, utc) in [
            ("2026-03-08T23:41:07.000000Z", "2026-03-08T23:41:07Z"),
            ("2025-11-03T12:20:44+11:00", "2025-11-03T01:20:44Z"),
            ("2026-03-09T04:05:07+0100", "2026-03-09T03:05:07Z"),
            ("2026-03-01 10:00:00", "2026-03-01T10:00:00Z"),
        ] {
            assert_eq!(instant(&json!({"t": text}), "t").as_deref(), Some(utc), "{text}");
        }
        assert_eq!(instant(&json!({"t": "soon"}), "t"), None);
    }

    #[test]
    fn amounts_are_exact() {
        let value: Value = serde_json::from_str(r#"{"a": 84.95, "b": 75, "c": "12.10", "d": 0.1, "e": 1e2, "f": null}"#).expect("valid");
        assert_eq!(amount(&value, "a").as_deref(), Some("84.95"));
        assert_eq!(amount(&value, "b").as_deref(), Some("75"));
        assert_eq!(amount(&value, "c").as_deref(), Some("12.10"));
        assert_eq!(amount(&value, "d").as_deref(), Some("0.1"));
        assert_eq!(amount(&value, "e"), None);
        assert_eq!(amount(&value, "f"), None);
    }

    #[test]
    fn numbers_and_flags_come_in_many_clothes() {
        let value = json!({"a": 7, "b": "7", "c": 7.0, "d": 7.5, "e": true, "f": "1", "g": 0, "h": "x"});
        assert_eq!((int(&value, "a"), int(&value, "b"), int(&value, "c"), int(&value, "d")), (Some(7), Some(7), Some(7), None));
        assert_eq!((flag(&value, "e"), flag(&value, "f"), flag(&value, "g"), flag(&value, "h")), (Some(true), Some(true), Some(false), None));
    }
}
