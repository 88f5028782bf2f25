//! Where the money saga of one order stands, and the edges between the steps.
//!
//! ```text
//!             ┌─► declined                                   (the hold lives on)
//! authorising ┼─► awaiting_step ─► …as after authorising
//!             ├─► confirming ┬─► capturing ┬─► captured ─► cancelling ┬─► refunding ─► refunded
//!             │              │             │                          └─► cancelled ─► refunding
//!             │              │             └─► undoing ─► voiding ─► voided
//!             │              └─► voiding ─► voided           (the seats are gone)
//!             └─► voiding ─► voided                          (nobody knows what became of it)
//!
//! granting ┬─► granted ─► revoking ─► revoked                 (there is nothing to pay)
//!          └─► voided
//! ```
//!
//! A step is written down *before* what it names is done, so that after a crash the step says what
//! may have been done and must be found out or done again; everything a step does can be done
//! twice with the effect of once. One step is not written: after a crash while the ledger was being
//! asked (`confirming`), the attempt stands where the provider's answer was awaited, the provider
//! gives it again, and so does the ledger. `confirming → capturing` is written by the ledger itself:
//! the batch that holds the order's confirmation is the record that its money is due.
//!
//! Each edge is a method that consumes the step it starts from; an edge that does not exist is
//! [`WrongStep`].

use crate::payments::PaymentRef;
use booking_core::Rejection;
use serde::{Deserialize, Serialize};

/// A step of the saga, with what it needs to be taken (again).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// The provider is being asked to set the money aside.
    Authorising,
    /// The fan's bank wants to hear from the fan.
    AwaitingStep {
        /// The provider's name for the payment.
        payment: PaymentRef,
        /// When it is given up, ms since the epoch.
        until_ms: i64,
    },
    /// The money is set aside; the ledger is being asked to sell the seats.
    Confirming {
        /// The provider's name for the payment.
        payment: PaymentRef,
    },
    /// The seats are sold; the money is being taken, and it did not work at once.
    Capturing {
        /// The provider's name for the payment.
        payment: PaymentRef,
        /// Times it failed.
        failures: u32,
    },
    /// Done: the money is taken and the tickets are there.
    Captured {
        /// The provider's name for the payment.
        payment: PaymentRef,
    },
    /// Done: the bank said no.
    Declined {
        /// A stable code: `insufficient_funds`.
        reason: String,
    },
    /// The tickets are being undone, because their money cannot be had.
    Undoing {
        /// Why.
        why: Why,
    },
    /// Money set aside is being given free (or, where it turns out to be taken, given back).
    Voiding {
        /// Why.
        why: Why,
    },
    /// Done: nothing was taken, or all of it was given back, and there are no tickets.
    Voided {
        /// Why.
        why: Why,
    },
    /// The tickets are being undone by request.
    Cancelling {
        /// The provider's name for the payment.
        payment: PaymentRef,
        /// Whether the money goes back after that.
        #[serde(default = "always")]
        refund: bool,
    },
    /// Done: the tickets are undone; the money is still with the shop.
    Cancelled {
        /// The provider's name for the payment.
        payment: PaymentRef,
    },
    /// The money is being given back.
    Refunding {
        /// The provider's name for the payment.
        payment: PaymentRef,
    },
    /// Done: the tickets are undone and the money is back.
    Refunded {
        /// The provider's name for the payment.
        payment: PaymentRef,
    },
    /// There is nothing to pay, and the provider hears nothing of it; the ledger is being asked to
    /// give the seats.
    Granting,
    /// Done: nothing was to be paid and the tickets are there.
    Granted,
    /// The tickets of an order that cost nothing are being undone by request.
    Revoking,
    /// Done: they are undone, and there was no money to give back.
    Revoked,
}

/// A record without the word was written when cancelling always gave the money back.
fn always() -> bool {
    true
}

/// Why no ticket came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Why {
    /// The seats could not be sold: gone since the hold lapsed, or another rule.
    Refused {
        /// What the ledger said.
        rejection: Rejection,
    },
    /// The performance is no longer there.
    PerformanceGone,
    /// The money was promised and then could not be taken.
    CaptureFailed,
    /// The fan did not answer the bank in time, or chose another card.
    StepAbandoned,
    /// The server stopped before the provider had heard of the payment.
    Interrupted,
    /// The bank took too long.
    TookTooLong,
}

