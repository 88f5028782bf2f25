//! An inventory seen at an instant: lapsed holds count as gone.

use super::Warning;
use crate::event::Event;
use crate::id::{AllocationId, AreaIx, FanId, HoldId, SeatIx};
use crate::inventory::{Hold, Inventory, owner::OwnerKind};
use crate::price::Place;
use crate::rejection::Rejection;
use crate::rule::{Choice, OpenSeats, Rule, check_choice_with};
use crate::seatmap::SeatMap;
use crate::terms::BookingRules;
use alloc::vec::Vec;

/// Choices of at most so many places are checked without allocating.
const FEW: usize = 16;

/// What a decision looks at.
pub(super) struct Now<'a> {
    pub(super) inventory: &'a Inventory,
    pub(super) now_ms: i64,
    rules: &'a [&'a dyn Rule],
}

/// Whether a seat can be had, and what for.
pub(super) enum Seat<'a> {
    Free,
    /// Free once this lapse has been written.
    FreeAfter(&'a Hold),
    Taken,
    OffSale,
}

/// Lapses to write before the rest of a decision.
#[derive(Default)]
pub(super) struct Lapses {
    holds: Vec<(i64, HoldId)>,
}

impl Lapses {
    pub(super) fn add(&mut self, hold: &Hold) {
        let lapse = (hold.expires_ms, hold.hold);
        // Seats come sorted, so most repetitions are of the last; `into_events` finds the others.
        if self.holds.last() != Some(&lapse) {
            self.holds.push(lapse);
        }
    }
    fn has(&self, hold: &Hold) -> bool {
        self.holds.contains(&(hold.expires_ms, hold.hold))
    }
    /// Each lapse once, in the order in which they came about, then `event`.
    pub(super) fn then(mut self, event: Event) -> Vec<Event> {
        self.holds.sort_unstable();
        self.holds.dedup();
        let mut events = Vec::with_capacity(self.holds.len() + 1);
        let lapses = self.holds.into_iter();
        events.extend(lapses.map(|(_, hold)| Event::HoldExpired { hold }));
        events.push(event);
        events
    }
}

