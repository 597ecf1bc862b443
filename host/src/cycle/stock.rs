//! Stock of every linked SKU is compared and the difference pushed.

use std::collections::HashMap;

use jiff::ToSpan;

use super::{Cycle, Mode, Plan, Step, channel, stops_flow};
use crate::crash;
use crate::db::{ParcelRow, PushRow, SentRow, StockRow, TicketRow, queued_as};
use crate::model::{
    Fault, Instant, LostLink, ParcelOut, Rest, Settlement, StockOutcome, StockSemantics, StockWrite,
};
use crate::sync::fulfillments::{carried, number_in};
use crate::sync::stock::{Extent, StockChange, differences, guard, lowerings};
use crate::telemetry;

/// How long a channel may work on a push. What takes longer is lost: its numbers are written again.
const LONGEST_PUSH_HOURS: i64 = 6;
/// When a ticket is asked for again where the connector does not say.
const POLL_MS: u32 = 30_000;

/// Whether the channel has the numbers that hold once units are shipped, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lowered {
    /// It has them, or refuses them for good.
    Written,
    /// It works on them.
    OnTheirWay,
    /// They could not be written.
    NotWritten,
}

impl Cycle {
    /// Settles tickets, then pushes every difference in the channel's largest batches.
    pub(super) async fn push_stock(&mut self) -> Step<()> {
        if self.mode == Mode::Act {
            self.settle_tickets().await?;
        }
        let compared = self.now();
        let (rows, only_down) = self.stock_rows(None).await?;
        let sent = self.sent().await?;
        let mut changes = differences(&rows, &self.row.policy, self.semantics(), &sent);
        let differing: Vec<String> = changes.iter().map(|c| c.listing.clone()).collect();
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
                tx.drop_changes_without_effect(&key, &differing, compared)?;
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

    /// Writes the numbers that hold once the parcel's units are shipped, before they are marked so: the units of a
    /// parcel that is prepared count no more as held back by the channel.
    pub(super) async fn lower_stock_for(
        &mut self,
        parcel: &ParcelRow,
        out: &ParcelOut,
    ) -> Step<Lowered> {
        if self.semantics() != StockSemantics::GrossOfReservations {
            return Ok(Lowered::Written);
        }
        let (key, order) = (self.key().clone(), parcel.order.clone());
        let (units, parcels) = self
            .store
            .read(move |tx| Ok((tx.units(&key, &order)?, tx.parcels_of(&key, &order)?)))
            .await?;
        let listings: Vec<String> = carried(&units, &parcel.id, &|id| number_in(id, &parcels))
            .into_iter()
            .map(|pieces| pieces[0])
            .filter(|u| u.channel_state == "open")
            .filter(|u| out.lines.iter().any(|l| l.line == u.line))
            .filter_map(|u| u.listing.clone())
            .collect();
        // The shop's number must contain the sale before the channel stops holding it back.
        self.refresh_stale_items().await?;
        let (rows, _) = self.stock_rows(Some(listings)).await?;
        let sent = self.sent().await?;
        let (changes, awaited) = lowerings(&rows, &self.row.policy, self.semantics(), &sent);
        let by_listing: HashMap<&str, &StockRow> =
            rows.iter().map(|r| (r.listing.as_str(), r)).collect();
        let batch = self.connector.manifest().stock_batch().max(1);
        let mut lowered = if awaited {
            Lowered::OnTheirWay
        } else {
            Lowered::Written
        };
        for chunk in changes.chunks(batch) {
            lowered = lowered.max(self.push(chunk, &by_listing, "before-shipping").await?);
        }
        Ok(lowered)
    }

    /// The newest numbers sent that are not known to be there.
    async fn sent(&self) -> Step<HashMap<String, SentRow>> {
        let key = self.key().clone();
        Ok(self.store.read(move |tx| tx.sent(&key)).await?)
    }

    /// Pushes one batch and records each number with its inputs.
    async fn push(
        &mut self,
        changes: &[StockChange],
        rows: &HashMap<&str, &StockRow>,
        cause: &'static str,
    ) -> Step<Lowered> {
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
        let mut worst = Lowered::Written;
        let mut records = Vec::new();
        for (change, outcome) in changes.iter().zip(outcomes) {
            let (noted, outcome) = match outcome {
                StockOutcome::Applied => {
                    self.report.pushed += 1;
                    (Noted::There(change.to), "applied".to_owned())
                }
                StockOutcome::Queued(ticket) => {
                    self.report.queued += 1;
                    worst = worst.max(Lowered::OnTheirWay);
                    let outcome = queued_as(&ticket);
                    (Noted::OnItsWay(ticket), outcome)
                }
                StockOutcome::Failed(fault) => {
                    self.report.push_failed += 1;
                    let text = not_written(&change.sku, change.to, &fault);
                    if stop.is_none() {
                        self.report.problems.push(text.clone());
                    }
                    let noted = match &fault {
                        // What the channel refuses to be told about, it does not sell either.
                        f if refusal(f) && stop.is_none() => Noted::Refused,
                        // A write that may have happened leaves the number unknown, so the next cycle writes it again.
                        f if f.may_have_happened() => Noted::Unknown,
                        _ => Noted::AsBefore,
                    };
                    if !refusal(&fault) {
                        worst = Lowered::NotWritten;
                    }
                    (noted, fault.to_string())
                }
            };
            let row = rows.get(change.listing.as_str());
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
                cause: match row {
                    Some(row) if row.parts.is_empty() => "not-in-shop".to_owned(),
                    _ => cause.to_owned(),
                },
                outcome,
            };
            // A number that was on its way is still to come.
            let before =
                (row.and_then(|row| row.current)).filter(|known| change.from == Some(*known));
            records.push((push, noted, before));
        }
        let waited = self
            .store
            .fenced(&self.lease, move |tx| {
                let mut waited = Vec::new();
                for (push, noted, before) in &records {
                    let known = match noted {
                        Noted::There(quantity) => Some(*quantity),
                        Noted::AsBefore | Noted::Refused => *before,
                        Noted::Unknown | Noted::OnItsWay(_) => None,
                    };
                    let (listing, sku, quantity) = (&push.listing, &push.sku, push.quantity);
                    tx.set_pushed(&key, listing, known, now)?;
                    match noted {
                        Noted::There(_) => waited.extend(tx.change_applied(&key, listing)?),
                        Noted::OnItsWay(ticket) => {
                            tx.put_on_its_way(&key, listing, sku, quantity, ticket)?;
                            tx.put_ticket(&key, ticket, now, now)?;
                        }
                        Noted::Refused => {
                            tx.put_refused(&key, listing, sku, quantity, &push.outcome)?
                        }
                        _ => {}
                    }
                    tx.record_push(&key, push)?;
                }
                Ok(waited)
            })
            .await?;
        self.count_applied(&waited);
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
                Ok(worst)
            }
            None => Ok(worst),
        }
    }

    /// Asks what became of the pushes that the channel works on.
    async fn settle_tickets(&mut self) -> Step<()> {
        let (key, now) = (self.key().clone(), self.now());
        let due = self
            .store
            .read(move |tx| {
                let mut due = Vec::new();
                for row in tx.due_tickets(&key, now)? {
                    let levels = tx.on_their_way(&key, &row.ticket)?;
                    due.push((row, levels));
                }
                Ok(due)
            })
            .await?;
        for (row, levels) in due {
            self.settle_ticket(row, levels).await?;
        }
        Ok(())
    }

    async fn settle_ticket(&mut self, row: TicketRow, levels: Vec<SentRow>) -> Step<()> {
        let (key, now, ticket) = (self.key().clone(), self.now(), row.ticket);
        if levels.is_empty() {
            // Newer numbers have taken the place of all of them.
            self.store
                .fenced(&self.lease, move |tx| tx.drop_ticket(&key, &ticket))
                .await?;
            return Ok(());
        }
        let lost = |why: String, count: usize| {
            Some(format!(
                "stock ticket {ticket}: {why}; {count} of its numbers are written again"
            ))
        };
        let all = levels.len();
        let old = now.duration_since(row.made_at).as_hours() >= LONGEST_PUSH_HOURS;
        let (answer, lost) = match self.connector.stock_settle(&ticket).await {
            Ok(answer) if answer.done.is_none() && old => {
                let why = format!("the channel works on it for {LONGEST_PUSH_HOURS} hours");
                (given_up(), lost(why, all))
            }
            Ok(answer) => {
                let text = answer.done.as_ref().and_then(|(listed, rest)| {
                    let told = |level: &SentRow| listed.iter().any(|(id, _)| *id == level.listing);
                    let open = levels.iter().filter(|level| !told(level)).count();
                    let why = match rest {
                        Rest::Applied => return None,
                        Rest::Failed => "the channel did not write all of it",
                        Rest::Unknown => "the channel does not tell what became of all of it",
                    };
                    (open > 0).then(|| lost(why.to_owned(), open)).flatten()
                });
                (answer, text)
            }
            // Nobody knows any more what became of it.
            Err(fault) if refusal(&fault) || old => (given_up(), lost(fault.to_string(), all)),
            Err(fault @ Fault::Plugin { .. }) => {
                let text = format!("stock ticket {ticket}: {fault}");
                self.problem("channel".into(), "not-settled", text).await?;
                (later(), None)
            }
            Err(fault) if stops_flow(&fault) => return Err(channel(fault)),
            Err(fault) => {
                tracing::warn!(channel = %key, ticket, "not settled yet: {fault}");
                (later(), None)
            }
        };
        if let Some(text) = lost {
            self.problem("channel".into(), "ticket-lost", text).await?;
        }
        let Some((listed, rest)) = answer.done else {
            let wait = answer.poll_after_ms.unwrap_or(POLL_MS);
            let poll_at = now
                .checked_add(i64::from(wait).milliseconds())
                .unwrap_or(now);
            self.store
                .fenced(&self.lease, move |tx| {
                    tx.put_ticket(&key, &ticket, poll_at, now)
                })
                .await?;
            return Ok(());
        };
        let listed: HashMap<String, StockOutcome> = listed.into_iter().collect();
        let mut settled = Vec::new();
        for level in levels {
            let (noted, outcome) = match (listed.get(&level.listing), rest) {
                (Some(StockOutcome::Applied), _) | (None, Rest::Applied) => {
                    self.report.pushed += 1;
                    (Noted::There(level.quantity), "applied".to_owned())
                }
                (Some(StockOutcome::Failed(fault)), _) => {
                    self.report.push_failed += 1;
                    let text = not_written(&level.sku, level.quantity, fault);
                    self.problem(format!("sku:{}", level.sku), "push-failed", text)
                        .await?;
                    let refused = refusal(fault);
                    let noted = if refused {
                        Noted::Refused
                    } else {
                        Noted::Unknown
                    };
                    (noted, fault.to_string())
                }
                (None, Rest::Failed) => (Noted::Unknown, "not written".to_owned()),
                _ => (
                    Noted::Unknown,
                    "nobody knows whether it was written".to_owned(),
                ),
            };
            settled.push((level, noted, outcome));
        }
        let waited = self
            .store
            .fenced(&self.lease, move |tx| {
                let mut waited = Vec::new();
                for (level, noted, outcome) in &settled {
                    let (listing, quantity) = (&level.listing, level.quantity);
                    tx.settle_push(&key, listing, &ticket, outcome)?;
                    match noted {
                        Noted::There(_) => {
                            tx.set_pushed(&key, listing, Some(quantity), now)?;
                            waited.extend(tx.change_applied(&key, listing)?);
                        }
                        Noted::Refused => {
                            tx.put_refused(&key, listing, &level.sku, quantity, outcome)?;
                        }
                        _ => tx.set_pushed(&key, listing, None, now)?,
                    }
                }
                tx.drop_ticket(&key, &ticket)?;
                Ok(waited)
            })
            .await?;
        self.count_applied(&waited);
        Ok(())
    }

    /// Counts how long changes in the shop waited for the numbers that the channel has applied now.
    fn count_applied(&self, waited: &[Instant]) {
        let now = self.now();
        for since in waited {
            telemetry::change_applied(self.key(), *since, now);
        }
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
            crate::db::json(&Plan::of(&self.report)),
            self.now(),
        );
        self.store
            .fenced(&self.lease, move |tx| tx.put_plan(&key, &why, &body, now))
            .await?;
        Ok(())
    }
}

/// What is noted of a number that was sent.
enum Noted {
    /// The channel has it.
    There(u32),
    /// The channel works on it, under this ticket.
    OnItsWay(String),
    /// The channel does not take it.
    Refused,
    /// It never arrived.
    AsBefore,
    /// It may have arrived.
    Unknown,
}

/// Whether the channel will never take the same number for the same listing.
fn refusal(fault: &Fault) -> bool {
    matches!(fault, Fault::Rejected { .. } | Fault::Missing { .. })
}

fn not_written(sku: &str, quantity: u32, fault: &Fault) -> String {
    format!("{sku}: {quantity} was not written: {fault}")
}

fn given_up() -> Settlement {
    Settlement {
        done: Some((vec![], Rest::Unknown)),
        poll_after_ms: None,
    }
}

fn later() -> Settlement {
    Settlement {
        done: None,
        poll_after_ms: None,
    }
}
