//! What was asked of both sides, and what they answered: one row for each HTTP exchange made for an order, and for each
//! cycle the sums of the rest.

use rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;

use super::{Error, Tx, at, ms};
use crate::model::{Exchange, Instant, Key, Side};

const DAY_MS: i64 = 24 * 3_600_000;
/// How long exchanges are kept, in milliseconds: 90 days.
const KEPT_MS: i64 = 90 * DAY_MS;
/// How long the sums of a channel's cycles are kept, in milliseconds: 7 days.
const SUMS_KEPT_MS: i64 = 7 * DAY_MS;
/// Rows removed at once, so that no cycle waits for it.
const REMOVED_AT_ONCE: u32 = 500;
/// Rows of one order. What is tried again without end is counted from then on, not listed.
const MOST_ROWS: u32 = 300;

const EXCHANGE: &str = "at, last_at, cause, side, call, method, path, status, error, ms, bytes, try, cost, request_id, count, failed";

/// How often a channel made a call, and how that went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CallSum {
    /// Who was asked.
    pub side: Side,
    /// The contract's function or the GraphQL operation.
    pub call: String,
    /// Exchanges.
    pub count: u32,
    /// Of them, failed.
    pub failed: u32,
    /// Milliseconds in all.
    pub ms: u64,
    /// Bytes of the answers in all.
    pub bytes: u64,
    /// Shopify's points in all.
    pub cost: u64,
}

