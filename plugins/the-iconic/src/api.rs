//! Requests, and what each answer means.

use serde_json::Value;

use crate::json;
use crate::lockstep::plugin::http::{self, Header, Method, Request, Response};
use crate::lockstep::plugin::types::{Backoff, Fault, Rejection};

/// What is waited for when Seller Center says "too many requests" and no more.
const THROTTLE_MS: u32 = 60_000;

/// Sends requests. The connector uses [`Wire`]; tests use a script.
pub trait Http {
    fn send(&self, request: &Request) -> Result<Response, http::Error>;
    fn send_all(&self, requests: &[Request]) -> Vec<Result<Response, http::Error>>;
}

/// The host's way out.
pub struct Wire;

impl Http for Wire {
    fn send(&self, request: &Request) -> Result<Response, http::Error> {
        http::send(request)
    }

    fn send_all(&self, requests: &[Request]) -> Vec<Result<Response, http::Error>> {
        http::send_all(requests)
    }
}

/// Seller Center.
pub struct Api<H> {
    http: H,
}

impl<H: Http> Api<H> {
    pub fn new(http: H) -> Self {
        Self { http }
    }

    /// Reads.
    pub fn get(&self, path: &str) -> Result<Value, Fault> {
        let request = request(Method::Get, path, None);
        self.read(&request, self.http.send(&request))
    }

    /// Reads several paths at once. What does not exist (any more) is none; the first other failure counts.
    pub fn get_all(&self, paths: &[String]) -> Result<Vec<Option<Value>>, Fault> {
        let requests: Vec<Request> = paths.iter().map(|p| request(Method::Get, p, None)).collect();
        let answers = self.http.send_all(&requests);
        requests
            .iter()
            .zip(answers)
            .map(|(request, answer)| match self.read(request, answer) {
                Ok(value) => Ok(Some(value)),
                Err(Fault::Missing(_)) => Ok(None),
                Err(fault) => Err(fault),
            })
            .collect()
    }

    fn read(&self, request: &Request, answer: Result<Response, http::Error>) -> Result<Value, Fault> {
        let answer = answer.map_err(unsent)?;
        match answer.status {
            200..=299 if answer.body.iter().all(u8::is_ascii_whitespace) => Ok(Value::Null),
            200..=299 => serde_json::from_slice(&answer.body).map_err(|e| Fault::Protocol(format!("{}: the answer is not JSON: {e}", place(request)))),
            _ => Err(refused(request, &answer)),
        }
    }

    /// Changes something. An answer that cannot be read leaves the outcome unknown.
    pub fn write(&self, method: Method, path: &str, body: &Value) -> Result<Value, Fault> {
        let request = request(method, path, Some(body));
        let answer = self.http.send(&request).map_err(unsent)?;
        match answer.status {
            200..=299 if answer.body.iter().all(u8::is_ascii_whitespace) => Ok(Value::Null),
            200..=299 => serde_json::from_slice(&answer.body).map_err(|e| Fault::UnknownOutcome(format!("{}: the answer is not JSON: {e}", place(&request)))),
            _ => Err(refused(&request, &answer)),
        }
    }
}

fn request(method: Method, path: &str, body: Option<&Value>) -> Request {
    let header = |name: &str, value: &str| Header { name: name.into(), value: value.into() };
    let mut headers = vec![header("accept", "application/json")];
    if body.is_some() {
        headers.push(header("content-type", "application/json"));
    }
    Request {
        writes: !matches!(method, Method::Get),
        method,
        url: path.to_owned(),
        headers,
        body: body.map(|b| b.to_string().into_bytes()),
        credential: Some("api".into()),
    }
}

fn place(request: &Request) -> String {
    let method = match request.method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
    };
    format!("{method} {}", request.url.split('?').next().unwrap_or(""))
}

