//! The payments' side of the port: attempts to pay, and how far each has got.
//!
//! What a step means, and what the details hold, is the business of
//! [`checkout`](crate::checkout); here they are text.

use super::error::StoreError;
use booking_core::{CommandId, FanId, HoldId, OrderId, PerformanceId, TicketId};
use futures_util::future::BoxFuture;
use std::sync::Arc;

/// Most orders of one fan that are listed.
pub const ORDERS_LISTED: u32 = 200;

/// A server that takes the steps of checkouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServerId(pub [u8; 16]);

impl ServerId {
    /// None at all: whose the checkouts were before they had owners.
    pub const NOBODY: Self = Self([0; 16]);
}

/// An attempt to pay for an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckoutRow {
    /// The order.
    pub order: OrderId,
    /// From 1; a declined order may be tried again.
    pub attempt: u32,
    /// The command that asked for it.
    pub command: CommandId,
    /// First 16 bytes of the hash of what was asked.
    pub content: [u8; 16],
    /// What is bought.
    pub performance: PerformanceId,
    /// The hold it came from.
    pub hold: HoldId,
    /// Who buys.
    pub fan: FanId,
    /// When it was asked for.
    pub created_ms: i64,
    /// When the step was written.
    pub updated_ms: i64,
    /// Whether there is something left to do.
    pub unsettled: bool,
    /// The step, JSON.
    pub step: String,
    /// What never changes, JSON.
    pub details: Arc<str>,
    /// The server that takes its steps.
    pub owner: ServerId,
}

/// A step an attempt has got to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepRow {
    /// The order.
    pub order: OrderId,
    /// Which attempt.
    pub attempt: u32,
    /// When.
    pub updated_ms: i64,
    /// Whether there is something left to do.
    pub unsettled: bool,
    /// The step, JSON.
    pub step: String,
    /// The server that takes it.
    pub owner: ServerId,
}

/// Whether a step was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It is.
    Done,
    /// The attempt is another server's, or was never begun. Nothing was written.
    NotYours,
}

/// A server that has checkouts under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Which.
    pub server: ServerId,
    /// Its last beat; `None`: it has said goodbye, or never was there.
    pub beat: Option<i64>,
}

/// What keeps a checkout from being taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unless {
    /// A beat of its owner's later than this one, which was the last one for so long that it is taken
    /// to be gone; `None`: any beat.
    Beat(Option<i64>),
    /// Nothing: the checkout is at rest, and nobody takes steps of it.
    Never,
}

impl Unless {
    /// The beat that must still be the last one.
    pub(super) fn beat(self) -> Option<i64> {
        match self {
            Self::Beat(beat) => beat,
            Self::Never => None,
        }
    }
}

/// One change to whose checkouts are whose.
#[derive(Clone, Debug)]
pub enum Change {
    /// See [`CheckoutStore::take_over`].
    TakeOver {
        /// The order.
        order: OrderId,
        /// Which attempt.
        attempt: u32,
        /// The step it must stand at, JSON.
        step: String,
        /// When that must have been written: its owner may have written the same step again.
        updated_ms: i64,
        /// What its owner must not have done since.
        unless: Unless,
        /// Whose it must be.
        from: ServerId,
        /// Whose it is then.
        to: ServerId,
    },
    /// See [`CheckoutStore::beat`].
    Beat(ServerId),
    /// See [`CheckoutStore::leave`].
    Leave(ServerId),
    /// See [`CheckoutStore::nudge`].
    Nudge(OrderId),
    /// The nudge has been felt.
    Felt(ServerId, OrderId),
}

/// Whether an attempt was new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It was, and is recorded now.
    New,
    /// The command, or this attempt for the order, is there already. Nothing was written.
    Exists,
}

/// A ticket that is live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveTicket {
    /// Its id.
    pub ticket: TicketId,
    /// Its order.
    pub order: OrderId,
    /// Whose it is.
    pub fan: FanId,
    /// What for.
    pub performance: PerformanceId,
    /// See [`place_key`](super::rows::place_key).
    pub place_key: i64,
    /// Area index for area places.
    pub area: Option<u16>,
    /// Price type.
    pub price_type: u8,
}

