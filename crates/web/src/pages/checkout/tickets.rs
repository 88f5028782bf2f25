//! Each ticket with its seat and its price type, and the voucher.

use booking_core::PriceTypeIx;
use leptos::prelude::*;

use super::state::Checkout;
use crate::components::notice::{Notice, Tone};
use crate::components::{Icon, Sign};
use crate::format;
use crate::i18n::{fill, use_i18n};
use crate::words::{place_in_words, words_for_failure, words_for_warning};

#[component]
pub(super) fn Tickets(checkout: Checkout) -> impl IntoView {
    let i18n = use_i18n();
    let count = checkout.kept.with_untracked(|kept| kept.items.len());
    view! {
        <section class="step" aria-labelledby="tickets-title">
            <h2 class="step__title" id="tickets-title">{i18n.say(|t| t.your_tickets)}</h2>
            <ul class="ticket-rows">
                {(0..count).map(|position| view! { <TicketRow checkout position/> }).collect_view()}
            </ul>
            {checkout.warnings.get_value().into_iter().map(|warning| view! {
                <Notice tone=Tone::Plain>
                    <p>{move || checkout.speak(|speaker| words_for_warning(&warning, speaker))}</p>
                </Notice>
            }).collect_view()}
            <VoucherField checkout/>
        </section>
    }
}

#[component]
fn TicketRow(checkout: Checkout, position: usize) -> impl IntoView {
    let i18n = use_i18n();
    let place = checkout
        .kept
        .with_untracked(|kept| kept.items[position].place);
    let chosen = Memo::new(move |_| checkout.kept.with(|kept| kept.items[position].price_type));
    let name = move || checkout.speak(|speaker| place_in_words(place, speaker));
    let types = checkout.types_at(place);
    let select_id = format!("price-type-{position}");
    let money = move |minor| {
        checkout.known.with_value(|known| {
            format::money(
                i18n.lang(),
                minor,
                &known.performance.currency,
                known.performance.minor_digits,
            )
        })
    };
    let note = {
        let types = types.clone();
        move || {
            types
                .iter()
                .find(|(at, ..)| *at == chosen.get())
                .map(|(_, _, note, _)| note.clone())
                .unwrap_or_default()
        }
    };
    let options = types
        .into_iter()
        .map(|(at, name, _, minor)| {
            view! {
                <option value=at.0.to_string() selected=move || chosen.get() == at>
                    {move || fill("{name} – {price}", &[("name", &name), ("price", &money(minor))])}
                </option>
            }
        })
        .collect_view();
    let label = { move || fill(i18n.t().price_type_for, &[("seat", &name())]) };
    view! {
        <li class="ticket-row">
            <div class="ticket-row__seat">
                <span class="ticket-row__name">{name}</span>
                <span class="ticket-row__band">{checkout.band_name(place)}</span>
            </div>
            <div class="ticket-row__type">
                <label class="visually-hidden" for=select_id.clone()>{label}</label>
                <select class="select" id=select_id on:change=move |ev| {
                    if let Ok(at) = event_target_value(&ev).parse() {
                        checkout.choose_type(position, PriceTypeIx(at));
                    }
                }>{options}</select>
                <span class="ticket-row__note">{note}</span>
            </div>
        </li>
    }
}

#[component]
fn VoucherField(checkout: Checkout) -> impl IntoView {
    let i18n = use_i18n();
    let typed = RwSignal::new(String::new());
    let applied = Memo::new(move |_| checkout.kept.with(|kept| kept.voucher.clone()));
    let fault = Memo::new(move |_| {
        checkout
            .voucher_failure
            .get()
            .map(|failure| checkout.speak(|speaker| words_for_failure(&failure, speaker)))
    });
    let apply = move || {
        let code = typed.get_untracked().trim().to_owned();
        if !code.is_empty() {
            checkout.voucher_failure.set(None);
            checkout.kept.update(|kept| kept.voucher = Some(code));
        }
    };
    let entry = move || {
        view! {
            <details class="voucher" open=move || fault.get().is_some()>
                <summary class="voucher__title">{i18n.say(|t| t.voucher_question)}</summary>
                <div class="voucher__entry">
                    <label class="visually-hidden" for="voucher">{i18n.say(|t| t.voucher_code)}</label>
                    <input class="field__input" id="voucher" type="text" autocomplete="off" autocapitalize="characters" spellcheck="false"
                        placeholder=i18n.say(|t| t.voucher_code)
                        prop:value=move || typed.get()
                        on:input=move |ev| typed.set(event_target_value(&ev))
                        on:keydown=move |ev| if ev.key() == "Enter" { ev.prevent_default(); apply(); }
                        aria-invalid=move || fault.get().is_some().then_some("true")
                        aria-describedby="voucher-fault"/>
                    <button type="button" class="button" on:click=move |_| apply()>{i18n.say(|t| t.voucher_apply)}</button>
                </div>
            </details>
        }
    };
    view! {
        <div class="voucher-box">
            {move || match applied.get() {
                None => entry().into_any(),
                Some(code) => view! {
                    <p class="voucher__applied">
                        <Icon sign=Sign::Ticket/>
                        <span>{fill(i18n.t().voucher_applied, &[("code", &code)])}</span>
                        <button type="button" class="button button--quiet" on:click=move |_| {
                            checkout.kept.update(|kept| kept.voucher = None);
                        }>{i18n.t().voucher_remove}</button>
                    </p>
                }.into_any(),
            }}
            <p class="field__fault" id="voucher-fault" role="alert" hidden=move || fault.get().is_none()>
                <Icon sign=Sign::Alert/><span>{move || fault.get()}</span>
            </p>
        </div>
    }
}
