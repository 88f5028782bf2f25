//! Who was let in from waiting rooms. No ledger has it, so it is noted in the database before it is
//! answered, and forgotten when it has been published.
//!
//! Owns: at least once from the moment in which it is noted; a note that cannot be written keeps
//! nobody out. Must not: say who it was.

use super::message::{Topic, VERSION};
use super::stream::Encoded;
use crate::store::relay::{AdmissionRow, RelayStore};
use booking_core::PerformanceId;
use onsale_queue::token::Admission;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::timeout;
use uuid::Uuid;

/// How long a note may take before whoever was let in is answered without it.
const PATIENCE: Duration = Duration::from_secs(2);

/// A message of `admissions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admitted {
    /// Always [`Topic::Admissions`].
    pub topic: Topic,
    /// Of the schema.
    pub version: u16,
    /// Unique, the same at each repeat.
    pub event_id: String,
    /// Which room, 32 hexadecimal digits; also the message's key.
    pub room: String,
    /// When, ms since the epoch.
    pub at_ms: i64,
    /// What happened.
    pub kind: Kind,
    /// What the room protects.
    pub performances: Vec<PerformanceId>,
}

/// What happened at a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Somebody was let in.
    Admitted,
}

/// Notes who is let in, where that is published.
pub struct Admissions {
    store: Arc<dyn RelayStore>,
    are_told: AtomicBool,
}

impl Admissions {
    /// Nothing is noted until somebody wants it.
    #[must_use]
    pub fn new(store: Arc<dyn RelayStore>) -> Self {
        Self {
            store,
            are_told: AtomicBool::new(false),
        }
    }

    /// From now on they are noted.
    pub fn tell(&self) {
        self.are_told.store(true, Ordering::Relaxed);
    }

    /// Notes one. Claimed again, it is the same.
    pub async fn note(&self, admission: &Admission, performances: &[PerformanceId]) {
        if !self.are_told.load(Ordering::Relaxed) {
            return;
        }
        let noted = timeout(
            PATIENCE,
            self.store.note_admission(row(admission, performances)),
        );
        let what = match noted.await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the database does not answer".to_owned(),
        };
        metrics::counter!("onsale_relay_admissions_lost").increment(1);
        tracing::warn!(what, "an admission is not published");
    }
}

fn row(admission: &Admission, performances: &[PerformanceId]) -> AdmissionRow {
    let mut hasher = Sha256::new();
    hasher.update(b"onsale/admission-event/1");
    hasher.update(admission.id);
    let digest = hasher.finalize();
    let mut name = [0; 16];
    name.copy_from_slice(&digest[..16]);
    AdmissionRow {
        admission: name,
        room: admission.room.0,
        at_ms: admission.issued_ms,
        // Plain data can always be written as JSON.
        performances: serde_json::to_string(performances).unwrap_or_default(),
    }
}

impl From<&AdmissionRow> for Admitted {
    fn from(row: &AdmissionRow) -> Self {
        Self {
            topic: Topic::Admissions,
            version: VERSION,
            event_id: Uuid::from_bytes(row.admission).to_string(),
            room: crate::catalogue::hex(&row.room),
            at_ms: row.at_ms,
            kind: Kind::Admitted,
            performances: serde_json::from_str(&row.performances).unwrap_or_default(),
        }
    }
}

impl From<&Admitted> for Encoded {
    fn from(message: &Admitted) -> Self {
        Self {
            topic: message.topic,
            key: message.room.clone(),
            event_id: message.event_id.clone(),
            // Plain data can always be written as JSON.
            payload: serde_json::to_vec(message).unwrap_or_default().into(),
        }
    }
}
