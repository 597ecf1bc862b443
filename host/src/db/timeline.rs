//! Everything that happened to a subject, from all records of it, in one order of time.

// The API's description knows this type by this name.
use jiff::Timestamp;
use rusqlite::params;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Error, EventRow, PushRow, Tx, at};
use crate::model::{Exchange, Instant, Key};

/// Which record a row of a timeline comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TimelineKind {
    /// An effect on the outside that was noted down before it was begun, or is tried again.
    Intent,
    /// A request and its answer.
    Exchange,
    /// What the host decided or noticed.
    Event,
    /// A stock number that was written.
    Push,
}

/// An effect on the outside.
struct IntentTimes {
    made_at: Instant,
    attempted_at: Instant,
    /// None: its outcome is not known yet.
    settled_at: Option<Instant>,
    /// What became of it, in words.
    outcome: Option<String>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Happening {
    /// When it happened, or was begun.
    pub at: Timestamp,
    /// Which record it comes from.
    pub kind: TimelineKind,
    /// A stable word for filters: the event's kind (`created`), the effect's (`order-create`), the call (`OrderCreate`),
    /// and `stock` for a number that was written.
    pub what: String,
    /// Why it was done; none where the text says it.
    pub cause: Option<String>,
    /// For people.
    pub text: String,
    /// Whether it went well. None: neither well nor badly, or not known yet.
    pub well: Option<bool>,
    /// The request and its answer, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Exchange>,
}

/// Events that say something went wrong.
const BAD: &[&str] = &[
    "alarm",
    "blocked",
    "deleted",
    "doubt",
    "drift",
    "extra-failed",
    "extra-skipped",
    "needs-attention",
    "not-accepted",
    "not-cancelled",
    "not-created",
    "not-looked-up",
    "not-settled",
    "not-told",
    "parked",
    "push-failed",
    "quarantined",
    "refused",
    "shipped-though-cancelled",
    "ticket-lost",
    "total-differs",
    "unknown",
    "wants-answer",
];

/// Events that say something was done.
const GOOD: &[&str] = &[
    "answered",
    "cancelled-at-channel",
    "cancelled-in-shop",
    "created",
    "done",
    "gathered",
    "linked",
    "prepared",
    "seen",
];

impl Tx<'_> {
    /// What happened to `order:<id>`, `sku:<sku>` or `channel`: the newest rows, oldest first. Of orders it holds events,
    /// exchanges and intents; of SKUs events and pushes; of a channel events and the exchanges that failed.
    pub fn timeline(&self, key: &Key, subject: &str, limit: u32) -> Result<Vec<Happening>, Error> {
        let mut rows: Vec<Happening> =
            (self.events(key, subject, limit)?.into_iter().map(of_event)).collect();
        let exchanges = match subject {
            "channel" => self.failed_exchanges(key, subject, limit)?,
            _ => self.exchanges(key, subject, limit)?,
        };
        rows.extend(exchanges.into_iter().map(of_exchange));
        if let Some(id) = subject.strip_prefix("order:") {
            for (kind, times) in self.intents_of(key, id, limit)? {
                rows.extend(of_intent(&kind, times));
            }
        }
        if let Some(sku) = subject.strip_prefix("sku:") {
            rows.extend(self.pushes(key, sku, limit)?.into_iter().map(of_push));
        }
        // Of one moment, what was meant comes before what was done, and that before what was noted of it.
        rows.sort_by_key(|r| (r.at, r.kind));
        let surplus = rows.len().saturating_sub(limit as usize);
        rows.drain(..surplus);
        Ok(rows)
    }