impl Tx<'_> {
    /// Adds exchanges of a subject, the one sent first in front.
    pub fn put_exchanges(&self, key: &Key, subject: &str, rows: &[Exchange]) -> Result<(), Error> {
        let mut there: u32 = match subject {
            // A channel's rows are few for each cycle.
            "channel" => 0,
            _ => self
                .conn
                .prepare_cached(
                    "select count(*) from (select 1 from exchange where shop = ?1 and channel = ?2 and subject = ?3 limit ?4)",
                )?
                .query_row(params![key.shop, key.channel, subject, MOST_ROWS], |r| r.get(0))?,
        };
        for row in rows {
            if there >= MOST_ROWS && self.count_in(key, subject, row)? {
                continue;
            }
            self.conn
                .prepare_cached(&format!(
                    "insert into exchange (shop, channel, subject, {EXCHANGE})
                     values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)"
                ))?
                .execute(params![
                    key.shop,
                    key.channel,
                    subject,
                    ms(row.at),
                    ms(row.last_at),
                    row.cause,
                    row.side.text(),
                    row.call,
                    row.method,
                    row.path,
                    row.status,
                    row.error,
                    whole(row.ms),
                    whole(row.bytes),
                    row.attempt,
                    row.cost,
                    row.request_id,
                    row.count,
                    row.failed
                ])?;
            there += u32::from(subject != "channel");
        }
        Ok(())
    }

    /// Counts an exchange in the newest row of its kind, if there is one.
    fn count_in(&self, key: &Key, subject: &str, row: &Exchange) -> Result<bool, Error> {
        let found = self
            .conn
            .prepare_cached(&format!(
                "select {EXCHANGE}, id from exchange
                 where shop = ?1 and channel = ?2 and subject = ?3 and cause = ?4 and side = ?5 and call = ?6
                   and status is ?7 and (error is null) = (?8 is null) order by id desc limit 1"
            ))?
            .query_row(
                params![
                    key.shop,
                    key.channel,
                    subject,
                    row.cause,
                    row.side.text(),
                    row.call,
                    row.status,
                    row.error
                ],
                |r| Ok((exchange(r)?, r.get::<_, i64>(16)?)),
            )
            .optional()?;
        let Some((mut sum, id)) = found else {
            return Ok(false);
        };
        sum.absorb(row);
        self.conn
            .prepare_cached(
                "update exchange set last_at = ?2, error = ?3, ms = ?4, bytes = ?5, try = null, cost = ?6, request_id = null, count = ?7, failed = ?8
                 where id = ?1",
            )?
            .execute(params![
                id,
                ms(sum.last_at),
                sum.error,
                whole(sum.ms),
                whole(sum.bytes),
                sum.cost,
                sum.count,
                sum.failed
            ])?;
        Ok(true)
    }

    /// The newest exchanges of a subject, oldest first.
    pub fn exchanges(&self, key: &Key, subject: &str, limit: u32) -> Result<Vec<Exchange>, Error> {
        self.newest_exchanges(key, subject, limit, "")
    }

    /// The newest failed exchanges of a subject, oldest first.
    pub fn failed_exchanges(
        &self,
        key: &Key,
        subject: &str,
        limit: u32,
    ) -> Result<Vec<Exchange>, Error> {
        self.newest_exchanges(key, subject, limit, "and failed > 0")
    }

    fn newest_exchanges(
        &self,
        key: &Key,
        subject: &str,
        limit: u32,
        which: &'static str,
    ) -> Result<Vec<Exchange>, Error> {
        let mut statement = self.conn.prepare_cached(&format!(
            "select {EXCHANGE} from exchange where shop = ?1 and channel = ?2 and subject = ?3 {which} order by id desc limit ?4"
        ))?;
        let rows = statement.query_map(params![key.shop, key.channel, subject, limit], exchange)?;
        let mut rows = rows.collect::<Result<Vec<_>, _>>()?;
        rows.reverse();
        Ok(rows)
    }

    /// How often each call was made for a channel since then, and how that went. At most seven days back.
    pub fn exchange_sums(&self, key: &Key, since: Instant) -> Result<Vec<CallSum>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select side, call, sum(count), sum(failed), sum(ms), sum(bytes), sum(coalesce(cost, 0)) from exchange
             where shop = ?1 and channel = ?2 and at >= ?3 group by side, call order by side, call",
        )?;
        let rows = statement.query_map(params![key.shop, key.channel, ms(since)], |r| {
            Ok(CallSum {
                side: Side::parse(&r.get::<_, String>(0)?),
                call: r.get(1)?,
                count: r.get(2)?,
                failed: r.get(3)?,
                ms: natural(r.get(4)?),
                bytes: natural(r.get(5)?),
                cost: natural(r.get(6)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Removes some of what is older than it is kept.
    pub(super) fn prune_exchanges(&self, now: Instant) -> Result<(), Error> {
        self.conn
            .prepare_cached(
                "delete from exchange where id in (select id from exchange where at < ?1 order by at limit ?2)",
            )?
            .execute(params![ms(now) - KEPT_MS, REMOVED_AT_ONCE])?;
        self.conn
            .prepare_cached(
                "delete from exchange where id in
                   (select id from exchange where subject = 'channel' and try is null and at < ?1 order by at limit ?2)",
            )?
            .execute(params![ms(now) - SUMS_KEPT_MS, REMOVED_AT_ONCE])?;
        Ok(())
    }
}

fn whole(n: u64) -> i64 {
    n.try_into().unwrap_or(i64::MAX)
}

fn natural(n: i64) -> u64 {
    n.try_into().unwrap_or(0)
}

fn exchange(r: &Row<'_>) -> rusqlite::Result<Exchange> {
    Ok(Exchange {
        at: at(r.get(0)?),
        last_at: at(r.get(1)?),
        cause: r.get(2)?,
        side: Side::parse(&r.get::<_, String>(3)?),
        call: r.get(4)?,
        method: r.get(5)?,
        path: r.get(6)?,
        status: r.get(7)?,
        error: r.get(8)?,
        ms: natural(r.get(9)?),
        bytes: natural(r.get(10)?),
        attempt: r.get(11)?,
        cost: r.get(12)?,
        request_id: r.get(13)?,
        count: r.get(14)?,
        failed: r.get(15)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::store::in_memory;

    fn key() -> Key {
        Key::new("kestrel", "the-iconic")
    }

    fn row(at: i64, status: u16, error: Option<&str>) -> Exchange {
        let at = super::at(at);
        let mut row = Exchange::begun(at, "create".into(), Side::Shop, "OrderCreate".into(), 1);
        row.method = Some("POST".into());
        row.path = Some("/graphql.json".into());
        (row.status, row.error) = (Some(status), error.map(str::to_owned));
        (row.ms, row.bytes, row.cost) = (7, 70, Some(10));
        row.request_id = Some("r-1".into());
        row.judge();
        row
    }

    #[test]
    fn what_is_put_is_read_back() {
        let conn = in_memory();
        let tx = Tx { conn: &conn };
        let rows = [row(1_000, 500, Some("unavailable")), row(2_000, 200, None)];
        tx.put_exchanges(&key(), "order:1", &rows).unwrap();
        tx.put_exchanges(&key(), "order:2", &rows[..1]).unwrap();
        let read = |limit| tx.exchanges(&key(), "order:1", limit).unwrap();
        assert_eq!(read(9), rows);
        assert_eq!(read(1), rows[1..]);
        let failed = tx.failed_exchanges(&key(), "order:1", 9).unwrap();
        assert_eq!(failed, rows[..1]);
        let sums = tx.exchange_sums(&key(), at(1_500)).unwrap();
        assert_eq!((sums[0].count, sums[0].failed, sums[0].cost), (1, 0, 10));
    }

    #[test]
    fn an_order_that_fails_without_end_has_no_rows_without_end() {
        let conn = in_memory();
        let tx = Tx { conn: &conn };
        let all: Vec<Exchange> = (0..1_000)
            .map(|n| match n % 2 {
                0 => row(n, 200, None),
                _ => row(n, 422, Some(&format!("refused: {n}"))),
            })
            .collect();
        for some in all.chunks(10) {
            tx.put_exchanges(&key(), "order:1", some).unwrap();
        }
        let rows = tx.exchanges(&key(), "order:1", 2_000).unwrap();
        assert_eq!(rows.len(), MOST_ROWS as usize);
        assert_eq!(rows.iter().map(|r| r.count).sum::<u32>(), 1_000);
        assert_eq!(rows.iter().map(|r| r.failed).sum::<u32>(), 500);
        let (first, last) = (&rows[0], &rows[MOST_ROWS as usize - 1]);
        assert_eq!((first.at, first.count), (at(0), 1));
        assert_eq!(
            (last.count, last.error.as_deref()),
            (351, Some("refused: 999"))
        );
        assert_eq!((last.at, last.last_at), (at(299), at(999)));
    }

    #[test]
    fn what_is_old_goes_and_sums_go_sooner() {
        let conn = in_memory();
        let tx = Tx { conn: &conn };
        let aged = |days: i64| row((1_000 - days) * DAY_MS, 200, None);
        let sum = |days: i64| Exchange {
            attempt: None,
            ..aged(days)
        };
        tx.put_exchanges(&key(), "order:1", &[aged(91), aged(89), sum(8)])
            .unwrap();
        tx.put_exchanges(&key(), "channel", &[aged(91), sum(8), aged(8), sum(6)])
            .unwrap();
        tx.prune_exchanges(at(1_000 * DAY_MS)).unwrap();
        let days = |subject: &str| -> Vec<i64> {
            let rows = tx.exchanges(&key(), subject, 9).unwrap();
            rows.iter().map(|r| 1_000 - ms(r.at) / DAY_MS).collect()
        };
        assert_eq!(days("order:1"), [89, 8]);
        assert_eq!(days("channel"), [8, 6]);
    }
}
