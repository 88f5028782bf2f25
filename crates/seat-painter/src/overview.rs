//! The whole house on a stamp's size: sections by how full they are, and what part is being seen.

use crate::frame::Frame;
use crate::house::House;
use crate::look::{Colour, Palette};
use crate::viewport::Viewport;

/// A small picture of the house, drawn again only when it changes.
#[derive(Debug)]
pub struct Overview {
    base: Frame,
    scale: f32,
    dx: f32,
    dy: f32,
    ink: Colour,
    line: f32,
}

impl Overview {
    /// The house within `width` × `height` device pixels. `free` is the share of free seats of each
    /// section; sections it does not know count as full of free seats.
    #[must_use]
    pub fn draw(
        house: &House,
        palette: &Palette,
        free: &[f32],
        width: usize,
        height: usize,
        dpr: f32,
    ) -> Self {
        let mut base = Frame::new(width, height);
        base.clear(palette.surface);
        let pad = 5.0 * dpr;
        let bounds = house.bounds;
        let scale = ((width as f32 - 2.0 * pad) / bounds.width().max(1e-6))
            .min((height as f32 - 2.0 * pad) / bounds.height().max(1e-6));
        let dx = width as f32 * 0.5 - (bounds.x0 + bounds.x1) * 0.5 * scale;
        let dy = height as f32 * 0.5 - (bounds.y0 + bounds.y1) * 0.5 * scale;
        let mut path = Vec::new();
        let mut draw = |outline: &[(f32, f32)], fill: Colour, stroke: Colour| {
            path.clear();
            path.extend(
                outline
                    .iter()
                    .map(|&(x, y)| (x * scale + dx, y * scale + dy)),
            );
            base.fill_outline(&path, fill);
            base.stroke_outline(&path, dpr * 0.75, stroke);
        };
        for shape in &house.shapes {
            draw(
                &shape.outline,
                palette.surface.mixed(palette.ink, 0.12),
                palette.line,
            );
        }
        for shape in &house.areas {
            draw(
                &shape.outline,
                palette.surface.mixed(palette.muted, 0.4),
                palette.surface,
            );
        }
        for (i, block) in house.blocks.iter().enumerate() {
            let free = free.get(i).copied().unwrap_or(1.0).clamp(0.0, 1.0);
            let fill = palette.surface.mixed(palette.muted, 0.12 + 0.68 * free);
            draw(&block.outline, fill, palette.surface);
        }
        Self {
            base,
            scale,
            dx,
            dy,
            ink: palette.ink,
            line: 2.0 * dpr,
        }
    }

    /// The picture with a frame around what `view` shows.
    #[must_use]
    pub fn with_view(&self, view: &Viewport) -> Frame {
        let mut frame = self.base.clone();
        let seen = view.visible();
        let inset = self.line * 0.5;
        let limit = |v: f32, most: usize| v.clamp(inset, most as f32 - inset);
        let (x0, x1) = (
            limit(seen.x0 * self.scale + self.dx, frame.width()),
            limit(seen.x1 * self.scale + self.dx, frame.width()),
        );
        let (y0, y1) = (
            limit(seen.y0 * self.scale + self.dy, frame.height()),
            limit(seen.y1 * self.scale + self.dy, frame.height()),
        );
        frame.stroke_outline(
            &[(x0, y0), (x1, y0), (x1, y1), (x0, y1)],
            self.line,
            self.ink,
        );
        frame
    }

    /// The plan point under a device pixel of the picture.
    #[must_use]
    pub fn to_plan(&self, x: f64, y: f64) -> (f64, f64) {
        (
            (x - f64::from(self.dx)) / f64::from(self.scale),
            (y - f64::from(self.dy)) / f64::from(self.scale),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house::tests::small;

    #[test]
    fn a_point_of_the_picture_leads_to_the_same_place_in_the_house() {
        let house = small();
        let overview = Overview::draw(&house, &Palette::default(), &[], 140, 100, 1.0);
        let (x, y) = overview.to_plan(70.0, 50.0);
        let b = house.bounds;
        assert!((x - f64::from(b.x0 + b.x1) / 2.0).abs() < 1.0);
        assert!((y - f64::from(b.y0 + b.y1) / 2.0).abs() < 1.0);
    }

    #[test]
    fn what_is_seen_is_framed_even_where_the_view_is_larger_than_the_house() {
        let house = small();
        let palette = Palette::default();
        let overview = Overview::draw(&house, &palette, &[0.0, 1.0], 140, 100, 1.0);
        let mut view = Viewport::new(house.bounds, house.pitch, 800.0, 600.0, 1.0);
        let whole = overview.with_view(&view);
        assert!(whole.pixels().contains(&palette.ink.pixel()));
        view.zoom_at(8.0, 400.0, 300.0);
        assert_ne!(whole.pixels(), overview.with_view(&view).pixels());
    }
}
