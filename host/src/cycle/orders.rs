//! Orders of the channel become Shopify orders, each exactly once.

use std::collections::HashMap;

use jiff::ToSpan;

use super::{Cycle, Mode, Step, Stop, channel, shopify, stops_flow};
use crate::crash;
use crate::db::{
    self, Bundles, ChannelRow, CreatedFrom, HintKind, Intent, IntentKind, OrderRow, OrderState,
    ShopRow, Store,
};
use crate::model::{CreatedOrder, Fault, Instant, Key, NewOrder, Order};
use crate::sync::counted;
use crate::sync::orders::{
    Context, Decision, LINE_PROPERTY, PART_PROPERTY, channel_name, decide, ship_by,
};
use crate::telemetry;
use crate::trace::because;

/// Orders of one request that reads them by id.
const READ_TOGETHER: usize = 50;
/// How an order came into Shopify that was created just now.
const CREATED: &str = "created";
/// How far before the first import the walk begins: open orders from before bind stock at the channel.
const FIRST_WINDOW_DAYS: i64 = 30;

/// What is needed beside an order to say how it looks in Shopify.
pub struct OrderContext<'a> {
    row: &'a ChannelRow,
    currency: &'a str,
    variants: HashMap<String, Vec<String>>,
    bundles: Bundles,
}

/// Reads it: which of the order's SKUs are bundles, and the variants that have the SKUs.
pub async fn context_of<'a>(
    store: &Store,
    shop: &'a ShopRow,
    row: &'a ChannelRow,
    order: &Order,
) -> Result<OrderContext<'a>, db::Error> {
    let skus: Vec<String> = order.lines.iter().filter_map(|l| l.sku.clone()).collect();
    let key = row.key.clone();
    let (variants, bundles) = store
        .read(move |tx| {
            let mut bundles = Bundles::new();
            let mut variants = HashMap::new();
            for sku in skus {
                let parts = tx.parts_of(&key, &sku)?;
                let wanted = (parts.iter().map(|p| p.sku.clone())).chain([sku.clone()]);
                for sku in wanted {
                    let found = tx.variants_with_sku(&key.shop, &sku)?;
                    variants.insert(sku, found.into_iter().map(|v| v.variant).collect());
                }
                bundles.insert(sku, parts);
            }
            Ok((variants, bundles))
        })
        .await?;
    Ok(OrderContext {
        row,
        currency: shop.info.as_ref().map_or("", |i| i.currency.as_str()),
        variants,
        bundles,
    })
}

/// Stores an order as read. True when it is new or changed.
fn store_order(
    tx: &db::Tx<'_>,
    key: &Key,
    order: &Order,
    ship_by: Option<Instant>,
    now: Instant,
) -> Result<bool, db::Error> {
    let (new, differs) = tx.put_order(key, order, ship_by, now)?;
    if new {
        let units: u32 = order.lines.iter().map(|l| l.quantity).sum();
        let text = format!(
            "order {} seen: {}, {} at the channel",
            order.number,
            counted(units, "unit"),
            order.native_state
        );
        tx.record(key, &format!("order:{}", order.id), "seen", &text, now)?;
    }
    Ok(differs)
}

impl OrderContext<'_> {
    /// Asks a question about the order.
    pub fn with<T>(&self, ask: impl FnOnce(&Context<'_>) -> T) -> T {
        ask(&Context {
            key: &self.row.key,
            title: &self.row.title,
            policy: &self.row.policy,
            orders_from: self.row.orders_from,
            customer: None,
            currency: self.currency,
            variants: &|sku| self.variants.get(sku).cloned().unwrap_or_default(),
            parts: &|sku| self.bundles.get(sku).cloned().unwrap_or_default(),
        })
    }
}

