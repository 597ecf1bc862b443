//! What Shopify's shipments mean for units and parcels.

use std::collections::BTreeMap;

use crate::db::{ParcelRow, ParcelState, UnitRow};
use crate::model::{Carrier, Fulfillment, LineQuantity, ShopOrder};

use super::{by_line, by_unit, carriers};

/// What is needed beside the order.
pub struct Context<'a> {
    /// The operator's carrier map.
    pub map: &'a BTreeMap<String, String>,
    /// The channel's carriers.
    pub carriers: &'a [Carrier],
    /// Tracking codes can never be changed at the channel.
    pub write_once: bool,
    /// A parcel without code is refused.
    pub tracking_required: bool,
    /// The order number of another order's parcel that already carries this code.
    pub used: &'a dyn Fn(&str, &str) -> Option<String>,
}

/// Brings units in line with Shopify and answers the parcels that changed or are new (number 0).
pub fn reconcile(
    units: &mut [UnitRow],
    shop: &ShopOrder,
    known: &[ParcelRow],
    channel_order: &str,
    cx: &Context<'_>,
) -> Vec<ParcelRow> {
    let mut changed = Vec::new();
    for f in shop
        .fulfillments
        .iter()
        .filter(|f| matches!(f.status.as_str(), "CANCELLED" | "ERROR" | "FAILURE"))
    {
        changed.extend(withdraw(units, f, known));
    }
    let mut now_known: Vec<ParcelRow> = known.to_vec();
    for row in &changed {
        if let Some(old) = now_known.iter_mut().find(|p| p.id == row.id) {
            *old = row.clone();
        }
    }
    let known = now_known.as_slice();
    let number_of = |id: &str| numbered(id, known, shop);
    for f in shop.fulfillments.iter().filter(|f| f.status == "SUCCESS") {
        for (line, quantity) in &f.lines {
            assign(units, line, *quantity, &f.id);
        }
        let replaced = take_over(units, f, known);
        let has_units = units.iter().any(|u| u.parcel.as_deref() == Some(&f.id));
        if has_units {
            let new = parcel(units, f, known, channel_order, &number_of, cx);
            match (replaced, new) {
                (Some(old), Some(new)) => {
                    changed.retain(|p| p.id != old.id);
                    changed.extend(replacement(old, new, cx));
                }
                (_, new) => changed.extend(new),
            }
        }
    }
    for line in &shop.lines {
        let fulfilled = units
            .iter()
            .filter(|u| u.shop_line.as_deref() == Some(&line.id) && u.shop_state == "fulfilled")
            .count();
        let tied = units
            .iter()
            .filter(|u| u.shop_line.as_deref() == Some(&line.id))
            .count();
        let gone = if shop.cancelled_at.is_some() {
            tied.saturating_sub(fulfilled)
        } else {
            // A refund of a piece that was shipped lowers `current` too, and removes nothing that is still to be packed.
            (line.quantity.saturating_sub(line.current) as usize).min(
                tied.saturating_sub(fulfilled)
                    .saturating_sub(line.unfulfilled as usize),
            )
        };
        remove(units, &line.id, gone);
    }
    changed
}

/// Units of the line that travel in this fulfillment: those that did before, then open ones in order.
fn assign(units: &mut [UnitRow], line: &str, quantity: u32, fulfillment: &str) {
    let mut left = quantity as usize;
    left -= units
        .iter()
        .filter(|u| {
            u.shop_line.as_deref() == Some(line) && u.parcel.as_deref() == Some(fulfillment)
        })
        .count()
        .min(left);
    let mut free: Vec<&mut UnitRow> = units
        .iter_mut()
        .filter(|u| {
            u.shop_line.as_deref() == Some(line) && u.parcel.is_none() && u.shop_state == "open"
        })
        .collect();
    // A unit that the channel cancelled is the last to be taken for shipped.
    free.sort_by_key(|u| {
        (
            u.channel_state == "dropped",
            u.line.clone(),
            u.ordinal,
            u.piece,
        )
    });
    for unit in free.into_iter().take(left) {
        unit.parcel = Some(fulfillment.to_owned());
        unit.shop_state = "fulfilled".into();
    }
}

