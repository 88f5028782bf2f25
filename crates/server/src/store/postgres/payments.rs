//! The payments' side of the port on PostgreSQL.

use super::PostgresStore;
use super::fault::Trouble;
use super::read::{fixed, number, some_number};
use super::transaction::Work;
use super::writer::{Write, Written};
use crate::store::checkouts::{
    Begun, Change, CheckoutRow, CheckoutStore, LiveTicket, ORDERS_LISTED, Owner, Recorded,
    ServerId, StepRow, Unless,
};
use crate::store::error::StoreError;
use booking_core::{CommandId, FanId, HoldId, OrderId, PerformanceId, TicketId};
use futures_util::future::BoxFuture;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// New attempts. Those that are known are left out: what comes back is what was new.
const INSERT_CHECKOUTS: &str = "INSERT INTO checkout (order_id, attempt, command_id, content, \
     performance_id, hold_id, fan_id, created_ms, updated_ms, unsettled, step, details, owner) \
     SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bytea[], $4::bytea[], $5::bytea[], \
     $6::bytea[], $7::bytea[], $8::bigint[], $9::bigint[], $10::boolean[], $11::text[], \
     $12::text[], $13::bytea[]) AS rows (order_id, attempt, command_id, content, performance_id, \
     hold_id, fan_id, created_ms, updated_ms, unsettled, step, details, owner) \
     ORDER BY order_id, attempt \
     ON CONFLICT DO NOTHING RETURNING order_id, attempt";
/// Steps. What comes back are the attempts that are their server's.
const UPDATE_STEPS: &str = "UPDATE checkout SET updated_ms = steps.updated_ms, \
     unsettled = steps.unsettled, step = steps.step \
     FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::boolean[], $5::text[], $6::bytea[]) \
     AS steps (order_id, attempt, updated_ms, unsettled, step, owner) \
     WHERE checkout.order_id = steps.order_id AND checkout.attempt = steps.attempt \
     AND checkout.owner = steps.owner \
     RETURNING checkout.order_id, checkout.attempt";

macro_rules! checkouts {
    ($rest:literal) => {
        concat!(
            "SELECT order_id, attempt, command_id, content, performance_id, hold_id, fan_id, \
             created_ms, updated_ms, unsettled, step, details, owner FROM checkout AS this ",
            $rest
        )
    };
}
const ATTEMPTS: &str = checkouts!("WHERE order_id = $1 ORDER BY attempt");
const BY_COMMANDS: &str = checkouts!("WHERE command_id = ANY($1::bytea[])");
const BY_FAN: &str = checkouts!(
    "WHERE fan_id = $1 AND NOT EXISTS (SELECT 1 FROM checkout AS later \
     WHERE later.order_id = this.order_id AND later.attempt > this.attempt) \
     ORDER BY created_ms DESC, order_id LIMIT $2"
);
const UNSETTLED: &str = checkouts!("WHERE unsettled ORDER BY created_ms");
const UNSETTLED_OF: &str = checkouts!("WHERE unsettled AND owner = $1 ORDER BY created_ms");
const TAKE_OVER: &str = "UPDATE checkout SET owner = $1 \
     WHERE order_id = $2 AND attempt = $3 AND owner = $4 AND step = $5 AND updated_ms = $6 \
     AND ($7 OR (SELECT beat FROM checkout_server WHERE server_id = $4) IS NOT DISTINCT FROM $8)";
const BEAT: &str = "INSERT INTO checkout_server (server_id, beat) VALUES ($1, 1) \
     ON CONFLICT (server_id) DO UPDATE SET beat = checkout_server.beat + 1";
const LEAVE: &str = "DELETE FROM checkout_server WHERE server_id = $1";
const NUDGE: &str = "UPDATE checkout SET nudged = TRUE WHERE order_id = $1 AND unsettled";
const FELT: &str =
    "UPDATE checkout SET nudged = FALSE WHERE nudged AND owner = $1 AND order_id = $2";
const NUDGED: &str = "SELECT order_id FROM checkout WHERE nudged AND owner = $1";
const OWNERS: &str = "SELECT owner, beat FROM (SELECT DISTINCT owner FROM checkout \
     WHERE unsettled) AS owners LEFT JOIN checkout_server ON server_id = owner";
