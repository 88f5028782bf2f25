//! The demo's switch for simulated fans.

use booking_core::PerformanceId;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api;
use crate::i18n::use_i18n;

#[component]
pub(crate) fn FansSwitch(id: PerformanceId, on: bool) -> impl IntoView {
    let i18n = use_i18n();
    let on = RwSignal::new(on);
    let asking = RwSignal::new(false);
    let failed = RwSignal::new(false);
    let press = move |_| {
        if asking.get_untracked() {
            return;
        }
        let wish = !on.get_untracked();
        asking.set(true);
        failed.set(false);
        spawn_local(async move {
            let answer = api::switch_fans(id, wish).await;
            // The page may be gone by now.
            let _ = asking.try_set(false);
            let _ = match answer {
                Ok(()) => on.try_set(wish),
                Err(_) => failed.try_set(true).map(|_| wish),
            };
        });
    };
    view! {
            <section class="panel__part demo-fans">
                <button type="button" class="toggle" role="switch" aria-checked=move || on.get().to_string()
                    aria-describedby="demo-fans-help" aria-busy=move || asking.get().to_string() on:click=press>
                    <span class="toggle__name">{i18n.seats(|t| t.fans_switch)}</span>
                    <span class="toggle__state" aria-hidden="true">
                        {move || { let t = i18n.seat_t(); if on.get() { t.switched_on } else { t.switched_off } }}
                    </span>
                    <span class="toggle__track" aria-hidden="true"><span class="toggle__knob"></span></span>
                </button>
                <p class="demo-fans__help" id="demo-fans-help">{i18n.seats(|t| t.fans_help)}</p>
                <p class="demo-fans__failed" role="status">
                    {move || failed.get().then(|| i18n.seat_t().fans_failed)}
                </p>
            </section>
    }
}