/// Exactly `gone` units of the line are removed in Shopify: those before, then those the channel dropped, then the last.
fn remove(units: &mut [UnitRow], line: &str, gone: usize) {
    let mut of_line: Vec<&mut UnitRow> = units
        .iter_mut()
        .filter(|u| u.shop_line.as_deref() == Some(line) && u.shop_state != "fulfilled")
        .collect();
    of_line.sort_by_key(|u| {
        (
            u.shop_state != "removed",
            u.channel_state != "dropped",
            std::cmp::Reverse((u.line.clone(), u.ordinal, u.piece)),
        )
    });
    for (i, unit) in of_line.into_iter().enumerate() {
        unit.shop_state = if i < gone { "removed" } else { "open" }.into();
    }
}

/// A fulfillment that was cancelled after the channel was told of it, and made again: the new one takes its units.
/// Answers the withdrawn parcel.
fn take_over<'a>(
    units: &mut [UnitRow],
    f: &Fulfillment,
    known: &'a [ParcelRow],
) -> Option<&'a ParcelRow> {
    let mut replaced = None;
    for (line, quantity) in &f.lines {
        let here = units
            .iter()
            .filter(|u| u.shop_line.as_deref() == Some(line) && u.parcel.as_deref() == Some(&f.id))
            .count();
        let missing = (*quantity as usize).saturating_sub(here);
        let orphans = units.iter_mut().filter(|u| {
            u.shop_line.as_deref() == Some(line) && u.shop_state == "open" && u.parcel.is_some()
        });
        for unit in orphans.take(missing) {
            let old = known.iter().find(|p| {
                p.state == ParcelState::Withdrawn && unit.parcel.as_deref() == Some(&p.id)
            });
            if let Some(old) = old {
                unit.parcel = Some(f.id.clone());
                unit.shop_state = "fulfilled".into();
                replaced = Some(old);
            }
        }
    }
    replaced
}

/// The withdrawn parcel and the one that takes its place: with the same code the channel knows it already; another
/// code is told only where the channel takes one.
fn replacement(old: &ParcelRow, new: ParcelRow, cx: &Context<'_>) -> [ParcelRow; 2] {
    let label = new.label();
    let new = if new.tracking.is_some() && new.tracking == old.tracking {
        ParcelRow {
            state: ParcelState::Done,
            reason: Some("the channel knows its code from the fulfillment that it replaces".into()),
            attention: false,
            ..new
        }
    } else if cx.write_once && new.state == ParcelState::Ready {
        ParcelRow {
            state: ParcelState::Doubt,
            reason: Some(format!(
                "it replaces a cancelled fulfillment whose code \"{}\" the channel was told; the channel never changes a code: ask its help desk",
                old.tracking.as_deref().unwrap_or_default()
            )),
            attention: true,
            ..new
        }
    } else {
        new
    };
    let old = ParcelRow {
        reason: Some(format!(
            "the fulfillment was cancelled in Shopify; {label} takes its place"
        )),
        attention: false,
        ..old.clone()
    };
    [old, new]
}

fn withdraw(units: &mut [UnitRow], f: &Fulfillment, known: &[ParcelRow]) -> Option<ParcelRow> {
    let old = known.iter().find(|p| p.id == f.id)?;
    if old.state == ParcelState::Withdrawn {
        return None;
    }
    let told = old.state.told();
    for unit in units
        .iter_mut()
        .filter(|u| u.parcel.as_deref() == Some(&f.id))
    {
        unit.shop_state = "open".into();
        if !told {
            unit.parcel = None;
        }
    }
    Some(ParcelRow {
        state: ParcelState::Withdrawn,
        attention: told,
        // A code that was never told is free for the parcel that takes this one's place.
        tracking: old.tracking.clone().filter(|_| told),
        reason: Some(if told {
            format!(
                "the fulfillment was cancelled in Shopify ({}) after the channel was told its tracking code; settle it with the channel",
                f.status
            )
        } else {
            "the fulfillment was cancelled in Shopify before the channel was told".into()
        }),
        ..old.clone()
    })
}

