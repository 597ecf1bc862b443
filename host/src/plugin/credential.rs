//! Credentials: what the host adds to a request that names a slot. Nothing here is ever seen by a plugin.

use std::time::Duration;

use anyhow::{Context, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::bindings::http::Error;
use super::egress::{Egress, join};
use super::manifest::{ClientAuth, CredentialKind, CredentialSlot};
use crate::net;
use crate::telemetry;

/// A secret that the operator gave for a slot.
#[derive(Clone, Debug)]
pub struct Credential {
    /// User name or client id, for the kinds that need one.
    pub id: Option<SecretString>,
    /// The secret itself.
    pub secret: SecretString,
}

/// Assumed when a token endpoint does not say how long its token lives.
const LIFE_UNTOLD: Duration = Duration::from_secs(300);
const LONGEST_TOKEN_ANSWER: usize = 256 << 10;

/// A slot with its secret and, where it buys tokens, the present token.
pub(super) struct Slot {
    pub spec: CredentialSlot,
    credential: Credential,
    token_url: Option<Url>,
    /// Held while a token is fetched, so that calls at the same time share one fetch.
    token: Mutex<Option<Token>>,
}

#[derive(Clone)]
struct Token {
    value: SecretString,
    renew_at: Instant,
    expires_at: Instant,
    serial: Serial,
}

/// Tells tokens of a slot apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Serial(u64);

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: Option<String>,
    expires_in: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct TokenError {
    error: Option<String>,
    error_description: Option<String>,
}

impl Slot {
    pub(super) fn new(
        spec: CredentialSlot,
        credential: Credential,
        base: &Url,
    ) -> anyhow::Result<Self> {
        let name = &spec.slot;
        ensure!(
            !spec.kind.needs_id() || credential.id.is_some(),
            "credential \"{name}\" needs an id beside its secret"
        );
        let in_header = matches!(spec.kind, CredentialKind::Header | CredentialKind::Bearer);
        let plain = credential
            .secret
            .expose_secret()
            .bytes()
            .all(|b| (0x20..0x7f).contains(&b));
        ensure!(
            !in_header || plain,
            "the secret of credential \"{name}\" holds a line break or another character that no header can carry; enter it again"
        );
        let token_url = match (&spec.token_path, &spec.token_url) {
            (Some(path), _) => Some(join(base, path).context("token-path")?),
            (None, Some(url)) => Some(url.parse().context("token-url")?),
            (None, None) => None,
        };
        Ok(Self {
            spec,
            credential,
            token_url,
            token: Mutex::new(None),
        })
    }

    /// Adds the credential to a request. Answers which token it was, where it was one. A token of the serial
    /// `rejected` is not used again.
    pub(super) async fn apply(
        &self,
        egress: &Egress,
        request: &mut net::Request,
        rejected: Option<Serial>,
    ) -> Result<Option<Serial>, Error> {
        let secret = self.credential.secret.expose_secret();
        let name = self.spec.name.clone().unwrap_or_default();
        match self.spec.kind {
            CredentialKind::Header => {
                let prefix = self.spec.prefix.as_deref().unwrap_or_default();
                request.headers.push((name, format!("{prefix}{secret}")));
            }
            CredentialKind::Query => {
                request.url.query_pairs_mut().append_pair(&name, secret);
            }
            CredentialKind::Basic => request.headers.push(("authorization".into(), self.basic())),
            CredentialKind::Bearer => request
                .headers
                .push(("authorization".into(), format!("Bearer {secret}"))),
            CredentialKind::OauthClientCredentials => {
                let token = self.token(egress, rejected).await?;
                request.headers.push((
                    "authorization".into(),
                    format!("Bearer {}", token.value.expose_secret()),
                ));
                return Ok(Some(token.serial));
            }
        }
        Ok(None)
    }

    fn id(&self) -> &str {
        self.credential
            .id
            .as_ref()
            .map_or("", |id| id.expose_secret())
    }

    fn basic(&self) -> String {
        format!(
            "Basic {}",
            BASE64_STANDARD.encode(format!(
                "{}:{}",
                self.id(),
                self.credential.secret.expose_secret()
            ))
        )
    }

    async fn token(&self, egress: &Egress, rejected: Option<Serial>) -> Result<Token, Error> {
        let mut kept = self.token.lock().await;
        let now = Instant::now();
        let usable = kept
            .clone()
            .filter(|t| Some(t.serial) != rejected && now < t.expires_at);
        if let Some(token) = usable.as_ref().filter(|t| now < t.renew_at) {
            return Ok(token.clone());
        }
        let serial = Serial(kept.as_ref().map_or(0, |t| t.serial.0 + 1));
        match (self.fetch(egress, serial).await, usable) {
            (Ok(token), _) => {
                let owner = format!("{} {}", egress.channel, self.spec.slot);
                egress.scrubber.learn_passing(&owner, &token.value);
                *kept = Some(token.clone());
                Ok(token)
            }
            // Renewed early just so that this does not matter yet.
            (Err(Error::Unavailable(why)), Some(token)) => {
                tracing::warn!(
                    plugin = egress.plugin,
                    channel = egress.channel,
                    "token not renewed yet: {why}"
                );
                Ok(token)
            }
            (Err(e), _) => Err(e),
        }
    }

    async fn fetch(&self, egress: &Egress, serial: Serial) -> Result<Token, Error> {
        let url = self
            .token_url
            .clone()
            .ok_or_else(|| Error::Auth("the plugin's manifest names no token endpoint".into()))?;
        let place = net_place(&url);
        let mut fields = vec![("grant_type", "client_credentials")];
        fields.extend(self.spec.scope.as_deref().map(|scope| ("scope", scope)));
        let mut headers = vec![
            ("accept".to_owned(), "application/json".to_owned()),
            (
                "content-type".to_owned(),
                "application/x-www-form-urlencoded".to_owned(),
            ),
        ];
        match self.spec.client_auth.unwrap_or_default() {
            ClientAuth::Basic => headers.push(("authorization".to_owned(), self.basic())),
            ClientAuth::Form => {
                fields.extend([
                    ("client_id", self.id()),
                    ("client_secret", self.credential.secret.expose_secret()),
                ]);
            }
        }
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let request = net::Request {
            method: net::Method::Post,
            url,
            headers,
            body: Some(form.into_bytes()),
            timeout: Duration::from_secs(30),
            max_body: LONGEST_TOKEN_ANSWER,
        };
        let asked = Instant::now();
        let answer = egress
            .exchange(telemetry::TOKEN, request)
            .await
            .map_err(|e| match e {
                net::Error::Forbidden(text) => Error::Forbidden(text),
                // A token that is bought and lost harms nobody: ask again.
                other => Error::Unavailable(format!("token endpoint: {other}")),
            })?;
        match answer.status {
            200..=299 => {}
            400 | 401 | 403 => {
                let told = serde_json::from_slice::<TokenError>(&answer.body).ok();
                let words = told.map(|t| {
                    [t.error, t.error_description]
                        .into_iter()
                        .flatten()
                        .collect::<Vec<_>>()
                        .join(": ")
                });
                let words = egress.scrubber.scrub(
                    &words
                        .filter(|w| !w.is_empty())
                        .unwrap_or_else(|| "without a reason".into()),
                );
                return Err(Error::Auth(format!(
                    "the token endpoint {place} refuses id and secret ({}, {words})",
                    answer.status
                )));
            }
            status => {
                return Err(Error::Unavailable(format!(
                    "the token endpoint {place} answers {status}"
                )));
            }
        }
        let parsed: Option<TokenAnswer> = serde_json::from_slice(&answer.body).ok();
        let unreadable = || {
            Error::Unavailable(format!(
                "the token endpoint {place} answers without a usable access_token"
            ))
        };
        let parsed = parsed.ok_or_else(unreadable)?;
        let value = SecretString::from(parsed.access_token.ok_or_else(unreadable)?);
        if value.expose_secret().is_empty()
            || !value
                .expose_secret()
                .bytes()
                .all(|b| (0x21..0x7f).contains(&b))
        {
            return Err(unreadable());
        }
        let life = parsed
            .expires_in
            .as_ref()
            .and_then(seconds)
            .unwrap_or(LIFE_UNTOLD);
        Ok(Token {
            value,
            renew_at: asked + life.saturating_sub(margin(life)),
            expires_at: asked + life,
            serial,
        })
    }
}

/// How long before its end a token is renewed: a tenth of its life, from one to five minutes, but never more than half.
fn margin(life: Duration) -> Duration {
    (life / 10)
        .clamp(Duration::from_secs(60), Duration::from_secs(300))
        .min(life / 2)
}

/// `expires_in` as number or text, at most a day.
fn seconds(value: &serde_json::Value) -> Option<Duration> {
    let seconds = match value {
        serde_json::Value::Number(n) => n.as_u64(),
        serde_json::Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    seconds.map(|s| Duration::from_secs(s.min(86_400)))
}

fn net_place(url: &Url) -> String {
    format!("{}{}", url.host_str().unwrap_or("?"), url.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_renewed_ahead_of_time() {
        let s = Duration::from_secs;
        assert_eq!(margin(s(3600)), s(300));
        assert_eq!(margin(s(1200)), s(120));
        assert_eq!(margin(s(300)), s(60));
        assert_eq!(margin(s(10)), s(5));
        assert_eq!(seconds(&serde_json::json!(3600)), Some(s(3600)));
        assert_eq!(seconds(&serde_json::json!("60")), Some(s(60)));
        assert_eq!(seconds(&serde_json::json!(null)), None);
    }
}
