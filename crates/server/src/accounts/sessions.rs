//! Where people are signed in: sessions as rows, and what this process remembers of them.
//!
//! **Invariants:** a session that this process has ended opens nothing from the next request on,
//! one that another process has ended within [`BELIEVED_MS`]; what is remembered is bounded.

use super::{Account, AccountsError, Token, TokenHash};
use crate::clock::Clock;
use crate::store::accounts::{AccountRow, AccountStore, Begin, SessionRow};
use booking_core::FanId;
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// How long a session is believed without looking: within that, every process has heard of an end.
pub const BELIEVED_MS: i64 = 5_000;
/// Most sessions that are remembered.
pub const REMEMBERED_MOST: usize = 20_000;
/// How old the note of when somebody was last seen may get before it is written anew.
const SEEN_WRITTEN_MS: i64 = 5 * MINUTE_MS;
/// How often sessions whose time is over are forgotten, by the way, when somebody signs in.
const FORGOTTEN_EVERY_MS: i64 = 60 * MINUTE_MS;

/// How long sessions last: unused, and at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Unused.
    pub idle_ms: i64,
    /// At most.
    pub whole_ms: i64,
}

/// Of those who buy.
pub const FANS: Lifetimes = Lifetimes {
    idle_ms: 30 * DAY_MS,
    whole_ms: 180 * DAY_MS,
};
/// Of those who work here.
pub const STAFF: Lifetimes = Lifetimes {
    idle_ms: DAY_MS / 2,
    whole_ms: 7 * DAY_MS,
};

impl Lifetimes {
    /// Of an account's sessions.
    #[must_use]
    pub fn of(account: &AccountRow) -> Self {
        if account.role.is_staff() { STAFF } else { FANS }
    }

    fn has_ended(self, session: &SessionRow, now_ms: i64) -> bool {
        now_ms >= session.expires_ms || now_ms >= session.seen_ms.saturating_add(self.idle_ms)
    }
}

struct Remembered {
    account: Arc<Account>,
    session: SessionRow,
    lifetimes: Lifetimes,
    looked_ms: i64,
}

/// Sessions, as they are asked for by every request that shows one.
pub(super) struct Sessions {
    store: Arc<dyn AccountStore>,
    clock: Clock,
    remembered: Mutex<HashMap<TokenHash, Remembered>>,
    forgotten_ms: AtomicI64,
}

/// A session that has just begun.
#[derive(Debug)]
pub struct Begun {
    /// For the cookie.
    pub token: Token,
    /// How long the cookie is kept.
    pub lasts_ms: i64,
    /// Orders that came with the guest this browser was before.
    pub adopted_orders: u32,
}

impl Sessions {
    pub(super) fn new(store: Arc<dyn AccountStore>, clock: Clock) -> Self {
        Self {
            store,
            clock,
            remembered: Mutex::default(),
            forgotten_ms: AtomicI64::new(i64::MIN),
        }
    }

    fn remembered(&self) -> MutexGuard<'_, HashMap<TokenHash, Remembered>> {
        self.remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Always a new token: one that was there before the sign-in opens nothing after it.
    pub(super) async fn begin(
        &self,
        account: &AccountRow,
        replaces: Option<TokenHash>,
        adopts: Option<FanId>,
    ) -> Result<Begun, AccountsError> {
        let token = Token::new();
        let now_ms = self.clock.now_ms();
        let lasts_ms = Lifetimes::of(account).whole_ms;
        let session = SessionRow {
            token: token.hash(),
            account: account.id,
            created_ms: now_ms,
            seen_ms: now_ms,
            expires_ms: now_ms.saturating_add(lasts_ms),
        };
        let begin = Begin {
            session,
            replaces,
            adopts,
        };
        let adopted_orders = self.store.begin_session(begin).await?;
        self.forget_ended(now_ms).await?;
        // The account's other sessions must hear of the guest it has adopted.
        self.forget(account, replaces);
        Ok(Begun {
            token,
            lasts_ms,
            adopted_orders,
        })
    }

    async fn forget_ended(&self, now_ms: i64) -> Result<(), AccountsError> {
        let before_ms = self.forgotten_ms.load(Ordering::Relaxed);
        if now_ms.saturating_sub(before_ms) >= FORGOTTEN_EVERY_MS {
            self.forgotten_ms.store(now_ms, Ordering::Relaxed);
            let ended = self.store.forget_sessions(now_ms).await?;
            tracing::debug!(ended, "sessions whose time is over are forgotten");
        }
        Ok(())
    }

    fn forget(&self, account: &AccountRow, token: Option<TokenHash>) {
        self.remembered()
            .retain(|known, one| one.account.id != account.id && Some(*known) != token);
    }

    /// Who is signed in under this token.
    pub(super) async fn find(
        &self,
        token: TokenHash,
    ) -> Result<Option<Arc<Account>>, AccountsError> {
        let now_ms = self.clock.now_ms();
        if let Some(one) = self.remembered().get(&token)
            && (0..BELIEVED_MS).contains(&(now_ms - one.looked_ms))
            && !one.lifetimes.has_ended(&one.session, now_ms)
        {
            return Ok(Some(Arc::clone(&one.account)));
        }
        let found = self.store.session(token).await?;
        let Some((session, row)) = found else {
            self.remembered().remove(&token);
            return Ok(None);
        };
        let lifetimes = Lifetimes::of(&row);
        if lifetimes.has_ended(&session, now_ms) || row.disabled_ms.is_some() {
            self.remembered().remove(&token);
            self.store.end_session(token).await?;
            return Ok(None);
        }
        if now_ms.saturating_sub(session.seen_ms) >= SEEN_WRITTEN_MS {
            self.store.seen(token, now_ms).await?;
        }
        let adopted = self.store.adopted(row.id).await?;
        let account = Arc::new(Account::new(&row, token, adopted));
        let mut remembered = self.remembered();
        if remembered.len() >= REMEMBERED_MOST {
            remembered.retain(|_, one| (0..BELIEVED_MS).contains(&(now_ms - one.looked_ms)));
            if remembered.len() >= REMEMBERED_MOST {
                remembered.clear();
            }
        }
        remembered.insert(
            token,
            Remembered {
                account: Arc::clone(&account),
                session: SessionRow {
                    seen_ms: session.seen_ms.max(now_ms),
                    ..session
                },
                lifetimes,
                looked_ms: now_ms,
            },
        );
        Ok(Some(account))
    }

    /// Ends one session.
    pub(super) async fn end(&self, token: TokenHash) -> Result<(), AccountsError> {
        self.store.end_session(token).await?;
        self.remembered().remove(&token);
        Ok(())
    }

    /// Ends every session of an account but `except`.
    pub(super) async fn end_all(
        &self,
        account: super::AccountId,
        except: Option<TokenHash>,
    ) -> Result<u64, AccountsError> {
        let ended = self.store.end_sessions(account, except).await?;
        self.forget_account(account);
        Ok(ended)
    }

    /// The next request of each of an account's sessions looks anew.
    pub(super) fn forget_account(&self, account: super::AccountId) {
        self.remembered().retain(|_, one| one.account.id != account);
    }
}
