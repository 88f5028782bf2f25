//! One room: what is so, the controls, the graphs, and what was done.

use leptos::prelude::*;
use onsale_queue::RoomState;

use super::controls::{Controls, StateChip};
use super::figures::{FiguresPanel, Strip};
use super::guard::Refusal;
use super::live::Live;
use super::more::{CodesPanel, DrawPanel, LogPanel};
use super::settings::{MessagePanel, SettingsPanel};
use crate::components::load::Skeleton;
use crate::components::page::announce;
use crate::components::{Icon, Sign};
use crate::i18n::use_i18n;

#[component]
pub(super) fn RoomConsole(id: String) -> impl IntoView {
    let i18n = use_i18n();
    let live = Live::begin(id, i18n);
    let heard = Memo::new(move |_| live.room.with(Option::is_some));
    let name = move || {
        let name = live
            .room
            .with(|room| room.as_ref().map(|room| room.settings.name.clone()));
        name.filter(|name| !name.is_empty())
            .unwrap_or_else(|| i18n.console_t().title.to_owned())
    };
    announce(name);
    move || {
        if heard.get() {
            return view! { <Shown live name=Signal::derive(name)/> }.into_any();
        }
        match live.failed.get() {
            None => view! { <Skeleton class="skeleton--narrow"/> }.into_any(),
            Some(failure) => {
                view! { <Refusal failure retry=move |()| live.read_all()/> }.into_any()
            }
        }
    }
}

#[component]
fn Shown(live: Live, name: Signal<String>) -> impl IntoView {
    let i18n = live.i18n;
    let state = Signal::derive(move || {
        live.room
            .with(|room| room.as_ref().map_or(RoomState::Closed, |room| room.state))
    });
    let on = move || {
        live.room
            .with(|room| room.as_ref().is_some_and(|room| room.public.on))
    };
    view! {
        <div class="console">
            <header class="console__head">
                <a class="icon-button" href="/operator/rooms" aria-label=i18n.console(|t| t.title)><Icon sign=Sign::Back/></a>
                <h1>{name}</h1>
                <StateChip state/>
                <span class="chip">{move || if on() { i18n.console_t().visible_on } else { i18n.console_t().visible_off }}</span>
                <a class="small" href=format!("/rooms/{}", live.room_id())>{i18n.console(|t| t.visitor_page)}</a>
                <span class="console__line small" class:console__line--lost=move || !live.online.get() role="status">
                    {move || if live.online.get() { i18n.console_t().live } else { i18n.console_t().line_lost }}
                </span>
            </header>
            <Strip live/>
            <div class="console__grid">
                <div class="console__main">
                    <FiguresPanel live/>
                    <LogPanel live/>
                </div>
                <div class="console__side">
                    <Controls live/>
                    <MessagePanel live/>
                    <DrawPanel live/>
                    <SettingsPanel live/>
                    <CodesPanel live/>
                </div>
            </div>
        </div>
    }
}
