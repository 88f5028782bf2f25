//! Which rooms there are, which performance is behind which, and the one document everybody polls.

use super::purchase::Purchase;
use crate::http::encoded::{Effort, Encoded};
use booking_core::{OrderId, PerformanceId};
use onsale_queue::RoomId;
use onsale_queue::room::port::Slot;
use onsale_queue::wire::PublicRoom;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use tokio::sync::{OwnedMutexGuard, watch};

/// Fresh for a second anywhere; a cache that is asked while it fetches answers with what it has.
const CACHE: &str = "public, max-age=1, stale-while-revalidate=2, stale-if-error=30";

/// A room that stands still is not on since any time.
const NOT_ON: i64 = i64::MIN;

/// With so many locks of admissions, those that nobody waits for are dropped.
const CHOOSING_TIDIED: usize = 1_024;

/// The rooms of this server.
#[derive(Default)]
pub struct Registry {
    /// Whether any room is on: all that a hold costs while none is.
    guarding: AtomicBool,
    shelves: RwLock<Arc<Shelves>>,
}

#[derive(Clone, Default)]
struct Shelves {
    rooms: Vec<Arc<Entry>>,
    by_performance: HashMap<PerformanceId, Arc<Entry>>,
}

/// A room, as the shop knows it.
pub struct Entry {
    /// Its id.
    pub room: RoomId,
    /// When it was made.
    pub made_ms: i64,
    /// Whether anybody may simulate a rush on it.
    pub demo: bool,
    performances: RwLock<Arc<[PerformanceId]>>,
    authority: RwLock<Arc<Purchase>>,
    codes: RwLock<HashMap<String, Arc<Purchase>>>,
    on_since_ms: AtomicI64,
    document: Mutex<Option<Document>>,
    health_permille: AtomicU16,
    /// Keeps the lanes of what it protects in memory while it is on.
    pub(super) watched: Mutex<HashMap<PerformanceId, watch::Receiver<u64>>>,
    /// The one order that is being paid with each admission.
    pub(super) paying: Mutex<HashMap<Slot, OrderId>>,
    /// Holds with one admission are decided one after another, where it says how much may be held.
    pub(super) choosing: Mutex<HashMap<Slot, Weak<tokio::sync::Mutex<()>>>>,
}

struct Document {
    of: Arc<PublicRoom>,
    performances: Arc<[PerformanceId]>,
    max_places: u16,
    encoded: Arc<Encoded>,
}

