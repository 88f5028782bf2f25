//! A room's figures: the numbers of this moment, and the small multiples with every change as a mark.

use leptos::prelude::*;
use onsale_queue::wire::{Figures, Totals};

use super::chart::{Chart, Label, Points, Series, Span};
use super::live::Live;
use super::story::{self, Told};
use super::words;
use crate::format::{self, Detail};
use crate::i18n::{ConsoleKey, ConsoleTexts};
use crate::rooms::say;

const RECENT_MS: i64 = 15 * 60_000;

/// Growth of a count, a minute.
pub(super) fn per_minute(points: &[Figures], count: fn(&Totals) -> u64) -> Points {
    points
        .windows(2)
        .filter_map(|pair| {
            let took_ms = pair[1].at_ms - pair[0].at_ms;
            // Counts begin anew where a room was rebuilt: nothing is known of that stretch.
            let grown = count(&pair[1].totals).checked_sub(count(&pair[0].totals));
            (took_ms > 0).then(|| {
                let rate = grown.map(|n| n as f64 * 60_000.0 / took_ms as f64);
                (pair[1].at_ms, rate)
            })
        })
        .collect()
}

fn level(points: &[Figures], read: fn(&Figures) -> Option<f64>) -> Points {
    points
        .iter()
        .map(|point| (point.at_ms, read(point)))
        .collect()
}

