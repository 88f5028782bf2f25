//! Why a checkout is refused before money moves, or ends without tickets.

use crate::lane::LaneError;
use crate::store::StoreError;
use booking_core::Rejection;

/// Why there is no order, or none in a good state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckoutError {
    /// The request is not what it should be.
    #[error("{at}: {what}")]
    Malformed {
        /// Place of the fault.
        at: String,
        /// The fault, in words for the fan.
        what: String,
    },
    /// No such order, or somebody else's.
    #[error("there is no such order")]
    NotFound,
    /// A business "no".
    #[error(transparent)]
    Rejected(Rejection),
    /// That command id came before with other content.
    #[error("this command id was used before for something else")]
    CommandIdReused,
    /// The quote's token is not one of ours, or is for something else.
    #[error("{what}")]
    QuoteInvalid {
        /// What does not fit.
        what: &'static str,
    },
    /// It costs something else than what was quoted.
    #[error("the price is {total_minor}, {quoted_minor} was quoted")]
    PriceChanged {
        /// What was promised.
        quoted_minor: i64,
        /// What it costs now.
        total_minor: i64,
    },
    /// The bank said no; the hold lives on.
    #[error("the payment was declined: {reason}")]
    Declined {
        /// A stable code.
        reason: String,
    },
    /// The order has gone on: what was asked for cannot be done in its state.
    #[error("the order is {state}")]
    WrongState {
        /// Its state.
        state: &'static str,
    },
    /// Too much is under way.
    #[error("too many checkouts are under way")]
    Busy,
    /// The server is shutting down.
    #[error("the server is shutting down")]
    Draining,
    /// The database failed.
    #[error("the storage failed: {0}")]
    Storage(String),
    /// The payment provider does not answer.
    #[error("the payment provider failed: {0}")]
    Provider(String),
}

impl From<StoreError> for CheckoutError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Closed => Self::Draining,
            StoreError::DiskFull
            | StoreError::Constraint(_)
            | StoreError::Damaged(_)
            | StoreError::DamagedSnapshot(_)
            | StoreError::Unavailable(_)
            | StoreError::Failed(_) => Self::Storage(error.to_string()),
        }
    }
}

impl From<LaneError> for CheckoutError {
    fn from(error: LaneError) -> Self {
        match error {
            LaneError::Rejected(rejection) => Self::Rejected(rejection),
            LaneError::CommandIdReused => Self::CommandIdReused,
            LaneError::Busy { .. } => Self::Busy,
            LaneError::UnknownPerformance => Self::NotFound,
            LaneError::StorageFailed => Self::Storage(error.to_string()),
            LaneError::Draining => Self::Draining,
        }
    }
}
