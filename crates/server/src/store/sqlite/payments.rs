//! The payments' side of the port on SQLite.

use super::SqliteStore;
use super::ledger::id;
use super::read::named;
use super::writer::{HotWrite, Write, WriteError};
use crate::store::checkouts::{
    Begun, Change, CheckoutRow, CheckoutStore, LiveTicket, ORDERS_LISTED, Owner, Recorded,
    ServerId, StepRow, Unless,
};
use crate::store::error::StoreError;
use booking_core::{CommandId, FanId, HoldId, OrderId, PerformanceId, TicketId};
use futures_util::future::BoxFuture;
use rusqlite::{Connection, params};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

/// A new attempt. One that is known is left out: no row affected.
const INSERT_CHECKOUT: &str = "INSERT INTO checkout (order_id, attempt, command_id, content, \
     performance_id, hold_id, fan_id, created_ms, updated_ms, unsettled, step, details, owner) \
     VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING";

/// A step.
const UPDATE_STEP: &str = "UPDATE checkout SET updated_ms = ?, unsettled = ?, step = ? \
     WHERE order_id = ? AND attempt = ? AND owner = ?";

const TAKE_OVER: &str = "UPDATE checkout SET owner = ?1 \
     WHERE order_id = ?2 AND attempt = ?3 AND owner = ?4 AND step = ?5 AND updated_ms = ?6 \
     AND (?7 OR (SELECT beat FROM checkout_server WHERE server_id = ?4) IS ?8)";
const BEAT: &str = "INSERT INTO checkout_server (server_id, beat) VALUES (?, 1) \
     ON CONFLICT (server_id) DO UPDATE SET beat = checkout_server.beat + 1";
const LEAVE: &str = "DELETE FROM checkout_server WHERE server_id = ?";
const NUDGE: &str = "UPDATE checkout SET nudged = 1 WHERE order_id = ? AND unsettled = 1";
const FELT: &str = "UPDATE checkout SET nudged = 0 WHERE nudged = 1 AND owner = ? AND order_id = ?";
const NUDGED: &str = "SELECT order_id FROM checkout WHERE nudged = 1 AND owner = ?";
const OWNERS: &str = "SELECT owner, beat FROM (SELECT DISTINCT owner FROM checkout \
     WHERE unsettled = 1) LEFT JOIN checkout_server ON server_id = owner";

const COLUMNS: &str = "order_id, attempt, command_id, content, performance_id, hold_id, fan_id, \
     created_ms, updated_ms, unsettled, step, details, owner";

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
                id(&row.owner.0),
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
    type Done = Recorded;
    type Refusal = Infallible;

    fn run(
        connection: &Connection,
        writes: &[Self],
    ) -> Result<Vec<Recorded>, WriteError<Infallible>> {
        let mut update = connection.prepare_cached(UPDATE_STEP)?;
        let mut recorded = Vec::with_capacity(writes.len());
        // Of two steps of one attempt the later one counts.
        for Self(row) in writes {
            let updated = update.execute(params![
                row.updated_ms,
                row.unsettled,
                row.step,
                id(row.order.as_bytes()),
                row.attempt,
                id(&row.owner.0),
            ])?;
            recorded.push(if updated == 0 {
                Recorded::NotYours
            } else {
                Recorded::Done
            });
        }
        Ok(recorded)
    }
}

impl Write for Change {
    /// Rows affected.
    type Done = u64;
    type Refusal = Infallible;

    async fn run(
        connection: &mut SqliteConnection,
        writes: &[Self],
    ) -> Result<Vec<u64>, WriteError<Infallible>> {
        let mut done = Vec::with_capacity(writes.len());
        for write in writes {
            let query = match write {
                Self::TakeOver {
                    order,
                    attempt,
                    step,
                    updated_ms,
                    unless,
                    from,
                    to,
                } => sqlx::query(TAKE_OVER)
                    .bind(blob(&to.0))
                    .bind(blob(order.as_bytes()))
                    .bind(*attempt)
                    .bind(blob(&from.0))
                    .bind(step.as_str())
                    .bind(*updated_ms)
                    .bind(*unless == Unless::Never)
                    .bind(unless.beat()),
                Self::Beat(server) => sqlx::query(BEAT).bind(blob(&server.0)),
                Self::Leave(server) => sqlx::query(LEAVE).bind(blob(&server.0)),
                Self::Nudge(order) => sqlx::query(NUDGE).bind(blob(order.as_bytes())),
                Self::Felt(server, order) => sqlx::query(FELT)
                    .bind(blob(&server.0))
                    .bind(blob(order.as_bytes())),
            };
            done.push(query.execute(&mut *connection).await?.rows_affected());
        }
        Ok(done)
    }
}

impl CheckoutStore for SqliteStore {
    fn begin(&self, row: CheckoutRow) -> BoxFuture<'_, Result<Begun, StoreError>> {
        Box::pin(async move { Ok(self.write_hot(Begin(row)).await?) })
    }

    fn record(&self, step: StepRow) -> BoxFuture<'_, Result<Recorded, StoreError>> {
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

    fn unsettled_of(
        &self,
        server: ServerId,
    ) -> BoxFuture<'_, Result<Vec<CheckoutRow>, StoreError>> {
        Box::pin(async move {
            let text = format!(
                "SELECT {COLUMNS} FROM checkout WHERE unsettled = 1 AND owner = ? \
                 ORDER BY created_ms"
            );
            let rows = sqlx::query(sqlx::AssertSqlSafe(text))
                .bind(blob(&server.0))
                .fetch_all(self.reader())
                .await?;
            rows.iter().map(checkout).collect()
        })
    }

    fn owners(&self) -> BoxFuture<'_, Result<Vec<Owner>, StoreError>> {
        Box::pin(async move {
            let rows = sqlx::query(OWNERS).fetch_all(self.reader()).await?;
            rows.iter()
                .map(|row| {
                    Ok(Owner {
                        server: ServerId(named(row, "owner")?),
                        beat: row.try_get("beat")?,
                    })
                })
                .collect()
        })
    }

    fn nudged(&self, server: ServerId) -> BoxFuture<'_, Result<Vec<OrderId>, StoreError>> {
        Box::pin(async move {
            let query = sqlx::query(NUDGED).bind(blob(&server.0));
            let rows = query.fetch_all(self.reader()).await?;
            rows.iter()
                .map(|row| Ok(OrderId::from_bytes(named(row, "order_id")?)))
                .collect()
        })
    }

    fn change_owners(&self, change: Change) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move { Ok(self.write(change).await?) })
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
        owner: ServerId(named(row, "owner")?),
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
