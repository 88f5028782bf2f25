//! What a crash must not forget of a room in memory: a line each, written before it is answered.
//!
//! **Invariant.** Lines are numbered under the lock of the books, so that an export knows exactly the
//! lines up to the number it carries; and a line that has been written is not written again, however
//! often somebody asks for what it says.

use super::book::Book;
use crate::number::Place;
use crate::room::port::{Answer, Leaving, Right, Shopper, StoreError};
use crate::token::RoomId;
use alloc::{collections::BTreeSet, string::String, sync::Arc};
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Where the lines go. They must be durable when the answer comes.
pub trait Journal: Send + Sync + 'static {
    /// Writes line number `seq`. Numbers ascend, but what is written at the same time may become
    /// durable in any order.
    fn write(&self, seq: u64, line: String) -> Answer<'_, ()>;
}

/// A line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) room: RoomId,
    what: What,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum What {
    Came {
        /// The bypass code they came in on.
        code: Option<String>,
        shopper: Shopper,
    },
    Left {
        shopper: Shopper,
        how: Leaving,
    },
    Person {
        person: [u8; 16],
        place: Place,
    },
}

/// What a line is about: two lines of the same subject say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Came(RoomId, [u8; 16]),
    Left(RoomId, [u8; 16]),
    Person(RoomId, [u8; 16]),
}

impl Line {
    pub(super) fn came(room: RoomId, right: &Right, shopper: Shopper) -> Self {
        let code = match right {
            Right::Bypass(code) => Some(code.clone()),
            Right::Turn(_) => None,
        };
        Self {
            room,
            what: What::Came { code, shopper },
        }
    }

    pub(super) fn left(room: RoomId, shopper: Shopper, how: Leaving) -> Self {
        Self {
            room,
            what: What::Left { shopper, how },
        }
    }

    pub(super) fn person(room: RoomId, person: [u8; 16], place: Place) -> Self {
        Self {
            room,
            what: What::Person { person, place },
        }
    }

    pub(super) fn read(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    fn subject(&self) -> Subject {
        let admission = |shopper: &Shopper| shopper.slot.admission_id(shopper.nonce);
        match &self.what {
            What::Came { shopper, .. } => Subject::Came(self.room, admission(shopper)),
            What::Left { shopper, .. } => Subject::Left(self.room, admission(shopper)),
            What::Person { person, .. } => Subject::Person(self.room, *person),
        }
    }

    /// Does again what the line says, in a book that does not know of it.
    pub(super) fn redo(self, book: &mut Book, now_ms: i64) {
        match self.what {
            What::Came { code, shopper } => book.came_before(code, shopper, now_ms),
            What::Left { shopper, how } => drop(book.leave(shopper, how, now_ms)),
            What::Person { person, place } => drop(book.place_of_person(person, place)),
        }
    }
}

/// The journal, and which lines are still to be written.
#[derive(Default)]
pub(super) struct Journalling {
    journal: Option<Arc<dyn Journal>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    seq: u64,
    /// Numbered, and not known to be written. Whoever asks again for what such a line says is not
    /// answered before it is.
    unwritten: BTreeSet<Subject>,
}

/// A line with its number.
pub(super) struct Numbered {
    seq: u64,
    line: Line,
}

impl From<u64> for Journalling {
    fn from(seq: u64) -> Self {
        let journalling = Self::default();
        journalling.state().seq = seq;
        journalling
    }
}

impl Journalling {
    pub(super) fn to(journal: Arc<dyn Journal>, seq: u64) -> Self {
        Self {
            journal: Some(journal),
            ..Self::from(seq)
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last number given. Under the lock of the books: an export is being taken.
    pub(super) fn seq(&self) -> u64 {
        self.state().seq
    }

    /// Gives a line its number, unless it says nothing new and has been written. Under the lock of the
    /// books.
    pub(super) fn number(&self, line: Line, is_new: bool) -> Option<Numbered> {
        self.journal.as_ref()?;
        let subject = line.subject();
        let mut state = self.state();
        if !is_new && !state.unwritten.contains(&subject) {
            return None;
        }
        state.unwritten.insert(subject);
        state.seq += 1;
        let seq = state.seq;
        drop(state);
        Some(Numbered { seq, line })
    }

    pub(super) async fn write(&self, numbered: Numbered) -> Result<(), StoreError> {
        let Some(journal) = &self.journal else {
            return Ok(());
        };
        let text = serde_json::to_string(&numbered.line)
            .map_err(|error| StoreError::Unreadable(alloc::format!("a line: {error}")))?;
        journal.write(numbered.seq, text).await?;
        self.state().unwritten.remove(&numbered.line.subject());
        Ok(())
    }
}
