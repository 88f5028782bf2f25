//! `POST /rooms/{id}/join`, `POST /rooms/{id}/standing`, `PUT /rooms/{id}/wishes`

use super::Visitor;
use crate::http::problem::ApiError;
use crate::http::{AppState, Json, Path, schema};
use crate::rooms::JoinWish;
use crate::rooms::visitor::Placed;
use axum::extract::State;
use axum::http::StatusCode;
use onsale_queue::RoomId;
use onsale_queue::number::Place;
use onsale_queue::wire::{Standing, Wishes};

/// A wish for a place.
#[derive(Debug, Default, serde::Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Join {
    /// As it was given.
    challenge: Option<String>,
    /// What solves it.
    counter: Option<u64>,
    #[schema(value_type = schema::Wishes)]
    wishes: Wishes,
    /// A pass that one has already.
    pass: Option<String>,
}

/// A pass that is shown.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    pass: String,
}

/// What somebody wants now.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWishes {
    pass: String,
    #[schema(value_type = schema::Wishes)]
    wishes: Wishes,
}

/// Somebody's place.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Joined {
    /// Signed; whoever has it has the place.
    pass: String,
    #[schema(value_type = Object)]
    place: Place,
    joined_ms: i64,
    #[schema(value_type = schema::Wishes)]
    wishes: Wishes,
    #[schema(value_type = Object)]
    standing: Standing,
    /// When to ask again.
    poll_after_ms: u64,
}

impl Joined {
    fn of(placed: Placed) -> Self {
        let Placed {
            joined,
            standing,
            poll_after_ms,
            ..
        } = placed;
        Self {
            pass: joined.token,
            place: joined.pass.place,
            joined_ms: joined.pass.joined_ms,
            wishes: joined.pass.wishes,
            standing,
            poll_after_ms,
        }
    }
}

/// Get a place; with a good pass the same one again.
#[utoipa::path(post, path = "/api/v1/rooms/{id}/join", tag = "rooms",
    params(("id" = String, Path)), request_body = Join,
    responses(
        (status = 200, body = Joined, description = "the place one has"),
        (status = 201, body = Joined),
        (status = 400, body = schema::Problem),
        (status = 401, body = schema::Problem, description = "the room asks for accounts"),
        (status = 403, body = schema::Problem, description = "the challenge was not solved"),
        (status = 404, body = schema::Problem),
        (status = 409, body = schema::Problem, description = "nobody joins in this state"),
        (status = 429, body = schema::Problem),
        (status = 503, body = schema::Problem)))]
pub async fn join(
    State(state): State<AppState>,
    Path(room): Path<RoomId>,
    Visitor(caller): Visitor,
    Json(wish): Json<Join>,
) -> Result<(StatusCode, axum::Json<Joined>), ApiError> {
    let wish = JoinWish {
        challenge: wish.challenge,
        counter: wish.counter,
        wishes: wish.wishes,
        pass: wish.pass,
    };
    let placed = state.rooms.join(room, &caller, wish).await?;
    let status = if placed.is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, axum::Json(Joined::of(placed))))
}

/// Where one stands, in the server's word.
#[utoipa::path(post, path = "/api/v1/rooms/{id}/standing", tag = "rooms",
    params(("id" = String, Path)), request_body = Shown,
    responses(
        (status = 200, body = Joined),
        (status = 400, body = schema::Problem),
        (status = 403, body = schema::Problem, description = "the pass is no good here"),
        (status = 404, body = schema::Problem)))]
pub async fn standing(
    State(state): State<AppState>,
    Path(room): Path<RoomId>,
    Visitor(caller): Visitor,
    Json(shown): Json<Shown>,
) -> Result<axum::Json<Joined>, ApiError> {
    let placed = state.rooms.standing(room, &caller, &shown.pass)?;
    Ok(axum::Json(Joined::of(placed)))
}

/// Wish for something else; the place stays.
#[utoipa::path(put, path = "/api/v1/rooms/{id}/wishes", tag = "rooms",
    params(("id" = String, Path)), request_body = NewWishes,
    responses(
        (status = 200, body = Joined, description = "keep this pass instead"),
        (status = 400, body = schema::Problem),
        (status = 403, body = schema::Problem, description = "the pass is no good here"),
        (status = 404, body = schema::Problem)))]
pub async fn wish(
    State(state): State<AppState>,
    Path(room): Path<RoomId>,
    Visitor(caller): Visitor,
    Json(new): Json<NewWishes>,
) -> Result<axum::Json<Joined>, ApiError> {
    let placed = state.rooms.wish(room, &caller, &new.pass, new.wishes)?;
    Ok(axum::Json(Joined::of(placed)))
}