/// One of the multiples, as a table says it.
struct Multiple {
    label: fn(&'static ConsoleTexts) -> Label,
    points: fn(&[Figures]) -> Points,
    limit: Option<fn(&Figures) -> Option<f64>>,
    at_least: f64,
}

const MULTIPLES: [Multiple; 9] = [
    Multiple {
        label: |t| Label {
            name: t.s_arrivals,
            unit: t.u_per_minute,
        },
        points: |points| per_minute(points, |totals| totals.arrivals),
        limit: None,
        at_least: 1.0,
    },
    Multiple {
        label: |t| Label {
            name: t.s_waiting,
            unit: "",
        },
        points: |points| level(points, |p| Some(p.waiting as f64)),
        limit: None,
        at_least: 1.0,
    },
    Multiple {
        label: |t| Label {
            name: t.s_admitted,
            unit: t.u_per_minute,
        },
        points: |points| per_minute(points, |totals| totals.admitted),
        limit: Some(|p| Some(f64::from(p.rate_per_minute))),
        at_least: 1.0,
    },
    Multiple {
        label: |t| Label {
            name: t.s_active,
            unit: "",
        },
        points: |points| level(points, |p| Some(f64::from(p.active))),
        limit: Some(|p| Some(f64::from(p.cap))),
        at_least: 1.0,
    },
    Multiple {
        label: |t| Label {
            name: t.s_completed,
            unit: t.u_per_minute,
        },
        points: |points| per_minute(points, |totals| totals.completed),
        limit: None,
        at_least: 1.0,
    },
    Multiple {
        label: |t| Label {
            name: t.s_abandoned,
            unit: t.u_per_minute,
        },
        points: |points| per_minute(points, |totals| totals.abandoned + totals.expired),
        limit: None,
        at_least: 1.0,
    },
    Multiple {
        label: |t| Label {
            name: t.s_eta,
            unit: t.u_minutes,
        },
        points: |points| level(points, |p| p.estimate_ms.map(|ms| ms as f64 / 60_000.0)),
        limit: None,
        at_least: 1.0,
    },
    Multiple {
        label: |t| Label {
            name: t.s_health,
            unit: t.u_percent,
        },
        points: |points| level(points, |p| Some(f64::from(p.health_permille) / 10.0)),
        limit: None,
        at_least: 100.0,
    },
    Multiple {
        label: |t| Label {
            name: t.s_left,
            unit: "",
        },
        points: |points| level(points, |p| p.places_left.map(|n| n as f64)),
        limit: None,
        at_least: 1.0,
    },
];

/// Changes that are drawn, oldest first, with their numbers.
pub(super) fn numbered(told: &[Told], span: Span) -> Vec<(usize, Told)> {
    let mut marks: Vec<Told> = told
        .iter()
        .filter(|told| told.mark && span.holds(told.at_ms))
        .cloned()
        .collect();
    marks.reverse();
    (1..).zip(marks).collect()
}

#[component]
pub(super) fn FiguresPanel(live: Live) -> impl IntoView {
    let i18n = live.i18n;
    let whole = RwSignal::new(false);
    // The points come every ten seconds, the room itself more often: it is the last point.
    let points = Memo::new(move |_| {
        let mut points = live.points.get();
        let now = live
            .room
            .with(|room| room.as_ref().map(|room| room.figures));
        if let Some(now) = now.filter(|now| points.last().is_none_or(|last| last.at_ms < now.at_ms))
        {
            points.push(now);
        }
        points
    });
    let span = Memo::new(move |_| {
        points.with(|points| {
            let to_ms = points
                .last()
                .map_or_else(crate::browser::now_ms, |last| last.at_ms);
            let first = points.first().map_or(to_ms, |first| first.at_ms);
            let from_ms = if whole.get() {
                first
            } else {
                (to_ms - RECENT_MS).max(first)
            };
            Span {
                from_ms,
                to_ms: to_ms.max(from_ms + 1),
            }
        })
    });
    let told = Memo::new(move |_| {
        live.log
            .with(|log| points.with(|points| story::tell(i18n.lang(), log, points)))
    });
    let marks = Memo::new(move |_| told.with(|told| numbered(told, span.get())));
    let flags = Signal::derive(move || {
        marks.with(|marks| {
            let said = |told: &Told| format!("{}: {}", told.who, told.what);
            marks
                .iter()
                .map(|(n, told)| (told.at_ms, *n, said(told)))
                .collect::<Vec<_>>()
        })
    });
    let clock = move |ms: i64| format::instant(i18n.lang(), ms, Detail::Clock, None);
    let charts = MULTIPLES
        .iter()
        .map(|multiple| {
            let series = Signal::derive(move || {
                points.with(|points| Series {
                    points: (multiple.points)(points),
                    limit: multiple
                        .limit
                        .map(|limit| level(points, limit))
                        .unwrap_or_default(),
                    at_least: multiple.at_least,
                })
            });
            let label = Signal::derive(move || (multiple.label)(i18n.console_t()));
            view! { <Chart i18n label series span marks=flags/> }
        })
        .collect_view();
    view! {
        <section class="panel-box" aria-labelledby="figures-title">
            <div class="panel-box__head">
                <h2 id="figures-title">{i18n.console(|t| t.graphs_title)}</h2>
                <div class="switch" role="group" aria-label=i18n.console(|t| t.graphs_title)>
                    <button type="button" class="switch__side" aria-pressed=move || (!whole.get()).to_string()
                        on:click=move |_| whole.set(false)>{i18n.console(|t| t.range_recent)}</button>
                    <button type="button" class="switch__side" aria-pressed=move || whole.get().to_string()
                        on:click=move |_| whole.set(true)>{i18n.console(|t| t.range_all)}</button>
                </div>
            </div>
            <p class="muted" hidden=move || points.with(|points| points.len() > 1)>{i18n.console(|t| t.no_figures)}</p>
            <div class="charts">{charts}</div>
            <p class="charts__axis tabular">
                <span>{move || clock(span.get().from_ms)}</span><span>{move || clock(span.get().to_ms)}</span>
            </p>
            <h3>{i18n.console(|t| t.marks_title)}</h3>
            <ol class="marks">
                {move || marks.get().into_iter().map(|(n, told)| view! {
                    <li><span class="marks__n tabular">{n}</span>
                        <span class="tabular">{clock(told.at_ms)}</span>" "<strong>{told.who}</strong>" "{told.what}</li>
                }).collect_view()}
            </ol>
            <p class="muted" hidden=move || !marks.with(Vec::is_empty)>{i18n.console(|t| t.marks_none)}</p>
        </section>
    }
}

/// The numbers of this moment.
#[component]
pub(super) fn Strip(live: Live) -> impl IntoView {
    let i18n = live.i18n;
    let now = Memo::new(move |_| {
        live.room
            .with(|room| room.as_ref().map(|room| room.figures))
    });
    let held = Memo::new(move |_| {
        live.room
            .with(|room| room.as_ref().and_then(|room| room.public.held_by))
    });
    let number = move |n: u64| say::number(i18n.lang(), n);
    let one = move |name: ConsoleKey, read: fn(&Figures) -> Option<u64>| {
        view! {
            <div class="strip__one">
                <dt>{i18n.console(name)}</dt>
                <dd class="tabular">{move || now.get().and_then(|now| read(&now)).map_or_else(|| "–".to_owned(), number)}</dd>
            </div>
        }
    };
    view! {
        <dl class="strip">
            {one(|t| t.s_waiting, |now| Some(now.waiting))}
            {one(|t| t.s_active, |now| Some(now.active.into()))}
            {one(|t| t.s_admitted, |now| Some(now.totals.admitted))}
            {one(|t| t.s_completed, |now| Some(now.totals.completed))}
            {one(|t| t.s_left, |now| now.places_left)}
            <div class="strip__one">
                <dt>{i18n.console(|t| t.s_eta)}</dt>
                <dd>{move || now.get().and_then(|now| now.estimate_ms)
                    .map_or_else(|| "–".to_owned(), |ms| words::time(i18n.lang(), ms))}</dd>
            </div>
            <div class="strip__one">
                <dt>{i18n.console(|t| t.held_by)}</dt>
                <dd>{move || held.get().map_or("–", |held| words::held_by(i18n.console_t(), held))}</dd>
            </div>
        </dl>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(at_ms: i64, arrivals: u64) -> Figures {
        Figures {
            at_ms,
            totals: Totals {
                arrivals,
                ..Totals::default()
            },
            ..Figures::default()
        }
    }

    #[test]
    fn growth_is_counted_a_minute_whatever_the_distance_of_points() {
        let points = [point(0, 0), point(10_000, 100), point(40_000, 100)];
        let rate = per_minute(&points, |totals| totals.arrivals);
        assert_eq!(rate, [(10_000, Some(600.0)), (40_000, Some(0.0))]);
    }

    #[test]
    fn counts_that_begin_anew_are_a_gap_and_no_plunge() {
        let points = [point(0, 500), point(10_000, 3)];
        let rate = per_minute(&points, |totals| totals.arrivals);
        assert_eq!(rate, [(10_000, None)]);
    }

    #[test]
    fn marks_are_numbered_from_the_oldest_and_only_within_the_span() {
        let told = |at_ms, mark| Told {
            at_ms,
            who: "ada".into(),
            what: String::new(),
            mark,
        };
        let newest_first = [
            told(90, true),
            told(50, true),
            told(40, false),
            told(5, true),
        ];
        let span = Span {
            from_ms: 10,
            to_ms: 100,
        };
        let marks = numbered(&newest_first, span);
        let at: Vec<_> = marks.iter().map(|(n, told)| (*n, told.at_ms)).collect();
        assert_eq!(at, [(1, 50), (2, 90)]);
    }
}
