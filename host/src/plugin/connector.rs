//! A plugin at work for one channel: each method is one call, in a fresh instance, inside the limits.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant as Clock;

use anyhow::{Context, ensure};
use tokio::time::error::Elapsed;
use url::Url;
use wasmtime::Store;

use super::bindings::http::Header;
use super::bindings::types as wit;
use super::convert::{self, Broken};
use super::convert_order;
use super::credential::Credential;
use super::egress::{Egress, Who};
use super::limits::{Limits, size, span};
use super::manifest::{Manifest, Rate};
use super::runtime::{Plugin, Running, new_store, reason};
use super::state::{State, Surroundings};
use super::stats::{Counters, Stats, Used};
use crate::model::{
    Account, Carrier, Drop, Fault, Hint, Instant, Key, LineQuantity, Listing, ListingPage, Order,
    OrderPage, ParcelOut, Reason, Sent, Settlement, StockOutcome, StockWrite, Subscription,
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
    /// For each call.
    pub limits: Limits,
    /// Sends the plugin's requests.
    pub http: net::Client,
    /// Blanks secrets; those of the channel are added to it.
    pub scrubber: Scrubber,
}

/// The seller's word on one line of an order that asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// [`crate::model::Line::id`].
    pub line: String,
    /// Or refused.
    pub accepted: bool,
    /// Units.
    pub quantity: u32,
    /// Why it is refused, as the channel wants it.
    pub reason: Option<String>,
}

/// A plugin with the settings and credentials of one channel. Clones share its token, its rate and its counts.
///
/// Every method fails with [`Fault::Plugin`] when the plugin traps, passes a limit or breaks the contract, and with
/// [`Fault::Other`] when the plugin lacks the capability.
#[derive(Clone)]
pub struct Connector {
    shared: Arc<Shared>,
}

struct Shared {
    plugin: Plugin,
    limits: Limits,
    around: Arc<Surroundings>,
    counters: Counters,
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector")
            .field("channel", &self.shared.around.egress.channel)
            .field("plugin", &self.shared.plugin)
            .finish()
    }
}

/// One call that is running.
struct Call {
    shared: Arc<Shared>,
    store: Store<State>,
    writes: bool,
    start: Clock,
    _running: Running,
}

