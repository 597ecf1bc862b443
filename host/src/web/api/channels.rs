//! Channels: how they stand, their plan, their settings.

use axum::extract::State;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::input::{Json, Path};
use super::{Answer, Done, Failures};
use crate::actions::{self, extra};
use crate::db::ChannelState;
use crate::model::{Key, OnFailure};
use crate::view::{self, ChannelView, PlanView};
use crate::web::App;
use crate::web::auth::Me;

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
    let settings: Vec<String> = (body.settings.iter())
        .map(|(k, v)| format!("{k}={v}"))
        .collect();
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
