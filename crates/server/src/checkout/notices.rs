//! The provider's notices. A notice only ever makes us look: at the saga it is about, or, where
//! that has ended, whether the provider still agrees with how it ended. So duplicates, gaps and any
//! order are harmless.

use super::record::Checkout;
use super::step::Step;
use super::{Checkouts, Inner};
use crate::payments::simulator::Outbox;
use crate::payments::{Authorisation, PaymentStatus, ProviderError, WebhookError};
use crate::store::StoreError;
use booking_core::CommandId;
use std::sync::Weak;
use std::time::Duration;
use tokio::sync::mpsc;

/// Notices about ended checkouts that may wait to be looked at.
const QUEUE: usize = 8_192;
/// Most of them looked at with one question to the database.
const AT_ONCE: usize = 256;
/// Times a notice is delivered again when there is no room for it.
const DELIVERIES: u32 = 5;

/// Why a notice was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoticeError {
    /// It is not the provider's, or too old.
    #[error(transparent)]
    NotBelieved(#[from] WebhookError),
    /// Too many are waiting: the provider sends it again later.
    #[error("too many notices are waiting")]
    Busy,
}

pub(super) fn queue() -> (mpsc::Sender<CommandId>, mpsc::Receiver<CommandId>) {
    mpsc::channel(QUEUE)
}

impl Checkouts {
    /// Takes a notice as it came in.
    pub fn notice(&self, signature: &str, body: &[u8]) -> Result<(), NoticeError> {
        let parts = &self.0.parts;
        let notice = parts
            .provider
            .verify_webhook(signature, body, parts.clock.now_ms())?;
        metrics::counter!("onsale_payment_notices").increment(1);
        let command = CommandId::from(notice.key.0);
        match self.0.running.of_command(command) {
            Ok(running) => running.wake.notify_one(),
            // It ended here a moment ago, on the provider's own word.
            Err(true) => {}
            Err(false) => {
                self.0
                    .unexplained
                    .try_send(command)
                    .map_err(|_| NoticeError::Busy)?;
            }
        }
        Ok(())
    }
}

/// Looks at ended checkouts that the provider has sent a notice about.
pub(super) async fn explain(inner: Weak<Inner>, mut queue: mpsc::Receiver<CommandId>) {
    let mut commands = Vec::new();
    while queue.recv_many(&mut commands, AT_ONCE).await > 0 {
        let Some(inner) = inner.upgrade() else { return };
        commands.sort_unstable();
        commands.dedup();
        let asked = std::mem::take(&mut commands);
        if let Err(error) = inner.compare(asked).await {
            // The provider will say it again, or an audit will find it.
            tracing::error!(%error, "payment notices could not be looked at");
        }
    }
}

impl Inner {
    async fn compare(&self, commands: Vec<CommandId>) -> Result<(), StoreError> {
        for row in self.parts.store.by_commands(commands).await? {
            if row.unsettled && row.owner != self.lease.server {
                self.parts.store.nudge(row.order).await?;
                continue;
            }
            let checkout = Checkout::from_row(&row)?;
            match checkout.step {
                Step::Declined { .. } | Step::Voided { .. } => {
                    if let Err(error) = self.take_nothing(&checkout).await {
                        tracing::error!(order = %checkout.order, %error, "a notice about an ended checkout");
                    }
                }
                Step::Captured { .. }
                | Step::Refunded { .. }
                | Step::Authorising
                | Step::AwaitingStep { .. }
                | Step::Confirming { .. }
                | Step::Capturing { .. }
                | Step::Undoing { .. }
                | Step::Voiding { .. }
                | Step::Cancelling { .. }
                | Step::Cancelled { .. }
                | Step::Refunding { .. }
                | Step::Granting
                | Step::Granted
                | Step::Revoking
                | Step::Revoked => {}
            }
        }
        Ok(())
    }

    /// Makes sure that the provider has nothing for an attempt that came to nothing.
    async fn take_nothing(&self, checkout: &Checkout) -> Result<(), ProviderError> {
        let key = checkout.key();
        match self.ask(self.parts.provider.lookup(key)).await? {
            Some(PaymentStatus::Captured { refunded_minor, .. }) => {
                let left_minor = checkout.details.quote.total_minor - refunded_minor;
                if left_minor > 0 {
                    tracing::error!(order = %checkout.order, left_minor, "money without a seat: giving it back");
                    let refund = checkout.refund_key();
                    self.ask(self.parts.provider.refund(key, refund, left_minor))
                        .await?;
                }
                Ok(())
            }
            Some(PaymentStatus::Processing)
            | Some(PaymentStatus::Answered(
                Authorisation::Authorised { .. } | Authorisation::NeedsStep { .. },
            )) => {
                tracing::warn!(order = %checkout.order, "money set aside for nothing: giving it free");
                self.ask(self.parts.provider.void(key)).await
            }
            Some(
                PaymentStatus::Answered(Authorisation::Declined { .. }) | PaymentStatus::Voided,
            )
            | None => Ok(()),
        }
    }
}

/// Carries the simulator's notices to the service, as the network would: through the same check
/// of the same signature, again where there is no room, and in the end not at all.
pub async fn deliver(mut outbox: Outbox, checkouts: Checkouts) {
    while let Some(notice) = outbox.next().await {
        for delivery in 1..=DELIVERIES {
            match checkouts.notice(&notice.signature, &notice.body) {
                Ok(()) => break,
                Err(NoticeError::Busy) if delivery < DELIVERIES => {
                    tokio::time::sleep(Duration::from_millis(100 << delivery)).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "a payment notice was not taken");
                    break;
                }
            }
        }
    }
}
