//! Reads seating-plan files as people really write them (pretix JSON).
//!
//! Plans come from many editors and hands: `seat_guid`s used eight times, categories nobody
//! declared, rows in pieces, seats on top of each other, `null` where text belongs. [`pretix`] mends
//! what can be mended and reports each [`Repair`] with its place; what cannot be mended is refused
//! with the reason and the place of *every* fault. Nothing is lost silently: each seat, row, zone and
//! area of the file is in the map, or in the [`Summary`] among what was joined or left out, and
//! members that have no place in a map (colours, editor settings) are counted there.
//!
//! The file is not trusted: size, depth and number of seats are limited, and memory and time are
//! bounded by the size of what is kept.

mod decimal;
mod geometry;
mod json;
mod mend;
mod plan;
mod read;
mod reading;
mod report;

pub use report::{ImportFaults, REPAIRS_LISTED_MAX, Repair, RepairKind};

use crate::fault::{Fault, Faults};
use crate::seatmap::{SeatMap, SeatMapSpec};
use alloc::{collections::BTreeMap, format, string::String, vec, vec::Vec};
use core::fmt;
use json::Json;
use reading::{Halt, Reading};
use report::Report;

/// How much a file may ask of the importer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportLimits {
    /// Most bytes of a file.
    pub bytes_max: usize,
    /// Most objects and lists inside each other; plans need ten.
    pub depth_max: u32,
    /// Most seats.
    pub seats_max: u32,
}

impl Default for ImportLimits {
    /// 64 MiB, 32 levels, 500,000 seats: room for any venue there is.
    fn default() -> Self {
        Self {
            bytes_max: 64 << 20,
            depth_max: 32,
            seats_max: 500_000,
        }
    }
}

/// A plan that was read.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The plan as data, to edit and build again.
    pub spec: SeatMapSpec,
    /// The map built from it.
    pub map: SeatMap,
    /// What was odd and how it was mended, in the order in which it was found; of each kind at most
    /// [`REPAIRS_LISTED_MAX`].
    pub repairs: Vec<Repair>,
    /// What was in the file and what became of it.
    pub summary: Summary,
}

/// What was in the file and what became of it. The counts balance:
///
/// * `zones = sections + empty_zones`
/// * `rows = rows_built + joined_rows + empty_rows`
/// * `seats = seats_built + seats_dropped`
/// * `areas = standing + outlines + shapes + areas_dropped`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Summary {
    /// Zones in the file.
    pub zones: u32,
    /// Rows in the file.
    pub rows: u32,
    /// Seats in the file.
    pub seats: u32,
    /// Categories declared in the file.
    pub categories: u32,
    /// Areas and standing room in the file.
    pub areas: u32,
    /// Sections of the map.
    pub sections: u32,
    /// Rows of the map.
    pub rows_built: u32,
    /// Seats of the map.
    pub seats_built: u32,
    /// Price bands of the map: the categories that are used.
    pub bands: u32,
    /// General-admission areas of the map.
    pub standing: u32,
    /// How many people they take.
    pub standing_capacity: u64,
    /// Areas that became the outline of a section.
    pub outlines: u32,
    /// Areas that became shapes.
    pub shapes: u32,
    /// Aisles found within rows.
    pub aisles: u32,
    /// Zones without seats.
    pub empty_zones: u32,
    /// Rows without seats.
    pub empty_rows: u32,
    /// Rows that are further parts of another row.
    pub joined_rows: u32,
    /// `null`s where seats should be.
    pub seats_dropped: u32,
    /// Areas of which nothing could be kept.
    pub areas_dropped: u32,
    /// Seats moved because they stood on top of others.
    pub moved: u32,
    /// How often each sort of repair was made: complete, where the list is not.
    pub repairs: BTreeMap<RepairKind, u32>,
    /// Members that have no place in a seat map, by path, and how often they occur.
    pub not_kept: BTreeMap<String, u32>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            seats_built,
            rows_built,
            sections,
            bands,
            aisles,
            ..
        } = self;
        write!(f, "{}", Count(*seats_built, "seat"))?;
        write!(
            f,
            " in {} and {}",
            Count(*rows_built, "row"),
            Count(*sections, "section")
        )?;
        writeln!(
            f,
            ", {}, {}",
            Count(*bands, "price band"),
            Count(*aisles, "aisle")
        )?;
        if self.standing > 0 {
            let areas = Count(self.standing, "general-admission area");
            writeln!(f, "{areas} for {}", self.standing_capacity)?;
        }
        let outlines = Count(self.outlines, "section outline");
        write!(f, "{}, {outlines}", Count(self.shapes, "shape"))
    }
}

