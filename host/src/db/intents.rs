//! Effects on the outside: a row before, settled after.

use rusqlite::{OptionalExtension, Row, params};

use super::{Error, Tx, at, ms, unjson};
use crate::model::{Instant, Key, NewOrder};

/// How many intents of one kind and subject are kept, the one that is begun among them.
const SETTLED_KEPT: u32 = 20;

/// What an intent is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntentKind {
    /// Accept or refuse an order at the channel.
    Accept,
    /// Create an order in Shopify.
    OrderCreate,
    /// Cancel an order in Shopify.
    OrderCancel,
    /// Remove units from an order in Shopify.
    UnitsRemove,
    /// Cancel units at the channel.
    ChannelCancel,
    /// Tell the channel carrier and tracking.
    ParcelPrepare,
    /// Mark units as shipped at the channel.
    ParcelShip,
}

impl IntentKind {
    /// As stored and shown.
    pub fn text(self) -> &'static str {
        match self {
            IntentKind::Accept => "accept",
            IntentKind::OrderCreate => "order-create",
            IntentKind::OrderCancel => "order-cancel",
            IntentKind::UnitsRemove => "units-remove",
            IntentKind::ChannelCancel => "channel-cancel",
            IntentKind::ParcelPrepare => "parcel-prepare",
            IntentKind::ParcelShip => "parcel-ship",
        }
    }
}

/// An effect that was begun and whose outcome is not recorded yet.
#[derive(Clone, Debug)]
pub struct Intent {
    /// Row id.
    pub id: i64,
    /// What it acts on: an order or parcel id.
    pub subject: String,
    /// What was sent, JSON.
    pub payload: String,
    /// When it was written first.
    pub made_at: Instant,
    /// When the effect was tried last.
    pub attempted_at: Instant,
    /// Look-ups that found nothing since the last try.
    pub looked_up: u32,
}

impl Tx<'_> {
    /// The order as it was sent to Shopify last; none when it never was.
    pub fn order_sent(&self, key: &Key, order: &str) -> Result<Option<NewOrder>, Error> {
        let payload: Option<String> = self
            .conn
            .prepare_cached(
                "select payload from intent where shop = ?1 and channel = ?2 and subject = ?3 and kind = 'order-create'
                 order by id desc limit 1",
            )?
            .query_row(params![key.shop, key.channel, order], |r| r.get(0))
            .optional()?;
        payload
            .map(|text| unjson(&text, "intent.payload"))
            .transpose()
    }

    /// Writes an intent. Fails when one of the same kind is open for the subject. Of those that are settled the
    /// newest twenty stay.
    pub fn begin_intent(
        &self,
        key: &Key,
        kind: IntentKind,
        subject: &str,
        payload: &str,
        now: Instant,
    ) -> Result<i64, Error> {
        // One that cannot be sent is written anew by each cycle.
        self.conn
            .prepare_cached(
                "delete from intent where id in (
                   select id from intent where shop = ?1 and channel = ?2 and subject = ?3 and kind = ?4 and settled_at is not null
                   order by id desc limit -1 offset ?5)",
            )?
            .execute(params![key.shop, key.channel, subject, kind.text(), SETTLED_KEPT - 1])?;
        self.conn
            .prepare_cached(
                "insert into intent (shop, channel, kind, subject, payload, made_at, attempted_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
            )?
            .execute(params![key.shop, key.channel, kind.text(), subject, payload, ms(now)])?;
        Ok(self.conn.last_insert_rowid())
    }

    /// The open intent of a subject.
    pub fn open_intent(
        &self,
        key: &Key,
        kind: IntentKind,
        subject: &str,
    ) -> Result<Option<Intent>, Error> {
        Ok(self
            .conn
            .prepare_cached(
                "select id, subject, payload, made_at, attempted_at, looked_up from intent
                 where shop = ?1 and channel = ?2 and kind = ?3 and subject = ?4 and settled_at is null",
            )?
            .query_row(params![key.shop, key.channel, kind.text(), subject], intent)
            .optional()?)
    }

    /// All open intents of a kind, oldest first.
    pub fn open_intents(&self, key: &Key, kind: IntentKind) -> Result<Vec<Intent>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select id, subject, payload, made_at, attempted_at, looked_up from intent
             where shop = ?1 and channel = ?2 and kind = ?3 and settled_at is null order by id",
        )?;
        let rows = statement.query_map(params![key.shop, key.channel, kind.text()], intent)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Notes a look-up that found nothing.
    pub fn count_look_up(&self, id: i64) -> Result<(), Error> {
        self.conn.execute(
            "update intent set looked_up = looked_up + 1 where id = ?1",
            params![id],
        )?;
        Ok(())
    }

    /// Notes that the effect is tried again now.
    pub fn try_again(&self, id: i64, now: Instant) -> Result<(), Error> {
        self.conn.execute(
            "update intent set attempted_at = ?2, looked_up = 0 where id = ?1",
            params![id, ms(now)],
        )?;
        Ok(())
    }

    /// Records what became of it.
    pub fn settle(&self, id: i64, outcome: &str, now: Instant) -> Result<(), Error> {
        self.conn
            .prepare_cached("update intent set settled_at = ?2, outcome = ?3 where id = ?1 and settled_at is null")?
            .execute(params![id, ms(now), outcome])?;
        Ok(())
    }
}

fn intent(r: &Row<'_>) -> rusqlite::Result<Intent> {
    Ok(Intent {
        id: r.get(0)?,
        subject: r.get(1)?,
        payload: r.get(2)?,
        made_at: at(r.get(3)?),
        attempted_at: at(r.get(4)?),
        looked_up: r.get(5)?,
    })
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;
    use crate::db::store;

    #[test]
    fn one_that_is_begun_again_and_again_does_not_pile_up() {
        let conn = store::in_memory();
        let tx = Tx { conn: &conn };
        let key = Key::new("kestrel", "m");
        let kind = IntentKind::OrderCreate;
        let start: Instant = "2026-03-01T00:00:00Z".parse().unwrap();
        let other = tx
            .begin_intent(&key, IntentKind::OrderCancel, "1", "{}", start)
            .unwrap();
        tx.settle(other, "done", start).unwrap();
        for cycle in 0..100 {
            let now = start + cycle.minutes();
            let id = tx.begin_intent(&key, kind, "1", "{}", now).unwrap();
            tx.settle(id, &format!("not sent in cycle {cycle}"), now)
                .unwrap();
        }
        let open = tx.begin_intent(&key, kind, "1", "{}", start).unwrap();
        let left: Vec<(i64, Option<String>)> = conn
            .prepare("select id, outcome from intent where kind = ?1 order by id")
            .unwrap()
            .query_map([kind.text()], |r| Ok((r.get(0)?, r.get(1)?)))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(left.len(), SETTLED_KEPT as usize);
        assert_eq!(left[0].1.as_deref(), Some("not sent in cycle 81"));
        assert_eq!(left[SETTLED_KEPT as usize - 1], (open, None));
        // What was done to it otherwise stays.
        let settled: Option<i64> = conn
            .query_row(
                "select settled_at from intent where id = ?1",
                [other],
                |r| r.get(0),
            )
            .unwrap();
        assert!(settled.is_some());
    }
}
