//! It is their turn: come in, and hold what fits the wishes with one tap.

use booking_core::PerformanceId;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::kept::{self, Visit};
use super::page::NOW;
use super::say;
use super::stage::Stage;
use super::visitor::{Doing, Visitor};
use crate::api::{self, Failure, HoldAsk, Offer};
use crate::browser;
use crate::components::countdown::use_now_ms;
use crate::components::notice::{Notice, Tone};
use crate::components::{Icon, Sign};
use crate::format::{self, Detail};
use crate::i18n::{fill, use_i18n};
use crate::way::use_way;
use crate::words::{self, places_in_words};

/// The button that lets them in.
#[component]
pub(super) fn Turn(visitor: Visitor) -> impl IntoView {
    let i18n = visitor.i18n;
    let now = use_now_ms();
    let left = move || {
        let since = visitor.turn_since.get()?;
        let claim = visitor
            .room
            .with(|room| room.as_ref().map(|room| i64::from(room.public.claim_ms)))?;
        Some(since + claim - now.get()).filter(|left| *left > 0)
    };
    let text = move || {
        let t = i18n.room_t();
        let late = matches!(visitor.stage.get(), Some(Stage::Turn { late: true }));
        match left() {
            _ if late => t.turn_late.to_owned(),
            Some(left) => fill(t.turn_text, &[("left", &format::clock_face(left))]),
            None => t.turn_text_open.to_owned(),
        }
    };
    let entering = move || visitor.doing.get() == Doing::Entering || visitor.tries_again();
    view! {
        <h1 class="room__title room__title--turn" id=NOW tabindex="-1"><Icon sign=Sign::Ticket/>{i18n.rooms(|t| t.turn_title)}</h1>
        <p class="room__next tabular">{text}</p>
        <p class="room__go">
            <button type="button" class="button button--primary button--large" id="enter"
                aria-disabled=move || entering().to_string()
                on:click=move |_| visitor.enter()>
                {move || if entering() { i18n.room_t().entering } else { i18n.room_t().enter }}
            </button>
        </p>
    }
}

/// In the shop: the offer, and the ways in.
#[component]
pub(super) fn Inside(visitor: Visitor) -> impl IntoView {
    let i18n = visitor.i18n;
    let Some((performance, visit)) = visitor.visit.get_untracked() else {
        return ().into_any();
    };
    let until = visit.expires_ms;
    let offer = visit.offer.clone();
    let offered = offer.is_some();
    let others: Vec<PerformanceId> = visitor.room.with_untracked(|room| {
        let all = room.as_ref().map(|room| room.performances.clone());
        all.unwrap_or_default()
    });
    let several = others.len() > 1;
    view! {
        <h1 class="room__title" id=NOW tabindex="-1">{i18n.rooms(|t| t.inside_title)}</h1>
        <p class="room__next">{move || {
            let when = format::instant(i18n.lang(), until, Detail::Clock, None);
            fill(i18n.room_t().inside_text, &[("when", &when)])
        }}</p>
        {offer.map(|offer| view! { <OfferCard offer visit=visit.clone()/> })}
        {if several {
            view! { <Choices performances=others/> }.into_any()
        } else {
            let class = if offered { "button button--large" } else { "button button--primary button--large" };
            view! {
                <p class="room__go">
                    <a class=class href=format!("/performances/{performance}")>
                        {i18n.rooms(|t| t.to_seats)}<Icon sign=Sign::Arrow/>
                    </a>
                </p>
            }.into_any()
        }}
    }
    .into_any()
}

/// Several performances behind one room: which one.
#[component]
fn Choices(performances: Vec<PerformanceId>) -> impl IntoView {
    let i18n = use_i18n();
    let found = LocalResource::new(move || {
        let wanted = performances.clone();
        async move {
            let all = api::performances().await.unwrap_or_default();
            all.into_iter()
                .filter(|performance| wanted.contains(&performance.id))
                .collect::<Vec<_>>()
        }
    });
    view! {
        <ul class="room__choices">
            {move || found.get().map(|found| found.into_iter().map(|performance| {
                let starts = performance.starts_at_ms;
                view! {
                    <li><a class="button" href=format!("/performances/{}", performance.id)>
                        {performance.title}
                        <span class="muted">{move || format::instant(i18n.lang(), starts, Detail::Short, None)}</span>
                    </a></li>
                }
            }).collect_view())}
        </ul>
    }
}

/// What the wishes found.
#[component]
fn OfferCard(offer: Offer, visit: Visit) -> impl IntoView {
    let i18n = use_i18n();
    let performance_id = offer.performance_id;
    let places = StoredValue::new(offer.places.clone());
    let found = LocalResource::new(move || async move {
        let performance = api::performance(performance_id).await?;
        let map = api::seat_map(performance_id, &performance.map_version).await?;
        Ok::<_, Failure>((performance, map))
    });
    let names = move || {
        let (performance, map) = found.get()?.ok()?;
        Some(words::speak(i18n.lang(), &performance, &map, |speaker| {
            places.with_value(|places| places_in_words(places, speaker))
        }))
    };
    let holding = RwSignal::new(false);
    let refused = RwSignal::new(None::<Failure>);
    let way = use_way();
    let ask = HoldAsk {
        command_id: browser::new_id().into(),
        hold_id: browser::new_id().into(),
        request: offer.request,
        needs_accessible: offer.needs_accessible,
    };
    let hold = move |_| {
        if holding.get_untracked() {
            return;
        }
        holding.set(true);
        refused.set(None);
        let (ask, visit) = (ask.clone(), visit.clone());
        spawn_local(async move {
            match api::place_hold(performance_id, &ask).await {
                Ok(answer) => {
                    let done = Visit {
                        offer: None,
                        ..visit
                    };
                    kept::update_visit(performance_id, &done);
                    way.go(&format!(
                        "/performances/{performance_id}/checkout/{}",
                        answer.hold.hold
                    ));
                }
                Err(failure) => {
                    let _ = refused.try_set(Some(failure));
                    let _ = holding.try_set(false);
                }
            }
        });
    };
    view! {
        <div class="room__offer">
            <h2>{i18n.rooms(|t| t.offer_title)}</h2>
            <p class="room__offered">{move || names().unwrap_or_else(|| {
                say::number(i18n.lang(), places.with_value(Vec::len) as u64)
            })}</p>
            <p class="muted small">{i18n.rooms(|t| t.offer_text)}</p>
            <div role="alert">
                {move || refused.get().map(|failure| {
                    let said = words::of_failure(&failure, i18n.t());
                    view! { <Notice tone=Tone::Warn><p>{said}</p></Notice> }
                })}
            </div>
            <button type="button" class="button button--primary button--large button--wide"
                aria-disabled=move || holding.get().to_string() on:click=hold>
                {move || if holding.get() { i18n.room_t().offer_holding } else { i18n.room_t().offer_hold }}
            </button>
        </div>
    }
}
