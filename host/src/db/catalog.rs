//! Mirrors of both sides' catalogues, the links between them, and the inputs of stock levels.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rusqlite::{OptionalExtension, params};
use serde::Serialize;

use super::{Error, Tx, at, json, ms, unjson};
use crate::model::{Fact, Instant, Key, LevelChange, Listing, MismatchKind, StockWrite, Variant};

/// A variant as linking needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShopSku {
    /// `gid://shopify/ProductVariant/...`.
    pub variant: String,
    /// `gid://shopify/InventoryItem/...`.
    pub item: String,
    /// Never empty here.
    pub sku: String,
    /// Shown.
    pub title: String,
    /// Stock is counted.
    pub tracked: bool,
}

/// A listing as linking and pages need it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListingRow {
    /// The key of stock writes.
    pub id: String,
    /// The seller's SKU; empty when it has none.
    pub sku: String,
    /// Shown.
    pub title: String,
    /// The number at the channel as far as known.
    pub quantity: Option<u32>,
    /// What the channel said it holds back, at the last read.
    pub reserved: Option<u32>,
    /// What the channel said buyers can buy, at the last read.
    pub buyable: Option<i32>,
    /// The seller ships it.
    pub sellers: bool,
    /// Ended listings are not linked.
    pub ended: bool,
    /// When it was read.
    pub read_at: Instant,
}

/// A match of one listing and one variant; a bundle has one for each of its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkRow {
    /// Listing id.
    pub listing: String,
    /// Variant id.
    pub variant: String,
    /// Inventory item id.
    pub item: String,
    /// The listing's.
    pub sku: String,
    /// The variant's, where the listing is a bundle: otherwise it is byte-equal to the listing's.
    pub part: Option<String>,
    /// Of the variant in one piece of the listing.
    pub pieces: u32,
}

/// A SKU that is not in step, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Mismatch {
    /// The SKU as its side writes it.
    pub sku: String,
    /// Why.
    pub kind: MismatchKind,
    /// For people: what to change.
    pub detail: String,
    /// Of a near miss: the shop's SKUs that nearly agree.
    pub near: Vec<String>,
}

/// The inputs of one stock level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockRow {
    /// Listing id.
    pub listing: String,
    /// Its parent.
    pub parent: Option<String>,
    /// SKU.
    pub sku: String,
    /// What the shop has of it: one entry, of a bundle one for each part, none when it is not in the shop any more.
    pub parts: Vec<StockPart>,
    /// Handed back to the connector.
    pub facts: Vec<Fact>,
    /// The number at the channel as far as known.
    pub current: Option<u32>,
    /// Units of this channel's open orders: what it subtracts by itself when its semantics say so.
    pub reserved: u32,
    /// The listing's title.
    pub title: String,
    /// Of what could be offered, held back by extras.
    pub withheld: u32,
}

/// What the shop has of one variant behind a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockPart {
    /// The variant's SKU, where the listing is a bundle.
    pub part: Option<String>,
    /// Inventory item id.
    pub item: String,
    /// Of it in one piece of the listing; at least 1.
    pub pieces: u32,
    /// Shopify's available over the channel's locations.
    pub available: i64,
    /// Pieces sold on any channel that `available` does not contain yet.
    pub unseen: i64,
}

impl StockRow {
    /// The write that sets the listing's number.
    pub fn write(&self, quantity: u32) -> StockWrite {
        StockWrite {
            listing: self.listing.clone(),
            parent: self.parent.clone(),
            sku: Some(self.sku.clone()),
            quantity,
            facts: self.facts.clone(),
        }
    }
}

