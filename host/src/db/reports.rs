//! What people ask: what is urgent, what a day brought, everything as JSON.

use rusqlite::{OptionalExtension, params, types::ValueRef};
use serde::Serialize;

use super::{Error, Tx, at, ms};
use crate::model::{Instant, Key};

/// A unit that waits for dispatch.
#[derive(Clone, Debug, Serialize)]
pub struct OpenUnit {
    /// The channel's order id.
    pub order: String,
    /// The channel's order number.
    pub number: String,
    /// SKU as sold.
    pub sku: Option<String>,
    /// Deadline.
    pub ship_by: Option<Instant>,
    /// How far the order is.
    pub state: String,
    /// Why.
    pub reason: Option<String>,
}

impl Tx<'_> {
    /// Units to be dispatched, the least time left first.
    pub fn open_units(&self, key: &Key, limit: u32) -> Result<Vec<OpenUnit>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select o.number, u.sku, o.ship_by, o.state, o.reason, o.id
             from unit u join channel_order o on o.shop = u.shop and o.channel = u.channel and o.id = u.order_id
             where u.shop = ?1 and u.channel = ?2 and u.piece = 0 and u.channel_state in ('open', 'held') and o.state not in ('ignored', 'cancelled', 'closed')
             order by o.ship_by is null, o.ship_by, o.number, u.line, u.ordinal limit ?3",
        )?;
        let rows = statement.query_map(params![key.shop, key.channel, limit], |r| {
            Ok(OpenUnit {
                order: r.get(5)?,
                number: r.get(0)?,
                sku: r.get(1)?,
                ship_by: r.get::<_, Option<i64>>(2)?.map(at),
                state: r.get(3)?,
                reason: r.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Orders placed since then.
    pub fn orders_since(&self, key: &Key, since: Instant) -> Result<u32, Error> {
        Ok(self
            .conn
            .prepare_cached("select count(*) from channel_order where shop = ?1 and channel = ?2 and placed_at >= ?3")?
            .query_row(params![key.shop, key.channel, ms(since)], |r| r.get(0))?)
    }

    /// What the last whole read-back found, as its cycle reported it: listings whose number was not what the host had
    /// written.
    pub fn last_drift(&self, key: &Key) -> Result<u32, Error> {
        let found: Option<u32> = self
            .conn
            .prepare_cached(
                "select json_extract(y.detail, '$.drift') from channel c cross join cycle y
                 where c.shop = ?1 and c.channel = ?2 and y.shop = c.shop and y.channel = c.channel and y.ended_at >= c.read_back_at
                 order by y.ended_at limit 1",
            )?
            .query_row(params![key.shop, key.channel], |r| r.get(0))
            .optional()?
            .flatten();
        Ok(found.unwrap_or(0))
    }

    /// Every table but those that hold secrets, sealed or hashed, row by row, as (table, JSON object).
    pub fn export(&self, mut row: impl FnMut(&str, serde_json::Value)) -> Result<(), Error> {
        let mut tables = self.conn.prepare(
            "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' and name not in ('secret', 'person', 'session', 'invitation', 'token', 'refinery_schema_history') order by name",
        )?;
        let names: Vec<String> = tables
            .query_map([], |r| r.get(0))?
            .collect::<Result<_, _>>()?;
        for table in names {
            let mut statement = self.conn.prepare(&format!("select * from {table}"))?;
            let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
            let mut rows = statement.query([])?;
            while let Some(r) = rows.next()? {
                let mut object = serde_json::Map::new();
                for (i, column) in columns.iter().enumerate() {
                    let value = match r.get_ref(i)? {
                        ValueRef::Integer(n) => n.into(),
                        ValueRef::Real(n) => n.into(),
                        ValueRef::Text(t) => String::from_utf8_lossy(t).into(),
                        ValueRef::Null | ValueRef::Blob(_) => serde_json::Value::Null,
                    };
                    object.insert(column.clone(), value);
                }
                row(&table, object.into());
            }
        }
        Ok(())
    }
}
