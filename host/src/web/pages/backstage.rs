//! `/backstage`, in the demo only: what people and misfortune do on both sides, played by whoever looks.

use std::sync::Arc;

use askama::Template;
use async_trait::async_trait;
use axum::extract::State;
use axum::response::Redirect;
use tower_sessions::Session;

use super::form::{Fields, Sent};
use super::{Frame, Html, page, say};
use crate::web::App;
use crate::web::failure::Failure;

/// The world outside, as far as a person may play it.
#[async_trait]
pub trait Backstage: Send + Sync {
    /// How it stands.
    async fn show(&self) -> Scene;

    /// Plays one act, as `buy` or `pack`, on an order where it is about one. Answers what happened.
    async fn act(&self, act: &str, order: Option<&str>) -> anyhow::Result<String>;
}

/// How the world outside stands.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    /// The newest orders of the marketplace, the newest first.
    pub orders: Vec<Bought>,
    /// What goes wrong now, in words.
    pub broken: Vec<String>,
    /// The story goes on by itself.
    pub alone: bool,
    /// What happened last, the newest first.
    pub happened: Vec<String>,
}

/// An order at the marketplace.
#[derive(Clone, Debug)]
pub struct Bought {
    /// Its number there.
    pub number: String,
    /// The host's page of it.
    pub link: String,
    /// Who bought.
    pub buyer: String,
    /// Its pieces: SKU and the marketplace's word for how far it is.
    pub pieces: Vec<(String, String)>,
    /// The order in the shop, once it is there.
    pub in_shop: Option<String>,
    /// It can be packed.
    pub packable: bool,
}

#[derive(Template)]
#[template(path = "backstage.html")]
struct Page {
    frame: Frame,
    scene: Scene,
}

fn stage(app: &App) -> Result<&Arc<dyn Backstage>, Failure> {
    let there = app.backstage.as_ref();
    there.ok_or_else(|| Failure::Unknown("There is a backstage in the demo only.".into()))
}

pub(super) async fn show(State(app): State<App>, frame: Frame) -> Result<Html, Failure> {
    let scene = stage(&app)?.show().await;
    page(&Page { frame, scene })
}

pub(super) async fn act(
    State(app): State<App>,
    session: Session,
    fields: Fields,
) -> Result<Redirect, Failure> {
    let sent = Sent::from(fields);
    let act = sent.need("act", "The act")?;
    let told = match stage(&app)?.act(act, sent.get("order")).await {
        Ok(told) => told,
        Err(e) => format!("Not possible now: {e:#}"),
    };
    say(&session, told).await;
    Ok(Redirect::to("/backstage"))
}
