//! All rooms, and a new one.

use booking_core::PerformanceId;
use leptos::prelude::*;
use leptos::task::spawn_local;
use onsale_queue::wire::RoomSettings;

use super::controls::StateChip;
use super::guard::Refusal;
use super::words;
use crate::api::{self, Failure, Performance, RoomDetail};
use crate::components::load::Skeleton;
use crate::components::page::announce;
use crate::i18n::{ConsoleKey, use_i18n};
use crate::rooms::say;

async fn load() -> Result<(Vec<RoomDetail>, Vec<Performance>), Failure> {
    let rooms = api::operator_rooms().await?;
    let performances = api::performances().await.unwrap_or_default();
    Ok((rooms, performances))
}

#[component]
pub(super) fn Rooms() -> impl IntoView {
    let i18n = use_i18n();
    announce(move || i18n.console_t().title.to_owned());
    let found = LocalResource::new(load);
    let again = Callback::new(move |()| found.refetch());
    view! {
        <div class="console">
            <header class="console__head">
                <h1>{i18n.console(|t| t.title)}</h1>
                <a class="button" href="/operator/sales">{i18n.console(|t| t.sales_title)}</a>
                <a class="button" href="/operator/simulator">{i18n.console(|t| t.simulator)}</a>
            </header>
            {move || match found.get() {
                None => view! { <Skeleton class="skeleton--narrow"/> }.into_any(),
                Some(Err(failure)) => view! { <Refusal failure retry=again/> }.into_any(),
                Some(Ok((rooms, performances))) => view! {
                    <List rooms=rooms.clone()/>
                    <Make rooms performances/>
                }.into_any(),
            }}
        </div>
    }
}

#[component]
fn List(rooms: Vec<RoomDetail>) -> impl IntoView {
    let i18n = use_i18n();
    if rooms.is_empty() {
        return view! {
            <section class="panel-box">
                <h2>{i18n.console(|t| t.none_title)}</h2>
                <p class="muted">{i18n.console(|t| t.none_text)}</p>
            </section>
        }
        .into_any();
    }
    let one = move |name: ConsoleKey, n: u64| {
        view! { <div class="strip__one"><dt>{i18n.console(name)}</dt><dd class="tabular">{move || say::number(i18n.lang(), n)}</dd></div> }
    };
    view! {
        <ul class="room-list">
            {rooms.into_iter().map(|room| {
                let state = room.state;
                let name = room.settings.name.clone();
                view! {
                    <li class="panel-box">
                        <div class="panel-box__head">
                            <h2><a href=format!("/operator/rooms/{}", room.id)>{name}</a></h2>
                            <StateChip state=Signal::stored(state)/>
                        </div>
                        <dl class="strip">
                            {one(|t| t.s_waiting, room.figures.waiting)}
                            {one(|t| t.s_active, room.figures.active.into())}
                            {one(|t| t.rate, room.settings.rate_per_minute.into())}
                            {one(|t| t.cap, room.settings.cap.into())}
                        </dl>
                    </li>
                }
            }).collect_view()}
        </ul>
    }
    .into_any()
}

#[component]
fn Make(rooms: Vec<RoomDetail>, performances: Vec<Performance>) -> impl IntoView {
    let i18n = use_i18n();
    let name = RwSignal::new(String::new());
    let rate = RwSignal::new("600".to_owned());
    let cap = RwSignal::new("500".to_owned());
    let chosen = RwSignal::new(Vec::<PerformanceId>::new());
    let refused = RwSignal::new(None::<Failure>);
    let making = RwSignal::new(false);
    let free: Vec<Performance> = performances
        .into_iter()
        .filter(|performance| {
            !rooms
                .iter()
                .any(|room| room.performances.contains(&performance.id))
        })
        .collect();
    let make = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        if making.get_untracked() {
            return;
        }
        making.set(true);
        refused.set(None);
        // What is no number is a rate of 0: nobody comes in by a slip of the hand.
        let settings = RoomSettings {
            name: name.get_untracked().trim().to_owned(),
            rate_per_minute: rate.get_untracked().trim().parse().unwrap_or(0),
            cap: cap.get_untracked().trim().parse().unwrap_or(0),
            ..RoomSettings::default()
        };
        spawn_local(async move {
            match api::make_room(&settings, &chosen.get_untracked()).await {
                Ok(room) => {
                    let to = format!("/operator/rooms/{}", room.id);
                    let _ = crate::browser::window().location().assign(&to);
                }
                Err(failure) => {
                    let _ = refused.try_set(Some(failure));
                    let _ = making.try_set(false);
                }
            }
        });
    };
    view! {
        <section class="panel-box" aria-labelledby="make-title">
            <h2 id="make-title">{i18n.console(|t| t.make_title)}</h2>
            <form class="console-form" on:submit=make>
                <div class="console-fields">
                    <label class="console-field"><span>{i18n.console(|t| t.f_name)}</span>
                        <input type="text" required maxlength="120" prop:value=name on:input=move |event| name.set(event_target_value(&event))/></label>
                    <label class="console-field"><span>{i18n.console(|t| t.rate)}</span>
                        <input type="text" inputmode="numeric" prop:value=rate on:input=move |event| rate.set(event_target_value(&event))/></label>
                    <label class="console-field"><span>{i18n.console(|t| t.cap)}</span>
                        <input type="text" inputmode="numeric" prop:value=cap on:input=move |event| cap.set(event_target_value(&event))/></label>
                </div>
                <fieldset class="console-choices">
                    <legend>{i18n.console(|t| t.make_protects)}</legend>
                    {free.into_iter().map(|performance| {
                        let id = performance.id;
                        view! {
                            <label class="console-tick">
                                <input type="checkbox" on:change=move |event| {
                                    let on = event_target_checked(&event);
                                    chosen.update(|chosen| {
                                        chosen.retain(|known| *known != id);
                                        if on { chosen.push(id); }
                                    });
                                }/>
                                <span>{performance.title}</span>
                            </label>
                        }
                    }).collect_view()}
                </fieldset>
                <button type="submit" class="button button--primary" aria-disabled=move || making.get().to_string()>{i18n.console(|t| t.make_go)}</button>
                <p role="alert">{move || refused.get().map(|failure| words::refusal(i18n.lang(), &failure))}</p>
            </form>
        </section>
    }
}
