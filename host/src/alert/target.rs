//! Where messages go, as an operator sets it up.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::db::Alert;
use crate::model::{Instant, Severity};
use crate::net::mail::{MailTls, check_address};

/// Where the targets are kept among the settings of the host.
pub const SETTING: &str = "notify";
/// Longest time for which messages are gathered, in seconds: an hour.
const LONGEST_GROUP_S: u32 = 3_600;
/// Longest time between reminders, in hours: a week.
const LONGEST_REPEAT_H: u32 = 7 * 24;

/// A target of messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Target {
    /// Unique; lower-case letters, digits and dashes.
    pub name: String,
    /// By which way.
    pub to: Way,
    /// Alerts that are less severe are not told.
    #[serde(default = "least")]
    pub least: Severity,
    /// `shop/channel`, or `shop` for all of a shop's; none: all.
    #[serde(default)]
    pub channels: Vec<String>,
    /// Seconds for which alerts are gathered into one message.
    #[serde(default = "group_s")]
    pub group_s: u32,
    /// Hours after which an urgent alert that nobody has acknowledged is told again; 0: never.
    #[serde(default = "repeat_h")]
    pub repeat_h: u32,
    /// Whether it is told when an alert resolves.
    #[serde(default)]
    pub tell_resolved: bool,
    /// When only what is urgent is told.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub quiet: Option<Quiet>,
}

fn least() -> Severity {
    Severity::Warning
}

fn group_s() -> u32 {
    120
}

fn repeat_h() -> u32 {
    12
}

/// How a target is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// By mail.
    Email(Email),
    /// By a request to a URL.
    Webhook(Webhook),
}

/// A mailbox, and the server that takes its mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Email {
    /// SMTP server.
    pub server: String,
    /// Its port: usually 587, or 465 for `tls`.
    pub port: u16,
    /// How the connection is protected.
    pub tls: MailTls,
    /// Where the server wants a name and a password; the password is kept sealed, apart from here.
    #[serde(default)]
    pub username: Option<String>,
    /// `Name <address>` or an address.
    pub from: String,
    /// The same, of each receiver.
    pub to: Vec<String>,
}

/// A URL that takes messages as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Webhook {
    /// Where; `https`.
    pub url: String,
    /// Allow plain `http` and private addresses.
    #[serde(default)]
    pub allow_local: bool,
}

impl Target {
    /// Checks everything about it that can be checked without sending.
    pub fn check(&self) -> Result<(), String> {
        let name = &self.name;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > 40 || !name.chars().all(plain) {
            return Err(format!(
                "\"{name}\" cannot be the name of a target; take lower-case letters, digits and dashes"
            ));
        }
        if self.group_s > LONGEST_GROUP_S {
            return Err(format!(
                "target {name}: alerts are gathered for {LONGEST_GROUP_S} seconds at most"
            ));
        }
        if self.repeat_h > LONGEST_REPEAT_H {
            return Err(format!(
                "target {name}: reminders come every {LONGEST_REPEAT_H} hours at least; 0 means never"
            ));
        }
        match &self.to {
            Way::Email(email) => email.check(),
            Way::Webhook(webhook) => webhook.check(),
        }
        .map_err(|e| format!("target {name}: {e}"))
    }

    /// Whether alerts of this place are told here. What concerns the host is told everywhere, but that messages do not
    /// reach a target is no news for that target.
    pub fn hears(&self, alert: &Alert) -> bool {
        if alert.kind == crate::model::AlertKind::TargetFailing && alert.subject == self.name {
            return false;
        }
        self.channels.is_empty()
            || alert.shop.is_empty()
            || self.channels.iter().any(|c| match c.split_once('/') {
                Some((shop, channel)) => {
                    shop == alert.shop && (channel == alert.channel || alert.channel.is_empty())
                }
                None => *c == alert.shop,
            })
    }

    /// Where messages go, in a few words.
    pub fn place(&self) -> String {
        match &self.to {
            Way::Email(e) => format!("{} through {}:{}", e.to.join(", "), e.server, e.port),
            Way::Webhook(w) => w.url.clone(),
        }
    }
}

impl Email {
    fn check(&self) -> Result<(), String> {
        if self.server.is_empty() || self.server.contains(['/', ' ', '@']) {
            return Err(format!("\"{}\" is no name of an SMTP server", self.server));
        }
        check_address(&self.from).map_err(|e| e.to_string())?;
        if self.to.is_empty() {
            return Err("it needs a receiver".into());
        }
        for to in &self.to {
            check_address(to).map_err(|e| e.to_string())?;
        }
        if self.tls == MailTls::None && self.username.is_some() && !self.on_this_machine() {
            return Err(
                "a password would be readable on its way: use starttls or tls, or a server on this machine"
                    .into(),
            );
        }
        Ok(())
    }

    fn on_this_machine(&self) -> bool {
        self.server == "localhost"
            || (self.server.parse::<IpAddr>()).is_ok_and(|address| address.is_loopback())
    }
}

impl Webhook {
    fn check(&self) -> Result<(), String> {
        let url: url::Url =
            (self.url.parse()).map_err(|e| format!("\"{}\" is no URL ({e})", self.url))?;
        match url.scheme() {
            "https" => {}
            "http" if self.allow_local => {}
            _ => return Err(format!("\"{}\" is not https", self.url)),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a URL must not hold a name or password".into());
        }
        Ok(())
    }
}

/// A span of each day, in minutes since midnight. It may pass midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quiet {
    from: u16,
    to: u16,
}

impl Quiet {
    /// Whether a moment lies in it, by the clocks of a time zone.
    pub fn holds(self, at: Instant, zone: &TimeZone) -> bool {
        let time = at.to_zoned_datetime(zone.clone());
        let minute =
            u16::from(time.hour().unsigned_abs()) * 60 + u16::from(time.minute().unsigned_abs());
        if self.from <= self.to {
            (self.from..self.to).contains(&minute)
        } else {
            minute >= self.from || minute < self.to
        }
    }
}

impl fmt::Display for Quiet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:02}:{:02}-{:02}:{:02}",
            self.from / 60,
            self.from % 60,
            self.to / 60,
            self.to % 60
        )
    }
}

impl FromStr for Quiet {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let minute = |text: &str| -> Option<u16> {
            let (hour, minute) = text.trim().split_once(':')?;
            let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
            (hour < 24 && minute < 60).then_some(hour * 60 + minute)
        };
        text.split_once('-')
            .and_then(|(from, to)| Some((minute(from)?, minute(to)?)))
            .filter(|(from, to)| from != to)
            .map(|(from, to)| Self { from, to })
            .ok_or_else(|| format!("\"{text}\" is no span of the day; write it as 22:00-07:00"))
    }
}

impl Serialize for Quiet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Quiet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
