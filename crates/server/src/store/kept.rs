//! What must outlive a crash and is of use for a while only: what rooms in memory decided a moment ago,
//! payments that end somebody's stay, notices to accounts, and who guesses passwords. And what servers
//! sign with, as digests.
//!
//! What lines, admissions and bytes mean is the business of those who write them. Each method is one
//! transaction.

use super::error::StoreError;
use crate::accounts::AccountId;
use booking_core::{FanId, OrderId};
use bytes::Bytes;
use futures_util::future::BoxFuture;

/// An order that is being paid for with an admission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayingRow {
    /// The order.
    pub order: OrderId,
    /// Who pays.
    pub fan: FanId,
    /// The admission, JSON.
    pub admission: String,
    /// Its id; `None`: written down when that was not asked.
    pub admission_id: Option<[u8; 16]>,
}

/// What an account is told at its next sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How often somebody tried to register with its address.
    pub registrations: u32,
    /// When the last time was.
    pub last_ms: i64,
}

/// One change to what is kept for a while.
#[derive(Clone, Debug)]
pub enum Change {
    /// See [`KeptStore::write_line`].
    WriteLine(u64, String),
    /// See [`KeptStore::forget_lines`].
    ForgetLines(u64),
    /// See [`KeptStore::begin_paying`].
    BeginPaying(PayingRow),
    /// See [`KeptStore::end_paying`].
    EndPaying(OrderId),
    /// See [`KeptStore::note_registration`].
    NoteRegistration(AccountId, i64),
    /// See [`KeptStore::take_notice`].
    TakeNotice(AccountId),
    /// See [`KeptStore::keep_throttle`].
    KeepThrottle(Bytes, i64),
    /// See [`KeptStore::offer_key`].
    OfferKey(&'static str, [u8; 32]),
    /// See [`KeptStore::replace_key`].
    ReplaceKey(&'static str, [u8; 32]),
}

/// What a change has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// It is made, and there is nothing more to say.
    Made,
    /// A notice was taken.
    Taken(Notice),
    /// The admission pays for this other order. Nothing was written.
    PaysFor(OrderId),
}

/// What is kept for a while: one way to change it, and questions.
pub trait KeptStore: Send + Sync + 'static {
    /// Makes one change, all of it or nothing.
    fn change_kept(&self, change: Change) -> BoxFuture<'_, Result<Done, StoreError>>;

    /// Writes a line of the journal of the rooms in memory.
    fn write_line(&self, seq: u64, line: String) -> BoxFuture<'_, Result<(), StoreError>> {
        let change = Change::WriteLine(seq, line);
        Box::pin(async move { self.change_kept(change).await.map(drop) })
    }
    /// The journal, in its order.
    fn lines(&self) -> BoxFuture<'_, Result<Vec<(u64, String)>, StoreError>>;
    /// Forgets the lines up to one: what they say has been kept.
    fn forget_lines(&self, up_to: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        let change = Change::ForgetLines(up_to);
        Box::pin(async move { self.change_kept(change).await.map(drop) })
    }

    /// Remembers that an order is being paid for with an admission, unless that pays for another one
    /// at this moment, at whichever server: then which.
    fn begin_paying(&self, row: PayingRow) -> BoxFuture<'_, Result<Option<OrderId>, StoreError>> {
        let change = Change::BeginPaying(row);
        Box::pin(async move {
            Ok(match self.change_kept(change).await? {
                Done::PaysFor(order) => Some(order),
                Done::Made | Done::Taken(_) => None,
            })
        })
    }
    /// Forgets it again.
    fn end_paying(&self, order: OrderId) -> BoxFuture<'_, Result<(), StoreError>> {
        let change = Change::EndPaying(order);
        Box::pin(async move { self.change_kept(change).await.map(drop) })
    }
    /// Every order that is being paid for with an admission.
    fn paying(&self) -> BoxFuture<'_, Result<Vec<PayingRow>, StoreError>>;

    /// Somebody tried to register with an account's address.
    fn note_registration(
        &self,
        account: AccountId,
        at_ms: i64,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        let change = Change::NoteRegistration(account, at_ms);
        Box::pin(async move { self.change_kept(change).await.map(drop) })
    }
    /// What an account is to be told, which is forgotten with that.
    fn take_notice(&self, account: AccountId) -> BoxFuture<'_, Result<Option<Notice>, StoreError>> {
        let change = Change::TakeNotice(account);
        Box::pin(async move {
            Ok(match self.change_kept(change).await? {
                Done::Taken(notice) => Some(notice),
                Done::Made | Done::PaysFor(_) => None,
            })
        })
    }

    /// Writes down the digest of a key that everybody signs with, unless there is one.
    fn offer_key(
        &self,
        name: &'static str,
        digest: [u8; 32],
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        let change = Change::OfferKey(name, digest);
        Box::pin(async move { self.change_kept(change).await.map(drop) })
    }
    /// The same in place of the one that is there.
    fn replace_key(
        &self,
        name: &'static str,
        digest: [u8; 32],
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        let change = Change::ReplaceKey(name, digest);
        Box::pin(async move { self.change_kept(change).await.map(drop) })
    }
    /// The digest of the key that everybody signs with.
    fn key_digest(&self, name: &'static str)
    -> BoxFuture<'_, Result<Option<[u8; 32]>, StoreError>>;

    /// Keeps who guesses passwords.
    fn keep_throttle(&self, bytes: Bytes, at_ms: i64) -> BoxFuture<'_, Result<(), StoreError>> {
        let change = Change::KeepThrottle(bytes, at_ms);
        Box::pin(async move { self.change_kept(change).await.map(drop) })
    }
    /// What was kept last.
    fn throttle(&self) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>>;
}
