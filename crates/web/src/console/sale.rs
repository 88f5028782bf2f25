//! How one sale goes: its sums, minute by minute and band by band, as they grow.

use std::time::Duration;

use booking_core::PerformanceId;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::bars::{Bars, Stretch};
use super::chart::Span;
use super::guard::{About, Refusal};
use crate::api::{self, Failure, Performance, Sales, SalesBand, SalesRow};
use crate::browser;
use crate::components::load::Skeleton;
use crate::components::page::announce;
use crate::components::{Icon, Sign};
use crate::format::{self, Detail};
use crate::i18n::{I18n, Lang, fill, use_i18n};
use crate::map::theme::band_class;

const MINUTE_MS: i64 = 60_000;
/// How often it is asked while somebody looks.
const EVERY: Duration = Duration::from_secs(2);
/// Rows of the last hour, one a minute.
const HOUR: u32 = 60;
/// About so many bars show a whole sale.
const MOST_BARS: i64 = 120;
/// What a bar may be about, minutes.
const STRETCHES: [u32; 8] = [1, 2, 5, 15, 30, 60, 360, 1_440];
/// Rows of the table.
const LATEST: usize = 10;

/// A sale, while its page is open.
#[derive(Clone, Copy)]
struct Live {
    id: PerformanceId,
    i18n: I18n,
    performance: RwSignal<Option<Performance>>,
    sales: RwSignal<Option<Sales>>,
    failed: RwSignal<Option<Failure>>,
    /// The whole sale, not the last hour.
    whole: RwSignal<bool>,
    asking: RwSignal<bool>,
}

impl Live {
    fn begin(id: PerformanceId, i18n: I18n) -> Self {
        let live = Self {
            id,
            i18n,
            performance: RwSignal::new(None),
            sales: RwSignal::new(None),
            failed: RwSignal::new(None),
            whole: RwSignal::new(false),
            asking: RwSignal::new(false),
        };
        spawn_local(async move {
            if let Ok(performance) = api::performance(id).await {
                let _ = live.performance.try_set(Some(performance));
            }
        });
        live.ask();
        let look = move || {
            if !browser::document().hidden() {
                live.ask();
            }
        };
        if let Ok(timer) = set_interval_with_handle(look, EVERY) {
            on_cleanup(move || timer.clear());
        }
        live
    }

    /// Asks, unless an answer is still awaited.
    fn ask(self) {
        if self.asking.get_untracked() {
            return;
        }
        self.asking.set(true);
        let whole = self.whole.get_untracked();
        let every = self.sales.with_untracked(|known| match known {
            Some(known) if whole => stretch_of(known),
            _ => 1,
        });
        let limit = if whole {
            MOST_BARS as u32 + 1
        } else {
            HOUR + 1
        };
        spawn_local(async move {
            let answer = api::sales(self.id, every, limit).await;
            if self.asking.try_set(false).is_some() {
                return;
            }
            // Meanwhile another view may have been chosen.
            if self.whole.get_untracked() != whole {
                self.ask();
                return;
            }
            match answer {
                Ok(sales) => {
                    self.failed.set(None);
                    self.sales.set(Some(sales));
                }
                Err(failure) => self.failed.set(Some(failure)),
            }
        });
    }

    fn choose(self, whole: bool) {
        self.whole.set(whole);
        self.ask();
    }

    fn money(self, minor: i64) -> String {
        self.money_by(format::money, minor)
    }

    fn money_by(self, written: fn(Lang, i64, &str, u8) -> String, minor: i64) -> String {
        self.sales.with(|sales| {
            sales.as_ref().map_or_else(String::new, |sales| {
                written(self.i18n.lang(), minor, &sales.currency, sales.minor_digits)
            })
        })
    }

    fn number(self, n: u32) -> String {
        format::number(self.i18n.lang(), n.into())
    }
}