impl Cycle {
    /// Stores every order that changed. The cursor moves in the transaction that stores the last page, so a
    /// killed run reads the window again.
    pub(super) async fn read_orders(&mut self) -> Step<()> {
        let key = self.key().clone();
        let started = self.now();
        self.read_hinted_orders().await?;
        let mark = self
            .store
            .read({
                let key = key.clone();
                move |tx| tx.mark(&key, "orders")
            })
            .await?;
        let since = match mark {
            Some(mark) => self.overlapping(mark),
            None => self
                .row
                .orders_from
                .checked_sub((FIRST_WINDOW_DAYS * 24).hours())
                .unwrap_or(self.row.orders_from),
        };
        let mut next: Option<String> = None;
        let mut seen = std::collections::HashSet::new();
        let mut newest: Option<Instant> = None;
        let hours = self.connector.manifest().orders.dispatch_hours;
        loop {
            let page = self
                .connector
                .orders_changed(since, next.as_deref())
                .await
                .map_err(channel)?;
            newest = page
                .orders
                .iter()
                .filter_map(|o| o.updated_at)
                .chain(newest)
                .max();
            let (last, wait_ms) = (page.next.is_none(), page.wait_ms);
            // The channel's clock, where it tells one: ours may run ahead of it.
            let mark = newest.map_or(started, |n| n.min(started));
            let policy = self.row.policy.clone();
            let key = key.clone();
            crash::point("orders-page-before");
            let changed = self
                .store
                .fenced(&self.lease, move |tx| {
                    let mut changed = 0;
                    for order in &page.orders {
                        let ship_by = ship_by(order, &policy, hours);
                        changed += u32::from(store_order(tx, &key, order, ship_by, started)?);
                    }
                    if last {
                        tx.set_mark(&key, "orders", mark)?;
                    }
                    Ok(changed)
                })
                .await?;
            crash::point("orders-page-after");
            self.report.orders_read += changed;
            match page.next {
                Some(cursor) => {
                    if !seen.insert(cursor.clone()) {
                        return Err(channel(Fault::Protocol {
                            detail: format!(
                                "the plugin's orders walk repeats the cursor \"{cursor}\""
                            ),
                        }));
                    }
                    self.wait_for_page(wait_ms).await;
                    next = Some(cursor);
                }
                None => break,
            }
        }
        self.reread_orders(started).await
    }

    /// Reads the orders that messages named, by id. They go first: a list of changes may not know of them yet.
    async fn read_hinted_orders(&mut self) -> Step<()> {
        let named = self.take_hints(HintKind::Order).await?;
        if named.is_empty() {
            return Ok(());
        }
        match self.read_back(&named).await {
            Ok(changed) => self.report.orders_read += changed,
            // Nothing proves that what was named exists, or is an id at all: the list of changes is what counts.
            Err(Stop::Fault { fault, .. }) => {
                tracing::info!(channel = %self.key(), "orders that messages named: {fault}");
            }
            Err(other) => return Err(other),
        }
        Ok(())
    }

    /// Reads orders that are not finished by id now and then: a change that a list of changes left out is found so.
    async fn reread_orders(&mut self, started: Instant) -> Step<()> {
        let key = self.key().clone();
        let (last, open) = self
            .store
            .read({
                let key = key.clone();
                move |tx| {
                    Ok((
                        tx.mark(&key, "orders-reread")?,
                        tx.open_channel_orders(&key)?,
                    ))
                }
            })
            .await?;
        let due = last.is_none_or(|t| started.duration_since(t).as_secs() >= self.reread_s());
        if !due {
            return Ok(());
        }
        self.report.orders_read += self.read_back(&open).await?;
        self.store
            .fenced(&self.lease, move |tx| {
                tx.set_mark(&key, "orders-reread", started)
            })
            .await?;
        Ok(())
    }

    /// Reads one order again, after something was done to it.
    pub(super) async fn read_again(&mut self, id: &str) -> Step<()> {
        let scope = self.about(id, "read again");
        scope.run(self.read_back(&[id.to_owned()])).await?;
        Ok(())
    }

    /// Reads orders back from the channel by id. Answers how many changed.
    pub(super) async fn read_back(&mut self, ids: &[String]) -> Step<u32> {
        let mut changed = 0;
        for chunk in ids.chunks(READ_TOGETHER) {
            let orders = self.connector.orders_by_id(chunk).await.map_err(channel)?;
            let (key, now, policy, hours) = (
                self.key().clone(),
                self.now(),
                self.row.policy.clone(),
                self.connector.manifest().orders.dispatch_hours,
            );
            changed += self
                .store
                .fenced(&self.lease, move |tx| {
                    let mut changed = 0;
                    for order in &orders {
                        let ship_by = ship_by(order, &policy, hours);
                        changed += u32::from(store_order(tx, &key, order, ship_by, now)?);
                    }
                    Ok(changed)
                })
                .await?;
        }
        Ok(changed)
    }

