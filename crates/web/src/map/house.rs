//! From the rules' seat map to what the painter draws.

use booking_core::seatmap::{Point, SeatAttributes, ShapeKind};
use booking_core::{SeatIx, SeatMap};
use seat_painter::{Glyph, House};

/// The painter's house for a seat map; seats keep their numbers.
pub(crate) fn house_of(map: &SeatMap) -> House {
    let outline = |points: &[Point]| points.iter().map(|&p| at(p)).collect::<Vec<_>>();
    let mut house = House::new();
    house.reserve(map.seat_count() as usize);
    for section in map.sections() {
        house.begin_block(
            &section.name,
            outline(&section.outline),
            at(section.label_at),
        );
        for row in &map.rows()[section.rows.start as usize..section.rows.end as usize] {
            house.begin_row(&row.name);
            for seat in row.seats.clone().map(SeatIx) {
                house.seat(
                    at(map.point(seat)),
                    map.band(seat).0,
                    glyph(map, seat),
                    map.label(seat),
                );
            }
        }
    }
    for area in map.areas() {
        house.area(
            &area.name,
            area.band.0,
            outline(&area.outline),
            at(area.label_at),
        );
    }
    for shape in map.shapes() {
        let stage = shape.kind == ShapeKind::Stage;
        house.shape(
            &shape.text,
            stage,
            outline(&shape.outline),
            at(shape.label_at),
        );
    }
    house.finish();
    house
}

/// Centiunits fit a float's 24 bits for houses up to 1.6 km across.
fn at(point: Point) -> (f32, f32) {
    (point.x as f32, point.y as f32)
}

fn glyph(map: &SeatMap, seat: SeatIx) -> Glyph {
    let attributes = map.attributes(seat);
    if attributes.contains(SeatAttributes::WHEELCHAIR) {
        Glyph::Wheelchair
    } else if attributes.contains(SeatAttributes::COMPANION) {
        Glyph::Companion
    } else {
        Glyph::Plain
    }
}
