//! What happened and why: pushes, events, cycles.

use rusqlite::params;
use serde::Serialize;

use super::{Error, Tx, at, ms};
use crate::model::{Instant, Key};

/// How long cycles are kept, in milliseconds: 30 days.
const CYCLES_KEPT_MS: i64 = 30 * 24 * 3_600_000;

/// Why a number was pushed. Quantities are units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PushRow {
    /// The listing written.
    pub listing: String,
    /// Its SKU.
    pub sku: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Instant,
    /// The number written.
    pub quantity: u32,
    /// The number before, as far as known.
    pub previous: Option<u32>,
    /// Shopify's available over the channel's locations. May be negative.
    pub available: i64,
    /// Units sold on any channel that Shopify's number does not contain yet.
    pub unseen: i64,
    /// Units held back by the operator.
    pub buffer: u32,
    /// Units held back by extras.
    pub withheld: u32,
    /// Units that the channel subtracts by itself, added back.
    pub reserved: u32,
    /// Of a bundle: how many of which part make one, where that part allows the least.
    pub part: Option<String>,
    /// `difference`, `before-shipping`, `read-back` ...
    pub cause: String,
    /// `applied`, `queued`, or the fault.
    pub outcome: String,
}

/// Something that happened to a subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct EventRow {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Instant,
    /// Channel, empty for the shop.
    pub channel: String,
    /// `order:<id>`, `sku:<sku>` or `channel`.
    pub subject: String,
    /// A stable word for filters.
    pub kind: String,
    /// For people.
    pub text: String,
}

/// A run of one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CycleRow {
    /// Row id.
    pub id: i64,
    /// When it began.
    pub started_at: Instant,
    /// When it ended; none while it runs or when it was killed.
    pub ended_at: Option<Instant>,
    /// `done`, `waits`, or the fault's case.
    pub outcome: Option<String>,
    /// Counts and reason, JSON text.
    pub detail: Option<String>,
}

/// An event with what a list of them shows.
#[derive(Clone, Debug)]
pub struct PastEvent {
    /// Row id, rising.
    pub id: i64,
    /// The shop.
    pub shop: String,
    /// What happened.
    pub event: EventRow,
    /// The order's number at the channel, where it is about an order that is known.
    pub number: Option<String>,
}

