//! The payment provider behind one port: what the server asks of whoever moves the money.
//!
//! [`Provider`] is the port, [`simulator`] the adapter that is built in. Nothing here knows of
//! orders, seats or ledgers: the money saga in [`checkout`](crate::checkout) does.
//!
//! What every provider promises, and what the saga leans on:
//! * the same [`IdempotencyKey`] moves money at most once, however often it is sent;
//! * [`lookup`](Provider::lookup) tells what became of a key, also after a time-out;
//! * after [`void`](Provider::void) has answered, no money is or will be taken under that key,
//!   *also if the authorisation it names arrives later*.

pub mod card;
pub mod simulator;
pub mod webhook;

pub use card::{Card, CardFault, CardSummary};
pub use webhook::{Notice, NoticeKind, WebhookError};

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use uuid::Uuid;

/// Names one authorisation. Made once for each attempt to pay and recorded before it is sent.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct IdempotencyKey(pub Uuid);

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdempotencyKey({})", self.0)
    }
}

/// The provider's own name for a payment.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct PaymentRef(pub String);

/// A request to set money aside.
#[derive(Debug)]
pub struct Authorise {
    /// Names this authorisation.
    pub key: IdempotencyKey,
    /// How much, in the currency's minor unit.
    pub amount_minor: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// Whose money. Passed through, never kept.
    pub card: Card,
}

/// What became of a request to set money aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authorisation {
    /// The money is set aside.
    Authorised {
        /// The provider's name for the payment.
        payment: PaymentRef,
    },
    /// The bank said no.
    Declined {
        /// A stable code: `insufficient_funds`.
        reason: String,
    },
    /// The bank wants to ask the fan first.
    NeedsStep {
        /// The provider's name for the payment.
        payment: PaymentRef,
    },
}

/// Where a payment stands, as its provider sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentStatus {
    /// The bank has not answered yet.
    Processing,
    /// It has answered.
    Answered(Authorisation),
    /// The money was taken.
    Captured {
        /// The provider's name for the payment.
        payment: PaymentRef,
        /// How much was given back since.
        refunded_minor: i64,
    },
    /// Nothing is taken and nothing will be.
    Voided,
}

/// Why a provider did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// No answer in time. It may have happened all the same: look it up.
    #[error("the payment provider did not answer in time")]
    TimedOut,
    /// Could not be asked at all, or broke down. It may have happened all the same: look it up.
    #[error("the payment provider cannot be reached: {0}")]
    Unreachable(String),
    /// A definite no that asking again will not change.
    #[error("the payment provider refused: {code}")]
    Refused {
        /// A stable code.
        code: String,
    },
    /// The same key came with another amount, currency or card.
    #[error("the payment provider knows this key with other content")]
    KeyReused,
}

impl ProviderError {
    /// Whether asking again can help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::TimedOut | Self::Unreachable(_) => true,
            Self::Refused { .. } | Self::KeyReused => false,
        }
    }
}

/// What a provider's methods return: a future that may be kept behind a `dyn Provider`.
pub type ProviderFuture<'a, T> =
    Pin<Box<dyn Future<Output = Result<T, ProviderError>> + Send + 'a>>;

/// Whoever moves the money.
///
/// No method keeps a deadline of its own: the caller sets one on each call.
pub trait Provider: Send + Sync + 'static {
    /// Sets money aside. The same key again answers what it answered before.
    fn authorise(&self, request: Authorise) -> ProviderFuture<'_, Authorisation>;
    /// Takes all the money set aside under `key`. Again: no effect, same answer.
    fn capture(&self, key: IdempotencyKey, payment: PaymentRef) -> ProviderFuture<'_, ()>;
    /// Gives the money set aside under `key` free, and closes the key to anything that may still
    /// be under way. A captured payment is refused with `captured`: refund it.
    fn void(&self, key: IdempotencyKey) -> ProviderFuture<'_, ()>;
    /// Gives captured money back. `refund` names this refund: the same again has no effect.
    fn refund(
        &self,
        key: IdempotencyKey,
        refund: IdempotencyKey,
        amount_minor: i64,
    ) -> ProviderFuture<'_, ()>;
    /// What became of `key`; `None` where the provider has never heard of it.
    fn lookup(&self, key: IdempotencyKey) -> ProviderFuture<'_, Option<PaymentStatus>>;
    /// Checks a notice's signature and age and reads it.
    fn verify_webhook(
        &self,
        signature: &str,
        body: &[u8],
        now_ms: i64,
    ) -> Result<Notice, WebhookError>;
    /// Stands in for the bank's own page where the fan approves or refuses: only the simulator
    /// does anything here.
    fn finish_step(&self, key: IdempotencyKey, approve: bool) -> ProviderFuture<'_, ()>;
}
