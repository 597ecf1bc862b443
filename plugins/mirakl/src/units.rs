//! How many units a line has, and how many of them are gone. Whether a partial cancellation lowers the quantity
//! differs between marketplaces, so quantity and amounts are read together.

use rust_decimal::Decimal;

use crate::amount::{self, near};
use crate::shipments::Shipment;
use lockstep_sdk::json::Node;

/// What a line's units and price are, cancellations undone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Units {
    /// Ordered, whatever became of them.
    pub ordered: u32,
    /// Canceled before the debit.
    pub canceled: u32,
    /// Refunded after it, and never to be sent.
    pub unsent: u32,
    /// In parcels that have left.
    pub shipped: u32,
    /// The price of all that was ordered.
    pub full: Option<Decimal>,
    /// The price of one, promotions off.
    pub unit: Option<Decimal>,
    /// Quantity and amounts tell different things.
    pub doubtful: bool,
}

impl Units {
    /// Units that will not be sent.
    pub fn gone(self) -> u32 {
        self.canceled + self.unsent
    }

    /// Units still to be sent.
    pub fn left(self) -> u32 {
        self.ordered - self.gone() - self.shipped.min(self.ordered - self.gone())
    }
}

/// Reads a line. `parcels` are the order's shipments, where it has any.
pub fn read(line: Node<'_>, id: &str, parcels: &[&Shipment]) -> Result<Units, String> {
    let quantity = line
        .get("quantity")
        .id()
        .and_then(|n| u32::try_from(n).ok());
    let quantity = quantity.ok_or_else(|| "it has no quantity".to_owned())?;
    let price = amount::read(line, "price")?;
    let unit = amount::read(line, "price_unit")?;
    let rows = line.get("cancelations").list();
    let told: u32 = rows.iter().map(|row| count(*row)).sum();
    let taken = amount::sum(&rows, "amount")?;
    let deduced = amount::sum(&line.get("promotions").list(), "deduced_amount")?;
    let full = price.map(|price| price + taken);

    // Promotions are inside the unit price, or taken off the line's.
    let fits = |units: u32| {
        let (Some(full), Some(unit)) = (full, unit) else {
            return false;
        };
        let whole = unit * Decimal::from(units);
        units > 0 && (near(full, whole, units) || near(full + deduced, whole, units))
    };
    let ordered = match told {
        0 => quantity,
        // Of a line that fits both ways the first is meant; a price of zero says nothing.
        _ if fits(quantity) => quantity,
        _ if fits(quantity + told) => quantity + told,
        _ => quantity.max(told),
    };
    let by_price = match (price, unit) {
        (Some(price), Some(unit)) if unit > Decimal::ZERO && !rows.is_empty() => {
            let n = (price / unit).round();
            let n = u32::try_from(n.to_string().parse::<i64>().unwrap_or(-1)).ok();
            n.filter(|n| *n <= ordered && near(price, unit * Decimal::from(*n), *n))
        }
        _ => None,
    };
    let (canceled, doubtful) = match by_price {
        Some(left) if told == 0 => (ordered - left, false),
        Some(left) => (ordered - left, ordered - left != told),
        None => (told.min(ordered), false),
    };
    // Parts are paid by what was ordered; the unit price is taken as it is told where it makes up the whole.
    let paid = match (full, unit) {
        (Some(full), Some(unit)) if near(full, unit * Decimal::from(ordered), ordered) => {
            Some(unit)
        }
        (Some(full), _) if ordered > 0 => Some((full / Decimal::from(ordered)).round_dp(4)),
        (_, unit) => unit,
    };
    let packed = |all: bool| -> u32 {
        let of = parcels
            .iter()
            .filter(|p| p.status != "CANCELED" && (all || p.left()));
        of.map(|p| p.units(id)).sum()
    };
    let alive = ordered - canceled;
    let unsent = unsent(line, paid)?.min(alive.saturating_sub(packed(true)));
    Ok(Units {
        ordered,
        canceled,
        unsent,
        shipped: packed(false).min(alive - unsent),
        full,
        unit: paid,
        doubtful,
    })
}

fn count(row: Node<'_>) -> u32 {
    let units = row.get("quantity").id().unwrap_or(0);
    u32::try_from(units).unwrap_or(u32::MAX / 1000)
}

/// Units refunded in place of being sent. Where the marketplace does not say so, a refund of the whole price of its
/// units, given before the line was shipped, is one.
fn unsent(line: Node<'_>, unit: Option<Decimal>) -> Result<u32, String> {
    let time = |node: Node<'_>| {
        node.text()
            .and_then(|text| lockstep_sdk::time::parse(&text))
    };
    let left_at = time(line.get("shipped_date")).or(time(line.get("received_date")));
    let mut total = 0;
    for row in line.get("refunds").list() {
        let units = count(row);
        let paid_back = amount::read(row, "amount")?.unwrap_or_default();
        let before = match (left_at, time(row.get("created_date"))) {
            (None, _) => true,
            (Some(left), Some(at)) => at <= left,
            (Some(_), None) => false,
        };
        let whole = unit.is_none_or(|unit| {
            let price = unit * Decimal::from(units);
            paid_back >= price || near(paid_back, price, units)
        });
        if row
            .get("excluded_from_shipment")
            .flag()
            .unwrap_or(before && whole)
        {
            total += units;
        }
    }
    Ok(total)
}

#[cfg(test)]
#[path = "units_tests.rs"]
mod tests;
