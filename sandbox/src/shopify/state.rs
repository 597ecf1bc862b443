//! Everything the store holds, with the indexes that keep pages of a large catalogue cheap.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, VecDeque};

use rust_decimal::Decimal;
use serde_json::Value;

use super::bulk::BulkOperation;
use super::cost::Bucket;
use super::idempotency::Keys;
use super::stock::Level;
use super::views::{AddressView, Stats, TaxView, TrackingView};
use super::webhooks::{Event, Subscription};
use super::{Config, search};

/// Ids begin beyond 2^53: a client that keeps them in a double corrupts them at once.
const FIRST_ID: u64 = 9_007_199_254_741_021;

pub(super) struct State {
    pub(super) config: Config,
    pub(super) stats: Stats,
    pub(super) bucket: Bucket,
    pub(super) keys: Keys,
    /// Tokens handed out, with the second they expire in.
    pub(super) tokens: HashMap<String, i64>,
    pub(super) app: u64,
    pub(super) shop: u64,
    last_id: u64,
    due: BinaryHeap<Reverse<(i64, u64, Due)>>,
    sequence: u64,

    pub(super) locations: BTreeMap<u64, Location>,
    pub(super) products: BTreeMap<u64, Product>,
    pub(super) variants: BTreeMap<u64, Variant>,
    pub(super) by_item: HashMap<u64, u64>,
    pub(super) by_sku: HashMap<String, BTreeSet<u64>>,
    /// Lower-case words of indexed SKUs.
    pub(super) by_word: HashMap<String, BTreeSet<u64>>,
    pub(super) by_updated: BTreeSet<(i64, u64)>,

    pub(super) orders: BTreeMap<u64, Order>,
    pub(super) orders_by_updated: BTreeSet<(i64, u64)>,
    pub(super) orders_by_name: HashMap<String, Vec<u64>>,
    /// Lines, fulfillments, fulfillment orders, refunds and transactions: their order and place in it.
    pub(super) parts: HashMap<u64, (u64, usize)>,
    pub(super) recent_orders: VecDeque<i64>,

    pub(super) customers: BTreeMap<u64, Customer>,
    pub(super) definitions: Vec<Definition>,
    /// Owner, namespace, key and value of every metafield of type `id`.
    pub(super) custom_ids: HashMap<(&'static str, String, String, String), Vec<u64>>,

    pub(super) subscriptions: Vec<Subscription>,
    pub(super) events: Option<tokio::sync::mpsc::UnboundedSender<Event>>,
    pub(super) jobs: HashMap<String, bool>,
    pub(super) bulk: BTreeMap<u64, BulkOperation>,
}

/// Something that happens later.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    IndexVariant(u64),
    IndexLevel(u64, u64),
    IndexOrder(u64),
    Route(u64),
    Cancel {
        job: String,
        order: u64,
        reason: String,
        restock: bool,
        note: Option<String>,
    },
}

pub(super) struct Location {
    pub(super) name: String,
    pub(super) active: bool,
    pub(super) updated_at: i64,
    /// Indexed `updatedAt` and variant of every level.
    pub(super) by_updated: BTreeSet<(i64, u64)>,
}

pub(super) struct Product {
    pub(super) title: String,
    pub(super) status: String,
    pub(super) variants: Vec<u64>,
}

pub(super) struct Variant {
    pub(super) product: u64,
    pub(super) item: u64,
    pub(super) sku: Option<String>,
    pub(super) title: String,
    pub(super) price: Decimal,
    pub(super) barcode: Option<String>,
    pub(super) tracked: bool,
    /// `CONTINUE` selling when out of stock.
    pub(super) oversell: bool,
    pub(super) updated_at: i64,
    pub(super) levels: Vec<Level>,
    /// What searches see.
    pub(super) indexed_sku: Option<String>,
    pub(super) indexed_at: i64,
}

