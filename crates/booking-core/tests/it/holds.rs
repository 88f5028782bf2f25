//! Holds: who gets them, how long they live, what a lapse means.

use booking_core::inventory::SeatState;
use booking_core::terms::{BookingRules, GapRule};
use booking_core::test_support::*;
use booking_core::*;

use crate::support::*;

const MINUTE: i64 = 60_000;

/// Ten seats in a row; seat rules off, limits wide.
fn row_of_ten() -> Inventory {
    empty(&house(1, 1, 10), relaxed())
}

fn change(id: u128, owner: u128, add: &[u32], remove: &[u32]) -> Command {
    Command::ChangeHold {
        hold: hold(id),
        fan: fan(owner),
        add: seats(add),
        remove: seats(remove),
        needs_accessible: false,
    }
}
fn extend(id: u128, owner: u128) -> Command {
    Command::ExtendHold {
        hold: hold(id),
        fan: fan(owner),
    }
}
fn release(id: u128, owner: u128) -> Command {
    Command::ReleaseHold {
        hold: hold(id),
        fan: fan(owner),
    }
}

#[test]
fn a_free_seat_is_held_by_who_asks_first() {
    let mut inventory = row_of_ten();
    execute(&mut inventory, &place_hold(1, 1, &seats(&[2, 3])), T0).unwrap();
    assert_eq!(inventory.seat(seat(2)), SeatState::Held(hold(1)));
    let late = execute(&mut inventory, &place_hold(2, 2, &seats(&[3, 4])), T0);
    assert_eq!(
        late,
        Err(Rejection::SeatsTaken {
            seats: vec![seat(3)]
        })
    );
    assert_eq!(inventory.seat(seat(4)), SeatState::Open);
}

#[test]
fn every_taken_seat_of_a_request_is_named() {
    let mut inventory = row_of_ten();
    execute(&mut inventory, &place_hold(1, 1, &seats(&[2, 3, 7])), T0).unwrap();
    let late = execute(&mut inventory, &place_hold(2, 2, &seats(&[7, 4, 2])), T0);
    assert_eq!(
        late,
        Err(Rejection::SeatsTaken {
            seats: vec![seat(2), seat(7)]
        })
    );
}

#[test]
fn a_request_must_name_places_that_are_there_and_each_seat_once() {
    let inventory = row_of_ten();
    let ask =
        |places: &[price::Place]| decide(&inventory, &place_hold(1, 1, places), T0).unwrap_err();
    assert_eq!(ask(&[]), Rejection::NothingRequested);
    assert_eq!(
        ask(&seats(&[1, 4, 1])),
        Rejection::DuplicateSeat { seat: seat(1) }
    );
    let place = price::Place::Seat(seat(10));
    assert_eq!(ask(&seats(&[1, 10])), Rejection::UnknownPlace { place });
    let place = price::Place::Area(AreaIx(0));
    assert_eq!(ask(&area(0, 1)), Rejection::UnknownPlace { place });
}

#[test]
fn holds_are_taken_only_while_the_performance_is_on_sale() {
    let rules = BookingRules {
        on_sale_from_ms: T0,
        on_sale_until_ms: T0 + MINUTE,
        ..relaxed()
    };
    let mut inventory = empty(&house(1, 1, 10), rules);
    let closed = Err(Rejection::NotOnSale {
        from_ms: T0,
        until_ms: T0 + MINUTE,
    });
    let one = place_hold(1, 1, &seats(&[0]));
    assert_eq!(execute(&mut inventory, &one, T0 - 1), closed);
    assert_eq!(execute(&mut inventory, &one, T0 + MINUTE), closed);
    execute(&mut inventory, &one, T0 + MINUTE - 1).unwrap();
    // What was chosen in time can be given back and made smaller afterwards, but not larger.
    assert_eq!(
        execute(&mut inventory, &change(1, 1, &[1], &[]), T0 + MINUTE),
        closed
    );
    execute(&mut inventory, &release(1, 1), T0 + MINUTE).unwrap();
}

#[test]
fn a_hold_lives_from_selection_for_its_time_and_not_a_millisecond_longer() {
    let mut inventory = row_of_ten();
    execute(&mut inventory, &place_hold(1, 1, &seats(&[0])), T0).unwrap();
    let end = inventory.hold(hold(1)).unwrap().expires_ms;
    assert_eq!(end, T0 + 10 * MINUTE);
    assert!(execute(&mut inventory, &place_hold(2, 2, &seats(&[0])), end - 1).is_err());
    execute(&mut inventory, &place_hold(2, 2, &seats(&[0])), end).unwrap();
}

