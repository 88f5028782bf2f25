//! Paints a scene: background, outlines, seats, names, and what is marked, in that order.

use crate::frame::Frame;
use crate::geometry::{Clip, Rect};
use crate::grid::Grid;
use crate::house::{Glyph, House};
use crate::look::{Colour, Palette};
use crate::scene::Scene;
use crate::stamp::{Look, Size, StampBook};
use crate::text::{Mask, Missing, TextBook, TextId};
use crate::viewport::Viewport;
use std::cell::OnceCell;

/// Names of sections are written while seats are closer together than this (CSS pixels).
const NAMES_BELOW: f64 = 6.0;
/// Names of rows are written from here on.
const ROWS_FROM: f64 = 12.0;
/// Seat labels are written from here on.
const LABELS_FROM: f64 = 19.0;
/// Radius of a seat as a share of the distance between neighbours.
const RADIUS_SHARE: f32 = 0.40;
/// What is yours is never smaller than this (CSS pixels).
const YOURS_RADIUS: f32 = 5.0;

/// Statuses as packed in a public view.
const HELD: u8 = 1;
const SOLD: u8 = 2;
const CLOSED: u8 = 3;

/// The pixel buffer together with everything that is made once and used for every frame.
#[derive(Debug)]
pub struct Painter {
    house: House,
    /// Made when it is first asked for: a first frame of the whole house needs none.
    grid: OnceCell<Grid>,
    frame: Frame,
    stamps: StampBook,
    texts: TextBook,
    plates: plates::Plates,
    /// The colour in which a band's seats carry their label.
    on_band: Vec<Colour>,
    path: Vec<(f32, f32)>,
    found: Vec<u32>,
    dpr: f32,
}

/// How plan units become device pixels in this frame.
#[derive(Clone, Copy)]
struct Sight {
    scale: f32,
    dx: f32,
    dy: f32,
    dpr: f32,
    css_pitch: f64,
    size: Size,
    radius: f32,
    clip: Clip,
}

impl Sight {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (x * self.scale + self.dx, y * self.scale + self.dy)
    }
    /// The part of the plan that can put ink into the clip, `reach` device pixels around it.
    fn plan(&self, reach: f32) -> Rect {
        let x = |px: f32| (px - self.dx) / self.scale;
        let y = |py: f32| (py - self.dy) / self.scale;
        Rect {
            x0: x(self.clip.x0 as f32 - reach),
            y0: y(self.clip.y0 as f32 - reach),
            x1: x(self.clip.x1 as f32 + reach),
            y1: y(self.clip.y1 as f32 + reach),
        }
    }
}

impl Painter {
    /// A painter of `house` in `palette`'s colours. Call [`resize`](Self::resize) before painting.
    #[must_use]
    pub fn new(house: House, palette: Palette) -> Self {
        let mut painter = Self {
            house,
            grid: OnceCell::new(),
            frame: Frame::new(1, 1),
            stamps: StampBook::new(palette.clone(), 1.0, 1, 1),
            texts: TextBook::default(),
            plates: plates::Plates::default(),
            on_band: Vec::new(),
            path: Vec::new(),
            found: Vec::new(),
            dpr: 1.0,
        };
        painter.set_palette(palette);
        painter
    }
    /// The house.
    #[must_use]
    pub fn house(&self) -> &House {
        &self.house
    }
    /// The seats by place.
    #[must_use]
    pub fn grid(&self) -> &Grid {
        self.grid.get_or_init(|| Grid::over(&self.house))
    }
    /// The pixels.
    #[must_use]
    pub fn frame(&self) -> &Frame {
        &self.frame
    }
    /// The colours in use.
    #[must_use]
    pub fn palette(&self) -> &Palette {
        self.stamps.palette()
    }
    /// The number of a word, new or known.
    pub fn text_id(&mut self, text: &str) -> TextId {
        self.house.text_id(text)
    }
    /// Other colours.
    pub fn set_palette(&mut self, palette: Palette) {
        let bands = self.house.band_count;
        self.on_band = (0..bands)
            .map(|b| palette.band(b as u8).reader(palette.surface, palette.ink))
            .collect();
        self.stamps = StampBook::new(palette, self.dpr, bands, self.frame.width());
    }
    /// Another size of canvas, in device pixels.
    pub fn resize(&mut self, width: usize, height: usize, dpr: f32) {
        let same_size = (width, height) == (self.frame.width(), self.frame.height());
        let same_dpr = (dpr - self.dpr).abs() <= 1e-4;
        if same_size && same_dpr {
            return;
        }
        if !same_size {
            self.frame = Frame::new(width, height);
        }
        if !same_dpr {
            self.dpr = dpr;
            self.texts.forget();
        }
        let (palette, stride) = (self.stamps.palette().clone(), self.frame.width());
        self.stamps = StampBook::new(palette, self.dpr, self.on_band.len(), stride);
    }
    /// Words met while painting that have no mask yet.
    pub fn take_missing(&mut self) -> Vec<Missing> {
        self.texts.take_missing()
    }
    /// Gives a word its mask.
    pub fn put_mask(&mut self, of: Missing, mask: Mask) {
        self.texts.put(of, mask);
    }
    /// Forgets all masks (another font has arrived).
    pub fn forget_masks(&mut self) {
        self.texts.forget();
    }

