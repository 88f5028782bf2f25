//! The database behind one port. [`port`] is the trait, [`error`] its errors, [`rows`] the row
//! types; [`sqlite`] is one adapter, with its statements in [`sql`] and what is checked before a
//! file is trusted in [`integrity`]; `postgres` (a cargo feature) is the other. [`database`] is
//! whichever of them a program runs on.
//!
//! Owns: a reply is possible only after a commit; a fault of one operation fails that one alone;
//! damage is refused or mended with a word, never read past. Must not: know what an event means.

pub mod accounts;
pub mod audit;
pub mod checkouts;
pub mod database;
pub mod error;
pub mod integrity;
pub mod kept;
pub mod port;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod relay;
pub mod rooms;
pub mod rows;
pub mod sql;
pub mod sqlite;
pub mod tables;

pub use database::{Database, DatabaseUrl, without_secrets};
pub use error::{AppendError, OpenError, StoreError};
pub use port::{Append, LedgerStore, NewBatch, News, Turn};
#[cfg(feature = "postgres")]
pub use postgres::{PostgresOpenError, PostgresOptions, PostgresStore};
pub use rows::{CommandRecord, Head, LedgerRow, Projection, RecordedOutcome, SnapshotRow};
pub use sqlite::{FolderLock, SqliteStore, StoreOptions, Write};
