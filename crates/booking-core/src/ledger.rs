//! The ledger's rows: batches of events, each holding the hash of the one before.
//!
//! A batch is sealed into canonical bytes and their SHA-256; the next batch names that hash. So the
//! last hash stands for the whole ledger: whoever keeps it can prove that nothing before was
//! altered, left out or put in. The bytes are versioned and their form is fixed: a ledger written
//! today must be readable for as long as anybody may ask who bought a seat.

use crate::codec::DecodeError;
use crate::decide::{Contradiction, try_apply};
use crate::event::Event;
use crate::id::{CommandId, PerformanceId};
use crate::inventory::Inventory;
use alloc::vec::Vec;
use sha2::{Digest, Sha256};

mod encode;

/// SHA-256 of a batch's bytes.
pub type Hash = [u8; 32];

/// What stands before the first batch.
pub const GENESIS: Hash = [0; 32];

/// One ledger row: everything that was decided together and made durable together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Whose ledger.
    pub performance: PerformanceId,
    /// Position, from 1 without gaps.
    pub seq: u64,
    /// When it was decided, ms since the epoch; never less than in the batch before.
    pub at_ms: i64,
    /// Hash of the batch before, [`GENESIS`] for the first.
    pub prev_hash: Hash,
    /// What each command came to, in the order of deciding.
    pub entries: Vec<Entry>,
}

/// What one command came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The command.
    pub command: CommandId,
    /// Its events, in order.
    pub events: Vec<Event>,
}

/// A batch as it stands in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Canonical bytes of the batch (its own hash not included).
    pub bytes: Vec<u8>,
    /// SHA-256 of `bytes`.
    pub hash: Hash,
}

impl Sealed {
    /// A row with these bytes and their hash.
    #[must_use]
    pub fn of(bytes: Vec<u8>) -> Self {
        let hash = hash_of(&bytes);
        Self { bytes, hash }
    }
    /// Whether the hash is that of the bytes.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        hash_of(&self.bytes) == self.hash
    }
}

impl Batch {
    /// Encodes and hashes the batch.
    #[must_use]
    pub fn seal(&self) -> Sealed {
        Sealed::of(encode::write_batch(self))
    }
    /// Reads the bytes of a sealed batch.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        encode::read_batch(bytes)
    }
}

/// Follows a ledger batch by batch and checks that each fits the one before.
///
/// ```
/// use booking_core::ledger::{Batch, Entry, GENESIS, LedgerFault, Replay};
/// use booking_core::test_support::{empty, execute, house, place_hold, seats};
/// use booking_core::{CommandId, Inventory, PerformanceId, terms::BookingRules};
///
/// // A ledger of one row: somebody holds two seats.
/// let mut inventory = empty(&house(1, 1, 8), BookingRules::default());
/// let decision = execute(&mut inventory, &place_hold(1, 2, &seats(&[3, 4])), 1_000).unwrap();
/// let performance = PerformanceId::from_u128(9);
/// let entry = Entry { command: CommandId::from_u128(5), events: decision.events };
/// let batch =
///     Batch { performance, seq: 1, at_ms: 1_000, prev_hash: GENESIS, entries: vec![entry] };
/// let row = batch.seal();
///
/// let start = || Inventory::new(inventory.map().clone(), inventory.terms().clone());
/// let mut replay = Replay::new(performance, start());
/// replay.follow(&row).unwrap();
/// assert_eq!(replay.inventory.encode(), inventory.encode());
///
/// // The row again is one too many.
/// assert_eq!(replay.follow(&row), Err(LedgerFault::Gap { expected: 2, found: 1 }));
/// ```
pub struct Replay {
    /// State so far.
    pub inventory: Inventory,
    /// Position of the last batch, 0 before the first.
    pub seq: u64,
    /// Hash of the last batch.
    pub hash: Hash,
    /// Time of the last batch.
    pub at_ms: i64,
    performance: PerformanceId,
}

/// Why a ledger cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerFault {
    /// Bytes are damaged.
    #[error("batch {seq}: {source}")]
    Damaged {
        /// Position.
        seq: u64,
        /// The fault.
        source: DecodeError,
    },
    /// A batch is missing or stands in the wrong place.
    #[error("batch {found} stands where {expected} should")]
    Gap {
        /// Position that should come.
        expected: u64,
        /// Position found.
        found: u64,
    },
    /// The chain is broken: a batch was altered.
    #[error("batch {seq}: the hash chain is broken")]
    BrokenChain {
        /// Position.
        seq: u64,
    },
    /// Belongs to another performance.
    #[error("batch {seq} belongs to another performance")]
    Foreign {
        /// Position.
        seq: u64,
    },
    /// Time went backwards.
    #[error("batch {seq}: time goes backwards")]
    TimeWentBack {
        /// Position.
        seq: u64,
    },
    /// An event contradicts the state.
    #[error("batch {seq}, command {command}: {source}")]
    Contradiction {
        /// Position.
        seq: u64,
        /// Which command's events.
        command: CommandId,
        /// What contradicts what.
        source: Contradiction,
    },
}

impl Replay {
    /// Starts before the first batch.
    #[must_use]
    pub fn new(performance: PerformanceId, empty: Inventory) -> Self {
        Self {
            inventory: empty,
            seq: 0,
            hash: GENESIS,
            at_ms: i64::MIN,
            performance,
        }
    }
    /// Starts from a snapshot taken after batch `seq`.
    #[must_use]
    pub fn from_snapshot(
        performance: PerformanceId,
        inventory: Inventory,
        seq: u64,
        hash: Hash,
        at_ms: i64,
    ) -> Self {
        Self {
            inventory,
            seq,
            hash,
            at_ms,
            performance,
        }
    }
    /// Follows one batch; returns it decoded.
    ///
    /// Checks that the bytes are those that were hashed, that they are of this performance, stand
    /// at the next position, name the batch before, are not older than it, and that every event
    /// can have happened. O(bytes of the batch).
    ///
    /// After a fault the inventory may have taken in part of the batch: throw the replay away.
    pub fn follow(&mut self, sealed: &Sealed) -> Result<Batch, LedgerFault> {
        let seq = self.seq.saturating_add(1);
        if !sealed.is_intact() {
            return Err(LedgerFault::BrokenChain { seq });
        }
        let batch =
            Batch::decode(&sealed.bytes).map_err(|source| LedgerFault::Damaged { seq, source })?;
        if batch.performance != self.performance {
            return Err(LedgerFault::Foreign { seq });
        }
        if batch.seq != seq {
            return Err(LedgerFault::Gap {
                expected: seq,
                found: batch.seq,
            });
        }
        if batch.prev_hash != self.hash {
            return Err(LedgerFault::BrokenChain { seq });
        }
        if batch.at_ms < self.at_ms {
            return Err(LedgerFault::TimeWentBack { seq });
        }
        for entry in &batch.entries {
            for event in &entry.events {
                try_apply(&mut self.inventory, event).map_err(|source| {
                    LedgerFault::Contradiction {
                        seq,
                        command: entry.command,
                        source,
                    }
                })?;
            }
        }
        (self.seq, self.hash, self.at_ms) = (seq, sealed.hash, batch.at_ms);
        Ok(batch)
    }
    /// Whose ledger is followed.
    #[must_use]
    pub fn performance(&self) -> PerformanceId {
        self.performance
    }
}

fn hash_of(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}