    fn sight(&self, view: &Viewport, clip: Clip) -> Sight {
        let scale = view.scale as f32;
        let css_pitch = view.css_pitch();
        let least = if css_pitch < 3.0 { 0.8 * self.dpr } else { 0.0 };
        let size = Size::of((self.house.pitch * scale * RADIUS_SHARE).max(least));
        Sight {
            scale,
            dx: view.shift_x as f32,
            dy: view.shift_y as f32,
            dpr: self.dpr,
            css_pitch,
            size,
            radius: size.radius(),
            clip,
        }
    }

    /// The pixels that a change of the status of `seat` can touch, if it carries no mark.
    #[must_use]
    pub fn seat_clip(&self, view: &Viewport, seat: u32) -> Clip {
        let sight = self.sight(view, self.frame.whole());
        self.around(&sight, seat, sight.radius + 2.0)
    }

    /// The pixels that a change of `seat` can touch, all marks included: yours, pointer, keyboard.
    #[must_use]
    pub fn mark_clip(&self, view: &Viewport, seat: u32) -> Clip {
        let sight = self.sight(view, self.frame.whole());
        self.around(&sight, seat, reach_of_yours(&sight) + 8.0 * self.dpr)
    }

    /// The pixels no further from `seat` than `reach`.
    fn around(&self, sight: &Sight, seat: u32, reach: f32) -> Clip {
        let i = seat as usize;
        let (x, y) = sight.at(self.house.xs[i], self.house.ys[i]);
        let bound = |v: f32| v.clamp(-1e6, 1e6) as i32;
        Clip {
            x0: bound((x - reach).floor()),
            y0: bound((y - reach).floor()),
            x1: bound((x + reach).ceil()),
            y1: bound((y + reach).ceil()),
        }
        .and(self.frame.whole())
    }

    /// The pixels of a section's outline and label.
    #[must_use]
    pub fn block_clip(&self, view: &Viewport, block: usize) -> Clip {
        let sight = self.sight(view, self.frame.whole());
        let Some(block) = self.house.blocks.get(block) else {
            return self.frame.whole();
        };
        let (x0, y0) = sight.at(block.bounds.x0, block.bounds.y0);
        let (x1, y1) = sight.at(block.bounds.x1, block.bounds.y1);
        let bound = |v: f32| v.clamp(-1e6, 1e6) as i32;
        let reach = 4.0 * self.dpr;
        Clip {
            x0: bound((x0 - reach).floor()),
            y0: bound((y0 - reach).floor()),
            x1: bound((x1 + reach).ceil()),
            y1: bound((y1 + reach).ceil()),
        }
        .and(self.frame.whole())
    }

    /// Paints everything.
    pub fn paint(&mut self, view: &Viewport, scene: &Scene<'_>) {
        self.paint_clip(view, scene, self.frame.whole());
    }

    /// Paints a rectangle; the result is the same as painting everything there.
    pub fn paint_clip(&mut self, view: &Viewport, scene: &Scene<'_>, clip: Clip) {
        let clip = clip.and(self.frame.whole());
        if clip.is_empty() {
            return;
        }
        self.frame.set_clip(clip);
        let sight = self.sight(view, clip);
        let paper = self.stamps.palette().paper;
        self.frame.clear(paper);
        self.ground(&sight, scene);
        self.seats(&sight, scene);
        self.words(&sight, scene);
        self.marks(&sight, scene);
        let whole = self.frame.whole();
        self.frame.set_clip(whole);
    }

