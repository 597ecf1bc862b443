use std::collections::{BTreeMap, BTreeSet};

use std::time::Duration;

use super::*;
use crate::db::ChannelStatus;
use crate::model::{Key, MismatchKind, Side};
use crate::telemetry::{FIGURES, Numbers, PluginCall, Points};

const DOC: &str = include_str!("../../../../docs/metrics.md");

fn key() -> Key {
    Key::new("kestrel", "the-iconic")
}

fn channel(now: Instant) -> ChannelFigures {
    let ago = |s: i64| now - jiff::SignedDuration::from_secs(s);
    ChannelFigures {
        key: key(),
        state: ChannelState::Active,
        failures: 0,
        due_at: ago(-20),
        whole_at: ago(40),
        status: ChannelStatus {
            linked: 2_000,
            mismatches: vec![(MismatchKind::NoListing, 7)],
            unsure: 3,
            open_units: 14,
            late_units: 2,
            next_deadline: Some(ago(300)),
        },
        orders: vec![("created".into(), 12), ("closed".into(), 90)],
        orders_for_attention: 1,
        parcels_for_attention: 0,
        changes_waiting: 4,
        oldest_change: Some(ago(33)),
    }
}

/// Counts one of everything that is counted where it happens.
fn one_of_each(now: Instant) {
    let second = Duration::from_secs(1);
    telemetry::process_started();
    let numbers = Numbers {
        applied: 5,
        queued: 4,
        refused: 3,
        drifted: 2,
    };
    telemetry::cycle_ended(&key(), "done", second, numbers);
    telemetry::change_applied(&key(), now - second, now);
    telemetry::order_created(&key(), now - second, now);
    telemetry::requested(
        Side::Channel,
        "kestrel/the-iconic",
        "orders.changed",
        None,
        second,
    );
    telemetry::waited(Side::Shop, "kestrel", second);
    telemetry::waited(Side::Shop, "kestrel", Duration::from_micros(9));
    let told = Points {
        spent: Some(12.0),
        bucket: Some((1_900.0, 2_000.0, 100.0)),
        turned_away: true,
    };
    telemetry::points("kestrel", told);
    let call = PluginCall {
        plugin: "tests-of-telemetry",
        channel: "kestrel/the-iconic",
        call: "orders.changed",
        fault: true,
        broken: false,
        cpu: second,
        wall: second,
        memory: 3 << 20,
    };
    telemetry::plugin_called(call);
    telemetry::plugin_called(PluginCall {
        memory: 1 << 20,
        ..call
    });
    telemetry::webhook_received(&key(), "orders/updated", false);
    telemetry::webhook_refused(Side::Shop, "forged");
}

/// Everything there is, as it would be served.
fn served(now: Instant) -> String {
    let sizes = FileSizes { main: 4096, wal: 0 };
    let stands = telemetry::render(|| stand(&[channel(now)], sizes, now));
    telemetry::counted(|| one_of_each(now)) + &stands
}

/// The kind and the label names of each family of a text that is served.
fn families(text: &str) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let mut found: BTreeMap<String, (String, BTreeSet<String>)> = BTreeMap::new();
    let mut family = String::new();
    for line in text.lines().filter(|l| !l.is_empty()) {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            family = name.to_owned();
            found.insert(family.clone(), (kind.to_owned(), BTreeSet::new()));
        } else if !line.starts_with('#') {
            let (name, labels) = line.split_once('{').map_or((line, ""), |(name, rest)| {
                (name, rest.split_once('}').unwrap().0)
            });
            assert!(name.starts_with(&family), "{line} is not of {family}");
            for label in labels.split(',').filter(|l| !l.is_empty()) {
                let (label, _) = label.split_once('=').unwrap();
                if label != "le" {
                    found.get_mut(&family).unwrap().1.insert(label.to_owned());
                }
            }
        }
    }
    found
}

#[test]
fn what_is_served_is_what_is_documented() {
    let served = families(&served(Instant::now()));
    for f in FIGURES {
        let (kind, labels) = served
            .get(f.name)
            .unwrap_or_else(|| panic!("{} is not served", f.name));
        assert_eq!(kind, f.kind.text(), "{}", f.name);
        let told: BTreeSet<String> = f.labels.iter().map(|l| (*l).to_owned()).collect();
        assert_eq!(labels, &told, "{}", f.name);
    }
    let unknown: Vec<&String> = served
        .keys()
        .filter(|name| FIGURES.iter().all(|f| f.name != *name))
        .collect();
    assert!(unknown.is_empty(), "not documented: {unknown:?}");

    let rows: Vec<&str> = DOC
        .lines()
        .filter(|l| l.starts_with("| `lockstep_") || l.starts_with("| `process_"))
        .collect();
    let wanted: Vec<String> = FIGURES
        .iter()
        .map(|f| {
            let labels: Vec<String> = f.labels.iter().map(|l| format!("`{l}`")).collect();
            format!(
                "| `{}` | {} | {} | {} |",
                f.name,
                f.kind.text(),
                labels.join(" "),
                f.help
            )
        })
        .collect();
    assert_eq!(
        rows,
        wanted,
        "docs/metrics.md; its table must be:\n{}\n",
        wanted.join("\n")
    );
}

#[test]
fn the_alert_rules_name_figures_that_exist() {
    let rules = DOC
        .split("```yaml")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let mut named = 0;
    for word in rules.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
        if !word.starts_with("lockstep_") {
            continue;
        }
        let family = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| word.strip_suffix(end))
            .unwrap_or(word);
        assert!(
            FIGURES.iter().any(|f| f.name == family || f.name == word),
            "{word}"
        );
        named += 1;
    }
    assert!(named >= 3);
}

#[test]
fn figures_say_what_they_are_of() {
    let text = served(Instant::now());
    for line in [
        "lockstep_channel_state{shop=\"kestrel\",channel=\"the-iconic\",state=\"active\"} 1",
        "lockstep_channel_state{shop=\"kestrel\",channel=\"the-iconic\",state=\"paused\"} 0",
        "lockstep_channel_lag_seconds{shop=\"kestrel\",channel=\"the-iconic\"} 40",
        "lockstep_channel_overdue_seconds{shop=\"kestrel\",channel=\"the-iconic\"} 0",
        "lockstep_next_deadline_seconds{shop=\"kestrel\",channel=\"the-iconic\"} -300",
        "lockstep_stock_oldest_change_seconds{shop=\"kestrel\",channel=\"the-iconic\"} 33",
        "lockstep_api_requests_total{side=\"channel\",shop=\"kestrel\",channel=\"the-iconic\",call=\"orders.changed\",status=\"none\"} 1",
        "lockstep_rate_limit_wait_seconds_count{side=\"shopify\",shop=\"kestrel\",channel=\"\"} 1",
        "lockstep_plugin_memory_peak_bytes{plugin=\"tests-of-telemetry\"} 3145728",
        "lockstep_stock_propagation_seconds_bucket{shop=\"kestrel\",channel=\"the-iconic\",le=\"1\"} 1",
        "lockstep_shopify_points_total{shop=\"kestrel\"} 12",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}\nis not in\n{text}");
    }
}
