//! Streams of commands over a small house and few names, so that they meet often.

use booking_core::inventory::SeatState;
use booking_core::price::Place;
use booking_core::seatmap::SeatMap;
use booking_core::terms::{BookingRules, GapRule};
use booking_core::test_support::*;
use booking_core::*;
use proptest::prelude::*;
use std::sync::Arc;

use crate::support::*;

pub(crate) const HOLD_MS: i64 = 100;
pub(crate) const EXTENSION_MS: i64 = 40;
pub(crate) const HOLD_MAX_MS: i64 = 200;
pub(crate) const CAPACITY: u32 = 6;

/// 26 seats in three rows with an aisle, wheelchair spaces, two bands; standing room for six.
pub(crate) fn theatre() -> Arc<SeatMap> {
    let mut spec = drawn_spec(&["wc...... .", "111 111111", "1111w1 .."]);
    spec.areas.push(standing("Standing", CAPACITY));
    built(spec)
}

pub(crate) fn rules(single_seat_gap: GapRule) -> BookingRules {
    BookingRules {
        hold_ttl_ms: HOLD_MS,
        hold_extension_ms: EXTENSION_MS,
        hold_max_ms: HOLD_MAX_MS,
        max_places_per_hold: 6,
        max_holds_per_fan: 3,
        max_places_per_fan: 9,
        single_seat_gap,
        ..BookingRules::default()
    }
}

/// Few names, so that they meet often.
fn some_place() -> impl Strategy<Value = Place> {
    prop_oneof![
        9 => (0..26_u32).prop_map(|n| Place::Seat(SeatIx(n))),
        2 => Just(Place::Area(AreaIx(0))),
        // A place the house has not got.
        1 => (25..29_u32).prop_map(|n| Place::Seat(SeatIx(n))),
    ]
}
fn some_places() -> impl Strategy<Value = Vec<Place>> {
    let neighbours = (0..24_u32, 1..4_u32).prop_map(|(first, count)| {
        (first..first + count)
            .map(|n| Place::Seat(SeatIx(n)))
            .collect()
    });
    prop_oneof![
        3 => neighbours,
        2 => proptest::collection::vec(some_place(), 0..4),
    ]
}
fn some_seats() -> impl Strategy<Value = Vec<SeatIx>> {
    proptest::collection::vec((0..27_u32).prop_map(SeatIx), 0..4)
}
fn some_request() -> impl Strategy<Value = SeatRequest> {
    prop_oneof![
        6 => some_places().prop_map(SeatRequest::These),
        2 => (0..6_u16, proptest::option::of(0..2_u8), any::<bool>()).prop_map(
            |(quantity, band, together)| SeatRequest::BestAvailable {
                quantity,
                bands: band.map(BandIx).into_iter().collect(),
                together,
            }
        ),
        1 => (0..4_u16).prop_map(|quantity| SeatRequest::GeneralAdmission {
            area: AreaIx(0),
            quantity,
        }),
    ]
}
fn some_allocation() -> impl Strategy<Value = Option<AllocationId>> {
    prop_oneof![4 => Just(None), 1 => (0..2_u128).prop_map(|n| Some(allocation(n)))]
}

/// What is tried: a command as it is, or aimed at what is really there, as a shop would.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    command: Command,
    aimed: bool,
}

