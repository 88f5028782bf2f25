//! What a caller gets, how it is recorded with the batch, and how the record becomes the same
//! answer again.

use super::ledger::Ledger;
use crate::store::{CommandRecord, RecordedOutcome, StoreError};
use booking_core::inventory::Hold;
use booking_core::ledger::Batch;
use booking_core::{Command, Event, PerformanceId, Rejection};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What a command came to. It is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Facts, in order.
    pub events: Vec<Event>,
    /// Things worth saying that forbade nothing.
    pub warnings: Vec<booking_core::Warning>,
    /// The hold after the command, if it concerns one that still lives.
    pub hold: Option<Hold>,
    /// Ledger position.
    pub seq: u64,
    /// When it was decided.
    pub at_ms: i64,
    /// The command had been recorded before; this is the same answer again.
    pub replayed: bool,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LaneError {
    /// A business "no". It is recorded: the same command gets the same "no".
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// That command id came before with other content.
    #[error("this command id was used before for something else")]
    CommandIdReused,
    /// Too much is waiting.
    #[error("too many requests are waiting, come back in {retry_after_ms} ms")]
    Busy {
        /// When to come back.
        retry_after_ms: u64,
    },
    /// The source knows no such performance.
    #[error("there is no such performance")]
    UnknownPerformance,
    /// The database failed; whether the command took effect is found out by sending it again.
    #[error("the storage failed")]
    StorageFailed,
    /// The server is shutting down.
    #[error("the server is shutting down")]
    Draining,
}

/// First 16 bytes of the SHA-256 of a command's content.
#[must_use]
pub fn content_of(command: &Command) -> [u8; 16] {
    // JSON of a command has one form: no maps, no floats, members in the order of declaration.
    let bytes = serde_json::to_vec(command).unwrap_or_default();
    let mut content = [0; 16];
    content.copy_from_slice(&Sha256::digest(&bytes)[..16]);
    content
}

/// The part of an answer that its events do not tell.
#[derive(Serialize, Deserialize)]
struct Detail {
    #[serde(default)]
    warnings: Vec<booking_core::Warning>,
    #[serde(default)]
    hold: Option<Hold>,
}

/// The hold as its placing event tells it, which is all of it for a hold just placed.
fn placed_hold(events: &[Event]) -> Option<Hold> {
    match events.last() {
        Some(Event::HoldPlaced {
            hold,
            fan,
            places,
            allocation,
            placed_ms,
            expires_ms,
            max_expires_ms,
        }) => Some(Hold {
            hold: *hold,
            fan: *fan,
            places: places.clone(),
            allocation: *allocation,
            placed_ms: *placed_ms,
            expires_ms: *expires_ms,
            max_expires_ms: *max_expires_ms,
        }),
        _ => None,
    }
}

impl Answer {
    /// Whether [`placed_hold`] makes the same hold of the events, asked without making it.
    fn is_told_by_events(&self) -> bool {
        match (&self.hold, self.events.last()) {
            (
                Some(now),
                Some(Event::HoldPlaced {
                    hold,
                    places,
                    expires_ms,
                    ..
                }),
            ) => now.hold == *hold && now.places == *places && now.expires_ms == *expires_ms,
            (None, Some(Event::HoldPlaced { .. })) | (Some(_), _) => false,
            (None, _) => true,
        }
    }
    /// What must be recorded beside the events; nothing for a plain new hold.
    pub(super) fn detail(&self) -> Option<Bytes> {
        if self.warnings.is_empty() && self.is_told_by_events() {
            return None;
        }
        let detail = Detail {
            warnings: self.warnings.clone(),
            hold: self.hold.clone(),
        };
        Some(Bytes::from(serde_json::to_vec(&detail).unwrap_or_default()))
    }
}

/// A rejection as recorded.
pub(super) fn rejection_detail(rejection: &Rejection) -> Bytes {
    Bytes::from(serde_json::to_vec(rejection).unwrap_or_default())
}

/// The answer that `record` stands for, to whoever sends the command again.
pub(super) async fn recorded_answer(
    ledger: &Ledger,
    performance: PerformanceId,
    content: [u8; 16],
    record: CommandRecord,
) -> Result<Answer, LaneError> {
    if record.content != content {
        return Err(LaneError::CommandIdReused);
    }
    let (seq, entry, detail) = match record.outcome {
        RecordedOutcome::Rejected { detail } => {
            return Err(match serde_json::from_slice(&detail) {
                Ok(rejection) => LaneError::Rejected(rejection),
                Err(error) => damaged(performance, &record.command, &error.to_string()),
            });
        }
        RecordedOutcome::Accepted { seq, entry, detail } => (seq, entry, detail),
    };
    let rows = ledger
        .read_ledger(performance, seq - 1, 1)
        .await
        .map_err(|error| failed(performance, &error))?;
    let batch = rows
        .first()
        .filter(|row| row.seq == seq)
        .ok_or_else(|| damaged(performance, &record.command, "its batch is missing"))
        .and_then(|row| {
            if <[u8; 32]>::from(Sha256::digest(&row.bytes)) != row.hash {
                return Err(damaged(
                    performance,
                    &record.command,
                    "its batch was altered",
                ));
            }
            Batch::decode(&row.bytes)
                .map_err(|error| damaged(performance, &record.command, &error.to_string()))
        })?;
    let at_ms = batch.at_ms;
    let events = batch
        .entries
        .into_iter()
        .nth(entry as usize)
        .filter(|entry| entry.command == record.command)
        .ok_or_else(|| {
            damaged(
                performance,
                &record.command,
                "its entry is another command's",
            )
        })?
        .events;
    let Detail { warnings, hold } = match detail {
        None => Detail {
            warnings: Vec::new(),
            hold: placed_hold(&events),
        },
        Some(bytes) => serde_json::from_slice(&bytes)
            .map_err(|error| damaged(performance, &record.command, &error.to_string()))?,
    };
    Ok(Answer {
        events,
        warnings,
        hold,
        seq,
        at_ms,
        replayed: true,
    })
}

fn damaged(performance: PerformanceId, command: &booking_core::CommandId, what: &str) -> LaneError {
    tracing::error!(%performance, %command, what, "the record of a command is damaged");
    LaneError::StorageFailed
}

pub(super) fn failed(performance: PerformanceId, error: &StoreError) -> LaneError {
    tracing::error!(%performance, %error, "the store failed");
    LaneError::StorageFailed
}
