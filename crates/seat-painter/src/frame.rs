//! The pixel buffer and the few things that can be drawn into it. Every operation keeps to the
//! clip; nothing outside it changes, whatever the coordinates.

use crate::geometry::Clip;
use crate::look::Colour;
use crate::stamp::Stamp;
use crate::text::Mask;

/// Most pixels on a side; a canvas could not be larger anyway.
pub const MAX_SIDE: usize = 16_384;

/// Opaque RGBA pixels, row by row, red in the lowest byte.
#[derive(Clone, Debug)]
pub struct Frame {
    width: usize,
    height: usize,
    pixels: Vec<u32>,
    clip: Clip,
    /// Kept between calls, so that filling allocates nothing.
    crossings: Vec<(i32, f32, i32)>,
    /// A row of one colour, to copy from.
    ruler: Vec<u32>,
}

/// Lays a premultiplied pixel over an opaque one; `keep` is 256 − its alpha.
#[inline]
fn over(below: u32, above: u32, keep: u32) -> u32 {
    let red_blue = (((below & 0x00ff_00ff) * keep) >> 8) & 0x00ff_00ff;
    let green = (((below >> 8) & 0x0000_00ff) * keep) & 0x0000_ff00;
    (above + (red_blue | green)) | 0xff00_0000
}

/// Mixes `share`/256 of `colour` into `below`.
#[inline]
fn mix(below: u32, colour: u32, share: u32) -> u32 {
    let keep = 256 - share;
    let red_blue =
        (((below & 0x00ff_00ff) * keep + (colour & 0x00ff_00ff) * share) >> 8) & 0x00ff_00ff;
    let green = (((below >> 8 & 0xff) * keep + (colour >> 8 & 0xff) * share) & 0xff00) & 0xff00;
    red_blue | green | 0xff00_0000
}

impl Frame {
    /// A buffer without a colour: [`clear`](Self::clear) it first. Sides are kept within 1 and
    /// [`MAX_SIDE`].
    #[must_use]
    pub fn new(width: usize, height: usize) -> Self {
        let (width, height) = (width.clamp(1, MAX_SIDE), height.clamp(1, MAX_SIDE));
        let clip = Clip {
            x0: 0,
            y0: 0,
            x1: width as i32,
            y1: height as i32,
        };
        Self {
            width,
            height,
            pixels: vec![0; width * height],
            clip,
            crossings: Vec::new(),
            ruler: Vec::new(),
        }
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
    /// The pixels.
    #[must_use]
    pub fn pixels(&self) -> &[u32] {
        &self.pixels
    }
    /// The pixels as bytes R, G, B, A: what `ImageData` takes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        bytemuck::cast_slice(&self.pixels)
    }
    /// The whole buffer as a clip.
    #[must_use]
    pub fn whole(&self) -> Clip {
        Clip {
            x0: 0,
            y0: 0,
            x1: self.width as i32,
            y1: self.height as i32,
        }
    }
    /// Where drawing has an effect now.
    #[must_use]
    pub fn clip(&self) -> Clip {
        self.clip
    }
    /// Restricts drawing.
    pub fn set_clip(&mut self, clip: Clip) {
        self.clip = clip.and(self.whole());
    }

    /// Fills the clip.
    pub fn clear(&mut self, colour: Colour) {
        self.fill(self.clip, colour);
    }

    /// Fills a rectangle of whole pixels.
    pub fn fill(&mut self, area: Clip, colour: Colour) {
        let area = area.and(self.clip);
        if area.is_empty() {
            return;
        }
        self.take_up(colour);
        for y in area.y0..area.y1 {
            self.draw_along(y, area.x0, area.x1);
        }
    }

    /// Makes the ruler `colour`.
    fn take_up(&mut self, colour: Colour) {
        let pixel = colour.pixel();
        if self.ruler.first() != Some(&pixel) {
            self.ruler.clear();
            self.ruler.resize(self.width, pixel);
        }
    }

    /// Copies the ruler over the pixels `x0..x1` of row `y`; both must be inside the clip. Copying
    /// is the machine's own work, also in a browser that has not optimised this program yet.
    #[inline]
    fn draw_along(&mut self, y: i32, x0: i32, x1: i32) {
        let start = y as usize * self.width;
        let to = &mut self.pixels[start + x0 as usize..start + x1 as usize];
        to.copy_from_slice(&self.ruler[..to.len()]);
    }

    /// The pixels `x0..x1` of row `y`; both must be inside the clip.
    #[inline]
    fn span(&mut self, y: i32, x0: i32, x1: i32) -> &mut [u32] {
        let start = y as usize * self.width;
        &mut self.pixels[start + x0 as usize..start + x1 as usize]
    }

