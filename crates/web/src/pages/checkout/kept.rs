//! What this tab knows of a checkout, so that a reload or a dropped connection loses nothing and pays
//! nothing twice. Card details are never kept.

use booking_core::price::{OrderItem, Place};
use booking_core::{CommandId, HoldId, OrderId, PriceTypeIx};
use serde::{Deserialize, Serialize};

use crate::browser::{self, Store};

/// Kept in the tab's storage, one a hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// One purchase, however often it is tried.
    pub(crate) order: OrderId,
    /// A payment that was sent and whose answer is not known.
    pub(crate) asked: Option<CommandId>,
    /// Chosen price types, for places that are still in the hold.
    pub(crate) items: Vec<OrderItem>,
    /// Voucher in use.
    pub(crate) voucher: Option<String>,
    /// As typed so far.
    pub(crate) name: String,
    /// As typed so far.
    pub(crate) email: String,
}

fn key(hold: HoldId) -> String {
    format!("onsale.checkout.{hold}")
}

impl Kept {
    /// What is kept for `hold`, else a new purchase.
    pub(crate) fn recall(hold: HoldId) -> Self {
        browser::recall(Store::Tab, &key(hold))
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_else(|| Self {
                order: browser::new_id().into(),
                asked: None,
                items: Vec::new(),
                voucher: None,
                name: String::new(),
                email: String::new(),
            })
    }
    /// Keeps it.
    pub(crate) fn keep(&self, hold: HoldId) {
        if let Ok(text) = serde_json::to_string(self) {
            browser::remember(Store::Tab, &key(hold), &text);
        }
    }
    /// The purchase is done or its hold is gone.
    pub(crate) fn forget(hold: HoldId) {
        browser::forget(Store::Tab, &key(hold));
    }
}

/// One ticket for each of `places`, in the house's order: with the price type chosen before where
/// the place was there before, else with the first that is sold there.
pub(crate) fn items_for(
    places: &[Place],
    before: &[OrderItem],
    first_sold: impl Fn(Place) -> PriceTypeIx,
) -> Vec<OrderItem> {
    let mut places = places.to_vec();
    places.sort_unstable();
    let mut before = before.to_vec();
    places
        .into_iter()
        .map(|place| {
            let known = before.iter().position(|item| item.place == place);
            known.map_or_else(
                || OrderItem {
                    place,
                    price_type: first_sold(place),
                },
                |at| before.remove(at),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_core::{AreaIx, SeatIx};

    const FULL: PriceTypeIx = PriceTypeIx(0);
    const CHILD: PriceTypeIx = PriceTypeIx(2);

    #[test]
    fn a_changed_hold_keeps_the_price_types_of_places_that_stayed() {
        let seat = |n| Place::Seat(SeatIx(n));
        let before = [
            OrderItem {
                place: seat(4),
                price_type: CHILD,
            },
            OrderItem {
                place: seat(5),
                price_type: FULL,
            },
        ];
        let items = items_for(&[seat(9), seat(4)], &before, |_| FULL);
        assert_eq!(
            items,
            [
                OrderItem {
                    place: seat(4),
                    price_type: CHILD
                },
                OrderItem {
                    place: seat(9),
                    price_type: FULL
                },
            ]
        );
    }

    #[test]
    fn each_person_in_an_area_keeps_a_price_type_of_their_own() {
        let standing = Place::Area(AreaIx(0));
        let before = [OrderItem {
            place: standing,
            price_type: CHILD,
        }];
        let items = items_for(&[standing, standing], &before, |_| FULL);
        assert_eq!(
            items.iter().map(|item| item.price_type).collect::<Vec<_>>(),
            [CHILD, FULL]
        );
    }
}
