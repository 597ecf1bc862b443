//! What bundles are made of, and the units of orders that were sold as bundles.

use std::collections::BTreeMap;

use rusqlite::params;

use super::{Error, Tx, unjson};
use crate::model::{Candidate, Key, Part};

/// The parts of each bundle of a channel, by the listing's SKU.
pub type Bundles = BTreeMap<String, Vec<Part>>;

impl Tx<'_> {
    /// The channel's bundles.
    pub fn bundles(&self, key: &Key) -> Result<Bundles, Error> {
        let mut statement = self.conn.prepare_cached(
            "select sku, part, pieces, weight from bundle where shop = ?1 and channel = ?2 order by sku, position",
        )?;
        let mut rows = statement.query(params![key.shop, key.channel])?;
        let mut bundles = Bundles::new();
        while let Some(r) = rows.next()? {
            bundles.entry(r.get(0)?).or_default().push(Part {
                sku: r.get(1)?,
                pieces: r.get(2)?,
                weight: r.get(3)?,
            });
        }
        Ok(bundles)
    }

    /// The parts of one SKU; none when it is no bundle.
    pub fn parts_of(&self, key: &Key, sku: &str) -> Result<Vec<Part>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select part, pieces, weight from bundle where shop = ?1 and channel = ?2 and sku = ?3 order by position",
        )?;
        let rows = statement.query_map(params![key.shop, key.channel, sku], |r| {
            Ok(Part {
                sku: r.get(0)?,
                pieces: r.get(1)?,
                weight: r.get(2)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The listings that could be bundles: those that are sold and have a SKU.
    pub fn candidates(&self, key: &Key) -> Result<Vec<Candidate>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select id, sku, title, facts from listing
             where shop = ?1 and channel = ?2 and sku <> '' and sellers = 1 and state <> '\"ended\"' order by sku, id",
        )?;
        let mut rows = statement.query(params![key.shop, key.channel])?;
        let mut found = Vec::new();
        while let Some(r) = rows.next()? {
            found.push(Candidate {
                listing: r.get(0)?,
                sku: r.get(1)?,
                title: r.get(2)?,
                facts: unjson(&r.get::<_, String>(3)?, "listing.facts")?,
            });
        }
        Ok(found)
    }

    /// Replaces the channel's bundles.
    pub fn replace_bundles(&self, key: &Key, bundles: &Bundles) -> Result<(), Error> {
        self.conn.execute(
            "delete from bundle where shop = ?1 and channel = ?2",
            params![key.shop, key.channel],
        )?;
        let mut put = self.conn.prepare_cached(
            "insert into bundle (shop, channel, sku, position, part, pieces, weight) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        for (sku, parts) in bundles {
            for (position, part) in parts.iter().enumerate() {
                put.execute(params![
                    key.shop,
                    key.channel,
                    sku,
                    position as i64,
                    part.sku,
                    part.pieces,
                    part.weight
                ])?;
            }
        }
        Ok(())
    }

    /// Gives each unit of a bundle one row for each piece of its parts, and each unit of another SKU one row. Orders
    /// that Shopify has, or may have, keep the parts that they were created with.
    pub(super) fn explode_units(&self, key: &Key) -> Result<(), Error> {
        let mut statement = self.conn.prepare_cached(
            "select u.order_id, u.line, u.ordinal, coalesce(u.sku, ''), u.listing, u.channel_state
             from unit u join channel_order o on o.shop = u.shop and o.channel = u.channel and o.id = u.order_id
             where u.shop = ?1 and u.channel = ?2 and u.piece = 0 and u.shop_state = 'absent' and u.channel_state <> 'dropped'
               and o.state in ('seen', 'held', 'blocked', 'ready')
               and (u.part is not null
                 or exists (select 1 from bundle b where b.shop = u.shop and b.channel = u.channel and b.sku = u.sku))",
        )?;
        let mut rows = statement.query(params![key.shop, key.channel])?;
        let mut units: Vec<(String, String, u32, String, Option<String>, String)> = Vec::new();
        while let Some(r) = rows.next()? {
            units.push((
                r.get(0)?,
                r.get(1)?,
                r.get(2)?,
                r.get(3)?,
                r.get(4)?,
                r.get(5)?,
            ));
        }
        let mut known = self.conn.prepare_cached(
            "select part from unit where shop = ?1 and channel = ?2 and order_id = ?3 and line = ?4 and ordinal = ?5 order by piece",
        )?;
        let mut remove = self.conn.prepare_cached(
            "delete from unit where shop = ?1 and channel = ?2 and order_id = ?3 and line = ?4 and ordinal = ?5",
        )?;
        let mut put = self.conn.prepare_cached(
            "insert into unit (shop, channel, order_id, line, ordinal, piece, sku, listing, part, channel_state, shop_state)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'absent')",
        )?;
        for (order, line, ordinal, sku, listing, state) in units {
            let mut wanted: Vec<Option<String>> = Vec::new();
            for part in self.parts_of(key, &sku)? {
                wanted.extend((0..part.pieces).map(|_| Some(part.sku.clone())));
            }
            if wanted.is_empty() {
                wanted.push(None);
            }
            let unit = params![key.shop, key.channel, order, line, ordinal];
            let there: Vec<Option<String>> = known
                .query_map(unit, |r| r.get(0))?
                .collect::<Result<_, _>>()?;
            if there == wanted {
                continue;
            }
            remove.execute(unit)?;
            for (piece, part) in wanted.iter().enumerate() {
                put.execute(params![
                    key.shop,
                    key.channel,
                    order,
                    line,
                    ordinal,
                    piece as i64,
                    sku,
                    listing,
                    part,
                    state
                ])?;
            }
        }
        Ok(())
    }
}
