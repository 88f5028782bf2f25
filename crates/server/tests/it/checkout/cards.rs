//! What each card leads to: money and seats always agree.

use crate::support::till::{
    CAPTURE_FLAKY, CAPTURE_REFUSED, DECLINED, GOOD, NEEDS_STEP, SLOW, TIMES_OUT, Till, quick,
};
use crate::support::{hold, release};
use booking_core::inventory::SeatState;
use booking_core::{FanId, OrderId, Rejection};
use onsale_server::checkout::crash::CrashPlan;
use onsale_server::checkout::step::{Step, Why};
use onsale_server::checkout::{Checkout, CheckoutError, Settings};
use onsale_server::payments::{Authorisation, Authorise, Provider as _};
use std::time::Duration;

const ADA: FanId = FanId::from_u128(1);
const ORDER: OrderId = OrderId::from_u128(1);

#[tokio::test]
async fn a_paid_order_has_its_seats_and_its_money_is_taken() {
    let till = Till::open().await;
    let checkout = till.buy(1, ADA, &[3, 4], GOOD).await.unwrap();
    assert_eq!(checkout.state(), "confirmed");
    assert_eq!(till.seat(3).await, SeatState::Sold(ORDER));
    assert_eq!(till.seat(4).await, SeatState::Sold(ORDER));
    assert_eq!(till.taken_minor(), checkout.details.quote.total_minor);
    assert_eq!(till.taken_minor(), 2_000);
}

#[tokio::test]
async fn a_declined_card_leaves_the_hold_and_the_order_may_be_tried_again() {
    let till = Till::open().await;
    let seat_hold = till.hold(1, ADA, &[3]).await;
    let declined = Err(CheckoutError::Declined {
        reason: "do_not_honour".to_owned(),
    });
    let first = || till.wanted(1, ADA, seat_hold, &[3], DECLINED);
    let refused = till.checkouts.pay(first()).await;
    assert_eq!(refused.and_then(Checkout::told), declined);
    assert_eq!(till.seat(3).await, SeatState::Held(seat_hold));
    let second = till.wanted(2, ADA, seat_hold, &[3], GOOD);
    assert_eq!(
        till.checkouts.pay(second).await.unwrap().state(),
        "confirmed"
    );
    let again = till.checkouts.pay(first()).await;
    assert_eq!(
        again.and_then(Checkout::told),
        declined,
        "the same answer to the same command"
    );
    assert_eq!(till.taken_minor(), 1_000);
}

#[tokio::test]
async fn a_slow_bank_does_not_keep_the_fan_waiting() {
    let settings = Settings {
        patience: Duration::from_millis(5),
        ..quick()
    };
    let till = Till::with(settings, CrashPlan::default()).await;
    let checkout = till.buy(1, ADA, &[3], SLOW).await.unwrap();
    assert_eq!(checkout.state(), "paying");
    assert_eq!(till.settled(ADA, ORDER).await.state(), "confirmed");
    assert_eq!(till.taken_minor(), 1_000);
}

#[tokio::test]
async fn a_payment_that_timed_out_is_looked_up_and_never_asked_for_again() {
    let till = Till::open().await;
    let checkout = till.buy(1, ADA, &[3], TIMES_OUT).await.unwrap();
    assert_eq!(checkout.state(), "confirmed");
    assert_eq!(till.simulator.payments().len(), 1);
    assert_eq!(till.taken_minor(), 1_000);
}

#[tokio::test]
async fn a_step_approved_with_the_bank_completes_the_order() {
    let till = Till::open().await;
    let asked = till.buy(1, ADA, &[3], NEEDS_STEP).await.unwrap();
    assert_eq!(asked.state(), "needs_step");
    assert_eq!(till.taken_minor(), 0);
    for _ in 0..2 {
        let done = till.checkouts.finish_step(ADA, ORDER, true).await.unwrap();
        assert_eq!(done.state(), "confirmed");
    }
    assert_eq!(till.taken_minor(), 1_000);
}

