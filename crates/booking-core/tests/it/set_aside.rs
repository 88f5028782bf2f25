//! Seats that are not on sale: killed, and allocations.

use booking_core::inventory::SeatState;
use booking_core::test_support::*;
use booking_core::*;

use crate::support::*;

const LATER: i64 = T0 + 11 * 60_000;

fn list(seats: &[u32]) -> Vec<SeatIx> {
    seats.iter().copied().map(SeatIx).collect()
}
fn kill(seats: &[u32]) -> Command {
    Command::KillSeats { seats: list(seats) }
}
fn revive(seats: &[u32]) -> Command {
    Command::ReviveSeats { seats: list(seats) }
}
fn allocate(id: u128, seats: &[u32]) -> Command {
    Command::AllocateSeats {
        allocation: allocation(id),
        seats: list(seats),
    }
}
fn release(id: u128, seats: &[u32]) -> Command {
    Command::ReleaseAllocation {
        allocation: allocation(id),
        seats: list(seats),
    }
}
fn hold_from(id: u128, from: u128, places: &[u32]) -> Command {
    Command::PlaceHold {
        hold: hold(id),
        fan: fan(id),
        request: SeatRequest::These(seats(places)),
        needs_accessible: false,
        allocation: Some(allocation(from)),
    }
}
/// Ten seats, of which 0 to 3 are set aside as allocation 1.
fn aside() -> Inventory {
    let mut inventory = empty(&house(1, 1, 10), relaxed());
    execute(&mut inventory, &allocate(1, &[0, 1, 2, 3]), T0).unwrap();
    inventory
}

#[test]
fn killed_seats_cannot_be_held_until_they_are_revived() {
    let mut inventory = empty(&house(1, 1, 10), relaxed());
    execute(&mut inventory, &kill(&[5, 4]), T0).unwrap();
    let refused = decide(&inventory, &place_hold(1, 1, &seats(&[3, 4])), T0);
    let off_sale = Rejection::SeatsNotOnSale { seats: list(&[4]) };
    assert_eq!(refused, Err(off_sale));
    execute(&mut inventory, &revive(&[4]), T0).unwrap();
    execute(&mut inventory, &place_hold(1, 1, &seats(&[3, 4])), T0).unwrap();
    assert_eq!(inventory.seat(seat(5)), SeatState::Killed);
}

#[test]
fn only_free_seats_are_killed_and_only_killed_ones_revived() {
    let mut inventory = aside();
    execute(&mut inventory, &place_hold(1, 1, &seats(&[5])), T0).unwrap();
    let ask = |command: &Command| decide(&inventory, command, T0).unwrap_err();
    let taken = Rejection::SeatsTaken { seats: list(&[5]) };
    assert_eq!(ask(&kill(&[5, 6])), taken);
    let off_sale = Rejection::SeatsNotOnSale { seats: list(&[1]) };
    assert_eq!(ask(&kill(&[1, 6])), off_sale);
    let seats = list(&[5, 6]);
    assert_eq!(ask(&revive(&[6, 5])), Rejection::NotKilled { seats });
    assert_eq!(ask(&kill(&[])), Rejection::NothingRequested);
    // Once its hold has lapsed the seat is free.
    let killed = execute(&mut inventory, &kill(&[5]), LATER).unwrap();
    assert_eq!(killed.events[0], Event::HoldExpired { hold: hold(1) });
}

#[test]
fn seats_set_aside_are_held_only_out_of_their_allocation() {
    let inventory = aside();
    let open = decide(&inventory, &place_hold(1, 1, &seats(&[3, 4])), T0);
    let off_sale = Rejection::SeatsNotOnSale { seats: list(&[3]) };
    assert_eq!(open, Err(off_sale));
    let not_in = |id, seats: &[u32]| {
        Err(Rejection::NotInAllocation {
            allocation: allocation(id),
            seats: list(seats),
        })
    };
    let other = decide(&inventory, &hold_from(1, 2, &[3]), T0);
    assert_eq!(other, not_in(2, &[3]));
    let beyond = decide(&inventory, &hold_from(1, 1, &[3, 4]), T0);
    assert_eq!(beyond, not_in(1, &[4]));
    assert!(decide(&inventory, &hold_from(1, 1, &[3]), T0).is_ok());
}

