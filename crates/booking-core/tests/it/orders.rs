//! Orders: from hold to tickets, and what becomes of them.

use booking_core::decide::try_apply;
use booking_core::inventory::SeatState;
use booking_core::price::{Place, QuoteError, Voucher, VoucherEffect};
use booking_core::terms::{BookingRules, SaleTerms};
use booking_core::test_support::*;
use booking_core::*;
use std::sync::Arc;

use crate::support::*;

const MINUTE: i64 = 60_000;

/// Ten seats in a row, of which fan 1 holds 2 and 3 as hold 1.
fn held() -> Inventory {
    let mut inventory = empty(&house(1, 1, 10), relaxed());
    execute(&mut inventory, &place_hold(1, 1, &seats(&[2, 3])), T0).unwrap();
    inventory
}
/// The same, bought as order 1.
fn sold() -> Inventory {
    let mut inventory = held();
    execute(&mut inventory, &confirm(1, 1, 1, &seats(&[2, 3])), T0).unwrap();
    inventory
}
fn cancel(id: u128, places: &[u32]) -> Command {
    Command::CancelTickets {
        order: order(id),
        places: seats(places),
    }
}
fn exchange(id: u128, give: &[u32], take: &[u32]) -> Command {
    let list = |seats: &[u32]| seats.iter().copied().map(SeatIx).collect();
    Command::ExchangeSeats {
        order: order(id),
        give: list(give),
        take: list(take),
        needs_accessible: false,
    }
}
fn tickets(inventory: &Inventory, id: u128) -> Vec<(u32, Place)> {
    let state = inventory.order(order(id)).unwrap();
    let tickets = state.tickets.iter();
    tickets
        .map(|(ordinal, item)| (*ordinal, item.place))
        .collect()
}

#[test]
fn a_confirmed_hold_becomes_tickets_in_the_order_of_the_items() {
    let mut inventory = held();
    let decision = execute(&mut inventory, &confirm(1, 1, 1, &seats(&[3, 2])), T0).unwrap();
    assert!(matches!(
        &decision.events[..],
        [Event::OrderConfirmed { total_minor: 2_000, lines, .. }] if lines.len() == 2
    ));
    assert_eq!(inventory.seat(seat(2)), SeatState::Sold(order(1)));
    assert_eq!(inventory.hold(hold(1)), None);
    let (first, second) = (seats(&[3])[0], seats(&[2])[0]);
    assert_eq!(tickets(&inventory, 1), [(0, first), (1, second)]);
    assert_eq!(inventory.places_of(fan(1)), 2);
}

#[test]
fn the_items_must_be_exactly_the_places_of_the_hold() {
    let inventory = held();
    for wrong in [&[2][..], &[2, 3, 4], &[2, 4], &[2, 2, 3], &[]] {
        let refused = decide(&inventory, &confirm(1, 1, 1, &seats(wrong)), T0);
        assert_eq!(refused, Err(Rejection::ItemsDiffer), "{wrong:?}");
    }
}

#[test]
fn a_hold_is_sold_to_its_owner_only() {
    let refused = decide(&held(), &confirm(1, 1, 2, &seats(&[2, 3])), T0);
    assert_eq!(refused, Err(Rejection::NoSuchHold { hold: hold(1) }));
}

#[test]
fn an_order_is_confirmed_once() {
    let mut inventory = sold();
    execute(&mut inventory, &place_hold(2, 1, &seats(&[5])), T0).unwrap();
    let again = decide(&inventory, &confirm(1, 2, 1, &seats(&[5])), T0);
    assert_eq!(again, Err(Rejection::OrderExists { order: order(1) }));
}

#[test]
fn a_price_other_than_the_quoted_one_is_refused_with_the_right_one() {
    let mut command = confirm(1, 1, 1, &seats(&[2, 3]));
    if let Command::ConfirmOrder { total_minor, .. } = &mut command {
        *total_minor = 1_999;
    }
    let refused = decide(&held(), &command, T0);
    assert_eq!(refused, Err(Rejection::PriceChanged { total_minor: 2_000 }));
}

#[test]
fn places_of_a_lapsed_hold_are_bought_if_they_are_still_free() {
    let later = T0 + 11 * MINUTE;
    let buy = confirm(1, 1, 1, &seats(&[2, 3]));
    let mut unwritten = held();
    let decision = execute(&mut unwritten, &buy, later).unwrap();
    assert_eq!(decision.events[0], Event::HoldExpired { hold: hold(1) });
    let mut written = held();
    let expire = Command::ExpireHolds { limit: 9 };
    execute(&mut written, &expire, later).unwrap();
    execute(&mut written, &buy, later).unwrap();
    assert_eq!(written.seat(seat(2)), SeatState::Sold(order(1)));
    assert_eq!(written.encode(), unwritten.encode());
}

