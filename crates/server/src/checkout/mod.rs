//! The money saga: authorise → `ConfirmOrder` in the ledger → capture, and its recovery.
//!
//! | file | what it is for |
//! |---|---|
//! | [`step`] | where an attempt stands, and the edges between steps |
//! | [`record`] | an attempt in memory and as it is kept |
//! | `request` | what is checked before any money moves |
//! | `running` | the sagas under way, so that nobody starts one twice |
//! | `lease` | whose checkouts are whose, where several servers share a database |
//! | `drive` | taking the steps |
//! | `notices` | the provider's notices |
//! | `undo` | cancelling and refunding what was sold |
//! | [`crash`] | points at which tests stop it |
//!
//! **Invariants.** A step is recorded before it is taken, but for the question to the ledger, which
//! is asked again. One attempt is one authorisation, named by the attempt's own command id; what
//! became of it is looked up, never asked for again. Money
//! is taken only after the ledger has sold the seats; where it cannot be taken, the seats are
//! given back. A fan never waits longer than [`Settings::patience`]: the saga goes on without
//! them, in a task of its own, also when they hang up. Card numbers live in memory until the
//! provider has been asked, and nowhere else.

pub mod crash;
mod drive;
mod error;
mod lease;
mod notices;
pub mod record;
mod request;
mod running;
pub mod step;
mod undo;

pub use error::CheckoutError;
pub use notices::{NoticeError, deliver};
pub use record::{Buyer, Checkout, Details};
pub use request::Wanted;
pub(crate) use request::is_email;

use crate::clock::Clock;
use crate::lane::Lanes;
use crate::payments::{Card, Provider};
use crate::store::StoreError;
use crate::store::checkouts::{Begun, CheckoutStore, ServerId};
use crate::trace;
use booking_core::{CommandId, FanId, OrderId};
use crash::{CrashPlan, Point, Stopped};
use lease::Lease;
use running::{Claim, Progress, Registry, Running};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use step::Step;
use tokio::sync::{mpsc, watch};

/// Most attempts to pay for one order.
const MOST_ATTEMPTS: u32 = 10;

/// Between two looks at what another server writes down.
const ELSEWHERE: Duration = Duration::from_millis(100);

/// How long checking and recording a new attempt may take before its fan is told to come back.
const BEGINS_WITHIN: Duration = Duration::from_secs(10);

/// The times and bounds of a saga.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long a fan waits for an answer before being told to look again later.
    pub patience: Duration,
    /// How long the provider may take to answer one call.
    pub provider_deadline: Duration,
    /// Pause before something is tried again; doubled each time.
    pub retry_first: Duration,
    /// Longest such pause.
    pub retry_most: Duration,
    /// Times a capture may fail before the order is undone.
    pub capture_failures: u32,
    /// How long a fan has to answer their bank, ms.
    pub step_lifetime_ms: i64,
    /// How long a bank may say that it is still thinking.
    pub processing_most: Duration,
    /// How often a server with checkouts under way shows that it lives, and looks whether others do.
    pub beat: Duration,
    /// After so long without a beat another server's checkouts are taken over.
    pub lapse: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            patience: Duration::from_millis(2_500),
            provider_deadline: Duration::from_secs(10),
            retry_first: Duration::from_millis(100),
            retry_most: Duration::from_secs(15),
            capture_failures: 8,
            step_lifetime_ms: 10 * 60_000,
            processing_most: Duration::from_secs(60),
            beat: Duration::from_secs(1),
            lapse: Duration::from_secs(5),
        }
    }
}

/// What a checkout service is made of.
pub struct Parts {
    /// Where attempts are kept.
    pub store: Arc<dyn CheckoutStore>,
    /// The ledgers.
    pub lanes: Lanes,
    /// Whoever moves the money.
    pub provider: Arc<dyn Provider>,
    /// The time.
    pub clock: Clock,
    /// Times and bounds.
    pub settings: Settings,
    /// Where a test wants it to stop.
    pub crash: CrashPlan,
    /// Which server this is: no other that lives has the same.
    pub server: ServerId,
}

/// The checkout service. Cheap to clone.
#[derive(Clone)]
pub struct Checkouts(Arc<Inner>);

pub(crate) struct Inner {
    parts: Parts,
    running: Registry,
    lease: Lease,
    draining: watch::Sender<bool>,
    taken_over: watch::Sender<u64>,
    /// An attempt may be recorded as this server's that nobody here looks after: the database did not
    /// say whether it was written.
    in_doubt: AtomicBool,
    unexplained: mpsc::Sender<CommandId>,
}

