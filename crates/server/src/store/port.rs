//! What the server asks of a database: few methods, each one transaction.
//!
//! [`LedgerStore`] is the ledger's side, which lanes use. Other parts (catalogue, payments) have
//! small writes of their own beside it; each is a type of its own that the adapter gathers into
//! the same commits (see [`sqlite::Write`](super::sqlite::Write)).

use super::error::{AppendError, StoreError};
use super::rows::{CommandRecord, Head, LedgerRow, Projection, SnapshotRow};
use booking_core::ledger::Hash;
use booking_core::{CommandId, PerformanceId};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use std::future::Future;
use tokio::sync::broadcast;

/// A batch to be made durable, with everything that belongs into the same transaction.
#[derive(Clone, Debug)]
pub struct Append {
    /// Whose ledger.
    pub performance: PerformanceId,
    /// The batch; `None`: only command records (rejections).
    pub batch: Option<NewBatch>,
    /// Without a batch, which says so itself: the position after which the commands were decided.
    /// If the ledger has moved on since, that is a conflict, for who is refused shall be refused
    /// for what is so. `None`: wherever it is.
    pub decided_after: Option<u64>,
    /// What each command came to.
    pub commands: Vec<CommandRecord>,
    /// Projection rows to write, in the order of the events they come from.
    pub projections: Vec<Projection>,
}

/// The next row of a ledger.
#[derive(Clone, Debug)]
pub struct NewBatch {
    /// Position it must get, from 1.
    pub seq: u64,
    /// When it was decided.
    pub at_ms: i64,
    /// `Sealed::bytes`.
    pub bytes: Bytes,
    /// Hash of the row that must stand before it.
    pub prev_hash: Hash,
    /// `Sealed::hash`.
    pub hash: Hash,
}

/// What is told of ledgers that several servers may append to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// A ledger has a batch at this position, whoever appended it.
    Moved {
        /// Whose.
        performance: PerformanceId,
        /// Position.
        seq: u64,
    },
    /// Something may have been missed: any ledger may have moved.
    Missed,
}

/// The right to be the next to append to one ledger. Dropped without appending, it is given back.
pub trait Turn: Send {
    /// Appends as [`LedgerStore::append`] does, and gives the turn back. A turn that has been lost
    /// (its holder was silent for too long) is a conflict.
    fn append(self: Box<Self>, append: Append) -> BoxFuture<'static, Result<(), AppendError>>;
}

/// The ledger side of the port.
pub trait LedgerStore: Send + Sync + 'static {
    /// Makes one batch durable, all of it or nothing. May be gathered with the writes of others
    /// into one transaction; a fault of this batch fails this batch alone.
    fn append(&self, append: Append) -> impl Future<Output = Result<(), AppendError>> + Send;

    /// Waits until nobody else appends to this ledger, and keeps other servers from it: for whoever
    /// has met a conflict, reads what was missed and wants to be sure of the next try. What was
    /// asked of this store before is durable when the turn begins.
    fn turn(
        &self,
        performance: PerformanceId,
    ) -> impl Future<Output = Result<Box<dyn Turn>, StoreError>> + Send;

    /// What other servers append, as it becomes durable; own appends may be among it. `None`: there
    /// are no others.
    fn news(&self) -> Option<broadcast::Receiver<News>>;

    /// At most `limit` rows after position `after`, ascending, not checked in any way.
    fn read_ledger(
        &self,
        performance: PerformanceId,
        after: u64,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<LedgerRow>, StoreError>> + Send;

    /// Where a ledger ends; `None` before the first batch.
    fn head(
        &self,
        performance: PerformanceId,
    ) -> impl Future<Output = Result<Option<Head>, StoreError>> + Send;

    /// Every performance that has a ledger, in order of id.
    fn performances(&self) -> impl Future<Output = Result<Vec<PerformanceId>, StoreError>> + Send;

    /// What these commands came to, those that are recorded, in no particular order.
    fn commands(
        &self,
        performance: PerformanceId,
        ids: Vec<CommandId>,
    ) -> impl Future<Output = Result<Vec<CommandRecord>, StoreError>> + Send;

    /// The latest snapshot. One that is damaged reads as an error of kind
    /// [`StoreError::DamagedSnapshot`].
    fn snapshot(
        &self,
        performance: PerformanceId,
    ) -> impl Future<Output = Result<Option<SnapshotRow>, StoreError>> + Send;

    /// Replaces the snapshot, unless a later one is there.
    fn save_snapshot(
        &self,
        performance: PerformanceId,
        snapshot: SnapshotRow,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}
