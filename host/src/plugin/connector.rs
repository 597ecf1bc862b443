//! A plugin with an account: its calls as the host makes them, each in an instance of its own.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, bail};
use secrecy::SecretString;
use url::Url;
use wasmtime::{Store, Trap};

use super::credential::Slot;
use super::egress::Egress;
use super::limits::{self, CpuUsedUp, Limits, Meter};
use super::manifest::CredentialKind;
use super::session::{LimitReached, State};
use super::{Manifest, Plugin, TICK, bindings, convert};
use crate::model::{
    Account, Carrier, Drop, Fault, Hint, Instant, Key, LineQuantity, Listing, ListingPage, Order, OrderPage, ParcelOut, Reason, Sent, Settlement, StockOutcome,
    StockWrite, Subscription,
};
use crate::net::Client;
use crate::vault::Scrubber;

/// What a connector is made of, beside its plugin.
pub struct ConnectorConfig {
    /// The channel.
    pub key: Key,
    /// The marketplace's API.
    pub base_url: Url,
    /// The plugin's settings as the operator gave them.
    pub settings: BTreeMap<String, String>,
    /// Credentials by slot.
    pub credentials: BTreeMap<String, Credential>,
    /// Requests a second instead of the manifest's.
    pub requests_per_second: Option<NonZeroU32>,
    /// Limits of each call.
    pub limits: Limits,
    /// Sends the requests.
    pub http: Client,
    /// Blanks secrets. Tokens are added to it.
    pub scrubber: Scrubber,
}

/// The secret behind a slot.
#[derive(Clone)]
pub struct Credential {
    /// Client id or user name, where the slot has one.
    pub id: Option<SecretString>,
    /// The secret.
    pub secret: SecretString,
}

/// What a connector has used since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Stats {
    /// Calls.
    pub calls: u64,
    /// Calls that ended in a limit or a trap.
    pub faults: u64,
    /// Processor time of the guest, in milliseconds.
    pub cpu_ms: u64,
    /// Requests sent.
    pub requests: u64,
}

#[derive(Default)]
struct Counts {
    calls: AtomicU64,
    faults: AtomicU64,
    ticks: AtomicU64,
}

/// A plugin that talks for one account. Cheap to clone; clones share token, rate and counts.
#[derive(Clone)]
pub struct Connector {
    plugin: Plugin,
    egress: Arc<Egress>,
    settings: Arc<BTreeMap<String, String>>,
    limits: Limits,
    counts: Arc<Counts>,
}

/// Makes a call: instantiates the world, calls the function, turns what goes wrong into a fault.
macro_rules! call {
    ($self:ident, $world:ident, $interface:ident, $name:literal, $function:ident ( $($argument:expr),* )) => {{
        let Some(pre) = $self.plugin.inner.worlds.$world.as_ref() else {
            return Err($self.cannot(stringify!($interface)));
        };
        $self
            .guard($name, async |store: &mut Store<State>| {
                let instance = pre.instantiate_async(&mut *store).await?;
                instance.$interface().$function(&mut *store, $($argument),*).await
            })
            .await?
            .map_err(convert::fault)
    }};
}

impl Connector {
    pub(super) fn new(plugin: Plugin, config: ConnectorConfig) -> anyhow::Result<Self> {
        let manifest = plugin.manifest();
        let name = &manifest.plugin.id;
        let settings = plugin.settings(&config.settings).with_context(|| format!("channel {}", config.key))?;
        let mut slots = BTreeMap::new();
        let mut credentials = config.credentials;
        for rule in &manifest.credential {
            let credential =
                credentials.remove(&rule.slot).with_context(|| format!("channel {}: plugin {name} needs the credential \"{}\"", config.key, rule.slot))?;
            let needs_id = matches!(rule.kind, CredentialKind::Basic | CredentialKind::OauthClientCredentials);
            if needs_id && credential.id.is_none() {
                bail!("channel {}: the credential \"{}\" of plugin {name} needs an id; give it with --client-id", config.key, rule.slot);
            }
            config.scrubber.learn(&credential.secret);
            slots.insert(rule.slot.clone(), Slot::new(rule.clone(), credential.id, credential.secret));
        }
        let one = NonZeroU32::MIN;
        let per_second = config.requests_per_second.or(NonZeroU32::new(manifest.rate.per_second)).unwrap_or(one);
        let burst = config.requests_per_second.or(NonZeroU32::new(manifest.rate.burst)).unwrap_or(one);
        let hosts = manifest.endpoint.hosts.clone();
        let egress = Egress::new(name.clone(), config.key, config.base_url, hosts, slots, config.scrubber, (per_second, burst), config.http);
        Ok(Self { egress: Arc::new(egress), settings: Arc::new(settings), limits: config.limits, counts: Arc::default(), plugin })
    }

