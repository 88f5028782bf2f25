//! What everybody may see of a performance: one of four statuses a seat, numbered so that a browser
//! can start from a snapshot and follow deltas.

use crate::codec::{DecodeError, Reader};
use crate::id::{AreaIx, SeatIx};
use crate::inventory::{Inventory, owner::OwnerKind};
use crate::price::Place;
use crate::seatset::SeatSet;
use alloc::{vec, vec::Vec};

/// What everybody may know of a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[repr(u8)]
pub enum SeatStatus {
    /// Can be held.
    Free = 0,
    /// Somebody holds it for the moment.
    Held = 1,
    /// Sold.
    Sold = 2,
    /// Not on sale.
    Closed = 3,
}

impl SeatStatus {
    /// In the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Free, Self::Held, Self::Sold, Self::Closed];

    /// What everybody may know of a seat of `inventory`, as written down: a lapse shows when it is
    /// in the ledger, so that every browser shows the same.
    #[must_use]
    pub fn of(inventory: &Inventory, seat: SeatIx) -> Self {
        match inventory.owner(seat).kind() {
            OwnerKind::Open => Self::Free,
            OwnerKind::Hold(_) => Self::Held,
            OwnerKind::Order(_) => Self::Sold,
            OwnerKind::Killed | OwnerKind::Allocation(_) => Self::Closed,
        }
    }
}

const MAGIC: &[u8; 4] = b"OSV1";
const HEADER_BYTES: usize = 16;

/// All seats' statuses at ledger position `seq`: 2 bits a seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicView {
    seq: u64,
    seat_count: u32,
    packed: Vec<u8>,
    areas_left: Vec<u32>,
}

/// What changed between two ledger positions. As JSON:
/// `{"from":12,"to":15,"free":[1],"held":[4,5],"sold":[],"closed":[],"areas":[[0,380]]}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ViewDelta {
    /// Applies to a view at this position (or later, up to `to`: applying it again is harmless).
    pub from: u64,
    /// Gives a view at this position.
    pub to: u64,
    /// Seats now free.
    pub free: Vec<SeatIx>,
    /// Seats now held.
    pub held: Vec<SeatIx>,
    /// Seats now sold.
    pub sold: Vec<SeatIx>,
    /// Seats now not on sale.
    pub closed: Vec<SeatIx>,
    /// Areas whose number of places left changed.
    pub areas: Vec<(AreaIx, u32)>,
}

/// The delta does not follow on the view: fetch a new snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a delta from {from} does not follow on a view at {at}")]
pub struct NotConsecutive {
    /// Position of the view.
    pub at: u64,
    /// Where the delta starts.
    pub from: u64,
}

