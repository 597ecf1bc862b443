//! The host as a whole: how everything stands, what happened, who may do what.

use axum::extract::State;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::input::{Json, Path, Query, Secret};
use super::{Answer, Done, Failures};
use crate::actions::{people, setting};
use crate::db::{Person, TokenRow};
use crate::model::{Key, PUBLIC_URL, Role};
use crate::view::{self, AuditPage, EventFilter, EventPage, Overview, WebhookState};
use crate::web::App;
use crate::web::auth::Me;
use crate::web::failure::{ApiFailure, Failure};

/// How everything stands.
#[utoipa::path(get, path = "/api/v1/overview", tag = "overview",
    responses((status = 200, body = Overview), Failures))]
pub(super) async fn overview(State(app): State<App>) -> Answer<Overview> {
    Ok(axum::Json(view::overview(&app.host.store, None).await?))
}

/// How the messages from outside stand: what is subscribed to, what came, what is wrong.
#[utoipa::path(get, path = "/api/v1/webhooks", tag = "settings",
    responses((status = 200, body = WebhookState), Failures))]
pub(super) async fn webhooks(State(app): State<App>) -> Answer<WebhookState> {
    Ok(axum::Json(view::webhooks(&app.host).await?))
}

/// Settings of the host itself.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HostSettings {
    /// Its address as browsers and senders of webhooks reach it, as in `https://lockstep.example`; null: none.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required, max_length = 300)]
    public_url: Option<String>,
}

/// Settings of the host itself.
#[utoipa::path(get, path = "/api/v1/settings", tag = "settings",
    responses((status = 200, body = HostSettings), Failures))]
pub(super) async fn settings(State(app): State<App>) -> Answer<HostSettings> {
    let public_url = (app.host.store)
        .read(|tx| tx.setting::<String>(PUBLIC_URL))
        .await?;
    Ok(axum::Json(HostSettings { public_url }))
}

/// Change settings of the host itself. An address that is null or empty is taken away. Webhooks follow a new address
/// within seconds; pages and links use it from the next start. Answers the settings as they are stored.
#[utoipa::path(post, path = "/api/v1/settings", tag = "settings", request_body = HostSettings,
    responses((status = 200, body = HostSettings), Failures))]
pub(super) async fn set(
    State(app): State<App>,
    me: Me,
    Json(new): Json<HostSettings>,
) -> Answer<HostSettings> {
    let url = new.public_url.as_deref().filter(|u| !u.trim().is_empty());
    let public_url = setting::set_public_url(&app.host, url, &me.actor).await?;
    Ok(axum::Json(HostSettings { public_url }))
}

fn hundred() -> u32 {
    100
}

/// Which events.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Events {
    /// SHOP/CHANNEL.
    #[param(max_length = 81, pattern = "^[a-z0-9-]+/[a-z0-9-]+$")]
    channel: Option<String>,
    /// A kind of event, as `parcel`.
    #[param(max_length = 60)]
    kind: Option<String>,
    /// Rows older than this one.
    after: Option<i64>,
    /// At most so many.
    #[serde(default = "hundred")]
    #[param(minimum = 1, maximum = 200, default = 100)]
    limit: u32,
}

/// What happened, the newest first.
#[utoipa::path(get, path = "/api/v1/events", tag = "activity", params(Events),
    responses((status = 200, body = EventPage), Failures))]
pub(super) async fn events(
    State(app): State<App>,
    Query(wanted): Query<Events>,
) -> Answer<EventPage> {
    let channel = wanted
        .channel
        .map(|text| text.parse::<Key>())
        .transpose()
        .map_err(|e| ApiFailure(Failure::Invalid(format!("channel: {e}"))))?;
    let filter = EventFilter {
        channel,
        kind: wanted.kind,
        after: wanted.after,
        limit: wanted.limit,
    };
    Ok(axum::Json(view::events(&app.host.store, filter).await?))
}

/// Which part of the audit.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Part {
    /// Rows older than this one.
    after: Option<i64>,
    /// At most so many.
    #[serde(default = "hundred")]
    #[param(minimum = 1, maximum = 200, default = 100)]
    limit: u32,
}

/// What people did, the newest first.
#[utoipa::path(get, path = "/api/v1/audit", tag = "activity", params(Part),
    responses((status = 200, body = AuditPage), Failures))]
pub(super) async fn audit(State(app): State<App>, Query(part): Query<Part>) -> Answer<AuditPage> {
    let page = view::audits(&app.host.store, part.after, part.limit).await?;
    Ok(axum::Json(page))
}

/// Who can sign in.
#[utoipa::path(get, path = "/api/v1/people", tag = "people",
    responses((status = 200, body = Vec<Person>), Failures))]
