//! Everything written on the map: seat labels, rows, sections, areas, the stage.

use super::{Grid, HELD, Painter, SOLD, Sight};
use crate::frame::Frame;
use crate::geometry::Rect;
use crate::house::{Glyph, Outline};
use crate::look::Colour;
use crate::scene::Scene;
use crate::text::{Mask, TextStyle};

impl Painter {
    /// Numbers in the seats that can be had.
    pub(super) fn seat_labels(&mut self, sight: &Sight, scene: &Scene<'_>) {
        let Self {
            house,
            grid,
            frame,
            stamps,
            texts,
            on_band,
            found,
            ..
        } = self;
        let style = match sight.css_pitch {
            p if p < 25.0 => TextStyle::SeatSmall,
            p if p < 34.0 => TextStyle::Seat,
            _ => TextStyle::SeatLarge,
        };
        let palette = stamps.palette();
        let room = (sight.radius * 1.8) as usize;
        found.clear();
        let grid = grid.get_or_init(|| Grid::over(house));
        grid.near(sight.plan(sight.radius), |seat| found.push(seat));
        found.sort_unstable();
        for &seat in found.iter() {
            let i = seat as usize;
            let status = scene.status(seat);
            let shown = scene.shows(house.bands[i]);
            let large = style == TextStyle::SeatLarge;
            if status >= SOLD
                || !shown && status != HELD
                || house.glyphs[i] != Glyph::Plain && (!large || status != HELD)
            {
                continue;
            }
            let colour = if status == HELD {
                palette.muted
            } else {
                on_band
                    .get(usize::from(house.bands[i]))
                    .copied()
                    .unwrap_or(palette.surface)
            };
            if let Some(mask) = texts.get(house.labels[i], style)
                && mask.width <= room
            {
                let (x, y) = sight.at(house.xs[i], house.ys[i]);
                centred(frame, mask, x, y, colour);
            }
        }
    }

    /// Names of rows, beyond both ends.
    pub(super) fn row_names(&mut self, sight: &Sight) {
        let Self {
            house,
            frame,
            stamps,
            texts,
            ..
        } = self;
        let muted = stamps.palette().muted;
        let seen = sight.plan(40.0 * sight.dpr);
        for block in house.blocks.iter().filter(|block| block.bounds.meets(seen)) {
            for row in &house.rows[block.rows.start as usize..block.rows.end as usize] {
                let (first, last) = (row.seats.start as usize, row.seats.end as usize);
                if last <= first {
                    continue;
                }
                for (end, inner) in [
                    (first, (first + 1).min(last - 1)),
                    (last - 1, first.max(last.saturating_sub(2))),
                ] {
                    let (ex, ey) = (house.xs[end], house.ys[end]);
                    let (mut dx, mut dy) = (ex - house.xs[inner], ey - house.ys[inner]);
                    let length = dx.hypot(dy);
                    if length < 1e-3 {
                        (dx, dy) = (if end == first { -1.0 } else { 1.0 }, 0.0);
                    } else {
                        (dx, dy) = (dx / length, dy / length);
                    }
                    let out = house.pitch * 0.95;
                    let (x, y) = sight.at(ex + dx * out, ey + dy * out);
                    let reach = 40.0 * sight.dpr;
                    let (cx, cy) = (sight.clip.x0 as f32, sight.clip.y0 as f32);
                    if x < cx - reach
                        || y < cy - reach
                        || x > sight.clip.x1 as f32 + reach
                        || y > sight.clip.y1 as f32 + reach
                    {
                        continue;
                    }
                    if let Some(mask) = texts.get(row.name, TextStyle::Row)
                        && (mask.width as f32) < sight.radius * 4.5
                    {
                        centred(frame, mask, x, y, muted);
                    }
                }
            }
        }
    }

    /// Name, lowest price and how full, on each section that has room for it.
    pub(super) fn block_names(&mut self, sight: &Sight, scene: &Scene<'_>) {
        self.lay_out_plates(sight, scene);
        let Self {
            house,
            frame,
            stamps,
            texts,
            plates,
            ..
        } = self;
        let palette = stamps.palette();
        let d = sight.dpr;
        let seen = sight.plan(60.0 * d);
        for (i, block) in house.blocks.iter().enumerate() {
            let Some(plate) = plates.all.get(i).copied().flatten() else {
                continue;
            };
            if !block.bounds.meets(seen) {
                continue;
            }
            let (x, y) = sight.at(block.label_at.0, block.label_at.1);
            let top = y - plate.height * 0.5;
            let half = plate.width * 0.5;
            let area = [x - half, top, x + half, top + plate.height];
            frame.plate(area, 5.0 * d, palette.surface, 0.9);
            // The first line is as high as a plate with nothing but a name.
            let line = plate.height.min(18.0 * d);
            if let Some(mask) = texts.get(plate.name, plate.style) {
                centred(frame, mask, x, top + line * 0.5, palette.ink);
            }
            if let Some(mask) = plate.note.and_then(|note| texts.get(note, TextStyle::Note)) {
                centred(frame, mask, x, top + 23.0 * d, palette.muted);
            }
            if plate.bar {
                let y0 = top + plate.height - 8.0 * d;
                let (x0, long) = (x - 14.0 * d, 28.0 * d);
                frame.plate(
                    [x0, y0, x0 + long, y0 + 3.0 * d],
                    1.5 * d,
                    palette.line,
                    1.0,
                );
                let share = scene.labels.get(i).map_or(0.0, |label| label.free);
                let free = long * share.clamp(0.0, 1.0);
                if free >= 1.0 {
                    let round = (1.5 * d).min(free * 0.5);
                    frame.plate([x0, y0, x0 + free, y0 + 3.0 * d], round, palette.ink, 1.0);
                }
            }
        }
    }

