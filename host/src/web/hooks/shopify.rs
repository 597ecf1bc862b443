//! Messages from Shopify, signed with the secret of the app.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use url::Url;

use super::inbox::{Named, Taken};
use super::{Hooks, Refusal, body};
use crate::db::{ChannelState, Delivery, ShopRow};
use crate::model::{Instant, Key, Side};
use crate::shop::verify_webhook;
use crate::telemetry;

/// Longest body in bytes. A product with very many variants makes a few megabytes.
const LONGEST_BODY: usize = 5 << 20;
/// Longest id of a delivery in bytes. Shopify's are UUIDs.
const LONGEST_ID: usize = 100;

/// The topics that are known, for figures.
const TOPICS: [&str; 10] = [
    "inventory_levels/connect",
    "inventory_levels/disconnect",
    "inventory_levels/update",
    "products/create",
    "products/delete",
    "products/update",
    "orders/cancelled",
    "orders/updated",
    "refunds/create",
    UNINSTALLED,
];
const UNINSTALLED: &str = "app/uninstalled";

pub(super) async fn take(
    State(hooks): State<Arc<Hooks>>,
    Path(shop): Path<String>,
    request: Request,
) -> Response {
    match taken(&hooks, shop, request).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(refusal) => refusal.answer(Side::Shop),
    }
}

async fn taken(hooks: &Arc<Hooks>, shop: String, request: Request) -> Result<(), Refusal> {
    let broken = |e: anyhow::Error| {
        tracing::error!(shop, "a webhook cannot be checked: {e:#}");
        Refusal::Unstored
    };
    let row = {
        let shop = shop.clone();
        hooks.host.store.read(move |tx| tx.shop(&shop)).await
    };
    let row = row
        .map_err(|e| broken(e.into()))?
        .ok_or(Refusal::UnknownShop)?;
    let secrets = hooks.host.signing_secrets(&row).await.map_err(broken)?;
    if secrets.is_empty() {
        return Err(Refusal::NoSecret);
    }
    let headers = super::channel::texts(request.headers());
    let body = body(request, LONGEST_BODY).await?;
    let told = verify_webhook(&secrets, &headers, &body).map_err(|e| {
        tracing::debug!(shop, "{e}");
        Refusal::Forged
    })?;
    if !domain(&row).is_some_and(|ours| ours.eq_ignore_ascii_case(&told.shop)) {
        return Err(Refusal::WrongShop);
    }
    let id = told.webhook_id.ok_or(Refusal::NoId)?;
    if id.is_empty() || id.len() > LONGEST_ID {
        return Err(Refusal::NoId);
    }
    let leaves = told.topic == UNINSTALLED;
    if leaves && !is_of_shop(&body, &told.shop) {
        // The topic is not signed, the body is: another message was sent again under this topic.
        return Err(Refusal::Forged);
    }
    let now = Instant::now();
    let topic = TOPICS.iter().find(|t| **t == told.topic);
    let delivery = Delivery {
        key: Key::new(shop.clone(), ""),
        id,
        event: told.event_id.filter(|e| e.len() <= LONGEST_ID),
        topic: topic.map_or("other", |t| *t).to_owned(),
        received_at: now,
    };
    let happened = told.triggered_at.map_or(now, |t| t.min(now));
    let named = names(&told.topic, &body).map(|n| (n, happened));
    let taken = hooks.inbox.take(delivery.clone(), named).await;
    let Some(Taken { new, owner }) = taken else {
        return Err(Refusal::Unstored);
    };
    telemetry::webhook_received(&delivery.key, topic.copied().unwrap_or("other"), !new);
    if !new {
        return Ok(());
    }
    if leaves {
        return park(hooks, &shop, now).await.map_err(broken);
    }
    let subject = told
        .topic
        .split_once('/')
        .map_or("", |(subject, _)| subject);
    if matches!(
        subject,
        "inventory_levels" | "products" | "orders" | "refunds"
    ) {
        hooks.wake(&shop, owner.as_ref()).await;
    }
    Ok(())
}

