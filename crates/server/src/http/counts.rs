//! How many seats of a performance are in which state, for lists of many performances.
//!
//! What is in memory tells it exactly. What is not must not be loaded for a list: a thousand houses
//! at the first look at the season. There the sold are counted in the tickets' own rows, all
//! performances in one query a minute; what is closed is as last known, and holds, which nobody has
//! touched since the performance left memory, are not counted. Only where that leaves hardly
//! anything open, and so decides whether a house counts as sold out, is it looked at closely: a few
//! at a time.

use super::problem::{ApiError, Inside};
use super::state::AppState;
use crate::catalogue::Performance;
use booking_core::PerformanceId;
use booking_core::inventory::Counts;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Mutex as AsyncMutex;

/// How long counts of what is not in memory are believed.
const BELIEVED_MS: i64 = 60_000;
/// Houses loaded for one list at most.
const LOADED_A_LIST: usize = 8;
/// A house with at most one in so many seats open is looked at closely.
const NEARLY_SOLD_OUT: u64 = 20;

/// Tickets sold, by performance.
type Sold = HashMap<PerformanceId, u32>;

/// Last known counts.
#[derive(Default)]
pub struct KnownCounts {
    exact: Mutex<HashMap<PerformanceId, (Counts, i64)>>,
    sold: AsyncMutex<Option<(i64, Arc<Sold>)>>,
}

impl KnownCounts {
    fn last(&self, performance: PerformanceId) -> Option<(Counts, i64)> {
        let exact = self.exact.lock().unwrap_or_else(PoisonError::into_inner);
        exact.get(&performance).copied()
    }

    fn learn(&self, performance: PerformanceId, counts: Counts, now_ms: i64) {
        let mut exact = self.exact.lock().unwrap_or_else(PoisonError::into_inner);
        exact.insert(performance, (counts, now_ms));
    }
}

impl AppState {
    /// How many seats are in which state. Loads the performance where nothing recent is known.
    pub async fn counts(&self, performance: PerformanceId) -> Result<Counts, ApiError> {
        let now_ms = self.clock.now_ms();
        if let Some(counts) = self.recent(performance, now_ms) {
            return Ok(counts);
        }
        let counts = self.lanes.live(performance).await?.counts();
        self.counts.learn(performance, counts, now_ms);
        Ok(counts)
    }

    /// The same for a whole list, see the module.
    pub async fn counts_of(
        &self,
        performances: &[Arc<Performance>],
    ) -> Result<Vec<Counts>, ApiError> {
        let now_ms = self.clock.now_ms();
        let mut counts = Vec::with_capacity(performances.len());
        let mut loaded = 0;
        for performance in performances {
            let id = performance.id;
            let known = match self.recent(id, now_ms) {
                Some(known) => known,
                None => {
                    let roughly = self.roughly(performance, now_ms).await?;
                    if is_nearly_sold_out(roughly) && loaded < LOADED_A_LIST {
                        loaded += 1;
                        self.counts(id).await?
                    } else {
                        roughly
                    }
                }
            };
            counts.push(known);
        }
        Ok(counts)
    }

    /// What is in memory, or was not long ago.
    fn recent(&self, performance: PerformanceId, now_ms: i64) -> Option<Counts> {
        if let Some(live) = self.lanes.peek(performance) {
            let counts = live.counts();
            self.counts.learn(performance, counts, now_ms);
            return Some(counts);
        }
        let (counts, at_ms) = self.counts.last(performance)?;
        (0..BELIEVED_MS)
            .contains(&(now_ms - at_ms))
            .then_some(counts)
    }

    async fn roughly(&self, performance: &Performance, now_ms: i64) -> Result<Counts, ApiError> {
        let sold = self.sold(now_ms).await?;
        let map = self.catalogue.seat_map(performance.map_version).await?;
        let map = map.ok_or_else(|| ApiError::Internal(Inside::text("a map is missing")))?;
        let places = map.seat_count() + map.areas().iter().map(|area| area.capacity).sum::<u32>();
        let last = self.counts.last(performance.id);
        let closed = last.map_or(0, |(counts, _)| counts.closed).min(places);
        let sold = sold.get(&performance.id).copied().unwrap_or(0);
        let sold = sold.min(places - closed);
        Ok(Counts {
            open: places - closed - sold,
            held: 0,
            sold,
            closed,
        })
    }

    /// Tickets sold of every performance, counted once a minute however many ask.
    async fn sold(&self, now_ms: i64) -> Result<Arc<Sold>, ApiError> {
        let mut kept = self.counts.sold.lock().await;
        if let Some((at_ms, sold)) = &*kept
            && (0..BELIEVED_MS).contains(&(now_ms - at_ms))
        {
            return Ok(Arc::clone(sold));
        }
        let counted = self.store.tickets_sold().await;
        let counted = counted.map_err(|error| ApiError::StorageFailed(Inside::new(&error)))?;
        let sold = Arc::new(counted);
        *kept = Some((now_ms, Arc::clone(&sold)));
        Ok(sold)
    }
}

fn is_nearly_sold_out(counts: Counts) -> bool {
    let all = u64::from(counts.open) + u64::from(counts.sold);
    counts.sold > 0 && u64::from(counts.open) * NEARLY_SOLD_OUT <= all
}