    /// Names of sections where seats are told apart: beside the seats, never on them.
    pub(super) fn captions(&mut self, sight: &Sight) {
        let Self {
            house,
            grid,
            frame,
            stamps,
            texts,
            ..
        } = self;
        let grid = grid.get_or_init(|| Grid::over(house));
        let muted = stamps.palette().muted;
        let d = sight.dpr;
        let seen = sight.plan(200.0 * d);
        for block in house.blocks.iter().filter(|block| block.bounds.meets(seen)) {
            let Some(mask) = texts.get(block.name, TextStyle::Name) else {
                continue;
            };
            let (half_w, half_h) = (mask.width as f32 * 0.5, mask.height as f32 * 0.5);
            let (x0, top) = sight.at(block.bounds.x0, block.bounds.y0);
            let (x1, bottom) = sight.at(block.bounds.x1, block.bounds.y1);
            let middle = (x0 + x1) * 0.5;
            let inside = half_h + 4.0 * d;
            let places = [
                sight.at(block.label_at.0, block.label_at.1),
                (middle, top + inside),
                (middle, bottom - inside),
                (middle, top - inside),
                (middle, bottom + inside),
            ];
            let clear = |&(x, y): &(f32, f32)| {
                let (w, h) = (half_w + sight.radius, half_h + sight.radius);
                let room = Rect {
                    x0: (x - w - sight.dx) / sight.scale,
                    y0: (y - h - sight.dy) / sight.scale,
                    x1: (x + w - sight.dx) / sight.scale,
                    y1: (y + h - sight.dy) / sight.scale,
                };
                let mut empty = true;
                grid.near(room, |seat| {
                    let (x, y) = (house.xs[seat as usize], house.ys[seat as usize]);
                    empty &= x < room.x0 || x > room.x1 || y < room.y0 || y > room.y1;
                });
                empty && !house.shapes.iter().any(|shape| shape.bounds.meets(room))
            };
            if let Some((x, y)) = places.into_iter().find(clear) {
                centred(frame, mask, x, y, muted);
            }
        }
    }

    /// Names of stage and areas.
    pub(super) fn outline_names(&mut self, sight: &Sight, scene: &Scene<'_>) {
        let Self {
            house,
            frame,
            stamps,
            texts,
            ..
        } = self;
        let palette = stamps.palette();
        let d = sight.dpr;
        let seen = sight.plan(4.0 * d);
        let fits = |shape: &Outline, mask: &Mask| {
            mask.width as f32 + 4.0 * d <= shape.bounds.width() * sight.scale
                && mask.height as f32 <= shape.bounds.height() * sight.scale
        };
        for (shape, note) in house.shapes.iter().map(|shape| (shape, None)).chain(
            house
                .areas
                .iter()
                .enumerate()
                .map(|(i, a)| (a, scene.area_notes.get(i).copied().flatten())),
        ) {
            let Some(name) = shape.name else { continue };
            if !shape.bounds.meets(seen) {
                continue;
            }
            let style = match (shape.stage, shape.band) {
                (true, _) => TextStyle::Stage,
                (_, Some(_)) => TextStyle::Name,
                _ => TextStyle::Note,
            };
            let colour = if style == TextStyle::Note {
                palette.muted
            } else {
                palette.ink
            };
            let (x, y) = sight.at(shape.label_at.0, shape.label_at.1);
            let room = shape.bounds.height() * sight.scale >= 40.0 * d;
            let lift = if note.is_some() && room { 8.0 * d } else { 0.0 };
            if let Some(mask) = texts.get(name, style)
                && fits(shape, mask)
            {
                centred(frame, mask, x, y - lift, colour);
            }
            if let Some(note) = note.filter(|_| room)
                && let Some(mask) = texts.get(note, TextStyle::Note)
                && fits(shape, mask)
            {
                centred(frame, mask, x, y + 9.0 * d, palette.muted);
            }
        }
    }
}

/// Writes a word with its middle at (x, y).
fn centred(frame: &mut Frame, mask: &Mask, x: f32, y: f32, colour: Colour) {
    let left = (x - mask.width as f32 * 0.5).round().clamp(-1e6, 1e6) as i32;
    let top = (y - mask.height as f32 * 0.5).round().clamp(-1e6, 1e6) as i32;
    frame.mask(mask, left, top, colour);
}
