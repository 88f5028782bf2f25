//! `GET /orders`, `GET /orders/{id}` and `POST /orders/{id}/step`: the caller's own purchases.

use super::checkout::{BuyerBody, answer};
use super::problem::ApiError;
use super::quote::QuoteShape;
use super::{AppState, Json, Mine, Path, schema};
use crate::checkout::step::Step;
use crate::checkout::{Buyer, CheckoutError};
use crate::orders::{OrderView, TicketView};
use crate::store::checkouts::ORDERS_LISTED;
use axum::extract::State;
use axum::http::StatusCode;
use booking_core::price::{Place, Quote};
use booking_core::{CommandId, FanId, HoldId, OrderId, PerformanceId, TicketId};

/// A purchase.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = Order)]
pub struct OrderBody {
    #[schema(value_type = uuid::Uuid)]
    id: OrderId,
    #[schema(value_type = uuid::Uuid)]
    performance_id: PerformanceId,
    #[schema(value_type = uuid::Uuid)]
    hold_id: HoldId,
    /// `paying`, `needs_step`, `confirmed`, `declined`, `voided`, `refunded` or `cancelled`
    state: &'static str,
    /// Why it was declined or voided, or what becomes of its money: a stable code.
    reason: Option<String>,
    /// The same in plain words for the fan, where there is more to say than the code.
    explanation: Option<String>,
    /// Where the fan answers their bank, in state `needs_step`.
    step: Option<StepBody>,
    #[schema(value_type = BuyerBody)]
    buyer: Buyer,
    /// None where nothing was to be paid.
    card: Option<CardShown>,
    #[schema(value_type = QuoteShape)]
    quote: Quote,
    total_minor: i64,
    currency: String,
    created_ms: i64,
    /// None before the money is taken.
    tickets: Vec<TicketBody>,
}

/// What is kept of a card.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct CardShown {
    /// `visa`, `mastercard`, `amex` or `card`
    brand: String,
    last4: String,
}

/// A page of the web app.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct StepBody {
    url: String,
}

/// One admission to one place.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = OrderTicket)]
pub struct TicketBody {
    #[schema(value_type = uuid::Uuid)]
    id: TicketId,
    #[schema(value_type = schema::Place)]
    place: Place,
    section: String,
    /// Empty in an area.
    row: String,
    /// Empty in an area.
    seat: String,
    price_type: String,
    /// `valid` or `cancelled`
    state: &'static str,
}

/// The caller's purchases.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = Orders)]
pub struct OrdersBody {
    /// Newest first, at most 200.
    orders: Vec<OrderBody>,
}

/// The fan's answer to their bank.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StepAnswer {
    #[schema(value_type = uuid::Uuid)]
    #[allow(
        dead_code,
        reason = "the answer itself can be given once only, under any name"
    )]
    command_id: CommandId,
    approve: bool,
}

impl OrderBody {
    pub(crate) fn of(order: &OrderView) -> Self {
        let checkout = &order.checkout;
        let details = &checkout.details;
        let (reason, explanation) = outcome(&checkout.step);
        let step = matches!(checkout.step, Step::AwaitingStep { .. }).then(|| StepBody {
            url: format!("/pay/step/{}", checkout.order),
        });
        Self {
            id: checkout.order,
            performance_id: checkout.performance,
            hold_id: checkout.hold,
            state: checkout.state(),
            reason,
            explanation,
            step,
            buyer: details.buyer.clone(),
            card: details.card.as_ref().map(|card| CardShown {
                brand: card.brand.clone(),
                last4: card.last4.clone(),
            }),
            quote: details.quote.clone(),
            total_minor: details.quote.total_minor,
            currency: details.quote.currency.clone(),
            created_ms: checkout.created_ms,
            tickets: order.tickets.iter().map(TicketBody::of).collect(),
        }
    }
}

