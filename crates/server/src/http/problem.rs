//! Every error that leaves the server leaves through here, as an RFC 9457 problem document.
//!
//! Two texts are kept apart. What the caller reads ([`Problem::detail`]) says what they can do;
//! what only the log may hold is an [`Inside`], which has no way of getting into a body: it
//! implements neither `Display` nor `Serialize`.

use crate::accounts::AccountsError;
use crate::catalogue::{CatalogueError, CatalogueStoreError};
use crate::lane::LaneError;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use booking_core::Rejection;
use serde::Serialize;
use std::sync::Arc;

/// What went wrong, for the log only.
#[derive(Debug)]
pub struct Inside(String);

impl Inside {
    /// Keeps the whole chain of `error` for the log.
    pub fn new(error: &(dyn std::error::Error + 'static)) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        Self(text)
    }

    /// A fault that is not an error value.
    pub fn text(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// Rides on an answer to the outermost layer, which knows the request and writes the log.
#[derive(Clone, Debug)]
pub(super) struct ForTheLog(Arc<Inside>);

impl ForTheLog {
    pub(super) fn text(&self) -> &str {
        &self.0.0
    }
}

/// Everything a request can end with that is not an answer. One variant a code.
#[derive(Debug)]
pub enum ApiError {
    /// The request is not what it should be: `at` is the place (`items[2].price_type`, `query`,
    /// `path`), `what` the fault there.
    Malformed {
        /// Place of the fault.
        at: String,
        /// The fault.
        what: String,
    },
    /// No such thing, or somebody else's.
    NotFound,
    /// The path exists, but not with this method.
    MethodNotAllowed,
    /// A change asked for by another site's page.
    CrossSite,
    /// Only for who has signed in.
    SignInNeeded,
    /// Signed in, but not as somebody who may.
    NotAllowed {
        /// The role that may.
        needed: crate::accounts::Role,
    },
    /// Address and password do not belong together, or nobody has that address: nobody is told which.
    SignInFailed,
    /// Too many passwords were tried.
    TooManyAttempts {
        /// Seconds until the next may be tried.
        retry_after_s: u64,
    },
    /// No account can be made for that address.
    AccountExists,
    /// Nobody takes their own role away.
    OwnAccount,
    /// The body did not arrive in time.
    BodyTooSlow,
    /// The body is larger than is read.
    BodyTooLarge {
        /// Most bytes.
        max_bytes: usize,
    },
    /// Not `application/json`.
    UnsupportedMediaType,
    /// A business "no".
    Rejected(Rejection),
    /// That command id was used with other content.
    CommandIdReused,
    /// It costs something else than what was quoted.
    PriceChanged {
        /// What was promised.
        quoted_minor: i64,
        /// What it costs now.
        total_minor: i64,
    },
    /// The card was refused.
    PaymentDeclined {
        /// The provider's stable reason.
        reason: String,
    },
    /// The order has gone on: what was asked for cannot be done in its state.
    OrderState {
        /// Its state.
        state: &'static str,
    },
    /// The quote's token is not one of ours, or is for something else.
    QuoteInvalid {
        /// What does not fit.
        what: &'static str,
    },
    /// The quote is older than it may be.
    QuoteExpired,
    /// A waiting room's "no".
    Room {
        /// Which room.
        room: onsale_queue::RoomId,
        /// Its "no".
        refusal: Box<crate::rooms::Refusal>,
    },
    /// Too many requests from one address.
    TooManyRequests {
        /// Seconds until there is room.
        retry_after_s: u64,
    },
    /// Too much to do at the moment.
    Busy {
        /// Seconds until it makes sense to come back.
        retry_after_s: u64,
    },
    /// The server is shutting down.
    Draining,
    /// The database failed; nothing has changed.
    StorageFailed(Inside),
    /// The payment provider cannot be reached; nothing has been charged.
    PaymentUnavailable(Inside),
    /// A fault of the program.
    Internal(Inside),
}

impl From<LaneError> for ApiError {
    fn from(error: LaneError) -> Self {
        match error {
            LaneError::Rejected(rejection) => Self::Rejected(rejection),
            LaneError::CommandIdReused => Self::CommandIdReused,
            LaneError::Busy { retry_after_ms } => Self::Busy {
                retry_after_s: retry_after_ms.div_ceil(1_000),
            },
            LaneError::UnknownPerformance => Self::NotFound,
            LaneError::StorageFailed => Self::StorageFailed(Inside::new(&error)),
            LaneError::Draining => Self::Draining,
        }
    }
}

impl From<CatalogueError> for ApiError {
    fn from(error: CatalogueError) -> Self {
        match &error {
            CatalogueError::Invalid { .. } | CatalogueError::Prices(_) => {
                Self::Internal(Inside::new(&error))
            }
            CatalogueError::Store(store) => match store {
                CatalogueStoreError::Failed(_) => Self::StorageFailed(Inside::new(&error)),
                CatalogueStoreError::Exists
                | CatalogueStoreError::NoSuchVenue
                | CatalogueStoreError::Damaged { .. } => Self::Internal(Inside::new(&error)),
            },
        }
    }
}

impl From<AccountsError> for ApiError {
    fn from(error: AccountsError) -> Self {
        match error {
            AccountsError::BadPassword(what) => Self::malformed("password", what),
            AccountsError::Exists => Self::AccountExists,
            AccountsError::NoSuchAccount => Self::NotFound,
            AccountsError::Wrong => Self::SignInFailed,
            AccountsError::Slower { for_ms } => Self::TooManyAttempts {
                retry_after_s: for_ms.unsigned_abs().div_ceil(1_000),
            },
            AccountsError::Busy => Self::Busy { retry_after_s: 1 },
            AccountsError::Store(_) => Self::StorageFailed(Inside::new(&error)),
        }
    }
}

/// A problem document's fixed members.
#[derive(Debug, Serialize)]
struct Document<'a, F: Serialize> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(flatten)]
    facts: F,
}

/// The fixed members of a code that carries no facts.
#[derive(Serialize)]
struct Code {
    code: &'static str,
}

/// How an error leaves: status, code, the two texts a person reads.
struct Problem<'a> {
    status: StatusCode,
    code: &'static str,
    title: &'a str,
    detail: &'a str,
}

impl ApiError {
    /// Shorthand for [`ApiError::Malformed`].
    pub fn malformed(at: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Malformed {
            at: at.into(),
            what: what.into(),
        }
    }

