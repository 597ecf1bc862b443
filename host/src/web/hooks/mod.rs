//! Messages from outside: they make the host look sooner than it would by itself.
//!
//! A message proves nothing about a marketplace. It is checked, stored and answered; then the channel is woken, and what
//! the message names is read again by its id in the cycle. A message that is lost costs no more than the time until the
//! next cycle. `docs/webhooks.md` says what must be reachable from outside.

mod channel;
mod inbox;
mod keep;
mod shopify;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tower_http::timeout::TimeoutLayer;

pub use keep::subscribe;

use crate::host::Host;
use crate::model::{Key, Side};
use crate::schedule::Wakes;
use crate::telemetry;
use inbox::Inbox;

/// Shopify waits five seconds for the answer; a message whose body takes longer to come is not waited for.
const LONGEST: Duration = Duration::from_secs(10);

/// What the handlers share.
struct Hooks {
    host: Arc<Host>,
    wakes: Wakes,
    inbox: Inbox,
    readers: channel::Readers,
}

/// Serves `POST /webhooks/shopify/{shop}` and `POST /webhooks/channel/{shop}/{channel}/{secret}`.
///
/// Whoever sends there has no session and sends no `Origin`: neither may be asked for. The address of a channel holds its
/// secret and must not be logged.
pub fn router(host: Arc<Host>, wakes: Wakes) -> Router {
    let hooks = Hooks {
        inbox: Inbox::new(host.store.clone()),
        host,
        wakes,
        readers: channel::Readers::default(),
    };
    Router::new()
        .route("/webhooks/shopify/{shop}", post(shopify::take))
        .route(
            "/webhooks/channel/{shop}/{channel}/{secret}",
            post(channel::take),
        )
        .layer(TimeoutLayer::with_status_code(
            StatusCode::REQUEST_TIMEOUT,
            LONGEST,
        ))
        .with_state(Arc::new(hooks))
}

/// Why a message is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    UnknownShop,
    UnknownAddress,
    NoSecret,
    Forged,
    WrongShop,
    NoId,
    TooLarge,
    Unstored,
}

impl Refusal {
    /// Status and a stable word; the sender learns no more.
    fn says(self) -> (StatusCode, &'static str) {
        match self {
            Refusal::UnknownShop => (StatusCode::NOT_FOUND, "unknown-shop"),
            Refusal::UnknownAddress => (StatusCode::NOT_FOUND, "unknown-address"),
            Refusal::NoSecret => (StatusCode::UNAUTHORIZED, "no-secret"),
            Refusal::Forged => (StatusCode::UNAUTHORIZED, "forged"),
            Refusal::WrongShop => (StatusCode::FORBIDDEN, "wrong-shop"),
            Refusal::NoId => (StatusCode::BAD_REQUEST, "no-id"),
            Refusal::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large"),
            Refusal::Unstored => (StatusCode::SERVICE_UNAVAILABLE, "not-stored"),
        }
    }

    fn answer(self, from: Side) -> Response {
        let (status, reason) = self.says();
        telemetry::webhook_refused(from, reason);
        tracing::info!(reason, "webhook refused");
        (status, reason).into_response()
    }
}

/// The body, if it is no longer than `most` bytes.
async fn body(request: axum::extract::Request, most: usize) -> Result<axum::body::Bytes, Refusal> {
    axum::body::to_bytes(request.into_body(), most)
        .await
        .map_err(|_| Refusal::TooLarge)
}

impl Hooks {
    /// Wakes the channels of a shop, or one of them.
    async fn wake(&self, shop: &str, only: Option<&Key>) {
        match self.host.store.read(|tx| tx.channels()).await {
            Ok(channels) => {
                let meant = |key: &Key| key.shop == shop && only.is_none_or(|o| o == key);
                for row in channels.into_iter().filter(|c| meant(&c.key)) {
                    self.wakes.hint(row.key);
                }
            }
            Err(e) => tracing::warn!(shop, "a webhook wakes nobody: {e}"),
        }
    }
}
