//! Numbers that nobody has: leased and not given yet, or not to be given any more.
//!
//! They stand in the line like all others and are called like all others (whoever has none does not
//! come); they only do not count as waiting, nor as having joined.

use super::Book;
use crate::number::Place;
use crate::room::port::{Leased, MOST_LEASED, MOST_UNUSED, NumberBlock};
use alloc::{collections::BTreeMap, vec::Vec};

/// What is known of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Unused {
    /// Servers may still give these.
    at_hand: BTreeMap<[u8; 16], NumberBlock>,
    /// Nobody will: how many from that place on.
    nobodys: BTreeMap<Place, u32>,
}

impl Unused {
    fn at_hand_of(&mut self, server: [u8; 16], like: &NumberBlock) -> Option<&mut NumberBlock> {
        let block = self.at_hand.get_mut(&server);
        block.filter(|block| block.epoch == like.epoch && block.end() == like.end())
    }

    /// In ascending order.
    pub(super) fn blocks(&self) -> Vec<NumberBlock> {
        let nobodys = self.nobodys.iter().map(|(place, count)| NumberBlock {
            epoch: place.epoch,
            first: place.number,
            count: *count,
        });
        let mut blocks: Vec<_> = self.at_hand.values().copied().chain(nobodys).collect();
        blocks.sort_unstable();
        blocks
    }

    pub(super) fn count(&self) -> u64 {
        let at_hand = self.at_hand.values().map(|block| u64::from(block.count));
        let nobodys = self.nobodys.values().map(|count| u64::from(*count));
        at_hand.chain(nobodys).sum()
    }

    fn keep(&mut self, block: NumberBlock) {
        let place = Place {
            epoch: block.epoch,
            number: block.first,
        };
        self.nobodys.insert(place, block.count);
    }
}

impl Book {
    pub(in crate::room) fn lease(&mut self, server: [u8; 16], count: u32) -> Leased {
        if !self.row.state.may_join() {
            return Leased::NotNow(self.row.state);
        }
        let count = count.clamp(1, MOST_LEASED);
        let current = self.row.epochs.last_mut().expect("a room has an epoch");
        let first = current.next;
        current.next.0 += u64::from(count);
        self.row.totals.joined += u64::from(count);
        let block = NumberBlock {
            epoch: current.epoch,
            first,
            count,
        };
        let mut rest = block;
        // Somebody is waiting for the first.
        rest.first.0 += 1;
        rest.count -= 1;
        if rest.count > 0 {
            self.unused.at_hand.insert(server, rest);
        } else {
            self.unused.at_hand.remove(&server);
        }
        Leased::Block(block)
    }

    pub(in crate::room) fn give_back(&mut self, server: [u8; 16], rest: NumberBlock) -> bool {
        if rest.epoch < self.row.floor {
            return false;
        }
        if self.unused.at_hand_of(server, &rest).is_some() {
            self.unused.at_hand.remove(&server);
        }
        let current = self.row.epochs.last_mut().expect("a room has an epoch");
        if current.epoch == rest.epoch
            && current.next.0 == rest.end()
            && current.serving.0 <= rest.first.0
        {
            current.next = rest.first;
            self.forget_joins(rest.count.into());
            return true;
        }
        let ahead = self
            .epoch_mut(rest.epoch)
            .is_some_and(|known| known.serving.0 < rest.end());
        let known = self.unused.at_hand.len() + self.unused.nobodys.len();
        if ahead && known < MOST_UNUSED {
            self.unused.keep(rest);
        } else {
            self.forget_joins(rest.count.into());
        }
        false
    }

    fn forget_joins(&mut self, count: u64) {
        self.row.totals.joined = self.row.totals.joined.saturating_sub(count);
    }

    /// A server says what it still has.
    pub(super) fn hear_of_numbers(&mut self, server: [u8; 16], left: &NumberBlock) {
        let Some(block) = self.unused.at_hand_of(server, left) else {
            return;
        };
        if left.count == 0 {
            self.unused.at_hand.remove(&server);
        } else if left.count < block.count {
            *block = *left;
        }
    }

    /// A server is gone: nobody will be given what it had.
    pub(super) fn take_numbers_of(&mut self, server: [u8; 16]) {
        if let Some(block) = self.unused.at_hand.remove(&server) {
            self.unused.keep(block);
        }
    }

    /// What has been called is out of the line.
    pub(super) fn forget_called_numbers(&mut self) {
        let epochs = &self.row.epochs;
        let mut forgotten = 0;
        self.unused.nobodys.retain(|place, count| {
            let end = place.number.0 + u64::from(*count);
            let mut known = epochs.iter().filter(|known| known.epoch == place.epoch);
            let ahead = known.any(|known| known.serving.0 < end);
            if !ahead {
                forgotten += u64::from(*count);
            }
            ahead
        });
        self.forget_joins(forgotten);
    }

    /// Another sale begins.
    pub(super) fn forget_unused_numbers(&mut self) {
        self.forget_joins(self.unused.count());
        self.unused = Unused::default();
    }
}
