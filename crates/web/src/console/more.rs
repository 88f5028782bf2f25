//! Codes past the line, the ceremony of the draw, and the audit log.

use leptos::prelude::*;
use leptos::task::spawn_local;
use onsale_queue::wire::BypassCode;

use super::live::Live;
use super::story;
use super::words;
use crate::api::{self, Failure};
use crate::format::{self, Detail};
use crate::i18n::fill;
use crate::rooms::say;

#[component]
pub(super) fn CodesPanel(live: Live) -> impl IntoView {
    let i18n = live.i18n;
    let codes = RwSignal::new(Vec::<BypassCode>::new());
    let label = RwSignal::new(String::new());
    let limit = RwSignal::new("1".to_owned());
    let new = RwSignal::new(None::<String>);
    let refused = RwSignal::new(None::<Failure>);
    let read = move || {
        spawn_local(async move {
            if let Ok(found) = api::codes(&live.room_id()).await {
                let _ = codes.try_set(found);
            }
        });
    };
    read();
    let issue = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        refused.set(None);
        new.set(None);
        let (label_text, times) = (label.get_untracked(), limit.get_untracked());
        spawn_local(async move {
            let times = times.trim().parse().unwrap_or(0);
            match api::issue_code(&live.room_id(), label_text.trim(), times, None).await {
                Ok(code) => {
                    let _ = new.try_set(Some(code.code));
                    let _ = label.try_set(String::new());
                }
                Err(failure) => drop(refused.try_set(Some(failure))),
            }
            read();
        });
    };
    let withdraw = move |id: String| {
        spawn_local(async move {
            if let Err(failure) = api::withdraw_code(&live.room_id(), &id).await {
                let _ = refused.try_set(Some(failure));
            }
            read();
        });
    };
    view! {
        <details class="panel-box">
            <summary>{i18n.console(|t| t.codes_title)}</summary>
            <form class="console-form" on:submit=issue>
                <p class="muted">{i18n.console(|t| t.codes_help)}</p>
                <div class="console-fields">
                    <label class="console-field"><span>{i18n.console(|t| t.code_label)}</span>
                        <input type="text" prop:value=label on:input=move |event| label.set(event_target_value(&event))/></label>
                    <label class="console-field"><span>{i18n.console(|t| t.code_limit)}</span>
                        <input type="text" inputmode="numeric" prop:value=limit on:input=move |event| limit.set(event_target_value(&event))/></label>
                </div>
                <button type="submit" class="button">{i18n.console(|t| t.code_issue)}</button>
                <div role="status">
                    {move || new.get().map(|code| view! { <p>{i18n.console(|t| t.code_once)}" "<code class="new-code">{code}</code></p> })}
                    {move || refused.get().map(|failure| view! { <p>{words::refusal(i18n.lang(), &failure)}</p> })}
                </div>
                <ul class="codes">
                    {move || codes.get().into_iter().map(|code| {
                        let id = code.id.clone();
                        view! {
                            <li><strong>{code.label.clone()}</strong>
                                <span class="muted tabular">{move || fill(i18n.console_t().code_used, &[("used", &code.used.to_string()), ("limit", &code.limit.to_string())])}</span>
                                <button type="button" class="button button--quiet" on:click=move |_| withdraw(id.clone())>{i18n.console(|t| t.code_withdraw)}</button></li>
                        }
                    }).collect_view()}
                </ul>
            </form>
        </details>
    }
}

/// Commit, gather, reveal: what is public at each step.
#[component]
pub(super) fn DrawPanel(live: Live) -> impl IntoView {
    let i18n = live.i18n;
    let draw = Memo::new(move |_| {
        live.room
            .with(|room| room.as_ref().and_then(|room| room.public.draw.clone()))
    });
    let here = move || {
        let waiting = live
            .room
            .with(|room| room.as_ref().map_or(0, |room| room.figures.waiting));
        draw.with(|draw| draw.as_ref().map_or(0, |draw| draw.gathered))
            .max(
                if draw.with(|draw| draw.as_ref().is_some_and(|draw| draw.key.is_none())) {
                    waiting
                } else {
                    0
                },
            )
    };
    view! {
        <Show when=move || draw.with(Option::is_some)>
            <section class="panel-box ceremony-box" aria-labelledby="draw-title">
                <h2 id="draw-title">{i18n.console(|t| t.draw_title)}</h2>
                <p class="muted">{i18n.console(|t| t.draw_help)}</p>
                <dl class="ceremony">
                    <div><dt>{i18n.console(|t| t.draw_commitment)}</dt>
                        <dd class="hex">{move || draw.with(|draw| draw.as_ref().map(|draw| draw.commitment.to_hex()))}</dd></div>
                    <div><dt>{i18n.console(|t| t.draw_gathered)}</dt><dd class="tabular">{move || say::number(i18n.lang(), here())}</dd></div>
                    <div><dt>{i18n.console(|t| t.draw_key)}</dt>
                        <dd class="hex">{move || draw.with(|draw| draw.as_ref().and_then(|draw| draw.key).map_or_else(
                            || i18n.console_t().draw_secret.to_owned(), |key| key.to_hex()))}</dd></div>
                </dl>
            </section>
        </Show>
    }
}

#[component]
pub(super) fn LogPanel(live: Live) -> impl IntoView {
    let i18n = live.i18n;
    let told = Memo::new(move |_| {
        live.points
            .with(|points| live.log.with(|log| story::tell(i18n.lang(), log, points)))
    });
    let when = move |ms: i64| format::instant(i18n.lang(), ms, Detail::Short, None);
    view! {
        <section class="panel-box log-box" aria-labelledby="log-title">
            <h2 id="log-title">{i18n.console(|t| t.log_title)}</h2>
            <ul class="log" tabindex="0" aria-labelledby="log-title">
                {move || told.get().into_iter().map(|told| view! {
                    <li><span class="muted tabular">{when(told.at_ms)}</span>" "<strong>{told.who}</strong>" "{told.what}</li>
                }).collect_view()}
            </ul>
        </section>
    }
}
