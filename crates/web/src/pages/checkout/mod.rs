//! From held seats to tickets: price types, voucher, who buys, card, and one button that cannot charge
//! twice. The total with every fee is always in sight.

mod buyer;
mod card;
mod fields;
mod kept;
mod lapsed;
mod pay;
mod state;
mod summary;
mod tickets;
pub(crate) mod validate;

use booking_core::{HoldId, OrderId, PerformanceId};
use leptos::prelude::*;

use crate::api::{self, Failure, HoldAnswer, Order};
use crate::components::hold_clock::{HoldClock, extension_minutes};
use crate::components::load::{Failed, Skeleton};
use crate::components::page::announce;
use crate::components::{Icon, Sign};
use crate::i18n::use_i18n;
use crate::pages::not_found::NotFound;
use crate::way::use_part;
use buyer::BuyerFields;
use card::{CardFields, NothingToPay};
use fields::Form;
use kept::Kept;
use lapsed::Lapsed;
use pay::PayBar;
use state::{Checkout, End, Known, Progress};
use summary::Summary;
use tickets::Tickets;

pub(crate) use kept::Kept as KeptCheckout;

/// Everything the page begins with; no hold where it is gone.
async fn load(
    performance: PerformanceId,
    hold: HoldId,
) -> Result<(Known, Option<HoldAnswer>), Failure> {
    let performance = api::performance(performance).await?;
    let (map, terms, hold) = futures_util::future::join3(
        api::seat_map(performance.id, &performance.map_version),
        api::terms(performance.id),
        api::hold(performance.id, hold),
    )
    .await;
    let hold = match hold {
        Ok(answer) => Some(answer),
        Err(failure) if failure.is_not_found() => None,
        Err(failure) => return Err(failure),
    };
    Ok((
        Known {
            performance,
            terms: terms?,
            map: map?,
        },
        hold,
    ))
}

#[component]
pub(crate) fn CheckoutPage() -> impl IntoView {
    let i18n = use_i18n();
    announce(move || i18n.t().checkout_title.to_owned());
    let performance = use_part::<PerformanceId>("id");
    let hold = use_part::<HoldId>("hold");
    let ids = Memo::new(move |_| performance.get().zip(hold.get()));
    move || match ids.get() {
        None => view! { <NotFound/> }.into_any(),
        Some((performance, hold)) => view! { <Loaded performance hold/> }.into_any(),
    }
}

#[component]
fn Loaded(performance: PerformanceId, hold: HoldId) -> impl IntoView {
    let found = LocalResource::new(move || load(performance, hold));
    let again = Callback::new(move |()| found.refetch());
    move || match found.get() {
        None => view! { <Skeleton class="skeleton--checkout"/> }.into_any(),
        Some(Err(failure)) if failure.is_not_found() => view! { <NotFound/> }.into_any(),
        Some(Err(failure)) => view! { <Failed failure retry=again/> }.into_any(),
        Some(Ok((known, Some(live)))) => view! { <Ready known live/> }.into_any(),
        Some(Ok((known, None))) => view! { <Gone known hold/> }.into_any(),
    }
}

/// The order that a hold was paid for with, if it was. What this tab knows of it need not be there: the
/// answer may have come, and been done with, while the page was already being loaded again, or another
/// tab paid.
async fn order_of(hold: HoldId, kept: OrderId) -> Result<Option<Order>, Failure> {
    match api::order(kept).await {
        Ok(order) => return Ok(Some(order)),
        Err(failure) if failure.is_not_found() => {}
        Err(failure) => return Err(failure),
    }
    let orders = api::orders().await?;
    Ok(orders.into_iter().find(|order| order.hold_id == hold))
}

/// The hold was gone when the page came: paid for, or lapsed.
#[component]
fn Gone(known: Known, hold: HoldId) -> impl IntoView {
    let kept = Kept::recall(hold);
    let places = kept.items.iter().map(|item| item.place).collect();
    let order = LocalResource::new(move || order_of(hold, kept.order));
    let again = Callback::new(move |()| order.refetch());
    move || {
        let (known, places): (Known, Vec<_>) = (known.clone(), Clone::clone(&places));
        match order.get() {
            None => view! { <Skeleton class="skeleton--checkout"/> }.into_any(),
            Some(Ok(Some(order))) => {
                pay::go_to_order(&order);
                view! { <Skeleton class="skeleton--checkout"/> }.into_any()
            }
            Some(Ok(None)) => view! { <Lapsed known places end=End::Lapsed/> }.into_any(),
            // That nothing was charged is not to be said before it is known.
            Some(Err(failure)) => view! { <Failed failure retry=again/> }.into_any(),
        }
    }
}

#[component]
fn Ready(known: Known, live: HoldAnswer) -> impl IntoView {
    let i18n = use_i18n();
    let kept = Kept::recall(live.hold.hold);
    let checkout = Checkout::new(known, live, kept);
    let form = Form::new(checkout.kept);
    let free = Memo::new(move |_| checkout.is_free());
    pay::resume(checkout);

    let extension = Signal::derive(move || {
        let extension_ms = checkout
            .known
            .with_value(|known| known.terms.rules.hold_extension_ms);
        checkout
            .hold
            .with(|hold| extension_minutes(hold.expires_ms, hold.max_expires_ms, extension_ms))
    });
    let expires_ms = Signal::derive(move || checkout.hold.with(|hold| hold.expires_ms));
    let on_over = Callback::new(move |()| {
        // A payment on its way is not interrupted: the server takes the seats again if they are free.
        if checkout.progress.get_untracked() == Progress::Ready {
            checkout.end.set(Some(End::Lapsed));
        }
    });
    let back = checkout
        .known
        .with_value(|known| format!("/performances/{}", known.performance.id));
    move || {
        if let Some(end) = checkout.end.get() {
            let known = checkout.known.get_value();
            let places = checkout.hold.with_untracked(|hold| hold.places.clone());
            return view! { <Lapsed known places end/> }.into_any();
        }
        let back = back.clone();
        view! {
            <form class="checkout" novalidate=true on:submit=move |ev| { ev.prevent_default(); pay::pay(checkout, form); }>
                <div class="checkout__main">
                    <div class="page__head">
                        <a class="back-link" href=back><Icon sign=Sign::Back/>{i18n.say(|t| t.back_to_seats)}</a>
                        <h1>{i18n.say(|t| t.checkout_title)}</h1>
                        <HoldClock expires_ms extension extending=checkout.extending
                            on_extend=move |()| checkout.extend() on_over/>
                    </div>
                    <Tickets checkout/>
                    <BuyerFields checkout form/>
                    {move || if free.get() {
                        view! { <NothingToPay/> }.into_any()
                    } else {
                        view! { <CardFields form/> }.into_any()
                    }}
                </div>
                <aside class="checkout__side" aria-label=i18n.say(|t| t.your_order)>
                    <Summary checkout/>
                    <PayBar checkout/>
                </aside>
            </form>
        }
        .into_any()
    }
}
