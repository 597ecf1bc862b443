//! Requests to the marketplace, and what statuses and error bodies mean.
//!
//! | Status | A read | A write |
//! |---|---|---|
//! | 401 | `auth` | `auth` |
//! | 403 | `denied` | `denied` |
//! | 404, 410 | `missing` | `missing` |
//! | 409 | `conflict` | `conflict` |
//! | 429 | `throttled` | `throttled` |
//! | 503 | `unavailable` | `unknown-outcome`, unless [`Dialect::nothing_was_applied`] |
//! | 408, other 5xx | `unavailable` | `unknown-outcome` |
//! | other 4xx | `rejected` | `rejected` |
//! | anything else, an unreadable body | `protocol` | `unknown-outcome` |

use serde_json::Value;

use crate::cx::Cx;
use crate::json::{Node, shorten};
use crate::time;
use crate::types::{Backoff, Fault, Rejection};

pub use crate::bindings::base::lockstep::plugin::http::{Error, Header, Method, Request, Response};

/// How long to wait after a 429 that does not say, in milliseconds.
const THROTTLED_MS: u32 = 60_000;
/// Longest text of the marketplace that is quoted, in characters.
const QUOTED: usize = 300;
/// Requests that are handed to the host together: their answers are in memory at once.
const TOGETHER: usize = 40;

/// What is particular to one marketplace's HTTP. The defaults suit most JSON APIs.
pub trait Dialect: Sync {
    /// The credential slot of the manifest that requests name; none: they go without credentials.
    fn credential(&self) -> Option<&str>;

    /// Headers of every request.
    fn headers(&self) -> Vec<(&'static str, String)> {
        vec![("accept", "application/json".to_owned())]
    }

    /// Reads the body of a refusal.
    fn refusal(&self, body: &str) -> Refusal {
        Refusal::read(body)
    }

    /// Whether a refused write surely changed nothing, though its status leaves that open (maintenance, say).
    fn nothing_was_applied(&self, _status: u16, _refusal: &Refusal) -> bool {
        false
    }

    /// Another fault than the usual one for a refusal; `said` is what people are told.
    fn fault(&self, _status: u16, _refusal: &Refusal, _said: &str) -> Option<Fault> {
        None
    }

    /// How long to wait after a 429 that does not say, in milliseconds.
    fn throttled_ms(&self) -> u32 {
        THROTTLED_MS
    }
}

/// A path with its query.
#[derive(Clone, Debug)]
pub struct Path {
    text: String,
    filled: bool,
}

impl Path {
    /// A path without query.
    pub fn new(path: impl Into<String>) -> Self {
        Self {
            text: path.into(),
            filled: false,
        }
    }

    /// Adds a path segment, percent-encoded.
    pub fn segment(mut self, segment: &str) -> Self {
        self.text.push('/');
        encode(segment, &mut self.text);
        self
    }

    /// Adds a parameter. Array parameters carry `[]` in their name and are added once for each value.
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.text.push(if self.filled { '&' } else { '?' });
        self.filled = true;
        self.text.push_str(name);
        self.text.push('=');
        encode(&value.to_string(), &mut self.text);
        self
    }

    /// Adds one parameter for each value.
    pub fn with_each<T: ToString>(self, name: &str, values: impl IntoIterator<Item = T>) -> Self {
        values
            .into_iter()
            .fold(self, |path, value| path.with(name, value))
    }

    /// Path and query.
    pub fn into_text(self) -> String {
        self.text
    }
}

/// Bytes that a parameter takes in a query, with separator.
pub fn encoded_length(name: &str, value: &str) -> usize {
    let mut text = String::new();
    encode(value, &mut text);
    name.len() + text.len() + 2
}

fn encode(text: &str, into: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            into.push(char::from(byte));
        } else {
            into.push('%');
            into.push(char::from(HEX[usize::from(byte >> 4)]));
            into.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

/// The marketplace, reached through the host. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Http<'a> {
    cx: Cx<'a>,
    dialect: &'a dyn Dialect,
}

impl<'a> Http<'a> {
    pub(crate) fn new(cx: Cx<'a>, dialect: &'a dyn Dialect) -> Self {
        Self { cx, dialect }
    }

