//! Short names for what the tests of rules and state keep saying.

use booking_core::price::{OrderItem, Place};
use booking_core::terms::{AccessibleRule, BookingRules, GapRule};
use booking_core::*;

/// An instant to begin at.
pub(crate) const T0: i64 = 1_800_000_000_000;

pub(crate) fn seat(n: u32) -> SeatIx {
    SeatIx(n)
}
pub(crate) fn fan(n: u128) -> FanId {
    FanId::from_u128(n)
}
pub(crate) fn hold(n: u128) -> HoldId {
    HoldId::from_u128(n)
}
pub(crate) fn order(n: u128) -> OrderId {
    OrderId::from_u128(n)
}
pub(crate) fn allocation(n: u128) -> AllocationId {
    AllocationId::from_u128(n)
}

/// No rule about which seats, and limits that are not in the way.
pub(crate) fn relaxed() -> BookingRules {
    BookingRules {
        single_seat_gap: GapRule::Off,
        accessible_seats: AccessibleRule::Anyone,
        max_places_per_hold: 20,
        max_holds_per_fan: 10,
        max_places_per_fan: 40,
        ..BookingRules::default()
    }
}

/// A full-price ticket for each place, at the ten euros that `test_support` asks.
pub(crate) fn confirm(id: u128, from: u128, owner: u128, places: &[Place]) -> Command {
    let item = |place: &Place| OrderItem {
        place: *place,
        price_type: PriceTypeIx(0),
    };
    Command::ConfirmOrder {
        order: order(id),
        hold: hold(from),
        fan: fan(owner),
        items: places.iter().map(item).collect(),
        voucher: None,
        quoted_ms: T0,
        total_minor: 1_000 * places.len() as i64,
    }
}
