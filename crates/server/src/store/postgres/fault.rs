//! What PostgreSQL's errors mean: for whoever asked, and for the transaction they ended.

use crate::store::error::{AppendError, StoreError};
use sqlx::error::{DatabaseError, ErrorKind};
use sqlx::postgres::PgDatabaseError;

/// Why a transaction was not committed, or may not have been.
#[derive(Debug)]
pub(super) enum Trouble {
    /// One of the writes in it is refused for a reason of its own. Rolled back, or about to be.
    Refused(AppendError),
    /// It met another one that was faster: nothing of it is kept, and it may be tried again as it
    /// is.
    Again(StoreError),
    /// The connection was lost before the commit was asked for: nothing of it is kept.
    Lost(StoreError),
    /// Nothing of it is kept, and trying again would not help.
    Failed(StoreError),
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        let code = error
            .as_database_error()
            .and_then(DatabaseError::code)
            .map(std::borrow::Cow::into_owned);
        let constraint = error
            .as_database_error()
            .and_then(DatabaseError::constraint)
            .map(str::to_owned);
        let error = StoreError::from(error);
        match (code.as_deref(), constraint.as_deref()) {
            (Some("23505"), Some("command_pkey")) => Self::Refused(AppendError::CommandRecorded),
            (Some("23505"), Some("ledger_pkey")) => Self::Refused(AppendError::Conflict),
            (Some("23505"), Some("ticket_live_pkey" | "ticket_live_ticket")) => {
                Self::Refused(AppendError::SeatSoldTwice)
            }
            (Some(code), _) if may_be_tried_again(code) => Self::Again(error),
            (Some(code), _) if ends_the_connection(code) => Self::Lost(error),
            (None, _) if matches!(error, StoreError::Unavailable(_)) => Self::Lost(error),
            _ => Self::Failed(error),
        }
    }
}

impl From<Trouble> for StoreError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Refused(AppendError::Store(error))
            | Trouble::Again(error)
            | Trouble::Lost(error)
            | Trouble::Failed(error) => error,
            Trouble::Refused(refusal) => Self::Constraint(refusal.to_string()),
        }
    }
}

/// By its SQLSTATE: serialisation failure, deadlock.
fn may_be_tried_again(code: &str) -> bool {
    matches!(code, "40001" | "40P01")
}

/// The server said goodbye, or will say no to whatever comes next on this connection: shut down,
/// crashed, starting, idle for too long, a standby where a primary is wanted.
fn ends_the_connection(code: &str) -> bool {
    matches!(
        code,
        "57P01" | "57P02" | "57P03" | "57P05" | "25P02" | "25P03" | "25006"
    ) || code.starts_with("08")
}

/// What whoever asked is told.
pub(in crate::store) fn store_error(error: &PgDatabaseError) -> StoreError {
    let what = || format!("{} ({})", error.message(), error.code());
    match error.kind() {
        ErrorKind::UniqueViolation
        | ErrorKind::ForeignKeyViolation
        | ErrorKind::NotNullViolation
        | ErrorKind::CheckViolation => return StoreError::Constraint(what()),
        _ => {}
    }
    match error.code() {
        "53100" => StoreError::DiskFull,
        "XX001" | "XX002" => StoreError::Damaged(what()),
        // Too many connections, out of memory, a time-out of a statement or a lock.
        "53300" | "53200" | "57014" | "55P03" => StoreError::Unavailable(what()),
        code if may_be_tried_again(code) || ends_the_connection(code) => {
            StoreError::Unavailable(what())
        }
        _ => StoreError::Failed(what()),
    }
}
