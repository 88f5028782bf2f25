//! Accounts: who may sign in, as what, and whose orders are whose.
//!
//! | module | what it is for |
//! |---|---|
//! | [`role`] | what an account may do |
//! | [`password`] | which passwords are accepted; argon2id, bounded and off the serving threads |
//! | [`token`] | the session's secret and the mark of a known device |
//! | [`sessions`] | where people are signed in |
//! | [`throttle`] | slows guessing down without locking anybody out |
//! | `kept` | what of that outlives a restart; who tried to register with an address that is taken |
//!
//! A guest *is* their cookie (ADR 3). An account has a fan id of its own and adopts the guests it
//! was before (ADR 11): their orders stay theirs in the ledger and are the account's to see.
//!
//! **Invariants:** what a sign-in answers, and the work it takes, does not tell whether an address
//! has an account; a password or token is never stored, logged or printed, but for the password
//! that a tool has just generated.

mod kept;
pub mod password;
pub mod role;
pub mod sessions;
pub mod throttle;
pub mod token;

pub use password::{HashCost, Password};
pub use role::Role;
pub use sessions::Begun;
pub use token::{DeviceKey, Token, TokenHash};

use crate::clock::{Clock, random_bytes};
use crate::store::StoreError;
use crate::store::accounts::{AccountRow, AccountStore, Added};
use crate::store::kept::{KeptStore, Notice};
use booking_core::FanId;
use password::{Checked, Passwords, TooMany};
use sessions::Sessions;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use throttle::{Throttle, Verdict};
use token::Device;
use tokio::sync::Semaphore;
use uuid::Uuid;

/// Most attempts that are being delayed at once; more are told to come back.
pub const DELAYED_MOST: usize = 1_024;

/// An account's id.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct AccountId(Uuid);

impl AccountId {
    /// One that nobody has.
    #[must_use]
    pub fn new() -> Self {
        Self(uuid::Builder::from_random_bytes(random_bytes()).into_uuid())
    }
    /// From its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
    /// From a number, for tests.
    #[must_use]
    pub const fn from_u128(number: u128) -> Self {
        Self(Uuid::from_u128(number))
    }
    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl Default for AccountId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An e-mail address, in lower case: one address is one account, however it is typed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Email(String);

/// Not an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not an e-mail address; one looks like name@example.org")]
pub struct NotAnEmail;

impl Email {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Email {
    type Err = NotAnEmail;
    fn from_str(text: &str) -> Result<Self, NotAnEmail> {
        let text = text.trim();
        if crate::checkout::is_email(text) {
            Ok(Self(text.to_lowercase()))
        } else {
            Err(NotAnEmail)
        }
    }
}

/// Who is signed in, as a request meets them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Their id.
    pub id: AccountId,
    /// Their address.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Whose their holds and orders are.
    pub fan: FanId,
    /// Guests they were before, last first.
    pub adopted: Arc<[FanId]>,
    /// When the account was made.
    pub created_ms: i64,
    /// The session they show.
    pub session: TokenHash,
}

impl Account {
    fn new(row: &AccountRow, session: TokenHash, adopted: Vec<FanId>) -> Self {
        Self {
            id: row.id,
            email: row.email.clone(),
            role: row.role,
            fan: row.fan,
            adopted: adopted.into(),
            created_ms: row.created_ms,
            session,
        }
    }
}

/// Why something about an account was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountsError {
    /// The password cannot be used.
    #[error("{0}")]
    BadPassword(&'static str),
    /// Somebody has that address.
    #[error("there is an account of that address")]
    Exists,
    /// There is no account of that address.
    #[error("there is no account of that address")]
    NoSuchAccount,
    /// Address and password do not belong together, or there is no such account, or it is shut.
    #[error("address and password do not belong together")]
    Wrong,
    /// Too many attempts.
    #[error("too many attempts")]
    Slower {
        /// Milliseconds until the next may be made.
        for_ms: i64,
    },
    /// More is asked for than can be done now.
    #[error("too many passwords are being checked")]
    Busy,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<TooMany> for AccountsError {
    fn from(_: TooMany) -> Self {
        Self::Busy
    }
}

/// From where somebody signs in or registers.
#[derive(Clone, Debug)]
pub struct Origin<'a> {
    /// Their address.
    pub address: IpAddr,
    /// What the device's cookie holds.
    pub device: Option<&'a str>,
    /// The session this browser shows, which a new one replaces.
    pub session: Option<TokenHash>,
    /// The guest this browser is, whom the account adopts.
    pub guest: Option<FanId>,
}

/// Somebody who has just signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// Who.
    pub account: Account,
    /// Their new session.
    pub begun: Begun,
    /// What the device's cookie holds from now on.
    pub device: String,
    /// What has happened to the account since the last sign-in.
    pub notice: Option<Notice>,
}

