//! Alerts and facts as tests need them.

use jiff::ToSpan;

use crate::db::{Alert, ChannelFacts, ChannelRow, ChannelState, Found, OrderFact, OrderState};
use crate::model::{
    Acknowledgement, AlertKind, AlertState, Condition, Instant, Key, Mark, Policy, Severity,
};

/// Two in the afternoon in Sydney.
pub fn noon() -> Instant {
    "2025-11-27T03:00:00Z".parse().unwrap()
}

pub fn later(seconds: i64) -> Instant {
    noon() + seconds.seconds()
}

pub fn key() -> Key {
    Key::new("kestrel", "the-iconic")
}

pub fn channel() -> ChannelFacts {
    ChannelFacts {
        row: ChannelRow {
            key: key(),
            plugin: "the-iconic".into(),
            title: "THE ICONIC".into(),
            base_url: None,
            allow_local: false,
            account_id: None,
            account_name: None,
            settings: Default::default(),
            policy: Policy {
                late_fee: Some(20.into()),
                ..Policy::default()
            },
            extras: vec![],
            locations: vec![],
            orders_from: noon(),
            state: ChannelState::Active,
            reason: None,
            approved_at: Some(noon()),
            guard_pass: false,
            due_at: later(1_000_000),
            failures: 0,
            read_back_at: None,
        },
        currency: Some("AUD".into()),
        added_at: noon() - 1000.hours(),
        last_good: None,
        running_since: None,
        plan: None,
        attention: Found::default(),
        asked: Found::default(),
        held: Found::default(),
        due: Found::default(),
        refused: Found::default(),
        parcels: Found::default(),
        numbers: Found::default(),
    }
}

pub fn found<T>(things: Vec<T>) -> Found<T> {
    Found {
        count: things.len() as u32,
        first: things,
    }
}

pub fn order(id: &str, ship_by: Option<Instant>) -> OrderFact {
    OrderFact {
        id: id.into(),
        number: id.into(),
        state: OrderState::Created,
        reason: None,
        ship_by,
        answer_by: None,
        manual_hold: false,
        seen_at: noon(),
        open_units: 2,
        parcel: None,
    }
}

pub fn condition(kind: AlertKind, subject: &str, severity: Severity) -> Condition {
    Condition {
        kind,
        shop: "kestrel".into(),
        channel: "the-iconic".into(),
        subject: subject.into(),
        mark: Mark {
            severity,
            late: false,
            cause: "because".into(),
            weight: 1,
        },
        title: format!("{kind} {subject}"),
        text: "Because.".into(),
        todo: "Do it.".into(),
        deadline: None,
        at_stake: None,
        link: "/orders/kestrel/the-iconic/1".into(),
    }
}

/// An alert that is open since noon.
pub fn alert(id: i64, severity: Severity) -> Alert {
    of(
        id,
        &condition(AlertKind::OrderAttention, &id.to_string(), severity),
        noon(),
    )
}

pub fn of(id: i64, c: &Condition, at: Instant) -> Alert {
    Alert {
        id,
        kind: c.kind,
        state: AlertState::Open,
        severity: c.mark.severity,
        shop: c.shop.clone(),
        channel: c.channel.clone(),
        subject: c.subject.clone(),
        title: c.title.clone(),
        text: c.text.clone(),
        todo: c.todo.clone(),
        deadline: c.deadline,
        at_stake: c.at_stake.clone(),
        link: c.link.clone(),
        opened_at: at,
        changed_at: at,
        gone_at: None,
        resolved_at: None,
        acknowledged: None,
        mark: c.mark.clone(),
        acknowledged_mark: None,
        folded: false,
    }
}

pub fn acknowledged(mut alert: Alert) -> Alert {
    alert.acknowledged = Some(Acknowledgement {
        at: noon(),
        by: "ann".into(),
        note: None,
    });
    alert.acknowledged_mark = Some(alert.mark.clone());
    alert.state = AlertState::Acknowledged;
    alert
}
