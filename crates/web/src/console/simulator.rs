//! The flight simulator: a sale run forward in this browser with the real controller, before the day.
//! Change a setting, see the day.

mod form;
mod outcome;
mod turns;

use leptos::prelude::*;
use leptos::task::spawn_local;
use onsale_queue::Settings;
use onsale_queue::controller::HeldBy;
use onsale_queue::simulator::{Outcome, Point, Simulation, Span as Arrivals, Turn};

use self::form::{FIELDS, Form, scenario};
use self::outcome::Outcomes;
use self::turns::Row;
use super::chart::{Chart, Label, Points, Series, Span};
use crate::browser;
use crate::components::page::announce;
use crate::components::{Icon, Sign};
use crate::i18n::{ConsoleTexts, use_i18n};

/// How long the page may be kept from answering.
const SLICE_MS: f64 = 14.0;
/// More points than this are thinned.
const MOST_POINTS: usize = 3_000;

/// A sale that was run.
#[derive(Clone, Debug, PartialEq)]
struct Run {
    points: Vec<Point>,
    outcome: Outcome,
    seats: u64,
    settings: Settings,
    turns: Vec<Turn>,
}

impl Run {
    /// Before anything was run.
    fn none() -> Self {
        Self {
            points: Vec::new(),
            outcome: Outcome::default(),
            seats: 0,
            settings: Settings {
                rate_per_minute: 0,
                cap: 0,
            },
            turns: Vec::new(),
        }
    }

    /// A setting over the whole sale: level, with a step at each turn.
    fn setting(&self, read: fn(Settings) -> u32, end_ms: i64) -> Points {
        let mut now = f64::from(read(self.settings));
        let mut points = vec![(0, Some(now))];
        for turn in &self.turns {
            let at_ms = i64::try_from(turn.at_ms).unwrap_or(i64::MAX);
            if at_ms > end_ms {
                break;
            }
            points.push((at_ms, Some(now)));
            now = f64::from(read(turn.settings));
            points.push((at_ms, Some(now)));
        }
        points.push((end_ms, Some(now)));
        points
    }
}

/// Keeps every so many points, twice as many apart each time there are too many.
struct Keeper {
    points: Vec<Point>,
    next_ms: u64,
    gap_ms: u64,
}

impl Keeper {
    const fn new() -> Self {
        Self {
            points: Vec::new(),
            next_ms: 0,
            gap_ms: 1_000,
        }
    }
    fn see(&mut self, point: Point) {
        if point.at_ms < self.next_ms {
            return;
        }
        self.points.push(point);
        if self.points.len() >= MOST_POINTS {
            let mut keep = false;
            self.points.retain(|_| {
                keep = !keep;
                keep
            });
            self.gap_ms *= 2;
        }
        self.next_ms = point.at_ms + self.gap_ms;
    }
}

/// Growth of a count a minute, over about `bunch` points each.
fn growth(points: &[Point], count: fn(&Point) -> u64) -> Points {
    let bunch = (points.len() / 200).max(1);
    let sparse: Vec<&Point> = points.iter().step_by(bunch).collect();
    sparse
        .windows(2)
        .map(|pair| {
            let took_ms = (pair[1].at_ms - pair[0].at_ms).max(1) as f64;
            let grown = count(pair[1]).saturating_sub(count(pair[0])) as f64;
            (pair[1].at_ms as i64, Some(grown * 60_000.0 / took_ms))
        })
        .collect()
}

fn level(points: &[Point], read: fn(&Point) -> Option<f64>) -> Points {
    points
        .iter()
        .map(|point| (point.at_ms as i64, read(point)))
        .collect()
}

