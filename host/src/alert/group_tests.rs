//! Who is told of what, and when, with a made-up clock.

use jiff::ToSpan;
use jiff::tz::TimeZone;

use super::group::*;
use super::message::zone;
use super::samples::*;
use super::target::{Quiet, Target, Way, Webhook};
use crate::db::{Alert, Told};
use crate::model::{AlertKind, Instant, Severity};

fn target() -> Target {
    Target {
        name: "ops".into(),
        to: Way::Webhook(Webhook {
            url: "https://ops.example/hook".into(),
            allow_local: false,
        }),
        least: Severity::Warning,
        channels: vec![],
        group_s: 120,
        repeat_h: 12,
        tell_resolved: false,
        quiet: None,
    }
}

/// A target over time, which remembers what it was told.
struct Ear {
    target: Target,
    told: Vec<Told>,
}

impl Ear {
    fn of(target: Target) -> Self {
        Self {
            target,
            told: Vec::new(),
        }
    }

    /// What one message tells now: ids with why. Empty: there is none.
    fn hear(&mut self, alerts: &[Alert], now: Instant) -> Vec<(i64, Why)> {
        let sydney = |_: &str| -> TimeZone { zone(Some("Australia/Sydney")) };
        let due = due(&self.target, alerts, &self.told, &sydney, now);
        assert!(due.next.is_none_or(|n| n > now), "{due:?} at {now}");
        (due.tell.into_iter())
            .map(|(i, why)| {
                let alert = &alerts[i];
                self.told.retain(|t| t.alert != alert.id);
                self.told.push(Told {
                    alert: alert.id,
                    at: now,
                    mark: alert.mark.clone(),
                    resolved: why == Why::Resolved,
                });
                (alert.id, why)
            })
            .collect()
    }
}

fn since(id: i64, severity: Severity, seconds: i64) -> Alert {
    let mut a = alert(id, severity);
    (a.opened_at, a.changed_at) = (later(seconds), later(seconds));
    a
}

#[test]
fn warnings_are_gathered_into_one_message_and_told_once() {
    let mut ear = Ear::of(target());
    let one = since(1, Severity::Warning, 0);
    let all = [
        one.clone(),
        since(2, Severity::Warning, 60),
        since(3, Severity::Warning, 119),
    ];
    assert!(ear.hear(&[one], later(15)).is_empty());
    assert!(ear.hear(&all, later(119)).is_empty());
    let told = ear.hear(&all, later(120));
    assert_eq!(told, [(1, Why::New), (2, Why::New), (3, Why::New)]);
    for seconds in [135, 3600, 80_000] {
        assert!(ear.hear(&all, later(seconds)).is_empty(), "{seconds}");
    }
}

#[test]
fn the_first_urgent_one_goes_at_once_with_all_that_wait_and_others_are_gathered() {
    let mut ear = Ear::of(target());
    let mut all = vec![
        since(1, Severity::Warning, 0),
        since(2, Severity::Urgent, 10),
    ];
    assert!(
        ear.hear(&all, later(14)).is_empty(),
        "a moment for what comes with it"
    );
    assert_eq!(ear.hear(&all, later(15)), [(1, Why::New), (2, Why::New)]);
    all.push(since(3, Severity::Urgent, 20));
    all.push(since(4, Severity::Urgent, 100));
    assert!(ear.hear(&all, later(134)).is_empty());
    assert_eq!(ear.hear(&all, later(135)), [(3, Why::New), (4, Why::New)]);
}

#[test]
fn an_urgent_one_does_not_wait_behind_warnings() {
    let mut ear = Ear::of(target());
    let mut all = vec![since(1, Severity::Warning, 0)];
    ear.hear(&all, later(120));
    all.push(since(2, Severity::Urgent, 125));
    assert_eq!(ear.hear(&all, later(130)), [(2, Why::New)]);
}

#[test]
fn five_at_once_are_one_message() {
    let mut ear = Ear::of(target());
    let all: Vec<Alert> = (1..6).map(|id| since(id, Severity::Urgent, id)).collect();
    assert_eq!(ear.hear(&all, later(6)).len(), 5);
}

#[test]
fn what_gets_worse_is_told_again_and_what_gets_better_is_not() {
    let mut ear = Ear::of(target());
    let mut all = vec![since(1, Severity::Warning, 0)];
    ear.hear(&all, later(120));
    all[0] = since(1, Severity::Urgent, 500);
    assert_eq!(ear.hear(&all, later(505)), [(1, Why::Worse)]);
    all[0] = since(1, Severity::Warning, 500);
    assert!(ear.hear(&all, later(5_000)).is_empty());
    // As bad as it was told before: no news.
    all[0] = since(1, Severity::Urgent, 6_000);
    assert!(ear.hear(&all, later(6_100)).is_empty());
}

#[test]
fn an_acknowledged_alert_is_silent_in_every_way() {
    let mut ear = Ear::of(Target {
        tell_resolved: true,
        ..target()
    });
    let mut a = acknowledged(since(1, Severity::Urgent, 0));
    assert!(ear.hear(&[a.clone()], later(100)).is_empty());
    let open = since(1, Severity::Urgent, 0);
    ear.hear(&[open], later(200));
    assert!(
        ear.hear(&[a.clone()], later(200_000)).is_empty(),
        "no reminder"
    );
    a.resolved_at = Some(later(200_100));
    assert!(
        ear.hear(&[a], later(201_000)).is_empty(),
        "nor that it is over"
    );
}

