//! Paying. A payment has one order id for its whole life and one command id for each press of the
//! button; both are kept before anything is sent, so that a retry or a reload asks for the same payment
//! again instead of making a second one.

use booking_core::{CommandId, OrderId};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::fields::Form;
use super::kept::Kept;
use super::state::{Checkout, End, Progress};
use crate::api::{self, Buyer, Card, CheckoutAsk, Failure, Order, OrderState};
use crate::browser;
use crate::components::notice::{Notice, Tone};
use crate::i18n::{fill, use_i18n};
use crate::picker::state::forget_choice;
use crate::way::use_way;
use crate::words::{declined, words_for_failure};

/// How often a payment whose answer was lost is sent again, and how long after each loss.
const PAUSES_MS: [i32; 4] = [1_000, 2_000, 4_000, 8_000];

/// How long after each look at an order that is not there, or not yet, it is looked for again.
const FIND_PAUSES_MS: [i32; 4] = [250, 500, 1_000, 2_000];

/// How long between two looks at an order that is still being paid.
const POLL_MS: i32 = 1_500;

/// A price this close to its end is asked for again before it is paid.
const QUOTE_MARGIN_MS: i64 = 5_000;

/// Leaves for the page where the order is shown, without a way back to paying it.
pub(super) fn go_to_order(order: &Order) {
    Kept::forget(order.hold_id);
    go(&format!("/orders/{}", order.id), true);
}

fn go(to: &str, replace: bool) {
    let way = use_way();
    if replace {
        way.replace(to);
    } else {
        way.go(to);
    }
}

/// After a reload: if a payment was sent whose answer never came, asks what became of it.
pub(super) fn resume(checkout: Checkout) {
    let (asked, order) = checkout
        .kept
        .with_untracked(|kept| (kept.asked, kept.order));
    if asked.is_none() {
        return;
    }
    checkout.progress.set(Progress::Waiting);
    let owner = Owner::current();
    spawn_local(async move {
        match find(order).await {
            Ok(order) => settle(checkout, order, owner).await,
            // It never got there, or the bank's page was left: the next press is a new payment.
            Err(failure) if failure.is_not_found() => free(checkout),
            Err(failure) => refuse(checkout, &failure, owner).await,
        }
    });
}

/// The order of a payment that was sent a moment ago. It goes on when its page is loaded again, and
/// may arrive after the new page's first question.
async fn find(order: OrderId) -> Result<Order, Failure> {
    for pause_ms in FIND_PAUSES_MS {
        match api::order(order).await {
            Err(failure) if failure.is_not_found() => browser::pause(pause_ms).await,
            answer => return answer,
        }
    }
    api::order(order).await
}

/// The button was pressed.
pub(super) fn pay(checkout: Checkout, form: Form) {
    if checkout.progress.get_untracked() != Progress::Ready {
        return;
    }
    checkout.refused.set(None);
    if let Some(typed) = form.first_fault(!untrack(|| checkout.is_free())) {
        browser::focus(typed.id);
        return;
    }
    checkout.progress.set(Progress::Sending);
    let owner = Owner::current();
    spawn_local(async move {
        if let Some(ask) = prepare(checkout, form).await {
            match send(checkout, &ask).await {
                Ok(order) => settle(checkout, order, owner).await,
                Err(failure) => refuse(checkout, &failure, owner).await,
            }
        }
    });
}

