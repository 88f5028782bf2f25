//! Spans as plain values, on their way to whoever collects them.
//!
//! A span is written down when it is over, from the two instants it lasted. So a batch of the lane
//! becomes part of the trace of each of its commands, and what is not traced costs nothing.
//!
//! **Invariants.** Nobody waits here: where the queue is full, a span is let go and counted. There is
//! nothing about a person in a span: no address, name, account, session or path.

use super::{Context, SpanId, TraceId};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Instant, SystemTime};
use tokio::sync::mpsc;

/// Most spans that wait to be sent, some MiB.
pub const WAITING_MOST: usize = 8_192;

/// What a span is to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A request of somebody else's.
    Server,
    /// Something within the program.
    Internal,
    /// Somebody else's, who waited for a request of theirs.
    Client,
}

/// Something to know about a span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A word of the program's own.
    Text(Cow<'static, str>),
    /// A count or a number.
    Number(i64),
}

impl From<&'static str> for Fact {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Fact {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<i64> for Fact {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

/// A stretch of time in a trace, which is over.
#[derive(Clone, Debug)]
pub struct Span {
    /// The trace it is part of.
    pub trace: TraceId,
    /// It alone.
    pub id: SpanId,
    /// What it was part of.
    pub parent: Option<SpanId>,
    /// Whether that is a span of another program.
    pub parent_is_remote: bool,
    /// What it is to others.
    pub kind: Kind,
    /// One of few names: what differs from one to the next is among the facts.
    pub name: Cow<'static, str>,
    /// When it began.
    pub began: SystemTime,
    /// When it was over.
    pub ended: SystemTime,
    /// What is known of it.
    pub facts: Vec<(&'static str, Fact)>,
    /// What went wrong, if it was a fault of the program or of what it rests on.
    pub fault: Option<&'static str>,
}

impl Span {
    /// With one more fact.
    #[must_use]
    pub fn with(mut self, name: &'static str, fact: impl Into<Fact>) -> Self {
        self.facts.push((name, fact.into()));
        self
    }
}

/// Which requests are traced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// The share of requests, from 0 to 1.
    pub share: f64,
    /// Whether a trusted proxy has the say about its own instead.
    pub follow_proxy: bool,
}

/// The way to the collector. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Spans(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    queue: mpsc::Sender<Span>,
    sampling: Sampling,
}

impl Spans {
    /// A way, and where it ends.
    #[must_use]
    pub fn new(sampling: Sampling) -> (Self, mpsc::Receiver<Span>) {
        let (queue, waiting) = mpsc::channel(WAITING_MOST);
        (Self(Arc::new(Inner { queue, sampling })), waiting)
    }

    /// Whether a trusted proxy has the say about its requests.
    #[must_use]
    pub fn follows_proxy(&self) -> bool {
        self.0.sampling.follow_proxy
    }

    /// Whether a request whose span has this id is traced. The id is the server's own, so that a
    /// stranger has no say.
    #[must_use]
    pub fn draws(&self, span: SpanId) -> bool {
        let below = (self.0.sampling.share * u64::MAX as f64) as u64;
        span.get() <= below
    }

    /// Sends a span on its way.
    pub fn note(&self, span: Span) {
        if self.0.queue.try_send(span).is_err() {
            metrics::counter!("onsale_trace_spans", "outcome" => "dropped").increment(1);
        }
    }
}

/// What a traced request has: where its spans go, and one instant by both clocks.
#[derive(Clone, Debug)]
pub(super) struct Recording {
    spans: Spans,
    at: Instant,
    wall: SystemTime,
}

impl Recording {
    pub(super) fn begin(spans: Spans) -> Self {
        let (at, wall) = crate::clock::both();
        Self { spans, at, wall }
    }

    fn wall(&self, instant: Instant) -> SystemTime {
        let since = instant.saturating_duration_since(self.at);
        let before = self.at.saturating_duration_since(instant);
        (self.wall + since).checked_sub(before).unwrap_or(self.wall)
    }
}

/// Writes down the spans of one traced request.
#[derive(Clone, Copy)]
pub struct Recorder<'a> {
    pub(super) context: &'a Context,
    pub(super) recording: &'a Recording,
}

impl Recorder<'_> {
    /// Something that was part of the request.
    #[must_use]
    pub fn span(&self, name: &'static str, began: Instant, ended: Instant) -> Span {
        self.part_of(self.context.span(), name, began, ended)
    }

    /// Something that was part of the span `parent`.
    #[must_use]
    pub fn part_of(
        &self,
        parent: SpanId,
        name: &'static str,
        began: Instant,
        ended: Instant,
    ) -> Span {
        Span {
            trace: self.context.trace(),
            id: SpanId::random(),
            parent: Some(parent),
            parent_is_remote: false,
            kind: Kind::Internal,
            name: Cow::Borrowed(name),
            began: self.recording.wall(began),
            ended: self.recording.wall(ended),
            facts: Vec::new(),
            fault: None,
        }
    }

    /// The request as a whole, which its caller's span `parent` was waiting for.
    #[must_use]
    pub fn request(&self, parent: Option<SpanId>, name: String, began: Instant) -> Span {
        Span {
            id: self.context.span(),
            parent,
            parent_is_remote: parent.is_some(),
            kind: Kind::Server,
            name: Cow::Owned(name),
            ..self.part_of(self.context.span(), "", began, Instant::now())
        }
    }

    /// Sends it on its way.
    pub fn note(&self, span: Span) {
        self.recording.spans.note(span);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{RequestId, within};

    fn traced(spans: &Spans) -> Context {
        Context::new(RequestId::new([b'0'; 24]), None).recorded(spans.clone())
    }

    fn sampling(share: f64) -> Sampling {
        Sampling {
            share,
            follow_proxy: false,
        }
    }

    #[test]
    fn the_share_is_what_is_traced() {
        let drawn = |share| {
            let (spans, _) = Spans::new(sampling(share));
            (0..10_000)
                .filter(|_| spans.draws(SpanId::random()))
                .count()
        };
        assert_eq!((drawn(0.0), drawn(1.0)), (0, 10_000));
        assert!((2_000..3_000).contains(&drawn(0.25)));
    }

    #[test]
    fn nobody_waits_where_the_queue_is_full() {
        let (spans, mut waiting) = Spans::new(sampling(1.0));
        let context = traced(&spans);
        let recorder = context.recorder().unwrap();
        let now = Instant::now();
        for _ in 0..WAITING_MOST + 10 {
            recorder.note(recorder.span("part", now, now));
        }
        let mut count = 0;
        while waiting.try_recv().is_ok() {
            count += 1;
        }
        assert_eq!(count, WAITING_MOST);
    }

    #[tokio::test]
    async fn what_is_timed_is_part_of_its_request_and_only_of_a_traced_one() {
        let (spans, mut waiting) = Spans::new(sampling(1.0));
        let context = traced(&spans);
        let work = crate::trace::timed("work", async { 7 });
        assert_eq!(within(Some(context.clone()), work).await, 7);
        let span = waiting.try_recv().unwrap();
        assert_eq!((span.parent, &*span.name), (Some(context.span()), "work"));
        assert!(span.began <= span.ended);

        let untraced = Context::new(context.request(), None);
        within(Some(untraced), crate::trace::timed("work", async {})).await;
        crate::trace::timed("work", async {}).await;
        assert!(waiting.try_recv().is_err());
    }
}
