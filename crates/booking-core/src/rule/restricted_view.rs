//! Nobody should learn at the door that a pillar stands in front.

use super::{Choice, Rule};
use crate::decide::Warning;
use crate::id::SeatIx;
use crate::rejection::Rejection;
use crate::seatmap::SeatAttributes;
use alloc::vec::Vec;

/// Warns about seats from which part of the stage cannot be seen. Refuses nothing.
#[derive(Clone, Copy, Debug)]
pub struct RestrictedViews;

impl Rule for RestrictedViews {
    fn code(&self) -> &'static str {
        "restricted_view"
    }
    fn check(&self, choice: &Choice<'_>, warnings: &mut Vec<Warning>) -> Result<(), Rejection> {
        let is_restricted = |seat: &SeatIx| {
            let attributes = choice.map.attributes(*seat);
            attributes.contains(SeatAttributes::RESTRICTED_VIEW)
        };
        let seats: Vec<SeatIx> = choice.seats.iter().copied().filter(is_restricted).collect();
        if !seats.is_empty() {
            warnings.push(Warning::RestrictedView { seats });
        }
        Ok(())
    }
}
