//! What every request passes before the router and every answer after it: the caller's address,
//! limits, session, cross-site check, security headers, request id.
//!
//! One hand-written layer in place of a stack of boxed ones: at tens of thousands of requests a
//! second the stack would cost more than the handlers.

use super::problem::{ApiError, ForTheLog};
use super::rooms;
use super::session::{Session, Visit};
use super::settings::{Network, Settings};
use super::traced::{Traced, leave_route, taking_slips};
use crate::rooms::WaitingRooms;
use crate::trace::{self, Context, Parent, RequestId, SlipKey};
use axum::Router;
use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY, SET_COOKIE,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use axum::response::IntoResponse;
use metrics::{Counter, Histogram, counter, histogram};
use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tower::Service;
use tower_governor::errors::GovernorError;
use tower_governor::governor::{Governor, GovernorConfig, GovernorConfigBuilder};
use tower_governor::key_extractor::KeyExtractor;

use ::governor::clock::{Clock as _, DefaultClock};

type NoHeaders = ::governor::middleware::NoOpMiddleware;

static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
static PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
static CROSS_ORIGIN_OPENER_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-opener-policy");
static CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

/// What only the machine itself may read, unless the settings say otherwise.
const OF_THE_MACHINE: [&str; 2] = ["/metrics", "/latest"];

/// Where a request came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Caller {
    /// The peer's address, or what a trusted proxy says it was.
    address: IpAddr,
    /// Whether it came over https (which only a trusted proxy can say).
    secure: bool,
}

/// Limits by the caller's address; an IPv6 caller is a /64.
#[derive(Clone, Debug)]
struct ByCaller;

impl KeyExtractor for ByCaller {
    type Key = IpAddr;

    fn extract<T>(&self, request: &Request<T>) -> Result<IpAddr, GovernorError> {
        let visit = request.extensions().get::<Visit>();
        visit
            .map(|visit| limited_as(visit.address))
            .ok_or(GovernorError::UnableToExtractKey)
    }
}

fn limited_as(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => {
            let mut segments = address.segments();
            segments[4..].fill(0);
            Ipv6Addr::from(segments).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[derive(Clone)]
enum Inner {
    Limited(Governor<ByCaller, NoHeaders, Router, Body>),
    Free(Router),
}

/// The whole HTTP side as one service: what a connection calls.
#[derive(Clone)]
pub struct Edge {
    inner: Inner,
    shared: Arc<Shared>,
}

struct Shared {
    settings: Settings,
    rooms: WaitingRooms,
    governor: Option<GovernorConfig<ByCaller, NoHeaders>>,
    in_flight: AtomicUsize,
    draining: AtomicBool,
    request_id: RequestIds,
    seen: Seen,
    slips: SlipKey,
}

/// What is counted, looked up once.
struct Seen {
    /// Answers by the first digit of their status, from 1.
    answers: [Counter; 5],
    /// By [`Kind`].
    seconds: [Histogram; 4],
}

/// What a request is to the shop. Those that a rush must not slow down are looked at by themselves.
#[derive(Clone, Copy)]
enum Kind {
    Hold,
    Checkout,
    Seats,
    Other,
}

impl Kind {
    fn of(method: &Method, path: &str) -> Self {
        match *method {
            Method::POST if path.ends_with("/holds") => Self::Hold,
            Method::POST if path.ends_with("/checkout") => Self::Checkout,
            Method::GET if path.ends_with("/seats") => Self::Seats,
            _ => Self::Other,
        }
    }
}

impl Seen {
    fn new() -> Self {
        let answers = ["1xx", "2xx", "3xx", "4xx", "5xx"]
            .map(|status| counter!("onsale_http_answers", "status" => status));
        let seconds = ["hold", "checkout", "seats", "other"]
            .map(|kind| histogram!("onsale_http_answer_seconds", "kind" => kind));
        Self { answers, seconds }
    }

    fn note(&self, kind: Kind, status: StatusCode, began: Instant) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(counter) = self.answers.get(class) {
            counter.increment(1);
        }
        self.seconds[kind as usize].record(began.elapsed());
    }
}

/// Request ids: unlike any other process's, and cheap.
struct RequestIds {
    prefix: u64,
    next: AtomicU64,
}

impl RequestIds {
    fn new() -> Self {
        let prefix = u64::from_be_bytes(crate::clock::random_bytes());
        Self {
            prefix,
            next: AtomicU64::new(0),
        }
    }

    fn next(&self) -> RequestId {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut text = [0; 24];
        for (i, digit) in text[..14].iter_mut().enumerate() {
            *digit = HEX[(self.prefix >> (4 * i) & 15) as usize];
        }
        for (i, digit) in text[14..].iter_mut().enumerate() {
            *digit = HEX[(number >> (4 * (9 - i)) & 15) as usize];
        }
        RequestId::new(text)
    }
}

/// Counts a request for as long as it is being answered.
struct InFlight<'a>(&'a AtomicUsize);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Edge {
    /// Puts the edge around `router`. What everybody polls of `rooms` is answered before it: routing
    /// would cost more than the answer.
    #[must_use]
    pub fn new(router: Router, rooms: WaitingRooms, settings: Settings, slips: SlipKey) -> Self {
        let governor = settings.rate.and_then(|rate| {
            GovernorConfigBuilder::default()
                .key_extractor(ByCaller)
                .period(Duration::from_secs(1) / rate.per_second.get())
                .burst_size(rate.burst.get())
                .finish()
        });
        let router = match &settings.traces {
            Some(spans) => taking_slips(router, spans.clone(), slips.clone())
                .route_layer(axum::middleware::from_fn(leave_route)),
            None => router,
        };
        let inner = match &governor {
            Some(config) => {
                Inner::Limited(Governor::new(router, config).error_handler(|error| refused(&error)))
            }
            None => Inner::Free(router),
        };
        let shared = Shared {
            settings,
            rooms,
            governor,
            in_flight: AtomicUsize::new(0),
            draining: AtomicBool::new(false),
            request_id: RequestIds::new(),
            seen: Seen::new(),
            slips,
        };
        Self {
            inner,
            shared: Arc::new(shared),
        }
    }

