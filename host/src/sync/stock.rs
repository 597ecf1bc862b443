//! What number each listing is to have, and whether so many changes at once need a person.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::db::{Fate, SentRow, StockPart, StockRow};
use crate::model::{Policy, StockSemantics};

/// A number to write, with its inputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StockChange {
    /// Listing id.
    pub listing: String,
    /// SKU.
    pub sku: String,
    /// The number at the channel as far as known, or on its way there.
    pub from: Option<u32>,
    /// The number to write.
    pub to: u32,
    /// Of a bundle: how many of which part make one, where that part allows the least.
    #[serde(default)]
    pub part: Option<String>,
    /// Shopify's available over the channel's locations; of a bundle that of this part.
    pub available: i64,
    /// Units sold on any channel that it does not contain yet.
    pub unseen: i64,
    /// Held back by the operator.
    pub buffer: u32,
    /// Held back by extras.
    #[serde(default)]
    pub withheld: u32,
    /// Added back, since the channel subtracts it by itself.
    pub reserved: u32,
}

/// What the shop can still sell of a listing, after unseen sales and buffer, and the part that allows the least. A
/// bundle of which a part is short is short itself.
pub fn sellable(row: &StockRow, buffer: u32) -> (u32, Option<&StockPart>) {
    let scarcest = (row.parts.iter()).map(|part| {
        let left = (part.available - part.unseen - i64::from(buffer)).max(0);
        let whole = left / i64::from(part.pieces.max(1));
        (u32::try_from(whole).unwrap_or(u32::MAX), Some(part))
    });
    scarcest
        .min_by_key(|(whole, _)| *whole)
        .unwrap_or((0, None))
}

/// The number that a listing is to have.
pub fn target(row: &StockRow, policy: &Policy, semantics: StockSemantics) -> StockChange {
    let reserved = match semantics {
        StockSemantics::Sellable => 0,
        StockSemantics::GrossOfReservations => row.reserved,
    };
    let (sellable, scarcest) = sellable(row, policy.buffer);
    StockChange {
        listing: row.listing.clone(),
        sku: row.sku.clone(),
        from: row.current,
        to: sellable
            .saturating_sub(row.withheld)
            .saturating_add(reserved),
        part: scarcest.and_then(|p| Some(format!("{} x {}", p.pieces, p.part.as_ref()?))),
        available: scarcest.map_or(0, |p| p.available),
        unseen: scarcest.map_or(0, |p| p.unseen),
        buffer: policy.buffer,
        withheld: row.withheld,
        reserved,
    }
}

/// All differences: decreases to zero first, then other decreases, then the rest, so that what can be oversold
/// is mended first. `sent` tells what is on its way, and what the channel refuses, by listing: neither is sent again
/// unless it is to be another number now.
pub fn differences(
    rows: &[StockRow],
    policy: &Policy,
    semantics: StockSemantics,
    sent: &HashMap<String, SentRow>,
) -> Vec<StockChange> {
    let mut changes: Vec<StockChange> = rows
        .iter()
        .filter_map(|row| {
            let mut change = target(row, policy, semantics);
            match sent.get(&row.listing) {
                Some(sent) if sent.quantity == change.to => return None,
                Some(sent) if sent.fate == Fate::OnItsWay => change.from = Some(sent.quantity),
                _ => {}
            }
            (change.from != Some(change.to)).then_some(change)
        })
        .collect();
    changes.sort_by_key(|c| match c.from {
        _ if c.to == 0 => 0,
        Some(from) if c.to < from => 1,
        None => 2,
        Some(_) => 3,
    });
    changes
}

/// Numbers to write before units are marked as shipped, and whether any lower number is on its way: until it is there
/// the channel might offer those units again.
pub fn lowerings(
    rows: &[StockRow],
    policy: &Policy,
    semantics: StockSemantics,
    sent: &HashMap<String, SentRow>,
) -> (Vec<StockChange>, bool) {
    let mut awaited = false;
    let mut changes = Vec::new();
    for row in rows {
        let change = target(row, policy, semantics);
        match sent.get(&row.listing) {
            Some(sent) if sent.quantity == change.to => awaited |= sent.fate == Fate::OnItsWay,
            // A number that may arrive any moment says nothing about the one that is there.
            Some(sent) if sent.fate == Fate::OnItsWay => changes.push(StockChange {
                from: None,
                ..change
            }),
            _ if change.from.is_none_or(|from| change.to < from) => changes.push(change),
            _ => {}
        }
    }
    (changes, awaited)
}

/// How many listings a set of changes zeroes, and how many it changes: what a person approves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// Set to zero from something, or from what is not known.
    pub zeroed: usize,
    /// Changed from a known number.
    pub changed: usize,
}

