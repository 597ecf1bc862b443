//! Finds and blanks secrets in text and bytes, in the forms in which they travel.

use std::collections::VecDeque;
use std::sync::{Arc, RwLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// What stands in a secret's place.
const BLANK: &str = "[secret]";
/// Shorter ones would blank ordinary words.
const SHORTEST: usize = 6;
/// How many expiring secrets of one owner are remembered.
const PASSING: usize = 4;

type Forms = Vec<Zeroizing<Vec<u8>>>;

/// Knows secrets and blanks them. Clones share what they know.
#[derive(Clone, Default)]
pub struct Scrubber {
    known: Arc<RwLock<Known>>,
}

#[derive(Default)]
struct Known {
    lasting: Vec<Forms>,
    passing: VecDeque<(String, Forms)>,
    finder: Option<AhoCorasick>,
}

impl std::fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scrubber")
    }
}

impl Scrubber {
    /// Learns a secret of at least 6 characters; shorter ones are ignored.
    pub fn learn(&self, secret: &SecretString) {
        self.add(secret, |known, forms| {
            let new = !known.lasting.contains(&forms);
            if new {
                known.lasting.push(forms);
            }
            new
        });
    }

    /// Learns a secret that expires, as an access token, or that is only tried. The oldest one of the same owner is
    /// forgotten when there are many.
    pub fn learn_passing(&self, owner: &str, secret: &SecretString) {
        self.add(secret, |known, forms| {
            let passing = &mut known.passing;
            if known.lasting.contains(&forms) || passing.iter().any(|(_, f)| *f == forms) {
                return false;
            }
            if passing.iter().filter(|(o, _)| o == owner).count() >= PASSING {
                let oldest = passing.iter().position(|(o, _)| o == owner);
                oldest.map(|at| passing.remove(at));
            }
            passing.push_back((owner.to_owned(), forms));
            true
        });
    }

    /// Takes a secret in. `keep` answers whether it was new.
    fn add(&self, secret: &SecretString, keep: impl FnOnce(&mut Known, Forms) -> bool) {
        let text = secret.expose_secret();
        if text.chars().count() < SHORTEST {
            return;
        }
        let mut known = self.known.write().expect("never poisoned");
        if !keep(&mut known, forms(text.as_bytes())) {
            return;
        }
        let all = known
            .lasting
            .iter()
            .chain(known.passing.iter().map(|(_, f)| f))
            .flatten();
        known.finder = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            // Another kind takes a thousand times the memory of its secrets.
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(all.map(|f| f.as_slice()))
            .inspect_err(|e| tracing::error!("secrets cannot be blanked: {e}"))
            .ok();
    }

    /// Whether a known secret occurs in any form.
    pub fn finds(&self, bytes: &[u8]) -> bool {
        let known = self.known.read().expect("never poisoned");
        known.finder.as_ref().is_some_and(|f| f.is_match(bytes))
    }

    /// The text with every known secret blanked.
    pub fn scrub(&self, text: &str) -> String {
        let known = self.known.read().expect("never poisoned");
        match &known.finder {
            Some(finder) if finder.is_match(text) => {
                let mut out = String::with_capacity(text.len());
                finder.replace_all_with(text, &mut out, |_, _, out| {
                    out.push_str(BLANK);
                    true
                });
                out
            }
            _ => text.to_owned(),
        }
    }

    /// The bytes with every known secret blanked.
    pub fn scrub_bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        let known = self.known.read().expect("never poisoned");
        match &known.finder {
            Some(finder) if finder.is_match(&bytes) => {
                let mut out = Vec::with_capacity(bytes.len());
                finder.replace_all_with_bytes(&bytes, &mut out, |_, _, out| {
                    out.extend_from_slice(BLANK.as_bytes());
                    true
                });
                out
            }
            _ => bytes,
        }
    }
}