/// The service.
pub struct Accounts {
    store: Arc<dyn AccountStore>,
    clock: Clock,
    passwords: Passwords,
    throttle: Throttle,
    sessions: Sessions,
    devices: DeviceKey,
    delayed: Semaphore,
    /// Where notices and the throttle are kept; tools that nobody talks to over a network have none.
    kept: Option<Arc<dyn KeptStore>>,
    throttle_kept_ms: AtomicI64,
}

impl Accounts {
    /// Keeps accounts in `store`; hashes cost `cost`.
    #[must_use]
    pub fn new(
        store: Arc<dyn AccountStore>,
        clock: Clock,
        cost: HashCost,
        devices: DeviceKey,
    ) -> Self {
        Self {
            passwords: Passwords::new(cost),
            throttle: Throttle::new(devices.throttle_salt()),
            sessions: Sessions::new(Arc::clone(&store), clock.clone()),
            devices,
            delayed: Semaphore::new(DELAYED_MOST),
            kept: None,
            throttle_kept_ms: AtomicI64::new(i64::MIN),
            store,
            clock,
        }
    }

    /// Makes an account. For tools: nobody is signed in and nothing is throttled.
    pub async fn add(
        &self,
        email: &Email,
        role: Role,
        password: Password,
    ) -> Result<AccountRow, AccountsError> {
        if let Some(fault) = password.fault(email.as_str()) {
            return Err(AccountsError::BadPassword(fault));
        }
        let now_ms = self.clock.now_ms();
        let row = AccountRow {
            id: AccountId::new(),
            email: email.as_str().to_owned(),
            role,
            fan: FanId::from_bytes(random_bytes()),
            password: self.passwords.hash(password).await?,
            created_ms: now_ms,
            password_ms: now_ms,
            disabled_ms: None,
        };
        match self.store.add_account(row.clone()).await? {
            Added::New => Ok(row),
            Added::Exists => Err(AccountsError::Exists),
        }
    }

    /// Makes a fan's account and signs them in.
    pub async fn register(
        &self,
        email: &Email,
        password: Password,
        from: Origin<'_>,
    ) -> Result<SignedIn, AccountsError> {
        if let Some(fault) = password.fault(email.as_str()) {
            return Err(AccountsError::BadPassword(fault));
        }
        if let Verdict::Wait { for_ms } = self
            .throttle
            .ask_registration(from.address, self.clock.now_ms())
        {
            return Err(AccountsError::Slower { for_ms });
        }
        let row = match self.add(email, Role::Fan, password).await {
            Err(AccountsError::Exists) => {
                self.told_taken(email, from.address).await?;
                return Err(AccountsError::Exists);
            }
            added => added?,
        };
        self.open(&row, Device(random_bytes()), from).await
    }

    /// Signs in. Unknown address, wrong password and shut account are one answer after one amount
    /// of work.
    pub async fn sign_in(
        &self,
        email: &Email,
        password: Password,
        from: Origin<'_>,
    ) -> Result<SignedIn, AccountsError> {
        let row = self.store.account_by_email(email.as_str()).await?;
        let device = row
            .as_ref()
            .zip(from.device)
            .and_then(|(row, mark)| self.devices.device(row.id, mark));
        let attempt = self.throttle.attempt(from.address, email.as_str(), device);
        let checked = self.check(attempt, row, password).await;
        if let Err(AccountsError::Wrong) = checked {
            self.keep_after_failure().await;
        }
        let row = checked?;
        let device = device.unwrap_or_else(|| Device(random_bytes()));
        let mut signed_in = self.open(&row, device, from).await?;
        if let Some(kept) = &self.kept {
            signed_in.notice = kept.take_notice(row.id).await?;
        }
        Ok(signed_in)
    }

