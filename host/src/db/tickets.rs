//! Stock numbers that were sent and are not known to be there: on their way under a ticket, or refused.

use std::collections::HashMap;

use rusqlite::params;
use serde::Serialize;

use super::{Error, Tx, at, ms};
use crate::model::{Instant, Key};

/// Where a number stands that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// The channel works on it.
    OnItsWay,
    /// The channel does not take it; why.
    Refused(String),
}

/// The newest number that was sent to a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SentRow {
    /// Listing id.
    pub listing: String,
    /// Its SKU.
    pub sku: String,
    /// The number.
    pub quantity: u32,
    /// Where it stands.
    pub fate: Fate,
}

/// A push that the channel works on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketRow {
    /// What the connector asks for it by.
    pub ticket: String,
    /// When it was given.
    pub made_at: Instant,
}

impl Tx<'_> {
    /// Notes a ticket, and when to ask for it.
    pub fn put_ticket(
        &self,
        key: &Key,
        ticket: &str,
        poll_at: Instant,
        now: Instant,
    ) -> Result<(), Error> {
        self.conn.execute(
            "insert into ticket (shop, channel, ticket, made_at, poll_at) values (?1, ?2, ?3, ?4, ?5)
             on conflict (shop, channel, ticket) do update set poll_at = ?5",
            params![key.shop, key.channel, ticket, ms(now), ms(poll_at)],
        )?;
        Ok(())
    }

    /// Tickets to be asked for by now, the oldest first.
    pub fn due_tickets(&self, key: &Key, now: Instant) -> Result<Vec<TicketRow>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select ticket, made_at from ticket where shop = ?1 and channel = ?2 and poll_at <= ?3 order by made_at, ticket",
        )?;
        let rows = statement.query_map(params![key.shop, key.channel, ms(now)], |r| {
            Ok(TicketRow {
                ticket: r.get(0)?,
                made_at: at(r.get(1)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Forgets a settled ticket.
    pub fn drop_ticket(&self, key: &Key, ticket: &str) -> Result<(), Error> {
        self.conn.execute(
            "delete from ticket where shop = ?1 and channel = ?2 and ticket = ?3",
            params![key.shop, key.channel, ticket],
        )?;
        Ok(())
    }

    /// Notes that a listing's number is on its way under a ticket, in place of what was sent to it before.
    pub fn put_on_its_way(
        &self,
        key: &Key,
        listing: &str,
        sku: &str,
        quantity: u32,
        ticket: &str,
    ) -> Result<(), Error> {
        self.put_sent(key, listing, sku, quantity, Some(ticket), None)
    }

    /// Notes that the channel refuses a listing's number: it is not sent again unchanged.
    pub fn put_refused(
        &self,
        key: &Key,
        listing: &str,
        sku: &str,
        quantity: u32,
        why: &str,
    ) -> Result<(), Error> {
        self.put_sent(key, listing, sku, quantity, None, Some(why))
    }

    fn put_sent(
        &self,
        key: &Key,
        listing: &str,
        sku: &str,
        quantity: u32,
        ticket: Option<&str>,
        refused: Option<&str>,
    ) -> Result<(), Error> {
        self.conn
            .prepare_cached(
                "insert into sent (shop, channel, listing, sku, quantity, ticket, refused) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 on conflict (shop, channel, listing) do update set sku = ?4, quantity = ?5, ticket = ?6, refused = ?7",
            )?
            .execute(params![
                key.shop,
                key.channel,
                listing,
                sku,
                quantity,
                ticket,
                refused
            ])?;
        Ok(())
    }

    /// What was sent to a listing counts no more.
    pub(super) fn forget_sent(&self, key: &Key, listing: &str) -> Result<(), Error> {
        self.conn
            .prepare_cached("delete from sent where shop = ?1 and channel = ?2 and listing = ?3")?
            .execute(params![key.shop, key.channel, listing])?;
        Ok(())
    }

    /// Forgets what the channel refused: it is tried again.
    pub fn forget_refused(&self, key: &Key) -> Result<usize, Error> {
        Ok(self.conn.execute(
            "delete from sent where shop = ?1 and channel = ?2 and ticket is null",
            params![key.shop, key.channel],
        )?)
    }

    /// The numbers of what an order's units were sold from are not known any more: something happened to the order that
    /// may have changed them.
    pub fn forget_numbers_of(&self, key: &Key, order: &str, now: Instant) -> Result<(), Error> {
        let mut statement = self.conn.prepare_cached(
            "select distinct listing from unit where shop = ?1 and channel = ?2 and order_id = ?3 and listing is not null",
        )?;
        let mut rows = statement.query(params![key.shop, key.channel, order])?;
        while let Some(r) = rows.next()? {
            self.set_pushed(key, &r.get::<_, String>(0)?, None, now)?;
        }
        Ok(())
    }

    /// The newest number sent to each listing of which it is not known to be there.
    pub fn sent(&self, key: &Key) -> Result<HashMap<String, SentRow>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select listing, sku, quantity, refused from sent where shop = ?1 and channel = ?2",
        )?;
        let rows = statement.query_map(params![key.shop, key.channel], sent)?;
        rows.map(|row| {
            row.map(|row| (row.listing.clone(), row))
                .map_err(Error::from)
        })
        .collect()
    }

    /// Numbers that the channel refuses, by SKU.
    pub fn refused_numbers(&self, key: &Key) -> Result<Vec<SentRow>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select listing, sku, quantity, refused from sent where shop = ?1 and channel = ?2 and refused is not null order by sku, listing",
        )?;
        let rows = statement.query_map(params![key.shop, key.channel], sent)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The numbers that are on their way under a ticket. Those that a newer push has taken the place of are not.
    pub fn on_their_way(&self, key: &Key, ticket: &str) -> Result<Vec<SentRow>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select listing, sku, quantity, refused from sent where shop = ?1 and channel = ?2 and ticket = ?3 order by listing",
        )?;
        let rows = statement.query_map(params![key.shop, key.channel, ticket], sent)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Notes in the ledger what became of a listing's push under a ticket.
    pub fn settle_push(
        &self,
        key: &Key,
        listing: &str,
        ticket: &str,
        outcome: &str,
    ) -> Result<(), Error> {
        self.conn
            .prepare_cached(
                "update push set outcome = ?5 where shop = ?1 and channel = ?2 and listing = ?3 and outcome = ?4",
            )?
            .execute(params![
                key.shop,
                key.channel,
                listing,
                queued_as(ticket),
                outcome
            ])?;
        Ok(())
    }
}

/// What the ledger says of a push under a ticket.
pub fn queued_as(ticket: &str) -> String {
    format!("queued as {ticket}")
}

fn sent(r: &rusqlite::Row<'_>) -> rusqlite::Result<SentRow> {
    let refused: Option<String> = r.get(3)?;
    Ok(SentRow {
        listing: r.get(0)?,
        sku: r.get(1)?,
        quantity: r.get(2)?,
        fate: refused.map_or(Fate::OnItsWay, Fate::Refused),
    })
}
