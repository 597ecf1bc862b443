//! How one channel is to be synchronized: the operator's settings, each with a default that is safe.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Address, Money};

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
    /// What the marketplace charges for an order that is dispatched late, in the shop's currency; alerts show it.
    #[serde(with = "amount")]
    pub late_fee: Option<Decimal>,
    /// Hours before a deadline at which a person is told.
    pub alert_before_h: u32,
    /// Hours for which an order may be known and not be in Shopify before a person is told.
    pub alert_held_h: u32,
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
            late_fee: None,
            alert_before_h: 4,
            alert_held_h: 24,
        }
    }
}

impl Policy {
    /// What an order costs that is dispatched late, where that is set and the shop's currency is known.
    pub fn fee(&self, currency: Option<&str>) -> Option<Money> {
        (self.late_fee.zip(currency)).map(|(amount, currency)| Money {
            amount,
            currency: currency.to_owned(),
        })
    }
}

/// An amount as decimal text; a number is taken too, since that is what `late-fee=20` reads as.
mod amount {
    use rust_decimal::Decimal;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Text(String),
        Number(serde_json::Number),
    }

    pub(super) fn serialize<S: Serializer>(
        amount: &Option<Decimal>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        amount.map(|a| a.to_string()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Decimal>, D::Error> {
        let text = match Option::<Given>::deserialize(deserializer)? {
            None => return Ok(None),
            Some(Given::Text(text)) => text,
            Some(Given::Number(number)) => number.to_string(),
        };
        let mut amount: Decimal = (text.parse())
            .map_err(|_| D::Error::custom(format!("\"{text}\" is no amount, as 20.00 is")))?;
        if amount.is_sign_negative() {
            return Err(D::Error::custom(format!("{text} is below zero")));
        }
        // `late-fee=20.00` is read as the number 20.0.
        if amount.scale() == 1 {
            amount.rescale(2);
        }
        Ok(Some(amount))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_read_as_people_write_it() {
        let fee = |json: &str| {
            let policy: Result<Policy, _> =
                serde_json::from_str(&format!("{{\"late-fee\": {json}}}"));
            policy.map(|p| p.late_fee.map(|d| d.to_string()))
        };
        assert_eq!(fee("\"20.00\"").unwrap().as_deref(), Some("20.00"));
        assert_eq!(fee("20.0").unwrap().as_deref(), Some("20.00"));
        assert_eq!(fee("500").unwrap().as_deref(), Some("500"));
        assert_eq!(fee("20.5").unwrap().as_deref(), Some("20.50"));
        assert_eq!(fee("null").unwrap(), None);
        assert!(fee("\"twenty\"").is_err());
        assert!(fee("-1").is_err());
        let policy = Policy {
            late_fee: Some("20.50".parse().unwrap()),
            ..Policy::default()
        };
        let again: Policy = serde_json::from_str(&serde_json::to_string(&policy).unwrap()).unwrap();
        assert_eq!(again, policy);
    }
}
