//! Who has what, told as simply as can be: a map from place to owner. Deliberately nothing like
//! [`Inventory`](crate::Inventory), so that the two can be held against each other.

use super::report::AuditFaultKind::{self, Lifetime, Limit, PlaceTwice, Senseless};
use crate::event::Event;
use crate::id::{AllocationId, AreaIx, FanId, HoldId, OrderId, SeatIx};
use crate::inventory::SeatState;
use crate::price::{OrderItem, Place};
use crate::seatmap::SeatMap;
use crate::terms::BookingRules;
use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    sync::Arc,
    vec::Vec,
};

/// What is wrong with an event, in one or several respects.
pub(super) type Faults = Vec<(AuditFaultKind, String)>;

pub(super) struct HoldModel {
    fan: FanId,
    places: Vec<Place>,
    allocation: Option<AllocationId>,
    expires_ms: i64,
    max_expires_ms: i64,
}

/// A live ticket and what was charged for it.
#[derive(Clone, Copy)]
pub(super) struct TicketModel {
    pub(super) place: Place,
    pub(super) paid_minor: i64,
}

/// What a fan has.
#[derive(Default)]
struct FanModel {
    holds: BTreeSet<HoldId>,
    tickets: usize,
}

pub(super) struct Model {
    map: Arc<SeatMap>,
    /// Seats that are not open.
    pub(super) seats: BTreeMap<SeatIx, SeatState>,
    /// Places taken in each area.
    pub(super) areas: BTreeMap<AreaIx, u32>,
    holds: BTreeMap<HoldId, HoldModel>,
    pub(super) orders: BTreeMap<OrderId, Vec<TicketModel>>,
    fans: BTreeMap<FanId, FanModel>,
    buyers: BTreeMap<OrderId, FanId>,
}

impl Model {
    pub(super) fn new(map: Arc<SeatMap>) -> Self {
        Self {
            map,
            seats: BTreeMap::new(),
            areas: BTreeMap::new(),
            holds: BTreeMap::new(),
            orders: BTreeMap::new(),
            fans: BTreeMap::new(),
            buyers: BTreeMap::new(),
        }
    }

    pub(super) fn owner(&self, seat: SeatIx) -> SeatState {
        self.seats.get(&seat).copied().unwrap_or(SeatState::Open)
    }

    pub(super) fn holds(&self, hold: HoldId) -> bool {
        self.holds.contains_key(&hold)
    }

    /// Follows an event that was written at `at_ms`; goes on as well as it can after a fault.
    /// Answers what was paid for tickets that ended.
    pub(super) fn follow(
        &mut self,
        event: &Event,
        at_ms: i64,
        rules: &BookingRules,
        faults: &mut Faults,
    ) -> i64 {
        match event {
            Event::HoldPlaced { .. } => self.place(event, at_ms, rules, faults),
            Event::HoldChanged {
                hold,
                added,
                removed,
            } => {
                self.change(*hold, added, removed, at_ms, faults);
                if !added.is_empty() {
                    on_sale(rules, *hold, at_ms, faults);
                }
                if let Some(model) = self.holds.get(hold) {
                    let (fan, places) = (model.fan, model.places.len());
                    self.within_limits(fan, places, at_ms, rules, faults);
                }
            }
            Event::HoldExtended { hold, expires_ms } => {
                self.extend(*hold, *expires_ms, at_ms, faults);
            }
            Event::HoldReleased { hold } => drop(self.end(*hold, faults)),
            Event::HoldExpired { hold } => {
                if let Some(ended) = self.end(*hold, faults)
                    && at_ms < ended.expires_ms
                {
                    let what = format!("hold {hold} lapses before its time");
                    faults.push((Lifetime, what));
                }
            }
            Event::OrderConfirmed {
                order,
                hold,
                fan,
                items,
                ..
            } => {
                let was_held = self.holds.contains_key(hold);
                self.confirm(*order, *hold, *fan, items, at_ms, faults);
                // What was held had been found within the limits of its time.
                if !was_held {
                    self.within_limits(*fan, items.len(), at_ms, rules, faults);
                }
            }
            Event::TicketsCancelled { order, places } => {
                return self.cancel(*order, places, faults);
            }
            Event::SeatsExchanged { order, gave, took } => {
                self.exchange(*order, gave, took, faults);
            }
            Event::SeatsKilled { seats } => {
                self.move_all(seats, SeatState::Open, SeatState::Killed, faults);
            }
            Event::SeatsRevived { seats } => {
                self.move_all(seats, SeatState::Killed, SeatState::Open, faults);
            }
            Event::SeatsAllocated { allocation, seats } => {
                self.move_all(
                    seats,
                    SeatState::Open,
                    SeatState::Allocated(*allocation),
                    faults,
                );
            }
            Event::AllocationReleased { allocation, seats } => {
                self.move_all(
                    seats,
                    SeatState::Allocated(*allocation),
                    SeatState::Open,
                    faults,
                );
            }
            Event::TermsSet { .. } => {}
        }
        0
    }

