//! A stand-in for THE ICONIC's Seller Center: its v2 REST API over real HTTP on loopback.
//!
//! It keeps catalog, stock, orders and webhooks in memory, speaks the wire format of the platform, and is strict:
//! what the platform refuses is refused with the platform's codes, and every mistake of a client is counted with
//! its reason in [`Stats`]. Where the public record is silent, [`Switches`] names the choice and its default.
//! [`SellerCenter`] is the handle for the other side of the counter: list products, let people buy, release
//! payments, cancel, deliver, and look at what became of it all.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use lockstep_sandbox::seller_center::{Buyer, Config, NewProduct, NewSet, Purchase, SellerCenter};
//!
//! let center = SellerCenter::start(Config::default()).await?;
//! center.add_product_set(NewSet {
//!     name: "Tidepool Board Shorts".into(),
//!     parent_sku: "TIDE-NVY".into(),
//!     products: vec![NewProduct { seller_sku: "TIDE-NVY-30".into(), quantity: 7, ..NewProduct::default() }],
//! });
//! let order = center
//!     .buy(&[("TIDE-NVY-30", 2)], Buyer::random(1), Purchase::default())
//!     .map_err(anyhow::Error::msg)?;
//! println!("{} has order {}", center.url(), order.number);
//! # Ok(())
//! # }
//! ```

mod account;
mod buyers;
mod call;
mod catalog;
mod clock;
mod imports;
mod order_json;
mod order_reads;
mod orders;
mod reply;
mod server;
mod shipping;
mod state;
mod statuses;
mod stock;
mod switches;
#[cfg(test)]
mod tests;
mod views;
mod webhooks;
mod xml;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

pub use buyers::Buyer;
pub(crate) use reply::amount;
pub use server::SWITCHES_PATH;
pub(crate) use server::merged;
pub use switches::{DuplicateRows, OrdersPaging, Switches, Tolerance, UnauthorizedBody};
pub use views::{
    ItemView, NewProduct, NewSet, OrderView, PlacedOrder, ProductView, Purchase, ShipmentType,
    Stats, StatusChange,
};

use crate::faults::Faults;
use state::State;

/// How often work that waits for its time is looked at.
const TICK: Duration = Duration::from_millis(20);

/// Who the seller is and how the server behaves.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// TCP port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Seller id.
    pub seller_id: u64,
    /// Seller name.
    pub seller_name: String,
    /// The OAuth application's id.
    pub client_id: String,
    /// The OAuth application's secret.
    pub client_secret: String,
    /// ISO 4217.
    pub currency: String,
    /// Behavior.
    pub switches: Switches,
}

impl Default for Config {
    /// An invented Australian seller on a free port.
    fn default() -> Self {
        Self {
            port: 0,
            seller_id: 5120,
            seller_name: "Kestrel Surf".to_owned(),
            client_id: "2d9e6a14-80c7-4b53-b1f0-6a7c5e0d9b38".to_owned(),
            client_secret: "sandbox-Secret/9+kestrel=".to_owned(),
            currency: "AUD".to_owned(),
            switches: Switches::default(),
        }
    }
}

/// A handle on one Seller Center. Clones are handles on the same one; the server runs until
/// [`stop`](Self::stop) or the end of the runtime.
#[derive(Clone)]
pub struct SellerCenter(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    faults: Faults,
    url: OnceLock<String>,
    tasks: Tasks,
}

/// Where background work runs, and what ends it.
struct Tasks {
    runtime: tokio::runtime::Handle,
    ended: CancellationToken,
}

impl Tasks {
    fn spawn_on(&self, work: impl Future<Output = ()> + Send + 'static) {
        let ended = self.ended.clone();
        self.runtime.spawn(async move {
            tokio::select! {
                () = work => {}
                () = ended.cancelled() => {}
            }
        });
    }
}

