//! Units dropped on one side are dropped on the other.

use uuid::Uuid;

use super::{Cycle, Mode, Step, channel, shopify, stops_flow};
use crate::crash;
use crate::db::{IntentKind, OrderRow, UnitRow};
use crate::model::{CancelOrder, Drop, Fault, LineQuantity, RemoveUnits};
use crate::sync::cancellations::{InShop, at_channel, gone, in_shop, reason, torn};
use crate::sync::{by_unit, counted};
use crate::trace::because;

impl Cycle {
    /// Goes through the orders with a unit that only one side has dropped.
    pub(super) async fn cross_cancellations(&mut self) -> Step<()> {
        let key = self.key().clone();
        let orders = self
            .store
            .read({
                let key = key.clone();
                move |tx| tx.one_sided_drops(&key)
            })
            .await?;
        for (id, to_shop, to_channel) in orders {
            let (row, units) = {
                let (key, id) = (key.clone(), id.clone());
                self.store
                    .read(move |tx| Ok((tx.order(&key, &id)?, tx.units(&key, &id)?)))
                    .await?
            };
            let Some(row) = row else { continue };
            if self.mode == Mode::Plan {
                let text = format!(
                    "{} to be cancelled in Shopify, {to_channel} at the channel",
                    counted(to_shop, "unit")
                );
                self.report.to_cancel.push((row.number.clone(), text));
                continue;
            }
            if to_shop > 0 {
                let scope = self.about(&row.id, "cancel in Shopify");
                scope.run(self.cancel_in_shop(&row, &units)).await?;
            }
            if to_channel > 0 {
                let scope = self.about(&row.id, "cancel at the channel");
                scope.run(self.cancel_at_channel(&row, &units)).await?;
            }
        }
        Ok(())
    }

    /// Level-triggered: what Shopify has is read first, so that a repeat removes nothing twice.
    async fn cancel_in_shop(&mut self, row: &OrderRow, units: &[UnitRow]) -> Step<()> {
        let Some(shop_order) = row.shop_order.clone() else {
            return Ok(());
        };
        let plan = in_shop(units);
        let (kind, payload) = match &plan {
            InShop::Nothing => return Ok(()),
            InShop::Whole => (IntentKind::OrderCancel, String::new()),
            InShop::Units(lines) => (IntentKind::UnitsRemove, crate::db::json(lines)),
        };
        let why = row
            .snapshot
            .lines
            .iter()
            .find_map(|l| l.reason.clone())
            .unwrap_or_else(|| "no reason given".into());
        let note = format!("Cancelled by {}: {why}", self.row.title);
        let (key, subject, now) = (self.key().clone(), row.id.clone(), self.now());
        crash::point("shop-cancel-before-intent");
        let (intent, repeated) = self
            .store
            .fenced(&self.lease, move |tx| {
                match tx.open_intent(&key, kind, &subject)? {
                    Some(open) => {
                        tx.try_again(open.id, now)?;
                        let text = "the answer to cancelling in Shopify is missing: the order is read before anything is cancelled again";
                        tx.record_news(&key, &format!("order:{subject}"), "again", text, now)?;
                        Ok((open.id, true))
                    }
                    None => Ok((tx.begin_intent(&key, kind, &subject, &payload, now)?, false)),
                }
            })
            .await?;
        if repeated && !self.still_to_remove(row, &shop_order).await? {
            // What the look-up found is on record; a unit dropped since then is the next cycle's.
            return self
                .cancelled_in_shop(intent, row, &[], "was already done")
                .await;
        }
        crash::point("shop-cancel-before-send");
        let answer = match &plan {
            InShop::Units(lines) => {
                // The same units give the same key: Shopify itself ignores the repeat of a lost answer.
                let which: Vec<_> = units
                    .iter()
                    .filter(|u| u.channel_state == "dropped" && u.shop_state == "open")
                    .map(|u| (&u.line, u.ordinal, u.piece))
                    .collect();
                let seed = format!("{shop_order} {intent} {which:?}");
                let key = Uuid::new_v5(&Uuid::NAMESPACE_OID, seed.as_bytes()).to_string();
                self.shop
                    .shop
                    .remove_units(&RemoveUnits {
                        order: shop_order.clone(),
                        lines: lines.clone(),
                        restock: self.row.policy.restock,
                        note,
                        key,
                    })
                    .await
            }
            _ => {
                let note = note.chars().take(255).collect();
                self.shop
                    .shop
                    .cancel_order(&CancelOrder {
                        order: shop_order.clone(),
                        reason: "CUSTOMER".into(),
                        restock: self.row.policy.restock,
                        note,
                    })
                    .await
            }
        };
        crash::point("shop-cancel-after-answer");
        match answer {
            Ok(()) => self.cancelled_in_shop(intent, row, units, &why).await,
            Err(fault) if fault.may_have_happened() => {
                self.record(
                    format!("order:{}", row.id),
                    "unknown",
                    format!("it is not known whether Shopify cancelled the units: {fault}"),
                )
                .await
            }
            Err(fault) => {
                let text = format!(
                    "order {}: the channel cancelled units, Shopify does not: {fault}",
                    row.number
                );
                self.abandon(intent, row, &text, matches!(fault, Fault::Rejected { .. }))
                    .await?;
                if stops_flow(&fault) {
                    Err(shopify(fault))
                } else {
                    Ok(())
                }
            }
        }
    }

