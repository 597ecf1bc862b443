//! Channels: how they stand, their plan, their settings.

use axum::extract::State;
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::input::{Json, Path, Secret};
use super::{Answer, Done, Failures};
use crate::actions::channel::NewChannel;
use crate::actions::{self, extra};
use crate::db::ChannelState;
use crate::model::{Key, OnFailure};
use crate::view::{self, ChannelOverview, ChannelView, PlanView};
use crate::web::App;
use crate::web::auth::Me;
use crate::web::failure::Failure;

/// Most locations of a channel that can be named.
const LOCATIONS_MOST: usize = 100;

/// A channel.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct Of {
    /// The shop's short name.
    #[param(example = "kestrel", max_length = 40, pattern = "^[a-z0-9-]+$")]
    shop: String,
    /// The channel's short name.
    #[param(example = "the-iconic", max_length = 40, pattern = "^[a-z0-9-]+$")]
    channel: String,
}

impl Of {
    fn key(&self) -> Key {
        Key::new(&self.shop, &self.channel)
    }
}

/// The channels: how each stands.
#[utoipa::path(get, path = "/api/v1/channels", tag = "channels",
    responses((status = 200, body = Vec<ChannelOverview>), Failures))]
pub(super) async fn channels(State(app): State<App>) -> Answer<Vec<ChannelOverview>> {
    let view = view::overview(&app.host.store, None).await?;
    Ok(axum::Json(view.channels))
}

/// A channel to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChannelToAdd {
    /// The shop's short name.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z0-9-]+$")]
    shop: String,
    /// Its own short name: lower-case letters, digits and dashes.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z0-9-]+$")]
    channel: String,
    /// The id of the plugin that talks to the marketplace.
    #[schema(min_length = 1, max_length = 100)]
    plugin: String,
    /// Shown on orders; the plugin's name when left out.
    #[schema(min_length = 1, max_length = 100)]
    title: Option<String>,
    /// Client or application id, where the plugin's credential has one.
    #[schema(min_length = 1, max_length = 255)]
    client_id: Option<String>,
    /// The secret of the account. It is not answered again.
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 2000)]
    secret: Secret,
    /// The locations whose stock counts, by name or id; all that ship online orders when empty.
    #[serde(default)]
    #[schema(max_items = 100)]
    locations: Vec<String>,
    /// By key, as `lockstep channel set` takes them: of the plugin or of the sync.
    #[serde(default)]
    settings: std::collections::BTreeMap<String, String>,
    /// Orders placed before are known, never created; now when left out.
    orders_from: Option<Timestamp>,
    /// Another address than the plugin's.
    #[schema(min_length = 1, max_length = 500)]
    base_url: Option<String>,
    /// Plain http and private addresses are allowed: for a sandbox.
    #[serde(default)]
    allow_local: bool,
}

/// Add a channel. Nothing is stored unless the marketplace takes the credentials, and nothing is changed anywhere before
/// its plan is approved. A plugin that was not granted its rights yet is granted them first with
/// `POST /api/v1/plugins/ID/grant`.
#[utoipa::path(post, path = "/api/v1/channels", tag = "channels", request_body = ChannelToAdd,
    responses((status = 200, body = ChannelView), Failures))]
pub(super) async fn add(
    State(app): State<App>,
    me: Me,
    Json(new): Json<ChannelToAdd>,
) -> Answer<ChannelView> {
    check_locations(&new.locations)?;
    let new = NewChannel {
        key: Key::new(new.shop, new.channel),
        plugin: new.plugin,
        title: new.title,
        client_id: new.client_id,
        secret: new.secret.0,
        locations: new.locations,
        settings: pairs(new.settings),
        orders_from: new.orders_from,
        base_url: new.base_url,
        allow_local: new.allow_local,
    };
    let row = actions::channel::create(&app.host, new, &me.actor).await?;
    app.wakes.wake(row.key.clone());
    Ok(axum::Json(view::channel(&app.host, &row.key).await?))
}

