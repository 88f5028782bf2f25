//! The only code that changes who has what. Each change checks what it finds and reports a
//! contradiction instead of giving a seat to two.

use super::{
    AllocationRecord, Counts, FanRecord, Hold, HoldRecord, Inventory, OrderRecord, OrderState,
    owner::{Owner, OwnerKind},
    table::Slot,
};
use crate::decide::Contradiction;
use crate::id::{AllocationId, AreaIx, FanId, HoldId, OrderId, SeatIx};
use crate::price::{OrderItem, Place};
use crate::terms::SaleTerms;
use alloc::{collections::BTreeSet, string::String, sync::Arc, vec::Vec};

pub(crate) type Change = Result<(), Contradiction>;

/// What a place counts as.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Open,
    Held,
    Sold,
    Closed,
}

impl Class {
    fn of(owner: Owner) -> Self {
        match owner.kind() {
            OwnerKind::Open => Self::Open,
            OwnerKind::Hold(_) => Self::Held,
            OwnerKind::Order(_) => Self::Sold,
            OwnerKind::Killed | OwnerKind::Allocation(_) => Self::Closed,
        }
    }
    fn count(self, counts: &mut Counts) -> &mut u32 {
        match self {
            Self::Open => &mut counts.open,
            Self::Held => &mut counts.held,
            Self::Sold => &mut counts.sold,
            Self::Closed => &mut counts.closed,
        }
    }
}

pub(crate) fn contradiction(what: &'static str) -> Contradiction {
    Contradiction { what }
}

fn ensure(holds: bool, what: &'static str) -> Change {
    if holds {
        Ok(())
    } else {
        Err(contradiction(what))
    }
}

impl Inventory {
    pub(crate) fn take_terms(&mut self, terms: &SaleTerms) -> Change {
        if terms.prices.validate(&self.map).is_err() {
            return Err(Contradiction {
                what: "terms that make no sense for this map",
            });
        }
        self.terms = Arc::new(terms.clone());
        self.terms_set = true;
        Ok(())
    }
    /// A new hold takes its places out of the open sale or out of its allocation.
    pub(crate) fn add_hold(&mut self, hold: Hold) -> Change {
        ensure(!self.holds.contains(&hold.hold), "a hold is placed twice")?;
        ensure(!hold.places.is_empty(), "a hold claims nothing")?;
        ensure(
            hold.places.is_sorted(),
            "the places of a hold are not sorted",
        )?;
        ensure(
            hold.placed_ms <= hold.expires_ms && hold.expires_ms <= hold.max_expires_ms,
            "the times of a hold are not in order",
        )?;
        let (id, fan, allocation) = (hold.hold, hold.fan, hold.allocation);
        self.lapses.insert((hold.expires_ms, id));
        let places = hold.places.clone();
        let record = self.fans.entry(fan).or_default();
        let next_of_fan = record.first_hold;
        record.places += places.len() as u32;
        let slot = self.holds.insert(id, HoldRecord { hold, next_of_fan });
        record.first_hold = Some(slot);
        for place in places {
            self.hold_place(place, slot, allocation)?;
        }
        Ok(())
    }

    /// A hold gives places back and claims others.
    pub(crate) fn change_hold(&mut self, id: HoldId, added: &[Place], removed: &[Place]) -> Change {
        let slot = self.holds.slot(&id).ok_or(contradiction(NO_HOLD))?;
        let hold = &mut self.holds.at_mut(slot).hold;
        let (fan, allocation) = (hold.fan, hold.allocation);
        for place in removed {
            let Some(at) = hold.places.iter().position(|held| held == place) else {
                return Err(contradiction("a place leaves a hold it is not in"));
            };
            hold.places.remove(at);
        }
        hold.places.extend_from_slice(added);
        hold.places.sort_unstable();
        ensure(!hold.places.is_empty(), "a hold claims nothing")?;
        for place in removed {
            self.unhold_place(*place, slot, allocation)?;
        }
        for place in added {
            self.hold_place(*place, slot, allocation)?;
        }
        let record = self.fans.entry(fan).or_default();
        record.places = record.places + added.len() as u32 - removed.len() as u32;
        Ok(())
    }

