//! Requests to Seller Center and what its answers mean.

use serde_json::Value;

use crate::bindings::lockstep::plugin::http::{Error, Header, Method, Request, Response};
use crate::bindings::lockstep::plugin::session::Level;
use crate::bindings::lockstep::plugin::types::{Backoff, Fault, Rejection};
use crate::json::{Node, shorten};
use crate::outside::Outside;
use crate::time;

/// The credential slot of the manifest.
const SLOT: &str = "api";
/// How long to wait after a 429 that does not say, in milliseconds.
const THROTTLED_MS: u32 = 60_000;
/// Longest text of the marketplace that is quoted, in characters.
const QUOTED: usize = 300;
/// Requests that are handed to the host together: their answers are in memory at once.
const TOGETHER: usize = 40;

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

/// Seller Center, reached through the host.
#[derive(Clone, Copy)]
pub struct Api<'a> {
    outside: &'a dyn Outside,
}

impl<'a> Api<'a> {
    /// Over this host.
    pub fn new(outside: &'a dyn Outside) -> Self {
        Self { outside }
    }

    /// The body of a read, as text.
    pub fn read_text(&self, path: Path) -> Result<String, Fault> {
        let request = request(Method::Get, path, None, false);
        let label = label(&request);
        let response = self.accept(&label, false, self.outside.send(request))?;
        Ok(text_of(response.body))
    }

    /// Reads JSON; an empty body is null.
    pub fn read(&self, path: Path) -> Result<Value, Fault> {
        let request = request(Method::Get, path, None, false);
        let label = label(&request);
        self.accept_json(&label, false, self.outside.send(request))
    }

    /// Reads several things at once. Answers come in the order of the paths.
    pub fn read_all(&self, paths: Vec<Path>) -> Vec<Result<Value, Fault>> {
        let mut answers = Vec::with_capacity(paths.len());
        let mut paths = paths.into_iter().peekable();
        while paths.peek().is_some() {
            let requests: Vec<Request> = paths
                .by_ref()
                .take(TOGETHER)
                .map(|path| request(Method::Get, path, None, false))
                .collect();
            let labels: Vec<String> = requests.iter().map(label).collect();
            let mut results = self.outside.send_all(requests).into_iter();
            for label in labels {
                answers.push(match results.next() {
                    Some(result) => self.accept_json(&label, false, result),
                    None => Err(Fault::Protocol(format!("{label}: the host gave no answer"))),
                });
            }
        }
        answers
    }

    /// Writes. An answer that is missing or unreadable is of unknown outcome.
    pub fn write(&self, method: Method, path: Path, body: Option<&Value>) -> Result<Value, Fault> {
        let request = request(method, path, body, true);
        let label = label(&request);
        self.accept_json(&label, true, self.outside.send(request))
    }

    /// A setting of the manifest.
    pub fn setting(&self, key: &str) -> Option<String> {
        self.outside.setting(key)
    }

    /// Writes a warning to the plugin's log.
    pub fn warn(&self, message: &str) {
        self.outside.log(Level::Warn, message);
    }

    /// Writes an error to the plugin's log.
    pub fn error(&self, message: &str) {
        self.outside.log(Level::Error, message);
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
        let refusal = Refusal::read(&text_of_ref(&response.body));
        let said = format!("{label}: {status} {}", refusal.detail)
            .trim_end()
            .to_owned();
        let wait = response
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case("retry-after"))
            .and_then(|header| time::retry_after(&header.value, &self.outside.now()));
        let backoff = |retry_after_ms| Backoff {
            retry_after_ms,
            detail: said.clone(),
        };
        match status {
            401 => Fault::Auth(said),
            403 => Fault::Denied(said),
            404 | 410 => Fault::Missing(said),
            429 => Fault::Throttled(backoff(Some(wait.unwrap_or(THROTTLED_MS)))),
            // The gate is closed before anything is looked at, so nothing was applied.
            503 if !writes || refusal.maintenance => Fault::Unavailable(backoff(wait)),
            408 | 500.. if writes => Fault::UnknownOutcome(said),
            408 | 500.. => Fault::Unavailable(backoff(wait)),
            409 => Fault::Conflict(said),
            // The order management behind Seller Center refused; that can pass.
            400..=499 if refusal.code.as_deref() == Some("E021") => Fault::Other(said),
            400..=499 => Fault::Rejected(Rejection {
                code: refusal.code,
                detail: said,
            }),
            _ if writes => Fault::UnknownOutcome(said),
            _ => Fault::Protocol(said),
        }
    }
}

