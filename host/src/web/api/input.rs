//! What comes in: axum's extractors, with refusals as the API answers them.

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts};

use crate::web::failure::{ApiFailure, Failure};

/// Parts of the path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(ApiFailure))]
pub(super) struct Path<T>(pub(super) T);

/// The query.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(ApiFailure))]
pub(super) struct Query<T>(pub(super) T);

/// The body.
#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(ApiFailure))]
pub(super) struct Json<T>(pub(super) T);

impl From<PathRejection> for Failure {
    fn from(rejection: PathRejection) -> Self {
        Failure::Unreadable(rejection.body_text())
    }
}

impl From<QueryRejection> for Failure {
    fn from(rejection: QueryRejection) -> Self {
        Failure::Unreadable(rejection.body_text())
    }
}

impl From<JsonRejection> for Failure {
    fn from(rejection: JsonRejection) -> Self {
        match rejection {
            JsonRejection::JsonDataError(_) => Failure::Invalid(rejection.body_text()),
            _ => Failure::Unreadable(rejection.body_text()),
        }
    }
}
