//! Several servers, each with lanes and a store of its own, on one database: what one of them knows
//! is never what another may lose.

use crate::support::postgres::Database;
use crate::support::{Houses, NOW_MS, SHOW, command_id, fresh, hold, release, small};
use booking_core::{CommandId, Rejection};
use onsale_server::clock::Clock;
use onsale_server::lane::{LaneError, LaneSettings, Lanes, load_state};
use onsale_server::store::{LedgerStore as _, PostgresStore, RecordedOutcome};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Lanes of `count` servers.
async fn servers(count: usize) -> (Vec<Lanes>, PostgresStore) {
    let database = Database::fresh().await;
    let clock = Clock::manual(NOW_MS);
    let mut servers = Vec::new();
    for _ in 0..count {
        let source = Arc::new(Houses(small()));
        let beside = database.connect().await;
        let settings = LaneSettings::default();
        let lanes = Lanes::new(beside, source, clock.clone(), settings);
        // From now on each believes that it knows what is so.
        lanes.live(SHOW).await.unwrap();
        servers.push(lanes);
    }
    (servers, database.connect().await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn servers_that_sell_the_same_house_lose_no_answer_and_write_nothing_twice() {
    let (servers, store) = servers(3).await;
    let tasks: Vec<_> = (0..90_u128)
        .map(|n| {
            let lanes = servers[n as usize % 3].clone();
            tokio::spawn(async move {
                let held = hold(100 + n, n, &[n as u32]);
                lanes.send(SHOW, command_id(n), held).await.unwrap();
                if n % 3 == 0 {
                    let given_back = release(100 + n, n);
                    let id = command_id(1_000 + n);
                    lanes.send(SHOW, id, given_back).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    // From the ledger alone, every batch checked against the one before.
    let ledger = Arc::new(store.clone());
    let (inventory, position) = load_state(ledger, SHOW, &small()).await.unwrap();
    assert_eq!(inventory.counts().held, 60);
    let sent = (0..90).chain((0..90).step_by(3).map(|n| 1_000 + n));
    let ids: Vec<CommandId> = sent.map(command_id).collect();
    let count = ids.len();
    let records = store.commands(SHOW, ids).await.unwrap();
    let places: BTreeSet<_> = records
        .iter()
        .map(|record| match record.outcome {
            RecordedOutcome::Accepted { seq, entry, .. } => {
                assert!((1..=position.seq).contains(&seq));
                (seq, entry)
            }
            RecordedOutcome::Rejected { .. } => panic!("{record:?}"),
        })
        .collect();
    assert_eq!(
        places.len(),
        count,
        "each has a place of its own in the ledger"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_seat_asked_for_at_every_server_goes_to_one() {
    let (servers, store) = servers(4).await;
    for seat in 0..10 {
        let asked = (0..20_usize).map(|n| {
            let lanes = servers[n % 4].clone();
            let hold = hold(fresh(), n as u128, &[seat]);
            tokio::spawn(async move { lanes.send(SHOW, command_id(fresh()), hold).await })
        });
        let mut won = 0;
        for answer in futures_util::future::join_all(asked).await {
            match answer.unwrap() {
                Ok(_) => won += 1,
                Err(LaneError::Rejected(Rejection::SeatsTaken { .. })) => {}
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(won, 1, "seat {seat}");
    }
    let ledger = Arc::new(store.clone());
    let (inventory, _) = load_state(ledger, SHOW, &small()).await.unwrap();
    assert_eq!(inventory.counts().held, 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_makes_progress_while_another_never_pauses() {
    let (servers, _) = servers(2).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let busy: Vec<_> = (0..8_u32)
        .map(|seat| {
            let (lanes, is_over) = (servers[0].clone(), Arc::clone(&is_over));
            tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    let (id, fan) = (fresh(), u128::from(seat));
                    let held = hold(id, fan, &[seat]);
                    lanes.send(SHOW, command_id(fresh()), held).await.unwrap();
                    let given_back = release(id, fan);
                    lanes
                        .send(SHOW, command_id(fresh()), given_back)
                        .await
                        .unwrap();
                }
            })
        })
        .collect();
    for seat in 50..90 {
        let held = hold(fresh(), 77, &[seat]);
        servers[1]
            .send(SHOW, command_id(fresh()), held)
            .await
            .unwrap();
    }
    is_over.store(true, Ordering::Relaxed);
    for task in busy {
        task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_is_refused_is_refused_for_what_is_so() {
    let (servers, _) = servers(2).await;
    let send = |server: usize, command| servers[server].send(SHOW, command_id(fresh()), command);
    send(0, hold(1, 1, &[5])).await.unwrap();
    let refused = send(1, hold(2, 2, &[5])).await;
    let is_taken = matches!(
        refused,
        Err(LaneError::Rejected(Rejection::SeatsTaken { .. }))
    );
    assert!(is_taken, "{refused:?}");
    // The second server has seen it taken, and not that it is free again.
    send(0, release(1, 1)).await.unwrap();
    send(1, hold(3, 2, &[5])).await.unwrap();
    let refused = send(0, hold(4, 1, &[5])).await;
    assert!(
        matches!(refused, Err(LaneError::Rejected(_))),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_command_sent_to_every_server_is_done_once() {
    let (servers, store) = servers(3).await;
    for n in 0..10 {
        let asked = servers.iter().map(|lanes| {
            let lanes = lanes.clone();
            let held = hold(100 + n, 7, &[n as u32]);
            tokio::spawn(async move { lanes.send(SHOW, command_id(n), held).await })
        });
        let mut positions = BTreeSet::new();
        for answer in futures_util::future::join_all(asked).await {
            positions.insert(answer.unwrap().unwrap().seq);
        }
        assert_eq!(positions.len(), 1, "everybody is told the same");
    }
    let ledger = Arc::new(store.clone());
    let (inventory, _) = load_state(ledger, SHOW, &small()).await.unwrap();
    assert_eq!(inventory.counts().held, 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_one_server_sells_every_server_shows() {
    let (servers, _) = servers(3).await;
    let mut shown = Vec::new();
    for lanes in &servers {
        let live = lanes.live(SHOW).await.unwrap();
        shown.push((live.watch(), live));
    }
    for n in 0..30_u32 {
        let held = hold(fresh(), u128::from(n), &[n]);
        let seller = &servers[n as usize % 3];
        let answer = seller.send(SHOW, command_id(fresh()), held).await.unwrap();
        // Nobody asks the others for anything: they are told.
        for (position, live) in &mut shown {
            position.wait_for(|seq| *seq >= answer.seq).await.unwrap();
            assert_eq!(live.counts().held, n + 1);
        }
    }
}
