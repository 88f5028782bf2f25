//! One row on its way into the map: the order of its seats and the aisles between them.

use super::SeatPath;
use crate::import::geometry::{bounds, distance};
use crate::import::plan::Spot;
use crate::seatmap::SeatAttributes;
use alloc::{collections::BTreeMap, collections::BTreeSet, string::String, vec::Vec};

/// Neighbours further apart than this many hundredths of the usual distance have an aisle between.
const AISLE_PERCENT: i64 = 160;
/// A row with fewer steps between its seats is judged by the whole zone.
const STEPS_MIN: usize = 3;

pub(super) struct DraftSeat {
    pub(super) label: String,
    pub(super) number: Option<i64>,
    pub(super) band: u8,
    pub(super) attributes: SeatAttributes,
    pub(super) at: Spot,
    pub(super) break_after: bool,
    pub(super) path: SeatPath,
}

pub(super) struct Draft {
    pub(super) name: String,
    /// Its first part's place in the file.
    pub(super) first_row: u32,
    pub(super) seats: Vec<DraftSeat>,
    pub(super) labels: BTreeSet<String>,
    joined: bool,
}

impl Draft {
    pub(super) fn new(name: String, first_row: u32, seats: Vec<DraftSeat>) -> Self {
        let mut draft = Self {
            name,
            first_row,
            seats: Vec::new(),
            labels: BTreeSet::new(),
            joined: false,
        };
        draft.join(seats);
        draft.joined = false;
        draft
    }

    /// Adds another part of the same row.
    pub(super) fn join(&mut self, seats: Vec<DraftSeat>) {
        self.labels
            .extend(seats.iter().map(|seat| seat.label.clone()));
        self.seats.extend(seats);
        self.joined = true;
    }

    /// Puts the seats into the order of their numbers or of their places along the row where that
    /// makes a shorter walk than the order of the file (a row that bends back is left as it is).
    /// True if seats of one part of the file moved.
    pub(super) fn put_in_order(&mut self) -> bool {
        let along = self.order_along();
        let mut best: Option<(i64, Vec<usize>)> = None;
        // Numbers first: of two walks about as long, the one that people count along.
        for (order, allowance) in [(self.order_by_number(), 110), (along, 100)] {
            let length = self.walk(order.iter().copied()).saturating_mul(100) / allowance;
            if best.as_ref().is_none_or(|(shortest, _)| length < *shortest) {
                best = Some((length, order));
            }
        }
        let Some((_, order)) = best else { return false };
        if self.walk(order.iter().copied()) >= self.walk(0..self.seats.len()) {
            return false;
        }
        let mut seats: Vec<Option<DraftSeat>> = self.seats.drain(..).map(Some).collect();
        self.seats = order.into_iter().filter_map(|i| seats[i].take()).collect();
        !self.joined
    }

    /// From one end of the longer side to the other, in the direction of the file.
    fn order_along(&self) -> Vec<usize> {
        let (low, high) = bounds(self.seats.iter().map(|seat| seat.at)).unwrap_or_default();
        let wide = high.x - low.x >= high.y - low.y;
        self.ordered(|seat| {
            if wide {
                (seat.at.x, seat.at.y)
            } else {
                (seat.at.y, seat.at.x)
            }
        })
    }

    /// Upwards or downwards as in the file; seats without a number come first.
    fn order_by_number(&self) -> Vec<usize> {
        self.ordered(|seat| (seat.number.unwrap_or(i64::MIN), 0))
    }

    fn ordered(&self, key: impl Fn(&DraftSeat) -> (i64, i64)) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.seats.len()).collect();
        order.sort_by_key(|i| key(&self.seats[*i]));
        // The direction in which most steps of the file go; a row in pieces may go back between.
        let steps = self
            .seats
            .windows(2)
            .map(|pair| key(&pair[0]).cmp(&key(&pair[1])) as i32);
        let downwards = steps.sum::<i32>() > 0;
        if downwards {
            order.reverse();
        }
        order
    }

    /// How far it is from the first seat to the last.
    fn walk(&self, order: impl Iterator<Item = usize>) -> i64 {
        let mut before: Option<Spot> = None;
        let mut length = 0_i64;
        for i in order {
            let at = self.seats[i].at;
            length += before.map_or(0, |before| distance(before, at));
            before = Some(at);
        }
        length
    }

    /// After which seats there is an aisle: said so, a number left out, or a wide space.
    pub(super) fn gaps(&self, zone: &Spacing) -> Vec<bool> {
        let own = Spacing::of(core::iter::once(self));
        let usual_distance = own.distance(zone);
        let usual_step = own.step(zone);
        let mut gaps = Vec::with_capacity(self.seats.len());
        for pair in self.seats.windows(2) {
            let wide = usual_distance.is_some_and(|usual| {
                distance(pair[0].at, pair[1].at) * 100 > usual.saturating_mul(AISLE_PERCENT)
            });
            let skipped = match (step(&pair[0], &pair[1]), usual_step) {
                (Some(step), Some(usual)) => step > usual,
                _ => false,
            };
            gaps.push(pair[0].break_after || wide || skipped);
        }
        gaps.push(false);
        gaps
    }
}

/// What is usual between neighbours.
pub(super) struct Spacing {
    /// Distances, sorted.
    distances: Vec<i64>,
    /// How often seat numbers differ by how much, whichever way they count.
    steps: BTreeMap<u64, usize>,
}

impl Spacing {
    pub(super) fn of<'d>(drafts: impl Iterator<Item = &'d Draft>) -> Self {
        let mut spacing = Self {
            distances: Vec::new(),
            steps: BTreeMap::new(),
        };
        for draft in drafts {
            for pair in draft.seats.windows(2) {
                spacing.distances.push(distance(pair[0].at, pair[1].at));
                // Two of the same number are no step; one of them has been renamed.
                if let Some(step) = step(&pair[0], &pair[1]).filter(|step| *step > 0) {
                    *spacing.steps.entry(step).or_default() += 1;
                }
            }
        }
        spacing.distances.sort_unstable();
        spacing
    }

    fn distance(&self, zone: &Self) -> Option<i64> {
        let from = if self.distances.len() < STEPS_MIN {
            zone
        } else {
            self
        };
        from.distances
            .get(from.distances.len() / 2)
            .copied()
            .filter(|usual| *usual > 0)
    }

    /// The commonest difference; of equally common ones the smallest.
    fn step(&self, zone: &Self) -> Option<u64> {
        let known: usize = self.steps.values().sum();
        let from = if known < STEPS_MIN { zone } else { self };
        let commonest = from
            .steps
            .iter()
            .max_by_key(|(step, count)| (**count, u64::MAX - **step));
        commonest.map(|(step, _)| *step)
    }
}

fn step(from: &DraftSeat, to: &DraftSeat) -> Option<u64> {
    Some(from.number?.abs_diff(to.number?))
}
