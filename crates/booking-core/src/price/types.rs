//! The parts of a price list and of a quote.

use crate::id::{AreaIx, BandIx, PriceTypeIx, SeatIx};
use alloc::{string::String, vec::Vec};

/// What a performance costs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PriceList {
    /// ISO 4217 code, "EUR".
    pub currency: String,
    /// Digits after the point of the currency: 2 for EUR, 0 for JPY.
    pub minor_digits: u8,
    /// Price types: "Full", "Concession".
    pub types: Vec<PriceType>,
    /// `amounts[band][price type]` in minor units; `None`: that type is not sold in that band.
    pub amounts: Vec<Vec<Option<i64>>>,
    /// Fees, in the order in which they are shown.
    pub fees: Vec<Fee>,
    /// Tax.
    pub tax: Tax,
    /// Vouchers. The browser is given none of them; it asks the server about a code.
    pub vouchers: Vec<Voucher>,
}

/// Who a price is for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PriceType {
    /// What fans read.
    pub name: String,
    /// What they must bring, if anything: "with student card".
    pub note: String,
}

/// A fee on top of ticket prices.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Fee {
    /// What fans read: "Booking fee".
    pub name: String,
    /// Counted per ticket or per order.
    pub per: FeePer,
    /// How much.
    pub amount: FeeAmount,
}

/// What a fee is counted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum FeePer {
    /// Once for each ticket (a percentage is of that ticket's price after vouchers).
    Ticket,
    /// Once for the order (a percentage is of all tickets after vouchers).
    Order,
}

/// How much a fee is. Shares are in parts per million (ppm): 2.5 % is 25,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum FeeAmount {
    /// Minor units.
    Fixed(i64),
    /// A share, rounded half up to the minor unit, and at most `cap` minor units.
    Percent {
        /// Parts per million.
        ppm: u32,
        /// Most it may come to.
        cap: Option<i64>,
    },
}

/// Tax on tickets and fees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Tax {
    /// Whether prices contain it already.
    pub mode: TaxMode,
    /// Parts per million: 19 % is 190,000.
    pub rate_ppm: u32,
    /// How halves are rounded.
    pub rounding: Rounding,
}

/// Whether prices contain the tax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum TaxMode {
    /// Prices contain it; it is shown, not added.
    Inclusive,
    /// It is added to prices.
    Exclusive,
}

/// A named rounding rule for tax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Rounding {
    /// Each line is rounded by itself, halves away from zero; the total is the sum of the lines.
    HalfUpPerLine,
    /// Each line by itself, halves to even.
    HalfEvenPerLine,
    /// The order's total is rounded once, halves away from zero, and the difference to the lines'
    /// own sum is put on the largest line.
    HalfUpPerOrder,
}

/// A code that changes the price.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Voucher {
    /// What the fan types; compared without regard to ASCII case.
    pub code: String,
    /// What it does to each ticket it applies to.
    pub effect: VoucherEffect,
    /// Bands it applies to; empty: all.
    pub bands: Vec<BandIx>,
    /// Most tickets of one order it applies to (the dearest first); 0: all.
    pub max_tickets_per_order: u16,
    /// Most orders that may use it; 0: no limit.
    pub max_orders: u32,
    /// From when it is valid, ms since the epoch.
    pub from_ms: i64,
    /// From when it is no longer valid, ms since the epoch.
    pub until_ms: i64,
}

/// What a voucher does to a ticket's price. No price falls below zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum VoucherEffect {
    /// Takes off this many minor units.
    Fixed(i64),
    /// Takes off this share, ppm.
    Percent(u32),
    /// The ticket costs this instead, unless it costs less anyway.
    PriceOverride(i64),
}

/// A numbered seat or one place in an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Place {
    /// A numbered seat.
    Seat(SeatIx),
    /// One place in a general-admission area.
    Area(AreaIx),
}

/// One ticket to be priced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OrderItem {
    /// Where.
    pub place: Place,
    /// Which price type.
    pub price_type: PriceTypeIx,
}

/// What an order costs, line by line. `total_minor` is exactly the sum of the lines' amounts
/// (plus their taxes where tax is exclusive).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Quote {
    /// ISO 4217 code.
    pub currency: String,
    /// In the order in which they are shown: tickets as asked for (each followed by its
    /// discount, if any, and its fees), then fees per order.
    pub lines: Vec<QuoteLine>,
    /// Tax contained in the total.
    pub tax_minor: i64,
    /// What is charged.
    pub total_minor: i64,
}

/// One line of a quote.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct QuoteLine {
    /// What the line is for.
    pub kind: LineKind,
    /// Minor units; negative for a discount. Without the tax where tax is exclusive.
    pub amount_minor: i64,
    /// Tax on (exclusive) or in (inclusive) the amount.
    pub tax_minor: i64,
}

/// What a line is for. Names are looked up in the map and the price list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum LineKind {
    /// A ticket, by its 0-based position in the items.
    Ticket {
        /// Position in the items.
        item: u16,
        /// Where.
        place: Place,
        /// Price type.
        price_type: PriceTypeIx,
    },
    /// A voucher's discount on the ticket of that item.
    Discount {
        /// Position in the items.
        item: u16,
    },
    /// Fee `fee` (index into [`PriceList::fees`]) on the ticket of that item.
    TicketFee {
        /// Index into [`PriceList::fees`].
        fee: u8,
        /// Position in the items.
        item: u16,
    },
    /// Fee `fee` on the order.
    OrderFee {
        /// Index into [`PriceList::fees`].
        fee: u8,
    },
}

/// Why no quote can be given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(tag = "code", rename_all = "snake_case"))]
pub enum QuoteError {
    /// Nothing to price.
    #[error("there is nothing to price")]
    NoItems,
    /// The map has no such place.
    #[error("there is no such place")]
    UnknownPlace {
        /// The place asked for.
        place: Place,
    },
    /// That price type is not sold in that band.
    #[error("price type {price_type} is not sold there")]
    NotSold {
        /// The place asked for.
        place: Place,
        /// The price type asked for.
        price_type: PriceTypeIx,
    },
    /// No such voucher.
    #[error("that voucher code is not known")]
    VoucherUnknown,
    /// Not valid at this time.
    #[error("that voucher is not valid now")]
    VoucherNotValidNow,
    /// Used by as many orders as it may be.
    #[error("that voucher is used up")]
    VoucherUsedUp,
    /// It applies to none of the tickets.
    #[error("that voucher does not apply to these tickets")]
    VoucherDoesNotApply,
    /// A sum does not fit, or prices in the price list are absurd (negative; more fees than 256):
    /// [`PriceList::validate`] tells what is wrong.
    #[error("the sum is too large")]
    Overflow,
}
