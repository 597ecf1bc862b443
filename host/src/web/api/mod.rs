//! The JSON API, and its description.

mod alerts;
mod channels;
mod host;
mod input;
mod orders;
mod plugins;
mod products;
mod shops;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::auth::{self, Gate};
use super::failure::{ApiFailure, Failure, Problem};
use crate::model::{Role, Via};

/// What a handler answers.
type Answer<T> = Result<axum::Json<T>, ApiFailure>;

/// What an act answers.
#[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
struct Done {
    /// Something was changed by it; else it was so already.
    changed: bool,
    /// What was done, or why nothing was.
    said: String,
}

impl Done {
    fn said(text: impl Into<String>) -> Answer<Self> {
        Ok(axum::Json(Self {
            changed: true,
            said: text.into(),
        }))
    }
}

/// How calls can fail, whichever it is.
#[derive(utoipa::IntoResponses)]
#[allow(dead_code, reason = "only describes")]
enum Failures {
    /// No token, or one that is not known.
    #[response(status = 401, content_type = "application/problem+json")]
    SignIn(Problem),
    /// The token's role does not reach.
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
    /// Shopify or a marketplace does not do its part.
    #[response(status = 502, content_type = "application/problem+json")]
    Outside(Problem),
    /// The database does not answer.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(Problem),
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Lockstep",
        description = "What the pages show and do, for programs. Send a token as `Authorization: Bearer TOKEN`; `lockstep token add` makes one. Times are RFC 3339 in UTC, quantities are pieces, money is decimal text. Fields may be added at any time: ignore those you do not know.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    components(schemas(Problem)),
    modifiers(&Tokens),
    security(("token" = []))
)]
struct Description;

struct Tokens;

impl Modify for Tokens {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A token of `lockstep token add`."))
            .build();
        let components = api.components.get_or_insert_with(Default::default);
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// All of the API, each part behind the role that it takes, with its description at `/api/openapi.json`.
pub(super) fn router(app: &App) -> Router<App> {
    let gate = |role| Gate {
        app: app.clone(),
        role,
        via: Via::Api,
    };
    let viewer = OpenApiRouter::new()
        .routes(routes!(host::overview))
        .routes(routes!(host::events))
        .routes(routes!(host::webhooks))
        .routes(routes!(alerts::alerts))
        .routes(routes!(host::settings))
        .routes(routes!(channels::channels))
        .routes(routes!(channels::channel))
        .routes(routes!(channels::plan))
        .merge(orders::viewer())
        .merge(products::viewer())
        .merge(shops::viewer())
        .merge(plugins::viewer());
    let operator = OpenApiRouter::new()
        .routes(routes!(alerts::acknowledge))
        .routes(routes!(alerts::unacknowledge))
        .routes(routes!(channels::approve))
        .routes(routes!(channels::pause))
        .routes(routes!(channels::resume))
        .routes(routes!(channels::sync))
        .merge(orders::operator())
        .merge(products::operator());
    let admin = OpenApiRouter::new()
        .routes(routes!(channels::add))
        .routes(routes!(channels::secret))
        .routes(routes!(channels::set))
        .routes(routes!(channels::extras))
        .routes(routes!(alerts::targets))
        .routes(routes!(alerts::put_target))
        .routes(routes!(alerts::test_target))
        .routes(routes!(alerts::remove_target))
        .routes(routes!(host::audit))
        .routes(routes!(host::set))
        .routes(routes!(host::people))
        .routes(routes!(host::invite))
        .routes(routes!(host::put_person))
        .routes(routes!(host::set_role))
        .routes(routes!(host::remove_person))
        .routes(routes!(host::tokens))
        .routes(routes!(host::add_token))
        .routes(routes!(host::remove_token))
        .merge(plugins::admin())
        .merge(shops::admin());
    let (router, description) = OpenApiRouter::with_openapi(Description::openapi())
        .merge(viewer.route_layer(from_fn_with_state(gate(Role::Viewer), auth::require)))
        .merge(operator.route_layer(from_fn_with_state(gate(Role::Operator), auth::require)))
        .merge(admin.route_layer(from_fn_with_state(gate(Role::Admin), auth::require)))
        .split_for_parts();
    let text = description.to_pretty_json().unwrap_or_default();
    let described = get(move || async move { ([("content-type", "application/json")], text) });
    let described = Router::new()
        .route("/api/openapi.json", described)
        .route_layer(from_fn_with_state(gate(Role::Viewer), auth::require));
    let nothing = || async { ApiFailure(Failure::Unknown("There is no such call.".into())) };
    router
        .merge(described)
        .route("/api/{*rest}", axum::routing::any(nothing))
        .method_not_allowed_fallback(|| async { ApiFailure(Failure::Method) })
}
