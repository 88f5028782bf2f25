//! The season: what is on sale now, large; the rest as posters.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::{self, Counts, Performance, SaleState};
use crate::browser;
use crate::components::load::{Empty, Failed, Skeleton};
use crate::components::page::announce;
use crate::components::performance_card::{
    Availability, AvailabilityChip, PerformanceCard, When, price_from,
};
use crate::components::{Icon, Sign};
use crate::format;
use crate::i18n::{fill, use_i18n};

/// How long a number of seats left is believed.
const COUNTS_EVERY: Duration = Duration::from_secs(10);

#[component]
pub(crate) fn Home() -> impl IntoView {
    let i18n = use_i18n();
    announce(String::new);
    let season = LocalResource::new(api::performances);
    let again = Callback::new(move |()| season.refetch());
    let back_online = window_event_listener_untyped("online", move |_| season.refetch());
    on_cleanup(move || back_online.remove());
    move || match season.get() {
        None => view! { <Skeleton class="skeleton--home"/> }.into_any(),
        Some(Err(failure)) => view! { <Failed failure retry=again/> }.into_any(),
        Some(Ok(performances)) if performances.is_empty() => view! {
            <Empty
                sign=Sign::Calendar
                title=Signal::derive(i18n.say(|t| t.home_empty_title))
                text=Signal::derive(i18n.say(|t| t.home_empty_text))
                link=Signal::derive(i18n.say(|t| t.nav_tickets))
                href="/tickets".to_owned()
            />
        }
        .into_any(),
        Some(Ok(performances)) => view! { <Season performances/> }.into_any(),
    }
}

/// Which of them stands on top: the one that people are buying just now, else the next to play.
fn lead(performances: &[Performance], now_ms: i64) -> Option<usize> {
    let buyable = |p: &Performance| Availability::of(p, now_ms).is_buyable();
    performances
        .iter()
        .position(|p| p.simulated_fans && buyable(p))
        .or_else(|| performances.iter().position(buyable))
        .or_else(|| {
            performances
                .iter()
                .position(|p| p.sale.state != SaleState::Over)
        })
}

#[component]
fn Season(performances: Vec<Performance>) -> impl IntoView {
    let i18n = use_i18n();
    let mut rest = performances;
    let lead = lead(&rest, browser::now_ms()).map(|at| rest.remove(at));
    let (past, coming): (Vec<_>, Vec<_>) = rest
        .into_iter()
        .partition(|p| p.sale.state == SaleState::Over);
    let shelf = |list: Vec<Performance>| {
        list.into_iter()
            .map(|performance| view! { <li><PerformanceCard performance/></li> })
            .collect_view()
    };
    view! {
        <div class="page">
            <div class="page__head">
                <h1 class="display">{i18n.say(|t| t.home_title)}</h1>
                <p class="lede">{i18n.say(|t| t.home_intro)}</p>
            </div>
            {lead.map(|performance| view! { <Lead performance/> })}
            {(!coming.is_empty()).then(|| view! {
                <section aria-labelledby="season">
                    <h2 class="section-title" id="season">{i18n.say(|t| t.home_next)}</h2>
                    <ul class="shelf">{shelf(coming)}</ul>
                </section>
            })}
            {(!past.is_empty()).then(|| view! {
                <section aria-labelledby="past">
                    <h2 class="section-title" id="past">{i18n.say(|t| t.home_past)}</h2>
                    <ul class="shelf shelf--past">{shelf(past)}</ul>
                </section>
            })}
        </div>
    }
}

/// How full the house is, looked at again every now and then while somebody looks at the page.
fn follow_counts(performance: &Performance) -> Signal<Counts> {
    let id = performance.id;
    let counts = RwSignal::new(performance.counts);
    let look = move || {
        if browser::document().hidden() {
            return;
        }
        spawn_local(async move {
            if let Ok(now) = api::performance(id).await {
                let _ = counts.try_set(now.counts);
            }
        });
    };
    if let Ok(timer) = set_interval_with_handle(look, COUNTS_EVERY) {
        on_cleanup(move || timer.clear());
    }
    counts.into()
}

/// The one that matters most today.
#[component]
fn Lead(performance: Performance) -> impl IntoView {
    let i18n = use_i18n();
    let buyable = Availability::of(&performance, browser::now_ms()).is_buyable();
    let price = price_from(&performance);
    let counts = if buyable {
        follow_counts(&performance)
    } else {
        Signal::stored(performance.counts)
    };
    let all = move || counts.with(|counts| counts.open + counts.held + counts.sold);
    let gone = move || all() - counts.with(|counts| counts.open);
    let left = move || {
        let number = |n: u32| format::number(i18n.lang(), n.into());
        let counts = counts.get();
        let sentence = if counts.open == 1 {
            i18n.t().seats_left_one
        } else {
            i18n.t().seats_left
        };
        fill(
            sentence,
            &[("n", &number(counts.open)), ("all", &number(all()))],
        )
    };
    view! {
        <section class="lead" aria-labelledby="lead-title">
            <a class="lead__poster" href=format!("/performances/{}", performance.id) tabindex="-1" aria-hidden="true">
                <img class="poster" src=performance.poster_url.clone() alt="" width="600" height="800" fetchpriority="high"/>
            </a>
            <div class="lead__text">
                <div class="lead__head">
                <p class="lead__tags">
                    {if buyable {
                        view! { <span class="chip chip--now"><span class="pulse" aria-hidden="true"></span>{i18n.say(|t| t.on_sale_now)}</span> }.into_any()
                    } else {
                        view! { <AvailabilityChip performance=performance.clone()/> }.into_any()
                    }}
                    <span class="lead__genre">{performance.genre.clone()}</span>
                </p>
                <h2 class="lead__title" id="lead-title">
                    <a href=format!("/performances/{}", performance.id)>{performance.title.clone()}</a>
                </h2>
                <p class="lead__subtitle">{performance.subtitle.clone()}</p>
                </div>
                <p class="lead__about">{performance.description.clone()}</p>
                <ul class="facts">
                    <li><Icon sign=Sign::Calendar/><When performance=performance.clone() full=true/></li>
                    <li><Icon sign=Sign::Pin/><span>{performance.venue.name.clone()}", "{performance.venue.city.clone()}</span></li>
                </ul>
                {buyable.then(|| view! {
                    <div class="fullness">
                        <progress class="fullness__bar" max=all value=gone aria-label=i18n.say(|t| t.how_full)></progress>
                        <p class="fullness__text">{left}</p>
                    </div>
                })}
                <div class="lead__go">
                    <a class="button button--primary button--large" href=format!("/performances/{}", performance.id)>
                        {move || if buyable { i18n.t().choose_seats } else { i18n.t().see_seats }}
                        <Icon sign=Sign::Arrow/>
                    </a>
                    <span class="lead__price">{price}</span>
                </div>
            </div>
        </section>
    }
}
