//! No such page.

use leptos::prelude::*;

use crate::components::Sign;
use crate::components::load::Empty;
use crate::components::page::announce;
use crate::i18n::use_i18n;

#[component]
pub(crate) fn NotFound() -> impl IntoView {
    let i18n = use_i18n();
    announce(move || i18n.t().not_found_title.to_owned());
    view! {
        <Empty
            sign=Sign::Ticket
            title=Signal::derive(i18n.say(|t| t.not_found_title))
            text=Signal::derive(i18n.say(|t| t.not_found_text))
            link=Signal::derive(i18n.say(|t| t.to_performances))
        />
    }
}
