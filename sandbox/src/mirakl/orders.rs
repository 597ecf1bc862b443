//! Orders: how they come about, and the one place where a line changes its state.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::import_rows::STOCK_MAX;
use super::state::{Due, State, cents, millis};
use super::switches::{AfterRefusal, Lowered};
use super::views::{LineView, OrderView, PlacedOrder, Purchase, StateChange, TrackingView, Wish};
use crate::seller_center::Buyer;

const FIRST_ORDER: u64 = 4_411_902;

/// Where a line stands, from the least to the most advanced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Staging,
    WaitingAcceptance,
    WaitingDebit,
    WaitingDebitPayment,
    Shipping,
    Shipped,
    Received,
    Closed,
    Refused,
    Canceled,
    Refunded,
}

impl Stage {
    pub(super) const ALL: [Self; 11] = [
        Self::Staging,
        Self::WaitingAcceptance,
        Self::WaitingDebit,
        Self::WaitingDebitPayment,
        Self::Shipping,
        Self::Shipped,
        Self::Received,
        Self::Closed,
        Self::Refused,
        Self::Canceled,
        Self::Refunded,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Staging => "STAGING",
            Self::WaitingAcceptance => "WAITING_ACCEPTANCE",
            Self::WaitingDebit => "WAITING_DEBIT",
            Self::WaitingDebitPayment => "WAITING_DEBIT_PAYMENT",
            Self::Shipping => "SHIPPING",
            Self::Shipped => "SHIPPED",
            Self::Received => "RECEIVED",
            Self::Closed => "CLOSED",
            Self::Refused => "REFUSED",
            Self::Canceled => "CANCELED",
            Self::Refunded => "REFUNDED",
        }
    }

    /// States that orders and their filter know; lines know more.
    pub(super) fn known(text: &str) -> bool {
        text == "TO_COLLECT" || Self::ALL.iter().any(|s| s.as_str() == text)
    }

    /// Whether something may still come of the line.
    pub(super) fn alive(self) -> bool {
        self <= Self::Closed
    }

    /// Whether the customer's money is still to be collected.
    pub(super) fn before_debit(self) -> bool {
        self < Self::Shipping
    }
}

/// What one customer bought at once from this seller.
pub(super) struct Order {
    pub(super) id: String,
    pub(super) commercial_id: String,
    pub(super) buyer: Buyer,
    pub(super) lines: Vec<Line>,
    pub(super) shipping_type: String,
    pub(super) seller_reference: Option<String>,
    pub(super) tracking: TrackingView,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) accept_by: Timestamp,
    pub(super) decided_at: Option<Timestamp>,
    pub(super) debited_at: Option<Timestamp>,
    pub(super) ship_by: Option<Timestamp>,
}

/// Units of one SKU.
pub(super) struct Line {
    pub(super) id: String,
    pub(super) index: usize,
    pub(super) offer: u64,
    pub(super) sku: String,
    pub(super) center: String,
    pub(super) product_sku: String,
    pub(super) title: String,
    pub(super) stage: Stage,
    pub(super) quantity: u32,
    /// Charged for one unit, tax included.
    pub(super) unit_price: Decimal,
    /// Taken off one unit by the seller's promotion.
    pub(super) discount: Decimal,
    /// Charged for shipping the line, tax included.
    pub(super) shipping: Decimal,
    pub(super) cancelations: Vec<Returned>,
    pub(super) refunds: Vec<Returned>,
    pub(super) incident: bool,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) shipped_at: Option<Timestamp>,
    pub(super) received_at: Option<Timestamp>,
    pub(super) history: Vec<(Stage, Timestamp, &'static str)>,
}

/// A cancellation or refund of part of a line.
pub(super) struct Returned {
    pub(super) id: String,
    /// Groups the refunds of one call.
    pub(super) group: String,
    pub(super) quantity: u32,
    /// Tax included.
    pub(super) amount: Decimal,
    /// Tax included.
    pub(super) shipping: Decimal,
    pub(super) reason: Option<String>,
    /// These units will not be sent.
    pub(super) unsent: bool,
    pub(super) at: Timestamp,
}

