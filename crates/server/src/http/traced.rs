//! A traced request as a span: which of them are, and what is known of one when it has been answered.

use super::rooms;
use crate::trace::{Context, Parent, Recorder, Span, Spans};
use axum::extract::{MatchedPath, Request};
use axum::http::{Method, Response, StatusCode};
use axum::middleware::Next;
use std::time::Instant;

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
        let is_wanted = match parent {
            Some(parent) if spans.follows_proxy() && from_proxy() => parent.sampled,
            _ => spans.draws(context.span()),
        };
        is_wanted.then(|| Self {
            context: context.clone().recorded(spans.clone()),
            parent,
            method: named(request.method()),
            polled: rooms::read::polled(request).is_some(),
            began: Instant::now(),
            is_over: false,
        })
    }

    /// The same request, traced.
    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    /// It has been answered.
    pub(super) fn end<B>(mut self, response: &Response<B>) {
        self.is_over = true;
        let matched = response.extensions().get::<MatchedPath>();
        let polled = self.polled.then_some(POLLED);
        let route = matched.map(MatchedPath::as_str).or(polled);
        let status = response.status();
        self.note(route, |span| Span {
            fault: status.is_server_error().then_some("the server's fault"),
            ..span.with("http.response.status_code", number(status))
        });
    }

    fn note(&self, route: Option<&str>, more: impl FnOnce(Span) -> Span) {
        let Some(recorder) = self.context.recorder() else {
            return;
        };
        recorder.note(more(self.span(recorder, route)));
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
        if !self.is_over {
            self.note(None, |span| span.with("onsale.outcome", "given_up"));
        }
    }
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