/// The forms of a secret: plain, percent-encoded, hexadecimal, inside JSON, inside base64.
fn forms(secret: &[u8]) -> Forms {
    let mut forms: Forms = Vec::new();
    let mut add = |form: Vec<u8>| {
        let form = Zeroizing::new(form);
        if form.len() >= SHORTEST && !forms.contains(&form) {
            forms.push(form);
        }
    };
    add(secret.to_vec());
    let percent: String = url::form_urlencoded::byte_serialize(secret).collect();
    add(percent.replace('+', "%20").into_bytes());
    add(lower_escapes(&percent).into_bytes());
    add(percent.into_bytes());
    let hexadecimal = hex::encode(secret);
    add(hexadecimal.to_uppercase().into_bytes());
    add(hexadecimal.into_bytes());
    if let Ok(text) = std::str::from_utf8(secret)
        && let Ok(json) = serde_json::to_string(text)
    {
        add(json[1..json.len() - 1].replace('/', "\\/").into_bytes());
        add(json.as_bytes()[1..json.len() - 1].to_vec());
    }
    // Base64 of a longer text (`id:secret`) holds the secret at one of three alignments. Only the characters that
    // the secret alone decides are looked for.
    for before in 0..3 {
        let mut padded = Zeroizing::new(vec![0; before]);
        padded.extend_from_slice(secret);
        let (first, end) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
        if end.saturating_sub(first) < 8 {
            continue;
        }
        add(BASE64_STANDARD_NO_PAD.encode(&*padded).as_bytes()[first..end].to_vec());
        add(BASE64_URL_SAFE_NO_PAD.encode(&*padded).as_bytes()[first..end].to_vec());
    }
    forms
}

/// `%2F` as `%2f`.
fn lower_escapes(text: &str) -> String {
    let mut escape = 0;
    text.chars()
        .map(|c| match c {
            '%' => {
                escape = 2;
                c
            }
            _ if escape > 0 => {
                escape -= 1;
                c.to_ascii_lowercase()
            }
            _ => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_STANDARD;

    use super::*;

    #[test]
    fn every_form_is_blanked() {
        let scrubber = Scrubber::default();
        scrubber.learn(&SecretString::from("S3cr3t/Ke+strel=\"x"));
        let raw = "S3cr3t/Ke+strel=\"x";
        let shown = [
            raw.to_owned(),
            "S3cr3t%2FKe%2Bstrel%3D%22x".into(),
            "S3cr3t%2fKe%2bstrel%3d%22x".into(),
            "S3cr3t/Ke+strel=\\\"x".into(),
            "S3cr3t\\/Ke+strel=\\\"x".into(),
            hex::encode(raw),
            hex::encode(raw).to_uppercase(),
            BASE64_STANDARD.encode(raw),
            BASE64_STANDARD.encode(format!("client:{raw}")),
            BASE64_STANDARD.encode(format!("client-id:{raw}:more")),
            BASE64_STANDARD.encode(format!("abcdefgh{raw}")),
        ];
        for text in shown {
            let sentence = format!("before {text} after");
            let scrubbed = scrubber.scrub(&sentence);
            assert!(scrubbed.contains("[secret]"), "{text}");
            assert!(
                scrubbed.starts_with("before ") && scrubbed.ends_with(" after"),
                "{scrubbed}"
            );
            assert!(!scrubbed.contains(&text), "{text}");
            assert!(scrubber.finds(text.as_bytes()));
            assert_eq!(
                scrubber.scrub_bytes(sentence.clone().into_bytes()),
                scrubbed.into_bytes()
            );
        }
        assert_eq!(scrubber.scrub("nothing here"), "nothing here");
    }

    #[test]
    fn short_ones_are_left_and_passing_ones_forgotten() {
        let scrubber = Scrubber::default();
        scrubber.learn(&SecretString::from("abc"));
        assert_eq!(scrubber.scrub("abcdef"), "abcdef");
        scrubber.learn_passing("b", &SecretString::from("token-of-another"));
        for n in 0..=PASSING {
            scrubber.learn_passing("a", &SecretString::from(format!("token-number-{n:02}")));
        }
        assert!(!scrubber.finds(b"token-number-00"));
        assert!(scrubber.finds(b"token-number-01"));
        assert!(scrubber.finds(b"token-of-another"));
        let clone = scrubber.clone();
        clone.learn(&SecretString::from("lasting"));
        assert_eq!(scrubber.scrub("a lasting one"), "a [secret] one");
        // Trying a secret that is kept makes it no passing one.
        scrubber.learn_passing("a", &SecretString::from("lasting"));
        assert!(scrubber.finds(b"token-number-01") && scrubber.finds(b"lasting"));
    }
}
