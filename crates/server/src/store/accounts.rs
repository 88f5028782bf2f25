//! The accounts' side of the port: who may sign in, where they are signed in, and which guests
//! they were before.
//!
//! Each method is one transaction. Times and ids are given, never made here.

use super::error::StoreError;
use crate::accounts::{AccountId, Role, TokenHash};
use booking_core::FanId;
use futures_util::future::BoxFuture;

/// Most guests of one account that are looked up: those adopted last.
pub const ADOPTED_MOST: u32 = 64;

/// An account.
#[derive(Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// Its id.
    pub id: AccountId,
    /// In lower case; no two accounts have the same.
    pub email: String,
    /// What it may do.
    pub role: Role,
    /// Whose its holds and orders are.
    pub fan: FanId,
    /// PHC string.
    pub password: String,
    /// When it was made.
    pub created_ms: i64,
    /// When the password was chosen.
    pub password_ms: i64,
    /// When it was shut, where it is.
    pub disabled_ms: Option<i64>,
}

// By hand: a hash in a log is a hash to try passwords on.
impl std::fmt::Debug for AccountRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountRow")
            .field("id", &self.id)
            .field("role", &self.role)
            .field("disabled_ms", &self.disabled_ms)
            .finish_non_exhaustive()
    }
}

/// Where somebody is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Of its token.
    pub token: TokenHash,
    /// Who.
    pub account: AccountId,
    /// When they signed in.
    pub created_ms: i64,
    /// When they were last seen, roughly.
    pub seen_ms: i64,
    /// When it ends however often they are seen.
    pub expires_ms: i64,
}

/// Whether an account was new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It was, and is there now.
    New,
    /// Somebody has that address. Nothing was written.
    Exists,
}

/// A session to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begin {
    /// The session.
    pub session: SessionRow,
    /// The one this browser had before, which ends.
    pub replaces: Option<TokenHash>,
    /// The guest this browser was before.
    pub adopts: Option<FanId>,
}

/// One change to what is kept of accounts. It has no `Debug`, for it carries hashes.
pub enum Change {
    /// See [`AccountStore::add_account`].
    Add(AccountRow),
    /// See [`AccountStore::set_password`].
    Password {
        /// Whose.
        account: AccountId,
        /// The hash that must be there.
        old: String,
        /// The one that takes its place.
        new: String,
        /// When another password was chosen; `None`: it is the same one.
        chosen_ms: Option<i64>,
    },
    /// See [`AccountStore::set_role`].
    Role(AccountId, Role),
    /// See [`AccountStore::set_disabled`].
    Disabled(AccountId, Option<i64>),
    /// See [`AccountStore::begin_session`].
    Begin(Begin),
    /// See [`AccountStore::seen`].
    Seen(TokenHash, i64),
    /// See [`AccountStore::end_session`].
    End(TokenHash),
    /// See [`AccountStore::end_sessions`].
    EndAll(AccountId, Option<TokenHash>),
    /// See [`AccountStore::forget_sessions`].
    Forget(i64),
}

/// What accounts ask of a database: one way to change it, and questions.
pub trait AccountStore: Send + Sync + 'static {
    /// Makes one change, all of it or nothing. How many rows it affected; of a session begun, the
    /// orders that came with the guest.
    fn change_accounts(&self, change: Change) -> BoxFuture<'_, Result<u64, StoreError>>;

    /// Writes a new account, unless its address is somebody's.
    fn add_account(&self, row: AccountRow) -> BoxFuture<'_, Result<Added, StoreError>> {
        Box::pin(async move {
            Ok(match self.change_accounts(Change::Add(row)).await? {
                0 => Added::Exists,
                _ => Added::New,
            })
        })
    }
    /// An account.
    fn account(&self, id: AccountId) -> BoxFuture<'_, Result<Option<AccountRow>, StoreError>>;
    /// The account of an address in lower case.
    fn account_by_email<'a>(
        &'a self,
        email: &'a str,
    ) -> BoxFuture<'a, Result<Option<AccountRow>, StoreError>>;
    /// At most `limit` accounts whose address comes after `after`, by address.
    fn accounts<'a>(
        &'a self,
        after: &'a str,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<AccountRow>, StoreError>>;
    /// Replaces the hash `old` by `new`: the same password at another cost, or (`chosen_ms`)
    /// another password. `false`: the hash is not `old` any more, and nothing was written.
    fn set_password(
        &self,
        account: AccountId,
        old: String,
        new: String,
        chosen_ms: Option<i64>,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        let change = Change::Password {
            account,
            old,
            new,
            chosen_ms,
        };
        Box::pin(async move { Ok(self.change_accounts(change).await? != 0) })
    }
    /// Gives another role and ends every session. `false`: no such account.
    fn set_role(&self, account: AccountId, role: Role) -> BoxFuture<'_, Result<bool, StoreError>> {
        let change = Change::Role(account, role);
        Box::pin(async move { Ok(self.change_accounts(change).await? != 0) })
    }
    /// Shuts an account and ends every session, or (`None`) lets it in again. `false`: no such
    /// account.
    fn set_disabled(
        &self,
        account: AccountId,
        disabled_ms: Option<i64>,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        let change = Change::Disabled(account, disabled_ms);
        Box::pin(async move { Ok(self.change_accounts(change).await? != 0) })
    }

    /// Begins a session, ends the one it replaces and adopts the guest, unless another account has.
    /// How many orders came with the guest.
    fn begin_session(&self, begin: Begin) -> BoxFuture<'_, Result<u32, StoreError>> {
        Box::pin(async move {
            let orders = self.change_accounts(Change::Begin(begin)).await?;
            Ok(u32::try_from(orders).unwrap_or(u32::MAX))
        })
    }
    /// A session with its account.
    fn session(
        &self,
        token: TokenHash,
    ) -> BoxFuture<'_, Result<Option<(SessionRow, AccountRow)>, StoreError>>;
    /// Somebody was seen; never moves back.
    fn seen(&self, token: TokenHash, seen_ms: i64) -> BoxFuture<'_, Result<(), StoreError>> {
        let change = Change::Seen(token, seen_ms);
        Box::pin(async move { self.change_accounts(change).await.map(drop) })
    }
    /// Ends one session, where it is there.
    fn end_session(&self, token: TokenHash) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move { self.change_accounts(Change::End(token)).await.map(drop) })
    }
    /// Ends every session of an account but `except`. How many there were.
    fn end_sessions(
        &self,
        account: AccountId,
        except: Option<TokenHash>,
    ) -> BoxFuture<'_, Result<u64, StoreError>> {
        self.change_accounts(Change::EndAll(account, except))
    }
    /// How many sessions of an account have not ended by `now_ms`.
    fn count_sessions(
        &self,
        account: AccountId,
        now_ms: i64,
    ) -> BoxFuture<'_, Result<u64, StoreError>>;
    /// Forgets sessions that ended before `now_ms`. How many there were.
    fn forget_sessions(&self, now_ms: i64) -> BoxFuture<'_, Result<u64, StoreError>> {
        self.change_accounts(Change::Forget(now_ms))
    }

    /// The guests an account has adopted, last first, at most [`ADOPTED_MOST`].
    fn adopted(&self, account: AccountId) -> BoxFuture<'_, Result<Vec<FanId>, StoreError>>;
    /// The account that has adopted a guest.
    fn adopter(&self, guest: FanId) -> BoxFuture<'_, Result<Option<AccountId>, StoreError>>;
}
