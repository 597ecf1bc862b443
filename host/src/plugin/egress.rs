//! The only way out for a plugin: every request passes the same gates in the same order.
//!
//! Read the address, refuse headers that are the host's, check the grant, look for secrets, wait for the rate of the
//! call, then the account's, add the credential, send, blank secrets in the answer, log.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use governor::{DefaultDirectRateLimiter, Quota};
use url::Url;

use super::bindings::http::{Error, Header, Method, Request, Response};
use super::credential::{Credential, Slot};
use super::limits::Limits;
use super::manifest::{CallRate, CredentialKind, Manifest, Rate, is_token};
use super::rates::CallRates;
use super::tap::{Outcome, Tap, Tapped};
use crate::model::Side;
use crate::net;
use crate::telemetry;
use crate::trace::{self, Noting};
use crate::vault::Scrubber;

const LONGEST_URL: usize = 16 << 10;
const MOST_HEADERS: usize = 100;
const LONGEST_HEADERS: usize = 64 << 10;

/// Which call of which plugin, for messages.
#[derive(Clone, Debug)]
pub(super) struct Who {
    pub plugin: Arc<str>,
    pub call: &'static str,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "plugin {}, call {}", self.plugin, self.call)
    }
}

/// How fast a connector may ask.
#[derive(Default)]
pub(super) struct Rates {
    /// All requests together.
    pub account: Option<Rate>,
    /// Single calls.
    pub calls: Vec<CallRate>,
}

/// The way out of one connector.
pub(super) struct Egress {
    pub plugin: String,
    pub channel: String,
    pub scrubber: Scrubber,
    /// Requests sent, token requests included.
    pub sent: AtomicU64,
    /// Stands before the net while a plugin is checked.
    pub tap: Option<Arc<dyn Tap>>,
    base: Url,
    hosts: Vec<String>,
    client: net::Client,
    rate: Option<DefaultDirectRateLimiter>,
    call_rates: CallRates,
    slots: BTreeMap<String, Slot>,
}

impl Egress {
    pub(super) fn new(
        manifest: &Manifest,
        channel: &str,
        base: Url,
        mut credentials: BTreeMap<String, Credential>,
        rates: Rates,
        client: net::Client,
        scrubber: Scrubber,
    ) -> anyhow::Result<Self> {
        super::manifest::check_base(&base)?;
        ensure!(
            base.scheme() == "https" || client.allows_local(),
            "{base}: only https is allowed, unless the channel is set up for a sandbox on this machine"
        );
        let mut slots = BTreeMap::new();
        for spec in &manifest.credential {
            let name = spec.slot.clone();
            let credential = credentials
                .remove(&name)
                .with_context(|| format!("credential \"{name}\" is missing; enter its secret"))?;
            // It may only be tried: whoever keeps it has it known for good.
            scrubber.learn_passing(&format!("credential {name}"), &credential.secret);
            slots.insert(name, Slot::new(spec.clone(), credential, &base)?);
        }
        ensure!(
            credentials.is_empty(),
            "the plugin has no credential \"{}\"",
            credentials
                .keys()
                .cloned()
                .collect::<Vec<_>>()
                .join("\", \"")
        );
        Ok(Self {
            plugin: manifest.plugin.id.clone(),
            channel: channel.to_owned(),
            scrubber,
            sent: AtomicU64::new(0),
            tap: None,
            base,
            hosts: (manifest.endpoint.as_ref()).map_or_else(Vec::new, |e| e.hosts.clone()),
            client,
            rate: rates.account.as_ref().map(limiter),
            call_rates: CallRates::new(&rates.calls),
            slots,
        })
    }

