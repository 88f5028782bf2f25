//! A performance: the seats, the prices and what you have chosen.

use std::time::Duration;

use booking_core::PerformanceId;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::{self, Failure, SaleState};
use crate::browser;
use crate::components::fans_switch::FansSwitch;
use crate::components::load::{Failed, Skeleton};
use crate::components::notice::{Notice, Tone};
use crate::components::{Icon, Sign};
use crate::format::{self, Detail};
use crate::i18n::{fill, use_i18n};
use crate::pages::not_found::NotFound;
use crate::picker::basket::{Basket, Foot, NewsList};
use crate::picker::best::Best;
use crate::picker::legend::Legend;
use crate::picker::list::SeatList;
use crate::picker::map::PickerMap;
use crate::picker::state::{House, Line};
use crate::picker::{Picker, feed};
use crate::way::{prepare, use_part};

/// What the page begins with.
#[derive(Clone)]
struct Loaded {
    house: House,
    view: booking_core::PublicView,
    holds: Vec<api::Hold>,
}

/// Everything at once, where one does not need the other.
async fn load(id: PerformanceId) -> Result<Loaded, Failure> {
    let performance = api::performance(id).await?;
    let (map, terms, view, holds) = futures_util::future::join4(
        api::seat_map(id, &performance.map_version),
        api::terms(id),
        api::seats(id),
        api::holds(id),
    )
    .await;
    let (map, terms, view) = (map?, std::sync::Arc::new(terms?), view?);
    // Without the holds the page is still of use; the server refuses what does not fit.
    let holds = holds.map(|holds| holds.into_iter().map(|answer| answer.hold).collect());
    let house = House {
        performance,
        map,
        terms,
    };
    Ok(Loaded {
        house,
        view,
        holds: holds.unwrap_or_default(),
    })
}

#[component]
pub(crate) fn PerformancePage() -> impl IntoView {
    let id = use_part::<PerformanceId>("id");
    let tries = RwSignal::new(0_u32);
    let loaded = RwSignal::new(None::<Result<Loaded, Failure>>);
    Effect::new(move || {
        tries.track();
        loaded.set(None);
        let Some(id) = id.get() else { return };
        spawn_local(async move {
            let answer = load(id).await;
            if let Ok(loaded) = &answer {
                crate::rooms::gate::see(&loaded.house.performance, !loaded.holds.is_empty());
            }
            let _ = loaded.try_set(Some(answer));
        });
    });
    move || match (id.get(), loaded.get()) {
        (None, _) => view! { <NotFound/> }.into_any(),
        (Some(_), None) => view! { <Skeleton class="skeleton--seats"/> }.into_any(),
        (Some(_), Some(Err(failure))) if failure.is_not_found() => view! { <NotFound/> }.into_any(),
        (Some(_), Some(Err(failure))) => {
            view! { <Failed failure retry=move |()| tries.update(|n| *n += 1)/> }.into_any()
        }
        (Some(_), Some(Ok(loaded))) => view! { <Seats loaded/> }.into_any(),
    }
}

/// The page once everything is there.
#[component]
fn Seats(loaded: Loaded) -> impl IntoView {
    let i18n = use_i18n();
    let performance = loaded.house.performance.clone();
    let picker = Picker::new(loaded.house, loaded.view, &loaded.holds);
    feed::follow(picker);
    let buys = Memo::new(move |_| {
        picker.hold.with(Option::is_some) || picker.chosen.with(|chosen| !chosen.is_empty())
    });
    Effect::new(move || {
        if buys.get() {
            prepare("/tickets", Duration::ZERO); // The same program as the checkout.
        }
    });
    let as_list = RwSignal::new(false);
    let open = RwSignal::new(false);
    let sale = performance.sale.clone();
    let starts = performance.starts_at_ms;
    let zone = performance.venue.time_zone.clone();
    let title = performance.title.clone();
    Effect::new(move || browser::document().set_title(&format!("{title} · Onsale")));
    let closed = move || {
        let t = i18n.t();
        match sale.state {
            SaleState::Upcoming => {
                let when = format::instant(i18n.lang(), sale.from_ms, Detail::Short, None);
                Some(fill(t.not_yet_on_sale, &[("when", &when)]))
            }
            SaleState::Over => Some(t.sale_has_ended.to_owned()),
            SaleState::OnSale | SaleState::SoldOut => None,
        }
    };
    view! {
        <div class="seats" class:seats--open=open>
            <div class="seats__house">
                <header class="seats__head">
                    <a class="icon-button" href="/" aria-label=i18n.seats(|t| t.all_performances)><Icon sign=Sign::Back/></a>
                    <div class="seats__what">
                        <h1 class="seats__title">{performance.title.clone()}</h1>
                        <p class="seats__when">
                            {move || format::instant(i18n.lang(), starts, Detail::Short, None)}
                            {move || format::at_venue(i18n.lang(), starts, &zone, Detail::Short)
                                .map(|there| format!(" ({there})"))}
                            " · " {performance.venue.name.clone()}
                        </p>
                    </div>
                    <div class="switch" role="group" aria-label=i18n.seats(|t| t.choose_how)>
                        <button type="button" class="switch__side" aria-pressed=move || (!as_list.get()).to_string()
                            on:click=move |_| as_list.set(false)>{i18n.seats(|t| t.as_map)}</button>
                        <button type="button" class="switch__side" aria-pressed=move || as_list.get().to_string()
                            on:click=move |_| as_list.set(true)>{i18n.seats(|t| t.as_list)}</button>
                    </div>
                </header>
                <p class="seats__line" role="status" class:seats__line--lost=move || picker.line.get() == Line::Lost>
                    {move || (picker.line.get() == Line::Lost).then(|| i18n.seat_t().stale)}
                </p>
                {move || if as_list.get() {
                    view! { <SeatList picker/> }.into_any()
                } else {
                    view! { <PickerMap picker/> }.into_any()
                }}
            </div>
            <aside class="panel" aria-label=i18n.seats(|t| t.basket_title)>
                <button type="button" class="panel__grip" aria-expanded=move || open.get().to_string() aria-controls="panel-body"
                    on:click=move |_| open.update(|open| *open = !*open)>
                    <span class="visually-hidden">{move || if open.get() { i18n.seat_t().hide_basket } else { i18n.seat_t().show_basket }}</span>
                </button>
                <NewsList picker/>
                <div class="panel__body" id="panel-body">
                    {move || closed().map(|text| view! { <Notice tone=Tone::Plain><p>{text}</p></Notice> })}
                    <Basket picker/>
                    <Show when=move || picker.hold.with(Option::is_none)><Best picker/></Show>
                    <Legend picker/>
                    {performance.demo.then(|| view! { <FansSwitch id=performance.id on=performance.simulated_fans/> })}
                </div>
                <Foot picker/>
            </aside>
        </div>
    }
}
