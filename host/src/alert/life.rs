//! How alerts open, change and resolve as conditions come and go: values in, values out.

use std::collections::HashMap;

use jiff::SignedDuration;

use super::rules::ALL;
use crate::db::Alert;
use crate::model::{AlertKind, Condition, Instant};

/// What becomes of the alerts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A condition is new.
    Open(Condition),
    /// The condition of an alert holds, and is other than before.
    Update {
        /// The alert.
        id: i64,
        /// As it is now.
        condition: Condition,
        /// People who knew of it must be told again.
        worse: bool,
        /// It is worse than when somebody acknowledged it.
        heard_no_more: bool,
    },
    /// The condition of an alert does not hold; it may come back.
    Gone(i64),
    /// It has not come back.
    Resolve {
        /// The alert.
        id: i64,
        /// It is part of another alert now.
        folded: bool,
    },
}

/// How long a condition must be gone before its alert resolves, and for how long after that its coming back is the same
/// alert. What flaps would be told again and again otherwise.
fn patience(kind: AlertKind) -> (SignedDuration, SignedDuration) {
    let minutes = |calm, back| {
        (
            SignedDuration::from_mins(calm),
            SignedDuration::from_mins(back),
        )
    };
    match kind {
        AlertKind::ChannelUnreachable | AlertKind::ShopUnreachable | AlertKind::ChannelLate => {
            minutes(5, 60)
        }
        AlertKind::ChannelParked
        | AlertKind::PluginBroken
        | AlertKind::PluginWaits
        | AlertKind::TargetFailing => minutes(1, 10),
        // What a channel refuses is forgotten and refused anew with each reading of its catalogue.
        AlertKind::NumbersRefused => minutes(10, 120),
        // A person decides about each of these: when it comes back, that is news.
        AlertKind::Approval
        | AlertKind::FulfillmentRefused
        | AlertKind::FulfillmentAttention
        | AlertKind::DispatchDeadline
        | AlertKind::OrderAttention
        | AlertKind::OrderAwaitsAnswer
        | AlertKind::OrderHeld => (SignedDuration::from_secs(30), SignedDuration::ZERO),
    }
}

/// Longest time for which a resolved alert is to be known to [`changes`].
pub const LONGEST_BACK: SignedDuration = SignedDuration::from_hours(2);

type Identity<'a> = (AlertKind, &'a str, &'a str, &'a str);

fn identity(c: &Condition) -> Identity<'_> {
    (c.kind, &c.shop, &c.channel, &c.subject)
}

/// What becomes of the alerts that are known: those that are not resolved, and those that were lately.
pub fn changes(known: &[Alert], conditions: Vec<Condition>, now: Instant) -> Vec<Change> {
    let mut by_identity: HashMap<Identity<'_>, &Alert> = HashMap::new();
    for alert in known {
        let back = patience(alert.kind).1;
        let lately = |at: Instant| now.duration_since(at) < back && !alert.folded;
        if alert.resolved_at.is_none_or(lately) {
            // In the order in which they opened: the newest one stays.
            by_identity.insert(
                (alert.kind, &alert.shop, &alert.channel, &alert.subject),
                alert,
            );
        }
    }
    let mut found = Vec::new();
    let mut held: Vec<i64> = Vec::new();
    let mut folds: Vec<(AlertKind, String, String)> = Vec::new();
    for condition in conditions {
        if condition.subject == ALL {
            folds.push((
                condition.kind,
                condition.shop.clone(),
                condition.channel.clone(),
            ));
        }
        let Some(alert) = by_identity.get(&identity(&condition)) else {
            found.push(Change::Open(condition));
            continue;
        };
        held.push(alert.id);
        if alert.gone_at.is_none() && alert.resolved_at.is_none() && same(alert, &condition) {
            continue;
        }
        found.push(Change::Update {
            id: alert.id,
            worse: condition.mark.worse_than(&alert.mark),
            heard_no_more: (alert.acknowledged_mark.as_ref())
                .is_some_and(|known| condition.mark.worse_than(known)),
            condition,
        });
    }
    for alert in known
        .iter()
        .filter(|a| a.resolved_at.is_none() && !held.contains(&a.id))
    {
        let folded = alert.subject != ALL
            && folds.contains(&(alert.kind, alert.shop.clone(), alert.channel.clone()));
        match alert.gone_at {
            _ if folded => found.push(Change::Resolve {
                id: alert.id,
                folded,
            }),
            None => found.push(Change::Gone(alert.id)),
            Some(gone) if now.duration_since(gone) >= patience(alert.kind).0 => {
                found.push(Change::Resolve {
                    id: alert.id,
                    folded,
                });
            }
            Some(_) => {}
        }
    }
    found
}

fn same(a: &Alert, c: &Condition) -> bool {
    a.mark == c.mark
        && a.title == c.title
        && a.text == c.text
        && a.todo == c.todo
        && a.deadline == c.deadline
        && a.at_stake == c.at_stake
        && a.link == c.link
}
