//! The rooms of one server: everything between a request and the store.

mod away;
mod lead;
mod numbers;
mod operate;
mod presence;
mod shelf;
mod signing;

pub use numbers::LEASE_MS;
pub use operate::{ChangeRefused, code_id};

use self::{away::Away, numbers::Numbers, presence::Known, shelf::published, signing::Signing};
use super::port::{
    Claim, Leaving, Rate, Report, Right, RoomDraw, RoomRow, RoomStore, Seed, Servers, Shopper,
    Slot, Spent, StoreError,
};
use crate::draw::DrawKey;
use crate::number::{Epoch, Place, QueueNumber};
use crate::token::{Admission, Authority, Issuer, Keys, Pass, RoomId, TokenFault, VisitorId};
use crate::wire::{ClaimRefused, JoinRefused, PublicDraw, PublicRoom, RoomSettings, Wishes};
use alloc::{collections::BTreeMap, string::String, sync::Arc, vec::Vec};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

/// When somebody should try again whom the store's absence kept out.
const RETRY_AWAY_MS: u32 = 2_000;

/// Where a service gets time and randomness from. The server's clock, or a test's.
pub trait World: Send + Sync + 'static {
    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> i64;
    /// Milliseconds that only ever grow, from any beginning.
    fn monotonic_ms(&self) -> u64;
    /// Fills `bytes` from a source of true randomness.
    fn fill(&self, bytes: &mut [u8]);
}

/// What is the same for all rooms of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomsConfig {
    /// How many servers share the store. While it is away, each calls its share of the reduced rate.
    pub servers: u32,
    /// For how long a server may go on calling without a sign of life.
    pub leader_ms: u32,
    /// After a rebuild nobody is let in for so long, so that all servers can say who is inside.
    pub settle_ms: u32,
}

impl Default for RoomsConfig {
    fn default() -> Self {
        Self {
            servers: 1,
            leader_ms: 1_500,
            settle_ms: 2_000,
        }
    }
}

/// What the shop says of itself at a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShopReport {
    /// How well lanes and database keep up: 1000 is well, 0 is not at all.
    pub health_permille: u16,
    /// Places that can be held now, over all performances the room protects; `None` where nothing runs
    /// out.
    pub places_left: Option<u64>,
}

impl Default for ShopReport {
    fn default() -> Self {
        Self {
            health_permille: 1000,
            places_left: None,
        }
    }
}

/// A number, and the pass that holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// What the pass says.
    pub pass: Pass,
    /// The signed pass.
    pub token: String,
}

/// Let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// What the admission says.
    pub admission: Admission,
    /// The signed admission.
    pub token: String,
}

/// Whether a shopper may (still) shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Until then.
    Inside {
        /// First instant at which it is over.
        expires_ms: i64,
    },
    /// They were idle, their slot is taken. They may try again in a moment.
    Full,
    /// Over: back to the waiting room.
    Over,
}

/// One atomic: whether the shop is behind its room. Keep it where the shop's requests pass.
#[derive(Clone, Debug)]
pub struct Switch(Arc<AtomicBool>);

