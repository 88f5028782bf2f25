//! Proof of work in slices, so that the page stays alive meanwhile.

use onsale_queue::pow;

use crate::browser;

/// How long a slice may take while somebody looks: one frame.
const SLICE_MS: f64 = 12.0;
/// In a hidden tab timers come once a second, and nobody is disturbed by longer slices.
const HIDDEN_SLICE_MS: f64 = 400.0;
const FIRST_TRIES: u64 = 512;

/// The next size of a slice, from how long the last one took.
fn next_tries(tries: u64, took_ms: f64, slice_ms: f64) -> u64 {
    let factor = (slice_ms / took_ms.max(0.25)).clamp(0.25, 4.0);
    ((tries as f64 * factor) as u64).clamp(64, 1 << 20)
}

/// Solves `challenge`; `None` for a text that is no challenge, or where `stop` says to give up.
pub(super) async fn solve(challenge: &str, stop: impl Fn() -> bool) -> Option<u64> {
    let mut from = 0;
    let mut tries = FIRST_TRIES;
    while !stop() {
        let began = js_sys::Date::now();
        if let Some(counter) = pow::solve(challenge, from, tries).ok()? {
            return Some(counter);
        }
        from += tries;
        let slice_ms = if browser::document().hidden() {
            HIDDEN_SLICE_MS
        } else {
            SLICE_MS
        };
        tries = next_tries(tries, js_sys::Date::now() - began, slice_ms);
        browser::pause(0).await;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::next_tries;

    #[test]
    fn slices_grow_on_a_fast_machine_and_shrink_on_a_slow_one() {
        assert!(next_tries(1_000, 2.0, 12.0) > 1_000);
        assert!(next_tries(1_000, 50.0, 12.0) < 1_000);
        assert_eq!(next_tries(64, 5_000.0, 12.0), 64);
    }
}
