//! `/operator/rooms/{id}/figures`, `…/log`, `…/inside` and `…/feed`: what a console shows.

use super::{NotAnOperator, OfARoom};
use crate::accounts::Account;
use crate::http::accounts_who::Operator;
use crate::http::problem::ApiError;
use crate::http::{AppState, Path, Query};
use crate::rooms::Detail;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, Response};
use bytes::Bytes;
use futures_util::stream;
use onsale_queue::room::port::{AUDIT_KEPT, FIGURES_KEPT};
use onsale_queue::wire::{AuditEntry, Figures, PublicRoom};
use onsale_queue::{RoomId, VisitorId};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Points shown where nothing is said: a quarter of an hour.
const POINTS: u32 = 90;
/// Lines and shoppers shown where nothing is said.
const LINES: u32 = 100;
/// Most shoppers shown.
const MOST_INSIDE: u32 = 1_000;
/// Lines of the log that one look at it may bring.
const NEW_LINES: u32 = 50;
/// A feed without news says so after this.
const COMMENT_AFTER: Duration = Duration::from_secs(15);
/// How often it is looked at whether the operator is still one.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// How many.
#[derive(Debug, Default, serde::Deserialize, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Most {
    /// At most so many.
    limit: Option<u32>,
}

impl Most {
    fn within(&self, default: u32, most: usize) -> Result<u32, ApiError> {
        let limit = self.limit.unwrap_or(default);
        if limit == 0 || limit as usize > most {
            let what = format!("limit: {limit} is not between 1 and {most}");
            return Err(ApiError::malformed("query", what));
        }
        Ok(limit)
    }
}

/// Points of graphs.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Series {
    /// Between two points.
    interval_ms: i64,
    #[schema(value_type = Object)]
    now: Figures,
    /// Oldest first.
    #[schema(value_type = Vec<Object>)]
    points: Vec<Figures>,
}

/// Lines of the log.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Log {
    /// Newest first.
    #[schema(value_type = Vec<Object>)]
    entries: Vec<AuditEntry>,
}

/// Who is inside.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct InsideBody {
    inside: Vec<ShopperBody>,
    /// All of them.
    active: u32,
}

/// A shopper.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = Shopper)]
pub struct ShopperBody {
    #[schema(value_type = String)]
    visitor: VisitorId,
    /// `turn` or `code`
    by: &'static str,
    issued_ms: i64,
    expires_ms: i64,
}

/// What graphs show: counts and levels, one point in ten seconds.
#[utoipa::path(get, path = "/api/v1/operator/rooms/{id}/figures", tag = "operator",
    params(("id" = String, Path), Most),
    responses(
        (status = 200, body = Series),
        NotAnOperator,
        OfARoom))]
pub async fn figures(
    State(state): State<AppState>,
    _: Operator,
    Path(room): Path<RoomId>,
    Query(most): Query<Most>,
) -> Result<axum::Json<Series>, ApiError> {
    let limit = most.within(POINTS, FIGURES_KEPT)?;
    let (points, now) = state.rooms.figures(room, limit).await?;
    Ok(axum::Json(Series {
        interval_ms: onsale_queue::room::pulse::INTERVAL_MS,
        now,
        points,
    }))
}

/// Who did what when, newest first.
#[utoipa::path(get, path = "/api/v1/operator/rooms/{id}/log", tag = "operator",
    params(("id" = String, Path), Most),
    responses(
        (status = 200, body = Log),
        NotAnOperator,
        OfARoom))]
pub async fn log(
    State(state): State<AppState>,
    _: Operator,
    Path(room): Path<RoomId>,
    Query(most): Query<Most>,
) -> Result<axum::Json<Log>, ApiError> {
    let limit = most.within(LINES, AUDIT_KEPT)?;
    let entries = state.rooms.log(room, limit).await?;
    Ok(axum::Json(Log { entries }))
}

/// Who is in the shop.
#[utoipa::path(get, path = "/api/v1/operator/rooms/{id}/inside", tag = "operator",
    params(("id" = String, Path), Most),
    responses(
        (status = 200, body = InsideBody),
        NotAnOperator,
        OfARoom))]
