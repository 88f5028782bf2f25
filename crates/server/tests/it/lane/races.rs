//! Several replicas on one store: sticky routing makes this rare, correctness does not need it.

use crate::support::{Office, SHOW, command_id, hold, release};
use booking_core::{HoldId, Inventory, Rejection};
use onsale_server::lane::{LaneError, LaneSettings, Position, load_state};
use std::sync::Arc;
use tokio::sync::Barrier;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_seat_asked_for_by_everybody_on_four_replicas_goes_to_one() {
    let office = Office::open().await;
    let replicas: Vec<_> = (0..4)
        .map(|_| office.replica(LaneSettings::default()))
        .collect();
    for replica in &replicas {
        replica.live(SHOW).await.unwrap();
    }
    let barrier = Arc::new(Barrier::new(40));
    let tasks: Vec<_> = (0..40)
        .map(|n| {
            let (lanes, barrier) = (replicas[n % 4].clone(), barrier.clone());
            tokio::spawn(async move {
                barrier.wait().await;
                let n = n as u128;
                lanes
                    .send(SHOW, command_id(n), hold(100 + n, n, &[55]))
                    .await
            })
        })
        .collect();
    let (mut won, mut lost) = (0, 0);
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => won += 1,
            Err(LaneError::Rejected(Rejection::SeatsTaken { .. })) => lost += 1,
            Err(LaneError::Busy { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(won, 1);
    assert!(lost > 0);
    assert_eq!(office.lanes.live(SHOW).await.unwrap().counts().held, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn replicas_that_append_at_the_same_time_leave_a_ledger_without_gaps_or_lost_answers() {
    let office = Office::open().await;
    let replicas: Vec<_> = (0..3)
        .map(|_| office.replica(LaneSettings::default()))
        .collect();
    let tasks: Vec<_> = (0..60_u128)
        .map(|n| {
            let lanes = replicas[n as usize % 3].clone();
            tokio::spawn(async move {
                let (seat, fan) = (n as u32, n);
                let placed = lanes
                    .send(SHOW, command_id(n), hold(100 + n, fan, &[seat]))
                    .await;
                if n % 2 == 0 && placed.is_ok() {
                    let id = command_id(1_000 + n);
                    return lanes.send(SHOW, id, release(100 + n, fan)).await.is_err();
                }
                placed.is_ok()
            })
        })
        .collect();
    let mut held = 0;
    for task in tasks {
        held += u32::from(task.await.unwrap());
    }
    // From the ledger alone, every batch checked against the one before.
    let (inventory, position) = load_state(Arc::new(office.store.clone()), SHOW, &office.goods)
        .await
        .unwrap();
    assert_eq!(inventory.counts().held, held);
    assert!(position.seq > 0);
}

#[tokio::test]
async fn a_no_that_is_read_can_be_read_anew_with_what_others_wrote_a_moment_ago() {
    let office = Office::open().await;
    let (here, there) = (
        office.replica(LaneSettings::default()),
        office.replica(LaneSettings::default()),
    );
    // In memory before the other one writes, and nobody tells this one.
    here.live(SHOW).await.unwrap();
    there
        .send(SHOW, command_id(1), hold(100, 7, &[3]))
        .await
        .unwrap();
    let is_there =
        |inventory: &Inventory, _: Position| inventory.hold(HoldId::from_u128(100)).is_some();
    assert!(!here.read(SHOW, is_there).await.unwrap());
    assert!(here.read_anew(SHOW, is_there).await.unwrap());
    // And so does everybody's map.
    assert_eq!(here.live(SHOW).await.unwrap().counts().held, 1);
}
