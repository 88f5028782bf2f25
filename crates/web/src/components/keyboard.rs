//! Where the keyboard stands when a part of the page is replaced.
//!
//! An element that goes away, or is made another one, takes the keyboard with it: the next press of
//! Tab would begin at the top of the page, and a screen reader would be nowhere. Whoever stands
//! elsewhere, above all in a field in which they type, is left there; and so is who put the keyboard
//! nowhere, with a press on what takes none.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event};

use crate::browser;

/// What a press puts the keyboard on.
const TAKES_IT: &str = "a, button, input, select, textarea, summary, canvas, [tabindex]";

/// Moves the keyboard to the element `to` whenever `shown` has changed and what it stood on has gone
/// with that.
pub(crate) fn follow<T: PartialEq + Clone + Send + Sync + 'static>(
    shown: Memo<T>,
    to: &'static str,
) {
    let stands = StoredValue::new(browser::has_focus());
    let came = window_event_listener_untyped("focusin", move |_| {
        stands.try_set_value(true);
    });
    let pressed = window_event_listener_untyped("mousedown", move |event| {
        stands.try_set_value(takes_it(&event));
    });
    on_cleanup(move || {
        came.remove();
        pressed.remove();
    });
    Effect::new(move |before: Option<T>| {
        let now = shown.get();
        if before.is_some_and(|before| before != now) {
            // When the page has been made anew.
            request_animation_frame(move || {
                if stands.try_get_value() == Some(true) {
                    browser::focus_if_lost(to);
                }
            });
        }
        now
    });
}

fn takes_it(event: &Event) -> bool {
    let on = event.target().and_then(|on| on.dyn_into::<Element>().ok());
    on.is_some_and(|on| on.closest(TAKES_IT).is_ok_and(|found| found.is_some()))
}