/// So many of something: `1 row`, `2 rows`.
struct Count(u32, &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(count, what) = self;
        write!(f, "{count} {what}{}", if *count == 1 { "" } else { "s" })
    }
}

/// Reads a seating plan in the pretix JSON format, or reports every fault with its place.
///
/// Time O(n log n) in the size of the file; a file beyond `limits` is refused at once or as soon
/// as the bound is passed.
///
/// ```
/// use booking_core::import::{ImportLimits, RepairKind, pretix};
///
/// let plan = br#"{
///     "name": "Cellar",
///     "categories": [{"name": "All", "color": "red"}],
///     "zones": [{"name": "Room", "position": {"x": 0, "y": 0}, "rows": [
///         {"row_number": "A", "position": {"x": 0, "y": 0}, "seats": [
///             {"seat_number": 1, "category": "All", "position": {"x": 0, "y": 0}},
///             {"seat_number": "2", "category": "All", "position": {"x": 25.0, "y": 0}}
///         ]}
///     ]}],
///     "size": {"width": 100, "height": 100}
/// }"#;
/// let imported = pretix(plan, &ImportLimits::default()).unwrap();
/// assert_eq!(imported.map.seat_count(), 2);
/// assert_eq!(imported.repairs[0].kind, RepairKind::NumberAsText);
/// assert_eq!(imported.repairs[0].at, "zones[0].rows[0].seats[0].seat_number");
///
/// let faults = pretix(&plan[..200], &ImportLimits::default()).unwrap_err();
/// assert!(faults.0[0].what.contains("cut off"));
/// ```
pub fn pretix(bytes: &[u8], limits: &ImportLimits) -> Result<Imported, ImportFaults> {
    let one = |at: String, what: String| Faults(vec![Fault { at, what }]);
    if bytes.len() > limits.bytes_max {
        let what = format!(
            "has {} bytes; at most {} are taken",
            bytes.len(),
            limits.bytes_max
        );
        return Err(one("the file".into(), what));
    }
    let (bytes, marked) = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => (rest, true),
        None => (bytes, false),
    };
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(one("the file".into(), "is empty".into()));
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(one(
            "the file".into(),
            "is in UTF-16; save it as UTF-8".into(),
        ));
    }
    let text = core::str::from_utf8(bytes).map_err(|error| {
        let at = position(bytes, error.valid_up_to());
        one(at, "this is not UTF-8 text".into())
    })?;
    let mut reading = Reading::new(Json::new(text, limits.depth_max));
    if marked {
        let what = "a byte-order mark stands before the plan; skipped";
        reading
            .report
            .repair(RepairKind::ByteOrderMark, "the file", what);
    }
    let plan = read::plan(&mut reading, limits);
    let mut report: Report = reading.report;
    let plan = match plan {
        Ok(plan) => plan,
        Err(halt) => {
            if let Halt::Syntax(error) = halt {
                report.fault(position(bytes, error.at), error.what);
            }
            return Err(report.into_faults());
        }
    };
    report.close();
    let (spec, mut summary) = mend::mend(plan, &mut report);
    if !report.is_sound() {
        return Err(report.into_faults());
    }
    let map = SeatMap::build(spec.clone())?;
    summary.seats_dropped = summary.seats - summary.seats_built;
    summary.repairs = report.repair_counts;
    summary.not_kept = report.not_kept;
    Ok(Imported {
        spec,
        map,
        repairs: report.repairs,
        summary,
    })
}

/// `line 3, column 14`, counted from 1 in characters.
fn position(bytes: &[u8], at: usize) -> String {
    let before = &bytes[..at];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let line_start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    // Every byte that does not continue a character begins one.
    let column = before[line_start..]
        .iter()
        .filter(|byte| **byte & 0xc0 != 0x80)
        .count()
        + 1;
    format!("line {line}, column {column}")
}