    /// Everything that is written at this distance.
    fn words(&mut self, sight: &Sight, scene: &Scene<'_>) {
        if sight.css_pitch >= LABELS_FROM {
            self.seat_labels(sight, scene);
        }
        if sight.css_pitch >= ROWS_FROM {
            self.row_names(sight);
        }
        if sight.css_pitch < NAMES_BELOW {
            self.block_names(sight, scene);
        } else if sight.css_pitch < LABELS_FROM {
            self.captions(sight);
        }
        self.outline_names(sight, scene);
    }

    /// Notes which words painting would miss, without touching a pixel: for a first frame, that is
    /// cheaper than painting twice. Ask until nothing is missing, for whether there is room for a
    /// note depends on the name above it.
    pub fn look_for_words(&mut self, view: &Viewport, scene: &Scene<'_>) {
        let whole = self.frame.whole();
        let nothing = Clip {
            x1: whole.x0,
            ..whole
        };
        self.frame.set_clip(nothing);
        let sight = self.sight(view, whole);
        self.words(&sight, scene);
        self.frame.set_clip(whole);
    }

    /// Outlines of everything, filled and stroked.
    fn ground(&mut self, sight: &Sight, scene: &Scene<'_>) {
        let Self {
            house,
            frame,
            stamps,
            path,
            ..
        } = self;
        let palette = stamps.palette();
        let seen = sight.plan(4.0 * sight.dpr);
        let width = sight.dpr;
        let mut draw =
            |outline: &[(f32, f32)], bounds: Rect, fill: Colour, stroke: Colour, width| {
                if bounds.meets(seen) {
                    path.clear();
                    path.extend(outline.iter().map(|&(x, y)| sight.at(x, y)));
                    frame.fill_outline(path, fill);
                    frame.stroke_outline(path, width, stroke);
                }
            };
        for shape in &house.shapes {
            let fill = palette
                .paper
                .mixed(palette.ink, if shape.stage { 0.10 } else { 0.04 });
            let stroke = palette
                .paper
                .mixed(palette.ink, if shape.stage { 0.35 } else { 0.15 });
            draw(&shape.outline, shape.bounds, fill, stroke, width);
        }
        for area in &house.areas {
            let colour = palette.band(area.band.unwrap_or(0));
            let shown = area.band.is_none_or(|band| scene.shows(band));
            let fill = palette
                .surface
                .mixed(colour, if shown { 0.14 } else { 0.03 });
            let stroke = palette.surface.mixed(colour, if shown { 0.8 } else { 0.2 });
            draw(&area.outline, area.bounds, fill, stroke, width * 1.5);
        }
        for (i, block) in house.blocks.iter().enumerate() {
            let hot = scene.hot_block == Some(i);
            let stroke = if hot { palette.ink } else { palette.line };
            let width = if hot { width * 2.0 } else { width };
            draw(&block.outline, block.bounds, palette.surface, stroke, width);
        }
    }

    /// The seats; fading ones last so that the old look lies over the new one.
    fn seats(&mut self, sight: &Sight, scene: &Scene<'_>) {
        let Self {
            house,
            grid,
            frame,
            stamps,
            found,
            ..
        } = self;
        let set = stamps.open(sight.size);
        let reach = sight.radius + 2.0;
        let seen = sight.plan(reach);
        let part = sight.clip.area() * 4 < frame.whole().area();
        let mut put = |seat: u32, i: usize| {
            let (x, y) = (house.xs[i], house.ys[i]);
            if x < seen.x0 || x > seen.x1 || y < seen.y0 || y > seen.y1 {
                return;
            }
            let band = house.bands[i];
            if let Some(look) = look_of(scene.status(seat), house.glyphs[i], scene.shows(band)) {
                put_stamp(frame, stamps, set, sight, look, band, (x, y));
            }
        };
        if part {
            found.clear();
            let grid = grid.get_or_init(|| Grid::over(house));
            grid.near(seen, |seat| found.push(seat));
            found.sort_unstable();
            for &seat in found.iter() {
                put(seat, seat as usize);
            }
        } else {
            for block in house.blocks.iter().filter(|block| block.bounds.meets(seen)) {
                for seat in block.seats.clone() {
                    put(seat, seat as usize);
                }
            }
        }
        for fade in scene.fades {
            let i = fade.seat as usize;
            let Some(&band) = house.bands.get(i) else {
                continue;
            };
            let Some(look) = look_of(fade.from, house.glyphs[i], scene.shows(band)) else {
                continue;
            };
            let (place, phase) = place_of(sight, house.xs[i], house.ys[i]);
            let stamp = stamps.get(set, sight.size, look, band, phase);
            let share = (fade.left.clamp(0.0, 1.0) * 256.0) as u32;
            frame.stamp_faded(
                stamp,
                place.0 - stamp.origin.0,
                place.1 - stamp.origin.1,
                share,
            );
        }
    }

