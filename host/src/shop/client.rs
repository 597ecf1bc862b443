//! Sends operations: signing in, the throttle, and what each kind of answer means.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as Clock};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::throttle::{Cost, Throttle};
use crate::model::Fault;
use crate::net::{self, Method, Request, Response};
use crate::vault::Scrubber;

/// From the first byte sent to the last byte read: Shopify takes its time over an order.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Longest answer to an operation, in bytes.
const LONGEST: usize = 32 * 1024 * 1024;
/// Longest file of a bulk operation, in bytes.
const LONGEST_FILE: usize = 2 * 1024 * 1024 * 1024;
/// How often an operation is sent again after "throttled".
const THROTTLED: u32 = 6;
/// Left alone that long after "too many attempts": the rule behind it is not published.
const TOO_MANY_ATTEMPTS_MS: u32 = 120_000;

/// How to sign in.
pub enum ShopAuth {
    /// An app of the Dev Dashboard: tokens are fetched with id and secret.
    ClientCredentials {
        /// Client id.
        id: String,
        /// Client secret.
        secret: SecretString,
    },
    /// A permanent token.
    Token(SecretString),
}

/// Where a shop is and how to sign in.
pub struct ShopConfig {
    /// `https://....myshopify.com`, or the sandbox.
    pub base_url: Url,
    /// As in "2026-10".
    pub api_version: String,
    /// Credentials.
    pub auth: ShopAuth,
    /// Blanks secrets in whatever an answer says. Tokens are added to it.
    pub scrubber: Scrubber,
}

pub(super) struct Client {
    config: ShopConfig,
    http: net::Client,
    throttle: Throttle,
    token: Mutex<Option<(SecretString, Clock)>>,
    version_warned: AtomicBool,
}

/// An operation ready to be sent.
pub(super) struct Call {
    pub(super) name: &'static str,
    pub(super) body: Value,
    /// It changes something: a lost answer leaves its outcome unknown.
    pub(super) writes: bool,
    /// May use the throttle's headroom.
    pub(super) urgent: bool,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    data: Option<Value>,
    #[serde(default)]
    errors: Option<Value>,
    #[serde(default)]
    extensions: Option<Extensions>,
}

#[derive(Deserialize)]
struct Extensions {
    cost: Option<Cost>,
}

#[derive(Deserialize)]
struct Issued {
    access_token: String,
    expires_in: Option<u64>,
}

impl Client {
    pub(super) fn new(config: ShopConfig, http: net::Client) -> Self {
        Self { config, http, throttle: Throttle::new(), token: Mutex::new(None), version_warned: AtomicBool::new(false) }
    }

    /// Sends an operation and reads its data.
    pub(super) async fn run<T: DeserializeOwned>(&self, call: Call) -> Result<T, Fault> {
        let data = self.data(&call).await.map_err(|f| self.clean(f))?;
        serde_json::from_value(data).map_err(|e| self.clean(unreadable(&call, &format!("the answer has another shape than Shopify's schema says: {e}"))))
    }

    async fn data(&self, call: &Call) -> Result<Value, Fault> {
        let mut throttled = 0;
        let mut renewed = false;
        loop {
            let token = self.token().await?;
            let taken = self.throttle.take(call.name, call.writes, call.urgent).await;
            let started = Clock::now();
            let sent = self.http.send(self.request(call, &token)?).await;
            let answer = match sent {
                Ok(answer) => answer,
                Err(error) => {
                    self.throttle.answered(call.name, taken, None);
                    return Err(lost(call, error));
                }
            };
            tracing::debug!(operation = call.name, status = answer.status, ms = started.elapsed().as_millis(), bytes = answer.body.len(), "Shopify answered");
            self.check_version(&answer);
            if answer.status == 401 && !renewed && self.forget(&token).await {
                self.throttle.answered(call.name, taken, None);
                renewed = true;
                continue;
            }
            if answer.status != 200 {
                self.throttle.answered(call.name, taken, None);
                return Err(refused(call, &answer));
            }
            let parsed: Result<Answer, _> = serde_json::from_slice(&answer.body);
            let cost = parsed.as_ref().ok().and_then(|a| a.extensions.as_ref()?.cost.clone());
            self.throttle.answered(call.name, taken, cost.as_ref());
            let parsed = parsed.map_err(|e| unreadable(call, &format!("the answer is not JSON: {e}")))?;
            let code = parsed.errors.as_ref().map(|e| error_code(e).unwrap_or_default());
            match code.as_deref() {
                None => {}
                Some("THROTTLED") if cost.as_ref().is_none_or(|c| c.actual_query_cost.is_none()) && throttled < THROTTLED => {
                    // Nothing ran: no cost was charged.
                    throttled += 1;
                    tokio::time::sleep(Throttle::penalty(cost.as_ref())).await;
                    continue;
                }
                Some(code) => return Err(rejected(call, code, &error_words(parsed.errors.as_ref()))),
            }
            return parsed.data.ok_or_else(|| unreadable(call, "the answer has neither data nor errors"));
        }
    }

