//! The end of a checkout without tickets: what happened, what it means, what is still free.

use std::sync::Arc;

use booking_core::price::Place;
use booking_core::{SeatIx, SeatMap, SeatRequest, SeatStatus};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::state::{End, Known};
use crate::api::{self, HoldAsk};
use crate::components::notice::{Notice, Tone};
use crate::components::{Icon, Sign};
use crate::i18n::{Lang, fill, use_i18n};
use crate::way::use_way;
use crate::words::{
    self, Speaker, nearest_free, places_in_words, seats_in_words, words_for_failure,
};

/// What can be had instead.
#[derive(Clone, Debug, PartialEq, Eq)]
enum StillFree {
    /// The very same places.
    Same,
    /// These seats, like them and near them.
    Near(Vec<SeatIx>),
    /// Nothing alike.
    Nothing,
}

async fn look(known: &Known, places: &[Place]) -> Option<StillFree> {
    let view = api::seats(known.performance.id).await.ok()?;
    let map: &Arc<SeatMap> = &known.map;
    let free = |place: &Place| match place {
        Place::Seat(seat) => seat.0 < view.seat_count() && view.status(*seat) == SeatStatus::Free,
        Place::Area(area) => view.areas_left().get(area.index()).is_some_and(|left| {
            let wanted = places.iter().filter(|other| *other == place).count();
            usize::try_from(*left).is_ok_and(|left| left >= wanted)
        }),
    };
    if places.is_empty() {
        return Some(StillFree::Nothing);
    }
    if places.iter().all(free) {
        return Some(StillFree::Same);
    }
    let seats: Vec<SeatIx> = places
        .iter()
        .filter_map(|place| match place {
            Place::Seat(seat) => Some(*seat),
            Place::Area(_) => None,
        })
        .collect();
    let near = nearest_free(map, &view, &seats);
    Some(if near.is_empty() {
        StillFree::Nothing
    } else {
        StillFree::Near(near)
    })
}

#[component]
pub(super) fn Lapsed(known: Known, places: Vec<Place>, end: End) -> impl IntoView {
    let i18n = use_i18n();
    let id = known.performance.id;
    let known = StoredValue::new(known);
    let places = StoredValue::new(places);
    let end = StoredValue::new(end);
    let speak_in = move |lang: Lang, say: &dyn Fn(&Speaker<'_>) -> String| {
        known.with_value(|known| words::speak(lang, &known.performance, &known.map, say))
    };
    let speak = move |say: &dyn Fn(&Speaker<'_>) -> String| speak_in(i18n.lang(), say);
    let still_free = LocalResource::new(move || {
        let (known, places) = (known.get_value(), places.get_value());
        async move { look(&known, &places).await }
    });
    let refused = RwSignal::new(None::<String>);
    let holding = RwSignal::new(false);
    let way = use_way();
    let hold_again = move |wanted: Vec<Place>| {
        if holding.get_untracked() {
            return;
        }
        holding.set(true);
        refused.set(None);
        spawn_local(async move {
            let needs_accessible = known.with_value(|known| {
                let mut seats = wanted.iter();
                seats.any(|place| needs_accessible(&known.map, *place))
            });
            let ask = HoldAsk::anew(SeatRequest::These(wanted), needs_accessible);
            let hold_id = ask.hold_id;
            match api::place_hold(id, &ask).await {
                Ok(_) => {
                    way.replace(&format!("/performances/{id}/checkout/{hold_id}"));
                }
                Err(failure) => {
                    let said = speak_in(i18n.lang_now(), &|speaker| {
                        words_for_failure(&failure, speaker)
                    });
                    let _ = refused.try_set(Some(said));
                    let _ = holding.try_set(false);
                    still_free.refetch();
                }
            }
        });
    };
    let offer = move || {
        let texts = i18n.t();
        let found = still_free.get()??;
        let (said, wanted, label) = match found {
            StillFree::Same => {
                let all = places.get_value();
                (
                    fill(
                        texts.same_still_free,
                        &[("seats", &speak(&|speaker| places_in_words(&all, speaker)))],
                    ),
                    all,
                    texts.hold_again,
                )
            }
            StillFree::Near(seats) => (
                fill(
                    texts.near_still_free,
                    &[("seats", &speak(&|speaker| seats_in_words(&seats, speaker)))],
                ),
                seats.into_iter().map(Place::Seat).collect(),
                texts.hold_these,
            ),
            StillFree::Nothing => return Some(view! { <p>{texts.nothing_alike}</p> }.into_any()),
        };
        Some(
            view! {
                <p>{said}</p>
                <button type="button" class="button button--primary button--large"
                    aria-disabled=move || holding.get().to_string()
                    on:click=move |_| hold_again(wanted.clone())
                >
                    {move || if holding.get() { i18n.t().holding } else { label }}
                </button>
            }
            .into_any(),
        )
    };
    let said = move || {
        let texts = i18n.t();
        end.with_value(|end| match end {
            End::Lapsed => (texts.lapsed_title, texts.lapsed_text.to_owned()),
            End::Voided(order) => (
                words::undone_title(order, texts),
                words::outcome(order, texts).unwrap_or_else(|| texts.voided_text.to_owned()),
            ),
        })
    };
    view! {
        <section class="empty lapsed" aria-labelledby="lapsed-title">
            <span class="empty__sign"><Icon sign=Sign::Clock/></span>
            <h1 id="lapsed-title">{move || said().0}</h1>
            <p>{move || said().1}</p>
            <div class="lapsed__offer" role="status">{offer}</div>
            <div role="alert">
                {move || refused.get().map(|said| view! { <Notice tone=Tone::Bad><p>{said}</p></Notice> })}
            </div>
            <a class="button" href=format!("/performances/{id}")>{i18n.say(|t| t.back_to_map)}</a>
        </section>
    }
}

/// Whoever held an accessible seat before has said that they need one.
fn needs_accessible(map: &SeatMap, place: Place) -> bool {
    match place {
        Place::Seat(seat) => map.has_seat(seat) && map.attributes(seat).is_accessible(),
        Place::Area(_) => false,
    }
}
