//! The only place that reads the clock and the random source. Everything else is handed a [`Clock`].

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// How long the system's clock may be wrong before a sleeper notices.
const LONGEST_SLEEP: Duration = Duration::from_secs(10);

/// Where the time comes from: the machine, or a test's hand.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's wall clock.
    #[default]
    System,
    /// Moved by hand.
    Manual(Hand),
}

/// A clock that is moved by hand: what it shows, and how much time has passed whatever it shows.
#[derive(Clone, Debug)]
pub struct Hand {
    /// Ms since the epoch.
    now_ms: watch::Sender<i64>,
    passed_ms: Arc<AtomicU64>,
}

impl Hand {
    /// Time passes; none does where the clock is set back.
    fn advance(&self, by_ms: i64) {
        let passed_ms = u64::try_from(by_ms).unwrap_or(0);
        self.passed_ms.fetch_add(passed_ms, Ordering::Relaxed);
        self.put_wrong(by_ms);
    }

    fn put_wrong(&self, by_ms: i64) {
        self.now_ms.send_modify(|now_ms| *now_ms += by_ms);
    }
}

impl Clock {
    /// A clock that stands at `now_ms` until [`set`](Self::set) or [`advance`](Self::advance).
    #[must_use]
    pub fn manual(now_ms: i64) -> Self {
        Self::Manual(Hand {
            now_ms: watch::Sender::new(now_ms),
            passed_ms: Arc::default(),
        })
    }
    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        match self {
            Self::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| {
                    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
                }),
            Self::Manual(hand) => *hand.now_ms.borrow(),
        }
    }
    /// Milliseconds that only ever grow, from any beginning, whatever the wall clock shows.
    #[must_use]
    pub fn monotonic_ms(&self) -> u64 {
        static BEGAN: OnceLock<Instant> = OnceLock::new();
        match self {
            Self::System => {
                let since = BEGAN.get_or_init(Instant::now).elapsed();
                u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
            }
            Self::Manual(hand) => hand.passed_ms.load(Ordering::Relaxed),
        }
    }
    /// Lets time pass on a manual clock; the system's clock is left alone.
    pub fn advance(&self, by_ms: i64) {
        if let Self::Manual(hand) = self {
            hand.advance(by_ms);
        }
    }
    /// Lets time pass on a manual clock until it shows that; the system's clock is left alone.
    pub fn set(&self, to_ms: i64) {
        self.advance(to_ms - self.now_ms());
    }
    /// Sets a manual clock ahead or back while no time passes; the system's clock is left alone.
    pub fn put_wrong(&self, by_ms: i64) {
        if let Self::Manual(hand) = self {
            hand.put_wrong(by_ms);
        }
    }
    /// Waits until `at_ms` is reached. On the system's clock a few seconds at a time, so
    /// that a clock that is set forward is noticed; on a manual clock until somebody moves it.
    pub async fn sleep_until(&self, at_ms: i64) {
        match self {
            Self::System => loop {
                let left_ms = at_ms.saturating_sub(self.now_ms());
                let Ok(left_ms @ 1..) = u64::try_from(left_ms) else {
                    return;
                };
                tokio::time::sleep(Duration::from_millis(left_ms).min(LONGEST_SLEEP)).await;
            },
            Self::Manual(hand) => {
                // The sender is in `self`, so the channel cannot be closed.
                let _ = hand
                    .now_ms
                    .subscribe()
                    .wait_for(|&now_ms| now_ms >= at_ms)
                    .await;
            }
        }
    }
}

/// The same moment by both clocks of the machine: what has been timed by the one is told by the other.
#[must_use]
pub fn both() -> (Instant, SystemTime) {
    (Instant::now(), SystemTime::now())
}

/// Bytes nobody can guess, from the operating system, which is asked for a few hundred at once: most
/// requests want some, and asking costs more than having. What has been given out is wiped here.
///
/// # Panics
/// If the operating system has no randomness to give: nothing that needs a secret may go on then.
#[must_use]
pub fn random_bytes<const N: usize>() -> [u8; N] {
    const AT_ONCE: usize = 512;
    thread_local! {
        static AHEAD: RefCell<([u8; AT_ONCE], usize)> = const { RefCell::new(([0; AT_ONCE], AT_ONCE)) };
    }
    let mut bytes = [0; N];
    if N > AT_ONCE {
        getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
        return bytes;
    }
    AHEAD.with_borrow_mut(|(ahead, used)| {
        if *used + N > AT_ONCE {
            getrandom::fill(ahead).expect("the operating system gives random bytes");
            *used = 0;
        }
        let given = &mut ahead[*used..*used + N];
        bytes.copy_from_slice(given);
        given.fill(0);
        *used += N;
    });
    bytes
}

#[cfg(test)]
mod tests {
    use super::{Clock, random_bytes};
    use std::collections::BTreeSet;

    #[test]
    fn a_clock_that_is_put_wrong_shows_another_time_and_none_has_passed() {
        let clock = Clock::manual(1_000);
        clock.advance(50);
        clock.put_wrong(-700);
        assert_eq!((clock.now_ms(), clock.monotonic_ms()), (350, 50));
        clock.set(400);
        assert_eq!((clock.now_ms(), clock.monotonic_ms()), (400, 100));
    }

    #[test]
    fn no_random_bytes_are_given_twice_also_where_they_are_fetched_ahead() {
        let threads = (0..4).map(|_| {
            std::thread::spawn(|| (0..1_000).map(|_| random_bytes::<16>()).collect::<Vec<_>>())
        });
        let threads: Vec<_> = threads.collect();
        let all = threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap());
        let different: BTreeSet<_> = all.chain([random_bytes(), [0; 16]]).collect();
        assert_eq!(different.len(), 4_002);
    }

    #[test]
    fn more_random_bytes_than_are_fetched_ahead_are_random_to_the_end() {
        let bytes = random_bytes::<1_000>();
        assert!(
            bytes
                .chunks(50)
                .all(|chunk| chunk.iter().any(|byte| *byte != 0))
        );
    }
}
