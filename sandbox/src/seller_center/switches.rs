//! What differs from one Seller Center to the next, or is not public: each point with the assumed default.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Body of a 401.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnauthorizedBody {
    /// `{"code":401,"message":"Unauthorized"}`.
    Json,
    /// Nothing.
    Empty,
    /// A gateway's page.
    Html,
}

/// What a list of orders or items tells about its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrdersPaging {
    /// `hasNext` only.
    HasNext,
    /// `totalCount` only.
    TotalCount,
    /// Both members.
    Both,
    /// Neither member.
    Neither,
}

/// What happens to a value the server cannot take as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tolerance {
    /// It is bent or dropped without a word.
    Silent,
    /// The whole call is refused.
    Refused,
}

/// Which of two rows for one product counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DuplicateRows {
    /// The later one.
    LastWins,
    /// The earlier one.
    FirstWins,
    /// Neither: 422, nothing applied.
    Refused,
}

/// The switches of one stand-in. [`Default`] is what we assume of THE ICONIC.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Switches {
    /// Life of an access token, in seconds.
    pub token_seconds: u64,
    /// Status of the answer to wrong client credentials.
    pub token_error_status: u16,
    /// Body of a 401 on API calls.
    pub unauthorized_body: UnauthorizedBody,
    /// A new token ends the life of the earlier ones.
    pub new_token_revokes_old: bool,
    /// Largest page of orders and of order items.
    pub orders_limit_max: u64,
    /// A larger page is cut to that, or refused with 400.
    pub orders_limit_above: Tolerance,
    /// How the list of orders tells its end.
    pub orders_paging: OrdersPaging,
    /// A list without `limit` and `offset` is refused with 400.
    pub paging_required: bool,
    /// Most rows of one stock call; more is 422 and nothing applied.
    pub stock_rows_max: usize,
    /// A negative or non-integer quantity or a string id refuses the call, or that row only comes back as failed.
    pub malformed_stock_rows: Tolerance,
    /// An unknown, deleted or venture-fulfilled product refuses the stock call, or its row comes back as failed.
    pub unusable_stock_rows: Tolerance,
    /// The same product twice in one stock call.
    pub duplicate_stock_rows: DuplicateRows,
    /// Marking an item shipped lowers the product's quantity, not below 0.
    pub shipping_lowers_quantity: bool,
    /// A sale lowers the product's quantity at once.
    pub ordering_lowers_quantity: bool,
    /// Requests in any second before 429; 0 switches the limiter off.
    pub requests_per_second: u32,
    /// `Retry-After` of a 429; none sends no header.
    pub retry_after: Option<String>,
    /// Items of a status call under the wrong key: an empty list, or 400.
    pub wrong_item_key: Tolerance,
    /// A status call carries out what it can and answers with those ids; otherwise it is all or nothing.
    pub partial_status_calls: bool,
    /// Items have to be packed before they can be ready to ship.
    pub packed_required: bool,
    /// The platform marks items shipped by itself after this time, in milliseconds.
    pub ships_by_itself_after_ms: Option<u64>,
    /// Repeating a transition is refused with 422; otherwise it is answered like the first time.
    pub repeats_refused: bool,
    /// A tracking number of another package is refused.
    pub duplicate_tracking_refused: bool,
    /// Unknown, disabled and generic providers are refused.
    pub providers_checked: bool,
    /// Blanks around a tracking number are refused.
    pub tracking_blanks_refused: bool,
    /// A tracking number stays as first given.
    pub tracking_write_once: bool,
    /// Longest tracking number, in characters.
    pub tracking_max_length: usize,
    /// Unknown reasons are refused.
    pub reasons_checked: bool,
    /// Canceling one item cancels its package.
    pub cancel_whole_package: bool,
    /// Sellers may cancel items that are ready to ship.
    pub cancel_in_ready_to_ship: bool,
    /// Zone of filters that give a date without a time, in hours east of UTC.
    pub date_zone_hours: i8,
    /// Lists without a sort come newest first instead of by ascending id.
    pub newest_first: bool,
    /// Date filters include both ends.
    pub ranges_inclusive: bool,
    /// How long a webhook's receiver may take, in milliseconds.
    pub webhook_timeout_ms: u64,
    /// Webhooks arrive twice and out of order.
    pub duplicate_webhooks: bool,
    /// Item ids in webhooks are strings.
    pub webhook_ids_as_strings: bool,
    /// Order reads show items that the venture ships.
    pub venture_items_visible: bool,
    /// Status of the classic API's address `/`.
    pub classic_api_status: u16,
    /// Maintenance mode: 503 on every path.
    pub maintenance: bool,
    /// `Retry-After` during maintenance.
    pub maintenance_retry_after: Option<String>,
    /// How many times faster than real the webhook retry schedule runs.
    pub clock_factor: f64,
    /// How long an import stays queued or in processing, in milliseconds.
    pub feed_delay_ms: u64,
    /// Import rows a day before the allowance for the seller's products.
    pub daily_rows: u64,
    /// Items awaiting payment count as `preVerificationStock`.
    pub pre_verification_stock: bool,
    /// Stock of a set names each row's product id.
    pub product_id_in_set_stock: bool,
    /// Phone and e-mail of buyers arrive as `#####`.
    pub mask_contact: bool,
    /// Names of buyers on billing addresses arrive as `#####`.
    pub mask_billing_names: bool,
    /// Countries are ISO codes instead of names.
    pub country_codes: bool,
    /// Orders and items carry the promised shipping date.
    pub target_to_ship: bool,
    /// A status change moves the order's own `updatedAt` too.
    pub order_updated_at_follows_items: bool,
    /// The list of order items is a bare array, as in early 2023.
    pub bare_order_items: bool,
    /// Members described as required arrive as null.
    pub nulls_in_required: bool,
    /// Enumerations take values nobody documented.
    pub unknown_enum_values: bool,
    /// Empty attribute objects arrive as `[]`.
    pub empty_attributes_as_list: bool,
    /// Refused status calls answer with one detail for each item.
    pub per_item_errors: bool,
    /// Providers whose items only the platform may mark shipped.
    pub ship_blocked_providers: Vec<String>,
    /// JSON pointers (a step `*` means all) set on every order that is read.
    pub order_edits: BTreeMap<String, Value>,
    /// JSON pointers set on every product that is read.
    pub product_edits: BTreeMap<String, Value>,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            token_seconds: 3600,
            token_error_status: 401,
            unauthorized_body: UnauthorizedBody::Json,
            new_token_revokes_old: false,
            orders_limit_max: 100,
            orders_limit_above: Tolerance::Silent,
            orders_paging: OrdersPaging::HasNext,
            paging_required: true,
            stock_rows_max: 100,
            malformed_stock_rows: Tolerance::Refused,
            unusable_stock_rows: Tolerance::Silent,
            duplicate_stock_rows: DuplicateRows::LastWins,
            shipping_lowers_quantity: false,
            ordering_lowers_quantity: false,
            requests_per_second: 30,
            retry_after: Some("1".to_owned()),
            wrong_item_key: Tolerance::Silent,
            partial_status_calls: false,
            packed_required: false,
            ships_by_itself_after_ms: None,
            repeats_refused: true,
            duplicate_tracking_refused: true,
            providers_checked: true,
            tracking_blanks_refused: true,
            tracking_write_once: true,
            tracking_max_length: 64,
            reasons_checked: true,
            cancel_whole_package: false,
            cancel_in_ready_to_ship: false,
            date_zone_hours: 0,
            newest_first: false,
            ranges_inclusive: true,
            webhook_timeout_ms: 10_000,
            duplicate_webhooks: false,
            webhook_ids_as_strings: false,
            venture_items_visible: true,
            classic_api_status: 404,
            maintenance: false,
            maintenance_retry_after: Some("60".to_owned()),
            clock_factor: 1.0,
            feed_delay_ms: 300,
            daily_rows: 50_000,
            pre_verification_stock: false,
            product_id_in_set_stock: false,
            mask_contact: true,
            mask_billing_names: false,
            country_codes: false,
            target_to_ship: true,
            order_updated_at_follows_items: true,
            bare_order_items: false,
            nulls_in_required: false,
            unknown_enum_values: false,
            empty_attributes_as_list: false,
            per_item_errors: false,
            ship_blocked_providers: Vec::new(),
            order_edits: BTreeMap::new(),
            product_edits: BTreeMap::new(),
        }
    }
}
