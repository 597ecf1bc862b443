//! What needs a person, case by case.

use jiff::ToSpan;

use super::rules::*;
use super::samples::*;
use crate::db::{ChannelFacts, ChannelState, NumberFact, OrderState, ParcelFact, TargetFacts};
use crate::model::{AlertKind, Condition, Fault, Instant, Severity};

fn of_channel(c: ChannelFacts, now: Instant) -> Vec<Condition> {
    let facts = Facts {
        channels: vec![c],
        started: noon() - 1.hours(),
        ..Facts::default()
    };
    conditions(&facts, now)
}

/// The one condition there is.
#[track_caller]
fn one(c: ChannelFacts, now: Instant) -> Condition {
    let mut found = of_channel(c, now);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

#[test]
fn a_channel_that_is_well_needs_nobody() {
    assert_eq!(of_channel(channel(), noon()), []);
}

fn refused(ship_by: Option<Instant>) -> ChannelFacts {
    ChannelFacts {
        refused: found(vec![ParcelFact {
            id: "gid://shopify/Fulfillment/7".into(),
            order: "914 002".into(),
            number: "914002771".into(),
            company: Some("Sendle".into()),
            tracking: Some("S1".into()),
            reason: Some("the channel refuses it: refused (E063): used before".into()),
            ship_by,
        }]),
        ..channel()
    }
}

#[test]
fn a_refused_parcel_says_what_why_by_when_and_what_it_costs() {
    let by = later(20 * 3600);
    let c = one(refused(Some(by)), noon());
    assert_eq!(c.kind, AlertKind::FulfillmentRefused);
    assert_eq!(
        c.title,
        "The channel refuses parcel S1 (Sendle) of order 914002771"
    );
    assert_eq!(
        c.text,
        "The channel refuses it: refused (E063): used before."
    );
    assert!(c.todo.contains("lockstep retry 914002771"), "{}", c.todo);
    assert_eq!(c.deadline, Some(by));
    let stake = c.at_stake.unwrap();
    assert_eq!(
        (stake.amount.to_string(), stake.currency.as_str()),
        ("20".into(), "AUD")
    );
    assert_eq!(c.link, "/orders/kestrel/the-iconic/914%20002");
    assert_eq!((c.mark.severity, c.mark.late), (Severity::Warning, false));
}

#[test]
fn it_gets_worse_as_the_deadline_comes_and_goes() {
    let by = later(20 * 3600);
    let early = one(refused(Some(by)), noon()).mark;
    let near = one(refused(Some(by)), by - 4.hours()).mark;
    let late = one(refused(Some(by)), by).mark;
    assert_eq!(near.severity, Severity::Urgent);
    assert!(near.worse_than(&early) && late.worse_than(&near));
    assert!(!early.worse_than(&early) && !early.worse_than(&late));
}

#[test]
fn without_a_fee_nothing_is_said_of_money() {
    let mut c = refused(Some(noon()));
    c.row.policy.late_fee = None;
    assert_eq!(one(c, noon()).at_stake, None);
    assert_eq!(one(refused(None), noon()).at_stake, None);
}

#[test]
fn a_deadline_is_told_before_it_is_urgent() {
    let due = |by| ChannelFacts {
        due: found(vec![order("1", Some(by))]),
        ..channel()
    };
    let c = one(due(later(3 * 3600)), noon());
    assert_eq!(
        (c.kind, c.mark.severity),
        (AlertKind::DispatchDeadline, Severity::Warning)
    );
    assert_eq!(c.title, "Order 1 must be dispatched soon");
    assert!(
        c.text.contains("2 units") && c.text.contains("no fulfillment"),
        "{}",
        c.text
    );
    assert_eq!(
        one(due(later(3600)), noon()).mark.severity,
        Severity::Urgent
    );
    let late = one(due(later(-60)), noon());
    assert_eq!(late.title, "Order 1 is late");
    assert!(late.mark.late);
}

#[test]
fn a_deadline_says_what_is_missing() {
    let text = |o| {
        let c = ChannelFacts {
            due: found(vec![o]),
            ..channel()
        };
        one(c, noon()).text
    };
    let mut packed = order("1", Some(noon()));
    packed.parcel = Some("waiting: no tracking code in Shopify yet".into());
    assert!(text(packed).contains("a parcel is waiting: no tracking code"));
    let mut held = order("1", Some(noon()));
    (held.state, held.reason) = (OrderState::Held, Some("you hold it".into()));
    assert!(text(held).contains("not in Shopify: you hold it"));
}

#[test]
fn orders_that_need_a_person_say_why() {
    let mut blocked = order("1", None);
    blocked.state = OrderState::Blocked;
    blocked.reason = Some("no variant in Shopify has the SKU LONE-HAT-1".into());
    let c = one(
        ChannelFacts {
            attention: found(vec![blocked]),
            ..channel()
        },
        noon(),
    );
    assert_eq!(c.title, "Order 1 is not in Shopify");
    assert_eq!(c.text, "No variant in Shopify has the SKU LONE-HAT-1.");

    let mut asked = order("2", None);
    asked.answer_by = Some(later(3600));
    let c = one(
        ChannelFacts {
            asked: found(vec![asked]),
            ..channel()
        },
        noon(),
    );
    assert_eq!(
        (c.kind, c.mark.severity),
        (AlertKind::OrderAwaitsAnswer, Severity::Urgent)
    );
    assert_eq!(c.deadline, Some(later(3600)));
    assert_eq!(c.at_stake, None, "the fee is for late dispatch");

    let mut held = order("3", None);
    held.state = OrderState::Held;
    held.manual_hold = true;
    let c = one(
        ChannelFacts {
            held: found(vec![held]),
            ..channel()
        },
        noon(),
    );
    assert_eq!(
        (c.kind, c.mark.severity),
        (AlertKind::OrderHeld, Severity::Info)
    );
    assert!(c.todo.contains("lockstep release 3"), "{}", c.todo);
}

#[test]
fn many_become_one_and_stay_one_until_few_are_left() {
    let many = |n: u32, folded: bool| {
        let orders = (0..n.min(MANY + 1))
            .map(|i| order(&i.to_string(), Some(later(i64::from(i)))))
            .collect();
        let mut c = ChannelFacts {
            due: found(orders),
            ..channel()
        };
        c.due.count = n;
        let mut facts = Facts {
            channels: vec![c],
            started: noon(),
            ..Facts::default()
        };
        if folded {
            facts.folded.insert((AlertKind::DispatchDeadline, key()));
        }
        conditions(&facts, noon())
    };
    assert_eq!(many(50, false).len(), 50);
    let all = many(612, false);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].subject, ALL);
    assert_eq!(all[0].deadline, Some(noon()), "the first of them");
    assert_eq!(
        all[0].at_stake.as_ref().unwrap().amount.to_string(),
        "12240"
    );
    assert_eq!(all[0].mark.severity, Severity::Urgent);
    assert_eq!(many(40, true).len(), 1, "it does not go to and fro");
    assert_eq!(many(25, true).len(), 25);
}

