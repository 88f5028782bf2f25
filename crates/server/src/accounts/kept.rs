//! What outlives a restart: who guesses passwords, and what an account is told at its next sign-in.

use super::{Accounts, AccountsError, Email};
use crate::store::StoreError;
use crate::store::kept::KeptStore;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// How old what is kept of the throttle may get while somebody guesses.
const THROTTLE_KEPT_EVERY_MS: i64 = 5_000;

impl Accounts {
    /// Keeps notices and who guesses passwords in `kept`, and counts on from what is there.
    pub async fn remembering(mut self, kept: Arc<dyn KeptStore>) -> Result<Self, StoreError> {
        if let Some(bytes) = kept.throttle().await?
            && let Err(error) = self.throttle.import(&bytes)
        {
            // Of another version: those who guess begin anew, and nobody is kept out by it.
            tracing::warn!(%error, "who guessed passwords before is not known");
        }
        self.kept = Some(kept);
        Ok(self)
    }

    /// Keeps who guesses passwords.
    pub async fn keep(&self) {
        let Some(kept) = &self.kept else { return };
        let now_ms = self.clock.now_ms();
        self.throttle_kept_ms.store(now_ms, Ordering::Relaxed);
        let bytes = self.throttle.export(now_ms);
        if let Err(error) = kept.keep_throttle(bytes.into(), now_ms).await {
            tracing::warn!(%error, "who guesses passwords is not kept");
        }
    }

    /// The same, by the way, after a failure: an attack sees to it itself that it is remembered.
    pub(super) async fn keep_after_failure(&self) {
        let before_ms = self.throttle_kept_ms.load(Ordering::Relaxed);
        if self.clock.now_ms().saturating_sub(before_ms) >= THROTTLE_KEPT_EVERY_MS {
            self.keep().await;
        }
    }

    /// Whoever asks learns that the address has an account (ADR 16): it costs them, and the account
    /// is told.
    pub(super) async fn told_taken(
        &self,
        email: &Email,
        address: IpAddr,
    ) -> Result<(), AccountsError> {
        let now_ms = self.clock.now_ms();
        self.throttle.told_taken(address, now_ms);
        if let Some(kept) = &self.kept {
            let owner = self.of(email).await?;
            kept.note_registration(owner.id, now_ms).await?;
        }
        self.keep_after_failure().await;
        Ok(())
    }
}
