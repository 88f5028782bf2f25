//! From the parts of a plan to a [`SeatMapSpec`]: everything odd is mended and told, or refused.

mod areas;
mod bands;
mod overlap;
mod row;
mod rows;

use super::Summary;
use super::geometry::bounds;
use super::plan::{Plan, Spot, Zone};
use super::report::{RepairKind, Report};
use crate::seatmap::{COORDINATE_MAX, NAME_BYTES_MAX, Point, RowSpec, SeatMapSpec, SectionSpec};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    vec::Vec,
};
use bands::Bands;
use core::fmt::{self, Display};

/// Room kept for what is put behind a name to tell it from another: ` (12345)`.
const SUFFIX_BYTES: usize = 8;

/// A seat's place in the file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SeatPath {
    zone: u32,
    row: u32,
    seat: u32,
}

impl Display for SeatPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "zones[{}].rows[{}].seats[{}]",
            self.zone, self.row, self.seat
        )
    }
}

/// What is mended at the moment.
struct Mending<'r> {
    report: &'r mut Report,
    summary: Summary,
    /// Where each seat of the spec stands in the file, in the order of the spec.
    paths: Vec<SeatPath>,
    /// For each zone, the section that it became.
    section_of: Vec<Option<usize>>,
}

/// Mends `plan`. What cannot be mended is among the report's faults.
pub(super) fn mend(mut plan: Plan<'_>, report: &mut Report) -> (SeatMapSpec, Summary) {
    repeated_guids(&plan, report);
    let summary = Summary {
        zones: plan.zones.len() as u32,
        rows: plan.zones.iter().map(|zone| zone.rows.len() as u32).sum(),
        seats: plan.seats,
        categories: plan.categories.len() as u32,
        areas: plan
            .zones
            .iter()
            .map(|zone| zone.areas.len())
            .sum::<usize>() as u32
            + plan.standing.len() as u32,
        ..Summary::default()
    };
    let bands = Bands::gather(&plan, report);
    let mut mending = Mending {
        report,
        summary,
        paths: Vec::new(),
        section_of: Vec::new(),
    };
    let name = match plan.name.take() {
        Some(name) => mending.fit(&name, NAME_BYTES_MAX, "name"),
        None => {
            mending
                .report
                .repair(RepairKind::MissingName, "name", "the plan has no name");
            String::from("Seating plan")
        }
    };
    let mut sections = mending.sections(&mut plan.zones, &bands);
    mending.overlaps(&mut sections);
    mending.outside(plan.size, &sections);
    let mut spec = SeatMapSpec {
        name,
        bands: bands.specs(&mut mending),
        sections,
        ..SeatMapSpec::default()
    };
    mending.areas(&plan.zones, &bands, &mut spec);
    mending.standing(&plan.standing, &bands, &mut spec);
    if spec.sections.is_empty() && spec.areas.is_empty() && mending.report.is_sound() {
        mending.report.fault(
            "zones",
            "there is nothing to sell: no seats and no standing room",
        );
    }
    (spec, mending.summary)
}

/// Seats are told apart by their place in the plan, so that a repeated guid does no harm.
fn repeated_guids(plan: &Plan<'_>, report: &mut Report) {
    let mut users: BTreeMap<&str, (SeatPath, u32)> = BTreeMap::new();
    for zone in &plan.zones {
        for row in &zone.rows {
            for seat in &row.seats {
                let Some(guid) = seat.guid.as_deref() else {
                    continue;
                };
                let path = SeatPath {
                    zone: zone.index,
                    row: row.index,
                    seat: seat.index,
                };
                users.entry(guid).or_insert((path, 0)).1 += 1;
            }
        }
    }
    let mut repeated: Vec<(SeatPath, &str, u32)> = users
        .into_iter()
        .filter(|(_, (_, count))| *count > 1)
        .map(|(guid, (first, count))| (first, guid, count))
        .collect();
    repeated.sort_unstable();
    for (first, guid, count) in repeated {
        let what = format_args!("seat_guid {guid:?} is used by {count} seats; all are kept");
        report.repair(RepairKind::RepeatedGuid, first, what);
    }
}

