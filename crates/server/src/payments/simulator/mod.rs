//! A payment provider in the same process, with cards for everything that can go wrong.
//!
//! It behaves as a real one does across the network: it keeps its own durable record (a journal
//! file of its own, see [`journal`]), honours idempotency keys, finishes what it has begun also
//! when nobody waits for the answer any more, and sends signed notices. It is for trials, demos
//! and tests: it remembers every payment ever made, at a few hundred bytes each.
//!
//! **Invariant:** of a card it keeps the last four digits and what its number makes go wrong,
//! never the number.

mod cards;
mod journal;
mod payment;
mod shared;

pub use cards::Fault;
pub use journal::JournalError;

use super::webhook::WebhookKey;
use super::{
    Authorisation, Authorise, IdempotencyKey, Notice, NoticeKind, PaymentRef, PaymentStatus,
    Provider, ProviderError, ProviderFuture, WebhookError,
};
use crate::clock::{Clock, random_bytes};
use journal::{Durable, Journal};
use payment::{Change, Payment, Status, refused, unchanged};
use shared::Shared;
use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::mpsc;

/// Notices that may wait for delivery. More are dropped: the saga never depends on one.
const OUTBOX: usize = 65_536;

/// How the simulator is set up.
#[derive(Debug)]
pub struct SimulatorConfig {
    /// Where it keeps its record.
    pub journal: Record,
    /// How long the slow card takes.
    pub slow: Duration,
    /// The secret its notices are signed with.
    pub webhook_key: WebhookKey,
    /// Where the time comes from.
    pub clock: Clock,
}

/// Where the simulator keeps its record.
#[derive(Clone, Debug)]
pub enum Record {
    /// In memory only.
    Memory,
    /// In a file of this process alone.
    Own(PathBuf),
    /// In a file that servers of one machine share, as they share a provider.
    Shared(PathBuf),
}

/// The built-in provider. Cheap to clone.
#[derive(Clone)]
pub struct Simulator {
    inner: Arc<Inner>,
}

struct Inner {
    payments: Mutex<Book>,
    journal: Option<Journal>,
    slow: Duration,
    webhook_key: WebhookKey,
    clock: Clock,
    notices: mpsc::Sender<Notice>,
}

/// Every payment as known here.
struct Book {
    payments: HashMap<IdempotencyKey, Payment>,
    /// Where others write too.
    shared: Option<Shared>,
}

/// The book in the hands of one caller: what others wrote in it is read, and nobody else writes.
struct Held<'a>(MutexGuard<'a, Book>);

impl Deref for Held<'_> {
    type Target = HashMap<IdempotencyKey, Payment>;
    fn deref(&self) -> &Self::Target {
        &self.0.payments
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0.payments
    }
}

impl Held<'_> {
    /// Writes down how a payment stands, where others read it at once.
    fn share(&mut self, key: IdempotencyKey) -> Result<(), ProviderError> {
        let Book { payments, shared } = &mut *self.0;
        match (shared, payments.get(&key)) {
            (Some(shared), Some(payment)) => {
                shared.write(payment).map_err(ProviderError::Unreachable)
            }
            (Some(_) | None, _) => Ok(()),
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Some(shared) = &self.0.shared {
            shared.give_back();
        }
    }
}

/// What an auditor (a test, the demo's page) may ask: every payment and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentRecord {
    /// Its key.
    pub key: IdempotencyKey,
    /// How much it is about.
    pub amount_minor: i64,
    /// Money is set aside and not taken.
    pub reserved: bool,
    /// Money taken and not given back.
    pub taken_minor: i64,
}

/// The end at which notices come out, to be signed and delivered.
pub struct Outbox {
    notices: mpsc::Receiver<Notice>,
    webhook_key: WebhookKey,
    clock: Clock,
}

/// A notice as it goes over the wire.
#[derive(Clone, Debug)]
pub struct SignedNotice {
    /// For [`SIGNATURE_HEADER`](super::webhook::SIGNATURE_HEADER).
    pub signature: String,
    /// JSON.
    pub body: Vec<u8>,
}

impl Outbox {
    /// The next notice; `None` once the simulator is gone.
    pub async fn next(&mut self) -> Option<SignedNotice> {
        let notice = self.notices.recv().await?;
        let body = serde_json::to_vec(&notice).expect("a notice can be written as JSON");
        Some(SignedNotice {
            signature: self.webhook_key.sign(self.clock.now_ms(), &body),
            body,
        })
    }
}

