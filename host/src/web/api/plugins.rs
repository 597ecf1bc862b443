//! Plugins: the list, one of them, its log, and what an admin decides about it.

use axum::extract::State;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::input::{Json, Path, Query};
use super::{Answer, Done, Failures};
use crate::actions::plugin;
use crate::plugin::LogLevel;
use crate::view::{self, PluginDetail, PluginLog, Plugins};
use crate::web::App;
use crate::web::auth::Me;
use crate::web::failure::Failure;

/// What a viewer may ask for.
pub(super) fn viewer() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get_plugins))
        .routes(routes!(get_plugin))
        .routes(routes!(get_log))
}

/// What takes an admin.
pub(super) fn admin() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(grant))
        .routes(routes!(roll_back))
}

/// What names a plugin.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct OnePlugin {
    /// The plugin's id.
    id: String,
}

/// Which lines of a log.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Lines {
    /// Lines that matter at least so much; all of them otherwise.
    #[param(inline)]
    least: Option<LogLevel>,
}

/// Which version is meant.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Version {
    /// SHA-256 of its file, hexadecimal: what was looked at is what is decided about.
    #[schema(min_length = 64, max_length = 64, pattern = "^[0-9a-f]{64}$")]
    digest: String,
}

impl Version {
    fn check(&self) -> Result<&str, Failure> {
        let digits = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if self.digest.len() == 64 && self.digest.bytes().all(digits) {
            Ok(&self.digest)
        } else {
            Err(Failure::Invalid(
                "digest is no SHA-256 in lower-case hexadecimal digits".into(),
            ))
        }
    }
}

type Named = Path<OnePlugin>;

/// The plugins, and the files that cannot be one.
#[utoipa::path(
    get, path = "/api/v1/plugins", tag = "plugins",
    responses((status = 200, body = Plugins), Failures)
)]
async fn get_plugins(State(app): State<App>) -> Answer<Plugins> {
    Ok(axum::Json(view::plugins(&app.host).await?))
}

/// One plugin: what it is, may do and does, and what waits for an admin.
#[utoipa::path(
    get, path = "/api/v1/plugins/{id}", tag = "plugins", params(OnePlugin),
    responses((status = 200, body = PluginDetail), Failures)
)]
async fn get_plugin(State(app): State<App>, Path(one): Named) -> Answer<PluginDetail> {
    Ok(axum::Json(view::plugin(&app.host, &one.id).await?))
}

/// What a plugin logged since the host started, and the requests that it was refused.
#[utoipa::path(
    get, path = "/api/v1/plugins/{id}/log", tag = "plugins", params(OnePlugin, Lines),
    responses((status = 200, body = PluginLog), Failures)
)]
async fn get_log(
    State(app): State<App>,
    Path(one): Named,
    Query(lines): Query<Lines>,
) -> Answer<PluginLog> {
    Ok(axum::Json(view::plugin_log(
        &app.host,
        &one.id,
        lines.least,
    )?))
}

/// Grants the version that waits what it asks for, and puts it to work.
#[utoipa::path(
    post, path = "/api/v1/plugins/{id}/grant", tag = "plugins", params(OnePlugin), request_body = Version,
    responses((status = 200, body = Done), Failures)
)]
async fn grant(
    State(app): State<App>,
    me: Me,
    Path(one): Named,
    Json(version): Json<Version>,
) -> Answer<Done> {
    let digest = version.check()?;
    let asked = plugin::grant(&app.host, &one.id, Some(digest), &me.actor).await?;
    Ok(axum::Json(Done {
        changed: !asked.is_empty(),
        said: match asked.as_slice() {
            [] => "it was granted and is at work".to_owned(),
            asked => format!("granted: {}", asked.join(", ")),
        },
    }))
}

/// Puts the version before the one named to work again.
#[utoipa::path(
    post, path = "/api/v1/plugins/{id}/rollback", tag = "plugins", params(OnePlugin), request_body = Version,
    responses((status = 200, body = Done), Failures)
)]
async fn roll_back(
    State(app): State<App>,
    me: Me,
    Path(one): Named,
    Json(version): Json<Version>,
) -> Answer<Done> {
    let digest = version.check()?;
    let (from, to) = plugin::roll_back(&app.host, &one.id, Some(digest), &me.actor).await?;
    Ok(axum::Json(Done {
        changed: true,
        said: format!("back from {} to {}", &from[..12], &to[..12]),
    }))
}