    fn request(&self, call: &Call, token: &SecretString) -> Result<Request, Fault> {
        let path = format!("/admin/api/{}/graphql.json", self.config.api_version);
        Ok(Request {
            method: Method::Post,
            url: self.url(&path)?,
            headers: vec![
                ("content-type".into(), "application/json".into()),
                ("accept".into(), "application/json".into()),
                ("x-shopify-access-token".into(), token.expose_secret().to_owned()),
            ],
            body: Some(call.body.to_string().into_bytes()),
            timeout: TIMEOUT,
            max_body: LONGEST,
        })
    }

    fn url(&self, path: &str) -> Result<Url, Fault> {
        let text = format!("{}{path}", self.config.base_url.as_str().trim_end_matches('/'));
        text.parse().map_err(|e| Fault::Other { detail: format!("the shop's address \"{text}\" is not a URL: {e}") })
    }

    /// A version that has ended "falls forward" to a newer one, whose answers may differ.
    fn check_version(&self, answer: &Response) {
        let version = answer.header("x-shopify-api-version");
        if let Some(version) = version.filter(|v| *v != self.config.api_version)
            && !self.version_warned.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(asked = self.config.api_version, answered = version, "Shopify answers with another API version than was asked for; update lockstep");
        }
    }

    /// The token; one that is fetched serves every caller until a fifth of its life is left.
    async fn token(&self) -> Result<SecretString, Fault> {
        let (id, secret) = match &self.config.auth {
            ShopAuth::Token(token) => return Ok(token.clone()),
            ShopAuth::ClientCredentials { id, secret } => (id, secret),
        };
        let mut kept = self.token.lock().await;
        if let Some((token, _)) = kept.as_ref().filter(|(_, until)| *until > Clock::now()) {
            return Ok(token.clone());
        }
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret.expose_secret())])
            .finish();
        let request = Request {
            method: Method::Post,
            url: self.url("/admin/oauth/access_token")?,
            headers: vec![("content-type".into(), "application/x-www-form-urlencoded".into()), ("accept".into(), "application/json".into())],
            body: Some(body.into_bytes()),
            timeout: TIMEOUT,
            max_body: 64 * 1024,
        };
        let unavailable = |detail: String| Fault::Unavailable { retry_after_ms: None, detail };
        let answer = self.http.send(request).await.map_err(|e| match e {
            net::Error::Forbidden(detail) => Fault::Other { detail },
            other => unavailable(format!("no token: {other}")),
        })?;
        match answer.status {
            200..=299 => {
                let issued: Issued = serde_json::from_slice(&answer.body).map_err(|_| unavailable("no token: the answer is not a token".into()))?;
                let token = SecretString::from(issued.access_token);
                self.config.scrubber.learn(&token);
                let life = Duration::from_secs(issued.expires_in.unwrap_or(3_600));
                *kept = Some((token.clone(), Clock::now() + life.mul_f64(0.8)));
                Ok(token)
            }
            400 | 401 | 403 => Err(Fault::Auth { detail: format!("Shopify does not accept client id and secret ({}): {}", answer.status, words(&answer.body)) }),
            404 => Err(Fault::Auth { detail: format!("there is no shop at {} (404)", self.config.base_url.host_str().unwrap_or("")) }),
            429 | 500..=599 => Err(unavailable(format!("no token: Shopify answered {}", answer.status))),
            status => Err(Fault::Protocol { detail: format!("no token: Shopify answered {status}") }),
        }
    }

    /// Forgets a token that was refused. False for a permanent one, which cannot be renewed.
    async fn forget(&self, token: &SecretString) -> bool {
        if matches!(self.config.auth, ShopAuth::Token(_)) {
            return false;
        }
        let mut kept = self.token.lock().await;
        if kept.as_ref().is_some_and(|(k, _)| k.expose_secret() == token.expose_secret()) {
            *kept = None;
        }
        true
    }

    /// The file of a bulk operation, which is signed by its address and takes no token.
    pub(super) async fn file(&self, address: &str) -> Result<Vec<u8>, Fault> {
        let broken = |detail: String| Fault::Unavailable { retry_after_ms: None, detail };
        let url: Url = address.parse().map_err(|_| Fault::Protocol { detail: "the address of the bulk operation's file is not a URL".into() })?;
        let request = Request { method: Method::Get, url, headers: vec![], body: None, timeout: Duration::from_secs(1_800), max_body: LONGEST_FILE };
        let answer = self.http.send(request).await.map_err(|e| broken(format!("the bulk operation's file: {e}")))?;
        match answer.status {
            200 => Ok(answer.body),
            status => Err(broken(format!("the bulk operation's file: {status}"))),
        }
    }

    /// Shopify may repeat what it was sent; nobody else is to see it.
    fn clean(&self, fault: Fault) -> Fault {
        let scrub = |detail: String| self.config.scrubber.scrub(&detail);
        match fault {
            Fault::Auth { detail } => Fault::Auth { detail: scrub(detail) },
            Fault::Throttled { retry_after_ms, detail } => Fault::Throttled { retry_after_ms, detail: scrub(detail) },
            Fault::Unavailable { retry_after_ms, detail } => Fault::Unavailable { retry_after_ms, detail: scrub(detail) },
            Fault::UnknownOutcome { detail } => Fault::UnknownOutcome { detail: scrub(detail) },
            Fault::Rejected { code, detail } => Fault::Rejected { code, detail: scrub(detail) },
            Fault::Missing { detail } => Fault::Missing { detail: scrub(detail) },
            Fault::Conflict { detail } => Fault::Conflict { detail: scrub(detail) },
            Fault::Protocol { detail } => Fault::Protocol { detail: scrub(detail) },
            Fault::Denied { detail } => Fault::Denied { detail: scrub(detail) },
            Fault::Plugin { detail } => Fault::Plugin { detail: scrub(detail) },
            Fault::Other { detail } => Fault::Other { detail: scrub(detail) },
        }
    }
}