fn parcel(
    units: &[UnitRow],
    f: &Fulfillment,
    known: &[ParcelRow],
    channel_order: &str,
    number_of: &dyn Fn(&str) -> usize,
    cx: &Context<'_>,
) -> Option<ParcelRow> {
    let old = known.iter().find(|p| p.id == f.id);
    let tracking = f
        .tracking
        .iter()
        .find(|t| t.number.as_deref().is_some_and(|n| !n.trim().is_empty()))
        .or(f.tracking.first());
    let company = tracking.and_then(|t| t.company.clone());
    let number = tracking
        .and_then(|t| t.number.as_deref())
        .map(str::trim)
        .filter(|n| !n.is_empty())
        .map(str::to_owned);
    if let Some(old) = old.filter(|p| p.state.told()) {
        let differs = number.is_some() && old.tracking.is_some() && number != old.tracking;
        if differs && old.state != ParcelState::Withdrawn && !old.attention {
            return Some(ParcelRow {
                attention: true,
                reason: Some(format!(
                    "the tracking code was changed in Shopify to \"{}\" after the channel was told \"{}\"{}",
                    number.unwrap_or_default(),
                    old.tracking.as_deref().unwrap_or_default(),
                    if cx.write_once {
                        "; the channel never changes a code: ask its help desk"
                    } else {
                        ""
                    }
                )),
                ..old.clone()
            });
        }
        return None;
    }
    let carrier = carriers::resolve(company.as_deref(), cx.map, cx.carriers);
    let (state, reason, attention) = judge(units, f, number.as_deref(), &carrier, number_of, cx);
    let row = ParcelRow {
        id: f.id.clone(),
        order: channel_order.to_owned(),
        number: old.map_or(0, |p| p.number),
        company,
        tracking: number,
        tracking_url: tracking.and_then(|t| t.url.clone()),
        carrier: carrier.ok(),
        state,
        reason,
        attention,
        shipped_at: f.created_at,
    };
    // What the channel refused stays refused until something about it changes, and what waits for the last parcel waits.
    if let Some(old) = old
        && matches!(old.state, ParcelState::Refused | ParcelState::Gathered)
        && (&old.tracking, &old.carrier) == (&row.tracking, &row.carrier)
    {
        return None;
    }
    (old != Some(&row)).then_some(row)
}

fn judge(
    units: &[UnitRow],
    f: &Fulfillment,
    number: Option<&str>,
    carrier: &Result<Carrier, String>,
    number_of: &dyn Fn(&str) -> usize,
    cx: &Context<'_>,
) -> (ParcelState, Option<String>, bool) {
    let wait = |why: String, attention| (ParcelState::Waiting, Some(why), attention);
    if units
        .iter()
        .filter(|u| u.parcel.as_deref() == Some(&f.id))
        .all(|u| u.channel_state == "dropped")
    {
        return wait("it was shipped in Shopify, but the channel has cancelled all of its units: stop the parcel".into(), true);
    }
    if carried(units, &f.id, number_of).is_empty() {
        return wait(PARTS_ONLY.into(), false);
    }
    let Some(number) = number else {
        return if cx.tracking_required {
            wait("no tracking code in Shopify yet".into(), false)
        } else {
            match carrier {
                Ok(_) => (ParcelState::Ready, None, false),
                Err(why) => wait(why.clone(), true),
            }
        };
    };
    if number.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return wait(
            format!(
                "the tracking code \"{number}\" contains a blank; correct it in Shopify: the channel takes a code only once"
            ),
            true,
        );
    }
    if number.len() > 100 {
        return wait(
            "the tracking code has more than 100 characters; correct it in Shopify".into(),
            true,
        );
    }
    if let Some(other) = (cx.used)(number, &f.id) {
        return wait(
            format!(
                "the tracking code \"{number}\" was already told for order {other}; each parcel needs its own"
            ),
            true,
        );
    }
    match carrier {
        Ok(_) => (ParcelState::Ready, None, false),
        Err(why) => wait(why.clone(), true),
    }
}