/// The domain that messages of the shop carry.
fn domain(row: &ShopRow) -> Option<String> {
    match &row.info {
        Some(info) => Some(info.domain.clone()),
        None => Url::parse(&row.base_url)
            .ok()?
            .host_str()
            .map(str::to_owned),
    }
}

/// Only messages about the shop itself carry its domain inside.
fn is_of_shop(body: &[u8], domain: &str) -> bool {
    #[derive(Deserialize)]
    struct ShopBody {
        myshopify_domain: String,
    }
    serde_json::from_slice::<ShopBody>(body)
        .is_ok_and(|b| b.myshopify_domain.eq_ignore_ascii_case(domain))
}

/// What is to be read again.
fn names(topic: &str, body: &[u8]) -> Option<Named> {
    #[derive(Deserialize)]
    struct Ids {
        inventory_item_id: Option<u64>,
        order_id: Option<u64>,
        id: Option<u64>,
    }
    let (subject, _) = topic.split_once('/')?;
    let ids: Ids = serde_json::from_slice(body).ok()?;
    let order = |id: u64| Named::Order(format!("gid://shopify/Order/{id}"));
    match subject {
        "inventory_levels" => ids
            .inventory_item_id
            .map(|id| Named::Item(format!("gid://shopify/InventoryItem/{id}"))),
        "orders" => ids.id.map(order),
        "refunds" => ids.order_id.map(order),
        _ => None,
    }
}

/// The app was taken off the shop: nothing can be read or written there any more.
async fn park(hooks: &Hooks, shop: &str, now: Instant) -> anyhow::Result<()> {
    let shop = shop.to_owned();
    hooks
        .host
        .store
        .write(move |tx| {
            for row in tx.channels()? {
                if row.key.shop != shop || row.state == ChannelState::Paused {
                    continue;
                }
                let why = format!(
                    "the app was uninstalled from the Shopify store: install it again, connect it with `lockstep shop add {shop}`, then `lockstep channel resume {}`",
                    row.key
                );
                tx.set_channel_state(&row.key, ChannelState::Parked, Some(&why))?;
                tx.record(&row.key, "channel", "parked", &why, now)?;
            }
            Ok(())
        })
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_message_names() {
        let level = br#"{"inventory_item_id":271878346596884015,"available":10,"admin_graphql_api_id":"gid:\/\/shopify\/InventoryLevel\/2?inventory_item_id=2"}"#;
        assert_eq!(
            names("inventory_levels/update", level),
            Some(Named::Item(
                "gid://shopify/InventoryItem/271878346596884015".into()
            ))
        );
        let order = |id| Some(Named::Order(format!("gid://shopify/Order/{id}")));
        assert_eq!(
            names("orders/updated", br#"{"id":7,"order_id":null}"#),
            order(7)
        );
        assert_eq!(
            names("refunds/create", br#"{"id":7,"order_id":9}"#),
            order(9)
        );
        assert_eq!(names("products/update", br#"{"id":7}"#), None);
        assert_eq!(names("orders/updated", b"[]"), None);
    }

    #[test]
    fn an_uninstall_is_told_from_another_message_under_its_topic() {
        let domain = "kestrel-surf.myshopify.com";
        assert!(is_of_shop(
            br#"{"id":1,"myshopify_domain":"kestrel-surf.myshopify.com"}"#,
            domain
        ));
        assert!(!is_of_shop(br#"{"inventory_item_id":1}"#, domain));
        assert!(!is_of_shop(
            br#"{"id":1,"myshopify_domain":"another.myshopify.com"}"#,
            domain
        ));
    }

    #[test]
    fn every_topic_that_is_subscribed_is_known() {
        for topic in crate::shop::WEBHOOK_TOPICS {
            let (subject, verb) = topic.rsplit_once('_').unwrap();
            let told = format!("{}/{}", subject.to_lowercase(), verb.to_lowercase());
            assert!(TOPICS.contains(&&*told), "{told}");
        }
    }
}
