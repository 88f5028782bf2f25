//! The engine at work: it paints when the browser is ready for a frame, and tells the page what the fan
//! does.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use seat_painter::House;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::HtmlCanvasElement;

use super::engine::{Engine, MapEvent};
use crate::browser::{self, stopwatch_ms};

/// An engine that paints itself when the browser is ready for a frame.
#[derive(Clone)]
pub(crate) struct Map {
    engine: Rc<RefCell<Engine>>,
    shared: Rc<Shared>,
}

/// What the browser calls when it is ready for a frame.
type Tick = Closure<dyn FnMut(f64)>;

struct Shared {
    /// The frame that was asked for and has not come.
    waiting: Cell<Option<i32>>,
    tick: RefCell<Option<Tick>>,
    tell: Box<dyn Fn(MapEvent)>,
}

impl Drop for Shared {
    /// The page has been left: a frame that still came would find nobody to call.
    fn drop(&mut self) {
        if let Some(frame) = self.waiting.get() {
            let _ = browser::window().cancel_animation_frame(frame);
        }
    }
}

impl Map {
    /// Puts `house` on `canvas`; `tell` hears what the fan does.
    pub(crate) fn start(
        canvas: HtmlCanvasElement,
        house: House,
        tell: impl Fn(MapEvent) + 'static,
    ) -> Result<Self, JsValue> {
        super::practice::end();
        let engine = Rc::new(RefCell::new(Engine::new(canvas, house)?));
        let shared = Rc::new(Shared {
            waiting: Cell::new(None),
            tick: RefCell::new(None),
            tell: Box::new(tell),
        });
        let map = Self { engine, shared };
        let weak = (Rc::downgrade(&map.engine), Rc::downgrade(&map.shared));
        let tick = Closure::new(move |_: f64| {
            if let (Some(engine), Some(shared)) = (weak.0.upgrade(), weak.1.upgrade()) {
                shared.waiting.set(None);
                Self { engine, shared }.paint_now();
            }
        });
        *map.shared.tick.borrow_mut() = Some(tick);
        // The first frame comes when everything that the page knows has been put in.
        map.schedule();
        Ok(map)
    }

    /// Paints without waiting for the browser's next frame.
    pub(crate) fn paint_now(&self) {
        let next = self.engine.borrow_mut().frame(stopwatch_ms());
        match next {
            Ok(next) => {
                if next.moved {
                    self.tell(MapEvent::Moved);
                }
                if next.again {
                    self.schedule();
                }
            }
            Err(error) => leptos::logging::error!("the seat map could not be painted: {error:?}"),
        }
    }

    /// Does something to the engine and paints what changed in the next frame.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Engine) -> T) -> T {
        let result = work(&mut self.engine.borrow_mut());
        self.schedule();
        result
    }
    /// Does something to the engine and paints what changed at once, for news that should be seen without
    /// waiting for a frame. Where a frame is about to come anyway, it is left to that one.
    pub(crate) fn with_at_once<T>(&self, work: impl FnOnce(&mut Engine) -> T) -> T {
        let result = work(&mut self.engine.borrow_mut());
        if self.shared.waiting.get().is_none() {
            self.paint_now();
        }
        result
    }
    /// Looks at the engine.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&Engine) -> T) -> T {
        look(&self.engine.borrow())
    }
    /// Tells the page.
    pub(crate) fn tell(&self, event: MapEvent) {
        (self.shared.tell)(event);
    }

    fn schedule(&self) {
        if self.shared.waiting.get().is_some() {
            return;
        }
        if let Some(tick) = &*self.shared.tick.borrow() {
            let asked = browser::window().request_animation_frame(tick.as_ref().unchecked_ref());
            self.shared.waiting.set(asked.ok());
        }
    }
}
