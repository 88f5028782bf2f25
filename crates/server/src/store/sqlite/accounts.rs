//! The accounts' side of the port on SQLite.

use super::SqliteStore;
use super::read::named;
use super::writer::{Write, WriteError};
use crate::accounts::{AccountId, TokenHash};
use crate::store::accounts::{ADOPTED_MOST, AccountRow, AccountStore, Begin, Change, SessionRow};
use crate::store::error::StoreError;
use booking_core::FanId;
use futures_util::future::BoxFuture;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use std::convert::Infallible;

const INSERT_ACCOUNT: &str = "INSERT INTO account (account_id, email, role, fan_id, password, \
     created_ms, password_ms, disabled_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?) \
     ON CONFLICT (email) DO NOTHING";
const SET_PASSWORD: &str = "UPDATE account SET password = ?, \
     password_ms = coalesce(?, password_ms) WHERE account_id = ? AND password = ?";
const SET_ROLE: &str = "UPDATE account SET role = ? WHERE account_id = ?";
const SET_DISABLED: &str = "UPDATE account SET disabled_ms = ? WHERE account_id = ?";
const INSERT_SESSION: &str = "INSERT INTO account_session (token_hash, account_id, created_ms, \
     seen_ms, expires_ms) VALUES (?, ?, ?, ?, ?)";
const ADOPT: &str = "INSERT INTO account_fan (fan_id, account_id, adopted_ms) VALUES (?, ?, ?) \
     ON CONFLICT (fan_id) DO NOTHING";
// A guest who bought nothing is of interest for as long as a hold can live, and no longer.
const FORGET_EMPTY_GUESTS: &str = "DELETE FROM account_fan WHERE account_id = ? AND adopted_ms < ? \
     AND NOT EXISTS (SELECT 1 FROM checkout WHERE checkout.fan_id = account_fan.fan_id)";
const COUNT_ORDERS: &str = "SELECT count(DISTINCT order_id) FROM checkout WHERE fan_id = ?";
const SEEN: &str = "UPDATE account_session SET seen_ms = ? WHERE token_hash = ? AND seen_ms < ?";
const END_SESSION: &str = "DELETE FROM account_session WHERE token_hash = ?";
const END_SESSIONS: &str = "DELETE FROM account_session WHERE account_id = ?";
const END_OTHER_SESSIONS: &str =
    "DELETE FROM account_session WHERE account_id = ? AND token_hash <> ?";
const FORGET_SESSIONS: &str = "DELETE FROM account_session WHERE expires_ms <= ?";

const BY_EMAIL: &str = "SELECT account_id, email, role, fan_id, password, created_ms, \
     password_ms, disabled_ms FROM account WHERE email = ?";
const BY_ID: &str = "SELECT account_id, email, role, fan_id, password, created_ms, password_ms, \
     disabled_ms FROM account WHERE account_id = ?";
const LIST: &str = "SELECT account_id, email, role, fan_id, password, created_ms, password_ms, \
     disabled_ms FROM account WHERE email > ? ORDER BY email LIMIT ?";
const SESSION: &str = "SELECT session.token_hash, session.created_ms AS begun_ms, \
     session.seen_ms, session.expires_ms, account.account_id, account.email, account.role, \
     account.fan_id, account.password, account.created_ms, account.password_ms, \
     account.disabled_ms FROM account_session AS session \
     JOIN account ON account.account_id = session.account_id WHERE session.token_hash = ?";
const COUNT_SESSIONS: &str =
    "SELECT count(*) FROM account_session WHERE account_id = ? AND expires_ms > ?";
const ADOPTED: &str = "SELECT fan_id FROM account_fan WHERE account_id = ? \
     ORDER BY adopted_ms DESC, fan_id LIMIT ?";
const ADOPTER: &str = "SELECT account_id FROM account_fan WHERE fan_id = ?";

/// How long a guest without orders stays adopted.
const EMPTY_GUEST_KEPT_MS: i64 = 24 * 60 * 60 * 1_000;

