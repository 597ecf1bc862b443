//! A stand-in for a marketplace run with the Mirakl platform: its API for sellers over real HTTP on loopback.
//!
//! It keeps offers, orders and imports in memory, speaks the wire format of the platform, and is strict: what the
//! platform refuses is refused with its status codes, and every mistake of a client is counted with its reason in
//! [`Stats`]. Where the public record is silent, or installations differ, [`Switches`] names the choice and its
//! default. [`Mirakl`] is the handle for the other side of the counter: list offers, let people buy, collect their
//! money, cancel, and look at what became of it all.
//!
//! Three things are unlike Seller Center. Lines have quantities, and single units have no ids. An offer's quantity is
//! what can still be sold: the platform takes sales off it, and the seller overwrites it. And figures are written by
//! files that are worked on later.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use lockstep_sandbox::mirakl::{Config, Mirakl, NewOffer, Purchase};
//! use lockstep_sandbox::seller_center::Buyer;
//!
//! let mirakl = Mirakl::start(Config::default()).await?;
//! mirakl.add_offer(NewOffer { sku: "TIDE-NVY-30".into(), quantity: 7, ..NewOffer::default() });
//! let order = mirakl
//!     .buy(&[("TIDE-NVY-30", 2)], Buyer::random(1), &Purchase::default())
//!     .map_err(anyhow::Error::msg)?;
//! println!("{} has order {}", mirakl.url(), order.id);
//! # Ok(())
//! # }
//! ```

mod account;
mod call;
mod exports;
mod form;
mod import_rows;
mod imports;
mod offers;
mod order_json;
mod order_reads;
mod orders;
mod reply;
mod returns;
mod server;
mod shipments;
mod shipping;
mod state;
mod switches;
#[cfg(test)]
mod tests;
mod views;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use axum::Router;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

pub use switches::{
    Above, Addresses, AfterRefusal, ErrorBody, ImportEnd, Lowered, Switches, TaxMode,
    TotalOnWarehouses, UnauthorizedBody,
};
pub use views::{
    ImportView, LineView, NewOffer, OfferView, OrderView, PlacedOrder, Purchase, ShipmentView,
    StateChange, Stats, TrackingView, Wish,
};

use crate::faults::Faults;
use crate::seller_center::Buyer;
use orders::Stage;
use state::State;

/// Who the seller is and how the server behaves.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// TCP port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// The marketplace's name.
    pub platform_name: String,
    /// Shop id.
    pub shop_id: u64,
    /// Shop name.
    pub shop_name: String,
    /// The seller's key.
    pub api_key: String,
    /// ISO 4217.
    pub currency: String,
    /// What order numbers begin with. Two marketplaces of one shop need two.
    pub order_prefix: String,
    /// Codes of the seller's warehouses; none where the operator does not use them.
    pub warehouses: Vec<String>,
    /// Behavior.
    pub switches: Switches,
}

impl Default for Config {
    /// An invented Australian seller on a free port.
    fn default() -> Self {
        Self {
            port: 0,
            platform_name: "Tidepool Market".to_owned(),
            shop_id: 2043,
            shop_name: "Kestrel Surf".to_owned(),
            api_key: "b84e0c1d-7a2f-4e96-8d35-61f0c9a7e2b4".to_owned(),
            currency: "AUD".to_owned(),
            order_prefix: "TP".to_owned(),
            warehouses: Vec::new(),
            switches: Switches::default(),
        }
    }
}

/// A handle on one marketplace. Clones are handles on the same one; the server runs until [`stop`](Self::stop) or
/// the end of the runtime.
#[derive(Clone)]
pub struct Mirakl(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    faults: Faults,
    url: String,
    platform_name: String,
    ended: CancellationToken,
}

