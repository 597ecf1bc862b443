//! Faults on demand: rules that make a stand-in's server misbehave the way real ones do.
//!
//! [`wrap`] puts the layer around a router, [`Faults`] is the handle that arms and clears rules, and
//! [`control`] offers the same over HTTP. At most one rule strikes per request: the first one armed whose
//! [`Match`] fits, whose `skip` is used up and whose `times` is not.

mod strike;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) use strike::{edit, maintenance};

/// Names a request from its path and body, for instance by the GraphQL operation in it.
pub type Labeler = fn(path: &str, body: &[u8]) -> Option<String>;

/// Where [`control`] listens.
pub const CONTROL_PATH: &str = "/_sandbox/faults";

/// The largest request or answer the layer holds in memory, in bytes.
const BUFFER_LIMIT: usize = 256 * 1024 * 1024;

/// The armed rules of one server. Clones share them.
#[derive(Clone, Default)]
pub struct Faults(Arc<Inner>);

#[derive(Default)]
struct Inner {
    armed: Mutex<Vec<Armed>>,
    labeler: Mutex<Option<Labeler>>,
}

struct Armed {
    rule: Rule,
    skip_left: u32,
    times_left: u32,
    hits: u64,
}

/// When a fault strikes, and which.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rule {
    /// What [`Faults::hits`] calls the rule. Empty: the fault's own name.
    #[serde(default)]
    pub name: String,
    /// Which requests it looks at.
    #[serde(default)]
    pub matching: Match,
    /// How many matching requests pass unharmed first.
    #[serde(default)]
    pub skip: u32,
    /// How many it strikes after that; `u32::MAX` means all.
    #[serde(default = "always")]
    pub times: u32,
    /// What happens to them.
    pub fault: Fault,
}

fn always() -> u32 {
    u32::MAX
}

impl Rule {
    /// A rule that strikes every matching request from now on.
    pub fn always(matching: Match, fault: Fault) -> Self {
        Self {
            name: String::new(),
            matching,
            skip: 0,
            times: u32::MAX,
            fault,
        }
    }

    /// A rule that strikes the next matching request only.
    pub fn once(matching: Match, fault: Fault) -> Self {
        Self {
            times: 1,
            ..Self::always(matching, fault)
        }
    }

    /// The same rule after letting `skip` matching requests pass.
    pub fn after(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }

    /// The same rule, striking `times` requests.
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// The same rule under a name of its own.
    pub fn named(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }

    fn title(&self) -> String {
        if self.name.is_empty() {
            self.fault.name().to_owned()
        } else {
            self.name.clone()
        }
    }
}

/// Which requests a rule looks at. Every member that is set has to fit; none set fits all requests.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Match {
    /// HTTP method, in capitals.
    pub method: Option<String>,
    /// The path begins with this.
    pub path_prefix: Option<String>,
    /// Path and query, as sent, contain this.
    pub path_contains: Option<String>,
    /// The label the server's [`Labeler`] gives the request.
    pub label: Option<String>,
    /// The body, read as UTF-8, contains this.
    pub body_contains: Option<String>,
}

impl Match {
    /// Every request.
    pub fn any() -> Self {
        Self::default()
    }

    /// Requests whose path begins with `prefix`.
    pub fn path(prefix: &str) -> Self {
        Self {
            path_prefix: Some(prefix.to_owned()),
            ..Self::default()
        }
    }

    /// Requests of one method whose path begins with `prefix`.
    pub fn route(method: &str, prefix: &str) -> Self {
        Self {
            method: Some(method.to_owned()),
            ..Self::path(prefix)
        }
    }

    /// Requests with one label.
    pub fn label(label: &str) -> Self {
        Self {
            label: Some(label.to_owned()),
            ..Self::default()
        }
    }

    /// The same, for requests whose body contains `text`.
    pub fn with_body(mut self, text: &str) -> Self {
        self.body_contains = Some(text.to_owned());
        self
    }

    fn fits(&self, request: &Seen<'_>) -> bool {
        let whole =
            |text: &str, wanted: &Option<String>| wanted.as_deref().is_none_or(|w| w == text);
        whole(request.method, &self.method)
            && self
                .path_prefix
                .as_deref()
                .is_none_or(|p| request.path.starts_with(p))
            && self
                .path_contains
                .as_deref()
                .is_none_or(|p| request.path_and_query.contains(p))
            && self
                .label
                .as_deref()
                .is_none_or(|l| request.label == Some(l))
            && self
                .body_contains
                .as_deref()
                .is_none_or(|text| String::from_utf8_lossy(request.body).contains(text))
    }
}