/// How many minutes a bar is about where the whole sale is shown.
fn stretch_of(sales: &Sales) -> u32 {
    let first_ms = sales.first_ms.unwrap_or(sales.as_of_ms);
    let minutes = (sales.as_of_ms - first_ms) / MINUTE_MS + 1;
    let fits = |every: &u32| minutes <= i64::from(*every) * MOST_BARS;
    STRETCHES.into_iter().find(fits).unwrap_or(1_440)
}

/// The time that is drawn: up to the end of the stretch that goes on.
fn span_of(sales: &Sales, whole: bool) -> Span {
    let every_ms = i64::from(sales.every) * MINUTE_MS;
    let to_ms = (sales.as_of_ms.div_euclid(every_ms) + 1) * every_ms;
    let hour_ms = i64::from(HOUR) * MINUTE_MS;
    let from_ms = match sales.first_ms.filter(|_| whole) {
        Some(first_ms) => first_ms.div_euclid(every_ms) * every_ms,
        None => to_ms - hour_ms,
    };
    Span { from_ms, to_ms }
}

fn sum(row: &SalesRow, of: fn(&SalesBand) -> i64) -> i64 {
    row.bands.iter().map(of).sum()
}

fn sold(band: &SalesBand) -> i64 {
    band.sold.into()
}

fn revenue(band: &SalesBand) -> i64 {
    band.revenue_minor
}

fn stretches(sales: &Sales, of: fn(&SalesBand) -> i64) -> Vec<Stretch> {
    let part = |band: &SalesBand| (usize::from(band.band), of(band) as f64);
    let stretch = |row: &SalesRow| Stretch {
        from_ms: row.from_ms,
        parts: row.bands.iter().map(part).collect(),
    };
    sales.rows.iter().map(stretch).collect()
}

#[component]
pub(super) fn SalePage(id: PerformanceId) -> impl IntoView {
    let i18n = use_i18n();
    let live = Live::begin(id, i18n);
    let heard = Memo::new(move |_| live.sales.with(Option::is_some));
    let name = move || {
        let title = live
            .performance
            .with(|known| known.as_ref().map(|known| known.title.clone()));
        title.unwrap_or_else(|| i18n.console_t().sales_title.to_owned())
    };
    announce(name);
    move || {
        if heard.get() {
            return view! { <Shown live name=Signal::derive(name)/> }.into_any();
        }
        match live.failed.get() {
            None => view! { <Skeleton class="skeleton--narrow"/> }.into_any(),
            Some(failure) => {
                let retry = move |()| live.ask();
                view! { <Refusal failure retry about=About::Sales/> }.into_any()
            }
        }
    }
}

#[component]
fn Shown(live: Live, name: Signal<String>) -> impl IntoView {
    let i18n = live.i18n;
    let about = move || {
        live.performance.with(|known| {
            known.as_ref().map(|known| {
                let zone = Some(known.venue.time_zone.as_str());
                let when = format::instant(i18n.lang(), known.starts_at_ms, Detail::Short, zone);
                format!("{when}, {}", known.venue.name)
            })
        })
    };
    let line = move || {
        if live.failed.with(Option::is_none) {
            return i18n.console_t().live.to_owned();
        }
        let as_of_ms = live
            .sales
            .with(|sales| sales.as_ref().map_or(0, |sales| sales.as_of_ms));
        let time = format::instant(i18n.lang(), as_of_ms, Detail::Clock, None);
        fill(i18n.console_t().sale_line_lost, &[("time", &time)])
    };
    let reading = move || {
        live.sales
            .with(|sales| sales.as_ref().is_some_and(|sales| !sales.is_complete))
    };
    view! {
        <div class="console">
            <header class="console__head">
                <a class="icon-button" href="/operator/sales" aria-label=i18n.console(|t| t.sale_all)><Icon sign=Sign::Back/></a>
                <h1>{name}</h1>
                <span class="muted small">{about}</span>
                <span class="console__line small" class:console__line--lost=move || live.failed.with(Option::is_some) role="status">{line}</span>
            </header>
            <p class="notice" role="status" hidden=move || !reading()>{move || if reading() { i18n.console_t().sale_reading } else { "" }}</p>
            <Strip live/>
            <ByTime live/>
            <div class="console__grid console__grid--even">
                <ByBand live/>
                <Latest live/>
            </div>
        </div>
    }
}

