//! Taking the steps: what each asks of whom, and what comes of the answer.

use super::crash::{Point, Stopped};
use super::record::Checkout;
use super::running::{Progress, Running};
use super::step::{Step, Why, WrongStep};
use super::{CheckoutError, Inner};
use crate::lane::LaneError;
use crate::payments::{
    Authorisation, Authorise, Card, PaymentRef, PaymentStatus, ProviderError, ProviderFuture,
};
use crate::store::checkouts::Recorded;
use crate::trace;
use booking_core::{Command, CommandId, Rejection};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;

/// What the ledger said to a command of the saga.
enum Ledger {
    Done,
    Refused(Rejection),
    Gone,
}

impl Inner {
    /// Takes one step after another until there is none left.
    pub(super) async fn drive(
        &self,
        mut checkout: Checkout,
        mut card: Option<Card>,
        running: &Running,
    ) -> Result<(), Stopped> {
        // Whether the step that `checkout` stands at has yet to be recorded.
        let mut unrecorded = false;
        loop {
            if checkout.step.is_settled() {
                let settled = Arc::new(checkout);
                let tell = || {
                    let told = Progress::At(settled.clone());
                    running.progress.send_replace(told);
                };
                // What it says has happened already, at the provider and in the ledger, and would
                // be found out again after a crash. So the fan need not wait for the disk; only
                // where there are other servers, whichever they ask next must know it.
                let is_asked_elsewhere = self.parts.store.is_shared();
                if !is_asked_elsewhere {
                    tell();
                }
                metrics::counter!("onsale_checkouts", "end" => settled.step.name()).increment(1);
                if unrecorded {
                    self.keep(&settled, running).await?;
                    self.parts.crash.pass(Point::AfterSettled)?;
                }
                if is_asked_elsewhere {
                    tell();
                }
                return Ok(());
            }
            let was_held = self.lease.is_held();
            if !was_held {
                self.hold_on(&checkout, running).await?;
            }
            // That the ledger is being asked needs no record: see `confirm`.
            let needs_record = unrecorded && !matches!(checkout.step, Step::Confirming { .. });
            // Somebody else may have it by now: writing it down tells.
            if needs_record || !was_held {
                self.keep(&checkout, running).await?;
            }
            running
                .progress
                .send_replace(Progress::At(Arc::new(checkout.clone())));
            let next = self.take(&checkout, card.take(), running).await?;
            match next {
                Ok(step) => checkout.step = step,
                Err(wrong) => {
                    // A fault of the program. Nothing more is done by guesswork; the record says
                    // where it stands.
                    tracing::error!(order = %checkout.order, %wrong, "a checkout took a wrong step");
                    return Err(Stopped);
                }
            }
            unrecorded = true;
        }
    }

