//! The page that measures the map, at `/bench/map`: the same engine on a house of 50,000 seats, with
//! handles on `window.onsaleBench` for `end2end/bench/map.mjs`. Nobody is led here.

use std::cell::RefCell;
use std::rc::Rc;

use booking_core::SeatMap;
use booking_core::seatmap::{
    Point, PriceBand, RowSpec, SeatMapSpec, SeatSpec, SectionSpec, Shape, ShapeKind,
};
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;
use web_sys::HtmlCanvasElement;

use super::house::house_of;
use super::running::Map;
use crate::browser;
use crate::browser::stopwatch_ms;

/// Seats of the house that is measured.
const SEATS: usize = 50_000;
/// Its rings of sections, and sections in a ring.
const RINGS: usize = 4;
const WEDGES: usize = 21;

/// A bowl of 84 sections around a pitch, 50,000 seats in all.
fn bowl() -> SeatMapSpec {
    let unit = 100.0;
    let (sections, rows) = (RINGS * WEDGES, 18);
    let mut left = SEATS;
    let mut spec = SeatMapSpec {
        name: "Bowl".into(),
        ..SeatMapSpec::default()
    };
    spec.bands = (1..=5)
        .map(|i| PriceBand {
            name: format!("Band {i}"),
        })
        .collect();
    for ring in 0..RINGS {
        for wedge in 0..WEDGES {
            let done = ring * WEDGES + wedge;
            let mut here = left.div_ceil(sections - done);
            left -= here;
            let inner = 1_350.0 + ring as f64 * (rows as f64 + 3.0) * 33.0;
            let mut section = SectionSpec {
                name: format!("{}{:02}", ring + 1, wedge + 1),
                ..SectionSpec::default()
            };
            for row in 0..rows {
                let seats = here.div_ceil(rows - row);
                here -= seats;
                let radius = inner + row as f64 * 33.0;
                let middle = wedge as f64 / WEDGES as f64 * std::f64::consts::TAU;
                let seats = (0..seats).map(|seat| {
                    let along = (seat as f64 - (seats as f64 - 1.0) * 0.5) * 25.0;
                    let spread =
                        std::f64::consts::TAU / WEDGES as f64 * 0.9 / (seats as f64 * 25.0);
                    let angle = middle + along * spread.min(1.0 / radius);
                    SeatSpec {
                        label: (seat + 1).to_string(),
                        band: ((ring + usize::from(row > 9)) % 5) as u8,
                        at: Point {
                            x: (radius * 1.28 * angle.cos() * unit) as i32,
                            y: (radius * angle.sin() * unit) as i32,
                        },
                        ..SeatSpec::default()
                    }
                });
                section.rows.push(RowSpec {
                    name: (row + 1).to_string(),
                    seats: seats.collect(),
                });
            }
            spec.sections.push(section);
        }
    }
    let (w, h) = (110_000, 75_000);
    spec.shapes.push(Shape {
        kind: ShapeKind::Stage,
        text: "Pitch".into(),
        outline: [(-w, -h), (w, -h), (w, h), (-w, h)]
            .map(|(x, y)| Point { x, y })
            .into(),
        label_at: Point::default(),
    });
    spec
}

/// Packed statuses: about half sold, a few held, in stretches as people buy.
fn statuses(seats: usize) -> Vec<u8> {
    let mut random = 7_u32;
    let mut packed = vec![0_u8; seats.div_ceil(4)];
    let mut seat = 0;
    while seat < seats {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let status = [0, 2, 0, 2, 1][(random >> 16) as usize % 5];
        for i in seat..(seat + 1 + (random >> 24) as usize % 5).min(seats) {
            packed[i / 4] |= status << (i % 4 * 2);
        }
        seat += 1 + (random >> 24) as usize % 5;
    }
    packed
}

/// What the script holds on to.
struct Bench {
    seat_map: SeatMap,
    packed: Vec<u8>,
    map: Option<Map>,
    random: u32,
}

