//! The relay's side of the port on PostgreSQL.

use super::PostgresStore;
use super::fault::Trouble;
use super::ledger::{ledger_row, read_ledger};
use super::read::{as_i64, fixed, number};
use super::transaction::Work;
use crate::store::error::StoreError;
use crate::store::relay::{AdmissionRow, Behind, DeadLetterRow, Lease, Published, RelayStore};
use crate::store::rows::LedgerRow;
use booking_core::PerformanceId;
use futures_util::future::BoxFuture;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};

const LEASE: &str = "SELECT holder, epoch, beats FROM relay_lease WHERE one = 1";
const TAKE_LEASE: &str = "UPDATE relay_lease SET holder = $1, epoch = epoch + 1, beats = 0 \
     WHERE one = 1 AND epoch = $2 AND beats = $3 AND holder IS NOT DISTINCT FROM $4::bytea";
/// Whether it was taken by this very change, where the answer to the commit was lost.
const HAS_LEASE: &str =
    "SELECT EXISTS (SELECT 1 FROM relay_lease WHERE one = 1 AND epoch = $1 AND holder = $2)";
const RENEW_LEASE: &str =
    "UPDATE relay_lease SET beats = beats + 1 WHERE one = 1 AND epoch = $1 AND holder IS NOT NULL";
const GIVE_LEASE_BACK: &str = "UPDATE relay_lease SET holder = NULL WHERE one = 1 AND epoch = $1";
const BEHIND: &str = "SELECT head.performance_id, head.seq AS head, \
     COALESCE(at.seq, 0) AS cursor FROM ledger_head AS head \
     LEFT JOIN relay_cursor AS at \
     ON at.stream = $1 AND at.performance_id = head.performance_id \
     WHERE head.seq > COALESCE(at.seq, 0) OR at.window_ms <= $2 ORDER BY head.performance_id";
/// Held until the commit, so that nobody takes the lease between the look and the move.
const LOCK_LEASE: &str =
    "SELECT 1 FROM relay_lease WHERE one = 1 AND epoch = $1 AND holder IS NOT NULL FOR SHARE";
const MOVE_CURSOR: &str = "INSERT INTO relay_cursor (stream, performance_id, seq, window_ms) \
     VALUES ($1, $2, $3, $4) ON CONFLICT (stream, performance_id) DO UPDATE SET seq = excluded.seq, \
     window_ms = excluded.window_ms WHERE excluded.seq >= relay_cursor.seq";
const ADD_DEAD_LETTER: &str = "INSERT INTO relay_dead_letter \
     (performance_id, topic, event_id, seq, reason, at_ms) VALUES ($1, $2, $3, $4, $5, $6) \
     ON CONFLICT (performance_id, topic, event_id) DO UPDATE SET reason = excluded.reason, \
     at_ms = excluded.at_ms";
const DEAD_LETTERS: &str = "SELECT performance_id, topic, event_id, seq, reason, at_ms \
     FROM relay_dead_letter ORDER BY performance_id, seq, event_id, topic LIMIT $1";
const FORGET_DEAD_LETTER: &str = "DELETE FROM relay_dead_letter \
     WHERE performance_id = $1 AND topic = $2 AND event_id = $3";
const NOTE_ADMISSION: &str = "INSERT INTO relay_admission \
     (admission_id, room_id, at_ms, performances) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (admission_id) DO NOTHING";
const ADMISSIONS: &str = "SELECT admission_id, room_id, at_ms, performances FROM relay_admission \
     ORDER BY at_ms, admission_id LIMIT $1";
const FORGET_ADMISSION: &str = "DELETE FROM relay_admission WHERE admission_id = $1";

enum Change {
    Take(Lease, [u8; 16]),
    Renew(u64),
    GiveBack(u64),
    Publish(u64, Published),
    Forget(DeadLetterRow),
    NoteAdmission(AdmissionRow),
    ForgetAdmissions(Vec<[u8; 16]>),
}

impl Work for Change {
    /// Whether it was as the change supposed.
    type Done = bool;

    async fn run(&self, connection: &mut PgConnection) -> Result<bool, Trouble> {
        Ok(self.make(connection).await?)
    }

    async fn is_there(
        &self,
        connection: &mut PgConnection,
        done: &bool,
    ) -> Result<Option<bool>, sqlx::Error> {
        let Self::Take(seen, holder) = self else {
            // Done once more, the others come to the same.
            return Ok(None);
        };
        if !done {
            return Ok(None);
        }
        let query = sqlx::query_scalar(HAS_LEASE)
            .bind(as_i64(seen.epoch + 1))
            .bind(holder.to_vec());
        query.fetch_one(connection).await.map(Some)
    }
}

