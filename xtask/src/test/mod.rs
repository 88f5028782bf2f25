//! `cargo xtask test`: every check there is, in parts that may overlap.
//!
//! Two lanes: native compiling and testing in one, the browser's toolchain, app and tests in the
//! other. What needs both (the server with the app inside, and a real browser in front of it) comes
//! last. Nothing is skipped in silence: a part that cannot run is a failed test with its reason.

mod api;
pub(crate) mod browser;
mod cargo;
mod deploy;
mod gate;
pub(crate) mod kafka;
mod next;
mod production;
mod seed;
mod tally;

use std::{
    process::ExitCode,
    sync::{Mutex, OnceLock},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};
use clap::ValueEnum;

use self::{cargo::Filter, tally::Tally};
use crate::{
    apt, chores, exec, postgres,
    screen::{self, Screen, Step},
    toolchain::{self, Wasm},
    web,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Parts to run, or one word that a test's name must contain; without any: everything
    ///
    /// Parts: core, xtask, lint, server (on SQLite, PostgreSQL and Redis), kafka (events on a real
    /// Kafka, sums by the minute on a real Flink), web (natively), wasm (booking-core's tests in WebAssembly), gate (the waiting room's
    /// gate at the edge, in node), e2e (a real browser against the real server), api (requests made
    /// from the API's description), deploy (what stands in deploy/, read by the programs it is for),
    /// production (the production profile, whole: its servers restarted and killed while it sells).
    #[arg(value_name = "PART|FILTER")]
    words: Vec<String>,
}

/// The parts, in the order of the table at the end.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    Xtask,
    Core,
    Lint,
    Wasm,
    Gate,
    Web,
    Server,
    Kafka,
    E2e,
    Api,
    Deploy,
    Production,
}

impl Part {
    fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Lint, api, deploy and production are whole or not at all: no test in them has a name to choose
    /// by. Kafka's have one in common.
    fn takes_filter(self) -> bool {
        !matches!(
            self,
            Self::Lint | Self::Api | Self::Deploy | Self::Production | Self::Kafka
        )
    }
}

/// What was asked for.
struct Plan {
    parts: Vec<Part>,
    filter: Option<String>,
}

impl Plan {
    fn read(words: &[String]) -> Result<Self> {
        let mut parts = Vec::new();
        let mut filter = None;
        for word in words {
            if let Ok(part) = Part::from_str(word, true) {
                parts.push(part);
            } else if let Some(earlier) = filter.replace(word.clone()) {
                return Err(anyhow!("one filter at a time: `{earlier}` or `{word}`"));
            }
        }
        if parts.is_empty() {
            parts = Part::value_variants().to_vec();
            parts.retain(|part| filter.is_none() || part.takes_filter());
        } else if let Some(word) = &filter
            && let Some(part) = parts.iter().find(|part| !part.takes_filter())
        {
            return Err(anyhow!(
                "the part `{}` knows no filter, so not `{word}`",
                part.name()
            ));
        }
        Ok(Self { parts, filter })
    }

    fn has(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }
}

/// One finished part.
struct Outcome {
    part: Part,
    tally: Tally,
    time: Duration,
}

/// What the lanes share.
struct Run<'a> {
    plan: Plan,
    screen: Screen,
    outcomes: Mutex<Vec<Outcome>>,
    /// The bundle, or why there is none; set once by the browser lane.
    app: &'a OnceLock<Result<(), String>>,
}

pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    let plan = Plan::read(&args.words)?;
    if let Some(filter) = &plan.filter {
        println!("asked for a subset: tests whose names contain `{filter}`");
    }
    let left_out: Vec<_> = Part::value_variants()
        .iter()
        .filter(|p| !plan.has(**p))
        .collect();
    if !left_out.is_empty() {
        let names: Vec<_> = left_out.iter().map(|part| part.name()).collect();
        println!("asked for a subset: not running {}", names.join(", "));
    }
    println!("what is done at random begins with {}", seed::told());
    let app = OnceLock::new();
    let steps = plan.parts.len()
        + if needs_toolchain(&plan) {
            web::STEPS
        } else {
            0
        };
    let run = Run {
        plan,
        screen: Screen::new(steps),
        outcomes: Mutex::default(),
        app: &app,
    };

    thread::scope(|scope| {
        scope.spawn(|| native_lane(&run));
        scope.spawn(|| browser_lane(&run));
    });
    // The browser's tests drive the machine hard; one after the other gives each its time.
    run.part(Part::E2e, |step| {
        run.app_or_reason()?;
        browser::test(step, run.filter())
    });
    run.part(Part::Api, |step| {
        run.app_or_reason()?;
        api::test(step)
    });
    run.part(Part::Deploy, |step| {
        run.app_or_reason()?;
        deploy::test(step)
    });
    run.part(Part::Production, |step| {
        run.app_or_reason()?;
        production::test(step)
    });
    let time = run.screen.elapsed();
    let outcomes = run
        .outcomes
        .into_inner()
        .expect("no part panics while it reports");
    drop(run.screen);
    Ok(report(outcomes, &run.plan, &time))
}

/// The parts that look at the app itself.
const ON_THE_APP: [Part; 4] = [Part::E2e, Part::Api, Part::Deploy, Part::Production];

fn needs_app(plan: &Plan) -> bool {
    ON_THE_APP.iter().any(|part| plan.has(*part))
}

fn needs_toolchain(plan: &Plan) -> bool {
    needs_app(plan) || plan.has(Part::Wasm) || plan.has(Part::Gate)
}

