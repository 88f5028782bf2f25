//! Replaying a ledger gives the same inventory, bit for bit, on every machine.

use crate::office::{Office, PERFORMANCE, house_and_terms};
use booking_core::ledger::{LedgerFault, Replay, Sealed};
use booking_core::test_support::{place_hold, seats};
use booking_core::*;
use sha2::{Digest, Sha256};

fn replay() -> Replay {
    let (map, terms) = house_and_terms();
    Replay::new(PERFORMANCE, Inventory::new(map, terms))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A ledger written when this test was: a row a line.
fn kept_ledger(text: &str) -> impl Iterator<Item = Sealed> {
    text.lines().map(|line| {
        let byte =
            |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        Sealed::of(line.as_bytes().chunks(2).map(byte).collect())
    })
}

/// Without terms in it, and without the times at which prices were made.
const FIRST: &str = include_str!("../fixtures/ledger-v1.hex");
/// With both.
const SECOND: &str = include_str!("../fixtures/ledger-v2.hex");

/// The suite runs natively and in WebAssembly: both must come to the same digests.
#[test]
fn a_kept_ledger_replays_to_the_same_bytes_for_ever() {
    let mut replay = replay();
    for row in kept_ledger(FIRST) {
        replay.follow(&row).unwrap();
    }
    assert_eq!(replay.seq, KEPT_ROWS);
    assert_eq!(hex(&replay.hash), KEPT_HEAD);
    assert_eq!(
        hex(&Sha256::digest(replay.inventory.encode())),
        KEPT_INVENTORY
    );
    assert_eq!(replay.inventory.map().version().to_string(), KEPT_MAP);
}

#[test]
fn a_kept_ledger_with_terms_replays_to_the_same_bytes_for_ever() {
    let mut replay = replay();
    for row in kept_ledger(SECOND) {
        let batch = replay.follow(&row).unwrap();
        assert_eq!(batch.seal(), row, "one batch, one encoding");
    }
    assert_eq!(hex(&replay.hash), SECOND_HEAD);
    assert_eq!(
        hex(&Sha256::digest(replay.inventory.encode())),
        SECOND_INVENTORY
    );
    assert_eq!(hex(&replay.inventory.encode()[..4]), hex(b"OSI2"));
}

#[test]
fn kept_ledgers_are_sound_as_far_as_they_tell() {
    for text in [FIRST, SECOND] {
        let (map, terms) = house_and_terms();
        let mut audit = booking_core::audit::Audit::new(PERFORMANCE, map, terms);
        kept_ledger(text).for_each(|row| audit.feed(&row));
        let report = audit.finish();
        assert!(report.is_sound(), "{report}");
    }
}

const SECOND_HEAD: &str = "87d8d5af64da706829d89a0d5daf005c2f4565edc32b37092676e05ccc6e2eaa";
const SECOND_INVENTORY: &str = "902cec626baeb90aa4d2c8892ffe321270314c7540eca80171cab0aa9ec1bb9e";
const KEPT_ROWS: u64 = 150;
const KEPT_HEAD: &str = "d60f9c1fd4de73aecd9bec88ebbecb3fc109500c683acee8bbca52a77410350f";
const KEPT_INVENTORY: &str = "0d6d974ff2689af7fe87649179cea437cdf3fdca853544704c2dfb8df4bc6c8f";
const KEPT_MAP: &str = "b044b790f3860d30ccf01c3cee854eaeea059aa6c71fa15d438fc1b88e348379";

#[test]
fn a_replay_comes_to_the_bytes_of_the_inventory_that_wrote_the_ledger() {
    let office = Office::busy_evening();
    let mut replay = replay();
    for row in &office.rows {
        replay.follow(row).unwrap();
    }
    assert_eq!(replay.inventory.encode(), office.inventory.encode());
}

#[test]
fn a_replay_from_any_snapshot_comes_to_the_same_bytes() {
    let office = Office::busy_evening();
    let (map, terms) = house_and_terms();
    let mut whole = replay();
    for (i, row) in office.rows.iter().enumerate() {
        whole.follow(row).unwrap();
        if i % 20 != 0 {
            continue;
        }
        let bytes = whole.inventory.encode();
        let inventory = Inventory::decode(map.clone(), terms.clone(), &bytes).unwrap();
        let Replay {
            seq, hash, at_ms, ..
        } = whole;
        let mut tail = Replay::from_snapshot(PERFORMANCE, inventory, seq, hash, at_ms);
        office.rows[i + 1..]
            .iter()
            .for_each(|row| drop(tail.follow(row).unwrap()));
        assert_eq!(
            tail.inventory.encode(),
            office.inventory.encode(),
            "from batch {seq}"
        );
    }
}

#[test]
fn an_event_that_contradicts_the_state_is_told_with_its_command() {
    let mut office = Office::open();
    office.accept(&place_hold(1, 1, &seats(&[3])));
    let mut other = Office::open();
    other.now_ms += 1;
    other.accept(&place_hold(2, 2, &seats(&[3, 4])));
    let mut second = ledger::Batch::decode(&other.rows[0].bytes).unwrap();
    (second.seq, second.prev_hash) = (2, office.rows[0].hash);
    let mut replay = replay();
    replay.follow(&office.rows[0]).unwrap();
    let fault = replay.follow(&second.seal()).unwrap_err();
    let LedgerFault::Contradiction { seq, command, .. } = fault else {
        panic!("{fault}")
    };
    assert_eq!((seq, command), (2, CommandId::from_u128(1)));
}
