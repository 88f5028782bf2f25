//! Orders: places that have been sold.

use super::Decision;
use super::holds::only;
use super::now::{FanChoice, Lapses, Now, Seat, area_places};
use crate::event::Event;
use crate::id::{FanId, HoldId, OrderId, SeatIx};
use crate::inventory::OrderState;
use crate::price::{OrderItem, Place, Quote, VoucherUse, quote};
use crate::rejection::Rejection;
use alloc::vec::Vec;

/// `Command::ConfirmOrder`, borrowed.
pub(super) struct Purchase<'a> {
    pub(super) order: OrderId,
    pub(super) hold: HoldId,
    pub(super) fan: FanId,
    pub(super) items: &'a [OrderItem],
    pub(super) voucher: Option<&'a str>,
    pub(super) quoted_ms: i64,
    pub(super) total_minor: i64,
}

pub(super) fn confirm(now: &Now<'_>, purchase: &Purchase<'_>) -> Result<Decision, Rejection> {
    if now.inventory.orders.contains(&purchase.order) {
        return Err(Rejection::OrderExists {
            order: purchase.order,
        });
    }
    let places: Vec<Place> = purchase.items.iter().map(|item| item.place).collect();
    let mut lapses = Lapses::default();
    let hold = now.inventory.hold_ref(purchase.hold);
    if let Some(hold) = hold.filter(|hold| !now.is_lapsed(hold)) {
        if hold.fan != purchase.fan {
            return Err(Rejection::NoSuchHold {
                hold: purchase.hold,
            });
        }
        let places = now.sorted(&places).map_err(|_| Rejection::ItemsDiffer)?;
        if places != hold.places {
            return Err(Rejection::ItemsDiffer);
        }
    } else {
        // Money is on its way, but the hold's time is past. Whether its lapse has been written makes
        // no difference.
        if let Some(hold) = hold {
            lapses.add(hold);
        }
        take_again(now, purchase.fan, &places, &mut lapses)?;
    }
    let quote = price(now, purchase)?;
    Ok(Decision {
        events: lapses.then(Event::OrderConfirmed {
            order: purchase.order,
            hold: purchase.hold,
            fan: purchase.fan,
            items: purchase.items.to_vec(),
            voucher: purchase.voucher.map(str::to_ascii_uppercase),
            lines: quote.lines,
            total_minor: quote.total_minor,
            quoted_ms: Some(purchase.quoted_ms),
        }),
        warnings: Vec::new(),
    })
}

/// Claims the places of a hold that lapsed, as if by a new hold of the same fan. Seats that came out
/// of an allocation went back to it and are not free. The rules about which seats are a good choice
/// are not asked again: the fan chose by them in time.
fn take_again(
    now: &Now<'_>,
    fan: FanId,
    places: &[Place],
    lapses: &mut Lapses,
) -> Result<(), Rejection> {
    if places.is_empty() {
        return Err(Rejection::NothingRequested);
    }
    let rules = now.rules();
    if places.len() > rules.max_places_per_hold.into() {
        return Err(Rejection::TooManyPlaces {
            max: rules.max_places_per_hold,
        });
    }
    let (_, has) = now.tally(fan, None);
    if usize::from(has) + places.len() > rules.max_places_per_fan.into() {
        return Err(Rejection::FanLimit {
            max: rules.max_places_per_fan,
            has,
        });
    }
    let places = now.sorted(places)?;
    let mut gone = Vec::new();
    for place in &places {
        if let Place::Seat(seat) = *place {
            match now.seat(seat, None) {
                Seat::Free => {}
                Seat::FreeAfter(hold) => lapses.add(hold),
                Seat::Taken | Seat::OffSale => gone.push(*place),
            }
        }
    }
    for (area, wanted) in area_places(&places) {
        match now.claim_area(area, wanted, 0, lapses) {
            Err(Rejection::AreaFull { left, .. }) => {
                let missing = wanted - left.min(wanted);
                gone.extend((0..missing).map(|_| Place::Area(area)));
            }
            claimed => claimed?,
        }
    }
    if gone.is_empty() {
        Ok(())
    } else {
        Err(Rejection::HoldLapsed { gone })
    }
}

/// What the items cost, if that is what was quoted.
fn price(now: &Now<'_>, purchase: &Purchase<'_>) -> Result<Quote, Rejection> {
    let voucher = purchase.voucher.map(|code| VoucherUse {
        code,
        orders_so_far: now.inventory.voucher_uses(code),
    });
    let prices = &now.inventory.terms().prices;
    let quote = quote(
        prices,
        now.map(),
        purchase.items,
        voucher,
        purchase.quoted_ms,
    )
    .map_err(|reason| Rejection::NoQuote { reason })?;
    if quote.total_minor == purchase.total_minor {
        Ok(quote)
    } else {
        Err(Rejection::PriceChanged {
            total_minor: quote.total_minor,
        })
    }
}

fn order_of<'a>(now: &Now<'a>, order: OrderId) -> Result<&'a OrderState, Rejection> {
    match now.inventory.orders.get(&order) {
        Some(record) => Ok(&record.order),
        None => Err(Rejection::NoSuchOrder { order }),
    }
}

pub(super) fn cancel(
    now: &Now<'_>,
    order: OrderId,
    places: &[Place],
) -> Result<Decision, Rejection> {
    let state = order_of(now, order)?;
    let mut live: Vec<Place> = state.tickets.iter().map(|(_, item)| item.place).collect();
    live.sort_unstable();
    let places = if places.is_empty() {
        live
    } else {
        let places = now.sorted(places)?;
        for place in &places {
            match live.binary_search(place) {
                Ok(at) => {
                    live.remove(at);
                }
                Err(_) => return Err(Rejection::NotInOrder { place: *place }),
            }
        }
        places
    };
    if places.is_empty() {
        return Err(Rejection::NothingRequested);
    }
    Ok(only(Event::TicketsCancelled { order, places }))
}

pub(super) fn exchange(
    now: &Now<'_>,
    order: OrderId,
    give: &[SeatIx],
    take: &[SeatIx],
    needs_accessible: bool,
) -> Result<Decision, Rejection> {
    let state = order_of(now, order)?;
    now.sorted_seats(give)?;
    let taken = now.sorted_seats(take)?;
    for seat in give {
        let place = Place::Seat(*seat);
        if !state.tickets.iter().any(|(_, item)| item.place == place) {
            return Err(Rejection::NotInOrder { place });
        }
    }
    let map = now.map();
    let same_band = |(give, take): (&SeatIx, &SeatIx)| map.band(*give) == map.band(*take);
    if give.len() != take.len() || !give.iter().zip(take).all(same_band) {
        return Err(Rejection::UnequalExchange);
    }
    let places: Vec<Place> = taken.iter().copied().map(Place::Seat).collect();
    let own: Vec<Place> = give.iter().copied().map(Place::Seat).collect();
    let mut lapses = Lapses::default();
    now.claim(&places, None, &mut lapses)?;
    let warnings = now.check(&FanChoice {
        places: &places,
        allocation: None,
        own: &own,
        needs_accessible,
        // An exchange takes no more than it gives: limits on how many cannot be passed by it.
        places_elsewhere: 0,
    })?;
    Ok(Decision {
        events: lapses.then(Event::SeatsExchanged {
            order,
            gave: give.to_vec(),
            took: take.to_vec(),
        }),
        warnings,
    })
}
