//! What the relay asks of a database: which ledgers have moved on, how far each has been published,
//! and who publishes.
//!
//! Owns: only the holder of the lease moves a cursor, whatever a server that was frozen for a while
//! believes; a cursor never goes back. Each method is one transaction.

use super::error::StoreError;
use super::rows::LedgerRow;
use booking_core::PerformanceId;
use futures_util::future::BoxFuture;

/// Who publishes, as it stands in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Nobody, where it was given back.
    pub holder: Option<[u8; 16]>,
    /// How often it was taken.
    pub epoch: u64,
    /// Grows while its holder lives.
    pub beats: u64,
}

/// A ledger of which something was not published yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behind {
    /// Whose.
    pub performance: PerformanceId,
    /// The last batch that was published, 0 for none.
    pub cursor: u64,
    /// The last batch there is.
    pub head: u64,
}

/// A message that could not be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetterRow {
    /// Whose.
    pub performance: PerformanceId,
    /// Name of the topic.
    pub topic: String,
    /// Its name there.
    pub event_id: String,
    /// The batch it is from.
    pub seq: u64,
    /// Why not.
    pub reason: String,
    /// When that was.
    pub at_ms: i64,
}

/// Somebody was let in from a waiting room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdmissionRow {
    /// Names it. Not what the admission itself is called, which is between its holder and the room.
    pub admission: [u8; 16],
    /// Which room.
    pub room: [u8; 16],
    /// When.
    pub at_ms: i64,
    /// What the room protects, JSON.
    pub performances: String,
}

/// How far one ledger is published now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Where to: each stream has cursors of its own.
    pub stream: &'static str,
    /// Whose.
    pub performance: PerformanceId,
    /// The last batch that was acknowledged whole.
    pub seq: u64,
    /// When the first minute ends whose sums have not been told; `None`: there is nothing to tell.
    pub window_ms: Option<i64>,
    /// Messages on the way there that could not be sent.
    pub dead: Vec<DeadLetterRow>,
}

/// The relay's side of the port.
pub trait RelayStore: Send + Sync + 'static {
    /// Who publishes.
    fn lease(&self) -> BoxFuture<'_, Result<Lease, StoreError>>;
    /// Takes the lease if it is still as it was seen. The new epoch, or `None`: somebody was faster,
    /// or its holder lives.
    fn take_lease(
        &self,
        seen: Lease,
        holder: [u8; 16],
    ) -> BoxFuture<'_, Result<Option<u64>, StoreError>>;
    /// Says that the holder of this epoch lives; `false`: it is the holder no longer.
    fn renew_lease(&self, epoch: u64) -> BoxFuture<'_, Result<bool, StoreError>>;
    /// Gives the lease back, if it is still of this epoch.
    fn give_lease_back(&self, epoch: u64) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Ledgers that have moved on from what a stream has, and those with a minute to tell of that
    /// ended by `now_ms`, in order of performance.
    fn behind(
        &self,
        stream: &'static str,
        now_ms: i64,
    ) -> BoxFuture<'_, Result<Vec<Behind>, StoreError>>;
    /// At most `limit` batches behind a position.
    fn batches(
        &self,
        performance: PerformanceId,
        after: u64,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<LedgerRow>, StoreError>>;
    /// Moves a cursor, and writes down what could not be sent; `false`: the lease is somebody else's
    /// and nothing was written.
    fn publish(&self, epoch: u64, published: Published) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// At most `limit` messages that could not be sent, in order of performance and batch.
    fn dead_letters(&self, limit: u32) -> BoxFuture<'_, Result<Vec<DeadLetterRow>, StoreError>>;
    /// Forgets one: it has been sent.
    fn forget_dead_letter(&self, row: DeadLetterRow) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Notes that somebody was let in, to be published; noted again, it stays as it is.
    fn note_admission(&self, row: AdmissionRow) -> BoxFuture<'_, Result<(), StoreError>>;
    /// At most `limit` that are to be published, in the order of their times.
    fn admissions(&self, limit: u32) -> BoxFuture<'_, Result<Vec<AdmissionRow>, StoreError>>;
    /// Forgets those that were published, by what they are called.
    fn forget_admissions(&self, published: Vec<[u8; 16]>) -> BoxFuture<'_, Result<(), StoreError>>;
}
