//! Reads a business "no" out of a problem document.
//!
//! By hand, because the reader that serde derives for an enum with its tag inside weighs 50 KB in the
//! browser; the tests hold it against what serde writes.

use booking_core::Rejection;
use booking_core::decide::Warning;
use booking_core::price::QuoteError;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The rejection that `facts` are, if they are one.
pub(super) fn rejection(facts: &Value) -> Option<Rejection> {
    Some(match facts.get("code")?.as_str()? {
        "not_on_sale" => Rejection::NotOnSale {
            from_ms: fact(facts, "from_ms")?,
            until_ms: fact(facts, "until_ms")?,
        },
        "nothing_requested" => Rejection::NothingRequested,
        "duplicate_seat" => Rejection::DuplicateSeat {
            seat: fact(facts, "seat")?,
        },
        "unknown_place" => Rejection::UnknownPlace {
            place: fact(facts, "place")?,
        },
        "seats_taken" => Rejection::SeatsTaken {
            seats: fact(facts, "seats")?,
        },
        "seats_not_on_sale" => Rejection::SeatsNotOnSale {
            seats: fact(facts, "seats")?,
        },
        "area_full" => Rejection::AreaFull {
            area: fact(facts, "area")?,
            left: fact(facts, "left")?,
        },
        "nothing_available" => Rejection::NothingAvailable {
            most_together: fact(facts, "most_together")?,
            left: fact(facts, "left")?,
        },
        "too_many_places" => Rejection::TooManyPlaces {
            max: fact(facts, "max")?,
        },
        "too_many_holds" => Rejection::TooManyHolds {
            max: fact(facts, "max")?,
        },
        "fan_limit" => Rejection::FanLimit {
            max: fact(facts, "max")?,
            has: fact(facts, "has")?,
        },
        "single_seat_gap" => Rejection::SingleSeatGap {
            stranded: fact(facts, "stranded")?,
        },
        "accessible_only" => Rejection::AccessibleOnly {
            seats: fact(facts, "seats")?,
        },
        "no_such_hold" => Rejection::NoSuchHold {
            hold: fact(facts, "hold")?,
        },
        "hold_exists" => Rejection::HoldExists {
            hold: fact(facts, "hold")?,
        },
        "not_in_hold" => Rejection::NotInHold {
            place: fact(facts, "place")?,
        },
        "hold_at_maximum" => Rejection::HoldAtMaximum {
            expires_ms: fact(facts, "expires_ms")?,
        },
        "hold_lapsed" => Rejection::HoldLapsed {
            gone: fact(facts, "gone")?,
        },
        "items_differ" => Rejection::ItemsDiffer,
        "price_changed" => Rejection::PriceChanged {
            total_minor: fact(facts, "total_minor")?,
        },
        "no_quote" => Rejection::NoQuote {
            reason: quote_error(facts.get("reason")?)?,
        },
        "order_exists" => Rejection::OrderExists {
            order: fact(facts, "order")?,
        },
        "no_such_order" => Rejection::NoSuchOrder {
            order: fact(facts, "order")?,
        },
        "not_in_order" => Rejection::NotInOrder {
            place: fact(facts, "place")?,
        },
        "unequal_exchange" => Rejection::UnequalExchange,
        "not_in_allocation" => Rejection::NotInAllocation {
            allocation: fact(facts, "allocation")?,
            seats: fact(facts, "seats")?,
        },
        "not_killed" => Rejection::NotKilled {
            seats: fact(facts, "seats")?,
        },
        "terms_invalid" => Rejection::TermsInvalid {
            what: fact(facts, "what")?,
        },
        "rule" => Rejection::Rule {
            rule: fact(facts, "rule")?,
            seats: fact(facts, "seats")?,
        },
        _ => return None,
    })
}

/// The hint that `facts` are, if they are one.
pub(super) fn warning(facts: &Value) -> Option<Warning> {
    Some(match facts.get("code")?.as_str()? {
        "single_seat_gap" => Warning::SingleSeatGap {
            stranded: fact(facts, "stranded")?,
        },
        "party_split" => Warning::PartySplit {
            groups: fact(facts, "groups")?,
        },
        "restricted_view" => Warning::RestrictedView {
            seats: fact(facts, "seats")?,
        },
        _ => return None,
    })
}

