//! Misfortunes to lay over an exchange.

use std::collections::BTreeMap;

use serde_json::json;

use crate::exchange::{Answer, Body, Heard, Loss};

/// The words of every scripted refusal: they must reach people.
pub const WORDS: &str = "this was refused on purpose (K-4711)";
/// What a scripted 429 asks for, in seconds.
pub const RETRY_AFTER_S: u32 = 7;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An error status with [`WORDS`] in a JSON body; nothing happens at the marketplace. 429 comes with
    /// `retry-after`.
    Status(u16),
    /// Nothing reaches the marketplace.
    NotSent,
    /// The marketplace does its work; the connection ends before the answer.
    Lost,
    /// The marketplace does its work; its answer takes too long.
    Timeout,
    /// The first half of the real body, under the real status.
    Truncated,
    /// A page for people with status 200.
    Html,
    /// No body, under the real status.
    Empty,
    /// The body `null`, under the real status.
    Null,
    /// A body that is JSON of another type, under the real status.
    WrongType,
    /// The real answer is longer than the host takes.
    TooLarge,
}

impl Fault {
    /// Its name in reports.
    pub fn name(self) -> String {
        match self {
            Fault::Status(429) => format!("status 429 with retry-after {RETRY_AFTER_S}"),
            Fault::Status(status) => format!("status {status}"),
            Fault::NotSent => "connection refused".into(),
            Fault::Lost => "connection lost after sending".into(),
            Fault::Timeout => "no answer in time".into(),
            Fault::Truncated => "truncated body".into(),
            Fault::Html => "HTML instead of JSON".into(),
            Fault::Empty => "empty body".into(),
            Fault::Null => "body \"null\"".into(),
            Fault::WrongType => "body of another type".into(),
            Fault::TooLarge => "body over the limit".into(),
        }
    }

    /// What the plugin hears instead of anything being sent; none: the request goes out, and [`Fault::after`] makes
    /// of the answer what the plugin hears.
    pub fn instead(self) -> Option<Heard> {
        match self {
            Fault::Status(status) => Some(Heard::Answer(refusal(status))),
            Fault::NotSent => Some(Heard::nothing(Loss::NotSent(
                "the connection was refused on purpose".into(),
            ))),
            _ => None,
        }
    }

    /// What the plugin hears of an answer. None: the fault cannot be laid over it, since the answer has no body that
    /// could be broken.
    pub fn after(self, heard: &Heard) -> Option<Heard> {
        match self {
            Fault::Status(_) | Fault::NotSent => return self.instead(),
            Fault::Lost => {
                return Some(Heard::nothing(Loss::Lost(
                    "the connection was ended on purpose".into(),
                )));
            }
            Fault::Timeout => {
                return Some(Heard::nothing(Loss::Lost(
                    "no whole answer in time, on purpose".into(),
                )));
            }
            Fault::TooLarge => return Some(Heard::nothing(Loss::TooLarge(16 << 20))),
            _ => {}
        }
        let Heard::Answer(answer) = heard else {
            return None;
        };
        // Text in another form (a table, say) can end anywhere; only JSON tells that it is cut or another.
        let json = heard
            .json()
            .filter(|_| (200..300).contains(&answer.status))?;
        let body = match self {
            Fault::Truncated => {
                let bytes = answer.body.bytes();
                let half = bytes.len() / 2;
                if !(json.is_object() || json.is_array()) {
                    return None;
                }
                return Some(with(answer, Body::new(bytes[..half].to_vec())));
            }
            Fault::Html => {
                "<!DOCTYPE html><html><head><title>Be right back</title></head><body>We are working on it.</body></html>"
            }
            Fault::Empty => "",
            Fault::Null => "null",
            _ if json.is_number() => "\"another type\"",
            _ => "4711",
        };
        Some(with(answer, Body::Text(body.into())))
    }
}

fn with(answer: &Answer, body: Body) -> Heard {
    Heard::Answer(Answer {
        body,
        ..answer.clone()
    })
}

/// An error in the shapes that JSON APIs use, all at once.
fn refusal(status: u16) -> Answer {
    let mut headers = BTreeMap::from([("content-type".to_owned(), "application/json".to_owned())]);
    if status == 429 {
        headers.insert("retry-after".into(), RETRY_AFTER_S.to_string());
    }
    let body = json!({
        "status": status,
        "code": "K-4711",
        "message": WORDS,
        "detail": WORDS,
        "error": {"code": "K-4711", "message": WORDS},
        "errors": [{"code": "K-4711", "message": WORDS, "detail": WORDS}],
    });
    Answer {
        status,
        headers,
        body: Body::Text(body.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> Heard {
        Heard::Answer(Answer {
            status: 200,
            headers: BTreeMap::new(),
            body: Body::Text(body.into()),
        })
    }

    #[test]
    fn faults_before_sending_hide_the_request_and_others_let_it_pass() {
        assert!(Fault::Status(503).instead().is_some() && Fault::NotSent.instead().is_some());
        for fault in [
            Fault::Lost,
            Fault::Timeout,
            Fault::Truncated,
            Fault::TooLarge,
        ] {
            assert_eq!(fault.instead(), None, "{fault:?}");
        }
    }

    #[test]
    fn a_throttled_answer_says_how_long() {
        let Some(Heard::Answer(answer)) = Fault::Status(429).instead() else {
            panic!("an answer")
        };
        assert_eq!(answer.headers["retry-after"], "7");
        assert!(answer.body.shown().contains(WORDS));
    }

    #[test]
    fn bodies_are_broken_only_where_they_are_json() {
        let body = |fault: Fault, of: &str| match fault.after(&answer(of)) {
            Some(Heard::Answer(answer)) => Some(answer.body.shown()),
            _ => None,
        };
        assert_eq!(
            body(Fault::Truncated, r#"{"a":[1,2]}"#).unwrap(),
            r#"{"a":"#
        );
        assert_eq!(body(Fault::WrongType, "{}").unwrap(), "4711");
        assert_eq!(body(Fault::Empty, "[]").unwrap(), "no body");
        for plain in ["", "sku;quantity\nA;1\n"] {
            assert_eq!(body(Fault::Truncated, plain), None);
            assert_eq!(body(Fault::Null, plain), None);
        }
    }
}