/// What everybody polls: the room's own document, and what the shop adds.
#[derive(serde::Serialize)]
struct Polled<'a> {
    #[serde(flatten)]
    room: &'a PublicRoom,
    performances: &'a [PerformanceId],
    /// Most places one may wish for and buy; 0: as many as the performance allows.
    max_places: u16,
    demo: bool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Registry {
    /// One atomic read: whether any room is on.
    #[must_use]
    pub fn is_guarding(&self) -> bool {
        self.guarding.load(Ordering::Relaxed)
    }

    pub(super) fn set_guarding(&self, guarding: bool) {
        self.guarding.store(guarding, Ordering::Relaxed);
    }

    fn shelves(&self) -> Arc<Shelves> {
        Arc::clone(&self.shelves.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change(&self, change: impl FnOnce(&mut Shelves)) {
        let mut shelves = self.shelves.write().unwrap_or_else(PoisonError::into_inner);
        let mut new = (**shelves).clone();
        change(&mut new);
        new.by_performance = new
            .rooms
            .iter()
            .flat_map(|entry| {
                let performances = entry.performances();
                let of_entry = |performance: &PerformanceId| (*performance, Arc::clone(entry));
                performances.iter().map(of_entry).collect::<Vec<_>>()
            })
            .collect();
        *shelves = Arc::new(new);
    }

    pub(super) fn add(&self, entry: Entry) {
        self.change(|shelves| shelves.rooms.push(Arc::new(entry)));
    }

    pub(super) fn remove(&self, room: RoomId) {
        self.change(|shelves| shelves.rooms.retain(|entry| entry.room != room));
    }

    pub(super) fn set_performances(&self, entry: &Entry, performances: Vec<PerformanceId>) {
        self.change(|_| entry.set_performances(performances));
    }

    /// A room.
    #[must_use]
    pub fn entry(&self, room: RoomId) -> Option<Arc<Entry>> {
        let shelves = self.shelves();
        shelves.rooms.iter().find(|one| one.room == room).cloned()
    }

    /// The room that protects a performance.
    #[must_use]
    pub fn of_performance(&self, performance: PerformanceId) -> Option<Arc<Entry>> {
        self.shelves().by_performance.get(&performance).cloned()
    }

    /// Every room, in the order in which they were made.
    #[must_use]
    pub fn entries(&self) -> Vec<Arc<Entry>> {
        self.shelves().rooms.clone()
    }
}

impl Entry {
    pub(super) fn new(
        room: RoomId,
        made_ms: i64,
        demo: bool,
        authority: Purchase,
        codes: Vec<(String, Arc<Purchase>)>,
    ) -> Self {
        Self {
            room,
            made_ms,
            demo,
            performances: RwLock::new(Arc::default()),
            authority: RwLock::new(Arc::new(authority)),
            codes: RwLock::new(codes.into_iter().collect()),
            on_since_ms: AtomicI64::new(NOT_ON),
            document: Mutex::default(),
            health_permille: AtomicU16::new(1_000),
            watched: Mutex::default(),
            paying: Mutex::default(),
            choosing: Mutex::default(),
        }
    }

    /// What it protects.
    #[must_use]
    pub fn performances(&self) -> Arc<[PerformanceId]> {
        let held = self.performances.read();
        Arc::clone(&held.unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn set_performances(&self, performances: Vec<PerformanceId>) {
        *self
            .performances
            .write()
            .unwrap_or_else(PoisonError::into_inner) = performances.into();
    }

    /// What may be bought by who waited.
    #[must_use]
    pub fn authority(&self) -> Arc<Purchase> {
        Arc::clone(
            &self
                .authority
                .read()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    pub(super) fn set_authority(&self, authority: Purchase) {
        *self
            .authority
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(authority);
    }

    /// What may be bought by who came in on a code.
    #[must_use]
    pub fn code_authority(&self, code: &str) -> Arc<Purchase> {
        let codes = self.codes.read().unwrap_or_else(PoisonError::into_inner);
        codes.get(code).cloned().unwrap_or_default()
    }

    pub(super) fn set_codes(&self, codes: Vec<(String, Arc<Purchase>)>) {
        *self.codes.write().unwrap_or_else(PoisonError::into_inner) = codes.into_iter().collect();
    }

    pub(super) fn set_code_authority(&self, code: &str, authority: Option<Purchase>) {
        let mut codes = self.codes.write().unwrap_or_else(PoisonError::into_inner);
        match authority {
            Some(authority) => drop(codes.insert(code.to_owned(), Arc::new(authority))),
            None => drop(codes.remove(code)),
        }
    }

    /// Waits until nobody else chooses with an admission.
    pub(super) async fn alone(&self, slot: Slot) -> OwnedMutexGuard<()> {
        let lock = {
            let mut choosing = locked(&self.choosing);
            let known = choosing.get(&slot).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                if choosing.len() >= CHOOSING_TIDIED {
                    choosing.retain(|_, lock| lock.strong_count() > 0);
                }
                let lock = Arc::default();
                choosing.insert(slot, Arc::downgrade(&lock));
                lock
            })
        };
        lock.lock_owned().await
    }

    pub(super) fn note_on(&self, is_on: bool, now_ms: i64) {
        let since_ms = if is_on { now_ms } else { NOT_ON };
        if is_on {
            // Only the first time: it is on since then.
            let _ = self.on_since_ms.compare_exchange(
                NOT_ON,
                since_ms,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
        } else {
            self.on_since_ms.store(since_ms, Ordering::Relaxed);
        }
    }

    /// Since when it is on, as far as this server has seen.
    #[must_use]
    pub fn on_since_ms(&self) -> Option<i64> {
        let since_ms = self.on_since_ms.load(Ordering::Relaxed);
        (since_ms != NOT_ON).then_some(since_ms)
    }

    /// How well the shop kept up at the last tick.
    #[must_use]
    pub fn health_permille(&self) -> u16 {
        self.health_permille.load(Ordering::Relaxed)
    }

    pub(super) fn note_health(&self, permille: u16) {
        self.health_permille.store(permille, Ordering::Relaxed);
    }

    /// What everybody polls, serialised once for all until it changes.
    pub fn document(&self, public: &Arc<PublicRoom>) -> Result<Arc<Encoded>, serde_json::Error> {
        let performances = self.performances();
        let max_places = self.authority().max_places;
        let mut document = locked(&self.document);
        if let Some(kept) = &*document
            && Arc::ptr_eq(&kept.of, public)
            && Arc::ptr_eq(&kept.performances, &performances)
            && kept.max_places == max_places
        {
            return Ok(Arc::clone(&kept.encoded));
        }
        let polled = |room| Polled {
            room,
            performances: &performances,
            max_places,
            demo: self.demo,
        };
        let bytes = serde_json::to_vec(&polled(public))?;
        // The time alone is no news: who has the rest is told so.
        let timeless = PublicRoom {
            now_ms: 0,
            ..(**public).clone()
        };
        let digest = Sha256::digest(serde_json::to_vec(&polled(&timeless))?);
        let tag = crate::catalogue::hex(&digest[..8]);
        let encoded = Encoded::new(bytes, "application/json", &tag, CACHE, Effort::Quick).weakly();
        let encoded = Arc::new(encoded);
        *document = Some(Document {
            of: Arc::clone(public),
            performances,
            max_places,
            encoded: Arc::clone(&encoded),
        });
        Ok(encoded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(room: u8, performances: &[u128]) -> Entry {
        let entry = Entry::new(
            RoomId([room; 16]),
            0,
            false,
            Purchase::default(),
            Vec::new(),
        );
        entry.set_performances(
            performances
                .iter()
                .copied()
                .map(PerformanceId::from_u128)
                .collect(),
        );
        entry
    }

    #[test]
    fn a_performance_is_found_behind_its_room_until_it_is_taken_away() {
        let registry = Registry::default();
        registry.add(entry(1, &[1, 2]));
        registry.add(entry(2, &[3]));
        let room_of = |performance| {
            let found = registry.of_performance(PerformanceId::from_u128(performance));
            found.map(|entry| entry.room.0[0])
        };
        assert_eq!([1, 2, 3, 4].map(room_of), [Some(1), Some(1), Some(2), None]);
        let first = registry.entry(RoomId([1; 16])).unwrap();
        registry.set_performances(&first, vec![PerformanceId::from_u128(2)]);
        assert_eq!([1, 2, 3].map(room_of), [None, Some(1), Some(2)]);
        registry.remove(RoomId([2; 16]));
        assert_eq!([1, 2, 3].map(room_of), [None, Some(1), None]);
    }

    #[test]
    fn a_room_is_on_since_it_was_first_seen_on() {
        let entry = entry(1, &[]);
        assert_eq!(entry.on_since_ms(), None);
        entry.note_on(true, 5);
        entry.note_on(true, 9);
        assert_eq!(entry.on_since_ms(), Some(5));
        entry.note_on(false, 10);
        entry.note_on(true, 11);
        assert_eq!(entry.on_since_ms(), Some(11));
    }
}
