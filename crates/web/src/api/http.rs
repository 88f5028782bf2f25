//! From a request to a `Result`: the one place that knows how answers and their failures look.

use booking_core::Rejection;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Headers, Request, RequestInit, Response};

use crate::browser;

pub(super) const ROOT: &str = "/api/v1";

/// Longest that an answer may take; a slow payment answers earlier with "still paying".
const PATIENCE_MS: u32 = 20_000;

/// Why there is no answer to work with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Failure {
    /// Nothing came back: no network, or the server is away.
    Offline,
    /// Nothing came back in time. The request may have been carried out.
    TimedOut,
    /// The server said no, and why.
    Problem(Box<Problem>),
    /// What came back makes no sense; the text is for the console, not for the reader.
    Unreadable(String),
}

/// A problem document (RFC 9457).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Problem {
    /// HTTP status.
    pub(crate) status: u16,
    /// Stable code, `seats_taken`.
    pub(crate) code: String,
    /// Every member, for the facts.
    pub(crate) facts: serde_json::Value,
    /// Seconds to wait before trying again, where the server named them.
    pub(crate) retry_after_s: Option<u32>,
}

impl Problem {
    /// The document as a business "no" of the core, where it is one.
    pub(crate) fn rejection(&self) -> Option<Rejection> {
        super::refusal::rejection(&self.facts)
    }
    /// A fact that is a text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.facts.get(name)?.as_str()
    }
    /// A fact that is a whole number.
    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.facts.get(name)?.as_i64()
    }
}

impl Failure {
    /// The code of the problem, if that is what it is.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Problem(problem) => Some(&problem.code),
            Self::Offline | Self::TimedOut | Self::Unreadable(_) => None,
        }
    }
    /// Whether it is there at all (or belongs to somebody else, which is told the same).
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Problem(problem) if problem.status == 404)
    }
    /// Whether the same request, sent again, may well succeed.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Offline | Self::TimedOut => true,
            Self::Problem(problem) => matches!(problem.status, 429 | 502 | 503 | 504),
            Self::Unreadable(_) => false,
        }
    }
}

/// What some requests have beside method, path and body.
#[derive(Clone, Copy, Default)]
pub(super) struct Besides<'a> {
    /// Shown as the header `onsale-admission`.
    pub(super) admission: Option<&'a str>,
    /// A kept answer is asked for again, however young it is.
    pub(super) afresh: bool,
    /// It is sent to its end although the page is left or loaded again meanwhile. Browsers allow
    /// that to bodies of 64 KiB in all.
    pub(super) outlives_page: bool,
}

/// Sends JSON and reads JSON.
pub(super) async fn call<T: DeserializeOwned>(
    method: &str,
    path: &str,
    body: Option<&impl Serialize>,
) -> Result<T, Failure> {
    call_with(method, path, body, Besides::default()).await
}

/// The same, with more to say.
pub(super) async fn call_with<T: DeserializeOwned>(
    method: &str,
    path: &str,
    body: Option<&impl Serialize>,
    besides: Besides<'_>,
) -> Result<T, Failure> {
    let text = call_text(method, path, body, besides).await?;
    read(path, &text)
}

/// The same, but leaves the reading to the caller; see [`read`].
pub(super) async fn call_text(
    method: &str,
    path: &str,
    body: Option<&impl Serialize>,
    besides: Besides<'_>,
) -> Result<String, Failure> {
    let body = body
        .map(serde_json::to_string)
        .transpose()
        .map_err(|e| Failure::Unreadable(e.to_string()))?;
    let response = fetch(method, path, "application/json", body, besides).await?;
    text(&response).await
}

/// What an answer says. 204 has no body; `()` reads `null`.
pub(super) fn read<T: DeserializeOwned>(path: &str, text: &str) -> Result<T, Failure> {
    let text = if text.is_empty() { "null" } else { text };
    serde_json::from_str(text).map_err(|e| Failure::Unreadable(format!("{path}: {e}")))
}

/// Reads bytes of the type `accept`.
pub(super) async fn call_bytes(path: &str, accept: &str) -> Result<Vec<u8>, Failure> {
    let response = fetch("GET", path, accept, None, Besides::default()).await?;
    let buffer = response.array_buffer().map_err(broken)?;
    let buffer = JsFuture::from(buffer).await.map_err(broken)?;
    Ok(js_sys::Uint8Array::new(&buffer).to_vec())
}