#[test]
fn taking_a_lapsed_seat_writes_the_lapse_first() {
    let mut inventory = row_of_ten();
    execute(&mut inventory, &place_hold(1, 1, &seats(&[0, 1])), T0).unwrap();
    execute(&mut inventory, &place_hold(2, 2, &seats(&[4, 5])), T0 + 1).unwrap();
    let later = T0 + 11 * MINUTE;
    let taken = execute(&mut inventory, &place_hold(3, 3, &seats(&[5, 1])), later).unwrap();
    assert_eq!(taken.events[0], Event::HoldExpired { hold: hold(1) });
    assert_eq!(taken.events[1], Event::HoldExpired { hold: hold(2) });
    assert!(matches!(taken.events[2], Event::HoldPlaced { hold: h, .. } if h == hold(3)));
    assert_eq!(taken.events.len(), 3);
    // The others of the lapsed holds are free as well.
    assert_eq!(inventory.seat(seat(0)), SeatState::Open);
}

#[test]
fn a_lapsed_hold_cannot_be_changed_extended_or_released() {
    let mut inventory = row_of_ten();
    execute(&mut inventory, &place_hold(1, 1, &seats(&[0])), T0).unwrap();
    let end = T0 + 10 * MINUTE;
    for command in [change(1, 1, &[1], &[]), extend(1, 1), release(1, 1)] {
        assert!(decide(&inventory, &command, end - 1).is_ok());
        let late = decide(&inventory, &command, end);
        assert_eq!(late, Err(Rejection::NoSuchHold { hold: hold(1) }));
    }
}

#[test]
fn somebody_elses_hold_is_told_like_one_that_is_not_there() {
    let mut inventory = row_of_ten();
    execute(&mut inventory, &place_hold(1, 1, &seats(&[0])), T0).unwrap();
    for command in [change(1, 2, &[1], &[]), extend(1, 2), release(1, 2)] {
        let refused = decide(&inventory, &command, T0);
        assert_eq!(refused, Err(Rejection::NoSuchHold { hold: hold(1) }));
    }
    let unknown = decide(&inventory, &extend(9, 2), T0);
    assert_eq!(unknown, Err(Rejection::NoSuchHold { hold: hold(9) }));
}

#[test]
fn a_name_is_used_by_one_live_hold_at_a_time() {
    let mut inventory = row_of_ten();
    execute(&mut inventory, &place_hold(1, 1, &seats(&[0])), T0).unwrap();
    let again = execute(&mut inventory, &place_hold(1, 1, &seats(&[1])), T0);
    assert_eq!(again, Err(Rejection::HoldExists { hold: hold(1) }));
    let later = T0 + 10 * MINUTE;
    let decision = execute(&mut inventory, &place_hold(1, 2, &seats(&[1])), later).unwrap();
    assert_eq!(decision.events[0], Event::HoldExpired { hold: hold(1) });
    assert_eq!(inventory.hold(hold(1)).unwrap().fan, fan(2));
}

#[test]
fn extensions_end_at_the_maximum_counted_from_selection() {
    let mut inventory = row_of_ten();
    execute(&mut inventory, &place_hold(1, 1, &seats(&[0])), T0).unwrap();
    let ends = |inventory: &Inventory| inventory.hold(hold(1)).unwrap().expires_ms - T0;
    execute(&mut inventory, &extend(1, 1), T0 + MINUTE).unwrap();
    assert_eq!(ends(&inventory), 15 * MINUTE);
    execute(&mut inventory, &extend(1, 1), T0 + MINUTE).unwrap();
    assert_eq!(ends(&inventory), 20 * MINUTE);
    let refused = execute(&mut inventory, &extend(1, 1), T0 + MINUTE);
    let expires_ms = T0 + 20 * MINUTE;
    assert_eq!(refused, Err(Rejection::HoldAtMaximum { expires_ms }));
    assert_eq!(inventory.next_expiry_ms(), Some(expires_ms));
}

