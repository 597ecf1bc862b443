//! `/channels`: how each channel stands and is set up, its plan, and what is done with it.

use std::collections::BTreeMap;

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::SecretString;
use serde::Deserialize;
use tower_sessions::Session;

use super::form::{Fields, Sent};
use super::{Frame, Html, page, say};
use crate::actions::extra::NewExtra;
use crate::actions::{self, extra};
use crate::db::ChannelState;
use crate::model::{Key, OnFailure};
use crate::view::{self, ChannelView, MismatchGroup, Overview, PlanView};
use crate::web::auth::Me;
use crate::web::failure::Failure;
use crate::web::{App, show};

/// The channel of a path.
#[derive(Deserialize)]
pub(super) struct Of {
    shop: String,
    channel: String,
}

impl Of {
    fn key(&self) -> Key {
        Key::new(&self.shop, &self.channel)
    }
}

#[derive(Template)]
#[template(path = "channels.html")]
struct ListPage {
    frame: Frame,
    view: Overview,
}

pub(super) async fn list(State(app): State<App>, frame: Frame) -> Result<Html, Failure> {
    let view = view::overview(&app.host.store, None).await?;
    page(&ListPage { frame, view })
}

#[derive(Template)]
#[template(path = "channel.html")]
struct ChannelPage {
    frame: Frame,
    view: ChannelView,
    /// Extras that can be added: id and name.
    plugins: Vec<(String, String)>,
    given: BTreeMap<String, String>,
    error: Option<String>,
}

impl ChannelPage {
    fn set(&self, setting: &view::SettingView) -> String {
        let given = self.given.get(&format!("set.{}", setting.key));
        given.cloned().unwrap_or_else(|| setting.value.clone())
    }
}

async fn channel_form(
    app: &App,
    frame: Frame,
    key: &Key,
    given: BTreeMap<String, String>,
    error: Option<String>,
) -> Result<ChannelPage, Failure> {
    let plugins = (app.host.registry.entries().iter())
        .filter_map(|(id, entry)| {
            let plugin = entry.at_work.as_ref().filter(|p| p.is_extra())?;
            Some((id.clone(), plugin.manifest().plugin.name.clone()))
        })
        .collect();
    Ok(ChannelPage {
        view: view::channel(&app.host, key).await?,
        frame,
        plugins,
        given,
        error,
    })
}

pub(super) async fn channel(
    State(app): State<App>,
    Path(of): Path<Of>,
    frame: Frame,
) -> Result<Html, Failure> {
    page(&channel_form(&app, frame, &of.key(), BTreeMap::new(), None).await?)
}

/// A table of a plan: heading, name of the second column, rows.
type Pairs<'a> = (&'static str, &'static str, &'a [(String, String)]);

#[derive(Template)]
#[template(path = "plan.html")]
struct PlanPage {
    frame: Frame,
    view: PlanView,
}

impl PlanPage {
    fn shop(&self) -> &str {
        self.view.channel.split('/').next().unwrap_or_default()
    }

    /// Whether there are more than are shown.
    fn more(&self, group: &MismatchGroup) -> bool {
        group.first.len() < group.count as usize
    }

    /// What concerns orders.
    fn pairs(&self) -> [Pairs<'_>; 4] {
        let v = &self.view;
        [
            ("Orders to be created in Shopify", "Lines", &v.orders),
            ("Orders that wait", "Why", &v.waiting),
            (
                "Parcels to be told to the channel",
                "Carrier and code",
                &v.parcels,
            ),
            (
                "Cancellations to be carried over",
                "Units",
                &v.cancellations,
            ),
        ]
    }
}

pub(super) async fn plan(
    State(app): State<App>,
    Path(of): Path<Of>,
    frame: Frame,
) -> Result<Html, Failure> {
    let view = view::plan(&app.host, &of.key()).await?;
    page(&PlanPage { frame, view })
}

pub(super) async fn approve(
    State(app): State<App>,
    Path(of): Path<Of>,
    me: Me,
    session: Session,
) -> Result<Redirect, Failure> {
    let key = of.key();
    let why = actions::plan::approve(&app.host, &key, &me.actor).await?;
    app.wakes.wake(key.clone());
    say(&session, format!("Approved: {why}.")).await;
    Ok(Redirect::to(&format!("/channels/{key}")))
}

/// What a button of a channel does.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Act {
    /// Stop working it.
    Pause,
    /// Work it again.
    Resume,
    /// A cycle now.
    Sync,
}

#[derive(Deserialize)]
pub(super) struct Pressed {
    act: Act,
}

pub(super) async fn act(
    State(app): State<App>,
    Path(of): Path<Of>,
    me: Me,
    session: Session,
    Form(pressed): Form<Pressed>,
) -> Result<Redirect, Failure> {
    use actions::channel::{set_state, sync_now};
    let key = of.key();
    let said = match pressed.act {
        Act::Pause => {
            set_state(&app.host, &key, ChannelState::Paused, &me.actor).await?;
            "Paused. A cycle that is running ends first."
        }
        Act::Resume => {
            set_state(&app.host, &key, ChannelState::Active, &me.actor).await?;
            "It is worked again."
        }
        Act::Sync => {
            sync_now(&app.host, &key, &me.actor).await?;
            "A cycle begins now."
        }
    };
    app.wakes.wake(key.clone());
    say(&session, said).await;
    Ok(Redirect::to(&format!("/channels/{key}")))
}

