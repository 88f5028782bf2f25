//! The room in memory, for one process: the default.
//!
//! What it holds survives a restart if the server keeps [`MemoryStore::export`] somewhere and starts
//! with [`MemoryStore::import`]. What is read back may be older than the last number given: so each
//! room begins a new epoch then, no two visitors share a place, and passes given meanwhile are learnt
//! when they are shown. What must not be forgotten even by a crash (who was let in, who left, which
//! place is whose account's) goes to a [`Journal`] before it is answered, where there is one: a start
//! takes up the last export and then the lines that were written after it.

pub(super) mod book;
mod journal;
mod pairs;

pub use self::journal::Journal;

use self::book::Book;
use self::journal::{Journalling, Line};
use super::port::{
    Advance, Answer, Change, Changed, Claim, Leased, Leaving, MOST_CODES, NumberBlock, Report,
    RoomRow, RoomStore, Seed, Seen, Shopper, StoreError, Swept,
};
use super::service::World;
use crate::number::Place;
use crate::token::RoomId;
use crate::wire::{AuditEntry, BypassCode, ClaimRefused, Figures};
use alloc::{
    boxed::Box,
    collections::{BTreeMap, btree_map::Entry},
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use core::future::ready;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Rooms in this process. Every method is one short critical section.
pub struct MemoryStore {
    world: Arc<dyn World>,
    books: Mutex<BTreeMap<RoomId, Book>>,
    journalling: Journalling,
}

/// What [`MemoryStore::export`] writes.
#[derive(serde::Serialize, serde::Deserialize)]
struct Exported<B> {
    /// The last line of the journal that the books know.
    journal_seq: u64,
    books: B,
}

impl MemoryStore {
    /// No room yet.
    #[must_use]
    pub fn new(world: Arc<dyn World>) -> Self {
        Self {
            world,
            books: Mutex::default(),
            journalling: Journalling::default(),
        }
    }

    /// Everything, as JSON, and the last line of the journal that is in it: lines up to that one are
    /// needed no more once this is kept.
    #[must_use]
    pub fn export(&self) -> (Vec<u8>, u64) {
        let (books, journal_seq) = {
            let books = self.books();
            // Lines are numbered under this lock: what they say is in the books.
            (books.clone(), self.journalling.seq())
        };
        let exported = Exported {
            journal_seq,
            books: books.into_iter().collect::<Vec<_>>(),
        };
        let bytes = serde_json::to_vec(&exported).expect("a book is plain data");
        (bytes, journal_seq)
    }

    /// What was exported, taken up again.
    pub fn import(world: Arc<dyn World>, exported: &[u8]) -> Result<Self, StoreError> {
        let unreadable = |error: serde_json::Error| StoreError::Unreadable(error.to_string());
        // Before there was a journal, the books stood alone.
        let Exported {
            journal_seq,
            mut books,
        } = if exported.first() == Some(&b'[') {
            Exported {
                journal_seq: 0,
                books: serde_json::from_slice::<Vec<(RoomId, Book)>>(exported)
                    .map_err(unreadable)?,
            }
        } else {
            serde_json::from_slice(exported).map_err(unreadable)?
        };
        let now_ms = world.now_ms();
        for (_, book) in &mut books {
            if book.row.epochs.is_empty() {
                return Err(StoreError::Unreadable("a room without an epoch".into()));
            }
            book.wake(now_ms);
            // Also where no number had been given: the first may have been since.
            book.begin_anew(now_ms);
        }
        Ok(Self {
            world,
            books: Mutex::new(books.into_iter().collect()),
            journalling: Journalling::from(journal_seq),
        })
    }

    /// Writes into `journal` from now on what a crash must not forget, after taking up `lines` (in
    /// their order): those that the export did not know are done again.
    pub fn journalled(
        mut self,
        journal: Arc<dyn Journal>,
        lines: &[(u64, String)],
    ) -> Result<Self, StoreError> {
        let now_ms = self.world.now_ms();
        let known = self.journalling.seq();
        for (seq, line) in lines.iter().filter(|(seq, _)| *seq > known) {
            let line = Line::read(line).map_err(|error| {
                StoreError::Unreadable(alloc::format!("line {seq} of the journal: {error}"))
            })?;
            if let Some(book) = self.books().get_mut(&line.room) {
                line.redo(book, now_ms);
            }
        }
        let last = lines.iter().map(|(seq, _)| *seq).max().unwrap_or(0);
        self.journalling = Journalling::to(journal, last.max(known));
        Ok(self)
    }

    fn books(&self) -> MutexGuard<'_, BTreeMap<RoomId, Book>> {
        // No method leaves a book half changed, whatever panics elsewhere.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T: Send + 'static>(
        &self,
        room: RoomId,
        work: impl FnOnce(&mut Book, i64) -> T,
    ) -> Answer<'_, T> {
        let now_ms = self.world.now_ms();
        let done = self
            .books()
            .get_mut(&room)
            .map(|book| work(book, now_ms))
            .ok_or(StoreError::NoSuchRoom);
        Box::pin(ready(done))
    }

    /// The same of what a crash must not forget: it is answered when the line is written. Where that
    /// fails it has been done all the same; asking again writes the line again.
    fn with_line<T: Send + 'static>(
        &self,
        room: RoomId,
        work: impl FnOnce(&mut Book, i64) -> (T, Option<(Line, bool)>),
    ) -> Answer<'_, T> {
        let now_ms = self.world.now_ms();
        let (done, writing) = {
            let mut books = self.books();
            let Some(book) = books.get_mut(&room) else {
                return Box::pin(ready(Err(StoreError::NoSuchRoom)));
            };
            let (done, line) = work(book, now_ms);
            let line = line.and_then(|(line, is_new)| self.journalling.number(line, is_new));
            (done, line)
        };
        let Some(numbered) = writing else {
            return Box::pin(ready(Ok(done)));
        };
        Box::pin(async move {
            self.journalling.write(numbered).await?;
            Ok(done)
        })
    }
}

