//! Stamps: small pictures of a seat, drawn once for each size and state and then copied.

use crate::look::{Colour, Palette};

/// One cell of a stamp: a premultiplied colour and how much of what lies below shows through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// Premultiplied; alpha in the highest byte.
    pub colour: u32,
    /// 256 − alpha (as 0–256).
    pub keep: u32,
}

/// A small picture with soft edges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    width: usize,
    height: usize,
    /// Where its middle is, from its top left corner, in whole pixels.
    pub origin: (i32, i32),
    cells: Vec<Cell>,
    /// The cells that have ink, by their distance from the first one in a buffer `stride` wide; for
    /// small stamps only.
    dots: Vec<(u32, Cell)>,
    stride: usize,
}

/// A shape around the middle of a stamp; lengths in device pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// A filled circle.
    Disc {
        /// Its radius.
        radius: f32,
    },
    /// A circle's line; `radius` to the middle of the line.
    Ring {
        /// Its radius.
        radius: f32,
        /// Its thickness.
        width: f32,
    },
    /// A thick line with round ends, between two points relative to the middle.
    Stroke {
        /// One end.
        from: (f32, f32),
        /// The other.
        to: (f32, f32),
        /// Its thickness.
        width: f32,
    },
    /// A small disc away from the middle.
    Spot {
        /// Where.
        at: (f32, f32),
        /// Its radius.
        radius: f32,
    },
    /// Part of a circle's line: the lower right three quarters, as the wheel of a wheelchair sign.
    Wheel {
        /// Where its middle is.
        at: (f32, f32),
        /// Its radius.
        radius: f32,
        /// Its thickness.
        width: f32,
    },
}

impl Shape {
    /// Distance from (x, y) to the shape's edge: negative inside.
    fn distance(self, x: f32, y: f32) -> f32 {
        let from_middle = |(cx, cy): (f32, f32)| ((x - cx).powi(2) + (y - cy).powi(2)).sqrt();
        match self {
            Self::Disc { radius } => from_middle((0.0, 0.0)) - radius,
            Self::Spot { at, radius } => from_middle(at) - radius,
            Self::Ring { radius, width } => (from_middle((0.0, 0.0)) - radius).abs() - width * 0.5,
            Self::Wheel { at, radius, width } => {
                let ring = (from_middle(at) - radius).abs() - width * 0.5;
                // Cut away what is up and to the right.
                let cut = (x - at.0).min(at.1 - y) * 0.9 + width * 0.2;
                ring.max(if x > at.0 && y < at.1 {
                    cut
                } else {
                    f32::NEG_INFINITY
                })
            }
            Self::Stroke { from, to, width } => {
                let (dx, dy) = (to.0 - from.0, to.1 - from.1);
                let length = (dx * dx + dy * dy).max(1e-6);
                let t = (((x - from.0) * dx + (y - from.1) * dy) / length).clamp(0.0, 1.0);
                from_middle((from.0 + dx * t, from.1 + dy * t)) - width * 0.5
            }
        }
    }
    /// How far it reaches from the middle.
    fn reach(self) -> f32 {
        let far = |(x, y): (f32, f32)| (x * x + y * y).sqrt();
        match self {
            Self::Disc { radius } => radius,
            Self::Ring { radius, width } => radius + width * 0.5,
            Self::Stroke { from, to, width } => far(from).max(far(to)) + width * 0.5,
            Self::Spot { at, radius } => far(at) + radius,
            Self::Wheel { at, radius, width } => far(at) + radius + width * 0.5,
        }
    }
}

/// A shape in a colour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ink {
    /// What.
    pub shape: Shape,
    /// In which colour.
    pub colour: Colour,
    /// How opaque, 0.0–1.0.
    pub share: f32,
}