    /// Whether Shopify still has units that an earlier, unsettled try was to remove.
    async fn still_to_remove(&mut self, row: &OrderRow, shop_order: &str) -> Step<bool> {
        let before = self.units_of(row).await?;
        let ids = [shop_order.to_owned()];
        let read = self.shop.shop.orders_by_id(&ids);
        let found = because("look-up after a lost answer", read).await;
        let found = found.map_err(shopify)?;
        self.take_shop_orders(found).await?;
        let after = self.units_of(row).await?;
        let open = |units: &[UnitRow]| {
            units
                .iter()
                .filter(|u| u.channel_state == "dropped" && u.shop_state == "open")
                .count()
        };
        Ok(open(&after) > 0 && open(&after) == open(&before))
    }

    async fn units_of(&self, row: &OrderRow) -> Step<Vec<UnitRow>> {
        let (key, id) = (self.key().clone(), row.id.clone());
        Ok(self.store.read(move |tx| tx.units(&key, &id)).await?)
    }

    async fn cancelled_in_shop(
        &mut self,
        intent: i64,
        row: &OrderRow,
        units: &[UnitRow],
        why: &str,
    ) -> Step<()> {
        let done: Vec<UnitRow> = units
            .iter()
            .filter(|u| u.channel_state == "dropped" && u.shop_state == "open")
            .map(|u| UnitRow {
                shop_state: "removed".into(),
                ..u.clone()
            })
            .collect();
        let (key, id, now, count) = (
            self.key().clone(),
            row.id.clone(),
            self.now(),
            done.len() as u32,
        );
        let units = counted(count, "unit");
        let text = format!("{units} cancelled in Shopify, as the channel did: {why}");
        crash::point("shop-cancel-before-settle");
        self.store
            .fenced(&self.lease, move |tx| {
                for unit in &done {
                    tx.put_unit(&key, &id, unit)?;
                }
                tx.settle(intent, &text, now)?;
                tx.record(
                    &key,
                    &format!("order:{id}"),
                    "cancelled-in-shop",
                    &text,
                    now,
                )
            })
            .await?;
        crash::point("shop-cancel-after-settle");
        self.report.cancelled_in_shop += count;
        Ok(())
    }

    async fn cancel_at_channel(&mut self, row: &OrderRow, units: &[UnitRow]) -> Step<()> {
        if let Some(sku) = torn(units).first() {
            let text = format!(
                "order {}: a part of the bundle \"{sku}\" was removed in Shopify, but the channel sells only whole ones: remove the other parts too, or ship without it and `lockstep handled {}`",
                row.number, row.number
            );
            self.attention(row, text).await?;
        }
        let lines = at_channel(units);
        if lines.is_empty() {
            return Ok(());
        }
        let (key, id) = (self.key().clone(), row.id.clone());
        let (reasons, shop_reason) = self
            .store
            .read(move |tx| {
                Ok((
                    tx.reasons(&key)?,
                    tx.cursor(&key, &format!("cancel-reason:{id}"))?,
                ))
            })
            .await?;
        let of = |kind| {
            let map = &self.row.policy.reasons;
            reason(kind, shop_reason.as_deref(), map, &reasons)
        };
        let refund = of("refund").ok();
        let reason = match of("cancel").or_else(|why| refund.clone().ok_or(why)) {
            Ok(reason) => reason,
            Err(why) => {
                let text = format!(
                    "order {}: cancelled in Shopify, but not at the channel: {why}",
                    row.number
                );
                return self.attention(row, text).await;
            }
        };
        let drops: Vec<Drop> = lines
            .iter()
            .map(|l| Drop {
                // A later cancellation of the same line is another one, and must not pass for a repeat.
                id: format!("{}/{}/{}", row.id, l.line, gone(units, &l.line)),
                order: row.id.clone(),
                line: l.line.clone(),
                quantity: l.quantity,
                paid: row.snapshot.paid,
                reason: reason.code.clone(),
                refund_reason: refund.as_ref().map(|r| r.code.clone()),
                note: Some("cancelled by the merchant".into()),
            })
            .collect();
        let (key, subject, payload, now) = (
            self.key().clone(),
            row.id.clone(),
            crate::db::json(&drops),
            self.now(),
        );
        crash::point("channel-cancel-before-intent");
        let (intent, repeated) = self
            .store
            .fenced(&self.lease, move |tx| {
                match tx.open_intent(&key, IntentKind::ChannelCancel, &subject)? {
                    Some(open) => {
                        tx.try_again(open.id, now)?;
                        let text = "the answer to cancelling at the channel is missing: the order is read before anything is cancelled again";
                        tx.record_news(&key, &format!("order:{subject}"), "again", text, now)?;
                        Ok((open.id, true))
                    }
                    None => Ok((
                        tx.begin_intent(&key, IntentKind::ChannelCancel, &subject, &payload, now)?,
                        false,
                    )),
                }
            })
            .await?;
        if repeated {
            self.read_again(&row.id).await?;
            if at_channel(&self.units_of(row).await?).is_empty() {
                return self
                    .cancelled_at_channel(intent, row, &lines, "was already done")
                    .await;
            }
        }
        crash::point("channel-cancel-before-send");
        let answer = self.connector.cancel(&drops).await;
        crash::point("channel-cancel-after-answer");
        match answer {
            Ok(touched) => {
                let text = format!("reason {}", reason.label);
                self.cancelled_at_channel(intent, row, &touched, &text)
                    .await?;
                // A whole package may have gone with the named units.
                self.read_again(&row.id).await?;
                Ok(())
            }
            Err(fault) if fault.may_have_happened() => {
                self.record(
                    format!("order:{}", row.id),
                    "unknown",
                    format!("it is not known whether the channel cancelled the units: {fault}"),
                )
                .await
            }
            Err(fault) => {
                let text = format!(
                    "order {}: cancelled in Shopify, the channel does not: {fault}",
                    row.number
                );
                let refused = matches!(
                    fault,
                    Fault::Rejected { .. } | Fault::Conflict { .. } | Fault::Missing { .. }
                );
                self.abandon(intent, row, &text, refused).await?;
                if stops_flow(&fault) {
                    return Err(channel(fault));
                }
                self.read_again(&row.id).await?;
                Ok(())
            }
        }
    }

