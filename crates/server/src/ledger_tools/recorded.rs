//! The records of accepted commands, performance by performance. The table is in order of time, all
//! performances mixed, so it is read from end to end for as many performances at once as fit.

use super::ToolError;
use crate::store::Database;
use crate::store::rows::AcceptedCommand;
use booking_core::{CommandId, PerformanceId};
use std::collections::HashMap;

/// Most records kept in memory at once, about 100 bytes each. A performance with more has a reading
/// of its own.
pub(super) const MOST_AT_ONCE: u64 = 2_000_000;
/// Records in one answer of the database.
const PAGE: u32 = 10_000;

type OfOne = HashMap<CommandId, AcceptedCommand>;

/// What has been read and not been asked for.
pub(super) struct Recorded {
    most: u64,
    /// How many there are of each performance, in order of performance.
    counts: Vec<(PerformanceId, u64)>,
    read: HashMap<PerformanceId, OfOne>,
}

impl Recorded {
    pub(super) async fn of(store: &Database, most: u64) -> Result<Self, ToolError> {
        Ok(Self {
            most,
            counts: store.audit().accepted_counts().await?,
            read: HashMap::new(),
        })
    }

    /// The records of `performance`. Cheap when performances are asked for in order of their ids.
    pub(super) async fn take(
        &mut self,
        store: &Database,
        performance: PerformanceId,
    ) -> Result<OfOne, ToolError> {
        if let Some(found) = self.read.remove(&performance) {
            return Ok(found);
        }
        let Ok(from) = self
            .counts
            .binary_search_by_key(&performance, |(id, _)| *id)
        else {
            return Ok(OfOne::new());
        };
        let mut left = self.most;
        let together = self.counts[from..]
            .iter()
            .take_while(|(id, count)| {
                let fits = *id == performance || *count <= left;
                left = left.saturating_sub(*count);
                fits
            })
            .count();
        let last = self.counts[from + together - 1].0;
        let mut after = None;
        self.read.clear();
        loop {
            let page = store
                .audit()
                .accepted_commands((performance, last), after, PAGE)
                .await?;
            after = page.last().copied().or(after);
            let is_last = page.len() < PAGE as usize;
            for one in page {
                let of_one = self.read.entry(one.performance).or_default();
                of_one.insert(one.command, one);
            }
            if is_last {
                break;
            }
        }
        Ok(self.read.remove(&performance).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        Append, CommandRecord, LedgerStore as _, RecordedOutcome, SqliteStore, StoreOptions,
    };

    #[tokio::test]
    async fn each_performance_gets_its_own_records_however_few_fit_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(dir.path(), StoreOptions::default())
            .await
            .unwrap();
        let store = Database::from(store);
        // 1 has one, 2 has none, 3 has five, 4 and 5 have two; ids lie mixed.
        let counts = [(1_u128, 1_u128), (3, 5), (4, 2), (5, 2)];
        for (performance, count) in counts {
            let commands = (0..count).map(|n| CommandRecord {
                command: CommandId::from_u128(n * 100 + performance),
                content: [0; 16],
                outcome: RecordedOutcome::Accepted {
                    seq: performance as u64,
                    entry: n as u32,
                    detail: None,
                },
            });
            let append = Append {
                performance: PerformanceId::from_u128(performance),
                batch: None,
                decided_after: None,
                commands: commands.collect(),
                projections: Vec::new(),
            };
            store.append(append).await.unwrap();
        }
        for most in [1, 3, 7, 1_000] {
            let mut recorded = Recorded::of(&store, most).await.unwrap();
            for performance in 1..=6_u128 {
                let id = PerformanceId::from_u128(performance);
                let of_one = recorded.take(&store, id).await.unwrap();
                let wanted = counts.iter().find(|(id, _)| *id == performance);
                let wanted = wanted.map_or(0, |(_, count)| *count as usize);
                assert_eq!(of_one.len(), wanted, "{performance} with {most} at once");
                let is_its = |one: &AcceptedCommand| one.performance == id;
                assert!(of_one.values().all(is_its));
            }
        }
        store.close().await.unwrap();
    }
}
