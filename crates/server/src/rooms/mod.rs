//! Waiting rooms in front of the shop.
//!
//! ```text
//! http/rooms ──────┐                    ┌─► onsale_queue::Rooms ─► memory | Redis   who waits, who is inside
//! http/operator ───┼─► WaitingRooms ────┼─► RoomTable (SQL)                         which rooms, what they protect
//! holds, checkout ─┘      gate          └─► lanes                                   stock and health, read only
//! ```
//!
//! | file | what it is for |
//! |---|---|
//! | [`registry`] | which rooms there are, which performance is behind which, what everybody polls |
//! | [`gate`] | holds and checkouts: whether an admission is needed, good, and for how much |
//! | [`visitor`] | joining, standing, claiming, leaving |
//! | [`offer`] | seats that match what somebody wished for while waiting |
//! | [`operate`] | what operators do, and what they see |
//! | [`list`] | what other servers on the same database make, change and remove |
//! | [`limits`] | joins by address, claims by pass |
//! | [`purchase`] | what an admission entitles to, and what goes beyond it |
//! | [`shop`] | the shop's health and stock, as the controller wants to know them |
//! | [`run`] | the loop: ticks, and keeping what lives in memory |
//! | [`refusal`] | every "no" of a room, with its code |
//!
//! **Invariants.** A quiet room costs a hold one atomic read. Who is inside is decided in the rooms'
//! store and nowhere else; nothing here counts shoppers. An admission opens the shop to the session
//! it was given to, for one order.

pub mod gate;
mod gauges;
pub mod limits;
pub mod list;
pub mod offer;
pub mod operate;
pub mod purchase;
pub mod refusal;
pub mod registry;
pub mod run;
pub mod shop;
pub mod visitor;

pub use gate::Entered;
pub use operate::{Detail, NewRoom, Patch};
pub use purchase::Purchase;
pub use refusal::{Refusal, RoomsError};
pub use registry::Entry;
pub use visitor::{Caller, Claimed, JoinWish};

use crate::catalogue::Catalogue;
use crate::clock::{Clock, random_bytes};
use crate::lane::Lanes;
use crate::store::StoreError;
use crate::store::kept::KeptStore;
use crate::store::rooms::{RoomRow, RoomTable};
use limits::{JoinLimit, Limits};
use onsale_queue::pow::PowKey;
use onsale_queue::room::{MemoryStore, RoomStore, Rooms, RoomsConfig, World};
use onsale_queue::wire::RoomSettings;
use onsale_queue::{Issuer, Keys, RoomId};
use registry::Registry;
use std::sync::Arc;
use tokio::sync::watch;

/// Where rooms live.
#[derive(Clone, Default)]
pub enum RoomsIn {
    /// In this process, kept in its database.
    #[default]
    Memory,
    /// In a store that other servers share.
    Shared {
        /// The store.
        store: Arc<dyn RoomStore>,
        /// How many servers share it.
        servers: u32,
    },
}

impl std::fmt::Debug for RoomsIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Memory => "Memory",
            Self::Shared { .. } => "Shared",
        })
    }
}

/// The secrets of rooms.
pub struct RoomSecrets {
    /// Signs passes and admissions.
    pub token_seed: [u8; 32],
    /// Seals challenges.
    pub challenge: [u8; 32],
}

/// What the service is made of.
pub struct Parts {
    /// Which rooms there are.
    pub table: Arc<dyn RoomTable>,
    /// What a crash must not forget.
    pub kept: Arc<dyn KeptStore>,
    /// The seats.
    pub lanes: Lanes,
    /// What they are seats of.
    pub catalogue: Arc<Catalogue>,
    /// The time.
    pub clock: Clock,
    /// The secrets.
    pub secrets: RoomSecrets,
    /// Where rooms live.
    pub rooms_in: RoomsIn,
    /// How often one address may join.
    pub joins: JoinLimit,
}

/// Why waiting rooms could not be started.
#[derive(Debug, thiserror::Error)]
pub enum RoomsStartError {
    /// The database failed.
    #[error("the waiting rooms could not be read from the database")]
    Table(#[from] StoreError),
    /// The rooms' own store failed.
    #[error("the waiting rooms' store could not be used")]
    Rooms(#[from] onsale_queue::room::StoreError),
    /// What was kept of a room is not what was written.
    #[error(
        "the waiting room {room} is damaged in the database ({what}): restore it from a backup"
    )]
    Damaged {
        /// Which.
        room: String,
        /// What is wrong.
        what: String,
    },
    /// The signing key cannot be used.
    #[error("the key that signs passes cannot be used")]
    Key(#[from] onsale_queue::token::NotAKey),
}

/// The waiting rooms of this server. Cheap to clone.
#[derive(Clone)]
pub struct WaitingRooms(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) rooms: Rooms,
    pub(crate) room_store: Arc<dyn RoomStore>,
    /// Where rooms live in this process: to be kept by us.
    pub(crate) memory: Option<Arc<MemoryStore>>,
    pub(crate) table: Arc<dyn RoomTable>,
    pub(crate) kept_store: Arc<dyn KeptStore>,
    pub(crate) lanes: Lanes,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) clock: Clock,
    pub(crate) pow: PowKey,
    pub(crate) public_keys: Vec<[u8; 32]>,
    pub(crate) registry: Registry,
    pub(crate) limits: Limits,
    /// Beats after each round of ticks and after each change.
    pub(crate) beat: watch::Sender<u64>,
    pub(crate) stopped: watch::Sender<bool>,
    pub(crate) kept: tokio::sync::Mutex<run::Kept>,
    /// Held while this server changes the list of rooms or takes up what others have changed.
    pub(crate) list: tokio::sync::Mutex<list::Seen>,
}

