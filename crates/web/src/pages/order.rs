//! What an order came to: the tickets, or why there are none.

use booking_core::OrderId;
use leptos::prelude::*;

use crate::api::{self, Failure, Order, OrderState, Performance};
use crate::browser;
use crate::components::load::{Failed, Skeleton};
use crate::components::notice::{Notice, Tone};
use crate::components::page::announce;
use crate::components::performance_card::When;
use crate::components::stub::Stub;
use crate::components::{Icon, Sign};
use crate::format;
use crate::i18n::{Texts, count, fill, use_i18n};
use crate::pages::not_found::NotFound;
use crate::way::use_part;
use crate::words;

/// How long between two looks at an order that is still being paid.
const POLL_MS: i32 = 1_500;

#[component]
pub(crate) fn OrderPage() -> impl IntoView {
    let i18n = use_i18n();
    announce(move || i18n.t().order_title.to_owned());
    let id = use_part::<OrderId>("order");
    move || match id.get() {
        None => view! { <NotFound/> }.into_any(),
        Some(id) => view! { <Loaded id/> }.into_any(),
    }
}

async fn load(id: OrderId) -> Result<(Order, Performance), Failure> {
    let mut order = api::order(id).await?;
    while order.state == OrderState::Paying {
        browser::pause(POLL_MS).await;
        order = api::order(id).await?;
    }
    let performance = api::performance(order.performance_id).await?;
    Ok((order, performance))
}

#[component]
fn Loaded(id: OrderId) -> impl IntoView {
    let found = LocalResource::new(move || load(id));
    let again = Callback::new(move |()| found.refetch());
    move || match found.get() {
        None => view! { <Skeleton class="skeleton--narrow"/> }.into_any(),
        Some(Err(failure)) if failure.is_not_found() => view! { <NotFound/> }.into_any(),
        Some(Err(failure)) => view! { <Failed failure retry=again/> }.into_any(),
        Some(Ok((order, performance))) => view! { <Shown order performance/> }.into_any(),
    }
}

/// Headline and sentence of an order. Why it was voided is told below them, where it is known.
fn heading(order: &Order, texts: &'static Texts) -> (&'static str, &'static str) {
    match order.state {
        OrderState::Confirmed => (texts.confirmed_title, texts.confirmed_text),
        OrderState::Paying | OrderState::NeedsStep => (texts.unpaid_title, texts.unpaid_text),
        OrderState::Declined => (texts.declined_title, texts.declined_text),
        OrderState::Voided => (words::undone_title(order, texts), ""),
        OrderState::Refunded => (texts.refunded_title, texts.refunded_text),
        OrderState::Cancelled => (texts.cancelled_title, texts.cancelled_text),
    }
}

/// Why it came to this, in a sentence.
#[component]
fn Told(words: Signal<Option<String>>) -> impl IntoView {
    move || {
        words
            .get()
            .map(|words| view! { <Notice tone=Tone::Plain><p>{words}</p></Notice> })
    }
}

#[component]
fn Shown(order: Order, performance: Performance) -> impl IntoView {
    let i18n = use_i18n();
    let state = order.state;
    let confirmed = state == OrderState::Confirmed;
    let tickets = u32::try_from(order.tickets.len()).unwrap_or(u32::MAX);
    let total = {
        let (minor, currency, digits) = (
            order.total_minor,
            order.currency.clone(),
            performance.minor_digits,
        );
        move || {
            let texts = i18n.t();
            let amount = format::money(i18n.lang(), minor, &currency, digits);
            match state {
                _ if minor == 0 => texts.paid_nothing.to_owned(),
                OrderState::Confirmed | OrderState::Cancelled => {
                    fill(texts.paid_by, &[("amount", &amount)])
                }
                OrderState::Refunded => fill(texts.paid_back, &[("amount", &amount)]),
                OrderState::Declined | OrderState::Voided => texts.not_charged.to_owned(),
                OrderState::Paying | OrderState::NeedsStep => amount,
            }
        }
    };
    let kept = StoredValue::new(order.clone());
    let title = move || kept.with_value(|order| heading(order, i18n.t()));
    let told = move || kept.with_value(|order| words::outcome(order, i18n.t()));
    let undone = matches!(state, OrderState::Refunded | OrderState::Cancelled);
    let checkout = format!(
        "/performances/{}/checkout/{}",
        order.performance_id, order.hold_id
    );
    let step = format!("/pay/step/{}", order.id);
    let reference = order.id.to_string();
    let reference = reference
        .rsplit('-')
        .next()
        .unwrap_or_default()
        .to_uppercase();
    let declined = order.reason.clone();
    view! {
        <div class="page page--narrow">
            <header class="outcome" class:outcome--good=confirmed class:outcome--bad=undone>
                <span class="outcome__sign"><Icon sign=if confirmed { Sign::Check } else { Sign::Info }/></span>
                <h1>{move || title().0}</h1>
                <p class="lede">{move || title().1}</p>
            </header>
            {(state != OrderState::Declined).then(|| view! { <Told words=Signal::derive(told)/> })}
            {match state {
                OrderState::Declined => Some(view! {
                    <div class="outcome__next">
                        <Notice tone=Tone::Bad><p>{move || words::declined(declined.as_deref(), i18n.t())}</p></Notice>
                        <a class="button button--primary" href=checkout>{i18n.say(|t| t.back_to_checkout)}</a>
                    </div>
                }.into_any()),
                OrderState::NeedsStep => Some(view! {
                    <a class="button button--primary" href=step>{i18n.say(|t| t.finish_payment)}</a>
                }.into_any()),
                OrderState::Paying | OrderState::Confirmed | OrderState::Voided | OrderState::Refunded
                | OrderState::Cancelled => None,
            }}
            <section class="show card" aria-labelledby="show-title">
                <img class="poster show__poster" src=performance.poster_url.clone() alt="" width="600" height="800"/>
                <div class="show__text">
                    <h2 id="show-title">{performance.title.clone()}</h2>
                    <p class="muted">{performance.subtitle.clone()}</p>
                    <ul class="facts">
                        <li><Icon sign=Sign::Calendar/><When performance=performance.clone() full=true/></li>
                        <li><Icon sign=Sign::Pin/><span>{performance.venue.name.clone()}", "{performance.venue.city.clone()}</span></li>
                        <li><Icon sign=Sign::Card/><span>{total}" · "{order.buyer.email.clone()}</span></li>
                        <li><Icon sign=Sign::Ticket/><span>{move || fill(i18n.t().order_number, &[("number", &reference)])}</span></li>
                    </ul>
                </div>
            </section>
            {(tickets > 0).then(|| view! {
                <section aria-labelledby="tickets-title">
                    <div class="section-head">
                        <h2 class="section-title" id="tickets-title">
                            {move || count(tickets, i18n.t().tickets_one, i18n.t().tickets_many)}
                        </h2>
                        {(!undone).then(|| view! {
                            <button type="button" class="button button--quiet no-print" on:click=|_| { let _ = browser::window().print(); }>
                                <Icon sign=Sign::Print/>{i18n.say(|t| t.print)}
                            </button>
                        })}
                    </div>
                    <ul class="stubs">
                        {order.tickets.clone().into_iter().map(|ticket| view! { <Stub ticket printable=true/> }).collect_view()}
                    </ul>
                    {(!undone).then(|| view! { <p class="muted small">{i18n.say(|t| t.tickets_kept_here)}</p> })}
                </section>
            })}
            <p class="no-print"><a class="button" href="/tickets">{i18n.say(|t| t.nav_tickets)}</a></p>
        </div>
    }
}
