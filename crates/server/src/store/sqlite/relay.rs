//! The relay's side of the port on SQLite.

use super::SqliteStore;
use super::ledger::{as_i64, position};
use super::read::named;
use super::writer::{Write, WriteError};
use crate::store::error::StoreError;
use crate::store::port::LedgerStore;
use crate::store::relay::{AdmissionRow, Behind, DeadLetterRow, Lease, Published, RelayStore};
use crate::store::rows::LedgerRow;
use booking_core::PerformanceId;
use futures_util::future::BoxFuture;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use std::convert::Infallible;

const LEASE: &str = "SELECT holder, epoch, beats FROM relay_lease WHERE one = 1";
const TAKE_LEASE: &str = "UPDATE relay_lease SET holder = ?, epoch = epoch + 1, beats = 0 \
     WHERE one = 1 AND epoch = ? AND beats = ? AND holder IS ?";
const RENEW_LEASE: &str =
    "UPDATE relay_lease SET beats = beats + 1 WHERE one = 1 AND epoch = ? AND holder IS NOT NULL";
const GIVE_LEASE_BACK: &str = "UPDATE relay_lease SET holder = NULL WHERE one = 1 AND epoch = ?";
/// Skips from one ledger to the next instead of reading every row.
const BEHIND: &str = "WITH RECURSIVE each(id) AS ( \
     SELECT min(performance_id) FROM ledger UNION ALL \
     SELECT (SELECT min(performance_id) FROM ledger WHERE performance_id > each.id) \
     FROM each WHERE each.id IS NOT NULL), \
     ends AS (SELECT id AS performance_id, \
     (SELECT max(seq) FROM ledger WHERE performance_id = each.id) AS head, \
     COALESCE((SELECT seq FROM relay_cursor WHERE stream = ?1 AND performance_id = each.id), 0) \
     AS cursor, (SELECT window_ms FROM relay_cursor WHERE stream = ?1 \
     AND performance_id = each.id) AS window_ms \
     FROM each WHERE id IS NOT NULL) \
     SELECT performance_id, head, cursor FROM ends WHERE head > cursor OR window_ms <= ?2 \
     ORDER BY performance_id";
const HAS_LEASE: &str =
    "SELECT 1 FROM relay_lease WHERE one = 1 AND epoch = ? AND holder IS NOT NULL";
const MOVE_CURSOR: &str = "INSERT INTO relay_cursor (stream, performance_id, seq, window_ms) \
     VALUES (?, ?, ?, ?) ON CONFLICT (stream, performance_id) DO UPDATE SET seq = excluded.seq, \
     window_ms = excluded.window_ms WHERE excluded.seq >= relay_cursor.seq";
const ADD_DEAD_LETTER: &str = "INSERT INTO relay_dead_letter \
     (performance_id, topic, event_id, seq, reason, at_ms) VALUES (?, ?, ?, ?, ?, ?) \
     ON CONFLICT (performance_id, topic, event_id) DO UPDATE SET reason = excluded.reason, \
     at_ms = excluded.at_ms";
const DEAD_LETTERS: &str = "SELECT performance_id, topic, event_id, seq, reason, at_ms \
     FROM relay_dead_letter ORDER BY performance_id, seq, event_id, topic LIMIT ?";
const FORGET_DEAD_LETTER: &str = "DELETE FROM relay_dead_letter \
     WHERE performance_id = ? AND topic = ? AND event_id = ?";
const NOTE_ADMISSION: &str = "INSERT INTO relay_admission \
     (admission_id, room_id, at_ms, performances) VALUES (?, ?, ?, ?) \
     ON CONFLICT (admission_id) DO NOTHING";
const ADMISSIONS: &str = "SELECT admission_id, room_id, at_ms, performances FROM relay_admission \
     ORDER BY at_ms, admission_id LIMIT ?";
const FORGET_ADMISSION: &str = "DELETE FROM relay_admission WHERE admission_id = ?";

enum Change {
    Take(Lease, [u8; 16]),
    Renew(u64),
    GiveBack(u64),
    Publish(u64, Published),
    Forget(DeadLetterRow),
    NoteAdmission(AdmissionRow),
    ForgetAdmissions(Vec<[u8; 16]>),
}

impl Write for Change {
    /// Whether it was as the change supposed.
    type Done = bool;
    type Refusal = Infallible;

    async fn run(
        connection: &mut SqliteConnection,
        writes: &[Self],
    ) -> Result<Vec<bool>, WriteError<Infallible>> {
        let mut done = Vec::with_capacity(writes.len());
        for write in writes {
            done.push(write.make(connection).await?);
        }
        Ok(done)
    }
}

impl Change {
    async fn make(&self, connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
        let query = match self {
            Self::Take(seen, holder) => sqlx::query(TAKE_LEASE)
                .bind(holder.to_vec())
                .bind(as_i64(seen.epoch))
                .bind(as_i64(seen.beats))
                .bind(seen.holder.map(|holder| holder.to_vec())),
            Self::Renew(epoch) => sqlx::query(RENEW_LEASE).bind(as_i64(*epoch)),
            Self::GiveBack(epoch) => sqlx::query(GIVE_LEASE_BACK).bind(as_i64(*epoch)),
            Self::Publish(epoch, published) => {
                return publish(connection, *epoch, published).await;
            }
            Self::NoteAdmission(row) => sqlx::query(NOTE_ADMISSION)
                .bind(row.admission.to_vec())
                .bind(row.room.to_vec())
                .bind(row.at_ms)
                .bind(row.performances.as_str()),
            Self::ForgetAdmissions(published) => {
                for admission in published {
                    let forget = sqlx::query(FORGET_ADMISSION).bind(admission.to_vec());
                    forget.execute(&mut *connection).await?;
                }
                return Ok(true);
            }
            Self::Forget(row) => sqlx::query(FORGET_DEAD_LETTER)
                .bind(row.performance.as_bytes().to_vec())
                .bind(row.topic.as_str())
                .bind(row.event_id.as_str()),
        };
        Ok(query.execute(connection).await?.rows_affected() == 1)
    }
}

