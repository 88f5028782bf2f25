//! What every page does on arrival: it names the tab and puts the keyboard where the page begins.

use std::cell::Cell;

use leptos::prelude::*;

use crate::browser;

thread_local! {
    /// The first page is where the reader came from outside: there the browser's own focus is right.
    static ARRIVED: Cell<bool> = const { Cell::new(false) };
}

/// Names the tab after `title`, and moves the focus to `#main` when the reader came from another page.
pub(crate) fn announce(title: impl Fn() -> String + 'static) {
    Effect::new(move || {
        let title = title();
        browser::document().set_title(&if title.is_empty() {
            "Onsale".to_owned()
        } else {
            format!("{title} · Onsale")
        });
    });
    Effect::new(|| {
        if ARRIVED.replace(true) {
            browser::focus("main");
        }
    });
}
