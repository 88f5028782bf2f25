//! Your seats: every line of the price, the clock once they are held, and the one next step. The total is
//! always in sight: [`Foot`] stands at the end of the panel, and on a phone at the bottom of the screen.

use booking_core::Quote;
use booking_core::price::{FeePer, LineKind, TaxMode};
use leptos::prelude::*;

use super::choice::{self, Chosen};
use super::say;
use super::state::{Doing, Picker, Told};
use crate::components::countdown::{ClockFace, Phase, use_countdown, use_now_ms};
use crate::components::notice::{Notice, Tone};
use crate::components::{Icon, Sign};
use crate::i18n::{fill, use_i18n};
use crate::map::theme::band_class;
use crate::way::use_way;

/// The button that leads on once seats are held.
pub(super) const NEXT_STEP: &str = "next-step";

/// News, most recent last, each with what can be done about it.
#[component]
pub(crate) fn NewsList(picker: Picker) -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <div class="news" role="status" aria-live="polite">
            <For each=move || picker.news.get() key=|news| news.number let(news)>
                {
                    let tone = match &news.told {
                        Told::Gone { .. } | Told::Ended { .. } | Told::Failed(_) => Tone::Bad,
                        Told::Refused(_) | Told::NotFree(..) => Tone::Warn,
                        Told::Warned(..) => Tone::Plain,
                    };
                    let like = match &news.told {
                        Told::Gone { like, .. } => *like,
                        _ => None,
                    };
                    let number = news.number;
                    let told = news.told.clone();
                    view! {
                        <Notice tone>
                            <p>{move || say::told(picker, i18n, &told)}</p>
                            <div class="news__do">
                                {like.map(|like| view! {
                                    <button type="button" class="button button--small" on:click=move |_| picker.take_instead(number, like)>
                                        {i18n.seats(|t| t.take_it)}
                                    </button>
                                })}
                                <button type="button" class="panel__small" on:click=move |_| picker.close(number)>
                                    {i18n.seats(|t| t.close)}
                                </button>
                            </div>
                        </Notice>
                    }
                }
            </For>
        </div>
    }
}

/// The lines.
#[component]
pub(crate) fn Basket(picker: Picker) -> impl IntoView {
    let i18n = use_i18n();
    let places = Memo::new(move |_| {
        picker
            .chosen
            .get()
            .into_iter()
            .enumerate()
            .collect::<Vec<_>>()
    });
    let verdict = move || {
        let lang = i18n.lang();
        match picker.verdict() {
            Err(no) => Some((Tone::Warn, say::rejection(picker, lang, &no))),
            Ok(warnings) => {
                let hint = warnings.first()?;
                Some((Tone::Plain, say::warning(picker, lang, hint)))
            }
        }
    };
    view! {
        <section class="panel__part" aria-labelledby="basket-title">
            <h2 class="panel__title" id="basket-title">{i18n.seats(|t| t.basket_title)}</h2>
            {move || picker.chosen.with(Vec::is_empty).then(|| view! {
                <p class="panel__help">{i18n.seats(|t| t.basket_empty)}</p>
            })}
            <ul class="basket">
                <For each=move || places.get() key=|(i, c)| (*i, c.place, c.price_type) let((index, chosen))>
                    <TicketLine picker index chosen/>
                </For>
            </ul>
            {move || picker.quote().map(|quote| view! { <Extras picker quote/> })}
            {move || verdict().map(|(tone, text)| view! { <Notice tone><p>{text}</p></Notice> })}
        </section>
    }
}

