//! `/`: is everything in step, what needs a person, and how long until it costs money.

use askama::Template;
use axum::extract::State;

use super::{Frame, Html, page};
use crate::db::ChannelState;
use crate::view::{Need, NeedKind, Overview, Urgent, overview};
use crate::web::failure::Failure;
use crate::web::{App, show};

#[derive(Template)]
#[template(path = "overview.html")]
struct Page {
    frame: Frame,
    view: Overview,
}

impl Page {
    fn tone(&self) -> &'static str {
        let late = self.view.urgent.iter().any(|u| self.late(u));
        let parked = |s| s == ChannelState::Parked;
        if late || self.view.channels.iter().any(|c| parked(c.state)) {
            "bad"
        } else if !self.view.needs.is_empty()
            || (self.view.channels.iter()).any(|c| c.awaits_approval.is_some())
        {
            "warn"
        } else {
            "ok"
        }
    }

    /// Whether any channel says what a late unit costs.
    fn fees(&self) -> bool {
        self.view.urgent.iter().any(|u| u.fee.is_some())
    }

    fn verdict(&self) -> String {
        let channels = &self.view.channels;
        let late: u32 = channels.iter().map(|c| c.late_units).sum();
        let parked = (channels.iter())
            .filter(|c| c.state == ChannelState::Parked)
            .count();
        let mut told = Vec::new();
        if parked > 0 {
            told.push(show::count(
                parked,
                "channel stands still",
                "channels stand still",
            ));
        }
        if late > 0 {
            told.push(show::count(late, "unit is late", "units are late"));
        }
        match self.view.needs.len() {
            0 => {}
            n => told.push(show::count(n, "thing needs you", "things need you")),
        }
        if channels.is_empty() {
            "Nothing is connected yet.".into()
        } else if !told.is_empty() {
            format!("{}.", told.join(", "))
        } else if channels.iter().any(|c| c.awaits_approval.is_some()) {
            "A plan waits for your approval.".into()
        } else {
            "Everything is in step, and nothing needs you.".into()
        }
    }

    fn late(&self, unit: &Urgent) -> bool {
        unit.ship_by.is_some_and(|by| by < self.view.at)
    }

    fn link(&self, need: &Need) -> String {
        let subject = show::segment(&need.subject);
        match need.kind {
            NeedKind::Channel => format!("/channels/{}", need.channel),
            NeedKind::Approval => format!("/channels/{}/plan", need.channel),
            NeedKind::Order | NeedKind::Parcel => format!("/orders/{}/{subject}", need.channel),
            NeedKind::Number => {
                let shop = need.channel.split('/').next().unwrap_or_default();
                format!("/products/{shop}/{subject}")
            }
        }
    }
}

pub(super) async fn overview_page(State(app): State<App>, frame: Frame) -> Result<Html, Failure> {
    let view = overview(&app.host.store, None).await?;
    page(&Page { frame, view })
}
