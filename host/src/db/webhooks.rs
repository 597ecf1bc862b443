//! Messages that came, what they named, and the subscriptions behind them.

use rusqlite::{OptionalExtension, params};

use super::{Error, Tx, at, json, ms, unjson};
use crate::model::{Instant, Key};

/// How long deliveries are kept, in milliseconds: a week.
const DELIVERIES_KEPT_MS: i64 = 7 * 24 * 3_600_000;
/// Hints of one shop or channel that may wait at a time. Over that, the next reading finds what they name.
const MOST_HINTS: i64 = 5_000;

/// A message that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Whose; the channel is empty for a message from Shopify.
    pub key: Key,
    /// Unique among the deliveries of the key; a repeated message has the same.
    pub id: String,
    /// Shopify's event id.
    pub event: Option<String>,
    /// Shopify's topic, as in `orders/updated`; empty for a marketplace's message.
    pub topic: String,
    /// When it came.
    pub received_at: Instant,
}

/// What a hint names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HintKind {
    /// An order of the channel, by the channel's id.
    Order,
    /// A listing of the channel, by its SKU.
    Sku,
    /// An order in Shopify that stands for one of the channel, by its gid.
    ShopOrder,
    /// An inventory item of the shop, by its gid. Belongs to no channel.
    Item,
}

impl HintKind {
    fn text(self) -> &'static str {
        match self {
            HintKind::Order => "order",
            HintKind::Sku => "sku",
            HintKind::ShopOrder => "shop-order",
            HintKind::Item => "item",
        }
    }
}

/// Something to be read again by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HintRow {
    /// What.
    pub id: String,
    /// When it happened, as far as known.
    pub at: Instant,
}

/// A subscription that this host made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionRow {
    /// Whose; the channel is empty for the shop's at Shopify.
    pub key: Key,
    /// Where messages go; a channel's without the secret at its end.
    pub url: String,
    /// The marketplace's id of it; none for Shopify, which has one for each topic.
    pub id: Option<String>,
    /// What is subscribed to, in the other side's words.
    pub topics: Vec<String>,
    /// When it was made.
    pub made_at: Instant,
    /// When it was looked at last.
    pub checked_at: Instant,
    /// Why that failed.
    pub error: Option<String>,
}

/// When messages came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deliveries {
    /// In the last seven days.
    pub count: u32,
    /// The newest.
    pub last_at: Option<Instant>,
}

