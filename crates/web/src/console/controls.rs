//! The three controls that matter, and the life of the room. Each asks once more, saying what it will
//! do to how many people, before it does it.

use leptos::html::Dialog;
use leptos::prelude::*;
use onsale_queue::{Action, RoomState};

use super::live::Live;
use super::words::{self, Intent, Now};
use crate::components::notice::{Notice, Tone};
use crate::i18n::use_i18n;
use crate::rooms::say;

/// What is asked, and of which version of the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asked {
    intent: Intent,
    version: u64,
}

/// Opens the question.
#[derive(Clone, Copy)]
struct Ask {
    asked: RwSignal<Option<Asked>>,
    dialog: NodeRef<Dialog>,
    live: Live,
}

impl Ask {
    fn open(self, intent: Intent) {
        let version = self
            .live
            .room
            .with_untracked(|room| room.as_ref().map_or(0, |room| room.version));
        self.live.refused.set(None);
        self.asked.set(Some(Asked { intent, version }));
        if let Some(dialog) = self.dialog.get_untracked() {
            let _ = dialog.show_modal();
        }
    }
    fn close(self) {
        if let Some(dialog) = self.dialog.get_untracked() {
            dialog.close();
        }
    }
}

/// The tiles, the buttons of the room's life, and the question they share.
#[component]
pub(super) fn Controls(live: Live) -> impl IntoView {
    let i18n = live.i18n;
    let ask = Ask {
        asked: RwSignal::new(None),
        dialog: NodeRef::new(),
        live,
    };
    let setting = move |read: fn(&onsale_queue::wire::RoomSettings) -> u32| {
        live.room
            .with(|room| room.as_ref().map_or(0, |room| read(&room.settings)))
    };
    let rate = move || setting(|settings| settings.rate_per_minute);
    let cap = move || setting(|settings| settings.cap);
    let actions = Memo::new(move |_| {
        live.room
            .with(|room| room.as_ref().map(|room| room.actions.clone()))
            .unwrap_or_default()
    });
    let pausing = Memo::new(move |_| {
        actions.with(|actions| {
            [Action::Pause, Action::Resume]
                .into_iter()
                .find(|action| actions.contains(action))
        })
    });
    let number = move |n: u32| say::number(i18n.lang(), n.into());
    let others = move || {
        actions
            .get()
            .into_iter()
            .filter(|action| !matches!(action, Action::Pause | Action::Resume))
            .map(|action| {
                view! {
                    <button type="button" class="button" on:click=move |_| ask.open(Intent::Act(action))>
                        {move || words::action(i18n.console_t(), action)}
                    </button>
                }
            })
            .collect_view()
    };
    view! {
        <div class="controls">
            <button type="button" class="control" on:click=move |_| ask.open(Intent::Rate(untrack(rate)))>
                <span class="control__name">{i18n.console(|t| t.rate)}</span>
                <span class="control__value tabular">{move || number(rate())}</span>
                <span class="control__unit">{i18n.console(|t| t.per_minute)}</span>
            </button>
            <button type="button" class="control" on:click=move |_| ask.open(Intent::Cap(untrack(cap)))>
                <span class="control__name">{i18n.console(|t| t.cap)}</span>
                <span class="control__value tabular">{move || number(cap())}</span>
                <span class="control__unit">{i18n.console(|t| t.at_once)}</span>
            </button>
            <button type="button" class="control control--pause" disabled=move || pausing.get().is_none()
                on:click=move |_| if let Some(action) = pausing.get_untracked() { ask.open(Intent::Act(action)) }>
                <span class="control__value">{move || {
                    let t = i18n.console_t();
                    words::action(t, pausing.get().unwrap_or(Action::Pause))
                }}</span>
            </button>
        </div>
        <section class="panel-box" aria-labelledby="life-title">
            <h2 id="life-title">{i18n.console(|t| t.life_title)}</h2>
            <div class="life">{others}</div>
        </section>
        <div role="alert">
            {move || live.refused.get().map(|failure| {
                let said = words::refusal(i18n.lang(), &failure);
                view! { <Notice tone=Tone::Bad><p>{said}</p></Notice> }
            })}
        </div>
        <Question ask live/>
    }
}