/// The payment as it will be sent, at a price that still holds. Nothing where that price has changed:
/// then the reader decides again.
async fn prepare(checkout: Checkout, form: Form) -> Option<CheckoutAsk> {
    let before = untrack(|| checkout.signed());
    let fresh = |valid_until_ms: i64| valid_until_ms - browser::now_ms() > QUOTE_MARGIN_MS;
    let signed = match before {
        Some(signed) if fresh(signed.valid_until_ms) => signed,
        before => {
            let shown = before
                .map(|signed| signed.quote)
                .or_else(|| untrack(|| checkout.quote()));
            checkout.refresh_quote().await;
            let Some(signed) = untrack(|| checkout.signed()) else {
                free(checkout);
                return None;
            };
            if shown.is_some_and(|shown| shown.total_minor != signed.quote.total_minor) {
                checkout.refused.set(Some(
                    checkout.i18n.lang_now().texts().price_changed.to_owned(),
                ));
                free(checkout);
                return None;
            }
            signed
        }
    };
    let kept = checkout.kept.get_untracked();
    let mut ask = CheckoutAsk {
        command_id: browser::new_id().into(),
        order_id: kept.order,
        quote_token: signed.token,
        items: kept.items,
        voucher: kept.voucher,
        buyer: Buyer {
            name: form.name.value(),
            email: form.email.value(),
        },
        payment: (signed.quote.total_minor > 0).then(|| Card {
            card_number: super::validate::digits(&form.card_number.value()),
            expiry: form.expiry.value(),
            cvc: form.cvc.value(),
        }),
    };
    // The very same payment, of which nobody knows whether it arrived, keeps its name.
    if let Some(before) = checkout.unanswered.get_value() {
        let command_id = before.command_id;
        if (CheckoutAsk {
            command_id,
            ..ask.clone()
        }) == before
        {
            ask.command_id = command_id;
        }
    }
    let command: CommandId = ask.command_id;
    checkout.unanswered.set_value(Some(ask.clone()));
    checkout.kept.update(|kept| kept.asked = Some(command));
    // Effects run later; what was kept must be there before anything is sent.
    checkout
        .kept
        .with_untracked(|kept| kept.keep(checkout.hold_id));
    Some(ask)
}

/// Sends it; where the answer is lost, sends the very same again.
async fn send(checkout: Checkout, ask: &CheckoutAsk) -> Result<Order, Failure> {
    let performance = checkout.known.with_value(|known| known.performance.id);
    let mut pauses = PAUSES_MS.into_iter();
    loop {
        let answer = api::checkout(performance, checkout.hold_id, ask).await;
        match (answer, pauses.next()) {
            (Err(failure), Some(pause_ms)) if failure.may_pass() => {
                let _ = checkout.progress.try_set(Progress::SendingAgain);
                browser::pause(pause_ms).await;
            }
            (answer, _) => return answer,
        }
    }
}

/// What became of the payment.
async fn settle(checkout: Checkout, mut order: Order, owner: Option<Owner>) {
    while order.state == OrderState::Paying {
        if checkout.progress.try_set(Progress::Waiting).is_some() {
            return; // The page has been left.
        }
        browser::pause(POLL_MS).await;
        if let Ok(newer) = api::order(order.id).await {
            order = newer;
        }
    }
    if checkout.progress.is_disposed() {
        return;
    }
    let navigate = |to: String, replace: bool| {
        checkout.progress.set(Progress::Done);
        if let Some(owner) = &owner {
            owner.with(|| go(&to, replace));
        }
    };
    match order.state {
        OrderState::Paying => {}
        OrderState::NeedsStep => {
            let url = order
                .step
                .map_or_else(|| format!("/pay/step/{}", order.id), |step| step.url);
            navigate(url, false);
        }
        OrderState::Confirmed | OrderState::Refunded | OrderState::Cancelled => {
            Kept::forget(order.hold_id);
            forget_choice(order.performance_id);
            navigate(format!("/orders/{}", order.id), true);
        }
        OrderState::Declined => {
            checkout.refused.set(Some(
                declined(order.reason.as_deref(), checkout.i18n.lang_now().texts()).to_owned(),
            ));
            free(checkout);
        }
        OrderState::Voided => {
            free(checkout);
            checkout.end.set(Some(End::Voided(Box::new(order))));
        }
    }
}

