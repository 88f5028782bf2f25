//! The reader's own tickets, by order, next performance first; and one ticket with its code.

use std::collections::HashMap;

use booking_core::{PerformanceId, TicketId};
use leptos::prelude::*;

use crate::api::{self, Failure, Order, OrderState, Performance, TicketPage, TicketState};
use crate::browser;
use crate::components::load::{Empty, Failed, Skeleton};
use crate::components::page::announce;
use crate::components::performance_card::When;
use crate::components::stub::{SeatPlate, Stub};
use crate::components::{Icon, Sign};
use crate::i18n::{fill, use_i18n};
use crate::pages::not_found::NotFound;
use crate::way::use_part;

/// A performance counts as past this long after it began.
const PAST_AFTER_MS: i64 = 4 * 3_600_000;

/// Orders that came to something, with their performances.
async fn load() -> Result<Vec<(Order, Performance)>, Failure> {
    let orders = api::orders().await?;
    let mut known: HashMap<PerformanceId, Performance> = HashMap::new();
    let mut shown = Vec::with_capacity(orders.len());
    for order in orders {
        if order.tickets.is_empty() && order.state != OrderState::NeedsStep {
            continue;
        }
        let performance = match known.get(&order.performance_id) {
            Some(performance) => performance.clone(),
            None => {
                let performance = api::performance(order.performance_id).await?;
                known.insert(performance.id, performance.clone());
                performance
            }
        };
        shown.push((order, performance));
    }
    shown.sort_by_key(|(_, performance)| performance.starts_at_ms);
    Ok(shown)
}

#[component]
pub(crate) fn TicketsPage() -> impl IntoView {
    let i18n = use_i18n();
    announce(move || i18n.t().nav_tickets.to_owned());
    let found = LocalResource::new(load);
    let again = Callback::new(move |()| found.refetch());
    move || match found.get() {
        None => view! { <Skeleton class="skeleton--narrow"/> }.into_any(),
        Some(Err(failure)) => view! { <Failed failure retry=again/> }.into_any(),
        Some(Ok(orders)) if orders.is_empty() => view! {
            <Empty
                sign=Sign::Ticket
                title=Signal::derive(i18n.say(|t| t.tickets_empty_title))
                text=Signal::derive(i18n.say(|t| t.tickets_empty_text))
                link=Signal::derive(i18n.say(|t| t.to_performances))
            />
        }
        .into_any(),
        Some(Ok(orders)) => view! { <Listed orders/> }.into_any(),
    }
}

#[component]
fn Listed(orders: Vec<(Order, Performance)>) -> impl IntoView {
    let i18n = use_i18n();
    let now = browser::now_ms();
    let (past, coming): (Vec<_>, Vec<_>) = orders
        .into_iter()
        .partition(|(_, performance)| performance.starts_at_ms + PAST_AFTER_MS < now);
    let each = |list: Vec<(Order, Performance)>| {
        list.into_iter()
            .map(|(order, performance)| view! { <Purchase order performance/> })
            .collect_view()
    };
    view! {
        <div class="page page--narrow">
            <div class="page__head">
                <h1 class="display">{i18n.say(|t| t.nav_tickets)}</h1>
                <p class="lede">{i18n.say(|t| t.tickets_kept_here)}</p>
                <p class="no-print"><a class="small" href="/account">{move || i18n.accounts_t().tickets_link}</a></p>
            </div>
            {each(coming)}
            {(!past.is_empty()).then(|| view! {
                <section class="past" aria-labelledby="past-title">
                    <h2 class="section-title" id="past-title">{i18n.say(|t| t.home_past)}</h2>
                    {each(past)}
                </section>
            })}
        </div>
    }
}

