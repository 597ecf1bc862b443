//! The JSON API, and its description.

use axum::extract::State;
use axum::middleware::from_fn_with_state;
use axum::{Json, Router};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::auth::{self, Gate};
use super::failure::{ApiFailure, Problem};
use crate::model::{Role, Via};
use crate::view::{Overview, overview};

type Answer<T> = Result<Json<T>, ApiFailure>;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Lockstep",
        description = "What the pages show and do, for programs. Times are RFC 3339 in UTC, quantities are pieces, money is decimal text. Unknown fields may be added at any time."
    ),
    components(schemas(Problem))
)]
struct Description;

/// All of the API, each part behind the role that it takes, with its description at `/api/openapi.json`.
pub(super) fn router(app: &App) -> Router<App> {
    let gate = |role| Gate {
        app: app.clone(),
        role,
        via: Via::Api,
    };
    let viewer = OpenApiRouter::new()
        .routes(routes!(get_overview))
        .route_layer(from_fn_with_state(gate(Role::Viewer), auth::require));
    let (router, description) = OpenApiRouter::with_openapi(Description::openapi())
        .merge(viewer)
        .split_for_parts();
    let text = description.to_pretty_json().unwrap_or_default();
    router.route(
        "/api/openapi.json",
        axum::routing::get(move || async move { ([("content-type", "application/json")], text) }),
    )
}

/// How everything stands.
#[utoipa::path(
    get, path = "/api/v1/overview", tag = "overview",
    responses((status = 200, body = Overview), (status = "4XX", body = Problem, content_type = "application/problem+json"))
)]
async fn get_overview(State(app): State<App>) -> Answer<Overview> {
    Ok(Json(overview(&app.host.store, None).await?))
}
