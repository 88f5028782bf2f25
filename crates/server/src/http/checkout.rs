//! `POST /performances/{id}/holds/{hold_id}/checkout`: pay for a hold.

use super::orders::OrderBody;
use super::problem::ApiError;
use super::quote::{ItemWish, items, voucher};
use super::{AppState, Json, Mine, Path, RoomDoor, schema};
use crate::checkout::{Buyer, Checkout, CheckoutError, Wanted};
use crate::payments::Card;
use crate::payments::card::CardInput;
use axum::extract::State;
use axum::http::StatusCode;
use booking_core::{CommandId, FanId, HoldId, OrderId, PerformanceId};
use std::sync::Arc;

/// A wish to pay. The ids are made by the client.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckoutWish {
    #[schema(value_type = uuid::Uuid)]
    command_id: CommandId,
    #[schema(value_type = uuid::Uuid)]
    order_id: OrderId,
    /// From the quote.
    quote_token: String,
    /// As quoted.
    items: Vec<ItemWish>,
    #[serde(default)]
    voucher: Option<String>,
    #[schema(value_type = BuyerBody)]
    buyer: Buyer,
    /// Left out where the quote's total is 0; a card otherwise.
    #[serde(default)]
    #[schema(value_type = Option<CardBody>)]
    payment: Option<CardInput>,
}

/// Who buys.
#[derive(serde::Serialize, utoipa::ToSchema)]
#[schema(as = Buyer)]
pub struct BuyerBody {
    /// Name on the order.
    pub name: String,
    /// Where the tickets go.
    pub email: String,
}

/// A payment card.
#[derive(utoipa::ToSchema)]
#[schema(as = Card)]
#[allow(
    dead_code,
    reason = "a shape for the description; the real type shows nothing of itself"
)]
pub struct CardBody {
    /// Digits, perhaps with spaces.
    card_number: String,
    /// `MM/YY`
    expiry: String,
    /// Three or four digits.
    cvc: String,
}

/// Pay for a hold with a card, or take it where there is nothing to pay.
#[utoipa::path(post, path = "/api/v1/performances/{id}/holds/{hold_id}/checkout", tag = "buying",
    params(("id" = uuid::Uuid, Path,), ("hold_id" = uuid::Uuid, Path,),
        ("onsale-admission" = Option<String>, Header,)),
    request_body = CheckoutWish,
    responses(
        (status = 200, body = OrderBody, description = "paid, or the bank wants to ask the fan"),
        (status = 202, body = OrderBody, description = "still paying: look at the order"),
        (status = 400, body = schema::Problem),
        (status = 402, body = schema::Problem, description = "declined; the hold lives on"),
        (status = 404, body = schema::Problem),
        (status = 409, body = schema::Problem, description = "a business \"no\", or another price"),
        (status = 503, body = schema::Problem)))]
pub async fn checkout(
    State(state): State<AppState>,
    Path((performance, hold)): Path<(PerformanceId, HoldId)>,
    mine: Mine,
    door: RoomDoor,
    Json(wish): Json<CheckoutWish>,
) -> Result<(StatusCode, axum::Json<OrderBody>), ApiError> {
    // One reading of the clock: a card that expires this moment has one fate.
    let card = check(&wish, state.clock.now_ms())?;
    let (items, voucher) = (items(wish.items), voucher(wish.voucher)?);
    let promise = state
        .money
        .quotes
        .verify(&wish.quote_token, performance, &items, voucher.as_deref())
        .map_err(|error| ApiError::QuoteInvalid { what: error.what() })?;
    let fan = buyer_of(&state, &mine, performance, hold, wish.order_id).await?;
    let wanted = Wanted {
        command: wish.command_id,
        fan,
        performance,
        hold,
        order: wish.order_id,
        items,
        voucher,
        promise,
        buyer: wish.buyer,
        card,
    };
    answer(&state, door.pay(&state, wanted).await?).await
}

/// Who of the caller's fans buys: whose order it is where it is asked for again, else whose hold.
async fn buyer_of(
    state: &AppState,
    mine: &Mine,
    performance: PerformanceId,
    hold: HoldId,
    order: OrderId,
) -> Result<FanId, ApiError> {
    for fan in mine.fans().skip(1) {
        match state.money.checkouts.latest(fan, order).await {
            Ok(_) => return Ok(fan),
            Err(CheckoutError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    mine.holder(state, performance, hold).await
}

/// Every fault of buyer and card, with its place.
fn check(wish: &CheckoutWish, now_ms: i64) -> Result<Option<Card>, ApiError> {
    let mut faults: Vec<(String, &str)> = wish.buyer.faults("buyer");
    let card = wish
        .payment
        .as_ref()
        .map(|input| Card::check(input, now_ms));
    let card = card.transpose();
    if let Err(found) = &card {
        faults.extend(
            found
                .iter()
                .map(|fault| (format!("payment.{}", fault.field), fault.what)),
        );
    }
    match (card, faults.as_slice()) {
        (Ok(card), []) => Ok(card),
        (_, [(at, what), rest @ ..]) => {
            let mut text = (*what).to_owned();
            for (at, what) in rest {
                text.push_str("; ");
                text.push_str(at);
                text.push_str(": ");
                text.push_str(what);
            }
            Err(ApiError::malformed(at.clone(), text))
        }
        (Err(_), []) => Err(ApiError::malformed("payment", "the card cannot be used")),
    }
}

/// What a saga has come to, as the fan is told it.
pub(super) async fn answer(
    state: &AppState,
    checkout: Arc<Checkout>,
) -> Result<(StatusCode, axum::Json<OrderBody>), ApiError> {
    let checkout = checkout.told()?;
    let status = match checkout.state() {
        "paying" => StatusCode::ACCEPTED,
        _ => StatusCode::OK,
    };
    let orders = &state.money.orders;
    let order = match checkout.state() {
        "confirmed" => orders.just_settled(checkout).await?,
        _ => orders.view(checkout).await?,
    };
    Ok((status, axum::Json(OrderBody::of(&order))))
}

impl From<CheckoutError> for ApiError {
    fn from(error: CheckoutError) -> Self {
        use super::problem::Inside;
        match error {
            CheckoutError::Malformed { at, what } => Self::malformed(at, what),
            CheckoutError::NotFound => Self::NotFound,
            CheckoutError::Rejected(rejection) => Self::Rejected(rejection),
            CheckoutError::CommandIdReused => Self::CommandIdReused,
            CheckoutError::QuoteInvalid { what } => Self::QuoteInvalid { what },
            CheckoutError::PriceChanged {
                quoted_minor,
                total_minor,
            } => Self::PriceChanged {
                quoted_minor,
                total_minor,
            },
            CheckoutError::Declined { reason } => Self::PaymentDeclined { reason },
            CheckoutError::WrongState { state } => Self::OrderState { state },
            CheckoutError::Busy => Self::Busy { retry_after_s: 1 },
            CheckoutError::Draining => Self::Draining,
            CheckoutError::Storage(what) => Self::StorageFailed(Inside::text(what)),
            CheckoutError::Provider(what) => Self::PaymentUnavailable(Inside::text(what)),
        }
    }
}
