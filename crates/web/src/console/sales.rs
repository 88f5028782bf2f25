//! Every performance that is sold, each with the way to its sums.

use leptos::prelude::*;

use super::guard::{About, Refusal};
use crate::api::{self, Failure, Performance};
use crate::components::load::Skeleton;
use crate::components::page::announce;
use crate::components::{Icon, Sign};
use crate::format::{self, Detail};
use crate::i18n::{ConsoleKey, use_i18n};

/// The list is everybody's; whether this is somebody who may see sums, the first of them says.
async fn load() -> Result<Vec<Performance>, Failure> {
    let performances = api::performances().await?;
    if let Some(first) = performances.first() {
        api::sales(first.id, 1, 1).await?;
    }
    Ok(performances)
}

#[component]
pub(super) fn SalesPage() -> impl IntoView {
    let i18n = use_i18n();
    announce(move || i18n.console_t().sales_title.to_owned());
    let found = LocalResource::new(load);
    let again = Callback::new(move |()| found.refetch());
    view! {
        <div class="console">
            <header class="console__head">
                <a class="icon-button" href="/account" aria-label=i18n.say(|t| t.nav_account)><Icon sign=Sign::Back/></a>
                <h1>{i18n.console(|t| t.sales_title)}</h1>
            </header>
            {move || match found.get() {
                None => view! { <Skeleton class="skeleton--narrow"/> }.into_any(),
                Some(Err(failure)) => view! { <Refusal failure retry=again about=About::Sales/> }.into_any(),
                Some(Ok(performances)) => view! { <List performances/> }.into_any(),
            }}
        </div>
    }
}

#[component]
fn List(performances: Vec<Performance>) -> impl IntoView {
    let i18n = use_i18n();
    let none = performances.is_empty();
    let one = move |name: ConsoleKey, n: u32| {
        view! {
            <div class="strip__one">
                <dt>{i18n.console(name)}</dt>
                <dd class="tabular">{move || format::number(i18n.lang(), n.into())}</dd>
            </div>
        }
    };
    view! {
        <p class="muted" hidden=!none>{i18n.console(|t| t.sales_none)}</p>
        <ul class="room-list">
            {performances.into_iter().map(|performance| {
                let starts_ms = performance.starts_at_ms;
                let zone = performance.venue.time_zone.clone();
                let place = performance.venue.name.clone();
                let when = move || format::instant(i18n.lang(), starts_ms, Detail::Short, Some(&zone));
                view! {
                    <li class="panel-box">
                        <div class="panel-box__head">
                            <h2><a href=format!("/operator/sales/{}", performance.id)>{performance.title}</a></h2>
                            <span class="muted small">{when}", "{place}</span>
                        </div>
                        <dl class="strip">
                            {one(|t| t.sale_sold, performance.counts.sold)}
                            {one(|t| t.s_left, performance.counts.open)}
                        </dl>
                    </li>
                }
            }).collect_view()}
        </ul>
    }
}