impl Simulator {
    /// Opens the simulator with what it remembers. What was being processed when it stopped is
    /// finished now, as a bank would.
    pub fn open(config: SimulatorConfig) -> Result<(Self, Outbox), JournalError> {
        let (mut journal, mut rows, mut shared) = (None, Vec::new(), None);
        match &config.journal {
            Record::Memory => {}
            Record::Own(path) => {
                let (opened, read) = Journal::open::<Payment>(path)?;
                (journal, rows) = (Some(opened), read);
            }
            Record::Shared(path) => shared = Some(Shared::open(path)?),
        }
        let mut payments = HashMap::new();
        for mut payment in rows {
            if payment.status == Status::Processing {
                payment.status = Status::Authorised;
            }
            payments.insert(payment.key, payment);
        }
        let (notices, queue) = mpsc::channel(OUTBOX);
        let outbox = Outbox {
            notices: queue,
            webhook_key: config.webhook_key.clone(),
            clock: config.clock.clone(),
        };
        let inner = Inner {
            payments: Mutex::new(Book { payments, shared }),
            journal,
            slow: config.slow,
            webhook_key: config.webhook_key,
            clock: config.clock,
            notices,
        };
        Ok((
            Self {
                inner: Arc::new(inner),
            },
            outbox,
        ))
    }

    /// Every payment and where it stands, in order of key.
    #[must_use]
    pub fn payments(&self) -> Vec<PaymentRecord> {
        let Ok(held) = self.inner.lock() else {
            return Vec::new();
        };
        let mut records: Vec<_> = held
            .values()
            .map(|payment| PaymentRecord {
                key: payment.key,
                amount_minor: payment.amount_minor,
                reserved: matches!(
                    payment.status,
                    Status::Authorised | Status::Processing | Status::StepNeeded
                ),
                taken_minor: if payment.status == Status::Captured {
                    payment.amount_minor - payment.refunded_minor()
                } else {
                    0
                },
            })
            .collect();
        records.sort_by_key(|record| record.key);
        records
    }
}

impl Inner {
    fn lock(&self) -> Result<Held<'_>, ProviderError> {
        let mut book = self
            .payments
            .lock()
            .expect("nothing panics while it holds this lock");
        let Book { payments, shared } = &mut *book;
        if let Some(shared) = shared {
            let news = shared.take::<Payment>();
            for payment in news.map_err(ProviderError::Unreachable)? {
                payments.insert(payment.key, payment);
            }
        }
        Ok(Held(book))
    }

    /// Waits until what was decided (and all before it) is on disk, then lets it be known.
    async fn settle<T>(
        &self,
        durable: Option<Durable>,
        change: Change<T>,
        payment: &Payment,
    ) -> Result<T, ProviderError> {
        if let Some(durable) = durable {
            durable.wait().await.map_err(ProviderError::Unreachable)?;
        }
        if let Some(kind) = change.notice {
            self.notify(kind, payment);
        }
        change.answer
    }

    /// Changes a payment that exists. An answer that changes nothing still waits for the disk, so
    /// that nobody is told of a change that a crash could undo.
    async fn change<T>(
        &self,
        key: IdempotencyKey,
        change: impl FnOnce(&mut Payment) -> Change<T>,
    ) -> Result<T, ProviderError> {
        let (change, durable, payment) = {
            let mut payments = self.lock()?;
            let Some(payment) = payments.get_mut(&key) else {
                return Err(ProviderError::Refused {
                    code: "unknown_payment".to_owned(),
                });
            };
            let before = (
                payment.status.clone(),
                payment.refunds.len(),
                payment.captures_failed,
            );
            let change = change(payment);
            let after = (
                payment.status.clone(),
                payment.refunds.len(),
                payment.captures_failed,
            );
            let durable = self.journal.as_ref().map(|journal| {
                if before == after {
                    journal.sync()
                } else {
                    journal.append(payment)
                }
            });
            let payment = payment.clone();
            if before != after {
                payments.share(key)?;
            }
            (change, durable, payment)
        };
        self.settle(durable, change, &payment).await
    }

    fn notify(&self, kind: NoticeKind, payment: &Payment) {
        let send = |kind| {
            let notice = Notice {
                id: uuid::Builder::from_random_bytes(random_bytes()).into_uuid(),
                kind,
                key: payment.key,
                at_ms: self.clock.now_ms(),
            };
            let copies = if payment.fault == Fault::NoticesTwice {
                2
            } else {
                1
            };
            for _ in 0..copies {
                if self.notices.try_send(notice.clone()).is_err() {
                    tracing::debug!("a payment notice was dropped: nobody reads them fast enough");
                }
            }
        };
        match (payment.fault, kind) {
            (Fault::NoticesReordered, NoticeKind::Authorised) => {}
            (Fault::NoticesReordered, NoticeKind::Captured) => {
                send(NoticeKind::Captured);
                send(NoticeKind::Authorised);
            }
            _ => send(kind),
        }
    }

    /// Notes the request, and answers at once where the card lets it.
    async fn authorise(
        self: Arc<Self>,
        request: Authorise,
    ) -> Result<Authorisation, ProviderError> {
        let fault = Fault::of(request.card.number());
        let (payment, durable, is_new) = {
            let mut payments = self.lock()?;
            if let Some(known) = payments.get(&request.key) {
                let same = known.status == Status::Voided
                    || known.amount_minor == request.amount_minor
                        && known.currency == request.currency
                        && known.last4 == request.card.summary().last4;
                if !same {
                    return Err(ProviderError::KeyReused);
                }
                (
                    known.clone(),
                    self.journal.as_ref().map(Journal::sync),
                    false,
                )
            } else {
                let status = match fault {
                    Fault::DoNotHonour => Status::Declined("do_not_honour".to_owned()),
                    Fault::InsufficientFunds => Status::Declined("insufficient_funds".to_owned()),
                    Fault::NeedsStep => Status::StepNeeded,
                    Fault::Slow => Status::Processing,
                    Fault::None
                    | Fault::TimesOut
                    | Fault::NoticesTwice
                    | Fault::NoticesReordered
                    | Fault::CaptureRefused
                    | Fault::CaptureFlaky => Status::Authorised,
                };
                let payment = Payment {
                    key: request.key,
                    amount_minor: request.amount_minor,
                    currency: request.currency,
                    last4: request.card.summary().last4.clone(),
                    fault,
                    status,
                    refunds: Vec::new(),
                    captures_failed: 0,
                };
                let durable = self
                    .journal
                    .as_ref()
                    .map(|journal| journal.append(&payment));
                payments.insert(request.key, payment.clone());
                payments.share(request.key)?;
                (payment, durable, true)
            }
        };
        let notice = if is_new {
            payment.status.notice()
        } else {
            None
        };
        self.settle(
            durable,
            Change {
                answer: Ok(()),
                notice,
            },
            &payment,
        )
        .await?;
        if !is_new {
            return match payment.status() {
                PaymentStatus::Answered(answer) => Ok(answer),
                PaymentStatus::Captured { payment, .. } => {
                    Ok(Authorisation::Authorised { payment })
                }
                PaymentStatus::Voided => Err(ProviderError::Refused {
                    code: "voided".to_owned(),
                }),
                PaymentStatus::Processing => Err(ProviderError::TimedOut),
            };
        }
        match fault {
            Fault::Slow => {
                let inner = Arc::clone(&self);
                // Its own task: a bank goes on also when the caller has hung up.
                let work = tokio::spawn(async move {
                    tokio::time::sleep(inner.slow).await;
                    inner.change(payment.key, Payment::finish_processing).await
                });
                work.await.unwrap_or(Err(ProviderError::TimedOut))
            }
            Fault::TimesOut => std::future::pending().await,
            _ => match payment.status() {
                PaymentStatus::Answered(answer) => Ok(answer),
                _ => Err(ProviderError::TimedOut),
            },
        }
    }
}

