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
    /// Records a new attempt, unless the command or the attempt is known.
    fn begin(&self, row: CheckoutRow) -> BoxFuture<'_, Result<Begun, StoreError>>;
    /// Records a step. It takes its place in the order of durable writes when the future is first
    /// polled: whatever is written after that is durable only if the step is.
    fn record(&self, step: StepRow) -> BoxFuture<'_, Result<(), StoreError>>;
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
    /// The live tickets of an order.
    fn live_tickets(&self, order: OrderId) -> BoxFuture<'_, Result<Vec<LiveTicket>, StoreError>>;
    /// A live ticket.
    fn live_ticket(
        &self,
        ticket: TicketId,
    ) -> BoxFuture<'_, Result<Option<LiveTicket>, StoreError>>;
}
