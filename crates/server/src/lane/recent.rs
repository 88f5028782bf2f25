//! Which commands were recorded lately, so that few of those that come need a look into the store.
//!
//! Only a shortcut: the store refuses a second record of a command by its primary key.

use booking_core::CommandId;
use std::collections::{HashSet, VecDeque};

/// How far ahead a client's clock may be before its ids are looked up in the store.
const CLOCK_SKEW_MS: i64 = 60_000;

pub(super) struct Recent {
    ids: HashSet<CommandId>,
    /// In the order of recording, with the time of it.
    order: VecDeque<(CommandId, i64)>,
    bound: usize,
    /// Every command recorded since then is in `ids`.
    complete_since_ms: i64,
}

/// What is known of a command id without looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Recorded: answer from the record.
    Recorded,
    /// Made after the memory began: not recorded.
    New,
    /// Too old to be sure: look.
    Unsure,
}

impl Recent {
    pub(super) fn new(bound: usize, now_ms: i64) -> Self {
        Self {
            ids: HashSet::new(),
            order: VecDeque::new(),
            bound,
            complete_since_ms: now_ms,
        }
    }

    pub(super) fn knows(&self, id: CommandId, now_ms: i64) -> Known {
        if self.ids.contains(&id) {
            return Known::Recorded;
        }
        match made_ms(id) {
            Some(made_ms)
                if made_ms > self.complete_since_ms && made_ms <= now_ms + CLOCK_SKEW_MS =>
            {
                Known::New
            }
            _ => Known::Unsure,
        }
    }

    pub(super) fn record(&mut self, id: CommandId, at_ms: i64) {
        if !self.ids.insert(id) {
            return;
        }
        self.order.push_back((id, at_ms));
        if self.order.len() > self.bound
            && let Some((oldest, recorded_ms)) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
            self.complete_since_ms = self.complete_since_ms.max(recorded_ms);
        }
    }
}

/// When a UUIDv7 says it was made.
fn made_ms(id: CommandId) -> Option<i64> {
    let bytes = id.as_bytes();
    (bytes[6] >> 4 == 7).then(|| {
        bytes[..6]
            .iter()
            .fold(0, |ms, &byte| ms << 8 | i64::from(byte))
    })
}

#[cfg(test)]
mod tests {
    use super::{Known, Recent};
    use booking_core::CommandId;

    fn made_at(ms: u128, rest: u128) -> CommandId {
        CommandId::from_u128(ms << 80 | 7 << 76 | rest)
    }

    #[test]
    fn an_id_made_since_the_memory_began_is_new_until_it_is_recorded() {
        let mut recent = Recent::new(2, 1_000);
        let id = made_at(1_500, 1);
        assert_eq!(recent.knows(id, 1_500), Known::New);
        recent.record(id, 1_500);
        assert_eq!(recent.knows(id, 1_500), Known::Recorded);
    }

    #[test]
    fn an_id_from_before_the_memory_or_far_ahead_or_of_no_age_must_be_looked_up() {
        let recent = Recent::new(2, 1_000);
        assert_eq!(recent.knows(made_at(999, 1), 2_000), Known::Unsure);
        assert_eq!(recent.knows(made_at(1_000_000, 1), 2_000), Known::Unsure);
        assert_eq!(recent.knows(CommandId::from_u128(5), 2_000), Known::Unsure);
    }

    #[test]
    fn forgetting_an_id_makes_all_of_its_age_unsure() {
        let mut recent = Recent::new(2, 1_000);
        for n in 0..3 {
            recent.record(made_at(1_500, n), 1_500 + n as i64);
        }
        assert_eq!(recent.knows(made_at(1_500, 0), 2_000), Known::Unsure);
        assert_eq!(recent.knows(made_at(1_500, 2), 2_000), Known::Recorded);
        assert_eq!(recent.knows(made_at(1_501, 9), 2_000), Known::New);
    }
}