    /// Copies a stamp whose top left corner is at (x, y).
    #[inline]
    pub fn stamp(&mut self, stamp: &Stamp, x: i32, y: i32) {
        let (w, h) = (stamp.width() as i32, stamp.height() as i32);
        let x0 = x.max(self.clip.x0);
        let x1 = (x + w).min(self.clip.x1);
        let y0 = y.max(self.clip.y0);
        let y1 = (y + h).min(self.clip.y1);
        if x0 >= x1 || y0 >= y1 {
            return;
        }
        let skip = (x0 - x) as usize;
        let count = (x1 - x0) as usize;
        for row in y0..y1 {
            let from = &stamp.row((row - y) as usize)[skip..skip + count];
            let start = row as usize * self.width + x0 as usize;
            let to = &mut self.pixels[start..start + count];
            for (below, cell) in to.iter_mut().zip(from) {
                *below = over(*below, cell.colour, cell.keep);
            }
        }
    }

    /// Copies a small stamp cell by cell: only those that have ink, by their distance from the first
    /// pixel. Far out this is done fifty thousand times a frame.
    #[inline]
    pub fn speck(&mut self, stamp: &Stamp, x: i32, y: i32) {
        let inside = x >= self.clip.x0
            && y >= self.clip.y0
            && x + stamp.width() as i32 <= self.clip.x1
            && y + stamp.height() as i32 <= self.clip.y1;
        let Some(dots) = stamp.dots(self.width).filter(|_| inside) else {
            return self.stamp(stamp, x, y);
        };
        let start = y as usize * self.width + x as usize;
        for &(offset, cell) in dots {
            let below = &mut self.pixels[start + offset as usize];
            *below = over(*below, cell.colour, cell.keep);
        }
    }

    /// Like [`stamp`](Self::stamp), but `share`/256 as strong.
    pub fn stamp_faded(&mut self, stamp: &Stamp, x: i32, y: i32, share: u32) {
        let share = share.min(256);
        let area = Clip {
            x0: x,
            y0: y,
            x1: x + stamp.width() as i32,
            y1: y + stamp.height() as i32,
        }
        .and(self.clip);
        for row in area.y0..area.y1.max(area.y0) {
            if area.is_empty() {
                return;
            }
            let from = &stamp.row((row - y) as usize)[(area.x0 - x) as usize..];
            for (below, cell) in self.span(row, area.x0, area.x1).iter_mut().zip(from) {
                *below = mix(*below, over(*below, cell.colour, cell.keep), share);
            }
        }
    }

    /// Lays `colour` over where the mask is, its top left corner at (x, y).
    pub fn mask(&mut self, mask: &Mask, x: i32, y: i32, colour: Colour) {
        let (w, h) = (mask.width as i32, mask.height as i32);
        let area = Clip {
            x0: x,
            y0: y,
            x1: x + w,
            y1: y + h,
        }
        .and(self.clip);
        if area.is_empty() {
            return;
        }
        let pixel = colour.pixel();
        for row in area.y0..area.y1 {
            let start = (row - y) as usize * mask.width + (area.x0 - x) as usize;
            let from = &mask.alpha[start..];
            for (below, &alpha) in self.span(row, area.x0, area.x1).iter_mut().zip(from) {
                if alpha != 0 {
                    let alpha = u32::from(alpha);
                    *below = mix(*below, pixel, alpha + (alpha >> 7));
                }
            }
        }
    }

    /// Fills a closed outline (non-zero winding). Edges are whole pixels: stroke it for smooth ones.
    pub fn fill_outline(&mut self, outline: &[(f32, f32)], colour: Colour) {
        let Some(&last) = outline.last() else { return };
        self.take_up(colour);
        // Where each edge crosses the middle of a row of pixels: row, x, direction.
        let mut crossings = core::mem::take(&mut self.crossings);
        crossings.clear();
        let mut a = last;
        for &b in outline {
            let (high, low, turn) = if a.1 < b.1 { (a, b, 1) } else { (b, a, -1) };
            let first = ((high.1 - 0.5).ceil().max(-1e6) as i32).max(self.clip.y0);
            let after = ((low.1 - 0.5).ceil().min(1e6) as i32).min(self.clip.y1);
            let slope = (low.0 - high.0) / (low.1 - high.1);
            for y in first..after {
                crossings.push((y, high.0 + (y as f32 + 0.5 - high.1) * slope, turn));
            }
            a = b;
        }
        crossings.sort_unstable_by(|p, q| p.0.cmp(&q.0).then(p.1.total_cmp(&q.1)));
        let mut winding = 0;
        let mut from = 0.0;
        for &(y, x, turn) in &crossings {
            if winding == 0 {
                from = x;
            }
            winding += turn;
            if winding == 0 {
                let x0 = ((from + 0.5).floor() as i32).max(self.clip.x0);
                let x1 = ((x + 0.5).floor() as i32).min(self.clip.x1);
                if x0 < x1 {
                    self.draw_along(y, x0, x1);
                }
            }
        }
        self.crossings = crossings;
    }

