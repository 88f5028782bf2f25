//! The list: sections, their rows, their seats as buttons. It does everything the map does. Only what is
//! open is on the page, so that a house of 50,000 seats stays light.

use booking_core::price::Place;
use booking_core::seatmap::Section;
use booking_core::{AreaIx, RowIx, SeatIx, SeatStatus};
use leptos::prelude::*;

use super::choice;
use super::say;
use super::state::Picker;
use crate::components::{Icon, Sign};
use crate::format;
use crate::i18n::{fill, use_i18n};
use crate::map::theme::band_class;

#[component]
pub(crate) fn SeatList(picker: Picker) -> impl IntoView {
    let i18n = use_i18n();
    let map = picker.map();
    let open = RwSignal::new(None::<usize>);
    let only_free = RwSignal::new(true);
    let counts = Memo::new(move |_| picker.follow(|view| choice::by_section(&picker.map(), view)));
    let lowest = Memo::new(move |_| {
        picker.follow(|view| choice::lowest_by_section(&picker.map(), view, &picker.terms()))
    });
    // Best first: nearest to the stage, as the map gives them.
    let sections: Vec<(usize, Section)> = map.sections().iter().cloned().enumerate().collect();
    let areas: Vec<(AreaIx, String)> = map
        .areas()
        .iter()
        .enumerate()
        .map(|(i, area)| (AreaIx(i as u16), area.name.clone()))
        .collect();
    let section = move |(i, section): (usize, Section)| {
        let is_open = move || open.get() == Some(i);
        let rows = section.rows.clone();
        let panel = format!("list-section-{i}");
        let controls = panel.clone();
        view! {
            <li class="list__section">
                <h2 class="list__head">
                    <button type="button" class="list__open" aria-expanded=move || is_open().to_string() aria-controls=controls
                        on:click=move |_| open.update(|open| *open = (*open != Some(i)).then_some(i))>
                        <span class="list__name">{section.name}</span>
                        <span class="list__left">{move || {
                            match counts.with(|counts| counts[i].0) {
                                0 => i18n.seat_t().none_left.to_owned(),
                                n => fill(i18n.seat_t().left, &[("n", &format::number(i18n.lang(), i64::from(n)))]),
                            }
                        }}</span>
                        <span class="list__price tabular">{move || {
                            let price = lowest.with(|lowest| lowest[i])?;
                            Some(fill(i18n.seat_t().from_price, &[("price", &picker.money_short(i18n.lang(), price))]))
                        }}</span>
                        <span class="list__turn" class:list__turn--open=is_open><Icon sign=Sign::Arrow/></span>
                    </button>
                </h2>
                <div id=panel hidden=move || !is_open()>
                    {move || is_open().then(|| view! { <Rows picker rows=rows.clone() only_free/> })}
                </div>
            </li>
        }
    };
    view! {
        <section class="list" aria-label=i18n.seats(|t| t.as_list)>
            <p class="panel__help">{i18n.seats(|t| t.list_help)}</p>
            <label class="tick">
                <input type="checkbox" prop:checked=only_free on:change=move |event| only_free.set(event_target_checked(&event))/>
                <span>{i18n.seats(|t| t.only_free)}</span>
            </label>
            <ul class="list__sections">
                {areas.into_iter().map(|(area, name)| view! { <AreaRow picker area name/> }).collect_view()}
                {sections.into_iter().map(section).collect_view()}
            </ul>
        </section>
    }
}