    /// Whether `password` is that of `row`, within what the throttle allows.
    async fn check(
        &self,
        attempt: throttle::Attempt,
        row: Option<AccountRow>,
        password: Password,
    ) -> Result<AccountRow, AccountsError> {
        let now_ms = self.clock.now_ms();
        match self.throttle.ask(attempt, now_ms) {
            Verdict::Wait { for_ms } => return Err(AccountsError::Slower { for_ms }),
            Verdict::Go { after_ms: 0 } => {}
            Verdict::Go { after_ms } => {
                let Ok(_delayed) = self.delayed.try_acquire() else {
                    self.throttle.take_back(attempt, false);
                    return Err(AccountsError::Busy);
                };
                self.clock.sleep_until(now_ms + after_ms).await;
            }
        }
        let stored = row.as_ref().map(|row| row.password.clone());
        let checked = match self.passwords.check(password, stored).await {
            Ok(checked) => checked,
            Err(busy) => {
                self.throttle.take_back(attempt, false);
                return Err(busy.into());
            }
        };
        match (row, checked) {
            (Some(mut row), Checked::Right { better }) if row.disabled_ms.is_none() => {
                self.throttle.take_back(attempt, true);
                if let Some(better) = better {
                    let old = std::mem::replace(&mut row.password, better.clone());
                    self.store.set_password(row.id, old, better, None).await?;
                }
                Ok(row)
            }
            (Some(_) | None, Checked::Right { .. } | Checked::Wrong) => Err(AccountsError::Wrong),
        }
    }

    async fn open(
        &self,
        row: &AccountRow,
        device: Device,
        from: Origin<'_>,
    ) -> Result<SignedIn, AccountsError> {
        let begun = self.sessions.begin(row, from.session, from.guest).await?;
        let adopted = self.store.adopted(row.id).await?;
        Ok(SignedIn {
            account: Account::new(row, begun.token.hash(), adopted),
            begun,
            device: self.devices.mark(row.id, device),
            notice: None,
        })
    }

    /// Who is signed in under this token.
    pub async fn find(&self, token: TokenHash) -> Result<Option<Arc<Account>>, AccountsError> {
        self.sessions.find(token).await
    }

    /// In how many browsers somebody is signed in.
    pub async fn sessions_of(&self, account: AccountId) -> Result<u64, AccountsError> {
        let now_ms = self.clock.now_ms();
        Ok(self.store.count_sessions(account, now_ms).await?)
    }

    /// Signs out.
    pub async fn sign_out(&self, token: TokenHash) -> Result<(), AccountsError> {
        self.sessions.end(token).await
    }

    /// Signs out everywhere. In how many browsers it was.
    pub async fn sign_out_everywhere(&self, account: AccountId) -> Result<u64, AccountsError> {
        self.sessions.end_all(account, None).await
    }

    /// Chooses another password: the old one must be shown, every other session ends, and this one
    /// goes on under a new token.
    pub async fn change_password(
        &self,
        account: &Account,
        current: Password,
        new: Password,
        from: Origin<'_>,
    ) -> Result<SignedIn, AccountsError> {
        if let Some(fault) = new.fault(&account.email) {
            return Err(AccountsError::BadPassword(fault));
        }
        let row = self.store.account_by_email(&account.email).await?;
        let device = from
            .device
            .and_then(|mark| self.devices.device(account.id, mark));
        let attempt = self.throttle.attempt(from.address, &account.email, device);
        let row = self.check(attempt, row, current).await?;
        self.replace_password(&row, new).await?;
        self.sessions.end_all(row.id, None).await?;
        self.open(&row, device.unwrap_or_else(|| Device(random_bytes())), from)
            .await
    }

