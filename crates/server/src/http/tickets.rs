//! `GET /tickets/{id}` and its QR picture.

use super::orders::{TicketBody, first_of};
use super::performances::{PerformanceBody, RoomBody, body};
use super::problem::ApiError;
use super::{AppState, Mine, Path, schema};
use crate::orders::OneTicket;
use crate::tickets::qr_svg;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use booking_core::{OrderId, TicketId};

/// A ticket with everything its page shows.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = Ticket)]
pub struct TicketPage {
    #[serde(flatten)]
    ticket: TicketBody,
    #[schema(value_type = uuid::Uuid)]
    order_id: OrderId,
    /// Name on the order.
    buyer: String,
    performance: PerformanceBody,
    /// The signed text of the QR code.
    code: String,
}

async fn find(state: &AppState, mine: Option<Mine>, id: TicketId) -> Result<OneTicket, ApiError> {
    first_of(state, mine, |fan| state.money.orders.ticket(fan, id)).await
}

/// One of the caller's tickets.
#[utoipa::path(get, path = "/api/v1/tickets/{id}", tag = "buying",
    params(("id" = uuid::Uuid, Path,)),
    responses(
        (status = 200, body = TicketPage),
        (status = 404, body = schema::Problem),
        (status = 503, body = schema::Problem)))]
pub async fn show(
    State(state): State<AppState>,
    Path(id): Path<TicketId>,
    mine: Option<Mine>,
) -> Result<axum::Json<TicketPage>, ApiError> {
    let OneTicket {
        ticket,
        checkout,
        code,
    } = find(&state, mine, id).await?;
    let performance = state.performance(checkout.performance).await?;
    let counts = state.counts(checkout.performance).await?;
    Ok(axum::Json(TicketPage {
        ticket: TicketBody::of(&ticket),
        order_id: checkout.order,
        buyer: checkout.details.buyer.name.clone(),
        performance: body(
            &performance,
            counts,
            RoomBody::of(&state, performance.id),
            state.clock.now_ms(),
        ),
        code,
    }))
}

/// The QR code of one of the caller's tickets.
#[utoipa::path(get, path = "/api/v1/tickets/{id}/qr.svg", tag = "buying",
    params(("id" = uuid::Uuid, Path,)),
    responses(
        (status = 200, body = String, content_type = "image/svg+xml"),
        (status = 404, body = schema::Problem),
        (status = 503, body = schema::Problem)))]
pub async fn qr(
    State(state): State<AppState>,
    Path(id): Path<TicketId>,
    mine: Option<Mine>,
) -> Result<impl IntoResponse, ApiError> {
    let OneTicket { code, .. } = find(&state, mine, id).await?;
    let headers = [
        (CONTENT_TYPE, "image/svg+xml"),
        (CACHE_CONTROL, "private, no-store"),
    ];
    Ok((headers, qr_svg(&code)))
}
