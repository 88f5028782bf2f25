//! Who has what: the state of one performance. About 4 bytes a seat before anything is sold.
//!
//! An inventory knows no clock: a hold is in it until an event ends it, also when its time is past.
//! [`decide`](crate::decide()) is where `now` comes in. Nothing here refuses anything for business
//! reasons; the only errors are contradictions (see [`try_apply`](crate::decide::try_apply)).
//!
//! Invariant: a seat has exactly one owner (nobody, a hold, an order, an allocation, or off sale),
//! because there is one word a seat to write it in; what the owners list agrees with it, because
//! both change only in `change`.

use crate::event::Event;
use crate::id::{AllocationId, AreaIx, FanId, HoldId, OrderId, SeatIx};
use crate::price::{OrderItem, Place};
use crate::seatmap::SeatMap;
use crate::seatset::SeatSet;
use crate::terms::SaleTerms;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::{string::String, sync::Arc, vec, vec::Vec};

mod change;
mod encode;
pub(crate) mod owner;
pub(crate) mod table;

use owner::{Owner, OwnerKind};
use table::{Slot, Table};

/// The state of one performance's places. Built empty, then changed only by
/// [`apply`](crate::apply).
///
/// Looking up a seat is O(1), a hold or an order O(log n) in their number. Cloning copies
/// everything.
///
/// ```
/// use booking_core::*;
/// use booking_core::inventory::SeatState;
/// # use booking_core::seatmap::*;
/// # use booking_core::price::*;
/// # use std::sync::Arc;
/// # let seat = |n: i32| SeatSpec { label: n.to_string(), at: Point { x: n * 2_500, y: 0 }, ..SeatSpec::default() };
/// # let row = RowSpec { name: "A".into(), seats: (1..=8).map(seat).collect() };
/// # let stalls = SectionSpec { name: "Stalls".into(), rows: vec![row], ..Default::default() };
/// # let map = SeatMap::build(SeatMapSpec {
/// #     name: "Studio".into(),
/// #     bands: vec![PriceBand { name: "Full view".into() }],
/// #     sections: vec![stalls],
/// #     ..SeatMapSpec::default()
/// # }).unwrap();
/// # let terms = SaleTerms { rules: Default::default(), prices: PriceList {
/// #     currency: "EUR".into(), minor_digits: 2,
/// #     types: vec![PriceType { name: "Full".into(), note: String::new() }],
/// #     amounts: vec![vec![Some(1_000)]], fees: vec![],
/// #     tax: Tax { mode: TaxMode::Inclusive, rate_ppm: 0, rounding: Rounding::HalfUpPerLine },
/// #     vouchers: vec![] } };
/// let mut inventory = Inventory::new(Arc::new(map), Arc::new(terms));
/// let command = Command::PlaceHold {
///     hold: HoldId::from_u128(1),
///     fan: FanId::from_u128(7),
///     request: SeatRequest::These(vec![Place::Seat(SeatIx(3)), Place::Seat(SeatIx(4))]),
///     needs_accessible: false,
///     allocation: None,
/// };
/// let decision = decide(&inventory, &command, 1_000).unwrap();
/// for event in &decision.events {
///     apply(&mut inventory, event);
/// }
/// assert_eq!(inventory.seat(SeatIx(3)), SeatState::Held(HoldId::from_u128(1)));
/// // Somebody else is a moment late.
/// let late = Command::PlaceHold {
///     hold: HoldId::from_u128(2),
///     fan: FanId::from_u128(8),
///     request: SeatRequest::These(vec![Place::Seat(SeatIx(4))]),
///     needs_accessible: false,
///     allocation: None,
/// };
/// let no = decide(&inventory, &late, 1_001).unwrap_err();
/// assert_eq!(no, Rejection::SeatsTaken { seats: vec![SeatIx(4)] });
/// ```
#[derive(Clone)]
pub struct Inventory {
    map: Arc<SeatMap>,
    terms: Arc<SaleTerms>,
    /// Whether `terms` are from the ledger: then they are part of the state. Those a performance
    /// opens under are given from outside, like the map.
    terms_set: bool,
    /// Seats whose owner is nobody: what `owners` says, as bits for searching.
    open: SeatSet,
    owners: Vec<Owner>,
    pub(crate) holds: Table<HoldId, HoldRecord>,
    pub(crate) orders: Table<OrderId, OrderRecord>,
    pub(crate) allocations: Table<AllocationId, AllocationRecord>,
    fans: BTreeMap<FanId, FanRecord>,
    /// Every hold by its end.
    lapses: BTreeSet<(i64, HoldId)>,
    /// Orders by voucher code in upper case.
    vouchers: BTreeMap<String, u32>,
    areas: Vec<AreaRecord>,
    counts: Counts,
}

