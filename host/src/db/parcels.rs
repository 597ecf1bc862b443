//! Parcels on their way to the channel, and the channel's own lists of carriers and reasons.

use rusqlite::{Row, params};
use serde::Serialize;

use super::{Error, Tx, at, json, ms, unjson};
use crate::model::{Carrier, Instant, Key, Reason};

/// How far a parcel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ParcelState {
    /// Something is missing: a tracking code, a carrier match, approval.
    Waiting,
    /// To be told.
    Ready,
    /// Telling was begun; its fate is not recorded yet.
    Preparing,
    /// The channel knows carrier and code; units are not marked shipped yet.
    Prepared,
    /// The connector has it, and tells it with the last parcel of its order.
    Gathered,
    /// Marking was begun; its fate is not recorded yet.
    Shipping,
    /// Told and marked.
    Done,
    /// The channel refuses it.
    Refused,
    /// The channel knows another code for its units: a person must look.
    Doubt,
    /// The merchant took it back.
    Withdrawn,
}

impl ParcelState {
    /// As stored and shown.
    pub fn text(self) -> &'static str {
        match self {
            ParcelState::Waiting => "waiting",
            ParcelState::Ready => "ready",
            ParcelState::Preparing => "preparing",
            ParcelState::Prepared => "prepared",
            ParcelState::Gathered => "gathered",
            ParcelState::Shipping => "shipping",
            ParcelState::Done => "done",
            ParcelState::Refused => "refused",
            ParcelState::Doubt => "doubt",
            ParcelState::Withdrawn => "withdrawn",
        }
    }

    fn parse(text: &str) -> Self {
        match text {
            "ready" => ParcelState::Ready,
            "preparing" => ParcelState::Preparing,
            "prepared" => ParcelState::Prepared,
            "gathered" => ParcelState::Gathered,
            "shipping" => ParcelState::Shipping,
            "done" => ParcelState::Done,
            "refused" => ParcelState::Refused,
            "doubt" => ParcelState::Doubt,
            "withdrawn" => ParcelState::Withdrawn,
            _ => ParcelState::Waiting,
        }
    }

    /// The channel may already have heard of it.
    pub fn told(self) -> bool {
        !matches!(
            self,
            ParcelState::Waiting
                | ParcelState::Ready
                | ParcelState::Gathered
                | ParcelState::Refused
        )
    }

    /// The connector has it: nothing more of it is left to be told, but what the order's last parcel brings along.
    pub fn handed_over(self) -> bool {
        self.told() || self == ParcelState::Gathered
    }
}

/// A parcel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ParcelRow {
    /// The Shopify fulfillment's id.
    pub id: String,
    /// The channel's order id.
    pub order: String,
    /// Counts from 1 within the order.
    pub number: u32,
    /// Carrier as the merchant wrote it.
    pub company: Option<String>,
    /// Tracking code, trimmed.
    pub tracking: Option<String>,
    /// Where it is tracked.
    pub tracking_url: Option<String>,
    /// The channel's carrier.
    pub carrier: Option<Carrier>,
    /// How far it is.
    pub state: ParcelState,
    /// Why.
    pub reason: Option<String>,
    /// A person should look.
    pub attention: bool,
    /// When it left.
    pub shipped_at: Instant,
}

impl ParcelRow {
    /// How people are told of it: by its code, else by the number of its fulfillment.
    pub fn label(&self) -> String {
        match &self.tracking {
            Some(code) => format!("parcel {code}"),
            None => format!("parcel without code (fulfillment {})", self.short_id()),
        }
    }

    /// The number at the end of its fulfillment's id.
    pub fn short_id(&self) -> &str {
        self.id.rsplit('/').next().unwrap_or(&self.id)
    }
}

const PARCEL: &str = "id, order_id, number, company, tracking, tracking_url, carrier, state, reason, attention, shipped_at";

