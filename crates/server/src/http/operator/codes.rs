//! `/operator/rooms/{id}/codes`

use super::{NotAnOperator, OfARoom};
use crate::http::accounts_who::Operator;
use crate::http::problem::ApiError;
use crate::http::{AppState, Json, Path, schema};
use crate::rooms::Purchase;
use crate::rooms::operate::Code;
use axum::extract::State;
use axum::http::StatusCode;
use onsale_queue::RoomId;

/// Every bypass code.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Codes {
    #[schema(value_type = Vec<Object>)]
    codes: Vec<Code>,
}

/// A code to issue.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueCode {
    /// What it is for.
    label: String,
    /// How many people it lets in.
    limit: u32,
    /// When it is not good any more.
    #[serde(default)]
    expires_ms: Option<i64>,
    #[serde(default)]
    authority: Purchase,
}

/// A code that has been issued.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Issued {
    /// Shown this once.
    code: String,
    #[schema(value_type = Object)]
    bypass: Code,
}

/// Every bypass code of a room.
#[utoipa::path(get, path = "/api/v1/operator/rooms/{id}/codes", tag = "operator",
    params(("id" = String, Path)),
    responses(
        (status = 200, body = Codes),
        NotAnOperator,
        OfARoom))]
pub async fn list(
    State(state): State<AppState>,
    _: Operator,
    Path(room): Path<RoomId>,
) -> Result<axum::Json<Codes>, ApiError> {
    let codes = state.rooms.codes(room).await?;
    Ok(axum::Json(Codes { codes }))
}

/// Issue a bypass code.
#[utoipa::path(post, path = "/api/v1/operator/rooms/{id}/codes", tag = "operator",
    params(("id" = String, Path)), request_body = IssueCode,
    responses(
        (status = 201, body = Issued),
        (status = 409, body = schema::Problem, description = "`too_many_codes`"),
        NotAnOperator,
        OfARoom))]
pub async fn issue(
    State(state): State<AppState>,
    Operator(operator): Operator,
    Path(room): Path<RoomId>,
    Json(wish): Json<IssueCode>,
) -> Result<(StatusCode, axum::Json<Issued>), ApiError> {
    let (code, bypass) = state
        .rooms
        .issue_code(
            room,
            &wish.label,
            wish.limit,
            wish.expires_ms,
            wish.authority,
            &operator.email,
        )
        .await?;
    Ok((StatusCode::CREATED, axum::Json(Issued { code, bypass })))
}

/// Withdraw a bypass code. Who came in on it stays.
#[utoipa::path(delete, path = "/api/v1/operator/rooms/{id}/codes/{code_id}", tag = "operator",
    params(("id" = String, Path), ("code_id" = String, Path)),
    responses(
        (status = 204, description = "withdrawn"),
        NotAnOperator,
        OfARoom))]
pub async fn withdraw(
    State(state): State<AppState>,
    Operator(operator): Operator,
    Path((room, code)): Path<(RoomId, String)>,
) -> Result<StatusCode, ApiError> {
    let rooms = &state.rooms;
    rooms.withdraw_code(room, &code, &operator.email).await?;
    Ok(StatusCode::NO_CONTENT)
}
