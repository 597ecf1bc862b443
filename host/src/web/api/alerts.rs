//! Alerts, and where messages go.

use axum::extract::State;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::input::{Json, Path, Query, Secret as Private};
use super::{Answer, Done, Failures};
use crate::actions::SECRET_MOST;
use crate::alert::{self, Alert, AlertFilter, Secret, Target, TargetView, TestOutcome, Way};
use crate::model::{AlertKind, AlertState, Key, Severity};
use crate::web::App;
use crate::web::auth::Me;
use crate::web::failure::{ApiFailure, Failure};

/// Which alerts.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// In this state; those that are not resolved otherwise.
    state: Option<AlertState>,
    /// Of this kind.
    kind: Option<AlertKind>,
    /// At least so severe.
    least: Option<Severity>,
    /// SHOP/CHANNEL.
    #[param(max_length = 81, pattern = "^[a-z0-9-]+/[a-z0-9-]+$")]
    channel: Option<String>,
    /// Alerts older than this one.
    before: Option<i64>,
    /// At most so many.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Alerts, the most urgent first.
#[utoipa::path(get, path = "/api/v1/alerts", tag = "alerts", params(Wanted),
    responses((status = 200, body = Vec<Alert>), Failures))]
pub(super) async fn alerts(
    State(app): State<App>,
    Query(wanted): Query<Wanted>,
) -> Answer<Vec<Alert>> {
    let channel = wanted
        .channel
        .map(|text| text.parse::<Key>())
        .transpose()
        .map_err(|e| ApiFailure(Failure::Invalid(format!("channel: {e}"))))?;
    let filter = AlertFilter {
        state: wanted.state,
        channel,
        kind: wanted.kind,
        least: wanted.least,
        before: wanted.before,
        limit: wanted.limit.map(|n| n.clamp(1, 1_000)),
    };
    Ok(axum::Json(alert::list(&app.host, &filter).await?))
}

/// An alert.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct Which {
    /// Its row id.
    id: i64,
}

/// What somebody says with it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Note {
    /// For the others.
    #[schema(max_length = 500)]
    note: Option<String>,
}

/// Say that somebody knows: nobody is told again unless it gets worse.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/acknowledge", tag = "alerts", params(Which), request_body = Note,
    responses((status = 200, body = Alert), Failures))]
pub(super) async fn acknowledge(
    State(app): State<App>,
    me: Me,
    Path(which): Path<Which>,
    Json(body): Json<Note>,
) -> Answer<Alert> {
    let alert = alert::acknowledge(&app.host, &me.actor, which.id, body.note.as_deref()).await?;
    Ok(axum::Json(alert))
}

/// Take that back.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/unacknowledge", tag = "alerts", params(Which),
    responses((status = 200, body = Alert), Failures))]
pub(super) async fn unacknowledge(
    State(app): State<App>,
    me: Me,
    Path(which): Path<Which>,
) -> Answer<Alert> {
    let alert = alert::unacknowledge(&app.host, &me.actor, which.id).await?;
    Ok(axum::Json(alert))
}

/// Where messages go.
#[utoipa::path(get, path = "/api/v1/notify", tag = "alerts",
    responses((status = 200, body = Vec<TargetView>), Failures))]
pub(super) async fn targets(State(app): State<App>) -> Answer<Vec<TargetView>> {
    Ok(axum::Json(alert::targets(&app.host).await?))
}

/// A target, with its secret.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewTarget {
    /// As it is to be set up.
    target: Target,
    /// `email`: the server's password. It stays as it is when left out.
    #[schema(value_type = Option<String>, format = Password, max_length = 2000)]
    password: Option<Private>,
    /// `webhook`: make a signing secret, and answer it.
    #[serde(default)]
    sign: bool,
}

/// A target, as it was stored.
#[derive(Serialize, ToSchema)]
pub(super) struct Stored {
    /// As it is set up.
    #[serde(flatten)]
    target: TargetView,
    /// The signing secret that was made; it is told once.
    signing_secret: Option<String>,
}

/// Add a target, or change the one of that name.
#[utoipa::path(put, path = "/api/v1/notify", tag = "alerts", request_body = NewTarget,
    responses((status = 200, body = Stored), Failures))]
pub(super) async fn put_target(
    State(app): State<App>,
    me: Me,
    Json(new): Json<NewTarget>,
) -> Answer<Stored> {
    let (secret, shown) = match (&new.target.to, new.password, new.sign) {
        (Way::Webhook(_), _, true) => {
            let key = alert::new_signing_secret();
            let shown = key.expose_secret().to_owned();
            (Secret::Set(key), Some(shown))
        }
        (Way::Email(_), Some(password), _) => {
            if password.0.expose_secret().chars().count() > SECRET_MOST {
                let text = format!("password has more than {SECRET_MOST} characters");
                return Err(Failure::Invalid(text).into());
            }
            (Secret::Set(password.0), None)
        }
        _ => (Secret::Keep, None),
    };
    let target = alert::put_target(&app.host, &me.actor, new.target, secret).await?;
    Ok(axum::Json(Stored {
        target,
        signing_secret: shown,
    }))
}

/// A target.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct Whose {
    /// Its name.
    #[param(max_length = 40, pattern = "^[a-z0-9-]+$")]
    name: String,
}

/// Send a test message now.
#[utoipa::path(post, path = "/api/v1/notify/{name}/test", tag = "alerts", params(Whose),
    responses((status = 200, body = TestOutcome), Failures))]
pub(super) async fn test_target(
    State(app): State<App>,
    me: Me,
    Path(whose): Path<Whose>,
) -> Answer<TestOutcome> {
    let outcome = alert::test_target(&app.host, &me.actor, &whose.name).await?;
    Ok(axum::Json(outcome))
}

/// Remove a target.
#[utoipa::path(delete, path = "/api/v1/notify/{name}", tag = "alerts", params(Whose),
    responses((status = 200, body = Done), Failures))]
pub(super) async fn remove_target(
    State(app): State<App>,
    me: Me,
    Path(whose): Path<Whose>,
) -> Answer<Done> {
    alert::remove_target(&app.host, &me.actor, &whose.name).await?;
    Done::said(format!("{} is told nothing any more", whose.name))
}