    /// Takes the step `checkout` stands at, and says which comes next.
    async fn take(
        &self,
        checkout: &Checkout,
        card: Option<Card>,
        running: &Running,
    ) -> Result<Result<Step, WrongStep>, Stopped> {
        let step = checkout.step.clone();
        match &checkout.step {
            Step::Authorising => self.authorise(checkout, card, running).await,
            Step::AwaitingStep { until_ms, .. } => {
                self.await_step(checkout, *until_ms, running).await
            }
            Step::Confirming { payment } => match self.confirm(checkout, running).await? {
                Ledger::Done => self.capture(checkout, payment, 0).await,
                Ledger::Refused(rejection) => Ok(step.given_up(Why::Refused { rejection })),
                Ledger::Gone => Ok(step.given_up(Why::PerformanceGone)),
            },
            Step::Capturing { payment, failures } => {
                self.parts.crash.pass(Point::AfterCaptureDelayed)?;
                self.pause(*failures, running).await?;
                self.capture(checkout, payment, *failures).await
            }
            Step::Undoing { .. } => {
                self.parts.crash.pass(Point::BeforeUndo)?;
                self.undo_tickets(checkout, running).await?;
                self.parts.crash.pass(Point::AfterUndo)?;
                Ok(step.undone())
            }
            Step::Voiding { why } => {
                self.parts.crash.pass(Point::BeforeVoid)?;
                self.void(checkout, running).await?;
                if !why.is_known_to_the_ledger() {
                    self.withdraw(checkout, running).await?;
                }
                self.parts.crash.pass(Point::AfterVoid)?;
                Ok(step.voided())
            }
            Step::Cancelling { .. } => {
                self.parts.crash.pass(Point::BeforeCancel)?;
                self.undo_tickets(checkout, running).await?;
                self.parts.crash.pass(Point::AfterCancel)?;
                Ok(step.tickets_undone())
            }
            Step::Refunding { .. } => {
                self.parts.crash.pass(Point::BeforeRefund)?;
                self.refund(checkout, running).await?;
                self.parts.crash.pass(Point::AfterRefund)?;
                Ok(step.refunded())
            }
            Step::Granting => match self.confirm(checkout, running).await? {
                Ledger::Done => Ok(step.granted()),
                Ledger::Refused(rejection) => Ok(step.not_granted(Why::Refused { rejection })),
                Ledger::Gone => Ok(step.not_granted(Why::PerformanceGone)),
            },
            Step::Revoking => {
                self.parts.crash.pass(Point::BeforeCancel)?;
                self.undo_tickets(checkout, running).await?;
                self.parts.crash.pass(Point::AfterCancel)?;
                Ok(step.revoked())
            }
            Step::Captured { .. }
            | Step::Declined { .. }
            | Step::Voided { .. }
            | Step::Cancelled { .. }
            | Step::Refunded { .. }
            | Step::Granted
            | Step::Revoked => Err(Stopped),
        }
    }

    async fn authorise(
        &self,
        checkout: &Checkout,
        card: Option<Card>,
        running: &Running,
    ) -> Result<Result<Step, WrongStep>, Stopped> {
        let Some(card) = card else {
            return self.find_out(checkout, running).await;
        };
        self.parts.crash.pass(Point::BeforeAuthorise)?;
        let request = Authorise {
            key: checkout.key(),
            amount_minor: checkout.details.quote.total_minor,
            currency: checkout.details.quote.currency.clone(),
            card,
        };
        let answer = self.ask(self.parts.provider.authorise(request)).await;
        self.parts.crash.pass(Point::AfterAuthorise)?;
        match answer {
            Ok(authorisation) => Ok(self.answered(checkout, authorisation)),
            Err(ProviderError::TimedOut | ProviderError::Unreachable(_)) => {
                self.find_out(checkout, running).await
            }
            Err(ProviderError::Refused { code }) => Ok(checkout.step.clone().declined(code)),
            Err(ProviderError::KeyReused) => {
                Ok(checkout.step.clone().declined("key_reused".to_owned()))
            }
        }
    }

    fn answered(&self, checkout: &Checkout, answer: Authorisation) -> Result<Step, WrongStep> {
        let step = checkout.step.clone();
        match answer {
            Authorisation::Authorised { payment } => step.authorised(payment),
            Authorisation::Declined { reason } => step.declined(reason),
            Authorisation::NeedsStep { payment } => {
                let now_ms = self.parts.clock.now_ms();
                step.step_needed(payment, now_ms + self.parts.settings.step_lifetime_ms)
            }
        }
    }