/// What goes wrong. "Real answer" is the one the server would have given, with all its effects.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fault {
    /// An answer made up in full; nothing happens on the server.
    Status {
        /// HTTP status.
        status: u16,
        /// Headers beside the content type.
        #[serde(default)]
        headers: Vec<(String, String)>,
        /// Body text.
        #[serde(default)]
        body: String,
        /// `Content-Type`; empty sends none.
        #[serde(default)]
        content_type: String,
    },
    /// An HTML page, as gateways send them.
    Html {
        /// HTTP status.
        status: u16,
    },
    /// No body at all; nothing happens on the server.
    Empty {
        /// HTTP status.
        status: u16,
    },
    /// Half of the real answer's body under its full `Content-Length`, then the connection closes.
    Truncated,
    /// The real answer, byte by byte.
    SlowDrip {
        /// Pause before each byte, in milliseconds.
        byte_delay_ms: u64,
    },
    /// The connection closes without an answer; nothing happens on the server.
    ResetBefore,
    /// The server does its work, then the connection closes without an answer.
    ResetAfter,
    /// The request waits before the server looks at it; it is carried out even when the client has left.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// The server does its work at once and answers late.
    DelayAfter {
        /// Milliseconds.
        ms: u64,
    },
    /// 429 with an empty body.
    TooManyRequests {
        /// `Retry-After`, as sent: seconds, an HTTP date or nonsense.
        #[serde(default)]
        retry_after: Option<String>,
    },
    /// 503 with the body Seller Center uses during maintenance.
    Maintenance {
        /// `Retry-After`, as sent.
        #[serde(default)]
        retry_after: Option<String>,
    },
    /// 401 with a short JSON body.
    Unauthorized,
    /// The real answer with parts of its JSON replaced, added or nulled.
    Replace {
        /// JSON pointer to new value. A step `*` means every element; a missing last member is added.
        values: BTreeMap<String, Value>,
    },
    /// The server does its work, then answers with a bare error status.
    AnswerLost {
        /// HTTP status, usually 500, 502 or 504.
        status: u16,
    },
    /// 200 and a JSON text of this length, without `Content-Length`.
    HugeBody {
        /// Bytes.
        bytes: u64,
    },
    /// 302 to another address.
    Redirect {
        /// `Location`.
        location: String,
    },
    /// One of the error bodies Seller Center is known to send.
    ErrorShape {
        /// Which.
        shape: Shape,
    },
}

/// The error bodies of Seller Center.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// 422 with title, status and detail.
    General,
    /// 400 with a list of violations.
    Violation,
    /// 422 with one detail for each order item.
    PerItem,
    /// 401 with code and message.
    Auth,
    /// 400 without a body.
    Empty,
    /// 500 with an HTML page.
    Html,
}

impl Fault {
    /// The name used in the JSON form and, for rules without one, in [`Faults::hits`].
    pub fn name(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::Html { .. } => "html",
            Self::Empty { .. } => "empty",
            Self::Truncated => "truncated",
            Self::SlowDrip { .. } => "slow_drip",
            Self::ResetBefore => "reset_before",
            Self::ResetAfter => "reset_after",
            Self::Delay { .. } => "delay",
            Self::DelayAfter { .. } => "delay_after",
            Self::TooManyRequests { .. } => "too_many_requests",
            Self::Maintenance { .. } => "maintenance",
            Self::Unauthorized => "unauthorized",
            Self::Replace { .. } => "replace",
            Self::AnswerLost { .. } => "answer_lost",
            Self::HugeBody { .. } => "huge_body",
            Self::Redirect { .. } => "redirect",
            Self::ErrorShape { .. } => "error_shape",
        }
    }
}

/// The parts of a request that rules look at.
struct Seen<'a> {
    method: &'a str,
    path: &'a str,
    path_and_query: &'a str,
    label: Option<&'a str>,
    body: &'a [u8],
}

impl Faults {
    /// Arms a rule, behind those already armed.
    pub fn add(&self, rule: Rule) {
        self.armed().push(Armed {
            skip_left: rule.skip,
            times_left: rule.times,
            hits: 0,
            rule,
        });
    }

