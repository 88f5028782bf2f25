//! Holds lapse by the clock the lane is given, and time in a ledger never goes backwards.

use crate::support::{NOW_MS, Office, SHOW, hold};
use booking_core::{Event, SeatIx, SeatStatus};

const TEN_MINUTES_MS: i64 = 600_000;

#[tokio::test]
async fn a_lapsed_hold_becomes_visible_as_free_without_anybody_asking() {
    let office = Office::open().await;
    office.send(1, hold(7, 1, &[3])).await.unwrap();
    let live = office.lanes.live(SHOW).await.unwrap();
    assert_eq!(live.view().status(SeatIx(3)), SeatStatus::Held);
    let mut commits = live.watch();
    office.clock.advance(TEN_MINUTES_MS);
    commits.wait_for(|&seq| seq == 2).await.unwrap();
    assert_eq!(live.view().status(SeatIx(3)), SeatStatus::Free);
    assert_eq!(live.counts().held, 0);
}

#[tokio::test]
async fn a_hold_lives_until_the_last_millisecond() {
    let office = Office::open().await;
    office.send(1, hold(7, 1, &[3])).await.unwrap();
    office.clock.advance(TEN_MINUTES_MS - 1);
    office.send(2, hold(8, 2, &[3])).await.unwrap_err();
    office.clock.advance(1);
    office.send(3, hold(9, 2, &[3])).await.unwrap();
}

#[tokio::test]
async fn more_lapses_than_fit_into_one_batch_are_all_written() {
    let settings = onsale_server::lane::LaneSettings {
        max_lapses: 3,
        ..Default::default()
    };
    let office = Office::with(settings, Default::default()).await;
    for n in 0..20 {
        office.send(n, hold(100 + n, 1, &[n as u32])).await.unwrap();
    }
    let live = office.lanes.live(SHOW).await.unwrap();
    let mut commits = live.watch();
    office.clock.advance(TEN_MINUTES_MS);
    // 20 holds were 20 batches; 20 lapses at 3 a batch are 7 more.
    commits.wait_for(|&seq| seq == 27).await.unwrap();
    assert_eq!(live.counts().held, 0);
}

#[tokio::test]
async fn time_in_the_ledger_stands_still_while_the_clock_is_set_back() {
    let office = Office::open().await;
    let first = office.send(1, hold(7, 1, &[3])).await.unwrap();
    office.clock.set(NOW_MS - 3_600_000);
    let second = office.send(2, hold(8, 1, &[4])).await.unwrap();
    assert_eq!(second.at_ms, first.at_ms);
    let Some(Event::HoldPlaced { placed_ms, .. }) = second.events.last() else {
        panic!()
    };
    assert_eq!(*placed_ms, first.at_ms);
    // Also for whoever loads the ledger later.
    let office = office.restart().await;
    assert_eq!(
        office.send(3, hold(9, 1, &[5])).await.unwrap().at_ms,
        first.at_ms
    );
}
