//! What a person must learn of: how urgent it is, what it costs, and what can be done.

// The API's description knows this type by this name.
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Instant, Money};

/// How soon a person is needed.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Something waits for a person.
    Warning,
    /// It costs money soon, or does already.
    Urgent,
}

impl Severity {
    /// As stored and shown.
    pub fn text(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Urgent => "urgent",
        }
    }
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.text())
    }
}

impl std::str::FromStr for Severity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Severity::Info, Severity::Warning, Severity::Urgent]
            .into_iter()
            .find(|s| s.text() == text)
            .ok_or_else(|| format!("\"{text}\" is no severity; there are info, warning and urgent"))
    }
}

/// What an alert is about.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum AlertKind {
    /// A channel refuses a parcel.
    FulfillmentRefused,
    /// A parcel needs a person for another reason.
    FulfillmentAttention,
    /// Units must be dispatched soon, or should have been.
    DispatchDeadline,
    /// An order needs a person.
    OrderAttention,
    /// A marketplace asks whether an order is taken.
    OrderAwaitsAnswer,
    /// An order is not in Shopify for long.
    OrderHeld,
    /// A plan waits to be approved.
    Approval,
    /// A channel does not take stock numbers.
    NumbersRefused,
    /// A channel is parked.
    ChannelParked,
    /// No cycle of a channel has come through for long.
    ChannelUnreachable,
    /// The same for a shop, for all its channels at once.
    ShopUnreachable,
    /// A channel's cycle is far too late, or takes far too long.
    ChannelLate,
    /// A plugin's file cannot be used.
    PluginBroken,
    /// A plugin's version waits for its rights.
    PluginWaits,
    /// Messages do not reach a target.
    TargetFailing,
}

impl AlertKind {
    /// All there are.
    pub const ALL: [AlertKind; 15] = [
        AlertKind::FulfillmentRefused,
        AlertKind::FulfillmentAttention,
        AlertKind::DispatchDeadline,
        AlertKind::OrderAttention,
        AlertKind::OrderAwaitsAnswer,
        AlertKind::OrderHeld,
        AlertKind::Approval,
        AlertKind::NumbersRefused,
        AlertKind::ChannelParked,
        AlertKind::ChannelUnreachable,
        AlertKind::ShopUnreachable,
        AlertKind::ChannelLate,
        AlertKind::PluginBroken,
        AlertKind::PluginWaits,
        AlertKind::TargetFailing,
    ];

    /// As stored and shown.
    pub fn text(self) -> &'static str {
        match self {
            AlertKind::FulfillmentRefused => "fulfillment-refused",
            AlertKind::FulfillmentAttention => "fulfillment-attention",
            AlertKind::DispatchDeadline => "dispatch-deadline",
            AlertKind::OrderAttention => "order-attention",
            AlertKind::OrderAwaitsAnswer => "order-awaits-answer",
            AlertKind::OrderHeld => "order-held",
            AlertKind::Approval => "approval",
            AlertKind::NumbersRefused => "numbers-refused",
            AlertKind::ChannelParked => "channel-parked",
            AlertKind::ChannelUnreachable => "channel-unreachable",
            AlertKind::ShopUnreachable => "shop-unreachable",
            AlertKind::ChannelLate => "channel-late",
            AlertKind::PluginBroken => "plugin-broken",
            AlertKind::PluginWaits => "plugin-waits",
            AlertKind::TargetFailing => "target-failing",
        }
    }

    /// When it opens, in one sentence.
    pub fn about(self) -> &'static str {
        match self {
            AlertKind::FulfillmentRefused => "a channel refuses a parcel",
            AlertKind::FulfillmentAttention => {
                "a parcel needs a person for another reason: its code is used twice, the two sides differ, it carries what was cancelled"
            }
            AlertKind::DispatchDeadline => {
                "units are still to be dispatched and their deadline is near, or over"
            }
            AlertKind::OrderAttention => {
                "an order cannot be created, or needs a person for another reason"
            }
            AlertKind::OrderAwaitsAnswer => {
                "a marketplace asks whether you take an order, and a person must say"
            }
            AlertKind::OrderHeld => "an order is known for a day and still not in Shopify",
            AlertKind::Approval => {
                "the guard stopped a change of stock, or the first sync waits to be approved"
            }
            AlertKind::NumbersRefused => "a channel does not take the stock numbers of some SKUs",
            AlertKind::ChannelParked => "a channel is parked until a person acts",
            AlertKind::ChannelUnreachable => {
                "no cycle of a channel has come through for 15 minutes, whatever the reason"
            }
            AlertKind::ShopUnreachable => {
                "the same, where Shopify is what fails; one alert for all channels of the shop"
            }
            AlertKind::ChannelLate => {
                "a channel is due and its cycle does not begin, or does not end"
            }
            AlertKind::PluginBroken => "a plugin's file cannot be used",
            AlertKind::PluginWaits => "a plugin's new version asks for rights that nobody granted",
            AlertKind::TargetFailing => "messages do not reach one of the targets",
        }
    }
}

impl std::fmt::Display for AlertKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.text())
    }
}

impl std::str::FromStr for AlertKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|k| k.text() == text)
            .ok_or_else(|| {
                let known: Vec<&str> = Self::ALL.iter().map(|k| k.text()).collect();
                format!(
                    "\"{text}\" is no kind of alert; there are {}",
                    known.join(", ")
                )
            })
    }
}

/// Where an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AlertState {
    /// Its condition holds and nobody has said that they know.
    Open,
    /// Somebody knows: nobody is told again unless it gets worse.
    Acknowledged,
    /// Its condition is gone.
    Resolved,
}

impl AlertState {
    /// As shown.
    pub fn text(self) -> &'static str {
        match self {
            AlertState::Open => "open",
            AlertState::Acknowledged => "acknowledged",
            AlertState::Resolved => "resolved",
        }
    }
}

impl std::str::FromStr for AlertState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [
            AlertState::Open,
            AlertState::Acknowledged,
            AlertState::Resolved,
        ]
        .into_iter()
        .find(|s| s.text() == text)
        .ok_or_else(|| format!("\"{text}\" is no state; there are open, acknowledged and resolved"))
    }
}

/// How bad a condition is: what people were told of is compared with what it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// How soon a person is needed.
    pub severity: Severity,
    /// Its deadline is over.
    pub late: bool,
    /// Why, in a form that stays while the reason is the same.
    pub cause: String,
    /// How many things it stands for.
    pub weight: u32,
}

impl Mark {
    /// Whether somebody who knows of `known` must be told again.
    pub fn worse_than(&self, known: &Mark) -> bool {
        self.severity > known.severity
            || (self.late && !known.late)
            || (self.severity == known.severity && self.cause != known.cause)
            || self.weight >= known.weight.saturating_mul(2).max(2)
    }
}

/// Something that needs a person, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// What it is about.
    pub kind: AlertKind,
    /// Which shop; empty: the host itself.
    pub shop: String,
    /// Which channel; empty: the whole shop.
    pub channel: String,
    /// What within the channel: an order, a parcel, a plugin. With the three above it is the alert's identity.
    pub subject: String,
    /// How bad it is.
    pub mark: Mark,
    /// What it is, in a line.
    pub title: String,
    /// Why.
    pub text: String,
    /// What to do.
    pub todo: String,
    /// By when.
    pub deadline: Option<Instant>,
    /// What it costs when the deadline is missed.
    pub at_stake: Option<Money>,
    /// Path of the page that shows it.
    pub link: String,
}

/// Who has said that they know of an alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Acknowledgement {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// What they said.
    pub note: Option<String>,
}