#[test]
fn a_first_life_longer_than_the_maximum_is_cut_to_it() {
    let rules = BookingRules {
        hold_ttl_ms: 30 * MINUTE,
        ..relaxed()
    };
    let mut inventory = empty(&house(1, 1, 10), rules);
    execute(&mut inventory, &place_hold(1, 1, &seats(&[0])), T0).unwrap();
    let held = inventory.hold(hold(1)).unwrap();
    assert_eq!(held.expires_ms, T0 + 20 * MINUTE);
    assert_eq!(held.max_expires_ms, held.expires_ms);
}

#[test]
fn changing_a_hold_leaves_its_lifetime_alone_whether_it_succeeds_or_fails() {
    let mut inventory = row_of_ten();
    execute(&mut inventory, &place_hold(1, 1, &seats(&[0, 1])), T0).unwrap();
    execute(&mut inventory, &place_hold(2, 2, &seats(&[5])), T0).unwrap();
    let before = inventory.hold(hold(1)).unwrap();
    let failed = execute(&mut inventory, &change(1, 1, &[5], &[]), T0 + MINUTE);
    assert!(failed.is_err());
    assert_eq!(inventory.hold(hold(1)).unwrap(), before);
    execute(&mut inventory, &change(1, 1, &[2], &[0]), T0 + MINUTE).unwrap();
    let after = inventory.hold(hold(1)).unwrap();
    assert_eq!(after.places, seats(&[1, 2]));
    assert_eq!(
        (after.expires_ms, after.max_expires_ms),
        (before.expires_ms, before.max_expires_ms)
    );
    assert_eq!(inventory.seat(seat(0)), SeatState::Open);
}

#[test]
fn a_change_names_what_it_has_not_got_and_what_it_has_already() {
    let mut inventory = row_of_ten();
    execute(&mut inventory, &place_hold(1, 1, &seats(&[0, 1])), T0).unwrap();
    let ask = |add: &[u32], remove: &[u32]| {
        decide(&inventory, &change(1, 1, add, remove), T0).unwrap_err()
    };
    let place = price::Place::Seat(seat(7));
    assert_eq!(ask(&[], &[7]), Rejection::NotInHold { place });
    assert_eq!(ask(&[1], &[]), Rejection::DuplicateSeat { seat: seat(1) });
    assert_eq!(ask(&[], &[]), Rejection::NothingRequested);
    // Giving everything back is a release, and says so nowhere else.
    assert_eq!(ask(&[], &[0, 1]), Rejection::NothingRequested);
}

#[test]
fn a_released_hold_frees_its_places_at_once() {
    let mut inventory = row_of_ten();
    let empty = inventory.encode();
    execute(&mut inventory, &place_hold(1, 1, &seats(&[0, 1])), T0).unwrap();
    execute(&mut inventory, &release(1, 1), T0).unwrap();
    assert_eq!(inventory.encode(), empty);
    assert_eq!(inventory.places_of(fan(1)), 0);
}

#[test]
fn lapses_are_written_down_oldest_first_up_to_the_limit() {
    let mut inventory = row_of_ten();
    for (id, at) in [(3, 0), (1, 5), (2, 5)] {
        let one = place_hold(id, id, &seats(&[id as u32]));
        execute(&mut inventory, &one, T0 + at).unwrap();
    }
    let expire = |limit| Command::ExpireHolds { limit };
    let none = execute(&mut inventory, &expire(9), T0 + MINUTE).unwrap();
    assert_eq!(none, Decision::default());
    let two = execute(&mut inventory, &expire(2), T0 + 11 * MINUTE).unwrap();
    let expired = |id| Event::HoldExpired { hold: hold(id) };
    assert_eq!(two.events, [expired(3), expired(1)]);
    let rest = execute(&mut inventory, &expire(2), T0 + 11 * MINUTE).unwrap();
    assert_eq!(rest.events, [expired(2)]);
    assert_eq!(inventory.next_expiry_ms(), None);
}

