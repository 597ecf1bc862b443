//! A plugin at work for one channel: each method is one call, in a fresh instance, inside the limits.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use url::Url;

use super::bindings::http::Header;
use super::call::{READS, Shared, WRITES, call, settings};
use super::convert;
use super::convert_order;
use super::credential::Credential;
use super::egress::{Egress, Rates};
use super::limits::Limits;
use super::manifest::{CallRate, Manifest, Rate};
use super::runtime::Plugin;
use super::state::Surroundings;
use super::stats::{Counters, Stats};
use super::tap::Tap;
use crate::model::{
    Account, Carrier, Drop, Fault, Hint, Instant, Key, LineDecision, LineQuantity, Listing,
    ListingPage, Order, OrderPage, ParcelOut, Reason, Sent, Settlement, StockOutcome, StockWrite,
    Subscription,
};
use crate::net;
use crate::vault::Scrubber;

/// What a connector is made from.
#[derive(Debug)]
pub struct ConnectorConfig {
    /// The channel.
    pub key: Key,
    /// What paths are appended to.
    pub base_url: Url,
    /// What the operator set, by key; the manifest's defaults fill in.
    pub settings: BTreeMap<String, String>,
    /// By slot.
    pub credentials: BTreeMap<String, Credential>,
    /// Requests a second instead of the manifest's rate.
    pub requests_per_second: Option<NonZeroU32>,
    /// Most calls of the manifest's call rates, by name, instead of its figures.
    pub call_rates: BTreeMap<String, NonZeroU32>,
    /// For each call.
    pub limits: Limits,
    /// Sends the plugin's requests.
    pub http: net::Client,
    /// Blanks secrets; those of the channel are added to it.
    pub scrubber: Scrubber,
}

impl ConnectorConfig {
    /// Without settings or credentials, at the manifest's rates and within the usual limits.
    pub fn new(key: Key, base_url: Url, http: net::Client) -> Self {
        Self {
            key,
            base_url,
            settings: BTreeMap::new(),
            credentials: BTreeMap::new(),
            requests_per_second: None,
            call_rates: BTreeMap::new(),
            limits: Limits::default(),
            http,
            scrubber: Scrubber::default(),
        }
    }
}

/// A plugin with the settings and credentials of one channel. Clones share its token, its rate and its counts.
///
/// Every method fails with [`Fault::Plugin`] when the plugin traps, passes a limit or breaks the contract, and with
/// [`Fault::Other`] when the plugin lacks the capability.
#[derive(Clone)]
pub struct Connector {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector")
            .field("channel", &self.shared.around.channel)
            .field("plugin", &self.shared.plugin)
            .finish()
    }
}

impl Connector {
    pub(super) fn new(
        plugin: Plugin,
        config: ConnectorConfig,
        tap: Option<Arc<dyn Tap>>,
    ) -> anyhow::Result<Self> {
        let manifest = plugin.manifest();
        let settings = settings(manifest, config.settings)?;
        let rate = config
            .requests_per_second
            .map(|n| Rate {
                per_second: n.get().into(),
                // What is allowed at once adds to what a second allows.
                burst: (n.get() / 4).max(1),
            })
            .or(manifest.rate);
        let rates = Rates {
            account: rate,
            calls: call_rates(manifest, config.call_rates)?,
        };
        let mut egress = Egress::new(
            manifest,
            &config.key.to_string(),
            config.base_url,
            config.credentials,
            rates,
            config.http,
            config.scrubber,
        )?;
        egress.tap = tap;
        let around = Arc::new(Surroundings {
            record: plugin.inner.record.clone(),
            channel: config.key.to_string(),
            scrubber: egress.scrubber.clone(),
            settings,
            egress: Some(Arc::new(egress)),
        });
        Ok(Self {
            shared: Arc::new(Shared {
                plugin,
                limits: config.limits,
                around,
                counters: Counters::default(),
            }),
        })
    }

    /// What the plugin says about itself.
    pub fn manifest(&self) -> &Manifest {
        self.shared.plugin.manifest()
    }