    /// Whether a fan who has just got a hold or an order of `places` has no more than they may.
    /// Holds whose time is past do not count, whether or not their lapse has been written.
    fn within_limits(
        &self,
        fan: FanId,
        places: usize,
        at_ms: i64,
        rules: &BookingRules,
        faults: &mut Faults,
    ) {
        let (per_hold, per_fan) = (rules.max_places_per_hold, rules.max_places_per_fan);
        if places > per_hold.into() {
            let what = format!("fan {fan} gets {places} places at once, {per_hold} are allowed");
            faults.push((Limit, what));
        }
        let Some(model) = self.fans.get(&fan) else {
            return;
        };
        let live = model.holds.iter().filter_map(|hold| self.holds.get(hold));
        let held: usize = live
            .filter(|hold| hold.expires_ms > at_ms)
            .map(|hold| hold.places.len())
            .sum();
        let has = held + model.tickets;
        if has > per_fan.into() {
            let what = format!("fan {fan} has {has} places, {per_fan} are allowed");
            faults.push((Limit, what));
        }
    }

    fn place(&mut self, event: &Event, at_ms: i64, rules: &BookingRules, faults: &mut Faults) {
        let Event::HoldPlaced {
            hold,
            fan,
            places,
            allocation,
            placed_ms,
            expires_ms,
            max_expires_ms,
        } = event
        else {
            return;
        };
        if places.is_empty() || self.holds.contains_key(hold) {
            let what = format!("hold {hold} claims nothing or stands already");
            faults.push((Senseless, what));
        }
        if *placed_ms > at_ms || placed_ms > expires_ms || expires_ms > max_expires_ms {
            let what = format!("the times of hold {hold} are not in order");
            faults.push((Lifetime, what));
        }
        let within = |lifetime_ms: i64| placed_ms.saturating_add(lifetime_ms.max(0));
        if *expires_ms > within(rules.hold_ttl_ms) || *max_expires_ms > within(rules.hold_max_ms) {
            let what = format!("hold {hold} gets more time than the terms give");
            faults.push((Lifetime, what));
        }
        on_sale(rules, *hold, *placed_ms, faults);
        let from = allocation.map_or(SeatState::Open, SeatState::Allocated);
        for place in places {
            self.move_place(*place, from, SeatState::Held(*hold), faults);
        }
        let model = HoldModel {
            fan: *fan,
            places: places.clone(),
            allocation: *allocation,
            expires_ms: *expires_ms,
            max_expires_ms: *max_expires_ms,
        };
        self.holds.insert(*hold, model);
        self.fans.entry(*fan).or_default().holds.insert(*hold);
        self.within_limits(*fan, places.len(), at_ms, rules, faults);
        let live = self.fans.get(fan).map_or(0, |fan| {
            let holds = fan.holds.iter().filter_map(|hold| self.holds.get(hold));
            holds.filter(|hold| hold.expires_ms > at_ms).count()
        });
        let most = rules.max_holds_per_fan;
        if live > most.into() {
            let what = format!("fan {fan} has {live} holds, {most} are allowed");
            faults.push((Limit, what));
        }
    }