impl Extent {
    /// Of these changes.
    pub fn of(changes: &[StockChange]) -> Self {
        Self {
            zeroed: changes
                .iter()
                .filter(|c| c.to == 0 && c.from.is_none_or(|f| f > 0))
                .count(),
            // A number that is merely unknown is no change of the catalogue.
            changed: changes.iter().filter(|c| c.from.is_some()).count(),
        }
    }

    /// Whether it is no more than what was approved, give or take what happens in a shop meanwhile.
    pub fn within(self, approved: Self, policy: &Policy) -> bool {
        let slack = policy.guard_least as usize;
        self.zeroed <= approved.zeroed + slack && self.changed <= approved.changed + slack
    }
}

/// Why these changes need approval, if they do.
pub fn guard(changes: &[StockChange], links: usize, policy: &Policy) -> Option<String> {
    let Extent { zeroed, changed } = Extent::of(changes);
    let over = |count: usize, share: f64| {
        count >= policy.guard_least as usize && count as f64 > share * links as f64
    };
    if over(zeroed, policy.guard_zero) {
        return Some(format!(
            "{zeroed} of {links} listings would go to zero, more than the {} % that one cycle may zero without approval",
            percent(policy.guard_zero)
        ));
    }
    if over(changed, policy.guard_change) {
        return Some(format!(
            "{changed} of {links} listings would change, more than the {} % that one cycle may change without approval",
            percent(policy.guard_change)
        ));
    }
    None
}

