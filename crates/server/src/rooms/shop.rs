//! The shop's health and stock, as a room's controller wants to know them.

use super::registry::Entry;
use super::{Inner, RoomsError};
use crate::lane::Backlog;
use onsale_queue::room::ShopReport;
use std::sync::PoisonError;

/// Up to this wait in a lane the shop is well.
const WELL_MS: u64 = 100;
/// From this wait on it does not keep up at all.
const STRUGGLING_MS: u64 = 2_000;
/// A lane is well while no more than this share of its queue is used, in parts per thousand.
const WELL_FILLED: u64 = 250;
const FULL: u64 = 1_000;

/// How well a lane keeps up: 1000 is well, 0 is not at all. The worse of two signs: how long a
/// command waits now, and how near the queue is to refusing commands.
#[must_use]
pub fn health_permille(backlog: Backlog) -> u16 {
    let waiting = backlog.waiting as u64;
    let wait_ms = waiting * u64::from(backlog.command_us) / 1_000;
    let by_wait = falling(wait_ms, WELL_MS, STRUGGLING_MS);
    let filled = waiting * FULL / (backlog.room as u64).max(1);
    let by_room = falling(filled, WELL_FILLED, FULL);
    u16::try_from(by_wait.min(by_room)).unwrap_or(1_000)
}

/// 1000 up to `well`, 0 from `none` on, a straight line in between.
fn falling(value: u64, well: u64, none: u64) -> u64 {
    let left = none.saturating_sub(value.clamp(well, none));
    left * FULL / (none - well)
}

impl Inner {
    /// What the shop behind a room says of itself. While the room is on, what it protects is kept in
    /// memory: whoever is let in must not wait for a cold lane, and stock must be known.
    pub(super) async fn shop_report(&self, entry: &Entry) -> ShopReport {
        let is_on = self.rooms.is_on(entry.room);
        if !is_on {
            locked(entry).clear();
        }
        let mut health = 1_000;
        let mut places_left = Some(0_u64);
        for performance in entry.performances().iter() {
            let live = if is_on {
                self.lanes.live(*performance).await
            } else {
                let live = self.lanes.peek(*performance);
                live.ok_or(crate::lane::LaneError::UnknownPerformance)
            };
            match live {
                Ok(live) => {
                    if is_on {
                        locked(entry)
                            .entry(*performance)
                            .or_insert_with(|| live.watch());
                    }
                    let open = u64::from(live.counts().open);
                    places_left = places_left.map(|left| left + open);
                }
                // Not known: nobody is kept out for that.
                Err(_) => places_left = None,
            }
            if let Some(backlog) = self.lanes.backlog(*performance) {
                health = health.min(health_permille(backlog));
            }
        }
        if entry.performances().is_empty() {
            places_left = None;
        }
        entry.note_health(health);
        ShopReport {
            health_permille: health,
            places_left,
        }
    }

    /// Whether the catalogue has every one of these.
    pub(super) async fn know(
        &self,
        performances: &[booking_core::PerformanceId],
    ) -> Result<(), RoomsError> {
        for (at, performance) in performances.iter().enumerate() {
            let known = self.catalogue.performance(*performance).await;
            let known = known.map_err(|error| RoomsError::Storage(error.to_string()))?;
            if known.is_none() {
                return Err(RoomsError::Malformed {
                    at: format!("performances[{at}]"),
                    what: format!("there is no performance {performance}"),
                });
            }
        }
        Ok(())
    }
}

type Watched<'a> = std::sync::MutexGuard<
    'a,
    std::collections::HashMap<booking_core::PerformanceId, tokio::sync::watch::Receiver<u64>>,
>;

fn locked(entry: &Entry) -> Watched<'_> {
    entry.watched.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(waiting: usize, command_us: u32) -> u16 {
        health_permille(Backlog {
            waiting,
            room: 8_192,
            command_us,
        })
    }

    #[test]
    fn a_lane_that_answers_at_once_is_well() {
        assert_eq!(lane(0, 100), 1_000);
        assert_eq!(lane(1_000, 100), 1_000);
    }

    #[test]
    fn a_lane_whose_commands_wait_for_seconds_is_not_well_at_all() {
        assert_eq!(lane(1_000, 2_000), 0);
        let half = lane(1_050, 1_000);
        assert!((490..=510).contains(&half), "{half}");
    }

    #[test]
    fn a_queue_that_is_nearly_full_counts_whatever_the_pace() {
        assert_eq!(lane(8_192, 1), 0);
        assert!(lane(6_000, 1) < 500);
    }
}
