//! The auditor's side of the port on PostgreSQL.

use super::PostgresStore;
use super::read::{fixed, number, some_number};
use super::writer::Write;
use crate::store::audit::{AuditStore, behind};
use crate::store::error::{AppendError, StoreError};
use crate::store::port::Append;
use crate::store::rows::{AcceptedCommand, Projection};
use booking_core::{CommandId, FanId, OrderId, PerformanceId, TicketId};
use futures_util::future::BoxFuture;
use sqlx::Row as _;

const COUNT_ACCEPTED: &str = "SELECT performance_id, count(*) AS accepted FROM command \
     WHERE seq IS NOT NULL GROUP BY performance_id ORDER BY performance_id";
const READ_ACCEPTED: &str = "SELECT performance_id, command_id, seq, entry FROM command \
     WHERE (command_id, performance_id) > ($1, $2) AND performance_id BETWEEN $3 AND $4 \
     AND seq IS NOT NULL ORDER BY command_id, performance_id LIMIT $5";
const READ_TICKETS_LIVE: &str = "SELECT place_key, ticket_id, order_id, fan_id, area::bigint, \
     price_type::bigint FROM ticket_live WHERE performance_id = $1 ORDER BY place_key";
const READ_ORDERS_CONFIRMED: &str = "SELECT order_id, fan_id, total_minor, at_ms \
     FROM order_confirmed WHERE performance_id = $1 ORDER BY order_id";

impl AuditStore for PostgresStore {
    fn accepted_counts(&self) -> BoxFuture<'_, Result<Vec<(PerformanceId, u64)>, StoreError>> {
        Box::pin(async move {
            let rows = self.rows(|| sqlx::query(COUNT_ACCEPTED)).await?;
            rows.iter()
                .map(|row| {
                    let performance = PerformanceId::from_bytes(fixed(row, "performance_id")?);
                    Ok((performance, number(row, "accepted")?))
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
            let query = || {
                sqlx::query(READ_ACCEPTED)
                    .bind(command.clone())
                    .bind(performance.clone())
                    .bind(*first.as_bytes())
                    .bind(*last.as_bytes())
                    .bind(i64::from(limit))
            };
            let rows = self.rows(query).await?;
            rows.iter()
                .map(|row| {
                    Ok(AcceptedCommand {
                        performance: PerformanceId::from_bytes(fixed(row, "performance_id")?),
                        command: CommandId::from_bytes(fixed(row, "command_id")?),
                        seq: number(row, "seq")?,
                        entry: number(row, "entry")?,
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
            let query = || sqlx::query(READ_TICKETS_LIVE).bind(*performance.as_bytes());
            let rows = self.rows(query).await?;
            rows.iter()
                .map(|row| {
                    Ok(Projection::TicketLive {
                        place_key: row.try_get("place_key")?,
                        ticket: TicketId::from_bytes(fixed(row, "ticket_id")?),
                        order: OrderId::from_bytes(fixed(row, "order_id")?),
                        fan: FanId::from_bytes(fixed(row, "fan_id")?),
                        area: some_number(row, "area")?,
                        price_type: number(row, "price_type")?,
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
            let query = || sqlx::query(READ_ORDERS_CONFIRMED).bind(*performance.as_bytes());
            let rows = self.rows(query).await?;
            rows.iter()
                .map(|row| {
                    Ok(Projection::OrderConfirmed {
                        order: OrderId::from_bytes(fixed(row, "order_id")?),
                        fan: FanId::from_bytes(fixed(row, "fan_id")?),
                        total_minor: row.try_get("total_minor")?,
                        at_ms: row.try_get("at_ms")?,
                    })
                })
                .collect()
        })
    }

    fn replace_projections(&self, anew: Append) -> BoxFuture<'_, Result<(), AppendError>> {
        Box::pin(async move { self.write(Write::Rebuild(anew)).await.map(drop) })
    }
}
