//! How much one fan may take.

use super::{Choice, Rule};
use crate::decide::Warning;
use crate::rejection::Rejection;
use alloc::vec::Vec;

/// Places in one hold, and places one fan holds and owns together.
#[derive(Clone, Copy, Debug)]
pub struct PlaceLimits;

impl Rule for PlaceLimits {
    fn code(&self) -> &'static str {
        "place_limits"
    }
    fn check(&self, choice: &Choice<'_>, _: &mut Vec<Warning>) -> Result<(), Rejection> {
        let (rules, places) = (choice.rules, choice.places());
        if places > rules.max_places_per_hold.into() {
            return Err(Rejection::TooManyPlaces {
                max: rules.max_places_per_hold,
            });
        }
        if places + usize::from(choice.places_elsewhere) > rules.max_places_per_fan.into() {
            return Err(Rejection::FanLimit {
                max: rules.max_places_per_fan,
                has: choice.places_elsewhere,
            });
        }
        Ok(())
    }
}
