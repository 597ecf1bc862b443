//! All that one Seller Center holds, with the indexes that keep pages cheap.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;
use uuid::Uuid;

use super::Config;
use super::buyers::Buyer;
use super::imports::Feed;
use super::orders::{Item, Order, Package};
use super::shipping::{Provider, Reason};
use super::switches::Switches;
use super::views::{ShipmentType, Stats};
use super::webhooks::{Delivery, Event, Subscription};
use crate::request::{count, note};

/// The whole server.
pub(super) struct State {
    pub(super) config: Config,
    pub(super) switches: Switches,
    pub(super) stats: Stats,
    pub(super) stock_writes: u64,
    pub(super) tokens: HashMap<String, Token>,
    recent: VecDeque<Instant>,
    last_time: Timestamp,

    pub(super) sets: Vec<ProductSet>,
    pub(super) products: HashMap<u64, Product>,
    /// Products by seller SKU. One SKU on two products should not be, and happens.
    pub(super) by_seller_sku: HashMap<String, Vec<u64>>,
    pub(super) by_shop_sku: HashMap<String, u64>,
    pub(super) by_parent_sku: HashMap<String, u64>,
    pub(super) by_config_sku: HashMap<String, u64>,

    pub(super) orders: BTreeMap<u64, Order>,
    pub(super) items: BTreeMap<u64, Item>,
    pub(super) by_number: HashMap<String, u64>,
    /// Items by the time of their last change.
    pub(super) item_updates: BTreeSet<(Timestamp, u64)>,
    /// Orders by the time they were placed, and by their own time of change.
    pub(super) orders_created: BTreeSet<(Timestamp, u64)>,
    pub(super) orders_updated: BTreeSet<(Timestamp, u64)>,
    pub(super) packages: BTreeMap<u64, Package>,
    pub(super) trackings: HashMap<String, u64>,

    pub(super) providers: Vec<Provider>,
    pub(super) reasons: Vec<Reason>,
    pub(super) feeds: BTreeMap<u64, Feed>,
    /// Import rows of the current day (UTC).
    pub(super) import_rows: (i64, u64),
    pub(super) subscriptions: BTreeMap<Uuid, Subscription>,
    pub(super) deliveries: BTreeMap<u64, Delivery>,
    /// Deliveries to be sent anew.
    pub(super) retries: Vec<u64>,
    pub(super) events: Option<UnboundedSender<Event>>,

    due: BTreeMap<(Instant, u64), Due>,
    last_due: u64,
    last_id: HashMap<&'static str, u64>,
}

/// An access token.
pub(super) struct Token {
    pub(super) expires: Instant,
}

/// Work that waits for its time.
pub(super) enum Due {
    FeedStarts(u64),
    FeedEnds(u64),
    Ships(Vec<u64>),
}

/// A style.
pub(super) struct ProductSet {
    pub(super) id: u64,
    pub(super) uuid: Uuid,
    pub(super) src_id: String,
    pub(super) name: String,
    pub(super) parent_sku: String,
    pub(super) products: Vec<u64>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

/// One size of a style.
pub(super) struct Product {
    pub(super) id: u64,
    pub(super) uuid: Uuid,
    pub(super) set: u64,
    pub(super) name: String,
    pub(super) seller_sku: String,
    pub(super) shop_sku: String,
    pub(super) variation: String,
    pub(super) price: Price,
    pub(super) status: String,
    pub(super) shipment_type: ShipmentType,
    /// The seller's figure.
    pub(super) quantity: i64,
    /// Pieces at the venture.
    pub(super) consigned: i64,
    /// Units in pending and ready-to-ship items the seller ships.
    pub(super) reserved: i64,
    /// Units in items whose payment is under review.
    pub(super) unverified: i64,
    pub(super) writes: u64,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

/// A product's price in the seller's country.
pub(super) struct Price {
    pub(super) list: Option<Decimal>,
    pub(super) sale: Option<Decimal>,
    pub(super) sale_start: Value,
    pub(super) sale_end: Value,
    pub(super) status: String,
}

impl Price {
    /// What a buyer is asked for before vouchers.
    pub(super) fn unit(&self) -> Decimal {
        self.list.unwrap_or_default()
    }
}

impl Product {
    /// What buyers can buy.
    pub(super) fn available(&self, pre_verification: bool) -> i64 {
        let held = if pre_verification {
            self.reserved.max(self.unverified)
        } else {
            self.reserved
        };
        self.quantity + self.consigned - held
    }
}

impl State {
    pub(super) fn new(config: Config) -> Self {
        Self {
            switches: config.switches.clone(),
            config,
            stats: Stats::default(),
            stock_writes: 0,
            tokens: HashMap::new(),
            recent: VecDeque::new(),
            last_time: Timestamp::UNIX_EPOCH,
            sets: Vec::new(),
            products: HashMap::new(),
            by_seller_sku: HashMap::new(),
            by_shop_sku: HashMap::new(),
            by_parent_sku: HashMap::new(),
            by_config_sku: HashMap::new(),
            orders: BTreeMap::new(),
            items: BTreeMap::new(),
            by_number: HashMap::new(),
            item_updates: BTreeSet::new(),
            orders_created: BTreeSet::new(),
            orders_updated: BTreeSet::new(),
            packages: BTreeMap::new(),
            trackings: HashMap::new(),
            providers: super::shipping::providers(),
            reasons: super::shipping::reasons(),
            feeds: BTreeMap::new(),
            import_rows: (0, 0),
            subscriptions: BTreeMap::new(),
            deliveries: BTreeMap::new(),
            retries: Vec::new(),
            events: None,
            due: BTreeMap::new(),
            last_due: 0,
            last_id: HashMap::new(),
        }
    }