pub async fn inside(
    State(state): State<AppState>,
    _: Operator,
    Path(room): Path<RoomId>,
    Query(most): Query<Most>,
) -> Result<axum::Json<InsideBody>, ApiError> {
    let limit = most.within(LINES, MOST_INSIDE as usize)?;
    let inside = state.rooms.inside(room, limit).await?;
    let shopper = |one: onsale_queue::room::port::Shopper| ShopperBody {
        visitor: one.visitor,
        by: if one.slot.is_bypass() { "code" } else { "turn" },
        issued_ms: one.issued_ms,
        expires_ms: one.expires_ms,
    };
    Ok(axum::Json(InsideBody {
        active: state.rooms.detail(room)?.figures.active,
        inside: inside.into_iter().map(shopper).collect(),
    }))
}

/// The room as it changes: server-sent events `room` and `log`.
#[utoipa::path(get, path = "/api/v1/operator/rooms/{id}/feed", tag = "operator",
    params(("id" = String, Path)),
    responses(
        (status = 200, body = String, content_type = "text/event-stream"),
        NotAnOperator,
        OfARoom))]
pub async fn feed(
    State(state): State<AppState>,
    Operator(operator): Operator,
    Path(room): Path<RoomId>,
) -> Result<Response<Body>, ApiError> {
    state.rooms.detail(room)?;
    let newest = state.rooms.log(room, 1).await?.pop();
    let console = Console {
        beats: state.rooms.beats(),
        stopped: state.rooms.stopped(),
        state,
        room,
        operator,
        asked: Instant::now(),
        shown: None,
        newest,
        ready: VecDeque::new(),
    };
    let events = stream::unfold(console, |mut console| async move {
        let chunk = console.next().await?;
        Some((Ok::<_, Infallible>(chunk), console))
    });
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("no-cache, no-transform"),
    );
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// One console that looks on.
struct Console {
    state: AppState,
    room: RoomId,
    operator: Arc<Account>,
    asked: Instant,
    beats: watch::Receiver<u64>,
    stopped: watch::Receiver<bool>,
    /// What it shows, without the time.
    shown: Option<Detail>,
    /// The newest line it knows.
    newest: Option<AuditEntry>,
    ready: VecDeque<Bytes>,
}

fn event<T: serde::Serialize>(name: &str, data: &T) -> Option<Bytes> {
    let data = serde_json::to_string(data).ok()?;
    Some(Bytes::from(format!("event: {name}\ndata: {data}\n\n")))
}

/// The same at another moment: the time alone is no news.
fn timeless(detail: &Detail) -> Detail {
    Detail {
        figures: Figures {
            at_ms: 0,
            ..detail.figures
        },
        public: Arc::new(PublicRoom {
            now_ms: 0,
            ..(*detail.public).clone()
        }),
        ..detail.clone()
    }
}

impl Console {
    /// The next chunk; `None`: the server stops, the room is gone, or the operator is none any more.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return Some(chunk);
            }
            if self.shown.is_some() {
                tokio::select! {
                    beat = self.beats.changed() => beat.ok()?,
                    _ = self.stopped.wait_for(|stopped| *stopped) => return None,
                    () = tokio::time::sleep(COMMENT_AFTER) => {
                        return Some(Bytes::from_static(b":\n\n"));
                    }
                }
            }
            if self.asked.elapsed() >= ASK_AGAIN && !self.is_still_operator().await {
                return None;
            }
            self.look().await?;
        }
    }

    async fn is_still_operator(&mut self) -> bool {
        self.asked = Instant::now();
        match self.state.accounts.find(self.operator.session).await {
            Ok(Some(account)) => account.role == self.operator.role,
            Ok(None) => false,
            // The database is slow to answer: no reason to go dark.
            Err(_) => true,
        }
    }

    async fn look(&mut self) -> Option<()> {
        let detail = self.state.rooms.detail(self.room).ok()?;
        let without_time = timeless(&detail);
        if self.shown.as_ref() == Some(&without_time) {
            return Some(());
        }
        let is_first = self.shown.is_none();
        self.shown = Some(without_time);
        self.ready.extend(event("room", &detail));
        if is_first {
            return Some(());
        }
        // A store that is away has no log to show; the next change tries again.
        let lines = self.state.rooms.log(self.room, NEW_LINES).await;
        let lines = lines.unwrap_or_default();
        let known = lines
            .iter()
            .position(|line| Some(line) == self.newest.as_ref());
        let new = &lines[..known.unwrap_or(lines.len())];
        for line in new.iter().rev() {
            self.ready.extend(event("log", line));
        }
        if let Some(newest) = lines.first() {
            self.newest = Some(newest.clone());
        }
        Some(())
    }
}