impl<'a> Now<'a> {
    pub(super) fn new(inventory: &'a Inventory, now_ms: i64, rules: &'a [&'a dyn Rule]) -> Self {
        Self {
            inventory,
            now_ms,
            rules,
        }
    }
    pub(super) fn map(&self) -> &'a SeatMap {
        self.inventory.map()
    }
    pub(super) fn rules(&self) -> &'a BookingRules {
        &self.inventory.terms().rules
    }
    pub(super) fn is_lapsed(&self, hold: &Hold) -> bool {
        hold.expires_ms <= self.now_ms
    }
    /// A live hold of this fan. Lapsed, released, unknown and somebody else's are all told alike.
    pub(super) fn live_hold(&self, hold: HoldId, fan: FanId) -> Result<&'a Hold, Rejection> {
        self.inventory
            .hold_ref(hold)
            .filter(|found| found.fan == fan && !self.is_lapsed(found))
            .ok_or(Rejection::NoSuchHold { hold })
    }
    pub(super) fn on_sale(&self) -> Result<(), Rejection> {
        let rules = self.rules();
        if (rules.on_sale_from_ms..rules.on_sale_until_ms).contains(&self.now_ms) {
            return Ok(());
        }
        Err(Rejection::NotOnSale {
            from_ms: rules.on_sale_from_ms,
            until_ms: rules.on_sale_until_ms,
        })
    }
    /// Live holds of a fan, and the places it holds and owns, both without `except`.
    pub(super) fn tally(&self, fan: FanId, except: Option<HoldId>) -> (usize, u16) {
        let (mut places, holds) = self.inventory.claims_of(fan);
        let mut live = 0;
        for hold in holds {
            if self.is_lapsed(hold) || Some(hold.hold) == except {
                places -= hold.places.len() as u32;
            } else {
                live += 1;
            }
        }
        (live, u16::try_from(places).unwrap_or(u16::MAX))
    }
    /// Whether `seat` can be had out of the open sale or out of `allocation`.
    pub(super) fn seat(&self, seat: SeatIx, allocation: Option<AllocationId>) -> Seat<'a> {
        match self.inventory.owner(seat).kind() {
            OwnerKind::Open if allocation.is_none() => Seat::Free,
            OwnerKind::Open | OwnerKind::Killed => Seat::OffSale,
            OwnerKind::Order(_) => Seat::Taken,
            OwnerKind::Allocation(slot) => {
                let id = self.inventory.allocations.at(slot).allocation;
                if allocation == Some(id) {
                    Seat::Free
                } else {
                    Seat::OffSale
                }
            }
            OwnerKind::Hold(slot) => {
                let hold = &self.inventory.holds.at(slot).hold;
                if !self.is_lapsed(hold) {
                    Seat::Taken
                } else if hold.allocation == allocation {
                    Seat::FreeAfter(hold)
                } else {
                    Seat::OffSale
                }
            }
        }
    }
    /// Claims sorted `places` for a hold out of `allocation`, or says why they cannot be had.
    pub(super) fn claim(
        &self,
        places: &[Place],
        allocation: Option<AllocationId>,
        lapses: &mut Lapses,
    ) -> Result<(), Rejection> {
        let (mut taken, mut off_sale) = (Vec::new(), Vec::new());
        for place in places {
            if let Place::Seat(seat) = *place {
                match self.seat(seat, allocation) {
                    Seat::Free => {}
                    Seat::FreeAfter(hold) => lapses.add(hold),
                    Seat::Taken => taken.push(seat),
                    Seat::OffSale => off_sale.push(seat),
                }
            }
        }
        if !taken.is_empty() {
            return Err(Rejection::SeatsTaken { seats: taken });
        }
        if !off_sale.is_empty() {
            return Err(match allocation {
                None => Rejection::SeatsNotOnSale { seats: off_sale },
                Some(allocation) => Rejection::NotInAllocation {
                    allocation,
                    seats: off_sale,
                },
            });
        }
        for (area, wanted) in area_places(places) {
            self.claim_area(area, wanted, 0, lapses)?;
        }
        Ok(())
    }
    /// Claims `wanted` places of an area in which the same decision gives back `given`.
    pub(super) fn claim_area(
        &self,
        area: AreaIx,
        wanted: u32,
        given: u32,
        lapses: &mut Lapses,
    ) -> Result<(), Rejection> {
        let in_area = |hold: &Hold| {
            let places = hold.places.iter();
            places.filter(|place| **place == Place::Area(area)).count() as u32
        };
        let mut left = self.inventory.area_left(area) + given;
        if left < wanted {
            let ending = self.inventory.lapsed(self.now_ms);
            left += ending
                .filter(|hold| lapses.has(hold))
                .map(in_area)
                .sum::<u32>();
        }
        if left < wanted {
            for hold in self.inventory.lapsed(self.now_ms) {
                let places = in_area(hold);
                if places > 0 && !lapses.has(hold) {
                    lapses.add(hold);
                    left += places;
                }
                if left >= wanted {
                    break;
                }
            }
        }
        if left < wanted {
            return Err(Rejection::AreaFull { area, left });
        }
        Ok(())
    }
    /// Runs the built-in rules and the embedder's.
    pub(super) fn check(&self, choice: &FanChoice<'_>) -> Result<Vec<Warning>, Rejection> {
        // Most choices are small: their seats need no heap.
        let mut few = [SeatIx(0); FEW];
        let many: Vec<SeatIx>;
        let chosen = choice.places.iter().filter_map(seat_of);
        let seats = if choice.places.len() <= FEW {
            let count = few
                .iter_mut()
                .zip(chosen)
                .map(|(at, seat)| *at = seat)
                .count();
            &few[..count]
        } else {
            many = chosen.collect();
            &many
        };
        let area_places = choice.places.len() - seats.len();
        let open = OpenNow {
            now: self,
            allocation: choice.allocation,
            own: choice.own,
        };
        let choice = Choice {
            map: self.map(),
            open: &open,
            seats,
            area_places: u16::try_from(area_places).unwrap_or(u16::MAX),
            needs_accessible: choice.needs_accessible,
            places_elsewhere: choice.places_elsewhere,
            rules: self.rules(),
            now_ms: self.now_ms,
        };
        check_choice_with(&choice, self.rules)
    }
    /// The places, sorted, if the map has them all and no seat is named twice.
    pub(super) fn sorted(&self, places: &[Place]) -> Result<Vec<Place>, Rejection> {
        for place in places {
            let known = match *place {
                Place::Seat(seat) => self.map().has_seat(seat),
                Place::Area(area) => self.map().area(area).is_some(),
            };
            if !known {
                return Err(Rejection::UnknownPlace { place: *place });
            }
        }
        let mut sorted = places.to_vec();
        sorted.sort_unstable();
        for pair in sorted.windows(2) {
            if let [Place::Seat(seat), Place::Seat(next)] = *pair
                && seat == next
            {
                return Err(Rejection::DuplicateSeat { seat });
            }
        }
        Ok(sorted)
    }
    /// Like [`sorted`](Self::sorted) for seats; at least one.
    pub(super) fn sorted_seats(&self, seats: &[SeatIx]) -> Result<Vec<SeatIx>, Rejection> {
        if seats.is_empty() {
            return Err(Rejection::NothingRequested);
        }
        if let Some(seat) = seats.iter().find(|seat| !self.map().has_seat(**seat)) {
            return Err(Rejection::UnknownPlace {
                place: Place::Seat(*seat),
            });
        }
        let mut sorted = seats.to_vec();
        sorted.sort_unstable();
        match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(Rejection::DuplicateSeat { seat: pair[0] }),
            None => Ok(sorted),
        }
    }
}

/// What a fan would have after a choice, for the rules.
pub(super) struct FanChoice<'a> {
    /// All places of the hold, sorted.
    pub(super) places: &'a [Place],
    pub(super) allocation: Option<AllocationId>,
    /// Seats that are the fan's own already and count as open.
    pub(super) own: &'a [Place],
    pub(super) needs_accessible: bool,
    pub(super) places_elsewhere: u16,
}

struct OpenNow<'a> {
    now: &'a Now<'a>,
    allocation: Option<AllocationId>,
    own: &'a [Place],
}

impl core::fmt::Debug for OpenNow<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("OpenNow")
            .field("now_ms", &self.now.now_ms)
            .field("allocation", &self.allocation)
            .finish_non_exhaustive()
    }
}

impl OpenSeats for OpenNow<'_> {
    fn is_open(&self, seat: SeatIx) -> bool {
        if !self.now.map().has_seat(seat) {
            return false;
        }
        match self.now.seat(seat, self.allocation) {
            Seat::Free | Seat::FreeAfter(_) => true,
            Seat::Taken => self.own.contains(&Place::Seat(seat)),
            Seat::OffSale => false,
        }
    }
}

pub(super) fn seat_of(place: &Place) -> Option<SeatIx> {
    match *place {
        Place::Seat(seat) => Some(seat),
        Place::Area(_) => None,
    }
}

/// Areas among sorted places, each with how many of its places are named.
pub(super) fn area_places(places: &[Place]) -> impl Iterator<Item = (AreaIx, u32)> {
    places
        .chunk_by(|a, b| a == b)
        .filter_map(|group| match group[0] {
            Place::Area(area) => Some((area, group.len() as u32)),
            Place::Seat(_) => None,
        })
}
