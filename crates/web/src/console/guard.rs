//! What stands on a page of the console that the server does not give to this browser.

use leptos::prelude::*;

use crate::api::Failure;
use crate::browser;
use crate::components::load::Failed;
use crate::components::{Icon, Sign};
use crate::i18n::{ConsoleKey, use_i18n};

/// Not signed in, not an operator, or simply not there.
#[component]
pub(super) fn Refusal(failure: Failure, #[prop(into)] retry: Callback<()>) -> impl IntoView {
    let i18n = use_i18n();
    let words: Option<[ConsoleKey; 2]> = match failure.code() {
        Some("sign_in_needed") => Some([|t| t.sign_in_title, |t| t.sign_in_text]),
        Some("not_allowed") => Some([|t| t.not_allowed_title, |t| t.not_allowed_text]),
        _ => None,
    };
    let Some([title, text]) = words else {
        return view! { <Failed failure retry/> }.into_any();
    };
    let here = browser::window().location().pathname().unwrap_or_default();
    view! {
        <section class="empty">
            <span class="empty__sign"><Icon sign=Sign::Shield/></span>
            <h1>{i18n.console(title)}</h1>
            <p>{i18n.console(text)}</p>
            <a class="button button--primary" href=format!("/sign-in?next={here}")>{i18n.console(|t| t.sign_in_go)}</a>
        </section>
    }
    .into_any()
}