impl Tx<'_> {
    /// Stores variants with their levels. `read_at` is when the request was sent; `walk` numbers a full read.
    pub fn put_variants(
        &self,
        shop: &str,
        variants: &[Variant],
        read_at: Instant,
        walk: Option<i64>,
    ) -> Result<(), Error> {
        let mut put = self.conn.prepare_cached(
            "insert into variant (shop, id, product, item, sku, title, active, tracked, updated_at, read_at, walk)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, coalesce(?11, 0))
             on conflict (shop, id) do update set product = ?3, item = ?4, sku = ?5, title = ?6, active = ?7, tracked = ?8,
               updated_at = ?9, read_at = ?10, walk = coalesce(?11, walk)",
        )?;
        let mut level = self.conn.prepare_cached(PUT_LEVEL)?;
        let mut drop_level = self
            .conn
            .prepare_cached("delete from level where shop = ?1 and item = ?2 and read_at < ?3")?;
        for v in variants {
            put.execute(params![
                shop,
                v.id,
                v.product,
                v.item,
                v.sku.as_deref().filter(|s| !s.is_empty()),
                v.title,
                v.active,
                v.tracked,
                ms(v.updated_at),
                ms(read_at),
                walk
            ])?;
            for (location, available) in &v.available {
                let changed_at: Option<i64> = None;
                level.execute(params![
                    shop,
                    v.item,
                    location,
                    available,
                    ms(read_at),
                    changed_at
                ])?;
            }
            drop_level.execute(params![shop, v.item, ms(read_at)])?;
        }
        Ok(())
    }

    /// Ends a full read: variants that it did not meet are gone. Answers how many.
    pub fn end_variant_walk(&self, shop: &str, walk: i64) -> Result<usize, Error> {
        self.conn.execute(
            "delete from level where shop = ?1 and item in (select item from variant where shop = ?1 and walk <> ?2)",
            params![shop, walk],
        )?;
        Ok(self.conn.execute(
            "delete from variant where shop = ?1 and walk <> ?2",
            params![shop, walk],
        )?)
    }

    /// Stores changed levels.
    pub fn put_levels(
        &self,
        shop: &str,
        levels: &[LevelChange],
        read_at: Instant,
    ) -> Result<(), Error> {
        let mut put = self.conn.prepare_cached(PUT_LEVEL)?;
        for l in levels {
            put.execute(params![
                shop,
                l.item,
                l.location,
                l.available,
                ms(read_at),
                ms(l.updated_at)
            ])?;
        }
        Ok(())
    }

    /// Stores listings. `read_at` is when the request was sent; a number pushed since then is kept.
    pub fn put_listings(
        &self,
        key: &Key,
        listings: &[Listing],
        read_at: Instant,
        walk: Option<i64>,
    ) -> Result<(), Error> {
        let mut put = self.conn.prepare_cached(
            "insert into listing (shop, channel, id, parent, sku, title, state, reasons, quantity, reserved, buyable, sellers, facts, read_at, walk)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, coalesce(?15, 0))
             on conflict (shop, channel, id) do update set parent = ?4, sku = ?5, title = ?6, state = ?7, reasons = ?8,
               quantity = case when ?9 is not null and coalesce(pushed_at, 0) <= ?14 then ?9 else quantity end,
               reserved = coalesce(?10, reserved), buyable = coalesce(?11, buyable), sellers = ?12, facts = ?13, read_at = ?14,
               walk = coalesce(?15, walk)",
        )?;
        for l in listings {
            put.execute(params![
                key.shop,
                key.channel,
                l.id,
                l.parent,
                l.sku,
                l.title,
                json(&l.state),
                json(&l.reasons),
                l.quantity,
                l.reserved,
                l.buyable,
                l.sellers,
                json(&l.facts),
                ms(read_at),
                walk
            ])?;
        }
        Ok(())
    }

    /// Ends a full read, numbered by when it began: listings that it did not meet, and that nothing else has read since,
    /// are gone. Answers how many.
    pub fn end_listing_walk(&self, key: &Key, walk: i64) -> Result<usize, Error> {
        Ok(self.conn.execute(
            "delete from listing where shop = ?1 and channel = ?2 and walk <> ?3 and read_at < ?3",
            params![key.shop, key.channel, walk],
        )?)
    }

    /// Listings that a walk over everything has not come upon.
    pub fn listings_not_walked(&self, key: &Key, walk: i64) -> Result<Vec<String>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select id from listing where shop = ?1 and channel = ?2 and walk <> ?3 and read_at < ?3 order by id",
        )?;
        let rows = statement.query_map(params![key.shop, key.channel, walk], |r| r.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// All variants of the shop that have a SKU.
    pub fn shop_skus(&self, shop: &str) -> Result<Vec<ShopSku>, Error> {
        let mut statement = self
            .conn
            .prepare_cached("select id, item, sku, title, tracked from variant where shop = ?1 and sku is not null order by sku, id")?;
        let rows = statement.query_map(params![shop], shop_sku)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The variants with exactly this SKU.
    pub fn variants_with_sku(&self, shop: &str, sku: &str) -> Result<Vec<ShopSku>, Error> {
        let mut statement =
            self.conn.prepare_cached("select id, item, sku, title, tracked from variant where shop = ?1 and sku = ?2 order by id")?;
        let rows = statement.query_map(params![shop, sku], shop_sku)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many variants the mirror holds.
    pub fn variant_count(&self, shop: &str) -> Result<u64, Error> {
        Ok(self.conn.query_row(
            "select count(*) from variant where shop = ?1",
            params![shop],
            |r| r.get::<_, i64>(0),
        )? as u64)
    }

    /// SKUs of these variants as stored, to notice an edited SKU.
    pub fn sku_of_variant(
        &self,
        shop: &str,
        variant: &str,
    ) -> Result<Option<Option<String>>, Error> {
        Ok(self
            .conn
            .prepare_cached("select sku from variant where shop = ?1 and id = ?2")?
            .query_row(params![shop, variant], |r| r.get(0))
            .optional()?)
    }

    /// The item's variant ids.
    pub fn variants_of_item(&self, shop: &str, item: &str) -> Result<Vec<String>, Error> {
        let mut statement = self
            .conn
            .prepare_cached("select id from variant where shop = ?1 and item = ?2")?;
        let rows = statement.query_map(params![shop, item], |r| r.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// All listings of the channel.
    pub fn listings(&self, key: &Key) -> Result<Vec<ListingRow>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select id, coalesce(sku, ''), title, quantity, reserved, buyable, sellers, state, read_at
             from listing where shop = ?1 and channel = ?2 order by sku, id",
        )?;
        let rows = statement.query_map(params![key.shop, key.channel], listing)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The listings with exactly this SKU.
    pub fn listings_with_sku(&self, key: &Key, sku: &str) -> Result<Vec<ListingRow>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select id, coalesce(sku, ''), title, quantity, reserved, buyable, sellers, state, read_at
             from listing where shop = ?1 and channel = ?2 and sku = ?3 order by id",
        )?;
        let rows = statement.query_map(params![key.shop, key.channel, sku], listing)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Replaces links and mismatches; rows that stay keep their age. Answers (new, gone) links.
    pub fn replace_links(
        &self,
        key: &Key,
        links: &[LinkRow],
        mismatches: &[Mismatch],
        now: Instant,
    ) -> Result<(usize, usize), Error> {
        let mut before: HashMap<(String, String), LinkRow> = HashMap::new();
        {
            let mut statement = self.conn.prepare_cached(
                "select listing, variant, item, sku, part, pieces from link where shop = ?1 and channel = ?2",
            )?;
            let mut rows = statement.query(params![key.shop, key.channel])?;
            while let Some(r) = rows.next()? {
                let link = LinkRow {
                    listing: r.get(0)?,
                    variant: r.get(1)?,
                    item: r.get(2)?,
                    sku: r.get(3)?,
                    part: r.get(4)?,
                    pieces: r.get(5)?,
                };
                before.insert((link.listing.clone(), link.item.clone()), link);
            }
        }
        let was: HashSet<String> = before.keys().map(|(listing, _)| listing.clone()).collect();
        let is: HashSet<&str> = links.iter().map(|l| l.listing.as_str()).collect();
        let new = is.iter().filter(|listing| !was.contains(**listing)).count();
        let gone = was
            .iter()
            .filter(|listing| !is.contains(listing.as_str()))
            .count();
        let mut found = self.conn.prepare_cached(
            "update listing set lost = null where shop = ?1 and channel = ?2 and id = ?3",
        )?;
        let mut lose = self.conn.prepare_cached(
            "update listing set lost = ?4 where shop = ?1 and channel = ?2 and id = ?3 and sellers = 1 and state <> '\"ended\"'
               and not exists (select 1 from variant v where v.shop = ?1 and v.sku = listing.sku and v.tracked = 0)",
        )?;
        let mut put = self.conn.prepare_cached(
            "insert into link (shop, channel, listing, variant, item, sku, linked_at, part, pieces) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             on conflict (shop, channel, listing, item) do update set variant = ?4, sku = ?6, linked_at = ?7, part = ?8, pieces = ?9",
        )?;
        for l in links {
            if before.remove(&(l.listing.clone(), l.item.clone())).as_ref() == Some(l) {
                continue;
            }
            found.execute(params![key.shop, key.channel, l.listing])?;
            put.execute(params![
                key.shop,
                key.channel,
                l.listing,
                l.variant,
                l.item,
                l.sku,
                ms(now),
                l.part,
                l.pieces
            ])?;
        }
        let mut remove = self.conn.prepare_cached(
            "delete from link where shop = ?1 and channel = ?2 and listing = ?3 and item = ?4",
        )?;
        for LinkRow {
            listing, item, sku, ..
        } in before.values()
        {
            remove.execute(params![key.shop, key.channel, listing, item])?;
            if !is.contains(listing.as_str()) {
                lose.execute(params![key.shop, key.channel, listing, sku])?;
            }
        }
        let mut old: BTreeMap<(String, MismatchKind), Mismatch> = BTreeMap::new();
        for m in self.mismatches(key)? {
            old.insert((m.sku.clone(), m.kind), m);
        }
        let mut put = self.conn.prepare_cached(
            "insert into mismatch (shop, channel, sku, kind, detail, since) values (?1, ?2, ?3, ?4, ?5, ?6)
             on conflict (shop, channel, sku, kind) do update set detail = ?5",
        )?;
        for m in mismatches {
            let before = old.remove(&(m.sku.clone(), m.kind));
            if before.as_ref() == Some(m) {
                continue;
            }
            put.execute(params![
                key.shop,
                key.channel,
                m.sku,
                m.kind.text(),
                m.detail,
                ms(now)
            ])?;
            self.put_near(key, m)?;
        }
        let mut remove = self.conn.prepare_cached(
            "delete from mismatch where shop = ?1 and channel = ?2 and sku = ?3 and kind = ?4",
        )?;
        for m in old.into_values() {
            remove.execute(params![key.shop, key.channel, m.sku, m.kind.text()])?;
            self.put_near(
                key,
                &Mismatch {
                    near: Vec::new(),
                    ..m
                },
            )?;
        }
        Ok((new, gone))
    }

    /// Notes what a near miss nearly agrees with.
    fn put_near(&self, key: &Key, m: &Mismatch) -> Result<(), Error> {
        if m.kind != MismatchKind::NearMiss {
            return Ok(());
        }
        self.conn
            .prepare_cached("delete from near_miss where shop = ?1 and channel = ?2 and sku = ?3")?
            .execute(params![key.shop, key.channel, m.sku])?;
        let mut put = self.conn.prepare_cached(
            "insert into near_miss (shop, channel, sku, other) values (?1, ?2, ?3, ?4)",
        )?;
        for other in &m.near {
            put.execute(params![key.shop, key.channel, m.sku, other])?;
        }
        Ok(())
    }

    /// SKUs that are not in step.
    pub fn mismatches(&self, key: &Key) -> Result<Vec<Mismatch>, Error> {
        let mut statement = self.conn.prepare_cached(&format!(
            "select {MISMATCH} from mismatch m where shop = ?1 and channel = ?2 order by kind, sku"
        ))?;
        let mut rows = statement.query(params![key.shop, key.channel])?;
        let mut found = Vec::new();
        while let Some(r) = rows.next()? {
            found.push(mismatch(r)?);
        }
        Ok(found)
    }

    /// What is not in step, by kind: how many there are, and the first of them by SKU.
    pub fn first_mismatches(
        &self,
        key: &Key,
        first: u32,
    ) -> Result<Vec<(MismatchKind, u32, Vec<Mismatch>)>, Error> {
        let mut statement = self.conn.prepare_cached(&format!(
            "select {MISMATCH} from mismatch m where shop = ?1 and channel = ?2 and kind = ?3 order by sku limit ?4"
        ))?;
        let mut found = Vec::new();
        for (kind, count) in self.mismatches_by_kind(key)? {
            let mut rows = statement.query(params![key.shop, key.channel, kind.text(), first])?;
            let mut some = Vec::new();
            while let Some(r) = rows.next()? {
                some.push(mismatch(r)?);
            }
            found.push((kind, count, some));
        }
        Ok(found)
    }

    /// `available` of an item by location, with when it was read.
    pub fn levels(&self, shop: &str, item: &str) -> Result<Vec<(String, i64, Instant)>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select location, available, read_at from level where shop = ?1 and item = ?2 order by location",
        )?;
        let rows = statement.query_map(params![shop, item], |r| {
            Ok((r.get(0)?, r.get(1)?, at(r.get(2)?)))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many listings are linked.
    pub fn link_count(&self, key: &Key) -> Result<u32, Error> {
        Ok(self
            .conn
            .prepare_cached(
                "select count(*) - (select count(*) - count(distinct listing) from link where shop = ?1 and channel = ?2 and part is not null)
                 from link where shop = ?1 and channel = ?2",
            )?
            .query_row(params![key.shop, key.channel], |r| r.get(0))?)
    }

    /// Listings that were linked and are not any more, though the channel still sells them: nothing stands behind them.
    pub fn lost_rows(&self, key: &Key, only: Option<&[String]>) -> Result<Vec<StockRow>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select id, parent, coalesce(sku, lost), facts, quantity, title from listing
             where shop = ?1 and channel = ?2 and lost is not null
               and (?3 is null or lost in (select value from json_each(?3)) or id in (select value from json_each(?3)))
             order by lost, id",
        )?;
        let mut rows = statement.query(params![key.shop, key.channel, only.map(|s| json(&s))])?;
        let mut found = Vec::new();
        while let Some(r) = rows.next()? {
            found.push(StockRow {
                listing: r.get(0)?,
                parent: r.get(1)?,
                sku: r.get(2)?,
                parts: Vec::new(),
                facts: unjson(&r.get::<_, String>(3)?, "listing.facts")?,
                current: r.get(4)?,
                reserved: 0,
                title: r.get(5)?,
                withheld: 0,
            });
        }
        Ok(found)
    }

    /// The inputs of every link's level; of these SKUs or listings only, when given.
    ///
    /// `reserved` leaves out units that are about to be marked as shipped there, and those of which it is not known
    /// whether they are: counted, they might be offered again.
    ///
    /// `unseen` counts each unit that is sold and not dropped, whose order Shopify does not have yet, or has
    /// only since after the level was read: between the two, Shopify's number still contains it.
    pub fn stock_rows(
        &self,
        key: &Key,
        locations: &[String],
        only: Option<&[String]>,
    ) -> Result<Vec<StockRow>, Error> {
        let wanted = only.map(|only| self.linked_by(key, only)).transpose()?;
        // What is wanted comes first, so that not all links of the channel are read.
        let (first, of) = match wanted {
            Some(_) => ("json_each(?4) w cross join link k", "k.listing = w.value"),
            None => ("link k", "?4 is null"),
        };
        let mut statement = self.conn.prepare_cached(&format!(
            "select k.listing, i.parent, k.sku, k.item, i.facts, i.quantity, k.part, k.pieces,
               coalesce((select sum(l.available) from level l where l.shop = k.shop and l.item = k.item
                 and l.location in (select value from json_each(?3))), 0),
               i.title
             from {first} join listing i on i.shop = k.shop and i.channel = k.channel and i.id = k.listing
             where k.shop = ?1 and k.channel = ?2 and {of}
             order by k.sku, k.listing, k.part, k.item",
        ))?;
        let mut rows = statement.query(params![
            key.shop,
            key.channel,
            json(&locations),
            wanted.as_ref().map(json)
        ])?;
        let mut found: Vec<StockRow> = Vec::new();
        while let Some(r) = rows.next()? {
            let listing: String = r.get(0)?;
            let part = StockPart {
                part: r.get(6)?,
                pieces: r.get(7)?,
                available: r.get(8)?,
                unseen: 0,
                item: r.get(3)?,
            };
            if let Some(row) = found.last_mut().filter(|row| row.listing == listing) {
                row.parts.push(part);
                continue;
            }
            found.push(StockRow {
                parent: r.get(1)?,
                sku: r.get(2)?,
                parts: vec![part],
                facts: unjson(&r.get::<_, String>(4)?, "listing.facts")?,
                current: r.get(5)?,
                reserved: 0,
                listing,
                title: r.get(9)?,
                withheld: 0,
            });
        }
        let parts = || found.iter().flat_map(|row| &row.parts);
        let unseen = match only {
            Some(_) => self.unseen(&key.shop, Some(parts().map(|p| p.item.as_str()).collect()))?,
            None => self.unseen(&key.shop, None)?,
        };
        let reserved = match only {
            Some(_) => self.reserved(
                key,
                Some(found.iter().map(|r| r.listing.as_str()).collect()),
            )?,
            None => self.reserved(key, None)?,
        };
        for row in &mut found {
            row.reserved = reserved.get(&row.listing).copied().unwrap_or(0);
            for part in &mut row.parts {
                part.unseen = unseen.get(&part.item).copied().unwrap_or(0);
            }
        }
        Ok(found)
    }

    /// Of these SKUs or listings, the listings.
    fn linked_by(&self, key: &Key, only: &[String]) -> Result<BTreeSet<String>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select k.listing from json_each(?3) w cross join link k where k.shop = ?1 and k.channel = ?2 and k.sku = w.value",
        )?;
        let rows =
            statement.query_map(params![key.shop, key.channel, json(&only)], |r| r.get(0))?;
        let mut found: BTreeSet<String> = rows.collect::<Result<_, _>>()?;
        found.extend(only.iter().cloned());
        Ok(found)
    }

    /// Pieces sold that the shop's numbers do not contain yet, by item; of these items only, when given.
    fn unseen(&self, shop: &str, only: Option<Vec<&str>>) -> Result<HashMap<String, i64>, Error> {
        let narrow = match only {
            Some(_) => "u.item in (select value from json_each(?2))",
            None => "u.item is not null and ?2 is null",
        };
        let mut statement = self.conn.prepare_cached(&format!(
            "select u.item, count(*) from unit u
             join channel_order o on o.shop = u.shop and o.channel = u.channel and o.id = u.order_id
             where u.shop = ?1 and {narrow} and {UNSEEN}
             group by u.item",
        ))?;
        let rows = statement.query_map(params![shop, only.map(|s| json(&s))], |r| {
            Ok((r.get(0)?, r.get(1)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Units that the channel holds back by itself, by listing; of these listings only, when given.
    fn reserved(&self, key: &Key, only: Option<Vec<&str>>) -> Result<HashMap<String, u32>, Error> {
        let narrow = match only {
            Some(_) => "u.listing in (select value from json_each(?3))",
            None => "u.listing is not null and ?3 is null",
        };
        let mut statement = self.conn.prepare_cached(&format!(
            "select u.listing, count(*) from unit u
             where u.shop = ?1 and u.channel = ?2 and {narrow} and {RESERVED}
             group by u.listing",
        ))?;
        let only = only.map(|s| json(&s));
        let rows = statement.query_map(params![key.shop, key.channel, only], |r| {
            Ok((r.get(0)?, r.get(1)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Notes what a listing's number is now: what was pushed, or nothing known after a push of unknown fate. What was
    /// sent to it before counts no more.
    pub fn set_pushed(
        &self,
        key: &Key,
        listing: &str,
        quantity: Option<u32>,
        now: Instant,
    ) -> Result<(), Error> {
        self.conn
            .prepare_cached(
                "update listing set quantity = ?4, pushed = coalesce(?4, pushed), pushed_at = ?5 where shop = ?1 and channel = ?2 and id = ?3",
            )?
            .execute(params![key.shop, key.channel, listing, quantity, ms(now)])?;
        self.forget_sent(key, listing)
    }

    /// The number that a listing is known to have; none after a push of unknown fate, while one is on its way, or after
    /// one since `asked`.
    pub fn known_quantity(
        &self,
        key: &Key,
        listing: &str,
        asked: Instant,
    ) -> Result<Option<u32>, Error> {
        Ok(self
            .conn
            .prepare_cached(
                "select quantity from listing where shop = ?1 and channel = ?2 and id = ?3 and coalesce(pushed_at, 0) <= ?4
                   and not exists (select 1 from sent where sent.shop = ?1 and sent.channel = ?2 and sent.listing = ?3 and ticket is not null)",
            )?
            .query_row(params![key.shop, key.channel, listing, ms(asked)], |r| r.get(0))
            .optional()?
            .flatten())
    }
}

/// Of a unit `u` of an order `o`: it is sold, and the number that was read of its item does not contain it yet.
pub(super) const UNSEEN: &str = "u.channel_state <> 'dropped' and o.state <> 'ignored'
    and u.shop_state in ('absent', 'open')
    and (u.shop_state = 'absent'
      or o.created_at >= (select min(l.read_at) from level l where l.shop = u.shop and l.item = u.item))";

/// Of a unit `u`: the channel holds it back, and is not about to be told that it is shipped.
pub(super) const RESERVED: &str = "u.channel_state = 'open' and u.piece = 0
    and not exists (select 1 from unit s join parcel p on p.shop = s.shop and p.channel = s.channel and p.id = s.parcel
      where s.shop = u.shop and s.channel = u.channel and s.order_id = u.order_id and s.line = u.line
        and s.ordinal = u.ordinal and p.state in ('prepared', 'shipping', 'doubt'))";

const PUT_LEVEL: &str = "insert into level (shop, item, location, available, read_at, changed_at) values (?1, ?2, ?3, ?4, ?5, ?6)
    on conflict (shop, item, location) do update set available = ?4, read_at = ?5, changed_at = ?6 where level.read_at <= ?5";

/// What [`mismatch`] reads of `mismatch m`; what it nearly agrees with as a JSON array.
pub(super) const MISMATCH: &str = "m.sku, m.kind, m.detail,
    (select json_group_array(other order by other) from near_miss n where n.shop = m.shop and n.channel = m.channel and n.sku = m.sku)";

pub(super) fn mismatch_kind(text: &str) -> Result<MismatchKind, Error> {
    text.parse().map_err(|detail| Error::Content {
        column: "mismatch.kind",
        detail,
    })
}

pub(super) fn mismatch(r: &rusqlite::Row<'_>) -> Result<Mismatch, Error> {
    let kind = mismatch_kind(&r.get::<_, String>(1)?)?;
    Ok(Mismatch {
        sku: r.get(0)?,
        kind,
        detail: r.get(2)?,
        near: match kind {
            MismatchKind::NearMiss => unjson(&r.get::<_, String>(3)?, "near_miss.other")?,
            _ => Vec::new(),
        },
    })
}

fn shop_sku(r: &rusqlite::Row<'_>) -> rusqlite::Result<ShopSku> {
    Ok(ShopSku {
        variant: r.get(0)?,
        item: r.get(1)?,
        sku: r.get(2)?,
        title: r.get(3)?,
        tracked: r.get(4)?,
    })
}

fn listing(r: &rusqlite::Row<'_>) -> rusqlite::Result<ListingRow> {
    Ok(ListingRow {
        id: r.get(0)?,
        sku: r.get(1)?,
        title: r.get(2)?,
        quantity: r.get(3)?,
        reserved: r.get(4)?,
        buyable: r.get(5)?,
        sellers: r.get(6)?,
        ended: r.get::<_, String>(7)? == "\"ended\"",
        read_at: at(r.get(8)?),
    })
}
