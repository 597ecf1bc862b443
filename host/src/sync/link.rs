//! Which listing belongs to which variant: byte-equal SKU, one on each side, or nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::db::{Bundles, LinkRow, ListingRow, Mismatch, ShopSku};
use crate::model::MismatchKind;

/// Links and what could not be linked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkPlan {
    /// One per listing that is in step, of a bundle one per part.
    pub links: Vec<LinkRow>,
    /// Everything else, with what to change.
    pub mismatches: Vec<Mismatch>,
}

impl LinkPlan {
    /// Listings that are in step.
    pub fn linked(&self) -> usize {
        let listings: BTreeSet<&str> = self.links.iter().map(|l| l.listing.as_str()).collect();
        listings.len()
    }
}

/// Matches the two sides. Two variants or two listings with one SKU are never guessed between. A listing whose SKU is a
/// bundle is matched with the variants of its parts.
pub fn plan(variants: &[ShopSku], listings: &[ListingRow], bundles: &Bundles) -> LinkPlan {
    let mut shop: BTreeMap<&str, Vec<&ShopSku>> = BTreeMap::new();
    for v in variants {
        shop.entry(&v.sku).or_default().push(v);
    }
    let mut channel: BTreeMap<&str, Vec<&ListingRow>> = BTreeMap::new();
    for l in listings
        .iter()
        .filter(|l| !l.ended && l.sellers && !l.sku.is_empty())
    {
        channel.entry(&l.sku).or_default().push(l);
    }
    let parts_of = |sku: &str| bundles.get(sku).map_or(&[][..], Vec::as_slice);
    let sold_in_bundles: BTreeSet<&str> = (channel.keys())
        .flat_map(|sku| parts_of(sku).iter().map(|p| p.sku.as_str()))
        .collect();
    let mut plan = LinkPlan::default();
    let mut links = Vec::new();
    let mut note = |sku: &str, kind: MismatchKind, detail: String| {
        plan.mismatches.push(Mismatch {
            sku: sku.to_owned(),
            kind,
            detail,
            near: Vec::new(),
        });
    };
    let mut lone_shop: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (sku, found) in &shop {
        if found.len() > 1 {
            note(
                sku,
                MismatchKind::DuplicateShop,
                format!(
                    "{} variants in Shopify have this SKU: {}. Give all but one another SKU.",
                    found.len(),
                    titles(found.iter().map(|v| v.title.as_str()))
                ),
            );
        }
        if !channel.contains_key(sku) && !sold_in_bundles.contains(sku) {
            lone_shop.entry(rough(sku)).or_default().push(sku);
        }
    }
    for (sku, found) in &channel {
        if found.len() > 1 {
            note(
                sku,
                MismatchKind::DuplicateChannel,
                format!(
                    "{} listings of the channel have this SKU: {}. End all but one, or give them other SKUs.",
                    found.len(),
                    titles(found.iter().map(|l| l.title.as_str()))
                ),
            );
        }
        if let (parts @ [_, ..], [listing]) = (parts_of(sku), found.as_slice()) {
            let mut tied = Vec::new();
            let mut missing = Vec::new();
            for part in parts {
                match shop.get(part.sku.as_str()).map(Vec::as_slice) {
                    Some([variant]) if variant.tracked => tied.push(LinkRow {
                        part: Some(part.sku.clone()),
                        pieces: part.pieces,
                        ..link(listing, variant, sku)
                    }),
                    Some([_]) => {
                        missing.push(format!("\"{}\" does not track its quantity", part.sku))
                    }
                    Some(many) => missing.push(format!(
                        "{} variants have the SKU \"{}\"",
                        many.len(),
                        part.sku
                    )),
                    None => missing.push(format!("no variant has the SKU \"{}\"", part.sku)),
                }
            }
            if missing.is_empty() {
                links.extend(tied);
            } else {
                let detail = format!(
                    "A bundle whose parts are not all in Shopify: {}.",
                    missing.join(", ")
                );
                note(sku, MismatchKind::BundlePart, detail);
            }
            continue;
        }
        let Some(variants) = shop.get(sku) else {
            match lone_shop.get(&rough(sku)) {
                Some(near) => note(
                    sku,
                    MismatchKind::NearMiss,
                    format!(
                        "Shopify has {} instead: make the SKUs equal to the letter.",
                        near.iter()
                            .map(|s| format!("\"{s}\""))
                            .collect::<Vec<_>>()
                            .join(", ")
                    ),
                ),
                None => note(
                    sku,
                    MismatchKind::NoVariant,
                    format!(
                        "\"{}\" is sold on the channel, but no variant in Shopify has this SKU.",
                        found[0].title
                    ),
                ),
            }
            continue;
        };
        if let ([variant], [listing]) = (variants.as_slice(), found.as_slice()) {
            if variant.tracked {
                links.push(link(listing, variant, sku));
            } else {
                note(
                    &variant.sku,
                    MismatchKind::Untracked,
                    format!(
                        "\"{}\" does not track its quantity in Shopify, so there is no number to push: switch tracking on.",
                        variant.title
                    ),
                );
            }
        }
    }
    plan.links = links;
    let mut near: BTreeSet<String> = BTreeSet::new();
    for m in &mut plan.mismatches {
        if m.kind == MismatchKind::NearMiss {
            let key = rough(&m.sku);
            let others = lone_shop.get(&key).map_or(&[][..], Vec::as_slice);
            m.near = others.iter().map(|s| (*s).to_owned()).collect();
            near.insert(key);
        }
    }
    for (key, skus) in lone_shop {
        if near.contains(&key) {
            continue;
        }
        for sku in skus {
            let title = &shop[sku][0].title;
            plan.mismatches.push(Mismatch {
                sku: sku.to_owned(),
                kind: MismatchKind::NoListing,
                detail: format!(
                    "\"{title}\" is in Shopify, but the channel has no listing with this SKU."
                ),
                near: Vec::new(),
            });
        }
    }
    plan.mismatches.sort();
    plan
}