impl Mending<'_> {
    fn sections(&mut self, zones: &mut [Zone<'_>], bands: &Bands<'_>) -> Vec<SectionSpec> {
        let mut names = Names::default();
        let mut sections = Vec::new();
        for zone in zones {
            if zone.rows.iter().all(|row| row.seats.is_empty()) {
                self.summary.empty_zones += 1;
                self.summary.empty_rows += zone.rows.len() as u32;
                let what = match zone.areas.len() {
                    0 => "the zone is empty; left out",
                    _ => "the zone has no seats; only its areas are kept",
                };
                let at = format_args!("zones[{}]", zone.index);
                self.report.repair(RepairKind::EmptyZone, at, what);
                self.section_of.push(None);
                continue;
            }
            let name = self.zone_name(zone, &mut names);
            let rows = self.rows(zone, bands);
            self.summary.sections += 1;
            self.section_of.push(Some(sections.len()));
            sections.push(SectionSpec {
                name,
                rows,
                outline: Vec::new(),
                label_at: None,
            });
        }
        sections
    }

    fn zone_name(&mut self, zone: &Zone<'_>, names: &mut Names) -> String {
        let at = format!("zones[{}].name", zone.index);
        let wanted = match zone.name.as_ref().or(zone.id.as_ref()) {
            Some(name) => self.fit(name, NAME_BYTES_MAX - SUFFIX_BYTES, &at),
            None => format!("Zone {}", zone.index + 1),
        };
        if zone.name.is_none() {
            let what = format_args!("the zone has no name; called {wanted:?}");
            self.report.repair(RepairKind::MissingName, &at, what);
        }
        let name = names.free(&wanted);
        if name != wanted {
            let what = format_args!("another zone is called {wanted:?}; renamed {name:?}");
            self.report.repair(RepairKind::RepeatedZone, at, what);
        }
        name
    }

    /// Makes a name fit: no control characters, at most so many bytes.
    fn fit(&mut self, name: &str, bytes_max: usize, at: impl Display) -> String {
        if name.len() <= bytes_max && !name.contains(char::is_control) {
            return name.into();
        }
        let mut fitted = String::new();
        for character in name.chars() {
            let character = if character.is_control() {
                ' '
            } else {
                character
            };
            if fitted.len() + character.len_utf8() > bytes_max {
                break;
            }
            fitted.push(character);
        }
        let fitted = String::from(fitted.trim());
        let what = format_args!("the name does not fit; made {fitted:?}");
        self.report.repair(RepairKind::NameShortened, at, what);
        fitted
    }

    /// A map's coordinates from a plan's.
    fn point(&mut self, spot: Spot, at: impl Display) -> Point {
        let coordinate = |value: i64| {
            let range = -i64::from(COORDINATE_MAX)..=i64::from(COORDINATE_MAX);
            range.contains(&value).then_some(value as i32)
        };
        if let (Some(x), Some(y)) = (coordinate(spot.x), coordinate(spot.y)) {
            return Point { x, y };
        }
        let limit = COORDINATE_MAX / 100;
        self.report.fault(
            at,
            format_args!("stands further than {limit} units from the origin"),
        );
        Point::default()
    }

    /// The size is not used, but who relies on it should know what it leaves out.
    fn outside(&mut self, size: Option<Spot>, sections: &[SectionSpec]) {
        let Some(size) = size else {
            let seats = sections
                .iter()
                .flat_map(|section| &section.rows)
                .flat_map(seats_of);
            let (low, high) = bounds(seats).unwrap_or_default();
            let (width, height) = ((high.x - low.x) / 100, (high.y - low.y) / 100);
            let what = format_args!("the plan has no size; its seats take {width} × {height}");
            self.report.repair(RepairKind::MissingSize, "size", what);
            return;
        };
        let mut outside = 0;
        let mut first = None;
        let seats = sections
            .iter()
            .flat_map(|section| &section.rows)
            .flat_map(seats_of);
        for (seat, path) in seats.zip(&self.paths) {
            if seat.x < 0 || seat.y < 0 || seat.x > size.x || seat.y > size.y {
                outside += 1;
                first.get_or_insert(*path);
            }
        }
        if let Some(first) = first {
            let what = format_args!("{outside} seats stand outside the size of the plan; kept");
            self.report.repair(RepairKind::OutsideSize, first, what);
        }
    }
}

fn seats_of(row: &RowSpec) -> impl Iterator<Item = Spot> + Clone + '_ {
    row.seats.iter().map(|seat| Spot {
        x: seat.at.x.into(),
        y: seat.at.y.into(),
    })
}

/// Names already given, and how to make another one different.
#[derive(Default)]
struct Names {
    taken: BTreeSet<String>,
    /// Last suffix tried for a name, so that a thousand equal names do not take a million tries.
    last: BTreeMap<String, u32>,
}

impl Names {
    /// `wanted`, or `wanted (2)` and so on; then taken.
    fn free(&mut self, wanted: &str) -> String {
        let mut name = String::from(wanted);
        while !self.taken.insert(name.clone()) {
            let last = self.last.entry(wanted.into()).or_insert(1);
            *last += 1;
            name = format!("{wanted} ({last})");
        }
        name
    }
}
