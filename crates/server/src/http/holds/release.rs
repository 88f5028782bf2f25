//! `DELETE /performances/{id}/holds/{hold_id}?command_id=…`

use crate::http::problem::ApiError;
use crate::http::{AppState, Mine, Path, Query, schema};
use crate::lane::LaneError;
use axum::extract::State;
use axum::http::StatusCode;
use booking_core::{Command, CommandId, HoldId, PerformanceId};

/// The command's id.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReleaseHold {
    /// Made by the client.
    #[param(value_type = uuid::Uuid)]
    command_id: CommandId,
}

/// Give everything back.
#[utoipa::path(delete, path = "/api/v1/performances/{id}/holds/{hold_id}", tag = "holding",
    params(("id" = uuid::Uuid, Path,), ("hold_id" = uuid::Uuid, Path,), ReleaseHold),
    responses(
        (status = 204, description = "given back"),
        (status = 400, body = schema::Problem),
        (status = 404, body = schema::Problem),
        (status = 503, body = schema::Problem)))]
pub async fn release(
    State(state): State<AppState>,
    Path((performance, hold)): Path<(PerformanceId, HoldId)>,
    mine: Mine,
    Query(wish): Query<ReleaseHold>,
) -> Result<StatusCode, ApiError> {
    let send = |fan| {
        let command = Command::ReleaseHold { hold, fan };
        state.lanes.send(performance, wish.command_id, command)
    };
    let mut sent = send(mine.holder(&state, performance, hold).await?).await;
    // Asked again after the hold has gone, nobody knows any more whose it was but the record.
    for fan in mine.fans().skip(1) {
        if !matches!(sent, Err(LaneError::CommandIdReused)) {
            break;
        }
        sent = send(fan).await;
    }
    sent?;
    Ok(StatusCode::NO_CONTENT)
}
