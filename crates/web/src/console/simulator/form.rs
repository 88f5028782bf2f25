//! What a sale is made of, as a form: who comes, the settings it begins with, who they are.

use leptos::prelude::*;
use leptos::task::spawn_local;
use onsale_queue::Settings;
use onsale_queue::simulator::{Between, Scenario, Span as Arrivals, Turn, recorded};

use super::turns::{self, Row, Step, Turns};
use crate::api::{self, RoomDetail};
use crate::i18n::{ConsoleKey, use_i18n};

const MINUTE_MS: u64 = 60_000;
/// A day of figures, and as much of the log as is kept.
const RECORDED: u32 = 8_640;
const RECORDED_LOG: u32 = 2_000;

/// One number of the form.
pub(super) struct Field {
    label: ConsoleKey,
    /// Shown first.
    pub(super) initial: u64,
    most: u64,
}

/// Where two of them stand in it.
const RATE: usize = 5;
const CAP: usize = 6;

/// In the order of the form; [`scenario`] takes them by their index.
pub(super) const FIELDS: [Field; 18] = [
    Field {
        label: |t| t.sim_gathered,
        initial: 3_000,
        most: 2_000_000,
    },
    Field {
        label: |t| t.sim_rush,
        initial: 12_000,
        most: 2_000_000,
    },
    Field {
        label: |t| t.sim_rush_min,
        initial: 10,
        most: 600,
    },
    Field {
        label: |t| t.sim_tail,
        initial: 5_000,
        most: 1_000_000,
    },
    Field {
        label: |t| t.sim_tail_min,
        initial: 50,
        most: 1_440,
    },
    Field {
        label: |t| t.rate,
        initial: 600,
        most: 1_000_000,
    },
    Field {
        label: |t| t.cap,
        initial: 1_500,
        most: 1_000_000,
    },
    Field {
        label: |t| t.sim_claim,
        initial: 120,
        most: 3_600,
    },
    Field {
        label: |t| t.f_shop,
        initial: 900,
        most: 21_600,
    },
    Field {
        label: |t| t.sim_seats,
        initial: 15_000,
        most: 1_000_000,
    },
    Field {
        label: |t| t.sim_conversion,
        initial: 70,
        most: 100,
    },
    Field {
        label: |t| t.sim_health,
        initial: 100,
        most: 100,
    },
    Field {
        label: |t| t.sim_shopping,
        initial: 60,
        most: 21_600,
    },
    Field {
        label: |t| t.sim_shopping_most,
        initial: 300,
        most: 21_600,
    },
    Field {
        label: |t| t.sim_patience,
        initial: 20,
        most: 1_440,
    },
    Field {
        label: |t| t.sim_patience_most,
        initial: 120,
        most: 1_440,
    },
    Field {
        label: |t| t.sim_places,
        initial: 1,
        most: 100,
    },
    Field {
        label: |t| t.sim_places_most,
        initial: 4,
        most: 100,
    },
];

/// The numbers of the form as a scenario.
pub(super) fn scenario(n: &[u64], arrivals: Option<Vec<Arrivals>>, turns: Vec<Turn>) -> Scenario {
    let at = |i: usize| n.get(i).copied().unwrap_or(0);
    let small = |i: usize| u32::try_from(at(i)).unwrap_or(u32::MAX);
    let between = |i: usize, times: u64| Between {
        least: at(i) * times,
        most: at(i + 1) * times,
    };
    let form = || {
        vec![
            Arrivals {
                for_ms: at(2) * MINUTE_MS,
                visitors: at(1),
            },
            Arrivals {
                for_ms: at(4) * MINUTE_MS,
                visitors: at(3),
            },
        ]
        .into_iter()
        .filter(|span| span.for_ms > 0)
        .collect()
    };
    Scenario {
        turns,
        gathered: if arrivals.is_some() { 0 } else { at(0) },
        arrivals: arrivals.unwrap_or_else(form),
        settings: Settings {
            rate_per_minute: small(RATE),
            cap: small(CAP),
        },
        claim_ms: at(7) * 1_000,
        shop_ms: at(8) * 1_000,
        seats: at(9),
        conversion_permille: at(10) * 10,
        health_permille: u16::try_from(at(11) * 10).unwrap_or(1_000),
        shopping_ms: between(12, 1_000),
        patience_ms: between(14, MINUTE_MS),
        places: between(16, 1),
        ..Scenario::default()
    }
}