impl Bench {
    /// From data in memory to a painted canvas; the time it took, in milliseconds.
    fn start(&mut self, canvas: HtmlCanvasElement) -> Result<f64, JsValue> {
        let since = stopwatch_ms();
        let map = Map::start(canvas, house_of(&self.seat_map), |_| {})?;
        map.with(|engine| {
            engine.set_statuses(&self.packed, since);
            let labels: Vec<(Option<String>, f32)> = engine
                .house()
                .blocks
                .iter()
                .map(|_| (Some("from €24".to_owned()), 0.5))
                .collect();
            engine.set_labels(&labels, &[]);
        });
        map.paint_now();
        self.map = Some(map);
        Ok(stopwatch_ms() - since)
    }
    /// Shows the house `zoom` times as large as whole, the middle moved by parts of the view.
    fn look(&self, zoom: f64, right: f64, down: f64) {
        if let Some(map) = &self.map {
            map.with(|engine| {
                engine.look(|view| {
                    view.fit();
                    let (x, y) = view.middle_of_view();
                    view.zoom_at(zoom, x, y);
                    view.pan(-right * view.width, -down * view.height);
                });
            });
        }
    }
    /// `count` seats change their status, as when news of them arrives.
    fn change(&mut self, count: u32) {
        for _ in 0..count {
            self.random = self
                .random
                .wrapping_mul(1_664_525)
                .wrapping_add(1_013_904_223);
            let seat = (self.random >> 8) as usize % SEATS;
            self.packed[seat / 4] ^= 2 << (seat % 4 * 2);
        }
        if let Some(map) = &self.map {
            map.with_at_once(|engine| engine.set_statuses(&self.packed, stopwatch_ms()));
        }
    }
    /// Mean milliseconds of a full repaint over `runs`.
    fn repaint(&self, runs: u32) -> f64 {
        let since = stopwatch_ms();
        if let Some(map) = &self.map {
            for _ in 0..runs {
                map.with(|engine| engine.look(|_| ()));
                map.paint_now();
            }
        }
        (stopwatch_ms() - since) / f64::from(runs.max(1))
    }
    fn frames(&self) -> f64 {
        self.map
            .as_ref()
            .map_or(0.0, |map| map.read(|engine| engine.frames as f64))
    }
}

/// Puts the handles on `window`.
fn expose(bench: &Rc<RefCell<Bench>>, canvas: HtmlCanvasElement) -> Result<(), JsValue> {
    let object = js_sys::Object::new();
    let set = |name: &str, value: JsValue| js_sys::Reflect::set(&object, &name.into(), &value);
    let b = bench.clone();
    let start = Closure::<dyn Fn() -> Result<f64, JsValue>>::new(move || {
        b.borrow_mut().start(canvas.clone())
    });
    set("start", start.into_js_value())?;
    let b = bench.clone();
    let look = Closure::<dyn Fn(f64, f64, f64)>::new(move |zoom, right, down| {
        b.borrow().look(zoom, right, down);
    });
    set("look", look.into_js_value())?;
    let b = bench.clone();
    let change = Closure::<dyn Fn(u32)>::new(move |count| b.borrow_mut().change(count));
    set("change", change.into_js_value())?;
    let b = bench.clone();
    let repaint = Closure::<dyn Fn(u32) -> f64>::new(move |runs| b.borrow().repaint(runs));
    set("repaint", repaint.into_js_value())?;
    let b = bench.clone();
    let frames = Closure::<dyn Fn() -> f64>::new(move || b.borrow().frames());
    set("frames", frames.into_js_value())?;
    set("seats", JsValue::from(bench.borrow().seat_map.seat_count()))?;
    set(
        "sections",
        JsValue::from(bench.borrow().seat_map.sections().len()),
    )?;
    js_sys::Reflect::set(&browser::window(), &"onsaleBench".into(), &object)?;
    Ok(())
}

/// The page.
#[component]
pub(crate) fn MapBench() -> impl IntoView {
    let canvas = NodeRef::<html::Canvas>::new();
    let said = RwSignal::new(String::new());
    Effect::new(move || {
        let Some(canvas) = canvas.get() else { return };
        spawn_local(async move {
            // As on a performance's page: its answers are on their way while the painter practises.
            while !super::practice::is_over() {
                browser::pause(10).await;
            }
            said.set(prepare(canvas).err().unwrap_or_default());
        });
    });
    view! {
        <canvas class="map__bench" node_ref=canvas></canvas>
        <p>{said}</p>
    }
}

/// Builds the house and puts the handles on `window`.
fn prepare(canvas: HtmlCanvasElement) -> Result<(), String> {
    let seat_map = SeatMap::build(bowl()).map_err(|faults| format!("{faults:?}"))?;
    let packed = statuses(seat_map.seat_count() as usize);
    let bench = Bench {
        seat_map,
        packed,
        map: None,
        random: 99,
    };
    expose(&Rc::new(RefCell::new(bench)), canvas).map_err(|e| format!("{e:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_measured_house_has_as_many_seats_and_sections_as_it_says() {
        let map = SeatMap::build(bowl()).expect("the bowl is a valid house");
        assert_eq!(map.seat_count() as usize, SEATS);
        assert_eq!(map.sections().len(), RINGS * WEDGES);
        let house = house_of(&map);
        assert_eq!(house.seat_count() as usize, SEATS);
        assert!((house.pitch - 2_500.0).abs() < 600.0, "{}", house.pitch);
    }
}
