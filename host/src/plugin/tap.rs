//! A place between a connector's checked requests and the net, for checks and recordings. Channels at work have none.

use std::collections::BTreeMap;
use std::fmt;

use url::Url;

use crate::net;

/// A request that has passed every gate, before the host adds the secret.
#[derive(Clone, Debug)]
pub struct Tapped {
    /// "GET", "POST" ...
    pub method: &'static str,
    /// Path and query behind the channel's base URL; a whole URL on another host.
    pub target: String,
    /// Lower-case names; repeated ones joined.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Option<Vec<u8>>,
    /// The credential slot that the plugin named.
    pub slot: Option<String>,
    /// Whether the plugin says that it can change something.
    pub writes: bool,
}

impl Tapped {
    pub(super) fn new(
        request: &net::Request,
        base: &Url,
        slot: Option<&str>,
        writes: bool,
    ) -> Self {
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in &request.headers {
            headers
                .entry(name.clone())
                .and_modify(|v| *v = format!("{v}, {value}"))
                .or_insert_with(|| value.clone());
        }
        let whole = request.url.as_str();
        let target = whole
            .strip_prefix(base.as_str().trim_end_matches('/'))
            .filter(|rest| rest.starts_with('/'))
            .unwrap_or(whole);
        Self {
            method: request.method.as_str(),
            target: target.to_owned(),
            headers,
            body: request.body.clone(),
            slot: slot.map(str::to_owned),
            writes,
        }
    }
}

/// What comes of a request.
pub type Outcome = Result<net::Response, net::Error>;

/// Sees what a connector sends and hears, and may put something else in its place. Requests of one call come one after
/// the other.
pub trait Tap: Send + Sync + fmt::Debug {
    /// An outcome instead of sending; none: it is sent.
    fn instead(&self, request: &Tapped) -> Option<Outcome>;

    /// What the plugin hears of the outcome.
    fn heard(&self, request: &Tapped, outcome: Outcome) -> Outcome;

    /// A rule refused the request, in these words; nothing was sent.
    fn refused(&self, why: &str);

    /// What the plugin is told that the time is.
    fn now(&self, real: String) -> String;

    /// What the plugin gets as random bytes.
    fn random(&self, real: Vec<u8>) -> Vec<u8>;
}
