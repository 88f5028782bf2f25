//! `/operator/rooms`, `/operator/rooms/{id}`, `/operator/rooms/{id}/performances/{performance_id}`

use super::{NotAnOperator, OfARoom, Unreadable};
use crate::http::accounts_who::Operator;
use crate::http::problem::ApiError;
use crate::http::{AppState, Json, Path, schema};
use crate::rooms::{Detail, NewRoom, Patch, Purchase};
use axum::extract::State;
use axum::http::StatusCode;
use booking_core::PerformanceId;
use onsale_queue::RoomId;
use onsale_queue::wire::RoomSettings;
use serde_json::{Map, Value};

/// Every room.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Rooms {
    #[schema(value_type = Vec<Object>)]
    rooms: Vec<Detail>,
}

/// A room to make.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MakeRoom {
    /// `RoomSettings` of onsale-queue; members that are left out have their defaults.
    #[schema(value_type = Object)]
    settings: RoomSettings,
    #[serde(default)]
    #[schema(value_type = Vec<uuid::Uuid>)]
    performances: Vec<PerformanceId>,
    #[serde(default)]
    authority: Purchase,
}

/// What is to change.
#[derive(Debug, Default, serde::Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ChangeRoom {
    /// Only if nobody changed it since.
    expected_version: Option<u64>,
    /// Members of `RoomSettings` that change.
    #[schema(value_type = Object)]
    settings: Map<String, Value>,
    authority: Option<Purchase>,
}

/// Every room, in the order in which they were made.
#[utoipa::path(get, path = "/api/v1/operator/rooms", tag = "operator",
    responses(
        (status = 200, body = Rooms),
        NotAnOperator))]
pub async fn list(
    State(state): State<AppState>,
    _: Operator,
) -> Result<axum::Json<Rooms>, ApiError> {
    let rooms = state.rooms.details()?;
    Ok(axum::Json(Rooms { rooms }))
}

/// Rooms that were removed.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct RemovedRooms {
    rooms: Vec<RemovedBody>,
}

/// A room that was removed. Its log is where it was.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = RemovedRoom)]
pub struct RemovedBody {
    #[schema(value_type = String)]
    id: RoomId,
    name: String,
    made_ms: i64,
    removed_ms: i64,
    removed_by: String,
}

/// The rooms that were removed last, last first, at most 200. Their logs can still be read.
#[utoipa::path(get, path = "/api/v1/operator/rooms/removed", tag = "operator",
    responses(
        (status = 200, body = RemovedRooms),
        NotAnOperator))]
pub async fn removed(
    State(state): State<AppState>,
    _: Operator,
) -> Result<axum::Json<RemovedRooms>, ApiError> {
    let removed = state.rooms.removed().await?.into_iter();
    let rooms = removed.map(|room| RemovedBody {
        id: RoomId(room.room),
        name: room.name,
        made_ms: room.made_ms,
        removed_ms: room.removed_ms,
        removed_by: room.removed_by,
    });
    Ok(axum::Json(RemovedRooms {
        rooms: rooms.collect(),
    }))
}

/// Make a room.
#[utoipa::path(post, path = "/api/v1/operator/rooms", tag = "operator",
    request_body = MakeRoom,
    responses(
        (status = 201, body = Object),
        (status = 409, body = schema::Problem, description = "`performance_protected`"),
        NotAnOperator,
        Unreadable))]
pub async fn make(
    State(state): State<AppState>,
    Operator(operator): Operator,
    Json(wish): Json<MakeRoom>,
) -> Result<(StatusCode, axum::Json<Detail>), ApiError> {
    let new = NewRoom {
        settings: wish.settings,
        performances: wish.performances,
        authority: wish.authority,
        demo: false,
    };
    let made = state.rooms.make(new, &operator.email).await?;
    Ok((StatusCode::CREATED, axum::Json(made)))
}

/// One room.
#[utoipa::path(get, path = "/api/v1/operator/rooms/{id}", tag = "operator",
    params(("id" = String, Path)),
    responses(
        (status = 200, body = Object),
        NotAnOperator,
        OfARoom))]
pub async fn show(
    State(state): State<AppState>,
    _: Operator,
    Path(room): Path<RoomId>,
) -> Result<axum::Json<Detail>, ApiError> {
    Ok(axum::Json(state.rooms.detail(room)?))
}

/// Change what a room is set to.
#[utoipa::path(patch, path = "/api/v1/operator/rooms/{id}", tag = "operator",
    params(("id" = String, Path)), request_body = ChangeRoom,
    responses(
        (status = 200, body = Object),
        (status = 409, body = schema::Problem, description = "`room_changed`, `draw_announced`"),
        NotAnOperator,
        OfARoom))]
pub async fn change(
    State(state): State<AppState>,
    Operator(operator): Operator,
    Path(room): Path<RoomId>,
    Json(wish): Json<ChangeRoom>,
) -> Result<axum::Json<Detail>, ApiError> {
    let patch = Patch {
        expected_version: wish.expected_version,
        settings: wish.settings,
        authority: wish.authority,
    };
    let detail = state.rooms.patch(room, patch, &operator.email).await?;
    Ok(axum::Json(detail))
}

/// Remove a room that is not on.
#[utoipa::path(delete, path = "/api/v1/operator/rooms/{id}", tag = "operator",
    params(("id" = String, Path)),
    responses(
        (status = 204, description = "gone"),
        (status = 409, body = schema::Problem, description = "`room_on`"),
        NotAnOperator,
        OfARoom))]
pub async fn remove(
    State(state): State<AppState>,
    Operator(operator): Operator,
    Path(room): Path<RoomId>,
) -> Result<StatusCode, ApiError> {
    state.rooms.remove(room, &operator.email).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Put a performance behind a room.
#[utoipa::path(put, path = "/api/v1/operator/rooms/{id}/performances/{performance_id}",
    tag = "operator",
    params(("id" = String, Path), ("performance_id" = uuid::Uuid, Path)),
    responses(
        (status = 200, body = Object),
        (status = 409, body = schema::Problem, description = "`performance_protected`"),
        NotAnOperator,
        OfARoom))]
pub async fn protect(
    State(state): State<AppState>,
    Operator(operator): Operator,
    Path((room, performance)): Path<(RoomId, PerformanceId)>,
) -> Result<axum::Json<Detail>, ApiError> {
    let rooms = &state.rooms;
    let detail = rooms.protect(room, performance, &operator.email).await?;
    Ok(axum::Json(detail))
}

/// Take a performance away from behind a room.
#[utoipa::path(delete, path = "/api/v1/operator/rooms/{id}/performances/{performance_id}",
    tag = "operator",
    params(("id" = String, Path), ("performance_id" = uuid::Uuid, Path)),
    responses(
        (status = 200, body = Object),
        NotAnOperator,
        OfARoom))]
pub async fn unprotect(
    State(state): State<AppState>,
    Operator(operator): Operator,
    Path((room, performance)): Path<(RoomId, PerformanceId)>,
) -> Result<axum::Json<Detail>, ApiError> {
    let rooms = &state.rooms;
    let detail = rooms.unprotect(room, performance, &operator.email).await?;
    Ok(axum::Json(detail))
}
