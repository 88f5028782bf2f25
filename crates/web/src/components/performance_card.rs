//! A performance as it is offered: poster, when, where, from how much, how full.

use leptos::prelude::*;

use super::countdown::use_now_ms;
use super::{Icon, Sign};
use crate::api::{Performance, SaleState};
use crate::format::{self, Detail, clock_face};
use crate::i18n::{Texts, fill, use_i18n};

/// From how much left on a house is called nearly full: a tenth of what was ever on sale.
const FEW_LEFT: u32 = 10;

/// Nearer than this, a sale that is to come is counted down; further off its date says more.
const COUNTED_DOWN_MS: i64 = 24 * 3_600_000;

/// How a performance's sale stands, in the words a reader needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Availability {
    /// Not yet: the sale begins then.
    Upcoming {
        from_ms: i64,
    },
    /// Free places, and plenty.
    Plenty {
        open: u32,
    },
    /// Free places, but few.
    Few {
        open: u32,
    },
    /// None free at the moment, but some are only held: they may come back.
    AllHeld,
    SoldOut,
    Over,
}

impl Availability {
    /// What the server said, with the one thing it cannot know: that a sale has begun since.
    pub(crate) fn of(performance: &Performance, now_ms: i64) -> Self {
        let counts = performance.counts;
        match performance.sale.state {
            SaleState::Over => Self::Over,
            SaleState::SoldOut => Self::SoldOut,
            SaleState::Upcoming if now_ms < performance.sale.from_ms => Self::Upcoming {
                from_ms: performance.sale.from_ms,
            },
            SaleState::Upcoming | SaleState::OnSale => {
                let on_sale = counts.open + counts.held + counts.sold;
                match counts.open {
                    0 if counts.held > 0 => Self::AllHeld,
                    0 => Self::SoldOut,
                    open if open.saturating_mul(FEW_LEFT) <= on_sale => Self::Few { open },
                    open => Self::Plenty { open },
                }
            }
        }
    }
    /// Whether seats can be chosen now.
    pub(crate) const fn is_buyable(self) -> bool {
        matches!(self, Self::Plenty { .. } | Self::Few { .. } | Self::AllHeld)
    }
    const fn class(self) -> &'static str {
        match self {
            Self::Plenty { .. } => "chip chip--good",
            Self::Few { .. } | Self::AllHeld => "chip chip--warn",
            Self::Upcoming { .. } | Self::SoldOut | Self::Over => "chip",
        }
    }
    const fn sign(self) -> Sign {
        match self {
            Self::Plenty { .. } => Sign::Check,
            Self::Few { .. } | Self::AllHeld | Self::Upcoming { .. } => Sign::Clock,
            Self::SoldOut | Self::Over => Sign::Close,
        }
    }
    fn words(
        self,
        texts: &Texts,
        number: impl Fn(i64) -> String,
        day: impl Fn(i64) -> String,
        now_ms: i64,
    ) -> String {
        match self {
            Self::Upcoming { from_ms } if from_ms - now_ms <= COUNTED_DOWN_MS => {
                fill(texts.on_sale_in, &[("time", &clock_face(from_ms - now_ms))])
            }
            Self::Upcoming { from_ms } => fill(texts.on_sale_from, &[("when", &day(from_ms))]),
            Self::Plenty { .. } => texts.plenty_left.to_owned(),
            Self::Few { open: 1 } => texts.one_left.to_owned(),
            Self::Few { open } => fill(texts.few_left, &[("n", &number(open.into()))]),
            Self::AllHeld => texts.all_held.to_owned(),
            Self::SoldOut => texts.sold_out.to_owned(),
            Self::Over => texts.sale_over.to_owned(),
        }
    }
}

/// The chip that says how the sale stands; one that counts down does so by itself.
#[component]
pub(crate) fn AvailabilityChip(performance: Performance) -> impl IntoView {
    let i18n = use_i18n();
    let begins_soon = performance.sale.state == SaleState::Upcoming;
    // Only a chip that counts down needs a clock.
    let now: Signal<i64> = if begins_soon {
        use_now_ms()
    } else {
        Signal::stored(crate::browser::now_ms())
    };
    let availability = Memo::new(move |_| Availability::of(&performance, now.get()));
    view! {
        <span class=move || availability.get().class()>
            {move || view! { <Icon sign=availability.get().sign()/> }}
            <span class="chip__text">{move || {
                let lang = i18n.lang();
                availability.get().words(
                    i18n.t(),
                    |n| format::number(lang, n),
                    |ms| format::instant(lang, ms, Detail::Short, None),
                    now.get(),
                )
            }}</span>
        </span>
    }
}

/// When it is, in the reader's zone; at the venue's too where the clocks differ.
#[component]
pub(crate) fn When(performance: Performance, #[prop(optional)] full: bool) -> impl IntoView {
    let i18n = use_i18n();
    let starts_at_ms = performance.starts_at_ms;
    let zone = performance.venue.time_zone;
    let detail = if full { Detail::Full } else { Detail::Short };
    view! {
        <span class="when">
            <span class="when__here">{move || format::instant(i18n.lang(), starts_at_ms, detail, None)}</span>
            {move || format::at_venue(i18n.lang(), starts_at_ms, &zone, detail).map(|there| view! {
                <span class="when__there">{fill(i18n.t().at_the_venue, &[("when", &there)])}</span>
            })}
        </span>
    }
}

/// "from €19", where there is a price.
pub(crate) fn price_from(performance: &Performance) -> impl Fn() -> String + Send + Sync + use<> {
    let i18n = use_i18n();
    let (minor, currency, digits) = (
        performance.price_from_minor,
        performance.currency.clone(),
        performance.minor_digits,
    );
    move || {
        let price = format::money_short(i18n.lang(), minor, &currency, digits);
        fill(i18n.t().price_from, &[("price", &price)])
    }
}

/// One of the season: a poster with what there is to know beneath it.
#[component]
pub(crate) fn PerformanceCard(performance: Performance) -> impl IntoView {
    let price = price_from(&performance);
    let href = format!("/performances/{}", performance.id);
    let (poster, title) = (performance.poster_url.clone(), performance.title.clone());
    let place = format!("{}, {}", performance.venue.name, performance.venue.city);
    let gone = matches!(performance.sale.state, SaleState::SoldOut | SaleState::Over);
    view! {
        <article class="poster-card" class:poster-card--gone=gone>
            <a class="poster-card__link" href=href>
                <img class="poster" src=poster alt="" width="600" height="800" loading="lazy" decoding="async"/>
                <span class="poster-card__text">
                    <When performance=performance.clone()/>
                    <h3 class="poster-card__title">{title}</h3>
                    <span class="poster-card__where">{place}</span>
                    <span class="poster-card__foot">
                        <span class="poster-card__price">{price}</span>
                        <AvailabilityChip performance/>
                    </span>
                </span>
            </a>
        </article>
    }
}
