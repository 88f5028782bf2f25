//! The opening draw: a keyed permutation that anybody can check.
//!
//! Before opening, visitors gather and get numbers in the order of arrival. At opening their order
//! becomes `permutation(key, number)`. The hash of the key, the [`Commitment`], is published before
//! the gathering begins and the key after it ends; so the operator cannot have chosen the key to
//! suit anybody, and every browser can work out any place again.
//!
//! The permutation is a balanced Feistel network over the smallest even number of bits that holds
//! the numbers, walked along its cycle until it lands among them (Black and Rogaway, "Ciphers with
//! arbitrary finite domains", 2002). Its rounds are keyed SHA-256. O(1) memory a visitor; four steps
//! at most on average.

use crate::number::QueueNumber;
use sha2::{Digest, Sha256};

/// Rounds of the Feistel network. Four make a strong pseudorandom permutation of ideal rounds;
/// small domains want more.
const ROUNDS: u8 = 10;

/// The secret of a draw, from a source of true randomness.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DrawKey(pub [u8; 32]);
crate::text::hex_text!(DrawKey, 32);

impl core::fmt::Debug for DrawKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("DrawKey(secret until revealed)")
    }
}

/// What is published before the gathering: SHA-256 of a label and the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commitment(pub [u8; 32]);
crate::text::hex_text!(Commitment, 32);

impl DrawKey {
    /// The commitment to this key.
    #[must_use]
    pub fn commit(&self) -> Commitment {
        let mut hasher = Sha256::new();
        hasher.update(b"onsale/draw/commitment/1");
        hasher.update(self.0);
        Commitment(hasher.finalize().into())
    }
}

/// The order of `gathered` visitors under a key.
#[derive(Clone, Debug)]
pub struct DrawnOrder {
    key: DrawKey,
    gathered: u64,
    half_bits: u32,
}

impl DrawnOrder {
    /// The draw among the numbers `0..gathered`.
    #[must_use]
    pub fn new(key: DrawKey, gathered: u64) -> Self {
        let bits = 64 - gathered.saturating_sub(1).leading_zeros();
        Self {
            key,
            gathered,
            half_bits: bits.div_ceil(2).max(1),
        }
    }

    /// The place drawn by who arrived as `number`; `None` if that number did not gather.
    ///
    /// On average below four walks of [`ROUNDS`] hashes.
    #[must_use]
    pub fn place_of(&self, number: QueueNumber) -> Option<QueueNumber> {
        self.walk(number, Self::encrypt)
    }

    /// Who drew `place`: the inverse of [`place_of`](Self::place_of).
    #[must_use]
    pub fn arrival_at(&self, place: QueueNumber) -> Option<QueueNumber> {
        self.walk(place, Self::decrypt)
    }

    fn walk(&self, number: QueueNumber, step: fn(&Self, u64) -> u64) -> Option<QueueNumber> {
        if number.0 >= self.gathered {
            return None;
        }
        let mut value = step(self, number.0);
        // A permutation's cycle returns to its start, which is inside: the walk ends.
        while value >= self.gathered {
            value = step(self, value);
        }
        Some(QueueNumber(value))
    }

    fn mask(&self) -> u64 {
        (1 << self.half_bits) - 1
    }

    fn encrypt(&self, value: u64) -> u64 {
        let (mut left, mut right) = (value >> self.half_bits, value & self.mask());
        for round in 0..ROUNDS {
            (left, right) = (right, left ^ self.round(round, right));
        }
        left << self.half_bits | right
    }

    fn decrypt(&self, value: u64) -> u64 {
        let (mut left, mut right) = (value >> self.half_bits, value & self.mask());
        for round in (0..ROUNDS).rev() {
            (left, right) = (right ^ self.round(round, left), left);
        }
        left << self.half_bits | right
    }

