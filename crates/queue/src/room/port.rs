//! What a room asks of its memory: few methods, each one atomic step, each one round trip.
//!
//! Time is the store's own (a store that many servers share must not ask each of them): methods take
//! no `now`, and answers carry `now_ms`. Everything a method does happens entirely or not at all.
//! The suite in `tests/it/contract` holds every adapter to the same rules.

use super::pulse::Pulse;
use crate::controller::{Controller, HeldBy};
use crate::draw::DrawKey;
use crate::life::RoomState;
use crate::number::{Epoch, EpochProgress, Place, QueueNumber};
use crate::token::{RoomId, VisitorId};
use crate::wire::{
    AuditEntry, BypassCode, ClaimRefused, Figures, PublicDraw, RoomSettings, Totals,
};
use alloc::{boxed::Box, string::String, vec::Vec};
use core::{future::Future, num::NonZeroU32, pin::Pin, time::Duration};
use serde::{Deserialize, Serialize};

/// What a method of the port gives back.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Why the store did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, or did not answer in time. What was asked may or may not have happened.
    #[error("the waiting room's store is away: {0}")]
    Away(String),
    /// It does not know that room: never made, or all was lost. [`RoomStore::make`] brings it back.
    #[error("the store does not know this room")]
    NoSuchRoom,
    /// What it holds cannot be read.
    #[error("the store holds something unreadable: {0}")]
    Unreadable(String),
}

/// The opening draw, with its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomDraw {
    /// The secret, until revealed.
    pub key: DrawKey,
    /// What everybody may see; its `key` is set when it is revealed.
    pub public: PublicDraw,
}

/// All that is kept of a room, but for who is inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomRow {
    /// Grows with every change of settings or state.
    pub version: u64,
    /// As set by the operator.
    pub settings: RoomSettings,
    /// Where in its life.
    pub state: RoomState,
    /// Since when.
    pub since_ms: i64,
    /// Opened by the threshold; closes by itself when it is quiet again.
    pub auto: bool,
    /// The draw, where there is one.
    pub draw: Option<RoomDraw>,
    /// Epochs before this one belong to an earlier sale (or a rehearsal); their passes are over.
    pub floor: Epoch,
    /// Every epoch, oldest first; numbers are given in the last one.
    pub epochs: Vec<EpochProgress>,
    /// Numbers of those epochs that nobody has, in ascending order: what servers have leased and not
    /// given yet, as far as they have said, and what they could not give back.
    #[serde(default)]
    pub unused: Vec<NumberBlock>,
    /// What the controller remembers.
    pub controller: Option<Controller>,
    /// What held the last tick back.
    pub held_by: Option<HeldBy>,
    /// Calls and arrivals of the last intervals.
    pub pulse: Pulse,
    /// Left to sell, as last reported.
    pub places_left: Option<u64>,
    /// Called, expected, not in yet.
    pub expected: u64,
    /// Inside now.
    pub active: u32,
    /// Counts.
    pub totals: Totals,
    /// Nobody is let in before this: the room has just been rebuilt.
    pub settle_until_ms: i64,
    /// The store's time.
    pub now_ms: i64,
}

impl RoomRow {
    /// A room that nobody has come to yet.
    #[must_use]
    pub fn new(settings: RoomSettings, draw: RoomDraw, now_ms: i64) -> Self {
        let first = next_epoch(now_ms, Epoch(0));
        Self {
            version: 1,
            settings,
            state: RoomState::Scheduled,
            since_ms: now_ms,
            auto: false,
            draw: Some(draw),
            floor: first,
            epochs: alloc::vec![EpochProgress::new(first)],
            unused: Vec::new(),
            controller: None,
            held_by: None,
            pulse: Pulse::default(),
            places_left: None,
            expected: 0,
            active: 0,
            totals: Totals::default(),
            settle_until_ms: 0,
            now_ms,
        }
    }

    /// Everybody who waits: whoever has a number that has not been called.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        let nobodys = self.unused.iter().map(|block| {
            let mut epochs = self.epochs.iter();
            epochs
                .find(|known| known.epoch == block.epoch)
                .map_or(0, |known| {
                    let from = block.first.0.max(known.serving.0);
                    block.end().min(known.next.0).saturating_sub(from)
                })
        });
        let nobodys = nobodys.fold(0, u64::saturating_add);
        self.uncalled().saturating_sub(nobodys)
    }

    /// Numbers that have not been called, whether or not somebody has them: what there is to call.
    #[must_use]
    pub fn uncalled(&self) -> u64 {
        self.epochs
            .iter()
            .map(EpochProgress::waiting)
            .fold(0, u64::saturating_add)
    }
}

