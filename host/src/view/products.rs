//! The SKUs of a shop across its channels: what each channel has of them, in step or why not.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::cycle::extras::withhold;
use crate::db::{
    ChannelRow, ChannelState, Error, Fate, Mismatch, ProductFilter, ProductListing, SentRow,
    StockRow, Tx,
};
use crate::host::Host;
use crate::model::{Key, LostLink, MismatchKind, ProductState, Refusal};
use crate::sync::stock::{StockChange, target};

/// SKUs of one page, unless told otherwise.
pub const PAGE: u32 = 50;
/// Most SKUs of one page.
pub const LONGEST_PAGE: u32 = 200;
/// Longest search, in characters.
const LONGEST_SEARCH: usize = 200;
/// Longest mark of where a page begins, in characters.
const LONGEST_AFTER: usize = 1_000;

/// Which SKUs are asked for.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ProductsAsked {
    /// Of one shop (`kestrel`), else of the first; or what one channel (`kestrel/the-iconic`) sells, and with a state or
    /// kind what stands so there.
    #[param(max_length = 81)]
    pub channel: Option<String>,
    /// How they stand on a channel.
    #[param(inline)]
    pub state: Option<ProductState>,
    /// Why they are not in step.
    #[param(inline)]
    pub kind: Option<MismatchKind>,
    /// The beginning of the SKU, or words of the title.
    #[param(min_length = 1, max_length = 200)]
    pub search: Option<String>,
    /// What the page before gave as `next`.
    #[param(min_length = 1, max_length = 1000)]
    pub after: Option<String>,
    /// At most so many SKUs; 50 unless told otherwise.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
}

/// What is asked for, checked.
struct Wanted {
    shop: Option<String>,
    channel: Option<Key>,
    filter: ProductFilter,
    after: String,
    limit: u32,
}

impl ProductsAsked {
    fn check(&self) -> Result<Wanted, Refusal> {
        let long =
            |text: &Option<String>, most| text.as_ref().is_some_and(|t| t.chars().count() > most);
        for (name, text, most) in [
            ("search", &self.search, LONGEST_SEARCH),
            ("after", &self.after, LONGEST_AFTER),
        ] {
            if long(text, most) {
                return Err(Refusal::Invalid(format!(
                    "{name} has more than {most} characters"
                )));
            }
        }
        let limit = self.limit.unwrap_or(PAGE);
        if !(1..=LONGEST_PAGE).contains(&limit) {
            return Err(Refusal::Invalid(format!(
                "limit is {limit}; it can be 1 to {LONGEST_PAGE}"
            )));
        }
        let channel = match self.channel.as_deref() {
            Some(text) if text.contains('/') => {
                Some((text.parse::<Key>()).map_err(|e| Refusal::Invalid(format!("channel: {e}")))?)
            }
            _ => None,
        };
        let shop = match &channel {
            Some(key) => Some(key.shop.clone()),
            None => self.channel.clone(),
        };
        let search = self.search.as_deref().map(str::trim_start);
        Ok(Wanted {
            shop,
            channel,
            filter: ProductFilter {
                state: self.state,
                kind: self.kind,
                search: search.filter(|s| !s.is_empty()).map(str::to_owned),
            },
            after: self.after.clone().unwrap_or_default(),
            limit,
        })
    }
}

/// A page of a shop's SKUs, in their order.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Products {
    /// The SKUs.
    pub items: Vec<ProductRow>,
    /// What to give as `after` for the next page; none: this is the last.
    pub next: Option<String>,
    /// The shop; none: no shop is connected.
    pub shop: Option<String>,
    /// All shops.
    pub shops: Vec<String>,
    /// The channels that are shown of each SKU.
    pub channels: Vec<ProductsChannel>,
}

/// A channel of the list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProductsChannel {
    /// SHOP/CHANNEL.
    pub channel: String,
    /// Shown.
    pub title: String,
}

/// A SKU.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProductRow {
    /// As written.
    pub sku: String,
    /// The shop's title; what only a channel has is called as there.
    pub title: String,
    /// Available in the shop, over all its locations; none: the shop does not have it, or does not count it.
    pub available: Option<i64>,
    /// How it stands on each channel, in the order of the page's channels.
    pub channels: Vec<ProductStanding>,
}

