//! The seats a search may give, and finding a block of neighbours among them.

use super::index::{SearchIndex, SeatRun};
use crate::id::{BandIx, SeatIx};
use crate::seatmap::SeatMap;
use crate::seatset::SeatSet;

/// Neighbouring seats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// Lower is better; the index of the first seat breaks ties.
    pub(super) cost: u64,
    pub(super) start: u32,
    pub(super) len: u32,
}

impl Block {
    pub(super) fn seats(self) -> impl Iterator<Item = SeatIx> {
        (self.start..self.start + self.len).map(SeatIx)
    }
    fn rank(self) -> (u64, u32) {
        (self.cost, self.start)
    }
}

/// The best blocks so far.
#[derive(Default)]
pub(super) struct Finds {
    /// Strands nobody.
    clean: Option<Block>,
    /// The best of the others.
    stranding: Option<Block>,
}

impl Finds {
    pub(super) fn best(self) -> Option<Block> {
        self.clean.or(self.stranding)
    }
    fn would_gain(&self, block: Block) -> bool {
        self.clean.is_none_or(|best| block.rank() < best.rank())
    }
    /// Takes note of a block. Whether it strands somebody is asked only where that matters.
    pub(super) fn offer(&mut self, block: Block, strands: impl FnOnce() -> bool) {
        if !self.would_gain(block) {
            return;
        }
        if !strands() {
            self.clean = Some(block);
        } else if self.stranding.is_none_or(|best| block.rank() < best.rank()) {
            self.stranding = Some(block);
        }
    }
}

fn each_bit(mut bits: u64, mut found: impl FnMut(u32)) {
    while bits != 0 {
        found(bits.trailing_zeros());
        bits &= bits - 1;
    }
}

/// The seats a search may give.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) map: &'a SeatMap,
    index: &'a SearchIndex,
    pub(super) open: &'a SeatSet,
    pub(super) bands: &'a [BandIx],
    /// The bands as in [`SeatRun::bands`]; all ones where every band will do.
    band_bits: u64,
    pub(super) keep_accessible: bool,
    pub(super) need_wheelchair: bool,
}

