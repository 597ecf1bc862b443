//! Channel orders and their units.

use rusqlite::{OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use super::{Error, Tx, at, json, ms, unjson};
use crate::model::{CreatedOrder, ExtraStep, Instant, Key, Line, NewOrder, Order, State};
use crate::sync::acceptance::Answer;

/// How far the host is with an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OrderState {
    /// Just stored.
    Seen,
    /// The channel or the operator holds it back.
    Held,
    /// Cannot be created until a person acts.
    Blocked,
    /// To be created.
    Ready,
    /// Creation was begun; its fate is not recorded yet.
    Creating,
    /// Exists in Shopify.
    Created,
    /// Every unit is shipped or cancelled, on both sides.
    Closed,
    /// Cancelled before it was created.
    Cancelled,
    /// Known, never created: placed before the channel was added, or not the seller's to ship.
    Ignored,
}

impl OrderState {
    /// As stored and shown.
    pub fn text(self) -> &'static str {
        match self {
            OrderState::Seen => "seen",
            OrderState::Held => "held",
            OrderState::Blocked => "blocked",
            OrderState::Ready => "ready",
            OrderState::Creating => "creating",
            OrderState::Created => "created",
            OrderState::Closed => "closed",
            OrderState::Cancelled => "cancelled",
            OrderState::Ignored => "ignored",
        }
    }

    /// Nothing of it is left to be dispatched.
    pub fn finished(self) -> bool {
        matches!(
            self,
            OrderState::Closed | OrderState::Cancelled | OrderState::Ignored
        )
    }

    pub(super) fn parse(text: &str) -> Self {
        match text {
            "held" => OrderState::Held,
            "blocked" => OrderState::Blocked,
            "ready" => OrderState::Ready,
            "creating" => OrderState::Creating,
            "created" => OrderState::Created,
            "closed" => OrderState::Closed,
            "cancelled" => OrderState::Cancelled,
            "ignored" => OrderState::Ignored,
            _ => OrderState::Seen,
        }
    }
}

/// An order as the host keeps it.
#[derive(Clone, Debug, Serialize)]
pub struct OrderRow {
    /// The channel's id.
    pub id: String,
    /// The channel's number.
    pub number: String,
    /// How far the host is.
    pub state: OrderState,
    /// Why it is where it is.
    pub reason: Option<String>,
    /// A person should look.
    pub attention: bool,
    /// The operator holds it.
    pub manual_hold: bool,
    /// As the channel told it last.
    pub snapshot: Order,
    /// Must be dispatched by.
    pub ship_by: Option<Instant>,
    /// The Shopify order.
    pub shop_order: Option<String>,
    /// Its name.
    pub shop_name: Option<String>,
    /// When it was created in Shopify.
    pub created_at: Option<Instant>,
    /// When the host learned of it.
    pub seen_at: Instant,
}

/// One sold piece.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct UnitRow {
    /// The channel's line.
    pub line: String,
    /// Counts from 0 within the line.
    pub ordinal: u32,
    /// Counts from 0 within the sold piece: a bundle has a row for each piece of its parts.
    pub piece: u32,
    /// SKU as sold.
    pub sku: Option<String>,
    /// Listing id.
    pub listing: Option<String>,
    /// The SKU of the part, where the sold SKU is a bundle.
    pub part: Option<String>,
    /// Inventory item id.
    pub item: Option<String>,
    /// The Shopify line it is part of.
    pub shop_line: Option<String>,
    /// `held`, `open`, `shipped`, `dropped` or `other`, at the channel.
    pub channel_state: String,
    /// `absent`, `open`, `fulfilled` or `removed`, in Shopify.
    pub shop_state: String,
    /// The parcel it travels in.
    pub parcel: Option<String>,
}

impl UnitRow {
    /// The SKU in the shop.
    pub fn shop_sku(&self) -> Option<&str> {
        self.part.as_deref().or(self.sku.as_deref())
    }
}

/// A line of a Shopify order, and what it was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedFrom {
    /// The Shopify line.
    pub shop_line: String,
    /// The channel's lines that were folded into it.
    pub lines: Vec<String>,
    /// The part of a bundle that it stands for.
    pub part: Option<String>,
}

