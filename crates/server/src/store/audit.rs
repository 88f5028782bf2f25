//! The auditor's side of the port: what was derived from ledgers, to be compared with them and to
//! be written anew.

use super::error::{AppendError, StoreError};
use super::port::Append;
use super::rows::{AcceptedCommand, Projection};
use booking_core::PerformanceId;
use futures_util::future::BoxFuture;

/// What the ledger tools ask of a database besides its ledgers.
pub trait AuditStore: Send + Sync + 'static {
    /// How many accepted commands each performance has, those without any left out, in order of
    /// performance. Reads all of them.
    fn accepted_counts(&self) -> BoxFuture<'_, Result<Vec<(PerformanceId, u64)>, StoreError>>;

    /// At most `limit` accepted commands of the performances from the first to the last of `of`, in
    /// order of id, behind the one given. The table is in order of id too: this reads past the
    /// commands of every other performance.
    fn accepted_commands(
        &self,
        of: (PerformanceId, PerformanceId),
        after: Option<AcceptedCommand>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<AcceptedCommand>, StoreError>>;

    /// The live tickets of a performance as projected, by place key.
    fn projected_tickets(
        &self,
        performance: PerformanceId,
    ) -> BoxFuture<'_, Result<Vec<Projection>, StoreError>>;

    /// The orders of a performance as projected, by id.
    fn projected_orders(
        &self,
        performance: PerformanceId,
    ) -> BoxFuture<'_, Result<Vec<Projection>, StoreError>>;

    /// Writes projections in place of all that are there of their performance.
    fn replace_projections(&self, anew: Append) -> BoxFuture<'_, Result<(), AppendError>>;

    /// Replaces all projection rows of a performance.
    fn rebuild_projections(
        &self,
        performance: PerformanceId,
        projections: Vec<Projection>,
    ) -> BoxFuture<'_, Result<(), AppendError>> {
        self.replace_projections(Append {
            performance,
            batch: None,
            decided_after: None,
            commands: Vec::new(),
            projections,
        })
    }
}

/// Where reading goes on behind `after`: the bytes of its command and of its performance. The empty
/// string of bytes comes before every id.
pub(super) fn behind(after: Option<AcceptedCommand>) -> (Vec<u8>, Vec<u8>) {
    after.map_or_else(Default::default, |after| {
        let (command, performance) = (after.command.as_bytes(), after.performance.as_bytes());
        (command.to_vec(), performance.to_vec())
    })
}
