//! The one way out of a plugin. The order of the steps is the point: nothing is sent that has not passed the rules
//! before it, and nothing comes back that has not been capped and scrubbed.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant as Clock;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use url::Url;

use super::bindings::http;
use super::credential::{Slot, TokenError};
use super::limits::Limits;
use crate::model::Key;
use crate::net::{self, Client, Method, Request};
use crate::vault::Scrubber;

/// What a request came to.
pub(super) type Outcome = Result<http::Response, http::Error>;

/// Headers that only the host sets.
const RESERVED: [&str; 13] = [
    "host",
    "authorization",
    "proxy-authorization",
    "proxy-connection",
    "cookie",
    "connection",
    "keep-alive",
    "content-length",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
];

/// The way out of one channel's connector, with its credentials, rate and counts.
pub(super) struct Egress {
    pub(super) plugin: String,
    pub(super) key: Key,
    pub(super) scrubber: Scrubber,
    base_url: Url,
    hosts: Vec<String>,
    slots: BTreeMap<String, Slot>,
    rate: DefaultDirectRateLimiter,
    client: Client,
    pub(super) sent: AtomicU64,
}

impl Egress {
    #[allow(clippy::too_many_arguments)]
    pub(super) fn new(
        plugin: String,
        key: Key,
        base_url: Url,
        hosts: Vec<String>,
        slots: BTreeMap<String, Slot>,
        scrubber: Scrubber,
        rate: (NonZeroU32, NonZeroU32),
        client: Client,
    ) -> Self {
        let quota = Quota::per_second(rate.0).allow_burst(rate.1);
        Self { plugin, key, scrubber, base_url, hosts, slots, rate: RateLimiter::direct(quota), client, sent: AtomicU64::new(0) }
    }

    /// Sends one request of the guest.
    pub(super) async fn send(&self, request: http::Request, limits: &Limits) -> Outcome {
        let writes = request.writes;
        let slot = request.credential.clone();
        let prepared = self.check(request, limits).map_err(http::Error::Forbidden)?;
        let slot = match slot {
            None => None,
            Some(name) => Some(self.slots.get(&name).ok_or_else(|| {
                let known: Vec<&str> = self.slots.keys().map(String::as_str).collect();
                http::Error::Forbidden(format!("there is no credential \"{name}\"; the manifest names {}", list(&known)))
            })?),
        };
        let mut renewed = false;
        loop {
            let mut outgoing = prepared.clone();
            let mut token = None;
            if let Some(slot) = slot {
                token = slot.apply(&mut outgoing, &self.base_url, &self.client, &self.scrubber, limits).await.map_err(token_error)?;
            }
            self.rate.until_ready().await;
            let started = Clock::now();
            self.sent.fetch_add(1, Ordering::Relaxed);
            let (method, place) = (outgoing.method.as_str(), format!("{}{}", outgoing.url.host_str().unwrap_or(""), outgoing.url.path()));
            let answer = self.client.send(outgoing).await;
            let ms = started.elapsed().as_millis();
            let (plugin, channel) = (&self.plugin, &self.key);
            match answer {
                Ok(answer) => {
                    tracing::debug!(target: "lockstep::egress", plugin, %channel, method, place, status = answer.status, ms, bytes = answer.body.len(), "answered");
                    if answer.status == 401
                        && !renewed
                        && let (Some(slot), Some(token)) = (slot, token)
                    {
                        // The token may have ended early: one more try with a fresh one. A 401 has had no effect.
                        slot.forget(&token).await;
                        renewed = true;
                        continue;
                    }
                    return Ok(self.clean(answer));
                }
                Err(error) => {
                    tracing::debug!(target: "lockstep::egress", plugin, %channel, method, place, ms, "{error}");
                    return Err(match error {
                        net::Error::Forbidden(text) => http::Error::Forbidden(text),
                        net::Error::NotSent(text) => http::Error::Unavailable(text),
                        net::Error::Lost(text) if writes => http::Error::OutcomeUnknown(text),
                        net::Error::Lost(text) => http::Error::Unavailable(text),
                        net::Error::TooLarge(limit) => http::Error::TooLarge(u32::try_from(limit).unwrap_or(u32::MAX)),
                    });
                }
            }
        }
    }