/// One ticket: where, which type, how much.
#[component]
fn TicketLine(picker: Picker, index: usize, chosen: Chosen) -> impl IntoView {
    let i18n = use_i18n();
    let map = picker.map();
    let band = choice::band_of(&map, chosen.place);
    let bands = map.bands().len();
    let types = picker.house(|house| {
        band.map(|band| choice::types_in(&house.terms, band))
            .unwrap_or_default()
    });
    let name = Memo::new(move |_| say::place(picker, i18n.lang(), chosen.place));
    let amount = move || {
        let quote = picker.quote()?;
        let mut minor = 0;
        for line in &quote.lines {
            match line.kind {
                LineKind::Ticket { item, .. } | LineKind::Discount { item }
                    if usize::from(item) == index =>
                {
                    minor += line.amount_minor;
                }
                _ => {}
            }
        }
        Some(picker.money(i18n.lang(), minor))
    };
    let type_name = move |price_type: booking_core::PriceTypeIx| {
        picker.house(|house| {
            house
                .terms
                .prices
                .types
                .get(price_type.index())
                .map(|t| t.name.clone())
                .unwrap_or_default()
        })
    };
    let only = types.len() < 2;
    let options = types
        .into_iter()
        .map(|(price_type, _)| view! {
            <option value=price_type.0.to_string() selected=price_type == chosen.price_type>{type_name(price_type)}</option>
        })
        .collect_view();
    view! {
        <li class="basket-line">
            <span class=band_class(band.map_or(0, booking_core::BandIx::index), bands)></span>
            <div class="basket-line__what">
                <span class="basket-line__name">{name}</span>
                {if only {
                    view! { <span class="basket-line__type">{type_name(chosen.price_type)}</span> }.into_any()
                } else {
                    view! {
                        <select class="chooser chooser--small"
                            aria-label=move || fill(i18n.seat_t().ticket_type, &[("seat", &name.get())])
                            on:change=move |event| if let Ok(i) = event_target_value(&event).parse() {
                                picker.set_type(index, booking_core::PriceTypeIx(i));
                            }>
                            {options}
                        </select>
                    }.into_any()
                }}
            </div>
            <span class="basket-line__amount tabular">{amount}</span>
            <button type="button" class="icon-button" disabled=move || picker.doing.get().is_some()
                aria-label=move || fill(i18n.seat_t().put_back, &[("seat", &name.get())])
                on:click=move |_| picker.put_back(chosen.place)><Icon sign=Sign::Close/></button>
        </li>
    }
}

/// Fees and tax.
#[component]
fn Extras(picker: Picker, quote: Quote) -> impl IntoView {
    let i18n = use_i18n();
    let (fees, tax) =
        picker.house(|house| (house.terms.prices.fees.clone(), house.terms.prices.tax));
    let lines = fees
        .into_iter()
        .enumerate()
        .filter_map(|(i, fee)| {
            let here = quote.lines.iter().filter(|line| match line.kind {
                LineKind::TicketFee { fee, .. } | LineKind::OrderFee { fee } => usize::from(fee) == i,
                LineKind::Ticket { .. } | LineKind::Discount { .. } => false,
            });
            let (n, minor) = here.fold((0, 0), |(n, sum), line| (n + 1, sum + line.amount_minor));
            (n > 0).then(|| {
                let name = move || match fee.per {
                    FeePer::Ticket => fill(i18n.seat_t().fee_times, &[("fee", &fee.name), ("n", &n.to_string())]),
                    FeePer::Order => fee.name.clone(),
                };
                view! {
                    <div class="extra"><dt>{name}</dt><dd class="tabular">{move || picker.money(i18n.lang(), minor)}</dd></div>
                }
            })
        })
        .collect_view();
    let tax_minor = quote.tax_minor;
    view! {
        <dl class="extras">
            {lines}
            {(tax.mode == TaxMode::Exclusive).then(|| view! {
                <div class="extra"><dt>{i18n.seats(|t| t.tax_on)}</dt><dd class="tabular">{move || picker.money(i18n.lang(), tax_minor)}</dd></div>
            })}
        </dl>
        {(tax.mode == TaxMode::Inclusive && tax_minor > 0).then(|| view! {
            <p class="panel__help">{move || fill(i18n.seat_t().tax_in, &[("tax", &picker.money(i18n.lang(), tax_minor))])}</p>
        })}
    }
}

