//! What stands below the number: sound and notification, the link for another device, a code, and giving
//! the place up.

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen_futures::JsFuture;

use super::visitor::{Doing, Visitor};
use super::{bell, qr};
use crate::browser;

/// Asks how the visitor wants to be called.
#[component]
pub(super) fn Bell(visitor: Visitor) -> impl IntoView {
    let i18n = visitor.i18n;
    let sound = RwSignal::new(bell::wants_sound());
    let notice = RwSignal::new(bell::wants_notice());
    let denied = RwSignal::new(false);
    let set_notice = move |on: bool| {
        spawn_local(async move {
            let allowed = bell::set_notice(on).await;
            let _ = notice.try_set(on && allowed);
            let _ = denied.try_set(!allowed);
        });
    };
    view! {
        <fieldset class="room__bell">
            <legend>{i18n.rooms(|t| t.bell_title)}</legend>
            <label class="tick">
                <input type="checkbox" prop:checked=sound on:change=move |event| {
                    let on = event_target_checked(&event);
                    sound.set(on);
                    bell::set_sound(on);
                }/>
                <span>{i18n.rooms(|t| t.bell_sound)}</span>
            </label>
            <label class="tick">
                <input type="checkbox" prop:checked=notice on:change=move |event| set_notice(event_target_checked(&event))/>
                <span>{i18n.rooms(|t| t.bell_notice)}</span>
            </label>
            <p class="small muted" role="status">{move || denied.get().then(|| i18n.room_t().bell_denied)}</p>
        </fieldset>
    }
}

/// The same one place elsewhere.
#[component]
pub(super) fn Device(visitor: Visitor) -> impl IntoView {
    let i18n = visitor.i18n;
    let link = move || {
        let origin = browser::window().location().origin().unwrap_or_default();
        visitor.place.with(|kept| {
            kept.as_ref()
                .map(|kept| format!("{origin}/rooms/{}#pass={}", visitor.room_id(), kept.pass))
                .unwrap_or_default()
        })
    };
    let select = move |event: web_sys::FocusEvent| {
        event_target::<web_sys::HtmlInputElement>(&event).select();
    };
    // Drawn for who looks, and anew where wishes have changed the pass.
    let open = RwSignal::new(false);
    let code = Memo::new(move |_| open.get().then(link).and_then(|link| qr::draw(&link)));
    let copied = RwSignal::new(false);
    let copy = move |_| {
        let text = untrack(link);
        spawn_local(async move {
            let done = browser::window().navigator().clipboard().write_text(&text);
            let _ = copied.try_set(JsFuture::from(done).await.is_ok());
        });
    };
    view! {
        <details class="room__more card" on:toggle=move |_| open.set(true)>
            <summary>{i18n.rooms(|t| t.device_title)}</summary>
            <div class="room__form">
                <p class="muted">{i18n.rooms(|t| t.device_text)}</p>
                {move || code.get().map(|drawn| view! {
                    <svg class="room__code" viewBox=format!("0 0 {0} {0}", drawn.side) shape-rendering="crispEdges"
                        role="img" aria-label=i18n.rooms(|t| t.device_code)>
                        <path class="room__code-paper" d=format!("M0 0h{0}v{0}H0z", drawn.side)/>
                        <path class="room__code-ink" d=drawn.black/>
                    </svg>
                })}
                <label class="room__field">
                    <span>{i18n.rooms(|t| t.device_link)}</span>
                    <input class="field__input" type="text" readonly prop:value=link on:focus=select/>
                </label>
                <button type="button" class="button" on:click=copy>{i18n.rooms(|t| t.device_copy)}</button>
                <p class="small" role="status">{move || copied.get().then(|| i18n.room_t().device_copied)}</p>
            </div>
        </details>
    }
}

/// Past the line, for whom the operator gave a code.
#[component]
pub(super) fn Code(visitor: Visitor) -> impl IntoView {
    let i18n = visitor.i18n;
    let code = RwSignal::new(String::new());
    let go = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        let text = code.get_untracked();
        if !text.trim().is_empty() {
            visitor.enter_by_code(text);
        }
    };
    view! {
        <details class="room__more card">
            <summary>{i18n.rooms(|t| t.code_title)}</summary>
            <form class="room__form" on:submit=go>
                <label class="room__field">
                    <span>{i18n.rooms(|t| t.code_label)}</span>
                    <input class="field__input" type="text" autocomplete="off" autocapitalize="characters" spellcheck="false"
                        prop:value=code on:input=move |event| code.set(event_target_value(&event))/>
                </label>
                <button type="submit" class="button" aria-disabled=move || (visitor.doing.get() == Doing::Entering).to_string()>
                    {i18n.rooms(|t| t.code_go)}
                </button>
            </form>
        </details>
    }
}

/// Asks once more before the place is gone.
#[component]
pub(super) fn GiveUp(visitor: Visitor) -> impl IntoView {
    let i18n = visitor.i18n;
    let sure = RwSignal::new(false);
    view! {
        <div class="room__give-up">
            <Show when=move || sure.get() fallback=move || view! {
                <button type="button" class="button button--quiet" on:click=move |_| sure.set(true)>{i18n.rooms(|t| t.give_up)}</button>
            }>
                <p>{i18n.rooms(|t| t.give_up_sure)}</p>
                <div class="room__answers">
                    <button type="button" class="button" on:click=move |_| sure.set(false)>{i18n.rooms(|t| t.give_up_no)}</button>
                    <button type="button" class="button" on:click=move |_| visitor.give_up()>{i18n.rooms(|t| t.give_up_yes)}</button>
                </div>
            </Show>
        </div>
    }
}