    /// Sends a plugin's request, begun at the latest then. `room` is how long the answer's body may be, in bytes.
    pub(super) async fn send(
        &self,
        who: &Who,
        request: Request,
        room: usize,
        limits: &Limits,
        latest: Instant,
    ) -> Result<Response, Error> {
        let refuse = |why: String| {
            let text = format!("{who}: {why}");
            tracing::warn!(
                plugin = self.plugin,
                channel = self.channel,
                call = who.call,
                "request refused: {why}"
            );
            if let Some(tap) = &self.tap {
                tap.refused(&why);
            }
            Error::Forbidden(text)
        };
        let writes = request.writes;
        let (request, slot) = self.check(request, room, limits.request).map_err(refuse)?;
        let outcome = match &self.tap {
            None => self.deliver(who.call, request, slot, latest).await?,
            Some(tap) => {
                let name = slot.map(|s| s.spec.slot.as_str());
                let seen = Tapped::new(&request, &self.base, name, writes);
                let outcome = match tap.instead(&seen) {
                    Some(outcome) => outcome,
                    None => self.deliver(who.call, request, slot, latest).await?,
                };
                match tap.heard(&seen, outcome) {
                    Ok(answer) if answer.body.len() > room => Err(net::Error::TooLarge(room)),
                    outcome => outcome,
                }
            }
        };
        let answer = outcome.map_err(|e| match e {
            net::Error::Forbidden(why) => refuse(why),
            net::Error::NotSent(why) => Error::Unavailable(why),
            net::Error::Lost(why) if writes => Error::OutcomeUnknown(why),
            net::Error::Lost(why) => Error::Unavailable(why),
            net::Error::TooLarge(limit) => Error::TooLarge(limit.try_into().unwrap_or(u32::MAX)),
        })?;
        Ok(self.answer(answer))
    }

    /// Adds the credential and sends. The outer error tells that there is no credential to be had.
    async fn deliver(
        &self,
        call: &str,
        request: net::Request,
        slot: Option<&Slot>,
        latest: Instant,
    ) -> Result<Outcome, Error> {
        if let Some(path) = self.own_path(&request.url) {
            let (method, admit) = (request.method.as_str(), &self.call_rates);
            let asked = Instant::now();
            let admitted = admit.admit(method, path, latest).await;
            telemetry::waited(Side::Channel, &self.channel, asked.elapsed());
            if let Err(wait) = admitted {
                let ms = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
                return Err(Error::Throttled(ms));
            }
        }
        let mut rejected = None;
        let mut tried = 0;
        loop {
            tried += 1;
            let mut attempt = request.clone();
            let serial = match slot {
                Some(slot) => slot.apply(self, &mut attempt, rejected).await?,
                None => None,
            };
            let (outcome, mut noting) = self.exchange(call, tried, attempt).await;
            // A token can end before its time. Refused for it, nothing was done: once more with a new one.
            let refused = outcome.as_ref().is_ok_and(|a| a.status == 401);
            if refused && serial.is_some() && rejected.is_none() {
                noting.why("the access token was refused: sent again with a new one");
                rejected = serial;
                continue;
            }
            return Ok(outcome);
        }
    }

    /// Waits for the rate, sends, logs and notes, as the how many-th try of the call.
    pub(super) async fn exchange(
        &self,
        call: &str,
        tried: u32,
        request: net::Request,
    ) -> (Outcome, Noting) {
        if let Some(rate) = &self.rate {
            let asked = Instant::now();
            rate.until_ready().await;
            telemetry::waited(Side::Channel, &self.channel, asked.elapsed());
        }
        let method = request.method.as_str();
        let (host, path) = (
            request.url.host_str().unwrap_or_default().to_owned(),
            request.url.path().to_owned(),
        );
        let start = Instant::now();
        self.sent.fetch_add(1, Ordering::Relaxed);
        let mut noting = trace::begin(Side::Channel, call, tried, &request, &self.scrubber);
        let answer = self.client.send(request).await;
        noting.heard(&answer);
        let status = answer.as_ref().ok().map(|a| a.status);
        telemetry::requested(Side::Channel, &self.channel, call, status, start.elapsed());
        let ms = start.elapsed().as_millis() as u64;
        match &answer {
            Ok(a) => {
                tracing::debug!(target: "plugin", plugin = self.plugin, channel = self.channel, method, host, path, status = a.status, ms, bytes = a.body.len(), "http");
            }
            Err(e) => {
                tracing::debug!(target: "plugin", plugin = self.plugin, channel = self.channel, method, host, path, ms, "http: {e}")
            }
        }
        (answer, noting)
    }