    async fn replace_password(&self, row: &AccountRow, new: Password) -> Result<(), AccountsError> {
        let hash = self.passwords.hash(new).await?;
        let now_ms = self.clock.now_ms();
        let old = row.password.clone();
        if !self
            .store
            .set_password(row.id, old, hash, Some(now_ms))
            .await?
        {
            // Somebody changed it a moment before: what was shown is not the password any more.
            return Err(AccountsError::Wrong);
        }
        Ok(())
    }

    /// Gives another password and ends every session. For tools.
    pub async fn reset_password(
        &self,
        email: &Email,
        new: Password,
    ) -> Result<AccountRow, AccountsError> {
        if let Some(fault) = new.fault(email.as_str()) {
            return Err(AccountsError::BadPassword(fault));
        }
        let row = self.of(email).await?;
        self.reset(row, new).await
    }

    /// The same of an account that has been looked up.
    pub async fn reset(&self, row: AccountRow, new: Password) -> Result<AccountRow, AccountsError> {
        if let Some(fault) = new.fault(&row.email) {
            return Err(AccountsError::BadPassword(fault));
        }
        self.replace_password(&row, new).await?;
        self.sessions.end_all(row.id, None).await?;
        self.by_id(row.id).await
    }

    /// Signs the account of an address out everywhere. In how many browsers it was.
    pub async fn sign_out_address(
        &self,
        email: &Email,
    ) -> Result<(AccountRow, u64), AccountsError> {
        let row = self.of(email).await?;
        let ended = self.sessions.end_all(row.id, None).await?;
        Ok((row, ended))
    }

    /// Gives the account of an address another role.
    pub async fn set_role(&self, email: &Email, role: Role) -> Result<AccountRow, AccountsError> {
        self.give_role(self.of(email).await?, role).await
    }

    /// Shuts the account of an address, or lets it in again.
    pub async fn set_disabled(
        &self,
        email: &Email,
        disabled: bool,
    ) -> Result<AccountRow, AccountsError> {
        self.shut(self.of(email).await?, disabled).await
    }

    /// Gives another role and ends every session.
    pub async fn give_role(
        &self,
        row: AccountRow,
        role: Role,
    ) -> Result<AccountRow, AccountsError> {
        self.store.set_role(row.id, role).await?;
        self.sessions.forget_account(row.id);
        Ok(AccountRow { role, ..row })
    }

    /// Shuts an account and ends every session, or lets it in again.
    pub async fn shut(&self, row: AccountRow, disabled: bool) -> Result<AccountRow, AccountsError> {
        let disabled_ms = disabled.then(|| self.clock.now_ms());
        self.store.set_disabled(row.id, disabled_ms).await?;
        self.sessions.forget_account(row.id);
        Ok(AccountRow { disabled_ms, ..row })
    }

    /// An account by its id.
    pub async fn by_id(&self, account: AccountId) -> Result<AccountRow, AccountsError> {
        self.store
            .account(account)
            .await?
            .ok_or(AccountsError::NoSuchAccount)
    }

    /// The account of an address, where there is one.
    pub async fn by_address(&self, email: &Email) -> Result<Option<AccountRow>, AccountsError> {
        Ok(self.store.account_by_email(email.as_str()).await?)
    }

    async fn of(&self, email: &Email) -> Result<AccountRow, AccountsError> {
        self.store
            .account_by_email(email.as_str())
            .await?
            .ok_or(AccountsError::NoSuchAccount)
    }

    /// At most `limit` accounts whose address comes after `after`, by address.
    pub async fn list(&self, after: &str, limit: u32) -> Result<Vec<AccountRow>, AccountsError> {
        Ok(self.store.accounts(after, limit).await?)
    }

    /// Whether an account has adopted this guest: their cookie opens no orders any more.
    pub async fn is_adopted(&self, guest: FanId) -> Result<bool, AccountsError> {
        Ok(self.store.adopter(guest).await?.is_some())
    }
}

#[cfg(test)]
mod tests;
