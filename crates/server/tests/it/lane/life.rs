//! Lanes come and go; what they have answered stays.

use crate::support::{Office, SHOW, command_id, fresh, hold};
use booking_core::PerformanceId;
use onsale_server::lane::{LaneError, LaneSettings};
use onsale_server::store::{LedgerStore as _, StoreOptions};
use std::time::Duration;

fn settings() -> LaneSettings {
    LaneSettings::default()
}

#[tokio::test]
async fn an_unknown_performance_is_named_as_such() {
    let office = Office::open().await;
    let nowhere = PerformanceId::from_u128(5_000_000);
    let sent = office
        .lanes
        .send(nowhere, command_id(1), hold(7, 1, &[3]))
        .await;
    assert_eq!(sent, Err(LaneError::UnknownPerformance));
    assert_eq!(
        office.lanes.live(nowhere).await.unwrap_err(),
        LaneError::UnknownPerformance
    );
    let read = office.lanes.read(nowhere, |_, position| position.seq).await;
    assert_eq!(read, Err(LaneError::UnknownPerformance));
    assert_eq!(office.lanes.hot_count(), 0);
}

#[tokio::test]
async fn a_full_queue_says_when_to_come_back_and_forgets_nothing_it_took() {
    let settings = LaneSettings {
        queue: 4,
        ..settings()
    };
    let office = Office::with(settings, StoreOptions::default()).await;
    let sends = (0..50).map(|n| office.send(n, hold(100 + n, 1, &[n as u32])));
    let answers = futures_util::future::join_all(sends).await;
    let taken = answers.iter().filter(|answer| answer.is_ok()).count();
    for answer in &answers {
        assert!(
            matches!(
                answer,
                Ok(_)
                    | Err(LaneError::Busy {
                        retry_after_ms: 100..=5_000
                    })
            ),
            "{answer:?}"
        );
    }
    assert!((4..50).contains(&taken), "{taken} taken");
    assert_eq!(
        office.lanes.live(SHOW).await.unwrap().counts().held as usize,
        taken
    );
}

#[tokio::test]
async fn a_drain_finishes_what_is_queued_refuses_the_rest_and_leaves_a_snapshot() {
    let office = Office::open().await;
    let sends: Vec<_> = (0..30)
        .map(|n| {
            let lanes = office.lanes.clone();
            tokio::spawn(async move {
                lanes
                    .send(SHOW, command_id(n), hold(100 + n, 1, &[n as u32]))
                    .await
            })
        })
        .collect();
    office.send(fresh(), hold(99, 1, &[99])).await.unwrap();
    office.lanes.drain().await;
    let mut held = 1;
    for sent in sends {
        match sent.await.unwrap() {
            Ok(_) => held += 1,
            Err(error) => assert_eq!(error, LaneError::Draining),
        }
    }
    assert_eq!(
        office.send(fresh(), hold(98, 1, &[98])).await,
        Err(LaneError::Draining)
    );
    let snapshot = office.store.snapshot(SHOW).await.unwrap().unwrap();
    let head = office.store.head(SHOW).await.unwrap().unwrap();
    assert_eq!((snapshot.seq, snapshot.hash), (head.seq, head.hash));
    let office = office.restart().await;
    assert_eq!(office.lanes.live(SHOW).await.unwrap().counts().held, held);
}

#[tokio::test]
async fn reads_see_what_has_been_committed_and_where() {
    let office = Office::open().await;
    let answer = office.send(1, hold(7, 1, &[3])).await.unwrap();
    let (held, seq) = office
        .lanes
        .read(SHOW, |inventory, position| {
            (inventory.counts().held, position.seq)
        })
        .await
        .unwrap();
    assert_eq!((held, seq), (1, answer.seq));
}

#[tokio::test]
async fn only_so_many_lanes_stay_in_memory_and_the_others_come_back_as_they_were() {
    let settings = LaneSettings {
        max_hot: 3,
        ..settings()
    };
    let office = Office::with(settings, StoreOptions::default()).await;
    for n in 1..=10 {
        let performance = PerformanceId::from_u128(n);
        office
            .lanes
            .send(performance, command_id(n), hold(7, 1, &[n as u32]))
            .await
            .unwrap();
        office.clock.advance(1);
        assert!(office.lanes.hot_count() <= 3);
    }
    for n in 1..=10 {
        let live = office
            .lanes
            .live(PerformanceId::from_u128(n))
            .await
            .unwrap();
        assert_eq!(live.counts().held, 1);
        assert_eq!(live.view().status(booking_core::SeatIx(n as u32)) as u8, 1);
    }
}

#[tokio::test]
async fn an_idle_lane_is_dropped_unless_somebody_watches() {
    let settings = LaneSettings {
        idle_after: Duration::from_millis(5),
        ..settings()
    };
    let office = Office::with(settings, StoreOptions::default()).await;
    let live = office.lanes.live(SHOW).await.unwrap();
    let mut commits = live.watch();
    let other = PerformanceId::from_u128(2);
    office
        .lanes
        .send(other, command_id(1), hold(7, 1, &[3]))
        .await
        .unwrap();
    // The unwatched one goes; its snapshot says when.
    while office.store.snapshot(other).await.unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    office.send(2, hold(8, 1, &[4])).await.unwrap();
    assert_eq!(*commits.wait_for(|&seq| seq == 1).await.unwrap(), 1);
    assert_eq!(office.lanes.live(other).await.unwrap().counts().held, 1);
}

#[tokio::test]
async fn whoever_watches_keeps_seeing_when_a_lane_is_loaded_anew() {
    let office = Office::open().await;
    office.send(1, hold(7, 1, &[3])).await.unwrap();
    let live = office.lanes.live(SHOW).await.unwrap();
    let mut commits = live.watch();
    office.lanes.forget(SHOW);
    office.send(2, hold(8, 1, &[4])).await.unwrap();
    commits.wait_for(|&seq| seq == 2).await.unwrap();
    assert_eq!(live.counts().held, 2);
}

#[tokio::test]
async fn a_damaged_snapshot_is_ignored_and_the_whole_ledger_replayed() {
    let office = Office::open().await;
    office.send(1, hold(7, 1, &[3])).await.unwrap();
    let office = office.restart().await;
    let good = office.store.snapshot(SHOW).await.unwrap().unwrap();
    for spoilt in ["inventory", "hash", "digest"] {
        let mut connection = raw(&office).await;
        let flip = format!(
            "UPDATE snapshot SET {spoilt} = CAST(substr({spoilt}, 1, length({spoilt}) - 1) || x'ee' AS BLOB)"
        );
        sqlx::query(sqlx::AssertSqlSafe(flip))
            .execute(&mut connection)
            .await
            .unwrap();
        let lanes = office.replica(LaneSettings::default());
        assert_eq!(lanes.live(SHOW).await.unwrap().counts().held, 1, "{spoilt}");
        office
            .store
            .save_snapshot(SHOW, good.clone())
            .await
            .unwrap();
    }
}

/// A connection that goes past the store, to spoil things.
async fn raw(office: &Office) -> sqlx::SqliteConnection {
    use sqlx::Connection as _;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(office.store.file());
    sqlx::SqliteConnection::connect_with(&options)
        .await
        .unwrap()
}
