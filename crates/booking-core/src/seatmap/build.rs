//! From a [`SeatMapSpec`] to a [`SeatMap`]: every fault is found before anything is built.

use super::{
    Area, MapFaults, MapVersion, Point, Row, SeatMap, SeatMapSpec, Section, SectionSpec, Shape,
    ShapeKind,
};
use crate::best::SearchIndex;
use crate::fault::FaultList;
use crate::id::SectionIx;
use alloc::{format, string::String, vec, vec::Vec};
use core::fmt::Display;
use sha2::{Digest, Sha256};

/// Most price bands.
pub const BANDS_MAX: usize = 256;
/// Most sections.
pub const SECTIONS_MAX: usize = 10_000;
/// Most rows in all sections.
pub const ROWS_MAX: usize = 500_000;
/// Most numbered seats.
pub const SEATS_MAX: usize = 2_000_000;
/// Most general-admission areas.
pub const AREAS_MAX: usize = 10_000;
/// Most places: seats and the capacities of all areas together.
pub const PLACES_MAX: u32 = 10_000_000;
/// Most shapes.
pub const SHAPES_MAX: usize = 10_000;
/// Most corners of one outline.
pub const OUTLINE_POINTS_MAX: usize = 10_000;
/// Most bytes of the name of a plan, band, section, row, area or shape.
pub const NAME_BYTES_MAX: usize = 200;
/// Most bytes of a seat label.
pub const LABEL_BYTES_MAX: usize = 40;
/// Coordinates lie within ± this, in centiunits: a million plan units.
pub const COORDINATE_MAX: i32 = 100_000_000;

impl SeatMap {
    /// Validates `spec` and builds the map, or reports *all* faults with their places (listed up
    /// to [`FAULTS_LISTED_MAX`](super::FAULTS_LISTED_MAX)).
    ///
    /// A plan is faulty if a name is empty, too long or holds control characters; a section name
    /// is used twice; within one section a row name and a seat label name two seats; a section or
    /// row is empty; a band is not declared; a capacity is zero; a coordinate is out of range; there
    /// is nothing to sell; or one of the bounds of this module is passed.
    ///
    /// O(n log n) in the number of seats.
    ///
    /// ```
    /// use booking_core::seatmap::*;
    ///
    /// let seat = |n: i32| SeatSpec {
    ///     label: n.to_string(),
    ///     at: Point { x: n * 2_500, y: 0 },
    ///     ..SeatSpec::default()
    /// };
    /// let row = RowSpec { name: "A".into(), seats: (1..=8).map(seat).collect() };
    /// let stalls = SectionSpec { name: "Stalls".into(), rows: vec![row], ..Default::default() };
    /// let mut spec = SeatMapSpec {
    ///     name: "Studio".into(),
    ///     bands: vec![PriceBand { name: "Full view".into() }],
    ///     sections: vec![stalls],
    ///     ..SeatMapSpec::default()
    /// };
    /// let map = SeatMap::build(spec.clone()).unwrap();
    /// assert_eq!(map.seat_count(), 8);
    ///
    /// spec.sections[0].rows[0].seats[7].band = 3;
    /// spec.sections[0].rows[0].seats[1].label = "1".into();
    /// let faults = SeatMap::build(spec).unwrap_err().0;
    /// assert_eq!(faults.len(), 2);
    /// assert_eq!(faults[0].at, "sections[0].rows[0].seats[7].band");
    /// ```
    pub fn build(spec: SeatMapSpec) -> Result<Self, MapFaults> {
        Self::build_and_encode(spec).map(|(map, _)| map)
    }

    /// The map and its canonical bytes, which `build` needs anyway for the version.
    pub(super) fn build_and_encode(spec: SeatMapSpec) -> Result<(Self, Vec<u8>), MapFaults> {
        let mut faults = FaultList::default();
        check(&spec, &mut faults);
        faults.into_result()?;
        let mut map = assemble(spec);
        let bytes = map.encode();
        map.version = MapVersion(Sha256::digest(&bytes).into());
        Ok((map, bytes))
    }
}

