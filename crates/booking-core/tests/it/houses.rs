//! Houses to test with: a small one that can be spoiled, and arbitrary sound ones.

use booking_core::BandIx;
use booking_core::seatmap::*;
use proptest::prelude::*;

pub(crate) fn seat(number: u32, band: u8) -> SeatSpec {
    SeatSpec {
        label: number.to_string(),
        band,
        at: Point {
            x: (number % 10_000) as i32 * 2_500,
            y: 0,
        },
        ..SeatSpec::default()
    }
}

pub(crate) fn row(name: &str, seats: impl IntoIterator<Item = SeatSpec>) -> RowSpec {
    RowSpec {
        name: name.into(),
        seats: seats.into_iter().collect(),
    }
}

pub(crate) fn section(name: &str, rows: Vec<RowSpec>) -> SectionSpec {
    SectionSpec {
        name: name.into(),
        rows,
        ..SectionSpec::default()
    }
}

/// Stalls with row A (4 seats, band 0) and row B (5 seats, band 1), standing room for 100, a stage.
pub(crate) fn small() -> SeatMapSpec {
    let square = |left, top, right, bottom| {
        vec![
            Point { x: left, y: top },
            Point { x: right, y: top },
            Point {
                x: right,
                y: bottom,
            },
            Point { x: left, y: bottom },
        ]
    };
    SeatMapSpec {
        name: "Small house".into(),
        bands: vec![
            PriceBand {
                name: "Front".into(),
            },
            PriceBand {
                name: "Back".into(),
            },
        ],
        sections: vec![section(
            "Stalls",
            vec![
                row("A", (1..=4).map(|n| seat(n, 0))),
                row("B", (1..=5).map(|n| seat(n, 1))),
            ],
        )],
        areas: vec![Area {
            name: "Standing".into(),
            capacity: 100,
            band: BandIx(1),
            outline: square(0, 5_000, 12_000, 9_000),
            label_at: Point { x: 6_000, y: 7_000 },
        }],
        shapes: vec![Shape {
            kind: ShapeKind::Stage,
            text: "Stage".into(),
            outline: square(0, -8_000, 12_000, -2_000),
            label_at: Point {
                x: 6_000,
                y: -5_000,
            },
        }],
        focal_point: None,
    }
}

fn any_point() -> impl Strategy<Value = Point> {
    let coordinate = -COORDINATE_MAX..=COORDINATE_MAX;
    (coordinate.clone(), coordinate).prop_map(|(x, y)| Point { x, y })
}

fn any_outline() -> impl Strategy<Value = Vec<Point>> {
    prop::collection::vec(any_point(), 0..6)
}

fn any_name() -> impl Strategy<Value = String> {
    "[A-Za-zÀ-ž0-9][A-Za-zА-я 0-9]{0,12}"
}

prop_compose! {
    /// A row whose labels are numbers with steps, letters, zero-padded or mixed, none twice.
    fn any_row()(
        name in any_name(),
        labels in prop::collection::btree_set("[0-9]{1,3}|[A-C][0-9]?", 1..20),
        backwards: bool,
        origin in any_point(),
        bands in prop::collection::vec(0_u8..3, 20),
        attributes in prop::collection::vec(0_u8..32, 20),
        gaps in prop::collection::vec(any::<bool>(), 20),
        bend in prop::collection::vec(-40_i32..40, 20),
    ) -> RowSpec {
        let mut labels: Vec<String> = labels.into_iter().collect();
        if backwards {
            labels.reverse();
        }
        let seats = labels.into_iter().enumerate().map(|(i, label)| SeatSpec {
            label,
            band: bands[i],
            attributes: SeatAttributes(attributes[i]),
            at: Point {
                x: (origin.x + 2_500 * i as i32).min(COORDINATE_MAX),
                y: (origin.y + bend[i]).clamp(-COORDINATE_MAX, COORDINATE_MAX),
            },
            gap_after: gaps[i],
        });
        row(&name, seats)
    }
}

prop_compose! {
    /// Any sound plan with 3 bands.
    pub(crate) fn any_spec()(
        name in any_name(),
        sections in prop::collection::vec((
            any_name(), prop::collection::vec(any_row(), 1..4), any_outline(),
            prop::option::of(any_point()),
        ), 0..4),
        areas in prop::collection::vec(
            (any_name(), 1..50_000_u32, 0_u8..3, any_outline(), any_point()), 1..3),
        shapes in prop::collection::vec((any::<bool>(), any_outline(), any_point()), 0..3),
        focal_point in prop::option::of(any_point()),
    ) -> SeatMapSpec {
        let sections = sections.into_iter().enumerate().map(|(i, (name, rows, outline, label_at))| {
            let rows = rows.into_iter().enumerate();
            let rows = rows.map(|(j, row)| RowSpec { name: format!("{j}{}", row.name), ..row });
            SectionSpec { name: format!("{i}{name}"), rows: rows.collect(), outline, label_at }
        });
        let areas = areas.into_iter().map(|(name, capacity, band, outline, label_at)| {
            Area { name, capacity, band: BandIx(band), outline, label_at }
        });
        let shapes = shapes.into_iter().map(|(stage, outline, label_at)| {
            let kind = if stage { ShapeKind::Stage } else { ShapeKind::Decor };
            Shape { kind, text: String::new(), outline, label_at }
        });
        SeatMapSpec {
            name,
            bands: ["A", "B", "C"].map(|name| PriceBand { name: name.into() }).into(),
            sections: sections.collect(),
            areas: areas.collect(),
            shapes: shapes.collect(),
            focal_point,
        }
    }
}