#[derive(Default)]
pub(super) struct Order {
    pub(super) number: u64,
    pub(super) name: String,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    pub(super) processed_at: i64,
    pub(super) cancelled_at: Option<i64>,
    pub(super) cancel_reason: Option<String>,
    pub(super) staff_note: Option<String>,
    pub(super) closed_at: Option<i64>,
    pub(super) note: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) metafields: Vec<Metafield>,
    pub(super) customer: Option<u64>,
    pub(super) email: Option<String>,
    pub(super) po_number: Option<String>,
    pub(super) billing: Option<(u64, AddressView)>,
    pub(super) shipping: Option<(u64, AddressView)>,
    pub(super) source_sent: Option<String>,
    pub(super) source_name: Option<String>,
    pub(super) source_identifier: Option<String>,
    pub(super) by_app: bool,
    pub(super) currency: String,
    pub(super) taxes_included: bool,
    pub(super) financial: Option<String>,
    pub(super) lines: Vec<Line>,
    pub(super) shipping_lines: Vec<ShippingLine>,
    pub(super) tax_lines: Vec<TaxView>,
    pub(super) transactions: Vec<Transaction>,
    pub(super) fulfillments: Vec<Fulfillment>,
    pub(super) fulfillment_orders: Vec<FulfillmentOrder>,
    pub(super) refunds: Vec<Refund>,
    /// What searches see; none until the index has caught up.
    pub(super) indexed: Option<IndexedOrder>,
}

#[derive(Clone)]
pub(super) struct IndexedOrder {
    pub(super) name: String,
    pub(super) source_identifier: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) updated_at: i64,
    pub(super) financial: String,
    pub(super) fulfillment: String,
    pub(super) status: &'static str,
}

#[derive(Clone)]
pub(super) struct Metafield {
    pub(super) id: u64,
    pub(super) namespace: String,
    pub(super) key: String,
    pub(super) kind: String,
    pub(super) value: String,
}

#[derive(Default)]
pub(super) struct Line {
    pub(super) id: u64,
    pub(super) variant: Option<u64>,
    pub(super) sku: Option<String>,
    pub(super) title: String,
    pub(super) quantity: u32,
    /// Ordered and not removed.
    pub(super) current: u32,
    pub(super) price: Decimal,
    pub(super) requires_shipping: bool,
    pub(super) properties: Vec<(String, String)>,
    pub(super) taxes: Vec<TaxView>,
    /// Location whose stock the line has claimed.
    pub(super) claimed: Option<u64>,
}

pub(super) struct ShippingLine {
    pub(super) title: String,
    pub(super) code: Option<String>,
    pub(super) source: Option<String>,
    pub(super) price: Decimal,
    pub(super) taxes: Vec<TaxView>,
}

pub(super) struct Transaction {
    pub(super) id: u64,
    pub(super) kind: String,
    pub(super) status: String,
    pub(super) gateway: Option<String>,
    pub(super) amount: Decimal,
}

pub(super) struct Fulfillment {
    pub(super) id: u64,
    pub(super) number: usize,
    pub(super) cancelled: bool,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    pub(super) location: u64,
    pub(super) tracking: Vec<TrackingView>,
    /// Own id, line, pieces.
    pub(super) lines: Vec<(u64, usize, u32)>,
    /// Fulfillment order of each line.
    pub(super) of: Vec<usize>,
}

pub(super) struct FulfillmentOrder {
    pub(super) id: u64,
    pub(super) location: u64,
    pub(super) lines: Vec<FulfillmentOrderLine>,
    pub(super) cancelled: bool,
    pub(super) hold: Option<(u64, String)>,
    pub(super) updated_at: i64,
}

pub(super) struct FulfillmentOrderLine {
    pub(super) id: u64,
    pub(super) line: usize,
    pub(super) total: u32,
    pub(super) remaining: u32,
}

pub(super) struct Refund {
    pub(super) id: u64,
    pub(super) note: Option<String>,
    pub(super) created_at: i64,
    pub(super) lines: Vec<RefundLine>,
    pub(super) amount: Decimal,
}

pub(super) struct RefundLine {
    pub(super) id: u64,
    pub(super) line: usize,
    pub(super) quantity: u32,
    pub(super) restock: String,
    pub(super) location: Option<u64>,
}

#[derive(Default)]
pub(super) struct Customer {
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) note: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) default_address: Option<AddressView>,
    pub(super) orders: u64,
}

pub(super) struct Definition {
    pub(super) id: u64,
    pub(super) owner: String,
    pub(super) namespace: String,
    pub(super) key: String,
    pub(super) kind: String,
}

impl FulfillmentOrder {
    pub(super) fn remaining(&self) -> u32 {
        self.lines.iter().map(|l| l.remaining).sum()
    }

    pub(super) fn total(&self) -> u32 {
        self.lines.iter().map(|l| l.total).sum()
    }

