//! `GET /rooms/{id}`, `GET /rooms/keys`, `GET /rooms/{id}/challenge`

use crate::http::problem::{ApiError, Inside};
use crate::http::{AppState, Path, schema};
use crate::rooms::WaitingRooms;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response};
use axum::response::IntoResponse;
use onsale_queue::RoomId;

/// Public keys.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct RoomKeys {
    /// Ed25519, 32 bytes each in hexadecimal, newest first.
    keys: Vec<String>,
}

/// Something to work on.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct ChallengeBody {
    /// Zero bits the hash has to begin with; 0: nothing is asked.
    bits: u8,
    challenge: Option<String>,
    /// When it is too late.
    expires_ms: Option<i64>,
}

/// A room, the same for everybody: `PublicRoom` of onsale-queue with `performances` and `demo`.
#[utoipa::path(get, path = "/api/v1/rooms/{id}", tag = "rooms",
    params(("id" = String, Path, description = "32 hexadecimal digits")),
    responses(
        (status = 200, body = Object),
        (status = 304, description = "nothing but the time has changed"),
        (status = 400, body = schema::Problem),
        (status = 404, body = schema::Problem)))]
pub async fn show(
    State(state): State<AppState>,
    Path(room): Path<RoomId>,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    document(&state.rooms, room, &headers)
}

/// Which room's document a request is for, where it is plainly one of those that everybody polls: of
/// a hundred requests of a rush ninety are, and they are answered before anything looks for a route.
pub fn polled<B>(request: &Request<B>) -> Option<RoomId> {
    if *request.method() != Method::GET {
        return None;
    }
    let id = request.uri().path().strip_prefix("/api/v1/rooms/")?;
    // Written in another way it is one all the same, and goes by its route.
    (id.len() == 2 * size_of::<RoomId>()).then(|| id.parse().ok())?
}

/// The room's document for a request with these headers.
pub fn document(
    rooms: &WaitingRooms,
    room: RoomId,
    headers: &HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let entry = rooms.entry(room)?;
    let public = rooms.public(room)?;
    let document = entry
        .document(&public)
        .map_err(|error| ApiError::Internal(Inside::new(&error)))?;
    Ok(document.answer(headers))
}

/// The keys that passes and admissions are checked with.
#[utoipa::path(get, path = "/api/v1/rooms/keys", tag = "rooms",
    responses((status = 200, body = RoomKeys)))]
pub async fn keys(State(state): State<AppState>) -> Response<Body> {
    let keys = state.rooms.public_keys().iter();
    let body = RoomKeys {
        keys: keys.map(|key| crate::catalogue::hex(key)).collect(),
    };
    let cache = HeaderValue::from_static("public, max-age=60");
    ([(CACHE_CONTROL, cache)], axum::Json(body)).into_response()
}

/// A proof of work to be done before joining.
#[utoipa::path(get, path = "/api/v1/rooms/{id}/challenge", tag = "rooms",
    params(("id" = String, Path)),
    responses(
        (status = 200, body = ChallengeBody),
        (status = 400, body = schema::Problem),
        (status = 404, body = schema::Problem)))]
pub async fn challenge(
    State(state): State<AppState>,
    Path(room): Path<RoomId>,
) -> Result<Response<Body>, ApiError> {
    let challenge = state.rooms.challenge(room)?;
    let body = ChallengeBody {
        bits: challenge.as_ref().map_or(0, |(_, one)| one.bits),
        expires_ms: challenge.as_ref().map(|(_, one)| one.expires_ms),
        challenge: challenge.map(|(text, _)| text),
    };
    let cache = HeaderValue::from_static("no-store");
    Ok(([(CACHE_CONTROL, cache)], axum::Json(body)).into_response())
}
