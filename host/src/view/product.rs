//! One SKU: why it has its number on each channel, what became of it, and what to mend.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::near::{NearMiss, near};
use super::products::{Known, Numbers, Standing, numbers, stock_of, when};
use super::why::{self, Stand, Sum};
use crate::db::{
    ChannelRow, Error, Fate, Happening, Mismatch, OrderPieces, ProductListing, PushRow, Reread,
    SentRow, StockRow, Tx, VariantRow,
};
use crate::host::Host;
use crate::model::{Instant, Key, LostLink, MismatchKind, ShopInfo};
use crate::sync::stock::StockChange;

/// Newest numbers shown.
const PUSHES: u32 = 100;
/// Newest happenings shown.
const TIMELINE: u32 = 50;
/// Oldest orders shown of those that take part in a sum.
const ORDERS: u32 = 50;

/// A SKU of a shop.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Product {
    /// When this was read.
    pub at: Timestamp,
    /// The shop.
    pub shop: String,
    /// As asked for.
    pub sku: String,
    /// The shop's title; what only a channel has is called as there.
    pub title: String,
    /// The shop's variants with this SKU: one, unless something is wrong.
    pub variants: Vec<ProductVariant>,
    /// How it stands on each channel.
    pub channels: Vec<ProductChannel>,
}

/// A variant of the shop.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProductVariant {
    /// What is known of it.
    #[serde(flatten)]
    pub variant: VariantRow,
    /// Where it is in the Shopify admin.
    pub shop_url: Option<String>,
}

/// A SKU on one channel.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProductChannel {
    /// SHOP/CHANNEL.
    pub channel: String,
    /// Shown.
    pub title: String,
    /// In step or not.
    pub state: Standing,
    /// Why it has this number, or none, in one sentence.
    pub why: String,
    /// When somebody asked for it to be read again, until it was.
    pub reread_asked_at: Option<Timestamp>,
    /// What the channel has under this SKU, or had under it when it was linked.
    pub listings: Vec<ProductListing>,
    /// What is not in step, and what to do.
    pub mismatches: Vec<Quarantine>,
    /// What the shop has by location; of a bundle that of its parts.
    pub levels: Vec<ProductLevel>,
    /// What one contains, where it is a bundle.
    pub parts: Vec<ProductPart>,
    /// Bundles that it is a part of.
    pub bundles: Vec<String>,
    /// The number that it is to have, with its inputs.
    pub number: Option<StockChange>,
    /// It was linked, and is not any more: its number goes to zero, or stays as the setting `lost-link` says.
    pub lost: bool,
    /// Orders of any channel, the oldest first, whose pieces `available` does not contain yet.
    pub unseen_orders: Vec<OrderPieces>,
    /// Orders of this channel, the oldest first, for which it holds pieces back by itself.
    pub reserved_orders: Vec<OrderPieces>,
    /// Extras that may hold pieces back.
    pub extras: Vec<String>,
    /// Why the number cannot be told, or may be another one.
    pub problems: Vec<String>,
    /// A number that was sent and is not known to be there.
    pub sent: Option<SentRow>,
    /// The numbers that were written, the newest first.
    pub pushes: Vec<PushRow>,
    /// What happened, oldest first: events, and the numbers that were written.
    pub timeline: Vec<Happening>,
}

/// What one location has.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProductLevel {
    /// The variant's SKU.
    pub sku: String,
    /// `gid://shopify/Location/...`.
    pub location: String,
    /// The location's name.
    pub name: String,
    /// Shopify's available; may be negative.
    pub available: i64,
    /// When it was read.
    pub read_at: Timestamp,
    /// The channel's number counts it.
    pub counts: bool,
}

/// A part of a bundle.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProductPart {
    /// The part's SKU.
    pub sku: String,
    /// How many of it one bundle contains.
    pub pieces: u32,
    /// Available over the channel's locations; none: the shop does not have it, or does not count it.
    pub available: Option<i64>,
    /// Sold, and not contained in that number yet.
    pub unseen: Option<i64>,
}

/// Why a SKU is not in step, and what to do.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Quarantine {
    /// As its side writes it.
    pub sku: String,
    /// Why.
    pub kind: MismatchKind,
    /// What was found.
    pub detail: String,
    /// Since when.
    pub since: Timestamp,
    /// What to do.
    pub cure: Vec<String>,
    /// The variants that are meant.
    pub variants: Vec<ProductVariant>,
    /// The listings that are meant.
    pub listings: Vec<ProductListing>,
    /// Of a near miss: both SKUs, side by side.
    pub near: Vec<NearMiss>,
}

