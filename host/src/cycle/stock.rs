//! Stock of every linked SKU is compared and the difference pushed.

use std::collections::HashMap;

use jiff::ToSpan;

use super::{Cycle, Mode, Step, channel, stops_flow};
use crate::crash;
use crate::db::{ParcelRow, PushRow, StockRow};
use crate::model::{Fault, LostLink, ParcelOut, Rest, StockOutcome, StockSemantics, StockWrite};
use crate::sync::fulfillments::{carried, number_in};
use crate::sync::stock::{Extent, StockChange, differences, guard, target};

impl Cycle {
    /// Settles tickets, then pushes every difference in the channel's largest batches.
    pub(super) async fn push_stock(&mut self) -> Step<()> {
        if self.mode == Mode::Act {
            self.settle_tickets().await?;
        }
        let (rows, only_down) = self.stock_rows(None).await?;
        let mut changes = differences(&rows, &self.row.policy, self.semantics());
        if only_down {
            changes.retain(|c| c.from.is_none_or(|from| c.to < from));
        }
        if self.mode == Mode::Plan {
            self.report.to_push = changes;
            return self.store_plan().await;
        }
        if let Some(why) = guard(&changes, rows.len(), &self.row.policy)
            && !self.approved(&changes).await?
        {
            self.report.awaits_approval = Some(why);
            self.report.to_push = changes;
            return self.store_plan().await;
        }
        let by_listing: HashMap<&str, &StockRow> =
            rows.iter().map(|r| (r.listing.as_str(), r)).collect();
        let batch = self.connector.manifest().stock_batch().max(1);
        for (done, chunk) in changes.chunks(batch).enumerate() {
            if done > 0 {
                self.tell(format!(
                    "writing stock: {} of {} numbers",
                    done * batch,
                    changes.len()
                ));
            }
            self.push(chunk, &by_listing, "difference").await?;
        }
        let (key, pass) = (self.key().clone(), self.row.guard_pass);
        self.store
            .fenced(&self.lease, move |tx| {
                if pass {
                    tx.use_guard_pass(&key)?;
                }
                // What an earlier cycle wanted approved has passed by itself.
                tx.drop_plan(&key)
            })
            .await?;
        Ok(())
    }

    /// Whether a person has approved changes of this extent.
    async fn approved(&self, changes: &[StockChange]) -> Step<bool> {
        if !self.row.guard_pass {
            return Ok(false);
        }
        let key = self.key().clone();
        let approved = self.store.read(move |tx| tx.approved_extent(&key)).await?;
        Ok(approved.is_none_or(|a| Extent::of(changes).within(a, &self.row.policy)))
    }

    /// Writes the number that holds once the parcel's units are shipped, before they are marked so. False: not
    /// written, so the units must not be marked yet.
    pub(super) async fn lower_stock_for(
        &mut self,
        parcel: &ParcelRow,
        out: &ParcelOut,
    ) -> Step<bool> {
        if self.semantics() != StockSemantics::GrossOfReservations {
            return Ok(true);
        }
        let (key, order) = (self.key().clone(), parcel.order.clone());
        let (units, parcels) = self
            .store
            .read(move |tx| Ok((tx.units(&key, &order)?, tx.parcels_of(&key, &order)?)))
            .await?;
        let mut leaving: HashMap<String, u32> = HashMap::new();
        let mut listings = Vec::new();
        for u in carried(&units, &parcel.id, &|id| number_in(id, &parcels))
            .into_iter()
            .map(|pieces| pieces[0])
            .filter(|u| u.channel_state == "open")
        {
            if out.lines.iter().any(|l| l.line == u.line)
                && let Some(listing) = &u.listing
            {
                *leaving.entry(listing.clone()).or_default() += 1;
                listings.push(listing.clone());
            }
        }
        // The shop's number must contain the sale before the channel stops holding it back.
        self.refresh_stale_items().await?;
        let (mut rows, _) = self.stock_rows(Some(listings)).await?;
        for row in &mut rows {
            row.reserved = row
                .reserved
                .saturating_sub(leaving.get(&row.listing).copied().unwrap_or(0));
        }
        let policy = self.row.policy.clone();
        let changes: Vec<StockChange> = rows
            .iter()
            .map(|r| target(r, &policy, self.semantics()))
            .filter(|c| c.from.is_none_or(|from| c.to < from))
            .collect();
        let by_listing: HashMap<&str, &StockRow> =
            rows.iter().map(|r| (r.listing.as_str(), r)).collect();
        let batch = self.connector.manifest().stock_batch().max(1);
        let mut all = true;
        for chunk in changes.chunks(batch) {
            all &= self.push(chunk, &by_listing, "before-shipping").await?;
        }
        Ok(all)
    }

