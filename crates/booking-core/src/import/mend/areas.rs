//! Areas become what they stand for: standing room, the outline of a section, the stage, or decor.

use super::bands::Bands;
use super::{Mending, seats_of};
use crate::id::BandIx;
use crate::import::geometry::{bounds, contains, middle, outline, turned};
use crate::import::plan::{self, Spot, Standing, Zone};
use crate::import::report::RepairKind;
use crate::seatmap::{Area, NAME_BYTES_MAX, Point, SeatMapSpec, Shape, ShapeKind};
use alloc::{borrow::Cow, format, string::String, vec::Vec};
use core::fmt::Display;

/// Words that name what people look at, in the languages plans were seen in.
const STAGE_WORDS: [&str; 26] = [
    "stage",
    "pitch",
    "field",
    "court",
    "rink",
    "ring",
    "arena",
    "podium",
    "screen",
    "bühne",
    "buehne",
    "spielfeld",
    "leinwand",
    "scène",
    "scene",
    "scena",
    "escenario",
    "palco",
    "podio",
    "pista",
    "cancha",
    "сцена",
    "поле",
    "арена",
    "舞台",
    "ステージ",
];
/// Most seats looked at to tell whether an area lies around or beside them.
const SEATS_LOOKED_AT: usize = 500;

impl Mending<'_> {
    pub(super) fn areas(&mut self, zones: &[Zone<'_>], bands: &Bands<'_>, spec: &mut SeatMapSpec) {
        // Shapes that may be a stage without saying so, by their index.
        let mut nameless = Vec::new();
        for (zone_ix, zone) in zones.iter().enumerate() {
            let section = self.section_of[zone_ix];
            let seats = section.map_or_else(Vec::new, |section| {
                some_of(spec.sections[section].rows.iter().flat_map(seats_of))
            });
            let around = area_around(zone, &seats);
            for (i, area) in zone.areas.iter().enumerate() {
                let at = format!("zones[{}].areas[{}]", zone.index, area.index);
                let corners = area.form.as_ref();
                let corners =
                    corners.map_or_else(Vec::new, |form| outline(form, area.at, area.rotation));
                let label_at = label_at(area, &corners);
                let corners: Vec<Point> = corners
                    .into_iter()
                    .map(|corner| self.point(corner, &at))
                    .collect();
                let label_at = self.point(label_at, &at);
                if area.capacity == Some(0) {
                    let what = "nobody fits in (capacity 0); kept as a shape";
                    self.report.repair(RepairKind::AreaWithoutShape, &at, what);
                }
                if let Some(capacity) = area.capacity.filter(|capacity| *capacity > 0) {
                    let name = area
                        .name
                        .as_ref()
                        .or(area.text.as_ref())
                        .or(zone.name.as_ref());
                    let name = self.area_name(name, &at);
                    let band = BandIx(bands.of(area.category.as_ref()));
                    self.summary.standing += 1;
                    self.summary.standing_capacity += u64::from(capacity);
                    spec.areas.push(Area {
                        name,
                        capacity,
                        band,
                        outline: corners,
                        label_at,
                    });
                } else if let (true, Some(section)) = (around == Some(i), section) {
                    self.summary.outlines += 1;
                    spec.sections[section].outline = corners;
                    spec.sections[section].label_at = area.text_at.map(|_| label_at);
                } else {
                    self.shape(area, corners, label_at, &at, spec, &mut nameless);
                }
            }
        }
        self.guess_stage(&nameless, spec);
    }

    fn shape(
        &mut self,
        area: &plan::Area<'_>,
        outline: Vec<Point>,
        label_at: Point,
        at: &str,
        spec: &mut SeatMapSpec,
        nameless: &mut Vec<(usize, String)>,
    ) {
        let text = match area.text.as_ref().or(area.name.as_ref()) {
            Some(text) => self.fit(text, NAME_BYTES_MAX, at),
            None => String::new(),
        };
        if outline.is_empty() && text.is_empty() {
            self.summary.areas_dropped += 1;
            let what = "the area has neither a shape nor a text; left out";
            self.report.repair(RepairKind::AreaWithoutShape, at, what);
            return;
        }
        let kind = if names_a_stage(&text) {
            ShapeKind::Stage
        } else {
            ShapeKind::Decor
        };
        if text.is_empty() {
            nameless.push((spec.shapes.len(), at.into()));
        }
        self.summary.shapes += 1;
        spec.shapes.push(Shape {
            kind,
            text,
            outline,
            label_at,
        });
    }

    /// Where no area says that it is the stage, the only one without a name that no seat stands in
    /// is taken for it.
    fn guess_stage(&mut self, nameless: &[(usize, String)], spec: &mut SeatMapSpec) {
        if spec
            .shapes
            .iter()
            .any(|shape| shape.kind == ShapeKind::Stage)
        {
            return;
        }
        let rows = || spec.sections.iter().flat_map(|section| &section.rows);
        let seats = some_of(rows().flat_map(seats_of));
        let free = nameless.iter().filter(|(i, _)| {
            let outline: Vec<Spot> = spec.shapes[*i]
                .outline
                .iter()
                .map(|point| spot(*point))
                .collect();
            !seats.iter().any(|seat| contains(&outline, *seat))
        });
        let free: Vec<&(usize, String)> = free.take(2).collect();
        if let [(i, at)] = free[..] {
            spec.shapes[*i].kind = ShapeKind::Stage;
            let what = "the only area without a name and without seats; taken for the stage";
            self.report.repair(RepairKind::StageGuessed, at, what);
        }
    }

    /// Standing room that stands beside the zones has no place on the plan: below everything else.
    pub(super) fn standing(
        &mut self,
        standing: &[Standing<'_>],
        bands: &Bands<'_>,
        spec: &mut SeatMapSpec,
    ) {
        let seats = spec
            .sections
            .iter()
            .flat_map(|section| &section.rows)
            .flat_map(seats_of);
        let (low, high) = bounds(seats).unwrap_or_default();
        let mut below = Spot {
            x: i64::midpoint(low.x, high.x),
            y: high.y,
        };
        for standing in standing {
            if standing.capacity == 0 {
                self.summary.areas_dropped += 1;
                let what = "standing room for nobody; left out";
                self.report
                    .repair(RepairKind::AreaWithoutShape, &standing.at, what);
                continue;
            }
            below.y += 5_000;
            let name = self.area_name(standing.name.as_ref(), &standing.at);
            let label_at = self.point(below, &standing.at);
            let band = BandIx(bands.of(standing.category.as_ref()));
            self.summary.standing += 1;
            self.summary.standing_capacity += u64::from(standing.capacity);
            let capacity = standing.capacity;
            spec.areas.push(Area {
                name,
                capacity,
                band,
                outline: Vec::new(),
                label_at,
            });
        }
    }

    fn area_name(&mut self, name: Option<&Cow<'_, str>>, at: impl Display) -> String {
        if let Some(name) = name {
            return self.fit(name, NAME_BYTES_MAX, at);
        }
        let what = "the standing room has no name; called \"Standing\"";
        self.report.repair(RepairKind::MissingName, at, what);
        String::from("Standing")
    }
}

/// The one area without text that lies around all seats of its zone: the section's outline.
fn area_around(zone: &Zone<'_>, seats: &[Spot]) -> Option<usize> {
    let mut around = zone.areas.iter().enumerate().filter(|(_, area)| {
        let plain = area.text.is_none() && area.name.is_none() && area.capacity.is_none();
        plain
            && !seats.is_empty()
            && area.form.as_ref().is_some_and(|form| {
                let corners = outline(form, area.at, area.rotation);
                seats.iter().all(|seat| contains(&corners, *seat))
            })
    });
    match (around.next(), around.next()) {
        (Some((i, _)), None) => Some(i),
        _ => None,
    }
}

fn label_at(area: &plan::Area<'_>, corners: &[Spot]) -> Spot {
    match area.text_at {
        Some(text_at) => turned(text_at, area.rotation).plus(area.at),
        None => bounds(corners.iter().copied()).map_or(area.at, middle),
    }
}

fn names_a_stage(text: &str) -> bool {
    let text = text.to_lowercase();
    text.split(|character: char| !character.is_alphanumeric())
        .any(|word| STAGE_WORDS.contains(&word))
}

/// A fixed share of many points: enough to tell where they are, bounded in number.
fn some_of(seats: impl Iterator<Item = Spot> + Clone) -> Vec<Spot> {
    let every = seats.clone().count().div_ceil(SEATS_LOOKED_AT).max(1);
    seats.step_by(every).collect()
}

fn spot(point: Point) -> Spot {
    Spot {
        x: point.x.into(),
        y: point.y.into(),
    }
}