impl Stamp {
    /// Draws `inks` one over the other. `phase` moves the middle by a part of a pixel (0.0–1.0), so
    /// that small dots can stand between pixels and rows do not look torn.
    #[must_use]
    pub fn draw(inks: &[Ink], phase: (f32, f32)) -> Self {
        let reach = inks
            .iter()
            .map(|ink| ink.shape.reach())
            .fold(0.0_f32, f32::max)
            + 0.5;
        let side = |phase: f32| {
            let before = (reach - phase).ceil().max(0.0) as i32;
            let after = (reach + phase).ceil().max(1.0) as i32;
            (before, (before + after) as usize)
        };
        let ((left, width), (up, height)) = (side(phase.0), side(phase.1));
        let mut cells = Vec::with_capacity(width * height);
        for row in 0..height {
            for column in 0..width {
                let x = column as f32 + 0.5 - left as f32 - phase.0;
                let y = row as f32 + 0.5 - up as f32 - phase.1;
                let mut rgba = [0.0_f32; 4];
                for ink in inks {
                    let share = (0.5 - ink.shape.distance(x, y)).clamp(0.0, 1.0) * ink.share;
                    if share > 0.0 {
                        let Colour { red, green, blue } = ink.colour;
                        for (to, from) in rgba.iter_mut().zip([red, green, blue, 255]) {
                            *to = *to * (1.0 - share) + f32::from(from) * share;
                        }
                    }
                }
                let bytes = rgba.map(|v| (v + 0.5) as u8);
                let alpha = u32::from(bytes[3]);
                // No part may be above alpha, or laying it over white would overflow.
                let bytes = bytes.map(|v| v.min(bytes[3]));
                cells.push(Cell {
                    colour: u32::from_le_bytes(bytes),
                    keep: 256 - (alpha + (alpha >> 7)),
                });
            }
        }
        Self {
            width,
            height,
            origin: (left, up),
            cells,
            dots: Vec::new(),
            stride: 0,
        }
    }
    /// Prepares a small stamp for buffers `stride` pixels wide.
    #[must_use]
    pub fn for_stride(mut self, stride: usize) -> Self {
        if self.cells.len() <= MOST_DOTS {
            let width = self.width;
            self.dots = (self.cells.iter().enumerate())
                .filter(|(_, cell)| cell.keep != 256)
                .map(|(i, &cell)| ((i / width * stride + i % width) as u32, cell))
                .collect();
            self.stride = stride;
        }
        self
    }
    /// The cells that have ink, if the stamp was prepared for this width of buffer.
    #[inline]
    #[must_use]
    pub fn dots(&self, stride: usize) -> Option<&[(u32, Cell)]> {
        (self.stride == stride).then_some(&self.dots)
    }
    /// Columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }
    /// Rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }
    /// One row of cells.
    #[inline]
    #[must_use]
    pub fn row(&self, row: usize) -> &[Cell] {
        &self.cells[row * self.width..(row + 1) * self.width]
    }
}

/// What a seat looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Look {
    /// Free: a filled dot in the band's colour.
    Free = 0,
    /// Free, but not among the bands asked for.
    Dimmed = 1,
    /// Held by somebody: hollow.
    Held = 2,
    /// A wheelchair space, free.
    Wheelchair = 3,
    /// A companion seat, free.
    Companion = 4,
    /// Sold: a small grey dot.
    Sold = 5,
    /// Chosen by this fan: an ink disc with a tick and a ring.
    Yours = 6,
}

/// Stamps of no more cells than this are copied cell by cell.
const MOST_DOTS: usize = 49;
const LOOKS: usize = 7;
const SETS_KEPT: usize = 24;

/// The stamps of one seat size, made when first needed.
#[derive(Debug)]
struct StampSet {
    /// Radius in quarter pixels.
    size: u32,
    stamps: Vec<Option<Stamp>>,
}

/// All stamps in use. Sizes are rounded to quarter, half or whole pixels, and the sets least
/// recently begun are dropped.
#[derive(Debug)]
pub struct StampBook {
    palette: Palette,
    dpr: f32,
    bands: usize,
    stride: usize,
    sets: Vec<StampSet>,
}

/// How a size is drawn: the radius after rounding, and how many steps there are between pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    quarters: u32,
    /// Steps between two pixels: 4, 2 or 1.
    pub phases: u32,
}

impl Size {
    /// Rounds a radius in device pixels.
    #[must_use]
    pub fn of(radius: f32) -> Self {
        let quarters = (radius * 4.0).round().clamp(3.0, 4_000.0) as u32;
        let (quarters, phases) = match quarters {
            0..=12 => (quarters, 4),
            13..=32 => (quarters / 2 * 2, 2),
            _ => (quarters / 4 * 4, 1),
        };
        Self { quarters, phases }
    }
    /// The radius in device pixels.
    #[must_use]
    pub fn radius(self) -> f32 {
        self.quarters as f32 / 4.0
    }
}

