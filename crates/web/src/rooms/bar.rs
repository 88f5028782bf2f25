//! The visit's clock, above the shop's pages: how long it is open, a sign of life every half of the time
//! in which one is expected, and the way out that frees the place for the next.

use std::time::Duration;

use booking_core::PerformanceId;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::gate;
use super::kept::{self, Visit};
use crate::api;
use crate::browser;
use crate::components::countdown::{ClockFace, Phase, use_now_ms};
use crate::components::keyboard;
use crate::components::{Icon, Sign};
use crate::i18n::use_i18n;
use crate::way::use_way;

/// The performance whose shop an address belongs to.
fn performance_in(path: &str) -> Option<PerformanceId> {
    let mut parts = path.trim_matches('/').split('/');
    (parts.next() == Some("performances")).then_some(())?;
    parts.next()?.parse().ok()
}

/// What the bar offers first: there the keyboard goes when what it stood on has gone.
const NEXT: &str = "shop-bar-next";

/// How a visit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Open,
    /// Taken for gone, and the shop is full.
    Away,
    Over,
}

#[component]
pub(crate) fn ShopBar() -> impl IntoView {
    let way = use_way();
    let performance = Memo::new(move |_| performance_in(&way.path()));
    let tick = use_now_ms();
    // A visit begins and ends in other tabs too: what is kept is looked at again each second.
    let visit = Memo::new(move |_| {
        tick.track();
        let performance = performance.get()?;
        Some((performance, kept::last_visit_of(performance)?))
    });
    let there = Memo::new(move |_| visit.with(|visit| visit.as_ref().map(|(id, _)| *id)));
    let i18n = use_i18n();
    let only_looks = Memo::new(move |_| performance.get().and_then(gate::looking_at));
    Effect::new(move || {
        let Some(root) = browser::document().document_element() else {
            return;
        };
        let _ = if there.get().is_some() || only_looks.get().is_some() {
            root.set_attribute("data-visit", "")
        } else {
            root.remove_attribute("data-visit")
        };
    });
    move || {
        if let Some(performance) = there.get() {
            let first = untrack(|| kept::last_visit_of(performance));
            return first.map(|first| view! { <Bar performance visit first/> }.into_any());
        }
        let room = only_looks.get()?;
        Some(
            view! {
                <section class="shop-bar" aria-label=i18n.say(|t| t.bar_room)>
                    <div class="shop-bar__inner">
                        <span>{i18n.say(|t| t.look_only)}</span>
                        <a class="shop-bar__button" href=format!("/rooms/{room}")>{i18n.say(|t| t.bar_to_room)}</a>
                    </div>
                </section>
            }
            .into_any(),
        )
    }
}

#[component]
fn Bar(
    performance: PerformanceId,
    visit: Memo<Option<(PerformanceId, Visit)>>,
    first: Visit,
) -> impl IntoView {
    let i18n = use_i18n();
    let away = RwSignal::new(false);
    let asking = RwSignal::new(false);
    let room = first.room.clone();
    let to_room = format!("/rooms/{room}");
    let expires =
        move || visit.with(|visit| visit.as_ref().map_or(0, |(_, visit)| visit.expires_ms));
    let now = use_now_ms();
    let left = Signal::derive(move || expires() - now.get());
    let standing = Memo::new(move |_| match (left.get() > 0, away.get()) {
        (false, _) => Standing::Over,
        (true, true) => Standing::Away,
        (true, false) => Standing::Open,
    });
    let shown = Memo::new(move |_| (standing.get(), asking.get()));
    keyboard::follow(shown, NEXT);
    let ending = Memo::new(move |_| Phase::of(left.get()) == Phase::Ending);

    let sign = move || {
        let Some(visit) = kept::visit_of(performance) else {
            return;
        };
        spawn_local(async move {
            match api::presence(&visit.room, &visit.admission).await {
                Ok(presence) => {
                    // Read again: the offer may have been taken meanwhile.
                    if let Some(kept) = kept::visit_of(performance) {
                        let known = Visit {
                            expires_ms: presence.expires_ms,
                            idle_ms: presence.idle_ms,
                            ..kept
                        };
                        kept::update_visit(performance, &known);
                    }
                    let _ = away.try_set(false);
                }
                Err(failure) => match failure.code() {
                    Some("shop_full") => drop(away.try_set(true)),
                    Some(code) if code.starts_with("admission_") => {
                        kept::forget_visit(performance);
                    }
                    _ => {}
                },
            }
        });
    };
    sign();
    let every = u64::try_from(first.idle_ms / 2)
        .unwrap_or(0)
        .clamp(1_000, 60_000);
    if let Ok(timer) = set_interval_with_handle(sign, Duration::from_millis(every)) {
        on_cleanup(move || timer.clear());
    }
    let woken = window_event_listener_untyped("visibilitychange", move |_| {
        if !browser::document().hidden() {
            sign();
        }
    });
    on_cleanup(move || woken.remove());

    let way = use_way();
    let leave = move |_| {
        let Some(visit) = kept::last_visit_of(performance) else {
            return;
        };
        kept::forget_visit(performance);
        spawn_local(async move {
            // An answer that is lost frees the place all the same, when no sign of life comes.
            let _ = api::leave(&visit.room, &visit.admission).await;
        });
        way.go("/");
    };
    let over = move |_| kept::forget_visit(performance);
    view! {
        <section class="shop-bar" class:shop-bar--ending=ending aria-label=i18n.say(|t| t.bar_label)>
            <div class="shop-bar__inner">
                <span role="status">{move || match standing.get() {
                    Standing::Open => None,
                    Standing::Away => Some(i18n.t().bar_away),
                    Standing::Over => Some(i18n.t().bar_over),
                }}</span>
                {move || match standing.get() {
                    Standing::Open if asking.get() => view! {
                        <span>{i18n.say(|t| t.bar_leave_sure)}</span>
                        <span class="shop-bar__do">
                            <button type="button" class="shop-bar__button" id=NEXT on:click=move |_| asking.set(false)>{i18n.say(|t| t.bar_stay)}</button>
                            <button type="button" class="shop-bar__button" on:click=leave>{i18n.say(|t| t.bar_leave_yes)}</button>
                        </span>
                    }.into_any(),
                    Standing::Open => view! {
                        <span class="shop-bar__time"><Icon sign=Sign::Clock/>{i18n.say(|t| t.bar_left)}" "<ClockFace left_ms=left/></span>
                        <span class="shop-bar__do">
                            <button type="button" class="shop-bar__button" id=NEXT on:click=move |_| asking.set(true)>{i18n.say(|t| t.bar_leave)}</button>
                        </span>
                    }.into_any(),
                    Standing::Away => ().into_any(),
                    Standing::Over => view! {
                        <span class="shop-bar__do"><a class="shop-bar__button" id=NEXT href=to_room.clone() on:click=over>{i18n.say(|t| t.bar_to_room)}</a></span>
                    }.into_any(),
                }}
            </div>
            <p class="shop-bar__said" role="status">{move || (ending.get() && standing.get() == Standing::Open).then(|| i18n.t().bar_ending)}</p>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::performance_in;

    #[test]
    fn only_the_pages_of_a_performance_belong_to_its_shop() {
        let id = "0192f3a0-0000-7000-8000-0000000000ff";
        assert!(performance_in(&format!("/performances/{id}")).is_some());
        assert!(performance_in(&format!("/performances/{id}/checkout/{id}")).is_some());
        assert_eq!(performance_in("/performances/nothing"), None);
        assert_eq!(performance_in(&format!("/rooms/{id}")), None);
    }
}
