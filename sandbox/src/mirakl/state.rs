//! All that one seller's account holds, and the clock it lives by.

use std::collections::{BTreeMap, HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};

use super::Config;
use super::exports::Export;
use super::imports::Import;
use super::orders::Order;
use super::shipments::Shipment;
use super::switches::Switches;
use super::views::{OfferView, Stats};
use crate::request::{count, note};

/// The whole server.
pub(super) struct State {
    pub(super) config: Config,
    pub(super) switches: Switches,
    pub(super) stats: Stats,
    pub(super) url: String,
    pub(super) stock_writes: u64,
    /// How far the clock was put forward.
    skew: SignedDuration,
    /// The time of the work that is being done late.
    moment: Option<Timestamp>,
    last_time: Timestamp,
    recent: HashMap<&'static str, VecDeque<Timestamp>>,

    pub(super) offers: BTreeMap<u64, Offer>,
    /// Offers by the seller's SKU, deleted ones left out.
    pub(super) by_sku: HashMap<String, u64>,
    /// Orders by the time they were placed, then by id: the order in which they are listed.
    pub(super) listed: BTreeMap<(Timestamp, String), ()>,
    pub(super) orders: BTreeMap<String, Order>,
    /// In the order in which they were made.
    pub(super) shipments: Vec<Shipment>,
    pub(super) imports: Vec<Import>,
    pub(super) exports: Vec<Export>,

    due: BTreeMap<(Timestamp, u64), Due>,
    last_due: u64,
    last_id: HashMap<&'static str, u64>,
}

/// Work that waits for its time.
#[derive(Clone, Debug)]
pub(super) enum Due {
    ImportStarts(usize),
    ImportEnds(usize),
    ExportEnds(usize),
    AcceptanceEnds(String),
    DebitAsked(String),
    DebitAnswered(String),
    Received(String),
}

/// A seller's price and quantity on a product.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub(super) id: u64,
    pub(super) sku: String,
    pub(super) product_sku: String,
    pub(super) title: String,
    pub(super) price: Decimal,
    pub(super) quantity: i64,
    pub(super) warehouses: BTreeMap<String, i64>,
    pub(super) min_order_quantity: Option<u32>,
    pub(super) max_order_quantity: Option<u32>,
    pub(super) package_quantity: Option<u32>,
    pub(super) leadtime_to_ship: u32,
    pub(super) logistic_class: Option<String>,
    pub(super) description: String,
    pub(super) center: String,
    pub(super) state_code: String,
    pub(super) deleted: bool,
    pub(super) writes: u64,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

impl Offer {
    /// Why it cannot be bought; nothing when it can.
    pub(super) fn inactivity(&self, switches: &Switches) -> Vec<&'static str> {
        let below = |least: Option<u32>| least.is_some_and(|n| self.quantity < i64::from(n));
        let mut reasons = Vec::new();
        if switches.shop_state != "OPEN" {
            reasons.push("SHOP_NOT_OPEN");
        }
        if self.quantity <= 0 {
            reasons.push("ZERO_QUANTITY");
        } else if below(self.min_order_quantity) {
            reasons.push("AVAILABLE_QUANTITY_LESS_THAN_MIN_ORDER_QUANTITY");
        } else if below(self.package_quantity) {
            reasons.push("AVAILABLE_QUANTITY_LESS_THAN_PACKAGE_QUANTITY");
        }
        reasons
    }

    /// Takes sold units off; of several warehouses the fullest gives first.
    pub(super) fn take(&mut self, units: u32) {
        self.quantity = (self.quantity - i64::from(units)).max(0);
        for _ in 0..units {
            let fullest = self.warehouses.values_mut().max_by_key(|n| **n);
            if let Some(n) = fullest {
                *n = (*n - 1).max(0);
            }
        }
    }

    /// Puts units back, into the first of several warehouses.
    pub(super) fn give_back(&mut self, units: u32) {
        self.quantity += i64::from(units);
        if let Some(first) = self.warehouses.values_mut().next() {
            *first += i64::from(units);
        }
    }

    /// Sets the figure to 0 everywhere.
    pub(super) fn empty(&mut self) {
        self.quantity = 0;
        self.warehouses.values_mut().for_each(|n| *n = 0);
    }

    pub(super) fn view(&self, switches: &Switches) -> OfferView {
        OfferView {
            id: self.id,
            sku: self.sku.clone(),
            quantity: self.quantity,
            warehouses: self.warehouses.clone(),
            price: self.price,
            center: self.center.clone(),
            active: !self.deleted && self.inactivity(switches).is_empty(),
            deleted: self.deleted,
            description: self.description.clone(),
            stock_writes: self.writes,
        }
    }
}

