//! The payments' side of the port on SQLite.

use super::SqliteStore;
use super::ledger::id;
use super::read::named;
use super::writer::{HotWrite, WriteError};
use crate::store::checkouts::{
    Begun, CheckoutRow, CheckoutStore, LiveTicket, ORDERS_LISTED, StepRow,
};
use crate::store::error::StoreError;
use booking_core::{CommandId, FanId, HoldId, OrderId, PerformanceId, TicketId};
use futures_util::future::BoxFuture;
use rusqlite::{Connection, params};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

/// A new attempt. One that is known is left out: no row affected.
const INSERT_CHECKOUT: &str = "INSERT INTO checkout (order_id, attempt, command_id, content, \
     performance_id, hold_id, fan_id, created_ms, updated_ms, unsettled, step, details) \
     VALUES (?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING";

/// A step.
const UPDATE_STEP: &str = "UPDATE checkout SET updated_ms = ?, unsettled = ?, step = ? \
     WHERE order_id = ? AND attempt = ?";

const COLUMNS: &str = "order_id, attempt, command_id, content, performance_id, hold_id, fan_id, \
     created_ms, updated_ms, unsettled, step, details";

/// Commands asked for in one statement.
const ASKED_AT_ONCE: usize = 256;

fn blob(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

/// One new attempt.
struct Begin(CheckoutRow);

impl HotWrite for Begin {
    type Done = Begun;
    type Refusal = Infallible;

    fn run(connection: &Connection, writes: &[Self]) -> Result<Vec<Begun>, WriteError<Infallible>> {
        let mut insert = connection.prepare_cached(INSERT_CHECKOUT)?;
        let mut begun = Vec::with_capacity(writes.len());
        for Self(row) in writes {
            let inserted = insert.execute(params![
                id(row.order.as_bytes()),
                row.attempt,
                id(row.command.as_bytes()),
                &row.content[..],
                id(row.performance.as_bytes()),
                id(row.hold.as_bytes()),
                id(row.fan.as_bytes()),
                row.created_ms,
                row.updated_ms,
                row.unsettled,
                row.step,
                &*row.details,
            ])?;
            begun.push(if inserted == 0 {
                Begun::Exists
            } else {
                Begun::New
            });
        }
        Ok(begun)
    }
}

/// One step.
struct Record(StepRow);

impl HotWrite for Record {
    type Done = ();
    type Refusal = Infallible;

    fn run(connection: &Connection, writes: &[Self]) -> Result<Vec<()>, WriteError<Infallible>> {
        let mut update = connection.prepare_cached(UPDATE_STEP)?;
        // Of two steps of one attempt the later one counts.
        for Self(row) in writes {
            let updated = update.execute(params![
                row.updated_ms,
                row.unsettled,
                row.step,
                id(row.order.as_bytes()),
                row.attempt,
            ])?;
            if updated == 0 {
                let fault = "a step of a checkout that was never begun";
                return Err(StoreError::Failed(fault.to_owned()).into());
            }
        }
        Ok(vec![(); writes.len()])
    }
}

impl CheckoutStore for SqliteStore {
    fn begin(&self, row: CheckoutRow) -> BoxFuture<'_, Result<Begun, StoreError>> {
        Box::pin(async move { Ok(self.write_hot(Begin(row)).await?) })
    }

    fn record(&self, step: StepRow) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move { Ok(self.write_hot(Record(step)).await?) })
    }

    fn attempts(&self, order: OrderId) -> BoxFuture<'_, Result<Vec<CheckoutRow>, StoreError>> {
        Box::pin(async move {
            let text =
                format!("SELECT {COLUMNS} FROM checkout WHERE order_id = ? ORDER BY attempt");
            let rows = sqlx::query(sqlx::AssertSqlSafe(text))
                .bind(blob(order.as_bytes()))
                .fetch_all(self.reader())
                .await?;
            rows.iter().map(checkout).collect()
        })
    }

    fn orders_ending(&self, end: [u8; 6]) -> BoxFuture<'_, Result<Vec<OrderId>, StoreError>> {
        Box::pin(async move {
            // Reads the whole table: asked by a person at a time.
            let rows = sqlx::query(
                "SELECT DISTINCT order_id FROM checkout WHERE substr(order_id, 11) = ?",
            )
            .bind(blob(&end))
            .fetch_all(self.reader())
            .await?;
            let order = |row| Ok(OrderId::from_bytes(named(row, "order_id")?));
            rows.iter().map(order).collect()
        })
    }

    fn by_commands(
        &self,
        commands: Vec<CommandId>,
    ) -> BoxFuture<'_, Result<Vec<CheckoutRow>, StoreError>> {
        Box::pin(async move {
            let mut found = Vec::new();
            for asked in commands.chunks(ASKED_AT_ONCE) {
                let marks = vec!["?"; asked.len()].join(",");
                let text = format!("SELECT {COLUMNS} FROM checkout WHERE command_id IN ({marks})");
                let mut query = sqlx::query(sqlx::AssertSqlSafe(text));
                for command in asked {
                    query = query.bind(blob(command.as_bytes()));
                }
                // Any number of commands may be asked for: too many texts to keep prepared.
                let rows = query
                    .persistent(asked.len() == 1)
                    .fetch_all(self.reader())
                    .await?;
                for row in &rows {
                    found.push(checkout(row)?);
                }
            }
            Ok(found)
        })
    }

    fn by_fan(&self, fan: FanId) -> BoxFuture<'_, Result<Vec<CheckoutRow>, StoreError>> {
        Box::pin(async move {
            let text = format!(
                "SELECT {COLUMNS} FROM checkout AS this WHERE fan_id = ? AND NOT EXISTS (SELECT 1 \
             FROM checkout AS later WHERE later.order_id = this.order_id \
             AND later.attempt > this.attempt) ORDER BY created_ms DESC, order_id LIMIT ?"
            );
            let rows = sqlx::query(sqlx::AssertSqlSafe(text))
                .bind(blob(fan.as_bytes()))
                .bind(ORDERS_LISTED)
                .fetch_all(self.reader())
                .await?;
            rows.iter().map(checkout).collect()
        })
    }

    fn unsettled(&self) -> BoxFuture<'_, Result<Vec<CheckoutRow>, StoreError>> {
        Box::pin(async move {
            let text =
                format!("SELECT {COLUMNS} FROM checkout WHERE unsettled = 1 ORDER BY created_ms");
            let rows = sqlx::query(sqlx::AssertSqlSafe(text))
                .fetch_all(self.reader())
                .await?;
            rows.iter().map(checkout).collect()
        })
    }

    fn live_tickets(&self, order: OrderId) -> BoxFuture<'_, Result<Vec<LiveTicket>, StoreError>> {
        Box::pin(async move {
            let rows = sqlx::query(
                "SELECT ticket_id, order_id, fan_id, performance_id, place_key, area, price_type \
             FROM ticket_live WHERE order_id = ?",
            )
            .bind(blob(order.as_bytes()))
            .fetch_all(self.reader())
            .await?;
            rows.iter().map(ticket).collect()
        })
    }

    fn live_ticket(
        &self,
        ticket_id: TicketId,
    ) -> BoxFuture<'_, Result<Option<LiveTicket>, StoreError>> {
        Box::pin(async move {
            let row = sqlx::query(
                "SELECT ticket_id, order_id, fan_id, performance_id, place_key, area, price_type \
             FROM ticket_live WHERE ticket_id = ?",
            )
            .bind(blob(ticket_id.as_bytes()))
            .fetch_optional(self.reader())
            .await?;
            row.as_ref().map(ticket).transpose()
        })
    }
}