impl Line {
    /// Charged for all units.
    pub(super) fn full_price(&self) -> Decimal {
        self.unit_price * Decimal::from(self.quantity)
    }

    /// What of it is not canceled. A refused line keeps its price.
    pub(super) fn price(&self) -> Decimal {
        self.full_price() - self.cancelations.iter().map(|c| c.amount).sum::<Decimal>()
    }

    /// What of the shipping is not canceled.
    pub(super) fn shipping_price(&self) -> Decimal {
        self.shipping
            - self
                .cancelations
                .iter()
                .map(|c| c.shipping)
                .sum::<Decimal>()
    }

    /// Units that will not be sent.
    pub(super) fn gone(&self) -> u32 {
        if self.stage == Stage::Refused {
            return self.quantity;
        }
        let unsent = self.refunds.iter().filter(|r| r.unsent);
        let all = self.cancelations.iter().chain(unsent);
        all.map(|r| r.quantity).sum::<u32>().min(self.quantity)
    }

    /// Money that can still be given back: price and shipping.
    pub(super) fn refundable(&self) -> (Decimal, Decimal) {
        let price: Decimal = self.refunds.iter().map(|r| r.amount).sum();
        let shipping: Decimal = self.refunds.iter().map(|r| r.shipping).sum();
        (self.price() - price, self.shipping_price() - shipping)
    }

    /// The word the line shows.
    pub(super) fn state(&self) -> &'static str {
        match self.incident && self.stage.alive() {
            true => "INCIDENT_OPEN",
            false => self.stage.as_str(),
        }
    }
}

impl Order {
    /// The state of the least advanced line that is still alive.
    pub(super) fn stage(&self) -> Stage {
        let alive = self.lines.iter().map(|l| l.stage).filter(|s| s.alive());
        if let Some(least) = alive.min() {
            return least;
        }
        let all = |stage| self.lines.iter().all(|l| l.stage == stage);
        let any = |stage| self.lines.iter().any(|l| l.stage == stage);
        match (all(Stage::Refused), any(Stage::Refunded)) {
            (true, _) => Stage::Refused,
            // A word of lines only: the order itself has ended.
            (_, true) => Stage::Closed,
            _ => Stage::Canceled,
        }
    }

    pub(super) fn line(&self, id: &str) -> Option<&Line> {
        self.lines.iter().find(|l| l.id == id)
    }
}

impl State {
    /// A customer buys. The error says why nothing came of it.
    pub(super) fn buy(
        &mut self,
        wanted: &[(&str, u32)],
        buyer: Buyer,
        options: &Purchase,
    ) -> Result<PlacedOrder, String> {
        let mut short = None;
        for &(sku, count) in wanted {
            let offer = self.by_sku.get(sku).and_then(|id| self.offers.get(id));
            let offer = offer.ok_or_else(|| format!("{sku} is not for sale"))?;
            if count == 0 {
                return Err(format!("{sku}: 0 wanted"));
            }
            if wanted.iter().filter(|(s, _)| *s == sku).count() > 1 {
                return Err(format!("{sku} is in the basket twice"));
            }
            let inactive = offer.inactivity(&self.switches);
            let too_few = offer.quantity < i64::from(count) || !inactive.is_empty();
            if too_few {
                let left = offer.quantity;
                short = Some(match inactive.first() {
                    Some(why) => format!("{sku}: {count} wanted, {left} available ({why})"),
                    None => format!("{sku}: {count} wanted, {left} available"),
                });
            }
            if offer.max_order_quantity.is_some_and(|most| count > most) {
                return Err(format!("{sku}: {count} wanted, the offer allows fewer"));
            }
        }
        if wanted.is_empty() {
            return Err("nothing is bought: the order has no lines".to_owned());
        }
        if let Some(short) = short {
            if !options.force {
                self.stats.refused_sales += 1;
                return Err(short);
            }
            self.stats.forced_sales += 1;
        }
        self.stats.sales += 1;
        Ok(self.place(wanted, buyer, options))
    }

