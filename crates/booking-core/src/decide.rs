//! The one way state changes: [`decide`] says what would happen, [`apply()`] makes it so.
//!
//! Deciding is pure. What it promises:
//! - a hold whose time is past counts as gone, whether or not its lapse has been written, so that
//!   the outcome never depends on when a timer ran;
//! - places of such a hold are taken by writing its lapse first, in the same decision, so that
//!   replay needs no clock;
//! - a refused command changes nothing, not even a hold's end.

use crate::command::Command;
use crate::event::Event;
use crate::id::SeatIx;
use crate::inventory::Inventory;
use crate::rejection::Rejection;
use crate::rule::Rule;
use alloc::vec::Vec;

mod apply;
mod holds;
mod now;
mod orders;
mod seats;
mod terms;

pub use apply::{Contradiction, apply, try_apply};

/// What a command comes to: facts to write down, in order, and hints for the fan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Facts, in order. May begin with lapses that made room.
    pub events: Vec<Event>,
    /// Things worth saying that forbid nothing.
    pub warnings: Vec<Warning>,
}

/// Something worth saying to the fan that forbids nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(tag = "code", rename_all = "snake_case"))]
pub enum Warning {
    /// The choice strands lone seats.
    SingleSeatGap {
        /// The seats left alone.
        stranded: Vec<SeatIx>,
    },
    /// The party was split because no stretch was long enough.
    PartySplit {
        /// How many groups.
        groups: u16,
    },
    /// A seat with restricted view is among them.
    RestrictedView {
        /// Which seats.
        seats: Vec<SeatIx>,
    },
}

/// Decides `command` at `now_ms` without changing anything.
///
/// Holds whose time is past count as free, whether or not a lapse has been written; taking their
/// places writes the lapse first. Cost: O(places named × log n) and independent of the size of the
/// house, except best available (see [`best`](crate::best)).
pub fn decide(
    inventory: &Inventory,
    command: &Command,
    now_ms: i64,
) -> Result<Decision, Rejection> {
    decide_with(inventory, command, now_ms, &[])
}

/// Like [`decide`], with an embedder's own rules checked after the built-in ones, for every choice
/// of seats a fan makes: holds, changes of holds and exchanges.
pub fn decide_with(
    inventory: &Inventory,
    command: &Command,
    now_ms: i64,
    rules: &[&dyn Rule],
) -> Result<Decision, Rejection> {
    let now = now::Now::new(inventory, now_ms, rules);
    match command {
        Command::PlaceHold {
            hold,
            fan,
            request,
            needs_accessible,
            allocation,
        } => holds::place(&now, *hold, *fan, request, *needs_accessible, *allocation),
        Command::ChangeHold {
            hold,
            fan,
            add,
            remove,
            needs_accessible,
        } => holds::change(&now, *hold, *fan, add, remove, *needs_accessible),
        Command::ExtendHold { hold, fan } => holds::extend(&now, *hold, *fan),
        Command::ReleaseHold { hold, fan } => holds::release(&now, *hold, *fan),
        Command::ExpireHolds { limit } => Ok(holds::expire(&now, *limit)),
        Command::ConfirmOrder {
            order,
            hold,
            fan,
            items,
            voucher,
            quoted_ms,
            total_minor,
        } => orders::confirm(
            &now,
            &orders::Purchase {
                order: *order,
                hold: *hold,
                fan: *fan,
                items,
                voucher: voucher.as_deref(),
                quoted_ms: *quoted_ms,
                total_minor: *total_minor,
            },
        ),
        Command::CancelTickets { order, places } => orders::cancel(&now, *order, places),
        Command::ExchangeSeats {
            order,
            give,
            take,
            needs_accessible,
        } => orders::exchange(&now, *order, give, take, *needs_accessible),
        Command::KillSeats { seats } => seats::kill(&now, seats),
        Command::ReviveSeats { seats } => seats::revive(&now, seats),
        Command::AllocateSeats { allocation, seats } => seats::allocate(&now, *allocation, seats),
        Command::ReleaseAllocation { allocation, seats } => {
            seats::release_allocation(&now, *allocation, seats)
        }
        Command::SetTerms { terms } => terms::set(&now, terms),
    }
}