impl StampBook {
    /// No stamps yet.
    #[must_use]
    pub fn new(palette: Palette, dpr: f32, bands: usize, stride: usize) -> Self {
        Self {
            palette,
            dpr,
            bands: bands.max(1),
            stride,
            sets: Vec::new(),
        }
    }
    /// The colours in use.
    #[must_use]
    pub fn palette(&self) -> &Palette {
        &self.palette
    }
    /// Which set draws `size`; makes room for it if it is new.
    pub fn open(&mut self, size: Size) -> usize {
        if let Some(i) = self.sets.iter().position(|set| set.size == size.quarters) {
            return i;
        }
        if self.sets.len() >= SETS_KEPT {
            self.sets.remove(0);
        }
        let stamps = (0..LOOKS * self.bands * 16).map(|_| None).collect();
        self.sets.push(StampSet {
            size: size.quarters,
            stamps,
        });
        self.sets.len() - 1
    }
    /// The stamp of a seat. `set` comes from [`open`](Self::open); phases are below `size.phases`.
    #[inline]
    pub fn get(
        &mut self,
        set: usize,
        size: Size,
        look: Look,
        band: u8,
        phase: (u32, u32),
    ) -> &Stamp {
        let band = usize::from(band).min(self.bands - 1);
        let slot = (look as usize * self.bands + band) * 16 + (phase.1 * 4 + phase.0) as usize;
        if self.sets[set].stamps[slot].is_none() {
            let step = 1.0 / size.phases as f32;
            let phase = (phase.0 as f32 * step, phase.1 as f32 * step);
            let inks = self.inks(look, band as u8, size.radius());
            self.sets[set].stamps[slot] = Some(Stamp::draw(&inks, phase).for_stride(self.stride));
        }
        match &self.sets[set].stamps[slot] {
            Some(stamp) => stamp,
            None => unreachable!("made above"),
        }
    }

    /// What a look consists of at a radius.
    fn inks(&self, look: Look, band: u8, radius: f32) -> Vec<Ink> {
        let palette = &self.palette;
        let colour = palette.band(band);
        let css = radius / self.dpr;
        let ink = |shape, colour, share| Ink {
            shape,
            colour,
            share,
        };
        let disc = |radius, colour| ink(Shape::Disc { radius }, colour, 1.0);
        match look {
            Look::Free => vec![disc(radius, colour)],
            Look::Dimmed => vec![disc(radius * 0.8, palette.surface.mixed(colour, 0.16))],
            Look::Sold => {
                vec![disc(
                    (radius * 0.38).max(0.6 * self.dpr),
                    palette.surface.mixed(palette.muted, 0.5),
                )]
            }
            // Too small for a hole: a paler dot says "not quite free" without pretending to be one.
            Look::Held if css < 1.6 => {
                vec![disc(radius * 0.85, palette.surface.mixed(colour, 0.38))]
            }
            Look::Held => {
                let width = (radius * 0.26).clamp(0.9 * self.dpr, 2.5 * self.dpr);
                vec![
                    disc(radius - width * 0.5, palette.surface),
                    ink(
                        Shape::Ring {
                            radius: radius - width * 0.5,
                            width,
                        },
                        colour,
                        0.75,
                    ),
                ]
            }
            Look::Wheelchair | Look::Companion => {
                let mut inks = vec![disc(radius, colour)];
                if css >= 3.5 {
                    let on = colour.reader(palette.surface, palette.ink);
                    let glyph = if look == Look::Wheelchair {
                        wheelchair(radius)
                    } else {
                        companion(radius)
                    };
                    inks.extend(glyph.into_iter().map(|shape| ink(shape, on, 1.0)));
                }
                inks
            }
            // No wider than half the way to the neighbour, who may be yours as well.
            Look::Yours => {
                let ring = (radius * 0.17).max(0.9 * self.dpr);
                let mut inks = vec![
                    disc(radius * 1.06 + ring, palette.surface),
                    ink(
                        Shape::Ring {
                            radius: radius * 1.06 + ring * 0.5,
                            width: ring,
                        },
                        palette.ink,
                        1.0,
                    ),
                    disc(radius * 0.88, palette.ink),
                ];
                if css >= 2.5 {
                    let width = (radius * 0.26).max(1.0);
                    let corner = (-0.12 * radius, 0.34 * radius);
                    for (from, to) in [
                        ((-0.46 * radius, 0.02 * radius), corner),
                        (corner, (0.46 * radius, -0.34 * radius)),
                    ] {
                        inks.push(ink(Shape::Stroke { from, to, width }, palette.surface, 1.0));
                    }
                }
                inks
            }
        }
    }
}

