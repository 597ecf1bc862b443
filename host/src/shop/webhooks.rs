//! Keeps the shop's webhook subscriptions as the host wants them.

use url::Url;

use super::Shop;
use super::errors::{self, UserError, refusals};
use super::types::{PageInfo, Word, schema};
use crate::model::Fault;

/// Subscriptions of one page.
const WEBHOOKS_PER_PAGE: i32 = 250;

/// The topics that tell the host to look sooner than it would by itself.
pub const WEBHOOK_TOPICS: [&str; 10] = [
    "INVENTORY_LEVELS_CONNECT",
    "INVENTORY_LEVELS_DISCONNECT",
    "INVENTORY_LEVELS_UPDATE",
    "PRODUCTS_CREATE",
    "PRODUCTS_DELETE",
    "PRODUCTS_UPDATE",
    "ORDERS_CANCELLED",
    "ORDERS_UPDATED",
    "REFUNDS_CREATE",
    "APP_UNINSTALLED",
];

/// All that is asked for of a topic's deliveries; none: whatever Shopify sends. They are hints: a whole order would carry
/// personal data, and a whole product can take megabytes.
fn fields(topic: &str) -> Option<&'static [&'static str]> {
    let (subject, _) = topic.split_once('_')?;
    match subject {
        "ORDERS" => Some(&["id", "admin_graphql_api_id", "updated_at", "cancelled_at"]),
        "PRODUCTS" => Some(&["id", "admin_graphql_api_id", "updated_at"]),
        "REFUNDS" => Some(&["id", "admin_graphql_api_id", "order_id", "created_at"]),
        _ => None,
    }
}

/// What [`Shop::ensure_webhooks`] changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookChanges {
    /// Topics subscribed to now.
    pub created: Vec<String>,
    /// Topics that were subscribed already.
    pub kept: Vec<String>,
    /// Topics of this address that are no longer wanted.
    pub removed: Vec<String>,
}

#[derive(cynic::QueryVariables)]
pub(super) struct WebhooksVariables {
    first: i32,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "QueryRoot", variables = "WebhooksVariables")]
pub(super) struct Webhooks {
    #[arguments(first: $first, after: $after)]
    webhook_subscriptions: WebhookSubscriptionConnection,
}

#[derive(cynic::QueryFragment)]
struct WebhookSubscriptionConnection {
    page_info: PageInfo,
    nodes: Vec<WebhookSubscription>,
}

#[derive(Clone, Debug, cynic::QueryFragment)]
struct WebhookSubscription {
    id: cynic::Id,
    topic: Word<schema::WebhookSubscriptionTopic>,
    uri: String,
}

#[derive(cynic::QueryVariables)]
pub(super) struct WebhookCreateVariables {
    topic: Word<schema::WebhookSubscriptionTopic>,
    subscription: WebhookSubscriptionInput,
}

#[derive(cynic::InputObject)]
struct WebhookSubscriptionInput {
    uri: String,
    format: Word<schema::WebhookSubscriptionFormat>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    include_fields: Option<Vec<String>>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "WebhookCreateVariables")]
pub(super) struct WebhookCreate {
    #[arguments(topic: $topic, webhookSubscription: $subscription)]
    webhook_subscription_create: Option<WebhookSubscriptionCreatePayload>,
}

#[derive(cynic::QueryFragment)]
struct WebhookSubscriptionCreatePayload {
    webhook_subscription: Option<WebhookSubscription>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(super) struct WebhookDeleteVariables {
    id: cynic::Id,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "WebhookDeleteVariables")]
pub(super) struct WebhookDelete {
    #[arguments(id: $id)]
    webhook_subscription_delete: Option<WebhookSubscriptionDeletePayload>,
}

#[derive(cynic::QueryFragment)]
struct WebhookSubscriptionDeletePayload {
    user_errors: Vec<UserError>,
}

/// What to do with the subscriptions that are there: topics to add, and those of this address to remove. Other
/// addresses belong to somebody else.
fn plan(
    present: &[WebhookSubscription],
    callback: &str,
    topics: &[&str],
) -> (Vec<String>, Vec<WebhookSubscription>) {
    let ours = |s: &&WebhookSubscription| s.uri == callback;
    let create = topics
        .iter()
        .filter(|t| !present.iter().filter(ours).any(|s| s.topic.text() == **t))
        .map(|t| (*t).to_owned())
        .collect();
    let mut kept: Vec<&str> = Vec::new();
    let mut remove = Vec::new();
    for s in present.iter().filter(ours) {
        let topic = s.topic.text();
        if topics.contains(&topic) && !kept.contains(&topic) {
            kept.push(topic);
        } else {
            remove.push(s.clone());
        }
    }
    (create, remove)
}

