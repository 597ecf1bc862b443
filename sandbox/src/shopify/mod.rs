//! A stand-in for Shopify's Admin GraphQL API over real HTTP on loopback.
//!
//! It executes GraphQL against the schema the host is typed against, keeps a store in memory and is strict: a call
//! that Shopify would refuse is refused in the same words, and counted in [`Stats::mistakes`]. What Shopify leaves
//! open, or does differently from store to store, is a field of [`Switches`]. [`Shopify::faults`] breaks answers and
//! connections on demand; the label of a request is its operation name (see [`label`]).
//!
//! Beside the API, [`Shopify`] has functions for everything that happens in a store without it: sales in the
//! storefront, stock counts, packing, edits of tracking numbers.

mod bulk;
mod cancel;
mod catalog_fields;
mod cost;
mod engine;
mod fulfill;
mod idempotency;
mod inventory;
mod lists;
mod mutations;
mod order_create;
mod order_fields;
mod resolve;
mod search;
mod server;
mod state;
mod stock;
mod store;
mod switches;
#[cfg(test)]
mod tests;
mod views;
mod webhooks;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::faults::{Faults, wrap};
use state::State;

pub use switches::Switches;
pub use views::{
    AddressView, CustomerView, FulfillmentView, LevelView, LineView, NewProduct, NewVariant,
    OrderView, RefundView, ShippingLineView, Stats, TaxView, TrackingView, VariantView,
};

/// The API version that this is a stand-in for.
pub const VERSION: &str = "2026-10";

/// The versions that answer, oldest first.
const VERSIONS: [&str; 6] = [
    "2026-01", "2026-04", "2026-07", VERSION, "2027-01", "unstable",
];

/// How to set the store up.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// The first part of the store's domain.
    pub shop: String,
    /// The store's name.
    pub name: String,
    /// The store's currency, ISO 4217.
    pub currency: String,
    /// Client id of the app.
    pub client_id: String,
    /// Client secret of the app; webhooks are signed with it.
    pub client_secret: String,
    /// A permanent access token, as older custom apps have; empty allows none.
    pub token: String,
    /// Query points that the bucket holds, and that come back each second.
    pub bucket: (f64, f64),
    /// Behavior to begin with.
    pub switches: Switches,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            port: 0,
            shop: "kestrel-surf".to_owned(),
            name: "Kestrel Surf".to_owned(),
            currency: "AUD".to_owned(),
            client_id: "7c1f0d3a9be84c26b5d2e1f04a6690c8".to_owned(),
            client_secret: "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".to_owned(),
            token: "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".to_owned(),
            bucket: (2_000.0, 100.0),
            switches: Switches::default(),
        }
    }
}

/// A running store. Clones share it; it stops with the last of them.
#[derive(Clone)]
pub struct Shopify(Arc<Inner>);

struct Inner {
    state: Arc<Mutex<State>>,
    faults: Faults,
    runtime: tokio::runtime::Handle,
    stop: tokio::sync::watch::Sender<bool>,
    port: u16,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

impl Shopify {
    /// Binds to 127.0.0.1 and serves until [`stop`](Self::stop) or the last clone's end.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn start(mut config: Config) -> anyhow::Result<Self> {
        let port = config.port;
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port))
            .await
            .with_context(|| {
                format!("the Shopify sandbox cannot listen on 127.0.0.1:{port}; choose another port, or 0 for a free one")
            })?;
        config.port = listener.local_addr()?.port();
        let port = config.port;
        let mut state = State::new(config);
        let (sender, events) = tokio::sync::mpsc::unbounded_channel();
        state.events = Some(sender);
        let state = Arc::new(Mutex::new(state));
        let (stop, mut stopped) = tokio::sync::watch::channel(false);
        let faults = Faults::default();
        faults.set_labeler(label);
        let shopify = Self(Arc::new(Inner {
            state: Arc::clone(&state),
            faults,
            runtime: tokio::runtime::Handle::current(),
            stop,
            port,
        }));
        let router = shopify.router();
        let mut done = stopped.clone();
        tokio::spawn(async move {
            let until = async move {
                // An error means that the handle is gone, which ends the server too.
                let _ = stopped.wait_for(|stop| *stop).await;
            };
            if let Err(error) = axum::serve(listener, router)
                .with_graceful_shutdown(until)
                .await
            {
                tracing::error!(%error, "the Shopify sandbox has stopped");
            }
        });
        tokio::spawn(async move {
            tokio::select! {
                () = webhooks::deliver_all(state, events) => {}
                _ = done.wait_for(|stop| *stop) => {}
            }
        });
        Ok(shopify)
    }

    /// The address it listens on, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.0.port)
    }

    /// What [`start`](Self::start) serves, for those who serve it themselves.
    pub fn router(&self) -> axum::Router {
        let server = server::Server {
            state: Arc::clone(&self.0.state),
            runtime: self.0.runtime.clone(),
        };
        wrap(server::router(server), self.0.faults.clone())
    }

    /// Stops serving; the state stays readable.
    pub fn stop(&self) {
        self.0.stop.send_replace(true);
    }

    /// The faults of its server.
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// Changes its behavior.
    pub fn switches(&self, change: impl FnOnce(&mut Switches)) {
        change(&mut self.lock().config.switches);
    }

    /// What it was asked so far.
    pub fn stats(&self) -> Stats {
        self.lock().stats.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = lock(&self.0.state);
        state.tick();
        state
    }
}

/// Names a request for fault rules and statistics: the operation's name, `oauth` for the token grant, `bulk-file`
/// for the result of a bulk operation.
pub fn label(path: &str, body: &[u8]) -> Option<String> {
    server::label(path, body)
}

/// A lock that outlives a panicking test.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