impl Switch {
    /// One atomic read.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a server has at hand of one room.
struct Shelf {
    on: Arc<AtomicBool>,
    public: RwLock<Arc<PublicRoom>>,
    row: Mutex<RoomRow>,
    numbers: tokio::sync::Mutex<Numbers>,
    arrivals: AtomicU64,
    observed: Mutex<BTreeMap<Epoch, QueueNumber>>,
    /// Who came in or was seen here: what this server can say if the store forgets.
    inside: Mutex<BTreeMap<Slot, Known>>,
    /// Who left while the store could not be told.
    untold: Mutex<BTreeMap<Slot, (Shopper, Leaving)>>,
    /// Admissions that were given up here, until their time is past.
    left: Mutex<BTreeMap<[u8; 16], i64>>,
    /// The servers there were at the last tick that the store answered.
    servers: Mutex<Servers>,
    away: Mutex<Option<Away>>,
    heard: AtomicU64,
    /// One past the highest number that was given here.
    given: Mutex<Option<Place>>,
    /// Read for as long as a tick takes; turns false before the room is forgotten, so that no tick
    /// makes it again.
    stands: tokio::sync::RwLock<bool>,
}

/// The rooms of one server.
pub struct Rooms {
    store: Arc<dyn RoomStore>,
    world: Arc<dyn World>,
    issuer: Issuer,
    signing: Signing,
    keys: Keys,
    config: RoomsConfig,
    server: [u8; 16],
    shelves: RwLock<BTreeMap<RoomId, Arc<Shelf>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each is a plain value, whole at any time.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Rooms {
    /// A server's rooms. `keys` are the public keys that tokens are checked with, the issuer's among
    /// them.
    #[must_use]
    pub fn new(
        store: Arc<dyn RoomStore>,
        world: Arc<dyn World>,
        issuer: Issuer,
        keys: Keys,
        config: RoomsConfig,
    ) -> Self {
        let mut server = [0; 16];
        world.fill(&mut server);
        Self {
            store,
            world,
            issuer,
            signing: Signing::default(),
            keys,
            config,
            server,
            shelves: RwLock::default(),
        }
    }

    /// Takes a room up: makes it with `settings` where the store does not know it, else leaves it as it
    /// is there. `known` is the last row that was kept elsewhere, if any; so a store that lost
    /// everything is rebuilt from it.
    pub async fn open(
        &self,
        room: RoomId,
        settings: RoomSettings,
        known: Option<RoomRow>,
    ) -> Result<Arc<PublicRoom>, StoreError> {
        let now_ms = self.world.now_ms();
        let row = known.unwrap_or_else(|| RoomRow::new(settings, self.new_draw(), now_ms));
        let seed = Seed {
            row,
            inside: Vec::new(),
            settle_ms: self.config.settle_ms,
            after_outage: false,
        };
        self.store.make(room, seed).await?;
        let row = self.store.read(room).await?;
        let public = Arc::new(published(room, &row, None));
        let shelf = Shelf {
            on: Arc::new(AtomicBool::new(public.on)),
            public: RwLock::new(Arc::clone(&public)),
            row: Mutex::new(row),
            numbers: tokio::sync::Mutex::default(),
            arrivals: AtomicU64::new(0),
            observed: Mutex::default(),
            inside: Mutex::default(),
            untold: Mutex::default(),
            left: Mutex::default(),
            servers: Mutex::default(),
            away: Mutex::default(),
            heard: AtomicU64::new(0),
            given: Mutex::default(),
            stands: tokio::sync::RwLock::new(true),
        };
        self.shelves
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(room, Arc::new(shelf));
        Ok(public)
    }

    /// Ends a room and forgets everything of it.
    pub async fn forget(&self, room: RoomId) -> Result<(), StoreError> {
        let shelf = self
            .shelves
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&room);
        if let Some(shelf) = shelf {
            *shelf.stands.write().await = false;
        }
        self.store.forget(room).await
    }

    /// The rooms that are taken up.
    #[must_use]
    pub fn ids(&self) -> Vec<RoomId> {
        let shelves = self.shelves.read().unwrap_or_else(PoisonError::into_inner);
        shelves.keys().copied().collect()
    }

    fn shelf(&self, room: RoomId) -> Result<Arc<Shelf>, StoreError> {
        let shelves = self.shelves.read().unwrap_or_else(PoisonError::into_inner);
        shelves.get(&room).cloned().ok_or(StoreError::NoSuchRoom)
    }

    /// Whether the shop is behind this room.
    #[must_use]
    pub fn is_on(&self, room: RoomId) -> bool {
        self.shelf(room)
            .is_ok_and(|shelf| shelf.on.load(Ordering::Relaxed))
    }

    /// The room's switch, to keep at hand.
    #[must_use]
    pub fn switch(&self, room: RoomId) -> Option<Switch> {
        let shelf = self.shelf(room).ok()?;
        Some(Switch(Arc::clone(&shelf.on)))
    }

