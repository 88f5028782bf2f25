//! What stands around every page: header, footer, the switches for looks and language, and the word
//! that the network is away.

use leptos::prelude::*;

use super::icon::Mark;
use super::{Icon, Sign};
use crate::browser::{self, Store};
use crate::i18n::{Lang, use_i18n};
use crate::way::NavLink;

const THEME_KEPT_AS: &str = "onsale.theme";

#[component]
pub(crate) fn Header() -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <a class="skip-link" href="#main" on:click=|ev| { ev.prevent_default(); browser::focus("main"); }>
            {i18n.say(|t| t.skip_to_content)}
        </a>
        <header class="header">
            <div class="header__inner">
                <a class="brand" href="/" aria-label=i18n.say(|t| t.brand_home)>
                    <Mark/>
                    <span class="brand__name">"Onsale"</span>
                </a>
                <nav class="header__nav" aria-label=i18n.say(|t| t.main_navigation)>
                    <NavLink href="/">{i18n.say(|t| t.nav_performances)}</NavLink>
                    <NavLink href="/tickets">{i18n.say(|t| t.nav_tickets)}</NavLink>
                </nav>
                <a class="icon-button" href="/account" aria-label=i18n.say(|t| t.nav_account)>
                    <Icon sign=Sign::Person/>
                </a>
                <ThemeSwitch/>
            </div>
        </header>
    }
}

/// Light or dark: the system's choice until the reader makes their own.
#[component]
fn ThemeSwitch() -> impl IntoView {
    let i18n = use_i18n();
    let kept = browser::recall(Store::Lasting, THEME_KEPT_AS);
    let system_dark = browser::window()
        .match_media("(prefers-color-scheme: dark)")
        .ok()
        .flatten()
        .is_some_and(|query| query.matches());
    let dark = RwSignal::new(kept.map_or(system_dark, |theme| theme == "dark"));
    let switch = move |_| {
        let theme = if dark.get_untracked() {
            "light"
        } else {
            "dark"
        };
        dark.set(theme == "dark");
        browser::remember(Store::Lasting, THEME_KEPT_AS, theme);
        if let Some(root) = browser::document().document_element() {
            let _ = root.set_attribute("data-theme", theme);
        }
    };
    view! {
        <button type="button" class="icon-button" on:click=switch
            aria-label=move || if dark.get() { i18n.t().use_light } else { i18n.t().use_dark }
        >
            {move || view! { <Icon sign=if dark.get() { Sign::Sun } else { Sign::Moon }/> }}
        </button>
    }
}

#[component]
pub(crate) fn Footer() -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <footer class="footer">
            <div class="footer__inner">
                <p>{i18n.say(|t| t.footer_promise)}</p>
                <label class="footer__language">
                    <span>{i18n.say(|t| t.language)}</span>
                    <select on:change=move |ev| i18n.choose(&event_target_value(&ev))>
                        {Lang::ALL.map(|lang| view! {
                            <option value=lang.tag() lang=lang.tag() selected=move || i18n.lang() == lang>
                                {lang.own_name()}
                            </option>
                        })}
                    </select>
                </label>
            </div>
        </footer>
    }
}

/// Says that the network is away for as long as it is.
#[component]
pub(crate) fn OfflineBar() -> impl IntoView {
    let i18n = use_i18n();
    let online = RwSignal::new(browser::online());
    for (event, state) in [("online", true), ("offline", false)] {
        let listener = window_event_listener_untyped(event, move |_| online.set(state));
        on_cleanup(move || listener.remove());
    }
    view! {
        <div role="status">
            <Show when=move || !online.get()>
                <p class="offline-bar"><Icon sign=Sign::Unplugged/>{i18n.say(|t| t.offline_bar)}</p>
            </Show>
        </div>
    }
}
