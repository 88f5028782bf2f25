//! Bytes of an inventory and of a public view: canonical, and never believed if damaged.

use booking_core::price::Place;
use booking_core::test_support::*;
use booking_core::*;

use crate::support::*;

/// Something of everything.
fn busy() -> Inventory {
    let mut spec = house_spec(2, 3, 10);
    spec.areas.push(standing("Standing", 20));
    let mut inventory = empty(&built(spec), relaxed());
    let list = |seats: &[u32]| seats.iter().copied().map(SeatIx).collect();
    let commands = [
        Command::KillSeats {
            seats: list(&[0, 1]),
        },
        Command::AllocateSeats {
            allocation: allocation(1),
            seats: list(&[50, 51, 52]),
        },
        place_hold(1, 1, &[seats(&[4, 5]), area(0, 2)].concat()),
        place_hold(2, 2, &seats(&[14, 15])),
        confirm(1, 2, 2, &seats(&[15, 14])),
        Command::CancelTickets {
            order: order(1),
            places: seats(&[14]),
        },
        Command::PlaceHold {
            hold: hold(3),
            fan: fan(3),
            request: SeatRequest::These(seats(&[51])),
            needs_accessible: false,
            allocation: Some(allocation(1)),
        },
    ];
    for command in &commands {
        execute(&mut inventory, command, T0).unwrap();
    }
    inventory
}

fn decoded(inventory: &Inventory, bytes: &[u8]) -> Result<Inventory, codec::DecodeError> {
    Inventory::decode(inventory.map().clone(), inventory.terms().clone(), bytes)
}

#[test]
fn equal_states_have_equal_bytes_whatever_led_there() {
    let mut one = empty(&house(1, 2, 10), relaxed());
    let mut other = one.clone();
    let hold_two = |id: u128, first: u32| place_hold(id, id, &seats(&[first, first + 1]));
    execute(&mut one, &hold_two(1, 0), T0).unwrap();
    execute(&mut one, &hold_two(2, 4), T0).unwrap();
    // The other way round, with a detour that leaves other slots in memory.
    execute(&mut other, &hold_two(9, 0), T0).unwrap();
    execute(&mut other, &hold_two(2, 4), T0).unwrap();
    let give_back = Command::ReleaseHold {
        hold: hold(9),
        fan: fan(9),
    };
    execute(&mut other, &give_back, T0).unwrap();
    execute(&mut other, &hold_two(1, 0), T0).unwrap();
    assert_eq!(one.encode(), other.encode());
}

#[test]
fn everything_comes_back() {
    let inventory = busy();
    let again = decoded(&inventory, &inventory.encode()).unwrap();
    assert_eq!(again.encode(), inventory.encode());
    assert_eq!(again.counts(), inventory.counts());
    assert_eq!(again.open_seats(), inventory.open_seats());
    assert_eq!(again.order(order(1)), inventory.order(order(1)));
    assert_eq!(again.hold(hold(3)), inventory.hold(hold(3)));
    assert_eq!(again.next_expiry_ms(), inventory.next_expiry_ms());
    assert_eq!(
        again.allocated_seats(allocation(1)),
        inventory.allocated_seats(allocation(1))
    );
    // The next ticket of the order gets a number that was never used.
    let mut again = again;
    let exchange = Command::ExchangeSeats {
        order: order(1),
        give: vec![seat(15)],
        take: vec![seat(20)],
        needs_accessible: false,
    };
    execute(&mut again, &exchange, T0).unwrap();
    assert_eq!(again.order(order(1)).unwrap().tickets[0].0, 2);
}

#[test]
fn an_inventory_of_another_map_is_refused() {
    let bytes = busy().encode();
    let other = empty(&house(1, 1, 3), relaxed());
    let fault = decoded(&other, &bytes).err().unwrap();
    assert_eq!(fault.what, "an inventory of another seat map");
}

#[test]
fn truncated_inventories_are_refused() {
    let inventory = busy();
    let bytes = inventory.encode();
    for length in 0..bytes.len() {
        assert!(decoded(&inventory, &bytes[..length]).is_err(), "{length}");
    }
}