fn check_locations(locations: &[String]) -> Result<(), Failure> {
    if locations.len() > LOCATIONS_MOST {
        return Err(Failure::Invalid(format!(
            "locations: more than {LOCATIONS_MOST}"
        )));
    }
    Ok(())
}

/// New credentials of a channel's account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewCredentials {
    /// Another client or application id; as it is when left out.
    #[schema(min_length = 1, max_length = 255)]
    client_id: Option<String>,
    /// The secret. It is not answered again.
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 2000)]
    secret: Secret,
}

/// Replace the credentials of a channel, and work it again if it was parked. The stored ones are kept unless the new ones
/// open the same account.
#[utoipa::path(post, path = "/api/v1/channels/{shop}/{channel}/secret", tag = "channels", params(Of),
    request_body = NewCredentials, responses((status = 200, body = Done), Failures))]
pub(super) async fn secret(
    State(app): State<App>,
    me: Me,
    Path(of): Path<Of>,
    Json(new): Json<NewCredentials>,
) -> Answer<Done> {
    let (key, id) = (of.key(), new.client_id.as_deref());
    let account =
        actions::channel::change_secret(&app.host, &key, id, &new.secret.0, &me.actor).await?;
    app.wakes.wake(key);
    Done::said(format!(
        "accepted: account {} ({})",
        account.name, account.id
    ))
}

/// One channel: how it stands, its settings, extras and cycles.
#[utoipa::path(get, path = "/api/v1/channels/{shop}/{channel}", tag = "channels", params(Of),
    responses((status = 200, body = ChannelView), Failures))]
pub(super) async fn channel(State(app): State<App>, Path(of): Path<Of>) -> Answer<ChannelView> {
    Ok(axum::Json(view::channel(&app.host, &of.key()).await?))
}

/// What of a channel waits for approval.
#[utoipa::path(get, path = "/api/v1/channels/{shop}/{channel}/plan", tag = "channels", params(Of),
    responses((status = 200, body = PlanView), Failures))]
pub(super) async fn plan(State(app): State<App>, Path(of): Path<Of>) -> Answer<PlanView> {
    Ok(axum::Json(view::plan(&app.host, &of.key()).await?))
}

/// Approve what a channel waits for.
#[utoipa::path(post, path = "/api/v1/channels/{shop}/{channel}/approve", tag = "channels", params(Of),
    responses((status = 200, body = Done), Failures))]
pub(super) async fn approve(State(app): State<App>, me: Me, Path(of): Path<Of>) -> Answer<Done> {
    let why = actions::plan::approve(&app.host, &of.key(), &me.actor).await?;
    app.wakes.wake(of.key());
    Done::said(format!("approved: {why}"))
}

async fn put(app: &App, me: &Me, of: &Of, state: ChannelState) -> Answer<Done> {
    actions::channel::set_state(&app.host, &of.key(), state, &me.actor).await?;
    app.wakes.wake(of.key());
    Done::said(format!("{} is {state}", of.key()))
}

/// Stop working a channel.
#[utoipa::path(post, path = "/api/v1/channels/{shop}/{channel}/pause", tag = "channels", params(Of),
    responses((status = 200, body = Done), Failures))]
pub(super) async fn pause(State(app): State<App>, me: Me, Path(of): Path<Of>) -> Answer<Done> {
    put(&app, &me, &of, ChannelState::Paused).await
}

/// Work a paused or parked channel again.
#[utoipa::path(post, path = "/api/v1/channels/{shop}/{channel}/resume", tag = "channels", params(Of),
    responses((status = 200, body = Done), Failures))]
pub(super) async fn resume(State(app): State<App>, me: Me, Path(of): Path<Of>) -> Answer<Done> {
    put(&app, &me, &of, ChannelState::Active).await
}

/// Run a cycle now.
#[utoipa::path(post, path = "/api/v1/channels/{shop}/{channel}/sync", tag = "channels", params(Of),
    responses((status = 200, body = Done), Failures))]
pub(super) async fn sync(State(app): State<App>, me: Me, Path(of): Path<Of>) -> Answer<Done> {
    actions::channel::sync_now(&app.host, &of.key(), &me.actor).await?;
    app.wakes.wake(of.key());
    Done::said("a cycle begins")
}

