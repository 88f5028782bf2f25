//! What `onsale ledger verify | export | replay` do. They read a data folder that no server uses, or
//! a database that servers share.
//!
//! [`verify()`] audits every ledger from its first batch and compares everything that was derived
//! from it: projections, command records, snapshots. [`export`] writes it out as JSON lines that
//! can be checked without this program. [`replay`] computes a state anew, and [`rebuild`] with it
//! the projections.

mod recorded;
mod verify;

pub use verify::{PerformanceReport, Report, verify};

use crate::lane::{Goods, PerformanceSource, ticket_rows};
use crate::store::{AppendError, Database, LedgerStore as _, Projection, StoreError};
use booking_core::inventory::Counts;
use booking_core::ledger::{Batch, Replay, Sealed};
use booking_core::{Event, Inventory, PerformanceId};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::io;

/// Rows read at once.
const PAGE: u32 = 256;
/// Why a tool could not do its work (a fault it *found* is in its report).
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A performance's map and terms could not be loaded.
    #[error("performance {performance} could not be loaded: {what}")]
    Source {
        /// Which.
        performance: PerformanceId,
        /// Why.
        what: String,
    },
    /// No such performance.
    #[error("there is no performance {0}")]
    UnknownPerformance(PerformanceId),
    /// The ledger cannot be followed to the position asked for.
    #[error("the ledger of performance {performance} cannot be followed: {what}")]
    Fault {
        /// Which.
        performance: PerformanceId,
        /// Why.
        what: String,
    },
    /// Projections could not be written.
    #[error("projections could not be written: {0}")]
    Append(#[from] AppendError),
    /// The output could not be written.
    #[error("the output could not be written: {0}")]
    Output(#[from] io::Error),
}

/// How far a tool has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Which performance is being read.
    pub performance: PerformanceId,
    /// Batches of it read so far.
    pub batches: u64,
    /// Batches it has.
    pub of: u64,
}

/// A ledger followed as far as it can be.
struct Followed {
    replay: Replay,
    fault: Option<String>,
}

/// Follows a ledger from its first batch, at most to `until`; `each` sees every batch.
async fn follow(
    store: &Database,
    performance: PerformanceId,
    goods: &Goods,
    until: Option<u64>,
    progress: &mut impl FnMut(Progress),
    mut each: impl FnMut(&Batch),
) -> Result<Followed, ToolError> {
    let of = store
        .head(performance)
        .await?
        .map_or(0, |head| head.seq)
        .min(until.unwrap_or(u64::MAX));
    let mut replay = Replay::new(
        performance,
        Inventory::new(goods.0.clone(), goods.1.clone()),
    );
    while replay.seq < of {
        progress(Progress {
            performance,
            batches: replay.seq,
            of,
        });
        let rows = store.read_ledger(performance, replay.seq, PAGE).await?;
        if rows.is_empty() {
            let fault = format!("batch {} is missing", replay.seq + 1);
            return Ok(Followed {
                replay,
                fault: Some(fault),
            });
        }
        for row in rows.into_iter().take_while(|row| row.seq <= of) {
            let sealed = Sealed {
                bytes: row.bytes.to_vec(),
                hash: row.hash,
            };
            match replay.follow(&sealed) {
                Ok(batch) if (batch.seq, batch.at_ms) == (row.seq, row.at_ms) => {
                    each(&batch);
                }
                Ok(batch) => {
                    let fault = format!("the columns of batch {} differ from its bytes", batch.seq);
                    return Ok(Followed {
                        replay,
                        fault: Some(fault),
                    });
                }
                Err(fault) => {
                    return Ok(Followed {
                        replay,
                        fault: Some(fault.to_string()),
                    });
                }
            }
        }
    }
    progress(Progress {
        performance,
        batches: of,
        of,
    });
    Ok(Followed {
        replay,
        fault: None,
    })
}

/// A state computed anew.
#[derive(Clone, Debug, Serialize)]
pub struct Replayed {
    /// Whose ledger.
    pub performance: PerformanceId,
    /// Position reached.
    pub seq: u64,
    /// Time of its batch.
    pub at_ms: i64,
    /// SHA-256 of `Inventory::encode()`, in hexadecimal: the same wherever it is replayed.
    pub state: String,
    /// Seats and places by status.
    pub counts: Counts,
}