    /// Pushes one batch and records each number with its inputs. True: all applied, queued or refused for good.
    async fn push(
        &mut self,
        changes: &[StockChange],
        rows: &HashMap<&str, &StockRow>,
        cause: &'static str,
    ) -> Step<bool> {
        let writes: Vec<StockWrite> = changes
            .iter()
            .filter_map(|c| Some(rows.get(c.listing.as_str())?.write(c.to)))
            .collect();
        // Until the answer is on record nobody knows the numbers: a run that dies in between writes them again.
        let (key, now) = (self.key().clone(), self.now());
        let listings: Vec<String> = changes.iter().map(|c| c.listing.clone()).collect();
        self.store
            .fenced(&self.lease, move |tx| {
                for listing in &listings {
                    tx.set_pushed(&key, listing, None, now)?;
                }
                Ok(())
            })
            .await?;
        crash::point("stock-push-before");
        let answer = self.connector.stock_push(&writes).await;
        crash::point("stock-push-after-answer");
        let (outcomes, stop) = match answer {
            Ok(outcomes) => (outcomes, None),
            Err(fault) => (
                vec![StockOutcome::Failed(fault.clone()); changes.len()],
                Some(fault),
            ),
        };
        let (key, now) = (self.key().clone(), self.now());
        let mut all = true;
        let mut records = Vec::new();
        let mut tickets: HashMap<String, Vec<StockWrite>> = HashMap::new();
        for ((change, outcome), write) in changes.iter().zip(outcomes).zip(&writes) {
            let (known, outcome) = match outcome {
                StockOutcome::Applied => {
                    self.report.pushed += 1;
                    (Some(change.to), "applied".to_owned())
                }
                StockOutcome::Queued(ticket) => {
                    tickets
                        .entry(ticket.clone())
                        .or_default()
                        .push(write.clone());
                    (None, format!("queued as {ticket}"))
                }
                StockOutcome::Failed(fault) => {
                    // What the channel refuses to be told about, it does not sell either.
                    all &= matches!(fault, Fault::Rejected { .. } | Fault::Missing { .. });
                    self.report.push_failed += 1;
                    let text = format!("{}: {} was not written: {fault}", change.sku, change.to);
                    if stop.is_none() {
                        self.report.problems.push(text.clone());
                    }
                    // A write that may have happened leaves the number unknown, so the next cycle writes it again.
                    let known = change.from.filter(|_| !fault.may_have_happened());
                    (known, fault.to_string())
                }
            };
            let push = PushRow {
                listing: change.listing.clone(),
                sku: change.sku.clone(),
                at: now,
                quantity: change.to,
                previous: change.from,
                available: change.available,
                unseen: change.unseen,
                buffer: change.buffer,
                withheld: change.withheld,
                reserved: change.reserved,
                part: change.part.clone(),
                cause: match rows.get(change.listing.as_str()) {
                    Some(row) if row.parts.is_empty() => "not-in-shop".to_owned(),
                    _ => cause.to_owned(),
                },
                outcome,
            };
            records.push((push, known));
        }
        self.store
            .fenced(&self.lease, move |tx| {
                for (push, known) in &records {
                    tx.set_pushed(&key, &push.listing, *known, now)?;
                    tx.record_push(&key, push)?;
                }
                for (ticket, levels) in &tickets {
                    tx.put_ticket(&key, ticket, levels, now, now)?;
                }
                Ok(())
            })
            .await?;
        crash::point("stock-push-after-settle");
        match stop {
            Some(fault) if stops_flow(&fault) => Err(channel(fault)),
            Some(fault) => {
                self.problem(
                    "channel".into(),
                    "push-failed",
                    format!(
                        "a batch of {} numbers was not written: {fault}",
                        changes.len()
                    ),
                )
                .await?;
                Ok(all)
            }
            None => Ok(all),
        }
    }