impl Mirakl {
    /// Starts the server.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", config.port))
            .await
            .with_context(|| {
                format!(
                    "the Mirakl marketplace cannot listen on 127.0.0.1:{}",
                    config.port
                )
            })?;
        let url = format!("http://{}", listener.local_addr()?);
        let mirakl = Self(Arc::new(Shared {
            platform_name: config.platform_name.clone(),
            state: Mutex::new(State::new(config, url.clone())),
            faults: Faults::default(),
            url,
            ended: CancellationToken::new(),
        }));
        let (router, ended) = (mirakl.router(), mirakl.0.ended.clone());
        tokio::spawn(async move {
            let stopped = axum::serve(listener, router)
                .with_graceful_shutdown(ended.cancelled_owned())
                .await;
            if let Err(error) = stopped {
                tracing::error!(%error, "the Mirakl marketplace stopped serving");
            }
        });
        Ok(mirakl)
    }

    /// Base URL, without a slash at the end.
    pub fn url(&self) -> String {
        self.0.url.clone()
    }

    /// The marketplace's name, as it stands in texts for people.
    pub fn platform_name(&self) -> &str {
        &self.0.platform_name
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

    /// Puts its clock forward: deadlines pass, money arrives, imports end, budgets fill up again.
    pub fn advance(&self, by: SignedDuration) {
        self.lock().advance(by);
    }

    /// Ends every import that is still worked on, at once; returns how many there were.
    pub fn settle_imports(&self) -> usize {
        self.lock().settle_imports()
    }

    /// Lists an offer and returns its id. One with the same SKU is replaced.
    pub fn add_offer(&self, offer: NewOffer) -> u64 {
        self.lock().add_offer(offer)
    }

    /// Takes an offer out of the catalog, as the seller does in the web interface. False when there is none.
    pub fn delete_offer(&self, sku: &str) -> bool {
        let mut state = self.lock();
        let id = state.by_sku.get(sku).copied();
        id.is_some_and(|id| {
            state.delete_offer(id);
            true
        })
    }

    /// Renames an offer's SKU, as the seller does by listing it anew. Open orders keep the old one. False when there
    /// is no such offer.
    pub fn set_sku(&self, from: &str, to: &str) -> bool {
        let mut state = self.lock();
        let Some(id) = state.by_sku.remove(from) else {
            return false;
        };
        state.by_sku.insert(to.to_owned(), id);
        if let Some(offer) = state.offers.get_mut(&id) {
            to.clone_into(&mut offer.sku);
        }
        state.touch_offer(id);
        true
    }

    /// Writes an offer's quantity, as the seller does in the web interface.
    pub fn set_quantity(&self, sku: &str, quantity: u32) {
        let mut state = self.lock();
        if let Some(offer) = state.offer_mut(sku) {
            offer.empty();
            offer.quantity = i64::from(quantity);
            let id = offer.id;
            state.touch_offer(id);
        }
    }

    /// Somebody buys units of SKUs, in one order with one line for each SKU.
    ///
    /// # Errors
    /// A SKU is not for sale, or more is wanted than is available and the purchase is not forced.
    pub fn buy(
        &self,
        lines: &[(&str, u32)],
        buyer: Buyer,
        options: &Purchase,
    ) -> Result<PlacedOrder, String> {
        self.lock().buy(lines, buyer, options)
    }

    /// The operator ends the review of an order.
    pub fn release(&self, order: &str) {
        self.lock().release(order);
    }

    /// The customer's money arrives: what was accepted can be shipped. False when nothing waited for it.
    pub fn debit(&self, order: &str) -> bool {
        self.lock().debit(order)
    }

    /// The payment fails: what was accepted is canceled. False when nothing waited for it.
    pub fn refuse_debit(&self, order: &str) -> bool {
        self.lock().refuse_debit(order)
    }

    /// The operator cancels lines that are not shipped yet, whole; all of the order when none is named. Returns how
    /// many were.
    pub fn cancel(&self, order: &str, lines: &[&str]) -> usize {
        let open = |l: &orders::Line| {
            l.stage <= Stage::Shipping && (lines.is_empty() || lines.contains(&l.id.as_str()))
        };
        self.lock().cancel(order, open, "operator")
    }

    /// The customer wants to cancel an order: before the debit the operator does so, after it an incident is opened
    /// and the seller has to refund.
    ///
    /// # Errors
    /// There is no such order, or it is shipped.
    pub fn request_cancellation(&self, order: &str) -> Result<Wish, String> {
        self.lock().wish_to_cancel(order)
    }

    /// Shipped lines of an order arrive.
    pub fn receive(&self, order: &str) {
        self.lock().receive(order);
    }

    /// An order that has arrived is closed: nothing can be refunded any more.
    pub fn close(&self, order: &str) {
        let received = |l: &orders::Line| l.stage == Stage::Received;
        let mut state = self.lock();
        state.move_lines(order, received, Stage::Closed, "operator");
    }

    /// Every order, by the time it was placed.
    pub fn orders(&self) -> Vec<OrderView> {
        let state = self.lock();
        let orders = state
            .listed
            .keys()
            .filter_map(|(_, id)| state.orders.get(id));
        orders.map(|o| state.order_view(o)).collect()
    }

    /// One order.
    pub fn order(&self, id: &str) -> Option<OrderView> {
        let state = self.lock();
        state.orders.get(id).map(|o| state.order_view(o))
    }

    /// Every offer, deleted ones too, by id.
    pub fn offers(&self) -> Vec<OfferView> {
        let state = self.lock();
        let offers = state.offers.values();
        offers.map(|o| o.view(&state.switches)).collect()
    }

    /// The offer with a SKU.
    pub fn offer(&self, sku: &str) -> Option<OfferView> {
        let state = self.lock();
        let id = state.by_sku.get(sku)?;
        state.offers.get(id).map(|o| o.view(&state.switches))
    }

    /// Every import, oldest first.
    pub fn imports(&self) -> Vec<ImportView> {
        self.lock()
            .imports
            .iter()
            .map(imports::Import::view)
            .collect()
    }

    /// Stock figures applied so far, by any way of writing.
    pub fn stock_writes(&self) -> u64 {
        self.lock().stock_writes
    }

    /// Whether each parcel is told by itself, rather than one number for an order.
    pub fn multi_shipment(&self) -> bool {
        self.lock().switches.multi_shipment
    }

    /// The state, with work done that has become due.
    fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.tick();
        state
    }
}