    /// What is yours, the seat under the pointer and the seat the keyboard is at.
    fn marks(&mut self, sight: &Sight, scene: &Scene<'_>) {
        let Self {
            house,
            frame,
            stamps,
            ..
        } = self;
        let size = Size::of(sight.radius.max(YOURS_RADIUS * sight.dpr));
        let set = stamps.open(size);
        let yours = Sight {
            size,
            radius: size.radius(),
            ..*sight
        };
        for &seat in scene.yours {
            if let (Some(&x), Some(&y)) = (house.xs.get(seat as usize), house.ys.get(seat as usize))
            {
                put_stamp(frame, stamps, set, &yours, Look::Yours, 0, (x, y));
            }
        }
        let palette = stamps.palette();
        let (ink, paper) = (palette.ink, palette.surface);
        let d = sight.dpr;
        for (seat, width) in [(scene.hover, 2.0 * d), (scene.focus, 3.0 * d)] {
            let Some(seat) = seat.map(|seat| seat as usize) else {
                continue;
            };
            let (Some(&x), Some(&y)) = (house.xs.get(seat), house.ys.get(seat)) else {
                continue;
            };
            let (x, y) = sight.at(x, y);
            let mine = scene.yours.contains(&(seat as u32));
            let radius = if mine {
                reach_of_yours(sight)
            } else {
                sight.radius.max(5.0 * d)
            } + width;
            frame.ring(x, y, radius, width + 2.0 * d, paper);
            frame.ring(x, y, radius, width, ink);
        }
    }
}

/// How far what is yours reaches from its middle.
fn reach_of_yours(sight: &Sight) -> f32 {
    let radius = sight.radius.max(YOURS_RADIUS * sight.dpr);
    radius * 1.06 + (radius * 0.17).max(0.9 * sight.dpr) + 1.0
}

/// How a seat with a status is drawn, if at all.
#[inline]
fn look_of(status: u8, glyph: Glyph, shown: bool) -> Option<Look> {
    match (status, shown) {
        (CLOSED, _) => None,
        (SOLD, _) => Some(Look::Sold),
        (_, false) => Some(Look::Dimmed),
        (HELD, true) => Some(Look::Held),
        (_, true) => Some(match glyph {
            Glyph::Plain => Look::Free,
            Glyph::Wheelchair => Look::Wheelchair,
            Glyph::Companion => Look::Companion,
        }),
    }
}

/// The whole pixel and the step between pixels at which a seat stands.
#[inline]
fn place_of(sight: &Sight, x: f32, y: f32) -> ((i32, i32), (u32, u32)) {
    let phases = sight.size.phases;
    let steps = phases as f32;
    let (sx, sy) = sight.at(x, y);
    let (qx, qy) = ((sx * steps).floor() as i32, (sy * steps).floor() as i32);
    let shift = phases.trailing_zeros();
    let low = phases as i32 - 1;
    (
        (qx >> shift, qy >> shift),
        ((qx & low) as u32, (qy & low) as u32),
    )
}

#[inline]
fn put_stamp(
    frame: &mut Frame,
    stamps: &mut StampBook,
    set: usize,
    sight: &Sight,
    look: Look,
    band: u8,
    at: (f32, f32),
) {
    let (place, phase) = place_of(sight, at.0, at.1);
    let stamp = stamps.get(set, sight.size, look, band, phase);
    frame.speck(stamp, place.0 - stamp.origin.0, place.1 - stamp.origin.1);
}

mod names;
mod plates;

#[cfg(test)]
mod tests;
