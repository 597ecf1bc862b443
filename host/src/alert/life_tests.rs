//! Alerts over time, with a made-up clock.

use super::life::*;
use super::rules::ALL;
use super::samples::*;
use crate::db::Alert;
use crate::model::{AlertKind, AlertState, Condition, Instant, Severity};

/// A store of alerts that does what the database does.
#[derive(Default)]
struct Shelf {
    alerts: Vec<Alert>,
}

impl Shelf {
    /// What changed, in words.
    fn look(&mut self, conditions: &[Condition], now: Instant) -> Vec<String> {
        let mut said = Vec::new();
        for change in changes(&self.alerts, conditions.to_vec(), now) {
            match change {
                Change::Open(c) => {
                    let id = self.alerts.len() as i64 + 1;
                    said.push(format!("{id} opens"));
                    self.alerts.push(of(id, &c, now));
                }
                Change::Update {
                    id,
                    condition,
                    worse,
                    heard_no_more,
                } => {
                    let alert = self.get(id);
                    let back = alert.resolved_at.is_some();
                    let mut next = of(id, &condition, alert.opened_at);
                    next.changed_at = if worse || heard_no_more {
                        now
                    } else {
                        alert.changed_at
                    };
                    if !heard_no_more {
                        next.acknowledged = alert.acknowledged.clone();
                        next.acknowledged_mark = alert.acknowledged_mark.clone();
                    }
                    *alert = next;
                    let what = match (back, worse || heard_no_more) {
                        (true, _) => "is back",
                        (_, true) => "is worse",
                        _ => "is other",
                    };
                    said.push(format!("{id} {what}"));
                    if heard_no_more {
                        said.push(format!("{id} is open again"));
                    }
                }
                Change::Gone(id) => {
                    self.get(id).gone_at = Some(now);
                    said.push(format!("{id} is gone"));
                }
                Change::Resolve { id, folded } => {
                    let alert = self.get(id);
                    alert.resolved_at = Some(now);
                    alert.folded = folded;
                    alert.state = AlertState::Resolved;
                    said.push(format!(
                        "{id} resolves{}",
                        if folded { " into one" } else { "" }
                    ));
                }
            }
        }
        said
    }

    fn get(&mut self, id: i64) -> &mut Alert {
        &mut self.alerts[id as usize - 1]
    }
}

fn order(severity: Severity) -> Condition {
    condition(AlertKind::OrderAttention, "1", severity)
}

#[test]
fn it_opens_once_holds_and_resolves_by_itself() {
    let mut shelf = Shelf::default();
    let c = [order(Severity::Warning)];
    assert_eq!(shelf.look(&c, later(0)), ["1 opens"]);
    assert!(shelf.look(&c, later(15)).is_empty(), "nothing is new");
    assert_eq!(shelf.look(&[], later(30)), ["1 is gone"]);
    assert!(shelf.look(&[], later(45)).is_empty(), "it may come back");
    assert_eq!(shelf.look(&[], later(60)), ["1 resolves"]);
    assert!(shelf.look(&[], later(75)).is_empty());
    assert_eq!(
        shelf.look(&c, later(90)),
        ["2 opens"],
        "a new refusal is a new alert"
    );
}

#[test]
fn a_flapping_channel_is_one_alert() {
    let mut shelf = Shelf::default();
    let c = [condition(
        AlertKind::ChannelUnreachable,
        "",
        Severity::Warning,
    )];
    let mut said = shelf.look(&c, later(0));
    // A minute down, a minute up, for an hour.
    for minute in 1..60 {
        let now = later(minute * 60);
        said.extend(shelf.look(if minute % 2 == 0 { &c } else { &[] }, now));
    }
    assert!(!said.iter().any(|s| s.contains("resolves")), "{said:?}");
    assert_eq!(said.iter().filter(|s| s.contains("opens")).count(), 1);
    // Ten minutes up, ten down: it resolves, and what comes back is the same alert.
    let start = 3600;
    for ten in 0..6 {
        for minute in 0..10 {
            let now = later(start + ten * 600 + minute * 60);
            said.extend(shelf.look(if ten % 2 == 1 { &c } else { &[] }, now));
        }
    }
    assert!(said.iter().any(|s| s == "1 resolves") && said.iter().any(|s| s == "1 is back"));
    assert_eq!(shelf.alerts.len(), 1, "{said:?}");
    // After hours it is another one.
    shelf.look(&[], later(20_000));
    shelf.look(&[], later(21_000));
    assert_eq!(shelf.look(&c, later(40_000)), ["2 opens"]);
}

#[test]
fn an_acknowledged_alert_stays_so_until_it_gets_worse() {
    let mut shelf = Shelf::default();
    shelf.look(&[order(Severity::Warning)], later(0));
    let known = acknowledged(shelf.alerts[0].clone());
    *shelf.get(1) = known;
    let mut other = order(Severity::Warning);
    other.text = "Because, in other words.".into();
    assert_eq!(shelf.look(&[other], later(15)), ["1 is other"]);
    assert_eq!(
        shelf.look(&[order(Severity::Urgent)], later(30)),
        ["1 is worse", "1 is open again"]
    );
    assert!(shelf.alerts[0].acknowledged.is_none());
    assert_eq!(shelf.alerts[0].changed_at, later(30));
    // Better again: nobody is told.
    assert_eq!(
        shelf.look(&[order(Severity::Warning)], later(45)),
        ["1 is other"]
    );
}

#[test]
fn another_cause_is_worse_and_one_that_is_late_is_too() {
    let mut shelf = Shelf::default();
    shelf.look(&[order(Severity::Warning)], later(0));
    let mut c = order(Severity::Warning);
    c.mark.cause = "another".into();
    assert_eq!(shelf.look(&[c.clone()], later(15)), ["1 is worse"]);
    c.mark.late = true;
    assert_eq!(shelf.look(&[c], later(30)), ["1 is worse"]);
}

#[test]
fn growth_that_is_slow_is_seen_against_what_was_acknowledged() {
    let mut shelf = Shelf::default();
    let of = |weight| {
        let mut c = condition(AlertKind::NumbersRefused, "", Severity::Warning);
        c.mark.weight = weight;
        c.text = format!("{weight} of them");
        [c]
    };
    shelf.look(&of(10), later(0));
    let known = acknowledged(shelf.alerts[0].clone());
    *shelf.get(1) = known;
    for weight in 11..20 {
        let said = shelf.look(&of(weight), later(i64::from(weight)));
        assert_eq!(said, ["1 is other"], "{weight}");
    }
    assert_eq!(
        shelf.look(&of(20), later(60)),
        ["1 is worse", "1 is open again"]
    );
}

#[test]
fn alerts_that_become_one_resolve_at_once() {
    let mut shelf = Shelf::default();
    let few: Vec<Condition> = ["1", "2"]
        .iter()
        .map(|s| condition(AlertKind::OrderAttention, s, Severity::Warning))
        .collect();
    shelf.look(&few, later(0));
    let all = [condition(AlertKind::OrderAttention, ALL, Severity::Warning)];
    assert_eq!(
        shelf.look(&all, later(15)),
        ["3 opens", "1 resolves into one", "2 resolves into one"]
    );
    assert_eq!(
        shelf.look(&few, later(30)),
        ["4 opens", "5 opens", "3 is gone"]
    );
    assert_eq!(shelf.look(&few, later(60)), ["3 resolves"]);
}
