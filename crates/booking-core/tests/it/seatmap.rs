//! Seat maps: every fault with its place, and one canonical form.

use crate::houses::{any_spec, row, seat, section, small};
use booking_core::seatmap::*;
use booking_core::{BandIx, RowIx, SeatIx, SeatMap};
use proptest::prelude::*;

/// Places of the faults of `spec`, in the order reported.
fn faults(spec: SeatMapSpec) -> Vec<String> {
    SeatMap::build(spec)
        .unwrap_err()
        .0
        .into_iter()
        .map(|fault| fault.at)
        .collect()
}

/// Places of the faults of the small house after `spoil`.
fn spoiled(spoil: impl FnOnce(&mut SeatMapSpec)) -> Vec<String> {
    let mut spec = small();
    spoil(&mut spec);
    faults(spec)
}

#[test]
fn a_sound_plan_is_built_with_its_seats_in_order() {
    let map = SeatMap::build(small()).unwrap();
    assert_eq!(map.seat_count(), 9);
    assert_eq!(map.rows().len(), 2);
    let name = map.seat_name(SeatIx(4));
    assert_eq!((name.section, name.row, name.seat), ("Stalls", "B", "1"));
    assert_eq!(map.row_of(SeatIx(4)), RowIx(1));
    assert_eq!(map.band(SeatIx(0)), BandIx(0));
}

#[test]
fn neighbours_end_at_aisles_and_at_row_ends() {
    let mut spec = small();
    spec.sections[0].rows[0].seats[1].gap_after = true;
    let map = SeatMap::build(spec).unwrap();
    let next = |i| map.next(SeatIx(i)).map(|seat| seat.0);
    assert_eq!(
        [next(0), next(1), next(2), next(3)],
        [Some(1), None, Some(3), None]
    );
    assert_eq!(map.prev(SeatIx(0)), None);
    assert_eq!(map.prev(SeatIx(2)), None);
    assert_eq!(map.prev(SeatIx(3)), Some(SeatIx(2)));
    assert_eq!(map.prev(SeatIx(4)), None, "rows A and B are not joined");
    assert_eq!(map.next(SeatIx(8)), None);
}

#[test]
fn a_gap_after_the_last_seat_of_a_row_changes_nothing() {
    let mut spec = small();
    spec.sections[0].rows[0].seats[3].gap_after = true;
    assert_eq!(
        SeatMap::build(spec).unwrap(),
        SeatMap::build(small()).unwrap()
    );
}

#[test]
fn a_plan_with_nothing_to_sell_is_refused() {
    let spec = SeatMapSpec {
        name: "Nothing".into(),
        ..SeatMapSpec::default()
    };
    assert_eq!(faults(spec), ["sections", "bands"]);
}

#[test]
fn a_seat_label_used_twice_in_a_row_is_refused_where_it_is_repeated() {
    assert_eq!(
        spoiled(|spec| spec.sections[0].rows[0].seats[3].label = "2".into()),
        ["sections[0].rows[0].seats[3].label"]
    );
}

#[test]
fn two_rows_of_one_name_may_not_share_a_label() {
    assert_eq!(
        spoiled(|spec| spec.sections[0].rows[1].name = "A".into()).len(),
        4,
        "seats 1 to 4 are in both"
    );
    let mut spec = small();
    spec.sections[0].rows[1] = row("A", (5..=9).map(|n| seat(n, 1)));
    assert!(SeatMap::build(spec).is_ok(), "an aisle parts row A");
}

#[test]
fn two_sections_of_one_name_are_refused() {
    assert_eq!(
        spoiled(|spec| spec
            .sections
            .push(section("Stalls", vec![row("Z", [seat(1, 0)])]))),
        ["sections[1].name"]
    );
}

#[test]
fn an_unknown_band_is_refused_for_seats_and_areas() {
    assert_eq!(
        spoiled(|spec| {
            spec.sections[0].rows[1].seats[2].band = 2;
            spec.areas[0].band = BandIx(9);
        }),
        ["sections[0].rows[1].seats[2].band", "areas[0].band"]
    );
}

#[test]
fn empty_sections_rows_and_areas_are_refused() {
    assert_eq!(
        spoiled(|spec| {
            spec.sections[0].rows[0].seats.clear();
            spec.sections.push(section("Void", vec![]));
            spec.areas[0].capacity = 0;
        }),
        [
            "sections[0].rows[0].seats",
            "sections[1].rows",
            "areas[0].capacity"
        ]
    );
}