/// The place of an order among the sagas under way; given back when dropped, also by a panic.
struct Place {
    inner: Arc<Inner>,
    order: OrderId,
    running: Arc<Running>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.inner.running.release(self.order, &self.running);
    }
}

/// What a request to begin comes to.
enum Beginning {
    Fresh(Checkout, Option<Card>),
    /// It had begun before.
    Known(Checkout),
}

impl Checkouts {
    /// Starts the service and takes up every saga that the last run left unfinished; then looks after
    /// what other servers leave.
    pub async fn start(parts: Parts) -> Result<Self, StoreError> {
        let (unexplained, queue) = notices::queue();
        let lease = Lease::new(parts.server, parts.settings.lapse);
        let beat = parts.settings.beat;
        let inner = Arc::new(Inner {
            parts,
            running: Registry::default(),
            lease,
            draining: watch::Sender::new(false),
            taken_over: watch::Sender::new(0),
            in_doubt: AtomicBool::new(false),
            unexplained,
        });
        tokio::spawn(notices::explain(Arc::downgrade(&inner), queue));
        inner.take_up_left().await?;
        tokio::spawn(lease::keep(Arc::downgrade(&inner), beat));
        Ok(Self(inner))
    }

    /// Pays for a hold. Answers with the attempt when it is settled, when the bank wants to ask
    /// the fan, or when the patience is over, whichever comes first.
    pub async fn pay(&self, wanted: Wanted) -> Result<Arc<Checkout>, CheckoutError> {
        let content = wanted.content();
        let (order, fan, command) = (wanted.order, wanted.fan, wanted.command);
        loop {
            if *self.0.draining.borrow() {
                return Err(CheckoutError::Draining);
            }
            let claim = self
                .0
                .running
                .claim(order, || Running::new(fan, command, content));
            let running = match claim {
                Claim::Full => return Err(CheckoutError::Busy),
                Claim::Mine(running) => {
                    // In a task of its own: it must not stop because the fan hangs up.
                    let begun = self.0.clone().begin(wanted, content, running.clone());
                    tokio::spawn(trace::carried(begun));
                    running
                }
                Claim::Taken(running) if running.fan != fan => return Err(CheckoutError::NotFound),
                Claim::Taken(running) if running.command == command => {
                    if running.content != content {
                        return Err(CheckoutError::CommandIdReused);
                    }
                    running
                }
                Claim::Taken(running) => {
                    self.make_room(order, &running).await?;
                    continue;
                }
            };
            return self.answer(&running).await;
        }
    }

    /// Waits for another attempt for the same order to be out of the way, if it can be.
    async fn make_room(&self, order: OrderId, running: &Arc<Running>) -> Result<(), CheckoutError> {
        match running.at().map(|checkout| checkout.step.clone()) {
            // The fan chose another card instead of answering the bank.
            Some(Step::AwaitingStep { .. }) => running.abandon(),
            Some(step) if step.is_settled() => {}
            Some(_) | None => return Err(CheckoutError::WrongState { state: "paying" }),
        }
        self.ended(order, running).await
    }

    /// Waits until `running` is no longer under way, within the patience.
    async fn ended(&self, order: OrderId, running: &Arc<Running>) -> Result<(), CheckoutError> {
        let gone = self.ends(|registry| match registry.of_order(order) {
            Some(current) => !Arc::ptr_eq(&current, running),
            None => true,
        });
        tokio::time::timeout(self.0.parts.settings.patience, gone)
            .await
            .map_err(|_| CheckoutError::WrongState { state: "paying" })
    }

    /// What a saga has come to, within the patience.
    async fn answer(&self, running: &Running) -> Result<Arc<Checkout>, CheckoutError> {
        let mut progress = running.progress.subscribe();
        let is_answer = |progress: &Progress| match progress {
            Progress::Beginning => false,
            Progress::Refused(_) | Progress::Stopped => true,
            Progress::At(checkout) => {
                checkout.step.is_settled() || matches!(checkout.step, Step::AwaitingStep { .. })
            }
        };
        // Until it is recorded, there is nothing that the fan could be told.
        let has_begun = |progress: &Progress| !matches!(progress, Progress::Beginning);
        let _ = tokio::time::timeout(BEGINS_WITHIN, progress.wait_for(has_begun)).await;
        let patience = self.0.parts.settings.patience;
        let _ = tokio::time::timeout(patience, progress.wait_for(is_answer)).await;
        match &*progress.borrow() {
            Progress::Beginning => Err(CheckoutError::Busy),
            Progress::Stopped => Err(CheckoutError::Draining),
            Progress::Refused(error) => Err(error.clone()),
            Progress::At(checkout) => Ok(checkout.clone()),
        }
    }