    /// What everybody polls. No round trip.
    #[must_use]
    pub fn public(&self, room: RoomId) -> Option<Arc<PublicRoom>> {
        let shelf = self.shelf(room).ok()?;
        let public = shelf.public.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&public))
    }

    /// The whole row as last seen: for operators, and to be kept for [`open`](Self::open).
    #[must_use]
    pub fn row(&self, room: RoomId) -> Option<RoomRow> {
        let shelf = self.shelf(room).ok()?;
        let row = lock(&shelf.row);
        Some(row.clone())
    }

    /// Counts a request for the shop; with enough of them a scheduled room opens by itself.
    pub fn arrived(&self, room: RoomId) {
        if let Ok(shelf) = self.shelf(room) {
            shelf.arrivals.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The public keys of tokens.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Checks a pass shown by `visitor`, and learns its place if the room has forgotten it.
    pub fn check_pass(
        &self,
        room: RoomId,
        token: &str,
        visitor: VisitorId,
    ) -> Result<Pass, TokenFault> {
        let now_ms = self.world.now_ms();
        let pass = self.keys.check_pass(token, room, visitor, now_ms)?;
        self.observe(room, pass.place);
        Ok(pass)
    }

    /// The same for a pass carried over to another session of the same fan. It stays one place.
    pub fn check_shown_pass(&self, room: RoomId, token: &str) -> Result<Pass, TokenFault> {
        let now_ms = self.world.now_ms();
        let pass = self.keys.check_shown_pass(token, room, now_ms)?;
        self.observe(room, pass.place);
        Ok(pass)
    }

    /// A signed pass proves that its number was given: a room that does not know it learns it at the
    /// next tick.
    fn observe(&self, room: RoomId, place: Place) {
        let Ok(shelf) = self.shelf(room) else { return };
        let known = {
            let row = lock(&shelf.row);
            place.epoch < row.floor
                || row
                    .epochs
                    .iter()
                    .any(|known| known.epoch == place.epoch && place.number < known.next)
        };
        // The row is as old as the last tick: a number given since looks unknown too, and telling the
        // store of it again does no harm.
        if !known {
            let next = QueueNumber(place.number.0.saturating_add(1));
            let mut observed = lock(&shelf.observed);
            let most = observed.entry(place.epoch).or_default();
            *most = (*most).max(next);
        }
    }

    /// Gives `visitor` a number. With `person`, the one place of that person, whatever session asks.
    pub async fn join(
        &self,
        room: RoomId,
        visitor: VisitorId,
        person: Option<[u8; 16]>,
        wishes: Wishes,
    ) -> Result<Joined, JoinRefused> {
        let away = |error: StoreError| {
            tracing::warn!(%error, "nobody can join");
            JoinRefused::Away {
                retry_ms: RETRY_AWAY_MS,
            }
        };
        let shelf = self.shelf(room).map_err(away)?;
        let mut place = self.next_number(room, &shelf).await?;
        if let Some(person) = person {
            let theirs = self.store.place_of_person(room, person, place).await;
            place = theirs.map_err(away)?;
        }
        let pass = Pass {
            room,
            visitor,
            place,
            joined_ms: self.world.now_ms(),
            wishes,
        };
        let token = self.signed(&pass).await;
        Ok(Joined { pass, token })
    }

    /// The same pass with other wishes. The room keeps none.
    #[must_use]
    pub fn wish(&self, pass: &Pass, wishes: Wishes) -> Joined {
        let pass = Pass {
            wishes,
            ..pass.clone()
        };
        let token = self.issuer.pass(&pass);
        Joined { pass, token }
    }

    /// Lets the holder of a checked pass in, if it is their turn and there is room. Asking again gives
    /// the same admission again.
    pub async fn claim(
        &self,
        pass: &Pass,
        visitor: VisitorId,
        authority: Authority,
    ) -> Result<Admitted, ClaimRefused> {
        let public = self.public(pass.room);
        let place = public.map_or(pass.place, |public| public.effective(pass.place));
        self.enter(pass.room, Right::Turn(place), visitor, authority)
            .await
    }

    /// Lets `visitor` in on a bypass code, without waiting, within the cap.
    pub async fn claim_with_code(
        &self,
        room: RoomId,
        code: &str,
        visitor: VisitorId,
        authority: Authority,
    ) -> Result<Admitted, ClaimRefused> {
        let right = Right::Bypass(operate::code_id(room, code));
        self.enter(room, right, visitor, authority).await
    }

    async fn enter(
        &self,
        room: RoomId,
        right: Right,
        visitor: VisitorId,
        authority: Authority,
    ) -> Result<Admitted, ClaimRefused> {
        let away = ClaimRefused::Away {
            retry_ms: RETRY_AWAY_MS,
        };
        let shelf = self.shelf(room).map_err(|_| away)?;
        let mut nonce = [0; 4];
        self.world.fill(&mut nonce);
        let claim = Claim {
            right,
            visitor,
            nonce,
        };
        // One who has left is not let in again, whether or not the store has been told.
        if lock(&shelf.untold).contains_key(&claim.slot()) {
            return Err(ClaimRefused::Used);
        }
        let shopper = if lock(&shelf.away).is_some() {
            self.claim_while_away(&shelf, &claim)?
        } else {
            match self.store.claim(room, claim).await {
                Ok(decided) => decided?,
                Err(error) => {
                    tracing::warn!(%error, "nobody is let in");
                    return Err(away);
                }
            }
        };
        // An admission that is given again may be another server's.
        self.remember(&shelf, shopper, shopper.nonce == nonce);
        let admission = Admission {
            room,
            visitor: shopper.visitor,
            id: shopper.slot.admission_id(shopper.nonce),
            issued_ms: shopper.issued_ms,
            expires_ms: shopper.expires_ms,
            authority,
        };
        let token = self.issuer.admission(&admission);
        Ok(Admitted { admission, token })
    }

    /// Checks an admission's signature, room, visitor and time. Cheap; says nothing about whether the
    /// shopper has left since: [`check_in`](Self::check_in) does.
    pub fn check_admission(
        &self,
        room: RoomId,
        token: &str,
        visitor: VisitorId,
    ) -> Result<Admission, TokenFault> {
        let now_ms = self.world.now_ms();
        self.keys.check_admission(token, room, visitor, now_ms)
    }

    /// Remembers a solved challenge. `false`: it was used before.
    pub async fn use_challenge(
        &self,
        challenge: &crate::pow::Challenge,
    ) -> Result<bool, StoreError> {
        self.store
            .use_once(challenge.room, challenge.nonce, challenge.expires_ms)
            .await
    }

    /// Counts that `who` does something that may be done only so often, at all servers together.
    pub async fn spend(&self, who: &str, rate: Rate) -> Result<Spent, StoreError> {
        self.store.spend(who, rate).await
    }

    fn new_draw(&self) -> RoomDraw {
        let mut key = [0; 32];
        self.world.fill(&mut key);
        let key = DrawKey(key);
        RoomDraw {
            public: PublicDraw {
                commitment: key.commit(),
                parts: Vec::new(),
                gathered: 0,
                epoch: Epoch(0),
                key: None,
            },
            key,
        }
    }

    fn report(&self, shelf: &Shelf) -> Report {
        // Where numbers are just being asked for there is nothing to say that would stay true.
        let numbers = shelf.numbers.try_lock();
        Report {
            at_hand: numbers.ok().and_then(|numbers| numbers.at_hand()),
            arrivals: shelf.arrivals.swap(0, Ordering::Relaxed),
            observed: core::mem::take(&mut *lock(&shelf.observed))
                .into_iter()
                .collect(),
            server: self.server,
            lease_ms: self.config.leader_ms,
        }
    }
}
