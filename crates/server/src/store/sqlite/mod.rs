//! The SQLite adapter: one file in WAL mode with `synchronous = FULL`, one writing thread that
//! gathers what everybody waits for into one transaction, and a few reading connections.
//!
//! **A write of your own** is a type that implements [`Write`]: a struct with what is to be written
//! and a `run` that writes a slice of them. `store.write(it).await` answers after the commit it went
//! into. Ledger, command records and checkouts, which come by the thousand, take a shorter way to
//! the same file: see [`writer`].

mod accounts;
mod audit;
mod catalogue;
mod folder;
mod kept;
mod kinds;
mod ledger;
mod open;
mod payments;
mod read;
mod rooms;
mod tables;
mod writer;

pub use folder::FolderLock;
pub use open::StoreOptions;
pub use writer::{Write, WriteError};

use super::error::StoreError;
use folder::DataFolder;
use sqlx::SqlitePool;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use writer::{HotWrite, Writer};

/// A data folder, opened. Cheap to clone; the folder stays locked until the last clone is gone.
#[derive(Clone)]
pub struct SqliteStore(Arc<Inner>);

struct Inner {
    writer: Writer,
    reader: SqlitePool,
    file: PathBuf,
    // Dropped last: gives the lock back.
    folder: Mutex<Option<DataFolder>>,
}

impl SqliteStore {
    /// Connections that can only read. They see what has been committed.
    #[must_use]
    pub fn reader(&self) -> &SqlitePool {
        &self.0.reader
    }

    /// The database file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.0.file
    }

    /// Makes one write durable, together with whatever else is waiting. If it fails, it fails
    /// alone.
    pub async fn write<W: Write>(&self, write: W) -> Result<W::Done, WriteError<W::Refusal>> {
        self.0.writer.write(write).await
    }

    /// The same for what comes by the thousand.
    async fn write_hot<W: HotWrite>(&self, write: W) -> Result<W::Done, WriteError<W::Refusal>> {
        self.0.writer.write_hot(write).await
    }

    /// Finishes what is queued, folds the write-ahead log into the database and gives the folder
    /// back. Whatever is asked later gets [`StoreError::Closed`].
    pub async fn close(&self) -> Result<(), StoreError> {
        self.0.reader.close().await;
        let closed = self.0.writer.close().await;
        let folder = self
            .0
            .folder
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        if let (Ok(()), Some(folder)) = (&closed, folder) {
            folder.mark_clean();
        }
        closed
    }
}
