//! Canonical bytes of a [`Batch`].
//!
//! ```text
//! "OSL1"  performance (16)  seq  time  hash of the batch before (32)  entries
//! entry   command (16)  events
//! event   kind (1)  fields
//! ```
//!
//! Ids are 16 bytes. Times are differences: of an event to its batch, of a hold's end to its
//! beginning. Lists of places are differences from one to the next, so that neighbouring seats
//! take a byte each, in whatever order they stand. Numbers once given to a kind are never used for
//! another.

use super::{Batch, Entry};
use crate::codec::{DecodeError, Reader, Writer};
use crate::event::Event;
use crate::id::{
    AllocationId, AreaIx, CommandId, FanId, HoldId, OrderId, PerformanceId, PriceTypeIx, SeatIx,
};
use crate::price::{LineKind, OrderItem, Place, QuoteLine};
use crate::terms::encode::{read_terms, write_terms};
use alloc::{boxed::Box, vec::Vec};

/// Format and its version.
const MAGIC: &[u8; 4] = b"OSL1";

type Read<T> = Result<T, DecodeError>;

pub(super) fn write_batch(batch: &Batch) -> Vec<u8> {
    let mut out = Writer::with_capacity(128 + batch.entries.len() * 96);
    out.raw(MAGIC);
    out.id(batch.performance.as_bytes());
    out.varint(batch.seq);
    out.zigzag(batch.at_ms);
    out.raw(&batch.prev_hash);
    out.count(batch.entries.len());
    for entry in &batch.entries {
        out.id(entry.command.as_bytes());
        out.count(entry.events.len());
        for event in &entry.events {
            write_event(&mut out, event, batch.at_ms);
        }
    }
    out.finish()
}

pub(super) fn read_batch(bytes: &[u8]) -> Read<Batch> {
    let mut input = Reader::new(bytes);
    input.expect(MAGIC, "not a ledger batch of a known version")?;
    let performance = PerformanceId::from_bytes(input.id()?);
    let seq = input.varint()?;
    let at_ms = input.zigzag()?;
    let prev_hash = input.array()?;
    let entries = list(&mut input, 17, |input| {
        let command = CommandId::from_bytes(input.id()?);
        let events = list(input, 2, |input| read_event(input, at_ms))?;
        Ok(Entry { command, events })
    })?;
    input.finish()?;
    Ok(Batch {
        performance,
        seq,
        at_ms,
        prev_hash,
        entries,
    })
}

/// Numbers of the kinds of events.
mod kind {
    pub(super) const HOLD_PLACED: u8 = 1;
    pub(super) const HOLD_CHANGED: u8 = 2;
    pub(super) const HOLD_EXTENDED: u8 = 3;
    pub(super) const HOLD_RELEASED: u8 = 4;
    pub(super) const HOLD_EXPIRED: u8 = 5;
    pub(super) const ORDER_CONFIRMED: u8 = 6;
    pub(super) const TICKETS_CANCELLED: u8 = 7;
    pub(super) const SEATS_EXCHANGED: u8 = 8;
    pub(super) const SEATS_KILLED: u8 = 9;
    pub(super) const SEATS_REVIVED: u8 = 10;
    pub(super) const SEATS_ALLOCATED: u8 = 11;
    pub(super) const ALLOCATION_RELEASED: u8 = 12;
    pub(super) const TERMS_SET: u8 = 13;
    /// An order that says when its price was made; before that was kept, it was kind 6.
    pub(super) const ORDER_CONFIRMED_QUOTED: u8 = 14;
}