impl Tx<'_> {
    /// Records a push.
    pub fn record_push(&self, key: &Key, p: &PushRow) -> Result<(), Error> {
        self.conn
            .prepare_cached(
                "insert into push (shop, channel, listing, sku, at, quantity, previous, available, unseen, buffer, reserved, cause, outcome, withheld, part)
                 values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
            )?
            .execute(params![
                key.shop,
                key.channel,
                p.listing,
                p.sku,
                ms(p.at),
                p.quantity,
                p.previous,
                p.available,
                p.unseen,
                p.buffer,
                p.reserved,
                p.cause,
                p.outcome,
                p.withheld,
                p.part
            ])?;
        Ok(())
    }

    /// The newest pushes of a SKU.
    pub fn pushes(&self, key: &Key, sku: &str, limit: u32) -> Result<Vec<PushRow>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select listing, sku, at, quantity, previous, available, unseen, buffer, reserved, cause, outcome, withheld, part
             from push where shop = ?1 and channel = ?2 and sku = ?3 order by at desc, id desc limit ?4",
        )?;
        let rows = statement.query_map(params![key.shop, key.channel, sku, limit], |r| {
            Ok(PushRow {
                listing: r.get(0)?,
                sku: r.get(1)?,
                at: at(r.get(2)?),
                quantity: r.get(3)?,
                previous: r.get(4)?,
                available: r.get(5)?,
                unseen: r.get(6)?,
                buffer: r.get(7)?,
                reserved: r.get(8)?,
                cause: r.get(9)?,
                outcome: r.get(10)?,
                withheld: r.get(11)?,
                part: r.get(12)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Records an event.
    pub fn record(
        &self,
        key: &Key,
        subject: &str,
        kind: &str,
        text: &str,
        now: Instant,
    ) -> Result<(), Error> {
        self.conn
            .prepare_cached("insert into event (at, shop, channel, subject, kind, text) values (?1, ?2, ?3, ?4, ?5, ?6)")?
            .execute(params![ms(now), key.shop, key.channel, subject, kind, text])?;
        Ok(())
    }

    /// Whether exactly this was recorded of the subject before: a person is told of one thing once.
    pub fn recorded(
        &self,
        key: &Key,
        subject: &str,
        kind: &str,
        text: &str,
    ) -> Result<bool, Error> {
        Ok(self
            .conn
            .prepare_cached(
                "select exists (select 1 from event where shop = ?1 and channel = ?2 and subject = ?3 and kind = ?4 and text = ?5)",
            )?
            .query_row(params![key.shop, key.channel, subject, kind, text], |r| r.get(0))?)
    }

    /// Records an event unless the newest of the subject is the same.
    pub fn record_news(
        &self,
        key: &Key,
        subject: &str,
        kind: &str,
        text: &str,
        now: Instant,
    ) -> Result<(), Error> {
        let newest = self.events(key, subject, 1)?.pop();
        if newest.is_some_and(|e| e.kind == kind && e.text == text) {
            return Ok(());
        }
        self.record(key, subject, kind, text, now)
    }

    /// The events of a subject, oldest first.
    pub fn events(&self, key: &Key, subject: &str, limit: u32) -> Result<Vec<EventRow>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select at, channel, subject, kind, text from (
               select id, at, channel, subject, kind, text from event where shop = ?1 and channel = ?2 and subject = ?3
               order by id desc limit ?4)
             order by id",
        )?;
        let rows = statement.query_map(params![key.shop, key.channel, subject, limit], event)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Events older than a row, the newest first.
    pub fn events_before(
        &self,
        key: Option<&Key>,
        kind: Option<&str>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<PastEvent>, Error> {
        // Each has an index that serves its order.
        let (index, of) = match (key, kind) {
            (Some(_), None) => (
                " indexed by event_channel",
                "shop = ?1 and channel = ?2 and ?4 is null",
            ),
            (Some(_), Some(_)) => (
                " indexed by event_kind",
                "kind = ?4 and shop = ?1 and channel = ?2",
            ),
            (None, None) => ("", "?1 is null and ?2 is null and ?4 is null"),
            (None, Some(_)) => (
                " indexed by event_kind",
                "kind = ?4 and ?1 is null and ?2 is null",
            ),
        };
        let mut statement = self.conn.prepare_cached(&format!(
            "select at, channel, subject, kind, text, id, shop,
               (select number from channel_order o where o.shop = event.shop and o.channel = event.channel
                  and event.subject like 'order:%' and o.id = substr(event.subject, 7))
             from event{index} where {of} and id < ?3 order by id desc limit ?5"
        ))?;
        let rows = statement.query_map(
            params![
                key.map(|k| &k.shop),
                key.map(|k| &k.channel),
                before.unwrap_or(i64::MAX),
                kind,
                limit
            ],
            |r| {
                Ok(PastEvent {
                    id: r.get(5)?,
                    shop: r.get(6)?,
                    event: event(r)?,
                    number: r.get(7)?,
                })
            },
        )?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Notes that a cycle begins.
    pub fn begin_cycle(&self, key: &Key, now: Instant) -> Result<i64, Error> {
        self.conn.execute(
            "insert into cycle (shop, channel, started_at) values (?1, ?2, ?3)",
            params![key.shop, key.channel, ms(now)],
        )?;
        Ok(self.conn.last_insert_rowid())
    }

    /// Notes how a cycle ended.
    pub fn end_cycle(
        &self,
        id: i64,
        outcome: &str,
        detail: &str,
        now: Instant,
    ) -> Result<(), Error> {
        self.conn.execute(
            "update cycle set ended_at = ?2, outcome = ?3, detail = ?4 where id = ?1",
            params![id, ms(now), outcome, detail],
        )?;
        // What was pushed and what happened is kept for good; that a cycle found nothing to do is not worth it.
        self.conn.execute(
            "delete from cycle where id in (select id from cycle where started_at < ?1 order by id limit 500)",
            params![ms(now) - CYCLES_KEPT_MS],
        )?;
        self.prune_exchanges(now)
    }

    /// The newest cycles of a channel.
    pub fn cycles(&self, key: &Key, limit: u32) -> Result<Vec<CycleRow>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select id, started_at, ended_at, outcome, detail from cycle where shop = ?1 and channel = ?2 order by id desc limit ?3",
        )?;
        let rows = statement.query_map(params![key.shop, key.channel, limit], |r| {
            Ok(CycleRow {
                id: r.get(0)?,
                started_at: at(r.get(1)?),
                ended_at: r.get::<_, Option<i64>>(2)?.map(at),
                outcome: r.get(3)?,
                detail: r.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn event(r: &rusqlite::Row<'_>) -> rusqlite::Result<EventRow> {
    Ok(EventRow {
        at: at(r.get(0)?),
        channel: r.get(1)?,
        subject: r.get(2)?,
        kind: r.get(3)?,
        text: r.get(4)?,
    })
}
