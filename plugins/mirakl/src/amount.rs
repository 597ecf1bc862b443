//! Amounts, as numbers or as text.

use lockstep_sdk::json::Node;
use lockstep_sdk::types::Money;
use rust_decimal::{Decimal, RoundingStrategy};

/// Makes an amount.
pub fn money(amount: Decimal, currency: &str) -> Money {
    Money::new(amount, currency)
}

/// Reads an amount. A null is no amount; a word where a number belongs is an error, since a wrong price is worse
/// than none.
pub fn read(node: Node<'_>, member: &str) -> Result<Option<Decimal>, String> {
    let node = node.get(member);
    match node.decimal() {
        Some(amount) => Ok(Some(amount)),
        None if node.text().is_none() && !node.is_object() => Ok(None),
        None => Err(format!("{member} is no amount: {}", node.shortened(40))),
    }
}

/// The sum of a member over rows; null rows count nothing.
pub fn sum(rows: &[Node<'_>], member: &str) -> Result<Decimal, String> {
    let mut total = Decimal::ZERO;
    for row in rows {
        total += read(*row, member)?.unwrap_or_default();
    }
    Ok(total)
}

/// Whether two amounts differ by no more than the rounding of so many units.
pub fn near(a: Decimal, b: Decimal, units: u32) -> bool {
    (a - b).abs() <= Decimal::new(1, 2) * Decimal::from(units.max(1))
}

/// Rounds to what the currency can pay.
pub fn payable(amount: Decimal, currency: &str) -> Decimal {
    let digits = match currency {
        "JPY" | "KRW" | "CLP" | "VND" | "ISK" | "PYG" | "XPF" => 0,
        "KWD" | "BHD" | "OMR" | "JOD" | "TND" => 3,
        _ => 2,
    };
    amount.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero)
}
