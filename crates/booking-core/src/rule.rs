//! Rules about a choice of seats. The built-in ones and an embedder's own go through one trait, so
//! that the same rule runs in server, browser, simulator and auditor.

use crate::decide::Warning;
use crate::id::SeatIx;
use crate::rejection::Rejection;
use crate::seatmap::SeatMap;
use crate::seatset::SeatSet;
use crate::terms::BookingRules;
use alloc::vec::Vec;
use core::fmt;

mod accessible;
mod gap;
mod limits;
mod restricted_view;

pub use accessible::AccessibleSeats;
pub use gap::SingleSeatGaps;
pub use limits::PlaceLimits;
pub use restricted_view::RestrictedViews;

/// Which seats could be held. A [`SeatSet`] is one (the browser's, from a public view); `decide`
/// brings its own, which looks at lapsed holds as well and costs nothing to make.
pub trait OpenSeats: fmt::Debug {
    /// Whether the seat could be held. False for seats the map has not got.
    fn is_open(&self, seat: SeatIx) -> bool;
}

impl OpenSeats for SeatSet {
    fn is_open(&self, seat: SeatIx) -> bool {
        seat.0 < self.seat_count() && self.contains(seat)
    }
}

/// What a rule may look at. Plain data: the server fills it from an inventory, the browser from
/// a public view.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    /// The house.
    pub map: &'a SeatMap,
    /// Seats that could be held before this choice (those chosen included).
    pub open: &'a dyn OpenSeats,
    /// The seats the hold would have after the change, sorted.
    pub seats: &'a [SeatIx],
    /// Area places the hold would have.
    pub area_places: u16,
    /// Whether this fan needs accessible seats.
    pub needs_accessible: bool,
    /// Places the fan holds and owns outside this hold.
    pub places_elsewhere: u16,
    /// The performance's rules.
    pub rules: &'a BookingRules,
    /// Now, ms since the epoch.
    pub now_ms: i64,
}

impl Choice<'_> {
    /// Whether `seat` is one of those chosen.
    #[must_use]
    pub fn has(&self, seat: SeatIx) -> bool {
        self.seats.binary_search(&seat).is_ok()
    }
    /// Whether `seat` would still be free after this choice.
    #[must_use]
    pub fn leaves_free(&self, seat: SeatIx) -> bool {
        self.open.is_open(seat) && !self.has(seat)
    }
    /// Seats and area places the hold would have.
    #[must_use]
    pub fn places(&self) -> usize {
        self.seats.len() + usize::from(self.area_places)
    }
}

/// A rule about a choice of seats.
///
/// A rule must be a pure function of the choice. Cost counts: it runs inside every decision.
///
/// ```
/// use booking_core::decide::Warning;
/// use booking_core::rule::{Choice, Rule};
/// use booking_core::Rejection;
///
/// /// Parties stay in one section.
/// struct OneSection;
///
/// impl Rule for OneSection {
///     fn code(&self) -> &'static str {
///         "one_section"
///     }
///     fn check(&self, choice: &Choice<'_>, _: &mut Vec<Warning>) -> Result<(), Rejection> {
///         let mut sections = choice.seats.iter().map(|seat| choice.map.section_of(*seat));
///         let first = sections.next();
///         if sections.all(|section| Some(section) == first) {
///             Ok(())
///         } else {
///             Err(self.refuse(choice.seats))
///         }
///     }
/// }
/// # let _ = OneSection.code();
/// ```
pub trait Rule {
    /// Stable code, lower snake case.
    fn code(&self) -> &'static str;
    /// Refuse the choice, or add warnings.
    fn check(&self, choice: &Choice<'_>, warnings: &mut Vec<Warning>) -> Result<(), Rejection>;
    /// The rejection an embedder's rule gives, naming this rule.
    fn refuse(&self, seats: &[SeatIx]) -> Rejection {
        Rejection::Rule {
            rule: self.code().into(),
            seats: seats.to_vec(),
        }
    }
}

/// The rules every choice goes through, in the order in which they are checked.
pub const BUILT_IN: [&dyn Rule; 4] = [
    &PlaceLimits,
    &AccessibleSeats,
    &SingleSeatGaps,
    &RestrictedViews,
];

/// Checks `choice` against the built-in rules in a fixed order. The browser calls this on each
/// tap; `decide` calls it for each hold. O(seats chosen).
pub fn check_choice(choice: &Choice<'_>) -> Result<Vec<Warning>, Rejection> {
    check_choice_with(choice, &[])
}

/// Like [`check_choice`], then against an embedder's rules in their order.
pub fn check_choice_with(
    choice: &Choice<'_>,
    rules: &[&dyn Rule],
) -> Result<Vec<Warning>, Rejection> {
    let mut warnings = Vec::new();
    for rule in BUILT_IN.iter().chain(rules) {
        rule.check(choice, &mut warnings)?;
    }
    Ok(warnings)
}
