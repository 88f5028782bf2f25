//! Rows as arcs around a point behind the stage, and boxes along the side walls.

use super::{Placed, PlacedRow};
use serde::Deserialize;

/// Room drawn around the outermost seats, in plan units.
const MARGIN: f64 = 22.0;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fan {
    center: [f64; 2],
    first_radius: f64,
    row_pitch: f64,
    seat_pitch: f64,
    half_angle_deg: f64,
    aisles_deg: Vec<f64>,
    aisle_width: f64,
    row_names: Vec<String>,
}

impl Fan {
    /// Straight down (towards the audience) is 0°, the audience's right is positive.
    fn at(&self, radius: f64, angle_deg: f64) -> [f64; 2] {
        let angle = angle_deg.to_radians();
        [
            self.center[0] + radius * angle.sin(),
            self.center[1] + radius * angle.cos(),
        ]
    }

    pub(super) fn place(&self) -> (Vec<PlacedRow>, Vec<[f64; 2]>) {
        let rows = (0..)
            .zip(&self.row_names)
            .map(|(i, name)| self.row(i, name))
            .collect();
        (rows, self.outline())
    }

    fn row(&self, i: u32, name: &str) -> PlacedRow {
        let radius = self.first_radius + f64::from(i) * self.row_pitch;
        let half_aisle_deg = (self.aisle_width / 2.0 / radius).to_degrees();
        // Block edges: the ends of the row and both sides of each aisle.
        let mut edges = vec![-self.half_angle_deg];
        for aisle in &self.aisles_deg {
            edges.extend([aisle - half_aisle_deg, aisle + half_aisle_deg]);
        }
        edges.push(self.half_angle_deg);

        let mut seats = Vec::new();
        for block in edges.chunks_exact(2) {
            let (from, to) = (block[0], block[1]);
            let count = ((to - from).to_radians() * radius / self.seat_pitch).floor() as u32;
            let step = (self.seat_pitch / radius).to_degrees();
            let middle = f64::midpoint(from, to);
            for k in 0..count {
                let angle_deg = middle + (f64::from(k) - f64::from(count - 1) / 2.0) * step;
                let gap_after = k + 1 == count;
                seats.push(Placed {
                    at: self.at(radius, angle_deg),
                    angle_deg,
                    gap_after,
                });
            }
        }
        PlacedRow {
            name: name.to_owned(),
            seats,
        }
    }

    fn outline(&self) -> Vec<[f64; 2]> {
        let last = self.first_radius + (self.row_names.len() as f64 - 1.0) * self.row_pitch;
        let (inner, outer) = (self.first_radius - MARGIN, last + MARGIN);
        let half = self.half_angle_deg + (MARGIN / 2.0 / outer).to_degrees();
        let steps = 16;
        let angles = (0..=steps).map(|i| -half + 2.0 * half * f64::from(i) / f64::from(steps));
        let mut outline: Vec<_> = angles.clone().map(|angle| self.at(outer, angle)).collect();
        outline.extend(angles.rev().map(|angle| self.at(inner, angle)));
        outline
    }
}

/// Boxes in a line along a wall, seats two by two.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Boxes {
    names: Vec<String>,
    from: [f64; 2],
    to: [f64; 2],
    seats: u32,
    facing: [f64; 2],
}

impl Boxes {
    pub(super) fn place(&self) -> (Vec<PlacedRow>, Vec<[f64; 2]>) {
        let last = (self.names.len() as f64 - 1.0).max(1.0);
        let (dx, dy) = (self.to[0] - self.from[0], self.to[1] - self.from[1]);
        let length = dx.hypot(dy);
        let along = [dx / length, dy / length];
        // The wall's normal that looks at the stage.
        let mut inward = [-along[1], along[0]];
        let to_stage = [self.facing[0] - self.from[0], self.facing[1] - self.from[1]];
        if inward[0] * to_stage[0] + inward[1] * to_stage[1] < 0.0 {
            inward = [-inward[0], -inward[1]];
        }
        let shift = |p: [f64; 2], a: f64, b: f64| {
            [
                p[0] + along[0] * a + inward[0] * b,
                p[1] + along[1] * a + inward[1] * b,
            ]
        };
        let rows = (0..)
            .zip(&self.names)
            .map(|(i, name)| {
                let part = f64::from(i) / last;
                let middle = [self.from[0] + dx * part, self.from[1] + dy * part];
                let seats = (0..self.seats).map(|k| {
                    let (side, depth) = (f64::from(k % 2) - 0.5, 0.5 - f64::from(k / 2));
                    Placed {
                        at: shift(middle, side * 26.0, depth * 30.0),
                        angle_deg: 0.0,
                        // A pair sits side by side; the pair behind is another pair.
                        gap_after: k % 2 == 1,
                    }
                });
                PlacedRow {
                    name: name.clone(),
                    seats: seats.collect(),
                }
            })
            .collect();
        let outline = vec![
            shift(self.from, -34.0, -36.0),
            shift(self.to, 34.0, -36.0),
            shift(self.to, 34.0, 36.0),
            shift(self.from, -34.0, 36.0),
        ];
        (rows, outline)
    }
}