    /// Removes every rule; the counts of [`hits`](Self::hits) go with them.
    pub fn clear(&self) {
        self.armed().clear();
    }

    /// How often each armed rule has struck, by name, in the order of arming.
    pub fn hits(&self) -> Vec<(String, u64)> {
        self.armed()
            .iter()
            .map(|armed| (armed.rule.title(), armed.hits))
            .collect()
    }

    /// The armed rules as they were given.
    pub fn rules(&self) -> Vec<Rule> {
        self.armed()
            .iter()
            .map(|armed| armed.rule.clone())
            .collect()
    }

    /// Sets how requests get the label that [`Match::label`] compares.
    pub fn set_labeler(&self, labeler: Labeler) {
        *self
            .0
            .labeler
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(labeler);
    }

    fn armed(&self) -> MutexGuard<'_, Vec<Armed>> {
        self.0.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn strike(
        &self,
        method: &Method,
        path_and_query: &str,
        path: &str,
        body: &[u8],
    ) -> Option<Fault> {
        let labeler = *self
            .0
            .labeler
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let label = labeler.and_then(|label| label(path, body));
        let seen = Seen {
            method: method.as_str(),
            path,
            path_and_query,
            label: label.as_deref(),
            body,
        };
        for armed in self.armed().iter_mut() {
            if !armed.rule.matching.fits(&seen) {
                continue;
            }
            if armed.skip_left > 0 {
                armed.skip_left -= 1;
            } else if armed.times_left > 0 {
                if armed.times_left != u32::MAX {
                    armed.times_left -= 1;
                }
                armed.hits += 1;
                return Some(armed.rule.fault.clone());
            }
        }
        None
    }
}

/// Puts the fault layer around every route of `router`, its fallback included.
pub fn wrap(router: Router, faults: Faults) -> Router {
    router.layer(from_fn_with_state(faults, layer))
}

/// `GET`, `POST` and `DELETE` on [`CONTROL_PATH`]: the armed rules with their hits, arm one rule or a list, clear.
pub fn control(faults: Faults) -> Router {
    async fn list(State(faults): State<Faults>) -> Json<Value> {
        let hits = faults.hits();
        let rows: Vec<Value> = faults
            .rules()
            .into_iter()
            .zip(hits)
            .map(|(rule, (name, hits))| json!({"name": name, "hits": hits, "rule": rule}))
            .collect();
        Json(Value::Array(rows))
    }
    async fn arm(State(faults): State<Faults>, body: Bytes) -> Response {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum OneOrMany {
            Many(Vec<Value>),
            One(Value),
        }
        // Read in two steps: an untagged enum of rules would hide which member is wrong.
        let rules = serde_json::from_slice(&body).and_then(|given| match given {
            OneOrMany::One(rule) => serde_json::from_value(rule).map(|rule| vec![rule]),
            OneOrMany::Many(rules) => rules.into_iter().map(serde_json::from_value).collect(),
        });
        match rules {
            Ok(rules) => {
                let rules: Vec<Rule> = rules;
                rules.into_iter().for_each(|rule| faults.add(rule));
                StatusCode::NO_CONTENT.into_response()
            }
            Err(error) => (
                StatusCode::BAD_REQUEST,
                format!("not a fault rule or a list of them: {error}\n"),
            )
                .into_response(),
        }
    }
    async fn clear(State(faults): State<Faults>) -> StatusCode {
        faults.clear();
        StatusCode::NO_CONTENT
    }
    Router::new()
        .route(CONTROL_PATH, get(list).post(arm).delete(clear))
        .with_state(faults)
}

async fn layer(State(faults): State<Faults>, request: Request, next: Next) -> Response {
    if faults.armed().is_empty() {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    // The client hung up while sending: nobody is left to answer.
    let Ok(body) = axum::body::to_bytes(body, BUFFER_LIMIT).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let path_and_query = parts
        .uri
        .path_and_query()
        .map_or(parts.uri.path(), |p| p.as_str())
        .to_owned();
    let fault = faults.strike(&parts.method, &path_and_query, parts.uri.path(), &body);
    let request = Request::from_parts(parts, Body::from(body));
    match fault {
        None => next.run(request).await,
        Some(fault) => strike::apply(fault, request, next).await,
    }
}
