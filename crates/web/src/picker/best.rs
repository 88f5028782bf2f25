//! Best available: how many, at which price, together, accessible. The server searches and holds.

use booking_core::BandIx;
use leptos::prelude::*;

use super::choice;
use super::state::{Doing, Picker};
use crate::components::countdown::use_now_ms;
use crate::components::{Icon, Sign};
use crate::i18n::{fill, use_i18n};

#[component]
pub(crate) fn Best(picker: Picker) -> impl IntoView {
    let i18n = use_i18n();
    let most = picker
        .house(|house| house.terms.rules.max_places_per_hold)
        .max(1);
    let quantity = RwSignal::new(2_u16.min(most));
    let band = RwSignal::new(None::<u8>);
    let together = RwSignal::new(true);
    let map = picker.map();
    let bands: Vec<(u8, String)> = map
        .bands()
        .iter()
        .enumerate()
        .map(|(i, band)| (i as u8, band.name.clone()))
        .collect();
    let now = use_now_ms();
    let on_sale = Memo::new(move |_| picker.on_sale(now.get()));
    let busy = move || picker.doing.get().is_some() || !on_sale.get();
    let finding = move || picker.doing.get() == Some(Doing::Finding);
    // Only whether a band is empty: the options must not be made anew under an open menu each time
    // somebody takes a seat.
    let empty = Memo::new(move |_| {
        let free = picker.follow(|view| choice::free_by_band(&picker.map(), view));
        free.into_iter()
            .map(|free| free == 0)
            .collect::<Vec<bool>>()
    });
    let options = move || {
        let (lang, t) = (i18n.lang(), i18n.seat_t());
        let empty = empty.get();
        bands
            .iter()
            .map(|(i, name)| {
                let price = picker.house(|house| choice::usual_price(&house.terms, BandIx(*i)));
                let price = price.map(|price| picker.money_short(lang, price)).unwrap_or_default();
                let none = empty.get(usize::from(*i)).copied().unwrap_or(true);
                let left = if none { format!(" ({})", t.none_left) } else { String::new() };
                let i = *i;
                view! {
                    <option value=i.to_string() disabled=none selected=move || band.get() == Some(i)>
                        {format!("{name}, {price}{left}")}
                    </option>
                }
            })
            .collect_view()
    };
    view! {
        <section class="panel__part" aria-labelledby="best-title">
            <h2 class="panel__title" id="best-title">{i18n.seats(|t| t.best_title)}</h2>
            <p class="panel__help">{i18n.seats(|t| t.best_help)}</p>
            <form class="best" on:submit=move |event| {
                event.prevent_default();
                let bands = band.get_untracked().map(BandIx).into_iter().collect();
                picker.hold_best(quantity.get_untracked(), bands, together.get_untracked());
            }>
                <div class="best__row">
                    <span class="best__label" id="best-count">{i18n.seats(|t| t.how_many)}</span>
                    <span class="stepper" role="group" aria-labelledby="best-count">
                        <button type="button" class="stepper__step" aria-label=i18n.seats(|t| t.fewer)
                            disabled=move || { quantity.get() <= 1 }
                            on:click=move |_| quantity.update(|n| *n = n.saturating_sub(1).max(1))><Icon sign=Sign::Minus/></button>
                        <output class="stepper__n tabular" aria-live="polite">{move || quantity.get()}</output>
                        <button type="button" class="stepper__step" aria-label=i18n.seats(|t| t.more)
                            disabled=move || { quantity.get() >= most }
                            on:click=move |_| quantity.update(|n| *n = (*n + 1).min(most))><Icon sign=Sign::Plus/></button>
                    </span>
                </div>
                <div class="best__row">
                    <label class="best__label" for="best-band">{i18n.seats(|t| t.which_price)}</label>
                    <select id="best-band" class="chooser" on:change=move |event| band.set(event_target_value(&event).parse().ok())>
                        <option value="" selected=move || band.get().is_none()>{i18n.seats(|t| t.any_price)}</option>
                        {options}
                    </select>
                </div>
                <label class="tick">
                    <input type="checkbox" prop:checked=together on:change=move |event| together.set(event_target_checked(&event))/>
                    <span>{i18n.seats(|t| t.together)}</span>
                </label>
                <NeedsAccessible picker/>
                <button type="submit" class="button button--wide" disabled=busy>
                    {move || if finding() { i18n.seat_t().best_doing } else { i18n.seat_t().best_go }}
                </button>
                <p class="visually-hidden" role="status">
                    {move || finding().then(|| fill(i18n.seat_t().best_doing, &[]))}
                </p>
            </form>
        </section>
    }
}

/// Says that wheelchair or companion seats are needed: opens them on the map, in the list and to the
/// search.
#[component]
pub(crate) fn NeedsAccessible(picker: Picker) -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <label class="tick">
            <input type="checkbox" prop:checked=picker.needs_accessible
                on:change=move |event| {
                    picker.needs_accessible.set(event_target_checked(&event));
                    picker.forget_refusals();
                }/>
            <span>{i18n.seats(|t| t.need_accessible)}</span>
        </label>
    }
}
