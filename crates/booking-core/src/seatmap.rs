//! The house: sections, rows, seats in order, general-admission areas and what is drawn beside
//! them. A [`SeatMap`] is immutable; editing a plan makes a new one with another [`MapVersion`].
//!
//! Lengths are integers in **hundredths of a plan unit** ("centiunits"), so that the core needs no
//! floats. One plan unit is what pretix plans call a unit; seats stand about 25 units apart.

use crate::best::SearchIndex;
use crate::id::{AreaIx, BandIx, RowIx, SeatIx, SectionIx};
use alloc::{string::String, vec::Vec};
use core::fmt;
use core::ops::Range;
use core::str::FromStr;

mod build;
mod encode;

pub use crate::fault::{FAULTS_LISTED_MAX, Fault as MapFault, Faults as MapFaults};
pub use build::{
    AREAS_MAX, BANDS_MAX, COORDINATE_MAX, LABEL_BYTES_MAX, NAME_BYTES_MAX, OUTLINE_POINTS_MAX,
    PLACES_MAX, ROWS_MAX, SEATS_MAX, SECTIONS_MAX, SHAPES_MAX,
};

/// A point or vector in centiunits; x to the right, y downwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Point {
    /// Centiunits to the right.
    pub x: i32,
    /// Centiunits downwards.
    pub y: i32,
}

/// What is special about a seat: a set of flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct SeatAttributes(pub u8);

impl SeatAttributes {
    /// Nothing special.
    pub const NONE: Self = Self(0);
    /// A space for a wheelchair.
    pub const WHEELCHAIR: Self = Self(1);
    /// For whoever comes with a wheelchair user.
    pub const COMPANION: Self = Self(2);
    /// Part of the stage cannot be seen.
    pub const RESTRICTED_VIEW: Self = Self(4);
    /// Nothing in front: more room for the legs.
    pub const EXTRA_LEGROOM: Self = Self(8);
    /// Reached without steps.
    pub const STEP_FREE: Self = Self(16);

    /// Whether every flag of `other` is set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
    /// Both sets together.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
    /// Kept for people who need it: a wheelchair space or a companion seat.
    #[must_use]
    pub const fn is_accessible(self) -> bool {
        self.0 & (Self::WHEELCHAIR.0 | Self::COMPANION.0) != 0
    }
}

/// A class of seats sold at one price. Bands are ordered, dearest first.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PriceBand {
    /// What fans read: "Stalls A".
    pub name: String,
}

/// A named part of the house.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Section {
    /// What fans read: "Circle left", "Block 112".
    pub name: String,
    /// Its rows, a range of [`RowIx`].
    pub rows: Range<u32>,
    /// Its seats, a range of [`SeatIx`].
    pub seats: Range<u32>,
    /// Outline to draw when far out; may be empty (draw the hull of the seats).
    pub outline: Vec<Point>,
    /// Where its name is drawn.
    pub label_at: Point,
}

/// Seats one after another. Neighbours are adjacent unless an aisle or a numbering gap parts them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Row {
    /// What fans read: "C", "14".
    pub name: String,
    /// The section it belongs to.
    pub section: SectionIx,
    /// Its seats, a range of [`SeatIx`].
    pub seats: Range<u32>,
}

/// Standing room or free seating: places without numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Area {
    /// What fans read: "Standing, front".
    pub name: String,
    /// How many people it takes.
    pub capacity: u32,
    /// Price band of every place in it.
    pub band: BandIx,
    /// Outline to draw.
    pub outline: Vec<Point>,
    /// Where its name is drawn.
    pub label_at: Point,
}

/// Something drawn that is not for sale: stage, pitch, bar, wall.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Shape {
    /// What it is.
    pub kind: ShapeKind,
    /// Its name, drawn in it; may be empty.
    pub text: String,
    /// Closed outline.
    pub outline: Vec<Point>,
    /// Where its name is drawn.
    pub label_at: Point,
}

/// What a [`Shape`] stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum ShapeKind {
    /// Where the show is: the stage or the pitch.
    Stage,
    /// Anything else: walls, bars, mixing desk.
    Decor,
}

/// Content hash (SHA-256 of [`SeatMap::encode`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(into = "String", try_from = "String"))]
pub struct MapVersion(pub [u8; 32]);

