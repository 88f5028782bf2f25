//! One payment as the simulator's bank sees it: every change a provider can make, and what it
//! answers. No I/O.

use super::Fault;
use crate::payments::{
    Authorisation, IdempotencyKey, NoticeKind, PaymentRef, PaymentStatus, ProviderError,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Payment {
    pub(super) key: IdempotencyKey,
    pub(super) amount_minor: i64,
    pub(super) currency: String,
    pub(super) last4: String,
    pub(super) fault: Fault,
    pub(super) status: Status,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) refunds: Vec<(IdempotencyKey, i64)>,
    #[serde(default)]
    pub(super) captures_failed: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    Processing,
    StepNeeded,
    Authorised,
    Declined(String),
    Captured,
    Voided,
}

/// What a change to a payment comes to.
pub(super) struct Change<T> {
    pub(super) answer: Result<T, ProviderError>,
    pub(super) notice: Option<NoticeKind>,
}

pub(super) fn unchanged<T>(answer: Result<T, ProviderError>) -> Change<T> {
    Change {
        answer,
        notice: None,
    }
}

pub(super) fn refused<T>(code: &str) -> Change<T> {
    unchanged(Err(ProviderError::Refused {
        code: code.to_owned(),
    }))
}

impl Status {
    pub(super) fn notice(&self) -> Option<NoticeKind> {
        match self {
            Self::Processing => None,
            Self::StepNeeded => Some(NoticeKind::StepNeeded),
            Self::Authorised => Some(NoticeKind::Authorised),
            Self::Declined(_) => Some(NoticeKind::Declined),
            Self::Captured => Some(NoticeKind::Captured),
            Self::Voided => Some(NoticeKind::Voided),
        }
    }
}

impl Payment {
    pub(super) fn reference(&self) -> PaymentRef {
        PaymentRef(format!("sim_{}", self.key.0.simple()))
    }

    pub(super) fn refunded_minor(&self) -> i64 {
        self.refunds
            .iter()
            .map(|(_, amount_minor)| amount_minor)
            .sum()
    }

    pub(super) fn status(&self) -> PaymentStatus {
        let payment = self.reference();
        match &self.status {
            Status::Processing => PaymentStatus::Processing,
            Status::StepNeeded => PaymentStatus::Answered(Authorisation::NeedsStep { payment }),
            Status::Authorised => PaymentStatus::Answered(Authorisation::Authorised { payment }),
            Status::Declined(reason) => PaymentStatus::Answered(Authorisation::Declined {
                reason: reason.clone(),
            }),
            Status::Captured => PaymentStatus::Captured {
                payment,
                refunded_minor: self.refunded_minor(),
            },
            Status::Voided => PaymentStatus::Voided,
        }
    }

    pub(super) fn finish_processing(&mut self) -> Change<Authorisation> {
        match self.status {
            Status::Processing => {
                self.status = Status::Authorised;
                Change {
                    answer: Ok(Authorisation::Authorised {
                        payment: self.reference(),
                    }),
                    notice: Some(NoticeKind::Authorised),
                }
            }
            _ => refused("voided"),
        }
    }

    pub(super) fn capture(&mut self) -> Change<()> {
        match (&self.status, self.fault) {
            (Status::Captured, _) => unchanged(Ok(())),
            (Status::Authorised, Fault::CaptureRefused) => refused("capture_refused"),
            (Status::Authorised, Fault::CaptureFlaky) if self.captures_failed < 2 => {
                self.captures_failed += 1;
                unchanged(Err(ProviderError::Unreachable(
                    "the bank is busy".to_owned(),
                )))
            }
            (Status::Authorised, _) => {
                self.status = Status::Captured;
                Change {
                    answer: Ok(()),
                    notice: Some(NoticeKind::Captured),
                }
            }
            (Status::Voided, _) => refused("voided"),
            (Status::Processing | Status::StepNeeded | Status::Declined(_), _) => {
                refused("not_authorised")
            }
        }
    }

    pub(super) fn void(&mut self) -> Change<()> {
        match self.status {
            Status::Captured => refused("captured"),
            Status::Voided | Status::Declined(_) => unchanged(Ok(())),
            Status::Processing | Status::StepNeeded | Status::Authorised => {
                self.status = Status::Voided;
                Change {
                    answer: Ok(()),
                    notice: Some(NoticeKind::Voided),
                }
            }
        }
    }

    pub(super) fn refund(&mut self, refund: IdempotencyKey, amount_minor: i64) -> Change<()> {
        if let Some((_, known_minor)) = self.refunds.iter().find(|(key, _)| *key == refund) {
            let same = *known_minor == amount_minor;
            return unchanged(if same {
                Ok(())
            } else {
                Err(ProviderError::KeyReused)
            });
        }
        if self.status != Status::Captured {
            return refused("not_captured");
        }
        if amount_minor < 0 || amount_minor > self.amount_minor - self.refunded_minor() {
            return refused("refund_too_large");
        }
        self.refunds.push((refund, amount_minor));
        Change {
            answer: Ok(()),
            notice: Some(NoticeKind::Refunded),
        }
    }

    pub(super) fn finish_step(&mut self, approve: bool) -> Change<()> {
        match (&self.status, approve) {
            (Status::StepNeeded, true) => self.status = Status::Authorised,
            (Status::StepNeeded, false) => {
                self.status = Status::Declined("step_refused".to_owned());
            }
            (Status::Authorised | Status::Captured, true) => return unchanged(Ok(())),
            (Status::Declined(_), false) => return unchanged(Ok(())),
            _ => return refused("no_step_open"),
        }
        Change {
            answer: Ok(()),
            notice: self.status.notice(),
        }
    }
}
