//! What an organiser does with an order that was sold: cancel it, and give the money back.

use crate::support::till::{DECLINED, GOOD, Till};
use booking_core::inventory::SeatState;
use booking_core::{FanId, OrderId};
use onsale_server::checkout::CheckoutError;

const ADA: FanId = FanId::from_u128(1);
const ORDER: OrderId = OrderId::from_u128(1);

#[tokio::test]
async fn a_refunded_order_gives_back_seats_and_money_once() {
    let till = Till::open().await;
    till.buy(1, ADA, &[3, 4], GOOD).await.unwrap();
    for _ in 0..2 {
        let checkout = till.checkouts.refund(ORDER).await.unwrap();
        assert_eq!(checkout.state(), "refunded");
    }
    assert_eq!(till.seat(3).await, SeatState::Open);
    assert_eq!(till.taken_minor(), 0);
}

#[tokio::test]
async fn a_cancelled_order_gives_back_its_seats_and_keeps_the_money_until_it_is_refunded() {
    let till = Till::open().await;
    till.buy(1, ADA, &[3, 4], GOOD).await.unwrap();
    for _ in 0..2 {
        let checkout = till.checkouts.cancel(ORDER).await.unwrap();
        assert_eq!(checkout.state(), "cancelled");
        assert!(checkout.step.is_settled());
    }
    assert_eq!(till.seat(3).await, SeatState::Open);
    assert_eq!(till.taken_minor(), 2_000);
    // Somebody else may have the seat by now; the money is the first one's all the same.
    till.buy(2, FanId::from_u128(2), &[3], GOOD).await.unwrap();
    let checkout = till.checkouts.refund(ORDER).await.unwrap();
    assert_eq!(checkout.state(), "refunded");
    assert_eq!(till.taken_minor(), 1_000);
    let again = till.checkouts.cancel(ORDER).await.unwrap();
    assert_eq!(again.state(), "refunded", "what is refunded stays so");
}

#[tokio::test]
async fn an_order_that_was_never_paid_can_be_neither_cancelled_nor_refunded() {
    let till = Till::open().await;
    let _ = till.buy(1, ADA, &[3], DECLINED).await;
    let declined = CheckoutError::WrongState { state: "declined" };
    assert_eq!(till.checkouts.refund(ORDER).await.unwrap_err(), declined);
    assert_eq!(till.checkouts.cancel(ORDER).await.unwrap_err(), declined);
    let unknown = till.checkouts.cancel(OrderId::from_u128(9)).await;
    assert_eq!(unknown.unwrap_err(), CheckoutError::NotFound);
}