/// A hold, in a chain with the others of its fan.
#[derive(Clone, Debug)]
pub(crate) struct HoldRecord {
    pub(crate) hold: Hold,
    next_of_fan: Option<Slot>,
}

#[derive(Clone, Debug)]
pub(crate) struct OrderRecord {
    pub(crate) order: OrderState,
    /// Ordinal of the next ticket: ordinals are never used again, so that a ticket that was
    /// cancelled or exchanged stays dead.
    next_ordinal: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct AllocationRecord {
    pub(crate) allocation: AllocationId,
    /// Its seats that nobody has taken. Never empty.
    pub(crate) seats: BTreeSet<SeatIx>,
}

#[derive(Clone, Copy, Debug, Default)]
struct FanRecord {
    /// Places held (lapsed or not) and owned.
    places: u32,
    first_hold: Option<Slot>,
}

#[derive(Clone, Copy, Debug, Default)]
struct AreaRecord {
    held: u32,
    sold: u32,
}

/// Who has a seat, as written down (a lapse not yet written still shows as held).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeatState {
    /// Nobody: it can be held.
    Open,
    /// A live or lapsed hold.
    Held(HoldId),
    /// An order.
    Sold(OrderId),
    /// Off sale.
    Killed,
    /// Set aside.
    Allocated(AllocationId),
}

/// A hold as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Hold {
    /// Its name.
    pub hold: HoldId,
    /// Its owner.
    pub fan: FanId,
    /// What it claims, sorted.
    pub places: Vec<Place>,
    /// The allocation the seats came out of.
    pub allocation: Option<AllocationId>,
    /// Instant of selection, ms since the epoch.
    pub placed_ms: i64,
    /// First instant at which it is no longer live.
    pub expires_ms: i64,
    /// Latest `expires_ms` it may ever get.
    pub max_expires_ms: i64,
}

/// An order as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderState {
    /// Its name.
    pub order: OrderId,
    /// Who bought.
    pub fan: FanId,
    /// Live tickets: ordinal and item, in order of the ordinals. A seat that was exchanged has a
    /// new ordinal, so that the old ticket does not open a door.
    pub tickets: Vec<(u32, OrderItem)>,
}

/// How many seats (and area places) are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Counts {
    /// Can be held.
    pub open: u32,
    /// Held.
    pub held: u32,
    /// Sold.
    pub sold: u32,
    /// Killed or set aside.
    pub closed: u32,
}