/// What a room begins with, or is rebuilt from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seed {
    /// The last that was known of it. Where the store still has the room, only its epochs count.
    pub row: RoomRow,
    /// Shoppers known to be inside.
    pub inside: Vec<Shopper>,
    /// Nobody is let in for so long after a rebuild, so that all servers can say who is inside.
    pub settle_ms: u32,
    /// Servers may have let somebody in without the store: nobody is let in for `settle_ms` either
    /// where the store still has the room, so that all of them can say whom.
    pub after_outage: bool,
}

/// Names a place in the shop: the place in the queue that it came from, or the visitor let in on a
/// code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Slot(pub Place);

impl Slot {
    const BYPASS: Epoch = Epoch(u32::MAX);

    /// The slot of a visitor let in on a code.
    #[must_use]
    pub fn bypass(visitor: VisitorId) -> Self {
        let (head, _) = visitor.0.split_first_chunk().expect("16 bytes hold 8");
        Self(Place {
            epoch: Self::BYPASS,
            number: QueueNumber(u64::from_be_bytes(*head)),
        })
    }

    /// Whether it came from a code and not from a place.
    #[must_use]
    pub fn is_bypass(self) -> bool {
        self.0.epoch == Self::BYPASS
    }

    /// The admission id: slot and a nonce. So a token alone says which slot it stands for.
    #[must_use]
    pub fn admission_id(self, nonce: [u8; 4]) -> [u8; 16] {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&self.0.epoch.0.to_be_bytes());
        id[4..12].copy_from_slice(&self.0.number.0.to_be_bytes());
        id[12..].copy_from_slice(&nonce);
        id
    }

    /// The slot of an admission id.
    #[must_use]
    pub fn of_admission(id: [u8; 16]) -> (Self, [u8; 4]) {
        let (epoch, rest) = id.split_first_chunk().expect("16 bytes");
        let (number, nonce) = rest.split_first_chunk().expect("12 bytes");
        let place = Place {
            epoch: Epoch(u32::from_be_bytes(*epoch)),
            number: QueueNumber(u64::from_be_bytes(*number)),
        };
        (Self(place), nonce.try_into().expect("4 bytes"))
    }
}

/// Somebody in the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shopper {
    /// Their slot.
    pub slot: Slot,
    /// Their session.
    pub visitor: VisitorId,
    /// Makes the admission's id unlike that of any other on the same slot.
    pub nonce: [u8; 4],
    /// When they were let in.
    pub issued_ms: i64,
    /// First instant at which their admission is over.
    pub expires_ms: i64,
}

/// Numbers given to a server to hand out: `first..first + count` of `epoch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NumberBlock {
    /// In which epoch.
    pub epoch: Epoch,
    /// The first.
    pub first: QueueNumber,
    /// How many.
    pub count: u32,
}

impl NumberBlock {
    /// One past the last of them. It stays what it is while the numbers are given from the front.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.first.0.saturating_add(self.count as u64)
    }
}

/// The answer to [`RoomStore::lease`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leased {
    /// Numbers.
    Block(NumberBlock),
    /// The room takes nobody in this state.
    NotNow(RoomState),
}

/// By what right somebody wants in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Right {
    /// A place that has been called. The drawn one, for who gathered.
    Turn(Place),
    /// A bypass code's id.
    Bypass(String),
}

/// Somebody wants in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// By what right.
    pub right: Right,
    /// Who.
    pub visitor: VisitorId,
    /// For the admission's id.
    pub nonce: [u8; 4],
}

impl Claim {
    /// The slot it would take.
    #[must_use]
    pub fn slot(&self) -> Slot {
        match &self.right {
            Right::Turn(place) => Slot(*place),
            Right::Bypass(_) => Slot::bypass(self.visitor),
        }
    }
}

/// Whether a shopper is (still) inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Inside; the slot is theirs until then.
    Inside {
        /// First instant at which it is over.
        expires_ms: i64,
    },
    /// Their slot was given up while they were idle, and the shop is full now. They may try again.
    Full,
    /// Over: they left, bought, or their time is up; or the slot is somebody else's.
    Over,
}

/// How somebody leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leaving {
    /// They bought.
    Completed,
    /// They did not.
    Abandoned,
}

/// What a server tells at each sweep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Requests that came since its last sweep.
    pub arrivals: u64,
    /// Places seen in passes that the room may not know: each epoch with one more than the highest
    /// number seen.
    pub observed: Vec<(Epoch, QueueNumber)>,
    /// Who asks to be the one that calls.
    pub server: [u8; 16],
    /// For how long.
    pub lease_ms: u32,
    /// What is left of the block that it gives numbers from, none of it where that is used up; `None`
    /// where it has nothing to say.
    pub at_hand: Option<NumberBlock>,
}

