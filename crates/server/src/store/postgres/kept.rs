//! What is kept for a while, on PostgreSQL.

use super::PostgresStore;
use super::fault::Trouble;
use super::read::{as_i64, fixed, number};
use super::transaction::Work;
use crate::accounts::AccountId;
use crate::store::error::StoreError;
use crate::store::kept::{Change, Done, KeptStore, Notice, PayingRow};
use booking_core::{FanId, OrderId};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use sqlx::{PgConnection, Row as _};

const WRITE_LINE: &str = "INSERT INTO waiting_room_journal (seq, entry) VALUES ($1, $2)";
const LINES: &str = "SELECT seq, entry FROM waiting_room_journal ORDER BY seq";
const FORGET_LINES: &str = "DELETE FROM waiting_room_journal WHERE seq <= $1";
const BEGIN_PAYING: &str = "INSERT INTO waiting_room_paying \
     (order_id, fan_id, admission, admission_id) VALUES ($1, $2, $3, $4) \
     ON CONFLICT DO NOTHING";
const PAID_WITH: &str = "SELECT order_id FROM waiting_room_paying WHERE admission_id = $1";
const PAY_WITH_ANOTHER: &str = "UPDATE waiting_room_paying SET fan_id = $1, admission = $2, \
     admission_id = $3 WHERE order_id = $4";
const END_PAYING: &str = "DELETE FROM waiting_room_paying WHERE order_id = $1";
const PAYING: &str =
    "SELECT order_id, fan_id, admission, admission_id FROM waiting_room_paying ORDER BY order_id";
const NOTE_REGISTRATION: &str = "INSERT INTO account_notice (account_id, registrations, last_ms) \
     VALUES ($1, 1, $2) ON CONFLICT (account_id) DO UPDATE SET \
     registrations = account_notice.registrations + 1, \
     last_ms = greatest(account_notice.last_ms, excluded.last_ms)";
const TAKE_NOTICE: &str =
    "DELETE FROM account_notice WHERE account_id = $1 RETURNING registrations, last_ms";
const KEEP_THROTTLE: &str = "INSERT INTO account_throttle (one, bytes, kept_ms) VALUES (1, $1, $2) \
     ON CONFLICT (one) DO UPDATE SET bytes = excluded.bytes, kept_ms = excluded.kept_ms";
const OFFER_KEY: &str =
    "INSERT INTO site_key (name, digest) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
const REPLACE_KEY: &str = "INSERT INTO site_key (name, digest) VALUES ($1, $2) \
     ON CONFLICT (name) DO UPDATE SET digest = excluded.digest";
const KEY_DIGEST: &str = "SELECT digest FROM site_key WHERE name = $1";
const THROTTLE: &str = "SELECT bytes FROM account_throttle WHERE one = 1";

impl Work for Change {
    type Done = Done;

    async fn run(&self, connection: &mut PgConnection) -> Result<Done, Trouble> {
        make(connection, self).await
    }
}

async fn make(connection: &mut PgConnection, change: &Change) -> Result<Done, Trouble> {
    let query = match change {
        Change::WriteLine(seq, line) => sqlx::query(WRITE_LINE)
            .bind(as_i64(*seq))
            .bind(line.as_str()),
        Change::ForgetLines(up_to) => sqlx::query(FORGET_LINES).bind(as_i64(*up_to)),
        Change::BeginPaying(row) => return begin_paying(connection, row).await,
        Change::EndPaying(order) => sqlx::query(END_PAYING).bind(order.as_bytes().to_vec()),
        Change::NoteRegistration(account, at_ms) => sqlx::query(NOTE_REGISTRATION)
            .bind(account.as_bytes().to_vec())
            .bind(*at_ms),
        Change::TakeNotice(account) => return Ok(take(connection, *account).await?),
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
async fn begin_paying(connection: &mut PgConnection, row: &PayingRow) -> Result<Done, Trouble> {
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
    if let Some(other) = other.fetch_optional(&mut *connection).await? {
        let other = fixed(&other, "order_id").map_err(Trouble::Failed)?;
        let other = OrderId::from_bytes(other);
        if other != row.order {
            return Ok(Done::PaysFor(other));
        }
    }
    let changed = sqlx::query(PAY_WITH_ANOTHER)
        .bind(row.fan.as_bytes().to_vec())
        .bind(row.admission.as_str())
        .bind(admission_id)
        .bind(row.order.as_bytes().to_vec())
        .execute(connection)
        .await?;
    if changed.rows_affected() == 0 {
        // What was in the way a moment ago is over.
        let what = "an order was done at this moment".to_owned();
        return Err(Trouble::Again(StoreError::Unavailable(what)));
    }
    Ok(Done::Made)
}

async fn take(connection: &mut PgConnection, account: AccountId) -> Result<Done, sqlx::Error> {
    let query = sqlx::query(TAKE_NOTICE).bind(*account.as_bytes());
    let Some(row) = query.fetch_optional(connection).await? else {
        return Ok(Done::Made);
    };
    let registrations: i64 = row.try_get("registrations")?;
    Ok(Done::Taken(Notice {
        registrations: u32::try_from(registrations).unwrap_or(u32::MAX),
        last_ms: row.try_get("last_ms")?,
    }))
}

impl KeptStore for PostgresStore {
    fn change_kept(&self, change: Change) -> BoxFuture<'_, Result<Done, StoreError>> {
        Box::pin(self.change(change))
    }

    fn lines(&self) -> BoxFuture<'_, Result<Vec<(u64, String)>, StoreError>> {
        Box::pin(async {
            let rows = self.rows(|| sqlx::query(LINES)).await?;
            rows.iter()
                .map(|row| Ok((number(row, "seq")?, row.try_get("entry")?)))
                .collect()
        })
    }

    fn paying(&self) -> BoxFuture<'_, Result<Vec<PayingRow>, StoreError>> {
        Box::pin(async {
            let rows = self.rows(|| sqlx::query(PAYING)).await?;
            rows.iter()
                .map(|row| {
                    Ok(PayingRow {
                        order: OrderId::from_bytes(fixed(row, "order_id")?),
                        fan: FanId::from_bytes(fixed(row, "fan_id")?),
                        admission: row.try_get("admission")?,
                        admission_id: match row.try_get::<Option<&[u8]>, _>("admission_id")? {
                            Some(_) => Some(fixed(row, "admission_id")?),
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
            let row = self.row(|| sqlx::query(KEY_DIGEST).bind(name)).await?;
            row.map(|row| fixed(&row, "digest")).transpose()
        })
    }

    fn throttle(&self) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>> {
        Box::pin(async {
            let row = self.row(|| sqlx::query(THROTTLE)).await?;
            row.map(|row| {
                let bytes: Vec<u8> = row.try_get("bytes")?;
                Ok(bytes.into())
            })
            .transpose()
        })
    }
}