#[test]
fn refused_numbers_are_one_alert_that_names_some() {
    let numbers = |n: usize| ChannelFacts {
        numbers: found(
            (0..n)
                .map(|i| NumberFact {
                    sku: format!("SKU-{i}"),
                    quantity: 4,
                    why: "the listing is gone".into(),
                })
                .collect(),
        ),
        ..channel()
    };
    let c = one(numbers(7), noon());
    assert!(
        c.text.starts_with("SKU-0 (4): the listing is gone;"),
        "{}",
        c.text
    );
    assert!(c.text.ends_with("; and 2 more."), "{}", c.text);
    assert!(
        !one(numbers(8), noon()).mark.worse_than(&c.mark),
        "one more is no news"
    );
    assert!(
        one(numbers(14), noon()).mark.worse_than(&c.mark),
        "twice as many are"
    );
}

#[test]
fn the_guard_is_urgent_and_the_first_sync_is_not() {
    let plan = |why: &str| ChannelFacts {
        plan: Some(why.into()),
        ..channel()
    };
    let c = one(plan("30 of 100 listings would go to zero"), noon());
    assert_eq!(
        (c.kind, c.mark.severity),
        (AlertKind::Approval, Severity::Urgent)
    );
    assert!(c.todo.contains("lockstep approve kestrel/the-iconic"));
    let more = one(plan("31 of 100 listings would go to zero"), noon());
    assert!(!more.mark.worse_than(&c.mark), "another number is no news");
    let mut first = plan("the first sync is a plan to approve");
    first.row.approved_at = None;
    assert_eq!(one(first, noon()).mark.severity, Severity::Warning);
}

