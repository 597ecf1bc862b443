//! Reads the parts of a request; what cannot be read is answered like any other failure.

use std::marker::PhantomData;

use axum::extract::rejection::FormRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;

use super::failure::Failure;

/// Axum's extractor `E`, whose rejection becomes the failure `F` of a page.
pub(super) struct Take<E, F = Failure>(pub(super) E, pub(super) PhantomData<F>);

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

impl From<FormRejection> for Failure {
    fn from(rejection: FormRejection) -> Self {
        Failure::Invalid(rejection.body_text())
    }
}