fn quote_error(facts: &Value) -> Option<QuoteError> {
    Some(match facts.get("code")?.as_str()? {
        "no_items" => QuoteError::NoItems,
        "unknown_place" => QuoteError::UnknownPlace {
            place: fact(facts, "place")?,
        },
        "not_sold" => QuoteError::NotSold {
            place: fact(facts, "place")?,
            price_type: fact(facts, "price_type")?,
        },
        "voucher_unknown" => QuoteError::VoucherUnknown,
        "voucher_not_valid_now" => QuoteError::VoucherNotValidNow,
        "voucher_used_up" => QuoteError::VoucherUsedUp,
        "voucher_does_not_apply" => QuoteError::VoucherDoesNotApply,
        "overflow" => QuoteError::Overflow,
        _ => return None,
    })
}

fn fact<T: DeserializeOwned>(facts: &Value, name: &str) -> Option<T> {
    serde_json::from_value(facts.get(name)?.clone()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_core::price::Place;
    use booking_core::{AllocationId, AreaIx, HoldId, OrderId, PriceTypeIx, SeatIx};

    #[test]
    fn every_rejection_is_read_as_the_core_writes_it() {
        let seats = vec![SeatIx(3), SeatIx(9)];
        let place = Place::Seat(SeatIx(4));
        let standing = Place::Area(AreaIx(1));
        let (hold, order) = (HoldId::from_u128(7), OrderId::from_u128(8));
        let mut all = vec![
            Rejection::NotOnSale {
                from_ms: 1,
                until_ms: 2,
            },
            Rejection::NothingRequested,
            Rejection::DuplicateSeat { seat: SeatIx(3) },
            Rejection::UnknownPlace { place },
            Rejection::SeatsTaken {
                seats: seats.clone(),
            },
            Rejection::SeatsNotOnSale {
                seats: seats.clone(),
            },
            Rejection::AreaFull {
                area: AreaIx(2),
                left: 3,
            },
            Rejection::NothingAvailable {
                most_together: 2,
                left: 5,
            },
            Rejection::TooManyPlaces { max: 8 },
            Rejection::TooManyHolds { max: 2 },
            Rejection::FanLimit { max: 12, has: 9 },
            Rejection::SingleSeatGap {
                stranded: seats.clone(),
            },
            Rejection::AccessibleOnly {
                seats: seats.clone(),
            },
            Rejection::NoSuchHold { hold },
            Rejection::HoldExists { hold },
            Rejection::NotInHold { place },
            Rejection::HoldAtMaximum { expires_ms: 9 },
            Rejection::HoldLapsed {
                gone: vec![place, standing],
            },
            Rejection::ItemsDiffer,
            Rejection::PriceChanged { total_minor: 2_000 },
            Rejection::OrderExists { order },
            Rejection::NoSuchOrder { order },
            Rejection::NotInOrder { place },
            Rejection::UnequalExchange,
            Rejection::NotInAllocation {
                allocation: AllocationId::from_u128(1),
                seats: seats.clone(),
            },
            Rejection::NotKilled {
                seats: seats.clone(),
            },
            Rejection::TermsInvalid {
                what: "prices".to_owned(),
            },
            Rejection::Rule {
                rule: "press".to_owned(),
                seats,
            },
        ];
        let reasons = [
            QuoteError::NoItems,
            QuoteError::UnknownPlace { place },
            QuoteError::NotSold {
                place,
                price_type: PriceTypeIx(1),
            },
            QuoteError::VoucherUnknown,
            QuoteError::VoucherNotValidNow,
            QuoteError::VoucherUsedUp,
            QuoteError::VoucherDoesNotApply,
            QuoteError::Overflow,
        ];
        all.extend(reasons.map(|reason| Rejection::NoQuote { reason }));
        for written in all {
            let facts = serde_json::to_value(&written).expect("a rejection is plain data");
            assert_eq!(
                rejection(&facts),
                Some(written.clone()),
                "{}",
                written.code()
            );
        }
    }

    #[test]
    fn every_hint_is_read_as_the_core_writes_it() {
        for written in [
            Warning::SingleSeatGap {
                stranded: vec![SeatIx(2)],
            },
            Warning::PartySplit { groups: 2 },
            Warning::RestrictedView {
                seats: vec![SeatIx(5)],
            },
        ] {
            let facts = serde_json::to_value(&written).expect("a hint is plain data");
            assert_eq!(warning(&facts), Some(written));
        }
    }
}
