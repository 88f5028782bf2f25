//! A batch on its way: decided, then at the store, then durable and still to be answered.

use super::answer::{Answer, LaneError};
use super::batch::{Draft, Poisoned, Sealed};
use super::ledger::Ledger;
use super::origin::Course;
use super::recent::Recent;
use super::state::State;
use super::task::Sent;
use crate::store::{Append, AppendError, Turn};
use booking_core::PerformanceId;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use std::collections::HashSet;
use std::future::poll_fn;
use std::task::Poll;
use std::time::{Duration, Instant};

/// Why a batch could not be made durable.
#[derive(Debug)]
pub(super) enum Failure {
    /// Somebody else was faster.
    Conflict,
    /// One of the batch cannot be made durable, whichever it is.
    OneIsBad(String),
    /// The store failed, or the ledger cannot be followed.
    Storage,
}

impl From<AppendError> for Failure {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Conflict | AppendError::CommandRecorded => Self::Conflict,
            AppendError::SeatSoldTwice => Self::OneIsBad(error.to_string()),
            AppendError::Store(error) => {
                tracing::error!(%error, "a batch could not be appended");
                Self::Storage
            }
        }
    }
}

/// Commands and who waits for them, with what each came to.
#[derive(Default)]
struct Decided {
    sent: Vec<Sent>,
    answers: Vec<Result<Answer, LaneError>>,
    /// Those whose id came earlier in the same batch: answered from the record.
    again: Vec<Sent>,
}

impl Decided {
    fn into_commands(mut self) -> Vec<Sent> {
        self.sent.append(&mut self.again);
        self.sent
    }
}

/// How a batch gets into the ledger.
pub(super) enum Way {
    /// If nobody else is faster.
    Open(Ledger),
    /// Nobody else can be.
    Turn(Box<dyn Turn>),
}

impl Way {
    fn append(self, append: Append) -> BoxFuture<'static, Result<(), AppendError>> {
        match self {
            Self::Open(ledger) => async move { ledger.append(append).await }.boxed(),
            Self::Turn(turn) => turn.append(append),
        }
    }
}

/// A batch that has been decided.
pub(super) struct Open {
    draft: Draft,
    decided: Decided,
    began: Instant,
}

/// A batch that is being made durable, or has been and is still to be answered.
pub(super) struct UnderWay {
    append: BoxFuture<'static, Result<(), AppendError>>,
    pub(super) sealed: Sealed,
    decided: Decided,
    /// When deciding began.
    decided_from: Instant,
    /// When it was sent to the store.
    began: Instant,
    /// How long it took from there until it was durable.
    durable_after: Duration,
}

impl Open {
    /// Decides the lapses that are due, then `commands`, each on top of those before it. On
    /// failure they come back, and the state must be thrown away.
    pub(super) fn decide(
        performance: PerformanceId,
        state: &mut State,
        commands: Vec<Sent>,
        now_ms: i64,
        max_lapses: u32,
    ) -> Result<Self, (Vec<Sent>, Failure)> {
        let mut open = Self {
            draft: Draft::new(performance, state, now_ms),
            decided: Decided {
                answers: Vec::with_capacity(commands.len()),
                ..Decided::default()
            },
            began: Instant::now(),
        };
        (open.decided.sent, open.decided.again) = without_repetitions(commands);
        match open.decide_all(state, max_lapses) {
            Ok(()) => Ok(open),
            Err(poisoned) => {
                let failure = Failure::OneIsBad(poisoned.to_string());
                Err((open.decided.into_commands(), failure))
            }
        }
    }

    fn decide_all(&mut self, state: &mut State, max_lapses: u32) -> Result<(), Poisoned> {
        let Decided { sent, answers, .. } = &mut self.decided;
        self.draft.expire(&mut state.inventory, max_lapses)?;
        for sent in sent {
            let decided =
                self.draft
                    .decide(&mut state.inventory, sent.id, sent.content, &sent.command)?;
            answers.push(decided.map_err(LaneError::Rejected));
        }
        Ok(())
    }

    /// Seals it and queues it at the store. `None`: there is nothing to be made durable, and nobody
    /// to be answered.
    pub(super) async fn send_off(self, way: Way, state: &mut State) -> Option<UnderWay> {
        if self.draft.is_empty() {
            return None;
        }
        let (append, sealed) = self.draft.seal(state);
        let began = Instant::now();
        let mut append = way.append(append);
        // It takes its place at the store when it is first polled, which must not wait until this
        // lane has time to look.
        let at_once = poll_fn(|context| match append.as_mut().poll(context) {
            Poll::Ready(result) => Poll::Ready(Some(result)),
            Poll::Pending => Poll::Ready(None),
        })
        .await;
        if let Some(result) = at_once {
            append = ready(result).boxed();
        }
        Some(UnderWay {
            append,
            sealed,
            decided: self.decided,
            decided_from: self.began,
            began,
            durable_after: Duration::ZERO,
        })
    }
}

impl UnderWay {
    /// Waits until it is durable, or will never be. Not to be called again after that.
    pub(super) async fn done(&mut self) -> Result<(), Failure> {
        (&mut self.append).await?;
        self.durable_after = self.began.elapsed();
        metrics::histogram!("onsale_lane_append_seconds").record(self.durable_after.as_secs_f64());
        metrics::histogram!("onsale_lane_batch_commands").record(self.decided.sent.len() as f64);
        Ok(())
    }

    /// Remembers its commands as recorded.
    pub(super) fn note(&self, recent: &mut Recent) {
        for sent in &self.decided.sent {
            recent.record(sent.id, self.sealed.at_ms);
        }
    }

    /// How long a command took, in microseconds.
    pub(super) fn command_us(&self) -> Option<u32> {
        let took = u32::try_from(self.began.elapsed().as_micros()).unwrap_or(u32::MAX);
        took.checked_div(u32::try_from(self.decided.sent.len()).unwrap_or(u32::MAX))
    }

    pub(super) fn into_commands(self) -> Vec<Sent> {
        self.decided.into_commands()
    }

    /// Answers everybody; gives back those that came twice.
    pub(super) fn answer(self) -> Vec<Sent> {
        let course = Course {
            performance: self.sealed.performance,
            seq: self.sealed.seq,
            commands: self.decided.sent.len(),
            began: self.decided_from,
            sent: self.began,
            durable: self.began + self.durable_after,
        };
        for (sent, answer) in self.decided.sent.into_iter().zip(self.decided.answers) {
            sent.origin.answered(&course, &answer);
            let _ = sent.reply.send(answer);
        }
        self.decided.again
    }
}

/// The batch without those whose id came earlier in it, and those.
fn without_repetitions(batch: Vec<Sent>) -> (Vec<Sent>, Vec<Sent>) {
    if batch.len() < 2 {
        return (batch, Vec::new());
    }
    let mut ids = HashSet::with_capacity(batch.len());
    batch.into_iter().partition(|sent| ids.insert(sent.id))
}