    async fn cancelled_at_channel(
        &mut self,
        intent: i64,
        row: &OrderRow,
        touched: &[LineQuantity],
        how: &str,
    ) -> Step<()> {
        let count: u32 = touched.iter().map(|l| l.quantity).sum();
        let units = counted(count, "unit");
        let mut left: std::collections::HashMap<String, u32> = touched
            .iter()
            .map(|l| (l.line.clone(), l.quantity))
            .collect();
        let (key, id, now) = (self.key().clone(), row.id.clone(), self.now());
        let text = format!("{units} cancelled at the channel, as in Shopify: {how}");
        crash::point("channel-cancel-before-settle");
        self.store
            .fenced(&self.lease, move |tx| {
                let units = tx.units(&key, &id)?;
                let mut sold = by_unit(&units);
                sold.sort_by_key(|pieces| pieces.iter().any(|u| u.shop_state != "removed"));
                for pieces in sold {
                    if let Some(n) = left.get_mut(&pieces[0].line).filter(|n| **n > 0)
                        && !matches!(pieces[0].channel_state.as_str(), "shipped" | "dropped")
                    {
                        *n -= 1;
                        for unit in pieces {
                            let mut unit = unit.clone();
                            unit.channel_state = "dropped".into();
                            tx.put_unit(&key, &id, &unit)?;
                        }
                    }
                }
                tx.settle(intent, &text, now)?;
                // Whether cancelled units are offered again differs between marketplaces: the numbers are written again.
                tx.forget_numbers_of(&key, &id, now)?;
                tx.record(
                    &key,
                    &format!("order:{id}"),
                    "cancelled-at-channel",
                    &text,
                    now,
                )
            })
            .await?;
        crash::point("channel-cancel-after-settle");
        self.report.cancelled_at_channel += count;
        Ok(())
    }

    async fn abandon(
        &mut self,
        intent: i64,
        row: &OrderRow,
        text: &str,
        attention: bool,
    ) -> Step<()> {
        let (key, id, now, text) = (
            self.key().clone(),
            row.id.clone(),
            self.now(),
            text.to_owned(),
        );
        self.report.problems.push(text.clone());
        self.store
            .fenced(&self.lease, move |tx| {
                tx.settle(intent, &text, now)?;
                if attention {
                    let state = tx
                        .order(&key, &id)?
                        .map_or(crate::db::OrderState::Created, |o| o.state);
                    tx.set_order_state(&key, &id, state, Some(&text), true)?;
                }
                tx.record_news(&key, &format!("order:{id}"), "not-cancelled", &text, now)
            })
            .await?;
        Ok(())
    }

    async fn attention(&mut self, row: &OrderRow, text: String) -> Step<()> {
        if row.reason.as_deref() == Some(&text) {
            return Ok(());
        }
        let (key, id, state, now) = (self.key().clone(), row.id.clone(), row.state, self.now());
        self.report.problems.push(text.clone());
        self.store
            .fenced(&self.lease, move |tx| {
                tx.set_order_state(&key, &id, state, Some(&text), true)?;
                tx.record(&key, &format!("order:{id}"), "needs-attention", &text, now)
            })
            .await?;
        Ok(())
    }
}
