//! The console: rooms, their controls and graphs, what is sold, and the flight simulator.
//!
//! Every address below `/operator` is one page to the program; the console finds out by itself which of
//! its own an address means.

use leptos::prelude::*;

use crate::way::use_way;

mod app;
mod bars;
mod chart;
mod controls;
mod figures;
mod guard;
mod live;
mod more;
mod room;
mod rooms;
mod sale;
mod sales;
mod settings;
mod simulator;
mod story;
mod words;

#[component]
pub(crate) fn ConsolePage() -> impl IntoView {
    let way = use_way();
    let path = RwSignal::new(way.path().to_string());
    Effect::new(move || path.set(way.path().to_string()));
    view! { <div class="console-place"><app::Console path/></div> }
}