    /// The fan's answer to their bank (in the simulator's world).
    pub async fn finish_step(
        &self,
        fan: FanId,
        order: OrderId,
        approve: bool,
    ) -> Result<Arc<Checkout>, CheckoutError> {
        let latest = self.latest(fan, order).await?;
        let running = match (&latest.step, self.0.running.of_order(order)) {
            (Step::AwaitingStep { .. }, Some(running)) => running,
            (Step::AwaitingStep { .. }, None) => {
                return self.finish_elsewhere(latest, approve).await;
            }
            (Step::Declined { .. }, _) if !approve => return Ok(latest),
            (Step::Captured { .. } | Step::Confirming { .. }, _) if approve => return Ok(latest),
            _ => {
                return Err(CheckoutError::WrongState {
                    state: latest.state(),
                });
            }
        };
        let mut progress = running.progress.subscribe();
        progress.mark_unchanged();
        self.answer_bank(&latest, approve).await?;
        running.wake.notify_one();
        // Not the question again: wait for what comes of the answer.
        let patience = self.0.parts.settings.patience;
        let _ = tokio::time::timeout(patience, progress.changed()).await;
        self.answer(&running).await
    }

    async fn answer_bank(&self, checkout: &Checkout, approve: bool) -> Result<(), CheckoutError> {
        let call = self.0.parts.provider.finish_step(checkout.key(), approve);
        self.0
            .ask(call)
            .await
            .map_err(|error| CheckoutError::Provider(error.to_string()))
    }

    /// The same where another server has the saga: it is asked to look, and what it writes down is
    /// read.
    async fn finish_elsewhere(
        &self,
        asked: Arc<Checkout>,
        approve: bool,
    ) -> Result<Arc<Checkout>, CheckoutError> {
        self.answer_bank(&asked, approve).await?;
        self.0.parts.store.nudge(asked.order).await?;
        let patience = tokio::time::Instant::now() + self.0.parts.settings.patience;
        loop {
            let latest = self.latest(asked.fan, asked.order).await?;
            if latest.step.is_settled() || tokio::time::Instant::now() >= patience {
                return Ok(latest);
            }
            tokio::time::sleep(ELSEWHERE).await;
        }
    }

    /// The latest attempt for an order of this fan.
    pub async fn latest(&self, fan: FanId, order: OrderId) -> Result<Arc<Checkout>, CheckoutError> {
        if let Some(checkout) = self
            .0
            .running
            .of_order(order)
            .and_then(|running| running.at())
        {
            return Some(checkout)
                .filter(|checkout| checkout.fan == fan)
                .ok_or(CheckoutError::NotFound);
        }
        let rows = self.0.parts.store.attempts(order).await?;
        let row = rows
            .last()
            .filter(|row| row.fan == fan)
            .ok_or(CheckoutError::NotFound)?;
        Ok(Arc::new(Checkout::from_row(row)?))
    }

    /// The latest attempt for each of a fan's orders, newest first.
    pub async fn of_fan(&self, fan: FanId) -> Result<Vec<Arc<Checkout>>, CheckoutError> {
        let rows = self.0.parts.store.by_fan(fan).await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            let running = self.0.running.of_order(row.order).and_then(|it| it.at());
            found.push(match running {
                Some(checkout) if checkout.fan == fan => checkout,
                // It may have come to its end since it was read.
                None if row.unsettled => self.latest(fan, row.order).await?,
                Some(_) | None => Arc::new(Checkout::from_row(row)?),
            });
        }
        Ok(found)
    }

    /// Takes no more checkouts, lets those under way come to a recorded step, and says how many
    /// are left for the next run.
    pub async fn drain(&self, within: Duration) -> usize {
        self.0.draining.send_replace(true);
        let _ = tokio::time::timeout(within, self.all_at_rest()).await;
        let left = self.0.running.count();
        if left == 0 {
            self.0.leave().await;
        }
        left
    }

    /// Waits until nothing is under way for an order.
    pub async fn at_rest(&self, order: OrderId) {
        self.ends(|registry| registry.of_order(order).is_none())
            .await;
    }

    /// Waits until nothing is under way at all.
    pub async fn all_at_rest(&self) {
        self.ends(|registry| registry.count() == 0).await;
    }

    async fn ends(&self, reached: impl Fn(&Registry) -> bool) {
        let registry = &self.0.running;
        loop {
            let ended = registry.ended.notified();
            tokio::pin!(ended);
            // Registered before looking, so that an end in between is not missed.
            ended.as_mut().enable();
            if reached(registry) {
                return;
            }
            ended.await;
        }
    }

    /// Counts how often this server has taken checkouts of another one over.
    #[must_use]
    pub fn taken_over(&self) -> watch::Receiver<u64> {
        self.0.taken_over.subscribe()
    }

    /// Sagas under way.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.0.running.count()
    }

    /// Has every saga that waits for something look again now, as a notice does. For tests with a
    /// clock of their own.
    pub fn wake(&self, order: OrderId) {
        if let Some(running) = self.0.running.of_order(order) {
            running.wake.notify_one();
        }
    }
}