#[test]
fn names_must_be_there_and_fit_and_hold_no_control_characters() {
    assert_eq!(
        spoiled(|spec| {
            spec.name = " ".into();
            spec.bands[0].name = "x".repeat(NAME_BYTES_MAX + 1);
            spec.sections[0].name = "a\nb".into();
            spec.sections[0].rows[0].name = String::new();
            spec.sections[0].rows[0].seats[0].label = "9".repeat(LABEL_BYTES_MAX + 1);
            spec.areas[0].name = String::new();
            spec.shapes[0].text = "\u{7}".into();
        }),
        [
            "name",
            "bands[0].name",
            "sections[0].name",
            "sections[0].rows[0].name",
            "sections[0].rows[0].seats[0].label",
            "areas[0].name",
            "shapes[0].text"
        ]
    );
}

#[test]
fn coordinates_out_of_range_are_refused_wherever_they_stand() {
    let far = Point {
        x: COORDINATE_MAX + 1,
        y: 0,
    };
    assert_eq!(
        spoiled(|spec| {
            spec.sections[0].rows[0].seats[0].at = Point { x: 0, y: i32::MIN };
            spec.sections[0].outline = vec![Point::default(), far];
            spec.sections[0].label_at = Some(far);
            spec.areas[0].outline = vec![far];
            spec.areas[0].label_at = far;
            spec.shapes[0].label_at = far;
            spec.focal_point = Some(far);
        }),
        [
            "sections[0].outline[1]",
            "sections[0].label_at",
            "sections[0].rows[0].seats[0].at",
            "areas[0].outline[0]",
            "areas[0].label_at",
            "shapes[0].label_at",
            "focal_point"
        ]
    );
}

#[test]
fn too_many_of_anything_is_refused() {
    assert_eq!(
        spoiled(|spec| {
            spec.bands = vec![PriceBand { name: "B".into() }; BANDS_MAX + 1];
            spec.shapes = vec![spec.shapes[0].clone(); SHAPES_MAX + 1];
            spec.sections[0].outline = vec![Point::default(); OUTLINE_POINTS_MAX + 1];
            spec.areas = (0..11)
                .map(|i| Area {
                    name: format!("{i}"),
                    capacity: 1_000_000,
                    ..spec.areas[0].clone()
                })
                .collect();
        }),
        ["bands", "shapes", "sections[0].outline", "areas"]
    );
    let many = spoiled(|spec| {
        spec.sections = (0..=SECTIONS_MAX)
            .map(|i| section(&format!("S{i}"), vec![row("1", [seat(1, 0)])]))
            .collect();
    });
    assert_eq!(many, ["sections"]);
    let seats = SEATS_MAX as u32 + 1;
    let many =
        spoiled(|spec| spec.sections[0].rows = vec![row("1", (1..=seats).map(|n| seat(n, 0)))]);
    assert_eq!(many, ["seats"]);
}

#[test]
fn more_faults_than_are_listed_are_counted() {
    let faults = SeatMap::build(SeatMapSpec {
        sections: vec![section(
            "S",
            vec![row(
                "1",
                (0..FAULTS_LISTED_MAX as u32 + 5).map(|n| seat(n + 1, 7)),
            )],
        )],
        ..small()
    })
    .unwrap_err();
    assert_eq!(faults.0.len(), FAULTS_LISTED_MAX + 1);
    assert_eq!(
        faults.0[FAULTS_LISTED_MAX].what,
        "has 5 more faults that are not listed"
    );
}

#[test]
fn people_look_at_the_stage_or_else_at_the_front() {
    let mut spec = small();
    spec.focal_point = None;
    let map = SeatMap::build(spec.clone()).unwrap();
    assert_eq!(
        map.focal_point(),
        Point {
            x: 6_000,
            y: -5_000
        },
        "the middle of the stage"
    );
    spec.shapes.clear();
    spec.areas.clear();
    let map = SeatMap::build(spec).unwrap();
    assert_eq!(
        map.focal_point(),
        Point { x: 7_500, y: 0 },
        "the middle of the front edge"
    );
}

