//! Figures for a monitoring system: cheap to count at any time, however large the catalogue.

use rusqlite::params;

use super::catalog::mismatch_kind;
use super::{ChannelState, Error, Tx, at, ms};
use crate::model::{Instant, Key, MismatchKind};

/// How one channel stands.
#[derive(Clone, Debug)]
pub struct ChannelStatus {
    /// Linked SKUs.
    pub linked: u32,
    /// SKUs that are not in step, by kind.
    pub mismatches: Vec<(MismatchKind, u32)>,
    /// Linked listings whose number at the channel is not known for sure.
    pub unsure: u32,
    /// Units to be dispatched.
    pub open_units: u32,
    /// Of them, past their deadline.
    pub late_units: u32,
    /// The next deadline, also when it has passed.
    pub next_deadline: Option<Instant>,
}

/// What a monitoring system is told of one channel.
#[derive(Clone, Debug)]
pub struct ChannelFigures {
    /// Which.
    pub key: Key,
    /// Whether it is worked.
    pub state: ChannelState,
    /// Failed cycles in a row.
    pub failures: u32,
    /// When it is due.
    pub due_at: Instant,
    /// When the newest cycle ended that ran through all flows; before the first, when the channel was added.
    pub whole_at: Instant,
    /// How it stands.
    pub status: ChannelStatus,
    /// Orders by state.
    pub orders: Vec<(String, u32)>,
    /// Orders that a person should look at.
    pub orders_for_attention: u32,
    /// Parcels that a person should look at.
    pub parcels_for_attention: u32,
    /// Listings whose number changed in the shop and is not applied at the channel yet.
    pub changes_waiting: u32,
    /// Since when the oldest of them waits.
    pub oldest_change: Option<Instant>,
}

/// Bytes of the database's files.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileSizes {
    /// The database itself.
    pub main: u64,
    /// What was written since the last checkpoint.
    pub wal: u64,
}

const CHANNELS: &str =
    "select shop, channel, state, failures, due_at, added_at,
    (select max(ended_at) from cycle y where y.shop = c.shop and y.channel = c.channel and y.outcome in ('done', 'waits'))
    from channel c order by shop, channel";
const UNITS: &str =
    "select count(*), sum(o.ship_by < ?3), min(o.ship_by)
    from unit u join channel_order o on o.shop = u.shop and o.channel = u.channel and o.id = u.order_id
    where u.shop = ?1 and u.channel = ?2 and u.piece = 0 and u.channel_state in ('open', 'held')
    and o.state not in ('ignored', 'cancelled', 'closed')";
const WAITING: &str = "select count(*), min(since) from lagging where shop = ?1 and channel = ?2";
const UNSURE: &str =
    "select count(*) from listing i indexed by listing_unsure where shop = ?1 and channel = ?2 and quantity is null
    and exists (select 1 from link k where k.shop = i.shop and k.channel = i.channel and k.listing = i.id)";
const MISMATCHES: &str = "select kind, count(*) from mismatch where shop = ?1 and channel = ?2 group by kind order by kind";
const ORDERS: &str = "select state, count(*) from channel_order where shop = ?1 and channel = ?2 group by state order by state";
const ORDERS_FOR_ATTENTION: &str = "select count(*) from channel_order indexed by order_attention where shop = ?1 and channel = ?2 and attention = 1";
const PARCELS_FOR_ATTENTION: &str =
    "select count(*) from parcel where shop = ?1 and channel = ?2 and attention = 1";

