//! Shipments in Shopify become parcels at the channel.

use jiff::ToSpan;

use super::stock::Lowered;
use super::{Cycle, Mode, Step, shopify, stops_flow};
use crate::crash;
use crate::db::{HintKind, IntentKind, OrderState, ParcelRow, ParcelState, UnitRow};
use crate::model::{Fault, Instant, Key, ParcelOut, ShopOrder};
use crate::sync::fulfillments::{
    Context, PARTS_ONLY, carried, contents, is_last, number_in, reconcile,
};
use crate::trace::because;

/// So long after an order was created its shipments are watched, though it is closed: a merchant may correct one.
const WATCHED_DAYS: i64 = 30;
/// Without the scope `read_all_orders` Shopify hides what is older than sixty days: missing does not mean deleted then.
const VISIBLE_DAYS: i64 = 55;

impl Cycle {
    /// Reads what changed on the channel's Shopify orders and brings units and parcels in line.
    pub(super) async fn read_shop_orders(&mut self) -> Step<()> {
        let key = self.key().clone();
        let started = self.now();
        let watched = started
            .checked_sub((WATCHED_DAYS * 24).hours())
            .unwrap_or(started);
        let (since, reread, open, quiet) = self
            .store
            .read({
                let key = key.clone();
                move |tx| {
                    Ok((
                        tx.mark(&key, "shop-orders")?,
                        tx.mark(&key, "shop-orders-reread")?,
                        tx.open_shop_orders(&key)?,
                        !tx.created_since(&key, watched)?,
                    ))
                }
            })
            .await?;
        if open.is_empty() && quiet {
            // Nothing of this channel can have changed.
            self.store
                .fenced(&self.lease, move |tx| {
                    tx.set_mark(&key, "shop-orders", started)
                })
                .await?;
            return Ok(());
        }
        let from = self.overlapping(since.unwrap_or(self.row.orders_from));
        let mut cursor: Option<String> = None;
        loop {
            let page = self
                .shop
                .shop
                .orders_updated_since(from, cursor.as_deref())
                .await
                .map_err(shopify)?;
            self.take_shop_orders(page.orders).await?;
            match page.next {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        // What Shopify's search does not show yet, its messages may have named.
        let named = self.take_hints(HintKind::ShopOrder).await?;
        for chunk in named.chunks(50) {
            let orders = self.shop.shop.orders_by_id(chunk).await.map_err(shopify)?;
            self.take_shop_orders(orders).await?;
        }
        let due = reread.is_none_or(|t| started.duration_since(t).as_secs() >= self.reread_s());
        if due {
            let ids: Vec<String> = open.into_iter().map(|(_, shop)| shop).collect();
            for chunk in ids.chunks(50) {
                let orders = self.shop.shop.orders_by_id(chunk).await.map_err(shopify)?;
                let missing: Vec<String> = chunk
                    .iter()
                    .filter(|id| orders.iter().all(|o| o.id != **id))
                    .cloned()
                    .collect();
                self.take_shop_orders(orders).await?;
                self.note_deleted(missing, started).await?;
            }
        }
        self.store
            .fenced(&self.lease, move |tx| {
                if due {
                    tx.set_mark(&key, "shop-orders-reread", started)?;
                }
                tx.set_mark(&key, "shop-orders", started)
            })
            .await?;
        Ok(())
    }

    /// Orders that Shopify does not have any more: somebody deleted them there.
    async fn note_deleted(&mut self, shop_orders: Vec<String>, now: Instant) -> Step<()> {
        let visible = now.checked_sub((VISIBLE_DAYS * 24).hours()).unwrap_or(now);
        for shop_order in shop_orders {
            let key = self.key().clone();
            let told = self
                .store
                .fenced(&self.lease, move |tx| {
                    let Some(row) = tx.order_by_shop_order(&key, &shop_order)? else {
                        return Ok(None);
                    };
                    if row.created_at.is_none_or(|t| t < visible) {
                        return Ok(None);
                    }
                    let subject = format!("order:{}", row.id);
                    let text = format!(
                        "order {} was deleted in Shopify ({shop_order}), but is still open at the channel: `lockstep release` creates it anew, or cancel it at the channel",
                        row.number
                    );
                    if !tx.order_deleted(&key, &row.id, &text)? {
                        let text = format!(
                            "order {} was deleted in Shopify ({shop_order}) after the channel was told of a parcel: settle the rest with the channel by hand",
                            row.number
                        );
                        if tx.recorded(&key, &subject, "deleted", &text)? {
                            return Ok(None);
                        }
                        tx.set_order_state(&key, &row.id, row.state, Some(&text), true)?;
                        tx.record(&key, &subject, "deleted", &text, now)?;
                        return Ok(Some(text));
                    }
                    tx.record(&key, &subject, "deleted", &text, now)?;
                    Ok(Some(text))
                })
                .await?;
            self.report.problems.extend(told);
        }
        Ok(())
    }

    /// A parcel that carries what the channel has cancelled: stopping it, or having it come back, takes a person.
    pub(super) async fn alarm_shipped_though_dropped(&mut self) -> Step<()> {
        let (key, now) = (self.key().clone(), self.now());
        let told = self
            .store
            .fenced(&self.lease, move |tx| {
                let mut told = Vec::new();
                for (id, number, sku, count) in tx.shipped_though_dropped(&key)? {
                    let subject = format!("order:{id}");
                    let text = format!(
                        "order {number}: {count} x {sku} is in a parcel, though the channel has cancelled it: stop the parcel, or have it sent back, then `lockstep handled {number}`"
                    );
                    if tx.recorded(&key, &subject, "shipped-though-cancelled", &text)? {
                        continue;
                    }
                    tx.set_order_state(&key, &id, OrderState::Created, Some(&text), true)?;
                    tx.record(&key, &subject, "shipped-though-cancelled", &text, now)?;
                    told.push(text);
                }
                Ok(told)
            })
            .await?;
        self.report.problems.extend(told);
        Ok(())
    }

    pub(super) async fn take_shop_orders(&mut self, orders: Vec<ShopOrder>) -> Step<()> {
        let manifest = self.connector.manifest();
        let (write_once, required) = (
            manifest.fulfillment.tracking_write_once,
            manifest.fulfillment.tracking_required,
        );
        for order in orders {
            let (key, now, map) = (
                self.key().clone(),
                self.now(),
                self.row.policy.carriers.clone(),
            );
            self.store
                .fenced(&self.lease, move |tx| {
                    let Some(row) = tx.order_by_shop_order(&key, &order.id)? else {
                        return Ok(());
                    };
                    let mut units = tx.units(&key, &row.id)?;
                    let known = tx.parcels_of(&key, &row.id)?;
                    let before = units.clone();
                    let carriers = tx.carriers(&key)?;
                    let used = |code: &str, except: &str| {
                        let other = tx.tracking_used(&key, code, except).ok().flatten()?;
                        Some(
                            tx.order(&key, &other.order)
                                .ok()
                                .flatten()
                                .map_or(other.order, |o| o.number),
                        )
                    };
                    let cx = Context {
                        map: &map,
                        carriers: &carriers,
                        write_once,
                        tracking_required: required,
                        used: &used,
                    };
                    let changed = reconcile(&mut units, &order, &known, &row.id, &cx);
                    for (unit, old) in units.iter().zip(&before) {
                        if unit != old {
                            tx.put_unit(&key, &row.id, unit)?;
                        }
                    }
                    for parcel in changed {
                        let subject = format!("order:{}", row.id);
                        let text = format!(
                            "{} of {}: {}{}",
                            parcel.label(),
                            parcel.company.as_deref().unwrap_or("no carrier"),
                            parcel.state.text(),
                            parcel
                                .reason
                                .as_deref()
                                .map(|r| format!(": {r}"))
                                .unwrap_or_default()
                        );
                        tx.put_parcel(&key, &parcel, now)?;
                        tx.record(&key, &subject, "parcel", &text, now)?;
                    }
                    if let Some(reason) = order
                        .cancel_reason
                        .as_deref()
                        .filter(|_| order.cancelled_at.is_some())
                    {
                        tx.set_cursor(&key, &format!("cancel-reason:{}", row.id), reason)?;
                    }
                    Ok(())
                })
                .await?;
        }
        Ok(())
    }

    /// Tells the channel every parcel that is ready, and goes on with those that were begun.
    pub(super) async fn send_parcels(&mut self) -> Step<()> {
        let key = self.key().clone();
        let states = [
            ParcelState::Ready,
            ParcelState::Preparing,
            ParcelState::Prepared,
            ParcelState::Gathered,
            ParcelState::Shipping,
        ];
        let parcels = self
            .store
            .read({
                let key = key.clone();
                move |tx| tx.parcels_in(&key, &states)
            })
            .await?;
        for parcel in parcels {
            if self.mode == Mode::Plan && parcel.state == ParcelState::Gathered {
                continue;
            }
            if self.mode == Mode::Plan {
                let carrier = parcel
                    .carrier
                    .as_ref()
                    .and_then(|c| c.name.clone())
                    .unwrap_or_default();
                self.report.parcels_to_tell.push((
                    parcel.order.clone(),
                    format!("{carrier} {}", parcel.tracking.as_deref().unwrap_or("")),
                ));
                continue;
            }
            let scope = self.about(&parcel.order, format!("tell {}", parcel.label()));
            if let Err(fault) = scope.run(self.send_parcel(parcel)).await? {
                return Err(super::channel(fault));
            }
        }
        Ok(())
    }

    /// Both halves of one parcel. The inner error is a fault of the whole channel.
    async fn send_parcel(&mut self, mut parcel: ParcelRow) -> Step<Result<(), Fault>> {
        let Some(out) = self.outgoing(&parcel).await? else {
            return Ok(Ok(()));
        };
        if parcel.state == ParcelState::Gathered && !self.goes_on(&mut parcel, &out).await? {
            return Ok(Ok(()));
        }
        if parcel.state == ParcelState::Ready && self.code_is_taken(&mut parcel).await? {
            return Ok(Ok(()));
        }
        if matches!(parcel.state, ParcelState::Ready | ParcelState::Preparing) {
            // One that the channel may have heard of stays so, whatever keeps it from being told now.
            let back_to = parcel.state;
            let intent = self
                .begin(
                    &mut parcel,
                    ParcelState::Preparing,
                    IntentKind::ParcelPrepare,
                    &out,
                )
                .await?;
            crash::point("parcel-prepare-before-send");
            let answer = self.connector.prepare(&out).await;
            crash::point("parcel-prepare-after-answer");
            match answer {
                Ok(sent) => {
                    let state = if sent.more {
                        ParcelState::Prepared
                    } else {
                        ParcelState::Done
                    };
                    self.settle_parcel(
                        &mut parcel,
                        state,
                        Some(intent),
                        format!("the channel knows the parcel ({})", sent.reached),
                    )
                    .await?;
                    crash::point("parcel-prepare-after-settle");
                }
                Err(fault) => {
                    return self.parcel_fault(&mut parcel, intent, fault, back_to).await;
                }
            }
        }
        if matches!(parcel.state, ParcelState::Prepared | ParcelState::Shipping) {
            // Marking units as shipped ends what the channel holds back for them: without the lower number first,
            // the same piece would be offered again.
            let lower = self.lower_stock_for(&parcel, &out);
            let lowered = because("lower the stock before shipping", lower).await?;
            if lowered != Lowered::Written {
                let why =
                    "its units are marked as shipped once the lowered stock number is written";
                let attention = lowered == Lowered::NotWritten;
                self.wait(&mut parcel, "waits", why.to_owned(), attention)
                    .await?;
                return Ok(Ok(()));
            }
            let intent = self
                .begin(
                    &mut parcel,
                    ParcelState::Shipping,
                    IntentKind::ParcelShip,
                    &out,
                )
                .await?;
            crash::point("parcel-ship-before-send");
            let ship = self.connector.ship(&out);
            let answer = because(format!("ship {}", parcel.label()), ship).await;
            crash::point("parcel-ship-after-answer");
            match answer {
                Ok(sent) => {
                    let (state, text) = match sent.more {
                        false => (
                            ParcelState::Done,
                            format!("shipped at the channel ({})", sent.reached),
                        ),
                        true if out.last => (
                            ParcelState::Prepared,
                            format!("the channel does not ship it yet ({})", sent.reached),
                        ),
                        true => (
                            ParcelState::Gathered,
                            "the channel takes the order as a whole: it is told with the last parcel"
                                .to_owned(),
                        ),
                    };
                    self.settle_parcel(&mut parcel, state, Some(intent), text)
                        .await?;
                    crash::point("parcel-ship-after-settle");
                }
                Err(fault) => {
                    return self
                        .parcel_fault(&mut parcel, intent, fault, ParcelState::Prepared)
                        .await;
                }
            }
        }
        if parcel.state == ParcelState::Done {
            self.report.parcels_told += 1;
        }
        Ok(Ok(()))
    }

    /// Whether a parcel that waits for the last one of its order is to be told after all: it has become the last one, as
    /// when the rest was cancelled. One whose units the channel has shipped with the order is done.
    async fn goes_on(&mut self, parcel: &mut ParcelRow, out: &ParcelOut) -> Step<bool> {
        let (key, order, id) = (self.key().clone(), parcel.order.clone(), parcel.id.clone());
        let units = self.store.read(move |tx| tx.units(&key, &order)).await?;
        let mut own = units.iter().filter(|u| u.parcel.as_deref() == Some(&id));
        if own.all(|u| matches!(u.channel_state.as_str(), "shipped" | "dropped")) {
            let text = "shipped at the channel with its order".to_owned();
            self.settle_parcel(parcel, ParcelState::Done, None, text)
                .await?;
            self.report.parcels_told += 1;
            return Ok(false);
        }
        if !out.last {
            return Ok(false);
        }
        let text = "it is the last parcel of its order now".to_owned();
        self.settle_parcel(parcel, ParcelState::Prepared, None, text)
            .await?;
        Ok(true)
    }

    /// Two parcels with one code can become ready together: the channel takes a code for one parcel only.
    async fn code_is_taken(&mut self, parcel: &mut ParcelRow) -> Step<bool> {
        let Some(code) = parcel.tracking.clone() else {
            return Ok(false);
        };
        let (key, id) = (self.key().clone(), parcel.id.clone());
        let other = self
            .store
            .read(move |tx| tx.tracking_used(&key, &code, &id))
            .await?;
        let Some(other) = other else { return Ok(false) };
        let why = format!(
            "the tracking code \"{}\" was already told for {}; each parcel needs its own",
            parcel.tracking.as_deref().unwrap_or(""),
            if other.order == parcel.order {
                "another parcel of this order"
            } else {
                "a parcel of another order"
            }
        );
        self.report.problems.push(why.clone());
        parcel.attention = true;
        self.settle_parcel(parcel, ParcelState::Waiting, None, why)
            .await?;
        Ok(true)
    }

    async fn outgoing(&mut self, parcel: &ParcelRow) -> Step<Option<ParcelOut>> {
        let (key, order, id) = (self.key().clone(), parcel.order.clone(), parcel.id.clone());
        let (units, parcels) = self
            .store
            .read(move |tx| Ok((tx.units(&key, &order)?, tx.parcels_of(&key, &order)?)))
            .await?;
        let number_of = |id: &str| number_in(id, &parcels);
        let lines = contents(&units, &id, &number_of);
        let Some(carrier) = parcel.carrier.clone().filter(|_| !lines.is_empty()) else {
            let mut row = parcel.clone();
            let parts = units
                .iter()
                .any(|u| u.parcel.as_deref() == Some(&id) && u.channel_state != "dropped");
            let why = match parts && row.carrier.is_some() {
                true => PARTS_ONLY,
                false => "nothing is left in the parcel, or its carrier is not known any more",
            };
            row.attention = why != PARTS_ONLY;
            self.settle_parcel(&mut row, ParcelState::Waiting, None, why.to_owned())
                .await?;
            return Ok(None);
        };
        Ok(Some(ParcelOut {
            id: parcel.id.clone(),
            number: parcel.number,
            last: is_last(&units, &parcels, &id),
            order: parcel.order.clone(),
            lines,
            carrier,
            tracking: parcel.tracking.clone(),
            tracking_url: parcel.tracking_url.clone(),
            shipped_at: parcel.shipped_at,
        }))
    }

    /// Commits the intent, or takes up the one of a run that was killed: both halves look before they act, so
    /// calling again is the look-up.
    async fn begin(
        &mut self,
        parcel: &mut ParcelRow,
        state: ParcelState,
        kind: IntentKind,
        out: &ParcelOut,
    ) -> Step<i64> {
        parcel.state = state;
        let (key, row, now, payload) = (
            self.key().clone(),
            parcel.clone(),
            self.now(),
            crate::db::json(out),
        );
        crash::point(if kind == IntentKind::ParcelPrepare {
            "parcel-prepare-before-intent"
        } else {
            "parcel-ship-before-intent"
        });
        Ok(self
            .store
            .fenced(&self.lease, move |tx| {
                tx.put_parcel(&key, &row, now)?;
                match tx.open_intent(&key, kind, &row.id)? {
                    Some(open) => {
                        tx.try_again(open.id, now)?;
                        let text = format!(
                            "{}: the channel's answer is missing: told again, which reads first what the channel has",
                            row.label()
                        );
                        tx.record_news(&key, &format!("order:{}", row.order), "again", &text, now)?;
                        Ok(open.id)
                    }
                    None => tx.begin_intent(&key, kind, &row.id, &payload, now),
                }
            })
            .await?)
    }

    /// Moves a parcel and settles its intent; one that is done has its units marked as shipped.
    async fn settle_parcel(
        &mut self,
        parcel: &mut ParcelRow,
        state: ParcelState,
        intent: Option<i64>,
        text: String,
    ) -> Step<()> {
        self.move_parcel(parcel, state, intent, state.text(), text)
            .await
    }

    async fn move_parcel(
        &mut self,
        parcel: &mut ParcelRow,
        state: ParcelState,
        intent: Option<i64>,
        kind: &'static str,
        text: String,
    ) -> Step<()> {
        parcel.state = state;
        parcel.reason = Some(text.clone());
        if matches!(
            state,
            ParcelState::Prepared | ParcelState::Gathered | ParcelState::Done
        ) {
            parcel.attention = false;
        }
        let (key, row, now, marks) = (
            self.key().clone(),
            parcel.clone(),
            self.now(),
            state == ParcelState::Done,
        );
        self.store
            .fenced(&self.lease, move |tx| {
                tx.put_parcel(&key, &row, now)?;
                if let Some(intent) = intent {
                    tx.settle(intent, &text, now)?;
                }
                if marks {
                    mark_shipped(tx, &key, &row, now)?;
                }
                let text = format!("{}: {text}", row.label());
                tx.record_news(&key, &format!("order:{}", row.order), kind, &text, now)
            })
            .await?;
        Ok(())
    }

    async fn parcel_fault(
        &mut self,
        parcel: &mut ParcelRow,
        intent: i64,
        fault: Fault,
        back_to: ParcelState,
    ) -> Step<Result<(), Fault>> {
        let text = format!("{}: {fault}", parcel.label());
        self.report.problems.push(text.clone());
        match &fault {
            Fault::Rejected { .. } | Fault::Missing { .. } => {
                parcel.attention = true;
                self.settle_parcel(
                    parcel,
                    ParcelState::Refused,
                    Some(intent),
                    format!("the channel refuses it: {fault}"),
                )
                .await?;
            }
            Fault::Conflict { .. } => {
                parcel.attention = true;
                self.settle_parcel(
                    parcel,
                    ParcelState::Doubt,
                    Some(intent),
                    format!("a person must look: {fault}"),
                )
                .await?;
            }
            // The intent stays open: the next run calls again, which looks first.
            f if f.may_have_happened() => {
                let why = format!(
                    "it is not known whether the channel has it: {fault}; it is told again, which reads first what the channel has"
                );
                self.wait(parcel, "unknown", why, true).await?;
            }
            _ => {
                let text =
                    format!("not told yet: {fault}; tried again when the channel is worked next");
                self.move_parcel(parcel, back_to, Some(intent), "not-told", text)
                    .await?
            }
        }
        // A plugin that breaks over one parcel may do well with the next.
        let own = matches!(fault, Fault::Plugin { .. });
        Ok(if stops_flow(&fault) && !own {
            Err(fault)
        } else {
            Ok(())
        })
    }

    /// Leaves a parcel where it is, to be gone on with in the next cycle, and says why to whoever looks.
    async fn wait(
        &mut self,
        parcel: &mut ParcelRow,
        kind: &'static str,
        why: String,
        attention: bool,
    ) -> Step<()> {
        if parcel.attention == attention && parcel.reason.as_deref() == Some(&why) {
            return Ok(());
        }
        parcel.attention = attention;
        let text = format!("{}: {why}", parcel.label());
        parcel.reason = Some(why);
        let (key, row, now) = (self.key().clone(), parcel.clone(), self.now());
        self.store
            .fenced(&self.lease, move |tx| {
                tx.put_parcel(&key, &row, now)?;
                tx.record_news(&key, &format!("order:{}", row.order), kind, &text, now)
            })
            .await?;
        Ok(())
    }
}

/// Marks the units that the channel was told of with this parcel, and finishes the parcels that carry the rest of them.
fn mark_shipped(
    tx: &crate::db::Tx<'_>,
    key: &Key,
    parcel: &ParcelRow,
    now: Instant,
) -> Result<(), crate::db::Error> {
    let parcels = tx.parcels_of(key, &parcel.order)?;
    let units = tx.units(key, &parcel.order)?;
    let told = carried(&units, &parcel.id, &|id| number_in(id, &parcels)).concat();
    for unit in &told {
        let mut unit = (*unit).clone();
        unit.channel_state = "shipped".into();
        tx.put_unit(key, &parcel.order, &unit)?;
        // Whether shipping changes the number there differs between marketplaces: write it again.
        if let Some(listing) = &unit.listing {
            tx.set_pushed(key, listing, None, now)?;
        }
    }
    let units = tx.units(key, &parcel.order)?;
    for mut other in parcels {
        let its = |u: &&UnitRow| u.parcel.as_deref() == Some(&other.id);
        let over = |u: &UnitRow| matches!(u.channel_state.as_str(), "shipped" | "dropped");
        // One that waits for another reason, as that all of it was cancelled, goes on waiting.
        if other.state == ParcelState::Waiting
            && other.id != parcel.id
            && told.iter().any(&its)
            && units.iter().filter(its).all(over)
        {
            other.state = ParcelState::Done;
            other.attention = false;
            other.reason = Some(format!("its parts were told with {}", parcel.label()));
            tx.put_parcel(key, &other, now)?;
        }
    }
    Ok(())
}
