//! The auditor's side of the port on SQLite.

use super::SqliteStore;
use super::ledger::{append_projections, id, position};
use super::read::fixed;
use super::writer::{HotWrite, WriteError};
use crate::store::StoreError;
use crate::store::audit::{AuditStore, behind};
use crate::store::error::AppendError;
use crate::store::port::Append;
use crate::store::rows::{AcceptedCommand, Projection};
use crate::store::sql;
use booking_core::{CommandId, FanId, OrderId, PerformanceId, TicketId};
use futures_util::future::BoxFuture;
use rusqlite::Connection;
use sqlx::Row as _;

impl AuditStore for SqliteStore {
    fn accepted_counts(&self) -> BoxFuture<'_, Result<Vec<(PerformanceId, u64)>, StoreError>> {
        Box::pin(async move {
            let query = sqlx::query(sql::COUNT_ACCEPTED);
            let rows = query.fetch_all(self.reader()).await?;
            rows.iter()
                .map(|row| {
                    let performance = PerformanceId::from_bytes(fixed(row, 0, "performance id")?);
                    Ok((performance, position(row.try_get(1)?)?))
                })
                .collect()
        })
    }

    fn accepted_commands(
        &self,
        (first, last): (PerformanceId, PerformanceId),
        after: Option<AcceptedCommand>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<AcceptedCommand>, StoreError>> {
        Box::pin(async move {
            let (command, performance) = behind(after);
            let rows = sqlx::query(sql::READ_ACCEPTED)
                .bind(command)
                .bind(performance)
                .bind(id(first.as_bytes()))
                .bind(id(last.as_bytes()))
                .bind(limit)
                .fetch_all(self.reader())
                .await?;
            rows.iter()
                .map(|row| {
                    Ok(AcceptedCommand {
                        performance: PerformanceId::from_bytes(fixed(row, 0, "performance id")?),
                        command: CommandId::from_bytes(fixed(row, 1, "command id")?),
                        seq: position(row.try_get(2)?)?,
                        entry: row.try_get(3)?,
                    })
                })
                .collect()
        })
    }

    fn projected_tickets(
        &self,
        performance: PerformanceId,
    ) -> BoxFuture<'_, Result<Vec<Projection>, StoreError>> {
        Box::pin(async move {
            let query = sqlx::query(sql::READ_TICKETS_LIVE).bind(id(performance.as_bytes()));
            let rows = query.fetch_all(self.reader()).await?;
            rows.iter()
                .map(|row| {
                    Ok(Projection::TicketLive {
                        place_key: row.try_get(0)?,
                        ticket: TicketId::from_bytes(fixed(row, 1, "ticket id")?),
                        order: OrderId::from_bytes(fixed(row, 2, "order id")?),
                        fan: FanId::from_bytes(fixed(row, 3, "fan id")?),
                        area: row.try_get(4)?,
                        price_type: row.try_get(5)?,
                    })
                })
                .collect()
        })
    }

    fn projected_orders(
        &self,
        performance: PerformanceId,
    ) -> BoxFuture<'_, Result<Vec<Projection>, StoreError>> {
        Box::pin(async move {
            let query = sqlx::query(sql::READ_ORDERS_CONFIRMED).bind(id(performance.as_bytes()));
            let rows = query.fetch_all(self.reader()).await?;
            rows.iter()
                .map(|row| {
                    Ok(Projection::OrderConfirmed {
                        order: OrderId::from_bytes(fixed(row, 0, "order id")?),
                        fan: FanId::from_bytes(fixed(row, 1, "fan id")?),
                        total_minor: row.try_get(2)?,
                        at_ms: row.try_get(3)?,
                    })
                })
                .collect()
        })
    }

    fn replace_projections(&self, anew: Append) -> BoxFuture<'_, Result<(), AppendError>> {
        Box::pin(async move {
            let written = self.write_hot(ReplaceProjections(anew)).await;
            written.map_err(|error| match error {
                WriteError::Refused(refusal) => refusal,
                WriteError::Store(error) => AppendError::Store(error),
            })
        })
    }
}

struct ReplaceProjections(Append);

impl HotWrite for ReplaceProjections {
    type Done = ();
    type Refusal = AppendError;

    fn run(connection: &Connection, writes: &[Self]) -> Result<Vec<()>, WriteError<AppendError>> {
        for ReplaceProjections(append) in writes {
            for statement in [sql::CLEAR_TICKETS_LIVE, sql::CLEAR_ORDERS_CONFIRMED] {
                connection.execute(statement, [id(append.performance.as_bytes())])?;
            }
            append_projections(connection, std::slice::from_ref(append))?;
        }
        Ok(vec![(); writes.len()])
    }
}
