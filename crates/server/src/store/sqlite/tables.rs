//! A file as tables, for moving a whole site.

use super::SqliteStore;
use super::writer::{Write, WriteError};
use crate::store::error::StoreError;
use crate::store::tables::{Kind, MARK_HALF, Row, Table, TableStore, UNMARK_HALF, Value};
use futures_util::future::BoxFuture;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Row as _, Sqlite, SqliteConnection};
use std::convert::Infallible;

enum Copy {
    Rows(&'static Table, Vec<Row>),
    /// A statement without rows.
    Do(&'static str),
}

type Statement<'q> = Query<'q, Sqlite, SqliteArguments>;

fn bound<'q>(query: Statement<'q>, value: &Value) -> Statement<'q> {
    match value {
        Value::Bytes(bytes) => query.bind(bytes.clone()),
        Value::Integer(number) => query.bind(*number),
        Value::Text(text) => query.bind(text.clone()),
        Value::Flag(flag) => query.bind(*flag),
    }
}

impl Write for Copy {
    type Done = ();
    type Refusal = Infallible;

    async fn run(
        connection: &mut SqliteConnection,
        writes: &[Self],
    ) -> Result<Vec<()>, WriteError<Infallible>> {
        for write in writes {
            match write {
                Self::Rows(table, rows) => {
                    let insert = table.insert();
                    for row in rows {
                        let query = sqlx::query(AssertSqlSafe(insert.clone()));
                        let query = row.iter().fold(query, bound);
                        query.execute(&mut *connection).await?;
                    }
                }
                Self::Do(statement) => {
                    sqlx::query(*statement).execute(&mut *connection).await?;
                }
            }
        }
        Ok(vec![(); writes.len()])
    }
}

fn row_of(table: &Table, row: &SqliteRow) -> Result<Row, StoreError> {
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

impl SqliteStore {
    fn copied(&self, copy: Copy) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move { Ok(self.write(copy).await?) })
    }
}

impl TableStore for SqliteStore {
    fn count_rows(&self, table: &'static Table) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let query = sqlx::query(AssertSqlSafe(table.count()));
            let rows: i64 = query.fetch_one(self.reader()).await?.try_get("rows")?;
            Ok(rows.unsigned_abs())
        })
    }

    fn read_rows(
        &self,
        table: &'static Table,
        after: Option<Row>,
    ) -> BoxFuture<'_, Result<Vec<Row>, StoreError>> {
        Box::pin(async move {
            let query = sqlx::query(AssertSqlSafe(table.select(after.is_none())));
            let key = after.as_deref().map_or(&[][..], |row| table.key_of(row));
            let query = key.iter().fold(query, bound);
            let rows = query.fetch_all(self.reader()).await?;
            rows.iter().map(|row| row_of(table, row)).collect()
        })
    }

    fn write_rows(
        &self,
        table: &'static Table,
        rows: Vec<Row>,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        self.copied(Copy::Rows(table, rows))
    }

    fn begin_copy(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.copied(Copy::Do(MARK_HALF))
    }

    fn complete_copy(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }

    fn end_copy(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.copied(Copy::Do(UNMARK_HALF))
    }
}