#[test]
fn before_the_first_sync_is_approved_orders_are_worked_without_the_host() {
    let mut c = ChannelFacts {
        due: found(vec![order("1", Some(noon()))]),
        held: found(vec![order("2", None)]),
        ..channel()
    };
    assert_eq!(of_channel(c.clone(), noon()).len(), 2);
    c.row.approved_at = None;
    assert_eq!(of_channel(c, noon()), []);
}

fn failing(reason: &str, minutes: i64, failures: u32) -> ChannelFacts {
    let mut c = channel();
    c.row.failures = failures;
    c.row.reason = Some(reason.into());
    c.last_good = Some(noon() - minutes.minutes());
    c
}

#[test]
fn a_channel_is_unreachable_only_after_a_while() {
    let why = "channel: unavailable: 503";
    assert_eq!(of_channel(failing(why, 14, 9), noon()), []);
    assert_eq!(of_channel(failing(why, 20, 2), noon()), []);
    let c = one(failing(why, 20, 3), noon());
    assert_eq!(
        (c.kind, c.mark.severity),
        (AlertKind::ChannelUnreachable, Severity::Warning)
    );
    assert_eq!(c.title, "No cycle has come through since 27 Nov 02:40 UTC");
    let other = one(failing("channel: unavailable: timeout", 20, 3), noon());
    assert!(!other.mark.worse_than(&c.mark), "another text is no news");
    assert_eq!(
        one(failing(why, 60, 9), noon()).mark.severity,
        Severity::Urgent
    );
}

#[test]
fn where_shopify_fails_there_is_one_alert_for_all_its_channels() {
    let stop = crate::cycle::Stop::Fault {
        side: crate::model::Side::Shop,
        fault: Fault::Unavailable {
            retry_after_ms: None,
            detail: "502".into(),
        },
    };
    let one_of = failing(&stop.to_string(), 20, 4);
    let mut other = failing(&stop.to_string(), 90, 4);
    other.row.key.channel = "tidepool".into();
    let facts = Facts {
        channels: vec![one_of, other],
        started: noon(),
        ..Facts::default()
    };
    let found = conditions(&facts, noon());
    assert_eq!(found.len(), 1, "{found:#?}");
    let c = &found[0];
    assert_eq!(
        (c.kind, c.channel.as_str()),
        (AlertKind::ShopUnreachable, "")
    );
    assert_eq!(c.mark.severity, Severity::Urgent);
    assert!(c.text.contains("the-iconic, tidepool"), "{}", c.text);
}

#[test]
fn a_parked_channel_is_urgent_and_a_paused_one_is_its_operators_will() {
    let mut c = failing("credentials rejected", 90, 9);
    c.row.state = ChannelState::Parked;
    let found = one(c.clone(), noon());
    assert_eq!(
        (found.kind, found.mark.severity),
        (AlertKind::ChannelParked, Severity::Urgent)
    );
    assert_eq!(found.text, "Credentials rejected.");
    c.row.state = ChannelState::Paused;
    assert_eq!(of_channel(c, noon()), []);
}

