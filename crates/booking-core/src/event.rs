//! What happened: past tense, written to the ledger, applied by [`apply`](crate::apply). An event
//! carries every time it needs, so that replay needs no clock.

use crate::id::{AllocationId, FanId, HoldId, OrderId, SeatIx};
use crate::price::{OrderItem, Place, QuoteLine};
use crate::terms::SaleTerms;
use alloc::{boxed::Box, string::String, vec::Vec};

/// A fact about a performance's seats.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(tag = "event", rename_all = "snake_case"))]
pub enum Event {
    /// Places were claimed.
    HoldPlaced {
        /// The new hold.
        hold: HoldId,
        /// Its owner.
        fan: FanId,
        /// What it claims, sorted; area places repeated once a person.
        places: Vec<Place>,
        /// The allocation the seats came out of and go back to.
        allocation: Option<AllocationId>,
        /// Instant of selection.
        placed_ms: i64,
        /// First instant at which it is no longer live.
        expires_ms: i64,
        /// Latest `expires_ms` it may ever get.
        max_expires_ms: i64,
    },
    /// Places joined and left a hold.
    HoldChanged {
        /// The hold.
        hold: HoldId,
        /// What was added, sorted.
        added: Vec<Place>,
        /// What was given back, sorted.
        removed: Vec<Place>,
    },
    /// A hold got more time.
    HoldExtended {
        /// The hold.
        hold: HoldId,
        /// Its new end.
        expires_ms: i64,
    },
    /// Its owner gave a hold back.
    HoldReleased {
        /// The hold.
        hold: HoldId,
    },
    /// A hold's time was past.
    HoldExpired {
        /// The hold.
        hold: HoldId,
    },
    /// Places were sold.
    OrderConfirmed {
        /// The new order.
        order: OrderId,
        /// The hold it came from (already gone if it had lapsed).
        hold: HoldId,
        /// Who bought.
        fan: FanId,
        /// Tickets, in the order of their ordinals (see [`TicketId::of`](crate::TicketId::of)).
        items: Vec<OrderItem>,
        /// Voucher code, in upper case.
        voucher: Option<String>,
        /// Every cent.
        lines: Vec<QuoteLine>,
        /// What was charged.
        total_minor: i64,
        /// When the price was made, at which vouchers are judged. Ledgers of the first version do
        /// not say.
        #[cfg_attr(
            feature = "serde",
            serde(default, skip_serializing_if = "Option::is_none")
        )]
        quoted_ms: Option<i64>,
    },
    /// Tickets were undone and their places are free again.
    TicketsCancelled {
        /// The order.
        order: OrderId,
        /// Places of the cancelled tickets, sorted.
        places: Vec<Place>,
    },
    /// Seats of an order were swapped.
    SeatsExchanged {
        /// The order.
        order: OrderId,
        /// Seats given back.
        gave: Vec<SeatIx>,
        /// Seats got, one for each given.
        took: Vec<SeatIx>,
    },
    /// Seats went off sale.
    SeatsKilled {
        /// Sorted.
        seats: Vec<SeatIx>,
    },
    /// Killed seats came back on sale.
    SeatsRevived {
        /// Sorted.
        seats: Vec<SeatIx>,
    },
    /// Seats were set aside.
    SeatsAllocated {
        /// For what.
        allocation: AllocationId,
        /// Sorted.
        seats: Vec<SeatIx>,
    },
    /// Seats set aside came back on sale.
    AllocationReleased {
        /// For what they had been set aside.
        allocation: AllocationId,
        /// Sorted.
        seats: Vec<SeatIx>,
    },
    /// Other terms hold for whatever comes after this.
    TermsSet {
        /// All of the new terms.
        terms: Box<SaleTerms>,
    },
}