    fn round(&self, round: u8, half: u64) -> u64 {
        let mut hasher = Sha256::new();
        hasher.update(b"onsale/draw/round/1");
        hasher.update(self.key.0);
        hasher.update(self.gathered.to_be_bytes());
        hasher.update([round]);
        hasher.update(half.to_be_bytes());
        let digest = hasher.finalize();
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&digest[..8]);
        u64::from_be_bytes(bytes) & self.mask()
    }
}

/// Why a claimed place is not what was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DrawFault {
    /// The revealed key is not the one committed to.
    #[error("the revealed key is not the one that was committed to")]
    OtherKey,
    /// That number had not gathered when the draw was made.
    #[error("number {0} was not in the draw")]
    NotGathered(u64),
    /// The draw gives another place.
    #[error("the draw gives place {drawn}, not {claimed}")]
    OtherPlace {
        /// What the draw gives.
        drawn: u64,
        /// What was claimed.
        claimed: u64,
    },
}

/// Checks that who arrived as `arrival` among `gathered` drew `claimed`, for anybody to call.
pub fn verify_draw(
    commitment: Commitment,
    revealed: DrawKey,
    gathered: u64,
    arrival: QueueNumber,
    claimed: QueueNumber,
) -> Result<(), DrawFault> {
    if revealed.commit() != commitment {
        return Err(DrawFault::OtherKey);
    }
    match DrawnOrder::new(revealed, gathered).place_of(arrival) {
        None => Err(DrawFault::NotGathered(arrival.0)),
        Some(drawn) if drawn == claimed => Ok(()),
        Some(drawn) => Err(DrawFault::OtherPlace {
            drawn: drawn.0,
            claimed: claimed.0,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    const KEY: DrawKey = DrawKey([7; 32]);

    #[test]
    fn every_place_is_drawn_exactly_once_whatever_the_crowd() {
        for gathered in [1, 2, 3, 4, 5, 7, 8, 9, 100, 1_000, 4_097] {
            let order = DrawnOrder::new(KEY, gathered);
            let mut drawn = vec![false; usize::try_from(gathered).unwrap()];
            for number in 0..gathered {
                let place = order.place_of(QueueNumber(number)).unwrap();
                let slot = &mut drawn[usize::try_from(place.0).unwrap()];
                assert!(!*slot, "place {} drawn twice among {gathered}", place.0);
                *slot = true;
            }
        }
    }

    #[test]
    fn arriving_early_does_not_help() {
        // Over many keys, the first to arrive lands in the first half about half the time.
        let first_half = (0..=255_u8)
            .filter(|&seed| {
                DrawnOrder::new(DrawKey([seed; 32]), 1_000)
                    .place_of(QueueNumber(0))
                    .unwrap()
                    .0
                    < 500
            })
            .count();
        assert!((88..=168).contains(&first_half), "{first_half} of 256");
    }

    #[test]
    fn an_empty_gathering_draws_nothing() {
        assert_eq!(DrawnOrder::new(KEY, 0).place_of(QueueNumber(0)), None);
    }

    #[test]
    fn another_key_than_the_committed_one_is_found_out() {
        let fault = verify_draw(
            KEY.commit(),
            DrawKey([8; 32]),
            10,
            QueueNumber(0),
            QueueNumber(0),
        );
        assert_eq!(fault, Err(DrawFault::OtherKey));
    }

    proptest! {
        #[test]
        fn the_inverse_finds_who_drew_a_place(key: [u8; 32], gathered in 1..u64::MAX / 2, pick: u64) {
            let order = DrawnOrder::new(DrawKey(key), gathered);
            let number = QueueNumber(pick % gathered);
            let place = order.place_of(number).unwrap();
            prop_assert!(place.0 < gathered);
            prop_assert_eq!(order.arrival_at(place), Some(number));
            prop_assert_eq!(verify_draw(DrawKey(key).commit(), DrawKey(key), gathered, number, place), Ok(()));
        }
    }
}
