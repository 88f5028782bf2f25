//! However often and from wherever it is asked: an order is paid once.

use crate::support::till::{GOOD, Till};
use crate::support::{SHOW, command_id, hold};
use booking_core::{FanId, HoldId, OrderId};
use futures_util::future::join_all;
use onsale_server::checkout::CheckoutError;
use onsale_server::lane::LaneSettings;

const ADA: FanId = FanId::from_u128(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_double_click_pays_once_and_everybody_gets_the_same_answer() {
    let till = Till::open().await;
    let hold = till.hold(1, ADA, &[3]).await;
    let clicks = (0..16).map(|_| till.checkouts.pay(till.wanted(1, ADA, hold, &[3], GOOD)));
    for answer in join_all(clicks).await {
        assert_eq!(answer.unwrap().state(), "confirmed");
    }
    assert_eq!(till.simulator.payments().len(), 1);
    assert_eq!(till.taken_minor(), 1_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_commands_for_one_order_pay_once() {
    let till = Till::open().await;
    let hold = till.hold(1, ADA, &[3]).await;
    let asked = (0..16).map(|n| till.checkouts.pay(till.wanted(n, ADA, hold, &[3], GOOD)));
    let answers = join_all(asked).await;
    let paid = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(paid, 1, "{answers:?}");
    assert_eq!(till.taken_minor(), 1_000);
}

#[tokio::test]
async fn the_same_command_gets_the_same_answer_also_after_a_restart() {
    let till = Till::open().await;
    let first = till.buy(1, ADA, &[3], GOOD).await.unwrap();
    till.quiet().await;
    let till = till.restart().await;
    let hold = first.hold;
    let again = till
        .checkouts
        .pay(till.wanted(1, ADA, hold, &[3], GOOD))
        .await
        .unwrap();
    assert_eq!(*again, *first);
    assert_eq!(till.simulator.payments().len(), 1);
}

#[tokio::test]
async fn the_same_command_with_other_content_is_refused() {
    let till = Till::open().await;
    let first = till.buy(1, ADA, &[3], GOOD).await.unwrap();
    till.quiet().await;
    let mut other = till.wanted(1, ADA, first.hold, &[3], GOOD);
    other.buyer.name = "Somebody Else".to_owned();
    assert_eq!(
        till.checkouts.pay(other).await.unwrap_err(),
        CheckoutError::CommandIdReused
    );
    let mut other_order = till.wanted(1, ADA, first.hold, &[3], GOOD);
    other_order.order = OrderId::from_u128(77);
    let refused = till.checkouts.pay(other_order).await.unwrap_err();
    assert_eq!(refused, CheckoutError::CommandIdReused);
}

#[tokio::test]
async fn an_order_of_another_fan_is_not_there() {
    let till = Till::open().await;
    let first = till.buy(1, ADA, &[3], GOOD).await.unwrap();
    till.quiet().await;
    let bob = FanId::from_u128(2);
    let hold = till.hold(2, bob, &[5]).await;
    let mut wanted = till.wanted(2, bob, hold, &[5], GOOD);
    wanted.order = first.order;
    assert_eq!(
        till.checkouts.pay(wanted).await.unwrap_err(),
        CheckoutError::NotFound
    );
    let seen = till.checkouts.latest(bob, first.order).await.unwrap_err();
    assert_eq!(seen, CheckoutError::NotFound);
    assert!(till.checkouts.of_fan(bob).await.unwrap().is_empty());
    assert_eq!(till.taken_minor(), 1_000);
}

#[tokio::test]
async fn a_paid_order_cannot_be_paid_again() {
    let till = Till::open().await;
    let first = till.buy(1, ADA, &[3], GOOD).await.unwrap();
    till.quiet().await;
    let hold = till.hold(2, ADA, &[5]).await;
    let mut wanted = till.wanted(2, ADA, hold, &[5], GOOD);
    wanted.order = first.order;
    let refused = till.checkouts.pay(wanted).await.unwrap_err();
    assert_eq!(refused, CheckoutError::WrongState { state: "confirmed" });
    assert_eq!(till.taken_minor(), 1_000);
}

/// The other one has died since: nobody tells this server of the hold.
#[tokio::test]
async fn a_hold_made_at_another_server_a_moment_ago_is_paid_for() {
    let till = Till::open().await;
    till.office.lanes.live(SHOW).await.unwrap();
    let other = till.office.replica(LaneSettings::default());
    let made = hold(1, 1, &[3]);
    other.send(SHOW, command_id(1), made).await.unwrap();
    let wanted = till.wanted(1, ADA, HoldId::from_u128(1), &[3], GOOD);
    let paid = till.checkouts.pay(wanted).await.unwrap();
    assert_eq!(paid.state(), "confirmed");
}
