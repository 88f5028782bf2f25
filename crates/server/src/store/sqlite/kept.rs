//! What is kept for a while, on SQLite.

use super::SqliteStore;
use super::writer::{Write, WriteError};
use crate::accounts::AccountId;
use crate::store::error::StoreError;
use crate::store::kept::{KeptStore, Notice, PayingRow};
use booking_core::{FanId, OrderId};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use std::convert::Infallible;

const WRITE_LINE: &str = "INSERT INTO waiting_room_journal (seq, entry) VALUES (?, ?)";
const LINES: &str = "SELECT seq, entry FROM waiting_room_journal ORDER BY seq";
const FORGET_LINES: &str = "DELETE FROM waiting_room_journal WHERE seq <= ?";
const BEGIN_PAYING: &str = "INSERT INTO waiting_room_paying (order_id, fan_id, admission) \
     VALUES (?, ?, ?) ON CONFLICT (order_id) DO UPDATE SET fan_id = excluded.fan_id, \
     admission = excluded.admission";
const END_PAYING: &str = "DELETE FROM waiting_room_paying WHERE order_id = ?";
const PAYING: &str =
    "SELECT order_id, fan_id, admission FROM waiting_room_paying ORDER BY order_id";
const NOTE_REGISTRATION: &str = "INSERT INTO account_notice (account_id, registrations, last_ms) \
     VALUES (?, 1, ?) ON CONFLICT (account_id) DO UPDATE SET \
     registrations = account_notice.registrations + 1, \
     last_ms = max(account_notice.last_ms, excluded.last_ms)";
const NOTICE: &str = "SELECT registrations, last_ms FROM account_notice WHERE account_id = ?";
const FORGET_NOTICE: &str = "DELETE FROM account_notice WHERE account_id = ?";
const KEEP_THROTTLE: &str = "INSERT INTO account_throttle (one, bytes, kept_ms) VALUES (1, ?, ?) \
     ON CONFLICT (one) DO UPDATE SET bytes = excluded.bytes, kept_ms = excluded.kept_ms";
const THROTTLE: &str = "SELECT bytes FROM account_throttle WHERE one = 1";

enum Change {
    WriteLine(i64, String),
    ForgetLines(i64),
    BeginPaying(PayingRow),
    EndPaying(OrderId),
    NoteRegistration(AccountId, i64),
    TakeNotice(AccountId),
    KeepThrottle(Bytes, i64),
}

impl Write for Change {
    /// A notice that was taken.
    type Done = Option<Notice>;
    type Refusal = Infallible;

    async fn run(
        connection: &mut SqliteConnection,
        writes: &[Self],
    ) -> Result<Vec<Option<Notice>>, WriteError<Infallible>> {
        let mut done = Vec::with_capacity(writes.len());
        for write in writes {
            done.push(write.make(connection).await?);
        }
        Ok(done)
    }
}

