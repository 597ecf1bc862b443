//! Cancellations cross both ways, unit by unit.

use std::collections::BTreeMap;

use super::{by_line, by_unit};
use crate::db::UnitRow;
use crate::model::{LineQuantity, Reason};

/// What is to be cancelled in Shopify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InShop {
    /// Nothing.
    Nothing,
    /// The whole order.
    Whole,
    /// Units by Shopify line id.
    Units(Vec<(String, u32)>),
}

/// Units that the channel dropped and Shopify still has.
pub fn in_shop(units: &[UnitRow]) -> InShop {
    let mut lines: BTreeMap<&str, u32> = BTreeMap::new();
    for u in units
        .iter()
        .filter(|u| u.channel_state == "dropped" && u.shop_state == "open")
    {
        if let Some(line) = u.shop_line.as_deref() {
            *lines.entry(line).or_default() += 1;
        }
    }
    if lines.is_empty() {
        return InShop::Nothing;
    }
    let whole = units.iter().filter(|u| u.shop_line.is_some()).all(|u| {
        (u.channel_state == "dropped" && u.shop_state == "open") || u.shop_state == "removed"
    });
    if whole {
        InShop::Whole
    } else {
        InShop::Units(lines.into_iter().map(|(l, q)| (l.to_owned(), q)).collect())
    }
}

/// Units that Shopify removed and the channel still wants.
pub fn at_channel(units: &[UnitRow]) -> Vec<LineQuantity> {
    by_line(wanted(units).filter(|pieces| pieces.iter().all(removed)))
}

/// SKUs of bundles that the channel still wants and Shopify removed a part of: the channel sells only whole ones.
pub fn torn(units: &[UnitRow]) -> Vec<&str> {
    wanted(units)
        .filter(|pieces| pieces.iter().any(removed) && !pieces.iter().all(removed))
        .filter_map(|pieces| pieces[0].sku.as_deref())
        .collect()
}

fn wanted(units: &[UnitRow]) -> impl Iterator<Item = Vec<&UnitRow>> {
    (by_unit(units).into_iter())
        .filter(|p| matches!(p[0].channel_state.as_str(), "open" | "held" | "other"))
}

fn removed(unit: &&UnitRow) -> bool {
    unit.shop_state == "removed"
}

/// Units of a line that the channel has cancelled so far.
pub fn gone(units: &[UnitRow], line: &str) -> usize {
    let dropped = |u: &&UnitRow| u.line == line && u.channel_state == "dropped";
    units.iter().filter(dropped).count()
}

/// The channel's reason of one kind (`cancel`, `refund`) for a Shopify cancel reason (none: units were removed without
/// one). The operator's map first, then the reason that says stock ran out. An error says what to do.
pub fn reason(
    kind: &str,
    shop_reason: Option<&str>,
    map: &BTreeMap<String, String>,
    reasons: &[Reason],
) -> Result<Reason, String> {
    let usable: Vec<&Reason> = reasons
        .iter()
        .filter(|r| r.usable && r.kind == kind)
        .collect();
    let offered = || {
        usable
            .iter()
            .map(|r| format!("\"{}\"", r.label))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let is = |r: &Reason, target: &str| r.code == target || r.label == target;
    let word = shop_reason.unwrap_or("OTHER");
    if let Some((_, target)) = map
        .iter()
        .find(|(from, _)| from.eq_ignore_ascii_case(word))
        .or_else(|| map.iter().find(|(from, _)| *from == "*"))
        .filter(|(_, target)| {
            !(reasons.iter()).any(|r| r.usable && r.kind != kind && is(r, target))
        })
    {
        return usable
            .iter()
            .find(|r| is(r, target))
            .map(|r| (*r).clone())
            .ok_or_else(|| format!("reason {word} is mapped to \"{target}\", which the channel does not offer now; it offers {}", offered()));
    }
    // A seller who cancels cannot supply, whatever was clicked in Shopify: that is what a channel's reasons can say.
    let found = usable
        .iter()
        .find(|r| r.out_of_stock == Some(true))
        .or(usable.first());
    found.map(|r| (*r).clone()).ok_or_else(|| {
        format!("the channel offers no reason for a {kind} by the seller; settle it there")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(line: &str, channel: &str, shop: &str) -> UnitRow {
        UnitRow {
            line: line.into(),
            ordinal: 0,
            piece: 0,
            part: None,
            sku: None,
            listing: None,
            item: None,
            shop_line: Some("L".into()),
            channel_state: channel.into(),
            shop_state: shop.into(),
            parcel: None,
        }
    }

    #[test]
    fn whole_or_part() {
        assert_eq!(
            in_shop(&[
                unit("1", "dropped", "open"),
                unit("2", "dropped", "removed")
            ]),
            InShop::Whole
        );
        assert_eq!(
            in_shop(&[unit("1", "dropped", "open"), unit("2", "open", "open")]),
            InShop::Units(vec![("L".into(), 1)])
        );
        assert_eq!(
            in_shop(&[
                unit("1", "dropped", "open"),
                unit("2", "shipped", "fulfilled")
            ]),
            InShop::Units(vec![("L".into(), 1)])
        );
        assert_eq!(in_shop(&[unit("1", "dropped", "removed")]), InShop::Nothing);
    }

    #[test]
    fn only_open_units_are_cancelled_at_the_channel() {
        let units = [
            unit("1", "open", "removed"),
            unit("2", "shipped", "removed"),
            unit("3", "open", "open"),
        ];
        assert_eq!(
            at_channel(&units),
            [LineQuantity {
                line: "1".into(),
                quantity: 1
            }]
        );
    }

    #[test]
    fn reasons_are_mapped() {
        let reasons = [
            Reason {
                code: "D".into(),
                label: "Delayed".into(),
                kind: "cancel".into(),
                out_of_stock: Some(false),
                usable: true,
            },
            Reason {
                code: "O".into(),
                label: "Out of Stock".into(),
                kind: "cancel".into(),
                out_of_stock: Some(true),
                usable: true,
            },
            Reason {
                code: "R".into(),
                label: "Returned".into(),
                kind: "returned".into(),
                out_of_stock: None,
                usable: true,
            },
        ];
        let map = BTreeMap::from([("FRAUD".to_owned(), "Delayed".to_owned())]);
        assert_eq!(
            reason("cancel", Some("INVENTORY"), &map, &reasons)
                .unwrap()
                .code,
            "O"
        );
        assert_eq!(
            reason("cancel", Some("FRAUD"), &map, &reasons)
                .unwrap()
                .code,
            "D"
        );
        assert!(reason("cancel", None, &BTreeMap::new(), &reasons[2..]).is_err());
        // The map may name a reason of one kind: it says nothing of the other.
        let map = BTreeMap::from([("*".to_owned(), "R".to_owned())]);
        assert_eq!(reason("cancel", None, &map, &reasons).unwrap().code, "O");
        assert_eq!(reason("returned", None, &map, &reasons).unwrap().code, "R");
    }
}