pub(super) async fn people(State(app): State<App>) -> Answer<Vec<Person>> {
    Ok(axum::Json(app.host.store.read(|tx| tx.people()).await?))
}

/// A token, with its role.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Named {
    /// Lower-case letters, digits and dashes.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z0-9-]+$")]
    name: String,
    /// What they may do.
    role: Role,
}

/// Whom a link is for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Invited {
    /// Lower-case letters, digits and dashes; whoever opens the link chooses one when left out.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z0-9-]+$")]
    name: Option<String>,
    /// What they may do.
    role: Role,
}

/// A link that works once.
#[derive(Serialize, ToSchema)]
pub(super) struct Link {
    /// To be opened in a browser within a day.
    link: String,
}

/// Make a link with which somebody chooses a password.
#[utoipa::path(post, path = "/api/v1/people", tag = "people", request_body = Invited,
    responses((status = 200, body = Link), Failures))]
pub(super) async fn invite(
    State(app): State<App>,
    me: Me,
    Json(new): Json<Invited>,
) -> Answer<Link> {
    let token = people::invite(&app.host, new.name.as_deref(), new.role, &me.actor).await?;
    Ok(axum::Json(Link {
        link: format!("{}/welcome/{token}", app.url),
    }))
}

/// A name.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct Whose {
    /// Of a person, or of a token.
    #[param(max_length = 40, pattern = "^[a-z0-9-]+$")]
    name: String,
}

/// A password and a role.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPerson {
    /// To sign in with. It is not answered again.
    #[schema(value_type = String, format = Password, min_length = 10, max_length = 256)]
    password: Secret,
    /// What they may do.
    role: Role,
}

/// Add somebody with a password, or replace both their password and role. They are signed out.
#[utoipa::path(put, path = "/api/v1/people/{name}", tag = "people", params(Whose), request_body = NewPerson,
    responses((status = 200, body = Done), Failures))]
pub(super) async fn put_person(
    State(app): State<App>,
    me: Me,
    Path(whose): Path<Whose>,
    Json(new): Json<NewPerson>,
) -> Answer<Done> {
    people::put(&app.host, &whose.name, &new.password.0, new.role, &me.actor).await?;
    Done::said(format!("{} can sign in as {}", whose.name, new.role))
}

/// Another role.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRole {
    /// What they may do from now on.
    role: Role,
}

/// Give somebody another role. They are signed out.
#[utoipa::path(post, path = "/api/v1/people/{name}/role", tag = "people", params(Whose), request_body = NewRole,
    responses((status = 200, body = Done), Failures))]
pub(super) async fn set_role(
    State(app): State<App>,
    me: Me,
    Path(whose): Path<Whose>,
    Json(new): Json<NewRole>,
) -> Answer<Done> {
    people::set_role(&app.host, &whose.name, new.role, &me.actor).await?;
    Done::said(format!("{} is {}", whose.name, new.role))
}

/// Remove somebody. They are signed out.
#[utoipa::path(delete, path = "/api/v1/people/{name}", tag = "people", params(Whose),
    responses((status = 200, body = Done), Failures))]
pub(super) async fn remove_person(
    State(app): State<App>,
    me: Me,
    Path(whose): Path<Whose>,
) -> Answer<Done> {
    people::remove(&app.host, &whose.name, &me.actor).await?;
    Done::said(format!("{} is removed", whose.name))
}

/// The tokens of this API, without their secrets.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "people",
    responses((status = 200, body = Vec<TokenRow>), Failures))]
pub(super) async fn tokens(State(app): State<App>) -> Answer<Vec<TokenRow>> {
    Ok(axum::Json(app.host.store.read(|tx| tx.tokens()).await?))
}

/// A token. It is told once.
#[derive(Serialize, ToSchema)]
pub(super) struct NewToken {
    /// Its name.
    name: String,
    /// To be sent as `Authorization: Bearer TOKEN`.
    token: String,
}

/// Make a token.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "people", request_body = Named,
    responses((status = 200, body = NewToken), Failures))]
pub(super) async fn add_token(
    State(app): State<App>,
    me: Me,
    Json(new): Json<Named>,
) -> Answer<NewToken> {
    let token = people::add_token(&app.host, &new.name, new.role, &me.actor).await?;
    Ok(axum::Json(NewToken {
        name: new.name,
        token: token.expose_secret().to_owned(),
    }))
}

/// End a token.
#[utoipa::path(delete, path = "/api/v1/tokens/{name}", tag = "people", params(Whose),
    responses((status = 200, body = Done), Failures))]
pub(super) async fn remove_token(
    State(app): State<App>,
    me: Me,
    Path(whose): Path<Whose>,
) -> Answer<Done> {
    people::remove_token(&app.host, &whose.name, &me.actor).await?;
    Done::said(format!("the token {} is ended", whose.name))
}