impl Inner {
    async fn begin(self: Arc<Self>, wanted: Wanted, content: [u8; 16], running: Arc<Running>) {
        let place = Place {
            inner: self,
            order: wanted.order,
            running,
        };
        let this = &place.inner;
        if this.parts.crash.pass(Point::BeforeBegin).is_err() {
            return place.end(Err(Stopped));
        }
        let command = wanted.command;
        let beginning = match this.record_new(wanted, content).await {
            Ok(beginning) => Ok(beginning),
            // What cannot begin now may have begun before: then this is the same answer again.
            Err(error) => match this.known(command, content).await {
                Ok(Some(checkout)) => Ok(Beginning::Known(checkout)),
                Ok(None) => Err(error),
                Err(error) => Err(error),
            },
        };
        match beginning {
            Ok(Beginning::Fresh(checkout, card)) => {
                let stopped = this.drive(checkout, card, &place.running).await;
                place.end(stopped);
            }
            Ok(Beginning::Known(checkout)) => {
                if !checkout.step.is_settled() {
                    this.doubt();
                }
                place
                    .running
                    .progress
                    .send_replace(Progress::At(Arc::new(checkout)));
            }
            Err(error) => {
                this.doubt_after(&error);
                place
                    .running
                    .progress
                    .send_replace(Progress::Refused(error));
            }
        }
    }

    /// Has the next look take up what is this server's and under way nowhere.
    fn doubt(&self) {
        self.in_doubt.store(true, Ordering::SeqCst);
    }

    /// The same where it may have been written all the same.
    fn doubt_after(&self, error: &CheckoutError) {
        if matches!(error, CheckoutError::Storage(_)) {
            self.doubt();
        }
    }

    /// Checks everything that can be checked before money moves, and records the attempt.
    async fn record_new(
        &self,
        wanted: Wanted,
        content: [u8; 16],
    ) -> Result<Beginning, CheckoutError> {
        let now_ms = self.parts.clock.now_ms();
        let (mut checkout, card) = wanted.check(&self.parts.lanes, content, now_ms).await?;
        self.hold().await?;
        loop {
            let row = checkout.to_row(self.lease.server);
            match self.parts.store.begin(row).await? {
                Begun::New => return Ok(Beginning::Fresh(checkout, card)),
                Begun::Exists => {}
            }
            if let Some(known) = self.known(checkout.command, content).await? {
                return Ok(Beginning::Known(known));
            }
            let rows = self.parts.store.attempts(checkout.order).await?;
            let Some(row) = rows.last() else {
                return Err(CheckoutError::Storage("an attempt vanished".to_owned()));
            };
            let last = Checkout::from_row(row)?;
            if last.fan != checkout.fan {
                return Err(CheckoutError::NotFound);
            }
            match last.step {
                Step::Declined { .. } | Step::Voided { .. } if last.attempt < MOST_ATTEMPTS => {
                    checkout.attempt = last.attempt + 1;
                }
                _ => {
                    return Err(CheckoutError::WrongState {
                        state: last.state(),
                    });
                }
            }
        }
    }

    /// The attempt that a command asked for before.
    async fn known(
        &self,
        command: CommandId,
        content: [u8; 16],
    ) -> Result<Option<Checkout>, CheckoutError> {
        let rows = self.parts.store.by_commands(vec![command]).await?;
        match rows.first() {
            None => Ok(None),
            Some(row) if row.content == content => Ok(Some(Checkout::from_row(row)?)),
            Some(_) => Err(CheckoutError::CommandIdReused),
        }
    }
}

impl Place {
    fn end(&self, driven: Result<(), Stopped>) {
        if driven.is_err() {
            self.running.progress.send_replace(Progress::Stopped);
        }
    }
}
