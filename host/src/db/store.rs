//! Opening the database, the writer thread, readers, leases and backups.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use tokio::sync::oneshot;

use super::Error;
use crate::model::{Instant, Key};

refinery::embed_migrations!("src/db/migrations");

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// The database of one host. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    writer: mpsc::Sender<Job>,
    readers: Arc<Readers>,
    path: Arc<PathBuf>,
    _lock: Option<Arc<File>>,
}

struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

/// The right to work one channel. Each write of a cycle checks its epoch.
#[derive(Clone, Debug)]
pub struct Lease {
    /// The channel.
    pub key: Key,
    /// Counts the runs of the channel.
    pub epoch: i64,
}

/// A transaction, or a read snapshot. The domain's reads and writes are its methods.
pub struct Tx<'a> {
    pub(super) conn: &'a Connection,
}

impl Store {
    /// Opens or creates `lockstep.db` in the directory and brings its schema up to date, for a host that works
    /// channels: fails with a clear error when another process works this directory.
    pub fn open(directory: &Path) -> Result<Self, Error> {
        create_directory(directory)?;
        let lock = lock(directory)?;
        Self::start(directory, Some(Arc::new(lock)))
    }

    /// Opens the database beside a host that may be working it: for commands that look, or change settings.
    /// Several processes may do so at a time; SQLite makes their transactions take turns.
    pub fn attach(directory: &Path) -> Result<Self, Error> {
        create_directory(directory)?;
        Self::start(directory, None)
    }

    fn start(directory: &Path, lock: Option<Arc<File>>) -> Result<Self, Error> {
        let path = directory.join("lockstep.db");
        make_private(&path)?;
        let mut conn = connect(
            &path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        )?;
        migrate(&mut conn, &path)?;
        let (writer, jobs) = mpsc::channel::<Job>();
        std::thread::Builder::new()
            .name("db-writer".into())
            .spawn(move || {
                while let Ok(job) = jobs.recv() {
                    job(&mut conn);
                }
            })
            .map_err(|e| Error::File {
                path: path.display().to_string(),
                detail: e.to_string(),
            })?;
        let readers = Arc::new(Readers {
            path: path.clone(),
            idle: Mutex::new(Vec::new()),
        });
        Ok(Self {
            writer,
            readers,
            path: Arc::new(path),
            _lock: lock,
        })
    }