    /// The limits in force.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// From now on connections are closed after their answer.
    pub fn start_draining(&self) {
        self.shared.draining.store(true, Ordering::Relaxed);
    }

    /// Forgets addresses that have been quiet: their allowance is full again anyway.
    pub fn forget_quiet_callers(&self) {
        if let Some(governor) = &self.shared.governor {
            governor.limiter().retain_recent();
        }
    }

    /// Answers one request of `peer`.
    pub async fn answer(&self, request: Request<Body>, peer: IpAddr) -> Response<Body> {
        let request_id = self.shared.request_id.next();
        let parent = Parent::of(request.headers());
        let context = Context::new(request_id, parent);
        let settings = &self.shared.settings;
        let traced = settings.traces.as_ref().and_then(|spans| {
            let proxies = &settings.trusted_proxies;
            let from_proxy = || is_trusted(proxies, peer.to_canonical());
            Traced::begin(spans, &context, parent, &request, from_proxy)
        });
        let context = match &traced {
            Some(traced) => traced.context().clone(),
            None => context,
        };
        let answering = self.answer_as(request_id, request, peer);
        let mut response = trace::within(Some(context), answering).await;
        if let Some(traced) = traced {
            traced.end(&mut response, &self.shared.slips);
        }
        response
    }

    async fn answer_as(
        &self,
        request_id: RequestId,
        mut request: Request<Body>,
        peer: IpAddr,
    ) -> Response<Body> {
        let began = Instant::now();
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let shared = &*self.shared;
        let caller = caller(request.headers(), peer, &shared.settings.trusted_proxies);
        let mut new = None;

        let mut response = if is_cross_site(request.method(), request.headers()) {
            ApiError::CrossSite.into_response()
        } else if OF_THE_MACHINE.contains(&uri.path())
            && !shared.settings.metrics_open
            && !is_of_this_machine(request.headers(), peer, caller)
        {
            ApiError::NotFound.into_response()
        } else {
            let before = shared.in_flight.fetch_add(1, Ordering::Relaxed);
            let _in_flight = InFlight(&shared.in_flight);
            if before >= shared.settings.max_requests {
                ApiError::Busy { retry_after_s: 1 }.into_response()
            } else if let Some(response) = self.polled(&request, caller) {
                response
            } else {
                let visit = Visit::of(request.headers(), caller.address, caller.secure);
                if let Session::New(_) = visit.session {
                    new = Some(visit.session.clone());
                }
                request.extensions_mut().insert(visit);
                let Ok(response): Result<_, Infallible> = match self.inner.clone() {
                    Inner::Limited(mut inner) => inner.call(request).await,
                    Inner::Free(mut inner) => inner.call(request).await,
                };
                response
            }
        };

        let kind = Kind::of(&method, uri.path());
        shared.seen.note(kind, response.status(), began);
        let status = response.status().as_u16();
        tracing::debug!(%method, path = uri.path(), status, "answered");
        if let Some(fault) = response.extensions().get::<ForTheLog>() {
            let fault = fault.text();
            tracing::error!(%method, path = uri.path(), status, fault, "failed");
        }

        let headers = response.headers_mut();
        // Once, and not twice on the way.
        headers.reserve(8);
        if let Some(cookie) = new.and_then(|session| session.cookie()) {
            headers.append(SET_COOKIE, cookie);
        }
        if let Ok(request_id) = HeaderValue::from_str(request_id.as_str()) {
            headers.insert(&X_REQUEST_ID, request_id);
        }
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(
            &CROSS_ORIGIN_RESOURCE_POLICY,
            HeaderValue::from_static("same-origin"),
        );
        // What nobody says anything about is a fan's own business, or out of date at once.
        headers
            .entry(CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-store"));
        if caller.secure {
            headers.insert(
                STRICT_TRANSPORT_SECURITY,
                HeaderValue::from_static("max-age=31536000"),
            );
        }
        if shared.draining.load(Ordering::Relaxed) {
            headers.insert(
                axum::http::header::CONNECTION,
                HeaderValue::from_static("close"),
            );
        }
        // Pages bring a policy of their own; everything else may do nothing at all.
        if let axum::http::header::Entry::Vacant(entry) = headers.entry(CONTENT_SECURITY_POLICY) {
            entry.insert(HeaderValue::from_static(
                "default-src 'none'; frame-ancestors 'none'",
            ));
        } else {
            headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
            headers.insert(
                &CROSS_ORIGIN_OPENER_POLICY,
                HeaderValue::from_static("same-origin"),
            );
            headers.insert(
                &PERMISSIONS_POLICY,
                HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=()"),
            );
        }
        response
    }
}

impl Edge {
    /// The public document of a room, within the same limits as everything else.
    fn polled(&self, request: &Request<Body>, caller: Caller) -> Option<Response<Body>> {
        let room = rooms::read::polled(request)?;
        if let Some(governor) = &self.shared.governor {
            let key = limited_as(caller.address);
            if let Err(not_until) = governor.limiter().check_key(&key) {
                let wait = not_until.wait_time_from(DefaultClock::default().now());
                let retry_after_s = wait.as_secs();
                return Some(ApiError::TooManyRequests { retry_after_s }.into_response());
            }
        }
        let document = rooms::read::document(&self.shared.rooms, room, request.headers());
        Some(document.unwrap_or_else(IntoResponse::into_response))
    }
}

/// The limiter's "no" as a problem document.
fn refused(error: &GovernorError) -> Response<Body> {
    match error {
        GovernorError::TooManyRequests { wait_time, .. } => ApiError::TooManyRequests {
            retry_after_s: *wait_time,
        },
        GovernorError::UnableToExtractKey | GovernorError::Other { .. } => {
            ApiError::Internal(super::problem::Inside::text("a request without a caller"))
        }
    }
    .into_response()
}

/// Who is asking. Only the *rightmost* forwarded address is believed, and only from a trusted
/// proxy: everything to the left of it is what the caller itself wrote.
fn caller(headers: &HeaderMap, peer: IpAddr, trusted: &[Network]) -> Caller {
    let peer = peer.to_canonical();
    if !is_trusted(trusted, peer) {
        return Caller {
            address: peer,
            secure: false,
        };
    }
    let forwarded = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|address| address.trim().parse::<IpAddr>().ok())
        .rfind(|address| !is_trusted(trusted, *address));
    let plain = headers
        .get("x-forwarded-proto")
        .is_some_and(|scheme| scheme == "http");
    Caller {
        address: forwarded.unwrap_or(peer).to_canonical(),
        secure: !plain,
    }
}

