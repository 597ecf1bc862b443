//! Signing in and out, who is asking, and what their role lets them do.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use askama::Template;
use axum::Form;
use axum::extract::{ConnectInfo, FromRequestParts, Path, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use secrecy::SecretString;
use serde::Deserialize;
use tower_sessions::Session;

use super::App;
use super::failure::{ApiFailure, Failure};
use super::pages::{Demo, Html, page};
use super::session::PERSON;
use crate::actions::people;
use crate::model::{Actor, Instant, Role, Via};

/// Who is asking.
#[derive(Clone, Debug)]
pub(super) struct Me {
    /// For what is done.
    pub(super) actor: Actor,
    /// What they may do.
    pub(super) role: Role,
}

impl Me {
    /// Whether the role reaches.
    pub(super) fn may(&self, role: Role) -> bool {
        self.role >= role
    }

    /// For templates.
    pub(super) fn operates(&self) -> bool {
        self.may(Role::Operator)
    }

    /// For templates.
    pub(super) fn administers(&self) -> bool {
        self.may(Role::Admin)
    }
}

impl<S: Sync> FromRequestParts<S> for Me {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        parts
            .extensions
            .get::<Me>()
            .cloned()
            .ok_or_else(|| Failure::SignIn(parts.uri.path().to_owned()))
    }
}

/// What a route takes: the role, and whether it is of the API.
#[derive(Clone)]
pub(super) struct Gate {
    pub(super) app: App,
    pub(super) role: Role,
    pub(super) via: Via,
}

/// Lets a request through whose sender's role reaches.
pub(super) async fn require(
    State(gate): State<Gate>,
    session: Session,
    mut request: Request,
    next: Next,
) -> Response {
    let found = match gate.via {
        Via::Api => {
            let value = request.headers().get(header::AUTHORIZATION).cloned();
            of_token(&gate.app, value).await
        }
        _ => Ok(None),
    };
    let found = match found {
        Ok(None) => of_session(&gate.app, &session, gate.via).await,
        found => found,
    };
    let failure = match found {
        Ok(Some(me)) if me.may(gate.role) => {
            request.extensions_mut().insert(me);
            if gate.app.backstage.is_some() {
                request.extensions_mut().insert(Demo);
            }
            return next.run(request).await;
        }
        Ok(Some(_)) => Failure::Forbidden(gate.role),
        Ok(None) => {
            let uri = request.uri();
            let back = uri.path_and_query().map_or("/", |p| p.as_str());
            Failure::SignIn(if request.method() == "GET" { back } else { "/" }.to_owned())
        }
        Err(failure) => failure,
    };
    match gate.via {
        Via::Api => ApiFailure(failure).into_response(),
        _ => failure.into_response(),
    }
}

async fn of_session(app: &App, session: &Session, via: Via) -> Result<Option<Me>, Failure> {
    /// When the session was used last, in seconds since 1970.
    const USED: &str = "used";
    let read = |e: tower_sessions::session::Error| Failure::Unavailable(e.to_string());
    let Some(name) = session.get::<String>(PERSON).await.map_err(read)? else {
        return Ok(None);
    };
    let now = Instant::now().as_second();
    let used = session.get::<i64>(USED).await.map_err(read)?;
    // Once an hour is enough to keep it alive: each change of a session is a write.
    if used.is_none_or(|used| now - used > 3_600) {
        session.insert(USED, now).await.map_err(read)?;
    }
    let found = app.host.store.read(move |tx| tx.person(&name)).await?;
    Ok(found.map(|(person, _)| Me {
        role: person.role,
        actor: Actor {
            name: person.name,
            via,
        },
    }))
}

async fn of_token(app: &App, value: Option<HeaderValue>) -> Result<Option<Me>, Failure> {
    let Some(value) = value else {
        return Ok(None);
    };
    let refused = || Failure::SignIn("/".into());
    let text = value.to_str().map_err(|_| refused())?;
    let token = text.strip_prefix("Bearer ").ok_or_else(refused)?;
    let digest = people::digest(token.trim());
    let wanted = digest.clone();
    let found = app.host.store.read(move |tx| tx.token(&wanted)).await?;
    let token = found.ok_or_else(refused)?;
    let now = Instant::now();
    if token
        .used_at
        .is_none_or(|used| now.duration_since(used).as_secs() > 60)
    {
        app.host
            .store
            .write(move |tx| tx.token_used(&digest, now))
            .await?;
    }
    Ok(Some(Me {
        role: token.role,
        actor: Actor {
            name: token.name,
            via: Via::Api,
        },
    }))
}