#[test]
fn places_of_a_lapsed_hold_that_others_took_are_named() {
    let mut inventory = held();
    let later = T0 + 11 * MINUTE;
    execute(&mut inventory, &place_hold(2, 2, &seats(&[3, 4])), later).unwrap();
    let late = decide(&inventory, &confirm(1, 1, 1, &seats(&[2, 3])), later);
    let gone = seats(&[3]);
    assert_eq!(late, Err(Rejection::HoldLapsed { gone }));
}

#[test]
fn area_places_of_a_lapsed_hold_that_others_took_are_named() {
    let mut spec = house_spec(1, 1, 2);
    spec.areas.push(standing("Standing", 4));
    let mut inventory = empty(&built(spec), relaxed());
    execute(&mut inventory, &place_hold(1, 1, &area(0, 3)), T0).unwrap();
    let later = T0 + 11 * MINUTE;
    execute(&mut inventory, &place_hold(2, 2, &area(0, 3)), later).unwrap();
    let late = decide(&inventory, &confirm(1, 1, 1, &area(0, 3)), later);
    let gone = area(0, 2);
    assert_eq!(late, Err(Rejection::HoldLapsed { gone }));
}

#[test]
fn buying_after_the_lapse_keeps_to_the_limits() {
    let rules = BookingRules {
        max_places_per_hold: 2,
        max_places_per_fan: 3,
        ..relaxed()
    };
    let mut inventory = empty(&house(1, 1, 10), rules);
    let three = decide(&inventory, &confirm(1, 1, 1, &seats(&[0, 1, 2])), T0);
    assert_eq!(three, Err(Rejection::TooManyPlaces { max: 2 }));
    execute(&mut inventory, &place_hold(2, 1, &seats(&[5, 6])), T0).unwrap();
    let more = decide(&inventory, &confirm(1, 1, 1, &seats(&[0, 1])), T0);
    assert_eq!(more, Err(Rejection::FanLimit { max: 3, has: 2 }));
}

#[test]
fn a_voucher_counts_each_order_that_used_it() {
    let mut terms = SaleTerms {
        rules: relaxed(),
        prices: plain_prices(1),
    };
    terms.prices.vouchers.push(Voucher {
        code: "Summer".into(),
        effect: VoucherEffect::Fixed(250),
        bands: vec![],
        max_tickets_per_order: 0,
        max_orders: 1,
        from_ms: T0,
        until_ms: T0 + MINUTE,
    });
    let mut inventory = Inventory::new(house(1, 1, 10), Arc::new(terms));
    let buy = |id: u128, seat: u32, at: i64| {
        let mut command = confirm(id, id, id, &seats(&[seat]));
        if let Command::ConfirmOrder {
            voucher,
            total_minor,
            quoted_ms,
            ..
        } = &mut command
        {
            (*voucher, *total_minor, *quoted_ms) = (Some("sUmmer".into()), 750, at);
        }
        command
    };
    // Judged at the time of the quote, not at that of the payment.
    let early = decide(&inventory, &buy(1, 0, T0 - 1), T0);
    let reason = QuoteError::VoucherNotValidNow;
    assert_eq!(early, Err(Rejection::NoQuote { reason }));
    execute(&mut inventory, &buy(1, 0, T0), T0 + MINUTE).unwrap();
    assert_eq!(inventory.voucher_uses("SUMMER"), 1);
    let used_up = decide(&inventory, &buy(2, 1, T0), T0);
    let reason = QuoteError::VoucherUsedUp;
    assert_eq!(used_up, Err(Rejection::NoQuote { reason }));
    // A cancelled order has used it all the same.
    execute(&mut inventory, &cancel(1, &[]), T0).unwrap();
    assert_eq!(inventory.voucher_uses("summer"), 1);
}

#[test]
fn cancelled_tickets_free_their_places_and_the_fans_limit() {
    let mut inventory = sold();
    execute(&mut inventory, &cancel(1, &[3]), T0).unwrap();
    assert_eq!(inventory.seat(seat(3)), SeatState::Open);
    assert_eq!(inventory.seat(seat(2)), SeatState::Sold(order(1)));
    assert_eq!(inventory.places_of(fan(1)), 1);
    let rest = execute(&mut inventory, &cancel(1, &[]), T0).unwrap();
    let places = seats(&[2]);
    let order = order(1);
    assert_eq!(rest.events, [Event::TicketsCancelled { order, places }]);
    assert_eq!(inventory.places_of(fan(1)), 0);
    assert!(tickets(&inventory, 1).is_empty());
    let nothing = decide(&inventory, &cancel(1, &[]), T0);
    assert_eq!(nothing, Err(Rejection::NothingRequested));
    // Its name stays taken: a replayed confirmation must not sell again.
    let again = decide(&inventory, &confirm(1, 1, 1, &seats(&[2, 3])), T0);
    assert_eq!(again, Err(Rejection::OrderExists { order }));
}

