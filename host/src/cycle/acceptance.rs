//! Marketplaces that ask before an order is the seller's get their answer.

use super::{Cycle, Mode, Step, channel, stops_flow};
use crate::crash;
use crate::db::{IntentKind, OrderRow, OrderState};
use crate::model::{Acceptance, LineDecision};
use crate::sync::acceptance::{Verdict, judge};
use crate::sync::lone;

impl Cycle {
    /// Answers every order that waits for it, the most urgent first.
    pub(super) async fn accept_orders(&mut self) -> Step<()> {
        if !self.answers() {
            return Ok(());
        }
        let key = self.key().clone();
        let states = [OrderState::Seen, OrderState::Held, OrderState::Blocked];
        let waiting = self
            .store
            .read(move |tx| tx.orders_in(&key, &states))
            .await?;
        let mut told = Vec::new();
        for row in waiting {
            if row.snapshot.awaits_acceptance.is_none() || !row.snapshot.sellers || row.manual_hold
            {
                continue;
            }
            match self.verdict(&row).await? {
                Verdict::Decide(lines) if lines.is_empty() => {}
                Verdict::Decide(_) if self.mode == Mode::Plan => {
                    self.report.to_accept.push(row.number.clone());
                }
                Verdict::Decide(lines) => {
                    let scope = self.about(&row.id, "acceptance");
                    if scope.run(self.decide_lines(&row, &lines)).await? {
                        told.push(row.id);
                    }
                }
                Verdict::Ask(why) => {
                    let by = match row.snapshot.awaits_acceptance.and_then(|due| due.until) {
                        Some(by) => format!(" by {by:.0}"),
                        None => String::new(),
                    };
                    let text = format!(
                        "order {} wants an answer{by}: {why}; `lockstep accept {}` or `lockstep refuse {}`",
                        row.number, row.number, row.number
                    );
                    self.ask_person(&row, text).await?;
                }
            }
        }
        match told.as_slice() {
            [one] => self.read_again(one).await,
            all => self.read_back(all).await.map(drop),
        }
    }

    /// Whether the channel can be answered.
    pub(super) fn answers(&self) -> bool {
        self.connector.capabilities().contains(&"acceptance")
    }

    async fn verdict(&self, row: &OrderRow) -> Step<Verdict> {
        let (key, id, locations) = (
            self.key().clone(),
            row.id.clone(),
            self.row.locations.clone(),
        );
        let skus: Vec<String> = (row.snapshot.lines.iter())
            .filter_map(|l| l.sku.clone())
            .collect();
        let (answer, free) = self
            .store
            .read(move |tx| {
                let mut free = std::collections::HashMap::new();
                for sku in skus {
                    let mut parts: Vec<(String, u32)> = (tx.parts_of(&key, &sku)?.into_iter())
                        .map(|p| (p.sku, p.pieces))
                        .collect();
                    if parts.is_empty() {
                        parts.push((sku.clone(), 1));
                    }
                    let mut left: Result<i64, String> = Ok(i64::MAX);
                    for (part, pieces) in parts {
                        let of_part = match lone(&part, &tx.variants_with_sku(&key.shop, &part)?) {
                            Ok(one) => Ok(tx
                                .free_of_item(&key.shop, &one.item, &locations)?
                                .div_euclid(pieces.into())),
                            Err(why) => Err(why),
                        };
                        left = left.and_then(|left| Ok(left.min(of_part?)));
                    }
                    free.insert(sku, left);
                }
                Ok((tx.answer(&key, &id)?, free))
            })
            .await?;
        let by_itself = self.row.policy.acceptance == Acceptance::Auto;
        Ok(judge(&row.snapshot, answer.as_ref(), by_itself, &|sku| {
            free.get(sku).cloned().unwrap_or(Ok(0))
        }))
    }

