//! Sending again what could not be sent: made anew from the ledger.

use super::book::Scope;
use super::message::Message;
use super::run::{Trouble, new_book, read_on};
use super::stream::{Away, Encoded, EventStream};
use crate::lane::PerformanceSource;
use crate::store::StoreError;
use crate::store::relay::{DeadLetterRow, RelayStore};
use booking_core::PerformanceId;
use std::collections::HashMap;

/// What became of messages that could not be sent before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Sent now, and forgotten.
    pub sent: u64,
    /// Refused again.
    pub refused: u64,
    /// Not found in the ledger any more.
    pub missing: u64,
}

/// Why nothing was sent again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The stream.
    #[error(transparent)]
    Away(#[from] Away),
    /// A ledger.
    #[error("the ledger of performance {performance} is not read: {what}")]
    Ledger {
        /// Whose.
        performance: PerformanceId,
        /// Why.
        what: String,
    },
}

/// Sends what could not be sent, made anew from the ledger, at most `limit` messages in the order of
/// their ledgers. What is taken now is forgotten; they come after messages that are later in their
/// ledger, which a consumer sees by their `seq`.
pub async fn replay(
    store: &dyn RelayStore,
    source: &dyn PerformanceSource,
    stream: &dyn EventStream,
    limit: u32,
) -> Result<Replayed, ReplayError> {
    let mut replayed = Replayed::default();
    let mut rows = store.dead_letters(limit).await?.into_iter().peekable();
    while let Some(first) = rows.peek() {
        let performance = first.performance;
        let mut wanted = Vec::new();
        while let Some(row) = rows.next_if(|row| row.performance == performance) {
            wanted.push(row);
        }
        let last = wanted.iter().map(|row| row.seq).max().unwrap_or(0);
        let mut found: HashMap<(String, String), Encoded> = HashMap::new();
        let see = |messages: Vec<Message>| {
            for message in messages {
                let is_wanted = |row: &DeadLetterRow| {
                    row.event_id == message.event_id && row.topic == message.topic.name()
                };
                if wanted.iter().any(is_wanted) {
                    let name = (message.topic.name().to_owned(), message.event_id.clone());
                    found.insert(name, Encoded::from(&message));
                }
            }
        };
        let told = |trouble: Trouble| ReplayError::Ledger {
            performance,
            what: trouble.to_string(),
        };
        let book = new_book(source, performance, Scope::Everything).await;
        let mut book = book.map_err(told)?;
        let read = read_on(store, &mut book, performance, last, see).await;
        read.map_err(told)?;
        for row in wanted {
            let Some(message) = found.remove(&(row.topic.clone(), row.event_id.clone())) else {
                replayed.missing += 1;
                continue;
            };
            let answers = stream.send(std::slice::from_ref(&message)).await?;
            if answers.iter().all(Result::is_ok) {
                store.forget_dead_letter(row).await?;
                replayed.sent += 1;
            } else {
                replayed.refused += 1;
            }
        }
    }
    Ok(replayed)
}
