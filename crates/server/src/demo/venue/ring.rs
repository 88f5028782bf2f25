//! Tiers of blocks around a pitch: rows run along a rounded rectangle, further out row by row, so
//! that corner blocks fan out as they do in a stadium.

use super::point;
use booking_core::seatmap::{RowSpec, SeatAttributes, SeatSpec, SectionSpec};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::f64::consts::FRAC_PI_2;

/// Points a block's row is measured at; more would not be seen.
const SAMPLES: u32 = 48;

/// The line of the first row: a rectangle with round corners around the origin.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ring {
    half_width: f64,
    half_height: f64,
    corner_radius: f64,
}

/// Blocks side by side, all the way round.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tier {
    name: String,
    first_number: u32,
    offset: f64,
    rows: u32,
    corner_blocks: u32,
    side_blocks: u32,
    end_blocks: u32,
    row_pitch: f64,
    seat_pitch: f64,
    aisle_width: f64,
    /// Band by part of the house: `side_centre`, `side`, `end`, `corner`.
    bands: BTreeMap<String, u8>,
    /// Rows of the centre blocks, from the front, that are in the band `side_centre`.
    front_rows: u32,
    /// Row (1-based) with wheelchair spaces and companion seats; 0: none.
    wheelchair_row: u32,
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Side,
    End,
    Corner,
}

/// A stretch of the first row's line, and where on it a block stands.
struct Stretch {
    part: Part,
    quarter: u32,
    from: f64,
    to: f64,
    centre: bool,
}

impl Ring {
    /// The point on a stretch at `t` (0…1), `out` units outside the first row's line.
    ///
    /// Quarters are numbered clockwise from the top side; a corner follows its side.
    fn at(&self, part: Part, quarter: u32, t: f64, out: f64) -> [f64; 2] {
        let (w, h, r) = (self.half_width, self.half_height, self.corner_radius);
        let (flat_w, flat_h) = (w - r, h - r);
        match (part, quarter) {
            (Part::Corner, _) => {
                let (cx, cy, start) = match quarter {
                    0 => (flat_w, -flat_h, -FRAC_PI_2),
                    1 => (flat_w, flat_h, 0.0),
                    2 => (-flat_w, flat_h, FRAC_PI_2),
                    _ => (-flat_w, -flat_h, 2.0 * FRAC_PI_2),
                };
                let angle = start + t * FRAC_PI_2;
                [cx + (r + out) * angle.cos(), cy + (r + out) * angle.sin()]
            }
            (_, 0) => [-flat_w + 2.0 * flat_w * t, -h - out],
            (_, 1) => [w + out, -flat_h + 2.0 * flat_h * t],
            (_, 2) => [flat_w - 2.0 * flat_w * t, h + out],
            (_, _) => [-w - out, flat_h - 2.0 * flat_h * t],
        }
    }
}

impl Tier {
    fn stretches(&self) -> Vec<Stretch> {
        let mut stretches = Vec::new();
        for quarter in 0..4 {
            let (part, count) = if quarter % 2 == 0 {
                (Part::Side, self.side_blocks)
            } else {
                (Part::End, self.end_blocks)
            };
            for (part, count) in [(part, count), (Part::Corner, self.corner_blocks)] {
                for i in 0..count {
                    let (from, to) = (
                        f64::from(i) / f64::from(count),
                        f64::from(i + 1) / f64::from(count),
                    );
                    let centre = part == Part::Side && (f64::midpoint(from, to) - 0.5).abs() < 0.3;
                    stretches.push(Stretch {
                        part,
                        quarter,
                        from,
                        to,
                        centre,
                    });
                }
            }
        }
        stretches
    }

    fn band(&self, stretch: &Stretch, row: u32) -> u8 {
        let key = match stretch.part {
            Part::Side if stretch.centre && row <= self.front_rows => "side_centre",
            Part::Side => "side",
            Part::End => "end",
            Part::Corner => "corner",
        };
        self.bands.get(key).copied().unwrap_or(0)
    }
}

