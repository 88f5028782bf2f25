//! What every backend promises about checkouts: who is new, and what stands after several steps.

use super::backend::{Backend, contract};
use booking_core::{CommandId, FanId, HoldId, OrderId, PerformanceId};
use futures_util::future::join_all;
use onsale_server::store::checkouts::{Begun, CheckoutRow, CheckoutStore, StepRow};

contract! {
    of_many_beginnings_written_together_exactly_the_known_ones_are_not_new
    of_several_steps_written_together_the_last_one_stands
}

fn row(order: u128, attempt: u32, command: u128) -> CheckoutRow {
    CheckoutRow {
        order: OrderId::from_u128(order),
        attempt,
        command: CommandId::from_u128(command),
        content: [0; 16],
        performance: PerformanceId::from_u128(1),
        hold: HoldId::from_u128(order),
        fan: FanId::from_u128(7),
        created_ms: 5,
        updated_ms: 5,
        unsettled: true,
        step: "\"a\"".to_owned(),
        details: "{}".into(),
    }
}

async fn of_many_beginnings_written_together_exactly_the_known_ones_are_not_new<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    assert_eq!(store.begin(row(1, 1, 1)).await.unwrap(), Begun::New);
    let asked = [
        (row(1, 1, 1), Begun::Exists),
        (row(2, 1, 2), Begun::New),
        (row(1, 2, 1), Begun::Exists),
        (row(1, 1, 9), Begun::Exists),
        (row(1, 2, 3), Begun::New),
        (row(3, 1, 2), Begun::Exists),
        (row(4, 1, 4), Begun::New),
        (row(4, 1, 4), Begun::Exists),
    ];
    let begun = join_all(asked.iter().map(|(row, _)| store.begin(row.clone()))).await;
    for (begun, (row, expected)) in begun.into_iter().zip(&asked) {
        assert_eq!(begun.unwrap(), *expected, "{row:?}");
    }
    let attempts = store.attempts(OrderId::from_u128(1)).await.unwrap();
    assert_eq!(attempts, [row(1, 1, 1), row(1, 2, 3)]);
    let newest = store.by_fan(FanId::from_u128(7)).await.unwrap();
    assert_eq!(
        newest.len(),
        3,
        "the latest attempt for each order: {newest:?}"
    );
}

async fn of_several_steps_written_together_the_last_one_stands<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    store.begin(row(1, 1, 1)).await.unwrap();
    store.begin(row(2, 1, 2)).await.unwrap();
    let step = |order, updated_ms, step: &str| StepRow {
        order: OrderId::from_u128(order),
        attempt: 1,
        updated_ms,
        unsettled: step != "\"z\"",
        step: step.to_owned(),
    };
    let steps = [
        step(1, 6, "\"b\""),
        step(2, 6, "\"b\""),
        step(1, 7, "\"z\""),
    ];
    for recorded in join_all(steps.map(|step| store.record(step))).await {
        recorded.unwrap();
    }
    let unsettled = store.unsettled().await.unwrap();
    assert_eq!(unsettled.len(), 1);
    assert_eq!(
        (unsettled[0].order, unsettled[0].updated_ms),
        (OrderId::from_u128(2), 6)
    );
    let never_begun = step(3, 8, "\"b\"");
    assert!(store.record(never_begun).await.is_err());
}