    /// Finds out what became of an authorisation whose answer nobody has. It is never sent again:
    /// a key the provider has not heard of is closed, in case its request is still on the way.
    async fn find_out(
        &self,
        checkout: &Checkout,
        running: &Running,
    ) -> Result<Result<Step, WrongStep>, Stopped> {
        let began = Instant::now();
        let step = checkout.step.clone();
        for failures in 1.. {
            match self.ask(self.parts.provider.lookup(checkout.key())).await {
                Ok(None | Some(PaymentStatus::Voided)) => {
                    return Ok(step.given_up(Why::Interrupted));
                }
                Ok(Some(PaymentStatus::Answered(answer))) => {
                    return Ok(self.answered(checkout, answer));
                }
                Ok(Some(PaymentStatus::Captured { payment, .. })) => {
                    return Ok(step.authorised(payment));
                }
                Ok(Some(PaymentStatus::Processing)) => {
                    if began.elapsed() >= self.parts.settings.processing_most {
                        return Ok(step.given_up(Why::TookTooLong));
                    }
                }
                Err(error) => {
                    tracing::warn!(order = %checkout.order, %error, "a payment could not be looked up");
                }
            }
            self.pause(failures, running).await?;
        }
        Err(Stopped)
    }

    /// Waits for the fan to answer their bank.
    async fn await_step(
        &self,
        checkout: &Checkout,
        until_ms: i64,
        running: &Running,
    ) -> Result<Result<Step, WrongStep>, Stopped> {
        self.parts.crash.pass(Point::AfterStepNeeded)?;
        let step = checkout.step.clone();
        let mut failures = 0;
        loop {
            let said = self.ask(self.parts.provider.lookup(checkout.key())).await;
            let is_answered = said.is_ok();
            match said {
                Ok(Some(PaymentStatus::Answered(Authorisation::NeedsStep { .. }))) => failures = 0,
                Ok(Some(PaymentStatus::Answered(answer))) => {
                    return Ok(self.answered(checkout, answer));
                }
                Ok(Some(PaymentStatus::Captured { payment, .. })) => {
                    return Ok(step.authorised(payment));
                }
                Ok(None | Some(PaymentStatus::Voided)) => {
                    return Ok(step.given_up(Why::StepAbandoned));
                }
                Ok(Some(PaymentStatus::Processing)) | Err(_) => failures += 1,
            }
            let left_ms = until_ms.saturating_sub(self.parts.clock.now_ms());
            let is_over = left_ms <= 0 || running.abandoned.load(Ordering::SeqCst);
            // Not before the provider has said that it still waits: another server may have had the
            // fan's answer, taken the money and told the fan, and died before it wrote that down.
            if is_over && is_answered {
                return Ok(step.given_up(Why::StepAbandoned));
            }
            let left = Duration::from_millis(left_ms.max(0).unsigned_abs());
            let wait = match failures {
                0 => left,
                _ if is_over => self.pause_of(failures),
                _ => self.pause_of(failures).min(left),
            };
            self.wait(wait, running).await?;
        }
    }

    /// Asks the ledger for the seats.
    ///
    /// This step alone is not recorded before it is taken. After a crash the attempt is found where
    /// it was before, waiting for the provider; the provider is asked what became of that, and says
    /// again that it has set the money aside (or taken it); then the ledger is asked again with the
    /// same command, and answers the same.
    async fn confirm(&self, checkout: &Checkout, running: &Running) -> Result<Ledger, Stopped> {
        let (id, command) = checkout.confirm();
        self.parts.crash.pass(Point::BeforeConfirm)?;
        let answer = self
            .parts
            .lanes
            .send(checkout.performance, id, command.clone())
            .await;
        let known = match answer {
            Ok(_) => Ok(Ledger::Done),
            Err(error) => self.ledger_said(checkout, error).await,
        };
        let said = match known {
            Ok(said) => said,
            Err(_) => self.ledger(checkout, id, &command, running).await?,
        };
        self.parts.crash.pass(Point::AfterConfirm)?;
        Ok(said)
    }

