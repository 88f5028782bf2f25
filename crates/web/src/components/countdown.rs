//! Time that runs out: of a hold, or until a sale begins. Ticks by the server's clock, once a second,
//! and says in words only what matters.

use std::time::Duration;

use leptos::prelude::*;

use crate::browser;
use crate::format::clock_face;

/// From when on a hold's end is worth a warning.
pub(crate) const WARN_MS: i64 = 120_000;

/// Where a hold stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Plenty of time: the clock runs and says nothing.
    Quiet,
    /// Two minutes or less: said once, in words.
    Ending,
    /// Over.
    Over,
}

impl Phase {
    /// By what is left.
    pub(crate) const fn of(left_ms: i64) -> Self {
        if left_ms <= 0 {
            Self::Over
        } else if left_ms <= WARN_MS {
            Self::Ending
        } else {
            Self::Quiet
        }
    }
}

/// The server's clock as a signal that changes once a second while somebody looks at it.
pub(crate) fn use_now_ms() -> Signal<i64> {
    let now = RwSignal::new(browser::now_ms());
    if let Ok(timer) = set_interval_with_handle(
        move || {
            let _ = now.try_set(browser::now_ms());
        },
        Duration::from_millis(1_000),
    ) {
        on_cleanup(move || timer.clear());
    }
    now.into()
}

/// How much of `until_ms` is left, and the phase; both follow the clock.
pub(crate) fn use_countdown(until_ms: Signal<i64>) -> (Signal<i64>, Memo<Phase>) {
    let now = use_now_ms();
    let left = Signal::derive(move || {
        // By the clock itself: the last tick may be a second old, and a hold then longer than it is.
        now.track();
        until_ms.get() - browser::now_ms()
    });
    (left, Memo::new(move |_| Phase::of(left.get())))
}

/// The clock's face, for eyes only: a screen reader is told in words when it matters, not each second.
#[component]
pub(crate) fn ClockFace(#[prop(into)] left_ms: Signal<i64>) -> impl IntoView {
    view! { <span class="clock-face" aria-hidden="true">{move || clock_face(left_ms.get())}</span> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_is_quiet_until_two_minutes_are_left() {
        assert_eq!(Phase::of(WARN_MS + 1), Phase::Quiet);
        assert_eq!(Phase::of(WARN_MS), Phase::Ending);
        assert_eq!(Phase::of(1), Phase::Ending);
        assert_eq!(Phase::of(0), Phase::Over);
        assert_eq!(Phase::of(-1), Phase::Over);
    }
}