#[test]
fn a_seat_takes_few_bytes() {
    let rows = (0..500).map(|j| {
        row(
            &format!("{j}"),
            (1..=100).map(move |n| seat(n, (j % 3) as u8)),
        )
    });
    let map = SeatMap::build(SeatMapSpec {
        bands: vec![PriceBand { name: "B".into() }; 3],
        sections: vec![section("S", rows.collect())],
        ..small()
    })
    .unwrap();
    let bytes = map.encode().len();
    assert!(bytes < 3 * 50_000, "{bytes} bytes for 50,000 seats");
}

#[test]
fn the_version_is_the_hash_of_the_bytes_and_of_everything_in_them() {
    let map = SeatMap::build(small()).unwrap();
    let mut spec = small();
    spec.sections[0].rows[0].seats[0].at.x += 1;
    assert_ne!(map.version(), SeatMap::build(spec).unwrap().version());
    let text = map.version().to_string();
    assert_eq!(text.len(), 64);
    assert_eq!(text.parse(), Ok(map.version()));
    assert_eq!("xyz".parse::<MapVersion>(), Err(NotAMapVersion));
}

#[test]
fn bytes_of_another_format_or_version_are_refused() {
    let mut bytes = SeatMap::build(small()).unwrap().encode();
    bytes[3] = b'2';
    assert_eq!(
        SeatMap::decode(&bytes).unwrap_err().what,
        "not a seat map of a known version"
    );
    assert_eq!(SeatMap::decode(b"").unwrap_err().at, 0);
}

#[test]
fn bytes_of_a_faulty_map_are_refused() {
    let bytes = SeatMap::build(small()).unwrap().encode();
    let at = bytes
        .windows(6)
        .position(|window| window == b"Stalls")
        .unwrap();
    let mut spoiled = bytes.clone();
    spoiled[at] = 7;
    assert_eq!(
        SeatMap::decode(&spoiled).unwrap_err().what,
        "the seat map is not a valid one"
    );
}

/// The bytes of the small house, checked in: a map kept today must be readable for ever.
#[test]
fn the_bytes_of_a_map_never_drift() {
    let map = SeatMap::build(small()).unwrap();
    let hex: String = map
        .encode()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(hex, include_str!("../fixtures/seatmap-v1.hex").trim());
}

#[cfg(feature = "serde")]
#[test]
fn a_map_goes_through_json_unchanged() {
    let map = SeatMap::build(small()).unwrap();
    let json = serde_json::to_string(&map.to_spec()).unwrap();
    let spec: SeatMapSpec = serde_json::from_str(&json).unwrap();
    assert_eq!(SeatMap::build(spec).unwrap(), map);
    assert!(serde_json::from_str::<SeatMapSpec>(r#"{"colour":"red"}"#).is_err());
}

proptest! {
    #[test]
    fn any_map_reads_back_as_written(spec in any_spec()) {
        let map = SeatMap::build(spec).unwrap();
        let bytes = map.encode();
        let read = SeatMap::decode(&bytes).unwrap();
        prop_assert_eq!(&read, &map);
        prop_assert_eq!(read.encode(), bytes);
    }

    #[test]
    fn any_map_is_built_again_from_its_own_spec(spec in any_spec()) {
        let map = SeatMap::build(spec).unwrap();
        prop_assert_eq!(SeatMap::build(map.to_spec()).unwrap(), map);
    }

    #[test]
    fn damaged_bytes_are_refused_or_are_another_sound_map(
        spec in any_spec(), at: prop::sample::Index, bits in 1_u8..,
    ) {
        let mut bytes = SeatMap::build(spec).unwrap().encode();
        let at = at.index(bytes.len());
        bytes[at] ^= bits;
        if let Ok(map) = SeatMap::decode(&bytes) {
            prop_assert_eq!(map.encode(), bytes);
        }
    }

    #[test]
    fn truncated_bytes_are_refused(spec in any_spec(), at: prop::sample::Index) {
        let bytes = SeatMap::build(spec).unwrap().encode();
        prop_assert!(SeatMap::decode(&bytes[..at.index(bytes.len())]).is_err());
    }

    #[test]
    fn arbitrary_bytes_never_panic(mut bytes: Vec<u8>) {
        let _ = SeatMap::decode(&bytes);
        bytes.splice(0..0, *b"OSM1");
        let _ = SeatMap::decode(&bytes);
    }
}
