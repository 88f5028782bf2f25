//! The rows that cross the port. Plain data, the same for every backend.

use super::error::StoreError;
use booking_core::ledger::Hash;
use booking_core::{CommandId, FanId, OrderId, PerformanceId, SaleTerms, TicketId};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// The durable answer to one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandRecord {
    /// Its id.
    pub command: CommandId,
    /// First 16 bytes of the SHA-256 of its content.
    pub content: [u8; 16],
    /// What it came to.
    pub outcome: RecordedOutcome,
}

/// What a command came to, as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordedOutcome {
    /// Its events are entry `entry` of batch `seq`.
    Accepted {
        /// Ledger position.
        seq: u64,
        /// Entry within the batch.
        entry: u32,
        /// What the events do not tell of the answer, if there is anything; made by the lane.
        detail: Option<Bytes>,
    },
    /// It was refused; the rejection as bytes made by the lane.
    Rejected {
        /// The rejection.
        detail: Bytes,
    },
}

/// A row for queries by fan or organiser, derived from events. Can be rebuilt from the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Projection {
    /// An order was confirmed.
    OrderConfirmed {
        /// Its id.
        order: OrderId,
        /// Who bought.
        fan: FanId,
        /// What was charged.
        total_minor: i64,
        /// When.
        at_ms: i64,
    },
    /// A ticket became live.
    TicketLive {
        /// Its id.
        ticket: TicketId,
        /// Its order.
        order: OrderId,
        /// Who has it.
        fan: FanId,
        /// See [`place_key`].
        place_key: i64,
        /// Area index for area places.
        area: Option<u16>,
        /// Price type.
        price_type: u8,
    },
    /// Other terms hold from now on.
    TermsSet {
        /// `SaleTerms` as JSON, as the catalogue keeps them.
        terms: String,
    },
    /// A ticket is no longer live.
    TicketCancelled {
        /// Its id.
        ticket: TicketId,
        /// Where it was.
        place_key: i64,
    },
}

impl Projection {
    /// Of terms that hold from now on.
    #[must_use]
    pub fn terms_set(terms: &SaleTerms) -> Self {
        let terms = serde_json::to_string(terms).expect("plain data can be written as JSON");
        Self::TermsSet { terms }
    }
}

/// What a batch's tickets come to. What was sold and given back within one batch leaves no trace:
/// only the net counts. And first goes what went, then comes what came: a seat may have been given
/// back and sold again.
pub(super) struct NetTickets<'a> {
    /// Places and tickets that were live before and are no longer.
    pub(super) gone: Vec<(i64, &'a TicketId)>,
    /// Those that are live now, each a [`Projection::TicketLive`], in order of place.
    pub(super) live: Vec<&'a Projection>,
}

impl<'a> NetTickets<'a> {
    /// Of projections in the order of their events.
    pub(super) fn of(projections: &'a [Projection]) -> Self {
        let (mut gone, mut live) = (Vec::new(), BTreeMap::new());
        for projection in projections {
            match projection {
                Projection::TicketLive {
                    ticket, place_key, ..
                } => {
                    live.insert((*place_key, *ticket), projection);
                }
                Projection::TicketCancelled { ticket, place_key } => {
                    if live.remove(&(*place_key, *ticket)).is_none() {
                        gone.push((*place_key, ticket));
                    }
                }
                Projection::OrderConfirmed { .. } | Projection::TermsSet { .. } => {}
            }
        }
        Self {
            gone,
            live: live.into_values().collect(),
        }
    }
}

/// What is unique among live tickets of a performance: the seat's index, or for a place in an area
/// a negative number made from the ticket's id (which is itself derived, so replays agree).
#[must_use]
pub fn place_key(place: booking_core::price::Place, ticket: TicketId) -> i64 {
    match place {
        booking_core::price::Place::Seat(seat) => i64::from(seat.0),
        booking_core::price::Place::Area(_) => {
            let mut first = [0; 8];
            first.copy_from_slice(&ticket.as_bytes()[..8]);
            i64::from_be_bytes(first) | i64::MIN
        }
    }
}

/// A ledger row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerRow {
    /// Position.
    pub seq: u64,
    /// When it was decided.
    pub at_ms: i64,
    /// The batch.
    pub bytes: Bytes,
    /// Its hash.
    pub hash: Hash,
}

/// Where a ledger ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Position of the last batch.
    pub seq: u64,
    /// Its time.
    pub at_ms: i64,
    /// Its hash.
    pub hash: Hash,
}

/// An inventory at a ledger position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotRow {
    /// Position after which it was taken.
    pub seq: u64,
    /// Time of that batch.
    pub at_ms: i64,
    /// Hash of that batch.
    pub hash: Hash,
    /// `Inventory::encode()`.
    pub inventory: Bytes,
}

impl SnapshotRow {
    /// Over everything a reader of the snapshot relies on.
    pub(super) fn digest(&self, performance: PerformanceId) -> Hash {
        let mut hasher = Sha256::new();
        hasher.update(performance.as_bytes());
        hasher.update(self.seq.to_be_bytes());
        hasher.update(self.at_ms.to_be_bytes());
        hasher.update(self.hash);
        hasher.update(&self.inventory);
        hasher.finalize().into()
    }

    /// Itself, if that is the digest it was written with.
    pub(super) fn checked(
        self,
        performance: PerformanceId,
        digest: Hash,
    ) -> Result<Self, StoreError> {
        if digest == self.digest(performance) {
            return Ok(self);
        }
        let what = format!("its digest differs, at position {}", self.seq);
        Err(StoreError::DamagedSnapshot(what))
    }
}

/// An accepted command as recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptedCommand {
    /// Whose ledger it is in.
    pub performance: PerformanceId,
    /// Its id.
    pub command: CommandId,
    /// Ledger position.
    pub seq: u64,
    /// Entry within the batch.
    pub entry: u32,
}