    /// The path below the base URL; none on another host.
    fn own_path<'a>(&self, url: &'a Url) -> Option<&'a str> {
        let base = self.base.path().trim_end_matches('/');
        let path = url.path().strip_prefix(base)?;
        (same_origin(url, &self.base) && path.starts_with('/')).then_some(path)
    }

    /// All gates that need no waiting. The error says which rule is broken.
    fn check(
        &self,
        request: Request,
        room: usize,
        timeout: Duration,
    ) -> Result<(net::Request, Option<&Slot>), String> {
        let url = self.target(&request.url)?;
        let headers = self.headers(&request.headers)?;
        let slot = match &request.credential {
            None => None,
            Some(name) => Some(self.slots.get(name).ok_or_else(|| {
                let known: Vec<&str> = self.slots.keys().map(String::as_str).collect();
                format!(
                    "its manifest has no credential \"{name}\"; it has {}",
                    if known.is_empty() {
                        "none".into()
                    } else {
                        known.join(", ")
                    }
                )
            })?),
        };
        if let Some(taken) = self
            .slots
            .values()
            .filter(|s| s.spec.kind == CredentialKind::Query)
            .filter_map(|s| s.spec.name.as_deref())
            .find(|n| url.query_pairs().any(|(q, _)| q == *n))
        {
            return Err(format!(
                "the query parameter \"{taken}\" is a credential and set by the host only"
            ));
        }
        let secret_in = |what: &str| {
            format!(
                "its {what} holds a secret of the channel; name the credential's slot and the host adds it"
            )
        };
        let decoded = || url::form_urlencoded::parse(url.as_str().as_bytes());
        if self.scrubber.finds(request.url.as_bytes())
            || self.scrubber.finds(url.as_str().as_bytes())
            || decoded().any(|(name, value)| {
                self.scrubber.finds(name.as_bytes()) || self.scrubber.finds(value.as_bytes())
            })
        {
            return Err(secret_in("URL"));
        }
        if headers
            .iter()
            .any(|(n, v)| self.scrubber.finds(n.as_bytes()) || self.scrubber.finds(v.as_bytes()))
        {
            return Err(secret_in("headers"));
        }
        if request
            .body
            .as_deref()
            .is_some_and(|b| self.scrubber.finds(b))
        {
            return Err(secret_in("body"));
        }
        let method = match request.method {
            Method::Get => net::Method::Get,
            Method::Post => net::Method::Post,
            Method::Put => net::Method::Put,
            Method::Patch => net::Method::Patch,
            Method::Delete => net::Method::Delete,
        };
        Ok((
            net::Request {
                method,
                url,
                headers,
                body: request.body,
                timeout,
                max_body: room,
            },
            slot,
        ))
    }

    /// Where a request goes, if the plugin may go there.
    fn target(&self, text: &str) -> Result<Url, String> {
        if text.len() > LONGEST_URL {
            return Err(format!("a URL of {} bytes is too long", text.len()));
        }
        // Parsers disagree about these, and a disagreement is a way around the grant.
        if text.bytes().any(|b| b <= b' ' || b == 0x7f || b == b'\\') {
            return Err(
                "the URL holds a blank, a control character or a backslash; encode it".into(),
            );
        }
        let mut url = if text.starts_with('/') {
            join(&self.base, text).map_err(|e| e.to_string())?
        } else {
            text.parse::<Url>()
                .map_err(|e| format!("the URL is neither a path nor a full URL: {e}"))?
        };
        url.set_fragment(None);
        if !url.username().is_empty() || url.password().is_some() {
            return Err(
                "the URL holds a user or password; name the credential's slot and the host adds it"
                    .into(),
            );
        }
        if same_origin(&url, &self.base) {
            return Ok(url);
        }
        let host = url.host_str().unwrap_or_default();
        if !self.hosts.iter().any(|h| h == host) {
            let granted: Vec<&str> = self
                .base
                .host_str()
                .into_iter()
                .chain(self.hosts.iter().map(String::as_str))
                .collect();
            return Err(format!(
                "the host \"{host}\" is not granted; granted are {}",
                granted.join(", ")
            ));
        }
        if url.scheme() != "https" || url.port().is_some() {
            return Err(format!("only https on its usual port is allowed to {host}"));
        }
        Ok(url)
    }

    fn headers(&self, headers: &[Header]) -> Result<Vec<(String, String)>, String> {
        let bytes: usize = headers.iter().map(|h| h.name.len() + h.value.len()).sum();
        if headers.len() > MOST_HEADERS || bytes > LONGEST_HEADERS {
            return Err(format!(
                "{} headers with {bytes} bytes are too many",
                headers.len()
            ));
        }
        headers
            .iter()
            .map(|h| {
                if !is_token(&h.name) {
                    return Err(format!("{:?} is not a header name", h.name));
                }
                let name = h.name.to_ascii_lowercase();
                if h.value.chars().any(|c| c.is_control() && c != '\t') {
                    return Err(format!(
                        "the value of header {name} holds a line break or another control character"
                    ));
                }
                let a_credential = self.slots.values().any(|s| {
                    s.spec.kind == CredentialKind::Header && s.spec.name.as_deref() == Some(&name)
                });
                if a_credential || is_hosts(&name) {
                    return Err(format!("the header {name} is set by the host only"));
                }
                Ok((name, h.value.clone()))
            })
            .collect()
    }

    fn answer(&self, answer: net::Response) -> Response {
        let headers = answer
            .headers
            .into_iter()
            .filter(|(name, _)| name != "set-cookie")
            .map(|(name, value)| Header {
                name,
                value: self.scrubber.scrub(&value),
            })
            .collect();
        Response {
            status: answer.status,
            headers,
            body: self.scrubber.scrub_bytes(answer.body),
        }
    }
}

