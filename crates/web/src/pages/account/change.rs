//! Another password.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::entry::{Entry, EntryField, Kind, first_fault};
use super::words_for;
use crate::api::{self, NewPassword};
use crate::browser;
use crate::components::notice::{Notice, Tone};
use crate::i18n::use_i18n;

#[component]
pub(super) fn ChangePassword(
    email: String,
    /// In how many browsers this account is signed in.
    sessions: RwSignal<u32>,
) -> impl IntoView {
    let i18n = use_i18n();
    let current = Entry::new("current", Kind::Current);
    let new = Entry::new("new", Kind::New);
    let changing = RwSignal::new(false);
    let refused = RwSignal::new(None::<String>);
    let changed = RwSignal::new(false);
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        if changing.get_untracked() {
            return;
        }
        changed.set(false);
        refused.set(None);
        if let Some(id) = first_fault(&[current, new], i18n) {
            browser::focus(id);
            return;
        }
        changing.set(true);
        spawn_local(async move {
            let ask = NewPassword {
                current: current.value(),
                new: new.value(),
            };
            match api::change_password(&ask).await {
                Ok(_) => {
                    current.clear();
                    new.clear();
                    let _ = changed.try_set(true);
                    let _ = sessions.try_set(1);
                }
                Err(failure) => {
                    let said = if failure.code() == Some("sign_in_failed") {
                        i18n.lang_now().account_texts().current_wrong.to_owned()
                    } else {
                        words_for(&failure, i18n)
                    };
                    let _ = refused.try_set(Some(said));
                }
            }
            let _ = changing.try_set(false);
        });
    };
    view! {
        <section class="step" aria-labelledby="change-title">
            <h2 class="step__title" id="change-title">{move || i18n.accounts_t().change_title}</h2>
            <p class="muted">{move || i18n.accounts_t().change_text}</p>
            <form class="fields" on:submit=submit novalidate=true>
                // A password manager must know whose password it is.
                <input class="visually-hidden" type="text" name="username" autocomplete="username"
                    value=email readonly=true tabindex="-1" aria-hidden="true"/>
                <EntryField entry=current label=Signal::derive(move || i18n.accounts_t().current)/>
                <EntryField entry=new label=Signal::derive(move || i18n.accounts_t().new)/>
                <div role="alert">
                    {move || refused.get().map(|said| view! { <Notice tone=Tone::Bad><p>{said}</p></Notice> })}
                </div>
                <div role="status">
                    {move || changed.get().then(|| view! {
                        <Notice tone=Tone::Good><p>{move || i18n.accounts_t().changed}</p></Notice>
                    })}
                </div>
                <div>
                    <button type="submit" class="button" aria-disabled=move || changing.get().to_string()>
                        {move || if changing.get() { i18n.accounts_t().changing } else { i18n.accounts_t().change }}
                    </button>
                </div>
            </form>
        </section>
    }
}
