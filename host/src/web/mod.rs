//! The pages, the JSON API and the webhooks of a working host.
//!
//! Pages and API show the same views (`view`) and do the same things (`actions`). Everything is rendered here; the one
//! script only exchanges parts of a page that have changed.

mod api;
mod assets;
mod auth;
mod chart;
mod failure;
pub mod health;
pub mod hooks;
mod live;
pub mod metrics;
mod pages;
mod session;
mod show;
mod take;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use self::auth::Gate;
use anyhow::Context;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use url::Url;

pub use pages::{Backstage, Bought, Scene};

use crate::actions::people;
use crate::host::Host;
use crate::model::{Actor, PUBLIC_URL, Role, Via, checked_public_url};
use crate::schedule::Wakes;

/// Where pages are served unless told otherwise.
pub const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 4650);

/// Longest body of a form or an API call, in bytes.
const MAX_BODY: usize = 256 << 10;

/// What the handlers share.
#[derive(Clone)]
struct App {
    host: Arc<Host>,
    wakes: Wakes,
    /// Its address for people.
    url: Arc<str>,
    attempts: Arc<auth::Attempts>,
    changes: live::Changes,
    backstage: Option<Arc<dyn Backstage>>,
    stop: CancellationToken,
}

/// A server that has its address and does not answer yet.
pub struct Server {
    listener: TcpListener,
    app: App,
    address: SocketAddr,
    public: Option<Url>,
}

impl Server {
    /// Takes the address. `stop` ends the server, and with it the pages that follow changes.
    pub async fn bind(
        host: Arc<Host>,
        wakes: Wakes,
        listen: SocketAddr,
        stop: CancellationToken,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(listen).await.with_context(|| {
            format!("cannot serve pages on {listen}; name another address with --listen")
        })?;
        let address = listener.local_addr()?;
        let public = host
            .store
            .read(|tx| tx.setting::<String>(PUBLIC_URL))
            .await?
            .map(|text| anyhow::Ok(checked_public_url(&text)?.parse::<Url>()?))
            .transpose()?;
        let changes = live::watch(&host.store, stop.clone())?;
        let url = match &public {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("http://{}", reachable(address)),
        };
        Ok(Self {
            listener,
            app: App {
                host,
                wakes,
                url: url.into(),
                attempts: Arc::default(),
                changes,
                backstage: None,
                stop,
            },
            address,
            public,
        })
    }

    /// Lets whoever looks play the world outside.
    pub fn with_backstage(mut self, backstage: Arc<dyn Backstage>) -> Self {
        self.app.backstage = Some(backstage);
        self
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address for people on this machine, or everywhere when a public one is set.
    pub fn url(&self) -> &str {
        &self.app.url
    }

    /// While nobody can sign in yet: a link that works once, for the first person.
    pub async fn first_link(&self) -> anyhow::Result<Option<String>> {
        if !self.app.host.store.read(|tx| tx.people()).await?.is_empty() {
            return Ok(None);
        }
        let token = people::invite(&self.app.host, None, Role::Admin, &Actor::command()).await?;
        Ok(Some(format!("{}/welcome/{token}", self.url())))
    }

    /// Answers requests until it is stopped.
    pub async fn serve(self) -> anyhow::Result<()> {
        let stop = self.app.stop.clone();
        let router = router(self.app, self.public.as_ref())?
            .into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(self.listener, router)
            .with_graceful_shutdown(stop.cancelled_owned())
            .await?;
        Ok(())
    }
}

/// An address as a browser on this machine can open it.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => std::net::Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => std::net::Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn router(app: App, public: Option<&Url>) -> anyhow::Result<Router> {
    let mut csrf = CsrfLayer::new();
    if let Some(url) = public {
        csrf = csrf
            .add_trusted_origin(url.origin().ascii_serialization())
            .map_err(|e| anyhow::anyhow!("the setting {PUBLIC_URL}: {e}"))?;
    }
    let secure = public.is_some_and(|url| url.scheme() == "https");
    let names = Names(public.and_then(|u| u.host_str().map(str::to_owned)).into());
    let header =
        |name, value| SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value));
    let gate = Gate {
        app: app.clone(),
        role: Role::Viewer,
        via: Via::Api,
    };
    let figures = metrics::router(app.host.clone())
        .route_layer(middleware::from_fn_with_state(gate, auth::require));
    let outside =
        hooks::router(app.host.clone(), app.wakes.clone()).merge(health::router(app.host.clone()));
    let guarded = pages::router(&app)
        .merge(api::router(&app))
        .with_state(app.clone())
        .merge(figures)
        .layer(session::layer(&app.host.store, secure))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(csrf)
        .layer(header(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(header(header::CACHE_CONTROL, "no-store"));
    Ok(guarded
        .merge(assets::router())
        .merge(outside)
        .layer(middleware::from_fn_with_state(names, known_host))
        .layer(header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(header::REFERRER_POLICY, "same-origin"))
        .layer(header(header::X_FRAME_OPTIONS, "DENY"))
        .layer(CompressionLayer::new())
        .layer(CatchPanicLayer::custom(
            |_: Box<dyn std::any::Any + Send>| {
                (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "Something is wrong with Lockstep itself; its log says more.",
                )
                    .into_response()
            },
        )))
}

/// Pages load their own style and script, and nothing from anywhere else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The public name of the host, if it has one.
#[derive(Clone)]
struct Names(Arc<Option<String>>);

impl From<Option<String>> for Names {
    fn from(name: Option<String>) -> Self {
        Self(Arc::new(name))
    }
}

/// Answers only to names that are this host's: a page of somebody else whose name was made to point here is turned away.
async fn known_host(State(names): State<Names>, request: Request, next: Next) -> Response {
    let host = request
        .uri()
        .authority()
        .map(|a| a.host().to_owned())
        .or_else(|| {
            let value = request.headers().get(header::HOST)?.to_str().ok()?;
            let authority: axum::http::uri::Authority = value.parse().ok()?;
            Some(authority.host().to_owned())
        });
    let known = host.as_deref().is_some_and(|host| {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || bare.parse::<IpAddr>().is_ok() || names.0.as_deref() == Some(host)
    });
    if known {
        return next.run(request).await;
    }
    let name = host.unwrap_or_default();
    (
        StatusCode::MISDIRECTED_REQUEST,
        format!(
            "This host does not know itself as \"{name}\". Set its public address with `lockstep setting set {PUBLIC_URL} https://NAME`, then start it again.\n"
        ),
    )
        .into_response()
}

/// Longest time that stopping waits for answers under way.
pub const GRACE: Duration = Duration::from_secs(5);
