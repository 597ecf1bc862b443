//! The only place that speaks Shopify: one client for one store's Admin API.
//!
//! Operations are structs whose fields are checked against `schema.graphql` when the program is compiled. What a
//! call costs is learned from its answers, and all callers share one bucket of points (`throttle`).

mod address;
mod auth;
mod bulk;
mod cancel;
mod client;
mod create;
mod errors;
mod find;
mod join;
mod levels;
mod operations;
mod order_input;
mod orders;
mod setup;
mod throttle;
mod types;
mod variants;
mod verify;
mod walk;
mod webhooks;

pub use auth::ShopAuth;
pub use operations::operations;
pub use setup::SCOPES;
pub use verify::{Delivery, Forged, verify_webhook};
pub use webhooks::{WEBHOOK_TOPICS, WebhookChanges};

use url::Url;

use crate::model::{Instant, ShopOrder, Variant};
use crate::net::Client;
use crate::vault::Scrubber;

/// Version of Shopify's Admin API that the operations are written for.
pub const API_VERSION: &str = "2026-10";

/// Where everything that this program writes into a shop's metafields lies.
const NAMESPACE: &str = "lockstep";
/// The metafield that makes an order's reference unique.
const ORDER_KEY: &str = "order_ref";
/// The metafield that makes a channel's customer unique.
const CUSTOMER_KEY: &str = "channel";

/// How a shop is reached.
#[derive(Clone, Debug)]
pub struct ShopConfig {
    /// The operator's short name of it, for figures.
    pub name: String,
    /// `https://....myshopify.com`; for a sandbox any address.
    pub base_url: Url,
    /// As in "2026-10".
    pub api_version: String,
    /// How the host signs in.
    pub auth: ShopAuth,
    /// Blanks secrets in whatever the shop answers; tokens are added to it.
    pub scrubber: Scrubber,
}

/// A client of one shop. All callers share its token and its bucket of points.
///
/// Every call answers with a [`crate::model::Fault`] when it fails. A write whose answer is lost or cannot be read is
/// `UnknownOutcome`; a read then is `Unavailable` or `Protocol`.
#[derive(Debug)]
pub struct Shop {
    endpoint: client::Endpoint,
    level_hint: variants::LevelHint,
}

/// A page of variants.
#[derive(Clone, Debug, Default)]
pub struct VariantPage {
    /// In order of id.
    pub variants: Vec<Variant>,
    /// The cursor of the next page; none: this was the last.
    pub next: Option<String>,
    /// How many variants the shop has in all; none when Shopify does not say.
    pub total: Option<u64>,
}

/// A page of orders.
#[derive(Clone, Debug, Default)]
pub struct ShopOrderPage {
    /// The one changed longest ago first.
    pub orders: Vec<ShopOrder>,
    /// The cursor of the next page; none: this was the last.
    pub next: Option<String>,
}

impl Shop {
    /// A client. Nothing is sent yet.
    pub fn new(config: ShopConfig, client: Client) -> Self {
        let under = |path: &str| {
            let mut url = config.base_url.clone();
            url.set_path(&format!(
                "{}{path}",
                config.base_url.path().trim_end_matches('/')
            ));
            url.set_query(None);
            url
        };
        let tokens = auth::Tokens::new(
            config.auth.clone(),
            under("/admin/oauth/access_token"),
            config.name.clone(),
            config.scrubber,
        );
        let url = under(&format!("/admin/api/{}/graphql.json", config.api_version));
        Self {
            endpoint: client::Endpoint::new(client, url, config.name, config.api_version, tokens),
            level_hint: variants::LevelHint::default(),
        }
    }
}

/// The host of an address, for messages: never a path or query, which may hold a signature.
fn place_of(url: &Url) -> String {
    url.host_str().unwrap_or("the shop").to_owned()
}

/// A time for a search term, to the second below: a search must rather find too much.
fn search_time(time: Instant) -> String {
    let seconds = time.as_millisecond().div_euclid(1_000);
    Instant::from_second(seconds).unwrap_or(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_times_are_whole_seconds() {
        assert_eq!(
            search_time("2026-11-22T23:55:00.999Z".parse().unwrap()),
            "2026-11-22T23:55:00Z"
        );
    }
}
