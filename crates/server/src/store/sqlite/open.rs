//! Opening a data folder: lock, check, bring the schema up to date, start the writer.

use super::folder::DataFolder;
use super::writer::{Connections, Writer};
use super::{Inner, SqliteStore};
use crate::store::error::{OpenError, StoreError};
use crate::store::integrity;
use crate::store::port::LedgerStore as _;
use crate::store::tables;
use rusqlite::OpenFlags;
use sha2::{Digest as _, Sha256};
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, Row as _, SqliteConnection};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Handle;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// Connections that read.
const READERS: u32 = 4;
/// Pages in the write-ahead log at which a commit folds it into the database (4 KiB each): large,
/// so that pages written again and again are folded in once.
const CHECKPOINT_PAGES: u32 = 8_192;
/// How long a write waits for another process (a backup) to let go of the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Batches at the end of each ledger that are checked after an unclean shutdown.
const TAIL_CHECKED: u64 = 16;

/// How a store is opened.
#[derive(Clone, Copy, Debug)]
pub struct StoreOptions {
    /// Make the folder and the database where there is none.
    pub create: bool,
    /// Gather everything that waits into one transaction. `false` is one transaction for each
    /// write, the baseline of the benchmark.
    pub gather: bool,
    /// Most pages the database may grow to (4 KiB each); beyond it the disk counts as full.
    pub max_pages: Option<u32>,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            create: true,
            gather: true,
            max_pages: None,
        }
    }
}

impl SqliteStore {
    /// Opens the data folder `dir` for this process alone.
    pub async fn open(dir: &Path, options: StoreOptions) -> Result<Self, OpenError> {
        let folder = DataFolder::open(dir, options.create)?;
        let file = folder.database();
        let database = |error: sqlx::Error| match StoreError::from(error) {
            StoreError::Damaged(what) => OpenError::Damaged {
                file: file.clone(),
                what,
            },
            source => OpenError::Database {
                file: file.clone(),
                source,
            },
        };
        check_log(&folder)?;
        let connect = connect_options(&file, options);
        let mut connection = SqliteConnection::connect_with(&connect)
            .await
            .map_err(database)?;
        if folder.was_unclean {
            quick_check(&mut connection)
                .await
                .map_err(database)?
                .map_or(Ok(()), |what| {
                    Err(OpenError::Damaged {
                        file: file.clone(),
                        what,
                    })
                })?;
        }
        migrate(&mut connection, dir, &file).await?;
        let is_half = sqlx::query_scalar::<_, i64>(tables::IS_HALF);
        if is_half.fetch_one(&mut connection).await.map_err(database)? > 0 {
            return Err(OpenError::HalfCopied {
                folder: dir.to_owned(),
            });
        }
        let reader = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_with(connect.pragma("query_only", "ON"))
            .await
            .map_err(database)?;
        let hot =
            hot_connection(&file, options).map_err(|error| match StoreError::from(error) {
                StoreError::Damaged(what) => OpenError::Damaged {
                    file: file.clone(),
                    what,
                },
                source => OpenError::Database {
                    file: file.clone(),
                    source,
                },
            })?;
        let connections = Connections {
            hot,
            ordinary: connection,
            runtime: Handle::current(),
        };
        let writer =
            Writer::start(connections, options.gather).map_err(|source| OpenError::Io {
                path: file.clone(),
                source,
            })?;
        let was_unclean = folder.was_unclean;
        let store = Self(Arc::new(Inner {
            writer,
            reader,
            file: file.clone(),
            folder: Mutex::new(Some(folder)),
        }));
        if was_unclean {
            tracing::info!(file = %file.display(), "the last shutdown was not clean: checking");
            if let Some(what) =
                store
                    .damaged_tail()
                    .await
                    .map_err(|source| OpenError::Database {
                        file: file.clone(),
                        source,
                    })?
            {
                return Err(OpenError::Damaged { file, what });
            }
        }
        Ok(store)
    }

