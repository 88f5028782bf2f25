//! Which request the program is working for, wherever it is just now: its id, and the trace it is
//! part of.
//!
//! | file | what it is for |
//! |---|---|
//! | [`parent`](Parent) | the header `traceparent` |
//! | [`spans`](Spans) | what a traced request writes down, and the queue to whoever collects it |
//! | [`slip`] | a browser's own span, told by the browser |
//! | `export` | sending that to a collector (cargo feature `traces`) |
//! | `collector` | the one request that this takes, over HTTP |
//!
//! A request's [`Context`] goes with its future, not with its arguments: the edge begins it
//! ([`within`]), tasks that go on for the request take it along ([`carried`]), the lane keeps it with
//! each command. Every line that is logged meanwhile carries `request_id` and `trace_id`
//! ([`observe`](crate::observe)). Where nothing is logged it costs next to nothing, which is why it is
//! no span of the `tracing` crate: those are written out when they begin, for every request, whether
//! a line comes of it or not.

#[cfg(feature = "traces")]
mod collector;
#[cfg(feature = "traces")]
pub mod export;
mod parent;
pub mod slip;
mod spans;

pub use parent::Parent;
pub use slip::{Slip, SlipKey};
pub use spans::{Fact, Kind, Recorder, Sampling, Span, Spans, WAITING_MOST};

use spans::Recording;
use std::fmt;
use std::future::Future;
use std::num::{NonZeroU64, NonZeroU128};
use std::time::Instant;

tokio::task_local! {
    static CURRENT: Option<Context>;
}

/// A trace: everything that one caller set off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceId(NonZeroU128);

/// One stretch of time in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpanId(NonZeroU64);

impl TraceId {
    /// Zero is no id.
    #[must_use]
    pub fn new(id: u128) -> Option<Self> {
        NonZeroU128::new(id).map(Self)
    }
    /// One that nobody has.
    #[must_use]
    pub fn random() -> Self {
        let id = u128::from_be_bytes(crate::clock::random_bytes());
        Self(NonZeroU128::new(id).unwrap_or(NonZeroU128::MIN))
    }
    /// As it is sent.
    #[must_use]
    pub fn get(self) -> u128 {
        self.0.get()
    }
}

impl SpanId {
    /// Zero is no id.
    #[must_use]
    pub fn new(id: u64) -> Option<Self> {
        NonZeroU64::new(id).map(Self)
    }
    /// One that nobody has.
    #[must_use]
    pub fn random() -> Self {
        let id = u64::from_be_bytes(crate::clock::random_bytes());
        Self(NonZeroU64::new(id).unwrap_or(NonZeroU64::MIN))
    }
    /// As it is sent.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A request's id: 24 hexadecimal digits, which the caller gets as `x-request-id`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RequestId([u8; 24]);

impl RequestId {
    /// From its digits.
    #[must_use]
    pub fn new(digits: [u8; 24]) -> Self {
        Self(digits)
    }
    /// Its digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("?")
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The request that is being answered.
#[derive(Clone, Debug)]
pub struct Context {
    request: RequestId,
    trace: TraceId,
    span: SpanId,
    /// `None`: it is not traced.
    recording: Option<Recording>,
}

impl Context {
    /// A request, as part of its caller's trace or at the beginning of one.
    #[must_use]
    pub fn new(request: RequestId, parent: Option<Parent>) -> Self {
        let trace = parent.map_or_else(TraceId::random, |parent| parent.trace);
        Self {
            request,
            trace,
            span: SpanId::random(),
            recording: None,
        }
    }
    /// The same, and what it spends its time with is written down.
    #[must_use]
    pub fn recorded(self, spans: Spans) -> Self {
        Self {
            recording: Some(Recording::begin(spans)),
            ..self
        }
    }
    /// Its id.
    #[must_use]
    pub fn request(&self) -> RequestId {
        self.request
    }
    /// The trace it is part of.
    #[must_use]
    pub fn trace(&self) -> TraceId {
        self.trace
    }
    /// Its own span.
    #[must_use]
    pub fn span(&self) -> SpanId {
        self.span
    }
    /// Where its spans are written down, if it is traced.
    #[must_use]
    pub fn recorder(&self) -> Option<Recorder<'_>> {
        let recording = self.recording.as_ref()?;
        Some(Recorder {
            context: self,
            recording,
        })
    }
    /// Runs `f` as work for this request.
    pub fn run<T>(&self, f: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(Some(self.clone()), f)
    }
}

/// The request that is being worked for here.
#[must_use]
pub fn current() -> Option<Context> {
    CURRENT.try_with(Clone::clone).ok().flatten()
}

/// The same without a copy of it.
pub(crate) fn with_current<T>(f: impl FnOnce(Option<&Context>) -> T) -> T {
    // `f` is called once, on whichever of the two ways.
    let mut f = Some(f);
    let seen = CURRENT.try_with(|context| f.take().map(|f| f(context.as_ref())));
    match (seen, f) {
        (Ok(Some(answer)), _) => answer,
        (_, Some(f)) => f(None),
        (_, None) => unreachable!("f was called, and its answer is there"),
    }
}

/// `future` as work for the request of `context`.
pub fn within<F: Future>(
    context: Option<Context>,
    future: F,
) -> impl Future<Output = F::Output> + use<F> {
    CURRENT.scope(context, future)
}

/// `future` as work for the request that is being worked for here, also in a task of its own.
pub fn carried<F: Future>(future: F) -> impl Future<Output = F::Output> {
    within(current(), future)
}

/// `future`, which is a span of its own where the request that is being worked for is traced.
pub async fn timed<F: Future>(name: &'static str, future: F) -> F::Output {
    let is_traced = with_current(|context| context.is_some_and(|it| it.recorder().is_some()));
    if !is_traced {
        return future.await;
    }
    let began = Instant::now();
    let output = future.await;
    with_current(|context| {
        if let Some(recorder) = context.and_then(Context::recorder) {
            recorder.note(recorder.span(name, began, Instant::now()));
        }
    });
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(parent: Option<&str>) -> Context {
        let parent = parent.and_then(|text| Parent::parse(text.as_bytes()));
        Context::new(RequestId::new(*b"0123456789abcdef01234567"), parent)
    }

    #[tokio::test]
    async fn work_in_a_task_of_its_own_is_still_for_its_request() {
        assert!(current().is_none());
        let mine = context(None);
        let trace = mine.trace();
        within(Some(mine), async {
            assert_eq!(current().map(|context| context.trace()), Some(trace));
            let alone = tokio::spawn(async { current().is_none() });
            assert!(alone.await.unwrap(), "a task that took nothing along");
            let carried = tokio::spawn(carried(async { current() }));
            let carried = carried.await.unwrap().unwrap();
            assert_eq!(carried.trace(), trace);
            assert_eq!(carried.request().as_str(), "0123456789abcdef01234567");
        })
        .await;
        assert!(with_current(|context| context.is_none()));
    }

    #[test]
    fn a_request_without_a_parent_begins_a_trace_of_its_own() {
        assert_ne!(context(None).trace(), context(None).trace());
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let told = context(Some(parent)).trace().to_string();
        assert_eq!(told, "4bf92f3577b34da6a3ce929d0e0e4736");
    }
}
