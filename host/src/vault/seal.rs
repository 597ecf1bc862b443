//! Seals secrets with XChaCha20-Poly1305 under the host's key.

use std::path::Path;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::key::{self, Source};

/// First byte of what [`Vault::seal`] writes, so that the form can change later.
const VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;

/// Why a secret cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The key cannot be read, is not a key, or is open to others.
    #[error("{0}")]
    Key(String),
    /// The secret was sealed with another key, for another owner, or is damaged.
    #[error("{0}")]
    Open(String),
    /// The secret is too long to be sealed.
    #[error("a secret of {0} bytes is too long")]
    TooLong(usize),
}

/// Seals and opens secrets.
pub struct Vault {
    cipher: XChaCha20Poly1305,
    source: Source,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("key", &self.source).finish()
    }
}

impl Vault {
    /// Takes the key from `LOCKSTEP_KEY` (64 hexadecimal digits), else from systemd's credential `lockstep-key`,
    /// else from the file, which is made when it does not exist.
    ///
    /// Fails when a key is not 32 bytes, or when its file can be read by others.
    pub fn load_or_create(file: &Path) -> Result<Self, Error> {
        let (key, source) = key::load(file, true)?;
        Ok(Self::with(&key, source))
    }

    /// As [`Vault::load_or_create`], for a data directory that already holds secrets: a missing key is an error, since
    /// a new one could open none of them.
    pub fn load(file: &Path) -> Result<Self, Error> {
        let (key, source) = key::load(file, false)?;
        Ok(Self::with(&key, source))
    }

    fn with(key: &Zeroizing<[u8; 32]>, source: Source) -> Self {
        let cipher =
            XChaCha20Poly1305::new_from_slice(key.as_slice()).expect("the key is 32 bytes");
        Self { cipher, source }
    }

    /// Seals a secret for the place that `aad` names: it cannot be opened for another.
    pub fn seal(&self, aad: &str, secret: &SecretString) -> Result<Vec<u8>, Error> {
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let text = secret.expose_secret().as_bytes();
        let payload = Payload {
            msg: text,
            aad: aad.as_bytes(),
        };
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| Error::TooLong(text.len()))?;
        let mut out = Vec::with_capacity(1 + NONCE_BYTES + sealed.len());
        out.push(VERSION);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        Ok(out)
    }

    /// Opens what was sealed for the same `aad`.
    pub fn open(&self, aad: &str, sealed: &[u8]) -> Result<SecretString, Error> {
        let fail = |why: &str| {
            Error::Open(format!(
                "the secret {aad} cannot be read with {}: {why}",
                self.source
            ))
        };
        let Some((&VERSION, rest)) = sealed.split_first() else {
            return Err(fail("it is not in a form that this version knows"));
        };
        let Some((nonce, text)) = rest.split_first_chunk::<NONCE_BYTES>() else {
            return Err(fail("it is cut short"));
        };
        let payload = Payload {
            msg: text,
            aad: aad.as_bytes(),
        };
        let open = self
            .cipher
            .decrypt(&XNonce::from(*nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| fail("it was sealed with another key or is damaged; restore the key, or enter the secret again"))?;
        let text = std::str::from_utf8(&open).map_err(|_| fail("it is not text"))?;
        Ok(SecretString::from(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(byte: u8) -> Vault {
        Vault::with(&Zeroizing::new([byte; 32]), Source::Environment)
    }

    #[test]
    fn what_is_sealed_opens_only_for_its_owner_and_key() {
        let secret = SecretString::from("S3cr3t/Ke+strel=");
        let sealed = vault(1)
            .seal("kestrel/the-iconic/api.secret", &secret)
            .unwrap();
        assert!(!sealed.windows(6).any(|w| w == b"S3cr3t"));
        let open = vault(1)
            .open("kestrel/the-iconic/api.secret", &sealed)
            .unwrap();
        assert_eq!(open.expose_secret(), "S3cr3t/Ke+strel=");

        let moved = vault(1)
            .open("kestrel/other/api.secret", &sealed)
            .unwrap_err()
            .to_string();
        assert!(
            moved.contains("kestrel/other/api.secret")
                && moved.contains("another key or is damaged"),
            "{moved}"
        );
        assert!(
            vault(2)
                .open("kestrel/the-iconic/api.secret", &sealed)
                .is_err()
        );
        assert_ne!(
            vault(1).seal("a", &secret).unwrap(),
            vault(1).seal("a", &secret).unwrap(),
            "a nonce repeats"
        );
    }

    #[test]
    fn a_changed_bit_and_a_cut_are_noticed() {
        let sealed = vault(1).seal("a", &SecretString::from("")).unwrap();
        assert_eq!(vault(1).open("a", &sealed).unwrap().expose_secret(), "");
        for at in 0..sealed.len() {
            let mut bad = sealed.clone();
            bad[at] ^= 1;
            assert!(vault(1).open("a", &bad).is_err(), "byte {at}");
            assert!(vault(1).open("a", &sealed[..at]).is_err(), "cut at {at}");
        }
    }
}