    fn place(&mut self, wanted: &[(&str, u32)], buyer: Buyer, options: &Purchase) -> PlacedOrder {
        let now = self.now();
        let created_at = options.placed_at.unwrap_or(now);
        let number = self.next_id("order", FIRST_ORDER);
        let commercial_id = format!("{}-{number}", self.config.order_prefix);
        let id = format!("{commercial_id}-A");
        let mut lines = Vec::with_capacity(wanted.len());
        for (index, &(sku, quantity)) in wanted.iter().enumerate() {
            let lowered = self.switches.lowered == Lowered::AtOrder;
            let Some(offer) = self.offer_mut(sku) else {
                continue;
            };
            if lowered {
                offer.take(quantity);
            }
            let discount = options.discount_per_unit.min(offer.price);
            let offer = offer.clone();
            self.touch_offer(offer.id);
            lines.push(Line {
                id: format!("{id}-{}", index + 1),
                index: index + 1,
                offer: offer.id,
                sku: offer.sku,
                center: offer.center,
                product_sku: offer.product_sku,
                title: offer.title,
                stage: Stage::Staging,
                quantity,
                unit_price: cents(offer.price - discount),
                discount,
                shipping: options.shipping_per_line,
                cancelations: Vec::new(),
                refunds: Vec::new(),
                incident: false,
                created_at,
                updated_at: now,
                shipped_at: None,
                received_at: None,
                history: vec![(Stage::Staging, now, "customer")],
            });
        }
        let line_ids = lines.iter().map(|l| l.id.clone()).collect();
        self.listed.insert((created_at, id.clone()), ());
        self.orders.insert(
            id.clone(),
            Order {
                id: id.clone(),
                commercial_id,
                buyer,
                lines,
                shipping_type: options.shipping_type.clone(),
                seller_reference: None,
                tracking: TrackingView::default(),
                created_at,
                updated_at: now,
                accept_by: created_at + millis(self.switches.acceptance_deadline_ms),
                decided_at: None,
                debited_at: None,
                ship_by: None,
            },
        );
        if !options.staging {
            self.release(&id);
        }
        PlacedOrder { id, line_ids }
    }

    /// Moves the lines of an order that a test picks; returns how many.
    pub(super) fn move_lines(
        &mut self,
        order: &str,
        pick: impl Fn(&Line) -> bool,
        to: Stage,
        by: &'static str,
    ) -> usize {
        let now = self.now();
        let Some(order) = self.orders.get_mut(order) else {
            return 0;
        };
        let mut moved = 0;
        for line in order.lines.iter_mut().filter(|l| pick(l)) {
            line.stage = to;
            line.updated_at = now;
            line.history.push((to, now, by));
            match to {
                Stage::Shipped => line.shipped_at = Some(now),
                Stage::Received => line.received_at = Some(now),
                _ => {}
            }
            if !to.alive() {
                line.incident = false;
            }
            moved += 1;
        }
        if moved > 0 {
            order.updated_at = now;
        }
        moved
    }

    /// Marks an order as changed now.
    pub(super) fn touch(&mut self, order: &str) {
        let now = self.now();
        if let Some(order) = self.orders.get_mut(order) {
            order.updated_at = now;
        }
    }

    /// The operator's review ends well.
    pub(super) fn release(&mut self, id: &str) {
        let staged = |l: &Line| l.stage == Stage::Staging;
        if self.move_lines(id, staged, Stage::WaitingAcceptance, "operator") == 0 {
            return;
        }
        if self.switches.automatic_acceptance {
            self.decide(id, |_| true, "operator");
        } else if let Some(order) = self.orders.get(id) {
            self.at(order.accept_by, Due::AcceptanceEnds(id.to_owned()));
        }
    }

