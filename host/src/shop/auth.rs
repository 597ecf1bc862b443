//! Access tokens: a permanent one, or one of the client-credentials grant that is renewed before it ends.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::errors::{self, Kind};
use super::place_of;
use crate::model::{Fault, Side};
use crate::net::{self, Client, Method, Request, Response};
use crate::telemetry;
use crate::trace;
use crate::vault::Scrubber;

/// Life of a token whose answer does not tell, in seconds.
const DAY: u64 = 86_399;

/// How the host signs in to a shop.
#[derive(Clone, Debug)]
pub enum ShopAuth {
    /// An app of the Dev Dashboard in the merchant's own organization.
    ClientCredentials {
        /// The app's client id.
        id: String,
        /// The app's client secret.
        secret: SecretString,
    },
    /// The permanent token of an admin-created app.
    Token(SecretString),
}

/// A token that is in use.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) value: SecretString,
    /// Counts renewals, so that of several callers refused at once only one renews.
    pub(super) generation: u64,
    /// When to renew it, and when it ends; none: never.
    life: Option<(Instant, Instant)>,
}

/// Gets tokens and keeps the newest.
#[derive(Debug)]
pub(super) struct Tokens {
    auth: ShopAuth,
    endpoint: Url,
    shop: String,
    scrubber: Scrubber,
    current: Mutex<Option<Token>>,
}

impl Tokens {
    pub(super) fn new(auth: ShopAuth, endpoint: Url, shop: String, scrubber: Scrubber) -> Self {
        Self {
            auth,
            endpoint,
            shop,
            scrubber,
            current: Mutex::new(None),
        }
    }

    /// A token that is good as far as is known. `refused` is the generation of one that Shopify has just refused.
    pub(super) async fn get(&self, client: &Client, refused: Option<u64>) -> Result<Token, Fault> {
        let mut current = self.current.lock().await;
        if let Some(token) = &*current
            && refused != Some(token.generation)
            && token
                .life
                .is_none_or(|(renew_at, _)| Instant::now() < renew_at)
        {
            return Ok(token.clone());
        }
        let generation = current.as_ref().map_or(0, |t| t.generation) + 1;
        let token = match &self.auth {
            ShopAuth::Token(value) => Token {
                value: value.clone(),
                // A permanent token cannot be renewed: the same one is refused again and reported.
                generation: 0,
                life: None,
            },
            ShopAuth::ClientCredentials { id, secret } => {
                match self.grant(client, id, secret).await {
                    Ok((value, life)) => {
                        let now = Instant::now();
                        Token {
                            value,
                            generation,
                            life: Some((now + life.mul_f64(0.8), now + life)),
                        }
                    }
                    Err(fault) => {
                        // The last fifth of a token's life is there to get over a failed renewal.
                        let usable = |t: &&Token| {
                            refused != Some(t.generation)
                                && t.life.is_some_and(|(_, end)| Instant::now() < end)
                        };
                        return current.as_ref().filter(usable).cloned().ok_or(fault);
                    }
                }
            }
        };
        *current = Some(token.clone());
        Ok(token)
    }

    /// Whether a refused token can be replaced.
    pub(super) fn renewable(&self) -> bool {
        matches!(self.auth, ShopAuth::ClientCredentials { .. })
    }

    async fn grant(
        &self,
        client: &Client,
        id: &str,
        secret: &SecretString,
    ) -> Result<(SecretString, Duration), Fault> {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", id)
            .append_pair("client_secret", secret.expose_secret())
            .finish();
        let request = Request {
            method: Method::Post,
            url: self.endpoint.clone(),
            headers: vec![
                (
                    "content-type".into(),
                    "application/x-www-form-urlencoded".into(),
                ),
                ("accept".into(), "application/json".into()),
            ],
            body: Some(form.into_bytes()),
            timeout: Duration::from_secs(30),
            max_body: 64 * 1024,
        };
        let mut noting = trace::begin(Side::Shop, trace::TOKEN, 1, &request, &self.scrubber);
        let asked = Instant::now();
        let outcome = client.send(request).await;
        noting.heard(&outcome);
        let status = outcome.as_ref().ok().map(|a| a.status);
        let took = asked.elapsed();
        telemetry::requested(Side::Shop, &self.shop, trace::TOKEN, status, took);
        let granted = self.read(outcome, id);
        if let Err(fault) = &granted {
            noting.why(fault);
        }
        granted
    }

    fn read(
        &self,
        outcome: Result<Response, net::Error>,
        id: &str,
    ) -> Result<(SecretString, Duration), Fault> {
        let place = place_of(&self.endpoint);
        let mut response = outcome.map_err(|e| errors::of_transport(e, Kind::Query))?;
        if response.status != 200 {
            response.body = self.scrubber.scrub_bytes(response.body);
        }
        if matches!(response.status, 400 | 401 | 403) {
            return Err(Fault::Auth {
                detail: format!(
                    "{place} refuses the client id \"{id}\" (HTTP {}); check id and secret in the Dev Dashboard, and that the app is installed on this store and belongs to its organization",
                    response.status
                ),
            });
        }
        if let Some(fault) = errors::of_status(&response, &place, Kind::Query) {
            return Err(fault);
        }
        let grant = read_grant(&response.body).ok_or_else(|| Fault::Protocol {
            detail: format!("{place} answers without an access_token"),
        })?;
        self.scrubber.learn_passing(&place, &grant.0);
        Ok(grant)
    }

    /// Knows the secrets that the shop may repeat.
    pub(super) fn scrubber(&self) -> &Scrubber {
        &self.scrubber
    }
}

/// The token and how long it lives.
fn read_grant(body: &[u8]) -> Option<(SecretString, Duration)> {
    #[derive(Deserialize)]
    struct Grant {
        access_token: String,
        expires_in: Option<serde_json::Number>,
    }
    let grant: Grant = serde_json::from_slice(body).ok()?;
    let seconds = grant.expires_in.and_then(|n| n.as_u64()).unwrap_or(DAY);
    (!grant.access_token.is_empty())
        .then(|| (grant.access_token.into(), Duration::from_secs(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_are_read() {
        let (token, life) =
            read_grant(br#"{"access_token":"shpat_1","scope":"read_products","expires_in":86399}"#)
                .unwrap();
        assert_eq!((token.expose_secret(), life.as_secs()), ("shpat_1", 86_399));
        let (_, life) = read_grant(br#"{"access_token":"shpat_1","expires_in":null}"#).unwrap();
        assert_eq!(life.as_secs(), DAY);
        assert!(read_grant(br#"{"access_token":""}"#).is_none());
        assert!(read_grant(b"<html>").is_none());
    }

    #[test]
    fn secrets_are_not_shown() {
        let tokens = Tokens::new(
            ShopAuth::ClientCredentials {
                id: "app".into(),
                secret: "hush".to_owned().into(),
            },
            "https://x.myshopify.com/admin/oauth/access_token"
                .parse()
                .unwrap(),
            "kestrel".into(),
            Scrubber::default(),
        );
        assert!(!format!("{tokens:?}").contains("hush"));
    }
}
