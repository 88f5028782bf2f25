//! Cancelling and refunding: what an organiser does with an order that was sold. The saga goes on
//! from `captured` (or `granted`); every step is recorded before it is taken, as on the way there.

use super::error::CheckoutError;
use super::record::Checkout;
use super::running::{Claim, Progress, Running};
use super::step::Step;
use super::{Checkouts, Inner, Place};
use crate::store::checkouts::{Recorded, Unless};
use crate::trace;
use booking_core::OrderId;
use std::sync::Arc;

impl Checkouts {
    /// Undoes all tickets of an order; the money stays where it is. Not for fans: whoever calls
    /// this has decided that it may be.
    pub async fn cancel(&self, order: OrderId) -> Result<Arc<Checkout>, CheckoutError> {
        self.undo(order, false).await
    }

    /// Gives all money of an order back, and undoes its tickets where they are not undone yet. Not
    /// for fans, as [`cancel`](Self::cancel).
    pub async fn refund(&self, order: OrderId) -> Result<Arc<Checkout>, CheckoutError> {
        self.undo(order, true).await
    }

    async fn undo(&self, order: OrderId, refund: bool) -> Result<Arc<Checkout>, CheckoutError> {
        loop {
            let rows = self.0.parts.store.attempts(order).await?;
            let checkout = Checkout::from_row(rows.last().ok_or(CheckoutError::NotFound)?)?;
            let claim = self.0.running.claim(order, || {
                Running::new(checkout.fan, checkout.command, checkout.content)
            });
            let running = match claim {
                Claim::Full => return Err(CheckoutError::Busy),
                Claim::Taken(running) => {
                    self.ended(order, &running).await?;
                    continue;
                }
                Claim::Mine(running) => running,
            };
            let undoing = self.0.clone().begin_undoing(order, refund, running.clone());
            tokio::spawn(trace::carried(undoing));
            return self.answer(&running).await;
        }
    }
}

impl Inner {
    async fn begin_undoing(self: Arc<Self>, order: OrderId, refund: bool, running: Arc<Running>) {
        let place = Place {
            inner: self,
            order,
            running,
        };
        let begun = place.inner.record_undoing(order, refund).await;
        match begun {
            Ok(checkout) => {
                let stopped = place.inner.drive(checkout, None, &place.running).await;
                place.end(stopped);
            }
            Err(error) => {
                place.inner.doubt_after(&error);
                place
                    .running
                    .progress
                    .send_replace(Progress::Refused(error));
            }
        }
    }

    async fn record_undoing(
        &self,
        order: OrderId,
        refund: bool,
    ) -> Result<Checkout, CheckoutError> {
        if self.parts.crash.was_reached() {
            return Err(CheckoutError::Draining);
        }
        // Read again now that nobody else can change it.
        let rows = self.parts.store.attempts(order).await?;
        let row = rows.last().ok_or(CheckoutError::NotFound)?;
        let mut checkout = Checkout::from_row(row)?;
        let state = checkout.state();
        let own = self.lease.server;
        match checkout.step.clone().cancelling(refund) {
            Ok(step) => {
                self.hold().await?;
                checkout.step = step;
                let step = checkout.to_step_row(own, self.parts.clock.now_ms());
                // Of several servers that are asked at once, one does it.
                // What is under way elsewhere is not for undoing, so nobody is overtaken.
                if !self.is_mine(row, Unless::Never).await?
                    || self.parts.store.record(step).await? == Recorded::NotYours
                {
                    return Err(CheckoutError::Busy);
                }
                Ok(checkout)
            }
            // It was asked for before: this is the same answer again. Another server may be about it.
            Err(_) if is_undone(&checkout.step) && (row.owner == own || !row.unsettled) => {
                Ok(checkout)
            }
            Err(_) => Err(CheckoutError::WrongState { state }),
        }
    }
}

/// Whether the tickets of an order are undone by request, or about to be.
fn is_undone(step: &Step) -> bool {
    match step {
        Step::Cancelling { .. }
        | Step::Cancelled { .. }
        | Step::Refunding { .. }
        | Step::Refunded { .. }
        | Step::Revoking
        | Step::Revoked => true,
        Step::Authorising
        | Step::AwaitingStep { .. }
        | Step::Confirming { .. }
        | Step::Capturing { .. }
        | Step::Captured { .. }
        | Step::Declined { .. }
        | Step::Undoing { .. }
        | Step::Voiding { .. }
        | Step::Voided { .. }
        | Step::Granting
        | Step::Granted => false,
    }
}
