//! What is subscribed to, and what came of it.

// The API's description knows this type by this name.
use jiff::Timestamp;
use serde::Serialize;

use super::keep::base_of;
use crate::db::{ChannelRow, Deliveries, SubscriptionRow};
use crate::host::Host;
use crate::model::Key;
use crate::web::PUBLIC_URL;

/// How the messages from outside stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct WebhookState {
    /// The setting under which the host is reached; none: nothing is subscribed to.
    pub public_url: Option<String>,
    /// What is wrong with it.
    pub problem: Option<String>,
    /// Each shop, and each channel whose plugin can be sent messages.
    pub sources: Vec<WebhookSource>,
}

/// One side that sends messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct WebhookSource {
    /// The shop.
    pub shop: String,
    /// The channel; none: Shopify.
    pub channel: Option<String>,
    /// Where its messages go, when it is subscribed; of a channel without the secret at its end.
    pub url: Option<String>,
    /// What is subscribed to, in the other side's words.
    pub topics: Vec<String>,
    /// When the subscription was made, or made again.
    pub subscribed_at: Option<Timestamp>,
    /// When it was compared last with what it should be.
    pub checked_at: Option<Timestamp>,
    /// When the newest message came.
    pub last_delivery_at: Option<Timestamp>,
    /// Messages of the last seven days.
    pub deliveries: u32,
    /// Why the newest comparison failed.
    pub error: Option<String>,
}

/// How the messages from outside stand, for a page.
pub async fn state(host: &Host) -> anyhow::Result<WebhookState> {
    let (public_url, shops, channels, subscriptions) = host
        .store
        .read(|tx| {
            Ok((
                tx.setting::<String>(PUBLIC_URL)?,
                tx.shops()?,
                tx.channels()?,
                tx.subscriptions()?,
            ))
        })
        .await?;
    let public_url = public_url.filter(|u| !u.trim().is_empty());
    let shops = shops.into_iter().map(|s| Key::new(s.shop, ""));
    let can_be_told = |row: &ChannelRow| {
        let plugin = host.plugin(&row.plugin);
        plugin.is_ok_and(|p| p.capabilities().contains(&"webhooks"))
            || subscriptions.iter().any(|s| s.key == row.key)
    };
    let channels = channels.iter().filter(|c| can_be_told(c));
    let mut keys: Vec<Key> = shops.chain(channels.map(|c| c.key.clone())).collect();
    keys.sort();
    let asked = keys.clone();
    let deliveries = host
        .store
        .read(move |tx| {
            asked
                .iter()
                .map(|key| tx.deliveries(key))
                .collect::<Result<Vec<_>, _>>()
        })
        .await?;
    let sources = keys
        .into_iter()
        .zip(deliveries)
        .map(|(key, came)| {
            let row = subscriptions.iter().find(|s| s.key == key);
            source(key, row, came)
        })
        .collect();
    Ok(WebhookState {
        problem: public_url
            .as_deref()
            .and_then(|u| base_of(u).err())
            .map(|e| format!("{e:#}")),
        public_url,
        sources,
    })
}

fn source(key: Key, row: Option<&SubscriptionRow>, came: Deliveries) -> WebhookSource {
    // A row without topics tells of a subscription that could not be made.
    let made = row.filter(|s| !s.topics.is_empty());
    WebhookSource {
        shop: key.shop,
        channel: Some(key.channel).filter(|c| !c.is_empty()),
        url: made.map(|s| s.url.clone()),
        topics: made.map_or_else(Vec::new, |s| s.topics.clone()),
        subscribed_at: made.map(|s| s.made_at),
        checked_at: row.map(|s| s.checked_at),
        last_delivery_at: came.last_at,
        deliveries: came.count,
        error: row.and_then(|s| s.error.clone()),
    }
}