impl Change {
    async fn make(&self, connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
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
    connection: &mut PgConnection,
    epoch: u64,
    published: &Published,
) -> Result<bool, sqlx::Error> {
    let lock = sqlx::query(LOCK_LEASE).bind(as_i64(epoch));
    if lock.fetch_optional(&mut *connection).await?.is_none() {
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

fn dead_letter(row: &PgRow) -> Result<DeadLetterRow, StoreError> {
    Ok(DeadLetterRow {
        performance: PerformanceId::from_bytes(fixed(row, "performance_id")?),
        topic: row.try_get("topic")?,
        event_id: row.try_get("event_id")?,
        seq: number(row, "seq")?,
        reason: row.try_get("reason")?,
        at_ms: row.try_get("at_ms")?,
    })
}

fn admission(row: &PgRow) -> Result<AdmissionRow, StoreError> {
    Ok(AdmissionRow {
        admission: fixed(row, "admission_id")?,
        room: fixed(row, "room_id")?,
        at_ms: row.try_get("at_ms")?,
        performances: row.try_get("performances")?,
    })
}

impl RelayStore for PostgresStore {
    fn lease(&self) -> BoxFuture<'_, Result<Lease, StoreError>> {
        Box::pin(async {
            let row = self.the_row(|| sqlx::query(LEASE)).await?;
            let is_held: Option<&[u8]> = row.try_get("holder")?;
            let holder = is_held.map(|_| fixed(&row, "holder")).transpose()?;
            Ok(Lease {
                holder,
                epoch: number(&row, "epoch")?,
                beats: number(&row, "beats")?,
            })
        })
    }

    fn take_lease(
        &self,
        seen: Lease,
        holder: [u8; 16],
    ) -> BoxFuture<'_, Result<Option<u64>, StoreError>> {
        Box::pin(async move {
            let taken = self.change(Change::Take(seen, holder)).await?;
            Ok(taken.then_some(seen.epoch + 1))
        })
    }

    fn renew_lease(&self, epoch: u64) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(self.change(Change::Renew(epoch)))
    }

    fn give_lease_back(&self, epoch: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move { self.change(Change::GiveBack(epoch)).await.map(drop) })
    }

    fn behind(
        &self,
        stream: &'static str,
        now_ms: i64,
    ) -> BoxFuture<'_, Result<Vec<Behind>, StoreError>> {
        Box::pin(async move {
            let rows = self
                .rows(|| sqlx::query(BEHIND).bind(stream).bind(now_ms))
                .await?;
            rows.iter()
                .map(|row| {
                    Ok(Behind {
                        performance: PerformanceId::from_bytes(fixed(row, "performance_id")?),
                        cursor: number(row, "cursor")?,
                        head: number(row, "head")?,
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
        Box::pin(async move {
            let question = || read_ledger(performance, after, limit);
            let rows = self.rows_to_show(question).await?;
            rows.iter().map(ledger_row).collect()
        })
    }

    fn publish(&self, epoch: u64, published: Published) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(self.change(Change::Publish(epoch, published)))
    }

    fn dead_letters(&self, limit: u32) -> BoxFuture<'_, Result<Vec<DeadLetterRow>, StoreError>> {
        Box::pin(async move {
            let question = || sqlx::query(DEAD_LETTERS).bind(i64::from(limit));
            self.rows(question).await?.iter().map(dead_letter).collect()
        })
    }

    fn forget_dead_letter(&self, row: DeadLetterRow) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move { self.change(Change::Forget(row)).await.map(drop) })
    }

    fn note_admission(&self, row: AdmissionRow) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move { self.change(Change::NoteAdmission(row)).await.map(drop) })
    }

    fn admissions(&self, limit: u32) -> BoxFuture<'_, Result<Vec<AdmissionRow>, StoreError>> {
        Box::pin(async move {
            let question = || sqlx::query(ADMISSIONS).bind(i64::from(limit));
            self.rows(question).await?.iter().map(admission).collect()
        })
    }

    fn forget_admissions(&self, published: Vec<[u8; 16]>) -> BoxFuture<'_, Result<(), StoreError>> {
        let change = Change::ForgetAdmissions(published);
        Box::pin(async move { self.change(change).await.map(drop) })
    }
}
