//! Numbers at hand: blocks leased from the store, so that joining is seldom a round trip.
//!
//! A block is good for [`LEASE_MS`] only: that bounds by how much the order of joining can differ
//! between servers, and lets a draw wait until no number from before it can be given any more. What
//! is left of a block is given back where nobody leased after it; else it is a number that nobody has,
//! which the controller sees as a visitor who does not come. The store knows of both, so that nobody
//! counts as waiting who is not there: each tick says how many of the block are left.

use super::{RETRY_AWAY_MS, Rooms, Shelf, lock};
use crate::number::{Place, QueueNumber};
use crate::room::port::{Leased, MOST_LEASED, NumberBlock, StoreError};
use crate::token::RoomId;
use crate::wire::JoinRefused;

/// How long a server hands out the numbers of a block.
pub const LEASE_MS: u64 = 1_000;
/// How long the next block is to last, going by the last one. Much shorter than a lease: what is left
/// when fewer come is a gap in the line wherever another server has leased after it. Long enough that
/// in a rush many share a round trip.
const BLOCK_MS: u64 = 150;

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

    /// What is left of the block at hand, for the store to know that nobody has it.
    pub(super) const fn at_hand(&self) -> Option<NumberBlock> {
        self.block
    }

    /// How many to ask for: as many as were used of the last block in the time that one is to last, at
    /// most twice as many as then.
    fn to_ask(&self, now_ms: u64) -> u32 {
        let Some(block) = self.block else { return 1 };
        let used = u64::from(self.asked - block.count.min(self.asked));
        let lasted_ms = now_ms.saturating_sub(self.taken_ms).max(1);
        let worth = u32::try_from(used * BLOCK_MS / lasted_ms).unwrap_or(u32::MAX);
        let most = self.asked.saturating_mul(2).min(MOST_LEASED);
        worth.clamp(1, most.max(1))
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
            self.put_back(room, shelf, &mut numbers).await;
        }
        let now_ms = self.world.monotonic_ms();
        if let Some(place) = numbers.take(now_ms) {
            return Ok(place);
        }
        let count = numbers.to_ask(now_ms).min(self.store.worth_leasing());
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
        let leased = self.store.lease(room, self.server, count, known).await;
        match leased.map_err(away)? {
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
            if let Err(error) = self.store.give_back(room, self.server, rest).await {
                tracing::debug!(%error, count = rest.count, "numbers that nobody has");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST_LEASED, NumberBlock, Numbers};
    use crate::number::{Epoch, QueueNumber};

    /// What is asked for next, when of `asked` numbers so many are left after `lasted_ms`.
    fn next(asked: u32, left: u32, lasted_ms: u64) -> u32 {
        let block = NumberBlock {
            epoch: Epoch(1),
            first: QueueNumber(u64::from(asked - left)),
            count: left,
        };
        let numbers = Numbers {
            block: Some(block),
            taken_ms: 5_000,
            asked,
        };
        numbers.to_ask(5_000 + lasted_ms)
    }

    #[test]
    fn blocks_grow_with_a_rush_and_hold_what_comes_in_a_moment() {
        assert_eq!(Numbers::default().to_ask(0), 1);
        assert_eq!(next(1, 0, 0), 2);
        assert_eq!(next(64, 0, 20), 128, "never more than twice as many");
        assert_eq!(next(MOST_LEASED, 0, 6), MOST_LEASED);
        assert_eq!(next(60, 0, 150), 60, "four hundred a second");
        assert_eq!(next(60, 0, 300), 30, "two hundred");
        assert_eq!(next(60, 40, 1_000), 3, "twenty");
        assert_eq!(next(1, 0, 10_000), 1);
    }
}