fn percent(share: f64) -> i64 {
    (share * 100.0).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(
        sku: &str,
        available: i64,
        unseen: i64,
        reserved: u32,
        current: Option<u32>,
    ) -> StockRow {
        StockRow {
            listing: sku.into(),
            parent: None,
            sku: sku.into(),
            parts: vec![StockPart {
                part: None,
                item: sku.into(),
                pieces: 1,
                available,
                unseen,
            }],
            facts: vec![],
            current,
            reserved,
            title: sku.into(),
            withheld: 0,
        }
    }

    #[test]
    fn own_reservations_are_added_back_only_where_the_channel_subtracts_them() {
        let r = row("A", 5, 0, 2, None);
        let policy = Policy::default();
        assert_eq!(
            target(&r, &policy, StockSemantics::GrossOfReservations).to,
            7
        );
        assert_eq!(target(&r, &policy, StockSemantics::Sellable).to, 5);
    }

    #[test]
    fn a_bundle_has_what_its_scarcest_part_allows() {
        let part = |sku: &str, pieces, available, unseen| StockPart {
            part: Some(sku.into()),
            item: sku.into(),
            pieces,
            available,
            unseen,
        };
        let bundle = StockRow {
            parts: vec![part("A", 1, 9, 0), part("B", 3, 20, 4)],
            ..row("SET", 0, 0, 2, None)
        };
        let policy = Policy {
            buffer: 1,
            ..Policy::default()
        };
        let change = target(&bundle, &policy, StockSemantics::GrossOfReservations);
        // (20 - 4 - 1) / 3, and the channel holds 2 back.
        assert_eq!((change.to, change.part.as_deref()), (7, Some("3 x B")));
        let gone = StockRow {
            parts: vec![],
            ..bundle
        };
        assert_eq!(target(&gone, &policy, StockSemantics::Sellable).to, 0);
    }

    #[test]
    fn negative_stock_still_covers_what_is_reserved_there() {
        let r = row("A", -3, 1, 2, None);
        assert_eq!(
            target(&r, &Policy::default(), StockSemantics::GrossOfReservations).to,
            2
        );
    }

    #[test]
    fn buffer_and_unseen_lower_it() {
        let policy = Policy {
            buffer: 2,
            ..Policy::default()
        };
        assert_eq!(
            target(&row("A", 5, 2, 0, None), &policy, StockSemantics::Sellable).to,
            1
        );
        assert_eq!(
            target(&row("A", 3, 2, 0, None), &policy, StockSemantics::Sellable).to,
            0
        );
    }

    #[test]
    fn zeroes_go_first_and_equal_rows_not_at_all() {
        let rows = [
            row("same", 4, 0, 0, Some(4)),
            row("up", 9, 0, 0, Some(1)),
            row("down", 1, 0, 0, Some(5)),
            row("zero", 0, 0, 0, Some(5)),
        ];
        let order: Vec<_> = differences(
            &rows,
            &Policy::default(),
            StockSemantics::Sellable,
            &HashMap::new(),
        )
        .into_iter()
        .map(|c| c.sku)
        .collect();
        assert_eq!(order, ["zero", "down", "up"]);
    }

    #[test]
    fn an_approval_covers_what_was_shown_and_no_more() {
        let policy = Policy::default();
        let shown = Extent {
            zeroed: 30,
            changed: 40,
        };
        assert!(
            Extent {
                zeroed: 45,
                changed: 50
            }
            .within(shown, &policy)
        );
        assert!(
            !Extent {
                zeroed: 200,
                changed: 200
            }
            .within(shown, &policy)
        );
    }

    #[test]
    fn guard_asks_for_large_shares_only() {
        let policy = Policy::default();
        let rows: Vec<_> = (0..100)
            .map(|i| row(&format!("S{i}"), if i < 30 { 0 } else { 5 }, 0, 0, Some(5)))
            .collect();
        let changes = differences(&rows, &policy, StockSemantics::Sellable, &HashMap::new());
        assert!(
            guard(&changes, 100, &policy)
                .unwrap()
                .starts_with("30 of 100 listings would go to zero")
        );
        assert_eq!(guard(&changes[..19], 100, &policy), None);
    }

    fn sent(rows: &[(&str, u32, Fate)]) -> HashMap<String, SentRow> {
        rows.iter()
            .map(|(sku, quantity, fate)| {
                let row = SentRow {
                    listing: (*sku).into(),
                    sku: (*sku).into(),
                    quantity: *quantity,
                    fate: fate.clone(),
                };
                (row.listing.clone(), row)
            })
            .collect()
    }

    #[test]
    fn a_number_that_is_on_its_way_or_refused_is_not_sent_again_unless_it_is_to_be_another() {
        let refused = || Fate::Refused("no such offer".into());
        let rows = [
            row("on its way", 4, 0, 0, None),
            row("read back meanwhile", 4, 0, 0, Some(9)),
            row("refused", 4, 0, 0, Some(9)),
            row("sold meanwhile", 3, 0, 0, None),
            row("another since", 3, 0, 0, Some(9)),
        ];
        let sent = sent(&[
            ("on its way", 4, Fate::OnItsWay),
            ("read back meanwhile", 4, Fate::OnItsWay),
            ("refused", 4, refused()),
            ("sold meanwhile", 4, Fate::OnItsWay),
            ("another since", 4, refused()),
        ]);
        let policy = Policy::default();
        let changes = differences(&rows, &policy, StockSemantics::Sellable, &sent);
        let told: Vec<_> = (changes.iter())
            .map(|c| (c.sku.as_str(), c.from, c.to))
            .collect();
        assert_eq!(
            told,
            [
                ("sold meanwhile", Some(4), 3),
                ("another since", Some(9), 3)
            ]
        );
    }

    #[test]
    fn the_guard_counts_what_is_on_its_way_as_the_number_that_changes() {
        let rows: Vec<_> = (0..100)
            .map(|i| row(&format!("S{i}"), 0, 0, 0, None))
            .collect();
        let policy = Policy::default();
        let on_its_way = |n| -> HashMap<String, SentRow> {
            let skus: Vec<String> = (0..100).map(|i| format!("S{i}")).collect();
            let rows: Vec<_> = skus
                .iter()
                .map(|s| (s.as_str(), n, Fate::OnItsWay))
                .collect();
            sent(&rows)
        };
        let zeroes = differences(&rows, &policy, StockSemantics::Sellable, &on_its_way(0));
        assert_eq!(guard(&zeroes, 100, &policy), None);
        let changes = differences(&rows, &policy, StockSemantics::Sellable, &on_its_way(5));
        assert_eq!(
            Extent::of(&changes),
            Extent {
                zeroed: 100,
                changed: 100
            }
        );
    }

    #[test]
    fn before_shipping_a_number_that_is_on_its_way_is_not_there_yet() {
        let gross = StockSemantics::GrossOfReservations;
        let policy = Policy::default();
        let rows = [row("A", 4, 0, 0, None)];
        let lower = sent(&[("A", 4, Fate::OnItsWay)]);
        assert_eq!(lowerings(&rows, &policy, gross, &lower), (vec![], true));
        let higher = sent(&[("A", 6, Fate::OnItsWay)]);
        let (changes, awaited) = lowerings(&rows, &policy, gross, &higher);
        assert_eq!((changes[0].to, awaited), (4, false));
        let refused = sent(&[("A", 4, Fate::Refused("ended".into()))]);
        assert_eq!(lowerings(&rows, &policy, gross, &refused), (vec![], false));
        let known = [row("A", 4, 0, 0, Some(4))];
        assert_eq!(
            lowerings(&known, &policy, gross, &HashMap::new()),
            (vec![], false)
        );
    }
}
