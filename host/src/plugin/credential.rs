//! Credentials: what a slot of the manifest adds to a request, and the tokens behind it.

use std::time::{Duration, Instant as Clock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use super::limits::Limits;
use super::manifest::{ClientAuth, CredentialKind, CredentialSlot};
use crate::net::{Client, Error, Method, Request};
use crate::vault::Scrubber;

/// Life of a token whose issuer does not tell it.
const LIFE: Duration = Duration::from_secs(600);

/// A slot with its secret.
pub(super) struct Slot {
    rule: CredentialSlot,
    id: Option<SecretString>,
    secret: SecretString,
    token: Mutex<Option<Token>>,
}

#[derive(Clone)]
struct Token {
    value: SecretString,
    renew_at: Clock,
}

/// Why there is no token.
pub(super) enum TokenError {
    /// The issuer refuses the credentials.
    Refused(String),
    /// It cannot be asked now.
    Unavailable(String),
}

#[derive(Deserialize)]
struct Issued {
    access_token: String,
    expires_in: Option<u64>,
}

impl Slot {
    pub(super) fn new(rule: CredentialSlot, id: Option<SecretString>, secret: SecretString) -> Self {
        Self { rule, id, secret, token: Mutex::new(None) }
    }

    /// Adds the credential to a request. Answers the token that was used, if there is one.
    pub(super) async fn apply(&self, request: &mut Request, base: &Url, client: &Client, scrubber: &Scrubber, limits: &Limits) -> Result<Option<SecretString>, TokenError> {
        let secret = self.secret.expose_secret();
        let name = || self.rule.name.clone().unwrap_or_default();
        match self.rule.kind {
            CredentialKind::Header => {
                let value = format!("{}{secret}", self.rule.prefix.as_deref().unwrap_or(""));
                request.headers.push((name().to_ascii_lowercase(), value));
            }
            CredentialKind::Query => {
                request.url.query_pairs_mut().append_pair(&name(), secret);
            }
            CredentialKind::Basic => request.headers.push(("authorization".into(), self.basic())),
            CredentialKind::Bearer => request.headers.push(("authorization".into(), format!("Bearer {secret}"))),
            CredentialKind::OauthClientCredentials => {
                let token = self.token(base, client, scrubber, limits).await?;
                request.headers.push(("authorization".into(), format!("Bearer {}", token.expose_secret())));
                return Ok(Some(token));
            }
        }
        Ok(None)
    }

    fn basic(&self) -> String {
        let id = self.id.as_ref().map_or("", |i| i.expose_secret());
        format!("Basic {}", STANDARD.encode(format!("{id}:{}", self.secret.expose_secret())))
    }

    /// Forgets a token that was refused, unless another call has fetched a newer one meanwhile.
    pub(super) async fn forget(&self, token: &SecretString) {
        let mut kept = self.token.lock().await;
        if kept.as_ref().is_some_and(|k| k.value.expose_secret() == token.expose_secret()) {
            *kept = None;
        }
    }

    /// The token, fetched when there is none or it is about to end. The lock makes many callers fetch once.
    async fn token(&self, base: &Url, client: &Client, scrubber: &Scrubber, limits: &Limits) -> Result<SecretString, TokenError> {
        let mut kept = self.token.lock().await;
        if let Some(token) = kept.as_ref().filter(|t| t.renew_at > Clock::now()) {
            return Ok(token.value.clone());
        }
        let (value, life) = self.fetch(base, client, scrubber, limits).await?;
        scrubber.learn(&value);
        // Early enough that a request which waits for its turn still has a valid one.
        let margin = (life / 10).clamp(Duration::from_secs(1), Duration::from_secs(180));
        *kept = Some(Token { value: value.clone(), renew_at: Clock::now() + life.saturating_sub(margin) });
        Ok(value)
    }

    async fn fetch(&self, base: &Url, client: &Client, scrubber: &Scrubber, limits: &Limits) -> Result<(SecretString, Duration), TokenError> {
        let path = self.rule.token_path.as_deref().unwrap_or("/");
        let url = if path.starts_with('/') {
            Url::parse(&format!("{}{path}", base.as_str().trim_end_matches('/')))
        } else {
            Url::parse(path)
        }
        .map_err(|e| TokenError::Refused(format!("the token address \"{path}\" is not a URL: {e}")))?;
        let place = format!("{}{}", url.host_str().unwrap_or(""), url.path());
        let mut headers = vec![
            ("accept".to_owned(), "application/json".to_owned()),
            ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
        ];
        let mut fields = vec![("grant_type", "client_credentials")];
        fields.extend(self.rule.scope.as_deref().map(|s| ("scope", s)));
        match self.rule.client_auth {
            ClientAuth::Basic => headers.push(("authorization".into(), self.basic())),
            ClientAuth::Form => {
                fields.push(("client_id", self.id.as_ref().map_or("", |i| i.expose_secret())));
                fields.push(("client_secret", self.secret.expose_secret()));
            }
        }
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request {
            method: Method::Post,
            url,
            headers,
            body: Some(form.into_bytes()),
            timeout: limits.request,
            max_body: 64 * 1024,
        };
        let answer = client.send(request).await.map_err(|e| match e {
            Error::Forbidden(text) => TokenError::Refused(text),
            other => TokenError::Unavailable(format!("no token: {other}")),
        })?;
        match answer.status {
            200..=299 => {
                let issued: Issued = serde_json::from_slice(&answer.body)
                    .map_err(|e| TokenError::Unavailable(format!("no token: {place} answered {}, which is not a token: {e}", answer.status)))?;
                Ok((SecretString::from(issued.access_token), issued.expires_in.map_or(LIFE, Duration::from_secs)))
            }
            400 | 401 | 403 => {
                let words: String = String::from_utf8_lossy(&answer.body).chars().filter(|c| !c.is_control()).take(200).collect();
                Err(TokenError::Refused(format!("{place} refuses the credentials with {}: {}", answer.status, scrubber.scrub(&words))))
            }
            status => Err(TokenError::Unavailable(format!("no token: {place} answered {status}"))),
        }
    }
}
