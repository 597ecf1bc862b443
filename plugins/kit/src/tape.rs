//! Calls of a connector with everything that came in and went out: a file that a person can read and commit.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::exchange::{Heard, Request};
use std::collections::BTreeMap;

/// The format that this code reads and writes.
pub const FORMAT: u32 = 1;

/// A tape. It never holds a secret: requests name their credential slot, and the host blanks the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tape {
    /// [`FORMAT`].
    pub format: u32,
    /// The plugin's id.
    pub plugin: String,
    /// Its version when the tape was recorded.
    pub version: String,
    /// The channel's base URL, where it was not the manifest's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// The plugin's settings that held.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// In the order in which they were made.
    pub calls: Vec<Call>,
}

/// One call of the plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Interface and function ("orders.changed").
    pub call: String,
    /// Its arguments.
    #[serde(default)]
    pub input: Value,
    /// What the host gave that is another at each call.
    #[serde(default, skip_serializing_if = "Given::is_empty")]
    pub given: Given,
    /// Requests with what came of them, in order.
    #[serde(default)]
    pub exchanges: Vec<Exchange>,
    /// `{"ok": VALUE}` or `{"fault": FAULT}`.
    pub result: Value,
}

/// Values of the session in the order in which they were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Given {
    /// Answers of `session.now`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub now: Vec<String>,
    /// Answers of `session.random-bytes`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub random: Vec<Vec<u8>>,
}

impl Given {
    fn is_empty(&self) -> bool {
        self.now.is_empty() && self.random.is_empty()
    }
}

/// A request and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// What was sent.
    pub request: Request,
    /// What came.
    pub answer: Heard,
}

/// Why a tape cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TapeError {
    /// It is no tape.
    #[error("it cannot be read as a tape: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// It is one of another time.
    #[error("it is of format {0}, this program reads {FORMAT}; record it anew")]
    Format(u32),
    /// A body cannot be had back.
    #[error("call {0} ({1}), exchange {2}: a body is not base64")]
    Body(usize, String, usize),
}

impl Tape {
    /// An empty tape.
    pub fn new(plugin: &str, version: &str, settings: BTreeMap<String, String>) -> Self {
        Self {
            format: FORMAT,
            plugin: plugin.to_owned(),
            version: version.to_owned(),
            base_url: None,
            settings,
            calls: Vec::new(),
        }
    }

    /// Reads a tape. Errors say where it is wrong.
    pub fn parse(text: &str) -> Result<Self, TapeError> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let head: Head = serde_json::from_str(text)?;
        if head.format != FORMAT {
            return Err(TapeError::Format(head.format));
        }
        let tape: Tape = serde_json::from_str(text)?;
        for (n, call) in tape.calls.iter().enumerate() {
            for (m, exchange) in call.exchanges.iter().enumerate() {
                let asked = exchange.request.body.as_ref().is_none_or(|b| b.readable());
                let told = match &exchange.answer {
                    Heard::Answer(answer) => answer.body.readable(),
                    Heard::Nothing { .. } => true,
                };
                if !asked || !told {
                    return Err(TapeError::Body(n + 1, call.call.clone(), m + 1));
                }
            }
        }
        Ok(tape)
    }

    /// The file's text, indented, with a line break at its end.
    pub fn to_text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tape_comes_back_as_it_was_written() {
        let text = r#"{"format":1,"plugin":"p","version":"1.0.0","settings":{"a":"b"},"calls":[{
            "call":"orders.changed","input":{"since":"2026-01-01T00:00:00Z","cursor":null},
            "given":{"now":["2026-01-01T00:00:00.000Z"],"random":[[1,2]]},
            "exchanges":[
                {"request":{"method":"GET","target":"/o?x=1","credential":"api"},"answer":{"status":200,"body":"{}"}},
                {"request":{"method":"PUT","target":"/o","body":{"base64":"/wA="},"writes":true},"answer":{"error":{"lost":"gone"}}}
            ],
            "result":{"ok":{"orders":[]}}}]}"#;
        let tape = Tape::parse(text).unwrap();
        assert_eq!(Tape::parse(&tape.to_text()).unwrap(), tape);
        assert_eq!(
            tape.calls[0].exchanges[1]
                .request
                .body
                .as_ref()
                .unwrap()
                .bytes(),
            [0xff, 0]
        );
    }

    #[test]
    fn what_is_no_tape_is_refused_with_the_place() {
        let body = r#"{"format":1,"plugin":"p","version":"1.0.0","calls":[{"call":"about.identify",
            "exchanges":[{"request":{"method":"GET","target":"/"},"answer":{"status":200,"body":{"base64":"!"}}}],"result":{"ok":null}}]}"#;
        assert_eq!(
            Tape::parse(body).unwrap_err().to_string(),
            "call 1 (about.identify), exchange 1: a body is not base64"
        );
        let later = r#"{"format":2,"tracks":[]}"#;
        assert!(
            Tape::parse(later)
                .unwrap_err()
                .to_string()
                .contains("format 2")
        );
        assert!(Tape::parse("[]").is_err());
    }
}
