//! A database as tables, for moving a whole site.

use super::PostgresStore;
use super::fault::Trouble;
use super::read::number;
use super::transaction::Work;
use crate::store::error::StoreError;
use crate::store::tables::{Kind, MARK_HALF, Row, Table, TableStore, UNMARK_HALF, Value};
use futures_util::future::BoxFuture;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Row as _};

/// Where each ledger ends.
const HEADS: &str = "INSERT INTO ledger_head (performance_id, seq, hash) \
     SELECT DISTINCT ON (performance_id) performance_id, seq, hash FROM ledger \
     ORDER BY performance_id, seq DESC";

enum Copy {
    Rows(&'static Table, Vec<Row>),
    /// A statement without rows.
    Do(&'static str),
}

type Statement<'q> = Query<'q, Postgres, PgArguments>;

/// Binds one column of all rows, as a list.
fn list<'q>(query: Statement<'q>, kind: Kind, rows: &[Row], at: usize) -> Statement<'q> {
    // A value of another kind than its column's cannot be: both are made from the same table.
    match kind {
        Kind::Bytes => query.bind(each(rows, at, |value| match value {
            Value::Bytes(bytes) => bytes.clone(),
            Value::Integer(_) | Value::Text(_) | Value::Flag(_) => None,
        })),
        Kind::Integer => query.bind(each(rows, at, |value| match value {
            Value::Integer(number) => *number,
            Value::Bytes(_) | Value::Text(_) | Value::Flag(_) => None,
        })),
        Kind::Text => query.bind(each(rows, at, |value| match value {
            Value::Text(text) => text.clone(),
            Value::Bytes(_) | Value::Integer(_) | Value::Flag(_) => None,
        })),
        Kind::Flag => query.bind(each(rows, at, |value| match value {
            Value::Flag(flag) => *flag,
            Value::Bytes(_) | Value::Integer(_) | Value::Text(_) => None,
        })),
    }
}

fn each<T>(rows: &[Row], at: usize, value: impl Fn(&Value) -> Option<T>) -> Vec<Option<T>> {
    rows.iter().map(|row| value(&row[at])).collect()
}

impl Work for Copy {
    type Done = ();

    async fn run(&self, connection: &mut PgConnection) -> Result<(), Trouble> {
        // It may take as long as it takes.
        let unlimited = "SET LOCAL statement_timeout = 0";
        sqlx::raw_sql(unlimited).execute(&mut *connection).await?;
        match self {
            Self::Do(statement) => {
                sqlx::query(*statement).execute(connection).await?;
            }
            Self::Rows(table, rows) => {
                let mut query = sqlx::query(AssertSqlSafe(table.insert_lists()));
                for (at, (_, kind)) in table.columns.iter().enumerate() {
                    query = list(query, *kind, rows, at);
                }
                query.execute(connection).await?;
            }
        }
        Ok(())
    }
}

fn row_of(table: &Table, row: &PgRow) -> Result<Row, StoreError> {
    table
        .columns
        .iter()
        .map(|(name, kind)| {
            Ok(match kind {
                Kind::Bytes => Value::Bytes(row.try_get(*name)?),
                Kind::Integer => Value::Integer(row.try_get(*name)?),
                Kind::Text => Value::Text(row.try_get(*name)?),
                Kind::Flag => Value::Flag(row.try_get(*name)?),
            })
        })
        .collect()
}

impl TableStore for PostgresStore {
    fn count_rows(&self, table: &'static Table) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let question = || sqlx::query(AssertSqlSafe(table.count()));
            number(&self.the_row(question).await?, "rows")
        })
    }

    fn read_rows(
        &self,
        table: &'static Table,
        after: Option<Row>,
    ) -> BoxFuture<'_, Result<Vec<Row>, StoreError>> {
        Box::pin(async move {
            let question = || {
                let query = sqlx::query(AssertSqlSafe(table.select(after.is_none())));
                let key = after.as_deref().map_or(&[][..], |row| table.key_of(row));
                key.iter().fold(query, |query, value| match value {
                    Value::Bytes(bytes) => query.bind(bytes.clone()),
                    Value::Integer(number) => query.bind(*number),
                    Value::Text(text) => query.bind(text.clone()),
                    Value::Flag(flag) => query.bind(*flag),
                })
            };
            let rows = self.rows(question).await?;
            rows.iter().map(|row| row_of(table, row)).collect()
        })
    }

    fn write_rows(
        &self,
        table: &'static Table,
        rows: Vec<Row>,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.change(Copy::Rows(table, rows)))
    }

    fn begin_copy(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.change(Copy::Do(MARK_HALF)))
    }

    fn complete_copy(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.change(Copy::Do(HEADS)))
    }

    fn end_copy(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.change(Copy::Do(UNMARK_HALF)))
    }
}
