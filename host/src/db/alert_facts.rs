//! What alerts are made from. Every few seconds, so each query is served by an index, whatever there is in all.

use rusqlite::{OptionalExtension, Row, ToSql, params};

use super::{ChannelRow, Error, OrderState, Tx, at, ms};
use crate::model::{Instant, Key};

/// The first of many, the most urgent first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<T> {
    /// So many as were asked for at most.
    pub first: Vec<T>,
    /// How many there are in all.
    pub count: u32,
}

impl<T> Default for Found<T> {
    fn default() -> Self {
        Self {
            first: Vec::new(),
            count: 0,
        }
    }
}

/// An order that may need a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderFact {
    /// The channel's id.
    pub id: String,
    /// The channel's number.
    pub number: String,
    /// How far the host is with it.
    pub state: OrderState,
    /// Why.
    pub reason: Option<String>,
    /// Must be dispatched by.
    pub ship_by: Option<Instant>,
    /// Must be answered by, where the channel asks.
    pub answer_by: Option<Instant>,
    /// The operator holds it.
    pub manual_hold: bool,
    /// When the host learned of it.
    pub seen_at: Instant,
    /// Units that the channel waits for.
    pub open_units: u32,
    /// What the newest of its parcels that is not told waits for.
    pub parcel: Option<String>,
}

/// A parcel that needs a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParcelFact {
    /// The Shopify fulfillment's id.
    pub id: String,
    /// The channel's order id.
    pub order: String,
    /// Its number.
    pub number: String,
    /// Carrier as the merchant wrote it.
    pub company: Option<String>,
    /// Tracking code.
    pub tracking: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// The order must be dispatched by.
    pub ship_by: Option<Instant>,
}

/// A stock number that the channel does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberFact {
    /// The SKU.
    pub sku: String,
    /// The number.
    pub quantity: u32,
    /// Why.
    pub why: String,
}

/// What there is of one channel.
#[derive(Clone, Debug)]
pub struct ChannelFacts {
    /// Its configuration and schedule.
    pub row: ChannelRow,
    /// ISO 4217 code of the shop.
    pub currency: Option<String>,
    /// When it was added.
    pub added_at: Instant,
    /// When its newest cycle that came through ended; only told while it fails.
    pub last_good: Option<Instant>,
    /// Since when its newest cycle runs; also when that one was killed.
    pub running_since: Option<Instant>,
    /// Why its plan waits.
    pub plan: Option<String>,
    /// Orders for attention.
    pub attention: Found<OrderFact>,
    /// Orders that their channel asks about, where a person must say.
    pub asked: Found<OrderFact>,
    /// Orders that are known for long and not in Shopify, none of the above.
    pub held: Found<OrderFact>,
    /// Orders with open units whose deadline is near, none of the above.
    pub due: Found<OrderFact>,
    /// Parcels that the channel refuses.
    pub refused: Found<ParcelFact>,
    /// Parcels for attention for another reason.
    pub parcels: Found<ParcelFact>,
    /// Numbers that the channel refuses.
    pub numbers: Found<NumberFact>,
}

/// How messages to one target fare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetFacts {
    /// The target's name.
    pub target: String,
    /// When the oldest message was made that was tried in vain and is not given up.
    pub failing_since: Option<Instant>,
    /// Why the newest attempt that failed did.
    pub error: Option<String>,
    /// When the newest message that waits no more was given up; none: it got through.
    pub given_up_at: Option<Instant>,
    /// When a message got through last, as far as known.
    pub sent_at: Option<Instant>,
    /// Messages that wait.
    pub waiting: u32,
}

const ORDER: &str = "o.id, o.number, o.state, o.reason, o.ship_by, json_extract(o.snapshot, '$.awaits_acceptance.until'), o.manual_hold, o.seen_at,
  (select count(*) from unit u where u.shop = o.shop and u.channel = o.channel and u.order_id = o.id and u.piece = 0 and u.channel_state = 'open'),
  (select p.state || coalesce(': ' || p.reason, '') from parcel p where p.shop = o.shop and p.channel = o.channel and p.order_id = o.id
     and p.state not in ('done', 'withdrawn') order by p.number desc limit 1)";
const OPEN_UNIT: &str = "exists (select 1 from unit u where u.shop = o.shop and u.channel = o.channel and u.order_id = o.id and u.channel_state = 'open')";
/// Orders whose open units are due before ?3 and that nothing else tells of. One that was only just seen may be none of
/// ours to ship.
const DUE: &str = "o.ship_by is not null and o.state not in ('closed', 'cancelled', 'ignored') and o.state <> 'seen' and o.ship_by <= ?3
  and o.attention = 0
  and not exists (select 1 from parcel p where p.shop = o.shop and p.channel = o.channel and p.order_id = o.id and p.attention = 1)";

