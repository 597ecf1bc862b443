//! How one channel is to be synchronized: the operator's settings, each with a default that is safe.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Address;

/// What happens to an order with a SKU that is not linked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unmatched {
    /// It waits, with an alarm, until the SKU is linked.
    #[default]
    Hold,
    /// It is created with a custom line that moves no stock, with an alarm.
    CustomLine,
}

/// Which price of a line the Shopify order carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PriceBasis {
    /// After discounts.
    #[default]
    Paid,
    /// Before discounts.
    Listed,
}

/// Who answers where a channel asks before an order is the seller's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Acceptance {
    /// The host accepts what is in stock; the rest is a person's to say.
    #[default]
    Auto,
    /// A person.
    Manual,
}

/// What becomes of a listing's number when its SKU is no longer in the shop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LostLink {
    /// It goes to zero: nothing stands behind it.
    #[default]
    Zero,
    /// It stays as it was written last.
    Keep,
}

/// Settings of one channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Policy {
    /// Seconds between cycles.
    pub interval_s: u32,
    /// Seconds between read-backs of the whole catalogue on both sides.
    pub read_back_s: u32,
    /// Seconds by which windows of incremental reads overlap.
    pub overlap_s: u32,
    /// Requests a second to the channel, instead of the plugin's own figure. The limit is the account's, shared with
    /// every other program that uses it.
    pub requests_per_second: Option<std::num::NonZeroU32>,
    /// Most calls in the span of a call rate of the plugin's manifest, by its name, instead of the plugin's own figure.
    pub call_rates: BTreeMap<String, std::num::NonZeroU32>,
    /// Units that are never offered on the channel, per SKU.
    pub buffer: u32,
    /// See [`Unmatched`].
    pub unmatched: Unmatched,
    /// See [`Acceptance`].
    pub acceptance: Acceptance,
    /// See [`LostLink`].
    pub lost_link: LostLink,
    /// See [`PriceBasis`].
    pub price_basis: PriceBasis,
    /// Largest share (0 to 1) of the links that one cycle may set to zero without approval.
    pub guard_zero: f64,
    /// Largest share (0 to 1) of the links that one cycle may change without approval.
    pub guard_change: f64,
    /// Below this many affected listings the guard does not ask.
    pub guard_least: u32,
    /// Carrier names of the shop (compared without case and blanks) to carrier names of the channel.
    pub carriers: BTreeMap<String, String>,
    /// Shopify cancel reasons (`INVENTORY` ...) to reasons of the channel.
    pub reasons: BTreeMap<String, String>,
    /// Whether units that the channel cancels go back on the shelf.
    pub restock: bool,
    /// The channel's own address, the billing address of its orders.
    pub billing: Address,
    /// Tags of its orders in Shopify.
    pub tags: Vec<String>,
    /// Hours from order to dispatch when the channel does not say; overrides the plugin's.
    pub dispatch_hours: Option<u32>,
    /// Seconds that an order of unknown fate is looked for before it is sent again.
    pub doubt_s: u32,
    /// Mark orders in Shopify as tests.
    pub test_orders: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            interval_s: 60,
            read_back_s: 6 * 3600,
            overlap_s: 600,
            requests_per_second: None,
            call_rates: BTreeMap::new(),
            buffer: 0,
            unmatched: Unmatched::Hold,
            acceptance: Acceptance::Auto,
            lost_link: LostLink::Zero,
            price_basis: PriceBasis::Paid,
            guard_zero: 0.2,
            guard_change: 0.5,
            guard_least: 20,
            carriers: BTreeMap::new(),
            reasons: BTreeMap::new(),
            restock: true,
            billing: Address::default(),
            tags: Vec::new(),
            dispatch_hours: None,
            doubt_s: 120,
            test_orders: false,
        }
    }
}

/// What values a setting of [`Policy`] takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    /// A whole number, not negative.
    Integer,
    /// A fraction from 0 to 1.
    Fraction,
    /// `true` or `false`.
    Boolean,
    /// One of these.
    Choice(&'static [&'static str]),
    /// Names to texts, JSON.
    Map,
    /// Texts, JSON.
    List,
    /// An [`Address`], JSON.
    Address,
}

/// A setting of [`Policy`] as pages and commands show it.
#[derive(Clone, Copy, Debug)]
pub struct PolicySetting {
    /// As it is written.
    pub key: &'static str,
    /// What values it takes.
    pub kind: PolicyKind,
    /// It may be left out: the plugin's own figure counts then.
    pub optional: bool,
    /// What it is, in a few words.
    pub label: &'static str,
    /// What it does, with its unit.
    pub help: &'static str,
}

const fn setting(
    key: &'static str,
    kind: PolicyKind,
    label: &'static str,
    help: &'static str,
) -> PolicySetting {
    PolicySetting {
        key,
        kind,
        optional: false,
        label,
        help,
    }
}