fn link(listing: &ListingRow, variant: &ShopSku, sku: &str) -> LinkRow {
    LinkRow {
        listing: listing.id.clone(),
        variant: variant.variant.clone(),
        item: variant.item.clone(),
        sku: sku.to_owned(),
        part: None,
        pieces: 1,
    }
}

fn titles<'a>(all: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = all.take(4).map(|t| format!("\"{t}\"")).collect();
    quoted.join(", ")
}

/// What people confuse: case, blanks, what is not seen at all, dashes and underscore.
fn rough(sku: &str) -> String {
    sku.chars()
        .filter(|c| !c.is_whitespace() && !unseen(*c))
        .map(|c| match c {
            '_' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}' => '-',
            c => c,
        })
        .flat_map(char::to_lowercase)
        .collect()
}

/// Characters without width, which come along when a SKU is copied from a page or a sheet.
fn unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variant(sku: &str, n: u32) -> ShopSku {
        ShopSku {
            variant: format!("v{n}"),
            item: format!("i{n}"),
            sku: sku.into(),
            title: sku.into(),
            tracked: true,
        }
    }

    fn listing(sku: &str, n: u32) -> ListingRow {
        ListingRow {
            id: format!("l{n}"),
            sku: sku.into(),
            title: sku.into(),
            quantity: Some(1),
            reserved: None,
            buyable: None,
            sellers: true,
            ended: false,
            read_at: Default::default(),
        }
    }

    fn kinds(plan: &LinkPlan) -> Vec<(&str, &str)> {
        plan.mismatches
            .iter()
            .map(|m| (m.sku.as_str(), m.kind.text()))
            .collect()
    }

    #[test]
    fn equal_skus_link() {
        let plan = plan(&[variant("A-1", 1)], &[listing("A-1", 1)], &Bundles::new());
        assert_eq!(plan.links.len(), 1);
        assert!(plan.mismatches.is_empty());
    }

    #[test]
    fn duplicates_on_either_side_are_never_guessed() {
        let plan = plan(
            &[variant("A", 1), variant("A", 2), variant("B", 3)],
            &[listing("A", 1), listing("B", 2), listing("B", 3)],
            &Bundles::new(),
        );
        assert!(plan.links.is_empty());
        assert_eq!(
            kinds(&plan),
            [("A", "duplicate-shop"), ("B", "duplicate-channel")]
        );
    }

    #[test]
    fn near_misses_name_the_other_side() {
        let plan = plan(
            &[variant("KS_tide 30", 1), variant("lone", 2)],
            &[listing("KS-TIDE30", 1), listing("alone", 2)],
            &Bundles::new(),
        );
        assert_eq!(
            kinds(&plan),
            [
                ("KS-TIDE30", "near-miss"),
                ("alone", "no-variant"),
                ("lone", "no-listing")
            ]
        );
        assert!(plan.mismatches[0].detail.contains("\"KS_tide 30\""));
        assert_eq!(plan.mismatches[0].near, ["KS_tide 30"]);
        assert!(plan.mismatches[1].near.is_empty());
    }

    #[test]
    fn what_is_not_seen_and_other_dashes_nearly_agree() {
        for odd in [
            "A\u{2011}1",
            "A\u{2212}1",
            "A-1\u{a0}",
            "\u{feff}A-1",
            "A-\u{200b}1",
        ] {
            let plan = plan(&[variant("A-1", 1)], &[listing(odd, 1)], &Bundles::new());
            assert_eq!(kinds(&plan), [(odd, "near-miss")], "{odd:?}");
        }
    }

    #[test]
    fn untracked_and_ended_do_not_link() {
        let mut v = variant("A", 1);
        v.tracked = false;
        let mut ended = listing("B", 2);
        ended.ended = true;
        let plan = plan(
            &[v, variant("B", 2)],
            &[listing("A", 1), ended],
            &Bundles::new(),
        );
        assert!(plan.links.is_empty());
        assert_eq!(kinds(&plan), [("A", "untracked"), ("B", "no-listing")]);
    }

    #[test]
    fn bundles_link_with_all_of_their_parts_or_not_at_all() {
        let part = |sku: &str, pieces| crate::model::Part {
            sku: sku.into(),
            pieces,
            weight: 1,
        };
        let bundles = Bundles::from([
            ("SET".to_owned(), vec![part("A", 1), part("B", 2)]),
            ("TORN".to_owned(), vec![part("A", 1), part("C", 1)]),
        ]);
        // A variant that has the bundle's own SKU does not stand for it.
        let shop = [variant("A", 1), variant("B", 2), variant("SET", 3)];
        let plan = plan(&shop, &[listing("SET", 1), listing("TORN", 2)], &bundles);
        let tied: Vec<_> = (plan.links.iter())
            .map(|l| (l.listing.as_str(), l.item.as_str(), l.pieces))
            .collect();
        assert_eq!(tied, [("l1", "i1", 1), ("l1", "i2", 2)]);
        assert_eq!(kinds(&plan), [("TORN", "bundle-part")]);
        assert!(plan.mismatches[0].detail.contains("\"C\""));
    }
}