#[component]
fn Strip(live: Live) -> impl IntoView {
    let i18n = live.i18n;
    let total = Memo::new(move |_| {
        live.sales
            .with(|sales| sales.as_ref().map(|sales| sales.total.clone()))
            .unwrap_or_default()
    });
    view! {
        <dl class="strip">
            <div class="strip__one"><dt>{i18n.console(|t| t.sale_sold)}</dt>
                <dd class="tabular">{move || live.number(total.with(|total| total.sold))}</dd></div>
            <div class="strip__one"><dt>{i18n.console(|t| t.sale_revenue)}</dt>
                <dd class="tabular">{move || live.money(total.with(|total| total.revenue_minor + total.order_fees_minor))}</dd></div>
            <div class="strip__one"><dt>{i18n.console(|t| t.sale_orders)}</dt>
                <dd class="tabular">{move || live.number(total.with(|total| total.orders))}</dd></div>
            <div class="strip__one"><dt>{i18n.console(|t| t.sale_cancelled)}</dt>
                <dd class="tabular">{move || live.number(total.with(|total| total.cancelled))}</dd></div>
        </dl>
    }
}

#[component]
fn ByTime(live: Live) -> impl IntoView {
    let i18n = live.i18n;
    let whole = live.whole;
    let every = Memo::new(move |_| {
        live.sales
            .with(|sales| sales.as_ref().map_or(1, |sales| sales.every))
    });
    let every_ms = Signal::derive(move || i64::from(every.get()) * MINUTE_MS);
    let span = Memo::new(move |_| {
        let whole = whole.get();
        live.sales.with(|sales| {
            sales.as_ref().map_or(
                Span {
                    from_ms: 0,
                    to_ms: 1,
                },
                |sales| span_of(sales, whole),
            )
        })
    });
    let bands = Signal::derive(move || {
        live.sales
            .with(|sales| sales.as_ref().map_or(1, |sales| sales.bands.len()))
    });
    let nothing = move || {
        live.sales
            .with(|sales| sales.as_ref().is_some_and(|sales| sales.first_ms.is_none()))
    };
    let of = move |amount: fn(&SalesBand) -> i64| {
        Signal::derive(move || {
            live.sales.with(|sales| {
                sales
                    .as_ref()
                    .map(|sales| stretches(sales, amount))
                    .unwrap_or_default()
            })
        })
    };
    let each = move || {
        let t = i18n.console_t();
        match every.get() {
            1 => t.sale_each_minute.to_owned(),
            n => fill(t.sale_each, &[("n", &live.number(n))]),
        }
    };
    let named = move |money: bool| {
        Signal::derive(move || {
            let t = i18n.console_t();
            let name = if money {
                t.sale_revenue_each
            } else {
                t.sale_tickets_each
            };
            fill(name, &[("each", &each())])
        })
    };
    let written = move |money: bool| {
        Callback::new(move |amount: f64| {
            let amount = amount.round() as i64;
            match money {
                true => live.money_by(format::money_short, amount),
                false => format::number(i18n.lang(), amount),
            }
        })
    };
    let said = move |money: bool, stretches: Signal<Vec<Stretch>>| {
        let (name, written) = (named(money), written(money));
        Signal::derive(move || {
            let (now, top) = stretches.with(|stretches| {
                let top = stretches.iter().map(Stretch::whole).fold(0.0, f64::max);
                (stretches.last().map_or(0.0, Stretch::whole), top)
            });
            fill(
                i18n.console_t().sale_bars_said,
                &[
                    ("name", &name.get()),
                    ("now", &written.run(now)),
                    ("top", &written.run(top)),
                ],
            )
        })
    };
    let chart = move |money: bool, amount: fn(&SalesBand) -> i64| {
        let stretches = of(amount);
        let (name, said, written) = (named(money), said(money, stretches), written(money));
        view! { <Bars name said stretches span every_ms bands written/> }
    };
    let clock = move |ms: i64| {
        let long = span.with(|span| span.to_ms - span.from_ms) > 24 * 60 * MINUTE_MS;
        let detail = if long { Detail::Short } else { Detail::Clock };
        format::instant(i18n.lang(), ms, detail, None)
    };
    view! {
        <section class="panel-box" aria-labelledby="by-time-title">
            <div class="panel-box__head">
                <h2 id="by-time-title">{i18n.console(|t| t.sale_by_time)}</h2>
                <div class="switch" role="group" aria-label=i18n.console(|t| t.sale_by_time)>
                    <button type="button" class="switch__side" aria-pressed=move || (!whole.get()).to_string()
                        on:click=move |_| live.choose(false)>{i18n.console(|t| t.sale_hour)}</button>
                    <button type="button" class="switch__side" aria-pressed=move || whole.get().to_string()
                        on:click=move |_| live.choose(true)>{i18n.console(|t| t.range_all)}</button>
                </div>
            </div>
            <p class="muted" hidden=move || !nothing()>{i18n.console(|t| t.sale_nothing)}</p>
            <div class="charts charts--wide">{chart(false, sold)}{chart(true, revenue)}</div>
            <p class="charts__axis tabular">
                <span>{move || clock(span.get().from_ms)}</span><span>{move || clock(span.get().to_ms)}</span>
            </p>
        </section>
    }
}

