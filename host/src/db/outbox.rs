//! Messages to people: written together with what they tell, sent after, tried again until they are given up.

use rusqlite::params;

use super::{Error, Tx, at, ms};
use crate::model::Instant;

/// How long messages are kept that were sent or given up, in milliseconds: 30 days.
const KEPT_MS: i64 = 30 * 24 * 3_600_000;

/// A message that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Unique: lets a receiver tell a message that comes twice.
    pub id: String,
    /// The target's name.
    pub target: String,
    /// When it was made.
    pub made_at: Instant,
    /// JSON text.
    pub body: String,
    /// How often it was tried.
    pub attempts: u32,
}

/// When a target's messages are to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The target's name.
    pub target: String,
    /// When the first of its messages is due.
    pub next_at: Instant,
}

impl Tx<'_> {
    /// Puts a message into the outbox, due at once.
    pub fn queue_message(&self, message: &Outgoing) -> Result<(), Error> {
        self.conn
            .prepare_cached(
                "insert into notification (id, target, made_at, body, attempts, next_at) values (?1, ?2, ?3, ?4, ?5, ?3)",
            )?
            .execute(params![
                message.id,
                message.target,
                ms(message.made_at),
                message.body,
                message.attempts
            ])?;
        Ok(())
    }

    /// Targets with messages that wait, and when the first one of each is due.
    pub fn waiting_targets(&self) -> Result<Vec<Waiting>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select target, min(next_at) from notification where next_at is not null group by target order by target",
        )?;
        let rows = statement.query_map([], |r| {
            Ok(Waiting {
                target: r.get(0)?,
                next_at: at(r.get(1)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The messages of a target that are due, the oldest first.
    pub fn due_messages(&self, target: &str, now: Instant) -> Result<Vec<Outgoing>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select id, target, made_at, body, attempts from notification
             where target = ?1 and next_at is not null and next_at <= ?2 order by made_at, id limit 50",
        )?;
        let rows = statement.query_map(params![target, ms(now)], |r| {
            Ok(Outgoing {
                id: r.get(0)?,
                target: r.get(1)?,
                made_at: at(r.get(2)?),
                body: r.get(3)?,
                attempts: r.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A message got through.
    pub fn message_sent(&self, id: &str, now: Instant) -> Result<(), Error> {
        self.conn
            .prepare_cached(
                "update notification set sent_at = ?2, next_at = null, attempts = attempts + 1, error = null where id = ?1",
            )?
            .execute(params![id, ms(now)])?;
        Ok(())
    }

    /// A message did not get through; it is tried again then, or, at none, given up.
    pub fn message_failed(
        &self,
        id: &str,
        error: &str,
        again: Option<Instant>,
        now: Instant,
    ) -> Result<(), Error> {
        self.conn
            .prepare_cached(
                "update notification set attempts = attempts + 1, error = ?2, next_at = ?3, given_up_at = ?4 where id = ?1",
            )?
            .execute(params![
                id,
                error,
                again.map(ms),
                again.is_none().then(|| ms(now))
            ])?;
        Ok(())
    }

    /// The messages of a target that wait are due now: whatever kept them may be mended.
    pub fn hurry_messages(&self, target: &str, now: Instant) -> Result<(), Error> {
        self.conn.execute(
            "update notification set next_at = min(next_at, ?2) where target = ?1 and next_at is not null",
            params![target, ms(now)],
        )?;
        Ok(())
    }

    /// Forgets a target that is removed: its messages, and what it was told.
    pub fn forget_target(&self, target: &str) -> Result<(), Error> {
        self.conn.execute(
            "delete from notification where target = ?1",
            params![target],
        )?;
        self.conn
            .execute("delete from alert_told where target = ?1", params![target])?;
        Ok(())
    }

    /// Forgets messages that were sent or given up long ago.
    pub fn prune_messages(&self, now: Instant) -> Result<(), Error> {
        self.conn
            .prepare_cached(
                "delete from notification where id in (select id from notification where made_at < ?1 and next_at is null order by made_at limit 500)",
            )?
            .execute(params![ms(now) - KEPT_MS])?;
        Ok(())
    }
}