/// What a page holds of one channel, as read.
struct OnChannel {
    row: ChannelRow,
    shown: ProductChannel,
    known: Vec<Mismatch>,
    stock: Vec<StockRow>,
    when: &'static str,
}

/// Reads one SKU of a shop; on one channel when it is named. None: neither the shop nor a channel has it.
pub async fn product(
    host: &Host,
    shop: &str,
    sku: &str,
    only: Option<&Key>,
) -> anyhow::Result<Option<Product>> {
    let (shop, sku, only) = (shop.to_owned(), sku.to_owned(), only.cloned());
    let read = (host.store).read(move |tx| read(tx, &shop, &sku, only.as_ref()));
    let Some((mut product, channels)) = read.await? else {
        return Ok(None);
    };
    for mut on in channels {
        let numbers = numbers(host, &on.row, &mut on.stock).await;
        on.shown.extras = (host.extras(&on.row).into_iter())
            .filter(|(_, extra)| extra.as_ref().is_ok_and(|e| e.edits_stock()))
            .map(|(setup, _)| setup.name)
            .collect();
        let in_shop = !product.variants.is_empty();
        let shown = told(&product.sku, in_shop, on, numbers);
        product.channels.push(shown);
    }
    if product.title.is_empty() {
        let mut listings = product.channels.iter().flat_map(|c| &c.listings);
        product.title = listings
            .next()
            .map_or_else(String::new, |l| l.title.clone());
    }
    Ok(Some(product))
}

fn read(
    tx: &Tx<'_>,
    shop: &str,
    sku: &str,
    only: Option<&Key>,
) -> Result<Option<(Product, Vec<OnChannel>)>, Error> {
    let Some(row) = tx.shop(shop)? else {
        return Ok(None);
    };
    let reading = Reading {
        tx,
        info: row.info.as_ref(),
        sku,
    };
    let variants = reading.variants(shop, &[sku.to_owned()])?;
    let mut channels = Vec::new();
    let rows = tx.channels()?.into_iter();
    for row in rows.filter(|r| r.key.shop == shop && only.is_none_or(|k| r.key == *k)) {
        channels.push(reading.channel(row, &variants)?);
    }
    if variants.is_empty() && channels.iter().all(|on| on.shown.listings.is_empty()) {
        return Ok(None);
    }
    let title = variants.first().map(|v| v.variant.title.clone());
    let product = Product {
        at: Instant::now(),
        shop: shop.to_owned(),
        sku: sku.to_owned(),
        title: title.unwrap_or_default(),
        variants,
        channels: Vec::new(),
    };
    Ok(Some((product, channels)))
}

/// What all channels of one SKU are read with.
struct Reading<'a> {
    tx: &'a Tx<'a>,
    /// The shop, as it presented itself.
    info: Option<&'a ShopInfo>,
    sku: &'a str,
}

