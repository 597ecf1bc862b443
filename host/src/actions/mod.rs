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

use secrecy::{ExposeSecret, SecretString};
use url::Url;

pub use crate::model::Refusal;

/// Longest name that people read, in characters.
pub const TITLE_MOST: usize = 100;
/// Longest id of an app or account, in characters.
pub const ID_MOST: usize = 255;
/// Longest secret, in characters.
pub const SECRET_MOST: usize = 2_000;
/// Longest address, in characters.
pub const ADDRESS_MOST: usize = 500;

/// Refuses a text that is empty, too long, or holds what cannot be typed. The refusal never repeats it.
fn check_text(what: &str, text: &str, most: usize) -> Result<(), Refusal> {
    let wrong = if text.trim().is_empty() {
        "is empty".to_owned()
    } else if text.chars().count() > most {
        format!("has more than {most} characters")
    } else if text.chars().any(char::is_control) {
        "holds a line break or another control character".to_owned()
    } else {
        return Ok(());
    };
    Err(Refusal::Invalid(format!("{what} {wrong}")))
}

/// The same for a secret.
fn check_secret(secret: &SecretString) -> Result<(), Refusal> {
    check_text("the secret", secret.expose_secret(), SECRET_MOST)
}

/// Checks the address of a store or marketplace. Answers it without a slash at its end.
fn base_url(what: &str, text: &str) -> Result<String, Refusal> {
    check_text(what, text, ADDRESS_MOST)?;
    let url = (text.parse::<Url>().ok())
        .filter(|u| matches!(u.scheme(), "http" | "https") && u.host().is_some())
        .filter(|u| u.query().is_none() && u.fragment().is_none())
        .filter(|u| u.username().is_empty() && u.password().is_none());
    let url = url.ok_or_else(|| {
        Refusal::Invalid(format!(
            "{what} is no address as in https://api.example.com, without user, ? and #: {text:?}"
        ))
    })?;
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Whether a text can be a short name: it becomes part of references in Shopify.
pub fn name_ok(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 40
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}