impl SellerCenter {
    /// Starts the server.
    ///
    /// # Errors
    /// The port is taken, or no HTTP client for webhooks can be made.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        // Another part of the process may have chosen a provider before; either will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .context("cannot make the HTTP client that delivers webhooks")?;
        let address = ("127.0.0.1", config.port);
        let listener = tokio::net::TcpListener::bind(address)
            .await
            .with_context(|| format!("Seller Center cannot listen on 127.0.0.1:{}", config.port))?;
        let url = format!("http://{}", listener.local_addr()?);
        let mut state = State::new(config);
        let (sender, events) = tokio::sync::mpsc::unbounded_channel();
        state.events = Some(sender);
        let center = Self(Arc::new(Shared {
            state: Mutex::new(state),
            faults: Faults::default(),
            url: OnceLock::from(url),
            tasks: Tasks {
                runtime: tokio::runtime::Handle::current(),
                ended: CancellationToken::new(),
            },
        }));
        let ended = center.0.tasks.ended.clone();
        let router = center.router();
        center.0.tasks.runtime.spawn(async move {
            let stopped = axum::serve(listener, router)
                .with_graceful_shutdown(ended.cancelled_owned())
                .await;
            if let Err(error) = stopped {
                tracing::error!(%error, "Seller Center stopped serving");
            }
        });
        let weak = Arc::downgrade(&center.0);
        let tasks = &center.0.tasks;
        tasks.spawn_on(webhooks::dispatch(weak.clone(), client.clone(), events));
        tasks.spawn_on(async move {
            loop {
                tokio::time::sleep(TICK).await;
                let Some(center) = weak.upgrade().map(Self) else {
                    return;
                };
                webhooks::send_again(&center, &client);
            }
        });
        Ok(center)
    }

    /// Base URL, without a slash at the end.
    pub fn url(&self) -> String {
        self.0.url.get().cloned().unwrap_or_default()
    }

    /// The whole API with its fault layer, to be served elsewhere too.
    pub fn router(&self) -> Router {
        server::router(self.clone())
    }

    /// Stops listening and ends webhook deliveries; what it holds can still be looked at.
    pub fn stop(&self) {
        self.0.tasks.ended.cancel();
    }

    /// The rules by which it misbehaves.
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// Changes switches while it runs.
    pub fn switches(&self, change: impl FnOnce(&mut Switches)) {
        change(&mut self.lock().switches);
    }

    /// What it saw so far.
    pub fn stats(&self) -> Stats {
        self.lock().stats.clone()
    }

    /// Forgets what it saw so far.
    pub fn reset_stats(&self) {
        self.lock().stats = Stats::default();
    }

    /// Ends the life of every access token at once.
    pub fn expire_tokens(&self) {
        self.lock().expire_tokens();
    }

    /// Lists a style with its sizes; returns the products' ids in order.
    pub fn add_product_set(&self, set: NewSet) -> Vec<u64> {
        self.lock().add_set(set)
    }

    /// Renames a product's SKU, as the seller does in the web interface. Open orders keep the old one.
    pub fn set_seller_sku(&self, product: u64, sku: &str) {
        self.lock().rename(product, sku);
    }

    /// Sets a product `active`, `inactive` or `deleted`.
    pub fn set_product_status(&self, product: u64, status: &str) {
        self.lock().set_status(product, status);
    }

    /// Writes a product's quantity, as the seller does in the web interface.
    pub fn set_quantity(&self, product: u64, quantity: u32) {
        if let Some(product) = self.lock().products.get_mut(&product) {
            product.quantity = i64::from(quantity);
        }
    }

    /// Somebody buys pieces of SKUs, in one order with one item for each piece.
    ///
    /// # Errors
    /// A SKU is not for sale, or more is wanted than is available and the purchase is not forced.
    pub fn buy(
        &self,
        items: &[(&str, u32)],
        buyer: Buyer,
        options: Purchase,
    ) -> Result<PlacedOrder, String> {
        self.lock().buy(items, buyer, options)
    }

    /// Ends the payment review of an order.
    pub fn release_payment(&self, order: u64) {
        self.lock().release(order);
    }

    /// The customer or the platform's staff cancel items; those already shipped stay. Returns those canceled.
    pub fn cancel_items(&self, items: &[u64], reason: &str) -> Vec<u64> {
        self.lock().cancel_by_platform(items, reason)
    }

    /// Shipped items arrive.
    pub fn deliver(&self, items: &[u64]) {
        let from = [orders::Status::Shipped];
        self.lock()
            .move_where(items, &from, orders::Status::Delivered, "platform", "");
    }

    /// The customer sends delivered items back.
    pub fn send_back(&self, items: &[u64]) {
        let from = [orders::Status::Delivered];
        let to = orders::Status::ReturnShippedByCustomer;
        self.lock().move_where(items, &from, to, "customer", "");
    }

    /// Every order, oldest id first.
    pub fn orders(&self) -> Vec<OrderView> {
        let state = self.lock();
        state.orders.values().map(|o| state.order_view(o)).collect()
    }

    /// One order.
    pub fn order(&self, id: u64) -> Option<OrderView> {
        let state = self.lock();
        state.orders.get(&id).map(|o| state.order_view(o))
    }

    /// Every product, by set and size.
    pub fn products(&self) -> Vec<ProductView> {
        let state = self.lock();
        let ids = state.sets.iter().flat_map(|set| set.products.iter());
        ids.filter_map(|id| state.products.get(id))
            .map(|p| state.product_view(p))
            .collect()
    }

    /// The products with a seller SKU: none, one, or more by mistake.
    pub fn product(&self, seller_sku: &str) -> Vec<ProductView> {
        let state = self.lock();
        let ids = state
            .by_seller_sku
            .get(seller_sku)
            .map_or(&[][..], Vec::as_slice);
        ids.iter()
            .filter_map(|id| state.products.get(id))
            .map(|p| state.product_view(p))
            .collect()
    }

    /// Stock rows applied so far, by either way of writing.
    pub fn stock_writes(&self) -> u64 {
        self.lock().stock_writes
    }

    /// The state, with work done that has become due.
    fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.tick();
        state
    }
}