    /// Strokes a closed outline with smooth edges.
    pub fn stroke_outline(&mut self, outline: &[(f32, f32)], width: f32, colour: Colour) {
        let Some(&last) = outline.last() else { return };
        let mut a = last;
        for &b in outline {
            self.line(a, b, width, colour);
            a = b;
        }
    }

    /// A straight line with smooth edges and flat ends.
    pub fn line(&mut self, a: (f32, f32), b: (f32, f32), width: f32, colour: Colour) {
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let length = (dx * dx + dy * dy).sqrt();
        if length < 0.01 {
            return;
        }
        let pixel = colour.pixel();
        // Step along the longer axis; at each step cover what the line covers of the other one.
        let steep = dy.abs() > dx.abs();
        let (along, across) = if steep { (dy, dx) } else { (dx, dy) };
        let slope = across / along;
        let half = width * 0.5 * length / along.abs();
        let (mut p, mut q) = if steep {
            ((a.1, a.0), (b.1, b.0))
        } else {
            (a, b)
        };
        if p.0 > q.0 {
            core::mem::swap(&mut p, &mut q);
        }
        let (low, high) = if steep {
            (self.clip.y0, self.clip.y1)
        } else {
            (self.clip.x0, self.clip.x1)
        };
        let (side_low, side_high) = if steep {
            (self.clip.x0, self.clip.x1)
        } else {
            (self.clip.y0, self.clip.y1)
        };
        // The end pixel belongs to the next segment, so that a closed outline has no double corners.
        let from = (p.0.floor().max(-1e6) as i32).max(low);
        let to = ((q.0.floor().min(1e6)) as i32).min(high - 1);
        for i in from..=to {
            let middle = p.1 + (i as f32 + 0.5 - p.0) * slope;
            let (lo, hi) = (middle - half, middle + half);
            let first = (lo.floor().max(-1e6) as i32).max(side_low);
            let last = (hi.floor().min(1e6) as i32).min(side_high - 1);
            for j in first..=last {
                let covered = (hi.min(j as f32 + 1.0) - lo.max(j as f32)).clamp(0.0, 1.0);
                let (x, y) = if steep { (j, i) } else { (i, j) };
                let below = &mut self.pixels[y as usize * self.width + x as usize];
                *below = mix(*below, pixel, (covered * 256.0) as u32);
            }
        }
    }

    /// A ring around (x, y), `radius` measured to the middle of its line.
    pub fn ring(&mut self, x: f32, y: f32, radius: f32, width: f32, colour: Colour) {
        let reach = radius + width * 0.5 + 1.0;
        self.shade(
            x - reach,
            y - reach,
            x + reach,
            y + reach,
            colour,
            |px, py| {
                let d = ((px - x).powi(2) + (py - y).powi(2)).sqrt();
                width * 0.5 + 0.5 - (d - radius).abs()
            },
        );
    }

    /// A rectangle with round corners, `share` 0.0–1.0 opaque.
    pub fn plate(&mut self, area: [f32; 4], radius: f32, colour: Colour, share: f32) {
        let [x0, y0, x1, y1] = area;
        let (cx, cy) = ((x0 + x1) * 0.5, (y0 + y1) * 0.5);
        let (hx, hy) = ((x1 - x0) * 0.5 - radius, (y1 - y0) * 0.5 - radius);
        self.shade(x0, y0, x1, y1, colour, |px, py| {
            let (qx, qy) = ((px - cx).abs() - hx, (py - cy).abs() - hy);
            let (ox, oy) = (qx.max(0.0), qy.max(0.0));
            let d = (ox * ox + oy * oy).sqrt() + qx.max(qy).min(0.0) - radius;
            (0.5 - d).clamp(0.0, 1.0) * share
        });
    }

