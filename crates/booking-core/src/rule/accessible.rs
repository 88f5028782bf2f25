//! Wheelchair and companion seats are kept for those who need them.

use super::{Choice, Rule};
use crate::decide::Warning;
use crate::id::SeatIx;
use crate::rejection::Rejection;
use crate::terms::{AccessibleRule, BookingRules};
use alloc::vec::Vec;

/// Refuses accessible seats to whoever has not said that they need them.
#[derive(Clone, Copy, Debug)]
pub struct AccessibleSeats;

impl AccessibleSeats {
    /// Whether accessible seats are kept back from a fan at `now_ms`.
    #[must_use]
    pub fn are_kept(rules: &BookingRules, needs_accessible: bool, now_ms: i64) -> bool {
        !needs_accessible
            && match rules.accessible_seats {
                AccessibleRule::Anyone => false,
                AccessibleRule::OnlyOnNeed => true,
                AccessibleRule::OnlyOnNeedUntil { until_ms } => now_ms < until_ms,
            }
    }
}

impl Rule for AccessibleSeats {
    fn code(&self) -> &'static str {
        "accessible_seats"
    }
    fn check(&self, choice: &Choice<'_>, _: &mut Vec<Warning>) -> Result<(), Rejection> {
        if !Self::are_kept(choice.rules, choice.needs_accessible, choice.now_ms) {
            return Ok(());
        }
        let is_accessible = |seat: &SeatIx| choice.map.attributes(*seat).is_accessible();
        let seats: Vec<SeatIx> = choice.seats.iter().copied().filter(is_accessible).collect();
        if seats.is_empty() {
            Ok(())
        } else {
            Err(Rejection::AccessibleOnly { seats })
        }
    }
}
