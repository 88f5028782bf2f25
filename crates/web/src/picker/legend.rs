//! Prices: what the colours mean, what is left, and which of them stand out on the map and in the list.

use booking_core::BandIx;
use leptos::prelude::*;

use super::choice;
use super::state::Picker;
use crate::format;
use crate::i18n::{fill, use_i18n};
use crate::map::theme::band_class;

#[component]
pub(crate) fn Legend(picker: Picker) -> impl IntoView {
    let i18n = use_i18n();
    let map = picker.map();
    let bands: Vec<(usize, String)> = map
        .bands()
        .iter()
        .enumerate()
        .map(|(i, band)| (i, band.name.clone()))
        .collect();
    let count = bands.len();
    let free = Memo::new(move |_| picker.follow(|view| choice::free_by_band(&picker.map(), view)));
    let filtered = move || picker.filter.with(|filter| filter.contains(&true));
    let row = move |(i, name): (usize, String)| {
        let price = picker.house(|house| choice::usual_price(&house.terms, BandIx(i as u8)));
        let on = move || picker.filter.with(|filter| filter[i]);
        let left = move || free.with(|free| free[i]);
        view! {
            <li>
                <button type="button" class="band-row" class:band-row--off=move || filtered() && !on()
                    aria-pressed=move || on().to_string()
                    on:click=move |_| picker.filter.update(|filter| filter[i] = !filter[i])>
                    <span class=band_class(i, count)></span>
                    <span class="band-row__name">{name}</span>
                    <span class="band-row__left">{move || {
                        let t = i18n.seat_t();
                        match left() {
                            0 => t.none_left.to_owned(),
                            n => fill(t.left, &[("n", &format::number(i18n.lang(), i64::from(n)))]),
                        }
                    }}</span>
                    <strong class="band-row__price tabular">{move || price.map(|price| picker.money_short(i18n.lang(), price))}</strong>
                </button>
            </li>
        }
    };
    view! {
        <section class="panel__part" aria-labelledby="legend-title">
            <div class="panel__head">
                <h2 class="panel__title" id="legend-title">{i18n.seats(|t| t.prices_title)}</h2>
                <button type="button" class="panel__small" hidden=move || !filtered()
                    on:click=move |_| picker.filter.update(|filter| filter.fill(false))>
                    {i18n.seats(|t| t.show_all)}
                </button>
            </div>
            <p class="visually-hidden">{i18n.seats(|t| t.prices_help)}</p>
            <ul class="band-rows">{bands.into_iter().map(row).collect_view()}</ul>
            <ul class="states" aria-label=i18n.seats(|t| t.details)>
                <li><span class="state state--free"></span>{i18n.seats(|t| t.is_free)}</li>
                <li><span class="state state--yours"></span>{i18n.seats(|t| t.is_yours)}</li>
                <li><span class="state state--held"></span>{i18n.seats(|t| t.held)}</li>
                <li><span class="state state--sold"></span>{i18n.seats(|t| t.is_sold)}</li>
            </ul>
        </section>
    }
}