impl RoomStore for MemoryStore {
    fn make(&self, room: RoomId, seed: Seed) -> Answer<'_, bool> {
        let now_ms = self.world.now_ms();
        let mut books = self.books();
        let made = !books.contains_key(&room);
        match books.entry(room) {
            Entry::Vacant(vacant) => {
                vacant.insert(Book::from_seed(&seed, now_ms));
            }
            Entry::Occupied(mut book) => book.get_mut().learn(&seed, false, now_ms),
        }
        drop(books);
        Box::pin(ready(Ok(made)))
    }

    fn forget(&self, room: RoomId) -> Answer<'_, ()> {
        self.books().remove(&room);
        Box::pin(ready(Ok(())))
    }

    fn read(&self, room: RoomId) -> Answer<'_, RoomRow> {
        self.with(room, |book, now_ms| book.row(now_ms))
    }

    fn lease(
        &self,
        room: RoomId,
        server: [u8; 16],
        count: u32,
        _known: Place,
    ) -> Answer<'_, Leased> {
        self.with(room, |book, _| book.lease(server, count))
    }

    fn worth_leasing(&self) -> u32 {
        1
    }

    fn give_back(&self, room: RoomId, server: [u8; 16], rest: NumberBlock) -> Answer<'_, bool> {
        self.with(room, |book, _| book.give_back(server, rest))
    }

    fn place_of_person(&self, room: RoomId, person: [u8; 16], offered: Place) -> Answer<'_, Place> {
        self.with_line(room, move |book, _| {
            let place = book.place_of_person(person, offered);
            let line = Line::person(room, person, place);
            (place, Some((line, place == offered)))
        })
    }

    fn use_once(&self, room: RoomId, nonce: [u8; 16], expires_ms: i64) -> Answer<'_, bool> {
        self.with(room, |book, now_ms| {
            book.use_once(nonce, expires_ms, now_ms)
        })
    }

    fn claim(&self, room: RoomId, claim: Claim) -> Answer<'_, Result<Shopper, ClaimRefused>> {
        self.with_line(room, move |book, now_ms| {
            let claimed = book.claim(&claim, now_ms);
            let line = claimed.ok().map(|shopper| {
                let is_new = shopper.nonce == claim.nonce;
                (Line::came(room, &claim.right, shopper), is_new)
            });
            (claimed, line)
        })
    }

    fn check_in(&self, room: RoomId, shopper: Shopper) -> Answer<'_, Seen> {
        self.with(room, |book, now_ms| book.check_in(shopper, now_ms))
    }

    fn leave(&self, room: RoomId, shopper: Shopper, how: Leaving) -> Answer<'_, bool> {
        self.with_line(room, move |book, now_ms| {
            let left = book.leave(shopper, how, now_ms);
            (left, Some((Line::left(room, shopper, how), true)))
        })
    }

    fn inside(&self, room: RoomId, limit: u32) -> Answer<'_, Vec<Shopper>> {
        self.with(room, |book, _| book.inside(limit))
    }

    fn sweep(&self, room: RoomId, report: Report) -> Answer<'_, Swept> {
        self.with(room, |book, now_ms| book.sweep(&report, now_ms))
    }

    fn advance(&self, room: RoomId, advance: Advance) -> Answer<'_, bool> {
        self.with(room, |book, _| book.advance(advance))
    }

    fn change(&self, room: RoomId, change: Change) -> Answer<'_, Changed> {
        self.with(room, |book, now_ms| {
            let done = book.change(change, now_ms);
            let row = Box::new(book.row(now_ms));
            if done {
                Changed::Done(row)
            } else {
                Changed::Conflict(row)
            }
        })
    }

    fn log(&self, room: RoomId, entry: AuditEntry) -> Answer<'_, ()> {
        self.with(room, |book, now_ms| book.log(entry, now_ms))
    }

    fn audit(&self, room: RoomId, limit: u32) -> Answer<'_, Vec<AuditEntry>> {
        self.with(room, |book, _| book.audit(limit))
    }

    fn figures(&self, room: RoomId, limit: u32) -> Answer<'_, Vec<Figures>> {
        self.with(room, |book, _| book.figures(limit))
    }

    fn put_code(&self, room: RoomId, code: BypassCode) -> Answer<'_, ()> {
        self.with(room, |book, _| {
            let before = book.codes.iter().position(|known| known.id == code.id);
            match before {
                Some(at) if code.limit == 0 => {
                    book.codes.remove(at);
                }
                Some(at) => {
                    let used = book.codes[at].used;
                    book.codes[at] = BypassCode { used, ..code };
                }
                None if code.limit > 0 && book.codes.len() < MOST_CODES => book.codes.push(code),
                None => {}
            }
        })
    }

    fn codes(&self, room: RoomId) -> Answer<'_, Vec<BypassCode>> {
        self.with(room, |book, _| book.codes.clone())
    }
}
