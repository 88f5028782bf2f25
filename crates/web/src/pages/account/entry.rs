//! A labelled input with its fault: like those of the checkout, for addresses and passwords.
//!
//! Faults are shown when the form is sent, not when a field is left: a line that appears while the
//! mouse is down on the button moves the button away from under it.

use leptos::prelude::*;

use crate::components::{Icon, Sign};
use crate::i18n::{I18n, use_i18n};
use crate::pages::checkout::validate;

/// Fewest characters of a new password; the server judges again.
const CHARACTERS_LEAST: usize = 10;

/// What is typed into a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The address to sign in with.
    Email,
    /// The password as it is.
    Current,
    /// A password to be.
    New,
}

impl Kind {
    /// What a password manager goes by.
    const fn autocomplete(self) -> &'static str {
        match self {
            Self::Email => "username",
            Self::Current => "current-password",
            Self::New => "new-password",
        }
    }

    fn fault(self, typed: &str, i18n: I18n) -> Option<&'static str> {
        match self {
            Self::Email => validate::email(typed).map(|fault| fault(i18n.t())),
            Self::Current if typed.is_empty() => Some(i18n.accounts_t().password_missing),
            Self::New if typed.chars().count() < CHARACTERS_LEAST => {
                Some(i18n.accounts_t().password_short)
            }
            Self::Current | Self::New => None,
        }
    }
}

/// One thing that is typed.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) id: &'static str,
    kind: Kind,
    text: RwSignal<String>,
    shown: RwSignal<bool>,
}

impl Entry {
    pub(super) fn new(id: &'static str, kind: Kind) -> Self {
        Self {
            id,
            kind,
            text: RwSignal::new(String::new()),
            shown: RwSignal::new(false),
        }
    }

    /// What was typed; a password as it is, with its spaces.
    pub(super) fn value(self) -> String {
        self.text.with_untracked(|text| match self.kind {
            Kind::Email => text.trim().to_owned(),
            Kind::Current | Kind::New => text.clone(),
        })
    }

    pub(super) fn clear(self) {
        let _ = self.text.try_set(String::new());
        let _ = self.shown.try_set(false);
    }
}

/// Shows every fault; the id of the first field that has one.
pub(super) fn first_fault(entries: &[Entry], i18n: I18n) -> Option<&'static str> {
    for entry in entries {
        entry.shown.set(true);
    }
    untrack(|| {
        let faulty = |entry: &&Entry| {
            entry
                .text
                .with(|text| entry.kind.fault(text, i18n).is_some())
        };
        entries.iter().find(faulty).map(|entry| entry.id)
    })
}

/// The field of an entry.
#[component]
pub(super) fn EntryField(entry: Entry, #[prop(into)] label: Signal<&'static str>) -> impl IntoView {
    let i18n = use_i18n();
    let visible = RwSignal::new(false);
    let kind = entry.kind;
    let is_password = kind != Kind::Email;
    let fault = Memo::new(move |_| {
        if entry.shown.get() {
            entry.text.with(|text| kind.fault(text, i18n))
        } else {
            None
        }
    });
    let hint_id = format!("{}-hint", entry.id);
    let fault_id = format!("{}-fault", entry.id);
    let described = {
        let (hint_id, fault_id) = (hint_id.clone(), fault_id.clone());
        move || {
            let hint = (kind == Kind::New).then_some(hint_id.as_str());
            let fault = fault.get().is_some().then_some(fault_id.as_str());
            let ids: Vec<&str> = hint.into_iter().chain(fault).collect();
            (!ids.is_empty()).then(|| ids.join(" "))
        }
    };
    let input_type = move || match (is_password, visible.get()) {
        (false, _) => "email",
        (true, false) => "password",
        (true, true) => "text",
    };
    view! {
        <div class="field" class:field--faulty=move || fault.get().is_some()>
            <label class="field__label" for=entry.id>{label}</label>
            <div class="password">
                <input class="field__input" id=entry.id name=entry.id type=input_type
                    inputmode=if is_password { "text" } else { "email" }
                    autocomplete=kind.autocomplete() required=true autocapitalize="none" spellcheck="false"
                    prop:value=move || entry.text.get()
                    on:input=move |ev| entry.text.set(event_target_value(&ev))
                    aria-invalid=move || fault.get().is_some().then_some("true")
                    aria-describedby=described/>
                {is_password.then(|| view! {
                    <button type="button" class="icon-button password__eye"
                        aria-pressed=move || visible.get().to_string()
                        aria-label=move || if visible.get() { i18n.accounts_t().hide_password } else { i18n.accounts_t().show_password }
                        aria-controls=entry.id on:click=move |_| visible.update(|visible| *visible = !*visible)>
                        {move || view! { <Icon sign=if visible.get() { Sign::EyeShut } else { Sign::Eye }/> }}
                    </button>
                })}
            </div>
            {(kind == Kind::New).then(|| view! {
                <p class="field__hint" id=hint_id>{move || i18n.accounts_t().password_hint}</p>
            })}
            <p class="field__fault" id=fault_id hidden=move || fault.get().is_none()>
                <Icon sign=Sign::Alert/>
                <span>{move || fault.get()}</span>
            </p>
        </div>
    }
}