    /// The plugin behind it.
    pub fn plugin(&self) -> &Plugin {
        &self.shared.plugin
    }

    /// The interfaces that the plugin exports: `about` and what else it can do.
    pub fn capabilities(&self) -> &[&'static str] {
        self.shared.plugin.capabilities()
    }

    /// What the calls of this channel have used; see [`Plugin::stats`] for all channels of the plugin.
    pub fn stats(&self) -> Stats {
        self.shared.counters.stats()
    }

    /// HTTP requests sent for this channel, token requests and repeats included.
    pub fn requests_sent(&self) -> u64 {
        let egress = self.shared.around.egress.as_ref();
        egress.map_or(0, |e| e.sent.load(Ordering::Relaxed))
    }
}

impl Connector {
    /// Reads the seller account behind the credentials.
    pub async fn identify(&self) -> Result<Account, Fault> {
        call!(self, about."identify", READS, lockstep_plugin_about.call_identify())
            .read(|account, _| convert::account(account))
    }

    /// A page of all listings; with `stock` each tells its quantity and what is reserved.
    pub async fn listings_page(
        &self,
        cursor: Option<&str>,
        stock: bool,
    ) -> Result<ListingPage, Fault> {
        call!(self, listings."page", READS, lockstep_plugin_listings.call_page(cursor, stock))
            .read(|page, call| convert::listing_page(page, call.who()))
    }

    /// Listings by id, with stock. Unknown ids are left out.
    pub async fn listings_by_id(&self, ids: &[String]) -> Result<Vec<Listing>, Fault> {
        let mut found =
            call!(self, listings."by-id", READS, lockstep_plugin_listings.call_by_id(ids))
                .read(|list, call| convert::listings(list, call.who()))?;
        found.retain(|l| ids.contains(&l.id));
        Ok(found)
    }

    /// Listings with these SKUs, byte-equal.
    pub async fn listings_by_sku(&self, skus: &[String]) -> Result<Vec<Listing>, Fault> {
        call!(self, listings."by-sku", READS, lockstep_plugin_listings.call_by_sku(skus))
            .read(|list, call| convert::listings(list, call.who()))
    }

    /// Writes stock; one outcome per write, in order.
    pub async fn stock_push(&self, writes: &[StockWrite]) -> Result<Vec<StockOutcome>, Fault> {
        let levels: Vec<_> = writes.iter().map(convert::level).collect();
        call!(self, stock."push", WRITES, lockstep_plugin_stock.call_push(&levels))
            .read(|list, call| convert::outcomes(list, writes.len(), call.scrubber()))
    }

    /// What became of a ticket that [`Connector::stock_push`] answered.
    pub async fn stock_settle(&self, ticket: &str) -> Result<Settlement, Fault> {
        call!(self, stock."settle", READS, lockstep_plugin_stock.call_settle(ticket))
            .read(|settlement, call| Ok(convert::settlement(settlement, call.scrubber())))
    }

    /// A page of the orders that changed since then.
    pub async fn orders_changed(
        &self,
        since: Instant,
        cursor: Option<&str>,
    ) -> Result<OrderPage, Fault> {
        let since = convert::instant_out(since);
        call!(self, orders."changed", READS, lockstep_plugin_orders.call_changed(&since, cursor))
            .read(|page, call| convert_order::page(page, call.who()))
    }

    /// Whole orders by id. Unknown ids are left out.
    pub async fn orders_by_id(&self, ids: &[String]) -> Result<Vec<Order>, Fault> {
        let mut found = call!(self, orders."by-id", READS, lockstep_plugin_orders.call_by_id(ids))
            .read(|list, call| convert_order::orders(list, call.who()))?;
        found.retain(|o| ids.contains(&o.id));
        Ok(found)
    }

    /// Accepts or refuses lines of one order.
    pub async fn decide(&self, order: &str, decisions: &[LineDecision]) -> Result<(), Fault> {
        let decisions: Vec<_> = decisions.iter().map(convert::decision).collect();
        call!(self, acceptance."decide", WRITES, lockstep_plugin_acceptance.call_decide(order, &decisions)).map(|()| ())
    }

