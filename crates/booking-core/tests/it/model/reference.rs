//! A model so simple that it cannot be wrong in the same way as the inventory: who owns which seat,
//! written down event by event. It panics where an event breaks a promise.

use booking_core::inventory::{Counts, Hold, SeatState};
use booking_core::price::Place;
use booking_core::*;
use std::collections::BTreeMap;

use super::streams::{CAPACITY, HOLD_MAX_MS, HOLD_MS};
use crate::support::*;

/// The model: who owns which seat, and what each hold was promised.
#[derive(Default)]
pub(crate) struct Model {
    owners: BTreeMap<SeatIx, SeatState>,
    standing: Vec<SeatState>,
    holds: BTreeMap<HoldId, Hold>,
    /// Live tickets by order.
    tickets: BTreeMap<OrderId, Vec<Place>>,
    buyers: BTreeMap<OrderId, FanId>,
}

impl Model {
    fn owner(&self, seat: SeatIx) -> SeatState {
        self.owners.get(&seat).copied().unwrap_or(SeatState::Open)
    }
    fn give(&mut self, places: &[Place], from: SeatState, to: SeatState) {
        for place in places {
            match *place {
                Place::Seat(seat) => {
                    assert_eq!(self.owner(seat), from, "seat {seat} changes hands");
                    self.owners.insert(seat, to);
                }
                Place::Area(_) => {
                    let standing = |state| match state {
                        SeatState::Allocated(_) => SeatState::Open,
                        state => state,
                    };
                    let (from, to) = (standing(from), standing(to));
                    if from != SeatState::Open {
                        let at = self.standing.iter().position(|state| *state == from);
                        self.standing
                            .swap_remove(at.expect("somebody stands there"));
                    }
                    if to != SeatState::Open {
                        self.standing.push(to);
                    }
                    assert!(self.standing.len() <= CAPACITY as usize);
                }
            }
        }
    }
    fn home(allocation: Option<AllocationId>) -> SeatState {
        allocation.map_or(SeatState::Open, SeatState::Allocated)
    }
    pub(crate) fn follow(&mut self, event: &Event, now_ms: i64) {
        match event {
            Event::HoldPlaced {
                hold,
                fan,
                places,
                allocation,
                placed_ms,
                expires_ms,
                max_expires_ms,
            } => {
                assert_eq!(*placed_ms, now_ms);
                assert_eq!(*expires_ms, now_ms + HOLD_MS);
                assert_eq!(*max_expires_ms, now_ms + HOLD_MAX_MS);
                self.give(places, Self::home(*allocation), SeatState::Held(*hold));
                let new = Hold {
                    hold: *hold,
                    fan: *fan,
                    places: places.clone(),
                    allocation: *allocation,
                    placed_ms: *placed_ms,
                    expires_ms: *expires_ms,
                    max_expires_ms: *max_expires_ms,
                };
                assert!(self.holds.insert(*hold, new).is_none());
            }
            Event::HoldChanged {
                hold,
                added,
                removed,
            } => {
                let mut changed = self.holds.remove(hold).expect("a hold");
                assert!(changed.expires_ms > now_ms);
                let home = Self::home(changed.allocation);
                self.give(removed, SeatState::Held(*hold), home);
                self.give(added, home, SeatState::Held(*hold));
                for place in removed {
                    let at = changed.places.iter().position(|held| held == place);
                    changed.places.remove(at.expect("in the hold"));
                }
                changed.places.extend(added);
                changed.places.sort();
                assert!(!changed.places.is_empty());
                self.holds.insert(*hold, changed);
            }
            Event::HoldExtended { hold, expires_ms } => {
                let hold = self.holds.get_mut(hold).expect("a hold");
                assert!(hold.expires_ms > now_ms, "only a live hold is extended");
                assert!(*expires_ms > hold.expires_ms);
                assert!(*expires_ms <= hold.placed_ms + HOLD_MAX_MS);
                hold.expires_ms = *expires_ms;
            }
            Event::HoldReleased { hold } => {
                let ended = self.holds.remove(hold).expect("a hold");
                assert!(ended.expires_ms > now_ms);
                self.give(
                    &ended.places,
                    SeatState::Held(*hold),
                    Self::home(ended.allocation),
                );
            }
            Event::HoldExpired { hold } => {
                let ended = self.holds.remove(hold).expect("a hold");
                assert!(ended.expires_ms <= now_ms, "a live hold was taken away");
                self.give(
                    &ended.places,
                    SeatState::Held(*hold),
                    Self::home(ended.allocation),
                );
            }
            Event::OrderConfirmed {
                order,
                hold,
                fan,
                items,
                total_minor,
                ..
            } => {
                let places: Vec<Place> = items.iter().map(|item| item.place).collect();
                let from = match self.holds.remove(hold) {
                    Some(held) => {
                        assert!(held.expires_ms > now_ms && held.fan == *fan);
                        let mut sorted = places.clone();
                        sorted.sort();
                        assert_eq!(sorted, held.places);
                        SeatState::Held(*hold)
                    }
                    None => SeatState::Open,
                };
                self.give(&places, from, SeatState::Sold(*order));
                assert_eq!(*total_minor, 1_000 * places.len() as i64);
                assert!(self.tickets.insert(*order, places).is_none());
                self.buyers.insert(*order, *fan);
            }
            Event::TicketsCancelled { order, places } => {
                self.give(places, SeatState::Sold(*order), SeatState::Open);
                self.drop_tickets(*order, places);
            }
            Event::SeatsExchanged { order, gave, took } => {
                let places = |seats: &[SeatIx]| -> Vec<Place> {
                    seats.iter().copied().map(Place::Seat).collect()
                };
                self.give(&places(gave), SeatState::Sold(*order), SeatState::Open);
                self.give(&places(took), SeatState::Open, SeatState::Sold(*order));
                self.drop_tickets(*order, &places(gave));
                let tickets = self.tickets.get_mut(order).expect("an order");
                tickets.extend(places(took));
            }
            Event::SeatsKilled { seats } => self.shift(seats, SeatState::Open, SeatState::Killed),
            Event::SeatsRevived { seats } => self.shift(seats, SeatState::Killed, SeatState::Open),
            Event::SeatsAllocated { allocation, seats } => {
                self.shift(seats, SeatState::Open, SeatState::Allocated(*allocation));
            }
            Event::AllocationReleased { allocation, seats } => {
                self.shift(seats, SeatState::Allocated(*allocation), SeatState::Open);
            }
            Event::TermsSet { .. } => unreachable!("the streams of the model set no terms"),
        }
    }
    fn shift(&mut self, seats: &[SeatIx], from: SeatState, to: SeatState) {
        let places: Vec<Place> = seats.iter().copied().map(Place::Seat).collect();
        self.give(&places, from, to);
    }
    fn drop_tickets(&mut self, order: OrderId, places: &[Place]) {
        let tickets = self.tickets.get_mut(&order).expect("an order");
        for place in places {
            let at = tickets.iter().position(|ticket| ticket == place);
            tickets.remove(at.expect("a live ticket"));
        }
    }
    fn places_of(&self, fan: FanId) -> usize {
        let held = self.holds.values().filter(|hold| hold.fan == fan);
        let owned = self
            .tickets
            .iter()
            .filter(|(order, _)| self.buyers[order] == fan);
        held.map(|hold| hold.places.len()).sum::<usize>()
            + owned.map(|(_, places)| places.len()).sum::<usize>()
    }
    /// Everything the inventory says of itself is what the model says.
    pub(crate) fn agrees_with(&self, inventory: &Inventory) {
        let mut counts = Counts::default();
        for seat in (0..inventory.map().seat_count()).map(SeatIx) {
            assert_eq!(inventory.seat(seat), self.owner(seat), "seat {seat}");
            let open = self.owner(seat) == SeatState::Open;
            assert_eq!(inventory.open_seats().contains(seat), open);
            match self.owner(seat) {
                SeatState::Open => counts.open += 1,
                SeatState::Held(_) => counts.held += 1,
                SeatState::Sold(_) => counts.sold += 1,
                SeatState::Killed | SeatState::Allocated(_) => counts.closed += 1,
            }
        }
        let left = CAPACITY - self.standing.len() as u32;
        assert_eq!(inventory.area_left(AreaIx(0)), left);
        let held = |state: &&SeatState| matches!(state, SeatState::Held(_));
        counts.held += self.standing.iter().filter(held).count() as u32;
        counts.sold += self.standing.iter().filter(|state| !held(state)).count() as u32;
        counts.open += left;
        assert_eq!(inventory.counts(), counts);
        let holds: Vec<&Hold> = self.holds.values().collect();
        assert_eq!(inventory.holds().collect::<Vec<_>>(), holds);
        let next = self.holds.values().map(|hold| hold.expires_ms).min();
        assert_eq!(inventory.next_expiry_ms(), next);
        for n in 0..4 {
            assert_eq!(inventory.places_of(fan(n)) as usize, self.places_of(fan(n)));
            let of_fan = self.holds.values().filter(|hold| hold.fan == fan(n));
            let of_fan: Vec<HoldId> = of_fan.map(|hold| hold.hold).collect();
            assert_eq!(inventory.holds_of(fan(n)), of_fan);
        }
        for (id, places) in &self.tickets {
            let state = inventory.order(*id).expect("an order");
            let tickets = state.tickets.iter().map(|(_, item)| item.place);
            let (mut told, mut expected) = (tickets.collect::<Vec<_>>(), places.clone());
            told.sort();
            expected.sort();
            assert_eq!(told, expected);
        }
    }
    /// Whether a seat could be had at `now_ms` out of `from`.
    pub(crate) fn is_free(&self, seat: SeatIx, from: Option<AllocationId>, now_ms: i64) -> bool {
        match self.owner(seat) {
            SeatState::Held(hold) => {
                let hold = &self.holds[&hold];
                hold.expires_ms <= now_ms && hold.allocation == from
            }
            state => state == Self::home(from),
        }
    }
}
