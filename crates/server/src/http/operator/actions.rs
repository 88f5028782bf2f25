//! `POST /operator/rooms/{id}/actions`

use super::{NotAnOperator, OfARoom};
use crate::http::accounts_who::Operator;
use crate::http::problem::ApiError;
use crate::http::{AppState, Json, Path, schema};
use crate::rooms::Detail;
use axum::extract::State;
use onsale_queue::{Action, RoomId};

/// An action.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// `gather`, `draw`, `open`, `pause`, `resume`, `drain`, `close`, `reset`
    #[schema(value_type = String)]
    action: Action,
    /// Only if nobody changed the room since.
    #[serde(default)]
    expected_version: Option<u64>,
}

/// Take a room on in its life.
#[utoipa::path(post, path = "/api/v1/operator/rooms/{id}/actions", tag = "operator",
    params(("id" = String, Path)), request_body = Act,
    responses(
        (status = 200, body = Object),
        (status = 409, body = schema::Problem,
            description = "`action_not_allowed`, `still_drawing`, `room_changed`"),
        NotAnOperator,
        OfARoom))]
pub async fn act(
    State(state): State<AppState>,
    Operator(operator): Operator,
    Path(room): Path<RoomId>,
    Json(wish): Json<Act>,
) -> Result<axum::Json<Detail>, ApiError> {
    let detail = state
        .rooms
        .act(room, wish.action, wish.expected_version, &operator.email)
        .await?;
    Ok(axum::Json(detail))
}
