//! Alerts, and what each target was told of them.

// The API's description knows this type by this name.
use jiff::Timestamp;
use rusqlite::{Row, params};
use serde::Serialize;

use super::{Error, Tx, at, json, ms, unjson};
use crate::model::{
    Acknowledgement, AlertKind, AlertState, Condition, Instant, Key, Mark, Money, Severity,
};

/// How long resolved alerts are kept, in milliseconds: 90 days.
const KEPT_MS: i64 = 90 * 24 * 3_600_000;

/// Something that needs a person, or did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Alert {
    /// Row id, rising.
    pub id: i64,
    /// What it is about.
    pub kind: AlertKind,
    /// Where it stands.
    pub state: AlertState,
    /// How soon a person is needed.
    pub severity: Severity,
    /// Which shop; empty: the host itself.
    pub shop: String,
    /// Which channel; empty: the whole shop.
    pub channel: String,
    /// What within the channel: an order, a parcel, a plugin; `*` where it stands for many.
    pub subject: String,
    /// What it is, in a line.
    pub title: String,
    /// Why.
    pub text: String,
    /// What to do.
    pub todo: String,
    /// By when.
    pub deadline: Option<Timestamp>,
    /// What it costs when the deadline is missed.
    pub at_stake: Option<Money>,
    /// Path of the page that shows it.
    pub link: String,
    /// When it opened.
    pub opened_at: Timestamp,
    /// When it opened, or got worse last.
    pub changed_at: Timestamp,
    /// Since when its condition does not hold: it resolves when that stays so for a while.
    pub gone_at: Option<Timestamp>,
    /// When it resolved.
    pub resolved_at: Option<Timestamp>,
    /// Who knows.
    pub acknowledged: Option<Acknowledgement>,
    /// How bad it is.
    #[serde(skip)]
    pub mark: Mark,
    /// How bad it was when it was acknowledged.
    #[serde(skip)]
    pub acknowledged_mark: Option<Mark>,
    /// It resolved since it is part of another alert now.
    #[serde(skip)]
    pub folded: bool,
}

impl Alert {
    /// The channel, as `shop/channel`; the shop alone, or nothing, where it is about more.
    pub fn place(&self) -> String {
        match (self.shop.as_str(), self.channel.as_str()) {
            (shop, "") => shop.to_owned(),
            (shop, channel) => format!("{shop}/{channel}"),
        }
    }
}

/// What a target was told last of an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The alert.
    pub alert: i64,
    /// When.
    pub at: Instant,
    /// How bad it was.
    pub mark: Mark,
    /// It was told that it is resolved.
    pub resolved: bool,
}

/// Which alerts are listed.
#[derive(Clone, Debug, Default)]
pub struct AlertFilter {
    /// In this state; none: those that are not resolved.
    pub state: Option<AlertState>,
    /// Of this channel.
    pub channel: Option<Key>,
    /// Of this kind.
    pub kind: Option<AlertKind>,
    /// At least so severe.
    pub least: Option<Severity>,
    /// Older ones than this row id; for the next page of resolved ones.
    pub before: Option<i64>,
    /// So many at most; none: 200.
    pub limit: Option<u32>,
}

const ALERT: &str = "id, kind, severity, shop, channel, subject, title, text, todo, deadline, at_stake, currency, link, opened_at, changed_at,
  gone_at, resolved_at, acked_at, acked_by, note, late, cause, weight, acked_mark, folded";

