//! The way from the shop to its waiting room: where the server asks for an admission, and where a
//! performance says that its room is on.

use booking_core::PerformanceId;
use leptos::prelude::*;

use super::kept;
use crate::api::{Performance, Problem};
use crate::browser;
use crate::way::use_way;

/// Said in the address by who only wants to look at the seats.
pub(crate) const LOOK: &str = "look";

/// Where to go, and whether the way back leads past it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Way {
    to: String,
    replace: bool,
}

thread_local! {
    /// Requests end outside of any view; the page follows this.
    static WAY: ArcRwSignal<Option<Way>> = ArcRwSignal::new(None);
    /// A performance that is only looked at, and the room before it.
    static LOOKING: ArcRwSignal<Option<(PerformanceId, String)>> = ArcRwSignal::new(None);
}

/// The room before a performance that is only looked at.
pub(super) fn looking_at(performance: PerformanceId) -> Option<String> {
    let (there, room) = LOOKING.with(|looking| looking.get())?;
    (there == performance).then_some(room)
}

fn lead(performance: PerformanceId, room: &str, replace: bool) {
    kept::forget_past_visit(performance);
    kept::keep_came_from(room, performance);
    let to = format!("/rooms/{room}");
    WAY.with(|way| way.set(Some(Way { to, replace })));
}

/// A request for holding or paying was refused; where the room did it, leads to the room.
pub(crate) fn refused(performance: PerformanceId, problem: &Problem) {
    let Some(room) = problem.text("room") else {
        return;
    };
    match problem.code.as_str() {
        "admission_needed" => lead(performance, room, false),
        "admission_over"
        | "admission_of_another"
        | "admission_of_another_room"
        | "admission_invalid" => {
            kept::forget_visit(performance);
            lead(performance, room, false);
        }
        _ => {}
    }
}

/// A performance is about to be shown: who would have to wait is led to the room first, unless they
/// only look, or hold something already, which may be paid for without waiting.
pub(crate) fn see(performance: &Performance, holds_something: bool) {
    let Some(room) = performance.room.as_ref().filter(|room| room.on) else {
        return;
    };
    if holds_something || kept::visit_of(performance.id).is_some() {
        return;
    }
    if only_looks() {
        let looked_at = Some((performance.id, room.id.clone()));
        LOOKING.with(|looking| looking.set(looked_at));
        return;
    }
    lead(performance.id, &room.id, true);
}

/// Whether the address says so.
fn only_looks() -> bool {
    let search = browser::window().location().search().unwrap_or_default();
    search
        .trim_start_matches('?')
        .split('&')
        .any(|part| part == LOOK)
}

/// Follows the way. Stands once, around the pages.
#[component]
pub(crate) fn WayToRoom() -> impl IntoView {
    let here = use_way();
    let way = WAY.with(Clone::clone);
    Effect::new(move || {
        if let Some(next) = way.get() {
            way.set(None);
            if next.replace {
                here.replace(&next.to);
            } else {
                here.go(&next.to);
            }
        }
    });
}