fn lost(call: &Call, error: net::Error) -> Fault {
    let detail = format!("{}: {error}", call.name);
    match error {
        net::Error::Forbidden(_) => Fault::Other { detail },
        net::Error::NotSent(_) => Fault::Unavailable { retry_after_ms: None, detail },
        net::Error::Lost(_) | net::Error::TooLarge(_) if call.writes => Fault::UnknownOutcome { detail },
        net::Error::Lost(_) => Fault::Unavailable { retry_after_ms: None, detail },
        net::Error::TooLarge(_) => Fault::Protocol { detail },
    }
}

fn unreadable(call: &Call, what: &str) -> Fault {
    let detail = format!("{}: {what}", call.name);
    if call.writes { Fault::UnknownOutcome { detail } } else { Fault::Protocol { detail } }
}

/// What a status other than 200 means.
fn refused(call: &Call, answer: &Response) -> Fault {
    let words = words(&answer.body);
    let detail = format!("{}: {}{}", call.name, answer.status, if words.is_empty() { String::new() } else { format!(": {words}") });
    let retry_after_ms = answer.header("retry-after").and_then(|v| v.trim().parse::<f64>().ok()).map(|s| (s * 1_000.0) as u32);
    match answer.status {
        401 => Fault::Auth { detail },
        402 | 423 => Fault::Denied { detail: format!("{detail}: the shop is frozen or locked") },
        403 => Fault::Denied { detail },
        404 => Fault::Missing { detail },
        429 | 430 => Fault::Throttled { retry_after_ms, detail },
        500..=599 if call.writes => Fault::UnknownOutcome { detail },
        500..=599 => Fault::Unavailable { retry_after_ms, detail },
        // A gateway's redirect or a success without body: what became of it cannot be told.
        200..=399 => unreadable(call, &format!("Shopify answered {}", answer.status)),
        _ => Fault::Rejected { code: None, detail },
    }
}

/// What a top-level error means.
fn rejected(call: &Call, code: &str, words: &str) -> Fault {
    let detail = format!("{}: {words}", call.name);
    match code {
        "THROTTLED" => Fault::Throttled { retry_after_ms: None, detail },
        "ACCESS_DENIED" => Fault::Denied { detail },
        "SHOP_INACTIVE" => Fault::Denied { detail },
        "NOT_FOUND" => Fault::Missing { detail },
        "INTERNAL_SERVER_ERROR" | "TIMEOUT" | "" if call.writes => Fault::UnknownOutcome { detail },
        "INTERNAL_SERVER_ERROR" | "TIMEOUT" | "" => Fault::Unavailable { retry_after_ms: None, detail },
        other => Fault::Rejected { code: Some(other.to_owned()), detail },
    }
}