#[component]
fn Purchase(order: Order, performance: Performance) -> impl IntoView {
    let i18n = use_i18n();
    let heading = format!("order-{}", order.id);
    let labelled = heading.clone();
    let unfinished = order.state == OrderState::NeedsStep;
    let undone = match order.state {
        OrderState::Cancelled => Some(i18n.say(|t| t.cancelled_title)),
        OrderState::Refunded => Some(i18n.say(|t| t.refunded_title)),
        OrderState::Paying
        | OrderState::NeedsStep
        | OrderState::Confirmed
        | OrderState::Declined
        | OrderState::Voided => None,
    };
    view! {
        <section class="purchase" aria-labelledby=labelled>
            <div class="purchase__head">
                <img class="poster purchase__poster" src=performance.poster_url.clone() alt="" width="600" height="800" loading="lazy"/>
                <div>
                    <h2 id=heading>{performance.title.clone()}</h2>
                    <p><When performance=performance.clone() full=true/></p>
                    <p class="muted">{performance.venue.name.clone()}", "{performance.venue.city.clone()}</p>
                    {undone.map(|words| view! { <p><span class="chip chip--bad">{words}</span></p> })}
                    <p><a class="small" href=format!("/orders/{}", order.id)>{i18n.say(|t| t.see_order)}</a></p>
                </div>
            </div>
            {unfinished.then(|| view! {
                <a class="button button--primary" href=format!("/pay/step/{}", order.id)>{i18n.say(|t| t.finish_payment)}</a>
            })}
            <ul class="stubs">
                {order.tickets.into_iter().map(|ticket| view! { <Stub ticket/> }).collect_view()}
            </ul>
        </section>
    }
}

#[component]
pub(crate) fn OneTicketPage() -> impl IntoView {
    let i18n = use_i18n();
    announce(move || i18n.t().ticket_title.to_owned());
    let id = use_part::<TicketId>("id");
    move || match id.get() {
        None => view! { <NotFound/> }.into_any(),
        Some(id) => view! { <LoadedTicket id/> }.into_any(),
    }
}

#[component]
fn LoadedTicket(id: TicketId) -> impl IntoView {
    let found = LocalResource::new(move || api::ticket(id));
    let again = Callback::new(move |()| found.refetch());
    move || match found.get() {
        None => view! { <Skeleton class="skeleton--narrow"/> }.into_any(),
        Some(Err(failure)) if failure.is_not_found() => view! { <NotFound/> }.into_any(),
        Some(Err(failure)) => view! { <Failed failure retry=again/> }.into_any(),
        Some(Ok(page)) => view! { <Admission page/> }.into_any(),
    }
}

#[component]
fn Admission(page: TicketPage) -> impl IntoView {
    let i18n = use_i18n();
    let ticket = page.ticket();
    let TicketPage {
        performance, code, ..
    } = page;
    let valid = ticket.state == TicketState::Valid;
    let doors_at_ms = performance.doors_at_ms;
    let doors = move || {
        let time =
            crate::format::instant(i18n.lang(), doors_at_ms, crate::format::Detail::Clock, None);
        fill(i18n.t().doors_at, &[("time", &time)])
    };
    let name = format!("{} {} {}", ticket.section, ticket.row, ticket.seat);
    view! {
        <div class="page page--narrow admission-page">
            <a class="back-link no-print" href="/tickets"><Icon sign=Sign::Back/>{i18n.say(|t| t.nav_tickets)}</a>
            <article class="admission" class:admission--void=!valid>
                <div class="admission__show">
                    <h1>{performance.title.clone()}</h1>
                    <p class="admission__when"><When performance=performance.clone() full=true/></p>
                    <p class="muted">{performance.venue.name.clone()}", "{performance.venue.city.clone()}" · "{doors}</p>
                </div>
                <div class="admission__seat"><SeatPlate ticket=ticket.clone()/></div>
                <div class="admission__code">
                    {if valid {
                        view! {
                            <img class="admission__qr" src=api::qr_url(ticket.id) width="320" height="320"
                                alt=move || fill(i18n.t().code_for, &[("seat", &name)])/>
                        }.into_any()
                    } else {
                        view! {
                            <p class="chip chip--bad">{i18n.say(|t| t.ticket_cancelled)}</p>
                            <p>{i18n.say(|t| t.ticket_cancelled_text)}</p>
                        }.into_any()
                    }}
                    <p class="admission__type">{ticket.price_type.clone()}</p>
                </div>
            </article>
            {valid.then(|| view! {
                <p class="brightness no-print"><Icon sign=Sign::Sun/><span>{i18n.say(|t| t.brightness)}</span></p>
                <details class="code-text">
                    <summary>{i18n.say(|t| t.code_as_text)}</summary>
                    <p class="code-text__code">{code}</p>
                </details>
                <p class="no-print">
                    <button type="button" class="button" on:click=|_| { let _ = browser::window().print(); }>
                        <Icon sign=Sign::Print/>{i18n.say(|t| t.print)}
                    </button>
                </p>
            })}
        </div>
    }
}
