//! One request and what came of it.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

/// Longest text of a body that is shown, in characters.
const SHOWN: usize = 400;

/// A request as the plugin made it: without the secret that the host adds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// "GET", "POST", "PUT", "PATCH" or "DELETE".
    pub method: String,
    /// Path and query behind the channel's base URL; a whole URL where it goes to another host of the manifest.
    pub target: String,
    /// Lower-case names. Repeated ones are joined with a comma and a blank.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
    /// The credential slot that it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// Whether the plugin says that it can change something.
    #[serde(default)]
    pub writes: bool,
}

impl Request {
    /// The path alone, without query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Method and path with every run of digits as "0": what requests of one kind have in common.
    pub fn shape(&self) -> String {
        let mut shape = format!("{} ", self.method);
        for c in self.path().chars() {
            match c {
                '0'..='9' if shape.ends_with('0') => {}
                '0'..='9' => shape.push('0'),
                other => shape.push(other),
            }
        }
        shape
    }

    /// Every way in which another request differs from this one, in words; none when they are the same.
    pub fn differs(&self, got: &Request) -> Option<String> {
        let mut ways = Vec::new();
        let mut way = |what: &str, expected: &dyn fmt::Display, got: &dyn fmt::Display| {
            ways.push(format!("{what}: expected {expected}, got {got}"));
        };
        if self.method != got.method {
            way("method", &self.method, &got.method);
        }
        if self.path() != got.path() {
            way("path", &self.path(), &got.path());
        }
        let query = |r: &Request| {
            r.target
                .split_once('?')
                .map_or("none".to_owned(), |(_, q)| q.to_owned())
        };
        if query(self) != query(got) {
            way("query", &query(self), &query(got));
        }
        for name in self.headers.keys().chain(
            got.headers
                .keys()
                .filter(|n| !self.headers.contains_key(*n)),
        ) {
            let (a, b) = (self.headers.get(name), got.headers.get(name));
            let shown = |v: Option<&String>| v.map_or("none".to_owned(), |v| format!("\"{v}\""));
            if a != b {
                way(&format!("header {name}"), &shown(a), &shown(b));
            }
        }
        let shown = |b: &Option<Body>| b.as_ref().map_or("none".to_owned(), Body::shown);
        if self.body != got.body {
            way("body", &shown(&self.body), &shown(&got.body));
        }
        let slot = |r: &Request| r.credential.clone().unwrap_or_else(|| "none".to_owned());
        if self.credential != got.credential {
            way("credential", &slot(self), &slot(got));
        }
        if self.writes != got.writes {
            way("marked as a write", &self.writes, &got.writes);
        }
        (!ways.is_empty()).then(|| ways.join("; "))
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, shorten(&self.target, SHOWN))?;
        match &self.body {
            Some(body) => write!(f, " with {}", body.shown()),
            None => Ok(()),
        }
    }
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Heard {
    /// An answer.
    Answer(Answer),
    /// None.
    Nothing {
        /// Why.
        error: Loss,
    },
}

impl Heard {
    /// No answer.
    pub fn nothing(error: Loss) -> Self {
        Heard::Nothing { error }
    }

    /// The body, when it is JSON.
    pub fn json(&self) -> Option<serde_json::Value> {
        match self {
            Heard::Answer(answer) => serde_json::from_slice(&answer.body.bytes()).ok(),
            Heard::Nothing { .. } => None,
        }
    }
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Heard::Answer(answer) => write!(f, "{} {}", answer.status, answer.body.shown()),
            Heard::Nothing { error } => error.fmt(f),
        }
    }
}

/// An answer, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Lower-case names. Repeated ones are joined with a comma and a blank.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body, decompressed.
    #[serde(default)]
    pub body: Body,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// Nothing reached the other side.
    #[error("not sent: {0}")]
    NotSent(String),
    /// It was sent, or may have been; the answer never came whole.
    #[error("answer lost: {0}")]
    Lost(String),
    /// The body is longer than this many bytes, the limit.
    #[error("answer longer than {0} bytes")]
    TooLarge(u64),
}

/// A body: text where it is UTF-8, else base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Body {
    /// Its text.
    Text(String),
    /// Its bytes.
    Binary {
        /// With padding (RFC 4648, section 4).
        base64: String,
    },
}

impl Default for Body {
    fn default() -> Self {
        Body::Text(String::new())
    }
}

impl Body {
    /// Of bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Body::Text(text),
            Err(error) => Body::Binary {
                base64: BASE64_STANDARD.encode(error.as_bytes()),
            },
        }
    }

    /// Its bytes. What is no base64 counts as empty; [`Tape::parse`](crate::Tape::parse) refuses it before.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Body::Text(text) => text.clone().into_bytes(),
            Body::Binary { base64 } => BASE64_STANDARD.decode(base64).unwrap_or_default(),
        }
    }

    /// Whether [`Body::bytes`] can give what is meant.
    pub(crate) fn readable(&self) -> bool {
        match self {
            Body::Text(_) => true,
            Body::Binary { base64 } => BASE64_STANDARD.decode(base64).is_ok(),
        }
    }

    /// Its beginning, for people.
    pub fn shown(&self) -> String {
        match self {
            Body::Text(text) if text.is_empty() => "no body".to_owned(),
            Body::Text(text) => shorten(text, SHOWN),
            Body::Binary { base64 } => format!("base64 {}", shorten(base64, 60)),
        }
    }
}

/// The beginning of a text.
fn shorten(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((at, _)) => format!("{} ...", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_text_where_they_can_be() {
        let text = Body::new("Größe".into());
        assert_eq!(serde_json::to_string(&text).unwrap(), "\"Größe\"");
        let binary = Body::new(vec![0xff, 0x00]);
        assert_eq!(
            serde_json::to_string(&binary).unwrap(),
            "{\"base64\":\"/wA=\"}"
        );
        assert_eq!(binary.bytes(), [0xff, 0x00]);
    }

    #[test]
    fn requests_of_one_kind_have_one_shape() {
        let request = |target: &str| Request {
            method: "GET".into(),
            target: target.into(),
            headers: BTreeMap::new(),
            body: None,
            credential: None,
            writes: false,
        };
        assert_eq!(request("/v2/orders/123?a=1").shape(), "GET /v0/orders/0");
        assert_eq!(
            request("/v2/orders/123").shape(),
            request("/v2/orders/9").shape()
        );
    }
}
