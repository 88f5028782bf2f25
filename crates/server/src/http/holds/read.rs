//! `GET /performances/{id}/holds` and `GET /performances/{id}/holds/{hold_id}`: what a reload asks.

use super::HoldAnswer;
use crate::http::problem::ApiError;
use crate::http::session::Visit;
use crate::http::{AppState, Mine, Path, schema};
use crate::lane::Position;
use axum::Extension;
use axum::extract::State;
use booking_core::{HoldId, Inventory, PerformanceId};
use std::sync::Arc;

/// The caller's own live holds.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Holds {
    holds: Vec<HoldAnswer>,
}

/// The caller's own live holds there.
///
/// Whoever has no session is given one, for this is what a page asks before it asks for anything
/// else: a first hold whose answer is lost, and the new session with it, could not be asked for again.
#[utoipa::path(get, path = "/api/v1/performances/{id}/holds", tag = "holding",
    params(("id" = uuid::Uuid, Path,)),
    responses((status = 200, body = Holds), (status = 404, body = schema::Problem)))]
pub async fn list(
    State(state): State<AppState>,
    Path(performance): Path<PerformanceId>,
    mine: Option<Mine>,
    Extension(visit): Extension<Visit>,
) -> Result<axum::Json<Holds>, ApiError> {
    let Some(mine) = mine else {
        visit.guest_or_new();
        state.performance(performance).await?;
        return Ok(axum::Json(Holds { holds: Vec::new() }));
    };
    let now_ms = state.clock.now_ms();
    let holds = state
        .lanes
        .read(performance, move |inventory, position| {
            mine.fans()
                .flat_map(|fan| inventory.holds_of(fan))
                .filter_map(|hold| inventory.hold(hold))
                .filter(|hold| hold.expires_ms > now_ms)
                .map(|hold| HoldAnswer::new(hold, Vec::new(), now_ms, position.seq))
                .collect()
        })
        .await?;
    Ok(axum::Json(Holds { holds }))
}

/// One of the caller's own live holds.
#[utoipa::path(get, path = "/api/v1/performances/{id}/holds/{hold_id}", tag = "holding",
    params(("id" = uuid::Uuid, Path,), ("hold_id" = uuid::Uuid, Path,)),
    responses((status = 200, body = HoldAnswer), (status = 404, body = schema::Problem)))]
pub async fn show(
    State(state): State<AppState>,
    Path((performance, hold)): Path<(PerformanceId, HoldId)>,
    mine: Option<Mine>,
) -> Result<axum::Json<HoldAnswer>, ApiError> {
    let mine = Arc::new(mine.ok_or(ApiError::NotFound)?);
    let now_ms = state.clock.now_ms();
    let look = || {
        let mine = Arc::clone(&mine);
        move |inventory: &Inventory, position: Position| {
            inventory
                .hold(hold)
                .filter(|hold| mine.is(hold.fan) && hold.expires_ms > now_ms)
                .map(|hold| HoldAnswer::new(hold, Vec::new(), now_ms, position.seq))
        }
    };
    let mut found = state.lanes.read(performance, look()).await?;
    if found.is_none() {
        // It may have been made at another server a moment ago.
        found = state.lanes.read_anew(performance, look()).await?;
    }
    found.map(axum::Json).ok_or(ApiError::NotFound)
}