impl Tx<'_> {
    /// Adds or changes a parcel. A new one (number 0) gets the order's next number.
    pub fn put_parcel(&self, key: &Key, p: &ParcelRow, now: Instant) -> Result<(), Error> {
        self.conn
            .prepare_cached(
                "insert into parcel (shop, channel, id, order_id, number, company, tracking, tracking_url, carrier, state, reason, attention,
                   shipped_at, changed_at)
                 values (?1, ?2, ?3, ?4, (select coalesce(max(number), 0) + 1 from parcel where shop = ?1 and channel = ?2 and order_id = ?4),
                   ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
                 on conflict (shop, channel, id) do update set company = ?5, tracking = ?6, tracking_url = ?7, carrier = ?8, state = ?9,
                   reason = ?10, attention = ?11, shipped_at = ?12, changed_at = ?13",
            )?
            .execute(params![
                key.shop,
                key.channel,
                p.id,
                p.order,
                p.company,
                p.tracking,
                p.tracking_url,
                p.carrier.as_ref().map(json),
                p.state.text(),
                p.reason,
                p.attention,
                ms(p.shipped_at),
                ms(now)
            ])?;
        Ok(())
    }

    /// One parcel.
    pub fn parcel(&self, key: &Key, id: &str) -> Result<Option<ParcelRow>, Error> {
        Ok(self.parcels_where("id = ?3", key, Some(id))?.pop())
    }

    /// The parcels of an order, by number.
    pub fn parcels_of(&self, key: &Key, order: &str) -> Result<Vec<ParcelRow>, Error> {
        self.parcels_where("order_id = ?3", key, Some(order))
    }

    /// Another order's parcel that carries this code.
    pub fn tracking_used(
        &self,
        key: &Key,
        tracking: &str,
        except: &str,
    ) -> Result<Option<ParcelRow>, Error> {
        Ok(self
            .parcels_where("tracking = ?3", key, Some(tracking))?
            .into_iter()
            .find(|p| p.id != except && p.state.told()))
    }

    /// Parcels in these states, oldest first.
    pub fn parcels_in(&self, key: &Key, states: &[ParcelState]) -> Result<Vec<ParcelRow>, Error> {
        let names: Vec<_> = states.iter().map(|s| s.text()).collect();
        self.parcels_where(
            "state in (select value from json_each(?3))",
            key,
            Some(&json(&names)),
        )
    }

    /// Parcels that a person should look at.
    pub fn parcels_for_attention(&self, key: &Key) -> Result<Vec<ParcelRow>, Error> {
        // Written out: a value that is bound would not be known to be that of the index.
        self.parcels_where("attention = 1 and ?3 is null", key, None)
    }

    fn parcels_where(
        &self,
        condition: &str,
        key: &Key,
        value: Option<&str>,
    ) -> Result<Vec<ParcelRow>, Error> {
        let sql = format!(
            "select {PARCEL} from parcel where shop = ?1 and channel = ?2 and {condition} order by shipped_at, order_id, number"
        );
        let mut statement = self.conn.prepare_cached(&sql)?;
        let mut rows = statement.query(params![key.shop, key.channel, value])?;
        let mut found = Vec::new();
        while let Some(r) = rows.next()? {
            found.push(parcel(r)?);
        }
        Ok(found)
    }

    /// Replaces the channel's list of carriers.
    pub fn put_carriers(&self, key: &Key, carriers: &[Carrier]) -> Result<(), Error> {
        self.put_list("carrier", key, carriers)
    }

    /// The channel's carriers as fetched last.
    pub fn carriers(&self, key: &Key) -> Result<Vec<Carrier>, Error> {
        self.list("carrier", key)
    }

    /// Replaces the channel's list of reasons.
    pub fn put_reasons(&self, key: &Key, reasons: &[Reason]) -> Result<(), Error> {
        self.put_list("reason", key, reasons)
    }

    /// The channel's reasons as fetched last.
    pub fn reasons(&self, key: &Key) -> Result<Vec<Reason>, Error> {
        self.list("reason", key)
    }

    fn put_list<T: serde::Serialize>(
        &self,
        table: &str,
        key: &Key,
        rows: &[T],
    ) -> Result<(), Error> {
        self.conn.execute(
            &format!("delete from {table} where shop = ?1 and channel = ?2"),
            params![key.shop, key.channel],
        )?;
        let mut put = self.conn.prepare_cached(&format!(
            "insert into {table} (shop, channel, position, body) values (?1, ?2, ?3, ?4)"
        ))?;
        for (position, row) in rows.iter().enumerate() {
            put.execute(params![key.shop, key.channel, position as i64, json(row)])?;
        }
        Ok(())
    }

    fn list<T: serde::de::DeserializeOwned>(
        &self,
        table: &str,
        key: &Key,
    ) -> Result<Vec<T>, Error> {
        let sql =
            format!("select body from {table} where shop = ?1 and channel = ?2 order by position");
        let mut statement = self.conn.prepare_cached(&sql)?;
        let mut rows = statement.query(params![key.shop, key.channel])?;
        let mut found = Vec::new();
        while let Some(r) = rows.next()? {
            found.push(unjson(&r.get::<_, String>(0)?, "body")?);
        }
        Ok(found)
    }
}

fn parcel(r: &Row<'_>) -> Result<ParcelRow, Error> {
    Ok(ParcelRow {
        id: r.get(0)?,
        order: r.get(1)?,
        number: r.get(2)?,
        company: r.get(3)?,
        tracking: r.get(4)?,
        tracking_url: r.get(5)?,
        carrier: r
            .get::<_, Option<String>>(6)?
            .map(|t| unjson(&t, "parcel.carrier"))
            .transpose()?,
        state: ParcelState::parse(&r.get::<_, String>(7)?),
        reason: r.get(8)?,
        attention: r.get(9)?,
        shipped_at: at(r.get(10)?),
    })
}
