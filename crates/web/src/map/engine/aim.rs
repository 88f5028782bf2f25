//! What is where on the map: under a finger, along the arrow keys, and how it is brought into sight.

use seat_painter::viewport::PICK_PITCH_CSS;
use seat_painter::{Direction, Grid, Rect, Scene, Viewport};

use super::{Engine, MapEvent};

/// Half of the smallest target, in CSS pixels.
const REACH_CSS: f64 = 22.0;

impl Engine {
    /// The seat under a point of the canvas (CSS pixels), as far as a finger reaches.
    pub(crate) fn seat_at(&self, x: f64, y: f64) -> Option<u32> {
        let dpr = self.view.dpr;
        let (px, py) = self.view.to_plan(x * dpr, y * dpr);
        // Not further than to the next but one seat: empty space between sections is empty.
        let reach = (REACH_CSS * dpr / self.view.scale).min(f64::from(self.house().pitch) * 1.6);
        let wanted = |seat: u32| self.status(seat) != 3;
        self.painter
            .grid()
            .nearest(self.house(), px as f32, py as f32, reach as f32, wanted)
    }

    /// Status of a seat as drawn.
    pub(crate) fn status(&self, seat: u32) -> u8 {
        Scene {
            packed: &self.packed,
            ..Scene::EMPTY
        }
        .status(seat)
    }

    /// The section or area under a point of the canvas (CSS pixels).
    pub(crate) fn block_at(&self, x: f64, y: f64) -> Option<usize> {
        let (px, py) = self.view.to_plan(x * self.view.dpr, y * self.view.dpr);
        self.house().block_at(px as f32, py as f32)
    }
    pub(crate) fn area_at(&self, x: f64, y: f64) -> Option<usize> {
        let (px, py) = self.view.to_plan(x * self.view.dpr, y * self.view.dpr);
        self.house().area_at(px as f32, py as f32)
    }

    /// What a tap at a point of the canvas (CSS pixels) does.
    pub(crate) fn tap(&mut self, x: f64, y: f64, now_ms: f64) -> Option<MapEvent> {
        if self.view.picks()
            && let Some(seat) = self.seat_at(x, y)
        {
            return Some(MapEvent::Pick(seat));
        }
        if let Some(area) = self.area_at(x, y) {
            return Some(MapEvent::PickArea(area));
        }
        if !self.view.picks() {
            let (px, py) = self.view.to_plan(x * self.view.dpr, y * self.view.dpr);
            let bounds = self
                .block_at(x, y)
                .map(|block| self.house().blocks[block].bounds);
            // What was marked far out means nothing near by.
            self.set_hover(None, None);
            self.glide(now_ms, |view| come_nearer(view, (px, py), bounds));
        }
        None
    }

    /// An arrow key: the seat it leads to, brought into sight.
    pub(crate) fn step(&mut self, direction: Direction, now_ms: f64) -> Option<u32> {
        let wanted = |seat: u32| self.status(seat) != 3;
        let seat = match self.focus {
            Some(from) => Grid::step(self.house(), from, direction, wanted)?,
            None => {
                let (mx, my) = self.view.middle_of_view();
                let (px, py) = self.view.to_plan(mx, my);
                let far = self
                    .house()
                    .bounds
                    .width()
                    .hypot(self.house().bounds.height());
                self.painter
                    .grid()
                    .nearest(self.house(), px as f32, py as f32, far, wanted)?
            }
        };
        self.set_focus(Some(seat));
        self.reveal(seat, now_ms);
        Some(seat)
    }

    /// Brings a seat into sight, near enough to be seen.
    pub(crate) fn reveal(&mut self, seat: u32, now_ms: f64) {
        let house = self.house();
        let Some((&x, &y)) = house.xs.get(seat as usize).zip(house.ys.get(seat as usize)) else {
            return;
        };
        let (x, y) = (f64::from(x), f64::from(y));
        self.glide(now_ms, |view| {
            if view.picks() {
                view.reveal(x, y);
            } else {
                view.look_at(x, y, PICK_PITCH_CSS + 7.0);
            }
        });
    }

    /// Brings several seats into sight.
    pub(crate) fn reveal_all(&mut self, seats: &[u32], now_ms: f64) {
        let house = self.house();
        let mut rect = Rect::NOTHING;
        for &seat in seats {
            if let Some((&x, &y)) = house.xs.get(seat as usize).zip(house.ys.get(seat as usize)) {
                rect.hold(x, y);
            }
        }
        if !rect.is_nothing() {
            let around = rect.grown(house.pitch * 6.0);
            self.glide(now_ms, |view| view.look_at_rect(around));
        }
    }
}

/// Closer to what was tapped: the whole section if its seats can then be told apart, else the place
/// itself. Where no section is, a step closer, so that the way there stays in sight.
fn come_nearer(view: &mut Viewport, at: (f64, f64), section: Option<Rect>) {
    const READABLE: f64 = PICK_PITCH_CSS + 3.0;
    let Some(section) = section else {
        let (x, y) = view.to_screen(at.0, at.1);
        return view.zoom_at(2.0, x, y);
    };
    let mut near = *view;
    near.look_at_rect(section);
    if near.css_pitch() >= READABLE {
        *view = near;
    } else {
        view.look_at(at.0, at.1, READABLE + 4.0);
    }
}
