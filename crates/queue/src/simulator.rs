//! The flight simulator: a sale run forward with the real controller, before the day.
//!
//! Pure and deterministic: the same [`Scenario`] gives the same sale, natively and in the browser, in
//! integers only. A waiting visitor costs four bytes, so a million fit into a browser's tab.
//!
//! ```
//! use onsale_queue::simulator::{Scenario, Simulation, Span};
//! let scenario = Scenario {
//!     arrivals: vec![Span { for_ms: 60_000, visitors: 5_000 }],
//!     settings: onsale_queue::Settings { rate_per_minute: 1_200, cap: 200 },
//!     seats: 2_000,
//!     ..Scenario::default()
//! };
//! let sale = Simulation::new(scenario).unwrap().run(10_000);
//! assert!(sale.outcome.most_inside <= 200);
//! assert!(sale.outcome.sold <= 2_000);
//! ```

use crate::controller::{Controller, HeldBy, Settings, Shop};
use crate::estimate::estimate;
use crate::life::RoomState;
use crate::number::ServingPosition;
use alloc::collections::{BinaryHeap, VecDeque};
use alloc::vec::Vec;
use core::cmp::Reverse;

/// Most visitors a scenario may have.
pub const MOST_VISITORS: u64 = 5_000_000;
/// Longest sale that is run, simulated: two days.
pub const LONGEST_MS: u64 = 2 * 86_400_000;
/// Most points that come out; they are thinned to that.
pub const MOST_POINTS: u64 = 20_000;
const STEP_MS: u64 = 250;
const INTERVAL_MS: u64 = 10_000;
const INTERVALS: usize = 12;

/// So many visitors, evenly spread over a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Span {
    /// For how long.
    pub for_ms: u64,
    /// How many come.
    pub visitors: u64,
}

/// Evenly distributed from `least` to `most`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Between {
    /// At least.
    pub least: u64,
    /// At most.
    pub most: u64,
}

/// From then on, other settings: what an operator does during the sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Turn {
    /// When, from the opening.
    pub at_ms: u64,
    /// To what.
    pub settings: Settings,
    /// Nobody is called from then on (until another turn says otherwise).
    #[cfg_attr(feature = "serde", serde(default))]
    pub paused: bool,
}

/// A sale to be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Scenario {
    /// Another seed, other chances.
    pub seed: u64,
    /// Already there at the opening, in the order of the draw.
    pub gathered: u64,
    /// Who comes after the opening.
    pub arrivals: Vec<Span>,
    /// The operator's rate and cap.
    pub settings: Settings,
    /// What the operator does meanwhile, ascending.
    pub turns: Vec<Turn>,
    /// How long a place is kept free for who has been called.
    pub claim_ms: u64,
    /// How long a shopper takes.
    pub shopping_ms: Between,
    /// Longest stay; a shopper who takes longer leaves without buying.
    pub shop_ms: u64,
    /// How long a visitor waits before giving up.
    pub patience_ms: Between,
    /// Of a thousand shoppers, how many buy (if there is something).
    pub conversion_permille: u64,
    /// How many places a shopper wants.
    pub places: Between,
    /// For sale.
    pub seats: u64,
    /// How well the shop keeps up, of 1000.
    pub health_permille: u16,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            seed: 1,
            gathered: 0,
            arrivals: Vec::new(),
            settings: Settings {
                rate_per_minute: 600,
                cap: 500,
            },
            turns: Vec::new(),
            claim_ms: 120_000,
            shopping_ms: Between {
                least: 60_000,
                most: 300_000,
            },
            shop_ms: 900_000,
            patience_ms: Between {
                least: 1_200_000,
                most: 7_200_000,
            },
            conversion_permille: 700,
            places: Between { least: 1, most: 4 },
            seats: 10_000,
            health_permille: 1000,
        }
    }
}

/// What cannot be simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioFault {
    /// Too many visitors.
    #[error("{0} visitors are more than {MOST_VISITORS}")]
    TooManyVisitors(u64),
    /// Arrivals go on for too long.
    #[error("arrivals over {0} ms are longer than {LONGEST_MS} ms")]
    TooLong(u64),
    /// A range is upside down.
    #[error("{0}: the least is more than the most")]
    UpsideDown(&'static str),
    /// Turns are not in order.
    #[error("turn {0} is before the one before it")]
    TurnsOutOfOrder(usize),
    /// More than all.
    #[error("conversion_permille: {0} is more than 1000")]
    ConversionAboveAll(u64),
}

