//! `verify` finds whatever was altered behind the program's back; `export`, `replay` and `rebuild`
//! agree with the lanes.

use crate::support::{Houses, Office, SHOW, cancel, confirm, exchange, fresh, hold, stand};
use booking_core::price::Place;
use booking_core::{AreaIx, PerformanceId, test_support};
use onsale_server::ledger_tools::{Report, ToolError, export, rebuild, replay, verify};
use onsale_server::store::LedgerStore as _;
use sha2::{Digest as _, Sha256};
use sqlx::Connection as _;

/// An office that has sold, exchanged and taken back, shut down and opened again (so that there is
/// a snapshot), and sold a little more.
async fn sold() -> Office {
    let office = Office::open().await;
    let floor = Place::Area(AreaIx(0));
    let steps = [
        hold(7, 1, &[3, 4]),
        confirm(70, 7, 1, &test_support::seats(&[3, 4])),
        stand(8, 1, 3),
        confirm(80, 8, 1, &[floor, floor, floor]),
        exchange(70, &[3], &[13]),
        hold(9, 2, &[50]),
    ];
    for step in steps {
        office.send(fresh(), step).await.unwrap();
    }
    let office = office.restart().await;
    office.send(fresh(), cancel(80, &[floor])).await.unwrap();
    office.clock.advance(600_000);
    office.send(fresh(), hold(10, 2, &[50])).await.unwrap();
    office
}

async fn verified(office: &Office) -> Report {
    verify(&office.database(), &Houses(office.goods.clone()), |_| {})
        .await
        .unwrap()
}

async fn spoil(office: &Office, statement: &'static str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(office.store.file());
    let mut connection = sqlx::SqliteConnection::connect_with(&options)
        .await
        .unwrap();
    let done = sqlx::query(statement)
        .execute(&mut connection)
        .await
        .unwrap();
    assert!(done.rows_affected() > 0, "{statement}");
}

#[tokio::test]
async fn a_ledger_that_nobody_touched_is_sound_and_told_in_numbers() {
    let office = sold().await;
    let report = verified(&office).await;
    assert!(report.sound, "{report:?}");
    let [one] = &report.performances[..] else {
        panic!("{report:?}")
    };
    assert_eq!(one.performance, SHOW);
    let ledger = &one.ledger;
    assert_eq!(
        (ledger.orders, ledger.tickets.sold, ledger.tickets.live),
        (2, 5, 4)
    );
    assert_eq!(ledger.revenue.charged_minor, 5_000);
    assert_eq!((ledger.house.sold, ledger.house.held), (2, 1));
    let head = office.store.head(SHOW).await.unwrap().unwrap();
    assert_eq!(ledger.batches, head.seq);
    // Eight that were sent and the lane's own lapse.
    assert_eq!(ledger.commands, 9);
}

#[tokio::test]
async fn whatever_is_altered_behind_the_programs_back_is_found() {
    let alterations = [
        (
            "UPDATE ledger SET batch = CAST(batch || x'00' AS BLOB) WHERE seq = 2",
            "batch 2",
        ),
        (
            "UPDATE ledger SET at_ms = at_ms + 1 WHERE seq = 4",
            "batch 4",
        ),
        (
            "UPDATE ledger SET hash = zeroblob(32) WHERE seq = 3",
            "batch 3",
        ),
        ("DELETE FROM ledger WHERE seq = 3", "3"),
        ("DELETE FROM ledger WHERE seq = 1", "1"),
        ("DELETE FROM ledger WHERE seq = 8", "command"),
        (
            "UPDATE ticket_live SET place_key = 14 WHERE place_key = 13",
            "ticket",
        ),
        ("DELETE FROM ticket_live WHERE place_key = 4", "has no row"),
        (
            "INSERT INTO ticket_live SELECT performance_id, 60, zeroblob(16), order_id, fan_id, \
             area, price_type FROM ticket_live WHERE place_key = 4",
            "not live",
        ),
        ("UPDATE order_confirmed SET total_minor = 1", "order"),
        ("DELETE FROM order_confirmed", "order"),
        ("DELETE FROM command WHERE seq = 2", "no record"),
        (
            "UPDATE command SET entry = 5 WHERE seq = 2",
            "its record says",
        ),
        (
            "UPDATE snapshot SET inventory = CAST(inventory || x'00' AS BLOB)",
            "snapshot",
        ),
    ];
    for (alteration, word) in alterations {
        let office = sold().await;
        spoil(&office, alteration).await;
        let report = verified(&office).await;
        assert!(!report.sound, "{alteration}");
        let one = &report.performances[0];
        let in_ledger = one.ledger.faults.iter().map(ToString::to_string);
        let faults: Vec<String> = in_ledger.chain(one.faults.clone()).collect();
        assert!(
            faults.iter().any(|fault| fault.contains(word)),
            "{alteration}: {faults:?}"
        );
    }
}

