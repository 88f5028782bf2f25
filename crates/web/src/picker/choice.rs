//! What may be said about a choice of seats without asking the server: the same rules it decides
//! with, looked at through the public view. Pure.

use booking_core::decide::Warning;
use booking_core::price::{OrderItem, Place};
use booking_core::rule::{Choice, OpenSeats, check_choice};
use booking_core::seatmap::SeatAttributes;
use booking_core::{
    AreaIx, BandIx, PriceTypeIx, PublicView, Rejection, SaleTerms, SeatIx, SeatMap, SeatStatus,
};
use serde::{Deserialize, Serialize};

/// A place somebody has chosen, and the price type they want there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Chosen {
    pub(crate) place: Place,
    pub(crate) price_type: PriceTypeIx,
}

impl Chosen {
    /// The numbered seat, if it is one.
    pub(crate) const fn seat(self) -> Option<SeatIx> {
        match self.place {
            Place::Seat(seat) => Some(seat),
            Place::Area(_) => None,
        }
    }
    /// As it is priced.
    pub(crate) const fn item(self) -> OrderItem {
        OrderItem {
            place: self.place,
            price_type: self.price_type,
        }
    }
}

/// Free for this fan: free for all, or theirs already.
#[derive(Debug)]
struct OpenHere<'a> {
    view: &'a PublicView,
    mine: &'a [SeatIx],
}

impl OpenSeats for OpenHere<'_> {
    fn is_open(&self, seat: SeatIx) -> bool {
        seat.0 < self.view.seat_count()
            && (self.view.status(seat) == SeatStatus::Free || self.mine.contains(&seat))
    }
}

/// The numbered seats of a choice, sorted.
pub(crate) fn seats_of(chosen: &[Chosen]) -> Vec<SeatIx> {
    let mut seats: Vec<SeatIx> = chosen.iter().filter_map(|c| c.seat()).collect();
    seats.sort_unstable();
    seats
}

/// What the rules say of a choice.
pub(crate) fn check(
    map: &SeatMap,
    view: &PublicView,
    terms: &SaleTerms,
    chosen: &[Chosen],
    needs_accessible: bool,
    now_ms: i64,
) -> Result<Vec<Warning>, Rejection> {
    let seats = seats_of(chosen);
    let open = OpenHere { view, mine: &seats };
    check_choice(&Choice {
        map,
        open: &open,
        seats: &seats,
        area_places: (chosen.len() - seats.len()).try_into().unwrap_or(u16::MAX),
        needs_accessible,
        places_elsewhere: 0,
        rules: &terms.rules,
        now_ms,
    })
}

/// The band a place is sold in.
pub(crate) fn band_of(map: &SeatMap, place: Place) -> Option<BandIx> {
    match place {
        Place::Seat(seat) => map.has_seat(seat).then(|| map.band(seat)),
        Place::Area(area) => map.area(area).map(|area| area.band),
    }
}

/// The price types sold in a band, with their amounts.
pub(crate) fn types_in(terms: &SaleTerms, band: BandIx) -> Vec<(PriceTypeIx, i64)> {
    let amounts = terms
        .prices
        .amounts
        .get(band.index())
        .map_or(&[][..], Vec::as_slice);
    amounts
        .iter()
        .enumerate()
        .filter_map(|(i, amount)| Some((PriceTypeIx(u8::try_from(i).ok()?), (*amount)?)))
        .collect()
}

/// The first price type sold at a place: what a tap chooses.
pub(crate) fn usual_type(map: &SeatMap, terms: &SaleTerms, place: Place) -> PriceTypeIx {
    band_of(map, place)
        .and_then(|band| {
            types_in(terms, band)
                .first()
                .map(|(price_type, _)| *price_type)
        })
        .unwrap_or(PriceTypeIx(0))
}

/// What a full-price ticket costs in a band: the first type sold there.
pub(crate) fn usual_price(terms: &SaleTerms, band: BandIx) -> Option<i64> {
    types_in(terms, band).first().map(|(_, amount)| *amount)
}

