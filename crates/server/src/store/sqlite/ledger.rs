//! The ledger's side of the port on SQLite.

use super::SqliteStore;
use super::read::fixed;
use super::writer::{HotWrite, WriteError};
use crate::store::error::{AppendError, StoreError};
use crate::store::port::{Append, LedgerStore, News, Turn};
use crate::store::rows::{
    CommandRecord, Head, LedgerRow, NetTickets, Projection, RecordedOutcome, SnapshotRow,
};
use crate::store::sql;
use booking_core::ledger::Hash;
use booking_core::{CommandId, PerformanceId};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use rusqlite::{Connection, params};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use std::convert::Infallible;
use tokio::sync::broadcast;

impl LedgerStore for SqliteStore {
    async fn append(&self, append: Append) -> Result<(), AppendError> {
        self.write_hot(append).await.map_err(|error| match error {
            WriteError::Refused(refusal) => refusal,
            WriteError::Store(error) => AppendError::Store(error),
        })
    }

    async fn turn(&self, _: PerformanceId) -> Result<Box<dyn Turn>, StoreError> {
        // The folder is this process's alone, and there is one writer.
        Ok(Box::new(Alone(self.clone())))
    }

    fn news(&self) -> Option<broadcast::Receiver<News>> {
        None
    }

    async fn read_ledger(
        &self,
        performance: PerformanceId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        let rows = sqlx::query(sql::READ_LEDGER)
            .bind(id(performance.as_bytes()))
            .bind(as_i64(after))
            .bind(limit)
            .fetch_all(self.reader())
            .await?;
        rows.iter()
            .map(|row| {
                Ok(LedgerRow {
                    seq: position(row.try_get(0)?)?,
                    at_ms: row.try_get(1)?,
                    bytes: Bytes::from(row.try_get::<Vec<u8>, _>(2)?),
                    hash: hash(row, 3)?,
                })
            })
            .collect()
    }

    async fn head(&self, performance: PerformanceId) -> Result<Option<Head>, StoreError> {
        let row = sqlx::query(sql::READ_HEAD)
            .bind(id(performance.as_bytes()))
            .fetch_optional(self.reader())
            .await?;
        row.map(|row| {
            Ok(Head {
                seq: position(row.try_get(0)?)?,
                at_ms: row.try_get(1)?,
                hash: hash(&row, 2)?,
            })
        })
        .transpose()
    }

    async fn performances(&self) -> Result<Vec<PerformanceId>, StoreError> {
        let rows = sqlx::query(sql::READ_PERFORMANCES)
            .fetch_all(self.reader())
            .await?;
        rows.iter()
            .map(|row| Ok(PerformanceId::from_bytes(fixed(row, 0, "id")?)))
            .collect()
    }

    async fn commands(
        &self,
        performance: PerformanceId,
        ids: Vec<CommandId>,
    ) -> Result<Vec<CommandRecord>, StoreError> {
        let rows = sql::READ_COMMANDS
            .fetch(self.reader(), &ids, |binds, command| {
                binds
                    .add(id(command.as_bytes()))
                    .add(id(performance.as_bytes()));
            })
            .await?;
        rows.iter().map(command_record).collect()
    }

    async fn snapshot(
        &self,
        performance: PerformanceId,
    ) -> Result<Option<SnapshotRow>, StoreError> {
        let row = sqlx::query(sql::READ_SNAPSHOT)
            .bind(id(performance.as_bytes()))
            .fetch_optional(self.reader())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let snapshot = SnapshotRow {
            seq: position(row.try_get(0)?)?,
            at_ms: row.try_get(1)?,
            hash: hash(&row, 2)?,
            inventory: Bytes::from(row.try_get::<Vec<u8>, _>(3)?),
        };
        snapshot.checked(performance, hash(&row, 4)?).map(Some)
    }