// Reads the whole table: asked by a person at a time.
const ORDERS_ENDING: &str =
    "SELECT DISTINCT order_id FROM checkout WHERE substring(order_id FROM 11) = $1";
const TICKETS_OF_ORDER: &str = "SELECT ticket_id, order_id, fan_id, performance_id, place_key, \
     area::bigint, price_type::bigint FROM ticket_live WHERE order_id = $1";
const TICKET: &str = "SELECT ticket_id, order_id, fan_id, performance_id, place_key, \
     area::bigint, price_type::bigint FROM ticket_live WHERE ticket_id = $1";
const TICKETS_SOLD: &str =
    "SELECT performance_id, count(*) AS sold FROM ticket_live GROUP BY performance_id";

type Attempts = HashSet<(OrderId, u32)>;

fn attempts(rows: &[PgRow]) -> Result<Attempts, Trouble> {
    let attempt = |row: &PgRow| {
        let order = OrderId::from_bytes(fixed(row, "order_id")?);
        Ok((order, number(row, "attempt")?))
    };
    let attempts: Result<_, StoreError> = rows.iter().map(attempt).collect();
    attempts.map_err(Trouble::Failed)
}

/// Writes new attempts, no two of which share a command or an attempt.
pub(super) async fn begin(
    connection: &mut PgConnection,
    rows: &[&CheckoutRow],
) -> Result<Vec<Begun>, Trouble> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let bytes = |value: fn(&CheckoutRow) -> &[u8]| -> Vec<&[u8]> {
        rows.iter().map(|row| value(row)).collect()
    };
    let numbers = |value: fn(&CheckoutRow) -> i64| -> Vec<i64> {
        rows.iter().map(|row| value(row)).collect()
    };
    let texts = |value: fn(&CheckoutRow) -> &str| -> Vec<&str> {
        rows.iter().map(|row| value(row)).collect()
    };
    let unsettled: Vec<bool> = rows.iter().map(|row| row.unsettled).collect();
    let inserted = sqlx::query(INSERT_CHECKOUTS)
        .bind(bytes(|row| row.order.as_bytes()))
        .bind(numbers(|row| i64::from(row.attempt)))
        .bind(bytes(|row| row.command.as_bytes()))
        .bind(bytes(|row| &row.content))
        .bind(bytes(|row| row.performance.as_bytes()))
        .bind(bytes(|row| row.hold.as_bytes()))
        .bind(bytes(|row| row.fan.as_bytes()))
        .bind(numbers(|row| row.created_ms))
        .bind(numbers(|row| row.updated_ms))
        .bind(unsettled)
        .bind(texts(|row| &row.step))
        .bind(texts(|row| &row.details))
        .bind(bytes(|row| &row.owner.0))
        .fetch_all(connection)
        .await?;
    let new = attempts(&inserted)?;
    let begun = |row: &&CheckoutRow| match new.contains(&(row.order, row.attempt)) {
        true => Begun::New,
        false => Begun::Exists,
    };
    Ok(rows.iter().map(begun).collect())
}

/// Writes steps, no two of one attempt.
pub(super) async fn record(
    connection: &mut PgConnection,
    steps: &[&StepRow],
) -> Result<Vec<Recorded>, Trouble> {
    if steps.is_empty() {
        return Ok(Vec::new());
    }
    let orders: Vec<&[u8]> = steps
        .iter()
        .map(|step| &step.order.as_bytes()[..])
        .collect();
    let numbers: Vec<i64> = steps.iter().map(|step| i64::from(step.attempt)).collect();
    let times_ms: Vec<i64> = steps.iter().map(|step| step.updated_ms).collect();
    let unsettled: Vec<bool> = steps.iter().map(|step| step.unsettled).collect();
    let texts: Vec<&str> = steps.iter().map(|step| step.step.as_str()).collect();
    let owners: Vec<&[u8]> = steps.iter().map(|step| &step.owner.0[..]).collect();
    let updated = sqlx::query(UPDATE_STEPS)
        .bind(orders)
        .bind(numbers)
        .bind(times_ms)
        .bind(unsettled)
        .bind(texts)
        .bind(owners)
        .fetch_all(connection)
        .await?;
    let known = attempts(&updated)?;
    let recorded = |step: &&StepRow| match known.contains(&(step.order, step.attempt)) {
        true => Recorded::Done,
        false => Recorded::NotYours,
    };
    Ok(steps.iter().map(recorded).collect())
}