    /// Stable code, as in the document.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Rejected(rejection) => rejection.code(),
            Self::Room { refusal, .. } => refusal.code(),
            Self::Malformed { .. } => "malformed",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::CrossSite => "cross_site",
            Self::SignInNeeded => "sign_in_needed",
            Self::NotAllowed { .. } => "not_allowed",
            Self::SignInFailed => "sign_in_failed",
            Self::TooManyAttempts { .. } => "too_many_attempts",
            Self::AccountExists => "account_exists",
            Self::OwnAccount => "own_account",
            Self::BodyTooSlow => "body_too_slow",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::CommandIdReused => "command_id_reused",
            Self::PriceChanged { .. } => "price_changed",
            Self::PaymentDeclined { .. } => "payment_declined",
            Self::OrderState { .. } => "order_state",
            Self::QuoteInvalid { .. } => "quote_invalid",
            Self::QuoteExpired => "quote_expired",
            Self::TooManyRequests { .. } => "too_many_requests",
            Self::Busy { .. } => "busy",
            Self::Draining => "draining",
            Self::StorageFailed(_) => "storage_failed",
            Self::PaymentUnavailable(_) => "payment_unavailable",
            Self::Internal(_) => "internal",
        }
    }

    /// Status it leaves with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Malformed { .. } => StatusCode::BAD_REQUEST,
            // A fan is told the same about what is not there and what is somebody else's.
            Self::NotFound
            | Self::Rejected(Rejection::NoSuchHold { .. } | Rejection::NoSuchOrder { .. }) => {
                StatusCode::NOT_FOUND
            }
            Self::Room { refusal, .. } => {
                let status = refusal.words().status;
                StatusCode::from_u16(status).unwrap_or(StatusCode::CONFLICT)
            }
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::CrossSite | Self::NotAllowed { .. } => StatusCode::FORBIDDEN,
            Self::SignInNeeded | Self::SignInFailed => StatusCode::UNAUTHORIZED,
            Self::AccountExists | Self::OwnAccount => StatusCode::CONFLICT,
            Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Rejected(_)
            | Self::CommandIdReused
            | Self::PriceChanged { .. }
            | Self::OrderState { .. }
            | Self::QuoteInvalid { .. }
            | Self::QuoteExpired => StatusCode::CONFLICT,
            Self::PaymentDeclined { .. } => StatusCode::PAYMENT_REQUIRED,
            Self::TooManyRequests { .. } | Self::TooManyAttempts { .. } => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::Busy { .. }
            | Self::Draining
            | Self::StorageFailed(_)
            | Self::PaymentUnavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn problem<'a>(&self, title: &'a str, detail: &'a str) -> Problem<'a> {
        Problem {
            status: self.status(),
            code: self.code(),
            title,
            detail,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response<Body> {
        let mut response = self.document();
        match self {
            Self::StorageFailed(inside)
            | Self::PaymentUnavailable(inside)
            | Self::Internal(inside) => {
                response
                    .extensions_mut()
                    .insert(ForTheLog(Arc::new(inside)));
            }
            Self::Malformed { .. }
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::CrossSite
            | Self::SignInNeeded
            | Self::NotAllowed { .. }
            | Self::SignInFailed
            | Self::TooManyAttempts { .. }
            | Self::AccountExists
            | Self::OwnAccount
            | Self::BodyTooSlow
            | Self::BodyTooLarge { .. }
            | Self::UnsupportedMediaType
            | Self::Rejected(_)
            | Self::Room { .. }
            | Self::CommandIdReused
            | Self::PriceChanged { .. }
            | Self::PaymentDeclined { .. }
            | Self::OrderState { .. }
            | Self::QuoteInvalid { .. }
            | Self::QuoteExpired
            | Self::TooManyRequests { .. }
            | Self::Busy { .. }
            | Self::Draining => {}
        }
        response
    }
}

impl ApiError {
    /// What the caller gets.
    fn document(&self) -> Response<Body> {
        match self {
            Self::Malformed { at, what } => {
                let detail = format!("{at}: {what}");
                self.problem("The request is malformed", &detail)
                    .with(serde_json::json!({ "code": self.code(), "at": at, "what": what }))
            }
            Self::NotFound => self
                .problem("Not found", "there is no such thing here")
                .plain(),
            // The router adds `Allow`.
            Self::MethodNotAllowed => self
                .problem("Method not allowed", "this path does not take this method")
                .plain(),
            Self::CrossSite => self
                .problem(
                    "Refused",
                    "another site's page may not change anything here",
                )
                .plain(),
            Self::SignInNeeded => self
                .problem("Sign in first", "this is for people who have signed in")
                .plain(),
            Self::NotAllowed { needed } => {
                let detail = format!("this needs an account with the role {needed}");
                self.problem("Not allowed", &detail)
                    .with(serde_json::json!({ "code": self.code(), "role_needed": needed }))
            }
            Self::SignInFailed => self
                .problem(
                    "This did not work",
                    "address and password do not belong together",
                )
                .plain(),
            Self::TooManyAttempts { retry_after_s } => self
                .problem(
                    "Too many attempts",
                    "too many passwords were tried; nobody is locked out, but wait a while",
                )
                .retry_after(*retry_after_s),
            Self::AccountExists => self
                .problem(
                    "No account can be made for this address",
                    "if it is yours, sign in",
                )
                .plain(),
            Self::OwnAccount => self
                .problem("This is your own account", "ask another admin to change it")
                .plain(),
            Self::BodyTooSlow => self
                .problem(
                    "The body came too slowly",
                    "the whole body must arrive within 10 s",
                )
                .plain(),
            Self::BodyTooLarge { max_bytes } => {
                let detail = format!("at most {max_bytes} bytes are read");
                self.problem("The body is too large", &detail)
                    .with(serde_json::json!({ "code": self.code(), "max_bytes": max_bytes }))
            }
            Self::UnsupportedMediaType => self
                .problem("Unsupported media type", "send application/json")
                .plain(),
            Self::Rejected(rejection) => self
                .problem(&rejection.to_string(), &rejection.to_string())
                .with(rejection),
            Self::Room { room, refusal } => {
                let words = refusal.words();
                let problem = self.problem(words.title, words.detail);
                let mut response = problem.with(refusal.facts(*room));
                if let Some(retry_ms) = refusal.retry_ms() {
                    let seconds = retry_ms.div_ceil(1_000).max(1);
                    response.headers_mut().insert(RETRY_AFTER, seconds.into());
                }
                response
            }
            Self::CommandIdReused => self
                .problem(
                    "This command id was used for something else",
                    "make a new command id for a new wish",
                )
                .plain(),
            Self::PriceChanged {
                quoted_minor,
                total_minor,
            } => self
                .problem("The price has changed", "ask for a new quote and show it")
                .with(serde_json::json!({
                    "code": self.code(), "quoted_minor": quoted_minor, "total_minor": total_minor
                })),
            Self::PaymentDeclined { reason } => self
                .problem(
                    "The payment was declined",
                    "the seats are still held: try another card",
                )
                .with(serde_json::json!({ "code": self.code(), "reason": reason })),
            Self::OrderState { state } => self
                .problem(
                    "The order has gone on",
                    "look at the order to see where it stands",
                )
                .with(serde_json::json!({ "code": self.code(), "state": state })),
            Self::QuoteInvalid { what } => self.problem("This quote does not hold", what).plain(),
            Self::QuoteExpired => self
                .problem("The quote is too old", "ask for a new quote and show it")
                .plain(),
            Self::TooManyRequests { retry_after_s } => self
                .problem(
                    "Too many requests",
                    "requests come faster than this address may send them",
                )
                .retry_after(*retry_after_s),
            Self::Busy { retry_after_s } => self
                .problem(
                    "Busy",
                    "more is asked for than can be done now; nothing has changed",
                )
                .retry_after(*retry_after_s),
            Self::Draining => self
                .problem(
                    "Shutting down",
                    "this server is being stopped; nothing has changed",
                )
                .retry_after(2),
            Self::StorageFailed(_) => self
                .problem(
                    "Storage failed",
                    "the change could not be written; nothing has changed",
                )
                .retry_after(5),
            Self::PaymentUnavailable(_) => self
                .problem(
                    "Payment unavailable",
                    "the payment provider does not answer",
                )
                .retry_after(5),
            Self::Internal(_) => self
                .problem(
                    "Internal error",
                    "this is a fault of the server; it has been logged",
                )
                .plain(),
        }
    }
}

impl Problem<'_> {
    fn plain(&self) -> Response<Body> {
        self.with(Code { code: self.code })
    }

    fn retry_after(&self, seconds: u64) -> Response<Body> {
        let mut response = self.plain();
        response
            .headers_mut()
            .insert(RETRY_AFTER, seconds.max(1).into());
        response
    }

    /// `facts` holds the `code`.
    fn with(&self, facts: impl Serialize) -> Response<Body> {
        let document = Document {
            r#type: format!("/problems/{}", self.code),
            title: self.title,
            status: self.status.as_u16(),
            detail: self.detail,
            facts,
        };
        // The facts are plain data of our own: this cannot fail, and a body without facts is still
        // a problem document.
        let body = serde_json::to_vec(&document).unwrap_or_else(|_| b"{}".to_vec());
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        response.headers_mut().insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        response
    }
}