#[test]
fn a_flipped_bit_is_refused_or_gives_another_sound_inventory() {
    let inventory = busy();
    let bytes = inventory.encode();
    for at in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[at / 8] ^= 1 << (at % 8);
        if let Ok(other) = decoded(&inventory, &damaged) {
            assert_eq!(other.encode(), damaged, "bit {at}: one state, one encoding");
            let counts = other.counts();
            let total = counts.open + counts.held + counts.sold + counts.closed;
            assert_eq!(total, 80);
        }
    }
}

#[test]
fn an_empty_house_takes_at_most_eight_bytes_a_seat() {
    let inventory = empty(&house(50, 20, 50), relaxed());
    let bytes = inventory.heap_bytes() as u32;
    assert!(bytes <= 8 * 50_000, "{bytes}");
}

#[test]
fn a_view_shows_four_statuses_and_what_is_left_of_areas() {
    let inventory = busy();
    let view = PublicView::of(&inventory, 7);
    let shown = |n: u32| view.status(seat(n));
    assert_eq!(shown(0), SeatStatus::Closed);
    assert_eq!(shown(4), SeatStatus::Held);
    assert_eq!(shown(15), SeatStatus::Sold);
    assert_eq!(shown(14), SeatStatus::Free);
    // Set aside shows as closed, held out of an allocation as held.
    assert_eq!(shown(50), SeatStatus::Closed);
    assert_eq!(shown(51), SeatStatus::Held);
    assert_eq!(view.areas_left(), [18]);
    assert_eq!((view.seq(), view.seat_count()), (7, 60));
}

#[test]
fn a_lapse_shows_when_it_is_written_and_not_before() {
    let mut inventory = busy();
    let before = PublicView::of(&inventory, 7);
    assert_eq!(before.status(seat(4)), SeatStatus::Held);
    let later = T0 + 11 * 60_000;
    execute(&mut inventory, &Command::ExpireHolds { limit: 9 }, later).unwrap();
    let delta = before.diff(&PublicView::of(&inventory, 8));
    assert_eq!(delta.free, [seat(4), seat(5)]);
    assert_eq!(delta.closed, [seat(51)]);
    assert_eq!(delta.areas, [(AreaIx(0), 20)]);
}

#[test]
fn a_delta_must_follow_on_the_view() {
    let inventory = busy();
    let view = |seq| PublicView::of(&inventory, seq);
    let delta = view(5).diff(&view(8));
    for at in 5..=8 {
        let mut here = view(at);
        here.apply(&delta).unwrap();
        assert_eq!(here.seq(), 8);
    }
    for at in [4, 9] {
        let refused = view(at).apply(&delta).unwrap_err();
        assert_eq!((refused.at, refused.from), (at, 5));
    }
}

#[test]
fn a_delta_of_another_house_changes_nothing() {
    let inventory = busy();
    let before = PublicView::of(&inventory, 5);
    for bad in [
        ViewDelta {
            sold: vec![seat(1), seat(60)],
            ..ViewDelta::default()
        },
        ViewDelta {
            sold: vec![seat(1)],
            areas: vec![(AreaIx(1), 3)],
            ..ViewDelta::default()
        },
    ] {
        let delta = ViewDelta {
            from: 5,
            to: 6,
            ..bad
        };
        let mut view = before.clone();
        assert!(view.apply(&delta).is_err());
        assert_eq!(view, before);
    }
}

#[test]
fn bytes_of_a_view_are_as_documented() {
    let mut inventory = empty(&house(1, 1, 5), relaxed());
    execute(&mut inventory, &place_hold(1, 1, &seats(&[1, 4])), T0).unwrap();
    let bytes = PublicView::of(&inventory, 258).encode();
    let expected = [
        b"OSV1".as_slice(),
        &[2, 1, 0, 0, 0, 0, 0, 0],
        &[5, 0, 0, 0],
        &[0b0000_0100, 0b0000_0001],
        &[0, 0, 0, 0],
    ];
    assert_eq!(bytes, expected.concat());
}

