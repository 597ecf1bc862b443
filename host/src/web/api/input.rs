//! What comes in: axum's extractors, with refusals as the API answers them.

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts};

use secrecy::SecretString;
use serde::de::{Deserialize, Deserializer, Error as _};

use crate::web::failure::{ApiFailure, Failure};

/// A secret in a body. An error never repeats it, as that of a number where a text should be would.
pub(super) struct Secret(pub(super) SecretString);

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(from)? {
            serde_json::Value::String(text) => Ok(Self(text.into())),
            _ => Err(D::Error::custom("a secret must be a text")),
        }
    }
}

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
