//! A torn or damaged file is refused or mended, and never read past: whatever is read is what was
//! written.

use crate::support::{NOW_MS, Office, SHOW, fresh, hold, release, small};
use onsale_server::clock::Clock;
use onsale_server::lane::{LaneSettings, load_state};
use onsale_server::store::integrity::{WalState, check_wal};
use onsale_server::store::rows::LedgerRow;
use onsale_server::store::{LedgerStore as _, OpenError, SqliteStore, StoreOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const DATABASE: &str = "onsale.db";
const LOG: &str = "onsale.db-wal";

/// Numbers that look random and are the same in every run.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// The files of a server as SIGKILL would leave them, and what its ledger holds.
struct Crashed {
    dir: tempfile::TempDir,
    rows: Vec<LedgerRow>,
}

impl Crashed {
    /// `folded`: part of the ledger is in the database file, the rest in the log.
    async fn after(holds: u32, folded: u32) -> Self {
        let mut office = Office::open().await;
        for n in 0..holds {
            if n == folded && n > 0 {
                office = office.restart().await;
            }
            let id = fresh();
            office.send(fresh(), hold(id, 1, &[n % 100])).await.unwrap();
            office.send(fresh(), release(id, 1)).await.unwrap();
        }
        let rows = office.store.read_ledger(SHOW, 0, 10_000).await.unwrap();
        assert_eq!(rows.len() as u32, holds * 2);
        let dir = copied(office.dir.as_ref().unwrap().path());
        Self { dir, rows }
    }
    fn copy(&self) -> tempfile::TempDir {
        copied(self.dir.path())
    }
    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

fn copied(from: &Path) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in [DATABASE, LOG, "onsale.running"] {
        std::fs::copy(from.join(name), dir.path().join(name)).unwrap();
    }
    dir
}

fn flip(path: &Path, at: u64) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at as usize] ^= 0x40;
    std::fs::write(path, bytes).unwrap();
}

fn cut(path: &Path, length: u64) {
    std::fs::OpenOptions::new()
        .write(true)
        .open(path)
        .unwrap()
        .set_len(length)
        .unwrap();
}

fn length(path: &Path) -> u64 {
    std::fs::metadata(path).unwrap().len()
}

#[derive(Default, Debug)]
struct Outcomes {
    refused: u32,
    refused_on_reading: u32,
    whole: u32,
    shortened: u32,
}

/// Opens what is left and holds it against what was written.
async fn judge(dir: &Path, written: &[LedgerRow], outcomes: &mut Outcomes, what: &str) {
    let store = match SqliteStore::open(dir, StoreOptions::default()).await {
        Ok(store) => store,
        Err(error) => {
            assert!(
                matches!(
                    error,
                    OpenError::Damaged { .. }
                        | OpenError::DamagedLog { .. }
                        | OpenError::Migration { .. }
                ),
                "{what}: {error}"
            );
            outcomes.refused += 1;
            return;
        }
    };
    // What a lane would do: follow the ledger and check each batch.
    let loaded = load_state(Arc::new(store.clone()), SHOW, &small()).await;
    match loaded {
        Err(_) => outcomes.refused_on_reading += 1,
        Ok((_, position)) => {
            let rows = store.read_ledger(SHOW, 0, 10_000).await.unwrap();
            assert_eq!(rows.len() as u64, position.seq, "{what}");
            assert!(rows.len() <= written.len(), "{what}");
            // Batches before a snapshot are not read by a lane; those it read are as written.
            let from = store
                .snapshot(SHOW)
                .await
                .ok()
                .flatten()
                .map_or(0, |snapshot| snapshot.seq);
            let from = usize::try_from(from).unwrap().min(rows.len());
            assert_eq!(rows[from..], written[from..rows.len()], "{what}");
            if rows.len() == written.len() {
                outcomes.whole += 1;
            } else {
                outcomes.shortened += 1;
            }
        }
    }
    let _ = store.close().await;
}

#[tokio::test]
async fn a_log_cut_off_anywhere_gives_back_a_beginning_of_the_ledger() {
    let crashed = Crashed::after(20, 0).await;
    let mut random = Seeded(1);
    let mut outcomes = Outcomes::default();
    let whole = length(&crashed.file(LOG));
    for _ in 0..25 {
        let dir = crashed.copy();
        let at = random.below(whole);
        cut(&dir.path().join(LOG), at);
        judge(
            dir.path(),
            &crashed.rows,
            &mut outcomes,
            &format!("log cut at {at}"),
        )
        .await;
    }
    assert!(outcomes.shortened > 15, "{outcomes:?}");
    assert_eq!(outcomes.refused_on_reading, 0, "{outcomes:?}");
}