/// The rows of an open section.
#[component]
fn Rows(picker: Picker, rows: std::ops::Range<u32>, only_free: RwSignal<bool>) -> impl IntoView {
    let i18n = use_i18n();
    let open = RwSignal::new(None::<u32>);
    let free_in = move |row: u32| {
        let map = picker.map();
        let seats = map.rows()[row as usize].seats.clone();
        picker.follow(|view| {
            let filter = picker.filter.get();
            let all = !filter.contains(&true);
            seats
                .map(SeatIx)
                .filter(|&seat| view.status(seat) == SeatStatus::Free)
                .filter(|&seat| all || filter[map.band(seat).index()])
                .count()
        })
    };
    let counts = {
        let rows = rows.clone();
        Memo::new(move |_| rows.clone().map(free_in).collect::<Vec<usize>>())
    };
    let first = rows.start;
    let shown = Memo::new(move |_| {
        let all = !only_free.get();
        counts.with(|counts| {
            (0..counts.len())
                .filter(|&i| all || counts[i] > 0 || open.get() == Some(first + i as u32))
                .map(|i| first + i as u32)
                .collect::<Vec<_>>()
        })
    });
    view! {
        {move || shown.with(Vec::is_empty).then(|| view! { <p class="list__none">{i18n.seats(|t| t.nothing_free)}</p> })}
        <ul class="list__rows">
            <For each=move || shown.get() key=|row| *row let(row)>
                {
                    let is_open = move || open.get() == Some(row);
                    let panel = format!("list-row-{row}");
                    let controls = panel.clone();
                    view! {
                        <li class="list__row">
                            <button type="button" class="list__open list__open--row" aria-expanded=move || is_open().to_string() aria-controls=controls
                                on:click=move |_| open.update(|open| *open = (*open != Some(row)).then_some(row))>
                                <span class="list__name">{move || fill(i18n.seat_t().row_name, &[("row", &picker.map().rows()[row as usize].name)])}</span>
                                <span class="list__left">{move || match counts.with(|counts| counts[(row - first) as usize]) {
                                    0 => i18n.seat_t().none_left.to_owned(),
                                    n => fill(i18n.seat_t().left, &[("n", &n.to_string())]),
                                }}</span>
                                <span class="list__turn" class:list__turn--open=is_open><Icon sign=Sign::Arrow/></span>
                            </button>
                            <div id=panel hidden=move || !is_open()>
                                {move || is_open().then(|| view! { <Seats picker row=RowIx(row)/> })}
                            </div>
                        </li>
                    }
                }
            </For>
        </ul>
    }
}

/// The seats of an open row.
#[component]
fn Seats(picker: Picker, row: RowIx) -> impl IntoView {
    let map = picker.map();
    let seats = map.rows()[row.index()].seats.clone().map(SeatIx);
    view! {
        <ul class="list__seats">
            {seats.map(|seat| view! { <li><SeatButton picker seat/></li> }).collect_view()}
        </ul>
    }
}

#[component]
fn SeatButton(picker: Picker, seat: SeatIx) -> impl IntoView {
    let i18n = use_i18n();
    let map = picker.map();
    let band = map.band(seat);
    let label = map.label(seat).to_owned();
    let place = Place::Seat(seat);
    let status = Memo::new(move |_| picker.follow(|view| view.status(seat)));
    let yours = Memo::new(move |_| picker.has(place));
    let shown = move || {
        picker
            .filter
            .with(|filter| !filter.contains(&true) || filter[band.index()])
    };
    let class = move || {
        let state = match (yours.get(), status.get()) {
            (true, _) => "seat--yours",
            (_, SeatStatus::Free) => "seat--free",
            (_, SeatStatus::Held) => "seat--held",
            (_, SeatStatus::Sold) => "seat--sold",
            (_, SeatStatus::Closed) => "seat--closed",
        };
        let pale = if shown() { "" } else { " seat--pale" };
        format!(
            "seat {state}{pale} {}",
            band_class(band.index(), map.bands().len())
        )
    };
    let aloud = move || {
        status.track();
        yours.track();
        say::seat_aloud(picker, i18n.lang(), seat)
    };
    let gone = move || !yours.get() && status.get() != SeatStatus::Free;
    view! {
        <button type="button" class=class aria-label=aloud aria-pressed=move || yours.get().to_string()
            aria-disabled=move || gone().to_string()
            on:click=move |_| picker.toggle(seat)>
            {label}
        </button>
    }
}

/// An area: how many places.
#[component]
fn AreaRow(picker: Picker, area: AreaIx, name: String) -> impl IntoView {
    let i18n = use_i18n();
    let mine = move || {
        picker.chosen.with(|chosen| {
            chosen
                .iter()
                .filter(|c| c.place == Place::Area(area))
                .count()
        })
    };
    let left = move || picker.follow(|view| choice::left_in(view, area));
    let group = {
        let name = name.clone();
        move || fill(i18n.seat_t().places_in, &[("area", &name)])
    };
    view! {
        <li class="list__section list__area">
            <span class="list__name">{name}</span>
            <span class="list__left">{move || fill(i18n.seat_t().left, &[("n", &format::number(i18n.lang(), i64::from(left())))])}</span>
            <span class="stepper" role="group" aria-label=group>
                <button type="button" class="stepper__step" aria-label=i18n.seats(|t| t.fewer) disabled=move || mine() == 0
                    on:click=move |_| picker.put_back(Place::Area(area))><Icon sign=Sign::Minus/></button>
                <output class="stepper__n tabular">{mine}</output>
                <button type="button" class="stepper__step" aria-label=i18n.seats(|t| t.more)
                    on:click=move |_| picker.add_in_area(area)><Icon sign=Sign::Plus/></button>
            </span>
        </li>
    }
}
