//! Numbers at hand: blocks leased from the store, so that joining is seldom a round trip.
//!
//! A block is good for [`LEASE_MS`] only: that bounds by how much the order of joining can differ
//! between servers, and lets a draw wait until no number from before it can be given any more. What
//! is left of a block is given back where nobody leased after it; else it is a number that nobody has,
//! which the controller sees as a visitor who does not come.

use super::{RETRY_AWAY_MS, Rooms, Shelf, lock};
use crate::number::{Place, QueueNumber};
use crate::room::port::{Leased, MOST_LEASED, NumberBlock, StoreError};
use crate::token::RoomId;
use crate::wire::JoinRefused;

/// How long a server hands out the numbers of a block.
pub const LEASE_MS: u64 = 1_000;

/// The block at hand.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    block: Option<NumberBlock>,
    taken_ms: u64,
    /// How many were asked for last.
    asked: u32,
}

impl Numbers {
    fn take(&mut self, now_ms: u64) -> Option<Place> {
        if now_ms.saturating_sub(self.taken_ms) >= LEASE_MS {
            return None;
        }
        let block = self.block.as_mut()?;
        let number = block.first;
        block.count = block.count.checked_sub(1)?;
        block.first.0 += 1;
        Some(Place {
            epoch: block.epoch,
            number,
        })
    }

    /// How many to ask for: twice as many when the last block did not last, as many as were used when
    /// it did.
    fn to_ask(&self) -> u32 {
        match self.block {
            None => 1,
            Some(NumberBlock { count: 0, .. }) => (self.asked * 2).clamp(1, MOST_LEASED),
            Some(NumberBlock { count: rest, .. }) => (self.asked - rest.min(self.asked)).max(1),
        }
    }
}

impl Rooms {
    /// The next number.
    pub(super) async fn next_number(
        &self,
        room: RoomId,
        shelf: &Shelf,
    ) -> Result<Place, JoinRefused> {
        let mut numbers = shelf.numbers.lock().await;
        let (state, floor) = {
            let row = lock(&shelf.row);
            (row.state, row.floor)
        };
        // A block from before the gathering ended, or from the sale before, is not for newcomers.
        let stale = numbers.block.is_some_and(|block| block.epoch < floor);
        if stale || !state.may_join() {
            numbers.block = None;
        }
        if let Some(place) = numbers.take(self.world.monotonic_ms()) {
            return Ok(place);
        }
        let count = numbers.to_ask().min(self.store.worth_leasing());
        self.put_back(room, shelf, &mut numbers).await;
        // What was given here comes first: a store that failed over may not know it, and no row does.
        let given = *lock(&shelf.given);
        let known = given.unwrap_or_else(|| {
            let row = lock(&shelf.row);
            let last = row.epochs.last();
            Place {
                epoch: last.map_or(row.floor, |last| last.epoch),
                number: last.map_or(QueueNumber(0), |last| last.next),
            }
        });
        // Measured from before the question: the lease is never longer than the store thinks.
        let taken_ms = self.world.monotonic_ms();
        let away = |error: StoreError| {
            tracing::warn!(%error, "no number to give");
            JoinRefused::Away {
                retry_ms: RETRY_AWAY_MS,
            }
        };
        match self.store.lease(room, count, known).await.map_err(away)? {
            Leased::NotNow(state) => Err(JoinRefused::NotNow { state }),
            Leased::Block(mut block) => {
                let place = Place {
                    epoch: block.epoch,
                    number: block.first,
                };
                *lock(&shelf.given) = Some(Place {
                    epoch: block.epoch,
                    number: QueueNumber(block.first.0 + u64::from(block.count)),
                });
                block.first = QueueNumber(block.first.0 + 1);
                block.count -= 1;
                *numbers = Numbers {
                    block: Some(block),
                    taken_ms,
                    asked: count,
                };
                Ok(place)
            }
        }
    }

    /// Gives back what is left of a block that is not good any more.
    pub(super) async fn tidy_numbers(&self, room: RoomId, shelf: &Shelf) {
        let Ok(mut numbers) = shelf.numbers.try_lock() else {
            return;
        };
        let age_ms = self.world.monotonic_ms().saturating_sub(numbers.taken_ms);
        if numbers.block.is_some() && age_ms >= LEASE_MS {
            numbers.asked = numbers.to_ask();
            self.put_back(room, shelf, &mut numbers).await;
        }
    }

    async fn put_back(&self, room: RoomId, shelf: &Shelf, numbers: &mut Numbers) {
        if let Some(rest) = numbers.block.take()
            && rest.count > 0
        {
            // Whatever comes of it, nobody was given these.
            *lock(&shelf.given) = Some(Place {
                epoch: rest.epoch,
                number: rest.first,
            });
            if let Err(error) = self.store.give_back(room, rest).await {
                tracing::debug!(%error, count = rest.count, "numbers that nobody has");
            }
        }
    }
}
