//! Follows the live feed of a performance: snapshot, then numbered deltas. The browser reconnects by
//! itself and says where it was; where that is too long ago, a new snapshot is fetched.

use booking_core::{SeatIx, ViewDelta};
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Event, EventSource, MessageEvent};

use super::choice;
use super::state::{Doing, Line, Picker};
use crate::api;
use crate::browser;

/// First wait before a new attempt where the browser has given up, and the longest.
const WAIT_MS: i32 = 1_000;
const LONGEST_WAIT_MS: i32 = 30_000;

/// An open feed; closed when dropped.
pub(crate) struct Feed {
    source: EventSource,
    _closures: Vec<Closure<dyn FnMut(Event)>>,
}

impl Drop for Feed {
    fn drop(&mut self) {
        for (name, closure) in ["delta", "reset", "open", "error"]
            .iter()
            .zip(&self._closures)
        {
            let f = closure.as_ref().unchecked_ref();
            let _ = self.source.remove_event_listener_with_callback(name, f);
        }
        self.source.close();
    }
}

/// Keeps `picker` up to date for as long as its page is there.
pub(crate) fn follow(picker: Picker) {
    let feed = StoredValue::new_local(None::<Feed>);
    open(picker, feed, WAIT_MS);
    on_cleanup(move || {
        let _ = feed.try_update_value(Option::take);
    });
}

fn open(picker: Picker, feed: StoredValue<Option<Feed>, LocalStorage>, wait_ms: i32) {
    let id = picker.house(|house| house.performance.id);
    let url = api::feed_url(id, picker.view(booking_core::PublicView::seq));
    let Ok(source) = EventSource::new(&url) else {
        return picker.line.set(Line::Lost);
    };
    let on_delta: Closure<dyn FnMut(Event)> = Closure::new(move |event: Event| {
        let data = event.unchecked_ref::<MessageEvent>().data().as_string();
        match data.and_then(|text| serde_json::from_str::<ViewDelta>(&text).ok()) {
            Some(delta) => take(picker, &delta),
            None => fetch_anew(picker),
        }
    });
    let on_reset: Closure<dyn FnMut(Event)> = Closure::new(move |_| fetch_anew(picker));
    let on_open: Closure<dyn FnMut(Event)> = Closure::new(move |_| {
        let _ = picker.line.try_set(Line::Live);
    });
    let on_error: Closure<dyn FnMut(Event)> = Closure::new(move |event: Event| {
        let _ = picker.line.try_set(Line::Lost);
        let source = event
            .target()
            .and_then(|t| t.dyn_into::<EventSource>().ok());
        if source.is_some_and(|source| source.ready_state() == EventSource::CLOSED) {
            // The browser will not try again by itself: the answer was not a feed.
            spawn_local(async move {
                browser::pause(wait_ms).await;
                if feed.try_update_value(Option::take).flatten().is_some() {
                    open(picker, feed, (wait_ms * 2).min(LONGEST_WAIT_MS));
                }
            });
        }
    });
    let closures = vec![on_delta, on_reset, on_open, on_error];
    for (name, closure) in ["delta", "reset", "open", "error"].iter().zip(&closures) {
        let _ = source.add_event_listener_with_callback(name, closure.as_ref().unchecked_ref());
    }
    feed.set_value(Some(Feed {
        source,
        _closures: closures,
    }));
}

fn take(picker: Picker, delta: &ViewDelta) {
    match picker.change_view(|view| view.apply(delta)) {
        Some(Ok(())) => look_after_choice(picker),
        Some(Err(_)) => fetch_anew(picker),
        None => {}
    }
}

fn fetch_anew(picker: Picker) {
    let Some(id) = picker.try_performance() else {
        return;
    };
    spawn_local(async move {
        if let Ok(view) = api::seats(id).await {
            // Deltas may have come in meanwhile; never go back.
            let newer = picker.change_view(|old| {
                let newer = view.seq() >= old.seq();
                if newer {
                    *old = view;
                }
                newer
            });
            if newer == Some(true) {
                look_after_choice(picker);
            }
        }
    });
}

/// Seats that were chosen and are gone are told of. What is held is ours, whatever the view says; and
/// while the server decides about a hold, its answer says whose the seats are.
fn look_after_choice(picker: Picker) {
    let held = picker.hold.with_untracked(Option::is_some);
    let asking = matches!(
        picker.doing.get_untracked(),
        Some(Doing::Holding | Doing::Finding)
    );
    if !held && !asking {
        picker.drop_lost(|_: SeatIx| false);
        drop_full_areas(picker);
    }
}

/// Places chosen in an area that has not got as many any more are dropped.
fn drop_full_areas(picker: Picker) {
    use booking_core::price::Place;
    let chosen = picker.chosen.get_untracked();
    let mut left: Vec<u32> = picker.view(|view| view.areas_left().to_vec());
    let kept: Vec<_> = chosen
        .iter()
        .copied()
        .filter(|c| match c.place {
            Place::Seat(_) => true,
            Place::Area(area) => match left.get_mut(area.index()) {
                Some(n) if *n > 0 => {
                    *n -= 1;
                    true
                }
                Some(_) | None => {
                    let left = picker.view(|view| choice::left_in(view, area));
                    let no = booking_core::Rejection::AreaFull { area, left };
                    picker.tell(super::state::Told::Refused(no));
                    false
                }
            },
        })
        .collect();
    if kept.len() < chosen.len() {
        picker.chosen.set(kept);
        picker.keep();
    }
}