    /// What the plugin says of itself.
    pub fn manifest(&self) -> &Manifest {
        self.plugin.manifest()
    }

    /// The interfaces of the contract that it exports.
    pub fn capabilities(&self) -> Vec<&'static str> {
        self.plugin.capabilities()
    }

    /// What it has used.
    pub fn stats(&self) -> Stats {
        Stats {
            calls: self.counts.calls.load(Ordering::Relaxed),
            faults: self.counts.faults.load(Ordering::Relaxed),
            cpu_ms: self.counts.ticks.load(Ordering::Relaxed) * TICK.as_millis() as u64,
            requests: self.egress.sent.load(Ordering::Relaxed),
        }
    }

    fn cannot(&self, interface: &str) -> Fault {
        Fault::Other { detail: format!("plugin {} does not export {interface}", self.egress.plugin) }
    }

    fn has(&self, interface: &str) -> bool {
        self.plugin.inner.worlds.names().contains(&interface)
    }

    /// A store of its own for the call, under its limits; every end but a proper answer becomes a fault that names
    /// plugin, call and limit.
    async fn guard<T>(&self, name: &'static str, call: impl AsyncFnOnce(&mut Store<State>) -> wasmtime::Result<T>) -> Result<T, Fault> {
        self.counts.calls.fetch_add(1, Ordering::Relaxed);
        let meter = Meter::default();
        let state = State {
            store_limits: limits::store_limits(&self.limits),
            limits: self.limits.clone(),
            meter: meter.clone(),
            egress: self.egress.clone(),
            settings: self.settings.clone(),
            requests: 0,
            lines: 0,
            dropped: 0,
        };
        let mut store = Store::new(&self.plugin.inner.engine, state);
        limits::apply(&mut store, &self.limits, &meter);
        let result = tokio::time::timeout(self.limits.wall, call(&mut store)).await;
        self.counts.ticks.fetch_add(meter.used(), Ordering::Relaxed);
        if store.data().dropped > 0 {
            let (plugin, channel, dropped) = (&self.egress.plugin, &self.egress.key, store.data().dropped);
            tracing::warn!(plugin, %channel, call = name, dropped, "the plugin wrote more log lines than it may; the rest was dropped");
        }
        let why = match result {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => self.explain(&error),
            Err(_) => format!("took longer than {} s", self.limits.wall.as_secs_f32()),
        };
        self.counts.faults.fetch_add(1, Ordering::Relaxed);
        let detail = self.egress.scrubber.scrub(&format!("plugin {}, call {name}: {why}", self.egress.plugin));
        tracing::warn!(channel = %self.egress.key, "{detail}");
        Err(Fault::Plugin { detail })
    }

    /// What ended a call, in words that name the limit.
    fn explain(&self, error: &wasmtime::Error) -> String {
        if error.downcast_ref::<CpuUsedUp>().is_some() {
            return format!("used more than {} s of processor time", self.limits.cpu.as_secs_f32());
        }
        if let Some(limit) = error.downcast_ref::<LimitReached>() {
            return limit.to_string();
        }
        let text = format!("{error:#}");
        if text.contains("forcing trap when growing memory") {
            return format!("used more than {} MiB of memory", self.limits.memory / 1024 / 1024);
        }
        if text.contains("forcing trap when growing table") || text.contains("table growth") {
            return format!("grew a table beyond {} elements", self.limits.table);
        }
        if text.contains("too much data is being copied") || text.contains("fuel allocated for hostcalls") {
            return format!("passed more than {} MiB at once", self.limits.crossing / 1024 / 1024);
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::StackOverflow) => "used more than 512 KiB of stack".into(),
            Some(trap) => format!("trapped: {trap}"),
            None => format!("failed: {text}"),
        }
    }

    /// A value that breaks the contract's rules.
    fn broken(&self, call: &str, what: String) -> Fault {
        self.counts.faults.fetch_add(1, Ordering::Relaxed);
        Fault::Plugin { detail: self.egress.scrubber.scrub(&format!("plugin {}, call {call}: {what}", self.egress.plugin)) }
    }

    /// Whose account it is.
    pub async fn identify(&self) -> Result<Account, Fault> {
        let pre = &self.plugin.inner.worlds.about;
        self.guard("about.identify", async |store: &mut Store<State>| {
            let instance = pre.instantiate_async(&mut *store).await?;
            instance.lockstep_plugin_about().call_identify(&mut *store).await
        })
        .await?
        .map(convert::account)
        .map_err(convert::fault)
    }

    fn listings(&self, call: &str, found: Vec<bindings::types::Listing>) -> Result<Vec<Listing>, Fault> {
        found.into_iter().map(convert::listing).collect::<Result<_, _>>().map_err(|b| self.broken(call, b))
    }

    /// A page of the catalogue; with quantities when `stock`.
    pub async fn listings_page(&self, cursor: Option<&str>, stock: bool) -> Result<ListingPage, Fault> {
        let page = call!(self, listings, lockstep_plugin_listings, "listings.page", call_page(cursor, stock))?;
        Ok(ListingPage { listings: self.listings("listings.page", page.listings)?, next: page.next })
    }

    /// Listings by id, with quantities. Unknown ids are left out.
    pub async fn listings_by_id(&self, ids: &[String]) -> Result<Vec<Listing>, Fault> {
        let found = call!(self, listings, lockstep_plugin_listings, "listings.by-id", call_by_id(ids))?;
        self.listings("listings.by-id", found)
    }

    /// Listings by SKU, byte-equal.
    pub async fn listings_by_sku(&self, skus: &[String]) -> Result<Vec<Listing>, Fault> {
        let found = call!(self, listings, lockstep_plugin_listings, "listings.by-sku", call_by_sku(skus))?;
        self.listings("listings.by-sku", found)
    }

    /// Writes numbers; one outcome each, in order.
    pub async fn stock_push(&self, writes: &[StockWrite]) -> Result<Vec<StockOutcome>, Fault> {
        let levels: Vec<_> = writes.iter().map(convert::level_out).collect();
        let outcomes = call!(self, stock, lockstep_plugin_stock, "stock.push", call_push(&levels))?;
        if outcomes.len() != writes.len() {
            return Err(self.broken("stock.push", format!("{} outcomes for {} levels", outcomes.len(), writes.len())));
        }
        Ok(outcomes.into_iter().map(convert::outcome).collect())
    }

    /// Asks what became of a ticket.
    pub async fn stock_settle(&self, ticket: &str) -> Result<Settlement, Fault> {
        call!(self, stock, lockstep_plugin_stock, "stock.settle", call_settle(ticket)).map(convert::settlement)
    }

    /// Orders with a change at or after `since`.
    pub async fn orders_changed(&self, since: Instant, cursor: Option<&str>) -> Result<OrderPage, Fault> {
        let since = convert::instant_out(since);
        let page = call!(self, orders, lockstep_plugin_orders, "orders.changed", call_changed(&since, cursor))?;
        Ok(OrderPage { orders: page.orders.into_iter().map(convert::order).collect(), next: page.next })
    }

    /// Whole orders by id. Unknown ids are left out.
    pub async fn orders_by_id(&self, ids: &[String]) -> Result<Vec<Order>, Fault> {
        let found = call!(self, orders, lockstep_plugin_orders, "orders.by-id", call_by_id(ids))?;
        let orders: Vec<Order> = found.into_iter().map(convert::order).collect();
        if let Some(stranger) = orders.iter().find(|o| !ids.contains(&o.id)) {
            return Err(self.broken("orders.by-id", format!("answered order {}, which was not asked for", stranger.id)));
        }
        Ok(orders)
    }

    /// Accepts or refuses lines of one order: line, accepted, quantity, reason.
    pub async fn decide(&self, order: &str, decisions: &[(String, bool, u32, Option<String>)]) -> Result<(), Fault> {
        use bindings::acceptance::exports::lockstep::plugin::acceptance::Decision;
        let decisions: Vec<Decision> = decisions
            .iter()
            .map(|(line, accepted, quantity, reason)| Decision { line: line.clone(), accepted: *accepted, quantity: *quantity, reason: reason.clone() })
            .collect();
        call!(self, acceptance, lockstep_plugin_acceptance, "acceptance.decide", call_decide(order, &decisions))
    }

    /// The account's carriers; none for a plugin that tells no parcels.
    pub async fn carriers(&self) -> Result<Vec<Carrier>, Fault> {
        if !self.has("fulfillments") {
            return Ok(vec![]);
        }
        let found = call!(self, fulfillments, lockstep_plugin_fulfillments, "fulfillments.carriers", call_carriers())?;
        Ok(found.into_iter().map(convert::carrier).collect())
    }

    /// First half of a parcel: carrier and code.
    pub async fn prepare(&self, parcel: &ParcelOut) -> Result<Sent, Fault> {
        let parcel = convert::parcel_out(parcel);
        call!(self, fulfillments, lockstep_plugin_fulfillments, "fulfillments.prepare", call_prepare(&parcel)).map(convert::sent)
    }

    /// Second half: its units are shipped.
    pub async fn ship(&self, parcel: &ParcelOut) -> Result<Sent, Fault> {
        let parcel = convert::parcel_out(parcel);
        call!(self, fulfillments, lockstep_plugin_fulfillments, "fulfillments.ship", call_ship(&parcel)).map(convert::sent)
    }

    /// The account's reasons; none for a plugin that cancels nothing.
    pub async fn reasons(&self) -> Result<Vec<Reason>, Fault> {
        if !self.has("cancellations") {
            return Ok(vec![]);
        }
        let found = call!(self, cancellations, lockstep_plugin_cancellations, "cancellations.reasons", call_reasons())?;
        Ok(found.into_iter().map(convert::reason).collect())
    }

    /// Cancels units; answers what was cancelled, which can be more than was asked for.
    pub async fn cancel(&self, drops: &[Drop]) -> Result<Vec<LineQuantity>, Fault> {
        let drops: Vec<_> = drops.iter().map(convert::drop_out).collect();
        call!(self, cancellations, lockstep_plugin_cancellations, "cancellations.cancel", call_cancel(&drops)).map(convert::dropped)
    }

    /// The subscriptions at the marketplace.
    pub async fn webhooks(&self) -> Result<Vec<Subscription>, Fault> {
        let found = call!(self, webhooks, lockstep_plugin_webhooks, "webhooks.list", call_list())?;
        Ok(found.into_iter().map(convert::subscription).collect())
    }

    /// Makes one enabled subscription to this URL exist.
    pub async fn ensure_webhook(&self, url: &str) -> Result<Subscription, Fault> {
        call!(self, webhooks, lockstep_plugin_webhooks, "webhooks.ensure", call_ensure(url)).map(convert::subscription)
    }

    /// Removes a subscription.
    pub async fn remove_webhook(&self, id: &str) -> Result<(), Fault> {
        call!(self, webhooks, lockstep_plugin_webhooks, "webhooks.remove", call_remove(id))
    }

    /// Reads a message of the marketplace.
    pub async fn parse_webhook(&self, headers: &[(String, String)], body: &[u8]) -> Result<Vec<Hint>, Fault> {
        let headers: Vec<_> = headers.iter().map(|(n, v)| convert::header_out(n, v)).collect();
        let found = call!(self, webhooks, lockstep_plugin_webhooks, "webhooks.parse", call_parse(&headers, body))?;
        Ok(found.into_iter().map(convert::hint).collect())
    }
}