impl Work for Change {
    /// Rows affected.
    type Done = u64;

    async fn run(&self, connection: &mut PgConnection) -> Result<u64, Trouble> {
        let query = match self {
            Self::TakeOver {
                order,
                attempt,
                step,
                updated_ms,
                unless,
                from,
                to,
            } => sqlx::query(TAKE_OVER)
                .bind(to.0)
                .bind(*order.as_bytes())
                .bind(i64::from(*attempt))
                .bind(from.0)
                .bind(step.as_str())
                .bind(*updated_ms)
                .bind(*unless == Unless::Never)
                .bind(unless.beat()),
            Self::Beat(server) => sqlx::query(BEAT).bind(server.0),
            Self::Leave(server) => sqlx::query(LEAVE).bind(server.0),
            Self::Nudge(order) => sqlx::query(NUDGE).bind(*order.as_bytes()),
            Self::Felt(server, order) => sqlx::query(FELT).bind(server.0).bind(*order.as_bytes()),
        };
        Ok(query.execute(connection).await?.rows_affected())
    }
}

impl CheckoutStore for PostgresStore {
    fn is_shared(&self) -> bool {
        true
    }

    fn begin(&self, row: CheckoutRow) -> BoxFuture<'_, Result<Begun, StoreError>> {
        Box::pin(async move {
            Ok(match self.write_or_fail(Write::Begin(row)).await? {
                Written::Done => Begun::New,
                Written::Not => Begun::Exists,
            })
        })
    }

    fn record(&self, step: StepRow) -> BoxFuture<'_, Result<Recorded, StoreError>> {
        Box::pin(async move {
            Ok(match self.write_or_fail(Write::Record(step)).await? {
                Written::Done => Recorded::Done,
                Written::Not => Recorded::NotYours,
            })
        })
    }

    fn attempts(&self, order: OrderId) -> BoxFuture<'_, Result<Vec<CheckoutRow>, StoreError>> {
        Box::pin(async move {
            let query = || sqlx::query(ATTEMPTS).bind(*order.as_bytes());
            let rows = self.rows(query).await?;
            rows.iter().map(checkout).collect()
        })
    }

    fn orders_ending(&self, end: [u8; 6]) -> BoxFuture<'_, Result<Vec<OrderId>, StoreError>> {
        Box::pin(async move {
            let query = || sqlx::query(ORDERS_ENDING).bind(end);
            let rows = self.rows(query).await?;
            rows.iter()
                .map(|row| Ok(OrderId::from_bytes(fixed(row, "order_id")?)))
                .collect()
        })
    }

    fn by_commands(
        &self,
        commands: Vec<CommandId>,
    ) -> BoxFuture<'_, Result<Vec<CheckoutRow>, StoreError>> {
        Box::pin(async move {
            let ids: Vec<&[u8]> = commands.iter().map(|id| &id.as_bytes()[..]).collect();
            let query = || sqlx::query(BY_COMMANDS).bind(&ids);
            let rows = self.rows(query).await?;
            rows.iter().map(checkout).collect()
        })
    }

    fn by_fan(&self, fan: FanId) -> BoxFuture<'_, Result<Vec<CheckoutRow>, StoreError>> {
        Box::pin(async move {
            let query = || {
                sqlx::query(BY_FAN)
                    .bind(*fan.as_bytes())
                    .bind(i64::from(ORDERS_LISTED))
            };
            let rows = self.rows_to_show(query).await?;
            rows.iter().map(checkout).collect()
        })
    }

    fn unsettled(&self) -> BoxFuture<'_, Result<Vec<CheckoutRow>, StoreError>> {
        Box::pin(async move {
            let rows = self.rows(|| sqlx::query(UNSETTLED)).await?;
            rows.iter().map(checkout).collect()
        })
    }

    fn unsettled_of(
        &self,
        server: ServerId,
    ) -> BoxFuture<'_, Result<Vec<CheckoutRow>, StoreError>> {
        Box::pin(async move {
            let rows = self
                .rows(|| sqlx::query(UNSETTLED_OF).bind(server.0))
                .await?;
            rows.iter().map(checkout).collect()
        })
    }

    fn owners(&self) -> BoxFuture<'_, Result<Vec<Owner>, StoreError>> {
        Box::pin(async move {
            let rows = self.rows(|| sqlx::query(OWNERS)).await?;
            rows.iter()
                .map(|row| {
                    Ok(Owner {
                        server: ServerId(fixed(row, "owner")?),
                        beat: row.try_get("beat")?,
                    })
                })
                .collect()
        })
    }

    fn nudged(&self, server: ServerId) -> BoxFuture<'_, Result<Vec<OrderId>, StoreError>> {
        Box::pin(async move {
            let rows = self.rows(|| sqlx::query(NUDGED).bind(server.0)).await?;
            rows.iter()
                .map(|row| Ok(OrderId::from_bytes(fixed(row, "order_id")?)))
                .collect()
        })
    }

    fn change_owners(&self, change: Change) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(self.change(change))
    }

    fn live_tickets(&self, order: OrderId) -> BoxFuture<'_, Result<Vec<LiveTicket>, StoreError>> {
        Box::pin(async move {
            let query = || sqlx::query(TICKETS_OF_ORDER).bind(*order.as_bytes());
            let rows = self.rows_to_show(query).await?;
            rows.iter().map(ticket).collect()
        })
    }

    fn live_ticket(
        &self,
        ticket_id: TicketId,
    ) -> BoxFuture<'_, Result<Option<LiveTicket>, StoreError>> {
        Box::pin(async move {
            let query = || sqlx::query(TICKET).bind(*ticket_id.as_bytes());
            let row = self.row_to_show(query).await?;
            row.as_ref().map(ticket).transpose()
        })
    }
}