fn write_event(out: &mut Writer, event: &Event, at_ms: i64) {
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
            out.u8(kind::HOLD_PLACED);
            out.id(hold.as_bytes());
            out.id(fan.as_bytes());
            write_places(out, places.iter().copied());
            write_option(out, allocation.as_ref(), |out, id| out.id(id.as_bytes()));
            write_time(out, *placed_ms, at_ms);
            write_time(out, *expires_ms, *placed_ms);
            write_time(out, *max_expires_ms, *expires_ms);
        }
        Event::HoldChanged {
            hold,
            added,
            removed,
        } => {
            out.u8(kind::HOLD_CHANGED);
            out.id(hold.as_bytes());
            write_places(out, added.iter().copied());
            write_places(out, removed.iter().copied());
        }
        Event::HoldExtended { hold, expires_ms } => {
            out.u8(kind::HOLD_EXTENDED);
            out.id(hold.as_bytes());
            write_time(out, *expires_ms, at_ms);
        }
        Event::HoldReleased { hold } => {
            out.u8(kind::HOLD_RELEASED);
            out.id(hold.as_bytes());
        }
        Event::HoldExpired { hold } => {
            out.u8(kind::HOLD_EXPIRED);
            out.id(hold.as_bytes());
        }
        Event::OrderConfirmed {
            order,
            hold,
            fan,
            items,
            voucher,
            lines,
            total_minor,
            quoted_ms,
        } => {
            out.u8(match quoted_ms {
                None => kind::ORDER_CONFIRMED,
                Some(_) => kind::ORDER_CONFIRMED_QUOTED,
            });
            out.id(order.as_bytes());
            out.id(hold.as_bytes());
            out.id(fan.as_bytes());
            write_places(out, items.iter().map(|item| item.place));
            for item in items {
                out.u8(item.price_type.0);
            }
            write_option(out, voucher.as_ref(), |out, code| out.str(code));
            out.count(lines.len());
            for line in lines {
                write_line(out, line, items);
            }
            out.zigzag(*total_minor);
            if let Some(quoted_ms) = quoted_ms {
                write_time(out, *quoted_ms, at_ms);
            }
        }
        Event::TermsSet { terms } => {
            out.u8(kind::TERMS_SET);
            write_terms(out, terms);
        }
        Event::TicketsCancelled { order, places } => {
            out.u8(kind::TICKETS_CANCELLED);
            out.id(order.as_bytes());
            write_places(out, places.iter().copied());
        }
        Event::SeatsExchanged { order, gave, took } => {
            out.u8(kind::SEATS_EXCHANGED);
            out.id(order.as_bytes());
            write_seats(out, gave);
            write_seats(out, took);
        }
        Event::SeatsKilled { seats } => {
            out.u8(kind::SEATS_KILLED);
            write_seats(out, seats);
        }
        Event::SeatsRevived { seats } => {
            out.u8(kind::SEATS_REVIVED);
            write_seats(out, seats);
        }
        Event::SeatsAllocated { allocation, seats } => {
            out.u8(kind::SEATS_ALLOCATED);
            out.id(allocation.as_bytes());
            write_seats(out, seats);
        }
        Event::AllocationReleased { allocation, seats } => {
            out.u8(kind::ALLOCATION_RELEASED);
            out.id(allocation.as_bytes());
            write_seats(out, seats);
        }
    }
}

fn read_event(input: &mut Reader<'_>, at_ms: i64) -> Read<Event> {
    let unknown = input.fault("unknown kind of event");
    Ok(match input.u8()? {
        kind::HOLD_PLACED => {
            let hold = HoldId::from_bytes(input.id()?);
            let fan = FanId::from_bytes(input.id()?);
            let places = read_places(input)?;
            let allocation = read_option(input, |input| Ok(AllocationId::from_bytes(input.id()?)))?;
            let placed_ms = read_time(input, at_ms)?;
            let expires_ms = read_time(input, placed_ms)?;
            let max_expires_ms = read_time(input, expires_ms)?;
            Event::HoldPlaced {
                hold,
                fan,
                places,
                allocation,
                placed_ms,
                expires_ms,
                max_expires_ms,
            }
        }
        kind::HOLD_CHANGED => Event::HoldChanged {
            hold: HoldId::from_bytes(input.id()?),
            added: read_places(input)?,
            removed: read_places(input)?,
        },
        kind::HOLD_EXTENDED => Event::HoldExtended {
            hold: HoldId::from_bytes(input.id()?),
            expires_ms: read_time(input, at_ms)?,
        },
        kind::HOLD_RELEASED => Event::HoldReleased {
            hold: HoldId::from_bytes(input.id()?),
        },
        kind::HOLD_EXPIRED => Event::HoldExpired {
            hold: HoldId::from_bytes(input.id()?),
        },
        kind::ORDER_CONFIRMED => read_order(input, None)?,
        kind::ORDER_CONFIRMED_QUOTED => read_order(input, Some(at_ms))?,
        kind::TICKETS_CANCELLED => Event::TicketsCancelled {
            order: OrderId::from_bytes(input.id()?),
            places: read_places(input)?,
        },
        kind::SEATS_EXCHANGED => Event::SeatsExchanged {
            order: OrderId::from_bytes(input.id()?),
            gave: read_seats(input)?,
            took: read_seats(input)?,
        },
        kind::SEATS_KILLED => Event::SeatsKilled {
            seats: read_seats(input)?,
        },
        kind::SEATS_REVIVED => Event::SeatsRevived {
            seats: read_seats(input)?,
        },
        kind::SEATS_ALLOCATED => Event::SeatsAllocated {
            allocation: AllocationId::from_bytes(input.id()?),
            seats: read_seats(input)?,
        },
        kind::ALLOCATION_RELEASED => Event::AllocationReleased {
            allocation: AllocationId::from_bytes(input.id()?),
            seats: read_seats(input)?,
        },
        kind::TERMS_SET => Event::TermsSet {
            terms: Box::new(read_terms(input)?),
        },
        _ => return Err(unknown),
    })
}

