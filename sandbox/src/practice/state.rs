//! All that one seller's account holds, and what happens to it.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use rust_decimal::{Decimal, RoundingStrategy};

use super::Config;
use super::switches::Switches;
use super::views::{NewListing, PlacedOrder, Purchase, Stats};
use crate::request::{count, note};
use crate::seller_center::Buyer;

const FIRST_NUMBER: u64 = 20_001;

/// The whole server.
pub(super) struct State {
    pub(super) config: Config,
    pub(super) switches: Switches,
    pub(super) stats: Stats,
    /// By the number in their id.
    pub(super) listings: BTreeMap<u64, Listing>,
    /// By the number in their id.
    pub(super) orders: BTreeMap<u64, Order>,
    last_listing: u64,
    last_parcel: u64,
    last_time: Timestamp,
    recent: VecDeque<Timestamp>,
}

/// Something for sale.
pub(super) struct Listing {
    pub(super) id: u64,
    pub(super) sku: String,
    pub(super) title: String,
    pub(super) price: Decimal,
    /// What buyers can still buy.
    pub(super) quantity: u32,
    pub(super) active: bool,
    /// Numbers written to it so far.
    pub(super) writes: u64,
    pub(super) updated_at: Timestamp,
}

/// What one buyer bought at once.
pub(super) struct Order {
    pub(super) id: u64,
    pub(super) number: String,
    pub(super) buyer: Buyer,
    pub(super) lines: Vec<Line>,
    pub(super) parcels: Vec<Parcel>,
    pub(super) cancellations: Vec<Cancellation>,
    pub(super) shipping: Decimal,
    pub(super) placed_at: Timestamp,
    pub(super) ship_by: Timestamp,
    pub(super) updated_at: Timestamp,
}

/// Pieces of one listing.
pub(super) struct Line {
    pub(super) id: String,
    pub(super) listing: u64,
    pub(super) sku: String,
    pub(super) title: String,
    /// Of one piece, tax included.
    pub(super) price: Decimal,
    pub(super) quantity: u32,
    pub(super) cancelled: u32,
    pub(super) shipped: u32,
}

impl Line {
    /// Pieces that are neither shipped nor cancelled.
    pub(super) fn open(&self) -> u32 {
        self.quantity - self.cancelled - self.shipped
    }
}

/// A parcel that the seller told.
pub(super) struct Parcel {
    pub(super) id: u64,
    pub(super) told: ParcelTold,
}

/// What the seller says of a parcel. A key used again has to come with the same.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct ParcelTold {
    pub(super) key: String,
    pub(super) carrier: String,
    pub(super) tracking: String,
    pub(super) shipped_at: Timestamp,
    pub(super) units: Units,
}

/// A cancellation by the seller, likewise.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Cancellation {
    pub(super) key: String,
    pub(super) reason: String,
    pub(super) units: Units,
}

/// Pieces by line id.
pub(super) type Units = BTreeMap<String, u32>;

impl Order {
    pub(super) fn status(&self) -> &'static str {
        let open = self.lines.iter().any(|l| l.open() > 0);
        let shipped = self.lines.iter().any(|l| l.shipped > 0);
        match (open, shipped) {
            (true, _) => "open",
            (false, true) => "shipped",
            (false, false) => "cancelled",
        }
    }

    pub(super) fn line_mut(&mut self, id: &str) -> Option<&mut Line> {
        self.lines.iter_mut().find(|l| l.id == id)
    }

    /// Says which line has fewer open pieces than these, or does not exist.
    pub(super) fn check_open(&self, units: &Units) -> Result<(), String> {
        for (id, wanted) in units {
            let Some(line) = self.lines.iter().find(|l| l.id == *id) else {
                return Err(format!(
                    "order {} has no line \"{id}\"",
                    id_of('O', self.id)
                ));
            };
            if *wanted > line.open() {
                return Err(format!(
                    "line {id} has {} open pieces, not {wanted}",
                    line.open()
                ));
            }
        }
        Ok(())
    }
}