/// The answer to [`RoomStore::sweep`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swept {
    /// The room as it is now.
    pub row: RoomRow,
    /// For the one server that may call: what it needs for that.
    pub turn: Option<Turn>,
    /// Who else there is.
    pub servers: Servers,
}

/// The servers that have reported within [`SERVER_KEPT_MS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Servers {
    /// How many, the one that asks among them.
    pub count: u32,
    /// How many of them come before it, in an order that is the same for all.
    pub rank: u32,
}

impl Servers {
    /// This server's share of something that is shared out whole.
    #[must_use]
    pub const fn share_of(self, whole: u32) -> u32 {
        let count = if self.count == 0 { 1 } else { self.count };
        whole / count + (self.rank < whole % count) as u32
    }
}

/// For so long a server that does not report counts as one of those that share the store.
pub const SERVER_KEPT_MS: u32 = 60_000;

/// Given to one server at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Must still be the newest when the call is made.
    pub fence: u64,
    /// Since the last turn that ended in a call, by the store's clock; never negative.
    pub elapsed_ms: u64,
    /// Let in since then.
    pub came: u32,
    /// Did not come in time since then.
    pub missed: u32,
}

/// What a controller decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advance {
    /// From [`Turn`].
    pub fence: u64,
    /// The version its row had: settings changed meanwhile are waited for.
    pub version: u64,
    /// How many to call, oldest epoch first.
    pub calls: u64,
    /// What the controller remembers.
    pub controller: Controller,
    /// What held it back.
    pub held_by: HeldBy,
    /// Calls and arrivals of the last intervals.
    pub pulse: Pulse,
    /// Left to sell.
    pub places_left: Option<u64>,
    /// A point for the graphs, when one is due.
    pub figures: Option<Figures>,
}

/// A change by an operator, the schedule or the threshold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// It was decided looking at this version.
    pub expected_version: u64,
    /// The settings after it.
    pub settings: RoomSettings,
    /// The state after it.
    pub state: RoomState,
    /// Whether the threshold opened it.
    pub auto: bool,
    /// The draw after it.
    pub draw: Option<RoomDraw>,
    /// Epochs to begin (drawn places, then newcomers), in ascending order; numbers are then given in
    /// the last one.
    pub begin: Vec<EpochProgress>,
    /// Gathered epochs whose numbers now stand in the draw.
    pub drawn: Vec<(Epoch, u64)>,
    /// Another sale begins: everything of the earlier one but the log is forgotten, and numbers begin
    /// in this epoch.
    pub restart: Option<Epoch>,
    /// For the log; `at_ms` and `version` are the store's to set.
    pub entry: AuditEntry,
}

/// The answer to [`RoomStore::change`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// Done; the room after it.
    Done(Box<RoomRow>),
    /// Somebody else was first; the room as it is.
    Conflict(Box<RoomRow>),
}

/// How often somebody may do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// So often within [`Self::within_ms`], and as often at once.
    pub most: NonZeroU32,
    /// Milliseconds until who has done it as often as they may can do so again.
    pub within_ms: u32,
}

/// The answer to [`RoomStore::spend`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// They may, and it was counted.
    Counted,
    /// They may not before so much time has passed; it was not counted.
    Wait(Duration),
}

