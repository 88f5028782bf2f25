//! What stands on a page of the console that the server does not give to this browser.

use leptos::prelude::*;

use crate::api::Failure;
use crate::browser;
use crate::components::load::Failed;
use crate::components::{Icon, Sign};
use crate::i18n::{ConsoleKey, use_i18n};

/// What the page is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum About {
    #[default]
    Rooms,
    Sales,
}

impl About {
    /// Title and text for who has not signed in, or has not the role.
    fn words(self, code: Option<&str>) -> Option<[ConsoleKey; 2]> {
        Some(match (self, code?) {
            (Self::Rooms, "sign_in_needed") => [|t| t.sign_in_title, |t| t.sign_in_text],
            (Self::Rooms, "not_allowed") => [|t| t.not_allowed_title, |t| t.not_allowed_text],
            (Self::Sales, "sign_in_needed") => [|t| t.sales_sign_in, |t| t.sales_sign_in_text],
            (Self::Sales, "not_allowed") => [|t| t.sales_refused, |t| t.sales_refused_text],
            _ => return None,
        })
    }
}

/// Not signed in, not with a role that may, or simply not there.
#[component]
pub(super) fn Refusal(
    failure: Failure,
    #[prop(into)] retry: Callback<()>,
    #[prop(optional)] about: About,
) -> impl IntoView {
    let i18n = use_i18n();
    let words = about.words(failure.code());
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
