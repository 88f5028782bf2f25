//! Changing how a performance is sold while it is on sale.

use super::Decision;
use super::holds::only;
use super::now::Now;
use crate::event::Event;
use crate::rejection::Rejection;
use crate::terms::SaleTerms;
use alloc::{boxed::Box, format, string::ToString};

/// New terms hold from the next command on. What was sold stays as it was sold: tickets name price
/// types, and lines of orders fees, by their number, so those keep their places.
pub(super) fn set(now: &Now<'_>, terms: &SaleTerms) -> Result<Decision, Rejection> {
    let before = now.inventory.terms();
    if **before == *terms {
        return Ok(Decision::default());
    }
    let refused = |what| Err(Rejection::TermsInvalid { what });
    if let Err(faults) = terms.prices.validate(now.map()) {
        return refused(format!("prices: {faults}"));
    }
    let (old, new) = (&before.prices, &terms.prices);
    if (&old.currency, old.minor_digits) != (&new.currency, new.minor_digits) {
        return refused("prices.currency: it cannot be changed".to_string());
    }
    for (at, known) in old.types.iter().enumerate() {
        if new.types.get(at).is_none_or(|one| one.name != known.name) {
            return refused(format!(
                "prices.types[{at}]: {:?} has been sold and keeps its place",
                known.name
            ));
        }
    }
    for (at, known) in old.fees.iter().enumerate() {
        if new.fees.get(at).is_none_or(|one| one.name != known.name) {
            return refused(format!(
                "prices.fees[{at}]: {:?} has been charged and keeps its place",
                known.name
            ));
        }
    }
    Ok(only(Event::TermsSet {
        terms: Box::new(terms.clone()),
    }))
}