pub(super) async fn set(
    State(app): State<App>,
    Path(of): Path<Of>,
    frame: Frame,
    session: Session,
    fields: Fields,
) -> Result<Response, Failure> {
    let (key, sent) = (of.key(), Sent::from(fields));
    let view = view::channel(&app.host, &key).await?;
    let changed = sent.changed(&view.settings);
    let mut locations = Vec::new();
    if sent.get("locations").is_some() {
        locations = sent.all("location");
        let mut now: Vec<String> = (view.locations.iter())
            .filter(|l| l.counts)
            .map(|l| l.id.clone())
            .collect();
        now.sort();
        locations.sort();
        if locations.is_empty() {
            return Err(Failure::Invalid(
                "At least one location must count: tick one.".into(),
            ));
        }
        if locations == now {
            locations.clear();
        }
    }
    if changed.is_empty() && locations.is_empty() {
        say(&session, "Nothing was changed.").await;
        return Ok(Redirect::to(&format!("/channels/{key}")).into_response());
    }
    let actor = &frame.me.actor;
    match actions::channel::set(&app.host, &key, &changed, &locations, actor).await {
        Ok(_) => {
            app.wakes.wake(key.clone());
            let mut said = changed;
            if !locations.is_empty() {
                said.push("the locations".into());
            }
            say(&session, format!("Set: {}.", said.join(", "))).await;
            Ok(Redirect::to(&format!("/channels/{key}")).into_response())
        }
        Err(e) => {
            let text = Failure::from(e).text();
            let form = channel_form(&app, frame, &key, sent.again(), Some(text)).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page(&form)?).into_response())
        }
    }
}

pub(super) async fn secret(
    State(app): State<App>,
    Path(of): Path<Of>,
    frame: Frame,
    session: Session,
    fields: Fields,
) -> Result<Response, Failure> {
    let (key, sent) = (of.key(), Sent::from(fields));
    let secret = SecretString::from(sent.need("secret", "The secret")?);
    let (id, actor) = (sent.get("client-id"), &frame.me.actor);
    match actions::channel::change_secret(&app.host, &key, id, &secret, actor).await {
        Ok(account) => {
            app.wakes.wake(key.clone());
            let said = format!("Accepted: account {} ({}).", account.name, account.id);
            say(&session, said).await;
            Ok(Redirect::to(&format!("/channels/{key}")).into_response())
        }
        Err(e) => {
            let text = Failure::from(e).text();
            let form = channel_form(&app, frame, &key, sent.again(), Some(text)).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page(&form)?).into_response())
        }
    }
}

fn failure_of(sent: &Sent) -> Option<OnFailure> {
    match sent.get("on-failure") {
        Some("hold") => Some(OnFailure::Hold),
        Some("skip") => Some(OnFailure::Skip),
        _ => None,
    }
}

pub(super) async fn add_extra(
    State(app): State<App>,
    Path(of): Path<Of>,
    me: Me,
    session: Session,
    fields: Fields,
) -> Result<Redirect, Failure> {
    let (key, sent) = (of.key(), Sent::from(fields));
    let new = NewExtra {
        plugin: sent.need("plugin", "The extra")?.to_owned(),
        name: None,
        settings: Vec::new(),
        on_failure: None,
    };
    let said = extra::add(&app.host, &key, new, &me.actor).await?;
    say(&session, format!("{said}.")).await;
    Ok(Redirect::to(&format!("/channels/{key}#extras")))
}

#[derive(Deserialize)]
pub(super) struct OfExtra {
    shop: String,
    channel: String,
    extra: String,
}

pub(super) async fn change_extra(
    State(app): State<App>,
    Path(of): Path<OfExtra>,
    me: Me,
    session: Session,
    fields: Fields,
) -> Result<Redirect, Failure> {
    let (key, sent) = (Key::new(&of.shop, &of.channel), Sent::from(fields));
    let (name, actor) = (of.extra.as_str(), &me.actor);
    let said = match sent.get("act") {
        Some("remove") => extra::remove(&app.host, &key, name, actor).await?,
        Some(way @ ("up" | "down")) => {
            let row = app.host.channel(&key).await?;
            let at = row.extras.iter().position(|e| e.name == name);
            let at =
                at.ok_or_else(|| Failure::Unknown(format!("There is no extra \"{name}\".")))?;
            let place = if way == "up" { at.max(1) } else { at + 2 };
            extra::place(&app.host, &key, name, place, actor).await?
        }
        _ => {
            let view = view::channel(&app.host, &key).await?;
            let settings = (view.extras.iter())
                .find(|e| e.name == name)
                .map_or_else(Vec::new, |e| sent.changed(&e.settings));
            extra::set(&app.host, &key, name, &settings, failure_of(&sent), actor).await?
        }
    };
    say(&session, format!("{said}.")).await;
    Ok(Redirect::to(&format!("/channels/{key}#extras")))
}
