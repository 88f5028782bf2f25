//! What the ledger tools read besides the ledger, and how projections are written anew.

use super::SqliteStore;
use super::ledger::{append_projections, id, position};
use super::read::fixed;
use super::writer::{HotWrite, WriteError};
use crate::store::StoreError;
use crate::store::error::AppendError;
use crate::store::port::Append;
use crate::store::rows::{AcceptedCommand, Projection};
use crate::store::sql;
use booking_core::{CommandId, FanId, OrderId, PerformanceId, TicketId};
use rusqlite::Connection;
use sqlx::Row as _;

impl SqliteStore {
    /// How many accepted commands each performance has, those without any left out, in order of
    /// performance. Reads all of them.
    pub async fn accepted_counts(&self) -> Result<Vec<(PerformanceId, u64)>, StoreError> {
        let rows = sqlx::query(sql::COUNT_ACCEPTED)
            .fetch_all(self.reader())
            .await?;
        rows.iter()
            .map(|row| {
                let performance = PerformanceId::from_bytes(fixed(row, 0, "performance id")?);
                Ok((performance, position(row.try_get(1)?)?))
            })
            .collect()
    }

    /// At most `limit` accepted commands of the performances from `first` to `last`, in order of
    /// id, behind the one given. The table is in order of id too: this reads past the commands of
    /// every other performance.
    pub async fn accepted_commands(
        &self,
        (first, last): (PerformanceId, PerformanceId),
        after: Option<AcceptedCommand>,
        limit: u32,
    ) -> Result<Vec<AcceptedCommand>, StoreError> {
        // The empty string of bytes comes before every id.
        let (command, performance) = match after {
            Some(after) => (
                after.command.as_bytes().to_vec(),
                after.performance.as_bytes().to_vec(),
            ),
            None => (Vec::new(), Vec::new()),
        };
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
    }

    /// The live tickets of a performance as projected, by place key.
    pub async fn live_tickets(
        &self,
        performance: PerformanceId,
    ) -> Result<Vec<Projection>, StoreError> {
        let rows = sqlx::query(sql::READ_TICKETS_LIVE)
            .bind(id(performance.as_bytes()))
            .fetch_all(self.reader())
            .await?;
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
    }

    /// The orders of a performance as projected.
    pub async fn confirmed_orders(
        &self,
        performance: PerformanceId,
    ) -> Result<Vec<Projection>, StoreError> {
        let rows = sqlx::query(sql::READ_ORDERS_CONFIRMED)
            .bind(id(performance.as_bytes()))
            .fetch_all(self.reader())
            .await?;
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
    }

    /// Replaces all projection rows of a performance.
    pub async fn rebuild_projections(
        &self,
        performance: PerformanceId,
        projections: Vec<Projection>,
    ) -> Result<(), AppendError> {
        let append = Append {
            performance,
            batch: None,
            decided_after: None,
            commands: Vec::new(),
            projections,
        };
        self.write_hot(RebuildProjections(append))
            .await
            .map_err(|error| match error {
                WriteError::Refused(refusal) => refusal,
                WriteError::Store(error) => AppendError::Store(error),
            })
    }
}

struct RebuildProjections(Append);

impl HotWrite for RebuildProjections {
    type Done = ();
    type Refusal = AppendError;

    fn run(connection: &Connection, writes: &[Self]) -> Result<Vec<()>, WriteError<AppendError>> {
        for RebuildProjections(append) in writes {
            for statement in [sql::CLEAR_TICKETS_LIVE, sql::CLEAR_ORDERS_CONFIRMED] {
                connection.execute(statement, [id(append.performance.as_bytes())])?;
            }
            append_projections(connection, std::slice::from_ref(append))?;
        }
        Ok(vec![(); writes.len()])
    }
}