fn check(spec: &SeatMapSpec, faults: &mut FaultList) {
    name("name", &spec.name, faults);
    at_most("bands", spec.bands.len(), BANDS_MAX, faults);
    at_most("sections", spec.sections.len(), SECTIONS_MAX, faults);
    at_most("areas", spec.areas.len(), AREAS_MAX, faults);
    at_most("shapes", spec.shapes.len(), SHAPES_MAX, faults);
    let rows = spec.sections.iter().map(|section| section.rows.len()).sum();
    at_most("rows", rows, ROWS_MAX, faults);
    let seats: usize = spec
        .sections
        .iter()
        .flat_map(|section| &section.rows)
        .map(|row| row.seats.len())
        .sum();
    at_most("seats", seats, SEATS_MAX, faults);
    if spec.sections.is_empty() && spec.areas.is_empty() {
        faults.add(
            "sections",
            "there is nothing to sell: no sections and no areas",
        );
    }
    if spec.bands.is_empty() {
        faults.add("bands", "there must be at least one price band");
    }
    for (i, band) in spec.bands.iter().enumerate() {
        name(format_args!("bands[{i}].name"), &band.name, faults);
    }
    for (i, section) in spec.sections.iter().enumerate() {
        check_section(i, section, spec.bands.len(), faults);
    }
    let names = spec.sections.iter().map(|section| section.name.as_str());
    for (first, again) in repeated(names) {
        faults.add(
            format_args!("sections[{again}].name"),
            format_args!(
                "{:?} is the name of sections[{first}] too",
                spec.sections[again].name
            ),
        );
    }
    let mut places = seats as u64;
    for (i, area) in spec.areas.iter().enumerate() {
        check_area(i, area, spec.bands.len(), faults);
        places = places.saturating_add(area.capacity.into());
    }
    if places > PLACES_MAX.into() {
        faults.add(
            "areas",
            format_args!("{places} places in all; at most {PLACES_MAX} fit"),
        );
    }
    for (i, shape) in spec.shapes.iter().enumerate() {
        check_shape(i, shape, faults);
    }
    if let Some(point) = spec.focal_point {
        coordinates("focal_point", point, faults);
    }
}

fn check_section(i: usize, section: &SectionSpec, bands: usize, faults: &mut FaultList) {
    name(format_args!("sections[{i}].name"), &section.name, faults);
    outline(
        format_args!("sections[{i}].outline"),
        &section.outline,
        faults,
    );
    if let Some(point) = section.label_at {
        coordinates(format_args!("sections[{i}].label_at"), point, faults);
    }
    if section.rows.is_empty() {
        faults.add(
            format_args!("sections[{i}].rows"),
            "a section needs at least one row",
        );
    }
    for (j, row) in section.rows.iter().enumerate() {
        name(
            format_args!("sections[{i}].rows[{j}].name"),
            &row.name,
            faults,
        );
        if row.seats.is_empty() {
            faults.add(
                format_args!("sections[{i}].rows[{j}].seats"),
                "a row needs a seat",
            );
        }
        for (k, seat) in row.seats.iter().enumerate() {
            let at = format_args!("sections[{i}].rows[{j}].seats[{k}]");
            text(
                format_args!("{at}.label"),
                &seat.label,
                LABEL_BYTES_MAX,
                faults,
            );
            known_band(format_args!("{at}.band"), seat.band, bands, faults);
            coordinates(format_args!("{at}.at"), seat.at, faults);
        }
    }
    // What a ticket says must name one seat. Two rows of one name are fine (an aisle may part
    // them) as long as no label is in both.
    let rows = &section.rows;
    let mut by_name: Vec<usize> = (0..rows.len()).collect();
    by_name.sort_by_key(|j| &rows[*j].name);
    for namesakes in by_name.chunk_by(|a, b| rows[*a].name == rows[*b].name) {
        let seats = |j: usize| (0..rows[j].seats.len()).map(move |k| (j, k));
        let places: Vec<(usize, usize)> = namesakes.iter().flat_map(|j| seats(*j)).collect();
        let label = |(j, k): (usize, usize)| rows[j].seats[k].label.as_str();
        for (first, again) in repeated(places.iter().map(|place| label(*place))) {
            let ((first_row, first_seat), (row, seat)) = (places[first], places[again]);
            let (row_name, label) = (&rows[row].name, label(places[again]));
            faults.add(
                format_args!("sections[{i}].rows[{row}].seats[{seat}].label"),
                format_args!(
                    "row {row_name:?} seat {label:?} is rows[{first_row}].seats[{first_seat}] \
                     already"
                ),
            );
        }
    }
}

