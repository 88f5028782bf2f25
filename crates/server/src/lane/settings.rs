//! The bounds of a lane.

use std::time::Duration;

/// Bounds of lanes. Every queue and every batch has one.
#[derive(Clone, Copy, Debug)]
pub struct LaneSettings {
    /// Commands that may wait in one lane; beyond it callers are told to come back.
    pub queue: usize,
    /// Most commands in one batch. 1 is the naive baseline of the benchmark, together with
    /// [`StoreOptions::gather`](crate::store::StoreOptions) off.
    pub max_batch: usize,
    /// Send the next batch to the store before the one before it, durable by then, is answered.
    pub answer_last: bool,
    /// Most lapses written in one batch.
    pub max_lapses: u32,
    /// Most lanes in memory; the one unused for longest makes room.
    pub max_hot: usize,
    /// A lane that nobody has used or watched for so long is dropped from memory.
    pub idle_after: Duration,
    /// Events between snapshots.
    pub snapshot_events: u64,
    /// Command ids remembered as recorded, a lane.
    pub recent_commands: usize,
    /// Times a batch is decided anew because somebody else appended first.
    pub max_attempts: u32,
}

impl Default for LaneSettings {
    fn default() -> Self {
        Self {
            queue: 8_192,
            max_batch: 2_048,
            answer_last: true,
            max_lapses: 512,
            max_hot: 4_096,
            idle_after: Duration::from_secs(60),
            snapshot_events: 50_000,
            recent_commands: 65_536,
            max_attempts: 16,
        }
    }
}

impl LaneSettings {
    /// One transaction for each command: what lanes are measured against.
    #[must_use]
    pub fn naive() -> Self {
        Self {
            max_batch: 1,
            answer_last: false,
            ..Self::default()
        }
    }
}