    async fn save_snapshot(
        &self,
        performance: PerformanceId,
        snapshot: SnapshotRow,
    ) -> Result<(), StoreError> {
        match self
            .write_hot(SaveSnapshot {
                performance,
                snapshot,
            })
            .await
        {
            Ok(()) => Ok(()),
            Err(WriteError::Store(error)) => Err(error),
            Err(WriteError::Refused(never)) => match never {},
        }
    }
}

struct Alone(SqliteStore);

impl Turn for Alone {
    fn append(self: Box<Self>, append: Append) -> BoxFuture<'static, Result<(), AppendError>> {
        Box::pin(async move { LedgerStore::append(&self.0, append).await })
    }
}

impl HotWrite for Append {
    type Done = ();
    type Refusal = AppendError;

    fn run(connection: &Connection, appends: &[Self]) -> Result<Vec<()>, WriteError<AppendError>> {
        append_batches(connection, appends)?;
        append_commands(connection, appends)?;
        append_projections(connection, appends)?;
        Ok(vec![(); appends.len()])
    }
}

fn append_batches(
    connection: &Connection,
    appends: &[Append],
) -> Result<(), WriteError<AppendError>> {
    let mut insert = connection.prepare_cached(sql::INSERT_LEDGER)?;
    for append in appends {
        let Some(batch) = &append.batch else {
            check_position(connection, append)?;
            continue;
        };
        let written = insert
            .execute(params![
                id(append.performance.as_bytes()),
                as_i64(batch.seq),
                batch.at_ms,
                &batch.bytes[..],
                &batch.hash[..],
                &batch.prev_hash[..],
            ])
            .map_err(|error| refused_if_constraint(error, AppendError::Conflict))?;
        if written == 0 {
            return Err(WriteError::Refused(AppendError::Conflict));
        }
    }
    Ok(())
}

/// Whether the ledger is still where the commands were decided.
fn check_position(connection: &Connection, append: &Append) -> Result<(), WriteError<AppendError>> {
    let Some(decided_after) = append.decided_after else {
        return Ok(());
    };
    let mut read = connection.prepare_cached(sql::READ_POSITION)?;
    let position: i64 = read.query_row([id(append.performance.as_bytes())], |row| row.get(0))?;
    match position == as_i64(decided_after) {
        true => Ok(()),
        false => Err(WriteError::Refused(AppendError::Conflict)),
    }
}

fn append_commands(
    connection: &Connection,
    appends: &[Append],
) -> Result<(), WriteError<AppendError>> {
    let mut insert = connection.prepare_cached(sql::INSERT_COMMAND)?;
    for append in appends {
        for record in &append.commands {
            let (seq, entry, detail) = match &record.outcome {
                RecordedOutcome::Accepted { seq, entry, detail } => {
                    (Some(as_i64(*seq)), Some(*entry), detail.as_deref())
                }
                RecordedOutcome::Rejected { detail } => (None, None, Some(&detail[..])),
            };
            insert
                .execute(params![
                    id(append.performance.as_bytes()),
                    id(record.command.as_bytes()),
                    &record.content[..],
                    seq,
                    entry,
                    detail,
                ])
                .map_err(|error| refused_if_constraint(error, AppendError::CommandRecorded))?;
        }
    }
    Ok(())
}

pub(super) fn append_projections(
    connection: &Connection,
    appends: &[Append],
) -> Result<(), WriteError<AppendError>> {
    for append in appends {
        if !append.projections.is_empty() {
            project(connection, append)?;
        }
    }
    Ok(())
}