#[test]
fn a_hold_out_of_an_allocation_goes_back_to_it() {
    let before = aside().encode();
    let give_back = Command::ReleaseHold {
        hold: hold(1),
        fan: fan(1),
    };
    for (ending, at) in [(give_back, T0), (Command::ExpireHolds { limit: 1 }, LATER)] {
        let mut inventory = aside();
        // All of them: the allocation is empty in between.
        execute(&mut inventory, &hold_from(1, 1, &[0, 1, 2, 3]), T0).unwrap();
        assert_eq!(inventory.allocated_seats(allocation(1)), []);
        execute(&mut inventory, &ending, at).unwrap();
        assert_eq!(inventory.encode(), before);
    }
}

#[test]
fn a_lapsed_hold_out_of_an_allocation_is_free_in_it_and_nowhere_else() {
    let mut inventory = aside();
    execute(&mut inventory, &hold_from(1, 1, &[2, 3]), T0).unwrap();
    let open = decide(&inventory, &place_hold(2, 2, &seats(&[3])), LATER);
    let off_sale = Rejection::SeatsNotOnSale { seats: list(&[3]) };
    assert_eq!(open, Err(off_sale));
    let again = execute(&mut inventory, &hold_from(2, 1, &[3]), LATER).unwrap();
    assert_eq!(again.events[0], Event::HoldExpired { hold: hold(1) });
    assert_eq!(inventory.seat(seat(2)), SeatState::Allocated(allocation(1)));
}

#[test]
fn a_sold_allocation_seat_comes_back_to_the_open_sale_when_it_is_cancelled() {
    let mut inventory = aside();
    execute(&mut inventory, &hold_from(1, 1, &[2]), T0).unwrap();
    execute(&mut inventory, &confirm(1, 1, 1, &seats(&[2])), T0).unwrap();
    assert_eq!(inventory.seat(seat(2)), SeatState::Sold(order(1)));
    let cancel = Command::CancelTickets {
        order: order(1),
        places: vec![],
    };
    execute(&mut inventory, &cancel, T0).unwrap();
    assert_eq!(inventory.seat(seat(2)), SeatState::Open);
}

#[test]
fn an_allocation_grows_and_what_nobody_took_is_released() {
    let mut inventory = aside();
    execute(&mut inventory, &allocate(1, &[9]), T0).unwrap();
    execute(&mut inventory, &hold_from(1, 1, &[0]), T0).unwrap();
    execute(&mut inventory, &hold_from(2, 1, &[1]), LATER - 60_000).unwrap();
    let refused = decide(&inventory, &release(1, &[1, 2]), LATER);
    let not_in = Rejection::NotInAllocation {
        allocation: allocation(1),
        seats: list(&[1]),
    };
    assert_eq!(refused, Err(not_in));
    // Hold 1 has lapsed and its seat goes as well; hold 2 is live.
    let released = execute(&mut inventory, &release(1, &[]), LATER).unwrap();
    assert_eq!(released.events[0], Event::HoldExpired { hold: hold(1) });
    let expected = Event::AllocationReleased {
        allocation: allocation(1),
        seats: list(&[0, 2, 3, 9]),
    };
    assert_eq!(released.events[1], expected);
    assert_eq!(inventory.seat(seat(9)), SeatState::Open);
    let nothing = decide(&inventory, &release(1, &[]), LATER).unwrap_err();
    assert_eq!(nothing.code(), "not_in_allocation");
}

#[test]
fn best_available_looks_only_where_it_may() {
    let mut inventory = aside();
    let best = |from: Option<u128>| Command::PlaceHold {
        hold: hold(1),
        fan: fan(1),
        request: SeatRequest::BestAvailable {
            quantity: 2,
            bands: vec![],
            together: true,
        },
        needs_accessible: false,
        allocation: from.map(allocation),
    };
    execute(&mut inventory, &best(Some(1)), T0).unwrap();
    assert_eq!(inventory.hold(hold(1)).unwrap().places, seats(&[2, 3]));
    execute(&mut inventory, &best(None), LATER).unwrap();
    assert_eq!(inventory.hold(hold(1)).unwrap().places, seats(&[4, 5]));
}