    /// Settles creations of unknown fate, then creates what is ready.
    pub(super) async fn create_orders(&mut self) -> Step<()> {
        let key = self.key().clone();
        if self.mode == Mode::Act {
            let open = self
                .store
                .read({
                    let key = key.clone();
                    move |tx| tx.open_intents(&key, IntentKind::OrderCreate)
                })
                .await?;
            for intent in open {
                let scope = self.about(&intent.subject, "look-up after a lost answer");
                scope.run(self.settle_creation(intent)).await?;
            }
        }
        let states = [
            OrderState::Seen,
            OrderState::Held,
            OrderState::Ready,
            OrderState::Blocked,
        ];
        let waiting = self
            .store
            .read({
                let key = key.clone();
                move |tx| tx.orders_in(&key, &states)
            })
            .await?;
        if waiting.is_empty() {
            return Ok(());
        }
        let customer = if self.mode == Mode::Act {
            Some(self.customer().await?)
        } else {
            None
        };
        for row in waiting {
            // Its answer comes first.
            if row.snapshot.awaits_acceptance.is_some() && row.snapshot.sellers && self.answers() {
                continue;
            }
            let decision = self.decide(&row, customer.clone()).await?;
            self.carry_out(&row, decision).await?;
        }
        Ok(())
    }

    async fn decide(&self, row: &OrderRow, customer: Option<String>) -> Step<Decision> {
        let context = context_of(&self.store, &self.shop.row, &self.row, &row.snapshot).await?;
        Ok(context.with(|cx| {
            let cx = Context { customer, ..*cx };
            decide(&row.snapshot, row.manual_hold, &cx)
        }))
    }

    async fn carry_out(&mut self, row: &OrderRow, decision: Decision) -> Step<()> {
        let (state, reason, attention) = match decision {
            Decision::Create {
                order,
                alarm,
                remark,
            } => {
                if self.mode == Mode::Plan {
                    let lines: Vec<String> = order
                        .lines
                        .iter()
                        .map(|l| {
                            format!("{} x {}", l.quantity, l.sku.as_deref().unwrap_or(&l.title))
                        })
                        .collect();
                    self.report
                        .orders_to_create
                        .push((row.number.clone(), lines.join(", ")));
                    return Ok(());
                }
                let order = match self.edited(row, *order).await? {
                    Ok(order) => order,
                    Err(why) => {
                        return self
                            .put_decision(row, OrderState::Blocked, Some(why), true)
                            .await;
                    }
                };
                if let Some(remark) = remark {
                    self.record(format!("order:{}", row.id), "total-differs", remark)
                        .await?;
                }
                let scope = self.about(&row.id, "create");
                return scope.run(self.create(row, order, alarm)).await;
            }
            Decision::Hold(why) => (OrderState::Held, Some(why), false),
            Decision::Block(why) => (OrderState::Blocked, Some(why), true),
            Decision::Cancelled => (
                OrderState::Cancelled,
                Some("every unit was cancelled before it came here".to_owned()),
                false,
            ),
            Decision::Ignore(why) => (OrderState::Ignored, Some(why), false),
        };
        self.put_decision(row, state, reason, attention).await
    }

    /// Notes where an order stands when that is news.
    async fn put_decision(
        &mut self,
        row: &OrderRow,
        state: OrderState,
        reason: Option<String>,
        attention: bool,
    ) -> Step<()> {
        if let (OrderState::Held | OrderState::Blocked, Some(why)) = (state, &reason) {
            self.report
                .orders_waiting
                .push((row.number.clone(), why.clone()));
        }
        if (row.state, &row.reason) != (state, &reason) {
            let (key, id, text, now) = (
                self.key().clone(),
                row.id.clone(),
                reason.clone().unwrap_or_default(),
                self.now(),
            );
            self.store
                .fenced(&self.lease, move |tx| {
                    tx.set_order_state(&key, &id, state, reason.as_deref(), attention)?;
                    tx.record(&key, &format!("order:{id}"), state.text(), &text, now)
                })
                .await?;
        }
        Ok(())
    }

    async fn create(&mut self, row: &OrderRow, order: NewOrder, alarm: Option<String>) -> Step<()> {
        // Never created here; but a database that was restored from a backup may not know that it was.
        let look_up = because(
            "look-up before it is created",
            self.look_up(&row.id, &order),
        );
        let known = look_up.await?;
        let (key, id, now) = (self.key().clone(), row.id.clone(), self.now());
        let payload = crate::db::json(&order);
        crash::point("order-create-before-intent");
        let intent = self
            .store
            .fenced(&self.lease, {
                let (key, id) = (key.clone(), id.clone());
                move |tx| {
                    // Somebody may have put a hold on it since it was decided on.
                    if tx.order(&key, &id)?.is_some_and(|o| o.manual_hold) {
                        return Ok(None);
                    }
                    tx.set_order_state(&key, &id, OrderState::Creating, None, false)?;
                    tx.begin_intent(&key, IntentKind::OrderCreate, &id, &payload, now)
                        .map(Some)
                }
            })
            .await?;
        let Some(intent) = intent else { return Ok(()) };
        match known {
            Some(found) => {
                self.created(intent, &row.id, found, "found in Shopify")
                    .await?
            }
            None => self.send_creation(intent, &row.id, &order).await?,
        }
        if let Some(alarm) = alarm {
            let id = row.id.clone();
            self.store
                .fenced(&self.lease, move |tx| match tx.order(&key, &id)? {
                    Some(o) if o.state == OrderState::Created => {
                        tx.set_order_state(&key, &id, OrderState::Created, Some(&alarm), true)?;
                        tx.record(&key, &format!("order:{id}"), "alarm", &alarm, now)
                    }
                    _ => Ok(()),
                })
                .await?;
        }
        Ok(())
    }

