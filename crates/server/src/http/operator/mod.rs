//! Waiting rooms as operators meet them. Every endpoint demands the role before it looks at anything.
//!
//! | file | endpoints |
//! |---|---|
//! | [`rooms`] | listing, making, showing, changing and removing rooms; what they protect |
//! | [`actions`] | the actions of a room's life |
//! | [`codes`] | bypass codes |
//! | [`watch`] | figures, log, who is inside, and the feed of a console |

pub mod actions;
pub mod codes;
pub mod rooms;
pub mod watch;

use crate::http::schema::Problem;

/// What every endpoint answers to whoever is no operator, and while the rooms' memory is away. For the
/// description of the API, like the two below: handlers refuse through [`ApiError`].
///
/// [`ApiError`]: crate::http::problem::ApiError
#[derive(utoipa::IntoResponses)]
#[allow(dead_code, reason = "a shape for the description")]
pub enum NotAnOperator {
    /// `sign_in_needed`
    #[response(status = 401)]
    SignInNeeded(#[to_schema] Problem),
    /// `not_allowed`: another role
    #[response(status = 403)]
    NotAllowed(#[to_schema] Problem),
    /// `room_away`, `storage_failed`
    #[response(status = 503)]
    Away(#[to_schema] Problem),
}

/// What is not what it should be.
#[derive(utoipa::IntoResponses)]
#[allow(dead_code, reason = "a shape for the description")]
pub enum Unreadable {
    /// `malformed`: `at` is the place, `what` the fault there
    #[response(status = 400)]
    Malformed(#[to_schema] Problem),
}

/// What every endpoint below a room may answer besides.
#[derive(utoipa::IntoResponses)]
#[allow(dead_code, reason = "a shape for the description")]
pub enum OfARoom {
    /// `malformed`: `at` is the place, `what` the fault there
    #[response(status = 400)]
    Malformed(#[to_schema] Problem),
    /// `not_found`: no such room, or nothing of that name in it
    #[response(status = 404)]
    NotFound(#[to_schema] Problem),
}