#[component]
fn Question(ask: Ask, live: Live) -> impl IntoView {
    let i18n = use_i18n();
    let now = Memo::new(move |_| live.room.with(|room| room.as_ref().map(Now::of)));
    let title = move || {
        let t = i18n.console_t();
        match ask.asked.get().map(|asked| asked.intent) {
            Some(Intent::Rate(_)) => t.rate,
            Some(Intent::Cap(_)) => t.cap,
            Some(Intent::Act(action)) => words::action(t, action),
            None => "",
        }
    };
    let value = Memo::new(move |_| match ask.asked.get()?.intent {
        Intent::Rate(n) | Intent::Cap(n) => Some(n),
        Intent::Act(_) => None,
    });
    let set = move |n: u32| {
        ask.asked.update(|asked| {
            if let Some(asked) = asked {
                asked.intent = match asked.intent {
                    Intent::Rate(_) => Intent::Rate(n),
                    Intent::Cap(_) => Intent::Cap(n),
                    act @ Intent::Act(_) => act,
                };
            }
        });
    };
    let step = move |by: i64| {
        let n = i64::from(value.get_untracked().unwrap_or(0));
        set(u32::try_from((n + by).clamp(0, 1_000_000)).unwrap_or(0));
    };
    let effect = move || {
        let (asked, now) = (ask.asked.get()?, now.get()?);
        let lang = i18n.lang();
        Some(words::effect(
            i18n.console_t(),
            asked.intent,
            now,
            &|n| say::number(lang, n),
            &|ms| words::time(lang, ms),
        ))
    };
    let go = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        if let Some(asked) = ask.asked.get_untracked() {
            live.carry_out(asked.intent, asked.version, move || ask.close());
        }
    };
    let dangerous = move || {
        matches!(
            ask.asked.get().map(|asked| asked.intent),
            Some(Intent::Act(
                Action::Close | Action::Drain | Action::Draw | Action::Reset
            ))
        )
    };
    let confirm = move || {
        let t = i18n.console_t();
        if live.doing.get() {
            t.doing
        } else if value.get().is_some() {
            t.apply
        } else {
            title()
        }
    };
    let input =
        move |event: web_sys::Event| set(event_target_value(&event).trim().parse().unwrap_or(0));
    let steps = [-100_i64, -10, 10, 100].map(|by| {
        let sign = if by > 0 { "+" } else { "−" };
        let said = format!("{sign}{}", by.abs());
        view! { <button type="button" class="button" on:click=move |_| step(by)>{said}</button> }
    });
    let steps = StoredValue::new_local(Some(steps));
    view! {
        <dialog class="ask" node_ref=ask.dialog aria-labelledby="ask-title">
            <form class="ask__form" on:submit=go>
                <h2 id="ask-title">{title}</h2>
                <div class="ask__value" hidden=move || value.get().is_none()>
                    <input class="ask__input tabular" type="text" inputmode="numeric" aria-labelledby="ask-title"
                        prop:value=move || value.get().unwrap_or(0).to_string() on:input=input/>
                    <div class="ask__steps">{steps.try_update_value(Option::take).flatten()}</div>
                </div>
                <p class="ask__effect" aria-live="polite">{effect}</p>
                <div class="ask__do">
                    <button type="button" class="button" on:click=move |_| ask.close()>{i18n.console(|t| t.cancel)}</button>
                    <button type="submit" class="button" class:button--primary=move || !dangerous() class:button--danger=dangerous
                        aria-disabled=move || live.doing.get().to_string()>{confirm}</button>
                </div>
            </form>
        </dialog>
    }
}

/// The chip that says where the room is.
#[component]
pub(super) fn StateChip(#[prop(into)] state: Signal<RoomState>) -> impl IntoView {
    let i18n = use_i18n();
    let class = move || match state.get() {
        RoomState::Open => "chip chip--good",
        RoomState::Paused | RoomState::Halted => "chip chip--bad",
        RoomState::Gathering | RoomState::Drawing | RoomState::Draining => "chip chip--warn",
        RoomState::Scheduled | RoomState::Closed => "chip",
    };
    view! { <span class=class>{move || words::state(i18n.console_t(), state.get())}</span> }
}