    /// A hold gets another end.
    pub(crate) fn extend_hold(&mut self, id: HoldId, expires_ms: i64) -> Change {
        let slot = self.holds.slot(&id).ok_or(contradiction(NO_HOLD))?;
        let hold = &mut self.holds.at_mut(slot).hold;
        ensure(expires_ms > hold.expires_ms, "an extension shortens a hold")?;
        ensure(
            expires_ms <= hold.max_expires_ms,
            "an extension goes past the maximum",
        )?;
        let before = core::mem::replace(&mut hold.expires_ms, expires_ms);
        self.lapses.remove(&(before, id));
        self.lapses.insert((expires_ms, id));
        Ok(())
    }

    /// A hold ends and its places go back where they came from.
    pub(crate) fn end_hold(&mut self, id: HoldId) -> Change {
        let slot = self.holds.slot(&id).ok_or(contradiction(NO_HOLD))?;
        let hold = self.unlink_hold(id, slot)?;
        for place in &hold.places {
            self.unhold_place(*place, slot, hold.allocation)?;
        }
        self.forget_places(hold.fan, hold.places.len());
        Ok(())
    }

    /// A live hold becomes an order; or, where the hold is gone, open places do.
    pub(crate) fn add_order(
        &mut self,
        order: OrderId,
        hold: HoldId,
        fan: FanId,
        items: &[OrderItem],
        voucher: Option<&str>,
    ) -> Change {
        ensure(!self.orders.contains(&order), "an order is confirmed twice")?;
        ensure(!items.is_empty(), "an order buys nothing")?;
        let held = self.holds.slot(&hold);
        if let Some(slot) = held {
            let ended = self.unlink_hold(hold, slot)?;
            ensure(ended.fan == fan, "an order takes somebody else's hold")?;
            let mut places: Vec<Place> = items.iter().map(|item| item.place).collect();
            places.sort_unstable();
            ensure(
                places == ended.places,
                "an order's places are not those of its hold",
            )?;
            self.forget_places(fan, items.len());
        }
        let tickets = (0..).zip(items.iter().copied()).collect();
        let record = OrderRecord {
            order: OrderState {
                order,
                fan,
                tickets,
            },
            next_ordinal: items.len() as u32,
        };
        let to = self.orders.insert(order, record);
        let (from, class) = match held {
            Some(slot) => (Owner::hold(slot), Class::Held),
            None => (Owner::OPEN, Class::Open),
        };
        for item in items {
            match item.place {
                Place::Seat(seat) => self.move_seat(
                    seat,
                    from,
                    Owner::order(to),
                    "a seat is sold that was neither held nor free",
                )?,
                Place::Area(area) => self.move_area(area, class, Class::Sold)?,
            }
        }
        self.fans.entry(fan).or_default().places += items.len() as u32;
        if let Some(code) = voucher {
            self.count_voucher(code);
        }
        Ok(())
    }

    /// Tickets of an order end and their places are free.
    pub(crate) fn cancel_tickets(&mut self, order: OrderId, places: &[Place]) -> Change {
        let slot = self.orders.slot(&order).ok_or(contradiction(NO_ORDER))?;
        let fan = self.orders.at(slot).order.fan;
        for place in places {
            self.drop_ticket(slot, *place)?;
            match *place {
                Place::Seat(seat) => {
                    self.move_seat(seat, Owner::order(slot), Owner::OPEN, NO_TICKET)?;
                }
                Place::Area(area) => self.move_area(area, Class::Sold, Class::Open)?,
            }
        }
        self.forget_places(fan, places.len());
        Ok(())
    }

    /// Seats of an order are swapped; each new one is a new ticket at the old one's price type.
    pub(crate) fn exchange_seats(
        &mut self,
        order: OrderId,
        gave: &[SeatIx],
        took: &[SeatIx],
    ) -> Change {
        let slot = self.orders.slot(&order).ok_or(contradiction(NO_ORDER))?;
        ensure(gave.len() == took.len(), "an exchange is not one for one")?;
        let mut price_types = Vec::with_capacity(gave.len());
        for seat in gave {
            price_types.push(self.drop_ticket(slot, Place::Seat(*seat))?);
            self.move_seat(*seat, Owner::order(slot), Owner::OPEN, NO_TICKET)?;
        }
        for (seat, price_type) in took.iter().zip(price_types) {
            let what = "a seat is exchanged for one that is not free";
            self.move_seat(*seat, Owner::OPEN, Owner::order(slot), what)?;
            let record = self.orders.at_mut(slot);
            let item = OrderItem {
                place: Place::Seat(*seat),
                price_type,
            };
            record.order.tickets.push((record.next_ordinal, item));
            record.next_ordinal += 1;
        }
        Ok(())
    }