    /// Where the database lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs a transaction on the writer. All or nothing; durable when it returns.
    pub async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T, Error> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        // The caller may have gone: the transaction stands all the same.
        self.hand_over(work, |result| drop(reply.send(result)))?;
        answer.await.map_err(|_| Error::Closed)?
    }

    /// [`Store::write`] for callers that are no task. Blocks.
    pub fn write_now<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T, Error> + Send + 'static,
    {
        let (reply, answer) = mpsc::channel();
        self.hand_over(work, move |result| drop(reply.send(result)))?;
        answer.recv().map_err(|_| Error::Closed)?
    }

    /// Leaves a transaction to the writer, for records that nobody waits for. A failure is only logged, as `what`.
    pub fn write_later<F>(&self, what: &'static str, work: F)
    where
        F: FnOnce(&Tx<'_>) -> Result<(), Error> + Send + 'static,
    {
        let handed = self.hand_over(work, move |result| {
            if let Err(e) = result {
                tracing::warn!("{what}: not written: {e}");
            }
        });
        if let Err(e) = handed {
            tracing::warn!("{what}: not written: {e}");
        }
    }

    /// Waits until everything that was left to the writer is written.
    pub async fn settled(&self) -> Result<(), Error> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(|_| {
            let _ = reply.send(());
        });
        self.writer.send(job).map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)
    }

    fn hand_over<T, F>(
        &self,
        work: F,
        reply: impl FnOnce(Result<T, Error>) + Send + 'static,
    ) -> Result<(), Error>
    where
        F: FnOnce(&Tx<'_>) -> Result<T, Error> + Send + 'static,
    {
        let job: Job = Box::new(move |conn| {
            reply((|| {
                let tx =
                    conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
                let value = work(&Tx { conn: &tx })?;
                tx.commit()?;
                Ok(value)
            })());
        });
        self.writer.send(job).map_err(|_| Error::Closed)
    }

    /// Runs a transaction that writes only while the lease is the channel's newest.
    pub async fn fenced<T, F>(&self, lease: &Lease, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T, Error> + Send + 'static,
    {
        let lease = lease.clone();
        self.write(move |tx| {
            let current: Option<i64> = tx
                .conn
                .prepare_cached("select epoch from lease where shop = ?1 and channel = ?2")?
                .query_row(params![lease.key.shop, lease.key.channel], |r| r.get(0))
                .optional()?;
            if current != Some(lease.epoch) {
                return Err(Error::Fenced {
                    key: lease.key.to_string(),
                    epoch: lease.epoch,
                });
            }
            work(tx)
        })
        .await
    }

    /// Runs reads on one snapshot, beside the writer.
    pub async fn read<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T, Error> + Send + 'static,
    {
        let store = self.clone();
        tokio::task::spawn_blocking(move || store.read_now(work))
            .await
            .map_err(|_| Error::Closed)?
    }

    /// Runs reads on one snapshot on this thread, for where there is no runtime yet.
    pub fn read_now<T>(&self, work: impl FnOnce(&Tx<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let idle = || {
            self.readers
                .idle
                .lock()
                .expect("no reader panics while it holds the list")
        };
        let kept = idle().pop();
        let mut conn = match kept {
            Some(conn) => conn,
            None => connect(&self.readers.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
        };
        let result = (|| {
            let tx = conn.transaction()?;
            work(&Tx { conn: &tx })
        })();
        let mut idle = idle();
        if idle.len() < 4 {
            idle.push(conn);
        }
        result
    }

    /// A function that answers a number which differs as soon as anybody, in whichever process, has written; none when
    /// that cannot be told now.
    pub fn version(&self) -> Result<impl FnMut() -> Option<i64> + Send + use<>, Error> {
        let conn = connect(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        Ok(move || conn.query_row("pragma data_version", [], |r| r.get(0)).ok())
    }

    /// Takes the channel over: any earlier run of it can write nothing from now on.
    pub async fn lease(&self, key: &Key, holder: &str, now: Instant) -> Result<Lease, Error> {
        let key = key.clone();
        let holder = holder.to_owned();
        self.write(move |tx| {
            let epoch = tx.conn.query_row(
                "insert into lease (shop, channel, epoch, holder, taken_at) values (?1, ?2, 1, ?3, ?4)
                 on conflict (shop, channel) do update set epoch = lease.epoch + 1, holder = ?3, taken_at = ?4
                 returning epoch",
                params![key.shop, key.channel, holder, super::ms(now)],
                |r| r.get(0),
            )?;
            Ok(Lease { key, epoch })
        })
        .await
    }

    /// Writes a consistent copy while the host runs, then verifies it.
    pub async fn backup(&self, to: &Path) -> Result<(), Error> {
        let from = self.path.to_path_buf();
        let to = to.to_path_buf();
        tokio::task::spawn_blocking(move || copy(&from, &to))
            .await
            .map_err(|_| Error::Closed)?
    }

    /// SQLite's own check of every page and index. Empty when all is well.
    pub async fn check(&self) -> Result<Vec<String>, Error> {
        self.read(|tx| {
            let mut statement = tx.conn.prepare("pragma integrity_check")?;
            let rows = statement
                .query_map([], |r| r.get::<_, String>(0))?
                .collect::<Result<Vec<_>, _>>()?;
            Ok(if rows == ["ok"] { vec![] } else { rows })
        })
        .await
    }
}

/// Copies a database page by page and verifies the copy. The source may be in use.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    let source = connect(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    make_private(to)?;
    let mut target = Connection::open(to).map_err(|e| Error::File {
        path: to.display().to_string(),
        detail: e.to_string(),
    })?;
    rusqlite::backup::Backup::new(&source, &mut target)?.run_to_completion(
        1000,
        Duration::from_millis(5),
        None,
    )?;
    let verdict: String = target.query_row("pragma integrity_check", [], |r| r.get(0))?;
    if verdict != "ok" {
        return Err(Error::Damaged {
            path: to.display().to_string(),
            detail: verdict,
        });
    }
    Ok(())
}

/// Puts a backup in place of the database of a directory that no process holds. The former file is kept beside it.
pub fn restore(directory: &Path, from: &Path) -> Result<PathBuf, Error> {
    let verdict: String = connect(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?.query_row(
        "pragma integrity_check",
        [],
        |r| r.get(0),
    )?;
    if verdict != "ok" {
        return Err(Error::Damaged {
            path: from.display().to_string(),
            detail: verdict,
        });
    }
    create_directory(directory)?;
    let _lock = lock(directory)?;
    let path = directory.join("lockstep.db");
    let kept = directory.join("lockstep.db.before-restore");
    for suffix in ["", "-wal", "-shm"] {
        let old = PathBuf::from(format!("{}{suffix}", path.display()));
        if old.exists() {
            let to = PathBuf::from(format!("{}{suffix}", kept.display()));
            std::fs::rename(&old, &to).map_err(|e| Error::File {
                path: old.display().to_string(),
                detail: e.to_string(),
            })?;
        }
    }
    copy(from, &path)?;
    Ok(kept)
}

fn create_directory(directory: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(directory).map_err(|e| Error::File {
        path: directory.display().to_string(),
        detail: e.to_string(),
    })
}

/// Makes an empty file that only its owner can read, unless there is one: a database holds the names and addresses of
/// buyers. SQLite gives the files beside it the same rights.
fn make_private(path: &Path) -> Result<(), Error> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(Error::File {
            path: path.display().to_string(),
            detail: e.to_string(),
        }),
    }
}

/// Holds the directory for this process until the file is dropped.
fn lock(directory: &Path) -> Result<File, Error> {
    let path = directory.join("lockstep.lock");
    let file = |e: std::io::Error| Error::File {
        path: path.display().to_string(),
        detail: e.to_string(),
    };
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(file)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(Error::InUse(directory.display().to_string()))
        }
        Err(std::fs::TryLockError::Error(e)) => Err(file(e)),
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, Error> {
    let named = |error: rusqlite::Error| match Error::from(error) {
        Error::Damaged { detail, .. } => Error::Damaged {
            path: path.display().to_string(),
            detail,
        },
        Error::Sqlite(e) => Error::File {
            path: path.display().to_string(),
            detail: e.to_string(),
        },
        other => other,
    };
    let conn = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(named)?;
    conn.busy_timeout(Duration::from_secs(10))?;
    let writes = flags.contains(OpenFlags::SQLITE_OPEN_READ_WRITE);
    if writes {
        conn.pragma_update(None, "journal_mode", "WAL")
            .map_err(named)?;
    }
    conn.pragma_update(None, "synchronous", "FULL")
        .map_err(named)?;
    conn.pragma_update(None, "foreign_keys", "ON")
        .map_err(named)?;
    conn.pragma_update(None, "cache_size", -32_768)
        .map_err(named)?;
    conn.set_prepared_statement_cache_capacity(128);
    Ok(conn)
}

/// An empty database of the newest schema, for tests of single tables.
#[cfg(test)]
pub(super) fn in_memory() -> Connection {
    let mut conn = Connection::open_in_memory().expect("memory is there");
    migrations::runner()
        .run(&mut conn)
        .expect("the migrations fit an empty database");
    conn
}

fn migrate(conn: &mut Connection, path: &Path) -> Result<(), Error> {
    let damaged = |detail: String| Error::Damaged {
        path: path.display().to_string(),
        detail,
    };
    let verdict: String = conn
        .query_row("pragma quick_check(1)", [], |r| r.get(0))
        .map_err(|e| match Error::from(e) {
            Error::Sqlite(e) => damaged(e.to_string()),
            Error::Damaged { detail, .. } => damaged(detail),
            other => other,
        })?;
    if verdict != "ok" {
        return Err(damaged(verdict));
    }
    migrations::runner().run(conn).map(drop).map_err(|e| {
        if matches!(
            e.kind(),
            refinery::error::Kind::MissingVersion(_) | refinery::error::Kind::DivergentVersion(..)
        ) {
            Error::Newer(e.to_string())
        } else if let Some(sqlite) =
            std::error::Error::source(&e).and_then(|s| s.downcast_ref::<rusqlite::Error>())
        {
            match sqlite.sqlite_error_code() {
                Some(rusqlite::ErrorCode::DiskFull | rusqlite::ErrorCode::SystemIoFailure) => {
                    Error::Full(sqlite.to_string())
                }
                Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
                    Error::Locked
                }
                _ => damaged(e.to_string()),
            }
        } else {
            damaged(e.to_string())
        }
    })
}

/// The schema, in a database of a test.
#[cfg(test)]
pub(super) fn bring_up_to_date(conn: &mut Connection) {
    migrations::runner().run(conn).expect("the migrations run");
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[tokio::test]
    async fn only_the_owner_can_read_a_database_and_its_backup() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let backup = folder.path().join("backup.db");
        store.backup(&backup).await.unwrap();
        let modes: Vec<(String, u32)> = (std::fs::read_dir(folder.path()).unwrap())
            .map(|entry| {
                let entry = entry.unwrap();
                let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
                (entry.file_name().into_string().unwrap(), mode)
            })
            .filter(|(name, _)| name.contains(".db"))
            .collect();
        assert!(modes.len() >= 2, "{modes:?}");
        assert!(modes.iter().all(|(_, mode)| *mode == 0o600), "{modes:?}");
    }
}