fn error_code(errors: &Value) -> Option<String> {
    errors.as_array()?.iter().find_map(|e| e.get("extensions")?.get("code")?.as_str().map(str::to_owned))
}

fn error_words(errors: Option<&Value>) -> String {
    let text = match errors {
        Some(Value::Array(all)) => all.iter().filter_map(|e| e.get("message")?.as_str()).collect::<Vec<_>>().join("; "),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    text.chars().take(500).collect()
}

/// What a body that is no answer says: Shopify's short JSON forms; nothing of HTML.
fn words(body: &[u8]) -> String {
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return String::new() };
    let errors = value.get("errors").or_else(|| value.get("error_description")).or_else(|| value.get("error"));
    error_words(errors)
}

/// What the user errors of a mutation come to, in words.
pub(super) fn user_errors(call: &'static str, errors: Vec<(Option<String>, Option<Vec<String>>, String)>) -> Fault {
    let text = errors
        .iter()
        .map(|(_, field, message)| match field {
            Some(field) if !field.is_empty() => format!("{}: {message}", field.join(".")),
            _ => message.clone(),
        })
        .collect::<Vec<_>>()
        .join("; ");
    let detail = format!("{call}: {text}");
    if text.contains("Too many attempts") {
        return Fault::Throttled { retry_after_ms: Some(TOO_MANY_ATTEMPTS_MS), detail };
    }
    Fault::Rejected { code: errors.into_iter().find_map(|(code, ..)| code), detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(writes: bool) -> Call {
        Call { name: "OrderCreate", body: Value::Null, writes, urgent: false }
    }

    fn answer(status: u16, body: &str) -> Response {
        Response { status, headers: vec![("retry-after".into(), "2.0".into())], body: body.as_bytes().to_vec() }
    }

    #[test]
    fn a_mutation_without_answer_is_of_unknown_outcome() {
        assert!(matches!(refused(&call(true), &answer(502, "<html>")), Fault::UnknownOutcome { .. }));
        assert!(matches!(refused(&call(false), &answer(502, "<html>")), Fault::Unavailable { retry_after_ms: Some(2_000), .. }));
        assert!(matches!(lost(&call(true), net::Error::Lost("reset".into())), Fault::UnknownOutcome { .. }));
        assert!(matches!(lost(&call(true), net::Error::NotSent("refused".into())), Fault::Unavailable { .. }));
        assert!(matches!(rejected(&call(true), "INTERNAL_SERVER_ERROR", "x"), Fault::UnknownOutcome { .. }));
        assert!(matches!(unreadable(&call(true), "x"), Fault::UnknownOutcome { .. }));
    }

    #[test]
    fn statuses_and_codes_are_told_apart() {
        let words = r#"{"errors":"[API] Invalid API key or access token"}"#;
        assert_eq!(refused(&call(false), &answer(401, words)), Fault::Auth { detail: "OrderCreate: 401: [API] Invalid API key or access token".into() });
        assert!(matches!(refused(&call(false), &answer(402, "")), Fault::Denied { .. }));
        assert!(matches!(refused(&call(false), &answer(430, "")), Fault::Throttled { .. }));
        assert!(matches!(rejected(&call(false), "ACCESS_DENIED", "x"), Fault::Denied { .. }));
        assert!(matches!(rejected(&call(false), "MAX_COST_EXCEEDED", "x"), Fault::Rejected { code: Some(c), .. } if c == "MAX_COST_EXCEEDED"));
    }

    #[test]
    fn user_errors_name_the_field() {
        let fault = user_errors("OrderCreate", vec![(Some("INVALID".into()), Some(vec!["order".into(), "lineItems".into(), "0".into()]), "is wrong".into())]);
        assert_eq!(fault, Fault::Rejected { code: Some("INVALID".into()), detail: "OrderCreate: order.lineItems.0: is wrong".into() });
        let later = user_errors("OrderCreate", vec![(None, None, "Too many attempts. Please try again later.".into())]);
        assert!(matches!(later, Fault::Throttled { retry_after_ms: Some(120_000), .. }));
    }
}