#[tokio::test]
async fn a_step_refused_is_a_declined_card_and_another_fan_cannot_answer_it() {
    let till = Till::open().await;
    till.buy(1, ADA, &[3], NEEDS_STEP).await.unwrap();
    let stranger = FanId::from_u128(2);
    let refused = till.checkouts.finish_step(stranger, ORDER, true).await;
    assert_eq!(refused.unwrap_err(), CheckoutError::NotFound);
    let declined = till.checkouts.finish_step(ADA, ORDER, false).await.unwrap();
    assert_eq!(declined.state(), "declined");
    assert_eq!((till.taken_minor(), till.reserved()), (0, 0));
}

#[tokio::test]
async fn a_step_nobody_answers_is_given_up_and_the_money_set_free() {
    let till = Till::open().await;
    till.buy(1, ADA, &[3], NEEDS_STEP).await.unwrap();
    till.office.clock.advance(quick().step_lifetime_ms);
    till.checkouts.wake(ORDER);
    let checkout = till.settled(ADA, ORDER).await;
    assert_eq!(
        checkout.step,
        Step::Voided {
            why: Why::StepAbandoned
        }
    );
    assert_eq!((till.taken_minor(), till.reserved()), (0, 0));
}

#[tokio::test]
async fn another_card_instead_of_the_banks_question_sets_the_first_one_free() {
    let till = Till::open().await;
    let seat_hold = till.hold(1, ADA, &[3]).await;
    till.checkouts
        .pay(till.wanted(1, ADA, seat_hold, &[3], NEEDS_STEP))
        .await
        .unwrap();
    let other = till.wanted(2, ADA, seat_hold, &[3], GOOD);
    let checkout = till.checkouts.pay(other).await.unwrap();
    assert_eq!((checkout.state(), checkout.attempt), ("confirmed", 2));
    assert_eq!((till.taken_minor(), till.reserved()), (1_000, 0));
}

#[tokio::test]
async fn seats_of_a_lapsed_hold_are_taken_again_if_they_are_free() {
    let till = Till::open().await;
    till.buy(1, ADA, &[3], NEEDS_STEP).await.unwrap();
    till.office
        .clock
        .advance(till.office.goods.1.rules.hold_ttl_ms + 1);
    till.simulator_approves(ORDER).await;
    let checkout = till.settled(ADA, ORDER).await;
    assert_eq!(checkout.state(), "confirmed", "{:?}", checkout.step);
    assert_eq!(till.seat(3).await, SeatState::Sold(ORDER));
}

#[tokio::test]
async fn seats_that_are_gone_since_the_hold_lapsed_void_the_payment_and_the_fan_is_told() {
    let till = Till::open().await;
    till.buy(1, ADA, &[3], NEEDS_STEP).await.unwrap();
    till.office
        .clock
        .advance(till.office.goods.1.rules.hold_ttl_ms + 1);
    till.office.send(50, hold(50, 2, &[3])).await.unwrap();
    till.simulator_approves(ORDER).await;
    let checkout = till.settled(ADA, ORDER).await;
    let Step::Voided { why } = &checkout.step else {
        panic!("{:?}", checkout.step)
    };
    assert!(
        matches!(
            why,
            Why::Refused {
                rejection: Rejection::HoldLapsed { .. }
            }
        ),
        "{why:?}"
    );
    assert!(why.words().contains("You have not been charged"));
    assert_eq!((till.taken_minor(), till.reserved()), (0, 0));
    assert_eq!(
        till.seat(3).await,
        SeatState::Held(booking_core::HoldId::from_u128(50))
    );
}

#[tokio::test]
async fn a_capture_that_fails_for_a_while_is_tried_again() {
    let till = Till::open().await;
    let checkout = till.buy(1, ADA, &[3], CAPTURE_FLAKY).await.unwrap();
    assert_eq!(checkout.state(), "confirmed");
    assert_eq!(till.taken_minor(), 1_000);
}

