//! The ledger's side of the port on PostgreSQL, and what an append writes.

use super::PostgresStore;
use super::fault::Trouble;
use super::projections;
use super::read::{Question, as_i64, fixed, number, some_number};
use super::writer::Write;
use crate::store::error::{AppendError, StoreError};
use crate::store::port::{Append, LedgerStore, NewBatch, News, Turn};
use crate::store::rows::{CommandRecord, Head, LedgerRow, RecordedOutcome, SnapshotRow};
use booking_core::{CommandId, PerformanceId};
use bytes::Bytes;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};
use std::collections::{HashMap, HashSet};
use tokio::sync::broadcast;

/// Rows go in only behind the head that they name. A head that somebody else holds is passed over
/// as one that has moved: whoever holds it is about to move it, and nobody waits for one ledger
/// while others could be written. What comes back are the ledgers that have grown; every server is
/// told of each when it is committed.
const APPEND_LEDGER: &str = "WITH wanted AS ( \
     SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bytea[], $4::bytea[]) \
     AS wanted (performance_id, seq, hash, prev_hash) \
), free AS ( \
     SELECT head.performance_id FROM ledger_head AS head JOIN wanted \
     ON head.performance_id = wanted.performance_id AND head.seq = wanted.seq - 1 \
     AND head.hash = wanted.prev_hash ORDER BY head.performance_id \
     FOR UPDATE OF head SKIP LOCKED \
), moved AS ( \
     UPDATE ledger_head AS head SET seq = wanted.seq, hash = wanted.hash FROM wanted, free \
     WHERE head.performance_id = wanted.performance_id \
     AND free.performance_id = wanted.performance_id RETURNING head.performance_id \
), begun AS ( \
     INSERT INTO ledger_head (performance_id, seq, hash) \
     SELECT performance_id, seq, hash FROM wanted WHERE seq = 1 ORDER BY performance_id \
     ON CONFLICT (performance_id) DO NOTHING RETURNING performance_id \
), written AS ( \
     INSERT INTO ledger (performance_id, seq, at_ms, batch, hash) \
     SELECT performance_id, seq, at_ms, batch, hash \
     FROM unnest($1::bytea[], $2::bigint[], $3::bytea[], $5::bigint[], $6::bytea[]) \
     AS batches (performance_id, seq, hash, at_ms, batch) \
     WHERE performance_id IN (SELECT performance_id FROM moved UNION ALL \
     SELECT performance_id FROM begun) RETURNING performance_id, seq \
) SELECT performance_id, \
     pg_notify('onsale_ledger', encode(performance_id, 'hex') || ' ' || seq) FROM written";
/// The primary key refuses a second record of the same command. In order of id, so that two servers
/// with the same commands never wait for each other in a ring.
const INSERT_COMMANDS: &str = "INSERT INTO command \
     (performance_id, command_id, content, seq, entry, detail) \
     SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bigint[], $5::bigint[], \
     $6::bytea[]) AS records (performance_id, command_id, content, seq, entry, detail) \
     ORDER BY command_id, performance_id";
const READ_LEDGER: &str = "SELECT seq, at_ms, batch, hash FROM ledger \
     WHERE performance_id = $1 AND seq > $2 ORDER BY seq LIMIT $3";
const READ_HEAD: &str = "SELECT seq, at_ms, hash FROM ledger \
     WHERE performance_id = $1 ORDER BY seq DESC LIMIT 1";
const READ_PERFORMANCES: &str =
    "SELECT performance_id FROM ledger_head WHERE seq > 0 ORDER BY performance_id";
const READ_POSITIONS: &str =
    "SELECT performance_id, seq FROM ledger_head WHERE performance_id = ANY($1::bytea[])";
const READ_COMMANDS: &str = "SELECT command_id, content, seq, entry, detail FROM command \
     WHERE command_id = ANY($1::bytea[]) AND performance_id = $2";
const READ_SNAPSHOT: &str = "SELECT seq, at_ms, hash, inventory, digest FROM snapshot \
     WHERE performance_id = $1";
const CLEAR_TICKETS_LIVE: &str = "DELETE FROM ticket_live WHERE performance_id = $1";
const CLEAR_ORDERS_CONFIRMED: &str = "DELETE FROM order_confirmed WHERE performance_id = $1";
const HAS_BATCH: &str = "SELECT EXISTS (SELECT 1 FROM ledger WHERE performance_id = $1 \
     AND seq = $2 AND hash = $3)";
const HAS_COMMAND: &str = "SELECT EXISTS (SELECT 1 FROM command WHERE performance_id = $1 \
     AND command_id = $2 AND content = $3)";