/// A room's memory. See the [module](self) for what holds for every method.
pub trait RoomStore: Send + Sync + 'static {
    /// Makes the room unless it is there; either way learns the seed's epochs and shoppers. `true`:
    /// it was made.
    fn make(&self, room: RoomId, seed: Seed) -> Answer<'_, bool>;

    /// Forgets the room and all that belongs to it.
    fn forget(&self, room: RoomId) -> Answer<'_, ()>;

    /// The room as it is.
    fn read(&self, room: RoomId) -> Answer<'_, RoomRow>;

    /// Gives `server` `count` numbers of the current epoch, the first of them for somebody who is
    /// waiting for it. A store that may have lost numbers it gave begins a new epoch first. `known` is
    /// one past the highest place that the server has seen: a store that had forgotten it learns of it
    /// before it gives numbers.
    ///
    /// The others are nobody's until the server says how many it has given, at its sweeps.
    fn lease(&self, room: RoomId, server: [u8; 16], count: u32, known: Place)
    -> Answer<'_, Leased>;

    /// Most numbers that are worth asking for at once. A store that is no round trip away says 1: then
    /// every number that was given is a visitor's, and as many wait as are said to.
    fn worth_leasing(&self) -> u32 {
        MOST_LEASED
    }

    /// Takes a block's unused end back, if nobody has leased after it. `false`: it stays in the line,
    /// and it is known that nobody has it.
    fn give_back(&self, room: RoomId, server: [u8; 16], rest: NumberBlock) -> Answer<'_, bool>;

    /// The one place of a person: `offered` if they had none, else the one they have.
    fn place_of_person(&self, room: RoomId, person: [u8; 16], offered: Place) -> Answer<'_, Place>;

    /// Counts that `who` does something that may be done only so often, at all servers together.
    ///
    /// A store of one process shares nothing: it counts nothing, and that server's own limits stand.
    fn spend(&self, _who: &str, _rate: Rate) -> Answer<'_, Spent> {
        Box::pin(async { Ok(Spent::Counted) })
    }

    /// Remembers `nonce` until `expires_ms`. `false`: it was used before.
    fn use_once(&self, room: RoomId, nonce: [u8; 16], expires_ms: i64) -> Answer<'_, bool>;

    /// Lets somebody in, or says why not. The cap is decided here and nowhere else.
    fn claim(&self, room: RoomId, claim: Claim) -> Answer<'_, Result<Shopper, ClaimRefused>>;

    /// A sign of life of a shopper with a valid admission. Takes them in again where their slot was
    /// given up while they were idle, if there is room.
    fn check_in(&self, room: RoomId, shopper: Shopper) -> Answer<'_, Seen>;

    /// Frees the slot. `false`: it was not theirs any more.
    fn leave(&self, room: RoomId, shopper: Shopper, how: Leaving) -> Answer<'_, bool>;

    /// Who is inside, at most `limit` of them: those first whose slots are freed first.
    fn inside(&self, room: RoomId, limit: u32) -> Answer<'_, Vec<Shopper>>;

    /// Takes a server's report; frees the slots of who is gone; lets turns lapse; and gives one server
    /// at a time the turn to call.
    fn sweep(&self, room: RoomId, report: Report) -> Answer<'_, Swept>;

    /// Calls visitors. `false`: another server has the turn now, or the settings have changed.
    fn advance(&self, room: RoomId, advance: Advance) -> Answer<'_, bool>;

    /// Changes settings or state, if nobody else has meanwhile.
    fn change(&self, room: RoomId, change: Change) -> Answer<'_, Changed>;

    /// Writes a line into the audit log.
    fn log(&self, room: RoomId, entry: AuditEntry) -> Answer<'_, ()>;

    /// The newest lines of the audit log, newest first.
    fn audit(&self, room: RoomId, limit: u32) -> Answer<'_, Vec<AuditEntry>>;

    /// The newest points of the graphs, oldest first.
    fn figures(&self, room: RoomId, limit: u32) -> Answer<'_, Vec<Figures>>;

    /// Adds or replaces a bypass code (keeping its count of uses); `limit` 0 withdraws it.
    fn put_code(&self, room: RoomId, code: BypassCode) -> Answer<'_, ()>;

    /// All bypass codes.
    fn codes(&self, room: RoomId) -> Answer<'_, Vec<BypassCode>>;
}

/// Instant from which epochs are counted: 2020-01-01.
const EPOCHS_SINCE_MS: i64 = 1_577_836_800_000;

/// An epoch after `after`. It is the time in seconds where that is later: so two stores that lost
/// their memory of each other's epochs do not begin the same one, but for the same second.
#[must_use]
pub fn next_epoch(now_ms: i64, after: Epoch) -> Epoch {
    let seconds = (now_ms - EPOCHS_SINCE_MS).max(0) / 1000;
    let by_time = u32::try_from(seconds).unwrap_or(0);
    Epoch(by_time.max(after.0.saturating_add(1)))
}

/// Lines of the audit log that are kept.
pub const AUDIT_KEPT: usize = 2_000;
/// Points of the graphs that are kept: a day at one in ten seconds.
pub const FIGURES_KEPT: usize = 8_640;
/// Bypass codes a room may have.
pub const MOST_CODES: usize = 1_000;
/// Epochs that are kept.
pub const MOST_EPOCHS: usize = 64;
/// Ranges of numbers that nobody has of which a room knows. Beyond that they count as waiting.
pub const MOST_UNUSED: usize = 256;
/// Most numbers leased at once.
pub const MOST_LEASED: u32 = 4_096;
/// Most shoppers whose time is up that one step frees.
pub const MOST_FREED: usize = 1_000;