impl Reading<'_> {
    fn variants(&self, shop: &str, skus: &[String]) -> Result<Vec<ProductVariant>, Error> {
        let found = self.tx.variants_of(shop, skus)?;
        Ok((found.into_iter())
            .map(|variant| ProductVariant {
                shop_url: variant_url(self.info, &variant),
                variant,
            })
            .collect())
    }

    fn channel(&self, row: ChannelRow, variants: &[ProductVariant]) -> Result<OnChannel, Error> {
        let (tx, key, sku) = (self.tx, &row.key, self.sku.to_owned());
        let one = std::slice::from_ref(&sku);
        let listings = tx.listings_of(key, one)?;
        let ids: Vec<&str> = listings.iter().map(|l| l.id.as_str()).collect();
        let sent = tx.sent_of(key, &ids)?.pop();
        let mut stock = stock_of(tx, &row, one)?;
        // Another SKU's listing may have this SKU for its id.
        stock.retain(|s| ids.contains(&s.listing.as_str()));
        let parts = tx.parts_of(key, &sku)?;
        let mut items: Vec<(String, String)> = (variants.iter())
            .map(|v| (v.variant.sku.clone(), v.variant.item.clone()))
            .collect();
        let part_skus: Vec<String> = parts.iter().map(|p| p.sku.clone()).collect();
        if !parts.is_empty() {
            let found = tx.variants_of(&key.shop, &part_skus)?.into_iter();
            items = found.map(|v| (v.sku, v.item)).collect();
        }
        let mut levels = Vec::new();
        let mut unseen_orders = Vec::new();
        for (sku, item) in &items {
            for (location, available, read_at) in tx.levels(&key.shop, item)? {
                levels.push(ProductLevel {
                    sku: sku.clone(),
                    name: self.place(&location),
                    counts: row.locations.contains(&location),
                    location,
                    available,
                    read_at,
                });
            }
            unseen_orders.extend(tx.unseen_orders(&key.shop, item, ORDERS)?);
        }
        let mut reserved_orders = Vec::new();
        for id in &ids {
            reserved_orders.extend(tx.reserved_orders(key, id, ORDERS)?);
        }
        let linked = stock.first();
        let parts = (parts.into_iter())
            .map(|p| {
                let mut all = linked.iter().flat_map(|row| &row.parts);
                let there = all.find(|s| s.part.as_deref() == Some(&p.sku));
                ProductPart {
                    available: there.map(|s| s.available),
                    unseen: there.map(|s| s.unseen),
                    sku: p.sku,
                    pieces: p.pieces,
                }
            })
            .collect();
        let (mut mismatches, mut known) = (Vec::new(), Vec::new());
        for (mismatch, since) in tx.mismatches_of(key, one)? {
            known.push(mismatch.clone());
            mismatches.push(self.quarantine(&row, mismatch, since, &part_skus)?);
        }
        let bundles = tx.bundles_with(key, one)?.into_iter();
        let asked = tx.reread_of(key, &sku)?;
        let shown = ProductChannel {
            channel: key.to_string(),
            title: row.title.clone(),
            state: Standing::NotComparedYet,
            why: String::new(),
            reread_asked_at: asked.map(|Reread { asked_at, .. }| asked_at),
            lost: listings.iter().any(|l| l.lost.is_some()),
            listings,
            mismatches,
            levels,
            parts,
            bundles: bundles.map(|(_, bundle)| bundle).collect(),
            number: None,
            unseen_orders,
            reserved_orders,
            extras: Vec::new(),
            problems: Vec::new(),
            sent,
            pushes: tx.pushes(key, &sku, PUSHES)?,
            timeline: tx.timeline(key, &format!("sku:{sku}"), TIMELINE)?,
        };
        Ok(OnChannel {
            when: when(tx, &row)?,
            row,
            shown,
            known,
            stock,
        })
    }

    fn place(&self, id: &str) -> String {
        let mut known = self.info.iter().flat_map(|i| &i.locations);
        let found = known.find(|l| l.id == id);
        found.map_or_else(|| id.to_owned(), |l| l.name.clone())
    }

    fn quarantine(
        &self,
        row: &ChannelRow,
        m: Mismatch,
        since: Instant,
        parts: &[String],
    ) -> Result<Quarantine, Error> {
        let in_shop: Vec<String> = match m.kind {
            MismatchKind::NearMiss => m.near.clone(),
            MismatchKind::BundlePart => parts.to_vec(),
            _ => vec![m.sku.clone()],
        };
        let listings = self
            .tx
            .listings_of(&row.key, std::slice::from_ref(&m.sku))?;
        Ok(Quarantine {
            cure: cure(m.kind, &row.title),
            variants: self.variants(&row.key.shop, &in_shop)?,
            listings,
            near: m.near.iter().map(|other| near(other, &m.sku)).collect(),
            sku: m.sku,
            kind: m.kind,
            detail: m.detail,
            since,
        })
    }
}

/// Where a variant is in the admin of its shop.
fn variant_url(info: Option<&ShopInfo>, variant: &VariantRow) -> Option<String> {
    let name = info?.domain.strip_suffix(".myshopify.com")?;
    let (product, variant) = (
        variant.product.rsplit('/').next()?,
        variant.id.rsplit('/').next()?,
    );
    Some(format!(
        "https://admin.shopify.com/store/{name}/products/{product}/variants/{variant}"
    ))
}

