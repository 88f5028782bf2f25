//! The demo's rush: simulated fans arrive while one watches.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::say;
use super::visitor::Visitor;
use crate::api::{self, Failure, Rush};
use crate::i18n::fill_counts;
use crate::words;

const VISITORS: u32 = 300;
const WITHIN_S: u32 = 20;

#[component]
pub(super) fn RushBox(visitor: Visitor) -> impl IntoView {
    let i18n = visitor.i18n;
    let rush = RwSignal::new(None::<Rush>);
    let refused = RwSignal::new(None::<Failure>);
    let look = move || {
        spawn_local(async move {
            if let Ok(now) = api::rush(&visitor.room_id()).await {
                let _ = rush.try_set(Some(now));
            }
        });
    };
    look();
    let running = move || rush.get().is_some_and(|rush| rush.running);
    if let Ok(timer) = set_interval_with_handle(
        move || {
            if untrack(running) {
                look();
            }
        },
        Duration::from_secs(1),
    ) {
        on_cleanup(move || timer.clear());
    }
    let switch = move |_| {
        let stop = untrack(running);
        refused.set(None);
        spawn_local(async move {
            let id = visitor.room_id();
            let answer = if stop {
                api::end_rush(&id).await
            } else {
                api::begin_rush(&id, VISITORS, WITHIN_S).await.map(|_| ())
            };
            if let Err(failure) = answer {
                let _ = refused.try_set(Some(failure));
            }
            look();
            visitor.look();
        });
    };
    let now = move || {
        let rush = rush.get().filter(|rush| rush.sent > 0)?;
        Some(fill_counts(
            i18n.room_t().rush_now,
            &[
                ("sent", rush.sent.into()),
                ("all", rush.visitors.into()),
                ("waiting", rush.waiting.into()),
                ("inside", rush.inside.into()),
                ("done", rush.done.into()),
                ("gave_up", rush.gave_up.into()),
            ],
            &|n| say::number(i18n.lang(), n),
            &[],
        ))
    };
    view! {
        <section class="room__rush" aria-labelledby="rush-title">
            <h2 id="rush-title">{i18n.rooms(|t| t.rush_title)}</h2>
            <p class="muted">{i18n.rooms(|t| t.rush_text)}</p>
            <button type="button" class="button" on:click=switch>
                {move || if running() { i18n.room_t().rush_stop } else { i18n.room_t().rush_go }}
            </button>
            <p class="small tabular">{now}</p>
            <p class="small" role="status">{move || refused.get().map(|failure| words::of_failure(&failure, i18n.t()))}</p>
        </section>
    }
}
