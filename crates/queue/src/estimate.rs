//! How long it takes: a range that errs on the safe side.

/// Fewest recent intervals an estimate is made from; with fewer the operator's rate is used.
const FEWEST_INTERVALS: usize = 3;
/// Added to the slow end: 25 %.
const MARGIN_PERCENT: u64 = 25;

/// A waiting time as a range, in ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Estimate {
    /// If it goes as well as it has gone lately.
    pub soonest_ms: u64,
    /// What one should plan for.
    pub latest_ms: u64,
}

/// Whether enough has been seen to go by, rather than by the operator's rate.
pub(crate) const fn is_observed(recent: &[u32]) -> bool {
    recent.len() >= FEWEST_INTERVALS
}

/// Estimates the wait of somebody with `ahead` in line (themselves included).
///
/// `recent` are the calls of the last intervals of `interval_ms` each, newest last;
/// `rate_per_minute` is the operator's rate, the most that can be. `None` where nothing moves:
/// then no time can honestly be named.
#[must_use]
pub fn estimate(
    ahead: u64,
    recent: &[u32],
    interval_ms: u64,
    rate_per_minute: u32,
) -> Option<Estimate> {
    if ahead == 0 {
        return Some(Estimate {
            soonest_ms: 0,
            latest_ms: 0,
        });
    }
    let top = u64::from(rate_per_minute);
    let observed = is_observed(recent) && interval_ms > 0;
    let per_minute = |calls: u64, intervals: u64| calls * 60_000 / (interval_ms * intervals).max(1);
    let (fast, slow) = if observed {
        let mut sorted: alloc::vec::Vec<u64> =
            recent.iter().map(|&calls| u64::from(calls)).collect();
        sorted.sort_unstable();
        let total: u64 = sorted.iter().sum();
        let mean = per_minute(total, sorted.len() as u64);
        let lower_half: u64 = sorted[..sorted.len().div_ceil(2)].iter().sum();
        let slow = per_minute(lower_half, sorted.len().div_ceil(2) as u64);
        (mean.max(slow).min(top.max(1)), slow)
    } else {
        (top, top)
    };
    if fast == 0 {
        return None;
    }
    // A lower half that stood still says nothing about how slow it can get; a quarter of the mean
    // is the most careful thing that is still a number.
    let slow = if slow == 0 { (fast / 4).max(1) } else { slow };
    let time = |rate: u64| ahead.saturating_mul(60_000).div_ceil(rate);
    let latest = time(slow);
    Some(Estimate {
        soonest_ms: time(fast),
        latest_ms: latest.saturating_add(latest / 100 * MARGIN_PERCENT),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_steady_room_gives_the_plain_quotient_and_a_margin() {
        let steady = estimate(600, &[100; 6], 10_000, 600).unwrap();
        assert_eq!(
            steady,
            Estimate {
                soonest_ms: 60_000,
                latest_ms: 75_000
            }
        );
    }

    #[test]
    fn a_room_that_stands_still_names_no_time() {
        assert_eq!(estimate(10, &[0; 6], 10_000, 600), None);
        assert_eq!(estimate(10, &[], 10_000, 0), None);
    }

    #[test]
    fn an_uneven_room_gives_a_wider_range() {
        let even = estimate(600, &[50; 6], 10_000, 600).unwrap();
        let uneven = estimate(600, &[10, 90, 10, 90, 10, 90], 10_000, 600).unwrap();
        assert!(uneven.latest_ms - uneven.soonest_ms > even.latest_ms - even.soonest_ms);
    }

    proptest! {
        #[test]
        fn the_range_is_never_upside_down(
            ahead in 0..10_000_000_u64, recent in proptest::collection::vec(0..100_000_u32, 0..30), rate: u32,
        ) {
            if let Some(range) = estimate(ahead, &recent, 10_000, rate) {
                prop_assert!(range.soonest_ms <= range.latest_ms);
            }
        }
    }
}
