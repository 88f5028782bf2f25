//! What stands on a page until its data is there, and what stands there when it does not come.

use leptos::prelude::*;

use super::{Icon, Sign};
use crate::api::Failure;
use crate::i18n::use_i18n;
use crate::words;

/// Says why a page is not there, and offers to ask again.
#[component]
pub(crate) fn Failed(failure: Failure, #[prop(into)] retry: Callback<()>) -> impl IntoView {
    let i18n = use_i18n();
    let offline = matches!(failure, Failure::Offline | Failure::TimedOut);
    if let Failure::Unreadable(what) = &failure {
        leptos::logging::error!("{what}");
    }
    let said = move || words::of_failure(&failure, i18n.t());
    view! {
        <section class="empty" role="alert">
            <span class="empty__sign"><Icon sign=if offline { Sign::Unplugged } else { Sign::Alert }/></span>
            <h1>{move || if offline { i18n.t().offline_title } else { i18n.t().failed_title }}</h1>
            <p>{said}</p>
            <button type="button" class="button" on:click=move |_| retry.run(())>
                {i18n.say(|t| t.try_again)}
            </button>
        </section>
    }
}

/// A page where there is nothing (yet): says so and offers the way on.
#[component]
pub(crate) fn Empty(
    sign: Sign,
    #[prop(into)] title: Signal<&'static str>,
    #[prop(into)] text: Signal<&'static str>,
    #[prop(into)] link: Signal<&'static str>,
    #[prop(optional)] href: Option<String>,
) -> impl IntoView {
    let href = href.unwrap_or_else(|| "/".to_owned());
    view! {
        <section class="empty">
            <span class="empty__sign"><Icon sign/></span>
            <h1>{title}</h1>
            <p>{text}</p>
            <a class="button" href=href>{link}</a>
        </section>
    }
}

/// Grey shapes of the size of what will come, so that nothing jumps.
#[component]
pub(crate) fn Skeleton(#[prop(into)] class: &'static str) -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <div class=format!("skeleton {class}") aria-busy="true">
            <span class="visually-hidden" role="status">{i18n.say(|t| t.loading)}</span>
            <span class="skeleton__block" aria-hidden="true"></span>
            <span class="skeleton__block" aria-hidden="true"></span>
            <span class="skeleton__block" aria-hidden="true"></span>
            <span class="skeleton__block" aria-hidden="true"></span>
        </div>
    }
}
