//! What the stand-in does where Shopify's behavior is undocumented, depends on the plan or varies with load.

use serde::{Deserialize, Serialize};

/// Behavior that tests and the demo change while the server runs. Times are real time, unless said otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// Age that a change has before searches see it, in milliseconds.
    pub index_lag_ms: u64,
    /// Lists without a `query` come from the search index too, and lag as it does.
    pub unfiltered_lists_lag: bool,
    /// `orderCreate` refuses a value of a unique `id` metafield that another order has.
    pub unique_order_ids: bool,
    /// New orders per minute: 5 on trial and development stores.
    pub orders_per_minute: Option<u32>,
    /// How many of the next `orderCreate` calls answer "Too many attempts. Please try again later."
    pub too_many_attempts: u32,
    /// `sourceName` reads back as the id of the app that created the order, whatever was sent.
    pub source_name_is_app: bool,
    /// Time between the creation of an order and its fulfillment orders, in milliseconds.
    pub routing_ms: u64,
    /// Time an order cancellation takes, in milliseconds.
    pub cancel_ms: u64,
    /// Time a bulk operation spends as `CREATED`, and again at least as `RUNNING`, in milliseconds.
    pub bulk_ms: u64,
    /// Bulk operations are enabled for the app.
    pub bulk_allowed: bool,
    /// A stock change also moves the variant's `updatedAt`.
    pub stock_moves_variant: bool,
    /// A tracking edit also moves the order's `updatedAt`.
    pub tracking_moves_order: bool,
    /// Life of an access token, in seconds.
    pub token_life_s: u64,
    /// Access scopes of the app.
    pub scopes: Vec<String>,
    /// Age up to which orders are visible without `read_all_orders`, in days.
    pub order_days: u32,
    /// The store is frozen (402) or locked (423): every call answers this status.
    pub closed: Option<u16>,
    /// Stock mutations remember an idempotency key for one mutation only, not for all of them.
    pub keys_per_mutation: bool,
    /// Idempotency keys are accepted and not remembered.
    pub keys_forgotten: bool,
    /// Plain-http webhook addresses on this machine are accepted; all others are refused, as Shopify does.
    pub local_webhooks: bool,
    /// How many times faster than real time webhook retries come: the eight retries spread over four hours.
    pub webhook_speed: f64,
    /// Every webhook is delivered twice.
    pub webhook_duplicates: bool,
    /// Every n-th webhook is lost; 0 loses none.
    pub webhook_loss: u64,
    /// The API version of webhook payloads, which is the app's and not that of the call that subscribed.
    pub webhook_version: String,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            index_lag_ms: 2_000,
            unfiltered_lists_lag: false,
            unique_order_ids: false,
            orders_per_minute: None,
            too_many_attempts: 0,
            source_name_is_app: true,
            routing_ms: 0,
            cancel_ms: 300,
            bulk_ms: 200,
            bulk_allowed: true,
            stock_moves_variant: false,
            tracking_moves_order: true,
            token_life_s: 86_399,
            scopes: [
                "read_products",
                "write_products",
                "read_inventory",
                "write_inventory",
                "read_locations",
                "read_orders",
                "write_orders",
                "read_all_orders",
                "read_customers",
                "write_customers",
                "read_fulfillments",
                "write_fulfillments",
                "read_merchant_managed_fulfillment_orders",
                "write_merchant_managed_fulfillment_orders",
            ]
            .map(str::to_owned)
            .to_vec(),
            order_days: 60,
            closed: None,
            keys_per_mutation: false,
            keys_forgotten: false,
            local_webhooks: true,
            webhook_speed: 1.0,
            webhook_duplicates: false,
            webhook_loss: 0,
            webhook_version: super::VERSION.to_owned(),
        }
    }
}