impl Shop {
    /// Subscribes an address to topics, as [`WEBHOOK_TOPICS`], and ends its subscriptions to others. Shopify deletes a
    /// subscription after eight failed deliveries: call it at the start and every hour.
    pub async fn ensure_webhooks(
        &self,
        callback: &Url,
        topics: &[&str],
    ) -> Result<WebhookChanges, Fault> {
        if callback.scheme() != "https" && !self.endpoint.client().allows_local() {
            return Err(Fault::Rejected {
                code: None,
                detail: format!(
                    "Shopify delivers webhooks to https addresses only, not to {callback}"
                ),
            });
        }
        let present = self.webhooks().await?;
        let (create, remove) = plan(&present, callback.as_str(), topics);
        let mut changes = WebhookChanges {
            kept: topics
                .iter()
                .filter(|t| !create.iter().any(|c| c == *t))
                .map(|t| (*t).to_owned())
                .collect(),
            ..WebhookChanges::default()
        };
        for topic in create {
            let variables = WebhookCreateVariables {
                topic: Word::new(&topic),
                subscription: WebhookSubscriptionInput {
                    uri: callback.as_str().into(),
                    format: Word::new("JSON"),
                    include_fields: fields(&topic)
                        .map(|fields| fields.iter().map(|f| (*f).to_owned()).collect()),
                },
            };
            let answer: WebhookCreate = self.endpoint.ask(&variables).await?;
            let lost = |what: &str| Fault::UnknownOutcome {
                detail: format!("WebhookCreate {topic}: Shopify answers without {what}"),
            };
            let payload = answer
                .webhook_subscription_create
                .ok_or_else(|| lost("a payload"))?;
            if let Some(fault) = errors::of_user(
                &refusals(payload.user_errors),
                &format!("WebhookCreate {topic}"),
            ) {
                return Err(fault);
            }
            payload
                .webhook_subscription
                .ok_or_else(|| lost("a subscription"))?;
            changes.created.push(topic);
        }
        for subscription in remove {
            let variables = WebhookDeleteVariables {
                id: subscription.id,
            };
            let answer: WebhookDelete = self.endpoint.ask(&variables).await?;
            let errors = answer
                .webhook_subscription_delete
                .map(|p| refusals(p.user_errors))
                .unwrap_or_default();
            match errors::of_user(&errors, "WebhookDelete") {
                Some(fault) => tracing::info!("{fault}"),
                None => changes.removed.push(subscription.topic.into_text()),
            }
        }
        Ok(changes)
    }

    async fn webhooks(&self) -> Result<Vec<WebhookSubscription>, Fault> {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let variables = WebhooksVariables {
                first: WEBHOOKS_PER_PAGE,
                after,
            };
            let answer: Webhooks = self.endpoint.ask(&variables).await?;
            found.extend(answer.webhook_subscriptions.nodes);
            after = answer
                .webhook_subscriptions
                .page_info
                .next("the webhook subscriptions")?;
            if after.is_none() {
                return Ok(found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::types::enum_values;
    use super::*;

    #[test]
    fn topics_exist() {
        for topic in WEBHOOK_TOPICS {
            assert!(
                enum_values("WebhookSubscriptionTopic").contains(topic),
                "{topic}"
            );
        }
    }

    #[test]
    fn only_own_subscriptions_are_touched() {
        let subscription = |id: &str, topic: &str, uri: &str| WebhookSubscription {
            id: id.into(),
            topic: Word::new(topic),
            uri: uri.into(),
        };
        let ours = "https://host.example/hooks";
        let present = [
            subscription("1", "ORDERS_UPDATED", ours),
            subscription("2", "ORDERS_UPDATED", ours),
            subscription("3", "CARTS_UPDATE", ours),
            subscription("4", "CARTS_UPDATE", "https://other.example"),
            subscription("5", "PRODUCTS_UPDATE", "https://other.example"),
        ];
        let (create, remove) = plan(&present, ours, &["ORDERS_UPDATED", "PRODUCTS_UPDATE"]);
        assert_eq!(create, ["PRODUCTS_UPDATE"]);
        assert_eq!(
            remove.iter().map(|s| s.id.inner()).collect::<Vec<_>>(),
            ["2", "3"]
        );
    }
}