    async fn settle_tickets(&mut self) -> Step<()> {
        let (key, now) = (self.key().clone(), self.now());
        let due = self
            .store
            .read({
                let key = key.clone();
                move |tx| tx.due_tickets(&key, now)
            })
            .await?;
        for (ticket, levels) in due {
            let answer = match self.connector.stock_settle(&ticket).await {
                Ok(answer) => answer,
                Err(fault) if stops_flow(&fault) => return Err(channel(fault)),
                // Nobody knows any more what became of it: the numbers are written again.
                Err(fault) => {
                    let text = format!(
                        "stock ticket {ticket}: {fault}; its {} numbers are written again",
                        levels.len()
                    );
                    self.problem("channel".into(), "ticket-lost", text).await?;
                    crate::model::Settlement {
                        done: Some((vec![], Rest::Unknown)),
                        poll_after_ms: None,
                    }
                }
            };
            let key = key.clone();
            match answer.done {
                None => {
                    let wait = answer.poll_after_ms.unwrap_or(30_000);
                    let poll_at = now
                        .checked_add(i64::from(wait).milliseconds())
                        .unwrap_or(now);
                    self.store
                        .fenced(&self.lease, move |tx| {
                            tx.put_ticket(&key, &ticket, &levels, poll_at, now)
                        })
                        .await?;
                }
                Some((listed, rest)) => {
                    let listed: HashMap<String, StockOutcome> = listed.into_iter().collect();
                    let mut problems = Vec::new();
                    let mut known = Vec::new();
                    for level in &levels {
                        let applied = match (listed.get(&level.listing), rest) {
                            (Some(StockOutcome::Applied), _) | (None, Rest::Applied) => true,
                            (Some(StockOutcome::Failed(fault)), _) => {
                                problems.push(format!(
                                    "{}: {} was not written: {fault}",
                                    level.sku.as_deref().unwrap_or(&level.listing),
                                    level.quantity
                                ));
                                false
                            }
                            _ => false,
                        };
                        known.push((level.listing.clone(), applied.then_some(level.quantity)));
                    }
                    self.report.pushed += known.iter().filter(|(_, q)| q.is_some()).count() as u32;
                    self.report.push_failed += problems.len() as u32;
                    self.report.problems.extend(problems.iter().cloned());
                    self.store
                        .fenced(&self.lease, move |tx| {
                            for (listing, quantity) in &known {
                                tx.set_pushed(&key, listing, *quantity, now)?;
                            }
                            for text in &problems {
                                tx.record(&key, "channel", "push-failed", text, now)?;
                            }
                            tx.drop_ticket(&key, &ticket)
                        })
                        .await?;
                }
            }
        }
        Ok(())
    }

    /// The inputs of the numbers, and whether these may only go down for now.
    async fn stock_rows(&mut self, only: Option<Vec<String>>) -> Step<(Vec<StockRow>, bool)> {
        let (key, locations) = (self.key().clone(), self.row.locations.clone());
        let with_lost = self.row.policy.lost_link == LostLink::Zero;
        let mut rows = self
            .store
            .read(move |tx| {
                let mut rows = tx.stock_rows(&key, &locations, only.as_deref())?;
                if with_lost {
                    rows.extend(tx.lost_rows(&key, only.as_deref())?);
                }
                Ok(rows)
            })
            .await?;
        let only_down = self.withheld(&mut rows).await?;
        Ok((rows, only_down))
    }

    fn semantics(&self) -> StockSemantics {
        self.connector.manifest().stock_semantics()
    }

    /// Keeps the plan where a person can read and approve it.
    async fn store_plan(&mut self) -> Step<()> {
        let Some(why) = self.report.awaits_approval.clone() else {
            return Ok(());
        };
        let (key, body, now) = (
            self.key().clone(),
            crate::db::json(&self.report),
            self.now(),
        );
        self.store
            .fenced(&self.lease, move |tx| tx.put_plan(&key, &why, &body, now))
            .await?;
        Ok(())
    }
}
