//! `PATCH /performances/{id}/holds/{hold_id}`

use super::{HoldAnswer, send};
use crate::http::problem::ApiError;
use crate::http::{AppState, Json, Mine, Path, RoomDoor, schema};
use axum::extract::State;
use booking_core::{Command, CommandId, HoldId, PerformanceId};

/// Places to add and to give back.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeHold {
    #[schema(value_type = uuid::Uuid)]
    command_id: CommandId,
    #[serde(default)]
    add: Vec<schema::Place>,
    #[serde(default)]
    remove: Vec<schema::Place>,
    /// Whether this fan needs accessible seats.
    #[serde(default)]
    needs_accessible: bool,
}

/// Add and give back places; the hold's time is unchanged.
#[utoipa::path(patch, path = "/api/v1/performances/{id}/holds/{hold_id}", tag = "holding",
    params(("id" = uuid::Uuid, Path,), ("hold_id" = uuid::Uuid, Path,),
        ("onsale-admission" = Option<String>, Header,)), request_body = ChangeHold,
    responses(
        (status = 200, body = HoldAnswer),
        (status = 400, body = schema::Problem),
        (status = 404, body = schema::Problem),
        (status = 409, body = schema::Problem),
        (status = 503, body = schema::Problem)))]
pub async fn change(
    State(state): State<AppState>,
    Path((performance, hold)): Path<(PerformanceId, HoldId)>,
    mine: Mine,
    door: RoomDoor,
    Json(wish): Json<ChangeHold>,
) -> Result<axum::Json<HoldAnswer>, ApiError> {
    let fan = mine.holder(&state, performance, hold).await?;
    let places = |places: Vec<schema::Place>| places.into_iter().map(Into::into).collect();
    let add: Vec<booking_core::price::Place> = places(wish.add);
    let remove: Vec<booking_core::price::Place> = places(wish.remove);
    let _alone = door
        .change(&state, performance, hold, &add, &remove)
        .await?;
    let command = Command::ChangeHold {
        hold,
        fan,
        add,
        remove,
        needs_accessible: wish.needs_accessible,
    };
    send(&state, performance, wish.command_id, command, hold).await
}