fn unsent(error: http::Error) -> Fault {
    match error {
        http::Error::Forbidden(text) => Fault::Other(text),
        http::Error::Auth(text) => Fault::Auth(text),
        http::Error::Unavailable(detail) => Fault::Unavailable(Backoff { retry_after_ms: None, detail }),
        http::Error::OutcomeUnknown(text) => Fault::UnknownOutcome(text),
        http::Error::TooLarge(limit) => Fault::Protocol(format!("the answer is longer than {limit} bytes")),
    }
}

/// What a status that is no success means. Bodies come in four shapes, empty, and as HTML.
fn refused(request: &Request, answer: &Response) -> Fault {
    let place = place(request);
    let words = words(&answer.body);
    let detail = if words.is_empty() { format!("{place}: {}", answer.status) } else { format!("{place}: {}: {words}", answer.status) };
    let wait = retry_after(answer);
    match answer.status {
        401 => Fault::Auth(detail),
        403 => Fault::Denied(detail),
        404 => Fault::Missing(detail),
        429 => Fault::Throttled(Backoff { retry_after_ms: Some(wait.unwrap_or(THROTTLE_MS)), detail }),
        // Whoever answers in maintenance mode has not looked at the request.
        503 if words.contains("maintenance") => Fault::Unavailable(Backoff { retry_after_ms: wait, detail }),
        500..=599 if request.writes => Fault::UnknownOutcome(detail),
        500..=599 => Fault::Unavailable(Backoff { retry_after_ms: wait, detail }),
        // The order management behind Seller Center refuses now and may accept later.
        400..=499 if code(&words).as_deref() == Some("E021") => Fault::Unavailable(Backoff { retry_after_ms: wait, detail }),
        400..=499 => Fault::Rejected(Rejection { code: code(&words), detail }),
        _ => Fault::Protocol(format!("{detail}: a status that the API does not have")),
    }
}

/// What an error body says, whatever its shape.
fn words(body: &[u8]) -> String {
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return String::new() };
    let mut found = Vec::new();
    for e in json::list(&value, "errors") {
        let item = json::text(e, "orderItemId").map(|id| format!("item {id}: ")).unwrap_or_default();
        found.extend(json::text(e, "detail").map(|d| format!("{item}{d}")));
    }
    for v in json::list(&value, "violations") {
        let path = json::text(v, "propertyPath").map(|p| format!("{p}: ")).unwrap_or_default();
        found.extend(json::text(v, "title").map(|t| format!("{path}{t}")));
    }
    if found.is_empty() {
        found.extend(json::text(&value, "detail").or_else(|| json::text(&value, "message")).or_else(|| json::text(&value, "title")));
    }
    found.extend(json::text(&value, "caused_by"));
    found.join("; ").chars().take(500).collect()
}

/// The classic error code in an error's words: `E` and three digits or more.
pub fn code(words: &str) -> Option<String> {
    words.match_indices('E').find_map(|(at, _)| {
        let before = words[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric());
        let digits: String = words[at + 1..].chars().take_while(char::is_ascii_digit).collect();
        (before && digits.len() >= 3).then(|| format!("E{digits}"))
    })
}

/// `Retry-After` in milliseconds, when it is a number of seconds. The HTTP date that it may also be is counted from
/// the answer's own clock.
fn retry_after(answer: &Response) -> Option<u32> {
    let header = |name: &str| answer.headers.iter().find(|h| h.name == name).map(|h| h.value.trim());
    let value = header("retry-after")?;
    if let Ok(seconds) = value.parse::<u32>() {
        return Some(seconds.saturating_mul(1000));
    }
    let http_date = |text: &str| jiff::fmt::rfc2822::parse(&text.replace("GMT", "+0000")).ok().map(|z| z.timestamp());
    let (until, now) = (http_date(value)?, http_date(header("date")?)?);
    u32::try_from(until.duration_since(now).as_millis().max(0)).ok()
}

/// Percent-encodes everything but unreserved characters: right in a path segment and in a query.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for b in text.bytes() {
        if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
            out.push(b as char);
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
    out
}

