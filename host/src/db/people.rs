//! People, their sessions, one-time links, tokens, and the record of what each of them did.

// The API's description knows this type by this name.
use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use serde::Serialize;

use super::{Error, Tx, at, ms};
use crate::model::{Actor, Instant, Role};

/// Somebody who may sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Person {
    /// Unique.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// When they were added.
    pub added_at: Timestamp,
    /// When they signed in last.
    pub signed_in_at: Option<Timestamp>,
}

/// A token of the JSON API, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TokenRow {
    /// Unique.
    pub name: String,
    /// What its holder may do.
    pub role: Role,
    /// When it was made.
    pub added_at: Timestamp,
    /// When it was used last, to the minute.
    pub used_at: Option<Timestamp>,
}

/// A link that works once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Whom it is for; none: whoever comes chooses a name.
    pub name: Option<String>,
    /// What they may do.
    pub role: Role,
}

/// Something that somebody did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct AuditRow {
    /// Row id, rising.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// `page`, `api` or `command`.
    pub via: String,
    /// A stable word, as in `order.retry`.
    pub action: String,
    /// To what.
    pub subject: String,
    /// For people.
    pub detail: String,
}

fn role(text: &str) -> Role {
    // A word that is not known may do the least.
    text.parse().unwrap_or(Role::Viewer)
}