/// The clock, the total and the next step.
#[component]
pub(crate) fn Foot(picker: Picker) -> impl IntoView {
    let i18n = use_i18n();
    let expires = Signal::derive(move || {
        picker
            .hold
            .with(|hold| hold.as_ref().map_or(i64::MAX, |h| h.expires_ms))
    });
    let (left, phase) = use_countdown(expires);
    Effect::new(move || {
        if picker.hold.with(Option::is_some) && phase.get() == Phase::Over {
            picker.hold_ended();
        }
    });
    let held = move || picker.hold.with(Option::is_some);
    let busy = move || picker.doing.get().is_some();
    let can_extend = move || {
        picker.hold.with(|hold| {
            hold.as_ref()
                .is_some_and(|h| h.expires_ms < h.max_expires_ms)
        })
    };
    let minutes = picker.house(|house| house.terms.rules.hold_extension_ms / 60_000);
    let count = move || picker.chosen.with(Vec::len);
    let total = move || {
        picker
            .quote()
            .map(|quote| picker.money(i18n.lang(), quote.total_minor))
    };
    let refused = move || picker.verdict().is_err();
    let now = use_now_ms();
    let on_sale = Memo::new(move |_| picker.on_sale(now.get()));
    let way = use_way();
    let to_checkout = move |_| {
        if let Some(hold) = picker.hold.get_untracked() {
            let id = picker.house(|house| house.performance.id);
            way.go(&format!("/performances/{id}/checkout/{}", hold.hold));
        }
    };
    let doing = move || {
        let t = i18n.seat_t();
        match picker.doing.get() {
            Some(Doing::Holding) => t.holding,
            Some(Doing::Finding) => t.best_doing,
            Some(Doing::Changing) => t.changing,
            Some(Doing::Extending) => t.extending,
            Some(Doing::GivingBack) => t.giving_back,
            None => "",
        }
    };
    view! {
        <div class="foot">
            <div class="foot__clock" hidden=move || !held()>
                <span>{i18n.seats(|t| t.held_until)}</span>
                <ClockFace left_ms=left/>
            </div>
            <p class="foot__ending" role="status">{move || {
                (held() && phase.get() == Phase::Ending).then(|| {
                    if can_extend() { i18n.seat_t().ending } else { i18n.seat_t().ending_last }
                })
            }}</p>
            <div class="foot__total">
                <span class="foot__count">{move || match count() {
                    0 => String::new(),
                    n => say::how_many(i18n.seat_t(), n),
                }}</span>
                <span class="foot__sum">
                    <span class="foot__word">{i18n.seats(|t| t.total)}</span>
                    <strong class="foot__amount tabular">{move || total().unwrap_or_else(|| picker.money(i18n.lang(), 0))}</strong>
                    <span class="foot__help">{i18n.seats(|t| t.total_help)}</span>
                </span>
            </div>
            <Show when=held fallback=move || view! {
                <button type="button" class="button button--primary button--large button--wide"
                    disabled=move || count() == 0 || busy() || refused() || !on_sale.get()
                    on:click=move |_| picker.hold_chosen()>
                    {move || match (doing(), count()) {
                        ("", 1) => i18n.seat_t().hold_one,
                        ("", _) => i18n.seat_t().hold_them,
                        (doing, _) => doing,
                    }}
                </button>
            }>
                <button type="button" id=NEXT_STEP class="button button--primary button--large button--wide" disabled=busy
                    on:click=to_checkout>
                    {move || match doing() { "" => i18n.seat_t().checkout, doing => doing }}
                </button>
                <div class="foot__more">
                    <button type="button" class="panel__small" hidden=move || !can_extend() disabled=busy on:click=move |_| picker.extend()>
                        {move || fill(i18n.seat_t().more_time, &[("n", &minutes.to_string())])}
                    </button>
                    <button type="button" class="panel__small" disabled=busy on:click=move |_| picker.give_back()>
                        {i18n.seats(|t| t.give_back)}
                    </button>
                </div>
            </Show>
            <p class="visually-hidden" role="status">{doing}</p>
        </div>
    }
}
