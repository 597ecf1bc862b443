use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::Instant;

/// One of the two sides that the host stands between.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The channel or its plugin.
    Channel,
    /// Shopify.
    Shop,
}

impl Side {
    /// As stored.
    pub fn text(self) -> &'static str {
        match self {
            Side::Channel => "channel",
            Side::Shop => "shop",
        }
    }

    /// The side of a stored text.
    pub fn parse(text: &str) -> Self {
        match text {
            "shop" => Side::Shop,
            _ => Side::Channel,
        }
    }
}

/// A request that was sent and what came of it. Holds no body, no query, no header but the answer's request id.
///
/// A row may also stand for several exchanges of one kind (`attempt` is none), or for a call that failed before it sent
/// anything (`method` is none, `attempt` is not).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Exchange {
    /// When the request was sent; of several, the first.
    #[schema(value_type = jiff::Timestamp)]
    pub at: Instant,
    /// When the last of several was sent; `at` of a single one.
    #[schema(value_type = jiff::Timestamp)]
    pub last_at: Instant,
    /// Why it was made, as "create" or "look-up after a lost answer".
    pub cause: String,
    /// Who was asked.
    pub side: Side,
    /// The contract's function ("fulfillments.ship"), the GraphQL operation ("OrderCreate"), or "token".
    pub call: String,
    /// HTTP method.
    pub method: Option<String>,
    /// Path without host and query. None also where the path is a secret.
    pub path: Option<String>,
    /// HTTP status; none: no answer came.
    pub status: Option<u16>,
    /// What went wrong: the fault that the caller concluded, else what broke the connection.
    pub error: Option<String>,
    /// Milliseconds from the request to the whole answer; of several, in all.
    pub ms: u64,
    /// Length of the answer's body in bytes; of several, in all.
    pub bytes: u64,
    /// Which try of its call it was, from 1.
    #[serde(rename = "try")]
    pub attempt: Option<u32>,
    /// Points that Shopify charged; of several, in all.
    pub cost: Option<u32>,
    /// The answer's `x-request-id`, by which the other side finds it in its log.
    pub request_id: Option<String>,
    /// How many exchanges the row stands for.
    pub count: u32,
    /// How many of them failed.
    pub failed: u32,
}

impl Exchange {
    /// A request that is about to be sent, or a call that sent none yet.
    pub fn begun(at: Instant, cause: String, side: Side, call: String, attempt: u32) -> Self {
        Self {
            at,
            last_at: at,
            cause,
            side,
            call,
            method: None,
            path: None,
            status: None,
            error: None,
            ms: 0,
            bytes: 0,
            attempt: Some(attempt),
            cost: None,
            request_id: None,
            count: 1,
            failed: 0,
        }
    }

    /// Whether every exchange of the row was answered, and the answer was not an error.
    pub fn well(&self) -> bool {
        self.failed == 0
    }

    /// Decides whether a single exchange failed, by its status and its error.
    pub fn judge(&mut self) {
        let answered = self.status.is_some_and(|s| (200..400).contains(&s));
        self.failed = u32::from(!answered || self.error.is_some());
    }

    /// Takes a later exchange of the same kind in: the row stands for both from now on.
    pub fn absorb(&mut self, later: &Exchange) {
        self.attempt = None;
        self.request_id = None;
        self.at = self.at.min(later.at);
        self.last_at = self.last_at.max(later.last_at);
        self.ms += later.ms;
        self.bytes += later.bytes;
        self.cost = match (self.cost, later.cost) {
            (None, None) => None,
            (a, b) => Some(a.unwrap_or(0) + b.unwrap_or(0)),
        };
        self.count += later.count;
        self.failed += later.failed;
        if later.error.is_some() {
            self.error.clone_from(&later.error);
        }
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = match self.side {
            Side::Channel => "the channel".to_owned(),
            Side::Shop => "Shopify".to_owned(),
        };
        // Writing into a text does not fail.
        if self.attempt.is_none() {
            let _ = write!(text, ": {} requests", self.count);
            if self.failed > 0 {
                let _ = write!(text, ", {} failed", self.failed);
            }
            let _ = write!(text, ", the last at {:.0}", self.last_at);
        }
        if let Some(method) = &self.method {
            let path = self.path.as_deref().unwrap_or("(a signed link)");
            let _ = write!(text, ": {method} {path}");
        }
        match (self.status, &self.method, self.attempt) {
            (Some(status), ..) => {
                let _ = write!(text, ": HTTP {status}");
            }
            (None, Some(_), _) => text.push_str(": no answer"),
            (None, None, Some(_)) => text.push_str(": nothing was sent"),
            (None, None, None) => {}
        }
        if self.method.is_some() || self.attempt.is_none() {
            let _ = write!(text, ", {} ms", self.ms);
        }
        if let Some(cost) = self.cost {
            let _ = write!(text, ", {cost} points");
        }
        if let Some(n) = self.attempt.filter(|n| *n > 1) {
            let _ = write!(text, ", try {n}");
        }
        if let Some(id) = &self.request_id {
            let _ = write!(text, ", request {id}");
        }
        if let Some(error) = &self.error {
            let _ = write!(text, ": {error}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange() -> Exchange {
        let at = "2026-11-22T10:00:00Z".parse().unwrap();
        Exchange::begun(at, "create".into(), Side::Shop, "OrderCreate".into(), 2)
    }

    #[test]
    fn an_exchange_is_told_in_one_line() {
        let mut e = exchange();
        e.judge();
        assert!(!e.well(), "no answer is no good answer");
        e.error = Some("throttled: wait".into());
        assert_eq!(
            e.text(),
            "Shopify: nothing was sent, try 2: throttled: wait"
        );
        e.method = Some("POST".into());
        e.path = Some("/graphql.json".into());
        (e.ms, e.error) = (31, None);
        assert_eq!(
            e.text(),
            "Shopify: POST /graphql.json: no answer, 31 ms, try 2"
        );
        (e.status, e.cost, e.request_id) = (Some(200), Some(10), Some("r-1".into()));
        e.judge();
        assert!(e.well());
        assert_eq!(
            e.text(),
            "Shopify: POST /graphql.json: HTTP 200, 31 ms, 10 points, try 2, request r-1"
        );
        e.error = Some("refused: no".into());
        e.judge();
        assert!(!e.well(), "200 is no success when the caller is refused");
    }

    #[test]
    fn several_become_one_row() {
        let mut one = exchange();
        (one.ms, one.bytes, one.cost, one.status) = (10, 100, Some(3), Some(200));
        one.method = Some("POST".into());
        one.judge();
        let mut other = one.clone();
        other.at = "2026-11-22T10:05:00Z".parse().unwrap();
        other.last_at = other.at;
        other.error = Some("refused: no".into());
        other.judge();
        one.absorb(&other);
        assert_eq!((one.count, one.failed, one.ms, one.bytes), (2, 1, 20, 200));
        assert_eq!((one.cost, one.attempt), (Some(6), None));
        assert_eq!(
            one.text(),
            "Shopify: 2 requests, 1 failed, the last at 2026-11-22T10:05:00Z: POST (a signed link): HTTP 200, 20 ms, 6 points: refused: no"
        );
    }
}
