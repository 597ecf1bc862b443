//! Blanks known secrets in whatever is about to be shown, logged or handed to a plugin.

use std::sync::{Arc, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};

/// What stands in a secret's place.
const BLANK: &str = "[secret]";
/// Shorter secrets would blank ordinary words.
const SHORTEST: usize = 6;

/// Knows secrets and the forms in which they travel. Clones share what they know.
#[derive(Clone, Default)]
pub struct Scrubber {
    known: Arc<RwLock<Vec<SecretString>>>,
}

impl Scrubber {
    /// Blanks this secret from now on: as it is, and in base64, percent-encoding and hex.
    pub fn learn(&self, secret: &SecretString) {
        let text = secret.expose_secret();
        if text.len() < SHORTEST {
            return;
        }
        let mut known = self.known.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if known.iter().any(|k| k.expose_secret() == text) {
            return;
        }
        let percent = percent_encode(text);
        for form in [text.to_owned(), percent, STANDARD.encode(text), STANDARD_NO_PAD.encode(text), URL_SAFE_NO_PAD.encode(text), hex::encode(text)] {
            if !known.iter().any(|k| k.expose_secret() == form) {
                known.push(SecretString::from(form));
            }
        }
        // A form that contains another one has to be looked for first.
        known.sort_by_key(|k| std::cmp::Reverse(k.expose_secret().len()));
    }

    /// The text with every known secret blanked.
    pub fn scrub(&self, text: &str) -> String {
        let known = self.known.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut clean = text.to_owned();
        for secret in known.iter() {
            if clean.contains(secret.expose_secret()) {
                clean = clean.replace(secret.expose_secret(), BLANK);
            }
        }
        clean
    }

    /// The bytes with every known secret blanked. Bytes without one come back as they are, text or not.
    pub fn scrub_bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        let known = self.known.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut clean = bytes;
        for secret in known.iter() {
            let needle = secret.expose_secret().as_bytes();
            while let Some(at) = find(&clean, needle) {
                clean.splice(at..at + needle.len(), BLANK.bytes());
            }
        }
        clean
    }

    /// Whether a known secret is in these bytes.
    pub fn finds(&self, bytes: &[u8]) -> bool {
        let known = self.known.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.iter().any(|s| find(bytes, s.expose_secret().as_bytes()).is_some())
    }
}

impl std::fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scrubber")
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    while let Some(at) = haystack.get(from..)?.iter().position(|b| *b == first) {
        let at = from + at;
        if haystack[at..].starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

fn percent_encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_blanked() {
        let scrubber = Scrubber::default();
        scrubber.learn(&SecretString::from("s3cr3t/Ke+y"));
        for form in ["s3cr3t/Ke+y", "s3cr3t%2FKe%2By", &STANDARD.encode("s3cr3t/Ke+y"), &hex::encode("s3cr3t/Ke+y")] {
            let text = format!("before {form} after");
            assert_eq!(scrubber.scrub(&text), "before [secret] after");
            assert_eq!(scrubber.scrub_bytes(text.into_bytes()), b"before [secret] after");
            assert!(scrubber.finds(form.as_bytes()));
        }
        assert!(!scrubber.finds(b"nothing here"));
        assert_eq!(scrubber.scrub_bytes(vec![0xff, 0x00]), vec![0xff, 0x00]);
    }

    #[test]
    fn short_secrets_blank_nothing() {
        let scrubber = Scrubber::default();
        scrubber.learn(&SecretString::from("a"));
        assert_eq!(scrubber.scrub("a banana"), "a banana");
    }
}