#[tokio::test]
async fn a_capture_that_fails_for_good_undoes_the_tickets_and_the_fan_is_told() {
    let till = Till::open().await;
    let checkout = till.buy(1, ADA, &[3], CAPTURE_REFUSED).await.unwrap();
    assert_eq!(
        checkout.step,
        Step::Voided {
            why: Why::CaptureFailed
        }
    );
    assert_eq!(till.seat(3).await, SeatState::Open);
    assert_eq!((till.taken_minor(), till.reserved()), (0, 0));
}

#[tokio::test]
async fn duplicate_and_disordered_notices_change_nothing() {
    let till = Till::open().await;
    for (n, card) in [(1, "4000000000000259"), (2, "4000000000000267")] {
        let checkout = till.buy(n, ADA, &[n as u32], card).await.unwrap();
        assert_eq!(checkout.state(), "confirmed");
    }
    till.quiet().await;
    assert_eq!(till.taken_minor(), 2_000);
}

#[tokio::test]
async fn what_is_charged_is_what_was_quoted_or_the_order_is_refused_with_both_shown() {
    let till = Till::open().await;
    let seat_hold = till.hold(1, ADA, &[3]).await;
    let mut wanted = till.wanted(1, ADA, seat_hold, &[3], GOOD);
    wanted.promise.total_minor = 900;
    let refused = till.checkouts.pay(wanted).await.unwrap_err();
    assert_eq!(
        refused,
        CheckoutError::PriceChanged {
            quoted_minor: 900,
            total_minor: 1_000
        }
    );
    assert!(till.simulator.payments().is_empty());
}

#[tokio::test]
async fn a_hold_that_is_gone_or_another_fans_or_of_other_seats_is_refused_before_money_moves() {
    let till = Till::open().await;
    let seat_hold = till.hold(1, ADA, &[3]).await;
    let no_such = CheckoutError::Rejected(Rejection::NoSuchHold { hold: seat_hold });
    let stranger = till.wanted(1, FanId::from_u128(2), seat_hold, &[3], GOOD);
    assert_eq!(till.checkouts.pay(stranger).await.unwrap_err(), no_such);
    let other = till.wanted(2, ADA, seat_hold, &[4], GOOD);
    let differ = CheckoutError::Rejected(Rejection::ItemsDiffer);
    assert_eq!(till.checkouts.pay(other).await.unwrap_err(), differ);
    till.office.send(9, release(1, 1)).await.unwrap();
    let gone = till.wanted(3, ADA, seat_hold, &[3], GOOD);
    assert_eq!(till.checkouts.pay(gone).await.unwrap_err(), no_such);
    assert!(till.simulator.payments().is_empty());
}

#[tokio::test]
async fn money_the_provider_has_for_an_attempt_that_came_to_nothing_goes_back() {
    let till = Till::open().await;
    let seat_hold = till.hold(1, ADA, &[3, 4]).await;
    // The shop gave these attempts up; the provider did not hear of it and went on.
    for (n, capture) in [(1, true), (2, false)] {
        let wanted = till.wanted(n, ADA, seat_hold, &[3, 4], GOOD);
        let key = till.give_up(&wanted, n as u32).await;
        let request = Authorise {
            key,
            amount_minor: wanted.promise.total_minor,
            currency: "EUR".to_owned(),
            card: wanted.card.unwrap(),
        };
        let answer = till.simulator.authorise(request).await.unwrap();
        let Authorisation::Authorised { payment } = answer else {
            panic!("{answer:?}")
        };
        if capture {
            till.simulator.capture(key, payment).await.unwrap();
        }
    }
    // Nobody asks: the notices alone must do it.
    let made_good = async {
        while (till.taken_minor(), till.reserved()) != (0, 0) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), made_good)
        .await
        .expect("the money goes back");
}