    fn change(
        &mut self,
        id: HoldId,
        added: &[Place],
        removed: &[Place],
        at_ms: i64,
        faults: &mut Faults,
    ) {
        let Some(mut hold) = self.holds.remove(&id) else {
            faults.push((Senseless, format!("hold {id} is changed and is not there")));
            return;
        };
        if hold.expires_ms <= at_ms {
            faults.push((Lifetime, format!("hold {id} is changed after it lapsed")));
        }
        let home = hold
            .allocation
            .map_or(SeatState::Open, SeatState::Allocated);
        for place in removed {
            match hold.places.iter().position(|held| held == place) {
                Some(at) => drop(hold.places.swap_remove(at)),
                None => faults.push((Senseless, format!("hold {id} gives back what it has not"))),
            }
            self.move_place(*place, SeatState::Held(id), home, faults);
        }
        for place in added {
            self.move_place(*place, home, SeatState::Held(id), faults);
            hold.places.push(*place);
        }
        if hold.places.is_empty() {
            faults.push((Senseless, format!("hold {id} is left with nothing")));
        }
        self.holds.insert(id, hold);
    }

    fn extend(&mut self, id: HoldId, expires_ms: i64, at_ms: i64, faults: &mut Faults) {
        let Some(hold) = self.holds.get_mut(&id) else {
            faults.push((Senseless, format!("hold {id} is extended and is not there")));
            return;
        };
        if hold.expires_ms <= at_ms {
            faults.push((Lifetime, format!("hold {id} is extended after it lapsed")));
        }
        if expires_ms <= hold.expires_ms || expires_ms > hold.max_expires_ms {
            let what = format!("hold {id} is shortened or lives longer than it may");
            faults.push((Lifetime, what));
        }
        hold.expires_ms = expires_ms;
    }

    fn end(&mut self, id: HoldId, faults: &mut Faults) -> Option<HoldModel> {
        let Some(hold) = self.holds.remove(&id) else {
            faults.push((Senseless, format!("hold {id} ends and is not there")));
            return None;
        };
        let home = hold
            .allocation
            .map_or(SeatState::Open, SeatState::Allocated);
        for place in &hold.places {
            self.move_place(*place, SeatState::Held(id), home, faults);
        }
        self.forget_hold(hold.fan, id);
        Some(hold)
    }

    fn confirm(
        &mut self,
        order: OrderId,
        hold: HoldId,
        fan: FanId,
        items: &[OrderItem],
        at_ms: i64,
        faults: &mut Faults,
    ) {
        if items.is_empty() || self.orders.contains_key(&order) {
            let what = format!("order {order} buys nothing or stands already");
            faults.push((Senseless, what));
        }
        let from = match self.holds.remove(&hold) {
            None => SeatState::Open,
            Some(mut held) => {
                if held.expires_ms <= at_ms {
                    faults.push((Lifetime, format!("hold {hold} is sold after it lapsed")));
                }
                let mut bought: Vec<Place> = items.iter().map(|item| item.place).collect();
                bought.sort_unstable();
                held.places.sort_unstable();
                if held.fan != fan || held.places != bought {
                    let what = format!("order {order} is not what hold {hold} claimed");
                    faults.push((Senseless, what));
                }
                self.forget_hold(held.fan, hold);
                SeatState::Held(hold)
            }
        };
        self.fans.entry(fan).or_default().tickets += items.len();
        self.buyers.insert(order, fan);
        for item in items {
            self.move_place(item.place, from, SeatState::Sold(order), faults);
        }
        let ticket = |item: &OrderItem| TicketModel {
            place: item.place,
            paid_minor: 0,
        };
        self.orders
            .insert(order, items.iter().map(ticket).collect());
    }

    fn forget_hold(&mut self, fan: FanId, hold: HoldId) {
        if let Some(model) = self.fans.get_mut(&fan) {
            model.holds.remove(&hold);
            if model.holds.is_empty() && model.tickets == 0 {
                self.fans.remove(&fan);
            }
        }
    }

