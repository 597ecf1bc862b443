//! Runs a channel's extras over orders and stock numbers. One that fails never blocks more than its setting says.

use super::{Cycle, Step};
use crate::db::{OrderRow, StockRow};
use crate::model::{
    Edit, ExtraSetup, ExtraStep, Fault, Key, NewOrder, OnFailure, Order, Policy, Position,
};
use crate::plugin::Extra;
use crate::sync::extras::apply;
use crate::sync::stock::sellable;

/// An extra as set up, and ready to run or with why it cannot.
pub type Ready = (ExtraSetup, Result<Extra, String>);

/// An order with what extras made of it.
#[derive(Clone, Debug)]
pub struct Edited {
    /// What each extra did, in their order.
    pub steps: Vec<ExtraStep>,
    /// The order after all of them.
    pub after: NewOrder,
    /// Why the order is to be held, if it is.
    pub hold: Option<String>,
}

/// Runs the extras over an order, in their order.
pub async fn edit_order(
    extras: &[Ready],
    key: &Key,
    title: &str,
    order: &Order,
    draft: &NewOrder,
) -> Edited {
    let mut edited = Edited {
        steps: Vec::new(),
        after: draft.clone(),
        hold: None,
    };
    for (setup, extra) in extras {
        if extra.as_ref().is_ok_and(|e| !e.edits_orders()) {
            continue;
        }
        let made: Result<Vec<Edit>, String> = match extra {
            Ok(extra) => (extra
                .edit_order(&key.channel, title, order, &edited.after)
                .await)
                .map_err(|fault| words(&fault)),
            Err(why) => Err(why.clone()),
        };
        let (edits, error) = match made.and_then(|edits| apply(&edited.after, &edits)) {
            Ok((after, told)) => {
                edited.after = after;
                (told, None)
            }
            Err(why) => {
                if setup.on_failure == OnFailure::Hold {
                    let text = format!("the extra \"{}\" failed: {why}", setup.name);
                    edited.hold.get_or_insert(text);
                }
                (Vec::new(), Some(why))
            }
        };
        edited.steps.push(step(setup, extra, edits, error));
    }
    edited
}

fn step(
    setup: &ExtraSetup,
    extra: &Result<Extra, String>,
    edits: Vec<String>,
    error: Option<String>,
) -> ExtraStep {
    let (plugin, digest) = match extra {
        Ok(e) => (
            format!("{} {}", setup.plugin, e.manifest().plugin.version),
            e.plugin().digest().to_owned(),
        ),
        Err(_) => (setup.plugin.clone(), String::new()),
    };
    ExtraStep {
        name: setup.name.clone(),
        plugin,
        digest,
        edits,
        error,
    }
}

pub(super) fn words(fault: &Fault) -> String {
    match fault {
        Fault::Other { detail } | Fault::Plugin { detail } => detail.clone(),
        other => other.to_string(),
    }
}

/// What the extras of a channel made of its stock numbers.
#[derive(Clone, Debug, Default)]
pub struct Withheld {
    /// Each failure, in words.
    pub failures: Vec<String>,
    /// Numbers may only go down until the extras work again.
    pub only_down: bool,
}

/// Runs the extras over stock numbers: each sees what the one before left, and none can raise a number.
pub async fn withhold(extras: &[Ready], policy: &Policy, rows: &mut [StockRow]) -> Withheld {
    let mut done = Withheld::default();
    for (setup, extra) in extras {
        // Of one that cannot be loaded nobody knows what it would do.
        if extra.as_ref().is_ok_and(|e| !e.edits_stock()) {
            continue;
        }
        let offered = |r: &StockRow| sellable(r, policy.buffer).0.saturating_sub(r.withheld);
        let answer = match extra {
            Ok(extra) => {
                let positions: Vec<Position> = rows
                    .iter()
                    .map(|r| Position {
                        listing: r.listing.clone(),
                        sku: r.sku.clone(),
                        title: r.title.clone(),
                        sellable: offered(r),
                        facts: r.facts.clone(),
                    })
                    .collect();
                extra.adjust_stock(&positions).await.map_err(|f| words(&f))
            }
            Err(why) => Err(why.clone()),
        };
        match answer {
            Ok(numbers) => {
                for (row, number) in rows.iter_mut().zip(numbers) {
                    row.withheld += offered(row).saturating_sub(number);
                }
            }
            Err(why) => {
                done.failures
                    .push(format!("the extra \"{}\" failed: {why}", setup.name));
                done.only_down |= setup.on_failure == OnFailure::Hold;
            }
        }
    }
    done
}

impl Cycle {
    /// The order as its extras leave it, or why it is held. What they did is kept with the order.
    pub(super) async fn edited(
        &mut self,
        row: &OrderRow,
        draft: NewOrder,
    ) -> Step<Result<NewOrder, String>> {
        if self.extras.is_empty() {
            return Ok(Ok(draft));
        }
        let key = self.key().clone();
        let edited = edit_order(&self.extras, &key, &self.row.title, &row.snapshot, &draft).await;
        if edited.steps.is_empty() {
            return Ok(Ok(draft));
        }
        let (id, now) = (row.id.clone(), self.now());
        let (steps, after) = (edited.steps.clone(), edited.after.clone());
        let skipped: Vec<String> = if edited.hold.is_none() {
            (edited.steps.iter())
                .filter_map(|s| {
                    Some(format!(
                        "without the extra \"{}\": {}",
                        s.name,
                        s.error.as_ref()?
                    ))
                })
                .collect()
        } else {
            Vec::new()
        };
        self.report.problems.extend(
            skipped
                .iter()
                .map(|text| format!("order {}: {text}", row.number)),
        );
        self.store
            .fenced(&self.lease, move |tx| {
                tx.put_extra_steps(&key, &id, &draft, &steps, &after)?;
                for text in &skipped {
                    tx.record(&key, &format!("order:{id}"), "extra-skipped", text, now)?;
                }
                Ok(())
            })
            .await?;
        Ok(match edited.hold {
            Some(why) => Err(why),
            None => Ok(edited.after),
        })
    }

    /// Takes off the stock numbers what extras hold back. True: they may only go down now.
    pub(super) async fn withheld(&mut self, rows: &mut [StockRow]) -> Step<bool> {
        if self.extras.is_empty() || rows.is_empty() {
            return Ok(false);
        }
        let done = withhold(&self.extras, &self.row.policy, rows).await;
        for text in done.failures {
            self.extra_failed(text).await?;
        }
        Ok(done.only_down)
    }

    /// Shows a failure in each cycle, and puts it on record once.
    pub(super) async fn extra_failed(&mut self, text: String) -> Step<()> {
        if self.report.problems.contains(&text) {
            return Ok(());
        }
        self.report.problems.push(text.clone());
        let (key, now) = (self.key().clone(), self.now());
        self.store
            .fenced(&self.lease, move |tx| {
                if tx.recorded(&key, "channel", "extra-failed", &text)? {
                    return Ok(());
                }
                tx.record(&key, "channel", "extra-failed", &text, now)
            })
            .await?;
        Ok(())
    }
}
