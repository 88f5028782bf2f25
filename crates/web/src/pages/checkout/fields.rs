//! What is typed, and a field that says what is wrong with it: in words, beside it, when the reader
//! has gone on to another field or has tried to pay.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::kept::Kept;
use super::validate::{self, Fault};
use crate::components::{Icon, Sign};
use crate::i18n::use_i18n;

/// One thing that is typed.
#[derive(Clone, Copy)]
pub(super) struct Typed {
    /// Id of its input.
    pub(super) id: &'static str,
    pub(super) text: RwSignal<String>,
    /// Whether its fault may be shown yet.
    pub(super) shown: RwSignal<bool>,
    check: fn(&str) -> Option<Fault>,
}

impl Typed {
    fn new(id: &'static str, text: String, check: fn(&str) -> Option<Fault>) -> Self {
        Self {
            id,
            text: RwSignal::new(text),
            shown: RwSignal::new(false),
            check,
        }
    }
    /// What is wrong with it.
    pub(super) fn fault(self) -> Option<Fault> {
        self.text.with(|text| (self.check)(text))
    }
    /// What was typed.
    pub(super) fn value(self) -> String {
        self.text.get_untracked().trim().to_owned()
    }
}

/// Everything that is typed on the page. The card is in memory only.
#[derive(Clone, Copy)]
pub(super) struct Form {
    pub(super) name: Typed,
    pub(super) email: Typed,
    pub(super) card_number: Typed,
    pub(super) expiry: Typed,
    pub(super) cvc: Typed,
}

impl Form {
    /// With what was kept of the buyer.
    pub(super) fn new(kept: RwSignal<Kept>) -> Self {
        let (name, email) = kept.with_untracked(|kept| (kept.name.clone(), kept.email.clone()));
        Self {
            name: Typed::new("name", name, validate::name),
            email: Typed::new("email", email, validate::email),
            card_number: Typed::new("card-number", String::new(), validate::card_number),
            expiry: Typed::new("expiry", String::new(), expiry_now),
            cvc: Typed::new("cvc", String::new(), validate::cvc),
        }
    }
    /// Shows every fault; the first field that has one, if any. Without a card there is none in it.
    pub(super) fn first_fault(self, with_card: bool) -> Option<Typed> {
        let card = [self.card_number, self.expiry, self.cvc];
        let card = card.into_iter().filter(|_| with_card);
        let fields: Vec<Typed> = [self.name, self.email].into_iter().chain(card).collect();
        for typed in &fields {
            typed.shown.set(true);
        }
        untrack(|| fields.into_iter().find(|typed| typed.fault().is_some()))
    }
}

fn expiry_now(typed: &str) -> Option<Fault> {
    let today = js_sys::Date::new_0();
    validate::expiry(typed, today.get_full_year(), today.get_month() + 1)
}

/// Whether the reader went from a field to another one. Where they press a button, a line that appears
/// would move it away from under their finger; the one that pays shows every fault itself.
fn goes_on(left: &web_sys::FocusEvent) -> bool {
    left.related_target()
        .is_some_and(|next| next.has_type::<web_sys::HtmlInputElement>())
}

/// A labelled input with its fault.
#[component]
pub(super) fn Field(
    typed: Typed,
    #[prop(into)] label: Signal<&'static str>,
    autocomplete: &'static str,
    #[prop(default = "text")] input_type: &'static str,
    #[prop(default = "text")] inputmode: &'static str,
    #[prop(optional)] placeholder: &'static str,
    #[prop(optional, into)] hint: Option<Signal<&'static str>>,
    /// Gives what is typed its shape.
    #[prop(default = std::convert::identity)]
    shape: fn(String) -> String,
    #[prop(optional)] class: &'static str,
) -> impl IntoView {
    let i18n = use_i18n();
    let fault = Memo::new(move |_| {
        if typed.shown.get() {
            typed.fault().map(|fault| fault(i18n.t()))
        } else {
            None
        }
    });
    let hint_id = format!("{}-hint", typed.id);
    let fault_id = format!("{}-fault", typed.id);
    let described = {
        let (hint_id, fault_id) = (hint_id.clone(), fault_id.clone());
        move || {
            let hint = hint.is_some().then_some(hint_id.as_str());
            let fault = fault.get().is_some().then_some(fault_id.as_str());
            let ids: Vec<&str> = hint.into_iter().chain(fault).collect();
            (!ids.is_empty()).then(|| ids.join(" "))
        }
    };
    view! {
        <div class=format!("field {class}") class:field--faulty=move || fault.get().is_some()>
            <label class="field__label" for=typed.id>{label}</label>
            <input class="field__input" id=typed.id name=typed.id type=input_type inputmode=inputmode
                autocomplete=autocomplete placeholder=placeholder required=true
                autocapitalize=if input_type == "email" { "none" } else { "on" }
                spellcheck="false"
                prop:value=move || typed.text.get()
                on:input=move |ev| typed.text.set(shape(event_target_value(&ev)))
                on:blur=move |ev| if goes_on(&ev) && !typed.text.with_untracked(String::is_empty) {
                    typed.shown.set(true);
                }
                aria-invalid=move || fault.get().is_some().then_some("true")
                aria-describedby=described/>
            {hint.map(|hint| view! { <p class="field__hint" id=hint_id>{hint}</p> })}
            <p class="field__fault" id=fault_id hidden=move || fault.get().is_none()>
                <Icon sign=Sign::Alert/>
                <span>{move || fault.get()}</span>
            </p>
        </div>
    }
}
