//! What can go wrong in the store, one enum for each way of asking.

use super::integrity::WalFault;
use std::path::PathBuf;

/// Why a batch was not made durable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Somebody else appended first: read what was missed and decide again.
    #[error("the ledger has moved on")]
    Conflict,
    /// One of the commands is recorded already: answer it from the record, decide the rest again.
    #[error("a command of the batch is recorded already")]
    CommandRecorded,
    /// A seat would have had two live tickets: the last line of defence held.
    #[error("a seat would have two live tickets")]
    SeatSoldTwice,
    /// The database failed (disk full, closed…). Nothing of the batch was acknowledged.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why the database could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// No room left; works again when there is.
    #[error("the disk is full")]
    DiskFull,
    /// A unique key or another constraint was violated.
    #[error("constraint violated: {0}")]
    Constraint(String),
    /// The file is damaged.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// The snapshot of a performance is damaged; the ledger may be sound.
    #[error("the snapshot is damaged: {0}")]
    DamagedSnapshot(String),
    /// The database does not answer, or not in time; it may do so again. Where it was asked to
    /// write and it is not known whether it has, the text says so.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The store has been closed.
    #[error("the database is closed")]
    Closed,
    /// Anything else.
    #[error("the database failed: {0}")]
    Failed(String),
}

impl StoreError {
    /// Whether another operation of the same transaction could have caused it, so that trying each
    /// alone makes sense.
    #[must_use]
    pub fn is_about_one_operation(&self) -> bool {
        match self {
            Self::Constraint(_) | Self::Failed(_) | Self::DamagedSnapshot(_) => true,
            Self::DiskFull | Self::Damaged(_) | Self::Unavailable(_) | Self::Closed => false,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::error::ErrorKind;
        match &error {
            #[cfg(feature = "postgres")]
            sqlx::Error::Database(database)
                if database
                    .try_downcast_ref::<sqlx::postgres::PgDatabaseError>()
                    .is_some() =>
            {
                super::postgres::store_error(database.downcast_ref())
            }
            sqlx::Error::Database(database) => {
                let code = database
                    .code()
                    .and_then(|code| code.parse::<u32>().ok())
                    .unwrap_or(0);
                match database.kind() {
                    ErrorKind::UniqueViolation
                    | ErrorKind::ForeignKeyViolation
                    | ErrorKind::NotNullViolation
                    | ErrorKind::CheckViolation => Self::Constraint(database.message().to_owned()),
                    _ => Self::of_sqlite(code, database.to_string()),
                }
            }
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Self::Closed,
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut => {
                Self::Unavailable(error.to_string())
            }
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error {
            rusqlite::Error::SqliteFailure(failure, what) => {
                let code = u32::try_from(failure.extended_code).unwrap_or(0);
                Self::of_sqlite(code, what.unwrap_or_else(|| failure.to_string()))
            }
            error => Self::Failed(error.to_string()),
        }
    }
}

impl StoreError {
    /// By SQLite's extended code, whose low byte is the primary one.
    fn of_sqlite(extended: u32, what: String) -> Self {
        match extended & 0xff {
            13 => Self::DiskFull,
            // IOERR: a write cut short by quota or file-size limit reads as one.
            10 if is_out_of_space(extended) => Self::DiskFull,
            10 | 11 | 26 => Self::Damaged(what),
            19 => Self::Constraint(what),
            _ => Self::Failed(what),
        }
    }
}

/// SQLITE_IOERR_WRITE and _TRUNCATE, _FSYNC: the disk said no to a write, not to a read.
fn is_out_of_space(extended: u32) -> bool {
    matches!(extended >> 8, 3 | 4 | 6)
}

/// Why a data folder could not be opened. Each says the way out.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another server uses it.
    #[error(
        "the data folder {} is in use by another onsale process{}: stop it, or choose another folder with --data",
        folder.display(),
        holder.map(|pid| format!(" (process {pid})")).unwrap_or_default()
    )]
    Locked {
        /// The folder.
        folder: PathBuf,
        /// Process that has it, where it is known.
        holder: Option<u32>,
    },
    /// Written by a later version of the program.
    #[error(
        "the data folder {} has schema {found}, this program knows up to {known}: use a newer onsale, or restore an older backup",
        folder.display()
    )]
    NewerSchema {
        /// The folder.
        folder: PathBuf,
        /// Schema of the folder.
        found: i64,
        /// Latest this program knows.
        known: i64,
    },
    /// There is no data in it.
    #[error("there is no onsale data in {}: `onsale serve --data` or `onsale demo` makes some", folder.display())]
    Missing {
        /// The folder.
        folder: PathBuf,
    },
    /// The file is damaged; nothing was read past the damage.
    #[error(
        "the database {} is damaged ({what}): restore it from a backup; nothing has been changed",
        file.display()
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The write-ahead log is damaged before its end, so acknowledged writes would be lost.
    #[error(
        "the write-ahead log {} is damaged ({fault}): acknowledged writes after that point would be lost, so it was left as it is; restore both files from a backup, or move the log away to accept the loss",
        file.display()
    )]
    DamagedLog {
        /// The file.
        file: PathBuf,
        /// Where and how.
        fault: WalFault,
    },
    /// A folder could not be made, or a file not opened.
    #[error("{}: {source}", path.display())]
    Io {
        /// What was opened.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The database said no.
    #[error("the database {} could not be opened: {source}", file.display())]
    Database {
        /// The file.
        file: PathBuf,
        /// Why.
        source: StoreError,
    },
    /// The schema could not be brought up to date.
    #[error("the schema of {} could not be brought up to date: {source}", file.display())]
    Migration {
        /// The file.
        file: PathBuf,
        /// Why.
        source: sqlx::migrate::MigrateError,
    },
    /// A copy into it was interrupted.
    #[error(
        "the data folder {} is the target of a copy that did not come to its end: remove it, and copy again",
        folder.display()
    )]
    HalfCopied {
        /// The folder.
        folder: PathBuf,
    },
    /// A database that servers share could not be used.
    #[cfg(feature = "postgres")]
    #[error(transparent)]
    Postgres(#[from] super::postgres::PostgresOpenError),
    /// This program knows files only.
    #[error(
        "{database} cannot be used: this onsale was built without PostgreSQL; build it with `cargo \
         build --release -p onsale-server --features postgres`"
    )]
    WithoutPostgres {
        /// Which, without user and password.
        database: String,
    },
}
