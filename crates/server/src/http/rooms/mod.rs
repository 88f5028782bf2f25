//! The waiting room as visitors meet it, and the door between it and the shop.
//!
//! | file | endpoints |
//! |---|---|
//! | [`read`] | `GET /rooms/{id}`, `GET /rooms/keys`, `GET /rooms/{id}/challenge` |
//! | [`place`] | `POST /rooms/{id}/join`, `POST …/standing`, `PUT …/wishes` |
//! | [`enter`] | `POST /rooms/{id}/claim`, `POST …/presence`, `POST …/leave` |
//! | [`rush`] | `POST`, `GET`, `DELETE /rooms/{id}/rush`, where the room is the demo's |
//! | [`door`] | what holds and checkouts ask before they go on |

pub mod door;
pub mod enter;
pub mod place;
pub mod read;
pub mod rush;

pub use door::RoomDoor;

use super::accounts_who::SignedIn;
use super::problem::{ApiError, Inside};
use super::session::Visit;
use super::state::AppState;
use crate::rooms::{Caller, RoomsError};
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;

/// Whoever stands before a room. Makes a guest's session where there is none.
#[derive(Clone, Debug)]
pub struct Visitor(pub Caller);

impl FromRequestParts<AppState> for Visitor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let account =
            <SignedIn as OptionalFromRequestParts<AppState>>::from_request_parts(parts, state)
                .await?;
        let visit = Visit::in_parts(parts)?;
        let address = visit.address;
        Ok(Self(match account {
            Some(SignedIn(account)) => {
                let fans = std::iter::once(account.fan).chain(account.adopted.iter().copied());
                Caller::new(fans, Some(*account.id.as_bytes()), address)
            }
            None => Caller::new([visit.guest_or_new()], None, address),
        }))
    }
}

impl From<RoomsError> for ApiError {
    fn from(error: RoomsError) -> Self {
        match error {
            RoomsError::NotFound => Self::NotFound,
            RoomsError::Refused(room, refusal) => Self::Room {
                room,
                refusal: Box::new(refusal),
            },
            RoomsError::SignInNeeded => Self::SignInNeeded,
            RoomsError::TooMany { retry_after_s } => Self::TooManyRequests { retry_after_s },
            RoomsError::Malformed { at, what } => Self::Malformed { at, what },
            RoomsError::Storage(what) => Self::StorageFailed(Inside::text(what)),
        }
    }
}
