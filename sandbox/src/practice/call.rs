//! One request as handlers see it, with the marketplace's conventions for parameters, pages and bodies.

use axum::extract::{FromRequest, Request};
use axum::http::header;
use axum::response::Response;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::reply::{Answer, Refusal, ok};
use super::state::State;
use crate::request::Taken;

/// The largest body accepted, in bytes.
const BODY_LIMIT: usize = 1024 * 1024;
/// The largest page that may be asked for.
const PAGE_MAX: usize = 200;
/// The page of those who do not say.
const PAGE: usize = 50;

/// Members of a body that its description does not have.
pub(super) type Rest = Map<String, Value>;

/// A request.
pub(super) struct Call(Taken);

impl std::ops::Deref for Call {
    type Target = Taken;

    fn deref(&self) -> &Taken {
        &self.0
    }
}

impl<S: Send + Sync> FromRequest<S> for Call {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        Taken::from(request, state, BODY_LIMIT).await.map(Self)
    }
}

impl Call {
    /// Notes parameters that this call does not know. The marketplace ignores them, which hides mistakes.
    pub(super) fn expect(&self, state: &mut State, known: &[&str]) {
        for (name, _) in &self.query {
            if !known.contains(&name.as_str()) {
                state.mistake(format!(
                    "{} {}: parameter `{name}` is unknown here and ignored",
                    self.method, self.path
                ));
            }
        }
    }

    /// Notes members of a body that this call does not know.
    pub(super) fn ignore(&self, state: &mut State, rest: &Rest) {
        for name in rest.keys() {
            state.mistake(format!(
                "{} {}: member `{name}` is unknown here and ignored",
                self.method, self.path
            ));
        }
    }

    /// The last value of a parameter; an empty one counts as absent.
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        let mut found = self.query.iter().rev().filter(|(n, _)| n == name);
        found
            .next()
            .map(|(_, v)| v.as_str())
            .filter(|v| !v.is_empty())
    }

    /// Every value of a parameter that is given once for each; at most `most` of them.
    pub(super) fn many(&self, name: &str, most: usize) -> Result<Vec<&str>, Refusal> {
        let found: Vec<&str> = (self.query.iter())
            .filter(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
            .collect();
        match found.len() > most {
            true => Err(Refusal::invalid(format!(
                "{name} is given {} times; at most {most} are taken at once",
                found.len()
            ))),
            false => Ok(found),
        }
    }

    /// A point in time.
    pub(super) fn time(&self, name: &str) -> Result<Option<Timestamp>, Refusal> {
        let Some(text) = self.one(name) else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| {
            Refusal::invalid(format!("{name} is \"{text}\", which is no RFC 3339 time"))
        })
    }

    /// The page of `all` that was asked for, under `name`. `all` is in the order in which it is listed, each row with
    /// the key that a cursor remembers: rows with that key or a lower one were told before.
    pub(super) fn page<K: Ord + ToString>(
        &self,
        state: &State,
        name: &str,
        all: impl Iterator<Item = (K, Value)>,
        read: impl Fn(&str) -> Option<K>,
    ) -> Answer {
        let limit = match self.one("limit") {
            None => PAGE,
            Some(text) => (text.parse().ok())
                .filter(|n| (1..=PAGE_MAX).contains(n))
                .ok_or_else(|| {
                    Refusal::invalid(format!("limit is \"{text}\"; it has to be 1 to {PAGE_MAX}"))
                })?,
        };
        let limit = limit.min(state.switches.page_cap.max(1));
        // A cursor belongs to the question that it came from.
        let question = format!("{name}?{}", self.one("changed_since").unwrap_or_default());
        let after = match self.one("cursor") {
            None => None,
            Some(cursor) => Some(
                position(cursor, &question)
                    .and_then(|p| read(&p))
                    .ok_or_else(|| {
                        Refusal::invalid(
                            "cursor is none that an answer to this question gave as next",
                        )
                    })?,
            ),
        };
        let mut rows = Vec::new();
        let (mut last, mut more) = (None, false);
        for (key, row) in all.filter(|(key, _)| after.as_ref().is_none_or(|a| key > a)) {
            if rows.len() == limit {
                more = true;
                break;
            }
            rows.push(row);
            last = Some(key);
        }
        let next = last
            .filter(|_| more)
            .map(|key| BASE64_URL_SAFE_NO_PAD.encode(format!("{question}\n{}", key.to_string())));
        ok(json!({name: rows, "next": next}))
    }

    /// The JSON body, an object.
    pub(super) fn body<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        let kind = self.headers.get(header::CONTENT_TYPE);
        let kind = kind.and_then(|v| v.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(Refusal::invalid(format!(
                "the content type is \"{kind}\"; send application/json"
            )));
        }
        serde_json::from_slice(&self.body)
            .map_err(|e| Refusal::invalid(format!("the body is not understood: {e}")))
    }
}

/// What a cursor remembers, if it is one of this question's.
fn position(cursor: &str, question: &str) -> Option<String> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (of, position) = text.split_once('\n')?;
    (of == question).then(|| position.to_owned())
}
