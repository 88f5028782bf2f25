//! `POST /sessions`, `DELETE /sessions/current`, `DELETE /sessions`, and the cookies that go with a
//! sign-in.

use super::accounts::{AccountBody, Credentials};
use super::problem::ApiError;
use super::session::{Cookie, Visit};
use super::{AppState, Json, schema};
use crate::accounts::{Origin, SignedIn};
use axum::extract::{FromRequestParts, State};
use axum::http::header::SET_COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

/// How long a device is remembered.
const DEVICE_S: i64 = 365 * 24 * 60 * 60;

/// What the answer to a sign-in says.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Entered {
    account: AccountBody,
    /// Orders that this browser made as a guest, which are the account's now.
    adopted_orders: u32,
    /// What the account should know of; told once.
    notice: Option<NoticeBody>,
}

/// Somebody tried to register with the account's address, which they learnt is taken.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = Notice)]
pub struct NoticeBody {
    /// How often since the last sign-in.
    registrations: u32,
    /// When the last time was.
    last_ms: i64,
}

/// What a sign-in must know of the browser it comes from.
#[derive(Clone, Debug)]
pub struct Arrival {
    visit: Visit,
    device: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for Arrival {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let visit = Visit::in_parts(parts)?.clone();
        let device = Cookie::Device
            .read(&parts.headers, visit.cookies)
            .map(str::to_owned);
        Ok(Self { visit, device })
    }
}

pub(super) fn origin(arrival: &Arrival) -> Origin<'_> {
    Origin {
        address: arrival.visit.address,
        device: arrival.device.as_deref(),
        session: arrival.visit.signed_in,
        guest: arrival.visit.guest(),
    }
}

fn add_cookies(response: &mut Response, cookies: impl IntoIterator<Item = Option<HeaderValue>>) {
    for cookie in cookies.into_iter().flatten() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}

/// The answer to who has just signed in. The guest's cookie goes: the account has adopted them, and
/// whoever uses this browser after a sign-out must not be them.
pub(super) fn enter(status: StatusCode, arrival: &Arrival, signed_in: &SignedIn) -> Response {
    let names = arrival.visit.cookies;
    let body = Entered {
        account: AccountBody::of(&signed_in.account),
        adopted_orders: signed_in.begun.adopted_orders,
        notice: signed_in.notice.map(|notice| NoticeBody {
            registrations: notice.registrations,
            last_ms: notice.last_ms,
        }),
    };
    let mut response = (status, axum::Json(body)).into_response();
    let begun = &signed_in.begun;
    let guest = arrival
        .visit
        .guest()
        .map(|_| Cookie::Guest.take_away(names));
    add_cookies(
        &mut response,
        [
            Cookie::SignedIn.set(names, begun.token.text(), begun.lasts_ms / 1_000),
            Cookie::Device.set(names, &signed_in.device, DEVICE_S),
            guest.flatten(),
        ],
    );
    response
}

/// The answer to who has just signed out.
fn leave(visit: &Visit) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    add_cookies(&mut response, [Cookie::SignedIn.take_away(visit.cookies)]);
    response
}

/// Sign in. What this browser has held and bought as a guest is the account's.
#[utoipa::path(post, path = "/api/v1/sessions", tag = "accounts",
    request_body = Credentials,
    responses(
        (status = 201, body = Entered),
        (status = 400, body = schema::Problem),
        (status = 401, body = schema::Problem,
            description = "`sign_in_failed`: the same for a wrong password and an unknown address"),
        (status = 429, body = schema::Problem, description = "`too_many_attempts`"),
        (status = 503, body = schema::Problem)))]
pub async fn sign_in(
    State(state): State<AppState>,
    arrival: Arrival,
    Json(wish): Json<Credentials>,
) -> Result<Response, ApiError> {
    let (email, password) = wish.read()?;
    let signed_in = state
        .accounts
        .sign_in(&email, password, origin(&arrival))
        .await?;
    Ok(enter(StatusCode::CREATED, &arrival, &signed_in))
}

/// Sign out here. Does nothing where nobody is signed in.
#[utoipa::path(delete, path = "/api/v1/sessions/current", tag = "accounts",
    responses(
        (status = 204, description = "nobody is signed in here any more"),
        (status = 503, body = schema::Problem)))]
pub async fn sign_out(
    State(state): State<AppState>,
    arrival: Arrival,
) -> Result<Response, ApiError> {
    if let Some(token) = arrival.visit.signed_in {
        state.accounts.sign_out(token).await?;
    }
    Ok(leave(&arrival.visit))
}

/// Sign out everywhere, here too.
#[utoipa::path(delete, path = "/api/v1/sessions", tag = "accounts",
    responses(
        (status = 204, description = "signed out in every browser"),
        (status = 401, body = schema::Problem),
        (status = 503, body = schema::Problem)))]
pub async fn sign_out_everywhere(
    State(state): State<AppState>,
    super::SignedIn(account): super::SignedIn,
    arrival: Arrival,
) -> Result<Response, ApiError> {
    state.accounts.sign_out_everywhere(account.id).await?;
    Ok(leave(&arrival.visit))
}
