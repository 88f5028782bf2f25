//! `PUT /performances/{id}/simulated-fans`: the demo's switch.

use super::problem::ApiError;
use super::{AppState, Json, Path, schema};
use axum::extract::State;
use axum::http::StatusCode;
use booking_core::PerformanceId;

/// Whether they come.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FansWish {
    on: bool,
}

/// Switch a performance's simulated fans on or off; only in a demo.
///
/// They come within a second or two, and stop as quickly: whoever holds seats then gives them back.
/// The switch stays as it is when the server is restarted.
#[utoipa::path(put, path = "/api/v1/performances/{id}/simulated-fans", tag = "demo",
    params(("id" = uuid::Uuid, Path,)), request_body = FansWish,
    responses(
        (status = 204, description = "switched"),
        (status = 400, body = schema::Problem),
        (status = 404, body = schema::Problem, description = "no such performance, or no demo"),
        (status = 503, body = schema::Problem)))]
pub async fn switch_fans(
    State(state): State<AppState>,
    Path(id): Path<PerformanceId>,
    Json(wish): Json<FansWish>,
) -> Result<StatusCode, ApiError> {
    if !state.performance(id).await?.is_demo {
        return Err(ApiError::NotFound);
    }
    if !state.catalogue.switch_fans(id, wish.on).await? {
        return Err(ApiError::NotFound);
    }
    Ok(StatusCode::NO_CONTENT)
}