impl Write for Change {
    /// Rows affected; of a session begun, the orders that came with the guest.
    type Done = u64;
    type Refusal = Infallible;

    async fn run(
        connection: &mut SqliteConnection,
        writes: &[Self],
    ) -> Result<Vec<u64>, WriteError<Infallible>> {
        let mut done = Vec::with_capacity(writes.len());
        for write in writes {
            done.push(make(connection, write).await?);
        }
        Ok(done)
    }
}

fn blob<const N: usize>(bytes: &[u8; N]) -> Vec<u8> {
    bytes.to_vec()
}

async fn make(connection: &mut SqliteConnection, change: &Change) -> Result<u64, sqlx::Error> {
    let query = match change {
        Change::Add(row) => sqlx::query(INSERT_ACCOUNT)
            .bind(blob(row.id.as_bytes()))
            .bind(&row.email)
            .bind(row.role.code())
            .bind(blob(row.fan.as_bytes()))
            .bind(&row.password)
            .bind(row.created_ms)
            .bind(row.password_ms)
            .bind(row.disabled_ms),
        Change::Password {
            account,
            old,
            new,
            chosen_ms,
        } => sqlx::query(SET_PASSWORD)
            .bind(new)
            .bind(*chosen_ms)
            .bind(blob(account.as_bytes()))
            .bind(old),
        Change::Role(account, role) => {
            end_all(connection, *account, None).await?;
            sqlx::query(SET_ROLE)
                .bind(role.code())
                .bind(blob(account.as_bytes()))
        }
        Change::Disabled(account, disabled_ms) => {
            end_all(connection, *account, None).await?;
            sqlx::query(SET_DISABLED)
                .bind(*disabled_ms)
                .bind(blob(account.as_bytes()))
        }
        Change::Begin(begin) => return begin_session(connection, begin).await,
        Change::Seen(token, seen_ms) => sqlx::query(SEEN)
            .bind(*seen_ms)
            .bind(blob(&token.0))
            .bind(*seen_ms),
        Change::End(token) => sqlx::query(END_SESSION).bind(blob(&token.0)),
        Change::EndAll(account, except) => return end_all(connection, *account, *except).await,
        Change::Forget(now_ms) => sqlx::query(FORGET_SESSIONS).bind(*now_ms),
    };
    Ok(query.execute(connection).await?.rows_affected())
}

async fn end_all(
    connection: &mut SqliteConnection,
    account: AccountId,
    except: Option<TokenHash>,
) -> Result<u64, sqlx::Error> {
    let query = match except {
        None => sqlx::query(END_SESSIONS).bind(blob(account.as_bytes())),
        Some(token) => sqlx::query(END_OTHER_SESSIONS)
            .bind(blob(account.as_bytes()))
            .bind(blob(&token.0)),
    };
    Ok(query.execute(connection).await?.rows_affected())
}

async fn begin_session(
    connection: &mut SqliteConnection,
    begin: &Begin,
) -> Result<u64, sqlx::Error> {
    let session = &begin.session;
    if let Some(token) = begin.replaces {
        let query = sqlx::query(END_SESSION).bind(blob(&token.0));
        query.execute(&mut *connection).await?;
    }
    sqlx::query(INSERT_SESSION)
        .bind(blob(&session.token.0))
        .bind(blob(session.account.as_bytes()))
        .bind(session.created_ms)
        .bind(session.seen_ms)
        .bind(session.expires_ms)
        .execute(&mut *connection)
        .await?;
    let Some(guest) = begin.adopts else {
        return Ok(0);
    };
    sqlx::query(FORGET_EMPTY_GUESTS)
        .bind(blob(session.account.as_bytes()))
        .bind(session.created_ms - EMPTY_GUEST_KEPT_MS)
        .execute(&mut *connection)
        .await?;
    let adopted = sqlx::query(ADOPT)
        .bind(blob(guest.as_bytes()))
        .bind(blob(session.account.as_bytes()))
        .bind(session.created_ms)
        .execute(&mut *connection)
        .await?;
    if adopted.rows_affected() == 0 {
        return Ok(0);
    }
    let orders: i64 = sqlx::query_scalar(COUNT_ORDERS)
        .bind(blob(guest.as_bytes()))
        .fetch_one(connection)
        .await?;
    Ok(orders.unsigned_abs())
}