impl Tx<'_> {
    /// Everybody, by name.
    pub fn people(&self) -> Result<Vec<Person>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select name, role, added_at, signed_in_at from person order by name",
        )?;
        let rows = statement.query_map([], person)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Somebody with the hash of their password.
    pub fn person(&self, name: &str) -> Result<Option<(Person, String)>, Error> {
        Ok(self
            .conn
            .prepare_cached(
                "select name, role, added_at, signed_in_at, password from person where name = ?1",
            )?
            .query_row(params![name], |r| Ok((person(r)?, r.get(4)?)))
            .optional()?)
    }

    /// Adds somebody, or gives them another password and role. Their sessions end.
    pub fn put_person(
        &self,
        name: &str,
        password: &str,
        role: Role,
        now: Instant,
    ) -> Result<(), Error> {
        self.conn.execute(
            "insert into person (name, password, role, added_at) values (?1, ?2, ?3, ?4)
             on conflict (name) do update set password = ?2, role = ?3",
            params![name, password, role.text(), ms(now)],
        )?;
        self.end_sessions(name)
    }

    /// Gives somebody another role. Their sessions end. False when there is nobody of that name.
    pub fn set_role(&self, name: &str, role: Role) -> Result<bool, Error> {
        let changed = self.conn.execute(
            "update person set role = ?2 where name = ?1",
            params![name, role.text()],
        )?;
        self.end_sessions(name)?;
        Ok(changed > 0)
    }

    /// Removes somebody with their sessions. False when there is nobody of that name.
    pub fn remove_person(&self, name: &str) -> Result<bool, Error> {
        self.end_sessions(name)?;
        Ok(self
            .conn
            .execute("delete from person where name = ?1", params![name])?
            > 0)
    }

    /// Notes that somebody signed in.
    pub fn signed_in(&self, name: &str, now: Instant) -> Result<(), Error> {
        self.conn.execute(
            "update person set signed_in_at = ?2 where name = ?1",
            params![name, ms(now)],
        )?;
        Ok(())
    }

    fn end_sessions(&self, name: &str) -> Result<(), Error> {
        self.conn
            .execute("delete from session where person = ?1", params![name])?;
        Ok(())
    }

    /// A session that has not expired: its JSON text and when it expires.
    pub fn session(&self, id: &str, now: Instant) -> Result<Option<(String, Instant)>, Error> {
        Ok(self
            .conn
            .prepare_cached(
                "select data, expires_at from session where id = ?1 and expires_at > ?2",
            )?
            .query_row(params![id, ms(now)], |r| Ok((r.get(0)?, at(r.get(1)?))))
            .optional()?)
    }

    /// Stores a session. Those that have expired go.
    pub fn put_session(
        &self,
        id: &str,
        person: Option<&str>,
        data: &str,
        expires: Instant,
        now: Instant,
    ) -> Result<(), Error> {
        self.conn
            .prepare_cached("delete from session where expires_at <= ?1")?
            .execute(params![ms(now)])?;
        self.conn
            .prepare_cached(
                "insert into session (id, person, data, expires_at) values (?1, ?2, ?3, ?4)
                 on conflict (id) do update set person = ?2, data = ?3, expires_at = ?4",
            )?
            .execute(params![id, person, data, ms(expires)])?;
        Ok(())
    }

    /// Ends a session.
    pub fn drop_session(&self, id: &str) -> Result<(), Error> {
        self.conn
            .execute("delete from session where id = ?1", params![id])?;
        Ok(())
    }

    /// Stores a link that works once, instead of earlier ones for the same person.
    pub fn put_invitation(
        &self,
        digest: &str,
        invitation: &Invitation,
        expires: Instant,
    ) -> Result<(), Error> {
        self.conn.execute(
            "delete from invitation where name is not distinct from ?1",
            params![invitation.name],
        )?;
        self.conn.execute(
            "insert into invitation (digest, name, role, expires_at) values (?1, ?2, ?3, ?4)",
            params![digest, invitation.name, invitation.role.text(), ms(expires)],
        )?;
        Ok(())
    }

    /// A link that still works.
    pub fn invitation(&self, digest: &str, now: Instant) -> Result<Option<Invitation>, Error> {
        Ok(self
            .conn
            .query_row(
                "select name, role from invitation where digest = ?1 and expires_at > ?2",
                params![digest, ms(now)],
                |r| {
                    Ok(Invitation {
                        name: r.get(0)?,
                        role: role(&r.get::<_, String>(1)?),
                    })
                },
            )
            .optional()?)
    }

    /// Uses a link up.
    pub fn drop_invitation(&self, digest: &str) -> Result<(), Error> {
        self.conn
            .execute("delete from invitation where digest = ?1", params![digest])?;
        Ok(())
    }

    /// The tokens of the JSON API, by name.
    pub fn tokens(&self) -> Result<Vec<TokenRow>, Error> {
        let mut statement = self
            .conn
            .prepare_cached("select name, role, added_at, used_at from token order by name")?;
        let rows = statement.query_map([], token)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The token of this digest.
    pub fn token(&self, digest: &str) -> Result<Option<TokenRow>, Error> {
        Ok(self
            .conn
            .prepare_cached("select name, role, added_at, used_at from token where digest = ?1")?
            .query_row(params![digest], token)
            .optional()?)
    }

    /// Stores a token. Fails when one of that name exists.
    pub fn add_token(
        &self,
        digest: &str,
        name: &str,
        role: Role,
        now: Instant,
    ) -> Result<(), Error> {
        self.conn.execute(
            "insert into token (digest, name, role, added_at) values (?1, ?2, ?3, ?4)",
            params![digest, name, role.text(), ms(now)],
        )?;
        Ok(())
    }

    /// Notes that a token was used.
    pub fn token_used(&self, digest: &str, now: Instant) -> Result<(), Error> {
        self.conn.execute(
            "update token set used_at = ?2 where digest = ?1",
            params![digest, ms(now)],
        )?;
        Ok(())
    }

    /// Removes a token. False when there is none of that name.
    pub fn remove_token(&self, name: &str) -> Result<bool, Error> {
        Ok(self
            .conn
            .execute("delete from token where name = ?1", params![name])?
            > 0)
    }

    /// Records that somebody did something, in the transaction in which it was done.
    pub fn audit(
        &self,
        actor: &Actor,
        action: &str,
        subject: &str,
        detail: &str,
        now: Instant,
    ) -> Result<(), Error> {
        self.conn
            .prepare_cached(
                "insert into audit (at, actor, via, action, subject, detail) values (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![ms(now), actor.name, actor.via.text(), action, subject, detail])?;
        Ok(())
    }

    /// What was done, the newest first, before a row id.
    pub fn audits(&self, before: Option<i64>, limit: u32) -> Result<Vec<AuditRow>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select id, at, actor, via, action, subject, detail from audit where id < ?1 order by id desc limit ?2",
        )?;
        let rows = statement.query_map(params![before.unwrap_or(i64::MAX), limit], |r| {
            Ok(AuditRow {
                id: r.get(0)?,
                at: at(r.get(1)?),
                actor: r.get(2)?,
                via: r.get(3)?,
                action: r.get(4)?,
                subject: r.get(5)?,
                detail: r.get(6)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A setting of the host; none when it was never set.
    pub fn setting<T: serde::de::DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        let text: Option<String> = self
            .conn
            .prepare_cached("select value from setting where key = ?1")?
            .query_row(params![key], |r| r.get(0))
            .optional()?;
        text.map(|text| super::unjson(&text, "setting.value"))
            .transpose()
    }

    /// Takes a setting of the host away.
    pub fn drop_setting(&self, key: &str) -> Result<(), Error> {
        self.conn
            .execute("delete from setting where key = ?1", params![key])?;
        Ok(())
    }

    /// Sets a setting of the host.
    pub fn put_setting<T: Serialize>(&self, key: &str, value: &T) -> Result<(), Error> {
        self.conn.execute(
            "insert into setting (key, value) values (?1, ?2) on conflict (key) do update set value = ?2",
            params![key, super::json(value)],
        )?;
        Ok(())
    }
}

fn person(r: &rusqlite::Row<'_>) -> rusqlite::Result<Person> {
    Ok(Person {
        name: r.get(0)?,
        role: role(&r.get::<_, String>(1)?),
        added_at: at(r.get(2)?),
        signed_in_at: r.get::<_, Option<i64>>(3)?.map(at),
    })
}

fn token(r: &rusqlite::Row<'_>) -> rusqlite::Result<TokenRow> {
    Ok(TokenRow {
        name: r.get(0)?,
        role: role(&r.get::<_, String>(1)?),
        added_at: at(r.get(2)?),
        used_at: r.get::<_, Option<i64>>(3)?.map(at),
    })
}
