//! Events become state.

use crate::event::Event;
use crate::inventory::{Hold, Inventory};

/// Makes `event` so. O(places in the event × log n).
///
/// # Panics
/// If the event contradicts the state (a seat would belong to two): the ledger is then corrupt,
/// and going on would sell seats twice. Use [`try_apply`] to be told instead.
pub fn apply(inventory: &mut Inventory, event: &Event) {
    if let Err(contradiction) = try_apply(inventory, event) {
        panic!("corrupt ledger: {contradiction} ({event:?})");
    }
}

/// Like [`apply`], but reports a contradiction. The inventory must then be thrown away.
pub fn try_apply(inventory: &mut Inventory, event: &Event) -> Result<(), Contradiction> {
    match event {
        Event::HoldPlaced {
            hold,
            fan,
            places,
            allocation,
            placed_ms,
            expires_ms,
            max_expires_ms,
        } => inventory.add_hold(Hold {
            hold: *hold,
            fan: *fan,
            places: places.clone(),
            allocation: *allocation,
            placed_ms: *placed_ms,
            expires_ms: *expires_ms,
            max_expires_ms: *max_expires_ms,
        }),
        Event::HoldChanged {
            hold,
            added,
            removed,
        } => inventory.change_hold(*hold, added, removed),
        Event::HoldExtended { hold, expires_ms } => inventory.extend_hold(*hold, *expires_ms),
        Event::HoldReleased { hold } | Event::HoldExpired { hold } => inventory.end_hold(*hold),
        Event::OrderConfirmed {
            order,
            hold,
            fan,
            items,
            voucher,
            lines: _,
            total_minor: _,
            quoted_ms: _,
        } => inventory.add_order(*order, *hold, *fan, items, voucher.as_deref()),
        Event::TicketsCancelled { order, places } => inventory.cancel_tickets(*order, places),
        Event::SeatsExchanged { order, gave, took } => inventory.exchange_seats(*order, gave, took),
        Event::SeatsKilled { seats } => inventory.kill_seats(seats),
        Event::SeatsRevived { seats } => inventory.revive_seats(seats),
        Event::SeatsAllocated { allocation, seats } => inventory.allocate_seats(*allocation, seats),
        Event::AllocationReleased { allocation, seats } => {
            inventory.release_allocated(*allocation, seats)
        }
        Event::TermsSet { terms } => inventory.take_terms(terms),
    }
}

/// An event that cannot have happened in this state: a corrupt or reordered ledger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Contradiction {
    /// What contradicts what.
    pub what: &'static str,
}
