//! What is answered when something is not done.

use askama::Template;
use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Serialize;

use crate::db;
use crate::model::{Fault, Refusal, Role};

/// Why a request has no other answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nobody is signed in; where to go on afterwards.
    SignIn(String),
    /// The role does not reach.
    Forbidden(Role),
    /// There is no such page or thing.
    Unknown(String),
    /// The path is there, but not with this method.
    Method,
    /// What was given cannot be used.
    Invalid(String),
    /// It does not fit how things are now.
    Conflict(String),
    /// Too many tries; seconds to wait.
    TooMany(u64),
    /// Shopify or a marketplace does not do its part.
    Outside(String),
    /// The database is busy, full or damaged.
    Unavailable(String),
    /// A fault of Lockstep itself.
    Internal(String),
}

impl Failure {
    fn told(&self) -> (StatusCode, &'static str, String) {
        match self {
            Failure::SignIn(_) => (
                StatusCode::UNAUTHORIZED,
                "Not signed in",
                "Sign in, or send a token.".into(),
            ),
            Failure::Forbidden(role) => (
                StatusCode::FORBIDDEN,
                "Not allowed",
                format!("This takes the role {role}."),
            ),
            Failure::Unknown(text) => (StatusCode::NOT_FOUND, "Not found", text.clone()),
            Failure::Method => (
                StatusCode::METHOD_NOT_ALLOWED,
                "Not with this method",
                "This call takes another method.".into(),
            ),
            Failure::Invalid(text) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "Not usable", text.clone())
            }
            Failure::Conflict(text) => (StatusCode::CONFLICT, "Not possible now", text.clone()),
            Failure::TooMany(seconds) => (
                StatusCode::TOO_MANY_REQUESTS,
                "Too many tries",
                format!("Wait {seconds} s, then try again."),
            ),
            Failure::Outside(text) => (
                StatusCode::BAD_GATEWAY,
                "The other side does not answer as it should",
                text.clone(),
            ),
            Failure::Unavailable(text) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The database does not answer",
                text.clone(),
            ),
            Failure::Internal(text) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something is wrong with Lockstep itself",
                text.clone(),
            ),
        }
    }

    /// The text for a form that is shown again.
    pub(super) fn text(&self) -> String {
        self.told().2
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unknown(text) => Failure::Unknown(text),
            Refusal::Invalid(text) => Failure::Invalid(text),
            Refusal::Conflict(text) => Failure::Conflict(text),
        }
    }
}

impl From<db::Error> for Failure {
    fn from(error: db::Error) -> Self {
        Failure::Unavailable(error.to_string())
    }
}

impl From<crate::alert::Error> for Failure {
    fn from(error: crate::alert::Error) -> Self {
        use crate::alert::Error;
        match error {
            Error::Unknown(text) => Failure::Unknown(text),
            Error::Wrong(text) => Failure::Invalid(text),
            other => Failure::from(anyhow::Error::from(other)),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        let text = format!("{error:#}");
        for cause in error.chain() {
            if let Some(refusal) = cause.downcast_ref::<Refusal>() {
                return match refusal {
                    Refusal::Unknown(_) => Failure::Unknown(text),
                    Refusal::Invalid(_) => Failure::Invalid(text),
                    Refusal::Conflict(_) => Failure::Conflict(text),
                };
            }
            if cause.is::<db::Error>() {
                return Failure::Unavailable(text);
            }
            if let Some(fault) = cause.downcast_ref::<Fault>() {
                // Refused credentials are the caller's to mend; the rest is the other side's.
                return match fault {
                    Fault::Auth { .. } | Fault::Denied { .. } | Fault::Rejected { .. } => {
                        Failure::Invalid(text)
                    }
                    _ => Failure::Outside(text),
                };
            }
        }
        tracing::error!("{text}");
        Failure::Internal(text)
    }
}

#[derive(Template)]
#[template(path = "failure.html")]
struct Page {
    title: &'static str,
    text: String,
    back: bool,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        if let Failure::SignIn(next) = &self {
            return Redirect::to(&format!("/sign-in?next={}", urlencode(next))).into_response();
        }
        let (status, title, text) = self.told();
        let page = Page {
            title,
            text,
            back: true,
        };
        let html = page.render().unwrap_or_else(|_| title.into());
        with_wait(&self, (status, Html(html)).into_response())
    }
}

fn with_wait(failure: &Failure, mut response: Response) -> Response {
    if let Failure::TooMany(seconds) = failure {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, (*seconds).into());
    }
    response
}

/// A text as part of a query.
pub(super) fn urlencode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// What the API answers when something is not done (RFC 9457).
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Problem {
    /// Short and the same for each status.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What is wrong, and what to do.
    detail: String,
}

/// A [`Failure`] as the API answers it.
#[derive(Debug)]
pub(super) struct ApiFailure(pub(super) Failure);

impl<E: Into<Failure>> From<E> for ApiFailure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for ApiFailure {
    fn into_response(self) -> Response {
        let (status, title, detail) = self.0.told();
        let problem = Problem {
            title: title.into(),
            status: status.as_u16(),
            detail,
        };
        let mut response = (status, Json(problem)).into_response();
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static("application/problem+json"),
        );
        with_wait(&self.0, response)
    }
}