#[tokio::test]
async fn a_log_damaged_before_its_last_transaction_is_refused_and_left_alone() {
    let crashed = Crashed::after(20, 0).await;
    let mut random = Seeded(2);
    let mut outcomes = Outcomes::default();
    let whole = length(&crashed.file(LOG));
    for _ in 0..25 {
        let dir = crashed.copy();
        let at = random.below(whole);
        let log = dir.path().join(LOG);
        flip(&log, at);
        let before = std::fs::read(&log).unwrap();
        let refused = outcomes.refused;
        judge(
            dir.path(),
            &crashed.rows,
            &mut outcomes,
            &format!("log flipped at {at}"),
        )
        .await;
        if outcomes.refused > refused {
            assert_eq!(std::fs::read(&log).unwrap(), before, "flipped at {at}");
        }
    }
    assert!(outcomes.refused > 15, "{outcomes:?}");
}

#[tokio::test]
async fn a_database_damaged_anywhere_is_refused_or_reads_as_it_was_written() {
    let crashed = Crashed::after(30, 20).await;
    let mut random = Seeded(3);
    let mut outcomes = Outcomes::default();
    let database = crashed.file(DATABASE);
    let whole = length(&database);
    for n in 0..40 {
        let dir = crashed.copy();
        let at = random.below(whole);
        let file = dir.path().join(DATABASE);
        let what = if n % 4 == 0 {
            cut(&file, at);
            format!("database cut at {at}")
        } else {
            for offset in at..(at + 64).min(whole) {
                flip(&file, offset);
            }
            format!("database flipped at {at}")
        };
        judge(dir.path(), &crashed.rows, &mut outcomes, &what).await;
    }
    assert!(outcomes.refused > 5 && outcomes.whole > 0, "{outcomes:?}");
}

#[tokio::test]
async fn what_sigkill_leaves_is_opened_whole() {
    let crashed = Crashed::after(10, 5).await;
    let mut outcomes = Outcomes::default();
    judge(
        crashed.dir.path(),
        &crashed.rows,
        &mut outcomes,
        "untouched",
    )
    .await;
    assert_eq!(outcomes.whole, 1, "{outcomes:?}");
    // And goes on from there.
    let (clock, settings) = (Clock::manual(NOW_MS), LaneSettings::default());
    let options = StoreOptions::default();
    let office = Office::at(crashed.dir.path(), small(), clock, settings, options).await;
    let answer = office.send(fresh(), hold(fresh(), 1, &[3])).await.unwrap();
    assert_eq!(answer.seq, crashed.rows.len() as u64 + 1);
}

#[tokio::test]
async fn a_log_is_sound_torn_at_its_end_or_damaged_before() {
    let crashed = Crashed::after(10, 0).await;
    let log = crashed.file(LOG);
    assert_eq!(check_wal(&log).unwrap(), WalState::Sound);
    assert_eq!(
        check_wal(&crashed.file("no such log")).unwrap(),
        WalState::Sound
    );
    let whole = length(&log);
    let spoilt = |spoil: &dyn Fn(&Path)| {
        let dir = crashed.copy();
        let log = dir.path().join(LOG);
        spoil(&log);
        check_wal(&log).unwrap()
    };
    assert!(
        matches!(spoilt(&|log| flip(log, 40)), WalState::Damaged(_)),
        "first frame"
    );
    assert!(
        matches!(spoilt(&|log| flip(log, 4)), WalState::Damaged(_)),
        "header"
    );
    assert!(
        matches!(spoilt(&|log| flip(log, whole / 2)), WalState::Damaged(_)),
        "middle"
    );
    assert!(
        matches!(
            spoilt(&|log| flip(log, whole - 1)),
            WalState::TornEnd { .. }
        ),
        "last frame"
    );
    assert!(
        matches!(spoilt(&|log| cut(log, whole - 1)), WalState::TornEnd { .. }),
        "cut"
    );
    assert_eq!(spoilt(&|log| cut(log, 0)), WalState::Sound, "empty");
}