impl State {
    pub(super) fn new(config: Config) -> Self {
        Self {
            switches: config.switches.clone(),
            config,
            stats: Stats::default(),
            listings: BTreeMap::new(),
            orders: BTreeMap::new(),
            last_listing: 0,
            last_parcel: 0,
            last_time: Timestamp::UNIX_EPOCH,
            recent: VecDeque::new(),
        }
    }

    /// The time, in whole milliseconds, never going back.
    pub(super) fn now(&mut self) -> Timestamp {
        let clock = Timestamp::now().as_millisecond();
        let next = clock.max(self.last_time.as_millisecond());
        self.last_time = Timestamp::from_millisecond(next).unwrap_or(self.last_time);
        self.last_time
    }

    /// Notes what a client did wrong.
    pub(super) fn mistake(&mut self, text: String) {
        note(&mut self.stats.mistakes, text);
    }

    /// Notes a call that the state of things did not allow.
    pub(super) fn conflict(&mut self, text: String) {
        note(&mut self.stats.conflicts, text);
    }

    /// Counts a request against what one second allows.
    pub(super) fn admit(&mut self) -> bool {
        let most = match self.switches.requests_per_second {
            0 => usize::MAX,
            most => most as usize,
        };
        let now = self.now();
        let second = SignedDuration::from_secs(1);
        let over = |at: Timestamp| now.duration_since(at) >= second;
        let admitted = count(&mut self.recent, now, most, over).is_ok();
        self.stats.throttled += u64::from(!admitted);
        admitted
    }

    pub(super) fn add_listing(&mut self, new: NewListing) -> String {
        self.last_listing += 1;
        let id = self.last_listing;
        let updated_at = self.now();
        self.listings.insert(
            id,
            Listing {
                id,
                sku: new.sku,
                title: new.title,
                price: cents(new.price),
                quantity: new.quantity,
                active: new.active,
                writes: 0,
                updated_at,
            },
        );
        id_of('L', id)
    }

    pub(super) fn remove_listing(&mut self, sku: &str) -> bool {
        let before = self.listings.len();
        self.listings.retain(|_, l| l.sku != sku);
        self.listings.len() < before
    }

    pub(super) fn edit_listings(&mut self, sku: &str, edit: impl Fn(&mut Listing)) -> bool {
        let now = self.now();
        let mut edited = false;
        for listing in self.listings.values_mut().filter(|l| l.sku == sku) {
            edit(listing);
            listing.updated_at = now;
            edited = true;
        }
        edited
    }

    pub(super) fn find_order(&self, key: &str) -> Option<&Order> {
        let by_id = number_of('O', key).and_then(|id| self.orders.get(&id));
        by_id.or_else(|| self.orders.values().find(|o| o.number == key))
    }