impl Tx<'_> {
    /// Everything that alerts of channels are made from, at most `limit` things of a sort and channel.
    pub fn alert_facts(&self, limit: u32, now: Instant) -> Result<Vec<ChannelFacts>, Error> {
        let shops = self.shops()?;
        let mut facts = Vec::new();
        for row in self.channels()? {
            let info = shops
                .iter()
                .find(|s| s.shop == row.key.shop)
                .and_then(|s| s.info.as_ref());
            let currency = info.map(|i| i.currency.clone());
            facts.push(self.channel_facts(row, currency, limit, now)?);
        }
        Ok(facts)
    }

    fn channel_facts(
        &self,
        row: ChannelRow,
        currency: Option<String>,
        limit: u32,
        now: Instant,
    ) -> Result<ChannelFacts, Error> {
        let key = row.key.clone();
        let hours = |h: u32| i64::from(h) * 3_600_000;
        let near = ms(now) + hours(row.policy.alert_before_h);
        let old = ms(now) - hours(row.policy.alert_held_h);
        let attention = |asked: &str| {
            format!(
                "o.attention = 1 and json_extract(o.snapshot, '$.awaits_acceptance') is {asked}"
            )
        };
        let (added_at, last_good) = self
            .conn
            .prepare_cached(
                "select added_at, case when failures = 0 then null else (select c.ended_at from cycle c where c.shop = ?1 and c.channel = ?2
                   and c.outcome in ('done', 'waits') order by c.id desc limit 1) end
                 from channel where shop = ?1 and channel = ?2",
            )?
            .query_row(params![key.shop, key.channel], |r| {
                Ok((at(r.get(0)?), r.get::<_, Option<i64>>(1)?.map(at)))
            })?;
        let newest: Option<(i64, Option<i64>)> = self
            .conn
            .prepare_cached("select started_at, ended_at from cycle where shop = ?1 and channel = ?2 order by id desc limit 1")?
            .query_row(params![key.shop, key.channel], |r| Ok((r.get(0)?, r.get(1)?)))
            .optional()?;
        let plan = self
            .conn
            .prepare_cached("select why from plan where shop = ?1 and channel = ?2")?
            .query_row(params![key.shop, key.channel], |r| r.get(0))
            .optional()?;
        Ok(ChannelFacts {
            currency,
            added_at,
            last_good,
            running_since: newest.and_then(|(started, ended)| ended.is_none().then(|| at(started))),
            plan,
            attention: self.order_facts(&key, Some("order_attention"), &attention("null"), &[], limit)?,
            asked: self.order_facts(&key, Some("order_attention"), &attention("not null"), &[], limit)?,
            held: self.order_facts(
                &key,
                None,
                &format!("o.state in ('seen', 'held', 'ready', 'creating') and o.attention = 0 and o.seen_at <= ?3
                   and not (o.ship_by is not null and o.ship_by <= ?4 and {OPEN_UNIT})"),
                &[old, near],
                limit,
            )?,
            due: self.order_facts(&key, Some("order_deadline"), &format!("{DUE} and {OPEN_UNIT}"), &[near], limit)?,
            refused: self.parcel_facts(&key, "p.state = 'refused'", limit)?,
            parcels: self.parcel_facts(&key, "p.state <> 'refused'", limit)?,
            numbers: self.number_facts(&key, limit)?,
            row,
        })
    }

    fn order_facts(
        &self,
        key: &Key,
        index: Option<&str>,
        condition: &str,
        times: &[i64],
        limit: u32,
    ) -> Result<Found<OrderFact>, Error> {
        let by = index.map_or(String::new(), |index| format!(" indexed by {index}"));
        self.found(
            ORDER,
            &format!("channel_order o{by} where o.shop = ?1 and o.channel = ?2 and {condition}"),
            "o.ship_by is null, o.ship_by, o.placed_at, o.id",
            key,
            times,
            limit,
            order,
        )
    }

    fn parcel_facts(
        &self,
        key: &Key,
        condition: &str,
        limit: u32,
    ) -> Result<Found<ParcelFact>, Error> {
        self.found(
            "p.id, p.order_id, coalesce(o.number, p.order_id), p.company, p.tracking, p.reason, o.ship_by",
            &format!(
                "parcel p left join channel_order o on o.shop = p.shop and o.channel = p.channel and o.id = p.order_id
                 where p.shop = ?1 and p.channel = ?2 and p.attention = 1 and {condition}"
            ),
            "o.ship_by is null, o.ship_by, p.order_id, p.number",
            key,
            &[],
            limit,
            |r| {
                Ok(ParcelFact {
                    id: r.get(0)?,
                    order: r.get(1)?,
                    number: r.get(2)?,
                    company: r.get(3)?,
                    tracking: r.get(4)?,
                    reason: r.get(5)?,
                    ship_by: r.get::<_, Option<i64>>(6)?.map(at),
                })
            },
        )
    }

    fn number_facts(&self, key: &Key, limit: u32) -> Result<Found<NumberFact>, Error> {
        self.found(
            "sku, quantity, refused",
            "sent where shop = ?1 and channel = ?2 and refused is not null",
            "sku, listing",
            key,
            &[],
            limit,
            |r| {
                Ok(NumberFact {
                    sku: r.get(0)?,
                    quantity: r.get(1)?,
                    why: r.get(2)?,
                })
            },
        )
    }

    /// The first rows, and how many there are; they are counted only when there may be more.
    #[allow(clippy::too_many_arguments)]
    fn found<T>(
        &self,
        columns: &str,
        from: &str,
        order: &str,
        key: &Key,
        times: &[i64],
        limit: u32,
        row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Found<T>, Error> {
        let mut values: Vec<&dyn ToSql> = vec![&key.shop, &key.channel];
        values.extend(times.iter().map(|t| t as &dyn ToSql));
        let sql = format!("select {columns} from {from} order by {order} limit {limit}");
        #[cfg(test)]
        tests::served_by_indexes(self.conn, &sql, &values);
        let mut statement = self.conn.prepare_cached(&sql)?;
        let rows = statement.query_map(&*values, row)?;
        let first = rows.collect::<Result<Vec<_>, _>>()?;
        let mut count = first.len() as u32;
        if count == limit {
            count = self
                .conn
                .prepare_cached(&format!("select count(*) from {from}"))?
                .query_row(&*values, |r| r.get(0))?;
        }
        Ok(Found { first, count })
    }

    /// How messages to a target fare.
    pub fn target_facts(&self, target: &str) -> Result<TargetFacts, Error> {
        let (waiting, failing_since): (u32, Option<i64>) = self
            .conn
            .prepare_cached(
                "select count(*), min(case when attempts > 0 then made_at end) from notification where target = ?1 and next_at is not null",
            )?
            .query_row(params![target], |r| Ok((r.get(0)?, r.get(1)?)))?;
        let settled = |what: &str| -> Result<Option<(i64, Option<String>)>, Error> {
            Ok(self
                .conn
                .prepare_cached(&format!(
                    "select {what}, error from notification where target = ?1 and {what} is not null order by made_at desc limit 1"
                ))?
                .query_row(params![target], |r| Ok((r.get(0)?, r.get(1)?)))
                .optional()?)
        };
        let (sent, given_up) = (settled("sent_at")?, settled("given_up_at")?);
        let pending: Option<String> = self
            .conn
            .prepare_cached(
                "select error from notification where target = ?1 and next_at is not null and error is not null order by made_at desc limit 1",
            )?
            .query_row(params![target], |r| r.get(0))
            .optional()?;
        let sent_at = sent.map(|(t, _)| t);
        let given_up = given_up.filter(|(t, _)| sent_at.is_none_or(|s| s < *t));
        Ok(TargetFacts {
            target: target.to_owned(),
            failing_since: failing_since.map(at),
            error: pending.or_else(|| given_up.as_ref().and_then(|(_, error)| error.clone())),
            given_up_at: given_up.map(|(t, _)| at(t)),
            sent_at: sent_at.map(at),
            waiting,
        })
    }
}