    /// Sends a command of the saga until there is an answer: only the ledger knows whether it took
    /// effect, so there is no giving up.
    async fn ledger(
        &self,
        checkout: &Checkout,
        id: CommandId,
        command: &Command,
        running: &Running,
    ) -> Result<Ledger, Stopped> {
        for failures in 1.. {
            match self
                .parts
                .lanes
                .send(checkout.performance, id, command.clone())
                .await
            {
                Ok(_) => return Ok(Ledger::Done),
                Err(error) => match self.ledger_said(checkout, error).await {
                    Ok(said) => return Ok(said),
                    Err(error) => {
                        tracing::warn!(order = %checkout.order, %error, "the ledger gave no answer");
                    }
                },
            }
            self.pause(failures, running).await?;
        }
        Err(Stopped)
    }

    /// Tells a definite answer from none.
    async fn ledger_said(
        &self,
        checkout: &Checkout,
        error: LaneError,
    ) -> Result<Ledger, LaneError> {
        match error {
            LaneError::Rejected(rejection) => Ok(Ledger::Refused(rejection)),
            LaneError::UnknownPerformance => Ok(Ledger::Gone),
            LaneError::CommandIdReused => {
                // The id is derived from order and attempt, so this is the same wish written in
                // another way (by another version of the program): look whether it was granted.
                let order = checkout.order;
                let exists = self
                    .parts
                    .lanes
                    .read(checkout.performance, move |inventory, _| {
                        inventory.order(order).is_some()
                    })
                    .await?;
                Ok(if exists {
                    Ledger::Done
                } else {
                    Ledger::Refused(Rejection::NoSuchOrder { order })
                })
            }
            LaneError::Busy { .. } | LaneError::StorageFailed | LaneError::Draining => Err(error),
        }
    }

    async fn capture(
        &self,
        checkout: &Checkout,
        payment: &PaymentRef,
        failures: u32,
    ) -> Result<Result<Step, WrongStep>, Stopped> {
        let answer = self
            .ask(self.parts.provider.capture(checkout.key(), payment.clone()))
            .await;
        self.parts.crash.pass(Point::AfterCapture)?;
        let step = checkout.step.clone();
        Ok(match answer {
            Ok(()) => step.captured(),
            Err(error)
                if error.is_transient() && failures < self.parts.settings.capture_failures =>
            {
                tracing::warn!(order = %checkout.order, %error, failures, "money could not be taken yet");
                step.capture_delayed()
            }
            Err(error) => {
                tracing::error!(order = %checkout.order, %error, "money could not be taken: undoing");
                step.capture_failed()
            }
        })
    }

    async fn undo_tickets(&self, checkout: &Checkout, running: &Running) -> Result<(), Stopped> {
        let (id, command) = checkout.cancel();
        match self.ledger(checkout, id, &command, running).await? {
            Ledger::Done => {}
            // There are none left to undo: somebody cancelled them one by one.
            Ledger::Refused(rejection) => {
                tracing::warn!(order = %checkout.order, %rejection, "no tickets to undo");
            }
            Ledger::Gone => tracing::warn!(order = %checkout.order, "the performance is gone"),
        }
        Ok(())
    }

    /// Makes sure that the ledger does not sell the seats any more. Whoever had this checkout before may
    /// have asked for them, and the question may still be on its way: its id is used up, or, where the
    /// ledger knows it already, what it sold is undone.
    async fn withdraw(&self, checkout: &Checkout, running: &Running) -> Result<(), Stopped> {
        let (id, _) = checkout.confirm();
        for failures in 1.. {
            let nothing = Command::ExpireHolds { limit: 0 };
            let lanes = &self.parts.lanes;
            match lanes.send(checkout.performance, id, nothing).await {
                Ok(_) | Err(LaneError::Rejected(_) | LaneError::UnknownPerformance) => {
                    return Ok(());
                }
                Err(LaneError::CommandIdReused) => {
                    return self.undo_tickets(checkout, running).await;
                }
                Err(error) => {
                    tracing::warn!(order = %checkout.order, %error, "the ledger gave no answer");
                }
            }
            self.pause(failures, running).await?;
        }
        Err(Stopped)
    }

