//! Houses, terms and shortcuts for tests: of this crate and of whoever embeds it.

use crate::command::{Command, SeatRequest};
use crate::decide::{Decision, apply, decide};
use crate::id::{AreaIx, BandIx, FanId, HoldId, SeatIx};
use crate::inventory::Inventory;
use crate::price::{Place, PriceList, PriceType, Rounding, Tax, TaxMode};
use crate::rejection::Rejection;
use crate::seatmap::{
    Area, Point, PriceBand, RowSpec, SeatAttributes, SeatMap, SeatMapSpec, SeatSpec, SectionSpec,
};
use crate::terms::{BookingRules, SaleTerms};
use alloc::{format, string::ToString, sync::Arc, vec, vec::Vec};

/// Distance between neighbouring seats and between rows, centiunits.
pub const PITCH: i32 = 2_500;

/// A plan of `sections` blocks side by side, each of `rows` rows of `seats` seats, the stage before
/// the middle of the first row. Every seat is in band 0. Seats are counted section by section, row
/// by row, left to right.
#[must_use]
pub fn house_spec(sections: u16, rows: u16, seats: u16) -> SeatMapSpec {
    let (sections, rows, seats) = (i32::from(sections), i32::from(rows), i32::from(seats));
    // One seat's width of aisle between sections.
    let width = sections * (seats + 1) - 1;
    let seat = |section: i32, row: i32, seat: i32| SeatSpec {
        label: (seat + 1).to_string(),
        at: Point {
            x: (section * (seats + 1) + seat) * PITCH,
            y: row * PITCH,
        },
        ..SeatSpec::default()
    };
    SeatMapSpec {
        name: "House".into(),
        bands: vec![PriceBand {
            name: "Band A".into(),
        }],
        sections: (0..sections)
            .map(|i| SectionSpec {
                name: format!("Section {}", i + 1),
                rows: (0..rows)
                    .map(|j| RowSpec {
                        name: (j + 1).to_string(),
                        seats: (0..seats).map(|k| seat(i, j, k)).collect(),
                    })
                    .collect(),
                ..SectionSpec::default()
            })
            .collect(),
        focal_point: Some(Point {
            x: (width - 1) * PITCH / 2,
            y: -4 * PITCH,
        }),
        ..SeatMapSpec::default()
    }
}

/// [`house_spec`], built.
#[must_use]
pub fn house(sections: u16, rows: u16, seats: u16) -> Arc<SeatMap> {
    built(house_spec(sections, rows, seats))
}

/// Rows drawn as text, a row a line, in one section before the stage: `.` is a seat, `w` a
/// wheelchair space, `c` a companion seat, `r` a seat with restricted view, a digit a seat of that
/// band, a space an aisle.
#[must_use]
pub fn drawn(rows: &[&str]) -> Arc<SeatMap> {
    built(drawn_spec(rows))
}

/// [`drawn`], before it is built.
#[must_use]
pub fn drawn_spec(rows: &[&str]) -> SeatMapSpec {
    let mut bands = 1;
    let mut row_specs = Vec::new();
    for (y, row) in (0..).zip(rows) {
        let mut seats: Vec<SeatSpec> = Vec::new();
        for (x, letter) in (0..).zip(row.chars()) {
            let attributes = match letter {
                ' ' => {
                    if let Some(seat) = seats.last_mut() {
                        seat.gap_after = true;
                    }
                    continue;
                }
                'w' => SeatAttributes::WHEELCHAIR,
                'c' => SeatAttributes::COMPANION,
                'r' => SeatAttributes::RESTRICTED_VIEW,
                _ => SeatAttributes::NONE,
            };
            let band = letter.to_digit(10).unwrap_or(0) as u8;
            bands = bands.max(usize::from(band) + 1);
            seats.push(SeatSpec {
                label: (x + 1).to_string(),
                band,
                attributes,
                at: Point {
                    x: x * PITCH,
                    y: y * PITCH,
                },
                gap_after: false,
            });
        }
        row_specs.push(RowSpec {
            name: (y + 1).to_string(),
            seats,
        });
    }
    let width = rows.iter().map(|row| row.chars().count()).max();
    SeatMapSpec {
        name: "Drawn".into(),
        bands: (0..bands)
            .map(|band| PriceBand {
                name: format!("Band {band}"),
            })
            .collect(),
        sections: vec![SectionSpec {
            name: "Stalls".into(),
            rows: row_specs,
            ..SectionSpec::default()
        }],
        focal_point: Some(Point {
            x: (width.unwrap_or(1) as i32 - 1) * PITCH / 2,
            y: -4 * PITCH,
        }),
        ..SeatMapSpec::default()
    }
}

/// A standing area of band 0, to be pushed to a spec's areas.
#[must_use]
pub fn standing(name: &str, capacity: u32) -> Area {
    Area {
        name: name.into(),
        capacity,
        band: BandIx(0),
        outline: Vec::new(),
        label_at: Point::default(),
    }
}

/// Builds a plan.
///
/// # Panics
/// With every fault, if the plan has any.
#[must_use]
pub fn built(spec: SeatMapSpec) -> Arc<SeatMap> {
    match SeatMap::build(spec) {
        Ok(map) => Arc::new(map),
        Err(faults) => panic!("{faults:?}"),
    }
}

/// Ten euros a ticket in each of `bands` bands, one price type, no fees, no tax.
#[must_use]
pub fn plain_prices(bands: usize) -> PriceList {
    PriceList {
        currency: "EUR".into(),
        minor_digits: 2,
        types: vec![PriceType {
            name: "Full".into(),
            note: alloc::string::String::new(),
        }],
        amounts: vec![vec![Some(1_000)]; bands],
        fees: Vec::new(),
        tax: Tax {
            mode: TaxMode::Inclusive,
            rate_ppm: 0,
            rounding: Rounding::HalfUpPerLine,
        },
        vouchers: Vec::new(),
    }
}

/// An empty house sold under `rules` at [`plain_prices`].
#[must_use]
pub fn empty(map: &Arc<SeatMap>, rules: BookingRules) -> Inventory {
    let terms = SaleTerms {
        rules,
        prices: plain_prices(map.bands().len()),
    };
    Inventory::new(map.clone(), Arc::new(terms))
}

/// Seats as places.
#[must_use]
pub fn seats(seats: &[u32]) -> Vec<Place> {
    seats
        .iter()
        .map(|seat| Place::Seat(SeatIx(*seat)))
        .collect()
}

/// `count` places of an area.
#[must_use]
pub fn area(area: u16, count: usize) -> Vec<Place> {
    vec![Place::Area(AreaIx(area)); count]
}

/// A command to hold exactly these places.
#[must_use]
pub fn place_hold(hold: u128, fan: u128, places: &[Place]) -> Command {
    Command::PlaceHold {
        hold: HoldId::from_u128(hold),
        fan: FanId::from_u128(fan),
        request: SeatRequest::These(places.to_vec()),
        needs_accessible: false,
        allocation: None,
    }
}

/// Decides a command and applies what it comes to.
pub fn execute(
    inventory: &mut Inventory,
    command: &Command,
    now_ms: i64,
) -> Result<Decision, Rejection> {
    let decision = decide(inventory, command, now_ms)?;
    for event in &decision.events {
        apply(inventory, event);
    }
    Ok(decision)
}
