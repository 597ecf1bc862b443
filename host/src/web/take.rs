//! Reads the parts of a request; what cannot be read is answered like any other failure.

use std::marker::PhantomData;

use axum::extract::rejection::{FormRejection, JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;

use super::failure::{ApiFailure, Failure};

/// Axum's extractor `E`, whose rejection becomes the failure `F`: a [`Failure`] on pages, an [`ApiFailure`] in the API.
pub(super) struct Take<E, F = ApiFailure>(pub(super) E, pub(super) PhantomData<F>);

impl<S, E, F> FromRequestParts<S> for Take<E, F>
where
    S: Send + Sync,
    E: FromRequestParts<S>,
    F: From<E::Rejection> + axum::response::IntoResponse,
{
    type Rejection = F;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, F> {
        Ok(Self(
            E::from_request_parts(parts, state).await?,
            PhantomData,
        ))
    }
}

impl<S, E, F> FromRequest<S> for Take<E, F>
where
    S: Send + Sync,
    E: FromRequest<S>,
    F: From<E::Rejection> + axum::response::IntoResponse,
{
    type Rejection = F;

    async fn from_request(request: Request, state: &S) -> Result<Self, F> {
        Ok(Self(E::from_request(request, state).await?, PhantomData))
    }
}

macro_rules! rejected {
    ($($kind:ty),*) => {$(
        impl From<$kind> for Failure {
            fn from(rejection: $kind) -> Self {
                Failure::Invalid(rejection.body_text())
            }
        }
    )*};
}
rejected!(PathRejection, QueryRejection, JsonRejection, FormRejection);