impl Why {
    /// Whether the ledger has said its last word: it was asked for the seats and answered. Of the
    /// others nobody knows whether it was asked.
    pub(super) fn is_known_to_the_ledger(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::PerformanceGone | Self::CaptureFailed => true,
            Self::StepAbandoned | Self::Interrupted | Self::TookTooLong => false,
        }
    }

    /// Stable code for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused { rejection } => rejection.code(),
            Self::PerformanceGone => "performance_gone",
            Self::CaptureFailed => "capture_failed",
            Self::StepAbandoned => "step_abandoned",
            Self::Interrupted => "interrupted",
            Self::TookTooLong => "took_too_long",
        }
    }

    /// Plain words for the fan.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Refused {
                rejection: Rejection::HoldLapsed { .. },
            } => "Your time to pay ran out and somebody else has taken the seats since. You have \
                 not been charged."
                .to_owned(),
            Self::Refused { rejection } => {
                format!(
                    "The seats could not be sold to you: {rejection}. You have not been charged."
                )
            }
            Self::PerformanceGone => {
                "This performance is no longer on sale. You have not been charged.".to_owned()
            }
            Self::CaptureFailed => "Your bank promised the money and then would not pay it, so we \
                 had to give the seats back. You have not been charged."
                .to_owned(),
            Self::StepAbandoned => {
                "The payment was not approved with your bank. You have not been charged.".to_owned()
            }
            Self::Interrupted => "The payment was interrupted before it reached your bank. You \
                 have not been charged; please try again."
                .to_owned(),
            Self::TookTooLong => {
                "Your bank took too long to answer. You have not been charged; please try again."
                    .to_owned()
            }
        }
    }
}

/// An edge that does not exist: a fault of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a checkout cannot go from {from} by {edge}")]
pub struct WrongStep {
    /// Where it stands.
    pub from: &'static str,
    /// The edge.
    pub edge: &'static str,
}