#[test]
fn limits_hold_per_hold_per_fan_and_for_the_number_of_holds() {
    let rules = BookingRules {
        max_places_per_hold: 3,
        max_holds_per_fan: 2,
        max_places_per_fan: 4,
        single_seat_gap: GapRule::Off,
        ..BookingRules::default()
    };
    let mut inventory = empty(&house(1, 1, 10), rules);
    let four = decide(&inventory, &place_hold(1, 1, &seats(&[0, 1, 2, 3])), T0);
    assert_eq!(four, Err(Rejection::TooManyPlaces { max: 3 }));
    execute(&mut inventory, &place_hold(1, 1, &seats(&[0, 1, 2])), T0).unwrap();
    let five = decide(&inventory, &place_hold(2, 1, &seats(&[3, 4])), T0);
    assert_eq!(five, Err(Rejection::FanLimit { max: 4, has: 3 }));
    execute(&mut inventory, &place_hold(2, 1, &seats(&[3])), T0).unwrap();
    let third = decide(&inventory, &place_hold(3, 1, &seats(&[4])), T0);
    assert_eq!(third, Err(Rejection::TooManyHolds { max: 2 }));
    // A change counts what the hold would have, and what the fan has elsewhere.
    let larger = decide(&inventory, &change(2, 1, &[4], &[]), T0);
    assert_eq!(larger, Err(Rejection::FanLimit { max: 4, has: 3 }));
    execute(&mut inventory, &change(2, 1, &[4], &[3]), T0).unwrap();
    // Others have limits of their own.
    execute(&mut inventory, &place_hold(4, 2, &seats(&[7, 8])), T0).unwrap();
}

#[test]
fn lapsed_holds_count_towards_no_limit() {
    let rules = BookingRules {
        max_holds_per_fan: 1,
        max_places_per_fan: 2,
        ..relaxed()
    };
    let mut inventory = empty(&house(1, 1, 10), rules);
    execute(&mut inventory, &place_hold(1, 1, &seats(&[0, 1])), T0).unwrap();
    let later = T0 + 10 * MINUTE;
    execute(&mut inventory, &place_hold(2, 1, &seats(&[4, 5])), later).unwrap();
    assert_eq!(inventory.holds_of(fan(1)), [hold(1), hold(2)]);
}

#[test]
fn an_area_takes_as_many_as_it_has_room_for() {
    let mut spec = house_spec(1, 1, 2);
    spec.areas.push(standing("Standing", 5));
    let mut inventory = empty(&built(spec), relaxed());
    let ask = |id, quantity| Command::PlaceHold {
        hold: hold(id),
        fan: fan(id),
        request: SeatRequest::GeneralAdmission {
            area: AreaIx(0),
            quantity,
        },
        needs_accessible: false,
        allocation: None,
    };
    execute(&mut inventory, &ask(1, 3), T0).unwrap();
    assert_eq!(inventory.area_left(AreaIx(0)), 2);
    assert_eq!(inventory.hold(hold(1)).unwrap().places, area(0, 3));
    let full = execute(&mut inventory, &ask(2, 3), T0 + 1);
    let (area, left) = (AreaIx(0), 2);
    assert_eq!(full, Err(Rejection::AreaFull { area, left }));
    execute(&mut inventory, &ask(2, 2), T0 + 1).unwrap();
    // Lapses make room, the oldest first and no more of them than are needed.
    let later = T0 + 11 * MINUTE;
    let taken = execute(&mut inventory, &ask(3, 1), later).unwrap();
    assert_eq!(taken.events[0], Event::HoldExpired { hold: hold(1) });
    assert_eq!(taken.events.len(), 2);
    let zero = execute(&mut inventory, &ask(4, 0), later);
    assert_eq!(zero, Err(Rejection::NothingRequested));
    let (area, left) = (AreaIx(0), 4);
    let full = execute(&mut inventory, &ask(4, 5), later);
    assert_eq!(full, Err(Rejection::AreaFull { area, left }));
}

#[test]
fn a_hold_may_mix_seats_and_area_places_and_swap_them() {
    let mut spec = house_spec(1, 1, 4);
    spec.areas.push(standing("Standing", 2));
    let mut inventory = empty(&built(spec), relaxed());
    let places = [area(0, 2), seats(&[1])].concat();
    execute(&mut inventory, &place_hold(1, 1, &places), T0).unwrap();
    let swap = Command::ChangeHold {
        hold: hold(1),
        fan: fan(1),
        add: [seats(&[0]), area(0, 1)].concat(),
        remove: area(0, 2),
        needs_accessible: false,
    };
    execute(&mut inventory, &swap, T0).unwrap();
    let held = inventory.hold(hold(1)).unwrap().places;
    assert_eq!(held, [seats(&[0, 1]), area(0, 1)].concat());
    assert_eq!(inventory.area_left(AreaIx(0)), 1);
}