    fn cancel(&mut self, order: OrderId, places: &[Place], faults: &mut Faults) -> i64 {
        let mut paid = 0_i64;
        for place in places {
            let tickets = self.orders.get_mut(&order);
            let at = tickets
                .as_ref()
                .and_then(|tickets| tickets.iter().position(|ticket| ticket.place == *place));
            match (tickets, at) {
                (Some(tickets), Some(at)) => {
                    paid = paid.saturating_add(tickets.remove(at).paid_minor);
                    let fan = self.buyers.get(&order);
                    if let Some(fan) = fan.and_then(|fan| self.fans.get_mut(fan)) {
                        fan.tickets = fan.tickets.saturating_sub(1);
                    }
                }
                _ => faults.push((Senseless, format!("order {order} has no ticket to cancel"))),
            }
            self.move_place(*place, SeatState::Sold(order), SeatState::Open, faults);
        }
        paid
    }

    fn exchange(&mut self, order: OrderId, gave: &[SeatIx], took: &[SeatIx], faults: &mut Faults) {
        let sold = SeatState::Sold(order);
        if gave.len() != took.len() {
            faults.push((
                Senseless,
                format!("order {order} exchanges unequal numbers of seats"),
            ));
        }
        self.move_all(gave, sold, SeatState::Open, faults);
        self.move_all(took, SeatState::Open, sold, faults);
        for (from, to) in gave.iter().zip(took) {
            let known = self.map.has_seat(*from) && self.map.has_seat(*to);
            if !known || self.map.band(*from) != self.map.band(*to) {
                let what = format!("order {order} exchanges seats of different bands");
                faults.push((Senseless, what));
            }
            let tickets = self.orders.get_mut(&order).into_iter().flatten();
            match tickets
                .into_iter()
                .find(|ticket| ticket.place == Place::Seat(*from))
            {
                Some(ticket) => ticket.place = Place::Seat(*to),
                None => faults.push((Senseless, format!("order {order} gives what it has not"))),
            }
        }
    }

    fn move_all(&mut self, seats: &[SeatIx], from: SeatState, to: SeatState, faults: &mut Faults) {
        for seat in seats {
            self.move_place(Place::Seat(*seat), from, to, faults);
        }
    }

    /// Every place changes hands here: it must be with whom the event says.
    fn move_place(&mut self, place: Place, from: SeatState, to: SeatState, faults: &mut Faults) {
        match place {
            Place::Seat(seat) => {
                let owner = self.owner(seat);
                if !self.map.has_seat(seat) {
                    faults.push((Senseless, format!("there is no seat {seat}")));
                } else if owner != from {
                    let what = format!("seat {seat} goes to {to:?} and belongs to {owner:?}");
                    faults.push((PlaceTwice, what));
                }
                if to == SeatState::Open {
                    self.seats.remove(&seat);
                } else {
                    self.seats.insert(seat, to);
                }
            }
            Place::Area(area) => {
                let Some(capacity) = self.map.area(area).map(|area| area.capacity) else {
                    faults.push((Senseless, format!("there is no area {area}")));
                    return;
                };
                let taken = self.areas.entry(area).or_default();
                let counts = |state| matches!(state, SeatState::Held(_) | SeatState::Sold(_));
                match (counts(from), counts(to)) {
                    (false, true) => *taken += 1,
                    (true, false) => *taken = taken.saturating_sub(1),
                    _ => {}
                }
                if *taken > capacity {
                    let what = format!("area {area} takes {capacity} and has {taken}");
                    faults.push((PlaceTwice, what));
                }
            }
        }
    }
}

fn on_sale(rules: &BookingRules, hold: HoldId, at_ms: i64, faults: &mut Faults) {
    if !(rules.on_sale_from_ms..rules.on_sale_until_ms).contains(&at_ms) {
        faults.push((Limit, format!("hold {hold} claims places outside the sale")));
    }
}