impl SqliteStore {
    /// How many tickets of each performance are live; performances with none are left out.
    pub async fn tickets_sold(&self) -> Result<HashMap<PerformanceId, u32>, StoreError> {
        let rows = sqlx::query(
            "SELECT performance_id, COUNT(*) AS sold FROM ticket_live GROUP BY performance_id",
        )
        .fetch_all(self.reader())
        .await?;
        rows.iter()
            .map(|row| {
                let performance = PerformanceId::from_bytes(named(row, "performance_id")?);
                Ok((performance, number(row, "sold")?))
            })
            .collect()
    }
}

fn number<T: TryFrom<i64>>(row: &SqliteRow, column: &str) -> Result<T, StoreError> {
    row.try_get::<i64, _>(column)?
        .try_into()
        .map_err(|_| StoreError::Damaged(format!("{column} is out of range")))
}

fn checkout(row: &SqliteRow) -> Result<CheckoutRow, StoreError> {
    Ok(CheckoutRow {
        order: OrderId::from_bytes(named(row, "order_id")?),
        attempt: number(row, "attempt")?,
        command: CommandId::from_bytes(named(row, "command_id")?),
        content: named(row, "content")?,
        performance: PerformanceId::from_bytes(named(row, "performance_id")?),
        hold: HoldId::from_bytes(named(row, "hold_id")?),
        fan: FanId::from_bytes(named(row, "fan_id")?),
        created_ms: row.try_get("created_ms")?,
        updated_ms: row.try_get("updated_ms")?,
        unsettled: row.try_get("unsettled")?,
        step: row.try_get("step")?,
        details: Arc::from(row.try_get::<&str, _>("details")?),
    })
}

fn ticket(row: &SqliteRow) -> Result<LiveTicket, StoreError> {
    let area: Option<i64> = row.try_get("area")?;
    Ok(LiveTicket {
        ticket: TicketId::from_bytes(named(row, "ticket_id")?),
        order: OrderId::from_bytes(named(row, "order_id")?),
        fan: FanId::from_bytes(named(row, "fan_id")?),
        performance: PerformanceId::from_bytes(named(row, "performance_id")?),
        place_key: row.try_get("place_key")?,
        area: area
            .map(u16::try_from)
            .transpose()
            .map_err(|_| StoreError::Damaged("area is out of range".to_owned()))?,
        price_type: number(row, "price_type")?,
    })
}