    /// Gives money set aside free; where it turns out to be taken, gives it back.
    async fn void(&self, checkout: &Checkout, running: &Running) -> Result<(), Stopped> {
        for failures in 1.. {
            match self.ask(self.parts.provider.void(checkout.key())).await {
                Ok(()) => return Ok(()),
                Err(ProviderError::Refused { code }) if code == "captured" => {
                    return self.refund(checkout, running).await;
                }
                Err(error) => {
                    tracing::warn!(order = %checkout.order, %error, "money could not be given free yet");
                }
            }
            self.pause(failures, running).await?;
        }
        Err(Stopped)
    }

    async fn refund(&self, checkout: &Checkout, running: &Running) -> Result<(), Stopped> {
        for failures in 1.. {
            let call = self.parts.provider.refund(
                checkout.key(),
                checkout.refund_key(),
                checkout.details.quote.total_minor,
            );
            match self.ask(call).await {
                Ok(()) => return Ok(()),
                Err(error) => {
                    tracing::error!(order = %checkout.order, %error, "money could not be given back yet");
                }
            }
            self.pause(failures, running).await?;
        }
        Err(Stopped)
    }

    /// Records the step `checkout` stands at, however long the disk takes: without the record
    /// nothing more may be done.
    async fn keep(&self, checkout: &Checkout, running: &Running) -> Result<(), Stopped> {
        for failures in 1.. {
            let row = checkout.to_step_row(self.lease.server, self.parts.clock.now_ms());
            match self
                .parts
                .store
                .record(row)
                .await
                .map_err(CheckoutError::from)
            {
                Ok(Recorded::Done) => return Ok(()),
                Ok(Recorded::NotYours) => {
                    tracing::warn!(order = %checkout.order, "another server has taken a checkout over");
                    return Err(Stopped);
                }
                Err(CheckoutError::Draining) => return Err(Stopped),
                Err(error) => {
                    tracing::error!(order = %checkout.order, %error, "a step could not be recorded");
                }
            }
            self.pause(failures, running).await?;
        }
        Err(Stopped)
    }

    /// Waits until this server may take steps again.
    async fn hold_on(&self, checkout: &Checkout, running: &Running) -> Result<(), Stopped> {
        for failures in 1.. {
            match self.hold().await.map_err(CheckoutError::from) {
                Ok(()) => return Ok(()),
                Err(CheckoutError::Draining) => return Err(Stopped),
                Err(error) => {
                    tracing::error!(order = %checkout.order, %error, "a sign of life could not be written");
                }
            }
            self.pause(failures, running).await?;
        }
        Err(Stopped)
    }

    /// Asks the provider, with a deadline.
    pub(super) async fn ask<T>(&self, call: ProviderFuture<'_, T>) -> Result<T, ProviderError> {
        let asked = tokio::time::timeout(self.parts.settings.provider_deadline, call);
        trace::timed("payment provider", asked)
            .await
            .unwrap_or(Err(ProviderError::TimedOut))
    }

    fn pause_of(&self, failures: u32) -> Duration {
        let settings = &self.parts.settings;
        let doubled = settings
            .retry_first
            .saturating_mul(1 << failures.saturating_sub(1).min(16));
        doubled.min(settings.retry_most)
    }

    async fn pause(&self, failures: u32, running: &Running) -> Result<(), Stopped> {
        self.wait(self.pause_of(failures), running).await
    }

    /// Waits, unless there is reason to look earlier. While the server shuts down nobody waits:
    /// the record says where the next run has to go on.
    async fn wait(&self, time: Duration, running: &Running) -> Result<(), Stopped> {
        let mut draining = self.draining.subscribe();
        tokio::select! {
            // In one order, so that a simulation of it is the same each time.
            biased;
            () = tokio::time::sleep(time) => {}
            () = running.wake.notified() => {}
            _ = draining.wait_for(|draining| *draining) => return Err(Stopped),
        }
        if running.lost.load(Ordering::SeqCst) {
            return Err(Stopped);
        }
        Ok(())
    }
}
