//! Practice for the painter, in the browser's idle moments.
//!
//! A browser first translates WebAssembly quickly and runs it slowly; only what has run for a while does
//! it translate well. A first frame of fifty thousand seats would be painted by the slow translation,
//! three to four times as long as need be. So, while a page has nothing to do (its answers are on
//! their way, or the fan is reading), a small house that nobody sees is painted a little at a time, until the
//! painter is known to be worth translating well. It stops the moment there is a real map.

use std::cell::{Cell, RefCell};

use js_sys::Function;
use seat_painter::{BlockLabel, Glyph, House, Painter, Scene, Viewport};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

use super::theme::Theme;
use super::writer::Writer;
use crate::browser;
use crate::browser::stopwatch_ms;

/// Seats of the practice house: blocks, rows in each, seats in each row.
const BLOCKS: u32 = 6;
const ROWS: u32 = 20;
const SEATS: u32 = 25;
/// Size of its picture in pixels.
const SIDE: usize = 320;
/// How often it is painted: together about as many seats as the largest house has.
const ROUNDS: u32 = 20;
/// Longest stretch of practice at a time.
const STRETCH_MS: f64 = 8.0;
/// How long a browser waits that does not tell when it is idle.
const WAIT_MS: i32 = 30;

thread_local! {
    static PRACTICE: RefCell<Option<Practice>> = const { RefCell::new(None) };
    static BEGUN: Cell<bool> = const { Cell::new(false) };
}

struct Practice {
    /// Set up in the first idle moment, not before: the page itself comes first.
    stage: Option<Stage>,
    rounds: u32,
    /// What the browser calls when it is idle. It may still do so once after the end.
    tick: Function,
}

struct Stage {
    painter: Painter,
    writer: Option<Writer>,
    view: Viewport,
    packed: Vec<u8>,
    labels: Vec<BlockLabel>,
}

/// Begins, once for the life of the page.
pub(crate) fn begin() {
    if BEGUN.replace(true) {
        return;
    }
    let tick = Closure::<dyn FnMut()>::new(go_on).into_js_value();
    PRACTICE.set(Some(Practice {
        stage: None,
        rounds: 0,
        tick: tick.unchecked_into(),
    }));
    wait();
}

/// Ends: there is a real map to paint, or practice enough.
pub(crate) fn end() {
    BEGUN.set(true);
    PRACTICE.set(None);
}

/// Whether there is no practice under way.
pub(crate) fn is_over() -> bool {
    PRACTICE.with_borrow(Option::is_none)
}

fn wait() {
    PRACTICE.with_borrow(|practice| {
        let Some(practice) = practice else { return };
        let (tick, window) = (&practice.tick, browser::window());
        // Not every browser tells when it is idle.
        if window.request_idle_callback(tick).is_err() {
            let _ = window.set_timeout_with_callback_and_timeout_and_arguments_0(tick, WAIT_MS);
        }
    });
}

fn go_on() {
    let since = stopwatch_ms();
    let more = PRACTICE.with_borrow_mut(|practice| {
        let Some(practice) = practice else {
            return None;
        };
        while practice.rounds < ROUNDS && stopwatch_ms() - since < STRETCH_MS {
            practice.round();
        }
        Some(practice.rounds < ROUNDS)
    });
    match more {
        Some(true) => wait(),
        Some(false) => end(),
        None => {}
    }
}

impl Practice {
    fn round(&mut self) {
        self.rounds += 1;
        let stage = self.stage.get_or_insert_with(Stage::new);
        let scene = Scene {
            packed: &stage.packed,
            labels: &stage.labels,
            ..Scene::EMPTY
        };
        let (painter, view) = (&mut stage.painter, &stage.view);
        painter.look_for_words(view, &scene);
        // Real words: the browser finds its fonts now.
        if let Some(writer) = &stage.writer {
            let _ = writer.supply(painter, view.dpr);
        }
        painter.paint(view, &scene);
        // A part of it, as when seats change.
        let clip = painter.seat_clip(view, self.rounds * 37);
        painter.paint_clip(view, &scene, clip);
        // And the house itself is built anew, as a real one will be.
        drop(house());
    }
}

impl Stage {
    fn new() -> Self {
        let theme = Theme::read(1);
        let dpr = browser::window().device_pixel_ratio();
        let mut painter = Painter::new(house(), theme.palette);
        painter.resize(SIDE, SIDE, dpr as f32);
        let (seats, side) = (painter.house().seat_count(), SIDE as f64);
        let (bounds, pitch) = (painter.house().bounds, painter.house().pitch);
        let label = BlockLabel {
            note: Some(painter.text_id("12")),
            free: 0.5,
        };
        Self {
            view: Viewport::new(bounds, pitch, side, side, dpr),
            packed: (0..seats.div_ceil(4)).map(|i| (i % 251) as u8).collect(),
            labels: vec![label; BLOCKS as usize],
            writer: Writer::new(theme.font).ok(),
            painter,
        }
    }
}

fn house() -> House {
    let mut house = House::new();
    house.reserve((BLOCKS * ROWS * SEATS) as usize);
    for block in 0..BLOCKS {
        let (left, top) = ((block % 3 * 3_000) as f32, (block / 3 * 2_600) as f32);
        house.begin_block(
            &format!("Block {block}"),
            Vec::new(),
            (left + 1_200.0, top + 1_000.0),
        );
        for row in 0..ROWS {
            house.begin_row(&row.to_string());
            for seat in 0..SEATS {
                let at = (
                    left + (seat * 100 + row % 3 * 7) as f32,
                    top + (row * 110) as f32,
                );
                house.seat(at, (row % 5) as u8, Glyph::Plain, &(seat + 1).to_string());
            }
        }
    }
    let stage = vec![
        (0.0, -900.0),
        (8_000.0, -900.0),
        (8_000.0, -300.0),
        (0.0, -300.0),
    ];
    house.shape("Stage", true, stage, (4_000.0, -600.0));
    house.finish();
    house
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_practice_house_has_the_seats_it_says_and_every_round_paints_it() {
        let house = house();
        assert_eq!(house.seat_count(), BLOCKS * ROWS * SEATS);
        assert_eq!(house.blocks.len(), BLOCKS as usize);
        assert!(ROUNDS * 37 < house.seat_count());
        assert!(ROUNDS * house.seat_count() >= 50_000);
    }
}