async fn publish(
    connection: &mut SqliteConnection,
    epoch: u64,
    published: &Published,
) -> Result<bool, sqlx::Error> {
    let lease = sqlx::query(HAS_LEASE).bind(as_i64(epoch));
    if lease.fetch_optional(&mut *connection).await?.is_none() {
        return Ok(false);
    }
    sqlx::query(MOVE_CURSOR)
        .bind(published.stream)
        .bind(published.performance.as_bytes().to_vec())
        .bind(as_i64(published.seq))
        .bind(published.window_ms)
        .execute(&mut *connection)
        .await?;
    for dead in &published.dead {
        sqlx::query(ADD_DEAD_LETTER)
            .bind(dead.performance.as_bytes().to_vec())
            .bind(dead.topic.as_str())
            .bind(dead.event_id.as_str())
            .bind(as_i64(dead.seq))
            .bind(dead.reason.as_str())
            .bind(dead.at_ms)
            .execute(&mut *connection)
            .await?;
    }
    Ok(true)
}

fn dead_letter(row: &SqliteRow) -> Result<DeadLetterRow, StoreError> {
    Ok(DeadLetterRow {
        performance: PerformanceId::from_bytes(named(row, "performance_id")?),
        topic: row.try_get("topic")?,
        event_id: row.try_get("event_id")?,
        seq: position(row.try_get("seq")?)?,
        reason: row.try_get("reason")?,
        at_ms: row.try_get("at_ms")?,
    })
}

impl SqliteStore {
    async fn relayed(&self, change: Change) -> Result<bool, StoreError> {
        self.write(change).await.map_err(|error| match error {
            WriteError::Refused(never) => match never {},
            WriteError::Store(error) => error,
        })
    }
}

fn admission(row: &SqliteRow) -> Result<AdmissionRow, StoreError> {
    Ok(AdmissionRow {
        admission: named(row, "admission_id")?,
        room: named(row, "room_id")?,
        at_ms: row.try_get("at_ms")?,
        performances: row.try_get("performances")?,
    })
}

impl RelayStore for SqliteStore {
    fn lease(&self) -> BoxFuture<'_, Result<Lease, StoreError>> {
        Box::pin(async {
            let row = sqlx::query(LEASE).fetch_one(self.reader()).await?;
            let is_held: Option<&[u8]> = row.try_get("holder")?;
            let holder = is_held.map(|_| named(&row, "holder")).transpose()?;
            Ok(Lease {
                holder,
                epoch: position(row.try_get("epoch")?)?,
                beats: position(row.try_get("beats")?)?,
            })
        })
    }

    fn take_lease(
        &self,
        seen: Lease,
        holder: [u8; 16],
    ) -> BoxFuture<'_, Result<Option<u64>, StoreError>> {
        Box::pin(async move {
            let taken = self.relayed(Change::Take(seen, holder)).await?;
            Ok(taken.then_some(seen.epoch + 1))
        })
    }

    fn renew_lease(&self, epoch: u64) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(self.relayed(Change::Renew(epoch)))
    }

    fn give_lease_back(&self, epoch: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move { self.relayed(Change::GiveBack(epoch)).await.map(drop) })
    }

    fn behind(
        &self,
        stream: &'static str,
        now_ms: i64,
    ) -> BoxFuture<'_, Result<Vec<Behind>, StoreError>> {
        Box::pin(async move {
            let rows = sqlx::query(BEHIND)
                .bind(stream)
                .bind(now_ms)
                .fetch_all(self.reader());
            rows.await?
                .iter()
                .map(|row| {
                    Ok(Behind {
                        performance: PerformanceId::from_bytes(named(row, "performance_id")?),
                        cursor: position(row.try_get("cursor")?)?,
                        head: position(row.try_get("head")?)?,
                    })
                })
                .collect()
        })
    }

    fn batches(
        &self,
        performance: PerformanceId,
        after: u64,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<LedgerRow>, StoreError>> {
        Box::pin(LedgerStore::read_ledger(self, performance, after, limit))
    }

    fn publish(&self, epoch: u64, published: Published) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(self.relayed(Change::Publish(epoch, published)))
    }

    fn dead_letters(&self, limit: u32) -> BoxFuture<'_, Result<Vec<DeadLetterRow>, StoreError>> {
        Box::pin(async move {
            let rows = sqlx::query(DEAD_LETTERS)
                .bind(limit)
                .fetch_all(self.reader());
            rows.await?.iter().map(dead_letter).collect()
        })
    }

    fn forget_dead_letter(&self, row: DeadLetterRow) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move { self.relayed(Change::Forget(row)).await.map(drop) })
    }

    fn note_admission(&self, row: AdmissionRow) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move { self.relayed(Change::NoteAdmission(row)).await.map(drop) })
    }

    fn admissions(&self, limit: u32) -> BoxFuture<'_, Result<Vec<AdmissionRow>, StoreError>> {
        Box::pin(async move {
            let rows = sqlx::query(ADMISSIONS).bind(limit).fetch_all(self.reader());
            rows.await?.iter().map(admission).collect()
        })
    }

    fn forget_admissions(&self, published: Vec<[u8; 16]>) -> BoxFuture<'_, Result<(), StoreError>> {
        let change = Change::ForgetAdmissions(published);
        Box::pin(async move { self.relayed(change).await.map(drop) })
    }
}
