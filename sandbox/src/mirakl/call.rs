//! One request as handlers see it, with the platform's conventions for parameters and pages.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header;
use axum::response::Response;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::form::{self, Part};
use super::reply::{Answer, Refusal, Reply};
use super::state::State;
use super::switches::Above;
use crate::request::{Taken, parse_query};

/// The largest body accepted, in bytes.
const BODY_LIMIT: usize = 64 * 1024 * 1024;

/// The largest page.
const PAGE_MAX: u64 = 100;

/// Values of one parameter that holds a list.
const LIST_MAX: usize = 100;

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
    pub(super) max: usize,
    pub(super) offset: usize,
}

impl Call {
    /// Notes parameters this call does not know. The platform ignores them, which hides mistakes.
    pub(super) fn expect(&self, state: &mut State, known: &[&str]) {
        for (name, _) in &self.query {
            let common = matches!(name.as_str(), "shop_id" | "locale");
            if !common && !known.contains(&name.as_str()) {
                state.mistake(format!(
                    "{} {}: parameter `{name}` is unknown here and ignored",
                    self.method, self.path
                ));
            }
        }
    }

    /// A header's value.
    pub(super) fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// The last value of a parameter; an empty one counts as absent.
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().rev().find(|(n, _)| n == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|v| !v.is_empty())
    }

    /// Every value of a parameter that is repeated.
    pub(super) fn many(&self, name: &str) -> Vec<&str> {
        self.query
            .iter()
            .filter(|(n, v)| n == name && !v.is_empty())
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// The values of a parameter that holds a list separated by commas; none when it is absent.
    pub(super) fn list(&self, name: &str) -> Result<Option<Vec<&str>>, Refusal> {
        if self.many(name).len() > 1 {
            return Err(Refusal::invalid(format!(
                "{name}: one list separated by commas, not a repeated parameter"
            )));
        }
        let Some(text) = self.one(name) else {
            return Ok(None);
        };
        let values: Vec<&str> = text.split(',').map(str::trim).collect();
        match values.len() {
            0..=LIST_MAX => Ok(Some(values)),
            n => Err(Refusal::invalid(format!(
                "{name}: {n} values, at most {LIST_MAX} are allowed"
            ))),
        }
    }

    /// A parameter that is true or false.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.one(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(Refusal::invalid(format!("{name}: `{other}` is no boolean"))),
        }
    }

    /// A time with its zone.
    pub(super) fn time(&self, name: &str) -> Result<Option<Timestamp>, Refusal> {
        let Some(text) = self.one(name) else {
            return Ok(None);
        };
        text.parse()
            .map(Some)
            .map_err(|_| Refusal::invalid(format!("{name}: `{text}` is no time with a zone")))
    }

    fn size(&self, state: &mut State, name: &str) -> Result<usize, Refusal> {
        let Some(text) = self.one(name) else {
            return Ok(10);
        };
        let size: u64 = text
            .parse()
            .ok()
            .filter(|n| *n > 0)
            .ok_or_else(|| Refusal::invalid(format!("{name}: `{text}` is no page size")))?;
        if size > PAGE_MAX {
            let text = format!("{name} is {size}, at most {PAGE_MAX} is allowed");
            if state.switches.page_above == Above::Refused {
                return Err(Refusal::invalid(text));
            }
            state.mistake(format!("{} {}: {text}", self.method, self.path));
        }
        Ok(usize::try_from(size.min(PAGE_MAX)).unwrap_or(10))
    }

    /// The page asked for with `max` and `offset`.
    pub(super) fn page(&self, state: &mut State) -> Result<Page, Refusal> {
        let max = self.size(state, "max")?;
        let offset = match self.one("offset") {
            None => 0,
            Some(text) => text
                .parse()
                .map_err(|_| Refusal::invalid(format!("offset: `{text}` is no number")))?,
        };
        Ok(Page { max, offset })
    }

    /// One page of rows under `name`, with the number of all and links to the neighbors.
    pub(super) fn paged(
        &self,
        base: &str,
        name: &str,
        rows: Vec<Value>,
        page: Page,
        total: usize,
    ) -> Answer {
        let mut links = Vec::new();
        if page.offset + page.max < total {
            links.push(self.link(base, page.offset + page.max, "next"));
        }
        if page.offset > 0 {
            links.push(self.link(base, page.offset.saturating_sub(page.max), "previous"));
        }
        let reply = Reply::ok(json!({name: rows, "total_count": total}))?;
        Ok(match links.is_empty() {
            true => reply,
            false => reply.with(header::LINK, links.join(", ")),
        })
    }

    fn link(&self, base: &str, offset: usize, rel: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in self.query.iter().filter(|(n, _)| n != "offset") {
            query.append_pair(name, value);
        }
        query.append_pair("offset", &offset.to_string());
        format!("<{base}{}?{}>; rel=\"{rel}\"", self.path, query.finish())
    }

    /// One page of a list that is read on with tokens. With a token all other parameters are those it was made with.
    pub(super) fn sought(
        &self,
        state: &mut State,
        list: impl FnOnce(&mut State, &Call) -> Result<Vec<Value>, Refusal>,
    ) -> Answer {
        let (call, offset) = match self.one("page_token") {
            None => (self.with_query(self.query.clone()), 0),
            Some(token) => {
                let wrong = || Refusal::invalid(format!("page_token: `{token}` is none of ours"));
                let text = BASE64_URL_SAFE_NO_PAD.decode(token).map_err(|_| wrong())?;
                let text = String::from_utf8(text).map_err(|_| wrong())?;
                let (offset, query) = text.split_once('?').ok_or_else(wrong)?;
                let offset: usize = offset.parse().map_err(|_| wrong())?;
                (self.with_query(parse_query(query)), offset)
            }
        };
        let limit = call.size(state, "limit")?;
        let rows = list(state, &call)?;
        let token = |offset: usize| {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(&call.query);
            BASE64_URL_SAFE_NO_PAD.encode(format!("{offset}?{}", query.finish()))
        };
        let total = rows.len();
        let page: Vec<Value> = rows.into_iter().skip(offset).take(limit).collect();
        let mut body = json!({"data": page});
        if offset + limit < total {
            body["next_page_token"] = json!(token(offset + limit));
        }
        if offset > 0 {
            body["previous_page_token"] = json!(token(offset.saturating_sub(limit)));
        }
        Reply::ok(body)
    }

    fn with_query(&self, query: Vec<(String, String)>) -> Self {
        Self(Taken {
            method: self.method.clone(),
            path: self.path.clone(),
            params: self.params.clone(),
            query,
            headers: self.headers.clone(),
            body: Bytes::new(),
        })
    }

    /// The content type without its parameters, in lower case.
    fn content_type(&self) -> String {
        let text = self.header(header::CONTENT_TYPE).unwrap_or_default();
        let kind = text.split(';').next().unwrap_or_default();
        kind.trim().to_ascii_lowercase()
    }

    /// The JSON body.
    pub(super) fn json(&self) -> Result<Value, Refusal> {
        let kind = self.content_type();
        if kind != "application/json" {
            return Err(Refusal::wrong(
                415,
                format!("The content type `{kind}` is not supported"),
            ));
        }
        serde_json::from_slice(&self.body)
            .map_err(|error| Refusal::invalid(format!("The body is no JSON: {error}")))
    }

    /// The parts of a form.
    pub(super) fn form(&self) -> Result<Vec<Part>, Refusal> {
        let kind = self.content_type();
        if kind != "multipart/form-data" {
            return Err(Refusal::wrong(
                415,
                format!("The content type `{kind}` is not supported"),
            ));
        }
        let header = self.header(header::CONTENT_TYPE).unwrap_or_default();
        form::parts(header, &self.body)
    }
}

