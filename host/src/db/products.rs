//! The SKUs of a shop across its channels, a page at a time, and what is known of one.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, ToSql, params};
use serde::Serialize;
use utoipa::ToSchema;

use super::catalog::{MISMATCH, RESERVED, UNSEEN, mismatch};
use super::{Error, Fate, Mismatch, SentRow, Tx, at, json, ms, unjson};
use crate::model::{Instant, Key, ListingState, MismatchKind, ProductState};

/// Most words of a search that are looked for.
const WORDS: usize = 8;

/// What a list of SKUs is narrowed down to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProductFilter {
    /// How they stand on any of the channels.
    pub state: Option<ProductState>,
    /// Why they are not in step.
    pub kind: Option<MismatchKind>,
    /// How the SKU begins, or words of the title.
    pub search: Option<String>,
}

/// A variant of a SKU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct VariantRow {
    /// `gid://shopify/ProductVariant/...`.
    pub id: String,
    /// `gid://shopify/Product/...`.
    pub product: String,
    /// `gid://shopify/InventoryItem/...`.
    pub item: String,
    /// As the shop writes it.
    pub sku: String,
    /// Product and variant.
    pub title: String,
    /// Shopify counts it.
    pub tracked: bool,
    /// Its product is neither a draft nor archived.
    pub active: bool,
    /// Over all locations that are known.
    pub available: i64,
    /// When the variant was read.
    #[schema(value_type = String, format = DateTime)]
    pub read_at: Instant,
}

/// A listing of a SKU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProductListing {
    /// The channel's id of it.
    pub id: String,
    /// As the channel writes it.
    pub sku: String,
    /// As the channel shows it.
    pub title: String,
    /// The number at the channel as far as known; none: not known for sure.
    pub quantity: Option<u32>,
    /// What the channel said it holds back, at the last read.
    pub reserved: Option<u32>,
    /// What the channel said buyers can buy, at the last read.
    pub buyable: Option<i32>,
    /// The seller ships it.
    pub sellers: bool,
    /// It has ended.
    pub ended: bool,
    /// Why it cannot be bought, in the channel's words.
    pub reasons: Vec<String>,
    /// When it was read.
    #[schema(value_type = String, format = DateTime)]
    pub read_at: Instant,
    /// The number written last.
    pub pushed: Option<u32>,
    /// When a number was written last, or tried to be.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub pushed_at: Option<Instant>,
    /// The SKU by which it was linked, when it is not any more.
    pub lost: Option<String>,
    /// It is linked.
    pub linked: bool,
}

/// Pieces of one order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct OrderPieces {
    /// SHOP/CHANNEL.
    pub channel: String,
    /// The channel's id of the order.
    pub order: String,
    /// The channel's number of it.
    pub number: String,
    /// How far the order is.
    pub state: String,
    /// How many.
    pub pieces: u32,
}

/// A SKU that a person asked to be read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reread {
    /// Which.
    pub sku: String,
    /// When it was asked for last.
    pub asked_at: Instant,
    /// Who asked.
    pub asked_by: String,
}

/// A text of SQL with values by name, of which it uses some.
type Values<'a> = &'a [(&'a str, &'a dyn ToSql)];