fn some_attempt() -> impl Strategy<Value = Attempt> {
    let (holds, fans, orders) = (0..5_u128, 0..4_u128, 0..6_u128);
    let place = (
        holds.clone(),
        fans.clone(),
        some_request(),
        any::<bool>(),
        some_allocation(),
    )
        .prop_map(
            |(h, f, request, needs_accessible, allocation)| Command::PlaceHold {
                hold: hold(h),
                fan: fan(f),
                request,
                needs_accessible,
                allocation,
            },
        );
    let change = (
        holds.clone(),
        fans.clone(),
        some_places(),
        some_places(),
        any::<bool>(),
    )
        .prop_map(
            |(h, f, add, remove, needs_accessible)| Command::ChangeHold {
                hold: hold(h),
                fan: fan(f),
                add,
                remove,
                needs_accessible,
            },
        );
    let extend = (holds.clone(), fans.clone()).prop_map(|(h, f)| Command::ExtendHold {
        hold: hold(h),
        fan: fan(f),
    });
    let release = (holds.clone(), fans.clone()).prop_map(|(h, f)| Command::ReleaseHold {
        hold: hold(h),
        fan: fan(f),
    });
    let expire = (0..4_u32).prop_map(|limit| Command::ExpireHolds { limit });
    let cancel = (orders.clone(), some_places()).prop_map(|(id, places)| Command::CancelTickets {
        order: order(id),
        places,
    });
    let cancel_all = orders.clone().prop_map(|id| Command::CancelTickets {
        order: order(id),
        places: vec![],
    });
    let exchange = (orders.clone(), some_seats(), some_seats()).prop_map(|(id, give, take)| {
        Command::ExchangeSeats {
            order: order(id),
            give,
            take,
            needs_accessible: true,
        }
    });
    let confirm_any = (orders.clone(), holds, fans, some_places())
        .prop_map(|(o, h, f, places)| confirm(o, h, f, &places));
    let kill = some_seats().prop_map(|seats| Command::KillSeats { seats });
    let revive = some_seats().prop_map(|seats| Command::ReviveSeats { seats });
    let allocate = (0..2_u128, some_seats()).prop_map(|(id, seats)| Command::AllocateSeats {
        allocation: allocation(id),
        seats,
    });
    let release_allocation =
        (0..2_u128, some_seats()).prop_map(|(id, seats)| Command::ReleaseAllocation {
            allocation: allocation(id),
            seats,
        });
    let command = prop_oneof![
        8 => place,
        5 => change,
        3 => extend,
        2 => release,
        1 => expire,
        6 => confirm_any,
        2 => cancel,
        1 => cancel_all,
        4 => exchange,
        1 => kill,
        2 => revive,
        2 => allocate,
        2 => release_allocation,
    ];
    let aimed = prop_oneof![3 => Just(true), 1 => Just(false)];
    (command, aimed).prop_map(|(command, aimed)| Attempt { command, aimed })
}

/// Attempts, each some time after the one before.
pub(crate) fn some_stream() -> impl Strategy<Value = Vec<(i64, Attempt)>> {
    proptest::collection::vec(
        (prop_oneof![3 => 0..5_i64, 1 => 20..120_i64], some_attempt()),
        1..80,
    )
}

pub(crate) fn command_for(inventory: &Inventory, attempt: &Attempt) -> Command {
    let mut command = attempt.command.clone();
    if !attempt.aimed {
        return command;
    }
    match &mut command {
        Command::ChangeHold {
            hold, fan, remove, ..
        } => {
            if let Some(held) = inventory.hold(*hold) {
                *fan = held.fan;
                *remove = held.places.into_iter().take(remove.len()).collect();
            }
        }
        Command::ExtendHold { hold, fan } | Command::ReleaseHold { hold, fan } => {
            *fan = inventory.hold(*hold).map_or(*fan, |held| held.fan);
        }
        Command::ConfirmOrder {
            order, hold, fan, ..
        } => {
            if let Some(held) = inventory.hold(*hold) {
                *fan = held.fan;
                let [order, hold, fan] = [order.uuid(), hold.uuid(), fan.uuid()];
                return confirm(order.as_u128(), hold.as_u128(), fan.as_u128(), &held.places);
            }
        }
        Command::ExchangeSeats {
            order, give, take, ..
        } => (*give, *take) = some_exchange(inventory, *order, give.len().max(1)),
        Command::ReviveSeats { seats } => {
            let killed = |seat: &SeatIx| inventory.seat(*seat) == SeatState::Killed;
            let all = (0..inventory.map().seat_count()).map(SeatIx);
            *seats = all.filter(killed).take(seats.len().max(1)).collect();
        }
        Command::ReleaseAllocation { allocation, seats } => {
            let there = inventory.allocated_seats(*allocation);
            *seats = there.into_iter().take(seats.len()).collect();
        }
        Command::PlaceHold { .. }
        | Command::ExpireHolds { .. }
        | Command::CancelTickets { .. }
        | Command::KillSeats { .. }
        | Command::AllocateSeats { .. }
        | Command::SetTerms { .. } => {}
    }
    command
}

/// At most `count` seats of an order, and as many open ones of the same bands.
fn some_exchange(inventory: &Inventory, id: OrderId, count: usize) -> (Vec<SeatIx>, Vec<SeatIx>) {
    let state = inventory.order(id);
    let tickets = state.iter().flat_map(|state| &state.tickets);
    let seats = tickets.filter_map(|(_, item)| match item.place {
        Place::Seat(seat) => Some(seat),
        Place::Area(_) => None,
    });
    let mut open: Vec<SeatIx> = inventory.open_seats().iter().collect();
    let pairs = seats.take(count).filter_map(|give| {
        let band = |seat: &SeatIx| inventory.map().band(*seat);
        let at = open.iter().position(|take| band(take) == band(&give))?;
        Some((give, open.remove(at)))
    });
    pairs.unzip()
}
