//! Sends one message to one target, and signs webhooks as <https://www.standardwebhooks.com> says.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::message::Message;
use super::target::{Email, Target, Way, Webhook};
use crate::model::Instant;
use crate::net::mail::{self, Mail, MailError, MailServer};
use crate::net::{self, Client, ClientOptions, Method, Request};

/// How a signing secret begins.
const SECRET_PREFIX: &str = "whsec_";
/// Bytes of a signing secret, as the scheme wants it.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// For a webhook's whole answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Longest answer of a webhook that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024;
/// Of an answer that is not fine so many characters are told.
const TOLD: usize = 300;

/// Why a message did not get through.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The other side answered, and does not take it.
    #[error("{0}")]
    Refused(String),
    /// There was no answer: messages after this one will fare no better.
    #[error("{0}")]
    Unreachable(String),
}

/// The body of a webhook.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: Instant,
    data: &'a Message,
}

/// The body of a webhook, the same whenever the message is sent again.
pub fn webhook_body(message: &Message, made_at: Instant) -> Vec<u8> {
    let body = Body {
        kind: if message.test {
            "lockstep.test"
        } else {
            "lockstep.alerts"
        },
        timestamp: made_at,
        data: message,
    };
    serde_json::to_vec(&body).expect("plain records serialize")
}

/// The key of a signing secret: `whsec_` and 24 to 64 bytes in base64.
pub fn signing_key(secret: &SecretString) -> Result<Vec<u8>, String> {
    (secret.expose_secret().strip_prefix(SECRET_PREFIX))
        .and_then(|text| BASE64_STANDARD.decode(text).ok())
        .filter(|key| SECRET_BYTES.contains(&key.len()))
        .ok_or_else(|| {
            format!(
                "a signing secret is {SECRET_PREFIX} and {} to {} bytes in base64",
                SECRET_BYTES.start(),
                SECRET_BYTES.end()
            )
        })
}

/// A new signing secret.
pub fn new_signing_secret() -> SecretString {
    let key: [u8; 32] = rand::random();
    SecretString::from(format!("{SECRET_PREFIX}{}", BASE64_STANDARD.encode(key)))
}

/// What `webhook-signature` says of a body that is sent now.
pub fn signature(key: &[u8], id: &str, seconds: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).expect("HMAC takes any key");
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(body);
    format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

/// Sends a message. Answers what the other side said.
pub async fn send(
    target: &Target,
    secret: Option<&SecretString>,
    id: &str,
    made_at: Instant,
    message: &Message,
    now: Instant,
) -> Result<String, Failure> {
    match &target.to {
        Way::Email(email) => send_mail(email, secret, id, made_at, message, now).await,
        Way::Webhook(webhook) => send_webhook(webhook, secret, id, made_at, message, now).await,
    }
}

async fn send_mail(
    email: &Email,
    secret: Option<&SecretString>,
    id: &str,
    made_at: Instant,
    message: &Message,
    now: Instant,
) -> Result<String, Failure> {
    let login = match (&email.username, secret) {
        (None, _) => None,
        (Some(name), Some(password)) => Some((name.clone(), password.clone())),
        (Some(name), None) => {
            return Err(Failure::Refused(format!(
                "no password is kept for {name}; give it with `lockstep notify add-email`"
            )));
        }
    };
    let server = MailServer {
        host: email.server.clone(),
        port: email.port,
        tls: email.tls,
        login,
    };
    let mail = Mail {
        id: id.to_owned(),
        from: email.from.clone(),
        to: email.to.clone(),
        subject: message.subject.clone(),
        text: message.text(now),
        at: made_at,
    };
    mail::send(&server, &mail).await.map_err(|e| match e {
        MailError::Wrong(why) | MailError::Refused(why) => Failure::Refused(why),
        MailError::Unreachable(why) => Failure::Unreachable(why),
    })
}

async fn send_webhook(
    webhook: &Webhook,
    secret: Option<&SecretString>,
    id: &str,
    made_at: Instant,
    message: &Message,
    now: Instant,
) -> Result<String, Failure> {
    let url: url::Url = (webhook.url.parse())
        .map_err(|e| Failure::Refused(format!("\"{}\" is no URL ({e})", webhook.url)))?;
    let place = net::place(&url);
    let body = webhook_body(message, made_at);
    let mut headers = vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("webhook-id".to_owned(), id.to_owned()),
        ("webhook-timestamp".to_owned(), now.as_second().to_string()),
    ];
    if let Some(secret) = secret {
        let key = signing_key(secret).map_err(Failure::Refused)?;
        headers.push((
            "webhook-signature".to_owned(),
            signature(&key, id, now.as_second(), &body),
        ));
    }
    let client = Client::new(ClientOptions {
        allow_local: webhook.allow_local,
    })
    .map_err(|e| Failure::Unreachable(e.to_string()))?;
    let request = Request {
        method: Method::Post,
        url,
        headers,
        body: Some(body),
        timeout: TIMEOUT,
        max_body: MAX_ANSWER,
    };
    match client.send(request).await {
        Ok(answer) if (200..300).contains(&answer.status) => {
            Ok(format!("{place} answers {}", answer.status))
        }
        Ok(answer) => {
            let text = String::from_utf8_lossy(&answer.body);
            let text: String = text.trim().chars().take(TOLD).collect();
            let colon = if text.is_empty() { "" } else { ": " };
            Err(Failure::Refused(format!(
                "{place} answers {}{colon}{text}",
                answer.status
            )))
        }
        // It was taken, whatever else was said.
        Err(net::Error::TooLarge(_)) => Ok(format!("{place} answers with a long text")),
        Err(net::Error::Forbidden(why)) => Err(Failure::Refused(why)),
        Err(e) => Err(Failure::Unreachable(e.to_string())),
    }
}