    /// The first fault in the last batches of any ledger: altered, missing or out of place.
    async fn damaged_tail(&self) -> Result<Option<String>, StoreError> {
        for performance in self.performances().await? {
            let Some(head) = self.head(performance).await? else {
                continue;
            };
            let mut after = head.seq.saturating_sub(TAIL_CHECKED);
            for row in self
                .read_ledger(performance, after, TAIL_CHECKED as u32)
                .await?
            {
                let batch = format!("batch {} of performance {performance}", row.seq);
                if row.seq != after + 1 {
                    return Ok(Some(format!("{batch} stands where {} should", after + 1)));
                }
                if <[u8; 32]>::from(Sha256::digest(&row.bytes)) != row.hash {
                    return Ok(Some(format!(
                        "{batch} does not have the hash it was written with"
                    )));
                }
                after = row.seq;
            }
        }
        Ok(None)
    }
}

/// The connection of those writes that come by the thousand, set up as the others are.
fn hot_connection(
    file: &Path,
    options: StoreOptions,
) -> Result<rusqlite::Connection, rusqlite::Error> {
    // One thread has it, so SQLite need not lock it.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = rusqlite::Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(64);
    for (pragma, value) in pragmas(options) {
        connection.pragma_update(None, pragma, value)?;
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

/// What is set on every connection.
fn pragmas(options: StoreOptions) -> impl Iterator<Item = (&'static str, String)> {
    let fixed = [
        ("cache_size", "-65536".to_owned()),
        ("temp_store", "MEMORY".to_owned()),
        ("wal_autocheckpoint", CHECKPOINT_PAGES.to_string()),
        ("journal_size_limit", "67108864".to_owned()),
    ];
    let most = options
        .max_pages
        .map(|pages| ("max_page_count", pages.to_string()));
    fixed.into_iter().chain(most)
}

fn connect_options(file: &Path, options: StoreOptions) -> SqliteConnectOptions {
    let connect = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(options.create)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(256);
    pragmas(options).fold(connect, |connect, (pragma, value)| {
        connect.pragma(pragma, value)
    })
}

/// SQLite stops reading its log at the first frame that does not check; where whole transactions
/// stand behind that point, it would forget them without a word.
fn check_log(folder: &DataFolder) -> Result<(), OpenError> {
    let log = folder.write_ahead_log();
    let checked = integrity::check_wal(&log).map_err(|source| OpenError::Io {
        path: log.clone(),
        source,
    })?;
    match checked {
        integrity::WalState::Sound => Ok(()),
        integrity::WalState::TornEnd { bytes_dropped } => {
            tracing::warn!(
                log = %log.display(),
                bytes_dropped,
                "the write-ahead log ends in the middle of a write: that unfinished transaction is dropped"
            );
            Ok(())
        }
        integrity::WalState::Damaged(fault) => Err(OpenError::DamagedLog { file: log, fault }),
    }
}

/// What SQLite finds wrong with the structure of the file, if anything.
async fn quick_check(connection: &mut SqliteConnection) -> Result<Option<String>, sqlx::Error> {
    let rows = sqlx::query("PRAGMA quick_check(5)")
        .fetch_all(connection)
        .await?;
    let findings: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    Ok((findings != ["ok"]).then(|| findings.join("; ")))
}

async fn migrate(
    connection: &mut SqliteConnection,
    dir: &Path,
    file: &Path,
) -> Result<(), OpenError> {
    use sqlx::migrate::MigrateError;
    let known = MIGRATIONS
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0);
    // `run` takes anything that hands out a connection, which the compiler cannot see to be `Send`.
    MIGRATIONS
        .run_direct(None, connection, false)
        .await
        .map_err(|error| match error {
            MigrateError::VersionMissing(found) | MigrateError::VersionTooNew(found, _)
                if found > known =>
            {
                OpenError::NewerSchema {
                    folder: dir.to_owned(),
                    found,
                    known,
                }
            }
            source => OpenError::Migration {
                file: file.to_owned(),
                source,
            },
        })
}