/// Settings to change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// By key, as `lockstep channel set` takes them: of the plugin or of the sync.
    #[serde(default)]
    settings: std::collections::BTreeMap<String, String>,
    /// The locations whose stock counts, by name or id; as they are when empty.
    #[serde(default)]
    #[schema(max_items = 100)]
    locations: Vec<String>,
}

/// Change settings of a channel.
#[utoipa::path(post, path = "/api/v1/channels/{shop}/{channel}/settings", tag = "channels", params(Of),
    request_body = Settings, responses((status = 200, body = ChannelView), Failures))]
pub(super) async fn set(
    State(app): State<App>,
    me: Me,
    Path(of): Path<Of>,
    Json(body): Json<Settings>,
) -> Answer<ChannelView> {
    check_locations(&body.locations)?;
    let settings = pairs(body.settings);
    let key = of.key();
    actions::channel::set(&app.host, &key, &settings, &body.locations, &me.actor).await?;
    app.wakes.wake(key.clone());
    Ok(axum::Json(view::channel(&app.host, &key).await?))
}

/// What happens when an extra fails.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Failing {
    /// The order goes on without it, and says so.
    Skip,
    /// The order waits; of numbers only decreases are written.
    Hold,
}

/// A change of a channel's extras.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "act", rename_all = "kebab-case")]
pub(super) enum ExtraChange {
    /// Add one behind the others.
    Add {
        /// The plugin's id.
        plugin: String,
        /// What to call it; the plugin's id otherwise.
        name: Option<String>,
        /// Settings of the plugin, by key.
        #[serde(default)]
        settings: std::collections::BTreeMap<String, String>,
        /// What happens when it fails.
        on_failure: Option<Failing>,
    },
    /// Change settings, or what happens when it fails. An empty value takes a setting back to its default.
    Set {
        /// Which.
        name: String,
        /// Settings of the plugin, by key.
        #[serde(default)]
        settings: std::collections::BTreeMap<String, String>,
        /// What happens when it fails.
        on_failure: Option<Failing>,
    },
    /// Run it at another place; 1 is the first.
    Move {
        /// Which.
        name: String,
        /// Its new place.
        #[schema(minimum = 1, maximum = 1000)]
        place: u32,
    },
    /// Take it away.
    Remove {
        /// Which.
        name: String,
    },
}

fn pairs(settings: std::collections::BTreeMap<String, String>) -> Vec<String> {
    (settings.into_iter())
        .map(|(k, v)| format!("{k}={v}"))
        .collect()
}

/// Change the extras of a channel.
#[utoipa::path(post, path = "/api/v1/channels/{shop}/{channel}/extras", tag = "channels", params(Of),
    request_body = ExtraChange, responses((status = 200, body = Done), Failures))]
pub(super) async fn extras(
    State(app): State<App>,
    me: Me,
    Path(of): Path<Of>,
    Json(change): Json<ExtraChange>,
) -> Answer<Done> {
    let failure = |f: Option<Failing>| {
        f.map(|f| match f {
            Failing::Skip => OnFailure::Skip,
            Failing::Hold => OnFailure::Hold,
        })
    };
    let (host, key, actor) = (&app.host, of.key(), &me.actor);
    let said = match change {
        ExtraChange::Add {
            plugin,
            name,
            settings,
            on_failure,
        } => {
            let new = extra::NewExtra {
                plugin,
                name,
                settings: pairs(settings),
                on_failure: failure(on_failure),
            };
            extra::add(host, &key, new, actor).await?
        }
        ExtraChange::Set {
            name,
            settings,
            on_failure,
        } => {
            let (settings, on_failure) = (pairs(settings), failure(on_failure));
            extra::set(host, &key, &name, &settings, on_failure, actor).await?
        }
        ExtraChange::Move { name, place } => {
            extra::place(host, &key, &name, place as usize, actor).await?
        }
        ExtraChange::Remove { name } => extra::remove(host, &key, &name, actor).await?,
    };
    Done::said(said)
}