impl Inventory {
    /// An empty house.
    #[must_use]
    pub fn new(map: Arc<SeatMap>, terms: Arc<SaleTerms>) -> Self {
        let seats = map.seat_count();
        let places: u32 = map.areas().iter().map(|area| area.capacity).sum();
        Self {
            open: SeatSet::full(seats),
            owners: vec![Owner::OPEN; seats as usize],
            holds: Table::new(),
            orders: Table::new(),
            allocations: Table::new(),
            fans: BTreeMap::new(),
            lapses: BTreeSet::new(),
            vouchers: BTreeMap::new(),
            areas: vec![AreaRecord::default(); map.areas().len()],
            counts: Counts {
                open: seats + places,
                ..Counts::default()
            },
            map,
            terms,
            terms_set: false,
        }
    }
    /// The map.
    #[must_use]
    pub fn map(&self) -> &Arc<SeatMap> {
        &self.map
    }
    /// The terms in force: those the ledger set last, else those the performance opened under.
    #[must_use]
    pub fn terms(&self) -> &Arc<SaleTerms> {
        &self.terms
    }
    /// Seats that can be held, by what has been written down.
    #[must_use]
    pub fn open_seats(&self) -> &SeatSet {
        &self.open
    }
    /// Who has a seat.
    ///
    /// # Panics
    /// If the map has no such seat.
    #[must_use]
    pub fn seat(&self, seat: SeatIx) -> SeatState {
        match self.owner(seat).kind() {
            OwnerKind::Open => SeatState::Open,
            OwnerKind::Killed => SeatState::Killed,
            OwnerKind::Hold(slot) => SeatState::Held(self.holds.at(slot).hold.hold),
            OwnerKind::Order(slot) => SeatState::Sold(self.orders.at(slot).order.order),
            OwnerKind::Allocation(slot) => {
                SeatState::Allocated(self.allocations.at(slot).allocation)
            }
        }
    }
    /// Places left in an area, by what has been written down; 0 where there is no such area.
    #[must_use]
    pub fn area_left(&self, area: AreaIx) -> u32 {
        match (self.map.area(area), self.areas.get(area.index())) {
            (Some(plan), Some(taken)) => plan.capacity - taken.held - taken.sold,
            _ => 0,
        }
    }
    /// A hold that has not ended in the ledger (it may have lapsed: compare `expires_ms`).
    #[must_use]
    pub fn hold(&self, hold: HoldId) -> Option<Hold> {
        self.hold_ref(hold).cloned()
    }
    /// Like [`hold`](Self::hold), without a copy.
    #[must_use]
    pub fn hold_ref(&self, hold: HoldId) -> Option<&Hold> {
        self.holds.get(&hold).map(|record| &record.hold)
    }
    /// Every hold that has not ended in the ledger, in order of name.
    pub fn holds(&self) -> impl Iterator<Item = &Hold> {
        self.holds.iter().map(|(_, record)| &record.hold)
    }
    /// A fan's holds, in order of name.
    #[must_use]
    pub fn holds_of(&self, fan: FanId) -> Vec<HoldId> {
        let mut holds: Vec<HoldId> = self.claims_of(fan).1.map(|hold| hold.hold).collect();
        holds.sort_unstable();
        holds
    }
    /// Places a fan holds (lapsed or not) and owns, by what has been written down.
    #[must_use]
    pub fn places_of(&self, fan: FanId) -> u32 {
        self.fans.get(&fan).map_or(0, |record| record.places)
    }
    /// An order.
    #[must_use]
    pub fn order(&self, order: OrderId) -> Option<OrderState> {
        self.orders.get(&order).map(|record| record.order.clone())
    }
    /// Every order, in order of name; cancelled ones have no tickets left.
    pub fn orders(&self) -> impl Iterator<Item = &OrderState> {
        self.orders.iter().map(|(_, record)| &record.order)
    }
    /// Seats of an allocation that nobody has taken, ascending.
    #[must_use]
    pub fn allocated_seats(&self, allocation: AllocationId) -> Vec<SeatIx> {
        self.allocations
            .get(&allocation)
            .map_or_else(Vec::new, |record| record.seats.iter().copied().collect())
    }
    /// Orders that used a voucher so far (code without regard to ASCII case). An order that was
    /// cancelled has still used it.
    #[must_use]
    pub fn voucher_uses(&self, code: &str) -> u32 {
        let code = code.to_ascii_uppercase();
        self.vouchers.get(&code).copied().unwrap_or(0)
    }
    /// The earliest end of any hold, if there is one: when to send `ExpireHolds`.
    #[must_use]
    pub fn next_expiry_ms(&self) -> Option<i64> {
        self.lapses.first().map(|(expires_ms, _)| *expires_ms)
    }
    /// Totals over the whole house, by what has been written down. O(1).
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }
    /// Bytes of heap this inventory uses (without map and terms). Exact for arrays; maps of ids are
    /// counted at the fill they have on average.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let holds = self.holds.iter();
        let orders = self.orders.iter();
        let allocations = self.allocations.iter();
        size_of_val(self.open.words())
            + self.owners.capacity() * size_of::<Owner>()
            + self.areas.capacity() * size_of::<AreaRecord>()
            + self.holds.heap_bytes()
            + holds
                .map(|(_, record)| record.hold.places.capacity() * size_of::<Place>())
                .sum::<usize>()
            + self.orders.heap_bytes()
            + orders
                .map(|(_, record)| record.order.tickets.capacity() * size_of::<(u32, OrderItem)>())
                .sum::<usize>()
            + self.allocations.heap_bytes()
            + allocations
                .map(|(_, record)| btree_bytes::<SeatIx, ()>(record.seats.len()))
                .sum::<usize>()
            + btree_bytes::<FanId, FanRecord>(self.fans.len())
            + btree_bytes::<(i64, HoldId), ()>(self.lapses.len())
            + btree_bytes::<String, u32>(self.vouchers.len())
            + self.vouchers.keys().map(String::capacity).sum::<usize>()
    }
    /// Places whose public status `event` may change, given the state before it is applied.
    #[must_use]
    pub fn touched(&self, event: &Event) -> Vec<Place> {
        let seats = |seats: &[SeatIx]| seats.iter().copied().map(Place::Seat).collect();
        match event {
            Event::HoldPlaced { places, .. } | Event::TicketsCancelled { places, .. } => {
                places.clone()
            }
            Event::HoldChanged { added, removed, .. } => [added.as_slice(), removed].concat(),
            Event::HoldExtended { .. } => Vec::new(),
            Event::HoldReleased { hold } | Event::HoldExpired { hold } => self
                .hold_ref(*hold)
                .map_or_else(Vec::new, |hold| hold.places.clone()),
            Event::OrderConfirmed { items, .. } => items.iter().map(|item| item.place).collect(),
            Event::SeatsExchanged { gave, took, .. } => seats(&[gave.as_slice(), took].concat()),
            Event::SeatsKilled { seats: list }
            | Event::SeatsRevived { seats: list }
            | Event::SeatsAllocated { seats: list, .. }
            | Event::AllocationReleased { seats: list, .. } => seats(list),
            Event::TermsSet { .. } => Vec::new(),
        }
    }

    pub(crate) fn owner(&self, seat: SeatIx) -> Owner {
        self.owners[seat.index()]
    }
    /// Places a fan holds and owns, and its holds, latest first: in one search.
    pub(crate) fn claims_of(&self, fan: FanId) -> (u32, impl Iterator<Item = &Hold>) {
        let FanRecord { places, first_hold } = self.fans.get(&fan).copied().unwrap_or_default();
        let mut next = first_hold;
        let holds = core::iter::from_fn(move || {
            let record = self.holds.at(next?);
            next = record.next_of_fan;
            Some(&record.hold)
        });
        (places, holds)
    }
    /// Holds whose time is past at `now_ms`, by their end, then by name.
    pub(crate) fn lapsed(&self, now_ms: i64) -> impl Iterator<Item = &Hold> {
        self.lapses
            .iter()
            .take_while(move |(expires_ms, _)| *expires_ms <= now_ms)
            .filter_map(|(_, hold)| self.hold_ref(*hold))
    }
}

/// Heap of a B-tree of `len` entries: its nodes hold 11 entries and are about two thirds full.
fn btree_bytes<K, V>(len: usize) -> usize {
    let node = 11 * (size_of::<K>() + size_of::<V>()) + 16;
    len.div_ceil(7) * node
}