    /// Mixes `colour` by what `cover` says of each pixel's middle, within a box.
    fn shade(
        &mut self,
        x0: f32,
        y0: f32,
        x1: f32,
        y1: f32,
        colour: Colour,
        cover: impl Fn(f32, f32) -> f32,
    ) {
        let bound = |v: f32| v.clamp(-1e6, 1e6) as i32;
        let area = Clip {
            x0: bound(x0.floor()),
            y0: bound(y0.floor()),
            x1: bound(x1.ceil()) + 1,
            y1: bound(y1.ceil()) + 1,
        }
        .and(self.clip);
        if area.is_empty() {
            return;
        }
        let pixel = colour.pixel();
        for y in area.y0..area.y1 {
            for (i, below) in self.span(y, area.x0, area.x1).iter_mut().enumerate() {
                let share = cover((area.x0 + i as i32) as f32 + 0.5, y as f32 + 0.5);
                if share > 0.0 {
                    *below = mix(*below, pixel, (share.min(1.0) * 256.0) as u32);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stamp::{Ink, Shape, Stamp};

    const RED: Colour = Colour::new(200, 30, 40);
    const BLUE: Colour = Colour::new(20, 60, 220);

    fn dot(radius: f32) -> Stamp {
        Stamp::draw(
            &[Ink {
                shape: Shape::Disc { radius },
                colour: RED,
                share: 1.0,
            }],
            (0.0, 0.0),
        )
    }

    #[test]
    fn nothing_outside_the_clip_ever_changes() {
        let clip = Clip {
            x0: 10,
            y0: 12,
            x1: 25,
            y1: 20,
        };
        let mut frame = Frame::new(40, 30);
        frame.clear(BLUE);
        frame.set_clip(clip);
        let stamp = dot(6.0);
        let mask = Mask {
            width: 12,
            height: 9,
            baseline: 7,
            alpha: vec![255; 108],
        };
        for (x, y) in [(-50, -50), (5, 8), (20, 15), (38, 28), (900, 3), (-8, 14)] {
            frame.stamp(&stamp, x, y);
            frame.stamp_faded(&stamp, x, y, 128);
            frame.mask(&mask, x, y, RED);
            frame.ring(x as f32, y as f32, 9.0, 3.0, RED);
            frame.plate(
                [x as f32, y as f32, x as f32 + 30.0, y as f32 + 9.0],
                3.0,
                RED,
                0.9,
            );
            frame.line((x as f32, y as f32), (33.0, 29.0), 2.0, RED);
        }
        let big = [
            (-900.0, -900.0),
            (900.0, -500.0),
            (700.0, 900.0),
            (-300.0, 800.0),
        ];
        frame.fill_outline(&big, RED);
        frame.stroke_outline(&big, 2.0, RED);
        for y in 0..30 {
            for x in 0..40 {
                let outside = x < clip.x0 || x >= clip.x1 || y < clip.y0 || y >= clip.y1;
                if outside {
                    assert_eq!(
                        frame.pixels()[(y * 40 + x) as usize],
                        BLUE.pixel(),
                        "{x},{y}"
                    );
                }
            }
        }
        assert_eq!(
            frame.pixels()[15 * 40 + 15],
            RED.pixel(),
            "inside it was drawn"
        );
    }

    #[test]
    fn every_pixel_stays_opaque() {
        let mut frame = Frame::new(32, 32);
        frame.clear(Colour::new(255, 255, 255));
        frame.stamp(&dot(7.3), 4, 4);
        frame.stamp_faded(&dot(7.3), 12, 9, 77);
        frame.ring(16.0, 16.0, 8.0, 3.0, BLUE);
        assert!(frame.pixels().iter().all(|p| p >> 24 == 255));
        assert_eq!(frame.bytes().len(), 32 * 32 * 4);
    }

    #[test]
    fn a_full_cover_gives_exactly_the_colour_asked_for() {
        let mut frame = Frame::new(30, 30);
        frame.clear(Colour::new(251, 250, 246));
        frame.stamp(&dot(8.0), 5, 5);
        let middle = dot(8.0).width() / 2 + 5;
        assert_eq!(frame.pixels()[middle * 30 + middle], RED.pixel());
        frame.plate([0.0, 0.0, 30.0, 30.0], 4.0, BLUE, 1.0);
        assert_eq!(frame.pixels()[15 * 30 + 15], BLUE.pixel());
    }

    #[test]
    fn an_outline_fills_as_many_pixels_as_its_area() {
        let mut frame = Frame::new(100, 100);
        frame.clear(BLUE);
        frame.fill_outline(
            &[(10.0, 10.0), (60.0, 10.0), (60.0, 40.0), (10.0, 40.0)],
            RED,
        );
        let red = frame.pixels().iter().filter(|&&p| p == RED.pixel()).count();
        assert_eq!(red, 50 * 30);
    }
}
