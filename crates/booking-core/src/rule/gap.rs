//! No lone seats: a choice should not leave one free seat that only somebody alone could take.
//!
//! A *stretch* is a run of neighbouring seats that could all be held before the choice, ended by
//! taken seats, aisles or the row's ends. A choice strands a seat if the seat stays free, could have
//! had a free neighbour and now has none. If all but one seat of a stretch are taken, one is left
//! whichever they are: that is unavoidable, and allowed. A lone wheelchair or companion space is
//! sold on its own anyway and is not counted; and whoever needs such a space has no other choice,
//! so is warned but never refused.

use super::{AccessibleSeats, Choice, Rule};
use crate::decide::Warning;
use crate::id::SeatIx;
use crate::rejection::Rejection;
use crate::terms::GapRule;
use alloc::vec::Vec;

/// Warns about or refuses choices that strand single seats, as the performance's
/// [`GapRule`] says.
#[derive(Clone, Copy, Debug)]
pub struct SingleSeatGaps;

impl Rule for SingleSeatGaps {
    fn code(&self) -> &'static str {
        "single_seat_gap"
    }
    fn check(&self, choice: &Choice<'_>, warnings: &mut Vec<Warning>) -> Result<(), Rejection> {
        if choice.rules.single_seat_gap == GapRule::Off {
            return Ok(());
        }
        let stranded = stranded_by(choice);
        if choice.rules.single_seat_gap == GapRule::ForbidUnlessUnavoidable && !on_need(choice) {
            let avoidable = |seat: &SeatIx| is_avoidable(choice, *seat);
            let avoidable: Vec<SeatIx> = stranded.iter().copied().filter(avoidable).collect();
            if !avoidable.is_empty() {
                return Err(Rejection::SingleSeatGap {
                    stranded: avoidable,
                });
            }
        }
        if !stranded.is_empty() {
            warnings.push(Warning::SingleSeatGap { stranded });
        }
        Ok(())
    }
}

/// Seats the choice strands, sorted. O(seats chosen).
fn stranded_by(choice: &Choice<'_>) -> Vec<SeatIx> {
    let mut stranded = Vec::new();
    for seat in choice.seats {
        if let Some(left) = choice.map.prev(*seat)
            && choice.leaves_free(left)
            && !is_free(choice, choice.map.prev(left))
        {
            stranded.push(left);
        }
        if let Some(right) = choice.map.next(*seat)
            && choice.leaves_free(right)
            && !is_free(choice, choice.map.next(right))
        {
            stranded.push(right);
        }
    }
    // A seat between two chosen ones was found from both sides.
    stranded.sort_unstable();
    stranded.dedup();
    stranded.retain(|seat| !choice.map.attributes(*seat).is_accessible());
    stranded
}

/// Whether the choice is one that only somebody who needs it would make.
fn on_need(choice: &Choice<'_>) -> bool {
    let mut seats = choice.seats.iter();
    choice.needs_accessible && seats.any(|seat| choice.map.attributes(*seat).is_accessible())
}

fn is_free(choice: &Choice<'_>, seat: Option<SeatIx>) -> bool {
    seat.is_some_and(|seat| choice.leaves_free(seat))
}

/// Whether as many neighbouring seats of the stretch around `stranded` could have been chosen
/// without stranding any. O(length of the stretch × seats chosen).
fn is_avoidable(choice: &Choice<'_>, stranded: SeatIx) -> bool {
    let map = choice.map;
    let mut first = stranded;
    while let Some(before) = map.prev(first).filter(|seat| choice.open.is_open(*seat)) {
        first = before;
    }
    let mut stretch = Vec::new();
    let mut at = Some(first);
    while let Some(seat) = at.filter(|seat| choice.open.is_open(*seat)) {
        stretch.push(seat);
        at = map.next(seat);
    }
    let chosen = stretch.iter().filter(|seat| choice.has(**seat)).count();
    let kept = AccessibleSeats::are_kept(choice.rules, choice.needs_accessible, choice.now_ms);
    let is_lone = |run: &[SeatIx]| match run {
        [seat] => !map.attributes(*seat).is_accessible(),
        _ => false,
    };
    (0..=stretch.len() - chosen).any(|start| {
        let (left, rest) = stretch.split_at(start);
        let (block, right) = rest.split_at(chosen);
        let takes_kept = kept
            && block
                .iter()
                .any(|seat| map.attributes(*seat).is_accessible());
        !takes_kept && !is_lone(left) && !is_lone(right)
    })
}
