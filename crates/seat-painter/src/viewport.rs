//! Where in the house we look: a scale and a shift, from plan units to device pixels.

use crate::geometry::Rect;

/// Seats are never drawn further apart than this, in CSS pixels.
pub const MAX_PITCH_CSS: f64 = 56.0;
/// From this distance on a tap picks a seat; below it, a tap comes nearer.
pub const PICK_PITCH_CSS: f64 = 15.0;
/// Where a tap from far out brings you.
pub const NEAR_PITCH_CSS: f64 = 30.0;

/// Room left around the whole house, in CSS pixels.
const FIT_MARGIN_CSS: f64 = 22.0;
/// How much of the view may stay empty on one side while panning.
const PAN_SLACK: f64 = 0.25;

/// Space along the edges that something else covers, in device pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Insets {
    /// Left.
    pub left: f64,
    /// Top.
    pub top: f64,
    /// Right.
    pub right: f64,
    /// Bottom.
    pub bottom: f64,
}

/// A view of the house.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Viewport {
    /// Columns of device pixels.
    pub width: f64,
    /// Rows of device pixels.
    pub height: f64,
    /// Device pixels in a CSS pixel.
    pub dpr: f64,
    /// Device pixels in a plan unit.
    pub scale: f64,
    /// Where plan x = 0 falls, in device pixels.
    pub shift_x: f64,
    /// Where plan y = 0 falls, in device pixels.
    pub shift_y: f64,
    insets: Insets,
    bounds: Rect,
    pitch: f64,
}

