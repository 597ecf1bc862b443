//! `/activity`: what happened, and what people did.

use askama::Template;
use axum::extract::{Query, State};
use serde::Deserialize;

use super::{Frame, Html, page};
use crate::model::Key;
use crate::view::{self, AuditPage, EventFilter, EventPage, EventView};
use crate::web::failure::Failure;
use crate::web::{App, show};

/// Rows of one page.
const ROWS: u32 = 100;

#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    channel: String,
    #[serde(default)]
    kind: String,
    after: Option<i64>,
}

#[derive(Template)]
#[template(path = "activity.html")]
struct EventsPage {
    frame: Frame,
    view: EventPage,
    wanted: Wanted,
    channels: Vec<String>,
}

impl EventsPage {
    /// Where the subject has a page of its own.
    fn link(&self, e: &EventView) -> Option<String> {
        if let Some(id) = e.subject.strip_prefix("order:") {
            return Some(format!("/orders/{}/{}", e.channel, show::segment(id)));
        }
        if let Some(sku) = e.subject.strip_prefix("sku:") {
            let shop = e.channel.split('/').next().unwrap_or_default();
            return Some(format!("/products/{shop}/{}", show::segment(sku)));
        }
        (e.subject == "channel").then(|| format!("/channels/{}", e.channel))
    }

    /// What people call the subject.
    fn name(&self, e: &EventView) -> String {
        match (e.subject.split_once(':'), &e.number) {
            (Some(("order", _)), Some(number)) => format!("order {number}"),
            (Some(("order", id)), None) => format!("order id {id}"),
            (Some(("sku", sku)), _) => sku.to_owned(),
            _ => e.subject.clone(),
        }
    }

    fn next(&self) -> Option<String> {
        let next = self.view.next?;
        Some(format!(
            "/activity?channel={}&kind={}&after={next}",
            show::query(&self.wanted.channel),
            show::query(&self.wanted.kind)
        ))
    }
}

pub(super) async fn events(
    State(app): State<App>,
    frame: Frame,
    Query(wanted): Query<Wanted>,
) -> Result<Html, Failure> {
    let channel = match wanted.channel.as_str() {
        "" => None,
        text => Some(text.parse::<Key>().map_err(Failure::Invalid)?),
    };
    let channels = app.host.store.read(|tx| tx.channels()).await?;
    let filter = EventFilter {
        channel,
        kind: Some(wanted.kind.clone()).filter(|k| !k.is_empty()),
        after: wanted.after,
        limit: ROWS,
    };
    let view = view::events(&app.host.store, filter).await?;
    page(&EventsPage {
        frame,
        view,
        wanted,
        channels: channels.into_iter().map(|c| c.key.to_string()).collect(),
    })
}

#[derive(Template)]
#[template(path = "activity-people.html")]
struct PeoplePage {
    frame: Frame,
    view: AuditPage,
}

#[derive(Deserialize)]
pub(super) struct After {
    after: Option<i64>,
}

pub(super) async fn people(
    State(app): State<App>,
    frame: Frame,
    Query(wanted): Query<After>,
) -> Result<Html, Failure> {
    let view = view::audits(&app.host.store, wanted.after, ROWS).await?;
    page(&PeoplePage { frame, view })
}
