//! `GET /performances/{id}/seats` and `GET /performances/{id}/feed`: the seats as they go.

use super::encoded::{Effort, Encoded, wants_json};
use super::problem::{ApiError, Inside};
use super::schema;
use super::state::AppState;
use super::{Path, Query};
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Response};
use booking_core::{PerformanceId, PublicView, SeatIx};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

/// Snapshots whose position is still the latest, so that a crowd asking at once is served from one:
/// written and compressed once a position, by whoever comes first, while the others wait for it.
#[derive(Default)]
pub struct Snapshots {
    kept: Mutex<HashMap<Key, Arc<Kept>>>,
}

/// Whose seats, and whether as JSON.
type Key = (PerformanceId, bool);

/// The snapshot at a position.
struct Kept {
    seq: u64,
    made: OnceCell<Arc<Encoded>>,
}

impl Snapshots {
    /// The snapshot at `seq` or later.
    async fn get<F>(
        &self,
        key: Key,
        seq: u64,
        make: impl FnOnce() -> F,
    ) -> Result<Arc<Encoded>, ApiError>
    where
        F: Future<Output = Result<Encoded, ApiError>>,
    {
        let kept = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            match kept.get(&key) {
                Some(kept) if kept.seq >= seq => Arc::clone(kept),
                Some(_) | None => {
                    let made = OnceCell::new();
                    let new = Arc::new(Kept { seq, made });
                    kept.insert(key, Arc::clone(&new));
                    new
                }
            }
        };
        let made = kept
            .made
            .get_or_try_init(|| async { make().await.map(Arc::new) });
        made.await.cloned()
    }
}

/// Every seat's status, compact; as JSON where that is asked for.
#[utoipa::path(get, path = "/api/v1/performances/{id}/seats", tag = "live",
    params(("id" = uuid::Uuid, Path,)),
    responses(
        (status = 200, body = schema::Seats, content_type = "application/json"),
        (status = 304, description = "nothing has changed"),
        (status = 404, body = schema::Problem)))]
pub async fn snapshot(
    State(state): State<AppState>,
    Path(id): Path<PerformanceId>,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let live = state.lanes.live(id).await?;
    let json = wants_json(&headers);
    let seq = live.seq();
    let made = state.snapshots.get((id, json), seq, || async move {
        // On a thread that serves nobody else.
        let made = tokio::task::spawn_blocking(move || encoded(&live.view(), json));
        made.await
            .map_err(|error| ApiError::Internal(Inside::new(&error)))?
    });
    Ok(made.await?.answer(&headers))
}

fn encoded(view: &PublicView, json: bool) -> Result<Encoded, ApiError> {
    let (bytes, kind) = if json {
        (json_of(view)?, "application/json")
    } else {
        (view.encode(), "application/vnd.onsale.seats")
    };
    let etag = view.seq().to_string();
    Ok(Encoded::new(bytes, kind, &etag, "no-cache", Effort::Quick).pressed())
}

fn json_of(view: &PublicView) -> Result<Vec<u8>, ApiError> {
    let seats = (0..view.seat_count())
        .map(|seat| char::from(b'0' + view.status(SeatIx(seat)) as u8))
        .collect();
    let body = schema::Seats {
        seq: view.seq(),
        seats,
        areas_left: view.areas_left().to_vec(),
    };
    serde_json::to_vec(&body).map_err(|error| ApiError::Internal(Inside::new(&error)))
}

/// Where a listener wants to begin.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct From {
    /// Ledger position of the snapshot; `Last-Event-ID` goes before it.
    from: Option<u64>,
}

/// Changes as they happen: server-sent events `delta` and `reset`.
#[utoipa::path(get, path = "/api/v1/performances/{id}/feed", tag = "live",
    params(("id" = uuid::Uuid, Path,), From),
    responses(
        (status = 200, body = String, content_type = "text/event-stream"),
        (status = 404, body = schema::Problem)))]
pub async fn feed(
    State(state): State<AppState>,
    Path(id): Path<PerformanceId>,
    Query(query): Query<From>,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let resumed = match headers.get("last-event-id") {
        None => None,
        Some(value) => Some(
            value
                .to_str()
                .ok()
                .and_then(|text| text.trim().parse().ok())
                .ok_or_else(|| ApiError::malformed("last-event-id", "not a ledger position"))?,
        ),
    };
    let stream = state.feeds.listen(id, resumed.or(query.from)).await?;
    let mut response = Response::new(Body::from_stream(stream));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("no-cache, no-transform"),
    );
    // Proxies of one common kind gather answers unless told not to.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    const KEY: Key = (PerformanceId::from_u128(1), false);

    fn sample(seq: u64) -> Encoded {
        Encoded::new(
            vec![0; 10],
            "x/y",
            &seq.to_string(),
            "no-cache",
            Effort::Quick,
        )
    }

    #[tokio::test]
    async fn however_many_ask_at_once_a_position_is_made_once() {
        let snapshots = Snapshots::default();
        let made = AtomicU32::new(0);
        let (snapshots, made) = (&snapshots, &made);
        let ask = |seq| {
            snapshots.get(KEY, seq, move || async move {
                made.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                Ok(sample(seq))
            })
        };
        let crowd = futures_util::future::join_all((0..50).map(|_| ask(7))).await;
        let first = crowd[0].as_ref().unwrap();
        assert!(crowd.iter().flatten().all(|one| Arc::ptr_eq(one, first)));
        assert_eq!(made.load(Ordering::Relaxed), 1);
        ask(8).await.unwrap();
        // Who comes late with an earlier position gets the later one.
        ask(7).await.unwrap();
        assert_eq!(made.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn one_that_could_not_be_made_is_made_by_the_next() {
        let snapshots = Snapshots::default();
        let failed = snapshots.get(KEY, 1, || async { Err(ApiError::NotFound) });
        assert!(failed.await.is_err());
        assert!(
            snapshots
                .get(KEY, 1, || async { Ok(sample(1)) })
                .await
                .is_ok()
        );
    }
}
