//! What differs from one Mirakl installation to the next, or is not public: each point with the assumed default.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Body of a 401.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnauthorizedBody {
    /// `{"status":401,"message":"Unauthorized"}`.
    Json,
    /// Nothing.
    Empty,
    /// A gateway's page.
    Html,
}

/// Body of every other refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorBody {
    /// Status and a message that says what is wrong.
    Message,
    /// Status and the message "Bad Request", whatever is wrong.
    BadRequest,
    /// Nothing.
    Empty,
}

/// What happens to a page that is asked for too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Above {
    /// The call is refused.
    Refused,
    /// The page is cut without a word.
    Cut,
}

/// How an import ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportEnd {
    /// `COMPLETE`, with a report of the lines in error.
    Complete,
    /// `FAILED`, nothing applied.
    Failed,
    /// `FAILED`, although every line was applied.
    FailedApplied,
    /// It stays `RUNNING` until it is settled by hand.
    Stuck,
}

/// What a total figure does to an offer that has a figure for each warehouse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TotalOnWarehouses {
    /// It becomes the total, and the warehouses go to 0.
    Replaces,
    /// The line is in error.
    Refused,
}

/// When a sale lowers the offer's quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lowered {
    /// When the order is created.
    AtOrder,
    /// When the seller accepts the line.
    AtAcceptance,
    /// Never: only the seller changes it.
    Never,
}

/// What refusing a line does to the offer's quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterRefusal {
    /// It becomes 0.
    Zeroes,
    /// The units are given back.
    GivesBack,
    /// It stays as the sale left it.
    Keeps,
}

/// What an order tells of its addresses before it is to be shipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Addresses {
    /// The members are null; the customer's name is there.
    Null,
    /// The members are absent.
    Absent,
    /// Everything is there.
    Shown,
}

/// The basis of amounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TaxMode {
    /// Taxes are inside the prices.
    TaxIncluded,
    /// Taxes come on top.
    TaxExcluded,
}

impl TaxMode {
    /// The word of the protocol.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TaxIncluded => "TAX_INCLUDED",
            Self::TaxExcluded => "TAX_EXCLUDED",
        }
    }
}

/// The switches of one stand-in. [`Default`] is what a client has to be prepared for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Switches {
    /// Body of a 401.
    pub unauthorized_body: UnauthorizedBody,
    /// Body of other refusals.
    pub error_body: ErrorBody,
    /// A refused acceptance carries its error code in the body.
    pub acceptance_codes: bool,
    /// A page larger than the largest.
    pub page_above: Above,
    /// Calls in a window by the code of the call; a call that is not named has no limit.
    pub budgets: BTreeMap<String, u32>,
    /// Length of that window, in seconds.
    pub budget_window_s: u64,
    /// A 429 says when to come again.
    pub retry_after: bool,
    /// Roles the key does not have, without their prefix, as `ORDER_ACCEPT`; `ADMIN` is the administrator's.
    pub missing_roles: Vec<String>,
    /// `OPEN`, `CLOSE` or `SUSPENDED`; offers of a shop that is not open are inactive.
    pub shop_state: String,
    /// 503 on every path.
    pub maintenance: bool,

    /// Stock imports exist; otherwise 404.
    pub stock_imports: bool,
    /// The same stock file sent again while it is worked on gets the id of the first; otherwise it is a new import.
    pub same_import_reused: bool,
    /// How long one import is worked on, in milliseconds. They are worked on one after the other.
    pub import_delay_ms: u64,
    /// How imports end.
    pub import_end: ImportEnd,
    /// A total for an offer with warehouses.
    pub total_on_warehouses: TotalOnWarehouses,
    /// Stock files may be separated by commas, with the header `sku`.
    pub lenient_files: bool,
    /// The header is line 1 of a report's line numbers; otherwise the first row of data is.
    pub report_counts_header: bool,
    /// How long an export of offers is worked on, in milliseconds.
    pub export_delay_ms: u64,

    /// When a sale lowers the quantity.
    pub lowered: Lowered,
    /// What refusing does to the quantity.
    pub refusal: AfterRefusal,
    /// A cancellation gives the units back.
    pub cancellation_gives_back: bool,

    /// Orders under the operator's review can be read.
    pub staging_visible: bool,
    /// Orders are accepted by the platform.
    pub automatic_acceptance: bool,
    /// Some lines of an order may be accepted and others refused.
    pub partial_acceptance: bool,
    /// After this time an order nobody accepted is refused, in milliseconds.
    pub acceptance_deadline_ms: u64,
    /// How long the operator takes to collect the money, in milliseconds; none waits for a hand.
    pub debit_delay_ms: Option<u64>,
    /// The payment fails: the order is canceled in place of being debited.
    pub debit_refused: bool,
    /// Shipped orders count as received after this time, in milliseconds; none waits for a hand.
    pub received_delay_ms: Option<u64>,
    /// Addresses before an order is to be shipped.
    pub addresses: Addresses,
    /// Basis of amounts when the client does not choose.
    pub tax_mode: TaxMode,
    /// A partial cancellation lowers the line's quantity too, not only its price.
    pub cancellation_lowers_quantity: bool,
    /// The seller's promotion is taken off the line's price; otherwise it is inside the unit price.
    pub promotion_in_price: bool,
    /// How far before its start the filter by update reaches, in seconds.
    pub update_overlap_s: u64,

    /// The calls for shipments exist; otherwise 404.
    pub multi_shipment: bool,
    /// Tracking may be corrected after the order was shipped.
    pub tracking_after_shipping: bool,
    /// Shipping methods that cannot be shipped without tracking.
    pub mandatory_tracking: Vec<String>,
    /// Carriers that are not in the list may be used by name.
    pub alternative_carriers: bool,
    /// Sellers may refund what is not shipped yet.
    pub refund_before_shipping: bool,
    /// Taxes given for a tax the platform computes are refused; otherwise ignored.
    pub proportional_taxes_refused: bool,

    /// Amounts arrive as texts.
    pub amounts_as_strings: bool,
    /// Enumerations take values nobody documented.
    pub unknown_enum_values: bool,
    /// Objects have members nobody documented.
    pub extra_members: bool,
    /// JSON pointers (a step `*` means all) set on every order that is read.
    pub order_edits: BTreeMap<String, Value>,
    /// JSON pointers set on every offer that is read.
    pub offer_edits: BTreeMap<String, Value>,
}

