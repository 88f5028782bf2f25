//! `POST`, `GET`, `DELETE /rooms/{id}/rush`: trying a demo's room with one click. Of any other room there
//! is no such thing.

use crate::demo::rush::{Ground, MOST_VISITORS, MOST_WITHIN_S, RushFigures, VISITORS, WITHIN_S};
use crate::http::problem::ApiError;
use crate::http::{AppState, Json, Path, schema};
use axum::extract::State;
use axum::http::StatusCode;
use onsale_queue::RoomId;

/// How many come, and how fast.
#[derive(Debug, Default, serde::Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RushWish {
    /// 1 to 2,000; 300 where not given.
    visitors: Option<u32>,
    /// 1 to 120; 20 where not given.
    within_s: Option<u32>,
}

fn demo_room(state: &AppState, room: RoomId) -> Result<(), ApiError> {
    if state.rooms.entry(room)?.demo {
        Ok(())
    } else {
        Err(ApiError::NotFound)
    }
}

fn within(at: &str, value: Option<u32>, default: u32, most: u32) -> Result<u32, ApiError> {
    let value = value.unwrap_or(default);
    if (1..=most).contains(&value) {
        Ok(value)
    } else {
        let what = format!("{value} is not between 1 and {most}");
        Err(ApiError::malformed(at, what))
    }
}

/// Send simulated visitors.
#[utoipa::path(post, path = "/api/v1/rooms/{id}/rush", tag = "rooms",
    params(("id" = String, Path)), request_body = RushWish,
    responses(
        (status = 202, body = RushFigures),
        (status = 400, body = schema::Problem),
        (status = 404, body = schema::Problem, description = "no such room, or not the demo's"),
        (status = 409, body = schema::Problem, description = "`rush_running`")))]
pub async fn start(
    State(state): State<AppState>,
    Path(room): Path<RoomId>,
    Json(wish): Json<RushWish>,
) -> Result<(StatusCode, axum::Json<RushFigures>), ApiError> {
    demo_room(&state, room)?;
    let visitors = within("visitors", wish.visitors, VISITORS, MOST_VISITORS)?;
    let within_s = within("within_s", wish.within_s, WITHIN_S, MOST_WITHIN_S)?;
    let ground = Ground {
        rooms: state.rooms.clone(),
        lanes: state.lanes.clone(),
        clock: state.clock.clone(),
    };
    let figures = state.rushes.start(ground, room, visitors, within_s)?;
    Ok((StatusCode::ACCEPTED, axum::Json(figures)))
}

/// How the rush goes.
#[utoipa::path(get, path = "/api/v1/rooms/{id}/rush", tag = "rooms",
    params(("id" = String, Path)),
    responses(
        (status = 200, body = RushFigures),
        (status = 400, body = schema::Problem),
        (status = 404, body = schema::Problem)))]
pub async fn show(
    State(state): State<AppState>,
    Path(room): Path<RoomId>,
) -> Result<axum::Json<RushFigures>, ApiError> {
    demo_room(&state, room)?;
    Ok(axum::Json(state.rushes.figures(room)))
}

/// Send the simulated visitors away.
#[utoipa::path(delete, path = "/api/v1/rooms/{id}/rush", tag = "rooms",
    params(("id" = String, Path)),
    responses(
        (status = 204, description = "they go"),
        (status = 400, body = schema::Problem),
        (status = 404, body = schema::Problem)))]
pub async fn stop(
    State(state): State<AppState>,
    Path(room): Path<RoomId>,
) -> Result<StatusCode, ApiError> {
    demo_room(&state, room)?;
    state.rushes.stop(room);
    Ok(StatusCode::NO_CONTENT)
}
