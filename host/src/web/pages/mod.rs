//! The pages.

mod activity;
mod alerts;
mod backstage;
mod channels;
mod form;
mod orders;
mod overview;
mod plugins;
mod products;
mod set_up;
mod settings;

use askama::Template;
use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use tower_sessions::Session;

pub use backstage::{Backstage, Bought, Scene};

use super::auth::{self, Gate, Me};
use super::failure::Failure;
use super::{App, live};
use crate::model::{Role, Via};

/// A page.
pub(super) type Html = axum::response::Html<String>;

/// Renders a page.
pub(super) fn page(template: &impl Template) -> Result<Html, Failure> {
    let html = template
        .render()
        .map_err(|e| Failure::Internal(format!("the page cannot be written: {e}")))?;
    Ok(axum::response::Html(html))
}

/// Where a session keeps what is to be said on the next page.
const SAID: &str = "said";
/// Where it keeps why something was not done.
const REGRETTED: &str = "regretted";

/// The parts of the site, as the navigation shows them.
pub(super) const PARTS: [(&str, &str); 7] = [
    ("/", "Overview"),
    ("/orders", "Orders"),
    ("/products", "Products"),
    ("/channels", "Channels"),
    ("/plugins", "Plugins"),
    ("/activity", "Activity"),
    ("/settings", "Settings"),
];

/// Marks requests to a host that has a backstage.
#[derive(Clone, Copy)]
pub(super) struct Demo;

/// What is around every page of a signed-in person.
pub(super) struct Frame {
    /// Who looks.
    pub(super) me: Me,
    /// Which page it is.
    pub(super) path: String,
    /// What was done by the request before.
    pub(super) said: Option<String>,
    /// It is a demo, with a backstage.
    pub(super) demo: bool,
    /// It answers a form, so it cannot be fetched anew.
    pub(super) still: bool,
    /// Why what the request before asked for was not done.
    pub(super) regretted: Option<String>,
}

impl Frame {
    /// Whether a part of the site is the one that is shown.
    fn at(&self, part: &str) -> bool {
        match part {
            "/" => self.path == "/",
            _ => self.path == part || self.path.starts_with(&format!("{part}/")),
        }
    }
}

impl<S: Sync + Send> FromRequestParts<S> for Frame {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let me = Me::from_request_parts(parts, state).await?;
        // A page that only fetches itself anew says nothing and uses nothing up.
        let live = parts.headers.contains_key("x-live");
        let (said, regretted) = match Session::from_request_parts(parts, state).await {
            Ok(session) if !live => (
                session.remove::<String>(SAID).await.ok().flatten(),
                session.remove::<String>(REGRETTED).await.ok().flatten(),
            ),
            _ => (None, None),
        };
        Ok(Self {
            me,
            path: parts.uri.path().to_owned(),
            said,
            demo: parts.extensions.get::<Demo>().is_some(),
            still: parts.method != axum::http::Method::GET,
            regretted,
        })
    }
}

/// Says something on the next page.
pub(super) async fn say(session: &Session, text: impl Into<String>) {
    keep(session, SAID, text.into()).await;
}

/// Says on the next page why something was not done.
pub(super) async fn regret(session: &Session, text: impl Into<String>) {
    keep(session, REGRETTED, text.into()).await;
}

async fn keep(session: &Session, name: &str, text: String) {
    if let Err(e) = session.insert(name, text).await {
        tracing::warn!("what was done cannot be said on the next page: {e}");
    }
}

/// All pages, each behind the role that it takes.
pub(super) fn router(app: &App) -> Router<App> {
    let gate = |role| Gate {
        app: app.clone(),
        role,
        via: Via::Page,
    };
    let viewer = Router::new()
        .route("/", get(overview::overview_page))
        .route("/channels", get(channels::list))
        .route("/channels/{shop}/{channel}", get(channels::channel))
        .route("/channels/{shop}/{channel}/plan", get(channels::plan))
        .route("/activity", get(activity::events))
        .route("/activity/people", get(activity::people))
        .route("/activity/alerts", get(alerts::alerts))
        .route("/me", get(settings::me).post(settings::change_password))
        .route("/orders", get(orders::list_page))
        .route("/orders/{shop}/{channel}/{id}", get(orders::order_page))
        .route("/products", get(products::list_page))
        .route("/products/{shop}/{sku}", get(products::product_page))
        .route("/plugins", get(plugins::list_page))
        .route("/plugins/{id}", get(plugins::plugin_page))
        .route("/backstage", get(backstage::show).post(backstage::act))
        .route("/live", get(live::events))
        .route("/sign-out", post(auth::sign_out));
    let operator = Router::new()
        .route(
            "/activity/alerts/{id}/acknowledge",
            post(alerts::acknowledge),
        )
        .route(
            "/activity/alerts/{id}/unacknowledge",
            post(alerts::unacknowledge),
        )
        .route("/channels/{shop}/{channel}/act", post(channels::act))
        .route(
            "/channels/{shop}/{channel}/approve",
            post(channels::approve),
        )
        .route("/orders/{shop}/{channel}/{id}/{act}", post(orders::act_on))
        .route(
            "/orders/{shop}/{channel}/{id}/parcels/{parcel}/resend",
            post(orders::resend),
        )
        .route("/products/{shop}/{sku}/resync", post(products::resync))
        .route("/products/{shop}/{sku}/retry", post(products::retry));
    let admin = Router::new()
        .route("/set-up", get(set_up::overview))
        .route(
            "/set-up/shop",
            get(set_up::shop_page).post(set_up::connect_shop),
        )
        .route(
            "/set-up/channel",
            get(set_up::channel_page).post(set_up::add_channel),
        )
        .route("/channels/{shop}/{channel}/set", post(channels::set))
        .route("/channels/{shop}/{channel}/secret", post(channels::secret))
        .route(
            "/channels/{shop}/{channel}/extras",
            post(channels::add_extra),
        )
        .route(
            "/channels/{shop}/{channel}/extras/{extra}",
            post(channels::change_extra),
        )
        .route("/plugins/{id}/grant", post(plugins::grant))
        .route("/plugins/{id}/rollback", post(plugins::roll_back))
        .route("/settings", get(settings::settings).post(settings::set))
        .route(
            "/settings/notify",
            get(alerts::targets).post(alerts::put_target),
        )
        .route("/settings/notify/{name}", post(alerts::act_on_target))
        .route("/settings/people", post(settings::invite))
        .route("/settings/people/{name}", post(settings::person))
        .route("/settings/tokens", post(settings::add_token))
        .route("/settings/tokens/{name}", post(settings::remove_token));
    Router::new()
        .merge(viewer.route_layer(from_fn_with_state(gate(Role::Viewer), auth::require)))
        .merge(operator.route_layer(from_fn_with_state(gate(Role::Operator), auth::require)))
        .merge(admin.route_layer(from_fn_with_state(gate(Role::Admin), auth::require)))
        .route("/sign-in", get(auth::sign_in_page).post(auth::sign_in))
        .route(
            "/welcome/{token}",
            get(auth::welcome_page).post(auth::welcome),
        )
        .fallback(|| async { Failure::Unknown("There is no such page.".into()) })
}