#[component]
pub(super) fn Form(
    numbers: [RwSignal<u64>; FIELDS.len()],
    arrivals: RwSignal<Option<Vec<Arrivals>>>,
    turns: RwSignal<Vec<Row>>,
) -> impl IntoView {
    let i18n = use_i18n();
    // Who may not see rooms simulates all the same.
    let rooms = LocalResource::new(|| async { api::operator_rooms().await.unwrap_or_default() });
    let choose = move |event: web_sys::Event| {
        let id = event_target_value(&event);
        if id.is_empty() {
            return arrivals.set(None);
        }
        spawn_local(async move {
            if let Ok(history) = api::figures(&id, RECORDED).await {
                let _ = arrivals.try_set(Some(recorded(&history.points)));
                let began = history
                    .points
                    .first()
                    .map(|first| (first.at_ms, first.rate_per_minute, first.cap));
                if let (Some((from_ms, rate, cap)), Ok(log)) =
                    (began, api::audit_log(&id, RECORDED_LOG).await)
                {
                    let first = Step {
                        minute: 0,
                        rate: rate.into(),
                        cap: cap.into(),
                        paused: false,
                    };
                    let steps = turns::recorded(&log, from_ms, first);
                    let _ =
                        turns.try_update(|turns| *turns = steps.into_iter().map(Row::of).collect());
                }
            }
            if let Ok(RoomDetail { settings, .. }) = api::operator_room(&id).await {
                numbers[RATE].set(settings.rate_per_minute.into());
                numbers[CAP].set(settings.cap.into());
                numbers[7].set(u64::from(settings.claim_ms / 1_000));
                numbers[8].set(u64::from(settings.shop_ms / 1_000));
            }
        });
    };
    let inputs = FIELDS
        .iter()
        .zip(numbers)
        .map(|(field, value)| {
            let input = move |event: web_sys::Event| {
                // An empty field counts as 0 while somebody types.
                let n = event_target_value(&event).trim().parse().unwrap_or(0);
                value.set(u64::min(n, field.most));
            };
            view! {
                <label class="console-field">
                    <span>{i18n.console(field.label)}</span>
                    <input type="number" inputmode="numeric" min="0" max=field.most.to_string()
                        prop:value=move || value.get().to_string() on:input=input/>
                </label>
            }
        })
        .collect_view();
    view! {
        <form class="panel-box console-form console-form--dense" on:submit=|event| event.prevent_default()>
            <label class="console-field">
                <span>{i18n.console(|t| t.sim_recorded)}</span>
                <select on:change=choose>
                    <option value="">{i18n.console(|t| t.sim_from_form)}</option>
                    {move || rooms.get().map(|rooms| rooms.into_iter().map(|room| view! {
                        <option value=room.id>{room.settings.name}</option>
                    }).collect_view())}
                </select>
            </label>
            <div class="console-fields">{inputs}</div>
            <Turns turns now=Signal::derive(move || (numbers[RATE].get(), numbers[CAP].get()))/>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use onsale_queue::simulator::Simulation;

    use super::*;

    fn initial() -> Vec<u64> {
        FIELDS.iter().map(|field| field.initial).collect()
    }

    #[test]
    fn what_the_form_begins_with_runs_and_respects_the_cap() {
        let scenario = scenario(&initial(), None, Vec::new());
        let sale = Simulation::new(scenario.clone()).unwrap().run(1_000);
        assert!(sale.outcome.most_inside <= u64::from(scenario.settings.cap));
        assert!(sale.outcome.sold > 0 && sale.outcome.sold <= scenario.seats);
    }

    #[test]
    fn a_recorded_sale_takes_the_place_of_the_forms_arrivals() {
        let arrivals = vec![Arrivals {
            for_ms: 60_000,
            visitors: 7,
        }];
        let scenario = scenario(&initial(), Some(arrivals.clone()), Vec::new());
        assert_eq!((scenario.gathered, scenario.arrivals), (0, arrivals));
    }
}