#[test]
fn only_urgent_ones_are_repeated() {
    let mut ear = Ear::of(target());
    let all = [
        since(1, Severity::Urgent, 0),
        since(2, Severity::Warning, 0),
    ];
    ear.hear(&all, later(120));
    let twelve = 120 + 12 * 3600;
    assert!(ear.hear(&all, later(twelve - 1)).is_empty());
    assert!(
        ear.hear(&all, later(twelve)).is_empty(),
        "a moment for what comes with it"
    );
    assert_eq!(ear.hear(&all, later(twelve + 5)), [(1, Why::Reminder)]);
    assert!(ear.hear(&all, later(twelve + 3600)).is_empty());
    ear.target.repeat_h = 0;
    assert!(ear.hear(&all, later(10 * twelve)).is_empty());
}

#[test]
fn what_is_over_is_told_where_it_is_wanted_and_was_told() {
    for wanted in [true, false] {
        let mut ear = Ear::of(Target {
            tell_resolved: wanted,
            ..target()
        });
        let mut a = since(1, Severity::Urgent, 0);
        let mut never_told = since(2, Severity::Warning, 0);
        ear.hear(&[a.clone()], later(5));
        (a.resolved_at, never_told.resolved_at) = (Some(later(300)), Some(later(100)));
        let told = ear.hear(&[a.clone(), never_told.clone()], later(420));
        assert_eq!(
            told,
            if wanted {
                vec![(1, Why::Resolved)]
            } else {
                vec![]
            }
        );
        assert!(ear.hear(&[a.clone(), never_told], later(9_000)).is_empty());
        // It comes back as the same alert: told anew where people believe it over.
        a.resolved_at = None;
        a.changed_at = later(10_000);
        assert_eq!(ear.hear(&[a], later(10_120)).len(), usize::from(wanted));
    }
}

#[test]
fn one_that_may_be_over_by_itself_is_not_told_anew() {
    let mut ear = Ear::of(target());
    let mut a = since(1, Severity::Urgent, 0);
    a.gone_at = Some(later(3));
    assert!(ear.hear(&[a], later(60)).is_empty());
}

#[test]
fn at_night_only_what_is_urgent_goes_through() {
    let quiet: Quiet = "22:00-07:00".parse().unwrap();
    let mut ear = Ear::of(Target {
        quiet: Some(quiet),
        ..target()
    });
    // Eleven at night in Sydney.
    let night = later(9 * 3600);
    let mut all = vec![since(1, Severity::Warning, 9 * 3600)];
    assert!(ear.hear(&all, night + 600.seconds()).is_empty());
    all.push(since(2, Severity::Urgent, 9 * 3600 + 900));
    assert_eq!(ear.hear(&all, night + 905.seconds()), [(2, Why::New)]);
    let morning = night + 8.hours();
    assert!(ear.hear(&all, morning - 1.seconds()).is_empty());
    assert_eq!(ear.hear(&all, morning), [(1, Why::New)]);
}

#[test]
fn a_span_of_the_day_is_read_shown_and_kept() {
    let sydney = zone(Some("Australia/Sydney"));
    let day: Quiet = "09:00-17:30".parse().unwrap();
    assert!(day.holds(noon(), &sydney));
    assert!(!day.holds(later(4 * 3600), &sydney));
    assert_eq!(day.to_string(), "09:00-17:30");
    let kept: Quiet = serde_json::from_str(&serde_json::to_string(&day).unwrap()).unwrap();
    assert_eq!(kept, day);
    for wrong in [
        "",
        "22-7",
        "24:00-07:00",
        "22:00",
        "07:00-07:00",
        "10:60-11:00",
    ] {
        assert!(wrong.parse::<Quiet>().is_err(), "{wrong}");
    }
}

#[test]
fn a_target_hears_its_channels_and_at_least_its_severity() {
    let mut ear = Ear::of(Target {
        channels: vec!["kestrel/tidepool".into(), "plover".into()],
        ..target()
    });
    let of = |id, shop: &str, channel: &str| {
        let mut a = since(id, Severity::Urgent, 0);
        (a.shop, a.channel) = (shop.into(), channel.into());
        a
    };
    let mut low = of(6, "plover", "x");
    low.severity = Severity::Info;
    let mut own = of(7, "", "");
    (own.kind, own.subject) = (AlertKind::TargetFailing, "ops".into());
    let all = [
        of(1, "kestrel", "the-iconic"),
        of(2, "kestrel", "tidepool"),
        of(3, "kestrel", ""),
        of(4, "plover", "y"),
        of(5, "", ""),
        low,
        own,
    ];
    let told: Vec<i64> = ear
        .hear(&all, later(10))
        .into_iter()
        .map(|(id, _)| id)
        .collect();
    assert_eq!(told, [2, 3, 4, 5]);
}

#[test]
fn a_new_target_is_told_what_is_open_at_once() {
    let mut ear = Ear::of(target());
    let all = [
        since(1, Severity::Warning, -9_000),
        since(2, Severity::Urgent, -9_000),
    ];
    assert_eq!(ear.hear(&all, later(0)).len(), 2);
}
