//! The request that a command came with: what the lane logs of one command alone is logged for it,
//! and where its request is traced, its time in the lane is written down.

use super::answer::{Answer, LaneError};
use crate::trace::{self, Context, Fact, Recorder, Span};
use booking_core::PerformanceId;
use std::future::Future;
use std::time::Instant;

/// Where a command came from.
pub(super) struct Origin {
    /// `None`: no request, but the program itself.
    context: Option<Context>,
    /// Since when it has been here; only where it is traced.
    queued: Option<Instant>,
}

/// How a batch went, for those of its commands that are traced.
#[derive(Clone, Copy)]
pub(super) struct Course {
    pub(super) performance: PerformanceId,
    /// Its number in the ledger; `None`: nothing in it was accepted, and no number was used.
    pub(super) seq: Option<u64>,
    pub(super) commands: usize,
    /// When deciding began.
    pub(super) began: Instant,
    /// When it was decided and sealed, and sent to the store.
    pub(super) sent: Instant,
    /// When it was durable.
    pub(super) durable: Instant,
}

impl Origin {
    /// The request that is being worked for here.
    pub(super) fn here() -> Self {
        let context = trace::current();
        let is_traced = context.as_ref().is_some_and(|it| it.recorder().is_some());
        Self {
            context,
            queued: is_traced.then(Instant::now),
        }
    }

    /// Runs `f` as work for it.
    pub(super) fn run<T>(&self, f: impl FnOnce() -> T) -> T {
        match &self.context {
            Some(context) => context.run(f),
            None => f(),
        }
    }

    /// `future` as work for it.
    pub(super) fn carried<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        trace::within(self.context.clone(), future)
    }

    /// The command has an answer, which is durable with its batch.
    pub(super) fn answered(&self, course: &Course, answer: &Result<Answer, LaneError>) {
        let Some((recorder, lane)) = self.lane() else {
            return;
        };
        let queued = self.queued.unwrap_or(course.began);
        let parts = [
            ("wait", queued, course.began),
            ("decide", course.began, course.sent),
            ("append", course.sent, course.durable),
        ];
        let commands = i64::try_from(course.commands).unwrap_or(i64::MAX);
        let seq = course.seq.and_then(|seq| i64::try_from(seq).ok());
        let of_batch = |span: Span| {
            let span = span.with("onsale.batch.commands", commands);
            match seq {
                Some(seq) => span.with("onsale.batch.seq", seq),
                None => span,
            }
        };
        for (name, began, ended) in parts {
            recorder.note(of_batch(recorder.part_of(lane.id, name, began, ended)));
        }
        let lane = lane
            .with("onsale.performance", course.performance.to_string())
            .with("onsale.outcome", outcome(answer.as_ref().err()));
        recorder.note(Span {
            fault: answer.as_ref().err().and_then(fault),
            ..of_batch(lane)
        });
    }

    /// The command has an answer without a batch: none, or the one from the record.
    pub(super) fn answered_alone(&self, answer: Result<&Answer, &LaneError>) {
        if let Some((recorder, lane)) = self.lane() {
            let error = answer.err();
            let outcome = match answer {
                Ok(_) => Fact::from("replayed"),
                Err(error) => outcome(Some(error)),
            };
            recorder.note(Span {
                fault: error.and_then(fault),
                ..lane.with("onsale.outcome", outcome)
            });
        }
    }

    /// All the time the command has been here.
    fn lane(&self) -> Option<(Recorder<'_>, Span)> {
        let recorder = self.context.as_ref()?.recorder()?;
        Some((
            recorder,
            recorder.span("lane", self.queued?, Instant::now()),
        ))
    }
}

/// One word.
fn outcome(error: Option<&LaneError>) -> Fact {
    Fact::from(match error {
        None => "accepted",
        Some(LaneError::Rejected(rejection)) => rejection.code(),
        Some(LaneError::CommandIdReused) => "command_id_reused",
        Some(LaneError::Busy { .. }) => "busy",
        Some(LaneError::UnknownPerformance) => "not_found",
        Some(LaneError::StorageFailed) => "storage_failed",
        Some(LaneError::Draining) => "draining",
    })
}

/// A business "no" is no fault.
fn fault(error: &LaneError) -> Option<&'static str> {
    match error {
        LaneError::StorageFailed => Some("the storage failed"),
        LaneError::Busy { .. } => Some("too much was waiting"),
        LaneError::Draining => Some("the server was shutting down"),
        LaneError::Rejected(_) | LaneError::CommandIdReused | LaneError::UnknownPerformance => None,
    }
}
