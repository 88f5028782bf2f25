//! A party that cannot sit together: as few groups as possible, as even as possible, near each
//! other.

use super::field::{Block, Field, Finds};
use crate::id::SeatIx;
use crate::seatmap::Point;
use crate::seatset::SeatSet;
use alloc::{vec, vec::Vec};

/// Seats for `quantity` in groups, sorted; `None` if there are not enough seats.
pub(super) fn split(field: &Field<'_>, quantity: u32) -> Option<Vec<SeatIx>> {
    if !field.need_wheelchair {
        let mut party = Party::new(field);
        return party.seat(field, quantity).map(|()| party.sorted());
    }
    // Whoever needs the wheelchair space sits with as many of the party as can be; the others take
    // accessible seats from nobody unless they must.
    let first = (1..quantity)
        .rev()
        .find_map(|len| field.nearest_block(len))?;
    let rest = quantity - first.len;
    let others = field.needing_nothing();
    [others.without_accessible(), others]
        .iter()
        .find_map(|others| {
            let mut party = Party::new(field);
            party.take(first);
            party.seat(others, rest).map(|()| party.sorted())
        })
}

/// Groups placed so far.
struct Party {
    open: SeatSet,
    seats: Vec<SeatIx>,
    anchor: Option<Block>,
}

impl Party {
    fn new(field: &Field<'_>) -> Self {
        Self {
            open: field.open.clone(),
            seats: Vec::new(),
            anchor: None,
        }
    }
    fn take(&mut self, block: Block) {
        self.anchor.get_or_insert(block);
        for seat in block.seats() {
            self.open.remove(seat);
            self.seats.push(seat);
        }
    }
    /// Places `quantity` more.
    fn seat(&mut self, field: &Field<'_>, quantity: u32) -> Option<()> {
        for len in group_sizes(&field.over(&self.open), quantity)? {
            let now = field.over(&self.open);
            let block = match self.anchor {
                None => now.nearest_block(len)?,
                Some(anchor) => block_near(&now, anchor, len)?,
            };
            self.take(block);
        }
        Some(())
    }
    fn sorted(mut self) -> Vec<SeatIx> {
        self.seats.sort_unstable();
        self.seats
    }
}

/// Sizes of the groups, largest first. As many groups as the longest runs need to hold everybody;
/// then everybody moves from the larger groups into the smaller until they are even or their runs
/// are full.
fn group_sizes(field: &Field<'_>, quantity: u32) -> Option<Vec<u32>> {
    // How many runs there are of each length; longer than the party is as good as the party.
    let mut runs = vec![0_u32; quantity as usize + 1];
    for (_, len) in field.free_runs() {
        runs[len.min(quantity) as usize] += 1;
    }
    let mut longest = Vec::new();
    let mut room = 0;
    'enough: for len in (1..=quantity).rev() {
        for _ in 0..runs[len as usize] {
            longest.push(len);
            room += len;
            if room >= quantity {
                break 'enough;
            }
        }
    }
    if room < quantity {
        return None;
    }
    let mut sizes = vec![0; longest.len()];
    let mut placed = 0;
    // Each round puts one more into every group that has room.
    while placed < quantity {
        for (size, room) in sizes.iter_mut().zip(&longest) {
            if *size < *room && placed < quantity {
                *size += 1;
                placed += 1;
            }
        }
    }
    Some(sizes)
}

/// The block of `len` that is near the focal point and, counting double, near `anchor`.
fn block_near(field: &Field<'_>, anchor: Block, len: u32) -> Option<Block> {
    let middle = |block: Block| field.map.point(SeatIx(block.start + block.len / 2));
    let at = middle(anchor);
    let mut finds = Finds::default();
    field.each_block(len, |start| {
        let mut block = Block {
            cost: 0,
            start,
            len,
        };
        let apart = u64::from(roughly_apart(at, middle(block)));
        block.cost = field.distances(block) + 2 * u64::from(len) * apart;
        if field.suits(block) {
            finds.offer(block, || field.strands(block));
        }
    });
    finds.best()
}

/// Distance to within a tenth, without a root.
fn roughly_apart(a: Point, b: Point) -> u32 {
    let (dx, dy) = (a.x.abs_diff(b.x), a.y.abs_diff(b.y));
    dx.max(dy) + dx.min(dy) / 2 - dx.min(dy) / 8
}
