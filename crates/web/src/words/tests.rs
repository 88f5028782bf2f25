//! Each sentence by the rule it follows.

use std::sync::Arc;

use booking_core::price::Place;
use booking_core::seatmap::{
    Point, PriceBand, RowSpec, SeatAttributes, SeatMapSpec, SeatSpec, SectionSpec,
};
use booking_core::{Inventory, PublicView, Rejection, SeatIx, SeatMap, SeatStatus};

use super::*;
use crate::api::Problem;

struct Plain;

impl Formats for Plain {
    fn money(&self, minor: i64) -> String {
        format!("€{}.{:02}", minor / 100, minor % 100)
    }
    fn instant(&self, ms: i64) -> String {
        format!("@{ms}")
    }
    fn list(&self, parts: &[String]) -> String {
        parts.join("+")
    }
}

/// Two rows of six; the front row is dearer, and has an aisle in its middle. A1 is for a wheelchair.
fn house() -> SeatMap {
    let row = |name: &str, band: u8, y: i32| RowSpec {
        name: name.to_owned(),
        seats: (1..=6)
            .map(|n| SeatSpec {
                label: n.to_string(),
                band,
                attributes: if band == 0 && n == 1 {
                    SeatAttributes::WHEELCHAIR
                } else {
                    SeatAttributes::NONE
                },
                at: Point { x: n * 2_500, y },
                gap_after: band == 0 && n == 3,
            })
            .collect(),
    };
    SeatMap::build(SeatMapSpec {
        name: "House".to_owned(),
        bands: ["A", "B"]
            .map(|name| PriceBand {
                name: name.to_owned(),
            })
            .to_vec(),
        sections: vec![SectionSpec {
            name: "Stalls".to_owned(),
            rows: vec![row("A", 0, 0), row("B", 1, 2_500)],
            ..SectionSpec::default()
        }],
        ..SeatMapSpec::default()
    })
    .expect("the test's own house is sound")
}

fn says(rejection: &Rejection) -> String {
    let map = house();
    let speaker = Speaker {
        texts: Lang::En.texts(),
        map: &map,
        formats: &Plain,
        now_ms: 1_000,
    };
    words_for_rejection(rejection, &speaker)
}

fn seats(list: &[u32]) -> Vec<SeatIx> {
    list.iter().copied().map(SeatIx).collect()
}

fn view_with_free(map: &SeatMap, free: &[u32]) -> PublicView {
    let terms = booking_core::SaleTerms {
        rules: booking_core::terms::BookingRules::default(),
        prices: serde_json::from_str(
            r#"{"currency":"EUR","minor_digits":2,"types":[{"name":"Full","note":""}],"amounts":[[2000],[1000]],
               "fees":[],"tax":{"mode":"inclusive","rate_ppm":0,"rounding":"half_up_per_line"},"vouchers":[]}"#,
        )
        .expect("the test's own prices are sound"),
    };
    let mut view = PublicView::of(&Inventory::new(Arc::new(map.clone()), Arc::new(terms)), 1);
    for seat in 0..map.seat_count() {
        let status = if free.contains(&seat) {
            SeatStatus::Free
        } else {
            SeatStatus::Sold
        };
        view.set(SeatIx(seat), status);
    }
    view
}

#[test]
fn a_seat_that_went_is_named() {
    assert_eq!(
        says(&Rejection::SeatsTaken { seats: seats(&[1]) }),
        "Stalls, row A, seat 2 went a moment ago. Choose another."
    );
    assert_eq!(
        says(&Rejection::SeatsTaken {
            seats: seats(&[2, 1, 6])
        }),
        "Stalls, row A, seats 2+3; Stalls, row B, seat 1 went a moment ago. Choose others."
    );
}

#[test]
fn a_seat_the_map_does_not_have_is_not_made_up() {
    assert!(
        !says(&Rejection::SeatsTaken {
            seats: seats(&[99])
        })
        .contains("99")
    );
}

#[test]
fn before_the_sale_the_fan_hears_when_it_begins_and_after_it_that_it_is_over() {
    let before = Rejection::NotOnSale {
        from_ms: 2_000,
        until_ms: 9_000,
    };
    assert!(says(&before).contains("@2000"));
    let after = Rejection::NotOnSale {
        from_ms: 0,
        until_ms: 500,
    };
    assert!(!says(&after).contains('@'));
}

#[test]
fn a_changed_price_shows_both() {
    let problem = Problem {
        status: 409,
        code: "price_changed".to_owned(),
        facts: serde_json::json!({"code": "price_changed", "quoted_minor": 2_000, "total_minor": 2_150}),
        retry_after_s: None,
    };
    let map = house();
    let speaker = Speaker {
        texts: Lang::En.texts(),
        map: &map,
        formats: &Plain,
        now_ms: 0,
    };
    let said = words_for(&problem, &speaker);
    assert!(said.contains("€20.00") && said.contains("€21.50"), "{said}");
}

#[test]
fn no_sentence_keeps_an_empty_blank() {
    let map = house();
    let place = Place::Seat(SeatIx(3));
    let id = |n: u128| n;
    let all = [
        Rejection::NotOnSale {
            from_ms: 5_000,
            until_ms: 9_000,
        },
        Rejection::NothingRequested,
        Rejection::DuplicateSeat { seat: SeatIx(1) },
        Rejection::UnknownPlace { place },
        Rejection::SeatsTaken {
            seats: seats(&[1, 2]),
        },
        Rejection::SeatsNotOnSale { seats: seats(&[1]) },
        Rejection::AreaFull {
            area: booking_core::AreaIx(0),
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
            stranded: seats(&[4]),
        },
        Rejection::AccessibleOnly { seats: seats(&[0]) },
        Rejection::NoSuchHold {
            hold: booking_core::HoldId::from_u128(id(1)),
        },
        Rejection::HoldAtMaximum { expires_ms: 7 },
        Rejection::HoldLapsed { gone: vec![place] },
        Rejection::PriceChanged { total_minor: 2_000 },
        Rejection::NoQuote {
            reason: QuoteError::VoucherUnknown,
        },
        Rejection::Rule {
            rule: "press".to_owned(),
            seats: seats(&[1]),
        },
    ];
    for lang in Lang::ALL {
        let speaker = Speaker {
            texts: lang.texts(),
            map: &map,
            formats: &Plain,
            now_ms: 1_000,
        };
        for rejection in &all {
            let said = words_for_rejection(rejection, &speaker);
            assert!(!said.contains(['{', '}']), "{}: {said}", lang.tag());
        }
    }
}

#[test]
fn what_is_offered_instead_sits_side_by_side_in_the_same_band_and_nearest() {
    let map = house();
    // A2+A3 went. Free: A4 A5 A6 beyond the aisle, and all of row B, which is nearer but another band.
    let view = view_with_free(&map, &[3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(nearest_free(&map, &view, &seats(&[1, 2])), seats(&[3, 4]));
    // Nothing left in the band: the row behind.
    let view = view_with_free(&map, &[3, 7, 8, 9]);
    assert_eq!(nearest_free(&map, &view, &seats(&[1, 2])), seats(&[7, 8]));
}

#[test]
fn an_aisle_parts_seats_and_a_wheelchair_space_is_not_offered_to_everybody() {
    let map = house();
    assert_eq!(
        nearest_free(&map, &view_with_free(&map, &[2, 3]), &seats(&[6, 7])),
        seats(&[])
    );
    assert_eq!(
        nearest_free(&map, &view_with_free(&map, &[0]), &seats(&[1])),
        seats(&[])
    );
}