    /// Intent, answer, settlement. Looking up is reading the order again: one that does not wait any more was answered.
    /// True: the order is to be read back.
    async fn decide_lines(&mut self, row: &OrderRow, lines: &[LineDecision]) -> Step<bool> {
        let (key, id, payload, now) = (
            self.key().clone(),
            row.id.clone(),
            crate::db::json(&lines),
            self.now(),
        );
        crash::point("accept-before-intent");
        let (intent, repeated) = self
            .store
            .fenced(&self.lease, {
                let (key, id) = (key.clone(), id.clone());
                move |tx| match tx.open_intent(&key, IntentKind::Accept, &id)? {
                    Some(open) => {
                        tx.try_again(open.id, now)?;
                        let text =
                            "the answer's receipt is missing: the order is read before it is answered again";
                        tx.record_news(&key, &format!("order:{id}"), "again", text, now)?;
                        Ok((open.id, true))
                    }
                    None => Ok((
                        tx.begin_intent(&key, IntentKind::Accept, &id, &payload, now)?,
                        false,
                    )),
                }
            })
            .await?;
        if repeated {
            self.read_again(&row.id).await?;
            let now_row = self.store.read(move |tx| tx.order(&key, &id)).await?;
            if now_row.is_some_and(|r| r.snapshot.awaits_acceptance.is_none()) {
                self.answered(intent, row, "was already answered").await?;
                return Ok(false);
            }
        }
        crash::point("accept-before-send");
        let answer = self.connector.decide(&row.id, lines).await;
        crash::point("accept-after-answer");
        match answer {
            Ok(()) => {
                let word = match lines.iter().filter(|l| l.accepted).count() {
                    0 => "refused".to_owned(),
                    n if n == lines.len() => "accepted".to_owned(),
                    n => format!("{n} of {} lines accepted", lines.len()),
                };
                self.answered(intent, row, &word).await?;
                Ok(true)
            }
            Err(fault) if fault.may_have_happened() => {
                self.record(
                    format!("order:{}", row.id),
                    "unknown",
                    format!("it is not known whether the channel has the answer: {fault}"),
                )
                .await?;
                Ok(false)
            }
            Err(fault) => {
                let text = format!(
                    "order {}: the channel does not take the answer: {fault}",
                    row.number
                );
                let (key, id, now, text) = (self.key().clone(), row.id.clone(), self.now(), text);
                self.report.problems.push(text.clone());
                let news = row.reason.as_deref() != Some(&text);
                self.store
                    .fenced(&self.lease, move |tx| {
                        tx.settle(intent, &text, now)?;
                        if news {
                            tx.set_order_state(&key, &id, OrderState::Held, Some(&text), true)?;
                            tx.record(&key, &format!("order:{id}"), "not-accepted", &text, now)?;
                        }
                        Ok(())
                    })
                    .await?;
                if stops_flow(&fault) {
                    return Err(channel(fault));
                }
                Ok(true)
            }
        }
    }

    async fn answered(&mut self, intent: i64, row: &OrderRow, word: &str) -> Step<()> {
        let (key, id, now) = (self.key().clone(), row.id.clone(), self.now());
        let text = format!("order {}: {word}", row.number);
        crash::point("accept-before-settle");
        self.store
            .fenced(&self.lease, move |tx| {
                tx.settle(intent, &text, now)?;
                // What an answer does to the numbers there differs between marketplaces: they are written again.
                tx.forget_numbers_of(&key, &id, now)?;
                tx.record(&key, &format!("order:{id}"), "answered", &text, now)
            })
            .await?;
        crash::point("accept-after-settle");
        self.report.orders_accepted += 1;
        Ok(())
    }

    async fn ask_person(&mut self, row: &OrderRow, text: String) -> Step<()> {
        self.report
            .orders_waiting
            .push((row.number.clone(), text.clone()));
        let (key, id, now) = (self.key().clone(), row.id.clone(), self.now());
        self.store
            .fenced(&self.lease, move |tx| {
                let subject = format!("order:{id}");
                if !tx.recorded(&key, &subject, "wants-answer", &text)? {
                    tx.set_order_state(&key, &id, OrderState::Held, Some(&text), true)?;
                    tx.record(&key, &subject, "wants-answer", &text, now)?;
                }
                Ok(())
            })
            .await?;
        Ok(())
    }
}
