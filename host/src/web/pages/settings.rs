//! `/settings`: people, tokens and the host itself; `/me`: one's own password.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tower_sessions::Session;

use super::{Frame, Html, page, say};
use crate::actions::{people, setting};
use crate::db::{Person, TokenRow};
use crate::model::{PUBLIC_URL, Role};
use crate::view::{self, WebhookState};
use crate::web::App;
use crate::web::auth::Me;
use crate::web::failure::Failure;

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    frame: Frame,
    public_url: String,
    people: Vec<Person>,
    tokens: Vec<TokenRow>,
    webhooks: WebhookState,
    roles: [Role; 3],
    /// Shown once: a link or a token, and what to do with it.
    secret: Option<(String, &'static str)>,
    error: Option<String>,
}

async fn settings_page(
    app: &App,
    frame: Frame,
    secret: Option<(String, &'static str)>,
    error: Option<String>,
) -> Result<SettingsPage, Failure> {
    let (public_url, people, tokens) = app
        .host
        .store
        .read(|tx| {
            Ok((
                tx.setting::<String>(PUBLIC_URL)?,
                tx.people()?,
                tx.tokens()?,
            ))
        })
        .await?;
    Ok(SettingsPage {
        frame,
        public_url: public_url.unwrap_or_default(),
        people,
        tokens,
        webhooks: view::webhooks(&app.host).await?,
        roles: [Role::Viewer, Role::Operator, Role::Admin],
        secret,
        error,
    })
}

/// The page again, with what is wrong.
async fn again(app: &App, frame: Frame, failure: Failure) -> Result<Response, Failure> {
    let form = settings_page(app, frame, None, Some(failure.text())).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page(&form)?).into_response())
}

pub(super) async fn settings(State(app): State<App>, frame: Frame) -> Result<Html, Failure> {
    page(&settings_page(&app, frame, None, None).await?)
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Settings {
    #[serde(default)]
    public_url: String,
}

pub(super) async fn set(
    State(app): State<App>,
    frame: Frame,
    session: Session,
    Form(form): Form<Settings>,
) -> Result<Response, Failure> {
    let url = Some(form.public_url.trim()).filter(|u| !u.is_empty());
    match setting::set_public_url(&app.host, url, &frame.me.actor).await {
        Ok(_) => {
            say(&session, "Saved. The address is used from the next start.").await;
            Ok(Redirect::to("/settings").into_response())
        }
        Err(e) => again(&app, frame, e.into()).await,
    }
}

#[derive(Deserialize)]
pub(super) struct Named {
    name: String,
    role: Role,
}

pub(super) async fn invite(
    State(app): State<App>,
    frame: Frame,
    Form(form): Form<Named>,
) -> Result<Response, Failure> {
    match people::invite(&app.host, Some(&form.name), form.role, &frame.me.actor).await {
        Ok(token) => {
            let base = app
                .host
                .store
                .read(|tx| tx.setting::<String>(PUBLIC_URL))
                .await?;
            let link = format!(
                "{}/welcome/{token}",
                base.unwrap_or_else(|| app.url.to_string())
            );
            let told = (link, "Send them this link. It works once, within a day.");
            Ok(page(&settings_page(&app, frame, Some(told), None).await?)?.into_response())
        }
        Err(e) => again(&app, frame, e.into()).await,
    }
}

#[derive(Deserialize)]
pub(super) struct Change {
    act: String,
    role: Option<Role>,
}

pub(super) async fn person(
    State(app): State<App>,
    Path(name): Path<String>,
    frame: Frame,
    session: Session,
    Form(form): Form<Change>,
) -> Result<Response, Failure> {
    let actor = &frame.me.actor;
    let done = match (form.act.as_str(), form.role) {
        ("remove", _) => people::remove(&app.host, &name, actor)
            .await
            .map(|()| format!("{name} is removed.")),
        (_, Some(role)) => people::set_role(&app.host, &name, role, actor)
            .await
            .map(|()| format!("{name} is {role}.")),
        _ => return Err(Failure::Invalid("The role is missing.".into())),
    };
    match done {
        Ok(said) => {
            say(&session, said).await;
            Ok(Redirect::to("/settings").into_response())
        }
        Err(e) => again(&app, frame, e.into()).await,
    }
}

pub(super) async fn add_token(
    State(app): State<App>,
    frame: Frame,
    Form(form): Form<Named>,
) -> Result<Response, Failure> {
    match people::add_token(&app.host, &form.name, form.role, &frame.me.actor).await {
        Ok(token) => {
            let told = (
                token.expose_secret().to_owned(),
                "Keep it: it is not shown again. Send it as a header: Authorization: Bearer TOKEN.",
            );
            Ok(page(&settings_page(&app, frame, Some(told), None).await?)?.into_response())
        }
        Err(e) => again(&app, frame, e.into()).await,
    }
}

pub(super) async fn remove_token(
    State(app): State<App>,
    Path(name): Path<String>,
    me: Me,
    session: Session,
) -> Result<Redirect, Failure> {
    people::remove_token(&app.host, &name, &me.actor).await?;
    say(&session, format!("The token {name} is ended.")).await;
    Ok(Redirect::to("/settings"))
}

#[derive(Template)]
#[template(path = "me.html")]
struct MePage {
    frame: Frame,
    least: usize,
    error: Option<String>,
}

pub(super) async fn me(frame: Frame) -> Result<Html, Failure> {
    page(&MePage {
        frame,
        least: people::PASSWORD_LEAST,
        error: None,
    })
}

#[derive(Deserialize)]
pub(super) struct Passwords {
    present: SecretString,
    password: SecretString,
    again: SecretString,
}

pub(super) async fn change_password(
    State(app): State<App>,
    frame: Frame,
    session: Session,
    Form(form): Form<Passwords>,
) -> Result<Response, Failure> {
    let actor = frame.me.actor.clone();
    let changed = if form.password.expose_secret() == form.again.expose_secret() {
        let (present, password) = (&form.present, &form.password);
        people::change_password(&app.host, &actor.name, present, password, &actor)
            .await
            .map_err(Failure::from)
    } else {
        Err(Failure::Invalid("The two new passwords differ.".into()))
    };
    match changed {
        Ok(()) => {
            // Every session of theirs has ended, this one too.
            let _ = session.flush().await;
            Ok(Redirect::to("/sign-in").into_response())
        }
        Err(failure) => {
            let html = page(&MePage {
                frame,
                least: people::PASSWORD_LEAST,
                error: Some(failure.text()),
            })?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, html).into_response())
        }
    }
}
