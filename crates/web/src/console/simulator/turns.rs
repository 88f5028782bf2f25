//! What an operator does in the middle of a sale: from minute N on, another rate or cap, or a pause.

use std::sync::atomic::{AtomicU32, Ordering};

use leptos::prelude::*;
use onsale_queue::Settings;
use onsale_queue::simulator::Turn;
use onsale_queue::wire::{AuditEntry, Deed};

use crate::components::{Icon, Sign};
use crate::i18n::{ConsoleTexts, fill, use_i18n};

const MINUTE_MS: u64 = 60_000;
/// Most turns of one sale: what a form can show and an operator can mean.
const MOST: usize = 40;
/// A day and night.
const LAST_MINUTE: u64 = 2_880;
const MOST_PEOPLE: u64 = 1_000_000;

/// One turn as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) minute: u64,
    pub(super) rate: u64,
    pub(super) cap: u64,
    pub(super) paused: bool,
}

/// One turn in the form.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Row {
    id: u32,
    minute: RwSignal<u64>,
    rate: RwSignal<u64>,
    cap: RwSignal<u64>,
    paused: RwSignal<bool>,
}

impl Row {
    pub(super) fn of(step: Step) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            minute: RwSignal::new(step.minute),
            rate: RwSignal::new(step.rate),
            cap: RwSignal::new(step.cap),
            paused: RwSignal::new(step.paused),
        }
    }

    fn step(self) -> Step {
        Step {
            minute: self.minute.get(),
            rate: self.rate.get(),
            cap: self.cap.get(),
            paused: self.paused.get(),
        }
    }
}

/// What is typed, as the simulator takes it: in order of time.
pub(super) fn typed(rows: &[Row]) -> Vec<Turn> {
    in_order(rows.iter().map(|row| row.step()).collect())
}

fn in_order(mut steps: Vec<Step>) -> Vec<Turn> {
    let small = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    steps.sort_by_key(|step| step.minute);
    steps
        .into_iter()
        .map(|step| Turn {
            at_ms: step.minute.saturating_mul(MINUTE_MS),
            settings: Settings {
                rate_per_minute: small(step.rate),
                cap: small(step.cap),
            },
            paused: step.paused,
        })
        .collect()
}

/// What was done in a recorded sale from `from_ms` on, to the minute; `first` is how it began. The log
/// is newest first.
pub(super) fn recorded(log: &[AuditEntry], from_ms: i64, first: Step) -> Vec<Step> {
    let later: Vec<&AuditEntry> = log
        .iter()
        .rev()
        .filter(|entry| entry.at_ms >= from_ms)
        .collect();
    let began = later.iter().find_map(|entry| match entry.deed {
        Deed::Acted { from, .. } => Some(from.calls()),
        _ => None,
    });
    let mut now = Step {
        paused: began == Some(false),
        ..first
    };
    let mut steps = Vec::new();
    if now.paused {
        steps.push(now);
    }
    for entry in later {
        let before = now;
        match &entry.deed {
            Deed::Acted { to, .. } => now.paused = !to.calls(),
            Deed::Changed { settings, .. } => {
                now.rate = settings.rate_per_minute.into();
                now.cap = settings.cap.into();
            }
            Deed::Made { .. }
            | Deed::Protected { .. }
            | Deed::Unprotected { .. }
            | Deed::Entitled { .. }
            | Deed::Removed
            | Deed::Issued { .. }
            | Deed::Withdrew { .. }
            | Deed::Recovered { .. }
            | Deed::Away { .. } => {}
        }
        if now == before {
            continue;
        }
        now.minute = u64::try_from(entry.at_ms - from_ms).unwrap_or(0) / MINUTE_MS;
        // Of what was done within one minute the last counts.
        match steps.last_mut() {
            Some(last) if last.minute == now.minute => *last = now,
            _ => steps.push(now),
        }
    }
    steps.truncate(MOST);
    steps
}

/// A turn in words, for its mark on the graphs.
pub(super) fn said(t: &'static ConsoleTexts, turn: &Turn) -> String {
    let minute = (turn.at_ms / MINUTE_MS).to_string();
    let (rate, cap) = (
        turn.settings.rate_per_minute.to_string(),
        turn.settings.cap.to_string(),
    );
    let sentence = if turn.paused {
        t.sim_turn_paused
    } else {
        t.sim_turn_said
    };
    fill(
        sentence,
        &[("minute", &minute), ("rate", &rate), ("cap", &cap)],
    )
}