    pub(super) fn status(&self) -> &'static str {
        if self.cancelled {
            "CANCELLED"
        } else if self.remaining() == 0 {
            "CLOSED"
        } else if self.hold.is_some() {
            "ON_HOLD"
        } else if self.remaining() < self.total() {
            "IN_PROGRESS"
        } else {
            "OPEN"
        }
    }
}

impl Order {
    /// Pieces of a line in successful fulfillments.
    pub(super) fn fulfilled(&self, line: usize) -> u32 {
        self.fulfillments
            .iter()
            .filter(|f| !f.cancelled)
            .flat_map(|f| &f.lines)
            .filter(|(_, l, _)| *l == line)
            .map(|(_, _, n)| n)
            .sum()
    }

    /// Pieces of a line that wait in open fulfillment orders.
    pub(super) fn unfulfilled(&self, line: usize) -> u32 {
        self.fulfillment_orders
            .iter()
            .filter(|o| !o.cancelled)
            .flat_map(|o| &o.lines)
            .filter(|l| l.line == line)
            .map(|l| l.remaining)
            .sum()
    }

    pub(super) fn fulfillment_status(&self) -> &'static str {
        let done: u32 = (0..self.lines.len()).map(|i| self.fulfilled(i)).sum();
        let open: u32 = (0..self.lines.len()).map(|i| self.unfulfilled(i)).sum();
        if done > 0 && open == 0 {
            "FULFILLED"
        } else if self
            .fulfillment_orders
            .iter()
            .any(|f| f.status() == "ON_HOLD")
        {
            "ON_HOLD"
        } else if done > 0 {
            "PARTIALLY_FULFILLED"
        } else {
            "UNFULFILLED"
        }
    }

    fn tax(&self, pieces: impl Fn(&Line) -> u32) -> Decimal {
        let lines: Decimal = self
            .lines
            .iter()
            .filter(|l| l.quantity > 0)
            .map(|l| {
                let whole: Decimal = l.taxes.iter().map(|t| t.amount).sum();
                whole * Decimal::from(pieces(l)) / Decimal::from(l.quantity)
            })
            .sum();
        let order: Decimal = self.tax_lines.iter().map(|t| t.amount).sum();
        let shipping: Decimal = self
            .shipping_lines
            .iter()
            .flat_map(|s| &s.taxes)
            .map(|t| t.amount)
            .sum();
        lines + order + shipping
    }

    fn worth(&self, pieces: impl Fn(&Line) -> u32) -> Decimal {
        let goods: Decimal = self
            .lines
            .iter()
            .map(|l| l.price * Decimal::from(pieces(l)))
            .sum();
        let shipping: Decimal = self.shipping_lines.iter().map(|s| s.price).sum();
        let tax = if self.taxes_included {
            Decimal::ZERO
        } else {
            self.tax(pieces)
        };
        (goods + shipping + tax).round_dp(2)
    }

    pub(super) fn total_tax(&self) -> Decimal {
        self.tax(|l| l.quantity).round_dp(2)
    }

    pub(super) fn total(&self) -> Decimal {
        self.worth(|l| l.quantity)
    }

    pub(super) fn current_total(&self) -> Decimal {
        if self.lines.iter().all(|l| l.current == 0) {
            return Decimal::ZERO;
        }
        self.worth(|l| l.current)
    }

    pub(super) fn paid(&self) -> Decimal {
        self.transactions
            .iter()
            .filter(|t| t.status == "SUCCESS" && matches!(t.kind.as_str(), "SALE" | "CAPTURE"))
            .map(|t| t.amount)
            .sum()
    }

    pub(super) fn refunded(&self) -> Decimal {
        self.refunds.iter().map(|r| r.amount).sum()
    }

    /// Open, closed or cancelled: what `status:` searches for.
    pub(super) fn status(&self) -> &'static str {
        match (self.cancelled_at, self.closed_at) {
            (Some(_), _) => "cancelled",
            (None, Some(_)) => "closed",
            (None, None) => "open",
        }
    }
}

