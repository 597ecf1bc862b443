//! What can go wrong with the database, in words that name the fix.

use rusqlite::ErrorCode;

/// A failed read or write. Nothing of the failed transaction is stored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another run of this channel has taken over; this one must stop.
    #[error(
        "{key}: this run was replaced by a newer one (epoch {epoch} is over); it writes nothing more"
    )]
    Fenced {
        /// The channel.
        key: String,
        /// The epoch that is over.
        epoch: i64,
    },
    /// Another process holds the data directory.
    #[error(
        "{0} is in use by another lockstep process; stop that one first, or give this one its own --data directory"
    )]
    InUse(String),
    /// The disk is full, or fails.
    #[error(
        "the disk that holds the database is full, or cannot be written to ({0}); free some space and start again: nothing is lost, the last step is repeated"
    )]
    Full(String),
    /// The file is damaged or is not a database.
    #[error(
        "the database {path} is damaged or not a Lockstep database ({detail}); restore the last backup with `lockstep restore FILE`"
    )]
    Damaged {
        /// The file.
        path: String,
        /// SQLite's words.
        detail: String,
    },
    /// The file is locked by another program for longer than we wait.
    #[error(
        "the database is locked by another program; close whatever has it open (a database browser?) and start again"
    )]
    Locked,
    /// The schema is newer than this program.
    #[error(
        "the database was written by a newer lockstep ({0}); install that version or restore a backup made before the upgrade"
    )]
    Newer(String),
    /// A stored value does not read back.
    #[error("the stored value of column {column} cannot be read: {detail}")]
    Content {
        /// Where.
        column: &'static str,
        /// Why.
        detail: String,
    },
    /// A row that must exist does not.
    #[error("{0}")]
    Missing(String),
    /// The file cannot be created, opened or read.
    #[error("{path}: {detail}")]
    File {
        /// The file.
        path: String,
        /// Why.
        detail: String,
    },
    /// The writer thread is gone.
    #[error("the database writer has stopped; see the log for its last error")]
    Closed,
    /// Anything else that SQLite says.
    #[error("database: {0}")]
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure) => {
                Error::Full(error.to_string())
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Locked,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Error::Damaged {
                path: "lockstep.db".into(),
                detail: error.to_string(),
            },
            _ => Error::Sqlite(error),
        }
    }
}