impl State {
    pub(super) fn new(config: Config, url: String) -> Self {
        Self {
            switches: config.switches.clone(),
            config,
            stats: Stats::default(),
            url,
            stock_writes: 0,
            skew: SignedDuration::ZERO,
            moment: None,
            last_time: Timestamp::UNIX_EPOCH,
            recent: HashMap::new(),
            offers: BTreeMap::new(),
            by_sku: HashMap::new(),
            listed: BTreeMap::new(),
            orders: BTreeMap::new(),
            shipments: Vec::new(),
            imports: Vec::new(),
            exports: Vec::new(),
            due: BTreeMap::new(),
            last_due: 0,
            last_id: HashMap::new(),
        }
    }

    /// The time, in whole milliseconds, never going back.
    pub(super) fn now(&mut self) -> Timestamp {
        let clock = self.moment.unwrap_or(Timestamp::now() + self.skew);
        let next = clock.as_millisecond().max(self.last_time.as_millisecond());
        self.last_time = Timestamp::from_millisecond(next).unwrap_or(self.last_time);
        self.last_time
    }

    /// Puts the clock forward and does what has become due by then, each thing at its own time.
    pub(super) fn advance(&mut self, by: SignedDuration) {
        self.skew += by;
        self.tick();
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

    /// Counts a call against its budget; the seconds to wait when that is used up.
    pub(super) fn admit(&mut self, code: &'static str) -> Result<(), i64> {
        let Some(&budget) = self.switches.budgets.get(code) else {
            return Ok(());
        };
        let now = self.now();
        let window = i64::try_from(self.switches.budget_window_s).unwrap_or(i64::MAX / 4);
        let recent = self.recent.entry(code).or_default();
        let age = |at: Timestamp| now.as_second() - at.as_second();
        count(recent, now, budget as usize, |at| age(at) >= window).map_err(|oldest| {
            self.stats.throttled += 1;
            window - age(oldest.unwrap_or(now))
        })
    }

    /// Puts work off until a time.
    pub(super) fn at(&mut self, when: Timestamp, work: Due) {
        self.last_due += 1;
        self.due.insert((when, self.last_due), work);
    }

    /// Puts work off by milliseconds.
    pub(super) fn later(&mut self, ms: u64, work: Due) {
        let when = self.now() + millis(ms);
        self.at(when, work);
    }

    /// Does the work whose time has come, each piece as of its own time.
    pub(super) fn tick(&mut self) {
        let now = Timestamp::now() + self.skew;
        while let Some(entry) = self.due.first_entry() {
            let at = entry.key().0;
            if at > now {
                break;
            }
            self.moment = Some(at);
            match entry.remove() {
                Due::ImportStarts(index) => self.start_import(index),
                Due::ImportEnds(index) => self.end_import(index),
                Due::ExportEnds(index) => self.end_export(index),
                Due::AcceptanceEnds(order) => self.refuse_overdue(&order),
                Due::DebitAsked(order) => self.ask_debit(&order),
                Due::DebitAnswered(order) => self.answer_debit(&order),
                Due::Received(order) => self.receive(&order),
            }
        }
        self.moment = None;
    }

    /// The offer with a SKU.
    pub(super) fn offer_mut(&mut self, sku: &str) -> Option<&mut Offer> {
        let id = self.by_sku.get(sku)?;
        self.offers.get_mut(id)
    }

    /// Marks an offer as changed now.
    pub(super) fn touch_offer(&mut self, id: u64) {
        let now = self.now();
        if let Some(offer) = self.offers.get_mut(&id) {
            offer.updated_at = now;
        }
    }

    /// Takes an offer out of the catalog; its number stays known to differential exports.
    pub(super) fn delete_offer(&mut self, id: u64) {
        self.touch_offer(id);
        if let Some(offer) = self.offers.get_mut(&id) {
            offer.deleted = true;
            self.by_sku.remove(&offer.sku);
        }
    }

    /// Adds what no document names, when the switch is on.
    pub(super) fn spice(&self, mut value: Value) -> Value {
        if self.switches.extra_members
            && let Some(members) = value.as_object_mut()
        {
            members.insert("added_lately".to_owned(), json!({"level": 3, "tags": []}));
        }
        value
    }
}

/// A span of milliseconds.
pub(super) fn millis(ms: u64) -> SignedDuration {
    SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX / 4))
}

/// A time as answers give it: UTC, with milliseconds only when there are any.
pub(super) fn stamp(at: Timestamp) -> String {
    match at.as_millisecond() % 1000 {
        0 => at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        _ => at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
    }
}

/// Rounded to cents.
pub(super) fn cents(value: Decimal) -> Decimal {
    value.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

/// The tax inside an amount: goods and services tax is a tenth of the net price.
pub(super) fn tax_in(gross: Decimal) -> Decimal {
    cents(gross / Decimal::from(11))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_show_milliseconds_only_when_there_are_any() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        assert_eq!(stamp(at("2026-03-08T23:41:07Z")), "2026-03-08T23:41:07Z");
        assert_eq!(
            stamp(at("2026-03-08T23:41:07.402Z")),
            "2026-03-08T23:41:07.402Z"
        );
    }
}