/// A list in a JSON body, with 1 to `most` elements.
pub(super) fn elements<'a>(
    body: &'a Value,
    name: &str,
    most: usize,
) -> Result<&'a [Value], Refusal> {
    let Some(Value::Array(all)) = body.get(name) else {
        return Err(Refusal::invalid(format!("{name} must be a list")));
    };
    if all.is_empty() || all.len() > most {
        return Err(Refusal::invalid(format!(
            "{name} has {} elements; 1 to {most} are allowed",
            all.len()
        )));
    }
    Ok(all)
}

/// A text in a JSON object; absent when null.
pub(super) fn text<'a>(body: &'a Value, name: &str) -> Result<Option<&'a str>, Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Refusal::invalid(format!("{name} must be a text"))),
    }
}

/// A text that has to be there.
pub(super) fn required<'a>(body: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    text(body, name)?
        .filter(|t| !t.is_empty())
        .ok_or_else(|| Refusal::invalid(format!("{name} is required")))
}

/// Notes members of a JSON object this call does not know. The platform ignores them, which hides mistakes.
pub(super) fn expect_members(state: &mut State, call: &Call, given: &Value, known: &[&str]) {
    let members = given.as_object().into_iter().flatten();
    for (name, _) in members.filter(|(name, _)| !known.contains(&name.as_str())) {
        state.mistake(format!(
            "{} {}: member `{name}` is unknown here and ignored",
            call.method, call.path
        ));
    }
}