fn account(row: &SqliteRow) -> Result<AccountRow, StoreError> {
    Ok(AccountRow {
        id: AccountId::from_bytes(named(row, "account_id")?),
        email: row.try_get("email")?,
        role: row
            .try_get::<&str, _>("role")?
            .parse()
            .map_err(|_| StoreError::Damaged("role is none we know".to_owned()))?,
        fan: FanId::from_bytes(named(row, "fan_id")?),
        password: row.try_get("password")?,
        created_ms: row.try_get("created_ms")?,
        password_ms: row.try_get("password_ms")?,
        disabled_ms: row.try_get("disabled_ms")?,
    })
}

impl AccountStore for SqliteStore {
    fn change_accounts(&self, change: Change) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move { Ok(self.write(change).await?) })
    }

    fn account(&self, id: AccountId) -> BoxFuture<'_, Result<Option<AccountRow>, StoreError>> {
        Box::pin(async move {
            let query = sqlx::query(BY_ID).bind(blob(id.as_bytes()));
            let row = query.fetch_optional(self.reader()).await?;
            row.as_ref().map(account).transpose()
        })
    }

    fn account_by_email<'a>(
        &'a self,
        email: &'a str,
    ) -> BoxFuture<'a, Result<Option<AccountRow>, StoreError>> {
        Box::pin(async move {
            let query = sqlx::query(BY_EMAIL).bind(email);
            let row = query.fetch_optional(self.reader()).await?;
            row.as_ref().map(account).transpose()
        })
    }

    fn accounts<'a>(
        &'a self,
        after: &'a str,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<AccountRow>, StoreError>> {
        Box::pin(async move {
            let query = sqlx::query(LIST).bind(after).bind(limit);
            let rows = query.fetch_all(self.reader()).await?;
            rows.iter().map(account).collect()
        })
    }

    fn session(
        &self,
        token: TokenHash,
    ) -> BoxFuture<'_, Result<Option<(SessionRow, AccountRow)>, StoreError>> {
        Box::pin(async move {
            let query = sqlx::query(SESSION).bind(blob(&token.0));
            let Some(row) = query.fetch_optional(self.reader()).await? else {
                return Ok(None);
            };
            let account = account(&row)?;
            let session = SessionRow {
                token,
                account: account.id,
                created_ms: row.try_get("begun_ms")?,
                seen_ms: row.try_get("seen_ms")?,
                expires_ms: row.try_get("expires_ms")?,
            };
            Ok(Some((session, account)))
        })
    }

    fn count_sessions(
        &self,
        account: AccountId,
        now_ms: i64,
    ) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let count: i64 = sqlx::query_scalar(COUNT_SESSIONS)
                .bind(blob(account.as_bytes()))
                .bind(now_ms)
                .fetch_one(self.reader())
                .await?;
            Ok(count.unsigned_abs())
        })
    }

    fn adopted(&self, account: AccountId) -> BoxFuture<'_, Result<Vec<FanId>, StoreError>> {
        Box::pin(async move {
            let query = sqlx::query(ADOPTED)
                .bind(blob(account.as_bytes()))
                .bind(ADOPTED_MOST);
            let rows = query.fetch_all(self.reader()).await?;
            rows.iter()
                .map(|row| Ok(FanId::from_bytes(named(row, "fan_id")?)))
                .collect()
        })
    }

    fn adopter(&self, guest: FanId) -> BoxFuture<'_, Result<Option<AccountId>, StoreError>> {
        Box::pin(async move {
            let query = sqlx::query(ADOPTER).bind(blob(guest.as_bytes()));
            let row = query.fetch_optional(self.reader()).await?;
            row.map(|row| Ok(AccountId::from_bytes(named(&row, "account_id")?)))
                .transpose()
        })
    }
}