fn order(r: &Row<'_>) -> rusqlite::Result<OrderFact> {
    let instant =
        |i: usize| -> rusqlite::Result<Option<Instant>> { Ok(r.get::<_, Option<i64>>(i)?.map(at)) };
    Ok(OrderFact {
        id: r.get(0)?,
        number: r.get(1)?,
        state: OrderState::parse(&r.get::<_, String>(2)?),
        reason: r.get(3)?,
        ship_by: instant(4)?,
        answer_by: r.get::<_, Option<String>>(5)?.and_then(|t| t.parse().ok()),
        manual_hold: r.get(6)?,
        seen_at: at(r.get(7)?),
        open_units: r.get(8)?,
        parcel: r.get(9)?,
    })
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use rusqlite::Connection;

    use super::*;
    use crate::db::{ChannelState, ParcelRow, ParcelState, ShopRow, store};
    use crate::model::{AcceptanceDue, Policy};
    use crate::sync::orders::samples;

    /// Fails when SQLite would read a whole table for it.
    pub(super) fn served_by_indexes(conn: &Connection, sql: &str, values: &[&dyn ToSql]) {
        let mut statement = conn.prepare(&format!("explain query plan {sql}")).unwrap();
        let steps: Vec<String> = statement
            .query_map(values, |r| r.get(3))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        for step in &steps {
            assert!(!step.starts_with("SCAN"), "{step}\nof {sql}\n{steps:#?}");
        }
        let first = &steps[0];
        // Each holds few rows, however many orders and SKUs there are.
        let small = [
            "order_attention",
            "order_deadline",
            "order_state (shop=? AND channel=? AND state=?)",
            "parcel_attention",
            "parcel_state (shop=? AND channel=? AND state=?)",
            "sent_refused",
        ];
        assert!(
            small.iter().any(|index| first.contains(index)),
            "{first}\nof {sql}"
        );
    }

    fn key() -> Key {
        Key::new("kestrel", "the-iconic")
    }

    fn with_channel(work: impl FnOnce(&Tx<'_>, Instant)) {
        let mut conn = Connection::open_in_memory().unwrap();
        store::bring_up_to_date(&mut conn);
        let tx = Tx { conn: &conn };
        let now: Instant = "2025-11-27T03:00:00Z".parse().unwrap();
        let shop = ShopRow {
            shop: "kestrel".into(),
            base_url: "https://kestrel.example".into(),
            allow_local: false,
            auth: "token".into(),
            client_id: None,
            info: None,
        };
        tx.put_shop(&shop, now).unwrap();
        let channel = ChannelRow {
            key: key(),
            plugin: "the-iconic".into(),
            title: "THE ICONIC".into(),
            base_url: None,
            allow_local: false,
            account_id: None,
            account_name: None,
            settings: Default::default(),
            policy: Policy::default(),
            extras: vec![],
            locations: vec![],
            orders_from: now,
            state: ChannelState::Active,
            reason: None,
            approved_at: None,
            guard_pass: false,
            due_at: now,
            failures: 0,
            read_back_at: None,
        };
        tx.add_channel(&channel, now).unwrap();
        work(&tx, now);
    }

    /// An order of one unit that is due in so many hours.
    fn put(tx: &Tx<'_>, id: &str, hours: i64, now: Instant) {
        let mut order = samples::order(vec![samples::line("1", "A", "20")]);
        (order.id, order.number) = (id.to_owned(), format!("N{id}"));
        tx.put_order(&key(), &order, Some(now + hours.hours()), now)
            .unwrap();
    }

    fn facts(tx: &Tx<'_>, now: Instant) -> ChannelFacts {
        tx.alert_facts(3, now).unwrap().pop().unwrap()
    }

    fn ids(found: &Found<OrderFact>) -> Vec<&str> {
        found.first.iter().map(|o| o.id.as_str()).collect()
    }

    fn parcel(order: &str, state: ParcelState, attention: bool, now: Instant) -> ParcelRow {
        ParcelRow {
            id: format!("gid://shopify/Fulfillment/{order}"),
            order: order.to_owned(),
            number: 0,
            company: Some("Sendle".into()),
            tracking: Some("S1".into()),
            tracking_url: None,
            carrier: None,
            state,
            reason: Some("no tracking code in Shopify yet".into()),
            attention,
            shipped_at: now,
        }
    }

    #[test]
    fn each_order_is_told_of_once() {
        with_channel(|tx, now| {
            for (id, hours) in [
                ("a", 1),
                ("b", 3),
                ("c", 2),
                ("d", 30),
                ("e", 1),
                ("f", -1),
                ("g", 1),
            ] {
                put(tx, id, hours, now);
                tx.set_order_state(&key(), id, OrderState::Created, None, false)
                    .unwrap();
            }
            tx.set_order_state(&key(), "c", OrderState::Blocked, Some("no variant"), true)
                .unwrap();
            tx.put_parcel(&key(), &parcel("e", ParcelState::Refused, true, now), now)
                .unwrap();
            tx.put_parcel(&key(), &parcel("b", ParcelState::Waiting, false, now), now)
                .unwrap();
            tx.set_order_state(&key(), "g", OrderState::Closed, None, false)
                .unwrap();
            put(tx, "just seen", -5, now);
            let found = facts(tx, now);
            assert_eq!(ids(&found.due), ["f", "a", "b"]);
            assert_eq!(found.due.count, 3);
            assert_eq!(found.due.first[0].open_units, 1);
            assert_eq!(
                found.due.first[2].parcel.as_deref(),
                Some("waiting: no tracking code in Shopify yet")
            );
            assert_eq!(ids(&found.attention), ["c"]);
            assert_eq!(found.refused.first[0].number, "Ne");
            assert!(found.parcels.first.is_empty() && found.asked.first.is_empty());
            assert!(found.held.first.is_empty(), "all are new: {:?}", found.held);
        });
    }

    #[test]
    fn what_is_held_for_long_is_found_and_many_are_counted() {
        with_channel(|tx, now| {
            for n in 0..7 {
                put(tx, &n.to_string(), 100, now);
                tx.set_order_state(
                    &key(),
                    &n.to_string(),
                    OrderState::Held,
                    Some("payment"),
                    false,
                )
                .unwrap();
            }
            let later = now + 25.hours();
            let found = facts(tx, later);
            assert_eq!(found.held.first.len(), 3, "so many as were asked for");
            assert_eq!(found.held.count, 7);
            assert!(found.due.first.is_empty());
        });
    }

    #[test]
    fn an_order_that_wants_an_answer_is_apart() {
        with_channel(|tx, now| {
            let by = now + 2.hours();
            for (id, until) in [("a", Some(by)), ("b", None)] {
                let mut order = samples::order(vec![samples::line("1", "A", "20")]);
                order.id = id.into();
                order.awaits_acceptance = Some(AcceptanceDue { until });
                tx.put_order(&key(), &order, None, now).unwrap();
                tx.set_order_state(&key(), id, OrderState::Held, Some("wants an answer"), true)
                    .unwrap();
                let kept = tx.order(&key(), id).unwrap().unwrap();
                assert_eq!(kept.snapshot.awaits_acceptance, order.awaits_acceptance);
            }
            let found = facts(tx, now);
            let mut due: Vec<_> = (found.asked.first.iter()).map(|o| o.answer_by).collect();
            due.sort();
            assert_eq!(due, [None, Some(by)]);
            assert!(found.attention.first.is_empty());
        });
    }

    #[test]
    fn the_newest_good_cycle_and_the_running_one_are_told() {
        with_channel(|tx, now| {
            let good = tx.begin_cycle(&key(), now).unwrap();
            tx.end_cycle(good, "done", "{}", now + 10.seconds())
                .unwrap();
            for n in 1..4 {
                let bad = tx.begin_cycle(&key(), now + (n * 60).seconds()).unwrap();
                tx.end_cycle(bad, "unavailable", "{}", now + (n * 60 + 1).seconds())
                    .unwrap();
            }
            assert_eq!(
                facts(tx, now).last_good,
                None,
                "it does not fail as far as known"
            );
            tx.set_due(&key(), now, 3).unwrap();
            let found = facts(tx, now);
            assert_eq!(found.last_good, Some(now + 10.seconds()));
            assert_eq!(found.running_since, None);
            tx.begin_cycle(&key(), now + 300.seconds()).unwrap();
            assert_eq!(facts(tx, now).running_since, Some(now + 300.seconds()));
        });
    }

    #[test]
    fn how_messages_fare_is_told_by_the_newest() {
        with_channel(|tx, now| {
            let send = |id: &str, made_at| {
                tx.queue_message(&crate::db::Outgoing {
                    id: id.into(),
                    target: "ops".into(),
                    made_at,
                    body: "{}".into(),
                    attempts: 0,
                })
                .unwrap();
            };
            send("1", now);
            assert_eq!(tx.target_facts("ops").unwrap().failing_since, None);
            tx.message_failed("1", "535", Some(now + 30.seconds()), now)
                .unwrap();
            let found = tx.target_facts("ops").unwrap();
            assert_eq!((found.failing_since, found.waiting), (Some(now), 1));
            assert_eq!(found.error.as_deref(), Some("535"));
            assert!(tx.due_messages("ops", now).unwrap().is_empty());
            tx.message_failed("1", "550", None, now + 24.hours())
                .unwrap();
            let found = tx.target_facts("ops").unwrap();
            assert_eq!((found.failing_since, found.waiting), (None, 0));
            assert_eq!(found.given_up_at, Some(now + 24.hours()));
            assert_eq!(found.error.as_deref(), Some("550"), "the reason is kept");
            send("2", now + 25.hours());
            tx.message_sent("2", now + 25.hours()).unwrap();
            let found = tx.target_facts("ops").unwrap();
            assert_eq!((found.given_up_at, found.error), (None, None));
            assert_eq!(found.sent_at, Some(now + 25.hours()));
        });
    }
}