/// The payment was refused: says why, and lets the reader go on where that makes sense.
async fn refuse(checkout: Checkout, failure: &Failure, owner: Option<Owner>) {
    if checkout.progress.is_disposed() {
        return;
    }
    match failure.code() {
        Some("no_such_hold" | "hold_lapsed") => {
            free(checkout);
            checkout.end.set(Some(End::Lapsed));
            return;
        }
        Some("quote_expired" | "quote_invalid" | "price_changed") => checkout.refresh_quote().await,
        Some("order_exists" | "order_state" | "command_id_reused") => {
            // An earlier press got through after all.
            let order = checkout.kept.with_untracked(|kept| kept.order);
            if let Ok(order) = api::order(order).await {
                Box::pin(settle(checkout, order, owner)).await;
                return;
            }
        }
        _ => {}
    }
    if failure.may_pass() {
        // Nobody knows whether it arrived. The command stays kept, and so does the order: a reload asks.
        let order = checkout.kept.with_untracked(|kept| kept.order);
        if let Ok(order) = api::order(order).await {
            Box::pin(settle(checkout, order, owner)).await;
            return;
        }
        let said = checkout.speak_now(|speaker| words_for_failure(failure, speaker));
        checkout.refused.set(Some(format!(
            "{said} {}",
            checkout.i18n.lang_now().texts().pay_again_is_safe
        )));
        checkout.progress.set(Progress::Ready);
        return;
    }
    let said = checkout.speak_now(|speaker| words_for_failure(failure, speaker));
    checkout.refused.set(Some(said));
    free(checkout);
}

/// Nothing is on its way any more.
fn free(checkout: Checkout) {
    let _ = checkout.unanswered.try_set_value(None);
    let _ = checkout.kept.try_update(|kept| kept.asked = None);
    let _ = checkout.progress.try_set(Progress::Ready);
}

/// The total, and the one button.
#[component]
pub(super) fn PayBar(checkout: Checkout) -> impl IntoView {
    let i18n = use_i18n();
    let money = move |minor| checkout.speak(|speaker| speaker.formats.money(minor));
    let total = Memo::new(move |_| checkout.quote().map(|quote| quote.total_minor));
    let pricing = move || checkout.signed().is_none();
    let busy = move || checkout.progress.get() != Progress::Ready;
    let label = move || {
        let texts = i18n.t();
        match checkout.progress.get() {
            Progress::Ready => match total.get() {
                None => texts.pay.to_owned(),
                Some(0) => texts.take_free.to_owned(),
                Some(minor) => fill(texts.pay_amount, &[("amount", &money(minor))]),
            },
            Progress::Sending => texts.paying.to_owned(),
            Progress::SendingAgain => texts.paying_again.to_owned(),
            Progress::Waiting => texts.paying_slow.to_owned(),
            Progress::Done => texts.paid.to_owned(),
        }
    };
    let status = move || {
        let texts = i18n.t();
        match checkout.progress.get() {
            Progress::Ready | Progress::Done => "",
            Progress::Sending => texts.paying_words,
            Progress::SendingAgain => texts.paying_again_words,
            Progress::Waiting => texts.paying_slow_words,
        }
    };
    view! {
        <div class="pay-bar">
            <div role="alert">
                {move || checkout.refused.get().map(|said| view! { <Notice tone=Tone::Bad><p>{said}</p></Notice> })}
            </div>
            <div class="pay-bar__row">
                <p class="pay-bar__total">
                    <span class="pay-bar__label">{i18n.say(|t| t.total)}</span>
                    <output class="pay-bar__amount" class:pay-bar__amount--stale=pricing>{move || total.get().map(money)}</output>
                </p>
                <button type="submit" class="button button--primary button--large pay-bar__button"
                    aria-disabled=move || (busy() || pricing()).to_string()
                >
                    {move || busy().then(|| view! { <span class="spinner" aria-hidden="true"></span> })}
                    {label}
                </button>
            </div>
            <p class="pay-bar__status" role="status">{status}</p>
        </div>
    }
}
