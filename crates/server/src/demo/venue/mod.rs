//! The demo's houses, grown from short recipes in `assets/venues/`: a row is an arc or a run along a
//! rounded rectangle, and the seats stand along it as far apart as they would in a real house.
//!
//! Recipes speak in plan units (a seat is about 25 wide) and degrees; what comes out is a
//! [`SeatMapSpec`] in centiunits, validated by `SeatMap::build` like anybody's plan.

mod fan;
mod ring;

use booking_core::id::BandIx;
use booking_core::seatmap::{
    Area, MapFaults, Point, PriceBand, SeatAttributes, SeatMap, SeatMapSpec, SeatSpec, SectionSpec,
    Shape, ShapeKind,
};
use serde::Deserialize;

/// A theatre of about 1,200 seats: stalls with two aisles, a circle and boxes.
pub const THEATRE: &str = include_str!("../../../../../assets/venues/theatre.json");
/// A stadium of about 50,000 seats in two tiers around a pitch.
pub const STADIUM: &str = include_str!("../../../../../assets/venues/stadium.json");
/// The same stadium with a stage at one end and standing room on the pitch.
pub const STADIUM_CONCERT: &str = include_str!("../../../../../assets/venues/stadium-concert.json");

/// Why a recipe makes no house.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// Not the JSON of a recipe.
    #[error("not a venue recipe: {0}")]
    Json(#[from] serde_json::Error),
    /// What it describes is no valid seat map.
    #[error("{}", faults(.0))]
    Map(MapFaults),
}

fn faults(found: &MapFaults) -> String {
    let lines: Vec<_> = found
        .0
        .iter()
        .map(|fault| format!("{}: {}", fault.at, fault.what))
        .collect();
    lines.join("; ")
}

/// Reads a recipe and builds its house.
pub fn grow(recipe: &str) -> Result<SeatMap, RecipeError> {
    SeatMap::build(spec(recipe)?).map_err(RecipeError::Map)
}