impl Step {
    /// Its name, as in the record.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Authorising => "authorising",
            Self::AwaitingStep { .. } => "awaiting_step",
            Self::Confirming { .. } => "confirming",
            Self::Capturing { .. } => "capturing",
            Self::Captured { .. } => "captured",
            Self::Declined { .. } => "declined",
            Self::Undoing { .. } => "undoing",
            Self::Voiding { .. } => "voiding",
            Self::Voided { .. } => "voided",
            Self::Cancelling { .. } => "cancelling",
            Self::Cancelled { .. } => "cancelled",
            Self::Refunding { .. } => "refunding",
            Self::Refunded { .. } => "refunded",
            Self::Granting => "granting",
            Self::Granted => "granted",
            Self::Revoking => "revoking",
            Self::Revoked => "revoked",
        }
    }

    /// Whether there is nothing left to do.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        match self {
            Self::Captured { .. }
            | Self::Declined { .. }
            | Self::Voided { .. }
            | Self::Cancelled { .. }
            | Self::Refunded { .. }
            | Self::Granted
            | Self::Revoked => true,
            Self::Authorising
            | Self::AwaitingStep { .. }
            | Self::Confirming { .. }
            | Self::Capturing { .. }
            | Self::Undoing { .. }
            | Self::Voiding { .. }
            | Self::Cancelling { .. }
            | Self::Refunding { .. }
            | Self::Granting
            | Self::Revoking => false,
        }
    }

    fn wrong<T>(&self, edge: &'static str) -> Result<T, WrongStep> {
        Err(WrongStep {
            from: self.name(),
            edge,
        })
    }

    /// The money is set aside: ask for the seats.
    pub fn authorised(self, payment: PaymentRef) -> Result<Self, WrongStep> {
        match self {
            Self::Authorising | Self::AwaitingStep { .. } => Ok(Self::Confirming { payment }),
            other => other.wrong("authorised"),
        }
    }
    /// The bank said no.
    pub fn declined(self, reason: String) -> Result<Self, WrongStep> {
        match self {
            Self::Authorising | Self::AwaitingStep { .. } => Ok(Self::Declined { reason }),
            other => other.wrong("declined"),
        }
    }
    /// The bank wants to ask the fan.
    pub fn step_needed(self, payment: PaymentRef, until_ms: i64) -> Result<Self, WrongStep> {
        match self {
            Self::Authorising => Ok(Self::AwaitingStep { payment, until_ms }),
            other => other.wrong("step_needed"),
        }
    }
    /// No tickets will come of it: give the money free.
    pub fn given_up(self, why: Why) -> Result<Self, WrongStep> {
        match self {
            Self::Authorising | Self::AwaitingStep { .. } | Self::Confirming { .. } => {
                Ok(Self::Voiding { why })
            }
            other => other.wrong("given_up"),
        }
    }
    /// Taking the money did not work this time.
    pub fn capture_delayed(self) -> Result<Self, WrongStep> {
        match self {
            Self::Confirming { payment } => Ok(Self::Capturing {
                payment,
                failures: 1,
            }),
            Self::Capturing { payment, failures } => Ok(Self::Capturing {
                payment,
                failures: failures.saturating_add(1),
            }),
            other => other.wrong("capture_delayed"),
        }
    }
    /// The money is taken.
    pub fn captured(self) -> Result<Self, WrongStep> {
        match self {
            Self::Confirming { payment } | Self::Capturing { payment, .. } => {
                Ok(Self::Captured { payment })
            }
            other => other.wrong("captured"),
        }
    }
    /// The money cannot be had: undo the tickets.
    pub fn capture_failed(self) -> Result<Self, WrongStep> {
        match self {
            Self::Confirming { .. } | Self::Capturing { .. } => Ok(Self::Undoing {
                why: Why::CaptureFailed,
            }),
            other => other.wrong("capture_failed"),
        }
    }
    /// The tickets are undone: give the money free.
    pub fn undone(self) -> Result<Self, WrongStep> {
        match self {
            Self::Undoing { why } => Ok(Self::Voiding { why }),
            other => other.wrong("undone"),
        }
    }
    /// Nothing is taken any more.
    pub fn voided(self) -> Result<Self, WrongStep> {
        match self {
            Self::Voiding { why } => Ok(Self::Voided { why }),
            other => other.wrong("voided"),
        }
    }
    /// The ledger has given the seats, and there was nothing to pay.
    pub fn granted(self) -> Result<Self, WrongStep> {
        match self {
            Self::Granting => Ok(Self::Granted),
            other => other.wrong("granted"),
        }
    }
    /// The seats could not be given; there is no money to give free.
    pub fn not_granted(self, why: Why) -> Result<Self, WrongStep> {
        match self {
            Self::Granting => Ok(Self::Voided { why }),
            other => other.wrong("not_granted"),
        }
    }
    /// The tickets that cost nothing are undone.
    pub fn revoked(self) -> Result<Self, WrongStep> {
        match self {
            Self::Revoking => Ok(Self::Revoked),
            other => other.wrong("revoked"),
        }
    }
    /// Somebody who may has asked for the tickets to be undone, and perhaps for the money to go
    /// back.
    pub fn cancelling(self, refund: bool) -> Result<Self, WrongStep> {
        match self {
            Self::Captured { payment } => Ok(Self::Cancelling { payment, refund }),
            Self::Granted => Ok(Self::Revoking),
            Self::Cancelled { payment } if refund => Ok(Self::Refunding { payment }),
            // Not undone yet, and now the money is wanted back as well.
            Self::Cancelling {
                payment,
                refund: false,
            } if refund => Ok(Self::Cancelling { payment, refund }),
            other => other.wrong("cancelling"),
        }
    }
    /// The tickets are undone by request.
    pub fn tickets_undone(self) -> Result<Self, WrongStep> {
        match self {
            Self::Cancelling {
                payment,
                refund: true,
            } => Ok(Self::Refunding { payment }),
            Self::Cancelling {
                payment,
                refund: false,
            } => Ok(Self::Cancelled { payment }),
            other => other.wrong("tickets_undone"),
        }
    }
    /// The money is back.
    pub fn refunded(self) -> Result<Self, WrongStep> {
        match self {
            Self::Refunding { payment } => Ok(Self::Refunded { payment }),
            other => other.wrong("refunded"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payment() -> PaymentRef {
        PaymentRef("p".to_owned())
    }

    fn every_step() -> Vec<Step> {
        let (payment, why) = (payment(), Why::Interrupted);
        vec![
            Step::Authorising,
            Step::AwaitingStep {
                payment: payment.clone(),
                until_ms: 1,
            },
            Step::Confirming {
                payment: payment.clone(),
            },
            Step::Capturing {
                payment: payment.clone(),
                failures: 1,
            },
            Step::Captured {
                payment: payment.clone(),
            },
            Step::Declined {
                reason: "x".to_owned(),
            },
            Step::Undoing { why: why.clone() },
            Step::Voiding { why: why.clone() },
            Step::Voided { why },
            Step::Cancelling {
                payment: payment.clone(),
                refund: true,
            },
            Step::Cancelled {
                payment: payment.clone(),
            },
            Step::Refunding {
                payment: payment.clone(),
            },
            Step::Refunded { payment },
            Step::Granting,
            Step::Granted,
            Step::Revoking,
            Step::Revoked,
        ]
    }

    #[test]
    fn a_settled_step_has_no_edge_but_the_undoing_of_a_confirmed_order() {
        for step in every_step().into_iter().filter(Step::is_settled) {
            let is_confirmed = matches!(step, Step::Captured { .. } | Step::Granted);
            let edges = [
                step.clone().authorised(payment()),
                step.clone().declined(String::new()),
                step.clone().step_needed(payment(), 0),
                step.clone().given_up(Why::Interrupted),
                step.clone().capture_delayed(),
                step.clone().captured(),
                step.clone().capture_failed(),
                step.clone().undone(),
                step.clone().voided(),
                step.clone().tickets_undone(),
                step.clone().refunded(),
                step.clone().granted(),
                step.clone().not_granted(Why::Interrupted),
                step.clone().revoked(),
            ];
            assert!(edges.iter().all(Result::is_err), "{step:?}");
            let is_unrefunded = matches!(step, Step::Cancelled { .. });
            assert_eq!(step.clone().cancelling(false).is_ok(), is_confirmed);
            assert_eq!(step.cancelling(true).is_ok(), is_confirmed || is_unrefunded);
        }
    }

    #[test]
    fn money_set_aside_is_taken_only_after_the_seats_were_asked_for() {
        for step in every_step() {
            let may = matches!(step, Step::Confirming { .. } | Step::Capturing { .. });
            assert_eq!(step.captured().is_ok(), may);
        }
    }

    #[test]
    fn an_order_that_costs_nothing_never_comes_to_a_step_that_moves_money() {
        for step in [Step::Granting, Step::Granted, Step::Revoking, Step::Revoked] {
            let edges = [
                step.clone().authorised(payment()),
                step.clone().step_needed(payment(), 0),
                step.clone().given_up(Why::Interrupted),
                step.clone().captured(),
                step.clone().capture_failed(),
                step.clone().tickets_undone(),
                step.clone().refunded(),
            ];
            assert!(edges.iter().all(Result::is_err), "{step:?}");
        }
    }

    #[test]
    fn a_cancelling_of_older_programs_gives_the_money_back() {
        let step: Step = serde_json::from_str(r#"{"step":"cancelling","payment":"p"}"#).unwrap();
        let payment = payment();
        assert_eq!(step.tickets_undone(), Ok(Step::Refunding { payment }));
    }

    #[test]
    fn every_step_reads_as_it_was_written() {
        for step in every_step() {
            let json = serde_json::to_string(&step).unwrap();
            assert!(
                json.contains(&format!("\"step\":\"{}\"", step.name())),
                "{json}"
            );
            assert_eq!(serde_json::from_str::<Step>(&json).unwrap(), step);
        }
        let refused = Step::Voided {
            why: Why::Refused {
                rejection: Rejection::HoldLapsed { gone: Vec::new() },
            },
        };
        let json = serde_json::to_string(&refused).unwrap();
        assert_eq!(serde_json::from_str::<Step>(&json).unwrap(), refused);
    }
}