impl Tx<'_> {
    /// Stores a delivery. False when the same was stored before.
    pub fn put_delivery(&self, d: &Delivery) -> Result<bool, Error> {
        let new = self
            .conn
            .prepare_cached(
                "insert into delivery (shop, channel, id, event, topic, received_at) values (?1, ?2, ?3, ?4, ?5, ?6)
                 on conflict (shop, channel, id) do nothing",
            )?
            .execute(params![
                d.key.shop,
                d.key.channel,
                d.id,
                d.event,
                d.topic,
                ms(d.received_at)
            ])?;
        Ok(new > 0)
    }

    /// Forgets the deliveries that are older than a week.
    pub fn prune_deliveries(&self, now: Instant) -> Result<(), Error> {
        self.conn
            .prepare_cached("delete from delivery where received_at < ?1")?
            .execute(params![ms(now) - DELIVERIES_KEPT_MS])?;
        Ok(())
    }

    /// When messages of a shop (channel empty) or channel came.
    pub fn deliveries(&self, key: &Key) -> Result<Deliveries, Error> {
        Ok(self
            .conn
            .prepare_cached(
                "select count(*), max(received_at) from delivery where shop = ?1 and channel = ?2",
            )?
            .query_row(params![key.shop, key.channel], |r| {
                Ok(Deliveries {
                    count: r.get(0)?,
                    last_at: r.get::<_, Option<i64>>(1)?.map(at),
                })
            })?)
    }

    /// Notes what a message named. Dropped when very many wait already.
    pub fn put_hint(&self, key: &Key, kind: HintKind, id: &str, at: Instant) -> Result<(), Error> {
        self.conn
            .prepare_cached(
                "insert into hint (shop, channel, kind, id, at)
                 select ?1, ?2, ?3, ?4, ?5 where (select count(*) from hint where shop = ?1 and channel = ?2) < ?6
                 on conflict (shop, channel, kind, id) do update set at = max(at, excluded.at)",
            )?
            .execute(params![key.shop, key.channel, kind.text(), id, ms(at), MOST_HINTS])?;
        Ok(())
    }

    /// What messages named, the oldest first.
    pub fn hints(&self, key: &Key, kind: HintKind) -> Result<Vec<HintRow>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select id, at from hint where shop = ?1 and channel = ?2 and kind = ?3 order by at, id",
        )?;
        let rows = statement.query_map(params![key.shop, key.channel, kind.text()], |r| {
            Ok(HintRow {
                id: r.get(0)?,
                at: at(r.get(1)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Forgets hints, unless the same was named again since.
    pub fn drop_hints(&self, key: &Key, kind: HintKind, hints: &[HintRow]) -> Result<(), Error> {
        let mut statement = self.conn.prepare_cached(
            "delete from hint where shop = ?1 and channel = ?2 and kind = ?3 and id = ?4 and at <= ?5",
        )?;
        for h in hints {
            statement.execute(params![key.shop, key.channel, kind.text(), h.id, ms(h.at)])?;
        }
        Ok(())
    }

    /// The channel whose order a Shopify order is.
    pub fn channel_of_shop_order(
        &self,
        shop: &str,
        shop_order: &str,
    ) -> Result<Option<Key>, Error> {
        Ok(self
            .conn
            .prepare_cached(
                "select o.channel from channel c
                 join channel_order o on o.shop = c.shop and o.channel = c.channel and o.shop_order = ?2
                 where c.shop = ?1",
            )?
            .query_row(params![shop, shop_order], |r| {
                Ok(Key::new(shop, r.get::<_, String>(0)?))
            })
            .optional()?)
    }

    /// The subscriptions that this host made.
    pub fn subscriptions(&self) -> Result<Vec<SubscriptionRow>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select shop, channel, url, id, topics, made_at, checked_at, error from subscription order by shop, channel",
        )?;
        let mut rows = statement.query([])?;
        let mut found = Vec::new();
        while let Some(r) = rows.next()? {
            found.push(SubscriptionRow {
                key: Key::new(r.get::<_, String>(0)?, r.get::<_, String>(1)?),
                url: r.get(2)?,
                id: r.get(3)?,
                topics: unjson(&r.get::<_, String>(4)?, "subscription.topics")?,
                made_at: at(r.get(5)?),
                checked_at: at(r.get(6)?),
                error: r.get(7)?,
            });
        }
        Ok(found)
    }

    /// Stores how a subscription stands.
    pub fn put_subscription(&self, s: &SubscriptionRow) -> Result<(), Error> {
        self.conn.execute(
            "insert into subscription (shop, channel, url, id, topics, made_at, checked_at, error)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             on conflict (shop, channel) do update set url = ?3, id = ?4, topics = ?5, made_at = ?6, checked_at = ?7, error = ?8",
            params![
                s.key.shop,
                s.key.channel,
                s.url,
                s.id,
                json(&s.topics),
                ms(s.made_at),
                ms(s.checked_at),
                s.error
            ],
        )?;
        Ok(())
    }

    /// Forgets a subscription that was removed.
    pub fn drop_subscription(&self, key: &Key) -> Result<(), Error> {
        self.conn.execute(
            "delete from subscription where shop = ?1 and channel = ?2",
            params![key.shop, key.channel],
        )?;
        Ok(())
    }

    /// Notes that the channel has applied a listing's number. Answers since when a change in the shop waited for that.
    pub fn change_applied(&self, key: &Key, listing: &str) -> Result<Option<Instant>, Error> {
        Ok(self
            .conn
            .prepare_cached(
                "delete from lagging where shop = ?1 and channel = ?2 and listing = ?3 returning since",
            )?
            .query_row(params![key.shop, key.channel, listing], |r| r.get(0))
            .optional()?
            .map(at))
    }

    /// Forgets changes in the shop that were noted before `compared` and changed no number of the channel. `differing` are
    /// the listings whose number did differ then.
    pub fn drop_changes_without_effect(
        &self,
        key: &Key,
        differing: &[String],
        compared: Instant,
    ) -> Result<(), Error> {
        self.conn
            .prepare_cached(
                "delete from lagging where shop = ?1 and channel = ?2 and noted_at < ?3
                   and listing not in (select value from json_each(?4))
                   and not exists (select 1 from sent s where s.shop = lagging.shop and s.channel = lagging.channel
                     and s.listing = lagging.listing and s.ticket is not null)",
            )?
            .execute(params![key.shop, key.channel, ms(compared), json(&differing)])?;
        Ok(())
    }

    /// Writes something, to learn whether the database can be written.
    pub fn probe(&self, now: Instant) -> Result<(), Error> {
        self.conn.execute(
            "insert into probe (id, at) values (1, ?1) on conflict (id) do update set at = ?1",
            params![ms(now)],
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::model::LevelChange;

    fn key() -> Key {
        Key::new("s", "c")
    }

    fn with_links() -> Connection {
        let conn = crate::db::store::in_memory();
        conn.execute_batch(
            "insert into link (shop, channel, listing, variant, item, sku, linked_at) values
               ('s', 'c', 'l1', 'v1', 'i1', 'A', 0), ('s', 'd', 'm1', 'v1', 'i1', 'A', 0), ('s', 'c', 'l2', 'v2', 'i2', 'B', 0)",
        )
        .unwrap();
        conn
    }

    fn level(tx: &Tx<'_>, item: &str, available: i64, changed: i64, read: i64) {
        let change = LevelChange {
            item: item.into(),
            location: "here".into(),
            available,
            updated_at: at(changed),
        };
        tx.put_levels("s", &[change], at(read)).unwrap();
    }

    #[test]
    fn a_change_waits_from_the_oldest_that_was_not_applied() {
        let conn = with_links();
        let tx = Tx { conn: &conn };
        level(&tx, "i1", 5, 10, 20);
        assert_eq!(
            tx.change_applied(&key(), "l1").unwrap(),
            None,
            "first seen is no change"
        );
        level(&tx, "i1", 4, 100, 120);
        level(&tx, "i1", 4, 100, 130);
        level(&tx, "i1", 3, 150, 160);
        assert_eq!(tx.change_applied(&key(), "l1").unwrap(), Some(at(100)));
        assert_eq!(
            tx.change_applied(&key(), "l1").unwrap(),
            None,
            "counted once"
        );
        level(&tx, "i1", 2, 200, 210);
        assert_eq!(tx.change_applied(&key(), "l1").unwrap(), Some(at(200)));
        let other = Key::new("s", "d");
        assert_eq!(
            tx.change_applied(&other, "m1").unwrap(),
            Some(at(100)),
            "each channel by itself"
        );
    }

    #[test]
    fn a_change_that_only_a_message_tells_of_counts_from_what_it_says() {
        let conn = with_links();
        let tx = Tx { conn: &conn };
        conn.execute_batch("insert into level values ('s', 'i1', 'here', 5, 0, null), ('s', 'i2', 'here', 5, 0, null)").unwrap();
        tx.put_hint(&Key::new("s", ""), HintKind::Item, "i1", at(70))
            .unwrap();
        conn.execute_batch("update level set available = 4, read_at = 90")
            .unwrap();
        assert_eq!(tx.change_applied(&key(), "l1").unwrap(), Some(at(70)));
        assert_eq!(
            tx.change_applied(&key(), "l2").unwrap(),
            Some(at(90)),
            "when it was read"
        );
    }

    #[test]
    fn a_change_without_effect_is_forgotten_and_one_on_its_way_is_not() {
        let conn = with_links();
        let tx = Tx { conn: &conn };
        for item in ["i1", "i2"] {
            level(&tx, item, 5, 10, 20);
            level(&tx, item, 4, 100, 120);
        }
        let later = Instant::now() + jiff::SignedDuration::from_secs(60);
        let noted_after = at(0);
        tx.drop_changes_without_effect(&key(), &[], noted_after)
            .unwrap();
        tx.put_on_its_way(&key(), "l2", "B", 4, "ticket").unwrap();
        tx.drop_changes_without_effect(&key(), &["l1".to_owned()], later)
            .unwrap();
        tx.drop_changes_without_effect(&key(), &[], later).unwrap();
        assert_eq!(tx.change_applied(&key(), "l1").unwrap(), None);
        assert_eq!(tx.change_applied(&key(), "l2").unwrap(), Some(at(100)));
    }

    #[test]
    fn a_delivery_is_new_once_for_a_week() {
        let conn = crate::db::store::in_memory();
        let tx = Tx { conn: &conn };
        let delivery = |shop: &str| Delivery {
            key: Key::new(shop, ""),
            id: "w1".into(),
            event: None,
            topic: "orders/updated".into(),
            received_at: at(1_000),
        };
        assert!(tx.put_delivery(&delivery("s")).unwrap());
        assert!(!tx.put_delivery(&delivery("s")).unwrap());
        assert!(tx.put_delivery(&delivery("another")).unwrap());
        tx.prune_deliveries(at(1_000 + DELIVERIES_KEPT_MS)).unwrap();
        let key = Key::new("s", "");
        let came = tx.deliveries(&key).unwrap();
        assert_eq!((came.count, came.last_at), (1, Some(at(1_000))));
        tx.prune_deliveries(at(1_001 + DELIVERIES_KEPT_MS)).unwrap();
        assert_eq!(tx.deliveries(&key).unwrap(), Deliveries::default());
    }

    #[test]
    fn a_hint_that_came_again_is_kept_and_very_many_are_not() {
        let conn = crate::db::store::in_memory();
        let tx = Tx { conn: &conn };
        tx.put_hint(&key(), HintKind::Order, "7", at(10)).unwrap();
        let read = tx.hints(&key(), HintKind::Order).unwrap();
        tx.put_hint(&key(), HintKind::Order, "7", at(20)).unwrap();
        tx.drop_hints(&key(), HintKind::Order, &read).unwrap();
        let left = tx.hints(&key(), HintKind::Order).unwrap();
        assert_eq!(left.iter().map(|h| h.at).collect::<Vec<_>>(), [at(20)]);
        tx.drop_hints(&key(), HintKind::Order, &left).unwrap();
        for n in 0..MOST_HINTS + 10 {
            tx.put_hint(&key(), HintKind::Sku, &n.to_string(), at(n))
                .unwrap();
        }
        let kept = tx.hints(&key(), HintKind::Sku).unwrap();
        assert_eq!(kept.len() as i64, MOST_HINTS);
        assert!(tx.hints(&key(), HintKind::Order).unwrap().is_empty());
    }
}
