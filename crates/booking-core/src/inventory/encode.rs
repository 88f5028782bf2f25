//! Canonical bytes of an inventory: what is told of each thing once, sorted by name. Everything
//! else (open seats, tallies, counts) follows from it and is computed again.

use super::{Hold, Inventory, OrderState, owner::OwnerKind};
use crate::codec::{DecodeError, Reader, Writer};
use crate::decide::Contradiction;
use crate::id::{AllocationId, AreaIx, FanId, HoldId, OrderId, PriceTypeIx, SeatIx};
use crate::price::{OrderItem, Place};
use crate::seatmap::SeatMap;
use crate::terms::SaleTerms;
use crate::terms::encode::{read_terms, write_terms};
use alloc::{string::String, sync::Arc, vec::Vec};

/// "Onsale inventory", version 1: under the terms the performance opened with.
const MAGIC: &[u8; 4] = b"OSI1";
/// Version 2: under terms that the ledger set, which stand after the map's version.
const MAGIC_TERMS: &[u8; 4] = b"OSI2";

impl Inventory {
    /// Canonical bytes of the whole state (versioned): equal states give equal bytes, whatever
    /// history led there. O(n) in seats and what is held and sold.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::with_capacity(64 + self.orders.len() * 48 + self.holds.len() * 72);
        out.raw(if self.terms_set { MAGIC_TERMS } else { MAGIC });
        out.raw(&self.map.version().0);
        if self.terms_set {
            write_terms(&mut out, &self.terms);
        }
        let killed: Vec<u32> = (0..)
            .zip(&self.owners)
            .filter(|(_, owner)| owner.kind() == OwnerKind::Killed)
            .map(|(seat, _)| seat)
            .collect();
        out.ascending(killed.into_iter());
        out.count(self.allocations.len());
        for (id, record) in self.allocations.iter() {
            out.id(id.as_bytes());
            out.ascending(record.seats.iter().map(|seat| seat.0));
        }
        out.count(self.holds.len());
        for hold in self.holds() {
            write_hold(&mut out, hold);
        }
        out.count(self.orders.len());
        for (_, record) in self.orders.iter() {
            write_order(&mut out, &record.order, record.next_ordinal);
        }
        out.count(self.vouchers.len());
        for (code, uses) in &self.vouchers {
            out.str(code);
            out.varint((*uses).into());
        }
        out.finish()
    }

    /// Reads what [`encode`](Self::encode) wrote, for the same map; under `terms`, unless the
    /// ledger had set others, which are then in the bytes. Refuses bytes
    /// that contradict themselves (a seat with two owners), so a damaged snapshot is never believed.
    pub fn decode(
        map: Arc<SeatMap>,
        terms: Arc<SaleTerms>,
        bytes: &[u8],
    ) -> Result<Self, DecodeError> {
        let mut from = Reader::new(bytes);
        let terms_set = bytes.starts_with(MAGIC_TERMS);
        let magic = if terms_set { MAGIC_TERMS } else { MAGIC };
        from.expect(magic, "not an inventory of a known version")?;
        from.expect(&map.version().0, "an inventory of another seat map")?;
        let seat_count = map.seat_count();
        let mut inventory = Self::new(map, terms);
        if terms_set {
            let terms = read_terms(&mut from)?;
            fit(&from, inventory.take_terms(&terms))?;
        }
        let killed = read_seats(&mut from, seat_count)?;
        fit(&from, inventory.kill_seats(&killed))?;
        let mut last = None;
        for _ in 0..from.count(17)? {
            let id = AllocationId::from_bytes(from.id()?);
            ascending(&from, &mut last, id)?;
            let seats = read_seats(&mut from, seat_count)?;
            if seats.is_empty() {
                return Err(from.fault("an empty allocation"));
            }
            fit(&from, inventory.allocate_seats(id, &seats))?;
        }
        let mut last = None;
        for _ in 0..from.count(40)? {
            let hold = read_hold(&mut from)?;
            ascending(&from, &mut last, hold.hold)?;
            if let Some(id) = hold.allocation {
                // Its seats are not listed with the allocation, since somebody has taken them.
                let seats = hold.places.iter().filter_map(|place| match *place {
                    Place::Seat(seat) => Some(seat),
                    Place::Area(_) => None,
                });
                let seats: Vec<SeatIx> = seats.collect();
                fit(&from, inventory.allocate_seats(id, &seats))?;
            }
            fit(&from, inventory.add_hold(hold))?;
        }
        let mut last = None;
        for _ in 0..from.count(34)? {
            let (order, next_ordinal) = read_order(&mut from)?;
            ascending(&from, &mut last, order.order)?;
            fit(&from, inventory.restore_order(order, next_ordinal))?;
        }
        let mut last = None;
        for _ in 0..from.count(2)? {
            let code: String = from.string()?;
            let uses = from.u32()?;
            ascending(&from, &mut last, code.clone())?;
            inventory.set_voucher(code, uses);
        }
        from.finish()?;
        Ok(inventory)
    }
}