    /// Sends under a committed intent and settles it by the answer.
    async fn send_creation(&mut self, intent: i64, id: &str, order: &NewOrder) -> Step<()> {
        crash::point("order-create-before-send");
        let answer = self.shop.shop.create_order(order).await;
        crash::point("order-create-after-answer");
        match answer {
            Ok(created) => self.created(intent, id, created, CREATED).await,
            // An order with our marker exists already: it is ours, from a run that did not live to note it.
            Err(fault @ Fault::Rejected { .. }) => {
                let look_up = because("look-up after a refusal", self.look_up(id, order));
                match look_up.await? {
                    Some(found) => self.created(intent, id, found, "found in Shopify").await,
                    None => {
                        if fault.to_string().to_lowercase().contains("customer") {
                            // The channel's customer may have been merged or deleted: it is made again for the next try.
                            let key = self.key().clone();
                            self.store
                                .fenced(&self.lease, move |tx| tx.clear_cursor(&key, "customer"))
                                .await?;
                        }
                        let text = format!("Shopify refuses the order: {fault}");
                        self.not_created(intent, id, OrderState::Blocked, text, true)
                            .await
                    }
                }
            }
            Err(fault) if fault.may_have_happened() => {
                self.record(
                    format!("order:{id}"),
                    "unknown",
                    format!(
                        "it is not known whether Shopify has the order: {fault}; it is looked up, and sent again only when it is surely not there"
                    ),
                )
                .await
            }
            Err(fault) => {
                self.not_created(
                    intent,
                    id,
                    OrderState::Ready,
                    format!("not sent: {fault}; tried again when the channel is worked next"),
                    false,
                )
                .await?;
                if stops_flow(&fault) {
                    Err(shopify(fault))
                } else {
                    Ok(())
                }
            }
        }
    }

    async fn created(
        &mut self,
        intent: i64,
        id: &str,
        created: CreatedOrder,
        how: &'static str,
    ) -> Step<()> {
        let lines: Vec<CreatedFrom> = created
            .lines
            .iter()
            .filter_map(|l| {
                let told = |key| Some(&l.properties.iter().find(|p| p.key == key)?.value);
                Some(CreatedFrom {
                    shop_line: l.id.clone(),
                    lines: told(LINE_PROPERTY)?.split(',').map(str::to_owned).collect(),
                    part: told(PART_PROPERTY).cloned(),
                })
            })
            .collect();
        let (key, id, now) = (self.key().clone(), id.to_owned(), self.now());
        crash::point("order-create-before-settle");
        let placed = self
            .store
            .fenced(&self.lease, move |tx| {
                let placed = tx.order(&key, &id)?.map(|row| row.snapshot.placed_at);
                tx.order_created(&key, &id, &created, &lines, now)?;
                tx.settle(intent, how, now)?;
                tx.record(
                    &key,
                    &format!("order:{id}"),
                    "created",
                    &format!("{how} as {} ({})", created.name, created.id),
                    now,
                )?;
                Ok(placed)
            })
            .await?;
        // When one that was found was created, nobody knows.
        if let Some(placed) = placed.filter(|_| how == CREATED) {
            telemetry::order_created(self.key(), placed, now);
        }
        crash::point("order-create-after-settle");
        self.report.orders_created += 1;
        Ok(())
    }

    async fn not_created(
        &mut self,
        intent: i64,
        id: &str,
        state: OrderState,
        why: String,
        attention: bool,
    ) -> Step<()> {
        let (key, id, now) = (self.key().clone(), id.to_owned(), self.now());
        self.report.problems.push(format!("order {id}: {why}"));
        self.store
            .fenced(&self.lease, move |tx| {
                tx.set_order_state(&key, &id, state, Some(&why), attention)?;
                tx.settle(intent, &why, now)?;
                let kind = match state {
                    OrderState::Ready => "not-created",
                    state => state.text(),
                };
                tx.record_news(&key, &format!("order:{id}"), kind, &why, now)
            })
            .await?;
        Ok(())
    }