/// Clock and randomness of this process.
struct ThisWorld(Clock);

impl World for ThisWorld {
    fn now_ms(&self) -> i64 {
        self.0.now_ms()
    }
    fn monotonic_ms(&self) -> u64 {
        self.0.monotonic_ms()
    }
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let random = random_bytes::<32>();
            chunk.copy_from_slice(&random[..chunk.len()]);
        }
    }
}

impl WaitingRooms {
    /// Takes up every room there is. Nobody is called until [`run`](Self::start) or
    /// [`tick`](Self::tick).
    pub async fn open(parts: Parts) -> Result<Self, RoomsStartError> {
        let world: Arc<dyn World> = Arc::new(ThisWorld(parts.clock.clone()));
        let (room_store, memory, servers) = match parts.rooms_in {
            RoomsIn::Memory => {
                let memory = match parts.table.memory().await? {
                    Some(kept) => MemoryStore::import(Arc::clone(&world), &kept)?,
                    None => MemoryStore::new(Arc::clone(&world)),
                };
                let lines = parts.kept.lines().await?;
                let journal = Arc::new(run::Lines(Arc::clone(&parts.kept)));
                let memory = memory.journalled(journal, &lines)?;
                let memory = Arc::new(memory);
                let store: Arc<dyn RoomStore> = Arc::clone(&memory) as _;
                (store, Some(memory), 1)
            }
            RoomsIn::Shared { store, servers } => (store, None, servers),
        };
        let issuer = Issuer::from_seed(&parts.secrets.token_seed);
        let public_keys = vec![issuer.public_key()];
        let rooms = Rooms::new(
            Arc::clone(&room_store),
            world,
            issuer,
            Keys::new(&public_keys)?,
            RoomsConfig {
                servers,
                ..RoomsConfig::default()
            },
        );
        let this = Self(Arc::new(Inner {
            rooms,
            room_store,
            memory,
            table: parts.table,
            kept_store: parts.kept,
            lanes: parts.lanes,
            catalogue: parts.catalogue,
            clock: parts.clock,
            pow: PowKey(parts.secrets.challenge),
            public_keys,
            registry: Registry::default(),
            limits: Limits::new(parts.joins),
            beat: watch::Sender::new(0),
            stopped: watch::Sender::new(false),
            kept: tokio::sync::Mutex::default(),
            list: tokio::sync::Mutex::default(),
        }));
        for row in this.0.table.rooms().await? {
            this.take_up(row).await?;
        }
        this.0.look_who_guards();
        Ok(this)
    }

    async fn take_up(&self, row: RoomRow) -> Result<(), RoomsStartError> {
        let room = RoomId(row.room);
        let settings: RoomSettings = read_json(room, &row.settings)?;
        let authority: Purchase = read_json(room, &row.authority)?;
        let known = match &row.state {
            Some(state) => Some(read_json(room, state)?),
            None => None,
        };
        let codes = read_codes(room, &self.0.table.code_authorities(row.room).await?)?;
        self.0.rooms.open(room, settings, known).await?;
        let entry = Entry::new(room, row.made_ms, row.demo, authority, codes);
        entry.set_performances(row.performances);
        self.0.registry.add(entry);
        Ok(())
    }

    /// The public keys that passes and admissions are checked with.
    #[must_use]
    pub fn public_keys(&self) -> &[[u8; 32]] {
        &self.0.public_keys
    }

    /// A room.
    pub fn entry(&self, room: RoomId) -> Result<Arc<Entry>, RoomsError> {
        self.0.registry.entry(room).ok_or(RoomsError::NotFound)
    }

    /// Told after each round of ticks and after each change.
    #[must_use]
    pub fn beats(&self) -> watch::Receiver<u64> {
        self.0.beat.subscribe()
    }

    /// Turns true when the server is being stopped.
    #[must_use]
    pub fn stopped(&self) -> watch::Receiver<bool> {
        self.0.stopped.subscribe()
    }
}

/// What was kept as JSON.
fn read_json<T: serde::de::DeserializeOwned>(
    room: RoomId,
    text: &str,
) -> Result<T, RoomsStartError> {
    serde_json::from_str(text).map_err(|error| RoomsStartError::Damaged {
        room: room.to_hex(),
        what: error.to_string(),
    })
}

type CodeAuthority = (String, Arc<Purchase>);

fn read_codes(
    room: RoomId,
    codes: &[(String, String)],
) -> Result<Vec<CodeAuthority>, RoomsStartError> {
    let read = |(code, authority): &(String, String)| {
        Ok((code.clone(), Arc::new(read_json(room, authority)?)))
    };
    codes.iter().map(read).collect()
}

impl Inner {
    /// Keeps the one switch that quiet rooms cost, and since when each room is on.
    pub(crate) fn look_who_guards(&self) {
        let now_ms = self.clock.now_ms();
        let mut any = false;
        for entry in self.registry.entries() {
            let is_on = self.rooms.is_on(entry.room);
            any |= is_on;
            entry.note_on(is_on, now_ms);
        }
        self.registry.set_guarding(any);
        self.beat.send_modify(|beat| *beat = beat.wrapping_add(1));
    }
}