impl<'a> Field<'a> {
    pub(super) fn new(map: &'a SeatMap, open: &'a SeatSet, bands: &'a [BandIx]) -> Self {
        let bits = bands.iter().fold(0, |bits, band| bits | 1 << (band.0 % 64));
        Self {
            map,
            index: map.search_index(),
            open,
            bands,
            band_bits: if bands.is_empty() { u64::MAX } else { bits },
            keep_accessible: false,
            need_wheelchair: false,
        }
    }
    pub(super) fn without_accessible(self) -> Self {
        Self {
            keep_accessible: true,
            ..self
        }
    }
    pub(super) fn needing_wheelchair(self) -> Self {
        Self {
            need_wheelchair: true,
            ..self
        }
    }
    pub(super) fn needing_nothing(self) -> Self {
        Self {
            need_wheelchair: false,
            ..self
        }
    }
    /// The same search over other seats.
    pub(super) fn over<'b>(&self, open: &'b SeatSet) -> Field<'b>
    where
        'a: 'b,
    {
        Field { open, ..*self }
    }
    /// The block of `len` neighbours that strands nobody and is nearest the focal point; where all
    /// strand somebody, the nearest.
    pub(super) fn nearest_block(&self, len: u32) -> Option<Block> {
        let mut finds = Finds::default();
        // In a nearly full house the next block may be thousands of runs away. Once looking at runs
        // has cost about as much as a pass over the words of the whole house, that pass is made: so
        // the two together never cost more than twice the better.
        let runs_before_pass = self.open.words().len() / 2 + 16;
        let mut looked_at = 0;
        for run in &self.index.runs {
            let bound = u64::from(run.nearest) * u64::from(len);
            if finds.clean.is_some_and(|best| bound > best.cost) {
                break;
            }
            if !self.may_fit(run, len) {
                continue;
            }
            if looked_at == runs_before_pass && finds.clean.is_none() {
                self.each_block(len, |start| self.offer(&mut finds, start, len));
                break;
            }
            looked_at += 1;
            self.each_block_of(run, len, |start| self.offer(&mut finds, start, len));
        }
        finds.best()
    }
    fn may_fit(&self, run: &SeatRun, len: u32) -> bool {
        run.len >= len
            && run.bands & self.band_bits != 0
            && (run.has_wheelchair || !self.need_wheelchair)
    }
    /// Distances of a block's seats from the focal point, in sum.
    pub(super) fn distances(&self, block: Block) -> u64 {
        let at = block.start as usize;
        let distances = &self.index.distances[at..at + block.len as usize];
        distances.iter().map(|distance| u64::from(*distance)).sum()
    }
    fn offer(&self, finds: &mut Finds, start: u32, len: u32) {
        let mut block = Block {
            cost: 0,
            start,
            len,
        };
        block.cost = self.distances(block);
        if finds.would_gain(block) && self.suits(block) {
            finds.offer(block, || self.strands(block));
        }
    }
    /// What the bits do not say: bands and the need for a wheelchair space.
    pub(super) fn suits(&self, block: Block) -> bool {
        let mut seats = block.seats();
        (self.bands.is_empty()
            || block
                .seats()
                .all(|seat| self.bands.contains(&self.map.band(seat))))
            && (!self.need_wheelchair || seats.any(|seat| self.is_wheelchair(seat)))
    }
    pub(super) fn is_wheelchair(&self, seat: SeatIx) -> bool {
        self.index.wheelchair.contains(seat)
    }
    /// Whether the block leaves a lone seat beside it, as the gap rule sees it.
    pub(super) fn strands(&self, block: Block) -> bool {
        let (first, last) = (SeatIx(block.start), SeatIx(block.start + block.len - 1));
        let free = |seat: Option<SeatIx>| seat.filter(|seat| self.open.contains(*seat));
        let is_ordinary = |seat: SeatIx| !self.index.accessible.contains(seat);
        let (map, left) = (self.map, free(self.map.prev(first)));
        let right = free(map.next(last));
        left.is_some_and(|seat| is_ordinary(seat) && free(map.prev(seat)).is_none())
            || right.is_some_and(|seat| is_ordinary(seat) && free(map.next(seat)).is_none())
    }
    /// Calls `found` with the first seat of every block of `len` free neighbours in the house (of
    /// any band).
    pub(super) fn each_block(&self, len: u32, found: impl FnMut(u32)) {
        self.each_block_in(0, self.map.seat_count(), len, found);
    }
    fn each_block_in(&self, from: u32, to: u32, len: u32, mut found: impl FnMut(u32)) {
        if len > 64 {
            return self.each_long_block_in(from, to, len, found);
        }
        let words = from as usize / 64..(to as usize).div_ceil(64);
        for word in words {
            let first = (word * 64) as u32;
            let mut starts = self.block_starts(word, len);
            if from > first {
                starts &= u64::MAX << (from - first);
            }
            if to - first < 64 {
                starts &= (1 << (to - first)) - 1;
            }
            each_bit(starts, |bit| found(first + bit));
        }
    }
    /// The same within one run. All its seats are neighbours: if it is no longer than a word, its
    /// free seats are one word of bits.
    fn each_block_of(&self, run: &SeatRun, len: u32, mut found: impl FnMut(u32)) {
        if run.len > 64 {
            return self.each_block_in(run.start, run.start + run.len, len, found);
        }
        let (word, shift) = (run.start as usize / 64, run.start % 64);
        let mut free = self.free_word(word) >> shift;
        if shift != 0 {
            free |= self.free_word(word + 1) << (64 - shift);
        }
        free &= u64::MAX >> (64 - run.len);
        let mut known = 1;
        while known < len && free != 0 {
            let step = known.min(len - known);
            free &= free >> step;
            known += step;
        }
        each_bit(free, |bit| found(run.start + bit));
    }
    /// Blocks longer than a word: run by run.
    fn each_long_block_in(&self, from: u32, to: u32, len: u32, mut found: impl FnMut(u32)) {
        for (start, run) in self.bit_runs(from, to) {
            if run >= len {
                (start..=start + run - len).for_each(&mut found);
            }
        }
    }
    /// Bit `i`: a block of `len` (at most 64) free neighbours begins at seat `i` of the word.
    fn block_starts(&self, word: usize, len: u32) -> u64 {
        let free = u128::from(self.free_word(word)) | u128::from(self.free_word(word + 1)) << 64;
        if len == 1 || free as u64 == 0 {
            return free as u64;
        }
        let joined =
            u128::from(self.joined_word(word)) | u128::from(self.joined_word(word + 1)) << 64;
        // Bit `i`: seats `i` and `i + 1` are free neighbours. A block is `len - 1` of them in a
        // row: double what is known until there are so many.
        let mut links = free & free >> 1 & joined;
        let mut known = 1;
        while known < len - 1 && links as u64 != 0 {
            let step = known.min(len - 1 - known);
            links &= links >> step;
            known += step;
        }
        links as u64
    }
    fn free_word(&self, word: usize) -> u64 {
        let open = self.open.words().get(word).copied().unwrap_or(0);
        if self.keep_accessible {
            let kept = self.index.accessible.words().get(word).copied();
            open & !kept.unwrap_or(0)
        } else {
            open
        }
    }
    fn joined_word(&self, word: usize) -> u64 {
        self.map.joined_words().get(word).copied().unwrap_or(0)
    }
    fn is_free(&self, seat: u32) -> bool {
        self.free_word(seat as usize / 64) >> (seat % 64) & 1 == 1
    }
    /// Longest runs of free neighbours of any band that begin in `from..to`: first seat and length.
    fn bit_runs(&self, from: u32, to: u32) -> impl Iterator<Item = (u32, u32)> {
        let mut seat = from;
        core::iter::from_fn(move || {
            let start = self.next_free(seat).filter(|start| *start < to)?;
            let mut end = start + 1;
            while self.map.next(SeatIx(end - 1)).is_some() && self.is_free(end) {
                end += 1;
            }
            seat = end;
            Some((start, end - start))
        })
    }
    fn next_free(&self, from: u32) -> Option<u32> {
        let words = self.open.words().len();
        let mut word = from as usize / 64;
        let mut bits = self.free_word(word) & u64::MAX << (from % 64);
        while bits == 0 {
            word += 1;
            if word >= words {
                return None;
            }
            bits = self.free_word(word);
        }
        Some((word * 64) as u32 + bits.trailing_zeros())
    }
    /// Longest runs of free neighbours that may be given, cut where a band will not do.
    pub(super) fn free_runs(&self) -> impl Iterator<Item = (u32, u32)> {
        self.bit_runs(0, self.map.seat_count())
            .flat_map(move |(start, len)| {
                let mut at = start;
                let end = start + len;
                core::iter::from_fn(move || {
                    while at < end && !self.is_in_band(at) {
                        at += 1;
                    }
                    let first = at;
                    while at < end && self.is_in_band(at) {
                        at += 1;
                    }
                    (at > first).then_some((first, at - first))
                })
            })
    }
    fn is_in_band(&self, seat: u32) -> bool {
        self.bands.is_empty() || self.bands.contains(&self.map.band(SeatIx(seat)))
    }
}
