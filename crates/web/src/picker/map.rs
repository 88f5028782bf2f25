//! The seat map of a performance: hands the state to the canvas, and taps to the state.

use booking_core::price::Place;
use booking_core::{AreaIx, SeatIx};
use leptos::prelude::*;

use super::choice;
use super::say;
use super::state::Picker;
use crate::browser::stopwatch_ms;
use crate::i18n::{fill, use_i18n};
use crate::map::engine::MapEvent;
use crate::map::theme::band_class;
use crate::map::view::{MapHandle, SeatMapView};

/// Where a seat's details are shown.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pointed {
    seat: SeatIx,
    x: f64,
    y: f64,
    /// Below the seat where there is no room above it.
    below: bool,
}

/// The map with everything that belongs to it.
#[component]
pub(crate) fn PickerMap(picker: Picker) -> impl IntoView {
    let i18n = use_i18n();
    let handle = MapHandle::new();
    let pointed = RwSignal::new(None::<Pointed>);
    let said = picker.said;

    let point = move |seat: Option<u32>| {
        let at = seat.and_then(|seat| {
            handle.with(|map| {
                map.read(|engine| {
                    let house = engine.house();
                    let (x, y) = (house.xs[seat as usize], house.ys[seat as usize]);
                    let (x, y) = engine.view.to_screen(f64::from(x), f64::from(y));
                    let dpr = engine.view.dpr;
                    let (x, y) = (x / dpr, y / dpr);
                    let width = engine.view.width / dpr;
                    // Kept clear of the edges; the card is at most 260 px wide.
                    let x = x.clamp(136.0_f64.min(width * 0.5), (width - 136.0).max(width * 0.5));
                    Pointed {
                        seat: SeatIx(seat),
                        x,
                        y,
                        below: y < 150.0,
                    }
                })
            })
        });
        if pointed.get_untracked() != at {
            pointed.set(at);
        }
    };
    let on_event = UnsyncCallback::new(move |event: MapEvent| match event {
        MapEvent::Pick(seat) => {
            picker.toggle(SeatIx(seat));
            point(Some(seat));
            said.set(say::seat_aloud(picker, i18n.lang(), SeatIx(seat)));
        }
        MapEvent::PickArea(area) => picker.add_in_area(AreaIx(area as u16)),
        MapEvent::Hover(seat) => point(seat),
        MapEvent::Focus(seat) => {
            point(seat);
            if let Some(seat) = seat {
                said.set(say::seat_aloud(picker, i18n.lang(), SeatIx(seat)));
            }
        }
        MapEvent::Moved => {
            if pointed.get_untracked().is_some() {
                let focus = handle
                    .with(|map| map.read(crate::map::engine::Engine::focus))
                    .flatten();
                point(focus);
            }
        }
    });

    // What has changed goes to the canvas.
    Effect::new(move || {
        picker.follow(|view| {
            handle.with(|map| map.with_at_once(|e| e.set_statuses(view.packed(), stopwatch_ms())))
        });
    });
    Effect::new(move || {
        let yours = picker
            .chosen
            .with(|c| choice::seats_of(c))
            .into_iter()
            .map(|s| s.0)
            .collect();
        handle.with(|map| map.with(|engine| engine.set_yours(yours)));
    });
    Effect::new(move || {
        let filter = picker.filter.get();
        let bands = filter.contains(&true).then_some(filter);
        handle.with(|map| map.with(|engine| engine.set_bands(bands)));
    });
    Effect::new(move || {
        let seats = picker.look_at.get();
        if !seats.is_empty() {
            let seats: Vec<u32> = seats.into_iter().map(|seat| seat.0).collect();
            handle.with(|map| map.with(|engine| engine.reveal_all(&seats, stopwatch_ms())));
        }
    });
    let counts = Memo::new(move |_| picker.follow(|view| choice::by_section(&picker.map(), view)));
    let lowest = Memo::new(move |_| {
        picker.follow(|view| choice::lowest_by_section(&picker.map(), view, &picker.terms()))
    });
    let free =
        Signal::derive(move || counts.with(|counts| counts.iter().map(|c| share(*c)).collect()));
    Effect::new(move || {
        let (lang, t) = (i18n.lang(), i18n.seat_t());
        let lowest = lowest.get();
        let blocks: Vec<(Option<String>, f32)> = counts.with(|counts| {
            counts
                .iter()
                .zip(lowest)
                .map(|(count, lowest)| {
                    let note = match lowest {
                        Some(price) => {
                            fill(t.from_price, &[("price", &picker.money_short(lang, price))])
                        }
                        None => t.full_block.to_owned(),
                    };
                    (Some(note), share(*count))
                })
                .collect()
        });
        let areas: Vec<Option<String>> = picker.follow(|view| {
            let left = view.areas_left().iter();
            left.map(|left| {
                Some(fill(
                    t.left,
                    &[("n", &crate::format::number(lang, i64::from(*left)))],
                ))
            })
            .collect()
        });
        handle.with(|map| map.with(|engine| engine.set_labels(&blocks, &areas)));
    });

    view! {
        <SeatMapView seat_map=picker.map() handle on_event said free/>
        {move || pointed.get().map(|at| view! { <SeatCard picker at/> })}
    }
}

fn share((free, all): (u32, u32)) -> f32 {
    if all == 0 {
        0.0
    } else {
        free as f32 / all as f32
    }
}

/// What a seat is, beside it.
#[component]
fn SeatCard(picker: Picker, at: Pointed) -> impl IntoView {
    let i18n = use_i18n();
    let map = picker.map();
    let band = map.band(at.seat);
    let bands = map.bands().len();
    let band_name = map.bands().get(band.index()).map(|band| band.name.clone());
    let class = if at.below {
        "seat-card seat-card--below"
    } else {
        "seat-card"
    };
    let price = picker.house(|house| choice::usual_price(&house.terms, band));
    let signs = map.clone();
    view! {
        <div class=class aria-hidden="true" style:left=format!("{}px", at.x) style:top=format!("{}px", at.y)>
            <p class="seat-card__name">{move || say::place(picker, i18n.lang(), Place::Seat(at.seat))}</p>
            <p class="seat-card__price">
                <span class=band_class(band.index(), bands)></span>
                <span>{band_name}</span>
                <strong class="tabular">{move || price.map(|price| picker.money(i18n.lang(), price))}</strong>
            </p>
            {move || {
                let signs = say::attributes(&signs, i18n.seat_t(), at.seat);
                (!signs.is_empty()).then(|| view! { <p class="seat-card__signs">{signs.join(" · ")}</p> })
            }}
            <p class="seat-card__state">{move || {
                let now = picker.follow(|view| view.status(at.seat));
                say::status(i18n.seat_t(), now, picker.has(Place::Seat(at.seat)))
            }}</p>
        </div>
    }
}