/// The turns of the form; `now` are the rate and the cap that the sale begins with.
#[component]
pub(super) fn Turns(turns: RwSignal<Vec<Row>>, now: Signal<(u64, u64)>) -> impl IntoView {
    let i18n = use_i18n();
    let add = move |_: web_sys::MouseEvent| {
        let last = turns.with_untracked(|turns| turns.last().map(|row| untrack(|| row.step())));
        let (rate, cap) = now.get_untracked();
        let next = last.map_or(
            Step {
                minute: 10,
                rate,
                cap,
                paused: false,
            },
            |last| Step {
                minute: (last.minute + 10).min(LAST_MINUTE),
                paused: false,
                ..last
            },
        );
        turns.update(|turns| turns.push(Row::of(next)));
    };
    let full = move || turns.with(Vec::len) >= MOST;
    let number = move |value: RwSignal<u64>, most: u64, label: crate::i18n::ConsoleKey| {
        let input = move |event: web_sys::Event| {
            let n = event_target_value(&event).trim().parse().unwrap_or(0);
            value.set(u64::min(n, most));
        };
        view! {
            <label class="console-field">
                <span>{i18n.console(label)}</span>
                <input type="number" inputmode="numeric" min="0" max=most.to_string()
                    prop:value=move || value.get().to_string() on:input=input/>
            </label>
        }
    };
    view! {
        <fieldset class="sim-turns">
            <legend>{i18n.console(|t| t.sim_turns)}</legend>
            <p class="muted small" hidden=move || !turns.with(Vec::is_empty)>{i18n.console(|t| t.sim_turns_help)}</p>
            <For each=move || turns.get() key=|row| row.id let:row>
                <div class="sim-turn" role="group" aria-label=move || fill(i18n.console_t().sim_turn_name, &[("minute", &row.minute.get().to_string())])>
                    {number(row.minute, LAST_MINUTE, |t| t.sim_turn_minute)}
                    {number(row.rate, MOST_PEOPLE, |t| t.rate)}
                    {number(row.cap, MOST_PEOPLE, |t| t.cap)}
                    <label class="console-tick">
                        <input type="checkbox" prop:checked=row.paused on:change=move |event| row.paused.set(event_target_checked(&event))/>
                        <span>{i18n.console(|t| t.state_paused)}</span>
                    </label>
                    <button type="button" class="icon-button" aria-label=i18n.console(|t| t.sim_turn_drop)
                        on:click=move |_| turns.update(|turns| turns.retain(|other| other.id != row.id))>
                        <Icon sign=Sign::Close/>
                    </button>
                </div>
            </For>
            <button type="button" class="button" disabled=full on:click=add>
                {i18n.console(|t| t.sim_turn_add)}
            </button>
        </fieldset>
    }
}

#[cfg(test)]
mod tests {
    use onsale_queue::wire::RoomSettings;
    use onsale_queue::{Action, RoomState};

    use super::*;

    const FIRST: Step = Step {
        minute: 0,
        rate: 600,
        cap: 500,
        paused: false,
    };

    fn entry(at_ms: i64, deed: Deed) -> AuditEntry {
        AuditEntry {
            at_ms,
            who: "ada@example.org".into(),
            version: 1,
            deed,
        }
    }

    fn rate(rate_per_minute: u32) -> Deed {
        Deed::Changed {
            from: None,
            settings: Box::new(RoomSettings {
                rate_per_minute,
                cap: 500,
                ..RoomSettings::default()
            }),
        }
    }

    #[test]
    fn turns_are_taken_in_order_of_time_however_they_were_typed() {
        let late = Step {
            minute: 30,
            rate: 90,
            ..FIRST
        };
        let early = Step {
            minute: 5,
            paused: true,
            ..FIRST
        };
        let turns = in_order(vec![late, early]);
        let at: Vec<_> = turns.iter().map(|turn| (turn.at_ms, turn.paused)).collect();
        assert_eq!(at, [(300_000, true), (1_800_000, false)]);
        assert_eq!(turns[1].settings.rate_per_minute, 90);
    }

    #[test]
    fn a_recorded_sale_brings_its_operators_turns() {
        let opened = Deed::Acted {
            action: Action::Open,
            from: RoomState::Scheduled,
            to: RoomState::Open,
        };
        // Newest first, and what happened before the figures begin is past.
        let log = [
            entry(700_000, rate(90)),
            entry(660_000, rate(60)),
            entry(220_000, opened),
            entry(10, rate(5)),
        ];
        let steps = recorded(&log, 100_000, FIRST);
        assert_eq!(
            steps,
            [
                Step {
                    paused: true,
                    ..FIRST
                },
                Step { minute: 2, ..FIRST },
                Step {
                    minute: 9,
                    rate: 60,
                    ..FIRST
                },
                Step {
                    minute: 10,
                    rate: 90,
                    ..FIRST
                },
            ]
        );
    }

    #[test]
    fn a_change_that_touches_neither_rate_nor_cap_is_no_turn() {
        assert_eq!(recorded(&[entry(5, rate(600))], 0, FIRST), []);
    }
}