/// How a SKU stands on a channel.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProductStanding {
    /// SHOP/CHANNEL.
    pub channel: String,
    /// In step or not.
    pub state: Standing,
    /// Why it is not in step, by kind.
    pub kind: Option<MismatchKind>,
    /// The number at the channel as far as known.
    pub number: Option<u32>,
    /// The number that it is to have, where that is another one.
    pub to: Option<u32>,
    /// Why it is not in step, for people; empty when it is.
    pub why: String,
}

/// How a SKU stands on a channel, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// The channel has the number that it is to have.
    InStep,
    /// The next cycle writes another number.
    ToBeWritten,
    /// A number was sent, and the channel has not said that it is there.
    OnItsWay,
    /// What the channel has is not known for sure.
    Unsure,
    /// The channel does not take the number.
    Refused,
    /// It is held back until somebody mends it.
    Quarantine,
    /// The channel does not have it.
    OnlyInShop,
    /// The shop does not have it.
    OnlyAtChannel,
    /// It is sold there as a part of bundles only.
    InBundles,
    /// The listing has ended, or the marketplace ships it itself.
    NotOurs,
    /// The two sides were not compared yet.
    NotComparedYet,
}

impl Standing {
    /// As shown.
    pub fn text(self) -> &'static str {
        match self {
            Self::InStep => "in step",
            Self::ToBeWritten => "to be written",
            Self::OnItsWay => "on its way",
            Self::Unsure => "unsure",
            Self::Refused => "refused",
            Self::Quarantine => "quarantine",
            Self::OnlyInShop => "only in the shop",
            Self::OnlyAtChannel => "only at the channel",
            Self::InBundles => "in bundles",
            Self::NotOurs => "not ours",
            Self::NotComparedYet => "not compared yet",
        }
    }
}

/// What is known of one SKU on one channel, as far as its standing goes by it.
pub(super) struct Known<'a> {
    /// The SKU.
    pub sku: &'a str,
    /// What is called by it, or was linked by it.
    pub listings: Vec<&'a ProductListing>,
    /// Its own, and the near misses that name it.
    pub mismatches: Vec<&'a Mismatch>,
    /// What was sent and is not known to be there.
    pub sent: Option<&'a SentRow>,
    /// Its number, where that can be told.
    pub number: Option<&'a StockChange>,
    /// Bundles that it is a part of.
    pub bundles: Vec<&'a str>,
    /// When a number will be written.
    pub when: &'a str,
}

impl Known<'_> {
    /// The listing that is linked.
    pub fn linked(&self) -> Option<&ProductListing> {
        self.listings.iter().find(|l| l.linked).copied()
    }

    /// Its worst mismatch.
    fn mismatch(&self) -> Option<&Mismatch> {
        let quarantines = |m: &&&Mismatch| m.kind.quarantines();
        let worst = self.mismatches.iter().find(quarantines);
        worst.or(self.mismatches.first()).copied()
    }

    /// How it stands, and why not in step.
    pub fn standing(&self) -> (Standing, String) {
        if let Some(listing) = self.linked() {
            return self.linked_standing(listing);
        }
        if let Some(m) = self.mismatch() {
            let standing = match m.kind {
                MismatchKind::NoListing => Standing::OnlyInShop,
                MismatchKind::NoVariant => Standing::OnlyAtChannel,
                _ => Standing::Quarantine,
            };
            let why = match m.sku == self.sku {
                true => m.detail.clone(),
                false => format!(
                    "The channel has \"{}\" instead: make the SKUs equal to the letter.",
                    m.sku
                ),
            };
            return (standing, why);
        }
        if !self.bundles.is_empty() {
            let named: Vec<String> = (self.bundles.iter().take(4))
                .map(|b| format!("\"{b}\""))
                .collect();
            return (
                Standing::InBundles,
                format!("It is sold in {}.", named.join(", ")),
            );
        }
        match self.listings.iter().find(|l| l.ended || !l.sellers) {
            Some(l) if l.ended => (Standing::NotOurs, "Its listing has ended.".to_owned()),
            Some(_) => (
                Standing::NotOurs,
                "The marketplace ships it itself, so its stock is not ours to write.".to_owned(),
            ),
            None => (
                Standing::NotComparedYet,
                "The next reading of both catalogues tells.".to_owned(),
            ),
        }
    }

    fn linked_standing(&self, listing: &ProductListing) -> (Standing, String) {
        let to = self.number.map(|n| n.to);
        let there = listing.quantity;
        match self.sent {
            Some(SentRow {
                fate: Fate::Refused(why),
                quantity,
                ..
            }) if to.is_none_or(|to| to == *quantity) => (
                Standing::Refused,
                format!("The channel does not take its number {quantity}: {why}"),
            ),
            Some(SentRow {
                fate: Fate::OnItsWay,
                quantity,
                ..
            }) if to.is_none_or(|to| to == *quantity) => (
                Standing::OnItsWay,
                format!("The channel works on the number {quantity}."),
            ),
            _ => match (there, to) {
                (None, _) => (
                    Standing::Unsure,
                    format!(
                        "Its number there is not known for sure: it is written again {}.",
                        self.when
                    ),
                ),
                (Some(there), Some(to)) if there != to => (
                    Standing::ToBeWritten,
                    format!("{to} is written {}.", self.when),
                ),
                _ => (Standing::InStep, String::new()),
            },
        }
    }
}