#[component]
fn ByBand(live: Live) -> impl IntoView {
    let i18n = live.i18n;
    let bands = Memo::new(move |_| {
        live.sales
            .with(|sales| sales.as_ref().map(|sales| sales.bands.clone()))
            .unwrap_or_default()
    });
    let total = Memo::new(move |_| {
        live.sales
            .with(|sales| sales.as_ref().map(|sales| sales.total.clone()))
            .unwrap_or_default()
    });
    let row = move |(at, count, all): (usize, usize, u32), band: SalesBand| {
        let share = band.sold as f64 / f64::from(all.max(1)) * 100.0;
        view! {
            <tr>
                <th scope="row"><span class=band_class(at, count)></span>" "{band.name}</th>
                <td class="tabular">{live.number(band.sold)}</td>
                <td class="sums__share" aria-hidden="true"><span hidden=band.sold == 0 style:width=format!("{share:.1}%") class=format!("sums__bar {}", band_class(at, count))></span></td>
                <td class="tabular">{live.money(band.revenue_minor)}</td>
                <td class="tabular">{live.number(band.cancelled)}</td>
            </tr>
        }
    };
    view! {
        <section class="panel-box" aria-labelledby="by-band-title">
            <h2 id="by-band-title">{i18n.console(|t| t.sale_by_band)}</h2>
            <div class="sums-frame" tabindex="0" role="group" aria-labelledby="by-band-title">
            <table class="sums">
                <thead><tr>
                    <th scope="col">{i18n.console(|t| t.sale_band)}</th>
                    <th scope="col">{i18n.console(|t| t.sale_sold)}</th>
                    <td class="sums__share" aria-hidden="true"></td>
                    <th scope="col">{i18n.console(|t| t.sale_revenue)}</th>
                    <th scope="col">{i18n.console(|t| t.sale_cancelled)}</th>
                </tr></thead>
                <tbody>{move || {
                    let (count, all) = (bands.with(Vec::len), total.with(|total| total.sold));
                    bands.get().into_iter().enumerate()
                        .map(|(at, band)| row((at, count, all), band)).collect_view()
                }}</tbody>
                <tfoot>
                    <tr><th scope="row">{i18n.console(|t| t.sale_fees)}</th><td></td><td class="sums__share" aria-hidden="true"></td>
                        <td class="tabular">{move || live.money(total.with(|total| total.order_fees_minor))}</td><td></td></tr>
                    <tr><th scope="row">{i18n.console(|t| t.sale_sum)}</th>
                        <td class="tabular">{move || live.number(total.with(|total| total.sold))}</td><td class="sums__share" aria-hidden="true"></td>
                        <td class="tabular">{move || live.money(total.with(|total| total.revenue_minor + total.order_fees_minor))}</td>
                        <td class="tabular">{move || live.number(total.with(|total| total.cancelled))}</td></tr>
                </tfoot>
            </table>
            </div>
        </section>
    }
}

