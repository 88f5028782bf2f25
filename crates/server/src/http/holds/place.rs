//! `POST /performances/{id}/holds`

use super::{HoldAnswer, send};
use crate::http::problem::ApiError;
use crate::http::{AppState, Fan, Json, Path, RoomDoor, schema};
use axum::extract::State;
use axum::http::StatusCode;
use booking_core::{Command, CommandId, HoldId, PerformanceId};

/// A wish for places. Both ids are made by the client.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceHold {
    #[schema(value_type = uuid::Uuid)]
    command_id: CommandId,
    #[schema(value_type = uuid::Uuid)]
    hold_id: HoldId,
    request: schema::SeatRequest,
    /// Whether this fan needs accessible seats.
    #[serde(default)]
    needs_accessible: bool,
}

/// Claim places for a while.
#[utoipa::path(post, path = "/api/v1/performances/{id}/holds", tag = "holding",
    params(("id" = uuid::Uuid, Path,), ("onsale-admission" = Option<String>, Header,)), request_body = PlaceHold,
    responses(
        (status = 201, body = HoldAnswer),
        (status = 400, body = schema::Problem),
        (status = 403, body = schema::Problem, description = "a waiting room is on"),
        (status = 404, body = schema::Problem),
        (status = 409, body = schema::Problem, description = "a business \"no\""),
        (status = 503, body = schema::Problem)))]
pub async fn place(
    State(state): State<AppState>,
    Path(performance): Path<PerformanceId>,
    Fan(fan): Fan,
    door: RoomDoor,
    Json(wish): Json<PlaceHold>,
) -> Result<(StatusCode, axum::Json<HoldAnswer>), ApiError> {
    let (request, _alone) = door
        .hold(&state, performance, wish.hold_id, wish.request.into())
        .await?;
    let command = Command::PlaceHold {
        hold: wish.hold_id,
        fan,
        request,
        needs_accessible: wish.needs_accessible,
        allocation: None,
    };
    let sent = send(&state, performance, wish.command_id, command, wish.hold_id);
    Ok((StatusCode::CREATED, sent.await?))
}