/// What the checkout asks of a database. Boxed, so that nothing above depends on which it is.
pub trait CheckoutStore: Send + Sync + 'static {
    /// Whether other servers read what is written here.
    fn is_shared(&self) -> bool {
        false
    }

    /// Records a new attempt, unless the command or the attempt is known.
    fn begin(&self, row: CheckoutRow) -> BoxFuture<'_, Result<Begun, StoreError>>;
    /// Records a step, if the attempt is the server's who takes it. It takes its place in the order of durable writes when the future is first
    /// polled: whatever is written after that is durable only if the step is.
    fn record(&self, step: StepRow) -> BoxFuture<'_, Result<Recorded, StoreError>>;
    /// Every attempt to pay for an order, first to last.
    fn attempts(&self, order: OrderId) -> BoxFuture<'_, Result<Vec<CheckoutRow>, StoreError>>;
    /// Orders whose id ends with these bytes: the number a fan reads to somebody on the telephone.
    fn orders_ending(&self, end: [u8; 6]) -> BoxFuture<'_, Result<Vec<OrderId>, StoreError>>;
    /// The attempts these commands asked for, in no particular order.
    fn by_commands(
        &self,
        commands: Vec<CommandId>,
    ) -> BoxFuture<'_, Result<Vec<CheckoutRow>, StoreError>>;
    /// The latest attempt for each of a fan's orders, newest first, at most [`ORDERS_LISTED`].
    fn by_fan(&self, fan: FanId) -> BoxFuture<'_, Result<Vec<CheckoutRow>, StoreError>>;
    /// Every attempt with something left to do, oldest first.
    fn unsettled(&self) -> BoxFuture<'_, Result<Vec<CheckoutRow>, StoreError>>;
    /// Those of one server.
    fn unsettled_of(&self, server: ServerId)
    -> BoxFuture<'_, Result<Vec<CheckoutRow>, StoreError>>;
    /// Every server with something left to do.
    fn owners(&self) -> BoxFuture<'_, Result<Vec<Owner>, StoreError>>;
    /// The orders of a server whose owner is asked to look.
    fn nudged(&self, server: ServerId) -> BoxFuture<'_, Result<Vec<OrderId>, StoreError>>;
    /// Makes one change to whose is what. How many rows it affected.
    fn change_owners(&self, change: Change) -> BoxFuture<'_, Result<u64, StoreError>>;
    /// Makes an attempt another server's, if it is whose it was, stands where it stood when it was
    /// seen, has not been written since, and its owner has given no sign of life since. `false`: it does not, and nothing was written.
    fn take_over(
        &self,
        seen: &CheckoutRow,
        to: ServerId,
        unless: Unless,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        let change = Change::TakeOver {
            order: seen.order,
            attempt: seen.attempt,
            step: seen.step.clone(),
            updated_ms: seen.updated_ms,
            unless,
            from: seen.owner,
            to,
        };
        Box::pin(async move { Ok(self.change_owners(change).await? > 0) })
    }
    /// A sign of life.
    fn beat(&self, server: ServerId) -> BoxFuture<'_, Result<(), StoreError>> {
        let change = Change::Beat(server);
        Box::pin(async move { self.change_owners(change).await.map(drop) })
    }
    /// The last one: what is left is anybody's.
    fn leave(&self, server: ServerId) -> BoxFuture<'_, Result<(), StoreError>> {
        let change = Change::Leave(server);
        Box::pin(async move { self.change_owners(change).await.map(drop) })
    }
    /// Asks the owner of what is under way for an order to look: something may have changed at the
    /// provider.
    fn nudge(&self, order: OrderId) -> BoxFuture<'_, Result<(), StoreError>> {
        let change = Change::Nudge(order);
        Box::pin(async move { self.change_owners(change).await.map(drop) })
    }
    /// The owner is about to look.
    fn felt(&self, server: ServerId, order: OrderId) -> BoxFuture<'_, Result<(), StoreError>> {
        let change = Change::Felt(server, order);
        Box::pin(async move { self.change_owners(change).await.map(drop) })
    }
    /// The live tickets of an order.
    fn live_tickets(&self, order: OrderId) -> BoxFuture<'_, Result<Vec<LiveTicket>, StoreError>>;
    /// A live ticket.
    fn live_ticket(
        &self,
        ticket: TicketId,
    ) -> BoxFuture<'_, Result<Option<LiveTicket>, StoreError>>;
}