/// Computes the state of `performance` from its first batch, up to `until` or the end.
pub async fn replay(
    store: &Database,
    source: &dyn PerformanceSource,
    performance: PerformanceId,
    until: Option<u64>,
    mut progress: impl FnMut(Progress),
) -> Result<Replayed, ToolError> {
    let goods = load(source, performance).await?;
    let followed = follow(store, performance, &goods, until, &mut progress, |_| {}).await?;
    let replay = sound(followed, performance)?;
    Ok(Replayed {
        performance,
        seq: replay.seq,
        at_ms: if replay.seq == 0 { 0 } else { replay.at_ms },
        state: hex(&Sha256::digest(replay.inventory.encode())),
        counts: replay.inventory.counts(),
    })
}

/// Writes the projection tables of `performance` anew from its ledger; returns the rows written.
pub async fn rebuild(
    store: &Database,
    source: &dyn PerformanceSource,
    performance: PerformanceId,
    mut progress: impl FnMut(Progress),
) -> Result<u64, ToolError> {
    let goods = load(source, performance).await?;
    let mut rows = Vec::new();
    let each = |batch: &Batch| rows.extend(orders_of(batch));
    let followed = follow(store, performance, &goods, None, &mut progress, each).await?;
    let replay = sound(followed, performance)?;
    for order in replay.inventory.orders() {
        ticket_rows(order, &mut rows);
    }
    if *replay.inventory.terms() != goods.1 {
        rows.push(Projection::terms_set(replay.inventory.terms()));
    }
    let count = rows.len() as u64;
    store.audit().rebuild_projections(performance, rows).await?;
    Ok(count)
}

/// Writes the ledger of `performance` as JSON lines, a batch a line, oldest first; returns how many.
///
/// `hash` is the SHA-256 of `bytes` (base16), and `prev_hash` the `hash` of the line before, so a
/// reader can check the chain without this program; `entries` say what the bytes mean.
pub async fn export(
    store: &Database,
    performance: PerformanceId,
    out: &mut impl io::Write,
    mut progress: impl FnMut(Progress),
) -> Result<u64, ToolError> {
    let of = store.head(performance).await?.map_or(0, |head| head.seq);
    let mut after = 0;
    loop {
        progress(Progress {
            performance,
            batches: after,
            of,
        });
        let rows = store.read_ledger(performance, after, PAGE).await?;
        let Some(last) = rows.last() else { break };
        after = last.seq;
        for row in &rows {
            let batch = Batch::decode(&row.bytes).map_err(|error| ToolError::Fault {
                performance,
                what: format!("batch {}: {error}", row.seq),
            })?;
            let entries: Vec<_> = batch
                .entries
                .iter()
                .map(
                    |entry| serde_json::json!({ "command": entry.command, "events": entry.events }),
                )
                .collect();
            let line = serde_json::json!({
                "performance": performance,
                "seq": row.seq,
                "at_ms": row.at_ms,
                "prev_hash": hex(&batch.prev_hash),
                "hash": hex(&row.hash),
                "entries": entries,
                "bytes": hex(&row.bytes),
            });
            serde_json::to_writer(&mut *out, &line).map_err(io::Error::from)?;
            out.write_all(b"\n")?;
        }
    }
    out.flush()?;
    Ok(after)
}

/// The projection rows of the orders that a batch confirms.
fn orders_of(batch: &Batch) -> impl Iterator<Item = Projection> {
    batch
        .entries
        .iter()
        .flat_map(|entry| &entry.events)
        .filter_map(|event| match event {
            Event::OrderConfirmed {
                order,
                fan,
                total_minor,
                ..
            } => Some(Projection::OrderConfirmed {
                order: *order,
                fan: *fan,
                total_minor: *total_minor,
                at_ms: batch.at_ms,
            }),
            _ => None,
        })
}

fn sound(followed: Followed, performance: PerformanceId) -> Result<Replay, ToolError> {
    match followed.fault {
        None => Ok(followed.replay),
        Some(what) => Err(ToolError::Fault { performance, what }),
    }
}

async fn load(
    source: &dyn PerformanceSource,
    performance: PerformanceId,
) -> Result<Goods, ToolError> {
    source
        .load(performance)
        .await
        .map_err(|what| ToolError::Source { performance, what })?
        .ok_or(ToolError::UnknownPerformance(performance))
}

async fn current(
    source: &dyn PerformanceSource,
    performance: PerformanceId,
) -> Result<Goods, ToolError> {
    source
        .current(performance)
        .await
        .map_err(|what| ToolError::Source { performance, what })?
        .ok_or(ToolError::UnknownPerformance(performance))
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