#[test]
fn only_live_tickets_of_the_order_are_cancelled() {
    let mut inventory = sold();
    let place = seats(&[5])[0];
    let other = decide(&inventory, &cancel(1, &[5]), T0);
    assert_eq!(other, Err(Rejection::NotInOrder { place }));
    execute(&mut inventory, &cancel(1, &[2]), T0).unwrap();
    let place = seats(&[2])[0];
    let twice = decide(&inventory, &cancel(1, &[2]), T0);
    assert_eq!(twice, Err(Rejection::NotInOrder { place }));
    let unknown = decide(&inventory, &cancel(9, &[]), T0);
    assert_eq!(unknown, Err(Rejection::NoSuchOrder { order: order(9) }));
}

#[test]
fn exchanged_seats_get_new_tickets_and_the_old_ones_are_free() {
    let mut inventory = sold();
    execute(&mut inventory, &exchange(1, &[3, 2], &[7, 6]), T0).unwrap();
    assert_eq!(inventory.seat(seat(2)), SeatState::Open);
    assert_eq!(inventory.seat(seat(7)), SeatState::Sold(order(1)));
    let (six, seven) = (seats(&[6])[0], seats(&[7])[0]);
    assert_eq!(tickets(&inventory, 1), [(2, seven), (3, six)]);
    assert_eq!(inventory.places_of(fan(1)), 2);
}

#[test]
fn an_exchange_is_one_for_one_within_a_band() {
    let mut inventory = empty(&drawn(&["0000011111"]), relaxed());
    execute(&mut inventory, &place_hold(1, 1, &seats(&[2, 3])), T0).unwrap();
    execute(&mut inventory, &confirm(1, 1, 1, &seats(&[2, 3])), T0).unwrap();
    let ask =
        |give: &[u32], take: &[u32]| decide(&inventory, &exchange(1, give, take), T0).unwrap_err();
    assert_eq!(ask(&[2], &[7]), Rejection::UnequalExchange);
    assert_eq!(ask(&[2, 3], &[0]), Rejection::UnequalExchange);
    assert_eq!(ask(&[], &[]), Rejection::NothingRequested);
    assert_eq!(
        ask(&[2, 2], &[0, 1]),
        Rejection::DuplicateSeat { seat: seat(2) }
    );
    let place = seats(&[4])[0];
    assert_eq!(ask(&[4], &[0]), Rejection::NotInOrder { place });
    let taken = vec![seat(3)];
    assert_eq!(ask(&[2], &[3]), Rejection::SeatsTaken { seats: taken });
}

#[test]
fn an_exchange_may_take_the_seats_of_a_lapsed_hold() {
    let mut inventory = sold();
    execute(&mut inventory, &place_hold(2, 2, &seats(&[7])), T0).unwrap();
    let later = T0 + 11 * MINUTE;
    let decision = execute(&mut inventory, &exchange(1, &[2], &[7]), later).unwrap();
    assert_eq!(decision.events[0], Event::HoldExpired { hold: hold(2) });
    assert_eq!(inventory.seat(seat(7)), SeatState::Sold(order(1)));
}

#[test]
fn what_cannot_have_happened_is_reported() {
    let event = |command: &Command| {
        let decision = decide(&held(), command, T0).unwrap();
        decision.events[0].clone()
    };
    let told = |inventory: &mut Inventory, event: &Event| {
        let contradiction = try_apply(inventory, event).unwrap_err();
        contradiction.what
    };
    let confirmed = event(&confirm(1, 1, 1, &seats(&[2, 3])));
    let mut inventory = sold();
    assert_eq!(
        told(&mut inventory, &confirmed),
        "an order is confirmed twice"
    );
    let placed = event(&place_hold(7, 7, &seats(&[5])));
    let mut inventory = held();
    execute(&mut inventory, &place_hold(2, 2, &seats(&[5])), T0).unwrap();
    assert_eq!(
        told(&mut inventory, &placed),
        "a seat is held that is not free"
    );
    let released = Event::HoldReleased { hold: hold(9) };
    assert_eq!(told(&mut held(), &released), "there is no such hold");
    let mut others = empty(&house(1, 1, 10), relaxed());
    execute(&mut others, &place_hold(4, 4, &seats(&[2])), T0).unwrap();
    assert_eq!(
        told(&mut others, &confirmed),
        "a seat is sold that was neither held nor free"
    );
    let beyond = Event::SeatsKilled {
        seats: vec![seat(10)],
    };
    assert_eq!(told(&mut held(), &beyond), "the map has no such seat");
    let longer = Event::HoldExtended {
        hold: hold(1),
        expires_ms: i64::MAX,
    };
    assert_eq!(
        told(&mut held(), &longer),
        "an extension goes past the maximum"
    );
}

#[test]
#[should_panic(expected = "corrupt ledger")]
fn applying_a_contradiction_stops_the_program() {
    apply(&mut held(), &Event::HoldReleased { hold: hold(9) });
}
