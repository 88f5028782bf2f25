//! A traced request as a span: which of them are, and what is known of one when it has been answered.
//! And the browser's span around it, of which the browser says how long it was.

use super::extract::Raw;
use super::problem::ApiError;
use super::rooms;
use crate::trace::{Context, Parent, Recorder, Slip, SlipKey, Span, Spans, slip};
use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderName, HeaderValue, Method, Response, StatusCode};
use axum::middleware::Next;
use axum::routing::post;
use std::time::{Duration, Instant};

/// Brings the caller of a traced request a slip for its own span.
static SLIP: HeaderName = HeaderName::from_static("onsale-slip");

/// Where slips are handed in.
const SLIPS: &str = "/api/v1/slips";

/// The route of what is answered before there are routes.
const POLLED: &str = "/api/v1/rooms/{id}";

/// Leaves the route that a request took on its answer: the span is named by it, not by the path,
/// which has ids of holds and orders in it.
pub(super) async fn leave_route(request: Request, next: Next) -> axum::response::Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(route) = route {
        response.extensions_mut().insert(route);
    }
    response
}

/// A request that is traced, from its beginning to its answer; without one it was given up, mostly
/// because its caller has gone.
pub(super) struct Traced {
    context: Context,
    parent: Option<Parent>,
    method: &'static str,
    polled: bool,
    began: Instant,
    /// The caller's own span, where nobody else writes that down.
    caller: Option<Parent>,
    is_over: bool,
}

impl Traced {
    /// The request of `context`, if it is one of those that are traced. `from_proxy`: a trusted proxy
    /// sent it, which may have the say. Nobody else has: a stranger who could have requests traced
    /// could have all of them traced.
    pub(super) fn begin<B>(
        spans: &Spans,
        context: &Context,
        parent: Option<Parent>,
        request: &axum::http::Request<B>,
        from_proxy: impl FnOnce() -> bool,
    ) -> Option<Self> {
        let of_proxy = parent.filter(|_| spans.follows_proxy() && from_proxy());
        let is_wanted = match of_proxy {
            Some(parent) => parent.sampled,
            // What is told about traces is not traced.
            None => request.uri().path() != SLIPS && spans.draws(context.span()),
        };
        is_wanted.then(|| Self {
            context: context.clone().recorded(spans.clone()),
            parent,
            method: named(request.method()),
            polled: rooms::read::polled(request).is_some(),
            began: Instant::now(),
            caller: parent.filter(|_| of_proxy.is_none()),
            is_over: false,
        })
    }

    /// The same request, traced.
    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    /// It has been answered. A caller that said which span of its own waits for it gets a slip, unless
    /// a cache may give the answer to others too: they would all hand it in.
    pub(super) fn end<B>(mut self, response: &mut Response<B>, slips: &SlipKey) {
        self.is_over = true;
        let matched = response.extensions().get::<MatchedPath>();
        let polled = self.polled.then_some(POLLED);
        let route = matched.map(MatchedPath::as_str).or(polled);
        let status = response.status();
        let Some(recorder) = self.context.recorder() else {
            return;
        };
        let span = Span {
            fault: status.is_server_error().then_some("the server's fault"),
            ..self.span(recorder, route)
        };
        let span = span.with("http.response.status_code", number(status));
        let is_for_one = response.headers().get(CACHE_CONTROL).is_some_and(|said| {
            let said = said.to_str().unwrap_or_default();
            said.split(',').any(|word| word.trim() == "no-store")
        });
        if let Some(caller) = self.caller.filter(|_| is_for_one) {
            let slip = slips.sign(&Slip {
                trace: span.trace,
                span: caller.span,
                began: span.began,
                took: span.ended.duration_since(span.began).unwrap_or_default(),
                name: span.name.to_string(),
            });
            if let Ok(slip) = HeaderValue::from_str(&slip) {
                response.headers_mut().insert(&SLIP, slip);
            }
        }
        recorder.note(span);
    }

    fn span(&self, recorder: Recorder<'_>, route: Option<&str>) -> Span {
        let method = self.method;
        let name = match route {
            Some(route) => format!("{method} {route}"),
            None => method.to_owned(),
        };
        let parent = self.parent.map(|parent| parent.span);
        let span = recorder
            .request(parent, name, self.began)
            .with("http.request.method", method)
            .with(
                "onsale.request_id",
                self.context.request().as_str().to_owned(),
            );
        match route {
            Some(route) => span.with("http.route", route.to_owned()),
            None => span,
        }
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        if let Some(recorder) = self.context.recorder().filter(|_| !self.is_over) {
            let span = self.span(recorder, None);
            recorder.note(span.with("onsale.outcome", "given_up"));
        }
    }
}

/// `router`, where browsers also hand in their slips.
pub(super) fn taking_slips(router: Router, spans: Spans, key: SlipKey) -> Router {
    let take = move |Raw(body): Raw| {
        let (spans, key) = (spans.clone(), key.clone());
        async move { take(&spans, &key, &body).map(|()| StatusCode::NO_CONTENT) }
    };
    let not_so = || async { ApiError::MethodNotAllowed };
    router.route(SLIPS, post(take).fallback(not_so))
}

/// `SLIP MILLISECONDS`.
fn take(spans: &Spans, key: &SlipKey, body: &[u8]) -> Result<(), ApiError> {
    let wrong = |what: String| ApiError::malformed("body", what);
    let text = std::str::from_utf8(body).ok();
    let parts = text.and_then(|text| text.split_once(' '));
    let (slip, waited) = parts
        .ok_or_else(|| wrong("a slip, a space and a number of milliseconds are wanted".into()))?;
    let (_, now) = crate::clock::both();
    let slip = key.read(slip, now).map_err(|no| wrong(no.to_string()))?;
    let most_ms = slip::WAITED_MOST.as_millis() as f64;
    let waited_ms: Option<f64> = waited.parse().ok();
    let waited_ms = waited_ms
        .filter(|waited| (0.0..=most_ms).contains(waited))
        .ok_or_else(|| wrong(format!("between 0 and {most_ms} milliseconds are wanted")))?;
    spans.note(slip.span(Duration::from_secs_f64(waited_ms / 1_000.0)));
    Ok(())
}

fn number(status: StatusCode) -> i64 {
    i64::from(status.as_u16())
}

/// A method as one of few words: callers may make up others.
fn named(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "_OTHER",
    }
}
