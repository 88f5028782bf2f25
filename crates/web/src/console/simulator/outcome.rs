//! How a simulated sale went, in sentences.

use leptos::prelude::*;

use super::Run;
use crate::console::words;
use crate::i18n::{fill, fill_counts, use_i18n};
use crate::rooms::say;

#[component]
pub(super) fn Outcomes(
    run: RwSignal<Run>,
    running: RwSignal<bool>,
    fault: RwSignal<Option<String>>,
) -> impl IntoView {
    let i18n = use_i18n();
    let lines = move || {
        let (lang, t) = (i18n.lang(), i18n.console_t());
        let number = |n: u64| say::number(lang, n);
        let time = |ms: u64| words::time(lang, ms);
        run.with(|run| {
            let outcome = run.outcome;
            let mut lines = vec![fill(
                t.sim_sold,
                &[
                    ("sold", &number(outcome.sold)),
                    ("seats", &number(run.seats)),
                ],
            )];
            if let Some(ms) = outcome.sold_out_ms {
                lines.push(fill(t.sim_sold_out, &[("time", &time(ms))]));
            }
            lines.push(fill(
                t.sim_waits,
                &[
                    ("median", &time(outcome.median_wait_ms)),
                    ("p95", &time(outcome.p95_wait_ms)),
                ],
            ));
            lines.push(fill_counts(
                t.sim_most,
                &[
                    ("waiting", outcome.most_waiting),
                    ("inside", outcome.most_inside),
                ],
                &number,
                &[],
            ));
            lines.push(fill(t.sim_not_in, &[("n", &number(outcome.not_let_in))]));
            lines.push(fill(t.sim_ends, &[("time", &time(outcome.ended_ms))]));
            lines
        })
    };
    view! {
        <section class="panel-box" aria-labelledby="outcome-title">
            <h2 id="outcome-title">{i18n.console(|t| t.sim_outcome)}</h2>
            <p role="status" class="small muted">{move || match (fault.get(), running.get()) {
                (Some(no), _) => fill(i18n.console_t().sim_fault, &[("fault", &no)]),
                (None, true) => i18n.console_t().sim_running.to_owned(),
                (None, false) => String::new(),
            }}</p>
            <ul class="outcome">{move || lines().into_iter().map(|line| view! { <li>{line}</li> }).collect_view()}</ul>
        </section>
    }
}