fn check_area(i: usize, area: &Area, bands: usize, faults: &mut FaultList) {
    name(format_args!("areas[{i}].name"), &area.name, faults);
    if area.capacity == 0 {
        faults.add(format_args!("areas[{i}].capacity"), "must be at least 1");
    }
    known_band(format_args!("areas[{i}].band"), area.band.0, bands, faults);
    outline(format_args!("areas[{i}].outline"), &area.outline, faults);
    coordinates(format_args!("areas[{i}].label_at"), area.label_at, faults);
}

fn check_shape(i: usize, shape: &Shape, faults: &mut FaultList) {
    if !shape.text.is_empty() {
        name(format_args!("shapes[{i}].text"), &shape.text, faults);
    }
    outline(format_args!("shapes[{i}].outline"), &shape.outline, faults);
    coordinates(format_args!("shapes[{i}].label_at"), shape.label_at, faults);
}

fn at_most(at: &str, count: usize, most: usize, faults: &mut FaultList) {
    if count > most {
        faults.add(
            at,
            format_args!("there are {count}; at most {most} are taken"),
        );
    }
}

fn name(at: impl Display, value: &str, faults: &mut FaultList) {
    text(at, value, NAME_BYTES_MAX, faults);
}

fn text(at: impl Display, value: &str, bytes_max: usize, faults: &mut FaultList) {
    if value.trim().is_empty() {
        faults.add(at, "must not be empty");
    } else if value.len() > bytes_max {
        faults.add(
            at,
            format_args!("is {} bytes long; at most {bytes_max} fit", value.len()),
        );
    } else if value.chars().any(char::is_control) {
        faults.add(at, format_args!("{value:?} holds control characters"));
    }
}

fn known_band(at: impl Display, band: u8, bands: usize, faults: &mut FaultList) {
    if usize::from(band) >= bands {
        faults.add(
            at,
            format_args!("there is no band {band}, only {bands} bands from 0"),
        );
    }
}

fn coordinates(at: impl Display, point: Point, faults: &mut FaultList) {
    let range = -COORDINATE_MAX..=COORDINATE_MAX;
    if !range.contains(&point.x) || !range.contains(&point.y) {
        faults.add(
            at,
            format_args!(
                "({}, {}) is out of range, ±{COORDINATE_MAX}",
                point.x, point.y
            ),
        );
    }
}

fn outline(at: impl Display, points: &[Point], faults: &mut FaultList) {
    at_most(&format!("{at}"), points.len(), OUTLINE_POINTS_MAX, faults);
    for (i, point) in points.iter().enumerate() {
        coordinates(format_args!("{at}[{i}]"), *point, faults);
    }
}

/// Pairs (first, again) of positions with an equal key, in order of the later position.
fn repeated<K: Ord + Copy>(keys: impl Iterator<Item = K>) -> Vec<(usize, usize)> {
    let mut sorted: Vec<(K, usize)> = keys.enumerate().map(|(i, key)| (key, i)).collect();
    sorted.sort_unstable();
    let mut pairs = Vec::new();
    for group in sorted.chunk_by(|a, b| a.0 == b.0) {
        pairs.extend(group[1..].iter().map(|again| (group[0].1, again.1)));
    }
    pairs.sort_unstable_by_key(|pair| pair.1);
    pairs
}

