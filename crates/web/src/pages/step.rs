//! The bank's question about a payment. Here the simulator plays the bank, and says so.

use booking_core::{CommandId, OrderId};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::{self, Order, OrderState, StepAsk};
use crate::browser;
use crate::components::load::{Failed, Skeleton};
use crate::components::notice::{Notice, Tone};
use crate::components::page::announce;
use crate::components::{Icon, Sign};
use crate::format;
use crate::i18n::{fill, use_i18n};
use crate::pages::checkout::KeptCheckout;
use crate::pages::not_found::NotFound;
use crate::picker::state::forget_choice;
use crate::way::{use_part, use_way};
use crate::words;

#[component]
pub(crate) fn StepPage() -> impl IntoView {
    let i18n = use_i18n();
    announce(move || i18n.t().step_title.to_owned());
    let id = use_part::<OrderId>("order");
    move || match id.get() {
        None => view! { <NotFound/> }.into_any(),
        Some(id) => view! { <Loaded id/> }.into_any(),
    }
}

#[component]
fn Loaded(id: OrderId) -> impl IntoView {
    let order = LocalResource::new(move || api::order(id));
    let again = Callback::new(move |()| order.refetch());
    move || match order.get() {
        None => view! { <Skeleton class="skeleton--narrow"/> }.into_any(),
        Some(Err(failure)) => view! { <Failed failure retry=again/> }.into_any(),
        Some(Ok(order)) if order.state == OrderState::NeedsStep => {
            view! { <Question order/> }.into_any()
        }
        Some(Ok(order)) => {
            leave(&order);
            view! { <Skeleton class="skeleton--narrow"/> }.into_any()
        }
    }
}

/// Where an order belongs that has no open question: its own page, or the checkout that says why not.
fn next_page(order: &Order) -> String {
    match order.state {
        OrderState::Confirmed | OrderState::Refunded | OrderState::Cancelled => {
            format!("/orders/{}", order.id)
        }
        OrderState::Paying | OrderState::NeedsStep | OrderState::Declined | OrderState::Voided => {
            format!(
                "/performances/{}/checkout/{}",
                order.performance_id, order.hold_id
            )
        }
    }
}

fn leave(order: &Order) {
    if order.state == OrderState::Confirmed {
        KeptCheckout::forget(order.hold_id);
        forget_choice(order.performance_id);
    }
    use_way().replace(&next_page(order));
}

#[component]
fn Question(order: Order) -> impl IntoView {
    let i18n = use_i18n();
    let id = order.id;
    let refused = RwSignal::new(None::<String>);
    // One command a wish, however often the button is pressed.
    let answering = RwSignal::new(None::<bool>);
    let commands: [CommandId; 2] = [browser::new_id().into(), browser::new_id().into()];
    let owner = Owner::current();
    let answer = move |approve: bool| {
        if answering.get_untracked().is_some() {
            return;
        }
        answering.set(Some(approve));
        refused.set(None);
        let owner = owner.clone();
        spawn_local(async move {
            let ask = StepAsk {
                command_id: commands[usize::from(approve)],
                approve,
            };
            let mut answer = api::finish_step(id, &ask).await;
            if answer.as_ref().is_err_and(|failure| {
                failure.code() == Some("payment_declined") || failure.may_pass()
            }) {
                // Declined comes as a problem, and a lost answer may have been carried out: the order knows.
                browser::pause(600).await;
                if let Ok(order) = api::order(id).await
                    && order.state != OrderState::NeedsStep
                {
                    answer = Ok(order);
                }
            }
            match answer {
                Ok(order) => {
                    if let Some(owner) = owner {
                        owner.with(|| leave(&order));
                    }
                }
                Err(failure) => {
                    let _ =
                        refused.try_set(Some(words::of_failure(&failure, i18n.lang_now().texts())));
                    let _ = answering.try_set(None);
                }
            }
        });
    };
    let approve = answer.clone();
    let amount = {
        let digits = format::digits_of(&order.currency);
        move || {
            let amount = format::money(i18n.lang(), order.total_minor, &order.currency, digits);
            fill(i18n.t().step_question, &[("amount", &amount)])
        }
    };
    view! {
        <div class="page page--narrow">
            <section class="bank card" aria-labelledby="step-title">
                <p class="demo__tag">{i18n.say(|t| t.demo_tag)}</p>
                <span class="bank__sign"><Icon sign=Sign::Shield/></span>
                <h1 id="step-title">{i18n.say(|t| t.step_title)}</h1>
                <p class="bank__question">{amount}</p>
                <p class="muted">{i18n.say(|t| t.step_text)}</p>
                <div role="alert">
                    {move || refused.get().map(|said| view! { <Notice tone=Tone::Bad><p>{said}</p></Notice> })}
                </div>
                <div class="bank__answers">
                    <button type="button" class="button button--primary button--large" on:click=move |_| approve(true)
                        aria-disabled=move || answering.get().is_some().to_string()>
                        {move || if answering.get() == Some(true) { i18n.t().step_approving } else { i18n.t().step_approve }}
                    </button>
                    <button type="button" class="button button--large" on:click=move |_| answer(false)
                        aria-disabled=move || answering.get().is_some().to_string()>
                        {move || if answering.get() == Some(false) { i18n.t().step_refusing } else { i18n.t().step_refuse }}
                    </button>
                </div>
            </section>
        </div>
    }
}