/// The address that a request comes from. A proxy on this machine is believed what it says last; nobody else is.
pub(super) struct Visitor(IpAddr);

impl<S: Sync + Send> FromRequestParts<S> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let ConnectInfo(peer) = ConnectInfo::<SocketAddr>::from_request_parts(parts, state)
            .await
            .map_err(|e| Failure::Internal(e.to_string()))?;
        Ok(Self(came_from(peer.ip(), &parts.headers)))
    }
}

fn came_from(peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let told = || {
        let last = headers.get_all("x-forwarded-for").iter().next_back()?;
        last.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
    };
    if peer.is_loopback() {
        told().unwrap_or(peer)
    } else {
        peer
    }
}

/// How often somebody may try to sign in: by address, and by name from wherever.
pub(super) struct Attempts {
    address: DefaultKeyedRateLimiter<IpAddr>,
    name: DefaultKeyedRateLimiter<String>,
}

impl Default for Attempts {
    fn default() -> Self {
        let quota = |burst: u32, seconds| {
            let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
            Quota::with_period(Duration::from_secs(seconds))
                .unwrap_or(Quota::per_minute(burst))
                .allow_burst(burst)
        };
        Self {
            address: RateLimiter::keyed(quota(20, 3)),
            name: RateLimiter::keyed(quota(8, 8)),
        }
    }
}

impl Attempts {
    /// One more try. The error says how long to wait.
    fn admit(&self, address: IpAddr, name: &str) -> Result<(), Failure> {
        let wait = |not: governor::NotUntil<_>| {
            let wait = not.wait_time_from(DefaultClock::default().now());
            Failure::TooMany(wait.as_secs() + 1)
        };
        self.address.check_key(&address).map_err(wait)?;
        self.name.check_key(&name.to_owned()).map_err(wait)?;
        if self.address.len() + self.name.len() > 10_000 {
            self.address.retain_recent();
            self.name.retain_recent();
        }
        Ok(())
    }
}

#[derive(Template)]
#[template(path = "sign-in.html")]
struct SignInPage {
    next: String,
    name: String,
    error: Option<String>,
    nobody: bool,
}

#[derive(Deserialize)]
pub(super) struct Onward {
    #[serde(default)]
    next: String,
}

/// A path of this host, whatever was given.
fn local(next: &str) -> &str {
    let safe = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && !next.contains(char::is_control);
    if safe { next } else { "/" }
}

pub(super) async fn sign_in_page(
    State(app): State<App>,
    Query(query): Query<Onward>,
) -> Result<Html, Failure> {
    let nobody = app.host.store.read(|tx| tx.people()).await?.is_empty();
    page(&SignInPage {
        next: query.next,
        name: String::new(),
        error: None,
        nobody,
    })
}

#[derive(Deserialize)]
pub(super) struct SignIn {
    name: String,
    password: SecretString,
    #[serde(default)]
    next: String,
}

pub(super) async fn sign_in(
    State(app): State<App>,
    Visitor(address): Visitor,
    session: Session,
    Form(form): Form<SignIn>,
) -> Result<Response, Failure> {
    app.attempts.admit(address, &form.name)?;
    let Some(person) = people::verify(&app.host, &form.name, &form.password).await? else {
        tracing::warn!(name = form.name, %address, "sign-in refused");
        let html = page(&SignInPage {
            next: form.next,
            name: form.name,
            error: Some("Name or password is not right.".into()),
            nobody: false,
        })?;
        return Ok((axum::http::StatusCode::UNPROCESSABLE_ENTITY, html).into_response());
    };
    begin(&app, &session, &person.name).await?;
    Ok(Redirect::to(local(&form.next)).into_response())
}

/// Makes the session that of a person, under a new id: one that was known before is worth nothing.
async fn begin(app: &App, session: &Session, name: &str) -> Result<(), Failure> {
    let store = |e: tower_sessions::session::Error| Failure::Unavailable(e.to_string());
    if session.id().is_some() {
        session.flush().await.map_err(store)?;
    }
    session.insert(PERSON, name).await.map_err(store)?;
    let actor = Actor {
        name: name.to_owned(),
        via: Via::Page,
    };
    app.host
        .store
        .write(move |tx| {
            let now = Instant::now();
            tx.signed_in(&actor.name, now)?;
            tx.audit(&actor, "person.sign-in", &actor.name, "", now)
        })
        .await?;
    Ok(())
}