/// The wheelchair sign, drawn to stand inside a disc of radius `r`.
fn wheelchair(r: f32) -> Vec<Shape> {
    let width = (0.13 * r).max(1.0);
    let p = |x: f32, y: f32| (x * r, y * r);
    vec![
        Shape::Spot {
            at: p(-0.12, -0.58),
            radius: 0.14 * r,
        },
        Shape::Stroke {
            from: p(-0.10, -0.36),
            to: p(-0.04, 0.06),
            width: width * 1.2,
        },
        Shape::Stroke {
            from: p(-0.07, -0.14),
            to: p(0.26, -0.14),
            width,
        },
        Shape::Stroke {
            from: p(-0.04, 0.06),
            to: p(0.30, 0.08),
            width: width * 1.1,
        },
        Shape::Stroke {
            from: p(0.30, 0.08),
            to: p(0.44, 0.44),
            width,
        },
        Shape::Wheel {
            at: p(-0.08, 0.26),
            radius: 0.36 * r,
            width,
        },
    ]
}

/// Two people side by side: a seat for whoever comes along.
fn companion(r: f32) -> Vec<Shape> {
    let width = 0.26 * r;
    let mut shapes = Vec::new();
    for side in [-0.3, 0.3] {
        shapes.push(Shape::Spot {
            at: (side * r, -0.36 * r),
            radius: 0.17 * r,
        });
        shapes.push(Shape::Stroke {
            from: (side * r, 0.02 * r),
            to: (side * r, 0.4 * r),
            width,
        });
    }
    shapes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weight(stamp: &Stamp) -> f32 {
        (0..stamp.height())
            .flat_map(|y| stamp.row(y))
            .map(|c| (256 - c.keep) as f32 / 256.0)
            .sum()
    }

    #[test]
    fn a_dot_weighs_the_same_wherever_it_stands_between_pixels() {
        for radius in [1.0_f32, 1.75, 3.0, 6.0] {
            let area = std::f32::consts::PI * radius * radius;
            for phase in [(0.0, 0.0), (0.25, 0.5), (0.75, 0.75)] {
                let ink = Ink {
                    shape: Shape::Disc { radius },
                    colour: Colour::new(1, 2, 3),
                    share: 1.0,
                };
                let got = weight(&Stamp::draw(&[ink], phase));
                assert!(
                    (got - area).abs() < area * 0.12 + 0.3,
                    "{radius} {phase:?}: {got} {area}"
                );
            }
        }
    }

    #[test]
    fn every_state_looks_different_at_every_size_it_is_drawn() {
        let palette = Palette::default();
        for radius in [0.75_f32, 1.5, 4.0, 9.0, 20.0] {
            let mut book = StampBook::new(palette.clone(), 1.0, 4, 640);
            let size = Size::of(radius);
            let set = book.open(size);
            let all = [
                Look::Free,
                Look::Dimmed,
                Look::Held,
                Look::Sold,
                Look::Yours,
            ];
            let stamps: Vec<Stamp> = all
                .iter()
                .map(|&l| book.get(set, size, l, 1, (0, 0)).clone())
                .collect();
            for i in 0..stamps.len() {
                for j in 0..i {
                    assert_ne!(
                        stamps[i], stamps[j],
                        "{:?} and {:?} at {radius}",
                        all[i], all[j]
                    );
                }
            }
        }
    }

    #[test]
    fn wheelchair_and_companion_carry_their_sign_once_it_can_be_seen() {
        let mut book = StampBook::new(Palette::default(), 1.0, 2, 640);
        let size = Size::of(8.0);
        let set = book.open(size);
        let plain = book.get(set, size, Look::Free, 0, (0, 0)).clone();
        let wheel = book.get(set, size, Look::Wheelchair, 0, (0, 0)).clone();
        let along = book.get(set, size, Look::Companion, 0, (0, 0)).clone();
        assert_ne!(plain, wheel);
        assert_ne!(plain, along);
        assert_ne!(wheel, along);
    }

    #[test]
    fn the_book_keeps_a_bounded_number_of_sizes() {
        let mut book = StampBook::new(Palette::default(), 2.0, 8, 640);
        for i in 0..500 {
            let size = Size::of(1.0 + i as f32);
            let set = book.open(size);
            book.get(set, size, Look::Sold, 0, (0, 0));
        }
        assert!(book.sets.len() <= SETS_KEPT);
    }
}