impl Tx<'_> {
    /// The SKUs of a shop behind `after`, in their order, at most `limit`: those that any of the channels has, and
    /// with `shops` those of the shop itself.
    pub fn product_skus(
        &self,
        shop: &str,
        channels: &[String],
        shops: bool,
        filter: &ProductFilter,
        after: &str,
        limit: u32,
    ) -> Result<Vec<String>, Error> {
        let mut found = BTreeSet::new();
        let kinds = kinds(filter);
        let none = filter.state.is_some_and(|s| !fits(s, filter.kind));
        if none {
            return Ok(Vec::new());
        }
        match &filter.search {
            Some(text) => {
                let search = Search {
                    shop,
                    channels,
                    shops,
                    filter,
                    kinds,
                    after,
                    limit,
                };
                self.search(&search, text, &mut found)?;
            }
            None => {
                for channel in channels {
                    let values: Values<'_> = &[
                        (":shop", &shop),
                        (":channel", channel),
                        (":after", &after),
                        (":limit", &limit),
                    ];
                    match (&kinds, filter.state) {
                        (Some(kinds), _) => {
                            for kind in kinds {
                                let kind = kind.text();
                                let values = [values, &[(":kind", &kind)]].concat();
                                self.skus(
                                    "select distinct sku from mismatch where shop = :shop and channel = :channel and kind = :kind
                                       and sku > :after order by sku limit :limit",
                                    &values,
                                    &mut found,
                                )?;
                            }
                        }
                        (None, state) => self.skus(source(state), values, &mut found)?,
                    }
                }
                if shops && filter.state.is_none() && kinds.is_none() {
                    self.skus(
                        "select distinct sku from variant where shop = :shop and sku > :after order by sku limit :limit",
                        &[(":shop", &shop), (":after", &after), (":limit", &limit)],
                        &mut found,
                    )?;
                }
            }
        }
        Ok(found.into_iter().take(limit as usize).collect())
    }

    /// A search reads SKUs by how they begin, and titles as they stand beside the SKUs in an index.
    fn search(
        &self,
        s: &Search<'_>,
        text: &str,
        found: &mut BTreeSet<String>,
    ) -> Result<(), Error> {
        let channels = json(&s.channels);
        let kinds = json(
            &(s.kinds.iter().flatten())
                .map(|k| k.text())
                .collect::<Vec<_>>(),
        );
        let patterns: Vec<String> = text.split_whitespace().take(WORDS).map(within).collect();
        let names: Vec<String> = (0..patterns.len()).map(|n| format!(":word{n}")).collect();
        let titled = |column: &str| {
            let words = names.iter();
            let all: Vec<String> = words
                .map(|name| format!("{column} like {name} escape '\\'"))
                .collect();
            all.join(" and ")
        };
        let mut values: Vec<(&str, &dyn ToSql)> = vec![
            (":shop", &s.shop),
            (":after", &s.after),
            (":limit", &s.limit),
            (":channels", &channels),
            (":kinds", &kinds),
        ];
        values.extend(
            names
                .iter()
                .map(String::as_str)
                .zip(patterns.iter().map(|p| p as &dyn ToSql)),
        );
        // A channel's own list, without a state, holds what is listed there.
        let any = s.shops || s.filter.state.is_some() || s.kinds.is_some();
        let of = |sku: &str| match (any, condition(s, sku)) {
            (true, state) => state,
            (false, _) => format!(
                "exists (select 1 from listing i where i.shop = :shop and i.channel in (select value from json_each(:channels)) and i.sku = {sku})"
            ),
        };
        for begin in spellings(text) {
            let end = format!("{begin}{}", char::MAX);
            // One lower bound only: of two, the index may be entered by the lower one.
            let (from, begins) = if s.after >= begin.as_str() {
                (s.after, "sku > :begin and sku < :end")
            } else {
                (begin.as_str(), "sku >= :begin and sku < :end")
            };
            let values = [&values[..], &[(":begin", &from), (":end", &end)]].concat();
            self.skus(
                &format!(
                    "select distinct sku from variant v where shop = :shop and {begins} and {} order by sku limit :limit",
                    of("v.sku")
                ),
                &values,
                found,
            )?;
            for channel in s.channels {
                let values = [&values[..], &[(":channel", channel)]].concat();
                self.skus(
                    &format!(
                        "select distinct sku from listing t where shop = :shop and channel = :channel and {begins} and {}
                         order by sku limit :limit",
                        of("t.sku")
                    ),
                    &values,
                    found,
                )?;
            }
        }
        self.skus(
            &format!(
                "select distinct sku from variant v where shop = :shop and sku > :after and {} and {} order by sku limit :limit",
                titled("title"),
                of("v.sku")
            ),
            &values,
            found,
        )?;
        // What the shop does not have is known by the channel's title.
        for channel in s.channels {
            for kind in [MismatchKind::NoVariant, MismatchKind::NearMiss] {
                let kind = kind.text();
                let values = [&values[..], &[(":channel", channel), (":kind", &kind)]].concat();
                self.skus(
                    &format!(
                        "select distinct t.sku from mismatch t cross join listing i
                         where i.shop = t.shop and i.channel = t.channel and i.sku = t.sku and t.shop = :shop and t.channel = :channel and t.kind = :kind and t.sku > :after and {} and {}
                         order by t.sku limit :limit",
                        titled("i.title"),
                        of("t.sku")
                    ),
                    &values,
                    found,
                )?;
            }
        }
        Ok(())
    }

    fn skus(
        &self,
        sql: &str,
        values: Values<'_>,
        found: &mut BTreeSet<String>,
    ) -> Result<(), Error> {
        let mut statement = self.conn.prepare_cached(sql)?;
        for (name, value) in values {
            if let Some(place) = statement.parameter_index(name)? {
                statement.raw_bind_parameter(place, value)?;
            }
        }
        let mut rows = statement.raw_query();
        while let Some(r) = rows.next()? {
            found.insert(r.get(0)?);
        }
        Ok(())
    }

    /// The variants of these SKUs, with what is available of them.
    pub fn variants_of(&self, shop: &str, skus: &[String]) -> Result<Vec<VariantRow>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select id, product, item, sku, title, tracked, active, read_at,
               (select coalesce(sum(l.available), 0) from level l where l.shop = variant.shop and l.item = variant.item)
             from variant where shop = ?1 and sku in (select value from json_each(?2)) order by sku, id",
        )?;
        let rows = statement.query_map(params![shop, json(&skus)], |r| {
            Ok(VariantRow {
                id: r.get(0)?,
                product: r.get(1)?,
                item: r.get(2)?,
                sku: r.get(3)?,
                title: r.get(4)?,
                tracked: r.get(5)?,
                active: r.get(6)?,
                read_at: at(r.get(7)?),
                available: r.get(8)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The listings of these SKUs, and those that were linked by them.
    pub fn listings_of(&self, key: &Key, skus: &[String]) -> Result<Vec<ProductListing>, Error> {
        let mut ids: BTreeSet<String> = BTreeSet::new();
        for of in ["i.sku = w.value", "i.lost is not null and i.lost = w.value"] {
            let mut statement = self.conn.prepare_cached(&format!(
                "select i.id from json_each(?3) w cross join listing i where i.shop = ?1 and i.channel = ?2 and {of}"
            ))?;
            let mut rows = statement.query(params![key.shop, key.channel, json(&skus)])?;
            while let Some(r) = rows.next()? {
                ids.insert(r.get(0)?);
            }
        }
        let mut statement = self.conn.prepare_cached(
            "select i.id, coalesce(i.sku, ''), i.title, i.quantity, i.reserved, i.buyable, i.sellers, i.state, i.reasons, i.read_at,
               i.pushed, i.pushed_at, i.lost,
               exists (select 1 from link k where k.shop = i.shop and k.channel = i.channel and k.listing = i.id)
             from json_each(?3) w cross join listing i where i.shop = ?1 and i.channel = ?2 and i.id = w.value
             order by i.sku, i.id",
        )?;
        let mut rows = statement.query(params![key.shop, key.channel, json(&ids)])?;
        let mut found = Vec::new();
        while let Some(r) = rows.next()? {
            let state: ListingState = unjson(&r.get::<_, String>(7)?, "listing.state")?;
            found.push(ProductListing {
                id: r.get(0)?,
                sku: r.get(1)?,
                title: r.get(2)?,
                quantity: r.get(3)?,
                reserved: r.get(4)?,
                buyable: r.get(5)?,
                sellers: r.get(6)?,
                ended: state == ListingState::Ended,
                reasons: unjson(&r.get::<_, String>(8)?, "listing.reasons")?,
                read_at: at(r.get(9)?),
                pushed: r.get(10)?,
                pushed_at: r.get::<_, Option<i64>>(11)?.map(at),
                lost: r.get(12)?,
                linked: r.get(13)?,
            });
        }
        Ok(found)
    }

    /// Why these SKUs are not in step, with since when. A SKU of the shop has the near misses that name it, too.
    pub fn mismatches_of(
        &self,
        key: &Key,
        skus: &[String],
    ) -> Result<Vec<(Mismatch, Instant)>, Error> {
        let mut wanted: BTreeSet<String> = skus.iter().cloned().collect();
        {
            let mut statement = self.conn.prepare_cached(
                "select n.sku from json_each(?3) w cross join near_miss n where n.shop = ?1 and n.channel = ?2 and n.other = w.value",
            )?;
            let mut rows = statement.query(params![key.shop, key.channel, json(&skus)])?;
            while let Some(r) = rows.next()? {
                wanted.insert(r.get(0)?);
            }
        }
        let mut statement = self.conn.prepare_cached(&format!(
            "select {MISMATCH}, m.since
             from json_each(?3) w cross join mismatch m where m.shop = ?1 and m.channel = ?2 and m.sku = w.value
             order by m.sku, m.kind"
        ))?;
        let mut rows = statement.query(params![key.shop, key.channel, json(&wanted)])?;
        let mut found = Vec::new();
        while let Some(r) = rows.next()? {
            found.push((mismatch(r)?, at(r.get(4)?)));
        }
        Ok(found)
    }

    /// The bundles that these SKUs are parts of, as (part, bundle).
    pub fn bundles_with(&self, key: &Key, skus: &[String]) -> Result<Vec<(String, String)>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select distinct part, sku from bundle
             where shop = ?1 and channel = ?2 and part in (select value from json_each(?3)) order by part, sku",
        )?;
        let rows = statement.query_map(params![key.shop, key.channel, json(&skus)], |r| {
            Ok((r.get(0)?, r.get(1)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What was sent to these listings and is not known to be there.
    pub fn sent_of(&self, key: &Key, listings: &[&str]) -> Result<Vec<SentRow>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select listing, sku, quantity, refused from sent
             where shop = ?1 and channel = ?2 and listing in (select value from json_each(?3)) order by listing",
        )?;
        let rows = statement.query_map(params![key.shop, key.channel, json(&listings)], |r| {
            let refused: Option<String> = r.get(3)?;
            Ok(SentRow {
                listing: r.get(0)?,
                sku: r.get(1)?,
                quantity: r.get(2)?,
                fate: refused.map_or(Fate::OnItsWay, Fate::Refused),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The orders, of any channel, whose pieces of an item its number does not contain yet.
    pub fn unseen_orders(
        &self,
        shop: &str,
        item: &str,
        limit: u32,
    ) -> Result<Vec<OrderPieces>, Error> {
        let mut statement = self.conn.prepare_cached(&format!(
            "select o.channel, o.id, o.number, o.state, count(*) from unit u
             join channel_order o on o.shop = u.shop and o.channel = u.channel and o.id = u.order_id
             where u.shop = ?1 and u.item = ?2 and {UNSEEN}
             group by o.channel, o.id order by o.placed_at, o.channel, o.id limit ?3"
        ))?;
        let rows = statement.query_map(params![shop, item, limit], pieces(shop))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The orders for which the channel holds pieces of a listing back.
    pub fn reserved_orders(
        &self,
        key: &Key,
        listing: &str,
        limit: u32,
    ) -> Result<Vec<OrderPieces>, Error> {
        let mut statement = self.conn.prepare_cached(&format!(
            "select o.channel, o.id, o.number, o.state, count(*) from unit u
             join channel_order o on o.shop = u.shop and o.channel = u.channel and o.id = u.order_id
             where u.shop = ?1 and u.channel = ?2 and u.listing = ?3 and {RESERVED}
             group by o.channel, o.id order by o.placed_at, o.id limit ?4"
        ))?;
        let rows = statement.query_map(
            params![key.shop, key.channel, listing, limit],
            pieces(&key.shop),
        )?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether the shop or one of its channels has the SKU, or ever linked it.
    pub fn knows_sku(&self, shop: &str, sku: &str) -> Result<bool, Error> {
        Ok(self
            .conn
            .prepare_cached(
                "select exists (select 1 from variant where shop = ?1 and sku = ?2)
                   or exists (select 1 from channel c cross join listing i where c.shop = ?1 and i.shop = c.shop and i.channel = c.channel and i.sku = ?2)
                   or exists (select 1 from channel c cross join listing i
                     where c.shop = ?1 and i.shop = c.shop and i.channel = c.channel and i.lost = ?2 and i.lost is not null)",
            )?
            .query_row(params![shop, sku], |r| r.get(0))?)
    }

    /// Asks for a SKU to be read again on both sides. Asked twice it is read once.
    pub fn ask_reread(&self, key: &Key, sku: &str, by: &str, now: Instant) -> Result<(), Error> {
        self.conn
            .prepare_cached(
                "insert into reread (shop, channel, sku, asked_at, asked_by) values (?1, ?2, ?3, ?4, ?5)
                 on conflict (shop, channel, sku) do update set asked_at = ?4, asked_by = ?5",
            )?
            .execute(params![key.shop, key.channel, sku, ms(now), by])?;
        Ok(())
    }

    /// The SKUs that are to be read again, those asked for first in front.
    pub fn rereads(&self, key: &Key, limit: u32) -> Result<Vec<Reread>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select sku, asked_at, asked_by from reread where shop = ?1 and channel = ?2 order by asked_at, sku limit ?3",
        )?;
        let rows = statement.query_map(params![key.shop, key.channel, limit], reread)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether a SKU is to be read again.
    pub fn reread_of(&self, key: &Key, sku: &str) -> Result<Option<Reread>, Error> {
        Ok(self
            .conn
            .prepare_cached(
                "select sku, asked_at, asked_by from reread where shop = ?1 and channel = ?2 and sku = ?3",
            )?
            .query_row(params![key.shop, key.channel, sku], reread)
            .optional()?)
    }

    /// A SKU was read again. What was asked for since then stays to be done.
    pub fn reread_done(&self, key: &Key, done: &Reread) -> Result<(), Error> {
        self.conn.execute(
            "delete from reread where shop = ?1 and channel = ?2 and sku = ?3 and asked_at = ?4",
            params![key.shop, key.channel, done.sku, ms(done.asked_at)],
        )?;
        Ok(())
    }

    /// Listings that the channel was asked for by id and does not have any more.
    pub fn drop_listings(&self, key: &Key, ids: &[String]) -> Result<usize, Error> {
        Ok(self.conn.execute(
            "delete from listing where shop = ?1 and channel = ?2 and id in (select value from json_each(?3))",
            params![key.shop, key.channel, json(&ids)],
        )?)
    }

    /// Forgets that the channel refused a SKU's number: it is tried again. Answers how many listings it was.
    pub fn forget_refused_of(&self, key: &Key, sku: &str) -> Result<usize, Error> {
        Ok(self.conn.execute(
            "delete from sent where shop = ?1 and channel = ?2 and sku = ?3 and refused is not null",
            params![key.shop, key.channel, sku],
        )?)
    }
}

/// A search, with everything that narrows it down.
struct Search<'a> {
    shop: &'a str,
    channels: &'a [String],
    shops: bool,
    filter: &'a ProductFilter,
    kinds: Option<Vec<MismatchKind>>,
    after: &'a str,
    limit: u32,
}

/// The kinds of mismatch that are meant; none: it is no matter of mismatches, or any will do.
fn kinds(filter: &ProductFilter) -> Option<Vec<MismatchKind>> {
    match (filter.state, filter.kind) {
        (_, Some(kind)) => Some(vec![kind]),
        (Some(ProductState::Quarantine), None) => {
            let all = MismatchKind::ALL.into_iter();
            Some(all.filter(|k| k.quarantines()).collect())
        }
        _ => None,
    }
}

/// Whether a SKU can be in this state and have this kind of mismatch.
fn fits(state: ProductState, kind: Option<MismatchKind>) -> bool {
    match state {
        ProductState::Out => true,
        ProductState::Quarantine => kind.is_none_or(MismatchKind::quarantines),
        _ => kind.is_none(),
    }
}

/// A channel's SKUs in a state, in their order, each from an index in that order.
fn source(state: Option<ProductState>) -> &'static str {
    match state {
        None => {
            "select distinct sku from listing where shop = :shop and channel = :channel and sku > :after order by sku limit :limit"
        }
        Some(ProductState::In) => {
            "select distinct sku from link where shop = :shop and channel = :channel and sku > :after order by sku limit :limit"
        }
        Some(ProductState::Out | ProductState::Quarantine) => {
            "select distinct sku from mismatch where shop = :shop and channel = :channel and sku > :after order by sku limit :limit"
        }
        Some(ProductState::Unsure) => {
            "select distinct sku from listing where shop = :shop and channel = :channel and quantity is null and sku > :after
               and exists (select 1 from link k where k.shop = listing.shop and k.channel = listing.channel and k.listing = listing.id)
             order by sku limit :limit"
        }
        Some(ProductState::Refused) => {
            "select distinct sku from sent where shop = :shop and channel = :channel and refused is not null and sku > :after
             order by sku limit :limit"
        }
    }
}

/// That a SKU stands so on any of the channels.
fn condition(s: &Search<'_>, sku: &str) -> String {
    let there = |table: &str, more: &str| {
        format!(
            "exists (select 1 from {table} t where t.shop = :shop and t.channel in (select value from json_each(:channels)) and t.sku = {sku}{more})"
        )
    };
    match (&s.kinds, s.filter.state) {
        (Some(_), _) => there(
            "mismatch",
            " and t.kind in (select value from json_each(:kinds))",
        ),
        (None, None) => "1".to_owned(),
        (None, Some(ProductState::In)) => there("link", ""),
        (None, Some(ProductState::Out | ProductState::Quarantine)) => there("mismatch", ""),
        (None, Some(ProductState::Unsure)) => there(
            "listing",
            " and t.quantity is null and exists (select 1 from link k where k.shop = t.shop and k.channel = t.channel and k.listing = t.id)",
        ),
        (None, Some(ProductState::Refused)) => there("sent", " and t.refused is not null"),
    }
}

/// A text anywhere in another, for `like`.
fn within(word: &str) -> String {
    let mut pattern = String::from("%");
    for c in word.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// How the beginning of a SKU may be written that was typed so.
fn spellings(text: &str) -> BTreeSet<String> {
    BTreeSet::from([text.to_owned(), text.to_uppercase(), text.to_lowercase()])
}

fn reread(r: &rusqlite::Row<'_>) -> rusqlite::Result<Reread> {
    Ok(Reread {
        sku: r.get(0)?,
        asked_at: at(r.get(1)?),
        asked_by: r.get(2)?,
    })
}

fn pieces(shop: &str) -> impl Fn(&rusqlite::Row<'_>) -> rusqlite::Result<OrderPieces> + '_ {
    move |r| {
        Ok(OrderPieces {
            channel: format!("{shop}/{}", r.get::<_, String>(0)?),
            order: r.get(1)?,
            number: r.get(2)?,
            state: r.get(3)?,
            pieces: r.get(4)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use rusqlite::Connection;

    use super::super::store::in_memory;
    use super::*;

    fn key() -> Key {
        Key::new("kestrel", "m")
    }

    /// A shop of that many SKUs. Of every ten the channel lacks one, nearly misses one and refuses the number of one; each
    /// has been sold once.
    fn shop_of(count: u32) -> Connection {
        let conn = in_memory();
        conn.execute_batch(
            "insert into shop (shop, base_url, allow_local, auth, added_at) values ('kestrel', 'https://k', 0, 'token', 0);
             insert into channel (shop, channel, plugin, title, allow_local, settings, policy, extras, locations, orders_from, state,
               due_at, added_at) values ('kestrel', 'm', 'p', 'M', 0, '{}', '{}', '[]', '[\"l\"]', 0, 'active', 0, 0)",
        )
        .unwrap();
        conn.execute(
            "with recursive n (i) as (select 0 union all select i + 1 from n where i + 1 < ?1),
               s as (select i, printf('K-%06d', i) as sku, 'v' || i as v, 'i' || i as item, 'l' || i as l from n)
             insert into variant (shop, id, product, item, sku, title, active, tracked, updated_at, read_at)
               select 'kestrel', v, 'p', item, sku, 'Tee ' || i, 1, 1, 0, 0 from s",
            params![count],
        )
        .unwrap();
        conn.execute_batch(
            "create temp view s as select cast(substr(sku, 3) as integer) as i, sku, id as v, item, 'l' || substr(item, 2) as l from variant;
             insert into level (shop, item, location, available, read_at) select 'kestrel', item, 'l', 7, 0 from s;
             insert into listing (shop, channel, id, sku, title, state, reasons, quantity, sellers, facts, read_at)
               select 'kestrel', 'm', l, iif(i % 10 = 1, lower(sku), sku), 'Tee', '\"buyable\"', '[]', iif(i % 10 = 3, null, 7), 1, '[]', 0
               from s where i % 10 <> 0;
             insert into link (shop, channel, listing, variant, item, sku, linked_at)
               select 'kestrel', 'm', l, v, item, sku, 0 from s where i % 10 > 1;
             insert into mismatch (shop, channel, sku, kind, detail, since) select 'kestrel', 'm', sku, 'no-listing', 'd', 0 from s where i % 10 = 0;
             insert into mismatch (shop, channel, sku, kind, detail, since) select 'kestrel', 'm', lower(sku), 'near-miss', 'd', 0 from s where i % 10 = 1;
             insert into near_miss (shop, channel, sku, other) select 'kestrel', 'm', lower(sku), sku from s where i % 10 = 1;
             insert into sent (shop, channel, listing, sku, quantity, refused) select 'kestrel', 'm', l, sku, 7, 'no' from s where i % 10 = 2;
             insert into channel_order (shop, channel, id, number, state, snapshot, digest, placed_at, seen_at, changed_at)
               select 'kestrel', 'm', 'o' || i, 'o' || i, 'ready', '{}', '', i, 0, 0 from s;
             insert into unit (shop, channel, order_id, line, ordinal, sku, listing, item, channel_state, shop_state)
               select 'kestrel', 'm', 'o' || i, '1', 1, sku, l, item, 'open', 'absent' from s;",
        )
        .unwrap();
        conn
    }

    fn skus(tx: &Tx<'_>, filter: &ProductFilter, whole: bool) -> Vec<String> {
        let channels = ["m".to_owned()];
        tx.product_skus("kestrel", &channels, whole, filter, "", 20)
            .unwrap()
    }

    fn state(state: ProductState) -> ProductFilter {
        ProductFilter {
            state: Some(state),
            ..ProductFilter::default()
        }
    }

    fn search(text: &str) -> ProductFilter {
        ProductFilter {
            search: Some(text.to_owned()),
            ..ProductFilter::default()
        }
    }

    #[test]
    fn each_filter_finds_what_it_names() {
        let conn = shop_of(100);
        let tx = Tx { conn: &conn };
        let first = |filter: &ProductFilter| skus(&tx, filter, true)[..2].to_vec();
        assert_eq!(first(&ProductFilter::default()), ["K-000000", "K-000001"]);
        assert_eq!(first(&state(ProductState::In)), ["K-000002", "K-000003"]);
        assert_eq!(first(&state(ProductState::Out)), ["K-000000", "K-000010"]);
        assert_eq!(
            first(&state(ProductState::Quarantine)),
            ["k-000001", "k-000011"]
        );
        assert_eq!(
            first(&state(ProductState::Unsure)),
            ["K-000003", "K-000013"]
        );
        assert_eq!(
            first(&state(ProductState::Refused)),
            ["K-000002", "K-000012"]
        );
        let sold = skus(&tx, &ProductFilter::default(), false);
        assert_eq!(sold[..2], ["K-000002", "K-000003"]);
        let odd = ProductFilter {
            kind: Some(MismatchKind::NearMiss),
            ..state(ProductState::In)
        };
        assert!(skus(&tx, &odd, true).is_empty());
        // The title is "Tee 42"; a sign of a pattern stands for itself.
        assert_eq!(skus(&tx, &search("42 tee"), true), ["K-000042"]);
        assert!(skus(&tx, &search("te_"), true).is_empty());
        assert_eq!(skus(&tx, &search("k-00004"), true).len(), 11);
        let narrowed = ProductFilter {
            search: Some("tee".into()),
            ..state(ProductState::Refused)
        };
        assert_eq!(first(&narrowed), ["K-000002", "K-000012"]);
    }

    #[test]
    fn a_near_miss_is_found_from_both_sides() {
        let conn = shop_of(20);
        let tx = Tx { conn: &conn };
        for sku in ["K-000011", "k-000011"] {
            let found = tx.mismatches_of(&key(), &[sku.to_owned()]).unwrap();
            assert_eq!(found.len(), 1, "{sku}");
            assert_eq!(found[0].0.near, ["K-000011"]);
        }
    }

    #[test]
    fn sums_narrowed_to_a_sku_are_those_of_all() {
        let conn = shop_of(50);
        let tx = Tx { conn: &conn };
        let locations = ["l".to_owned()];
        let all = tx.stock_rows(&key(), &locations, None).unwrap();
        for wanted in ["K-000012", "l12"] {
            let one = tx
                .stock_rows(&key(), &locations, Some(&[wanted.to_owned()]))
                .unwrap();
            assert_eq!(one.len(), 1);
            assert_eq!(Some(&one[0]), all.iter().find(|r| r.sku == "K-000012"));
            assert_eq!((one[0].reserved, one[0].parts[0].unseen), (1, 1));
        }
    }

    /// Steps of SQLite's machine, in hundreds, that something takes.
    fn steps(conn: &mut Connection, act: impl FnOnce(&Tx<'_>)) -> u64 {
        let count = Arc::new(AtomicU64::new(0));
        let counted = count.clone();
        let more = move || {
            counted.fetch_add(1, Ordering::Relaxed);
            false
        };
        conn.progress_handler(100, Some(more)).unwrap();
        act(&Tx { conn });
        conn.progress_handler(0, None::<fn() -> bool>).unwrap();
        count.load(Ordering::Relaxed)
    }

    #[test]
    fn a_page_takes_the_same_work_however_many_skus_there_are() {
        let (mut small, mut large) = (shop_of(400), shop_of(8_000));
        let page: Vec<String> = (100..120).map(|i| format!("K-{i:06}")).collect();
        let locations = ["l".to_owned()];
        let mut same = |what: &str, act: &dyn Fn(&Tx<'_>)| {
            let (few, many) = (steps(&mut small, act), steps(&mut large, act));
            assert!(
                many <= few + few / 2 + 5,
                "{what}: {few}00 steps of 400 SKUs, {many}00 of 8,000"
            );
        };
        for filter in ProductState::ALL.map(state) {
            for whole in [true, false] {
                let what = format!("{filter:?}, {whole}");
                same(&what, &|tx| drop(skus(tx, &filter, whole)));
            }
        }
        same("all", &|tx| drop(skus(tx, &ProductFilter::default(), true)));
        same("by SKU", &|tx| drop(skus(tx, &search("tee"), true)));
        same("variants", &|tx| {
            drop(tx.variants_of("kestrel", &page).unwrap())
        });
        same("listings", &|tx| {
            drop(tx.listings_of(&key(), &page).unwrap())
        });
        same("mismatches", &|tx| {
            drop(tx.mismatches_of(&key(), &page).unwrap())
        });
        same("stock", &|tx| {
            drop(tx.stock_rows(&key(), &locations, Some(&page)).unwrap());
        });
        same("lost", &|tx| {
            drop(tx.lost_rows(&key(), Some(&page)).unwrap())
        });
        same("bundles", &|tx| {
            drop(tx.bundles_with(&key(), &page).unwrap())
        });
        same("sent", &|tx| drop(tx.sent_of(&key(), &["l102"]).unwrap()));
        same("known", &|tx| {
            assert!(!tx.knows_sku("kestrel", "none").unwrap())
        });
        same("unseen", &|tx| {
            assert_eq!(tx.unseen_orders("kestrel", "i102", 9).unwrap().len(), 1);
        });
        same("reserved", &|tx| {
            assert_eq!(tx.reserved_orders(&key(), "l102", 9).unwrap().len(), 1);
        });
        same("pushes", &|tx| {
            drop(tx.pushes(&key(), "K-000102", 9).unwrap())
        });
    }
}