/// Writes all of `appends`, at most one batch of each ledger. One answer for each; those that were
/// too late have left nothing behind. An error is about the transaction.
pub(super) async fn append(
    connection: &mut PgConnection,
    appends: &[&Append],
) -> Result<Vec<Result<(), AppendError>>, Trouble> {
    let batches: Vec<(PerformanceId, &NewBatch)> = appends
        .iter()
        .filter_map(|append| {
            append
                .batch
                .as_ref()
                .map(|batch| (append.performance, batch))
        })
        .collect();
    let grown = append_batches(connection, &batches).await?;
    let positions = positions(connection, appends).await?;
    let is_in_time = |append: &&&Append| match (&append.batch, append.decided_after) {
        (Some(_), _) => grown.contains(&append.performance),
        (None, Some(seq)) => positions.get(&append.performance).copied().unwrap_or(0) == seq,
        (None, None) => true,
    };
    let in_time: Vec<&Append> = appends.iter().filter(is_in_time).copied().collect();
    append_commands(connection, &in_time).await?;
    projections::append(connection, &in_time).await?;
    let answer = |append: &&Append| match is_in_time(&append) {
        true => Ok(()),
        false => Err(AppendError::Conflict),
    };
    Ok(appends.iter().map(answer).collect())
}

/// Where the ledgers are of those appends that depend on it without moving it.
async fn positions(
    connection: &mut PgConnection,
    appends: &[&Append],
) -> Result<HashMap<PerformanceId, u64>, Trouble> {
    let depends = |append: &&&Append| append.batch.is_none() && append.decided_after.is_some();
    let id = |append: &&Append| *append.performance.as_bytes();
    let ids: Vec<[u8; 16]> = appends.iter().filter(depends).map(id).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let query = sqlx::query(READ_POSITIONS).bind(ids);
    let rows = query.fetch_all(connection).await?;
    let position = |row: &PgRow| {
        let performance = PerformanceId::from_bytes(fixed(row, "performance_id")?);
        Ok((performance, number(row, "seq")?))
    };
    let positions: Result<_, StoreError> = rows.iter().map(position).collect();
    positions.map_err(Trouble::Failed)
}

async fn append_batches(
    connection: &mut PgConnection,
    batches: &[(PerformanceId, &NewBatch)],
) -> Result<HashSet<PerformanceId>, Trouble> {
    if batches.is_empty() {
        return Ok(HashSet::new());
    }
    let column = |value: fn(&NewBatch) -> i64| -> Vec<i64> {
        batches.iter().map(|(_, batch)| value(batch)).collect()
    };
    let bytes = |value: fn(&NewBatch) -> &[u8]| -> Vec<&[u8]> {
        batches.iter().map(|(_, batch)| value(batch)).collect()
    };
    let ids: Vec<&[u8]> = batches.iter().map(|(id, _)| &id.as_bytes()[..]).collect();
    let rows = sqlx::query(APPEND_LEDGER)
        .bind(ids)
        .bind(column(|batch| as_i64(batch.seq)))
        .bind(bytes(|batch| &batch.hash))
        .bind(bytes(|batch| &batch.prev_hash))
        .bind(column(|batch| batch.at_ms))
        .bind(bytes(|batch| &batch.bytes))
        .fetch_all(connection)
        .await?;
    let id = |row: &PgRow| Ok(PerformanceId::from_bytes(fixed(row, "performance_id")?));
    let grown: Result<_, StoreError> = rows.iter().map(id).collect();
    grown.map_err(Trouble::Failed)
}

async fn append_commands(
    connection: &mut PgConnection,
    appends: &[&Append],
) -> Result<(), Trouble> {
    let count = appends.iter().map(|append| append.commands.len()).sum();
    if count == 0 {
        return Ok(());
    }
    let mut performances: Vec<&[u8]> = Vec::with_capacity(count);
    let mut ids: Vec<&[u8]> = Vec::with_capacity(count);
    let mut contents: Vec<&[u8]> = Vec::with_capacity(count);
    let mut positions = Vec::with_capacity(count);
    let mut entries = Vec::with_capacity(count);
    let mut details = Vec::with_capacity(count);
    for append in appends {
        for record in &append.commands {
            let (seq, entry, detail) = match &record.outcome {
                RecordedOutcome::Accepted { seq, entry, detail } => {
                    let (seq, entry) = (as_i64(*seq), i64::from(*entry));
                    (Some(seq), Some(entry), detail.as_deref())
                }
                RecordedOutcome::Rejected { detail } => (None, None, Some(&detail[..])),
            };
            performances.push(append.performance.as_bytes());
            ids.push(record.command.as_bytes());
            contents.push(&record.content);
            positions.push(seq);
            entries.push(entry);
            details.push(detail);
        }
    }
    sqlx::query(INSERT_COMMANDS)
        .bind(performances)
        .bind(ids)
        .bind(contents)
        .bind(positions)
        .bind(entries)
        .bind(details)
        .execute(connection)
        .await?;
    Ok(())
}