const fn optional(
    key: &'static str,
    kind: PolicyKind,
    label: &'static str,
    help: &'static str,
) -> PolicySetting {
    PolicySetting {
        optional: true,
        ..setting(key, kind, label, help)
    }
}

use PolicyKind::{Boolean, Choice, Fraction, Integer, List, Map};

/// All settings of [`Policy`], those first that are changed most.
pub const POLICY_SETTINGS: &[PolicySetting] = &[
    setting(
        "buffer",
        Integer,
        "Buffer",
        "Units per SKU that are never offered on the channel.",
    ),
    setting(
        "unmatched",
        Choice(&["hold", "custom-line"]),
        "Orders with an unknown SKU",
        "hold: they wait, with an alarm. custom-line: they are created with a line that moves no stock, with an alarm.",
    ),
    setting(
        "acceptance",
        Choice(&["auto", "manual"]),
        "Who accepts orders",
        "Where a channel asks before an order is yours. auto: what is in stock is accepted. manual: a person says.",
    ),
    setting(
        "price-basis",
        Choice(&["paid", "listed"]),
        "Prices on the Shopify order",
        "paid: after discounts. listed: before discounts.",
    ),
    setting(
        "restock",
        Boolean,
        "Restock what the channel cancels",
        "Its units go back on the shelf in Shopify.",
    ),
    setting(
        "lost-link",
        Choice(&["zero", "keep"]),
        "A SKU that leaves the shop",
        "zero: its number at the channel goes to 0. keep: it stays as it was written last.",
    ),
    setting(
        "tags",
        List,
        "Tags in Shopify",
        "Further tags of the channel's orders, as JSON: [\"marketplace\"].",
    ),
    setting(
        "carriers",
        Map,
        "Carriers",
        "The channel's carrier for a carrier name in Shopify, as JSON: {\"MyVan\": \"Sendle\"}. Known names need none.",
    ),
    setting(
        "reasons",
        Map,
        "Cancel reasons",
        "The channel's reason for a cancel reason of Shopify (CUSTOMER, INVENTORY, FRAUD, DECLINED, STAFF, OTHER; * for all others), as JSON.",
    ),
    optional(
        "dispatch-hours",
        Integer,
        "Hours to dispatch",
        "From purchase to dispatch, where the channel does not say. Empty: the plugin's own.",
    ),
    setting(
        "guard-zero",
        Fraction,
        "Guard: set to zero",
        "Largest share of the listings, 0 to 1, that one cycle may set to zero without approval.",
    ),
    setting(
        "guard-change",
        Fraction,
        "Guard: change",
        "Largest share of the listings, 0 to 1, that one cycle may change without approval.",
    ),
    setting(
        "guard-least",
        Integer,
        "Guard: at least",
        "Below this many listings the guard does not ask.",
    ),
    setting(
        "interval-s",
        Integer,
        "Seconds between cycles",
        "How often the channel is worked.",
    ),
    setting(
        "read-back-s",
        Integer,
        "Seconds between read-backs",
        "How often both whole catalogues are read to find drift.",
    ),
    setting(
        "overlap-s",
        Integer,
        "Seconds of overlap",
        "By how much readings of what is new overlap, since search indexes lag.",
    ),
    optional(
        "requests-per-second",
        Integer,
        "Requests a second",
        "To the channel. The limit is the account's, shared with every other program that uses it. Empty: the plugin's own.",
    ),
    setting(
        "call-rates",
        Map,
        "Call rates",
        "Most calls of one kind in the span in which the marketplace counts them, as JSON: {\"orders\": 60}.",
    ),
    setting(
        "doubt-s",
        Integer,
        "Seconds of doubt",
        "How long an order of unknown fate is looked for before it is sent again.",
    ),
    setting(
        "billing",
        PolicyKind::Address,
        "Billing address",
        "The channel's own address on its orders, as JSON: {\"company\": \"...\", \"country\": \"AU\"}.",
    ),
    setting(
        "test-orders",
        Boolean,
        "Test orders",
        "Mark the orders in Shopify as tests.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_described() {
        let policy = serde_json::to_value(Policy::default()).unwrap();
        let mut keys: Vec<&str> = policy
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let mut told: Vec<&str> = POLICY_SETTINGS.iter().map(|s| s.key).collect();
        keys.sort_unstable();
        told.sort_unstable();
        assert_eq!(told, keys);
        for setting in POLICY_SETTINGS {
            let value = &policy[setting.key];
            let fits = match setting.kind {
                Integer => value.is_u64() || (setting.optional && value.is_null()),
                Fraction => value.is_f64(),
                Boolean => value.is_boolean(),
                Choice(of) => of.contains(&value.as_str().unwrap()),
                List => value.is_array(),
                Map | PolicyKind::Address => value.is_object(),
            };
            assert!(fits, "{}: {value}", setting.key);
        }
    }
}
