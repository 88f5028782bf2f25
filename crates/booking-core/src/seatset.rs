//! A set of seats as bits, one word-aligned run a map: what rules and best available search.

use crate::id::SeatIx;
use alloc::{vec, vec::Vec};

/// A set of seats of one map. Membership, insertion and removal are O(1); 1 bit a seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatSet {
    words: Vec<u64>,
    len: u32,
}

impl SeatSet {
    /// The empty set over `seat_count` seats.
    #[must_use]
    pub fn empty(seat_count: u32) -> Self {
        Self {
            words: vec![0; (seat_count as usize).div_ceil(64)],
            len: seat_count,
        }
    }
    /// All of `seat_count` seats.
    #[must_use]
    pub fn full(seat_count: u32) -> Self {
        let mut set = Self::empty(seat_count);
        for (i, word) in set.words.iter_mut().enumerate() {
            let rest = seat_count as usize - i * 64;
            *word = if rest >= 64 {
                u64::MAX
            } else {
                (1 << rest) - 1
            };
        }
        set
    }
    /// Size of the house the set is over.
    #[must_use]
    pub fn seat_count(&self) -> u32 {
        self.len
    }
    /// Whether the seat is in the set.
    #[must_use]
    pub fn contains(&self, seat: SeatIx) -> bool {
        self.words[seat.index() / 64] >> (seat.index() % 64) & 1 == 1
    }
    /// Puts the seat in; true if it was not there.
    pub fn insert(&mut self, seat: SeatIx) -> bool {
        let (word, bit) = (&mut self.words[seat.index() / 64], 1 << (seat.index() % 64));
        let new = *word & bit == 0;
        *word |= bit;
        new
    }
    /// Takes the seat out; true if it was there.
    pub fn remove(&mut self, seat: SeatIx) -> bool {
        let (word, bit) = (&mut self.words[seat.index() / 64], 1 << (seat.index() % 64));
        let had = *word & bit != 0;
        *word &= !bit;
        had
    }
    /// How many seats are in the set.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.words.iter().map(|word| word.count_ones()).sum()
    }
    /// The words, low bit first.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.words
    }
    /// The seats in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = SeatIx> + '_ {
        self.words.iter().enumerate().flat_map(|(i, &word)| {
            let mut word = word;
            core::iter::from_fn(move || {
                (word != 0).then(|| {
                    let bit = word.trailing_zeros();
                    word &= word - 1;
                    SeatIx((i * 64) as u32 + bit)
                })
            })
        })
    }
}
