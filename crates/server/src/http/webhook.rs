//! `POST /payments/webhook`: the provider's notices. Believed by their signature alone.

use super::problem::ApiError;
use super::{AppState, Raw, schema};
use crate::checkout::NoticeError;
use crate::payments::webhook::{NOTICE_MAX_BYTES, SIGNATURE_HEADER};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};

/// Take a notice of the payment provider.
#[utoipa::path(post, path = "/api/v1/payments/webhook", tag = "provider",
    params(("onsale-signature" = String, Header,
        description = "`t=<ms>,v1=<hex HMAC-SHA-256 of \"t.body\">`")),
    request_body(content = Object, content_type = "application/json"),
    responses(
        (status = 204, description = "taken; also a duplicate"),
        (status = 400, body = schema::Problem, description = "not signed by the provider, or too old"),
        (status = 413, body = schema::Problem),
        (status = 503, body = schema::Problem, description = "send it again later")))]
pub async fn notice(
    State(state): State<AppState>,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<StatusCode, ApiError> {
    if body.len() > NOTICE_MAX_BYTES {
        return Err(ApiError::BodyTooLarge {
            max_bytes: NOTICE_MAX_BYTES,
        });
    }
    let signature = headers
        .get(SIGNATURE_HEADER)
        .and_then(|value| value.to_str().ok())
        .ok_or_else(|| ApiError::malformed(SIGNATURE_HEADER, "the header is missing"))?;
    match state.money.checkouts.notice(signature, &body) {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(NoticeError::NotBelieved(error)) => {
            Err(ApiError::malformed(SIGNATURE_HEADER, error.to_string()))
        }
        Err(NoticeError::Busy) => Err(ApiError::Busy { retry_after_s: 1 }),
    }
}