/// One point of the series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Point {
    /// From the opening.
    pub at_ms: u64,
    /// Came until then, those who gathered included.
    pub arrived: u64,
    /// In line.
    pub waiting: u64,
    /// In the shop.
    pub active: u64,
    /// Let in until then.
    pub admitted: u64,
    /// Bought.
    pub completed: u64,
    /// Left without buying.
    pub abandoned: u64,
    /// Did not come when called.
    pub no_shows: u64,
    /// Neither sold nor held.
    pub seats_left: u64,
    /// How long who came in last had waited.
    pub waited_ms: u64,
    /// What whoever joins now is told to expect, at the latest.
    pub estimate_ms: Option<u64>,
    /// What keeps the room from calling more.
    pub held_by: Option<HeldBy>,
}

/// How it went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Outcome {
    /// When nobody was left, or nothing.
    pub ended_ms: u64,
    /// Places sold.
    pub sold: u64,
    /// When the last place was sold; `None`: not all were.
    pub sold_out_ms: Option<u64>,
    /// Most shoppers at once.
    pub most_inside: u64,
    /// Most in line at once.
    pub most_waiting: u64,
    /// Of those let in, half waited no longer.
    pub median_wait_ms: u64,
    /// Of those let in, 95 % waited no longer.
    pub p95_wait_ms: u64,
    /// Still in line at the end, or had given up.
    pub not_let_in: u64,
}

/// A sale that has been run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Sale {
    /// The series.
    pub points: Vec<Point>,
    /// How it went.
    pub outcome: Outcome,
}

/// A sale that is being run.
#[derive(Clone, Debug)]
pub struct Simulation {
    scenario: Scenario,
    controller: Controller,
    now_ms: u64,
    /// When each number joined.
    joined_ms: Vec<u32>,
    next_turn: usize,
    paused: bool,
    /// Called and on their way: (when they come, number, until when their place is kept).
    coming: BinaryHeap<Reverse<(u64, u64, u64)>>,
    /// Called and not coming: (until when their place is kept).
    not_coming: VecDeque<u64>,
    /// Inside: (when they leave, places held, whether they buy).
    inside: BinaryHeap<Reverse<(u64, u64, bool)>>,
    came: u32,
    missed: u32,
    recent: VecDeque<u32>,
    point: Point,
    waits_ms: Vec<u32>,
    outcome: Outcome,
    sold: u64,
}

impl Simulation {
    /// A sale at its opening.
    pub fn new(scenario: Scenario) -> Result<Self, ScenarioFault> {
        check(&scenario)?;
        let gathered = usize::try_from(scenario.gathered).unwrap_or(0);
        Ok(Self {
            controller: Controller::new(ServingPosition(0)),
            now_ms: 0,
            joined_ms: alloc::vec![0; gathered],
            next_turn: 0,
            paused: false,
            coming: BinaryHeap::new(),
            not_coming: VecDeque::new(),
            inside: BinaryHeap::new(),
            came: 0,
            missed: 0,
            recent: VecDeque::from([0]),
            point: Point {
                seats_left: scenario.seats,
                ..Point::default()
            },
            waits_ms: Vec::new(),
            outcome: Outcome::default(),
            sold: 0,
            scenario,
        })
    }

    /// Runs to the end, with a point about every `every_ms`.
    #[must_use]
    pub fn run(mut self, every_ms: u64) -> Sale {
        let every_ms = every_ms.max(STEP_MS);
        let mut points = Vec::new();
        let (mut next_ms, mut gap_ms) = (0, every_ms);
        while let Some(point) = self.step() {
            if point.at_ms >= next_ms {
                points.push(point);
                next_ms = point.at_ms + gap_ms;
            }
            if points.len() as u64 >= MOST_POINTS {
                // Every other one goes, and from here on half as many come.
                let mut keep = false;
                points.retain(|_| {
                    keep = !keep;
                    keep
                });
                gap_ms *= 2;
            }
        }
        points.push(self.point);
        Sale {
            points,
            outcome: self.outcome(),
        }
    }

    /// A quarter of a second; `None` when it is over.
    pub fn step(&mut self) -> Option<Point> {
        if self.is_over() {
            return None;
        }
        self.now_ms += STEP_MS;
        self.take_turns();
        self.arrive();
        self.leave();
        self.come_in();
        self.lapse();
        self.call();
        self.note();
        Some(self.point)
    }

    fn is_over(&self) -> bool {
        let all_here = self.now_ms >= self.scenario.arrivals.iter().map(|span| span.for_ms).sum();
        let nobody = self.waiting() == 0
            && self.coming.is_empty()
            && self.inside.is_empty()
            && self.not_coming.is_empty();
        let nothing = self.sold == self.scenario.seats && self.inside.is_empty();
        (all_here && nobody) || nothing || self.now_ms >= LONGEST_MS
    }