/// Forgets the projections of a performance, to write them anew.
pub(super) async fn clear_projections(
    connection: &mut PgConnection,
    performance: PerformanceId,
) -> Result<(), Trouble> {
    for statement in [CLEAR_TICKETS_LIVE, CLEAR_ORDERS_CONFIRMED] {
        sqlx::query(statement)
            .bind(&performance.as_bytes()[..])
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Whether this append is in the database; `None`: nothing of it would show.
pub(super) async fn is_there(
    connection: &mut PgConnection,
    append: &Append,
) -> Result<Option<bool>, sqlx::Error> {
    let performance = &append.performance.as_bytes()[..];
    let query = if let Some(batch) = &append.batch {
        sqlx::query_scalar(HAS_BATCH)
            .bind(performance)
            .bind(as_i64(batch.seq))
            .bind(&batch.hash[..])
    } else if let Some(record) = append.commands.first() {
        sqlx::query_scalar(HAS_COMMAND)
            .bind(performance)
            .bind(&record.command.as_bytes()[..])
            .bind(&record.content[..])
    } else {
        return Ok(None);
    };
    query.fetch_one(connection).await.map(Some)
}

impl LedgerStore for PostgresStore {
    async fn append(&self, append: Append) -> Result<(), AppendError> {
        self.write(Write::Append(append)).await.map(drop)
    }

    async fn turn(&self, performance: PerformanceId) -> Result<Box<dyn Turn>, StoreError> {
        Ok(Box::new(self.take_turn(performance).await?))
    }

    fn news(&self) -> Option<broadcast::Receiver<News>> {
        Some(self.0.listener.subscribe())
    }

    async fn read_ledger(
        &self,
        performance: PerformanceId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        let rows = self.rows(|| read_ledger(performance, after, limit)).await?;
        rows.iter().map(ledger_row).collect()
    }

    async fn head(&self, performance: PerformanceId) -> Result<Option<Head>, StoreError> {
        let row = self
            .row(|| sqlx::query(READ_HEAD).bind(&performance.as_bytes()[..]))
            .await?;
        row.map(|row| {
            Ok(Head {
                seq: number(&row, "seq")?,
                at_ms: row.try_get("at_ms")?,
                hash: fixed(&row, "hash")?,
            })
        })
        .transpose()
    }

    async fn performances(&self) -> Result<Vec<PerformanceId>, StoreError> {
        let rows = self.rows(|| sqlx::query(READ_PERFORMANCES)).await?;
        rows.iter()
            .map(|row| Ok(PerformanceId::from_bytes(fixed(row, "performance_id")?)))
            .collect()
    }

    async fn commands(
        &self,
        performance: PerformanceId,
        ids: Vec<CommandId>,
    ) -> Result<Vec<CommandRecord>, StoreError> {
        let ids: Vec<&[u8]> = ids.iter().map(|id| &id.as_bytes()[..]).collect();
        let rows = self
            .rows(|| {
                sqlx::query(READ_COMMANDS)
                    .bind(&ids)
                    .bind(&performance.as_bytes()[..])
            })
            .await?;
        rows.iter().map(command_record).collect()
    }

    async fn snapshot(
        &self,
        performance: PerformanceId,
    ) -> Result<Option<SnapshotRow>, StoreError> {
        let row = self
            .row(|| sqlx::query(READ_SNAPSHOT).bind(&performance.as_bytes()[..]))
            .await?;
        let Some(row) = row else { return Ok(None) };
        let snapshot = SnapshotRow {
            seq: number(&row, "seq")?,
            at_ms: row.try_get("at_ms")?,
            hash: fixed(&row, "hash")?,
            inventory: Bytes::from(row.try_get::<Vec<u8>, _>("inventory")?),
        };
        snapshot
            .checked(performance, fixed(&row, "digest")?)
            .map(Some)
    }

    async fn save_snapshot(
        &self,
        performance: PerformanceId,
        snapshot: SnapshotRow,
    ) -> Result<(), StoreError> {
        let write = Write::Snapshot(performance, snapshot);
        self.write_or_fail(write).await.map(drop)
    }
}

fn command_record(row: &PgRow) -> Result<CommandRecord, StoreError> {
    let command = CommandId::from_bytes(fixed(row, "command_id")?);
    let detail: Option<Vec<u8>> = row.try_get("detail")?;
    let detail = detail.map(Bytes::from);
    let position = (some_number(row, "seq")?, some_number(row, "entry")?);
    let outcome = match position {
        (Some(seq), Some(entry)) => RecordedOutcome::Accepted { seq, entry, detail },
        _ => RecordedOutcome::Rejected {
            detail: detail
                .ok_or_else(|| StoreError::Damaged(format!("command {command} has no outcome")))?,
        },
    };
    Ok(CommandRecord {
        command,
        content: fixed(row, "content")?,
        outcome,
    })
}

/// Asks for rows of a ledger.
pub(super) fn read_ledger(performance: PerformanceId, after: u64, limit: u32) -> Question {
    sqlx::query(READ_LEDGER)
        .bind(*performance.as_bytes())
        .bind(as_i64(after))
        .bind(i64::from(limit))
}

/// Reads one of them.
pub(super) fn ledger_row(row: &PgRow) -> Result<LedgerRow, StoreError> {
    Ok(LedgerRow {
        seq: number(row, "seq")?,
        at_ms: row.try_get("at_ms")?,
        bytes: Bytes::from(row.try_get::<Vec<u8>, _>("batch")?),
        hash: fixed(row, "hash")?,
    })
}