    /// The rules of a request, before anything is done with it. An error names the rule.
    fn check(&self, request: http::Request, limits: &Limits) -> Result<Request, String> {
        let url = self.url(&request.url)?;
        for header in &request.headers {
            let name = header.name.to_ascii_lowercase();
            if RESERVED.contains(&name.as_str()) || name.starts_with("proxy-") {
                return Err(format!("header \"{name}\" is set by the host only; for credentials name a slot"));
            }
            let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
            if name.is_empty() || !name.bytes().all(token) {
                return Err(format!("header name {:?} has characters that a name may not have", header.name));
            }
            if header.value.bytes().any(|b| b == b'\r' || b == b'\n' || b == 0) {
                return Err(format!("the value of header \"{name}\" contains a line break"));
            }
        }
        let headers: Vec<(String, String)> = request.headers.iter().map(|h| (h.name.to_ascii_lowercase(), h.value.clone())).collect();
        let found = self.scrubber.finds(url.as_str().as_bytes())
            || headers.iter().any(|(_, v)| self.scrubber.finds(v.as_bytes()))
            || request.body.as_deref().is_some_and(|b| self.scrubber.finds(b));
        if found {
            return Err("the request contains a secret; name a credential slot instead".into());
        }
        Ok(Request {
            method: match request.method {
                http::Method::Get => Method::Get,
                http::Method::Post => Method::Post,
                http::Method::Put => Method::Put,
                http::Method::Patch => Method::Patch,
                http::Method::Delete => Method::Delete,
            },
            url,
            headers,
            body: request.body,
            timeout: limits.request,
            max_body: limits.body,
        })
    }

    /// A path of the base URL, or an absolute URL of a host that was granted.
    fn url(&self, text: &str) -> Result<Url, String> {
        if text.starts_with("//") || text.contains('\\') {
            return Err(format!("\"{}\" is neither a path nor an absolute URL", cut(text)));
        }
        if text.starts_with('/') {
            let base = self.base_url.as_str().trim_end_matches('/');
            return Url::parse(&format!("{base}{text}")).map_err(|e| format!("\"{}\" is not a valid path: {e}", cut(text)));
        }
        let url = Url::parse(text).map_err(|e| format!("\"{}\" is not a valid URL: {e}", cut(text)))?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(format!("scheme \"{}\" is not allowed", url.scheme()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a URL may not carry user name or password; name a credential slot".into());
        }
        let same = (url.scheme(), url.host_str(), url.port_or_known_default())
            == (self.base_url.scheme(), self.base_url.host_str(), self.base_url.port_or_known_default());
        if same {
            return Ok(url);
        }
        let host = url.host_str().unwrap_or("");
        let granted = url.scheme() == "https" && url.port().is_none() && self.hosts.iter().any(|h| h == host);
        if !granted {
            return Err(format!("host \"{host}\" is not granted; the plugin may ask {}", self.granted()));
        }
        Ok(url)
    }

    fn granted(&self) -> String {
        let mut hosts = vec![self.base_url.host_str().unwrap_or("")];
        hosts.extend(self.hosts.iter().map(String::as_str));
        list(&hosts)
    }

    fn clean(&self, answer: net::Response) -> http::Response {
        http::Response {
            status: answer.status,
            headers: answer
                .headers
                .into_iter()
                // A session of the marketplace is the host's matter.
                .filter(|(name, _)| name != "set-cookie")
                .map(|(name, value)| http::Header { name, value: self.scrubber.scrub(&value) })
                .collect(),
            body: self.scrubber.scrub_bytes(answer.body),
        }
    }
}

fn token_error(error: TokenError) -> http::Error {
    match error {
        TokenError::Refused(text) => http::Error::Auth(text),
        TokenError::Unavailable(text) => http::Error::Unavailable(text),
    }
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "none".into() } else { names.iter().map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(", ") }
}

fn cut(text: &str) -> String {
    text.split(['?', '#']).next().unwrap_or("").chars().take(80).collect()
}
