//! One request as handlers see it, with the platform's parameter conventions.

use axum::extract::{FromRequest, Request};
use axum::http::header;
use axum::response::Response;
use jiff::Timestamp;
use serde_json::Value;

use super::clock;
use super::reply::Refusal;
use super::state::State;
use super::switches::Tolerance;
use crate::request::Taken;

/// The largest body accepted, in bytes.
const BODY_LIMIT: usize = 128 * 1024 * 1024;

/// A request, with the platform's ways of reading it.
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

/// Where a page begins and how many rows it may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    pub(super) limit: usize,
    pub(super) offset: usize,
}

impl Call {
    /// A path segment that has to be an id; anything else is a thing that does not exist.
    pub(super) fn id(&self, name: &str) -> Result<u64, Refusal> {
        let text = self.param(name);
        text.parse()
            .map_err(|_| Refusal::missing(format!("{name} `{text}`")))
    }

    /// Notes parameters this endpoint does not know. The platform ignores them, which hides mistakes.
    pub(super) fn expect(&self, state: &mut State, known: &[&str]) {
        for (name, _) in &self.query {
            if !known.contains(&array_name(name).as_str()) && !known.contains(&name.as_str()) {
                state.mistake(format!(
                    "{} {}: parameter `{name}` is unknown here and ignored",
                    self.method, self.path
                ));
            }
        }
    }

    /// The last value of a single parameter.
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().rev().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Every value of an array parameter; `name` without the brackets.
    pub(super) fn many(&self, name: &str) -> Vec<&str> {
        let wanted = format!("{name}[]");
        self.query
            .iter()
            .filter(|(n, _)| array_name(n) == wanted)
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// The ids of an array parameter, or nothing when it is absent.
    pub(super) fn ids(&self, name: &str) -> Result<Option<Vec<u64>>, Refusal> {
        let values = self.many(name);
        if values.is_empty() {
            return Ok(None);
        }
        values
            .into_iter()
            .map(|value| {
                value.parse().map_err(|_| {
                    Refusal::invalid(name, "This value should be of type integer.", value)
                })
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// A boolean parameter: `1`, `0`, and the words as PHP reads them.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.one(name)
            .map(|value| !matches!(value, "0" | "" | "false"))
    }

    /// One end of a range of times.
    pub(super) fn bound(
        &self,
        state: &State,
        name: &str,
        end: bool,
    ) -> Result<Option<Timestamp>, Refusal> {
        let Some(text) = self.one(name) else {
            return Ok(None);
        };
        clock::parse_bound(text, end, state.switches.date_zone_hours)
            .map(Some)
            .ok_or_else(|| Refusal::invalid(name, "This value is not a valid datetime.", text))
    }

    /// The page asked for, never longer than `max`.
    pub(super) fn page(
        &self,
        state: &mut State,
        max: u64,
        above: Tolerance,
    ) -> Result<Page, Refusal> {
        let read = |name: &str, least: u64, absent: u64| match self.one(name) {
            None if state.switches.paging_required => Err(Refusal::invalid(
                name,
                "This value should not be blank.",
                "null",
            )),
            None => Ok(absent),
            Some(text) => match text.parse::<u64>() {
                Ok(value) if value >= least => Ok(value),
                _ => Err(Refusal::invalid(
                    name,
                    "This value should be positive.",
                    text,
                )),
            },
        };
        let mut limit = read("limit", 1, max)?;
        let offset = read("offset", 0, 0)?;
        if limit > max {
            if above == Tolerance::Refused {
                return Err(Refusal::invalid(
                    "limit",
                    format!("This value should be less than or equal to {max}."),
                    limit,
                ));
            }
            state.mistake(format!(
                "{} {}: limit {limit} is cut to {max}",
                self.method, self.path
            ));
            limit = max;
        }
        Ok(Page {
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            offset: usize::try_from(offset).unwrap_or(usize::MAX),
        })
    }

    /// The content type without its parameters, in lower case.
    pub(super) fn content_type(&self) -> String {
        let value = self.headers.get(header::CONTENT_TYPE);
        let text = value.and_then(|v| v.to_str().ok()).unwrap_or_default();
        text.split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
    }

    /// The JSON body.
    pub(super) fn json(&self) -> Result<Value, Refusal> {
        if self.content_type() != "application/json" {
            return Err(Refusal::Problem {
                status: 400,
                title: "Bad Request".to_owned(),
                detail: format!(
                    "The content type `{}` is not supported",
                    self.content_type()
                ),
            });
        }
        serde_json::from_slice(&self.body).map_err(|error| Refusal::Problem {
            status: 400,
            title: "Bad Request".to_owned(),
            detail: format!("The body is not valid JSON: {error}"),
        })
    }
}

/// `orderIds[3]` as `orderIds[]`: the platform's framework reads both.
fn array_name(name: &str) -> String {
    match name.split_once('[') {
        Some((head, rest)) if rest.ends_with(']') => format!("{head}[]"),
        _ => name.to_owned(),
    }
}

/// A text member of a JSON body, absent when null.
pub(super) fn text<'a>(body: &'a Value, name: &str) -> Result<Option<&'a str>, Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(Refusal::invalid(
            name,
            "This value should be of type string.",
            other,
        )),
    }
}

/// A list of ids in a JSON body. Strings are not ids.
pub(super) fn id_list(body: &Value, name: &str) -> Result<Vec<u64>, Refusal> {
    let Some(Value::Array(values)) = body.get(name) else {
        return Err(Refusal::invalid(
            name,
            "This value should be of type array.",
            body.get(name).unwrap_or(&Value::Null),
        ));
    };
    if values.is_empty() {
        return Err(Refusal::invalid(
            name,
            "This collection should contain 1 element or more.",
            "[]",
        ));
    }
    let mut ids = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        let Some(id) = value.as_u64() else {
            return Err(Refusal::invalid(
                format!("{name}[{index}]"),
                "This value should be of type integer.",
                value,
            ));
        };
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}