fn project(connection: &Connection, append: &Append) -> Result<(), WriteError<AppendError>> {
    let performance = id(append.performance.as_bytes());
    let mut confirm = connection.prepare_cached(sql::INSERT_ORDER_CONFIRMED)?;
    let mut cancel = connection.prepare_cached(sql::DELETE_TICKET_LIVE)?;
    for projection in &append.projections {
        match projection {
            Projection::OrderConfirmed {
                order,
                fan,
                total_minor,
                at_ms,
            } => {
                let (order, fan) = (id(order.as_bytes()), id(fan.as_bytes()));
                confirm.execute(params![order, performance, fan, total_minor, at_ms])?;
            }
            Projection::TermsSet { terms } => {
                let mut set = connection.prepare_cached(sql::SET_TERMS)?;
                set.execute(params![terms, performance])?;
                connection
                    .prepare_cached(sql::BUMP_CATALOGUE)?
                    .execute([])?;
            }
            Projection::TicketLive { .. } | Projection::TicketCancelled { .. } => {}
        }
    }
    let net = NetTickets::of(&append.projections);
    for (place_key, ticket) in net.gone {
        cancel.execute(params![performance, place_key, id(ticket.as_bytes())])?;
    }
    let mut sell = connection.prepare_cached(sql::INSERT_TICKET_LIVE)?;
    for projection in net.live {
        let Projection::TicketLive {
            ticket,
            order,
            fan,
            place_key,
            area,
            price_type,
        } = projection
        else {
            continue;
        };
        sell.execute(params![
            performance,
            place_key,
            id(ticket.as_bytes()),
            id(order.as_bytes()),
            id(fan.as_bytes()),
            area,
            price_type,
        ])
        .map_err(|error| refused_if_constraint(error, AppendError::SeatSoldTwice))?;
    }
    Ok(())
}

struct SaveSnapshot {
    performance: PerformanceId,
    snapshot: SnapshotRow,
}

impl HotWrite for SaveSnapshot {
    type Done = ();
    type Refusal = Infallible;

    fn run(connection: &Connection, writes: &[Self]) -> Result<Vec<()>, WriteError<Infallible>> {
        let mut upsert = connection.prepare_cached(sql::UPSERT_SNAPSHOT)?;
        for SaveSnapshot {
            performance,
            snapshot,
        } in writes
        {
            upsert.execute(params![
                id(performance.as_bytes()),
                as_i64(snapshot.seq),
                snapshot.at_ms,
                &snapshot.hash[..],
                &snapshot.inventory[..],
                &snapshot.digest(*performance)[..],
            ])?;
        }
        Ok(vec![(); writes.len()])
    }
}

fn refused_if_constraint(error: rusqlite::Error, refusal: AppendError) -> WriteError<AppendError> {
    match StoreError::from(error) {
        StoreError::Constraint(_) => WriteError::Refused(refusal),
        other => WriteError::Store(other),
    }
}

fn command_record(row: &SqliteRow) -> Result<CommandRecord, StoreError> {
    let command = CommandId::from_bytes(fixed(row, 0, "command id")?);
    let detail: Option<Vec<u8>> = row.try_get(4)?;
    let detail = detail.map(Bytes::from);
    let outcome = match (
        row.try_get::<Option<i64>, _>(2)?,
        row.try_get::<Option<u32>, _>(3)?,
    ) {
        (Some(seq), Some(entry)) => RecordedOutcome::Accepted {
            seq: position(seq)?,
            entry,
            detail,
        },
        _ => RecordedOutcome::Rejected {
            detail: detail
                .ok_or_else(|| StoreError::Damaged(format!("command {command} has no outcome")))?,
        },
    };
    Ok(CommandRecord {
        command,
        content: fixed(row, 1, "content")?,
        outcome,
    })
}

pub(super) fn id(bytes: &[u8; 16]) -> &[u8] {
    &bytes[..]
}

pub(super) fn as_i64(position: u64) -> i64 {
    // Positions count batches; 2^63 of them do not fit on any disk.
    i64::try_from(position).unwrap_or(i64::MAX)
}

pub(super) fn position(value: i64) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| StoreError::Damaged(format!("position {value} in the ledger")))
}

fn hash(row: &SqliteRow, column: usize) -> Result<Hash, StoreError> {
    fixed(row, column, "hash")
}