/// The calls that are counted, with what one hour allows at the published highest frequency.
const BUDGETS: [(&str, u32); 11] = [
    ("OR11", 60),
    ("STO01", 60),
    ("STO02", 240),
    ("STO03", 60),
    ("OF01", 60),
    ("OF02", 60),
    ("OF03", 60),
    ("OF24", 60),
    ("OF52", 60),
    ("OF53", 360),
    ("ST12", 12),
];

impl Default for Switches {
    fn default() -> Self {
        Self {
            unauthorized_body: UnauthorizedBody::Json,
            error_body: ErrorBody::Message,
            acceptance_codes: true,
            page_above: Above::Refused,
            budgets: BUDGETS
                .into_iter()
                .map(|(code, calls)| (code.to_owned(), calls))
                .collect(),
            budget_window_s: 3600,
            retry_after: true,
            missing_roles: Vec::new(),
            shop_state: "OPEN".to_owned(),
            maintenance: false,
            stock_imports: true,
            same_import_reused: false,
            import_delay_ms: 5_000,
            import_end: ImportEnd::Complete,
            total_on_warehouses: TotalOnWarehouses::Replaces,
            lenient_files: false,
            report_counts_header: false,
            export_delay_ms: 1_000,
            lowered: Lowered::AtOrder,
            refusal: AfterRefusal::Zeroes,
            cancellation_gives_back: false,
            staging_visible: true,
            automatic_acceptance: false,
            partial_acceptance: true,
            acceptance_deadline_ms: 24 * 3_600_000,
            debit_delay_ms: Some(600_000),
            debit_refused: false,
            received_delay_ms: None,
            addresses: Addresses::Null,
            tax_mode: TaxMode::TaxIncluded,
            cancellation_lowers_quantity: false,
            promotion_in_price: false,
            update_overlap_s: 60,
            multi_shipment: true,
            tracking_after_shipping: false,
            mandatory_tracking: vec!["EXP".to_owned()],
            alternative_carriers: true,
            refund_before_shipping: true,
            proportional_taxes_refused: false,
            amounts_as_strings: false,
            unknown_enum_values: false,
            extra_members: false,
            order_edits: BTreeMap::new(),
            offer_edits: BTreeMap::new(),
        }
    }
}
