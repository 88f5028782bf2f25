//! The way to the bank: the built-in one, behind a line on which questions and answers are lost. The bank
//! itself forgets nothing.

use crate::store::Life;
use crate::world::{Planted, World};
use onsale_server::payments::{
    Authorisation, Authorise, IdempotencyKey, Notice, PaymentRef, PaymentStatus, Provider,
    ProviderError, ProviderFuture, WebhookError,
};
use std::future::Future;
use std::sync::Arc;

/// One server's line to it.
pub(crate) struct Line {
    pub(crate) world: Arc<World>,
    pub(crate) life: Arc<Life>,
}

impl Line {
    async fn ask<T>(
        &self,
        question: impl Future<Output = Result<T, ProviderError>>,
    ) -> Result<T, ProviderError> {
        self.passes().await;
        if self.world.happens(self.world.odds.bank_unreachable) {
            return Err(ProviderError::Unreachable("simulated".to_owned()));
        }
        let answer = question.await;
        if self.world.happens(self.world.odds.bank_answer_lost) {
            self.world.count(|counts| counts.answers_lost += 1);
            if self.world.dice().bool() {
                return std::future::pending().await;
            }
            return Err(ProviderError::TimedOut);
        }
        self.passes().await;
        answer
    }

    async fn passes(&self) {
        if !self.life.is_alive() {
            return std::future::pending().await;
        }
        self.world.takes_a_while().await;
        self.life.gate(&self.world).await;
    }
}

impl Provider for Line {
    fn authorise(&self, request: Authorise) -> ProviderFuture<'_, Authorisation> {
        Box::pin(self.ask(self.world.bank.authorise(request)))
    }

    fn capture(&self, key: IdempotencyKey, payment: PaymentRef) -> ProviderFuture<'_, ()> {
        let capture = self.world.bank.capture(key, payment);
        if self.world.planted == Some(Planted::MoneyKept) && self.world.dice().u32(0..10) == 0 {
            return Box::pin(async move {
                self.ask(capture).await?;
                Err(ProviderError::Refused {
                    code: "planted".to_owned(),
                })
            });
        }
        Box::pin(self.ask(capture))
    }

    fn void(&self, key: IdempotencyKey) -> ProviderFuture<'_, ()> {
        let void = self.world.bank.void(key);
        if self.world.planted == Some(Planted::MoneyKept) {
            return Box::pin(async { Ok(()) });
        }
        Box::pin(self.ask(void))
    }

    fn refund(
        &self,
        key: IdempotencyKey,
        refund: IdempotencyKey,
        amount_minor: i64,
    ) -> ProviderFuture<'_, ()> {
        Box::pin(self.ask(self.world.bank.refund(key, refund, amount_minor)))
    }

    fn lookup(&self, key: IdempotencyKey) -> ProviderFuture<'_, Option<PaymentStatus>> {
        Box::pin(self.ask(self.world.bank.lookup(key)))
    }

    fn verify_webhook(
        &self,
        signature: &str,
        body: &[u8],
        now_ms: i64,
    ) -> Result<Notice, WebhookError> {
        self.world.bank.verify_webhook(signature, body, now_ms)
    }

    fn finish_step(&self, key: IdempotencyKey, approve: bool) -> ProviderFuture<'_, ()> {
        Box::pin(self.ask(self.world.bank.finish_step(key, approve)))
    }
}