impl Tx<'_> {
    /// Alerts that are not resolved, and those that were since then; in the order in which they opened.
    pub fn known_alerts(&self, resolved_since: Instant) -> Result<Vec<Alert>, Error> {
        self.alerts_where(
            "id in (select id from alert where resolved_at is null union all select id from alert where resolved_at >= ?1) order by id",
            params![ms(resolved_since)],
        )
    }

    /// Alerts for people: the most urgent first, then by deadline; resolved ones by when they were.
    pub fn alerts(&self, filter: &AlertFilter) -> Result<Vec<Alert>, Error> {
        let state = match filter.state {
            None => "resolved_at is null",
            Some(AlertState::Open) => "resolved_at is null and acked_at is null",
            Some(AlertState::Acknowledged) => "resolved_at is null and acked_at is not null",
            Some(AlertState::Resolved) => "resolved_at is not null",
        };
        let order = match filter.state {
            Some(AlertState::Resolved) => "resolved_at desc, id desc",
            _ => {
                "acked_at is not null, case severity when 'urgent' then 0 when 'warning' then 1 else 2 end, deadline is null, deadline, id"
            }
        };
        let least = match filter.least {
            None | Some(Severity::Info) => "true",
            Some(Severity::Warning) => "severity <> 'info'",
            Some(Severity::Urgent) => "severity = 'urgent'",
        };
        let key = filter.channel.as_ref();
        self.alerts_where(
            &format!(
                "{state} and {least} and (?1 is null or (shop = ?1 and channel = ?2)) and (?3 is null or kind = ?3) and id < ?4
                 order by {order} limit ?5"
            ),
            params![
                key.map(|k| &k.shop),
                key.map(|k| &k.channel),
                filter.kind.map(AlertKind::text),
                filter.before.unwrap_or(i64::MAX),
                filter.limit.unwrap_or(200)
            ],
        )
    }

    /// One alert.
    pub fn alert(&self, id: i64) -> Result<Option<Alert>, Error> {
        Ok(self.alerts_where("id = ?1", params![id])?.pop())
    }

    fn alerts_where(
        &self,
        condition: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<Vec<Alert>, Error> {
        let mut statement = self
            .conn
            .prepare_cached(&format!("select {ALERT} from alert where {condition}"))?;
        let mut rows = statement.query(values)?;
        let mut found = Vec::new();
        while let Some(r) = rows.next()? {
            found.push(alert(r)?);
        }
        Ok(found)
    }

    /// Opens an alert. Fails when one of its identity is open.
    pub fn open_alert(&self, c: &Condition, now: Instant) -> Result<i64, Error> {
        self.conn
            .prepare_cached(
                "insert into alert (kind, shop, channel, subject, severity, late, cause, weight, title, text, todo, deadline, at_stake, currency,
                   link, opened_at, changed_at)
                 values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?16)",
            )?
            .execute(params![
                c.kind.text(),
                c.shop,
                c.channel,
                c.subject,
                c.mark.severity.text(),
                c.mark.late,
                c.mark.cause,
                c.mark.weight,
                c.title,
                c.text,
                c.todo,
                c.deadline.map(ms),
                c.at_stake.as_ref().map(|m| m.amount.to_string()),
                c.at_stake.as_ref().map(|m| &m.currency),
                c.link,
                ms(now)
            ])?;
        Ok(self.conn.last_insert_rowid())
    }

    /// The condition of an alert holds, as it is now. One that was resolved is open again.
    pub fn update_alert(
        &self,
        id: i64,
        c: &Condition,
        worse: Option<Instant>,
    ) -> Result<(), Error> {
        self.conn
            .prepare_cached(
                "update alert set severity = ?2, late = ?3, cause = ?4, weight = ?5, title = ?6, text = ?7, todo = ?8, deadline = ?9,
                   at_stake = ?10, currency = ?11, link = ?12, changed_at = coalesce(?13, changed_at), gone_at = null, resolved_at = null, folded = 0
                 where id = ?1",
            )?
            .execute(params![
                id,
                c.mark.severity.text(),
                c.mark.late,
                c.mark.cause,
                c.mark.weight,
                c.title,
                c.text,
                c.todo,
                c.deadline.map(ms),
                c.at_stake.as_ref().map(|m| m.amount.to_string()),
                c.at_stake.as_ref().map(|m| &m.currency),
                c.link,
                worse.map(ms)
            ])?;
        Ok(())
    }

    /// The condition of an alert does not hold.
    pub fn alert_gone(&self, id: i64, now: Instant) -> Result<(), Error> {
        self.conn
            .prepare_cached("update alert set gone_at = ?2 where id = ?1")?
            .execute(params![id, ms(now)])?;
        Ok(())
    }

    /// Resolves an alert; `folded`: since it is part of another one.
    pub fn resolve_alert(&self, id: i64, folded: bool, now: Instant) -> Result<(), Error> {
        self.conn
            .prepare_cached(
                "update alert set resolved_at = ?2, gone_at = coalesce(gone_at, ?2), folded = ?3 where id = ?1",
            )?
            .execute(params![id, ms(now), folded])?;
        Ok(())
    }

    /// Somebody knows of an alert.
    pub fn acknowledge_alert(
        &self,
        alert: &Alert,
        by: &str,
        note: Option<&str>,
        now: Instant,
    ) -> Result<(), Error> {
        self.conn.execute(
            "update alert set acked_at = ?2, acked_by = ?3, note = ?4, acked_mark = ?5 where id = ?1",
            params![alert.id, ms(now), by, note, json(&alert.mark)],
        )?;
        Ok(())
    }

    /// An alert is open again: somebody takes it back, or it got worse.
    pub fn unacknowledge_alert(&self, id: i64) -> Result<(), Error> {
        self.conn
            .prepare_cached(
                "update alert set acked_at = null, acked_by = null, note = null, acked_mark = null where id = ?1",
            )?
            .execute(params![id])?;
        Ok(())
    }

    /// What a target was told of these alerts.
    pub fn told(&self, target: &str, alerts: &[Alert]) -> Result<Vec<Told>, Error> {
        let ids: Vec<i64> = alerts.iter().map(|a| a.id).collect();
        let mut statement = self.conn.prepare_cached(
            "select alert, at, mark, resolved from alert_told where alert in (select value from json_each(?2)) and target = ?1",
        )?;
        let mut rows = statement.query(params![target, json(&ids)])?;
        let mut found = Vec::new();
        while let Some(r) = rows.next()? {
            found.push(Told {
                alert: r.get(0)?,
                at: at(r.get(1)?),
                mark: unjson(&r.get::<_, String>(2)?, "alert_told.mark")?,
                resolved: r.get(3)?,
            });
        }
        Ok(found)
    }

    /// Notes what a target is told of an alert.
    pub fn put_told(&self, target: &str, told: &Told) -> Result<(), Error> {
        self.conn
            .prepare_cached(
                "insert into alert_told (alert, target, at, mark, resolved) values (?1, ?2, ?3, ?4, ?5)
                 on conflict (alert, target) do update set at = ?3, mark = ?4, resolved = ?5",
            )?
            .execute(params![
                told.alert,
                target,
                ms(told.at),
                json(&told.mark),
                told.resolved
            ])?;
        Ok(())
    }

    /// Forgets alerts that were resolved long ago.
    pub fn prune_alerts(&self, now: Instant) -> Result<(), Error> {
        self.conn
            .prepare_cached(
                "delete from alert where id in (select id from alert where resolved_at < ?1 order by resolved_at limit 500)",
            )?
            .execute(params![ms(now) - KEPT_MS])?;
        Ok(())
    }
}