impl State {
    pub(super) fn new(config: Config) -> Self {
        let bucket = Bucket::new(config.bucket.0, config.bucket.1);
        let mut state = Self {
            bucket,
            config,
            stats: Stats::default(),
            keys: Keys::default(),
            tokens: HashMap::new(),
            app: 0,
            shop: 0,
            last_id: FIRST_ID,
            due: BinaryHeap::new(),
            sequence: 0,
            locations: BTreeMap::new(),
            products: BTreeMap::new(),
            variants: BTreeMap::new(),
            by_item: HashMap::new(),
            by_sku: HashMap::new(),
            by_word: HashMap::new(),
            by_updated: BTreeSet::new(),
            orders: BTreeMap::new(),
            orders_by_updated: BTreeSet::new(),
            orders_by_name: HashMap::new(),
            parts: HashMap::new(),
            recent_orders: VecDeque::new(),
            customers: BTreeMap::new(),
            definitions: Vec::new(),
            custom_ids: HashMap::new(),
            subscriptions: Vec::new(),
            events: None,
            jobs: HashMap::new(),
            bulk: BTreeMap::new(),
        };
        state.app = state.id();
        state.shop = state.id();
        state
    }

    /// A new id. Shopify's are not consecutive either.
    pub(super) fn id(&mut self) -> u64 {
        self.last_id += 31;
        self.last_id
    }

    pub(super) fn later(&mut self, in_ms: u64, due: Due) {
        self.sequence += 1;
        let at = now_ms().saturating_add(i64::try_from(in_ms).unwrap_or(i64::MAX));
        self.due.push(Reverse((at, self.sequence, due)));
        if in_ms == 0 {
            self.tick();
        }
    }

    /// Does what has become due.
    pub(super) fn tick(&mut self) {
        let now = now_ms();
        while let Some(Reverse((at, _, _))) = self.due.peek() {
            if *at > now {
                return;
            }
            let Some(Reverse((_, _, due))) = self.due.pop() else {
                return;
            };
            match due {
                Due::IndexVariant(id) => self.index_variant(id),
                Due::IndexLevel(variant, location) => self.index_level(variant, location),
                Due::IndexOrder(id) => self.index_order(id),
                Due::Route(order) => self.route(order),
                Due::Cancel {
                    job,
                    order,
                    reason,
                    restock,
                    note,
                } => {
                    self.finish_cancel(order, &reason, restock, note);
                    self.jobs.insert(job, true);
                }
            }
        }
    }

    /// Notes a mistake of the client.
    pub(super) fn mistake(&mut self, operation: &str, reason: &str) {
        self.stats.mistakes.push(format!("{operation}: {reason}"));
    }

    /// Marks an order as changed now.
    pub(super) fn touch_order(&mut self, id: u64) {
        let Some(order) = self.orders.get_mut(&id) else {
            return;
        };
        order.updated_at = now();
        let lag = self.config.switches.index_lag_ms;
        self.later(lag, Due::IndexOrder(id));
    }

    /// Marks a variant as changed now.
    pub(super) fn touch_variant(&mut self, id: u64) {
        let Some(variant) = self.variants.get_mut(&id) else {
            return;
        };
        variant.updated_at = now();
        let lag = self.config.switches.index_lag_ms;
        self.later(lag, Due::IndexVariant(id));
    }

    pub(super) fn index_variant(&mut self, id: u64) {
        let Some(variant) = self.variants.get_mut(&id) else {
            return;
        };
        for word in variant.indexed_sku.iter().flat_map(|s| search::words(s)) {
            if let Some(set) = self.by_word.get_mut(&word) {
                set.remove(&id);
            }
        }
        self.by_updated.remove(&(variant.indexed_at, id));
        variant.indexed_sku.clone_from(&variant.sku);
        variant.indexed_at = variant.updated_at;
        self.by_updated.insert((variant.indexed_at, id));
        for word in variant.indexed_sku.iter().flat_map(|s| search::words(s)) {
            self.by_word.entry(word).or_default().insert(id);
        }
    }

    fn index_level(&mut self, variant: u64, location: u64) {
        let Some(level) = self
            .variants
            .get_mut(&variant)
            .and_then(|v| v.levels.iter_mut().find(|l| l.location == location))
        else {
            return;
        };
        if let Some(place) = self.locations.get_mut(&location) {
            place.by_updated.remove(&(level.indexed_at, variant));
            level.indexed_at = level.updated_at;
            place.by_updated.insert((level.indexed_at, variant));
        }
    }

    fn index_order(&mut self, id: u64) {
        let Some(order) = self.orders.get_mut(&id) else {
            return;
        };
        if let Some(old) = &order.indexed {
            self.orders_by_updated.remove(&(old.updated_at, id));
        }
        self.orders_by_updated.insert((order.updated_at, id));
        order.indexed = Some(IndexedOrder {
            name: order.name.clone(),
            source_identifier: order.source_identifier.clone(),
            tags: order.tags.clone(),
            updated_at: order.updated_at,
            financial: order.financial.clone().unwrap_or_default(),
            fulfillment: order.fulfillment_status().to_owned(),
            status: order.status(),
        });
    }

