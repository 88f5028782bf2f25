//! What may be asked of a performance: imperative, made by the caller, decided by
//! [`decide`](crate::decide()).

use crate::id::{AllocationId, AreaIx, BandIx, FanId, HoldId, OrderId, SeatIx};
use crate::price::{OrderItem, Place};
use crate::terms::SaleTerms;
use alloc::{boxed::Box, string::String, vec::Vec};

/// A wish to change a performance's seats.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(tag = "command", rename_all = "snake_case"))]
pub enum Command {
    /// Claim places for a while.
    PlaceHold {
        /// Name of the new hold, made by the caller.
        hold: HoldId,
        /// For whom.
        fan: FanId,
        /// Which places.
        request: SeatRequest,
        /// Whether this fan needs accessible seats.
        needs_accessible: bool,
        /// Take the seats out of this allocation instead of the open sale.
        allocation: Option<AllocationId>,
    },
    /// Add and remove places of a hold; its lifetime is unchanged.
    ChangeHold {
        /// Which hold.
        hold: HoldId,
        /// Must be its owner.
        fan: FanId,
        /// Places to add.
        add: Vec<Place>,
        /// Places to give back.
        remove: Vec<Place>,
        /// Whether this fan needs accessible seats.
        needs_accessible: bool,
    },
    /// Ask for more time, within the maximum.
    ExtendHold {
        /// Which hold.
        hold: HoldId,
        /// Must be its owner.
        fan: FanId,
    },
    /// Give everything back.
    ReleaseHold {
        /// Which hold.
        hold: HoldId,
        /// Must be its owner.
        fan: FanId,
    },
    /// Write down lapses whose time is past. Accepted with no events where there are none.
    ExpireHolds {
        /// Most holds to expire in one go.
        limit: u32,
    },
    /// Turn a hold into tickets at the agreed price. If the hold has lapsed, the same places are
    /// taken again where they are all free.
    ConfirmOrder {
        /// Name of the new order, made by the caller.
        order: OrderId,
        /// The hold it came from.
        hold: HoldId,
        /// Must be its owner.
        fan: FanId,
        /// Exactly the hold's places, each with its price type.
        items: Vec<OrderItem>,
        /// Voucher code, if one was used.
        voucher: Option<String>,
        /// Instant at which the quote was made (vouchers are judged at this time).
        quoted_ms: i64,
        /// What was quoted and authorised; refused if the recomputed total differs.
        total_minor: i64,
    },
    /// Undo tickets of an order: all of them where `places` is empty.
    CancelTickets {
        /// Which order.
        order: OrderId,
        /// Which of its tickets' places; empty: all that are live.
        places: Vec<Place>,
    },
    /// Swap seats of an order for free ones of the same price band.
    ExchangeSeats {
        /// Which order.
        order: OrderId,
        /// Seats to give back.
        give: Vec<SeatIx>,
        /// Seats to get, one for each given, in the same order.
        take: Vec<SeatIx>,
        /// Whether this fan needs accessible seats.
        needs_accessible: bool,
    },
    /// Take free seats off sale for good (a camera stands there). Held and sold seats are refused.
    KillSeats {
        /// Which seats.
        seats: Vec<SeatIx>,
    },
    /// Put killed seats back on sale.
    ReviveSeats {
        /// Which seats.
        seats: Vec<SeatIx>,
    },
    /// Set free seats aside.
    AllocateSeats {
        /// Name of the allocation; may exist already and then grows.
        allocation: AllocationId,
        /// Which seats.
        seats: Vec<SeatIx>,
    },
    /// Put the seats of an allocation that nobody has taken back on sale.
    ReleaseAllocation {
        /// Which allocation.
        allocation: AllocationId,
        /// Which of its seats; empty: all that are left.
        seats: Vec<SeatIx>,
    },
    /// Sell under other terms from now on. Accepted with no events where they are the same.
    SetTerms {
        /// All of the new terms.
        terms: Box<SaleTerms>,
    },
}

/// Which places a fan wants.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum SeatRequest {
    /// Exactly these places (seats, or area places repeated once a person).
    These(Vec<Place>),
    /// The best that there is.
    BestAvailable {
        /// How many seats, at least 1.
        quantity: u16,
        /// Bands to look in; empty: all.
        bands: Vec<BandIx>,
        /// Refuse rather than split the party.
        together: bool,
    },
    /// Places in an area.
    GeneralAdmission {
        /// Which area.
        area: AreaIx,
        /// How many, at least 1.
        quantity: u16,
    },
}
