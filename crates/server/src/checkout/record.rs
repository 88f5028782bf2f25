//! An attempt to pay for an order, in memory and as it is kept.

use super::error::CheckoutError;
use super::step::{Step, Why};
use crate::payments::{CardSummary, IdempotencyKey};
use crate::store::StoreError;
use crate::store::checkouts::{CheckoutRow, CheckoutStore, ServerId, StepRow};
use booking_core::price::{OrderItem, Quote};
use booking_core::{Command, CommandId, FanId, HoldId, OrderId, PerformanceId};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// Who buys, as they wrote themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Buyer {
    /// Name on the order.
    pub name: String,
    /// Where the tickets go.
    pub email: String,
}

/// What never changes about an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// The places, each with its price type.
    pub items: Vec<OrderItem>,
    /// Voucher code, if one was used.
    pub voucher: Option<String>,
    /// At which instant the price was made.
    pub quoted_ms: i64,
    /// Every cent.
    pub quote: Quote,
    /// Who buys.
    pub buyer: Buyer,
    /// What may be kept of the card; none where nothing was to be paid.
    pub card: Option<CardSummary>,
}

/// An attempt to pay for an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    /// The order.
    pub order: OrderId,
    /// From 1.
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
    /// What never changes, and its text.
    pub details: Arc<Details>,
    /// Where it stands.
    pub step: Step,
}

/// A name for what the saga itself asks of others: the same for the same attempt, so that asking
/// again after a crash is the same command.
fn derived(purpose: &str, order: OrderId, attempt: u32) -> [u8; 16] {
    let mut hasher = Sha256::new();
    hasher.update(b"onsale/checkout/1/");
    hasher.update(purpose.as_bytes());
    hasher.update(order.as_bytes());
    hasher.update(attempt.to_be_bytes());
    let digest = hasher.finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes
}

impl Checkout {
    /// Names this attempt to the provider. It is the command's own id: unique, recorded before the
    /// provider hears of it, and found again when the provider sends a notice.
    #[must_use]
    pub fn key(&self) -> IdempotencyKey {
        IdempotencyKey(self.command.uuid())
    }
    /// Names the refund of the whole payment to the provider.
    #[must_use]
    pub fn refund_key(&self) -> IdempotencyKey {
        let bytes = derived("refund", self.order, self.attempt);
        IdempotencyKey(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
    /// A derived id that says, like those of clients, when it was made: a lane then knows without
    /// a look into the store that it is new, and its record lands next to the others.
    fn command_id(&self, purpose: &str) -> CommandId {
        let made_ms = u64::try_from(self.created_ms).unwrap_or(0);
        let mut rest = [0; 10];
        rest.copy_from_slice(&derived(purpose, self.order, self.attempt)[..10]);
        uuid::Builder::from_unix_timestamp_millis(made_ms, &rest)
            .into_uuid()
            .into()
    }
    /// The command that sells the seats, and its id.
    #[must_use]
    pub fn confirm(&self) -> (CommandId, Command) {
        let id = self.command_id("confirm");
        let command = Command::ConfirmOrder {
            order: self.order,
            hold: self.hold,
            fan: self.fan,
            items: self.details.items.clone(),
            voucher: self.details.voucher.clone(),
            quoted_ms: self.details.quoted_ms,
            total_minor: self.details.quote.total_minor,
        };
        (id, command)
    }
    /// The command that undoes all its tickets, and its id.
    #[must_use]
    pub fn cancel(&self) -> (CommandId, Command) {
        let id = self.command_id("cancel");
        (
            id,
            Command::CancelTickets {
                order: self.order,
                places: Vec::new(),
            },
        )
    }

    /// Its state as the fan is told it.
    #[must_use]
    pub fn state(&self) -> &'static str {
        match self.step {
            // Tickets are shown once their money is taken: until then they could still be undone.
            Step::Authorising
            | Step::Confirming { .. }
            | Step::Capturing { .. }
            | Step::Granting => "paying",
            Step::AwaitingStep { .. } => "needs_step",
            Step::Captured { .. } | Step::Granted => "confirmed",
            Step::Declined { .. } => "declined",
            Step::Undoing { .. } | Step::Voiding { .. } | Step::Voided { .. } => "voided",
            Step::Cancelling { .. }
            | Step::Cancelled { .. }
            | Step::Refunding { .. }
            | Step::Revoking
            | Step::Revoked => "cancelled",
            Step::Refunded { .. } => "refunded",
        }
    }

    /// What the fan is told who asked for it: the attempt, or why it came to nothing.
    pub fn told(self: Arc<Self>) -> Result<Arc<Self>, CheckoutError> {
        match &self.step {
            Step::Declined { reason } => Err(CheckoutError::Declined {
                reason: reason.clone(),
            }),
            Step::Voiding {
                why: Why::Refused { rejection },
            }
            | Step::Voided {
                why: Why::Refused { rejection },
            } => Err(CheckoutError::Rejected(rejection.clone())),
            _ => Ok(self),
        }
    }

    /// As it is kept when it begins.
    pub(super) fn to_row(&self, owner: ServerId) -> CheckoutRow {
        CheckoutRow {
            order: self.order,
            attempt: self.attempt,
            command: self.command,
            content: self.content,
            performance: self.performance,
            hold: self.hold,
            fan: self.fan,
            created_ms: self.created_ms,
            updated_ms: self.created_ms,
            unsettled: !self.step.is_settled(),
            step: text(&self.step),
            details: Arc::from(text(&*self.details)),
            owner,
        }
    }
    /// The step it is at, as its owner keeps it.
    pub(super) fn to_step_row(&self, owner: ServerId, now_ms: i64) -> StepRow {
        StepRow {
            order: self.order,
            attempt: self.attempt,
            updated_ms: now_ms,
            unsettled: !self.step.is_settled(),
            step: text(&self.step),
            owner,
        }
    }
    /// Every attempt to pay for an order, first to last, as recorded.
    pub async fn attempts(
        store: &dyn CheckoutStore,
        order: OrderId,
    ) -> Result<Vec<Self>, StoreError> {
        let rows = store.attempts(order).await?;
        rows.iter().map(Self::from_row).collect()
    }

    /// Reads what was kept.
    pub(super) fn from_row(row: &CheckoutRow) -> Result<Self, StoreError> {
        let damaged = |what: &str, error: &serde_json::Error| {
            StoreError::Damaged(format!("{what} of order {}: {error}", row.order))
        };
        Ok(Self {
            order: row.order,
            attempt: row.attempt,
            command: row.command,
            content: row.content,
            performance: row.performance,
            hold: row.hold,
            fan: row.fan,
            created_ms: row.created_ms,
            details: Arc::new(
                serde_json::from_str(&row.details).map_err(|e| damaged("the details", &e))?,
            ),
            step: serde_json::from_str(&row.step).map_err(|e| damaged("the step", &e))?,
        })
    }
}

fn text<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("plain data can be written as JSON")
}