impl Viewport {
    /// A view of the whole of `bounds`, seats `pitch` apart.
    #[must_use]
    pub fn new(bounds: Rect, pitch: f32, width: f64, height: f64, dpr: f64) -> Self {
        let mut view = Self {
            width: width.max(1.0),
            height: height.max(1.0),
            dpr: dpr.max(0.1),
            scale: 1.0,
            shift_x: 0.0,
            shift_y: 0.0,
            insets: Insets::default(),
            bounds,
            pitch: f64::from(pitch).max(1e-6),
        };
        view.fit();
        view
    }
    /// The scale at which the whole house is seen.
    #[must_use]
    pub fn fit_scale(&self) -> f64 {
        let margin = 2.0 * FIT_MARGIN_CSS * self.dpr;
        let w = (self.width - self.insets.left - self.insets.right - margin).max(1.0);
        let h = (self.height - self.insets.top - self.insets.bottom - margin).max(1.0);
        let (bw, bh) = (
            f64::from(self.bounds.width()),
            f64::from(self.bounds.height()),
        );
        (w / bw.max(1e-6))
            .min(h / bh.max(1e-6))
            .min(self.max_scale())
    }
    /// The largest scale.
    #[must_use]
    pub fn max_scale(&self) -> f64 {
        MAX_PITCH_CSS * self.dpr / self.pitch
    }
    /// Shows the whole house.
    pub fn fit(&mut self) {
        self.scale = self.fit_scale();
        let (cx, cy) = self.middle_of_view();
        let b = self.bounds;
        self.shift_x = cx - f64::from(b.x0 + b.x1) * 0.5 * self.scale;
        self.shift_y = cy - f64::from(b.y0 + b.y1) * 0.5 * self.scale;
    }
    /// The middle of what is not covered, in device pixels.
    #[must_use]
    pub fn middle_of_view(&self) -> (f64, f64) {
        (
            (self.insets.left + self.width - self.insets.right) * 0.5,
            (self.insets.top + self.height - self.insets.bottom) * 0.5,
        )
    }
    /// How far in we are: 1.0 shows the whole house.
    #[must_use]
    pub fn zoom(&self) -> f64 {
        self.scale / self.fit_scale()
    }
    /// Distance between neighbours on the screen, in CSS pixels.
    #[must_use]
    pub fn css_pitch(&self) -> f64 {
        self.pitch * self.scale / self.dpr
    }
    /// Whether a tap picks (rather than comes nearer).
    #[must_use]
    pub fn picks(&self) -> bool {
        self.css_pitch() >= PICK_PITCH_CSS || self.scale >= self.max_scale() * 0.999
    }
    /// The plan point under a device pixel.
    #[must_use]
    pub fn to_plan(&self, x: f64, y: f64) -> (f64, f64) {
        (
            (x - self.shift_x) / self.scale,
            (y - self.shift_y) / self.scale,
        )
    }
    /// The device pixel over a plan point.
    #[must_use]
    pub fn to_screen(&self, x: f64, y: f64) -> (f64, f64) {
        (x * self.scale + self.shift_x, y * self.scale + self.shift_y)
    }
    /// What part of the plan is seen.
    #[must_use]
    pub fn visible(&self) -> Rect {
        let (x0, y0) = self.to_plan(0.0, 0.0);
        let (x1, y1) = self.to_plan(self.width, self.height);
        Rect {
            x0: x0 as f32,
            y0: y0 as f32,
            x1: x1 as f32,
            y1: y1 as f32,
        }
    }
    /// Moves what is seen by device pixels.
    pub fn pan(&mut self, dx: f64, dy: f64) {
        self.shift_x += dx;
        self.shift_y += dy;
        self.keep_in_sight(PAN_SLACK);
    }
    /// Multiplies the scale, keeping the plan point under device pixel (x, y) where it is.
    pub fn zoom_at(&mut self, factor: f64, x: f64, y: f64) {
        let (px, py) = self.to_plan(x, y);
        self.set_scale(self.scale * factor);
        self.shift_x = x - px * self.scale;
        self.shift_y = y - py * self.scale;
        // Going out ends with the whole house in the middle, without a jump on the way.
        self.keep_in_sight(if factor < 1.0 { 0.0 } else { PAN_SLACK });
    }
    fn set_scale(&mut self, scale: f64) {
        let low = self.fit_scale();
        self.scale = scale.clamp(low, self.max_scale().max(low));
    }
    /// Puts a plan point into the middle, neighbours `css_pitch` CSS pixels apart.
    pub fn look_at(&mut self, x: f64, y: f64, css_pitch: f64) {
        self.set_scale(css_pitch * self.dpr / self.pitch);
        let (cx, cy) = self.middle_of_view();
        self.shift_x = cx - x * self.scale;
        self.shift_y = cy - y * self.scale;
        self.keep_in_sight(PAN_SLACK);
    }
    /// Shows a rectangle of the plan with some room around it.
    pub fn look_at_rect(&mut self, rect: Rect) {
        let w = (self.width - self.insets.left - self.insets.right).max(1.0);
        let h = (self.height - self.insets.top - self.insets.bottom).max(1.0);
        let (rw, rh) = (
            f64::from(rect.width()).max(1e-6),
            f64::from(rect.height()).max(1e-6),
        );
        let scale = (w / rw).min(h / rh) * 0.92;
        let css_pitch = scale * self.pitch / self.dpr;
        let (x, y) = (
            f64::from(rect.x0 + rect.x1) * 0.5,
            f64::from(rect.y0 + rect.y1) * 0.5,
        );
        self.look_at(x, y, css_pitch.min(NEAR_PITCH_CSS));
    }
    /// Brings a plan point into sight, moving no more than needed.
    pub fn reveal(&mut self, x: f64, y: f64) {
        let margin = 60.0 * self.dpr;
        let (sx, sy) = self.to_screen(x, y);
        let nudge = |at: f64, low: f64, high: f64| {
            if high - low < 2.0 * margin {
                (low + high) * 0.5 - at
            } else {
                at.clamp(low + margin, high - margin) - at
            }
        };
        let dx = nudge(sx, self.insets.left, self.width - self.insets.right);
        let dy = nudge(sy, self.insets.top, self.height - self.insets.bottom);
        self.pan(dx, dy);
    }
    /// The middle of the view always shows some of the house: `slack` is how much of the view may
    /// stay empty on one side.
    fn keep_in_sight(&mut self, slack: f64) {
        let (cx, cy) = self.middle_of_view();
        let (px, py) = self.to_plan(cx, cy);
        let scale = self.scale;
        let keep = |p: f64, low: f32, high: f32, free: f64| {
            let (low, high) = (f64::from(low), f64::from(high));
            let margin = ((0.5 - slack) * free.max(0.0) / scale).min((high - low) * 0.5);
            p.clamp(low + margin, high - margin)
        };
        let b = self.bounds;
        let kx = keep(
            px,
            b.x0,
            b.x1,
            self.width - self.insets.left - self.insets.right,
        );
        let ky = keep(
            py,
            b.y0,
            b.y1,
            self.height - self.insets.top - self.insets.bottom,
        );
        self.shift_x = cx - kx * self.scale;
        self.shift_y = cy - ky * self.scale;
    }
    /// Another size of canvas, or other covers: the middle stays where it was; what was whole stays
    /// whole.
    pub fn resize(&mut self, width: f64, height: f64, dpr: f64, insets: Insets) {
        let whole = self.zoom() < 1.001;
        let (cx, cy) = self.middle_of_view();
        let middle = self.to_plan(cx, cy);
        let css_pitch = self.css_pitch();
        self.width = width.max(1.0);
        self.height = height.max(1.0);
        self.dpr = dpr.max(0.1);
        self.insets = insets;
        if whole {
            self.fit();
        } else {
            self.look_at(middle.0, middle.1, css_pitch);
        }
    }
    /// Part of the way to `other`, 0.0–1.0: scale in equal steps of proportion, so that motion
    /// looks even.
    #[must_use]
    pub fn towards(&self, other: &Self, share: f64) -> Self {
        let mut view = *other;
        let t = share.clamp(0.0, 1.0);
        if t >= 1.0 {
            return view;
        }
        view.scale = self.scale * (other.scale / self.scale).powf(t);
        // Move the plan point in the middle along a line that matches the scale.
        let (cx, cy) = other.middle_of_view();
        let (a, b) = (self.to_plan(cx, cy), other.to_plan(cx, cy));
        let grow = other.scale / self.scale;
        let s = if (grow - 1.0).abs() < 1e-6 {
            t
        } else {
            (1.0 - self.scale / view.scale) / (1.0 - 1.0 / grow)
        };
        view.shift_x = cx - (a.0 + (b.0 - a.0) * s) * view.scale;
        view.shift_y = cy - (a.1 + (b.1 - a.1) * s) * view.scale;
        view
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> Viewport {
        let bounds = Rect {
            x0: -500.0,
            y0: 100.0,
            x1: 9500.0,
            y1: 6100.0,
        };
        Viewport::new(bounds, 100.0, 1280.0, 800.0, 1.0)
    }

    #[test]
    fn at_first_the_whole_house_is_in_sight_and_centred() {
        let v = view();
        let (x0, y0) = v.to_screen(-500.0, 100.0);
        let (x1, y1) = v.to_screen(9500.0, 6100.0);
        assert!(x0 >= -0.01 && y0 >= -0.01 && x1 <= 1280.01 && y1 <= 800.01);
        assert!((x0 - (1280.0 - x1)).abs() < 0.01);
        assert!((v.zoom() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn zooming_keeps_the_point_under_the_finger() {
        let mut v = view();
        let under = v.to_plan(700.0, 390.0);
        v.zoom_at(3.0, 700.0, 390.0);
        let after = v.to_plan(700.0, 390.0);
        assert!((under.0 - after.0).abs() < 1e-6 && (under.1 - after.1).abs() < 1e-6);
    }

    #[test]
    fn zoom_stops_at_the_whole_house_and_at_the_largest_seats() {
        let mut v = view();
        v.zoom_at(1e9, 640.0, 400.0);
        assert!((v.css_pitch() - MAX_PITCH_CSS).abs() < 1e-6);
        v.zoom_at(1e-9, 640.0, 400.0);
        assert!((v.zoom() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_house_cannot_be_pushed_out_of_sight() {
        let mut v = view();
        v.zoom_at(4.0, 640.0, 400.0);
        for (dx, dy) in [(1e7, 0.0), (-1e7, 0.0), (0.0, 1e7), (0.0, -1e7)] {
            v.pan(dx, dy);
            let (px, py) = v.to_plan(640.0, 400.0);
            assert!((-500.0..=9500.0).contains(&px) && (100.0..=6100.0).contains(&py));
        }
    }

    #[test]
    fn revealing_a_point_brings_it_clear_of_the_covered_edge() {
        let mut v = view();
        v.resize(
            1280.0,
            800.0,
            1.0,
            Insets {
                bottom: 300.0,
                ..Insets::default()
            },
        );
        v.look_at(1000.0, 1000.0, 30.0);
        v.reveal(6000.0, 5000.0);
        let (x, y) = v.to_screen(6000.0, 5000.0);
        assert!(
            (0.0..1280.0).contains(&x) && (0.0..500.0).contains(&y),
            "{x} {y}"
        );
    }

    #[test]
    fn a_turned_phone_still_shows_the_same_middle() {
        let mut v = view();
        v.zoom_at(5.0, 640.0, 400.0);
        let before = v.to_plan(640.0, 400.0);
        let pitch = v.css_pitch();
        v.resize(800.0, 1280.0, 1.0, Insets::default());
        let after = v.to_plan(400.0, 640.0);
        assert!((before.0 - after.0).abs() < 1.0 && (before.1 - after.1).abs() < 1.0);
        assert!((v.css_pitch() - pitch).abs() < 1e-6);
    }

    #[test]
    fn motion_begins_and_ends_where_it_should() {
        let a = view();
        let mut b = view();
        b.look_at(2000.0, 2000.0, 30.0);
        let start = a.towards(&b, 0.0);
        assert!((start.scale - a.scale).abs() < 1e-9 && (start.shift_x - a.shift_x).abs() < 1e-6);
        assert_eq!(a.towards(&b, 1.0), b);
        let half = a.towards(&b, 0.5);
        assert!(half.scale > a.scale && half.scale < b.scale);
    }
}
