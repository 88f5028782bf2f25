//! Where the reader is, and how they get elsewhere.
//!
//! The app is several programs, each with pages of its own (see the crate's root). Within a program a
//! change of address shows another page; an address that is not its own is left to the browser, which
//! asks the server, which knows the program that has it. So a link never says which it is.
//!
//! * [`Way`] is the address of this moment and the ways to change it.
//! * [`Routes`] shows the page that an address leads to.
//! * [`prepare`] fetches another program ahead.

mod ahead;
mod link;
mod routes;

use std::sync::Arc;

use leptos::prelude::*;
use wasm_bindgen::JsValue;

use crate::browser;
pub(crate) use ahead::prepare;
pub(crate) use link::NavLink;
pub(crate) use routes::{Route, Routes, use_part};

/// The address and the ways to change it. `Copy`, from [`use_way`].
#[derive(Clone, Copy)]
pub(crate) struct Way {
    path: RwSignal<Arc<str>>,
    query: RwSignal<Arc<str>>,
    routes: &'static [Route],
}

impl Way {
    /// Begins at the browser's address, follows its arrows and the links of the page, and puts itself
    /// into the context. Once, at the root of a program that has these `routes`.
    pub(crate) fn provide(routes: &'static [Route]) -> Self {
        let (path, query) = here();
        let way = Self {
            path: RwSignal::new(path),
            query: RwSignal::new(query),
            routes,
        };
        provide_context(way);
        let arrows = window_event_listener_untyped("popstate", move |_| way.follow());
        on_cleanup(move || arrows.remove());
        link::follow_clicks(way);
        way
    }

    /// The path, without query; a reactive reader follows it.
    pub(crate) fn path(self) -> Arc<str> {
        self.path.get()
    }

    /// What follows `name=` in the query, decoded; a reactive reader follows it.
    pub(crate) fn asked(self, name: &str) -> Option<String> {
        let query = self.query.get();
        let found = query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            (key == name).then_some(value)
        })?;
        let spaced = found.replace('+', " ");
        let decoded = js_sys::decode_uri_component(&spaced).ok();
        Some(decoded.and_then(|text| text.as_string()).unwrap_or(spaced))
    }

    /// Goes to an address of ours.
    pub(crate) fn go(self, to: &str) {
        self.change(to, false);
    }

    /// Goes there and leaves this page out of the history.
    pub(crate) fn replace(self, to: &str) {
        self.change(to, true);
    }

    /// Whether this program has a page for the path.
    fn is_ours(self, path: &str) -> bool {
        routes::find(self.routes, path).is_some()
    }

    fn change(self, to: &str, replace: bool) {
        let window = browser::window();
        let location = window.location();
        let Some(path) = path_below(&location, to) else {
            return;
        };
        if !self.is_ours(&path) {
            if !browser::online() {
                return; // The bar says so, and what is on this page stays.
            }
            // The browser leaves this page, with everything on it.
            let _ = if replace {
                location.replace(to)
            } else {
                location.assign(to)
            };
            return;
        }
        let changed = window.history().and_then(|history| {
            if replace {
                history.replace_state_with_url(&JsValue::NULL, "", Some(to))
            } else {
                history.push_state_with_url(&JsValue::NULL, "", Some(to))
            }
        });
        if changed.is_ok() {
            self.follow();
            window.scroll_to_with_x_and_y(0.0, 0.0);
        }
    }

    /// Takes up the browser's address.
    fn follow(self) {
        let (path, query) = here();
        // The query first: a page that is about to be made finds its own.
        for (signal, now) in [(self.query, query), (self.path, path)] {
            if signal.with_untracked(|known| *known != now) {
                signal.set(now);
            }
        }
    }
}

/// The path of `to` as the browser understands it; nothing where that is another site, however it is
/// written: an address can come from a link that somebody was sent.
fn path_below(location: &web_sys::Location, to: &str) -> Option<String> {
    let origin = location.origin().ok()?;
    let url = web_sys::Url::new_with_base(to, &origin).ok()?;
    (url.origin() == origin).then(|| url.pathname())
}

fn here() -> (Arc<str>, Arc<str>) {
    let location = browser::window().location();
    let path = location.pathname().unwrap_or_default();
    let search = location.search().unwrap_or_default();
    (path.into(), search.trim_start_matches('?').into())
}

/// Where the reader is.
pub(crate) fn use_way() -> Way {
    expect_context()
}