    /// How it went (so far).
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let mut waits = self.waits_ms.clone();
        waits.sort_unstable();
        let at = |permille: usize| {
            let index = (waits.len() * permille / 1000).min(waits.len().saturating_sub(1));
            waits.get(index).copied().unwrap_or(0).into()
        };
        Outcome {
            ended_ms: self.now_ms,
            sold: self.sold,
            median_wait_ms: at(500),
            p95_wait_ms: at(950),
            not_let_in: self.joined_ms.len() as u64 - self.point.admitted,
            ..self.outcome
        }
    }

    fn waiting(&self) -> u64 {
        self.joined_ms.len() as u64 - self.controller.serving().0
    }

    fn take_turns(&mut self) {
        while let Some(turn) = self.scenario.turns.get(self.next_turn) {
            if turn.at_ms > self.now_ms {
                return;
            }
            self.scenario.settings = turn.settings;
            self.paused = turn.paused;
            self.next_turn += 1;
        }
    }

    fn arrive(&mut self) {
        let due = self.scenario.gathered + arrived_by(&self.scenario.arrivals, self.now_ms);
        let joined_ms = u32::try_from(self.now_ms).unwrap_or(u32::MAX);
        self.joined_ms
            .resize(usize::try_from(due).unwrap_or(usize::MAX), joined_ms);
    }

    fn leave(&mut self) {
        while let Some(Reverse((at_ms, places, buys))) = self.inside.peek().copied() {
            if at_ms > self.now_ms {
                return;
            }
            self.inside.pop();
            if buys {
                self.point.completed += 1;
                self.sold += places;
                if self.sold == self.scenario.seats {
                    self.outcome.sold_out_ms = Some(self.now_ms);
                }
            } else {
                self.point.abandoned += 1;
                self.point.seats_left += places;
            }
        }
    }

    fn come_in(&mut self) {
        let cap = u64::from(self.scenario.settings.cap);
        let mut turned_away = Vec::new();
        while let Some(Reverse((at_ms, number, until_ms))) = self.coming.peek().copied() {
            if at_ms > self.now_ms {
                break;
            }
            self.coming.pop();
            if self.inside.len() as u64 >= cap || self.point.seats_left == 0 {
                // They stay called and try again.
                turned_away.push(Reverse((self.now_ms + 2_000, number, until_ms)));
                continue;
            }
            self.admit(number);
        }
        self.coming.extend(turned_away);
    }

    fn admit(&mut self, number: u64) {
        let scenario = &self.scenario;
        let takes_ms = self.chance(number, 3, scenario.shopping_ms);
        let wants = self.chance(number, 4, scenario.places);
        let all = Between {
            least: 0,
            most: 999,
        };
        let buys = self.chance(number, 5, all) < scenario.conversion_permille
            && takes_ms <= scenario.shop_ms;
        let places = wants.min(self.point.seats_left);
        let leaves_ms = self.now_ms + takes_ms.min(scenario.shop_ms).max(1);
        self.point.seats_left -= places;
        self.inside
            .push(Reverse((leaves_ms, places, buys && places > 0)));
        self.came += 1;
        self.point.admitted += 1;
        let waited = self.now_ms - u64::from(self.joined_of(number));
        self.point.waited_ms = waited;
        self.waits_ms
            .push(u32::try_from(waited).unwrap_or(u32::MAX));
    }

    /// Places kept free for who does not come are given up.
    fn lapse(&mut self) {
        while self
            .not_coming
            .front()
            .is_some_and(|&until_ms| until_ms <= self.now_ms)
        {
            self.not_coming.pop_front();
            self.missed += 1;
            self.point.no_shows += 1;
        }
    }

    fn call(&mut self) {
        let state = if self.paused {
            RoomState::Paused
        } else {
            RoomState::Open
        };
        let from = self.controller.serving().0;
        let shop = Shop {
            active: u32::try_from(self.inside.len()).unwrap_or(u32::MAX),
            called: (self.coming.len() + self.not_coming.len()) as u64,
            came: core::mem::take(&mut self.came),
            missed: core::mem::take(&mut self.missed),
            waiting: self.waiting(),
            health_permille: self.scenario.health_permille,
            places_left: Some(self.point.seats_left),
        };
        let tick = self
            .controller
            .tick(state, self.scenario.settings, shop, STEP_MS);
        self.point.held_by = Some(tick.held_by);
        for number in from..from + tick.calls {
            let patience_ms = self.chance(number, 1, self.scenario.patience_ms);
            let waited = self.now_ms - u64::from(self.joined_of(number));
            let until_ms = self.now_ms + self.scenario.claim_ms;
            if waited > patience_ms {
                self.not_coming.push_back(until_ms);
            } else {
                let soon = Between {
                    least: 500,
                    most: 10_000,
                };
                let comes_ms = self.now_ms + self.chance(number, 2, soon);
                self.coming.push(Reverse((comes_ms, number, until_ms)));
            }
        }
        let interval = u32::try_from(tick.calls).unwrap_or(u32::MAX);
        if self.now_ms.is_multiple_of(INTERVAL_MS) {
            self.recent.push_back(0);
            if self.recent.len() > INTERVALS {
                self.recent.pop_front();
            }
        }
        if let Some(last) = self.recent.back_mut() {
            *last = last.saturating_add(interval);
        }
    }

    fn note(&mut self) {
        let waiting = self.waiting();
        let active = self.inside.len() as u64;
        self.outcome.most_inside = self.outcome.most_inside.max(active);
        self.outcome.most_waiting = self.outcome.most_waiting.max(waiting);
        let over = self.recent.len().saturating_sub(1);
        let recent: Vec<u32> = self.recent.iter().copied().take(over).collect();
        let range = estimate(
            waiting + 1,
            &recent,
            INTERVAL_MS,
            self.scenario.settings.rate_per_minute,
        );
        self.point.at_ms = self.now_ms;
        self.point.arrived = self.joined_ms.len() as u64;
        self.point.waiting = waiting;
        self.point.active = active;
        self.point.estimate_ms = range.map(|range| range.latest_ms);
    }

    fn joined_of(&self, number: u64) -> u32 {
        usize::try_from(number)
            .ok()
            .and_then(|at| self.joined_ms.get(at).copied())
            .unwrap_or(0)
    }

    /// A visitor's own chance: the same whenever it is asked for.
    fn chance(&self, number: u64, what: u64, range: Between) -> u64 {
        let mixed = mix(self.scenario.seed ^ mix(number.wrapping_mul(8) + what));
        range.least + mixed % (range.most - range.least + 1)
    }
}