/// A query of repeated array parameters: `name[]=a&name[]=b`.
pub fn array<'a>(name: &str, values: impl IntoIterator<Item = &'a str>) -> String {
    values.into_iter().map(|v| format!("{name}%5B%5D={}", encode(v))).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str, headers: &[(&str, &str)]) -> Response {
        Response {
            status,
            headers: headers.iter().map(|(n, v)| Header { name: (*n).into(), value: (*v).into() }).collect(),
            body: body.as_bytes().to_vec(),
        }
    }

    fn read(status: u16, body: &str) -> Fault {
        refused(&request(Method::Get, "/v2/x?y=1", None), &answer(status, body, &[]))
    }

    #[test]
    fn every_shape_of_error_is_understood() {
        let general = r#"{"type":"p","title":"Status Transition is not allowed","status":422,"detail":"E073: All order items must have status Pending"}"#;
        assert_eq!(
            read(422, general),
            Fault::Rejected(Rejection { code: Some("E073".into()), detail: "GET /v2/x: 422: E073: All order items must have status Pending".into() })
        );
        let violation = r#"{"title":"Validation Failed","detail":"d","violations":[{"propertyPath":"reason","title":"not valid"}]}"#;
        assert_eq!(read(400, violation), Fault::Rejected(Rejection { code: None, detail: "GET /v2/x: 400: reason: not valid".into() }));
        let items = r#"{"errors":[{"orderItemId":88001,"detail":"E091: not allowed"}]}"#;
        assert!(matches!(read(422, items), Fault::Rejected(Rejection { code: Some(c), detail }) if c == "E091" && detail.contains("item 88001")));
        assert!(matches!(read(401, r#"{"code":401,"message":"x"}"#), Fault::Auth(_)));
        assert!(matches!(read(403, ""), Fault::Denied(_)));
        assert!(matches!(read(404, "<html>"), Fault::Missing(_)));
        assert!(matches!(read(400, ""), Fault::Rejected(Rejection { code: None, .. })));
        assert!(matches!(read(302, ""), Fault::Protocol(_)));
        assert!(matches!(read(422, r#"{"detail":"E021: try later"}"#), Fault::Unavailable(_)));
    }

    #[test]
    fn a_lost_write_is_never_called_unavailable() {
        let write = request(Method::Post, "/v2/x", Some(&Value::Null));
        assert!(matches!(refused(&write, &answer(500, "", &[])), Fault::UnknownOutcome(_)));
        assert!(matches!(refused(&write, &answer(503, "", &[])), Fault::UnknownOutcome(_)));
        let maintenance = r#"{"message":"Service is unavailable due to maintenance mode","caused_by":"maintenance_mode"}"#;
        assert!(matches!(refused(&write, &answer(503, maintenance, &[("retry-after", "120")])), Fault::Unavailable(Backoff { retry_after_ms: Some(120_000), .. })));
    }

    #[test]
    fn throttles_are_waited_out() {
        let r = request(Method::Get, "/v2/x", None);
        let wait = |headers: &[(&str, &str)]| match refused(&r, &answer(429, "", headers)) {
            Fault::Throttled(b) => b.retry_after_ms,
            other => panic!("{other:?}"),
        };
        assert_eq!(wait(&[("retry-after", "3")]), Some(3_000));
        assert_eq!(wait(&[]), Some(60_000));
        assert_eq!(wait(&[("retry-after", "soon")]), Some(60_000));
        assert_eq!(wait(&[("date", "Mon, 09 Mar 2026 10:00:00 GMT"), ("retry-after", "Mon, 09 Mar 2026 10:00:30 GMT")]), Some(30_000));
    }

    #[test]
    fn query_values_are_encoded() {
        assert_eq!(array("sellerSkus", ["A+B C", "é/1"]), "sellerSkus%5B%5D=A%2BB%20C&sellerSkus%5B%5D=%C3%A9%2F1");
    }
}