fn native_lane(run: &Run<'_>) {
    run.part(Part::Xtask, |step| {
        cargo::test(step, &["xtask"], &[], run.filter().into())
    });
    run.part(Part::Core, |step| {
        ensure_redis(step)?;
        cargo::test(
            step,
            &["booking-core", "onsale-queue", "onsale-edge-gate"],
            &["--all-features"],
            run.filter().into(),
        )
    });
    run.part(Part::Lint, lint);
    run.part(Part::Web, |step| {
        cargo::test(
            step,
            &["onsale-web", "seat-painter"],
            &[],
            run.filter().into(),
        )
    });
    run.part(Part::Server, |step| {
        // Where the browser's tests follow, built with the app inside, once for both.
        if needs_app(&run.plan) {
            run.app_or_reason()?;
        }
        ensure_redis(step)?;
        postgres::ensure(step)?;
        kafka::ensure_compiler(step)?;
        cargo::test(
            step,
            &["onsale-server"],
            &["--features", SERVER_FEATURES.join(",").as_str()],
            Filter {
                word: run.filter(),
                without: Some(kafka::TESTS),
            },
        )
    });
    run.part(Part::Kafka, |step| {
        kafka::ensure_compiler(step)?;
        kafka::ensure(step)?;
        kafka::ensure_flink(step)?;
        cargo::test(
            step,
            &["onsale-server"],
            &[
                "--features",
                SERVER_FEATURES.join(",").as_str(),
                "--test",
                "it",
            ],
            Filter {
                word: Some(kafka::TESTS),
                without: None,
            },
        )
    });
}

/// With these the server is tested, and driven by a browser: built once for all of it.
pub(crate) const SERVER_FEATURES: [&str; 4] = ["redis", "postgres", "kafka", "traces"];

/// Waiting rooms are held to the real thing.
fn ensure_redis(step: &Step<'_>) -> Result<()> {
    apt::ensure_program(step, "redis-server", &["redis-server"])?;
    apt::ensure_program(step, "redis-sentinel", &["redis-sentinel"])
}

fn browser_lane(run: &Run<'_>) {
    if !needs_toolchain(&run.plan) {
        return;
    }
    let wasm = toolchain::ensure(&run.screen);
    let app = match &wasm {
        Ok(_) if !needs_app(&run.plan) => Ok(()),
        Ok(wasm) => web::ensure(&run.screen, wasm, web::Args::RELEASE)
            .map(drop)
            .map_err(|error| format!("the web app does not build: {error:#}")),
        Err(error) => Err(format!("there is no toolchain for the browser: {error:#}")),
    };
    run.app.set(app).expect("only this lane makes the app");
    run.part(Part::Wasm, |step| {
        let wasm: &Wasm = wasm.as_ref().map_err(|error| anyhow!("{error:#}"))?;
        cargo::test_in_wasm(step, wasm, "booking-core", run.filter())
    });
    run.part(Part::Gate, |step| {
        let wasm: &Wasm = wasm.as_ref().map_err(|error| anyhow!("{error:#}"))?;
        gate::test(step, wasm, run.filter())
    });
}

impl Run<'_> {
    fn filter(&self) -> Option<&str> {
        self.plan.filter.as_deref()
    }

    /// Runs a part if it was asked for; whatever goes wrong in it is a failed test.
    fn part(&self, part: Part, work: impl FnOnce(&Step<'_>) -> Result<Tally>) {
        if !self.plan.has(part) {
            return;
        }
        let started = Instant::now();
        let mut tally = Tally::default();
        let _ = self.screen.step(format!("test {}", part.name()), |step| {
            match work(step) {
                Ok(counted) => tally = counted,
                Err(error) => tally.fail(format!("{error:#}")),
            }
            for failure in tally.failures() {
                step.say(format!("✗ {failure}"));
            }
            if tally.failures().is_empty() {
                Ok(())
            } else {
                Err(anyhow!("tests failed"))
            }
        });
        let outcome = Outcome {
            part,
            tally,
            time: started.elapsed(),
        };
        self.outcomes
            .lock()
            .expect("no part panics while it reports")
            .push(outcome);
    }

    /// Waits for the browser lane.
    fn app_or_reason(&self) -> Result<()> {
        self.app.wait().clone().map_err(|reason| anyhow!(reason))
    }
}

fn lint(step: &Step<'_>) -> Result<Tally> {
    let mut tally = Tally::default();
    for (name, mut command) in chores::lints() {
        match exec::logged(step, &format!("lint-{name}"), &mut command) {
            Ok(()) => tally.pass(1),
            Err(error) => tally.fail(format!("{name}: {error:#}")),
        }
    }
    Ok(tally)
}

/// The table, the failures and, alone on the last line, the sum.
fn report(mut outcomes: Vec<Outcome>, plan: &Plan, time: &str) -> ExitCode {
    outcomes.sort_by_key(|outcome| plan.parts.iter().position(|part| *part == outcome.part));
    println!("\n{:<10} {:>7} {:>7}  time", "part", "passed", "failed");
    let mut sum = Tally::default();
    for Outcome { part, tally, time } in &outcomes {
        let (passed, failed) = (tally.passed(), tally.failures().len());
        println!(
            "{:<10} {passed:>7} {failed:>7}  {}",
            part.name(),
            screen::elapsed(*time)
        );
        sum.pass(passed);
        for failure in tally.failures() {
            sum.fail(format!("{}: {failure}", part.name()));
        }
    }
    if !sum.failures().is_empty() {
        println!("\nfailed:");
        for failure in sum.failures() {
            println!("  {failure}");
        }
    }
    // A filter that matches nothing has tested nothing.
    let empty = sum.passed() == 0 && sum.failures().is_empty();
    if empty {
        println!("no test matches");
    }
    println!(
        "\nin {time}\n{} passed, {} failed",
        sum.passed(),
        sum.failures().len()
    );
    if sum.failures().is_empty() && !empty {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