pub(super) async fn sign_out(session: Session) -> Result<Redirect, Failure> {
    session
        .flush()
        .await
        .map_err(|e| Failure::Unavailable(e.to_string()))?;
    Ok(Redirect::to("/sign-in"))
}

#[derive(Template)]
#[template(path = "welcome.html")]
struct WelcomePage {
    token: String,
    /// Whom the link is for; none: they choose a name.
    invited: Option<String>,
    name: String,
    role: Role,
    least: usize,
    error: Option<String>,
}

pub(super) async fn welcome_page(
    State(app): State<App>,
    Path(token): Path<String>,
) -> Result<Html, Failure> {
    let (invited, role) = invitation(&app, &token).await?;
    page(&WelcomePage {
        token,
        name: invited.clone().unwrap_or_default(),
        invited,
        role,
        least: people::PASSWORD_LEAST,
        error: None,
    })
}

async fn invitation(app: &App, token: &str) -> Result<(Option<String>, Role), Failure> {
    let digest = people::digest(token);
    let found = app
        .host
        .store
        .read(move |tx| tx.invitation(&digest, Instant::now()))
        .await?;
    let invitation = found.ok_or_else(|| {
        Failure::Unknown(
            "This link was used, or is too old. `lockstep user invite` makes a new one.".into(),
        )
    })?;
    Ok((invitation.name, invitation.role))
}

#[derive(Deserialize)]
pub(super) struct Welcome {
    name: String,
    password: SecretString,
    again: SecretString,
}

pub(super) async fn welcome(
    State(app): State<App>,
    Visitor(address): Visitor,
    session: Session,
    Path(token): Path<String>,
    Form(form): Form<Welcome>,
) -> Result<Response, Failure> {
    use secrecy::ExposeSecret;
    app.attempts.admit(address, "a link")?;
    let (invited, role) = invitation(&app, &token).await?;
    let accepted = if form.password.expose_secret() == form.again.expose_secret() {
        people::accept(&app.host, &token, &form.name, &form.password)
            .await
            .map_err(Failure::from)
    } else {
        Err(Failure::Invalid("The two passwords differ.".into()))
    };
    match accepted {
        Ok(person) => {
            begin(&app, &session, &person.name).await?;
            let shops = app.host.store.read(|tx| tx.shops()).await?;
            let first = shops.is_empty() && person.role == Role::Admin;
            Ok(Redirect::to(if first { "/set-up" } else { "/" }).into_response())
        }
        Err(failure @ (Failure::Invalid(_) | Failure::Conflict(_))) => {
            let html = page(&WelcomePage {
                token,
                invited,
                name: form.name,
                role,
                least: people::PASSWORD_LEAST,
                error: Some(failure.text()),
            })?;
            Ok((axum::http::StatusCode::UNPROCESSABLE_ENTITY, html).into_response())
        }
        Err(failure) => Err(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_paths_are_gone_on_to() {
        for (given, to) in [
            ("/orders?state=held", "/orders?state=held"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("/a\nb", "/"),
            ("", "/"),
        ] {
            assert_eq!(local(given), to, "{given}");
        }
    }

    #[test]
    fn a_proxy_on_this_machine_says_who_comes() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let told = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("x-forwarded-for", value.parse().unwrap());
            }
            headers
        };
        let here = ip("127.0.0.1");
        for (values, expected) in [
            (&[][..], "127.0.0.1"),
            (&["203.0.113.9"], "203.0.113.9"),
            // What the visitor made up comes before what the proxy saw.
            (&["10.1.1.1, 203.0.113.9"], "203.0.113.9"),
            (&["10.1.1.1", "2001:db8::1"], "2001:db8::1"),
            (&["nonsense"], "127.0.0.1"),
        ] {
            assert_eq!(came_from(here, &told(values)), ip(expected), "{values:?}");
        }
        let far = ip("198.51.100.4");
        assert_eq!(came_from(far, &told(&["203.0.113.9"])), far);
    }

    #[test]
    fn guessing_is_slowed_down() {
        let attempts = Attempts::default();
        let from = |n: u8| IpAddr::from([10, 0, 0, n]);
        // Of one name, from ever other addresses.
        let tried = (0..50).take_while(|n| attempts.admit(from(*n), "ada").is_ok());
        assert_eq!(tried.count(), 8);
        assert!(attempts.admit(from(99), "grace").is_ok());
        // From one address, of ever other names.
        let tried = (0..50).take_while(|n| attempts.admit(from(200), &n.to_string()).is_ok());
        assert_eq!(tried.count(), 20);
    }
}
