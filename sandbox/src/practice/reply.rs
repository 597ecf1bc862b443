//! Answers, and refusals with their codes.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// What a handler returns: a status and a body.
pub(super) type Answer = Result<(u16, Value), Refusal>;

/// A success.
pub(super) fn ok(body: Value) -> Answer {
    Ok((200, body))
}

/// Why a call is not carried out.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
    /// For 429: seconds to wait.
    pub(super) retry_after: Option<u32>,
    /// It may be due to something that happened meanwhile, or to the account, rather than to the client.
    pub(super) of_state: bool,
}

impl Refusal {
    fn new(status: u16, code: &'static str, message: impl Into<String>, of_state: bool) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            retry_after: None,
            of_state,
        }
    }

    /// 400: the request breaks the description.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid", message, false)
    }

    /// 401: no key, or another.
    pub(super) fn unauthorized() -> Self {
        let text = "send the account's key in the header x-api-key";
        Self::new(401, "unauthorized", text, false)
    }

    /// 403: the key may not do this.
    pub(super) fn forbidden(what: &str) -> Self {
        Self::new(
            403,
            "forbidden",
            format!("the key may not use {what}"),
            true,
        )
    }

    /// 404: there is no such thing.
    pub(super) fn missing(what: impl Into<String>) -> Self {
        Self::new(404, "not-found", what, true)
    }

    /// 404: there is no such call.
    pub(super) fn nowhere(what: impl Into<String>) -> Self {
        Self::new(404, "not-found", what, false)
    }

    /// 409: a key that was used for something else.
    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::new(409, "conflict", message, true)
    }

    /// 422: understood and refused as things stand.
    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self::new(422, "refused", message, true)
    }

    /// 422: understood, and refused whenever it is sent.
    pub(super) fn never(message: impl Into<String>) -> Self {
        Self::new(422, "refused", message, false)
    }

    /// 429: more than may be asked in a second.
    pub(super) fn too_many(seconds: u32) -> Self {
        Self {
            retry_after: Some(seconds),
            ..Self::new(
                429,
                "too-many",
                "too many requests; wait and come again",
                true,
            )
        }
    }

    /// 503: closed for a while.
    pub(super) fn maintenance() -> Self {
        Self::new(503, "maintenance", "closed for maintenance", true)
    }

    /// The reason in one line, for the list of mistakes.
    pub(super) fn reason(&self) -> String {
        format!("{} {}: {}", self.status, self.code, self.message)
    }

    /// Its `error` object.
    pub(super) fn error(&self) -> Value {
        json!({"code": self.code, "message": self.message})
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.error() });
        let mut response = respond(self.status, &body);
        if let Some(seconds) = self.retry_after {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// A JSON answer.
pub(super) fn respond(status: u16, body: &Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (
        status,
        [(header::CONTENT_TYPE, "application/json; charset=utf-8")],
        body.to_string(),
    )
        .into_response()
}
