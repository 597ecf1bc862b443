//! A host that answers from a script and notes what was sent.

use std::cell::RefCell;
use std::collections::VecDeque;

use serde_json::Value;

use crate::api::Api;
use crate::bindings::lockstep::plugin::http::{Error, Header, Method, Request, Response};
use crate::bindings::lockstep::plugin::session::Level;
use crate::outside::Outside;

/// What the host says to a request that begins like this.
struct Line {
    begins: String,
    answer: Result<Response, Error>,
}

/// A scripted host. Requests must come in the order of the script, and all of them.
#[derive(Default)]
pub(crate) struct Fake {
    script: RefCell<VecDeque<Line>>,
    sent: RefCell<Vec<Request>>,
    log: RefCell<Vec<String>>,
}

impl Fake {
    /// Without a script.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Answers the next request, which must begin with this method and URL.
    pub(crate) fn on(self, begins: &str, status: u16, body: &str) -> Self {
        self.with(begins, status, &[], body)
    }

    /// The same with headers.
    pub(crate) fn with(
        self,
        begins: &str,
        status: u16,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Self {
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
    pub(crate) fn fails(self, begins: &str, error: Error) -> Self {
        self.push(begins, Err(error))
    }

    fn push(self, begins: &str, answer: Result<Response, Error>) -> Self {
        self.script.borrow_mut().push_back(Line {
            begins: begins.to_owned(),
            answer,
        });
        self
    }

    /// The API over this host.
    pub(crate) fn api(&self) -> Api<'_> {
        Api::new(self)
    }

    /// The JSON body of a request, counted from 0.
    pub(crate) fn body(&self, index: usize) -> Value {
        let sent = self.sent.borrow();
        let body = sent[index].body.as_ref().expect("a body");
        serde_json::from_slice(body).expect("JSON")
    }

    /// Method and URL of a request, counted from 0.
    pub(crate) fn url(&self, index: usize) -> String {
        line(&self.sent.borrow()[index])
    }

    /// How many requests were sent.
    pub(crate) fn count(&self) -> usize {
        self.sent.borrow().len()
    }

    /// What was logged.
    pub(crate) fn logged(&self) -> String {
        self.log.borrow().join("\n")
    }

    /// Asserts that the script is played to its end.
    pub(crate) fn finish(&self) {
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
    let method = match request.method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
    };
    format!("{method} {}", request.url)
}

impl Outside for Fake {
    fn send(&self, request: Request) -> Result<Response, Error> {
        let line = line(&request);
        assert_eq!(request.credential.as_deref(), Some("api"));
        assert_eq!(request.writes, request.method != Method::Get, "{line}");
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

    fn now(&self) -> String {
        "2026-03-09T00:00:00.000Z".to_owned()
    }

    fn setting(&self, key: &str) -> Option<String> {
        (key == "currency").then(|| "AUD".to_owned())
    }

    fn log(&self, level: Level, message: &str) {
        self.log.borrow_mut().push(format!("{level:?}: {message}"));
    }
}
