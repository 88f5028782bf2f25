//! What every backend promises about checkouts: who is new, what stands after several steps, and
//! which server may take them.

use super::backend::{Backend, contract};
use booking_core::{CommandId, FanId, HoldId, OrderId, PerformanceId};
use futures_util::future::join_all;
use onsale_server::store::checkouts::{
    Begun, CheckoutRow, CheckoutStore, Owner, Recorded, ServerId, StepRow, Unless,
};

contract! {
    of_many_beginnings_written_together_exactly_the_known_ones_are_not_new
    of_several_steps_written_together_the_last_one_stands
    a_step_is_the_owners_to_record
    of_many_that_take_over_one_gets_it_and_nobody_what_has_moved_on
    nothing_is_taken_from_who_has_beaten_since
    who_has_something_under_way_is_listed_with_its_beat
    a_nudge_reaches_the_owner_and_is_felt_once
}

const HERE: ServerId = ServerId([1; 16]);
const THERE: ServerId = ServerId([2; 16]);

pub(super) fn row(order: u128, attempt: u32, command: u128) -> CheckoutRow {
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
        owner: HERE,
    }
}

fn step(order: u128, updated_ms: i64, step: &str) -> StepRow {
    StepRow {
        order: OrderId::from_u128(order),
        attempt: 1,
        updated_ms,
        unsettled: step != "\"z\"",
        step: step.to_owned(),
        owner: HERE,
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
    let steps = [
        step(1, 6, "\"b\""),
        step(2, 6, "\"b\""),
        step(1, 7, "\"z\""),
    ];
    for recorded in join_all(steps.map(|step| store.record(step))).await {
        assert_eq!(recorded.unwrap(), Recorded::Done);
    }
    let unsettled = store.unsettled().await.unwrap();
    assert_eq!(unsettled.len(), 1);
    assert_eq!(
        (unsettled[0].order, unsettled[0].updated_ms),
        (OrderId::from_u128(2), 6)
    );
    let never_begun = store.record(step(3, 8, "\"b\"")).await;
    assert_eq!(never_begun.unwrap(), Recorded::NotYours);
}

async fn a_step_is_the_owners_to_record<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    store.begin(row(1, 1, 1)).await.unwrap();
    let stranger = StepRow {
        owner: THERE,
        ..step(1, 6, "\"b\"")
    };
    let own = step(1, 7, "\"c\"");
    let (strangers, own) = tokio::join!(store.record(stranger.clone()), store.record(own));
    assert_eq!(
        (strangers.unwrap(), own.unwrap()),
        (Recorded::NotYours, Recorded::Done)
    );
    let stands = store.attempts(OrderId::from_u128(1)).await.unwrap();
    assert_eq!((stands[0].updated_ms, stands[0].owner), (7, HERE));

    assert!(
        store
            .take_over(&stands[0], THERE, Unless::Beat(None))
            .await
            .unwrap()
    );
    assert_eq!(store.record(stranger).await.unwrap(), Recorded::Done);
    let late = store.record(step(1, 9, "\"z\"")).await;
    assert_eq!(late.unwrap(), Recorded::NotYours);
}

async fn of_many_that_take_over_one_gets_it_and_nobody_what_has_moved_on<B: Backend>() {
    let (store, guard) = B::fresh().await;
    store.begin(row(1, 1, 1)).await.unwrap();
    let seen = row(1, 1, 1);
    let mut takers = Vec::new();
    for n in 3..11 {
        let store = B::beside(&store, &guard).await;
        let seen = seen.clone();
        takers.push(async move {
            let to = ServerId([n; 16]);
            let taken = store.take_over(&seen, to, Unless::Beat(None)).await;
            taken.unwrap()
        });
    }
    let taken = join_all(takers).await;
    assert_eq!(taken.iter().filter(|taken| **taken).count(), 1, "{taken:?}");

    store.begin(row(2, 1, 2)).await.unwrap();
    store.record(step(2, 6, "\"b\"")).await.unwrap();
    let takes = async |seen: &CheckoutRow, unless| {
        let taken = store.take_over(seen, THERE, unless).await;
        taken.unwrap()
    };
    assert!(!takes(&row(2, 1, 2), Unless::Beat(None)).await);
    // The same step again is a sign of life too: its owner wrote it after it had beaten again.
    let seen = store
        .attempts(OrderId::from_u128(2))
        .await
        .unwrap()
        .remove(0);
    store.record(step(2, 7, "\"b\"")).await.unwrap();
    assert!(!takes(&seen, Unless::Beat(None)).await);
}

async fn nothing_is_taken_from_who_has_beaten_since<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    store.begin(row(1, 1, 1)).await.unwrap();
    let seen = row(1, 1, 1);
    let takes = async |unless| store.take_over(&seen, THERE, unless).await.unwrap();
    store.beat(HERE).await.unwrap();
    assert!(!takes(Unless::Beat(None)).await);
    store.beat(HERE).await.unwrap();
    assert!(!takes(Unless::Beat(Some(1))).await);
    assert!(takes(Unless::Beat(Some(2))).await);
    // What is at rest is nobody's to lose.
    store.begin(row(2, 1, 2)).await.unwrap();
    let taken = store.take_over(&row(2, 1, 2), THERE, Unless::Never).await;
    assert!(taken.unwrap());
}

async fn who_has_something_under_way_is_listed_with_its_beat<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    assert_eq!(store.owners().await.unwrap(), []);
    store.begin(row(1, 1, 1)).await.unwrap();
    store.begin(row(2, 1, 2)).await.unwrap();
    let listed = |beat| [Owner { server: HERE, beat }];
    assert_eq!(store.owners().await.unwrap(), listed(None));
    for beat in 1..=3 {
        store.beat(HERE).await.unwrap();
        assert_eq!(store.owners().await.unwrap(), listed(Some(beat)));
    }
    assert_eq!(store.unsettled_of(HERE).await.unwrap().len(), 2);
    assert_eq!(store.unsettled_of(THERE).await.unwrap(), []);
    store.leave(HERE).await.unwrap();
    assert_eq!(store.owners().await.unwrap(), listed(None));
    for order in [1, 2] {
        store.record(step(order, 9, "\"z\"")).await.unwrap();
    }
    assert_eq!(store.owners().await.unwrap(), []);
}

async fn a_nudge_reaches_the_owner_and_is_felt_once<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    store.begin(row(1, 1, 1)).await.unwrap();
    store.begin(row(2, 1, 2)).await.unwrap();
    let order = OrderId::from_u128(1);
    store.nudge(order).await.unwrap();
    assert_eq!(store.nudged(THERE).await.unwrap(), []);
    assert_eq!(store.nudged(HERE).await.unwrap(), [order]);
    store.felt(HERE, order).await.unwrap();
    assert_eq!(store.nudged(HERE).await.unwrap(), []);
}
