//! What must be so in the end, whatever went wrong on the way. It knows what fans were told, what is on
//! the disk and what the bank has booked, and keeps a model of the house of its own: nothing of how the
//! program decides.

use crate::fans::{Notes, Told};
use crate::office::Office;
use crate::world::{Disk, World};
use booking_core::ledger::{Batch, Replay, Sealed};
use booking_core::price::Place;
use booking_core::terms::BookingRules;
use booking_core::{CommandId, Event, FanId, HoldId, Inventory, OrderId, PerformanceId, SeatIx};
use onsale_server::payments::simulator::PaymentRecord;
use std::collections::{BTreeMap, BTreeSet};

/// A hold as the ledger tells it.
struct Held {
    fan: FanId,
    places: BTreeSet<Place>,
    placed_ms: i64,
    expires_ms: i64,
}

/// An order as the ledger tells it.
struct Sold {
    fan: FanId,
    total_minor: i64,
    places: BTreeSet<Place>,
}

/// One house, by its ledger alone.
struct House {
    rules: BookingRules,
    /// Off sale for good, and set aside.
    killed: BTreeSet<Place>,
    aside: BTreeSet<Place>,
    holds: BTreeMap<HoldId, Held>,
    orders: BTreeMap<OrderId, Sold>,
    commands: BTreeMap<CommandId, Vec<Event>>,
    faults: Vec<String>,
}

/// Everything that is not as it must be.
pub(crate) fn faults(office: &Office, notes: &Notes) -> Vec<String> {
    let world = &office.world;
    let disk = world.disk();
    let told = notes.told();
    let mut faults = told.contradictions.clone();
    let mut houses = BTreeMap::new();
    for performance in disk.ledgers.keys() {
        let (map, terms) = office.goods.clone();
        let mut house = House::under(terms.rules.clone());
        let mut replay = Replay::new(*performance, Inventory::new(map, terms));
        for row in &disk.ledgers[performance] {
            let sealed = Sealed {
                bytes: row.bytes.to_vec(),
                hash: row.hash,
            };
            match replay.follow(&sealed) {
                Ok(batch) => house.follow(&batch),
                Err(fault) => {
                    faults.push(format!("the ledger of {performance}: {fault}"));
                    break;
                }
            }
        }
        faults.append(&mut house.faults);
        houses.insert(*performance, house);
    }
    check_answers(&told, &houses, &mut faults);
    check_records(&disk, &houses, &mut faults);
    check_tickets(&disk, &houses, &mut faults);
    check_money(&disk, &houses, &world.bank.payments(), &told, &mut faults);
    faults
}

/// What has not come to an end although nothing hinders it any more.
pub(crate) fn left_over(world: &World) -> Vec<String> {
    let disk = world.disk();
    let left = disk.unsettled();
    let unsettled = left
        .iter()
        .map(|row| format!("order {} still stands at {}", row.order, row.step));
    let payments = world.bank.payments();
    let reserved = payments
        .iter()
        .filter(|payment| payment.reserved)
        .map(|payment| format!("the money of {:?} is still set aside", payment.key));
    unsettled.chain(reserved).collect()
}

impl House {
    fn under(rules: BookingRules) -> Self {
        Self {
            rules,
            killed: BTreeSet::new(),
            aside: BTreeSet::new(),
            holds: BTreeMap::new(),
            orders: BTreeMap::new(),
            commands: BTreeMap::new(),
            faults: Vec::new(),
        }
    }

    /// That nobody has more than one may.
    fn check_limits(&mut self, seq: u64, at_ms: i64, fan: FanId) {
        let held = self.holds.values();
        let held: Vec<_> = held
            .filter(|held| held.fan == fan && held.expires_ms > at_ms)
            .collect();
        let (holds, most_holds) = (held.len(), self.rules.max_holds_per_fan.into());
        let held: usize = held.iter().map(|held| held.places.len()).sum();
        let owned = self.orders.values().filter(|sold| sold.fan == fan);
        let places = held + owned.map(|sold| sold.places.len()).sum::<usize>();
        if holds > most_holds || places > self.rules.max_places_per_fan.into() {
            self.fault(seq, format!("{fan} has {places} places, {holds} holds"));
        }
    }

    /// That a hold ends when it must, however often it is lengthened.
    fn check_end(&mut self, seq: u64, hold: HoldId) {
        let Some(held) = self.holds.get(&hold) else {
            return;
        };
        let lasts_ms = held.expires_ms - held.placed_ms;
        if lasts_ms > self.rules.hold_max_ms {
            self.fault(seq, format!("hold {hold} lasts {lasts_ms} ms"));
        }
    }

    /// Seats go off sale, or are set aside: nobody has them.
    fn check_open(&mut self, seq: u64, at_ms: i64, seats: &[SeatIx]) {
        for seat in seats {
            if let Some(owner) = self.taken_by(Place::Seat(*seat), at_ms) {
                self.fault(seq, format!("seat {} is taken from {owner}", seat.0));
            }
        }
    }

