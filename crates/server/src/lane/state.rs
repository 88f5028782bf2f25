//! The inventory at a ledger position, and how it is rebuilt: snapshot, then tail, each batch
//! checked against the one before.

use super::Goods;
use super::answer::{LaneError, failed};
use super::ledger::Ledger;
use crate::store::{LedgerStore, SnapshotRow, StoreError};
use booking_core::ledger::{GENESIS, Hash, Replay, Sealed};
use booking_core::{Inventory, PerformanceId};
use bytes::Bytes;
use std::sync::Arc;

/// Batches read at once.
const PAGE: u32 = 64;

/// A position in a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Number of the last batch, 0 before the first.
    pub seq: u64,
    /// Its time; 0 before the first.
    pub at_ms: i64,
    /// Its hash.
    pub hash: Hash,
}

/// The inventory as of `position`.
pub(super) struct State {
    pub(super) inventory: Inventory,
    pub(super) position: Position,
}

/// The committed state of a performance as a lane would load it: for tools and tests.
pub async fn load<S: LedgerStore>(
    store: Arc<S>,
    performance: PerformanceId,
    goods: &Goods,
) -> Result<(Inventory, Position), LaneError> {
    let ledger: Ledger = store;
    let state = rebuild(&ledger, performance, goods).await?;
    Ok((state.inventory, state.position))
}

pub(super) async fn rebuild(
    ledger: &Ledger,
    performance: PerformanceId,
    goods: &Goods,
) -> Result<State, LaneError> {
    let mut replay = match from_snapshot(ledger, performance, goods).await? {
        Some(replay) => replay,
        None => Replay::new(
            performance,
            Inventory::new(goods.0.clone(), goods.1.clone()),
        ),
    };
    follow_to_the_end(ledger, performance, &mut replay).await?;
    Ok(replay.into())
}

/// The state with whatever has been appended behind it.
pub(super) async fn follow(
    ledger: &Ledger,
    performance: PerformanceId,
    state: State,
) -> Result<State, LaneError> {
    let State {
        inventory,
        position: Position { seq, at_ms, hash },
    } = state;
    let mut replay = match seq {
        0 => Replay::new(performance, inventory),
        _ => Replay::from_snapshot(performance, inventory, seq, hash, at_ms),
    };
    follow_to_the_end(ledger, performance, &mut replay).await?;
    Ok(replay.into())
}

async fn follow_to_the_end(
    ledger: &Ledger,
    performance: PerformanceId,
    replay: &mut Replay,
) -> Result<(), LaneError> {
    loop {
        let rows = ledger
            .read_ledger(performance, replay.seq, PAGE)
            .await
            .map_err(|error| failed(performance, &error))?;
        let last = rows.len() < PAGE as usize;
        for row in rows {
            let sealed = Sealed {
                bytes: row.bytes.to_vec(),
                hash: row.hash,
            };
            if let Err(fault) = replay.follow(&sealed) {
                tracing::error!(%performance, %fault, "the ledger cannot be followed");
                return Err(LaneError::StorageFailed);
            }
        }
        if last {
            return Ok(());
        }
        // A long ledger must not keep the thread to itself.
        tokio::task::yield_now().await;
    }
}

impl From<Replay> for State {
    fn from(replay: Replay) -> Self {
        let position = Position {
            seq: replay.seq,
            at_ms: if replay.seq == 0 { 0 } else { replay.at_ms },
            hash: replay.hash,
        };
        Self {
            inventory: replay.inventory,
            position,
        }
    }
}

/// A snapshot is a shortcut: whatever is wrong with it, the ledger itself tells the same.
async fn from_snapshot(
    ledger: &Ledger,
    performance: PerformanceId,
    goods: &Goods,
) -> Result<Option<Replay>, LaneError> {
    let ignored = |what: &str| {
        tracing::warn!(%performance, what, "ignoring a damaged snapshot, replaying the whole ledger");
        metrics::counter!("onsale_lane_damaged_snapshots").increment(1);
        Ok(None)
    };
    let snapshot = match ledger.snapshot(performance).await {
        Ok(Some(snapshot)) => snapshot,
        Ok(None) => return Ok(None),
        Err(StoreError::DamagedSnapshot(what)) => return ignored(&what),
        Err(error) => return Err(failed(performance, &error)),
    };
    let in_ledger = ledger
        .read_ledger(performance, snapshot.seq.saturating_sub(1), 1)
        .await
        .map_err(|error| failed(performance, &error))?;
    let hash = in_ledger
        .first()
        .filter(|row| row.seq == snapshot.seq)
        .map(|row| row.hash);
    if hash.unwrap_or(GENESIS) != snapshot.hash {
        return ignored("the ledger has another batch at its position");
    }
    let SnapshotRow {
        seq,
        at_ms,
        hash,
        inventory,
    } = snapshot;
    match Inventory::decode(goods.0.clone(), goods.1.clone(), &inventory) {
        Ok(inventory) => Ok(Some(Replay::from_snapshot(
            performance,
            inventory,
            seq,
            hash,
            at_ms,
        ))),
        Err(error) => ignored(&error.to_string()),
    }
}

impl State {
    /// What [`rebuild`] can start from. Copies the inventory; encode it elsewhere.
    pub(super) fn to_snapshot(&self) -> impl FnOnce() -> SnapshotRow + Send + 'static {
        let inventory = self.inventory.clone();
        let Position { seq, at_ms, hash } = self.position;
        move || SnapshotRow {
            seq,
            at_ms,
            hash,
            inventory: Bytes::from(inventory.encode()),
        }
    }
}