/// Why a parcel waits that carries no unit as a whole.
pub const PARTS_ONLY: &str =
    "it carries parts of bundles: the channel is told with the parcel that carries the last part";

/// Where a parcel is in the order's parcels. New ones get their numbers in the order in which Shopify tells them.
fn numbered(id: &str, known: &[ParcelRow], shop: &ShopOrder) -> usize {
    match number_in(id, known) {
        0 => {
            let at = shop.fulfillments.iter().position(|f| f.id == id);
            known.len() + at.map_or(0, |at| at + 1)
        }
        number => number,
    }
}

/// The parcel's number among those on record, 0 when it has none.
pub fn number_in(id: &str, known: &[ParcelRow]) -> usize {
    (known.iter().find(|p| p.id == id)).map_or(0, |p| p.number as usize)
}

/// The units, each with its pieces, that the channel is told of with this parcel: those of which it carries the last
/// piece. Cancelled ones are left out.
pub fn carried<'a>(
    units: &'a [UnitRow],
    parcel: &str,
    number_of: &dyn Fn(&str) -> usize,
) -> Vec<Vec<&'a UnitRow>> {
    let mut sold = by_unit(units);
    sold.retain(|pieces| {
        pieces[0].channel_state != "dropped" && told_with(pieces, number_of) == Some(parcel)
    });
    sold
}

/// The parcel with which the channel is told of a unit: the one that carries its last piece, once all are packed.
fn told_with<'a>(pieces: &[&'a UnitRow], number_of: &dyn Fn(&str) -> usize) -> Option<&'a str> {
    let packed = |u: &&UnitRow| u.parcel.is_some() || u.shop_state == "removed";
    let parcels = pieces.iter().filter_map(|u| u.parcel.as_deref());
    parcels
        .max_by_key(|p| number_of(p))
        .filter(|_| pieces.iter().all(packed))
}

/// What a parcel carries, as the channel addresses it.
pub fn contents(
    units: &[UnitRow],
    parcel: &str,
    number_of: &dyn Fn(&str) -> usize,
) -> Vec<LineQuantity> {
    by_line(carried(units, parcel, number_of).into_iter())
}

