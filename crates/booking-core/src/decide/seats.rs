//! Seats that are not on sale: killed, or set aside in an allocation.

use super::Decision;
use super::holds::only;
use super::now::{Lapses, Now, Seat, seat_of};
use crate::event::Event;
use crate::id::{AllocationId, SeatIx};
use crate::inventory::SeatState;
use crate::price::Place;
use crate::rejection::Rejection;
use alloc::vec::Vec;

pub(super) fn kill(now: &Now<'_>, seats: &[SeatIx]) -> Result<Decision, Rejection> {
    let (seats, lapses) = claim_open(now, seats)?;
    Ok(after(lapses, Event::SeatsKilled { seats }))
}

pub(super) fn revive(now: &Now<'_>, seats: &[SeatIx]) -> Result<Decision, Rejection> {
    let seats = now.sorted_seats(seats)?;
    let is_killed = |seat: &SeatIx| now.inventory.seat(*seat) == SeatState::Killed;
    let others: Vec<SeatIx> = seats
        .iter()
        .copied()
        .filter(|seat| !is_killed(seat))
        .collect();
    if others.is_empty() {
        Ok(only(Event::SeatsRevived { seats }))
    } else {
        Err(Rejection::NotKilled { seats: others })
    }
}

pub(super) fn allocate(
    now: &Now<'_>,
    allocation: AllocationId,
    seats: &[SeatIx],
) -> Result<Decision, Rejection> {
    let (seats, lapses) = claim_open(now, seats)?;
    Ok(after(lapses, Event::SeatsAllocated { allocation, seats }))
}

pub(super) fn release_allocation(
    now: &Now<'_>,
    allocation: AllocationId,
    seats: &[SeatIx],
) -> Result<Decision, Rejection> {
    let mut lapses = Lapses::default();
    let seats = if seats.is_empty() {
        let mut left = now.inventory.allocated_seats(allocation);
        for hold in now.inventory.lapsed(now.now_ms) {
            if hold.allocation == Some(allocation) {
                lapses.add(hold);
                left.extend(hold.places.iter().filter_map(seat_of));
            }
        }
        left.sort_unstable();
        left
    } else {
        now.sorted_seats(seats)?
    };
    let mut others = Vec::new();
    for seat in &seats {
        match now.seat(*seat, Some(allocation)) {
            Seat::Free => {}
            Seat::FreeAfter(hold) => lapses.add(hold),
            Seat::Taken | Seat::OffSale => others.push(*seat),
        }
    }
    if seats.is_empty() || !others.is_empty() {
        return Err(Rejection::NotInAllocation {
            allocation,
            seats: others,
        });
    }
    Ok(after(
        lapses,
        Event::AllocationReleased { allocation, seats },
    ))
}

/// Seats that nobody has, sorted, with the lapses that free them.
fn claim_open(now: &Now<'_>, seats: &[SeatIx]) -> Result<(Vec<SeatIx>, Lapses), Rejection> {
    let seats = now.sorted_seats(seats)?;
    let places: Vec<Place> = seats.iter().copied().map(Place::Seat).collect();
    let mut lapses = Lapses::default();
    now.claim(&places, None, &mut lapses)?;
    Ok((seats, lapses))
}

fn after(lapses: Lapses, event: Event) -> Decision {
    Decision {
        events: lapses.then(event),
        warnings: Vec::new(),
    }
}
