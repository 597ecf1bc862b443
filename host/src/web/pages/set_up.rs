//! `/set-up`: from nothing to the first plan, a step at a time. Each step stands for itself and can be come back to.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::SecretString;
use serde::Deserialize;
use tower_sessions::Session;

use super::form::{Fields, Sent};
use super::{Frame, Html, page, say};
use crate::actions::channel::{NewChannel, create};
use crate::actions::{self, shop};
use crate::db::{ChannelRow, ShopRow};
use crate::model::{Key, Location, Policy};
use crate::plugin::Plugin;
use crate::shop::SCOPES;
use crate::view::{SettingView, policy_settings, settings_of};
use crate::web::App;
use crate::web::failure::Failure;

/// Settings of the sync that are asked for at once; the others can wait.
const FIRST: [&str; 4] = ["buffer", "unmatched", "price-basis", "late-fee"];

#[derive(Template)]
#[template(path = "set-up.html")]
struct Overview {
    frame: Frame,
    shops: Vec<ShopRow>,
    channels: Vec<ChannelRow>,
    /// Connectors that can be added.
    connectors: Vec<Choice>,
}

/// A connector to choose.
struct Choice {
    id: String,
    name: String,
    version: String,
    /// SHA-256 of its file: what is granted is what was looked at.
    digest: String,
    /// What it asks for beyond what it was granted.
    asks: Vec<String>,
}

/// Connectors by name, those that wait for their rights too.
fn connectors(app: &App) -> Vec<(Choice, Plugin)> {
    let entries = app.host.registry.entries();
    let mut found: Vec<(Choice, Plugin)> = entries
        .iter()
        .filter_map(|(id, entry)| {
            let waits = entry.waits.as_ref().filter(|_| entry.at_work.is_none());
            let plugin = entry.at_work.as_ref().or(waits.map(|(p, _)| p))?;
            if plugin.is_extra() {
                return None;
            }
            let choice = Choice {
                id: id.clone(),
                name: plugin.manifest().plugin.name.clone(),
                version: plugin.manifest().plugin.version.to_string(),
                digest: plugin.digest().to_owned(),
                asks: waits.map_or_else(Vec::new, |(_, asks)| asks.clone()),
            };
            Some((choice, plugin.clone()))
        })
        .collect();
    found.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    found
}

pub(super) async fn overview(State(app): State<App>, frame: Frame) -> Result<Html, Failure> {
    let (shops, channels) = app
        .host
        .store
        .read(|tx| Ok((tx.shops()?, tx.channels()?)))
        .await?;
    let connectors = connectors(&app).into_iter().map(|(c, _)| c).collect();
    page(&Overview {
        frame,
        shops,
        channels,
        connectors,
    })
}

#[derive(Template)]
#[template(path = "set-up-shop.html")]
struct ShopPage {
    frame: Frame,
    given: BTreeMap<String, String>,
    error: Option<String>,
    scopes: String,
}

impl ShopPage {
    fn new(frame: Frame, given: BTreeMap<String, String>, error: Option<String>) -> Self {
        Self {
            frame,
            given,
            error,
            scopes: SCOPES.join(","),
        }
    }

    fn value(&self, name: &str) -> &str {
        self.given.get(name).map_or("", String::as_str)
    }
}

#[derive(Deserialize)]
pub(super) struct Which {
    #[serde(default)]
    shop: Option<String>,
}

pub(super) async fn shop_page(
    State(app): State<App>,
    frame: Frame,
    Query(which): Query<Which>,
) -> Result<Html, Failure> {
    let mut given = BTreeMap::new();
    if let Some(name) = which.shop {
        let found = app.host.store.read(move |tx| tx.shop(&name)).await?;
        if let Some(row) = found {
            let domain = row.base_url.trim_start_matches("https://").to_owned();
            given.insert("name".into(), row.shop);
            given.insert("domain".into(), domain);
            given.insert("client-id".into(), row.client_id.unwrap_or_default());
        }
    }
    page(&ShopPage::new(frame, given, None))
}

pub(super) async fn connect_shop(
    State(app): State<App>,
    frame: Frame,
    session: Session,
    fields: Fields,
) -> Result<Response, Failure> {
    let sent = Sent::from(fields);
    match connect(&app, &frame, &sent).await {
        Ok(said) => {
            say(&session, said).await;
            Ok(Redirect::to("/set-up").into_response())
        }
        Err(failure) => {
            let html = page(&ShopPage::new(frame, sent.again(), Some(failure.text())))?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, html).into_response())
        }
    }
}

async fn connect(app: &App, frame: &Frame, sent: &Sent) -> Result<String, Failure> {
    let domain = sent.need("domain", "The domain of the store")?;
    let secret = SecretString::from(sent.need("secret", "The secret")?);
    let token = sent.get("auth") == Some("token");
    let client_id = sent.get("client-id").map(str::to_owned);
    if !token && client_id.is_none() {
        return Err(Failure::Invalid("The client id is missing.".into()));
    }
    let base_url = if domain.contains("://") {
        domain.to_owned()
    } else {
        shop::address(domain)
    };
    let row = ShopRow {
        shop: sent.need("name", "The short name")?.to_owned(),
        base_url,
        allow_local: sent.get("allow-local").is_some(),
        auth: if token { "token" } else { "client-credentials" }.into(),
        client_id: client_id.filter(|_| !token),
        info: None,
    };
    let info = shop::connect(&app.host, row, &secret, &frame.me.actor).await?;
    Ok(format!(
        "Connected to {} ({}): {}, {}, {}.",
        info.name,
        info.domain,
        info.currency,
        info.timezone,
        match info.locations.len() {
            1 => "1 location".to_owned(),
            n => format!("{n} locations"),
        }
    ))
}

