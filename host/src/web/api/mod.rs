//! The JSON API, and its description.

mod plugins;
mod products;

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

/// What any call can answer when it is not done.
#[derive(utoipa::IntoResponses)]
#[allow(dead_code, reason = "it is there for the description")]
enum Failures {
    /// Nobody is signed in, and no token was sent.
    #[response(status = 401, content_type = "application/problem+json")]
    SignIn(Problem),
    /// The role does not reach, or the request comes from a page of somebody else.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(Problem),
    /// There is no such thing.
    #[response(status = 404, content_type = "application/problem+json")]
    Unknown(Problem),
    /// It does not fit how things are now.
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(Problem),
    /// What was given cannot be used.
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(Problem),
    /// The database is busy, full or damaged.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(Problem),
}

/// What became of an act.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(super) struct Done {
    /// Something was changed by it; else it was so already.
    changed: bool,
    /// What was done, or why nothing was.
    said: String,
}

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
        .merge(products::viewer())
        .merge(plugins::viewer());
    let operator = OpenApiRouter::new().merge(products::operator());
    let admin = OpenApiRouter::new().merge(plugins::admin());
    let behind = |router: OpenApiRouter<App>, role| {
        router.route_layer(from_fn_with_state(gate(role), auth::require))
    };
    let (router, description) = OpenApiRouter::with_openapi(Description::openapi())
        .merge(behind(viewer, Role::Viewer))
        .merge(behind(operator, Role::Operator))
        .merge(behind(admin, Role::Admin))
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
