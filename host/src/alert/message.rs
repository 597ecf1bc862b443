//! What people read: a mail's text, and the body of a webhook.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::group::Why;
use crate::db::Alert;
use crate::model::{AlertKind, Instant, Money, Severity};

/// The form of [`Message`]. A new one adds fields; one that changes or drops any has the next number.
pub const VERSION: u32 = 1;
/// Alerts that a mail tells in full.
const IN_FULL: usize = 20;

/// A message as it is kept and sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Message {
    /// Of this form.
    pub version: u32,
    /// In one line.
    pub subject: String,
    /// Sent because somebody asked whether messages arrive.
    pub test: bool,
    /// The most urgent first.
    pub alerts: Vec<Item>,
}

/// An alert as it was when the message was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Item {
    /// Why it is told.
    pub why: Why,
    /// The alert's id.
    pub id: i64,
    /// What it is about.
    pub kind: AlertKind,
    /// How soon a person is needed.
    pub severity: Severity,
    /// `shop/channel`; the shop alone, or nothing, where it is about more.
    pub place: String,
    /// An order, a parcel, a plugin.
    pub subject: String,
    /// What it is, in a line.
    pub title: String,
    /// Why.
    pub text: String,
    /// What to do.
    pub todo: String,
    /// By when.
    pub deadline: Option<Timestamp>,
    /// What it costs when the deadline is missed.
    pub at_stake: Option<Money>,
    /// Address of the page that shows it, where the host knows its own.
    pub url: Option<String>,
    /// When it opened.
    pub opened_at: Timestamp,
    /// IANA name of the shop's time zone.
    pub time_zone: Option<String>,
}

impl Message {
    /// Of these alerts. `zone` tells the name of a shop's time zone.
    pub fn of(
        tell: &[(&Alert, Why)],
        public_url: Option<&str>,
        zone: &dyn Fn(&str) -> Option<String>,
    ) -> Self {
        let mut alerts: Vec<Item> = tell
            .iter()
            .map(|(a, why)| Item {
                why: *why,
                id: a.id,
                kind: a.kind,
                severity: a.severity,
                place: a.place(),
                subject: a.subject.clone(),
                title: a.title.clone(),
                text: a.text.clone(),
                todo: a.todo.clone(),
                deadline: a.deadline,
                at_stake: a.at_stake.clone(),
                url: public_url.map(|base| format!("{}{}", base.trim_end_matches('/'), a.link)),
                opened_at: a.opened_at,
                time_zone: zone(&a.shop),
            })
            .collect();
        alerts.sort_by_key(|a| {
            (
                a.why == Why::Resolved,
                std::cmp::Reverse(a.severity),
                a.deadline.is_none(),
                a.deadline,
                a.id,
            )
        });
        Self {
            version: VERSION,
            subject: subject(&alerts),
            test: false,
            alerts,
        }
    }

    /// One that says only that it arrived.
    pub fn test(target: &str) -> Self {
        Self {
            version: VERSION,
            subject: format!("Lockstep: a test of \"{target}\""),
            test: true,
            alerts: Vec::new(),
        }
    }

    /// As plain text, with the time that is left now.
    pub fn text(&self, now: Instant) -> String {
        if self.test {
            return format!(
                "{}.\n\nMessages reach you here. Nothing needs you because of this one.\n",
                self.subject
            );
        }
        let (over, open): (Vec<&Item>, Vec<&Item>) =
            self.alerts.iter().partition(|a| a.why == Why::Resolved);
        let mut text = String::new();
        for (n, item) in open.iter().take(IN_FULL).enumerate() {
            if n > 0 {
                text.push('\n');
            }
            item.write(&mut text, (open.len() > 1).then_some(n + 1), now);
        }
        if open.len() > IN_FULL {
            text.push_str(&format!("\n... and {} more.\n", open.len() - IN_FULL));
        }
        if !over.is_empty() {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str("Settled:\n");
            for item in &over {
                text.push_str(&format!("- {}{}\n", item.title, item.at_place()));
            }
        }
        text.push_str("\nSilence what you know of: `lockstep alert ack ID`.\n");
        text
    }
}

impl Item {
    fn write(&self, text: &mut String, number: Option<usize>, now: Instant) {
        let mark = match (self.severity, self.why) {
            (_, Why::Reminder) => "STILL URGENT: ",
            (Severity::Urgent, _) => "URGENT: ",
            _ => "",
        };
        let number = number.map_or(String::new(), |n| format!("{n}. "));
        let mut line = |name: &str, value: &str| {
            if !value.is_empty() {
                text.push_str(&format!("{name}{value}\n"));
            }
        };
        line("", &format!("{number}{mark}{}", self.title));
        line("   Where: ", &self.place);
        line("   Why:   ", &self.text);
        line("   Do:    ", &self.todo);
        if let Some(deadline) = self.deadline {
            line("   By:    ", &self.by(deadline, now));
        }
        if let Some(fee) = &self.at_stake {
            line("   Costs: ", &format!("{fee} when it is late"));
        }
        line("   See:   ", self.url.as_deref().unwrap_or(""));
        line("   Alert: ", &self.id.to_string());
    }

    fn at_place(&self) -> String {
        match self.place.as_str() {
            "" => String::new(),
            place => format!(" ({place})"),
        }
    }

    fn by(&self, deadline: Timestamp, now: Instant) -> String {
        let zone = zone(self.time_zone.as_deref());
        let local = deadline
            .to_zoned_datetime(zone)
            .strftime("%a %d %b %H:%M %Z");
        let left = deadline.duration_since(now);
        if left.is_negative() {
            format!("{local}, {} ago", span(-left))
        } else {
            format!("{local}, in {}", span(left))
        }
    }
}

fn span(of: SignedDuration) -> String {
    match of.as_mins() {
        minutes @ 0..60 => format!("{minutes} min"),
        minutes @ 60..2880 => format!("{} h {} min", minutes / 60, minutes % 60),
        minutes => format!("{} days {} h", minutes / 1440, minutes % 1440 / 60),
    }
}

/// A time zone by its IANA name; UTC where there is none, or none of that name.
pub fn zone(name: Option<&str>) -> TimeZone {
    name.and_then(|n| TimeZone::get(n).ok())
        .unwrap_or(TimeZone::UTC)
}

fn subject(alerts: &[Item]) -> String {
    let open: Vec<&Item> = alerts.iter().filter(|a| a.why != Why::Resolved).collect();
    let urgent = open
        .iter()
        .filter(|a| a.severity == Severity::Urgent)
        .count();
    let what = match (open.as_slice(), alerts) {
        ([], [one]) => format!("settled: {}", one.title),
        ([], many) => format!("{} things are settled", many.len()),
        ([one], _) if urgent == 1 => format!("urgent: {}", one.title),
        ([one], _) => one.title.clone(),
        (many, _) if urgent > 0 => format!("{} things need you, {urgent} urgent", many.len()),
        (many, _) => format!("{} things need you", many.len()),
    };
    let mut places: Vec<&str> = (alerts.iter())
        .map(|a| a.place.as_str())
        .filter(|p| !p.is_empty())
        .collect();
    places.sort_unstable();
    places.dedup();
    match places.as_slice() {
        [] => format!("Lockstep: {what}"),
        few if few.len() <= 2 => format!("Lockstep: {what} ({})", few.join(", ")),
        many => format!("Lockstep: {what} ({} channels)", many.len()),
    }
}
