//! `POST /performances/{id}/quote`: what it costs, line by line, with a signature.

use super::problem::ApiError;
use super::{AppState, Json, Path, schema};
use crate::quoting::{Promise, VALID_MS};
use axum::extract::State;
use booking_core::price::{OrderItem, Quote, VoucherUse};
use booking_core::{PerformanceId, PriceTypeIx, Rejection, quote as price};

/// A place and who it is for.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrderItem)]
pub struct ItemWish {
    place: schema::Place,
    /// Index into the price types.
    price_type: u8,
}

/// Places to be priced.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuoteWish {
    items: Vec<ItemWish>,
    /// Voucher code as typed.
    #[serde(default)]
    voucher: Option<String>,
}

/// A price and the token that holds the shop to it.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct QuoteAnswer {
    #[schema(value_type = QuoteShape)]
    quote: Quote,
    quoted_ms: i64,
    /// First instant at which the price is no longer promised.
    valid_until_ms: i64,
    token: String,
}

/// What it costs, line by line.
#[derive(serde::Serialize, utoipa::ToSchema)]
#[schema(as = Quote)]
pub struct QuoteShape {
    /// ISO 4217 code.
    pub currency: String,
    /// Tickets (each with its discount and fees), then fees per order.
    #[schema(value_type = Vec<Object>)]
    pub lines: Vec<serde_json::Value>,
    /// Tax contained in the total.
    pub tax_minor: i64,
    /// What is charged.
    pub total_minor: i64,
}

/// Most characters of a voucher code.
const VOUCHER_MOST: usize = 64;

/// Items as the core knows them.
pub(super) fn items(wishes: Vec<ItemWish>) -> Vec<OrderItem> {
    wishes
        .into_iter()
        .map(|wish| OrderItem {
            place: wish.place.into(),
            price_type: PriceTypeIx(wish.price_type),
        })
        .collect()
}

/// A voucher code without the blanks around it; nothing where it is empty.
pub(super) fn voucher(typed: Option<String>) -> Result<Option<String>, ApiError> {
    let Some(code) = typed
        .map(|code| code.trim().to_owned())
        .filter(|code| !code.is_empty())
    else {
        return Ok(None);
    };
    if code.chars().count() > VOUCHER_MOST || code.chars().any(char::is_control) {
        return Err(ApiError::malformed(
            "voucher",
            "a voucher code is at most 64 characters",
        ));
    }
    Ok(Some(code))
}

/// Price places; the answer's token fixes the price for some minutes.
#[utoipa::path(post, path = "/api/v1/performances/{id}/quote", tag = "buying",
    params(("id" = uuid::Uuid, Path,)), request_body = QuoteWish,
    responses(
        (status = 200, body = QuoteAnswer),
        (status = 400, body = schema::Problem),
        (status = 404, body = schema::Problem),
        (status = 409, body = schema::Problem, description = "it cannot be priced"),
        (status = 503, body = schema::Problem)))]
pub async fn quote(
    State(state): State<AppState>,
    Path(performance): Path<PerformanceId>,
    Json(wish): Json<QuoteWish>,
) -> Result<axum::Json<QuoteAnswer>, ApiError> {
    let (items, voucher) = (items(wish.items), voucher(wish.voucher)?);
    let now_ms = state.clock.now_ms();
    let (map, terms) = state.goods(performance).await?;
    // How often a voucher was used is the only thing that the price owes to the seats' state.
    let orders_so_far = match voucher.clone() {
        None => 0,
        Some(code) => {
            let read = state.lanes.read(performance, move |inventory, _| {
                inventory.voucher_uses(&code)
            });
            read.await?
        }
    };
    let using = voucher.as_deref().map(|code| VoucherUse {
        code,
        orders_so_far,
    });
    let quote = price(&terms.prices, &map, &items, using, now_ms)
        .map_err(|reason| ApiError::Rejected(Rejection::NoQuote { reason }))?;
    let promise = Promise {
        quoted_ms: now_ms,
        valid_until_ms: now_ms + VALID_MS,
        total_minor: quote.total_minor,
    };
    let token = state
        .money
        .quotes
        .sign(performance, &items, voucher.as_deref(), promise);
    Ok(axum::Json(QuoteAnswer {
        quote,
        quoted_ms: promise.quoted_ms,
        valid_until_ms: promise.valid_until_ms,
        token,
    }))
}