    fn fault(&mut self, seq: u64, what: impl std::fmt::Display) {
        self.faults.push(format!("batch {seq}: {what}"));
    }

    /// Whose a place is: a hold's that has not lapsed, or an order's.
    fn taken_by(&self, place: Place, at_ms: i64) -> Option<String> {
        let held = self
            .holds
            .iter()
            .find(|(_, held)| held.expires_ms > at_ms && held.places.contains(&place));
        let sold = self
            .orders
            .iter()
            .find(|(_, sold)| sold.places.contains(&place));
        let is_closed = self.killed.contains(&place) || self.aside.contains(&place);
        held.map(|(hold, _)| format!("hold {hold}"))
            .or_else(|| sold.map(|(order, _)| format!("order {order}")))
            .or_else(|| is_closed.then(|| "nobody: it is not on sale".to_owned()))
    }

    fn follow(&mut self, batch: &Batch) {
        for entry in &batch.entries {
            if let Some(before) = self.commands.get(&entry.command) {
                let what = format!(
                    "command {} was done twice: {before:?}, {:?}",
                    entry.command, entry.events
                );
                self.fault(batch.seq, what);
            }
            self.commands.insert(entry.command, entry.events.clone());
            for event in &entry.events {
                self.happen(batch.seq, batch.at_ms, event);
            }
        }
    }

    fn happen(&mut self, seq: u64, at_ms: i64, event: &Event) {
        match event {
            Event::HoldPlaced {
                hold,
                fan,
                places,
                expires_ms,
                ..
            } => {
                for place in places {
                    if let Some(owner) = self.taken_by(*place, at_ms) {
                        self.fault(seq, format!("hold {hold} takes {place:?} from {owner}"));
                    }
                }
                let held = Held {
                    fan: *fan,
                    places: places.iter().copied().collect(),
                    placed_ms: at_ms,
                    expires_ms: *expires_ms,
                };
                if self.holds.insert(*hold, held).is_some() {
                    self.fault(seq, format!("hold {hold} is placed twice"));
                }
                self.check_limits(seq, at_ms, *fan);
                self.check_end(seq, *hold);
            }
            Event::HoldChanged {
                hold,
                added,
                removed,
            } => {
                for place in added {
                    if let Some(owner) = self.taken_by(*place, at_ms) {
                        self.fault(seq, format!("hold {hold} adds {place:?} of {owner}"));
                    }
                }
                match self.holds.get_mut(hold) {
                    Some(held) if held.expires_ms > at_ms => {
                        let had_all = removed.iter().all(|place| held.places.remove(place));
                        held.places.extend(added.iter().copied());
                        if !had_all {
                            self.fault(seq, format!("hold {hold} gives back what it has not"));
                        }
                    }
                    _ => self.fault(seq, format!("hold {hold} changes and is not there")),
                }
                if let Some(fan) = self.holds.get(hold).map(|held| held.fan) {
                    self.check_limits(seq, at_ms, fan);
                }
            }
            Event::HoldExtended { hold, expires_ms } => {
                match self.holds.get_mut(hold) {
                    Some(held) if held.expires_ms <= *expires_ms => held.expires_ms = *expires_ms,
                    _ => self.fault(seq, format!("hold {hold} gets less time, or is not there")),
                }
                self.check_end(seq, *hold);
            }
            Event::HoldReleased { hold } => {
                if self.holds.remove(hold).is_none() {
                    self.fault(seq, format!("hold {hold} is given back and was not there"));
                }
            }
            Event::HoldExpired { hold } => match self.holds.remove(hold) {
                Some(held) if held.expires_ms <= at_ms => {}
                _ => self.fault(seq, format!("hold {hold} lapses too early")),
            },
            Event::OrderConfirmed {
                order,
                hold,
                fan,
                items,
                total_minor,
                ..
            } => {
                let of_hold = self.holds.remove(hold);
                if of_hold.is_some_and(|held| held.fan != *fan) {
                    self.fault(seq, format!("order {order} sells somebody else's hold"));
                }
                for item in items {
                    if let Some(owner) = self.taken_by(item.place, at_ms) {
                        let what = format!("order {order} sells {:?} of {owner}", item.place);
                        self.fault(seq, what);
                    }
                }
                let sold = Sold {
                    fan: *fan,
                    total_minor: *total_minor,
                    places: items.iter().map(|item| item.place).collect(),
                };
                if self.orders.insert(*order, sold).is_some() {
                    self.fault(seq, format!("order {order} is sold twice"));
                }
                self.check_limits(seq, at_ms, *fan);
            }
            Event::TicketsCancelled { order, places } => {
                let sold = self.orders.get_mut(order);
                let all =
                    sold.is_some_and(|sold| places.iter().all(|place| sold.places.remove(place)));
                if !all {
                    self.fault(seq, format!("order {order} gives back what it has not"));
                }
            }
            Event::SeatsKilled { seats } => {
                self.check_open(seq, at_ms, seats);
                self.killed.extend(seats.iter().copied().map(Place::Seat));
            }
            Event::SeatsAllocated { seats, .. } => {
                self.check_open(seq, at_ms, seats);
                self.aside.extend(seats.iter().copied().map(Place::Seat));
            }
            Event::SeatsRevived { seats } => {
                let mut seats = seats.iter();
                if !seats.all(|seat| self.killed.remove(&Place::Seat(*seat))) {
                    self.fault(seq, "seats come back that were on sale");
                }
            }
            Event::AllocationReleased { seats, .. } => {
                let mut seats = seats.iter();
                if !seats.all(|seat| self.aside.remove(&Place::Seat(*seat))) {
                    self.fault(seq, "seats come back that were not set aside");
                }
            }
            other => self.fault(seq, format!("nobody asked for {other:?}")),
        }
    }
}

