//! What extras do: edits of an order on its way into Shopify, and of stock numbers on their way to a channel.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Fact, Money};

/// One change that an extra makes to an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Edit {
    /// Adds a custom line behind the others.
    AddLine {
        /// Shown.
        title: String,
        /// Pieces.
        quantity: u32,
        /// Of one piece.
        price: Money,
        /// Taxed like the goods of the order.
        taxable: bool,
        /// Shown with the line.
        properties: Vec<Fact>,
    },
    /// Changes the shipping method; what is none stays.
    SetShipping {
        /// Shown.
        title: Option<String>,
        /// The service's code.
        code: Option<String>,
        /// What it costs.
        price: Option<Money>,
    },
    /// Adds a tag.
    AddTag(String),
    /// Adds a line to the note.
    AddNote(String),
    /// Sets an attribute.
    SetAttribute(Fact),
}

/// A number on its way to a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Listing id.
    pub listing: String,
    /// SKU.
    pub sku: String,
    /// Shown.
    pub title: String,
    /// What can be offered at most.
    pub sellable: u32,
    /// The listing's own, as its connector told them.
    pub facts: Vec<Fact>,
}

/// A listing that could be a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Listing id.
    pub listing: String,
    /// SKU.
    pub sku: String,
    /// Shown.
    pub title: String,
    /// The listing's own, as its connector told them.
    pub facts: Vec<Fact>,
}

/// What one piece of a bundle contains of one variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The variant's SKU.
    pub sku: String,
    /// At least 1.
    pub pieces: u32,
    /// How much of the bundle's price falls on one of these pieces, compared with the other parts'.
    pub weight: u32,
}

/// What happens when an extra fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// The order goes on without it, and says so.
    Skip,
    /// The order waits, with the reason. Of stock numbers only decreases are written.
    Hold,
}

/// One extra of a channel, as the operator set it up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ExtraSetup {
    /// The operator's name for it, unique in the channel.
    pub name: String,
    /// The plugin's id.
    pub plugin: String,
    /// The plugin's settings.
    pub settings: BTreeMap<String, String>,
    /// See [`OnFailure`].
    pub on_failure: OnFailure,
}

/// What one extra did to an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ExtraStep {
    /// [`ExtraSetup::name`].
    pub name: String,
    /// The plugin's id and version.
    pub plugin: String,
    /// SHA-256 of the plugin's file.
    pub digest: String,
    /// What it changed, in words.
    pub edits: Vec<String>,
    /// Why it changed nothing.
    pub error: Option<String>,
}
