//! Tells a genuine webhook delivery from a forged one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::model::Instant;

/// What the headers of a genuine delivery say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// As in "inventory_levels/update".
    pub topic: String,
    /// `....myshopify.com`: the caller compares it with the shop the secret belongs to.
    pub shop: String,
    /// The same for every try of one delivery: the key to drop repeats by.
    pub webhook_id: Option<String>,
    /// Shared by the deliveries of one event.
    pub event_id: Option<String>,
    /// API version of the payload, which need not be the one the host asks for.
    pub api_version: Option<String>,
    /// When it happened.
    pub triggered_at: Option<Instant>,
}

/// Why a delivery is not believed. It holds nothing of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forged {
    /// A header is missing.
    #[error("the header {0} is missing")]
    Missing(&'static str),
    /// The signature is not 32 bytes in base64.
    #[error("the signature is not readable")]
    Unreadable,
    /// No secret of the shop's app gives this signature.
    #[error("the signature does not fit the body: check the app's client secret")]
    Wrong,
}

/// Checks a delivery, on the bytes of its body as they came. `secrets` are the app's client secrets that are valid now:
/// for an hour after a change Shopify may sign with the old one. Header names in any case; the newer names without
/// `X-` are read as well.
pub fn verify_webhook(
    secrets: &[SecretString],
    headers: &[(String, String)],
    body: &[u8],
) -> Result<Delivery, Forged> {
    let header = |name: &str| {
        let named = |n: &str| {
            headers
                .iter()
                .find(|(h, _)| h.eq_ignore_ascii_case(n))
                .map(|(_, v)| v.trim())
        };
        named(&format!("x-shopify-{name}")).or_else(|| named(&format!("shopify-{name}")))
    };
    let signature = header("hmac-sha256").ok_or(Forged::Missing("X-Shopify-Hmac-Sha256"))?;
    let signature = STANDARD.decode(signature).map_err(|_| Forged::Unreadable)?;
    if signature.len() != 32 {
        return Err(Forged::Unreadable);
    }
    let genuine = secrets.iter().any(|secret| {
        Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes())
            .is_ok_and(|mac| mac.chain_update(body).verify_slice(&signature).is_ok())
    });
    if !genuine {
        return Err(Forged::Wrong);
    }
    let owned = |name: &str| header(name).map(str::to_owned);
    Ok(Delivery {
        topic: owned("topic").ok_or(Forged::Missing("X-Shopify-Topic"))?,
        shop: owned("shop-domain").ok_or(Forged::Missing("X-Shopify-Shop-Domain"))?,
        webhook_id: owned("webhook-id"),
        event_id: owned("event-id"),
        api_version: owned("api-version"),
        triggered_at: header("triggered-at").and_then(|t| t.parse().ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "hush-this-is-a-test-secret";
    const LEVEL: &str = r#"{"inventory_item_id":271878346596884015,"location_id":24826418,"available":10,"updated_at":"2021-12-31T19:00:00-05:00","admin_graphql_api_id":"gid:\/\/shopify\/InventoryLevel\/24826418?inventory_item_id=271878346596884015"}"#;
    const LEVEL_SIGNED: &str = "3HNGcN8ig+E6J4lGfUZLNBfAtQ7MZnRKMtJfuSYx9ko=";

    fn headers(signature: &str) -> Vec<(String, String)> {
        [
            ("X-Shopify-Hmac-SHA256", signature),
            ("x-shopify-topic", "inventory_levels/update"),
            ("X-Shopify-Shop-Domain", "kestrel-surf.myshopify.com"),
            ("X-Shopify-Webhook-Id", "w1"),
        ]
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .to_vec()
    }

    fn secret(text: &str) -> SecretString {
        text.to_owned().into()
    }

    #[test]
    fn genuine_deliveries() {
        assert_eq!(LEVEL.len(), 223);
        for (body, signature) in [
            (LEVEL.to_owned(), LEVEL_SIGNED),
            (
                LEVEL.replace("\\/", "/"),
                "SCBPS3fAdwfJCW7MLLCuOlrpMet1B1YsX0uM+gtkWxM=",
            ),
            (
                String::new(),
                "sF4nO/uV1iL129XwecoR1srD5Zi+Pmc2laK1peo812s=",
            ),
            (
                "{\"note\":\"Zoë – ünïcode ☃\"}".to_owned(),
                "IOGyHobVdBz5pcE1xEWMyVhVaB2T7//BrVffhuc4ZZk=",
            ),
        ] {
            let delivery =
                verify_webhook(&[secret(SECRET)], &headers(signature), body.as_bytes()).unwrap();
            assert_eq!(delivery.topic, "inventory_levels/update");
            assert_eq!(delivery.webhook_id.as_deref(), Some("w1"));
        }
    }

    #[test]
    fn the_old_secret_holds_for_a_while() {
        let both = [secret("new"), secret(SECRET)];
        assert!(verify_webhook(&both, &headers(LEVEL_SIGNED), LEVEL.as_bytes()).is_ok());
    }

    #[test]
    fn forged_deliveries() {
        let check = |secrets: &[SecretString], signature: &str, body: &str| {
            verify_webhook(secrets, &headers(signature), body.as_bytes()).unwrap_err()
        };
        assert_eq!(
            check(&[secret("other")], LEVEL_SIGNED, LEVEL),
            Forged::Wrong
        );
        assert_eq!(check(&[], LEVEL_SIGNED, LEVEL), Forged::Wrong);
        assert_eq!(
            check(
                &[secret(SECRET)],
                LEVEL_SIGNED,
                &LEVEL.replace(":10,", ":11,")
            ),
            Forged::Wrong
        );
        assert_eq!(
            check(&[secret(SECRET)], "not base64!", LEVEL),
            Forged::Unreadable
        );
        assert_eq!(check(&[secret(SECRET)], "AAAA", LEVEL), Forged::Unreadable);
        assert_eq!(
            verify_webhook(&[secret(SECRET)], &[], b"").unwrap_err(),
            Forged::Missing("X-Shopify-Hmac-Sha256")
        );
    }

    #[test]
    fn newer_header_names() {
        let newer: Vec<_> = headers(LEVEL_SIGNED)
            .into_iter()
            .map(|(n, v)| {
                (
                    n.to_ascii_lowercase().trim_start_matches("x-").to_owned(),
                    v,
                )
            })
            .collect();
        assert!(verify_webhook(&[secret(SECRET)], &newer, LEVEL.as_bytes()).is_ok());
    }
}