fn assemble(spec: SeatMapSpec) -> SeatMap {
    let focal_point = spec.focal_point.unwrap_or_else(|| front(&spec));
    let seat_count = spec
        .sections
        .iter()
        .flat_map(|section| &section.rows)
        .map(|row| row.seats.len())
        .sum();
    let mut map = SeatMap {
        name: spec.name,
        version: MapVersion([0; 32]),
        bands: spec.bands,
        sections: Vec::with_capacity(spec.sections.len()),
        rows: Vec::new(),
        areas: spec.areas,
        shapes: spec.shapes,
        focal_point,
        seat_bands: Vec::with_capacity(seat_count),
        seat_attributes: Vec::with_capacity(seat_count),
        seat_points: Vec::with_capacity(seat_count),
        seat_rows: Vec::with_capacity(seat_count),
        joined: vec![0; seat_count.div_ceil(64)],
        labels: String::new(),
        label_ends: Vec::with_capacity(seat_count),
        search_index: SearchIndex::default(),
    };
    for section in spec.sections {
        append(&mut map, section);
    }
    map.labels.shrink_to_fit();
    map.search_index = SearchIndex::of(&map);
    map
}

fn append(map: &mut SeatMap, section: SectionSpec) {
    let section_ix = SectionIx(map.sections.len() as u16);
    let (first_row, first_seat) = (map.rows.len() as u32, map.seat_count());
    for row in section.rows {
        let row_ix = map.rows.len() as u32;
        let start = map.seat_count();
        let last = row.seats.len() - 1;
        for (i, seat) in row.seats.into_iter().enumerate() {
            let ix = map.seat_bands.len();
            if i < last && !seat.gap_after {
                map.joined[ix / 64] |= 1 << (ix % 64);
            }
            map.seat_bands.push(seat.band);
            map.seat_attributes.push(seat.attributes.0);
            map.seat_points.push(seat.at);
            map.seat_rows.push(row_ix);
            map.labels.push_str(&seat.label);
            map.label_ends.push(map.labels.len() as u32);
        }
        let seats = start..map.seat_count();
        map.rows.push(Row {
            name: row.name,
            section: section_ix,
            seats,
        });
    }
    let seats = first_seat..map.seat_count();
    let label_at = section.label_at.unwrap_or_else(|| {
        let points = &map.seat_points[seats.start as usize..seats.end as usize];
        Bounds::of(points.iter().copied()).map_or_else(Point::default, Bounds::middle)
    });
    map.sections.push(Section {
        name: section.name,
        rows: first_row..map.rows.len() as u32,
        seats,
        outline: section.outline,
        label_at,
    });
}

/// Where people look if the plan does not say: the middle of the first stage, else the middle of
/// the front (upper) edge of what is sold.
fn front(spec: &SeatMapSpec) -> Point {
    let stage = spec
        .shapes
        .iter()
        .find(|shape| shape.kind == ShapeKind::Stage);
    if let Some(stage) = stage {
        let bounds = Bounds::of(stage.outline.iter().copied());
        return bounds.map_or(stage.label_at, Bounds::middle);
    }
    let seats = spec
        .sections
        .iter()
        .flat_map(|section| &section.rows)
        .flat_map(|row| &row.seats);
    let areas = spec.areas.iter().flat_map(|area| &area.outline);
    Bounds::of(seats.map(|seat| seat.at).chain(areas.copied())).map_or_else(
        Point::default,
        |bounds| Point {
            x: bounds.middle().x,
            y: bounds.top,
        },
    )
}

/// The smallest upright rectangle around some points.
#[derive(Clone, Copy)]
struct Bounds {
    left: i32,
    right: i32,
    top: i32,
    bottom: i32,
}

impl Bounds {
    fn of(mut points: impl Iterator<Item = Point>) -> Option<Self> {
        let first = points.next()?;
        let start = Self {
            left: first.x,
            right: first.x,
            top: first.y,
            bottom: first.y,
        };
        Some(points.fold(start, |bounds, point| Self {
            left: bounds.left.min(point.x),
            right: bounds.right.max(point.x),
            top: bounds.top.min(point.y),
            bottom: bounds.bottom.max(point.y),
        }))
    }
    // Coordinates have been checked: no sum of two overflows.
    fn middle(self) -> Point {
        Point {
            x: (self.left + self.right) / 2,
            y: (self.top + self.bottom) / 2,
        }
    }
}