/// Whether no unit of the order is left to be told once this parcel is: every other one is shipped or dropped at the
/// channel, or in a parcel that the connector has already.
pub fn is_last(units: &[UnitRow], parcels: &[ParcelRow], parcel: &str) -> bool {
    let handed_over = |id: &str| {
        let found = parcels.iter().find(|p| p.id == id);
        found.is_some_and(|p| p.state.handed_over())
    };
    by_unit(units).iter().all(|pieces| {
        matches!(pieces[0].channel_state.as_str(), "shipped" | "dropped")
            || told_with(pieces, &|id| number_in(id, parcels))
                .is_some_and(|id| id == parcel || handed_over(id))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ShopOrderLine, Tracking};

    fn unit(line: &str, ordinal: u32) -> UnitRow {
        UnitRow {
            line: line.into(),
            ordinal,
            piece: 0,
            part: None,
            sku: Some("A".into()),
            listing: Some("1".into()),
            item: Some("i".into()),
            shop_line: Some("L1".into()),
            channel_state: "open".into(),
            shop_state: "open".into(),
            parcel: None,
        }
    }

    fn shipment(id: &str, quantity: u32, tracking: Option<(&str, &str)>) -> Fulfillment {
        Fulfillment {
            id: id.into(),
            status: "SUCCESS".into(),
            created_at: Default::default(),
            updated_at: Default::default(),
            tracking: tracking
                .map(|(c, n)| Tracking {
                    company: Some(c.into()),
                    number: Some(n.into()),
                    url: None,
                })
                .into_iter()
                .collect(),
            lines: vec![("L1".into(), quantity)],
        }
    }

    fn shop(current: u32, fulfillments: Vec<Fulfillment>) -> ShopOrder {
        ShopOrder {
            id: "O".into(),
            name: "914".into(),
            updated_at: Default::default(),
            cancelled_at: None,
            cancel_reason: None,
            lines: vec![ShopOrderLine {
                id: "L1".into(),
                quantity: 3,
                current,
                unfulfilled: 0,
            }],
            fulfillments,
        }
    }

    fn run(units: &mut [UnitRow], shop: &ShopOrder, known: &[ParcelRow]) -> Vec<ParcelRow> {
        run_with(units, shop, known, true)
    }

    fn run_with(
        units: &mut [UnitRow],
        shop: &ShopOrder,
        known: &[ParcelRow],
        write_once: bool,
    ) -> Vec<ParcelRow> {
        let carriers = [Carrier {
            code: None,
            name: Some("Sendle".into()),
            tracking_required: None,
            tracking_pattern: None,
            books_itself: None,
            usable: true,
        }];
        let cx = Context {
            map: &BTreeMap::new(),
            carriers: &carriers,
            write_once,
            tracking_required: true,
            used: &|_, _| None,
        };
        reconcile(units, shop, known, "601", &cx)
    }

    #[test]
    fn two_parcels_take_different_units() {
        let mut units = [unit("1", 0), unit("2", 0), unit("3", 0)];
        let parcels = run(
            &mut units,
            &shop(
                3,
                vec![
                    shipment("F1", 2, Some(("sendle", " S1 "))),
                    shipment("F2", 1, Some(("Sendle", "S2"))),
                ],
            ),
            &[],
        );
        assert_eq!(parcels.len(), 2);
        assert!(parcels.iter().all(|p| p.state == ParcelState::Ready));
        assert_eq!(parcels[0].tracking.as_deref(), Some("S1"));
        assert_eq!(
            contents(&units, "F1", &in_order)
                .iter()
                .map(|l| l.line.as_str())
                .collect::<Vec<_>>(),
            ["1", "2"]
        );
        assert_eq!(
            contents(&units, "F2", &in_order)
                .iter()
                .map(|l| l.line.as_str())
                .collect::<Vec<_>>(),
            ["3"]
        );
        assert!(!is_last(&units, &parcels, "F1"));
    }

    /// Fulfillments are named F1, F2 ... in their order.
    fn in_order(id: &str) -> usize {
        id[1..].parse().unwrap()
    }

    #[test]
    fn a_bundle_is_told_with_the_parcel_that_carries_its_last_part() {
        let piece = |line: &str, piece, part: &str| UnitRow {
            piece,
            part: Some(part.into()),
            shop_line: Some(format!("line of {part}")),
            ..unit(line, 0)
        };
        let mut units = [piece("1", 0, "A"), piece("1", 1, "B"), piece("2", 0, "A")];
        let shipment = |id: &str, lines: &[(&str, u32)]| Fulfillment {
            lines: (lines.iter())
                .map(|(part, n)| (format!("line of {part}"), *n))
                .collect(),
            ..shipment(id, 0, Some(("Sendle", id)))
        };
        let both = vec![
            shipment("F1", &[("A", 1)]),
            shipment("F2", &[("A", 1), ("B", 1)]),
        ];
        // New ones are numbered in Shopify's order.
        let mut parcels = run(&mut units, &shop(3, both), &[]);
        let states: Vec<_> = parcels.iter().map(|p| (p.state, p.attention)).collect();
        assert_eq!(
            states,
            [(ParcelState::Waiting, false), (ParcelState::Ready, false)]
        );
        assert_eq!(parcels[0].reason.as_deref(), Some(PARTS_ONLY));
        assert!(contents(&units, "F1", &in_order).is_empty());
        assert_eq!(contents(&units, "F2", &in_order).len(), 2);
        (parcels[0].number, parcels[1].number) = (1, 2);
        assert!(is_last(&units, &parcels, "F2") && !is_last(&units, &parcels, "F1"));
        // The channel cancels the bundle: nothing of it is told.
        for unit in &mut units[..2] {
            unit.channel_state = "dropped".into();
        }
        let lines: Vec<_> = (contents(&units, "F2", &in_order).into_iter())
            .map(|l| (l.line, l.quantity))
            .collect();
        assert_eq!(lines, [("2".to_owned(), 1)]);
    }

    #[test]
    fn the_last_parcel_is_the_one_that_finds_all_others_handed_over() {
        let mut units = [unit("1", 0), unit("2", 0), unit("3", 0)];
        let both = shop(
            3,
            vec![
                shipment("F1", 1, Some(("Sendle", "S1"))),
                shipment("F2", 1, Some(("Sendle", "S2"))),
            ],
        );
        let mut parcels = run(&mut units, &both, &[]);
        units[2].channel_state = "dropped".into();
        let last = |parcels: &[ParcelRow]| ["F1", "F2"].map(|f| is_last(&units, parcels, f));
        assert_eq!(
            last(&parcels),
            [false, false],
            "the other is ready, not told"
        );
        for handed_over in [
            ParcelState::Gathered,
            ParcelState::Prepared,
            ParcelState::Done,
        ] {
            parcels[0].state = handed_over;
            assert_eq!(last(&parcels), [false, true], "{handed_over:?}");
        }
        parcels[1].state = ParcelState::Gathered;
        assert_eq!(last(&parcels), [true, true]);
        units[2].channel_state = "open".into();
        assert!(!is_last(&units, &parcels, "F2"), "one is not packed yet");
    }

    #[test]
    fn a_parcel_that_waits_for_the_last_one_may_still_be_changed() {
        let mut units = [unit("1", 0)];
        let first = shop(3, vec![shipment("F1", 1, Some(("Sendle", "S1")))]);
        let mut parcels = run(&mut units, &first, &[]);
        parcels[0].state = ParcelState::Gathered;
        assert!(run(&mut units, &first, &parcels).is_empty());
        let corrected = shop(3, vec![shipment("F1", 1, Some(("Sendle", "S9")))]);
        let changed = run(&mut units, &corrected, &parcels);
        assert_eq!(
            (changed[0].state, changed[0].tracking.as_deref()),
            (ParcelState::Ready, Some("S9"))
        );
        let mut back = shipment("F1", 1, Some(("Sendle", "S1")));
        back.status = "CANCELLED".into();
        let withdrawn = run(&mut units, &shop(3, vec![back]), &parcels);
        assert!(!withdrawn[0].attention, "nobody was told");
        assert_eq!(units[0].parcel, None);
    }

    #[test]
    fn tracking_that_arrives_later_is_waited_for() {
        let mut units = [unit("1", 0)];
        let parcels = run(&mut units, &shop(3, vec![shipment("F1", 1, None)]), &[]);
        assert_eq!(
            (parcels[0].state, parcels[0].attention),
            (ParcelState::Waiting, false)
        );
        let parcels = run(
            &mut units,
            &shop(3, vec![shipment("F1", 1, Some(("Sendle", "S1")))]),
            &parcels,
        );
        assert_eq!(parcels[0].state, ParcelState::Ready);
    }

    #[test]
    fn what_was_told_is_never_told_again() {
        let mut units = [unit("1", 0)];
        let mut parcels = run(
            &mut units,
            &shop(3, vec![shipment("F1", 1, Some(("Sendle", "S1")))]),
            &[],
        );
        parcels[0].state = ParcelState::Done;
        assert!(
            run(
                &mut units,
                &shop(3, vec![shipment("F1", 1, Some(("Sendle", "S1")))]),
                &parcels
            )
            .is_empty()
        );
        let changed = run(
            &mut units,
            &shop(3, vec![shipment("F1", 1, Some(("Sendle", "S9")))]),
            &parcels,
        );
        assert_eq!(
            (changed[0].state, changed[0].attention),
            (ParcelState::Done, true)
        );
    }

    #[test]
    fn withdrawn_before_it_was_told_frees_the_units() {
        let mut units = [unit("1", 0)];
        let parcels = run(&mut units, &shop(3, vec![shipment("F1", 1, None)]), &[]);
        let mut back = shipment("F1", 1, None);
        back.status = "CANCELLED".into();
        let changed = run(
            &mut units,
            &shop(3, vec![back, shipment("F2", 1, Some(("Sendle", "S2")))]),
            &parcels,
        );
        assert_eq!(changed[0].state, ParcelState::Withdrawn);
        assert!(!changed[0].attention);
        assert_eq!(units[0].parcel.as_deref(), Some("F2"));
    }

    fn replaced_after_told(code: &str, write_once: bool) -> (Vec<UnitRow>, Vec<ParcelRow>) {
        let mut units = vec![unit("1", 0)];
        let first = shipment("F1", 1, Some(("Sendle", "S1")));
        let mut parcels = run(&mut units, &shop(3, vec![first.clone()]), &[]);
        parcels[0].state = ParcelState::Done;
        units[0].channel_state = "shipped".into();
        let mut back = first;
        back.status = "CANCELLED".into();
        let again = shop(
            3,
            vec![back.clone(), shipment("F2", 1, Some(("Sendle", code)))],
        );
        // Seen one after the other, or both at once.
        let (mut later, known) = (units.clone(), parcels.clone());
        let withdrawn = run(&mut units, &shop(3, vec![back]), &parcels);
        assert!(withdrawn[0].attention);
        let changed = run_with(&mut units, &again, &withdrawn, write_once);
        assert_eq!(run_with(&mut later, &again, &known, write_once), changed);
        (units, changed)
    }

    #[test]
    fn a_fulfillment_made_again_with_the_told_code_is_known_already() {
        let (units, changed) = replaced_after_told("S1", true);
        assert_eq!(
            changed
                .iter()
                .map(|p| (p.state, p.attention))
                .collect::<Vec<_>>(),
            [(ParcelState::Withdrawn, false), (ParcelState::Done, false)]
        );
        assert_eq!(units[0].parcel.as_deref(), Some("F2"));
        assert_eq!(units[0].shop_state, "fulfilled");
    }

    #[test]
    fn a_fulfillment_made_again_with_another_code_is_never_sent_where_codes_are_final() {
        let (_, changed) = replaced_after_told("S2", true);
        assert_eq!(
            (changed[1].state, changed[1].attention),
            (ParcelState::Doubt, true)
        );
        assert!(changed[1].reason.as_deref().unwrap().contains("\"S1\""));
        let (_, changed) = replaced_after_told("S2", false);
        assert_eq!(
            (changed[1].state, changed[1].attention),
            (ParcelState::Ready, false)
        );
    }

    #[test]
    fn removed_units_are_the_channels_dropped_ones_first() {
        let mut units = [unit("1", 0), unit("2", 0), unit("3", 0)];
        units[0].channel_state = "dropped".into();
        run(&mut units, &shop(2, vec![]), &[]);
        assert_eq!(
            units
                .iter()
                .map(|u| u.shop_state.as_str())
                .collect::<Vec<_>>(),
            ["removed", "open", "open"]
        );
        run(&mut units, &shop(1, vec![]), &[]);
        assert_eq!(
            units
                .iter()
                .map(|u| u.shop_state.as_str())
                .collect::<Vec<_>>(),
            ["removed", "open", "removed"]
        );
    }

    #[test]
    fn a_cancelled_order_removes_what_was_not_shipped() {
        let mut units = [unit("1", 0), unit("2", 0), unit("3", 0)];
        let mut order = shop(3, vec![shipment("F1", 1, Some(("Sendle", "S1")))]);
        order.cancelled_at = Some(Default::default());
        run(&mut units, &order, &[]);
        assert_eq!(
            units
                .iter()
                .map(|u| u.shop_state.as_str())
                .collect::<Vec<_>>(),
            ["fulfilled", "removed", "removed"]
        );
    }

    #[test]
    fn codes_the_channel_would_refuse_wait_for_a_person() {
        let mut units = [unit("1", 0)];
        for code in ["AB 12", "AB\t12"] {
            let parcels = run(
                &mut units,
                &shop(3, vec![shipment("F1", 1, Some(("Sendle", code)))]),
                &[],
            );
            assert_eq!(
                (parcels[0].state, parcels[0].attention),
                (ParcelState::Waiting, true),
                "{code}"
            );
        }
        let parcels = run(
            &mut units,
            &shop(3, vec![shipment("F1", 1, Some(("Pigeon", "S1")))]),
            &[],
        );
        assert!(parcels[0].reason.as_deref().unwrap().contains("\"Sendle\""));
    }
}