#[derive(Template)]
#[template(path = "set-up-channel.html")]
struct ChannelPage {
    frame: Frame,
    shop: ShopRow,
    choice: Choice,
    rights: Vec<String>,
    needs_id: bool,
    credential: String,
    locations: Vec<(Location, bool)>,
    own: Vec<SettingView>,
    first: Vec<SettingView>,
    base_url: String,
    given: BTreeMap<String, String>,
    error: Option<String>,
}

impl ChannelPage {
    fn value(&self, name: &str) -> &str {
        self.given.get(name).map_or("", String::as_str)
    }

    /// A setting as it was given before, else as it is.
    fn set(&self, setting: &SettingView) -> String {
        let given = self.given.get(&format!("set.{}", setting.key));
        given.cloned().unwrap_or_else(|| setting.value.clone())
    }
}

#[derive(Deserialize)]
pub(super) struct Wanted {
    shop: String,
    plugin: String,
}

async fn channel_form(
    app: &App,
    frame: Frame,
    wanted: &Wanted,
    given: BTreeMap<String, String>,
    error: Option<String>,
) -> Result<ChannelPage, Failure> {
    let (choice, plugin) = connectors(app)
        .into_iter()
        .find(|(c, _)| c.id == wanted.plugin)
        .ok_or_else(|| Failure::Unknown(format!("There is no connector \"{}\".", wanted.plugin)))?;
    let name = wanted.shop.clone();
    let shop = app
        .host
        .store
        .read(move |tx| tx.shop(&name))
        .await?
        .ok_or_else(|| Failure::Unknown(format!("There is no shop \"{}\".", wanted.shop)))?;
    let manifest = plugin.manifest();
    let ships = |l: &Location| l.active && l.ships_online && !l.fulfillment_service;
    let locations = (shop.info.iter().flat_map(|i| i.locations.iter()))
        .map(|l| (l.clone(), ships(l)))
        .collect();
    let slot = manifest.credential.first();
    Ok(ChannelPage {
        rights: plugin.rights().words(),
        needs_id: manifest.credential.iter().any(|c| c.kind.needs_id()),
        credential: slot
            .and_then(|s| s.label.clone())
            .unwrap_or_else(|| "the seller's account".into()),
        locations,
        own: settings_of(&plugin, &BTreeMap::new()),
        first: policy_settings(&Policy::default())
            .into_iter()
            .filter(|s| FIRST.contains(&s.key.as_str()))
            .collect(),
        base_url: (manifest.endpoint.as_ref()).map_or_else(String::new, |e| e.base_url.clone()),
        frame,
        shop,
        choice,
        given,
        error,
    })
}

pub(super) async fn channel_page(
    State(app): State<App>,
    frame: Frame,
    Query(wanted): Query<Wanted>,
) -> Result<Html, Failure> {
    page(&channel_form(&app, frame, &wanted, BTreeMap::new(), None).await?)
}

pub(super) async fn add_channel(
    State(app): State<App>,
    frame: Frame,
    session: Session,
    Query(wanted): Query<Wanted>,
    fields: Fields,
) -> Result<Response, Failure> {
    let sent = Sent::from(fields);
    match add(&app, &frame, &wanted, &sent).await {
        Ok(row) => {
            say(
                &session,
                format!(
                    "Added: {} is account {} ({}). Nothing is changed anywhere yet.",
                    row.title,
                    row.account_name.as_deref().unwrap_or("without name"),
                    row.account_id.as_deref().unwrap_or("without id"),
                ),
            )
            .await;
            Ok(Redirect::to(&format!("/channels/{}/plan", row.key)).into_response())
        }
        Err(failure) => {
            let form =
                channel_form(&app, frame, &wanted, sent.again(), Some(failure.text())).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page(&form)?).into_response())
        }
    }
}

async fn add(
    app: &App,
    frame: &Frame,
    wanted: &Wanted,
    sent: &Sent,
) -> Result<ChannelRow, Failure> {
    let actor = &frame.me.actor;
    let waits = connectors(app)
        .iter()
        .any(|(c, _)| c.id == wanted.plugin && !c.asks.is_empty());
    if waits {
        if sent.get("grant").is_none() {
            return Err(Failure::Invalid(
                "The connector works only with the rights that it asks for: tick that you grant them.".into(),
            ));
        }
        let digest = sent.need("digest", "Which version is granted its rights")?;
        actions::plugin::grant(&app.host, &wanted.plugin, Some(digest), actor).await?;
    }
    let plugin = app.host.plugin(&wanted.plugin)?;
    let mut asked = settings_of(&plugin, &BTreeMap::new());
    asked.extend(policy_settings(&Policy::default()));
    let from = sent
        .get("orders-from")
        .map(|text| {
            let text = format!("{text}T00:00:00Z");
            text.parse().map_err(|_| {
                Failure::Invalid("The day from which orders are imported is not a date.".into())
            })
        })
        .transpose()?;
    let new = NewChannel {
        key: Key::new(&wanted.shop, sent.need("name", "The short name")?),
        plugin: wanted.plugin.clone(),
        title: sent.get("title").map(str::to_owned),
        client_id: sent.get("client-id").map(str::to_owned),
        secret: SecretString::from(sent.need("secret", "The secret")?),
        locations: sent.all("location"),
        settings: sent.changed(&asked),
        orders_from: from,
        base_url: sent.get("base-url").map(str::to_owned),
        allow_local: sent.get("allow-local").is_some(),
    };
    Ok(create(&app.host, new, actor).await?)
}
