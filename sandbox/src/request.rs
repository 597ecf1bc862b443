//! What every marketplace's stand-in takes from a request, and what it notes of its clients.

use std::collections::{HashMap, VecDeque};

use axum::body::Bytes;
use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

/// Mistakes and conflicts that are kept: enough to see what is wrong, whatever the client does.
const NOTES_KEPT: usize = 10_000;

/// Method, path, parameters and body of a request.
pub(crate) struct Taken {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) params: HashMap<String, String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Taken {
    /// Reads a request whose body has at most `most` bytes.
    pub(crate) async fn from<S: Send + Sync>(
        request: Request,
        state: &S,
        most: usize,
    ) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let params = RawPathParams::from_request_parts(&mut parts, state)
            .await
            .map(|params| {
                params
                    .iter()
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect()
            })
            .unwrap_or_default();
        let query = parse_query(parts.uri.query().unwrap_or_default());
        let body = axum::body::to_bytes(body, most)
            .await
            .map_err(|_| StatusCode::PAYLOAD_TOO_LARGE.into_response())?;
        Ok(Self {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            params,
            query,
            headers: parts.headers,
            body,
        })
    }

    /// A decoded path segment.
    pub(crate) fn param(&self, name: &str) -> &str {
        self.params.get(name).map_or("", String::as_str)
    }
}

/// The parameters of a query, decoded, in their order.
pub(crate) fn parse_query(text: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text.as_bytes())
        .into_owned()
        .collect()
}

/// Counts one more of what a span of time allows, once what is `over` is forgotten. Where `most` are left already it is
/// not counted, and the error tells the oldest of them.
pub(crate) fn count<T: Copy>(
    recent: &mut VecDeque<T>,
    now: T,
    most: usize,
    over: impl Fn(T) -> bool,
) -> Result<(), Option<T>> {
    while recent.front().is_some_and(|at| over(*at)) {
        recent.pop_front();
    }
    if recent.len() >= most {
        return Err(recent.front().copied());
    }
    recent.push_back(now);
    Ok(())
}

/// Keeps a note, unless there are very many.
pub(crate) fn note(notes: &mut Vec<String>, text: String) {
    if notes.len() < NOTES_KEPT {
        notes.push(text);
    }
}