fn fit(from: &Reader<'_>, change: Result<(), Contradiction>) -> Result<(), DecodeError> {
    change.map_err(|contradiction| from.fault(contradiction.what))
}

/// One state has one encoding: lists are in order and name nothing twice.
fn ascending<K: Ord>(from: &Reader<'_>, last: &mut Option<K>, key: K) -> Result<(), DecodeError> {
    if last.as_ref().is_some_and(|last| *last >= key) {
        return Err(from.fault("names are not in ascending order"));
    }
    *last = Some(key);
    Ok(())
}

fn read_seats(from: &mut Reader<'_>, seat_count: u32) -> Result<Vec<SeatIx>, DecodeError> {
    let seats = from.ascending(seat_count)?;
    Ok(seats.into_iter().map(SeatIx).collect())
}

fn write_place(out: &mut Writer, place: Place) {
    // Even: a seat, odd: an area.
    match place {
        Place::Seat(seat) => out.varint(u64::from(seat.0) << 1),
        Place::Area(area) => out.varint(u64::from(area.0) << 1 | 1),
    }
}

fn read_place(from: &mut Reader<'_>) -> Result<Place, DecodeError> {
    let code = from.varint()?;
    let index = code >> 1;
    let too_large = |_| from.fault("a place is out of range");
    if code & 1 == 0 {
        let seat = u32::try_from(index).map_err(too_large)?;
        Ok(Place::Seat(SeatIx(seat)))
    } else {
        let area = u16::try_from(index).map_err(too_large)?;
        Ok(Place::Area(AreaIx(area)))
    }
}

fn write_hold(out: &mut Writer, hold: &Hold) {
    out.id(hold.hold.as_bytes());
    out.id(hold.fan.as_bytes());
    out.bool(hold.allocation.is_some());
    if let Some(allocation) = hold.allocation {
        out.id(allocation.as_bytes());
    }
    // Lifetimes are shorter to write than instants.
    out.zigzag(hold.placed_ms);
    out.varint(hold.expires_ms.wrapping_sub(hold.placed_ms) as u64);
    out.varint(hold.max_expires_ms.wrapping_sub(hold.placed_ms) as u64);
    out.count(hold.places.len());
    for place in &hold.places {
        write_place(out, *place);
    }
}

fn read_hold(from: &mut Reader<'_>) -> Result<Hold, DecodeError> {
    let hold = HoldId::from_bytes(from.id()?);
    let fan = FanId::from_bytes(from.id()?);
    let allocation = if from.bool()? {
        Some(AllocationId::from_bytes(from.id()?))
    } else {
        None
    };
    let placed_ms = from.zigzag()?;
    let expires_ms = placed_ms.wrapping_add(from.varint()? as i64);
    let max_expires_ms = placed_ms.wrapping_add(from.varint()? as i64);
    let count = from.count(1)?;
    let mut places = Vec::with_capacity(count);
    for _ in 0..count {
        places.push(read_place(from)?);
    }
    Ok(Hold {
        hold,
        fan,
        places,
        allocation,
        placed_ms,
        expires_ms,
        max_expires_ms,
    })
}

fn write_order(out: &mut Writer, order: &OrderState, next_ordinal: u32) {
    out.id(order.order.as_bytes());
    out.id(order.fan.as_bytes());
    out.varint(next_ordinal.into());
    out.ascending(order.tickets.iter().map(|(ordinal, _)| *ordinal));
    for (_, item) in &order.tickets {
        write_place(out, item.place);
        out.u8(item.price_type.0);
    }
}

fn read_order(from: &mut Reader<'_>) -> Result<(OrderState, u32), DecodeError> {
    let order = OrderId::from_bytes(from.id()?);
    let fan = FanId::from_bytes(from.id()?);
    let next_ordinal = from.u32()?;
    let ordinals = from.ascending(next_ordinal)?;
    let mut tickets = Vec::with_capacity(ordinals.len());
    for ordinal in ordinals {
        let place = read_place(from)?;
        let price_type = PriceTypeIx(from.u8()?);
        tickets.push((ordinal, OrderItem { place, price_type }));
    }
    let state = OrderState {
        order,
        fan,
        tickets,
    };
    Ok((state, next_ordinal))
}