#[component]
fn Latest(live: Live) -> impl IntoView {
    let i18n = live.i18n;
    let rows = Memo::new(move |_| {
        live.sales.with(|sales| {
            let rows = sales.as_ref().map(|sales| sales.rows.as_slice());
            let rows = rows.unwrap_or_default().iter().rev().take(LATEST);
            rows.cloned().collect::<Vec<_>>()
        })
    });
    let row = move |row: SalesRow| {
        let money = sum(&row, revenue) + row.order_fees_minor;
        let sold = sum(&row, sold);
        view! {
            <tr>
                <th scope="row" class="tabular">{format::instant(i18n.lang(), row.from_ms, Detail::Clock, None)}</th>
                <td class="tabular">{format::number(i18n.lang(), sold)}</td>
                <td class="tabular">{live.number(row.orders)}</td>
                <td class="tabular">{live.money(money)}</td>
            </tr>
        }
    };
    view! {
        <section class="panel-box" aria-labelledby="latest-title">
            <h2 id="latest-title">{i18n.console(|t| t.sale_latest)}</h2>
            <div class="sums-frame" tabindex="0" role="group" aria-labelledby="latest-title">
            <table class="sums">
                <thead><tr>
                    <th scope="col">{i18n.console(|t| t.sale_when)}</th>
                    <th scope="col">{i18n.console(|t| t.sale_sold)}</th>
                    <th scope="col">{i18n.console(|t| t.sale_orders)}</th>
                    <th scope="col">{i18n.console(|t| t.sale_revenue)}</th>
                </tr></thead>
                <tbody>{move || rows.get().into_iter().map(row).collect_view()}</tbody>
            </table>
            </div>
            <p class="muted" hidden=move || !rows.with(Vec::is_empty)>{i18n.console(|t| t.sale_nothing)}</p>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sales(first_ms: Option<i64>, as_of_ms: i64, every: u32) -> Sales {
        Sales {
            currency: "EUR".into(),
            minor_digits: 2,
            is_complete: true,
            as_of_ms,
            first_ms,
            every,
            total: api::SalesTotal::default(),
            bands: Vec::new(),
            rows: Vec::new(),
        }
    }

    #[test]
    fn a_whole_sale_fits_into_the_bars_there_are() {
        for (minutes, every) in [(0, 1), (119, 1), (120, 2), (599, 5), (7_000, 60)] {
            let known = sales(Some(0), minutes * MINUTE_MS, 1);
            assert_eq!(stretch_of(&known), every, "{minutes} minutes");
        }
        assert_eq!(stretch_of(&sales(None, 5 * MINUTE_MS, 1)), 1);
        let year = sales(Some(0), 365 * 24 * 60 * MINUTE_MS, 1);
        assert_eq!(stretch_of(&year), 1_440);
    }

    #[test]
    fn the_minute_that_goes_on_is_shown_whole() {
        let known = sales(Some(30 * MINUTE_MS), 90 * MINUTE_MS + 1, 1);
        let hour = span_of(&known, false);
        assert_eq!((hour.from_ms, hour.to_ms), (31 * MINUTE_MS, 91 * MINUTE_MS));
        let whole = span_of(&sales(Some(31 * MINUTE_MS), 90 * MINUTE_MS, 5), true);
        assert_eq!(
            (whole.from_ms, whole.to_ms),
            (30 * MINUTE_MS, 95 * MINUTE_MS)
        );
    }
}
