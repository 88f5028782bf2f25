//! When the disk says no, nothing is acknowledged; when it says yes again, everything goes on.

use crate::support::{NOW_MS, Office, SHOW, fresh, hold, small};
use onsale_server::clock::Clock;
use onsale_server::lane::{LaneError, LaneSettings};
use onsale_server::store::StoreOptions;

#[tokio::test]
async fn a_full_disk_refuses_and_recovers_and_every_acknowledged_hold_is_there() {
    let full = StoreOptions {
        // Some more than an empty database has.
        max_pages: Some(120),
        ..StoreOptions::default()
    };
    let office = Office::with(LaneSettings::default(), full).await;
    let mut acknowledged = 0_u32;
    let mut hold_id = 1_000;
    let refused = loop {
        // Takes and gives back, so that the ledger grows and the house does not fill.
        hold_id += 1;
        match office
            .send(fresh(), hold(hold_id, 1, &[acknowledged % 50]))
            .await
        {
            Ok(_) => acknowledged += 1,
            Err(LaneError::Rejected(_)) => acknowledged += 1,
            Err(error) => break error,
        }
        assert!(acknowledged < 100_000, "the disk never filled");
    };
    assert_eq!(refused, LaneError::StorageFailed);
    // Still full, still refused, still answering.
    let counts = office.lanes.live(SHOW).await.unwrap().counts();
    for _ in 0..3 {
        let sent = office.send(fresh(), hold(fresh(), 1, &[77])).await;
        assert_eq!(sent, Err(LaneError::StorageFailed));
    }
    assert_eq!(office.lanes.live(SHOW).await.unwrap().counts(), counts);
    // Room again.
    office.lanes.drain().await;
    office.store.close().await.unwrap();
    let dir = office.dir.unwrap();
    drop((office.lanes, office.store));
    let (settings, options) = (LaneSettings::default(), StoreOptions::default());
    let office = Office::at(
        dir.path(),
        small(),
        Clock::manual(NOW_MS),
        settings,
        options,
    )
    .await;
    assert_eq!(office.lanes.live(SHOW).await.unwrap().counts(), counts);
    office.send(fresh(), hold(fresh(), 1, &[77])).await.unwrap();
}
