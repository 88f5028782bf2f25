//! The card, and for the demo's payment simulator: which cards do what.

use leptos::prelude::*;

use super::fields::{Field, Form};
use super::validate;
use crate::components::{Icon, Sign};
use crate::i18n::{Texts, use_i18n};

/// A card of the simulator and what it does.
type FaultCard = (&'static str, fn(&'static Texts) -> &'static str);

const FAULT_CARDS: [FaultCard; 9] = [
    ("4242 4242 4242 4242", |t| t.demo_approved),
    ("4000 0000 0000 0002", |t| t.demo_declined),
    ("4000 0000 0000 9995", |t| t.demo_funds),
    ("4000 0025 0000 3155", |t| t.demo_step),
    ("4000 0000 0000 0077", |t| t.demo_slow),
    ("4000 0000 0000 0119", |t| t.demo_times_out),
    ("4000 0000 0000 0259", |t| t.demo_twice),
    ("4000 0000 0000 0267", |t| t.demo_order),
    ("4000 0000 0000 0341", |t| t.demo_never),
];

/// In the card's place where nothing is to be paid.
#[component]
pub(super) fn NothingToPay() -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <section class="step" aria-labelledby="card-title">
            <h2 class="step__title" id="card-title">{i18n.say(|t| t.payment)}</h2>
            <p>{i18n.say(|t| t.nothing_to_pay)}</p>
        </section>
    }
}

#[component]
pub(super) fn CardFields(form: Form) -> impl IntoView {
    let i18n = use_i18n();
    let use_card = move |number: &'static str| {
        form.card_number.text.set(number.to_owned());
        form.expiry.text.set("12/34".to_owned());
        form.cvc.text.set("123".to_owned());
    };
    view! {
        <section class="step" aria-labelledby="card-title">
            <h2 class="step__title" id="card-title">{i18n.say(|t| t.payment)}</h2>
            <div class="fields fields--card">
                <Field typed=form.card_number label=Signal::derive(i18n.say(|t| t.card_number)) class="field--wide"
                    autocomplete="cc-number" inputmode="numeric" placeholder="0000 0000 0000 0000"
                    shape=|text| validate::grouped(&text)/>
                <Field typed=form.expiry label=Signal::derive(i18n.say(|t| t.expiry)) autocomplete="cc-exp"
                    inputmode="numeric" placeholder="MM/YY" shape=|text| validate::expiry_shaped(&text)/>
                <Field typed=form.cvc label=Signal::derive(i18n.say(|t| t.cvc)) autocomplete="cc-csc"
                    inputmode="numeric" hint=Signal::derive(i18n.say(|t| t.cvc_hint))/>
            </div>
            <p class="safe-line"><Icon sign=Sign::Shield/><span>{i18n.say(|t| t.card_promise)}</span></p>
            <details class="demo">
                <summary class="demo__title">
                    <span class="demo__tag">{i18n.say(|t| t.demo_tag)}</span>
                    {i18n.say(|t| t.demo_title)}
                </summary>
                <p class="demo__text">{i18n.say(|t| t.demo_text)}</p>
                <ul class="demo__cards">
                    {FAULT_CARDS.map(|(number, about)| view! {
                        <li>
                            <button type="button" class="demo__card" on:click=move |_| use_card(number)>
                                <span class="demo__number">{number}</span>
                                <span>{i18n.say(about)}</span>
                            </button>
                        </li>
                    })}
                </ul>
            </details>
        </section>
    }
}