impl Connector {
    pub(super) fn new(plugin: Plugin, config: ConnectorConfig) -> anyhow::Result<Self> {
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
        let egress = Egress::new(
            manifest,
            &config.key.to_string(),
            config.base_url,
            config.credentials,
            rate,
            config.http,
            config.scrubber,
        )?;
        let around = Arc::new(Surroundings {
            egress: Arc::new(egress),
            settings,
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
        self.shared.around.egress.sent.load(Ordering::Relaxed)
    }

    fn begin(&self, call: &'static str, writes: bool) -> Call {
        let plugin = &self.shared.plugin.inner;
        let who = Who {
            plugin: plugin.id.clone(),
            call,
        };
        let state = State::new(who, self.shared.limits, Some(self.shared.around.clone()));
        let running = plugin.clock.running();
        let store = new_store(&plugin.engine, state, true);
        store.data().meter.resume();
        Call {
            shared: self.shared.clone(),
            store,
            writes,
            start: Clock::now(),
            _running: running,
        }
    }

    fn cannot(&self, call: &str, capability: &str) -> Fault {
        Fault::Other {
            detail: format!(
                "plugin {} cannot {call}: it does not export {capability}",
                self.shared.plugin.inner.id
            ),
        }
    }
}

impl Call {
    /// Bills the call and turns however it ended into its answer.
    fn end<T>(
        mut self,
        answer: Result<wasmtime::Result<Result<T, wit::Fault>>, Elapsed>,
    ) -> Answered<T> {
        let state = self.store.data_mut();
        // After a timeout the plugin was waiting, or had just given way: nothing more to bill.
        if answer.is_ok() {
            state.meter.pause();
        }
        state.close_log();
        let exceeded = state.exceeded.take().or_else(|| state.space.refused.take());
        let scrubber = &self.shared.around.egress.scrubber;
        let result = match answer {
            Ok(Ok(Ok(value))) => Ok(value),
            Ok(Ok(Err(fault))) => Err(self.doubted(convert::fault(fault, scrubber))),
            Ok(Err(error)) => {
                let why = match exceeded {
                    Some(limit) => limit.to_string(),
                    None => match reason(&error) {
                        // wasmtime tells it without a type of its own.
                        text if text.contains("fuel allocated for hostcalls") => {
                            format!(
                                "passed more than {} to the host at once",
                                size(self.shared.limits.crossing)
                            )
                        }
                        text => text,
                    },
                };
                Err(self.broken(&scrubber.scrub(&why)))
            }
            Err(_) => Err(self.broken(&format!(
                "took longer than {} in all",
                span(self.shared.limits.wall)
            ))),
        };
        Answered { call: self, result }
    }

    fn broken(&self, why: &str) -> Fault {
        let who = &self.store.data().who;
        tracing::warn!(target: "plugin", plugin = &*who.plugin, channel = self.shared.around.egress.channel, call = who.call, "broken off: {why}");
        Fault::Plugin {
            detail: format!("{who}: {why}"),
        }
    }

    /// A plugin may not know better than to call a lost write "unavailable", which would have it repeated blindly.
    fn doubted(&self, fault: Fault) -> Fault {
        match fault {
            Fault::Throttled { detail, .. } | Fault::Unavailable { detail, .. }
                if self.writes && self.store.data().doubt =>
            {
                Fault::UnknownOutcome { detail }
            }
            other => other,
        }
    }

    fn bill<T>(&self, result: &Result<T, Fault>) {
        let state = self.store.data();
        let used = Used {
            fault: result.is_err(),
            broken: matches!(result, Err(Fault::Plugin { .. })),
            cpu: state.meter.used(),
            wall: self.start.elapsed(),
            http_calls: state.http_calls(),
        };
        self.shared.counters.add(&used);
        self.shared.plugin.inner.counters.add(&used);
        tracing::debug!(
            target: "plugin",
            plugin = &*state.who.plugin,
            channel = self.shared.around.egress.channel,
            call = state.who.call,
            cpu_us = used.cpu.as_micros() as u64,
            ms = used.wall.as_millis() as u64,
            http_calls = used.http_calls,
            fault = result.as_ref().err().map(Fault::case),
            "call"
        );
    }
}

/// The answer of a call that has ended, not yet in the host's types.
struct Answered<T> {
    call: Call,
    result: Result<T, Fault>,
}

impl<T> Answered<T> {
    /// Converts the answer. What breaks the contract is the plugin's fault.
    fn read<U>(self, convert: impl FnOnce(T, &Call) -> Result<U, Broken>) -> Result<U, Fault> {
        let result = self.result.and_then(|value| {
            convert(value, &self.call)
                .map_err(|why| self.call.broken(&format!("breaks the contract, {why}")))
        });
        self.call.bill(&result);
        result
    }

    fn map<U>(self, convert: impl FnOnce(T) -> U) -> Result<U, Fault> {
        self.read(|value, _| Ok(convert(value)))
    }
}

impl Call {
    fn who(&self) -> &Who {
        &self.store.data().who
    }

    fn scrubber(&self) -> &Scrubber {
        &self.shared.around.egress.scrubber
    }
}

const READS: bool = false;
const WRITES: bool = true;

/// Runs one function of one capability to its end, inside the limits.
macro_rules! call {
    ($self:ident, $capability:ident . $function:literal, $writes:expr, $guest:ident . $method:ident ( $($argument:expr),* )) => {{
        let name = concat!(stringify!($capability), ".", $function);
        let Some(pre) = $self.shared.plugin.inner.ready.$capability.as_ref() else {
            return Err($self.cannot(name, stringify!($capability)));
        };
        let mut call = $self.begin(name, $writes);
        let wall = call.shared.limits.wall;
        let answer = {
            let store = &mut call.store;
            let work = async {
                let instance = pre.instantiate_async(&mut *store).await?;
                instance.$guest().$method(&mut *store $(, $argument)*).await
            };
            tokio::time::timeout(wall, work).await
        };
        call.end(answer)
    }};
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
        call!(self, listings."by-id", READS, lockstep_plugin_listings.call_by_id(ids))
            .read(|list, call| convert::listings(list, call.who()))
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
        call!(self, orders."by-id", READS, lockstep_plugin_orders.call_by_id(ids))
            .read(|list, call| convert_order::orders(list, call.who()))
    }

    /// Accepts or refuses lines of one order.
    pub async fn decide(&self, order: &str, decisions: &[Decision]) -> Result<(), Fault> {
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

/// The operator's values, checked, with the manifest's defaults for the rest.
fn settings(
    manifest: &Manifest,
    mut given: BTreeMap<String, String>,
) -> anyhow::Result<BTreeMap<String, String>> {
    let mut settings = BTreeMap::new();
    for setting in &manifest.setting {
        let Some(value) = given
            .remove(&setting.key)
            .or_else(|| setting.default_text())
        else {
            continue;
        };
        setting
            .check(&value)
            .map_err(anyhow::Error::msg)
            .with_context(|| format!("setting {}", setting.key))?;
        settings.insert(setting.key.clone(), value);
    }
    let known: Vec<&str> = manifest.setting.iter().map(|s| s.key.as_str()).collect();
    ensure!(
        given.is_empty(),
        "the plugin has no setting {}; it has {}",
        given.keys().cloned().collect::<Vec<_>>().join(", "),
        if known.is_empty() {
            "none".into()
        } else {
            known.join(", ")
        }
    );
    Ok(settings)
}
