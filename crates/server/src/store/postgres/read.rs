//! Reading: rows, again where a connection is lost, for a question may always be asked again; and
//! columns whose shape is known, telling a damaged one.

use super::PostgresStore;
use super::fault::Trouble;
use super::transaction::{LOOK_AGAIN, silent};
use crate::store::error::StoreError;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{PgPool, Postgres, Row as _};
use tokio::time::{Instant, sleep, timeout_at};

pub(super) type Question = Query<'static, Postgres, PgArguments>;

impl PostgresStore {
    /// What the database that is written to answers: the truth, which decisions may rest on.
    pub(super) async fn rows(
        &self,
        question: impl Fn() -> Question,
    ) -> Result<Vec<PgRow>, StoreError> {
        let deadline = Instant::now() + self.0.patience;
        loop {
            match self.ask(question(), deadline).await {
                Ok(rows) => return Ok(rows),
                Err(Trouble::Lost(_) | Trouble::Again(_)) if Instant::now() < deadline => {
                    sleep(LOOK_AGAIN).await;
                }
                Err(trouble) => return Err(trouble.into()),
            }
        }
    }

    /// The same of one row, where there is one.
    pub(super) async fn row(
        &self,
        question: impl Fn() -> Question,
    ) -> Result<Option<PgRow>, StoreError> {
        let mut rows = self.rows(question).await?;
        Ok(rows.pop())
    }

    /// The same of a row that is always there.
    pub(super) async fn the_row(
        &self,
        question: impl Fn() -> Question,
    ) -> Result<PgRow, StoreError> {
        let row = self.row(question).await?;
        row.ok_or_else(|| sqlx::Error::RowNotFound.into())
    }

    /// Asks once. The database breaks off what takes it too long, but behind a link that is cut
    /// nobody answers at all: this side looks at its own watch too.
    async fn ask(&self, question: Question, deadline: Instant) -> Result<Vec<PgRow>, Trouble> {
        let mut connection = match borrowed(&self.0.pool).await {
            Ok(connection) => connection,
            Err(sqlx::Error::PoolTimedOut) => {
                let what = "no connection became free in time".to_owned();
                return Err(Trouble::Failed(StoreError::Unavailable(what)));
            }
            Err(error) => return Err(error.into()),
        };
        let answer = timeout_at(deadline, question.fetch_all(&mut *connection)).await;
        match answer {
            Ok(rows) => Ok(rows?),
            Err(_) => {
                // Not for the next one: it may be in the middle of anything.
                drop(connection.detach());
                Err(Trouble::Lost(silent()))
            }
        }
    }
}

/// A connection out of a pool; how long it was waited for is counted.
pub(super) async fn borrowed(pool: &PgPool) -> Result<PoolConnection<Postgres>, sqlx::Error> {
    let since = Instant::now();
    let connection = pool.acquire().await;
    metrics::histogram!("onsale_store_pool_wait_seconds").record(since.elapsed().as_secs_f64());
    connection
}

/// Bytes of a known length, in the column whose name says what they are.
pub(super) fn fixed<const N: usize>(row: &PgRow, column: &str) -> Result<[u8; N], StoreError> {
    let bytes: &[u8] = row.try_get(column)?;
    bytes
        .try_into()
        .map_err(|_| StoreError::Damaged(format!("{column} of {} bytes, not {N}", bytes.len())))
}

/// A number that fits its type.
pub(super) fn number<T: TryFrom<i64>>(row: &PgRow, column: &str) -> Result<T, StoreError> {
    fits(row.try_get(column)?, column)
}

/// The same where there may be none.
pub(super) fn some_number<T: TryFrom<i64>>(
    row: &PgRow,
    column: &str,
) -> Result<Option<T>, StoreError> {
    let value: Option<i64> = row.try_get(column)?;
    value.map(|value| fits(value, column)).transpose()
}

fn fits<T: TryFrom<i64>>(value: i64, column: &str) -> Result<T, StoreError> {
    value
        .try_into()
        .map_err(|_| StoreError::Damaged(format!("{column} is {value}, out of range")))
}

/// A position or count as the database keeps it.
pub(super) fn as_i64(position: u64) -> i64 {
    // Positions count batches; 2^63 of them do not fit on any disk.
    i64::try_from(position).unwrap_or(i64::MAX)
}