/// Headers that would let a plugin speak for the host, or confuse who reads the request.
fn is_hosts(name: &str) -> bool {
    name.starts_with("proxy-")
        || matches!(
            name,
            "host"
                | "authorization"
                | "cookie"
                | "connection"
                | "keep-alive"
                | "te"
                | "trailer"
                | "transfer-encoding"
                | "upgrade"
                | "content-length"
                | "expect"
                | "accept-encoding"
                | "http2-settings"
        )
}

/// Appends a path to the base URL; the result never leaves the base's host.
pub(super) fn join(base: &Url, path: &str) -> anyhow::Result<Url> {
    let text = format!("{}{path}", base.as_str().trim_end_matches('/'));
    let url: Url = text
        .parse()
        .with_context(|| format!("\"{path}\" is not a path"))?;
    ensure!(
        same_origin(&url, base),
        "\"{path}\" leads away from the channel's own host"
    );
    Ok(url)
}

fn same_origin(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme()
        && a.host() == b.host()
        && a.port_or_known_default() == b.port_or_known_default()
}

fn limiter(rate: &Rate) -> DefaultDirectRateLimiter {
    let burst = NonZeroU32::new(rate.burst).unwrap_or(NonZeroU32::MIN);
    let quota = Quota::with_period(Duration::from_secs_f64(1.0 / rate.per_second))
        .expect("the manifest's rate was checked");
    DefaultDirectRateLimiter::direct(quota.allow_burst(burst))
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    fn egress() -> Egress {
        let manifest = Manifest::parse(
            r#"
            plugin = { id = "demo", name = "Demo", version = "1.0.0", generation = "0.1" }
            endpoint = { base-url = "https://api.example.com/v2", hosts = ["files.example.com"] }
            credential = [
                { slot = "api", kind = "bearer" },
                { slot = "key", kind = "header", name = "x-api-key" },
                { slot = "sign", kind = "query", name = "key" },
            ]
            "#,
        )
        .unwrap();
        let secret = |text: &str| Credential {
            id: None,
            secret: SecretString::from(text),
        };
        let credentials = [
            ("api", "bearer-secret"),
            ("key", "header-secret"),
            ("sign", "query-secret"),
        ]
        .map(|(slot, text)| (slot.to_owned(), secret(text)))
        .into();
        let base = "https://api.example.com/v2/".parse().unwrap();
        Egress::new(
            &manifest,
            "kestrel/demo",
            base,
            credentials,
            Rates::default(),
            net::Client::new(net::ClientOptions::default()).unwrap(),
            Scrubber::default(),
        )
        .unwrap()
    }

    fn request(url: &str, headers: &[(&str, &str)], body: &str) -> Request {
        let headers = headers
            .iter()
            .map(|(n, v)| Header {
                name: (*n).into(),
                value: (*v).into(),
            })
            .collect();
        Request {
            method: Method::Get,
            url: url.into(),
            headers,
            body: Some(body.into()),
            credential: None,
            writes: false,
        }
    }

    #[test]
    fn addresses_that_are_granted() {
        let e = egress();
        for (given, sent) in [
            (
                "/orders?limit=1",
                "https://api.example.com/v2/orders?limit=1",
            ),
            (
                "https://api.example.com/other",
                "https://api.example.com/other",
            ),
            (
                "https://files.example.com/a.csv#x",
                "https://files.example.com/a.csv",
            ),
            (
                "//evil.example/x",
                "https://api.example.com/v2//evil.example/x",
            ),
            (
                "/@evil.example/x",
                "https://api.example.com/v2/@evil.example/x",
            ),
        ] {
            assert_eq!(e.target(given).unwrap().as_str(), sent);
        }
    }

    #[test]
    fn calls_are_counted_by_their_path_below_the_base() {
        let e = egress();
        for (given, path) in [
            ("/orders?limit=1", Some("/orders")),
            ("https://api.example.com/v2/orders", Some("/orders")),
            ("https://api.example.com/v20/orders", None),
            ("https://files.example.com/v2/orders", None),
        ] {
            assert_eq!(e.own_path(&e.target(given).unwrap()), path, "{given}");
        }
    }

    #[test]
    fn addresses_that_are_not() {
        let e = egress();
        for (given, why) in [
            (
                "https://evil.example/",
                "\"evil.example\" is not granted; granted are api.example.com, files.example.com",
            ),
            ("http://api.example.com/", "is not granted"),
            ("http://files.example.com/", "only https"),
            ("https://files.example.com:8443/", "usual port"),
            ("https://api.example.com:8443/", "is not granted"),
            ("https://10.0.0.1/", "\"10.0.0.1\" is not granted"),
            ("https://[::1]/", "\"[::1]\" is not granted"),
            ("https://0x7f000001/", "\"127.0.0.1\" is not granted"),
            ("https://api.example.com.evil.example/", "is not granted"),
            ("https://u:p@api.example.com/", "user or password"),
            ("https://api.example.com\\@evil.example/", "backslash"),
            ("/a\r\nHost: evil", "control character"),
            ("/a b", "blank"),
            ("file:///etc/passwd", "is not granted"),
            ("data:text/plain,x", "is not granted"),
            ("orders", "neither a path nor a full URL"),
        ] {
            let error = e.target(given).unwrap_err();
            assert!(error.contains(why), "{given}: {error}");
        }
    }

    #[test]
    fn headers_of_the_host_and_smuggled_ones_are_refused() {
        let e = egress();
        for name in [
            "Host",
            "AUTHORIZATION",
            "cookie",
            "Proxy-Authorization",
            "Connection",
            "Transfer-Encoding",
            "Content-Length",
            "X-Api-Key",
        ] {
            let error = e
                .check(request("/", &[(name, "x")], ""), 1, Duration::ZERO)
                .err()
                .unwrap();
            assert!(error.contains("set by the host only"), "{name}: {error}");
        }
        for (name, value) in [
            ("x-a", "1\r\nauthorization: x"),
            ("x-a", "1\0"),
            ("x-a\r\nx-b", "1"),
            ("x a", "1"),
            ("", "1"),
            ("x:", "1"),
        ] {
            assert!(
                e.check(request("/", &[(name, value)], ""), 1, Duration::ZERO)
                    .is_err(),
                "{name:?} {value:?}"
            );
        }
        assert!(
            e.check(
                request(
                    "/",
                    &[("Accept", "text/csv; q=1"), ("If-None-Match", "\"a\"")],
                    ""
                ),
                1,
                Duration::ZERO
            )
            .is_ok()
        );
        assert!(
            e.check(request("/?key=1", &[], ""), 1, Duration::ZERO)
                .err()
                .unwrap()
                .contains("\"key\" is a credential")
        );
    }

    #[test]
    fn secrets_that_a_plugin_writes_are_noticed() {
        use base64::Engine;
        let e = egress();
        let coded = base64::prelude::BASE64_STANDARD.encode("user:bearer-secret");
        for (url, header, body) in [
            ("/?q=query%2Dsecret", "", ""),
            ("/query-secret", "", ""),
            ("/", coded.as_str(), ""),
            ("/", "", "{\"x\":\"header-secret\"}"),
        ] {
            let error = e
                .check(request(url, &[("x-a", header)], body), 1, Duration::ZERO)
                .err()
                .unwrap_or_default();
            assert!(
                error.contains("holds a secret"),
                "{url} {header} {body}: {error}"
            );
        }
    }

    #[test]
    fn what_is_missing_or_unknown_is_named() {
        let e = egress();
        let mut unknown = request("/", &[], "");
        unknown.credential = Some("other".into());
        assert_eq!(
            e.check(unknown, 1, Duration::ZERO).err().unwrap(),
            "its manifest has no credential \"other\"; it has api, key, sign"
        );
    }
}
