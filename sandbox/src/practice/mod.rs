//! Practice Market: a small marketplace that exists nowhere but here, for authors of connectors to learn with.
//!
//! Its API is described in `docs/practice-market.md`: JSON over HTTP, one key, pages with cursors, absolute stock
//! numbers, lines with quantities, writes that are safe to repeat. It is served over real HTTP on loopback and is
//! strict: what the description does not allow is refused with a code and a sentence, and every mistake of a client is
//! counted with its reason in [`Stats`]. Faults come from [`crate::faults`], differences of behavior from [`Switches`].
//!
//! [`Practice`] is the handle for the other side of the counter: list goods, let people buy and cancel, and look at
//! what became of it all.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use lockstep_sandbox::practice::{Config, NewListing, Practice, Purchase};
//! use lockstep_sandbox::seller_center::Buyer;
//!
//! let market = Practice::start(Config::default()).await?;
//! market.add_listing(NewListing { sku: "TIDE-NVY-30".into(), quantity: 7, ..NewListing::default() });
//! let order = market
//!     .buy(&[("TIDE-NVY-30", 2)], Buyer::random(1), &Purchase::default())
//!     .map_err(anyhow::Error::msg)?;
//! println!("{} has order {}", market.url(), order.number);
//! # Ok(())
//! # }
//! ```

mod account;
mod call;
mod listings;
mod order_json;
mod orders;
mod reply;
mod server;
mod state;
mod switches;
#[cfg(test)]
mod tests;
mod views;
mod writes;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use axum::Router;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

pub use switches::Switches;
pub use views::{
    LineView, ListingView, NewListing, OrderView, ParcelView, PlacedOrder, Purchase, Stats,
};

use crate::faults::Faults;
use crate::seller_center::Buyer;
use state::State;

/// Who the seller is and how the server behaves.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// TCP port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// The marketplace's name.
    pub name: String,
    /// Seller id.
    pub seller_id: String,
    /// Seller name.
    pub seller_name: String,
    /// The seller's key.
    pub api_key: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// ISO 4217.
    pub currency: String,
    /// What order numbers begin with. Two marketplaces of one shop need two.
    pub order_prefix: String,
    /// Behavior.
    pub switches: Switches,
}

impl Default for Config {
    /// An invented Australian seller on a free port.
    fn default() -> Self {
        Self {
            port: 0,
            name: "Practice Market".to_owned(),
            seller_id: "PM-1001".to_owned(),
            seller_name: "Kestrel Outfitters".to_owned(),
            api_key: "pm_live_5d1f7c0e9b3a4826".to_owned(),
            country: "AU".to_owned(),
            currency: "AUD".to_owned(),
            order_prefix: "PM".to_owned(),
            switches: Switches::default(),
        }
    }
}

/// A handle on one marketplace. Clones are handles on the same one; the server runs until [`stop`](Self::stop) or
/// the end of the runtime.
#[derive(Clone)]
pub struct Practice(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    faults: Faults,
    url: String,
    name: String,
    api_key: String,
    ended: CancellationToken,
}

impl Practice {
    /// Starts the server.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", config.port))
            .await
            .with_context(|| {
                format!(
                    "Practice Market cannot listen on 127.0.0.1:{}; choose another port, or 0 for any free one",
                    config.port
                )
            })?;
        let market = Self(Arc::new(Shared {
            faults: Faults::default(),
            url: format!("http://{}", listener.local_addr()?),
            name: config.name.clone(),
            api_key: config.api_key.clone(),
            state: Mutex::new(State::new(config)),
            ended: CancellationToken::new(),
        }));
        let (router, ended) = (market.router(), market.0.ended.clone());
        tokio::spawn(async move {
            let stopped = axum::serve(listener, router)
                .with_graceful_shutdown(ended.cancelled_owned())
                .await;
            if let Err(error) = stopped {
                tracing::error!(%error, "Practice Market stopped serving");
            }
        });
        Ok(market)
    }

    /// Base URL, without a slash at the end.
    pub fn url(&self) -> String {
        self.0.url.clone()
    }

    /// The marketplace's name, as it stands in texts for people.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The seller's key.
    pub fn api_key(&self) -> &str {
        &self.0.api_key
    }

    /// The whole API with its fault layer, to be served elsewhere too.
    pub fn router(&self) -> Router {
        server::router(self.clone())
    }

    /// Stops listening; what it holds can still be looked at.
    pub fn stop(&self) {
        self.0.ended.cancel();
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

    /// Lists something and returns its id.
    pub fn add_listing(&self, listing: NewListing) -> String {
        self.lock().add_listing(listing)
    }

    /// Takes a listing down for good, as the seller does in the web interface. False when there is no such SKU.
    pub fn remove_listing(&self, sku: &str) -> bool {
        self.lock().remove_listing(sku)
    }

    /// Renames the SKU of its listings. Orders keep the old one. False when there are none.
    pub fn set_sku(&self, from: &str, to: &str) -> bool {
        self.lock()
            .edit_listings(from, |l| to.clone_into(&mut l.sku))
    }

    /// Writes a quantity, as the seller does in the web interface. False when there is no such SKU.
    pub fn set_quantity(&self, sku: &str, quantity: u32) -> bool {
        self.lock().edit_listings(sku, |l| l.quantity = quantity)
    }

    /// Switches a listing on or off. False when there is no such SKU.
    pub fn set_active(&self, sku: &str, active: bool) -> bool {
        self.lock().edit_listings(sku, |l| l.active = active)
    }

    /// Somebody buys pieces of SKUs, in one order with one line for each.
    ///
    /// # Errors
    /// A SKU is not for sale, or more is wanted than is left and the purchase is not forced.
    pub fn buy(
        &self,
        lines: &[(&str, u32)],
        buyer: Buyer,
        options: &Purchase,
    ) -> Result<PlacedOrder, String> {
        self.lock().buy(lines, buyer, options)
    }

    /// The buyer cancels pieces by line id, all that is open when none is named. Returns how many pieces went.
    ///
    /// # Errors
    /// There is no such order or line, or fewer pieces are open.
    pub fn cancel(&self, order: &str, lines: &[(&str, u32)]) -> Result<u32, String> {
        self.lock().cancel_by_buyer(order, lines)
    }

    /// Every order, oldest first.
    pub fn orders(&self) -> Vec<OrderView> {
        self.lock().orders.values().map(OrderView::of).collect()
    }

    /// One order, by its id or its number.
    pub fn order(&self, key: &str) -> Option<OrderView> {
        let state = self.lock();
        state.find_order(key).map(OrderView::of)
    }

    /// Every listing, by id.
    pub fn listings(&self) -> Vec<ListingView> {
        self.lock().listings.values().map(ListingView::of).collect()
    }

    /// The listings with a SKU.
    pub fn listing(&self, sku: &str) -> Vec<ListingView> {
        let mut all = self.listings();
        all.retain(|l| l.sku == sku);
        all
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