/// Reads a recipe and returns the plan it describes, not yet validated.
pub fn spec(recipe: &str) -> Result<SeatMapSpec, RecipeError> {
    let recipe: Recipe = serde_json::from_str(recipe)?;
    let mut sections: Vec<SectionSpec> = recipe.sections.iter().map(section).collect();
    if let Some(ring) = &recipe.ring {
        for tier in &recipe.tiers {
            sections.extend(ring::tier(ring, tier, recipe.leave_out_behind_x));
        }
    }
    Ok(SeatMapSpec {
        name: recipe.name,
        bands: recipe
            .bands
            .into_iter()
            .map(|name| PriceBand { name })
            .collect(),
        sections,
        areas: recipe.areas.into_iter().map(area).collect(),
        shapes: recipe.shapes.into_iter().map(shape).collect(),
        focal_point: Some(point(recipe.focal_point)),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recipe {
    name: String,
    bands: Vec<String>,
    focal_point: [f64; 2],
    #[serde(default)]
    shapes: Vec<ShapeRecipe>,
    #[serde(default)]
    sections: Vec<SectionRecipe>,
    #[serde(default)]
    areas: Vec<AreaRecipe>,
    #[serde(default)]
    ring: Option<ring::Ring>,
    #[serde(default)]
    tiers: Vec<ring::Tier>,
    /// Blocks of the ring whose middle is left of this are not built (they are behind the stage).
    #[serde(default)]
    leave_out_behind_x: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShapeRecipe {
    kind: ShapeKind,
    text: String,
    points: Vec<[f64; 2]>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AreaRecipe {
    name: String,
    capacity: u32,
    band: u8,
    points: Vec<[f64; 2]>,
    label_at: [f64; 2],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SectionRecipe {
    name: String,
    #[serde(default)]
    fan: Option<fan::Fan>,
    #[serde(default)]
    boxes: Option<fan::Boxes>,
    bands: Vec<BandRule>,
    #[serde(default)]
    attributes: Vec<AttributeRule>,
}

/// Rows (none named: all) get a band, and seats further out than an angle another.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BandRule {
    rows: Vec<String>,
    band: u8,
    #[serde(default)]
    outside_deg: Option<f64>,
    #[serde(default)]
    outside_band: Option<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AttributeRule {
    row: String,
    seats: WhichSeats,
    set: Vec<Attribute>,
    #[serde(default)]
    band: Option<u8>,
}

/// `"all"`, or numbers counted from 1, negative ones from the other end.
#[derive(Deserialize)]
#[serde(untagged)]
enum WhichSeats {
    All(All),
    These(Vec<i32>),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum All {
    All,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Attribute {
    Wheelchair,
    Companion,
    RestrictedView,
    ExtraLegroom,
    StepFree,
}

impl From<Attribute> for SeatAttributes {
    fn from(attribute: Attribute) -> Self {
        match attribute {
            Attribute::Wheelchair => Self::WHEELCHAIR,
            Attribute::Companion => Self::COMPANION,
            Attribute::RestrictedView => Self::RESTRICTED_VIEW,
            Attribute::ExtraLegroom => Self::EXTRA_LEGROOM,
            Attribute::StepFree => Self::STEP_FREE,
        }
    }
}

/// A seat before bands and attributes: where it stands and at which angle from the axis.
struct Placed {
    at: [f64; 2],
    angle_deg: f64,
    gap_after: bool,
}

struct PlacedRow {
    name: String,
    seats: Vec<Placed>,
}

fn section(recipe: &SectionRecipe) -> SectionSpec {
    let (rows, outline) = match (&recipe.fan, &recipe.boxes) {
        (Some(fan), _) => fan.place(),
        (None, Some(boxes)) => boxes.place(),
        (None, None) => (Vec::new(), Vec::new()),
    };
    SectionSpec {
        name: recipe.name.clone(),
        rows: rows.into_iter().map(|row| recipe.finish(row)).collect(),
        outline: outline.into_iter().map(point).collect(),
        label_at: None,
    }
}

impl SectionRecipe {
    fn finish(&self, row: PlacedRow) -> booking_core::seatmap::RowSpec {
        let count = row.seats.len() as i32;
        let mut seats: Vec<SeatSpec> = (1..)
            .zip(&row.seats)
            .map(|(number, seat)| SeatSpec {
                label: number.to_string(),
                band: self.band(&row.name, seat.angle_deg),
                attributes: SeatAttributes::NONE,
                at: point(seat.at),
                gap_after: seat.gap_after,
            })
            .collect();
        for rule in self.attributes.iter().filter(|rule| rule.row == row.name) {
            let numbers: Vec<i32> = match &rule.seats {
                WhichSeats::All(All::All) => (1..=count).collect(),
                WhichSeats::These(numbers) => numbers
                    .iter()
                    .map(|&number| {
                        if number < 0 {
                            count + 1 + number
                        } else {
                            number
                        }
                    })
                    .collect(),
            };
            for number in numbers {
                let Some(seat) = usize::try_from(number - 1)
                    .ok()
                    .and_then(|i| seats.get_mut(i))
                else {
                    continue;
                };
                seat.attributes = rule
                    .set
                    .iter()
                    .fold(seat.attributes, |flags, &flag| flags.union(flag.into()));
                seat.band = rule.band.unwrap_or(seat.band);
            }
        }
        booking_core::seatmap::RowSpec {
            name: row.name,
            seats,
        }
    }

    fn band(&self, row: &str, angle_deg: f64) -> u8 {
        let rule = self
            .bands
            .iter()
            .find(|rule| rule.rows.is_empty() || rule.rows.iter().any(|name| name == row));
        rule.map_or(0, |rule| match (rule.outside_deg, rule.outside_band) {
            (Some(limit), Some(band)) if angle_deg.abs() > limit => band,
            _ => rule.band,
        })
    }
}

fn area(recipe: AreaRecipe) -> Area {
    Area {
        name: recipe.name,
        capacity: recipe.capacity,
        band: BandIx(recipe.band),
        outline: recipe.points.into_iter().map(point).collect(),
        label_at: point(recipe.label_at),
    }
}

fn shape(recipe: ShapeRecipe) -> Shape {
    let n = recipe.points.len().max(1) as f64;
    let sum = recipe
        .points
        .iter()
        .fold([0.0, 0.0], |sum, p| [sum[0] + p[0], sum[1] + p[1]]);
    Shape {
        kind: recipe.kind,
        text: recipe.text,
        label_at: point([sum[0] / n, sum[1] / n]),
        outline: recipe.points.into_iter().map(point).collect(),
    }
}

/// Plan units to centiunits.
fn point([x, y]: [f64; 2]) -> Point {
    Point {
        x: (x * 100.0).round() as i32,
        y: (y * 100.0).round() as i32,
    }
}