/// The one way out: any answer that is not a success is a [`Failure`].
async fn fetch(
    method: &str,
    path: &str,
    accept: &str,
    body: Option<String>,
    besides: Besides<'_>,
) -> Result<Response, Failure> {
    let headers = Headers::new().map_err(broken)?;
    headers.set("accept", accept).map_err(broken)?;
    // The name under which the server's log, and its traces, know what comes of this.
    let trace = browser::new_traceparent();
    headers.set("traceparent", &trace).map_err(broken)?;
    let init = RequestInit::new();
    init.set_method(method);
    if let Some(body) = body {
        headers
            .set("content-type", "application/json")
            .map_err(broken)?;
        init.set_body(&JsValue::from_str(&body));
    }
    if let Some(admission) = besides.admission {
        headers.set("onsale-admission", admission).map_err(broken)?;
    }
    if besides.afresh {
        init.set_cache(web_sys::RequestCache::NoCache);
    }
    if besides.outlives_page {
        // web-sys has no setter for it.
        js_sys::Reflect::set(&init, &"keepalive".into(), &JsValue::TRUE).map_err(broken)?;
    }
    init.set_headers(&headers);
    init.set_signal(Some(&AbortSignal::timeout_with_u32(PATIENCE_MS)));
    let request =
        Request::new_with_str_and_init(&format!("{ROOT}{path}"), &init).map_err(broken)?;

    let since = browser::stopwatch_ms();
    let answer = JsFuture::from(browser::window().fetch_with_request(&request)).await;
    let response: Response = answer.map_err(|e| lost(&e))?.unchecked_into();
    // The server traces this one, and would like to know how it looks from here.
    if let Ok(Some(slip)) = response.headers().get("onsale-slip") {
        let waited_ms = (browser::stopwatch_ms() - since).ceil() as u32;
        browser::tell(&format!("{ROOT}/slips"), &format!("{slip} {waited_ms}"));
    }
    if let Ok(Some(date)) = response.headers().get("date") {
        browser::learn_clock_roughly(&date);
    }
    if response.ok() {
        return Ok(response);
    }
    let retry_after = response.headers().get("retry-after").ok().flatten();
    Err(problem(
        response.status(),
        retry_after.as_deref(),
        &text(&response).await?,
    ))
}

async fn text(response: &Response) -> Result<String, Failure> {
    let text = JsFuture::from(response.text().map_err(broken)?)
        .await
        .map_err(|e| lost(&e))?;
    Ok(text.as_string().unwrap_or_default())
}

/// `fetch` rejects with `TimeoutError` after [`PATIENCE_MS`], and with `TypeError` without network.
fn lost(error: &JsValue) -> Failure {
    let name = js_sys::Reflect::get(error, &"name".into())
        .ok()
        .and_then(|name| name.as_string());
    match name.as_deref() {
        Some("TimeoutError" | "AbortError") => Failure::TimedOut,
        _ => Failure::Offline,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "handed to map_err")]
fn broken(error: JsValue) -> Failure {
    Failure::Unreadable(format!("{error:?}"))
}

/// Reads a problem document; an answer that is none (a proxy's page, say) still has its status.
fn problem(status: u16, retry_after: Option<&str>, body: &str) -> Failure {
    let facts = serde_json::from_str(body).unwrap_or(serde_json::Value::Null);
    let code = facts
        .get("code")
        .and_then(|code| code.as_str())
        .unwrap_or(match status {
            404 => "not_found",
            429 => "too_many_requests",
            502..=504 => "busy",
            _ => "unknown",
        });
    Failure::Problem(Box::new(Problem {
        status,
        code: code.to_owned(),
        retry_after_s: retry_after.and_then(|seconds| seconds.parse().ok()),
        facts,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Problem {
        match problem(status, Some("3"), body) {
            Failure::Problem(problem) => *problem,
            other => panic!("not a problem: {other:?}"),
        }
    }

    #[test]
    fn a_rejection_keeps_its_facts() {
        let body = r#"{"type":"/problems/seats_taken","title":"Seats taken","status":409,
            "code":"seats_taken","detail":"somebody else","seats":[7,8]}"#;
        let seats = vec![booking_core::SeatIx(7), booking_core::SeatIx(8)];
        assert_eq!(
            read(409, body).rejection(),
            Some(Rejection::SeatsTaken { seats })
        );
    }

    #[test]
    fn an_answer_that_is_no_document_still_has_a_code() {
        let proxy = read(502, "<html>Bad gateway</html>");
        assert_eq!(
            (proxy.code.as_str(), proxy.retry_after_s),
            ("busy", Some(3))
        );
        assert!(Failure::Problem(Box::new(proxy)).may_pass());
    }

    #[test]
    fn a_business_no_is_not_tried_again() {
        let failure =
            Failure::Problem(Box::new(read(409, r#"{"code":"seats_taken","seats":[1]}"#)));
        assert!(!failure.may_pass());
    }
}