    /// The time, in whole microseconds, never the same twice and never going back.
    pub(super) fn now(&mut self) -> Timestamp {
        let clock = Timestamp::now().as_microsecond();
        let next = clock.max(self.last_time.as_microsecond() + 1);
        self.last_time = Timestamp::from_microsecond(next).unwrap_or(self.last_time);
        self.last_time
    }

    /// The next id of a kind, counting on from `first`.
    pub(super) fn next_id(&mut self, kind: &'static str, first: u64) -> u64 {
        let last = self.last_id.entry(kind).or_insert(first - 1);
        *last += 1;
        *last
    }

    /// Notes what a client did wrong.
    pub(super) fn mistake(&mut self, text: String) {
        note(&mut self.stats.mistakes, text);
    }

    /// Notes a call that the state of things did not allow.
    pub(super) fn conflict(&mut self, text: String) {
        note(&mut self.stats.conflicts, text);
    }

    /// Counts a request against the limit of the running second.
    pub(super) fn admit(&mut self) -> bool {
        let limit = self.switches.requests_per_second as usize;
        if limit == 0 {
            return true;
        }
        let now = Instant::now();
        let over = |at: Instant| now.duration_since(at) >= Duration::from_secs(1);
        let admitted = count(&mut self.recent, now, limit, over).is_ok();
        self.stats.throttled += u64::from(!admitted);
        admitted
    }

    /// Puts work off.
    pub(super) fn later(&mut self, ms: u64, work: Due) {
        self.last_due += 1;
        let at = Instant::now() + Duration::from_millis(ms);
        self.due.insert((at, self.last_due), work);
    }

    /// Does the work whose time has come.
    pub(super) fn tick(&mut self) {
        let now = Instant::now();
        while let Some(entry) = self.due.first_entry() {
            if entry.key().0 > now {
                break;
            }
            match entry.remove() {
                Due::FeedStarts(id) => self.start_feed(id),
                Due::FeedEnds(id) => self.finish_feed(id),
                Due::Ships(items) => self.ship_by_platform(&items),
            }
        }
    }

    /// A style by its id. Sets are only ever appended, so the id is the position.
    pub(super) fn set(&self, id: u64) -> Option<&ProductSet> {
        let first = self.sets.first()?.id;
        self.sets.get(usize::try_from(id.checked_sub(first)?).ok()?)
    }

    pub(super) fn set_mut(&mut self, id: u64) -> Option<&mut ProductSet> {
        let first = self.sets.first()?.id;
        self.sets
            .get_mut(usize::try_from(id.checked_sub(first)?).ok()?)
    }

    /// The first product with a seller SKU.
    pub(super) fn product_by_sku(&self, sku: &str) -> Option<&Product> {
        let ids = self.by_seller_sku.get(sku)?;
        ids.iter().find_map(|id| self.products.get(id))
    }

    /// Hands an event to the subscriptions that want it.
    pub(super) fn emit(&mut self, alias: &'static str, payload: Value) {
        // Without a running server nobody can have subscribed.
        if let Some(events) = &self.events {
            let _ = events.send(Event { alias, payload });
        }
    }

    /// Counts import rows against the day's allowance.
    pub(super) fn allow_rows(&mut self, rows: u64) -> bool {
        let day = Timestamp::now().as_second() / SignedDuration::from_hours(24).as_secs();
        if self.import_rows.0 != day {
            self.import_rows = (day, 0);
        }
        let allowance = self.switches.daily_rows + 5 * self.products.len() as u64;
        if self.import_rows.1 + rows > allowance {
            return false;
        }
        self.import_rows.1 += rows;
        true
    }

    /// The name and country a buyer's address shows.
    pub(super) fn country(&self, buyer: &Buyer) -> String {
        match (self.switches.country_codes, buyer.country.as_str()) {
            (false, "AU") => "Australia".to_owned(),
            (false, "NZ") => "New Zealand".to_owned(),
            (_, code) => code.to_owned(),
        }
    }
}

/// A UUID that belongs to a thing for good.
pub(super) fn uuid_of(kind: &str, id: u64) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{kind}/{id}").as_bytes())
}
