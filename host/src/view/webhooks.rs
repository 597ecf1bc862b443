//! Which messages from outside are subscribed to, and what came of it.

use jiff::Timestamp;
use serde::Serialize;

use crate::db::{Deliveries, Error, SubscriptionRow};
use crate::host::Host;
use crate::model::{Key, PUBLIC_URL, checked_public_url};

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

/// Reads how the messages from outside stand.
pub async fn webhooks(host: &Host) -> Result<WebhookState, Error> {
    let (public_url, channels, subscriptions, came) = (host.store)
        .read(|tx| {
            let channels = tx.channels()?;
            let shops = tx.shops()?.into_iter().map(|s| Key::new(s.shop, ""));
            let mut keys: Vec<Key> = shops
                .chain(channels.iter().map(|c| c.key.clone()))
                .collect();
            keys.sort();
            let came: Vec<(Key, Deliveries)> = (keys.into_iter())
                .map(|key| Ok((key.clone(), tx.deliveries(&key)?)))
                .collect::<Result<_, Error>>()?;
            let public_url = tx.setting::<String>(PUBLIC_URL)?;
            Ok((public_url, channels, tx.subscriptions()?, came))
        })
        .await?;
    let public_url = public_url.filter(|u| !u.trim().is_empty());
    let row_of = |key: &Key| subscriptions.iter().find(|s| s.key == *key);
    let can_be_told = |key: &Key| {
        let plugin = (channels.iter().find(|c| c.key == *key)).map(|c| host.plugin(&c.plugin));
        key.channel.is_empty()
            || row_of(key).is_some()
            || plugin.is_some_and(|p| p.is_ok_and(|p| p.capabilities().contains(&"webhooks")))
    };
    let sources = (came.into_iter())
        .filter(|(key, _)| can_be_told(key))
        .map(|(key, came)| {
            let row = row_of(&key);
            source(key, row, came)
        })
        .collect();
    Ok(WebhookState {
        problem: (public_url.as_deref())
            .and_then(|u| checked_public_url(u).err())
            .map(|e| e.to_string()),
        public_url,
        sources,
    })
}

impl WebhookSource {
    /// Which side it is: the channel, or Shopify for its shop.
    pub fn side(&self) -> String {
        match &self.channel {
            Some(channel) => format!("{}/{channel}", self.shop),
            None => format!("Shopify, {}", self.shop),
        }
    }
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
