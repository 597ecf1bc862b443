//! Keeps the subscriptions at Shopify and at the marketplaces as the settings want them.

use std::sync::Arc;
use std::time::{Duration, Instant as Clock};

use anyhow::ensure;
use secrecy::ExposeSecret;
use tokio_util::sync::CancellationToken;

use crate::db::{ChannelRow, ChannelState, ShopRow, SubscriptionRow};
use crate::host::Host;
use crate::model::{Instant, Key, PUBLIC_URL, checked_public_url};
use crate::plugin::Connector;
use crate::shop::WEBHOOK_TOPICS;

/// How often the subscriptions are compared with what they should be: Shopify deletes one after eight failures.
const EVERY: Duration = Duration::from_secs(3_600);
/// How soon again when something failed.
const AGAIN: Duration = Duration::from_secs(300);
/// How often a change of the settings is looked for.
const LOOK: Duration = Duration::from_secs(10);

/// What there is to subscribe for.
#[derive(Clone, PartialEq)]
struct Wanted {
    public_url: Option<String>,
    /// Name, address and client id.
    shops: Vec<(String, String, Option<String>)>,
    /// Active channels with their plugins.
    channels: Vec<(Key, String)>,
}

/// Keeps the subscriptions, at the start, when the settings change, and every hour, until told to stop.
pub async fn subscribe(host: Arc<Host>, stop: CancellationToken) {
    let mut last: Option<(Wanted, Clock, bool)> = None;
    loop {
        match wanted(&host).await {
            Ok((wanted, shops, channels)) => {
                let fresh = last.as_ref().is_some_and(|(w, at, failed)| {
                    *w == wanted && at.elapsed() < if *failed { AGAIN } else { EVERY }
                });
                if !fresh {
                    let kept = keep(&host, wanted.public_url.as_deref(), &shops, &channels);
                    let failed = tokio::select! {
                        result = kept => result.unwrap_or_else(|e| {
                            tracing::error!("webhook subscriptions: {e:#}");
                            true
                        }),
                        () = stop.cancelled() => return,
                    };
                    last = Some((wanted, Clock::now(), failed));
                }
            }
            Err(e) => tracing::error!("webhook subscriptions: {e:#}"),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn wanted(host: &Host) -> anyhow::Result<(Wanted, Vec<ShopRow>, Vec<ChannelRow>)> {
    let (public_url, shops, channels) = host
        .store
        .read(|tx| {
            Ok((
                tx.setting::<String>(PUBLIC_URL)?,
                tx.shops()?,
                tx.channels()?,
            ))
        })
        .await?;
    let wanted = Wanted {
        public_url: public_url.filter(|u| !u.trim().is_empty()),
        shops: shops
            .iter()
            .map(|s| (s.shop.clone(), s.base_url.clone(), s.client_id.clone()))
            .collect(),
        channels: channels
            .iter()
            .filter(|c| c.state == ChannelState::Active)
            .map(|c| (c.key.clone(), c.plugin.clone()))
            .collect(),
    };
    Ok((wanted, shops, channels))
}

/// Compares and mends all subscriptions. True when something failed.
async fn keep(
    host: &Host,
    public_url: Option<&str>,
    shops: &[ShopRow],
    channels: &[ChannelRow],
) -> anyhow::Result<bool> {
    let base = match public_url.map(checked_public_url).transpose() {
        Ok(base) => base,
        // What is subscribed stays until there is a better word.
        Err(e) => {
            tracing::error!("{e}");
            return Ok(true);
        }
    };
    let known = host.store.read(|tx| tx.subscriptions()).await?;
    let now = Instant::now();
    let mut failed = false;
    for row in &known {
        if base
            .as_ref()
            .is_some_and(|b| row.url == address(b, &row.key))
        {
            continue;
        }
        let removed = remove(host, row, channels).await;
        failed |= removed.is_err();
        noted(host, row.clone(), removed.map(|()| None), now).await?;
    }
    host.store.write(move |tx| tx.prune_deliveries(now)).await?;
    let Some(base) = base else {
        return Ok(failed);
    };
    let before = host.store.read(|tx| tx.subscriptions()).await?;
    let shops = shops.iter().map(|s| (Key::new(&*s.shop, ""), None));
    let active = channels.iter().filter(|c| c.state == ChannelState::Active);
    for (key, channel) in shops.chain(active.map(|c| (c.key.clone(), Some(c)))) {
        let url = address(&base, &key);
        let known = before.iter().find(|row| row.key == key);
        if known.is_some_and(|row| row.url != url) {
            // The former one could not be removed yet.
            continue;
        }
        let made = match channel {
            None => subscribe_shop(host, &key, &url).await,
            Some(row) => subscribe_channel(host, row, &url).await,
        };
        let made = match made {
            Ok(Some(made)) => Ok(made),
            Ok(None) => continue,
            Err(e) => Err(e),
        };
        failed |= made.is_err();
        if let (Ok(made), Some(known)) = (&made, known) {
            tell_of_mending(host, made, known, now).await?;
        }
        let row = known.cloned().unwrap_or_else(|| SubscriptionRow {
            key,
            url,
            id: None,
            topics: Vec::new(),
            made_at: now,
            checked_at: now,
            error: None,
        });
        noted(host, row, made.map(Some), now).await?;
    }
    Ok(failed)
}

/// What the other side has now.
struct Made {
    id: Option<String>,
    topics: Vec<String>,
    /// Those that were not there.
    new: Vec<String>,
}

/// Stores how a subscription stands: made, removed (none), or why that failed.
async fn noted(
    host: &Host,
    mut row: SubscriptionRow,
    made: anyhow::Result<Option<Made>>,
    now: Instant,
) -> anyhow::Result<()> {
    row.checked_at = now;
    match made {
        Ok(Some(made)) => {
            row.error = None;
            if row.topics != made.topics || row.id != made.id || !made.new.is_empty() {
                row.made_at = now;
            }
            row.id = made.id;
            row.topics = made.topics;
        }
        Ok(None) => {
            tracing::info!(of = %row.key, "webhooks: subscription removed");
            host.store
                .write(move |tx| tx.drop_subscription(&row.key))
                .await?;
            return Ok(());
        }
        Err(e) => {
            let why = host.scrubber.scrub(&format!("{e:#}"));
            tracing::warn!(of = %row.key, "webhooks: {why}");
            row.error = Some(why);
        }
    }
    host.store
        .write(move |tx| tx.put_subscription(&row))
        .await?;
    Ok(())
}

/// Says so when a subscription had gone: messages were refused here, or somebody deleted it there.
async fn tell_of_mending(
    host: &Host,
    made: &Made,
    before: &SubscriptionRow,
    now: Instant,
) -> anyhow::Result<()> {
    let lost: Vec<&str> = made
        .new
        .iter()
        .filter(|t| before.topics.contains(t))
        .map(String::as_str)
        .collect();
    if lost.is_empty() {
        return Ok(());
    }
    let whose = match before.key.channel.is_empty() {
        true => "Shopify",
        false => "the marketplace",
    };
    let text = format!(
        "{whose} had no subscription any more for {}: subscribed again. Were its messages refused, or was this host out of reach? The setting {PUBLIC_URL} must lead here from outside",
        lost.join(", ")
    );
    tracing::warn!(of = %before.key, "{text}");
    let key = before.key.clone();
    let subject = match key.channel.is_empty() {
        true => "shop",
        false => "channel",
    };
    host.store
        .write(move |tx| tx.record(&key, subject, "webhooks", &text, now))
        .await?;
    Ok(())
}

async fn subscribe_shop(host: &Host, key: &Key, url: &str) -> anyhow::Result<Option<Made>> {
    let shared = host.shop(&key.shop).await?;
    ensure!(
        !host.signing_secrets(&shared.row).await?.is_empty(),
        "the shop is connected by a token, so nobody here knows the secret that its app signs messages with; connect it with `lockstep shop add {} --client-id ID` to be told of changes",
        key.shop
    );
    let changes = shared
        .shop
        .ensure_webhooks(&url.parse()?, &WEBHOOK_TOPICS)
        .await?;
    Ok(Some(Made {
        id: None,
        topics: WEBHOOK_TOPICS.map(str::to_owned).to_vec(),
        new: changes.created,
    }))
}

async fn subscribe_channel(
    host: &Host,
    row: &ChannelRow,
    url: &str,
) -> anyhow::Result<Option<Made>> {
    let connector = host.connector(row).await?;
    if !can(&connector) {
        return Ok(None);
    }
    let secret = host.address_secret(&row.key).await?;
    let url = format!("{url}{}", secret.expose_secret());
    let there = connector.webhooks().await?;
    let is_new = !there.iter().any(|s| s.url == url && s.enabled);
    let made = connector.webhook_ensure(&url).await?;
    Ok(Some(Made {
        new: if is_new { made.events.clone() } else { vec![] },
        id: Some(made.id),
        topics: made.events,
    }))
}

/// Ends a subscription. What is not there any more is removed.
async fn remove(host: &Host, sub: &SubscriptionRow, channels: &[ChannelRow]) -> anyhow::Result<()> {
    if sub.key.channel.is_empty() {
        let shared = host.shop(&sub.key.shop).await?;
        shared.shop.ensure_webhooks(&sub.url.parse()?, &[]).await?;
        return Ok(());
    }
    let Some(row) = channels.iter().find(|c| c.key == sub.key) else {
        return Ok(());
    };
    let connector = host.connector(row).await?;
    if !can(&connector) {
        return Ok(());
    }
    let secret = host.address_secret(&row.key).await?;
    let url = format!("{}{}", sub.url, secret.expose_secret());
    for there in connector.webhooks().await? {
        if there.url == url || sub.id.as_ref() == Some(&there.id) {
            connector.webhook_remove(&there.id).await?;
        }
    }
    Ok(())
}

pub(super) fn can(connector: &Connector) -> bool {
    connector.capabilities().contains(&"webhooks")
}

/// Where messages of a shop (channel empty) or channel go; a channel's secret comes after it.
pub(super) fn address(base: &str, key: &Key) -> String {
    match key.channel.is_empty() {
        true => format!("{base}/webhooks/shopify/{}", key.shop),
        false => format!("{base}/webhooks/channel/{}/{}/", key.shop, key.channel),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let base = checked_public_url("https://Lockstep.example/ ").unwrap();
        assert_eq!(
            address(&base, &Key::new("kestrel", "")),
            "https://lockstep.example/webhooks/shopify/kestrel"
        );
        assert_eq!(
            address(&base, &Key::new("kestrel", "the-iconic")),
            "https://lockstep.example/webhooks/channel/kestrel/the-iconic/"
        );
    }
}