/// Stable code and plain words of what an order came to, where its state alone does not say it.
fn outcome(step: &Step) -> (Option<String>, Option<String>) {
    let told = |code: &str, words: &str| (Some(code.to_owned()), Some(words.to_owned()));
    match step {
        Step::Declined { reason } => (Some(reason.clone()), None),
        Step::Undoing { why } | Step::Voiding { why } | Step::Voided { why } => {
            (Some(why.code().to_owned()), Some(why.words()))
        }
        Step::Cancelling { refund: true, .. } | Step::Refunding { .. } => told(
            "refund_coming",
            "Your tickets were cancelled. The money is being paid back to your card.",
        ),
        Step::Cancelling { refund: false, .. } | Step::Cancelled { .. } => told(
            "not_refunded",
            "Your tickets were cancelled. No money has been paid back so far: please ask the \
             organiser.",
        ),
        Step::Refunded { .. } => (
            None,
            Some(
                "Your tickets were cancelled and the whole amount was paid back to your card."
                    .to_owned(),
            ),
        ),
        Step::Revoking | Step::Revoked => (
            None,
            Some("Your tickets were cancelled. There was nothing to pay back.".to_owned()),
        ),
        Step::Authorising
        | Step::AwaitingStep { .. }
        | Step::Confirming { .. }
        | Step::Capturing { .. }
        | Step::Captured { .. }
        | Step::Granting
        | Step::Granted => (None, None),
    }
}

impl TicketBody {
    pub(super) fn of(ticket: &TicketView) -> Self {
        Self {
            id: ticket.id,
            place: ticket.place,
            section: ticket.section.clone(),
            row: ticket.row.clone(),
            seat: ticket.seat.clone(),
            price_type: ticket.price_type.clone(),
            state: if ticket.valid { "valid" } else { "cancelled" },
        }
    }
}

/// What `find` finds for the first of the caller's fans whose it is.
pub(super) async fn first_of<T, F>(
    state: &AppState,
    mine: Option<Mine>,
    find: impl Fn(FanId) -> F,
) -> Result<T, ApiError>
where
    F: Future<Output = Result<T, CheckoutError>>,
{
    let mine = mine.ok_or(ApiError::NotFound)?;
    for fan in mine.buyers(state).await? {
        match find(fan).await {
            Err(CheckoutError::NotFound) => {}
            other => return Ok(other?),
        }
    }
    Err(ApiError::NotFound)
}

/// The caller's purchases, newest first.
#[utoipa::path(get, path = "/api/v1/orders", tag = "buying",
    responses((status = 200, body = OrdersBody), (status = 503, body = schema::Problem)))]
pub async fn list(
    State(state): State<AppState>,
    mine: Option<Mine>,
) -> Result<axum::Json<OrdersBody>, ApiError> {
    let mut orders = Vec::new();
    // Who has no session has bought nothing.
    if let Some(mine) = mine {
        let buyers = mine.buyers(&state).await?;
        for &fan in &buyers {
            orders.append(&mut state.money.orders.all(fan).await?);
        }
        if buyers.len() > 1 {
            orders.sort_by_key(|order| std::cmp::Reverse(order.checkout.created_ms));
            orders.truncate(ORDERS_LISTED as usize);
        }
    }
    Ok(axum::Json(OrdersBody {
        orders: orders.iter().map(OrderBody::of).collect(),
    }))
}

/// One of the caller's purchases.
#[utoipa::path(get, path = "/api/v1/orders/{id}", tag = "buying",
    params(("id" = uuid::Uuid, Path,)),
    responses(
        (status = 200, body = OrderBody),
        (status = 404, body = schema::Problem),
        (status = 503, body = schema::Problem)))]
pub async fn show(
    State(state): State<AppState>,
    Path(order): Path<OrderId>,
    mine: Option<Mine>,
) -> Result<axum::Json<OrderBody>, ApiError> {
    let one = |fan| state.money.orders.one(fan, order);
    let order = first_of(&state, mine, one).await?;
    Ok(axum::Json(OrderBody::of(&order)))
}

/// Answer the bank: the stand-in for its own page.
#[utoipa::path(post, path = "/api/v1/orders/{id}/step", tag = "buying",
    params(("id" = uuid::Uuid, Path,)), request_body = StepAnswer,
    responses(
        (status = 200, body = OrderBody),
        (status = 202, body = OrderBody, description = "still paying: look at the order"),
        (status = 400, body = schema::Problem),
        (status = 402, body = schema::Problem, description = "not approved; the hold lives on"),
        (status = 404, body = schema::Problem),
        (status = 409, body = schema::Problem),
        (status = 503, body = schema::Problem)))]
pub async fn step(
    State(state): State<AppState>,
    Path(order): Path<OrderId>,
    mine: Option<Mine>,
    Json(wish): Json<StepAnswer>,
) -> Result<(StatusCode, axum::Json<OrderBody>), ApiError> {
    let finish = |fan| state.money.checkouts.finish_step(fan, order, wish.approve);
    let checkout = first_of(&state, mine, finish).await?;
    answer(&state, checkout).await
}