    /// The newest intents of an order and its parcels, with their kinds.
    fn intents_of(
        &self,
        key: &Key,
        order: &str,
        limit: u32,
    ) -> Result<Vec<(String, IntentTimes)>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select kind, made_at, attempted_at, settled_at, outcome from intent
             where shop = ?1 and channel = ?2
               and subject in (select ?3 union all select id from parcel where shop = ?1 and channel = ?2 and order_id = ?3)
             order by id desc limit ?4",
        )?;
        let rows = statement.query_map(params![key.shop, key.channel, order, limit], |r| {
            let times = IntentTimes {
                made_at: at(r.get(1)?),
                attempted_at: at(r.get(2)?),
                settled_at: r.get::<_, Option<i64>>(3)?.map(at),
                outcome: r.get(4)?,
            };
            Ok((r.get(0)?, times))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn of_event(event: EventRow) -> Happening {
    let well = match event.kind.as_str() {
        "state" => Some(event.text == "works again"),
        kind if BAD.contains(&kind) => Some(false),
        kind if GOOD.contains(&kind) => Some(true),
        _ => None,
    };
    Happening {
        at: event.at,
        kind: TimelineKind::Event,
        what: event.kind,
        cause: None,
        text: event.text,
        well,
        exchange: None,
    }
}

fn of_exchange(exchange: Exchange) -> Happening {
    Happening {
        at: exchange.at,
        kind: TimelineKind::Exchange,
        what: exchange.call.clone(),
        cause: Some(exchange.cause.clone()),
        text: exchange.text(),
        well: Some(exchange.well()),
        exchange: Some(exchange),
    }
}

/// An intent is a row when it is noted down, and one when it was tried last, if that was later.
fn of_intent(kind: &str, times: IntentTimes) -> impl Iterator<Item = Happening> {
    let does = match kind {
        "accept" => "answering the channel",
        "order-create" => "creating the order in Shopify",
        "order-cancel" => "cancelling the order in Shopify",
        "units-remove" => "removing units in Shopify",
        "channel-cancel" => "cancelling units at the channel",
        "parcel-prepare" => "telling the channel carrier and code",
        "parcel-ship" => "marking units as shipped at the channel",
        other => other,
    };
    let end = match (&times.outcome, times.settled_at) {
        (Some(outcome), Some(at)) => {
            format!("settled at {} UTC: {outcome}", at.strftime("%H:%M:%S"))
        }
        _ => "what became of it is not known yet".to_owned(),
    };
    let again = times.attempted_at > times.made_at;
    let row = |at, text| Happening {
        at,
        kind: TimelineKind::Intent,
        what: kind.to_owned(),
        cause: None,
        text,
        well: None,
        exchange: None,
    };
    let first = row(times.made_at, format!("begins {does}; {end}"));
    let later = again.then(|| row(times.attempted_at, format!("tries again {does}")));
    std::iter::once(first).chain(later)
}

fn of_push(push: PushRow) -> Happening {
    let from = push.previous.map_or("?".to_owned(), |n| n.to_string());
    Happening {
        at: push.at,
        kind: TimelineKind::Push,
        what: "stock".to_owned(),
        cause: Some(push.cause),
        text: format!("{from} to {}: {}", push.quantity, push.outcome),
        well: match push.outcome.as_str() {
            "applied" => Some(true),
            // What the channel works on yet.
            outcome if outcome.starts_with("queued as ") => None,
            _ => Some(false),
        },
        exchange: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::IntentKind;
    use crate::db::store::in_memory;
    use crate::model::Side;

    fn key() -> Key {
        Key::new("kestrel", "the-iconic")
    }

    fn exchange(ms: i64, status: u16) -> Exchange {
        let (cause, call) = ("create".to_owned(), "OrderCreate".to_owned());
        let mut row = Exchange::begun(at(ms), cause, Side::Shop, call, 1);
        row.status = Some(status);
        row.judge();
        row
    }

    fn told(rows: &[Happening]) -> Vec<(i64, &str, &str, Option<bool>)> {
        (rows.iter())
            .map(|r| {
                (
                    super::super::ms(r.at),
                    r.what.as_str(),
                    r.text.as_str(),
                    r.well,
                )
            })
            .collect()
    }

    #[test]
    fn an_order_has_its_events_exchanges_and_intents_in_order_of_time() {
        let conn = in_memory();
        let tx = Tx { conn: &conn };
        let (key, subject) = (key(), "order:7");
        tx.record(&key, subject, "seen", "order 7 seen", at(1_000))
            .unwrap();
        let intent = tx
            .begin_intent(&key, IntentKind::OrderCreate, "7", "{}", at(2_000))
            .unwrap();
        let sent = [exchange(2_000, 500), exchange(9_000, 200)];
        tx.put_exchanges(&key, subject, &sent).unwrap();
        tx.record(&key, subject, "unknown", "no answer", at(3_000))
            .unwrap();
        tx.try_again(intent, at(9_000)).unwrap();
        tx.settle(intent, "created", at(9_500)).unwrap();
        tx.record(&key, subject, "created", "created as #7", at(9_500))
            .unwrap();
        // Another order's are not among them.
        tx.record(&key, "order:8", "seen", "order 8 seen", at(1_000))
            .unwrap();
        tx.begin_intent(&key, IntentKind::OrderCreate, "8", "{}", at(1))
            .unwrap();
        let rows = tx.timeline(&key, subject, 100).unwrap();
        let bad = "Shopify: HTTP 500";
        let good = "Shopify: HTTP 200";
        assert_eq!(
            told(&rows),
            [
                (1_000, "seen", "order 7 seen", Some(true)),
                (
                    2_000,
                    "order-create",
                    "begins creating the order in Shopify; settled at 00:00:09 UTC: created",
                    None
                ),
                (2_000, "OrderCreate", bad, Some(false)),
                (3_000, "unknown", "no answer", Some(false)),
                (
                    9_000,
                    "order-create",
                    "tries again creating the order in Shopify",
                    None
                ),
                (9_000, "OrderCreate", good, Some(true)),
                (9_500, "created", "created as #7", Some(true)),
            ]
        );
        let newest = tx.timeline(&key, subject, 2).unwrap();
        assert_eq!(newest, rows[5..]);
        let json = serde_json::to_value(&rows[2]).unwrap();
        assert_eq!(json["kind"], "exchange");
        assert_eq!(json["cause"], "create");
        assert_eq!(json["exchange"]["try"], 1);
        assert_eq!(json["exchange"]["side"], "shop");
    }

    #[test]
    fn a_sku_has_its_pushes_and_a_channel_what_failed() {
        let conn = in_memory();
        let tx = Tx { conn: &conn };
        let key = key();
        let push = |outcome: &str| PushRow {
            listing: "l".into(),
            sku: "HAT-1".into(),
            at: at(5_000),
            quantity: 3,
            previous: Some(5),
            available: 3,
            unseen: 0,
            buffer: 0,
            withheld: 0,
            reserved: 0,
            part: None,
            cause: "difference".into(),
            outcome: outcome.into(),
        };
        for outcome in ["refused: no", "queued as t1", "applied"] {
            tx.record_push(&key, &push(outcome)).unwrap();
        }
        let rows = tx.timeline(&key, "sku:HAT-1", 10).unwrap();
        let mut well: Vec<_> = (rows.iter()).map(|r| (r.text.as_str(), r.well)).collect();
        well.sort_unstable();
        assert_eq!(
            well,
            [
                ("5 to 3: applied", Some(true)),
                ("5 to 3: queued as t1", None),
                ("5 to 3: refused: no", Some(false)),
            ]
        );
        let sum = Exchange {
            attempt: None,
            ..exchange(1_000, 200)
        };
        tx.put_exchanges(&key, "channel", &[sum, exchange(2_000, 503)])
            .unwrap();
        tx.record(&key, "channel", "state", "works again", at(3_000))
            .unwrap();
        let rows = tx.timeline(&key, "channel", 10).unwrap();
        assert_eq!(
            told(&rows),
            [
                (2_000, "OrderCreate", "Shopify: HTTP 503", Some(false)),
                (3_000, "state", "works again", Some(true)),
            ]
        );
    }
}
