//! Who publishes: one server at a time, and another when that one is gone.
//!
//! The holder raises a counter in the database; whoever wants the lease watches the counter by its
//! own watch and takes it when the counter has stood still for long enough, or was given back. No two
//! clocks are compared. A holder that was frozen may go on sending for a moment after it lost the
//! lease; it cannot move a cursor any more, and what it sends is a repeat.

use crate::clock;
use crate::store::relay::{Lease, RelayStore};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How the lease is kept.
#[derive(Clone, Copy, Debug)]
pub struct LeaseTimes {
    /// Between two beats of its holder, and two looks of whoever wants it.
    pub beat: Duration,
    /// How long it stands still before somebody else takes it.
    pub patience: Duration,
}

impl Default for LeaseTimes {
    fn default() -> Self {
        Self {
            beat: Duration::from_secs(1),
            patience: Duration::from_secs(8),
        }
    }
}

/// Waits for the lease and takes it: its epoch.
pub(super) async fn take(store: &dyn RelayStore, times: LeaseTimes) -> u64 {
    let me: [u8; 16] = clock::random_bytes();
    let mut seen: Option<(Lease, Instant)> = None;
    loop {
        match store.lease().await {
            Ok(lease) => {
                let since = match seen {
                    Some((before, since)) if before == lease => since,
                    _ => Instant::now(),
                };
                seen = Some((lease, since));
                if lease.holder.is_none() || since.elapsed() >= times.patience {
                    match store.take_lease(lease, me).await {
                        Ok(Some(epoch)) => return epoch,
                        Ok(None) => {}
                        Err(error) => tracing::warn!(%error, "the relay's lease was not taken"),
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "the relay's lease could not be read"),
        }
        sleep(times.beat).await;
    }
}

/// Keeps the lease; over when it is lost, or nobody can say whether it is.
pub(super) async fn keep(store: &dyn RelayStore, epoch: u64, times: LeaseTimes) {
    let mut renewed = Instant::now();
    loop {
        sleep(times.beat).await;
        match store.renew_lease(epoch).await {
            Ok(true) => renewed = Instant::now(),
            Ok(false) => return,
            Err(error) => {
                tracing::warn!(%error, "the relay's lease could not be renewed");
                if renewed.elapsed() >= times.patience {
                    return;
                }
            }
        }
    }
}