impl Change {
    async fn make(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<Option<Notice>, WriteError<Infallible>> {
        let query = match self {
            Self::WriteLine(seq, line) => sqlx::query(WRITE_LINE).bind(*seq).bind(line.as_str()),
            Self::ForgetLines(up_to) => sqlx::query(FORGET_LINES).bind(*up_to),
            Self::BeginPaying(row) => sqlx::query(BEGIN_PAYING)
                .bind(row.order.as_bytes().to_vec())
                .bind(row.fan.as_bytes().to_vec())
                .bind(row.admission.as_str()),
            Self::EndPaying(order) => sqlx::query(END_PAYING).bind(order.as_bytes().to_vec()),
            Self::NoteRegistration(account, at_ms) => sqlx::query(NOTE_REGISTRATION)
                .bind(account.as_bytes().to_vec())
                .bind(*at_ms),
            Self::TakeNotice(account) => return take(connection, *account).await,
            Self::KeepThrottle(bytes, at_ms) => {
                sqlx::query(KEEP_THROTTLE).bind(bytes.to_vec()).bind(*at_ms)
            }
        };
        query.execute(connection).await?;
        Ok(None)
    }
}

async fn take(
    connection: &mut SqliteConnection,
    account: AccountId,
) -> Result<Option<Notice>, WriteError<Infallible>> {
    let row = sqlx::query(NOTICE).bind(account.as_bytes().to_vec());
    let Some(row) = row.fetch_optional(&mut *connection).await? else {
        return Ok(None);
    };
    let forget = sqlx::query(FORGET_NOTICE).bind(account.as_bytes().to_vec());
    forget.execute(connection).await?;
    let registrations: i64 = row.try_get("registrations")?;
    Ok(Some(Notice {
        registrations: u32::try_from(registrations).unwrap_or(u32::MAX),
        last_ms: row.try_get("last_ms")?,
    }))
}

fn id(row: &SqliteRow, column: &str) -> Result<[u8; 16], StoreError> {
    let bytes: &[u8] = row.try_get(column)?;
    bytes
        .try_into()
        .map_err(|_| StoreError::Damaged(format!("waiting_room_paying: {column} is not 16 bytes")))
}

/// Numbers of lines count up from 1, one at a time.
fn number(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

impl SqliteStore {
    async fn keep(&self, change: Change) -> Result<Option<Notice>, StoreError> {
        self.write(change).await.map_err(|error| match error {
            WriteError::Refused(never) => match never {},
            WriteError::Store(error) => error,
        })
    }

    fn kept(&self, change: Change) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move { self.keep(change).await.map(drop) })
    }
}

impl KeptStore for SqliteStore {
    fn write_line(&self, seq: u64, line: String) -> BoxFuture<'_, Result<(), StoreError>> {
        self.kept(Change::WriteLine(number(seq), line))
    }

    fn lines(&self) -> BoxFuture<'_, Result<Vec<(u64, String)>, StoreError>> {
        Box::pin(async {
            let rows = sqlx::query(LINES).fetch_all(self.reader()).await?;
            rows.iter()
                .map(|row| {
                    let seq: i64 = row.try_get("seq")?;
                    Ok((seq.unsigned_abs(), row.try_get("entry")?))
                })
                .collect()
        })
    }

    fn forget_lines(&self, up_to: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        self.kept(Change::ForgetLines(number(up_to)))
    }

    fn begin_paying(&self, row: PayingRow) -> BoxFuture<'_, Result<(), StoreError>> {
        self.kept(Change::BeginPaying(row))
    }

    fn end_paying(&self, order: OrderId) -> BoxFuture<'_, Result<(), StoreError>> {
        self.kept(Change::EndPaying(order))
    }

    fn paying(&self) -> BoxFuture<'_, Result<Vec<PayingRow>, StoreError>> {
        Box::pin(async {
            let rows = sqlx::query(PAYING).fetch_all(self.reader()).await?;
            rows.iter()
                .map(|row| {
                    Ok(PayingRow {
                        order: OrderId::from_bytes(id(row, "order_id")?),
                        fan: FanId::from_bytes(id(row, "fan_id")?),
                        admission: row.try_get("admission")?,
                    })
                })
                .collect()
        })
    }

    fn note_registration(
        &self,
        account: AccountId,
        at_ms: i64,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        self.kept(Change::NoteRegistration(account, at_ms))
    }

    fn take_notice(&self, account: AccountId) -> BoxFuture<'_, Result<Option<Notice>, StoreError>> {
        Box::pin(self.keep(Change::TakeNotice(account)))
    }

    fn keep_throttle(&self, bytes: Bytes, at_ms: i64) -> BoxFuture<'_, Result<(), StoreError>> {
        self.kept(Change::KeepThrottle(bytes, at_ms))
    }

    fn throttle(&self) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>> {
        Box::pin(async {
            let row = sqlx::query(THROTTLE).fetch_optional(self.reader()).await?;
            row.map(|row| {
                let bytes: Vec<u8> = row.try_get("bytes")?;
                Ok(bytes.into())
            })
            .transpose()
        })
    }
}