struct Multiple {
    label: fn(&'static ConsoleTexts) -> Label,
    points: fn(&[Point]) -> Points,
    /// The setting that it is compared with.
    limit: Option<fn(Settings) -> u32>,
}

const MULTIPLES: [Multiple; 8] = [
    Multiple {
        label: |t| Label {
            name: t.s_arrivals,
            unit: t.u_per_minute,
        },
        points: |points| growth(points, |p| p.arrived),
        limit: None,
    },
    Multiple {
        label: |t| Label {
            name: t.s_waiting,
            unit: "",
        },
        points: |points| level(points, |p| Some(p.waiting as f64)),
        limit: None,
    },
    Multiple {
        label: |t| Label {
            name: t.s_admitted,
            unit: t.u_per_minute,
        },
        points: |points| growth(points, |p| p.admitted),
        limit: Some(|set| set.rate_per_minute),
    },
    Multiple {
        label: |t| Label {
            name: t.s_active,
            unit: "",
        },
        points: |points| level(points, |p| Some(p.active as f64)),
        limit: Some(|set| set.cap),
    },
    Multiple {
        label: |t| Label {
            name: t.s_completed,
            unit: t.u_per_minute,
        },
        points: |points| growth(points, |p| p.completed),
        limit: None,
    },
    Multiple {
        label: |t| Label {
            name: t.s_abandoned,
            unit: t.u_per_minute,
        },
        points: |points| growth(points, |p| p.abandoned),
        limit: None,
    },
    Multiple {
        label: |t| Label {
            name: t.s_eta,
            unit: t.u_minutes,
        },
        // While as many are inside as there is left to sell, no time can be named.
        points: |points| {
            level(points, |p| {
                let estimate_ms = p
                    .estimate_ms
                    .filter(|_| p.held_by != Some(HeldBy::SoldOut))?;
                Some(estimate_ms as f64 / 60_000.0)
            })
        },
        limit: None,
    },
    Multiple {
        label: |t| Label {
            name: t.s_left,
            unit: "",
        },
        points: |points| level(points, |p| Some(p.seats_left as f64)),
        limit: None,
    },
];

#[component]
pub(super) fn SimulatorPage() -> impl IntoView {
    let i18n = use_i18n();
    announce(move || i18n.console_t().simulator.to_owned());
    let numbers: [RwSignal<u64>; FIELDS.len()] =
        std::array::from_fn(|i| RwSignal::new(FIELDS[i].initial));
    let arrivals = RwSignal::new(None::<Vec<Arrivals>>);
    let rows = RwSignal::new(Vec::<Row>::new());
    let run = RwSignal::new(Run::none());
    let running = RwSignal::new(false);
    let fault = RwSignal::new(None::<String>);
    // Each change of the form begins anew; a run that sees a newer one ends.
    let latest = StoredValue::new(0_u32);
    Effect::new(move || {
        let values: Vec<u64> = numbers.iter().map(Get::get).collect();
        let turns = rows.with(|rows| turns::typed(rows));
        let scenario = scenario(&values, arrivals.get(), turns.clone());
        let own = latest.get_value().wrapping_add(1);
        latest.set_value(own);
        spawn_local(async move {
            // Typing is one change, not five.
            browser::pause(180).await;
            let newer = move || latest.try_get_value() != Some(own);
            if newer() {
                return;
            }
            let (seats, set) = (scenario.seats, scenario.settings);
            let mut simulation = match Simulation::new(scenario) {
                Ok(simulation) => simulation,
                Err(no) => return drop(fault.try_set(Some(no.to_string()))),
            };
            fault.set(None);
            running.set(true);
            let mut keeper = Keeper::new();
            loop {
                let began = js_sys::Date::now();
                let mut over = false;
                while !over && js_sys::Date::now() - began < SLICE_MS {
                    for _ in 0..64 {
                        match simulation.step() {
                            Some(point) => keeper.see(point),
                            None => over = true,
                        }
                    }
                }
                if over || newer() {
                    break;
                }
                browser::pause(0).await;
            }
            if newer() {
                return;
            }
            running.set(false);
            run.set(Run {
                points: keeper.points,
                outcome: simulation.outcome(),
                seats,
                settings: set,
                turns,
            });
        });
    });
    let span = Memo::new(move |_| {
        run.with(|run| Span {
            from_ms: 0,
            to_ms: run.points.last().map_or(1, |last| last.at_ms as i64).max(1),
        })
    });
    let marks = Signal::derive(move || {
        let (t, end_ms) = (i18n.console_t(), span.get().to_ms);
        run.with(|run| {
            let turns = run.turns.iter().zip(1..);
            turns
                .map(|(turn, n)| (turn.at_ms as i64, n, turns::said(t, turn)))
                .filter(|(at_ms, _, _)| *at_ms <= end_ms)
                .collect::<Vec<_>>()
        })
    });
    let charts = MULTIPLES
        .iter()
        .map(|multiple| {
            let series = Signal::derive(move || {
                run.with(|run| Series {
                    points: (multiple.points)(&run.points),
                    limit: multiple
                        .limit
                        .map(|read| run.setting(read, span.get().to_ms))
                        .unwrap_or_default(),
                    at_least: 1.0,
                })
            });
            let label = Signal::derive(move || (multiple.label)(i18n.console_t()));
            view! { <Chart i18n label series span marks/> }
        })
        .collect_view();
    view! {
        <div class="console">
            <header class="console__head">
                <a class="icon-button" href="/operator/rooms" aria-label=i18n.console(|t| t.title)><Icon sign=Sign::Back/></a>
                <h1>{i18n.console(|t| t.simulator)}</h1>
            </header>
            <p class="muted">{i18n.console(|t| t.sim_help)}</p>
            <div class="console__grid">
                <div class="console__main">
                    <Outcomes run running fault/>
                    <section class="panel-box">
                        <div class="charts">{charts}</div>
                        <p class="charts__axis tabular"><span>"0:00"</span><span>{move || crate::format::clock_face(span.get().to_ms)}</span></p>
                    </section>
                </div>
                <div class="console__side"><Form numbers arrivals turns=rows/></div>
            </div>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_steps_where_a_turn_is_taken_and_not_after_the_end() {
        let at = |at_ms, rate_per_minute| Turn {
            at_ms,
            settings: Settings {
                rate_per_minute,
                cap: 5,
            },
            paused: false,
        };
        let run = Run {
            settings: at(0, 600).settings,
            turns: vec![at(60_000, 90), at(900_000, 10)],
            ..Run::none()
        };
        let rate = run.setting(|set| set.rate_per_minute, 120_000);
        let expected = [(0, 600.0), (60_000, 600.0), (60_000, 90.0), (120_000, 90.0)];
        assert_eq!(rate, expected.map(|(at_ms, rate)| (at_ms, Some(rate))));
    }

    #[test]
    fn a_long_sale_keeps_a_bounded_number_of_points_in_order() {
        let mut keeper = Keeper::new();
        for at_ms in (0..40_000_000).step_by(250) {
            keeper.see(Point {
                at_ms,
                ..Point::default()
            });
        }
        assert!(keeper.points.len() <= MOST_POINTS);
        assert!(keeper.points.is_sorted_by_key(|point| point.at_ms));
    }
}