/// The nearest free seat like `lost`: same band, same signs, not one of `taken`. Seats of the same row
/// count as half as far.
pub(crate) fn nearest_like(
    map: &SeatMap,
    view: &PublicView,
    lost: SeatIx,
    taken: &[SeatIx],
) -> Option<SeatIx> {
    let here = map.point(lost);
    let signs = |seat: SeatIx| {
        let attributes = map.attributes(seat);
        (
            attributes.contains(SeatAttributes::WHEELCHAIR),
            attributes.contains(SeatAttributes::COMPANION),
        )
    };
    (0..map.seat_count())
        .map(SeatIx)
        .filter(|&seat| {
            seat != lost
                && map.band(seat) == map.band(lost)
                && view.status(seat) == SeatStatus::Free
                && signs(seat) == signs(lost)
                && !taken.contains(&seat)
        })
        .min_by_key(|&seat| {
            let there = map.point(seat);
            let (dx, dy) = (i64::from(there.x - here.x), i64::from(there.y - here.y));
            let square = dx * dx + dy * dy;
            if map.row_of(seat) == map.row_of(lost) {
                square / 4
            } else {
                square
            }
        })
}

/// Free seats and all seats on sale, by section.
pub(crate) fn by_section(map: &SeatMap, view: &PublicView) -> Vec<(u32, u32)> {
    map.sections()
        .iter()
        .map(|section| {
            section
                .seats
                .clone()
                .map(SeatIx)
                .fold((0, 0), |(free, all), seat| match view.status(seat) {
                    SeatStatus::Free => (free + 1, all + 1),
                    SeatStatus::Held | SeatStatus::Sold => (free, all + 1),
                    SeatStatus::Closed => (free, all),
                })
        })
        .collect()
}

/// Lowest price of a free seat by section; where nothing is free, none.
pub(crate) fn lowest_by_section(
    map: &SeatMap,
    view: &PublicView,
    terms: &SaleTerms,
) -> Vec<Option<i64>> {
    let prices: Vec<Option<i64>> = (0..map.bands().len())
        .map(|band| usual_price(terms, BandIx(band as u8)))
        .collect();
    map.sections()
        .iter()
        .map(|section| {
            section
                .seats
                .clone()
                .map(SeatIx)
                .filter(|&seat| view.status(seat) == SeatStatus::Free)
                .filter_map(|seat| prices.get(map.band(seat).index()).copied().flatten())
                .min()
        })
        .collect()
}

/// Free places by band, areas included.
pub(crate) fn free_by_band(map: &SeatMap, view: &PublicView) -> Vec<u32> {
    let mut free = vec![0; map.bands().len()];
    for seat in (0..map.seat_count()).map(SeatIx) {
        if view.status(seat) == SeatStatus::Free {
            free[map.band(seat).index()] += 1;
        }
    }
    for (i, area) in map.areas().iter().enumerate() {
        free[area.band.index()] += left_in(view, AreaIx(i as u16));
    }
    free
}

