//! What best available needs to know about a house, worked out once per map: how far each seat is
//! from where people look, and the runs of neighbours, nearest first.

use crate::id::SeatIx;
use crate::seatmap::{Point, SeatAttributes, SeatMap};
use crate::seatset::SeatSet;
use alloc::vec::Vec;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SearchIndex {
    /// Distance of each seat from the focal point, centiunits.
    pub(super) distances: Vec<u32>,
    /// Runs of neighbours between aisles, nearest first, ties by index.
    pub(super) runs: Vec<SeatRun>,
    /// Wheelchair and companion seats.
    pub(super) accessible: SeatSet,
    /// Wheelchair spaces alone.
    pub(super) wheelchair: SeatSet,
}

/// Seats that sit next to each other, none of them taken into account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SeatRun {
    /// Distance of its nearest seat.
    pub(super) nearest: u32,
    pub(super) start: u32,
    pub(super) len: u32,
    pub(super) has_wheelchair: bool,
    /// Bit `band % 64` is set for each band in it: says "not here" fast.
    pub(super) bands: u64,
}

impl Default for SearchIndex {
    fn default() -> Self {
        Self {
            distances: Vec::new(),
            runs: Vec::new(),
            accessible: SeatSet::empty(0),
            wheelchair: SeatSet::empty(0),
        }
    }
}

impl SearchIndex {
    pub(crate) fn of(map: &SeatMap) -> Self {
        let seats = (0..map.seat_count()).map(SeatIx);
        let focal = map.focal_point();
        let mut index = Self {
            distances: seats
                .clone()
                .map(|seat| distance(map.point(seat), focal))
                .collect(),
            runs: Vec::new(),
            accessible: SeatSet::empty(map.seat_count()),
            wheelchair: SeatSet::empty(map.seat_count()),
        };
        let mut run: Option<SeatRun> = None;
        for seat in seats {
            let attributes = map.attributes(seat);
            let is_wheelchair = attributes.contains(SeatAttributes::WHEELCHAIR);
            if attributes.is_accessible() {
                index.accessible.insert(seat);
            }
            if is_wheelchair {
                index.wheelchair.insert(seat);
            }
            let so_far = run.get_or_insert(SeatRun {
                nearest: u32::MAX,
                start: seat.0,
                len: 0,
                has_wheelchair: false,
                bands: 0,
            });
            so_far.nearest = so_far.nearest.min(index.distances[seat.index()]);
            so_far.len += 1;
            so_far.has_wheelchair |= is_wheelchair;
            so_far.bands |= 1 << (map.band(seat).0 % 64);
            if map.next(seat).is_none() {
                index.runs.extend(run.take());
            }
        }
        index
            .runs
            .sort_unstable_by_key(|run| (run.nearest, run.start));
        index
    }
}

/// Straight distance in centiunits, rounded down. Coordinates are within ±10^8.
fn distance(a: Point, b: Point) -> u32 {
    let (dx, dy) = (a.x.abs_diff(b.x), a.y.abs_diff(b.y));
    let (dx, dy) = (u64::from(dx), u64::from(dy));
    (dx * dx + dy * dy).isqrt() as u32
}