/// Whatever was acknowledged is in the ledger, as it was said.
fn check_answers(told: &Told, houses: &BTreeMap<PerformanceId, House>, faults: &mut Vec<String>) {
    for (command, (performance, events)) in &told.accepted {
        let kept = houses
            .get(performance)
            .and_then(|house| house.commands.get(command));
        if kept != Some(events) {
            faults.push(format!(
                "command {command} was acknowledged with {events:?}; the ledger has {kept:?}"
            ));
        }
    }
    for command in &told.refused {
        let has_it = |house: &House| {
            let events = house.commands.get(command);
            events.is_some_and(|events| !events.is_empty())
        };
        if houses.values().any(has_it) {
            faults.push(format!("command {command} was refused, and done"));
        }
    }
}

/// Each command of a ledger has its record.
fn check_records(disk: &Disk, houses: &BTreeMap<PerformanceId, House>, faults: &mut Vec<String>) {
    for (performance, house) in houses {
        for command in house.commands.keys() {
            if !disk.commands.contains_key(&(*performance, *command)) {
                // What lapses by itself was nobody's command.
                let events = &house.commands[command];
                let only_lapses = events
                    .iter()
                    .all(|event| matches!(event, Event::HoldExpired { .. }));
                if !only_lapses {
                    faults.push(format!("command {command} is done and not recorded"));
                }
            }
        }
    }
}

/// Live tickets are those of the ledger's orders.
fn check_tickets(disk: &Disk, houses: &BTreeMap<PerformanceId, House>, faults: &mut Vec<String>) {
    let mut sold = BTreeSet::new();
    for (performance, house) in houses {
        for (order, of) in &house.orders {
            for place in &of.places {
                if let Place::Seat(seat) = place {
                    sold.insert((*performance, i64::from(seat.0), *order));
                }
            }
        }
    }
    let live: BTreeSet<_> = disk
        .tickets
        .iter()
        .map(|((performance, place), ticket)| (*performance, *place, ticket.order))
        .collect();
    for (performance, place, order) in sold.symmetric_difference(&live) {
        faults.push(format!(
            "seat {place} of {performance}, order {order}: the ledger and the tickets disagree"
        ));
    }
}

/// Never money without seats, never seats without money, and never twice.
fn check_money(
    disk: &Disk,
    houses: &BTreeMap<PerformanceId, House>,
    payments: &[PaymentRecord],
    told: &Told,
    faults: &mut Vec<String>,
) {
    let mut taken: BTreeMap<OrderId, i64> = BTreeMap::new();
    for payment in payments.iter().filter(|payment| payment.taken_minor > 0) {
        let row = disk
            .checkouts
            .values()
            .find(|row| row.command.uuid() == payment.key.0);
        match row {
            Some(row) => *taken.entry(row.order).or_default() += payment.taken_minor,
            None => faults.push(format!("money was taken for nobody: {payment:?}")),
        }
    }
    let orders = houses.values().flat_map(|house| &house.orders);
    let mut known = BTreeSet::new();
    for (order, sold) in orders {
        known.insert(*order);
        let paid_minor = taken.get(order).copied().unwrap_or(0);
        let is_live = !sold.places.is_empty();
        let is_right = match is_live {
            true => paid_minor == sold.total_minor,
            // Cancelled and not refunded: the money stays with the shop, all of it.
            false => {
                paid_minor == 0 || paid_minor == sold.total_minor && told.undoing.contains(order)
            }
        };
        if !is_right {
            faults.push(format!(
                "order {order}: {} of {} paid, {} seats",
                paid_minor,
                sold.total_minor,
                sold.places.len()
            ));
        }
        if !is_live && !told.undoing.contains(order) && told.bought.contains(order) {
            faults.push(format!("order {order} was said to be bought, and is gone"));
        }
    }
    for order in taken.keys().filter(|order| !known.contains(*order)) {
        faults.push(format!("order {order} was paid for and never sold"));
    }
    for order in told.bought.iter().filter(|order| !known.contains(*order)) {
        faults.push(format!("order {order} was said to be bought and never was"));
    }
}