    /// The call that it belongs to: settings, time, log.
    pub fn cx(self) -> Cx<'a> {
        self.cx
    }

    /// The body of a read, as text.
    pub fn read_text(&self, path: Path) -> Result<String, Fault> {
        let request = self.request(Method::Get, path, None, false);
        let label = label(&request);
        let response = self.accept(&label, false, self.cx.outside().send(request))?;
        Ok(text_of(response.body))
    }

    /// Reads JSON; an empty body is null.
    pub fn read(&self, path: Path) -> Result<Value, Fault> {
        let request = self.request(Method::Get, path, None, false);
        let label = label(&request);
        self.accept_json(&label, false, self.cx.outside().send(request))
    }

    /// Reads several things at once. Answers come in the order of the paths.
    pub fn read_all(&self, paths: Vec<Path>) -> Vec<Result<Value, Fault>> {
        let mut answers = Vec::with_capacity(paths.len());
        let mut paths = paths.into_iter().peekable();
        while paths.peek().is_some() {
            let requests: Vec<Request> = paths
                .by_ref()
                .take(TOGETHER)
                .map(|path| self.request(Method::Get, path, None, false))
                .collect();
            let labels: Vec<String> = requests.iter().map(label).collect();
            let mut results = self.cx.outside().send_all(requests).into_iter();
            for label in labels {
                answers.push(match results.next() {
                    Some(result) => self.accept_json(&label, false, result),
                    None => Err(Fault::Protocol(format!("{label}: the host gave no answer"))),
                });
            }
        }
        answers
    }

    /// Asks with a body, and changes nothing: a search by POST, say. An empty answer is null.
    pub fn ask(&self, method: Method, path: Path, body: &Value) -> Result<Value, Fault> {
        let request = self.request(method, path, Some(json_body(body)), false);
        let label = label(&request);
        self.accept_json(&label, false, self.cx.outside().send(request))
    }

    /// Writes JSON. An answer that is missing or unreadable is of unknown outcome.
    pub fn write(&self, method: Method, path: Path, body: Option<&Value>) -> Result<Value, Fault> {
        self.write_as(method, path, body.map(json_body))
    }

    /// Writes a body of any type. An answer that is missing or unreadable is of unknown outcome.
    pub fn write_as(&self, method: Method, path: Path, body: Option<Body>) -> Result<Value, Fault> {
        let request = self.request(method, path, body, true);
        let label = label(&request);
        self.accept_json(&label, true, self.cx.outside().send(request))
    }

    /// A setting of the manifest.
    pub fn setting(&self, key: &str) -> Option<String> {
        self.cx.setting(key)
    }

    /// Writes a warning to the plugin's log.
    pub fn warn(&self, message: &str) {
        self.cx.warn(message);
    }

    /// Writes an error to the plugin's log.
    pub fn error(&self, message: &str) {
        self.cx.error(message);
    }

    fn accept(
        &self,
        label: &str,
        writes: bool,
        result: Result<Response, Error>,
    ) -> Result<Response, Fault> {
        let response = result.map_err(|error| unanswered(label, writes, error))?;
        match response.status {
            200..=299 => Ok(response),
            _ => Err(self.refused(label, writes, &response)),
        }
    }

    fn accept_json(
        &self,
        label: &str,
        writes: bool,
        result: Result<Response, Error>,
    ) -> Result<Value, Fault> {
        let response = self.accept(label, writes, result)?;
        let status = response.status;
        let text = text_of(response.body);
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(trimmed).map_err(|error| {
            let what = format!(
                "{label}: the answer ({status}) is not JSON ({error}): {}",
                excerpt(trimmed)
            );
            if writes {
                Fault::UnknownOutcome(what)
            } else {
                Fault::Protocol(what)
            }
        })
    }

    /// What a status other than success means.
    fn refused(&self, label: &str, writes: bool, response: &Response) -> Fault {
        let status = response.status;
        let refusal = self.dialect.refusal(&text_of(response.body.clone()));
        let said = format!("{label}: {status} {}", refusal.detail)
            .trim_end()
            .to_owned();
        if let Some(fault) = self.dialect.fault(status, &refusal, &said) {
            return fault;
        }
        let wait = response
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case("retry-after"))
            .and_then(|header| time::retry_after(&header.value, &self.cx.now()));
        let backoff = |retry_after_ms| Backoff {
            retry_after_ms,
            detail: said.clone(),
        };
        let applied = writes && !self.dialect.nothing_was_applied(status, &refusal);
        match status {
            401 => Fault::Auth(said),
            403 => Fault::Denied(said),
            404 | 410 => Fault::Missing(said),
            429 => Fault::Throttled(backoff(Some(wait.unwrap_or(self.dialect.throttled_ms())))),
            408 | 500.. if applied => Fault::UnknownOutcome(said),
            408 | 500.. => Fault::Unavailable(backoff(wait)),
            409 => Fault::Conflict(said),
            400..=499 => Fault::Rejected(Rejection {
                code: refusal.code,
                detail: said,
            }),
            _ if writes => Fault::UnknownOutcome(said),
            _ => Fault::Protocol(said),
        }
    }

    fn request(&self, method: Method, path: Path, body: Option<Body>, writes: bool) -> Request {
        let mut headers: Vec<Header> = (self.dialect.headers().into_iter())
            .map(|(name, value)| Header {
                name: name.to_owned(),
                value,
            })
            .collect();
        headers.extend(body.as_ref().map(|b| Header {
            name: "content-type".to_owned(),
            value: b.kind.clone(),
        }));
        Request {
            method,
            url: path.into_text(),
            headers,
            body: body.map(|b| b.bytes),
            credential: self.dialect.credential().map(str::to_owned),
            writes,
        }
    }
}

