//! Messages from marketplaces that sign nothing: only who knows the address can have sent them.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use super::{Hooks, Refusal, body};
use crate::db::{Delivery, HintKind};
use crate::model::{Hint, Instant, Key, Side};
use crate::telemetry;

/// Longest body in bytes: such messages name things and tell nothing.
const LONGEST_BODY: usize = 1 << 20;
/// Longest id or SKU that is kept.
const LONGEST_ID: usize = 200;
/// Messages that plugins read at a time.
const READ_TOGETHER: usize = 2;
/// Messages that wait for a plugin. Over that, the channel is woken without knowing what for.
const MOST_UNREAD: usize = 256;

/// Lets plugins read only so many messages at a time.
pub(super) struct Readers {
    queue: Arc<Semaphore>,
    at_work: Arc<Semaphore>,
}

impl Default for Readers {
    fn default() -> Self {
        Self {
            queue: Arc::new(Semaphore::new(MOST_UNREAD)),
            at_work: Arc::new(Semaphore::new(READ_TOGETHER)),
        }
    }
}

pub(super) async fn take(
    State(hooks): State<Arc<Hooks>>,
    Path((shop, channel, secret)): Path<(String, String, String)>,
    request: Request,
) -> Response {
    match taken(&hooks, Key::new(shop, channel), &secret, request).await {
        // Seller Center takes nothing but 200 for success.
        Ok(()) => StatusCode::OK.into_response(),
        Err(refusal) => refusal.answer(Side::Channel),
    }
}

async fn taken(
    hooks: &Arc<Hooks>,
    key: Key,
    secret: &str,
    request: Request,
) -> Result<(), Refusal> {
    let known = hooks.host.known_address_secret(&key).await.map_err(|e| {
        tracing::error!(channel = %key, "a webhook cannot be checked: {e:#}");
        Refusal::Unstored
    })?;
    // A channel that does not exist and a secret that does not fit look the same from outside.
    let known = known.ok_or(Refusal::UnknownAddress)?;
    if !same(known.expose_secret(), secret) {
        return Err(Refusal::UnknownAddress);
    }
    let headers = texts(request.headers());
    let body = body(request, LONGEST_BODY).await?;
    let delivery = Delivery {
        key: key.clone(),
        id: uuid::Uuid::now_v7().to_string(),
        event: None,
        topic: String::new(),
        received_at: Instant::now(),
    };
    hooks
        .inbox
        .take(delivery, None)
        .await
        .ok_or(Refusal::Unstored)?;
    telemetry::webhook_received(&key, "", false);
    // The plugin takes its time, the sender does not: it reads after the answer.
    match hooks.readers.queue.clone().try_acquire_owned() {
        Ok(place) => {
            let hooks = hooks.clone();
            tokio::spawn(async move {
                let _place = place;
                let _turn = hooks.readers.at_work.acquire().await;
                read(&hooks, key, headers, body).await;
            });
        }
        Err(_) => hooks.wakes.hint(key),
    }
    Ok(())
}

/// Compares without telling by its time where they differ.
fn same(known: &str, given: &str) -> bool {
    let digest = |text: &str| Sha256::digest(text.as_bytes());
    digest(known).ct_eq(&digest(given)).into()
}

/// The headers that are text, but for those that are none of a plugin's business.
pub(super) fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "authorization" | "cookie"))
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect()
}

/// Has the plugin read a message, keeps what it names, and wakes the channel.
async fn read(hooks: &Hooks, key: Key, headers: Vec<(String, String)>, body: Bytes) {
    let hints = match parsed(hooks, &key, &headers, &body).await {
        Ok(hints) => hints,
        Err(e) => {
            tracing::info!(channel = %key, "a webhook cannot be read: {e:#}");
            return telemetry::webhook_refused(Side::Channel, "unreadable");
        }
    };
    let now = Instant::now();
    let named: Vec<(HintKind, String)> = hints
        .iter()
        .filter_map(|hint| match hint {
            Hint::Order(id) => Some((HintKind::Order, id.clone())),
            Hint::ListingSku(sku) => Some((HintKind::Sku, sku.clone())),
            Hint::Channel | Hint::Nothing => None,
        })
        .filter(|(_, id)| !id.is_empty() && id.len() <= LONGEST_ID)
        .collect();
    if !named.is_empty() {
        let key = key.clone();
        let stored = hooks.host.store.write(move |tx| {
            for (kind, id) in &named {
                tx.put_hint(&key, *kind, id, now)?;
            }
            Ok(())
        });
        if let Err(e) = stored.await {
            tracing::warn!("what a webhook names is not stored: {e}");
        }
    }
    if hints.iter().any(|hint| *hint != Hint::Nothing) {
        hooks.wakes.hint(key);
    }
}

async fn parsed(
    hooks: &Hooks,
    key: &Key,
    headers: &[(String, String)],
    body: &[u8],
) -> anyhow::Result<Vec<Hint>> {
    let row = hooks.host.channel(key).await?;
    let connector = hooks.host.connector(&row).await?;
    Ok(connector.webhook_parse(headers, body).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_equal_or_not() {
        assert!(same("a".repeat(64).as_str(), "a".repeat(64).as_str()));
        for other in ["", "a", &"a".repeat(63), &"a".repeat(65), &"b".repeat(64)] {
            assert!(!same(&"a".repeat(64), other), "{other}");
        }
    }
}