impl Provider for Simulator {
    fn authorise(&self, request: Authorise) -> ProviderFuture<'_, Authorisation> {
        Box::pin(Arc::clone(&self.inner).authorise(request))
    }

    fn capture(&self, key: IdempotencyKey, payment: PaymentRef) -> ProviderFuture<'_, ()> {
        Box::pin(self.inner.change(key, move |known| {
            if known.reference() == payment {
                known.capture()
            } else {
                refused("unknown_payment")
            }
        }))
    }

    fn void(&self, key: IdempotencyKey) -> ProviderFuture<'_, ()> {
        // A key never heard of is closed, in case its authorisation is still on the way.
        Box::pin(async move {
            self.inner.lock()?.entry(key).or_insert_with(|| Payment {
                key,
                amount_minor: 0,
                currency: String::new(),
                last4: String::new(),
                fault: Fault::None,
                status: Status::Processing,
                refunds: Vec::new(),
                captures_failed: 0,
            });
            self.inner.change(key, Payment::void).await
        })
    }

    fn refund(
        &self,
        key: IdempotencyKey,
        refund: IdempotencyKey,
        amount_minor: i64,
    ) -> ProviderFuture<'_, ()> {
        Box::pin(
            self.inner
                .change(key, move |payment| payment.refund(refund, amount_minor)),
        )
    }

    fn lookup(&self, key: IdempotencyKey) -> ProviderFuture<'_, Option<PaymentStatus>> {
        Box::pin(async move {
            let answer = self
                .inner
                .change(key, |known| unchanged(Ok(known.status())))
                .await;
            match answer {
                Ok(status) => Ok(Some(status)),
                Err(ProviderError::Refused { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        })
    }

    fn verify_webhook(
        &self,
        signature: &str,
        body: &[u8],
        now_ms: i64,
    ) -> Result<Notice, WebhookError> {
        self.inner.webhook_key.verify(signature, body, now_ms)
    }

    fn finish_step(&self, key: IdempotencyKey, approve: bool) -> ProviderFuture<'_, ()> {
        Box::pin(
            self.inner
                .change(key, move |payment| payment.finish_step(approve)),
        )
    }
}

#[cfg(test)]
mod tests;
