//! `POST /performances/{id}/holds/{hold_id}/extend`

use super::{HoldAnswer, send};
use crate::http::problem::ApiError;
use crate::http::{AppState, Json, Mine, Path, RoomDoor, schema};
use axum::extract::State;
use booking_core::{Command, CommandId, HoldId, PerformanceId};

/// A wish for more time.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtendHold {
    #[schema(value_type = uuid::Uuid)]
    command_id: CommandId,
}

/// Ask for more time, within the maximum.
#[utoipa::path(post, path = "/api/v1/performances/{id}/holds/{hold_id}/extend", tag = "holding",
    params(("id" = uuid::Uuid, Path,), ("hold_id" = uuid::Uuid, Path,),
        ("onsale-admission" = Option<String>, Header,)), request_body = ExtendHold,
    responses(
        (status = 200, body = HoldAnswer),
        (status = 400, body = schema::Problem),
        (status = 404, body = schema::Problem),
        (status = 409, body = schema::Problem),
        (status = 503, body = schema::Problem)))]
pub async fn extend(
    State(state): State<AppState>,
    Path((performance, hold)): Path<(PerformanceId, HoldId)>,
    mine: Mine,
    door: RoomDoor,
    Json(wish): Json<ExtendHold>,
) -> Result<axum::Json<HoldAnswer>, ApiError> {
    let fan = mine.holder(&state, performance, hold).await?;
    let _alone = door.change(&state, performance, hold, &[], &[]).await?;
    let command = Command::ExtendHold { hold, fan };
    send(&state, performance, wish.command_id, command, hold).await
}
