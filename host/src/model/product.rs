//! Words for how a SKU stands, as people filter by them.

use serde::{Deserialize, Serialize};

/// Why a SKU is not in step.
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
pub enum MismatchKind {
    /// A bundle of which a part is missing in the shop.
    BundlePart,
    /// Two listings of the channel have it.
    DuplicateChannel,
    /// Two variants of the shop have it.
    DuplicateShop,
    /// The two sides write it almost alike.
    NearMiss,
    /// The channel does not have it.
    NoListing,
    /// The shop does not have it.
    NoVariant,
    /// The shop does not track its quantity.
    Untracked,
}

impl MismatchKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::BundlePart,
        Self::DuplicateChannel,
        Self::DuplicateShop,
        Self::NearMiss,
        Self::NoListing,
        Self::NoVariant,
        Self::Untracked,
    ];

    /// As stored and shown.
    pub fn text(self) -> &'static str {
        match self {
            Self::BundlePart => "bundle-part",
            Self::DuplicateChannel => "duplicate-channel",
            Self::DuplicateShop => "duplicate-shop",
            Self::NearMiss => "near-miss",
            Self::NoListing => "no-listing",
            Self::NoVariant => "no-variant",
            Self::Untracked => "untracked",
        }
    }

    /// Whether somebody has to mend something: the SKU is meant to be on both sides, and is held back.
    pub fn quarantines(self) -> bool {
        !matches!(self, Self::NoListing | Self::NoVariant)
    }
}

/// What SKUs are filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProductState {
    /// Linked.
    In,
    /// Not linked, for whatever reason.
    Out,
    /// Held back until somebody mends it: two of a kind, almost alike, not tracked, a part missing.
    Quarantine,
    /// Linked, and its number at the channel is not known for sure.
    Unsure,
    /// The channel does not take its number.
    Refused,
}

impl ProductState {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::In,
        Self::Out,
        Self::Quarantine,
        Self::Unsure,
        Self::Refused,
    ];

    /// As written in a filter.
    pub fn text(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
            Self::Quarantine => "quarantine",
            Self::Unsure => "unsure",
            Self::Refused => "refused",
        }
    }
}

macro_rules! from_text {
    ($($kind:ident $what:literal),*) => {$(
        impl std::str::FromStr for $kind {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                (Self::ALL.into_iter()).find(|k| k.text() == text).ok_or_else(|| {
                    let known: Vec<&str> = Self::ALL.iter().map(|k| k.text()).collect();
                    format!("\"{text}\" is no {}; there are {}", $what, known.join(", "))
                })
            }
        }

        impl std::fmt::Display for $kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.text())
            }
        }
    )*};
}
from_text!(MismatchKind "kind of mismatch", ProductState "state of a SKU");
