//! What is kept for a while, on SQLite.

use super::SqliteStore;
use super::read::named;
use super::writer::{Write, WriteError};
use crate::accounts::AccountId;
use crate::store::error::StoreError;
use crate::store::kept::{Change, Done, KeptStore, Notice, PayingRow};
use booking_core::{FanId, OrderId};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use std::convert::Infallible;

const WRITE_LINE: &str = "INSERT INTO waiting_room_journal (seq, entry) VALUES (?, ?)";
const LINES: &str = "SELECT seq, entry FROM waiting_room_journal ORDER BY seq";
const FORGET_LINES: &str = "DELETE FROM waiting_room_journal WHERE seq <= ?";
const BEGIN_PAYING: &str = "INSERT INTO waiting_room_paying \
     (order_id, fan_id, admission, admission_id) VALUES (?, ?, ?, ?) \
     ON CONFLICT DO NOTHING";
const PAID_WITH: &str = "SELECT order_id FROM waiting_room_paying WHERE admission_id = ?";
const PAY_WITH_ANOTHER: &str = "UPDATE waiting_room_paying SET fan_id = ?, admission = ?, \
     admission_id = ? WHERE order_id = ?";
const END_PAYING: &str = "DELETE FROM waiting_room_paying WHERE order_id = ?";
const PAYING: &str =
    "SELECT order_id, fan_id, admission, admission_id FROM waiting_room_paying ORDER BY order_id";
const NOTE_REGISTRATION: &str = "INSERT INTO account_notice (account_id, registrations, last_ms) \
     VALUES (?, 1, ?) ON CONFLICT (account_id) DO UPDATE SET \
     registrations = account_notice.registrations + 1, \
     last_ms = max(account_notice.last_ms, excluded.last_ms)";
const NOTICE: &str = "SELECT registrations, last_ms FROM account_notice WHERE account_id = ?";
const FORGET_NOTICE: &str = "DELETE FROM account_notice WHERE account_id = ?";
const KEEP_THROTTLE: &str = "INSERT INTO account_throttle (one, bytes, kept_ms) VALUES (1, ?, ?) \
     ON CONFLICT (one) DO UPDATE SET bytes = excluded.bytes, kept_ms = excluded.kept_ms";
const OFFER_KEY: &str =
    "INSERT INTO site_key (name, digest) VALUES (?, ?) ON CONFLICT (name) DO NOTHING";
const REPLACE_KEY: &str = "INSERT INTO site_key (name, digest) VALUES (?, ?) \
     ON CONFLICT (name) DO UPDATE SET digest = excluded.digest";
const KEY_DIGEST: &str = "SELECT digest FROM site_key WHERE name = ?";
const THROTTLE: &str = "SELECT bytes FROM account_throttle WHERE one = 1";

impl Write for Change {
    type Done = Done;
    type Refusal = Infallible;

    async fn run(
        connection: &mut SqliteConnection,
        writes: &[Self],
    ) -> Result<Vec<Done>, WriteError<Infallible>> {
        let mut done = Vec::with_capacity(writes.len());
        for write in writes {
            done.push(make(connection, write).await?);
        }
        Ok(done)
    }
}

async fn make(
    connection: &mut SqliteConnection,
    change: &Change,
) -> Result<Done, WriteError<Infallible>> {
    let query = match change {
        Change::WriteLine(seq, line) => sqlx::query(WRITE_LINE)
            .bind(number(*seq))
            .bind(line.as_str()),
        Change::ForgetLines(up_to) => sqlx::query(FORGET_LINES).bind(number(*up_to)),
        Change::BeginPaying(row) => return begin_paying(connection, row).await,
        Change::EndPaying(order) => sqlx::query(END_PAYING).bind(order.as_bytes().to_vec()),
        Change::NoteRegistration(account, at_ms) => sqlx::query(NOTE_REGISTRATION)
            .bind(account.as_bytes().to_vec())
            .bind(*at_ms),
        Change::TakeNotice(account) => return take(connection, *account).await,
        Change::OfferKey(name, digest) => sqlx::query(OFFER_KEY).bind(*name).bind(digest.to_vec()),
        Change::ReplaceKey(name, digest) => {
            sqlx::query(REPLACE_KEY).bind(*name).bind(digest.to_vec())
        }
        Change::KeepThrottle(bytes, at_ms) => {
            sqlx::query(KEEP_THROTTLE).bind(bytes.to_vec()).bind(*at_ms)
        }
    };
    query.execute(connection).await?;
    Ok(Done::Made)
}

/// An admission pays for one order, and an order is paid for with one admission: the last one.
async fn begin_paying(
    connection: &mut SqliteConnection,
    row: &PayingRow,
) -> Result<Done, WriteError<Infallible>> {
    let admission_id = row.admission_id.map(|id| id.to_vec());
    let begun = sqlx::query(BEGIN_PAYING)
        .bind(row.order.as_bytes().to_vec())
        .bind(row.fan.as_bytes().to_vec())
        .bind(row.admission.as_str())
        .bind(admission_id.clone());
    if begun.execute(&mut *connection).await?.rows_affected() > 0 {
        return Ok(Done::Made);
    }
    let other = sqlx::query(PAID_WITH).bind(admission_id.clone());
    let other = other.fetch_optional(&mut *connection).await?;
    let other = other.map(|row| id(&row, "order_id")).transpose()?;
    let other = other.map(OrderId::from_bytes);
    match other {
        Some(other) if other != row.order => return Ok(Done::PaysFor(other)),
        Some(_) | None => {}
    }
    sqlx::query(PAY_WITH_ANOTHER)
        .bind(row.fan.as_bytes().to_vec())
        .bind(row.admission.as_str())
        .bind(admission_id)
        .bind(row.order.as_bytes().to_vec())
        .execute(connection)
        .await?;
    Ok(Done::Made)
}

async fn take(
    connection: &mut SqliteConnection,
    account: AccountId,
) -> Result<Done, WriteError<Infallible>> {
    let row = sqlx::query(NOTICE).bind(account.as_bytes().to_vec());
    let Some(row) = row.fetch_optional(&mut *connection).await? else {
        return Ok(Done::Made);
    };
    let forget = sqlx::query(FORGET_NOTICE).bind(account.as_bytes().to_vec());
    forget.execute(connection).await?;
    let registrations: i64 = row.try_get("registrations")?;
    Ok(Done::Taken(Notice {
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

impl KeptStore for SqliteStore {
    fn change_kept(&self, change: Change) -> BoxFuture<'_, Result<Done, StoreError>> {
        Box::pin(async move { Ok(self.write(change).await?) })
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

    fn paying(&self) -> BoxFuture<'_, Result<Vec<PayingRow>, StoreError>> {
        Box::pin(async {
            let rows = sqlx::query(PAYING).fetch_all(self.reader()).await?;
            rows.iter()
                .map(|row| {
                    Ok(PayingRow {
                        order: OrderId::from_bytes(id(row, "order_id")?),
                        fan: FanId::from_bytes(id(row, "fan_id")?),
                        admission: row.try_get("admission")?,
                        admission_id: match row.try_get::<Option<&[u8]>, _>("admission_id")? {
                            Some(_) => Some(id(row, "admission_id")?),
                            None => None,
                        },
                    })
                })
                .collect()
        })
    }

    fn key_digest(
        &self,
        name: &'static str,
    ) -> BoxFuture<'_, Result<Option<[u8; 32]>, StoreError>> {
        Box::pin(async move {
            let row = sqlx::query(KEY_DIGEST).bind(name);
            let row = row.fetch_optional(self.reader()).await?;
            row.map(|row| named(&row, "digest")).transpose()
        })
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
