//! Seating plans as people write them. Each oddity has a plan in `tests/fixtures/plans/odd`, each
//! fault one in `faulty`.

use booking_core::import::RepairKind::{self, *};
use booking_core::import::{ImportLimits, Imported, pretix};
use booking_core::seatmap::{Point, SeatAttributes, ShapeKind};
use booking_core::{SeatIx, SeatMap};

mod faults;
mod properties;
#[cfg(not(target_arch = "wasm32"))]
mod wild;

macro_rules! odd {
    ($name:literal) => {
        include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/plans/odd/",
            $name,
            ".json"
        ))
        .as_slice()
    };
}
use odd;

fn import(bytes: &[u8]) -> Imported {
    let imported = pretix(bytes, &ImportLimits::default());
    imported.unwrap_or_else(|faults| panic!("{faults}"))
}

/// What was mended, and where.
fn repairs(imported: &Imported) -> Vec<(RepairKind, &str)> {
    imported
        .repairs
        .iter()
        .map(|repair| (repair.kind, repair.at.as_str()))
        .collect()
}

/// `row/seat` of every seat, an aisle as a bar.
fn walk(map: &SeatMap) -> String {
    let mut walk = String::new();
    for seat in (0..map.seat_count()).map(SeatIx) {
        let name = map.seat_name(seat);
        let row = &map.rows()[map.row_of(seat).index()];
        let gap = match map.next(seat) {
            Some(_) => " ",
            None if row.seats.end == seat.0 + 1 => "; ",
            None => " | ",
        };
        walk += &format!("{}/{}{gap}", name.row, name.seat);
    }
    walk
}

#[test]
fn a_sound_plan_needs_no_repair_and_keeps_its_places() {
    let imported = import(odd!("sound"));
    assert_eq!(repairs(&imported), []);
    assert_eq!(walk(&imported.map), "1/1 1/2 1/3 1/4; 2/1 2/2 2/3 2/4; ");
    assert_eq!(imported.map.point(SeatIx(6)), Point { x: 75_00, y: 25_00 });
    assert_eq!(imported.map, SeatMap::build(imported.spec).unwrap());
    let not_kept: Vec<_> = imported.summary.not_kept.into_iter().collect();
    assert_eq!(not_kept, [("categories[].color".into(), 1)]);
}

#[test]
fn repeated_guids_are_told_and_no_seat_is_lost() {
    let imported = import(odd!("repeated-guids"));
    assert_eq!(
        repairs(&imported),
        [(RepeatedGuid, "zones[0].rows[0].seats[0]")]
    );
    assert!(imported.repairs[0].what.contains("used by 3 seats"));
    assert_eq!(imported.map.seat_count(), 4);
}

#[test]
fn categories_are_added_joined_and_left_out_as_they_are_used() {
    let imported = import(odd!("categories"));
    let mut told = repairs(&imported);
    told.sort();
    assert_eq!(
        told,
        [
            (NullValue, "zones[0].rows[0].seats[5].category"),
            (UndeclaredCategory, "zones[0].rows[0].seats[2]"),
            (MissingCategory, "zones[0].rows[0].seats[4]"),
            (UnusedCategory, "categories[0]"),
            (RepeatedCategory, "categories[2]"),
        ]
    );
    let bands: Vec<_> = imported
        .map
        .bands()
        .iter()
        .map(|band| band.name.as_str())
        .collect();
    assert_eq!(bands, ["B", "Gold", "Uncategorised"]);
    let of: Vec<u8> = (0..6).map(|i| imported.map.band(SeatIx(i)).0).collect();
    assert_eq!(of, [0, 0, 1, 1, 2, 2]);
}

#[test]
fn a_plan_without_categories_gets_those_its_seats_name() {
    let imported = import(odd!("no-categories"));
    assert_eq!(
        repairs(&imported),
        [(UndeclaredCategory, "zones[0].rows[0].seats[0]")]
    );
    assert_eq!(imported.map.bands()[0].name, "Any");
}

#[test]
fn pieces_of_one_row_are_joined_in_the_order_in_which_they_stand() {
    let imported = import(odd!("rows-in-pieces"));
    let merged = [
        (RowsMerged, "zones[0].rows[2]"),
        (RowsMerged, "zones[0].rows[3]"),
    ];
    assert_eq!(repairs(&imported), merged);
    assert_eq!(
        walk(&imported.map),
        "1/7 1/8 | 1/1 1/2 1/3 | 1/4 1/5 1/6; 2/1 2/2 2/3; "
    );
    assert_eq!(imported.summary.joined_rows, 2);
}

