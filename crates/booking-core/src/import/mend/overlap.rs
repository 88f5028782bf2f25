//! Seats on top of each other: a fan could not tap the lower one, so the later is moved beside it.

use super::{Mending, SeatPath};
use crate::import::geometry::distance;
use crate::import::plan::Spot;
use crate::import::report::RepairKind;
use crate::seatmap::{COORDINATE_MAX, Point, SectionSpec};
use alloc::{collections::BTreeMap, vec::Vec};

/// Usual distance of neighbours, where the plan does not show one.
const SPACING: i64 = 2_500;
/// Seats nearer than this part of the usual distance are on top of each other.
const NEAR_PART: i64 = 5;
/// How far from its place a seat is moved at most, in steps of twice that part.
const RINGS: i32 = 12;

impl Mending<'_> {
    pub(super) fn overlaps(&mut self, sections: &mut [SectionSpec]) {
        let near = near(sections);
        let mut floor = Floor {
            near,
            taken: BTreeMap::new(),
            tried: BTreeMap::new(),
        };
        let rows = sections.iter_mut().flat_map(|section| &mut section.rows);
        let seats = rows.flat_map(|row| &mut row.seats);
        for (seat, path) in seats.zip(&self.paths) {
            let Some(below) = floor.at(seat.at) else {
                floor.take(seat.at, *path);
                continue;
            };
            match floor.beside(seat.at) {
                Some(free) => {
                    seat.at = free;
                    floor.take(free, *path);
                    self.summary.moved += 1;
                    let what = format_args!("the seat stands on top of {below}; moved beside it");
                    self.report.repair(RepairKind::SeatMoved, path, what);
                }
                None => {
                    let what = format_args!("the seat stands on top of {below}; no room beside it");
                    self.report.repair(RepairKind::SeatsOverlap, path, what);
                }
            }
        }
    }
}

/// From which distance on two seats are apart.
fn near(sections: &[SectionSpec]) -> i32 {
    let rows = sections.iter().flat_map(|section| &section.rows);
    let mut distances: Vec<i64> = rows
        .flat_map(|row| row.seats.windows(2))
        .map(|pair| {
            let [from, to] = [pair[0].at, pair[1].at].map(|point| Spot {
                x: point.x.into(),
                y: point.y.into(),
            });
            distance(from, to)
        })
        .filter(|distance| *distance > 0)
        .collect();
    let middle = distances.len() / 2;
    let usual = match distances.len() {
        0 => SPACING,
        _ => *distances.select_nth_unstable(middle).1,
    };
    (usual.min(SPACING) / NEAR_PART).max(1) as i32
}

/// What stands where, in cells as wide as the distance that matters: one seat a cell at most.
struct Floor {
    near: i32,
    taken: BTreeMap<(i32, i32), (Point, SeatPath)>,
    /// How many places around a cell have been tried, so that many seats on one point do not
    /// search the same ring again and again.
    tried: BTreeMap<(i32, i32), i32>,
}

impl Floor {
    fn cell(&self, point: Point) -> (i32, i32) {
        (point.x.div_euclid(self.near), point.y.div_euclid(self.near))
    }

    /// The seat that stands too near, if any.
    fn at(&self, point: Point) -> Option<SeatPath> {
        let (x, y) = self.cell(point);
        let around = (x - 1..=x + 1).flat_map(|x| (y - 1..=y + 1).map(move |y| (x, y)));
        around
            .filter_map(|cell| self.taken.get(&cell))
            .find_map(|(other, path)| {
                let apart = (other.x - point.x).abs().max((other.y - point.y).abs());
                (apart < self.near).then_some(*path)
            })
    }

    fn take(&mut self, point: Point, path: SeatPath) {
        self.taken.insert(self.cell(point), (point, path));
    }

    /// The first free place in the squares around `point`, from the inside out.
    fn beside(&mut self, point: Point) -> Option<Point> {
        let cell = self.cell(point);
        let places = (2 * RINGS + 1) * (2 * RINGS + 1);
        let mut place = self.tried.get(&cell).copied().unwrap_or(1);
        let mut found = None;
        while found.is_none() && place < places {
            let (dx, dy) = spiral(place);
            let step = 2 * self.near;
            let candidate = Point {
                x: point.x + dx * step,
                y: point.y + dy * step,
            };
            let inside = candidate.x.abs().max(candidate.y.abs()) <= COORDINATE_MAX;
            if inside && self.at(candidate).is_none() {
                found = Some(candidate);
            }
            place += 1;
        }
        self.tried.insert(cell, place);
        found
    }
}

/// The `n`th cell of a square spiral around (0, 0), which is number 0; the first is to the right.
fn spiral(n: i32) -> (i32, i32) {
    let mut ring = 0;
    while (2 * ring + 1) * (2 * ring + 1) <= n {
        ring += 1;
    }
    let side = 2 * ring;
    let along = n - (side - 1) * (side - 1);
    let (edge, step) = (along / side, along % side);
    match edge {
        0 => (ring, step - ring + 1),
        1 => (ring - 1 - step, ring),
        2 => (-ring, ring - 1 - step),
        _ => (step - ring + 1, -ring),
    }
}