    /// The carriers of the account; none when the plugin tells no fulfillments.
    pub async fn carriers(&self) -> Result<Vec<Carrier>, Fault> {
        if self.shared.plugin.inner.ready.fulfillments.is_none() {
            return Ok(Vec::new());
        }
        call!(self, fulfillments."carriers", READS, lockstep_plugin_fulfillments.call_carriers())
            .map(convert::carriers)
    }

    /// First half of telling a parcel: carrier and tracking code.
    pub async fn prepare(&self, parcel: &ParcelOut) -> Result<Sent, Fault> {
        let parcel = convert::parcel(parcel);
        call!(self, fulfillments."prepare", WRITES, lockstep_plugin_fulfillments.call_prepare(&parcel)).map(convert::sent)
    }

    /// Second half: the units are shipped.
    pub async fn ship(&self, parcel: &ParcelOut) -> Result<Sent, Fault> {
        let parcel = convert::parcel(parcel);
        call!(self, fulfillments."ship", WRITES, lockstep_plugin_fulfillments.call_ship(&parcel))
            .map(convert::sent)
    }

    /// The cancellation reasons of the account; none when the plugin cancels nothing.
    pub async fn reasons(&self) -> Result<Vec<Reason>, Fault> {
        if self.shared.plugin.inner.ready.cancellations.is_none() {
            return Ok(Vec::new());
        }
        call!(self, cancellations."reasons", READS, lockstep_plugin_cancellations.call_reasons())
            .map(convert::reasons)
    }

    /// Cancels units of one order; answers what was touched, which can be more than was named.
    pub async fn cancel(&self, drops: &[Drop]) -> Result<Vec<LineQuantity>, Fault> {
        let drops: Vec<_> = drops.iter().map(convert::drop_out).collect();
        call!(self, cancellations."cancel", WRITES, lockstep_plugin_cancellations.call_cancel(&drops)).map(|dropped| convert::packed(dropped.lines))
    }

    /// The subscriptions at the marketplace.
    pub async fn webhooks(&self) -> Result<Vec<Subscription>, Fault> {
        call!(self, webhooks."list", READS, lockstep_plugin_webhooks.call_list())
            .map(|list| list.into_iter().map(convert::subscription).collect())
    }

    /// Makes exactly one enabled subscription to this URL exist.
    pub async fn webhook_ensure(&self, url: &str) -> Result<Subscription, Fault> {
        call!(self, webhooks."ensure", WRITES, lockstep_plugin_webhooks.call_ensure(url))
            .map(convert::subscription)
    }

    /// Removes a subscription, if it exists.
    pub async fn webhook_remove(&self, id: &str) -> Result<(), Fault> {
        call!(self, webhooks."remove", WRITES, lockstep_plugin_webhooks.call_remove(id))
            .map(|()| ())
    }

    /// Reads a message that came in. It is a hint and proves nothing.
    pub async fn webhook_parse(
        &self,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Result<Vec<Hint>, Fault> {
        let headers: Vec<Header> = headers
            .iter()
            .map(|(name, value)| Header {
                name: name.clone(),
                value: value.clone(),
            })
            .collect();
        call!(self, webhooks."parse", READS, lockstep_plugin_webhooks.call_parse(&headers, body))
            .map(|list| list.into_iter().map(convert::hint).collect())
    }
}

/// The manifest's call rates with the operator's figures.
fn call_rates(
    manifest: &Manifest,
    mut set: BTreeMap<String, NonZeroU32>,
) -> anyhow::Result<Vec<CallRate>> {
    let mut rates = manifest.call_rate.clone();
    for rate in &mut rates {
        if let Some(calls) = set.remove(&rate.name) {
            rate.calls = calls;
        }
    }
    if let Some(name) = set.keys().next() {
        let known: Vec<&str> = rates.iter().map(|r| r.name.as_str()).collect();
        anyhow::bail!(
            "the plugin has no call rate \"{name}\"; it has {}",
            match known.is_empty() {
                true => "none".to_owned(),
                false => known.join(", "),
            }
        );
    }
    Ok(rates)
}
