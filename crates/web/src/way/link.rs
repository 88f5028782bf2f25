//! Links: clicks on those of this program change the page, the rest are the browser's own affair.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::Way;
use crate::browser;

/// Takes the clicks that nobody else wanted.
pub(super) fn follow_clicks(way: Way) {
    let clicks = window_event_listener(leptos::ev::click, move |click| {
        let plain = click.button() == 0
            && !(click.meta_key() || click.ctrl_key() || click.shift_key() || click.alt_key());
        if click.default_prevented() || !plain {
            return;
        }
        let Some((link, href)) = link_of(&click).filter(|(link, _)| stays(link)) else {
            return;
        };
        if way.is_ours(&link.pathname()) {
            click.prevent_default();
            way.go(&href);
        } else if !browser::online() {
            // Better this page, with the bar that says so, than the browser's own.
            click.prevent_default();
        }
    });
    on_cleanup(move || clicks.remove());
}

/// The link that was clicked, and its address as far as it is below our root.
fn link_of(click: &web_sys::MouseEvent) -> Option<(web_sys::HtmlAnchorElement, String)> {
    let on: web_sys::Element = click.target()?.dyn_into().ok()?;
    let link: web_sys::HtmlAnchorElement = on.closest("a[href]").ok()??.dyn_into().ok()?;
    let origin = browser::window().location().origin().ok()?;
    let href = link.href();
    let rest = href.strip_prefix(&origin)?;
    rest.starts_with('/')
        .then(|| (link.clone(), rest.to_owned()))
}

/// Whether it leads to a page, here.
fn stays(link: &web_sys::HtmlAnchorElement) -> bool {
    link.target().is_empty() && !link.has_attribute("download") && link.hash().is_empty()
}

/// A link of the main navigation: says when the reader is there, or below it.
#[component]
pub(crate) fn NavLink(href: &'static str, children: Children) -> impl IntoView {
    let way = super::use_way();
    let here = move || {
        let path = way.path();
        let below = path
            .strip_prefix(href)
            .is_some_and(|rest| rest.is_empty() || (href != "/" && rest.starts_with('/')));
        below.then_some("page")
    };
    view! { <a href=href aria-current=here>{children()}</a> }
}
