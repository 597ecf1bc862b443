//! Answers: JSON, CSV, nothing, and the error bodies.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::switches::{ErrorBody, Switches, UnauthorizedBody};
use crate::seller_center;

/// What a handler returns.
pub(super) type Answer = Result<Reply, Refusal>;

/// A success.
#[derive(Debug)]
pub(super) struct Reply {
    status: u16,
    body: Body,
    headers: Vec<(HeaderName, String)>,
}

#[derive(Debug)]
enum Body {
    Empty,
    Json(Value),
    Csv(String),
}

impl Reply {
    fn new(status: u16, body: Body) -> Self {
        Self {
            status,
            body,
            headers: Vec::new(),
        }
    }

    pub(super) fn ok(body: Value) -> Answer {
        Ok(Self::new(200, Body::Json(body)))
    }

    pub(super) fn created(body: Value) -> Answer {
        Ok(Self::new(201, Body::Json(body)))
    }

    pub(super) fn done() -> Answer {
        Ok(Self::new(204, Body::Empty))
    }

    pub(super) fn csv(text: String) -> Answer {
        Ok(Self::new(200, Body::Csv(text)))
    }

    /// The same with one more header.
    pub(super) fn with(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let status = code(self.status);
        let mut response = match self.body {
            Body::Empty => status.into_response(),
            Body::Json(body) => json_response(status, &body),
            Body::Csv(text) => {
                let kind = HeaderValue::from_static("text/csv;charset=UTF-8");
                (status, [(header::CONTENT_TYPE, kind)], text).into_response()
            }
        };
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}

/// A client error.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) message: String,
    /// The error code that acceptance publishes.
    pub(super) code: Option<&'static str>,
    /// It may be due to something that happened meanwhile, rather than to the client.
    pub(super) of_state: bool,
}

impl Refusal {
    fn new(status: u16, message: impl Into<String>, of_state: bool) -> Self {
        Self {
            status,
            message: message.into(),
            code: None,
            of_state,
        }
    }

    /// 400: the client's mistake.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, message, false)
    }

    /// 400: the order is not in the state for it.
    pub(super) fn state(message: impl Into<String>) -> Self {
        Self::new(400, message, true)
    }

    /// 404: there is no such thing, or no such call on this installation.
    pub(super) fn missing(what: impl AsRef<str>) -> Self {
        Self::new(404, format!("{} not found", what.as_ref()), true)
    }

    /// Any other status that only a client's mistake brings about.
    pub(super) fn wrong(status: u16, message: impl Into<String>) -> Self {
        Self::new(status, message, false)
    }

    /// 403: a matter of rights, for a person.
    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(403, message, true)
    }

    /// The same with an error code.
    pub(super) fn coded(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// The reason in one line, for the list of mistakes.
    pub(super) fn reason(&self) -> String {
        match self.code {
            Some(code) => format!("{} {code}: {}", self.status, self.message),
            None => format!("{} {}", self.status, self.message),
        }
    }

    pub(super) fn response(&self, switches: &Switches) -> Response {
        let status = code(self.status);
        let mut body = match switches.error_body {
            ErrorBody::Empty => return status.into_response(),
            ErrorBody::BadRequest => json!({"status": self.status, "message": "Bad Request"}),
            ErrorBody::Message => json!({"status": self.status, "message": self.message}),
        };
        if let Some(code) = self.code.filter(|_| switches.acceptance_codes) {
            body["code"] = json!(code);
        }
        json_response(status, &body)
    }
}

/// 401.
pub(super) fn unauthorized(body: UnauthorizedBody) -> Response {
    let status = StatusCode::UNAUTHORIZED;
    match body {
        UnauthorizedBody::Json => {
            json_response(status, &json!({"status": 401, "message": "Unauthorized"}))
        }
        UnauthorizedBody::Empty => status.into_response(),
        UnauthorizedBody::Html => (
            status,
            Html("<html><body><h1>401 Authorization Required</h1></body></html>"),
        )
            .into_response(),
    }
}

/// 429.
pub(super) fn too_many(retry_after: Option<i64>) -> Response {
    let status = StatusCode::TOO_MANY_REQUESTS;
    let mut response = json_response(
        status,
        &json!({"status": 429, "message": "Too many requests"}),
    );
    if let Some(seconds) = retry_after {
        let value = HeaderValue::from(seconds.max(1));
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

/// 503 from in front of the platform.
pub(super) fn unavailable() -> Response {
    let page = Html("<html><body><h1>503 Service Unavailable</h1></body></html>");
    (StatusCode::SERVICE_UNAVAILABLE, page).into_response()
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

pub(super) fn json_response(status: StatusCode, body: &Value) -> Response {
    let kind = HeaderValue::from_static("application/json;charset=UTF-8");
    (status, [(header::CONTENT_TYPE, kind)], body.to_string()).into_response()
}

/// An amount the way the switches want it.
pub(super) fn amount(value: Decimal, switches: &Switches) -> Value {
    match switches.amounts_as_strings {
        true => Value::String(value.normalize().to_string()),
        false => seller_center::amount(value),
    }
}
