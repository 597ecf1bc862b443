//! Reading JSON that does not keep its own description: every member may be missing, null, or of a
//! neighboring type (ids as text, flags as 0 and 1, an empty list where an object belongs).

use rust_decimal::Decimal;
use serde_json::Value;

use crate::types::Fault;

static NULL: Value = Value::Null;

/// A value that may not be there.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a>(&'a Value);

impl<'a> Node<'a> {
    /// Looks at a value.
    pub fn new(value: &'a Value) -> Self {
        Self(value)
    }

    /// The value itself.
    pub fn value(self) -> &'a Value {
        self.0
    }

    /// A member; null when there is none, or when this is no object.
    pub fn get(self, name: &str) -> Self {
        Self(self.0.get(name).unwrap_or(&NULL))
    }

    /// Absent or null.
    pub fn is_null(self) -> bool {
        self.0.is_null()
    }

    /// Whether it is an object.
    pub fn is_object(self) -> bool {
        self.0.is_object()
    }

    /// Text byte for byte, or the digits of a number. None when empty.
    pub fn exact(self) -> Option<String> {
        match self.0 {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// Text without the blanks around it. None when nothing is left.
    pub fn text(self) -> Option<String> {
        let text = self.exact()?;
        let trimmed = text.trim();
        (!trimmed.is_empty()).then(|| trimmed.to_owned())
    }

    /// Text that must be there; `what` says to people what is missing.
    pub fn need(self, what: &str) -> Result<String, Fault> {
        self.text()
            .ok_or_else(|| Fault::Protocol(format!("the answer does not tell {what}")))
    }

    /// Text that the marketplace does not withhold.
    pub fn shown(self) -> Option<String> {
        self.text().filter(|text| !is_masked(text))
    }

    /// Whether the marketplace withholds it.
    pub fn masked(self) -> bool {
        self.text().is_some_and(|text| is_masked(&text))
    }

    /// An exact decimal, from a number or numeric text.
    pub fn decimal(self) -> Option<Decimal> {
        let text = self.text()?;
        Decimal::from_str_exact(&text)
            .or_else(|_| Decimal::from_scientific(&text))
            .ok()
    }

    /// A whole number ("7", 7, 7.0).
    pub fn int(self) -> Option<i64> {
        let value = self.decimal()?.normalize();
        (value.scale() == 0)
            .then(|| value.try_into().ok())
            .flatten()
    }

    /// A numeric id.
    pub fn id(self) -> Option<u64> {
        self.int().and_then(|id| u64::try_from(id).ok())
    }

    /// A flag, also as 0 and 1 and as text.
    pub fn flag(self) -> Option<bool> {
        match self.0 {
            Value::Bool(flag) => Some(*flag),
            _ => match self.text()?.to_ascii_lowercase().as_str() {
                "1" | "true" | "yes" => Some(true),
                "0" | "false" | "no" => Some(false),
                _ => None,
            },
        }
    }

    /// The elements of a list. A list written as an object with the keys "0", "1" ... counts, and a lone
    /// value is a list of one.
    pub fn list(self) -> Vec<Node<'a>> {
        match self.0 {
            Value::Null => Vec::new(),
            Value::Array(rows) => rows.iter().map(Node).collect(),
            Value::Object(members)
                if members
                    .keys()
                    .all(|key| key.bytes().all(|b| b.is_ascii_digit())) =>
            {
                members.values().map(Node).collect()
            }
            Value::String(text) if text.is_empty() => Vec::new(),
            _ => vec![self],
        }
    }

    /// The rows of a list, bare or wrapped in `items`; an empty object is an empty list. None when it is none of these:
    /// an answer without a body, say, which tells nothing of how many rows there are.
    pub fn rows(self) -> Option<Vec<Node<'a>>> {
        match self.0 {
            Value::Array(_) => Some(self.list()),
            Value::Object(members) if members.is_empty() => Some(Vec::new()),
            Value::Object(members) => members.get("items").map(|items| Node(items).list()),
            _ => None,
        }
    }

    /// The value as JSON text, cut to `most` characters; for people.
    pub fn shortened(self, most: usize) -> String {
        shorten(&self.0.to_string(), most)
    }
}

/// Whether a text only stands for what the seller may not see ("#####").
pub fn is_masked(text: &str) -> bool {
    let text = text.trim();
    text.len() >= 3 && text.bytes().all(|b| b == b'#')
}

/// At most so many characters of a text.
pub fn shorten(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        serde_json::from_str(text).expect("valid JSON")
    }

    #[test]
    fn numbers_keep_their_digits() {
        for (json, text) in [
            ("75", "75"),
            ("75.5", "75.5"),
            ("84.950", "84.950"),
            ("\"0.1\"", "0.1"),
            ("1.5e1", "15"),
        ] {
            let json = value(json);
            let decimal = Node::new(&json).decimal().expect("a decimal");
            assert_eq!(decimal.to_string(), text);
        }
        assert!(Node::new(&value("\"abc\"")).decimal().is_none());
        assert!(Node::new(&value("1e400")).decimal().is_none());
    }

    #[test]
    fn neighboring_types_are_read() {
        let json = value(
            r#"{"a":"7","b":7.0,"c":1,"d":"true","e":[],"f":{"0":"x","1":"y"},"g":"","h":-3,"i":"one"}"#,
        );
        let node = Node::new(&json);
        assert_eq!(node.get("a").int(), Some(7));
        assert_eq!(node.get("b").id(), Some(7));
        assert_eq!(node.get("c").flag(), Some(true));
        assert_eq!(node.get("d").flag(), Some(true));
        assert_eq!(node.get("e").get("member").text(), None);
        assert_eq!(node.get("f").list().len(), 2);
        assert!(node.get("g").list().is_empty());
        assert_eq!(node.get("h").id(), None);
        assert_eq!(node.get("i").list().len(), 1);
        assert_eq!(node.get("none").flag(), None);
    }

    #[test]
    fn masks_are_recognized() {
        assert!(is_masked(" ##### "));
        assert!(!is_masked("#2"));
        assert!(!is_masked("Unit #12"));
    }

    #[test]
    fn cutting_respects_characters() {
        assert_eq!(shorten("höhe", 2), "hö...");
        assert_eq!(shorten("höhe", 4), "höhe");
    }
}
