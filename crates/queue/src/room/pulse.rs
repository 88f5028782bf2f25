//! The room's pulse: what happened in each of the last intervals, from counts that only grow.

use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Length of an interval.
pub const INTERVAL_MS: i64 = 10_000;
/// Intervals that are kept: two minutes.
pub const INTERVALS: usize = 12;
const IN_A_MINUTE: usize = 6;

/// Calls and arrivals of the last intervals, the running one last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pulse {
    interval: i64,
    called: u64,
    arrived: u64,
    calls: Vec<u32>,
    arrivals: Vec<u32>,
}

impl Pulse {
    /// Takes in the counts at `now_ms`. `true`: a new interval has begun.
    pub fn beat(&mut self, now_ms: i64, called: u64, arrived: u64) -> bool {
        let interval = now_ms.div_euclid(INTERVAL_MS);
        let passed = interval.saturating_sub(self.interval);
        // A clock that was set back does not begin anything new until it catches up with itself, and
        // one that jumped forward leaves no more empty intervals than are kept.
        let new = passed != 0;
        let first = self.calls.is_empty();
        let begun = if first {
            1
        } else {
            usize::try_from(passed).map_or(usize::from(passed < 0), |passed| passed.min(INTERVALS))
        };
        for list in [&mut self.calls, &mut self.arrivals] {
            list.extend(core::iter::repeat_n(0, begun));
            let surplus = list.len().saturating_sub(INTERVALS);
            list.drain(..surplus);
        }
        add(&mut self.calls, called.saturating_sub(self.called));
        if !first {
            add(&mut self.arrivals, arrived.saturating_sub(self.arrived));
        }
        (self.interval, self.called, self.arrived) = (interval, called, arrived);
        new
    }

    /// Calls of the intervals that are over, newest last.
    #[must_use]
    pub fn recent_calls(&self) -> &[u32] {
        &self.calls[..self.calls.len().saturating_sub(1)]
    }

    /// Arrivals of about the last minute.
    #[must_use]
    pub fn arrivals_in_a_minute(&self) -> u64 {
        self.arrivals
            .iter()
            .rev()
            .take(IN_A_MINUTE)
            .map(|&count| u64::from(count))
            .sum()
    }

    /// Arrivals in all intervals kept; `None` until there are that many.
    #[must_use]
    pub fn arrivals_in_all(&self) -> Option<u64> {
        (self.arrivals.len() == INTERVALS)
            .then(|| self.arrivals.iter().map(|&count| u64::from(count)).sum())
    }
}

fn add(list: &mut [u32], more: u64) {
    if let Some(last) = list.last_mut() {
        *last = last.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_in_which_nothing_happened_counts_as_zero() {
        let mut pulse = Pulse::default();
        pulse.beat(0, 0, 0);
        pulse.beat(9_999, 7, 0);
        assert!(pulse.beat(30_000, 9, 0));
        assert_eq!(pulse.recent_calls(), [7, 0, 0]);
        assert!(!pulse.beat(30_001, 9, 0));
    }

    #[test]
    fn a_clock_that_jumps_leaves_no_more_than_is_kept() {
        let mut pulse = Pulse::default();
        pulse.beat(0, 0, 0);
        pulse.beat(i64::MAX, 5, 100);
        assert_eq!(pulse.recent_calls().len(), INTERVALS - 1);
        assert_eq!(pulse.arrivals_in_a_minute(), 100);
        pulse.beat(0, 6, 101);
        assert_eq!(pulse.arrivals_in_a_minute(), 101);
    }
}