#[test]
fn damaged_bytes_of_a_view_are_refused() {
    let bytes = PublicView::of(&busy(), 3).encode();
    assert!(PublicView::decode(&bytes).is_ok());
    for length in 0..bytes.len() {
        assert!(PublicView::decode(&bytes[..length]).is_err());
    }
    let refused = |change: fn(&mut Vec<u8>)| {
        let mut bytes = bytes.clone();
        change(&mut bytes);
        PublicView::decode(&bytes).unwrap_err().what
    };
    assert_eq!(refused(|bytes| bytes[3] = b'2'), "not a view of version 1");
    assert_eq!(refused(|bytes| bytes.push(0)), "trailing bytes");
    // A seat count that the bytes cannot hold costs no memory.
    assert_eq!(refused(|bytes| bytes[12..16].fill(0xff)), "unexpected end");
    assert_eq!(
        refused(|bytes| bytes[31..35].fill(0xff)),
        "more areas announced than bytes are left"
    );
    let mut odd = PublicView::of(&empty(&house(1, 1, 5), relaxed()), 1).encode();
    odd[17] = 0b0000_0100;
    let fault = PublicView::decode(&odd).unwrap_err();
    assert_eq!(fault.what, "a status beyond the last seat");
}

#[test]
fn a_delta_in_json_is_as_documented() {
    let delta = ViewDelta {
        from: 12,
        to: 15,
        free: vec![seat(1)],
        held: vec![seat(4), seat(5)],
        areas: vec![(AreaIx(0), 380)],
        ..ViewDelta::default()
    };
    let json =
        r#"{"from":12,"to":15,"free":[1],"held":[4,5],"sold":[],"closed":[],"areas":[[0,380]]}"#;
    assert_eq!(serde_json::to_string(&delta).unwrap(), json);
    assert_eq!(serde_json::from_str::<ViewDelta>(json).unwrap(), delta);
}

#[test]
fn the_code_of_a_rejection_is_its_tag_in_json() {
    let seats = || vec![seat(1)];
    let place = Place::Seat(seat(1));
    let all = [
        Rejection::NotOnSale {
            from_ms: 1,
            until_ms: 2,
        },
        Rejection::NothingRequested,
        Rejection::DuplicateSeat { seat: seat(1) },
        Rejection::UnknownPlace { place },
        Rejection::SeatsTaken { seats: seats() },
        Rejection::SeatsNotOnSale { seats: seats() },
        Rejection::AreaFull {
            area: AreaIx(0),
            left: 1,
        },
        Rejection::NothingAvailable {
            most_together: 1,
            left: 2,
        },
        Rejection::TooManyPlaces { max: 1 },
        Rejection::TooManyHolds { max: 1 },
        Rejection::FanLimit { max: 1, has: 1 },
        Rejection::SingleSeatGap { stranded: seats() },
        Rejection::AccessibleOnly { seats: seats() },
        Rejection::NoSuchHold { hold: hold(1) },
        Rejection::HoldExists { hold: hold(1) },
        Rejection::NotInHold { place },
        Rejection::HoldAtMaximum { expires_ms: 1 },
        Rejection::HoldLapsed { gone: vec![place] },
        Rejection::ItemsDiffer,
        Rejection::PriceChanged { total_minor: 1 },
        Rejection::NoQuote {
            reason: price::QuoteError::NoItems,
        },
        Rejection::OrderExists { order: order(1) },
        Rejection::NoSuchOrder { order: order(1) },
        Rejection::NotInOrder { place },
        Rejection::UnequalExchange,
        Rejection::NotInAllocation {
            allocation: allocation(1),
            seats: seats(),
        },
        Rejection::NotKilled { seats: seats() },
        Rejection::TermsInvalid {
            what: "prices.currency: it cannot be changed".into(),
        },
        Rejection::Rule {
            rule: "one_row".into(),
            seats: seats(),
        },
    ];
    for rejection in all {
        let json = serde_json::to_value(&rejection).unwrap();
        assert_eq!(json["code"], rejection.code());
        assert_eq!(
            serde_json::from_value::<Rejection>(json).unwrap(),
            rejection
        );
    }
}