    /// Free seats go off sale.
    pub(crate) fn kill_seats(&mut self, seats: &[SeatIx]) -> Change {
        for seat in seats {
            let what = "a seat goes off sale that is not free";
            self.move_seat(*seat, Owner::OPEN, Owner::KILLED, what)?;
        }
        Ok(())
    }

    /// Killed seats come back.
    pub(crate) fn revive_seats(&mut self, seats: &[SeatIx]) -> Change {
        for seat in seats {
            let what = "a seat comes back on sale that was not off sale";
            self.move_seat(*seat, Owner::KILLED, Owner::OPEN, what)?;
        }
        Ok(())
    }

    /// Free seats are set aside.
    pub(crate) fn allocate_seats(&mut self, id: AllocationId, seats: &[SeatIx]) -> Change {
        for seat in seats {
            let what = "a seat is set aside that is not free";
            self.put_aside(*seat, Owner::OPEN, id, what)?;
        }
        Ok(())
    }

    /// Seats set aside come back on sale.
    pub(crate) fn release_allocated(&mut self, id: AllocationId, seats: &[SeatIx]) -> Change {
        for seat in seats {
            self.take_from_allocation(*seat, id, Owner::OPEN)?;
        }
        Ok(())
    }

    pub(super) fn count_voucher(&mut self, code: &str) {
        *self.vouchers.entry(code.to_ascii_uppercase()).or_default() += 1;
    }

    pub(super) fn set_voucher(&mut self, code: String, uses: u32) {
        self.vouchers.insert(code, uses);
    }

    /// An order as it stands after cancellations and exchanges: for reading a snapshot.
    pub(super) fn restore_order(&mut self, order: OrderState, next_ordinal: u32) -> Change {
        ensure(
            !self.orders.contains(&order.order),
            "an order is confirmed twice",
        )?;
        let places: Vec<Place> = order.tickets.iter().map(|(_, item)| item.place).collect();
        if !places.is_empty() {
            self.fans.entry(order.fan).or_default().places += places.len() as u32;
        }
        let record = OrderRecord {
            order,
            next_ordinal,
        };
        let slot = self.orders.insert(record.order.order, record);
        for place in places {
            match place {
                Place::Seat(seat) => {
                    let what = "a seat is sold twice";
                    self.move_seat(seat, Owner::OPEN, Owner::order(slot), what)?;
                }
                Place::Area(area) => self.move_area(area, Class::Open, Class::Sold)?,
            }
        }
        Ok(())
    }

    fn hold_place(&mut self, place: Place, to: Slot, allocation: Option<AllocationId>) -> Change {
        match (place, allocation) {
            (Place::Area(area), _) => self.move_area(area, Class::Open, Class::Held),
            (Place::Seat(seat), None) => {
                let what = "a seat is held that is not free";
                self.move_seat(seat, Owner::OPEN, Owner::hold(to), what)
            }
            (Place::Seat(seat), Some(id)) => self.take_from_allocation(seat, id, Owner::hold(to)),
        }
    }

    fn unhold_place(&mut self, place: Place, from: Slot, home: Option<AllocationId>) -> Change {
        let what = "a hold gives back a seat it has not got";
        match (place, home) {
            (Place::Area(area), _) => self.move_area(area, Class::Held, Class::Open),
            (Place::Seat(seat), None) => self.move_seat(seat, Owner::hold(from), Owner::OPEN, what),
            (Place::Seat(seat), Some(id)) => self.put_aside(seat, Owner::hold(from), id, what),
        }
    }

