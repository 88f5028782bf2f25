//! The ledger port with its type forgotten, so that nothing above depends on which database it is.
//! One boxed future a batch is not worth a type parameter everywhere.

use crate::store::{
    Append, AppendError, CommandRecord, LedgerRow, LedgerStore, SnapshotRow, StoreError, Turn,
};
use booking_core::{CommandId, PerformanceId};
use futures_util::future::BoxFuture;
use std::sync::Arc;

pub(super) type Ledger = Arc<dyn AnyLedger>;

pub(super) trait AnyLedger: Send + Sync + 'static {
    fn append(&self, append: Append) -> BoxFuture<'_, Result<(), AppendError>>;
    fn turn(&self, performance: PerformanceId) -> BoxFuture<'_, Result<Box<dyn Turn>, StoreError>>;
    fn read_ledger(
        &self,
        performance: PerformanceId,
        after: u64,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<LedgerRow>, StoreError>>;
    fn commands(
        &self,
        performance: PerformanceId,
        ids: Vec<CommandId>,
    ) -> BoxFuture<'_, Result<Vec<CommandRecord>, StoreError>>;
    fn snapshot(
        &self,
        performance: PerformanceId,
    ) -> BoxFuture<'_, Result<Option<SnapshotRow>, StoreError>>;
    fn save_snapshot(
        &self,
        performance: PerformanceId,
        snapshot: SnapshotRow,
    ) -> BoxFuture<'_, Result<(), StoreError>>;
}

impl<S: LedgerStore> AnyLedger for S {
    fn append(&self, append: Append) -> BoxFuture<'_, Result<(), AppendError>> {
        Box::pin(LedgerStore::append(self, append))
    }
    fn turn(&self, performance: PerformanceId) -> BoxFuture<'_, Result<Box<dyn Turn>, StoreError>> {
        Box::pin(LedgerStore::turn(self, performance))
    }
    fn read_ledger(
        &self,
        performance: PerformanceId,
        after: u64,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<LedgerRow>, StoreError>> {
        Box::pin(LedgerStore::read_ledger(self, performance, after, limit))
    }
    fn commands(
        &self,
        performance: PerformanceId,
        ids: Vec<CommandId>,
    ) -> BoxFuture<'_, Result<Vec<CommandRecord>, StoreError>> {
        Box::pin(LedgerStore::commands(self, performance, ids))
    }
    fn snapshot(
        &self,
        performance: PerformanceId,
    ) -> BoxFuture<'_, Result<Option<SnapshotRow>, StoreError>> {
        Box::pin(LedgerStore::snapshot(self, performance))
    }
    fn save_snapshot(
        &self,
        performance: PerformanceId,
        snapshot: SnapshotRow,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(LedgerStore::save_snapshot(self, performance, snapshot))
    }
}