#[test]
fn a_late_cycle_is_told_but_not_what_was_late_before_the_host_ran() {
    let mut c = channel();
    c.row.due_at = noon() - 16.minutes();
    assert_eq!(one(c.clone(), noon()).kind, AlertKind::ChannelLate);
    c.row.policy.interval_s = 120;
    assert_eq!(
        of_channel(c.clone(), noon()),
        [],
        "ten intervals are not over"
    );
    c.row.policy.interval_s = 60;
    let facts = Facts {
        channels: vec![c.clone()],
        started: noon() - 1.minutes(),
        ..Facts::default()
    };
    assert_eq!(conditions(&facts, noon()), []);
    // One that runs is not late, unless it runs for hours.
    c.running_since = Some(noon() - 50.minutes());
    assert_eq!(of_channel(c.clone(), noon()), []);
    let found = one(c, noon() + 90.minutes());
    assert_eq!(found.title, "A cycle runs since 27 Nov 02:10 UTC");
}

#[test]
fn plugins_and_targets_are_of_the_host() {
    let facts = Facts {
        plugins: vec![
            PluginFact {
                id: "mirror.wasm".into(),
                error: Some("not a component".into()),
                waits: None,
            },
            PluginFact {
                id: "mirror".into(),
                error: None,
                waits: Some(("2.0.0".into(), vec!["reach api.example".into()])),
            },
        ],
        targets: vec![
            TargetFacts {
                target: "ops".into(),
                failing_since: Some(noon() - 31.minutes()),
                error: Some("answers 535: no".into()),
                given_up_at: None,
                sent_at: None,
                waiting: 1,
            },
            TargetFacts {
                target: "chat".into(),
                failing_since: Some(noon() - 5.minutes()),
                error: None,
                given_up_at: None,
                sent_at: None,
                waiting: 1,
            },
        ],
        ..Facts::default()
    };
    let found = conditions(&facts, noon());
    let kinds: Vec<_> = found.iter().map(|c| (c.kind, c.subject.as_str())).collect();
    assert_eq!(
        kinds,
        [
            (AlertKind::PluginBroken, "mirror.wasm"),
            (AlertKind::PluginWaits, "mirror"),
            (AlertKind::TargetFailing, "ops")
        ]
    );
    assert!(found.iter().all(|c| c.shop.is_empty()));
    assert_eq!(found[2].text, "Answers 535: no.");
}

#[test]
fn identities_are_unique_and_texts_are_there() {
    let mut c = refused(Some(noon()));
    c.parcels = found(c.refused.first.clone());
    c.attention = found(vec![order("1", None), order("2", None)]);
    c.held = found(vec![order("3", None)]);
    c.due = found(vec![order("4", Some(noon()))]);
    c.asked = found(vec![order("5", None)]);
    c.plan = Some("why".into());
    c.row.state = ChannelState::Parked;
    let found = of_channel(c, noon());
    let mut seen = std::collections::HashSet::new();
    for c in &found {
        assert!(
            seen.insert((c.kind, &c.shop, &c.channel, &c.subject)),
            "{c:#?}"
        );
        for text in [&c.title, &c.text, &c.todo, &c.link] {
            assert!(!text.is_empty(), "{c:#?}");
        }
        assert!(c.link.starts_with('/'));
    }
    assert_eq!(found.len(), 8);
}

#[test]
fn the_documentation_lists_every_kind() {
    let docs = include_str!("../../../docs/alerts.md");
    let listed: Vec<&str> = (docs.lines())
        .filter_map(|l| l.strip_prefix("| `"))
        .filter_map(|l| l.split_once('`').map(|(kind, _)| kind))
        .filter(|kind| kind.parse::<AlertKind>().is_ok())
        .collect();
    let all: Vec<&str> = AlertKind::ALL.iter().map(|k| k.text()).collect();
    assert_eq!(listed, all);
    for kind in AlertKind::ALL {
        let row = format!("| `{kind}` | {} |", kind.about());
        assert!(
            docs.contains(&row),
            "docs/alerts.md has no row that begins with: {row}"
        );
    }
}