impl fmt::Display for MapVersion {
    /// 64 lower-case hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Text that is not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a map version is 64 hexadecimal digits")]
pub struct NotAMapVersion;

impl FromStr for MapVersion {
    type Err = NotAMapVersion;
    fn from_str(text: &str) -> Result<Self, NotAMapVersion> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(NotAMapVersion);
        }
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            b'A'..=b'F' => Ok(byte - b'A' + 10),
            _ => Err(NotAMapVersion),
        };
        let mut version = [0; 32];
        for (byte, pair) in version.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(version))
    }
}

impl From<MapVersion> for String {
    fn from(version: MapVersion) -> Self {
        alloc::format!("{version}")
    }
}

impl TryFrom<String> for MapVersion {
    type Error = NotAMapVersion;
    fn try_from(text: String) -> Result<Self, NotAMapVersion> {
        text.parse()
    }
}

/// What a seat is called on a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeatName<'a> {
    /// Section name.
    pub section: &'a str,
    /// Row name.
    pub row: &'a str,
    /// Seat label within the row.
    pub seat: &'a str,
}

/// Plain data from which a [`SeatMap`] is built; what an importer or an editor produces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct SeatMapSpec {
    /// Name of the plan.
    pub name: String,
    /// Bands, dearest first; at most 256.
    pub bands: Vec<PriceBand>,
    /// Sections in drawing order.
    pub sections: Vec<SectionSpec>,
    /// General-admission areas.
    pub areas: Vec<Area>,
    /// What is drawn beside the seats.
    pub shapes: Vec<Shape>,
    /// Where people look; best available is nearest to it. `None`: the middle of the first
    /// stage shape, else the middle of the front edge.
    pub focal_point: Option<Point>,
}

/// A section before it is built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct SectionSpec {
    /// Name fans read.
    pub name: String,
    /// Rows, front to back.
    pub rows: Vec<RowSpec>,
    /// Outline; may be empty.
    pub outline: Vec<Point>,
    /// Where its name is drawn; `None`: the middle of its seats.
    pub label_at: Option<Point>,
}

/// A row before it is built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct RowSpec {
    /// Name fans read.
    pub name: String,
    /// Seats, from one end to the other.
    pub seats: Vec<SeatSpec>,
}

/// A seat before it is built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct SeatSpec {
    /// Label within the row, usually a number.
    pub label: String,
    /// Index into [`SeatMapSpec::bands`].
    pub band: u8,
    /// Flags.
    pub attributes: SeatAttributes,
    /// Centre.
    pub at: Point,
    /// An aisle, a wall or a missing number stands between this seat and the next of the row.
    pub gap_after: bool,
}

/// A validated, immutable seat map. Cheap to share behind an `Arc`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatMap {
    name: String,
    version: MapVersion,
    bands: Vec<PriceBand>,
    sections: Vec<Section>,
    rows: Vec<Row>,
    areas: Vec<Area>,
    shapes: Vec<Shape>,
    focal_point: Point,
    seat_bands: Vec<u8>,
    seat_attributes: Vec<u8>,
    seat_points: Vec<Point>,
    seat_rows: Vec<u32>,
    /// Bit `i`: seat `i` and seat `i + 1` sit next to each other in one row.
    joined: Vec<u64>,
    labels: String,
    label_ends: Vec<u32>,
    /// What best available searches; follows from the rest.
    search_index: SearchIndex,
}

