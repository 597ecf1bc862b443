//! Plain types that every part of the host speaks. No I/O, no clock, no database.

mod actor;
mod alert;
mod channel;
mod exchange;
mod extra;
mod order;
mod policy;
mod policy_settings;
mod product;
mod public_url;
mod refusal;
mod rights;
mod shop;

pub use actor::*;
pub use alert::*;
pub use channel::*;
pub use exchange::*;
pub use extra::*;
pub use order::*;
pub use policy::*;
pub use policy_settings::*;
pub use product::*;
pub use public_url::*;
pub use refusal::*;
pub use rights::*;
pub use shop::*;

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A point in time, to the millisecond, UTC.
pub type Instant = jiff::Timestamp;

/// One channel of one shop: the key of everything the host stores and schedules.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// The operator's short name of the shop ("kestrel").
    pub shop: String,
    /// The operator's short name of the channel, unique within the shop ("the-iconic").
    pub channel: String,
}

impl Key {
    /// A key of the two short names.
    pub fn new(shop: impl Into<String>, channel: impl Into<String>) -> Self {
        Self {
            shop: shop.into(),
            channel: channel.into(),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.shop, self.channel)
    }
}

/// An exact amount in major units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Money {
    /// Major units ("84.95").
    #[serde(with = "rust_decimal::serde::str")]
    #[schema(value_type = String)]
    pub amount: Decimal,
    /// ISO 4217 code.
    pub currency: String,
}

/// Currencies without a smaller unit.
const WHOLE: [&str; 8] = ["CLP", "ISK", "JPY", "KRW", "VND", "XAF", "XOF", "XPF"];

impl Money {
    /// The amount with the decimals that people expect: 84.90, and of yen 84.
    pub fn figure(&self) -> String {
        let mut amount = self.amount;
        if amount.scale() < 2 && !WHOLE.contains(&self.currency.as_str()) {
            amount.rescale(2);
        }
        amount.to_string()
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.figure(), self.currency)
    }
}

/// A named value that is shown and handed back, never decided on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Fact {
    /// What it is, as its connector documents it.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// Why a call to a channel failed. The case tells the scheduler what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case", tag = "case")]
pub enum Fault {
    /// Credentials rejected: park the channel until they change.
    #[error("credentials rejected: {detail}")]
    Auth {
        /// For people.
        detail: String,
    },
    /// Too many requests: wait, then again.
    #[error("throttled: {detail}")]
    Throttled {
        /// What the other side asked for.
        retry_after_ms: Option<u32>,
        /// For people.
        detail: String,
    },
    /// Down or unreachable, nothing applied.
    #[error("unavailable: {detail}")]
    Unavailable {
        /// What the other side asked for.
        retry_after_ms: Option<u32>,
        /// For people.
        detail: String,
    },
    /// A write whose answer is missing: look up before anything else.
    #[error("outcome unknown: {detail}")]
    UnknownOutcome {
        /// For people.
        detail: String,
    },
    /// Understood and refused: never again unchanged.
    #[error("refused{}: {detail}", code.as_deref().map(|c| format!(" ({c})")).unwrap_or_default())]
    Rejected {
        /// The marketplace's code.
        code: Option<String>,
        /// The marketplace's words.
        detail: String,
    },
    /// No such thing.
    #[error("missing: {detail}")]
    Missing {
        /// For people.
        detail: String,
    },
    /// In another state than expected: read again.
    #[error("conflict: {detail}")]
    Conflict {
        /// For people.
        detail: String,
    },
    /// The answer breaks the protocol.
    #[error("unreadable answer: {detail}")]
    Protocol {
        /// For people.
        detail: String,
    },
    /// Not permitted to this account.
    #[error("not permitted: {detail}")]
    Denied {
        /// For people.
        detail: String,
    },
    /// The plugin broke a limit, trapped or is not installed. Says plugin, call and limit.
    #[error("plugin fault: {detail}")]
    Plugin {
        /// For people.
        detail: String,
    },
    /// Anything else.
    #[error("{detail}")]
    Other {
        /// For people.
        detail: String,
    },
}

impl Fault {
    /// Whether a channel with this fault must wait for a person.
    pub fn parks(&self) -> bool {
        matches!(self, Fault::Auth { .. } | Fault::Denied { .. })
    }

    /// Whether the effect of the failed write may have happened.
    pub fn may_have_happened(&self) -> bool {
        matches!(
            self,
            Fault::UnknownOutcome { .. }
                | Fault::Protocol { .. }
                | Fault::Plugin { .. }
                | Fault::Other { .. }
        )
    }

    /// How long the other side asked to be left alone.
    pub fn retry_after_ms(&self) -> Option<u32> {
        match self {
            Fault::Throttled { retry_after_ms, .. } | Fault::Unavailable { retry_after_ms, .. } => {
                *retry_after_ms
            }
            _ => None,
        }
    }

    /// The case's name, for tables and grouping.
    pub fn case(&self) -> &'static str {
        match self {
            Fault::Auth { .. } => "auth",
            Fault::Throttled { .. } => "throttled",
            Fault::Unavailable { .. } => "unavailable",
            Fault::UnknownOutcome { .. } => "unknown-outcome",
            Fault::Rejected { .. } => "rejected",
            Fault::Missing { .. } => "missing",
            Fault::Conflict { .. } => "conflict",
            Fault::Protocol { .. } => "protocol",
            Fault::Denied { .. } => "denied",
            Fault::Plugin { .. } => "plugin",
            Fault::Other { .. } => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_their_decimals() {
        let shown = |amount: &str, currency: &str| {
            let (amount, currency) = (amount.parse().unwrap(), currency.to_owned());
            Money { amount, currency }.to_string()
        };
        assert_eq!(shown("84.9", "AUD"), "84.90 AUD");
        assert_eq!(shown("0", "AUD"), "0.00 AUD");
        assert_eq!(shown("0.125", "AUD"), "0.125 AUD");
        assert_eq!(shown("84", "JPY"), "84 JPY");
    }
}
