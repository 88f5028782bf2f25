//! Holds: a fan's claim on places for a while.

use super::now::{FanChoice, Lapses, Now, area_places, seat_of};
use super::{Decision, Warning};
use crate::best::{self, Accessible, Search};
use crate::command::SeatRequest;
use crate::event::Event;
use crate::id::{AllocationId, FanId, HoldId, SeatIx};
use crate::inventory::Hold;
use crate::price::Place;
use crate::rejection::Rejection;
use crate::rule::AccessibleSeats;
use crate::seatset::SeatSet;
use alloc::{borrow::Cow, vec, vec::Vec};

pub(super) fn place(
    now: &Now<'_>,
    id: HoldId,
    fan: FanId,
    request: &SeatRequest,
    needs_accessible: bool,
    allocation: Option<AllocationId>,
) -> Result<Decision, Rejection> {
    now.on_sale()?;
    let mut lapses = Lapses::default();
    if let Some(before) = now.inventory.hold_ref(id) {
        // A name is free again when its hold has lapsed, as it would be had a timer said so.
        if !now.is_lapsed(before) {
            return Err(Rejection::HoldExists { hold: id });
        }
        lapses.add(before);
    }
    let rules = now.rules();
    let (live_holds, places_elsewhere) = now.tally(fan, None);
    if live_holds >= rules.max_holds_per_fan.into() {
        return Err(Rejection::TooManyHolds {
            max: rules.max_holds_per_fan,
        });
    }
    let places = requested(now, request, needs_accessible, allocation)?;
    now.claim(&places, allocation, &mut lapses)?;
    let mut warnings = now.check(&FanChoice {
        places: &places,
        allocation,
        own: &[],
        needs_accessible,
        places_elsewhere,
    })?;
    if let SeatRequest::BestAvailable { .. } = request {
        let groups = groups(now, &places);
        if groups > 1 {
            warnings.push(Warning::PartySplit { groups });
        }
    }
    let max_expires_ms = now.now_ms.saturating_add(rules.hold_max_ms.max(0));
    let expires_ms = now.now_ms.saturating_add(rules.hold_ttl_ms.max(0));
    let event = Event::HoldPlaced {
        hold: id,
        fan,
        places,
        allocation,
        placed_ms: now.now_ms,
        expires_ms: expires_ms.min(max_expires_ms),
        max_expires_ms,
    };
    Ok(Decision {
        events: lapses.then(event),
        warnings,
    })
}

/// The places a request comes to, sorted. How many there may be is checked before anything is
/// searched or allocated for them.
fn requested(
    now: &Now<'_>,
    request: &SeatRequest,
    needs_accessible: bool,
    allocation: Option<AllocationId>,
) -> Result<Vec<Place>, Rejection> {
    let max = now.rules().max_places_per_hold;
    let quantity = match request {
        SeatRequest::These(places) => places.len(),
        SeatRequest::BestAvailable { quantity, .. }
        | SeatRequest::GeneralAdmission { quantity, .. } => usize::from(*quantity),
    };
    if quantity == 0 {
        return Err(Rejection::NothingRequested);
    }
    if quantity > max.into() {
        return Err(Rejection::TooManyPlaces { max });
    }
    match request {
        SeatRequest::These(places) => now.sorted(places),
        SeatRequest::GeneralAdmission { area, .. } => {
            now.sorted(&vec![Place::Area(*area); quantity])
        }
        SeatRequest::BestAvailable {
            quantity,
            bands,
            together,
        } => {
            let search = Search {
                quantity: *quantity,
                bands,
                together: *together,
                accessible: if needs_accessible {
                    Accessible::Needed
                } else if AccessibleSeats::are_kept(now.rules(), false, now.now_ms) {
                    Accessible::Never
                } else {
                    Accessible::IfNothingElse
                },
            };
            best_places(now, search, allocation)
        }
    }
}

fn best_places(
    now: &Now<'_>,
    search: Search<'_>,
    allocation: Option<AllocationId>,
) -> Result<Vec<Place>, Rejection> {
    let open = open_at(now, allocation);
    match best::best_available(now.map(), &open, search) {
        Some(seats) => Ok(seats.into_iter().map(Place::Seat).collect()),
        None => {
            let rest = best::remaining(now.map(), &open, search);
            Err(Rejection::NothingAvailable {
                most_together: rest.most_together,
                left: rest.left,
            })
        }
    }
}