#[test]
fn rows_of_one_name_with_the_same_seats_are_renamed() {
    let imported = import(odd!("rows-of-one-name"));
    let names: Vec<_> = imported
        .map
        .rows()
        .iter()
        .map(|row| row.name.as_str())
        .collect();
    assert_eq!(names, ["A", "A (2)", "A (2) (2)", "A (3)"]);
    let renamed = repairs(&imported)
        .iter()
        .filter(|(kind, _)| *kind == RowRenamed)
        .count();
    assert_eq!(renamed, 3);
    assert_eq!(imported.map.seat_count(), 12);
}

#[test]
fn a_seat_number_that_stands_twice_in_a_row_is_renamed() {
    let imported = import(odd!("repeated-seat-number"));
    let renamed = [
        (SeatRenamed, "zones[0].rows[0].seats[2]"),
        (SeatRenamed, "zones[0].rows[0].seats[3]"),
    ];
    assert_eq!(repairs(&imported), renamed);
    assert_eq!(walk(&imported.map), "1/1 1/2 1/2 (2) 1/2 (3); ");
}

#[test]
fn numbers_are_read_however_they_are_written() {
    let imported = import(odd!("numbers"));
    let map = &imported.map;
    assert_eq!(
        map.point(SeatIx(0)),
        Point {
            x: 35_00,
            y: 120_00
        }
    );
    assert_eq!(
        map.point(SeatIx(1)),
        Point {
            x: 60_13,
            y: 120_01
        },
        "halves are rounded up"
    );
    assert_eq!(
        map.point(SeatIx(2)),
        Point {
            x: 85_00,
            y: 120_00
        }
    );
    assert_eq!(walk(map), "7/1 7/2 7/3; ");
    assert_eq!(
        repairs(&imported),
        [
            (TextAsNumber, "zones[0].position.y"),
            (NumberAsText, "zones[0].rows[0].row_number"),
            (NumberAsText, "zones[0].rows[0].seats[0].seat_number"),
            (Fraction, "zones[0].position.x"),
            (Rounded, "zones[0].rows[0].seats[0].position.x"),
        ]
    );
    assert!(imported.repairs[4].what.starts_with("3 numbers"));
}

#[test]
fn null_is_taken_for_nothing_wherever_it_stands() {
    let imported = import(odd!("nulls"));
    assert_eq!(walk(&imported.map), "Row 1/1 Row 1/3 Row 1/4; ");
    assert_eq!(imported.map.sections()[0].name, "stalls");
    let last = imported.map.point(SeatIx(2));
    assert_eq!(
        last,
        Point { x: 100_00, y: 0 },
        "put beside the seat before it"
    );
    assert_eq!(
        (imported.summary.seats, imported.summary.seats_dropped),
        (4, 1)
    );
    let nulls = repairs(&imported)
        .iter()
        .filter(|(kind, _)| *kind == NullValue)
        .count();
    assert_eq!(nulls, 13, "{:#?}", imported.repairs);
}

#[test]
fn a_seat_on_top_of_another_is_moved_beside_it() {
    let imported = import(odd!("on-top-of-each-other"));
    let moved = [
        (SeatMoved, "zones[0].rows[1].seats[0]"),
        (SeatMoved, "zones[0].rows[1].seats[1]"),
    ];
    assert_eq!(repairs(&imported), moved);
    for i in 0..6_u32 {
        for j in 0..i {
            let [a, b] = [i, j].map(|seat| imported.map.point(SeatIx(seat)));
            assert!(
                (a.x - b.x).abs().max((a.y - b.y).abs()) >= 5_00,
                "{i} and {j}"
            );
        }
    }
}

#[test]
fn seats_outside_the_size_are_kept_and_told() {
    let imported = import(odd!("outside-size"));
    assert_eq!(
        repairs(&imported),
        [(OutsideSize, "zones[0].rows[0].seats[0]")]
    );
    assert!(
        imported.repairs[0].what.starts_with("3 seats"),
        "{}",
        imported.repairs[0].what
    );
    assert_eq!(
        repairs(&import(odd!("missing-size"))),
        [(MissingSize, "size")]
    );
}

