//! The contract's records. The long ones have a `Default`: fill in what the marketplace tells and end with
//! `..Order::default()`.

pub use crate::bindings::base::lockstep::plugin::types::*;

use rust_decimal::Decimal;

impl Money {
    /// An exact amount.
    pub fn new(amount: Decimal, currency: &str) -> Self {
        Self {
            amount: amount.to_string(),
            currency: currency.to_owned(),
        }
    }

    /// An amount that the marketplace gives in minor units: 1995 with 2 digits is 19.95.
    pub fn from_minor(amount: i64, digits: u32, currency: &str) -> Self {
        Self::new(Decimal::new(amount, digits), currency)
    }

    /// The amount as a number; none when the text is not decimal.
    pub fn decimal(&self) -> Option<Decimal> {
        Decimal::from_str_exact(&self.amount).ok()
    }
}

impl Fact {
    /// A named value.
    pub fn new(key: &str, value: impl Into<String>) -> Self {
        Self {
            key: key.to_owned(),
            value: value.into(),
        }
    }
}

impl Carrier {
    /// A carrier that the marketplace knows by this name.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minor_units_become_decimal_text() {
        assert_eq!(Money::from_minor(1995, 2, "AUD").amount, "19.95");
        assert_eq!(Money::from_minor(-5, 2, "AUD").amount, "-0.05");
        assert_eq!(Money::from_minor(1200, 0, "JPY").amount, "1200");
        assert_eq!(
            Money::from_minor(1995, 2, "AUD").decimal(),
            Some(Decimal::new(1995, 2))
        );
    }

    #[test]
    fn what_is_left_out_means_nothing_special() {
        let order = Order::default();
        assert_eq!(order.state, State::Open);
        assert_eq!(order.fulfilled_by, Fulfiller::Seller);
        assert!(order.holds.is_empty() && order.lines.is_empty());
    }
}