#[tokio::test]
async fn an_export_is_a_chain_that_can_be_checked_without_this_program() {
    let office = sold().await;
    let mut out = Vec::new();
    let lines = export(&office.database(), SHOW, &mut out, |_| {})
        .await
        .unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.lines().count() as u64, lines);
    let mut prev_hash = "0".repeat(64);
    for (seq, line) in (1..).zip(text.lines()) {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["seq"], seq);
        assert_eq!(line["prev_hash"], prev_hash);
        let hex = line["bytes"].as_str().unwrap();
        let bytes: Vec<u8> = (0..hex.len() / 2)
            .map(|n| u8::from_str_radix(&hex[n * 2..n * 2 + 2], 16).unwrap())
            .collect();
        prev_hash = Sha256::digest(bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(line["hash"], prev_hash);
        assert!(!line["entries"].as_array().unwrap().is_empty());
    }
    assert_eq!(
        prev_hash,
        verified(&office).await.performances[0].ledger.head
    );
}

#[tokio::test]
async fn a_replay_reaches_the_state_that_the_lane_has() {
    let office = sold().await;
    let source = Houses(office.goods.clone());
    let in_lane = office
        .lanes
        .read(SHOW, |inventory, _| inventory.encode())
        .await
        .unwrap();
    let state: String = Sha256::digest(in_lane)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let replayed = replay(&office.database(), &source, SHOW, None, |_| {})
        .await
        .unwrap();
    assert_eq!(replayed.state, state);
    let earlier = replay(&office.database(), &source, SHOW, Some(2), |_| {})
        .await
        .unwrap();
    assert_eq!((earlier.seq, earlier.counts.sold), (2, 2));
    assert_ne!(earlier.state, state);
    let nowhere = PerformanceId::from_u128(5_000_000);
    let unknown = replay(&office.database(), &source, nowhere, None, |_| {}).await;
    assert!(matches!(unknown, Err(ToolError::UnknownPerformance(_))));
}

#[tokio::test]
async fn projections_that_were_lost_are_rebuilt_from_the_ledger() {
    let office = sold().await;
    spoil(&office, "DELETE FROM ticket_live").await;
    spoil(&office, "UPDATE order_confirmed SET fan_id = zeroblob(16)").await;
    assert!(!verified(&office).await.sound);
    let source = Houses(office.goods.clone());
    let rows = rebuild(&office.database(), &source, SHOW, |_| {})
        .await
        .unwrap();
    assert_eq!(rows, 2 + 4);
    let report = verified(&office).await;
    assert!(report.sound, "{report:?}");
}

#[tokio::test]
async fn a_broken_ledger_is_not_rebuilt_from() {
    let office = sold().await;
    spoil(&office, "DELETE FROM ledger WHERE seq = 3").await;
    let source = Houses(office.goods.clone());
    let rebuilt = rebuild(&office.database(), &source, SHOW, |_| {}).await;
    assert!(
        matches!(rebuilt, Err(ToolError::Fault { .. })),
        "{rebuilt:?}"
    );
}