    /// Accepts and refuses the lines of an order that waits for it.
    pub(super) fn decide(&mut self, id: &str, accepted: impl Fn(&Line) -> bool, by: &'static str) {
        let now = self.now();
        let waiting = |l: &Line| l.stage == Stage::WaitingAcceptance;
        let refused = |l: &Line| waiting(l) && !accepted(l);
        let lines = |state: &Self, pick: &dyn Fn(&Line) -> bool| {
            let lines = state.orders.get(id).map_or(&[][..], |o| &o.lines);
            let picked = lines.iter().filter(|l| pick(l));
            picked.map(|l| (l.offer, l.quantity)).collect::<Vec<_>>()
        };
        let (out, kept) = (
            lines(self, &refused),
            lines(self, &|l| waiting(l) && accepted(l)),
        );
        self.move_lines(id, refused, Stage::Refused, by);
        let taken = self.move_lines(id, waiting, Stage::WaitingDebit, by);
        for (offer, units) in out {
            let (rule, lowered) = (self.switches.refusal, self.switches.lowered);
            if let Some(offer) = self.offers.get_mut(&offer) {
                match rule {
                    AfterRefusal::Zeroes => offer.empty(),
                    AfterRefusal::GivesBack if lowered == Lowered::AtOrder => {
                        offer.give_back(units);
                    }
                    AfterRefusal::GivesBack | AfterRefusal::Keeps => {}
                }
            }
            self.touch_offer(offer);
        }
        if self.switches.lowered == Lowered::AtAcceptance {
            for (offer, units) in kept {
                if let Some(offer) = self.offers.get_mut(&offer) {
                    offer.take(units);
                }
                self.touch_offer(offer);
            }
        }
        if let Some(order) = self.orders.get_mut(id).filter(|_| by == "seller") {
            order.decided_at = Some(now);
        }
        if taken > 0
            && let Some(delay) = self.switches.debit_delay_ms
        {
            self.later(delay / 2, Due::DebitAsked(id.to_owned()));
            self.later(delay, Due::DebitAnswered(id.to_owned()));
        }
    }

    /// Nobody decided in time.
    pub(super) fn refuse_overdue(&mut self, id: &str) {
        let waiting = |o: &Order| o.stage() == Stage::WaitingAcceptance;
        if self.orders.get(id).is_some_and(waiting) {
            self.decide(id, |_| false, "operator");
        }
    }

    /// The operator asks for the money.
    pub(super) fn ask_debit(&mut self, id: &str) {
        let pick = |l: &Line| l.stage == Stage::WaitingDebit;
        self.move_lines(id, pick, Stage::WaitingDebitPayment, "operator");
    }

    /// The money is there, or will never be.
    pub(super) fn answer_debit(&mut self, id: &str) {
        match self.switches.debit_refused {
            true => _ = self.refuse_debit(id),
            false => _ = self.debit(id),
        }
    }

    /// The money is there: what was accepted can be shipped. False when nothing waited for it.
    pub(super) fn debit(&mut self, id: &str) -> bool {
        let pick = |l: &Line| matches!(l.stage, Stage::WaitingDebit | Stage::WaitingDebitPayment);
        let moved = self.move_lines(id, pick, Stage::Shipping, "operator");
        let now = self.now();
        if let Some(order) = self.orders.get_mut(id).filter(|_| moved > 0) {
            order.debited_at = Some(now);
            order.ship_by = Some(now + millis(2 * 24 * 3_600_000));
        }
        moved > 0
    }

    /// The payment fails. False when nothing waited for it.
    pub(super) fn refuse_debit(&mut self, id: &str) -> bool {
        let pick = |l: &Line| matches!(l.stage, Stage::WaitingDebit | Stage::WaitingDebitPayment);
        self.cancel(id, pick, "operator") > 0
    }

    /// Cancels what is not shipped of lines, gives their units back when the switches say so, and returns how many
    /// lines there were.
    pub(super) fn cancel(
        &mut self,
        id: &str,
        pick: impl Fn(&Line) -> bool,
        by: &'static str,
    ) -> usize {
        let now = self.now();
        let lines = self.orders.get(id).map_or(&[][..], |o| &o.lines);
        let picked: Vec<(String, u64, u32)> = lines
            .iter()
            .filter(|l| l.stage.alive() && pick(l))
            .map(|l| (l.id.clone(), l.offer, self.in_shipments(&l.id, true)))
            .collect();
        for (line, offer, shipped) in &picked {
            self.unpack(line);
            let order = self.orders.get_mut(id);
            let Some(line) = order.and_then(|o| o.lines.iter_mut().find(|l| l.id == *line)) else {
                continue;
            };
            let units = line.quantity - line.gone() - shipped;
            let number = line.cancelations.len() + 1;
            line.cancelations.push(Returned {
                id: format!("{}-C{number}", line.id),
                group: String::new(),
                quantity: units,
                amount: line.price() - line.unit_price * Decimal::from(*shipped),
                shipping: match shipped {
                    0 => line.shipping_price(),
                    _ => Decimal::ZERO,
                },
                reason: None,
                unsent: true,
                at: now,
            });
            self.give_back(*offer, units);
        }
        let whole = |l: &Line| picked.iter().any(|(id, _, n)| *id == l.id && *n == 0);
        self.move_lines(id, whole, Stage::Canceled, by);
        if !picked.is_empty() {
            self.settle_lines(id);
        }
        picked.len()
    }