    /// A buyer buys. The error says why nothing came of it.
    pub(super) fn buy(
        &mut self,
        wanted: &[(&str, u32)],
        buyer: Buyer,
        options: &Purchase,
    ) -> Result<PlacedOrder, String> {
        let mut lines: Vec<Line> = Vec::new();
        let mut short = None;
        for &(sku, quantity) in wanted {
            let mut found = self.listings.values().filter(|l| l.sku == sku && l.active);
            let listing = found
                .next()
                .ok_or_else(|| format!("{sku} is not for sale"))?;
            if quantity == 0 || lines.iter().any(|l| l.listing == listing.id) {
                return Err(format!("{sku} has to be bought once, at least one piece"));
            }
            if quantity > listing.quantity {
                short = Some(format!(
                    "{quantity} x {sku} wanted, {} left",
                    listing.quantity
                ));
            }
            lines.push(Line {
                id: (lines.len() + 1).to_string(),
                listing: listing.id,
                sku: listing.sku.clone(),
                title: listing.title.clone(),
                price: listing.price,
                quantity,
                cancelled: 0,
                shipped: 0,
            });
        }
        if lines.is_empty() {
            return Err("nothing is bought; name a SKU".to_owned());
        }
        match short {
            Some(short) if !options.force => {
                self.stats.refused_sales += 1;
                return Err(short);
            }
            Some(_) => self.stats.forced_sales += 1,
            None => {}
        }
        self.stats.sales += 1;
        let now = self.now();
        for line in &lines {
            if let Some(listing) = self.listings.get_mut(&line.listing) {
                listing.quantity = listing.quantity.saturating_sub(line.quantity);
                listing.updated_at = now;
            }
        }
        let id = self.orders.len() as u64 + 1;
        let number = format!("{}-{}", self.config.order_prefix, FIRST_NUMBER + id - 1);
        let placed_at = options.placed_at.unwrap_or(now);
        let line_ids = lines.iter().map(|l| l.id.clone()).collect();
        self.orders.insert(
            id,
            Order {
                id,
                number: number.clone(),
                buyer,
                lines,
                parcels: Vec::new(),
                cancellations: Vec::new(),
                shipping: cents(options.shipping),
                placed_at,
                ship_by: placed_at + SignedDuration::from_hours(self.switches.ship_by_hours),
                updated_at: now,
            },
        );
        Ok(PlacedOrder {
            id: id_of('O', id),
            number,
            line_ids,
        })
    }

    pub(super) fn cancel_by_buyer(
        &mut self,
        key: &str,
        lines: &[(&str, u32)],
    ) -> Result<u32, String> {
        let order = self
            .find_order(key)
            .ok_or_else(|| format!("there is no order {key}"))?;
        let id = order.id;
        let mut units = Units::new();
        for (line, n) in lines {
            *units.entry((*line).to_owned()).or_default() += n;
        }
        if units.is_empty() {
            let open = order.lines.iter().map(|l| (l.id.clone(), l.open()));
            units = open.filter(|(_, n)| *n > 0).collect();
        }
        order.check_open(&units)?;
        self.drop_units(id, &units);
        Ok(units.values().sum())
    }

    /// Cancels open pieces, which can be bought again.
    pub(super) fn drop_units(&mut self, order: u64, units: &Units) {
        let now = self.now();
        let Some(order) = self.orders.get_mut(&order) else {
            return;
        };
        order.updated_at = now;
        for (id, n) in units {
            let Some(line) = order.line_mut(id) else {
                continue;
            };
            line.cancelled += n;
            if let Some(listing) = self.listings.get_mut(&line.listing) {
                listing.quantity += n;
                listing.updated_at = now;
            }
        }
    }

    /// Ships open pieces in a parcel; the parcel's place among those of the order.
    pub(super) fn ship_units(&mut self, order: u64, told: ParcelTold) -> Option<usize> {
        let now = self.now();
        let order = self.orders.get_mut(&order)?;
        for (id, n) in &told.units {
            order.line_mut(id)?.shipped += n;
        }
        self.last_parcel += 1;
        order.parcels.push(Parcel {
            id: self.last_parcel,
            told,
        });
        order.updated_at = now;
        Some(order.parcels.len() - 1)
    }
}

/// An id as it is told: a letter and a number.
pub(super) fn id_of(kind: char, number: u64) -> String {
    format!("{kind}{number}")
}

/// The number in an id of this kind, written exactly so.
pub(super) fn number_of(kind: char, id: &str) -> Option<u64> {
    let number = id.strip_prefix(kind)?.parse().ok()?;
    (id_of(kind, number) == id).then_some(number)
}

/// A time as answers give it.
pub(super) fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// Rounded to cents, with two digits.
pub(super) fn cents(value: Decimal) -> Decimal {
    let mut value = value.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    value.rescale(2);
    value
}

/// The tax inside an amount: goods and services tax is a tenth of the net price.
pub(super) fn tax_in(gross: Decimal) -> Decimal {
    cents(gross / Decimal::from(11))
}
