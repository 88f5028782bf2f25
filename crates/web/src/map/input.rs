//! Fingers, mouse, wheel and keys on the canvas, turned into motions of the view and taps.

use std::cell::RefCell;
use std::rc::Rc;

use seat_painter::Direction;
use web_sys::{KeyboardEvent, PointerEvent, WheelEvent};

use super::engine::MapEvent;
use super::running::Map;
use crate::browser::stopwatch_ms;

/// A pointer that moves less than this (CSS pixels) has tapped.
const SLOP: f64 = 7.0;
/// How much one press of + zooms.
pub(crate) const ZOOM_STEP: f64 = 1.6;

/// A finger (or the mouse, pressed) on the canvas.
#[derive(Clone, Copy)]
struct Finger {
    id: i32,
    x: f64,
    y: f64,
    start: (f64, f64),
    moved: bool,
}

/// What is going on under the fingers.
#[derive(Clone, Default)]
pub(crate) struct Hands(Rc<RefCell<Vec<Finger>>>);

impl Hands {
    /// A finger touches.
    pub(crate) fn down(&self, map: &Map, event: &PointerEvent) {
        if event.button() != 0 {
            return;
        }
        let (x, y) = place(event);
        let _ = map.read(|engine| engine.canvas().set_pointer_capture(event.pointer_id()));
        let mut fingers = self.0.borrow_mut();
        fingers.retain(|finger| finger.id != event.pointer_id());
        if fingers.len() < 2 {
            fingers.push(Finger {
                id: event.pointer_id(),
                x,
                y,
                start: (x, y),
                moved: false,
            });
        }
        if fingers.len() == 2 {
            for finger in fingers.iter_mut() {
                finger.moved = true;
            }
        }
    }

    /// A finger moves, or the mouse without a button.
    pub(crate) fn moved(&self, map: &Map, event: &PointerEvent) {
        let (x, y) = place(event);
        let mut fingers = self.0.borrow_mut();
        let before = fingers.clone();
        let Some(finger) = fingers
            .iter_mut()
            .find(|finger| finger.id == event.pointer_id())
        else {
            drop(fingers);
            if event.pointer_type() != "touch" {
                hover(map, x, y);
            }
            return;
        };
        (finger.x, finger.y) = (x, y);
        let far = (x - finger.start.0).hypot(y - finger.start.1) > SLOP;
        let begun = far && !finger.moved;
        finger.moved |= far;
        let moving = finger.moved;
        let after = fingers.clone();
        drop(fingers);
        if !moving {
            return;
        }
        if begun {
            map.with(|engine| engine.set_hover(None, None));
            map.tell(MapEvent::Hover(None));
        }
        map.with(|engine| {
            let dpr = engine.view.dpr;
            engine.look(|view| match (before.as_slice(), after.as_slice()) {
                ([a], [b]) => view.pan((b.x - a.x) * dpr, (b.y - a.y) * dpr),
                ([a, b], [c, d]) => {
                    let spread = |p: &Finger, q: &Finger| (p.x - q.x).hypot(p.y - q.y).max(1.0);
                    let (mx, my) = ((c.x + d.x) * 0.5, (c.y + d.y) * 0.5);
                    let (ox, oy) = ((a.x + b.x) * 0.5, (a.y + b.y) * 0.5);
                    view.pan((mx - ox) * dpr, (my - oy) * dpr);
                    view.zoom_at(spread(c, d) / spread(a, b), mx * dpr, my * dpr);
                }
                _ => {}
            });
        });
        map.tell(MapEvent::Moved);
    }

    /// A finger is lifted: a tap if it has hardly moved.
    pub(crate) fn up(&self, map: &Map, event: &PointerEvent) {
        let mut fingers = self.0.borrow_mut();
        let Some(i) = fingers
            .iter()
            .position(|finger| finger.id == event.pointer_id())
        else {
            return;
        };
        let finger = fingers.remove(i);
        drop(fingers);
        if !finger.moved {
            let asked = map.with(|engine| engine.tap(finger.x, finger.y, stopwatch_ms()));
            if let Some(event) = asked {
                map.tell(event);
            }
        }
    }