/// Puts the number and the words to what was read.
fn told(sku: &str, in_shop: bool, on: OnChannel, numbers: Numbers) -> ProductChannel {
    let (row, mut shown) = (on.row, on.shown);
    shown.problems = numbers.problems;
    let number = (shown.listings.iter()).find_map(|l| numbers.found.get(&l.id).cloned());
    let known = Known {
        sku,
        listings: shown.listings.iter().collect(),
        mismatches: on.known.iter().collect(),
        sent: shown.sent.as_ref(),
        number: number.as_ref(),
        bundles: shown.bundles.iter().map(String::as_str).collect(),
        when: on.when,
    };
    let (state, short) = known.standing();
    let linked = known.linked().is_some();
    let places: Vec<&str> = {
        let mut names: Vec<&str> = Vec::new();
        for level in shown.levels.iter().filter(|l| l.counts) {
            if !names.contains(&level.name.as_str()) {
                names.push(&level.name);
            }
        }
        names
    };
    let why = match &number {
        Some(n) if linked => {
            let stand = match (state, &shown.sent) {
                (
                    Standing::Refused,
                    Some(SentRow {
                        fate: Fate::Refused(why),
                        ..
                    }),
                ) => Stand::Refused(why),
                (Standing::OnItsWay, _) => Stand::OnItsWay,
                (Standing::ToBeWritten, _) => Stand::Other(n.from.unwrap_or_default()),
                (Standing::Unsure, _) => Stand::Unknown,
                _ => Stand::There,
            };
            let part = (shown.parts.iter())
                .find(|p| n.part.as_deref() == Some(&format!("{} x {}", p.pieces, p.sku)))
                .map(|p| (p.sku.as_str(), p.pieces));
            let sum = Sum {
                channel: &row.title,
                number: n,
                pieces: part,
                places: &places,
            };
            why::number(&sum, stand, on.when)
        }
        _ if shown.lost => {
            let cause = lost_since(sku, in_shop, &shown.listings, &row.title);
            match row.policy.lost_link {
                LostLink::Zero => format!(
                    "{cause}, so the number at {} goes to 0 until the SKUs are equal and single again (setting lost-link).",
                    row.title
                ),
                LostLink::Keep => format!(
                    "{cause}; the number at {} stays as it was written last (setting lost-link).",
                    row.title
                ),
            }
        }
        _ if linked => format!(
            "Its number cannot be told now: {}",
            shown
                .problems
                .first()
                .map_or("its inputs are missing", String::as_str)
        ),
        _ => match state {
            Standing::Quarantine => format!("It is held back, so no number is written: {short}"),
            Standing::OnlyInShop => format!("{} has no listing with this SKU.", row.title),
            Standing::OnlyAtChannel => format!(
                "{} sells it, but no variant of the shop has this SKU.",
                row.title
            ),
            _ => short,
        },
    };
    shown.state = state;
    shown.why = why;
    shown.number = number;
    shown
}

/// Why nothing stands behind a listing any more.
fn lost_since(sku: &str, in_shop: bool, listings: &[ProductListing], channel: &str) -> String {
    let lost = listings.iter().find(|l| l.lost.is_some());
    match lost.and_then(|l| Some((l.lost.as_deref()?, l.sku.as_str()))) {
        Some((before, now)) if before == sku && now != sku => format!(
            "The listing that was linked by this SKU has the SKU \"{now}\" at {channel} now"
        ),
        Some((before, _)) if before != sku => {
            format!("Its listing was linked by the SKU \"{before}\", and is not by this one")
        }
        _ if in_shop => "It was linked, and the two sides are not equal and single any more".into(),
        _ => "It was linked and is not in the shop any more".into(),
    }
}

/// What to do about a SKU that is not in step.
fn cure(kind: MismatchKind, channel: &str) -> Vec<String> {
    let read_again = format!(
        "A change at {channel} is noticed with the next reading of its catalogue; read the SKU again here to have it noticed at once."
    );
    let by_itself = "A change in Shopify is noticed within a minute.".to_owned();
    let do_this = |text: String| vec![text, by_itself.clone()];
    match kind {
        MismatchKind::DuplicateShop => do_this(
            "Open these variants in Shopify and give all but one another SKU. The one that keeps it is linked.".to_owned(),
        ),
        MismatchKind::DuplicateChannel => vec![
            format!("At {channel}, end all but one of these listings, or give them other SKUs."),
            read_again,
        ],
        MismatchKind::NearMiss => vec![
            format!("Make both equal to the letter: copy the SKU from one side to the other. Change it in Shopify when {channel} has it right, else at {channel}."),
            by_itself,
            read_again,
        ],
        MismatchKind::NoListing => vec![
            format!("Nothing is wrong if {channel} is not to sell it. If it is, make a listing there with exactly this SKU."),
            read_again,
        ],
        MismatchKind::NoVariant => do_this(format!(
            "Give the right variant in Shopify exactly this SKU; or end the listing at {channel}, if it is not to be sold."
        )),
        MismatchKind::Untracked => vec![
            "Open the variant in Shopify and switch on \"Inventory tracked\": without it there is no number to write.".to_owned(),
            "Then read the SKU again here.".to_owned(),
        ],
        MismatchKind::BundlePart => do_this(
            "Give each part in Shopify exactly the SKU that the recipe names, once, with its quantity tracked; or mend the recipe in the settings of the extra.".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mismatch_has_a_cure_that_names_a_side() {
        for kind in MismatchKind::ALL {
            let cure = cure(kind, "THE ICONIC").join(" ");
            assert!(
                cure.contains("Shopify") || cure.contains("THE ICONIC"),
                "{cure}"
            );
        }
    }
}
