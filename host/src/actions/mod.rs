//! What a person can do, whichever way they ask: pages, JSON API and commands call the same functions.
//!
//! Each is safe to ask for twice, and writes who did it in the transaction that does it.

pub mod channel;
pub mod extra;
pub mod order;
pub mod people;
pub mod plan;
pub mod plugin;
pub mod product;
pub mod setting;
pub mod shop;

pub use crate::model::Refusal;

/// Whether a text can be a short name: it becomes part of references in Shopify.
pub fn name_ok(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 40
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}