    /// The Shopify order that carries the order's reference, if there is one. That it cannot be looked up is told.
    async fn look_up(&self, id: &str, order: &NewOrder) -> Step<Option<CreatedOrder>> {
        let found = self.shop.shop.find_order(&order.reference).await;
        self.looked_up(id, found).await
    }

    async fn looked_up<T>(&self, id: &str, found: Result<T, Fault>) -> Step<T> {
        match found {
            Ok(found) => Ok(found),
            Err(fault) => {
                let text = format!(
                    "not created yet, since it cannot be looked up in Shopify: {fault}; tried again when the channel is worked next"
                );
                self.record_news(format!("order:{id}"), "not-looked-up", text)
                    .await?;
                Err(shopify(fault))
            }
        }
    }

    /// A creation was begun and its fate is not on record: look it up; send it again only after it was not found
    /// twice, long enough after it was sent, and the search does not know it either.
    async fn settle_creation(&mut self, intent: Intent) -> Step<()> {
        let order: NewOrder = crate::db::unjson(&intent.payload, "intent.payload")?;
        if let Some(found) = self.look_up(&intent.subject, &order).await? {
            return self
                .created(intent.id, &intent.subject, found, "found in Shopify")
                .await;
        }
        let now = self.now();
        let old_enough =
            now.duration_since(intent.attempted_at).as_secs() >= i64::from(self.row.policy.doubt_s);
        if intent.looked_up == 0 || !old_enough {
            let (key, id, looked_up) = (self.key().clone(), intent.id, intent.looked_up);
            let subject = format!("order:{}", intent.subject);
            let again = intent
                .attempted_at
                .checked_add(i64::from(self.row.policy.doubt_s).seconds())
                .unwrap_or(intent.attempted_at)
                .max(now);
            self.store
                .fenced(&self.lease, move |tx| {
                    if looked_up == 0 {
                        let text = format!(
                            "the answer to its creation is missing, and Shopify does not show the order yet: looked up again, and sent again after {again:.0} if it is still not there"
                        );
                        tx.record(&key, &subject, "looked-up", &text, now)?;
                    }
                    tx.count_look_up(id)
                })
                .await?;
            self.report.orders_waiting.push((
                order.name.clone(),
                "being looked up in Shopify before it is sent again".into(),
            ));
            return Ok(());
        }
        let found = self.shop.shop.search_order(&order.reference).await;
        match self.looked_up(&intent.subject, found).await?.as_slice() {
            [] => {}
            [one] => {
                return self
                    .created(intent.id, &intent.subject, one.clone(), "found in Shopify")
                    .await;
            }
            many => {
                // Held, so that nothing is created while somebody sorts it out.
                let (key, id) = (self.key().clone(), intent.subject.clone());
                self.store
                    .fenced(&self.lease, move |tx| tx.set_manual_hold(&key, &id, true))
                    .await?;
                let text = format!(
                    "{} orders in Shopify carry the reference {}: cancel all but one there, then `lockstep release` it",
                    many.len(),
                    order.reference
                );
                return self
                    .not_created(intent.id, &intent.subject, OrderState::Blocked, text, true)
                    .await;
            }
        }
        let (id, now) = (intent.id, self.now());
        self.store
            .fenced(&self.lease, move |tx| tx.try_again(id, now))
            .await?;
        self.record(
            format!("order:{}", intent.subject),
            "again",
            "its answer was lost, and it was not found in Shopify twice: sent again".into(),
        )
        .await?;
        let again = self.send_creation(intent.id, &intent.subject, &order);
        because("create again", again).await
    }

    /// The customer that stands for the channel, and the definitions that make references unique; once per channel.
    async fn customer(&mut self) -> Step<String> {
        let key = self.key().clone();
        let known = self
            .store
            .read({
                let key = key.clone();
                move |tx| tx.cursor(&key, "customer")
            })
            .await?;
        if let Some(id) = known {
            return Ok(id);
        }
        self.shop.shop.ensure_definitions().await.map_err(shopify)?;
        let (first, last) = channel_name(&self.row.title);
        let id = self
            .shop
            .shop
            .ensure_customer(&key.channel, &first, &last)
            .await
            .map_err(shopify)?;
        let stored = id.clone();
        self.store
            .fenced(&self.lease, move |tx| {
                tx.set_cursor(&key, "customer", &stored)
            })
            .await?;
        Ok(id)
    }
}