impl PublicView {
    /// The view of `inventory` at ledger position `seq`.
    #[must_use]
    pub fn of(inventory: &Inventory, seq: u64) -> Self {
        let seat_count = inventory.map().seat_count();
        let areas = inventory.map().areas().len() as u16;
        let mut view = Self {
            seq,
            seat_count,
            packed: vec![0; (seat_count as usize).div_ceil(4)],
            areas_left: (0..areas)
                .map(|area| inventory.area_left(AreaIx(area)))
                .collect(),
        };
        for seat in (0..seat_count).map(SeatIx) {
            let status = SeatStatus::of(inventory, seat);
            if status != SeatStatus::Free {
                view.set(seat, status);
            }
        }
        view
    }
    /// Reads `places` again after events that [touched](Inventory::touched) them were applied, and
    /// goes to ledger position `seq`. Keeps a view beside an inventory without building it anew.
    /// O(places).
    pub fn refresh(&mut self, inventory: &Inventory, places: &[Place], seq: u64) {
        for place in places {
            match *place {
                Place::Seat(seat) => self.set(seat, SeatStatus::of(inventory, seat)),
                Place::Area(area) => {
                    self.areas_left[area.index()] = inventory.area_left(area);
                }
            }
        }
        self.seq = seq;
    }
    /// Ledger position.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }
    /// Number of seats.
    #[must_use]
    pub fn seat_count(&self) -> u32 {
        self.seat_count
    }
    /// Status of a seat.
    #[must_use]
    pub fn status(&self, seat: SeatIx) -> SeatStatus {
        match self.packed[seat.index() / 4] >> (seat.index() % 4 * 2) & 3 {
            0 => SeatStatus::Free,
            1 => SeatStatus::Held,
            2 => SeatStatus::Sold,
            _ => SeatStatus::Closed,
        }
    }
    /// Sets a status. For whoever keeps a view beside an inventory.
    pub fn set(&mut self, seat: SeatIx, status: SeatStatus) {
        let shift = seat.index() % 4 * 2;
        let byte = &mut self.packed[seat.index() / 4];
        *byte = *byte & !(3 << shift) | (status as u8) << shift;
    }
    /// Places left in each area.
    #[must_use]
    pub fn areas_left(&self) -> &[u32] {
        &self.areas_left
    }
    /// Packed statuses, 4 seats a byte, low bits first: for drawing straight from memory.
    #[must_use]
    pub fn packed(&self) -> &[u8] {
        &self.packed
    }
    /// Seats that are free: what [rules](crate::rule) and best available search in the browser.
    #[must_use]
    pub fn free_seats(&self) -> SeatSet {
        let mut free = SeatSet::empty(self.seat_count);
        for (i, byte) in self.packed.iter().enumerate() {
            for k in 0..4 {
                let seat = SeatIx((i * 4 + k) as u32);
                if byte >> (k * 2) & 3 == SeatStatus::Free as u8 && seat.0 < self.seat_count {
                    free.insert(seat);
                }
            }
        }
        free
    }
    /// Follows a delta. Refuses one that starts later than this view (something was missed), is
    /// older than it, or names places this house has not got; the view is then as it was.
    pub fn apply(&mut self, delta: &ViewDelta) -> Result<(), NotConsecutive> {
        let lists = [&delta.free, &delta.held, &delta.sold, &delta.closed];
        let known = lists
            .iter()
            .all(|list| list.iter().all(|seat| seat.0 < self.seat_count))
            && delta
                .areas
                .iter()
                .all(|(area, _)| area.index() < self.areas_left.len());
        if !known || self.seq < delta.from || self.seq > delta.to {
            return Err(NotConsecutive {
                at: self.seq,
                from: delta.from,
            });
        }
        for (list, status) in lists.into_iter().zip(SeatStatus::ALL) {
            for seat in list {
                self.set(*seat, status);
            }
        }
        for (area, left) in &delta.areas {
            self.areas_left[area.index()] = *left;
        }
        self.seq = delta.to;
        Ok(())
    }
    /// What changed from `self` to `later`, of the same house.
    #[must_use]
    pub fn diff(&self, later: &Self) -> ViewDelta {
        let mut delta = ViewDelta {
            from: self.seq,
            to: later.seq,
            ..ViewDelta::default()
        };
        for (i, (before, after)) in self.packed.iter().zip(&later.packed).enumerate() {
            let changed = before ^ after;
            for k in (0..4).filter(|k| changed >> (k * 2) & 3 != 0) {
                let seat = SeatIx((i * 4 + k) as u32);
                match later.status(seat) {
                    SeatStatus::Free => delta.free.push(seat),
                    SeatStatus::Held => delta.held.push(seat),
                    SeatStatus::Sold => delta.sold.push(seat),
                    SeatStatus::Closed => delta.closed.push(seat),
                }
            }
        }
        let areas = (0..).zip(self.areas_left.iter().zip(&later.areas_left));
        delta.areas = areas
            .filter(|(_, (before, after))| before != after)
            .map(|(area, (_, after))| (AreaIx(area), *after))
            .collect();
        delta
    }
    /// Compact bytes: magic `OSV1`, seq u64 LE, seat count u32 LE, packed statuses, number of
    /// areas u32 LE, each area's places left u32 LE.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes =
            Vec::with_capacity(HEADER_BYTES + self.packed.len() + 4 + self.areas_left.len() * 4);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.seq.to_le_bytes());
        bytes.extend_from_slice(&self.seat_count.to_le_bytes());
        bytes.extend_from_slice(&self.packed);
        bytes.extend_from_slice(&(self.areas_left.len() as u32).to_le_bytes());
        for left in &self.areas_left {
            bytes.extend_from_slice(&left.to_le_bytes());
        }
        bytes
    }
    /// Reads what [`encode`](Self::encode) wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut from = Reader::new(bytes);
        from.expect(MAGIC, "not a view of version 1")?;
        let seq = u64::from_le_bytes(from.array()?);
        let seat_count = u32::from_le_bytes(from.array()?);
        let packed = from.raw((seat_count as usize).div_ceil(4))?.to_vec();
        let unused = packed.len() * 4 - seat_count as usize;
        if let Some(last) = packed.last()
            && unused > 0
            && last >> ((4 - unused) * 2) != 0
        {
            return Err(from.fault("a status beyond the last seat"));
        }
        let areas = u32::from_le_bytes(from.array()?) as usize;
        if from.remaining() / 4 < areas {
            return Err(from.fault("more areas announced than bytes are left"));
        }
        let mut areas_left = Vec::with_capacity(areas);
        for _ in 0..areas {
            areas_left.push(u32::from_le_bytes(from.array()?));
        }
        from.finish()?;
        Ok(Self {
            seq,
            seat_count,
            packed,
            areas_left,
        })
    }
}