/// What a page holds of one channel, as read.
struct OnChannel {
    row: ChannelRow,
    listings: Vec<ProductListing>,
    mismatches: Vec<Mismatch>,
    sent: Vec<SentRow>,
    stock: Vec<StockRow>,
    bundles: Vec<(String, String)>,
    when: &'static str,
}

/// Reads a page of a shop's SKUs. Fails with [`Refusal::Unknown`] when there is no such shop or channel, with
/// [`Refusal::Invalid`] when something asked for cannot be.
pub async fn products(host: &Host, asked: &ProductsAsked) -> anyhow::Result<Products> {
    let wanted = asked.check()?;
    let limit = wanted.limit;
    let read = host.store.read(move |tx| read(tx, &wanted));
    let (shop, shops, mut items, mut channels) = read.await??;
    let next = match items.len() > limit as usize {
        true => {
            items.truncate(limit as usize);
            items.last().map(|i| i.sku.clone())
        }
        false => None,
    };
    for on in &mut channels {
        let numbers = numbers(host, &on.row, &mut on.stock).await;
        for item in &mut items {
            let standing = standing_of(on, &item.sku, &numbers.found);
            if item.title.is_empty() {
                let mut listings = on.listings.iter();
                let titled = listings.find(|l| l.sku == item.sku);
                item.title = titled.map_or_else(String::new, |l| l.title.clone());
            }
            item.channels.push(standing);
        }
    }
    Ok(Products {
        items,
        next,
        shop,
        shops,
        channels: (channels.iter())
            .map(|on| ProductsChannel {
                channel: on.row.key.to_string(),
                title: on.row.title.clone(),
            })
            .collect(),
    })
}

type Read = (Option<String>, Vec<String>, Vec<ProductRow>, Vec<OnChannel>);

/// One item more than the limit tells that there is a next page.
fn read(tx: &Tx<'_>, asked: &Wanted) -> Result<Result<Read, Refusal>, Error> {
    let shops: Vec<String> = tx.shops()?.into_iter().map(|s| s.shop).collect();
    let Some(shop) = asked.shop.as_ref().or(shops.first()).cloned() else {
        return Ok(Ok((None, shops, Vec::new(), Vec::new())));
    };
    if !shops.contains(&shop) {
        return Ok(Err(Refusal::Unknown(format!(
            "there is no shop \"{shop}\"; there are: {}",
            shops.join(", ")
        ))));
    }
    let mut rows = tx.channels()?;
    rows.retain(|r| r.key.shop == shop && asked.channel.as_ref().is_none_or(|k| r.key == *k));
    if let (Some(key), []) = (&asked.channel, rows.as_slice()) {
        return Ok(Err(Refusal::Unknown(format!(
            "there is no channel \"{key}\""
        ))));
    }
    let names: Vec<String> = rows.iter().map(|r| r.key.channel.clone()).collect();
    let (whole, limit) = (asked.channel.is_none(), asked.limit + 1);
    let skus = tx.product_skus(&shop, &names, whole, &asked.filter, &asked.after, limit)?;
    let mut variants: BTreeMap<String, (String, Option<i64>)> = BTreeMap::new();
    for v in tx.variants_of(&shop, &skus)? {
        let (_, available) = variants.entry(v.sku).or_insert((v.title, None));
        if v.tracked {
            *available = Some(available.unwrap_or(0) + v.available);
        }
    }
    let items = skus.iter().map(|sku| {
        let (title, available) = variants.remove(sku).unwrap_or_default();
        ProductRow {
            sku: sku.clone(),
            title,
            available,
            channels: Vec::new(),
        }
    });
    let items = items.collect();
    let mut channels = Vec::new();
    for row in rows {
        let key = &row.key;
        let listings = tx.listings_of(key, &skus)?;
        let ids: Vec<&str> = listings.iter().map(|l| l.id.as_str()).collect();
        let sent = tx.sent_of(key, &ids)?;
        channels.push(OnChannel {
            stock: stock_of(tx, &row, &skus)?,
            mismatches: (tx.mismatches_of(key, &skus)?.into_iter())
                .map(|(m, _)| m)
                .collect(),
            bundles: tx.bundles_with(key, &skus)?,
            when: when(tx, &row)?,
            row,
            listings,
            sent,
        });
    }
    Ok(Ok((Some(shop), shops, items, channels)))
}

