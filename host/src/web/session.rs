//! Sessions of signed-in people, kept in the database so that a restart signs nobody out.

use std::fmt;

use async_trait::async_trait;
use time::OffsetDateTime;
use tower_sessions::cookie::SameSite;
use tower_sessions::cookie::time::Duration;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};
use tower_sessions::{Expiry, SessionManagerLayer, SessionStore};

use crate::actions::people::digest;
use crate::db::{self, Store};
use crate::model::Instant;

/// Where a session holds the name of who signed in.
pub(super) const PERSON: &str = "person";
/// How long a session lasts that is not used.
const IDLE: Duration = Duration::days(7);

/// The layer that reads and writes the session's cookie. `secure`: it travels over https only.
pub(super) fn layer(store: &Store, secure: bool) -> SessionManagerLayer<Sessions> {
    SessionManagerLayer::new(Sessions(store.clone()))
        .with_name("lockstep")
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_secure(secure)
        .with_expiry(Expiry::OnInactivity(IDLE))
}

/// Sessions in the database; what the cookie holds is stored as its digest only.
#[derive(Clone)]
pub(super) struct Sessions(Store);

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions")
    }
}

fn backend(e: db::Error) -> Error {
    Error::Backend(e.to_string())
}

fn instant(at: OffsetDateTime) -> Instant {
    Instant::from_second(at.unix_timestamp()).unwrap_or(Instant::MAX)
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        // 128 random bits: none exists twice.
        self.save(record).await
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let id = digest(&record.id.to_string());
        let person = record
            .data
            .get(PERSON)
            .and_then(|v| v.as_str().map(str::to_owned));
        let data = db::json(&record.data);
        let expires = instant(record.expiry_date);
        self.0
            .write(move |tx| tx.put_session(&id, person.as_deref(), &data, expires, Instant::now()))
            .await
            .map_err(backend)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let key = digest(&id.to_string());
        let found = self
            .0
            .read(move |tx| tx.session(&key, Instant::now()))
            .await
            .map_err(backend)?;
        found
            .map(|(data, expires)| {
                Ok(Record {
                    id: *id,
                    data: serde_json::from_str(&data).map_err(|e| Error::Decode(e.to_string()))?,
                    expiry_date: OffsetDateTime::from_unix_timestamp(expires.as_second())
                        .map_err(|e| Error::Decode(e.to_string()))?,
                })
            })
            .transpose()
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let key = digest(&id.to_string());
        self.0
            .write(move |tx| tx.drop_session(&key))
            .await
            .map_err(backend)
    }
}