    fn put_aside(
        &mut self,
        seat: SeatIx,
        from: Owner,
        id: AllocationId,
        what: &'static str,
    ) -> Change {
        let slot = self.allocations.slot(&id).unwrap_or_else(|| {
            let record = AllocationRecord {
                allocation: id,
                seats: BTreeSet::new(),
            };
            self.allocations.insert(id, record)
        });
        self.allocations.at_mut(slot).seats.insert(seat);
        self.move_seat(seat, from, Owner::allocation(slot), what)
    }

    fn take_from_allocation(&mut self, seat: SeatIx, id: AllocationId, to: Owner) -> Change {
        let what = "a seat is taken out of an allocation it is not in";
        let slot = self.allocations.slot(&id).ok_or(contradiction(what))?;
        self.move_seat(seat, Owner::allocation(slot), to, what)?;
        let seats = &mut self.allocations.at_mut(slot).seats;
        seats.remove(&seat);
        if seats.is_empty() {
            self.allocations.remove(&id);
        }
        Ok(())
    }

    /// The one place where a numbered seat changes hands.
    fn move_seat(&mut self, seat: SeatIx, from: Owner, to: Owner, what: &'static str) -> Change {
        let Some(owner) = self.owners.get_mut(seat.index()) else {
            return Err(contradiction("the map has no such seat"));
        };
        ensure(*owner == from, what)?;
        *owner = to;
        if to == Owner::OPEN {
            self.open.insert(seat);
        } else if from == Owner::OPEN {
            self.open.remove(seat);
        }
        *Class::of(from).count(&mut self.counts) -= 1;
        *Class::of(to).count(&mut self.counts) += 1;
        Ok(())
    }

    /// The one place where a place in an area changes hands.
    fn move_area(&mut self, area: AreaIx, from: Class, to: Class) -> Change {
        let left = self.area_left(area);
        let Some(taken) = self.areas.get_mut(area.index()) else {
            return Err(contradiction("the map has no such area"));
        };
        match from {
            Class::Open | Class::Closed => ensure(left > 0, "an area is overfull")?,
            Class::Held => ensure(taken.held > 0, "an area gives back more than was held")?,
            Class::Sold => ensure(taken.sold > 0, "an area gives back more than was sold")?,
        }
        match from {
            Class::Open | Class::Closed => {}
            Class::Held => taken.held -= 1,
            Class::Sold => taken.sold -= 1,
        }
        match to {
            Class::Open | Class::Closed => {}
            Class::Held => taken.held += 1,
            Class::Sold => taken.sold += 1,
        }
        *from.count(&mut self.counts) -= 1;
        *to.count(&mut self.counts) += 1;
        Ok(())
    }

    /// Takes a hold out of every list; its places still say that they are its.
    fn unlink_hold(&mut self, id: HoldId, slot: Slot) -> Result<Hold, Contradiction> {
        let record = self.holds.remove(&id).ok_or(contradiction(NO_HOLD))?;
        self.lapses.remove(&(record.hold.expires_ms, id));
        if let Some(fan) = self.fans.get_mut(&record.hold.fan) {
            if fan.first_hold == Some(slot) {
                fan.first_hold = record.next_of_fan;
            } else {
                let mut at = fan.first_hold;
                while let Some(before) = at {
                    let before = self.holds.at_mut(before);
                    at = before.next_of_fan;
                    if at == Some(slot) {
                        before.next_of_fan = record.next_of_fan;
                        break;
                    }
                }
            }
        }
        Ok(record.hold)
    }

    fn forget_places(&mut self, fan: FanId, places: usize) {
        if let Some(record) = self.fans.get_mut(&fan) {
            record.places -= places as u32;
            let FanRecord { places, first_hold } = *record;
            if places == 0 && first_hold.is_none() {
                self.fans.remove(&fan);
            }
        }
    }

    fn drop_ticket(
        &mut self,
        slot: Slot,
        place: Place,
    ) -> Result<crate::id::PriceTypeIx, Contradiction> {
        let tickets = &mut self.orders.at_mut(slot).order.tickets;
        let at = tickets.iter().position(|(_, item)| item.place == place);
        let at = at.ok_or(contradiction(NO_TICKET))?;
        Ok(tickets.remove(at).1.price_type)
    }
}

const NO_HOLD: &str = "there is no such hold";
const NO_ORDER: &str = "there is no such order";
const NO_TICKET: &str = "the order has no live ticket there";