/// All blocks of a tier, numbered clockwise.
pub(super) fn tier(ring: &Ring, tier: &Tier, leave_out_behind_x: Option<f64>) -> Vec<SectionSpec> {
    (tier.first_number..)
        .zip(tier.stretches())
        .filter(|(_, stretch)| {
            let middle = ring.at(
                stretch.part,
                stretch.quarter,
                f64::midpoint(stretch.from, stretch.to),
                0.0,
            );
            leave_out_behind_x.is_none_or(|limit| middle[0] > limit + ring.corner_radius * 0.2)
        })
        .map(|(number, stretch)| block(ring, tier, number, &stretch))
        .collect()
}

fn block(ring: &Ring, tier: &Tier, number: u32, stretch: &Stretch) -> SectionSpec {
    let line = |out: f64| -> Vec<[f64; 2]> {
        (0..=SAMPLES)
            .map(|i| {
                let t =
                    stretch.from + (stretch.to - stretch.from) * f64::from(i) / f64::from(SAMPLES);
                ring.at(stretch.part, stretch.quarter, t, out)
            })
            .collect()
    };
    let rows = (1..=tier.rows)
        .map(|row| {
            let out = tier.offset + f64::from(row - 1) * tier.row_pitch;
            let band = tier.band(stretch, row);
            let places = along(&line(out), tier.seat_pitch, tier.aisle_width);
            let seats = (1_u32..).zip(places).map(|(label, at)| SeatSpec {
                label: label.to_string(),
                band,
                attributes: attributes(tier, row, label),
                at: point(at),
                gap_after: false,
            });
            RowSpec {
                name: row.to_string(),
                seats: seats.collect(),
            }
        })
        .collect();

    let half_row = tier.row_pitch / 2.0;
    let outer = line(tier.offset + f64::from(tier.rows - 1) * tier.row_pitch + half_row);
    let inner = line(tier.offset - half_row);
    let step = if stretch.part == Part::Corner {
        6
    } else {
        SAMPLES as usize
    };
    let mut outline: Vec<_> = trimmed(&inner, tier.aisle_width)
        .iter()
        .step_by(step)
        .copied()
        .map(point)
        .collect();
    outline.extend(
        trimmed(&outer, tier.aisle_width)
            .iter()
            .rev()
            .step_by(step)
            .copied()
            .map(point),
    );
    SectionSpec {
        name: format!("{} {number}", tier.name),
        rows,
        outline,
        label_at: None,
    }
}

fn attributes(tier: &Tier, row: u32, label: u32) -> SeatAttributes {
    if row != tier.wheelchair_row {
        return if row == 1 {
            SeatAttributes::EXTRA_LEGROOM
        } else {
            SeatAttributes::NONE
        };
    }
    match label {
        1 | 3 => SeatAttributes::WHEELCHAIR.union(SeatAttributes::STEP_FREE),
        2 | 4 => SeatAttributes::COMPANION.union(SeatAttributes::STEP_FREE),
        _ => SeatAttributes::NONE,
    }
}

/// Seats `pitch` apart along a line, centred, half an aisle left free at both ends.
fn along(line: &[[f64; 2]], pitch: f64, aisle: f64) -> Vec<[f64; 2]> {
    let room = length(line) - aisle;
    let count = (room / pitch).floor().max(0.0) as u32;
    let first = (length(line) - f64::from(count) * pitch) / 2.0 + pitch / 2.0;
    (0..count)
        .map(|i| walk(line, first + f64::from(i) * pitch))
        .collect()
}

/// The line without half an aisle at both ends, same number of points.
fn trimmed(line: &[[f64; 2]], aisle: f64) -> Vec<[f64; 2]> {
    let (full, n) = (length(line), line.len() as f64 - 1.0);
    (0..line.len())
        .map(|i| walk(line, aisle * 0.4 + (full - aisle * 0.8) * i as f64 / n))
        .collect()
}

fn length(line: &[[f64; 2]]) -> f64 {
    line.windows(2).map(|pair| distance(pair[0], pair[1])).sum()
}

fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
    (b[0] - a[0]).hypot(b[1] - a[1])
}

/// The point `far` along the line.
fn walk(line: &[[f64; 2]], mut far: f64) -> [f64; 2] {
    for pair in line.windows(2) {
        let step = distance(pair[0], pair[1]);
        if far <= step {
            let t = far / step;
            return [
                pair[0][0] + (pair[1][0] - pair[0][0]) * t,
                pair[0][1] + (pair[1][1] - pair[0][1]) * t,
            ];
        }
        far -= step;
    }
    line.last().copied().unwrap_or_default()
}