#[test]
fn empty_zones_and_rows_are_left_out_and_told() {
    let imported = import(odd!("empty-zones-and-rows"));
    assert_eq!(
        repairs(&imported),
        [
            (EmptyZone, "zones[0]"),
            (EmptyZone, "zones[1]"),
            (EmptyRow, "zones[2].rows[0]"),
        ]
    );
    assert_eq!(walk(&imported.map), "2/1 2/2; ");
    assert_eq!(imported.map.shapes()[0].text, "Bar");
}

#[test]
fn members_that_some_editors_add_are_honoured() {
    let imported = import(odd!("extra-fields"));
    let map = &imported.map;
    assert_eq!(
        walk(map),
        "Row 1/1 Row 1/2 Row 1/3 | Row 1/Box 4 Row 1/5; 2/No. 1 2/No. 2; "
    );
    let attributes: Vec<SeatAttributes> = (0..5).map(|i| map.attributes(SeatIx(i))).collect();
    let both = SeatAttributes::WHEELCHAIR.union(SeatAttributes::RESTRICTED_VIEW);
    assert_eq!(
        attributes,
        [
            SeatAttributes::WHEELCHAIR,
            SeatAttributes::COMPANION,
            SeatAttributes::NONE,
            SeatAttributes::NONE,
            both
        ]
    );
    let standing: Vec<_> = map
        .areas()
        .iter()
        .map(|area| (area.name.as_str(), area.capacity))
        .collect();
    assert_eq!(standing, [("Pit", 250), ("Standing", 80)]);
    for name in [
        "generator",
        "zones[].zone_label",
        "zones[].rows[].seats[].radius",
    ] {
        assert_eq!(imported.summary.not_kept.get(name), Some(&1), "{name}");
    }
}

#[test]
fn aisles_are_found_by_wide_spaces_and_by_numbers_left_out() {
    let imported = import(odd!("gaps"));
    assert_eq!(
        walk(&imported.map),
        "1/1 1/2 1/3 1/4 | 1/7 1/8; \
         2/1 2/2 2/3 | 2/4 2/5; \
         3/5 3/3 3/1 3/2 3/4 3/6; \
         4/1 | 4/3 | 4/9; "
    );
    assert_eq!(repairs(&imported), [], "an aisle is not an oddity");
}

#[test]
fn areas_become_what_they_stand_for() {
    let imported = import(odd!("areas"));
    let map = &imported.map;
    let shapes: Vec<_> = map
        .shapes()
        .iter()
        .map(|shape| (shape.kind, shape.text.as_str(), shape.outline.len()))
        .collect();
    let decor = ShapeKind::Decor;
    assert_eq!(
        shapes,
        [
            (ShapeKind::Stage, "Main stage", 4),
            (decor, "", 36),
            (decor, "Bar", 36),
            (decor, "Exit", 0),
            (decor, "Sound desk", 4),
            (decor, "", 4),
        ]
    );
    let stage = &map.shapes()[0];
    let corner = |x, y| Point { x, y };
    assert_eq!(
        stage.outline,
        [
            corner(100_00, 100_00),
            corner(100_00, 140_00),
            corner(80_00, 140_00),
            corner(80_00, 100_00)
        ],
        "turned by a quarter around its own corner"
    );
    assert_eq!(stage.label_at, corner(90_00, 120_00));
    assert_eq!(map.focal_point(), corner(90_00, 120_00));
    let circle = &map.shapes()[1];
    assert!(circle.outline.contains(&corner(510_00, 500_00)));
    assert!(circle.outline.contains(&corner(500_00, 490_00)));
    assert_eq!(circle.label_at, corner(500_00, 500_00));
    assert_eq!(map.shapes()[3].label_at, corner(51_00, 402_00));
    let terrace = &map.areas()[0];
    assert_eq!((terrace.name.as_str(), terrace.capacity), ("Terrace", 120));
    assert_eq!(terrace.outline[2], corner(710_50, 710_00));
    let shapeless: Vec<_> = repairs(&imported)
        .into_iter()
        .filter(|(kind, _)| *kind == AreaWithoutShape)
        .collect();
    assert_eq!(
        shapeless,
        [
            (AreaWithoutShape, "zones[0].areas[5]"),
            (AreaWithoutShape, "zones[0].areas[7]")
        ]
    );
}

#[test]
fn the_only_nameless_area_without_seats_is_taken_for_the_stage() {
    let imported = import(odd!("stage-guessed"));
    assert_eq!(repairs(&imported), [(StageGuessed, "zones[0].areas[0]")]);
    assert_eq!(imported.map.focal_point(), Point { x: 50_00, y: 25_00 });
}