impl PostgresStore {
    /// How many tickets of each performance are live; performances with none are left out.
    pub async fn tickets_sold(&self) -> Result<HashMap<PerformanceId, u32>, StoreError> {
        let rows = self.rows_to_show(|| sqlx::query(TICKETS_SOLD)).await?;
        rows.iter()
            .map(|row| {
                let performance = PerformanceId::from_bytes(fixed(row, "performance_id")?);
                Ok((performance, number(row, "sold")?))
            })
            .collect()
    }
}

fn checkout(row: &PgRow) -> Result<CheckoutRow, StoreError> {
    Ok(CheckoutRow {
        order: OrderId::from_bytes(fixed(row, "order_id")?),
        attempt: number(row, "attempt")?,
        command: CommandId::from_bytes(fixed(row, "command_id")?),
        content: fixed(row, "content")?,
        performance: PerformanceId::from_bytes(fixed(row, "performance_id")?),
        hold: HoldId::from_bytes(fixed(row, "hold_id")?),
        fan: FanId::from_bytes(fixed(row, "fan_id")?),
        created_ms: row.try_get("created_ms")?,
        updated_ms: row.try_get("updated_ms")?,
        unsettled: row.try_get("unsettled")?,
        step: row.try_get("step")?,
        details: Arc::from(row.try_get::<&str, _>("details")?),
        owner: ServerId(fixed(row, "owner")?),
    })
}

fn ticket(row: &PgRow) -> Result<LiveTicket, StoreError> {
    Ok(LiveTicket {
        ticket: TicketId::from_bytes(fixed(row, "ticket_id")?),
        order: OrderId::from_bytes(fixed(row, "order_id")?),
        fan: FanId::from_bytes(fixed(row, "fan_id")?),
        performance: PerformanceId::from_bytes(fixed(row, "performance_id")?),
        place_key: row.try_get("place_key")?,
        area: some_number(row, "area")?,
        price_type: number(row, "price_type")?,
    })
}
