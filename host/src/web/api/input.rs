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

macro_rules! rejected {
    ($($kind:ty),*) => {$(
        impl From<$kind> for Failure {
            fn from(rejection: $kind) -> Self {
                Failure::Invalid(rejection.body_text())
            }
        }
    )*};
}
rejected!(PathRejection, QueryRejection, JsonRejection);
