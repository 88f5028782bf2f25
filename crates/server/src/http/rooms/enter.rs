//! `POST /rooms/{id}/claim`, `POST /rooms/{id}/presence`, `POST /rooms/{id}/leave`

use super::Visitor;
use crate::http::problem::ApiError;
use crate::http::{AppState, Json, Path, schema};
use crate::rooms::offer::Offer;
use crate::rooms::visitor::By;
use crate::rooms::{Purchase, RoomsError};
use axum::extract::State;
use axum::http::StatusCode;
use booking_core::price::Place;
use booking_core::{PerformanceId, SeatRequest};
use onsale_queue::RoomId;
use onsale_queue::room::port::Leaving;
use std::sync::Arc;

/// A wish to come in, by a pass or by a bypass code.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    #[serde(default)]
    pass: Option<String>,
    #[serde(default)]
    code: Option<String>,
    /// Where to look for seats that match the wishes.
    #[serde(default)]
    #[schema(value_type = Option<uuid::Uuid>)]
    performance_id: Option<PerformanceId>,
}

/// Let in.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Admitted {
    /// For the header `onsale-admission` of holds and checkouts.
    admission: String,
    issued_ms: i64,
    /// First instant at which it is over.
    expires_ms: i64,
    /// A shopper who gives no sign for so long has gone.
    idle_ms: u32,
    authority: Purchase,
    #[schema(value_type = Vec<uuid::Uuid>)]
    performances: Arc<[PerformanceId]>,
    offer: Option<OfferBody>,
}

/// Seats that match the wishes; not held.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = Offer)]
pub struct OfferBody {
    #[schema(value_type = uuid::Uuid)]
    performance_id: PerformanceId,
    needs_accessible: bool,
    /// What to post to the performance's holds.
    #[schema(value_type = schema::SeatRequest)]
    request: SeatRequest,
    #[schema(value_type = Vec<schema::Place>)]
    places: Vec<Place>,
}

impl OfferBody {
    fn of(offer: Offer) -> Self {
        Self {
            performance_id: offer.performance,
            needs_accessible: offer.needs_accessible,
            request: SeatRequest::These(offer.places.clone()),
            places: offer.places,
        }
    }
}

/// An admission that is shown.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShownAdmission {
    admission: String,
}

/// Inside.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct PresenceBody {
    expires_ms: i64,
    idle_ms: u32,
}

/// Come in, if it is one's turn and there is room.
#[utoipa::path(post, path = "/api/v1/rooms/{id}/claim", tag = "rooms",
    params(("id" = String, Path)), request_body = Claim,
    responses(
        (status = 200, body = Admitted),
        (status = 400, body = schema::Problem),
        (status = 403, body = schema::Problem, description = "the pass or the code is no good"),
        (status = 404, body = schema::Problem),
        (status = 409, body = schema::Problem, description = "not now"),
        (status = 429, body = schema::Problem),
        (status = 503, body = schema::Problem)))]
pub async fn claim(
    State(state): State<AppState>,
    Path(room): Path<RoomId>,
    Visitor(caller): Visitor,
    Json(claim): Json<Claim>,
) -> Result<axum::Json<Admitted>, ApiError> {
    let by = match (claim.pass, claim.code) {
        (Some(pass), None) => By::Pass(pass),
        (None, Some(code)) => By::Code(code),
        _ => {
            let what = "one of `pass` and `code`";
            return Err(ApiError::malformed("body", what));
        }
    };
    let claimed = state
        .rooms
        .claim(room, &caller, by, claim.performance_id)
        .await?;
    let admission = &claimed.admitted.admission;
    let performances = &claimed.performances;
    state.admissions.note(admission, performances).await;
    Ok(axum::Json(Admitted {
        issued_ms: admission.issued_ms,
        expires_ms: admission.expires_ms,
        idle_ms: claimed.idle_ms,
        authority: Purchase::from(&admission.authority),
        performances: claimed.performances,
        offer: claimed.offer.map(OfferBody::of),
        admission: claimed.admitted.token,
    }))
}

/// A sign of life from the shop.
#[utoipa::path(post, path = "/api/v1/rooms/{id}/presence", tag = "rooms",
    params(("id" = String, Path)), request_body = ShownAdmission,
    responses(
        (status = 200, body = PresenceBody),
        (status = 400, body = schema::Problem),
        (status = 403, body = schema::Problem, description = "not (any more) inside"),
        (status = 404, body = schema::Problem),
        (status = 409, body = schema::Problem, description = "idle for too long, and full now")))]
pub async fn presence(
    State(state): State<AppState>,
    Path(room): Path<RoomId>,
    Visitor(caller): Visitor,
    Json(shown): Json<ShownAdmission>,
) -> Result<axum::Json<PresenceBody>, ApiError> {
    state.rooms.entry(room)?;
    let admission = state
        .rooms
        .checked_admission(room, &caller, &shown.admission)?;
    let (expires_ms, idle_ms) = state.rooms.presence(&admission).await?;
    Ok(axum::Json(PresenceBody {
        expires_ms,
        idle_ms,
    }))
}

/// Leave the shop; the slot is free at once.
#[utoipa::path(post, path = "/api/v1/rooms/{id}/leave", tag = "rooms",
    params(("id" = String, Path)), request_body = ShownAdmission,
    responses(
        (status = 204, description = "not inside any more"),
        (status = 400, body = schema::Problem),
        (status = 403, body = schema::Problem, description = "not one's own admission"),
        (status = 404, body = schema::Problem),
        (status = 503, body = schema::Problem)))]
pub async fn leave(
    State(state): State<AppState>,
    Path(room): Path<RoomId>,
    Visitor(caller): Visitor,
    Json(shown): Json<ShownAdmission>,
) -> Result<StatusCode, ApiError> {
    use crate::rooms::Refusal;
    state.rooms.entry(room)?;
    match state
        .rooms
        .checked_admission(room, &caller, &shown.admission)
    {
        Ok(admission) => match state.rooms.leave(&admission, Leaving::Abandoned).await {
            // Noted here, where the admission is good no longer, and told as soon as it can be.
            Ok(()) | Err(RoomsError::Refused(_, Refusal::Away { .. })) => {}
            Err(error) => return Err(error.into()),
        },
        // Over already: that is what was wanted.
        Err(RoomsError::Refused(_, Refusal::AdmissionOver)) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(StatusCode::NO_CONTENT)
}
