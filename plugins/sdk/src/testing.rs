//! A host that answers from a script and notes what was sent, for native tests.
//!
//! ```ignore
//! let fake = Fake::new("key").on("GET /seller", 200, r#"{"id": 7}"#);
//! let account = Acme::identify(fake.cx()).unwrap();
//! fake.finish();
//! ```

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use crate::cx::{Cx, ExtraCx, Level, Outside, Session};
use crate::http::{Error, Header, Method, Request, Response, word};
use crate::order_edits::{Draft, DraftLine};
use crate::types::{Fact, Money};

/// An order as an extra might see it.
pub fn draft() -> Draft {
    Draft {
        channel: "the-iconic".into(),
        channel_title: "THE ICONIC".into(),
        number: "914002771".into(),
        placed_at: "2026-03-08T23:41:07.000Z".into(),
        country: Some("AU".into()),
        ship_to: None,
        service: None,
        service_label: Some("express".into()),
        buyer_note: None,
        gift_message: None,
        currency: "AUD".into(),
        tax_included: true,
        lines: vec![DraftLine {
            sku: Some("TEE-M".into()),
            title: "Tee".into(),
            quantity: 1,
            price: Money::from_minor(8495, 2, "AUD"),
            matched: true,
            properties: Vec::new(),
        }],
        shipping: None,
        note: "THE ICONIC order 914002771".into(),
        tags: vec!["marketplace".into()],
        attributes: Vec::new(),
        facts: vec![Fact::new("voucher", "SUMMER")],
    }
}

/// What the host says to a request that begins like this.
struct Line {
    begins: String,
    answer: Result<Response, Error>,
}

/// A scripted host. Requests must come in the order of the script, and all of them; each must name the credential slot,
/// and say that it writes unless it is a GET or was declared by [`Fake::asks`]. Anything else fails the test.
pub struct Fake {
    slot: Option<String>,
    now: String,
    settings: BTreeMap<String, String>,
    asks: Vec<String>,
    script: RefCell<VecDeque<Line>>,
    sent: RefCell<Vec<Request>>,
    log: RefCell<Vec<String>>,
}

impl Fake {
    /// Without a script; requests must name this credential slot.
    pub fn new(slot: &str) -> Self {
        Self {
            slot: Some(slot.to_owned()),
            ..Self::closed()
        }
    }

    /// For an extra, or a connector whose requests carry no credential.
    pub fn closed() -> Self {
        Self {
            slot: None,
            now: "2026-03-09T00:00:00.000Z".to_owned(),
            settings: BTreeMap::new(),
            asks: Vec::new(),
            script: RefCell::default(),
            sent: RefCell::default(),
            log: RefCell::default(),
        }
    }

    /// Sets a setting.
    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.settings.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Sets the time, RFC 3339.
    pub fn at(mut self, now: &str) -> Self {
        self.now = now.to_owned();
        self
    }

    /// Requests that begin like this only read, though they are no GET.
    pub fn asks(mut self, begins: &str) -> Self {
        self.asks.push(begins.to_owned());
        self
    }

    /// Answers the next request, which must begin with this method and URL.
    pub fn on(self, begins: &str, status: u16, body: &str) -> Self {
        self.with(begins, status, &[], body)
    }

    /// The same with headers.
    pub fn with(self, begins: &str, status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let headers = headers
            .iter()
            .map(|(name, value)| Header {
                name: (*name).to_owned(),
                value: (*value).to_owned(),
            })
            .collect();
        self.push(
            begins,
            Ok(Response {
                status,
                headers,
                body: body.as_bytes().to_vec(),
            }),
        )
    }

    /// Gives no answer.
    pub fn fails(self, begins: &str, error: Error) -> Self {
        self.push(begins, Err(error))
    }

    fn push(self, begins: &str, answer: Result<Response, Error>) -> Self {
        self.script.borrow_mut().push_back(Line {
            begins: begins.to_owned(),
            answer,
        });
        self
    }

    /// A connector's call over this host.
    pub fn cx(&self) -> Cx<'_> {
        Cx::new(self)
    }

    /// An extra's call over this host.
    pub fn extra_cx(&self) -> ExtraCx<'_> {
        ExtraCx::new(self)
    }

    /// The JSON body of a request, counted from 0.
    pub fn body(&self, index: usize) -> Value {
        serde_json::from_slice(&self.raw_body(index)).expect("JSON")
    }

    /// The body of a request, counted from 0.
    pub fn raw_body(&self, index: usize) -> Vec<u8> {
        let sent = self.sent.borrow();
        sent[index].body.clone().expect("a body")
    }

    /// Method and URL of a request, counted from 0.
    pub fn url(&self, index: usize) -> String {
        line(&self.sent.borrow()[index])
    }

    /// How many requests were sent.
    pub fn count(&self) -> usize {
        self.sent.borrow().len()
    }

    /// What was logged.
    pub fn logged(&self) -> String {
        self.log.borrow().join("\n")
    }

    /// Asserts that the script is played to its end.
    pub fn finish(&self) {
        let left: Vec<String> = self
            .script
            .borrow()
            .iter()
            .map(|l| l.begins.clone())
            .collect();
        assert!(left.is_empty(), "never asked: {left:?}");
    }
}

fn line(request: &Request) -> String {
    format!("{} {}", word(request.method), request.url)
}

impl Session for Fake {
    fn channel(&self) -> String {
        "shop/channel".to_owned()
    }

    fn now(&self) -> String {
        self.now.clone()
    }

    fn setting(&self, key: &str) -> Option<String> {
        self.settings.get(key).cloned()
    }

    fn random_bytes(&self, count: u32) -> Vec<u8> {
        vec![7; count as usize]
    }

    fn log(&self, level: Level, message: &str) {
        self.log.borrow_mut().push(format!("{level:?}: {message}"));
    }
}

impl Outside for Fake {
    fn send(&self, request: Request) -> Result<Response, Error> {
        let line = line(&request);
        assert_eq!(request.credential, self.slot, "{line}: the credential slot");
        let reads = request.method == Method::Get || self.asks.iter().any(|a| line.starts_with(a));
        assert_eq!(request.writes, !reads, "{line}: whether it writes");
        let next = self.script.borrow_mut().pop_front();
        let next = next.unwrap_or_else(|| panic!("not in the script: {line}"));
        assert!(
            line.starts_with(&next.begins),
            "asked {line} instead of {}",
            next.begins
        );
        self.sent.borrow_mut().push(request);
        next.answer
    }

    fn send_all(&self, requests: Vec<Request>) -> Vec<Result<Response, Error>> {
        requests
            .into_iter()
            .map(|request| self.send(request))
            .collect()
    }
}