/// When a channel's numbers are written.
pub(super) fn when(tx: &Tx<'_>, row: &ChannelRow) -> Result<&'static str, Error> {
    Ok(if row.state != ChannelState::Active {
        "once the channel is worked again"
    } else if tx.awaits_approval(&row.key)? {
        "once its plan is approved"
    } else {
        "in the next cycle"
    })
}

/// The inputs of the numbers of these SKUs: of what is linked, and of what was and is to go to zero.
pub(super) fn stock_of(
    tx: &Tx<'_>,
    row: &ChannelRow,
    skus: &[String],
) -> Result<Vec<StockRow>, Error> {
    let mut rows = tx.stock_rows(&row.key, &row.locations, Some(skus))?;
    if row.policy.lost_link == LostLink::Zero {
        rows.extend(tx.lost_rows(&row.key, Some(skus))?);
    }
    Ok(rows)
}

/// Numbers by listing, and what kept some from being told.
pub(super) struct Numbers {
    pub found: BTreeMap<String, StockChange>,
    pub problems: Vec<String>,
}

/// The numbers that listings are to have, after the channel's extras.
pub(super) async fn numbers(host: &Host, row: &ChannelRow, stock: &mut [StockRow]) -> Numbers {
    let mut numbers = Numbers {
        found: BTreeMap::new(),
        problems: Vec::new(),
    };
    if stock.is_empty() {
        return numbers;
    }
    let semantics = match host.plugin(&row.plugin) {
        Ok(plugin) => plugin.manifest().stock_semantics(),
        Err(e) => {
            numbers.problems.push(format!("{e:#}"));
            return numbers;
        }
    };
    let done = withhold(&host.extras(row), &row.policy, stock).await;
    numbers.problems.extend(done.failures);
    for stock in stock {
        let change = target(stock, &row.policy, semantics);
        numbers.found.insert(stock.listing.clone(), change);
    }
    numbers
}

fn standing_of(
    on: &OnChannel,
    sku: &str,
    numbers: &BTreeMap<String, StockChange>,
) -> ProductStanding {
    let listings: Vec<&ProductListing> = (on.listings.iter())
        .filter(|l| l.sku == sku || l.lost.as_deref() == Some(sku))
        .collect();
    let of = |listing: &str| listings.iter().any(|l| l.id == listing);
    let mismatches =
        (on.mismatches.iter()).filter(|m| m.sku == sku || m.near.iter().any(|n| n == sku));
    let known = Known {
        sku,
        mismatches: mismatches.collect(),
        sent: on.sent.iter().find(|s| of(&s.listing)),
        number: listings.iter().find_map(|l| numbers.get(&l.id)),
        bundles: (on.bundles.iter())
            .filter(|(part, _)| part == sku)
            .map(|(_, bundle)| bundle.as_str())
            .collect(),
        when: on.when,
        listings,
    };
    let (state, why) = known.standing();
    let number = known.listings.first().and_then(|l| l.quantity);
    ProductStanding {
        channel: on.row.key.to_string(),
        state,
        kind: match state {
            Standing::Quarantine | Standing::OnlyInShop | Standing::OnlyAtChannel => {
                known.mismatch().map(|m| m.kind)
            }
            _ => None,
        },
        number: known.linked().map_or(number, |l| l.quantity),
        to: (known.number.map(|n| n.to)).filter(|to| Some(*to) != number),
        why,
    }
}