    /// Puts canceled units back on sale, when the switches say so.
    pub(super) fn give_back(&mut self, offer: u64, units: u32) {
        if !self.switches.cancellation_gives_back {
            return;
        }
        if let Some(offer) = self
            .offers
            .get_mut(&offer)
            .filter(|o| o.quantity < STOCK_MAX)
        {
            offer.give_back(units);
        }
        self.touch_offer(offer);
    }

    /// The customer wants out.
    pub(super) fn wish_to_cancel(&mut self, id: &str) -> Result<Wish, String> {
        let order = self
            .orders
            .get_mut(id)
            .ok_or_else(|| format!("there is no order {id}"))?;
        match order.stage() {
            stage if stage.before_debit() => {
                self.cancel(id, |l| l.stage.before_debit(), "customer");
                Ok(Wish::Canceled)
            }
            Stage::Shipping => {
                for line in order.lines.iter_mut().filter(|l| l.stage.alive()) {
                    line.incident = true;
                }
                self.touch(id);
                Ok(Wish::Incident)
            }
            stage => Err(format!("order {id} is {}: too late", stage.as_str())),
        }
    }

    /// What was shipped has arrived.
    pub(super) fn receive(&mut self, id: &str) {
        let pick = |l: &Line| l.stage == Stage::Shipped;
        self.move_lines(id, pick, Stage::Received, "operator");
    }

    /// Marks lines as shipped, and looks ahead to their arrival.
    pub(super) fn ship_lines(&mut self, id: &str, pick: impl Fn(&Line) -> bool) {
        let shipping = |l: &Line| l.stage == Stage::Shipping && pick(l);
        self.move_lines(id, shipping, Stage::Shipped, "seller");
        if let Some(delay) = self.switches.received_delay_ms {
            self.later(delay, Due::Received(id.to_owned()));
        }
    }

    pub(super) fn order_view(&self, order: &Order) -> OrderView {
        OrderView {
            id: order.id.clone(),
            state: order.stage().as_str().to_owned(),
            created_at: order.created_at,
            updated_at: order.updated_at,
            accept_by: order.accept_by,
            ship_by: order.ship_by,
            buyer: order.buyer.clone(),
            seller_reference: order.seller_reference.clone(),
            tracking: order.tracking.clone(),
            lines: order.lines.iter().map(|l| self.line_view(l)).collect(),
            shipments: self
                .shipments
                .iter()
                .filter(|s| s.order == order.id)
                .map(|s| s.view())
                .collect(),
        }
    }

    fn line_view(&self, line: &Line) -> LineView {
        let live = line.quantity - line.gone();
        let whole = line.shipped_at.is_some();
        LineView {
            id: line.id.clone(),
            sku: line.sku.clone(),
            center: line.center.clone(),
            state: line.state().to_owned(),
            quantity: line.quantity,
            canceled: line.gone(),
            shipped: match whole {
                true => live,
                false => self.in_shipments(&line.id, true),
            },
            unit_price: line.unit_price,
            shipping_price: line.shipping,
            refunded: line.refunds.iter().map(|r| r.amount + r.shipping).sum(),
            incident: line.incident,
            history: line
                .history
                .iter()
                .map(|(stage, at, by)| StateChange {
                    state: stage.as_str().to_owned(),
                    at: *at,
                    by: (*by).to_owned(),
                })
                .collect(),
        }
    }
}
