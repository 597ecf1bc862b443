//! `/activity/alerts`: what needs a person, who knows of it; and where messages go (`/settings/notify`).

use std::collections::BTreeMap;

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tower_sessions::Session;

use super::form::{Fields, Sent};
use super::{Frame, Html, page, say};
use crate::alert::{self, Alert, AlertFilter, Email, Secret, Target, TargetView, Way, Webhook};
use crate::model::{AlertState, Severity};
use crate::net::mail::MailTls;
use crate::web::auth::Me;
use crate::web::failure::Failure;
use crate::web::{App, show};

#[derive(Template)]
#[template(path = "alerts.html")]
struct AlertsPage {
    frame: Frame,
    alerts: Vec<Alert>,
    resolved: bool,
}

#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    state: String,
}

pub(super) async fn alerts(
    State(app): State<App>,
    frame: Frame,
    Query(wanted): Query<Wanted>,
) -> Result<Html, Failure> {
    let resolved = wanted.state == "resolved";
    let filter = AlertFilter {
        state: resolved.then_some(AlertState::Resolved),
        ..AlertFilter::default()
    };
    let alerts = alert::list(&app.host, &filter).await?;
    page(&AlertsPage {
        frame,
        alerts,
        resolved,
    })
}

#[derive(Deserialize)]
pub(super) struct Note {
    #[serde(default)]
    note: String,
}

pub(super) async fn acknowledge(
    State(app): State<App>,
    Path(id): Path<i64>,
    me: Me,
    session: Session,
    Form(form): Form<Note>,
) -> Result<Redirect, Failure> {
    let alert = alert::acknowledge(&app.host, &me.actor, id, Some(&form.note)).await?;
    say(&session, format!("Acknowledged: {}.", alert.title)).await;
    Ok(Redirect::to("/activity/alerts"))
}

pub(super) async fn unacknowledge(
    State(app): State<App>,
    Path(id): Path<i64>,
    me: Me,
    session: Session,
) -> Result<Redirect, Failure> {
    let alert = alert::unacknowledge(&app.host, &me.actor, id).await?;
    say(&session, format!("Open again: {}.", alert.title)).await;
    Ok(Redirect::to("/activity/alerts"))
}

#[derive(Template)]
#[template(path = "notify.html")]
struct NotifyPage {
    frame: Frame,
    targets: Vec<TargetView>,
    given: BTreeMap<String, String>,
    /// A signing secret that was made just now: it is shown once.
    secret: Option<String>,
    error: Option<String>,
}

impl NotifyPage {
    fn value(&self, name: &str) -> &str {
        self.given.get(name).map_or("", String::as_str)
    }
}

async fn notify_form(
    app: &App,
    frame: Frame,
    given: BTreeMap<String, String>,
    secret: Option<String>,
    error: Option<String>,
) -> Result<NotifyPage, Failure> {
    Ok(NotifyPage {
        targets: alert::targets(&app.host).await?,
        frame,
        given,
        secret,
        error,
    })
}

pub(super) async fn targets(State(app): State<App>, frame: Frame) -> Result<Html, Failure> {
    page(&notify_form(&app, frame, BTreeMap::new(), None, None).await?)
}

fn number<T: std::str::FromStr>(
    sent: &Sent,
    name: &str,
    label: &str,
) -> Result<Option<T>, Failure> {
    let parse = |text: &str| {
        text.parse()
            .map_err(|_| Failure::Invalid(format!("{label}: \"{text}\" is no number.")))
    };
    sent.get(name).map(parse).transpose()
}

/// What the form describes, with its secret.
fn target(sent: &Sent) -> Result<(Target, Secret), Failure> {
    let list = |text: &str| -> Vec<String> {
        (text.split(','))
            .map(|t| t.trim().to_owned())
            .filter(|t| !t.is_empty())
            .collect()
    };
    let (to, secret) = if sent.get("way") == Some("webhook") {
        let to = Way::Webhook(Webhook {
            url: sent.need("url", "The URL")?.to_owned(),
            allow_local: sent.get("allow-local").is_some(),
        });
        let secret = match sent.get("sign") {
            Some(_) => Secret::Set(alert::new_signing_secret()),
            None => Secret::None,
        };
        (to, secret)
    } else {
        let tls = sent.get("tls").unwrap_or("starttls");
        let to = Way::Email(Email {
            server: sent.need("server", "The SMTP server")?.to_owned(),
            port: number(sent, "port", "Port")?.unwrap_or(587),
            tls: match tls {
                "tls" => MailTls::Tls,
                "none" => MailTls::None,
                _ => MailTls::Starttls,
            },
            username: sent.get("username").map(str::to_owned),
            from: sent.need("from", "The sender")?.to_owned(),
            to: list(sent.need("to", "The receiver")?),
        });
        let secret = match sent.get("secret") {
            Some(text) => Secret::Set(SecretString::from(text)),
            None => Secret::None,
        };
        (to, secret)
    };
    let quiet = sent.get("quiet").map(str::parse).transpose();
    let target = Target {
        name: sent.need("name", "The name")?.to_owned(),
        to,
        least: (sent.get("least").unwrap_or("warning").parse::<Severity>())
            .map_err(Failure::Invalid)?,
        channels: list(sent.get("channels").unwrap_or("")),
        group_s: number(sent, "group-s", "Seconds")?.unwrap_or(120),
        repeat_h: number(sent, "repeat-h", "Hours")?.unwrap_or(12),
        tell_resolved: sent.get("tell-resolved").is_some(),
        quiet: quiet.map_err(|e| Failure::Invalid(format!("Quiet hours: {e}")))?,
    };
    Ok((target, secret))
}

pub(super) async fn put_target(
    State(app): State<App>,
    frame: Frame,
    session: Session,
    fields: Fields,
) -> Result<Response, Failure> {
    let sent = Sent::from(fields);
    let actor = frame.me.actor.clone();
    let stored = match target(&sent) {
        Ok((target, secret)) => {
            let shown = match (&target.to, &secret) {
                (Way::Webhook(_), Secret::Set(key)) => Some(key.expose_secret().to_owned()),
                _ => None,
            };
            let put = alert::put_target(&app.host, &actor, target, secret).await;
            put.map(|view| (view, shown)).map_err(Failure::from)
        }
        Err(failure) => Err(failure),
    };
    match stored {
        Ok((_, Some(key))) => {
            let form = notify_form(&app, frame, BTreeMap::new(), Some(key), None).await?;
            Ok(page(&form)?.into_response())
        }
        Ok((view, None)) => {
            let said = format!("{} is told from now on. Send it a test.", view.target.name);
            say(&session, said).await;
            Ok(Redirect::to("/settings/notify").into_response())
        }
        Err(failure) => {
            let form = notify_form(&app, frame, sent.again(), None, Some(failure.text())).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page(&form)?).into_response())
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Pressed {
    act: String,
}

pub(super) async fn act_on_target(
    State(app): State<App>,
    Path(name): Path<String>,
    me: Me,
    session: Session,
    Form(pressed): Form<Pressed>,
) -> Result<Redirect, Failure> {
    let said = if pressed.act == "remove" {
        alert::remove_target(&app.host, &me.actor, &name).await?;
        format!("{name} is told nothing any more.")
    } else {
        let outcome = alert::test_target(&app.host, &me.actor, &name).await?;
        let word = if outcome.delivered {
            "Delivered"
        } else {
            "Not delivered"
        };
        format!("{word}: {}", outcome.detail)
    };
    say(&session, said).await;
    Ok(Redirect::to("/settings/notify"))
}
