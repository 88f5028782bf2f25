//! The loop: a tick for each room four times a second, and keeping what a restart must not lose.
//!
//! What lives in memory is written to the database whole, every few seconds while something happens
//! and after each change by an operator. Who comes in and who leaves is a line of a journal, written
//! before it is answered; the whole makes the lines before it needless. What a crash loses on top of
//! that is learnt again from the passes that visitors show.

use super::registry::Entry;
use super::{Inner, WaitingRooms, gauges};
use crate::store::kept::KeptStore;
use futures_util::future::join_all;
use onsale_queue::RoomId;
use onsale_queue::room::Journal;
use onsale_queue::room::port::{Answer, RoomRow, StoreError};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// How often each room ticks.
const TICK: Duration = Duration::from_millis(250);
/// Ticks between two looks at what has to be kept.
const KEEP_EVERY: u32 = 20;

/// The journal of the rooms in memory, in the database.
pub(crate) struct Lines(pub(crate) Arc<dyn KeptStore>);

impl Journal for Lines {
    fn write(&self, seq: u64, line: String) -> Answer<'_, ()> {
        Box::pin(async move {
            let written = self.0.write_line(seq, line).await;
            written.map_err(|error| {
                tracing::error!(%error, "the waiting rooms' journal could not be written");
                StoreError::Away(error.to_string())
            })
        })
    }
}

/// What was kept last, in short: what is no other than that need not be kept again.
#[derive(Default)]
pub(crate) struct Kept(HashMap<RoomId, Gist>);

#[derive(PartialEq, Eq)]
struct Gist {
    version: u64,
    totals: onsale_queue::wire::Totals,
    given: u64,
}

impl Kept {
    /// Everything is to be kept again.
    pub(crate) fn forget(&mut self) {
        self.0.clear();
    }
}

impl Gist {
    fn of(row: &RoomRow) -> Self {
        Self {
            version: row.version,
            totals: row.totals,
            given: row.epochs.iter().map(|epoch| epoch.next.0).sum(),
        }
    }
}

impl WaitingRooms {
    /// Ticks until the server stops.
    pub fn start(&self) {
        if self.0.memory.is_none() {
            self.follow_list();
        }
        let this = self.clone();
        let mut stopped = self.stopped();
        tokio::spawn(async move {
            let mut interval = tokio::time::interval(TICK);
            // A server that was held up goes on from now.
            interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            let mut ticks = 0_u32;
            loop {
                tokio::select! {
                    _ = interval.tick() => {}
                    _ = stopped.wait_for(|stopped| *stopped) => return,
                }
                this.tick().await;
                ticks = ticks.wrapping_add(1);
                if ticks.is_multiple_of(KEEP_EVERY) {
                    this.0.limits.forget_quiet();
                    this.keep().await;
                }
            }
        });
    }

    /// One tick of every room.
    pub async fn tick(&self) {
        let entries = self.0.registry.entries();
        join_all(entries.iter().map(|entry| self.0.tick_one(entry))).await;
        self.0.look_who_guards();
    }

    /// Keeps what has changed since it was kept last.
    pub async fn keep(&self) {
        let mut kept = self.0.kept.lock().await;
        let mut fresh = HashMap::new();
        let mut changed = Vec::new();
        for room in self.0.rooms.ids() {
            let Some(row) = self.0.rooms.row(room) else {
                continue;
            };
            let gist = Gist::of(&row);
            if kept.0.get(&room) != Some(&gist) {
                changed.push((room, row));
            }
            fresh.insert(room, gist);
        }
        if changed.is_empty() && kept.0.len() == fresh.len() {
            return;
        }
        match self.0.write_down(changed).await {
            Ok(()) => kept.0 = fresh,
            Err(error) => tracing::warn!(error, "the waiting rooms could not be kept"),
        }
    }

    /// Stops ticking, and ends every console's feed.
    pub fn stop(&self) {
        self.0.stopped.send_replace(true);
    }

    /// Keeps everything as it is now, for the next run.
    pub async fn drain(&self) {
        self.stop();
        self.0.kept.lock().await.forget();
        self.keep().await;
    }
}

impl Inner {
    async fn tick_one(&self, entry: &Arc<Entry>) {
        let report = self.shop_report(entry).await;
        if let Err(error) = self.rooms.tick(entry.room, report).await {
            tracing::error!(%error, room = entry.room.to_hex(), "a waiting room could not tick");
        }
        let state = self.rooms.row(entry.room).map(|row| row.state);
        if let Some((state, figures)) = state.zip(self.rooms.figures_now(entry.room)) {
            gauges::record(entry.room, state, &figures);
        }
    }

    async fn write_down(&self, changed: Vec<(RoomId, RoomRow)>) -> Result<(), String> {
        let now_ms = self.clock.now_ms();
        if let Some(memory) = self.memory.clone() {
            let export = tokio::task::spawn_blocking(move || memory.export());
            let (bytes, line) = export.await.map_err(|error| error.to_string())?;
            let kept = self.table.keep_memory(bytes.into(), now_ms).await;
            kept.map_err(|error| error.to_string())?;
            // Only now: what the lines say is in what has just been kept.
            let forgotten = self.kept_store.forget_lines(line).await;
            return forgotten.map_err(|error| error.to_string());
        }
        for (room, row) in changed {
            let state = serde_json::to_string(&row).map_err(|error| error.to_string())?;
            let kept = self.table.keep_state(room.0, state, now_ms).await;
            kept.map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}