    /// The browser took the finger away.
    pub(crate) fn lost(&self, event: &PointerEvent) {
        self.0
            .borrow_mut()
            .retain(|finger| finger.id != event.pointer_id());
    }
}

/// The pointer has left the canvas. A lifted finger "leaves" too, but what it tapped stays shown.
pub(crate) fn left(map: &Map, event: &PointerEvent) {
    if event.pointer_type() == "touch" {
        return;
    }
    map.with(|engine| engine.set_hover(None, None));
    map.tell(MapEvent::Hover(None));
}

fn hover(map: &Map, x: f64, y: f64) {
    let seat = map.with(|engine| {
        let near = engine.view.picks();
        let seat = if near { engine.seat_at(x, y) } else { None };
        let block = if near { None } else { engine.block_at(x, y) };
        engine.set_hover(seat, block);
        seat
    });
    map.tell(MapEvent::Hover(seat));
}

/// The wheel zooms where the pointer is; a pad's two-finger scroll with ctrl does too.
pub(crate) fn wheel(map: &Map, event: &WheelEvent) {
    event.prevent_default();
    let lines = match event.delta_mode() {
        WheelEvent::DOM_DELTA_LINE => 18.0,
        WheelEvent::DOM_DELTA_PAGE => 300.0,
        _ => 1.0,
    };
    let speed = if event.ctrl_key() { 0.01 } else { 0.002 };
    let factor = (-(event.delta_y() * lines).clamp(-400.0, 400.0) * speed).exp();
    let (x, y) = place(event);
    map.with(|engine| {
        let dpr = engine.view.dpr;
        engine.look(|view| view.zoom_at(factor, x * dpr, y * dpr));
    });
    map.tell(MapEvent::Moved);
}

/// A key; true if it meant something here.
pub(crate) fn key(map: &Map, event: &KeyboardEvent) -> bool {
    if event.ctrl_key() || event.alt_key() || event.meta_key() {
        return false;
    }
    let direction = match event.key().as_str() {
        "ArrowLeft" => Direction::Left,
        "ArrowRight" => Direction::Right,
        "ArrowUp" => Direction::Up,
        "ArrowDown" => Direction::Down,
        "+" | "=" => return zoom(map, ZOOM_STEP),
        "-" | "_" => return zoom(map, 1.0 / ZOOM_STEP),
        "0" => return whole(map),
        "Enter" | " " => {
            let Some(seat) = map.read(super::engine::Engine::focus) else {
                return false;
            };
            map.tell(MapEvent::Pick(seat));
            return true;
        }
        "Escape" => {
            if map.read(super::engine::Engine::focus).is_none() {
                return false;
            }
            map.with(|engine| engine.set_focus(None));
            map.tell(MapEvent::Focus(None));
            return true;
        }
        _ => return false,
    };
    if let Some(seat) = map.with(|engine| engine.step(direction, stopwatch_ms())) {
        map.tell(MapEvent::Focus(Some(seat)));
    }
    true
}

/// Zooms around the focused seat, or around the middle.
pub(crate) fn zoom(map: &Map, factor: f64) -> bool {
    map.with(|engine| {
        let house = engine.house();
        let at = engine.focus().map(|seat| {
            (
                f64::from(house.xs[seat as usize]),
                f64::from(house.ys[seat as usize]),
            )
        });
        engine.glide(stopwatch_ms(), |view| {
            let (x, y) = match at {
                Some((x, y)) => view.to_screen(x, y),
                None => view.middle_of_view(),
            };
            view.zoom_at(factor, x, y);
        });
    });
    true
}

/// Shows the whole house.
pub(crate) fn whole(map: &Map) -> bool {
    map.with(|engine| engine.glide(stopwatch_ms(), seat_painter::Viewport::fit));
    true
}

/// Where on the canvas, in CSS pixels.
fn place(event: &web_sys::MouseEvent) -> (f64, f64) {
    (f64::from(event.offset_x()), f64::from(event.offset_y()))
}
