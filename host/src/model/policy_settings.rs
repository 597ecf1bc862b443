//! The settings of [`Policy`](super::Policy) as pages and commands show them.

use PolicyKind::{Amount, Boolean, Choice, Fraction, Integer, List, Map};

/// What values a setting of [`Policy`](super::Policy) takes.
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
    /// Decimal text, not negative.
    Amount,
    /// An [`Address`](super::Address), JSON.
    Address,
}

/// A setting of [`Policy`](super::Policy) as pages and commands show it.
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

/// All settings of [`Policy`](super::Policy), those first that are changed most.
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
    optional(
        "late-fee",
        Amount,
        "Fee for late dispatch",
        "What the marketplace charges for an order that is dispatched late, in the shop's currency. Shown with deadlines.",
    ),
    setting(
        "alert-before-h",
        Integer,
        "Alert before a deadline",
        "Hours before a dispatch deadline at which a person is told.",
    ),
    setting(
        "alert-held-h",
        Integer,
        "Alert for held orders",
        "Hours for which an order may be known and not be in Shopify before a person is told.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Policy;

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
                Integer | Amount => value.is_u64() || (setting.optional && value.is_null()),
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