/// Places left in an area.
pub(crate) fn left_in(view: &PublicView, area: AreaIx) -> u32 {
    view.areas_left().get(area.index()).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_core::seatmap::{Point, PriceBand, RowSpec, SeatMapSpec, SeatSpec, SectionSpec};
    use booking_core::terms::{AccessibleRule, BookingRules, GapRule};
    use booking_core::{Inventory, price::PriceList};
    use std::sync::Arc;

    /// Two rows of eight: the first in band 0, the second in band 1; seat 0 is a wheelchair space.
    fn house() -> (Arc<SeatMap>, Arc<SaleTerms>, PublicView) {
        let row = |r: i32| RowSpec {
            name: ["A", "B"][r as usize].into(),
            seats: (0..8)
                .map(|s| SeatSpec {
                    label: (s + 1).to_string(),
                    band: r as u8,
                    attributes: if r == 0 && s == 0 {
                        SeatAttributes::WHEELCHAIR
                    } else {
                        SeatAttributes::NONE
                    },
                    at: Point {
                        x: s * 2_500,
                        y: r * 3_000,
                    },
                    gap_after: false,
                })
                .collect(),
        };
        let map = SeatMap::build(SeatMapSpec {
            name: "Small".into(),
            bands: ["Front", "Back"]
                .map(|name| PriceBand { name: name.into() })
                .into(),
            sections: vec![SectionSpec {
                name: "Stalls".into(),
                rows: vec![row(0), row(1)],
                ..SectionSpec::default()
            }],
            ..SeatMapSpec::default()
        });
        let map = Arc::new(map.expect("a valid house"));
        let prices = PriceList {
            currency: "EUR".into(),
            minor_digits: 2,
            types: Vec::new(),
            amounts: vec![vec![Some(5_000), Some(4_000)], vec![None, Some(2_000)]],
            fees: Vec::new(),
            tax: booking_core::price::Tax {
                mode: booking_core::price::TaxMode::Inclusive,
                rate_ppm: 0,
                rounding: booking_core::price::Rounding::HalfUpPerLine,
            },
            vouchers: Vec::new(),
        };
        let rules = BookingRules {
            max_places_per_hold: 3,
            single_seat_gap: GapRule::Warn,
            accessible_seats: AccessibleRule::OnlyOnNeed,
            ..BookingRules::default()
        };
        let terms = Arc::new(SaleTerms { rules, prices });
        let view = PublicView::of(&Inventory::new(map.clone(), terms.clone()), 0);
        (map, terms, view)
    }

    fn pick(seats: &[u32]) -> Vec<Chosen> {
        seats
            .iter()
            .map(|&seat| Chosen {
                place: Place::Seat(SeatIx(seat)),
                price_type: PriceTypeIx(0),
            })
            .collect()
    }

    #[test]
    fn a_choice_is_refused_by_the_same_rules_as_on_the_server() {
        let (map, terms, view) = house();
        let say = |seats: &[u32], need| check(&map, &view, &terms, &pick(seats), need, 5);
        assert_eq!(say(&[2, 3], false), Ok(Vec::new()));
        assert_eq!(
            say(&[2, 3, 4, 5], false),
            Err(Rejection::TooManyPlaces { max: 3 })
        );
        assert!(matches!(
            say(&[0], false),
            Err(Rejection::AccessibleOnly { .. })
        ));
        assert!(say(&[0], true).is_ok());
    }

    #[test]
    fn a_stranded_seat_is_warned_about() {
        let (map, terms, mut view) = house();
        view.set(SeatIx(4), SeatStatus::Sold);
        let warnings = check(&map, &view, &terms, &pick(&[2]), false, 5).expect("only a warning");
        assert_eq!(
            warnings,
            [Warning::SingleSeatGap {
                stranded: vec![SeatIx(3)]
            }]
        );
    }

    #[test]
    fn what_replaces_a_lost_seat_is_near_free_and_of_the_same_kind() {
        let (map, _, mut view) = house();
        view.set(SeatIx(4), SeatStatus::Sold);
        view.set(SeatIx(5), SeatStatus::Held);
        assert_eq!(nearest_like(&map, &view, SeatIx(4), &[]), Some(SeatIx(3)));
        assert_eq!(
            nearest_like(&map, &view, SeatIx(4), &[SeatIx(3)]),
            Some(SeatIx(2))
        );
        for seat in 1..8 {
            view.set(SeatIx(seat), SeatStatus::Sold);
        }
        assert_eq!(
            nearest_like(&map, &view, SeatIx(4), &[]),
            None,
            "only the wheelchair space is left"
        );
    }

    #[test]
    fn prices_are_those_sold_in_the_band() {
        let (map, terms, mut view) = house();
        assert_eq!(usual_price(&terms, BandIx(0)), Some(5_000));
        assert_eq!(
            usual_price(&terms, BandIx(1)),
            Some(2_000),
            "the first type is not sold there"
        );
        assert_eq!(
            usual_type(&map, &terms, Place::Seat(SeatIx(9))),
            PriceTypeIx(1)
        );
        assert_eq!(lowest_by_section(&map, &view, &terms), [Some(2_000)]);
        for seat in 8..16 {
            view.set(SeatIx(seat), SeatStatus::Sold);
        }
        assert_eq!(lowest_by_section(&map, &view, &terms), [Some(5_000)]);
        assert_eq!(by_section(&map, &view), [(8, 16)]);
        assert_eq!(free_by_band(&map, &view), [8, 0]);
    }
}
