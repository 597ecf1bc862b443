//! Who is told of what, and when: values in, values out. The clock is an argument.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};
use serde::{Deserialize, Serialize};

use super::target::Target;
use crate::db::{Alert, Told};
use crate::model::{Instant, Severity};

/// What is urgent waits for so long: a cycle that finds one thing often finds more.
const URGENT_S: i64 = 5;

/// Why an alert is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// It is new.
    New,
    /// It got worse since it was told.
    Worse,
    /// Nobody has acknowledged it for long.
    Reminder,
    /// It is over.
    Resolved,
}

/// What one target is to be told now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Positions among the alerts, with why. Empty: nothing now.
    pub tell: Vec<(usize, Why)>,
    /// When there may be something to tell, if nothing changes until then.
    pub next: Option<Instant>,
}

/// One thing that is to be told.
struct Pending {
    alert: usize,
    why: Why,
    since: Instant,
    urgent: bool,
    quiet: bool,
}

/// What a target is to be told now of these alerts, given what it was told. `zone` is the time zone of a shop, by name;
/// of the host itself at an empty name.
pub fn due(
    target: &Target,
    alerts: &[Alert],
    told: &[Told],
    zone: &dyn Fn(&str) -> TimeZone,
    now: Instant,
) -> Due {
    let told_of: HashMap<i64, &Told> = told.iter().map(|t| (t.alert, t)).collect();
    let mut pending = Vec::new();
    let mut next: Option<Instant> = None;
    let mut look_at = |at: Instant| next = Some(next.map_or(at, |n| n.min(at)));
    for (i, alert) in alerts.iter().enumerate() {
        if !target.hears(alert) {
            continue;
        }
        let told = told_of.get(&alert.id).copied();
        let Some((why, since)) = news(target, alert, told) else {
            continue;
        };
        if since > now {
            look_at(since);
            continue;
        }
        pending.push(Pending {
            alert: i,
            why,
            since,
            urgent: alert.severity == Severity::Urgent && why != Why::Resolved,
            quiet: target
                .quiet
                .is_some_and(|q| q.holds(now, &zone(&alert.shop))),
        });
    }
    // Nothing is sent so soon after the message before, but the first urgent one after others that were not.
    let gather = i64::from(target.group_s).seconds();
    let after = |urgent: bool| -> Option<Instant> {
        (told.iter())
            .filter(|t| !urgent || (t.mark.severity == Severity::Urgent && !t.resolved))
            .map(|t| t.at + gather)
            .max()
    };
    let (any, urgent) = (after(false), after(true));
    let mut ready = false;
    for p in pending.iter().filter(|p| p.urgent || !p.quiet) {
        let (wait, floor) = if p.urgent {
            (URGENT_S.min(target.group_s.into()), urgent)
        } else {
            (target.group_s.into(), any)
        };
        let at = p.since + SignedDuration::from_secs(wait);
        let at = floor.map_or(at, |f| f.max(at));
        if at <= now {
            ready = true;
        } else {
            look_at(at);
        }
    }
    let tell = pending.iter().filter(|p| ready && (p.urgent || !p.quiet));
    Due {
        tell: tell.map(|p| (p.alert, p.why)).collect(),
        next,
    }
}

/// Why an alert is to be told, and since when.
fn news(target: &Target, alert: &Alert, told: Option<&Told>) -> Option<(Why, Instant)> {
    let silent = alert.acknowledged.is_some();
    if let Some(resolved) = alert.resolved_at {
        let known = told.is_some_and(|t| !t.resolved);
        return (known && target.tell_resolved && !silent && !alert.folded)
            .then_some((Why::Resolved, resolved));
    }
    // What may be over by itself is not told anew.
    if silent || alert.gone_at.is_some() || alert.severity < target.least {
        return None;
    }
    let Some(told) = told.filter(|t| !t.resolved) else {
        return Some((Why::New, alert.changed_at));
    };
    if alert.mark.worse_than(&told.mark) {
        return Some((Why::Worse, alert.changed_at.max(told.at)));
    }
    let repeat = i64::from(target.repeat_h).hours();
    (alert.severity == Severity::Urgent && target.repeat_h > 0)
        .then(|| (Why::Reminder, told.at + repeat))
}