/// SplitMix64's finish (Steele, Lea and Flood, 2014).
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ value >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ value >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ value >> 31
}

fn arrived_by(spans: &[Span], at_ms: u64) -> u64 {
    let mut left_ms = at_ms;
    let mut arrived = 0;
    for span in spans {
        if left_ms >= span.for_ms {
            arrived += span.visitors;
            left_ms -= span.for_ms;
        } else {
            let part = u128::from(span.visitors) * u128::from(left_ms) / u128::from(span.for_ms);
            return arrived + u64::try_from(part).unwrap_or(span.visitors);
        }
    }
    arrived
}

/// The arrivals of a recorded sale: the numbers given between its points.
#[must_use]
pub fn recorded(figures: &[crate::wire::Figures]) -> Vec<Span> {
    figures
        .windows(2)
        .filter_map(|pair| {
            let for_ms = u64::try_from(pair[1].at_ms.checked_sub(pair[0].at_ms)?).ok()?;
            let visitors = pair[1].totals.joined.saturating_sub(pair[0].totals.joined);
            (for_ms > 0).then_some(Span { for_ms, visitors })
        })
        .collect()
}

fn check(scenario: &Scenario) -> Result<(), ScenarioFault> {
    let sum = |of: fn(&Span) -> u64| {
        scenario
            .arrivals
            .iter()
            .map(of)
            .fold(0, u64::saturating_add)
    };
    let visitors = scenario.gathered.saturating_add(sum(|span| span.visitors));
    if visitors > MOST_VISITORS {
        return Err(ScenarioFault::TooManyVisitors(visitors));
    }
    let for_ms = sum(|span| span.for_ms);
    if for_ms > LONGEST_MS {
        return Err(ScenarioFault::TooLong(for_ms));
    }
    let ranges = [
        ("shopping_ms", scenario.shopping_ms),
        ("patience_ms", scenario.patience_ms),
        ("places", scenario.places),
    ];
    for (name, range) in ranges {
        if range.least > range.most || range.most > u64::from(u32::MAX) {
            return Err(ScenarioFault::UpsideDown(name));
        }
    }
    if scenario.conversion_permille > 1000 {
        return Err(ScenarioFault::ConversionAboveAll(
            scenario.conversion_permille,
        ));
    }
    let disorder = scenario
        .turns
        .windows(2)
        .position(|pair| pair[0].at_ms > pair[1].at_ms);
    disorder.map_or(Ok(()), |at| Err(ScenarioFault::TurnsOutOfOrder(at + 1)))
}

#[cfg(test)]
mod tests;