impl Tx<'_> {
    /// How a channel stands now.
    pub fn status(&self, key: &Key, now: Instant) -> Result<ChannelStatus, Error> {
        let k = params![key.shop, key.channel];
        let (open_units, late_units, next): (u32, Option<u32>, Option<i64>) = self
            .conn
            .prepare_cached(UNITS)?
            .query_row(params![key.shop, key.channel, ms(now)], |r| {
                Ok((r.get(0)?, r.get(1)?, r.get(2)?))
            })?;
        Ok(ChannelStatus {
            linked: self.link_count(key)?,
            mismatches: self.mismatches_by_kind(key)?,
            unsure: (self.conn.prepare_cached(UNSURE)?).query_row(k, |r| r.get(0))?,
            open_units,
            late_units: late_units.unwrap_or(0),
            next_deadline: next.map(at),
        })
    }

    /// How many SKUs are not in step, by kind.
    pub(super) fn mismatches_by_kind(&self, key: &Key) -> Result<Vec<(MismatchKind, u32)>, Error> {
        let mut statement = self.conn.prepare_cached(MISMATCHES)?;
        let rows = statement.query_map(params![key.shop, key.channel], |r| {
            Ok((r.get::<_, String>(0)?, r.get(1)?))
        })?;
        rows.map(|row| {
            let (kind, count) = row?;
            Ok((mismatch_kind(&kind)?, count))
        })
        .collect()
    }

    /// Orders by state.
    pub fn orders_by_state(&self, key: &Key) -> Result<Vec<(String, u32)>, Error> {
        let mut statement = self.conn.prepare_cached(ORDERS)?;
        let rows = statement.query_map(params![key.shop, key.channel], |r| {
            Ok((r.get(0)?, r.get(1)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The figures of every channel.
    pub fn figures(&self, now: Instant) -> Result<Vec<ChannelFigures>, Error> {
        let mut statement = self.conn.prepare_cached(CHANNELS)?;
        let rows = statement.query_map([], |r| {
            Ok((
                Key::new(r.get::<_, String>(0)?, r.get::<_, String>(1)?),
                ChannelState::parse(&r.get::<_, String>(2)?),
                r.get::<_, u32>(3)?,
                at(r.get(4)?),
                at(r.get::<_, Option<i64>>(6)?.unwrap_or(r.get(5)?)),
            ))
        })?;
        let mut found = Vec::new();
        for row in rows {
            let (key, state, failures, due_at, whole_at) = row?;
            found.push(self.figures_of(key, state, failures, due_at, whole_at, now)?);
        }
        Ok(found)
    }

    fn figures_of(
        &self,
        key: Key,
        state: ChannelState,
        failures: u32,
        due_at: Instant,
        whole_at: Instant,
        now: Instant,
    ) -> Result<ChannelFigures, Error> {
        let k = params![key.shop, key.channel];
        let one = |sql: &str| -> Result<u32, Error> {
            Ok(self.conn.prepare_cached(sql)?.query_row(k, |r| r.get(0))?)
        };
        let (changes_waiting, oldest): (u32, Option<i64>) = self
            .conn
            .prepare_cached(WAITING)?
            .query_row(k, |r| Ok((r.get(0)?, r.get(1)?)))?;
        Ok(ChannelFigures {
            status: self.status(&key, now)?,
            orders: self.orders_by_state(&key)?,
            orders_for_attention: one(ORDERS_FOR_ATTENTION)?,
            parcels_for_attention: one(PARCELS_FOR_ATTENTION)?,
            changes_waiting,
            oldest_change: oldest.map(at),
            key,
            state,
            failures,
            due_at,
            whole_at,
        })
    }
}

impl super::Store {
    /// How large the database's files are; zero for one that is not there.
    pub fn file_sizes(&self) -> FileSizes {
        let size = |suffix: &str| {
            let path = format!("{}{suffix}", self.path().display());
            std::fs::metadata(path).map_or(0, |m| m.len())
        };
        FileSizes {
            main: size(""),
            wal: size("-wal"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 100,000 linked SKUs, 50,000 orders of which 3,000 are open, and a month of cycles that failed.
    const LARGE: &str = "
        insert into shop (shop, base_url, allow_local, auth, added_at) values ('s', '', 0, 'token', 0);
        insert into channel (shop, channel, plugin, title, allow_local, settings, policy, extras, locations, orders_from, state, due_at, added_at)
          values ('s', 'c', 'p', 't', 0, '{}', '{}', '[]', '[]', 0, 'active', 0, 7);
        create temp table n (i integer primary key);
        insert into n with recursive n(i) as (select 0 union all select i + 1 from n where i < 99999) select i from n;
        insert into listing (shop, channel, id, sku, title, state, reasons, quantity, sellers, facts, read_at)
          select 's', 'c', 'l' || i, 'SKU-' || i, 't', '\"buyable\"', '[]', case when i % 200 = 0 then null else 5 end, 1, '[]', 0 from n;
        insert into link (shop, channel, listing, variant, item, sku, linked_at)
          select 's', 'c', 'l' || i, 'v' || i, 'i' || i, 'SKU-' || i, 0 from n;
        insert into mismatch select 's', 'c', 'M' || i, iif(i % 2, 'no-listing', 'no-variant'), '', 0 from n where i < 20000;
        insert into channel_order (shop, channel, id, number, state, attention, snapshot, digest, placed_at, ship_by, seen_at, changed_at)
          select 's', 'c', i, i, iif(i >= 47000, 'created', 'closed'), i % 1000 = 0, printf('%.1000c', 'x'), '', i, i, 0, 0 from n where i < 50000;
        insert into unit (shop, channel, order_id, line, ordinal, sku, channel_state, shop_state)
          select 's', 'c', i, '1', 0, 'x', iif(i >= 47000, 'open', 'shipped'), 'open' from n where i < 50000;
        insert into cycle (shop, channel, started_at, ended_at, outcome)
          select 's', 'c', i, i, iif(i < 10, 'done', 'unavailable') from n where i < 40000;
        insert into lagging select 's', 'c', 'l' || i, 100 + i, 0 from n where i < 50;";

    #[test]
    fn figures_of_a_large_catalogue_are_counted_from_indexes() {
        let conn = crate::db::store::in_memory();
        conn.execute_batch(LARGE).unwrap();
        let tx = Tx { conn: &conn };
        let begun = std::time::Instant::now();
        let found = tx.figures(at(48_000)).unwrap();
        let took = begun.elapsed();
        eprintln!("figures of 100,000 SKUs and 50,000 orders: {took:?}");
        let [f] = found.as_slice() else {
            panic!("{found:?}")
        };
        let status = &f.status;
        assert_eq!((status.linked, status.unsure), (100_000, 500));
        assert_eq!(f.whole_at, at(9));
        assert_eq!((status.open_units, status.late_units), (3_000, 1_000));
        assert_eq!(status.next_deadline, Some(at(47_000)));
        assert_eq!((f.orders_for_attention, f.parcels_for_attention), (50, 0));
        assert_eq!((f.changes_waiting, f.oldest_change), (50, Some(at(100))));
        assert!(
            status
                .mismatches
                .contains(&(MismatchKind::NoVariant, 10_000))
        );
        assert!(f.orders.contains(&("closed".to_owned(), 47_000)));

        // Its time depends on the machine; that no table is read row by row does not.
        for sql in [
            CHANNELS,
            UNITS,
            WAITING,
            UNSURE,
            MISMATCHES,
            ORDERS,
            ORDERS_FOR_ATTENTION,
            PARCELS_FOR_ATTENTION,
        ] {
            let mut statement = conn.prepare(&format!("explain query plan {sql}")).unwrap();
            let given = statement.parameter_count();
            let values = ["s", "c", "0"].into_iter().take(given);
            let plan: Vec<String> = statement
                .query_map(rusqlite::params_from_iter(values), |r| r.get(3))
                .unwrap()
                .map(Result::unwrap)
                .collect();
            for step in plan {
                let all = step.starts_with("SCAN") && !step.starts_with("SCAN c");
                assert!(!all, "{step}\n{sql}");
            }
        }
        assert!(took.as_secs() < 2, "{took:?}");
    }

    #[test]
    fn a_channel_without_cycles_lags_since_it_was_added() {
        let conn = crate::db::store::in_memory();
        let channel = LARGE.split("create temp").next().unwrap();
        conn.execute_batch(channel).unwrap();
        let found = Tx { conn: &conn }.figures(at(0)).unwrap();
        assert_eq!(found[0].whole_at, at(7));
        assert_eq!(found[0].status.next_deadline, None);
        assert_eq!(found[0].status.late_units, 0);
    }
}