/// A body with its type.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    /// The `content-type` header.
    pub kind: String,
    /// What is sent.
    pub bytes: Vec<u8>,
}

fn json_body(value: &Value) -> Body {
    Body {
        kind: "application/json".to_owned(),
        bytes: value.to_string().into_bytes(),
    }
}

/// The method as HTTP writes it.
pub(crate) fn word(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
    }
}

/// Method and path, without the query, which can be long.
fn label(request: &Request) -> String {
    let method = word(request.method);
    let path = request.url.split('?').next().unwrap_or_default();
    format!("{method} {path}")
}

fn unanswered(label: &str, writes: bool, error: Error) -> Fault {
    match error {
        Error::Forbidden(rule) => Fault::Denied(format!("{label}: the host refuses it: {rule}")),
        Error::Auth(why) => Fault::Auth(format!("{label}: {why}")),
        Error::Unavailable(why) => Fault::Unavailable(Backoff {
            retry_after_ms: None,
            detail: format!("{label}: {why}"),
        }),
        Error::Throttled(wait) => Fault::Throttled(Backoff {
            retry_after_ms: Some(wait),
            detail: format!("{label}: the manifest's rate for this call is used up"),
        }),
        Error::OutcomeUnknown(why) => Fault::UnknownOutcome(format!("{label}: {why}")),
        Error::TooLarge(limit) => {
            let what = format!("{label}: the answer is longer than {limit} bytes");
            if writes {
                Fault::UnknownOutcome(what)
            } else {
                Fault::Protocol(what)
            }
        }
    }
}

fn text_of(body: Vec<u8>) -> String {
    let text = match String::from_utf8(body) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    };
    match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    }
}

/// The beginning of a text, on one line; for people.
pub fn excerpt(text: &str) -> String {
    shorten(
        &text.split_whitespace().collect::<Vec<_>>().join(" "),
        QUOTED,
    )
}

/// What the body of a refusal says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Refusal {
    /// The marketplace's own error code.
    pub code: Option<String>,
    /// Its words, for people.
    pub detail: String,
}

impl Refusal {
    /// Reads a body in the shapes that JSON APIs use: a list of `errors`, a list of `violations`, or a lone member
    /// with the words. A page of HTML is told by its title, anything else by its beginning.
    pub fn read(body: &str) -> Self {
        let trimmed = body.trim();
        let Ok(value) = serde_json::from_str::<Value>(trimmed) else {
            return Self {
                code: None,
                detail: page_title(trimmed).unwrap_or_else(|| excerpt(trimmed)),
            };
        };
        let node = Node::new(&value);
        let words = |node: Node<'_>| {
            ["detail", "message", "error_description", "error", "title"]
                .into_iter()
                .find_map(|name| node.get(name).text())
        };
        let code = |node: Node<'_>| {
            ["code", "errorCode", "error_code"]
                .into_iter()
                .find_map(|name| node.get(name).text())
        };
        let errors = node.get("errors").list();
        let mut parts: Vec<String> = (errors.iter())
            .filter_map(|error| words(*error).or_else(|| error.text()))
            .collect();
        for violation in node.get("violations").list() {
            let path = violation.get("propertyPath").text().unwrap_or_default();
            let title = violation.get("title").text().unwrap_or_default();
            let value = violation.get("parameters").get("value").text();
            let value = value.map(|v| format!(" (given: {v})")).unwrap_or_default();
            parts.push(format!("{path}: {title}{value}"));
        }
        if parts.is_empty() {
            parts.extend(words(node));
        }
        Self {
            code: code(node).or_else(|| errors.iter().find_map(|e| code(*e))),
            detail: excerpt(&parts.join("; ")),
        }
    }
}

/// The title of an HTML page, as a gateway sends it.
fn page_title(text: &str) -> Option<String> {
    if !text.starts_with('<') {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let start = lower.find("<title>")? + "<title>".len();
    let end = start + lower.get(start..)?.find("</title>")?;
    Some(format!(
        "a page titled \"{}\"",
        excerpt(text.get(start..end)?)
    ))
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