impl SeatMap {
    /// The plain data this map could be built from, with what `build` filled in (focal point,
    /// places of labels). `SeatMap::build(map.to_spec())` gives an equal map. Also the JSON form.
    #[must_use]
    pub fn to_spec(&self) -> SeatMapSpec {
        let seat = |i: u32, last: bool| {
            let seat = SeatIx(i);
            SeatSpec {
                label: self.label(seat).into(),
                band: self.band(seat).0,
                attributes: self.attributes(seat),
                at: self.point(seat),
                gap_after: !last && self.next(seat).is_none(),
            }
        };
        let row = |row: &Row| RowSpec {
            name: row.name.clone(),
            seats: row
                .seats
                .clone()
                .map(|i| seat(i, i + 1 == row.seats.end))
                .collect(),
        };
        let section = |section: &Section| SectionSpec {
            name: section.name.clone(),
            rows: self.rows[section.rows.start as usize..section.rows.end as usize]
                .iter()
                .map(row)
                .collect(),
            outline: section.outline.clone(),
            label_at: Some(section.label_at),
        };
        SeatMapSpec {
            name: self.name.clone(),
            bands: self.bands.clone(),
            sections: self.sections.iter().map(section).collect(),
            areas: self.areas.clone(),
            shapes: self.shapes.clone(),
            focal_point: Some(self.focal_point),
        }
    }
    /// Name of the plan.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
    /// Content hash.
    #[must_use]
    pub fn version(&self) -> MapVersion {
        self.version
    }
    /// Number of numbered seats (general-admission places not counted).
    #[must_use]
    pub fn seat_count(&self) -> u32 {
        self.seat_bands.len() as u32
    }
    /// Price bands, dearest first.
    #[must_use]
    pub fn bands(&self) -> &[PriceBand] {
        &self.bands
    }
    /// Sections.
    #[must_use]
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }
    /// Rows of all sections.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }
    /// General-admission areas.
    #[must_use]
    pub fn areas(&self) -> &[Area] {
        &self.areas
    }
    /// What is drawn beside the seats.
    #[must_use]
    pub fn shapes(&self) -> &[Shape] {
        &self.shapes
    }
    /// Where people look.
    #[must_use]
    pub fn focal_point(&self) -> Point {
        self.focal_point
    }
    /// Whether `seat` is one of this map. Every other seat accessor panics where it is not.
    #[must_use]
    pub fn has_seat(&self, seat: SeatIx) -> bool {
        seat.index() < self.seat_bands.len()
    }
    /// Price band of a seat.
    #[must_use]
    pub fn band(&self, seat: SeatIx) -> BandIx {
        BandIx(self.seat_bands[seat.index()])
    }
    /// Flags of a seat.
    #[must_use]
    pub fn attributes(&self, seat: SeatIx) -> SeatAttributes {
        SeatAttributes(self.seat_attributes[seat.index()])
    }
    /// Centre of a seat.
    #[must_use]
    pub fn point(&self, seat: SeatIx) -> Point {
        self.seat_points[seat.index()]
    }
    /// Row of a seat.
    #[must_use]
    pub fn row_of(&self, seat: SeatIx) -> RowIx {
        RowIx(self.seat_rows[seat.index()])
    }
    /// Section of a seat.
    #[must_use]
    pub fn section_of(&self, seat: SeatIx) -> SectionIx {
        self.rows[self.row_of(seat).index()].section
    }
    /// Label of a seat within its row.
    #[must_use]
    pub fn label(&self, seat: SeatIx) -> &str {
        let i = seat.index();
        let start = if i == 0 {
            0
        } else {
            self.label_ends[i - 1] as usize
        };
        &self.labels[start..self.label_ends[i] as usize]
    }
    /// Section, row and seat as printed on a ticket.
    #[must_use]
    pub fn seat_name(&self, seat: SeatIx) -> SeatName<'_> {
        let row = &self.rows[self.row_of(seat).index()];
        SeatName {
            section: &self.sections[row.section.index()].name,
            row: &row.name,
            seat: self.label(seat),
        }
    }
    /// The seat next to `seat` towards higher indices, unless an aisle or the row's end is there.
    #[must_use]
    pub fn next(&self, seat: SeatIx) -> Option<SeatIx> {
        let i = seat.index();
        (self.joined[i / 64] >> (i % 64) & 1 == 1).then_some(SeatIx(seat.0 + 1))
    }
    /// The seat next to `seat` towards lower indices, unless an aisle or the row's end is there.
    #[must_use]
    pub fn prev(&self, seat: SeatIx) -> Option<SeatIx> {
        let before = SeatIx(seat.0.checked_sub(1)?);
        self.next(before).map(|_| before)
    }
    /// Bit `i`: seat `i` and seat `i + 1` sit next to each other in one row.
    pub(crate) fn joined_words(&self) -> &[u64] {
        &self.joined
    }
    pub(crate) fn search_index(&self) -> &SearchIndex {
        &self.search_index
    }
    /// Area by index.
    #[must_use]
    pub fn area(&self, area: AreaIx) -> Option<&Area> {
        self.areas.get(area.index())
    }
}
