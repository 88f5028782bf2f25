//! A set of numbers of which long runs are in it: a bit each.

use crate::room::memory::pairs;
use alloc::collections::BTreeMap;
use serde::{Deserialize, Serialize};

/// Numbers by 64; a word that is not there is zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bits(#[serde(with = "pairs")] BTreeMap<u64, u64>);

impl Bits {
    pub(super) fn set(&mut self, number: u64) {
        *self.0.entry(number / 64).or_default() |= 1 << (number % 64);
    }

    pub(super) fn has(&self, number: u64) -> bool {
        let word = self.0.get(&(number / 64));
        word.is_some_and(|word| word & (1 << (number % 64)) != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::Bits;

    #[test]
    fn exactly_what_was_set_is_there_also_after_it_was_written_down() {
        let mut bits = Bits::default();
        let numbers = [0, 63, 64, 1_000_000, u64::MAX];
        for number in numbers {
            bits.set(number);
        }
        let written = serde_json::to_string(&bits).unwrap();
        let read: Bits = serde_json::from_str(&written).unwrap();
        assert_eq!(read, bits);
        for number in numbers {
            assert!(read.has(number), "{number}");
        }
        for number in [1, 62, 65, 127, 999_999, u64::MAX - 1] {
            assert!(!read.has(number), "{number}");
        }
    }
}