fn request(method: Method, path: Path, body: Option<&Value>, writes: bool) -> Request {
    let header = |name: &str, value: &str| Header {
        name: name.to_owned(),
        value: value.to_owned(),
    };
    let mut headers = vec![header("accept", "application/json")];
    if body.is_some() {
        headers.push(header("content-type", "application/json"));
    }
    Request {
        method,
        url: path.into_text(),
        headers,
        body: body.map(|value| value.to_string().into_bytes()),
        credential: Some(SLOT.to_owned()),
        writes,
    }
}

/// Method and path, without the query, which can be long.
fn label(request: &Request) -> String {
    let method = match request.method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
    };
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

fn text_of_ref(body: &[u8]) -> String {
    text_of(body.to_vec())
}

fn excerpt(text: &str) -> String {
    shorten(
        &text.split_whitespace().collect::<Vec<_>>().join(" "),
        QUOTED,
    )
}

/// An error body in any of its shapes.
#[derive(Debug, Default, PartialEq)]
struct Refusal {
    code: Option<String>,
    detail: String,
    maintenance: bool,
}

impl Refusal {
    fn read(body: &str) -> Self {
        let trimmed = body.trim();
        let Ok(value) = serde_json::from_str::<Value>(trimmed) else {
            return Self {
                code: code_of(trimmed),
                detail: page_title(trimmed).unwrap_or_else(|| excerpt(trimmed)),
                maintenance: false,
            };
        };
        let node = Node::new(&value);
        let mut parts: Vec<String> = Vec::new();
        for error in node.get("errors").list() {
            let item = error.get("orderItemId").text();
            let detail = error
                .get("detail")
                .text()
                .or_else(|| error.get("message").text())
                .or_else(|| error.text());
            match (item, detail) {
                (Some(item), Some(detail)) => parts.push(format!("item {item}: {detail}")),
                (None, Some(detail)) => parts.push(detail),
                _ => {}
            }
        }
        for violation in node.get("violations").list() {
            let path = violation.get("propertyPath").text().unwrap_or_default();
            let title = violation.get("title").text().unwrap_or_default();
            let value = violation.get("parameters").get("value").text();
            let value = value.map(|v| format!(" (given: {v})")).unwrap_or_default();
            parts.push(format!("{path}: {title}{value}"));
        }
        if parts.is_empty() {
            for name in ["detail", "message", "error_description", "error", "title"] {
                if let Some(text) = node.get(name).text() {
                    parts.push(text);
                    break;
                }
            }
        }
        let details = node
            .get("errors")
            .list()
            .into_iter()
            .map(|error| error.get("detail"))
            .chain([node.get("detail"), node.get("title"), node.get("message")]);
        Self {
            code: details
                .filter_map(Node::text)
                .find_map(|text| code_of(&text)),
            detail: excerpt(&parts.join("; ")),
            maintenance: node.get("caused_by").text().as_deref() == Some("maintenance_mode"),
        }
    }
}

/// The classic error code that a text begins with: `E`, at least two digits, a colon.
fn code_of(text: &str) -> Option<String> {
    let (head, _) = text.trim_start().split_once(':')?;
    let digits = head.strip_prefix('E')?;
    let fits = (2..=5).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| head.to_owned())
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

/// A refusal of the connector's own, before anything is sent.
pub fn reject(detail: impl Into<String>) -> Fault {
    Fault::Rejected(Rejection {
        code: None,
        detail: detail.into(),
    })
}

/// The words of a fault.
pub fn detail(fault: &Fault) -> &str {
    match fault {
        Fault::Auth(text)
        | Fault::UnknownOutcome(text)
        | Fault::Missing(text)
        | Fault::Conflict(text)
        | Fault::Protocol(text)
        | Fault::Denied(text)
        | Fault::Other(text) => text,
        Fault::Throttled(backoff) | Fault::Unavailable(backoff) => &backoff.detail,
        Fault::Rejected(rejection) => &rejection.detail,
    }
}

#[cfg(test)]
#[path = "api_tests.rs"]
mod tests;
