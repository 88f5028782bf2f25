//! What the ledger tools read besides the ledger, and how projections are written anew.

use super::PostgresStore;
use super::read::{fixed, number, some_number};
use super::writer::Write;
use crate::store::error::{AppendError, StoreError};
use crate::store::port::Append;
use crate::store::rows::{AcceptedCommand, Projection};
use booking_core::{CommandId, FanId, OrderId, PerformanceId, TicketId};
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

impl PostgresStore {
    /// How many accepted commands each performance has, those without any left out, in order of
    /// performance. Reads all of them.
    pub async fn accepted_counts(&self) -> Result<Vec<(PerformanceId, u64)>, StoreError> {
        let rows = self.rows(|| sqlx::query(COUNT_ACCEPTED)).await?;
        rows.iter()
            .map(|row| {
                let performance = PerformanceId::from_bytes(fixed(row, "performance_id")?);
                Ok((performance, number(row, "accepted")?))
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
        let rows = self
            .rows(|| {
                sqlx::query(READ_ACCEPTED)
                    .bind(&command)
                    .bind(&performance)
                    .bind(*first.as_bytes())
                    .bind(*last.as_bytes())
                    .bind(i64::from(limit))
            })
            .await?;
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
    }

    /// The live tickets of a performance as projected, by place key.
    pub async fn projected_tickets(
        &self,
        performance: PerformanceId,
    ) -> Result<Vec<Projection>, StoreError> {
        let rows = self
            .rows(|| sqlx::query(READ_TICKETS_LIVE).bind(*performance.as_bytes()))
            .await?;
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
    }

    /// The orders of a performance as projected.
    pub async fn projected_orders(
        &self,
        performance: PerformanceId,
    ) -> Result<Vec<Projection>, StoreError> {
        let rows = self
            .rows(|| sqlx::query(READ_ORDERS_CONFIRMED).bind(*performance.as_bytes()))
            .await?;
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
        self.write(Write::Rebuild(append)).await.map(drop)
    }
}
