//! A business "no": a stable code and the facts a fan needs. Not a fault of the program.

use crate::id::{AllocationId, AreaIx, HoldId, OrderId, SeatIx};
use crate::price::{Place, QuoteError};
use alloc::vec::Vec;

/// Why a command was refused. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(tag = "code", rename_all = "snake_case"))]
pub enum Rejection {
    /// The sale has not begun or is over.
    #[error("this performance is not on sale")]
    NotOnSale {
        /// When it begins, ms since the epoch.
        from_ms: i64,
        /// When it ends, ms since the epoch.
        until_ms: i64,
    },
    /// Nothing was asked for.
    #[error("no places were asked for")]
    NothingRequested,
    /// The same seat twice in one request.
    #[error("a seat was named twice")]
    DuplicateSeat {
        /// The seat.
        seat: SeatIx,
    },
    /// The map has no such place.
    #[error("there is no such place")]
    UnknownPlace {
        /// The place.
        place: Place,
    },
    /// Somebody else has them.
    #[error("somebody else has taken these seats")]
    SeatsTaken {
        /// The seats that are gone.
        seats: Vec<SeatIx>,
    },
    /// They are not on sale (killed, or set aside).
    #[error("these seats are not on sale")]
    SeatsNotOnSale {
        /// The seats.
        seats: Vec<SeatIx>,
    },
    /// The area has not that many places left.
    #[error("only {left} places are left in this area")]
    AreaFull {
        /// The area.
        area: AreaIx,
        /// Places left.
        left: u32,
    },
    /// No such number of seats (together, in those bands) is left.
    #[error("no such seats are left")]
    NothingAvailable {
        /// Most seats that could be had together in those bands.
        most_together: u16,
        /// Seats left in those bands.
        left: u32,
    },
    /// More places than one hold may have.
    #[error("at most {max} places at once")]
    TooManyPlaces {
        /// The limit.
        max: u16,
    },
    /// More live holds than one fan may have.
    #[error("at most {max} holds at once")]
    TooManyHolds {
        /// The limit.
        max: u16,
    },
    /// More places than one fan may hold and own.
    #[error("at most {max} places a person")]
    FanLimit {
        /// The limit.
        max: u16,
        /// What the fan holds and owns besides this hold.
        has: u16,
    },
    /// The choice strands lone seats though another would not.
    #[error("this would leave a single seat free")]
    SingleSeatGap {
        /// The seats that would be stranded.
        stranded: Vec<SeatIx>,
    },
    /// Wheelchair and companion seats are kept for those who need them.
    #[error("these seats are kept for people who need them")]
    AccessibleOnly {
        /// The seats.
        seats: Vec<SeatIx>,
    },
    /// No live hold of that name belongs to this fan (never was, lapsed, released or somebody
    /// else's: a fan is told the same in each case).
    #[error("there is no such hold")]
    NoSuchHold {
        /// The hold.
        hold: HoldId,
    },
    /// A hold of that name exists already.
    #[error("a hold of this name exists already")]
    HoldExists {
        /// The hold.
        hold: HoldId,
    },
    /// A place to remove is not in the hold.
    #[error("this place is not in the hold")]
    NotInHold {
        /// The place.
        place: Place,
    },
    /// It cannot live longer.
    #[error("this hold cannot be extended any further")]
    HoldAtMaximum {
        /// When it ends, ms since the epoch.
        expires_ms: i64,
    },
    /// The hold lapsed and some of its places are gone.
    #[error("the hold lapsed and some of its places are gone")]
    HoldLapsed {
        /// The places that are gone.
        gone: Vec<Place>,
    },
    /// Items are not exactly the places of the hold.
    #[error("the items are not the places of the hold")]
    ItemsDiffer,
    /// The recomputed total is another than the quoted one.
    #[error("the price is {total_minor}, not what was quoted")]
    PriceChanged {
        /// What it costs now, in minor units.
        total_minor: i64,
    },
    /// It cannot be priced.
    #[error("{reason}")]
    NoQuote {
        /// Why.
        reason: QuoteError,
    },
    /// An order of that name exists already.
    #[error("an order of this name exists already")]
    OrderExists {
        /// The order.
        order: OrderId,
    },
    /// No such order.
    #[error("there is no such order")]
    NoSuchOrder {
        /// The order.
        order: OrderId,
    },
    /// The order has no live ticket there.
    #[error("the order has no live ticket there")]
    NotInOrder {
        /// The place.
        place: Place,
    },
    /// Seats given and taken do not pair up in number or band.
    #[error("seats can be exchanged one for one within their price band")]
    UnequalExchange,
    /// Not set aside in that allocation.
    #[error("these seats are not in that allocation")]
    NotInAllocation {
        /// The allocation.
        allocation: AllocationId,
        /// The seats.
        seats: Vec<SeatIx>,
    },
    /// Not killed.
    #[error("these seats have not been taken off sale")]
    NotKilled {
        /// The seats.
        seats: Vec<SeatIx>,
    },
    /// Terms that make no sense, do not fit the map, or take away what was sold.
    #[error("terms.{what}")]
    TermsInvalid {
        /// Place and fault.
        what: alloc::string::String,
    },
    /// An embedder's own rule said no.
    #[error("refused by rule {rule}")]
    Rule {
        /// The rule's stable code.
        rule: alloc::string::String,
        /// The seats it is about.
        seats: Vec<SeatIx>,
    },
}

impl Rejection {
    /// Stable code, as in JSON: `seats_taken`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotOnSale { .. } => "not_on_sale",
            Self::NothingRequested => "nothing_requested",
            Self::DuplicateSeat { .. } => "duplicate_seat",
            Self::UnknownPlace { .. } => "unknown_place",
            Self::SeatsTaken { .. } => "seats_taken",
            Self::SeatsNotOnSale { .. } => "seats_not_on_sale",
            Self::AreaFull { .. } => "area_full",
            Self::NothingAvailable { .. } => "nothing_available",
            Self::TooManyPlaces { .. } => "too_many_places",
            Self::TooManyHolds { .. } => "too_many_holds",
            Self::FanLimit { .. } => "fan_limit",
            Self::SingleSeatGap { .. } => "single_seat_gap",
            Self::AccessibleOnly { .. } => "accessible_only",
            Self::NoSuchHold { .. } => "no_such_hold",
            Self::HoldExists { .. } => "hold_exists",
            Self::NotInHold { .. } => "not_in_hold",
            Self::HoldAtMaximum { .. } => "hold_at_maximum",
            Self::HoldLapsed { .. } => "hold_lapsed",
            Self::ItemsDiffer => "items_differ",
            Self::PriceChanged { .. } => "price_changed",
            Self::NoQuote { .. } => "no_quote",
            Self::OrderExists { .. } => "order_exists",
            Self::NoSuchOrder { .. } => "no_such_order",
            Self::NotInOrder { .. } => "not_in_order",
            Self::UnequalExchange => "unequal_exchange",
            Self::NotInAllocation { .. } => "not_in_allocation",
            Self::NotKilled { .. } => "not_killed",
            Self::TermsInvalid { .. } => "terms_invalid",
            Self::Rule { .. } => "rule",
        }
    }
}
