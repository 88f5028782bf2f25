//! Orders that cost nothing: no card, no provider, and tickets all the same.

use crate::support::hold;
use crate::support::till::{GOOD, Till, quick};
use booking_core::inventory::SeatState;
use booking_core::{FanId, OrderId, Rejection};
use onsale_server::checkout::crash::{CrashPlan, Point};
use onsale_server::checkout::step::{Step, Why};
use onsale_server::checkout::{Checkout, CheckoutError};

const ADA: FanId = FanId::from_u128(1);
const ORDER: OrderId = OrderId::from_u128(1);

#[tokio::test]
async fn an_order_that_costs_nothing_is_confirmed_without_the_provider() {
    let till = Till::open().await;
    let seat_hold = till.hold(1, ADA, &[3, 4]).await;
    for _ in 0..2 {
        let wanted = till.wanted_free(1, ADA, seat_hold, &[3, 4]);
        let checkout = till.checkouts.pay(wanted).await.unwrap();
        assert_eq!(checkout.step, Step::Granted);
        assert_eq!(checkout.state(), "confirmed");
        assert_eq!(checkout.details.quote.total_minor, 0);
        assert_eq!(checkout.details.card, None);
    }
    assert_eq!(till.seat(3).await, SeatState::Sold(ORDER));
    assert_eq!(till.seat(4).await, SeatState::Sold(ORDER));
    assert!(till.simulator.payments().is_empty());
}

#[tokio::test]
async fn a_card_for_nothing_and_no_card_for_something_are_refused_and_nothing_changes() {
    let till = Till::open().await;
    let seat_hold = till.hold(1, ADA, &[3]).await;
    let mut with_card = till.wanted_free(1, ADA, seat_hold, &[3]);
    with_card.card = till.wanted(1, ADA, seat_hold, &[3], GOOD).card;
    let mut without_card = till.wanted(1, ADA, seat_hold, &[3], GOOD);
    without_card.card = None;
    for wanted in [with_card, without_card] {
        let refused = till.checkouts.pay(wanted).await.unwrap_err();
        let CheckoutError::Malformed { at, .. } = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(at, "payment");
    }
    assert_eq!(till.seat(3).await, SeatState::Held(seat_hold));
    assert!(till.simulator.payments().is_empty());
    let latest = till.checkouts.latest(ADA, ORDER).await;
    assert_eq!(latest.unwrap_err(), CheckoutError::NotFound);
}

#[tokio::test]
async fn free_seats_that_are_gone_after_a_crash_are_told_so_and_the_provider_hears_nothing() {
    let till = Till::with(quick(), CrashPlan::stop_at(Point::BeforeConfirm)).await;
    let seat_hold = till.hold(1, ADA, &[3]).await;
    let wanted = till.wanted_free(1, ADA, seat_hold, &[3]);
    till.checkouts.pay(wanted).await.unwrap_err();
    till.quiet().await;
    till.office
        .clock
        .advance(till.office.goods.1.rules.hold_ttl_ms + 1);
    till.office.send(50, hold(50, 2, &[3])).await.unwrap();
    let till = till.restart().await;
    let checkout = till.settled(ADA, ORDER).await;
    let Step::Voided {
        why: Why::Refused { rejection },
    } = &checkout.step
    else {
        panic!("{:?}", checkout.step)
    };
    assert!(matches!(rejection, Rejection::HoldLapsed { .. }));
    let told = Err(CheckoutError::Rejected(rejection.clone()));
    assert_eq!(Checkout::told(checkout), told);
    assert!(till.simulator.payments().is_empty());
}

#[tokio::test]
async fn a_free_order_that_is_cancelled_gives_its_seats_back_and_no_money() {
    let till = Till::open().await;
    let seat_hold = till.hold(1, ADA, &[3, 4]).await;
    let wanted = till.wanted_free(1, ADA, seat_hold, &[3, 4]);
    till.checkouts.pay(wanted).await.unwrap();
    for _ in 0..2 {
        let checkout = till.checkouts.cancel(ORDER).await.unwrap();
        assert_eq!(checkout.step, Step::Revoked);
        assert_eq!(checkout.state(), "cancelled");
    }
    assert_eq!(till.seat(3).await, SeatState::Open);
    assert_eq!(till.seat(4).await, SeatState::Open);
    assert!(till.simulator.payments().is_empty());
}