const ORDER: &str = "id, number, state, reason, attention, manual_hold, snapshot, ship_by, shop_order, shop_name, created_at, seen_at";

impl Tx<'_> {
    /// Stores a snapshot. The units follow it; what Shopify knows of them stays. An order that there was nothing to do
    /// about is decided on anew when it changes. Answers whether it is new, or changed.
    pub fn put_order(
        &self,
        key: &Key,
        order: &Order,
        ship_by: Option<Instant>,
        now: Instant,
    ) -> Result<(bool, bool), Error> {
        let snapshot = json(order);
        let old: Option<String> = self
            .conn
            .prepare_cached(
                "select snapshot from channel_order where shop = ?1 and channel = ?2 and id = ?3",
            )?
            .query_row(params![key.shop, key.channel, order.id], |r| r.get(0))
            .optional()?;
        if old.as_deref() == Some(&snapshot) {
            return Ok((false, false));
        }
        self.conn
            .prepare_cached(
                "insert into channel_order (shop, channel, id, number, state, snapshot, digest, placed_at, ship_by, seen_at, changed_at)
                 values (?1, ?2, ?3, ?4, 'seen', ?5, '', ?6, ?7, ?8, ?8)
                 on conflict (shop, channel, id) do update set number = ?4, snapshot = ?5, placed_at = ?6, ship_by = ?7, changed_at = ?8,
                   state = case when state in ('ignored', 'cancelled') then 'seen' else state end",
            )?
            .execute(params![key.shop, key.channel, order.id, order.number, snapshot, ms(order.placed_at), ship_by.map(ms), ms(now)])?;
        for line in &order.lines {
            if order.sellers && line.sellers {
                self.put_units(key, order, line, now)?;
            }
        }
        Ok((old.is_none(), true))
    }

    fn put_units(&self, key: &Key, order: &Order, line: &Line, now: Instant) -> Result<(), Error> {
        let mut units: Vec<UnitRow> = Vec::new();
        for unit in self.units(key, &order.id)? {
            match units.last_mut() {
                // A bundle is one unit here, in a parcel as soon as a part of it is.
                Some(last) if unit.line == line.id && last.ordinal == unit.ordinal => {
                    last.parcel = last.parcel.take().or(unit.parcel);
                }
                _ if unit.line == line.id => units.push(unit),
                _ => {}
            }
        }
        for ordinal in units.len() as u32..line.quantity {
            units.push(UnitRow {
                line: line.id.clone(),
                ordinal,
                sku: line.sku.clone(),
                listing: line.listing.clone(),
                piece: 0,
                part: None,
                item: None,
                shop_line: None,
                channel_state: String::new(),
                shop_state: "absent".into(),
                parcel: None,
            });
        }
        let rest = match &line.state {
            State::Held => "held",
            State::Open if order.state == State::Held || !order.holds.is_empty() => "held",
            State::Open => "open",
            state if state.gone() => "shipped",
            state if state.dropped() => "dropped",
            _ => "other",
        };
        let (dropped, shipped) = match rest {
            "dropped" => (units.len(), 0),
            "shipped" => (line.cancelled as usize, units.len()),
            _ => (line.cancelled as usize, line.shipped as usize),
        };
        // Which pieces of a line were dropped or shipped is ours to say: keep what was said before, then drop
        // those that travel in no parcel, and ship those that do.
        let mut order_of: Vec<usize> = (0..units.len()).collect();
        order_of.sort_by_key(|&i| {
            (
                units[i].channel_state != "dropped",
                units[i].parcel.is_some(),
                std::cmp::Reverse(units[i].ordinal),
            )
        });
        let mut state = vec![rest; units.len()];
        for &i in order_of.iter().take(dropped) {
            state[i] = "dropped";
        }
        let mut order_of: Vec<usize> = (0..units.len())
            .filter(|&i| state[i] != "dropped")
            .collect();
        order_of.sort_by_key(|&i| {
            (
                units[i].channel_state != "shipped",
                units[i].parcel.is_none(),
                units[i].ordinal,
            )
        });
        for &i in order_of.iter().take(shipped) {
            state[i] = "shipped";
        }
        let mut known = self.conn.prepare_cached(
            "update unit set sku = ?6, listing = coalesce(?7, listing), channel_state = ?8
             where shop = ?1 and channel = ?2 and order_id = ?3 and line = ?4 and ordinal = ?5",
        )?;
        let mut put = self.conn.prepare_cached(
            "insert into unit (shop, channel, order_id, line, ordinal, sku, listing, channel_state, shop_state)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'absent')",
        )?;
        for (unit, state) in units.iter().zip(state) {
            // Some marketplaces put a cancelled or refused unit back on sale by themselves, others end the offer: whatever
            // the shop has, the number there is not known any more, and is written again.
            if state == "dropped"
                && unit.channel_state != "dropped"
                && let Some(listing) = unit.listing.as_deref().or(line.listing.as_deref())
            {
                self.set_pushed(key, listing, None, now)?;
            }
            let values = params![
                key.shop,
                key.channel,
                order.id,
                line.id,
                unit.ordinal,
                line.sku,
                line.listing,
                state
            ];
            if known.execute(values)? == 0 {
                put.execute(values)?;
            }
        }
        Ok(())
    }

    /// Ties units to the inventory item and listing of their SKU, where exactly one fits. Those of bundles become one
    /// row for each piece of the parts, until their order is about to be created.
    pub fn tie_units(&self, key: &Key) -> Result<(), Error> {
        self.explode_units(key)?;
        self.conn.execute(
            "update unit set item = (select min(v.item) from variant v where v.shop = unit.shop and v.sku = coalesce(unit.part, unit.sku))
             where shop = ?1 and channel = ?2 and (item is null or shop_state = 'absent') and sku is not null and channel_state <> 'dropped'
               and 1 = (select count(*) from variant v where v.shop = unit.shop and v.sku = coalesce(unit.part, unit.sku))",
            params![key.shop, key.channel],
        )?;
        self.conn.execute(
            "update unit set listing = (select min(i.id) from listing i where i.shop = unit.shop and i.channel = unit.channel and i.sku = unit.sku)
             where shop = ?1 and channel = ?2 and listing is null and sku is not null and channel_state in ('held', 'open', 'other')
               and 1 = (select count(*) from listing i where i.shop = unit.shop and i.channel = unit.channel and i.sku = unit.sku)",
            params![key.shop, key.channel],
        )?;
        Ok(())
    }

    /// One order by the channel's id.
    pub fn order(&self, key: &Key, id: &str) -> Result<Option<OrderRow>, Error> {
        self.one_order(
            &format!(
                "select {ORDER} from channel_order where shop = ?1 and channel = ?2 and id = ?3"
            ),
            key,
            id,
        )
    }

    /// One order by the channel's number.
    pub fn order_by_number(&self, key: &Key, number: &str) -> Result<Option<OrderRow>, Error> {
        self.one_order(
            &format!(
                "select {ORDER} from channel_order where shop = ?1 and channel = ?2 and number = ?3"
            ),
            key,
            number,
        )
    }

    /// The channel's order of a Shopify order.
    pub fn order_by_shop_order(
        &self,
        key: &Key,
        shop_order: &str,
    ) -> Result<Option<OrderRow>, Error> {
        self.one_order(&format!("select {ORDER} from channel_order where shop = ?1 and channel = ?2 and shop_order = ?3"), key, shop_order)
    }

    /// Orders that a person should look at, the most urgent first.
    pub fn orders_for_attention(&self, key: &Key) -> Result<Vec<OrderRow>, Error> {
        let mut statement = self.conn.prepare_cached(&format!(
            "select {ORDER} from channel_order indexed by order_attention where shop = ?1 and channel = ?2 and attention = 1
             order by ship_by is null, ship_by, placed_at, id"
        ))?;
        let mut rows = statement.query(params![key.shop, key.channel])?;
        let mut found = Vec::new();
        while let Some(r) = rows.next()? {
            found.push(order(r)?);
        }
        Ok(found)
    }

    /// Notes that a person has seen to an order, or should.
    pub fn set_order_attention(&self, key: &Key, id: &str, attention: bool) -> Result<(), Error> {
        self.conn.execute(
            "update channel_order set attention = ?4 where shop = ?1 and channel = ?2 and id = ?3",
            params![key.shop, key.channel, id, attention],
        )?;
        Ok(())
    }

    fn one_order(&self, sql: &str, key: &Key, value: &str) -> Result<Option<OrderRow>, Error> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query(params![key.shop, key.channel, value])?;
        rows.next()?.map(order).transpose()
    }

    /// Orders in these states, the most urgent first.
    pub fn orders_in(&self, key: &Key, states: &[OrderState]) -> Result<Vec<OrderRow>, Error> {
        let names: Vec<_> = states.iter().map(|s| s.text()).collect();
        let mut statement = self.conn.prepare_cached(&format!(
            "select {ORDER} from channel_order where shop = ?1 and channel = ?2 and state in (select value from json_each(?3))
             order by ship_by is null, ship_by, placed_at, id"
        ))?;
        let mut rows = statement.query(params![key.shop, key.channel, json(&names)])?;
        let mut found = Vec::new();
        while let Some(r) = rows.next()? {
            found.push(order(r)?);
        }
        Ok(found)
    }

    /// Moves an order.
    pub fn set_order_state(
        &self,
        key: &Key,
        id: &str,
        state: OrderState,
        reason: Option<&str>,
        attention: bool,
    ) -> Result<(), Error> {
        self.conn
            .prepare_cached("update channel_order set state = ?4, reason = ?5, attention = ?6 where shop = ?1 and channel = ?2 and id = ?3")?
            .execute(params![key.shop, key.channel, id, state.text(), reason, attention])?;
        Ok(())
    }

    /// Holds or releases an order by hand.
    pub fn set_manual_hold(&self, key: &Key, id: &str, hold: bool) -> Result<(), Error> {
        self.conn
            .execute("update channel_order set manual_hold = ?4 where shop = ?1 and channel = ?2 and id = ?3", params![key.shop, key.channel, id, hold])?;
        Ok(())
    }

    /// What a person said to an order that the channel asks about.
    pub fn answer(&self, key: &Key, id: &str) -> Result<Option<Answer>, Error> {
        let text: Option<Option<String>> = self
            .conn
            .prepare_cached(
                "select answer from channel_order where shop = ?1 and channel = ?2 and id = ?3",
            )?
            .query_row(params![key.shop, key.channel, id], |r| r.get(0))
            .optional()?;
        Ok(text.flatten().map(|text| match text.split_once(' ') {
            Some((_, reason)) => Answer::Refuse(Some(reason.to_owned())),
            None if text == "refuse" => Answer::Refuse(None),
            None => Answer::Accept,
        }))
    }

    /// Notes what a person says to it.
    pub fn set_answer(&self, key: &Key, id: &str, answer: &Answer) -> Result<(), Error> {
        let text = match answer {
            Answer::Accept => "accept".to_owned(),
            Answer::Refuse(None) => "refuse".to_owned(),
            Answer::Refuse(Some(reason)) => format!("refuse {reason}"),
        };
        self.conn.execute(
            "update channel_order set answer = ?4, attention = 0 where shop = ?1 and channel = ?2 and id = ?3",
            params![key.shop, key.channel, id, text],
        )?;
        Ok(())
    }

    /// What is left of an inventory item at these locations beside every sale that is known. Negative: more is sold
    /// than there is.
    pub fn free_of_item(&self, shop: &str, item: &str, locations: &[String]) -> Result<i64, Error> {
        Ok(self
            .conn
            .prepare_cached(
                "select coalesce((select sum(available) from level where shop = ?1 and item = ?2
                   and location in (select value from json_each(?3))), 0)
                 - (select count(*) from unit u
                   join channel_order o on o.shop = u.shop and o.channel = u.channel and o.id = u.order_id
                   where u.shop = ?1 and u.item = ?2 and u.channel_state <> 'dropped' and u.shop_state = 'absent' and o.state <> 'ignored')",
            )?
            .query_row(params![shop, item, json(&locations)], |r| r.get(0))?)
    }

    /// Notes that the order exists in Shopify, with what each of its lines was made from.
    pub fn order_created(
        &self,
        key: &Key,
        id: &str,
        created: &CreatedOrder,
        lines: &[CreatedFrom],
        now: Instant,
    ) -> Result<(), Error> {
        self.conn.execute(
            "update channel_order set state = 'created', reason = null, attention = 0, shop_order = ?4, shop_name = ?5, created_at = ?6
             where shop = ?1 and channel = ?2 and id = ?3",
            params![key.shop, key.channel, id, created.id, created.name, ms(now)],
        )?;
        let mut tie = self.conn.prepare_cached(
            "update unit set shop_line = ?5, shop_state = 'open'
             where shop = ?1 and channel = ?2 and order_id = ?3 and line = ?4 and shop_state = 'absent' and shop_line is null
               and (ordinal, piece) in (select ordinal, piece from unit where shop = ?1 and channel = ?2 and order_id = ?3 and line = ?4
                 and shop_state = 'absent' and (channel_state = 'dropped') = ?7 and part is not distinct from ?8
                 order by ordinal, piece limit ?6)",
        )?;
        for CreatedFrom {
            shop_line,
            lines: channel_lines,
            part,
        } in lines
        {
            let mut left = created
                .lines
                .iter()
                .find(|l| l.id == *shop_line)
                .map_or(0, |l| l.quantity);
            // Living units of all folded lines first: a dropped one was left out when the order was made.
            for dropped in [false, true] {
                for line in channel_lines {
                    let tied = tie.execute(params![
                        key.shop,
                        key.channel,
                        id,
                        line,
                        shop_line,
                        left,
                        dropped,
                        part
                    ])?;
                    left = left.saturating_sub(tied as u32);
                }
            }
        }
        Ok(())
    }

    /// Keeps what extras made of an order.
    pub fn put_extra_steps(
        &self,
        key: &Key,
        order: &str,
        before: &NewOrder,
        steps: &[ExtraStep],
        after: &NewOrder,
    ) -> Result<(), Error> {
        self.conn.execute(
            "insert into order_extra (shop, channel, order_id, before, steps, after) values (?1, ?2, ?3, ?4, ?5, ?6)
             on conflict (shop, channel, order_id) do update set before = ?4, steps = ?5, after = ?6",
            params![key.shop, key.channel, order, json(before), json(&steps), json(after)],
        )?;
        Ok(())
    }

    /// What extras made of an order: before, each step, after. None when there were none.
    pub fn extra_steps(
        &self,
        key: &Key,
        order: &str,
    ) -> Result<Option<(NewOrder, Vec<ExtraStep>, NewOrder)>, Error> {
        let found: Option<(String, String, String)> = self
            .conn
            .prepare_cached("select before, steps, after from order_extra where shop = ?1 and channel = ?2 and order_id = ?3")?
            .query_row(params![key.shop, key.channel, order], |r| {
                Ok((r.get(0)?, r.get(1)?, r.get(2)?))
            })
            .optional()?;
        found
            .map(|(before, steps, after)| {
                Ok((
                    unjson(&before, "order_extra.before")?,
                    unjson(&steps, "order_extra.steps")?,
                    unjson(&after, "order_extra.after")?,
                ))
            })
            .transpose()
    }

    /// The newest orders that the host knows.
    pub fn newest_orders(&self, key: &Key, limit: u32) -> Result<Vec<OrderRow>, Error> {
        let mut statement = self.conn.prepare_cached(&format!(
            "select {ORDER} from channel_order where shop = ?1 and channel = ?2 order by placed_at desc, id limit ?3"
        ))?;
        let mut rows = statement.query(params![key.shop, key.channel, limit])?;
        let mut found = Vec::new();
        while let Some(r) = rows.next()? {
            found.push(order(r)?);
        }
        Ok(found)
    }

    /// The units of an order, in order.
    pub fn units(&self, key: &Key, order: &str) -> Result<Vec<UnitRow>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select line, ordinal, sku, listing, item, shop_line, channel_state, shop_state, parcel, piece, part
             from unit where shop = ?1 and channel = ?2 and order_id = ?3 order by line, ordinal, piece",
        )?;
        let rows = statement.query_map(params![key.shop, key.channel, order], |r| {
            Ok(UnitRow {
                line: r.get(0)?,
                ordinal: r.get(1)?,
                sku: r.get(2)?,
                listing: r.get(3)?,
                item: r.get(4)?,
                shop_line: r.get(5)?,
                channel_state: r.get(6)?,
                shop_state: r.get(7)?,
                parcel: r.get(8)?,
                piece: r.get(9)?,
                part: r.get(10)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Writes back what Shopify says of a unit, its state at the channel and its parcel.
    pub fn put_unit(&self, key: &Key, order: &str, u: &UnitRow) -> Result<(), Error> {
        self.conn
            .prepare_cached(
                "update unit set channel_state = ?6, shop_state = ?7, parcel = ?8, shop_line = ?9
                 where shop = ?1 and channel = ?2 and order_id = ?3 and line = ?4 and ordinal = ?5 and piece = ?10",
            )?
            .execute(params![
                key.shop,
                key.channel,
                order,
                u.line,
                u.ordinal,
                u.channel_state,
                u.shop_state,
                u.parcel,
                u.shop_line,
                u.piece
            ])?;
        Ok(())
    }

    /// Created orders with a unit that is dropped on one side only: (order, dropped at the channel only, removed in the shop only).
    pub fn one_sided_drops(&self, key: &Key) -> Result<Vec<(String, u32, u32)>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select u.order_id, sum(u.channel_state = 'dropped' and u.shop_state = 'open'),
               sum(u.shop_state = 'removed' and u.channel_state in ('open', 'held', 'other'))
             from unit u join channel_order o on o.shop = u.shop and o.channel = u.channel and o.id = u.order_id
             where u.shop = ?1 and u.channel = ?2 and o.state = 'created'
             group by u.order_id
             having 0 < sum((u.channel_state = 'dropped' and u.shop_state = 'open')
               or (u.shop_state = 'removed' and u.channel_state in ('open', 'held', 'other')))
             order by u.order_id",
        )?;
        let rows = statement.query_map(params![key.shop, key.channel], |r| {
            Ok((r.get(0)?, r.get(1)?, r.get(2)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Units that left in a parcel although the channel has cancelled them: (order, its number, SKU or line, how many).
    pub fn shipped_though_dropped(
        &self,
        key: &Key,
    ) -> Result<Vec<(String, String, String, u32)>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select o.id, o.number, coalesce(u.part, u.sku, u.line), count(*) from channel_order o
             join unit u on u.shop = o.shop and u.channel = o.channel and u.order_id = o.id
             where o.shop = ?1 and o.channel = ?2 and o.state = 'created' and u.channel_state = 'dropped' and u.shop_state = 'fulfilled'
             group by o.id, o.number, coalesce(u.part, u.sku, u.line) order by o.id, 3",
        )?;
        let rows = statement.query_map(params![key.shop, key.channel], |r| {
            Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The Shopify order is gone, and nothing of it was told to the channel: the order is back where it was before it
    /// was created, held by hand so that only a person makes it anew. False when a parcel was told: then only a person
    /// can say what is true.
    pub fn order_deleted(&self, key: &Key, id: &str, why: &str) -> Result<bool, Error> {
        if self.parcels_of(key, id)?.iter().any(|p| p.state.told()) {
            return Ok(false);
        }
        self.conn.execute(
            "delete from parcel where shop = ?1 and channel = ?2 and order_id = ?3",
            params![key.shop, key.channel, id],
        )?;
        self.conn.execute(
            "update unit set shop_line = null, shop_state = 'absent', parcel = null where shop = ?1 and channel = ?2 and order_id = ?3",
            params![key.shop, key.channel, id],
        )?;
        self.conn.execute(
            "update channel_order set state = 'held', manual_hold = 1, attention = 1, reason = ?4, shop_order = null, shop_name = null,
               created_at = null
             where shop = ?1 and channel = ?2 and id = ?3",
            params![key.shop, key.channel, id, why],
        )?;
        Ok(true)
    }

    /// Closes created orders of which no unit is open on either side. One that shipped what the channel had cancelled
    /// stays until a person has seen to it.
    pub fn close_orders(&self, key: &Key) -> Result<usize, Error> {
        Ok(self.conn.execute(
            "update channel_order set state = 'closed', reason = null, attention = 0 where shop = ?1 and channel = ?2 and state = 'created'
               and not exists (select 1 from unit u where u.shop = channel_order.shop and u.channel = channel_order.channel
                 and u.order_id = channel_order.id
                 and not ((u.channel_state = 'shipped' and u.shop_state in ('fulfilled', 'removed'))
                   or (u.channel_state = 'dropped' and u.shop_state in ('removed', 'absent'))
                   or (u.channel_state = 'dropped' and u.shop_state = 'fulfilled' and channel_order.attention = 0)))",
            params![key.shop, key.channel],
        )?)
    }

    /// Ids (channel's and Shopify's) of orders that are created and not closed.
    pub fn open_shop_orders(&self, key: &Key) -> Result<Vec<(String, String)>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select id, shop_order from channel_order where shop = ?1 and channel = ?2 and state = 'created' and shop_order is not null order by id",
        )?;
        let rows = statement.query_map(params![key.shop, key.channel], |r| {
            Ok((r.get(0)?, r.get(1)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether any of the channel's orders was created in Shopify since then.
    pub fn created_since(&self, key: &Key, since: Instant) -> Result<bool, Error> {
        Ok(self.conn.query_row(
            "select exists (select 1 from channel_order where shop = ?1 and channel = ?2 and created_at >= ?3)",
            params![key.shop, key.channel, ms(since)],
            |r| r.get(0),
        )?)
    }

    /// Ids of orders with a unit that is not finished at the channel, or with none: those could not be read.
    pub fn open_channel_orders(&self, key: &Key) -> Result<Vec<String>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select o.id from channel_order o where o.shop = ?1 and o.channel = ?2 and o.state not in ('closed', 'cancelled', 'ignored')
               and (exists (select 1 from unit u where u.shop = o.shop and u.channel = o.channel and u.order_id = o.id
                   and u.channel_state not in ('shipped', 'dropped'))
                 or not exists (select 1 from unit u where u.shop = o.shop and u.channel = o.channel and u.order_id = o.id))
             order by o.placed_at, o.id",
        )?;
        let rows = statement.query_map(params![key.shop, key.channel], |r| r.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Items of created orders whose stock was last read before the order was created: to be read again.
    pub fn stale_items(&self, shop: &str) -> Result<Vec<String>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select distinct u.item from unit u
             join channel_order o on o.shop = u.shop and o.channel = u.channel and o.id = u.order_id
             where u.shop = ?1 and u.item is not null and u.shop_state = 'open' and o.created_at >= (
               select min(l.read_at) from level l where l.shop = u.shop and l.item = u.item)",
        )?;
        let rows = statement.query_map(params![shop], |r| r.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn order(r: &Row<'_>) -> Result<OrderRow, Error> {
    Ok(OrderRow {
        id: r.get(0)?,
        number: r.get(1)?,
        state: OrderState::parse(&r.get::<_, String>(2)?),
        reason: r.get(3)?,
        attention: r.get(4)?,
        manual_hold: r.get(5)?,
        snapshot: unjson(&r.get::<_, String>(6)?, "channel_order.snapshot")?,
        ship_by: r.get::<_, Option<i64>>(7)?.map(at),
        shop_order: r.get(8)?,
        shop_name: r.get(9)?,
        created_at: r.get::<_, Option<i64>>(10)?.map(at),
        seen_at: at(r.get(11)?),
    })
}