#[test]
fn an_area_around_all_seats_of_a_zone_is_the_outline_of_its_section() {
    let imported = import(odd!("section-outline"));
    assert_eq!(imported.map.sections()[0].outline.len(), 4);
    assert_eq!(
        imported.map.sections()[0].outline[0],
        Point { x: 0, y: -20_00 }
    );
    assert_eq!(imported.summary.outlines, 1);
    assert_eq!(imported.map.shapes().len(), 1, "the foyer");
}

#[test]
fn seats_are_put_into_the_order_in_which_they_stand() {
    let imported = import(odd!("seats-out-of-order"));
    let reordered = [
        (SeatsReordered, "zones[0].rows[0]"),
        (SeatsReordered, "zones[0].rows[1]"),
    ];
    assert_eq!(repairs(&imported), reordered);
    assert_eq!(
        walk(&imported.map),
        "1/4 1/3 1/2 1/1; 2/4 2/2 | 2/1 2/3 2/5; "
    );
}

#[test]
fn whoever_has_no_name_gets_one_and_no_two_have_the_same() {
    let imported = import(odd!("names"));
    let map = &imported.map;
    assert_eq!(map.name(), "Seating plan");
    let sections: Vec<_> = map
        .sections()
        .iter()
        .map(|section| section.name.as_str())
        .collect();
    assert_eq!(sections, ["Stalls", "Stalls (2)", "Zone 3"]);
    let rows: Vec<_> = map.rows().iter().map(|row| row.name.as_str()).collect();
    assert_eq!(rows[0], "Row 1");
    assert_eq!((rows[1].len(), rows[2]), (192, "1 2"));
    assert_eq!(map.label(SeatIx(4)), "1");
    assert_eq!(
        repairs(&imported),
        [
            (MissingName, "name"),
            (MissingName, "zones[0].rows[0]"),
            (NameShortened, "zones[0].rows[1]"),
            (RepeatedZone, "zones[1].name"),
            (NameShortened, "zones[1].rows[0]"),
            (MissingName, "zones[1].rows[0].seats[0]"),
            (MissingName, "zones[2].name"),
        ]
    );
}

#[test]
fn a_member_that_stands_twice_loses_nothing_that_is_sold() {
    let imported = import(odd!("repeated-member"));
    assert_eq!(
        repairs(&imported),
        [(RepeatedMember, "the plan"), (RepeatedMember, "the plan")]
    );
    assert_eq!(imported.map.name(), "Plan");
    assert_eq!(imported.map.sections().len(), 2);
}

#[test]
fn a_plan_may_have_standing_room_only() {
    let imported = import(odd!("standing-only"));
    let areas: Vec<_> = imported
        .map
        .areas()
        .iter()
        .map(|area| (area.name.as_str(), area.capacity))
        .collect();
    assert_eq!(areas, [("Field", 5_000), ("Standing", 40)]);
    assert_eq!(
        (
            imported.map.seat_count(),
            imported.summary.standing_capacity
        ),
        (0, 5_040)
    );
}

#[test]
fn escapes_are_read() {
    let imported = import(odd!("escapes"));
    assert_eq!(imported.map.sections()[0].name, "Parterre \"gauche\" é🎭");
    assert_eq!(repairs(&imported), []);
}

#[test]
fn a_byte_order_mark_is_skipped_and_told() {
    let bytes = [b"\xef\xbb\xbf", odd!("sound")].concat();
    let imported = import(&bytes);
    assert_eq!(repairs(&imported), [(ByteOrderMark, "the file")]);
    assert_eq!(imported.map, import(odd!("sound")).map);
}

#[test]
fn what_is_mended_can_be_told_in_json() {
    let imported = import(odd!("categories"));
    let json = serde_json::to_value(&imported.repairs).unwrap();
    assert_eq!(json[0]["kind"], "null_value");
    let summary = serde_json::to_value(&imported.summary).unwrap();
    assert_eq!(summary["repairs"]["unused_category"], 1);
    assert_eq!(summary["seats_built"], 6);
}

#[test]
fn a_summary_reads_well() {
    let summary = import(odd!("section-outline")).summary.to_string();
    assert_eq!(
        summary,
        "4 seats in 1 row and 1 section, 1 price band, 0 aisles\n1 shape, 1 section outline"
    );
    let summary = import(odd!("standing-only")).summary.to_string();
    assert!(
        summary.contains("2 general-admission areas for 5040"),
        "{summary}"
    );
}