    /// Sets a variant's SKU; blank means none.
    pub(super) fn set_sku(&mut self, id: u64, sku: Option<&str>) {
        let Some(variant) = self.variants.get_mut(&id) else {
            return;
        };
        let sku = sku.filter(|s| !s.is_empty()).map(str::to_owned);
        if variant.sku == sku {
            return;
        }
        if let Some(set) = variant.sku.as_ref().and_then(|s| self.by_sku.get_mut(s)) {
            set.remove(&id);
        }
        if let Some(sku) = &sku {
            self.by_sku.entry(sku.clone()).or_default().insert(id);
        }
        variant.sku = sku;
        self.touch_variant(id);
        self.announce_item(id);
        self.announce_product(id, "PRODUCTS_UPDATE");
    }

    /// Takes a variant out of the store.
    pub(super) fn remove_variant(&mut self, id: u64) {
        self.announce_product(id, "PRODUCTS_UPDATE");
        let Some(variant) = self.variants.remove(&id) else {
            return;
        };
        self.by_item.remove(&variant.item);
        if let Some(set) = variant.sku.as_ref().and_then(|s| self.by_sku.get_mut(s)) {
            set.remove(&id);
        }
        for word in variant.indexed_sku.iter().flat_map(|s| search::words(s)) {
            if let Some(set) = self.by_word.get_mut(&word) {
                set.remove(&id);
            }
        }
        self.by_updated.remove(&(variant.indexed_at, id));
        for level in &variant.levels {
            if let Some(place) = self.locations.get_mut(&level.location) {
                place.by_updated.remove(&(level.indexed_at, id));
            }
        }
        if let Some(product) = self.products.get_mut(&variant.product) {
            product.variants.retain(|v| *v != id);
        }
    }

    /// The first active location, where unclaimed lines are routed to.
    pub(super) fn main_location(&self) -> Option<u64> {
        self.locations
            .iter()
            .find(|(_, l)| l.active)
            .map(|(id, _)| *id)
    }

    pub(super) fn is_defined(&self, owner: &str, namespace: &str, key: &str) -> bool {
        self.definitions
            .iter()
            .any(|d| d.owner == owner && d.namespace == namespace && d.key == key && d.kind == "id")
    }

    /// A metafield namespace as it is stored: the app's own when none is given.
    pub(super) fn namespace(&self, given: Option<&str>) -> String {
        match given {
            None | Some("$app") => format!("app--{}", self.app),
            Some(name) => match name.strip_prefix("$app:") {
                Some(rest) => format!("app--{}--{rest}", self.app),
                None => name.to_owned(),
            },
        }
    }
}

/// Now, in seconds: Shopify's timestamps have no fractions.
pub(super) fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

pub(super) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// A second as `2026-11-23T01:02:03Z`.
pub(super) fn iso(second: i64) -> String {
    jiff::Timestamp::from_second(second)
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
        .to_string()
}

pub(super) fn gid(kind: &str, id: u64) -> String {
    format!("gid://shopify/{kind}/{id}")
}

/// Kind and number of a global id; the query part of inventory level ids is left out.
pub(super) fn parse_gid(text: &str) -> Option<(&str, u64)> {
    let (kind, rest) = text.strip_prefix("gid://shopify/")?.split_once('/')?;
    let number = rest.split('?').next()?;
    Some((kind, number.parse().ok()?))
}

/// The number of a global id of one kind.
pub(super) fn number_of(text: &str, kind: &str) -> Option<u64> {
    parse_gid(text)
        .filter(|(k, _)| *k == kind)
        .map(|(_, id)| id)
}

/// A decimal from JSON text or a JSON number.
pub(super) fn decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => {
            let text = number.to_string();
            text.parse()
                .ok()
                .or_else(|| Decimal::from_scientific(&text).ok())
        }
        _ => None,
    }
}

/// Money as Shopify writes it: no trailing zeros, yet at least one decimal.
pub(super) fn money_text(amount: Decimal) -> String {
    let text = amount.normalize().to_string();
    if text.contains('.') {
        text
    } else {
        format!("{text}.0")
    }
}