fn read_order(input: &mut Reader<'_>, quoted_since_ms: Option<i64>) -> Read<Event> {
    let order = OrderId::from_bytes(input.id()?);
    let hold = HoldId::from_bytes(input.id()?);
    let fan = FanId::from_bytes(input.id()?);
    let places = read_places(input)?;
    let types = input.raw(places.len())?;
    let items: Vec<OrderItem> = places
        .into_iter()
        .zip(types)
        .map(|(place, price_type)| OrderItem {
            place,
            price_type: PriceTypeIx(*price_type),
        })
        .collect();
    let voucher = read_option(input, Reader::string)?;
    let lines = list(input, 4, |input| read_line(input, &items))?;
    let total_minor = input.zigzag()?;
    let quoted_ms = match quoted_since_ms {
        None => None,
        Some(at_ms) => Some(read_time(input, at_ms)?),
    };
    Ok(Event::OrderConfirmed {
        order,
        hold,
        fan,
        items,
        voucher,
        lines,
        total_minor,
        quoted_ms,
    })
}

/// Numbers of the kinds of lines.
mod line_kind {
    /// A ticket with the place and type of its item.
    pub(super) const TICKET: u8 = 1;
    pub(super) const DISCOUNT: u8 = 2;
    pub(super) const TICKET_FEE: u8 = 3;
    pub(super) const ORDER_FEE: u8 = 4;
    /// A ticket that says otherwise than its item.
    pub(super) const ODD_TICKET: u8 = 5;
}

fn write_line(out: &mut Writer, line: &QuoteLine, items: &[OrderItem]) {
    match line.kind {
        LineKind::Ticket {
            item,
            place,
            price_type,
        } => {
            let plain = items.get(usize::from(item)) == Some(&OrderItem { place, price_type });
            out.u8(if plain {
                line_kind::TICKET
            } else {
                line_kind::ODD_TICKET
            });
            out.varint(item.into());
            if !plain {
                out.zigzag(place_number(place));
                out.u8(price_type.0);
            }
        }
        LineKind::Discount { item } => {
            out.u8(line_kind::DISCOUNT);
            out.varint(item.into());
        }
        LineKind::TicketFee { fee, item } => {
            out.u8(line_kind::TICKET_FEE);
            out.varint(item.into());
            out.u8(fee);
        }
        LineKind::OrderFee { fee } => {
            out.u8(line_kind::ORDER_FEE);
            out.u8(fee);
        }
    }
    out.zigzag(line.amount_minor);
    out.zigzag(line.tax_minor);
}