/// Seats that can be had now out of the open sale or `allocation`. Copies nothing in the usual
/// case: open sale, every lapse written.
fn open_at<'a>(now: &Now<'a>, allocation: Option<AllocationId>) -> Cow<'a, SeatSet> {
    let mut open = match allocation {
        None => Cow::Borrowed(now.inventory.open_seats()),
        Some(id) => {
            let mut set = SeatSet::empty(now.map().seat_count());
            if let Some(record) = now.inventory.allocations.get(&id) {
                for seat in &record.seats {
                    set.insert(*seat);
                }
            }
            Cow::Owned(set)
        }
    };
    for hold in now.inventory.lapsed(now.now_ms) {
        if hold.allocation == allocation {
            for seat in hold.places.iter().filter_map(seat_of) {
                open.to_mut().insert(seat);
            }
        }
    }
    open
}

/// How many groups of neighbours sorted places fall into.
fn groups(now: &Now<'_>, places: &[Place]) -> u16 {
    let seats: Vec<SeatIx> = places.iter().filter_map(seat_of).collect();
    let groups = seats
        .chunk_by(|a, b| now.map().next(*a) == Some(*b))
        .count();
    u16::try_from(groups).unwrap_or(u16::MAX)
}

pub(super) fn change(
    now: &Now<'_>,
    id: HoldId,
    fan: FanId,
    add: &[Place],
    remove: &[Place],
    needs_accessible: bool,
) -> Result<Decision, Rejection> {
    let hold = now.live_hold(id, fan)?;
    if add.is_empty() && remove.is_empty() {
        return Err(Rejection::NothingRequested);
    }
    if !add.is_empty() {
        now.on_sale()?;
    }
    let max = now.rules().max_places_per_hold;
    if add.len() > usize::from(max) {
        return Err(Rejection::TooManyPlaces { max });
    }
    let (added, removed) = (now.sorted(add)?, now.sorted(remove)?);
    let places = changed(hold, &added, &removed)?;
    let mut lapses = Lapses::default();
    claim_added(now, hold, &added, &removed, &mut lapses)?;
    let (_, places_elsewhere) = now.tally(fan, Some(id));
    let warnings = now.check(&FanChoice {
        places: &places,
        allocation: hold.allocation,
        own: &hold.places,
        needs_accessible,
        places_elsewhere,
    })?;
    let event = Event::HoldChanged {
        hold: id,
        added,
        removed,
    };
    Ok(Decision {
        events: lapses.then(event),
        warnings,
    })
}

/// The hold's places after the change, sorted. A hold may not become empty: that is a release.
fn changed(hold: &Hold, added: &[Place], removed: &[Place]) -> Result<Vec<Place>, Rejection> {
    let mut places = hold.places.clone();
    for place in removed {
        match places.binary_search(place) {
            Ok(at) => {
                places.remove(at);
            }
            Err(_) => return Err(Rejection::NotInHold { place: *place }),
        }
    }
    for place in added {
        if let Place::Seat(seat) = *place
            && hold.places.binary_search(place).is_ok()
        {
            return Err(Rejection::DuplicateSeat { seat });
        }
        places.push(*place);
    }
    if places.is_empty() {
        return Err(Rejection::NothingRequested);
    }
    places.sort_unstable();
    Ok(places)
}

fn claim_added(
    now: &Now<'_>,
    hold: &Hold,
    added: &[Place],
    removed: &[Place],
    lapses: &mut Lapses,
) -> Result<(), Rejection> {
    let seats = added.partition_point(|place| seat_of(place).is_some());
    now.claim(&added[..seats], hold.allocation, lapses)?;
    for (area, wanted) in area_places(&added[seats..]) {
        let given = removed.iter().filter(|place| **place == Place::Area(area));
        now.claim_area(area, wanted, given.count() as u32, lapses)?;
    }
    Ok(())
}

pub(super) fn extend(now: &Now<'_>, id: HoldId, fan: FanId) -> Result<Decision, Rejection> {
    let hold = now.live_hold(id, fan)?;
    let longer = hold
        .expires_ms
        .saturating_add(now.rules().hold_extension_ms)
        .min(hold.max_expires_ms);
    if longer <= hold.expires_ms {
        return Err(Rejection::HoldAtMaximum {
            expires_ms: hold.expires_ms,
        });
    }
    Ok(only(Event::HoldExtended {
        hold: id,
        expires_ms: longer,
    }))
}

pub(super) fn release(now: &Now<'_>, id: HoldId, fan: FanId) -> Result<Decision, Rejection> {
    now.live_hold(id, fan)?;
    Ok(only(Event::HoldReleased { hold: id }))
}

pub(super) fn expire(now: &Now<'_>, limit: u32) -> Decision {
    let lapsed = now.inventory.lapsed(now.now_ms).take(limit as usize);
    Decision {
        events: lapsed
            .map(|hold| Event::HoldExpired { hold: hold.hold })
            .collect(),
        warnings: Vec::new(),
    }
}

pub(super) fn only(event: Event) -> Decision {
    Decision {
        events: vec![event],
        warnings: Vec::new(),
    }
}