fn alert(r: &Row<'_>) -> Result<Alert, Error> {
    let instant =
        |i: usize| -> rusqlite::Result<Option<Instant>> { Ok(r.get::<_, Option<i64>>(i)?.map(at)) };
    let content = |column: &'static str| move |detail: String| Error::Content { column, detail };
    let severity: Severity = (r.get::<_, String>(2)?.parse()).map_err(content("alert.severity"))?;
    let at_stake = match (r.get::<_, Option<String>>(10)?, r.get(11)?) {
        (Some(amount), Some(currency)) => Some(Money {
            amount: amount
                .parse()
                .map_err(|e: rust_decimal::Error| content("alert.at_stake")(e.to_string()))?,
            currency,
        }),
        _ => None,
    };
    let resolved_at = instant(16)?;
    let acknowledged = match (instant(17)?, r.get(18)?) {
        (Some(at), Some(by)) => Some(Acknowledgement {
            at,
            by,
            note: r.get(19)?,
        }),
        _ => None,
    };
    Ok(Alert {
        id: r.get(0)?,
        kind: (r.get::<_, String>(1)?.parse()).map_err(content("alert.kind"))?,
        state: match (resolved_at, &acknowledged) {
            (Some(_), _) => AlertState::Resolved,
            (None, Some(_)) => AlertState::Acknowledged,
            (None, None) => AlertState::Open,
        },
        severity,
        shop: r.get(3)?,
        channel: r.get(4)?,
        subject: r.get(5)?,
        title: r.get(6)?,
        text: r.get(7)?,
        todo: r.get(8)?,
        deadline: instant(9)?,
        at_stake,
        link: r.get(12)?,
        opened_at: at(r.get(13)?),
        changed_at: at(r.get(14)?),
        gone_at: instant(15)?,
        resolved_at,
        acknowledged,
        mark: Mark {
            severity,
            late: r.get(20)?,
            cause: r.get(21)?,
            weight: r.get(22)?,
        },
        acknowledged_mark: r
            .get::<_, Option<String>>(23)?
            .map(|t| unjson(&t, "alert.acked_mark"))
            .transpose()?,
        folded: r.get(24)?,
    })
}