fn is_trusted(proxies: &[Network], address: IpAddr) -> bool {
    proxies.iter().any(|network| network.contains(address))
}

/// Whether a program on this machine asks. A proxy on this machine that is not trusted looks like
/// one, but for the headers that proxies write.
fn is_of_this_machine(headers: &HeaderMap, peer: IpAddr, caller: Caller) -> bool {
    let is_forwarded = ["x-forwarded-for", "forwarded", "x-real-ip", "via"]
        .iter()
        .any(|name| headers.contains_key(*name));
    let is_direct = caller.address == peer.to_canonical();
    caller.address.is_loopback() && !(is_direct && is_forwarded)
}

/// Whether another site's page asks for a change. Browsers say so themselves (`Sec-Fetch-Site`);
/// older ones at least name the `Origin`. Programs send neither and carry no cookie of a person.
fn is_cross_site(method: &Method, headers: &HeaderMap) -> bool {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return false;
    }
    if let Some(site) = headers.get(&SEC_FETCH_SITE) {
        return site != "same-origin" && site != "none";
    }
    let Some(origin) = headers.get(ORIGIN) else {
        return false;
    };
    let (Ok(origin), Some(Ok(host))) =
        (origin.to_str(), headers.get(HOST).map(HeaderValue::to_str))
    else {
        return true;
    };
    origin
        .split_once("://")
        .is_none_or(|(_, authority)| !authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        headers
    }

    const PROXY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

    #[test]
    fn a_stranger_cannot_claim_another_address() {
        let forged = headers(&[
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-proto", "https"),
        ]);
        let stranger: IpAddr = "192.0.2.7".parse().unwrap();
        let seen = caller(&forged, stranger, &[PROXY.into()]);
        assert_eq!(
            seen,
            Caller {
                address: stranger,
                secure: false
            }
        );
    }

    #[test]
    fn of_a_trusted_proxys_list_only_the_last_stranger_counts() {
        let list = headers(&[("x-forwarded-for", "1.1.1.1, 203.0.113.9, 10.0.0.1")]);
        assert_eq!(
            caller(&list, PROXY, &[PROXY.into()]).address.to_string(),
            "203.0.113.9"
        );
        assert!(caller(&list, PROXY, &[PROXY.into()]).secure);
    }

    #[test]
    fn a_change_from_another_site_is_cross_site() {
        let post = Method::POST;
        for site in ["cross-site", "same-site"] {
            let mut given = headers(&[]);
            given.insert("sec-fetch-site", HeaderValue::from_static(site));
            assert!(is_cross_site(&post, &given), "{site}");
            assert!(!is_cross_site(&Method::GET, &given), "{site}");
        }
        assert!(!is_cross_site(
            &post,
            &headers(&[("sec-fetch-site", "same-origin")])
        ));
        let own = headers(&[
            ("origin", "http://localhost:8080"),
            ("host", "localhost:8080"),
        ]);
        assert!(!is_cross_site(&post, &own));
        let other = headers(&[
            ("origin", "http://evil.example"),
            ("host", "localhost:8080"),
        ]);
        assert!(is_cross_site(&post, &other));
        assert!(is_cross_site(
            &post,
            &headers(&[("origin", "null"), ("host", "localhost")])
        ));
        assert!(
            !is_cross_site(&post, &headers(&[])),
            "programs send neither"
        );
    }

    #[test]
    fn request_ids_differ() {
        let ids = RequestIds::new();
        assert_ne!(ids.next(), ids.next());
        assert_ne!(RequestIds::new().next(), RequestIds::new().next());
    }
}