fn read_line(input: &mut Reader<'_>, items: &[OrderItem]) -> Read<QuoteLine> {
    let unknown = input.fault("unknown kind of line");
    let kind = match input.u8()? {
        line_kind::TICKET => {
            let item = input.u16()?;
            let OrderItem { place, price_type } = *items
                .get(usize::from(item))
                .ok_or_else(|| input.fault("a line for an item that is not there"))?;
            LineKind::Ticket {
                item,
                place,
                price_type,
            }
        }
        line_kind::ODD_TICKET => {
            let item = input.u16()?;
            let number = input.zigzag()?;
            let place = numbered_place(number).ok_or_else(|| input.fault("no such place"))?;
            let price_type = PriceTypeIx(input.u8()?);
            if items.get(usize::from(item)) == Some(&OrderItem { place, price_type }) {
                return Err(input.fault("a line not in its shortest form"));
            }
            LineKind::Ticket {
                item,
                place,
                price_type,
            }
        }
        line_kind::DISCOUNT => LineKind::Discount { item: input.u16()? },
        line_kind::TICKET_FEE => {
            let item = input.u16()?;
            LineKind::TicketFee {
                fee: input.u8()?,
                item,
            }
        }
        line_kind::ORDER_FEE => LineKind::OrderFee { fee: input.u8()? },
        _ => return Err(unknown),
    };
    Ok(QuoteLine {
        kind,
        amount_minor: input.zigzag()?,
        tax_minor: input.zigzag()?,
    })
}

fn list<'a, T>(
    input: &mut Reader<'a>,
    least_bytes: usize,
    mut item: impl FnMut(&mut Reader<'a>) -> Read<T>,
) -> Read<Vec<T>> {
    let count = input.count(least_bytes)?;
    // Not `with_capacity(count)`: an item in memory may be many times its least bytes.
    let mut items = Vec::new();
    for _ in 0..count {
        items.push(item(input)?);
    }
    Ok(items)
}

fn write_option<T>(out: &mut Writer, value: Option<&T>, write: impl FnOnce(&mut Writer, &T)) {
    out.bool(value.is_some());
    if let Some(value) = value {
        write(out, value);
    }
}

fn read_option<'a, T>(
    input: &mut Reader<'a>,
    read: impl FnOnce(&mut Reader<'a>) -> Read<T>,
) -> Read<Option<T>> {
    if input.bool()? {
        read(input).map(Some)
    } else {
        Ok(None)
    }
}

// Wrapping on both sides: every pair of instants has a difference, and it reads back.
fn write_time(out: &mut Writer, time_ms: i64, since_ms: i64) {
    out.zigzag(time_ms.wrapping_sub(since_ms));
}

fn read_time(input: &mut Reader<'_>, since_ms: i64) -> Read<i64> {
    Ok(since_ms.wrapping_add(input.zigzag()?))
}

/// Seats count upwards from 0, areas downwards from -1.
fn place_number(place: Place) -> i64 {
    match place {
        Place::Seat(seat) => seat.0.into(),
        Place::Area(area) => -1 - i64::from(area.0),
    }
}

fn numbered_place(number: i64) -> Option<Place> {
    if number >= 0 {
        u32::try_from(number).ok().map(|ix| Place::Seat(SeatIx(ix)))
    } else {
        number
            .checked_neg()?
            .checked_sub(1)?
            .try_into()
            .ok()
            .map(|ix| Place::Area(AreaIx(ix)))
    }
}

fn write_places(out: &mut Writer, places: impl ExactSizeIterator<Item = Place>) {
    out.count(places.len());
    let mut before = 0;
    for place in places {
        let number = place_number(place);
        out.zigzag(number - before);
        before = number;
    }
}

fn read_places(input: &mut Reader<'_>) -> Read<Vec<Place>> {
    let mut before = 0_i64;
    list(input, 1, |input| {
        let step = input.zigzag()?;
        let number = before
            .checked_add(step)
            .ok_or_else(|| input.fault("no such place"))?;
        before = number;
        numbered_place(number).ok_or_else(|| input.fault("no such place"))
    })
}

fn write_seats(out: &mut Writer, seats: &[SeatIx]) {
    write_places(out, seats.iter().map(|seat| Place::Seat(*seat)));
}

fn read_seats(input: &mut Reader<'_>) -> Read<Vec<SeatIx>> {
    let at = input.at();
    let places = read_places(input)?;
    let seats = places.into_iter().map(|place| match place {
        Place::Seat(seat) => Ok(seat),
        Place::Area(_) => Err(DecodeError {
            at,
            what: "an area where seats should be",
        }),
    });
    seats.collect()
}
